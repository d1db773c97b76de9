//! What the compiler makes of the hot paths: no fence, and no instruction that locks a line and so drains the store
//! buffer.
//!
//! Each probe is a call of the public surface in a function of its own, inspected with all that it calls.

#![cfg_attr(debug_assertions, allow(dead_code, reason = "only optimised code is looked at"))]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the canaries are what is forbidden")]

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use ringfence::spsc::{Consumer, Producer};
use ringfence::{PopError, Position, PushError};

use self::decoded::Found;

#[path = "../common/machine_code.rs"]
mod decoded;

/// Parts of the names of functions that a push or a pop which succeeds at once does not call. The first one looks after
/// sleepers.
const RARE: [&str; 8] =
    ["ring_slowly", "absent", "blocked", "panicking", "pop_rarely", "push_rest", "retry", "check_closely"];

#[inline(never)]
fn probe_try_push(tx: &mut Producer<u64>, value: u64) -> Result<Position, PushError> {
    tx.try_push(value)
}

#[inline(never)]
fn probe_push(tx: &mut Producer<[u64; 8]>, value: &[u64; 8]) -> Result<Position, PushError> {
    tx.push(*value)
}

#[inline(never)]
fn probe_push_slice(tx: &mut Producer<u64>, values: &[u64]) -> Result<usize, PushError> {
    tx.push_slice(values)
}

#[inline(never)]
fn probe_claim(tx: &mut Producer<u64>, value: u64) -> Result<Position, PushError> {
    tx.try_claim()?.write(value).commit()
}

#[inline(never)]
fn probe_try_push_bytes(tx: &mut Producer<[u8]>, bytes: &[u8]) -> Result<Position, PushError> {
    tx.try_push(bytes)
}

#[inline(never)]
fn probe_try_pop(rx: &mut Consumer<u64>) -> Result<u64, PopError> {
    rx.try_pop()
}

#[inline(never)]
fn probe_pop_slice(rx: &mut Consumer<u64>, values: &mut [u64]) -> Result<usize, PopError> {
    rx.pop_slice(values)
}

#[inline(never)]
fn probe_read(rx: &mut Consumer<u64>) -> Result<u64, PopError> {
    let item = rx.try_read()?;
    let value = item.get();
    item.release();
    Ok(value)
}

#[inline(never)]
fn canary_fence(tx: &mut Producer<u64>, value: u64) -> Result<Position, PushError> {
    let position = tx.try_push(value);
    fence(Ordering::SeqCst);
    position
}

#[inline(never)]
fn canary_exchange(tx: &mut Producer<u64>, word: &AtomicU64) -> Result<Position, PushError> {
    tx.try_push(word.swap(1, Ordering::Relaxed))
}

#[inline(never)]
fn canary_callee(tx: &mut Producer<u64>, word: &AtomicU64) -> Result<Position, PushError> {
    callee_that_locks(word);
    tx.try_push(1)
}

#[inline(never)]
fn callee_that_locks(word: &AtomicU64) {
    word.fetch_add(1, Ordering::Relaxed);
}

/// Keeps the probes in the binary.
fn keep_probes() {
    black_box((
        probe_try_push as fn(&mut _, _) -> _,
        probe_push as fn(&mut _, &_) -> _,
        probe_push_slice as fn(&mut _, &_) -> _,
        probe_claim as fn(&mut _, _) -> _,
        probe_try_push_bytes as fn(&mut _, &_) -> _,
        probe_try_pop as fn(&mut _) -> _,
        probe_pop_slice as fn(&mut _, &mut _) -> _,
        probe_read as fn(&mut _) -> _,
    ));
    black_box((
        canary_fence as fn(&mut _, _) -> _,
        canary_exchange as fn(&mut _, &_) -> _,
        canary_callee as fn(&mut _, &_) -> _,
    ));
}

fn inspect(names: &[&str], check: impl Fn(&str, Found)) {
    keep_probes();
    decoded::inspect(names, &RARE, check);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "optimised code only: cargo test --release --test spsc machine_code")]
fn pushes_and_pops_run_no_fence_and_no_locked_instruction() {
    let probes = [
        "probe_try_push",
        "probe_push",
        "probe_push_slice",
        "probe_claim",
        "probe_try_push_bytes",
        "probe_try_pop",
        "probe_pop_slice",
        "probe_read",
    ];
    inspect(&probes, |name, found| {
        assert_eq!(found.forbidden, [""; 0], "{name}");
        assert!(found.rare.iter().any(|it| it.contains(RARE[0])), "{name} has no way to wake anybody");
    });
}

#[test]
#[cfg_attr(debug_assertions, ignore = "optimised code only: cargo test --release --test spsc machine_code")]
fn a_fence_and_a_locked_instruction_are_found_wherever_they_are() {
    inspect(&["canary_fence", "canary_exchange", "canary_callee"], |name, found| {
        assert_eq!(found.forbidden.len(), 1, "{name}");
    });
}
