//! Filling a slot in place: claim → fill → commit. Only a filled claim can be committed.

use std::fmt;
use std::io;

use super::Producer;
use crate::element::{Element, Payload};
use crate::error::PushError;
use crate::position::Position;
use crate::surface::common_claim;
use crate::wait::Limit;

/// The next slot, claimed and not yet filled. Dropping it aborts: nothing was pushed.
///
/// ```
/// use std::io::Write;
/// use ringfence::spsc;
///
/// let ring = spsc::Options::<[u8]>::new(8, 64).in_process()?;
/// let (mut tx, mut rx) = (ring.producer()?, ring.consumer()?);
///
/// let mut claim = tx.try_claim()?;
/// write!(claim, "{} {}", "price", 42)?; // straight into the ring
/// claim.finish().commit()?;
///
/// assert_eq!(rx.read()?.to_vec(), b"price 42");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a claim that is dropped pushes nothing"]
pub struct Claim<'a, P: Payload + ?Sized> {
    producer: &'a mut Producer<P>,
    /// Bytes appended so far.
    len: usize,
}

/// A filled slot. Dropping it aborts: nothing was pushed.
#[must_use = "a filled claim that is not committed pushes nothing"]
pub struct Filled<'a, P: Payload + ?Sized> {
    producer: &'a mut Producer<P>,
}

impl<'a, P: Payload + ?Sized> Claim<'a, P> {
    #[inline]
    fn of(producer: &'a mut Producer<P>) -> Self {
        Self { producer, len: 0 }
    }
}

common_claim! {
    handle: Producer;
    words: "Pushes";
}
