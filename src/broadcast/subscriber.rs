//! The handle that receives without holding anybody up.

use std::fmt;

use super::algorithm::{Absent, Glimpse, Reader, View, copied, copied_slice, find, glimpse, resume};
use super::port::{PUBLISHER, Port, writer_gone};
use super::ring::Ring;
use super::start::{Resume, Start};
use super::watch::watch;
use crate::delivery::Delivery;
use crate::element::{Element, Payload};
use crate::error::{AttachError, Corruption, Fault, Passing, RecvError, Word};
use crate::halt::End;
use crate::participant::{self, Peer};
use crate::port::Waits;
use crate::position::{Position, distance};
use crate::source::Doorbell;
use crate::surface::common_consumer;
use crate::sync::Ordering;
use crate::wait::Limit;

/// A subscriber that holds nobody up. It holds nothing either, and writes nothing to the ring, except that it says when it
/// sleeps: any number of them cost the publisher nothing.
///
/// A subscriber that is slower than the publisher is lapped: items are overwritten before it has come to them. The next call
/// says so ([`RecvError::Lagged`]), exactly, and the one after it goes on behind the gap.
///
/// A call that succeeds neither makes a system call nor allocates. One handle is used by one thread at a time: it can be
/// sent to another thread, not shared. In a ring that was opened for reading only it works as well; a call that sleeps then
/// looks at the ring every millisecond ([`Attach::read_only`](crate::Attach::read_only)).
pub struct Subscriber<P: Payload + ?Sized> {
    reader: Reader,
    resume: Resume,
    /// Items that the last call delivered: they lie just before the next one.
    delivered: usize,
    port: Port<P>,
}

impl<P: Payload + ?Sized> Subscriber<P> {
    pub(super) fn attach(ring: &Ring<P>, start: Start) -> Result<Self, AttachError> {
        let (port, next) = Port::ungated(ring.attachment(), start)?;
        Ok(Self { reader: Reader::at(next), resume: Resume::default(), delivered: 0, port })
    }

    /// Where this subscriber goes on when it was lapped: with the oldest item that is still there, unless said otherwise.
    pub fn set_resume(&mut self, resume: Resume) {
        self.resume = resume;
    }

    /// The position of the item that comes next.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.reader.next())
    }

    /// What the last call delivered.
    #[must_use]
    pub fn last(&self) -> Option<Delivery> {
        let first = Position::of_cursor(self.reader.next().wrapping_sub(self.delivered as u64));
        (self.delivered > 0).then_some(Delivery { first, len: self.delivered, redelivered: false })
    }

    /// How many items are published that this subscriber has not come to, as the ring's words say; a moment's impression.
    /// More than the [`capacity`](Subscriber::capacity): so many more are lost.
    #[must_use]
    pub fn lag(&self) -> u64 {
        // Relaxed: nothing is read because of it.
        let tail = self.port.view.words.tail.load(Ordering::Relaxed);
        distance(tail, self.reader.next()).max(0).cast_unsigned()
    }

    /// Goes on with the item of `position`, later or earlier, whether it is still there or not. Wakes whoever waits on this
    /// handle's behalf, unless the ring was opened for reading only: a system call, if anybody ever did.
    pub fn skip_to(&mut self, position: Position) {
        self.reader.skip_to(position.to_bits());
        self.moved(0);
        if self.port.check().is_ok() && self.port.attachment.region.is_writable() {
            self.port.view.words.not_empty.ring_out();
        }
    }

    /// Whether a publisher is there. Makes a few system calls.
    #[must_use]
    pub fn peer(&self) -> Peer {
        participant::peer(&self.port.attachment.region, PUBLISHER)
    }

    /// Rings when an item comes: for a [`WaitSet`](crate::WaitSet) or a [`Bridge`](crate::Bridge). Allocates.
    #[must_use]
    pub fn doorbell(&self) -> Doorbell {
        self.port.watch(self.reader.next());
        Doorbell::of(watch(&self.port))
    }

    /// Notes that `count` items were delivered, which end before the next one.
    #[inline]
    fn moved(&mut self, count: usize) {
        self.delivered = count;
        self.port.tell(self.reader.next());
    }

    /// Whether a call would have something to say.
    pub(super) fn look(&mut self) -> Result<(), RecvError> {
        self.port.check()?;
        match self.locate() {
            Ok(()) | Err(Absent::Lapped) => Ok(()),
            Err(absent) => self.absent(absent),
        }
    }

    /// Finds the next item.
    #[inline]
    fn locate(&self) -> Result<(), Absent> {
        let attachment = &self.port.attachment;
        find(&self.port.view, self.reader.next(), || writer_gone(attachment))
    }

    /// Finds the next item, and copies it by `copy`.
    #[inline]
    fn receive<R>(&mut self, mut copy: impl FnMut(&Port<P>, u64) -> R) -> Result<R, RecvError> {
        self.port.check()?;
        loop {
            let next = self.reader.next();
            let found = self.locate().and_then(|()| copied(&self.port.view, next, || copy(&self.port, next)));
            match found {
                Ok(copy) => return Ok(copy),
                // Ok: it came while this looked around.
                Err(absent) => self.absent(absent)?,
            }
        }
    }

    /// What a fruitless attempt means for the caller.
    #[cold]
    fn absent(&mut self, absent: Absent) -> Result<(), RecvError> {
        Err(match absent {
            Absent::Empty => match self.port.polled() {
                // The fault first, then the slot for the last time: what was published before is delivered.
                Some(Fault::Truncated) => RecvError::Broken(self.port.end(Fault::Truncated)),
                Some(_) if self.locate() != Err(Absent::Empty) => return Ok(()),
                Some(fault) => RecvError::Broken(fault),
                None => RecvError::Empty,
            },
            Absent::Lapped => self.lapped(),
            Absent::Ended(End::Closed) => RecvError::Closed,
            Absent::Ended(End::Retired) => RecvError::Broken(Fault::Unlinked),
            Absent::Corrupted(corruption) => RecvError::Broken(self.port.corrupted(corruption)),
        })
    }

    /// Goes on behind a gap.
    #[cold]
    fn lapped(&mut self) -> RecvError {
        let next = self.reader.next();
        let position = resume(&self.port.view, next, self.resume);
        self.reader.skip_to(position);
        self.moved(0);
        let missed = distance(position, next).max(0).cast_unsigned();
        RecvError::Lagged { missed, resumed_at: Position::of_cursor(position) }
    }

    /// The newest item, copied by `copy`.
    fn newest<R>(&mut self, mut copy: impl FnMut(&Port<P>, u64) -> R) -> Result<R, RecvError> {
        self.port.check()?;
        for _ in 0..LATEST_LOOKS {
            let Self { reader, port, .. } = self;
            let attachment = &port.attachment;
            let result = reader.latest(&port.view, || writer_gone(attachment), |at| copy(port, at));
            match result {
                None => return Err(RecvError::Contended),
                Some(Ok(copy)) => {
                    self.moved(1);
                    return Ok(copy);
                }
                // Ok: something came while this looked around.
                Some(Err(absent)) => self.absent(absent)?,
            }
        }
        Err(RecvError::Contended)
    }
}

/// Looks of a call for the newest item that finds none, and is told by a look around that something came.
const LATEST_LOOKS: u32 = 2;

/// What stands in a slot as the length of an item, where none can be so long.
fn corrupted<P: Payload + ?Sized>(port: &mut Port<P>, found: u32) -> RecvError {
    RecvError::Broken(port.corrupted(Corruption { what: Word::Length, found: u64::from(found) }))
}

impl<P: Payload + ?Sized> Waits for Subscriber<P> {
    type View = View<P>;
    type Error = RecvError;

    fn port(&mut self) -> &mut Port<P> {
        &mut self.port
    }
}

impl<T: Element> Subscriber<T> {
    /// Receives the next item: copies it out.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`], [`RecvError::Lagged`], [`RecvError::Closed`], or [`RecvError::Broken`].
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, RecvError> {
        self.port.check()?;
        let value = match glimpse(&self.port.view, self.reader.next()) {
            Glimpse::Item(value) => value,
            Glimpse::Nothing if !self.port.counts_poll() => return Err(RecvError::Empty),
            Glimpse::Nothing | Glimpse::Rare => self.receive_rarely()?,
        };
        self.reader.step(1);
        self.moved(1);
        Ok(value)
    }

    /// Receives where there is a gap, where the ring is at its end, or where it is time to look around.
    #[cold]
    fn receive_rarely(&mut self) -> Result<T, RecvError> {
        self.receive(|port, at| port.view.slots.slot(at).read())
    }

    /// Receives the next items, as many as there are and `values` takes, and says how many; at least one, unless `values`
    /// is empty.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`], [`RecvError::Lagged`], [`RecvError::Closed`], or [`RecvError::Broken`]; then `values` may have
    /// been written to.
    #[inline]
    pub fn try_recv_slice(&mut self, values: &mut [T]) -> Result<usize, RecvError> {
        self.port.check()?;
        if values.is_empty() {
            return Ok(0);
        }
        loop {
            let found = self.locate();
            match found.and_then(|()| copied_slice(&self.port.view, self.reader.next(), values)) {
                Ok(count) => {
                    self.reader.step(count as u64);
                    self.moved(count);
                    return Ok(count);
                }
                Err(absent) => self.absent(absent)?,
            }
        }
    }

    /// The newest item, as the publisher's position says it, whether it was received before or not: for readers to whom
    /// only the present state matters. What comes next is the item behind it; what lay between counts as skipped, not as
    /// missed. Never an item older than one that this subscriber has received.
    ///
    /// Never waits, and is bounded: a publisher that overwrites the newest item whenever it is tried, which takes a ring of
    /// few slots, makes it fail.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`] or [`RecvError::Closed`] where nothing was ever published; [`RecvError::Contended`],
    /// [`RecvError::Broken`].
    #[inline]
    pub fn latest(&mut self) -> Result<T, RecvError> {
        self.newest(|port, at| port.view.slots.slot(at).read())
    }
}

impl Subscriber<[u8]> {
    /// Receives the next item: `buffer` then holds its bytes and nothing else. Says how many.
    ///
    /// Allocates only where the buffer's capacity does not suffice.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`], [`RecvError::Lagged`], [`RecvError::Closed`], or [`RecvError::Broken`]; the buffer is then as it
    /// was, or empty.
    #[inline]
    pub fn try_recv_to(&mut self, buffer: &mut Vec<u8>) -> Result<usize, RecvError> {
        let copy = self.receive(|port, at| copy_to(port, at, buffer));
        let length = self.accept(copy, buffer)?;
        self.reader.step(1);
        self.moved(1);
        Ok(length)
    }

    /// The newest item, as the publisher's position says it, whether it was received before or not: `buffer` then holds its
    /// bytes and nothing else. See [`latest`](Subscriber::latest).
    ///
    /// # Errors
    ///
    /// As [`latest`](Subscriber::latest); the buffer is then as it was, or empty.
    #[inline]
    pub fn latest_to(&mut self, buffer: &mut Vec<u8>) -> Result<usize, RecvError> {
        let copy = self.newest(|port, at| copy_to(port, at, buffer));
        self.accept(copy, buffer)
    }

    /// What a copy of bytes comes to.
    #[inline]
    fn accept(
        &mut self,
        copy: Result<Result<usize, u32>, RecvError>,
        buffer: &mut Vec<u8>,
    ) -> Result<usize, RecvError> {
        accepted(&mut self.port, copy, buffer)
    }
}

/// Copies the bytes at `position` into `buffer`; `Err` with what stands there as their length if they cannot be so long.
#[inline]
pub(super) fn copy_to(port: &Port<[u8]>, position: u64, buffer: &mut Vec<u8>) -> Result<usize, u32> {
    buffer.clear();
    let slot = port.view.slots.slot(position);
    let length = slot.length()?;
    slot.append(length, buffer);
    Ok(length)
}

/// What a copy of bytes comes to; where it is none, no half of one stays in `buffer`.
#[inline]
pub(super) fn accepted(
    port: &mut Port<[u8]>,
    copy: Result<Result<usize, u32>, RecvError>,
    buffer: &mut Vec<u8>,
) -> Result<usize, RecvError> {
    let result = copy.and_then(|length| length.map_err(|found| corrupted(port, found)));
    if !matches!(result, Ok(_) | Err(RecvError::Empty)) {
        buffer.clear();
    }
    result
}

impl<P: Payload + ?Sized> fmt::Debug for Subscriber<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("position", &self.position())
            .field("last", &self.last())
            .field("resume", &self.resume)
            .field("port", &self.port)
            .finish()
    }
}

common_consumer! {
    handle: Subscriber, RecvError;
    item: try_recv recv recv_timeout;
    slice: try_recv_slice recv_slice recv_slice_timeout;
    bytes: try_recv_to recv_to recv_to_timeout;
    words: "Receives the next" "copies it out";
    errors: "[`RecvError::Lagged`], [`RecvError::Closed`] or [`RecvError::Broken`]";
    limit: "[`RecvError::Timeout`]";
}
