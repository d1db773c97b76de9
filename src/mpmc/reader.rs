//! What a reader does: claim, look, release or give back; and where it looks for what others gave back or died with.
//!
//! ```text
//!          settled                head                    tail
//!   ───────────┬────────────────────┬───────────────────────┬──────────
//!    released  │ claimed by readers │ committed, or claimed │ free
//!              │ FULL, VOID, ORPHAN │ by a writer           │
//! ```
//!
//! Rules:
//! 1. An item that was given back is ORPHAN, and its record names nobody. Whoever moves the record from nobody to itself
//!    has it (E5), counts the redelivery in the stamp, and delivers it flagged.
//! 2. `orphan_epoch` grows with everything given back. A reader that finds it changed looks for orphans, oldest first,
//!    before it looks at head; one scan resumes where the last one stopped.
//! 3. The epoch only makes this fast: whoever gives back may die before it counts. So a reader that finds nothing at head
//!    looks below head, at so many slots that are not yet FREE(p + capacity), going round from call to call. It takes an
//!    orphan whatever the epoch says. While anything there is somebody else's, it asks now and then which readers live: a
//!    dead one's repair gives its items back, and counts.
//! 4. `Closed` is said only where head is at the close and every slot of the last lap is released, or this reader's own;
//!    else `Held`.
//!
//! Edges:
//! - **E5 hand-over**: record (p, nobody) Release → record Acquire. Whoever takes an orphan sees its stamp as it was given.
//! - **E6 epoch**: epoch Release → epoch Acquire. A scan that a new epoch causes finds what was given back.

use crossbeam_utils::Backoff;

use super::algorithm::{ATTEMPTS, E1_PUBLISH, E2_RELEASE, Hold, finish_close, free, full, sleepers};
use super::claims::{E3_CURSOR, Recorded, View, advance, after, before, help_before, owner_of};
use crate::doorbell::Ringer;
use crate::element::{Element, Payload};
use crate::error::{Corruption, Word};
use crate::halt::End;
use crate::layout::words::{CLOSING, MANY_WRITERS, RETIRED};
use crate::position::{Claim, Owner, Stamp, State, claim_distance};
use crate::sync::{Edge, Ordering};

pub(crate) const E5_HAND_OVER: Edge = Edge::named("mpmc E5 hand-over");
pub(crate) const E6_EPOCH: Edge = Edge::named("mpmc E6 epoch");

/// Slots below head that a call looks at which finds nothing at head: what a ring of a few readers has at work, and no
/// more than that of a large one.
const LOOKS: u64 = 128;

/// Items that a reader has claimed: they follow each other, and are all redelivered or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) first: u64,
    pub(crate) count: u64,
    /// Whether they were given back, by whoever had them.
    pub(crate) redelivered: bool,
}

/// Why there is no item for the read side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// Nothing is committed and not claimed. What another reader has claimed and not released may come back.
    Empty(Option<Hold>),
    /// The oldest position is claimed by a writer that has not filled it; or the ring is closed, and another reader has
    /// not released one of its last items.
    Held(Hold),
    Ended(End),
    Corrupted(Corruption),
}

impl From<Corruption> for Absent {
    fn from(corruption: Corruption) -> Self {
        Self::Corrupted(corruption)
    }
}

/// What a pop in passing found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Popped<T> {
    /// The item at head, and where it was; released.
    Item(T, u64),
    /// No item is committed, and the ring works.
    Nothing,
    /// Anything else; nothing was done.
    Rare,
}

/// Where a scan for orphans goes on.
#[derive(Clone, Copy, Debug)]
struct Scan {
    epoch: u64,
    next: u64,
}

/// The read side's private state.
#[derive(Debug)]
pub(crate) struct Reader {
    me: Owner,
    ringer: Ringer,
    /// The epoch at which no orphan was left.
    epoch: u64,
    scan: Scan,
    /// Everything before this position is released.
    settled: u64,
    /// Where the next look below head begins.
    look: u64,
    /// Whether everything below head was released when this reader last looked.
    has_settled: bool,
    /// As the writer's.
    backoff: Backoff,
}

impl Reader {
    pub(crate) fn new<P: Payload + ?Sized>(view: &View<P>, me: Owner, ringer: Ringer) -> Self {
        let head = Claim::from_bits(view.words.head.load(E3_CURSOR.acquire())).position(); // E3
        // Relaxed: unequal to the ring's, so that the first call scans.
        let epoch = view.words.status.orphan_epoch.load(Ordering::Relaxed).wrapping_sub(1);
        let settled = before(head, view.slots.capacity());
        Self {
            me,
            ringer,
            epoch,
            scan: Scan { epoch, next: settled },
            settled,
            look: settled,
            has_settled: false,
            backoff: Backoff::new(),
        }
    }

    /// The epoch up to which this reader has taken what was given back.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether everything below head was released when this reader last looked.
    pub(crate) fn has_settled(&self) -> bool {
        self.has_settled
    }

    /// The last position that any reader has claimed.
    pub(crate) fn before_head<P: Payload + ?Sized>(&self, view: &View<P>) -> u64 {
        // Relaxed: a moment of a moving ring; nothing is read because of it.
        before(Claim::from_bits(view.words.head.load(Ordering::Relaxed)).position(), 1)
    }

    /// The commonest cases: takes the item at head and releases it, or says at once that there is none.
    #[inline]
    pub(crate) fn pop<T: Element>(&mut self, view: &View<T>) -> Popped<T> {
        let status = &view.words.status;
        // Relaxed: a change makes this a rare case, whose handling acquires.
        if status.orphan_epoch.load(Ordering::Relaxed) != self.epoch {
            return Popped::Rare;
        }
        let seen = Claim::from_bits(view.words.head.load(E3_CURSOR.acquire())); // E3
        let head = seen.position();
        let slot = view.slots.slot(head);
        let stamp = slot.stamp().load(E1_PUBLISH.acquire()); // E1
        if stamp == full(head) {
            slot.expect_write(); // The release is next: the line comes while the claim is made.
            let recorded = help_before(self.me, &view.words.head, &view.readers, view.slots.capacity(), seen);
            if recorded == Ok(Recorded::All) && advance(&view.words.head, &view.readers, seen, 1, self.me) {
                let value = slot.read();
                self.release(view, head, 1);
                self.backoff.reset();
                return Popped::Item(value, head);
            }
            self.backoff.spin();
            return Popped::Rare;
        }
        // Relaxed: as above. With one producer at a time, nobody's push has returned while this slot is free.
        let one_writer = status.many.load(Ordering::Relaxed) & MANY_WRITERS == 0;
        let works = status.flags.load(Ordering::Relaxed) == 0;
        if stamp == free(head) && one_writer && works && self.settled == head {
            Popped::Nothing
        } else {
            Popped::Rare
        }
    }

    /// Claims up to `wanted` of the oldest items, at least one; 0: looks whether there is one.
    #[inline]
    pub(crate) fn claim<P: Payload + ?Sized>(
        &mut self,
        view: &View<P>,
        wanted: u64,
    ) -> Result<Taken, Absent> {
        let capacity = view.slots.capacity();
        for _ in 0..ATTEMPTS {
            // Relaxed: the scan acquires.
            if view.words.status.orphan_epoch.load(Ordering::Relaxed) != self.epoch
                && let Some(orphan) = self.scan(view, wanted)?
            {
                return Ok(orphan);
            }
            let seen = Claim::from_bits(view.words.head.load(E3_CURSOR.acquire())); // E3
            let head = seen.position();
            let stamp = Stamp::from_bits(view.slots.slot(head).stamp().load(E1_PUBLISH.acquire())); // E1
            let distance = claim_distance(stamp.position(), head);
            match (distance, stamp.state()) {
                (0, State::Full) if wanted == 0 => {
                    return Ok(Taken { first: head, count: 0, redelivered: false });
                }
                (0, State::Full | State::Void) => {
                    if help_before(self.me, &view.words.head, &view.readers, capacity, seen)?
                        == Recorded::Stale
                    {
                        continue;
                    }
                    let count = if stamp.state() == State::Void { 1 } else { run(view, head, wanted) };
                    if !advance(&view.words.head, &view.readers, seen, count, self.me) {
                        self.backoff.spin();
                    } else if stamp.state() == State::Void {
                        self.release(view, head, 1);
                    } else {
                        return Ok(Taken { first: head, count, redelivered: false });
                    }
                }
                (distance, state)
                    if (distance, state) == (0, State::Free) || distance == -capacity.cast_signed() =>
                {
                    if let Some(found) = self.nothing_at(view, seen, stamp, wanted)? {
                        return found;
                    }
                }
                _ => {
                    // Ahead: the word is stale, or else the stamp is nobody's.
                    if view.words.head.load(E3_CURSOR.acquire()) == seen.to_bits() {
                        return Err(Corruption { what: Word::Stamp, found: stamp.to_bits() }.into());
                    }
                    self.backoff.spin();
                }
            }
        }
        let head = Claim::from_bits(view.words.head.load(E3_CURSOR.acquire())); // E3
        Err(Absent::Held(Hold { position: before(head.position(), 1), owner: head.owner() }))
    }

    /// What it means that there is no item at the cursor word `seen`, whose slot has `stamp`; `None`: look again.
    #[cold]
    fn nothing_at<P: Payload + ?Sized>(
        &mut self,
        view: &View<P>,
        seen: Claim,
        stamp: Stamp,
        wanted: u64,
    ) -> Result<Option<Result<Taken, Absent>>, Corruption> {
        let (words, head) = (&view.words, seen.position());
        // Relaxed: whatever it says is done, or said, in any case later.
        let flags = words.status.flags.load(Ordering::Relaxed);
        let looks = if flags & CLOSING == 0 { LOOKS } else { u64::MAX };
        if flags & CLOSING != 0 {
            finish_close(view)?;
        }
        let below = match self.look_below(view, head, wanted, looks)? {
            Below::Orphan(orphan) => return Ok(Some(Ok(orphan))),
            Below::Held(hold) => Some(hold),
            Below::Settled => None,
        };
        // Behind the look: what is said of the ring is true now.
        let tail = Claim::from_bits(words.tail.load(E3_CURSOR.acquire())); // E3
        let lead = claim_distance(tail.position(), head);
        if words.status.orphan_epoch.load(E6_EPOCH.acquire()) != self.epoch {
            return Ok(None); // E6: somebody gave an item back meanwhile.
        }
        if lead == 0 {
            // Head never passes tail: it was where it is when tail was looked at.
            return Ok(Some(Err(match below {
                Some(hold) if tail.owner() == Owner::CLOSED => Absent::Held(hold),
                None if tail.owner() == Owner::CLOSED => Absent::Ended(End::Closed),
                _ if flags & RETIRED != 0 => Absent::Ended(End::Retired),
                hold => Absent::Empty(hold),
            })));
        }
        let is_unchanged = || {
            words.head.load(E3_CURSOR.acquire()) == seen.to_bits() // E3
                && view.slots.slot(head).stamp().load(E1_PUBLISH.acquire()) == stamp.to_bits() // E1
        };
        if !is_unchanged() {
            return Ok(None);
        }
        if lead < 0 || lead > view.slots.capacity().cast_signed() {
            return Err(Corruption { what: Word::Tail, found: tail.to_bits() });
        }
        match owner_of(&words.tail, &view.writers, head) {
            Some(owner) => Ok(Some(Err(Absent::Held(Hold { position: head, owner })))),
            // E4: whoever sees the slot claimed a lap later sees that it was released before.
            None if is_unchanged() => {
                let found = view.writers.at(head).load(Ordering::Relaxed); // Relaxed: for people.
                Err(Corruption { what: Word::Claim, found })
            }
            None => Ok(None),
        }
    }

    /// Takes the oldest orphan, if a scan that goes on where the last one stopped finds one.
    #[cold]
    fn scan<P: Payload + ?Sized>(
        &mut self,
        view: &View<P>,
        wanted: u64,
    ) -> Result<Option<Taken>, Corruption> {
        let epoch = view.words.status.orphan_epoch.load(E6_EPOCH.acquire()); // E6
        let head = Claim::from_bits(view.words.head.load(E3_CURSOR.acquire())).position(); // E3
        self.bound_settled(view, head);
        if self.scan.epoch != epoch || claim_distance(self.scan.next, self.settled) < 0 {
            self.scan = Scan { epoch, next: self.settled };
        }
        while claim_distance(head, self.scan.next) > 0 {
            let position = self.scan.next;
            let stamp = Stamp::from_bits(view.slots.slot(position).stamp().load(E1_PUBLISH.acquire())); // E1
            if stamp.position() == position
                && let Some(orphan) = self.adopt(view, position, stamp, wanted)
            {
                return Ok(Some(orphan));
            }
            self.scan.next = after(position, 1);
        }
        self.epoch = epoch;
        Ok(None)
    }

    /// Looks at slots below `head` that were not released when this reader last looked, `looks` of them at most, and goes
    /// on where it stopped the last time (rule 3).
    fn look_below<P: Payload + ?Sized>(
        &mut self,
        view: &View<P>,
        head: u64,
        wanted: u64,
        looks: u64,
    ) -> Result<Below, Corruption> {
        self.bound_settled(view, head);
        let capacity = view.slots.capacity().cast_signed();
        let unsettled = claim_distance(head, self.settled).cast_unsigned();
        let mut held = None;
        for _ in 0..looks.min(unsettled) {
            let lead = claim_distance(head, self.look);
            if lead <= 0 || lead > claim_distance(head, self.settled) {
                self.look = self.settled;
            }
            let position = self.look;
            let stamp = Stamp::from_bits(view.slots.slot(position).stamp().load(E1_PUBLISH.acquire())); // E1
            let distance = claim_distance(stamp.position(), position);
            if distance >= capacity {
                if position == self.settled {
                    self.settled = after(position, 1);
                }
            } else if distance != 0 {
                return Err(Corruption { what: Word::Stamp, found: stamp.to_bits() });
            } else if let Some(orphan) = self.adopt(view, position, stamp, wanted) {
                return Ok(Below::Orphan(orphan));
            } else if held.is_none() {
                let owner = owner_of(&view.words.head, &view.readers, position);
                held = owner.filter(|it| *it != self.me).map(|owner| Hold { position, owner });
            }
            self.look = after(position, 1);
        }
        self.has_settled = self.settled == head;
        Ok(held.map_or(Below::Settled, Below::Held))
    }

    /// Nothing further than a lap below head is unsettled, and nothing from head on is settled.
    fn bound_settled<P: Payload + ?Sized>(&mut self, view: &View<P>, head: u64) {
        let capacity = view.slots.capacity();
        if !(0..=capacity.cast_signed()).contains(&claim_distance(head, self.settled)) {
            self.settled = before(head, capacity);
        }
    }

    /// Takes the item of `position`, if it was given back: its slot has `stamp`. If none is `wanted`, only looks.
    fn adopt<P: Payload + ?Sized>(
        &self,
        view: &View<P>,
        position: u64,
        stamp: Stamp,
        wanted: u64,
    ) -> Option<Taken> {
        let given = Claim::new(position, Owner::NOBODY).to_bits();
        let record = view.readers.at(position);
        // Relaxed: the exchange acquires.
        if stamp.state() != State::Orphan || record.load(Ordering::Relaxed) != given {
            return None;
        }
        if wanted == 0 {
            return Some(Taken { first: position, count: 0, redelivered: true });
        }
        let mine = Claim::new(position, self.me).to_bits();
        if record.compare_exchange(given, mine, E5_HAND_OVER.acquire(), Ordering::Relaxed).is_err() {
            return None; // E5; somebody else was faster
        }
        let slot = view.slots.slot(position);
        // Relaxed: E5. The stamp is this reader's now.
        let stamp = Stamp::from_bits(slot.stamp().load(Ordering::Relaxed));
        slot.stamp().store(stamp.redelivered().to_bits(), E1_PUBLISH.release()); // E1
        Some(Taken { first: position, count: 1, redelivered: true })
    }

    /// Releases `count` items from `first` on, which this reader has claimed: their slots may be written again.
    #[inline]
    pub(crate) fn release<P: Payload + ?Sized>(&mut self, view: &View<P>, first: u64, count: u64) {
        let mut position = first;
        for _ in 0..count {
            let next_lap = free(position.wrapping_add(view.slots.capacity()));
            view.slots.slot(position).stamp().store(next_lap, E2_RELEASE.release()); // E2
            if self.settled == position {
                self.settled = after(position, 1);
            }
            position = after(position, 1);
        }
        view.words.not_full.ring(self.ringer, sleepers(count));
    }

    /// Gives `count` items from `first` on back, which this reader has claimed: others get them, flagged.
    #[cold]
    pub(crate) fn give_back<P: Payload + ?Sized>(&self, view: &View<P>, first: u64, count: u64) {
        for step in 0..count {
            orphan(view, after(first, step), self.me);
        }
        count_orphans(view);
        view.words.not_empty.ring(self.ringer, sleepers(count));
    }

    /// How often the item of `position`, which this reader has claimed, was delivered before.
    pub(crate) fn redeliveries<P: Payload + ?Sized>(view: &View<P>, position: u64) -> u32 {
        // Relaxed: it is this reader's own, E5.
        Stamp::from_bits(view.slots.slot(position).stamp().load(Ordering::Relaxed)).redeliveries()
    }

    /// Whether another claim would find an item, as far as one look tells: for whoever rings on.
    pub(crate) fn finds_item<P: Payload + ?Sized>(view: &View<P>, epoch: u64) -> bool {
        // Relaxed throughout: whoever is woken looks again.
        let words = &view.words;
        let head = Claim::from_bits(words.head.load(Ordering::Relaxed)).position();
        let stamp = Stamp::from_bits(view.slots.slot(head).stamp().load(Ordering::Relaxed));
        let committed = stamp.position() == head && matches!(stamp.state(), State::Full | State::Void);
        committed || words.status.orphan_epoch.load(Ordering::Relaxed) != epoch
    }
}

/// What was found below head.
enum Below {
    /// What was looked at is released, or this reader's own.
    Settled,
    /// An item that was given back; this reader has taken it.
    Orphan(Taken),
    /// An item of another reader, the first that was met.
    Held(Hold),
}

/// How many items follow each other from `head` on, of `wanted` at most; there is one at `head`.
fn run<P: Payload + ?Sized>(view: &View<P>, head: u64, wanted: u64) -> u64 {
    let is_full = |step: &u64| {
        let position = after(head, *step);
        view.slots.slot(position).stamp().load(E1_PUBLISH.acquire()) == full(position) // E1
    };
    1 + (1..wanted.min(view.slots.capacity())).take_while(is_full).count() as u64
}

/// Makes the item of `position` an orphan, which `owner` has claimed; the caller counts it.
///
/// The stamp first: a record of nobody always stands beside an orphan.
pub(super) fn orphan<P: Payload + ?Sized>(view: &View<P>, position: u64, owner: Owner) {
    let slot = view.slots.slot(position);
    // Relaxed: the owner's own, or ordered behind it by its lock byte.
    let stamp = Stamp::from_bits(slot.stamp().load(Ordering::Relaxed));
    slot.stamp().store(stamp.orphaned().to_bits(), E1_PUBLISH.release()); // E1
    let (claimed, given) = (Claim::new(position, owner), Claim::new(position, Owner::NOBODY));
    // Release: E5. It cannot fail where peers are correct: the record is the owner's.
    let _ = view.readers.at(position).compare_exchange(
        claimed.to_bits(),
        given.to_bits(),
        E5_HAND_OVER.release(),
        Ordering::Relaxed,
    );
}

/// Tells every reader that items were given back.
pub(super) fn count_orphans<P: ?Sized>(view: &View<P>) {
    view.words.status.orphan_epoch.fetch_add(1, E6_EPOCH.release()); // E6
}

/// Who keeps readers from going on: whoever has claimed the oldest item to write it, and not filled it.
pub(super) fn blocking_readers<P: Payload + ?Sized>(view: &View<P>) -> Option<Hold> {
    let head = Claim::from_bits(view.words.head.load(E3_CURSOR.acquire())).position(); // E3
    let stamp = view.slots.slot(head).stamp().load(E1_PUBLISH.acquire()); // E1
    let owner = owner_of(&view.words.tail, &view.writers, head)?;
    (stamp == free(head)).then_some(Hold { position: head, owner })
}

/// Whether a ring that is closing is at its end: nothing is left that a reader could get, as far as one look tells.
pub(super) fn is_drained<P: Payload + ?Sized>(view: &View<P>) -> bool {
    let capacity = view.slots.capacity();
    // Relaxed throughout: whoever acts on the answer looks again by itself.
    let head = Claim::from_bits(view.words.head.load(Ordering::Relaxed)).position();
    let tail = Claim::from_bits(view.words.tail.load(Ordering::Relaxed)).position();
    let is_released = |step| {
        let position = before(head, step);
        let stamp = Stamp::from_bits(view.slots.slot(position).stamp().load(Ordering::Relaxed));
        claim_distance(stamp.position(), position) >= capacity.cast_signed()
    };
    head == tail && (1..=capacity).all(is_released)
}
