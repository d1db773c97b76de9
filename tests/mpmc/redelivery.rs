//! What a crash leaves: nothing is lost, nothing comes again unflagged, and the report says what was found.
//!
//! A ring's bytes under another name, whose lock bytes nobody holds, are what a crash of all its participants leaves.

use std::mem::forget;

use ringfence::mpmc::{OnConsumerDeath, Options};
use ringfence::{Fate, PopError, Presence, RepairedItem};

use crate::common::{Backing, words};
use crate::{TestRing, drain, numbers};

fn crashed(ring: &TestRing<u64>) -> TestRing<u64> {
    ring.as_after_a_crash().expect("a ring in shared memory")
}

/// What a repair reports of positions, in their order.
fn repaired(ring: &TestRing<u64>) -> Vec<(u64, Fate)> {
    let report = ring.repair().expect("a sound ring");
    assert!(report.repaired.iter().all(|it| it.state == Presence::Died));
    let mut items: Vec<_> =
        report.items.iter().map(|RepairedItem { position, fate, .. }| (position.to_bits(), *fate)).collect();
    items.sort_unstable_by_key(|it| it.0);
    items
}

/// A ring of eight with six items, of which its consumer has read two ahead, looks at one, and has released one.
fn ring_with_a_reader(options: Options<u64>) -> TestRing<u64> {
    let ring = Backing::Shm.create(options);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[0, 1, 2, 3, 4, 5]).expect("room");
    assert_eq!(rx.try_pop(), Ok(0));
    for _ in 0..2 {
        rx.try_read_ahead().expect("an item");
    }
    forget(rx.try_read().expect("an item"));
    crashed(&ring)
}

#[test]
fn what_a_dead_consumer_had_comes_again_flagged_and_the_rest_once() {
    let ring = ring_with_a_reader(Options::<u64>::new(8));
    let again = Fate::Redelivered { before: 0 };
    assert_eq!(repaired(&ring), [(1, again), (2, again), (3, again)]);
    let mut rx = ring.consumer().expect("an entry");
    assert_eq!(drain(&mut rx), [(1, true), (2, true), (3, true), (4, false), (5, false)]);
}

#[test]
fn what_a_dead_consumer_had_is_gone_where_the_creator_wants_that() {
    let ring = ring_with_a_reader(Options::<u64>::new(8).on_consumer_death(OnConsumerDeath::Discard));
    assert_eq!(repaired(&ring), [(1, Fate::Discarded), (2, Fate::Discarded), (3, Fate::Discarded)]);
    let (mut tx, mut rx) = ring.ends();
    assert_eq!(drain(&mut rx), [(4, false), (5, false)]);
    assert_eq!(tx.try_push_slice(&[0; 9]), Ok(8), "every slot can be used");
}

#[test]
fn a_repair_names_the_dead_and_leaves_the_living_alone() {
    let ring = ring_with_a_reader(Options::<u64>::new(8));
    let mut tx = ring.producer().expect("an entry");
    let dead = ring.repair().expect("a sound ring").repaired;
    // The attach may have put one of the two in order, whose entry it took.
    assert!((1..=2).contains(&dead.len()), "{dead:?}");
    for participant in &dead {
        assert_eq!((participant.pid, participant.epoch), (std::process::id(), 1));
    }
    assert_eq!(ring.repair().expect("a sound ring").repaired, [], "once is enough");
    tx.try_push(6).expect("the living go on");
    let shown = ring.participants();
    assert!(
        dead.iter().all(|it| shown.iter().any(|now| now.index == it.index && now.state == Presence::Died))
    );
}

#[test]
fn whoever_comes_or_waits_puts_in_order_what_the_dead_left() {
    for repair in [false, true] {
        let ring = ring_with_a_reader(Options::<u64>::new(8).participants(4));
        if repair {
            ring.repair().expect("a sound ring");
        }
        let mut rx = ring.consumer().expect("an entry");
        let mut items = Vec::new();
        for _ in 0..5 {
            let value = rx.pop_timeout(crate::PATIENCE).expect("an item");
            items.push((value, rx.last().expect("a delivery").redelivered));
        }
        items.sort_unstable();
        assert_eq!(items, [(1, true), (2, true), (3, true), (4, false), (5, false)]);
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    }
}

#[test]
fn an_item_at_which_one_consumer_after_the_other_dies_counts_up() {
    let mut ring = numbers(Backing::Shm, 4);
    ring.producer().expect("an entry").try_push(13).expect("room");
    for deaths in 0..20 {
        let mut rx = ring.consumer().expect("an entry");
        let item = rx.try_read().expect("the item");
        assert_eq!((item.get(), item.redeliveries(), item.redelivered()), (13, deaths, deaths > 0));
        forget(item);
        let next = crashed(&ring);
        drop(rx);
        ring = next;
        assert_eq!(repaired(&ring), [(0, Fate::Redelivered { before: deaths })]);
    }
    let mut rx = ring.consumer().expect("an entry");
    assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(13), Err(PopError::Empty)));
}

#[test]
fn what_was_given_back_before_the_crash_is_still_there() {
    let ring = numbers(Backing::Shm, 4);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[0, 1]).expect("room");
    drop(rx.try_read().expect("an item"));
    let ring = crashed(&ring);
    assert_eq!(repaired(&ring), []);
    assert_eq!(drain(&mut ring.consumer().expect("an entry")), [(0, true), (1, false)]);
}

#[test]
fn a_push_that_was_not_committed_is_void() {
    let ring = numbers(Backing::Shm, 4);
    let (mut tx, rx) = ring.ends();
    tx.try_push_slice(&[0, 1]).expect("room");
    // Claims of the third and fourth position, without a commit.
    ring.poke(words::TAIL, 4 << 12 | u64::from(tx.index() + 1));
    let ring = crashed(&ring);
    drop((tx, rx));
    assert_eq!(repaired(&ring), [(2, Fate::Void), (3, Fate::Void)]);
    let (mut tx, mut rx) = ring.ends();
    assert!(tx.try_push(4).is_err(), "the first slot is not free yet");
    assert_eq!(drain(&mut rx), [(0, false), (1, false)]);
    for value in 0..20 {
        tx.try_push(value).expect("every slot can be used");
        assert_eq!(rx.try_pop(), Ok(value));
    }
}

#[test]
fn a_closed_ring_is_drained_and_ends_after_a_crash_as_well() {
    let ring = ring_with_a_reader(Options::<u64>::new(8));
    ring.close();
    let ring = crashed(&ring);
    let mut rx = ring.consumer().expect("an entry");
    let mut count = 0;
    loop {
        match rx.pop_timeout(crate::PATIENCE) {
            Ok(_) => count += 1,
            Err(error) => break assert_eq!(error, PopError::Closed),
        }
    }
    assert_eq!(count, 5);
}
