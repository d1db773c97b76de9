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
use crate::vocabulary::Role;
use crate::wait::{HELD_SLICE, SLICE};

/// Looks at the same hold before the clock is read.
const LOOKS: u32 = 2;
/// A hundred times what it takes to ask one participant, about.
const ASKING: Duration = Duration::from_micros(800);

/// What a handle remembers of whoever holds it up, from call to call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Suspicion {
    hold: Option<Hold>,
    looks: u32,
    /// When it was first seen, once the clock was read, or last asked.
    since: Option<Instant>,
    /// How long it takes until it is asked again, once it was.
    interval: Option<Duration>,
    /// When to look closely next.
    next: Option<Instant>,
    /// When all readers may be asked next, and how long that is after the last time.
    sweep: Option<(Instant, Duration)>,
}

/// Items that other readers have, whoever they are: they hold nobody up, but come back if one of those dies.
pub(super) const ELSEWHERE: Hold = Hold { position: u64::MAX, owner: Owner::NOBODY };

impl Suspicion {
    /// Nobody holds the handle up.
    pub(super) fn clear(&mut self) {
        self.hold = None;
    }

    /// Nobody has anything below head.
    #[inline]
    pub(super) fn clear_elsewhere(&mut self) {
        if self.hold == Some(ELSEWHERE) {
            self.clear();
        }
    }

    /// How long a call may sleep before it looks again.
    pub(super) fn slice(&self, patience: Duration) -> Duration {
        match self.hold {
            None => SLICE,
            Some(_) => self.interval.unwrap_or(patience.min(HELD_SLICE)),
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

    /// Notes that `hold` is in the way; says whether it is time to ask: it has been for longer than `patience`, or was
    /// asked a while ago.
    pub(super) fn is_due(&mut self, hold: Hold, patience: Duration) -> bool {
        if self.hold != Some(hold) {
            *self = Self { hold: Some(hold), next: self.next, sweep: self.sweep, ..Self::default() };
        }
        self.looks = self.looks.saturating_add(1);
        if self.looks < LOOKS {
            return false;
        }
        let now = Instant::now();
        now.duration_since(*self.since.get_or_insert(now)) >= self.interval.unwrap_or(patience)
    }

    /// Notes what came of asking who is in the way: whether it is no longer.
    pub(super) fn heard(&mut self, repaired: bool) -> bool {
        if repaired {
            self.clear();
        } else {
            let sweep = self.sweep.filter(|_| self.hold == Some(ELSEWHERE));
            self.since = Some(Instant::now());
            self.interval = Some(sweep.map_or(HELD_SLICE, |(_, interval)| interval.max(HELD_SLICE)));
        }
        repaired
    }

    /// Whether all readers may be asked whether they live.
    pub(super) fn sweeps(&self) -> bool {
        self.sweep.is_none_or(|(next, _)| Instant::now() >= next)
    }

    /// Notes that so many readers were asked.
    pub(super) fn swept(&mut self, count: u32) {
        let interval = (ASKING * count).min(SLICE);
        self.sweep = Some((Instant::now() + interval, interval));
    }
}

/// Asks whether the owner of `hold` lives, and puts in order what it left if it does not; says whether it did. A few system
/// calls.
pub(super) fn resolve<P: Payload + ?Sized>(attachment: &Arc<Attachment>, view: &View<P>, hold: Hold) -> bool {
    match hold.owner.entry() {
        // An item that was given back: whoever did so may have died before it told anybody.
        None if hold.owner == Owner::NOBODY && hold != ELSEWHERE => {
            count_orphans(view);
            ring_out(&view.words);
            false
        }
        Some(index) if index < attachment.region.header().entry_count => ask(attachment, view, index),
        _ => false,
    }
}

/// Asks which readers live, and puts in order what dead ones left: their items come back. Says how many were asked, and
/// whether any was dead. A few system calls for each.
pub(super) fn resolve_readers<P: Payload + ?Sized>(
    attachment: &Arc<Attachment>,
    view: &View<P>,
) -> (u32, bool) {
    let readers = participant::owners(&attachment.region, Role::Consumer);
    readers.fold((0, false), |(count, dead), index| (count + 1, dead | ask(attachment, view, index)))
}

/// Asks whether the owner of entry `index` lives; says whether it was dead, and is repaired. What cannot be known counts as
/// alive.
fn ask<P: Payload + ?Sized>(attachment: &Arc<Attachment>, view: &View<P>, index: u32) -> bool {
    let region = &attachment.region;
    participant::repair_unless_alive(region, index, |_| repair(view, index, &mut Vec::new()))
        .is_ok_and(|repaired| repaired.is_some())
}
