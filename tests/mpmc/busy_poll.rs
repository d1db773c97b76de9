//! Rings without doorbells: nobody sleeps, and nobody looks for sleepers.

use std::thread;
use std::time::Duration;

use ringfence::mpmc::Options;
use ringfence::{Attach, Barrier, PopError, PushError, Strategy, WaitError, WaitSet};

use crate::PATIENCE;
use crate::common::for_each_backing;

#[test]
fn every_call_that_waits_spins_whatever_the_strategy_and_the_barrier() {
    for_each_backing(|backing| {
        for strategy in [Strategy::Adaptive, Strategy::Spin, Strategy::Sleep] {
            for barrier in [Barrier::Asymmetric, Barrier::Fenced] {
                let attach = Attach::new().strategy(strategy).barrier(barrier);
                let ring = backing.create(Options::<u64>::new(2).busy_poll(true).attach(attach));
                let (mut tx, mut rx) = ring.ends();
                assert_eq!([tx.barrier(), rx.barrier()], [Barrier::Asymmetric; 2], "nobody needs a fence");
                assert_eq!(rx.pop_timeout(Duration::from_millis(1)), Err(PopError::Timeout));
                thread::scope(|scope| {
                    let mut rx = rx.try_clone().expect("an entry");
                    scope.spawn(move || {
                        (0..20).for_each(|value| assert_eq!(rx.pop_timeout(PATIENCE), Ok(value)))
                    });
                    (0..20).for_each(|value| assert!(tx.push_timeout(value, PATIENCE).is_ok()));
                });
                tx.push_slice(&[0, 1]).expect("room");
                assert_eq!(tx.push_timeout(2, Duration::from_millis(1)), Err(PushError::Timeout));
                assert!(ring.participants().iter().all(|it| it.sleeps == 0));
            }
        }
    });
}

#[test]
fn a_set_refuses_what_has_no_doorbell() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(2).busy_poll(true));
        let (tx, rx) = ring.ends();
        let mut set = WaitSet::new();
        assert_eq!(set.add(tx.doorbell(), ()), Err(WaitError::NoDoorbell));
        assert_eq!(set.add(rx.doorbell(), ()), Err(WaitError::NoDoorbell));
        assert!(set.is_empty());
    });
}
