//! What rings of all kinds have in common, written once: the options of a new one, and what an open one says of itself.
//!
//! Macros, so that the documentation of each kind is complete, and no trait has to be imported to use a ring.

/// The options that every kind has; the kind's own and `new` stand beside the type, whose fields are `creation`, `max_len`
/// and `carried`.
macro_rules! common_options {
    ($kind:expr) => {
        impl<P: Payload + ?Sized> Options<P> {
            /// Permission bits of a named ring, whatever the umask says; 0600 by default. Whoever takes part needs both read
            /// and write permission.
            pub fn mode(mut self, mode: u32) -> Self {
                self.creation.settings.mode = mode & 0o777;
                self
            }

            /// Group of a named ring, by number; the creator's own by default.
            pub fn group(mut self, group: u32) -> Self {
                self.creation.settings.group = Some(group);
                self
            }

            /// Whether the creator maps every page of a named ring at once (the default), so that its first lap meets no page
            /// fault. The memory itself is reserved in any case.
            pub fn prefault(mut self, yes: bool) -> Self {
                self.creation.settings.prefault = yes;
                self
            }

            /// Whether the ring has no doorbells: every call that waits spins, on either side and in every process, and nobody
            /// looks for sleepers. For rings whose two sides each have a processor of their own; `false` by default.
            ///
            /// A ring that exists already keeps what its creator chose.
            pub fn busy_poll(mut self, yes: bool) -> Self {
                self.creation.busy_poll = yes;
                self
            }

            /// The position of the first item; 0 by default. A ring that replaces another one can go on counting.
            pub fn start_at(mut self, position: Position) -> Self {
                self.creation.start = position;
                self
            }

            /// How this process takes part.
            pub fn attach(mut self, attach: Attach) -> Self {
                self.creation.attach = attach;
                self
            }

            /// Creates the ring under `name` (`[A-Za-z0-9._-]`, up to 200 bytes). The name appears when the ring is complete.
            ///
            /// Makes system calls and touches all the ring's memory.
            ///
            /// # Errors
            ///
            /// [`OpenError::NameTaken`]; [`OpenError::NoSpace`] with what is needed and what is available; and whatever else
            /// the name, the options or the operating system forbid. Nothing is left behind.
            pub fn create(self, name: &str) -> Result<Ring<P>, OpenError> {
                let attachment = Attachment::create(&self.expected()?, &self.creation, name)?;
                Ok(Ring::of(attachment))
            }

            /// Opens the ring under `name`, or creates it where there is none.
            ///
            /// # Errors
            ///
            /// [`OpenError::Mismatch`] with each difference where the ring that is there carries something else or has another
            /// capacity; else as [`create`](Options::create) and [`open`].
            pub fn open_or_create(self, name: &str) -> Result<Ring<P>, OpenError> {
                let attachment = Attachment::open_or_create(&self.expected()?, &self.creation, name)?;
                Ok(Ring::of(attachment))
            }

            /// Creates a ring on the heap, for threads of this process.
            ///
            /// # Errors
            ///
            /// [`OpenError::NoSpace`], or what the options forbid.
            pub fn in_process(self) -> Result<Ring<P>, OpenError> {
                let attachment = Attachment::on_heap(&self.expected()?, &self.creation)?;
                Ok(Ring::of(attachment))
            }

            fn expected(&self) -> Result<Expected, OpenError> {
                self.creation.expected::<P>($kind, self.max_len)
            }
        }

        impl<P: Payload + ?Sized> Clone for Options<P> {
            fn clone(&self) -> Self {
                Self { creation: self.creation.clone(), max_len: self.max_len, carried: PhantomData }
            }
        }

        impl<P: Payload + ?Sized> fmt::Debug for Options<P> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Options")
                    .field("creation", &self.creation)
                    .field("max_len", &self.max_len)
                    .finish()
            }
        }

        /// Opens the ring called `name`.
        ///
        /// # Errors
        ///
        /// [`OpenError::NotFound`]; [`OpenError::Mismatch`] with each difference where it carries something else; and a
        /// variant of its own for each way in which a file can be no ring, or a damaged one.
        pub fn open<P: Payload + ?Sized>(name: &str) -> Result<Ring<P>, OpenError> {
            open_with(name, Attach::new())
        }

        /// Opens the ring called `name` with the options of `attach`.
        ///
        /// # Errors
        ///
        /// As [`open`].
        pub fn open_with<P: Payload + ?Sized>(name: &str, attach: Attach) -> Result<Ring<P>, OpenError> {
            Ok(Ring::of(Attachment::open(&Expected::of::<P>($kind, None), None, attach, name)?))
        }
    };
}

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

            /// How many items are in the ring: exact while nobody moves, else a moment's impression.
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

            /// The positions of the oldest unreleased item and of the next one to be pushed, as the ring's words say; like
            /// [`len`](Ring::len) a moment's impression.
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

pub(crate) use {common_options, common_ring};
