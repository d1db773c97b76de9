//! Where subscribers begin.

use ringfence::RecvError;
use ringfence::broadcast::{Options, Start};

use crate::common::for_each_backing;
use crate::{at, drain, drain_gated, join, lagged, numbers, publish, subscribe};

#[test]
fn whoever_starts_with_the_newest_item_receives_what_is_published_from_then_on() {
    for_each_backing(|backing| {
        for before in [0, 1, 4, 9] {
            let ring = numbers(backing, 4, 1);
            let mut tx = ring.publisher().expect("the role");
            publish(&mut tx, 0..before);
            let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
            assert_eq!((lossy.position(), gated.position()), (at(before), at(before)));
            assert_eq!((lossy.lag(), gated.lag(), gated.joined_at()), (0, 0, at(before)));
            publish(&mut tx, before..before + 3);
            assert!(drain(&mut lossy).into_iter().eq(before..before + 3));
            assert!(drain_gated(&mut gated).into_iter().eq((before..before + 3).map(|it| (it, false))));
        }
        assert_eq!(Start::default(), Start::Newest);
    });
}

#[test]
fn whoever_starts_with_the_oldest_item_receives_everything_that_is_there() {
    for_each_backing(|backing| {
        for before in [0, 1, 3, 4, 5, 9, 100] {
            let ring = numbers(backing, 4, 1);
            let mut tx = ring.publisher().expect("the role");
            publish(&mut tx, 0..before);
            let oldest = before.saturating_sub(4);
            let (mut lossy, mut gated) = (subscribe(&ring, Start::Oldest), join(&ring, Start::Oldest));
            assert_eq!((lossy.position(), gated.position()), (at(oldest), at(oldest)));
            assert_eq!(gated.joined_at(), at(before), "older items are there by luck");
            assert!(drain(&mut lossy).into_iter().eq(oldest..before));
            assert!(drain_gated(&mut gated).into_iter().eq((oldest..before).map(|it| (it, false))));
        }
    });
}

#[test]
fn whoever_starts_at_a_position_that_is_there_receives_it_first() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        publish(&mut tx, 0..10);
        for from in 6..=10 {
            let (mut lossy, mut gated) =
                (subscribe(&ring, Start::At(at(from))), join(&ring, Start::At(at(from))));
            assert_eq!((lossy.position(), gated.position()), (at(from), at(from)));
            assert!(drain(&mut lossy).into_iter().eq(from..10));
            assert!(drain_gated(&mut gated).into_iter().eq((from..10).map(|it| (it, false))));
        }
    });
}

#[test]
fn whoever_starts_at_a_position_that_was_overwritten_is_told_what_it_missed() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        publish(&mut tx, 0..10);
        for from in 0..6 {
            let (mut lossy, mut gated) =
                (subscribe(&ring, Start::At(at(from))), join(&ring, Start::At(at(from))));
            assert_eq!((lossy.lag(), gated.lag()), (10 - from, 10 - from));
            assert_eq!(lossy.try_recv(), Err(lagged(6 - from, 6)));
            assert_eq!(gated.try_recv(), Err(lagged(6 - from, 6)));
            assert_eq!(drain(&mut lossy), [6, 7, 8, 9]);
            assert_eq!(drain_gated(&mut gated).len(), 4);
        }
    });
}

#[test]
fn whoever_starts_at_a_position_to_come_waits_for_it() {
    for_each_backing(|backing| {
        for from in [4, 5, 7, 20] {
            let ring = numbers(backing, 4, 1);
            let mut tx = ring.publisher().expect("the role");
            publish(&mut tx, 0..3);
            let (mut lossy, mut gated) =
                (subscribe(&ring, Start::At(at(from))), join(&ring, Start::At(at(from))));
            assert_eq!((lossy.lag(), gated.lag(), gated.joined_at()), (0, 0, at(from)));
            for number in 3..from {
                assert_eq!(
                    (lossy.try_recv(), gated.try_recv()),
                    (Err(RecvError::Empty), Err(RecvError::Empty))
                );
                publish(&mut tx, number..number + 1);
            }
            assert_eq!((lossy.try_recv(), gated.try_recv()), (Err(RecvError::Empty), Err(RecvError::Empty)));
            publish(&mut tx, from..from + 4);
            tx.try_publish(0).expect_err("the gate holds from its position on");
            assert!(drain(&mut lossy).into_iter().eq(from..from + 4));
            assert!(drain_gated(&mut gated).into_iter().eq((from..from + 4).map(|it| (it, false))));
        }
    });
}

#[test]
fn a_gate_at_a_position_that_was_overwritten_holds_the_publisher_until_it_has_been_told() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        publish(&mut tx, 0..10);
        let mut rx = join(&ring, Start::At(at(2)));
        let end = (10..20).find(|it| tx.try_publish(*it).is_err()).expect("within a lap");
        assert_eq!(rx.try_recv(), Err(lagged(end - 6, end - 4)));
        assert!(drain_gated(&mut rx).into_iter().eq((end - 4..end).map(|it| (it, false))));
        publish(&mut tx, end..end + 4);
        tx.try_publish(0).expect_err("it holds the publisher like any other");
    });
}

#[test]
fn the_first_items_of_a_ring_are_the_oldest_wherever_it_starts() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(8).start_at(at(5)));
        let mut tx = ring.publisher().expect("the role");
        assert_eq!(subscribe(&ring, Start::Oldest).position(), at(5));
        publish(&mut tx, 5..8);
        let mut rx = subscribe(&ring, Start::Oldest);
        assert_eq!((rx.position(), drain(&mut rx)), (at(5), vec![5, 6, 7]));
    });
}

#[test]
fn whoever_starts_before_the_first_item_goes_on_with_it_at_once() {
    for_each_backing(|backing| {
        for published in [0, 3, 1500] {
            let ring = backing.create(Options::<u64>::new(1024).gated(1).start_at(at(100_000)));
            let mut tx = ring.publisher().expect("the role");
            publish(&mut tx, 0..published);
            let (mut lossy, mut gated) = (subscribe(&ring, Start::At(at(5))), join(&ring, Start::At(at(5))));
            let oldest = published.saturating_sub(1024);
            assert_eq!(lossy.try_recv(), Err(lagged(99_995 + oldest, 100_000 + oldest)));
            assert_eq!(gated.try_recv(), Err(lagged(99_995 + oldest, 100_000 + oldest)));
            assert!(drain(&mut lossy).into_iter().eq(oldest..published));
            assert!(drain_gated(&mut gated).into_iter().eq((oldest..published).map(|it| (it, false))));
        }
    });
}
