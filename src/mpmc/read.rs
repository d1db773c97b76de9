//! Looking before releasing: read → release. Dropping a guard gives the item back.

use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::os::fd::{AsFd, AsRawFd};

use super::Consumer;
use super::reader::Reader;
use crate::element::{Element, Payload};
use crate::position::Position;
use crate::slots::Slot;
use crate::sys;

/// An item that this consumer has, not yet released. Dropping it gives the item back: a consumer gets it, flagged.
///
/// ```
/// use ringfence::mpmc;
///
/// let ring = mpmc::Options::<u64>::new(8).in_process()?;
/// let (mut tx, mut rx, mut other) = (ring.producer()?, ring.consumer()?, ring.consumer()?);
/// tx.push(7)?;
///
/// let item = rx.read()?;
/// assert_eq!((item.get(), item.redelivered()), (7, false));
/// drop(item); // a `?`, a panic or a crash here loses nothing
///
/// let item = other.read()?;
/// assert_eq!((item.get(), item.redelivered(), item.redeliveries()), (7, true, 1));
/// item.release();
/// assert!(rx.try_read().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "an item is released only by `release`"]
pub struct ReadGuard<'a, P: Payload + ?Sized> {
    consumer: &'a mut Consumer<P>,
    position: u64,
    /// Bytes of the item, checked against the slot.
    len: usize,
    redelivered: bool,
}

impl<'a, P: Payload + ?Sized> ReadGuard<'a, P> {
    #[inline]
    pub(super) fn of(consumer: &'a mut Consumer<P>, position: u64, len: usize, redelivered: bool) -> Self {
        Self { consumer, position, len, redelivered }
    }

    /// The item's position.
    #[must_use]
    #[inline]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.position)
    }

    /// Whether the item may have been looked at before, by this consumer or by another one.
    #[must_use]
    #[inline]
    pub fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// How often the item was given back, or left behind by a consumer that died, and taken again; counts up to 1,023. An
    /// item at which consumers fail one after the other counts up.
    #[must_use]
    pub fn redeliveries(&self) -> u32 {
        Reader::redeliveries(&self.consumer.port.view, self.position)
    }

    /// Releases the item: its slot may be written again. In a forked child, whose parent has the guard, it does
    /// nothing.
    #[inline]
    pub fn release(self) {
        if self.consumer.port.check().is_ok() {
            self.consumer.release_held(1);
        }
    }

    #[inline]
    fn slot(&self) -> Slot<'_, P> {
        self.consumer.port.view.slots.slot(self.position)
    }
}

impl<T: Element> ReadGuard<'_, T> {
    /// A copy of the item. Each call reads the slot anew: two copies can differ where a peer breaks the protocol.
    #[must_use]
    #[inline]
    pub fn get(&self) -> T {
        self.slot().read()
    }

    /// Borrows the item where it lies, without a copy.
    ///
    /// # Safety
    ///
    /// As long as the borrow lives, every process that can write the region must follow the protocol, forked children
    /// included: nobody writes the slot before it is released.
    #[must_use]
    #[inline]
    #[allow(unsafe_code)]
    pub unsafe fn trusted(&self) -> &T {
        // SAFETY: the slot holds an element (invariants of `slots`), and the caller answers for the writers.
        unsafe { self.slot().payload().as_ref() }
    }
}

impl ReadGuard<'_, [u8]> {
    /// Length of the item, in bytes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the item has no bytes.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies the item into the start of `buffer`, as much of it as fits, and says how many bytes that were.
    #[inline]
    pub fn copy_to(&self, buffer: &mut [u8]) -> usize {
        let count = self.len.min(buffer.len());
        self.slot().read(&mut buffer[..count]);
        count
    }

    /// Appends the item to `buffer`.
    #[inline]
    pub fn append_to(&self, buffer: &mut Vec<u8>) {
        self.slot().append(self.len, buffer);
    }

    /// A copy of the item.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.append_to(&mut bytes);
        bytes
    }

    /// Writes the item to `fd` straight from the ring, with one `write`, and says how many bytes it took.
    ///
    /// # Errors
    ///
    /// Whatever `write(2)` says; the item is not released.
    pub fn write_to(&self, fd: impl AsFd) -> io::Result<usize> {
        let from = self.slot().payload();
        // SAFETY: the slot holds at least `len` bytes (invariants of `slots`).
        #[allow(unsafe_code)]
        let result = unsafe { sys::file::write_raw(fd.as_fd().as_raw_fd(), from.as_ptr(), self.len) };
        result.map_err(|failure| io::Error::from_raw_os_error(failure.errno))
    }

    /// Borrows the bytes where they lie, without a copy.
    ///
    /// # Safety
    ///
    /// As long as the borrow lives, every process that can write the region must follow the protocol, forked children
    /// included: nobody writes the slot before it is released.
    #[must_use]
    #[inline]
    #[allow(unsafe_code)]
    pub unsafe fn trusted(&self) -> &[u8] {
        let from = self.slot().payload();
        // SAFETY: the slot holds at least `len` bytes, and the caller answers for the writers.
        unsafe { std::slice::from_raw_parts(from.as_ptr(), self.len) }
    }
}

/// Gives the item back, unless it was released.
impl<P: Payload + ?Sized> Drop for ReadGuard<'_, P> {
    fn drop(&mut self) {
        self.consumer.keep_nothing();
    }
}

impl<P: Payload + ?Sized> fmt::Debug for ReadGuard<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadGuard")
            .field("position", &self.position())
            .field("len", &self.len)
            .field("redelivered", &self.redelivered)
            .finish()
    }
}

/// Items that this consumer has, not yet released; they follow each other. Dropping it gives them back: consumers get
/// them, flagged.
///
/// ```
/// use ringfence::mpmc;
///
/// let ring = mpmc::Options::<u32>::new(8).in_process()?;
/// let (mut tx, mut rx) = (ring.producer()?, ring.consumer()?);
/// tx.push_slice(&[1, 2, 3])?;
///
/// let items = rx.read_slice(8)?;
/// assert_eq!(items.iter().sum::<u32>(), 6);
/// items.release_first(2);
/// assert_eq!((rx.pop()?, rx.last().unwrap().redelivered), (3, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "items are released only by `release` or `release_first`"]
pub struct ReadSlice<'a, T: Element> {
    consumer: &'a mut Consumer<T>,
    first: u64,
    len: usize,
    redelivered: bool,
}

impl<'a, T: Element> ReadSlice<'a, T> {
    pub(super) fn of(consumer: &'a mut Consumer<T>, first: u64, len: usize, redelivered: bool) -> Self {
        Self { consumer, first, len, redelivered }
    }

    /// The position of the first item.
    #[must_use]
    #[inline]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.first)
    }

    /// Whether the items may have been looked at before: all of them, or none.
    #[must_use]
    #[inline]
    pub fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// How many items there are; at least one.
    #[must_use]
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// A copy of item `index`, counted from the oldest.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> Option<T> {
        (index < self.len).then(|| self.read(index))
    }

    /// Copies of the items, oldest first.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + DoubleEndedIterator + FusedIterator + '_ {
        (0..self.len).map(|index| self.read(index))
    }

    #[inline]
    fn read(&self, index: usize) -> T {
        self.consumer.port.view.slots.slot(self.first.wrapping_add(index as u64)).read()
    }

    /// Releases all the items: their slots may be written again. In a forked child it does nothing.
    #[inline]
    pub fn release(self) {
        let len = self.len;
        self.release_first(len);
    }

    /// Releases the `count` oldest of the items (all, where there are fewer) and gives the others back. In a forked
    /// child it does nothing.
    #[inline]
    pub fn release_first(self, count: usize) {
        if self.consumer.port.check().is_ok() {
            self.consumer.release_held(count as u64);
        }
    }
}

/// Gives the items back, unless they were released.
impl<T: Element> Drop for ReadSlice<'_, T> {
    fn drop(&mut self) {
        self.consumer.keep_nothing();
    }
}

impl<T: Element> fmt::Debug for ReadSlice<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadSlice")
            .field("position", &self.position())
            .field("len", &self.len)
            .field("redelivered", &self.redelivered)
            .finish()
    }
}
