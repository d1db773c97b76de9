//! Random pauses, and two ways to see that somebody was not woken.

use std::cell::Cell;
use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use crate::child::{Role, is_asleep};
use crate::common::Numbers;

/// Nanoseconds on the clock that all processes share.
pub(crate) fn now() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock");
    Duration::from(now).as_nanos() as u64
}

/// Pauses of no, a little, or some time: now this side is faster, now the other one, and either sleeps often.
pub(crate) struct Pauses(Numbers);

impl Pauses {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(Numbers::from_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A pause that may be spent asleep.
    pub(crate) fn pause(&mut self) {
        match self.0.below(64) {
            0 | 1 => std::thread::sleep(Duration::from_micros(self.0.below(200) as u64)),
            _ => self.spin(),
        }
    }

    /// A pause that is not, mostly a very short one: a wake-up is lost where one side publishes in the very moment in which
    /// the other one falls asleep.
    pub(crate) fn spin(&mut self) {
        let looks = match self.0.below(64) {
            0 | 1 => self.0.below(20_000),
            2 | 3 => self.0.below(1500),
            _ => self.0.below(4),
        };
        (0..looks).for_each(|_| std::hint::spin_loop());
    }
}

/// Watches how long the calls of one side take.
///
/// On a busy machine some take long because this process, or its peer, was not given a processor, or the machine none by
/// its host. That time is known, and subtracted.
pub(crate) struct Watch {
    processes: [File; 2],
    /// What is to be subtracted, a few calls ago.
    excused: u64,
    calls: u64,
    longest: u64,
    stalls: u64,
}

impl Watch {
    /// How many calls share one look at what is excused.
    const STRIDE: u64 = 64;
    /// Longer than that nobody may be stuck, in nanoseconds.
    const STALL: u64 = 200_000_000;

    pub(crate) fn beside(peer: u32) -> Self {
        let open =
            |pid| File::open(format!("/proc/{pid}/schedstat")).expect("a kernel that counts waiting times");
        Self {
            processes: [open(std::process::id()), open(peer)],
            excused: 0,
            calls: 0,
            longest: 0,
            stalls: 0,
        }
    }

    /// Nanoseconds that both processes have waited for a processor, and that processors have waited for the host's.
    fn excuses(&self) -> u64 {
        const TICK: u64 = 10_000_000;
        let waited = |file: &File| {
            let mut text = [0; 64];
            // Of a process that is gone nothing is known.
            let length = file.read_at(&mut text, 0).ok()?;
            str::from_utf8(&text[..length]).ok()?.split(' ').nth(1)?.parse().ok()
        };
        let stolen = || {
            let stat = read_to_string("/proc/stat").ok()?;
            stat.lines().next()?.split_whitespace().nth(8)?.parse().ok()
        };
        let waited: u64 = self.processes.iter().map(|it| waited(it).unwrap_or(0)).sum();
        waited + TICK * stolen().unwrap_or(0)
    }

    /// Runs `call`, which says since when it need not have waited, if it knows.
    pub(crate) fn watch<R>(&mut self, call: impl FnOnce() -> (R, Option<u64>)) -> R {
        if self.calls.is_multiple_of(Self::STRIDE) {
            self.excused = self.excuses();
        }
        self.calls += 1;
        let begun = now();
        let (result, since) = call();
        let took = now().saturating_sub(since.unwrap_or(begun).max(begun));
        self.longest = self.longest.max(took);
        if took >= Self::STALL {
            let excused = self.excuses();
            let unexcused = took.saturating_sub(excused.saturating_sub(self.excused));
            println!("a call took {took} ns, {unexcused} ns of them with processors for all");
            self.stalls += u64::from(unexcused >= Self::STALL);
            self.excused = excused;
        }
        result
    }
}

/// Catches a peer that sleeps although there is something for it.
///
/// A peer that was woken and waits for a processor does not sleep, so this is no matter of time: it must not be seen.
pub(crate) struct Lookout {
    /// The peer's `stat`. The peer sleeps in calls that wait only.
    stat: String,
    lost: Cell<u64>,
}

impl Lookout {
    /// So long the wait does without system calls.
    const SHORT: Duration = Duration::from_micros(20);
    /// So long the peer is not looked at: it is nearly always awake long before.
    const USUAL: Duration = Duration::from_millis(10);
    /// Looks in a row, a millisecond apart, at which the peer sleeps.
    const PROOF: u32 = 20;

    pub(crate) fn on(peer: u32) -> Self {
        Self { stat: format!("/proc/{peer}/stat"), lost: Cell::new(0) }
    }

    /// How often the peer slept although there was something for it.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// Waits until the peer has `reacted` to what this side did for it.
    pub(crate) fn wait_until(&self, reacted: impl Fn() -> bool) {
        let begun = Instant::now();
        let mut asleep = 0;
        while !reacted() {
            match begun.elapsed() {
                it if it < Self::SHORT => {
                    std::hint::spin_loop();
                    continue;
                }
                it if it < Self::USUAL => {
                    std::thread::yield_now();
                    continue;
                }
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
            asleep = if is_asleep(&self.stat) { asleep + 1 } else { 0 };
            if asleep == Self::PROOF {
                self.lost.set(self.lost.get() + 1);
            }
        }
    }
}

/// What a role says now and then that takes long.
pub(crate) const ALIVE: &str = "alive";

/// Waits for the good end of a role that may take long, and says that it is alive.
pub(crate) fn finish_with_signs_of_life(role: Role) {
    while role.line().is_some_and(|line| line == ALIVE) {}
    role.finish();
}

/// What both have seen, for [`Seen::of`].
pub(crate) fn report(watch: &Watch, lookout: &Lookout) -> String {
    format!("done {} {} {} {}", watch.calls, watch.longest, watch.stalls, lookout.lost())
}

/// What one side has seen, in the test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) calls: u64,
    pub(crate) longest: Duration,
    /// Calls of 200 ms and longer for which there is no excuse.
    pub(crate) stalls: u64,
    /// How often the other side slept although there was something for it.
    pub(crate) lost: u64,
}

impl Seen {
    /// What the role's last line says; those before it are signs of life, or shown.
    pub(crate) fn of(role: &Role) -> Self {
        loop {
            let line = role.line().expect("a report");
            let Some(report) = line.strip_prefix("done ") else {
                if line != ALIVE {
                    println!("{line}");
                }
                continue;
            };
            let numbers: Vec<u64> = report.split(' ').map(|it| it.parse().expect("a number")).collect();
            let [calls, longest, stalls, lost] = numbers[..] else { panic!("{report}") };
            return Self { calls, longest: Duration::from_nanos(longest), stalls, lost };
        }
    }
}
