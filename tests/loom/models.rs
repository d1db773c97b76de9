//! Models: every interleaving, and every value that the memory model allows a load to return, of the algorithms as
//! they run in production.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release -p ringfence-models --target-dir target/loom`. Without `--cfg loom` there is nothing here. The models
//! are exhaustive up to three preemptions; `RINGFENCE_LOOM_FULL=1` removes that bound.
#![cfg(all(test, loom))]

mod edges;
mod spsc;

/// Runs `model` in every interleaving.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    if std::env::var_os("RINGFENCE_LOOM_FULL").is_none() {
        builder.preemption_bound = Some(3);
    }
    builder.check(model);
}
