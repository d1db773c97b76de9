//! Promises that cross processes, checked with real ones.
//!
//! The test binary runs itself again in one of the roles of `roles.rs`: started with `--role NAME RING …`, it takes part
//! in a ring, says on standard output what it did, and is killed, stopped or spoken to on standard input by its test.

#![allow(missing_docs, clippy::disallowed_types)]

mod child;
mod liveness;
mod removal;
mod roles;
mod takeover;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|it| it == "--role") {
        return roles::play(&arguments[2..]);
    }
    let trials = [liveness::trials(), removal::trials(), takeover::trials()].into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok::<(), Failed>(())
    })
}
