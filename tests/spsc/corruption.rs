//! Words that no correct peer writes: calls say so, return, and never look outside the ring.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

use proptest::prelude::*;
use ringfence::spsc::Options;
use ringfence::{AttachError, Fault, PopError, PushError, Word, spsc};

use crate::common::{UniqueName, words};

/// A ring in shared memory, and its file as a hostile peer sees it.
struct Target<P: ringfence::Payload + ?Sized> {
    ring: spsc::Ring<P>,
    file: File,
    _name: UniqueName,
}

impl<P: ringfence::Payload + ?Sized> Target<P> {
    fn new(options: Options<P>) -> Self {
        let name = UniqueName::new();
        let ring = options.create(&name).expect("a ring");
        let file = OpenOptions::new().read(true).write(true).open(name.path()).expect("its file");
        Self { ring, file, _name: name }
    }

    fn poke(&self, at: usize, value: u64) {
        self.file.write_all_at(&value.to_le_bytes(), at as u64).expect("a word of the region");
    }

    fn peek(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, at as u64).expect("a word of the region");
        u64::from_le_bytes(bytes)
    }
}

/// Where the stamp of slot `index` of a ring of `u64` lies: behind the element.
fn stamp(index: usize) -> usize {
    words::DATA + index * 16 + 8
}

#[test]
fn a_stamp_that_nobody_writes_ends_the_consumer_and_names_what_was_found() {
    for found in [2, 3, 5, 17 << 2 | 1, u64::MAX] {
        let target = Target::new(Options::<u64>::new(4));
        let (mut tx, mut rx) =
            (target.ring.producer().expect("the role"), target.ring.consumer().expect("the role"));
        tx.try_push(1).expect("room");
        target.poke(stamp(0), found);
        let corrupted = Fault::Corrupted { what: Word::Stamp, found };
        assert_eq!(rx.try_pop(), Err(PopError::Broken(corrupted)));
        assert!(corrupted.to_string().contains(&format!("{found:#x}")));

        target.poke(stamp(0), 1);
        assert_eq!(rx.try_pop(), Err(PopError::Broken(corrupted)), "a handle that found one does not go on");
        assert_eq!(rx.pop(), Err(PopError::Broken(corrupted)));
        assert_eq!(rx.try_read().err(), Some(PopError::Broken(corrupted)));
        assert!(rx.release_through(rx.position()).is_err());

        drop(rx);
        assert_eq!(target.ring.consumer().expect("the role").try_pop(), Ok(1), "its successor starts afresh");
    }
}

#[test]
fn a_head_that_no_consumer_can_have_ends_the_producer() {
    for found in [5, 1 << 20, 1 << 61, (1 << 62) - 1, u64::MAX] {
        let target = Target::new(Options::<u64>::new(4));
        let mut tx = target.ring.producer().expect("the role");
        tx.try_push_slice(&[1, 2, 3, 4]).expect("room");
        target.poke(words::HEAD, found);
        let corrupted = PushError::Broken(Fault::Corrupted { what: Word::Head, found });
        assert_eq!(tx.try_push(5), Err(corrupted));
        assert_eq!(tx.push(5), Err(corrupted));
        assert_eq!(tx.try_push_slice(&[5]), Err(corrupted));
        assert_eq!(tx.try_claim().err(), Some(corrupted));
    }
}

#[test]
fn a_length_beyond_the_maximum_ends_the_consumer_before_a_byte_is_read() {
    for found in [9, 0x7fff_ffff, u32::MAX] {
        let target = Target::new(Options::<[u8]>::new(4, 8));
        let (mut tx, mut rx) =
            (target.ring.producer().expect("the role"), target.ring.consumer().expect("the role"));
        tx.try_push(b"12345678").expect("room");
        target.poke(words::DATA + 8, u64::from(found));
        let corrupted = PopError::Broken(Fault::Corrupted { what: Word::Length, found: u64::from(found) });
        let mut buffer = b"kept".to_vec();
        assert_eq!(rx.try_pop_to(&mut buffer), Err(corrupted));
        assert_eq!(rx.try_read().err(), Some(corrupted));
        assert_eq!(rx.try_read_ahead_to(&mut buffer), Err(corrupted));
        assert_eq!(buffer, b"kept");
        assert_eq!(target.ring.len(), 1, "nothing was released");
    }
}

#[test]
fn a_read_mark_that_no_consumer_can_have_keeps_the_next_one_out() {
    let target = Target::new(Options::<u64>::new(4));
    target.poke(words::READ_MARK, 5);
    assert!(matches!(target.ring.consumer(), Err(AttachError::Corrupted { .. })));
    target.poke(words::READ_MARK, 4);
    target.ring.consumer().expect("a whole capacity may have been read");
}

#[test]
fn a_length_of_nonsense_words_stays_between_nothing_and_the_capacity() {
    let target = Target::new(Options::<u64>::new(4));
    for (tail, head, len) in
        [(0, 1, 0), (5, 0, 4), (u64::MAX, 0, 0), (0, u64::MAX, 1), (1 << 61, 0, 0), ((1 << 61) - 1, 0, 4)]
    {
        target.poke(words::TAIL, tail);
        target.poke(words::HEAD, head);
        assert_eq!((target.ring.len(), target.ring.is_empty()), (len, len == 0), "{tail:#x} - {head:#x}");
    }
}

#[test]
fn one_broken_ring_does_not_disturb_another() {
    let (broken, sound) = (Target::new(Options::<u64>::new(4)), Target::new(Options::<u64>::new(4)));
    let mut broken_rx = broken.ring.consumer().expect("the role");
    broken.poke(stamp(0), u64::MAX);
    broken_rx.try_pop().expect_err("the stamp is broken");
    let (mut tx, mut rx) =
        (sound.ring.producer().expect("the role"), sound.ring.consumer().expect("the role"));
    tx.try_push(1).expect("room");
    assert_eq!(rx.try_pop(), Ok(1));
}

#[test]
fn unknown_flags_stop_pushes_and_lose_nothing() {
    let target = Target::new(Options::<u64>::new(4));
    let (mut tx, mut rx) =
        (target.ring.producer().expect("the role"), target.ring.consumer().expect("the role"));
    tx.try_push(1).expect("room");
    target.poke(words::FLAGS, 1 << 40);
    assert!(tx.try_push(2).is_err());
    assert_eq!(rx.try_pop(), Ok(1));
    assert_eq!(rx.try_pop(), Err(PopError::Empty));
}

/// A word of the mutable part of a ring of four `u64`, chosen so that those which mean something come often.
fn any_word() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => prop::sample::select(vec![words::FLAGS, words::TAIL, words::HEAD, words::READ_MARK]),
        4 => (0_usize..8).prop_map(|it| words::DATA + it * 8),
        2 => (0_usize..64).prop_map(|it| words::ENTRIES + it * 8),
        1 => (0_usize..112).prop_map(|it| words::SHARED + it * 8),
    ]
}

fn any_value() -> impl Strategy<Value = u64> {
    prop_oneof![
        0_u64..40,
        (0_u64..40).prop_map(u64::wrapping_neg),
        any::<u64>(),
        (0_u32..64, 0_u64..8).prop_map(|(bit, more)| (1_u64 << bit).wrapping_add(more)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every call below returns; that none of them reads outside the region is for the sanitizers to say.
    #[test]
    fn whatever_a_peer_writes_no_try_call_panics_or_hangs(
        steps in prop::collection::vec((0_usize..14, any_word(), any_value()), 1..60),
    ) {
        let target = Target::new(Options::<u64>::new(4));
        let mut tx = target.ring.producer().ok();
        let mut rx = target.ring.consumer().ok();
        for (step, at, value) in steps {
            match step {
                0..5 => target.poke(at, value),
                5 => target.poke(at, target.peek(at).wrapping_add(value)),
                6 => drop(tx.as_mut().map(|it| it.try_push(value))),
                7 => drop(tx.as_mut().map(|it| it.try_push_slice(&[value; 5]))),
                8 => drop(rx.as_mut().map(|it| it.try_pop())),
                9 => drop(rx.as_mut().map(|it| it.try_pop_slice(&mut [0; 5]))),
                10 => drop(rx.as_mut().map(|it| {
                    it.try_read_slice(9).map(|items| items.iter().fold(0, |sum: u64, it| sum ^ it))
                })),
                11 => drop(rx.as_mut().map(|it| it.try_read_ahead().map(|item| it.release_through(item.position)))),
                12 => {
                    drop((tx.take(), rx.take()));
                    (tx, rx) = (target.ring.producer().ok(), target.ring.consumer().ok());
                }
                _ => {
                    let _ = (target.ring.len(), target.ring.participants(), target.ring.blocked_on());
                    let _ = target.ring.repair();
                }
            }
        }
    }
}
