//! Lock-free ring buffers in shared memory that outlive the processes that use them.
#![deny(unsafe_code)]
#![cfg_attr(loom, allow(dead_code, reason = "the models use a part of the crate"))]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(all(
    target_os = "linux",
    target_pointer_width = "64",
    target_endian = "little",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
compile_error!("ringfence supports Linux on x86-64 and aarch64");

mod element;
mod error;
mod layout;
mod position;
mod slots;
pub mod spsc;
mod sync;
mod vocabulary;

#[cfg(loom)]
#[doc(hidden)]
pub mod model;

#[cfg(not(loom))]
mod attachment;
#[cfg(not(loom))]
mod inspect;
#[cfg(not(loom))]
mod participant;
#[cfg(not(loom))]
mod region;
#[cfg(not(loom))]
mod sys;
#[cfg(not(loom))]
mod wait;

#[doc(hidden)]
pub use element::__private;
pub use element::{Element, Field, Fingerprint, Payload, Scalar, Schema, Shape};
pub use error::{
    AttachError, Difference, Fault, Holder, OpenError, PopError, PushError, ReleaseError, UnlinkError, Word,
};
pub use position::Position;
pub use ringfence_derive::Element;
pub use vocabulary::{Kind, Role};

#[cfg(not(loom))]
pub use {
    attachment::{Attach, force_unlink, unlink},
    inspect::{Inspection, inspect, inspect_with},
    participant::{Participant, Peer, Presence, RepairReport},
    wait::Limit,
};
