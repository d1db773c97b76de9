//! The end of a ring: said by its producer, or by anyone who has it open.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use ringfence::spsc::{Consumer, Producer};
use ringfence::{PopError, PushError};

use crate::common::for_each_backing;

const NO_TIME: Duration = Duration::ZERO;

fn assert_pushes_are_refused(tx: &mut Producer<u64>) {
    assert_eq!(tx.try_push(0), Err(PushError::Closed));
    assert_eq!(tx.push(0), Err(PushError::Closed));
    assert_eq!(tx.push_timeout(0, NO_TIME), Err(PushError::Closed));
    assert_eq!(tx.try_push_slice(&[0, 0]), Err(PushError::Closed));
    assert_eq!(tx.push_slice(&[0, 0]), Err(PushError::Closed));
    assert_eq!(tx.try_claim().err(), Some(PushError::Closed));
    assert_eq!(tx.claim().err(), Some(PushError::Closed));
    assert_eq!(tx.wait(NO_TIME), Err(PushError::Closed));
    assert!(!tx.push_or_drop(0));
}

fn assert_the_end(rx: &mut Consumer<u64>) {
    assert_eq!(rx.try_pop(), Err(PopError::Closed));
    assert_eq!(rx.pop(), Err(PopError::Closed));
    assert_eq!(rx.pop_timeout(NO_TIME), Err(PopError::Closed));
    assert_eq!(rx.try_pop_slice(&mut [0]), Err(PopError::Closed));
    assert_eq!(rx.pop_slice(&mut [0]), Err(PopError::Closed));
    assert_eq!(rx.try_read().err(), Some(PopError::Closed));
    assert_eq!(rx.read().err(), Some(PopError::Closed));
    assert_eq!(rx.try_read_slice(1).err(), Some(PopError::Closed));
    assert_eq!(rx.try_read_ahead(), Err(PopError::Closed));
    assert_eq!(rx.wait(NO_TIME), Err(PopError::Closed));
}

#[test]
fn a_producer_that_closes_an_empty_ring_ends_it_for_both_sides() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.close();
        tx.close();
        assert_pushes_are_refused(&mut tx);
        assert_the_end(&mut rx);
    });
}

#[test]
fn what_was_pushed_before_a_producer_closed_is_delivered_before_the_end() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2, 3, 4]).expect("room");
        tx.close();
        assert_pushes_are_refused(&mut tx);
        drop(tx);
        for value in 1..=4 {
            assert_eq!(rx.pop(), Ok(value));
        }
        assert_the_end(&mut rx);
    });
}

#[test]
fn a_full_ring_that_is_closed_says_closed_and_not_full() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, _rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        ring.close();
        assert_pushes_are_refused(&mut tx);
    });
}

#[test]
fn a_closed_ring_stays_closed_for_everybody_who_comes_later() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, rx) = ring.ends();
        tx.try_push(1).expect("room");
        tx.close();
        drop((tx, rx));
        let again = ring.opened_again();
        assert_pushes_are_refused(&mut again.producer().expect("the role"));
        let mut rx = again.consumer().expect("the role");
        assert_eq!(rx.try_pop(), Ok(1));
        assert_the_end(&mut rx);
    });
}

#[test]
fn dropping_a_producer_does_not_close_its_ring() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (tx, mut rx) = ring.ends();
        drop(tx);
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        assert_eq!(rx.pop_timeout(NO_TIME), Err(PopError::Timeout));
        ring.producer().expect("the role").try_push(1).expect("room");
        assert_eq!(rx.try_pop(), Ok(1));
    });
}

#[test]
fn dropping_a_consumer_does_not_close_its_ring() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, rx) = ring.ends();
        drop(rx);
        assert_eq!(tx.try_push_slice(&[1, 2, 3]), Ok(2));
        assert_eq!(tx.try_push(3), Err(PushError::Full));
    });
}

#[test]
fn a_ring_closed_by_a_third_party_is_empty_not_at_its_end_while_the_producer_is_there() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        ring.opened_again().close();
        assert_pushes_are_refused(&mut tx);
        assert_eq!(rx.try_pop(), Ok(1));
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        assert_eq!(rx.pop_timeout(NO_TIME), Err(PopError::Timeout));
        drop(tx);
        assert_the_end(&mut rx);
    });
}

#[test]
fn a_ring_closed_by_a_third_party_is_at_its_end_where_no_producer_ever_came() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let mut rx = ring.consumer().expect("the role");
        ring.close();
        assert_the_end(&mut rx);
    });
}

#[test]
fn a_producer_that_closes_after_a_third_party_did_ends_the_ring_at_once() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        ring.close();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        tx.close();
        assert_the_end(&mut rx);
    });
}

#[test]
fn a_push_that_was_begun_before_a_third_party_closed_is_still_delivered() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        let claim = tx.try_claim().expect("room");
        ring.close();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        claim.write(7).commit().expect("it was begun");
        drop(tx);
        assert_eq!(rx.try_pop(), Ok(7));
        assert_the_end(&mut rx);
    });
}

#[test]
fn a_kept_item_holds_the_end_back() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        tx.close();
        drop(rx.try_read().expect("an item"));
        let item = rx.try_read().expect("the item");
        assert_eq!((item.get(), item.redelivered()), (1, true));
        item.release();
        assert_the_end(&mut rx);
    });
}

#[test]
fn bytes_end_as_elements_do() {
    for_each_backing(|backing| {
        let ring = backing.bytes(4, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"last").expect("room");
        tx.close();
        assert_eq!(tx.try_push(b"more"), Err(PushError::Closed));
        assert_eq!(tx.push(b"more"), Err(PushError::Closed));
        assert!(!tx.push_or_drop(b"more"));
        let mut buffer = Vec::new();
        assert_eq!(rx.pop_to(&mut buffer), Ok(4));
        assert_eq!(rx.try_pop_to(&mut buffer), Err(PopError::Closed));
        assert_eq!(rx.pop_to(&mut buffer), Err(PopError::Closed));
        assert_eq!(rx.try_read_ahead_to(&mut buffer), Err(PopError::Closed));
        assert_eq!(rx.read().err(), Some(PopError::Closed));
        assert_eq!(buffer, b"last");
    });
}

#[test]
fn a_consumer_that_waits_learns_of_the_producers_close() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        thread::scope(|scope| {
            let (waiting, waits) = channel();
            let popping = scope.spawn(move || {
                waiting.send(()).expect("somebody listens");
                rx.pop()
            });
            waits.recv().expect("it is about to wait");
            tx.close();
            assert_eq!(popping.join().expect("no panic"), Err(PopError::Closed));
        });
    });
}

#[test]
fn a_consumer_that_waits_learns_that_the_producer_of_a_closed_ring_has_left() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (tx, mut rx) = ring.ends();
        thread::scope(|scope| {
            let (waiting, waits) = channel();
            let popping = scope.spawn(move || {
                waiting.send(()).expect("somebody listens");
                rx.pop()
            });
            waits.recv().expect("it is about to wait");
            ring.close();
            drop(tx);
            assert_eq!(popping.join().expect("no panic"), Err(PopError::Closed));
        });
    });
}

#[test]
fn a_producer_that_waits_learns_of_a_close() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, _rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        thread::scope(|scope| {
            let (waiting, waits) = channel();
            let pushing = scope.spawn(move || {
                waiting.send(()).expect("somebody listens");
                tx.push(3)
            });
            waits.recv().expect("it is about to wait");
            ring.close();
            assert_eq!(pushing.join().expect("no panic"), Err(PushError::Closed));
        });
    });
}

#[test]
fn everybody_can_ask_whether_a_ring_was_closed() {
    for_each_backing(|backing| {
        for by_producer in [true, false] {
            let ring = backing.elements::<u64>(4);
            let again = ring.opened_again();
            let (mut tx, mut rx) = ring.ends();
            tx.try_push(1).expect("room");
            assert!(!ring.is_closed() && !again.is_closed());
            if by_producer {
                tx.close();
            } else {
                ring.close();
            }
            assert!(ring.is_closed() && again.is_closed());
            assert_eq!(rx.try_pop(), Ok(1));
            assert!(ring.is_closed() && again.is_closed());
        }
    });
}
