//! Any sequence of calls of a publisher, two subscribers without a gate and two with one, against a model that is a list of
//! numbers and a few positions.

use std::mem::forget;
use std::time::Duration;

use proptest::prelude::*;
use ringfence::broadcast::{Gate, GatedSubscriber, Options, Publisher, Resume, Start, Subscriber};
use ringfence::{Position, PushError, RecvError, ReleaseError};

use crate::common::Backing;
use crate::{TestRing, at};

/// One call of a public verb, or a few that belong together. Of two subscribers of a kind it is the one of number `who`.
#[derive(Clone, Debug)]
enum Call {
    Publish,
    PublishSlice(usize),
    PublishOrDrop,
    ClaimCommit,
    ClaimAbort {
        forgets: bool,
    },
    ReattachPublisher,
    Receive {
        who: usize,
    },
    ReceiveSlice {
        who: usize,
        max: usize,
    },
    Latest {
        who: usize,
    },
    SkipTo {
        who: usize,
        step: u64,
    },
    SetResume {
        who: usize,
        newest: bool,
    },
    Subscribe {
        who: usize,
        from: From,
    },
    GatedReceive {
        who: usize,
    },
    GatedReceiveSlice {
        who: usize,
        max: usize,
    },
    Read {
        who: usize,
        end: End,
    },
    ReadAhead {
        who: usize,
    },
    /// Through the item this far from the oldest one.
    ReleaseThrough {
        who: usize,
        step: i64,
    },
    Rewind {
        who: usize,
    },
    /// Drops the subscriber, or has it leave, and takes its gate again.
    Join {
        who: usize,
        leaves: bool,
        from: From,
    },
    /// All handles die, and others take their places.
    Crash,
    Close,
}

/// What becomes of a guard.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Drop,
    Forget,
    Release,
}

/// Where a subscriber begins; a position counts from the start of the ring.
#[derive(Clone, Copy, Debug)]
enum From {
    Newest,
    Oldest,
    At(u64),
}

fn any_from() -> impl Strategy<Value = From> {
    prop_oneof![Just(From::Newest), Just(From::Oldest), (0_u64..80).prop_map(From::At)]
}

fn any_call() -> impl Strategy<Value = Call> {
    let end = prop::sample::select(vec![End::Drop, End::Forget, End::Release]);
    let who = || 0_usize..2;
    prop_oneof![
        10 => Just(Call::Publish),
        5 => (0_usize..12).prop_map(Call::PublishSlice),
        1 => Just(Call::PublishOrDrop),
        3 => Just(Call::ClaimCommit),
        2 => any::<bool>().prop_map(|forgets| Call::ClaimAbort { forgets }),
        1 => Just(Call::ReattachPublisher),
        5 => who().prop_map(|who| Call::Receive { who }),
        3 => (who(), 0_usize..12).prop_map(|(who, max)| Call::ReceiveSlice { who, max }),
        2 => who().prop_map(|who| Call::Latest { who }),
        1 => (who(), 0_u64..80).prop_map(|(who, step)| Call::SkipTo { who, step }),
        1 => (who(), any::<bool>()).prop_map(|(who, newest)| Call::SetResume { who, newest }),
        1 => (who(), any_from()).prop_map(|(who, from)| Call::Subscribe { who, from }),
        7 => who().prop_map(|who| Call::GatedReceive { who }),
        5 => (who(), 0_usize..12).prop_map(|(who, max)| Call::GatedReceiveSlice { who, max }),
        4 => (who(), end).prop_map(|(who, end)| Call::Read { who, end }),
        7 => who().prop_map(|who| Call::ReadAhead { who }),
        6 => (who(), -4_i64..12).prop_map(|(who, step)| Call::ReleaseThrough { who, step }),
        1 => who().prop_map(|who| Call::Rewind { who }),
        2 => (who(), any::<bool>(), any_from()).prop_map(|(who, leaves, from)| Call::Join { who, leaves, from }),
        1 => Just(Call::Crash),
    ]
}

fn any_start() -> impl Strategy<Value = Position> {
    let boundary = prop::sample::select(vec![0, 31, 32, 52, 61, 62]);
    (boundary, 0_u64..10).prop_map(|(bit, back)| at((1_u64 << bit).wrapping_sub(back)))
}

/// A subscriber without a gate, as it should be. Positions are steps from the start of the ring.
#[derive(Clone, Copy, Default)]
struct Lossy {
    next: u64,
    resumes_with_newest: bool,
}

/// A subscriber with a gate, as it should be.
#[derive(Clone, Copy, Default)]
struct Gated {
    head: u64,
    ahead: u64,
    /// Items below this step were looked at: they come flagged.
    seen: u64,
    /// Items from this step on must be there.
    joined: u64,
}

impl Gated {
    fn at(head: u64, joined: u64) -> Self {
        Self { head, ahead: head, seen: head, joined: joined.max(head) }
    }

    fn release_to(&mut self, head: u64) {
        self.head = head;
        self.ahead = self.ahead.max(head);
    }
}

/// What a ring should be like. The number of an item is its step, unless it was abandoned.
struct Model {
    start: Position,
    capacity: u64,
    /// The numbers of the items that were published.
    numbers: Vec<u64>,
    /// A claim was given up behind the last item.
    aborted: bool,
    closed: bool,
    dropped: u64,
    lossy: [Lossy; 2],
    gated: [Gated; 2],
}

impl Model {
    fn tail(&self) -> u64 {
        self.numbers.len() as u64
    }

    /// The oldest item that is not overwritten.
    fn oldest(&self) -> u64 {
        (self.tail() + u64::from(self.aborted)).saturating_sub(self.capacity)
    }

    fn position(&self, step: u64) -> Position {
        at(self.start.to_bits().wrapping_add(step))
    }

    /// The step that `from` means.
    fn first(&self, from: From) -> u64 {
        match from {
            From::Newest => self.tail(),
            From::Oldest => self.oldest(),
            From::At(step) => step,
        }
    }

    fn start(&self, from: From) -> Start {
        match from {
            From::Newest => Start::Newest,
            From::Oldest => Start::Oldest,
            From::At(step) => Start::At(self.position(step)),
        }
    }

    /// Whether a gate is a whole lap behind, so that the publisher may be held up.
    fn may_be_full(&self) -> bool {
        self.gated.iter().any(|it| it.head + self.capacity <= self.tail())
    }

    /// Whether the slot of the next item must not be overwritten.
    fn must_be_full(&self) -> bool {
        let lost = self.tail().checked_sub(self.capacity);
        lost.is_some_and(|lost| self.gated.iter().any(|it| lost >= it.head && lost >= it.joined))
    }

    /// Checks that an attempt to use the next slot may come to `result`.
    fn allows<R: std::fmt::Debug>(&self, result: &Result<R, PushError>) {
        match result {
            _ if self.closed => assert!(matches!(result, Err(PushError::Closed)), "{result:?}"),
            Ok(_) => assert!(!self.must_be_full(), "an item was overwritten that a gate should have kept"),
            Err(error) => {
                assert_eq!(*error, PushError::Full);
                assert!(self.may_be_full(), "no gate is in the way");
            }
        }
    }

    fn publish(&mut self, number: u64) {
        self.numbers.push(number);
        self.aborted = false;
    }

    fn absent(&self) -> RecvError {
        if self.closed { RecvError::Closed } else { RecvError::Empty }
    }

    fn lagged(&self, from: u64, to: u64) -> RecvError {
        RecvError::Lagged { missed: to - from, resumed_at: self.position(to) }
    }

    /// The items that subscriber `who` should get, `max` at most; moves it.
    fn receive(&mut self, who: usize, max: usize) -> Result<Vec<u64>, RecvError> {
        let Lossy { next, resumes_with_newest } = self.lossy[who];
        if next < self.oldest() {
            let resumed = if resumes_with_newest { self.tail() - 1 } else { self.oldest() };
            self.lossy[who].next = resumed;
            return Err(self.lagged(next, resumed));
        }
        if next >= self.tail() {
            return Err(self.absent());
        }
        let count = (self.tail() - next).min(max as u64);
        self.lossy[who].next += count;
        Ok(self.run(next, count))
    }

    fn run(&self, from: u64, count: u64) -> Vec<u64> {
        self.numbers[from as usize..(from + count) as usize].to_vec()
    }

    fn latest(&mut self, who: usize) -> Result<u64, RecvError> {
        let newest = self.tail().max(self.lossy[who].next).saturating_sub(1);
        match self.numbers.get(newest as usize) {
            Some(number) => {
                self.lossy[who].next = newest + 1;
                Ok(*number)
            }
            None => Err(self.absent()),
        }
    }

    /// What lies at `step` for the gated subscriber `who`: its number and flag. Moves it only where there is a gap.
    fn look(&mut self, who: usize, step: u64) -> Result<(u64, bool), RecvError> {
        let oldest = self.oldest();
        let gated = &mut self.gated[who];
        if step < oldest {
            assert!(step < gated.joined, "an item is gone that a gate should have kept");
            *gated = Gated { head: oldest, ahead: oldest, ..*gated };
            return Err(self.lagged(step, oldest));
        }
        let seen = step < gated.seen;
        self.numbers.get(step as usize).map(|it| (*it, seen)).ok_or(self.absent())
    }
}

/// A ring, its handles, and its model.
struct Pair {
    ring: TestRing<u64>,
    /// All there, but for a moment while they change hands.
    tx: Option<Publisher<u64>>,
    lossy: [Subscriber<u64>; 2],
    gated: [Option<GatedSubscriber<u64>>; 2],
    model: Model,
    next: u64,
}

/// The gates: one that is anyone's, and one that is held for its next subscriber.
const GATES: [Gate<'static>; 2] = [Gate::Any, Gate::Named("held")];

impl Pair {
    fn new(backing: Backing, capacity: usize, start: Position) -> Self {
        let options = Options::<u64>::new(capacity).gated(1).gate("held");
        let ring = backing.create(options.hold_gates(Duration::from_secs(3600)).start_at(start));
        let subscribe = || ring.opened_again().subscribe(Start::Newest).expect("a ring that has its name");
        let join = |gate| ring.opened_again().subscribe_gated(gate, Start::Newest).expect("a gate");
        Self {
            tx: Some(ring.publisher().expect("the role")),
            lossy: [subscribe(), subscribe()],
            gated: GATES.map(|gate| Some(join(gate))),
            model: Model {
                start,
                capacity: capacity.next_power_of_two() as u64,
                numbers: Vec::new(),
                aborted: false,
                closed: false,
                dropped: 0,
                lossy: Default::default(),
                gated: Default::default(),
            },
            next: 0,
            ring,
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn assert_last(&self, who: usize, first: u64, len: usize, redelivered: bool) {
        let last = self.gated[who].as_ref().and_then(GatedSubscriber::last).expect("a delivery");
        assert_eq!((last.first, last.len), (self.model.position(first), len));
        assert_eq!(last.redelivered, redelivered);
    }

    fn publishes(&mut self, call: &Call) {
        let number = self.number();
        let Self { tx: Some(tx), model, .. } = self else { unreachable!("it is there") };
        let position = model.position(model.tail());
        match *call {
            Call::PublishSlice(count) => {
                let values: Vec<u64> = (0..count as u64).map(|it| number + it).collect();
                let result = tx.try_publish_slice(&values);
                self.next += count as u64;
                if count == 0 {
                    assert_eq!(result, Ok(0));
                    return;
                }
                let published = result.unwrap_or(0);
                for value in &values[..published] {
                    model.allows(&Ok::<(), _>(()));
                    model.publish(*value);
                }
                match result {
                    Ok(0) => panic!("a batch of nothing"),
                    Ok(all) if all == count => {}
                    Ok(_) => assert!(model.may_be_full(), "no gate is in the way of the rest"),
                    Err(_) => model.allows(&result),
                }
                return;
            }
            Call::PublishOrDrop => {
                let published = tx.publish_or_drop(number);
                if published {
                    model.allows(&Ok::<(), _>(()));
                    model.publish(number);
                } else {
                    assert!(model.closed || model.may_be_full());
                    model.dropped += 1;
                }
                return;
            }
            Call::ClaimAbort { forgets } => {
                let filled = tx.try_claim().map(|it| it.write(u64::MAX));
                model.allows(&filled);
                if let Ok(filled) = filled {
                    if forgets {
                        forget(filled)
                    } else {
                        drop(filled)
                    }
                    model.aborted = true;
                }
                return;
            }
            _ => {}
        }
        let result = match call {
            Call::Publish => tx.try_publish(number),
            _ => tx.try_claim().and_then(|it| it.write(number).commit()),
        };
        model.allows(&result);
        if let Ok(published) = result {
            assert_eq!(published, position);
            model.publish(number);
        }
    }

    fn receives(&mut self, call: &Call) {
        let Self { model, lossy, ring, .. } = self;
        match *call {
            Call::Receive { who } => {
                let expected = model.receive(who, 1).map(|it| it[0]);
                assert_eq!(lossy[who].try_recv(), expected);
            }
            Call::ReceiveSlice { who, max } => {
                let mut out = vec![u64::MAX; max];
                let found = lossy[who].try_recv_slice(&mut out).map(|count| out[..count].to_vec());
                if max == 0 {
                    assert_eq!(found, Ok(Vec::new()));
                    return;
                }
                assert_eq!(found, model.receive(who, max));
                if let Ok(items) = found {
                    let last = lossy[who].last().expect("a delivery");
                    let first = model.lossy[who].next - items.len() as u64;
                    assert_eq!((last.first, last.len), (model.position(first), items.len()));
                }
            }
            Call::Latest { who } => assert_eq!(lossy[who].latest(), model.latest(who)),
            Call::SkipTo { who, step } => {
                lossy[who].skip_to(model.position(step));
                model.lossy[who].next = step;
            }
            Call::SetResume { who, newest } => {
                lossy[who].set_resume(if newest { Resume::Newest } else { Resume::Oldest });
                model.lossy[who].resumes_with_newest = newest;
            }
            Call::Subscribe { who, from } => {
                lossy[who] = ring.subscribe(model.start(from)).expect("a ring that has its name");
                model.lossy[who] = Lossy { next: model.first(from), resumes_with_newest: false };
            }
            _ => unreachable!("no call of a subscriber without a gate"),
        }
    }

    fn receives_at_a_gate(&mut self, call: &Call) {
        let Self { model, gated, .. } = self;
        match *call {
            Call::GatedReceive { who } => {
                let rx = gated[who].as_mut().expect("it is there");
                let head = model.gated[who].head;
                let expected = model.look(who, head);
                assert_eq!(rx.try_recv(), expected.map(|it| it.0));
                if let Ok((_, redelivered)) = expected {
                    model.gated[who].release_to(head + 1);
                    self.assert_last(who, head, 1, redelivered);
                }
            }
            Call::GatedReceiveSlice { who, max } => {
                let rx = gated[who].as_mut().expect("it is there");
                let mut out = vec![u64::MAX; max];
                let found = rx.try_recv_slice(&mut out).map(|count| out[..count].to_vec());
                if max == 0 {
                    assert_eq!(found, Ok(Vec::new()));
                    return;
                }
                let Gated { head, seen, .. } = model.gated[who];
                let expected = model.look(who, head).map(|(_, redelivered)| {
                    let most = if redelivered { (seen - head).min(max as u64) } else { max as u64 };
                    (model.run(head, most.min(model.tail() - head)), redelivered)
                });
                assert_eq!(found, expected.clone().map(|it| it.0));
                if let Ok((items, redelivered)) = expected {
                    model.gated[who].release_to(head + items.len() as u64);
                    self.assert_last(who, head, items.len(), redelivered);
                }
            }
            Call::Read { who, end } => {
                let rx = gated[who].as_mut().expect("it is there");
                let head = model.gated[who].head;
                let expected = model.look(who, head);
                let found = rx.try_read().map(|item| {
                    let seen = (*item, item.redelivered());
                    assert_eq!(item.position(), model.position(head));
                    match end {
                        End::Drop => drop(item),
                        End::Forget => forget(item),
                        End::Release => item.release(),
                    }
                    seen
                });
                assert_eq!(found, expected);
                if let Ok((_, redelivered)) = expected {
                    let gated = &mut model.gated[who];
                    gated.seen = gated.seen.max(head + 1);
                    if end == End::Release {
                        gated.release_to(head + 1);
                    }
                    self.assert_last(who, head, 1, redelivered);
                }
            }
            Call::ReadAhead { who } => {
                let rx = gated[who].as_mut().expect("it is there");
                let ahead = model.gated[who].ahead;
                let expected = model.look(who, ahead);
                let found = rx.try_read_ahead();
                assert_eq!(found.map(|it| (it.value, it.redelivered)), expected);
                if let Ok(item) = found {
                    assert_eq!(item.position, model.position(ahead));
                    let gated = &mut model.gated[who];
                    gated.ahead = ahead + 1;
                    gated.seen = gated.seen.max(gated.ahead);
                    self.assert_last(who, ahead, 1, item.redelivered);
                }
            }
            Call::ReleaseThrough { who, step } => {
                let rx = gated[who].as_mut().expect("it is there");
                let Gated { head, ahead, .. } = model.gated[who];
                let end = head as i64 + step + 1;
                let position = at(model.position(head).to_bits().wrapping_add_signed(step));
                let expected = if end > ahead as i64 {
                    Err(ReleaseError::NotRead { beyond: (end - ahead as i64) as u64 })
                } else {
                    Ok((step + 1).max(0) as u64)
                };
                assert_eq!(rx.release_through(position), expected);
                model.gated[who].release_to(head + expected.unwrap_or(0));
            }
            Call::Rewind { who } => {
                gated[who].as_mut().expect("it is there").rewind();
                model.gated[who].ahead = model.gated[who].head;
            }
            _ => unreachable!("no call of a subscriber with a gate"),
        }
    }

    /// What the next subscriber at gate `who` should find that begins at `from`.
    fn joins(&mut self, who: usize, held: bool, from: From) {
        let Self { ring, gated, model, .. } = self;
        let rx = ring.opened_again().subscribe_gated(GATES[who], model.start(from)).expect("a gate");
        let before = model.gated[who];
        model.gated[who] = if held {
            let seen = before.seen.max(before.head);
            Gated { seen, ..Gated::at(before.head, before.joined) }
        } else {
            Gated::at(model.first(from), model.tail())
        };
        assert_eq!(rx.joined_at(), model.position(model.gated[who].joined));
        gated[who] = Some(rx);
    }

    fn step(&mut self, call: &Call) {
        match *call {
            Call::Publish
            | Call::PublishSlice(_)
            | Call::PublishOrDrop
            | Call::ClaimCommit
            | Call::ClaimAbort { .. } => self.publishes(call),
            Call::ReattachPublisher => {
                self.tx = None;
                self.tx = Some(self.ring.opened_again().publisher().expect("the role"));
            }
            Call::Receive { .. }
            | Call::ReceiveSlice { .. }
            | Call::Latest { .. }
            | Call::SkipTo { .. }
            | Call::SetResume { .. }
            | Call::Subscribe { .. } => self.receives(call),
            Call::GatedReceive { .. }
            | Call::GatedReceiveSlice { .. }
            | Call::Read { .. }
            | Call::ReadAhead { .. }
            | Call::ReleaseThrough { .. }
            | Call::Rewind { .. } => self.receives_at_a_gate(call),
            Call::Join { who, leaves, from } => {
                let rx = self.gated[who].take().expect("it is there");
                if leaves {
                    rx.leave()
                } else {
                    drop(rx)
                }
                self.joins(who, who == 1 && !leaves, from);
            }
            Call::Crash => self.crash(),
            Call::Close => {
                self.tx.as_mut().expect("it is there").close();
                self.model.closed = true;
            }
        }
        self.check();
    }

    fn crash(&mut self) {
        let Some(crashed) = self.ring.as_after_a_crash() else { return };
        (self.tx, self.gated) = (None, [None, None]);
        self.ring = crashed;
        self.tx = Some(self.ring.publisher().expect("the role"));
        for who in 0..2 {
            self.lossy[who] = {
                let next = self.model.position(self.model.lossy[who].next);
                self.model.lossy[who].resumes_with_newest = false;
                self.ring.subscribe(Start::At(next)).expect("a ring that has its name")
            };
            if who == 1 {
                // The oldest one may have been looked at, which is noted nowhere.
                let gated = &mut self.model.gated[who];
                gated.seen = gated.seen.max(gated.head + 1);
            }
            self.joins(who, who == 1, From::Newest);
        }
    }

    /// What can be seen at any moment.
    fn check(&self) {
        let model = &self.model;
        let tail = model.position(model.tail());
        assert_eq!(self.tx.as_ref().map(Publisher::position), Some(tail));
        let len = model.tail().min(model.capacity);
        assert_eq!(self.ring.positions(), (model.position(model.tail() - len), tail));
        assert_eq!(self.ring.is_closed(), model.closed);
        for (rx, expected) in self.lossy.iter().zip(&model.lossy) {
            assert_eq!(rx.position(), model.position(expected.next));
            assert_eq!(rx.lag(), model.tail().saturating_sub(expected.next));
        }
        for (rx, expected) in self.gated.iter().zip(&model.gated) {
            let rx = rx.as_ref().expect("it is there");
            assert_eq!(rx.position(), model.position(expected.head));
            assert_eq!(rx.lag(), model.tail().saturating_sub(expected.head));
            assert!(!rx.is_demoted());
        }
        for (report, expected) in self.ring.gates().iter().zip(&model.gated) {
            assert_eq!(report.position, model.position(expected.head));
        }
    }

    /// What can be seen at any moment, and takes system calls.
    fn check_closely(&self) {
        let model = &self.model;
        let blocked = model.gated.iter().any(|it| it.head + model.capacity <= model.tail());
        assert_eq!(self.ring.blocked_on().is_some(), blocked);
        assert_eq!(self.ring.participants()[0].dropped, model.dropped);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_ring_behaves_like_its_model(
        on_heap in any::<bool>(),
        capacity in 2_usize..10,
        start in any_start(),
        calls in prop::collection::vec(any_call(), 1..120),
        closes in any::<bool>(),
        more in prop::collection::vec(any_call(), 0..20),
    ) {
        let mut pair = Pair::new(if on_heap { Backing::Heap } else { Backing::Shm }, capacity, start);
        for call in &calls {
            pair.step(call);
        }
        pair.check_closely();
        if closes {
            pair.step(&Call::Close);
            for call in &more {
                pair.step(call);
            }
            pair.check_closely();
        }
    }
}
