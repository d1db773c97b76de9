//! Where the sections of a region lie, computed for a new ring and checked for an opened one.

use crossbeam_utils::CachePadded;

use crate::layout::{LINE, words};
use crate::vocabulary::Kind;

/// Bytes of the shared words, reserved ones included.
pub(crate) const SHARED_LENGTH: usize = 4096;
/// Bytes of an entry of the participant table.
pub(crate) const ENTRY_STRIDE: usize = size_of::<words::Entry>();
/// Bytes of a gate.
pub(crate) const GATE_STRIDE: usize = size_of::<CachePadded<words::Gate>>();
/// Most entries of the participant table: an owner has 12 bits, of which two values are taken.
pub(crate) const MAX_ENTRIES: u32 = 4094;
/// Sections that a system call may be pointed at start on a page.
const PAGE: u64 = 4096;
/// Offset of an item's bytes in a slot of bytes: behind the stamp and the item's length.
pub(crate) const BYTES_OFFSET: usize = 16;
/// Offset of an item's length in a slot of bytes.
pub(crate) const LENGTH_OFFSET: usize = 8;
/// Bytes of a claim record.
const RECORD: u64 = 8;

/// A run of bytes in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Section {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl Section {
    /// Where the section ends; `None` where that is no number.
    pub(crate) const fn end(self) -> Option<u64> {
        self.offset.checked_add(self.length)
    }
}

/// Bytes of the claim records of one side: one for each slot, whole lines. The section has the writers' first, then the
/// readers'; `None` where the number overflows.
pub(crate) const fn records_length(capacity: u64) -> Option<u64> {
    match capacity.checked_mul(RECORD) {
        Some(length) => length.checked_next_multiple_of(LINE as u64),
        None => None,
    }
}

/// How a slot is laid out.
///
/// The stamp of an element stands behind it: the producer's last store then goes to the line that it writes next, and a
/// consumer that polls the stamp does not take away the line that the element is being written to
/// (`docs/decisions.md`). The stamp of bytes stands before them, so that a short item takes one line of a long slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotShape {
    /// Bytes from the start of the slot to the payload.
    pub(crate) payload_offset: usize,
    /// Bytes from the start of the slot to the stamp.
    pub(crate) stamp_offset: usize,
    /// Bytes from one slot to the next.
    pub(crate) stride: usize,
}

/// Bytes of a stamp.
const STAMP: usize = 8;

impl SlotShape {
    /// A slot for an element of `size` bytes aligned to `align`; `None` where the numbers overflow.
    pub(crate) const fn of_element(size: usize, align: usize) -> Option<Self> {
        let Some(stamp_offset) = size.checked_next_multiple_of(STAMP) else { return None };
        let Some(end) = stamp_offset.checked_add(STAMP) else { return None };
        match end.checked_next_multiple_of(if align < STAMP { STAMP } else { align }) {
            Some(stride) => Some(Self { payload_offset: 0, stamp_offset, stride }),
            None => None,
        }
    }

    /// A unit of a stream, of `size` bytes: nothing but the unit.
    pub(crate) const fn packed(size: usize) -> Self {
        Self { payload_offset: 0, stamp_offset: 0, stride: size }
    }

    /// A slot for up to `max_len` bytes.
    pub(crate) const fn of_bytes(max_len: usize) -> Option<Self> {
        let Some(end) = max_len.checked_add(BYTES_OFFSET) else { return None };
        match end.checked_next_multiple_of(STAMP) {
            Some(stride) => Some(Self { payload_offset: BYTES_OFFSET, stamp_offset: 0, stride }),
            None => None,
        }
    }
}

/// The sections of a region, in the order in which they lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Bytes of the header, whole pages.
    pub(crate) header_length: u64,
    pub(crate) shared: Section,
    pub(crate) entries: Section,
    pub(crate) gates: Section,
    pub(crate) claims: Section,
    pub(crate) data: Section,
    /// Bytes of the whole region.
    pub(crate) total: u64,
}

impl Geometry {
    /// The sections of a ring of stamped slots of `kind`; `None` where the numbers overflow.
    pub(crate) fn of_slots(
        header_length: u64,
        kind: Kind,
        entries: u32,
        gates: u32,
        capacity: u64,
        shape: SlotShape,
    ) -> Option<Self> {
        let shared = Section { offset: header_length, length: SHARED_LENGTH as u64 };
        let entries = Section { offset: shared.end()?, length: u64::from(entries) * ENTRY_STRIDE as u64 };
        let gates = Section { offset: entries.end()?, length: u64::from(gates) * GATE_STRIDE as u64 };
        let claims = Section { offset: gates.end()?, length: claims_length(kind, capacity)? };
        let data = Section {
            offset: claims.end()?.checked_next_multiple_of(PAGE)?,
            length: capacity.checked_mul(u64::try_from(shape.stride).ok()?)?,
        };
        let total = data.end()?.checked_next_multiple_of(PAGE)?;
        isize::try_from(total).ok()?;
        Some(Self { header_length, shared, entries, gates, claims, data, total })
    }

    /// Whether the sections lie where a ring of `kind` with `entries` entries, `gate_count` gates and `capacity` slots may
    /// have them: in order, aligned, large enough, inside the region. Says what is wrong.
    pub(crate) fn check(
        &self,
        kind: Kind,
        entries: u32,
        gate_count: u32,
        capacity: u64,
        stride: u64,
    ) -> Result<(), &'static str> {
        let Self { header_length, shared, entries: table, gates, claims, data, total } = *self;
        let mut end = header_length;
        for section in [shared, table, gates, claims, data] {
            if section.offset < end {
                return Err("sections overlap");
            }
            if section.offset % LINE as u64 != 0 {
                return Err("a section is not aligned to 128 bytes");
            }
            end = section.end().ok_or("a section ends beyond 2^64")?;
        }
        if end > total {
            return Err("a section ends outside the region");
        }
        if data.offset % PAGE != 0 {
            return Err("the data section is not aligned to a page");
        }
        if shared.length < size_of::<words::Shared>() as u64 {
            return Err("the shared words are cut short");
        }
        if table.length < u64::from(entries) * ENTRY_STRIDE as u64 {
            return Err("the participant table is cut short");
        }
        if gates.length < u64::from(gate_count) * GATE_STRIDE as u64 {
            return Err("the gates are cut short");
        }
        if claims_length(kind, capacity).is_none_or(|needed| claims.length < needed) {
            return Err("the claim records are cut short");
        }
        if capacity.checked_mul(stride).is_none_or(|needed| data.length < needed) {
            return Err("the data section is cut short");
        }
        Ok(())
    }
}

/// Bytes of all claim records; `None` where the number overflows.
fn claims_length(kind: Kind, capacity: u64) -> Option<u64> {
    match kind {
        Kind::Mpmc => records_length(capacity)?.checked_mul(2),
        Kind::Spsc | Kind::Broadcast | Kind::Stream => Some(0),
    }
}
