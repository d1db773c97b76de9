//! Busy polling, the same for every contestant: try, spin, try again; now and then make sure that somebody is
//! still there to wait for.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Failed attempts between two looks at the other side: about a millisecond.
const ATTEMPTS_PER_LOOK: u32 = 1 << 15;

/// After so long without a single item the run is given up.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(10);

/// Notices that the other side is gone: its end of a pipe is closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch<'a> {
    pipe: BorrowedFd<'a>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(pipe: BorrowedFd<'a>) -> Self {
        Self { pipe }
    }

    /// Polls `attempt` until it yields.
    ///
    /// # Errors
    /// The other side has ended, or nothing came for [`STALLED_AFTER`].
    #[inline(always)]
    pub(crate) fn wait<R>(self, mut attempt: impl FnMut() -> Option<R>) -> Result<R> {
        let mut stalled_since = None;
        loop {
            for _ in 0..ATTEMPTS_PER_LOOK {
                if let Some(result) = attempt() {
                    return Ok(result);
                }
                core::hint::spin_loop();
            }
            self.look(&mut stalled_since)?;
        }
    }

    #[cold]
    fn look(self, stalled_since: &mut Option<Instant>) -> Result<()> {
        if hung_up(self.pipe)? {
            bail!("the other side ended in the middle of a run");
        }
        if stalled_since.get_or_insert_with(Instant::now).elapsed() > STALLED_AFTER {
            bail!("no item came for {} s: one was lost, or the other side is stuck", STALLED_AFTER.as_secs());
        }
        Ok(())
    }
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

fn events(pipe: BorrowedFd<'_>, interest: PollFlags, limit: PollTimeout) -> Result<PollFlags> {
    let mut polled = [PollFd::new(pipe, interest)];
    poll(&mut polled, limit).context("poll(2) on the pipe to the other side")?;
    Ok(polled[0].revents().unwrap_or(PollFlags::empty()))
}
