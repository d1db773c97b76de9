//! The protocol of `spsc`: publish, release, batches, close, and both takeovers.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use ringfence::model::spsc::{Consumer, Pop, Producer, Ring};

use crate::check;

/// Just below the wrap of the positions, so that every model crosses it.
const START: u64 = (1 << 62) - 1;

fn push(producer: &mut Producer, value: u64) {
    while !producer.try_push(value) {
        thread::yield_now();
    }
}

fn pop(consumer: &mut Consumer) -> (u64, bool) {
    loop {
        match consumer.try_pop(|| false) {
            Pop::Item(value, seen) => return (value, seen),
            Pop::Empty => thread::yield_now(),
            Pop::Closed => panic!("nobody closes"),
        }
    }
}

#[test]
fn items_arrive_whole_and_in_order() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx) = (ring.producer(), ring.consumer(false));
        let producer = thread::spawn(move || (1..=4).for_each(|value| push(&mut tx, value)));
        for value in 1..=4 {
            assert_eq!(pop(&mut rx), (value, false));
        }
        producer.join().expect("no panic");
    });
}

#[test]
fn batches_arrive_whole_and_in_order() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx) = (ring.producer(), ring.consumer(false));
        let producer = thread::spawn(move || {
            let mut rest: &[u64] = &[1, 2, 3];
            while !rest.is_empty() {
                match tx.try_push_slice(rest) {
                    0 => thread::yield_now(),
                    count => rest = &rest[count..],
                }
            }
        });
        let mut received = Vec::new();
        while received.len() < 3 {
            let mut values = [0; 2];
            match rx.try_pop_slice(&mut values) {
                0 => thread::yield_now(),
                count => received.extend_from_slice(&values[..count]),
            }
        }
        assert_eq!(received, [1, 2, 3]);
        producer.join().expect("no panic");
    });
}

#[test]
fn a_close_comes_after_every_item() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx) = (ring.producer(), ring.consumer(false));
        let producer = thread::spawn(move || {
            push(&mut tx, 1);
            push(&mut tx, 2);
            tx.close();
        });
        let mut received = Vec::new();
        loop {
            match rx.try_pop(|| false) {
                Pop::Item(value, _) => received.push(value),
                Pop::Empty => thread::yield_now(),
                Pop::Closed => break,
            }
        }
        assert_eq!(received, [1, 2]);
        producer.join().expect("no panic");
    });
}

#[test]
fn a_close_by_somebody_else_loses_no_accepted_item() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx) = (ring.producer(), ring.consumer(false));
        // The producer's lock byte: given back with the last word of its owner, as the kernel does.
        let gone = Arc::new(AtomicBool::new(false));
        let unlocked = Arc::clone(&gone);
        let producer = thread::spawn(move || {
            let accepted =
                (1..=2).take_while(|value| tx.try_push_unless_closed(*value) == Some(true)).count();
            drop(tx);
            unlocked.store(true, Ordering::Release);
            accepted
        });
        ring.close();
        let mut received = 0;
        loop {
            match rx.try_pop(|| gone.load(Ordering::Acquire)) {
                Pop::Item(value, _) => {
                    received += 1;
                    assert_eq!(value, received);
                }
                Pop::Empty => thread::yield_now(),
                Pop::Closed => break,
            }
        }
        assert_eq!(received, producer.join().expect("no panic") as u64);
    });
}

#[test]
fn a_second_producer_goes_on_behind_the_last_committed_item() {
    for committed in [false, true] {
        check(move || {
            let ring = Ring::new(2, START);
            let (mut first, mut rx) = (ring.producer(), ring.consumer(false));
            let producers = thread::spawn(move || {
                push(&mut first, 1);
                let second_value_in = if committed {
                    first.die_after_stamp(2)
                } else {
                    first.die_before_commit(9);
                    false
                };
                // The lock is free: the successor attaches.
                let mut second = ring.producer();
                let rest = if second_value_in { 3 } else { 2 };
                (rest..=3).for_each(|value| push(&mut second, value));
            });
            for value in 1..=3 {
                assert_eq!(pop(&mut rx), (value, false));
            }
            producers.join().expect("no panic");
        });
    }
}

#[test]
fn a_second_consumer_gets_what_was_not_released_and_is_told_what_was_seen() {
    for (looks, releases) in [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)] {
        check(move || {
            let ring = Ring::new(2, START);
            let (mut tx, mut first) = (ring.producer(), ring.consumer(false));
            let producer = thread::spawn(move || (1..=3).for_each(|value| push(&mut tx, value)));
            for value in 1..=looks {
                while match first.try_read_ahead() {
                    Pop::Item(found, seen) => {
                        assert_eq!((found, seen), (value, false));
                        false
                    }
                    _ => true,
                } {
                    thread::yield_now();
                }
            }
            if releases > 0 {
                first.release(releases);
            }
            drop(first); // dies: its thread goes on as the successor
            let mut second = ring.consumer(true);
            for value in releases + 1..=3 {
                let (found, seen) = pop(&mut second);
                assert_eq!(found, value);
                assert!(seen || value > looks, "item {value} was looked at and comes again unflagged");
            }
            producer.join().expect("no panic");
        });
    }
}

#[test]
fn both_sides_sleep_and_lose_nothing() {
    check(|| {
        let ring = Ring::with_bells(2, START);
        let (mut tx, mut rx) = (ring.producer(), ring.consumer(false));
        let producer = thread::spawn(move || (1..=3).for_each(|value| tx.push(value)));
        for value in 1..=3 {
            assert_eq!(rx.pop(), Some(value));
        }
        producer.join().expect("no panic");
    });
}

#[test]
fn a_close_wakes_who_sleeps() {
    check(|| {
        let ring = Ring::with_bells(2, START);
        let (mut tx, mut rx) = (ring.producer(), ring.consumer(false));
        let producer = thread::spawn(move || {
            tx.push(1);
            tx.close();
        });
        assert_eq!(rx.pop(), Some(1));
        assert_eq!(rx.pop(), None);
        producer.join().expect("no panic");
    });
}

#[test]
fn an_item_of_a_producer_that_died_before_it_rang_wakes_who_sleeps() {
    check(|| {
        let ring = Ring::with_bells(2, START);
        let (first, mut rx) = (ring.producer(), ring.consumer(false));
        let producers = thread::spawn(move || {
            assert!(first.die_after_stamp(1));
            // The lock is free: the successor attaches.
            let mut second = ring.producer();
            ring.ring_out();
            second.push(2);
        });
        for value in 1..=2 {
            assert_eq!(rx.pop(), Some(value));
        }
        producers.join().expect("no panic");
    });
}

/// The canary: if this passes, the models see nothing.
#[test]
#[should_panic(expected = "Causality violation")]
fn a_consumer_that_ignores_the_stamp_is_caught() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx) = (ring.producer(), ring.consumer(false));
        let producer = thread::spawn(move || tx.try_push(1));
        rx.pop_blindly();
        producer.join().expect("no panic");
    });
}
