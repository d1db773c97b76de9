//! Looking before releasing: read → release. Dropping a guard keeps what it looked at.

use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;

use super::Reader;
use super::frames::Found;
use crate::element::Element;
use crate::packed::Packed;
use crate::position::Position;
use crate::surface::{common_byte_guard, common_slice};
use crate::sys;

/// The oldest elements, in one piece, looked at and not yet released. Dropping it keeps them: they are read again, flagged.
///
/// ```
/// use ringfence::stream;
///
/// let ring = stream::Options::<u32>::new(8).in_process()?;
/// let (mut tx, mut rx) = (ring.writer()?, ring.reader()?);
/// tx.push_slice(&[1, 2, 3])?;
///
/// let items = rx.read_slice(8)?;
/// assert_eq!(items.iter().sum::<u32>(), 6);
/// items.release_first(2);
/// assert_eq!(rx.pop()?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "elements are released only by `release` or `release_first`"]
pub struct ReadSlice<'a, T: Element> {
    reader: &'a mut Reader<T>,
    len: usize,
    redelivered: bool,
}

impl<'a, T: Element> ReadSlice<'a, T> {
    #[inline]
    pub(super) fn of(reader: &'a mut Reader<T>, len: usize, redelivered: bool) -> Self {
        Self { reader, len, redelivered }
    }

    /// The position of the first element.
    #[must_use]
    #[inline]
    pub fn position(&self) -> Position {
        self.reader.position()
    }

    #[inline]
    fn read(&self, index: usize) -> T {
        self.reader.port.view.units.get(self.reader.reader.head().wrapping_add(index as u64))
    }

    /// Copies the elements into the start of `values`, as many as fit, and says how many that were.
    #[inline]
    pub fn copy_to(&self, values: &mut [T]) -> usize {
        let count = self.len.min(values.len());
        self.reader.port.view.units.read(self.reader.reader.head(), &mut values[..count]);
        count
    }

    /// Borrows the elements where they lie, without a copy.
    ///
    /// # Safety
    ///
    /// As long as the borrow lives, every process that can write the region must follow the protocol, forked children
    /// included: nobody writes what is not released.
    #[must_use]
    #[inline]
    #[allow(unsafe_code)]
    pub unsafe fn trusted(&self) -> &[T] {
        let start = self.reader.port.view.units.start(self.reader.reader.head());
        // SAFETY: so many elements lie there in one piece (invariants of `packed`), and the caller answers for the writers.
        unsafe { std::slice::from_raw_parts(start.as_ptr(), self.len) }
    }

    /// Releases the `count` oldest of the elements (all, where there are fewer) and keeps the others. In a forked child it
    /// does nothing.
    #[inline]
    pub fn release_first(self, count: usize) {
        if self.reader.port.check().is_ok() {
            self.reader.reader.release(&self.reader.port.view, count.min(self.len) as u64);
        }
    }
}

common_slice!();

/// Where the bytes of a record lie.
#[derive(Clone, Copy)]
struct Place<'a> {
    units: &'a Packed<[u8]>,
    position: u64,
}

impl Place<'_> {
    fn read(self, buffer: &mut [u8]) {
        self.units.read(self.position, buffer);
    }

    fn append(self, length: usize, buffer: &mut Vec<u8>) {
        self.units.append(self.position, length, buffer);
    }

    fn payload(self) -> NonNull<u8> {
        self.units.start(self.position)
    }
}

/// The oldest record, looked at and not yet released. Dropping it keeps the record: it is read again, flagged.
///
/// ```
/// use ringfence::stream;
///
/// let ring = stream::Options::<[u8]>::new(256).in_process()?;
/// let (mut tx, mut rx) = (ring.writer()?, ring.reader()?);
/// tx.push(b"a line")?;
///
/// let record = rx.read()?;
/// assert_eq!((record.len(), record.redelivered()), (6, false));
/// drop(record); // a `?`, a panic or a crash here loses nothing
///
/// let record = rx.read()?;
/// assert_eq!((record.to_vec(), record.redelivered()), (b"a line".to_vec(), true));
/// record.release();
/// assert!(rx.try_read().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a record is released only by `release`"]
pub struct ReadGuard<'a> {
    reader: &'a mut Reader<[u8]>,
    found: Found,
    len: usize,
    redelivered: bool,
}

impl<'a> ReadGuard<'a> {
    #[inline]
    pub(super) fn of(reader: &'a mut Reader<[u8]>, found: Found, redelivered: bool) -> Self {
        Self { reader, found, len: found.length, redelivered }
    }

    /// The record's position.
    #[must_use]
    #[inline]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.found.position)
    }

    /// Whether the record may have been looked at before, by this reader or by one that died.
    #[must_use]
    #[inline]
    pub fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// Releases the record: it may be overwritten. In a forked child, whose parent has the guard, it does nothing.
    #[inline]
    pub fn release(self) {
        if self.reader.port.check().is_ok() {
            self.reader.reader.release_to(&self.reader.port.view, self.found.next);
        }
    }

    #[inline]
    fn slot(&self) -> Place<'_> {
        Place { units: &self.reader.port.view.units, position: self.found.bytes() }
    }
}

common_byte_guard!(ReadGuard<'_>);

impl fmt::Debug for ReadGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadGuard")
            .field("position", &self.position())
            .field("len", &self.len)
            .field("redelivered", &self.redelivered)
            .finish()
    }
}

/// The oldest records, looked at and not yet released. Dropping it keeps them: they are read again, flagged.
///
/// ```
/// use ringfence::stream;
///
/// let ring = stream::Options::<[u8]>::new(256).in_process()?;
/// let (mut tx, mut rx) = (ring.writer()?, ring.reader()?);
/// for line in ["one", "two", "three"] {
///     tx.push(line.as_bytes())?;
/// }
///
/// let batch = rx.read_batch(8)?;
/// assert_eq!(batch.iter().map(|record| record.len()).sum::<usize>(), 11);
/// batch.release_first(2);
/// assert_eq!(rx.read()?.to_vec(), b"three");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "records are released only by `release` or `release_first`"]
pub struct ReadBatch<'a> {
    reader: &'a mut Reader<[u8]>,
    redelivered: bool,
}

impl<'a> ReadBatch<'a> {
    /// Of the records that the reader has noted, at least one.
    pub(super) fn of(reader: &'a mut Reader<[u8]>, redelivered: bool) -> Self {
        Self { reader, redelivered }
    }

    /// How many records there are; at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.reader.batch.len()
    }

    /// Whether the records may have been looked at before: all of them, or none.
    #[must_use]
    pub fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// Record `index`, counted from the oldest.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Record<'_>> {
        self.reader.batch.get(index).map(|found| self.record(*found))
    }

    /// The records, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> + DoubleEndedIterator + FusedIterator {
        self.reader.batch.iter().map(|found| self.record(*found))
    }

    fn record(&self, found: Found) -> Record<'_> {
        Record { units: &self.reader.port.view.units, found, len: found.length }
    }

    /// Releases all the records: they may be overwritten. In a forked child it does nothing.
    pub fn release(self) {
        let len = self.len();
        self.release_first(len);
    }

    /// Releases the `count` oldest of the records (all, where there are fewer) and keeps the others. In a forked child it
    /// does nothing.
    pub fn release_first(self, count: usize) {
        let last = count.min(self.len()).checked_sub(1).and_then(|index| self.reader.batch.get(index));
        if let Some(next) = last.map(|found| found.next)
            && self.reader.port.check().is_ok()
        {
            self.reader.reader.release_to(&self.reader.port.view, next);
        }
    }
}

impl fmt::Debug for ReadBatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBatch")
            .field("len", &self.len())
            .field("redelivered", &self.redelivered)
            .finish_non_exhaustive()
    }
}

/// One record of a batch.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    units: &'a Packed<[u8]>,
    found: Found,
    len: usize,
}

impl<'a> Record<'a> {
    /// The record's position.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.found.position)
    }

    fn slot(&self) -> Place<'a> {
        Place { units: self.units, position: self.found.bytes() }
    }
}

common_byte_guard!(Record<'_>);

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("position", &self.position()).field("len", &self.len).finish()
    }
}
