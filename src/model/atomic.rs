//! Loom's atomics, as the models need them: whoever writes may be dead by then ([`super::death`]), and a race between a
//! load and a write is seen whoever loaded last ([`super::looks`]).
//!
//! A store to a word that others exchange meanwhile is an exchange itself ([`AtomicU64::raced`]). To loom, a store and an
//! exchange that ran before it have no order, and what was exchanged could be read again after all that came later. No
//! machine and no memory model does that, since nothing comes between the two halves of an exchange. What the stronger
//! store hides is that it ends a release sequence.

use loom::sync::atomic as imp;

pub(crate) use imp::{Ordering, fence};

use super::death;
use super::looks::{Looks, Unseen};

macro_rules! atomic {
    ($name:ident, $value:ty, $looks:ty) => {
        #[derive(Debug)]
        pub(crate) struct $name {
            word: imp::$name,
            looks: $looks,
            raced: bool,
        }

        impl $name {
            pub(crate) fn new(value: $value) -> Self {
                Self { word: imp::$name::new(value), looks: <$looks>::default(), raced: false }
            }

            /// A word to which one thread stores what others may be exchanging.
            pub(crate) fn raced(value: $value) -> Self {
                Self { raced: true, ..Self::new(value) }
            }

            pub(crate) fn load(&self, ordering: Ordering) -> $value {
                self.looks.before_load();
                self.word.load(ordering)
            }

            pub(crate) fn store(&self, value: $value, ordering: Ordering) {
                self.write(|word| {
                    if self.raced {
                        word.swap(value, ordering);
                    } else {
                        word.store(value, ordering);
                    }
                });
            }

            pub(crate) fn fetch_or(&self, bits: $value, ordering: Ordering) -> $value {
                self.write(|word| word.fetch_or(bits, ordering))
            }

            pub(crate) fn fetch_add(&self, value: $value, ordering: Ordering) -> $value {
                self.write(|word| word.fetch_add(value, ordering))
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                death::before_write();
                self.looks.before_write();
                let result = self.word.compare_exchange(current, new, success, failure);
                if result.is_ok() {
                    death::after_write();
                }
                result
            }

            fn write<R>(&self, act: impl FnOnce(&imp::$name) -> R) -> R {
                death::before_write();
                self.looks.before_write();
                let result = act(&self.word);
                death::after_write();
                result
            }
        }
    };
}

atomic!(AtomicU64, u64, Looks);
// The words of the bells: a ringer's look at `armed` hides others' from its own disarming.
atomic!(AtomicU32, u32, Unseen);
