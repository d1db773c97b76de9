//! The awaiting forms of the handles' verbs.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{ReadBatch, ReadGuard, ReadSlice, Reader, Writer};
use crate::asynchronous::{Async, Handle, sealed::Sealed};
use crate::element::{Element, Payload};
use crate::error::{PopError, PushError};
use crate::position::Position;
use crate::source::Doorbell;
use crate::surface::{common_awaiting_consumer, common_awaiting_producer};

common_awaiting_producer! {
    handle: Writer;
    item: try_push push;
    slice: try_push_slice push_slice;
    words: "Pushes";
    ready: "there is room for an element, or for an empty record";
}

common_awaiting_consumer! {
    handle: Reader, PopError;
    item: try_pop pop;
    slice: try_pop_slice pop_slice;
    bytes: try_pop_to pop_to;
    words: "Takes the oldest" "copies it out and releases it" "reader pops";
    ready: "an item";
    errors: "[`PopError::Closed`] or [`PopError::Broken`]";
}

impl<T: Element> Async<Reader<T>> {
    /// Looks at the oldest elements, `max` at most and in one piece, without releasing them; waits while there is none. See
    /// [`Reader::read_slice`].
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    pub async fn read_slice(&mut self, max: usize) -> Result<ReadSlice<'_, T>, PopError> {
        self.ready().await?;
        self.get_mut().try_read_slice(max)
    }
}

impl Async<Reader<[u8]>> {
    /// Looks at the oldest record without releasing it; waits while there is none. See [`Reader::read`].
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    pub async fn read(&mut self) -> Result<ReadGuard<'_>, PopError> {
        self.ready().await?;
        self.get_mut().try_read()
    }

    /// Looks at the oldest records, `max` at most, without releasing them; waits while there is none. See
    /// [`Reader::read_batch`].
    ///
    /// # Errors
    ///
    /// [`PopError::Closed`] or [`PopError::Broken`].
    pub async fn read_batch(&mut self, max: usize) -> Result<ReadBatch<'_>, PopError> {
        self.ready().await?;
        self.get_mut().try_read_batch(max)
    }
}
