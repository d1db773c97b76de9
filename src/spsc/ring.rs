//! An open ring: hands out its two roles, and answers for the whole.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::port::{self, CONSUMER, PRODUCER};
use super::{Consumer, Producer};
use crate::attachment::Attachment;
use crate::doorbell;
use crate::element::Payload;
use crate::error::{AttachError, UnlinkError};
use crate::layout::words::CLOSING;
use crate::participant::{self, Participant, Peer, RepairReport};
use crate::position::Position;
use crate::surface::common_ring;
use crate::sync::Ordering;
use crate::vocabulary::Role;

/// An open ring of `P`: hands out its two roles. Cheap to clone; clones and handles keep the ring mapped.
pub struct Ring<P: Payload + ?Sized> {
    attachment: Arc<Attachment>,
    carried: PhantomData<fn(&P)>,
}

impl<P: Payload + ?Sized> Ring<P> {
    /// Takes the producer's role. Where the last owner died its work is continued: the sequence goes on behind the
    /// last item that it committed.
    ///
    /// Makes system calls; waits up to 100 ms for a holder that is only passing through (a repair, a removal).
    ///
    /// # Errors
    ///
    /// [`AttachError::RoleTaken`] while another living handle has it; [`AttachError::Unlinked`] where the ring's name
    /// was removed or given to another ring.
    pub fn producer(&self) -> Result<Producer<P>, AttachError> {
        Producer::attach(self)
    }

    /// Takes the consumer's role. Where the last owner died its work is continued: with the oldest item that it had
    /// not released.
    ///
    /// Makes system calls; waits up to 100 ms for a holder that is only passing through (a repair, a removal).
    ///
    /// # Errors
    ///
    /// [`AttachError::RoleTaken`] while another living handle has it; [`AttachError::Unlinked`] where the ring's name
    /// was removed or given to another ring.
    pub fn consumer(&self) -> Result<Consumer<P>, AttachError> {
        Consumer::attach(self)
    }

    /// Sleeps in the kernel until the producer's role is free, and takes it: a hot standby that polls nothing.
    ///
    /// Blocks without a limit; a signal does not end it.
    ///
    /// # Errors
    ///
    /// As [`producer`](Ring::producer), except for `RoleTaken`. `Unlinked` is noticed when the role is given up.
    pub fn producer_standby(&self) -> Result<Producer<P>, AttachError> {
        self.stand_by(PRODUCER, Self::producer)
    }

    /// Sleeps in the kernel until the consumer's role is free, and takes it: a hot standby that polls nothing.
    ///
    /// Blocks without a limit; a signal does not end it.
    ///
    /// # Errors
    ///
    /// As [`consumer`](Ring::consumer), except for `RoleTaken`. `Unlinked` is noticed when the role is given up.
    pub fn consumer_standby(&self) -> Result<Consumer<P>, AttachError> {
        self.stand_by(CONSUMER, Self::consumer)
    }

    fn stand_by<H>(
        &self,
        index: u32,
        attach: impl Fn(&Self) -> Result<H, AttachError>,
    ) -> Result<H, AttachError> {
        loop {
            participant::await_release(&self.attachment.region, index)?;
            match attach(self) {
                Err(AttachError::RoleTaken { .. }) => {}
                result => return result,
            }
        }
    }

    /// Whether a producer is there. Makes a few system calls.
    #[must_use]
    pub fn producer_state(&self) -> Peer {
        participant::peer(&self.attachment.region, PRODUCER)
    }

    /// Whether a consumer is there. Makes a few system calls.
    #[must_use]
    pub fn consumer_state(&self) -> Peer {
        participant::peer(&self.attachment.region, CONSUMER)
    }

    /// Ends the ring for good: pushes fail with `Closed`; pops deliver what is there and then say `Closed`.
    ///
    /// A push that was begun is still delivered, so while the producer lives an empty ring is `Empty`, not `Closed`.
    /// A producer that wants its consumer to know at once calls [`Producer::close`].
    pub fn close(&self) {
        // Relaxed: pushes see it some time; a consumer acts on it only with proof that the producer is gone, and the
        // kernel's lock orders that proof behind the producer's last push.
        self.attachment.region.shared().status.flags.fetch_or(CLOSING, Ordering::Relaxed);
        doorbell::ring_out(self.attachment.region.shared());
    }

    /// Puts in order what dead participants left, as their successors would.
    ///
    /// # Errors
    ///
    /// [`AttachError::Unlinked`], [`AttachError::Corrupted`], or the operating system's refusal.
    pub fn repair(&self) -> Result<RepairReport, AttachError> {
        let region = &self.attachment.region;
        let view = port::view::<P>(&self.attachment);
        let mut report = RepairReport::default();
        for (index, role) in [(PRODUCER, Role::Producer), (CONSUMER, Role::Consumer)] {
            let found = participant::participant(region, index);
            let settle = |died| port::settle(&view, role, died).map(|_| ());
            if participant::repair_dead(region, index, settle)? {
                report.repaired.push(found);
            }
        }
        Ok(report)
    }

    /// Who keeps the producer waiting: the consumer's entry, while the ring is full.
    #[must_use]
    pub fn blocked_on(&self) -> Option<Participant> {
        let full = self.len() == self.capacity();
        full.then(|| participant::participant(&self.attachment.region, CONSUMER))
    }
}

common_ring!();
