//! What an open ring of any kind says of itself.

/// What every ring says of itself; its fields are `attachment` and `carried`.
macro_rules! common_ring {
    () => {
        impl<P: Payload + ?Sized> Ring<P> {
            pub(super) fn of(attachment: Attachment) -> Self {
                Self { attachment: Arc::new(attachment), carried: PhantomData }
            }

            /// How many items fit: the power of two that the creator's number was rounded up to.
            #[must_use]
            pub fn capacity(&self) -> usize {
                self.attachment.region.header().capacity as usize
            }

            /// Longest item of bytes, or the size of an element, in bytes.
            #[must_use]
            pub fn max_len(&self) -> usize {
                self.attachment.region.header().element_size as usize
            }

            /// Bytes of memory that the ring takes, everything included.
            #[must_use]
            pub fn bytes(&self) -> u64 {
                self.attachment.region.header().geometry.total
            }

            /// How many items are in the ring: exact while nobody moves, else a moment's impression. In `spsc` those that are
            /// not released, in `mpmc` those that no consumer has taken, in `broadcast` those that are not overwritten.
            #[must_use]
            pub fn len(&self) -> usize {
                self.attachment.len() as usize
            }

            /// Whether no item is in the ring; see [`len`](Ring::len).
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Whether the ring was closed: no push succeeds any more. Items may still be in it.
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.attachment.is_closed()
            }

            /// The positions of the oldest item that [`len`](Ring::len) counts and of the next one to be pushed, as the
            /// ring's words say; a moment's impression.
            #[must_use]
            pub fn positions(&self) -> (Position, Position) {
                self.attachment.positions()
            }

            /// Removes the ring's name, if nobody is attached. The memory goes when the last process has let go of it.
            ///
            /// # Errors
            ///
            /// [`UnlinkError::InUse`] while anyone lives, with their names (participants of a closed ring are given 100 ms to
            /// leave); [`UnlinkError::Replaced`] where the name stands for
            /// something else by now, which is left alone.
            pub fn unlink(&self) -> Result<(), UnlinkError> {
                self.attachment.unlink(false)
            }

            /// Removes the ring's name even while participants use it: their pushes fail with
            /// [`Fault::Unlinked`](crate::Fault::Unlinked), their pops once the ring is empty.
            ///
            /// # Errors
            ///
            /// [`UnlinkError::Replaced`] where the name stands for something else by now, which is left alone.
            pub fn force_unlink(&self) -> Result<(), UnlinkError> {
                self.attachment.unlink(true)
            }

            /// The ring's participants, in the order of their entries, those that are gone included as long as nobody else
            /// has their entry; for people and tools. Makes a few system calls for each.
            #[must_use]
            pub fn participants(&self) -> Vec<Participant> {
                self.attachment.participants()
            }

            pub(super) fn attachment(&self) -> &Arc<Attachment> {
                &self.attachment
            }
        }

        impl<P: Payload + ?Sized> Clone for Ring<P> {
            fn clone(&self) -> Self {
                Self { attachment: Arc::clone(&self.attachment), carried: PhantomData }
            }
        }

        impl<P: Payload + ?Sized> fmt::Debug for Ring<P> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Ring")
                    .field("region", &self.attachment.region)
                    .field("capacity", &self.capacity())
                    .field("len", &self.len())
                    .finish()
            }
        }
    };
}

pub(crate) use common_ring;
