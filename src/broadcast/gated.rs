//! The handle that misses nothing, because the publisher waits for it.

use std::fmt;
use std::mem;

use super::algorithm::{Absent, Glimpse, View, copied, copied_slice, find, glimpse, resume};
use super::gate::Gate;
use super::gates::GatedReader;
use super::port::{PUBLISHER, Port, is_held_on, writer_gone};
use super::read::ReadGuard;
use super::ring::Ring;
use super::start::{Resume, Start};
use super::subscriber::{accepted, copy_to};
use super::watch::watch;
use crate::barrier::Barrier;
use crate::delivery::{Delivery, Last};
use crate::element::{Element, Payload};
use crate::error::{AttachError, Fault, Passing, RecvError};
use crate::halt::End;
use crate::participant::{self, Peer};
use crate::port::Waits;
use crate::position::{Position, distance};
use crate::source::Doorbell;
use crate::surface::common_consumer;
use crate::sync::Ordering;
use crate::wait::Limit;

/// A subscriber that has a gate: from the position on at which it [joined](GatedSubscriber::joined_at) it misses nothing,
/// because the publisher does not overwrite what it has not released. Dropping it gives the gate up, unless the gate has a
/// name and the ring's creator wanted such gates [held](super::Options::hold_gates); [`leave`](GatedSubscriber::leave) gives
/// it up in any case.
///
/// `recv` copies an item out and releases it. [`read`](GatedSubscriber::read) looks at the oldest item and leaves the release
/// to its guard; [`read_ahead`](GatedSubscriber::read_ahead) looks at one after the other, to be released by position once
/// their effects are safe. What was not released is delivered again, flagged: to this handle, or to whoever takes over a gate
/// with a name.
///
/// [`RecvError::Lagged`] comes only for items before `joined_at`, or once the gate was demoted
/// ([`is_demoted`](GatedSubscriber::is_demoted)): then this handle goes on as one without a gate.
///
/// A call that succeeds neither makes a system call nor allocates. One handle is used by one thread at a time: it can be
/// sent to another thread, not shared.
pub struct GatedSubscriber<P: Payload + ?Sized> {
    pub(super) reader: GatedReader,
    last: Last,
    /// The item that a guard looks at.
    pub(super) copy: P::Copy,
    /// Whether the gate goes with the handle, whatever its name.
    leaves: bool,
    pub(super) port: Port<P>,
}

impl<P: Payload + ?Sized> GatedSubscriber<P> {
    pub(super) fn attach(ring: &Ring<P>, gate: Gate<'_>, start: Start) -> Result<Self, AttachError> {
        let (port, reader) = Port::gated(ring.attachment(), gate, start)?;
        Ok(Self { reader, last: Last::Nothing, copy: P::Copy::default(), leaves: false, port })
    }

    /// The position from which on nothing is missed: where this subscriber joined, or the last owner of its gate, or where
    /// that one had stopped, if it had come further. Items before it are delivered if they are still there.
    #[must_use]
    pub fn joined_at(&self) -> Position {
        Position::of_cursor(self.reader.joined())
    }

    /// Whether the publisher waits for this subscriber no more: it was stalled for longer than the ring's creator allowed
    /// ([`demote_after`](super::Options::demote_after)).
    #[must_use]
    pub fn is_demoted(&self) -> bool {
        self.reader.is_demoted(&self.port.view)
    }

    /// Gives the gate up, whatever its name: the publisher waits for nobody there.
    pub fn leave(mut self) {
        self.leaves = true;
    }

    /// The position of the oldest item that is not released: the next one that `recv` delivers.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.reader.head())
    }

    /// What the last call delivered.
    #[must_use]
    pub fn last(&self) -> Option<Delivery> {
        self.last.delivery(self.reader.head())
    }

    /// How many items are published and not released, as the ring's words say; a moment's impression.
    #[must_use]
    pub fn lag(&self) -> u64 {
        // Relaxed: nothing is read because of it.
        let tail = self.port.view.words.tail.load(Ordering::Relaxed);
        distance(tail, self.reader.head()).max(0).cast_unsigned()
    }

    /// Whether a publisher is there. Makes a few system calls.
    #[must_use]
    pub fn peer(&self) -> Peer {
        participant::peer(&self.port.attachment.region, PUBLISHER)
    }

    /// Number of this handle's entry among the ring's [`participants`](Ring::participants).
    #[must_use]
    pub fn index(&self) -> u32 {
        self.port.entry().expect("a gated subscriber has a seat")
    }

    /// Rings when an item comes: for a [`WaitSet`](crate::WaitSet) or a [`Bridge`](crate::Bridge). Allocates.
    #[must_use]
    pub fn doorbell(&self) -> Doorbell {
        self.port.watch(self.reader.ahead());
        Doorbell::of(watch(&self.port))
    }

    /// Tells those who wait on the handle's behalf which item is the next.
    #[inline]
    pub(super) fn moved(&self) {
        self.port.tell(self.reader.ahead());
    }

    /// Notes what is about to be delivered, and says whether it was seen before.
    #[inline]
    pub(super) fn deliver(&mut self, first: u64, len: usize) -> bool {
        let redelivered = self.reader.seen_from(first) > 0;
        self.last = Last::Other(Delivery { first: Position::of_cursor(first), len, redelivered });
        redelivered
    }

    /// Whether a call would have something to say.
    pub(super) fn look(&mut self) -> Result<(), RecvError> {
        self.port.check()?;
        match self.locate(self.reader.head()) {
            Ok(()) | Err(Absent::Lapped) => Ok(()),
            Err(absent) => self.absent(self.reader.head(), absent),
        }
    }

    #[inline]
    fn locate(&self, position: u64) -> Result<(), Absent> {
        let attachment = &self.port.attachment;
        find(&self.port.view, position, || writer_gone(attachment))
    }

    /// Finds the item of `position`, and copies it by `copy`.
    #[inline]
    pub(super) fn copy<R>(
        &mut self,
        position: u64,
        mut copy: impl FnMut(&Port<P>) -> R,
    ) -> Result<R, RecvError> {
        self.port.check()?;
        loop {
            let found =
                self.locate(position).and_then(|()| copied(&self.port.view, position, || copy(&self.port)));
            match found {
                Ok(copy) => return Ok(copy),
                // Ok: it came while this looked around.
                Err(absent) => self.absent(position, absent)?,
            }
        }
    }

    /// What a fruitless attempt means for the caller.
    #[cold]
    fn absent(&mut self, position: u64, absent: Absent) -> Result<(), RecvError> {
        Err(match absent {
            Absent::Empty => match self.port.polled() {
                // The fault first, then the slot for the last time: what was published before is delivered.
                Some(Fault::Truncated) => RecvError::Broken(self.port.end(Fault::Truncated)),
                Some(_) if self.locate(position) != Err(Absent::Empty) => return Ok(()),
                Some(fault) => RecvError::Broken(fault),
                None => RecvError::Empty,
            },
            Absent::Lapped => match self.reader.may_miss(&self.port.view, position) {
                Err(Absent::Corrupted(corruption)) => RecvError::Broken(self.port.corrupted(corruption)),
                _ => self.lapped(position),
            },
            Absent::Ended(End::Closed) => RecvError::Closed,
            Absent::Ended(End::Retired) => RecvError::Broken(Fault::Unlinked),
            Absent::Corrupted(corruption) => RecvError::Broken(self.port.corrupted(corruption)),
        })
    }

    /// Goes on behind a gap, which begins at `from`. What was handed out before it and not released is overwritten as well.
    #[cold]
    fn lapped(&mut self, from: u64) -> RecvError {
        let position = resume(&self.port.view, from, Resume::Oldest);
        self.reader.release_to(&self.port.view, position);
        self.reader.rewind();
        self.last = Last::Nothing;
        self.moved();
        let missed = distance(position, from).max(0).cast_unsigned();
        RecvError::Lagged { missed, resumed_at: Position::of_cursor(position) }
    }

    /// Releases the `count` oldest items.
    #[inline]
    pub(super) fn release(&mut self, count: u64) {
        self.reader.release(&self.port.view, count);
        self.moved();
    }
}

impl<P: Payload + ?Sized> Waits for GatedSubscriber<P> {
    type View = View<P>;
    type Error = RecvError;

    fn port(&mut self) -> &mut Port<P> {
        &mut self.port
    }
}

impl<T: Element> GatedSubscriber<T> {
    /// Receives the oldest item that is not released: copies it out and releases it.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`], [`RecvError::Lagged`], [`RecvError::Closed`], or [`RecvError::Broken`].
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, RecvError> {
        self.port.check()?;
        let head = self.reader.head();
        match glimpse(&self.port.view, head) {
            Glimpse::Item(value) if self.reader.seen_from(head) == 0 => {
                self.last = Last::Released;
                self.release(1);
                Ok(value)
            }
            Glimpse::Nothing if !self.port.counts_poll() => Err(RecvError::Empty),
            _ => self.receive_rarely(),
        }
    }

    /// Receives an item that was looked at before, or where there is a gap, where the ring is at its end, or where it is
    /// time to look around.
    #[cold]
    fn receive_rarely(&mut self) -> Result<T, RecvError> {
        let head = self.reader.head();
        let value = self.copy(head, |port| port.view.slots.slot(head).read())?;
        self.deliver(head, 1);
        self.release(1);
        Ok(value)
    }

    /// Receives the oldest items that are not released, as many as there are and `values` takes, and says how many; at least
    /// one, unless `values` is empty.
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
        let head = self.reader.head();
        // All seen before, or none.
        let most = match self.reader.seen_from(head) {
            0 => values.len(),
            seen => values.len().min(usize::try_from(seen).unwrap_or(usize::MAX)),
        };
        loop {
            let found = self.locate(head);
            match found.and_then(|()| copied_slice(&self.port.view, head, &mut values[..most])) {
                Ok(count) => {
                    self.deliver(head, count);
                    self.release(count as u64);
                    return Ok(count);
                }
                Err(absent) => self.absent(head, absent)?,
            }
        }
    }

    /// Looks at the oldest item without releasing it; `Err(Empty)` where there is none. The guard has a copy of it.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`], [`RecvError::Lagged`], [`RecvError::Closed`], or [`RecvError::Broken`].
    #[inline]
    pub fn try_read(&mut self) -> Result<ReadGuard<'_, T>, RecvError> {
        let head = self.reader.head();
        let value = self.copy(head, |port| port.view.slots.slot(head).read())?;
        self.copy = Some(value);
        Ok(ReadGuard::of(self))
    }
}

impl GatedSubscriber<[u8]> {
    /// Receives the oldest item that is not released: `buffer` then holds its bytes and nothing else. Says how many.
    ///
    /// Allocates only where the buffer's capacity does not suffice.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`], [`RecvError::Lagged`], [`RecvError::Closed`], or [`RecvError::Broken`]; the buffer is then as it
    /// was, or empty.
    #[inline]
    pub fn try_recv_to(&mut self, buffer: &mut Vec<u8>) -> Result<usize, RecvError> {
        let head = self.reader.head();
        let length = self.copy_bytes(head, buffer)?;
        self.deliver(head, 1);
        self.release(1);
        Ok(length)
    }

    /// Looks at the oldest item without releasing it; `Err(Empty)` where there is none. The guard has a copy of it, in a
    /// buffer of the handle's that grows with the longest item.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`], [`RecvError::Lagged`], [`RecvError::Closed`], or [`RecvError::Broken`].
    #[inline]
    pub fn try_read(&mut self) -> Result<ReadGuard<'_, [u8]>, RecvError> {
        let mut buffer = mem::take(&mut self.copy);
        let result = self.copy_bytes(self.reader.head(), &mut buffer);
        self.copy = buffer;
        result?;
        Ok(ReadGuard::of(self))
    }

    /// Copies the item of `position` into `buffer`.
    pub(super) fn copy_bytes(&mut self, position: u64, buffer: &mut Vec<u8>) -> Result<usize, RecvError> {
        let copy = self.copy(position, |port| copy_to(port, position, buffer));
        accepted(&mut self.port, copy, buffer)
    }
}

/// The waiting forms of looking.
macro_rules! waiting_reads {
    ($($payload:ty, [$($parameter:tt)*]);*) => {$(
        impl $($parameter)* GatedSubscriber<$payload> {
            /// Looks at the oldest item without releasing it; waits while there is none.
            ///
            /// # Errors
            ///
            /// [`RecvError::Lagged`], [`RecvError::Closed`] or [`RecvError::Broken`].
            #[inline]
            pub fn read(&mut self) -> Result<ReadGuard<'_, $payload>, RecvError> {
                self.read_timeout(Limit::Unlimited)
            }

            /// Looks at the oldest item without releasing it; waits up to `limit` while there is none.
            ///
            /// # Errors
            ///
            /// [`RecvError::Timeout`], [`RecvError::Lagged`], [`RecvError::Closed`] or [`RecvError::Broken`].
            #[inline]
            pub fn read_timeout(
                &mut self,
                limit: impl Into<Limit>,
            ) -> Result<ReadGuard<'_, $payload>, RecvError> {
                self.wait(limit)?;
                self.try_read()
            }
        }
    )*};
}

waiting_reads!(T, [<T: Element>]; [u8], []);

/// The copy that a guard looks at is plain data: nobody relies on where it lies.
impl<P: Payload + ?Sized> Unpin for GatedSubscriber<P> {}

impl<P: Payload + ?Sized> Drop for GatedSubscriber<P> {
    fn drop(&mut self) {
        if !self.port.may_write() {
            return;
        }
        if self.leaves || !is_held_on(&self.port.attachment, self.reader.gate()) {
            self.reader.leave(&self.port.view);
        } else {
            self.reader.publish_mark(&self.port.view);
        }
    }
}

impl<P: Payload + ?Sized> fmt::Debug for GatedSubscriber<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatedSubscriber")
            .field("joined_at", &self.joined_at())
            .field("position", &self.position())
            .field("last", &self.last())
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

common_consumer! {
    handle: GatedSubscriber, RecvError;
    barrier: "a release";
    item: try_recv recv recv_timeout;
    slice: try_recv_slice recv_slice recv_slice_timeout;
    bytes: try_recv_to recv_to recv_to_timeout;
    words: "Receives the oldest unreleased" "copies it out and releases it";
    errors: "[`RecvError::Lagged`], [`RecvError::Closed`] or [`RecvError::Broken`]";
    limit: "[`RecvError::Timeout`]";
}
