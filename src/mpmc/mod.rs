//! Many producers, many consumers: a lossless FIFO in which each item goes to one consumer, and which repairs itself when
//! any of them is killed.
//!
//! ```
//! use ringfence::{mpmc, PopError, PushError};
//!
//! let ring = mpmc::Options::<u64>::new(4).in_process()?; // `.create("name")` for processes
//! let mut tx = ring.producer()?;
//! let mut other_tx = tx.try_clone()?; // a participant of its own, in this process or in another one
//! let (mut rx, mut other_rx) = (ring.consumer()?, ring.consumer()?);
//!
//! tx.push(1)?;
//! other_tx.push(2)?;
//! assert_eq!((rx.pop()?, other_rx.pop()?), (1, 2)); // each item once
//!
//! ring.close();
//! assert_eq!(tx.push(3), Err(PushError::Closed));
//! assert_eq!(rx.pop(), Err(PopError::Closed));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Every handle is a participant with an entry and a lock byte of its own, and every claim in the ring names the one who
//! made it. A participant that dies between two instructions leaves claims that others run into: they prove its death by
//! its lock byte, which the kernel has dropped, and put in order what it left, in milliseconds. A producer's claim that
//! was not committed becomes void. A consumer's item that was not released is delivered again, flagged
//! ([`ReadGuard::redelivered`], [`Consumer::last`]), or discarded, as the creator chose
//! ([`on_consumer_death`](Options::on_consumer_death)). A process that is stopped keeps what it has claimed: others say
//! [`Held`](crate::PopError::Held) and by whom, or wait.
//!
//! # Order
//!
//! Items are delivered in the order of their positions. An item that is delivered again comes later than it should: what
//! one producer pushed is in order among the items that are not flagged.
//!
//! # Files
//!
//! `claims`, `algorithm`, `reader` and `repair` are the protocol, checked by loom and described in `docs/mpmc.md`; `ring`
//! opens and hands out handles; `producer`, `consumer`, `read` and `ahead` are the handles, `port` what they share,
//! `suspicion` how they find out who is dead, `watch` how others wait for them, `awaiting` their verbs in async code.

pub(crate) mod algorithm;
pub(crate) mod claims;
pub(crate) mod reader;
pub(crate) mod repair;

#[cfg(not(loom))]
mod ahead;
#[cfg(all(feature = "async", not(loom)))]
mod awaiting;
#[cfg(not(loom))]
mod consumer;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod port;
#[cfg(not(loom))]
mod producer;
#[cfg(not(loom))]
mod read;
#[cfg(not(loom))]
mod ring;
#[cfg(not(loom))]
mod suspicion;
#[cfg(not(loom))]
mod watch;

#[cfg(not(loom))]
pub use self::{
    consumer::Consumer,
    options::{OnConsumerDeath, Options, open, open_with},
    producer::Producer,
    read::{ReadGuard, ReadSlice},
    ring::Ring,
};
#[cfg(not(loom))]
pub use crate::delivery::{Delivery, Item};
