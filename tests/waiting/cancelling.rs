//! Ending a wait from another thread.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use ringfence::{Canceller, WaitError, WaitSet};

use crate::common::for_each_backing;
use crate::{PATIENCE, alone, ready};

fn assert_shared_between_threads<T: Send + Sync + Clone>(_: &T) {}

#[test]
fn a_cancel_before_a_wait_ends_the_next_one_and_no_other() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, rx) = ring.ends();
        let mut set = alone(rx.doorbell());
        let canceller = set.canceller();
        assert_shared_between_threads(&canceller);
        let mut list = Vec::new();
        for limit in [Duration::ZERO, PATIENCE, Duration::MAX] {
            canceller.cancel();
            assert_eq!(set.wait_timeout(&mut list, limit), Err(WaitError::Cancelled));
            assert_eq!(set.wait_timeout(&mut list, Duration::ZERO), Err(WaitError::Timeout));
        }

        tx.try_push(1).expect("room");
        canceller.cancel();
        assert_eq!(set.poll(&mut list), 1, "a poll is no wait");
        assert_eq!(set.wait(&mut list), Err(WaitError::Cancelled));
        assert!(list.is_empty());
        assert_eq!(ready(&mut set).len(), 1);
    });
}

#[test]
fn cancels_that_come_before_the_wait_returns_are_one() {
    let mut set = WaitSet::<()>::new();
    let cancellers: [Canceller; 3] = std::array::from_fn(|_| set.canceller());
    for canceller in &cancellers {
        canceller.cancel();
        canceller.clone().cancel();
    }
    assert_eq!(set.wait(&mut Vec::new()), Err(WaitError::Cancelled));
    assert_eq!(set.wait_timeout(&mut Vec::new(), Duration::ZERO), Err(WaitError::Timeout));
}

#[test]
fn a_cancel_ends_the_wait_that_goes_on_each_time() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let rx = ring.consumer().expect("the role");
        let mut set = alone(rx.doorbell());
        let canceller = set.canceller();
        let (ended, ends) = channel();
        let waiting = thread::spawn(move || {
            for _ in 0..500 {
                let result = set.wait_timeout(&mut Vec::new(), PATIENCE);
                ended.send(result).expect("somebody listens");
            }
            set.wait_timeout(&mut Vec::new(), Duration::ZERO)
        });
        for _ in 0..500 {
            canceller.cancel();
            assert_eq!(ends.recv(), Ok(Err(WaitError::Cancelled)));
        }
        assert_eq!(waiting.join().expect("no panic"), Err(WaitError::Timeout));
    });
}

#[test]
fn an_empty_set_waits_for_its_canceller() {
    let mut set = WaitSet::<u8>::new();
    let canceller = set.canceller();
    let waiting = thread::spawn(move || set.wait(&mut Vec::new()));
    thread::sleep(Duration::from_millis(20));
    canceller.cancel();
    assert_eq!(waiting.join().expect("no panic"), Err(WaitError::Cancelled));
}

#[test]
fn a_canceller_outlives_its_set() {
    let canceller = WaitSet::<u8>::new().canceller();
    canceller.cancel();
    assert!(format!("{canceller:?}").contains("Canceller"));
}

#[test]
fn what_was_done_before_a_cancel_is_seen_after_it() {
    let mut set = WaitSet::<()>::new();
    let canceller = set.canceller();
    let note = Mutex::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            *note.lock().expect("no panic") = 7;
            canceller.cancel();
        });
        assert_eq!(set.wait_timeout(&mut Vec::new(), PATIENCE), Err(WaitError::Cancelled));
        assert_eq!(*note.lock().expect("no panic"), 7);
    });
}
