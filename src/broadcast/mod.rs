//! One publisher, any number of subscribers: every subscriber sees every item.
//!
//! ```
//! use ringfence::{broadcast, RecvError};
//! use ringfence::broadcast::Start;
//!
//! let ring = broadcast::Options::<u64>::new(2).in_process()?; // `.create("name")` for processes
//! let mut tx = ring.publisher()?;
//! let mut fast = ring.subscribe(Start::Newest)?;
//! let mut slow = ring.subscribe(Start::Newest)?;
//!
//! for tick in 0..4 {
//!     tx.publish(tick)?; // never waits for either of them
//!     assert_eq!(fast.recv()?, tick);
//! }
//! // Two items were overwritten before the slow one came to them: it is told so, once, and goes on.
//! assert!(matches!(slow.recv(), Err(RecvError::Lagged { missed: 2, .. })));
//! assert_eq!(slow.recv()?, 2);
//! assert_eq!(slow.latest()?, 3); // or only ever the newest one
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A *subscriber* ([`Ring::subscribe`]) costs the publisher nothing, however many there are, whatever they do: a slow one is
//! lapped, and told exactly what it missed. It needs no more than permission to read the ring.
//!
//! A *gated* subscriber ([`Ring::subscribe_gated`]) misses nothing: the publisher waits before it overwrites an item that the
//! subscriber has not released. Only as many as the creator allowed can be attached, by name if it said so. One that dies
//! holds the publisher up for a few milliseconds, and a gate with a name can be held for its successor; one that is stopped
//! is waited for, or demoted, as the creator wanted.
//!
//! The publisher's role is held by the kernel for one handle at a time; when its owner dies the next one goes on where it
//! stopped, and subscribers stay attached.
//!
//! Files: `algorithm`, `gates` and `repair` are the protocol, checked by loom; `start` and `gate` are words; `ring` opens and
//! hands out handles; `publisher`, `claim`, `subscriber`, `gated`, `read` and `ahead` are the handles, `port` what they share,
//! `suspicion` how a publisher finds out who holds it up, `watch` how others wait for them, `awaiting` their verbs in async
//! code.

pub(crate) mod algorithm;
pub(crate) mod gates;
pub(crate) mod repair;
pub(crate) mod start;

#[cfg(not(loom))]
mod ahead;
#[cfg(all(feature = "async", not(loom)))]
mod awaiting;
#[cfg(not(loom))]
mod claim;
#[cfg(not(loom))]
mod gate;
#[cfg(not(loom))]
mod gated;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod port;
#[cfg(not(loom))]
mod publisher;
#[cfg(not(loom))]
mod read;
#[cfg(not(loom))]
mod ring;
#[cfg(not(loom))]
mod subscriber;
#[cfg(not(loom))]
mod suspicion;
#[cfg(not(loom))]
mod watch;

pub use self::start::{Resume, Start};
#[cfg(not(loom))]
pub use self::{
    claim::{Claim, Filled},
    gate::{Gate, GateReport, GateStatus},
    gated::GatedSubscriber,
    options::{Options, open, open_with},
    publisher::Publisher,
    read::ReadGuard,
    ring::Ring,
    subscriber::Subscriber,
};
#[cfg(not(loom))]
pub use crate::delivery::{Delivery, Item};
