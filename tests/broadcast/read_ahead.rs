//! Looking at one item after the other, and releasing them by position.

use ringfence::broadcast::{Options, Start};
use ringfence::{PushError, RecvError, ReleaseError};

use crate::common::for_each_backing;
use crate::{at, drain_gated, join, numbers, publish};

#[test]
fn items_are_read_in_order_and_released_by_position() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        for lap in 0..10 {
            publish(&mut tx, 8 * lap..8 * lap + 8);
            for number in 8 * lap..8 * lap + 8 {
                let item = rx.try_read_ahead().expect("an item");
                assert_eq!((item.value, item.position, item.redelivered), (number, at(number), false));
                let last = rx.last().expect("a delivery");
                assert_eq!((last.first, last.len, last.redelivered), (at(number), 1, false));
                assert_eq!(rx.position(), at(8 * lap));
            }
            assert_eq!(rx.try_read_ahead(), Err(RecvError::Empty));
            assert_eq!(tx.try_publish(0), Err(PushError::Full));
            assert_eq!(rx.release_through(at(8 * lap + 2)), Ok(3));
            assert_eq!(rx.release_through(at(8 * lap + 2)), Ok(0), "they were released before");
            assert_eq!(rx.release_through(at(8 * lap)), Ok(0));
            assert_eq!(rx.position(), at(8 * lap + 3));
            assert_eq!(rx.release_through(at(8 * lap + 7)), Ok(5));
        }
    });
}

#[test]
fn what_was_not_read_cannot_be_released() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        publish(&mut tx, 0..5);
        assert_eq!(rx.release_through(at(0)), Err(ReleaseError::NotRead { beyond: 1 }));
        rx.try_read_ahead().expect("an item");
        rx.try_read_ahead().expect("an item");
        assert_eq!(rx.release_through(at(2)), Err(ReleaseError::NotRead { beyond: 1 }));
        assert_eq!(rx.release_through(at(9)), Err(ReleaseError::NotRead { beyond: 8 }));
        assert_eq!((rx.position(), rx.lag()), (at(0), 5));
        assert_eq!(rx.release_through(at(1)), Ok(2));
    });
}

#[test]
fn a_subscriber_that_rewinds_reads_again_and_is_told_so() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        publish(&mut tx, 0..5);
        for _ in 0..3 {
            rx.try_read_ahead().expect("an item");
        }
        assert_eq!(rx.release_through(at(0)), Ok(1));
        rx.rewind();
        assert!(matches!(rx.release_through(at(2)), Err(ReleaseError::NotRead { beyond: 2 })));
        for (number, redelivered) in [(1, true), (2, true), (3, false), (4, false)] {
            let item = rx.try_read_ahead().expect("an item");
            assert_eq!((item.value, item.redelivered), (number, redelivered));
        }
        assert_eq!(rx.try_read_ahead(), Err(RecvError::Empty));
        assert_eq!(rx.release_through(at(4)), Ok(4));
    });
}

#[test]
fn receiving_takes_the_oldest_item_whatever_was_read_ahead() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        publish(&mut tx, 0..6);
        rx.try_read_ahead().expect("an item");
        rx.try_read_ahead().expect("an item");
        assert_eq!(rx.try_recv(), Ok(0));
        assert!(rx.last().expect("a delivery").redelivered);
        assert_eq!(rx.try_read_ahead().map(|it| it.value), Ok(2), "reading ahead goes on");
        assert_eq!(drain_gated(&mut rx), [(1, true), (2, true), (3, false), (4, false), (5, false)]);
        publish(&mut tx, 6..7);
        assert_eq!(rx.try_read_ahead().map(|it| (it.value, it.redelivered)), Ok((6, false)));
    });
}

#[test]
fn bytes_are_read_ahead_as_elements_are() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u8]>::new(4, 8).gated(1));
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        let mut buffer = b"kept".to_vec();
        assert_eq!(
            (rx.try_read_ahead_to(&mut buffer).err(), &buffer[..]),
            (Some(RecvError::Empty), &b"kept"[..])
        );
        for (number, text) in (0..).zip(["one", "", "three"]) {
            tx.try_publish(text.as_bytes()).expect("room");
            let delivery = rx.read_ahead_to(&mut buffer).expect("an item");
            assert_eq!((delivery.first, delivery.len, delivery.redelivered), (at(number), 1, false));
            assert_eq!((&buffer[..], rx.last()), (text.as_bytes(), Some(delivery)));
        }
        rx.rewind();
        assert!(rx.try_read_ahead_to(&mut buffer).expect("an item").redelivered);
        assert_eq!((&buffer[..], rx.release_through(at(0))), (&b"one"[..], Ok(1)));
    });
}
