//! Open-file-description byte locks, and the mapping that holds one.
//!
//! A lock belongs to an open file description, and the kernel drops it when the last reference to that description is
//! gone: at `SIGKILL` too, in any PID namespace, without a time-out (fcntl(2), "Open file description locks"). Here
//! the last reference is a mapping, not a descriptor: `close_range` cannot lose it, a recycled descriptor number
//! cannot confuse it, and a forked child does not inherit it (`MADV_DONTFORK`).
//!
//! Invariants:
//! - **I1** `Hold` owns exactly the mapping `[address, address + length)`, which nothing reads, writes or unmaps but
//!   its `Drop`.
//! - **I2** every `flock` passed to the kernel is fully initialised and outlives the call.

#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::AsRawFd;

use super::{Failure, check};

/// Position of the first byte of a run in a file, and the run's length; both in bytes, far beyond the end of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

impl Bytes {
    pub(crate) const fn one(start: u64) -> Self {
        Self { start, length: 1 }
    }

    /// A lock request of `kind` for these bytes.
    fn request(self, kind: libc::c_int) -> libc::flock {
        libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: self.start as libc::off_t,
            l_len: self.length as libc::off_t,
            l_pid: 0,
        }
    }
}

/// Takes a write lock on `bytes` for the description behind `file`; `false` where somebody else holds one of them.
pub(crate) fn try_lock(file: &File, bytes: Bytes) -> Result<bool, Failure> {
    let request = bytes.request(libc::F_WRLCK);
    // SAFETY: I2; the descriptor is open for as long as `file` is borrowed.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &request) };
    match check("fcntl(F_OFD_SETLK)", result) {
        Ok(_) => Ok(true),
        Err(Failure { errno: libc::EAGAIN | libc::EACCES, .. }) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Sleeps in the kernel until a write lock on `bytes` is granted. A signal handler that returns does not end it.
pub(crate) fn lock(file: &File, bytes: Bytes) -> Result<(), Failure> {
    let request = bytes.request(libc::F_WRLCK);
    loop {
        // SAFETY: I2; the descriptor is open for as long as `file` is borrowed.
        let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLKW, &request) };
        match check("fcntl(F_OFD_SETLKW)", result) {
            Ok(_) => return Ok(()),
            Err(Failure { errno: libc::EINTR, .. }) => {}
            Err(failure) => return Err(failure),
        }
    }
}

/// Gives the lock on `bytes` back now, even where a forked child shares the description.
pub(crate) fn unlock(file: &File, bytes: Bytes) -> Result<(), Failure> {
    let request = bytes.request(libc::F_UNLCK);
    // SAFETY: I2; the descriptor is open for as long as `file` is borrowed.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &request) };
    check("fcntl(F_OFD_SETLK, F_UNLCK)", result).map(|_| ())
}

/// Whether another description holds one of `bytes`; changes nothing.
pub(crate) fn is_held(file: &File, bytes: Bytes) -> Result<bool, Failure> {
    let mut request = bytes.request(libc::F_WRLCK);
    // SAFETY: I2; the descriptor is open for as long as `file` is borrowed.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &mut request) };
    check("fcntl(F_OFD_GETLK)", result)?;
    Ok(libc::c_int::from(request.l_type) != libc::F_UNLCK)
}

/// One page of a locked file, mapped without any access: as long as it lives, so does the description's lock.
#[derive(Debug)]
pub(crate) struct Hold {
    address: usize,
    length: usize,
}

impl Hold {
    /// Maps one page of `file`, `page` bytes large, out of the reach of forked children.
    pub(crate) fn of(file: &File, page: usize) -> Result<Self, Failure> {
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use, and PROT_NONE keeps
        // everyone from touching it.
        let address = unsafe {
            libc::mmap(core::ptr::null_mut(), page, libc::PROT_NONE, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if address == libc::MAP_FAILED {
            return Err(Failure::last("mmap(PROT_NONE)"));
        }
        let hold = Self { address: address as usize, length: page };
        // SAFETY: I1; the range was mapped just now.
        let result = unsafe { libc::madvise(address, page, libc::MADV_DONTFORK) };
        check("madvise(MADV_DONTFORK)", result)?;
        Ok(hold)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // SAFETY: I1. Failure is impossible for a whole mapping of our own; there would be nothing left to do.
        unsafe { libc::munmap(self.address as *mut libc::c_void, self.length) };
    }
}
