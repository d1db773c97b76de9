//! Any sequence of calls, against a model that is a queue and two numbers.

use std::collections::VecDeque;
use std::mem::forget;

use proptest::prelude::*;
use ringfence::spsc::{Consumer, Options, Producer};
use ringfence::{PopError, Position, PushError, ReleaseError};

use crate::common::{Backing, TestRing};

/// Longest item of the rings of bytes.
const MAX_LEN: usize = 20;

/// One call of a public verb, or a few that belong together.
#[derive(Clone, Debug)]
enum Call {
    Push,
    PushSlice(usize),
    PushOrDrop,
    ClaimCommit,
    ClaimAbort,
    ClaimForget,
    Pop,
    PopSlice(usize),
    ReadKeep,
    ReadForget,
    ReadRelease,
    ReadSlice {
        max: usize,
        release: usize,
    },
    ReadAhead,
    /// Through the item this far from the oldest one.
    ReleaseThrough(i64),
    Rewind,
    ReattachProducer,
    ReattachConsumer,
    /// Both handles die, and others take their places.
    Crash,
    Close,
}

fn any_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => Just(Call::Push),
        4 => (0_usize..12).prop_map(Call::PushSlice),
        1 => Just(Call::PushOrDrop),
        2 => Just(Call::ClaimCommit),
        1 => Just(Call::ClaimAbort),
        1 => Just(Call::ClaimForget),
        4 => Just(Call::Pop),
        3 => (0_usize..12).prop_map(Call::PopSlice),
        2 => Just(Call::ReadKeep),
        1 => Just(Call::ReadForget),
        2 => Just(Call::ReadRelease),
        3 => (0_usize..12, 0_usize..12).prop_map(|(max, release)| Call::ReadSlice { max, release }),
        5 => Just(Call::ReadAhead),
        4 => (-4_i64..12).prop_map(Call::ReleaseThrough),
        1 => Just(Call::Rewind),
        1 => Just(Call::ReattachProducer),
        2 => Just(Call::ReattachConsumer),
        1 => Just(Call::Crash),
    ]
}

fn any_start() -> impl Strategy<Value = Position> {
    let boundary = prop::sample::select(vec![0, 31, 32, 52, 61, 62]);
    (boundary, 0_u64..10).prop_map(|(bit, back)| Position::from_bits((1_u64 << bit).wrapping_sub(back)))
}

/// What a ring should be like.
struct Model {
    capacity: usize,
    /// Unreleased items, as their numbers.
    items: VecDeque<u64>,
    /// Position of the oldest one.
    head: Position,
    /// How many of the items, from the oldest on, were looked at: they come flagged.
    seen: usize,
    /// How many of the items were read ahead.
    ahead: usize,
    closed: bool,
    dropped: u64,
}

impl Model {
    fn tail(&self) -> Position {
        self.position(self.items.len() as u64)
    }

    fn position(&self, step: u64) -> Position {
        Position::from_bits(self.head.to_bits().wrapping_add(step))
    }

    fn room(&self) -> Result<usize, PushError> {
        match self.capacity - self.items.len() {
            _ if self.closed => Err(PushError::Closed),
            0 => Err(PushError::Full),
            room => Ok(room),
        }
    }

    /// Pushes what the caller was told was pushed.
    fn push(&mut self, number: u64) -> Result<Position, PushError> {
        self.room()?;
        let position = self.tail();
        self.items.push_back(number);
        Ok(position)
    }

    fn absent(&self) -> PopError {
        if self.closed { PopError::Closed } else { PopError::Empty }
    }

    /// The run of oldest items that `wanted` gets: number of items, flag.
    fn run(&self, wanted: usize) -> Result<(usize, bool), PopError> {
        match self.items.len() {
            0 => Err(self.absent()),
            len if self.seen > 0 => Ok((wanted.min(len).min(self.seen), true)),
            len => Ok((wanted.min(len), false)),
        }
    }

    fn look(&mut self, end: usize) {
        self.seen = self.seen.max(end);
    }

    fn release(&mut self, count: usize) -> Vec<u64> {
        self.head = self.position(count as u64);
        self.seen = self.seen.saturating_sub(count);
        self.ahead = self.ahead.saturating_sub(count);
        self.items.drain(..count).collect()
    }

    fn front(&self, count: usize) -> Vec<u64> {
        self.items.iter().take(count).copied().collect()
    }
}

/// What differs between rings of elements and rings of bytes: how item `number` is carried.
trait Carried: ringfence::Payload {
    fn options(capacity: usize) -> Options<Self>;
    fn push(tx: &mut Producer<Self>, number: u64) -> Result<Position, PushError>;
    fn push_or_drop(tx: &mut Producer<Self>, number: u64) -> bool;
    /// Claims and fills; commits if told to, else drops or forgets.
    fn claim(tx: &mut Producer<Self>, number: u64, end: End) -> Result<Option<Position>, PushError>;
    fn pop(rx: &mut Consumer<Self>) -> Result<u64, PopError>;
    fn get(item: &ringfence::spsc::ReadGuard<'_, Self>) -> u64;
    fn read_ahead(rx: &mut Consumer<Self>) -> Result<(u64, Position, bool), PopError>;
    /// `None` where there are no slices.
    fn push_slice(tx: &mut Producer<Self>, numbers: &[u64]) -> Option<Result<usize, PushError>>;
    fn pop_slice(rx: &mut Consumer<Self>, max: usize) -> Option<Result<Vec<u64>, PopError>>;
    /// Numbers, flag; releases the first `release`.
    fn read_slice(
        rx: &mut Consumer<Self>,
        max: usize,
        release: usize,
    ) -> Option<Result<(Vec<u64>, bool), PopError>>;
}

/// What becomes of a filled claim.
#[derive(Clone, Copy)]
enum End {
    Commit,
    Drop,
    Forget,
}

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

    fn claim(tx: &mut Producer<Self>, number: u64, end: End) -> Result<Option<Position>, PushError> {
        let filled = tx.try_claim()?.write(number);
        match end {
            End::Commit => return filled.commit().map(Some),
            End::Drop => drop(filled),
            End::Forget => forget(filled),
        }
        Ok(None)
    }

    fn pop(rx: &mut Consumer<Self>) -> Result<u64, PopError> {
        rx.try_pop()
    }

    fn get(item: &ringfence::spsc::ReadGuard<'_, Self>) -> u64 {
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

    fn read_slice(
        rx: &mut Consumer<Self>,
        max: usize,
        release: usize,
    ) -> Option<Result<(Vec<u64>, bool), PopError>> {
        Some(rx.try_read_slice(max).map(|items| {
            let seen = (items.iter().collect(), items.redelivered());
            items.release_first(release);
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

    fn claim(tx: &mut Producer<Self>, number: u64, end: End) -> Result<Option<Position>, PushError> {
        let mut claim = tx.try_claim()?;
        for part in encode(number).chunks(7) {
            claim.append(part)?;
        }
        let filled = claim.finish();
        match end {
            End::Commit => return filled.commit().map(Some),
            End::Drop => drop(filled),
            End::Forget => forget(filled),
        }
        Ok(None)
    }

    fn pop(rx: &mut Consumer<Self>) -> Result<u64, PopError> {
        let mut buffer = Vec::new();
        rx.try_pop_to(&mut buffer).map(|length| {
            assert_eq!(length, buffer.len());
            decode(&buffer)
        })
    }

    fn get(item: &ringfence::spsc::ReadGuard<'_, Self>) -> u64 {
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

    fn read_slice(_: &mut Consumer<Self>, _: usize, _: usize) -> Option<Result<(Vec<u64>, bool), PopError>> {
        None
    }
}

/// A ring and its model.
struct Pair<P: Carried + ?Sized> {
    ring: TestRing<P>,
    /// Both always there, but for a moment while they change hands.
    tx: Option<Producer<P>>,
    rx: Option<Consumer<P>>,
    model: Model,
    next: u64,
}

impl<P: Carried + ?Sized> Pair<P> {
    fn new(backing: Backing, capacity: usize, start: Position) -> Self {
        let ring = backing.create(P::options(capacity).start_at(start));
        let (tx, rx) = ring.ends();
        let model = Model {
            capacity: capacity.next_power_of_two(),
            items: VecDeque::new(),
            head: start,
            seen: 0,
            ahead: 0,
            closed: false,
            dropped: 0,
        };
        Self { ring, tx: Some(tx), rx: Some(rx), model, next: 0 }
    }

    fn numbers(&mut self, count: usize) -> Vec<u64> {
        let first = self.next;
        self.next += count as u64;
        (first..self.next).collect()
    }

    fn assert_last(&self, first: Position, len: usize, redelivered: bool) {
        let last = self.rx.as_ref().and_then(Consumer::last).expect("a delivery");
        assert_eq!((last.first, last.len, last.redelivered), (first, len, redelivered));
    }

    fn step(&mut self, call: &Call) {
        let (Some(tx), Some(rx)) = (&mut self.tx, &mut self.rx) else { unreachable!("both are there") };
        let model = &mut self.model;
        let number = self.next;
        let head = model.head;
        match *call {
            Call::Push => {
                self.next += 1;
                assert_eq!(P::push(tx, number), model.push(number));
            }
            Call::PushOrDrop => {
                self.next += 1;
                let pushed = model.push(number).is_ok();
                model.dropped += u64::from(!pushed);
                assert_eq!(P::push_or_drop(tx, number), pushed);
            }
            Call::PushSlice(count) => {
                let numbers = self.numbers(count);
                let Some(tx) = &mut self.tx else { unreachable!("it is there") };
                let Some(pushed) = P::push_slice(tx, &numbers) else { return };
                let expected = if count == 0 { Ok(0) } else { self.model.room().map(|room| room.min(count)) };
                assert_eq!(pushed, expected);
                self.model.items.extend(&numbers[..pushed.unwrap_or(0)]);
            }
            Call::ClaimCommit => {
                self.next += 1;
                assert_eq!(P::claim(tx, number, End::Commit), model.push(number).map(Some));
            }
            Call::ClaimAbort => {
                assert_eq!(P::claim(tx, number, End::Drop), model.room().map(|_| None));
            }
            Call::ClaimForget => {
                assert_eq!(P::claim(tx, number, End::Forget), model.room().map(|_| None));
            }
            Call::Pop => {
                let expected = model.run(1).map(|(_, redelivered)| (model.release(1)[0], redelivered));
                assert_eq!(P::pop(rx), expected.map(|it| it.0));
                if let Ok((_, redelivered)) = expected {
                    self.assert_last(head, 1, redelivered);
                }
            }
            Call::PopSlice(max) => {
                let Some(popped) = P::pop_slice(rx, max) else { return };
                if max == 0 {
                    assert_eq!(popped, Ok(Vec::new()));
                    return;
                }
                let expected = model.run(max).map(|(count, redelivered)| (model.release(count), redelivered));
                assert_eq!(popped, expected.clone().map(|it| it.0));
                if let Ok((numbers, redelivered)) = expected {
                    self.assert_last(head, numbers.len(), redelivered);
                }
            }
            Call::ReadKeep | Call::ReadForget | Call::ReadRelease => {
                let expected = model.run(1).map(|(_, redelivered)| (model.items[0], redelivered, head));
                let found = rx.try_read().map(|item| {
                    let seen = (P::get(&item), item.redelivered(), item.position());
                    match call {
                        Call::ReadKeep => drop(item),
                        Call::ReadForget => forget(item),
                        _ => item.release(),
                    }
                    seen
                });
                assert_eq!(found, expected);
                if let Ok((_, redelivered, _)) = expected {
                    model.look(1);
                    if matches!(call, Call::ReadRelease) {
                        model.release(1);
                    }
                    self.assert_last(head, 1, redelivered);
                }
            }
            Call::ReadSlice { max, release } => {
                let Some(found) = P::read_slice(rx, max, release) else { return };
                let run = model.run(max.max(1));
                assert_eq!(found, run.map(|(count, redelivered)| (model.front(count), redelivered)));
                if let Ok((count, redelivered)) = run {
                    model.look(count);
                    model.release(release.min(count));
                    self.assert_last(head, count, redelivered);
                }
            }
            Call::ReadAhead => {
                let step = model.ahead;
                let position = model.position(step as u64);
                let redelivered = step < model.seen;
                let expected = match model.items.get(step) {
                    Some(number) => Ok((*number, position, redelivered)),
                    None => Err(model.absent()),
                };
                assert_eq!(P::read_ahead(rx), expected);
                if expected.is_ok() {
                    model.ahead += 1;
                    model.look(model.ahead);
                    self.assert_last(position, 1, redelivered);
                }
            }
            Call::ReleaseThrough(step) => {
                let beyond = step + 1 - model.ahead as i64;
                let expected = match u64::try_from(beyond) {
                    Ok(beyond) if beyond > 0 => Err(ReleaseError::NotRead { beyond }),
                    _ => Ok((step + 1).max(0) as u64),
                };
                assert_eq!(rx.release_through(model.position(step as u64)), expected);
                model.release(expected.unwrap_or(0) as usize);
            }
            Call::Rewind => {
                rx.rewind();
                model.ahead = 0;
            }
            Call::ReattachProducer => {
                self.tx = None;
                self.tx = Some(self.ring.opened_again().producer().expect("the role"));
            }
            Call::ReattachConsumer => {
                self.rx = None;
                self.rx = Some(self.ring.opened_again().consumer().expect("the role"));
                model.ahead = 0;
            }
            Call::Crash => {
                let Some(ring) = self.ring.as_after_a_crash() else { return };
                (self.tx, self.rx) = (None, None);
                self.ring = ring;
                let (tx, rx) = self.ring.ends();
                (self.tx, self.rx) = (Some(tx), Some(rx));
                model.ahead = 0;
                // The oldest item may have been handed out without a note.
                model.look(1);
            }
            Call::Close => {
                tx.close();
                model.closed = true;
            }
        }
    }

    fn check(&self) {
        let (Some(tx), Some(rx)) = (&self.tx, &self.rx) else { unreachable!("both are there") };
        assert_eq!((tx.position(), rx.position()), (self.model.tail(), self.model.head));
        assert_eq!(self.ring.len(), self.model.items.len());
    }

    fn run(mut self, calls: &[Call]) {
        for call in calls {
            self.step(call);
            self.check();
        }
        self.step(&Call::Close);
        while !self.model.items.is_empty() {
            self.step(&Call::Pop);
            self.check();
        }
        self.step(&Call::Pop);
        assert_eq!(self.ring.participants()[0].dropped, self.model.dropped);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_sequence_of_calls_does_what_a_queue_would(
        capacity in 2_usize..10,
        start in any_start(),
        calls in prop::collection::vec(any_call(), 0..150),
    ) {
        for backing in [Backing::Heap, Backing::Shm] {
            Pair::<u64>::new(backing, capacity, start).run(&calls);
            Pair::<[u8]>::new(backing, capacity, start).run(&calls);
        }
    }

    #[test]
    fn any_sequence_of_calls_on_a_closed_ring_only_empties_it(
        items in 0_usize..9,
        calls in prop::collection::vec(any_call(), 0..40),
    ) {
        let mut pair = Pair::<u64>::new(Backing::Heap, 8, Position::default());
        pair.step(&Call::PushSlice(items));
        pair.step(&Call::Close);
        pair.run(&calls);
    }
}
