//! `posix-sem`: two process-shared semaphores, each with the message beside it, in memory that two processes share.
//!
//! ```text
//! line 0   near ──► far     the item is ordered by its semaphore
//! line 1   far  ──► near    likewise
//! ```
//!
//! I1 The near side initialises both semaphores before the far side is started. They are never destroyed: to the C
//!    libraries of Linux a semaphore is its bytes, and these go with the mapping.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use libc::{c_int, sem_init, sem_post, sem_t, sem_wait};
use nix::errno::Errno;

use crate::cases::{Blocking, Case, WAKE_RTT, WakeRoundTrip};
use crate::contestants::{AcrossProcesses, Bout, Contestant, HandOver};
use crate::shared_lines::{Pair, Shared};

pub(crate) static POSIX_SEM: Contestant = Contestant {
    name: "posix-sem",
    about: "two process-shared sem_t with a word beside each, across processes",
    ours: false,
    bouts: &[Bout::across_processes::<WakeRoundTrip<u64>, Mailboxes>(&WAKE_RTT)],
};

const BETWEEN_PROCESSES: c_int = 1;

/// Room for one message, and how many are in it.
#[derive(Debug)]
#[repr(C)]
struct Mailbox {
    filled: Semaphore,
    item: AtomicU64,
}

// SAFETY: zeros are a semaphore that nobody has initialised and a word; both are made for sharing.
unsafe impl Shared for Mailbox {}

#[derive(Debug)]
#[repr(transparent)]
struct Semaphore(UnsafeCell<sem_t>);

// SAFETY: every access goes through the C library, whose semaphores are made for it.
unsafe impl Sync for Semaphore {}

impl Semaphore {
    /// Before any other use (I1): with nothing in the mailbox.
    fn initialise(&self) -> Result<()> {
        // SAFETY: points at a semaphore that nobody uses yet, in memory of both processes.
        let outcome = unsafe { sem_init(self.0.get(), BETWEEN_PROCESSES, 0) };
        Errno::result(outcome).context("sem_init(3)").map(drop)
    }

    #[inline]
    fn post(&self) -> Result<()> {
        // SAFETY: initialised (I1).
        let outcome = unsafe { sem_post(self.0.get()) };
        Errno::result(outcome).context("sem_post(3)").map(drop)
    }

    #[inline]
    fn wait(&self) -> Result<()> {
        // SAFETY: initialised (I1).
        let outcome = unsafe { sem_wait(self.0.get()) };
        Errno::result(outcome).context("sem_wait(3)").map(drop)
    }
}

/// One side's view of the two mailboxes.
#[derive(Debug)]
struct Mailboxes(Pair<Mailbox>);

impl AcrossProcesses for Mailboxes {
    fn create(_: &Case) -> Result<(Self, HandOver)> {
        let (pair, hand_over) = Pair::<Mailbox>::create("ringfence-peers-posix-sem")?;
        pair.outgoing.filled.initialise()?;
        pair.incoming.filled.initialise()?;
        Ok((Self(pair), hand_over))
    }

    fn attach(_: &Case, handed_over: &[String]) -> Result<Self> {
        Pair::attach(handed_over).map(Self)
    }
}

impl Blocking<u64> for Mailboxes {
    #[inline]
    fn send(&mut self, item: u64) -> Result<()> {
        self.0.outgoing.item.store(item, Ordering::Relaxed); // Relaxed: before the post
        self.0.outgoing.filled.post()
    }

    #[inline]
    fn receive(&mut self) -> Result<u64> {
        self.0.incoming.filled.wait()?;
        Ok(self.0.incoming.item.load(Ordering::Relaxed)) // Relaxed: after the wait
    }
}
