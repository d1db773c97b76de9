//! Whether a thread sleeps, and how often one has: the kernel's word for it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;

/// More than what stands before the state in `/proc/TID/stat`: a number, and a name of up to 16 bytes.
const STATE_WITHIN: usize = 64;

/// A thread, of this process or another one.
#[derive(Debug)]
pub(crate) struct Thread {
    stat: File,
}

impl Thread {
    pub(crate) fn of(id: Pid) -> Result<Self> {
        let path = format!("/proc/{id}/stat");
        let stat = File::open(&path).with_context(|| format!("opening {path}"))?;
        Ok(Self { stat })
    }

    /// Whether it sleeps until somebody wakes it.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn is_asleep(&self) -> Result<bool> {
        let mut bytes = [0; STATE_WITHIN];
        let count = self.stat.read_at(&mut bytes, 0).context("asking for the state of the other side")?;
        match state(&bytes[..count]) {
            Some(b'S') => Ok(true),
            Some(b'Z' | b'X') | None => bail!("the other side has ended"),
            Some(_) => Ok(false),
        }
    }
}

/// The third word: the one behind the name, which may hold anything, `)` and blanks included.
fn state(stat: &[u8]) -> Option<u8> {
    let behind_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
    stat.get(behind_name + 1).copied()
}

/// How often the calling thread has gone to sleep.
pub(crate) fn times_slept() -> Result<u64> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).context("getrusage(2)")?;
    u64::try_from(usage.voluntary_context_switches()).context("a count below zero")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use nix::unistd::gettid;

    use super::*;

    #[test]
    fn a_name_that_looks_like_a_state_is_not_taken_for_one() {
        assert_eq!(state(b"71 (a) S (b) R 1 71"), Some(b'R'));
        assert_eq!(state(b"71 (sh) S 1 71"), Some(b'S'));
        assert_eq!(state(b""), None);
    }

    #[test]
    fn a_thread_that_waits_for_a_message_sleeps_and_the_one_that_asks_does_not() {
        let (tell, told) = mpsc::channel();
        let (wake, woken) = mpsc::channel::<()>();
        let waiting = thread::spawn(move || {
            let before = times_slept().unwrap();
            tell.send(gettid()).unwrap();
            woken.recv().unwrap();
            times_slept().unwrap() - before
        });
        let other = Thread::of(told.recv().unwrap()).unwrap();
        while !other.is_asleep().unwrap() {
            thread::yield_now();
        }
        assert!(!Thread::of(gettid()).unwrap().is_asleep().unwrap());
        wake.send(()).unwrap();
        assert!(waiting.join().unwrap() >= 1);
    }

    #[test]
    fn a_thread_that_has_ended_is_not_taken_for_one_that_is_awake() {
        let ended = thread::spawn(|| Thread::of(gettid()).unwrap()).join().unwrap();
        while ended.is_asleep().is_ok() {
            thread::yield_now(); // joined is not yet gone
        }
    }
}
