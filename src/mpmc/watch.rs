//! What a doorbell knows of its handle, wherever the handle is: whether a `try_` call of it would find something.

use std::fmt;
use std::sync::Arc;

use super::algorithm::{Writer, blocking_writers};
use super::claims::View;
use super::port::{Port, view};
use super::reader::{Reader, blocking_readers, is_drained};
use super::suspicion::{resolve, resolve_readers};
use crate::attachment::{Attachment, Peers};
use crate::element::Payload;
use crate::error::Fault;
use crate::layout::words::RETIRED;
use crate::port::bell_of;
use crate::source::{HeldBell, Signals, Source};
use crate::sync::Ordering;
use crate::vocabulary::Role;

/// A handle, seen from outside.
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

    fn peers(&self) -> Peers {
        Peers::Role(if self.role == Role::Producer { Role::Consumer } else { Role::Producer })
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
        true
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }

    fn is_ready(&self) -> bool {
        if self.signals.is_gone() {
            return false;
        }
        // Relaxed: whoever acts on the answer looks again by itself.
        let flags = self.view.words.status.flags.load(Ordering::Relaxed);
        if self.signals.is_alarmed() || flags & RETIRED != 0 {
            return true;
        }
        if self.role.writes() {
            flags != 0 || Writer::finds_room(&self.view)
        } else {
            Reader::finds_item(&self.view, self.signals.ahead()) || (flags != 0 && is_drained(&self.view))
        }
    }

    /// Also puts in order what somebody left who died and is in the way, or had items that come back.
    fn look_around(&self) {
        match self.attachment.look_around(self.peers()) {
            Some(Fault::Truncated) => return self.signals.stop(),
            Some(_) => self.signals.alarm(),
            None => {}
        }
        let hold =
            if self.role.writes() { blocking_writers(&self.view) } else { blocking_readers(&self.view) };
        if let Some(hold) = hold {
            resolve(&self.attachment, &self.view, hold);
        }
        if self.role == Role::Consumer {
            resolve_readers(&self.attachment, &self.view);
        }
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Watch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("role", &self.role).field("region", &self.attachment.region).finish()
    }
}
