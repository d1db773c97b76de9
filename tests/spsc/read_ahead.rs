//! Reading ahead, and releasing by position once the effects are safe.

use ringfence::{PopError, Position, PushError, ReleaseError};

use crate::common::for_each_backing;

fn at(bits: u64) -> Position {
    Position::from_bits(bits)
}

#[test]
fn items_read_ahead_come_in_order_and_stay_in_the_ring() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[10, 11, 12, 13]).expect("room");
        for step in 0..4 {
            let item = rx.try_read_ahead().expect("an item");
            assert_eq!((item.value, item.position, item.redelivered), (10 + step, at(step), false));
            assert_eq!(rx.last().map(|it| (it.first, it.len)), Some((at(step), 1)));
        }
        assert_eq!(rx.try_read_ahead(), Err(PopError::Empty), "a whole capacity was read ahead");
        assert_eq!((ring.len(), rx.position(), tx.try_push(14)), (4, at(0), Err(PushError::Full)));
    });
}

#[test]
fn releasing_through_a_position_releases_everything_up_to_it() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..10 {
            let first = lap * 4;
            tx.try_push_slice(&[first, first + 1, first + 2, first + 3]).expect("room");
            for step in 0..4 {
                assert_eq!(rx.read_ahead().expect("an item").value, first + step);
            }
            assert_eq!(rx.release_through(at(first + 1)), Ok(2));
            assert_eq!(ring.len(), 2);
            assert_eq!(rx.release_through(at(first + 3)), Ok(2));
            assert_eq!((ring.len(), rx.position()), (0, at(first + 4)));
        }
    });
}

#[test]
fn releasing_what_was_released_before_releases_nothing() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
        let items = [(); 4].map(|()| rx.try_read_ahead().expect("an item"));
        assert_eq!(rx.release_through(items[2].position), Ok(3));
        for item in &items[..3] {
            assert_eq!(rx.release_through(item.position), Ok(0));
        }
        assert_eq!(rx.release_through(at(u64::MAX)), Ok(0), "a position before the start of the ring");
        assert_eq!((ring.len(), rx.try_pop()), (1, Ok(3)));
    });
}

#[test]
fn a_position_that_was_not_read_is_not_released() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(rx.release_through(at(0)), Err(ReleaseError::NotRead { beyond: 1 }));
        tx.try_push_slice(&[0, 1, 2, 3, 4]).expect("room");
        assert_eq!(rx.release_through(at(0)), Err(ReleaseError::NotRead { beyond: 1 }));
        rx.try_read_ahead().expect("an item");
        rx.try_read_ahead().expect("an item");
        for beyond in 1..10 {
            assert_eq!(rx.release_through(at(1 + beyond)), Err(ReleaseError::NotRead { beyond }));
        }
        assert_eq!((ring.len(), rx.position()), (5, at(0)), "a refusal releases nothing");
        assert_eq!(rx.release_through(at(1)), Ok(2));
    });
}

#[test]
fn rewinding_reads_from_the_oldest_unreleased_item_again_flagged() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
        for _ in 0..3 {
            rx.try_read_ahead().expect("an item");
        }
        assert_eq!(rx.release_through(at(0)), Ok(1));
        rx.rewind();
        let read = [(); 3].map(|()| {
            let item = rx.try_read_ahead().expect("an item");
            (item.value, item.redelivered)
        });
        assert_eq!(read, [(1, true), (2, true), (3, false)]);
    });
}

#[test]
fn reading_ahead_goes_on_behind_what_was_popped() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3, 4, 5]).expect("room");
        rx.try_read_ahead().expect("an item");
        rx.try_read_ahead().expect("an item");

        assert_eq!(rx.try_pop(), Ok(0), "a pop takes the oldest item, read ahead or not");
        assert!(rx.last().expect("a delivery").redelivered);
        assert_eq!(rx.try_read_ahead().expect("an item").value, 2);

        assert_eq!(rx.release_through(at(2)), Ok(2));
        assert_eq!(rx.try_pop(), Ok(3));
        assert_eq!(rx.try_pop(), Ok(4));
        let item = rx.try_read_ahead().expect("an item");
        assert_eq!((item.value, item.redelivered), (5, false));
    });
}

#[test]
fn a_guard_and_reading_ahead_see_the_same_items() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2]).expect("room");
        rx.try_read_ahead().expect("an item");
        let item = rx.try_read().expect("the oldest item");
        assert_eq!((item.get(), item.redelivered()), (0, true));
        item.release();
        let item = rx.try_read_ahead().expect("an item");
        assert_eq!((item.value, item.redelivered), (1, false));
        let items = rx.try_read_slice(8).expect("items");
        assert_eq!((items.iter().collect::<Vec<_>>(), items.redelivered()), (vec![1], true));
    });
}

#[test]
fn what_was_read_ahead_and_not_released_is_still_there_after_the_end() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1]).expect("room");
        tx.close();
        rx.try_read_ahead().expect("an item");
        rx.try_read_ahead().expect("an item");
        assert_eq!(rx.try_read_ahead(), Err(PopError::Closed), "nothing follows");
        assert_eq!(ring.len(), 2);
        rx.rewind();
        assert_eq!(rx.try_read_ahead().expect("an item").value, 0);
        assert_eq!(rx.try_pop(), Ok(0));
        assert_eq!(rx.try_pop(), Ok(1));
        assert_eq!(rx.try_pop(), Err(PopError::Closed));
    });
}
