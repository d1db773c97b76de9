//! Creating and opening a ring.

use std::fmt;
use std::marker::PhantomData;

use super::ring::Ring;
use crate::attachment::{Attach, Attachment, Creation, Expected};
use crate::element::{Element, Payload};
use crate::error::OpenError;
use crate::position::Position;
use crate::surface::common_options;
use crate::vocabulary::Kind;

/// Handles that a ring has entries for, unless its creator says otherwise.
const PARTICIPANTS: u32 = 256;

/// What a new ring is to be like.
///
/// ```no_run
/// use ringfence::{mpmc, Attach};
///
/// let ring = mpmc::Options::<u64>::new(4096)
///     .participants(32)
///     .attach(Attach::new().label("worker"))
///     .open_or_create("jobs")?;
/// # Ok::<(), ringfence::OpenError>(())
/// ```
#[must_use]
pub struct Options<P: Payload + ?Sized> {
    creation: Creation,
    max_len: Option<usize>,
    carried: PhantomData<fn(&P)>,
}

/// What becomes of the items that a consumer had claimed and not released when it died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum OnConsumerDeath {
    /// Another consumer gets them, flagged: at least once.
    #[default]
    Redeliver,
    /// They are gone, as if they had been released: at most once.
    Discard,
}

impl<T: Element> Options<T> {
    /// A ring of `capacity` elements: 2 to 2^40, rounded up to a power of two.
    ///
    /// Elements without a size, or aligned to more than a page, are refused when the program is built.
    pub fn new(capacity: usize) -> Self {
        Self { creation: Creation::new(capacity, PARTICIPANTS), max_len: None, carried: PhantomData }
    }
}

impl Options<[u8]> {
    /// A ring of `capacity` byte strings (2 to 2^40, rounded up to a power of two) of up to `max_len` bytes each
    /// (1 to 2^31). Every slot takes the maximum length and 16 bytes, rounded up to a multiple of 8.
    pub fn new(capacity: usize, max_len: usize) -> Self {
        Self { creation: Creation::new(capacity, PARTICIPANTS), max_len: Some(max_len), carried: PhantomData }
    }
}

impl<P: Payload + ?Sized> Options<P> {
    /// How many handles can be attached at a time, producers and consumers together: 2 to 4,094, 256 by default. Each
    /// takes 256 bytes.
    ///
    /// A ring that exists already keeps what its creator chose.
    pub fn participants(mut self, count: u32) -> Self {
        self.creation.entries = count;
        self
    }

    /// What becomes of a dead consumer's items: [`Redeliver`](OnConsumerDeath::Redeliver) by default.
    ///
    /// A ring that exists already keeps what its creator chose.
    pub fn on_consumer_death(mut self, choice: OnConsumerDeath) -> Self {
        self.creation.discard = choice == OnConsumerDeath::Discard;
        self
    }
}

common_options!(Kind::Mpmc);
