//! The end of a ring: pushes fail, pops drain.

use std::thread;
use std::time::Duration;

use ringfence::{PopError, PushError};

use crate::common::{Backing, for_each_backing};
use crate::{PATIENCE, TestRing, drain, numbers, two_consumers};

const SHORT: Duration = Duration::from_millis(5);

/// Closes from the ring, from a producer, from a consumer.
const CLOSES: [fn(&TestRing<u64>); 3] = [
    |ring| ring.close(),
    |ring| ring.opened_again().producer().expect("an entry").close(),
    |ring| ring.opened_again().consumer().expect("an entry").close(),
];

fn for_each_close(body: impl Fn(Backing, &dyn Fn(&TestRing<u64>))) {
    for_each_backing(|backing| CLOSES.iter().for_each(|close| body(backing, close)));
}

#[test]
fn whoever_closes_pushes_fail_and_pops_drain() {
    for_each_close(|backing, close| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        let mut other = tx.try_clone().expect("an entry");
        tx.try_push_slice(&[1, 2]).expect("room");
        assert!(!ring.is_closed());
        close(&ring);
        assert!(ring.is_closed() && ring.opened_again().is_closed());
        for tx in [&mut tx, &mut other] {
            assert_eq!(tx.try_push(3), Err(PushError::Closed));
            assert_eq!(tx.push(3), Err(PushError::Closed));
            assert_eq!(tx.push_timeout(3, SHORT), Err(PushError::Closed));
            assert_eq!(tx.try_push_slice(&[3]), Err(PushError::Closed));
            assert_eq!(tx.push_slice(&[3]), Err(PushError::Closed));
            assert_eq!(tx.wait(SHORT), Err(PushError::Closed));
            assert!(!tx.push_or_drop(3));
        }
        assert_eq!(drain(&mut rx), [(1, false), (2, false)]);
        for _ in 0..2 {
            assert_eq!(rx.try_pop(), Err(PopError::Closed));
            assert_eq!(rx.pop(), Err(PopError::Closed));
            assert_eq!(rx.pop_timeout(SHORT), Err(PopError::Closed));
            assert_eq!(rx.try_pop_slice(&mut [0]), Err(PopError::Closed));
            assert_eq!(rx.try_read().err(), Some(PopError::Closed));
            assert_eq!(rx.try_read_ahead(), Err(PopError::Closed));
            assert_eq!(rx.wait(SHORT), Err(PopError::Closed));
        }
    });
}

#[test]
fn a_close_is_final_and_can_be_repeated() {
    for_each_close(|backing, close| {
        let ring = numbers(backing, 4);
        close(&ring);
        for again in CLOSES {
            again(&ring);
        }
        let (mut tx, mut rx) = ring.ends();
        assert_eq!((tx.try_push(1), rx.try_pop()), (Err(PushError::Closed), Err(PopError::Closed)));
    });
}

#[test]
fn a_full_ring_can_be_closed_and_drained() {
    for_each_close(|backing, close| {
        let ring = numbers(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..3 {
            tx.try_push_slice(&[lap, lap]).expect("room");
            if lap < 2 {
                rx.try_pop_slice(&mut [0; 2]).expect("items");
            }
        }
        assert_eq!(tx.try_push(9), Err(PushError::Full));
        close(&ring);
        assert_eq!((tx.try_push(9), ring.len()), (Err(PushError::Closed), 2));
        assert_eq!(drain(&mut rx), [(2, false), (2, false)]);
        assert_eq!((rx.try_pop(), tx.try_push(9)), (Err(PopError::Closed), Err(PushError::Closed)));
    });
}

#[test]
fn a_dropped_handle_closes_nothing() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (tx, rx) = ring.ends();
        drop((tx, rx));
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        tx.try_push(1).expect("room");
        assert_eq!((rx.try_pop(), ring.is_closed()), (Ok(1), false));
    });
}

#[test]
fn a_closed_ring_is_not_drained_while_another_consumer_has_an_item() {
    for_each_close(|backing, close| {
        let ring = numbers(backing, 4);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1]).expect("room");
        let by = one.index();
        let item = one.try_read().expect("an item");
        close(&ring);
        assert_eq!(two.try_pop(), Ok(1));
        for _ in 0..3 {
            assert_eq!(two.try_pop(), Err(PopError::Held { by }));
            assert_eq!(two.try_read().err(), Some(PopError::Held { by }));
            assert_eq!(two.try_pop_slice(&mut [0; 2]), Err(PopError::Held { by }));
            assert_eq!(two.pop_timeout(SHORT), Err(PopError::Held { by }));
            assert_eq!(two.wait(SHORT), Err(PopError::Held { by }));
        }
        item.release();
        assert_eq!([two.try_pop(), one.try_pop()], [Err(PopError::Closed); 2]);
    });
}

#[test]
fn an_item_given_back_after_the_close_is_delivered_before_the_end() {
    for_each_close(|backing, close| {
        let ring = numbers(backing, 4);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push(5).expect("room");
        let by = one.index();
        let item = one.try_read().expect("an item");
        close(&ring);
        assert_eq!(two.try_pop(), Err(PopError::Held { by }));
        drop(item);
        assert_eq!(drain(&mut two), [(5, true)]);
        assert_eq!([one.try_pop(), two.try_pop()], [Err(PopError::Closed); 2]);
    });
}

#[test]
fn what_a_consumer_has_read_ahead_itself_does_not_keep_it_from_the_end() {
    for_each_close(|backing, close| {
        let ring = numbers(backing, 4);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1]).expect("room");
        let items = [(); 2].map(|()| one.try_read_ahead().expect("an item"));
        close(&ring);
        assert_eq!(one.try_read_ahead(), Err(PopError::Closed));
        assert_eq!(two.try_pop(), Err(PopError::Held { by: one.index() }));
        assert_eq!(one.release_through(items[0].position), Ok(1));
        drop(one);
        assert_eq!(drain(&mut two), [(1, true)]);
        assert_eq!(two.try_pop(), Err(PopError::Closed));
    });
}

#[test]
fn a_pop_that_waits_for_another_consumers_last_item_ends_with_its_release() {
    for_each_close(|backing, close| {
        let ring = numbers(backing, 4);
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        tx.try_push_slice(&[0, 1]).expect("room");
        let item = one.try_read().expect("an item");
        assert_eq!(two.try_pop(), Ok(1));
        close(&ring);
        thread::scope(|scope| {
            let popping = scope.spawn(|| two.pop_timeout(PATIENCE));
            thread::sleep(SHORT);
            item.release();
            assert_eq!(popping.join().expect("no panic"), Err(PopError::Closed));
        });
    });
}

#[test]
fn a_close_ends_every_call_that_waits() {
    for_each_close(|backing, close| {
        let (full, empty) = (numbers(backing, 2), numbers(backing, 2));
        full.producer().expect("an entry").try_push_slice(&[0, 1]).expect("room");
        thread::scope(|scope| {
            let pushes = [(); 3].map(|()| {
                let mut tx = full.producer().expect("an entry");
                scope.spawn(move || tx.push_timeout(2, PATIENCE).map(drop))
            });
            let pops = [(); 3].map(|()| {
                let mut rx = empty.consumer().expect("an entry");
                scope.spawn(move || rx.pop_timeout(PATIENCE))
            });
            thread::sleep(SHORT);
            close(&full);
            close(&empty);
            for push in pushes {
                assert_eq!(push.join().expect("no panic"), Err(PushError::Closed));
            }
            for pop in pops {
                assert_eq!(pop.join().expect("no panic"), Err(PopError::Closed));
            }
        });
    });
}

#[test]
fn a_push_beside_a_close_is_delivered_or_refused_never_both() {
    for_each_close(|backing, close| {
        for round in 0..30 {
            let ring = numbers(backing, 64);
            let mut rx = ring.consumer().expect("an entry");
            thread::scope(|scope| {
                let pushing = [0, 1].map(|me| {
                    let mut tx = ring.producer().expect("an entry");
                    scope.spawn(move || {
                        let values = (0..).map(|number| number << 1 | me);
                        values.take_while(|value| tx.push(*value).is_ok()).count() as u64
                    })
                });
                let popping = scope.spawn(move || {
                    let mut next = [0; 2];
                    loop {
                        match rx.pop_timeout(PATIENCE) {
                            Ok(value) => {
                                let next = &mut next[value as usize & 1];
                                assert_eq!(value >> 1, *next);
                                *next += 1;
                            }
                            Err(error) => break assert_eq!(error, PopError::Closed),
                        }
                    }
                    next
                });
                thread::sleep(Duration::from_micros(round * 37));
                close(&ring);
                let pushed = pushing.map(|it| it.join().expect("no panic"));
                assert_eq!(popping.join().expect("no panic"), pushed);
            });
        }
    });
}
