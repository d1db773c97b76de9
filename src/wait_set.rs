//! Waiting for many rings in one call.
//!
//! ```text
//! sample every doorbell            any ready → return
//! arm the bells that changed       those of before that nobody rang stay armed
//! announce                         one barrier for all of them, D1 of `doorbell`; only if any was armed
//! sample again                     any ready → return
//! futex_waitv                      on every bell, and on the canceller's word
//! on any return: all of it again
//! ```
//!
//! Rules:
//! 1. A bell is slept on only with the event of an arming that was announced before the last sample. A ringer that came
//!    since has changed the event, and the kernel, which compares it, does not let the set sleep.
//! 2. Every 100 ms, and where a limit passes every 10 ms at most, the set looks beyond its rings (`Source::look_around`),
//!    after a sleep in silence before it touches their memory again: what is gone is not read. A handle that nobody can
//!    serve any more is alarmed, which makes its doorbell ready.
//! 3. A call of the canceller is taken before anything is sampled, under a mutex. Whoever calls after that changes the
//!    word that the set had read before, so it does not sleep over it.
//!
//! Where the host refuses futex_waitv(2), nothing is armed: the set sleeps on the canceller's word alone, and samples
//! every millisecond.

use std::fmt;
use std::iter;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::doorbell::{self, ALL, Armed, Reach, announce_all};
use crate::error::WaitError;
use crate::source::{Doorbell, HeldBell, Source};
use crate::sync::{AtomicU32, Ordering};
use crate::sys::Failure;
use crate::sys::fork::Origin;
use crate::sys::futex::{self, MOST_WORDS, Slept};
use crate::wait::{Limit, Rounds, SHORT_SLICE, SLICE};

/// Most doorbells of one set: one word of the kernel's call is the canceller's.
const MOST_DOORBELLS: usize = MOST_WORDS - 1;

/// Waits for many rings in one call: up to 127 doorbells, each with a token of the caller's choice.
///
/// The handles stay usable: a doorbell says whether a `try_` call of its handle would find something, and goes on saying
/// so until it would not. A call that found something takes nothing out of a ring.
///
/// Sleeping takes one system call, `futex_waitv`, and one `membarrier` where a bell was rung since the last time. The
/// kernel's part grows with the doorbells: about 0.3 µs each to fall asleep, 0.1 µs each to wake up.
/// Where the host refuses `futex_waitv` (Linux before 5.16, some containers), a set looks at its doorbells every
/// millisecond instead: what it says is the same, up to a millisecond later. `Debug` shows which it is.
///
/// ```
/// use std::time::Duration;
/// use ringfence::{spsc, WaitError, WaitSet};
///
/// let (orders, ticks) = (spsc::Options::<u64>::new(8).in_process()?, spsc::Options::<u64>::new(8).in_process()?);
/// let (mut order_tx, mut tick_tx) = (orders.producer()?, ticks.producer()?);
/// let (mut order_rx, mut tick_rx) = (orders.consumer()?, ticks.consumer()?);
///
/// let mut set = WaitSet::new();
/// set.add(order_rx.doorbell(), "orders")?;
/// set.add(tick_rx.doorbell(), "ticks")?;
///
/// let mut ready = Vec::new();
/// tick_tx.push(7)?;
/// set.wait(&mut ready)?;
/// assert_eq!(ready, ["ticks"]);
/// assert_eq!(tick_rx.try_pop()?, 7);
///
/// assert_eq!(set.wait_timeout(&mut ready, Duration::from_millis(1)), Err(WaitError::Timeout));
/// # drop((order_tx, order_rx));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WaitSet<K> {
    entries: Vec<Entry<K>>,
    calls: Arc<Calls>,
    /// How far the last announcement reached.
    reach: Reach,
    /// Whether the kernel lets the set sleep on many words, as far as it knows.
    native: bool,
    rounds: Rounds,
}

struct Entry<K> {
    bell: HeldBell,
    /// What the bell was when it was armed.
    armed: Option<Armed>,
    token: K,
    doorbell: Doorbell,
}

impl<K> Entry<K> {
    fn source(&self) -> &dyn Source {
        self.doorbell.source()
    }

    /// Whether somebody rang since the bell was armed, or has to be told of a handle that was stopped. Touches no memory
    /// of a ring whose handle was stopped or dropped.
    fn is_rung(&self) -> bool {
        let signals = self.source().signals();
        let is_still = || self.armed.is_some_and(|it| self.bell.get().is_still(it));
        !signals.is_gone() && (signals.is_alarmed() || !is_still())
    }
}

impl<K: Copy> WaitSet<K> {
    /// A set without doorbells. Allocates.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entries: Vec::new(),
            calls: Arc::new(Calls::new()),
            reach: Reach::Everybody,
            native: true,
            rounds: Rounds::new(),
        }
    }

    /// Adds a doorbell; calls that find it ready say `token`. Two doorbells may have equal tokens.
    ///
    /// Allocates now and then; makes no system call.
    ///
    /// # Errors
    ///
    /// [`WaitError::NoDoorbell`] for a ring of [`busy_poll`](crate::spsc::Options::busy_poll), or one that was
    /// opened for reading only; [`WaitError::TooMany`] for the 128th doorbell.
    pub fn add(&mut self, doorbell: Doorbell, token: K) -> Result<(), WaitError> {
        admit(&doorbell, self.entries.len())?;
        self.insert(doorbell, token);
        Ok(())
    }

    /// Adds a doorbell that was admitted.
    pub(crate) fn insert(&mut self, doorbell: Doorbell, token: K) {
        let bell = doorbell.source().bell();
        self.entries.push(Entry { bell, armed: None, token, doorbell });
    }

    /// Keeps the doorbells whose token `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(K) -> bool) {
        self.entries.retain(|it| keep(it.token));
    }

    /// How many doorbells there are. Those of dropped handles count until the next wait, which lets go of them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no doorbell. A wait on an empty set ends by its limit or its canceller.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What ends a wait of this set from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::clone(&self.calls))
    }

    /// Fills `ready` with the tokens of all doorbells that are ready, in the order in which they were added, and says
    /// how many; never waits.
    ///
    /// Makes no system call, unless a ring was closed, or 100 ms have passed since the set looked whether its rings
    /// still have their names and its peers live. Allocates where `ready` has not the room.
    pub fn poll(&mut self, ready: &mut Vec<K>) -> usize {
        ready.clear();
        self.sample(ready);
        if self.rounds.is_due_by_count() {
            self.look_around(); // What it finds is ready next time.
        }
        ready.len()
    }

    /// Waits until a doorbell is ready, and fills `ready` with the tokens of all that are, or after a sleep of all that
    /// were rung, in the order in which they were added.
    ///
    /// Sleeps, unless a doorbell is ready already; see [`WaitSet`] for the system calls. Allocates where `ready` has not
    /// the room. Lets go of the doorbells of dropped handles.
    ///
    /// # Errors
    ///
    /// [`WaitError::Cancelled`], or [`WaitError::Os`]; `ready` is empty then.
    pub fn wait(&mut self, ready: &mut Vec<K>) -> Result<(), WaitError> {
        self.wait_timeout(ready, Limit::Unlimited)
    }

    /// Waits as [`wait`](WaitSet::wait) does, up to `limit`.
    ///
    /// # Errors
    ///
    /// [`WaitError::Timeout`], [`WaitError::Cancelled`], or [`WaitError::Os`]; `ready` is empty then.
    pub fn wait_timeout(&mut self, ready: &mut Vec<K>, limit: impl Into<Limit>) -> Result<(), WaitError> {
        self.wait_within(ready, limit.into())
    }

    fn wait_within(&mut self, ready: &mut Vec<K>, limit: Limit) -> Result<(), WaitError> {
        ready.clear();
        self.entries.retain(|it| !it.doorbell.is_gone());
        let mut slept = false;
        let result = self.wait_until_ready(ready, limit, &mut slept);
        if slept {
            self.ring_on();
        }
        result
    }

    /// Waits; says in `slept` whether it went to sleep, however it ended.
    fn wait_until_ready(
        &mut self,
        ready: &mut Vec<K>,
        limit: Limit,
        slept: &mut bool,
    ) -> Result<(), WaitError> {
        let (mut deadline, mut disturbed) = (None, false);
        loop {
            let call = self.calls.next();
            if self.calls.take() {
                return Err(WaitError::Cancelled);
            }
            if (mem::take(&mut disturbed) && self.sample_rung(ready)) || self.sample(ready) {
                if self.rounds.is_due_by_count() {
                    self.look_around(); // What it finds is ready next time.
                }
                return Ok(());
            }
            let now = Instant::now();
            let deadline = *deadline.get_or_insert_with(|| limit.deadline(now));
            if deadline.is_some_and(|it| now >= it) {
                return Err(WaitError::Timeout);
            }
            if self.rounds.is_due(now) {
                self.look_around();
            } else if !(self.native && self.arm()) {
                *slept = true;
                disturbed = self.sleep(call, now, deadline)? == Slept::Disturbed;
            }
        }
    }

    /// Wakes another sleeper at every bell that is ready and at which others can sleep: this set, which takes nothing
    /// itself, may have been called in their stead.
    fn ring_on(&self) {
        for entry in self.entries.iter().filter(|it| it.source().is_shared() && !it.doorbell.is_gone()) {
            doorbell::ring_on(entry.bell.shared(), entry.bell.get(), || entry.doorbell.is_ready());
        }
    }

    /// Adds the tokens of the doorbells that are ready, and says whether there are any.
    fn sample(&self, ready: &mut Vec<K>) -> bool {
        ready.extend(self.entries.iter().filter(|it| it.doorbell.is_ready()).map(|it| it.token));
        !ready.is_empty()
    }

    /// As [`sample`](WaitSet::sample), for those alone whose bell was rung: right after a sleep, when the others' words
    /// have left the cache.
    fn sample_rung(&self, ready: &mut Vec<K>) -> bool {
        let rung = self.entries.iter().filter(|it| it.is_rung() && it.doorbell.is_ready());
        ready.extend(rung.map(|it| it.token));
        !ready.is_empty()
    }

    /// Arms the bells that changed since they were armed, and says whether there were any: then the doorbells have to
    /// be sampled once more.
    fn arm(&mut self) -> bool {
        let mut anew = false;
        for entry in self.entries.iter_mut().filter(|it| it.is_rung()) {
            entry.armed = Some(entry.bell.get().arm());
            anew = true;
        }
        if anew {
            self.reach = announce_all(self.entries.iter().map(|it| it.bell.shared()));
        }
        anew
    }

    /// Sleeps until a bell rings, the canceller calls (it had called `call` times), or it is time to look again.
    fn sleep(&mut self, call: u32, now: Instant, deadline: Option<Instant>) -> Result<Slept, WaitError> {
        let often = !self.native || self.reach == Reach::Uncertain;
        let moment = self.rounds.next_look(now, deadline, if often { SHORT_SLICE } else { SLICE });
        let slept = if self.native {
            // Nobody arms the bell of a handle that was dropped: it would not let the set sleep.
            let there = self.entries.iter().filter(|it| !it.doorbell.is_gone());
            let bells = there.filter_map(|it| Some((it.bell.get().futex(), it.armed?.event())));
            futex::wait_any(bells.chain(iter::once((self.calls.futex(), call))), moment)
        } else {
            futex::wait(self.calls.futex(), call, moment)
        };
        match slept {
            Ok(Slept::TimedOut) => {
                let now = Instant::now();
                if self.rounds.is_due(now)
                    || deadline.is_some_and(|it| now >= it && self.rounds.is_early(now))
                {
                    self.look_around();
                }
                Ok(Slept::TimedOut)
            }
            Ok(slept) => Ok(slept),
            Err(Failure { errno: libc::ENOSYS | libc::EPERM, .. }) if self.native => {
                self.native = false;
                Ok(Slept::TimedOut)
            }
            // A word whose memory is gone: its handle has to say so, or was dropped.
            Err(Failure { errno: libc::EFAULT, .. }) if self.look_around() => Ok(Slept::TimedOut),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Looks beyond every ring, without touching its memory, and lets go of the doorbells of dropped handles; says
    /// whether it did, or any handle is alarmed now.
    fn look_around(&mut self) -> bool {
        let count = self.entries.len();
        self.entries.retain(|it| !it.doorbell.is_gone());
        self.entries.iter().fold(self.entries.len() < count, |found, it| {
            it.source().look_around();
            found | it.source().signals().is_alarmed()
        })
    }
}

/// Whether `doorbell` may join `others`.
pub(crate) fn admit(doorbell: &Doorbell, others: usize) -> Result<(), WaitError> {
    if !doorbell.source().has_bell() {
        Err(WaitError::NoDoorbell)
    } else if others >= MOST_DOORBELLS {
        Err(WaitError::TooMany { found: others + 1, max: MOST_DOORBELLS })
    } else {
        Ok(())
    }
}

impl From<Failure> for WaitError {
    fn from(Failure { call, errno }: Failure) -> Self {
        Self::Os { call, errno }
    }
}

impl<K: Copy> Default for WaitSet<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug> fmt::Debug for WaitSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens: Vec<_> = self.entries.iter().map(|it| &it.token).collect();
        f.debug_struct("WaitSet")
            .field("tokens", &tokens)
            .field("native", &self.native)
            .finish_non_exhaustive()
    }
}

/// Ends a wait of a [`WaitSet`] from another thread.
///
/// ```
/// use std::thread;
/// use ringfence::{WaitError, WaitSet};
///
/// let mut set = WaitSet::<u32>::new();
/// let canceller = set.canceller();
/// let waiting = thread::spawn(move || set.wait(&mut Vec::new()));
/// canceller.cancel();
/// assert_eq!(waiting.join().unwrap(), Err(WaitError::Cancelled));
/// ```
#[derive(Clone, Debug)]
pub struct Canceller(Arc<Calls>);

impl Canceller {
    /// Makes the wait that is going on, or else the next one, return [`WaitError::Cancelled`], whether a doorbell is
    /// ready or not. Calls before that wait has returned count as one.
    ///
    /// Never waits; makes one system call, unless an earlier cancel was not taken yet. What the calling thread did before
    /// is visible to whoever gets `Cancelled`.
    pub fn cancel(&self) {
        self.0.call();
    }
}

/// What a canceller and its set tell each other, in the memory of their process.
#[derive(Debug)]
struct Calls {
    /// A forked child's copy does nothing: the mutex may be held by a thread that is not there.
    origin: Origin,
    /// Whether a call was not taken yet.
    pending: Mutex<bool>,
    /// The futex: how often a call became pending.
    count: AtomicU32,
}

impl Calls {
    fn new() -> Self {
        Self { origin: Origin::here(), pending: Mutex::new(false), count: AtomicU32::new(0) }
    }

    fn call(&self) {
        if self.origin.is_elsewhere() {
            return;
        }
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if !mem::replace(&mut *pending, true) {
            self.count.fetch_add(1, Ordering::Relaxed); // Relaxed: the mutex orders it behind a `take` that missed it.
            drop(pending);
            futex::wake(&self.count, ALL);
        }
    }

    /// The number with which to sleep; to be asked for before [`take`](Calls::take).
    fn next(&self) -> u32 {
        self.count.load(Ordering::Relaxed) // Relaxed: as in `call`.
    }

    /// Whether a call was pending, which it no longer is.
    fn take(&self) -> bool {
        !self.origin.is_elsewhere()
            && mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn futex(&self) -> &AtomicU32 {
        &self.count
    }
}
