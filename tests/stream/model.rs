//! Any sequence of calls, against a model that is a queue and a few numbers: elements, records and bytes, over every
//! capacity and from every place.

use std::collections::VecDeque;
use std::io::{IoSlice, Read, Write};
use std::mem::forget;

use proptest::prelude::*;
use ringfence::stream::{Options, Reader, Writer};
use ringfence::{PopError, Position, PushError, ReleaseError};

use crate::common::{Backing, for_each_backing};
use crate::{TestRing, frame, record};

/// One call of a public verb, or a few that belong together. Numbers that stand for a size count in 256ths of what the
/// ring can take.
#[derive(Clone, Debug)]
enum Call {
    Push(usize),
    PushSlice(usize),
    PushOrDrop(usize),
    /// Claims the first, fills the second part of it.
    ClaimCommit(usize, usize),
    ClaimAbort(usize),
    ClaimForget(usize),
    Pop,
    PopSlice(usize),
    ReadRelease,
    ReadKeep,
    /// Looks at up to so many, releases so many of them.
    ReadSlice(usize, usize),
    ReadAhead,
    /// Through the item of this number, counted from the oldest.
    ReleaseThrough(usize),
    Rewind,
    ReattachWriter,
    ReattachReader,
    /// Both handles die, and others take their places.
    Crash,
    Close,
}

fn any_call() -> impl Strategy<Value = Call> {
    let size = || prop_oneof![3 => 0_usize..32, 2 => 0_usize..=256, 1 => 230_usize..=280];
    prop_oneof![
        6 => size().prop_map(Call::Push),
        4 => size().prop_map(Call::PushSlice),
        1 => size().prop_map(Call::PushOrDrop),
        3 => (size(), size()).prop_map(|(claimed, filled)| Call::ClaimCommit(claimed, filled)),
        1 => size().prop_map(Call::ClaimAbort),
        1 => size().prop_map(Call::ClaimForget),
        5 => Just(Call::Pop),
        3 => size().prop_map(Call::PopSlice),
        2 => Just(Call::ReadRelease),
        2 => Just(Call::ReadKeep),
        3 => (0_usize..12, 0_usize..12).prop_map(|(max, release)| Call::ReadSlice(max, release)),
        5 => Just(Call::ReadAhead),
        4 => (0_usize..12).prop_map(Call::ReleaseThrough),
        1 => Just(Call::Rewind),
        1 => Just(Call::ReattachWriter),
        2 => Just(Call::ReattachReader),
        1 => Just(Call::Crash),
    ]
}

/// `size` 256ths of `all`.
fn part(size: usize, all: usize) -> usize {
    size * all / 256
}

/// A multiple of 8 before a place where something could break.
fn any_start() -> impl Strategy<Value = u64> {
    let boundary = prop::sample::select(vec![0, 31, 32, 52, 61, 62]);
    (boundary, 0_u64..10).prop_map(|(bit, back)| (1_u64 << bit).wrapping_sub(8 * back) & ((1 << 62) - 8))
}

/// What a ring should hold: the items, and what is known of each.
struct Model<I> {
    capacity: u64,
    /// Unreleased items: position, where the next one may begin, and what it is.
    items: VecDeque<(u64, u64, I)>,
    /// Position of the oldest unreleased unit, and of the next one.
    head: u64,
    tail: u64,
    /// How many of the items, from the oldest on, were looked at: they come flagged.
    seen: usize,
    /// How many of the items were read ahead.
    ahead: usize,
    closed: bool,
    dropped: u64,
}

impl<I: Clone> Model<I> {
    fn new(capacity: usize, start: u64) -> Self {
        let capacity = capacity.next_power_of_two() as u64;
        let items = VecDeque::new();
        Self { capacity, items, head: start, tail: start, seen: 0, ahead: 0, closed: false, dropped: 0 }
    }

    fn free(&self) -> u64 {
        self.capacity - (self.tail - self.head)
    }

    fn contiguous(&self) -> u64 {
        self.capacity - self.tail % self.capacity
    }

    fn put(&mut self, padding: u64, units: u64, item: I) -> Position {
        let at = self.tail + padding;
        self.tail = at + units;
        self.items.push_back((at, self.tail, item));
        Position::from_bits(at)
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

    fn front(&self, count: usize) -> Vec<I> {
        self.items.iter().take(count).map(|it| it.2.clone()).collect()
    }

    fn release(&mut self, count: usize) -> Vec<I> {
        if count > 0 {
            self.head = self.items[count - 1].1;
        }
        self.seen = self.seen.saturating_sub(count);
        self.ahead = self.ahead.saturating_sub(count);
        self.items.drain(..count).map(|it| it.2).collect()
    }

    /// What `release_through` the item of number `index` should say; releases it.
    fn release_through(&mut self, index: usize) -> Result<u64, ReleaseError> {
        let at = self.items[index].0;
        let read = if self.ahead == 0 { self.head } else { self.items[self.ahead - 1].1 };
        if at >= read {
            return Err(ReleaseError::NotRead { beyond: at - read + 1 });
        }
        Ok(self.release(index + 1).len() as u64)
    }

    fn first(&self) -> Position {
        Position::from_bits(self.items[0].0)
    }
}

/// What differs between rings of elements and rings of records.
trait Carried: ringfence::Payload {
    type Item: Clone + PartialEq + std::fmt::Debug;

    fn options(capacity: usize) -> Options<Self>;
    fn push(pair: &mut Pair<Self>, call: &Call);
    fn pop(pair: &mut Pair<Self>, call: &Call);
}

/// A ring and its model.
struct Pair<P: Carried + ?Sized> {
    ring: TestRing<P>,
    /// Both always there, but for a moment while they change hands.
    tx: Option<Writer<P>>,
    rx: Option<Reader<P>>,
    model: Model<P::Item>,
    next: u64,
}

impl<P: Carried + ?Sized> Pair<P> {
    fn new(backing: Backing, capacity: usize, start: u64) -> Self {
        let start = Position::from_bits(start);
        let ring = backing.create(P::options(capacity).prefault(false).start_at(start));
        let (tx, rx) = ring.ends();
        let model = Model::new(capacity, start.to_bits());
        Self { ring, tx: Some(tx), rx: Some(rx), model, next: 0 }
    }

    fn tx(&mut self) -> &mut Writer<P> {
        self.tx.as_mut().expect("it is there")
    }

    fn rx(&mut self) -> &mut Reader<P> {
        self.rx.as_mut().expect("it is there")
    }

    fn assert_last(&self, first: Position, len: usize, redelivered: bool) {
        let last = self.rx.as_ref().and_then(Reader::last).expect("a delivery");
        assert_eq!((last.first, last.len, last.redelivered), (first, len, redelivered));
    }

    fn step(&mut self, call: &Call) {
        match call {
            Call::Push(_)
            | Call::PushSlice(_)
            | Call::PushOrDrop(_)
            | Call::ClaimCommit(..)
            | Call::ClaimAbort(_)
            | Call::ClaimForget(_) => P::push(self, call),
            Call::Rewind => {
                self.rx().rewind();
                self.model.ahead = 0;
            }
            Call::ReattachWriter => {
                self.tx = None;
                self.tx = Some(self.ring.opened_again().writer().expect("the role"));
            }
            Call::ReattachReader => {
                self.rx = None;
                self.rx = Some(self.ring.opened_again().reader().expect("the role"));
                self.model.ahead = 0;
            }
            Call::Crash => {
                let Some(ring) = self.ring.as_after_a_crash() else { return };
                (self.tx, self.rx) = (None, None);
                self.ring = ring;
                let (tx, rx) = self.ring.ends();
                (self.tx, self.rx) = (Some(tx), Some(rx));
                self.model.ahead = 0;
            }
            Call::Close => {
                self.tx().close();
                self.model.closed = true;
            }
            _ => P::pop(self, call),
        }
        let Self { ring, model, .. } = self;
        let (tail, head) = (Position::from_bits(model.tail), Position::from_bits(model.head));
        assert_eq!(ring.len() as u64, model.tail - model.head);
        assert_eq!((self.tx().position(), self.rx().position()), (tail, head));
    }

    fn run(mut self, calls: &[Call]) {
        for call in calls {
            self.step(call);
        }
        self.step(&Call::Close);
        while !self.model.items.is_empty() {
            self.step(&Call::Pop);
        }
        self.step(&Call::Pop);
        assert_eq!(self.ring.participants()[0].dropped, self.model.dropped);
    }
}

impl Carried for u32 {
    type Item = u32;

    fn options(capacity: usize) -> Options<Self> {
        Options::<u32>::new(capacity)
    }

    fn push(pair: &mut Pair<Self>, call: &Call) {
        let Pair { tx: Some(tx), model, next, .. } = pair else { unreachable!("it is there") };
        let capacity = model.capacity as usize;
        let room = match model.free() {
            _ if model.closed => Err(PushError::Closed),
            0 => Err(PushError::Full),
            free => Ok(free as usize),
        };
        let mut numbers = |count: usize| {
            let first = *next as u32;
            *next += count as u64;
            (first..).take(count).collect::<Vec<u32>>()
        };
        match *call {
            Call::PushSlice(size) => {
                let values = numbers(part(size, capacity));
                let expected = if values.is_empty() { Ok(0) } else { room.map(|it| it.min(values.len())) };
                assert_eq!(tx.try_push_slice(&values), expected);
                for value in &values[..expected.unwrap_or(0)] {
                    model.put(0, 1, *value);
                }
            }
            Call::ClaimCommit(size, fill) => {
                let count =
                    room.map(|it| it.min(part(size, capacity).max(1)).min(model.contiguous() as usize));
                match tx.try_claim_slice(part(size, capacity)) {
                    Ok(mut claim) => {
                        assert_eq!(Ok(claim.len()), count);
                        let values = numbers(part(fill, capacity).min(claim.len()));
                        let (some, others) = values.split_at(values.len() / 2);
                        assert_eq!(claim.append_slice(some), some.len());
                        claim.extend(others.iter().copied());
                        assert_eq!(claim.commit().map(Position::to_bits), Ok(model.tail % (1 << 62)));
                        for value in values {
                            model.put(0, 1, value);
                        }
                    }
                    Err(error) => assert_eq!(Err(error), count),
                }
            }
            Call::ClaimAbort(size) | Call::ClaimForget(size) => {
                match tx.try_claim_slice(part(size, capacity)) {
                    Ok(mut claim) => {
                        claim.extend(std::iter::repeat_n(u32::MAX, size));
                        if matches!(call, Call::ClaimForget(_)) { forget(claim) } else { drop(claim) }
                    }
                    Err(error) => assert_eq!(Err(error), room),
                }
            }
            Call::PushOrDrop(_) => {
                let number = numbers(1)[0];
                assert_eq!(tx.push_or_drop(number), room.is_ok());
                model.dropped += u64::from(room.is_err());
                if room.is_ok() {
                    model.put(0, 1, number);
                }
            }
            _ => {
                let number = numbers(1)[0];
                let pushed = tx.try_push(number);
                assert_eq!(pushed, room.map(|_| model.put(0, 1, number)));
            }
        }
    }

    fn pop(pair: &mut Pair<Self>, call: &Call) {
        let Pair { rx: Some(rx), model, .. } = pair else { unreachable!("it is there") };
        let first = Position::from_bits(model.head);
        let delivered = match *call {
            Call::PopSlice(size) => {
                let mut out = vec![u32::MAX; part(size, model.capacity as usize)];
                let popped = rx.try_pop_slice(&mut out).map(|count| out[..count].to_vec());
                if out.is_empty() {
                    assert_eq!(popped, Ok(Vec::new()));
                    return;
                }
                let run = model.run(out.len());
                assert_eq!(popped, run.map(|(count, _)| model.release(count)));
                run.map(|(count, redelivered)| (first, count, redelivered))
            }
            Call::ReadSlice(..) | Call::ReadRelease | Call::ReadKeep => {
                let (max, release) = match *call {
                    Call::ReadSlice(max, release) => (max, release),
                    Call::ReadRelease => (usize::MAX, usize::MAX),
                    _ => (usize::MAX, 0),
                };
                let piece = (model.capacity - model.head % model.capacity) as usize;
                let run = model.run(max.max(1).min(piece));
                let found = rx.try_read_slice(max).map(|items| {
                    // SAFETY: the writer of this test writes nothing while the borrow lives.
                    assert!(items.iter().eq(unsafe { items.trusted() }.iter().copied()));
                    let seen = (items.iter().collect(), items.redelivered());
                    items.release_first(release);
                    seen
                });
                assert_eq!(found, run.map(|(count, redelivered)| (model.front(count), redelivered)));
                if let Ok((count, _)) = run {
                    model.look(count);
                    model.release(release.min(count));
                }
                run.map(|(count, redelivered)| (first, count, redelivered))
            }
            Call::ReadAhead => {
                let (step, redelivered) = (model.ahead, model.ahead < model.seen);
                let expected = match model.items.get(step) {
                    Some((at, _, number)) => Ok((*number, Position::from_bits(*at), redelivered)),
                    None => Err(model.absent()),
                };
                assert_eq!(rx.try_read_ahead().map(|it| (it.value, it.position, it.redelivered)), expected);
                expected.map(|(_, at, _)| {
                    model.ahead += 1;
                    model.look(model.ahead);
                    (at, 1, redelivered)
                })
            }
            Call::ReleaseThrough(index) => {
                if index < model.items.len() {
                    let position = Position::from_bits(model.items[index].0);
                    assert_eq!(rx.release_through(position), model.release_through(index));
                }
                return;
            }
            _ => {
                let run = model.run(1);
                assert_eq!(rx.try_pop(), run.map(|_| model.release(1)[0]));
                run.map(|(count, redelivered)| (first, count, redelivered))
            }
        };
        if let Ok((first, len, redelivered)) = delivered {
            pair.assert_last(first, len, redelivered);
        }
    }
}

impl Carried for [u8] {
    type Item = Vec<u8>;

    fn options(capacity: usize) -> Options<Self> {
        Options::<[u8]>::new(capacity)
    }

    fn push(pair: &mut Pair<Self>, call: &Call) {
        let Pair { tx: Some(tx), model, next, .. } = pair else { unreachable!("it is there") };
        let max = model.capacity as usize / 2 - 8;
        // The padding before a record of `length` bytes, or why there is no room for it.
        let room = |model: &Model<Self::Item>, length: usize| {
            let padding = if frame(length) <= model.contiguous() { 0 } else { model.contiguous() };
            if length > max {
                Err(PushError::TooLong { len: length as u32, max: max as u32 })
            } else if model.closed {
                Err(PushError::Closed)
            } else if padding + frame(length) > model.free() {
                Err(PushError::Full)
            } else {
                Ok(padding)
            }
        };
        *next += 1;
        match *call {
            Call::PushOrDrop(size) => {
                let bytes = record(*next, part(size, max));
                let room = room(model, bytes.len());
                assert_eq!(tx.push_or_drop(&bytes), room.is_ok());
                model.dropped += u64::from(room.is_err());
                if let Ok(padding) = room {
                    model.put(padding, frame(bytes.len()), bytes);
                }
            }
            Call::ClaimCommit(size, fill) => {
                let room = room(model, part(size, max));
                match tx.try_claim(part(size, max)) {
                    Ok(mut claim) => {
                        let bytes = record(*next, part(fill, max).min(part(size, max)));
                        for chunk in bytes.chunks(7) {
                            claim.append(chunk).expect("it fits");
                        }
                        let padding = room.expect("no room");
                        let position = Position::from_bits(model.tail + padding);
                        assert_eq!((claim.position(), claim.commit()), (position, Ok(position)));
                        model.put(padding, frame(bytes.len()), bytes);
                    }
                    Err(error) => assert_eq!(Err(error), room),
                }
            }
            Call::ClaimAbort(size) | Call::ClaimForget(size) => match tx.try_claim(part(size, max)) {
                Ok(mut claim) => {
                    claim.append(&vec![0xff; part(size, max)]).expect("it fits");
                    if matches!(call, Call::ClaimForget(_)) { forget(claim) } else { drop(claim) }
                }
                Err(error) => assert_eq!(Err(error), room(model, part(size, max))),
            },
            Call::Push(size) | Call::PushSlice(size) => {
                let bytes = record(*next, part(size, max));
                let room = room(model, bytes.len());
                let (some, others) = bytes.split_at(bytes.len() / 3);
                let pushed = match call {
                    Call::Push(_) => tx.try_push(&bytes),
                    _ => tx.try_push_vectored(&[IoSlice::new(some), IoSlice::new(others)]),
                };
                assert_eq!(pushed, room.map(|padding| model.put(padding, frame(bytes.len()), bytes.clone())));
            }
            _ => unreachable!("this pushes"),
        }
    }

    fn pop(pair: &mut Pair<Self>, call: &Call) {
        let Pair { rx: Some(rx), model, .. } = pair else { unreachable!("it is there") };
        let mut buffer = b"kept".to_vec();
        let delivered =
            match *call {
                Call::ReadRelease | Call::ReadKeep => {
                    let expected = model.run(1).map(|(_, redelivered)| (model.first(), 1, redelivered));
                    let found = rx.try_read().map(|read| {
                        assert_eq!(read.to_vec(), model.items[0].2);
                        let seen = (read.position(), 1, read.redelivered());
                        if matches!(call, Call::ReadRelease) {
                            read.release()
                        } else {
                            drop(read)
                        }
                        seen
                    });
                    assert_eq!(found, expected);
                    if expected.is_ok() {
                        model.look(1);
                        model.release(usize::from(matches!(call, Call::ReadRelease)));
                    }
                    expected
                }
                Call::ReadSlice(max, release) => {
                    let run = model.run(max.max(1));
                    let expected = run.map(|(count, redelivered)| (model.first(), count, redelivered));
                    let found =
                        rx.try_read_batch(max).map(|batch| {
                            let bytes: Vec<_> = batch.iter().map(|it| it.to_vec()).collect();
                            let positions = batch.iter().map(|it| it.position());
                            assert!(positions.eq(
                                model.items.iter().take(bytes.len()).map(|it| Position::from_bits(it.0))
                            ));
                            let seen = (bytes, batch.redelivered());
                            batch.release_first(release);
                            seen
                        });
                    // Fewer than there are where the reader did not have to ask.
                    let count = found.as_ref().map_or(0, |it| it.0.len());
                    match run {
                        Ok((most, redelivered)) => {
                            assert!((1..=most).contains(&count));
                            assert_eq!(found, Ok((model.front(count), redelivered)));
                        }
                        Err(error) => assert_eq!(found, Err(error)),
                    }
                    if expected.is_ok() {
                        model.look(count);
                        model.release(release.min(count));
                    }
                    expected.map(|(first, _, redelivered)| (first, count, redelivered))
                }
                Call::ReadAhead => {
                    let (step, redelivered) = (model.ahead, model.ahead < model.seen);
                    let expected = match model.items.get(step) {
                        Some((at, ..)) => Ok((Position::from_bits(*at), 1, redelivered)),
                        None => Err(model.absent()),
                    };
                    let found = rx.try_read_ahead_to(&mut buffer);
                    assert_eq!(found.map(|it| (it.first, it.len, it.redelivered)), expected);
                    if expected.is_ok() {
                        assert_eq!(buffer, model.items[step].2);
                        model.ahead += 1;
                        model.look(model.ahead);
                    }
                    expected
                }
                Call::ReleaseThrough(index) => {
                    if index < model.items.len() {
                        let position = Position::from_bits(model.items[index].0);
                        assert_eq!(rx.release_through(position), model.release_through(index));
                    }
                    return;
                }
                _ => {
                    let expected = model.run(1).map(|(_, redelivered)| (model.first(), 1, redelivered));
                    let popped = rx.try_pop_to(&mut buffer);
                    match expected {
                        Ok(_) => {
                            assert_eq!(popped, Ok(buffer.len()));
                            assert_eq!(vec![buffer], model.release(1));
                        }
                        Err(error) => assert_eq!((popped, &buffer[..]), (Err(error), &b"kept"[..])),
                    }
                    expected
                }
            };
        if let Ok((first, len, redelivered)) = delivered {
            pair.assert_last(first, len, redelivered);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_sequence_of_calls_on_elements_does_what_a_queue_would(
        capacity in prop_oneof![2_usize..20, 16_usize..=4096],
        start in any_start(),
        back in 0_u64..8,
        calls in prop::collection::vec(any_call(), 0..120),
    ) {
        for backing in [Backing::Heap, Backing::Shm] {
            Pair::<u32>::new(backing, capacity, start.wrapping_sub(back)).run(&calls);
        }
    }

    #[test]
    fn any_sequence_of_calls_on_records_does_what_a_queue_would(
        capacity in prop_oneof![Just(16_usize), 16_usize..200, 16_usize..=4096],
        start in any_start(),
        calls in prop::collection::vec(any_call(), 0..120),
    ) {
        for backing in [Backing::Heap, Backing::Shm] {
            Pair::<[u8]>::new(backing, capacity, start).run(&calls);
        }
    }

    #[test]
    fn any_sequence_of_writes_and_reads_is_a_pipe(
        capacity in prop_oneof![2_usize..20, 16_usize..=4096],
        start in any_start(),
        sizes in prop::collection::vec((any::<bool>(), 1_usize..=300), 0..150),
    ) {
        for_each_backing(|backing| {
            let start = Position::from_bits(start);
            let ring = backing.create(Options::<u8>::new(capacity).start_at(start));
            let (mut tx, mut rx) = ring.ends();
            let capacity = ring.capacity();
            let (mut bytes, mut next) = (VecDeque::new(), 0_u64);
            for (write, size) in &sizes {
                let size = part(*size, capacity).max(1);
                if *write && bytes.len() < capacity {
                    next += 1;
                    let written = record(next, size);
                    let count = tx.write(&written).expect("room");
                    assert_eq!(count, size.min(capacity - bytes.len()));
                    bytes.extend(&written[..count]);
                } else if !bytes.is_empty() {
                    let mut read = vec![0; size];
                    let count = rx.read(&mut read).expect("bytes");
                    assert_eq!(count, size.min(bytes.len()));
                    assert!(read[..count].iter().copied().eq(bytes.drain(..count)));
                }
                assert_eq!(ring.len(), bytes.len());
            }
            tx.close();
            let mut rest = Vec::new();
            rx.read_to_end(&mut rest).expect("the end");
            assert!(rest.into_iter().eq(bytes));
        });
    }
}

/// From every place of a small ring, every two records that fit side by side, the second one popped after the first.
#[test]
fn every_place_and_every_pair_of_lengths_keeps_records_apart() {
    for capacity in [16, 32, 64] {
        for offset in (0..capacity as u64).step_by(8) {
            let ring = Backing::Heap.create(Options::<[u8]>::new(capacity));
            let (mut tx, mut rx) = ring.ends();
            let mut buffer = Vec::new();
            for a in 0..=capacity / 2 - 8 {
                for b in 0..=capacity / 2 - 8 {
                    while tx.position().to_bits() % capacity as u64 != offset {
                        tx.try_push(b"").expect("room");
                        rx.try_pop_to(&mut buffer).expect("a record");
                    }
                    let (first, second) = (record(1, a), record(2, b));
                    tx.try_push(&first).expect("room in an empty ring");
                    let both = tx.try_push(&second);
                    assert_eq!((rx.try_pop_to(&mut buffer), &buffer), (Ok(a), &first));
                    match both {
                        Ok(_) => assert_eq!((rx.try_pop_to(&mut buffer), &buffer), (Ok(b), &second)),
                        Err(error) => assert_eq!(error, PushError::Full),
                    }
                    assert_eq!((rx.try_pop_to(&mut buffer), ring.len()), (Err(PopError::Empty), 0));
                }
            }
        }
    }
}
