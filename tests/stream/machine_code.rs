//! What the compiler makes of the hot paths: no fence, no instruction that locks a line and so drains the store buffer, and
//! no call into another object, hence no system call.
//!
//! Each probe is a call of the public surface in a function of its own, inspected with all that it calls.

#![cfg_attr(debug_assertions, allow(dead_code, reason = "only optimised code is looked at"))]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the canaries are what is forbidden")]

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use ringfence::stream::{Reader, Writer};
use ringfence::{PopError, Position, PushError};

use crate::common::machine_code;

/// Parts of the names of functions that a push or a pop which succeeds at once does not call. The first one looks after
/// sleepers.
const RARE: [&str; 9] = [
    "ring_slowly",
    "absent",
    "blocked",
    "panicking",
    "push_rest",
    "retry",
    "check_closely",
    "corrupted",
    "stopped",
];

#[inline(never)]
fn probe_try_push(tx: &mut Writer<u64>, value: u64) -> Result<Position, PushError> {
    tx.try_push(value)
}

#[inline(never)]
fn probe_push_slice(tx: &mut Writer<u32>, values: &[u32]) -> Result<usize, PushError> {
    tx.push_slice(values)
}

#[inline(never)]
fn probe_claim_slice(tx: &mut Writer<u64>, values: &[u64]) -> Result<Position, PushError> {
    let mut claim = tx.try_claim_slice(values.len())?;
    claim.append_slice(values);
    claim.commit()
}

#[inline(never)]
fn probe_try_push_record(tx: &mut Writer<[u8]>, bytes: &[u8]) -> Result<Position, PushError> {
    tx.try_push(bytes)
}

#[inline(never)]
fn probe_claim_record(tx: &mut Writer<[u8]>, bytes: &[u8]) -> Result<Position, PushError> {
    let mut claim = tx.try_claim(100)?;
    claim.append(bytes)?;
    claim.commit()
}

#[inline(never)]
fn probe_try_pop(rx: &mut Reader<u64>) -> Result<u64, PopError> {
    rx.try_pop()
}

#[inline(never)]
fn probe_pop_slice(rx: &mut Reader<u32>, values: &mut [u32]) -> Result<usize, PopError> {
    rx.pop_slice(values)
}

#[inline(never)]
fn probe_read_slice(rx: &mut Reader<u64>) -> Result<u64, PopError> {
    let items = rx.try_read_slice(100)?;
    let sum = items.iter().fold(0, u64::wrapping_add);
    items.release();
    Ok(sum)
}

#[inline(never)]
fn probe_read_record(rx: &mut Reader<[u8]>, buffer: &mut [u8]) -> Result<usize, PopError> {
    let read = rx.try_read()?;
    let count = read.copy_to(buffer);
    read.release();
    Ok(count)
}

#[inline(never)]
fn canary_fence(tx: &mut Writer<u64>, value: u64) -> Result<Position, PushError> {
    let position = tx.try_push(value);
    fence(Ordering::SeqCst);
    position
}

#[inline(never)]
fn canary_exchange(rx: &mut Reader<u64>, word: &AtomicU64) -> Result<u64, PopError> {
    word.swap(1, Ordering::Relaxed);
    rx.try_pop()
}

/// Keeps the probes in the binary.
fn keep_probes() {
    black_box((
        probe_try_push as fn(&mut _, _) -> _,
        probe_push_slice as fn(&mut _, &_) -> _,
        probe_claim_slice as fn(&mut _, &_) -> _,
        probe_try_push_record as fn(&mut _, &_) -> _,
        probe_claim_record as fn(&mut _, &_) -> _,
        probe_try_pop as fn(&mut _) -> _,
        probe_pop_slice as fn(&mut _, &mut _) -> _,
        probe_read_slice as fn(&mut _) -> _,
        probe_read_record as fn(&mut _, &mut _) -> _,
    ));
    black_box((canary_fence as fn(&mut _, _) -> _, canary_exchange as fn(&mut _, &_) -> _));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "optimised code only: cargo test --release --test stream machine_code")]
fn pushes_and_pops_run_no_fence_no_locked_instruction_and_no_call_into_the_system() {
    keep_probes();
    let probes = [
        "probe_try_push",
        "probe_push_slice",
        "probe_claim_slice",
        "probe_try_push_record",
        "probe_claim_record",
        "probe_try_pop",
        "probe_pop_slice",
        "probe_read_slice",
        "probe_read_record",
    ];
    machine_code::inspect(&probes, &RARE, |name, found| {
        assert_eq!(found.forbidden, [""; 0], "{name}");
        assert!(found.rare.iter().any(|it| it.contains(RARE[0])), "{name} has no way to wake anybody");
    });
}

#[test]
#[cfg_attr(debug_assertions, ignore = "optimised code only: cargo test --release --test stream machine_code")]
fn a_fence_and_a_locked_instruction_are_found() {
    keep_probes();
    machine_code::inspect(&["canary_fence", "canary_exchange"], &RARE, |name, found| {
        assert_eq!(found.forbidden.len(), 1, "{name}");
    });
}
