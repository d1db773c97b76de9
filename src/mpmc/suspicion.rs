//! Who holds a call up, for how long, and whether it lives.
//!
//! A claim that is not finished is nothing unusual: its owner is at work on another processor. One that stays for longer
//! than the patience may be a dead one's; then, and every so often from then on, the owner's lock byte is asked. It is free
//! only if the owner is dead, and whoever takes it repairs. A stopped owner keeps it, and nothing happens.
//!
//! A handle that polls a full ring does not look who has its oldest slot every time, because that would take the other
//! side's cursor away from it again and again; it does so once in each patience.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::algorithm::Hold;
use super::claims::View;
use super::port::repair;
use super::reader::count_orphans;
use crate::attachment::Attachment;
use crate::doorbell::ring_out;
use crate::element::Payload;
use crate::participant;
use crate::position::Owner;
use crate::wait::{HELD_SLICE, SLICE};

/// Looks at the same hold before the clock is read.
const LOOKS: u32 = 2;

/// What a handle remembers of whoever holds it up, from call to call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Suspicion {
    hold: Option<Hold>,
    looks: u32,
    /// When it was first seen, once the clock was read, or last asked.
    since: Option<Instant>,
    /// Whether it was asked whether it lives.
    asked: bool,
    /// When to look closely next.
    next: Option<Instant>,
}

impl Suspicion {
    /// Nobody holds the handle up.
    pub(super) fn clear(&mut self) {
        self.hold = None;
    }

    /// How long a call may sleep before it looks again.
    pub(super) fn slice(&self, patience: Duration) -> Duration {
        match self.hold {
            None => SLICE,
            Some(_) if self.asked => HELD_SLICE,
            Some(_) => patience.min(HELD_SLICE),
        }
    }

    /// Whether it is time to look who holds a handle up that polls.
    pub(super) fn looks_closely(&mut self, patience: Duration) -> bool {
        let now = Instant::now();
        let due = now >= *self.next.get_or_insert(now);
        if due {
            self.next = now.checked_add(patience);
        }
        due
    }

    /// Notes that `hold` is in the way; says whether it has been for longer than `patience`, since it was last asked.
    pub(super) fn is_due(&mut self, hold: Hold, patience: Duration) -> bool {
        if self.hold != Some(hold) {
            *self = Self { hold: Some(hold), next: self.next, ..Self::default() };
        }
        self.looks = self.looks.saturating_add(1);
        if self.looks < LOOKS {
            return false;
        }
        let now = Instant::now();
        let due = now.duration_since(*self.since.get_or_insert(now)) >= patience;
        if due {
            self.since = Some(now);
            self.asked = true;
        }
        due
    }
}

/// Asks whether the owner of `hold` lives, and puts in order what it left if it does not; says whether anything changed.
/// A few system calls.
pub(super) fn resolve<P: Payload + ?Sized>(attachment: &Arc<Attachment>, view: &View<P>, hold: Hold) -> bool {
    let region = &attachment.region;
    match hold.owner.entry() {
        // An item that was given back: whoever did so may have died before it told anybody.
        None if hold.owner == Owner::NOBODY => {
            count_orphans(view);
            ring_out(&view.words);
            false
        }
        Some(index) if index < region.header().entry_count => {
            // What cannot be known counts as alive.
            participant::repair_unless_alive(region, index, || repair(view, index, &mut Vec::new()))
                .is_ok_and(|repaired| repaired.is_some())
        }
        _ => false,
    }
}
