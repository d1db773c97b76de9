//! Creating and opening a ring of any kind.

/// The options that every kind has; the kind's own and `new` stand beside the type, whose fields are `creation`, `max_len`
/// and `carried`.
macro_rules! common_options {
    ($kind:expr) => {
        impl<P: Payload + ?Sized> Options<P> {
            /// Permission bits of a named ring, whatever the umask says; 0600 by default. Whoever takes part needs both read
            /// and write permission; to subscribe to a broadcast ring and be told what was missed, read permission is enough.
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

pub(crate) use common_options;
