//! Subscribers that live and hold the publisher up for longer than the ring's creator wanted.

use std::thread;
use std::time::{Duration, Instant};

use ringfence::broadcast::{Gate, GateStatus, GatedSubscriber, Options, Publisher, Start};
use ringfence::{PushError, RecvError};

use crate::common::{Backing, for_each_backing};
use crate::{PATIENCE, TestRing, at, drain_gated, join, lagged, publish};

const TIME: Duration = Duration::from_millis(20);

fn ring(backing: Backing) -> TestRing<u64> {
    backing.create(Options::<u64>::new(4).gated(1).gate("recorder").demote_after(TIME))
}

/// A publisher and a subscriber that was demoted when item 4 was published.
fn demoted(ring: &TestRing<u64>, gate: Gate<'_>) -> (Publisher<u64>, GatedSubscriber<u64>) {
    let mut tx = ring.publisher().expect("the role");
    let rx = ring.opened_again().subscribe_gated(gate, Start::Newest).expect("a gate");
    publish(&mut tx, 0..4);
    assert!(!rx.is_demoted());
    let begun = Instant::now();
    tx.publish_timeout(4, PATIENCE).expect("it is demoted");
    assert!(begun.elapsed() >= TIME);
    assert!(rx.is_demoted());
    (tx, rx)
}

#[test]
fn a_subscriber_that_stalls_for_too_long_is_demoted_and_told_what_it_misses() {
    for_each_backing(|backing| {
        for gate in [Gate::Any, Gate::Named("recorder")] {
            let ring = ring(backing);
            let (mut tx, mut rx) = demoted(&ring, gate);
            let report = &ring.gates()[rx.index() as usize - 1];
            assert_eq!((report.status, ring.blocked_on()), (GateStatus::Demoted, None));
            publish(&mut tx, 5..10);
            assert_eq!(rx.try_recv(), Err(lagged(6, 6)));
            assert_eq!(drain_gated(&mut rx), [(6, false), (7, false), (8, false), (9, false)]);
            publish(&mut tx, 10..30);
            assert_eq!(rx.recv(), Err(lagged(16, 26)), "it goes on as one without a gate");
            assert_eq!(drain_gated(&mut rx).len(), 4);
            assert!(rx.is_demoted());
        }
    });
}

#[test]
fn a_subscriber_that_releases_in_time_is_never_demoted() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(2).gated(1).demote_after(PATIENCE));
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..20 {
                    thread::sleep(Duration::from_millis(1));
                    assert_eq!(rx.recv(), Ok(number));
                }
                assert!(!rx.is_demoted());
            });
            for number in 0..20 {
                tx.publish(number).expect("it is slow, not stalled");
            }
        });
    });
}

#[test]
fn without_a_limit_the_publisher_waits_for_whoever_lives() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(2).gated(1));
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        publish(&mut tx, 0..2);
        assert_eq!(tx.publish_timeout(2, TIME * 3), Err(PushError::Timeout));
        assert!(!rx.is_demoted());
        assert_eq!(drain_gated(&mut rx).len(), 2);
    });
}

#[test]
fn a_publisher_that_only_tries_demotes_as_well() {
    for_each_backing(|backing| {
        let ring = ring(backing);
        let mut tx = ring.publisher().expect("the role");
        let rx = join(&ring, Start::Newest);
        publish(&mut tx, 0..4);
        let begun = Instant::now();
        while tx.try_publish(4).is_err() {
            assert!(begun.elapsed() < PATIENCE);
            thread::yield_now();
        }
        assert!(begun.elapsed() >= TIME && rx.is_demoted());
    });
}

#[test]
fn what_a_guard_holds_stays_valid_when_the_slot_is_overwritten() {
    for_each_backing(|backing| {
        let ring = ring(backing);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        publish(&mut tx, 7..11);
        let item = rx.try_read().expect("an item");
        tx.publish_timeout(11, PATIENCE).expect("it is demoted");
        publish(&mut tx, 12..30);
        assert_eq!((*item, item.get(), item.position()), (7, 7, at(0)));
        item.release();
        assert_eq!(rx.try_recv(), Err(lagged(18, 19)));
    });
}

#[test]
fn what_was_read_ahead_counts_neither_as_missed_nor_twice() {
    for_each_backing(|backing| {
        let ring = ring(backing);
        let (mut tx, mut rx) = {
            let mut tx = ring.publisher().expect("the role");
            let mut rx = join(&ring, Start::Newest);
            publish(&mut tx, 0..4);
            assert_eq!(
                (rx.try_read_ahead().map(|it| it.value), rx.try_read_ahead().map(|it| it.value)),
                (Ok(0), Ok(1))
            );
            tx.publish_timeout(4, PATIENCE).expect("it is demoted");
            (tx, rx)
        };
        publish(&mut tx, 5..10);
        assert_eq!(rx.try_read_ahead(), Err(lagged(4, 6)), "0 and 1 were delivered, 2 to 5 are gone");
        let item = rx.try_read_ahead().expect("an item");
        assert_eq!((item.value, item.position, item.redelivered), (6, at(6), false));
        assert_eq!(rx.release_through(at(1)), Ok(0));
        assert_eq!(rx.release_through(at(6)), Ok(1));
    });
}

#[test]
fn a_demoted_subscriber_can_join_again() {
    for_each_backing(|backing| {
        for gate in [Gate::Any, Gate::Named("recorder")] {
            let ring = ring(backing);
            let (mut tx, rx) = demoted(&ring, gate);
            drop(rx);
            let mut rx = ring.subscribe_gated(gate, Start::Newest).expect("a gate");
            assert_eq!((rx.is_demoted(), rx.joined_at()), (false, at(5)));
            publish(&mut tx, 5..9);
            assert_eq!(tx.try_publish(9), Err(PushError::Full));
            assert!(drain_gated(&mut rx).into_iter().eq((5..9).map(|it| (it, false))));
            rx.leave();
        }
    });
}

#[test]
fn a_subscriber_that_was_demoted_and_dropped_holds_no_gate_for_a_successor() {
    for_each_backing(|backing| {
        let options = Options::<u64>::new(4).gated(1).gate("recorder").demote_after(TIME);
        let ring = backing.create(options.hold_gates(PATIENCE));
        let (mut tx, rx) = demoted(&ring, Gate::Named("recorder"));
        drop(rx);
        publish(&mut tx, 5..20);
        let mut rx = ring.subscribe_gated("recorder", Start::Newest).expect("the gate");
        assert_eq!((rx.joined_at(), rx.is_demoted(), rx.try_recv()), (at(20), false, Err(RecvError::Empty)));
    });
}

#[test]
fn a_demoted_subscriber_drains_a_closed_ring() {
    for_each_backing(|backing| {
        let ring = ring(backing);
        let (mut tx, mut rx) = demoted(&ring, Gate::Any);
        tx.close();
        assert_eq!(rx.recv(), Err(lagged(1, 1)));
        assert_eq!(drain_gated(&mut rx).len(), 4);
        assert_eq!(rx.recv(), Err(RecvError::Closed));
    });
}

#[test]
fn gates_that_stall_are_given_their_time_at_the_same_time() {
    for_each_backing(|backing| {
        let time = Duration::from_millis(100);
        let take_one_gates_time = |_| {
            let ring = backing.create(Options::<u64>::new(8).gated(3).demote_after(time));
            let mut tx = ring.publisher().expect("the role");
            let gates = [(); 3].map(|()| join(&ring, Start::Newest));
            publish(&mut tx, 0..8);
            let begun = Instant::now();
            tx.publish_timeout(8, PATIENCE).expect("they are demoted");
            assert!(begun.elapsed() >= time && gates.iter().all(|it| it.is_demoted()));
            begun.elapsed() < time * 2
        };
        // Three times one gate's time, whenever it was tried, is no accident.
        assert!((0..20).any(take_one_gates_time));
    });
}

#[test]
fn the_successor_at_a_held_gate_has_all_the_time_before_it_is_demoted() {
    let time = Duration::from_millis(200);
    for_each_backing(|backing| {
        // At once, and after a while in which nobody is there.
        for absent in [Duration::ZERO, time / 10] {
            let options = Options::<u64>::new(8).gate("recorder").demote_after(time);
            let ring = backing.create(options.hold_gates(Duration::from_secs(3600)));
            let mut tx = ring.publisher().expect("the role");
            let first = ring.subscribe_gated("recorder", Start::Newest).expect("the gate");
            publish(&mut tx, 0..8);
            thread::scope(|scope| {
                scope.spawn(move || tx.publish_timeout(8, PATIENCE).expect("it is demoted in the end"));
                thread::sleep(time / 2);
                drop(first);
                thread::sleep(absent);
                let begun = Instant::now();
                let second = ring.subscribe_gated("recorder", Start::Newest).expect("the gate");
                if second.joined_at() != at(0) {
                    println!("skipped: this machine is too slow to be in time");
                    return;
                }
                while !second.is_demoted() {
                    assert!(begun.elapsed() < PATIENCE);
                    thread::sleep(Duration::from_millis(1));
                }
                assert!(begun.elapsed() >= time, "{:?}", begun.elapsed());
            });
        }
    });
}
