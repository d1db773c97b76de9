//! What a doorbell knows of its handle, wherever the handle is: whether a `try_` call of it would find something.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::algorithm::View;
use super::gates;
use super::port::{PUBLISHER, Port, view, writer_gone};
use super::suspicion::Suspicion;
use crate::attachment::{Attachment, Peers};
use crate::element::Payload;
use crate::error::Fault;
use crate::layout::words::{CLOSED, CLOSING, RETIRED};
use crate::port::bell_of;
use crate::position::{distance, full};
use crate::source::{HeldBell, Signals, Source};
use crate::sync::Ordering;
use crate::vocabulary::Role;

/// A handle, seen from outside.
pub(super) struct Watch<P: Payload + ?Sized> {
    view: View<P>,
    attachment: Arc<Attachment>,
    role: Role,
    /// What is known of the gate that holds the publisher up.
    suspicion: Mutex<Suspicion>,
    signals: Arc<Signals>,
}

impl<P: Payload + ?Sized> Watch<P> {
    pub(super) fn of_publisher(port: &Port<P>) -> Self {
        Self::of(port, Role::Publisher)
    }

    pub(super) fn of_subscriber(port: &Port<P>) -> Self {
        Self::of(port, Role::Subscriber)
    }

    fn of(port: &Port<P>, role: Role) -> Self {
        Self {
            view: view(&port.attachment),
            attachment: Arc::clone(&port.attachment),
            role,
            suspicion: Mutex::default(),
            signals: Arc::clone(&port.signals),
        }
    }

    /// Whether the item that comes next is there, or was, or none ever will be.
    fn has_item(&self) -> bool {
        // Relaxed throughout: whoever acts on the answer looks again by itself, and the stamp is compared, not trusted.
        let flags = self.view.words.status.flags.load(Ordering::Relaxed);
        if flags & (CLOSED | RETIRED) != 0 || (flags & CLOSING != 0 && writer_gone(&self.attachment)) {
            return true;
        }
        let next = self.signals.ahead();
        let stamp = self.view.slots.slot(next).stamp().load(Ordering::Relaxed);
        stamp == full(next) || distance(stamp >> 2, next) > 0
    }

    /// The position of the next item, as the publisher says it.
    fn tail(&self) -> u64 {
        self.view.words.tail.load(Ordering::Relaxed) // Relaxed: as above.
    }

    /// Whether no gate is in the way, or nothing can be published any more.
    fn has_room(&self) -> bool {
        // Relaxed: as above.
        self.view.words.status.flags.load(Ordering::Relaxed) != 0
            || gates::blocking(&self.view, self.tail()).next().is_none()
    }
}

impl<P: Payload + ?Sized> Source for Watch<P> {
    fn bell(&self) -> HeldBell {
        HeldBell::of(&self.view.words, bell_of(self.role))
    }

    fn has_bell(&self) -> bool {
        self.attachment.has_bell()
    }

    /// Whoever rings calls everybody.
    fn is_shared(&self) -> bool {
        false
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }

    fn is_ready(&self) -> bool {
        if self.signals.is_gone() {
            return false;
        }
        if self.signals.is_alarmed() {
            return true;
        }
        match self.role {
            Role::Publisher => self.has_room(),
            _ => self.has_item(),
        }
    }

    /// Also frees a gate that holds the publisher up and is nobody's any more.
    fn look_around(&self) {
        let peers = if self.role == Role::Publisher { Peers::Nobody } else { Peers::Entry(PUBLISHER) };
        match self.attachment.look_around(peers) {
            Some(Fault::Truncated) => return self.signals.stop(),
            Some(_) => self.signals.alarm(),
            None => {}
        }
        // Not on behalf of a handle that has ended, or is a forked child's copy.
        if self.role == Role::Publisher && !self.signals.is_alarmed() {
            let mut suspicion = self.suspicion.lock().unwrap_or_else(PoisonError::into_inner);
            // Cleared or not, whoever waits looks again.
            suspicion.clears_the_way(&self.attachment, &self.view, self.tail());
        }
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Watch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("role", &self.role).field("region", &self.attachment.region).finish()
    }
}
