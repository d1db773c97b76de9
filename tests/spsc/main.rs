//! What rings of one producer and one consumer promise to whoever uses them through the public surface, over the heap
//! and over shared memory. Takeover after death, standby and the rest that needs processes: `tests/processes`.

#![cfg(not(loom))]
#![allow(
    clippy::forget_non_drop,
    reason = "that guards do without `Drop` is theirs to change; forgetting them is tested"
)]

#[path = "../common/mod.rs"]
mod common;

mod batches;
mod bytes;
mod claims;
mod close;
mod corruption;
mod cost;
mod fifo;
mod limits;
mod model;
mod read_ahead;
mod reads;
mod redelivery;
mod roles;
mod shapes;
mod threads;
mod types;
mod wraps;

#[global_allocator]
static ALLOCATOR: common::Counting = common::Counting;
