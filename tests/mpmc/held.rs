//! What a call says that cannot go on now: nothing there, no room, or somebody in the way, and who.

use std::iter::repeat_with;
use std::time::{Duration, Instant};

use ringfence::{PopError, PushError};

use crate::common::{Backing, for_each_backing, words};
use crate::{PATIENCE, TestRing, numbers, two_consumers};

const SHORT: Duration = Duration::from_millis(5);

#[test]
fn a_full_ring_that_nobody_reads_is_full() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2);
        let (mut tx, _rx) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1]).expect("room");
        assert_eq!(tx.try_push(2), Err(PushError::Full));
        assert_eq!(tx.push_timeout(2, SHORT), Err(PushError::Timeout));
        assert_eq!(tx.wait(SHORT), Err(PushError::Timeout));
        assert_eq!(tx.push_slice_timeout(&[2, 3], SHORT), Err(PushError::Timeout));
        assert!(ring.blocked_on().is_none());
    });
}

#[test]
fn a_consumer_that_has_the_next_slot_is_named_by_every_push_of_its_peers() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, [mut slow, mut fast]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
        let by = slow.index();
        let item = slow.try_read().expect("an item");
        let held = PushError::Held { by };
        for _ in 0..3 {
            assert_eq!(tx.try_push(4), Err(held));
            assert_eq!(tx.try_push_slice(&[4, 5]), Err(held));
            assert_eq!(tx.push_timeout(4, SHORT), Err(held));
            assert_eq!(tx.push_slice_timeout(&[4, 5], SHORT), Err(held));
            assert_eq!(tx.wait(SHORT), Err(held));
            assert!(!tx.push_or_drop(4));
            assert_eq!(ring.blocked_on().expect("somebody").index, by);
            // Others have slots behind it, and release them: that changes nothing.
            assert!(fast.try_pop().is_ok());
        }
        assert!(held.to_string().contains(&by.to_string()));
        item.release();
        assert_eq!(tx.try_push_slice(&[4, 5, 6, 7, 8]), Ok(4));
        assert!(ring.blocked_on().is_none());
    });
}

#[test]
fn an_item_that_was_given_back_and_not_taken_again_keeps_the_ring_full_and_nobody_is_in_the_way() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1]).expect("room");
        drop(one.try_read().expect("an item"));
        assert_eq!(tx.try_push(2), Err(PushError::Full));
        assert_eq!(tx.push_timeout(2, SHORT), Err(PushError::Timeout));
        assert!(ring.blocked_on().is_none());
        assert_eq!(two.try_pop(), Ok(0));
        tx.try_push(2).expect("the slot that was released");
    });
}

#[test]
fn an_only_consumer_that_has_the_next_slot_is_named_to_whoever_waits() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1]).expect("room");
        let by = rx.index();
        let item = rx.try_read().expect("an item");
        assert!(matches!(tx.try_push(2), Err(PushError::Full | PushError::Held { .. })));
        assert_eq!(tx.push_timeout(2, SHORT), Err(PushError::Held { by }));
        item.release();
        tx.try_push(2).expect("the slot that was released");
    });
}

#[test]
fn what_another_consumer_has_is_not_there() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push(0).expect("room");
        let item = one.try_read().expect("an item");
        assert_eq!(two.try_pop(), Err(PopError::Empty));
        assert_eq!(two.try_read().err(), Some(PopError::Empty));
        assert_eq!(two.try_pop_slice(&mut [0; 2]), Err(PopError::Empty));
        assert_eq!(two.pop_timeout(SHORT), Err(PopError::Timeout));
        assert_eq!(two.wait(SHORT), Err(PopError::Timeout));
        tx.try_push(1).expect("room");
        assert_eq!(two.try_pop(), Ok(1), "and it does not keep what follows");
        item.release();
    });
}

/// Claims the next position for the producer of entry `index`, as one leaves it that stops before the commit.
fn claimed(ring: &TestRing<u64>, index: u32) {
    let tail = ring.image().u64(words::TAIL) >> 12;
    ring.poke(words::TAIL, (tail + 1) << 12 | u64::from(index + 1));
}

/// An entry whose lock byte nobody holds, as a dead one's.
fn unused(used: &[u32]) -> u32 {
    (0..).find(|index| !used.contains(index)).expect("an entry")
}

#[test]
fn a_producer_that_has_claimed_the_oldest_position_is_named_by_every_pop() {
    let ring = numbers(Backing::Shm, 4);
    let (mut stopped, mut tx, mut rx) = (
        ring.producer().expect("an entry"),
        ring.producer().expect("an entry"),
        ring.consumer().expect("an entry"),
    );
    claimed(&ring, stopped.index());
    let held = PopError::Held { by: stopped.index() };
    for value in 1..4 {
        assert_eq!(rx.try_pop(), Err(held));
        assert_eq!(rx.try_pop_slice(&mut [0; 2]), Err(held));
        assert_eq!(rx.try_read().err(), Some(held));
        assert_eq!(rx.try_read_ahead(), Err(held));
        assert_eq!(rx.pop_timeout(SHORT), Err(held));
        assert_eq!(rx.wait(SHORT), Err(held));
        assert_eq!(ring.blocked_on().expect("somebody").index, stopped.index());
        // Others have positions behind it: that changes nothing.
        tx.try_push(value).expect("room");
    }
    assert!(held.to_string().contains(&stopped.index().to_string()));
    assert_eq!(tx.push_timeout(4, SHORT), Err(PushError::Held { by: stopped.index() }));
    assert_eq!(stopped.try_push(4), Err(PushError::Held { by: stopped.index() }));
    ring.close();
    assert_eq!(rx.try_pop(), Err(held), "a push that has begun may still be committed");
}

#[test]
fn a_claim_of_a_dead_producer_is_passed_over() {
    let ring = numbers(Backing::Shm, 4);
    let (mut tx, mut rx) = (ring.producer().expect("an entry"), ring.consumer().expect("an entry"));
    claimed(&ring, unused(&[tx.index(), rx.index()]));
    tx.try_push(1).expect("room");
    assert_eq!(rx.pop_timeout(PATIENCE), Ok(1));
    assert_eq!(rx.last().expect("a delivery").first.to_bits(), 1);
    for value in 2..20 {
        tx.try_push(value).expect("every slot can be used");
        assert_eq!(rx.try_pop(), Ok(value));
    }
}

#[test]
fn a_handle_that_only_polls_finds_out_who_is_dead_as_well() {
    let ring = numbers(Backing::Shm, 2);
    let (mut tx, mut rx) = (ring.producer().expect("an entry"), ring.consumer().expect("an entry"));
    claimed(&ring, unused(&[tx.index(), rx.index()]));
    tx.try_push(1).expect("room");
    let begun = Instant::now();
    let polled = repeat_with(|| rx.try_pop()).find(|it| it.is_ok() || begun.elapsed() > PATIENCE);
    assert_eq!(polled, Some(Ok(1)));
}
