//! Private memory, for the threads of one process, with liveness that the process keeps itself.
//!
//! Pages of its own, not the allocator's: what the kernel still refers to when they are given back (a pipe, a socket) is
//! given to nobody else.

#![allow(unsafe_code)]

use core::ptr::NonNull;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use memmap2::MmapMut;

use super::{Backing, Region, initialise};
use crate::error::OpenError;
use crate::layout::geometry::MAX_ENTRIES;
use crate::layout::header::Header;
use crate::sys::fork::Origin;

/// A block of zeroed memory, and who in this process holds which entry.
#[derive(Debug)]
pub(crate) struct Heap {
    _memory: MmapMut,
    origin: Origin,
    held: Arc<Held>,
}

/// Which entries are held; the heap's stand-in for lock bytes.
#[derive(Debug)]
pub(crate) struct Held {
    entries: Mutex<Vec<bool>>,
    freed: Condvar,
}

impl Region {
    /// A region on the heap of this process.
    pub(crate) fn on_heap(bytes: &[u8], header: Header) -> Result<Arc<Self>, OpenError> {
        let total = header.geometry.total;
        let no_space =
            || OpenError::NoSpace { path: Path::new("heap").to_owned(), needed: total, available: 0 };
        let size = usize::try_from(total).map_err(|_| no_space())?;
        let mut memory = MmapMut::map_anon(size).map_err(|_| no_space())?;
        let base = NonNull::new(memory.as_mut_ptr()).ok_or_else(no_space)?;
        let held = Held {
            entries: Mutex::new(vec![false; header.entry_count.min(MAX_ENTRIES) as usize]),
            freed: Condvar::new(),
        };
        let heap = Heap { _memory: memory, origin: Origin::here(), held: Arc::new(held) };
        // SAFETY: the block has that many zeroed bytes, aligned to a page, and is not shared yet.
        unsafe { initialise(base, bytes, &header) };
        Ok(Arc::new(Self { base, header, backing: Backing::Heap(heap) }))
    }
}

impl Heap {
    /// Whether a forked child sees a copy of the block.
    pub(crate) fn is_copy(&self) -> bool {
        self.origin.is_elsewhere()
    }

    pub(crate) fn held(&self) -> &Arc<Held> {
        &self.held
    }
}

impl Held {
    /// Takes `entry`; `false` where somebody has it.
    pub(crate) fn try_take(&self, entry: u32) -> bool {
        let mut entries = self.lock();
        !core::mem::replace(&mut entries[entry as usize], true)
    }

    /// Sleeps until `entry` is free, and takes it.
    pub(crate) fn take(&self, entry: u32) {
        let mut entries = self.lock();
        while entries[entry as usize] {
            entries = self.freed.wait(entries).unwrap_or_else(PoisonError::into_inner);
        }
        entries[entry as usize] = true;
    }

    pub(crate) fn is_held(&self, entry: u32) -> bool {
        self.lock()[entry as usize]
    }

    pub(crate) fn give_back(&self, entry: u32) {
        self.lock()[entry as usize] = false;
        self.freed.notify_all();
    }

    /// The list is whole at every instant, so a panic elsewhere cannot have spoilt it.
    fn lock(&self) -> MutexGuard<'_, Vec<bool>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
