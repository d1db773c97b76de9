//! What every handle is: a view of its ring, a role in it, and the faults that end it.
//!
//! A *seated* handle holds an entry of the participant table. An *unseated* one, which only reads, holds nothing: it has no
//! entry, no lock byte and no counters, rings nobody, and nothing happens to the ring when it goes. All that it writes is
//! that it sleeps; at a ring that was opened for reading only not even that.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::attachment::{Attachment, Peers};
use crate::barrier::Barrier;
use crate::error::{Corruption, Fault, Passing};
use crate::layout::words::{Bell, Shared, counter};
use crate::participant::Membership;
use crate::source::Signals;
use crate::sys::fork::{Glance, Origin};
use crate::vocabulary::Role;
use crate::wait::{Limit, Next, Patience, Rounds, SLICE, Sleep, Waiter};

/// A role, seated or not. `V` is what the kind's algorithm sees of the ring.
pub(crate) struct Port<V> {
    pub(crate) view: V,
    pub(crate) attachment: Arc<Attachment>,
    /// The seat.
    membership: Option<Membership>,
    origin: Origin,
    /// Void in forked children, and once a fault has ended the handle.
    permit: Glance,
    fault: Option<Fault>,
    rounds: Rounds,
    patience: Patience,
    /// What a seated handle runs behind its publications; `Fenced` where there are none.
    pub(crate) barrier: Barrier,
    pub(crate) signals: Arc<Signals>,
    /// Whether anybody may wait on the handle's behalf.
    watched: Cell<bool>,
    role: Role,
    /// Longest item, in bytes.
    max_len: usize,
    /// Whom the handle waits for.
    peers: Peers,
    /// One thread at a time: `Send`, not `Sync`.
    unshared: PhantomData<Cell<()>>,
}

impl<V> Port<V> {
    /// A handle of `role`, which `membership` holds. What was there before was put in order, and begins at `start`.
    pub(crate) fn seated(
        attachment: &Arc<Attachment>,
        view: V,
        membership: Membership,
        role: Role,
        peers: Peers,
        start: u64,
    ) -> Self {
        let barrier = attachment.settle_barrier();
        Self::new(attachment, view, Some(membership), barrier, role, peers, start)
    }

    /// A handle of `role` that holds nothing, and begins at `start`. Does nothing to the ring.
    pub(crate) fn unseated(
        attachment: &Arc<Attachment>,
        view: V,
        role: Role,
        peers: Peers,
        start: u64,
    ) -> Self {
        Self::new(attachment, view, None, Barrier::Fenced, role, peers, start)
    }

    fn new(
        attachment: &Arc<Attachment>,
        view: V,
        membership: Option<Membership>,
        barrier: Barrier,
        role: Role,
        peers: Peers,
        start: u64,
    ) -> Self {
        let signals = Arc::new(Signals::new(start));
        Self {
            view,
            membership,
            origin: Origin::here(),
            permit: signals.permit(),
            fault: None,
            rounds: Rounds::new(),
            patience: attachment.patience(),
            barrier,
            signals,
            watched: Cell::new(false),
            attachment: Arc::clone(attachment),
            role,
            max_len: attachment.region.header().element_size as usize,
            peers,
            unshared: PhantomData,
        }
    }

    /// Whether the handle works here.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.permit.is_valid() { Ok(()) } else { self.check_closely() }
    }

    #[cold]
    fn check_closely(&self) -> Result<(), Fault> {
        if self.permit.is_void() {
            return Err(self.why_not());
        }
        self.rounds.hurry(); // Alarmed: if the call finds nothing, it asks why.
        Ok(())
    }

    /// A fault that others found is noted nowhere else: there is one.
    fn why_not(&self) -> Fault {
        let unnoted = if self.origin.is_elsewhere() { Fault::Forked } else { Fault::Truncated };
        self.fault.unwrap_or(unnoted)
    }

    /// Whether the region is this handle's to write; an unseated one's it never is.
    pub(crate) fn may_write(&self) -> bool {
        self.membership.as_ref().is_some_and(Membership::may_write)
            && (self.fault.is_some() || !self.permit.is_void())
    }

    /// How many items fit into the ring.
    pub(crate) fn capacity(&self) -> usize {
        self.attachment.region.header().capacity as usize
    }

    /// Longest item, in bytes.
    #[inline]
    pub(crate) fn max_len(&self) -> usize {
        self.max_len
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Number of the handle's entry; `None` without a seat.
    pub(crate) fn entry(&self) -> Option<u32> {
        self.membership.as_ref().map(Membership::index)
    }

    /// Adds to one of the counters of the handle's entry, where it has one that it may write.
    pub(crate) fn count(&self, counter: usize) {
        if self.may_write()
            && let Some(membership) = &self.membership
        {
            membership.count(counter);
        }
    }

    /// Leaves the region alone from now on.
    fn lose(&mut self) {
        if let Some(membership) = &mut self.membership {
            membership.lose();
        }
    }

    /// Ends the handle: every later call fails with `fault`.
    #[cold]
    pub(crate) fn end(&mut self, fault: Fault) -> Fault {
        self.fault = Some(fault);
        if fault == Fault::Truncated {
            self.lose();
        }
        self.signals.stop();
        fault
    }

    /// Ends the handle because of `corruption`.
    pub(crate) fn corrupted(&mut self, Corruption { what, found }: Corruption) -> Fault {
        self.end(Fault::Corrupted { what, found })
    }

    /// Tells those who wait on the handle's behalf, if there are any, which position is the next.
    #[inline]
    pub(crate) fn tell(&self, position: u64) {
        if self.watched.get() {
            self.signals.set_ahead(position);
        }
    }

    /// Somebody is about to wait on the handle's behalf, whose next position is `position`.
    pub(crate) fn watch(&self, position: u64) {
        self.watched.set(true);
        self.signals.set_ahead(position);
    }

    /// Counts a fruitless call; says whether it should ask [`polled`](Port::polled).
    #[inline]
    pub(crate) fn counts_poll(&mut self) -> bool {
        self.rounds.count()
    }

    /// After a fruitless call: looks now and then whether anybody can still change what it found, and at once where
    /// somebody who waits on the handle's behalf found out that nobody can.
    #[cold]
    pub(crate) fn polled(&mut self) -> Option<Fault> {
        if self.signals.is_alarmed() {
            let fault = self.look_around();
            if fault.is_none() {
                self.signals.calm();
            }
            return fault;
        }
        // A peer's death concerns calls that wait.
        if self.rounds.is_due_by_count() {
            self.look_around().filter(|it| *it == Fault::Unlinked)
        } else {
            None
        }
    }

    fn look_around(&self) -> Option<Fault> {
        self.attachment.look_around(self.peers)
    }

    /// A call that will wait.
    pub(crate) fn waiter(&self, limit: Limit) -> Waiter {
        let sleep = if self.attachment.region.is_writable() { Sleep::Announced } else { Sleep::Unannounced };
        Waiter::new(limit, self.patience, sleep)
    }

    /// Waits a little, or sleeps until the peer rings. `Ok(false)`: the limit passed, look for the last time.
    ///
    /// Sleeps for `slice` at most.
    pub(crate) fn pause(&mut self, waiter: &mut Waiter, slice: Duration) -> Result<bool, Fault> {
        let words = self.attachment.region.shared();
        let next = waiter.pause(words, bell_of(self.role)(words), slice)?;
        // Without touching the ring: it may be gone.
        if next == Next::LookAround || (next == Next::TimedOut && waiter.slept()) {
            match self.look_around() {
                Some(fault) if next == Next::LookAround || fault == Fault::Truncated => return Err(fault),
                _ => {}
            }
        }
        Ok(next != Next::TimedOut)
    }

    /// A call has waited.
    pub(crate) fn waited(&mut self, waiter: &Waiter) {
        self.patience.learn(waiter);
        if waiter.slept() {
            self.count(counter::SLEEPS);
        }
    }
}

/// A handle whose calls wait.
pub(crate) trait Waits: Sized {
    /// What its algorithm sees of the ring.
    type View;
    /// What its calls say; those after which another try can succeed are what they wait for.
    type Error: Passing;

    fn port(&mut self) -> &mut Port<Self::View>;

    /// A call begins to wait.
    fn before_waiting(&mut self) {}

    /// Before each pause of a call that waits: says how long that may be, at most.
    fn before_pause(&mut self, waiter: &Waiter) -> Duration {
        let _ = waiter;
        SLICE
    }

    /// What a call says whose limit has passed; the last attempt said `error`.
    fn timed_out(&self, error: Self::Error) -> Self::Error {
        let _ = error;
        Self::Error::TIMEOUT
    }

    /// A call has waited; whether it slept.
    fn after_waiting(&mut self, slept: bool) {
        let _ = slept;
    }

    /// Repeats `attempt`, which has failed in passing, until it no longer does.
    #[cold]
    fn retry<R>(
        &mut self,
        limit: Limit,
        mut attempt: impl FnMut(&mut Self) -> Result<R, Self::Error>,
    ) -> Result<R, Self::Error> {
        /// What this attempt is the last one for.
        enum Last {
            Limit,
            Fault(Fault),
        }
        self.before_waiting();
        let mut waiter = self.port().waiter(limit);
        let result = loop {
            let slice = self.before_pause(&waiter);
            let port = self.port();
            let last = match port.pause(&mut waiter, slice) {
                Ok(true) => None,
                Ok(false) => Some(Last::Limit),
                // Nothing is left to look at; or to write to, for nobody could find it.
                Err(Fault::Truncated) => break Err(port.end(Fault::Truncated).into()),
                Err(Fault::Unlinked) if port.role.writes() => break Err(port.end(Fault::Unlinked).into()),
                // The fault first, then a last look: what the peer did before it died counts.
                Err(fault) => Some(Last::Fault(fault)),
            };
            match (attempt(self), last) {
                (Err(error), None) if error.passes() => {}
                (Err(error), Some(Last::Limit)) if error.passes() => break Err(self.timed_out(error)),
                (Err(error), Some(Last::Fault(fault))) if error.passes() => break Err(fault.into()),
                (result, _) => break result,
            }
        };
        self.port().waited(&waiter);
        self.after_waiting(waiter.slept());
        result
    }
}

impl<V> Drop for Port<V> {
    fn drop(&mut self) {
        if !self.may_write() {
            self.lose();
        }
        self.signals.leave();
    }
}

/// The bell that the owner of `role` waits for.
pub(crate) fn bell_of(role: Role) -> fn(&Shared) -> &Bell {
    if role.writes() { |it| &it.not_full } else { |it| &it.not_empty }
}

impl<V> fmt::Debug for Port<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("region", &self.attachment.region)
            .field("works", &self.check())
            .finish_non_exhaustive()
    }
}
