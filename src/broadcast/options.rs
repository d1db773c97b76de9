//! Creating and opening a ring.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::port::ENTRIES;
use super::ring::Ring;
use crate::attachment::{Attach, Attachment, Creation, Expected};
use crate::element::{Element, Payload};
use crate::error::OpenError;
use crate::position::Position;
use crate::surface::common_options;
use crate::vocabulary::Kind;

/// What a new ring is to be like.
///
/// ```no_run
/// use std::time::Duration;
/// use ringfence::broadcast;
///
/// let ring = broadcast::Options::<u64>::new(4096)
///     .gated(2) // two subscribers, whoever they are, may hold the publisher up …
///     .gate("recorder") // … and the recorder, whom it waits for even while it is restarted
///     .hold_gates(Duration::from_secs(10))
///     .open_or_create("md.ticks")?;
/// # Ok::<(), ringfence::OpenError>(())
/// ```
#[must_use]
pub struct Options<P: Payload + ?Sized> {
    creation: Creation,
    max_len: Option<usize>,
    carried: PhantomData<fn(&P)>,
}

impl<T: Element> Options<T> {
    /// A ring of `capacity` elements: 2 to 2^40, rounded up to a power of two.
    ///
    /// Elements without a size, or aligned to more than a page, are refused when the program is built.
    pub fn new(capacity: usize) -> Self {
        Self { creation: Creation::new(capacity, ENTRIES), max_len: None, carried: PhantomData }
    }
}

impl Options<[u8]> {
    /// A ring of `capacity` byte strings (2 to 2^40, rounded up to a power of two) of up to `max_len` bytes each
    /// (1 to 2^31). Every slot takes the maximum length and 16 bytes, rounded up to a multiple of 8.
    pub fn new(capacity: usize, max_len: usize) -> Self {
        Self { creation: Creation::new(capacity, ENTRIES), max_len: Some(max_len), carried: PhantomData }
    }
}

impl<P: Payload + ?Sized> Options<P> {
    /// Adds `count` gates that are anyone's: so many subscribers can be attached at a time for whom the publisher waits
    /// rather than overwrite what they have not released. By default there are none; 4,093 gates are possible in all. Each
    /// takes 384 bytes, and each look of the publisher at its gates reads all of them.
    ///
    /// A ring that exists already keeps what its creator chose.
    pub fn gated(mut self, count: u32) -> Self {
        let gates = &mut self.creation.gates;
        gates.resize(gates.len().saturating_add(count as usize).min(1 << 16), None);
        self
    }

    /// Adds a gate for whoever asks for it by `name` (1 to 48 bytes), one subscriber at a time. Who takes it after its last
    /// owner died goes on with the oldest item that was not released.
    ///
    /// A ring that exists already keeps what its creator chose.
    pub fn gate(mut self, name: impl Into<String>) -> Self {
        self.creation.gates.push(Some(name.into()));
        self
    }

    /// For how long the publisher waits for a gate with a name whose subscriber is gone, dead or dropped, before it goes on
    /// without it: for a recorder that is restarted and is to miss nothing. Counted from the moment at which the gate first
    /// holds the publisher up; zero by default.
    ///
    /// A ring that exists already keeps what its creator chose.
    pub fn hold_gates(mut self, time: Duration) -> Self {
        self.creation.hold_gates = time;
        self
    }

    /// For how long a gated subscriber that lives may hold the publisher up without releasing anything; then it is demoted:
    /// the publisher waits for it no more, and it is told what it misses. By default the publisher waits for ever: a process
    /// that is slow, or stopped, is not dead.
    ///
    /// A ring that exists already keeps what its creator chose.
    pub fn demote_after(mut self, time: Duration) -> Self {
        self.creation.demote_after = Some(time.max(Duration::from_nanos(1)));
        self
    }
}

common_options!(Kind::Broadcast);
