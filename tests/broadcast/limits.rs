//! How long calls wait.

use std::thread;
use std::time::{Duration, Instant};

use ringfence::broadcast::{GatedSubscriber, Options, Publisher, Start, Subscriber};
use ringfence::{Limit, PushError, RecvError};

use crate::common::for_each_backing;
use crate::{join, numbers, publish, subscribe};

fn past() -> Instant {
    let now = Instant::now();
    now.checked_sub(Duration::from_secs(1)).unwrap_or(now)
}

fn no_time() -> [Limit; 3] {
    [Duration::ZERO.into(), past().into(), Instant::now().into()]
}

fn assert_publishes_time_out(tx: &mut Publisher<u64>, limit: Limit) {
    assert_eq!(tx.publish_timeout(9, limit), Err(PushError::Timeout));
    assert_eq!(tx.publish_slice_timeout(&[9], limit), Err(PushError::Timeout));
    assert_eq!(tx.claim_timeout(limit).err(), Some(PushError::Timeout));
    assert_eq!(tx.wait(limit), Err(PushError::Timeout));
}

fn assert_lossy_times_out(rx: &mut Subscriber<u64>, limit: Limit) {
    assert_eq!(rx.recv_timeout(limit), Err(RecvError::Timeout));
    assert_eq!(rx.recv_slice_timeout(&mut [0], limit), Err(RecvError::Timeout));
    assert_eq!(rx.wait(limit), Err(RecvError::Timeout));
}

fn assert_gated_times_out(rx: &mut GatedSubscriber<u64>, limit: Limit) {
    assert_eq!(rx.recv_timeout(limit), Err(RecvError::Timeout));
    assert_eq!(rx.recv_slice_timeout(&mut [0], limit), Err(RecvError::Timeout));
    assert_eq!(rx.read_timeout(limit).err(), Some(RecvError::Timeout));
    assert_eq!(rx.read_ahead_timeout(limit), Err(RecvError::Timeout));
    assert_eq!(rx.wait(limit), Err(RecvError::Timeout));
}

#[test]
fn no_time_and_moments_in_the_past_time_out() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        for limit in no_time() {
            assert_lossy_times_out(&mut lossy, limit);
            assert_gated_times_out(&mut gated, limit);
        }
        publish(&mut tx, 0..2);
        for limit in no_time() {
            assert_publishes_time_out(&mut tx, limit);
        }
        assert_eq!((gated.try_recv(), gated.try_recv()), (Ok(0), Ok(1)), "nothing was published meanwhile");
        let bytes = backing.create(Options::<[u8]>::new(2, 8).gated(1));
        let (mut lossy, mut gated) = (subscribe(&bytes, Start::Newest), join(&bytes, Start::Newest));
        let mut buffer = Vec::new();
        for limit in no_time() {
            assert_eq!(lossy.recv_to_timeout(&mut buffer, limit), Err(RecvError::Timeout));
            assert_eq!(gated.recv_to_timeout(&mut buffer, limit), Err(RecvError::Timeout));
            assert_eq!(gated.read_ahead_to_timeout(&mut buffer, limit), Err(RecvError::Timeout));
            assert_eq!(gated.read_timeout(limit).err(), Some(RecvError::Timeout));
        }
    });
}

#[test]
fn what_can_be_done_at_once_is_done_whatever_the_limit() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        for limit in
            [Limit::For(Duration::ZERO), Limit::Until(past()), Limit::For(Duration::MAX), Limit::Unlimited]
        {
            tx.wait(limit).expect("room");
            tx.publish_timeout(1, limit).expect("room");
            assert_eq!(tx.publish_slice_timeout(&[2, 3], limit), Ok(2));
            tx.claim_timeout(limit).expect("room").write(4).commit().expect("a commit");
            lossy.wait(limit).expect("an item");
            assert_eq!(lossy.recv_timeout(limit), Ok(1));
            assert_eq!(lossy.recv_slice_timeout(&mut [0; 9], limit), Ok(3));
            gated.wait(limit).expect("an item");
            assert_eq!(gated.read_ahead_timeout(limit).map(|it| it.value), Ok(1));
            gated.read_timeout(limit).expect("an item").release();
            assert_eq!(gated.recv_timeout(limit), Ok(2));
            assert_eq!(gated.recv_slice_timeout(&mut [0; 9], limit), Ok(2));
        }
    });
}

#[test]
fn a_timed_call_does_not_give_up_before_its_time() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        let limit = Duration::from_millis(30);
        let begun = Instant::now();
        assert_eq!(lossy.recv_timeout(limit), Err(RecvError::Timeout));
        assert!(begun.elapsed() >= limit);
        let begun = Instant::now();
        assert_eq!(gated.recv_timeout(limit), Err(RecvError::Timeout));
        assert!(begun.elapsed() >= limit);
        publish(&mut tx, 0..2);
        let deadline = Instant::now() + limit;
        assert_eq!(tx.publish_timeout(3, deadline), Err(PushError::Timeout));
        assert!(Instant::now() >= deadline);
    });
}

#[test]
fn a_batch_that_times_out_says_how_much_of_it_was_published() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        let values = [0, 1, 2, 3, 4, 5];
        assert_eq!(tx.publish_slice_timeout(&values, Duration::from_millis(2)), Ok(4));
        assert_eq!(tx.publish_slice_timeout(&values[4..], Duration::from_millis(2)), Err(PushError::Timeout));
        assert_eq!(rx.try_recv(), Ok(0));
        assert_eq!(tx.publish_slice_timeout(&values[4..], Duration::ZERO), Ok(1));
    });
}

#[test]
fn every_form_that_waits_gets_what_it_waited_for() {
    const ROUNDS: u64 = 700;
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 2);
        let mut tx = ring.publisher().expect("the role");
        let mut one = join(&ring.opened_again(), Start::Newest);
        let mut other = join(&ring.opened_again(), Start::Newest);
        thread::scope(|scope| {
            scope.spawn(move || {
                for value in 0..ROUNDS {
                    tx.publish(4 * value).expect("room comes");
                    tx.claim().expect("room comes").write(4 * value + 1).commit().expect("a commit");
                    assert_eq!(tx.publish_slice(&[4 * value + 2, 4 * value + 3]), Ok(2));
                }
            });
            scope.spawn(move || {
                let mut next = 0;
                let mut out = [0; 3];
                while next < 4 * ROUNDS {
                    let count = other.recv_slice(&mut out).expect("items come");
                    assert!(out[..count].iter().copied().eq(next..next + count as u64));
                    next += count as u64;
                }
            });
            for value in 0..ROUNDS {
                assert_eq!(one.recv(), Ok(4 * value));
                let item = one.read().expect("an item comes");
                assert_eq!(item.get(), 4 * value + 1);
                item.release();
                let item = one.read_ahead().expect("an item comes");
                assert_eq!(item.value, 4 * value + 2);
                assert_eq!(one.release_through(item.position), Ok(1));
                one.wait(Limit::Unlimited).expect("an item comes");
                assert_eq!(one.try_recv(), Ok(4 * value + 3));
            }
        });
    });
}

#[test]
fn a_wait_promises_a_publisher_that_the_next_try_succeeds() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        thread::scope(|scope| {
            scope.spawn(move || {
                for value in 0..1000 {
                    tx.wait(Limit::Unlimited).expect("room comes");
                    tx.try_publish(value).expect("the room that was waited for");
                }
            });
            for value in 0..1000 {
                rx.wait(Limit::Unlimited).expect("an item comes");
                assert_eq!(rx.try_recv(), Ok(value));
            }
        });
    });
}
