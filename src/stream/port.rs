//! What both handles share: the two entries, and how a role is taken.

use std::sync::Arc;

use super::repair;
use crate::attachment::{Attachment, Peers};
use crate::element::Payload;
use crate::error::AttachError;
use crate::packed::{Packed, View};
use crate::participant::{self, Membership};
use crate::slots::Words;
use crate::vocabulary::Role;

/// Number of the writer's entry.
pub(super) const PRODUCER: u32 = 0;
/// Number of the reader's entry.
pub(super) const CONSUMER: u32 = 1;
/// Entries of the participant table.
pub(super) const ENTRIES: u32 = 2;

/// A held role.
pub(super) type Port<P> = crate::port::Port<View<P>>;

impl<P: Payload + ?Sized> Port<P> {
    /// Takes `role`, repairing what a dead owner left, and says where it goes on: for a writer `(tail, tail)`, for a reader
    /// `(head, seen)`.
    pub(super) fn attach(
        attachment: &Arc<Attachment>,
        role: Role,
    ) -> Result<(Self, (u64, u64)), AttachError> {
        let view = view(attachment);
        let (index, peer) = if role.writes() { (PRODUCER, CONSUMER) } else { (CONSUMER, PRODUCER) };
        let (membership, cursors) =
            Membership::attach(&attachment.region, index, role, &attachment.attach.label, |died| {
                settle(&view, role, died)
            })?;
        Ok((Self::seated(attachment, view, membership, role, Peers::Entry(peer), cursors.0), cursors))
    }
}

/// Whether the writer's byte is proven free.
pub(super) fn writer_gone(attachment: &Attachment) -> bool {
    !participant::is_held(&attachment.region, PRODUCER)
}

/// The ring's words and units.
pub(super) fn view<P: Payload + ?Sized>(attachment: &Attachment) -> View<P> {
    View { words: Words::of(&attachment.region), units: Packed::of(&attachment.region) }
}

/// Puts in order what the last owner of `role` left, dead or not; the caller holds its byte.
pub(super) fn settle<P: Payload + ?Sized>(
    view: &View<P>,
    role: Role,
    _died: bool,
) -> Result<(u64, u64), AttachError> {
    if role.writes() {
        let tail = repair::writer(view);
        Ok((tail, tail))
    } else {
        Ok(repair::reader(view)?)
    }
}
