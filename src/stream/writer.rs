//! The handle that pushes.

use std::fmt;
use std::io::IoSlice;

use super::algorithm;
use super::claim::{Claim, ClaimSlice};
use super::frames::{self, Reserved};
use super::port::{Port, view};
use super::ring::Ring;
use crate::barrier::Barrier;
use crate::element::{Element, Payload};
use crate::error::{AttachError, Fault, Passing, PushError};
use crate::halt::{Blocked, End};
use crate::layout::words::counter;
use crate::packed::View;
use crate::pair::CONSUMER;
use crate::participant::{self, Peer};
use crate::port::Waits;
use crate::position::Position;
use crate::source::Doorbell;
use crate::surface::common_producer;
use crate::vocabulary::Role;
use crate::wait::Limit;
use crate::watch::Watch;

/// The writer of a ring. Dropping it gives the role up; it does not close the ring.
///
/// What one call writes becomes visible at one go. A push that succeeds neither allocates nor makes a system call while
/// nobody sleeps. One handle is used by one thread at a time: it can be sent to another thread, not shared.
///
/// A writer of `u8` is a byte stream: it implements [`Write`](std::io::Write).
pub struct Writer<P: Payload + ?Sized> {
    pub(super) writer: algorithm::Writer,
    pub(super) port: Port<P>,
}

impl<P: Payload + ?Sized> Writer<P> {
    pub(super) fn attach(ring: &Ring<P>) -> Result<Self, AttachError> {
        let (port, (tail, _)) = Port::attach(ring.attachment(), Role::Producer)?;
        Ok(Self { writer: algorithm::Writer::at(tail, port.barrier.ringer()), port })
    }

    /// Ends the ring for good: pushes fail with `Closed`; pops deliver what is there and then say `Closed`.
    pub fn close(&mut self) {
        if self.port.check().is_ok() {
            self.writer.close(&self.port.view);
        }
    }

    /// The position that comes next: of an element, or of the first byte that the next record takes.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.writer.tail())
    }

    /// Whether a reader is there. Makes a few system calls.
    #[must_use]
    pub fn peer(&self) -> Peer {
        participant::peer(&self.port.attachment.region, CONSUMER)
    }

    /// Rings when there is as much room as the last call lacked: for a [`WaitSet`](crate::WaitSet) or a
    /// [`Bridge`](crate::Bridge). Allocates.
    #[must_use]
    pub fn doorbell(&self) -> Doorbell {
        Doorbell::of(Watch::of(&self.port, view::<P>(&self.port.attachment)))
    }

    /// Whether there is room for an element, or for an empty record.
    pub(super) fn look(&mut self) -> Result<(), PushError> {
        let least = if P::ELEMENT.is_some() { 1 } else { frames::HEADER };
        self.room(least, least).map(|_| ())
    }

    /// How many units may be written, `least` at least; `wanted` would be used.
    #[inline]
    pub(super) fn room(&mut self, least: u64, wanted: u64) -> Result<u64, PushError> {
        self.port.check()?;
        match self.writer.room(&self.port.view, least, wanted) {
            Ok(room) => Ok(room),
            Err(blocked) => self.blocked(blocked, least),
        }
    }

    /// What a fruitless look for `least` units means for the caller.
    #[cold]
    fn blocked(&mut self, blocked: Blocked, least: u64) -> Result<u64, PushError> {
        Err(match blocked {
            Blocked::Full => {
                self.port.signals.set_ahead(least);
                match self.port.polled() {
                    // Nobody can make room in a ring that nobody finds any more: what would be pushed is lost.
                    Some(fault @ (Fault::Unlinked | Fault::Truncated)) => {
                        PushError::Broken(self.port.end(fault))
                    }
                    // The fault first, then a last look: the peer may have made room before it died.
                    Some(fault) => match self.writer.room(&self.port.view, least, least) {
                        Ok(room) => return Ok(room),
                        Err(_) => PushError::Broken(fault),
                    },
                    None => PushError::Full,
                }
            }
            Blocked::Ended(End::Closed) => PushError::Closed,
            Blocked::Ended(End::Retired) => PushError::Broken(self.port.end(Fault::Unlinked)),
            Blocked::Corrupted(corruption) => PushError::Broken(self.port.corrupted(corruption)),
        })
    }
}

impl<P: Payload + ?Sized> Waits for Writer<P> {
    type View = View<P>;
    type Error = PushError;

    fn port(&mut self) -> &mut Port<P> {
        &mut self.port
    }
}

impl<T: Element> Writer<T> {
    /// Pushes `value` and says where it went.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`], [`PushError::Closed`], or [`PushError::Broken`].
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<Position, PushError> {
        self.room(1, 1)?;
        let Self { writer, port } = self;
        let tail = writer.tail();
        port.view.units.set(tail, &value);
        writer.commit(&port.view, 1);
        Ok(Position::of_cursor(tail))
    }

    /// Pushes the first of `values`, as many as there is room for, and says how many; at least one, if there are any.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`], [`PushError::Closed`], or [`PushError::Broken`].
    #[inline]
    pub fn try_push_slice(&mut self, values: &[T]) -> Result<usize, PushError> {
        if values.is_empty() {
            return self.port.check().map(|()| 0).map_err(PushError::Broken);
        }
        let room = self.room(1, values.len() as u64)?;
        let count = values.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        let Self { writer, port } = self;
        port.view.units.write(writer.tail(), &values[..count]);
        writer.commit(&port.view, count as u64);
        Ok(count)
    }

    /// Claims room for up to `max` elements in one piece, to fill them in place: at least one, fewer where the ring is
    /// nearly full or its memory ends.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`], [`PushError::Closed`], or [`PushError::Broken`].
    #[inline]
    pub fn try_claim_slice(&mut self, max: usize) -> Result<ClaimSlice<'_, T>, PushError> {
        let room = self.room(1, max.max(1) as u64)?.min(self.port.view.units.contiguous(self.writer.tail()));
        Ok(ClaimSlice::of(self, max.max(1).min(usize::try_from(room).unwrap_or(usize::MAX))))
    }

    /// Claims room for up to `max` elements in one piece, to fill them in place; waits while there is none.
    ///
    /// # Errors
    ///
    /// [`PushError::Closed`] or [`PushError::Broken`].
    #[inline]
    pub fn claim_slice(&mut self, max: usize) -> Result<ClaimSlice<'_, T>, PushError> {
        self.claim_slice_timeout(max, Limit::Unlimited)
    }

    /// Claims room for up to `max` elements in one piece, to fill them in place; waits up to `limit` while there is none.
    ///
    /// # Errors
    ///
    /// [`PushError::Timeout`], [`PushError::Closed`] or [`PushError::Broken`].
    #[inline]
    pub fn claim_slice_timeout(
        &mut self,
        max: usize,
        limit: impl Into<Limit>,
    ) -> Result<ClaimSlice<'_, T>, PushError> {
        self.wait(limit)?;
        self.try_claim_slice(max)
    }
}

impl Writer<[u8]> {
    /// Pushes `bytes` as a record and says where it went.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLong`], [`PushError::Full`] where there is not enough room for this record, [`PushError::Closed`], or
    /// [`PushError::Broken`].
    #[inline]
    pub fn try_push(&mut self, bytes: &[u8]) -> Result<Position, PushError> {
        let reserved = self.reserve(bytes.len())?;
        self.port.view.units.write(reserved.bytes(), bytes);
        Ok(self.commit(reserved, bytes.len()))
    }

    /// Pushes `parts`, one behind the other, as one record and says where it went.
    ///
    /// # Errors
    ///
    /// As [`try_push`](Writer::try_push).
    #[inline]
    pub fn try_push_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<Position, PushError> {
        let length = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        let reserved = self.reserve(length)?;
        let mut at = reserved.bytes();
        for part in parts {
            self.port.view.units.write(at, part);
            at = at.wrapping_add(part.len() as u64);
        }
        Ok(self.commit(reserved, length))
    }

    /// Pushes `parts`, one behind the other, as one record and says where it went; waits while there is not enough room.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLong`], [`PushError::Closed`] or [`PushError::Broken`].
    #[inline]
    pub fn push_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<Position, PushError> {
        self.push_vectored_timeout(parts, Limit::Unlimited)
    }

    /// Pushes `parts`, one behind the other, as one record and says where it went; waits up to `limit` while there is not
    /// enough room.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLong`], [`PushError::Timeout`], [`PushError::Closed`] or [`PushError::Broken`].
    #[inline]
    pub fn push_vectored_timeout(
        &mut self,
        parts: &[IoSlice<'_>],
        limit: impl Into<Limit>,
    ) -> Result<Position, PushError> {
        match self.try_push_vectored(parts) {
            Err(error) if error.passes() => self.retry(limit.into(), |it| it.try_push_vectored(parts)),
            result => result,
        }
    }

    /// Claims room for a record of up to `max` bytes, to fill it in place; what is committed may be shorter.
    ///
    /// # Errors
    ///
    /// As [`try_push`](Writer::try_push).
    #[inline]
    pub fn try_claim(&mut self, max: usize) -> Result<Claim<'_>, PushError> {
        let reserved = self.reserve(max)?;
        Ok(Claim::of(self, reserved, max))
    }

    /// Claims room for a record of up to `max` bytes, to fill it in place; waits while there is not enough room.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLong`], [`PushError::Closed`] or [`PushError::Broken`].
    #[inline]
    pub fn claim(&mut self, max: usize) -> Result<Claim<'_>, PushError> {
        self.claim_timeout(max, Limit::Unlimited)
    }

    /// Claims room for a record of up to `max` bytes, to fill it in place; waits up to `limit` while there is not enough room.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLong`], [`PushError::Timeout`], [`PushError::Closed`] or [`PushError::Broken`].
    #[inline]
    pub fn claim_timeout(&mut self, max: usize, limit: impl Into<Limit>) -> Result<Claim<'_>, PushError> {
        let reserved = match self.reserve(max) {
            Err(error) if error.passes() => self.retry(limit.into(), |it| it.reserve(max))?,
            result => result?,
        };
        Ok(Claim::of(self, reserved, max))
    }

    /// Finds room for a record of `len` bytes.
    #[inline]
    fn reserve(&mut self, len: usize) -> Result<Reserved, PushError> {
        self.fits(len)?;
        let needed = frames::needed(&self.port.view, &self.writer, len as u64);
        self.room(needed, needed)?;
        Ok(frames::reserved(&self.writer, needed, len as u64))
    }

    /// Commits the record of `len` bytes that was written where `reserved` says.
    #[inline]
    pub(super) fn commit(&mut self, reserved: Reserved, len: usize) -> Position {
        let Self { writer, port } = self;
        frames::commit(&port.view, writer, reserved, len as u64);
        Position::of_cursor(reserved.position())
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Writer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("position", &self.position()).field("port", &self.port).finish()
    }
}

common_producer! {
    handle: Writer;
    item: try_push push push_timeout push_or_drop;
    slice: try_push_slice push_slice push_slice_timeout;
    words: "Pushes" "pushed";
    limit: "[`PushError::Timeout`]";
}
