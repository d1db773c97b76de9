//! What a doorbell sees of its handle: whether a `try_` call of it would find something.

use super::algorithm::{Writer, blocking_writers};
use super::claims::View;
use super::port::peers_of;
use super::reader::{Reader, blocking_readers, is_drained};
use super::suspicion::{resolve, resolve_readers};
use crate::attachment::Peers;
use crate::element::Payload;
use crate::layout::words::RETIRED;
use crate::slots::Words;
use crate::sync::Ordering;
use crate::vocabulary::Role;
use crate::watch::{Outlook, Watched};

impl<P: Payload + ?Sized> Outlook for View<P> {
    const IS_SHARED: bool = true;

    fn words(&self) -> &Words {
        &self.words
    }

    fn peers(&self, role: Role) -> Peers {
        peers_of(role)
    }

    fn is_ready(&self, handle: &Watched) -> bool {
        // Relaxed: whoever acts on the answer looks again by itself.
        let flags = self.words.status.flags.load(Ordering::Relaxed);
        if flags & RETIRED != 0 {
            return true;
        }
        if handle.role.writes() {
            flags != 0 || Writer::finds_room(self)
        } else {
            Reader::finds_item(self, handle.signals.ahead()) || (flags != 0 && is_drained(self))
        }
    }

    /// Puts in order what somebody left who died and is in the way, or had items that come back.
    fn clear_the_way(&self, handle: &Watched) {
        let writes = handle.role.writes();
        if let Some(hold) = if writes { blocking_writers(self) } else { blocking_readers(self) } {
            resolve(&handle.attachment, self, hold);
        }
        if !writes {
            resolve_readers(&handle.attachment, self);
        }
    }
}
