//! The protocol of many producers: a bounded queue of stamped slots, in which every claim has an owner on record.
//!
//! ```text
//! slot of p      FREE(p) ── filled ──▶ FULL(p) ── released ──▶ FREE(p + capacity)
//!                   │                     │ ▲                        ▲
//!                   │ writer died         │ │ given back,            │
//!                   ▼                     ▼ │ reader died            │
//!                VOID(p) ─── skipped ──▶ ORPHAN(p) ── released ──────┘
//!
//! push   slot of tail FREE?    help, claim (E3, E4)    payload   stamp FULL    ─E1→
//! pop    slot of head FULL?    help, claim (E3, E4)    payload   stamp FREE(p + capacity)   ─E2→
//! ```
//!
//! Rules:
//! 1. The stamp is the only commit: an item is in the ring from the store of FULL(p) on, and gone from the store of
//!    FREE(p + capacity) on. In between it belongs to whoever has claimed p to read it.
//! 2. A stamp is only stored by whoever has claimed its position; for a dead owner by the holder of its lock byte
//!    ([`super::repair`]).
//! 3. `Full` and `Empty` are said only where they were true at one moment of the call: nobody could have pushed, or
//!    popped. Where a position is claimed and not finished, while others beyond it may be, that is `Held`; a slot whose
//!    item was given back waits for a reader like any other, so that is `Full`.
//! 4. Nobody writes after a close: the write side's cursor has no next owner any more.
//!
//! Edges (each with a loom model that fails when either end is weakened):
//! - **E1 publish**: stamp Release → stamp Acquire. The payload is visible to whoever sees FULL, or ORPHAN.
//! - **E2 release**: stamp FREE Release → stamp Acquire. The reader's copy is finished before the slot is written again.
//!
//! While only one producer was ever attached at a time (`many`), a slot that is FREE at head belongs to nobody whose push
//! has returned; so a consumer that polls does not touch the write side's cursor, and a hand-off moves one line. The same
//! holds for a producer that polls a full ring, while there was one consumer at a time and it released in order.
//!
//! The stamped slots are Vyukov's (bounded MPMC queue, 1024cores.net), the bookkeeping of claims is in
//! [`super::claims`]; the other half of the protocol, what a reader does, is in [`super::reader`].

use crossbeam_utils::Backoff;

use super::claims::{E3_CURSOR, Recorded, View, advance, after, before, help, help_before, owner_of};
use crate::doorbell::{ALL, Ringer, ring_out};
use crate::element::{Element, Payload};
use crate::error::{Corruption, Word};
use crate::halt::End;
use crate::layout::words::{CLOSING, MANY_READERS};
use crate::position::{Claim, Owner, Stamp, State, claim_distance};
use crate::sync::{Edge, Ordering};

pub(crate) const E1_PUBLISH: Edge = Edge::named("mpmc E1 publish");
pub(crate) const E2_RELEASE: Edge = Edge::named("mpmc E2 release");

/// How often a call starts over because others were faster. No queue of correct peers comes near it.
pub(super) const ATTEMPTS: u32 = 1 << 12;

/// A position that keeps others waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) position: u64,
    /// Who has claimed it; nobody for an item that was given back and waits for a reader.
    pub(crate) owner: Owner,
}

/// Why the write side cannot go on now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// No position can be claimed; an item that was given back may be the oldest one.
    Full(Option<Hold>),
    /// The slot's last owner has not finished with it, though later ones may have with theirs.
    Held(Hold),
    Ended(End),
    Corrupted(Corruption),
}

impl From<Corruption> for Blocked {
    fn from(corruption: Corruption) -> Self {
        Self::Corrupted(corruption)
    }
}

/// The write side's private state.
#[derive(Debug)]
pub(crate) struct Writer {
    me: Owner,
    ringer: Ringer,
    /// Grows with every claim that somebody else was faster with, until one succeeds at once: two producers that push all
    /// the time then take turns in runs, instead of taking the cursor away from each other with every item.
    backoff: Backoff,
}

impl Writer {
    pub(crate) fn new(me: Owner, ringer: Ringer) -> Self {
        Self { me, ringer, backoff: Backoff::new() }
    }

    /// Pushes one item and says where.
    #[inline]
    pub(crate) fn push<T: Element>(&mut self, view: &View<T>, value: &T) -> Result<u64, Blocked> {
        let (position, _) = self.claim(view, 1)?;
        view.slots.slot(position).write(value);
        self.commit(view, position);
        view.words.not_empty.ring(self.ringer, 1);
        Ok(position)
    }

    /// Pushes as many of `values` as there is room for, at least one; says where the first one went.
    #[inline]
    pub(crate) fn push_slice<T: Element>(
        &mut self,
        view: &View<T>,
        values: &[T],
    ) -> Result<(u64, usize), Blocked> {
        let (first, count) = self.claim(view, values.len() as u64)?;
        let values = &values[..count as usize];
        let mut position = first;
        for value in values {
            view.slots.slot(position).write(value);
            self.commit(view, position);
            position = after(position, 1);
        }
        view.words.not_empty.ring(self.ringer, sleepers(count));
        Ok((first, values.len()))
    }

    /// Publishes the item of `position`, which is claimed and filled. The ring must follow.
    #[inline]
    pub(crate) fn commit<P: Payload + ?Sized>(&self, view: &View<P>, position: u64) {
        view.slots.slot(position).stamp().store(full(position), E1_PUBLISH.release()); // E1
    }

    /// Wakes a reader for each of `count` items.
    #[inline]
    pub(crate) fn ring<P: ?Sized>(&self, view: &View<P>, count: u32) {
        view.words.not_empty.ring(self.ringer, count);
    }

    /// Claims up to `wanted` positions, at least one: the first of them, and how many.
    #[inline]
    pub(crate) fn claim<P: Payload + ?Sized>(
        &mut self,
        view: &View<P>,
        wanted: u64,
    ) -> Result<(u64, u64), Blocked> {
        // Relaxed: a removal by somebody else takes effect some time; a close is in the cursor.
        let flags = view.words.status.flags.load(Ordering::Relaxed);
        if flags != 0 {
            return Err(Blocked::Ended(End::of_writes(flags)));
        }
        let capacity = view.slots.capacity();
        for attempt in 0..ATTEMPTS {
            let seen = Claim::from_bits(view.words.tail.load(E3_CURSOR.acquire())); // E3
            let tail = seen.position();
            let stamp = view.slots.slot(tail).stamp().load(E2_RELEASE.acquire()); // E2
            if stamp != free(tail) {
                match self.blocked(view, seen, Stamp::from_bits(stamp))? {
                    None => {
                        self.backoff.spin();
                        continue;
                    }
                    Some(blocked) => return Err(blocked),
                }
            }
            if seen.owner() == Owner::CLOSED {
                return Err(Blocked::Ended(End::Closed));
            }
            let count = if wanted == 1 { 1 } else { vacant(view, tail, wanted) };
            let recorded =
                help_before(self.me, &view.words.tail, &view.writers, capacity, seen)? == Recorded::All;
            if recorded && advance(&view.words.tail, &view.writers, seen, count, self.me) {
                if attempt == 0 {
                    self.backoff.reset();
                }
                return Ok((tail, count));
            }
            self.backoff.spin();
        }
        let tail = Claim::from_bits(view.words.tail.load(E3_CURSOR.acquire())); // E3
        Err(Blocked::Held(Hold { position: before(tail.position(), 1), owner: tail.owner() }))
    }

    /// Whether a position could be claimed.
    pub(crate) fn look<P: Payload + ?Sized>(&self, view: &View<P>) -> Result<(), Blocked> {
        // Relaxed: as in `claim`.
        let flags = view.words.status.flags.load(Ordering::Relaxed);
        if flags != 0 {
            return Err(Blocked::Ended(End::of_writes(flags)));
        }
        for _ in 0..ATTEMPTS {
            let seen = Claim::from_bits(view.words.tail.load(E3_CURSOR.acquire())); // E3
            let stamp = view.slots.slot(seen.position()).stamp().load(E2_RELEASE.acquire()); // E2
            if stamp == free(seen.position()) {
                return if seen.owner() == Owner::CLOSED { Err(Blocked::Ended(End::Closed)) } else { Ok(()) };
            }
            if let Some(blocked) = self.blocked_closely(view, seen, Stamp::from_bits(stamp))? {
                return Err(blocked);
            }
        }
        Ok(())
    }

    /// What it means that the slot of the cursor word `seen` has `stamp`; `None` where the word is stale.
    #[cold]
    fn blocked<P: Payload + ?Sized>(
        &self,
        view: &View<P>,
        seen: Claim,
        stamp: Stamp,
    ) -> Result<Option<Blocked>, Corruption> {
        let capacity = view.slots.capacity();
        let is_behind = stamp.position() == before(seen.position(), capacity);
        // Relaxed: `many` was set before anybody who makes a difference claimed anything (`participant`).
        let many_readers = view.words.status.many.load(Ordering::Relaxed) & MANY_READERS != 0;
        if is_behind && stamp.state() == State::Full && !many_readers && seen.owner() != Owner::CLOSED {
            return Ok(Some(Blocked::Full(None)));
        }
        self.blocked_closely(view, seen, stamp)
    }

    /// As [`blocked`](Writer::blocked), with a look at the other side.
    fn blocked_closely<P: Payload + ?Sized>(
        &self,
        view: &View<P>,
        seen: Claim,
        stamp: Stamp,
    ) -> Result<Option<Blocked>, Corruption> {
        let capacity = view.slots.capacity();
        let last = before(seen.position(), capacity);
        let distance = claim_distance(stamp.position(), seen.position());
        let hold = if distance == -capacity.cast_signed() { holder(view, last, stamp) } else { None };
        // Both once more: if they are the same, what was found of the slot is true of the cursor.
        let still = view.slots.slot(seen.position()).stamp().load(E2_RELEASE.acquire()); // E2
        let now = Claim::from_bits(view.words.tail.load(E3_CURSOR.acquire())); // E3
        if now != seen || still != stamp.to_bits() {
            return Ok(None);
        }
        if seen.owner() == Owner::CLOSED {
            return Ok(Some(Blocked::Ended(End::Closed)));
        }
        if distance != -capacity.cast_signed() {
            return Err(Corruption { what: Word::Stamp, found: stamp.to_bits() });
        }
        Ok(Some(match hold {
            Some(hold) if hold.owner != Owner::NOBODY => Blocked::Held(hold),
            hold => Blocked::Full(hold),
        }))
    }

    /// Whether another push would find a free slot, as far as one look tells: for whoever rings on.
    pub(crate) fn finds_room<P: Payload + ?Sized>(view: &View<P>) -> bool {
        // Relaxed throughout: whoever is woken looks again.
        let tail = Claim::from_bits(view.words.tail.load(Ordering::Relaxed)).position();
        view.slots.slot(tail).stamp().load(Ordering::Relaxed) == free(tail)
    }
}

/// Ends the ring: no position is claimed any more.
///
/// Whoever finds the ring closing and not closed does the rest, so a closer that dies half-way has closed it.
pub(crate) fn close<P: Payload + ?Sized>(view: &View<P>) -> Result<(), Corruption> {
    // Relaxed: keeps new pushes away, so that the cursor comes to rest; what counts is the cursor.
    view.words.status.flags.fetch_or(CLOSING, Ordering::Relaxed);
    finish_close(view)?;
    ring_out(&view.words);
    Ok(())
}

/// Closes a ring that is closing.
pub(super) fn finish_close<P: Payload + ?Sized>(view: &View<P>) -> Result<(), Corruption> {
    let backoff = Backoff::new();
    for _ in 0..ATTEMPTS {
        let seen = Claim::from_bits(view.words.tail.load(E3_CURSOR.acquire())); // E3
        if seen.owner() == Owner::CLOSED {
            return Ok(());
        }
        // The last claim's owner stands in the cursor only: it is recorded first.
        if help(&view.words.tail, &view.writers, view.slots.capacity(), seen)? == Recorded::Stale {
            continue;
        }
        if advance(&view.words.tail, &view.writers, seen, 0, Owner::CLOSED) {
            return Ok(());
        }
        backoff.spin();
    }
    Ok(())
}

/// How many sleepers `count` items, or slots, concern.
#[inline]
pub(super) fn sleepers(count: u64) -> u32 {
    count.min(ALL.into()) as u32
}

/// The stamp of a slot that waits for the item of `position`.
#[inline]
pub(super) fn free(position: u64) -> u64 {
    Stamp::new(position, State::Free).to_bits()
}

/// The stamp of a slot that holds the item of `position`, which nobody has had.
#[inline]
pub(super) fn full(position: u64) -> u64 {
    Stamp::new(position, State::Full).to_bits()
}

/// How many slots from that of `tail` on are free, of `wanted` at most; that of `tail` is.
fn vacant<P: Payload + ?Sized>(view: &View<P>, tail: u64, wanted: u64) -> u64 {
    let is_free = |step: &u64| {
        let position = after(tail, *step);
        view.slots.slot(position).stamp().load(E2_RELEASE.acquire()) == free(position) // E2
    };
    1 + (1..wanted.min(view.slots.capacity())).take_while(is_free).count() as u64
}

/// Who keeps the slot of `position`, which has `stamp`, from being written again; `None` where it waits for a reader, and
/// nobody if it was given back.
fn holder<P: Payload + ?Sized>(view: &View<P>, position: u64, stamp: Stamp) -> Option<Hold> {
    let words = &view.words;
    let owner = match stamp.state() {
        // Claimed a lap ago, and not filled yet.
        State::Free => owner_of(&words.tail, &view.writers, position),
        State::Full | State::Void | State::Orphan => owner_of(&words.head, &view.readers, position),
    };
    owner.map(|owner| Hold { position, owner })
}

/// Who keeps writers from going on: whoever has not finished with the slot of the cursor.
pub(super) fn blocking_writers<P: Payload + ?Sized>(view: &View<P>) -> Option<Hold> {
    let tail = Claim::from_bits(view.words.tail.load(E3_CURSOR.acquire())).position(); // E3
    let last = before(tail, view.slots.capacity());
    let stamp = Stamp::from_bits(view.slots.slot(tail).stamp().load(E2_RELEASE.acquire())); // E2
    if stamp.position() == last { holder(view, last, stamp) } else { None }
}
