//! What rings of one publisher and any number of subscribers promise to whoever uses them through the public surface, over
//! the heap and over shared memory. What only real processes can show: `tests/processes`.

#![cfg(not(loom))]
#![allow(
    clippy::forget_non_drop,
    reason = "that guards do without `Drop` is theirs to change; forgetting them is tested"
)]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "async")]
mod asynchronous;
mod busy_poll;
mod claims;
mod close;
mod corruption;
mod cost;
mod demotion;
mod doorbells;
mod fanout;
mod gates;
mod holding;
mod hostile;
mod lagging;
mod latest;
mod limits;
#[cfg(target_arch = "x86_64")]
mod machine_code;
mod model;
mod options;
mod positions;
mod read_ahead;
mod read_only;
mod reads;
mod shapes;
mod starts;
mod types;
mod waiting;
mod wraps;

use std::ops::Range;
use std::time::Duration;

use common::{Backing, TestRingOf};
use ringfence::broadcast::{Gate, GatedSubscriber, Options, Publisher, Ring, Start, Subscriber};
use ringfence::{Payload, Position, RecvError};

#[global_allocator]
static ALLOCATOR: common::Counting = common::Counting;

/// Long enough for the slowest machine; passing it means that somebody hangs.
const PATIENCE: Duration = Duration::from_secs(20);

type TestRing<P> = TestRingOf<Ring<P>>;

/// A ring of `capacity` numbers that has `gates` gates without names.
fn numbers(backing: Backing, capacity: usize, gates: u32) -> TestRing<u64> {
    backing.create(Options::<u64>::new(capacity).gated(gates))
}

fn at(position: u64) -> Position {
    Position::from_bits(position)
}

/// A subscriber with a gate that has no name.
fn join<P: Payload + ?Sized>(ring: &Ring<P>, start: Start) -> GatedSubscriber<P> {
    ring.subscribe_gated(Gate::Any, start).expect("a gate")
}

/// A subscriber without a gate.
fn subscribe<P: Payload + ?Sized>(ring: &Ring<P>, start: Start) -> Subscriber<P> {
    ring.subscribe(start).expect("a ring that has its name")
}

/// Publishes each of `numbers`; no gate is in the way.
fn publish(tx: &mut Publisher<u64>, numbers: Range<u64>) {
    for number in numbers {
        tx.try_publish(number).expect("room");
    }
}

/// What a subscriber says that missed `missed` items and goes on at `position`.
fn lagged(missed: u64, position: u64) -> RecvError {
    RecvError::Lagged { missed, resumed_at: at(position) }
}

/// Receives everything that is there.
fn drain(rx: &mut Subscriber<u64>) -> Vec<u64> {
    std::iter::from_fn(|| rx.try_recv().ok()).collect()
}

/// Receives everything that is there: value and flag of each.
fn drain_gated(rx: &mut GatedSubscriber<u64>) -> Vec<(u64, bool)> {
    let mut items = Vec::new();
    while let Ok(value) = rx.try_recv() {
        items.push((value, rx.last().expect("a delivery").redelivered));
    }
    items
}
