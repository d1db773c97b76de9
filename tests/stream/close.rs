//! The end of a ring: said by its writer, or by anyone who has it open.

use std::io::IoSlice;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use ringfence::stream::{Reader, Writer};
use ringfence::{PopError, PushError};

use crate::common::for_each_backing;
use crate::{elements, records};

const NO_TIME: Duration = Duration::ZERO;

fn assert_pushes_are_refused(tx: &mut Writer<u64>) {
    assert_eq!(tx.try_push(0), Err(PushError::Closed));
    assert_eq!(tx.push(0), Err(PushError::Closed));
    assert_eq!(tx.push_timeout(0, NO_TIME), Err(PushError::Closed));
    assert_eq!(tx.try_push_slice(&[0, 0]), Err(PushError::Closed));
    assert_eq!(tx.push_slice(&[0, 0]), Err(PushError::Closed));
    assert_eq!(tx.try_claim_slice(1).err(), Some(PushError::Closed));
    assert_eq!(tx.claim_slice(1).err(), Some(PushError::Closed));
    assert_eq!(tx.wait(NO_TIME), Err(PushError::Closed));
    assert!(!tx.push_or_drop(0));
}

fn assert_the_end(rx: &mut Reader<u64>) {
    assert_eq!(rx.try_pop(), Err(PopError::Closed));
    assert_eq!(rx.pop(), Err(PopError::Closed));
    assert_eq!(rx.pop_timeout(NO_TIME), Err(PopError::Closed));
    assert_eq!(rx.try_pop_slice(&mut [0]), Err(PopError::Closed));
    assert_eq!(rx.pop_slice(&mut [0]), Err(PopError::Closed));
    assert_eq!(rx.try_read_slice(1).err(), Some(PopError::Closed));
    assert_eq!(rx.read_slice(1).err(), Some(PopError::Closed));
    assert_eq!(rx.try_read_ahead(), Err(PopError::Closed));
    assert_eq!(rx.read_ahead(), Err(PopError::Closed));
    assert_eq!(rx.wait(NO_TIME), Err(PopError::Closed));
}

#[test]
fn what_was_pushed_before_a_writer_closed_is_delivered_before_the_end() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2, 3, 4]).expect("room");
        tx.close();
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
        let ring = elements::<u64>(backing, 2);
        let (mut tx, _rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        ring.close();
        assert_pushes_are_refused(&mut tx);
    });
}

#[test]
fn a_closed_ring_stays_closed_for_everybody_who_comes_later() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, rx) = ring.ends();
        tx.try_push(1).expect("room");
        tx.close();
        drop((tx, rx));
        let again = ring.opened_again();
        assert!(again.is_closed());
        assert_pushes_are_refused(&mut again.writer().expect("the role"));
        let mut rx = again.reader().expect("the role");
        assert_eq!(rx.try_pop(), Ok(1));
        assert_the_end(&mut rx);
    });
}

#[test]
fn dropping_a_handle_does_not_close_its_ring() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 2);
        let (tx, mut rx) = ring.ends();
        drop(tx);
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        assert_eq!(rx.pop_timeout(NO_TIME), Err(PopError::Timeout));
        let mut tx = ring.writer().expect("the role");
        tx.try_push(1).expect("room");
        assert_eq!(rx.try_pop(), Ok(1));
        drop(rx);
        assert_eq!(tx.try_push_slice(&[1, 2, 3]), Ok(2));
        assert_eq!(tx.try_push(3), Err(PushError::Full));
        assert!(!ring.is_closed());
    });
}

#[test]
fn a_ring_closed_by_a_third_party_is_empty_not_at_its_end_while_the_writer_is_there() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
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
fn a_ring_closed_by_a_third_party_is_at_its_end_where_no_writer_ever_came() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let mut rx = ring.reader().expect("the role");
        ring.close();
        assert_the_end(&mut rx);
    });
}

#[test]
fn a_claim_that_was_begun_before_a_third_party_closed_is_still_delivered() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        let mut claim = tx.try_claim_slice(2).expect("room");
        claim.extend([7, 8]);
        ring.close();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        claim.commit().expect("it was begun");
        drop(tx);
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(7), Ok(8)));
        assert_the_end(&mut rx);

        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        let mut claim = tx.try_claim(8).expect("room");
        claim.append(b"begun").expect("it fits");
        ring.close();
        claim.commit().expect("it was begun");
        tx.close();
        assert_eq!(rx.read().map(|it| it.to_vec()), Ok(b"begun".to_vec()));
    });
}

#[test]
fn a_kept_element_holds_the_end_back() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        tx.close();
        drop(rx.try_read_slice(4).expect("an element"));
        let items = rx.read_slice(4).expect("the element");
        assert_eq!((items.get(0), items.redelivered()), (Some(1), true));
        items.release();
        assert_the_end(&mut rx);
    });
}

#[test]
fn records_end_as_elements_do() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"last").expect("room");
        tx.close();
        assert_eq!(tx.try_push(b"more"), Err(PushError::Closed));
        assert_eq!(tx.push(b"more"), Err(PushError::Closed));
        assert_eq!(tx.push_vectored(&[IoSlice::new(b"more")]), Err(PushError::Closed));
        assert_eq!(tx.claim(4).err(), Some(PushError::Closed));
        assert_eq!(tx.wait(NO_TIME), Err(PushError::Closed));
        assert!(!tx.push_or_drop(b"more"));
        let mut buffer = Vec::new();
        assert_eq!(rx.pop_to(&mut buffer), Ok(4));
        assert_eq!(rx.try_pop_to(&mut buffer), Err(PopError::Closed));
        assert_eq!(rx.pop_to(&mut buffer), Err(PopError::Closed));
        assert_eq!(rx.try_read_ahead_to(&mut buffer), Err(PopError::Closed));
        assert_eq!(rx.read_ahead_to(&mut buffer), Err(PopError::Closed));
        assert_eq!(rx.read().err(), Some(PopError::Closed));
        assert_eq!(rx.read_batch(4).err(), Some(PopError::Closed));
        assert_eq!(rx.wait(NO_TIME), Err(PopError::Closed));
        assert_eq!(buffer, b"last");
    });
}

/// Runs `wait` on another thread, and `end` once it is about to wait; says what came of the wait.
fn while_it_waits<R: Send>(wait: impl FnOnce() -> R + Send, end: impl FnOnce()) -> R {
    thread::scope(|scope| {
        let (waiting, waits) = channel();
        let waiter = scope.spawn(move || {
            waiting.send(()).expect("somebody listens");
            wait()
        });
        waits.recv().expect("it is about to wait");
        thread::sleep(Duration::from_millis(2));
        end();
        waiter.join().expect("no panic")
    })
}

#[test]
fn a_reader_that_waits_learns_of_the_end() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(while_it_waits(|| rx.pop(), || tx.close()), Err(PopError::Closed));

        let ring = records(backing, 64);
        let (tx, mut rx) = ring.ends();
        let end = || {
            ring.close();
            drop(tx);
        };
        assert_eq!(while_it_waits(|| rx.read().err(), end), Some(PopError::Closed));
    });
}

#[test]
fn a_writer_that_waits_learns_of_a_close() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 2);
        let (mut tx, _rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        assert_eq!(while_it_waits(|| tx.push(3), || ring.close()), Err(PushError::Closed));

        let ring = records(backing, 64);
        let (mut tx, _rx) = ring.ends();
        for _ in 0..4 {
            tx.try_push(b"1").expect("room");
        }
        assert_eq!(while_it_waits(|| tx.push(&[0; 24]), || ring.close()), Err(PushError::Closed));
    });
}

#[test]
fn a_slice_of_which_a_part_was_pushed_before_the_close_says_so() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, _rx) = ring.ends();
        assert_eq!(while_it_waits(|| tx.push_slice(&[0; 9]), || ring.close()), Ok(4));
        assert_eq!(ring.len(), 4);
    });
}
