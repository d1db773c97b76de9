//! Promises that cross processes, checked with real ones.
//!
//! The test binary runs itself again in one of the roles of `roles.rs`, `sleepers.rs`, `subscribers.rs` and `workers.rs`:
//! started with `--role NAME RING …`, it takes part in a ring, says on standard output what it did, and is killed, stopped
//! or spoken to on standard input by its test.

#![allow(missing_docs, clippy::disallowed_types)]

#[path = "../common/mod.rs"]
mod common;

mod barriers;
mod child;
mod endings;
mod fanout;
mod faults;
mod filters;
mod liveness;
mod many;
mod pauses;
mod removal;
mod roles;
mod sleepers;
mod sleeping;
mod subscribers;
mod system_calls;
mod takeover;
mod times;
mod workers;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|it| it == "--role") {
        return roles::play(&arguments[2..]);
    }
    let trials = [
        barriers::trials(),
        endings::trials(),
        fanout::trials(),
        faults::trials(),
        liveness::trials(),
        many::trials(),
        removal::trials(),
        sleeping::trials(),
        system_calls::trials(),
        takeover::trials(),
    ];
    let trials = trials.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok::<(), Failed>(())
    })
}

/// How large a test is: `long` where the environment variable `RINGFENCE_LONG` is set.
fn size(short: u64, long: u64) -> u64 {
    if std::env::var_os("RINGFENCE_LONG").is_some() { long } else { short }
}
