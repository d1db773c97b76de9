//! A descriptor that is readable while somebody is to look: eventfd(2), for epoll and its like.
//!
//! Invariant **I1**: the descriptor is this value's alone, from the call that made it until the drop.

#![allow(unsafe_code)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use super::{Failure, check};

/// An event counter of the kernel, of which only zero and not zero matter.
#[derive(Debug)]
pub(crate) struct EventFd(File);

impl EventFd {
    /// One that is not readable. No call on it blocks, and a program that is executed does not inherit it.
    pub(crate) fn new() -> Result<Self, Failure> {
        // SAFETY: the call takes two integers and accesses no memory.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        let fd = check("eventfd", fd)?;
        // SAFETY: I1: the kernel has made the descriptor just now.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self(File::from(fd)))
    }

    /// Makes it readable.
    pub(crate) fn raise(&self) {
        // Refused only where the counter is at its end (EAGAIN): then it is readable.
        let _ = (&self.0).write(&1_u64.to_ne_bytes());
    }

    /// Makes it unreadable.
    pub(crate) fn lower(&self) {
        // Refused only where the counter is zero (EAGAIN): then it is not readable.
        let _ = (&self.0).read(&mut [0; size_of::<u64>()]);
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
