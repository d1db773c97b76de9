//! Lock-free ring buffers in shared memory that outlive the processes that use them.
//!
//! A ring lives in a named region of `/dev/shm` (or on the heap, for threads). Processes open it by name, take a role
//! in it, and hand items over without copying through the kernel: a hand-off costs one cache-line transfer, no system
//! call and no fence. Whoever is killed, at whatever instruction, loses nothing but the item that it had not committed;
//! its successor goes on where it stopped.
//!
//! ```
//! use ringfence::{spsc, AttachError, Element, PopError, PushError};
//!
//! #[derive(Element, Clone, Copy, Debug, PartialEq)] // plain data: no padding, every bit pattern valid
//! #[element(name = "md.Tick", version = 1)]
//! #[repr(C)]
//! struct Tick {
//!     ts_ns: u64,
//!     price: i64,
//! }
//!
//! // In one process …
//! let name = format!("md.ticks.{}", std::process::id());
//! let ring = spsc::Options::<Tick>::new(2).open_or_create(&name)?;
//! let mut tx = ring.producer()?;
//! assert!(matches!(ring.producer(), Err(AttachError::RoleTaken { .. }))); // one at a time, kept by the kernel
//! tx.push(Tick { ts_ns: 1, price: 42 })?; // waits while the ring is full
//! tx.try_push(Tick { ts_ns: 2, price: 43 })?; // never waits
//! assert_eq!(tx.try_push(Tick { ts_ns: 3, price: 44 }), Err(PushError::Full));
//!
//! // … and in another one
//! let mut rx = spsc::open::<Tick>(&name)?.consumer()?;
//! let item = rx.read()?; // looks, without acknowledging …
//! println!("{:?}", item.get()); // … so that a `?`, a panic or a crash here loses nothing
//! item.release(); // acknowledged
//! assert_eq!(rx.pop()?.price, 43); // copies out and acknowledges
//!
//! tx.close();
//! assert_eq!(rx.pop(), Err(PopError::Closed));
//! # drop((tx, rx));
//! # ring.unlink()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`spsc`]: one producer, one consumer.
//! - [`mpmc`]: any number of each; each item goes to one consumer.
//! - [`broadcast`]: one publisher; every subscriber sees every item, or is told what it missed.
//! - [`stream`]: one writer, one reader; runs of elements, records of any length, bytes, to and from descriptors.
//! - [`Element`]: what a ring can carry besides bytes, and how two programs agree on it.
//! - [`Attach`], [`Strategy`], [`Barrier`] and [`Limit`]: how a process takes part, how a call waits, and how long.
//! - [`WaitSet`], [`Bridge`]: many rings in one call, or in an event loop; `Async` (feature `async`): on any runtime.
//! - [`inspect()`], [`unlink()`], [`force_unlink()`]: rings from outside.
//!
//! # Who is trusted with what
//!
//! No `unsafe` is needed to use a ring. A process with write access that breaks the protocol can lose or forge items and
//! stall the ring; it cannot make this process read or write outside the region, panic, or loop without end in a `try_`
//! call. Truncating the file of a ring in use raises `SIGBUS` in whoever touches what is gone; a call or a
//! set that sleeps there says [`Fault::Truncated`].
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

pub mod broadcast;
mod doorbell;
mod element;
mod error;
mod halt;
mod layout;
pub mod mpmc;
mod packed;
mod position;
mod slots;
pub mod spsc;
pub mod stream;
mod sync;
mod vocabulary;

#[cfg(loom)]
#[doc(hidden)]
pub mod model;

#[cfg(all(feature = "async", not(loom)))]
mod asynchronous;
#[cfg(not(loom))]
mod attachment;
#[cfg(not(loom))]
mod barrier;
#[cfg(not(loom))]
mod bridge;
#[cfg(not(loom))]
mod delivery;
#[cfg(not(loom))]
mod inspect;
#[cfg(not(loom))]
mod pair;
#[cfg(not(loom))]
mod participant;
#[cfg(not(loom))]
mod port;
#[cfg(not(loom))]
mod region;
#[cfg(not(loom))]
mod source;
#[cfg(not(loom))]
mod surface;
#[cfg(not(loom))]
mod sys;
#[cfg(not(loom))]
mod wait;
#[cfg(not(loom))]
mod wait_set;
#[cfg(not(loom))]
mod watch;

#[doc(hidden)]
pub use element::__private;
pub use element::{Element, Field, Fingerprint, Payload, Scalar, Schema, Shape};
pub use error::{
    AttachError, Difference, Fault, Holder, OpenError, PopError, PushError, RecvError, ReleaseError,
    TransferError, UnlinkError, WaitError, Word,
};
pub use position::Position;
pub use ringfence_derive::Element;
pub use vocabulary::{Kind, Role};

#[cfg(not(loom))]
pub use {
    attachment::{Attach, force_unlink, unlink},
    barrier::{Barrier, never_register},
    bridge::{Bridge, BridgeFd, BridgeWaker},
    inspect::{Inspection, inspect, inspect_with},
    participant::{Fate, Participant, Peer, Presence, RepairReport, RepairedItem},
    source::Doorbell,
    wait::{Limit, Strategy},
    wait_set::{Canceller, WaitSet},
};

#[cfg(all(feature = "async", not(loom)))]
pub use asynchronous::{Async, Handle};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
