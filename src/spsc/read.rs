//! Looking before releasing: read → release. Dropping a guard keeps the item.

use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::os::fd::{AsFd, AsRawFd};

use super::Consumer;
use crate::element::{Element, Payload};
use crate::position::Position;
use crate::slots::Slot;
use crate::surface::{common_guard, common_slice};
use crate::sys;

/// The oldest item, looked at and not yet released. Dropping it keeps the item: it is read again, flagged.
///
/// ```
/// use ringfence::spsc;
///
/// let ring = spsc::Options::<u64>::new(8).in_process()?;
/// let (mut tx, mut rx) = (ring.producer()?, ring.consumer()?);
/// tx.push(7)?;
///
/// let item = rx.read()?;
/// assert_eq!((item.get(), item.redelivered()), (7, false));
/// drop(item); // a `?`, a panic or a crash here loses nothing
///
/// let item = rx.read()?;
/// assert_eq!((item.get(), item.redelivered()), (7, true));
/// item.release();
/// assert!(rx.try_read().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "an item is released only by `release`"]
pub struct ReadGuard<'a, P: Payload + ?Sized> {
    consumer: &'a mut Consumer<P>,
    /// Bytes of the item, checked against the slot.
    len: usize,
    redelivered: bool,
}

impl<'a, P: Payload + ?Sized> ReadGuard<'a, P> {
    #[inline]
    pub(super) fn of(consumer: &'a mut Consumer<P>, len: usize, redelivered: bool) -> Self {
        Self { consumer, len, redelivered }
    }

    /// The item's position.
    #[must_use]
    #[inline]
    pub fn position(&self) -> Position {
        self.consumer.position()
    }

    /// Whether the item may have been looked at before, by this consumer or by one that died.
    #[must_use]
    #[inline]
    pub fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// Releases the item: its slot may be written again. In a forked child, whose parent has the guard, it does
    /// nothing.
    #[inline]
    pub fn release(self) {
        if self.consumer.port.check().is_ok() {
            self.consumer.reader.release(&self.consumer.port.view, 1);
        }
    }
}

impl<P: Payload + ?Sized> ReadGuard<'_, P> {
    #[inline]
    fn slot(&self) -> Slot<'_, P> {
        self.consumer.port.view.slots.slot(self.consumer.reader.head())
    }
}

common_guard!();

/// The oldest items, looked at and not yet released. Dropping it keeps them: they are read again, flagged.
///
/// ```
/// use ringfence::spsc;
///
/// let ring = spsc::Options::<u32>::new(8).in_process()?;
/// let (mut tx, mut rx) = (ring.producer()?, ring.consumer()?);
/// tx.push_slice(&[1, 2, 3])?;
///
/// let items = rx.read_slice(8)?;
/// assert_eq!(items.iter().sum::<u32>(), 6);
/// items.release_first(2);
/// assert_eq!(rx.pop()?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "items are released only by `release` or `release_first`"]
pub struct ReadSlice<'a, T: Element> {
    consumer: &'a mut Consumer<T>,
    len: usize,
    redelivered: bool,
}

impl<'a, T: Element> ReadSlice<'a, T> {
    #[inline]
    pub(super) fn of(consumer: &'a mut Consumer<T>, len: usize, redelivered: bool) -> Self {
        Self { consumer, len, redelivered }
    }

    /// The position of the first item.
    #[must_use]
    #[inline]
    pub fn position(&self) -> Position {
        self.consumer.position()
    }

    #[inline]
    fn read(&self, index: usize) -> T {
        let position = self.consumer.reader.head().wrapping_add(index as u64);
        self.consumer.port.view.slots.slot(position).read()
    }

    /// Releases the `count` oldest of the items (all, where there are fewer) and keeps the others. In a forked child
    /// it does nothing.
    #[inline]
    pub fn release_first(self, count: usize) {
        if self.consumer.port.check().is_ok() {
            self.consumer.reader.release(&self.consumer.port.view, count.min(self.len) as u64);
        }
    }
}

common_slice!();
