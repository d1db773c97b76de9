//! The protocol of one publisher and its readers: stamped slots that are overwritten lap by lap, whoever has read them.
//!
//! ```text
//! publisher                                     reader, gated or not
//!   tail < limit?            (cached)             slot[p].stamp == FULL(p)?       polls the slot itself
//!   slot[tail].stamp = FREE(tail)                 copy ← slot[p]
//!   fence                             ─E4→        fence
//!   payload → slot[tail]                          slot[p].stamp == FULL(p)?       else the copy is worth nothing
//!   slot[tail].stamp = FULL(tail)     ─E1→
//!   tail += 1   (joining, latest, takeover)       a gated one: cursor = p + 1  ─E2→  the slot may be overwritten
//! ```
//!
//! Rules:
//! 1. The stamp is the only commit: an item is in the ring from the store of FULL(p) until that of FREE(p + capacity).
//! 2. Stamps are stored in ascending order of positions, one slot after the other. So of two slots of a lap the earlier one
//!    is overwritten first; and a slot stamped for position q proves that everything before q was published and everything
//!    up to q - capacity is gone.
//! 3. A copy is an item only if the stamp is the same before and after. A lapped reader goes on at a position that it finds
//!    by stamps (rule 2), and counts every position in between as missed: received and missed add up to published.
//! 4. `tail` is at most half a capacity behind the stamps, so a successor that walks on from it over FULL slots, while they
//!    are of their positions, finds where the sequence ends. A position is never published twice. Whoever is not ordered
//!    behind the publisher may see `tail` earlier than the stamps that it counts.
//! 5. Readers that are not gated write nothing that the publisher reads.
//! 6. Only the holder of the publisher's lock byte sets CLOSED; anyone may set CLOSING. Either is loaded before the stamp
//!    is looked at for the last time.
//!
//! Edges (each with a loom model that fails when either end is weakened):
//! - **E1 publish**: stamp Release → stamp, fence. The payload is visible to whoever sees FULL.
//! - **E3 close**: CLOSED Release → flags, fence. Everything published before the close is seen by the last look.
//! - **E4 overwrite**: stamp FREE, fence, payload → copy, fence, stamp. Whoever copied a word of the slot's next item sees
//!   that the stamp is no longer that of the last one.
//!
//! Readers load Relaxed, and have the fence behind it: of memory that one may only read the language promises no other atomic
//! load.
//!
//! E2, E5, E6 and E7 are of the gates ([`super::gates`]). Whoever moves `tail` rings `not_empty` for everybody.
//!
//! The idea of copying between two looks is Lamport's (Concurrent Reading and Writing, 1977), its fences are Boehm's (Can
//! Seqlocks Get Along With Programming Language Memory Models?, 2012); a stamp per slot is Vyukov's.

use super::gates;
use super::start::{Resume, Start};
use crate::doorbell::{ALL, Ringer, ring_out};
use crate::element::{Element, Payload};
use crate::error::{Corruption, Word};
use crate::halt::End;
use crate::layout::words::CLOSED;
use crate::position::{distance, free, full};
use crate::slots::{Gates, Slots, Words};
use crate::sync::{Edge, Ordering, spin_hint};

pub(crate) const E1_PUBLISH: Edge = Edge::named("broadcast E1 publish");
pub(crate) const E3_CLOSE: Edge = Edge::named("broadcast E3 close");
pub(crate) const E4_OVERWRITE: Edge = Edge::named("broadcast E4 overwrite");

/// Steps of a reader that looks for a slot which the publisher does not overwrite meanwhile.
const STEPS: u32 = 64;
/// Room of a ring without gates: it is asked for anew after so many items.
const UNGATED: u64 = 1 << 60;

/// What the algorithm sees of a ring.
#[derive(Debug)]
pub(crate) struct View<P: ?Sized> {
    pub(crate) words: Words,
    pub(crate) slots: Slots<P>,
    pub(crate) gates: Gates,
    /// Position of the ring's first item.
    pub(crate) start: u64,
}

/// Why the publisher cannot go on now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// A gate holds it up.
    Full,
    Ended(End),
}

/// Why there is no item for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It is not published yet.
    Empty,
    /// It was overwritten.
    Lapped,
    Ended(End),
    Corrupted(Corruption),
}

/// What a look in passing found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glimpse<T> {
    Item(T),
    /// The item is not there yet, and the ring works.
    Nothing,
    /// Anything else.
    Rare,
}

/// The publisher's private state.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Position of the next item.
    tail: u64,
    /// The position at which a gate would have to be passed, as far as this side knows.
    limit: u64,
    /// The position at which gates must be looked at behind a fence.
    horizon: u64,
    ringer: Ringer,
}

impl Writer {
    /// Goes on at `tail`, which repair has found, and stored.
    pub(crate) fn at(tail: u64, ringer: Ringer) -> Self {
        Self { tail, limit: tail, horizon: tail, ringer }
    }

    /// Position of the next item.
    #[inline]
    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }

    /// Publishes one item and says where.
    #[inline]
    pub(crate) fn publish<T: Element>(&mut self, view: &View<T>, value: &T) -> Result<u64, Blocked> {
        self.room(view, 1)?;
        self.begin(view);
        view.slots.slot(self.tail).write(value);
        Ok(self.commit(view))
    }

    /// Publishes the first of `values`, as many as there is room for, at least one, and half a capacity at most (rule 4).
    #[inline]
    pub(crate) fn publish_slice<T: Element>(
        &mut self,
        view: &View<T>,
        values: &[T],
    ) -> Result<usize, Blocked> {
        let wanted = (values.len() as u64).min(view.slots.capacity() / 2);
        let count = self.room(view, wanted)?.min(wanted) as usize;
        let mut position = self.tail;
        for value in &values[..count] {
            let slot = view.slots.slot(position);
            slot.stamp().store(free(position), Ordering::Relaxed); // Relaxed: the fence behind it, E4.
            E4_OVERWRITE.release_ahead(); // E4
            slot.write(value);
            slot.stamp().store(full(position), E1_PUBLISH.release()); // E1
            position = position.wrapping_add(1);
        }
        self.advance(view, position);
        Ok(count)
    }

    /// How many slots may be written, at least one; asks the gates only where less than `wanted` are known to be free.
    #[inline]
    pub(crate) fn room<P: Payload + ?Sized>(&mut self, view: &View<P>, wanted: u64) -> Result<u64, Blocked> {
        // Relaxed: a close or a removal by somebody else takes effect some time; nothing is read because of it.
        let flags = view.words.status.flags.load(Ordering::Relaxed);
        if flags != 0 {
            return Err(Blocked::Ended(End::of_writes(flags)));
        }
        let room = self.limit.wrapping_sub(self.tail);
        if room >= wanted { Ok(room) } else { self.look(view) }
    }

    /// Asks the gates; behind a fence where a lap has passed since the last one (E5).
    #[cold]
    fn look<P: Payload + ?Sized>(&mut self, view: &View<P>) -> Result<u64, Blocked> {
        let room = if view.gates.is_empty() {
            UNGATED
        } else {
            if distance(self.horizon, self.tail) <= 0 {
                gates::E5_JOIN.fence("publisher"); // E5: `tail` is stored, no gate is read yet.
                self.horizon = self.tail.wrapping_add(view.slots.capacity());
            }
            let room = gates::room(view, self.tail, self.horizon);
            // E7: whoever demoted a gate, it was before the stamps that follow.
            gates::E7_DEMOTION.release_ahead();
            room
        };
        self.limit = self.tail.wrapping_add(room);
        if room == 0 { Err(Blocked::Full) } else { Ok(room) }
    }

    /// Announces that the slot of the next item is about to be overwritten, which there is room for.
    #[inline]
    pub(crate) fn begin<P: Payload + ?Sized>(&self, view: &View<P>) {
        // Relaxed: the fence behind it, E4.
        view.slots.slot(self.tail).stamp().store(free(self.tail), Ordering::Relaxed);
        E4_OVERWRITE.release_ahead(); // E4
    }

    /// Publishes the item that was written into the slot of `tail`, and says where that was.
    #[inline]
    pub(crate) fn commit<P: Payload + ?Sized>(&mut self, view: &View<P>) -> u64 {
        let position = self.tail;
        view.slots.slot(position).stamp().store(full(position), E1_PUBLISH.release()); // E1
        self.advance(view, position.wrapping_add(1));
        position
    }

    #[inline]
    fn advance<P: Payload + ?Sized>(&mut self, view: &View<P>, tail: u64) {
        self.tail = tail;
        // Relaxed: readers find items by stamps (rule 1); those who join read it behind a fence (E5).
        view.words.tail.store(tail, Ordering::Relaxed);
        view.words.not_empty.ring(self.ringer, ALL);
    }

    /// Says that nothing follows what was published.
    pub(crate) fn close<P: Payload + ?Sized>(&mut self, view: &View<P>) {
        view.words.status.flags.fetch_or(CLOSED, E3_CLOSE.release()); // E3
        ring_out(&view.words);
    }
}

/// Whether the item of `position` is there.
#[inline]
pub(crate) fn sees<P: Payload + ?Sized>(view: &View<P>, position: u64) -> bool {
    // Relaxed: the fence behind it, E1.
    let is_full = view.slots.slot(position).stamp().load(Ordering::Relaxed) == full(position);
    E1_PUBLISH.acquire_behind(); // E1
    is_full
}

/// The commonest cases: copies the item of `position`, or says at once that it is not there yet.
#[inline]
pub(crate) fn glimpse<T: Element>(view: &View<T>, position: u64) -> Glimpse<T> {
    let slot = view.slots.slot(position);
    let stamp = slot.stamp().load(Ordering::Relaxed); // Relaxed: the fence behind it, E1.
    if stamp == full(position) {
        E1_PUBLISH.acquire_behind(); // E1
        let value = slot.read();
        return if was_there(view, position) { Glimpse::Item(value) } else { Glimpse::Rare };
    }
    // Relaxed: a flag that is set makes this a rare case, whose handling acquires.
    let flags = view.words.status.flags.load(Ordering::Relaxed);
    let last_lap = position.wrapping_sub(view.slots.capacity());
    if flags == 0 && (stamp == full(last_lap) || stamp == free(position)) {
        Glimpse::Nothing
    } else {
        Glimpse::Rare
    }
}

/// Whether the item of `position` is there; otherwise why not.
///
/// `writer_gone` proves that nobody holds the publisher's byte; it is asked only where a close waits for that.
#[inline]
pub(crate) fn find<P: Payload + ?Sized>(
    view: &View<P>,
    position: u64,
    writer_gone: impl FnOnce() -> bool,
) -> Result<(), Absent> {
    let stamp = view.slots.slot(position).stamp().load(Ordering::Relaxed); // Relaxed: the fence behind it, E1.
    E1_PUBLISH.acquire_behind(); // E1
    if stamp == full(position) { Ok(()) } else { absent(view, position, stamp, writer_gone) }
}

/// What `copy` makes of the slot of `position`, in which the item was just found: if the item was there all the time.
#[inline]
pub(crate) fn copied<P: Payload + ?Sized, R>(
    view: &View<P>,
    position: u64,
    copy: impl FnOnce() -> R,
) -> Result<R, Absent> {
    let copy = copy();
    if was_there(view, position) { Ok(copy) } else { Err(Absent::Lapped) }
}

/// Whether what was copied from the slot of `position`, since its item was found there, is the item (rule 3).
#[inline]
fn was_there<P: Payload + ?Sized>(view: &View<P>, position: u64) -> bool {
    E4_OVERWRITE.acquire_behind(); // E4
    view.slots.slot(position).stamp().load(Ordering::Relaxed) == full(position) // Relaxed: behind the fence.
}

/// Copies the items from `position` on, of which the first was just found, as many as there are and `values` takes, and
/// says how many.
#[inline]
pub(crate) fn copied_slice<T: Element>(
    view: &View<T>,
    position: u64,
    values: &mut [T],
) -> Result<usize, Absent> {
    let most = usize::try_from(view.slots.capacity()).unwrap_or(usize::MAX);
    let mut next = position;
    let mut count = 0;
    for value in values.iter_mut().take(most) {
        if !sees(view, next) {
            break;
        }
        *value = view.slots.slot(next).read();
        next = next.wrapping_add(1);
        count += 1;
    }
    // Rule 2: the first one is overwritten first.
    if count > 0 && was_there(view, position) { Ok(count) } else { Err(Absent::Lapped) }
}

/// Why the slot of `position` holds `stamp` and not the item; looks once more where the ring is at its end.
#[cold]
fn absent<P: Payload + ?Sized>(
    view: &View<P>,
    position: u64,
    stamp: u64,
    writer_gone: impl FnOnce() -> bool,
) -> Result<(), Absent> {
    let laps = distance(stamp >> 2, position);
    if stamp & 2 != 0 || laps % view.slots.capacity().cast_signed() != 0 {
        return Err(Absent::Corrupted(Corruption { what: Word::Stamp, found: stamp }));
    }
    if laps > 0 {
        return Err(Absent::Lapped);
    }
    let flags = view.words.status.flags.load(Ordering::Relaxed); // Relaxed: the fence behind it, E3.
    E3_CLOSE.acquire_behind(); // E3
    let Some(end) = End::of_reads(flags, writer_gone) else {
        return Err(Absent::Empty);
    };
    // Rule 6: the flag was loaded first, now the stamp for the last time. It may have gone further than to the item.
    let stamp = view.slots.slot(position).stamp().load(Ordering::Relaxed); // Relaxed: the fence behind it, E1.
    E1_PUBLISH.acquire_behind(); // E1
    match distance(stamp >> 2, position) {
        _ if stamp == full(position) => Ok(()),
        laps if laps > 0 => Err(Absent::Lapped),
        _ => Err(Absent::Ended(end)),
    }
}

/// Where a reader begins: at the position that `start` says, or the oldest whose item may still be there.
pub(crate) fn first<P: Payload + ?Sized>(view: &View<P>, start: Start) -> u64 {
    let tail = view.words.tail.load(Ordering::Relaxed); // Relaxed: stamps decide what is there.
    match start {
        Start::Newest => tail,
        Start::Oldest => oldest_from(view, tail.wrapping_sub(view.slots.capacity())),
        Start::At(position) => position.to_bits(),
    }
}

/// Where a reader goes on that was lapped at `position`, later than that (rule 3).
#[cold]
pub(crate) fn resume<P: Payload + ?Sized>(view: &View<P>, position: u64, resume: Resume) -> u64 {
    let oldest = oldest_from(view, position.wrapping_add(1));
    // Relaxed: as in `first`.
    let newest = view.words.tail.load(Ordering::Relaxed).wrapping_sub(1);
    let within = 0..=view.slots.capacity().cast_signed();
    // A tail that lies elsewhere is one of a moment ago, or of a broken peer.
    if resume == Resume::Newest && within.contains(&distance(newest, oldest)) { newest } else { oldest }
}

/// The oldest position from `position` on whose item may still be there, or still has to come. With a publisher that
/// overwrites as fast as this looks, one whose item was there a moment ago.
fn oldest_from<P: Payload + ?Sized>(view: &View<P>, position: u64) -> u64 {
    let capacity = view.slots.capacity();
    let mut position = if distance(position, view.start) < 0 { view.start } else { position };
    for _ in 0..STEPS {
        // Relaxed, both: whoever copies the item looks again.
        let stamp = view.slots.slot(position).stamp().load(Ordering::Relaxed);
        let ahead = distance(stamp >> 2, position);
        if ahead <= 0 {
            break;
        }
        // Rule 2: what lies a lap behind the slot's own stamp is gone, and so is what lies a lap behind tail.
        let written = position.wrapping_add(ahead.cast_unsigned()).wrapping_add(1);
        let tail = view.words.tail.load(Ordering::Relaxed);
        let further = (0..=capacity.cast_signed()).contains(&distance(tail, written));
        position = (if further { tail } else { written }).wrapping_sub(capacity);
    }
    position
}

/// The private state of a reader that is not gated.
#[derive(Debug)]
pub(crate) struct Reader {
    /// Position of the next item.
    next: u64,
}

impl Reader {
    pub(crate) fn at(next: u64) -> Self {
        Self { next }
    }

    /// Position of the next item.
    #[inline]
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Moves on behind `count` items.
    #[inline]
    pub(crate) fn step(&mut self, count: u64) {
        self.next = self.next.wrapping_add(count);
    }

    /// Moves on to `position`, or back.
    #[inline]
    pub(crate) fn skip_to(&mut self, position: u64) {
        self.next = position;
    }

    /// Finds and copies the newest item, as `tail` says it, and moves on behind it; `None` where it was overwritten, or not
    /// to be seen yet, whenever it was tried. What was received before is never passed by an older one.
    pub(crate) fn latest<P: Payload + ?Sized, R>(
        &mut self,
        view: &View<P>,
        mut writer_gone: impl FnMut() -> bool,
        mut copy: impl FnMut(u64) -> R,
    ) -> Option<Result<R, Absent>> {
        for _ in 0..STEPS {
            // Relaxed: the stamp decides whether the item is there.
            let tail = view.words.tail.load(Ordering::Relaxed);
            let behind = if distance(tail, self.next) < 0 { self.next } else { tail };
            // Before anything was published, the first item: it may be there by now.
            let newest = if distance(behind, view.start) <= 0 { view.start } else { behind.wrapping_sub(1) };
            let found = find(view, newest, &mut writer_gone);
            match found.and_then(|()| copied(view, newest, || copy(newest))) {
                Ok(copy) => {
                    self.next = newest.wrapping_add(1);
                    return Some(Ok(copy));
                }
                Err(Absent::Lapped) => {}
                // Rule 4: `tail` may be seen before the stamps that it counts.
                Err(Absent::Empty) if distance(tail, newest) > 0 => {}
                Err(absent) => return Some(Err(absent)),
            }
            spin_hint();
        }
        None
    }
}
