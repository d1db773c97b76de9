//! What the compiler makes of the hot paths: while nobody sleeps, a publication and a receive run no fence, no instruction
//! that locks a line and so drains the store buffer, and no system call.
//!
//! Each probe is a call of the public surface in a function of its own. That a look at what is forbidden finds it:
//! `tests/spsc/machine_code.rs`.

#![cfg_attr(debug_assertions, allow(dead_code, reason = "only optimised code is looked at"))]

use std::hint::black_box;

use ringfence::broadcast::{GatedSubscriber, Publisher, Subscriber};
use ringfence::{Position, PushError, RecvError};

use crate::common::machine_code::{self, Found};

/// Parts of the names of functions that a publication or a receive which succeeds at once does not call. The first one looks
/// after sleepers.
const RARE: [&str; 7] =
    ["ring_slowly", "absent", "blocked", "stopped", "panicking", "receive_rarely", "check_closely"];

/// The part of a publication that asks the gates: where the room known of is used up, once a lap at least.
const ASKS_THE_GATES: &str = "6Writer4look";

#[inline(never)]
fn probe_try_publish(tx: &mut Publisher<u64>, value: u64) -> Result<Position, PushError> {
    tx.try_publish(value)
}

#[inline(never)]
fn probe_publish_slice(tx: &mut Publisher<u64>, values: &[u64]) -> Result<usize, PushError> {
    tx.try_publish_slice(values)
}

#[inline(never)]
fn probe_claim(tx: &mut Publisher<u64>, value: u64) -> Result<Position, PushError> {
    tx.try_claim()?.write(value).commit()
}

#[inline(never)]
fn probe_try_publish_bytes(tx: &mut Publisher<[u8]>, bytes: &[u8]) -> Result<Position, PushError> {
    tx.try_publish(bytes)
}

#[inline(never)]
fn probe_try_recv(rx: &mut Subscriber<u64>) -> Result<u64, RecvError> {
    rx.try_recv()
}

#[inline(never)]
fn probe_try_recv_slice(rx: &mut Subscriber<u64>, values: &mut [u64]) -> Result<usize, RecvError> {
    rx.try_recv_slice(values)
}

#[inline(never)]
fn probe_latest(rx: &mut Subscriber<u64>) -> Result<u64, RecvError> {
    rx.latest()
}

#[inline(never)]
fn probe_gated_try_recv(rx: &mut GatedSubscriber<u64>) -> Result<u64, RecvError> {
    rx.try_recv()
}

#[inline(never)]
fn probe_gated_read(rx: &mut GatedSubscriber<u64>) -> Result<u64, RecvError> {
    let item = rx.try_read()?;
    let value = item.get();
    item.release();
    Ok(value)
}

/// Keeps the probes in the binary.
fn keep_probes() {
    black_box((
        probe_try_publish as fn(&mut _, _) -> _,
        probe_publish_slice as fn(&mut _, &_) -> _,
        probe_claim as fn(&mut _, _) -> _,
        probe_try_publish_bytes as fn(&mut _, &_) -> _,
        probe_try_recv as fn(&mut _) -> _,
        probe_try_recv_slice as fn(&mut _, &mut _) -> _,
        probe_latest as fn(&mut _) -> _,
        probe_gated_try_recv as fn(&mut _) -> _,
        probe_gated_read as fn(&mut _) -> _,
    ));
}

fn inspect(names: &[&str], rare: &[&str], check: impl Fn(&str, Found)) {
    keep_probes();
    machine_code::inspect(names, rare, check);
}

const PUBLICATIONS: [&str; 4] =
    ["probe_try_publish", "probe_publish_slice", "probe_claim", "probe_try_publish_bytes"];

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "optimised code only: cargo test --release --test broadcast machine_code"
)]
fn publications_run_no_fence_no_locked_instruction_and_no_system_call() {
    let rare: Vec<_> = RARE.into_iter().chain([ASKS_THE_GATES]).collect();
    inspect(&PUBLICATIONS, &rare, |name, found| {
        assert_eq!(found.forbidden, [""; 0], "{name}");
        assert!(found.rare.iter().any(|it| it.contains(RARE[0])), "{name} has no way to wake anybody");
    });
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "optimised code only: cargo test --release --test broadcast machine_code"
)]
fn a_publication_that_asks_the_gates_runs_one_fence_at_most_and_no_system_call() {
    inspect(&PUBLICATIONS, &RARE, |name, found| {
        let [fence] = &found.forbidden[..] else { panic!("{name}: {:?}", found.forbidden) };
        assert!(fence.contains(ASKS_THE_GATES), "{name}: {fence}");
    });
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "optimised code only: cargo test --release --test broadcast machine_code"
)]
fn receives_run_no_fence_no_locked_instruction_and_no_system_call() {
    let probes = ["probe_try_recv", "probe_try_recv_slice", "probe_latest"];
    inspect(&probes, &RARE, |name, found| {
        assert_eq!(found.forbidden, [""; 0], "{name}");
        assert!(!found.rare.iter().any(|it| it.contains(RARE[0])), "{name} wakes somebody");
    });
    inspect(&["probe_gated_try_recv", "probe_gated_read"], &RARE, |name, found| {
        assert_eq!(found.forbidden, [""; 0], "{name}");
        assert!(found.rare.iter().any(|it| it.contains(RARE[0])), "{name} has no way to wake anybody");
    });
}
