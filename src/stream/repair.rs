//! What the next owner of a role, or [`Ring::repair`](super::Ring::repair), puts in order behind the last one.
//!
//! Each function runs under the lock byte of the role that it repairs, is idempotent, and leaves the ring as the dead
//! owner's next instruction might have found it: a repairer that dies changes nothing for the one after it.

use crate::element::Payload;
use crate::error::{Corruption, Word};
use crate::packed::View;
use crate::position::distance;
use crate::sync::Ordering;

/// The position at which a writer goes on: tail is the commit, so nothing of what a dead writer had begun is there.
pub(crate) fn writer<P: Payload + ?Sized>(view: &View<P>) -> u64 {
    view.words.tail.load(Ordering::Relaxed) // Relaxed: the predecessor's word, ordered by the kernel's lock.
}

/// Where a reader goes on, and up to where units count as looked at: `(head, seen)`. Whatever a reader hands out unreleased it
/// has noted before, so a dead one leaves no more than that.
pub(crate) fn reader<P: Payload + ?Sized>(view: &View<P>) -> Result<(u64, u64), Corruption> {
    // Relaxed: words of the same role's predecessor, ordered by the kernel's lock.
    let head = view.words.head.load(Ordering::Relaxed);
    let seen = distance(view.words.read_mark.load(Ordering::Relaxed), head);
    if seen > view.units.capacity().cast_signed() {
        return Err(Corruption { what: Word::Head, found: head });
    }
    let mark = head.wrapping_add(seen.max(0).cast_unsigned());
    view.words.read_mark.store(mark, Ordering::Relaxed);
    Ok((head, mark))
}
