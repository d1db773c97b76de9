//! What both handles are: a view of the ring, a held role, and the faults that end them.

use std::fmt;
use std::sync::Arc;

use super::{algorithm::Corruption, repair};
use crate::attachment::Attachment;
use crate::element::Payload;
use crate::error::{AttachError, Fault};
use crate::participant::{self, Membership, Peer};
use crate::slots::{Slots, View};
use crate::sys::fork::Origin;
use crate::vocabulary::Role;
use crate::wait::{Next, Polls, Waiter};

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
    /// Where the handle works: the process that attached, until a fault ends it everywhere.
    works_in: Origin,
    fault: Option<Fault>,
    polls: Polls,
    peer: u32,
}

impl<P: Payload + ?Sized> Port<P> {
    /// Takes `role`, repairing what a dead owner left, and says where it goes on: for a producer `(tail, tail)`, for a
    /// consumer `(head, seen)`.
    pub(super) fn attach(
        attachment: &Arc<Attachment>,
        role: Role,
    ) -> Result<(Self, (u64, u64)), AttachError> {
        let view = view(attachment);
        let (index, peer) = match role {
            Role::Producer => (PRODUCER, CONSUMER),
            Role::Consumer => (CONSUMER, PRODUCER),
        };
        let (membership, cursors) =
            Membership::attach(&attachment.region, index, role, &attachment.attach.label, |died| {
                settle(&view, role, died)
            })?;
        let works_in = membership.origin();
        let polls = Polls::default();
        let attachment = Arc::clone(attachment);
        Ok((Self { view, attachment, membership, works_in, fault: None, polls, peer }, cursors))
    }

    /// Whether the handle works here.
    #[inline]
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.works_in.is_elsewhere() { Err(self.why_not()) } else { Ok(()) }
    }

    #[cold]
    fn why_not(&self) -> Fault {
        self.fault.unwrap_or(Fault::Forked)
    }

    /// Ends the handle: every later call fails with `fault`.
    #[cold]
    pub(super) fn end(&mut self, fault: Fault) -> Fault {
        self.fault = Some(fault);
        self.works_in = self.works_in.nowhere();
        fault
    }

    /// Ends the handle because of `corruption`.
    pub(super) fn corrupted(&mut self, Corruption { what, found }: Corruption) -> Fault {
        self.end(Fault::Corrupted { what, found })
    }

    /// Counts a fruitless call; says whether it should ask [`polled`](Port::polled).
    #[inline]
    pub(super) fn counts_poll(&mut self) -> bool {
        self.polls.count()
    }

    /// After a fruitless call: looks now and then whether anybody can still change what it found.
    #[cold]
    pub(super) fn polled(&mut self) -> Option<Fault> {
        if self.polls.is_due() { self.attachment.look_around(self.peer) } else { None }
    }

    /// Waits a little. `Ok(false)`: the limit passed.
    pub(super) fn pause(&self, waiter: &mut Waiter) -> Result<bool, Fault> {
        match waiter.pause() {
            Next::Look => Ok(true),
            Next::LookAround => self.attachment.look_around(self.peer).map_or(Ok(true), Err),
            Next::TimedOut => Ok(false),
        }
    }

    pub(super) fn peer(&self) -> Peer {
        participant::peer(&self.attachment.region, self.peer)
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
