//! What the awaiting forms of any kind have in common.

/// The verbs of a handle that pushes, whatever it and they are called.
///
/// `words` is how the documentation says what they do, `ready` what there is when the handle is ready.
#[cfg(feature = "async")]
macro_rules! common_awaiting_producer {
    (
        handle: $Producer:ident;
        item: $try_push:ident $push:ident;
        slice: $try_push_slice:ident $push_slice:ident;
        words: $pushes:literal;
        ready: $a_slot_is_free:literal;
    ) => {
        impl<P: Payload + ?Sized> Handle for $Producer<P> {}

        impl<P: Payload + ?Sized> Sealed for $Producer<P> {
            fn bell(&self) -> Doorbell {
                self.doorbell()
            }
        }

        impl<P: Payload + ?Sized> Async<$Producer<P>> {
            #[doc = concat!("Waits until ", $a_slot_is_free, ".")]
            ///
            /// # Errors
            ///
            /// [`PushError::Closed`] or [`PushError::Broken`].
            pub async fn ready(&mut self) -> Result<(), PushError> {
                self.retry($Producer::look).await
            }
        }

        impl<T: Element> Async<$Producer<T>> {
            #[doc = concat!($pushes, " `value` and says where it went; waits while no slot is free.")]
            ///
            /// # Errors
            ///
            /// [`PushError::Closed`] or [`PushError::Broken`].
            pub async fn $push(&mut self, value: T) -> Result<Position, PushError> {
                self.retry(|it| it.$try_push(value)).await
            }

            #[doc = concat!($pushes, " the first of `values`, as many as there is room for, and says how many;")]
            /// waits while there is room for none.
            ///
            /// # Errors
            ///
            /// [`PushError::Closed`] or [`PushError::Broken`].
            pub async fn $push_slice(&mut self, values: &[T]) -> Result<usize, PushError> {
                self.retry(|it| it.$try_push_slice(values)).await
            }
        }

        impl Async<$Producer<[u8]>> {
            #[doc = concat!($pushes, " `bytes` and says where they went; waits while no slot is free.")]
            ///
            /// # Errors
            ///
            /// [`PushError::TooLong`], [`PushError::Closed`] or [`PushError::Broken`].
            pub async fn $push(&mut self, bytes: &[u8]) -> Result<Position, PushError> {
                self.retry(|it| it.$try_push(bytes)).await
            }
        }
    };
}

/// The verbs of a handle that pops, whatever it and they are called, and the stream of its items.
///
/// `words` is how the documentation says which item a call takes, what becomes of it, and which items a stream has; `ready`
/// what there is when the handle is ready; `errors` which errors end a wait.
#[cfg(feature = "async")]
macro_rules! common_awaiting_consumer {
    (
        handle: $Consumer:ident, $PopError:ident;
        item: $try_pop:ident $pop:ident;
        slice: $try_pop_slice:ident $pop_slice:ident;
        bytes: $try_pop_to:ident $pop_to:ident;
        words: $takes_the_oldest:literal $copies_it:literal $consumer_pops:literal;
        ready: $an_item:literal;
        errors: $errors:literal;
    ) => {
        impl<P: Payload + ?Sized> Handle for $Consumer<P> {}

        impl<P: Payload + ?Sized> Sealed for $Consumer<P> {
            fn bell(&self) -> Doorbell {
                self.doorbell()
            }
        }

        impl<P: Payload + ?Sized> Async<$Consumer<P>> {
            #[doc = concat!("Waits until there is ", $an_item, ".")]
            ///
            /// # Errors
            ///
            #[doc = concat!($errors, ".")]
            pub async fn ready(&mut self) -> Result<(), $PopError> {
                self.retry($Consumer::look).await
            }
        }

        impl<T: Element> Async<$Consumer<T>> {
            #[doc = concat!($takes_the_oldest, " item: ", $copies_it, "; waits while there is none.")]
            ///
            /// # Errors
            ///
            #[doc = concat!($errors, ".")]
            pub async fn $pop(&mut self) -> Result<T, $PopError> {
                self.retry($Consumer::<T>::$try_pop).await
            }

            #[doc = concat!($takes_the_oldest, " items, as many as there are and `values` takes,")]
            /// and says how many; waits while there is none.
            ///
            /// # Errors
            ///
            #[doc = concat!($errors, ".")]
            pub async fn $pop_slice(&mut self, values: &mut [T]) -> Result<usize, $PopError> {
                self.retry(|it| it.$try_pop_slice(values)).await
            }
        }

        impl Async<$Consumer<[u8]>> {
            #[doc = concat!($takes_the_oldest, " item: `buffer` then holds its bytes and nothing else;")]
            /// waits while there is none.
            ///
            /// # Errors
            ///
            #[doc = concat!($errors, ".")]
            pub async fn $pop_to(&mut self, buffer: &mut Vec<u8>) -> Result<usize, $PopError> {
                self.retry(|it| it.$try_pop_to(buffer)).await
            }
        }

        #[doc = concat!("The items that this ", $consumer_pops, ", one after the other.")]
        /// Ends where the ring is closed and drained, and after an error: a stream that is polled once more then tries again.
        impl<T: Element> Stream for Async<$Consumer<T>> {
            type Item = Result<T, $PopError>;

            fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                self.get_mut()
                    .poll_item(context, $Consumer::<T>::$try_pop, |error| matches!(error, $PopError::Closed))
            }
        }
    };
}

#[cfg(feature = "async")]
pub(crate) use {common_awaiting_consumer, common_awaiting_producer};
