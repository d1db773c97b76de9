//! The protocol of one producer and one consumer: stamped slots, no read-modify-write.
//!
//! ```text
//! producer                                consumer
//!   tail - head < capacity?  (cached)       slot[head].stamp == FULL(head)?      polls the slot itself
//!   payload → slot[tail]                    payload ← slot[head]
//!   slot[tail].stamp = FULL(tail)   ─E1→
//!   tail += 1  (takeover, tools)            head += 1                     ─E2→  the slot may be written again
//! ```
//!
//! Rules:
//! 1. The stamp is the only commit: an item is in the ring from the store of FULL(p) on, whatever `tail` says.
//! 2. The stamps of a batch are stored in ascending order, so the FULL slots from head on are a prefix.
//! 3. An item is released by the store of `head` and by nothing else. Until then it is delivered again to whoever
//!    asks: marked as seen if it lies below `read_mark`.
//! 4. Only the holder of the producer's lock byte sets CLOSED; anyone may set CLOSING. Either is loaded before the
//!    stamp is looked at for the last time, so what was committed before a close is delivered before `Closed`.
//!
//! Edges (each with a loom model that fails when either end is weakened):
//! - **E1 publish**: stamp Release → stamp Acquire. The payload is visible to whoever sees FULL.
//! - **E2 release**: head Release → head Acquire. The consumer's copy is finished before the slot is written again.
//! - **E3 close**: CLOSED Release → flags Acquire. Every push before the close is seen by the last look.
//!
//! Whoever moves `tail` rings `not_empty`, whoever moves `head` rings `not_full` (see [`crate::doorbell`]). Each bell has
//! one sleeper, the owner of the other role, and whoever waits on its behalf: all of them are woken.
//!
//! Between two owners of a role the kernel's lock orders everything: the predecessor stored its last word before the
//! lock was free (see [`crate::participant`]).
//!
//! The idea of the stamp is Vyukov's (bounded MPMC queue, 1024cores.net); of the cached opposite cursor, FastForward's
//! and MCRingBuffer's successors'.

use crate::doorbell::{ALL, Ringer, ring_out};
use crate::element::{Element, Payload};
use crate::error::{Corruption, Word};
use crate::halt::{Absent, Blocked, End};
use crate::layout::words::CLOSED;
use crate::position::{distance, free, full};
use crate::slots::View;
use crate::sync::{Edge, Ordering};

pub(crate) const E1_PUBLISH: Edge = Edge::named("spsc E1 publish");
pub(crate) const E2_RELEASE: Edge = Edge::named("spsc E2 release");
pub(crate) const E3_CLOSE: Edge = Edge::named("spsc E3 close");

/// What a pop in passing found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Popped<T> {
    /// The oldest item, never looked at before; released.
    Item(T),
    /// The slot still holds the last lap's item, and the ring works.
    Nothing,
    /// Anything else; nothing was done.
    Rare,
}

/// The write side's private state.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Position of the next item.
    tail: u64,
    /// The position at which the ring would be full, as far as this side knows.
    limit: u64,
    ringer: Ringer,
}

impl Writer {
    /// Goes on at `tail`, which repair has found.
    pub(crate) fn at(tail: u64, ringer: Ringer) -> Self {
        Self { tail, limit: tail, ringer }
    }

    /// Position of the next item.
    #[inline]
    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }

    /// Pushes one item and says where.
    #[inline]
    pub(crate) fn push<T: Element>(&mut self, view: &View<T>, value: &T) -> Result<u64, Blocked> {
        self.room(view, 1)?;
        let tail = self.tail;
        let slot = view.slots.slot(tail);
        slot.write(value);
        slot.stamp().store(full(tail), E1_PUBLISH.release()); // E1
        self.advance(view, tail.wrapping_add(1));
        Ok(tail)
    }

    /// Pushes as many of `values` as there is room for, at least one.
    #[inline]
    pub(crate) fn push_slice<T: Element>(&mut self, view: &View<T>, values: &[T]) -> Result<usize, Blocked> {
        let room = self.room(view, values.len() as u64)?;
        let count = values.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        let mut position = self.tail;
        for value in &values[..count] {
            let slot = view.slots.slot(position);
            slot.write(value);
            slot.stamp().store(full(position), E1_PUBLISH.release()); // E1
            position = position.wrapping_add(1);
        }
        self.advance(view, position);
        Ok(count)
    }

    /// How many slots may be written, at least one; asks the reader's cursor only where less than `wanted` are known
    /// to be free.
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

    /// Asks the reader's cursor.
    #[cold]
    fn look<P: Payload + ?Sized>(&mut self, view: &View<P>) -> Result<u64, Blocked> {
        let head = view.words.head.load(E2_RELEASE.acquire()); // E2
        let capacity = view.slots.capacity();
        let used = distance(self.tail, head);
        if used < 0 || used.cast_unsigned() > capacity {
            return Err(Blocked::Corrupted(Corruption { what: Word::Head, found: head }));
        }
        let room = capacity - used.cast_unsigned();
        self.limit = self.tail.wrapping_add(room);
        if room == 0 { Err(Blocked::Full) } else { Ok(room) }
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
        // Relaxed: a hint for tools; a successor walks the stamps (rule 1).
        view.words.tail.store(tail, Ordering::Relaxed);
        view.words.not_empty.ring(self.ringer, ALL);
    }

    /// Says that nothing follows what was pushed.
    pub(crate) fn close<P: Payload + ?Sized>(&mut self, view: &View<P>) {
        view.words.status.flags.fetch_or(CLOSED, E3_CLOSE.release()); // E3
        ring_out(&view.words);
    }
}

/// Whether cursor `a` lies before cursor `b`, of one handle's private state.
#[inline]
fn before(a: u64, b: u64) -> bool {
    a.wrapping_sub(b).cast_signed() < 0
}

/// The read side's private state.
///
/// `seen` and `ahead` may lag behind `head`; they count only where they lie before it. All three are within a capacity
/// of each other, so plain wrapping differences compare them.
#[derive(Debug)]
pub(crate) struct Reader {
    /// Position of the oldest item that is not released.
    head: u64,
    /// Items below this position may have been looked at before.
    seen: u64,
    /// Position of the next item to be read ahead.
    ahead: u64,
    ringer: Ringer,
}

impl Reader {
    /// Goes on at `head`; items below `seen` may have been looked at by a predecessor.
    pub(crate) fn at(head: u64, seen: u64, ringer: Ringer) -> Self {
        Self { head, seen, ahead: head, ringer }
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

    /// How many items from `position` on may have been looked at before.
    #[inline]
    pub(crate) fn seen_from(&self, position: u64) -> u64 {
        if before(position, self.seen) { self.seen.wrapping_sub(position) } else { 0 }
    }

    /// Whether the item of `position` is there.
    #[inline]
    pub(crate) fn sees<P: Payload + ?Sized>(&self, view: &View<P>, position: u64) -> bool {
        view.slots.slot(position).stamp().load(E1_PUBLISH.acquire()) == full(position) // E1
    }

    /// Whether there is an item at `position`; otherwise why not.
    ///
    /// `writer_gone` proves that nobody holds the writer's byte; it is asked only where a close waits for that.
    #[inline]
    pub(crate) fn find<P: Payload + ?Sized>(
        &self,
        view: &View<P>,
        position: u64,
        writer_gone: impl FnOnce() -> bool,
    ) -> Result<(), Absent> {
        let stamp = view.slots.slot(position).stamp().load(E1_PUBLISH.acquire()); // E1
        if stamp == full(position) { Ok(()) } else { Self::absent(view, position, stamp, writer_gone) }
    }

    /// Why the slot of `position` holds `stamp` and not the item; looks once more where the ring is at its end.
    #[cold]
    fn absent<P: Payload + ?Sized>(
        view: &View<P>,
        position: u64,
        stamp: u64,
        writer_gone: impl FnOnce() -> bool,
    ) -> Result<(), Absent> {
        if stamp != free(position) && stamp != full(position.wrapping_sub(view.slots.capacity())) {
            return Err(Absent::Corrupted(Corruption { what: Word::Stamp, found: stamp }));
        }
        let flags = view.words.status.flags.load(E3_CLOSE.acquire()); // E3
        let Some(end) = End::of_reads(flags, writer_gone) else {
            return Err(Absent::Empty);
        };
        // Rule 4: the flag was loaded first, now the stamp for the last time.
        let stamp = view.slots.slot(position).stamp().load(E1_PUBLISH.acquire()); // E1
        if stamp == full(position) { Ok(()) } else { Err(Absent::Ended(end)) }
    }

    /// How many items there are from `position` on, of `wanted` at most; 0 where there is none.
    #[inline]
    pub(crate) fn run<P: Payload + ?Sized>(&self, view: &View<P>, position: u64, wanted: u64) -> u64 {
        let wanted = wanted.min(view.slots.capacity());
        let is_full = |step: u64| self.sees(view, position.wrapping_add(step));
        // Rule 2: where the last one is there, all are.
        if wanted > 0 && is_full(wanted - 1) {
            return wanted;
        }
        (0..wanted).take_while(|step| is_full(*step)).count() as u64
    }

    /// The commonest cases: copies the oldest item out and releases it, or says at once that there is none.
    #[inline]
    pub(crate) fn pop<T: Element>(&mut self, view: &View<T>) -> Popped<T> {
        let head = self.head;
        let slot = view.slots.slot(head);
        let stamp = slot.stamp().load(E1_PUBLISH.acquire()); // E1
        if stamp == full(head) && !before(head, self.seen) {
            let value = slot.read();
            self.release_to(view, head.wrapping_add(1));
            return Popped::Item(value);
        }
        // Relaxed: a flag that is set makes this a rare case, whose handling acquires.
        let flags = view.words.status.flags.load(Ordering::Relaxed);
        if flags == 0 && stamp == full(head.wrapping_sub(view.slots.capacity())) {
            Popped::Nothing
        } else {
            Popped::Rare
        }
    }

    /// Copies the oldest item out and releases it; the caller has found it.
    #[inline]
    pub(crate) fn take<T: Element>(&mut self, view: &View<T>) -> T {
        let value = view.slots.slot(self.head).read();
        self.release(view, 1);
        value
    }

    /// Copies as many of the `count` oldest items out as `values` takes, and releases them; the caller has found them.
    #[inline]
    pub(crate) fn take_slice<T: Element>(&mut self, view: &View<T>, values: &mut [T]) {
        let mut position = self.head;
        for value in &mut *values {
            *value = view.slots.slot(position).read();
            position = position.wrapping_add(1);
        }
        self.release(view, values.len() as u64);
    }

    /// Releases the `count` oldest items: their slots may be written again.
    #[inline]
    pub(crate) fn release<P: Payload + ?Sized>(&mut self, view: &View<P>, count: u64) {
        self.release_to(view, self.head.wrapping_add(count));
    }

    #[inline]
    fn release_to<P: Payload + ?Sized>(&mut self, view: &View<P>, head: u64) {
        self.head = head;
        view.words.head.store(head, E2_RELEASE.release()); // E2
        view.words.not_full.ring(self.ringer, ALL);
    }

    /// Notes that the items before `end` are handed out unreleased, before they are.
    ///
    /// The oldest item needs no shared note: whoever repairs a dead reader marks it anyway.
    #[inline]
    pub(crate) fn note<P: ?Sized>(&mut self, view: &View<P>, end: u64) {
        if before(self.seen, end) {
            self.seen = end;
            if end.wrapping_sub(self.head) > 1 {
                self.publish_mark(view);
            }
        }
    }

    /// Moves on to the next item to be read ahead.
    #[inline]
    pub(crate) fn step_ahead<P: ?Sized>(&mut self, view: &View<P>) {
        self.ahead = self.ahead().wrapping_add(1);
        self.note(view, self.ahead);
    }

    /// Reads ahead from the oldest unreleased item again.
    pub(crate) fn rewind(&mut self) {
        self.ahead = self.head;
    }

    /// Tells a successor what was looked at.
    pub(crate) fn publish_mark<P: ?Sized>(&self, view: &View<P>) {
        // Relaxed: read by a successor, whom the kernel's lock orders behind this, and by tools.
        view.words.read_mark.store(self.seen, Ordering::Relaxed);
    }
}
