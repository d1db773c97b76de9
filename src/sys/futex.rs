//! Sleeping on a word that processes share, and the barrier that lets a waker run none.
//!
//! futex(2), futex_waitv(2), membarrier(2).

#![allow(unsafe_code)]

use core::ptr;
use std::time::Duration;

use super::Failure;
use crate::sync::AtomicU32;

/// A moment of `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(libc::timespec);

impl Moment {
    /// `duration` from now; a moment that the clock cannot show is its last one.
    pub(crate) fn after(duration: Duration) -> Self {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the structure outlives the call, which cannot fail for this clock.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
        let nanos = now.tv_nsec + i64::from(duration.subsec_nanos());
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let seconds = now.tv_sec.saturating_add(seconds).saturating_add(nanos / NANOS);
        Self(libc::timespec { tv_sec: seconds, tv_nsec: nanos % NANOS })
    }
}

const NANOS: i64 = 1_000_000_000;

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slept {
    /// Somebody called, the word had changed, a signal came, or nothing at all happened: look again.
    Disturbed,
    /// The moment came.
    TimedOut,
}

/// Most words that one call can sleep on.
pub(crate) const MOST_WORDS: usize = 128;

/// Sleeps while `word` holds `expected`, until `deadline` at the latest.
///
/// # Errors
///
/// `EFAULT` where the word's page is gone; whatever a filter of system calls says.
pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Moment) -> Result<Slept, Failure> {
    // The bitset form is the one with an absolute deadline.
    let operation = libc::FUTEX_WAIT_BITSET;
    // SAFETY: the kernel reads the word, which is borrowed, and the deadline, which outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.address(),
            operation,
            expected,
            &deadline.0,
            ptr::null::<u32>(),
            libc::FUTEX_BITSET_MATCH_ANY,
        )
    };
    slept("futex(FUTEX_WAIT_BITSET)", result)
}

/// Sleeps while each of `words` holds what stands beside it, until `deadline` at the latest; [`MOST_WORDS`] at most.
///
/// # Errors
///
/// `ENOSYS` before Linux 5.16, `EPERM` under a filter of system calls; as [`wait`].
pub(crate) fn wait_any<'a>(
    words: impl Iterator<Item = (&'a AtomicU32, u32)>,
    deadline: Moment,
) -> Result<Slept, Failure> {
    /// `struct futex_waitv` of `linux/futex.h`.
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Waiter {
        expected: u64,
        word: u64,
        flags: u32,
        reserved: u32,
    }
    let mut waiters = [Waiter { expected: 0, word: 0, flags: 0, reserved: 0 }; MOST_WORDS];
    let mut count = 0;
    for (waiter, (word, expected)) in waiters.iter_mut().zip(words) {
        waiter.expected = u64::from(expected);
        waiter.word = word.address() as u64;
        waiter.flags = libc::FUTEX2_SIZE_U32 as u32;
        count += 1;
    }
    // SAFETY: the kernel reads the words, which are borrowed, and `count` initialised structures.
    let result = unsafe {
        libc::syscall(libc::SYS_futex_waitv, waiters.as_ptr(), count, 0, &deadline.0, libc::CLOCK_MONOTONIC)
    };
    slept("futex_waitv", result)
}

fn slept(call: &'static str, result: libc::c_long) -> Result<Slept, Failure> {
    if result != -1 {
        return Ok(Slept::Disturbed);
    }
    match Failure::last(call) {
        Failure { errno: libc::EAGAIN | libc::EINTR, .. } => Ok(Slept::Disturbed),
        Failure { errno: libc::ETIMEDOUT, .. } => Ok(Slept::TimedOut),
        failure => Err(failure),
    }
}

/// Wakes up to `count` of those who sleep on `word`, and says how many. Where the word's page is gone nobody does.
pub(crate) fn wake(word: &AtomicU32, count: u32) -> u32 {
    // SAFETY: the kernel uses the address as a name and accesses nothing of this process.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word.address(), libc::FUTEX_WAKE, count) };
    u32::try_from(woken).unwrap_or(0)
}

/// Acts as a full fence in every running thread of every registered process; `false` where the kernel refuses.
pub(crate) fn fence_everywhere() -> bool {
    membarrier(libc::MEMBARRIER_CMD_GLOBAL_EXPEDITED)
}

/// Registers this process for [`fence_everywhere`]; `false` where the kernel refuses. Registering again is cheap.
pub(crate) fn register_for_fences() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: the call takes two integers and accesses no memory.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0) == 0 }
}
