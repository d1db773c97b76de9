//! Which gate holds the publisher up, for how long, and whether anybody is behind it.
//!
//! A gate that lies a lap behind is nothing unusual: its subscriber is slow. Once it has not moved for longer than the
//! patience, and every so often from then on, its lock byte is asked: it is free only if nobody is there, and whoever takes
//! it frees the gate, at once or when its time is over. A living subscriber keeps it, stopped or slow, and nothing happens,
//! unless the ring's creator wanted such gates demoted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::algorithm::View;
use super::gates::{self, Hold, State};
use super::port::{entry_of, inherit, is_held_on};
use crate::attachment::Attachment;
use crate::element::Payload;
use crate::participant;
use crate::wait::SLICE;

/// How often a gate is asked that has been asked before.
const INTERVAL: Duration = Duration::from_millis(2);

/// What a publisher remembers of the gates that hold it up, from call to call.
#[derive(Debug, Default)]
pub(super) struct Suspicion(Vec<Watched>);

/// A gate that holds the publisher up.
#[derive(Clone, Copy, Debug)]
struct Watched {
    hold: Hold,
    /// When it was first seen, with somebody behind it.
    since: Instant,
    /// When it was last asked.
    asked: Option<Instant>,
    /// When it was first found that nobody is there.
    gone: Option<Instant>,
}

impl Suspicion {
    /// Of a ring of so many gates: room for all of them, so that waiting allocates nothing.
    pub(super) fn of(gates: usize) -> Self {
        Self(Vec::with_capacity(gates))
    }

    /// How long a call may sleep before it looks again.
    pub(super) fn slice(&self, patience: Duration) -> Duration {
        match self.0.iter().any(|it| it.asked.is_none()) {
            _ if self.0.is_empty() => SLICE,
            true => patience.min(INTERVAL),
            false => INTERVAL,
        }
    }

    /// Looks which gates hold up a publisher that is at `tail`, and asks those for which it is time; says whether one of them
    /// no longer does.
    pub(super) fn clears_the_way<P: Payload + ?Sized>(
        &mut self,
        attachment: &Arc<Attachment>,
        view: &View<P>,
        tail: u64,
    ) -> bool {
        let now = Instant::now();
        self.0.retain(|it| gates::blocking(view, tail).any(|(_, hold)| hold == it.hold));
        for (_, hold) in gates::blocking(view, tail) {
            if self.0.iter().all(|it| it.hold != hold) {
                self.0.push(Watched { hold, since: now, asked: None, gone: None });
            }
        }
        let patience = attachment.attach.patience;
        let count = self.0.len();
        self.0.retain_mut(|it| !(it.is_due(patience, now) && it.ask(attachment, view, now)));
        self.0.len() < count
    }
}

impl Watched {
    /// Whether it is time to ask: it has held the publisher up for longer than `patience`, or was asked a while ago.
    fn is_due(&self, patience: Duration, now: Instant) -> bool {
        now.duration_since(self.since) >= patience
            && self.asked.is_none_or(|asked| now.duration_since(asked) >= INTERVAL)
    }

    /// Asks whether anybody is behind the gate; frees it where nobody is and its time is over, demotes it where somebody has
    /// held it for too long; says whether it did. A few system calls.
    fn ask<P: Payload + ?Sized>(
        &mut self,
        attachment: &Arc<Attachment>,
        view: &View<P>,
        now: Instant,
    ) -> bool {
        self.asked = Some(now);
        let (header, hold) = (attachment.region.header(), self.hold);
        // Nothing was promised to one that had not joined.
        let is_kept = hold.standing.state() == State::Active && is_held_on(attachment, hold.gate);
        if !is_kept {
            if free(attachment, view, hold) {
                return true;
            }
        } else if !participant::is_held(&attachment.region, entry_of(hold.gate)) {
            let gone = *self.gone.get_or_insert(now);
            return now.duration_since(gone) >= header.hold_gates && free(attachment, view, hold);
        } else if self.gone.take().is_some() {
            // Somebody is there again.
            self.since = now;
        }
        let is_late = header.demote_after.is_some_and(|time| now.duration_since(self.since) >= time);
        let demoted = is_late && gates::demote(view, hold);
        if demoted {
            // Whoever waits for the gate to move on need not.
            view.words.not_full.ring_out();
        }
        demoted
    }
}

/// Frees the gate of `hold` if nobody is behind it; says whether nobody is. What cannot be known counts as somebody.
fn free<P: Payload + ?Sized>(attachment: &Arc<Attachment>, view: &View<P>, hold: Hold) -> bool {
    let freed = participant::repair_unless_alive(&attachment.region, entry_of(hold.gate), |died| {
        if !gates::free(view, hold) && died {
            // Another one's by now, who died as well: its successor is to know what was looked at.
            inherit(attachment, view, hold.gate, died)?;
        }
        Ok(())
    });
    freed.is_ok_and(|it| it.is_some())
}
