//! Readers to whom only the present state matters.

use std::thread;

use ringfence::RecvError;
use ringfence::broadcast::{Options, Start};

use crate::common::for_each_backing;
use crate::{at, drain, lagged, numbers, publish, subscribe};

#[test]
fn the_latest_item_is_the_newest_whether_it_was_received_or_not() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let (mut tx, mut rx) = ring.ends();
        for number in 0..20 {
            publish(&mut tx, number..number + 1);
            for _ in 0..3 {
                assert_eq!(rx.latest(), Ok(number));
                let last = rx.last().expect("a delivery");
                assert_eq!((last.first, last.len, rx.position()), (at(number), 1, at(number + 1)));
            }
            assert_eq!(rx.try_recv(), Err(RecvError::Empty));
        }
    });
}

#[test]
fn what_lies_between_is_skipped_and_not_missed() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..100);
        assert_eq!(rx.latest(), Ok(99));
        publish(&mut tx, 100..102);
        assert_eq!(drain(&mut rx), [100, 101]);
    });
}

#[test]
fn before_anything_was_published_there_is_none() {
    for_each_backing(|backing| {
        for start in [at(0), at(77)] {
            let ring = backing.create(Options::<u64>::new(4).start_at(start));
            let (mut tx, mut rx) = ring.ends();
            assert_eq!((rx.latest(), rx.position()), (Err(RecvError::Empty), start));
            tx.close();
            assert_eq!(rx.latest(), Err(RecvError::Closed));
        }
    });
}

#[test]
fn a_closed_ring_keeps_its_latest_item() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..7);
        tx.close();
        assert_eq!((rx.latest(), rx.try_recv(), rx.latest()), (Ok(6), Err(RecvError::Closed), Ok(6)));
        drop(tx);
        assert_eq!(subscribe(&ring, Start::Newest).latest(), Ok(6));
    });
}

#[test]
fn it_never_goes_back_behind_what_was_received() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..3);
        assert_eq!(rx.latest(), Ok(2));
        rx.skip_to(at(6));
        assert_eq!(
            (rx.latest(), rx.position()),
            (Err(RecvError::Empty), at(6)),
            "items up to 5 count as received"
        );
        publish(&mut tx, 3..6);
        assert_eq!(rx.latest(), Ok(5));
        rx.skip_to(at(3));
        assert_eq!(rx.latest(), Ok(5));
    });
}

#[test]
fn an_aborted_claim_leaves_the_latest_item_in_place() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..6);
        drop(tx.try_claim().expect("room"));
        assert_eq!(rx.latest(), Ok(5));
        assert_eq!(rx.try_recv(), Err(RecvError::Empty));
    });
}

#[test]
fn the_latest_bytes_replace_what_the_buffer_held() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u8]>::new(2, 8));
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = b"kept".to_vec();
        assert_eq!((rx.latest_to(&mut buffer), &buffer[..]), (Err(RecvError::Empty), &b"kept"[..]));
        for text in ["one", "", "three"] {
            tx.try_publish(text.as_bytes()).expect("room");
            assert_eq!((rx.latest_to(&mut buffer), &buffer[..]), (Ok(text.len()), text.as_bytes()));
        }
        assert_eq!(rx.try_recv_to(&mut buffer), Err(RecvError::Empty));
    });
}

#[test]
fn it_never_goes_back_while_the_publisher_runs_free() {
    const ITEMS: u64 = 50_000;
    for_each_backing(|backing| {
        for capacity in [2, 64] {
            let ring = numbers(backing, capacity, 0);
            let (mut tx, mut rx) = ring.ends();
            thread::scope(|scope| {
                scope.spawn(move || {
                    let mut last = None;
                    while last != Some(ITEMS - 1) {
                        match rx.latest() {
                            Ok(number) => {
                                assert!(last <= Some(number));
                                assert_eq!(rx.last().expect("a delivery").first, at(number));
                                last = Some(number);
                            }
                            Err(RecvError::Empty | RecvError::Contended) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
                for number in 0..ITEMS {
                    tx.publish(number).expect("no gate");
                }
            });
        }
    });
}

#[test]
fn a_subscriber_that_looked_at_the_latest_item_can_be_lapped_from_there() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..6);
        assert_eq!(rx.latest(), Ok(5));
        publish(&mut tx, 6..12);
        assert_eq!(rx.try_recv(), Err(lagged(2, 8)));
    });
}
