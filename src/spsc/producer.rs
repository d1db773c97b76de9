//! The handle that pushes.

use std::fmt;

use super::algorithm::Writer;
use super::port::{Port, view};
use super::ring::Ring;
use crate::barrier::Barrier;
use crate::element::{Element, Payload};
use crate::error::{AttachError, Fault, Passing, PushError};
use crate::halt::{Blocked, End};
use crate::layout::words::counter;
use crate::pair::CONSUMER;
use crate::participant::{self, Peer};
use crate::port::Waits;
use crate::position::Position;
use crate::slots::View;
use crate::source::Doorbell;
use crate::surface::common_producer;
use crate::vocabulary::Role;
use crate::wait::Limit;
use crate::watch::Watch;

/// The producer of a ring. Dropping it gives the role up; it does not close the ring.
///
/// A push that succeeds neither allocates nor makes a system call. One handle is used by one thread at a time: it can
/// be sent to another thread, not shared.
pub struct Producer<P: Payload + ?Sized> {
    pub(super) writer: Writer,
    pub(super) port: Port<P>,
}

impl<P: Payload + ?Sized> Producer<P> {
    pub(super) fn attach(ring: &Ring<P>) -> Result<Self, AttachError> {
        let (port, (tail, _)) = Port::attach(ring.attachment(), Role::Producer)?;
        Ok(Self { writer: Writer::at(tail, port.barrier.ringer()), port })
    }

    /// Ends the ring for good: pushes fail with `Closed`; pops deliver what is there and then say `Closed`.
    pub fn close(&mut self) {
        if self.port.check().is_ok() {
            self.writer.close(&self.port.view);
        }
    }

    /// The position that the next item gets.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.writer.tail())
    }

    /// Whether a consumer is there. Makes a few system calls.
    #[must_use]
    pub fn peer(&self) -> Peer {
        participant::peer(&self.port.attachment.region, CONSUMER)
    }

    /// Rings when a slot becomes free: for a [`WaitSet`](crate::WaitSet) or a [`Bridge`](crate::Bridge). Allocates.
    #[must_use]
    pub fn doorbell(&self) -> Doorbell {
        Doorbell::of(Watch::of(&self.port, view::<P>(&self.port.attachment)))
    }

    #[inline]
    pub(super) fn look(&mut self) -> Result<(), PushError> {
        self.port.check()?;
        match self.writer.room(&self.port.view, 1) {
            Ok(_) => Ok(()),
            Err(blocked) => Err(self.blocked(blocked)),
        }
    }

    /// What a fruitless attempt means for the caller.
    #[cold]
    fn blocked(&mut self, blocked: Blocked) -> PushError {
        match blocked {
            Blocked::Full => match self.port.polled() {
                // Nobody can free a slot of a ring that nobody finds any more: what would be pushed is lost.
                Some(fault @ (Fault::Unlinked | Fault::Truncated)) => PushError::Broken(self.port.end(fault)),
                // The fault first, then a last look: the peer may have made room before it died. The next call finds it.
                Some(fault) if self.writer.room(&self.port.view, 1).is_err() => PushError::Broken(fault),
                _ => PushError::Full,
            },
            Blocked::Ended(End::Closed) => PushError::Closed,
            Blocked::Ended(End::Retired) => PushError::Broken(self.port.end(Fault::Unlinked)),
            Blocked::Corrupted(corruption) => PushError::Broken(self.port.corrupted(corruption)),
        }
    }
}

impl<P: Payload + ?Sized> Waits for Producer<P> {
    type View = View<P>;
    type Error = PushError;

    fn port(&mut self) -> &mut Port<P> {
        &mut self.port
    }
}

impl<T: Element> Producer<T> {
    /// Pushes `value` and says where it went.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`], [`PushError::Closed`], or [`PushError::Broken`].
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<Position, PushError> {
        self.port.check()?;
        match self.writer.push(&self.port.view, &value) {
            Ok(position) => Ok(Position::of_cursor(position)),
            Err(blocked) => Err(self.blocked(blocked)),
        }
    }

    /// Pushes the first of `values`, as many as there is room for, and says how many; at least one, if there are any.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`], [`PushError::Closed`], or [`PushError::Broken`].
    #[inline]
    pub fn try_push_slice(&mut self, values: &[T]) -> Result<usize, PushError> {
        self.port.check()?;
        if values.is_empty() {
            return Ok(0);
        }
        match self.writer.push_slice(&self.port.view, values) {
            Ok(count) => Ok(count),
            Err(blocked) => Err(self.blocked(blocked)),
        }
    }
}

impl Producer<[u8]> {
    /// Pushes `bytes` and says where they went.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLong`], [`PushError::Full`], [`PushError::Closed`], or [`PushError::Broken`].
    #[inline]
    pub fn try_push(&mut self, bytes: &[u8]) -> Result<Position, PushError> {
        self.fits(bytes.len())?;
        self.look()?;
        let slot = self.port.view.slots.slot(self.writer.tail());
        slot.write(0, bytes);
        slot.set_length(bytes.len());
        Ok(Position::of_cursor(self.writer.commit(&self.port.view)))
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Producer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("position", &self.position()).field("port", &self.port).finish()
    }
}

common_producer! {
    handle: Producer;
    item: try_push push push_timeout push_or_drop;
    slice: try_push_slice push_slice push_slice_timeout;
    words: "Pushes" "pushed";
    limit: "[`PushError::Timeout`]";
}
