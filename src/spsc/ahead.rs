//! Looking at one item after the other, to release them by position once their effects are safe: after an `fsync`, an
//! exchange's or a broker's acknowledgement.
//!
//! A guard borrows its consumer, so it cannot wait for an acknowledgement that comes later; a position can.

use super::Consumer;
use crate::delivery::{Delivery, Item};
use crate::element::{Element, Payload};
use crate::error::{Passing, PopError, ReleaseError};
use crate::port::Waits;
use crate::position::{Position, distance};
use crate::surface::common_read_ahead;
use crate::wait::Limit;

impl<P: Payload + ?Sized> Consumer<P> {
    /// Releases every item up to and including `position`, and says how many that were: 0 where they were released
    /// before.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::NotRead`] for a position that was not read ahead, [`ReleaseError::Broken`].
    #[inline]
    pub fn release_through(&mut self, position: Position) -> Result<u64, ReleaseError> {
        self.port.check()?;
        let beyond = distance(position.to_bits(), self.reader.ahead()) + 1;
        if beyond > 0 {
            return Err(ReleaseError::NotRead { beyond: beyond.cast_unsigned() });
        }
        let count = (distance(position.to_bits(), self.reader.head()) + 1).max(0).cast_unsigned();
        if count > 0 {
            self.reader.release(&self.port.view, count);
        }
        Ok(count)
    }

    /// Reads ahead from the oldest unreleased item again; what was read already comes flagged, and can be released only
    /// once it is read anew. Wakes whoever waits on this handle's behalf: a system call, if anybody ever did.
    pub fn rewind(&mut self) {
        self.reader.rewind();
        self.port.signals.set_ahead(self.reader.ahead());
        if self.port.check().is_ok() {
            self.port.view.words.not_empty.ring_out();
        }
    }

    #[inline]
    fn step_ahead(&mut self) {
        self.reader.step_ahead(&self.port.view);
        self.port.signals.set_ahead(self.reader.ahead());
    }
}

impl<T: Element> Consumer<T> {
    /// Copies the next item out without releasing it: the oldest one first, then one after the other.
    /// [`release_through`](Consumer::release_through) releases them later.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_read_ahead(&mut self) -> Result<Item<T>, PopError> {
        let position = self.reader.ahead();
        self.find(position)?;
        let redelivered = self.deliver(position, 1);
        self.step_ahead();
        let value = self.port.view.slots.slot(position).read();
        Ok(Item { value, position: Position::of_cursor(position), redelivered })
    }
}

impl Consumer<[u8]> {
    /// Copies the next item into `buffer`, which then holds its bytes and nothing else, without releasing it: the
    /// oldest one first, then one after the other. [`release_through`](Consumer::release_through) releases them later.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Closed`], or [`PopError::Broken`]; the buffer is left as it was.
    pub fn try_read_ahead_to(&mut self, buffer: &mut Vec<u8>) -> Result<Delivery, PopError> {
        let position = self.reader.ahead();
        self.find(position)?;
        let length = self.length(position)?;
        buffer.clear();
        buffer.reserve(length);
        let redelivered = self.deliver(position, 1);
        self.step_ahead();
        self.port.view.slots.slot(position).append(length, buffer);
        Ok(Delivery { first: Position::of_cursor(position), len: 1, redelivered })
    }
}

common_read_ahead! {
    handle: Consumer, PopError;
    errors: "[`PopError::Closed`] or [`PopError::Broken`]";
    limit: "[`PopError::Timeout`]";
}
