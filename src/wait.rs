//! How long a call may wait, and what it does meanwhile.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::doorbell::{Armed, Reach, announce};
use crate::error::Fault;
use crate::layout::words::{Bell, Shared};
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

    /// As `strategy` says, on `processors` that the process may use.
    pub(crate) fn new(strategy: Strategy, processors: usize) -> Self {
        let strategy = match strategy {
            Strategy::Adaptive if processors == 1 => Strategy::Sleep,
            other => other,
        };
        Self { strategy, budget: Self::FIRST }
    }

    /// As `strategy` says, on this machine.
    pub(crate) fn here(strategy: Strategy) -> Self {
        Self::new(strategy, std::thread::available_parallelism().map_or(1, usize::from))
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

/// One call that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    limit: Limit,
    /// The limit as a moment, once the clock was read.
    deadline: Option<Instant>,
    /// When to look beyond the ring; `None` until the clock was read.
    slice: Option<Instant>,
    /// Looks while spinning.
    looks: u32,
    patience: u32,
    armed: Option<(Armed, Reach)>,
    slept: bool,
}

impl Waiter {
    pub(crate) fn new(limit: Limit, patience: Patience) -> Self {
        Self {
            limit,
            deadline: None,
            slice: None,
            looks: 0,
            patience: patience.looks(),
            armed: None,
            slept: false,
        }
    }

    /// Whether the call slept.
    pub(crate) fn slept(&self) -> bool {
        self.slept
    }

    /// Waits a little, or a lot: spins, or arms `bell`, or sleeps.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`] where the ring's memory is gone, [`Fault::Os`].
    pub(crate) fn pause(&mut self, shared: &Shared, bell: &Bell) -> Result<Next, Fault> {
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
        let Some((armed, reach)) = self.armed.filter(|(armed, _)| bell.is_still(*armed)) else {
            let armed = bell.arm();
            self.armed = Some((armed, announce(shared)));
            return Ok(Next::Look);
        };
        let end = self.slice.map_or(SLICE, |slice| slice.saturating_duration_since(now));
        let end = self.deadline.map_or(end, |deadline| end.min(deadline.saturating_duration_since(now)));
        let end = if reach == Reach::Uncertain { end.min(SHORT_SLICE) } else { end };
        self.slept = true;
        match futex::wait(bell.futex(), armed.event(), Moment::after(end)) {
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
        let Some(slice) = self.slice else {
            self.deadline = self.limit.deadline(now);
            self.slice = Some(now + SLICE);
            return if self.deadline.is_some_and(|it| now >= it) { Next::TimedOut } else { Next::Look };
        };
        if self.deadline.is_some_and(|it| now >= it) {
            Next::TimedOut
        } else if now >= slice {
            self.slice = Some(now + SLICE);
            Next::LookAround
        } else {
            Next::Look
        }
    }
}

/// A call that is repeated without waiting looks around now and then, so that polling a ring that nobody feeds any
/// more does not go on unnoticed; at most every 100 ms, and without a system call in between.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    /// Fruitless calls since the last look at the clock.
    count: Cell<u32>,
    next: Option<Instant>,
}

impl Polls {
    /// Fruitless calls between two looks at the clock.
    const STRIDE: u32 = 256;
    /// Time between two looks around.
    const PERIOD: Duration = Duration::from_millis(100);

    /// Counts one fruitless call; says whether it is time to ask the clock.
    #[inline]
    pub(crate) fn count(&self) -> bool {
        let count = self.count.get().wrapping_add(1);
        self.count.set(count);
        count >= Self::STRIDE
    }

    /// Has the next fruitless call find that it is time.
    pub(crate) fn hurry(&self) {
        self.count.set(Self::STRIDE);
    }

    /// Counts one fruitless call; says whether it is time to look around.
    pub(crate) fn is_due(&mut self) -> bool {
        if !self.count() {
            return false;
        }
        self.count.set(0);
        let now = Instant::now();
        let due = self.next.is_some_and(|next| now >= next);
        if due || self.next.is_none() {
            self.next = Some(now + Self::PERIOD);
        }
        due
    }
}
