//! Filling a slot in place: claim → fill → commit. Only a filled claim can be committed.

use std::fmt;
use std::io;

use super::Producer;
use crate::element::{Element, Payload};
use crate::error::PushError;
use crate::position::Position;

/// The next slot, claimed and not yet filled. Dropping it aborts: nothing was pushed.
///
/// ```
/// use std::io::Write;
/// use ringfence::spsc;
///
/// let ring = spsc::Options::<[u8]>::new(8, 64).in_process()?;
/// let (mut tx, mut rx) = (ring.producer()?, ring.consumer()?);
///
/// let mut claim = tx.try_claim()?;
/// write!(claim, "{} {}", "price", 42)?; // straight into the ring
/// claim.finish().commit()?;
///
/// assert_eq!(rx.read()?.to_vec(), b"price 42");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a claim that is dropped pushes nothing"]
pub struct Claim<'a, P: Payload + ?Sized> {
    producer: &'a mut Producer<P>,
    /// Bytes appended so far.
    len: usize,
}

/// A filled slot. Dropping it aborts: nothing was pushed.
#[must_use = "a filled claim that is not committed pushes nothing"]
pub struct Filled<'a, P: Payload + ?Sized> {
    producer: &'a mut Producer<P>,
}

impl<'a, P: Payload + ?Sized> Claim<'a, P> {
    #[inline]
    pub(super) fn of(producer: &'a mut Producer<P>) -> Self {
        Self { producer, len: 0 }
    }

    /// The position that the item will have.
    #[must_use]
    pub fn position(&self) -> Position {
        self.producer.position()
    }
}

impl<'a, T: Element> Claim<'a, T> {
    /// Fills the slot with `value`.
    #[inline]
    pub fn write(self, value: T) -> Filled<'a, T> {
        let producer = self.producer;
        // In a forked child the slot is the parent's; `commit` says so.
        if producer.port.check().is_ok() {
            producer.port.view.slots.slot(producer.writer.tail()).write(&value);
        }
        Filled { producer }
    }
}

impl<'a> Claim<'a, [u8]> {
    /// Fills the slot with `bytes` and nothing else.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLong`] where they do not fit, [`PushError::Broken`] in a forked child, whose parent has the
    /// claim; the claim is then aborted.
    #[inline]
    pub fn copy_from(mut self, bytes: &[u8]) -> Result<Filled<'a, [u8]>, PushError> {
        self.len = 0;
        self.append(bytes)?;
        Ok(self.finish())
    }

    /// Appends `bytes` to what was written into the slot so far.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLong`], with the length that the item would have, and [`PushError::Broken`] in a forked child,
    /// whose parent has the claim; nothing is appended then.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), PushError> {
        self.producer.port.check()?;
        self.producer.fits(self.len.saturating_add(bytes.len()))?;
        self.producer.port.view.slots.slot(self.producer.writer.tail()).write(self.len, bytes);
        self.len += bytes.len();
        Ok(())
    }

    /// The item is what was appended, possibly nothing.
    #[inline]
    pub fn finish(self) -> Filled<'a, [u8]> {
        let producer = self.producer;
        // In a forked child the slot is the parent's; `commit` says so.
        if producer.port.check().is_ok() {
            producer.port.view.slots.slot(producer.writer.tail()).set_length(self.len);
        }
        Filled { producer }
    }
}

/// Appends like [`Claim::append`]; a write that does not fit fails with `WriteZero` and appends nothing.
impl io::Write for Claim<'_, [u8]> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.append(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => Err(io::Error::new(io::ErrorKind::WriteZero, error)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<P: Payload + ?Sized> Filled<'_, P> {
    /// Pushes the item and says where it went.
    ///
    /// # Errors
    ///
    /// [`PushError::Broken`] in a forked child, whose parent has the claim.
    #[inline]
    pub fn commit(self) -> Result<Position, PushError> {
        self.producer.port.check()?;
        Ok(Position::of_cursor(self.producer.writer.commit(&self.producer.port.view)))
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Claim<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("position", &self.position()).field("len", &self.len).finish()
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Filled<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filled").field("position", &self.producer.position()).finish()
    }
}
