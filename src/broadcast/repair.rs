//! What the next owner of an entry, the publisher, or [`Ring::repair`](super::Ring::repair), puts in order behind the last
//! owner.
//!
//! Each function runs under the lock byte of the entry that it repairs, is idempotent, and leaves the ring as the dead
//! owner's next instruction might have found it: a repairer that dies changes nothing for the one after it.

use super::algorithm::View;
use super::gates::{Legacy, State};
use crate::element::Payload;
use crate::error::{Corruption, Word};
use crate::position::{distance, full};
use crate::sync::Ordering;

/// The position at which a publisher goes on: behind the run of published items that starts at the tail word, which may lag
/// behind the stamps by half a capacity.
pub(crate) fn publisher<P: Payload + ?Sized>(view: &View<P>) -> u64 {
    // Relaxed, all: the kernel's lock orders what the predecessor stored before this, and nothing else is looked for.
    let mut tail = view.words.tail.load(Ordering::Relaxed);
    for _ in 0..view.slots.capacity() {
        if view.slots.slot(tail).stamp().load(Ordering::Relaxed) != full(tail) {
            break;
        }
        tail = tail.wrapping_add(1);
    }
    view.words.tail.store(tail, Ordering::Relaxed);
    tail
}

/// What the next owner of gate number `gate` finds there: if it is to be kept, where the last one stopped. A predecessor
/// that died may have handed out the oldest item without noting it, so that one counts as seen.
pub(crate) fn gate<P: Payload + ?Sized>(
    view: &View<P>,
    gate: usize,
    keep: bool,
    died: bool,
) -> Result<Legacy, Corruption> {
    let words = &view.gates[gate];
    if !keep || words.stands().state() != State::Active {
        words.free();
        return Ok(Legacy::Nothing);
    }
    // Relaxed, all: words of the gate's predecessor, ordered by the kernel's lock.
    let head = words.cursor.load(Ordering::Relaxed);
    let seen = distance(words.mark.load(Ordering::Relaxed), head);
    // What lay before `joined` may have been overwritten while it was read ahead: a capacity before, and one behind.
    if seen > view.slots.capacity().cast_signed().saturating_mul(2) {
        return Err(Corruption { what: Word::Head, found: head });
    }
    let seen = head.wrapping_add(seen.max(i64::from(died)).max(0).cast_unsigned());
    words.mark.store(seen, Ordering::Relaxed);
    let joined = words.joined.load(Ordering::Relaxed);
    let joined = if distance(joined, head) < 0 { head } else { joined };
    Ok(Legacy::Held { head, seen, joined })
}
