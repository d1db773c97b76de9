//! The only door to atomics, fences, cells and futexes: the standard library's and the kernel's, or loom's and a model's
//! under `cfg(loom)`.
//!
//! An ordering above Relaxed is written as one end of a named [`Edge`], so that both ends can be found by its name; a
//! fence likewise, as one end of a named [`FencedEdge`]. Under loom, one end of one edge can be weakened to Relaxed (or
//! left out, if it is a fence) by the environment variable `RINGFENCE_WEAKEN` (`"spsc E1 publish/release"`): a model
//! must fail for each of them, which proves that the edge is needed and that the models would notice its loss.

#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

#[cfg(loom)]
use crate::model::atomic as imp;
#[cfg(not(loom))]
use core::sync::atomic as imp;

pub(crate) use imp::Ordering;

#[cfg(loom)]
pub(crate) use crate::model::futex;
#[cfg(not(loom))]
pub(crate) use crate::sys::futex;

/// A word that threads and processes share: a type of our own, so that the lint which bans every other atomic knows it.
macro_rules! atomic {
    ($name:ident, $value:ty, $($const:tt)?) => {
        #[doc = concat!("A shared `", stringify!($value), "`.")]
        #[repr(transparent)]
        #[derive(Debug)]
        pub(crate) struct $name(imp::$name);

        #[allow(dead_code, reason = "both widths have the same verbs")]
        impl $name {
            pub(crate) $($const)? fn new(value: $value) -> Self {
                Self(imp::$name::new(value))
            }

            /// One to which an owner stores what others may be exchanging meanwhile: loom must be told.
            #[cfg(loom)]
            pub(crate) fn raced(value: $value) -> Self {
                Self(imp::$name::raced(value))
            }

            /// Where the word lies: what the kernel is told of a futex, and what a model calls it.
            pub(crate) fn address(&self) -> *const $value {
                core::ptr::from_ref(self).cast()
            }

            #[inline(always)]
            pub(crate) fn load(&self, ordering: Ordering) -> $value {
                self.0.load(ordering)
            }

            #[inline(always)]
            pub(crate) fn store(&self, value: $value, ordering: Ordering) {
                self.0.store(value, ordering);
            }

            #[inline(always)]
            pub(crate) fn fetch_or(&self, bits: $value, ordering: Ordering) -> $value {
                self.0.fetch_or(bits, ordering)
            }

            #[inline(always)]
            pub(crate) fn fetch_add(&self, value: $value, ordering: Ordering) -> $value {
                self.0.fetch_add(value, ordering)
            }

            #[inline(always)]
            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.0.compare_exchange(current, new, success, failure)
            }
        }
    };
}

#[cfg(not(loom))]
atomic!(AtomicU64, u64, const);
#[cfg(not(loom))]
atomic!(AtomicU32, u32, const);
#[cfg(not(loom))]
atomic!(AtomicU16, u16, const);
#[cfg(not(loom))]
atomic!(AtomicU8, u8, const);
#[cfg(loom)]
atomic!(AtomicU64, u64,);
#[cfg(loom)]
atomic!(AtomicU32, u32,);

/// A named pair of orderings: what is written before the release is seen after the acquire that reads from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    #[cfg_attr(not(loom), expect(dead_code, reason = "read by the weakening switch of the models"))]
    name: &'static str,
}

impl Edge {
    pub(crate) const fn named(name: &'static str) -> Self {
        Self { name }
    }
}

#[cfg(not(loom))]
impl Edge {
    /// The ordering of the store that publishes.
    #[inline(always)]
    pub(crate) const fn release(self) -> Ordering {
        Ordering::Release
    }

    /// The ordering of the load that receives.
    #[inline(always)]
    pub(crate) const fn acquire(self) -> Ordering {
        Ordering::Acquire
    }
}

impl Edge {
    /// Has a Relaxed store before it seen by whoever sees a store behind it.
    #[inline(always)]
    pub(crate) fn release_ahead(self) {
        #[cfg(loom)]
        if self.weakened("release") {
            return;
        }
        imp::fence(Ordering::Release);
    }

    /// Receives what a Relaxed load before it read; or keeps a load behind it from seeing less than the loads before it.
    #[inline(always)]
    pub(crate) fn acquire_behind(self) {
        #[cfg(loom)]
        if self.weakened("acquire") {
            return;
        }
        imp::fence(Ordering::Acquire);
    }
}

#[cfg(loom)]
impl Edge {
    pub(crate) fn release(self) -> Ordering {
        if self.weakened("release") { Ordering::Relaxed } else { Ordering::Release }
    }

    pub(crate) fn acquire(self) -> Ordering {
        if self.weakened("acquire") { Ordering::Relaxed } else { Ordering::Acquire }
    }

    fn weakened(self, end: &str) -> bool {
        is_weakened(self.name, end)
    }
}

/// A named pair of full fences, each between a store and a later load: at least one side sees the other's store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FencedEdge {
    #[cfg_attr(not(loom), expect(dead_code, reason = "read by the weakening switch of the models"))]
    name: &'static str,
}

impl FencedEdge {
    pub(crate) const fn named(name: &'static str) -> Self {
        Self { name }
    }

    /// The fence at `end` of the edge.
    #[inline(always)]
    pub(crate) fn fence(self, end: &'static str) {
        #[cfg(loom)]
        if is_weakened(self.name, end) {
            return;
        }
        let _ = end;
        imp::fence(Ordering::SeqCst);
    }
}

/// Keeps the compiler from moving a load before an earlier store; the processor may.
#[inline(always)]
pub(crate) fn compiler_fence() {
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
}

/// Tells the processor that a word is looked at until it changes; a model, that it has to change.
#[inline(always)]
pub(crate) fn spin_hint() {
    #[cfg(not(loom))]
    core::hint::spin_loop();
    #[cfg(loom)]
    loom::thread::yield_now();
}

#[cfg(loom)]
fn is_weakened(name: &str, end: &str) -> bool {
    use std::sync::OnceLock;
    static WEAKENED: OnceLock<Option<String>> = OnceLock::new();
    let weakened = WEAKENED.get_or_init(|| std::env::var("RINGFENCE_WEAKEN").ok());
    weakened.as_deref().and_then(|it| it.split_once('/')) == Some((name, end))
}
