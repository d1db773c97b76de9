//! What a doorbell sees of its handle: whether a `try_` call of it would find something.

use crate::attachment::Peers;
use crate::element::Payload;
use crate::pair::{PRODUCER, peers_of};
use crate::position::{distance, full};
use crate::slots::{View, Words};
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
        // Relaxed throughout: whoever acts on the answer looks again by itself, and the stamp is compared, not trusted.
        let head = self.words.head.load(Ordering::Relaxed);
        let capacity = self.slots.capacity().cast_signed();
        if handle.role.writes() {
            let used = distance(self.words.tail.load(Ordering::Relaxed), head);
            return self.words.status.flags.load(Ordering::Relaxed) != 0 || used != capacity;
        }
        let ahead = handle.signals.ahead();
        // A position that was read ahead counts while it is one of this lap's.
        let next = if (0..=capacity).contains(&distance(ahead, head)) { ahead } else { head };
        handle.is_over(PRODUCER) || self.slots.slot(next).stamp().load(Ordering::Relaxed) == full(next)
    }
}
