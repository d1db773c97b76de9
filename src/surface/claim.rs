//! How a slot is filled in place, whatever the kind of its ring: claim → fill → commit.

/// The verbs of a handle that claims slots, and what is done with a claim.
///
/// `words` is how the documentation says what a commit does. The file has `Claim`, whose fields are `producer` and `len`,
/// its constructor `of`, and `Filled`, whose field is `producer`; the handle has the fields `port` and `writer`, and `look`,
/// `wait`, `fits` and `position`.
macro_rules! common_claim {
    (
        handle: $Producer:ident;
        words: $pushes:literal;
    ) => {
        impl<P: Payload + ?Sized> $Producer<P> {
            /// Claims the next slot, to fill it in place; `Err(Full)` where none is free.
            ///
            /// # Errors
            ///
            /// [`PushError::Full`], [`PushError::Closed`], or [`PushError::Broken`].
            #[inline]
            pub fn try_claim(&mut self) -> Result<Claim<'_, P>, PushError> {
                self.look()?;
                Ok(Claim::of(self))
            }

            /// Claims the next slot, to fill it in place; waits while none is free.
            ///
            /// # Errors
            ///
            /// [`PushError::Closed`] or [`PushError::Broken`].
            #[inline]
            pub fn claim(&mut self) -> Result<Claim<'_, P>, PushError> {
                self.claim_timeout(Limit::Unlimited)
            }

            /// Claims the next slot, to fill it in place; waits up to `limit` while none is free.
            ///
            /// # Errors
            ///
            /// [`PushError::Timeout`], [`PushError::Closed`] or [`PushError::Broken`].
            #[inline]
            pub fn claim_timeout(&mut self, limit: impl Into<Limit>) -> Result<Claim<'_, P>, PushError> {
                self.wait(limit)?;
                Ok(Claim::of(self))
            }
        }

        impl<P: Payload + ?Sized> Claim<'_, P> {
            /// The position that the item will have.
            #[must_use]
            pub fn position(&self) -> Position {
                self.producer.position()
            }
        }

        impl<'a, T: Element> Claim<'a, T> {
            /// Fills the slot with `value`.
            #[inline]
            pub fn write(self, value: T) -> Filled<'a, T> {
                let producer = self.producer;
                // In a forked child the slot is the parent's; `commit` says so.
                if producer.port.check().is_ok() {
                    producer.port.view.slots.slot(producer.writer.tail()).write(&value);
                }
                Filled { producer }
            }
        }

        impl<'a> Claim<'a, [u8]> {
            /// Fills the slot with `bytes` and nothing else.
            ///
            /// # Errors
            ///
            /// [`PushError::TooLong`] where they do not fit, [`PushError::Broken`] in a forked child, whose parent has the
            /// claim; the claim is then aborted.
            #[inline]
            pub fn copy_from(mut self, bytes: &[u8]) -> Result<Filled<'a, [u8]>, PushError> {
                self.len = 0;
                self.append(bytes)?;
                Ok(self.finish())
            }

            /// Appends `bytes` to what was written into the slot so far.
            ///
            /// # Errors
            ///
            /// [`PushError::TooLong`], with the length that the item would have, and [`PushError::Broken`] in a forked child,
            /// whose parent has the claim; nothing is appended then.
            #[inline]
            pub fn append(&mut self, bytes: &[u8]) -> Result<(), PushError> {
                self.producer.port.check()?;
                self.producer.fits(self.len.saturating_add(bytes.len()))?;
                self.producer.port.view.slots.slot(self.producer.writer.tail()).write(self.len, bytes);
                self.len += bytes.len();
                Ok(())
            }

            /// The item is what was appended, possibly nothing.
            #[inline]
            pub fn finish(self) -> Filled<'a, [u8]> {
                let producer = self.producer;
                // In a forked child the slot is the parent's; `commit` says so.
                if producer.port.check().is_ok() {
                    producer.port.view.slots.slot(producer.writer.tail()).set_length(self.len);
                }
                Filled { producer }
            }
        }

        /// Appends like [`Claim::append`]; a write that does not fit fails with `WriteZero` and appends nothing.
        impl io::Write for Claim<'_, [u8]> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                match self.append(bytes) {
                    Ok(()) => Ok(bytes.len()),
                    Err(error) => Err(io::Error::new(io::ErrorKind::WriteZero, error)),
                }
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        impl<P: Payload + ?Sized> Filled<'_, P> {
            #[doc = concat!($pushes, " the item and says where it went.")]
            ///
            /// # Errors
            ///
            /// [`PushError::Broken`] in a forked child, whose parent has the claim.
            #[inline]
            pub fn commit(self) -> Result<Position, PushError> {
                self.producer.port.check()?;
                Ok(Position::of_cursor(self.producer.writer.commit(&self.producer.port.view)))
            }
        }

        impl<P: Payload + ?Sized> fmt::Debug for Claim<'_, P> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Claim").field("position", &self.position()).field("len", &self.len).finish()
            }
        }

        impl<P: Payload + ?Sized> fmt::Debug for Filled<'_, P> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Filled").field("position", &self.producer.position()).finish()
            }
        }
    };
}

pub(crate) use common_claim;
