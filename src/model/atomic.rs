//! Loom's atomics, as the models need them: whoever writes may be dead by then ([`super::death`]), and a race between a
//! load and a write is seen whoever loaded last ([`super::looks`]).
//!
//! A store that comes behind another thread's read-modify-write is one itself: to loom, the two have no order, and what was
//! exchanged could be read again after all that came later. No machine and no memory model does that, since nothing comes
//! between the two halves of an exchange.

use std::cell::Cell;

use loom::sync::atomic as imp;
use loom::thread::{self, ThreadId};

pub(crate) use imp::{Ordering, fence};

use super::death;
use super::looks::{Looks, Unseen};

macro_rules! atomic {
    ($name:ident, $value:ty, $looks:ty) => {
        #[derive(Debug)]
        pub(crate) struct $name {
            word: imp::$name,
            looks: $looks,
            /// Who wrote last, if that was a read-modify-write.
            exchanger: Cell<Option<ThreadId>>,
        }

        impl $name {
            pub(crate) fn new(value: $value) -> Self {
                Self { word: imp::$name::new(value), looks: <$looks>::default(), exchanger: Cell::new(None) }
            }

            pub(crate) fn load(&self, ordering: Ordering) -> $value {
                self.looks.before_load();
                self.word.load(ordering)
            }

            pub(crate) fn store(&self, value: $value, ordering: Ordering) {
                death::before_write();
                self.looks.before_write();
                if self.exchanger.take().is_some_and(|it| it != thread::current().id()) {
                    self.word.swap(value, ordering);
                } else {
                    self.word.store(value, ordering);
                }
                death::after_write();
            }

            pub(crate) fn fetch_or(&self, bits: $value, ordering: Ordering) -> $value {
                self.exchange(|word| word.fetch_or(bits, ordering))
            }

            pub(crate) fn fetch_add(&self, value: $value, ordering: Ordering) -> $value {
                self.exchange(|word| word.fetch_add(value, ordering))
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
                    self.exchanger.set(Some(thread::current().id()));
                    death::after_write();
                }
                result
            }

            fn exchange(&self, act: impl FnOnce(&imp::$name) -> $value) -> $value {
                death::before_write();
                self.looks.before_write();
                let result = act(&self.word);
                self.exchanger.set(Some(thread::current().id()));
                death::after_write();
                result
            }
        }
    };
}

atomic!(AtomicU64, u64, Looks);
// The words of the bells: a ringer's look at `armed` hides others' from its own disarming.
atomic!(AtomicU32, u32, Unseen);
