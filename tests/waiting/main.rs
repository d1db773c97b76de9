//! What waiting for many rings at once promises: in a call, in an event loop, in async code.

#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "async")]
mod asynchronous;
mod bridges;
mod cancelling;
mod endings;
mod fallbacks;
mod reading;
mod sets;
mod sleeping;

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use ringfence::{Doorbell, WaitSet};

#[global_allocator]
static ALLOCATOR: common::Counting = common::Counting;

/// Long enough for the slowest machine; passing it means that somebody hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until something is ready, and says what.
fn ready<K: Copy>(set: &mut WaitSet<K>) -> Vec<K> {
    let mut ready = Vec::new();
    set.wait_timeout(&mut ready, PATIENCE).expect("a doorbell that rings");
    ready
}

/// What is ready now.
fn polled<K: Copy>(set: &mut WaitSet<K>) -> Vec<K> {
    let mut ready = Vec::new();
    assert_eq!(set.poll(&mut ready), ready.len());
    ready
}

/// A set of one doorbell.
fn alone(doorbell: Doorbell) -> WaitSet<()> {
    let mut set = WaitSet::new();
    set.add(doorbell, ()).expect("a doorbell");
    set
}

/// Processor time that the calling thread has used.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock").into()
}
