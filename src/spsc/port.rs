//! What both handles are: a view of the ring, a held role, and the faults that end them.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{algorithm::Corruption, repair};
use crate::attachment::Attachment;
use crate::barrier::Barrier;
use crate::element::Payload;
use crate::error::{AttachError, Fault};
use crate::layout::words::{Bell, Shared, counter};
use crate::participant::{self, Membership, Peer};
use crate::slots::{Slots, View};
use crate::source::Signals;
use crate::sys::fork::Glance;
use crate::vocabulary::Role;
use crate::wait::{Limit, Next, Patience, Rounds, Waiter};

/// Number of the producer's entry.
pub(super) const PRODUCER: u32 = 0;
/// Number of the consumer's entry.
pub(super) const CONSUMER: u32 = 1;
/// Entries of the participant table.
pub(super) const ENTRIES: u32 = 2;

/// A held role.
pub(super) struct Port<P: Payload + ?Sized> {
    pub(super) view: View<P>,
    pub(super) attachment: Arc<Attachment>,
    pub(super) membership: Membership,
    /// Void in forked children, and once a fault has ended the handle.
    permit: Glance,
    fault: Option<Fault>,
    rounds: Rounds,
    patience: Patience,
    pub(super) barrier: Barrier,
    pub(super) signals: Arc<Signals>,
    role: Role,
    /// One thread at a time: `Send`, not `Sync`.
    unshared: PhantomData<Cell<()>>,
}

impl<P: Payload + ?Sized> Port<P> {
    /// Takes `role`, repairing what a dead owner left, and says where it goes on: for a producer `(tail, tail)`, for a
    /// consumer `(head, seen)`.
    pub(super) fn attach(
        attachment: &Arc<Attachment>,
        role: Role,
    ) -> Result<(Self, (u64, u64)), AttachError> {
        let view = view(attachment);
        let index = entry_of(role);
        let (membership, cursors) =
            Membership::attach(&attachment.region, index, role, &attachment.attach.label, |died| {
                settle(&view, role, died)
            })?;
        let signals = Arc::new(Signals::new(cursors.0));
        let port = Self {
            view,
            membership,
            permit: signals.permit(),
            fault: None,
            rounds: Rounds::new(),
            patience: attachment.patience(),
            barrier: attachment.settle_barrier(),
            signals,
            attachment: Arc::clone(attachment),
            role,
            unshared: PhantomData,
        };
        Ok((port, cursors))
    }

    /// Whether the handle works here.
    #[inline]
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.permit.is_valid() { Ok(()) } else { self.check_closely() }
    }

    #[cold]
    fn check_closely(&self) -> Result<(), Fault> {
        if self.permit.is_void() {
            return Err(self.why_not());
        }
        self.rounds.hurry(); // Alarmed: if the call finds nothing, it asks why.
        Ok(())
    }

    /// A fault that others found is noted nowhere else: there is one.
    fn why_not(&self) -> Fault {
        let unnoted = if self.membership.may_write() { Fault::Truncated } else { Fault::Forked };
        self.fault.unwrap_or(unnoted)
    }

    /// Whether the region is this handle's to write.
    pub(super) fn may_write(&self) -> bool {
        self.membership.may_write() && (self.fault.is_some() || !self.permit.is_void())
    }

    /// Ends the handle: every later call fails with `fault`.
    #[cold]
    pub(super) fn end(&mut self, fault: Fault) -> Fault {
        self.fault = Some(fault);
        if fault == Fault::Truncated {
            self.membership.lose();
        }
        self.signals.stop();
        fault
    }

    /// Ends the handle because of `corruption`.
    pub(super) fn corrupted(&mut self, Corruption { what, found }: Corruption) -> Fault {
        self.end(Fault::Corrupted { what, found })
    }

    /// Counts a fruitless call; says whether it should ask [`polled`](Port::polled).
    #[inline]
    pub(super) fn counts_poll(&mut self) -> bool {
        self.rounds.count()
    }

    /// After a fruitless call: looks now and then whether anybody can still change what it found, and at once where
    /// somebody who waits on the handle's behalf found out that nobody can.
    #[cold]
    pub(super) fn polled(&mut self) -> Option<Fault> {
        if self.signals.is_alarmed() {
            let fault = self.look_around();
            if fault.is_none() {
                self.signals.calm();
            }
            return fault;
        }
        // A peer's death concerns calls that wait.
        if self.rounds.is_due_by_count() {
            self.look_around().filter(|it| *it == Fault::Unlinked)
        } else {
            None
        }
    }

    fn look_around(&self) -> Option<Fault> {
        self.attachment.look_around(peer_of(self.role))
    }

    /// A call that will wait.
    pub(super) fn waiter(&self, limit: Limit) -> Waiter {
        Waiter::new(limit, self.patience)
    }

    /// Waits a little, or sleeps until the peer rings. `Ok(false)`: the limit passed, look for the last time.
    pub(super) fn pause(&mut self, waiter: &mut Waiter) -> Result<bool, Fault> {
        let words = &self.view.words;
        let next = waiter.pause(words, bell_of(self.role)(words))?;
        // Without touching the ring: it may be gone.
        if next == Next::LookAround || (next == Next::TimedOut && waiter.slept()) {
            match self.look_around() {
                Some(fault) if next == Next::LookAround || fault == Fault::Truncated => return Err(fault),
                _ => {}
            }
        }
        Ok(next != Next::TimedOut)
    }

    /// A call has waited.
    pub(super) fn waited(&mut self, waiter: &Waiter) {
        self.patience.learn(waiter);
        if waiter.slept() && self.may_write() {
            self.membership.count(counter::SLEEPS);
        }
    }

    pub(super) fn peer(&self) -> Peer {
        participant::peer(&self.attachment.region, peer_of(self.role))
    }
}

impl<P: Payload + ?Sized> Drop for Port<P> {
    fn drop(&mut self) {
        if !self.may_write() {
            self.membership.lose();
        }
        self.signals.leave();
    }
}

/// Number of the entry of `role`.
fn entry_of(role: Role) -> u32 {
    match role {
        Role::Producer => PRODUCER,
        Role::Consumer => CONSUMER,
    }
}

/// The bell that the owner of `role` waits for.
pub(super) fn bell_of(role: Role) -> fn(&Shared) -> &Bell {
    match role {
        Role::Producer => |it| &it.not_full,
        Role::Consumer => |it| &it.not_empty,
    }
}

/// Number of the entry of the other role.
pub(super) fn peer_of(role: Role) -> u32 {
    match role {
        Role::Producer => CONSUMER,
        Role::Consumer => PRODUCER,
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Port<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("region", &self.attachment.region)
            .field("works", &self.check())
            .finish_non_exhaustive()
    }
}

/// Whether the producer's byte is proven free.
pub(super) fn writer_gone(attachment: &Attachment) -> bool {
    !participant::is_held(&attachment.region, PRODUCER)
}

/// The ring's words and slots.
pub(super) fn view<P: Payload + ?Sized>(attachment: &Attachment) -> View<P> {
    View { words: crate::slots::Words::of(&attachment.region), slots: Slots::of(&attachment.region) }
}

/// Puts in order what the last owner of `role` left; the caller holds its byte.
pub(super) fn settle<P: Payload + ?Sized>(
    view: &View<P>,
    role: Role,
    died: bool,
) -> Result<(u64, u64), AttachError> {
    match role {
        Role::Producer => {
            let tail = repair::producer(view);
            Ok((tail, tail))
        }
        Role::Consumer => repair::consumer(view, died)
            .map_err(|Corruption { what, found }| AttachError::Corrupted { what, found }),
    }
}
