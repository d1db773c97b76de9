//! Records: how byte strings of any length lie in the ring, each in one piece.
//!
//! ```text
//! frame, 8-aligned     0 length u32 │ 4 kind u32 │ 8 bytes, up to the next multiple of 8
//! ```
//!
//! Rules:
//! 1. A frame lies in one piece. One that does not fit before the end of the memory goes to its start, behind a frame of
//!    padding that takes the rest; both are committed at one go.
//! 2. A frame takes half the capacity at most. So in an empty ring either it fits before the end, or what lies before it and
//!    the frame together fit into the ring, wherever it begins: a writer that waits for room gets it.
//! 3. A reader believes nothing: kind, length and place are checked against what is committed, each header is loaded once, and
//!    a second frame of padding in a row is corruption.

use super::algorithm::Writer;
use crate::error::{Corruption, Word};
use crate::packed::View;

/// Bytes of a frame's header.
pub(super) const HEADER: u64 = 8;
/// Kind of a frame that holds a record.
const RECORD: u64 = 1;
/// Kind of a frame that holds nothing.
const PADDING: u64 = 2;

/// The longest record of a ring of `capacity` bytes.
#[inline]
pub(crate) const fn longest(capacity: u64) -> u64 {
    capacity / 2 - HEADER
}

/// Bytes of a frame of `length` bytes.
#[inline]
const fn frame(length: u64) -> u64 {
    HEADER + length.next_multiple_of(HEADER)
}

/// Room for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reserved {
    /// Position of the frame.
    at: u64,
    /// Bytes of padding before it.
    padding: u64,
}

impl Reserved {
    /// Position of the record.
    #[inline]
    pub(crate) fn position(self) -> u64 {
        self.at
    }

    /// Position of its first byte.
    #[inline]
    pub(crate) fn bytes(self) -> u64 {
        self.at.wrapping_add(HEADER)
    }
}

/// How many bytes must be free for a record of `length` bytes at the writer's position; padding included.
#[inline]
pub(crate) fn needed(view: &View<[u8]>, writer: &Writer, length: u64) -> u64 {
    let contiguous = view.units.contiguous(writer.tail());
    let frame = frame(length);
    if frame <= contiguous { frame } else { contiguous + frame }
}

/// Where a record of `length` bytes goes, for which the `needed` bytes are free.
#[inline]
pub(crate) fn reserved(writer: &Writer, needed: u64, length: u64) -> Reserved {
    let padding = needed - frame(length);
    Reserved { at: writer.tail().wrapping_add(padding), padding }
}

/// Commits the record of `length` bytes, no more than there was room for, that was written where `reserved` says.
#[inline]
pub(crate) fn commit(view: &View<[u8]>, writer: &mut Writer, reserved: Reserved, length: u64) {
    let Reserved { at, padding } = reserved;
    if padding > 0 {
        view.units.set_word(writer.tail(), PADDING << 32 | (padding - HEADER));
    }
    view.units.set_word(at, RECORD << 32 | length);
    writer.commit(view, padding + frame(length));
}

/// A record that was found, and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Position of the record.
    pub(crate) position: u64,
    /// Its length, in bytes.
    pub(crate) length: usize,
    /// Position behind its frame.
    pub(crate) next: u64,
}

impl Found {
    /// Position of its first byte.
    #[inline]
    pub(crate) fn bytes(self) -> u64 {
        self.position.wrapping_add(HEADER)
    }
}

/// The record at `position`, or behind the padding there, of the `committed` bytes from there on, of which there are some.
#[inline]
pub(crate) fn parse(view: &View<[u8]>, position: u64, committed: u64) -> Result<Found, Corruption> {
    let word = view.units.word(position);
    let contiguous = view.units.contiguous(position);
    if word >> 32 != PADDING {
        return record(view, position, word, committed.min(contiguous));
    }
    let padding = HEADER + (word & u64::from(u32::MAX));
    if padding != contiguous || padding >= committed {
        return Err(corrupted(word));
    }
    let position = position.wrapping_add(padding);
    record(view, position, view.units.word(position), committed - padding)
}

/// The record whose frame at `position` begins with `word`, in `available` bytes.
#[inline]
fn record(view: &View<[u8]>, position: u64, word: u64, available: u64) -> Result<Found, Corruption> {
    let length = word & u64::from(u32::MAX);
    if word >> 32 != RECORD || length > longest(view.units.capacity()) || frame(length) > available {
        return Err(corrupted(word));
    }
    Ok(Found { position, length: length as usize, next: position.wrapping_add(frame(length)) })
}

#[cold]
fn corrupted(found: u64) -> Corruption {
    Corruption { what: Word::Frame, found }
}
