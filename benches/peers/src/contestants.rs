//! The table of contestants, and what a contestant's file provides.
//!
//! A contestant is a list of [`Bout`]s, one for each case that it takes part in. [`Bout::across_processes`] and
//! [`Bout::across_threads`] make a bout from the case's loops and the contestant's ends: an end pushes to the
//! other side and pops from it, over two queues, or where the case says so over one that both sides share.

use std::os::fd::OwnedFd;
use std::process::ExitCode;

use anyhow::Result;

use crate::cases::{Case, Workload};
use crate::cores::Cores;
use crate::far_side::{self, Seat};
use crate::session::{self, Session};
use crate::{
    crossbeam, eventfd, futex, iceoryx2, memcpy, ours, pipe, posix_sem, raw, ringfire, rtrb, shaq,
    unix_seqpacket, unix_stream,
};

/// Every contestant, ours first.
pub(crate) static CONTESTANTS: &[&Contestant] = &[
    &ours::ASYMMETRIC,
    &ours::FENCED,
    &raw::RAW,
    &rtrb::RTRB,
    &crossbeam::CROSSBEAM,
    &shaq::SHAQ,
    &ringfire::RINGFIRE,
    &iceoryx2::ICEORYX2,
    &memcpy::MEMCPY,
    &futex::FUTEX,
    &eventfd::EVENTFD,
    &pipe::PIPE,
    &unix_stream::UNIX_STREAM,
    &unix_seqpacket::UNIX_SEQPACKET,
    &posix_sem::POSIX_SEM,
];

/// Who is measured.
#[derive(Debug)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Ours: the others are compared with it. One of ours takes part, as `--barrier` says; no filter leaves it out.
    pub(crate) ours: bool,
    pub(crate) bouts: &'static [Bout],
}

impl Contestant {
    pub(crate) fn bout(&self, case: &Case) -> Option<&'static Bout> {
        self.bouts.iter().find(|bout| bout.case == case)
    }
}

/// One contestant in one case.
#[derive(Debug)]
pub(crate) struct Bout {
    pub(crate) case: &'static Case,
    /// The near side: makes the queues and starts the far side.
    pub(crate) open: fn(&'static Contestant, &'static Case, Cores) -> Result<Session>,
    /// The far process's whole life; none where the far side is a thread.
    pub(crate) far_process: Option<fn(&Case, Seat) -> Result<ExitCode>>,
}

impl Bout {
    /// The two sides are two processes.
    pub(crate) const fn across_processes<W, E>(case: &'static Case) -> Self
    where
        W: Workload<E> + 'static,
        E: AcrossProcesses + 'static,
    {
        Self { case, open: session::across_processes::<W, E>, far_process: Some(far_side::live::<W, E>) }
    }

    /// The two sides are two threads of this process.
    pub(crate) const fn across_threads<W, E>(case: &'static Case) -> Self
    where
        W: Workload<E> + 'static,
        E: AcrossThreads + 'static,
    {
        Self { case, open: session::across_threads::<W, E>, far_process: None }
    }
}

/// What the far process needs to attach.
#[derive(Debug)]
pub(crate) struct HandOver {
    /// Names, paths, or numbers of what is inherited.
    pub(crate) arguments: Vec<String>,
    /// Descriptors that the far process inherits, under the numbers that they have here. The near side keeps none.
    pub(crate) inherited: Vec<OwnedFd>,
}

impl From<Vec<String>> for HandOver {
    /// Names or paths.
    fn from(arguments: Vec<String>) -> Self {
        Self { arguments, inherited: Vec::new() }
    }
}

/// An end in shared memory.
pub(crate) trait AcrossProcesses: Sized {
    /// Makes the queues, or the one of the case, empty and of its capacity; the near end.
    fn create(case: &Case) -> Result<(Self, HandOver)>;

    /// Opens them in the far process; the far end.
    fn attach(case: &Case, handed_over: &[String]) -> Result<Self>;

    /// Near end: whatever takes a far end that has attached. Neither has pushed anything yet, and no clock runs.
    fn meet(&mut self) -> Result<()> {
        Ok(())
    }
}

/// An end for a thread.
pub(crate) trait AcrossThreads: Sized + Send {
    /// Makes the queues, or the one of the case; the near and the far end.
    fn pair(case: &Case) -> (Self, Self);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::CASES;

    #[test]
    fn contestant_names_are_unique() {
        for (index, contestant) in CONTESTANTS.iter().enumerate() {
            let earlier = &CONTESTANTS[..index];
            assert!(earlier.iter().all(|earlier| earlier.name != contestant.name), "{}", contestant.name);
        }
    }

    #[test]
    fn every_bout_is_of_a_case_in_the_table_and_every_case_has_a_peer() {
        for contestant in CONTESTANTS {
            assert!(contestant.bouts.iter().all(|bout| CASES.contains(&bout.case)), "{}", contestant.name);
        }
        for case in CASES {
            assert!(CONTESTANTS.iter().any(|c| !c.ours && c.bout(case).is_some()), "{}", case.name);
        }
    }
}
