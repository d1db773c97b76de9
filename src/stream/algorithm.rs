//! The protocol of one writer and one reader of packed units: two cursors, no stamps, no read-modify-write.
//!
//! ```text
//! writer                                   reader
//!   tail - head ≤ capacity - n?  (cached)    tail - head ≥ 1?             (cached)
//!   units → [tail, tail + n)                 units ← [head, head + n)
//!   tail += n                     ─E1→       head += n                    ─E2→   may be written again
//! ```
//!
//! Rules:
//! 1. The store of `tail` is the only commit: of all that a call writes, or of nothing.
//! 2. Units are released by the store of `head` and by nothing else. Until then they are delivered again to whoever asks:
//!    marked as seen if they lie below `read_mark`.
//! 3. A peer's cursor may only ever lie within a capacity of one's own; elsewhere it is corruption. It is loaded once for
//!    each decision, and bounds what is copied.
//! 4. Only the holder of the writer's lock byte sets CLOSED; anyone may set CLOSING. Either is loaded before `tail` is looked
//!    at for the last time, so what was committed before a close is delivered before `Closed`.
//!
//! Edges (each with a loom model that fails when either end is weakened):
//! - **E1 commit**: tail Release → tail Acquire. The units are visible to whoever sees tail behind them.
//! - **E2 release**: head Release → head Acquire. The reader's copy is finished before the units are written again.
//! - **E3 close**: CLOSED Release → flags Acquire. Every commit before the close is seen by the last look.
//!
//! Whoever moves `tail` rings `not_empty`, whoever moves `head` rings `not_full` (see [`crate::doorbell`]). Each bell has one
//! sleeper, the owner of the other role, and whoever waits on its behalf: all of them are woken. Between two owners of a role
//! the kernel's lock orders everything (see [`crate::participant`]).
//!
//! Two cursors are Lamport's (Proving the Correctness of Multiprocess Programs, 1977); keeping the opposite one is
//! FastForward's and MCRingBuffer's successors'.

use crate::doorbell::{ALL, Ringer, ring_out};
use crate::element::Payload;
use crate::error::{Corruption, Word};
use crate::halt::{Absent, Blocked, End};
use crate::layout::words::CLOSED;
use crate::packed::View;
use crate::position::distance;
use crate::sync::{Edge, Ordering};

pub(crate) const E1_COMMIT: Edge = Edge::named("stream E1 commit");
pub(crate) const E2_RELEASE: Edge = Edge::named("stream E2 release");
pub(crate) const E3_CLOSE: Edge = Edge::named("stream E3 close");

/// The write side's private state.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Position of the next unit.
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

    /// Position of the next unit.
    #[inline]
    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }

    /// How many units may be written, `least` at least; asks the reader's cursor only where fewer than `wanted` are known to
    /// be free.
    #[inline]
    pub(crate) fn room<P: Payload + ?Sized>(
        &mut self,
        view: &View<P>,
        least: u64,
        wanted: u64,
    ) -> Result<u64, Blocked> {
        // Relaxed: a close or a removal by somebody else takes effect some time; nothing is read because of it.
        let flags = view.words.status.flags.load(Ordering::Relaxed);
        if flags != 0 {
            return Err(Blocked::Ended(End::of_writes(flags)));
        }
        let room = self.limit.wrapping_sub(self.tail);
        if room >= wanted { Ok(room) } else { self.look(view, least) }
    }

    /// Asks the reader's cursor.
    #[cold]
    fn look<P: Payload + ?Sized>(&mut self, view: &View<P>, least: u64) -> Result<u64, Blocked> {
        let head = view.words.head.load(E2_RELEASE.acquire()); // E2
        let used = distance(self.tail, head);
        // Rule 3.
        if used < 0 || used.cast_unsigned() > view.units.capacity() {
            return Err(Blocked::Corrupted(Corruption { what: Word::Head, found: head }));
        }
        let room = view.units.capacity() - used.cast_unsigned();
        self.limit = self.tail.wrapping_add(room);
        if room < least { Err(Blocked::Full) } else { Ok(room) }
    }

    /// Commits the `count` units that were written from `tail` on.
    #[inline]
    pub(crate) fn commit<P: Payload + ?Sized>(&mut self, view: &View<P>, count: u64) {
        self.tail = self.tail.wrapping_add(count);
        view.words.tail.store(self.tail, E1_COMMIT.release()); // E1
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
/// `seen` and `ahead` may lag behind `head`; they count only where they lie before it. All of them are within a capacity of
/// each other, so plain wrapping differences compare them.
#[derive(Debug)]
pub(crate) struct Reader {
    /// Position of the oldest unit that is not released.
    head: u64,
    /// Units below this position are committed, as far as this side knows.
    known: u64,
    /// Units below this position may have been looked at before.
    seen: u64,
    /// Position of the next unit to be read ahead.
    ahead: u64,
    ringer: Ringer,
}

impl Reader {
    /// Goes on at `head`; units below `seen` may have been looked at by a predecessor.
    pub(crate) fn at(head: u64, seen: u64, ringer: Ringer) -> Self {
        Self { head, known: head, seen, ahead: head, ringer }
    }

    /// Position of the oldest unit that is not released.
    #[inline]
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Position of the next unit to be read ahead.
    #[inline]
    pub(crate) fn ahead(&self) -> u64 {
        if before(self.ahead, self.head) { self.head } else { self.ahead }
    }

    /// How many units from `position` on may have been looked at before.
    #[inline]
    pub(crate) fn seen_from(&self, position: u64) -> u64 {
        if before(position, self.seen) { self.seen.wrapping_sub(position) } else { 0 }
    }

    /// How many units there are from `position` on, which lies at head or ahead of it, at least one; otherwise why not. Asks
    /// the writer's cursor only where fewer than `wanted` are known.
    ///
    /// `writer_gone` proves that nobody holds the writer's byte; it is asked only where a close waits for that.
    #[inline]
    pub(crate) fn find<P: Payload + ?Sized>(
        &mut self,
        view: &View<P>,
        position: u64,
        wanted: u64,
        writer_gone: impl FnOnce() -> bool,
    ) -> Result<u64, Absent> {
        let known = self.known.wrapping_sub(position);
        if !before(self.known, position) && known >= wanted.max(1) {
            return Ok(known);
        }
        match self.look(view, position)? {
            0 => self.absent(view, position, writer_gone),
            count => Ok(count),
        }
    }

    /// How many units there are from `position` on; asks the writer's cursor.
    #[inline]
    pub(crate) fn look<P: Payload + ?Sized>(&mut self, view: &View<P>, position: u64) -> Result<u64, Absent> {
        let tail = view.words.tail.load(E1_COMMIT.acquire()); // E1
        let used = distance(tail, self.head);
        // Rule 3.
        if used < 0 || used.cast_unsigned() > view.units.capacity() {
            return Err(Absent::Corrupted(Corruption { what: Word::Tail, found: tail }));
        }
        self.known = self.head.wrapping_add(used.cast_unsigned());
        Ok(if before(self.known, position) { 0 } else { self.known.wrapping_sub(position) })
    }

    /// Why there is nothing from `position` on; looks once more where the ring is at its end.
    #[cold]
    fn absent<P: Payload + ?Sized>(
        &mut self,
        view: &View<P>,
        position: u64,
        writer_gone: impl FnOnce() -> bool,
    ) -> Result<u64, Absent> {
        let flags = view.words.status.flags.load(E3_CLOSE.acquire()); // E3
        let Some(end) = End::of_reads(flags, writer_gone) else {
            return Err(Absent::Empty);
        };
        // Rule 4: the flag was loaded first, now the cursor for the last time.
        match self.look(view, position)? {
            0 => Err(Absent::Ended(end)),
            count => Ok(count),
        }
    }

    /// Releases the `count` oldest units: they may be written again.
    #[inline]
    pub(crate) fn release<P: Payload + ?Sized>(&mut self, view: &View<P>, count: u64) {
        self.release_to(view, self.head.wrapping_add(count));
    }

    /// Releases the units before `head`.
    #[inline]
    pub(crate) fn release_to<P: Payload + ?Sized>(&mut self, view: &View<P>, head: u64) {
        self.head = head;
        view.words.head.store(head, E2_RELEASE.release()); // E2
        view.words.not_full.ring(self.ringer, ALL);
    }

    /// Notes that the units before `end` are handed out unreleased, before they are.
    #[inline]
    pub(crate) fn note<P: ?Sized>(&mut self, view: &View<P>, end: u64) {
        if before(self.seen, end) {
            self.seen = end;
            self.publish_mark(view);
        }
    }

    /// How many units from head on have been looked at.
    pub(crate) fn looked_at(&self) -> u64 {
        self.seen_from(self.head)
    }

    /// Moves on to the next unit to be read ahead, that of `position`.
    #[inline]
    pub(crate) fn step_ahead<P: ?Sized>(&mut self, view: &View<P>, position: u64) {
        self.ahead = position;
        self.note(view, position);
    }

    /// Reads ahead from the oldest unreleased unit again.
    pub(crate) fn rewind(&mut self) {
        self.ahead = self.head;
    }

    /// Notes that the kernel may refer to what lies before `end`, before it does.
    pub(crate) fn lend<P: Payload + ?Sized>(&self, view: &View<P>, end: u64) {
        // Relaxed: read by a successor, whom the kernel's lock orders behind this.
        view.words.sent.store(end, Ordering::Relaxed);
    }

    /// Tells a successor what was looked at.
    pub(crate) fn publish_mark<P: ?Sized>(&self, view: &View<P>) {
        // Relaxed: read by a successor, whom the kernel's lock orders behind this, and by tools.
        view.words.read_mark.store(self.seen, Ordering::Relaxed);
    }
}
