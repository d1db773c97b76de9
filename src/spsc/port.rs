//! What both handles share: the two entries, and how a role is taken.

use std::sync::Arc;

use super::repair;
use crate::attachment::{Attachment, Peers};
use crate::element::Payload;
use crate::error::AttachError;
use crate::participant::{self, Membership};
use crate::slots::{Slots, View};
use crate::vocabulary::Role;

/// Number of the producer's entry.
pub(super) const PRODUCER: u32 = 0;
/// Number of the consumer's entry.
pub(super) const CONSUMER: u32 = 1;
/// Entries of the participant table.
pub(super) const ENTRIES: u32 = 2;

/// A held role.
pub(super) type Port<P> = crate::port::Port<View<P>>;

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
        let peers = Peers::Entry(peer_of(role));
        Ok((Self::seated(attachment, view, membership, role, peers, cursors.0), cursors))
    }
}

/// Number of the entry of `role`.
fn entry_of(role: Role) -> u32 {
    if role.writes() { PRODUCER } else { CONSUMER }
}

/// Number of the entry of the other role.
pub(super) fn peer_of(role: Role) -> u32 {
    if role.writes() { CONSUMER } else { PRODUCER }
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
    if role.writes() {
        let tail = repair::producer(view);
        return Ok((tail, tail));
    }
    Ok(repair::consumer(view, died)?)
}
