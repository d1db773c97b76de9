//! How long calls wait.

use std::io::IoSlice;
use std::thread;
use std::time::{Duration, Instant};

use ringfence::stream::{Reader, Writer};
use ringfence::{Limit, PopError, PushError};

use crate::common::for_each_backing;
use crate::{drain_records, elements, records};

fn past() -> Instant {
    let now = Instant::now();
    now.checked_sub(Duration::from_secs(1)).unwrap_or(now)
}

fn no_time() -> [Limit; 3] {
    [Duration::ZERO.into(), past().into(), Instant::now().into()]
}

fn assert_pushes_time_out(tx: &mut Writer<u64>, limit: Limit) {
    assert_eq!(tx.push_timeout(9, limit), Err(PushError::Timeout));
    assert_eq!(tx.push_slice_timeout(&[9], limit), Err(PushError::Timeout));
    assert_eq!(tx.claim_slice_timeout(1, limit).err(), Some(PushError::Timeout));
    assert_eq!(tx.wait(limit), Err(PushError::Timeout));
}

fn assert_pops_time_out(rx: &mut Reader<u64>, limit: Limit) {
    assert_eq!(rx.pop_timeout(limit), Err(PopError::Timeout));
    assert_eq!(rx.pop_slice_timeout(&mut [0], limit), Err(PopError::Timeout));
    assert_eq!(rx.read_slice_timeout(1, limit).err(), Some(PopError::Timeout));
    assert_eq!(rx.read_ahead_timeout(limit), Err(PopError::Timeout));
    assert_eq!(rx.wait(limit), Err(PopError::Timeout));
}

fn assert_record_pushes_time_out(tx: &mut Writer<[u8]>, length: usize, limit: Limit) {
    let bytes = vec![9; length];
    assert_eq!(tx.push_timeout(&bytes, limit), Err(PushError::Timeout));
    assert_eq!(tx.push_vectored_timeout(&[IoSlice::new(&bytes)], limit), Err(PushError::Timeout));
    assert_eq!(tx.claim_timeout(length, limit).err(), Some(PushError::Timeout));
}

#[test]
fn no_time_and_moments_in_the_past_time_out() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        no_time().into_iter().for_each(|limit| assert_pops_time_out(&mut rx, limit));
        tx.try_push_slice(&[1, 2]).expect("room");
        no_time().into_iter().for_each(|limit| assert_pushes_time_out(&mut tx, limit));
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)), "nothing was pushed meanwhile");

        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        for limit in no_time() {
            assert_eq!(rx.pop_to_timeout(&mut Vec::new(), limit), Err(PopError::Timeout));
            assert_eq!(rx.read_timeout(limit).err(), Some(PopError::Timeout));
            assert_eq!(rx.read_batch_timeout(4, limit).err(), Some(PopError::Timeout));
            assert_eq!(rx.read_ahead_to_timeout(&mut Vec::new(), limit), Err(PopError::Timeout));
        }
        for _ in 0..3 {
            tx.try_push(b"12345678").expect("room");
        }
        for limit in no_time() {
            assert_record_pushes_time_out(&mut tx, 9, limit);
            tx.wait(limit).expect("room for an empty record");
        }
        tx.try_push(b"1").expect("room");
        for limit in no_time() {
            assert_record_pushes_time_out(&mut tx, 0, limit);
            assert_eq!(tx.wait(limit), Err(PushError::Timeout));
        }
        assert_eq!(drain_records(&mut rx).len(), 4);
    });
}

#[test]
fn what_can_be_done_at_once_is_done_whatever_the_limit() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        for limit in
            [Limit::For(Duration::ZERO), Limit::Until(past()), Limit::For(Duration::MAX), Limit::Unlimited]
        {
            tx.wait(limit).expect("room");
            tx.push_timeout(1, limit).expect("room");
            assert_eq!(tx.push_slice_timeout(&[2, 3], limit), Ok(2));
            let mut claim = tx.claim_slice_timeout(1, limit).expect("room");
            claim.extend([4]);
            claim.commit().expect("a commit");
            rx.wait(limit).expect("an element");
            assert_eq!(rx.read_ahead_timeout(limit).map(|it| it.value), Ok(1));
            rx.read_slice_timeout(1, limit).expect("an element").release();
            assert_eq!(rx.pop_timeout(limit), Ok(2));
            assert_eq!(rx.pop_slice_timeout(&mut [0; 4], limit), Ok(2));
        }
    });
}

#[test]
fn a_timed_call_does_not_give_up_before_its_time() {
    for_each_backing(|backing| {
        let limit = Duration::from_millis(20);
        let ring = elements::<u64>(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        let begun = Instant::now();
        assert_eq!(rx.pop_timeout(limit), Err(PopError::Timeout));
        assert!(begun.elapsed() >= limit);
        tx.try_push_slice(&[1, 2]).expect("room");
        let deadline = Instant::now() + limit;
        assert_eq!(tx.push_timeout(3, deadline), Err(PushError::Timeout));
        assert!(Instant::now() >= deadline);

        let ring = records(backing, 64);
        let (mut tx, _rx) = ring.ends();
        tx.try_push(&[0; 24]).expect("room");
        tx.try_push(b"1").expect("room");
        let deadline = Instant::now() + limit;
        assert_eq!(tx.push_timeout(&[0; 24], deadline), Err(PushError::Timeout));
        assert!(Instant::now() >= deadline);
    });
}

#[test]
fn a_wait_promises_that_the_next_try_succeeds() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        thread::scope(|scope| {
            scope.spawn(|| {
                for value in 0..500 {
                    tx.wait(Limit::Unlimited).expect("room comes");
                    tx.try_push(value).expect("the room that was waited for");
                }
            });
            for value in 0..500 {
                rx.wait(Duration::MAX).expect("an element comes");
                assert_eq!(rx.try_pop(), Ok(value));
            }
        });
    });
}

#[test]
fn every_form_that_waits_gets_what_it_waited_for() {
    const ROUNDS: u64 = 300;
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        thread::scope(|scope| {
            scope.spawn(|| {
                for value in 0..ROUNDS {
                    tx.push(4 * value).expect("room comes");
                    let mut claim = tx.claim_slice(1).expect("room comes");
                    claim.extend([4 * value + 1]);
                    claim.commit().expect("a commit");
                    assert_eq!(tx.push_slice(&[4 * value + 2, 4 * value + 3]), Ok(2));
                }
            });
            for value in 0..ROUNDS {
                assert_eq!(rx.pop(), Ok(4 * value));
                let items = rx.read_slice(1).expect("an element comes");
                assert_eq!(items.get(0), Some(4 * value + 1));
                items.release();
                let item = rx.read_ahead().expect("an element comes");
                assert_eq!(item.value, 4 * value + 2);
                assert_eq!(rx.release_through(item.position), Ok(1));
                let mut out = [0];
                assert_eq!((rx.pop_slice(&mut out), out[0]), (Ok(1), 4 * value + 3));
            }
        });
    });
}
