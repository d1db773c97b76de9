//! Words that no correct peer writes: calls say so, return in time, and never look outside the ring.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use ringfence::mpmc::{Consumer, Options, Producer};
use ringfence::{Fault, PopError, PushError, Word};

use crate::common::{Backing, body, words};
use crate::{TestRing, drain, numbers};

const CAPACITY: usize = 4;

/// Where the words of a ring of numbers lie.
struct Places {
    claims: usize,
    data: usize,
    entries: usize,
}

impl Places {
    fn of(ring: &TestRing<u64>) -> Self {
        let image = ring.image();
        let place = |section| image.u64(section) as usize;
        Self { claims: place(body::CLAIMS), data: place(body::DATA), entries: place(body::ENTRIES) }
    }

    /// The stamp of slot `index`, which stands behind the element.
    fn stamp(&self, index: usize) -> usize {
        self.data + index * 16 + 8
    }

    /// The record of who has claimed the position in slot `index` to write it.
    fn writer(&self, index: usize) -> usize {
        self.claims + index * 8
    }

    /// The record of who has claimed the position in slot `index` to read it. Each side's records are whole lines.
    fn reader(&self, index: usize) -> usize {
        self.claims + 128 + index * 8
    }
}

fn stamp(position: u64, state: u64) -> u64 {
    position << 2 | state
}

const FULL: u64 = 1;
const VOID: u64 = 2;
const ORPHAN: u64 = 3;

fn assert_ended(rx: &mut Consumer<u64>, fault: Fault) {
    let broken = PopError::Broken(fault);
    assert_eq!(rx.try_pop(), Err(broken));
    assert_eq!(rx.pop(), Err(broken));
    assert_eq!(rx.try_pop_slice(&mut [0]), Err(broken));
    assert_eq!(rx.try_pop_slice(&mut []), Err(broken));
    assert_eq!(rx.try_read().err(), Some(broken));
    assert_eq!(rx.try_read_ahead(), Err(broken));
    assert_eq!(rx.wait(Duration::ZERO), Err(broken));
    assert!(rx.release_through(Default::default()).is_err());
}

#[test]
fn a_stamp_that_nobody_writes_ends_the_consumer_and_names_what_was_found() {
    for found in
        [stamp(17, FULL), stamp(1, FULL), stamp(8, 0), stamp(0, ORPHAN), stamp(1 << 51, FULL), u64::MAX]
    {
        let ring = numbers(Backing::Shm, CAPACITY);
        let places = Places::of(&ring);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        ring.poke(places.stamp(0), found);
        let corrupted = Fault::Corrupted { what: Word::Stamp, found };
        assert_eq!(rx.try_pop(), Err(PopError::Broken(corrupted)));
        assert!(corrupted.to_string().contains(&format!("{found:#x}")));

        ring.poke(places.stamp(0), stamp(0, FULL));
        assert_ended(&mut rx, corrupted);
        let mut successor = ring.consumer().expect("an entry");
        assert_eq!(successor.try_pop(), Ok(1), "another handle starts afresh");
    }
}

#[test]
fn a_stamp_that_nobody_writes_ends_the_producer_and_names_what_was_found() {
    for found in
        [stamp(17, FULL), stamp(1, FULL), stamp(0, FULL), stamp(0, VOID), stamp(1 << 51, 0), u64::MAX]
    {
        let ring = numbers(Backing::Shm, CAPACITY);
        let places = Places::of(&ring);
        let mut tx = ring.producer().expect("an entry");
        ring.poke(places.stamp(0), found);
        let corrupted = PushError::Broken(Fault::Corrupted { what: Word::Stamp, found });
        assert_eq!(tx.try_push(5), Err(corrupted));
        ring.poke(places.stamp(0), stamp(0, 0));
        assert_eq!(tx.push(5), Err(corrupted));
        assert_eq!(tx.try_push_slice(&[5]), Err(corrupted));
        assert_eq!(tx.try_push_slice(&[]), Err(corrupted));
        assert_eq!(tx.wait(Duration::ZERO), Err(corrupted));
        assert!(!tx.push_or_drop(5));
        assert!(ring.producer().expect("an entry").try_push(5).is_ok(), "another handle starts afresh");
    }
}

#[test]
fn a_tail_that_no_producer_can_have_set_ends_whoever_relies_on_it() {
    for found in [5, 100, 1 << 51, (1 << 52) - 1] {
        let ring = numbers(Backing::Shm, CAPACITY);
        let (mut tx, mut rx) = ring.ends();
        ring.poke(words::TAIL, found << 12 | u64::from(tx.index() + 1));
        // Where another lap's stamp stands, it looks as if somebody had not finished with that slot.
        assert!(tx.try_push(1).is_err(), "{found:#x}");
        let read = rx.try_read().map(drop);
        let Err(PopError::Broken(Fault::Corrupted { what: Word::Tail, .. })) = read else {
            panic!("{found:#x}: {read:?}")
        };
    }
}

#[test]
fn a_head_that_no_consumer_can_have_set_ends_whoever_relies_on_it() {
    for found in [1, 5, 100, 1 << 51, (1 << 52) - 1] {
        let ring = numbers(Backing::Shm, CAPACITY);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        ring.poke(words::HEAD, found << 12 | u64::from(rx.index() + 1));
        let read = rx.try_read().map(drop);
        // A head at tail is none that cannot be, if the slot below it is somebody's.
        if found == 1 {
            assert_eq!(read.err(), Some(PopError::Empty));
        } else {
            assert!(matches!(read, Err(PopError::Broken(Fault::Corrupted { .. }))), "{found:#x}: {read:?}");
        }
    }
}

#[test]
fn a_claim_record_that_nobody_writes_ends_whoever_must_rely_on_it() {
    const LAST: u64 = (1 << 52) - 1;
    for found in [LAST, LAST - 99, 9, 1 << 40].map(|position| position << 12) {
        let ring = numbers(Backing::Shm, CAPACITY);
        let places = Places::of(&ring);
        let (mut tx, mut rx) = ring.ends();
        // Others than those whose claims are on record: these know that they recorded them.
        let (mut other_tx, mut other_rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        rx.try_pop().expect("an item");
        ring.poke(places.writer(1), found);
        ring.poke(places.reader(0), found);
        let fault = Fault::Corrupted { what: Word::Claim, found };
        assert_eq!(other_tx.try_push(3), Err(PushError::Broken(fault)), "{found:#x}");
        assert_eq!(other_rx.try_pop(), Err(PopError::Broken(fault)), "{found:#x}");
    }
}

#[test]
fn a_record_of_a_later_lap_is_no_reason_to_start_over_again_and_again() {
    const LARGE: usize = 1 << 16;
    let ring = numbers(Backing::Shm, LARGE);
    let places = Places::of(&ring);
    let (mut tx, mut rx) = ring.ends();
    let (mut tx2, mut rx2) = (tx.try_clone().expect("an entry"), rx.try_clone().expect("an entry"));
    // A run of nearly a whole lap that is not recorded, behind a record that is ahead.
    ring.poke(words::TAIL, (LARGE as u64 - 1) << 12 | u64::from(tx.index() + 1));
    ring.poke(places.writer(0), 5 << 12);
    let fault = Fault::Corrupted { what: Word::Claim, found: 5 << 12 };
    let begun = Instant::now();
    assert_eq!(tx2.try_push(3), Err(PushError::Broken(fault)));
    ring.close();
    assert_eq!(rx.try_read().err(), Some(PopError::Broken(fault)));
    assert_eq!(rx2.try_pop(), Err(PopError::Broken(fault)));
    assert_eq!(tx.try_push(3), Err(PushError::Closed));
    assert!(begun.elapsed() < crate::PATIENCE);
}

#[test]
fn a_length_beyond_the_maximum_ends_the_consumer_before_a_byte_is_read_and_loses_nothing() {
    for found in [9_u32, 0x7fff_ffff, u32::MAX] {
        let ring = Backing::Shm.create(Options::<[u8]>::new(CAPACITY, 8));
        let data = ring.image().u64(body::DATA) as usize;
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"12345678").expect("room");
        ring.poke(data + 8, found.into());
        let corrupted = PopError::Broken(Fault::Corrupted { what: Word::Length, found: found.into() });
        let mut buffer = b"kept".to_vec();
        assert_eq!(rx.try_pop_to(&mut buffer), Err(corrupted));
        assert_eq!(rx.try_read().err(), Some(corrupted));
        assert_eq!(rx.try_read_ahead_to(&mut buffer), Err(corrupted));
        assert_eq!(buffer, b"kept");
        let mut other = ring.consumer().expect("an entry");
        drop(rx);
        ring.poke(data + 8, 8);
        assert_eq!((other.try_pop_to(&mut buffer), &buffer[..]), (Ok(8), &b"12345678"[..]));
        assert!(other.last().expect("a delivery").redelivered);
    }
}

#[test]
fn a_length_of_nonsense_words_stays_between_nothing_and_the_capacity() {
    let ring = numbers(Backing::Shm, CAPACITY);
    for (tail, head, len) in
        [(0, 1, 0), (5, 0, 4), (u64::MAX >> 12, 0, 0), (0, u64::MAX >> 12, 1), (1 << 51, 0, 0)]
    {
        ring.poke(words::TAIL, tail << 12);
        ring.poke(words::HEAD, head << 12);
        assert_eq!((ring.len(), ring.is_empty()), (len, len == 0), "{tail:#x} - {head:#x}");
    }
}

#[test]
fn an_owner_that_there_cannot_be_is_nobody() {
    let ring = backing_of_two();
    let places = Places::of(&ring);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[1, 2, 3, 4]).expect("room");
    for owner in [3, 1000, 4094, 4095] {
        ring.poke(words::HEAD, 1 << 12 | owner);
        ring.poke(places.reader(0), owner);
        assert!(ring.blocked_on().is_none());
        assert!(tx.try_push(5).is_err());
        assert!(tx.push_timeout(5, Duration::from_millis(5)).is_err());
    }
    assert_eq!(rx.try_pop(), Ok(2));
}

/// A ring that has two entries.
fn backing_of_two() -> TestRing<u64> {
    Backing::Shm.create(Options::<u64>::new(CAPACITY).participants(2))
}

#[test]
fn one_broken_ring_does_not_disturb_another() {
    let (broken, sound) = (numbers(Backing::Shm, CAPACITY), numbers(Backing::Shm, CAPACITY));
    let mut broken_rx = broken.consumer().expect("an entry");
    broken.poke(Places::of(&broken).stamp(0), u64::MAX);
    broken_rx.try_pop().expect_err("the stamp is broken");
    let (mut tx, mut rx) = sound.ends();
    tx.try_push(1).expect("room");
    assert_eq!(rx.try_pop(), Ok(1));
}

#[test]
fn unknown_flags_stop_pushes_and_lose_nothing() {
    let ring = numbers(Backing::Shm, CAPACITY);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push(1).expect("room");
    ring.poke(words::FLAGS, 1 << 40);
    assert!(tx.try_push(2).is_err());
    assert_eq!((drain(&mut rx), rx.try_pop()), (vec![(1, false)], Err(PopError::Empty)));
}

/// A word of the mutable part of a ring.
#[derive(Clone, Copy, Debug)]
enum Place {
    Shared(usize),
    Stamp(usize),
    Payload(usize),
    Writer(usize),
    Reader(usize),
    Entry(usize),
}

impl Place {
    fn at(self, places: &Places) -> usize {
        match self {
            Self::Shared(at) => at,
            Self::Stamp(index) => places.stamp(index),
            Self::Payload(index) => places.stamp(index) - 8,
            Self::Writer(index) => places.writer(index),
            Self::Reader(index) => places.reader(index),
            Self::Entry(word) => places.entries + word * 8,
        }
    }
}

/// Chosen so that those which mean something come often.
fn any_place() -> impl Strategy<Value = Place> {
    let known = vec![words::FLAGS, words::FLAGS + 8, words::FLAGS + 24, words::TAIL, words::HEAD];
    prop_oneof![
        5 => prop::sample::select(known).prop_map(Place::Shared),
        5 => (0..CAPACITY).prop_map(Place::Stamp),
        1 => (0..CAPACITY).prop_map(Place::Payload),
        3 => (0..CAPACITY).prop_map(Place::Writer),
        3 => (0..CAPACITY).prop_map(Place::Reader),
        2 => (0_usize..128).prop_map(Place::Entry),
        1 => (0_usize..112).prop_map(|it| Place::Shared(words::SHARED + it * 8)),
    ]
}

/// Chosen so that values which mean something, as a stamp, a cursor or a record, come often.
fn any_value() -> impl Strategy<Value = u64> {
    prop_oneof![
        0_u64..60,
        (0_u64..12, 0_u64..6).prop_map(|(position, owner)| position << 12 | owner),
        (0_u64..12, 4090_u64..4096).prop_map(|(position, owner)| position << 12 | owner),
        (0_u64..60).prop_map(u64::wrapping_neg),
        any::<u64>(),
        (0_u32..64, 0_u64..8).prop_map(|(bit, more)| (1_u64 << bit).wrapping_add(more)),
    ]
}

/// One call of each form on every handle, in some order.
fn call(step: u32, value: u64, tx: &mut Producer<u64>, rx: &mut Consumer<u64>) {
    let short = Duration::from_micros(200);
    match step {
        0 => drop(tx.try_push(value)),
        1 => drop(tx.try_push_slice(&[value; 5])),
        2 => drop(tx.push_timeout(value, short)),
        3 => drop(tx.wait(short)),
        4 => drop(rx.try_pop()),
        5 => drop(rx.try_pop_slice(&mut [0; 5])),
        6 => drop(rx.try_read_slice(9).map(|items| items.iter().fold(0, |sum: u64, it| sum ^ it))),
        7 => drop(rx.try_read().map(|item| (item.redeliveries(), item.release()))),
        8 => drop(rx.try_read_ahead().map(|item| rx.release_through(item.position))),
        9 => drop(rx.try_read_ahead()),
        10 => drop(rx.pop_timeout(short)),
        11 => drop(rx.wait(short)),
        12 => rx.give_ahead_back(),
        13 => tx.close(),
        _ => drop((tx.doorbell().is_ready(), rx.doorbell().is_ready())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// That no call reads outside the region is for the sanitizers to say.
    #[test]
    fn whatever_a_peer_writes_no_try_call_and_no_timed_call_panics_or_hangs(
        steps in prop::collection::vec((0_u32..32, 0_usize..2, any_place(), any_value()), 1..60),
    ) {
        let ring = Backing::Shm.create(Options::<u64>::new(CAPACITY).participants(6));
        let places = Places::of(&ring);
        let attach = || Some((ring.producer().ok()?, ring.consumer().ok()?));
        let mut handles = [attach(), attach()];
        for (step, which, place, value) in steps {
            let begun = Instant::now();
            match step {
                0..12 => ring.poke(place.at(&places), value),
                12 => handles[which] = None,
                13 => handles[which] = attach(),
                14 => {
                    let _ = (ring.len(), ring.positions(), ring.participants(), ring.blocked_on(), ring.is_closed());
                    let _ = ring.repair();
                }
                15 => ring.close(),
                _ => if let Some((tx, rx)) = &mut handles[which] {
                    call(step - 16, value, tx, rx);
                }
            }
            prop_assert!(begun.elapsed() < crate::PATIENCE);
        }
    }
}
