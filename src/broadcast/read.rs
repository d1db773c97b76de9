//! Looking before releasing: read → release. The guard has a copy, so nothing that happens to the ring can change it.

use std::fmt;
use std::ops::Deref;

use super::GatedSubscriber;
use crate::element::{Element, Payload};
use crate::position::Position;

/// A copy of the oldest item, which is not released yet. Dropping the guard keeps the item: it is read again, flagged.
///
/// ```
/// use ringfence::broadcast::{self, Gate, Start};
///
/// let ring = broadcast::Options::<u64>::new(8).gated(1).in_process()?;
/// let (mut tx, mut rx) = (ring.publisher()?, ring.subscribe_gated(Gate::Any, Start::Newest)?);
/// tx.publish(7)?;
///
/// let item = rx.read()?;
/// assert_eq!((*item, item.redelivered()), (7, false));
/// drop(item); // a `?`, a panic or a crash here loses nothing
///
/// let item = rx.read()?;
/// assert_eq!((item.get(), item.redelivered()), (7, true));
/// item.release();
/// assert!(rx.try_read().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "an item is released only by `release`"]
pub struct ReadGuard<'a, P: Payload + ?Sized> {
    subscriber: &'a mut GatedSubscriber<P>,
    redelivered: bool,
}

impl<'a, P: Payload + ?Sized> ReadGuard<'a, P> {
    /// Of the oldest item, which the subscriber has just copied.
    #[inline]
    pub(super) fn of(subscriber: &'a mut GatedSubscriber<P>) -> Self {
        let head = subscriber.reader.head();
        let redelivered = subscriber.deliver(head, 1);
        subscriber.reader.note(&subscriber.port.view, head.wrapping_add(1));
        Self { subscriber, redelivered }
    }

    /// The item's position.
    #[must_use]
    #[inline]
    pub fn position(&self) -> Position {
        self.subscriber.position()
    }

    /// Whether the item may have been looked at before, by this subscriber or by the last owner of its gate.
    #[must_use]
    #[inline]
    pub fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// Releases the item: the publisher may overwrite it. In a forked child, whose parent has the guard, it does nothing.
    #[inline]
    pub fn release(self) {
        if self.subscriber.port.check().is_ok() {
            self.subscriber.release(1);
        }
    }
}

impl<T: Element> ReadGuard<'_, T> {
    /// The item.
    #[must_use]
    #[inline]
    pub fn get(&self) -> T {
        **self
    }
}

impl<T: Element> Deref for ReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.subscriber.copy.as_ref().expect("copied before the guard was made")
    }
}

impl Deref for ReadGuard<'_, [u8]> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.subscriber.copy
    }
}

impl<P: Payload + ?Sized> fmt::Debug for ReadGuard<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadGuard")
            .field("position", &self.position())
            .field("redelivered", &self.redelivered)
            .finish_non_exhaustive()
    }
}
