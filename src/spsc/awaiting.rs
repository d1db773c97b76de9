//! The awaiting forms of the handles' verbs.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{Consumer, Producer, ReadGuard, ReadSlice};
use crate::asynchronous::{Async, Handle, sealed::Sealed};
use crate::element::{Element, Payload};
use crate::error::{PopError, PushError};
use crate::position::Position;
use crate::source::Doorbell;
use crate::surface::{common_awaiting_consumer, common_awaiting_producer};

common_awaiting_producer! {
    handle: Producer;
    item: try_push push;
    slice: try_push_slice push_slice;
    words: "Pushes";
    ready: "a slot is free";
}

common_awaiting_consumer! {
    handle: Consumer, PopError;
    item: try_pop pop;
    slice: try_pop_slice pop_slice;
    bytes: try_pop_to pop_to;
    words: "Takes the oldest" "copies it out and releases it" "consumer pops";
    ready: "an item";
    errors: "[`PopError::Closed`] or [`PopError::Broken`]";
}

impl<P: Payload + ?Sized> Async<Consumer<P>> {
    /// Looks at the oldest item without releasing it; waits while there is none. See [`Consumer::read`].
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    pub async fn read(&mut self) -> Result<ReadGuard<'_, P>, PopError> {
        self.ready().await?;
        self.get_mut().guard()
    }
}

impl<T: Element> Async<Consumer<T>> {
    /// Looks at the oldest items, `max` at most, without releasing them; waits while there is none. See
    /// [`Consumer::read_slice`].
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    pub async fn read_slice(&mut self, max: usize) -> Result<ReadSlice<'_, T>, PopError> {
        self.ready().await?;
        self.get_mut().try_read_slice(max)
    }
}
