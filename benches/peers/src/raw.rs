//! `raw`: two words, each alone on two cache lines, in memory that two processes share. A store on one side, a load on
//! the other and the same back: no queue can have a shorter round trip on this machine.
//!
//! ```text
//! line 0   near ──► far     E1: Release → Acquire
//! line 1   far  ──► near    E2: Release → Acquire
//! ```
//!
//! A word holds the last number sent, so only one may be in flight, and each must differ from the one before.

use std::sync::atomic::Ordering;

use anyhow::Result;

use crate::cases::{BROADCAST_RTT_U64, Case, MPMC_RTT_U64, RoundTrip, SPSC_RTT_U64, Single};
use crate::contestants::{AcrossProcesses, Bout, Contestant, HandOver};
use crate::shared_lines::Pair;

pub(crate) static RAW: Contestant = Contestant {
    name: "raw",
    about: "two cache lines, one word each, across processes: the physical limit of a round trip",
    ours: false,
    bouts: &[
        Bout::across_processes::<RoundTrip<u64>, Words>(&SPSC_RTT_U64),
        Bout::across_processes::<RoundTrip<u64>, Words>(&MPMC_RTT_U64),
        Bout::across_processes::<RoundTrip<u64>, Words>(&BROADCAST_RTT_U64),
    ],
};

/// One side's view of the two words.
#[derive(Debug)]
struct Words {
    words: Pair,
    received: u64,
}

impl AcrossProcesses for Words {
    fn create(_: &Case) -> Result<(Self, HandOver)> {
        let (words, hand_over) = Pair::create("ringfence-peers-raw")?;
        Ok((Self { words, received: 0 }, hand_over))
    }

    fn attach(_: &Case, handed_over: &[String]) -> Result<Self> {
        Ok(Self { words: Pair::attach(handed_over)?, received: 0 })
    }
}

impl Single<u64> for Words {
    #[inline]
    fn try_push(&mut self, item: u64) -> bool {
        self.words.outgoing.store(item, Ordering::Release); // E1, E2
        true
    }

    #[inline]
    fn try_pop(&mut self) -> Option<u64> {
        let seen = self.words.incoming.load(Ordering::Acquire); // E1, E2
        if seen == self.received {
            return None;
        }
        self.received = seen;
        Some(seen)
    }
}
