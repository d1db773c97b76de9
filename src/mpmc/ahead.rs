//! Taking one item after the other, to release them by position once their effects are safe: after an `fsync`, an
//! exchange's or a broker's acknowledgement.
//!
//! A guard borrows its consumer, so it cannot wait for an acknowledgement that comes later; a position can.

use super::Consumer;
use super::reader::Taken;
use crate::delivery::{Delivery, Item};
use crate::element::{Element, Payload};
use crate::error::{Passing, PopError, ReleaseError};
use crate::layout::words::MANY_READERS;
use crate::port::Waits;
use crate::position::{Position, claim_distance};
use crate::surface::common_read_ahead;
use crate::sync::Ordering;
use crate::wait::Limit;

impl<P: Payload + ?Sized> Consumer<P> {
    /// Releases what was read ahead up to and including `position`, in the order of delivery, and says how many items
    /// that were: 0 where it was released before.
    ///
    /// Other consumers' items lie in between, and an item that was redelivered comes out of the order of positions: what
    /// counts is what this handle was given before `position`.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::NotRead`] for a position later than all that was read ahead, [`ReleaseError::Broken`].
    pub fn release_through(&mut self, position: Position) -> Result<u64, ReleaseError> {
        self.port.check()?;
        let Some(index) = self.ahead.iter().position(|it| Position::of_claim(*it) == position) else {
            let latest = self.read_to.unwrap_or_else(|| self.reader.before_head(&self.port.view));
            let beyond = position.since(Position::of_claim(latest));
            return if beyond > 0 {
                Err(ReleaseError::NotRead { beyond: beyond.cast_unsigned() })
            } else {
                Ok(0)
            };
        };
        for released in self.ahead.drain(..=index) {
            self.reader.release(&self.port.view, released, 1);
        }
        Ok(index as u64 + 1)
    }

    /// How many items were read ahead and are not released.
    #[must_use]
    pub fn unreleased(&self) -> usize {
        self.ahead.len()
    }

    /// Gives everything back that was read ahead and is not released: consumers get it, flagged.
    pub fn give_ahead_back(&mut self) {
        if self.port.check().is_ok() {
            self.return_ahead();
        }
    }

    /// As [`give_ahead_back`](Consumer::give_ahead_back), where this handle may still write.
    pub(super) fn return_ahead(&mut self) {
        for position in self.ahead.drain(..) {
            self.reader.give_back(&self.port.view, position, 1);
        }
    }

    /// Takes the next item, to be released by its position.
    fn take_ahead(&mut self) -> Result<Taken, PopError> {
        if self.read_to.is_none() {
            // Relaxed: before this handle releases anything out of order, which E2 publishes.
            self.port.view.words.status.many.fetch_or(MANY_READERS, Ordering::Relaxed);
        }
        self.ahead.reserve(1); // Before anything is taken: an allocator that panics loses nothing.
        let taken = self.acquire()?;
        self.ahead.push_back(taken.first);
        if self.read_to.is_none_or(|latest| claim_distance(taken.first, latest) > 0) {
            self.read_to = Some(taken.first);
        }
        self.deliver(taken);
        Ok(taken)
    }
}

impl<T: Element> Consumer<T> {
    /// Takes the next item without releasing it, and copies it out; [`release_through`](Consumer::release_through)
    /// releases it later. Allocates now and then.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Held`], [`PopError::Closed`], or [`PopError::Broken`].
    pub fn try_read_ahead(&mut self) -> Result<Item<T>, PopError> {
        let Taken { first, redelivered, .. } = self.take_ahead()?;
        let value = self.port.view.slots.slot(first).read();
        Ok(Item { value, position: Position::of_claim(first), redelivered })
    }
}

impl Consumer<[u8]> {
    /// Takes the next item without releasing it, and copies it into `buffer`, which then holds its bytes and nothing
    /// else; [`release_through`](Consumer::release_through) releases it later.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Held`], [`PopError::Closed`], or [`PopError::Broken`]; the buffer is left as it
    /// was.
    pub fn try_read_ahead_to(&mut self, buffer: &mut Vec<u8>) -> Result<Delivery, PopError> {
        let Taken { first, redelivered, .. } = self.take_ahead()?;
        let length = self.length(first)?;
        buffer.clear();
        self.port.view.slots.slot(first).append(length, buffer);
        Ok(Delivery { first: Position::of_claim(first), len: 1, redelivered })
    }
}

common_read_ahead! {
    handle: Consumer, PopError;
    errors: "[`PopError::Closed`] or [`PopError::Broken`]";
    limit: "[`PopError::Timeout`], [`PopError::Held`]";
}
