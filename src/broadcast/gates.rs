//! The gates: how a subscriber that must not miss anything holds the publisher up.
//!
//! ```text
//! publisher, once a lap at least                subscriber, when it joins
//!   tail is stored                                cursor = a first guess
//!   fence                             ─E5→        standing = JOINING          ─E6→
//!   standing, cursor of each gate                 fence
//!   limit = min(cursors …, tail) + capacity       joined = tail               the guarantee starts here
//!                                                 cursor, joined; standing = ACTIVE
//! ```
//!
//! Rules:
//! 1. The publisher looks at the gates behind a fence when it begins, and then before it passes the tail of its last such
//!    look by more than a capacity. Of the two fences of a look and of a join, one comes first: either the look sees the
//!    gate, or the join sees the tail of the look, and what is overwritten until the next one lies before that tail. So no
//!    item from `joined` on is overwritten before the gate has released it.
//! 2. A gate may lie further than a capacity behind tail while it joins, or where its owner asked for old items: then the
//!    publisher waits for it. What lies before `joined` is there by luck only.
//! 3. A gate is written by the holder of its entry's lock byte, with one exception: the publisher may demote one that holds
//!    it up, by exchange. Every join and every takeover has a new generation, so an exchange that comes late demotes nobody
//!    else; and whoever joins, or takes over, becomes active by exchange, so a gate that was demoted before that stays so.
//! 4. A gate whose owner died stays as it was until somebody takes its byte: the publisher, which frees it, or a successor,
//!    which goes on from its cursor if the gate has a name and its owner had joined; otherwise joins anew. What lies between
//!    the cursor and the position at which the owner had joined is there by luck for a successor, too.
//!
//! Edges (each with a loom model that fails when either end is weakened):
//! - **E2 release**: cursor Release → cursor, fence. A gated reader's copy is finished before the slot is overwritten.
//! - **E5 join**: publisher: store of `tail`, fence, load of the gates; subscriber: store of the gate, fence, load of `tail`.
//! - **E6 standing**: standing Release → standing, fence. Whoever sees a gate held sees a cursor of its own; whoever sees
//!   it free finds the copies of its last owner finished.
//! - **E7 demotion**: standing, fence, stamp → stamp, fence, standing. A reader that finds an item overwritten that its
//!   gate should have kept sees that it was demoted.

use super::algorithm::{Absent, View, first};
use super::start::Start;
use crate::doorbell::{ALL, Ringer};
use crate::element::Payload;
use crate::error::{Corruption, Word};
use crate::layout::words::Gate;
use crate::position::{distance, full};
use crate::sync::{Edge, FencedEdge, Ordering};

pub(crate) const E2_RELEASE: Edge = Edge::named("broadcast E2 release");
pub(crate) const E5_JOIN: FencedEdge = FencedEdge::named("broadcast E5 join");
pub(crate) const E6_STANDING: Edge = Edge::named("broadcast E6 standing");
pub(crate) const E7_DEMOTION: Edge = Edge::named("broadcast E7 demotion");

/// What [`Gate::standing`] says: `generation << 2 | state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing(u64);

/// Whether a gate holds the publisher up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// Nobody's: it does not.
    Free,
    /// It does; its owner does not know yet from where on.
    Joining,
    /// It does.
    Active,
    /// It did, until the publisher lost patience.
    Demoted,
}

impl Standing {
    const fn new(generation: u64, state: State) -> Self {
        Self(generation << 2 | state as u64)
    }

    pub(crate) const fn state(self) -> State {
        match self.0 & 3 {
            0 => State::Free,
            1 => State::Joining,
            2 => State::Active,
            _ => State::Demoted,
        }
    }

    const fn with(self, state: State) -> Self {
        Self::new(self.0 >> 2, state)
    }

    pub(crate) const fn holds(self) -> bool {
        matches!(self.state(), State::Joining | State::Active)
    }
}

impl Gate {
    /// How the gate stands.
    #[inline]
    pub(crate) fn stands(&self) -> Standing {
        let standing = self.standing.load(Ordering::Relaxed); // Relaxed: the fence behind it, E6.
        E6_STANDING.acquire_behind(); // E6
        Standing(standing)
    }

    fn set(&self, standing: Standing) {
        self.standing.store(standing.0, E6_STANDING.release()); // E6
    }

    /// Lets a gate that stood as `found` be `active`, unless it was demoted meanwhile (rule 3).
    fn activate(&self, found: Standing, active: Standing) {
        let release = E6_STANDING.release(); // E6
        // Relaxed: whoever was demoted finds that where it misses something, E7.
        let _ = self.standing.compare_exchange(found.0, active.0, release, Ordering::Relaxed);
    }

    /// Frees the gate; by whoever holds its byte.
    pub(super) fn free(&self) {
        self.set(self.stands().with(State::Free));
    }
}

/// A gate that holds the publisher up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// Number of the gate.
    pub(crate) gate: usize,
    pub(crate) standing: Standing,
    pub(crate) cursor: u64,
}

/// How many slots from `tail` on may be written, up to `horizon`.
pub(crate) fn room<P: Payload + ?Sized>(view: &View<P>, tail: u64, horizon: u64) -> u64 {
    let room = lags(view, tail).fold(distance(horizon, tail), |room, (lag, _)| {
        // A cursor ahead of tail holds nobody up.
        room.min(view.slots.capacity().cast_signed().saturating_sub(lag))
    });
    room.max(0).cast_unsigned()
}

/// The gates that lie a capacity or more behind `tail`, each with how far.
pub(crate) fn blocking<P: Payload + ?Sized>(
    view: &View<P>,
    tail: u64,
) -> impl Iterator<Item = (i64, Hold)> + '_ {
    lags(view, tail).filter(|(lag, _)| *lag >= view.slots.capacity().cast_signed())
}

/// How far each gate that holds lies behind `tail`.
fn lags<P: Payload + ?Sized>(view: &View<P>, tail: u64) -> impl Iterator<Item = (i64, Hold)> + '_ {
    view.gates.iter().enumerate().filter_map(move |(gate, words)| {
        let standing = words.stands();
        let cursor = words.cursor.load(Ordering::Relaxed); // Relaxed: the fence behind it, E2.
        E2_RELEASE.acquire_behind(); // E2
        standing.holds().then_some((distance(tail, cursor), Hold { gate, standing, cursor }))
    })
}

/// Demotes the gate of `hold`, unless it has moved or changed hands since; says whether it did. By the publisher.
pub(crate) fn demote<P: Payload + ?Sized>(view: &View<P>, hold: Hold) -> bool {
    let words = &view.gates[hold.gate];
    // Relaxed: a gate that moves now is demoted all the same; it was late.
    if words.cursor.load(Ordering::Relaxed) != hold.cursor {
        return false;
    }
    let demoted = hold.standing.with(State::Demoted);
    // Relaxed: before the fence, E7.
    let result =
        words.standing.compare_exchange(hold.standing.0, demoted.0, Ordering::Relaxed, Ordering::Relaxed);
    E7_DEMOTION.release_ahead(); // E7
    result.is_ok()
}

/// Frees the gate of `hold`, unless it has changed hands since; says whether it did. By whoever holds its byte.
pub(crate) fn free<P: Payload + ?Sized>(view: &View<P>, hold: Hold) -> bool {
    let words = &view.gates[hold.gate];
    let is_same = words.stands() == hold.standing;
    if is_same {
        words.free();
    }
    is_same
}

/// What a subscriber finds at the gate that it takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Legacy {
    /// Nothing: it joins anew.
    Nothing,
    /// A gate that was held on: it goes on at `head`; items below `seen` may have been looked at, and those before `joined`
    /// may be missed.
    Held { head: u64, seen: u64, joined: u64 },
}

/// The private state of a gated reader.
///
/// `seen` and `ahead` may lag behind `head`; they count only where they lie before it.
#[derive(Debug)]
pub(crate) struct GatedReader {
    gate: usize,
    /// How the gate stands while nobody demotes it.
    standing: Standing,
    /// Position of the oldest item that is not released.
    head: u64,
    /// Position of the next item to be read ahead.
    ahead: u64,
    /// Items below this position may have been looked at before.
    seen: u64,
    /// From here on nothing is missed.
    joined: u64,
    ringer: Ringer,
}

/// Whether position `a` lies before position `b`.
#[inline]
fn before(a: u64, b: u64) -> bool {
    distance(a, b) < 0
}

impl GatedReader {
    /// Takes gate number `gate` over, whose byte the caller holds.
    pub(crate) fn join<P: Payload + ?Sized>(
        view: &View<P>,
        gate: usize,
        legacy: Legacy,
        start: Start,
        ringer: Ringer,
    ) -> Self {
        let words = &view.gates[gate];
        if let Legacy::Held { head, seen, joined } = legacy {
            let found = words.stands().with(State::Active);
            let standing = Standing::new((found.0 >> 2).wrapping_add(1), State::Active);
            words.activate(found, standing);
            return Self { gate, standing, head, ahead: head, seen, joined, ringer };
        }
        let guess = first(view, start);
        // Relaxed, both: before the standing, E6.
        words.cursor.store(guess, Ordering::Relaxed);
        words.mark.store(guess, Ordering::Relaxed);
        let generation = (words.stands().0 >> 2).wrapping_add(1);
        let joining = Standing::new(generation, State::Joining);
        words.set(joining);
        E5_JOIN.fence("subscriber"); // E5: the gate is held, `tail` is not read yet.
        let joined = view.words.tail.load(Ordering::Relaxed); // Relaxed: behind the fence.
        let head = if start == Start::Newest { joined } else { guess };
        let joined = if before(joined, head) { head } else { joined };
        words.cursor.store(head, E2_RELEASE.release()); // E2
        // Relaxed, both: for a successor, as in `publish_mark`.
        words.mark.store(head, Ordering::Relaxed);
        words.joined.store(joined, Ordering::Relaxed);
        let standing = joining.with(State::Active);
        words.activate(joining, standing);
        // The publisher may have waited for the guess.
        view.words.not_full.ring_out();
        Self { gate, standing, head, ahead: head, seen: head, joined, ringer }
    }

    /// Number of the gate.
    pub(crate) fn gate(&self) -> usize {
        self.gate
    }

    /// Position of the oldest item that is not released.
    #[inline]
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Position of the next item to be read ahead.
    #[inline]
    pub(crate) fn ahead(&self) -> u64 {
        if before(self.ahead, self.head) { self.head } else { self.ahead }
    }

    /// The position from which on nothing is missed.
    pub(crate) fn joined(&self) -> u64 {
        self.joined
    }

    /// How many items from `position` on may have been looked at before.
    #[inline]
    pub(crate) fn seen_from(&self, position: u64) -> u64 {
        distance(self.seen, position).max(0).cast_unsigned()
    }

    /// Whether the publisher waits no more.
    pub(crate) fn is_demoted<P: Payload + ?Sized>(&self, view: &View<P>) -> bool {
        view.gates[self.gate].stands() != self.standing
    }

    /// Whether the item of `position` was to be lost: it lies before the guarantee, or the gate was demoted.
    #[cold]
    pub(crate) fn may_miss<P: Payload + ?Sized>(&self, view: &View<P>, position: u64) -> Result<(), Absent> {
        E7_DEMOTION.acquire_behind(); // E7
        if before(position, self.joined) || self.is_demoted(view) {
            return Ok(());
        }
        Err(Absent::Corrupted(Corruption { what: Word::Stamp, found: full(position) }))
    }

    /// Releases the `count` oldest items: their slots may be overwritten.
    #[inline]
    pub(crate) fn release<P: Payload + ?Sized>(&mut self, view: &View<P>, count: u64) {
        self.release_to(view, self.head.wrapping_add(count));
    }

    /// Releases the items before `head`.
    #[inline]
    pub(crate) fn release_to<P: Payload + ?Sized>(&mut self, view: &View<P>, head: u64) {
        self.head = head;
        view.gates[self.gate].cursor.store(head, E2_RELEASE.release()); // E2
        view.words.not_full.ring(self.ringer, ALL);
    }

    /// Notes that the items before `end` are handed out unreleased, before they are.
    ///
    /// The oldest item needs no shared note: whoever takes over from a dead reader marks it anyway.
    #[inline]
    pub(crate) fn note<P: Payload + ?Sized>(&mut self, view: &View<P>, end: u64) {
        if before(self.seen, end) {
            self.seen = end;
            if end.wrapping_sub(self.head) > 1 {
                self.publish_mark(view);
            }
        }
    }

    /// Moves on to the next item to be read ahead.
    #[inline]
    pub(crate) fn step_ahead<P: Payload + ?Sized>(&mut self, view: &View<P>) {
        self.ahead = self.ahead().wrapping_add(1);
        self.note(view, self.ahead);
    }

    /// Reads ahead from the oldest unreleased item again.
    pub(crate) fn rewind(&mut self) {
        self.ahead = self.head;
    }

    /// Tells a successor what was looked at.
    pub(crate) fn publish_mark<P: Payload + ?Sized>(&self, view: &View<P>) {
        // Relaxed: read by a successor, whom the kernel's lock orders behind this, and by tools.
        view.gates[self.gate].mark.store(self.seen, Ordering::Relaxed);
    }

    /// Leaves the gate: nobody is held up by it any more.
    pub(crate) fn leave<P: Payload + ?Sized>(&self, view: &View<P>) {
        view.gates[self.gate].free();
    }
}
