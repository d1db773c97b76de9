//! One writer, one reader: items side by side in memory, moved in bulk.
//!
//! ```
//! use std::io::{Read, Write};
//! use ringfence::{stream, PushError};
//!
//! // Elements, as many at a time as one likes.
//! let ring = stream::Options::<f32>::new(1024).in_process()?; // `.create("name")` for processes
//! let (mut tx, mut rx) = (ring.writer()?, ring.reader()?);
//! assert_eq!(tx.try_push_slice(&[0.5; 2000])?, 1024); // what there is room for
//! assert_eq!(tx.try_push_slice(&[0.5; 2000]), Err(PushError::Full));
//! assert_eq!(rx.read_slice(100)?.iter().sum::<f32>(), 50.0);
//!
//! // Records of any length.
//! let ring = stream::Options::<[u8]>::new(4096).in_process()?;
//! let (mut tx, mut rx) = (ring.writer()?, ring.reader()?);
//! tx.push(b"a line")?;
//! tx.push(b"")?;
//! assert_eq!(rx.read_batch(10)?.len(), 2);
//!
//! // A byte stream: a pipe.
//! let ring = stream::Options::<u8>::new(4096).in_process()?;
//! let (mut tx, mut rx) = (ring.writer()?, ring.reader()?);
//! tx.write_all(b"bytes")?;
//! tx.close();
//! let mut text = String::new();
//! rx.read_to_string(&mut text)?;
//! assert_eq!(text, "bytes");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where [`spsc`](crate::spsc) hands items over one by one, a slot and a cache line for each, a stream moves runs at the speed
//! of memory: what one call writes is committed by one store. Roles, takeover after a kill, waiting and closing are those of
//! `spsc`. Positions count elements; in a ring of records, bytes.
//!
//! Files: `algorithm`, `frames` (records) and `repair` are the protocol, checked by loom; `ring` opens and hands out roles;
//! `writer`, `claim`, `reader`, `read`, `ahead` and `bytes` (the byte stream) are the handles, `port` what they share, `watch`
//! how others wait for them, `awaiting` their verbs in async code.

pub(crate) mod algorithm;
pub(crate) mod frames;
pub(crate) mod repair;

#[cfg(not(loom))]
mod ahead;
#[cfg(all(feature = "async", not(loom)))]
mod awaiting;
#[cfg(not(loom))]
mod bytes;
#[cfg(not(loom))]
mod claim;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod port;
#[cfg(not(loom))]
mod read;
#[cfg(not(loom))]
mod reader;
#[cfg(not(loom))]
mod ring;
#[cfg(not(loom))]
mod watch;
#[cfg(not(loom))]
mod writer;

#[cfg(not(loom))]
pub use self::{
    bytes::Trusted,
    claim::{Claim, ClaimSlice},
    options::{Options, open, open_with},
    read::{ReadBatch, ReadGuard, ReadSlice, Record},
    reader::Reader,
    ring::Ring,
    writer::Writer,
};
#[cfg(not(loom))]
pub use crate::delivery::{Delivery, Item};
