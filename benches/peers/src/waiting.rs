//! Busy polling, the same for every contestant: try, spin, try again; now and then make sure that somebody is
//! still there to wait for. And what the harness itself waits for, asleep: reports, and that somebody ends.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use crate::shared_lines::Barrier;

/// Failed attempts between two looks at the other side: about a millisecond.
const ATTEMPTS_PER_LOOK: u32 = 1 << 15;

/// After so long without a single item the run is given up.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(10);

/// Knows the thread on the other side and where to meet it, and notices that it is gone: its end of a pipe is closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch<'a> {
    pipe: BorrowedFd<'a>,
    thread: Pid,
    barrier: &'a Barrier,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(pipe: BorrowedFd<'a>, thread: Pid, barrier: &'a Barrier) -> Self {
        Self { pipe, thread, barrier }
    }

    /// The thread on the other side.
    pub(crate) fn thread(self) -> Pid {
        self.thread
    }

    /// Polls `attempt` until it yields.
    ///
    /// # Errors
    /// As of [`poll_until`].
    #[inline(always)]
    pub(crate) fn wait<R>(self, attempt: impl FnMut() -> Option<R>) -> Result<R> {
        poll_until(self.pipe, attempt)
    }

    /// Near side: polls until the far side has come to its next [`wait_for_near_side`](Self::wait_for_near_side).
    ///
    /// # Errors
    /// As of [`poll_until`].
    pub(crate) fn wait_for_far_side(self) -> Result<()> {
        self.barrier.far_side_is_ready(self.pipe)
    }

    /// Near side, after [`wait_for_far_side`](Self::wait_for_far_side): lets the far side go on.
    pub(crate) fn let_far_side_go(self) {
        self.barrier.start();
    }

    /// Far side: polls until the near side lets it go on.
    ///
    /// # Errors
    /// As of [`poll_until`].
    pub(crate) fn wait_for_near_side(self) -> Result<()> {
        self.barrier.near_side_lets_go(self.pipe)
    }
}

/// Polls `attempt` until it yields; the other side of `pipe` is the other side.
///
/// # Errors
/// The other side has ended, or nothing came for [`STALLED_AFTER`].
#[inline(always)]
pub(crate) fn poll_until<R>(pipe: BorrowedFd<'_>, mut attempt: impl FnMut() -> Option<R>) -> Result<R> {
    let mut stalled_since = None;
    loop {
        for _ in 0..ATTEMPTS_PER_LOOK {
            if let Some(result) = attempt() {
                return Ok(result);
            }
            core::hint::spin_loop();
        }
        look(pipe, &mut stalled_since)?;
    }
}

#[cold]
fn look(pipe: BorrowedFd<'_>, stalled_since: &mut Option<Instant>) -> Result<()> {
    if hung_up(pipe)? {
        bail!("the other side ended in the middle of a run");
    }
    if stalled_since.get_or_insert_with(Instant::now).elapsed() > STALLED_AFTER {
        bail!("no item came for {} s: one was lost, or the other side is stuck", STALLED_AFTER.as_secs());
    }
    Ok(())
}

/// Whether every writer, or the reader, at the pipe's other end has closed it.
fn hung_up(pipe: BorrowedFd<'_>) -> Result<bool> {
    Ok(events(pipe, PollFlags::empty(), PollTimeout::ZERO)?
        .intersects(PollFlags::POLLHUP | PollFlags::POLLERR))
}

/// Sleeps until the pipe can be read (or was closed); `false` when `limit` passed first.
pub(crate) fn readable_within(pipe: BorrowedFd<'_>, limit: Duration) -> Result<bool> {
    let limit = PollTimeout::try_from(limit).context("a limit too long for poll(2)")?;
    Ok(!events(pipe, PollFlags::POLLIN, limit)?.is_empty())
}

/// Sleeps until one of the pipes has been closed at its other end: the first such; `None` when `limit` passed first.
pub(crate) fn first_hang_up<const N: usize>(
    pipes: [BorrowedFd<'_>; N],
    limit: Duration,
) -> Result<Option<usize>> {
    let limit = PollTimeout::try_from(limit).context("a limit too long for poll(2)")?;
    let mut polled = pipes.map(|pipe| PollFd::new(pipe, PollFlags::empty()));
    poll_whole(&mut polled, limit)?;
    Ok(polled.iter().position(|pipe| pipe.any() == Some(true)))
}

fn events(pipe: BorrowedFd<'_>, interest: PollFlags, limit: PollTimeout) -> Result<PollFlags> {
    let mut polled = [PollFd::new(pipe, interest)];
    poll_whole(&mut polled, limit)?;
    Ok(polled[0].revents().unwrap_or(PollFlags::empty()))
}

/// A signal does not cut it short: another thread sees to that, and it would be taken for a failure.
fn poll_whole(polled: &mut [PollFd<'_>], limit: PollTimeout) -> Result<()> {
    while let Err(error) = poll(polled, limit) {
        ensure!(error == Errno::EINTR, "poll(2): {error}");
    }
    Ok(())
}
