//! A byte stream: what a pipe is, in shared memory.

use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::slice;

use super::{Reader, Writer};
use crate::error::{Passing, PopError, PushError};
use crate::port::Waits;
use crate::wait::Limit;

/// Writes as a pipe does: waits while the ring is full, takes as much as there is room for, and fails with `BrokenPipe` once
/// the ring is closed. What is written is visible at once: there is nothing to flush.
impl Write for Writer<u8> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.try_push_slice(bytes) {
            Err(error) if error.passes() => self.retry(Limit::Unlimited, |it| it.try_push_slice(bytes)),
            result => result,
        }
        .map_err(|error| match error {
            PushError::Closed => io::Error::new(io::ErrorKind::BrokenPipe, error),
            error => io::Error::other(error),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads as a pipe does: waits while the ring is empty, and ends once it is closed and drained.
impl Read for Reader<u8> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.pop_slice(buffer) {
            Err(PopError::Closed) => Ok(0),
            result => result.map_err(io::Error::other),
        }
    }
}

/// A reader of bytes that lends what lies in the ring: see [`Reader::trusted`].
pub struct Trusted<'a>(&'a mut Reader<u8>);

impl Reader<u8> {
    /// The same reader, as one that lends the ring's own bytes ([`BufRead`]) instead of copying them.
    ///
    /// # Safety
    ///
    /// As long as what is returned lives, every process that can write the region must follow the protocol, forked children
    /// included: nobody writes what is not released.
    #[allow(unsafe_code)]
    pub unsafe fn trusted(&mut self) -> Trusted<'_> {
        Trusted(self)
    }
}

impl Read for Trusted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl BufRead for Trusted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let len = match self.0.read_slice(usize::MAX) {
            Ok(items) => items.len(),
            Err(PopError::Closed) => 0,
            Err(error) => return Err(io::Error::other(error)),
        };
        let start = self.0.port.view.units.start(self.0.reader.head());
        // SAFETY: so many bytes were just found there, in one piece (invariants of `packed`); whoever made this answers for
        // the writers, and the borrow of this ends before anything is released.
        #[allow(unsafe_code)]
        Ok(unsafe { slice::from_raw_parts(start.as_ptr(), len) })
    }

    fn consume(&mut self, amount: usize) {
        if amount > 0 && self.0.port.check().is_ok() {
            let committed = self.0.reader.looked_at();
            self.0.reader.release(&self.0.port.view, (amount as u64).min(committed));
        }
    }
}

impl fmt::Debug for Trusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trusted").field(&self.0).finish()
    }
}
