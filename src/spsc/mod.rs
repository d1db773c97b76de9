//! One producer, one consumer: a lossless FIFO at the speed of one cache-line transfer per hand-off.
//!
//! ```
//! use ringfence::{spsc, PopError, PushError};
//!
//! let ring = spsc::Options::<u64>::new(2).in_process()?; // `.create("name")` for processes
//! let mut tx = ring.producer()?;
//! let mut rx = ring.consumer()?;
//!
//! tx.try_push(1)?;
//! tx.try_push(2)?;
//! assert_eq!(tx.try_push(3), Err(PushError::Full)); // `push` would wait
//!
//! assert_eq!(rx.pop()?, 1);
//! tx.close();
//! assert_eq!(rx.pop()?, 2);
//! assert_eq!(rx.pop(), Err(PopError::Closed));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The ring carries elements of a type `T`, or `[u8]`: byte strings up to a maximum length. Each role is held by the
//! kernel for one handle at a time; when its owner dies the next one goes on where it stopped, with nothing lost but
//! the item that was not committed. An item is *delivered* once it is released: by `pop`, which copies it out, or by
//! [`ReadGuard::release`] after a look. Whatever was looked at but not released is delivered again, and says so.
//!
//! Files: `algorithm` and `repair` are the protocol, checked by loom; `ring` opens and hands out roles; `producer`,
//! `claim`, `consumer`, `read` and `ahead` are the handles, `port` what they share, `watch` how others wait for them, `awaiting`
//! their verbs in async code.

pub(crate) mod algorithm;
pub(crate) mod repair;

#[cfg(not(loom))]
mod ahead;
#[cfg(all(feature = "async", not(loom)))]
mod awaiting;
#[cfg(not(loom))]
mod claim;
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
mod watch;

#[cfg(not(loom))]
pub use self::{
    claim::{Claim, Filled},
    consumer::Consumer,
    options::{Options, open, open_with},
    producer::Producer,
    read::{ReadGuard, ReadSlice},
    ring::Ring,
};
#[cfg(not(loom))]
pub use crate::delivery::{Delivery, Item};
