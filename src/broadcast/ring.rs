//! An open ring: hands out handles, and answers for the whole.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::gate::{Gate, GateReport, GateStatus};
use super::gates::{State, blocking};
use super::port::{PUBLISHER, entry_of, inherit, is_held_on, view};
use super::start::Start;
use super::{GatedSubscriber, Publisher, Subscriber, repair};
use crate::attachment::Attachment;
use crate::doorbell;
use crate::element::Payload;
use crate::error::{AttachError, UnlinkError};
use crate::layout::words::CLOSING;
use crate::participant::{self, Participant, Peer, RepairReport};
use crate::position::{Position, distance};
use crate::surface::common_ring;
use crate::sync::Ordering;

/// An open ring of `P`: hands out the publisher's role, and subscribers. Cheap to clone; clones and handles keep the ring
/// mapped.
pub struct Ring<P: Payload + ?Sized> {
    attachment: Arc<Attachment>,
    carried: PhantomData<fn(&P)>,
}

impl<P: Payload + ?Sized> Ring<P> {
    /// Takes the publisher's role. Where the last owner died its work is continued: the sequence goes on behind the last
    /// item that it committed, and subscribers stay attached.
    ///
    /// Makes system calls; waits up to 100 ms for a holder that is only passing through (a repair, a removal).
    ///
    /// # Errors
    ///
    /// [`AttachError::RoleTaken`] while another living handle has it; [`AttachError::Unlinked`] where the ring's name
    /// was removed or given to another ring; [`AttachError::ReadOnly`].
    pub fn publisher(&self) -> Result<Publisher<P>, AttachError> {
        Publisher::attach(self)
    }

    /// Sleeps in the kernel until the publisher's role is free, and takes it: a hot standby that polls nothing.
    ///
    /// Blocks without a limit; a signal does not end it.
    ///
    /// # Errors
    ///
    /// As [`publisher`](Ring::publisher), except for `RoleTaken`. `Unlinked` is noticed when the role is given up.
    pub fn publisher_standby(&self) -> Result<Publisher<P>, AttachError> {
        loop {
            participant::await_release(&self.attachment.region, PUBLISHER)?;
            match self.publisher() {
                Err(AttachError::RoleTaken { .. }) => {}
                result => return result,
            }
        }
    }

    /// Subscribes without holding anybody up, as often as one likes: nothing is written to the ring.
    ///
    /// # Errors
    ///
    /// [`AttachError::Unlinked`] where the ring's name was removed or given to another ring.
    pub fn subscribe(&self, start: Start) -> Result<Subscriber<P>, AttachError> {
        Subscriber::attach(self, start)
    }

    /// Takes a gate: the publisher waits for this subscriber rather than overwrite what it has not released, from
    /// [`joined_at`](GatedSubscriber::joined_at) on. Where the last owner of a gate with a name died, or where the gate is
    /// held, and unless it was demoted, `start` does not count: the new one goes on with the oldest item that was not
    /// released.
    ///
    /// Makes system calls; waits up to 100 ms for a holder that is only passing through.
    ///
    /// ```
    /// use ringfence::{broadcast, PushError};
    /// use ringfence::broadcast::{Gate, Start};
    ///
    /// let ring = broadcast::Options::<u64>::new(2).gate("recorder").in_process()?;
    /// let mut tx = ring.publisher()?;
    /// let mut recorder = ring.subscribe_gated("recorder", Start::Newest)?;
    ///
    /// assert_eq!(tx.publish_slice(&[1, 2])?, 2);
    /// assert_eq!(tx.try_publish(3), Err(PushError::Full)); // the recorder has not released the first one
    /// assert_eq!(recorder.recv()?, 1);
    /// tx.try_publish(3)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AttachError::TooMany`] where every gate without a name has a living owner; [`AttachError::RoleTaken`] where the gate
    /// of that name has; [`AttachError::NoGate`] where there is none of that name; [`AttachError::Unlinked`],
    /// [`AttachError::ReadOnly`].
    pub fn subscribe_gated<'a>(
        &self,
        gate: impl Into<Gate<'a>>,
        start: Start,
    ) -> Result<GatedSubscriber<P>, AttachError> {
        GatedSubscriber::attach(self, gate.into(), start)
    }

    /// Whether a publisher is there. Makes a few system calls.
    #[must_use]
    pub fn publisher_state(&self) -> Peer {
        participant::peer(&self.attachment.region, PUBLISHER)
    }

    /// The ring's gates, as its words say; a moment's impression.
    #[must_use]
    pub fn gates(&self) -> Vec<GateReport> {
        let view = view::<P>(&self.attachment);
        let tail = view.words.tail.load(Ordering::Relaxed); // Relaxed: for people, here and below.
        let report = |(index, name): (usize, &String)| {
            let gate = &view.gates[index];
            let cursor = gate.cursor.load(Ordering::Relaxed);
            let status = match gate.stands().state() {
                State::Free => GateStatus::Free,
                State::Joining | State::Active => GateStatus::Active,
                State::Demoted => GateStatus::Demoted,
            };
            GateReport {
                entry: entry_of(index),
                name: Some(name.clone()).filter(|it| !it.is_empty()),
                status,
                position: Position::of_cursor(cursor),
                lag: if status == GateStatus::Free {
                    0
                } else {
                    distance(tail, cursor).max(0).cast_unsigned()
                },
            }
        };
        self.attachment.region.header().gates.iter().enumerate().map(report).collect()
    }

    /// Ends the ring for good: publications fail with `Closed`; subscribers receive what is there and then `Closed`.
    ///
    /// A publication that was begun is still delivered, so while the publisher lives an empty ring is `Empty`, not `Closed`.
    /// A publisher that wants its subscribers to know at once calls [`Publisher::close`].
    ///
    /// # Errors
    ///
    /// [`AttachError::ReadOnly`].
    pub fn close(&self) -> Result<(), AttachError> {
        if !self.attachment.region.is_writable() {
            return Err(AttachError::ReadOnly);
        }
        // Relaxed: publications see it some time; a subscriber acts on it only with proof that the publisher is gone, and
        // the kernel's lock orders that proof behind its last publication.
        self.attachment.region.shared().status.flags.fetch_or(CLOSING, Ordering::Relaxed);
        doorbell::ring_out(self.attachment.region.shared());
        Ok(())
    }

    /// Puts in order what dead participants left, as their successors would. Gates that are held stay so.
    ///
    /// # Errors
    ///
    /// [`AttachError::Unlinked`], [`AttachError::Corrupted`], [`AttachError::ReadOnly`], or the operating system's refusal.
    pub fn repair(&self) -> Result<RepairReport, AttachError> {
        let region = &self.attachment.region;
        let view = view::<P>(&self.attachment);
        let mut report = RepairReport::default();
        let mut settle = |index: u32, repair: &dyn Fn(bool) -> Result<(), AttachError>| {
            let found = participant::participant(region, index);
            if participant::repair_dead(region, index, repair)? {
                report.repaired.push(found);
            }
            Ok::<(), AttachError>(())
        };
        settle(PUBLISHER, &|_| {
            repair::publisher(&view);
            Ok(())
        })?;
        for gate in (0..view.gates.len()).filter(|it| !is_held_on(&self.attachment, *it)) {
            settle(entry_of(gate), &|died| inherit(&self.attachment, &view, gate, died).map(|_| ()))?;
        }
        Ok(report)
    }

    /// Who keeps the publisher waiting: the subscriber whose gate lies a whole lap behind. The participant may be at work at
    /// this very moment, or gone, where its gate is held.
    #[must_use]
    pub fn blocked_on(&self) -> Option<Participant> {
        let view = view::<P>(&self.attachment);
        let tail = view.words.tail.load(Ordering::Relaxed); // Relaxed: for people.
        let (_, hold) = blocking(&view, tail).max_by_key(|(lag, _)| *lag)?;
        Some(participant::participant(&self.attachment.region, entry_of(hold.gate)))
    }
}

common_ring!();
