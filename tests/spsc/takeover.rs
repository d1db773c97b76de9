//! What is left when participants die, and how their successors go on. The dead are copies here: the bytes of a ring in
//! use, under a name whose locks nobody holds, are what a crash at that moment leaves.

use std::mem::forget;

use ringfence::spsc::{Consumer, Options};
use ringfence::{Position, Presence, PushError};

use crate::common::{Backing, TestRing};
use crate::drain;

fn ring<T: ringfence::Element>(capacity: usize) -> TestRing<T> {
    Backing::Shm.elements(capacity)
}

fn crashed<P: ringfence::Payload + ?Sized>(ring: &TestRing<P>) -> TestRing<P> {
    ring.as_after_a_crash().expect("a ring in shared memory")
}

/// A way to look at a number of items without releasing them.
type Look<'a> = &'a dyn Fn(&mut Consumer<u64>, u64);

#[test]
fn participants_that_died_are_known_to_have_died() {
    let ring = ring::<u64>(4);
    let (_tx, _rx) = ring.ends();
    let crashed = crashed(&ring);
    for state in [crashed.producer_state(), crashed.consumer_state()] {
        assert_eq!((state.state, state.epoch), (Presence::Died, 1));
    }
    let (tx, rx) = crashed.ends();
    for state in [tx.peer(), rx.peer()] {
        assert_eq!((state.state, state.epoch), (Presence::Present, 2));
    }
    assert!(crashed.participants().iter().all(|it| it.repairs == 1 && it.repairer.is_none()));
    drop((tx, rx));
    assert_eq!(crashed.producer_state().state, Presence::Left);
}

#[test]
fn what_was_committed_survives_and_what_was_not_is_gone() {
    let ring = ring::<u64>(4);
    let (mut tx, mut rx) = ring.ends();
    for round in 0..10 {
        let first = 3 * round;
        assert_eq!(tx.try_push_slice(&[first, first + 1]), Ok(2));
        forget(tx.try_claim().expect("room").write(u64::MAX));
        let crashed = crashed(&ring);
        let mut next = crashed.producer().expect("the role");
        assert_eq!(next.position(), tx.position());
        assert_eq!((next.try_push_slice(&[first + 2, 0, 0]), crashed.len()), (Ok(2), 4));
        let flags = drain(&mut crashed.consumer().expect("the role"));
        assert_eq!(flags, [(first, true), (first + 1, false), (first + 2, false), (0, false)]);

        tx.try_push(first + 2).expect("room");
        assert_eq!(rx.try_pop_slice(&mut [0; 4]), Ok(3));
    }
}

#[test]
fn the_oldest_item_of_a_consumer_that_died_is_flagged_because_it_may_have_been_looked_at() {
    let ring = ring::<u64>(4);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[0, 1, 2]).expect("room");
    let before = crashed(&ring);
    drop(rx.try_read().expect("an item"));
    let after = crashed(&ring);
    for crashed in [before, after] {
        let flags = drain(&mut crashed.consumer().expect("the role"));
        assert_eq!(flags, [(0, true), (1, false), (2, false)]);
    }
}

#[test]
fn everything_that_a_dead_consumer_had_in_hand_is_flagged() {
    for looked_at in 1..=4 {
        let expected: Vec<_> = (0..4).map(|value| (value, value < looked_at)).collect();
        let read_ahead = |rx: &mut Consumer<u64>, count| {
            for _ in 0..count {
                rx.try_read_ahead().expect("an item");
            }
        };
        let looks: [Look<'_>; 3] = [
            &|rx, count| drop(rx.try_read_slice(count as usize).expect("items")),
            &read_ahead,
            &|rx, count| {
                drop(rx.try_read().expect("an item"));
                read_ahead(rx, count);
                rx.rewind();
            },
        ];
        for look in looks {
            let ring = ring::<u64>(4);
            let (mut tx, mut rx) = ring.ends();
            tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
            look(&mut rx, looked_at);
            assert_eq!(drain(&mut crashed(&ring).consumer().expect("the role")), expected);
        }
    }
}

#[test]
fn what_a_dead_consumer_released_does_not_come_again() {
    let ring = ring::<u64>(8);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[0, 1, 2, 3, 4, 5, 6, 7]).expect("room");
    rx.try_pop().expect("an item");
    rx.try_read().expect("an item").release();
    rx.try_read_slice(3).expect("items").release_first(2);
    let item = [(); 2].map(|()| rx.try_read_ahead().expect("an item"))[0];
    rx.release_through(item.position).expect("it was read");
    let flags = drain(&mut crashed(&ring).consumer().expect("the role"));
    assert_eq!(flags, [(5, true), (6, false), (7, false)]);
}

#[test]
fn the_flags_survive_a_second_death() {
    let ring = ring::<u64>(8);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
    drop(rx.try_read_slice(3).expect("items"));
    let once = crashed(&ring);
    let _rx = once.consumer().expect("the role");
    let twice = crashed(&once);
    let flags = drain(&mut twice.consumer().expect("the role"));
    assert_eq!(flags, [(0, true), (1, true), (2, true), (3, false)]);
    assert_eq!(twice.participants()[1].repairs, 2);
}

#[test]
fn a_third_party_repairs_what_the_dead_left_and_their_successors_are_told_as_much() {
    let ring = ring::<u64>(8);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
    drop(rx.try_read_slice(2).expect("items"));
    let crashed = crashed(&ring);
    let report = crashed.repair().expect("nobody is in the way");
    assert_eq!(report.repaired.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(crashed.repair().expect("nobody is in the way").repaired.len(), 0, "once is enough");
    assert_eq!(crashed.consumer_state().state, Presence::Died, "until somebody takes its place");
    let flags = drain(&mut crashed.consumer().expect("the role"));
    assert_eq!(flags, [(0, true), (1, true), (2, false), (3, false)]);
}

#[test]
fn a_producer_that_died_between_the_stamp_and_the_tail_has_lost_nothing() {
    let ring = ring::<u64>(4);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[0, 1, 2]).expect("room");
    rx.try_pop_slice(&mut [0; 2]).expect("items");
    // The tail word is a hint: whatever it says, the stamps count.
    for tail in [0, 2, 3, 4, 1 << 61, u64::MAX] {
        let crashed = crashed(&ring);
        crashed.poke(crate::common::words::TAIL, tail);
        let mut tx = crashed.producer().expect("the role");
        assert_eq!((tx.position(), crashed.len()), (Position::from_bits(3), 1));
        assert_eq!(tx.try_push_slice(&[3, 4, 5, 6]), Ok(3));
        assert_eq!(tx.try_push(6), Err(PushError::Full));
        let values: Vec<_> =
            drain(&mut crashed.consumer().expect("the role")).into_iter().map(|it| it.0).collect();
        assert_eq!(values, [2, 3, 4, 5]);
    }
}

#[test]
fn a_dead_producer_of_a_ring_that_a_third_party_closed_is_its_end() {
    let ring = ring::<u64>(4);
    let (mut tx, _rx) = ring.ends();
    tx.try_push(1).expect("room");
    ring.close();
    let crashed = crashed(&ring);
    let mut rx = crashed.consumer().expect("the role");
    assert_eq!(rx.try_pop(), Ok(1));
    assert_eq!(rx.try_pop(), Err(ringfence::PopError::Closed));
}

#[test]
fn a_ring_of_bytes_survives_its_participants_across_the_wrap() {
    let start = Position::from_bits((1 << 62) - 3);
    let mut ring = Backing::Shm.create(Options::<[u8]>::new(4, 8).start_at(start));
    for number in 0..20_u8 {
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(tx.position().since(start), i64::from(number));
        tx.try_push(&[number; 5]).expect("room");
        assert_eq!(rx.try_read().expect("an item").to_vec(), [number; 5]);
        let crashed = crashed(&ring);
        let mut rx = crashed.consumer().expect("the role");
        let item = rx.try_read().expect("the item");
        assert_eq!((item.to_vec(), item.redelivered()), (vec![number; 5], true));
        item.release();
        drop(rx);
        ring = crashed;
    }
}
