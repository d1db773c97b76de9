//! How long a call may wait, and what it does meanwhile.

use std::thread;
use std::time::{Duration, Instant};

use crate::doorbell::{Armed, Reach, announce};
use crate::error::Fault;
use crate::layout::words::{Bell, Shared};
use crate::sync::{AtomicU32, Ordering};
use crate::sys::futex::{self, Moment, Slept};

/// How long a call may wait.
///
/// Made from a [`Duration`], counted from the moment at which the call has to wait, or from an [`Instant`], a deadline
/// for several calls.
///
/// ```
/// use std::time::{Duration, Instant};
/// use ringfence::{spsc, Limit, PopError};
///
/// let ring = spsc::Options::<u64>::new(4).in_process()?;
/// let mut rx = ring.consumer()?;
/// assert_eq!(rx.pop_timeout(Duration::from_millis(1)), Err(PopError::Timeout));
/// assert_eq!(rx.pop_timeout(Instant::now()), Err(PopError::Timeout));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Limit {
    /// As long as it takes.
    #[default]
    Unlimited,
    /// For this long; a duration that ends beyond the clock's range is no limit.
    For(Duration),
    /// Until this moment.
    Until(Instant),
}

impl From<Duration> for Limit {
    fn from(duration: Duration) -> Self {
        Self::For(duration)
    }
}

impl From<Instant> for Limit {
    fn from(instant: Instant) -> Self {
        Self::Until(instant)
    }
}

impl Limit {
    /// The moment at which a wait ends that begins `now`.
    pub(crate) fn deadline(self, now: Instant) -> Option<Instant> {
        match self {
            Self::Unlimited => None,
            Self::For(duration) => now.checked_add(duration),
            Self::Until(deadline) => Some(deadline),
        }
    }
}

/// What a call does while it waits.
///
/// ```
/// use ringfence::{spsc, Attach, Strategy};
///
/// let attach = Attach::new().strategy(Strategy::Sleep);
/// let ring = spsc::Options::<u64>::new(64).attach(attach).in_process()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// Spins, then sleeps in the kernel. How long it spins adapts to how long waits take: up to 2,048 looks, next to
    /// none where waiting is always longer than that, and none at all where the process may use one processor only.
    #[default]
    Adaptive,
    /// Spins without end: for a thread that has a processor for itself. Nobody need wake it.
    Spin,
    /// Sleeps at once: for many rings on few processors, where a microsecond of latency matters less than a processor.
    Sleep,
}

/// How long a call sleeps at most while a participant that may have died holds it up.
pub(crate) const HELD_SLICE: Duration = Duration::from_millis(4);
/// Looks in a row without a look at the clock.
const STRIDE: u32 = 64;
/// The longest a call sleeps, or spins, without looking beyond its ring: is the name still there, does the peer live?
pub(crate) const SLICE: Duration = Duration::from_millis(100);
/// The same where a ringer may miss the sleeper.
pub(crate) const SHORT_SLICE: Duration = Duration::from_millis(1);

/// How many looks a wait spins before it sleeps; learns from each wait of a handle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    strategy: Strategy,
    /// Looks; up to [`Patience::MOST`].
    budget: u32,
}

impl Patience {
    const MOST: u32 = 2048;
    const LEAST: u32 = 16;
    const FIRST: u32 = 256;

    /// As `strategy` says, on this machine. `Adaptive` asks how many processors the process may use.
    pub(crate) fn here(strategy: Strategy) -> Self {
        let strategy = match strategy {
            Strategy::Adaptive if thread::available_parallelism().is_ok_and(|it| it.get() > 1) => strategy,
            Strategy::Adaptive => Strategy::Sleep,
            other => other,
        };
        Self { strategy, budget: Self::FIRST }
    }

    fn looks(self) -> u32 {
        match self.strategy {
            Strategy::Adaptive => self.budget,
            Strategy::Spin => u32::MAX,
            Strategy::Sleep => 0,
        }
    }

    /// A wait ended. One that ended while it spun moves the budget towards twice what it took; one that slept takes a
    /// quarter of it away.
    pub(crate) fn learn(&mut self, waiter: &Waiter) {
        self.budget = if waiter.slept {
            (self.budget - self.budget / 4).max(Self::LEAST)
        } else {
            let wanted = waiter.looks.saturating_mul(2).clamp(Self::LEAST, Self::MOST);
            (self.budget * 7 + wanted).div_ceil(8)
        };
    }
}

/// What a waiting call is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Look at the ring.
    Look,
    /// Look whether anybody can still change the ring, before touching it.
    LookAround,
    /// Look at the ring for the last time, and give up.
    TimedOut,
}

/// How a call goes to sleep at a bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// It says so: whoever rings calls it.
    Announced,
    /// It cannot write to the bell. It is called together with others who sleep there and said so; whatever nobody rings
    /// for it finds by looking every millisecond, up to a millisecond late, at the price of about 1,000 wake-ups a second,
    /// with a few system calls each, while the call lasts.
    Unannounced,
}

/// One call that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    limit: Limit,
    /// The limit as a moment, once the clock was read.
    deadline: Option<Option<Instant>>,
    rounds: Rounds,
    /// Looks while spinning.
    looks: u32,
    patience: u32,
    sleep: Sleep,
    armed: Option<(Armed, Reach)>,
    slept: bool,
}

impl Waiter {
    pub(crate) fn new(limit: Limit, patience: Patience, sleep: Sleep) -> Self {
        Self {
            limit,
            deadline: None,
            rounds: Rounds::new(),
            looks: 0,
            patience: patience.looks(),
            sleep,
            armed: None,
            slept: false,
        }
    }

    /// Whether the call slept.
    pub(crate) fn slept(&self) -> bool {
        self.slept
    }

    /// Whether it is time for what a call does not do at every look: now and then while it spins, and before it sleeps.
    pub(crate) fn is_turn(&self) -> bool {
        self.looks >= self.patience || self.looks.is_multiple_of(STRIDE)
    }

    /// Waits a little, or a lot: spins, or arms `bell` (listens to it, where it cannot be armed), or sleeps, for `slice` at
    /// most.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`] where the ring's memory is gone, [`Fault::Os`].
    pub(crate) fn pause(&mut self, shared: &Shared, bell: &Bell, slice: Duration) -> Result<Next, Fault> {
        if self.looks < self.patience {
            let turn =
                self.looks.is_multiple_of(STRIDE) && (self.looks > 0 || self.limit != Limit::Unlimited);
            self.looks = if self.looks == u32::MAX - 1 { STRIDE } else { self.looks + 1 };
            core::hint::spin_loop();
            return Ok(if turn { self.watch_clock(Instant::now()) } else { Next::Look });
        }
        let now = Instant::now();
        let next = self.watch_clock(now);
        if next != Next::Look {
            return Ok(next);
        }
        // What was announced stays so until somebody rings: an idle sleeper interrupts nobody from slice to slice.
        let is_still = |armed| match self.sleep {
            Sleep::Announced => bell.is_still(armed),
            Sleep::Unannounced => bell.is_silent(armed),
        };
        let Some((armed, reach)) = self.armed.filter(|(armed, _)| is_still(*armed)) else {
            self.armed = Some(match self.sleep {
                Sleep::Announced => (bell.arm(), announce(shared)),
                Sleep::Unannounced => (bell.listen(), Reach::Uncertain),
            });
            return Ok(Next::Look);
        };
        let slice = if reach == Reach::Uncertain { slice.min(SHORT_SLICE) } else { slice };
        let moment = self.rounds.next_look(now, self.deadline.flatten(), slice);
        self.slept = true;
        match futex::wait(bell.futex(), armed.event(), moment) {
            Ok(Slept::Disturbed) => Ok(Next::Look),
            // A short slice ends without the other side's doing as well: whatever can be gone may be.
            Ok(Slept::TimedOut) => Ok(match self.watch_clock(Instant::now()) {
                Next::Look => Next::LookAround,
                next => next,
            }),
            Err(failure) => Err(Fault::of_sleep(failure.errno)),
        }
    }

    /// What the clock says at `now`.
    fn watch_clock(&mut self, now: Instant) -> Next {
        let deadline = *self.deadline.get_or_insert_with(|| self.limit.deadline(now));
        if deadline.is_some_and(|it| now >= it) {
            Next::TimedOut
        } else if self.rounds.is_due(now) {
            Next::LookAround
        } else {
            Next::Look
        }
    }
}

/// When to look beyond the ring, or the rings: every 100 ms, however the looks at them begin and end.
///
/// Calls that are repeated without sleeping count, and ask the clock now and then, so that polling a ring that nobody
/// feeds any more does not go on unnoticed, and makes no system call in between.
#[derive(Debug)]
pub(crate) struct Rounds {
    /// Calls since the last look at the clock. Relaxed throughout: atomic only so that whoever shares it may hurry it.
    calls: AtomicU32,
    next: Option<Instant>,
}

impl Rounds {
    /// Calls between two looks at the clock.
    const STRIDE: u32 = 256;
    /// How often waits that end by their limit make a set look, at most.
    const WHILE: Duration = Duration::from_millis(10);

    pub(crate) fn new() -> Self {
        Self { calls: AtomicU32::new(0), next: None }
    }

    /// Counts a call that does not sleep; says whether it is time to ask the clock.
    #[inline]
    pub(crate) fn count(&self) -> bool {
        let calls = self.calls.load(Ordering::Relaxed).wrapping_add(1);
        self.calls.store(calls, Ordering::Relaxed);
        calls >= Self::STRIDE
    }

    /// Has the next call find that it is time.
    pub(crate) fn hurry(&self) {
        self.calls.store(Self::STRIDE, Ordering::Relaxed);
    }

    /// Counts a call that does not sleep; now and then asks the clock whether it is time to look around.
    pub(crate) fn is_due_by_count(&mut self) -> bool {
        if !self.count() {
            return false;
        }
        self.calls.store(0, Ordering::Relaxed);
        self.is_due(Instant::now())
    }

    /// Whether it is time at `now`; then the next time is a slice later.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.next(now);
        if due {
            self.next = Some(now + SLICE);
        }
        due
    }

    /// Whether the last time was a while ago at `now`, though not a slice; then the next time is a slice later.
    pub(crate) fn is_early(&mut self, now: Instant) -> bool {
        let early = now + SLICE >= self.next(now) + Self::WHILE;
        if early {
            self.next = Some(now + SLICE);
        }
        early
    }

    /// How long one may sleep from `now` on: until the next time, or `deadline`; for `slice` at most.
    pub(crate) fn next_look(&mut self, now: Instant, deadline: Option<Instant>, slice: Duration) -> Moment {
        let next = self.next(now);
        let end = deadline.map_or(next, |it| it.min(next)).saturating_duration_since(now);
        Moment::after(end.min(slice))
    }

    /// The next time, which is a slice after the first question.
    fn next(&mut self, now: Instant) -> Instant {
        *self.next.get_or_insert(now + SLICE)
    }
}
