//! Doorbells with the least that can be waited for: a count of items each, of which nothing is lost.
//!
//! All orderings of the counts are Relaxed, so nothing but the bell makes an item visible.

use std::rc::Rc;

use super::futex::{self, Death};
use crate::doorbell::{Armed, Ringer, announce, ring_on};
use crate::layout::words::{Bell, Shared};
use crate::sync::{AtomicU32, Ordering};

/// Which of the two bells of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    A,
    B,
}

/// Items at two bells.
#[derive(Clone)]
pub struct Stock(Rc<Inner>);

struct Inner {
    words: Shared,
    ringer: Ringer,
    items: [AtomicU32; 2],
}

/// A bell that was armed.
#[derive(Clone, Copy)]
pub struct Arming(Armed);

/// Waits as a call does that sleeps at once: until `look` finds something.
pub(super) fn wait_for<R>(words: &Shared, bell: &Bell, mut look: impl FnMut() -> Option<R>) -> R {
    loop {
        let armed = bell.arm();
        announce(words);
        if let Some(found) = look() {
            return found;
        }
        futex::wait(bell.futex(), armed.event());
    }
}

impl Stock {
    /// Whose ringers run a fence of their own.
    pub fn fenced() -> Self {
        Self::with(Ringer::fenced())
    }

    /// Whose ringers run none.
    pub fn asymmetric() -> Self {
        Self::with(Ringer::asymmetric())
    }

    fn with(ringer: Ringer) -> Self {
        let items = [AtomicU32::new(0), AtomicU32::new(0)];
        Self(Rc::new(Inner { words: Shared::starting_at(0), ringer, items }))
    }

    fn bell(&self, at: At) -> &Bell {
        match at {
            At::A => &self.0.words.not_empty,
            At::B => &self.0.words.not_full,
        }
    }

    fn items(&self, at: At) -> &AtomicU32 {
        &self.0.items[at as usize]
    }

    /// Publishes an item; the ring is to follow.
    pub fn put(&self, at: At) {
        self.items(at).fetch_add(1, Ordering::Relaxed);
    }

    /// Whether there seems to be an item.
    pub fn has(&self, at: At) -> bool {
        self.items(at).load(Ordering::Relaxed) > 0
    }

    /// Takes an item, if there seems to be one.
    pub fn take(&self, at: At) -> bool {
        let items = self.items(at);
        let mut found = items.load(Ordering::Relaxed);
        while found > 0 {
            match items.compare_exchange(found, found - 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(other) => found = other,
            }
        }
        false
    }

    pub fn ring(&self, at: At, sleepers: u32) {
        self.bell(at).ring(self.0.ringer, sleepers);
    }

    /// Rings for another sleeper if there is an item, as whoever leaves a bell does.
    pub fn ring_on(&self, at: At) {
        ring_on(&self.0.words, self.bell(at), || self.has(at));
    }

    /// Rings, and dies in the wake, if it comes to one.
    pub fn ring_and_die(&self, at: At, sleepers: u32, death: Death) {
        futex::dying(death, || self.ring(at, sleepers));
    }

    pub fn ring_out(&self, at: At) {
        self.bell(at).ring_out();
    }

    pub fn arm(&self, at: At) -> Arming {
        Arming(self.bell(at).arm())
    }

    pub fn is_still(&self, at: At, arming: Arming) -> bool {
        self.bell(at).is_still(arming.0)
    }

    pub fn announce(&self) {
        announce(&self.0.words);
    }

    pub fn sleep(&self, at: At, arming: Arming) {
        futex::wait(self.bell(at).futex(), arming.0.event());
    }

    /// Sleeps until the timer fires.
    pub fn sleep_timed(&self, at: At, arming: Arming) {
        futex::wait_timed(self.bell(at).futex(), arming.0.event());
    }

    /// Sleeps until either bell rings.
    pub fn sleep_on_both(&self, a: Arming, b: Arming) {
        let words = [(self.bell(At::A).futex(), a.0.event()), (self.bell(At::B).futex(), b.0.event())];
        futex::wait_any(&words);
    }

    /// Waits for an item and takes it.
    pub fn get(&self, at: At) {
        wait_for(&self.0.words, self.bell(at), || self.take(at).then_some(()));
    }

    /// Waits for an item and takes it, with an event of after the arming: what no sleeper may do.
    pub fn get_with_late_event(&self, at: At) {
        let bell = self.bell(at);
        loop {
            bell.arm();
            let event = bell.event.load(Ordering::Relaxed);
            self.announce();
            if self.take(at) {
                return;
            }
            futex::wait(bell.futex(), event);
        }
    }

    pub fn fire_timer(&self, at: At) {
        futex::fire_timer(self.bell(at).futex());
    }
}
