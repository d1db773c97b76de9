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
use crate::surface::{common_guard, common_slice};
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
        Position::of_claim(self.position)
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

common_guard!();

/// Gives the item back, unless it was released.
impl<P: Payload + ?Sized> Drop for ReadGuard<'_, P> {
    fn drop(&mut self) {
        self.consumer.keep_nothing();
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
        Position::of_claim(self.first)
    }

    #[inline]
    fn read(&self, index: usize) -> T {
        self.consumer.port.view.slots.slot(self.first.wrapping_add(index as u64)).read()
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

common_slice!();
