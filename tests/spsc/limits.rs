//! How long calls wait.

use std::thread;
use std::time::{Duration, Instant};

use ringfence::spsc::{Consumer, Producer};
use ringfence::{Limit, PopError, PushError};

use crate::common::for_each_backing;

fn past() -> Instant {
    let now = Instant::now();
    now.checked_sub(Duration::from_secs(1)).unwrap_or(now)
}

fn assert_pushes_time_out(tx: &mut Producer<u64>, limit: Limit) {
    assert_eq!(tx.push_timeout(9, limit), Err(PushError::Timeout));
    assert_eq!(tx.push_slice_timeout(&[9], limit), Err(PushError::Timeout));
    assert_eq!(tx.claim_timeout(limit).err(), Some(PushError::Timeout));
    assert_eq!(tx.wait(limit), Err(PushError::Timeout));
}

fn assert_pops_time_out(rx: &mut Consumer<u64>, limit: Limit) {
    assert_eq!(rx.pop_timeout(limit), Err(PopError::Timeout));
    assert_eq!(rx.pop_slice_timeout(&mut [0], limit), Err(PopError::Timeout));
    assert_eq!(rx.read_timeout(limit).err(), Some(PopError::Timeout));
    assert_eq!(rx.read_slice_timeout(1, limit).err(), Some(PopError::Timeout));
    assert_eq!(rx.read_ahead_timeout(limit), Err(PopError::Timeout));
    assert_eq!(rx.wait(limit), Err(PopError::Timeout));
}

#[test]
fn no_time_and_moments_in_the_past_time_out() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        for limit in [Duration::ZERO.into(), past().into(), Instant::now().into()] {
            assert_pops_time_out(&mut rx, limit);
        }
        tx.try_push_slice(&[1, 2]).expect("room");
        for limit in [Duration::ZERO.into(), past().into(), Instant::now().into()] {
            assert_pushes_time_out(&mut tx, limit);
        }
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)), "nothing was pushed meanwhile");
    });
}

#[test]
fn what_can_be_done_at_once_is_done_whatever_the_limit() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        for limit in
            [Limit::For(Duration::ZERO), Limit::Until(past()), Limit::For(Duration::MAX), Limit::Unlimited]
        {
            tx.wait(limit).expect("room");
            tx.push_timeout(1, limit).expect("room");
            assert_eq!(tx.push_slice_timeout(&[2, 3], limit), Ok(2));
            tx.claim_timeout(limit).expect("room").write(4).commit().expect("a commit");
            rx.wait(limit).expect("an item");
            assert_eq!(rx.read_ahead_timeout(limit).map(|it| it.value), Ok(1));
            assert_eq!(rx.read_slice_timeout(1, limit).expect("an item").get(0), Some(1));
            rx.read_timeout(limit).expect("an item").release();
            assert_eq!(rx.pop_timeout(limit), Ok(2));
            assert_eq!(rx.pop_slice_timeout(&mut [0; 4], limit), Ok(2));
        }
    });
}

#[test]
fn a_timed_call_does_not_give_up_before_its_time() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        let limit = Duration::from_millis(30);
        let begun = Instant::now();
        assert_eq!(rx.pop_timeout(limit), Err(PopError::Timeout));
        assert!(begun.elapsed() >= limit);

        tx.try_push_slice(&[1, 2]).expect("room");
        let deadline = Instant::now() + limit;
        assert_eq!(tx.push_timeout(3, deadline), Err(PushError::Timeout));
        assert!(Instant::now() >= deadline);
    });
}

#[test]
fn a_duration_beyond_the_end_of_the_clock_is_no_limit() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        thread::scope(|scope| {
            let pushing = scope.spawn(|| {
                for value in 0..1000 {
                    tx.push_timeout(value, Duration::MAX).expect("it waits");
                }
            });
            for value in 0..1000 {
                assert_eq!(rx.pop_timeout(Duration::MAX), Ok(value));
            }
            pushing.join().expect("no panic");
        });
    });
}

#[test]
fn a_wait_promises_that_the_next_try_succeeds() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        thread::scope(|scope| {
            let pushing = scope.spawn(|| {
                for value in 0..1000 {
                    tx.wait(Limit::Unlimited).expect("room comes");
                    tx.try_push(value).expect("the room that was waited for");
                }
            });
            for value in 0..1000 {
                rx.wait(Limit::Unlimited).expect("an item comes");
                assert_eq!(rx.try_pop(), Ok(value));
            }
            pushing.join().expect("no panic");
        });
    });
}

#[test]
fn every_form_that_waits_gets_what_it_waited_for() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        const ROUNDS: u64 = 1000;
        thread::scope(|scope| {
            let pushing = scope.spawn(|| {
                for value in 0..ROUNDS {
                    tx.push(4 * value).expect("room comes");
                    tx.claim().expect("room comes").write(4 * value + 1).commit().expect("a commit");
                    assert_eq!(tx.push_slice(&[4 * value + 2, 4 * value + 3]), Ok(2));
                }
            });
            for value in 0..ROUNDS {
                assert_eq!(rx.pop(), Ok(4 * value));
                let item = rx.read().expect("an item comes");
                assert_eq!(item.get(), 4 * value + 1);
                item.release();
                let item = rx.read_ahead().expect("an item comes");
                assert_eq!(item.value, 4 * value + 2);
                assert_eq!(rx.release_through(item.position), Ok(1));
                let items = rx.read_slice(1).expect("an item comes");
                assert_eq!(items.get(0), Some(4 * value + 3));
                items.release();
            }
            pushing.join().expect("no panic");
        });
    });
}

#[test]
fn a_limit_is_made_from_what_std_uses_for_time() {
    assert_eq!(Limit::from(Duration::from_secs(1)), Limit::For(Duration::from_secs(1)));
    let now = Instant::now();
    assert_eq!(Limit::from(now), Limit::Until(now));
    assert_eq!(Limit::default(), Limit::Unlimited);
}
