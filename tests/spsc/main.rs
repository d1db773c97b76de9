//! What rings of one producer and one consumer promise to whoever uses them through the public surface, over the heap
//! and over shared memory. What only real processes can show, and the locks that prove a death: `tests/processes`.

#![cfg(not(loom))]
#![allow(
    clippy::forget_non_drop,
    reason = "that guards do without `Drop` is theirs to change; forgetting them is tested"
)]

#[path = "../common/mod.rs"]
mod common;

mod batches;
mod busy_poll;
mod bytes;
mod claims;
mod close;
mod corruption;
mod cost;
mod fifo;
mod limits;
#[cfg(target_arch = "x86_64")]
mod machine_code;
mod model;
mod read_ahead;
mod reads;
mod redelivery;
mod roles;
mod shapes;
mod takeover;
mod threads;
mod types;
mod waiting;
mod wraps;

#[global_allocator]
static ALLOCATOR: common::Counting = common::Counting;

/// Pops everything: value and flag of each.
fn drain(rx: &mut ringfence::spsc::Consumer<u64>) -> Vec<(u64, bool)> {
    let mut items = Vec::new();
    while let Ok(value) = rx.try_pop() {
        items.push((value, rx.last().expect("a delivery").redelivered));
    }
    items
}
