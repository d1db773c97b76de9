//! Processes that the laboratory forks, which must have one thread then.
//!
//! A fork instead of a new program: it costs a fraction of a millisecond, and its addresses are those of its parent, so
//! that what one does is done by the next in the same places.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, alarm, fork};

/// Seconds after which a process ends that hangs.
const PATIENCE: u32 = 120;

/// A forked process; killed on drop.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    gone: bool,
}

impl Process {
    /// Forks a process that does nothing but `perform`, and ends without running what the laboratory has set up for its
    /// own end. Its exit code says whether it panicked.
    pub(crate) fn start(perform: impl FnOnce()) -> Self {
        // SAFETY: this process has one thread.
        #[allow(unsafe_code)]
        match unsafe { fork() }.expect("a process") {
            ForkResult::Parent { child } => Self { pid: child, gone: false },
            ForkResult::Child => {
                // SAFETY: takes plain numbers and concerns the calling process alone.
                #[allow(unsafe_code)]
                unsafe {
                    libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL)
                };
                alarm::set(PATIENCE);
                let panicked = catch_unwind(AssertUnwindSafe(perform)).is_err();
                // SAFETY: ends the process, and touches nothing of what it shares with its parent.
                #[allow(unsafe_code)]
                unsafe {
                    libc::_exit(i32::from(panicked))
                }
            }
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits until the process ends, or stops.
    pub(crate) fn wait(&mut self) -> WaitStatus {
        let status = waitpid(self.pid, None).expect("a child of ours");
        self.note(status)
    }

    /// Whether the process has ended by itself; it must not have failed.
    pub(crate) fn has_ended(&mut self) -> bool {
        if self.gone {
            return true;
        }
        let status = waitpid(self.pid, Some(WaitPidFlag::WNOHANG)).expect("a child of ours");
        match self.note(status) {
            WaitStatus::StillAlive => false,
            WaitStatus::Exited(_, 0) => true,
            status => panic!("a process failed: {status:?}"),
        }
    }

    /// Kills the process; returns when it is gone.
    pub(crate) fn kill(self) {
        drop(self);
    }

    fn note(&mut self, status: WaitStatus) -> WaitStatus {
        self.gone = matches!(status, WaitStatus::Exited(..) | WaitStatus::Signaled(..));
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.gone {
            let _ = kill(self.pid, Signal::SIGKILL);
            while !self.gone && waitpid(self.pid, None).map(|status| self.note(status)).is_ok() {}
        }
    }
}
