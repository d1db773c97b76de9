//! Any sequence of calls of several handles, one at a time, against a model that is a list of items.

use std::collections::VecDeque;
use std::mem::forget;

use proptest::prelude::*;
use ringfence::mpmc::{Consumer, OnConsumerDeath, Options, Producer, ReadGuard};
use ringfence::{Fate, PopError, Position, PushError, ReleaseError};

use crate::TestRing;
use crate::common::Backing;

const PRODUCERS: usize = 2;
const CONSUMERS: usize = 3;
/// Longest item of the rings of bytes.
const MAX_LEN: usize = 20;

/// What becomes of a guard.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Drop,
    Forget,
    /// As many of its items as that.
    Release(usize),
}

/// One call of a public verb, or a few that belong together; first, on which of the handles.
#[derive(Clone, Debug)]
enum Call {
    Push(usize),
    PushSlice(usize, usize),
    PushOrDrop(usize),
    Pop(usize),
    PopSlice(usize, usize),
    Read(usize, End),
    ReadSlice(usize, usize, End),
    ReadAhead(usize),
    /// Through one of those that were read ahead.
    ReleaseThrough(usize, usize),
    /// Through a position that was not pushed yet.
    ReleaseBeyond(usize, u64),
    GiveAheadBack(usize),
    /// The handle is dropped once there is a clone of it.
    CloneProducer(usize),
    CloneConsumer(usize),
    /// All handles die, and others take their places.
    Crash,
    Repair,
    Close,
}

fn any_end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Drop), Just(End::Forget), (0_usize..6).prop_map(End::Release)]
}

fn any_call() -> impl Strategy<Value = Call> {
    let (tx, rx) = (0..PRODUCERS, 0..CONSUMERS);
    prop_oneof![
        8 => tx.clone().prop_map(Call::Push),
        5 => (tx.clone(), 0_usize..12).prop_map(|(tx, count)| Call::PushSlice(tx, count)),
        1 => tx.clone().prop_map(Call::PushOrDrop),
        6 => rx.clone().prop_map(Call::Pop),
        3 => (rx.clone(), 0_usize..12).prop_map(|(rx, max)| Call::PopSlice(rx, max)),
        4 => (rx.clone(), any_end()).prop_map(|(rx, end)| Call::Read(rx, end)),
        3 => (rx.clone(), 0_usize..6, any_end()).prop_map(|(rx, max, end)| Call::ReadSlice(rx, max, end)),
        4 => rx.clone().prop_map(Call::ReadAhead),
        4 => (rx.clone(), 0_usize..6).prop_map(|(rx, step)| Call::ReleaseThrough(rx, step)),
        1 => (rx.clone(), 0_u64..6).prop_map(|(rx, step)| Call::ReleaseBeyond(rx, step)),
        1 => rx.clone().prop_map(Call::GiveAheadBack),
        1 => tx.prop_map(Call::CloneProducer),
        2 => rx.prop_map(Call::CloneConsumer),
        1 => Just(Call::Crash),
        1 => Just(Call::Repair),
    ]
}

fn any_start() -> impl Strategy<Value = Position> {
    let boundary = prop::sample::select(vec![0, 12, 32, 51, 52]);
    (boundary, 0_u64..10).prop_map(|(bit, back)| position((1_u64 << bit).wrapping_sub(back)))
}

/// Positions count modulo 2^52.
fn position(bits: u64) -> Position {
    Position::from_bits(bits & (u64::MAX >> 12))
}

/// Where an item is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Fresh,
    /// A consumer has it: of that number.
    Taken(usize),
    GivenBack,
    Gone,
}

#[derive(Clone, Debug)]
struct Item {
    number: u64,
    state: State,
    redeliveries: u32,
}

/// What a consumer has, as indices of items.
#[derive(Clone, Debug, Default)]
struct Mine {
    forgotten: Vec<usize>,
    ahead: VecDeque<usize>,
    /// The latest one that was ever read ahead.
    read_to: Option<usize>,
}

/// What a ring should be like.
struct Model {
    capacity: usize,
    start: Position,
    /// All that were ever pushed.
    items: Vec<Item>,
    /// The first one that was never taken.
    fresh: usize,
    consumers: [Mine; CONSUMERS],
    closed: bool,
    discard: bool,
    dropped: u64,
}

/// What a delivery is: where it begins, and the numbers of its items; whether it is flagged, and how often its first item
/// came before.
#[derive(Clone, Debug, PartialEq)]
struct Delivered {
    first: Position,
    numbers: Vec<u64>,
    redelivered: bool,
    redeliveries: u32,
}

impl Model {
    fn position(&self, index: usize) -> Position {
        position(self.start.to_bits().wrapping_add(index as u64))
    }

    /// How many positions can be claimed, at least one; `holders` are the entries of the consumers.
    fn room(&self, holders: [u32; CONSUMERS]) -> Result<usize, PushError> {
        let last =
            |step: usize| (self.items.len() + step).checked_sub(self.capacity).map(|it| self.items[it].state);
        match last(0) {
            _ if self.closed => Err(PushError::Closed),
            Some(State::Fresh | State::GivenBack) => Err(PushError::Full),
            Some(State::Taken(by)) => Err(PushError::Held { by: holders[by] }),
            None | Some(State::Gone) => {
                let is_free = |step: &usize| last(*step).is_none_or(|it| it == State::Gone);
                Ok(1 + (1..self.capacity).take_while(is_free).count())
            }
        }
    }

    fn push(&mut self, numbers: &[u64]) -> Position {
        let first = self.position(self.items.len());
        self.items.extend(numbers.iter().map(|number| Item {
            number: *number,
            state: State::Fresh,
            redeliveries: 0,
        }));
        first
    }

    fn give_back(&mut self, indices: impl IntoIterator<Item = usize>) {
        for index in indices {
            self.items[index].state = State::GivenBack;
        }
    }

    fn release(&mut self, indices: impl IntoIterator<Item = usize>) {
        for index in indices {
            self.items[index].state = State::Gone;
        }
    }

    /// Consumer `me` takes up to `wanted` items.
    fn take(&mut self, me: usize, wanted: usize, holders: [u32; CONSUMERS]) -> Result<Vec<usize>, PopError> {
        let forgotten = std::mem::take(&mut self.consumers[me].forgotten);
        self.give_back(forgotten);
        let taken = if let Some(index) = self.items.iter().position(|it| it.state == State::GivenBack) {
            self.items[index].redeliveries += 1;
            vec![index]
        } else {
            let first = self.fresh;
            self.fresh = self.items.len().min(first + wanted);
            (first..self.fresh).collect()
        };
        if taken.is_empty() {
            let others = |it: &Item| match it.state {
                State::Taken(by) if by != me => Some(holders[by]),
                _ => None,
            };
            return Err(match self.items.iter().find_map(others) {
                _ if !self.closed => PopError::Empty,
                Some(by) => PopError::Held { by },
                None => PopError::Closed,
            });
        }
        for index in &taken {
            self.items[*index].state = State::Taken(me);
        }
        Ok(taken)
    }

    fn delivered(&self, indices: &[usize]) -> Delivered {
        let redeliveries = self.items[indices[0]].redeliveries;
        Delivered {
            first: self.position(indices[0]),
            numbers: indices.iter().map(|index| self.items[*index].number).collect(),
            redelivered: redeliveries > 0,
            redeliveries,
        }
    }

    /// Consumer `me` is done with a guard.
    fn end(&mut self, me: usize, indices: Vec<usize>, end: End) {
        match end {
            End::Drop => self.give_back(indices),
            End::Forget => self.consumers[me].forgotten = indices,
            End::Release(count) => {
                let (released, given_back) = indices.split_at(count.min(indices.len()));
                self.release(released.iter().copied());
                self.give_back(given_back.iter().copied());
            }
        }
    }

    /// Consumer `me` goes.
    fn leave(&mut self, me: usize) {
        let Mine { forgotten, ahead, .. } = std::mem::take(&mut self.consumers[me]);
        self.give_back(forgotten.into_iter().chain(ahead));
    }

    /// Everybody dies; what a repair should say.
    fn crash(&mut self) -> Vec<(Position, Fate)> {
        let mut fates = Vec::new();
        for index in 0..self.items.len() {
            let item = &mut self.items[index];
            if let State::Taken(_) = item.state {
                let (state, fate) = match self.discard {
                    true => (State::Gone, Fate::Discarded),
                    false => (State::GivenBack, Fate::Redelivered { before: item.redeliveries }),
                };
                item.state = state;
                fates.push((self.position(index), fate));
            }
        }
        self.consumers = Default::default();
        fates
    }
}

/// What differs between rings of elements and rings of bytes: how item `number` is carried.
trait Carried: ringfence::Payload {
    fn options(capacity: usize) -> Options<Self>;
    fn push(tx: &mut Producer<Self>, number: u64) -> Result<Position, PushError>;
    fn push_or_drop(tx: &mut Producer<Self>, number: u64) -> bool;
    fn pop(rx: &mut Consumer<Self>) -> Result<u64, PopError>;
    fn get(item: &ReadGuard<'_, Self>) -> u64;
    fn read_ahead(rx: &mut Consumer<Self>) -> Result<(u64, Position, bool), PopError>;
    /// `None` where there are no slices.
    fn push_slice(tx: &mut Producer<Self>, numbers: &[u64]) -> Option<Result<usize, PushError>>;
    fn pop_slice(rx: &mut Consumer<Self>, max: usize) -> Option<Result<Vec<u64>, PopError>>;
    /// First position, numbers, flag.
    fn read_slice(rx: &mut Consumer<Self>, max: usize, end: End) -> Option<Result<Slice, PopError>>;
}

type Slice = (Position, Vec<u64>, bool);

impl Carried for u64 {
    fn options(capacity: usize) -> Options<Self> {
        Options::<u64>::new(capacity)
    }

    fn push(tx: &mut Producer<Self>, number: u64) -> Result<Position, PushError> {
        tx.try_push(number)
    }

    fn push_or_drop(tx: &mut Producer<Self>, number: u64) -> bool {
        tx.push_or_drop(number)
    }

    fn pop(rx: &mut Consumer<Self>) -> Result<u64, PopError> {
        rx.try_pop()
    }

    fn get(item: &ReadGuard<'_, Self>) -> u64 {
        item.get()
    }

    fn read_ahead(rx: &mut Consumer<Self>) -> Result<(u64, Position, bool), PopError> {
        rx.try_read_ahead().map(|it| (it.value, it.position, it.redelivered))
    }

    fn push_slice(tx: &mut Producer<Self>, numbers: &[u64]) -> Option<Result<usize, PushError>> {
        Some(tx.try_push_slice(numbers))
    }

    fn pop_slice(rx: &mut Consumer<Self>, max: usize) -> Option<Result<Vec<u64>, PopError>> {
        let mut out = vec![u64::MAX; max];
        Some(rx.try_pop_slice(&mut out).map(|count| {
            out.truncate(count);
            out
        }))
    }

    fn read_slice(rx: &mut Consumer<Self>, max: usize, end: End) -> Option<Result<Slice, PopError>> {
        Some(rx.try_read_slice(max).map(|items| {
            let seen = (items.position(), items.iter().collect(), items.redelivered());
            match end {
                End::Drop => drop(items),
                End::Forget => forget(items),
                End::Release(count) => items.release_first(count),
            }
            seen
        }))
    }
}

/// The bytes of item `number`: 8 to [`MAX_LEN`] of them, which repeat the number.
fn encode(number: u64) -> Vec<u8> {
    let length = 8 + number as usize % (MAX_LEN - 7);
    number.to_le_bytes().into_iter().cycle().take(length).collect()
}

fn decode(bytes: &[u8]) -> u64 {
    let number = u64::from_le_bytes(*bytes.first_chunk().expect("eight bytes"));
    assert_eq!(bytes, encode(number));
    number
}

impl Carried for [u8] {
    fn options(capacity: usize) -> Options<Self> {
        Options::<[u8]>::new(capacity, MAX_LEN)
    }

    fn push(tx: &mut Producer<Self>, number: u64) -> Result<Position, PushError> {
        tx.try_push(&encode(number))
    }

    fn push_or_drop(tx: &mut Producer<Self>, number: u64) -> bool {
        tx.push_or_drop(&encode(number))
    }

    fn pop(rx: &mut Consumer<Self>) -> Result<u64, PopError> {
        let mut buffer = Vec::new();
        rx.try_pop_to(&mut buffer).map(|length| {
            assert_eq!(length, buffer.len());
            decode(&buffer)
        })
    }

    fn get(item: &ReadGuard<'_, Self>) -> u64 {
        decode(&item.to_vec())
    }

    fn read_ahead(rx: &mut Consumer<Self>) -> Result<(u64, Position, bool), PopError> {
        let mut buffer = Vec::new();
        rx.try_read_ahead_to(&mut buffer).map(|it| (decode(&buffer), it.first, it.redelivered))
    }

    fn push_slice(_: &mut Producer<Self>, _: &[u64]) -> Option<Result<usize, PushError>> {
        None
    }

    fn pop_slice(_: &mut Consumer<Self>, _: usize) -> Option<Result<Vec<u64>, PopError>> {
        None
    }

    fn read_slice(_: &mut Consumer<Self>, _: usize, _: End) -> Option<Result<Slice, PopError>> {
        None
    }
}

/// A ring and its model.
struct Pair<P: Carried + ?Sized> {
    ring: TestRing<P>,
    tx: [Producer<P>; PRODUCERS],
    rx: [Consumer<P>; CONSUMERS],
    model: Model,
    next: u64,
}

fn attach<P: Carried + ?Sized>(ring: &TestRing<P>) -> ([Producer<P>; PRODUCERS], [Consumer<P>; CONSUMERS]) {
    let tx = [(); PRODUCERS].map(|()| ring.producer().expect("an entry"));
    (tx, [(); CONSUMERS].map(|()| ring.consumer().expect("an entry")))
}

impl<P: Carried + ?Sized> Pair<P> {
    fn new(backing: Backing, capacity: usize, start: Position, discard: bool) -> Self {
        let choice = if discard { OnConsumerDeath::Discard } else { OnConsumerDeath::Redeliver };
        let options = P::options(capacity).start_at(start).participants(8).on_consumer_death(choice);
        let ring = backing.create(options);
        let (tx, rx) = attach(&ring);
        let model = Model {
            capacity: capacity.next_power_of_two(),
            start,
            items: Vec::new(),
            fresh: 0,
            consumers: Default::default(),
            closed: false,
            discard,
            dropped: 0,
        };
        Self { ring, tx, rx, model, next: 0 }
    }

    fn numbers(&mut self, count: usize) -> Vec<u64> {
        let first = self.next;
        self.next += count as u64;
        (first..self.next).collect()
    }

    /// The entries of the consumers.
    fn holders(&self) -> [u32; CONSUMERS] {
        self.rx.each_ref().map(Consumer::index)
    }

    fn assert_last(&self, me: usize, expected: &Delivered) {
        let last = self.rx[me].last().expect("a delivery");
        assert_eq!(
            (last.first, last.len, last.redelivered),
            (expected.first, expected.numbers.len(), expected.redelivered)
        );
    }

    fn push(&mut self, me: usize, count: usize) {
        let numbers = self.numbers(count);
        let room = self.model.room(self.holders());
        match count {
            1 => {
                let expected = room.map(|_| self.model.push(&numbers));
                assert_eq!(P::push(&mut self.tx[me], numbers[0]), expected);
            }
            _ => {
                let Some(pushed) = P::push_slice(&mut self.tx[me], &numbers) else { return };
                let expected = if count == 0 { Ok(0) } else { room.map(|room| room.min(count)) };
                assert_eq!(pushed, expected);
                self.model.push(&numbers[..pushed.unwrap_or(0)]);
            }
        }
    }

    fn step(&mut self, call: &Call) {
        let holders = self.holders();
        match *call {
            Call::Push(me) => self.push(me, 1),
            Call::PushSlice(me, count) => self.push(me, count),
            Call::PushOrDrop(me) => {
                let number = self.numbers(1);
                let pushed = self.model.room(holders).is_ok();
                assert_eq!(P::push_or_drop(&mut self.tx[me], number[0]), pushed);
                self.model.dropped += u64::from(!pushed);
                self.model.push(&number[..usize::from(pushed)]);
            }
            Call::Pop(me) => {
                let expected = self.model.take(me, 1, holders);
                let popped = P::pop(&mut self.rx[me]);
                let delivered = expected.map(|indices| (self.model.delivered(&indices), indices));
                assert_eq!(popped, delivered.clone().map(|it| it.0.numbers[0]));
                if let Ok((delivered, indices)) = delivered {
                    self.assert_last(me, &delivered);
                    self.model.release(indices);
                }
            }
            Call::PopSlice(me, max) => {
                let Some(popped) = P::pop_slice(&mut self.rx[me], max) else { return };
                if max == 0 {
                    assert_eq!(popped, Ok(Vec::new()));
                    return;
                }
                let expected = self.model.take(me, max, holders);
                let delivered = expected.map(|indices| (self.model.delivered(&indices), indices));
                assert_eq!(popped, delivered.clone().map(|it| it.0.numbers));
                if let Ok((delivered, indices)) = delivered {
                    self.assert_last(me, &delivered);
                    self.model.release(indices);
                }
            }
            Call::Read(me, end) => {
                let expected = self.model.take(me, 1, holders);
                let found = self.rx[me].try_read().map(|item| {
                    let seen = Delivered {
                        first: item.position(),
                        numbers: vec![P::get(&item)],
                        redelivered: item.redelivered(),
                        redeliveries: item.redeliveries(),
                    };
                    match end {
                        End::Drop | End::Release(0) => drop(item),
                        End::Forget => forget(item),
                        End::Release(_) => item.release(),
                    }
                    seen
                });
                assert_eq!(found, expected.clone().map(|indices| self.model.delivered(&indices)));
                if let Ok(indices) = expected {
                    self.assert_last(me, &self.model.delivered(&indices));
                    self.model.end(me, indices, end);
                }
            }
            Call::ReadSlice(me, max, end) => {
                let Some(found) = P::read_slice(&mut self.rx[me], max, end) else { return };
                let expected = self.model.take(me, max.max(1), holders);
                let delivered = expected.clone().map(|indices| self.model.delivered(&indices));
                assert_eq!(found, delivered.clone().map(|it| (it.first, it.numbers, it.redelivered)));
                if let (Ok(indices), Ok(delivered)) = (expected, delivered) {
                    self.assert_last(me, &delivered);
                    self.model.end(me, indices, end);
                }
            }
            Call::ReadAhead(me) => {
                let expected = self.model.take(me, 1, holders);
                let delivered = expected.clone().map(|indices| self.model.delivered(&indices));
                let found = P::read_ahead(&mut self.rx[me]);
                assert_eq!(found, delivered.clone().map(|it| (it.numbers[0], it.first, it.redelivered)));
                if let (Ok(indices), Ok(delivered)) = (expected, delivered) {
                    self.assert_last(me, &delivered);
                    let mine = &mut self.model.consumers[me];
                    mine.read_to = mine.read_to.max(Some(indices[0]));
                    mine.ahead.extend(indices);
                }
            }
            Call::ReleaseThrough(me, step) => {
                let ahead = &mut self.model.consumers[me].ahead;
                if ahead.is_empty() {
                    return;
                }
                let released: Vec<_> = ahead.drain(..=step % ahead.len()).collect();
                let through = self.model.position(released[released.len() - 1]);
                assert_eq!(self.rx[me].release_through(through), Ok(released.len() as u64));
                self.model.release(released);
            }
            Call::ReleaseBeyond(me, step) => {
                let Some(latest) = self.model.consumers[me].read_to else { return };
                let index = self.model.items.len() + step as usize;
                let beyond = (index - latest) as u64;
                let refused = self.rx[me].release_through(self.model.position(index));
                assert_eq!(refused, Err(ReleaseError::NotRead { beyond }));
            }
            Call::GiveAheadBack(me) => {
                self.rx[me].give_ahead_back();
                let ahead = std::mem::take(&mut self.model.consumers[me].ahead);
                self.model.give_back(ahead);
            }
            Call::CloneProducer(me) => self.tx[me] = self.tx[me].try_clone().expect("an entry"),
            Call::CloneConsumer(me) => {
                self.rx[me] = self.rx[me].try_clone().expect("an entry");
                self.model.leave(me);
            }
            Call::Crash => {
                let Some(ring) = self.ring.as_after_a_crash() else { return };
                let report = ring.repair().expect("a sound ring");
                assert_eq!(report.repaired.len(), PRODUCERS + CONSUMERS);
                let mut found: Vec<_> = report.items.iter().map(|it| (it.position, it.fate)).collect();
                found.sort_by_key(|it| it.0.since(self.model.start));
                assert_eq!(found, self.model.crash());
                (self.tx, self.rx) = attach(&ring);
                self.ring = ring;
            }
            Call::Repair => {
                let report = self.ring.repair().expect("a sound ring");
                assert_eq!((report.repaired, report.items), (Vec::new(), Vec::new()), "nobody died");
            }
            Call::Close => {
                self.tx[0].close();
                self.model.closed = true;
            }
        }
    }

    fn check(&self) {
        for (rx, mine) in self.rx.iter().zip(&self.model.consumers) {
            assert_eq!(rx.unreleased(), mine.ahead.len());
        }
    }

    fn run(mut self, calls: &[Call]) {
        for call in calls {
            self.step(call);
            self.check();
        }
        self.step(&Call::Close);
        for me in 1..CONSUMERS {
            self.step(&Call::CloneConsumer(me));
        }
        self.step(&Call::GiveAheadBack(0));
        while self.model.items.iter().any(|it| it.state != State::Gone) {
            self.step(&Call::Pop(0));
            self.check();
        }
        self.step(&Call::Pop(0));
        assert_eq!(self.ring.participants().iter().map(|it| it.dropped).sum::<u64>(), self.model.dropped);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_sequence_of_calls_does_what_a_list_of_items_would(
        capacity in 2_usize..10,
        start in any_start(),
        discard: bool,
        calls in prop::collection::vec(any_call(), 0..150),
    ) {
        for backing in [Backing::Heap, Backing::Shm] {
            Pair::<u64>::new(backing, capacity, start, discard).run(&calls);
            Pair::<[u8]>::new(backing, capacity, start, discard).run(&calls);
        }
    }

    #[test]
    fn any_sequence_of_calls_on_a_closed_ring_only_empties_it(
        items in 0_usize..9,
        calls in prop::collection::vec(any_call(), 0..40),
    ) {
        for backing in [Backing::Heap, Backing::Shm] {
            let mut pair = Pair::<u64>::new(backing, 8, Position::default(), false);
            pair.step(&Call::PushSlice(0, items));
            pair.step(&Call::Close);
            pair.run(&calls);
        }
    }
}
