//! Filling the ring in place: claim → fill → commit. What was not filled is not committed.

use std::fmt;
use std::io;

use super::Writer;
use super::frames::Reserved;
use crate::element::Element;
use crate::error::PushError;
use crate::position::Position;

/// Room for elements, in one piece. Dropping it aborts: nothing was pushed.
///
/// ```
/// use ringfence::stream;
///
/// let ring = stream::Options::<u32>::new(8).in_process()?;
/// let (mut tx, mut rx) = (ring.writer()?, ring.reader()?);
///
/// let mut claim = tx.try_claim_slice(4)?;
/// claim.extend(1..); // as many as there is room for
/// assert_eq!(claim.filled(), 4);
/// claim.commit()?;
///
/// let mut values = [0; 8];
/// assert_eq!(rx.pop_slice(&mut values)?, 4);
/// assert_eq!(values[..4], [1, 2, 3, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a claim that is dropped pushes nothing"]
pub struct ClaimSlice<'a, T: Element> {
    writer: &'a mut Writer<T>,
    len: usize,
    filled: usize,
}

impl<'a, T: Element> ClaimSlice<'a, T> {
    #[inline]
    pub(super) fn of(writer: &'a mut Writer<T>, len: usize) -> Self {
        Self { writer, len, filled: 0 }
    }

    /// The position that the first element will have.
    #[must_use]
    pub fn position(&self) -> Position {
        self.writer.position()
    }

    /// How many elements there is room for; at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many elements were filled so far.
    #[must_use]
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Appends `value`; `false` where there is no more room, or in a forked child, whose parent has the claim.
    #[inline]
    pub fn append(&mut self, value: T) -> bool {
        self.append_slice(std::slice::from_ref(&value)) == 1
    }

    /// Appends the first of `values`, as many as there is room for, and says how many; none in a forked child, whose parent
    /// has the claim.
    #[inline]
    pub fn append_slice(&mut self, values: &[T]) -> usize {
        if self.writer.port.check().is_err() {
            return 0;
        }
        let count = values.len().min(self.len - self.filled);
        let at = self.writer.writer.tail().wrapping_add(self.filled as u64);
        self.writer.port.view.units.write(at, &values[..count]);
        self.filled += count;
        count
    }

    /// Appends `values`, as many as there is room for.
    #[inline]
    pub fn extend(&mut self, values: impl IntoIterator<Item = T>) {
        let room = self.len - self.filled;
        for value in values.into_iter().take(room) {
            if !self.append(value) {
                break;
            }
        }
    }

    /// Pushes what was filled, possibly nothing, and says where it went.
    ///
    /// # Errors
    ///
    /// [`PushError::Broken`] in a forked child, whose parent has the claim.
    #[inline]
    pub fn commit(self) -> Result<Position, PushError> {
        self.writer.port.check()?;
        let position = self.position();
        if self.filled > 0 {
            self.writer.writer.commit(&self.writer.port.view, self.filled as u64);
        }
        Ok(position)
    }
}

impl<T: Element> fmt::Debug for ClaimSlice<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimSlice")
            .field("position", &self.position())
            .field("len", &self.len)
            .field("filled", &self.filled)
            .finish()
    }
}

/// Room for a record. Dropping it aborts: nothing was pushed.
///
/// ```
/// use std::io::Write;
/// use ringfence::stream;
///
/// let ring = stream::Options::<[u8]>::new(256).in_process()?;
/// let (mut tx, mut rx) = (ring.writer()?, ring.reader()?);
///
/// let mut claim = tx.try_claim(100)?; // at most; it takes what it needs
/// write!(claim, "{} {}", "price", 42)?; // straight into the ring
/// claim.commit()?;
///
/// assert_eq!(rx.read()?.to_vec(), b"price 42");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a claim that is dropped pushes nothing"]
pub struct Claim<'a> {
    writer: &'a mut Writer<[u8]>,
    reserved: Reserved,
    max: usize,
    /// Bytes appended so far.
    len: usize,
}

impl<'a> Claim<'a> {
    #[inline]
    pub(super) fn of(writer: &'a mut Writer<[u8]>, reserved: Reserved, max: usize) -> Self {
        Self { writer, reserved, max, len: 0 }
    }

    /// The position that the record will have.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.reserved.position())
    }

    /// Appends `bytes` to what was written so far.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLong`], with the length that the record would have and the one that was claimed, and
    /// [`PushError::Broken`] in a forked child, whose parent has the claim; nothing is appended then.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), PushError> {
        self.writer.port.check()?;
        let len = self.len.saturating_add(bytes.len());
        if len > self.max {
            let number = |it| u32::try_from(it).unwrap_or(u32::MAX);
            return Err(PushError::TooLong { len: number(len), max: number(self.max) });
        }
        let at = self.reserved.bytes().wrapping_add(self.len as u64);
        self.writer.port.view.units.write(at, bytes);
        self.len = len;
        Ok(())
    }

    /// Pushes what was appended, possibly nothing, as a record and says where it went.
    ///
    /// # Errors
    ///
    /// [`PushError::Broken`] in a forked child, whose parent has the claim.
    #[inline]
    pub fn commit(self) -> Result<Position, PushError> {
        self.writer.port.check()?;
        Ok(self.writer.commit(self.reserved, self.len))
    }
}

/// Appends like [`Claim::append`]; a write that does not fit fails with `WriteZero` and appends nothing.
impl io::Write for Claim<'_> {
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

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("position", &self.position())
            .field("max", &self.max)
            .field("len", &self.len)
            .finish()
    }
}
