//! The units of a region.
//!
//! Invariants:
//! - **I1** `base` points to `mask + 1` units of `UNIT` bytes, inside `region`, which the field keeps mapped. The geometry was
//!   checked when the region was opened, and a position is masked before it is used.
//! - **I2** `base` is aligned to a page, and units to an element's alignment, because its size is a multiple of that.
//! - **I3** any bytes are a value of an [`Element`].

#![allow(unsafe_code)]

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::slice;
use std::sync::Arc;

use crate::element::{Element, Payload};
use crate::region::Region;
use crate::slots::copy::{Whole, transfer_bulk, transfer_element};
use crate::sys::transfer::Pieces;

/// The units of a ring, which they keep mapped.
pub(crate) struct Packed<P: ?Sized> {
    base: NonNull<u8>,
    mask: u64,
    region: Arc<Region>,
    carried: PhantomData<fn(&P)>,
}

// SAFETY: units are shared between processes, hence all the more between threads; they own no `P`.
unsafe impl<P: ?Sized> Send for Packed<P> {}
// SAFETY: as above; units are accessed through copies of what others may write.
unsafe impl<P: ?Sized> Sync for Packed<P> {}

impl<P: Payload + ?Sized> Packed<P> {
    /// Bytes of a unit.
    const UNIT: usize = match &P::ELEMENT {
        Some(schema) => schema.size(),
        None => 1,
    };

    /// The units of `region`, whose header must have been found to be a stream of `P`.
    ///
    /// # Panics
    ///
    /// Where the header has units of another size.
    pub(crate) fn of(region: &Arc<Region>) -> Self {
        let header = region.header();
        assert!(header.shape.stride == Self::UNIT, "a stream of another element");
        Self {
            base: region.slots(),
            mask: header.capacity - 1,
            region: Arc::clone(region),
            carried: PhantomData,
        }
    }

    /// How many units there are.
    #[inline]
    pub(crate) fn capacity(&self) -> u64 {
        self.mask + 1
    }

    /// How many units lie in one piece from `position` on, to the end of the memory.
    #[inline]
    pub(crate) fn contiguous(&self, position: u64) -> u64 {
        self.capacity() - (position & self.mask)
    }

    /// Where the unit of `position` lies.
    #[inline]
    fn place(&self, position: u64) -> NonNull<u8> {
        // SAFETY: I1.
        unsafe { self.base.add((position & self.mask) as usize * Self::UNIT) }
    }

    /// The two pieces of `count` units from `position` on, as `(start, bytes)`; the second one may be empty.
    ///
    /// # Panics
    ///
    /// Where there are not so many.
    #[inline]
    fn pieces(&self, position: u64, count: usize) -> [(NonNull<u8>, usize); 2] {
        assert!(count as u64 <= self.capacity(), "a copy beyond the ring");
        let first = (count as u64).min(self.contiguous(position)) as usize;
        [(self.place(position), first * Self::UNIT), (self.base, (count - first) * Self::UNIT)]
    }

    /// Copies `bytes` in from `position` on: whole units.
    #[inline]
    fn put(&self, position: u64, bytes: &[u8]) {
        let [(first, length), (second, rest)] = self.pieces(position, bytes.len() / Self::UNIT);
        let (start, end) = bytes.split_at(length);
        // SAFETY: I1: so many bytes lie there; `bytes` is private.
        unsafe { transfer_bulk(start.as_ptr(), first.as_ptr(), length) };
        if rest > 0 {
            // SAFETY: as above.
            unsafe { transfer_bulk(end.as_ptr(), second.as_ptr(), rest) };
        }
    }

    /// Fills `bytes` with the units from `position` on: whole units, each byte of which is initialised then.
    #[inline]
    fn fill(&self, position: u64, bytes: &mut [MaybeUninit<u8>]) {
        let [(first, length), (second, rest)] = self.pieces(position, bytes.len() / Self::UNIT);
        let (start, end) = bytes.split_at_mut(length);
        // SAFETY: I1: so many bytes lie there; `bytes` is private.
        unsafe { transfer_bulk(first.as_ptr(), start.as_mut_ptr().cast(), length) };
        if rest > 0 {
            // SAFETY: as above.
            unsafe { transfer_bulk(second.as_ptr(), end.as_mut_ptr().cast(), rest) };
        }
    }
}

impl<P: Payload + ?Sized> Packed<P> {
    /// Adds the `count` units from `position` on to `pieces`.
    ///
    /// # Panics
    ///
    /// Where there are not so many.
    pub(crate) fn lend<'a>(&'a self, position: u64, count: usize, pieces: &mut Pieces<'a>) {
        for (start, length) in self.pieces(position, count) {
            // SAFETY: I1: so many bytes lie there, mapped as long as this lives.
            unsafe { pieces.push(start, length) };
        }
    }

    /// Where `place`, which lies among the units, is in the region, in bytes.
    pub(crate) fn offset_of(&self, place: *const u8) -> u64 {
        let units = place.addr() - self.base.addr().get();
        self.region.header().geometry.data.offset + units as u64
    }
}

impl<T: Element> Packed<T> {
    /// Copies `values` in from `position` on.
    #[inline]
    pub(crate) fn write(&self, position: u64, values: &[T]) {
        // SAFETY: `Element`: no padding, so every byte of `values` is initialised.
        let bytes = unsafe { slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(values)) };
        self.put(position, bytes);
    }

    /// Copies the units from `position` on into `values`.
    #[inline]
    pub(crate) fn read(&self, position: u64, values: &mut [T]) {
        let length = size_of_val(values);
        // SAFETY: only initialised bytes are written into them, and I3.
        let bytes = unsafe { slice::from_raw_parts_mut(values.as_mut_ptr().cast(), length) };
        self.fill(position, bytes);
    }

    /// A copy of the unit of `position`.
    #[inline]
    pub(crate) fn get(&self, position: u64) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: I1: a unit lies in one piece; `value` is private.
        unsafe {
            transfer_element(self.place(position).as_ptr(), value.as_mut_ptr().cast(), size_of::<T>());
        }
        // SAFETY: I3; every byte was written.
        unsafe { value.assume_init() }
    }

    /// Copies `value` in at `position`.
    #[inline]
    pub(crate) fn set(&self, position: u64, value: &T) {
        // SAFETY: I1: a unit lies in one piece; `value` is private.
        unsafe {
            transfer_element((&raw const *value).cast(), self.place(position).as_ptr(), size_of::<T>());
        }
    }

    /// Where the unit of `position` lies, and those behind it up to the end of the memory.
    #[inline]
    pub(crate) fn start(&self, position: u64) -> NonNull<T> {
        self.place(position).cast()
    }
}

impl Packed<[u8]> {
    /// Copies `bytes` in from `position` on.
    #[inline]
    pub(crate) fn write(&self, position: u64, bytes: &[u8]) {
        self.put(position, bytes);
    }

    /// Copies the bytes from `position` on into `buffer`.
    #[inline]
    pub(crate) fn read(&self, position: u64, buffer: &mut [u8]) {
        // SAFETY: `fill` only writes initialised bytes.
        let buffer = unsafe { &mut *(&raw mut *buffer as *mut [MaybeUninit<u8>]) };
        self.fill(position, buffer);
    }

    /// Appends the `length` bytes from `position` on to `buffer`, which has room for them or grows.
    #[inline]
    pub(crate) fn append(&self, position: u64, length: usize, buffer: &mut Vec<u8>) {
        buffer.reserve(length);
        self.fill(position, &mut buffer.spare_capacity_mut()[..length]);
        // SAFETY: `length` bytes behind the old end were written just now.
        unsafe { buffer.set_len(buffer.len() + length) };
    }

    /// The word at `position`, a multiple of 8.
    #[inline]
    pub(crate) fn word(&self, position: u64) -> u64 {
        // SAFETY: I1, I2: the capacity is a multiple of 8, so eight bytes lie there, aligned once the position is.
        unsafe { u64::load(self.place(position & !7).cast().as_ptr()) }
    }

    /// Stores `word` at `position`, a multiple of 8.
    #[inline]
    pub(crate) fn set_word(&self, position: u64, word: u64) {
        // SAFETY: as above.
        unsafe { word.store(self.place(position & !7).cast().as_ptr()) };
    }

    /// Where the byte of `position` lies, and those behind it up to the end of the memory.
    #[inline]
    pub(crate) fn start(&self, position: u64) -> NonNull<u8> {
        self.place(position)
    }
}

impl<P: ?Sized> fmt::Debug for Packed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("units", &(self.mask + 1)).field("region", &self.region).finish()
    }
}
