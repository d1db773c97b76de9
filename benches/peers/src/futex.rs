//! `futex`: two words of 32 bits, each alone on two cache lines, in memory that two processes share. A store and a
//! FUTEX_WAKE on one side, a FUTEX_WAIT and a load on the other and the same back: whoever sleeps in the kernel cannot
//! be woken with less on this machine.
//!
//! ```text
//! line 0   near ──► far     E1: Release → Acquire
//! line 1   far  ──► near    E2: Release → Acquire
//! ```
//!
//! A word holds the last number sent, so only one may be in flight, each must differ from the one before, and a session
//! may send no more than fit into 32 bits.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use rustix::io::Errno;
use rustix::thread::futex::{Flags, wait, wake};

use crate::cases::{Blocking, Case, WAKE_RTT, WakeRoundTrip};
use crate::contestants::{AcrossProcesses, Bout, Contestant, HandOver};
use crate::shared_lines::Pair;

pub(crate) static FUTEX: Contestant = Contestant {
    name: "futex",
    about: "two words with FUTEX_WAIT and FUTEX_WAKE, across processes: the physical limit of waking",
    ours: false,
    bouts: &[Bout::across_processes::<WakeRoundTrip<u64>, Futexes>(&WAKE_RTT)],
};

/// Shared by processes: not `PRIVATE`.
const SHARED: Flags = Flags::empty();

/// One side's view of the two words.
#[derive(Debug)]
struct Futexes {
    words: Pair<AtomicU32>,
    received: u32,
}

impl AcrossProcesses for Futexes {
    fn create(_: &Case) -> Result<(Self, HandOver)> {
        let (words, hand_over) = Pair::create("ringfence-peers-futex")?;
        Ok((Self { words, received: 0 }, hand_over))
    }

    fn attach(_: &Case, handed_over: &[String]) -> Result<Self> {
        Ok(Self { words: Pair::attach(handed_over)?, received: 0 })
    }
}

impl Blocking<u64> for Futexes {
    #[inline]
    fn send(&mut self, item: u64) -> Result<()> {
        let number = u32::try_from(item).context("a number beyond 32 bits")?;
        self.words.outgoing.store(number, Ordering::Release); // E1, E2
        wake(&self.words.outgoing, SHARED, 1).context("FUTEX_WAKE")?;
        Ok(())
    }

    #[inline]
    fn receive(&mut self) -> Result<u64> {
        loop {
            let seen = self.words.incoming.load(Ordering::Acquire); // E1, E2
            if seen != self.received {
                self.received = seen;
                return Ok(seen.into());
            }
            match wait(&self.words.incoming, SHARED, seen, None) {
                Ok(()) | Err(Errno::AGAIN) => {} // woken, or the number came before the kernel looked
                Err(error) => return Err(error).context("FUTEX_WAIT"),
            }
        }
    }
}
