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
use crate::sync::Ordering;
use crate::vocabulary::Role;

/// An open ring of `P`: hands out its two roles. Cheap to clone; clones and handles keep the ring mapped.
pub struct Ring<P: Payload + ?Sized> {
    attachment: Arc<Attachment>,
    carried: PhantomData<fn(&P)>,
}

impl<P: Payload + ?Sized> Ring<P> {
    pub(super) fn of(attachment: Attachment) -> Self {
        Self { attachment: Arc::new(attachment), carried: PhantomData }
    }

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

    /// How many items fit: the power of two that the creator's number was rounded up to.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.attachment.region.header().capacity as usize
    }

    /// Longest item of bytes, or the size of an element, in bytes.
    #[must_use]
    pub fn max_len(&self) -> usize {
        self.attachment.region.header().element_size as usize
    }

    /// Bytes of memory that the ring takes, everything included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.attachment.region.header().geometry.total
    }

    /// How many items are in the ring: exact while nobody moves, else a moment's impression.
    #[must_use]
    pub fn len(&self) -> usize {
        self.attachment.len() as usize
    }

    /// Whether no item is in the ring; see [`len`](Ring::len).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

    /// Whether the ring was closed: no push succeeds any more. Items may still be in it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.attachment.is_closed()
    }

    /// The positions of the oldest unreleased item and of the next one to be pushed, as the ring's words say; like
    /// [`len`](Ring::len) a moment's impression.
    #[must_use]
    pub fn positions(&self) -> (Position, Position) {
        self.attachment.positions()
    }

    /// Removes the ring's name, if nobody is attached. The memory goes when the last process has let go of it.
    ///
    /// # Errors
    ///
    /// [`UnlinkError::InUse`] while anyone lives, with their names (participants of a closed ring are given 100 ms to
    /// leave); [`UnlinkError::Replaced`] where the name stands for
    /// something else by now, which is left alone.
    pub fn unlink(&self) -> Result<(), UnlinkError> {
        self.attachment.unlink(false)
    }

    /// Removes the ring's name even while participants use it: their pushes fail with
    /// [`Fault::Unlinked`](crate::Fault::Unlinked), their pops once the ring is empty.
    ///
    /// # Errors
    ///
    /// [`UnlinkError::Replaced`] where the name stands for something else by now, which is left alone.
    pub fn force_unlink(&self) -> Result<(), UnlinkError> {
        self.attachment.unlink(true)
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

    /// The ring's two entries, producer first; for people and tools. Makes a few system calls.
    #[must_use]
    pub fn participants(&self) -> Vec<Participant> {
        self.attachment.participants()
    }

    /// Who keeps the producer waiting: the consumer's entry, while the ring is full.
    #[must_use]
    pub fn blocked_on(&self) -> Option<Participant> {
        let full = self.len() == self.capacity();
        full.then(|| participant::participant(&self.attachment.region, CONSUMER))
    }

    pub(super) fn attachment(&self) -> &Arc<Attachment> {
        &self.attachment
    }
}

impl<P: Payload + ?Sized> Clone for Ring<P> {
    fn clone(&self) -> Self {
        Self { attachment: Arc::clone(&self.attachment), carried: PhantomData }
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Ring<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("region", &self.attachment.region)
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish()
    }
}
