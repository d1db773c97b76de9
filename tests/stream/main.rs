//! What streams promise to whoever uses them through the public surface, over the heap and over shared memory: elements,
//! records and byte streams.

#![cfg(not(loom))]
#![allow(
    clippy::forget_non_drop,
    reason = "that guards do without `Drop` is theirs to change; forgetting them is tested"
)]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "async")]
mod asynchronous;
mod batches;
mod busy_poll;
mod bytes;
mod claims;
mod close;
mod corruption;
mod cost;
mod elements;
mod limits;
#[cfg(target_arch = "x86_64")]
mod machine_code;
mod model;
mod options;
mod read_ahead;
mod reads;
mod records;
mod redelivery;
mod removal;
mod roles;
mod room;
mod sets;
mod shapes;
mod takeover;
mod threads;
mod types;
mod waiting;
mod wraps;

use std::time::Duration;

use common::{Backing, TestRingOf};
use ringfence::Element;
use ringfence::stream::{Options, Reader, Ring};

#[global_allocator]
static ALLOCATOR: common::Counting = common::Counting;

/// Long enough for the slowest machine; passing it means that somebody hangs.
const PATIENCE: Duration = Duration::from_secs(10);

type TestRing<P> = TestRingOf<Ring<P>>;

/// A ring of `capacity` elements.
fn elements<T: Element>(backing: Backing, capacity: usize) -> TestRing<T> {
    backing.create(Options::<T>::new(capacity))
}

/// A ring of records in `capacity` bytes.
fn records(backing: Backing, capacity: usize) -> TestRing<[u8]> {
    backing.create(Options::<[u8]>::new(capacity))
}

/// The `length` bytes of record `number`.
fn record(number: u64, length: usize) -> Vec<u8> {
    let mut numbers = common::Numbers::from_seed(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| numbers.next().to_le_bytes()).collect();
    bytes.truncate(length);
    bytes
}

/// Bytes that a record of `length` bytes takes, padding aside.
fn frame(length: usize) -> u64 {
    8 + length.next_multiple_of(8) as u64
}

/// Pops everything: value and flag of each.
fn drain(rx: &mut Reader<u64>) -> Vec<(u64, bool)> {
    let mut items = Vec::new();
    while let Ok(value) = rx.try_pop() {
        items.push((value, rx.last().expect("a delivery").redelivered));
    }
    items
}

/// Pops every record: bytes and flag of each.
fn drain_records(rx: &mut Reader<[u8]>) -> Vec<(Vec<u8>, bool)> {
    let mut items = Vec::new();
    let mut buffer = Vec::new();
    while rx.try_pop_to(&mut buffer).is_ok() {
        items.push((buffer.clone(), rx.last().expect("a delivery").redelivered));
    }
    items
}
