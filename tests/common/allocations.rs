//! How much memory a thread has asked for.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATED: Cell<Allocated> = const { Cell::new(Allocated { calls: 0, bytes: 0 }) };
}

/// What the calling thread has asked the allocator for since it began; what it gave back is not subtracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allocated {
    pub(crate) calls: u64,
    pub(crate) bytes: u64,
}

/// What the calling thread has asked for so far.
pub(crate) fn allocated() -> Allocated {
    ALLOCATED.get()
}

/// The system's allocator, counting.
#[derive(Debug)]
pub(crate) struct Counting;

fn count(bytes: usize) {
    // A thread that is ending has no counters any more, and nobody who reads them.
    let _ = ALLOCATED.try_with(|it| {
        let Allocated { calls, bytes: before } = it.get();
        it.set(Allocated { calls: calls + 1, bytes: before + bytes as u64 });
    });
}

// SAFETY: every call is passed on as it came; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}
