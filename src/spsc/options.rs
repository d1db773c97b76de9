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
/// use ringfence::{spsc, Attach};
///
/// let ring = spsc::Options::<u64>::new(4096)
///     .mode(0o660)
///     .attach(Attach::new().label("gateway"))
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
    /// Elements without a size, or aligned to more than a page, are refused when the program is built:
    ///
    /// ```compile_fail
    /// let nothing = ringfence::spsc::Options::<[u8; 0]>::new(4).in_process();
    /// ```
    ///
    /// ```compile_fail
    /// #[derive(ringfence::Element, Clone, Copy)]
    /// #[element(name = "doc.Aligned")]
    /// #[repr(C, align(8192))]
    /// struct Aligned([u8; 8192]);
    ///
    /// let aligned = ringfence::spsc::Options::<Aligned>::new(4).in_process();
    /// ```
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

common_options!(Kind::Spsc);
