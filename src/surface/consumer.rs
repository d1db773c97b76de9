//! What consumers of any kind have in common: the waiting forms of their verbs, over the kind's own `try_` forms, `look`
//! and `retry`.

/// The verbs of a handle that pops, whatever it and they are called.
///
/// `barrier` is what the handle does that others may sleep for: one that does no such thing leaves it out. `words` is how
/// the documentation says which item a call takes, and what becomes of it; `errors` which errors end a wait, `limit` which
/// come first where the wait has a limit. The file has the handle's `port` field, and `Passing` in scope.
macro_rules! common_consumer {
    (
        handle: $Consumer:ident, $PopError:ident;
        $(barrier: $release:literal;)?
        item: $try_pop:ident $pop:ident $pop_timeout:ident;
        slice: $try_pop_slice:ident $pop_slice:ident $pop_slice_timeout:ident;
        bytes: $try_pop_to:ident $pop_to:ident $pop_to_timeout:ident;
        words: $takes_the_oldest:literal $copies_it:literal;
        errors: $errors:literal;
        limit: $limit:literal;
    ) => {
        impl<P: Payload + ?Sized> $Consumer<P> {
            /// Waits up to `limit` until there is an item.
            ///
            /// # Errors
            ///
            #[doc = concat!($limit, ", ", $errors, ".")]
            #[inline]
            pub fn wait(&mut self, limit: impl Into<Limit>) -> Result<(), $PopError> {
                match self.look() {
                    Err(error) if error.passes() => self.retry(limit.into(), Self::look),
                    result => result,
                }
            }

            $(
                #[doc = concat!("What this handle runs behind ", $release, ": what it was attached with, or `Fenced`")]
                /// where that could not be had. On a ring of `busy_poll`, where nobody sleeps, it is always `Asymmetric`.
                #[must_use]
                pub fn barrier(&self) -> Barrier {
                    self.port.barrier
                }
            )?

            /// How many items fit into the ring.
            #[must_use]
            pub fn capacity(&self) -> usize {
                self.port.capacity()
            }
        }

        impl<T: Element> $Consumer<T> {
            #[doc = concat!($takes_the_oldest, " item: ", $copies_it, "; waits while there is none.")]
            ///
            /// # Errors
            ///
            #[doc = concat!($errors, ".")]
            #[inline]
            pub fn $pop(&mut self) -> Result<T, $PopError> {
                self.$pop_timeout(Limit::Unlimited)
            }

            #[doc = concat!($takes_the_oldest, " item: ", $copies_it, "; waits up to `limit` while there is none.")]
            ///
            /// # Errors
            ///
            #[doc = concat!($limit, ", ", $errors, ".")]
            #[inline]
            pub fn $pop_timeout(&mut self, limit: impl Into<Limit>) -> Result<T, $PopError> {
                match self.$try_pop() {
                    Err(error) if error.passes() => self.retry(limit.into(), Self::$try_pop),
                    result => result,
                }
            }

            #[doc = concat!($takes_the_oldest, " items, as many as there are and `values` takes,")]
            /// and says how many; waits while there is none.
            ///
            /// # Errors
            ///
            #[doc = concat!($errors, ".")]
            #[inline]
            pub fn $pop_slice(&mut self, values: &mut [T]) -> Result<usize, $PopError> {
                self.$pop_slice_timeout(values, Limit::Unlimited)
            }

            #[doc = concat!($takes_the_oldest, " items, as many as there are and `values` takes,")]
            /// and says how many; waits up to `limit` while there is none.
            ///
            /// # Errors
            ///
            #[doc = concat!($limit, ", ", $errors, ".")]
            #[inline]
            pub fn $pop_slice_timeout(
                &mut self,
                values: &mut [T],
                limit: impl Into<Limit>,
            ) -> Result<usize, $PopError> {
                match self.$try_pop_slice(values) {
                    Err(error) if error.passes() => self.retry(limit.into(), |it| it.$try_pop_slice(values)),
                    result => result,
                }
            }
        }

        impl $Consumer<[u8]> {
            #[doc = concat!($takes_the_oldest, " item: `buffer` then holds its bytes and nothing else;")]
            /// waits while there is none.
            ///
            /// # Errors
            ///
            #[doc = concat!($errors, ".")]
            #[inline]
            pub fn $pop_to(&mut self, buffer: &mut Vec<u8>) -> Result<usize, $PopError> {
                self.$pop_to_timeout(buffer, Limit::Unlimited)
            }

            #[doc = concat!($takes_the_oldest, " item: `buffer` then holds its bytes and nothing else;")]
            /// waits up to `limit` while there is none.
            ///
            /// # Errors
            ///
            #[doc = concat!($limit, ", ", $errors, ".")]
            #[inline]
            pub fn $pop_to_timeout(
                &mut self,
                buffer: &mut Vec<u8>,
                limit: impl Into<Limit>,
            ) -> Result<usize, $PopError> {
                match self.$try_pop_to(buffer) {
                    Err(error) if error.passes() => self.retry(limit.into(), |it| it.$try_pop_to(buffer)),
                    result => result,
                }
            }

            /// Longest item, in bytes.
            #[must_use]
            pub fn max_len(&self) -> usize {
                self.port.max_len()
            }
        }
    };
}

/// The waiting forms of reading ahead; `errors` and `limit` as for [`common_consumer`].
macro_rules! common_read_ahead {
    (
        handle: $Consumer:ident, $PopError:ident;
        errors: $errors:literal;
        limit: $limit:literal;
    ) => {
        impl<T: Element> $Consumer<T> {
            /// Copies the next item out without releasing it; waits while there is none. Items that are not released take
            /// slots: a handle that reads a whole capacity ahead waits for its own release.
            ///
            /// # Errors
            ///
            #[doc = concat!($errors, ".")]
            #[inline]
            pub fn read_ahead(&mut self) -> Result<Item<T>, $PopError> {
                self.read_ahead_timeout(Limit::Unlimited)
            }

            /// Copies the next item out without releasing it; waits up to `limit` while there is none.
            ///
            /// # Errors
            ///
            #[doc = concat!($limit, ", ", $errors, ".")]
            #[inline]
            pub fn read_ahead_timeout(&mut self, limit: impl Into<Limit>) -> Result<Item<T>, $PopError> {
                match self.try_read_ahead() {
                    Err(error) if error.passes() => self.retry(limit.into(), Self::try_read_ahead),
                    result => result,
                }
            }
        }

        impl $Consumer<[u8]> {
            /// Copies the next item into `buffer` without releasing it; waits while there is none.
            ///
            /// # Errors
            ///
            #[doc = concat!($errors, ".")]
            pub fn read_ahead_to(&mut self, buffer: &mut Vec<u8>) -> Result<Delivery, $PopError> {
                self.read_ahead_to_timeout(buffer, Limit::Unlimited)
            }

            /// Copies the next item into `buffer` without releasing it; waits up to `limit` while there is none.
            ///
            /// # Errors
            ///
            #[doc = concat!($limit, ", ", $errors, ".")]
            pub fn read_ahead_to_timeout(
                &mut self,
                buffer: &mut Vec<u8>,
                limit: impl Into<Limit>,
            ) -> Result<Delivery, $PopError> {
                match self.try_read_ahead_to(buffer) {
                    Err(error) if error.passes() => {
                        self.retry(limit.into(), |it| it.try_read_ahead_to(buffer))
                    }
                    result => result,
                }
            }
        }
    };
}

pub(crate) use {common_consumer, common_read_ahead};
