//! Sleeping and being woken: no ring is missed, whoever rings, and nobody spins.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use ringfence::spsc::{Consumer, Producer};
use ringfence::{PopError, WaitError, WaitSet};

use crate::common::{Numbers, for_each_backing};
use crate::{PATIENCE, alone, processor_time, ready};

/// How long a sleeper is watched whose processor time is compared with that.
const WATCHED: Duration = Duration::from_millis(400);

#[test]
fn whichever_of_many_rings_is_pushed_to_is_the_one_that_is_ready() {
    for_each_backing(|backing| {
        let rings: Vec<_> = (0..100).map(|_| backing.elements::<u64>(2)).collect();
        let (mut tx, mut rx): (Vec<Producer<u64>>, Vec<Consumer<u64>>) =
            rings.iter().map(|it| it.ends()).unzip();
        let mut set = WaitSet::new();
        for (token, rx) in rx.iter().enumerate() {
            set.add(rx.doorbell(), token).expect("room");
        }
        let (asked, asks) = channel::<usize>();
        thread::scope(|scope| {
            scope.spawn(move || {
                for index in asks {
                    tx[index].push(index as u64).expect("an open ring");
                }
            });
            let mut numbers = Numbers::from_seed(7);
            for _ in 0..300 {
                let index = numbers.below(rx.len());
                asked.send(index).expect("a producer");
                assert_eq!(ready(&mut set), [index]);
                assert_eq!(rx[index].try_pop(), Ok(index as u64));
            }
            drop(asked);
        });
    });
}

#[test]
fn every_item_of_several_producers_is_found_by_one_sleeper() {
    const ITEMS: u64 = 20_000;
    for_each_backing(|backing| {
        let rings: Vec<_> = (0..3).map(|_| backing.elements::<u64>(4)).collect();
        let (tx, mut rx): (Vec<Producer<u64>>, Vec<Consumer<u64>>) = rings.iter().map(|it| it.ends()).unzip();
        let mut set = WaitSet::new();
        for (token, rx) in rx.iter().enumerate() {
            set.add(rx.doorbell(), token).expect("room");
        }
        thread::scope(|scope| {
            for mut tx in tx {
                scope.spawn(move || {
                    for value in 0..ITEMS {
                        tx.push(value).expect("an open ring");
                    }
                    tx.close();
                });
            }
            let mut next = [0; 3];
            let mut open = 3;
            while open > 0 {
                for index in ready(&mut set) {
                    loop {
                        match rx[index].try_pop() {
                            Ok(value) => {
                                assert_eq!(value, next[index]);
                                next[index] += 1;
                            }
                            Err(PopError::Empty) => break,
                            Err(error) => {
                                assert_eq!(error, PopError::Closed);
                                set.retain(|token| token != index);
                                open -= 1;
                                break;
                            }
                        }
                    }
                }
            }
            assert_eq!(next, [ITEMS; 3]);
        });
    });
}

#[test]
fn two_sets_that_share_a_doorbell_are_both_woken() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, rx) = ring.ends();
        let (mut one, mut other) = (alone(rx.doorbell()), alone(rx.doorbell().clone()));
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(ready(&mut one).len(), 1));
            scope.spawn(|| assert_eq!(ready(&mut other).len(), 1));
            thread::sleep(Duration::from_millis(20));
            tx.push(1).expect("room");
        });
    });
}

#[test]
fn a_sleeping_set_uses_next_to_no_processor_time() {
    for_each_backing(|backing| {
        let rings: Vec<_> = (0..100).map(|_| backing.elements::<u64>(2)).collect();
        let ends: Vec<_> = rings.iter().map(|it| it.ends()).collect();
        let mut set = WaitSet::new();
        for (_, rx) in &ends {
            set.add(rx.doorbell(), ()).expect("room");
        }
        let before = processor_time();
        assert_eq!(set.wait_timeout(&mut Vec::new(), WATCHED), Err(WaitError::Timeout));
        assert!(processor_time() - before < WATCHED / 4);
    });
}

#[test]
fn a_set_that_has_one_doorbell_twice_sleeps_and_says_both() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, rx) = ring.ends();
        let mut set = WaitSet::new();
        for token in [1, 2] {
            set.add(rx.doorbell(), token).expect("room");
        }
        let before = processor_time();
        assert_eq!(set.wait_timeout(&mut Vec::new(), WATCHED), Err(WaitError::Timeout));
        assert!(processor_time() - before < WATCHED / 4);
        thread::scope(|scope| {
            scope.spawn(move || tx.push(7).expect("room"));
            assert_eq!(ready(&mut set), [1, 2]);
        });
    });
}

#[test]
fn a_consumer_that_rewinds_wakes_who_waits_for_it() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.push(7).expect("room");
        rx.read_ahead().expect("an item");
        let mut set = alone(rx.doorbell());
        assert_eq!(set.wait_timeout(&mut Vec::new(), Duration::ZERO), Err(WaitError::Timeout));
        thread::scope(|scope| {
            scope.spawn(|| rx.rewind());
            assert_eq!(ready(&mut set).len(), 1);
        });
    });
}

#[test]
fn a_ring_that_a_third_party_closed_wakes_nobody_until_its_producer_leaves() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (tx, mut rx) = ring.ends();
        let mut set = alone(rx.doorbell());
        ring.close();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        let before = processor_time();
        assert_eq!(set.wait_timeout(&mut Vec::new(), WATCHED), Err(WaitError::Timeout));
        assert!(processor_time() - before < WATCHED / 4);

        thread::scope(|scope| {
            scope.spawn(move || drop(tx));
            assert_eq!(ready(&mut set).len(), 1);
        });
        assert_eq!(rx.try_pop(), Err(PopError::Closed));
        assert_eq!(ready(&mut set).len(), 1, "the end stays ready");
    });
}

#[test]
fn a_close_wakes_both_sides() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        let mut room = alone(tx.doorbell());
        thread::scope(|scope| {
            scope.spawn(|| ring.opened_again().close());
            assert_eq!(ready(&mut room).len(), 1);
        });
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)));
        let mut items = alone(rx.doorbell());
        thread::scope(|scope| {
            scope.spawn(move || tx.close());
            assert_eq!(ready(&mut items).len(), 1);
        });
        assert_eq!(rx.try_pop(), Err(PopError::Closed));
    });
}

#[test]
fn a_wait_longer_than_any_slice_ends_when_the_ring_does_at_last() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, rx) = ring.ends();
        let mut set = alone(rx.doorbell());
        thread::scope(|scope| {
            scope.spawn(move || {
                thread::sleep(WATCHED);
                tx.push(1).expect("room");
            });
            assert_eq!(set.wait_timeout(&mut Vec::new(), PATIENCE), Ok(()));
        });
    });
}
