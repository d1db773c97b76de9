//! How long a call may wait, and what it does meanwhile.

use std::thread;
use std::time::{Duration, Instant};

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

/// Looks at a slot without giving the processor away.
const SPINS: u32 = 256;
/// How often a waiting call looks beyond its ring: is the name still there, does the peer live?
const SLICE: Duration = Duration::from_millis(4);

/// What a waiting call is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Look at the ring.
    Look,
    /// Look at the ring, and whether anybody can still change it.
    LookAround,
    /// Give up.
    TimedOut,
}

/// One call that waits: spins, then gives the processor away between two looks.
#[derive(Debug)]
pub(crate) struct Waiter {
    limit: Limit,
    looks: u32,
    slice: Option<Instant>,
}

impl Waiter {
    pub(crate) fn new(limit: Limit) -> Self {
        Self { limit, looks: 0, slice: None }
    }

    /// Waits a little.
    pub(crate) fn pause(&mut self) -> Next {
        if self.looks < SPINS {
            self.looks += 1;
            core::hint::spin_loop();
            return Next::Look;
        }
        let now = Instant::now();
        if let Limit::For(duration) = self.limit {
            self.limit = now.checked_add(duration).map_or(Limit::Unlimited, Limit::Until);
        }
        if let Limit::Until(deadline) = self.limit
            && now >= deadline
        {
            return Next::TimedOut;
        }
        thread::yield_now();
        match self.slice {
            Some(end) if now < end => Next::Look,
            begun => {
                self.slice = Some(now + SLICE);
                if begun.is_some() { Next::LookAround } else { Next::Look }
            }
        }
    }
}

/// A call that is repeated without waiting looks around now and then, so that polling a ring that nobody feeds any
/// more does not go on unnoticed; at most every 100 ms, and without a system call in between.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    /// Fruitless calls since the last look at the clock.
    count: u32,
    next: Option<Instant>,
}

impl Polls {
    /// Fruitless calls between two looks at the clock.
    const STRIDE: u32 = 256;
    /// Time between two looks around.
    const PERIOD: Duration = Duration::from_millis(100);

    /// Counts one fruitless call; says whether it is time to ask the clock.
    #[inline]
    pub(crate) fn count(&mut self) -> bool {
        self.count += 1;
        self.count >= Self::STRIDE
    }

    /// Counts one fruitless call; says whether it is time to look around.
    pub(crate) fn is_due(&mut self) -> bool {
        if !self.count() {
            return false;
        }
        self.count = 0;
        let now = Instant::now();
        let due = self.next.is_some_and(|next| now >= next);
        if due || self.next.is_none() {
            self.next = Some(now + Self::PERIOD);
        }
        due
    }
}
