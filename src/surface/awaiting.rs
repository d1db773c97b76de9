//! What the awaiting forms of any kind have in common.

/// The file has the kind's handles in scope.
#[cfg(feature = "async")]
macro_rules! common_awaiting {
    () => {
        impl<P: Payload + ?Sized> Handle for Consumer<P> {}

        impl<P: Payload + ?Sized> Sealed for Consumer<P> {
            fn bell(&self) -> Doorbell {
                self.doorbell()
            }
        }

        impl<P: Payload + ?Sized> Handle for Producer<P> {}

        impl<P: Payload + ?Sized> Sealed for Producer<P> {
            fn bell(&self) -> Doorbell {
                self.doorbell()
            }
        }

        impl<P: Payload + ?Sized> Async<Consumer<P>> {
            /// Waits until there is an item, which another consumer may take first.
            ///
            /// # Errors
            ///
            /// [`PopError::Closed`] or [`PopError::Broken`].
            pub async fn ready(&mut self) -> Result<(), PopError> {
                self.retry(Consumer::look).await
            }
        }

        impl<T: Element> Async<Consumer<T>> {
            /// Takes the oldest item: copies it out and releases it; waits while there is none.
            ///
            /// # Errors
            ///
            /// [`PopError::Closed`] or [`PopError::Broken`].
            pub async fn pop(&mut self) -> Result<T, PopError> {
                self.retry(Consumer::<T>::try_pop).await
            }

            /// Takes the oldest items, as many as there are and `values` takes, and says how many; waits while there is none.
            ///
            /// # Errors
            ///
            /// [`PopError::Closed`] or [`PopError::Broken`].
            pub async fn pop_slice(&mut self, values: &mut [T]) -> Result<usize, PopError> {
                self.retry(|it| it.try_pop_slice(values)).await
            }
        }

        impl Async<Consumer<[u8]>> {
            /// Takes the oldest item: `buffer` then holds its bytes and nothing else; waits while there is none.
            ///
            /// # Errors
            ///
            /// [`PopError::Closed`] or [`PopError::Broken`].
            pub async fn pop_to(&mut self, buffer: &mut Vec<u8>) -> Result<usize, PopError> {
                self.retry(|it| it.try_pop_to(buffer)).await
            }
        }

        /// The items that this consumer pops, one after the other. Ends where the ring is closed and drained, and after an error: a
        /// stream that is polled once more then tries again.
        impl<T: Element> Stream for Async<Consumer<T>> {
            type Item = Result<T, PopError>;

            fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                self.get_mut().poll_item(context, Consumer::<T>::try_pop)
            }
        }

        impl<P: Payload + ?Sized> Async<Producer<P>> {
            /// Waits until a push would find a free slot, which another producer may take first.
            ///
            /// # Errors
            ///
            /// [`PushError::Closed`] or [`PushError::Broken`].
            pub async fn ready(&mut self) -> Result<(), PushError> {
                self.retry(Producer::look).await
            }
        }

        impl<T: Element> Async<Producer<T>> {
            /// Pushes `value` and says where it went; waits while no slot is free.
            ///
            /// # Errors
            ///
            /// [`PushError::Closed`] or [`PushError::Broken`].
            pub async fn push(&mut self, value: T) -> Result<Position, PushError> {
                self.retry(|it| it.try_push(value)).await
            }

            /// Pushes the first of `values`, as many as there is room for, and says how many; waits while there is room for none.
            ///
            /// # Errors
            ///
            /// [`PushError::Closed`] or [`PushError::Broken`].
            pub async fn push_slice(&mut self, values: &[T]) -> Result<usize, PushError> {
                self.retry(|it| it.try_push_slice(values)).await
            }
        }

        impl Async<Producer<[u8]>> {
            /// Pushes `bytes` and says where they went; waits while no slot is free.
            ///
            /// # Errors
            ///
            /// [`PushError::TooLong`], [`PushError::Closed`] or [`PushError::Broken`].
            pub async fn push(&mut self, bytes: &[u8]) -> Result<Position, PushError> {
                self.retry(|it| it.try_push(bytes)).await
            }
        }
    };
}

#[cfg(feature = "async")]
pub(crate) use common_awaiting;
