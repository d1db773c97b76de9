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

use anyhow::{Context as _, Result};

use crate::cases::{Case, RoundTrip, SPSC_RTT_U64, Single};
use crate::contestants::{AcrossProcesses, Bout, Contestant, HandOver};
use crate::shared_lines::{Line, open_shared_lines, shared_lines};

pub(crate) static RAW: Contestant = Contestant {
    name: "raw",
    about: "two cache lines, one word each, across processes: the physical limit of a round trip",
    ours: false,
    bouts: &[Bout::across_processes::<RoundTrip<u64>, Words>(&SPSC_RTT_U64)],
};

/// One side's view of the two words.
#[derive(Debug)]
struct Words {
    outgoing: Line,
    incoming: Line,
    received: u64,
}

impl Words {
    fn new(outgoing: Line, incoming: Line) -> Self {
        Self { outgoing, incoming, received: 0 }
    }
}

impl AcrossProcesses for Words {
    fn create(_: &Case) -> Result<(Self, HandOver)> {
        let ([to_far, to_near], path) = shared_lines("ringfence-peers-raw")?;
        Ok((Self::new(to_far, to_near), vec![path].into()))
    }

    fn attach(_: &Case, handed_over: &[String]) -> Result<Self> {
        let [to_far, to_near] = open_shared_lines(handed_over.first().context("no path to the words")?)?;
        Ok(Self::new(to_near, to_far))
    }
}

impl Single<u64> for Words {
    #[inline]
    fn try_push(&mut self, item: u64) -> bool {
        self.outgoing.store(item, Ordering::Release); // E1, E2
        true
    }

    #[inline]
    fn try_pop(&mut self) -> Option<u64> {
        let seen = self.incoming.load(Ordering::Acquire); // E1, E2
        if seen == self.received {
            return None;
        }
        self.received = seen;
        Some(seen)
    }
}
