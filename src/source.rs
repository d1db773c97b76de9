//! Doorbells that can be waited for without the handle that they belong to.

use std::fmt;
use std::sync::Arc;

use crate::layout::words::{Bell, Shared};
use crate::slots::Words;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::sys::fork::{Glance, Permit};

/// What rings when a handle's next `try_` call finds something: an item, room, or the ring's end.
///
/// Made by a handle (`rx.doorbell()`), given to a [`WaitSet`](crate::WaitSet) or a [`Bridge`](crate::Bridge). Cheap to
/// clone; keeps the ring mapped, not the handle's role. Once the handle is dropped, its doorbells never ring again.
///
/// An item that was read ahead rings no more, until [`rewind`](crate::spsc::Consumer::rewind).
#[derive(Clone, Debug)]
pub struct Doorbell(Arc<dyn Source>);

impl Doorbell {
    pub(crate) fn of(source: impl Source + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Whether a `try_` call of the handle would find something now. Makes no system call, unless the ring was closed.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.is_ready()
    }

    /// Whether the handle was dropped.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.signals().is_gone()
    }

    pub(crate) fn source(&self) -> &dyn Source {
        &*self.0
    }
}

/// A handle, as those see it who wait on its behalf.
pub(crate) trait Source: Send + Sync + fmt::Debug {
    /// What to sleep on.
    fn bell(&self) -> HeldBell;

    /// Whether anybody ever rings.
    fn has_bell(&self) -> bool;

    /// Whether others than this handle, and those who wait on its behalf, can sleep at the bell.
    fn is_shared(&self) -> bool;

    fn signals(&self) -> &Signals;

    /// Whether a `try_` call would find something. May say yes too often, never no for long; no once the handle is gone.
    fn is_ready(&self) -> bool;

    /// Looks whether anybody can still change the ring, without touching it; alarms the handle where nobody can.
    fn look_around(&self);
}

/// A bell, which keeps its ring mapped: one step away for those who ask many bells in a row.
#[derive(Clone, Debug)]
pub(crate) struct HeldBell {
    words: Words,
    bell: fn(&Shared) -> &Bell,
}

impl HeldBell {
    pub(crate) fn of(words: &Words, bell: fn(&Shared) -> &Bell) -> Self {
        Self { words: words.clone(), bell }
    }

    pub(crate) fn get(&self) -> &Bell {
        (self.bell)(&self.words)
    }

    /// The words of its ring.
    pub(crate) fn shared(&self) -> &Shared {
        &self.words
    }
}

/// What a handle and its doorbells tell each other, in the memory of their process.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Position of the next item to be read ahead; of a stream's writer, how many units it lacked last.
    ahead: AtomicU64,
    /// The handle's; alarmed where it should look around, void where it was stopped: it is to be called.
    permit: Permit,
    /// Whether the handle was dropped.
    gone: AtomicU32,
}

// Relaxed throughout: each word stands for itself. Whoever acts on one looks again at what it stands for.
impl Signals {
    pub(crate) fn new(ahead: u64) -> Self {
        Self { ahead: AtomicU64::new(ahead), permit: Permit::new(), gone: AtomicU32::new(0) }
    }

    pub(crate) fn ahead(&self) -> u64 {
        self.ahead.load(Ordering::Relaxed)
    }

    pub(crate) fn set_ahead(&self, position: u64) {
        self.ahead.store(position, Ordering::Relaxed);
    }

    /// Whether the handle is to be called: it should look around, was stopped, or is a forked child's copy.
    pub(crate) fn is_alarmed(&self) -> bool {
        !self.permit.glance().is_valid()
    }

    pub(crate) fn alarm(&self) {
        self.permit.alarm();
    }

    pub(crate) fn calm(&self) {
        self.permit.calm();
    }

    /// The handle's permission to work.
    pub(crate) fn permit(&self) -> Glance {
        self.permit.glance()
    }

    /// Has every later call of the handle fail: the ring can be used no more, not even to look at it.
    pub(crate) fn stop(&self) {
        self.permit.revoke();
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn leave(&self) {
        self.gone.store(1, Ordering::Relaxed);
    }
}
