//! What both handles share: what they see of the ring, and how it is put in order.

use std::sync::Arc;

use super::repair;
use crate::attachment::Attachment;
use crate::element::Payload;
use crate::error::AttachError;
use crate::packed::{Packed, View};
use crate::pair;
use crate::slots::Words;
use crate::vocabulary::Role;

/// A held role.
pub(super) type Port<P> = crate::port::Port<View<P>>;

impl<P: Payload + ?Sized> Port<P> {
    /// Takes `role`, repairing what a dead owner left, and says where it goes on.
    pub(super) fn attach(
        attachment: &Arc<Attachment>,
        role: Role,
    ) -> Result<(Self, (u64, u64)), AttachError> {
        pair::attach(attachment, view(attachment), role, settle)
    }
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
        let tail = repair::writer(view)?;
        Ok((tail, tail))
    } else {
        Ok(repair::reader(view)?)
    }
}
