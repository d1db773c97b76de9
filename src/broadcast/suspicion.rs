//! Which gate holds the publisher up, for how long, and whether anybody is behind it.
//!
//! A gate that lies a lap behind is nothing unusual: its subscriber is slow. Once it has not moved for longer than the
//! patience, and every so often from then on, its lock byte is asked: it is free only if nobody is there, and whoever takes
//! it frees the gate, at once or when its time is over. A living subscriber keeps it, stopped or slow, and nothing happens,
//! unless the ring's creator wanted such gates demoted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::algorithm::View;
use super::gates::{self, Hold};
use super::port::{entry_of, is_held_on};
use crate::attachment::Attachment;
use crate::element::Payload;
use crate::participant;
use crate::wait::SLICE;

/// How often a gate is asked that has been asked before.
const INTERVAL: Duration = Duration::from_millis(2);

/// What a publisher remembers of the gate that holds it up, from call to call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Suspicion {
    hold: Option<Hold>,
    /// When it was first seen, with somebody behind it.
    since: Option<Instant>,
    /// When it was last asked.
    asked: Option<Instant>,
    /// When it was first found that nobody is there.
    gone: Option<Instant>,
}

impl Suspicion {
    /// No gate holds the publisher up.
    fn clear(&mut self) {
        *self = Self::default();
    }

    /// How long a call may sleep before it looks again.
    pub(super) fn slice(&self, patience: Duration) -> Duration {
        match (self.hold, self.asked) {
            (None, _) => SLICE,
            (Some(_), None) => patience.min(INTERVAL),
            (Some(_), Some(_)) => INTERVAL,
        }
    }

    /// Looks which gate holds up a publisher that is at `tail`, and asks it if it is time; says whether it no longer does.
    pub(super) fn clears_the_way<P: Payload + ?Sized>(
        &mut self,
        attachment: &Arc<Attachment>,
        view: &View<P>,
        tail: u64,
    ) -> bool {
        let Some(hold) = gates::blocking(view, tail) else {
            self.clear();
            return false;
        };
        if self.hold != Some(hold) {
            *self = Self { hold: Some(hold), ..Self::default() };
        }
        let now = Instant::now();
        let patience = attachment.attach.patience;
        let since = *self.since.get_or_insert(now);
        let is_early = now.duration_since(since) < patience
            || self.asked.is_some_and(|asked| now.duration_since(asked) < INTERVAL);
        if is_early {
            return false;
        }
        self.asked = Some(now);
        let cleared = self.ask(attachment, view, hold, now);
        if cleared {
            self.clear();
        }
        cleared
    }

    /// Asks whether anybody is behind the gate of `hold`; frees it where nobody is and its time is over, demotes it where
    /// somebody has held it for too long. A few system calls.
    fn ask<P: Payload + ?Sized>(
        &mut self,
        attachment: &Arc<Attachment>,
        view: &View<P>,
        hold: Hold,
        now: Instant,
    ) -> bool {
        let header = attachment.region.header();
        if is_held_on(attachment, hold.gate) && !participant::is_held(&attachment.region, entry_of(hold.gate))
        {
            let gone = *self.gone.get_or_insert(now);
            return now.duration_since(gone) >= header.hold_gates && free(attachment, view, hold);
        }
        if self.gone.take().is_some() {
            // Somebody is there again.
            self.since = Some(now);
        }
        if !is_held_on(attachment, hold.gate) && free(attachment, view, hold) {
            return true;
        }
        let held_for = self.since.map_or(Duration::ZERO, |since| now.duration_since(since));
        header.demote_after.is_some_and(|time| held_for >= time) && gates::demote(view, hold)
    }
}

/// Frees the gate of `hold` if nobody is behind it; says whether it did. What cannot be known counts as somebody.
fn free<P: Payload + ?Sized>(attachment: &Arc<Attachment>, view: &View<P>, hold: Hold) -> bool {
    let freed = participant::repair_unless_alive(&attachment.region, entry_of(hold.gate), |_| {
        gates::free(view, hold);
        Ok(())
    });
    freed.is_ok_and(|it| it.is_some())
}
