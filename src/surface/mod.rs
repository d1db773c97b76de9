//! What the kinds of ring have in common on their public side, written once.
//!
//! Macros, so that the documentation of each kind is complete, and no trait has to be imported to use a ring. Each is
//! expanded in a file of the kind, which has what it names in scope; what a kind does in its own way stands there, under
//! the same names in every kind.

mod awaiting;
mod claim;
mod consumer;
mod guard;
mod options;
mod producer;
mod ring;
mod roles;

#[cfg(feature = "async")]
pub(crate) use awaiting::{common_awaiting_consumer, common_awaiting_producer};
pub(crate) use {
    claim::common_claim,
    consumer::{common_consumer, common_read_ahead},
    guard::{common_byte_guard, common_guard, common_slice},
    options::common_options,
    producer::common_producer,
    ring::common_ring,
    roles::common_roles,
};
