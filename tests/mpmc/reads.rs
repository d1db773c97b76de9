//! Looking before releasing: what a guard promises, and what becomes of an item whose guard goes without a release.

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ringfence::PopError;

use crate::common::for_each_backing;
use crate::{drain, numbers, two_consumers};

#[test]
fn a_released_item_is_gone_and_its_slot_free() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        for value in 0..10 {
            let position = tx.try_push(value).expect("room");
            let item = rx.try_read().expect("an item");
            assert_eq!((item.get(), item.position()), (value, position));
            assert_eq!((item.redelivered(), item.redeliveries()), (false, 0));
            item.release();
            assert_eq!(rx.try_read().err(), Some(PopError::Empty));
        }
    });
}

#[test]
fn an_item_whose_guard_is_dropped_goes_to_any_consumer_flagged() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = (ring.producer().expect("an entry"), two_consumers(&ring));
        for (value, taker) in [(0, 0), (1, 1)] {
            let position = tx.try_push(value).expect("room");
            drop(rx[0].try_read().expect("an item"));
            let item = rx[taker].try_read().expect("the item");
            assert_eq!((item.get(), item.position(), item.redelivered()), (value, position, true));
            item.release();
            assert_eq!(rx.each_mut().map(|it| it.try_pop()), [Err(PopError::Empty); 2]);
        }
    });
}

#[test]
fn a_consumer_that_comes_later_gets_what_was_given_back_before() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1]).expect("room");
        drop(rx.try_read().expect("an item"));
        let mut late = ring.opened_again().consumer().expect("an entry");
        assert_eq!(drain(&mut late), [(0, true), (1, false)]);
    });
}

#[test]
fn what_was_given_back_comes_before_what_is_fresh_oldest_first() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1, 2, 3, 4]).expect("room");
        let first = one.try_read_slice(2).expect("items");
        drop(two.try_read_slice(2).expect("items"));
        assert_eq!(two.try_pop(), Ok(2), "the older two are still being read");
        drop(first);
        let items = drain(&mut two);
        assert_eq!(items, [(0, true), (1, true), (3, true), (4, false)]);
    });
}

#[test]
fn every_redelivery_counts() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2);
        let (mut tx, mut rx) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push(7).expect("room");
        for count in 0..100 {
            let item = rx[count % 2].try_read().expect("the item");
            assert_eq!((item.redeliveries(), item.redelivered()), (count as u32, count > 0));
        }
        assert_eq!(rx[0].try_pop(), Ok(7));
        tx.try_push_slice(&[8, 9]).expect("room");
        let fresh = rx[0].try_read().expect("an item");
        assert_eq!((fresh.get(), fresh.redeliveries()), (8, 0), "each item has a count of its own");
    });
}

#[test]
fn redeliveries_are_counted_up_to_1023() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(7).expect("room");
        for _ in 0..1100 {
            drop(rx.try_read().expect("the item"));
        }
        let item = rx.try_read().expect("the item");
        assert_eq!((item.get(), item.redeliveries(), item.redelivered()), (7, 1023, true));
        item.release();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    });
}

#[test]
fn an_item_whose_guard_was_forgotten_is_given_back_by_the_handles_next_call() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1]).expect("room");
        forget(one.try_read().expect("an item"));
        assert_eq!(two.try_pop(), Ok(1));
        assert_eq!(two.try_pop(), Err(PopError::Empty), "its handle may be at work on it");
        assert_eq!((one.try_pop(), one.last().expect("a delivery").redelivered), (Ok(0), true));

        tx.try_push_slice(&[2, 3]).expect("room");
        forget(one.try_read_slice(2).expect("items"));
        drop(one);
        assert_eq!(drain(&mut two), [(2, true), (3, true)], "the end of the handle does it as well");
    });
}

#[test]
fn a_panic_gives_back_what_was_being_looked_at() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push(5).expect("room");
        let looking = AssertUnwindSafe(|| {
            let item = one.try_read().expect("an item");
            assert_eq!(item.get(), 6, "this panic is part of the test");
            item.release();
        });
        catch_unwind(looking).expect_err("a panic");
        assert_eq!((two.try_pop(), two.last().expect("a delivery").redelivered), (Ok(5), true));
        tx.try_push(6).expect("room");
        assert_eq!(one.try_pop(), Ok(6), "the handle goes on");
    });
}

#[test]
fn a_panic_that_takes_the_handle_along_gives_everything_back() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1, 2]).expect("room");
        let looking = AssertUnwindSafe(move || {
            one.try_read_ahead().expect("an item");
            let _item = one.try_read().expect("an item");
            panic!("this panic is part of the test");
        });
        catch_unwind(looking).expect_err("a panic");
        assert_eq!(drain(&mut two), [(0, true), (1, true), (2, false)]);
    });
}

#[test]
fn a_slice_of_items_is_released_from_the_oldest_on_and_the_rest_given_back() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1, 2, 3, 4]).expect("room");
        let items = one.try_read_slice(4).expect("items");
        assert_eq!((items.len(), items.position().to_bits(), items.redelivered()), (4, 0, false));
        assert!(items.iter().eq([0, 1, 2, 3]));
        assert_eq!((items.get(3), items.get(4)), (Some(3), None));
        items.release_first(1);
        assert_eq!(drain(&mut two), [(1, true), (2, true), (3, true), (4, false)]);

        tx.try_push_slice(&[5, 6]).expect("room");
        one.try_read_slice(8).expect("items").release_first(99);
        tx.try_push_slice(&[7, 8]).expect("room");
        one.try_read_slice(0).expect("at least one").release();
        tx.try_push_slice(&[9, 10]).expect("room");
        one.try_read_slice(1).expect("an item").release_first(0);
        assert_eq!(drain(&mut two), [(8, true), (9, false), (10, false)]);
    });
}

#[test]
fn a_slice_of_what_was_given_back_has_one_item() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2]).expect("room");
        drop(rx.try_read_slice(2).expect("items"));
        for value in [0, 1] {
            let items = rx.try_read_slice(8).expect("items");
            assert_eq!((items.iter().collect::<Vec<_>>(), items.redelivered()), (vec![value], true));
            items.release();
        }
        let items = rx.try_read_slice(8).expect("items");
        assert_eq!((items.len(), items.redelivered()), (1, false));
        items.release();
    });
}

#[test]
fn an_item_can_be_read_by_another_thread_than_the_one_that_took_it() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(3).expect("room");
        let item = rx.try_read().expect("an item");
        std::thread::scope(|scope| {
            scope.spawn(move || {
                assert_eq!(item.get(), 3);
                item.release();
            });
        });
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    });
}
