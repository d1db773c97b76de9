//! The handle that pops and reads.

use std::fmt;

use super::algorithm;
use super::frames::{self, Found};
use super::port::{Port, view};
use super::read::{ReadBatch, ReadGuard, ReadSlice};
use super::repair;
use super::ring::Ring;
use crate::barrier::Barrier;
use crate::delivery::Delivery;
use crate::element::{Element, Payload};
use crate::error::{AttachError, Corruption, Fault, Passing, PopError};
use crate::halt::{Absent, End};
use crate::packed::View;
use crate::pair::{PRODUCER, writer_gone};
use crate::participant::{self, Peer};
use crate::port::Waits;
use crate::position::{Position, distance};
use crate::source::Doorbell;
use crate::surface::common_consumer;
use crate::vocabulary::Role;
use crate::wait::Limit;
use crate::watch::Watch;

/// The reader of a ring. Dropping it gives the role up; it does not close the ring.
///
/// A pop copies out and releases. [`read_slice`](Reader::read_slice), and of records [`read`](Reader::read) and
/// [`read_batch`](Reader::read_batch), look at what is there and leave the release to their guard;
/// [`read_ahead`](Reader::read_ahead) looks at one after the other, to be released by position once their effects are safe.
/// What was not released is delivered again, flagged: to this handle, or to its successor.
///
/// A pop that succeeds neither allocates nor makes a system call while nobody sleeps. One handle is used by one thread at a
/// time: it can be sent to another thread, not shared.
///
/// A reader of `u8` is a byte stream: it implements [`Read`](std::io::Read).
pub struct Reader<P: Payload + ?Sized> {
    pub(super) reader: algorithm::Reader,
    last: Option<Delivery>,
    /// The records of the last batch.
    pub(super) batch: Vec<Found>,
    /// A predecessor had lent the kernel what lies before this position.
    stranded: Option<u64>,
    pub(super) port: Port<P>,
}

impl<P: Payload + ?Sized> Reader<P> {
    pub(super) fn attach(ring: &Ring<P>) -> Result<Self, AttachError> {
        let (port, (head, seen)) = Port::attach(ring.attachment(), Role::Consumer)?;
        let reader = algorithm::Reader::at(head, seen, port.barrier.ringer());
        let stranded = repair::in_flight(&port.view)?;
        Ok(Self { reader, last: None, batch: Vec::new(), stranded, port })
    }

    /// How many elements, of records bytes, a reader that is gone had lent the kernel ([`Notified`](super::Notified),
    /// [`Aliasing`](super::Aliasing)) and not released. While there are any, nothing can be read: releasing them would let the
    /// writer change what the kernel may not have sent yet.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        let head = self.reader.head();
        self.stranded.map_or(0, |end| distance(end, head).max(0).cast_unsigned())
    }

    /// Takes back what a reader that is gone had lent the kernel, and says how many elements, of records bytes, that are:
    /// they come next, once more. Only whoever knows that the far side has got them, or is gone, can say so.
    pub fn abandon_in_flight(&mut self) -> u64 {
        let count = self.in_flight();
        if self.port.check().is_ok() {
            self.stranded = None;
            self.reader.lend(&self.port.view, self.reader.head());
        }
        count
    }

    /// What the last pop or look of this handle delivered; of records, `len` counts records.
    #[must_use]
    #[inline]
    pub fn last(&self) -> Option<Delivery> {
        self.last
    }

    /// The position of the oldest element that is not released; of records, of the byte behind the last one released.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.reader.head())
    }

    /// Whether a writer is there. Makes a few system calls.
    #[must_use]
    pub fn peer(&self) -> Peer {
        participant::peer(&self.port.attachment.region, PRODUCER)
    }

    /// Rings when something comes: for a [`WaitSet`](crate::WaitSet) or a [`Bridge`](crate::Bridge). Allocates.
    #[must_use]
    pub fn doorbell(&self) -> Doorbell {
        Doorbell::of(Watch::of(&self.port, view::<P>(&self.port.attachment)))
    }

    /// Finds something.
    #[inline]
    pub(super) fn look(&mut self) -> Result<(), PopError> {
        self.find(self.reader.head(), 1).map(|_| ())
    }

    /// How many units there are from `position` on, at least one; `wanted` would be used.
    #[inline]
    pub(super) fn find(&mut self, position: u64, wanted: u64) -> Result<u64, PopError> {
        self.port.check()?;
        if self.stranded.is_some() {
            return Err(PopError::InFlight);
        }
        let Self { reader, port, .. } = self;
        let attachment = &port.attachment;
        match reader.find(&port.view, position, wanted, || writer_gone(attachment)) {
            Ok(count) => Ok(count),
            Err(absent) => self.absent(position, absent),
        }
    }

    /// What a fruitless attempt means for the caller.
    #[cold]
    fn absent(&mut self, position: u64, absent: Absent) -> Result<u64, PopError> {
        Err(match absent {
            Absent::Empty => match self.port.polled() {
                // The fault first, then the cursor for the last time: what was committed before is delivered.
                Some(Fault::Truncated) => PopError::Broken(self.port.end(Fault::Truncated)),
                Some(fault) => match self.reader.look(&self.port.view, position) {
                    Ok(count) if count > 0 => return Ok(count),
                    _ => PopError::Broken(fault),
                },
                None => PopError::Empty,
            },
            Absent::Ended(End::Closed) => PopError::Closed,
            Absent::Ended(End::Retired) => PopError::Broken(Fault::Unlinked),
            Absent::Corrupted(corruption) => self.corrupted(corruption),
        })
    }

    #[cold]
    fn corrupted(&mut self, corruption: Corruption) -> PopError {
        PopError::Broken(self.port.corrupted(corruption))
    }

    /// Notes what is about to be delivered, and says whether it was seen before.
    #[inline]
    pub(super) fn deliver(&mut self, first: u64, len: usize) -> bool {
        let redelivered = self.reader.seen_from(first) > 0;
        self.last = Some(Delivery { first: Position::of_cursor(first), len, redelivered });
        redelivered
    }
}

impl<P: Payload + ?Sized> Waits for Reader<P> {
    type View = View<P>;
    type Error = PopError;

    fn port(&mut self) -> &mut Port<P> {
        &mut self.port
    }
}

impl<T: Element> Reader<T> {
    /// Finds the oldest elements, `wanted` at most, all seen before or all not.
    #[inline]
    fn find_run(&mut self, wanted: usize) -> Result<usize, PopError> {
        let head = self.reader.head();
        let there = self.find(head, wanted as u64)?.min(wanted as u64);
        Ok(match self.reader.seen_from(head) {
            0 => there,
            seen => there.min(seen),
        } as usize)
    }

    /// Takes the oldest element: copies it out and releases it.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, PopError> {
        let head = self.reader.head();
        self.find(head, 1)?;
        self.deliver(head, 1);
        let value = self.port.view.units.get(head);
        self.reader.release(&self.port.view, 1);
        Ok(value)
    }

    /// Takes the oldest elements, as many as there are and `values` takes, and says how many; at least one, unless `values`
    /// is empty.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_pop_slice(&mut self, values: &mut [T]) -> Result<usize, PopError> {
        if values.is_empty() {
            return self.port.check().map(|()| 0).map_err(PopError::Broken);
        }
        let count = self.find_run(values.len())?;
        let head = self.reader.head();
        self.deliver(head, count);
        self.port.view.units.read(head, &mut values[..count]);
        self.reader.release(&self.port.view, count as u64);
        Ok(count)
    }

    /// Looks at the oldest elements, `max` at most and in one piece, without releasing them; `Err(Empty)` where there is
    /// none.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_read_slice(&mut self, max: usize) -> Result<ReadSlice<'_, T>, PopError> {
        let head = self.reader.head();
        let piece = usize::try_from(self.port.view.units.contiguous(head)).unwrap_or(usize::MAX);
        let count = self.find_run(max.max(1).min(piece))?;
        let redelivered = self.deliver(head, count);
        self.reader.note(&self.port.view, head.wrapping_add(count as u64));
        Ok(ReadSlice::of(self, count, redelivered))
    }

    /// Looks at the oldest elements, `max` at most and in one piece, without releasing them; waits while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    #[inline]
    pub fn read_slice(&mut self, max: usize) -> Result<ReadSlice<'_, T>, PopError> {
        self.read_slice_timeout(max, Limit::Unlimited)
    }

    /// Looks at the oldest elements, `max` at most and in one piece, without releasing them; waits up to `limit` while there
    /// is none.
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

impl Reader<[u8]> {
    /// Finds the record at `position`, or behind the padding there.
    #[inline]
    pub(super) fn find_record(&mut self, position: u64) -> Result<Found, PopError> {
        let committed = self.find(position, 1)?;
        frames::parse(&self.port.view, position, committed).map_err(|corruption| self.corrupted(corruption))
    }

    /// Takes the oldest record: `buffer` then holds its bytes and nothing else. Says how many.
    ///
    /// Allocates only where the buffer's capacity does not suffice.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`]; the buffer is left as it was.
    #[inline]
    pub fn try_pop_to(&mut self, buffer: &mut Vec<u8>) -> Result<usize, PopError> {
        let found = self.find_record(self.reader.head())?;
        buffer.clear();
        self.port.view.units.append(found.bytes(), found.length, buffer);
        self.deliver(found.position, 1);
        self.reader.release_to(&self.port.view, found.next);
        Ok(found.length)
    }

    /// Looks at the oldest record without releasing it; `Err(Empty)` where there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_read(&mut self) -> Result<ReadGuard<'_>, PopError> {
        let found = self.find_record(self.reader.head())?;
        let redelivered = self.deliver(found.position, 1);
        self.reader.note(&self.port.view, found.next);
        Ok(ReadGuard::of(self, found, redelivered))
    }

    /// Looks at the oldest record without releasing it; waits while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    #[inline]
    pub fn read(&mut self) -> Result<ReadGuard<'_>, PopError> {
        self.read_timeout(Limit::Unlimited)
    }

    /// Looks at the oldest record without releasing it; waits up to `limit` while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Timeout`], [`PopError::Closed`] or [`PopError::Broken`].
    #[inline]
    pub fn read_timeout(&mut self, limit: impl Into<Limit>) -> Result<ReadGuard<'_>, PopError> {
        self.wait(limit)?;
        self.try_read()
    }

    /// Looks at the oldest records, `max` at most, all seen before or all not, without releasing them; `Err(Empty)` where
    /// there is none. Allocates where no batch was so large before.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`].
    pub fn try_read_batch(&mut self, max: usize) -> Result<ReadBatch<'_>, PopError> {
        let head = self.reader.head();
        let first = self.find_record(head)?;
        let end = head.wrapping_add(self.find(head, 1)?);
        let seen = self.reader.seen_from(first.position) > 0;
        self.batch.clear();
        self.batch.push(first);
        let mut next = first.next;
        while self.batch.len() < max && next != end && (self.reader.seen_from(next) > 0) == seen {
            let committed = end.wrapping_sub(next);
            match frames::parse(&self.port.view, next, committed) {
                Ok(found) => {
                    self.batch.push(found);
                    next = found.next;
                }
                Err(corruption) => return Err(self.corrupted(corruption)),
            }
        }
        let redelivered = self.deliver(first.position, self.batch.len());
        self.reader.note(&self.port.view, next);
        Ok(ReadBatch::of(self, redelivered))
    }

    /// Looks at the oldest records, `max` at most, without releasing them; waits while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    pub fn read_batch(&mut self, max: usize) -> Result<ReadBatch<'_>, PopError> {
        self.read_batch_timeout(max, Limit::Unlimited)
    }

    /// Looks at the oldest records, `max` at most, without releasing them; waits up to `limit` while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Timeout`], [`PopError::Closed`] or [`PopError::Broken`].
    pub fn read_batch_timeout(
        &mut self,
        max: usize,
        limit: impl Into<Limit>,
    ) -> Result<ReadBatch<'_>, PopError> {
        self.wait(limit)?;
        self.try_read_batch(max)
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Reader<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("position", &self.position())
            .field("last", &self.last)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

common_consumer! {
    handle: Reader, PopError;
    barrier: "a release";
    item: try_pop pop pop_timeout;
    slice: try_pop_slice pop_slice pop_slice_timeout;
    bytes: try_pop_to pop_to pop_to_timeout;
    words: "Takes the oldest" "copies it out and releases it";
    errors: "[`PopError::Closed`] or [`PopError::Broken`]";
    limit: "[`PopError::Timeout`]";
}
