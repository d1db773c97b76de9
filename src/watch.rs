//! What a doorbell knows of its handle, wherever the handle is: what is the same for every kind of ring.

use std::fmt;
use std::sync::Arc;

use crate::attachment::{Attachment, Peers};
use crate::error::Fault;
use crate::halt::End;
use crate::participant;
use crate::port::{Port, bell_of};
use crate::slots::Words;
use crate::source::{HeldBell, Signals, Source};
use crate::sync::Ordering;
use crate::vocabulary::Role;

/// A handle, seen from outside.
pub(crate) struct Watch<O> {
    outlook: O,
    handle: Watched,
}

/// Whose doorbell it is.
pub(crate) struct Watched {
    pub(crate) attachment: Arc<Attachment>,
    pub(crate) role: Role,
    pub(crate) signals: Arc<Signals>,
}

/// What can be seen of a handle from outside, in a kind of ring.
pub(crate) trait Outlook: Send + Sync {
    /// Whether others than the handle, and those who wait on its behalf, can sleep at its bell.
    const IS_SHARED: bool;

    fn words(&self) -> &Words;

    /// Whom the handle waits for.
    fn peers(&self, role: Role) -> Peers;

    /// Whether a `try_` call of `handle` would find something, or nothing ever will come.
    fn is_ready(&self, handle: &Watched) -> bool;

    /// Puts in order what somebody left who died and is in the handle's way.
    fn clear_the_way(&self, handle: &Watched) {
        let _ = handle;
    }
}

impl<O: Outlook> Watch<O> {
    /// Of the handle of `port`, as `outlook` sees it.
    pub(crate) fn of<V>(port: &Port<V>, outlook: O) -> Self {
        let (attachment, signals) = (Arc::clone(&port.attachment), Arc::clone(&port.signals));
        Self { outlook, handle: Watched { attachment, role: port.role(), signals } }
    }
}

impl Watched {
    /// Whether nothing follows what is in a ring of one writer, which holds entry `writer`.
    pub(crate) fn is_over(&self, writer: u32) -> bool {
        // Relaxed: whoever acts on the answer looks again by itself.
        let flags = self.attachment.region.shared().status.flags.load(Ordering::Relaxed);
        let is_gone = || !participant::is_held(&self.attachment.region, writer);
        End::of_reads(flags, is_gone).is_some()
    }
}

impl<O: Outlook> Source for Watch<O> {
    fn bell(&self) -> HeldBell {
        HeldBell::of(self.outlook.words(), bell_of(self.handle.role))
    }

    fn has_bell(&self) -> bool {
        self.handle.attachment.has_bell()
    }

    fn is_shared(&self) -> bool {
        O::IS_SHARED
    }

    fn signals(&self) -> &Signals {
        &self.handle.signals
    }

    fn is_ready(&self) -> bool {
        let signals = &self.handle.signals;
        !signals.is_gone() && (signals.is_alarmed() || self.outlook.is_ready(&self.handle))
    }

    fn look_around(&self) {
        let Watched { attachment, role, signals } = &self.handle;
        match attachment.look_around(self.outlook.peers(*role)) {
            Some(Fault::Truncated) => return signals.stop(),
            Some(_) => signals.alarm(),
            None => {}
        }
        self.outlook.clear_the_way(&self.handle);
    }
}

impl<O> fmt::Debug for Watch<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Watched { attachment, role, .. } = &self.handle;
        f.debug_struct("Watch").field("role", role).field("region", &attachment.region).finish()
    }
}
