//! A ring of two roles: hands them out, and answers for both.

/// How a ring hands out its two roles, and what it does for their owners.
///
/// `writer` and `reader` are the types of the handles, the names of the verbs, and what the documentation calls the owners.
/// The file has `port`, and `PRODUCER` and `CONSUMER` of `pair`, in scope.
macro_rules! common_roles {
    (
        writer: $Producer:ident, $producer:ident $producer_standby:ident $producer_state:ident, $producer_word:literal;
        reader: $Consumer:ident, $consumer:ident $consumer_standby:ident $consumer_state:ident, $consumer_word:literal;
    ) => {
        impl<P: Payload + ?Sized> Ring<P> {
            #[doc = concat!("Takes the ", $producer_word, "'s role. Where")]
            /// the last owner died its work is continued: the sequence goes on behind the
            /// last item that it committed.
            ///
            /// Makes system calls; waits up to 100 ms for a holder that is only passing through (a repair, a removal).
            ///
            /// # Errors
            ///
            /// [`AttachError::RoleTaken`] while another living handle has it; [`AttachError::Unlinked`] where the ring's name
            /// was removed or given to another ring.
            pub fn $producer(&self) -> Result<$Producer<P>, AttachError> {
                $Producer::attach(self)
            }

            #[doc = concat!("Takes the ", $consumer_word, "'s role. Where")]
            /// the last owner died its work is continued: with the oldest item that it had
            /// not released.
            ///
            /// Makes system calls; waits up to 100 ms for a holder that is only passing through (a repair, a removal).
            ///
            /// # Errors
            ///
            /// [`AttachError::RoleTaken`] while another living handle has it; [`AttachError::Unlinked`] where the ring's name
            /// was removed or given to another ring.
            pub fn $consumer(&self) -> Result<$Consumer<P>, AttachError> {
                $Consumer::attach(self)
            }

            #[doc = concat!("Sleeps in the kernel until the ", $producer_word, "'s role is free,")]
            /// and takes it: a hot standby that polls nothing.
            ///
            /// Blocks without a limit; a signal does not end it.
            ///
            /// # Errors
            ///
            #[doc = concat!("As [`", stringify!($producer), "`](Ring::", stringify!($producer), "), except")]
            /// for `RoleTaken`. `Unlinked` is noticed when the role is given up.
            pub fn $producer_standby(&self) -> Result<$Producer<P>, AttachError> {
                self.stand_by(PRODUCER, Self::$producer)
            }

            #[doc = concat!("Sleeps in the kernel until the ", $consumer_word, "'s role is free,")]
            /// and takes it: a hot standby that polls nothing.
            ///
            /// Blocks without a limit; a signal does not end it.
            ///
            /// # Errors
            ///
            #[doc = concat!("As [`", stringify!($consumer), "`](Ring::", stringify!($consumer), "), except")]
            /// for `RoleTaken`. `Unlinked` is noticed when the role is given up.
            pub fn $consumer_standby(&self) -> Result<$Consumer<P>, AttachError> {
                self.stand_by(CONSUMER, Self::$consumer)
            }

            fn stand_by<H>(
                &self,
                index: u32,
                attach: impl Fn(&Self) -> Result<H, AttachError>,
            ) -> Result<H, AttachError> {
                loop {
                    participant::await_release(&self.attachment.region, index)?;
                    match attach(self) {
                        Err(AttachError::RoleTaken { .. }) => {}
                        result => return result,
                    }
                }
            }

            #[doc = concat!("Whether a ", $producer_word, " is there.")]
            /// Makes a few system calls.
            #[must_use]
            pub fn $producer_state(&self) -> Peer {
                participant::peer(&self.attachment.region, PRODUCER)
            }

            #[doc = concat!("Whether a ", $consumer_word, " is there.")]
            /// Makes a few system calls.
            #[must_use]
            pub fn $consumer_state(&self) -> Peer {
                participant::peer(&self.attachment.region, CONSUMER)
            }

            /// Ends the ring for good: pushes fail with `Closed`; pops deliver what is there and then say `Closed`.
            ///
            #[doc = concat!("A push that was begun is still delivered, so while the ", $producer_word, " lives an empty ring is")]
            /// `Empty`, not `Closed`.
            #[doc = concat!("A ", $producer_word, " that wants the other side to know at once calls [`", stringify!($Producer), "::close`].")]
            pub fn close(&self) {
                // Relaxed: pushes see it some time; a consumer acts on it only with proof that the producer is gone, and the
                // kernel's lock orders that proof behind the producer's last push.
                self.attachment.region.shared().status.flags.fetch_or(CLOSING, Ordering::Relaxed);
                doorbell::ring_out(self.attachment.region.shared());
            }

            /// Puts in order what dead participants left, as their successors would.
            ///
            /// # Errors
            ///
            /// [`AttachError::Unlinked`], [`AttachError::Corrupted`], or the operating system's refusal.
            pub fn repair(&self) -> Result<RepairReport, AttachError> {
                let region = &self.attachment.region;
                let view = port::view::<P>(&self.attachment);
                let mut report = RepairReport::default();
                for (index, role) in [(PRODUCER, Role::Producer), (CONSUMER, Role::Consumer)] {
                    let found = participant::participant(region, index);
                    let settle = |died| port::settle(&view, role, died).map(|_| ());
                    if participant::repair_dead(region, index, settle)? {
                        report.repaired.push(found);
                    }
                }
                Ok(report)
            }

            #[doc = concat!("Who keeps the ", $producer_word, " waiting: the ", $consumer_word, "'s entry, while the ring is full.")]
            #[must_use]
            pub fn blocked_on(&self) -> Option<Participant> {
                let full = self.len() == self.capacity();
                full.then(|| participant::participant(&self.attachment.region, CONSUMER))
            }
        }
    };
}

pub(crate) use common_roles;
