//! What a doorbell knows of its handle, wherever the handle is: whether a `try_` call of it would find something.

use std::fmt;
use std::sync::Arc;

use super::port::{Port, peer_of, view, writer_gone};
use crate::attachment::{Attachment, Peers};
use crate::element::Payload;
use crate::error::Fault;
use crate::layout::words::{CLOSED, CLOSING, RETIRED};
use crate::port::bell_of;
use crate::position::{distance, full};
use crate::slots::View;
use crate::source::{HeldBell, Signals, Source};
use crate::sync::Ordering;
use crate::vocabulary::Role;

/// The handle of one role, seen from outside.
pub(super) struct Watch<P: Payload + ?Sized> {
    view: View<P>,
    attachment: Arc<Attachment>,
    role: Role,
    signals: Arc<Signals>,
}

impl<P: Payload + ?Sized> Watch<P> {
    pub(super) fn of(port: &Port<P>, role: Role) -> Self {
        Self {
            view: view(&port.attachment),
            attachment: Arc::clone(&port.attachment),
            role,
            signals: Arc::clone(&port.signals),
        }
    }

    /// Whether an item lies where the consumer reads next, or none ever will.
    fn has_item(&self) -> bool {
        // Relaxed throughout: whoever acts on the answer looks again by itself, and the stamp is compared, not trusted.
        let (words, slots) = (&self.view.words, &self.view.slots);
        let flags = words.status.flags.load(Ordering::Relaxed);
        if flags & (CLOSED | RETIRED) != 0 || (flags & CLOSING != 0 && writer_gone(&self.attachment)) {
            return true;
        }
        let head = words.head.load(Ordering::Relaxed);
        let ahead = self.signals.ahead();
        // A position that was read ahead counts while it is one of this lap's.
        let lead = distance(ahead, head);
        let next = if (0..=slots.capacity().cast_signed()).contains(&lead) { ahead } else { head };
        slots.slot(next).stamp().load(Ordering::Relaxed) == full(next)
    }

    /// Whether a slot is free, or none ever will be.
    fn has_room(&self) -> bool {
        let (words, slots) = (&self.view.words, &self.view.slots);
        // Relaxed throughout: as above.
        let used = distance(words.tail.load(Ordering::Relaxed), words.head.load(Ordering::Relaxed));
        words.status.flags.load(Ordering::Relaxed) != 0 || used != slots.capacity().cast_signed()
    }
}

impl<P: Payload + ?Sized> Source for Watch<P> {
    fn bell(&self) -> HeldBell {
        HeldBell::of(&self.view.words, bell_of(self.role))
    }

    fn has_bell(&self) -> bool {
        self.attachment.has_bell()
    }

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
        if self.role.writes() { self.has_room() } else { self.has_item() }
    }

    fn look_around(&self) {
        match self.attachment.look_around(Peers::Entry(peer_of(self.role))) {
            None => {}
            Some(Fault::Truncated) => self.signals.stop(),
            Some(_) => self.signals.alarm(),
        }
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Watch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("role", &self.role).field("region", &self.attachment.region).finish()
    }
}
