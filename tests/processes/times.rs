//! How long calls take that a death holds up.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::child::Role;

/// Times of a few calls, for people; a bound that no machine passes unless somebody hangs.
pub(crate) struct Times {
    what: &'static str,
    taken: Vec<Duration>,
    /// The most memory that a victim had, in KiB: the kernel lets go of a process's locks after its memory.
    largest: u64,
}

impl Times {
    pub(crate) fn of(what: &'static str) -> Self {
        Self { what, taken: Vec::new(), largest: 0 }
    }

    /// Kills `victim`, and takes the time from then on until `call` has returned.
    pub(crate) fn kill_and_time<R>(&mut self, victim: &Role, call: impl FnOnce() -> R) -> R {
        self.kill(victim);
        self.time(call)
    }

    /// Kills `victim`, and says when that was.
    pub(crate) fn kill(&mut self, victim: &Role) -> Instant {
        self.largest = self.largest.max(resident(victim.pid()));
        let begun = Instant::now();
        victim.signal(Signal::SIGKILL);
        begun
    }

    pub(crate) fn time<R>(&mut self, call: impl FnOnce() -> R) -> R {
        let begun = Instant::now();
        let result = call();
        self.add(begun.elapsed());
        result
    }

    pub(crate) fn add(&mut self, taken: Duration) {
        assert!(taken < Duration::from_secs(1), "{}: {taken:?}", self.what);
        self.taken.push(taken);
    }
}

impl Drop for Times {
    fn drop(&mut self) {
        self.taken.sort_unstable();
        let at =
            |percent: usize| self.taken.get((self.taken.len() * percent).div_ceil(100).saturating_sub(1));
        if let (Some(half), Some(most), Some(longest)) = (at(50), at(99), self.taken.last()) {
            println!(
                "{}: {} kills of up to {} KiB: p50 {half:?}, p99 {most:?}, longest {longest:?}",
                self.what,
                self.taken.len(),
                self.largest
            );
        }
    }
}

/// The memory of a process, in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|it| it.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
