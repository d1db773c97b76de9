//! Filling a slot in place: claim → fill → commit. Only a filled claim can be committed.

use std::fmt;
use std::io;

use super::Publisher;
use crate::element::{Element, Payload};
use crate::error::PushError;
use crate::position::Position;
use crate::surface::common_claim;
use crate::wait::Limit;

/// The next slot, claimed and not yet filled. Dropping it aborts: nothing was published. The oldest item, which lay in the
/// slot, is gone in any case.
///
/// ```
/// use std::io::Write;
/// use ringfence::broadcast::{self, Start};
///
/// let ring = broadcast::Options::<[u8]>::new(8, 64).in_process()?;
/// let (mut tx, mut rx) = (ring.publisher()?, ring.subscribe(Start::Newest)?);
///
/// let mut claim = tx.try_claim()?;
/// write!(claim, "{} {}", "price", 42)?; // straight into the ring
/// claim.finish().commit()?;
///
/// let mut item = Vec::new();
/// rx.recv_to(&mut item)?;
/// assert_eq!(item, b"price 42");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a claim that is dropped publishes nothing"]
pub struct Claim<'a, P: Payload + ?Sized> {
    producer: &'a mut Publisher<P>,
    /// Bytes appended so far.
    len: usize,
}

/// A filled slot. Dropping it aborts: nothing was published.
#[must_use = "a filled claim that is not committed publishes nothing"]
pub struct Filled<'a, P: Payload + ?Sized> {
    producer: &'a mut Publisher<P>,
}

impl<'a, P: Payload + ?Sized> Claim<'a, P> {
    #[inline]
    fn of(producer: &'a mut Publisher<P>) -> Self {
        producer.writer.begin(&producer.port.view);
        Self { producer, len: 0 }
    }
}

common_claim! {
    handle: Publisher;
    words: "Publishes";
}
