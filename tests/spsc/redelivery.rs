//! What the next consumer is told of what the last one looked at.

use crate::common::for_each_backing;
use crate::drain;

#[test]
fn an_item_that_a_consumer_looked_at_before_it_left_comes_flagged_to_the_next_one() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2]).expect("room");
        drop(rx.try_read().expect("an item"));
        drop(rx);
        let mut rx = ring.opened_again().consumer().expect("the role");
        assert_eq!(rx.last(), None, "a new handle has delivered nothing");
        assert_eq!(drain(&mut rx), [(0, true), (1, false), (2, false)]);
    });
}

#[test]
fn items_that_a_consumer_read_ahead_before_it_left_come_flagged_to_the_next_one() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3, 4]).expect("room");
        let items = [(); 3].map(|()| rx.try_read_ahead().expect("an item"));
        rx.release_through(items[0].position).expect("it was read");
        drop(rx);
        let mut rx = ring.opened_again().consumer().expect("the role");
        let item = rx.try_read_ahead().expect("the oldest unreleased item");
        assert_eq!((item.value, item.redelivered), (1, true));
        assert_eq!(drain(&mut rx), [(1, true), (2, true), (3, false), (4, false)]);
    });
}

#[test]
fn items_of_a_slice_that_a_consumer_looked_at_before_it_left_come_flagged_to_the_next_one() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3, 4]).expect("room");
        rx.try_read_slice(4).expect("items").release_first(1);
        drop(rx);
        let mut rx = ring.opened_again().consumer().expect("the role");
        let items = rx.try_read_slice(8).expect("items");
        assert_eq!((items.len(), items.redelivered()), (3, true), "a slice ends where the flag changes");
        drop(items);
        assert_eq!(drain(&mut rx), [(1, true), (2, true), (3, true), (4, false)]);
    });
}

#[test]
fn items_that_nobody_looked_at_come_unflagged_however_often_the_role_changes_hands() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let mut tx = ring.producer().expect("the role");
        for value in 0..20 {
            tx.try_push(value).expect("room");
            let mut rx = ring.opened_again().consumer().expect("the role");
            drop(rx.try_read().expect("an item"));
            assert_eq!(drain(&mut rx), [(value, true)]);
            drop(rx);
            tx.try_push(u64::MAX).expect("room");
            let mut rx = ring.opened_again().consumer().expect("the role");
            assert_eq!(drain(&mut rx), [(u64::MAX, false)]);
        }
    });
}

#[test]
fn the_flag_survives_consumers_that_do_nothing() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2]).expect("room");
        rx.try_read_ahead().expect("an item");
        rx.try_read_ahead().expect("an item");
        drop(rx);
        for _ in 0..5 {
            drop(ring.consumer().expect("the role"));
        }
        let mut rx = ring.consumer().expect("the role");
        assert_eq!(drain(&mut rx), [(0, true), (1, true), (2, false)]);
    });
}

#[test]
fn the_next_producer_goes_on_behind_the_last_item_that_was_committed() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (tx, mut rx) = ring.ends();
        drop(tx);
        for value in 0..20 {
            let mut tx = ring.opened_again().producer().expect("the role");
            assert_eq!(tx.position().to_bits(), value);
            assert_eq!(tx.try_push(value).map(|it| it.to_bits()), Ok(value));
            drop(tx.try_claim().expect("room").write(u64::MAX));
            drop(tx);
            if value % 4 == 3 {
                assert_eq!(drain(&mut rx).len(), 4);
            }
        }
    });
}

#[test]
fn a_full_ring_is_full_for_the_next_producer_too() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1]).expect("room");
        drop(tx);
        let mut tx = ring.opened_again().producer().expect("the role");
        assert_eq!(tx.try_push(2), Err(ringfence::PushError::Full));
        assert_eq!(drain(&mut rx), [(0, false), (1, false)]);
        tx.try_push(2).expect("room");
        assert_eq!(drain(&mut rx), [(2, false)]);
    });
}
