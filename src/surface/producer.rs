//! What producers of any kind have in common: the waiting forms of their verbs, over the kind's own `try_` forms, `look`
//! and `retry`.

/// The verbs of a handle that pushes, whatever it and they are called.
///
/// `words` is how the documentation says what they do and did, `limit` which errors end a wait with a limit before
/// `Closed` and `Broken` do. The file has the handle's `port` field, and `Passing` in scope.
macro_rules! common_producer {
    (
        handle: $Producer:ident;
        item: $try_push:ident $push:ident $push_timeout:ident $push_or_drop:ident;
        slice: $try_push_slice:ident $push_slice:ident $push_slice_timeout:ident;
        words: $pushes:literal $pushed:literal;
        limit: $limit:literal;
    ) => {
        impl<P: Payload + ?Sized> $Producer<P> {
            /// Waits up to `limit` until a slot is free.
            ///
            /// # Errors
            ///
            #[doc = concat!($limit, ", [`PushError::Closed`] or [`PushError::Broken`].")]
            #[inline]
            pub fn wait(&mut self, limit: impl Into<Limit>) -> Result<(), PushError> {
                match self.look() {
                    Err(error) if error.passes() => self.retry(limit.into(), Self::look),
                    result => result,
                }
            }

            /// What this handle runs behind a publication: what it was attached with, or `Fenced` where that could not be had.
            /// On a ring of `busy_poll`, where nobody sleeps, it is always `Asymmetric`.
            #[must_use]
            pub fn barrier(&self) -> Barrier {
                self.port.barrier
            }

            /// How many items fit into the ring.
            #[must_use]
            pub fn capacity(&self) -> usize {
                self.port.capacity()
            }

            #[cold]
            fn dropped(&mut self) -> bool {
                self.port.count(counter::DROPPED);
                false
            }
        }

        impl<T: Element> $Producer<T> {
            #[doc = concat!($pushes, " `value` and says where it went; waits while no slot is free.")]
            ///
            /// # Errors
            ///
            /// [`PushError::Closed`] or [`PushError::Broken`].
            #[inline]
            pub fn $push(&mut self, value: T) -> Result<Position, PushError> {
                self.$push_timeout(value, Limit::Unlimited)
            }

            #[doc = concat!($pushes, " `value` and says where it went; waits up to `limit` while no slot is free.")]
            ///
            /// # Errors
            ///
            #[doc = concat!($limit, ", [`PushError::Closed`] or [`PushError::Broken`].")]
            #[inline]
            pub fn $push_timeout(
                &mut self,
                value: T,
                limit: impl Into<Limit>,
            ) -> Result<Position, PushError> {
                match self.$try_push(value) {
                    Err(error) if error.passes() => self.retry(limit.into(), |it| it.$try_push(value)),
                    result => result,
                }
            }

            #[doc = concat!($pushes, " `value`, or drops it and counts it where that does not succeed at once;")]
            #[doc = concat!("says whether it was ", $pushed, ".")]
            ///
            /// The count is in the shared entry: [`Participant::dropped`](crate::Participant::dropped).
            #[inline]
            pub fn $push_or_drop(&mut self, value: T) -> bool {
                self.$try_push(value).is_ok() || self.dropped()
            }

            #[doc = concat!($pushes, " all `values`, waiting whenever no slot is free,")]
            #[doc = concat!("and says how many it ", $pushed, ": fewer than all only where")]
            /// the ring was closed or the handle broke meanwhile, which the next call reports.
            ///
            /// # Errors
            ///
            #[doc = concat!("[`PushError::Closed`] or [`PushError::Broken`] where nothing was ", $pushed, ".")]
            #[inline]
            pub fn $push_slice(&mut self, values: &[T]) -> Result<usize, PushError> {
                self.$push_slice_timeout(values, Limit::Unlimited)
            }

            #[doc = concat!($pushes, " `values`, waiting up to `limit` in all while no slot is free,")]
            #[doc = concat!("and says how many it ", $pushed, ".")]
            ///
            /// # Errors
            ///
            #[doc = concat!($limit, ", [`PushError::Closed`] or [`PushError::Broken`]")]
            #[doc = concat!("where nothing was ", $pushed, ".")]
            #[inline]
            pub fn $push_slice_timeout(
                &mut self,
                values: &[T],
                limit: impl Into<Limit>,
            ) -> Result<usize, PushError> {
                match self.$try_push_slice(values) {
                    Ok(count) if count == values.len() => Ok(count),
                    Ok(count) => self.push_rest(values, count, limit.into()),
                    Err(error) if error.passes() => self.push_rest(values, 0, limit.into()),
                    Err(error) => Err(error),
                }
            }

            #[cold]
            fn push_rest(&mut self, values: &[T], done: usize, limit: Limit) -> Result<usize, PushError> {
                let mut done = done;
                let result = self.retry(limit, |it| {
                    done += it.$try_push_slice(&values[done..])?;
                    if done < values.len() { Err(PushError::Full) } else { Ok(done) }
                });
                match result {
                    Err(_) if done > 0 => Ok(done),
                    result => result,
                }
            }
        }

        impl $Producer<[u8]> {
            #[doc = concat!($pushes, " `bytes` and says where they went; waits while no slot is free.")]
            ///
            /// # Errors
            ///
            /// [`PushError::TooLong`], [`PushError::Closed`] or [`PushError::Broken`].
            #[inline]
            pub fn $push(&mut self, bytes: &[u8]) -> Result<Position, PushError> {
                self.$push_timeout(bytes, Limit::Unlimited)
            }

            #[doc = concat!($pushes, " `bytes` and says where they went; waits up to `limit` while no slot is free.")]
            ///
            /// # Errors
            ///
            #[doc = concat!("[`PushError::TooLong`], ", $limit, ", [`PushError::Closed`] or [`PushError::Broken`].")]
            #[inline]
            pub fn $push_timeout(
                &mut self,
                bytes: &[u8],
                limit: impl Into<Limit>,
            ) -> Result<Position, PushError> {
                match self.$try_push(bytes) {
                    Err(error) if error.passes() => self.retry(limit.into(), |it| it.$try_push(bytes)),
                    result => result,
                }
            }

            #[doc = concat!($pushes, " `bytes`, or drops them and counts that where it does not succeed at once;")]
            #[doc = concat!("says whether they were ", $pushed, ".")]
            ///
            /// The count is in the shared entry: [`Participant::dropped`](crate::Participant::dropped).
            #[inline]
            pub fn $push_or_drop(&mut self, bytes: &[u8]) -> bool {
                self.$try_push(bytes).is_ok() || self.dropped()
            }

            /// Longest item, in bytes.
            #[must_use]
            pub fn max_len(&self) -> usize {
                self.port.max_len()
            }

            /// Whether an item of `len` bytes fits into a slot.
            #[inline]
            pub(super) fn fits(&self, len: usize) -> Result<(), PushError> {
                let max = self.max_len();
                if len <= max {
                    Ok(())
                } else {
                    Err(PushError::TooLong { len: u32::try_from(len).unwrap_or(u32::MAX), max: max as u32 })
                }
            }
        }
    };
}

pub(crate) use common_producer;
