//! The handle that publishes.

use std::fmt;
use std::time::Duration;

use super::algorithm::{Blocked, View, Writer};
use super::port::Port;
use super::ring::Ring;
use super::suspicion::Suspicion;
use super::watch::watch;
use crate::barrier::Barrier;
use crate::element::{Element, Payload};
use crate::error::{AttachError, Fault, Passing, PushError};
use crate::halt::End;
use crate::layout::words::counter;
use crate::port::Waits;
use crate::position::Position;
use crate::source::Doorbell;
use crate::surface::common_producer;
use crate::wait::{Limit, Waiter};

/// The publisher of a ring. Dropping it gives the role up; it does not close the ring.
///
/// Without gates no call ever waits: the oldest item is overwritten. A gated subscriber that has not released it holds the
/// publisher up instead; one that died does so for a few milliseconds. Subscribers without a gate cost a publisher nothing
/// unless they sleep: then a publication wakes them.
///
/// A publication that succeeds neither allocates nor makes a system call while nobody sleeps. One handle is used by one
/// thread at a time: it can be sent to another thread, not shared.
pub struct Publisher<P: Payload + ?Sized> {
    pub(super) writer: Writer,
    suspicion: Suspicion,
    pub(super) port: Port<P>,
}

impl<P: Payload + ?Sized> Publisher<P> {
    pub(super) fn attach(ring: &Ring<P>) -> Result<Self, AttachError> {
        let (port, tail) = Port::publisher(ring.attachment())?;
        let suspicion = Suspicion::of(port.view.gates.len());
        Ok(Self { writer: Writer::at(tail, port.barrier.ringer()), suspicion, port })
    }

    /// Ends the ring for good: publications fail with `Closed`; subscribers receive what is there and then `Closed`.
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

    /// Rings when no gate holds the publisher up any more: for a [`WaitSet`](crate::WaitSet) or a
    /// [`Bridge`](crate::Bridge). Allocates.
    #[must_use]
    pub fn doorbell(&self) -> Doorbell {
        Doorbell::of(watch(&self.port))
    }

    #[inline]
    pub(super) fn look(&mut self) -> Result<(), PushError> {
        self.attempt(|it| it.writer.room(&it.port.view, 1).map(|_| ()))
    }

    /// Tries; and again, when a gate that was in the way has been freed or demoted.
    #[inline]
    fn attempt<R>(&mut self, mut act: impl FnMut(&mut Self) -> Result<R, Blocked>) -> Result<R, PushError> {
        self.port.check()?;
        loop {
            match act(self) {
                Ok(done) => return Ok(done),
                Err(blocked) => {
                    if let Some(error) = self.blocked(blocked) {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// What a fruitless attempt means for the caller; `None`: it is worth another try.
    #[cold]
    fn blocked(&mut self, blocked: Blocked) -> Option<PushError> {
        match blocked {
            Blocked::Full => match self.port.polled() {
                Some(fault @ (Fault::Unlinked | Fault::Truncated)) => {
                    Some(PushError::Broken(self.port.end(fault)))
                }
                Some(fault) => Some(PushError::Broken(fault)),
                None => (!self.clears_the_way()).then_some(PushError::Full),
            },
            Blocked::Ended(End::Closed) => Some(PushError::Closed),
            Blocked::Ended(End::Retired) => Some(PushError::Broken(self.port.end(Fault::Unlinked))),
        }
    }

    /// Asks the gate that holds the publisher up, if it is time; says whether it no longer does.
    fn clears_the_way(&mut self) -> bool {
        let Self { writer, suspicion, port } = self;
        suspicion.clears_the_way(&port.attachment, &port.view, writer.tail())
    }
}

impl<P: Payload + ?Sized> Waits for Publisher<P> {
    type View = View<P>;
    type Error = PushError;

    fn port(&mut self) -> &mut Port<P> {
        &mut self.port
    }

    fn before_pause(&mut self, waiter: &Waiter) -> Duration {
        if waiter.is_turn() {
            self.clears_the_way(); // Cleared or not, the next attempt tells.
        }
        self.suspicion.slice(self.port.attachment.attach.patience)
    }
}

impl<T: Element> Publisher<T> {
    /// Publishes `value` and says where it went; `Err(Full)` where a gate holds the publisher up.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`], [`PushError::Closed`], or [`PushError::Broken`].
    #[inline]
    pub fn try_publish(&mut self, value: T) -> Result<Position, PushError> {
        self.attempt(|it| it.writer.publish(&it.port.view, &value)).map(Position::of_cursor)
    }

    /// Publishes the first of `values`, as many as gates allow, and says how many; at least one, if there are any.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`], [`PushError::Closed`], or [`PushError::Broken`].
    #[inline]
    pub fn try_publish_slice(&mut self, values: &[T]) -> Result<usize, PushError> {
        let mut done = 0;
        while done < values.len() {
            match self.attempt(|it| it.writer.publish_slice(&it.port.view, &values[done..])) {
                Ok(count) => done += count,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }
}

impl Publisher<[u8]> {
    /// Publishes `bytes` and says where they went; `Err(Full)` where a gate holds the publisher up.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLong`], [`PushError::Full`], [`PushError::Closed`], or [`PushError::Broken`].
    #[inline]
    pub fn try_publish(&mut self, bytes: &[u8]) -> Result<Position, PushError> {
        self.fits(bytes.len())?;
        self.look()?;
        let Self { writer, port, .. } = self;
        writer.begin(&port.view);
        let slot = port.view.slots.slot(writer.tail());
        slot.write(0, bytes);
        slot.set_length(bytes.len());
        Ok(Position::of_cursor(writer.commit(&port.view)))
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Publisher<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("position", &self.position()).field("port", &self.port).finish()
    }
}

common_producer! {
    handle: Publisher;
    item: try_publish publish publish_timeout publish_or_drop;
    slice: try_publish_slice publish_slice publish_slice_timeout;
    words: "Publishes" "published";
    limit: "[`PushError::Timeout`]";
}
