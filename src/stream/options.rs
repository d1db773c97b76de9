//! Creating and opening a ring.

use std::fmt;
use std::marker::PhantomData;

use super::ring::Ring;
use crate::attachment::{Attach, Attachment, Creation, Expected};
use crate::element::{Element, Payload};
use crate::error::OpenError;
use crate::pair::ENTRIES;
use crate::position::Position;
use crate::surface::common_options;
use crate::vocabulary::Kind;

/// What a new ring is to be like.
///
/// ```no_run
/// use ringfence::stream;
///
/// let samples = stream::Options::<f32>::new(1 << 16).open_or_create("samples")?; // 65,536 of them
/// let lines = stream::Options::<[u8]>::new(1 << 20).open_or_create("log.lines")?; // a megabyte of records
/// let pipe = stream::Options::<u8>::new(1 << 16).open_or_create("pipe")?; // a byte stream
/// # Ok::<(), ringfence::OpenError>(())
/// ```
#[must_use]
pub struct Options<P: Payload + ?Sized> {
    creation: Creation,
    max_len: Option<usize>,
    carried: PhantomData<fn(&P)>,
}

impl<T: Element> Options<T> {
    /// A ring of `capacity` elements, side by side: 2 to 2^40, rounded up to a power of two.
    ///
    /// Elements without a size, or aligned to more than a page, are refused when the program is built.
    pub fn new(capacity: usize) -> Self {
        Self { creation: Creation::new(capacity, ENTRIES), max_len: None, carried: PhantomData }
    }
}

impl Options<[u8]> {
    /// A ring of records in `capacity` bytes: 16 to 2^32, rounded up to a power of two. A record takes its length, rounded up
    /// to a multiple of 8, and 8 bytes; the longest has half the capacity less 8 bytes.
    pub fn new(capacity: usize) -> Self {
        Self { creation: Creation::new(capacity, ENTRIES), max_len: None, carried: PhantomData }
    }
}

common_options!(Kind::Stream);
