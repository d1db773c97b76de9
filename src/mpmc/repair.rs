//! What a dead participant left, put in order by whoever holds its lock byte.
//!
//! The order is fixed, and every step can be repeated: a repairer that dies anywhere leaves work that the next one finds
//! again by the same records.
//!
//! 1. Both cursors are helped, so that every claim of the dead one is on record.
//! 2. What it claimed to write and had not filled becomes VOID: readers skip it.
//! 3. What it claimed to read and had not released is given back: ORPHAN, nobody's; or released, where the ring discards.
//! 4. The epoch is counted, whatever was found: the dead one may have given back and not counted.
//!
//! The caller then wakes everybody, frees the entry and lets the byte go ([`crate::participant`]). A repair goes by what
//! the records say; whatever claims the entry's next owner makes come later.

use super::algorithm::{ATTEMPTS, E1_PUBLISH, E2_RELEASE, free};
use super::claims::{E3_CURSOR, E4_RECORD, Recorded, View, help};
use super::reader::{count_orphans, orphan};
use crate::element::Payload;
use crate::error::{Corruption, Word};
use crate::position::{Claim, Owner, Stamp, State};
use crate::slots::Records;
use crate::sync::{AtomicU64, Ordering};

/// What became of a position that a dead participant had claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It had not been filled: there is no item.
    Void,
    /// Its item is delivered again; it had been before that often.
    Orphan(u32),
    /// Its item was discarded.
    Discarded,
    /// It had been void, and was being skipped.
    Skipped,
}

/// Puts in order what `dead` left, and tells `found` of every position.
pub(crate) fn settle<P: Payload + ?Sized>(
    view: &View<P>,
    dead: Owner,
    mut found: impl FnMut(u64, Outcome),
) -> Result<(), Corruption> {
    let capacity = view.slots.capacity();
    help_cursor(&view.words.tail, &view.writers, capacity)?;
    help_cursor(&view.words.head, &view.readers, capacity)?;
    for slot in 0..capacity {
        let claim = record_of(&view.writers, capacity, slot)?;
        let position = claim.position();
        if claim.owner() == dead && stamp_of(view, position).to_bits() == free(position) {
            let void = Stamp::new(position, State::Void).to_bits();
            view.slots.slot(position).stamp().store(void, E1_PUBLISH.release()); // E1
            found(position, Outcome::Void);
        }
    }
    for slot in 0..capacity {
        let claim = record_of(&view.readers, capacity, slot)?;
        let position = claim.position();
        let stamp = stamp_of(view, position);
        if claim.owner() != dead || stamp.position() != position {
            continue;
        }
        let release = || {
            let next_lap = free(position.wrapping_add(capacity));
            view.slots.slot(position).stamp().store(next_lap, E2_RELEASE.release()); // E2
        };
        match stamp.state() {
            State::Free => {}
            State::Void => {
                release();
                found(position, Outcome::Skipped);
            }
            State::Full | State::Orphan if view.discard => {
                release();
                found(position, Outcome::Discarded);
            }
            State::Full | State::Orphan => {
                orphan(view, position, dead);
                found(position, Outcome::Orphan(stamp.redeliveries()));
            }
        }
    }
    count_orphans(view);
    Ok(())
}

/// The record of slot number `slot`, which can only be of a position of that slot.
fn record_of(records: &Records, capacity: u64, slot: u64) -> Result<Claim, Corruption> {
    let claim = Claim::from_bits(records.at(slot).load(E4_RECORD.acquire())); // E4
    if claim.position() & (capacity - 1) == slot {
        Ok(claim)
    } else {
        Err(Corruption { what: Word::Claim, found: claim.to_bits() })
    }
}

/// The stamp of the slot of `position`, whose payload need not be seen.
fn stamp_of<P: Payload + ?Sized>(view: &View<P>, position: u64) -> Stamp {
    // Relaxed: it is the dead one's to store, and the kernel's lock orders all that it stored before this.
    Stamp::from_bits(view.slots.slot(position).stamp().load(Ordering::Relaxed))
}

/// Records whatever was claimed and is not on record.
fn help_cursor(cursor: &AtomicU64, records: &Records, capacity: u64) -> Result<(), Corruption> {
    for _ in 0..ATTEMPTS {
        let seen = Claim::from_bits(cursor.load(E3_CURSOR.acquire())); // E3
        if help(cursor, records, capacity, seen)? == Recorded::All {
            return Ok(());
        }
    }
    Err(Corruption { what: Word::Claim, found: cursor.load(Ordering::Relaxed) })
}
