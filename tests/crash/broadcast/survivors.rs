//! Whoever is left in a ring of one publisher and many subscribers, and how they go on.

use std::time::Duration;

use ringfence::broadcast::{GatedSubscriber, Publisher, Ring, Start, Subscriber};

use super::ledger::{Ledger, Reader};
use super::{CAPACITY, Load, Receive, SURVIVOR_GATE, Sight, publish, recorder};
use crate::books::{Books, SURVIVOR};
use crate::kind::{BOUND, Pushed, in_time};

pub(crate) struct Survivors<P: Load + ?Sized> {
    pub(crate) publisher: Option<Publisher<P>>,
    pub(crate) gated: Option<GatedSubscriber<P>>,
    pub(crate) recorder: Option<GatedSubscriber<P>>,
    pub(crate) lossy: Option<Subscriber<P>>,
    pub(crate) ledger: Ledger,
    /// How many items they looked for: they read and receive in turn.
    looks: u64,
}

impl<P: Load + ?Sized> Survivors<P> {
    pub(crate) fn new() -> Self {
        let ledger = Ledger::default();
        Self { publisher: None, gated: None, recorder: None, lossy: None, ledger, looks: 0 }
    }

    /// Takes the publisher's role, if nobody has it, and subscribes, by a gate if there `are_gates`.
    pub(crate) fn attach(&mut self, ring: &Ring<P>, are_gates: bool) {
        self.subscribe(ring, are_gates);
        if self.publisher.is_none() {
            self.publisher = in_time(&mut self.ledger.house, "publisher", |_| ring.publisher());
        }
    }

    fn subscribe(&mut self, ring: &Ring<P>, are_gates: bool) {
        let house = &mut self.ledger.house;
        let gated = are_gates && self.gated.is_none();
        let gated =
            gated.then(|| in_time(house, "a gate", |_| ring.subscribe_gated(SURVIVOR_GATE, Start::Newest)));
        if let Some(gated) = gated.flatten() {
            self.ledger.take_up(Reader::Gated, gated.next());
            self.gated = Some(gated);
        }
        if self.lossy.is_none() {
            self.lossy = in_time(&mut self.ledger.house, "subscribe", |_| ring.subscribe(Start::Newest));
            let next = self.lossy.as_ref().map(Receive::next);
            next.into_iter().for_each(|next| self.ledger.take_up(Reader::Lossy, next));
        }
    }

    /// Goes on with what the last recorder left.
    pub(crate) fn take_up_recording(&mut self, ring: &Ring<P>) {
        if self.recorder.is_none() {
            self.recorder = in_time(&mut self.ledger.house, "the recorder's gate", |_| recorder(ring));
        }
        let next = self.recorder.as_ref().map(Receive::next);
        next.into_iter().for_each(|next| self.ledger.take_up(Reader::Recorder, next));
    }

    /// Publishes an item of their own.
    pub(crate) fn publish(&mut self, limit: Duration) -> Option<Pushed> {
        let publisher = self.publisher.as_mut()?;
        let number = self.ledger.house.next(SURVIVOR);
        let (pushed, position) =
            in_time(&mut self.ledger.house, "publish", |_| match publish(publisher, number, limit) {
                (Pushed::Failed(error), _) => Err(error),
                published => Ok(published),
            })?;
        if let Some(position) = position {
            self.ledger.accepted(number, Some(position.to_bits()));
        }
        Some(pushed)
    }

    /// Receives an item as `reader`; `None` where there is no such survivor, or something is wrong.
    pub(crate) fn receive(&mut self, reader: Reader, limit: Duration) -> Option<Sight> {
        self.looks += 1;
        let looks = self.looks.is_multiple_of(2);
        let Self { gated, recorder, lossy, ledger, .. } = self;
        let house = &mut ledger.house;
        let (sight, may_miss) = match reader {
            Reader::Gated => receive(gated.as_mut()?, house, limit, looks),
            Reader::Recorder => receive(recorder.as_mut()?, house, limit, looks),
            Reader::Lossy => receive(lossy.as_mut()?, house, limit, looks),
            Reader::Witness => return None,
        }?;
        ledger.enter(reader, &sight, may_miss);
        Some(sight)
    }

    /// Publishes twice as much as there is room for, unless a gate is in the way, and receives what comes.
    pub(crate) fn overrun(&mut self) {
        let moment = Duration::from_millis(1);
        for _ in 0..2 {
            let publishes = |_: &u64| matches!(self.publish(moment), Some(Pushed::Accepted));
            (0..CAPACITY).take_while(publishes).for_each(drop);
            while let Some(Sight::Item { .. }) = self.receive(Reader::Gated, moment) {}
        }
    }

    /// Receives everything that there is as `reader`, waiting for what was accepted. What comes last is no item, and `None`
    /// where somebody waited in vain.
    pub(crate) fn drain(&mut self, reader: Reader) -> Option<Sight> {
        loop {
            let is_due = self.ledger.is_anything_due(reader);
            match self.receive(reader, if is_due { BOUND / 2 } else { Duration::ZERO })? {
                Sight::Item { .. } | Sight::Missed { .. } => {}
                Sight::Empty if is_due => {
                    self.ledger.house.stuck(format!("an item that was accepted did not come: {reader:?}"));
                    return None;
                }
                end => return Some(end),
            }
        }
    }

    /// Receives everything; says whether the ring is closed.
    fn drain_all(&mut self) -> bool {
        let ends = [Reader::Gated, Reader::Recorder, Reader::Lossy].map(|reader| self.drain(reader));
        let closed = |end: &Option<Sight>| *end == Some(Sight::Closed);
        let is_closed = ends.iter().any(closed);
        if is_closed && !ends.iter().flatten().all(|end| *end == Sight::Closed) {
            self.ledger.house.stuck(format!("closed for some, not for others: {ends:?}"));
        }
        is_closed
    }

    /// Goes on behind the dead: receives everything, then uses every slot twice more, once beside empty ones and once
    /// beside full ones, which laps those who have no gate. Says whether the ring is closed. Where somebody waited in vain
    /// nobody waits again.
    pub(crate) fn settle(&mut self, ring: &Ring<P>, are_gates: bool) -> bool {
        self.attach(ring, are_gates);
        if self.drain_all() {
            return true;
        }
        for _ in 0..CAPACITY {
            if self.ledger.house.is_stuck() {
                return false;
            }
            // What somebody holds who has died is free after a while.
            match self.publish(BOUND / 2) {
                Some(Pushed::Accepted) => {}
                Some(Pushed::Closed) => {
                    self.await_end();
                    return true;
                }
                end => self.ledger.house.stuck(format!("a publication beside nothing unreleased is {end:?}")),
            }
            self.drain(Reader::Gated);
            self.drain(Reader::Recorder);
        }
        if self.ledger.house.is_stuck() {
            return false;
        }
        self.fill(are_gates);
        self.drain_all();
        if !matches!(self.publish(BOUND / 2), Some(Pushed::Accepted)) {
            self.ledger.house.stuck("nothing can be published".to_owned());
        }
        self.drain_all()
    }

    /// Publishes until the gates are in the way, or a lap more than that.
    fn fill(&mut self, are_gates: bool) {
        let mut published = 0;
        let end = loop {
            let limit = if published == 0 { BOUND / 2 } else { Duration::ZERO };
            match self.publish(limit) {
                Some(Pushed::Accepted) if published < 2 * CAPACITY => published += 1,
                end => break end,
            }
        };
        if published != if are_gates { CAPACITY } else { 2 * CAPACITY } {
            self.ledger.house.stuck(format!("{published} items filled the ring, then it was {end:?}"));
        }
    }

    /// The ring is closed: once nobody can publish, whoever waits is told.
    fn await_end(&mut self) {
        self.publisher = None;
        for reader in [Reader::Gated, Reader::Recorder, Reader::Lossy] {
            match self.receive(reader, BOUND / 2) {
                Some(Sight::Closed) | None => {}
                found => self.ledger.house.stuck(format!("a closed ring, drained, is {found:?}")),
            }
        }
    }
}

/// What a handle receives, and whether it may miss items.
fn receive(
    handle: &mut impl Receive,
    house: &mut Books,
    limit: Duration,
    looks: bool,
) -> Option<(Sight, bool)> {
    let sight = in_time(house, "receive", |_| {
        match if looks { handle.read(limit, |_, _| {}) } else { handle.receive(limit) } {
            Sight::Failed(error) => Err(error),
            sight => Ok(sight),
        }
    })?;
    Some((sight, handle.may_miss()))
}
