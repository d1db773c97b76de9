//! Doorbells in loops that wait for something else: as descriptors for epoll and mio, as wakers for async code.
//!
//! ```text
//! user                                          the thread in `run`
//!   try_ calls, until Empty                       serves requests: which doorbells to watch
//!   `rearm` / `register`: a request    ──→        WaitSet::wait
//!   waits for its descriptor, or its waker        a doorbell is ready: watches it no longer, raises its outlet
//! ```
//!
//! Rules:
//! 1. A seat is *watched* from its request until its doorbell was ready once. In between its outlet is not raised, so
//!    neither side does anything twice for one burst of items.
//! 2. What comes between the user's last `try_` call and the request is found by the set's sample before it sleeps.
//! 3. The bridge ends the watch, under the lock, before it raises the outlet; a user prepares the outlet before it
//!    requests a watch, under the lock. So a user that found its seat watched is raised later.
//! 4. Outlets are raised, and dropped, outside the lock: a waker is the user's code.
//! 5. In a forked child, where a lock may be held by a thread that is not there, a copy of a bridge does nothing.
//! 6. A bridge that was stopped raises every outlet once and refuses requests, so that nobody waits for it in vain.

use std::fmt;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::error::WaitError;
use crate::source::Doorbell;
use crate::sys::eventfd::EventFd;
use crate::sys::fork::Origin;
use crate::wait_set::{Canceller, WaitSet, admit};

/// Watches doorbells on a thread of the user's choice, and tells those who wait elsewhere: event loops, by a descriptor
/// that becomes readable ([`add`](Bridge::add)); async code, by a waker ([`add_waker`](Bridge::add_waker)).
///
/// Up to 127 doorbells. Nothing happens until a thread is in [`run`](Bridge::run). The thread sleeps while no doorbell
/// is ready, and no doorbell keeps it awake: once it has told of one, it watches it again only when it is asked to.
/// Cheap to clone: all clones are one bridge, which ends by [`stop`](Bridge::stop), not by dropping them. In a forked child
/// it does nothing.
///
/// In an event loop, `rx` and its descriptor `fd` go through the same steps time and again:
///
/// ```
/// use std::thread;
/// use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
/// use ringfence::{spsc, Bridge, PopError};
///
/// let ring = spsc::Options::<u64>::new(64).in_process()?;
/// let (mut tx, mut rx) = (ring.producer()?, ring.consumer()?);
/// let bridge = Bridge::new();
/// let fd = bridge.add(rx.doorbell())?;
/// let running = thread::spawn({
///     let bridge = bridge.clone();
///     move || bridge.run()
/// });
/// let feeding = thread::spawn(move || {
///     (0..1000).for_each(|number| drop(tx.push(number)));
///     tx.close();
/// });
///
/// let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
/// epoll.add(&fd, EpollEvent::new(EpollFlags::EPOLLIN, 0))?; // and timers, sockets …
/// let mut sum = 0;
/// 'events: loop {
///     epoll.wait(&mut [EpollEvent::empty()], EpollTimeout::NONE)?;
///     loop {
///         match rx.try_pop() {
///             Ok(number) => sum += number,
///             Err(PopError::Empty) => break,
///             Err(PopError::Closed) => break 'events,
///             Err(error) => return Err(error.into()),
///         }
///     }
///     fd.rearm()?; // Empty was seen: whatever came since makes the descriptor readable again
/// }
/// assert_eq!(sum, 999 * 1000 / 2);
///
/// bridge.stop();
/// running.join().unwrap()?;
/// # feeding.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Bridge {
    hub: Arc<Hub>,
}

impl Bridge {
    /// A bridge without doorbells. Allocates.
    #[must_use]
    pub fn new() -> Self {
        let set = WaitSet::new();
        let (origin, canceller) = (Origin::here(), set.canceller());
        let hub = Hub { origin, canceller, state: Mutex::new(State::over(set)) };
        Self { hub: Arc::new(hub) }
    }

    /// Watches `doorbell`: the descriptor becomes readable when it is ready, and stays so until
    /// [`rearm`](BridgeFd::rearm).
    ///
    /// Makes two system calls, and allocates.
    ///
    /// # Errors
    ///
    /// [`WaitError::NoDoorbell`] for a ring of [`busy_poll`](crate::spsc::Options::busy_poll), or one that was
    /// opened for reading only; [`WaitError::TooMany`] for the 128th doorbell; [`WaitError::Stopped`];
    /// [`WaitError::Os`] where there is no descriptor to be had.
    pub fn add(&self, doorbell: Doorbell) -> Result<BridgeFd, WaitError> {
        let event = Arc::new(EventFd::new()?);
        let seat = self.seat(doorbell, Arc::clone(&event) as Arc<dyn Outlet>)?;
        seat.watch()?;
        Ok(BridgeFd { event, seat })
    }

    /// Takes `doorbell` in, for wakers; watches it from the first [`register`](BridgeWaker::register) on.
    ///
    /// Makes no system call, and allocates.
    ///
    /// # Errors
    ///
    /// [`WaitError::NoDoorbell`] for a ring of [`busy_poll`](crate::spsc::Options::busy_poll), or one that was
    /// opened for reading only; [`WaitError::TooMany`] for the 128th doorbell; [`WaitError::Stopped`].
    pub fn add_waker(&self, doorbell: Doorbell) -> Result<BridgeWaker, WaitError> {
        let slot = Arc::new(WakerSlot::default());
        let seat = self.seat(doorbell, Arc::clone(&slot) as Arc<dyn Outlet>)?;
        Ok(BridgeWaker { slot, seat })
    }

    fn seat(&self, doorbell: Doorbell, outlet: Arc<dyn Outlet>) -> Result<Seat, WaitError> {
        self.hub.check()?;
        let mut state = self.hub.lock();
        if state.stopped {
            return Err(WaitError::Stopped);
        }
        admit(&doorbell, state.places.len())?;
        let number = state.next;
        state.next += 1;
        state.places.push(Place { number, doorbell, outlet, watched: false });
        drop(state);
        Ok(Seat { hub: Arc::clone(&self.hub), number })
    }

    /// Serves on the calling thread, which sleeps in between, until [`stop`](Bridge::stop). A bridge that was stopped
    /// before returns at once.
    ///
    /// # Errors
    ///
    /// [`WaitError::Running`] where another thread serves already; [`WaitError::Os`], with which the bridge is stopped;
    /// [`WaitError::Forked`].
    pub fn run(&self) -> Result<(), WaitError> {
        self.hub.check()?;
        let mut set = match self.hub.lock().begin() {
            Ok(Some(set)) => set,
            Ok(None) => return Ok(()),
            Err(error) => return Err(error),
        };
        // Whichever way this ends, a waker's panic included, nobody is to wait for it in vain.
        let _end = End(&self.hub);
        let (mut ready, mut raised) = (Vec::new(), Vec::new());
        while self.hub.lock().serve(&mut set) {
            match set.wait(&mut ready) {
                Ok(()) => {
                    set.retain(|number| !ready.contains(&number));
                    self.hub.lock().unwatch(&ready, &mut raised);
                    raised.drain(..).for_each(|outlet: Arc<dyn Outlet>| outlet.raise());
                }
                Err(WaitError::Cancelled) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Ends [`run`](Bridge::run), for good. Every descriptor becomes readable and every task is woken once, to learn
    /// that it waits in vain.
    ///
    /// Does not wait for `run` to return. Makes a few system calls.
    pub fn stop(&self) {
        if self.hub.check().is_ok() {
            self.hub.stop();
        }
    }
}

impl Default for Bridge {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hub.check().is_err() {
            return f.write_str("Bridge { forked }");
        }
        let state = self.hub.lock();
        f.debug_struct("Bridge")
            .field("doorbells", &state.places.len())
            .field("running", &state.set.is_none())
            .field("stopped", &state.stopped)
            .finish()
    }
}

/// Stops the bridge when `run` ends.
struct End<'a>(&'a Hub);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// What the clones of a bridge and its seats share.
struct Hub {
    origin: Origin,
    state: Mutex<State>,
    /// Of the set: has it serve requests.
    canceller: Canceller,
}

struct State {
    places: Vec<Place>,
    /// Number of the next place; none is used twice.
    next: u64,
    /// Places to be watched that the set does not know yet.
    requests: Vec<u64>,
    /// Whether the set may know a place that is gone.
    departed: bool,
    /// The set, until somebody runs the bridge.
    set: Option<WaitSet<u64>>,
    stopped: bool,
}

/// A doorbell and who is to be told.
struct Place {
    number: u64,
    doorbell: Doorbell,
    outlet: Arc<dyn Outlet>,
    watched: bool,
}

/// How somebody is told that a doorbell is ready.
trait Outlet: Send + Sync {
    fn raise(&self);
}

impl Outlet for EventFd {
    fn raise(&self) {
        EventFd::raise(self);
    }
}

impl Hub {
    /// Whether the bridge works here (rule 5).
    fn check(&self) -> Result<(), WaitError> {
        if self.origin.is_elsewhere() { Err(WaitError::Forked) } else { Ok(()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        let mut state = self.lock();
        if mem::replace(&mut state.stopped, true) {
            return;
        }
        let outlets: Vec<_> = state.places.iter().map(|it| Arc::clone(&it.outlet)).collect();
        drop(state);
        self.canceller.cancel();
        outlets.iter().for_each(|it| it.raise());
    }
}

impl State {
    fn over(set: WaitSet<u64>) -> Self {
        let (places, requests) = (Vec::new(), Vec::new());
        Self { places, next: 0, requests, departed: false, set: Some(set), stopped: false }
    }

    /// The set, for whoever runs the bridge first; `None` where there is nothing to run any more.
    fn begin(&mut self) -> Result<Option<WaitSet<u64>>, WaitError> {
        if self.stopped {
            return Ok(None);
        }
        self.set.take().map(Some).ok_or(WaitError::Running)
    }

    /// Has `set` watch what is to be watched; `false` where the bridge was stopped.
    fn serve(&mut self, set: &mut WaitSet<u64>) -> bool {
        let Self { places, requests, departed, stopped, .. } = self;
        if mem::take(departed) {
            set.retain(|number| places.iter().any(|it| it.number == number));
        }
        for number in requests.drain(..) {
            if let Some(place) = places.iter().find(|it| it.number == number) {
                set.insert(place.doorbell.clone(), number);
            }
        }
        !*stopped
    }

    /// Ends the watch of the places `numbers`, and adds whom to tell to `raised`.
    fn unwatch(&mut self, numbers: &[u64], raised: &mut Vec<Arc<dyn Outlet>>) {
        for place in self.places.iter_mut().filter(|it| numbers.contains(&it.number)) {
            place.watched = false;
            raised.push(Arc::clone(&place.outlet));
        }
    }
}

/// A place of a bridge, which is given up on drop.
struct Seat {
    hub: Arc<Hub>,
    number: u64,
}

impl Seat {
    /// Has the bridge watch the doorbell, until it was ready once.
    fn watch(&self) -> Result<(), WaitError> {
        self.hub.check()?;
        let mut state = self.hub.lock();
        if state.stopped {
            return Err(WaitError::Stopped);
        }
        let State { places, requests, .. } = &mut *state;
        let place = places.iter_mut().find(|it| it.number == self.number && !it.watched);
        if let Some(place) = place {
            place.watched = true;
            requests.push(self.number);
            drop(state);
            self.hub.canceller.cancel();
        }
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.hub.check().is_err() {
            return;
        }
        let mut state = self.hub.lock();
        let index = state.places.iter().position(|it| it.number == self.number);
        let place = index.map(|it| state.places.swap_remove(it));
        state.requests.retain(|it| *it != self.number);
        state.departed = true;
        drop(state);
        self.hub.canceller.cancel();
        drop(place); // Rule 4.
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hub.check().is_err() {
            return f.write_str("Seat { forked }");
        }
        let state = self.hub.lock();
        let place = state.places.iter().find(|it| it.number == self.number);
        f.debug_struct("Seat")
            .field("doorbell", &place.map(|it| &it.doorbell))
            .field("watched", &place.is_some_and(|it| it.watched))
            .field("stopped", &state.stopped)
            .finish()
    }
}

/// A doorbell as a descriptor: readable once the doorbell was ready. For epoll, for mio (`SourceFd`), for any loop that
/// waits for descriptors.
///
/// It is an eventfd; do not read it, but call [`rearm`](BridgeFd::rearm). Dropping it takes the doorbell
/// out of the bridge, and closes the descriptor as soon as the bridge has no hand on it.
#[derive(Debug)]
pub struct BridgeFd {
    event: Arc<EventFd>,
    seat: Seat,
}

impl BridgeFd {
    /// Makes the descriptor unreadable, until the doorbell is ready again. To be called when a `try_` call of the handle
    /// said `Empty`, or `Full`; where something is left, the descriptor becomes readable at once, and nothing is lost.
    ///
    /// Makes two system calls, and wakes the bridge's thread.
    ///
    /// # Errors
    ///
    /// [`WaitError::Stopped`], [`WaitError::Forked`]: the descriptor will not become readable any more.
    pub fn rearm(&self) -> Result<(), WaitError> {
        self.seat.hub.check()?;
        self.event.lower(); // Rule 3.
        self.seat.watch()
    }
}

impl AsFd for BridgeFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

impl AsRawFd for BridgeFd {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// A doorbell as the source of wake-ups for a task, whatever runtime it runs on.
///
/// For futures of one's own; `Async` of the feature `async` is made of it. Dropping it takes the doorbell out of the
/// bridge.
///
/// ```
/// use std::{future, task::Poll, thread};
/// use ringfence::{spsc, Bridge, PopError};
///
/// let ring = spsc::Options::<u64>::new(8).in_process()?;
/// let (mut tx, mut rx) = (ring.producer()?, ring.consumer()?);
/// let bridge = Bridge::new();
/// let waker = bridge.add_waker(rx.doorbell())?;
/// let running = thread::spawn({
///     let bridge = bridge.clone();
///     move || bridge.run()
/// });
///
/// let pop = future::poll_fn(|context| match rx.try_pop() {
///     Err(PopError::Empty) => {
///         waker.register(context.waker()).expect("a bridge that was not stopped");
///         Poll::Pending
///     }
///     result => Poll::Ready(result),
/// });
/// let pushing = thread::spawn(move || tx.push(7));
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// assert_eq!(runtime.block_on(pop)?, 7);
///
/// bridge.stop();
/// running.join().unwrap()?;
/// # pushing.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BridgeWaker {
    slot: Arc<WakerSlot>,
    seat: Seat,
}

impl BridgeWaker {
    /// Has `waker` woken, once, when the doorbell is ready: at once where it is already. Takes the place of the waker
    /// that was registered before. May wake without need.
    ///
    /// To be called when a `try_` call of the handle said `Empty`, or `Full`. Never waits; makes at most one system
    /// call, which wakes the bridge's thread.
    ///
    /// # Errors
    ///
    /// [`WaitError::Stopped`], [`WaitError::Forked`]: nobody will be woken any more.
    pub fn register(&self, waker: &Waker) -> Result<(), WaitError> {
        self.seat.hub.check()?;
        self.slot.put(waker); // Rule 3.
        self.seat.watch()
    }
}

/// The waker of whoever waits for a doorbell.
#[derive(Debug, Default)]
struct WakerSlot(Mutex<Option<Waker>>);

impl WakerSlot {
    fn put(&self, waker: &Waker) {
        let mut slot = self.lock();
        if !slot.as_ref().is_some_and(|it| it.will_wake(waker)) {
            let last = slot.replace(waker.clone());
            drop(slot);
            drop(last); // Rule 4.
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outlet for WakerSlot {
    fn raise(&self) {
        let waker = self.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
