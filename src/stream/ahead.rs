//! Looking at one element or record after the other, to release them by position once their effects are safe: after an
//! `fsync`, an exchange's or a broker's acknowledgement.
//!
//! A guard borrows its reader, so it cannot wait for an acknowledgement that comes later; a position can.

use super::Reader;
use super::frames;
use crate::delivery::{Delivery, Item};
use crate::element::{Element, Payload};
use crate::error::{Passing, PopError, ReleaseError};
use crate::port::Waits;
use crate::position::{Position, distance};
use crate::surface::common_read_ahead;
use crate::wait::Limit;

impl<P: Payload + ?Sized> Reader<P> {
    /// Reads ahead from the oldest unreleased element or record again; what was read already comes flagged, and can be
    /// released only once it is read anew. Wakes whoever waits on this handle's behalf: a system call, if anybody ever did.
    pub fn rewind(&mut self) {
        self.reader.rewind();
        self.port.signals.set_ahead(self.reader.ahead());
        if self.port.check().is_ok() {
            self.port.view.words.not_empty.ring_out();
        }
    }

    #[inline]
    fn step_ahead(&mut self, next: u64) {
        self.reader.step_ahead(&self.port.view, next);
        self.port.signals.set_ahead(next);
    }

    /// Whether `position` was read ahead.
    fn check_read(&self, position: Position) -> Result<(), ReleaseError> {
        self.port.check()?;
        let beyond = distance(position.to_bits(), self.reader.ahead()) + 1;
        if beyond > 0 { Err(ReleaseError::NotRead { beyond: beyond.cast_unsigned() }) } else { Ok(()) }
    }
}

impl<T: Element> Reader<T> {
    /// Releases every element up to and including `position`, and says how many that were: 0 where they were released
    /// before.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::NotRead`] for a position that was not read ahead, [`ReleaseError::Broken`].
    #[inline]
    pub fn release_through(&mut self, position: Position) -> Result<u64, ReleaseError> {
        self.check_read(position)?;
        let count = (distance(position.to_bits(), self.reader.head()) + 1).max(0).cast_unsigned();
        if count > 0 {
            self.reader.release(&self.port.view, count);
        }
        Ok(count)
    }

    /// Copies the next element out without releasing it: the oldest one first, then one after the other.
    /// [`release_through`](Reader::release_through) releases them later.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_read_ahead(&mut self) -> Result<Item<T>, PopError> {
        let position = self.reader.ahead();
        self.find(position, 1)?;
        let redelivered = self.deliver(position, 1);
        self.step_ahead(position.wrapping_add(1));
        let value = self.port.view.units.get(position);
        Ok(Item { value, position: Position::of_cursor(position), redelivered })
    }
}

impl Reader<[u8]> {
    /// Releases every record up to and including the one at `position`, and says how many that were: 0 where they were
    /// released before. Looks at each of them once more.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::NotRead`] for a position that was not read ahead, [`ReleaseError::Broken`].
    pub fn release_through(&mut self, position: Position) -> Result<u64, ReleaseError> {
        self.check_read(position)?;
        let (mut next, mut count) = (self.reader.head(), 0);
        while distance(position.to_bits(), next) >= 0 {
            let committed = self.reader.ahead().wrapping_sub(next);
            match frames::parse(&self.port.view, next, committed) {
                Ok(found) => next = found.next,
                Err(corruption) => return Err(ReleaseError::Broken(self.port.corrupted(corruption))),
            }
            count += 1;
        }
        if count > 0 {
            self.reader.release_to(&self.port.view, next);
        }
        Ok(count)
    }

    /// Copies the next record into `buffer`, which then holds its bytes and nothing else, without releasing it: the
    /// oldest one first, then one after the other. [`release_through`](Reader::release_through) releases them later.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`]; the buffer is left as it was.
    pub fn try_read_ahead_to(&mut self, buffer: &mut Vec<u8>) -> Result<Delivery, PopError> {
        let found = self.find_record(self.reader.ahead())?;
        buffer.clear();
        buffer.reserve(found.length);
        let redelivered = self.deliver(found.position, 1);
        self.step_ahead(found.next);
        self.port.view.units.append(found.bytes(), found.length, buffer);
        Ok(Delivery { first: Position::of_cursor(found.position), len: 1, redelivered })
    }
}

common_read_ahead! {
    handle: Reader, PopError;
    errors: "[`PopError::Closed`] or [`PopError::Broken`]";
    limit: "[`PopError::Timeout`]";
}
