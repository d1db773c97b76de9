//! Elements or bytes side by side, without gaps: what `stream` keeps its items in, and how they get in and out.
//!
//! A *unit* is an element, or a byte of a ring of records; positions count units. What lies from one position to another is
//! in one piece, or in two where the end of the memory comes in between. Units are only copied, in and out, never borrowed: a
//! peer that breaks the protocol can garble them, but not what the compiler may assume. Under `cfg(loom)` units are cells
//! that report a racing access.

#[cfg(not(loom))]
mod mapped;
#[cfg(loom)]
mod modelled;

#[cfg(not(loom))]
pub(crate) use mapped::Packed;
#[cfg(loom)]
pub(crate) use modelled::Packed;

use crate::slots::Words;

/// What an algorithm sees of a ring: the shared words, and the units with their validated geometry.
#[derive(Debug)]
pub(crate) struct View<P: ?Sized> {
    pub(crate) words: Words,
    pub(crate) units: Packed<P>,
}
