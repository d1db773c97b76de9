//! What a doorbell sees of its handle: whether a `try_` call of it would find something.

use std::sync::{Mutex, PoisonError};

use super::algorithm::View;
use super::gates;
use super::port::{PUBLISHER, Port, view};
use super::suspicion::Suspicion;
use crate::attachment::Peers;
use crate::element::Payload;
use crate::position::{distance, full};
use crate::slots::Words;
use crate::sync::Ordering;
use crate::vocabulary::Role;
use crate::watch::{self, Outlook, Watched};

/// A ring, seen from outside, and what is known of the gates that hold its publisher up.
pub(super) struct Lookout<P: Payload + ?Sized> {
    view: View<P>,
    suspicion: Mutex<Suspicion>,
}

/// What sees the handle of `port` from outside.
pub(super) fn watch<P: Payload + ?Sized>(port: &Port<P>) -> watch::Watch<Lookout<P>> {
    watch::Watch::of(port, Lookout { view: view(&port.attachment), suspicion: Mutex::default() })
}

impl<P: Payload + ?Sized> Lookout<P> {
    /// The position of the next item, as the publisher says it.
    fn tail(&self) -> u64 {
        self.view.words.tail.load(Ordering::Relaxed) // Relaxed: as in `is_ready`.
    }
}

impl<P: Payload + ?Sized> Outlook for Lookout<P> {
    /// Whoever rings calls everybody.
    const IS_SHARED: bool = false;

    fn words(&self) -> &Words {
        &self.view.words
    }

    fn peers(&self, role: Role) -> Peers {
        if role.writes() { Peers::Nobody } else { Peers::Entry(PUBLISHER) }
    }

    /// For a subscriber also where the item that comes next was there, and is overwritten.
    fn is_ready(&self, handle: &Watched) -> bool {
        // Relaxed throughout: whoever acts on the answer looks again by itself, and the stamp is compared, not trusted.
        if handle.role.writes() {
            let flags = self.view.words.status.flags.load(Ordering::Relaxed);
            return flags != 0 || gates::blocking(&self.view, self.tail()).next().is_none();
        }
        let next = handle.signals.ahead();
        let stamp = self.view.slots.slot(next).stamp().load(Ordering::Relaxed);
        handle.is_over(PUBLISHER) || stamp == full(next) || distance(stamp >> 2, next) > 0
    }

    /// Frees a gate that holds the publisher up and is nobody's any more.
    fn clear_the_way(&self, handle: &Watched) {
        // Not on behalf of a handle that has ended, or is a forked child's copy.
        if handle.role.writes() && !handle.signals.is_alarmed() {
            let mut suspicion = self.suspicion.lock().unwrap_or_else(PoisonError::into_inner);
            // Cleared or not, whoever waits looks again.
            suspicion.clears_the_way(&handle.attachment, &self.view, self.tail());
        }
    }
}
