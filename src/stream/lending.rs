//! How items are sent by a call of the kernel, and when their memory may be written again.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use super::{Reader, frames};
use crate::element::{Element, Payload};
use crate::error::{Fault, PopError, TransferError};
use crate::position::distance;
use crate::sys::Failure;
use crate::sys::transfer::{self, Completion, MOST_PIECES, Pieces};

/// `writev(2)`: the kernel copies, and what was sent may be written again when the call returns. To anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Copying;

/// `MSG_ZEROCOPY`: the kernel refers to the ring's memory, and says when it no longer does. To sockets of TCP and UDP; worth
/// while from about 10 KB a call on. Once the kernel says that it had to copy after all, as it does on loopback, further
/// calls are those of [`Copying`].
///
/// The socket must be one on which nothing else is, or was, sent in this way: completions are counted from the first one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Notified;

/// `vmsplice(2)` to a pipe, else `sendfile(2)`: the kernel refers to the ring's memory for as long as it likes, and says
/// nothing. What was sent may be written again only when the far side has consumed it: a reader on this host gets the bytes
/// that lie in the ring at the moment at which it reads, even where the socket says that everything was delivered. Only
/// whoever hears from the far side can know; what it has confirmed is released by
/// [`release_to`](super::Drain::release_to).
#[derive(Clone, Copy, Debug, Default)]
pub struct Aliasing;

/// When what was sent may be written again. Only this crate implements it.
pub trait Mode: sealed::Sealed + Copy + fmt::Debug {}

impl Mode for Copying {}
impl Mode for Notified {}
impl Mode for Aliasing {}

pub(super) mod sealed {
    use super::{BorrowedFd, Lender, TransferError};

    pub trait Sealed {
        #[doc(hidden)]
        fn lender(to: BorrowedFd<'_>) -> Result<Lender, TransferError>;
    }
}

impl sealed::Sealed for Copying {
    fn lender(_: BorrowedFd<'_>) -> Result<Lender, TransferError> {
        Ok(Lender::Copy)
    }
}

impl sealed::Sealed for Notified {
    fn lender(to: BorrowedFd<'_>) -> Result<Lender, TransferError> {
        transfer::set_zero_copy(to)?;
        Ok(Lender::Notify { next: 0, copies: false })
    }
}

impl sealed::Sealed for Aliasing {
    fn lender(to: BorrowedFd<'_>) -> Result<Lender, TransferError> {
        Ok(if transfer::is_pipe(to)? { Lender::Pipe } else { Lender::File(None) })
    }
}

/// Who calls the kernel.
#[derive(Debug)]
pub enum Lender {
    /// It copies.
    Copy,
    /// It says when it is finished.
    Notify {
        /// The number of the next completion.
        next: u32,
        /// It copies anyway.
        copies: bool,
    },
    /// It lends to a pipe.
    Pipe,
    /// It sends from the ring's file, once that is open.
    File(Option<File>),
}

impl From<Failure> for TransferError {
    fn from(Failure { call, errno }: Failure) -> Self {
        if errno == libc::EAGAIN { Self::WouldBlock } else { Self::Os { call, errno } }
    }
}

/// When the memory of what one call has sent is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Now.
    Now,
    /// When the completion of this number comes.
    Completion(u32),
    /// When somebody says so.
    Told,
}

impl Lender {
    /// Whether the kernel may refer to the memory when a call has returned.
    pub(super) fn lends(&self) -> bool {
        !matches!(self, Self::Copy)
    }

    /// Sends `pieces`, of which there are some, or the first of them, and says how many bytes that were.
    pub(super) fn send<P: Payload + ?Sized>(
        &mut self,
        to: BorrowedFd<'_>,
        reader: &Reader<P>,
        pieces: &Pieces<'_>,
    ) -> Result<(usize, Until), Failure> {
        match self {
            Self::Copy | Self::Notify { copies: true, .. } => Ok((pieces.write_to(to)?, Until::Now)),
            Self::Notify { next, .. } => match pieces.send_zero_copy(to) {
                // There are as many references as the kernel keeps for one socket.
                Err(Failure { errno: libc::ENOBUFS, .. }) => Ok((pieces.write_to(to)?, Until::Now)),
                result => {
                    let bytes = result?;
                    let number = *next;
                    *next = next.wrapping_add(1);
                    Ok((bytes, Until::Completion(number)))
                }
            },
            Self::Pipe => Ok((pieces.lend_to_pipe(to)?, Until::Told)),
            Self::File(file) => {
                if file.is_none() {
                    *file = reader.port.attachment.region.describe()?;
                }
                let unsupported = Failure { call: "sendfile", errno: libc::EOPNOTSUPP };
                let file = file.as_ref().ok_or(unsupported)?;
                let (place, length) = pieces.first().ok_or(unsupported)?;
                let offset = reader.port.view.units.offset_of(place);
                match transfer::send_file(to, file.as_fd(), offset, length)? {
                    // The file ends before it: EFAULT, as the calls say that are given the memory.
                    0 => Err(Failure { call: "sendfile", errno: libc::EFAULT }),
                    bytes => Ok((bytes, Until::Told)),
                }
            }
        }
    }
}

/// What was sent and is not released: one entry for each call, oldest first.
#[derive(Debug, Default)]
pub(super) struct Flight(VecDeque<(Until, u64)>);

impl Flight {
    /// Notes a call: what lies before `end` may be released when it is finished, and all before it.
    pub(super) fn push(&mut self, until: Until, end: u64) {
        self.0.push_back((until, end));
    }

    /// Notes that calls are finished. Completions may come out of order.
    pub(super) fn complete(&mut self, completion: Completion) {
        let count = completion.last.wrapping_sub(completion.first);
        for (until, _) in &mut self.0 {
            if let Until::Completion(number) = until
                && number.wrapping_sub(completion.first) <= count
            {
                *until = Until::Now;
            }
        }
    }

    /// Notes that everything before `position` was consumed.
    pub(super) fn confirm(&mut self, position: u64) {
        for (until, end) in &mut self.0 {
            if distance(*end, position) <= 0 {
                *until = Until::Now;
            }
        }
    }

    /// Takes out what is finished, with all that was sent before it, and says up to where.
    pub(super) fn take_finished(&mut self) -> Option<u64> {
        let mut end = None;
        while let Some((Until::Now, position)) = self.0.front() {
            end = Some(*position);
            self.0.pop_front();
        }
        end
    }
}

/// Where one is after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    /// The item that is sent next.
    pub(super) next: u64,
    /// Bytes of it that were sent.
    pub(super) partial: usize,
    /// Behind all of which something was sent.
    pub(super) end: u64,
}

/// Items whose memory can be lent.
pub(super) trait Lendable: Payload {
    /// Finds items from `next` on, of about `bytes` bytes; says how many units they take.
    fn gather(reader: &mut Reader<Self>, next: u64, bytes: usize) -> Result<u64, PopError>;

    /// The memory of the `units` from `next` on that were gathered.
    fn lend(reader: &Reader<Self>, next: u64, units: u64) -> Pieces<'_>;

    /// Where one is, `bytes` behind `next`, in what was gathered.
    fn reached(reader: &Reader<Self>, next: u64, bytes: usize) -> Reached;

    /// The last position before or at `position`, which lies between head and `end`, at which an item begins or `end` is.
    fn boundary(reader: &mut Reader<Self>, position: u64, end: u64) -> Result<u64, Fault>;
}

impl<T: Element> Lendable for T {
    fn gather(reader: &mut Reader<T>, next: u64, bytes: usize) -> Result<u64, PopError> {
        let wanted = bytes.div_ceil(size_of::<T>()).max(1) as u64;
        Ok(reader.find(next, wanted)?.min(wanted))
    }

    fn lend(reader: &Reader<T>, next: u64, units: u64) -> Pieces<'_> {
        let mut pieces = Pieces::new();
        reader.port.view.units.lend(next, units as usize, &mut pieces);
        pieces
    }

    fn reached(_: &Reader<T>, next: u64, bytes: usize) -> Reached {
        let next = next.wrapping_add((bytes / size_of::<T>()) as u64);
        let partial = bytes % size_of::<T>();
        Reached { next, partial, end: next.wrapping_add(u64::from(partial > 0)) }
    }

    fn boundary(_: &mut Reader<T>, position: u64, _: u64) -> Result<u64, Fault> {
        Ok(position)
    }
}

impl Lendable for [u8] {
    fn gather(reader: &mut Reader<[u8]>, next: u64, bytes: usize) -> Result<u64, PopError> {
        let end = next.wrapping_add(reader.find(next, 1)?);
        let (mut at, mut length) = (next, 0);
        reader.batch.clear();
        while at != end && length < bytes && reader.batch.len() < MOST_PIECES {
            let found = reader.parse(at, end.wrapping_sub(at)).map_err(PopError::Broken)?;
            reader.batch.push(found);
            length += found.length;
            at = found.next;
        }
        Ok(at.wrapping_sub(next))
    }

    fn lend(reader: &Reader<[u8]>, _: u64, _: u64) -> Pieces<'_> {
        let mut pieces = Pieces::new();
        for found in &reader.batch {
            reader.port.view.units.lend(found.bytes(), found.length, &mut pieces);
        }
        pieces
    }

    fn reached(reader: &Reader<[u8]>, next: u64, mut bytes: usize) -> Reached {
        let mut at = next;
        for found in &reader.batch {
            if found.length > bytes {
                let end = if bytes > 0 { found.next } else { at };
                return Reached { next: at, partial: bytes, end };
            }
            bytes -= found.length;
            at = found.next;
        }
        Reached { next: at, partial: 0, end: at }
    }

    fn boundary(reader: &mut Reader<[u8]>, position: u64, end: u64) -> Result<u64, Fault> {
        let mut at = reader.reader.head();
        while at != end {
            let next = reader.parse(at, end.wrapping_sub(at))?.next;
            if distance(next, position) > 0 {
                break;
            }
            at = next;
        }
        Ok(at)
    }
}

impl Reader<[u8]> {
    /// The record at `position`, or behind the padding there, of the `committed` bytes from there on.
    fn parse(&mut self, position: u64, committed: u64) -> Result<frames::Found, Fault> {
        frames::parse(&self.port.view, position, committed).map_err(|it| self.port.corrupted(it))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn completion(first: u32, last: u32) -> Completion {
        Completion { first, last, copied: false }
    }

    /// Calls with the numbers from `first` on, of ten units each.
    fn flight(first: u32, count: u64) -> Flight {
        let mut flight = Flight::default();
        for call in 0..count {
            flight.push(Until::Completion(first.wrapping_add(call as u32)), (call + 1) * 10);
        }
        flight
    }

    #[test]
    fn completions_out_of_order_release_in_order() {
        let mut flight = flight(0, 5);
        flight.complete(completion(2, 3));
        assert_eq!(flight.take_finished(), None, "the oldest call is not finished");
        flight.complete(completion(0, 0));
        assert_eq!(flight.take_finished(), Some(10));
        flight.complete(completion(1, 1));
        assert_eq!(flight.take_finished(), Some(40));
        flight.complete(completion(4, 4));
        assert_eq!(flight.take_finished(), Some(50));
        assert_eq!(flight.take_finished(), None);
    }

    #[test]
    fn numbers_of_completions_wrap() {
        let mut flight = flight(u32::MAX - 1, 4);
        flight.complete(completion(u32::MAX, 0));
        assert_eq!(flight.take_finished(), None);
        flight.complete(completion(u32::MAX - 1, u32::MAX - 1));
        assert_eq!(flight.take_finished(), Some(30));
        flight.complete(completion(1, 1));
        assert_eq!(flight.take_finished(), Some(40));
    }

    #[test]
    fn what_was_copied_waits_for_what_was_lent_before_it() {
        let mut flight = flight(7, 1);
        flight.push(Until::Now, 20);
        flight.complete(completion(0, 6));
        flight.complete(completion(8, u32::MAX));
        assert_eq!(flight.take_finished(), None, "completions of other calls");
        flight.complete(completion(0, u32::MAX));
        assert_eq!(flight.take_finished(), Some(20));
    }

    #[test]
    fn only_whole_calls_are_confirmed() {
        let mut flight = Flight::default();
        flight.push(Until::Told, 10);
        flight.push(Until::Told, 20);
        flight.confirm(15);
        assert_eq!(flight.take_finished(), Some(10));
        flight.confirm(20);
        assert_eq!(flight.take_finished(), Some(20));
    }
}
