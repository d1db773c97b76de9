//! What a doorbell sees of its handle: whether a `try_` call of it would find something.

use crate::attachment::Peers;
use crate::element::Payload;
use crate::packed::View;
use crate::pair::{PRODUCER, peers_of};
use crate::position::distance;
use crate::slots::Words;
use crate::sync::Ordering;
use crate::vocabulary::Role;
use crate::watch::{Outlook, Watched};

impl<P: Payload + ?Sized> Outlook for View<P> {
    const IS_SHARED: bool = false;

    fn words(&self) -> &Words {
        &self.words
    }

    fn peers(&self, role: Role) -> Peers {
        peers_of(role)
    }

    fn is_ready(&self, handle: &Watched) -> bool {
        // Relaxed throughout: whoever acts on the answer looks again by itself.
        let head = self.words.head.load(Ordering::Relaxed);
        let used = distance(self.words.tail.load(Ordering::Relaxed), head);
        let capacity = self.units.capacity();
        if handle.role.writes() {
            // As much as the writer lacked.
            let needed = handle.signals.ahead().clamp(1, capacity);
            let flags = self.words.status.flags.load(Ordering::Relaxed);
            return flags != 0 || used <= (capacity - needed).cast_signed();
        }
        // A position that was read ahead counts while it is one of this lap's.
        let lead = distance(handle.signals.ahead(), head);
        let lead = if (0..=capacity.cast_signed()).contains(&lead) { lead } else { 0 };
        handle.is_over(PRODUCER) || used > lead
    }
}
