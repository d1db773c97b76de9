//! What the next owner of a role, or [`Ring::repair`](super::Ring::repair), puts in order behind the last one.
//!
//! Each function runs under the lock byte of the role that it repairs, is idempotent, and leaves the ring as the dead
//! owner's next instruction might have found it: a repairer that dies changes nothing for the one after it.

use crate::element::Payload;
use crate::error::{Corruption, Word};
use crate::position::{distance, full};
use crate::slots::View;
use crate::sync::Ordering;

/// The position at which a producer goes on: behind the run of committed items that starts at head.
///
/// The tail word may lag behind the stamps, and even behind head: its owner may have died between the two stores.
pub(crate) fn producer<P: Payload + ?Sized>(view: &View<P>) -> u64 {
    // Relaxed, head and stamps: the kernel's lock orders all that the predecessor saw and stored before this, nothing
    // but its own stamps is looked for, and no slot is written before the writer has acquired head (E2).
    let mut tail = view.words.head.load(Ordering::Relaxed);
    for _ in 0..view.slots.capacity() {
        if view.slots.slot(tail).stamp().load(Ordering::Relaxed) != full(tail) {
            break;
        }
        tail = tail.wrapping_add(1);
    }
    view.words.tail.store(tail, Ordering::Relaxed); // Relaxed: as in `Writer::advance`
    tail
}

/// Where a consumer goes on, and up to where items count as looked at: `(head, seen)`.
///
/// A dead predecessor may have handed out the item at head without noting it, so that one counts as seen if `died`.
pub(crate) fn consumer<P: Payload + ?Sized>(view: &View<P>, died: bool) -> Result<(u64, u64), Corruption> {
    // Relaxed: words of the same role's predecessor, ordered by the kernel's lock.
    let head = view.words.head.load(Ordering::Relaxed);
    let mark = view.words.read_mark.load(Ordering::Relaxed);
    let seen = distance(mark, head);
    if seen > view.slots.capacity().cast_signed() {
        return Err(Corruption { what: Word::Head, found: head });
    }
    let seen = seen.max(i64::from(died)).max(0).cast_unsigned();
    let mark = head.wrapping_add(seen);
    view.words.read_mark.store(mark, Ordering::Relaxed);
    Ok((head, mark))
}
