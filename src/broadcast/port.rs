//! What the handles share: the entries, and how they are taken.

use std::sync::Arc;

use super::algorithm::{View, first};
use super::gate::Gate;
use super::gates::{GatedReader, Legacy};
use super::repair;
use super::start::Start;
use crate::attachment::{Attachment, Peers};
use crate::element::Payload;
use crate::error::AttachError;
use crate::participant::{self, Membership};
use crate::slots::{Gates, Slots, Words};
use crate::vocabulary::Role;

/// Number of the publisher's entry.
pub(super) const PUBLISHER: u32 = 0;
/// Entries of the participant table before those of the gates.
pub(super) const ENTRIES: u32 = 1;

/// A role, held or not.
pub(super) type Port<P> = crate::port::Port<View<P>>;

impl<P: Payload + ?Sized> Port<P> {
    /// Takes the publisher's role, and says where the sequence goes on.
    pub(super) fn publisher(attachment: &Arc<Attachment>) -> Result<(Self, u64), AttachError> {
        let view = view(attachment);
        let (region, label) = (&attachment.region, &attachment.attach.label);
        let (membership, tail) =
            Membership::attach(region, PUBLISHER, Role::Publisher, label, |_| Ok(repair::publisher(&view)))?;
        let port = Self::seated(attachment, view, membership, Role::Publisher, Peers::Nobody, tail);
        Ok((port, tail))
    }

    /// Takes a gate.
    pub(super) fn gated(
        attachment: &Arc<Attachment>,
        gate: Gate<'_>,
        start: Start,
    ) -> Result<(Self, GatedReader), AttachError> {
        let view = view(attachment);
        let (region, label) = (&attachment.region, &attachment.attach.label);
        let names = &region.header().gates;
        let (membership, legacy) = match gate {
            Gate::Any => {
                let unnamed = (0..names.len()).filter(|index| names[*index].is_empty());
                let entries: Vec<u32> = unnamed.map(entry_of).collect();
                Membership::attach_any(&entries, region, Role::Subscriber, label, |entry, died| {
                    inherit(attachment, &view, gate_of(entry), died)
                })?
            }
            Gate::Named(name) => {
                let named = names.iter().position(|it| !name.is_empty() && it == name);
                let index = named.ok_or_else(|| AttachError::NoGate {
                    name: name.to_owned(),
                    gates: names.iter().filter(|it| !it.is_empty()).cloned().collect(),
                })?;
                Membership::attach(region, entry_of(index), Role::Subscriber, label, |died| {
                    inherit(attachment, &view, index, died)
                })?
            }
        };
        let gate = gate_of(membership.index());
        let peers = Peers::Entry(PUBLISHER);
        let port = Self::seated(attachment, view, membership, Role::Subscriber, peers, 0);
        let reader = GatedReader::join(&port.view, gate, legacy, start, port.barrier.ringer());
        Ok((port, reader))
    }

    /// Subscribes without a gate, and says where: does nothing to the ring.
    pub(super) fn ungated(attachment: &Arc<Attachment>, start: Start) -> Result<(Self, u64), AttachError> {
        if attachment.region.heap().is_some_and(|it| it.is_copy()) {
            return Err(AttachError::Forked);
        }
        if !attachment.region.is_named()? {
            return Err(AttachError::Unlinked);
        }
        let view = view(attachment);
        let next = first(&view, start);
        let port = Self::unseated(attachment, view, Role::Subscriber, Peers::Entry(PUBLISHER), next);
        Ok((port, next))
    }
}

/// Number of the entry of gate number `gate`.
pub(super) fn entry_of(gate: usize) -> u32 {
    gate as u32 + ENTRIES
}

/// Number of the gate of entry `entry`.
fn gate_of(entry: u32) -> usize {
    (entry - ENTRIES) as usize
}

/// What is to become of what the last owner of gate number `gate` left; the caller holds its byte.
pub(super) fn inherit<P: Payload + ?Sized>(
    attachment: &Attachment,
    view: &View<P>,
    gate: usize,
    died: bool,
) -> Result<Legacy, AttachError> {
    let is_named = !attachment.region.header().gates[gate].is_empty();
    Ok(repair::gate(view, gate, is_named, died)?)
}

/// Whether gate number `gate` holds the publisher up for a while once nobody is there.
pub(super) fn is_held_on(attachment: &Attachment, gate: usize) -> bool {
    let header = attachment.region.header();
    !header.gates[gate].is_empty() && !header.hold_gates.is_zero()
}

/// Whether the publisher's byte is proven free.
pub(super) fn writer_gone(attachment: &Attachment) -> bool {
    !participant::is_held(&attachment.region, PUBLISHER)
}

/// The ring's words, slots and gates.
pub(super) fn view<P: Payload + ?Sized>(attachment: &Attachment) -> View<P> {
    let region = &attachment.region;
    View {
        words: Words::of(region),
        slots: Slots::of(region),
        gates: Gates::of(region),
        start: region.header().start,
    }
}
