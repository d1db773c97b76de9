//! Taking items one after the other, to release them by position later.

use ringfence::{PopError, Position, PushError, ReleaseError};

use crate::common::for_each_backing;
use crate::{PATIENCE, drain, numbers, two_consumers};

#[test]
fn items_read_ahead_keep_their_slots_until_they_are_released() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
        let items = [(); 4].map(|()| rx.try_read_ahead().expect("an item"));
        assert!(items.iter().map(|it| (it.value, it.redelivered)).eq((0..4).map(|value| (value, false))));
        assert_eq!((rx.unreleased(), rx.try_read_ahead()), (4, Err(PopError::Empty)));
        assert!(matches!(tx.try_push(4), Err(PushError::Full | PushError::Held { .. })));
        assert_eq!(rx.release_through(items[1].position), Ok(2));
        assert_eq!((rx.unreleased(), tx.try_push_slice(&[4, 5, 6])), (2, Ok(2)));
        assert_eq!(rx.release_through(items[3].position), Ok(2));
        assert_eq!(drain(&mut rx), [(4, false), (5, false)]);
    });
}

#[test]
fn every_position_can_be_released_once_and_only_after_it_was_read() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
        let items = [(); 3].map(|()| rx.try_read_ahead().expect("an item"));
        for beyond in 1..4 {
            let position = Position::from_bits(2 + beyond);
            assert_eq!(rx.release_through(position), Err(ReleaseError::NotRead { beyond }));
        }
        assert_eq!(rx.release_through(items[1].position), Ok(2));
        assert_eq!(rx.release_through(items[1].position), Ok(0));
        assert_eq!(rx.release_through(items[0].position), Ok(0));
        assert_eq!((rx.release_through(items[2].position), rx.unreleased()), (Ok(1), 0));
    });
}

#[test]
fn what_counts_is_what_this_handle_was_given_before_the_position() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1, 2, 3, 4, 5]).expect("room");
        let mine = [(); 3].map(|()| {
            two.try_read_ahead().expect("an item");
            one.try_read_ahead().expect("an item")
        });
        assert_eq!(mine.map(|it| it.value), [1, 3, 5]);
        assert_eq!(one.release_through(mine[1].position), Ok(2));
        let others = Position::from_bits(2);
        assert_eq!((one.release_through(others), one.unreleased()), (Ok(0), 1), "that is another one's");
        assert_eq!((two.unreleased(), two.release_through(Position::from_bits(4))), (3, Ok(3)));
    });
}

#[test]
fn an_item_that_comes_again_is_released_in_the_order_of_delivery() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1, 2]).expect("room");
        let zero = two.try_read_slice(1).expect("an item");
        let first = one.try_read_ahead().expect("an item");
        drop(zero);
        let again = one.try_read_ahead().expect("an item");
        assert_eq!((first.value, again.value, again.redelivered), (1, 0, true));
        let last = one.try_read_ahead().expect("an item");
        assert_eq!((last.value, last.redelivered), (2, false));
        assert_eq!((one.release_through(again.position), one.unreleased()), (Ok(2), 1));
        assert_eq!(one.release_through(last.position), Ok(1));
        assert_eq!(drain(&mut two), []);
    });
}

#[test]
fn a_position_stays_released_whatever_older_item_comes_again_later() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1]).expect("room");
        let zero = two.try_read().expect("an item");
        let first = one.try_read_ahead().expect("an item");
        assert_eq!(one.release_through(first.position), Ok(1));
        drop(zero);
        let older = one.try_read_ahead().expect("an item");
        assert_eq!((older.value, older.redelivered), (0, true));
        assert_eq!(one.release_through(first.position), Ok(0));
        assert_eq!(one.release_through(first.position.next()), Err(ReleaseError::NotRead { beyond: 1 }));
        assert_eq!(one.release_through(older.position), Ok(1));
    });
}

#[test]
fn what_is_given_back_comes_to_any_consumer_flagged() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
        let items = [(); 3].map(|()| one.try_read_ahead().expect("an item"));
        assert_eq!(one.release_through(items[0].position), Ok(1));
        one.give_ahead_back();
        assert_eq!((one.unreleased(), one.release_through(items[2].position)), (0, Ok(0)));
        assert_eq!((two.try_pop(), two.last().expect("a delivery").redelivered), (Ok(1), true));
        assert_eq!(drain(&mut one), [(2, true), (3, false)]);
        one.give_ahead_back();
        assert_eq!(drain(&mut two), [], "there was nothing to give");
    });
}

#[test]
fn a_handle_that_goes_gives_back_all_it_had() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1, 2, 3, 4]).expect("room");
        for _ in 0..2 {
            one.try_read_ahead().expect("an item");
        }
        std::mem::forget(one.try_read_slice(2).expect("items"));
        drop(one);
        assert_eq!(drain(&mut two), [(0, true), (1, true), (2, true), (3, true), (4, false)]);
    });
}

#[test]
fn other_verbs_go_on_behind_what_was_read_ahead() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3, 4, 5]).expect("room");
        let ahead = rx.try_read_ahead().expect("an item");
        assert_eq!(rx.try_pop(), Ok(1));
        rx.try_read().expect("an item").release();
        let mut out = [0; 2];
        assert_eq!((rx.try_pop_slice(&mut out), out), (Ok(2), [3, 4]));
        let item = rx.read_ahead_timeout(PATIENCE).expect("an item");
        assert_eq!((item.value, rx.unreleased()), (5, 2));
        assert_eq!(rx.release_through(ahead.position), Ok(1));
        assert_eq!(rx.release_through(item.position), Ok(1));
    });
}

#[test]
fn bytes_are_read_ahead_into_a_buffer() {
    for_each_backing(|backing| {
        let ring = backing.create(ringfence::mpmc::Options::<[u8]>::new(4, 8));
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = b"old".to_vec();
        for text in ["one", "", "three"] {
            tx.try_push(text.as_bytes()).expect("room");
        }
        let mut last = None;
        for (text, verb) in ["one", "", "three"].into_iter().zip(0..) {
            let delivery = match verb {
                0 => rx.try_read_ahead_to(&mut buffer),
                1 => rx.read_ahead_to(&mut buffer),
                _ => rx.read_ahead_to_timeout(&mut buffer, PATIENCE),
            };
            let delivery = delivery.expect("an item");
            assert_eq!((&buffer[..], delivery.len, delivery.redelivered), (text.as_bytes(), 1, false));
            assert_eq!(rx.last(), Some(delivery));
            last = Some(delivery.first);
        }
        assert_eq!(rx.release_through(last.expect("three deliveries")), Ok(3));
        assert!(matches!(rx.try_read_ahead_to(&mut buffer), Err(PopError::Empty)));
    });
}
