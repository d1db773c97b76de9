//! The slots of a region.
//!
//! Invariants:
//! - **I1** `base` points to `mask + 1` slots of `shape.stride` bytes, inside `region`, which the field keeps mapped.
//!   The geometry was checked when the region was opened, and a position is masked before it is used.
//! - **I2** a slot's payload has room for an element (`P` an `Element`: the shape is computed from it, or compared
//!   with it when the ring was opened) or for `max_len` bytes (`P` = `[u8]`).
//! - **I3** base and stride are multiples of 8, and of the element's alignment.
//! - **I4** any bytes are a value of an [`Element`].

#![allow(unsafe_code)]

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::sync::Arc;

use super::copy::transfer;
use crate::element::{Element, Payload};
use crate::layout::geometry::{BYTES_OFFSET, LENGTH_OFFSET, SlotShape};
use crate::region::Region;
use crate::sync::AtomicU64;

/// The slots of a ring, which they keep mapped.
pub(crate) struct Slots<P: ?Sized> {
    base: NonNull<u8>,
    mask: u64,
    shape: SlotShape,
    max_len: usize,
    region: Arc<Region>,
    carried: PhantomData<fn(&P)>,
}

// SAFETY: the slots are shared between processes, hence all the more between threads; they own no `P`.
unsafe impl<P: ?Sized> Send for Slots<P> {}

impl<P: Payload + ?Sized> Slots<P> {
    /// The shape of a slot of an element, known when the code is compiled; `None` for bytes.
    pub(crate) const FIXED: Option<SlotShape> = match &P::ELEMENT {
        Some(schema) => SlotShape::of_element(schema.size(), schema.align()),
        None => None,
    };

    /// The slots of `region`, whose header must have been found to be a ring of `P`.
    ///
    /// # Panics
    ///
    /// Where the header has another shape than `P`.
    pub(crate) fn of(region: &Arc<Region>) -> Self {
        let header = region.header();
        assert!(Self::FIXED.is_none_or(|fixed| fixed == header.shape), "a ring of another element");
        Self {
            base: region.slots(),
            mask: header.capacity - 1,
            shape: header.shape,
            max_len: header.element_size as usize,
            region: Arc::clone(region),
            carried: PhantomData,
        }
    }

    /// How many slots there are.
    #[inline]
    pub(crate) fn capacity(&self) -> u64 {
        self.mask + 1
    }

    /// The stamp of the slot of `position`.
    #[inline]
    pub(crate) fn stamp(&self, position: u64) -> &AtomicU64 {
        // SAFETY: I1, I3; every process accesses stamps as atomics only.
        unsafe { self.slot(position).cast().as_ref() }
    }

    /// The length of the item of `position`, in bytes, read once; `Err` with what stands there if no item can be so
    /// long.
    #[inline]
    pub(crate) fn length(&self, position: u64) -> Result<usize, u32> {
        if let Some(schema) = const { &P::ELEMENT } {
            return Ok(schema.size());
        }
        let from = self.length_word(position);
        // SAFETY: I1, I3: the length lies between stamp and payload.
        let length = unsafe { from.read_volatile() };
        if length as usize <= self.max_len { Ok(length as usize) } else { Err(length) }
    }

    #[inline]
    fn length_word(&self, position: u64) -> *mut u32 {
        self.slot(position).as_ptr().wrapping_add(LENGTH_OFFSET).cast()
    }

    #[inline]
    fn slot(&self, position: u64) -> NonNull<u8> {
        let stride = match Self::FIXED {
            Some(fixed) => fixed.stride,
            None => self.shape.stride,
        };
        // SAFETY: I1.
        unsafe { self.base.add((position & self.mask) as usize * stride) }
    }
}

impl<T: Element> Slots<T> {
    /// A scalar: one volatile access moves it, through a register.
    const SCALAR: bool = size_of::<T>() <= 8 && size_of::<T>() == align_of::<T>();

    /// Copies `value` into the slot of `position`. The stamp decides who may see it.
    #[inline]
    pub(crate) fn write(&self, position: u64, value: &T) {
        let to = self.payload(position);
        if Self::SCALAR {
            // SAFETY: I1, I2, I3.
            unsafe { to.write_volatile(*value) };
        } else {
            // SAFETY: I1, I2; `value` is private, so the ranges do not overlap.
            unsafe { transfer((&raw const *value).cast(), to.cast().as_ptr(), size_of::<T>()) };
        }
    }

    /// Copies the value out of the slot of `position`.
    #[inline]
    pub(crate) fn read(&self, position: u64) -> T {
        let from = self.payload(position);
        if Self::SCALAR {
            // SAFETY: I1, I2, I3, I4.
            return unsafe { from.read_volatile() };
        }
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: I1, I2; `value` is private, so the ranges do not overlap.
        unsafe { transfer(from.cast().as_ptr(), value.as_mut_ptr().cast(), size_of::<T>()) };
        // SAFETY: I4; every byte was written.
        unsafe { value.assume_init() }
    }

    /// Where the value of `position` lies.
    #[inline]
    pub(crate) fn payload(&self, position: u64) -> NonNull<T> {
        let offset = const { SlotShape::of_element(size_of::<T>(), align_of::<T>()).unwrap().payload_offset };
        // SAFETY: I1, I2.
        unsafe { self.slot(position).add(offset).cast() }
    }
}

impl Slots<[u8]> {
    /// Longest item, in bytes.
    #[inline]
    pub(crate) fn max_len(&self) -> usize {
        self.max_len
    }

    /// Copies `bytes` to `at` in the slot of `position`. What does not fit is cut off; callers have checked.
    #[inline]
    pub(crate) fn write(&self, position: u64, at: usize, bytes: &[u8]) {
        let at = at.min(self.max_len);
        let length = bytes.len().min(self.max_len - at);
        let to = self.payload(position).as_ptr().wrapping_add(at);
        // SAFETY: I1, I2: `at + length` is at most `max_len`; `bytes` is private.
        unsafe { transfer(bytes.as_ptr(), to, length) };
    }

    /// Records that the item of `position` is `length` bytes long.
    #[inline]
    pub(crate) fn set_length(&self, position: u64, length: usize) {
        let to = self.length_word(position);
        // SAFETY: I1, I3: the length lies between stamp and payload.
        unsafe { to.write_volatile(length as u32) };
    }

    /// Writes the first bytes to `buffer`, as many as it takes, every one initialised.
    ///
    /// # Panics
    ///
    /// Where that reaches beyond the slot.
    #[inline]
    fn read(&self, position: u64, buffer: &mut [MaybeUninit<u8>]) {
        assert!(buffer.len() <= self.max_len, "a copy beyond the slot");
        // SAFETY: I1, I2 and the assertion; `buffer` is private.
        unsafe {
            transfer(self.payload(position).as_ptr(), buffer.as_mut_ptr().cast(), buffer.len());
        }
    }

    /// Copies the first bytes into `buffer`, as many as it takes.
    ///
    /// # Panics
    ///
    /// Where that reaches beyond the slot.
    #[inline]
    pub(crate) fn read_to(&self, position: u64, buffer: &mut [u8]) {
        // SAFETY: `read` only writes initialised bytes.
        let buffer = unsafe { &mut *(&raw mut *buffer as *mut [MaybeUninit<u8>]) };
        self.read(position, buffer);
    }

    /// Appends the first `length` bytes to `buffer`, which has room for them or grows.
    #[inline]
    pub(crate) fn append(&self, position: u64, length: usize, buffer: &mut Vec<u8>) {
        buffer.reserve(length);
        self.read(position, &mut buffer.spare_capacity_mut()[..length]);
        // SAFETY: `length` bytes behind the old end were written just now.
        unsafe { buffer.set_len(buffer.len() + length) };
    }

    /// Where the bytes of `position` lie.
    #[inline]
    pub(crate) fn payload(&self, position: u64) -> NonNull<u8> {
        // SAFETY: I1, I2.
        unsafe { self.slot(position).add(BYTES_OFFSET) }
    }
}

impl<P: ?Sized> fmt::Debug for Slots<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots").field("count", &(self.mask + 1)).field("region", &self.region).finish()
    }
}
