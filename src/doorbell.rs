//! How a sleeper is woken in time, always, and how publishing costs nothing while nobody sleeps.
//!
//! ```text
//! ringer                                        sleeper
//!   item or room is published                     e = event
//!   barrier (D1, the light side)                  armed = new ticket | 1
//!   armed & 1?            usually ends here       barrier (D1, the heavy side)
//!   event += 1            (D2)                    look once more             usually something came
//!   futex_wake                                    futex_wait(event, e)
//!   disarm, if armed is still what was seen       on any return: look again, and all of it again if e has changed
//! ```
//!
//! Rules:
//! 1. A sleeper arms before it looks for the last time, and a ringer publishes before it looks at `armed`; with the
//!    barriers between, at least one of them sees the other.
//! 2. Wake first, disarm after: a ringer that is killed in between leaves the bit, and the next one wakes.
//! 3. Every arming has a new ticket, so a ringer that was stopped for long disarms nobody who armed since.
//! 4. The bit sticks: a sleeper that leaves, or is killed, costs one wake-up call of somebody and nothing else.
//!
//! Edges:
//! - **D1 sleep**: ringer: store of the item, fence, load of `armed`; sleeper: store of `armed`, fence, load of the item.
//!   A ringer may leave its fence out ([`Ringer::asymmetric`]) if its process is registered with membarrier(2): the
//!   sleeper's membarrier then acts as a fence in every running thread of it. The light side is a compiler fence.
//! - **D2 event**: Release by the ringer → Acquire by the sleeper (an acquire fence, where it listens). A sleeper that starts from
//!   the new event sees what it was rung for, even where the ringer has no fence, and arms behind the ringer's look at
//!   `armed` (rule 3).
//!
//! The futexes are not private: FUTEX_PRIVATE on either side means no wake-up across processes. The event count is
//! Reed's and Kanodia's, the sticky flag with a ticket a relative of folly's `EventCount`.

use crate::layout::words::{Bell, Shared};
use crate::sync::{AtomicU32, Edge, FencedEdge, Ordering, compiler_fence, futex};

pub(crate) const D1_SLEEP: FencedEdge = FencedEdge::named("doorbell D1 sleep");
pub(crate) const D2_EVENT: Edge = Edge::named("doorbell D2 event");

/// The bit of [`Bell::armed`] that says that somebody may sleep.
const SLEEPER: u32 = 1;
/// One ticket, in [`Bell::armed`].
const TICKET: u32 = 2;

/// How many sleepers a ring concerns.
pub(crate) const ALL: u32 = i32::MAX as u32;

/// What the light side of D1 is for this participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ringer {
    /// [`SLEEPER`] where every publication takes the slow path, to run its own fence; else 0.
    always: u32,
}

impl Ringer {
    /// Runs a fence of its own behind every publication.
    pub(crate) const fn fenced() -> Self {
        Self { always: SLEEPER }
    }

    /// Relies on the sleeper's membarrier, or on nobody ever sleeping.
    pub(crate) const fn asymmetric() -> Self {
        Self { always: 0 }
    }

    pub(crate) fn is_fenced(self) -> bool {
        self.always != 0
    }
}

/// An armed bell, or one that is listened to: what it was when its sleeper began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Armed {
    event: u32,
}

impl Armed {
    /// The value of [`Bell::event`] with which to sleep.
    pub(crate) fn event(self) -> u32 {
        self.event
    }
}

impl Bell {
    /// Wakes `sleepers` where anybody may sleep. What they wait for is published.
    #[inline(always)]
    pub(crate) fn ring(&self, ringer: Ringer, sleepers: u32) {
        compiler_fence();
        // Relaxed: behind the barrier, D1.
        if (self.armed.load(Ordering::Relaxed) | ringer.always) & SLEEPER != 0 {
            self.ring_slowly(ringer, sleepers);
        }
    }

    #[cold]
    #[inline(never)]
    fn ring_slowly(&self, ringer: Ringer, sleepers: u32) {
        if ringer.is_fenced() {
            D1_SLEEP.fence("ringer"); // D1
        }
        let armed = self.armed.load(Ordering::Relaxed); // Relaxed: behind the barrier, D1.
        if armed & SLEEPER != 0 {
            self.wake(armed, sleepers);
        }
    }

    /// Wakes everybody, whether anybody seems to sleep or not: for what happens rarely, and after a death, which may
    /// have come between a publication and its ring.
    #[cold]
    pub(crate) fn ring_out(&self) {
        D1_SLEEP.fence("ring_out"); // D1
        let armed = self.armed.load(Ordering::Relaxed); // Relaxed: behind the barrier, D1.
        // Zero: nobody ever slept here, as at every ring of busy_poll.
        if armed != 0 {
            self.wake(armed, ALL);
        }
    }

    fn wake(&self, armed: u32, sleepers: u32) {
        self.event.fetch_add(1, D2_EVENT.release()); // D2
        let woken = futex::wake(&self.event, sleepers);
        if woken < sleepers && armed & SLEEPER != 0 {
            // Nobody else sleeps. Relaxed: rule 3, and nothing is published by it.
            let _ =
                self.armed.compare_exchange(armed, armed & !SLEEPER, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Announces a sleeper. The barrier ([`announce`]) and a last look must follow before it sleeps.
    pub(crate) fn arm(&self) -> Armed {
        // Acquire: before the ticket is drawn. With an event of after its arming, a sleeper would not notice that a ringer
        // saw its ticket and disarms it. The heavy barrier comes too late for that.
        let event = self.event.load(D2_EVENT.acquire()); // D2
        // Two steps, each of which ends: a ringer that comes in between sees a bit of before, or none, and this sleeper
        // has yet to look. Relaxed: before the heavy barrier, D1.
        self.armed.fetch_add(TICKET, Ordering::Relaxed);
        self.armed.fetch_or(SLEEPER, Ordering::Relaxed);
        Armed { event }
    }

    /// As [`arm`](Bell::arm), for a sleeper that cannot write to the bell, and so announces nothing: it hears the calls that
    /// others are given, and must look often. A last look must follow before it sleeps.
    ///
    /// It takes calls away from those who armed, unless every call is for all.
    pub(crate) fn listen(&self) -> Armed {
        // Relaxed, and a fence: of read-only memory no other load is promised (`region` I4).
        let event = self.event.load(Ordering::Relaxed);
        D2_EVENT.acquire_behind(); // D2
        Armed { event }
    }

    /// Whether nobody was called since `armed`.
    pub(crate) fn is_silent(&self, armed: Armed) -> bool {
        // Relaxed: a change that is not seen yet is seen by the kernel, which compares the event.
        self.event.load(Ordering::Relaxed) == armed.event
    }

    /// Whether nobody was called since the bell was `armed`, by this sleeper or by others as well: then it need not be
    /// armed anew.
    ///
    /// Whoever disarms has moved the event first; and the arming that it takes back is one that it saw, so the event that
    /// this sleeper read before it armed is an older one (D2).
    pub(crate) fn is_still(&self, armed: Armed) -> bool {
        // Relaxed: as there.
        self.is_silent(armed) && self.armed.load(Ordering::Relaxed) & SLEEPER != 0
    }

    /// The futex.
    pub(crate) fn futex(&self) -> &AtomicU32 {
        &self.event
    }
}

/// Whether a sleeper's announcement reached every ringer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Whoever publishes from now on sees it.
    Everybody,
    /// The kernel refused a membarrier that some ringer may rely on: the sleeper must look often.
    Uncertain,
}

/// The heavy side of D1, between arming and the last look.
pub(crate) fn announce(shared: &Shared) -> Reach {
    announce_all([shared].into_iter())
}

/// The heavy side of D1 for bells of many `rings`: one barrier serves them all.
pub(crate) fn announce_all<'a>(mut rings: impl Iterator<Item = &'a Shared>) -> Reach {
    D1_SLEEP.fence("sleeper"); // D1
    // Relaxed: behind the fence. Whoever marks the region later rings out behind a fence of its own, and so either
    // sees the bell armed or changes the event that this sleeper started from.
    let fenced = rings.all(|it| it.status.asymmetric.load(Ordering::Relaxed) == 0);
    if fenced || futex::fence_everywhere() { Reach::Everybody } else { Reach::Uncertain }
}

/// Wakes another sleeper of `bell`, of the ring of `shared`, if what it waits for is `available`: whoever leaves a bell at
/// which others can sleep may have been called in their stead.
///
/// Behind a barrier: the call that the leaver may have had orders nothing.
pub(crate) fn ring_on(shared: &Shared, bell: &Bell, available: impl FnOnce() -> bool) {
    D1_SLEEP.fence("leaver"); // D1
    // Relaxed: behind the fence. The bit sticks (rule 4); whoever arms later looks later than the leaver does.
    if bell.armed.load(Ordering::Relaxed) & SLEEPER != 0 {
        announce(shared);
        if available() {
            bell.ring(Ringer::fenced(), 1);
        }
    }
}

/// Wakes everybody who sleeps at the ring: its state changed.
pub(crate) fn ring_out(shared: &Shared) {
    shared.not_empty.ring_out();
    shared.not_full.ring_out();
}
