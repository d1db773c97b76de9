//! The claim records of a region, one side's.
//!
//! Invariants:
//! - **I1** `base` points to `mask + 1` words inside `region`, which the field keeps mapped. The geometry was checked when
//!   the region was opened, and a position is masked before it is used.
//! - **I2** the section starts at a multiple of 128, and every process accesses its words as atomics only.

#![allow(unsafe_code)]

use core::fmt;
use core::ptr::NonNull;
use std::sync::Arc;

use crate::region::Region;
use crate::sync::AtomicU64;

/// Who claimed which position: one record for each slot, of either side.
pub(crate) struct Records {
    base: NonNull<AtomicU64>,
    mask: u64,
    region: Arc<Region>,
}

// SAFETY: the records are shared between processes, hence all the more between threads.
unsafe impl Send for Records {}
// SAFETY: as above; they are accessed as atomics.
unsafe impl Sync for Records {}

impl Records {
    /// The records of the writers and of the readers of `region`, whose kind must have them.
    pub(crate) fn of(region: &Arc<Region>) -> [Self; 2] {
        let mask = region.header().capacity - 1;
        region.records().map(|base| Self { base, mask, region: Arc::clone(region) })
    }

    /// The record of the slot of `position`.
    #[inline]
    pub(crate) fn at(&self, position: u64) -> &AtomicU64 {
        // SAFETY: I1.
        let record = unsafe { self.base.add((position & self.mask) as usize) };
        // SAFETY: I1, I2.
        unsafe { record.as_ref() }
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("count", &(self.mask + 1)).field("region", &self.region).finish()
    }
}
