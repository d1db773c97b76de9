//! Models: every interleaving, and every value that the memory model allows a load to return, of the algorithms as
//! they run in production.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release -p ringfence-models --target-dir target/loom`. Without `--cfg loom` there
//! is nothing here. The models are exhaustive up to three preemptions; two, or one, where three threads are at work or several
//! sleep at one bell; `RINGFENCE_LOOM_FULL=1` removes that bound. `-- --nocapture` says how many executions there were.
#![cfg(all(test, loom))]

mod broadcast;
mod doorbell;
mod edges;
mod mpmc;
mod spsc;

use std::sync::{Arc, Mutex};

use ringfence::model::futex::{Whom, boot};

/// Runs `model` in every interleaving.
fn check(model: impl Fn() + Sync + Send + 'static) {
    explore(3, Whom::Oldest, model);
}

/// Runs `model`, in which three are at work, in every interleaving of up to two preemptions.
fn check_three(model: impl Fn() + Sync + Send + 'static) {
    explore(2, Whom::Oldest, model);
}

/// Runs `model`, in which three are at work that take many steps, in every interleaving of up to one preemption.
fn check_long(model: impl Fn() + Sync + Send + 'static) {
    explore(1, Whom::Oldest, model);
}

/// Runs `model`, in which several sleep at one bell, in every interleaving, whomever the kernel chooses to wake.
///
/// Up to two preemptions: with three or four threads that sleep and ring by turns, three of them take minutes.
fn check_crowd(model: impl Fn() + Sync + Send + 'static) {
    let model = Arc::new(model);
    for whom in [Whom::Oldest, Whom::Newest] {
        let model = Arc::clone(&model);
        explore(2, whom, move || model());
    }
}

fn explore(preemptions: usize, whom: Whom, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    if std::env::var_os("RINGFENCE_LOOM_FULL").is_none() {
        builder.preemption_bound = Some(preemptions);
    }
    let executions = Arc::new(Mutex::new(0));
    let count = Arc::clone(&executions);
    builder.check(move || {
        *count.lock().expect("no panic") += 1;
        boot(whom);
        model();
    });
    println!("{} executions", executions.lock().expect("no panic"));
}
