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
use core::mem::{self, MaybeUninit};
use core::ptr::NonNull;
use std::sync::Arc;

use super::copy::{Whole, prefetch_for_writing, transfer, transfer_element};
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
// SAFETY: as above; slots are accessed as atomics and through copies of what others may write.
unsafe impl<P: ?Sized> Sync for Slots<P> {}

/// One slot, found by its position.
pub(crate) struct Slot<'a, P: ?Sized> {
    start: NonNull<u8>,
    max_len: usize,
    slots: PhantomData<&'a Slots<P>>,
}

impl<P: ?Sized> Clone for Slot<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: ?Sized> Copy for Slot<'_, P> {}

impl<P: Payload + ?Sized> Slots<P> {
    /// The shape of a slot of an element, known when the code is compiled; `None` for bytes.
    const FIXED: Option<SlotShape> = match &P::ELEMENT {
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
        let shape = Self::FIXED.or_else(|| SlotShape::of_bytes(header.element_size as usize));
        assert!(shape == Some(header.shape), "a ring of another element");
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

    /// The slot of `position`.
    #[inline]
    pub(crate) fn slot(&self, position: u64) -> Slot<'_, P> {
        let stride = match Self::FIXED {
            Some(fixed) => fixed.stride,
            None => self.shape.stride,
        };
        // SAFETY: I1.
        let start = unsafe { self.base.add((position & self.mask) as usize * stride) };
        Slot { start, max_len: self.max_len, slots: PhantomData }
    }
}

impl<'a, P: Payload + ?Sized> Slot<'a, P> {
    /// The slot's stamp.
    #[inline]
    pub(crate) fn stamp(self) -> &'a AtomicU64 {
        let offset = const {
            match &P::ELEMENT {
                Some(schema) => SlotShape::of_element(schema.size(), schema.align()).unwrap().stamp_offset,
                None => 0,
            }
        };
        let stamp = self.start.as_ptr().wrapping_add(offset).cast::<AtomicU64>();
        // SAFETY: I1, I3; every process accesses stamps as atomics only.
        unsafe { &*stamp }
    }

    /// Has the processor fetch the slot's stamp for writing. Changes nothing but the time that it takes.
    #[inline]
    pub(crate) fn expect_write(self) {
        // The address alone counts, and it may be of nothing.
        prefetch_for_writing(core::ptr::from_ref(self.stamp()).cast());
    }

    /// The item's length, in bytes, read once; `Err` with what stands there if no item can be so long.
    #[inline]
    pub(crate) fn length(self) -> Result<usize, u32> {
        if let Some(schema) = const { &P::ELEMENT } {
            return Ok(schema.size());
        }
        // SAFETY: I1, I3: the length lies between stamp and payload.
        let length = unsafe { u32::load(self.length_word()) };
        if length as usize <= self.max_len { Ok(length as usize) } else { Err(length) }
    }

    #[inline]
    fn length_word(self) -> *mut u32 {
        self.start.as_ptr().wrapping_add(LENGTH_OFFSET).cast()
    }
}

impl<T: Element> Slot<'_, T> {
    /// A scalar, of 1, 2, 4 or 8 bytes: one atomic access moves it, through a register.
    const SCALAR: bool = size_of::<T>() <= 8 && size_of::<T>() == align_of::<T>();
    /// A few aligned words: atomic accesses move them, so that the value need not pass through memory.
    const WORDS: usize =
        if size_of::<T>() <= 128 && align_of::<T>() >= 8 { size_of::<T>() / size_of::<u64>() } else { 0 };

    /// Copies `value` in. The stamp decides who may see it.
    #[inline]
    pub(crate) fn write(self, value: &T) {
        let to = self.payload();
        if Self::SCALAR {
            match size_of::<T>() {
                // SAFETY: I1, I2, I3; `Element`: no padding.
                1 => unsafe { store_scalar::<T, u8>(value, to) },
                // SAFETY: as above.
                2 => unsafe { store_scalar::<T, u16>(value, to) },
                // SAFETY: as above.
                4 => unsafe { store_scalar::<T, u32>(value, to) },
                // SAFETY: as above.
                _ => unsafe { store_scalar::<T, u64>(value, to) },
            }
        } else if Self::WORDS > 0 {
            let (from, to) = ((&raw const *value).cast::<u64>(), to.cast::<u64>().as_ptr());
            for word in 0..Self::WORDS {
                // SAFETY: the element has that many aligned, initialised words (`Element`: no padding).
                let bits = unsafe { from.wrapping_add(word).read() };
                // SAFETY: I2, I3; as many words lie in the slot.
                unsafe { bits.store(to.wrapping_add(word)) };
            }
        } else {
            // SAFETY: I1, I2; `value` is private, so the ranges do not overlap.
            unsafe { transfer_element((&raw const *value).cast(), to.cast().as_ptr(), size_of::<T>()) };
        }
    }

    /// Copies the value out.
    #[inline]
    pub(crate) fn read(self) -> T {
        let from = self.payload();
        if Self::SCALAR {
            return match size_of::<T>() {
                // SAFETY: I1, I2, I3, I4.
                1 => unsafe { load_scalar::<T, u8>(from) },
                // SAFETY: as above.
                2 => unsafe { load_scalar::<T, u16>(from) },
                // SAFETY: as above.
                4 => unsafe { load_scalar::<T, u32>(from) },
                // SAFETY: as above.
                _ => unsafe { load_scalar::<T, u64>(from) },
            };
        }
        let mut value = MaybeUninit::<T>::uninit();
        if Self::WORDS > 0 {
            let (from, to) = (from.cast::<u64>().as_ptr(), value.as_mut_ptr().cast::<u64>());
            for word in 0..Self::WORDS {
                // SAFETY: I2, I3; the slot holds that many aligned words.
                let bits = unsafe { u64::load(from.wrapping_add(word)) };
                // SAFETY: as many words lie in `value`.
                unsafe { to.wrapping_add(word).write(bits) };
            }
            // SAFETY: I4; every byte was written.
            return unsafe { value.assume_init() };
        }
        // SAFETY: I1, I2; `value` is private, so the ranges do not overlap.
        unsafe { transfer_element(from.cast().as_ptr(), value.as_mut_ptr().cast(), size_of::<T>()) };
        // SAFETY: I4; every byte was written.
        unsafe { value.assume_init() }
    }

    /// Where the value lies: at the start.
    #[inline]
    pub(crate) fn payload(self) -> NonNull<T> {
        self.start.cast()
    }
}

/// Stores `value` as the integer `I` of its size.
///
/// # Safety
///
/// `T` and `I` must be of the same size, `to` valid for writing and aligned to it, and no byte of `T` padding.
#[inline(always)]
unsafe fn store_scalar<T: Element, I: Whole>(value: &T, to: NonNull<T>) {
    // SAFETY: as large, and every byte is initialised.
    let bits: I = unsafe { mem::transmute_copy(value) };
    // SAFETY: the caller's promise.
    unsafe { bits.store(to.cast().as_ptr()) };
}

/// Loads a value as the integer `I` of its size.
///
/// # Safety
///
/// `T` and `I` must be of the same size, `from` valid for reading and aligned to it, and any bytes a `T`.
#[inline(always)]
unsafe fn load_scalar<T: Element, I: Whole>(from: NonNull<T>) -> T {
    // SAFETY: the caller's promise.
    let bits = unsafe { I::load(from.cast().as_ptr()) };
    // SAFETY: as large, and any bytes are a value.
    unsafe { mem::transmute_copy(&bits) }
}

impl Slot<'_, [u8]> {
    /// Copies `bytes` in, `at` bytes behind the payload's start. What does not fit is cut off; callers have checked.
    #[inline]
    pub(crate) fn write(self, at: usize, bytes: &[u8]) {
        let at = at.min(self.max_len);
        let length = bytes.len().min(self.max_len - at);
        let to = self.payload().as_ptr().wrapping_add(at);
        // SAFETY: I1, I2: `at + length` is at most `max_len`; `bytes` is private.
        unsafe { transfer(bytes.as_ptr(), to, length) };
    }

    /// Records that the item is `length` bytes long.
    #[inline]
    pub(crate) fn set_length(self, length: usize) {
        // SAFETY: I1, I3: the length lies between stamp and payload.
        unsafe { (length as u32).store(self.length_word()) };
    }

    /// Copies the first bytes into `buffer`, as many as it takes.
    ///
    /// # Panics
    ///
    /// Where that reaches beyond the slot.
    #[inline]
    pub(crate) fn read(self, buffer: &mut [u8]) {
        // SAFETY: `fill` only writes initialised bytes.
        let buffer = unsafe { &mut *(&raw mut *buffer as *mut [MaybeUninit<u8>]) };
        self.fill(buffer);
    }

    /// Appends the first `length` bytes to `buffer`, which has room for them or grows.
    ///
    /// # Panics
    ///
    /// Where that reaches beyond the slot.
    #[inline]
    pub(crate) fn append(self, length: usize, buffer: &mut Vec<u8>) {
        buffer.reserve(length);
        self.fill(&mut buffer.spare_capacity_mut()[..length]);
        // SAFETY: `length` bytes behind the old end were written just now.
        unsafe { buffer.set_len(buffer.len() + length) };
    }

    /// Fills `buffer` with the first bytes; each of it is initialised then.
    #[inline]
    fn fill(self, buffer: &mut [MaybeUninit<u8>]) {
        assert!(buffer.len() <= self.max_len, "a copy beyond the slot");
        // SAFETY: I1, I2 and the assertion; `buffer` is private.
        unsafe { transfer(self.payload().as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    }

    /// Where the bytes lie.
    #[inline]
    pub(crate) fn payload(self) -> NonNull<u8> {
        // SAFETY: I1, I2.
        unsafe { self.start.add(BYTES_OFFSET) }
    }
}

impl<P: ?Sized> fmt::Debug for Slots<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots").field("count", &(self.mask + 1)).field("region", &self.region).finish()
    }
}
