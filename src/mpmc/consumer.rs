//! The handle that pops and reads.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::algorithm::{Hold, close};
use super::claims::View;
use super::claims::after;
use super::port::{Port, view};
use super::read::{ReadGuard, ReadSlice};
use super::reader::{Absent, Popped, Reader, Taken, blocking_readers};
use super::ring::Ring;
use super::suspicion::{ELSEWHERE, Suspicion, resolve, resolve_readers};
use crate::barrier::Barrier;
use crate::delivery::Delivery;
use crate::doorbell;
use crate::element::{Element, Payload};
use crate::error::{AttachError, Fault, Passing, PopError, Word};
use crate::halt::End;
use crate::port::Waits;
use crate::position::Position;
use crate::source::Doorbell;
use crate::surface::common_consumer;
use crate::vocabulary::Role;
use crate::wait::{Limit, Waiter};
use crate::watch::Watch;

/// A consumer of a ring. Dropping it detaches, and gives back what it had not released; it does not close the ring.
///
/// `pop` copies an item out and releases it. [`read`](Consumer::read) looks at an item and leaves the release to its
/// guard; [`read_ahead`](Consumer::read_ahead) takes one after the other, to be released by position once their effects are
/// safe. What is not released is delivered again, flagged, to any consumer.
///
/// A pop that succeeds neither allocates nor makes a system call. One handle is used by one thread at a time: it can be
/// sent to another thread, not shared; [`try_clone`](Consumer::try_clone) makes another one.
pub struct Consumer<P: Payload + ?Sized> {
    pub(super) reader: Reader,
    /// What a guard has, or had before it was forgotten: the first position, and how many.
    held: (u64, u64),
    /// What was read ahead and is not released, in the order of delivery.
    pub(super) ahead: VecDeque<u64>,
    /// The latest position that was ever read ahead.
    pub(super) read_to: Option<u64>,
    last: Option<Delivery>,
    suspicion: Suspicion,
    pub(super) port: Port<P>,
}

impl<P: Payload + ?Sized> Consumer<P> {
    pub(super) fn attach(ring: &Ring<P>) -> Result<Self, AttachError> {
        Ok(Self::over(Port::attach(ring.attachment(), Role::Consumer)?))
    }

    fn over(port: Port<P>) -> Self {
        let reader = Reader::new(&port.view, port.me(), port.barrier.ringer());
        let suspicion = Suspicion::default();
        Self { reader, held: (0, 0), ahead: VecDeque::new(), read_to: None, last: None, suspicion, port }
    }

    /// Another consumer of the same ring: a participant of its own. Makes system calls.
    ///
    /// # Errors
    ///
    /// As [`Ring::consumer`].
    pub fn try_clone(&self) -> Result<Self, AttachError> {
        Ok(Self::over(Port::attach(&self.port.attachment, Role::Consumer)?))
    }

    /// Takes the oldest item without releasing it; `Err(Empty)` where there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Held`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_read(&mut self) -> Result<ReadGuard<'_, P>, PopError> {
        let taken = self.acquire()?;
        self.guard(taken)
    }

    /// Takes the oldest item without releasing it; waits while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    #[inline]
    pub fn read(&mut self) -> Result<ReadGuard<'_, P>, PopError> {
        self.read_timeout(Limit::Unlimited)
    }

    /// Takes the oldest item without releasing it; waits up to `limit` while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Timeout`], [`PopError::Held`], [`PopError::Closed`] or [`PopError::Broken`].
    #[inline]
    pub fn read_timeout(&mut self, limit: impl Into<Limit>) -> Result<ReadGuard<'_, P>, PopError> {
        let taken = match self.acquire() {
            Err(PopError::Empty | PopError::Held { .. }) => self.retry(limit.into(), Self::acquire)?,
            result => result?,
        };
        self.guard(taken)
    }

    #[inline]
    pub(super) fn guard(&mut self, taken: Taken) -> Result<ReadGuard<'_, P>, PopError> {
        self.held = (taken.first, taken.count);
        let len = self.length(taken.first)?;
        self.deliver(taken);
        Ok(ReadGuard::of(self, taken.first, len, taken.redelivered))
    }

    /// Ends the ring for good, as [`Ring::close`] does.
    pub fn close(&mut self) {
        if self.port.check().is_ok()
            && let Err(corruption) = close(&self.port.view)
        {
            self.port.corrupted(corruption);
        }
    }

    /// What the last pop or look of this handle delivered.
    #[must_use]
    #[inline]
    pub fn last(&self) -> Option<Delivery> {
        self.last
    }

    /// Rings when an item comes: for a [`WaitSet`](crate::WaitSet) or a [`Bridge`](crate::Bridge). Allocates.
    #[must_use]
    pub fn doorbell(&self) -> Doorbell {
        Doorbell::of(Watch::of(&self.port, view::<P>(&self.port.attachment)))
    }

    /// Number of this handle's entry among the ring's [`participants`](Ring::participants).
    #[must_use]
    pub fn index(&self) -> u32 {
        self.port.index()
    }

    /// Takes one item.
    #[inline]
    pub(super) fn acquire(&mut self) -> Result<Taken, PopError> {
        self.take(1)
    }

    /// Whether there is an item to take.
    pub(super) fn look(&mut self) -> Result<(), PopError> {
        self.take(0).map(|_| ())
    }

    /// Takes up to `wanted` of the oldest items, at least one; 0: looks whether there is one.
    #[inline]
    fn take(&mut self, wanted: u64) -> Result<Taken, PopError> {
        self.port.check()?;
        self.settle_forgotten();
        let taken = match self.reader.claim(&self.port.view, wanted) {
            Ok(taken) => Ok(taken),
            Err(absent) => self.absent(absent, wanted),
        };
        self.port.signals.set_ahead(self.reader.epoch());
        taken
    }

    /// Gives back what a guard had that was forgotten.
    #[inline]
    fn settle_forgotten(&mut self) {
        if self.held.1 > 0 {
            self.give_back();
        }
    }

    /// Gives back what a guard has.
    #[cold]
    pub(super) fn give_back(&mut self) {
        let (first, count) = std::mem::take(&mut self.held);
        self.reader.give_back(&self.port.view, first, count);
    }

    /// Gives back what a guard has when it goes without a release. In a forked child the item is the parent's.
    #[inline]
    pub(super) fn keep_nothing(&mut self) {
        if self.held.1 > 0 && self.port.check().is_ok() {
            self.give_back();
        }
    }

    /// Releases the first `count` items that a guard has, and gives the others back.
    #[inline]
    pub(super) fn release_held(&mut self, count: u64) {
        let (first, all) = self.held;
        let count = count.min(all);
        self.held = (after(first, count), all - count);
        self.reader.release(&self.port.view, first, count);
        self.settle_forgotten();
    }

    #[inline]
    pub(super) fn length(&mut self, position: u64) -> Result<usize, PopError> {
        self.port.view.slots.slot(position).length().map_err(|found| {
            let fault = Fault::Corrupted { what: Word::Length, found: u64::from(found) };
            PopError::Broken(self.port.end(fault))
        })
    }

    /// What a fruitless attempt means for the caller; tries once more where that may help.
    #[cold]
    fn absent(&mut self, absent: Absent, wanted: u64) -> Result<Taken, PopError> {
        let (error, again) = match absent {
            Absent::Empty(hold) => {
                if hold.is_none() && self.reader.has_settled() {
                    self.suspicion.clear_elsewhere();
                }
                let repaired = hold.is_some() && self.suspects(ELSEWHERE);
                self.polled(PopError::Empty, repaired)
            }
            Absent::Held(hold) => {
                let repaired = self.suspects(hold);
                self.polled(hold.owner.entry().map_or(PopError::Empty, |by| PopError::Held { by }), repaired)
            }
            Absent::Ended(End::Closed) => (PopError::Closed, false),
            Absent::Ended(End::Retired) => (PopError::Broken(Fault::Unlinked), false),
            Absent::Corrupted(corruption) => (PopError::Broken(self.port.corrupted(corruption)), false),
        };
        if again && let Ok(taken) = self.reader.claim(&self.port.view, wanted) {
            return Ok(taken);
        }
        Err(error)
    }

    /// What a fruitless attempt means that found `error`, and whether to try once more.
    fn polled(&mut self, error: PopError, again: bool) -> (PopError, bool) {
        match self.port.polled() {
            None => (error, again),
            // Nothing is left to look at.
            Some(Fault::Truncated) => (PopError::Broken(self.port.end(Fault::Truncated)), false),
            // The fault first, then a last look: what was committed before is delivered.
            Some(fault) => (PopError::Broken(fault), true),
        }
    }

    fn patience(&self) -> Duration {
        self.port.attachment.attach.patience
    }

    /// Notes who is in the way; says whether anybody was found dead who was, or who had items that come back.
    fn suspects(&mut self, hold: Hold) -> bool {
        if !self.suspicion.is_due(hold, self.patience()) {
            return false;
        }
        let (attachment, view) = (&self.port.attachment, &self.port.view);
        let mut repaired = resolve(attachment, view, hold);
        if self.suspicion.sweeps() {
            let (count, dead) = resolve_readers(attachment, view);
            self.suspicion.swept(count);
            repaired |= dead;
        } else if hold == ELSEWHERE {
            return false; // Nobody was asked: the next look does.
        }
        self.suspicion.heard(repaired)
    }

    /// Notes what is about to be delivered.
    #[inline]
    pub(super) fn deliver(&mut self, taken: Taken) {
        self.last = Some(Delivery {
            first: Position::of_claim(taken.first),
            len: taken.count as usize,
            redelivered: taken.redelivered,
        });
    }
}

impl<P: Payload + ?Sized> Waits for Consumer<P> {
    type View = View<P>;
    type Error = PopError;

    fn port(&mut self) -> &mut Port<P> {
        &mut self.port
    }

    fn before_waiting(&mut self) {
        self.suspicion.clear();
    }

    fn before_pause(&mut self, waiter: &Waiter) -> Duration {
        if waiter.is_turn()
            && let Some(hold) = blocking_readers(&self.port.view)
        {
            self.suspects(hold); // Found dead or not, the next attempt tells.
        }
        self.suspicion.slice(self.patience())
    }

    fn timed_out(&self, error: PopError) -> PopError {
        match error {
            PopError::Held { .. } => error,
            _ => {
                let by = blocking_readers(&self.port.view).and_then(|hold| hold.owner.entry());
                by.map_or(PopError::Timeout, |by| PopError::Held { by })
            }
        }
    }

    fn after_waiting(&mut self, slept: bool) {
        if slept && self.port.may_write() {
            let (view, epoch) = (&self.port.view, self.reader.epoch());
            doorbell::ring_on(&view.words, &view.words.not_empty, || Reader::finds_item(view, epoch));
        }
    }
}

impl<T: Element> Consumer<T> {
    /// Takes the oldest item: copies it out and releases it.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Held`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, PopError> {
        self.port.check()?;
        self.settle_forgotten();
        match self.reader.pop(&self.port.view) {
            Popped::Item(value, position) => {
                self.deliver(Taken { first: position, count: 1, redelivered: false });
                Ok(value)
            }
            Popped::Nothing if !self.port.counts_poll() => {
                self.suspicion.clear_elsewhere();
                Err(PopError::Empty)
            }
            Popped::Nothing | Popped::Rare => self.pop_rarely(),
        }
    }

    /// Pops an item that was given back, or where others are at work, or where it is time to look around.
    #[cold]
    fn pop_rarely(&mut self) -> Result<T, PopError> {
        let taken = self.acquire()?;
        self.deliver(taken);
        let value = self.port.view.slots.slot(taken.first).read();
        self.reader.release(&self.port.view, taken.first, 1);
        Ok(value)
    }

    /// Takes the oldest items, as many as follow each other and `values` takes, and says how many; at least one, unless
    /// `values` is empty. One claim is made for all of them.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Held`], [`PopError::Closed`], or [`PopError::Broken`].
    #[inline]
    pub fn try_pop_slice(&mut self, values: &mut [T]) -> Result<usize, PopError> {
        if values.is_empty() {
            return Ok(self.port.check().map(|()| 0)?);
        }
        let taken = self.take(values.len() as u64)?;
        self.deliver(taken);
        for (step, value) in values.iter_mut().enumerate().take(taken.count as usize) {
            *value = self.port.view.slots.slot(taken.first.wrapping_add(step as u64)).read();
        }
        self.reader.release(&self.port.view, taken.first, taken.count);
        Ok(taken.count as usize)
    }

    /// Takes the oldest items, `max` at most, without releasing them; `Err(Empty)` where there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Held`], [`PopError::Closed`], or [`PopError::Broken`].
    pub fn try_read_slice(&mut self, max: usize) -> Result<ReadSlice<'_, T>, PopError> {
        let taken = self.take(max.max(1) as u64)?;
        Ok(self.guard_slice(taken))
    }

    /// Takes the oldest items, `max` at most, without releasing them; waits while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    pub fn read_slice(&mut self, max: usize) -> Result<ReadSlice<'_, T>, PopError> {
        self.read_slice_timeout(max, Limit::Unlimited)
    }

    /// Takes the oldest items, `max` at most, without releasing them; waits up to `limit` while there is none.
    ///
    /// # Errors
    ///
    /// [`PopError::Timeout`], [`PopError::Held`], [`PopError::Closed`] or [`PopError::Broken`].
    pub fn read_slice_timeout(
        &mut self,
        max: usize,
        limit: impl Into<Limit>,
    ) -> Result<ReadSlice<'_, T>, PopError> {
        let wanted = max.max(1) as u64;
        let taken = match self.take(wanted) {
            Err(PopError::Empty | PopError::Held { .. }) => self.retry(limit.into(), |it| it.take(wanted))?,
            result => result?,
        };
        Ok(self.guard_slice(taken))
    }

    fn guard_slice(&mut self, taken: Taken) -> ReadSlice<'_, T> {
        self.held = (taken.first, taken.count);
        self.deliver(taken);
        ReadSlice::of(self, taken.first, taken.count as usize, taken.redelivered)
    }
}

impl Consumer<[u8]> {
    /// Takes the oldest item: `buffer` then holds its bytes and nothing else. Says how many.
    ///
    /// Allocates only where the buffer's capacity does not suffice.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`], [`PopError::Held`], [`PopError::Closed`], or [`PopError::Broken`]; the buffer is left as it
    /// was.
    #[inline]
    pub fn try_pop_to(&mut self, buffer: &mut Vec<u8>) -> Result<usize, PopError> {
        let taken = self.acquire()?;
        // Held while the buffer grows: an allocator that panics loses nothing.
        self.held = (taken.first, taken.count);
        let length = self.length(taken.first)?;
        buffer.clear();
        self.port.view.slots.slot(taken.first).append(length, buffer);
        self.deliver(taken);
        self.release_held(1);
        Ok(length)
    }
}

impl<P: Payload + ?Sized> Drop for Consumer<P> {
    fn drop(&mut self) {
        if self.port.may_write() {
            self.settle_forgotten();
            self.return_ahead();
        }
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Consumer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("index", &self.index())
            .field("last", &self.last())
            .field("port", &self.port)
            .finish()
    }
}

common_consumer! {
    handle: Consumer, PopError;
    barrier: "a release";
    item: try_pop pop pop_timeout;
    slice: try_pop_slice pop_slice pop_slice_timeout;
    bytes: try_pop_to pop_to pop_to_timeout;
    words: "Takes the oldest" "copies it out and releases it";
    errors: "[`PopError::Closed`] or [`PopError::Broken`]";
    limit: "[`PopError::Timeout`], [`PopError::Held`]";
}
