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
use crate::surface::common_awaiting;

common_awaiting!();

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
