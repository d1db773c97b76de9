//! The stamped slot array that `spsc`, `mpmc` and `broadcast` share, and how payloads get in and out of it.
//!
//! ```text
//! slot of an element       element │ (padding to 8) │ stamp u64 │ (padding to the alignment)
//! slot of bytes            stamp u64 │ length u32 │ unused u32 │ up to max_len bytes
//! ```
//!
//! The stamp says what the slot holds ([`crate::position`]); it stands beside the payload, so that one cache line
//! carries both the news and the item. A payload is only copied, in and out, never borrowed: a peer that breaks the
//! protocol can garble an item, but not what the compiler may assume. Under `cfg(loom)` the slots are boxed and every
//! payload is a cell that reports a racing access.

#[cfg(not(loom))]
pub(crate) mod copy;
#[cfg(not(loom))]
mod mapped;
#[cfg(loom)]
mod modelled;
#[cfg(not(loom))]
mod records;

#[cfg(not(loom))]
pub(crate) use crate::region::{Gates, Words};
#[cfg(not(loom))]
pub(crate) use mapped::{Slot, Slots};
#[cfg(loom)]
pub(crate) use modelled::{Gates, Records, Slots, Words};
#[cfg(not(loom))]
pub(crate) use records::Records;

/// What an algorithm sees of a ring: the shared words, and the slots with their validated geometry.
#[derive(Debug)]
pub(crate) struct View<P: ?Sized> {
    pub(crate) words: Words,
    pub(crate) slots: Slots<P>,
}
