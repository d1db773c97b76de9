//! The handle that pops and reads.

use std::fmt;

use super::algorithm::{Popped, Reader};
use super::port::{Port, view};
use super::read::{ReadGuard, ReadSlice};
use super::ring::Ring;
use crate::barrier::Barrier;
use crate::delivery::{Delivery, Last};
use crate::element::{Element, Payload};
use crate::error::{AttachError, Fault, Passing, PopError, Word};
use crate::halt::{Absent, End};
use crate::pair::{PRODUCER, writer_gone};
use crate::participant::{self, Peer};
use crate::port::Waits;
use crate::position::Position;
use crate::slots::View;
use crate::source::Doorbell;
use crate::surface::common_consumer;
use crate::vocabulary::Role;
use crate::wait::Limit;
use crate::watch::Watch;

/// The consumer of a ring. Dropping it gives the role up; it does not close the ring.
///
/// `pop` copies an item out and releases it. [`read`](Consumer::read) looks at the oldest item and leaves the release
/// to its guard; [`read_ahead`](Consumer::read_ahead) looks at one after the other, to be released by position once
/// their effects are safe. What was not released is delivered again, flagged: to this handle, or to its successor.
///
/// A pop that succeeds neither allocates nor makes a system call. One handle is used by one thread at a time: it can
/// be sent to another thread, not shared.
pub struct Consumer<P: Payload + ?Sized> {
    pub(super) reader: Reader,
    last: Last,
    pub(super) port: Port<P>,
}

impl<P: Payload + ?Sized> Consumer<P> {
    pub(super) fn attach(ring: &Ring<P>) -> Result<Self, AttachError> {
        let (port, (head, seen)) = Port::attach(ring.attachment(), Role::Consumer)?;
        Ok(Self { reader: Reader::at(head, seen, port.barrier.ringer()), last: Last::Nothing, port })
    }

    /// Looks at the oldest item without releasing it; `Err(Empty)` where there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_read(&mut self) -> Result<ReadGuard<'_, P>, PopError> {
        self.look()?;
        self.guard()
    }

    /// Looks at the oldest item without releasing it; waits while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    #[inline]
    pub fn read(&mut self) -> Result<ReadGuard<'_, P>, PopError> {
        self.read_timeout(Limit::Unlimited)
    }

    /// Looks at the oldest item without releasing it; waits up to `limit` while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Timeout`], [`PopError::Closed`] or [`PopError::Broken`].
    #[inline]
    pub fn read_timeout(&mut self, limit: impl Into<Limit>) -> Result<ReadGuard<'_, P>, PopError> {
        self.wait(limit)?;
        self.guard()
    }

    #[inline]
    pub(super) fn guard(&mut self) -> Result<ReadGuard<'_, P>, PopError> {
        let head = self.reader.head();
        let len = self.length(head)?;
        let redelivered = self.note(head, 1);
        Ok(ReadGuard::of(self, len, redelivered))
    }

    /// What the last pop or look of this handle delivered.
    #[must_use]
    #[inline]
    pub fn last(&self) -> Option<Delivery> {
        self.last.delivery(self.reader.head())
    }

    /// The position of the oldest item that is not released: the next one that `pop` delivers.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.reader.head())
    }

    /// Whether a producer is there. Makes a few system calls.
    #[must_use]
    pub fn peer(&self) -> Peer {
        participant::peer(&self.port.attachment.region, PRODUCER)
    }

    /// Rings when an item comes: for a [`WaitSet`](crate::WaitSet) or a [`Bridge`](crate::Bridge). Allocates.
    #[must_use]
    pub fn doorbell(&self) -> Doorbell {
        Doorbell::of(Watch::of(&self.port, view::<P>(&self.port.attachment)))
    }

    /// Finds the oldest item.
    #[inline]
    pub(super) fn look(&mut self) -> Result<(), PopError> {
        self.find(self.reader.head())
    }

    #[inline]
    pub(super) fn find(&mut self, position: u64) -> Result<(), PopError> {
        self.port.check()?;
        let attachment = &self.port.attachment;
        match self.reader.find(&self.port.view, position, || writer_gone(attachment)) {
            Ok(()) => Ok(()),
            Err(absent) => self.absent(position, absent),
        }
    }

    #[inline]
    pub(super) fn length(&mut self, position: u64) -> Result<usize, PopError> {
        self.port.view.slots.slot(position).length().map_err(|found| {
            let fault = Fault::Corrupted { what: Word::Length, found: u64::from(found) };
            PopError::Broken(self.port.end(fault))
        })
    }

    /// Finds the oldest items, `wanted` at most, all seen before or all not.
    #[inline]
    fn find_run(&mut self, wanted: usize) -> Result<usize, PopError> {
        let head = self.reader.head();
        self.find(head)?;
        let mut wanted = wanted as u64;
        let seen = self.reader.seen_from(head);
        if seen > 0 {
            wanted = wanted.min(seen);
        }
        Ok(self.reader.run(&self.port.view, head, wanted) as usize)
    }

    /// What a fruitless attempt means for the caller.
    #[cold]
    fn absent(&mut self, position: u64, absent: Absent) -> Result<(), PopError> {
        Err(match absent {
            Absent::Empty => match self.port.polled() {
                // The fault first, then the slot for the last time: what was committed before is delivered.
                Some(Fault::Truncated) => PopError::Broken(self.port.end(Fault::Truncated)),
                Some(_) if self.reader.sees(&self.port.view, position) => return Ok(()),
                Some(fault) => PopError::Broken(fault),
                None => PopError::Empty,
            },
            Absent::Ended(End::Closed) => PopError::Closed,
            Absent::Ended(End::Retired) => PopError::Broken(Fault::Unlinked),
            Absent::Corrupted(corruption) => PopError::Broken(self.port.corrupted(corruption)),
        })
    }

    /// Notes what is about to be delivered, and says whether it was seen before.
    #[inline]
    pub(super) fn deliver(&mut self, first: u64, len: usize) -> bool {
        let redelivered = self.reader.seen_from(first) > 0;
        self.last = Last::Other(Delivery { first: Position::of_cursor(first), len, redelivered });
        redelivered
    }

    /// Notes what is about to be handed out unreleased, and says whether it was seen before.
    #[inline]
    fn note(&mut self, first: u64, len: usize) -> bool {
        let redelivered = self.deliver(first, len);
        self.reader.note(&self.port.view, first.wrapping_add(len as u64));
        redelivered
    }
}

impl<P: Payload + ?Sized> Waits for Consumer<P> {
    type View = View<P>;
    type Error = PopError;

    fn port(&mut self) -> &mut Port<P> {
        &mut self.port
    }
}

impl<T: Element> Consumer<T> {
    /// Takes the oldest item: copies it out and releases it.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, PopError> {
        self.port.check()?;
        match self.reader.pop(&self.port.view) {
            Popped::Item(value) => {
                self.last = Last::Released;
                Ok(value)
            }
            Popped::Nothing if !self.port.counts_poll() => Err(PopError::Empty),
            Popped::Nothing | Popped::Rare => self.pop_rarely(),
        }
    }

    /// Pops where the ring is at its end, where it is time to look around, or an item that was looked at before.
    #[cold]
    fn pop_rarely(&mut self) -> Result<T, PopError> {
        self.look()?;
        self.deliver(self.reader.head(), 1);
        Ok(self.reader.take(&self.port.view))
    }

    /// Takes the oldest items, as many as there are and `values` takes, and says how many; at least one, unless
    /// `values` is empty.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_pop_slice(&mut self, values: &mut [T]) -> Result<usize, PopError> {
        self.port.check()?;
        if values.is_empty() {
            return Ok(0);
        }
        let count = self.find_run(values.len())?;
        self.deliver(self.reader.head(), count);
        self.reader.take_slice(&self.port.view, &mut values[..count]);
        Ok(count)
    }

    /// Looks at the oldest items, `max` at most, without releasing them; `Err(Empty)` where there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_read_slice(&mut self, max: usize) -> Result<ReadSlice<'_, T>, PopError> {
        let count = self.find_run(max.max(1))?;
        let redelivered = self.note(self.reader.head(), count);
        Ok(ReadSlice::of(self, count, redelivered))
    }

    /// Looks at the oldest items, `max` at most, without releasing them; waits while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    #[inline]
    pub fn read_slice(&mut self, max: usize) -> Result<ReadSlice<'_, T>, PopError> {
        self.read_slice_timeout(max, Limit::Unlimited)
    }

    /// Looks at the oldest items, `max` at most, without releasing them; waits up to `limit` while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Timeout`], [`PopError::Closed`] or [`PopError::Broken`].
    #[inline]
    pub fn read_slice_timeout(
        &mut self,
        max: usize,
        limit: impl Into<Limit>,
    ) -> Result<ReadSlice<'_, T>, PopError> {
        self.wait(limit)?;
        self.try_read_slice(max)
    }
}

impl Consumer<[u8]> {
    /// Takes the oldest item: `buffer` then holds its bytes and nothing else. Says how many.
    ///
    /// Allocates only where the buffer's capacity does not suffice.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`]; the buffer is left as it was.
    #[inline]
    pub fn try_pop_to(&mut self, buffer: &mut Vec<u8>) -> Result<usize, PopError> {
        self.look()?;
        let head = self.reader.head();
        let length = self.length(head)?;
        buffer.clear();
        self.port.view.slots.slot(head).append(length, buffer);
        self.deliver(head, 1);
        self.reader.release(&self.port.view, 1);
        Ok(length)
    }
}

impl<P: Payload + ?Sized> Drop for Consumer<P> {
    fn drop(&mut self) {
        if self.port.may_write() {
            self.reader.publish_mark(&self.port.view);
        }
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Consumer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("position", &self.position())
            .field("last", &self.last())
            .field("port", &self.port)
            .finish()
    }
}

common_consumer! {
    handle: Consumer, PopError;
    barrier: "a release";
    item: try_pop pop pop_timeout;
    slice: try_pop_slice pop_slice pop_slice_timeout;
    bytes: try_pop_to pop_to pop_to_timeout;
    words: "Takes the oldest" "copies it out and releases it";
    errors: "[`PopError::Closed`] or [`PopError::Broken`]";
    limit: "[`PopError::Timeout`]";
}
