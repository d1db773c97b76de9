//! What both handles share: how an entry is taken, and how they find out who holds them up.

use std::sync::Arc;

use super::claims::View;
use super::repair::{Outcome, settle};
use crate::attachment::{Attachment, Peers};
use crate::element::Payload;
use crate::error::AttachError;
use crate::layout::words::{MANY_READERS, MANY_WRITERS};
use crate::participant::{Fate, Membership, RepairedItem};
use crate::position::{Owner, Position};
use crate::slots::{Records, Slots, Words};
use crate::sync::Ordering;
use crate::vocabulary::Role;

/// A held entry.
pub(super) type Port<P> = crate::port::Port<View<P>>;

impl<P: Payload + ?Sized> Port<P> {
    /// Takes an entry for `role`, repairing what a dead owner left.
    pub(super) fn attach(attachment: &Arc<Attachment>, role: Role) -> Result<Self, AttachError> {
        let view = view(attachment);
        let region = &attachment.region;
        let entries: Vec<u32> = (0..region.header().entry_count).collect();
        let (membership, ()) =
            Membership::attach_any(&entries, region, role, &attachment.attach.label, |index, died| {
                if died { repair(&view, index, &mut Vec::new()) } else { Ok(()) }
            })?;
        if membership.has_company(role) {
            let many = if role == Role::Producer { MANY_WRITERS } else { MANY_READERS };
            // Relaxed: before this handle claims anything, which the cursor publishes.
            view.words.status.many.fetch_or(many, Ordering::Relaxed);
        }
        Ok(Self::seated(attachment, view, membership, role, peers_of(role), 0))
    }

    /// Number of the handle's entry.
    pub(super) fn index(&self) -> u32 {
        self.entry().expect("every handle of this kind is seated")
    }

    /// Who this handle is in the ring's records.
    pub(super) fn me(&self) -> Owner {
        Owner::of_entry(self.index())
    }
}

/// Whom the owner of a handle of `role` waits for.
pub(super) fn peers_of(role: Role) -> Peers {
    Peers::Role(if role == Role::Producer { Role::Consumer } else { Role::Producer })
}

/// The ring's words, slots and records.
pub(super) fn view<P: Payload + ?Sized>(attachment: &Attachment) -> View<P> {
    let region = &attachment.region;
    let [writers, readers] = Records::of(region);
    View {
        words: Words::of(region),
        slots: Slots::of(region),
        writers,
        readers,
        discard: region.header().discard,
    }
}

/// Puts in order what the owner of entry `index` left, whose byte the caller holds; adds what it found to `items`.
pub(super) fn repair<P: Payload + ?Sized>(
    view: &View<P>,
    index: u32,
    items: &mut Vec<RepairedItem>,
) -> Result<(), AttachError> {
    let note = |position, outcome| {
        let fate = match outcome {
            Outcome::Void => Fate::Void,
            Outcome::Orphan(before) => Fate::Redelivered { before },
            Outcome::Discarded => Fate::Discarded,
            Outcome::Skipped => return,
        };
        items.push(RepairedItem { position: Position::of_claim(position), fate });
    };
    Ok(settle(view, Owner::of_entry(index), note)?)
}
