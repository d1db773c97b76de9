//! An open ring: hands out handles, and answers for the whole.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::algorithm::{blocking_writers, close};
use super::port::{repair, view};
use super::reader::blocking_readers;
use super::{Consumer, Producer};
use crate::attachment::Attachment;
use crate::element::Payload;
use crate::error::{AttachError, UnlinkError};
use crate::participant::{self, Participant, RepairReport};
use crate::position::Position;
use crate::surface::common_ring;

/// An open ring of `P`: hands out handles, as many as it has entries. Cheap to clone; clones and handles keep the ring
/// mapped.
pub struct Ring<P: Payload + ?Sized> {
    attachment: Arc<Attachment>,
    carried: PhantomData<fn(&P)>,
}

impl<P: Payload + ?Sized> Ring<P> {
    /// Attaches a producer. Makes system calls; where the entry's last owner died, what it left is put in order first.
    ///
    /// # Errors
    ///
    /// [`AttachError::TooMany`] where every entry has a living owner; [`AttachError::Unlinked`] where the ring's name was
    /// removed or given to another ring.
    pub fn producer(&self) -> Result<Producer<P>, AttachError> {
        Producer::attach(self)
    }

    /// Attaches a consumer. Makes system calls; where the entry's last owner died, what it left is put in order first.
    ///
    /// # Errors
    ///
    /// [`AttachError::TooMany`] where every entry has a living owner; [`AttachError::Unlinked`] where the ring's name was
    /// removed or given to another ring.
    pub fn consumer(&self) -> Result<Consumer<P>, AttachError> {
        Consumer::attach(self)
    }

    /// Ends the ring for good: pushes fail with `Closed`; pops deliver what is there and then say `Closed`. A push that
    /// has claimed its position is still delivered.
    pub fn close(&self) {
        // Whoever meets the corruption on its way says so.
        let _ = close(&view::<P>(&self.attachment));
    }

    /// Puts in order what dead participants left, as those would who run into it.
    ///
    /// # Errors
    ///
    /// [`AttachError::Unlinked`], [`AttachError::Corrupted`], or the operating system's refusal.
    pub fn repair(&self) -> Result<RepairReport, AttachError> {
        let region = &self.attachment.region;
        let view = view::<P>(&self.attachment);
        let mut report = RepairReport::default();
        for index in (0..region.header().entry_count).filter(|it| participant::is_in_use(region, *it)) {
            let found = participant::participant(region, index);
            if participant::repair_dead(region, index, |_| repair(&view, index, &mut report.items))? {
                report.repaired.push(found);
            }
        }
        Ok(report)
    }

    /// Who keeps others from going on: a producer that has claimed the oldest item and not committed it, or a consumer
    /// that has not released the item in the next slot to be written. The participant may be at work at this very moment.
    #[must_use]
    pub fn blocked_on(&self) -> Option<Participant> {
        let view = view::<P>(&self.attachment);
        let region = &self.attachment.region;
        let hold = blocking_readers(&view).or_else(|| blocking_writers(&view));
        let index = hold.and_then(|hold| hold.owner.entry()).filter(|it| *it < region.header().entry_count);
        index.map(|index| participant::participant(region, index))
    }
}

common_ring!();
