//! Who has which position: the cursor words, the claim records, and how everybody helps to record.
//!
//! ```text
//! cursor word   (next position, who claimed the one before it)        one for each side
//! record        (position, who claimed it)                            one for each slot and side
//!
//! claim of n    cursor (t, prev) → (t+n, me)   ─E3→        the claim exists from here on; its owner stands in the cursor
//!               record t … t+n-1 := me, ascending ─E4→     and from here on in the records
//! ```
//!
//! Rules:
//! 1. Nobody moves a cursor before the record of the position before it is there. So at any moment at most one run of
//!    positions is claimed and not recorded, the cursor says who has it, and a kill between the two steps hides nothing.
//! 2. Whoever finds that record missing helps: it records the run in the name of whom the cursor names. Records are
//!    written ascending, so the run begins behind the last record that is there, and its last record commits it.
//! 3. Helpers compare positions, never owners, and write only over a record of an earlier lap. A record ahead of what a
//!    helper expects means that its cursor word is stale: it starts over.
//! 4. A record beats the cursor: the cursor speaks only for the positions of its run that are not recorded.
//!
//! Edges (each with a loom model that fails when either end is weakened):
//! - **E3 cursor**: cursor Release → cursor Acquire. Whoever sees a run claimed sees every record before it.
//! - **E4 record**: record Release → record Acquire. Whoever sees a record sees those before it in its run.
//!
//! The owner inside the reservation is LTTng-UST's; that everybody records the last one's claim before making a claim of
//! its own is the helping of Michael's and Scott's queue.

use crate::error::{Corruption, Word};
use crate::position::{CLAIM_MASK, Claim, Owner, claim_distance};
use crate::slots::{Records, Slots, Words};
use crate::sync::{AtomicU64, Edge, Ordering};

pub(crate) const E3_CURSOR: Edge = Edge::named("mpmc E3 cursor");
pub(crate) const E4_RECORD: Edge = Edge::named("mpmc E4 record");

/// What the algorithm sees of a ring.
#[derive(Debug)]
pub(crate) struct View<P: ?Sized> {
    pub(crate) words: Words,
    pub(crate) slots: Slots<P>,
    /// Who claimed which position to write it.
    pub(crate) writers: Records,
    /// Who claimed which position to read it.
    pub(crate) readers: Records,
    /// What a dead reader held is not delivered again.
    pub(crate) discard: bool,
}

/// Whether a cursor may be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// All that was claimed before it is recorded.
    All,
    /// The word is stale: the cursor has moved on.
    Stale,
}

/// The position `steps` later than `position`.
#[inline]
pub(crate) fn after(position: u64, steps: u64) -> u64 {
    position.wrapping_add(steps) & CLAIM_MASK
}

/// The position `steps` earlier than `position`.
#[inline]
pub(crate) fn before(position: u64, steps: u64) -> u64 {
    position.wrapping_sub(steps) & CLAIM_MASK
}

/// Makes sure that every position before the cursor word `seen` is recorded, before `me` moves the cursor.
///
/// What `me` claimed it recorded at once; what an earlier owner of its entry claimed was put in order before it attached.
#[inline]
pub(crate) fn help_before(
    me: Owner,
    cursor: &AtomicU64,
    records: &Records,
    capacity: u64,
    seen: Claim,
) -> Result<Recorded, Corruption> {
    if seen.owner() == me { Ok(Recorded::All) } else { help(cursor, records, capacity, seen) }
}

/// Makes sure that every position before the word `seen` of `cursor` is recorded.
#[inline]
pub(crate) fn help(
    cursor: &AtomicU64,
    records: &Records,
    capacity: u64,
    seen: Claim,
) -> Result<Recorded, Corruption> {
    let last = before(seen.position(), 1);
    let record = Claim::from_bits(records.at(last).load(E4_RECORD.acquire())); // E4
    if record.position() == last { Ok(Recorded::All) } else { help_slowly(cursor, records, capacity, seen) }
}

#[cold]
fn help_slowly(
    cursor: &AtomicU64,
    records: &Records,
    capacity: u64,
    seen: Claim,
) -> Result<Recorded, Corruption> {
    match record_run(records, capacity, seen)? {
        None => Ok(Recorded::All),
        // E3: whoever writes a record has seen the cursor moved. Nobody starts over for a record that nobody wrote.
        Some(ahead) if cursor.load(E3_CURSOR.acquire()) == seen.to_bits() => {
            Err(Corruption { what: Word::Claim, found: ahead.to_bits() })
        }
        Some(_) => Ok(Recorded::Stale),
    }
}

/// Records the run before the cursor word `seen`; returns a record that is ahead of it, if there is one.
fn record_run(records: &Records, capacity: u64, seen: Claim) -> Result<Option<Claim>, Corruption> {
    let run = match unrecorded(records, capacity, seen)? {
        Run::Ahead(record) => return Ok(Some(record)),
        Run::Of(run) => run,
    };
    for step in (1..=run).rev() {
        let position = before(seen.position(), step);
        let record = records.at(position);
        let found = Claim::from_bits(record.load(E4_RECORD.acquire())); // E4
        let distance = claim_distance(found.position(), position);
        if distance > 0 {
            return Ok(Some(found));
        }
        if distance < 0 {
            let claim = Claim::new(position, seen.owner()).to_bits();
            // Release and Acquire, E4: whoever recorded it instead recorded what is before it.
            let result =
                record.compare_exchange(found.to_bits(), claim, E4_RECORD.release(), E4_RECORD.acquire());
            if let Err(instead) = result.map_err(Claim::from_bits)
                && instead.position() != position
            {
                return Ok(Some(instead));
            }
        }
    }
    Ok(None)
}

/// What lies before a cursor word.
enum Run {
    /// So many positions that are not recorded, as far as the walk back could tell.
    Of(u64),
    /// A record of a later lap.
    Ahead(Claim),
}

/// Walks back from the cursor word `seen` to the last position that is recorded.
fn unrecorded(records: &Records, capacity: u64, seen: Claim) -> Result<Run, Corruption> {
    for step in 1..=capacity {
        let position = before(seen.position(), step);
        let found = Claim::from_bits(records.at(position).load(E4_RECORD.acquire())); // E4
        let distance = claim_distance(found.position(), position);
        if distance == 0 {
            return Ok(Run::Of(step - 1));
        }
        if distance > 0 {
            return Ok(Run::Ahead(found));
        }
        if distance != -capacity.cast_signed() {
            return Err(Corruption { what: Word::Claim, found: found.to_bits() });
        }
    }
    // The slot of the position before these is that of the last one, whose record was of the lap before: it is there.
    Ok(Run::Of(capacity))
}

/// Claims the `count` positions from the cursor word `seen` on, and records them; `false` where the cursor has moved.
#[inline]
pub(crate) fn advance(cursor: &AtomicU64, records: &Records, seen: Claim, count: u64, me: Owner) -> bool {
    let first = seen.position();
    let moved = Claim::new(first.wrapping_add(count), me).to_bits();
    // Release: E3. Relaxed: whoever fails loads it again.
    if cursor.compare_exchange(seen.to_bits(), moved, E3_CURSOR.release(), Ordering::Relaxed).is_err() {
        return false;
    }
    for step in 0..count {
        let claim = Claim::new(first.wrapping_add(step), me);
        records.at(claim.position()).store(claim.to_bits(), E4_RECORD.release()); // E4
    }
    true
}

/// Who has claimed `position`; `None` where nobody has yet, or where its slot has moved on since.
pub(crate) fn owner_of(cursor: &AtomicU64, records: &Records, position: u64) -> Option<Owner> {
    let seen = Claim::from_bits(cursor.load(E3_CURSOR.acquire())); // E3
    let record = Claim::from_bits(records.at(position).load(E4_RECORD.acquire())); // E4
    match claim_distance(record.position(), position) {
        0 => Some(record.owner()),
        // Every position before the cursor's run was recorded before the cursor moved (rule 1).
        distance if distance < 0 && claim_distance(seen.position(), position) > 0 => Some(seen.owner()),
        _ => None,
    }
}
