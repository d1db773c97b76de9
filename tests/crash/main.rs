//! The crash laboratory: participants killed and stopped at every instruction of what they do, and all the time.
//!
//! Prints a line for each operation: at how many instructions its victims fell, and what came of it.

#![allow(missing_docs, clippy::disallowed_types)]

#[path = "../common/mod.rs"]
mod common;

mod books;
mod broadcast;
#[cfg(target_arch = "x86_64")]
mod canaries;
mod item;
mod journal;
mod kind;
#[cfg(target_arch = "x86_64")]
mod laboratory;
mod mpmc;
#[cfg(target_arch = "x86_64")]
mod pair;
mod process;
#[cfg(target_arch = "x86_64")]
mod queue;
mod rings;
mod soak;
mod spsc;
#[cfg(target_arch = "x86_64")]
mod stepping;
mod stream;
#[cfg(target_arch = "x86_64")]
mod victim;

use std::sync::Mutex;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::books::Tally;

fn main() {
    let mut arguments = Arguments::from_args();
    // Victims are forked, and traced by the thread that forks them.
    arguments.test_threads = Some(1);
    let mut trials = soak::trials();
    trials.extend(broadcast::soak::trials());
    #[cfg(target_arch = "x86_64")]
    if victim::Victim::is_refused() {
        println!("skipped: single steps (ptrace is refused here)");
    } else {
        trials.extend(stepping::trials());
        trials.extend(canaries::trials());
        trials.extend(broadcast::canaries::trials());
    }
    #[cfg(not(target_arch = "x86_64"))]
    println!("skipped: single steps (made for x86-64)");
    let conclusion = libtest_mimic::run(&arguments, trials);
    let lines = LINES.lock().expect("no panic");
    lines.iter().for_each(|line| println!("{line}"));
    conclusion.exit();
}

/// What the trials found, in lines that are printed behind one another in the end.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn report(line: String) {
    LINES.lock().expect("no panic").push(line);
}

fn trial(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok::<(), Failed>(())
    })
}

/// How large a test is: `long` where the environment variable `RINGFENCE_LONG` is set.
fn size<T>(short: T, long: T) -> T {
    if std::env::var_os("RINGFENCE_LONG").is_some() { long } else { short }
}

/// Fails with what is known of a tally that is not clean.
fn expect_clean(tally: &Tally) {
    let first: Vec<_> = tally.complaints.iter().take(20).map(String::as_str).collect();
    assert!(tally.is_clean(), "{} complaints:\n{}", tally.complaints.len(), first.join("\n"));
}
