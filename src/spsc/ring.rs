//! An open ring: hands out its two roles, and answers for the whole.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::port;
use super::{Consumer, Producer};
use crate::attachment::Attachment;
use crate::doorbell;
use crate::element::Payload;
use crate::error::{AttachError, UnlinkError};
use crate::layout::words::CLOSING;
use crate::pair::{CONSUMER, PRODUCER};
use crate::participant::{self, Participant, Peer, RepairReport};
use crate::position::Position;
use crate::surface::{common_ring, common_roles};
use crate::sync::Ordering;
use crate::vocabulary::Role;

/// An open ring of `P`: hands out its two roles. Cheap to clone; clones and handles keep the ring mapped.
pub struct Ring<P: Payload + ?Sized> {
    attachment: Arc<Attachment>,
    carried: PhantomData<fn(&P)>,
}

common_roles! {
    writer: Producer, producer producer_standby producer_state, "producer";
    reader: Consumer, consumer consumer_standby consumer_state, "consumer";
}

common_ring!();
