//! Who owns the bytes: a named file in a shm mount, or the heap.
//!
//! A [`Region`] is bytes with a validated header; it hands out the shared words and the slots as references that
//! cannot outlive it.
//!
//! Invariants:
//! - **I1** `base` points to `header.geometry.total` bytes, aligned to a page, mapped or allocated until the region is
//!   dropped. Every section of the geometry was checked to lie inside them.
//! - **I2** the mutable sections are only ever accessed through atomics and through the copy primitives of `slots`, by
//!   this process and by every other.
//! - **I3** the shared words and the entries are made of integers, so that whatever a peer writes is a value.
//! - **I4** a region that was opened for reading only is mapped without write access: whatever would write to its words
//!   or take its lock bytes asks `is_writable` first. Of read-only memory atomic loads alone are defined, and the standard
//!   library promises no more than Relaxed ones (`core::sync::atomic`, "Atomic accesses to read-only memory"): who has to
//!   acquire there runs a fence behind the load.

#![allow(unsafe_code)]

mod heap;
mod name;
mod named;

use core::fmt;
use core::mem::offset_of;
use core::ops::Deref;
use core::ptr::NonNull;
use core::slice;
use std::fs::File;
use std::sync::Arc;

use crossbeam_utils::CachePadded;
use memmap2::MmapRaw;

pub(crate) use heap::{Heap, Held};
pub(crate) use name::Name;
pub(crate) use named::{Access, Settings, identify, os_error};

use crate::layout::geometry::{ENTRY_STRIDE, GATE_STRIDE, Section, records_length};
use crate::layout::header::Header;
use crate::layout::words::{Entry, Gate, Shared};
use crate::position::{Claim, Owner, Stamp, State, free};
use crate::sync::AtomicU64;
use crate::sys::Failure;
use crate::sys::file::{self, Inode};
use crate::vocabulary::Kind;

/// The bytes of one ring.
pub(crate) struct Region {
    base: NonNull<u8>,
    header: Header,
    backing: Backing,
}

/// What a region's name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The region, whole; or it needs no name.
    Sound,
    /// The region, of whose file a part was cut off: touching what is gone raises SIGBUS.
    Truncated,
    /// Another file, or none.
    Nameless,
}

enum Backing {
    Named { _map: MmapRaw, name: Name, inode: Inode, writable: bool },
    Heap(Heap),
}

// SAFETY: I1 and I2: the bytes are shared between processes, hence all the more between threads.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// The header, as it was validated when the region was created or opened.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// The name, where the region has one.
    pub(crate) fn name(&self) -> Option<&Name> {
        match &self.backing {
            Backing::Named { name, .. } => Some(name),
            Backing::Heap(_) => None,
        }
    }

    /// The heap region's in-process state.
    pub(crate) fn heap(&self) -> Option<&Heap> {
        match &self.backing {
            Backing::Named { .. } => None,
            Backing::Heap(heap) => Some(heap),
        }
    }

    /// Whether this process may write to the region and take its lock bytes: it was not opened for reading only.
    pub(crate) fn is_writable(&self) -> bool {
        match &self.backing {
            Backing::Named { writable, .. } => *writable,
            Backing::Heap(_) => true,
        }
    }

    /// What the region's name, if it has one, stands for now. One system call.
    pub(crate) fn standing(&self) -> Result<Standing, Failure> {
        let Backing::Named { name, inode, .. } = &self.backing else { return Ok(Standing::Sound) };
        Ok(match file::named(name.path())? {
            Some((found, size)) if found == *inode && size < self.header.geometry.total => {
                Standing::Truncated
            }
            Some((found, _)) if found == *inode => Standing::Sound,
            _ => Standing::Nameless,
        })
    }

    /// Whether the region's name, if it has one, still stands for this region. One system call.
    pub(crate) fn is_named(&self) -> Result<bool, Failure> {
        Ok(self.standing()? != Standing::Nameless)
    }

    /// A fresh description of the region's file, for writing where the region is; `None` where the name stands for another
    /// file, or for none.
    ///
    /// Descriptors are not kept, so nothing that the process does to its descriptors can harm a ring.
    pub(crate) fn describe(&self) -> Result<Option<File>, Failure> {
        let Backing::Named { name, inode, writable, .. } = &self.backing else { return Ok(None) };
        let file = match file::open(name.path(), *writable) {
            Ok(file) => file,
            Err(Failure { errno: libc::ENOENT | libc::ELOOP | libc::ENXIO | libc::EISDIR, .. }) => {
                return Ok(None);
            }
            Err(failure) => return Err(failure),
        };
        let metadata = file.metadata().map_err(|error| Failure::of("fstat", &error))?;
        Ok((Inode::of(&metadata) == *inode).then_some(file))
    }

    /// The words that do not belong to one participant.
    pub(crate) fn shared(&self) -> &Shared {
        let section = self.section(self.header.geometry.shared, size_of::<Shared>());
        // SAFETY: I1, I2, I3; the section is aligned to 128 bytes and at least as long as the words.
        unsafe { section.cast().as_ref() }
    }

    /// The entry of participant `index`.
    ///
    /// # Panics
    ///
    /// Where the table has no such entry; callers number entries by their own constants.
    pub(crate) fn entry(&self, index: u32) -> &Entry {
        assert!(index < self.header.entry_count, "the participant table ends before entry {index}");
        let mut section = self.header.geometry.entries;
        section.offset += u64::from(index) * ENTRY_STRIDE as u64;
        section.length = ENTRY_STRIDE as u64;
        // SAFETY: I1, I2, I3; entries are 256 bytes apart in a section aligned to 128.
        unsafe { self.section(section, size_of::<Entry>()).cast().as_ref() }
    }

    /// The first slot.
    pub(crate) fn slots(&self) -> NonNull<u8> {
        self.section(self.header.geometry.data, 0)
    }

    /// The gates, one behind the other, a line each.
    pub(crate) fn gates(&self) -> &[CachePadded<Gate>] {
        let section = self.section(self.header.geometry.gates, self.header.gates.len() * GATE_STRIDE);
        // SAFETY: I1, I2, I3; the section is aligned to 128 bytes and has a line for each gate.
        unsafe { slice::from_raw_parts(section.cast().as_ptr(), self.header.gates.len()) }
    }

    /// The first claim record of the writers, and the first of the readers; of a ring that has them.
    pub(crate) fn records(&self) -> [NonNull<AtomicU64>; 2] {
        let section = self.header.geometry.claims;
        let length = records_length(self.header.capacity).unwrap_or(0);
        [section.offset, section.offset + length]
            .map(|offset| self.section(Section { offset, length }, 0).cast())
    }

    fn section(&self, section: Section, needed: usize) -> NonNull<u8> {
        debug_assert!(section.length >= needed as u64);
        // SAFETY: I1: the geometry was checked, so the offset lies inside the region.
        unsafe { self.base.add(section.offset as usize) }
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.name().map_or_else(|| "heap".to_owned(), |it| it.path().display().to_string());
        f.debug_struct("Region").field("place", &place).field("bytes", &self.header.geometry.total).finish()
    }
}

/// The shared words of a region, which they keep mapped.
#[derive(Clone)]
pub(crate) struct Words {
    shared: NonNull<Shared>,
    region: Arc<Region>,
}

// SAFETY: `Shared` consists of atomics, and the region is `Sync`.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

impl Words {
    pub(crate) fn of(region: &Arc<Region>) -> Self {
        Self { shared: NonNull::from(region.shared()), region: Arc::clone(region) }
    }
}

impl Deref for Words {
    type Target = Shared;

    #[inline(always)]
    fn deref(&self) -> &Shared {
        // SAFETY: I1: `region` keeps the words where they were when the reference was taken.
        unsafe { self.shared.as_ref() }
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Words").field(&self.region).finish()
    }
}

/// The gates of a region, which they keep mapped.
#[derive(Clone)]
pub(crate) struct Gates {
    gates: NonNull<[CachePadded<Gate>]>,
    region: Arc<Region>,
}

// SAFETY: `Gate` consists of atomics, and the region is `Sync`.
unsafe impl Send for Gates {}
// SAFETY: as above.
unsafe impl Sync for Gates {}

impl Gates {
    pub(crate) fn of(region: &Arc<Region>) -> Self {
        Self { gates: NonNull::from(region.gates()), region: Arc::clone(region) }
    }
}

impl Deref for Gates {
    type Target = [CachePadded<Gate>];

    #[inline(always)]
    fn deref(&self) -> &[CachePadded<Gate>] {
        // SAFETY: I1: `region` keeps the gates where they were when the reference was taken.
        unsafe { self.gates.as_ref() }
    }
}

impl fmt::Debug for Gates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gates").field(&self.region).finish()
    }
}

/// Writes the header and every initial word of a new ring over zeroes.
///
/// # Safety
///
/// `base` must point to `header.geometry.total` zeroed bytes, aligned to a page, which nobody else accesses.
unsafe fn initialise(base: NonNull<u8>, bytes: &[u8], header: &Header) {
    // SAFETY: the header's length is part of the total.
    unsafe { base.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    let put = |offset: u64, value: u64| {
        let word = base.as_ptr().wrapping_add(offset as usize).cast::<u64>();
        // SAFETY: the words below lie in sections that were checked, at multiples of 8.
        unsafe { word.write(value) };
    };
    let records = (header.kind == Kind::Mpmc).then(|| records_length(header.capacity).unwrap_or(0));
    let cursor =
        if records.is_some() { Claim::new(header.start, Owner::NOBODY).to_bits() } else { header.start };
    for (line, value) in [
        (offset_of!(Shared, tail), cursor),
        (offset_of!(Shared, head), cursor),
        (offset_of!(Shared, read_mark), header.start),
        (offset_of!(Shared, sent), header.start),
    ] {
        put(header.geometry.shared.offset + line as u64, value);
    }
    for index in 0..header.gates.len() {
        let gate = header.geometry.gates.offset + (index * GATE_STRIDE) as u64;
        put(gate + offset_of!(Gate, cursor) as u64, header.start);
        put(gate + offset_of!(Gate, mark) as u64, header.start);
    }
    if header.kind == Kind::Stream {
        return;
    }
    let stamp = |position| match records {
        Some(_) => Stamp::new(position, State::Free).to_bits(),
        None => free(position),
    };
    for step in 0..header.capacity {
        let position = header.start.wrapping_add(step);
        let index = position & (header.capacity - 1);
        let slot = header.geometry.data.offset + index * header.shape.stride as u64;
        put(slot + header.shape.stamp_offset as u64, stamp(position));
        if let Some(length) = records {
            // Of the lap before the first: nobody has had the slot.
            let record = Claim::new(position.wrapping_sub(header.capacity), Owner::NOBODY).to_bits();
            put(header.geometry.claims.offset + index * 8, record);
            put(header.geometry.claims.offset + length + index * 8, record);
        }
    }
}
