//! Where subscribers stand, and how they move.

use ringfence::RecvError;
use ringfence::broadcast::Start;

use crate::common::for_each_backing;
use crate::{at, drain, join, lagged, numbers, publish, subscribe};

#[test]
fn a_subscriber_goes_on_where_it_is_told_to() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..8);
        for position in [7, 0, 3, 3, 8] {
            rx.skip_to(at(position));
            assert_eq!((rx.position(), rx.last(), rx.lag()), (at(position), None, 8 - position));
            assert!(drain(&mut rx).into_iter().eq(position..8));
        }
    });
}

#[test]
fn a_subscriber_that_goes_back_too_far_is_told_what_is_gone() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..4);
        assert_eq!(drain(&mut rx).len(), 4);
        publish(&mut tx, 4..10);
        rx.skip_to(at(1));
        assert_eq!((rx.lag(), rx.try_recv()), (9, Err(lagged(5, 6))));
        assert_eq!(drain(&mut rx), [6, 7, 8, 9]);
    });
}

#[test]
fn a_subscriber_that_goes_ahead_waits_for_what_is_to_come() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..2);
        rx.skip_to(at(5));
        assert_eq!((rx.lag(), rx.try_recv()), (0, Err(RecvError::Empty)));
        publish(&mut tx, 2..5);
        assert_eq!(rx.try_recv(), Err(RecvError::Empty));
        publish(&mut tx, 5..7);
        assert_eq!(drain(&mut rx), [5, 6]);
    });
}

#[test]
fn the_lag_counts_what_was_published_and_not_received() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut lossy = subscribe(&ring, Start::Newest);
        for count in 1..=10 {
            publish(&mut tx, count - 1..count);
            assert_eq!(lossy.lag(), count, "beyond the capacity, too: so many are lost");
        }
        assert_eq!((lossy.try_recv(), lossy.lag()), (Err(lagged(6, 6)), 4));
        assert_eq!((lossy.try_recv(), lossy.lag()), (Ok(6), 3));

        let mut gated = join(&ring, Start::Newest);
        publish(&mut tx, 10..14);
        assert_eq!(gated.lag(), 4);
        drop(gated.try_read().expect("an item"));
        gated.try_read_ahead().expect("an item");
        assert_eq!(gated.lag(), 4, "looking releases nothing");
        assert_eq!((gated.try_recv(), gated.lag()), (Ok(10), 3));
    });
}

#[test]
fn what_a_batch_delivered_lies_before_the_position() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..7);
        assert_eq!(rx.try_recv_slice(&mut [0; 3]), Ok(3));
        let last = rx.last().expect("a delivery");
        assert_eq!((last.first, last.len, last.redelivered, rx.position()), (at(0), 3, false, at(3)));
        assert_eq!(rx.try_recv_slice(&mut [0; 9]), Ok(4));
        let last = rx.last().expect("a delivery");
        assert_eq!((last.first, last.len, last.redelivered, rx.position()), (at(3), 4, false, at(7)));
    });
}
