//! Promises about sending from a stream to descriptors and filling one from them: nothing lost, nothing changed under the
//! receiver's eyes, whatever the descriptor, the mode, the errors and the deaths on the way.
//!
//! The test binary runs itself again in one of the roles of `roles.rs`: started with `--role NAME RING …`.

#![allow(missing_docs, clippy::disallowed_types)]

#[path = "../processes/child.rs"]
#[allow(dead_code, reason = "this binary uses a part of it")]
mod child;
#[path = "../common/mod.rs"]
mod common;

mod bulk;
mod deaths;
mod delivery;
mod errors;
mod filling;
mod links;
mod pieces;
#[path = "../../examples/pipe.rs"]
#[allow(dead_code, reason = "its main is the example's")]
mod pipe;
mod piping;
mod reuse;
mod roles;
mod sends;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|it| it == "--role") {
        return roles::play(&arguments[2..]);
    }
    let trials = [
        bulk::trials(),
        deaths::trials(),
        delivery::trials(),
        errors::trials(),
        filling::trials(),
        pieces::trials(),
        piping::trials(),
        reuse::trials(),
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
