//! Waiting and being woken: nobody is left behind who could go on.

use std::thread;
use std::time::{Duration, Instant};

use ringfence::mpmc::{Consumer, Options, Producer};
use ringfence::{Attach, PopError, PushError, Strategy, WaitError, WaitSet};

use crate::common::{Backing, for_each_backing};
use crate::{PATIENCE, TestRing, numbers};

const SHORT: Duration = Duration::from_millis(10);
/// The longest a call sleeps without a look at its ring: one that takes that long was not woken.
const SLICE: Duration = Duration::from_millis(100);

/// A ring whose calls sleep at once.
fn sleepy(backing: Backing, capacity: usize) -> TestRing<u64> {
    backing.create(Options::<u64>::new(capacity).attach(Attach::new().strategy(Strategy::Sleep)))
}

fn producers<const N: usize>(ring: &TestRing<u64>) -> [Producer<u64>; N] {
    [(); N].map(|()| ring.producer().expect("an entry"))
}

fn consumers<const N: usize>(ring: &TestRing<u64>) -> [Consumer<u64>; N] {
    [(); N].map(|()| ring.consumer().expect("an entry"))
}

/// Runs `round` a few times; most of them must take less time than a sleeper takes that nobody wakes.
fn assert_mostly_woken(mut round: impl FnMut()) {
    const ROUNDS: usize = 20;
    let slow = |_: &usize| {
        let begun = Instant::now();
        round();
        begun.elapsed() >= SLICE
    };
    let slow = (0..ROUNDS).filter(slow).count();
    assert!(slow <= ROUNDS / 2, "{slow} of {ROUNDS} rounds took as long as if nobody had been woken");
}

/// Long enough that those sleep who are about to.
fn fall_asleep() {
    thread::sleep(Duration::from_millis(2));
}

#[test]
fn a_limit_ends_every_wait() {
    for_each_backing(|backing| {
        for strategy in [Strategy::Adaptive, Strategy::Spin, Strategy::Sleep] {
            let ring = backing.create(Options::<u64>::new(2).attach(Attach::new().strategy(strategy)));
            let (mut tx, mut rx) = ring.ends();
            let begun = Instant::now();
            assert_eq!(rx.pop_timeout(SHORT), Err(PopError::Timeout));
            assert_eq!(rx.pop_slice_timeout(&mut [0; 2], SHORT), Err(PopError::Timeout));
            assert_eq!(rx.read_timeout(SHORT).err(), Some(PopError::Timeout));
            assert_eq!(rx.read_slice_timeout(2, SHORT).err(), Some(PopError::Timeout));
            assert_eq!(rx.read_ahead_timeout(SHORT), Err(PopError::Timeout));
            assert_eq!(rx.wait(SHORT), Err(PopError::Timeout));
            tx.try_push_slice(&[0, 1]).expect("room");
            assert_eq!(tx.push_timeout(2, SHORT), Err(PushError::Timeout));
            assert_eq!(tx.push_slice_timeout(&[2], SHORT), Err(PushError::Timeout));
            assert_eq!(tx.wait(SHORT), Err(PushError::Timeout));
            assert!(begun.elapsed() >= 9 * SHORT);
            assert_eq!(tx.push_timeout(2, Instant::now()), Err(PushError::Timeout));
            assert_eq!(tx.push_timeout(2, Duration::ZERO), Err(PushError::Timeout));
        }
    });
}

#[test]
fn whoever_waits_for_an_item_that_is_there_returns_at_once() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        assert_eq!((rx.wait(PATIENCE), tx.wait(PATIENCE)), (Ok(()), Ok(())));
        assert_eq!(rx.wait(Duration::ZERO), Ok(()));
        drop(rx.try_read().expect("an item"));
        assert_eq!(rx.wait(Duration::ZERO), Ok(()), "what was given back is there as well");
        assert_eq!(rx.pop(), Ok(1));
    });
}

#[test]
fn a_push_wakes_a_consumer_and_a_pop_wakes_a_producer() {
    for_each_backing(|backing| {
        let ring = sleepy(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        assert_mostly_woken(|| {
            thread::scope(|scope| {
                let popping = scope.spawn(|| rx.pop_timeout(PATIENCE));
                fall_asleep();
                tx.try_push(1).expect("room");
                assert_eq!(popping.join().expect("no panic"), Ok(1));
            });
        });
        tx.try_push_slice(&[0, 0]).expect("room");
        assert_mostly_woken(|| {
            thread::scope(|scope| {
                let pushing = scope.spawn(|| tx.push_timeout(0, PATIENCE).map(drop));
                fall_asleep();
                assert_eq!(rx.try_pop(), Ok(0));
                assert_eq!(pushing.join().expect("no panic"), Ok(()));
            });
        });
    });
}

#[test]
fn a_released_guard_wakes_a_producer_and_a_dropped_one_a_consumer() {
    for_each_backing(|backing| {
        let ring = sleepy(backing, 2);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), consumers(&ring));
        assert_mostly_woken(|| {
            tx.try_push(5).expect("room");
            let item = one.try_read().expect("an item");
            thread::scope(|scope| {
                let popping = scope.spawn(|| two.pop_timeout(PATIENCE));
                fall_asleep();
                drop(item);
                assert_eq!(popping.join().expect("no panic"), Ok(5));
            });
        });
        tx.try_push(0).expect("room");
        assert_mostly_woken(|| {
            tx.try_push(0).expect("room");
            let item = one.try_read().expect("an item");
            thread::scope(|scope| {
                let pushing = scope.spawn(|| tx.push_timeout(0, PATIENCE).map(drop));
                fall_asleep();
                item.release();
                assert_eq!(pushing.join().expect("no panic"), Ok(()));
            });
            two.try_pop().expect("an item");
        });
    });
}

#[test]
fn a_handle_that_goes_wakes_whoever_gets_what_it_had() {
    for_each_backing(|backing| {
        let ring = sleepy(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        assert_mostly_woken(|| {
            let mut gone = rx.try_clone().expect("an entry");
            tx.try_push(5).expect("room");
            gone.try_read_ahead().expect("an item");
            thread::scope(|scope| {
                let popping = scope.spawn(|| rx.pop_timeout(PATIENCE));
                fall_asleep();
                drop(gone);
                assert_eq!(popping.join().expect("no panic"), Ok(5));
            });
        });
    });
}

#[test]
fn of_several_sleepers_and_an_item_for_each_none_is_left_behind() {
    const SLEEPERS: usize = 4;
    for_each_backing(|backing| {
        let ring = sleepy(backing, 8);
        let mut tx = ring.producer().expect("an entry");
        let mut rx: [_; SLEEPERS] = consumers(&ring);
        for batch in [false, true] {
            assert_mostly_woken(|| {
                thread::scope(|scope| {
                    let popping = rx.each_mut().map(|rx| scope.spawn(|| rx.pop_timeout(PATIENCE)));
                    fall_asleep();
                    if batch {
                        assert_eq!(tx.try_push_slice(&[0, 1, 2, 3]), Ok(SLEEPERS));
                    } else {
                        (0..4).for_each(|value| assert!(tx.try_push(value).is_ok()));
                    }
                    let mut items = popping.map(|it| it.join().expect("no panic").expect("an item"));
                    items.sort_unstable();
                    assert_eq!(items, [0, 1, 2, 3]);
                });
            });
        }
    });
}

#[test]
fn of_several_sleepers_and_a_slot_for_each_none_is_left_behind() {
    const SLEEPERS: usize = 4;
    for_each_backing(|backing| {
        let ring = sleepy(backing, 4);
        let mut tx: [_; SLEEPERS] = producers(&ring);
        let mut rx = ring.consumer().expect("an entry");
        tx[0].try_push_slice(&[9; 4]).expect("room");
        for batch in [false, true] {
            assert_mostly_woken(|| {
                thread::scope(|scope| {
                    let pushing =
                        tx.each_mut().map(|tx| scope.spawn(|| tx.push_timeout(9, PATIENCE).map(drop)));
                    fall_asleep();
                    if batch {
                        assert_eq!(rx.try_pop_slice(&mut [0; 4]), Ok(SLEEPERS));
                    } else {
                        (0..SLEEPERS).for_each(|_| assert_eq!(rx.try_pop(), Ok(9)));
                    }
                    for thread in pushing {
                        assert_eq!(thread.join().expect("no panic"), Ok(()));
                    }
                });
            });
        }
    });
}

#[test]
fn a_sleeper_whose_limit_passes_leaves_the_item_to_another_one() {
    for_each_backing(|backing| {
        let ring = sleepy(backing, 4);
        let (mut tx, [mut hasty, mut patient]) = (ring.producer().expect("an entry"), consumers(&ring));
        assert_mostly_woken(|| {
            thread::scope(|scope| {
                let waiting = scope.spawn(|| patient.pop_timeout(PATIENCE));
                let leaving = scope.spawn(|| hasty.pop_timeout(Duration::from_millis(2)));
                fall_asleep();
                tx.try_push(1).expect("room");
                let first = leaving.join().expect("no panic");
                if first.is_ok() {
                    tx.try_push(1).expect("room");
                }
                assert_eq!(waiting.join().expect("no panic"), Ok(1));
            });
        });
    });
}

#[test]
fn a_consumer_that_sleeps_beside_a_set_that_does_not_take_the_item_gets_it() {
    for_each_backing(|backing| {
        let ring = sleepy(backing, 4);
        let (mut tx, [in_set, mut blocked]) = (ring.producer().expect("an entry"), consumers(&ring));
        let mut set = WaitSet::new();
        set.add(in_set.doorbell(), ()).expect("room");
        assert_mostly_woken(|| {
            thread::scope(|scope| {
                let popping = scope.spawn(|| blocked.pop_timeout(PATIENCE));
                let waiting = scope.spawn(|| set.wait_timeout(&mut Vec::new(), SHORT));
                fall_asleep();
                tx.try_push(1).expect("room");
                // The set's owner may see the item, and does nothing about it.
                let seen = waiting.join().expect("no panic");
                assert!(matches!(seen, Ok(()) | Err(WaitError::Timeout)), "{seen:?}");
                assert_eq!(popping.join().expect("no panic"), Ok(1));
            });
        });
    });
}

#[test]
fn two_sets_and_a_blocked_consumer_take_every_item_once() {
    const ITEMS: u64 = 3000;
    for_each_backing(|backing| {
        let ring = sleepy(backing, 4);
        let [in_set, in_other_set, mut blocked] = consumers(&ring);
        let count = |mut rx: Consumer<u64>| {
            let (mut set, mut ready, mut count) = (WaitSet::new(), Vec::new(), 0);
            set.add(rx.doorbell(), ()).expect("room");
            loop {
                set.wait_timeout(&mut ready, PATIENCE).expect("an item, or the end");
                match rx.try_pop() {
                    Ok(_) => count += 1,
                    Err(PopError::Closed) => return count,
                    Err(error) => {
                        assert!(matches!(error, PopError::Empty | PopError::Held { .. }), "{error}")
                    }
                }
            }
        };
        thread::scope(|scope| {
            let sets = [in_set, in_other_set].map(|rx| scope.spawn(move || count(rx)));
            let alone =
                scope.spawn(move || std::iter::from_fn(|| blocked.pop_timeout(PATIENCE).ok()).count() as u64);
            let mut tx = ring.producer().expect("an entry");
            (0..ITEMS).for_each(|value| assert!(tx.push_timeout(value, PATIENCE).is_ok()));
            ring.close();
            let sets = sets.map(|it| it.join().expect("no panic"));
            assert_eq!(sets[0] + sets[1] + alone.join().expect("no panic"), ITEMS);
        });
    });
}

#[test]
fn a_doorbell_is_ready_where_a_try_call_would_find_something() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        let mut other = rx.try_clone().expect("an entry");
        let (not_full, not_empty) = (tx.doorbell(), other.doorbell());
        // A handle that has not looked yet cannot know that nothing was given back.
        assert_eq!(other.try_pop(), Err(PopError::Empty));
        assert_eq!((not_full.is_ready(), not_empty.is_ready()), (true, false));
        tx.try_push_slice(&[0, 1]).expect("room");
        assert_eq!((not_full.is_ready(), not_empty.is_ready()), (false, true));
        drop(rx.try_read_slice(2).expect("items"));
        assert_eq!((not_full.is_ready(), not_empty.is_ready()), (false, true));
        assert_eq!((other.try_pop(), other.try_pop()), (Ok(0), Ok(1)));
        assert_eq!(other.try_pop(), Err(PopError::Empty));
        assert_eq!((not_full.is_ready(), not_empty.is_ready()), (true, false));
        ring.close();
        assert_eq!((not_full.is_ready(), not_empty.is_ready()), (true, true), "a call would say so");
    });
}
