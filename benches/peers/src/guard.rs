//! Looks after a near side that waits where it cannot look after the other side itself: asleep in the kernel, or in the
//! midst of a contestant's push or pop.
//!
//! Not every contestant notices that the other side is gone: nobody ever wakes a futex again, or posts a semaphore, or
//! publishes what it had claimed in a queue that publishes in the order of the claims. A time limit for each wait would be measured along with it, so a thread keeps the watch instead. It sleeps as long as
//! all goes well; when the near side does not come back, it says why and ends the program. A far process needs no
//! guard: the kernel kills it when its parent dies.

use std::fs::File;
use std::io::{self, PipeWriter, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cleanup;
use crate::far_side::FAILED;
use crate::waiting::first_hang_up;

/// What a near side may take to notice by itself that the far side is gone, which gives the better message.
const GRACE: Duration = Duration::from_millis(500);

/// A run that takes so long is given up. None does: a second is the most that can be asked for, and what does not count
/// takes up to 30 times as long as what does, where waking somebody takes 2 µs.
const STUCK_AFTER: Duration = Duration::from_secs(120);

/// Exit status of a run that was given up, as of every other failure.
const FAILURE: i32 = 1;

/// Dropped when the near side is back.
#[derive(Debug)]
pub(crate) struct Guard {
    /// `None` once the watch is over.
    on_duty: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Guard {
    /// Keeps watch over `run`, as errors call it; `reports` hangs up when the far side has ended.
    pub(crate) fn over(run: String, reports: BorrowedFd<'_>) -> Result<Self> {
        let reports = File::from(reports.try_clone_to_owned()?);
        let (off_duty, on_duty) = io::pipe().context("pipe(2)")?;
        let thread = thread::Builder::new().name("guard".into()).spawn(move || {
            let verdict = watch(off_duty.as_fd(), reports);
            if let Some(cause) = verdict.unwrap_or_else(|error| Some(format!("{error:#}"))) {
                eprintln!("error: {run}: {cause}");
                cleanup::end(FAILURE);
            }
        })?;
        Ok(Self { on_duty: Some(on_duty), thread: Some(thread) })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.on_duty = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // it was not needed; if it panicked, that has been printed
        }
    }
}

/// Why the run has to be given up; `None` when the near side came back.
fn watch(off_duty: BorrowedFd<'_>, mut reports: File) -> Result<Option<String>> {
    match first_hang_up([off_duty, reports.as_fd()], STUCK_AFTER)? {
        Some(0) => return Ok(None),
        Some(_) => {}
        None => return Ok(Some(format!("it was not over after {} s", STUCK_AFTER.as_secs()))),
    }
    if first_hang_up([off_duty], GRACE)?.is_some() {
        return Ok(None);
    }
    let mut last_words = String::new();
    reports.read_to_string(&mut last_words).context("reading a report")?;
    Ok(Some(match last_words.trim_end().strip_prefix(FAILED) {
        Some(failure) => format!("far side: {failure}"),
        None => "the far side ended in the middle of a run".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::OwnedFd;

    use super::*;

    fn pipe() -> (File, PipeWriter) {
        let (reports, far) = io::pipe().unwrap();
        (File::from(OwnedFd::from(reports)), far)
    }

    #[test]
    fn a_near_side_that_comes_back_is_left_alone_even_if_the_far_side_has_ended() {
        let (reports, far) = pipe();
        let (off_duty, on_duty) = io::pipe().unwrap();
        drop((far, on_duty));
        assert_eq!(watch(off_duty.as_fd(), reports).unwrap(), None);
    }

    #[test]
    fn a_near_side_that_sleeps_on_when_the_far_side_has_ended_is_given_up_for_the_reason_the_far_side_gave() {
        let (off_duty, _on_duty) = io::pipe().unwrap();
        let (reports, mut far) = pipe();
        writeln!(far, "{FAILED}out of luck").unwrap();
        drop(far);
        assert_eq!(watch(off_duty.as_fd(), reports).unwrap().unwrap(), "far side: out of luck");
    }

    #[test]
    fn a_far_side_that_was_killed_gave_no_reason() {
        let (off_duty, _on_duty) = io::pipe().unwrap();
        let (reports, far) = pipe();
        drop(far);
        let cause = watch(off_duty.as_fd(), reports).unwrap().unwrap();
        assert!(cause.contains("ended in the middle of a run"), "{cause}");
    }
}
