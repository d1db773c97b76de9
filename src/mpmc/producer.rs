//! The handle that pushes.

use std::fmt;
use std::io::IoSlice;
use std::time::Duration;

use super::algorithm::{Blocked, Hold, Writer, blocking_writers, close};
use super::claims::View;
use super::port::{Port, view};
use super::ring::Ring;
use super::suspicion::{Suspicion, resolve};
use crate::barrier::Barrier;
use crate::doorbell;
use crate::element::{Element, Payload};
use crate::error::{AttachError, Fault, Passing, PushError};
use crate::halt::End;
use crate::layout::words::counter;
use crate::port::Waits;
use crate::position::Position;
use crate::source::Doorbell;
use crate::surface::common_producer;
use crate::vocabulary::Role;
use crate::wait::{Limit, Waiter};
use crate::watch::Watch;

/// A producer of a ring. Dropping it detaches; it does not close the ring.
///
/// A push that succeeds neither allocates nor makes a system call. One handle is used by one thread at a time: it can be
/// sent to another thread, not shared; [`try_clone`](Producer::try_clone) makes another one.
///
/// Items are copied into the ring, never filled in place: no code of the user's runs while others may have to wait for it.
pub struct Producer<P: Payload + ?Sized> {
    pub(super) writer: Writer,
    suspicion: Suspicion,
    pub(super) port: Port<P>,
}

impl<P: Payload + ?Sized> Producer<P> {
    pub(super) fn attach(ring: &Ring<P>) -> Result<Self, AttachError> {
        Self::over(Port::attach(ring.attachment(), Role::Producer)?)
    }

    fn over(port: Port<P>) -> Result<Self, AttachError> {
        let writer = Writer::new(port.me(), port.barrier.ringer());
        Ok(Self { writer, suspicion: Suspicion::default(), port })
    }

    /// Another producer of the same ring: a participant of its own. Makes system calls.
    ///
    /// # Errors
    ///
    /// As [`Ring::producer`].
    pub fn try_clone(&self) -> Result<Self, AttachError> {
        Self::over(Port::attach(&self.port.attachment, Role::Producer)?)
    }

    /// Ends the ring for good: pushes fail with `Closed`, other producers' too; pops deliver what is there and then say
    /// `Closed`.
    pub fn close(&mut self) {
        if self.port.check().is_ok()
            && let Err(corruption) = close(&self.port.view)
        {
            self.port.corrupted(corruption);
        }
    }

    /// Rings when a slot becomes free: for a [`WaitSet`](crate::WaitSet) or a [`Bridge`](crate::Bridge). Allocates.
    #[must_use]
    pub fn doorbell(&self) -> Doorbell {
        Doorbell::of(Watch::of(&self.port, view::<P>(&self.port.attachment)))
    }

    /// Number of this handle's entry among the ring's [`participants`](Ring::participants).
    #[must_use]
    pub fn index(&self) -> u32 {
        self.port.index()
    }

    /// Whether a push would find a free slot.
    pub(super) fn look(&mut self) -> Result<(), PushError> {
        self.attempt(|it| it.writer.look(&it.port.view))
    }

    /// Tries; and again, whenever somebody who was in the way has been found dead.
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
        let hold = match blocked {
            Blocked::Held(hold) | Blocked::Full(Some(hold)) => hold,
            Blocked::Full(None) => {
                return match self.port.polled() {
                    Some(fault) => Some(PushError::Broken(self.ended_by(fault))),
                    None if self.suspicion.looks_closely(self.patience()) && self.clears_the_way() => None,
                    None => Some(PushError::Full),
                };
            }
            Blocked::Ended(End::Closed) => return Some(PushError::Closed),
            Blocked::Ended(End::Retired) => return Some(PushError::Broken(self.port.end(Fault::Unlinked))),
            Blocked::Corrupted(corruption) => {
                return Some(PushError::Broken(self.port.corrupted(corruption)));
            }
        };
        if self.suspects(hold) {
            return None;
        }
        if let Some(fault) = self.port.polled() {
            return Some(PushError::Broken(self.ended_by(fault)));
        }
        Some(hold.owner.entry().map_or(PushError::Full, |by| PushError::Held { by }))
    }

    /// Nobody can free a slot of a ring that nobody finds any more: what would be pushed is lost.
    fn ended_by(&mut self, fault: Fault) -> Fault {
        match fault {
            Fault::Unlinked | Fault::Truncated => self.port.end(fault),
            fault => fault,
        }
    }

    fn patience(&self) -> Duration {
        self.port.attachment.attach.patience
    }

    /// Notes who is in the way; says whether it was found dead, and is no longer.
    fn suspects(&mut self, hold: Hold) -> bool {
        self.suspicion.is_due(hold, self.patience())
            && self.suspicion.heard(resolve(&self.port.attachment, &self.port.view, hold))
    }

    /// Looks who is in the way, if anybody is; says whether it was found dead, and is no longer.
    fn clears_the_way(&mut self) -> bool {
        match blocking_writers(&self.port.view) {
            Some(hold) => self.suspects(hold),
            None => {
                self.suspicion.clear();
                false
            }
        }
    }

    /// Who is in the way, as an error.
    fn held(&self) -> Option<PushError> {
        let by = blocking_writers(&self.port.view)?.owner.entry()?;
        Some(PushError::Held { by })
    }
}

impl<P: Payload + ?Sized> Waits for Producer<P> {
    type View = View<P>;
    type Error = PushError;

    fn port(&mut self) -> &mut Port<P> {
        &mut self.port
    }

    fn before_waiting(&mut self) {
        self.suspicion.clear();
    }

    fn before_pause(&mut self, waiter: &Waiter) -> Duration {
        if waiter.is_turn() {
            self.clears_the_way(); // Found or not, the next attempt tells.
        }
        self.suspicion.slice(self.patience())
    }

    fn timed_out(&self, error: PushError) -> PushError {
        match error {
            PushError::Held { .. } => error,
            _ => self.held().unwrap_or(PushError::Timeout),
        }
    }

    fn after_waiting(&mut self, slept: bool) {
        if slept && self.port.may_write() {
            let view = &self.port.view;
            doorbell::ring_on(&view.words, &view.words.not_full, || Writer::finds_room(view));
        }
    }
}

impl<T: Element> Producer<T> {
    /// Pushes `value` and says where it went.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`], [`PushError::Held`], [`PushError::Closed`], or [`PushError::Broken`].
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<Position, PushError> {
        self.attempt(|it| it.writer.push(&it.port.view, &value)).map(Position::of_claim)
    }

    /// Pushes the first of `values`, as many as there is room for, and says how many; at least one, if there are any.
    /// They follow each other in the ring: one claim is made for all of them.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`], [`PushError::Held`], [`PushError::Closed`], or [`PushError::Broken`].
    #[inline]
    pub fn try_push_slice(&mut self, values: &[T]) -> Result<usize, PushError> {
        if values.is_empty() {
            return Ok(self.port.check().map(|()| 0)?);
        }
        self.attempt(|it| it.writer.push_slice(&it.port.view, values)).map(|(_, count)| count)
    }
}

impl Producer<[u8]> {
    /// Pushes `bytes` and says where they went.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLong`], [`PushError::Full`], [`PushError::Held`], [`PushError::Closed`], or
    /// [`PushError::Broken`].
    #[inline]
    pub fn try_push(&mut self, bytes: &[u8]) -> Result<Position, PushError> {
        self.try_push_vectored(&[IoSlice::new(bytes)])
    }

    /// Pushes one item, the concatenation of `parts`, and says where it went: a header and a body need not be copied
    /// together first.
    ///
    /// ```
    /// use std::io::IoSlice;
    /// use ringfence::mpmc;
    ///
    /// let ring = mpmc::Options::<[u8]>::new(8, 64).in_process()?;
    /// let (mut tx, mut rx) = (ring.producer()?, ring.consumer()?);
    /// tx.try_push_vectored(&[IoSlice::new(b"price "), IoSlice::new(b"42")])?;
    /// assert_eq!(rx.read()?.to_vec(), b"price 42");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`try_push`](Producer::try_push).
    #[inline]
    pub fn try_push_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<Position, PushError> {
        let len = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        self.fits(len)?;
        let position = self.attempt(|it| it.writer.claim(&it.port.view, 1))?.0;
        let slot = self.port.view.slots.slot(position);
        let mut at = 0;
        for part in parts {
            slot.write(at, part);
            at += part.len();
        }
        slot.set_length(len);
        self.writer.commit(&self.port.view, position);
        self.writer.ring(&self.port.view, 1);
        Ok(Position::of_claim(position))
    }

    /// Pushes one item, the concatenation of `parts`; waits while no slot is free.
    ///
    /// # Errors
    ///
    /// As [`push`](Producer::push).
    #[inline]
    pub fn push_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<Position, PushError> {
        self.push_vectored_timeout(parts, Limit::Unlimited)
    }

    /// Pushes one item, the concatenation of `parts`; waits up to `limit` while no slot is free.
    ///
    /// # Errors
    ///
    /// As [`push_timeout`](Producer::push_timeout).
    #[inline]
    pub fn push_vectored_timeout(
        &mut self,
        parts: &[IoSlice<'_>],
        limit: impl Into<Limit>,
    ) -> Result<Position, PushError> {
        match self.try_push_vectored(parts) {
            Err(PushError::Full | PushError::Held { .. }) => {
                self.retry(limit.into(), |it| it.try_push_vectored(parts))
            }
            result => result,
        }
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Producer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("index", &self.index()).field("port", &self.port).finish()
    }
}

common_producer! {
    handle: Producer;
    item: try_push push push_timeout push_or_drop;
    slice: try_push_slice push_slice push_slice_timeout;
    words: "Pushes" "pushed";
    limit: "[`PushError::Timeout`], [`PushError::Held`]";
}
