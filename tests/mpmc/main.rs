//! What rings of many producers and many consumers promise to whoever uses them through the public surface, over the heap
//! and over shared memory. What only real processes can show: `tests/processes`.

#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "async")]
mod asynchronous;
mod batches;
mod busy_poll;
mod bytes;
mod close;
mod corruption;
mod cost;
mod fifo;
mod held;
mod model;
mod options;
mod participants;
mod read_ahead;
mod reads;
mod redelivery;
mod removal;
mod shapes;
mod threads;
mod types;
mod waiting;
mod wraps;

use std::time::Duration;

use common::{Backing, TestRingOf};
use ringfence::mpmc::{Consumer, Options, Ring};

#[global_allocator]
static ALLOCATOR: common::Counting = common::Counting;

/// Long enough for the slowest machine; passing it means that somebody hangs.
const PATIENCE: Duration = Duration::from_secs(20);

type TestRing<P> = TestRingOf<Ring<P>>;

/// A ring of `capacity` numbers.
fn numbers(backing: Backing, capacity: usize) -> TestRing<u64> {
    backing.create(Options::<u64>::new(capacity))
}

/// Two consumers, each over its own opening.
fn two_consumers(ring: &TestRing<u64>) -> [Consumer<u64>; 2] {
    [(); 2].map(|()| ring.opened_again().consumer().expect("an entry"))
}

/// Pops everything: value and flag of each.
fn drain(rx: &mut Consumer<u64>) -> Vec<(u64, bool)> {
    let mut items = Vec::new();
    while let Ok(value) = rx.try_pop() {
        items.push((value, rx.last().expect("a delivery").redelivered));
    }
    items
}
