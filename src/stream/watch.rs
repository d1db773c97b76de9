//! What a doorbell knows of its handle, wherever the handle is: whether a `try_` call of it would find something.

use std::fmt;
use std::sync::Arc;

use super::port::{CONSUMER, PRODUCER, Port, view, writer_gone};
use crate::attachment::{Attachment, Peers};
use crate::element::Payload;
use crate::error::Fault;
use crate::layout::words::{CLOSED, CLOSING, RETIRED};
use crate::packed::View;
use crate::port::bell_of;
use crate::position::distance;
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

    /// How many units are committed and not released, as the ring's words say.
    fn used(&self) -> i64 {
        // Relaxed throughout: whoever acts on the answer looks again by itself.
        let (tail, head) = (&self.view.words.tail, &self.view.words.head);
        distance(tail.load(Ordering::Relaxed), head.load(Ordering::Relaxed))
    }

    /// Whether something lies where the reader reads next, or nothing ever will.
    fn has_item(&self) -> bool {
        // Relaxed throughout: as above.
        let words = &self.view.words;
        let flags = words.status.flags.load(Ordering::Relaxed);
        if flags & (CLOSED | RETIRED) != 0 || (flags & CLOSING != 0 && writer_gone(&self.attachment)) {
            return true;
        }
        let head = words.head.load(Ordering::Relaxed);
        // A position that was read ahead counts while it is one of this lap's.
        let lead = distance(self.signals.ahead(), head);
        let lead = if (0..=self.view.capacity().cast_signed()).contains(&lead) { lead } else { 0 };
        self.used() > lead
    }

    /// Whether there is as much room as the writer lacked, or none ever will be.
    fn has_room(&self) -> bool {
        // Relaxed: as above.
        let flags = self.view.words.status.flags.load(Ordering::Relaxed);
        let needed = self.signals.ahead().clamp(1, self.view.capacity());
        flags != 0 || self.used() <= (self.view.capacity() - needed).cast_signed()
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
        let peer = if self.role.writes() { CONSUMER } else { PRODUCER };
        match self.attachment.look_around(Peers::Entry(peer)) {
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
