//! What the models in `tests/loom` drive: the algorithms and repairs as they run in production, over boxed words, and a
//! kernel to sleep in.
//!
//! A participant's death is a thread that stops using its handle, at a point that the handle's `die_…` methods choose, or
//! after any of its writes ([`death`]); the kernel's lock, which orders a successor behind it, is the join of that thread.

#![allow(missing_docs, missing_debug_implementations, clippy::missing_panics_doc)]

pub(crate) mod atomic;
pub mod broadcast;
pub mod death;
pub mod doorbell;
pub mod futex;
mod looks;
pub mod mpmc;
pub mod spsc;
