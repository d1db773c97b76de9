//! Sending what is in the ring to a descriptor straight from the ring, and reading from one straight into it.
//!
//! ```text
//!            head                 sent               tail
//!   ───────────┬────────────────────┬──────────────────┬──────────
//!    released  │ lent to the kernel │ to be sent       │ free
//! ```
//!
//! How soon memory may be written again is the question on which every such path turns, so it is a type: [`Copying`](super::Copying),
//! [`Notified`], [`Aliasing`]. `sent` is stored before the call that lends; so whoever follows a reader that
//! died knows what the kernel may still refer to.

use std::fmt;
use std::os::fd::AsFd;
use std::time::Instant;

use super::lending::{Flight, Lendable, Lender, Mode, Notified, Until};
use super::{Aliasing, Reader, Writer};
use crate::element::{Element, Payload};
use crate::error::{Passing, ReleaseError, TransferError};
use crate::port::Waits;
use crate::position::{Position, distance};
use crate::sys::transfer::{Pieces, await_completion, next_completion};
use crate::wait::Limit;

/// A reader that sends what is in its ring to a descriptor, straight from the ring: the bytes of elements, or of records one
/// behind the other with nothing between them.
///
/// While something is in flight a wait for more can be one for oneself: the writer may be waiting for what is in flight. So
/// then [`try_send`](Drain::try_send), and on `Empty` complete or release first.
///
/// Every byte is sent at least once. If this dies between a call and the release of what that call has sent, its successor
/// sends it again; of a record, or an element of several bytes, that was sent in part, from its beginning. To a reader that
/// follows, what a call was to send counts as delivered before.
///
/// ```
/// use std::io::Read;
/// use ringfence::stream::{self, Copying};
///
/// let ring = stream::Options::<[u8]>::new(256).in_process()?;
/// let (mut tx, rx) = (ring.writer()?, ring.reader()?);
/// tx.push(b"one line\n")?;
/// tx.push(b"and another\n")?;
/// tx.close();
///
/// let (mut far, near) = std::io::pipe()?;
/// let mut drain = rx.drain(near, Copying)?;
/// while drain.send(usize::MAX).is_ok() {} // one system call for all that is there
/// drop(drain);
///
/// let mut text = String::new();
/// far.read_to_string(&mut text)?;
/// assert_eq!(text, "one line\nand another\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Drain<P: Payload + ?Sized, F: AsFd, M: Mode> {
    reader: Reader<P>,
    to: F,
    mode: M,
    lender: Lender,
    /// Position of the item that is sent next.
    next: u64,
    /// Bytes of it that were sent.
    partial: usize,
    flight: Flight,
}

impl<P: Payload + ?Sized> Reader<P> {
    /// Makes this a reader that sends to `to`, as `mode` says.
    ///
    /// # Errors
    ///
    /// [`TransferError::InFlight`] while it is not known what became of what a predecessor had lent;
    /// [`TransferError::Os`] where the descriptor cannot be sent to in this way. The reader is dropped then.
    pub fn drain<F: AsFd, M: Mode>(self, to: F, mode: M) -> Result<Drain<P, F, M>, TransferError> {
        if self.in_flight() > 0 {
            return Err(TransferError::InFlight);
        }
        let lender = M::lender(to.as_fd())?;
        let next = self.reader.head();
        Ok(Drain { reader: self, to, mode, lender, next, partial: 0, flight: Flight::default() })
    }
}

impl<P: Payload + ?Sized, F: AsFd, M: Mode> Drain<P, F, M> {
    /// The position of what is sent next; of an element or a record that was sent in part, its own.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::of_cursor(self.next)
    }

    /// How many elements, of records bytes, were sent and are not released.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        distance(self.next, self.reader.reader.head()).max(0).cast_unsigned()
    }

    /// The descriptor.
    #[must_use]
    pub fn get_ref(&self) -> &F {
        &self.to
    }

    /// The reader and the descriptor, where everything that was sent is released.
    ///
    /// # Errors
    ///
    /// This, where it is not, or something was sent in part.
    #[allow(clippy::result_large_err, reason = "it is given back, not reported")]
    pub fn into_parts(self) -> Result<(Reader<P>, F), Self> {
        if self.in_flight() > 0 || self.partial > 0 { Err(self) } else { Ok((self.reader, self.to)) }
    }

    /// Releases what is finished; says how many elements, of records bytes, that are.
    fn settle(&mut self) -> u64 {
        let Some(end) = self.flight.take_finished() else { return 0 };
        let count = distance(end, self.reader.reader.head()).max(0).cast_unsigned();
        if count > 0 {
            self.reader.reader.release_to(&self.reader.port.view, end);
        }
        count
    }
}

/// The calls, with the same text for elements and for records.
macro_rules! sends {
    ($($payload:ty, [$($element:tt)*]);*) => {$(
        impl<$($element)* F: AsFd, M: Mode> Drain<$payload, F, M> {
            /// Sends what is there, up to about `max` bytes, with one system call, and says how many bytes that were: fewer
            /// than are there where the descriptor takes no more, 0 where there are only empty records.
            ///
            /// Never waits for the ring; waits for the descriptor where that blocks.
            ///
            /// # Errors
            ///
            /// [`TransferError::Empty`], [`TransferError::WouldBlock`], [`TransferError::Closed`],
            /// [`TransferError::Broken`], [`TransferError::Os`]; then nothing was sent.
            pub fn try_send(&mut self, max: usize) -> Result<usize, TransferError> {
                attempt(self, max)
            }

            /// Sends what is there, up to about `max` bytes, with one system call, and says how many bytes that were; waits
            /// while the ring is empty.
            ///
            /// # Errors
            ///
            /// As [`try_send`](Drain::try_send), except for `Empty`.
            pub fn send(&mut self, max: usize) -> Result<usize, TransferError> {
                self.send_timeout(max, Limit::Unlimited)
            }

            /// Sends what is there, up to about `max` bytes, with one system call, and says how many bytes that were; waits
            /// up to `limit` while the ring is empty.
            ///
            /// # Errors
            ///
            /// As [`try_send`](Drain::try_send), except for `Empty`; [`TransferError::Timeout`].
            pub fn send_timeout(
                &mut self,
                max: usize,
                limit: impl Into<Limit>,
            ) -> Result<usize, TransferError> {
                let next = self.next;
                match attempt(self, max) {
                    Err(TransferError::Empty) => {}
                    result => return result,
                }
                match self.reader.find(next, 1) {
                    Err(error) if error.passes() => {
                        self.reader.retry(limit.into(), |it| it.find(next, 1))?;
                    }
                    result => drop(result?),
                }
                attempt(self, max)
            }
        }

        impl<$($element)* F: AsFd> Drain<$payload, F, Aliasing> {
            /// Releases what was sent before `position`: the far side has consumed it. Says how many elements, of records
            /// bytes, that are; a record is released as a whole.
            ///
            /// What the far side has not consumed changes under its eyes once it is released too early.
            ///
            /// # Errors
            ///
            /// [`ReleaseError::NotRead`] for a position behind what was sent, [`ReleaseError::Broken`].
            pub fn release_to(&mut self, position: Position) -> Result<u64, ReleaseError> {
                self.reader.port.check()?;
                let beyond = distance(position.to_bits(), self.next);
                if beyond > 0 {
                    return Err(ReleaseError::NotRead { beyond: beyond.cast_unsigned() });
                }
                let head = self.reader.reader.head();
                if distance(position.to_bits(), head) <= 0 {
                    return Ok(0);
                }
                let ahead = distance(position.to_bits(), head).cast_unsigned();
                let wanted = head.wrapping_add(ahead);
                let end = <$payload>::boundary(&mut self.reader, wanted, self.next)
                    .map_err(ReleaseError::Broken)?;
                self.flight.confirm(end);
                self.settle();
                let count = distance(end, self.reader.reader.head()).max(0).cast_unsigned();
                if count > 0 {
                    self.reader.reader.release_to(&self.reader.port.view, end);
                }
                Ok(distance(end, head).max(0).cast_unsigned())
            }
        }
    )*};
}

sends!(T, [T: Element,]; [u8], []);

/// One call that sends.
fn attempt<P: Lendable + ?Sized, F: AsFd, M: Mode>(
    drain: &mut Drain<P, F, M>,
    max: usize,
) -> Result<usize, TransferError> {
    let Drain { reader, to, lender, next, partial, .. } = drain;
    let max = max.clamp(1, 1 << 30);
    let units = P::gather(reader, *next, max + *partial)?;
    // Before the call: whoever follows must know.
    reader.reader.note(&reader.port.view, next.wrapping_add(units));
    let lends = lender.lends();
    if lends {
        reader.reader.lend(&reader.port.view, next.wrapping_add(units));
    }
    let mut pieces = P::lend(reader, *next, units);
    pieces.skip(*partial);
    pieces.limit(max);
    let sent =
        if pieces.bytes() == 0 { Ok((0, Until::Now)) } else { lender.send(to.as_fd(), reader, &pieces) };
    let bytes = sent.as_ref().map_or(0, |(bytes, _)| *bytes);
    let reached = P::reached(reader, *next, *partial + bytes);
    if lends {
        let lent = sent.is_ok() || *partial > 0;
        reader.reader.lend(&reader.port.view, if lent { reached.end } else { *next });
    }
    let (_, until) = sent?;
    (drain.next, drain.partial) = (reached.next, reached.partial);
    drain.flight.push(until, reached.next);
    drain.settle();
    Ok(bytes)
}

impl<P: Payload + ?Sized, F: AsFd> Drain<P, F, Notified> {
    /// Hears from the kernel which calls it is finished with, and releases what they have sent; says how many elements, of
    /// records bytes, that are. A system call or two; never waits.
    ///
    /// # Errors
    ///
    /// [`TransferError::Broken`], [`TransferError::Os`].
    pub fn try_complete(&mut self) -> Result<u64, TransferError> {
        self.reader.port.check()?;
        while let Some(completion) = next_completion(self.to.as_fd())? {
            self.flight.complete(completion);
            if completion.copied
                && let Lender::Notify { copies, .. } = &mut self.lender
            {
                *copies = true;
            }
        }
        Ok(self.settle())
    }

    /// Waits until the kernel is finished with everything that was sent, and releases it; says how many elements, of records
    /// bytes, that are.
    ///
    /// # Errors
    ///
    /// [`TransferError::Broken`], [`TransferError::Os`].
    pub fn complete(&mut self) -> Result<u64, TransferError> {
        self.complete_timeout(Limit::Unlimited)
    }

    /// Waits up to `limit` until the kernel is finished with everything that was sent, and releases it; says how many
    /// elements, of records bytes, that are.
    ///
    /// # Errors
    ///
    /// [`TransferError::Timeout`], having released what it is finished with; [`TransferError::Broken`],
    /// [`TransferError::Os`].
    pub fn complete_timeout(&mut self, limit: impl Into<Limit>) -> Result<u64, TransferError> {
        let deadline = limit.into().deadline(Instant::now());
        let mut released = self.try_complete()?;
        while self.in_flight() > 0 {
            if !await_completion(self.to.as_fd(), deadline)? {
                return Err(TransferError::Timeout);
            }
            released += self.try_complete()?;
        }
        Ok(released)
    }
}

impl<P: Payload + ?Sized, F: AsFd, M: Mode> fmt::Debug for Drain<P, F, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain")
            .field("position", &self.position())
            .field("in_flight", &self.in_flight())
            .field("mode", &self.mode)
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

impl Writer<u8> {
    /// Reads from `from` straight into the ring, as much as there is room for, `max` bytes at most, with one system call
    /// (`readv(2)`), and says how many bytes came: 0 at the end of a file.
    ///
    /// Never waits for the ring; waits for the descriptor where that blocks.
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use ringfence::stream;
    ///
    /// let (near, mut far) = std::io::pipe()?;
    /// far.write_all(b"from a pipe")?;
    ///
    /// let ring = stream::Options::<u8>::new(4096).in_process()?;
    /// let (mut tx, mut rx) = (ring.writer()?, ring.reader()?);
    /// assert_eq!(tx.try_fill_from(&near, usize::MAX)?, 11);
    ///
    /// let mut bytes = [0; 11];
    /// rx.read_exact(&mut bytes)?;
    /// assert_eq!(&bytes, b"from a pipe");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TransferError::Full`], [`TransferError::WouldBlock`], [`TransferError::Closed`], [`TransferError::Broken`],
    /// [`TransferError::Os`]; then nothing was read.
    pub fn try_fill_from(&mut self, from: impl AsFd, max: usize) -> Result<usize, TransferError> {
        let max = max.clamp(1, 1 << 30) as u64;
        let room = self.room(1, max)?.min(max);
        let Self { writer, port } = self;
        let mut pieces = Pieces::new();
        port.view.units.lend(writer.tail(), room as usize, &mut pieces);
        let count = pieces.read_from(from.as_fd())?;
        drop(pieces);
        if count > 0 {
            writer.commit(&port.view, count as u64);
        }
        Ok(count)
    }

    /// Reads from `from` straight into the ring, as [`try_fill_from`](Writer::try_fill_from); waits while the ring is full.
    ///
    /// # Errors
    ///
    /// As [`try_fill_from`](Writer::try_fill_from), except for `Full`.
    pub fn fill_from(&mut self, from: impl AsFd, max: usize) -> Result<usize, TransferError> {
        self.fill_from_timeout(from, max, Limit::Unlimited)
    }

    /// Reads from `from` straight into the ring, as [`try_fill_from`](Writer::try_fill_from); waits up to `limit` while the
    /// ring is full.
    ///
    /// # Errors
    ///
    /// As [`try_fill_from`](Writer::try_fill_from), except for `Full`; [`TransferError::Timeout`].
    pub fn fill_from_timeout(
        &mut self,
        from: impl AsFd,
        max: usize,
        limit: impl Into<Limit>,
    ) -> Result<usize, TransferError> {
        self.wait(limit)?;
        self.try_fill_from(from, max)
    }
}
