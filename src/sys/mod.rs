//! Thin wrappers over system calls. Nothing here knows what a ring is.
//!
//! - [`Failure`]: which call failed, and the operating system's reason.
//! - `file`: objects in a shm mount, from the unnamed file to the removed name.
//! - `lock`: open-file-description byte locks and the mapping that holds one.
//! - `fork`: how a process notices that it is a forked child, and how an attach keeps forks away.
//! - `eventfd`: a descriptor that is readable while somebody is to look.
//! - `futex`: sleeping on a shared word, and the barrier that lets a waker run none.
//! - `transfer`: shared memory into and out of descriptors, by the kernel.
//! - `identity`: what people want to know of a process.

pub(crate) mod eventfd;
pub(crate) mod file;
pub(crate) mod fork;
pub(crate) mod futex;
pub(crate) mod identity;
pub(crate) mod lock;
pub(crate) mod transfer;

use std::{fmt, io};

/// A system call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Name of the call.
    pub(crate) call: &'static str,
    /// What `errno` said.
    pub(crate) errno: i32,
}

impl Failure {
    /// The failure of `call`, from the calling thread's `errno`.
    pub(crate) fn last(call: &'static str) -> Self {
        Self::of(call, &io::Error::last_os_error())
    }

    /// The failure of `call` as the standard library reported it.
    pub(crate) fn of(call: &'static str, error: &io::Error) -> Self {
        Self { call, errno: error.raw_os_error().unwrap_or(libc::EIO) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, io::Error::from_raw_os_error(self.errno))
    }
}

/// `Ok` for a call that returned anything but -1.
fn check(call: &'static str, result: i32) -> Result<i32, Failure> {
    if result == -1 { Err(Failure::last(call)) } else { Ok(result) }
}
