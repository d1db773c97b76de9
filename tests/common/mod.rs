//! What the black-box tests share: names that vanish with their test, one body over heap and shm rings, region files to
//! be patched, bridges that run, a count of what a thread allocates, and a look at the machine code.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

mod allocations;
mod bridges;
mod image;
#[cfg(target_arch = "x86_64")]
pub(crate) mod machine_code;
mod names;
mod rings;

pub(crate) use allocations::{Counting, allocated};
pub(crate) use bridges::Running;
pub(crate) use image::{Image, body, crc32c, preamble, words};
pub(crate) use names::{Directory, UniqueName};
pub(crate) use rings::{Backing, TestRing, TestRingOf, for_each_backing};

use std::panic::resume_unwind;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};

/// Runs `body` on a thread that opens files as nobody; `None` where the test has not the right to become somebody else.
///
/// `setfsuid(2)` changes the calling thread alone and takes its rights over other people's files away.
pub(crate) fn as_nobody<R: Send>(body: impl FnOnce() -> R + Send) -> Option<R> {
    const NOBODY: u32 = 65534;
    if !Uid::effective().is_root() {
        println!("skipped: only root can become nobody");
        return None;
    }
    Some(on_a_thread(|| {
        setfsgid(Gid::from_raw(NOBODY));
        setfsuid(Uid::from_raw(NOBODY));
        body()
    }))
}

/// Runs `body` on a thread that shares its working directory and its umask with no other one.
///
/// Where that is not allowed (`unshare(2)` in some containers) the test says so and does nothing.
pub(crate) fn apart(body: impl FnOnce() + Send) {
    on_a_thread(|| match unshare(CloneFlags::CLONE_FS) {
        Ok(()) => body(),
        Err(error) => println!("skipped: no working directory and umask of one's own here ({error})"),
    });
}

/// Runs `body` on a thread of its own, whose panic is the caller's.
pub(crate) fn on_a_thread<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(body).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

/// A repeatable source of numbers for tests in which any will do (xorshift64*, Vigna).
#[derive(Clone, Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 32) as usize % end
    }
}
