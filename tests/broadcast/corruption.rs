//! Words that no correct peer writes: calls say so, return, and never look outside the ring.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use ringfence::broadcast::{GateStatus, Options, Ring, Start};
use ringfence::{AttachError, Fault, Payload, RecvError, WaitSet, Word};

use crate::common::{UniqueName, words};
use crate::{PATIENCE, at, drain, drain_gated, join, publish, subscribe};

/// A ring in shared memory, and its file as a hostile peer sees it.
struct Target<P: Payload + ?Sized> {
    ring: Ring<P>,
    file: File,
    name: UniqueName,
}

impl<P: Payload + ?Sized> Target<P> {
    fn new(options: Options<P>) -> Self {
        let name = UniqueName::new();
        let ring = options.create(&name).expect("a ring");
        let file = OpenOptions::new().read(true).write(true).open(name.path()).expect("its file");
        Self { ring, file, name }
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

fn numbers(gates: u32) -> Target<u64> {
    Target::new(Options::<u64>::new(4).gated(gates))
}

/// Where the stamp of slot `index` of a ring of `u64` lies: behind the element.
fn stamp(index: usize) -> usize {
    words::DATA + index * 16 + 8
}

/// The words of the gate of a ring that has one: behind two entries.
const CURSOR: usize = words::ENTRIES + 2 * 256;
const STANDING: usize = CURSOR + 8;
const MARK: usize = CURSOR + 16;

#[test]
fn a_stamp_that_nobody_writes_ends_a_subscriber_and_names_what_was_found() {
    for found in [2, 3, 5, 17 << 2 | 1, 4 << 2 | 2, u64::MAX] {
        let target = numbers(1);
        let mut tx = target.ring.publisher().expect("the role");
        let (mut lossy, mut gated) =
            (subscribe(&target.ring, Start::Newest), join(&target.ring, Start::Newest));
        publish(&mut tx, 7..8);
        target.poke(stamp(0), found);
        let corrupted = Fault::Corrupted { what: Word::Stamp, found };
        for _ in 0..2 {
            let error = RecvError::Broken(corrupted);
            assert_eq!((lossy.try_recv(), gated.try_recv()), (Err(error), Err(error)));
            assert_eq!((lossy.recv(), gated.recv()), (Err(error), Err(error)));
            assert_eq!((lossy.latest(), gated.try_read_ahead()), (Err(error), Err(error)));
            assert_eq!(gated.try_read().err(), Some(error));
            assert!(gated.release_through(at(0)).is_err());
            target.poke(stamp(0), 1);
        }
        drop(gated);
        assert_eq!(drain(&mut subscribe(&target.ring, Start::Oldest)), [7], "its successor starts afresh");
        assert_eq!(drain_gated(&mut join(&target.ring, Start::Oldest)), [(7, false)]);
    }
}

#[test]
fn an_item_that_a_gate_should_have_kept_and_that_is_gone_is_corruption() {
    let target = numbers(1);
    let mut tx = target.ring.publisher().expect("the role");
    let mut rx = join(&target.ring, Start::Newest);
    publish(&mut tx, 0..4);
    target.poke(stamp(0), 4 << 2 | 1);
    let found = 1;
    let corrupted = RecvError::Broken(Fault::Corrupted { what: Word::Stamp, found });
    assert_eq!(rx.try_recv(), Err(corrupted));
}

#[test]
fn a_length_beyond_the_maximum_ends_a_subscriber_before_a_byte_is_read() {
    for found in [9, 0x7fff_ffff, u32::MAX] {
        let target = Target::new(Options::<[u8]>::new(4, 8).gated(1));
        let mut tx = target.ring.publisher().expect("the role");
        let (mut lossy, mut gated) =
            (subscribe(&target.ring, Start::Newest), join(&target.ring, Start::Newest));
        tx.try_publish(b"12345678").expect("room");
        target.poke(words::DATA + 8, u64::from(found));
        let corrupted = RecvError::Broken(Fault::Corrupted { what: Word::Length, found: u64::from(found) });
        let mut buffer = Vec::new();
        assert_eq!(lossy.try_recv_to(&mut buffer), Err(corrupted));
        assert_eq!(lossy.latest_to(&mut buffer), Err(corrupted));
        assert_eq!(gated.try_read().err(), Some(corrupted));
        assert_eq!(gated.try_recv_to(&mut buffer), Err(corrupted));
        assert_eq!(gated.try_read_ahead_to(&mut buffer), Err(corrupted));
        assert!(buffer.is_empty());
        assert_eq!(gated.position(), at(0), "nothing was released");
    }
}

#[test]
fn a_tail_that_lies_costs_at_most_what_hints_are_for() {
    for tail in [0, 1, 5, 1 << 40, 1 << 61, (1 << 62) - 1, u64::MAX] {
        let target = numbers(0);
        let mut tx = target.ring.publisher().expect("the role");
        let mut rx = subscribe(&target.ring, Start::Newest);
        publish(&mut tx, 0..10);
        target.poke(words::TAIL, tail);
        assert!(target.ring.len() <= 4);
        assert!(matches!(rx.try_recv(), Err(RecvError::Lagged { .. })));
        let items = drain(&mut rx);
        assert!(items.ends_with(&[9]) && items.iter().all(|it| (6..10).contains(it)), "{tail:#x}: {items:?}");
        let _ = rx.latest();
        for start in [Start::Newest, Start::Oldest] {
            let mut rx = subscribe(&target.ring, start);
            for _ in 0..100 {
                let _ = (rx.try_recv(), rx.latest(), rx.lag());
            }
        }
    }
}

#[test]
fn a_gate_that_lies_holds_the_publisher_up_or_frees_it_and_nothing_else() {
    for cursor in [0, 3, 11, 1 << 40, 1 << 61, (1 << 62) - 1, u64::MAX] {
        let target = numbers(1);
        let mut tx = target.ring.publisher().expect("the role");
        let mut rx = join(&target.ring, Start::Newest);
        for number in 0..10 {
            publish(&mut tx, number..number + 1);
            rx.try_recv().expect("an item");
        }
        target.poke(CURSOR, cursor);
        for _ in 0..20 {
            let _ = tx.publish_timeout(0, Duration::ZERO);
        }
        assert_eq!((target.ring.gates().len(), target.ring.blocked_on().map_or(1, |it| it.index)), (1, 1));
        let _ = rx.try_recv();
        assert_eq!(target.ring.gates()[0].status, GateStatus::Active);
    }
}

#[test]
fn a_standing_that_lies_is_no_more_than_a_demotion() {
    for standing in [0, 1, 2, 3, 7, u64::MAX] {
        let target = numbers(1);
        let mut tx = target.ring.publisher().expect("the role");
        let mut rx = join(&target.ring, Start::Newest);
        publish(&mut tx, 0..4);
        let real = target.peek(STANDING);
        target.poke(STANDING, standing);
        assert_eq!(rx.is_demoted(), standing != real);
        let mut number = 4;
        while number < 20 && tx.try_publish(number).is_ok() {
            number += 1;
        }
        assert_eq!(number, if standing & 3 == 1 || standing & 3 == 2 { 4 } else { 20 });
        if number == 20 {
            assert_eq!(rx.try_recv(), Err(crate::lagged(16, 16)));
        }
        assert_eq!(drain_gated(&mut rx).len(), 4);
        drop(rx);
        assert_eq!(target.ring.gates()[0].status, GateStatus::Free);
        join(&target.ring, Start::Newest);
    }
}

#[test]
fn a_mark_that_no_subscriber_can_have_keeps_the_next_one_out() {
    let options = Options::<u64>::new(4).gate("one").hold_gates(Duration::from_secs(3600));
    let target = Target::new(options);
    let mut tx = target.ring.publisher().expect("the role");
    drop(target.ring.subscribe_gated("one", Start::Newest).expect("the gate"));
    publish(&mut tx, 0..4);
    for mark in [9, 1 << 40, (1 << 61) - 1] {
        target.poke(MARK, mark);
        let refused = target.ring.subscribe_gated("one", Start::Newest).err();
        assert_eq!(refused, Some(AttachError::Corrupted { what: Word::Head, found: 0 }), "{mark:#x}");
    }
    for mark in [8, 4, 0, u64::MAX, 1 << 61] {
        target.poke(MARK, mark);
        let mut rx = target.ring.subscribe_gated("one", Start::Newest).expect("so much may have been seen");
        let flags: Vec<_> = (0..4).map(|_| rx.try_read_ahead().expect("an item").redelivered).collect();
        assert_eq!(flags, [mark == 8 || mark == 4; 4]);
    }
}

#[test]
fn one_broken_ring_does_not_disturb_another() {
    let (broken, sound) = (numbers(1), numbers(1));
    let mut rx = join(&broken.ring, Start::Newest);
    broken.poke(stamp(0), u64::MAX);
    rx.try_recv().expect_err("the stamp is broken");
    let mut tx = sound.ring.publisher().expect("the role");
    let mut rx = join(&sound.ring, Start::Newest);
    publish(&mut tx, 0..1);
    assert_eq!(rx.try_recv(), Ok(0));
}

#[test]
fn unknown_flags_stop_the_publisher_and_lose_nothing() {
    let target = numbers(1);
    let mut tx = target.ring.publisher().expect("the role");
    let (mut lossy, mut gated) = (subscribe(&target.ring, Start::Newest), join(&target.ring, Start::Newest));
    publish(&mut tx, 0..1);
    target.poke(words::FLAGS, 1 << 40);
    assert!(tx.try_publish(2).is_err());
    assert_eq!((lossy.try_recv(), gated.try_recv()), (Ok(0), Ok(0)));
    assert_eq!((lossy.try_recv(), gated.try_recv()), (Err(RecvError::Empty), Err(RecvError::Empty)));
}

#[test]
fn a_look_for_the_latest_item_ends_while_stamps_lie_and_the_handle_is_alarmed() {
    // The stamp of the newest item, those of the next one, and the next position: each time the newest item is not there,
    // whereas the next one is, or was.
    let (tail, free, full) = (10, |it: u64| it << 2, |it: u64| it << 2 | 1);
    for (stamps, next) in [
        ([(9, free(9)), (10, full(10))], tail),
        ([(10, free(10)), (11, full(11))], tail + 1),
        ([(10, free(10)), (11, full(11 + 8))], tail + 1),
        ([(11, free(11)), (12, full(12))], tail + 2),
    ] {
        let target = Target::new(Options::<u64>::new(8));
        let mut tx = target.ring.publisher().expect("the role");
        let mut rx = subscribe(&target.ring, Start::Newest);
        publish(&mut tx, 0..tail);
        // Nothing is there: the set sleeps, and finds that the ring has lost its name.
        rx.skip_to(at(100));
        let mut set = WaitSet::new();
        set.add(rx.doorbell(), ()).expect("room");
        std::fs::remove_file(target.name.path()).expect("the ring's file");
        set.wait_timeout(&mut Vec::new(), PATIENCE).expect("an alarm");
        rx.skip_to(at(next));
        for (position, stamp_of_it) in stamps {
            target.poke(stamp(position % 8), stamp_of_it);
        }
        let (sender, results) = channel();
        thread::spawn(move || {
            for _ in 0..100 {
                let result = rx.latest();
                assert!(result.is_err(), "{result:?}");
                sender.send(result).expect("a test that listens");
            }
        });
        for _ in 0..100 {
            results.recv_timeout(PATIENCE).expect("an end").expect_err("no item");
        }
    }
}

/// A word of the mutable part of a ring of four `u64` with one gate, chosen so that those which mean something come often.
fn any_word() -> impl Strategy<Value = usize> {
    prop_oneof![
        3 => prop::sample::select(vec![words::FLAGS, words::TAIL, words::HEAD]),
        3 => prop::sample::select(vec![CURSOR, STANDING, MARK]),
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
        steps in prop::collection::vec((0_usize..18, any_word(), any_value()), 1..60),
        demotes in any::<bool>(),
    ) {
        let options = Options::<u64>::new(4).gate("one").hold_gates(Duration::from_nanos(1));
        let options = if demotes { options.demote_after(Duration::ZERO) } else { options };
        let target = Target::new(options);
        let gate = || target.ring.subscribe_gated("one", Start::Oldest).ok();
        let mut tx = target.ring.publisher().ok();
        let mut lossy = subscribe(&target.ring, Start::Newest);
        let mut gated = gate();
        for (step, word, value) in steps {
            match step {
                0..5 => target.poke(word, value),
                5 => target.poke(word, target.peek(word).wrapping_add(value)),
                6 => drop(tx.as_mut().map(|it| it.try_publish(value))),
                7 => drop(tx.as_mut().map(|it| it.try_publish_slice(&[value; 5]))),
                8 => drop(lossy.try_recv()),
                9 => drop((lossy.try_recv_slice(&mut [0; 5]), lossy.lag(), lossy.last())),
                10 => drop(lossy.latest()),
                11 => lossy.skip_to(at(value)),
                12 => lossy = subscribe(&target.ring, Start::Oldest),
                13 => drop(gated.as_mut().map(|it| it.try_recv())),
                14 => drop(gated.as_mut().map(|it| it.try_recv_slice(&mut [0; 5]))),
                15 => drop(gated.as_mut().map(|it| {
                    it.try_read_ahead().map(|item| (it.release_through(item.position), it.lag(), it.is_demoted()))
                })),
                16 => {
                    drop((tx.take(), gated.take()));
                    (tx, gated) = (target.ring.publisher().ok(), gate());
                }
                _ => {
                    let _ = (target.ring.len(), target.ring.positions(), target.ring.participants());
                    let _ = (target.ring.gates(), target.ring.blocked_on(), target.ring.repair());
                }
            }
        }
    }
}
