//! Rings of two roles, one writer and one reader: the two entries, and how a role is taken.

use std::sync::Arc;

use crate::attachment::{Attachment, Peers};
use crate::error::AttachError;
use crate::participant::{self, Membership};
use crate::port::Port;
use crate::vocabulary::Role;

/// Number of the writer's entry.
pub(crate) const PRODUCER: u32 = 0;
/// Number of the reader's entry.
pub(crate) const CONSUMER: u32 = 1;
/// Entries of the participant table.
pub(crate) const ENTRIES: u32 = 2;

/// Takes `role`. `settle` puts in order what the last owner left, is told whether it died, and says where the new one goes
/// on: a writer at `(tail, tail)`, a reader at `(head, seen)`.
pub(crate) fn attach<V>(
    attachment: &Arc<Attachment>,
    view: V,
    role: Role,
    settle: impl FnOnce(&V, Role, bool) -> Result<(u64, u64), AttachError>,
) -> Result<(Port<V>, (u64, u64)), AttachError> {
    let (region, label) = (&attachment.region, &attachment.attach.label);
    let index = if role.writes() { PRODUCER } else { CONSUMER };
    let (membership, cursors) =
        Membership::attach(region, index, role, label, |died| settle(&view, role, died))?;
    // A writer has lacked no more than the least there is.
    let start = if role.writes() { 1 } else { cursors.0 };
    Ok((Port::seated(attachment, view, membership, role, peers_of(role), start), cursors))
}

/// Whom the owner of `role` waits for.
pub(crate) fn peers_of(role: Role) -> Peers {
    Peers::Entry(if role.writes() { CONSUMER } else { PRODUCER })
}

/// Whether the writer's byte is proven free.
pub(crate) fn writer_gone(attachment: &Attachment) -> bool {
    !participant::is_held(&attachment.region, PRODUCER)
}
