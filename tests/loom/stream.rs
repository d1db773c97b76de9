//! The protocol of `stream`: commit, release, close, both takeovers, and records that go round the end of the memory.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use ringfence::model::stream::{Pop, Reader, Records, Ring, Writer};

use crate::check;

/// Just below the wrap of the positions, so that every model crosses it.
const START: u64 = (1 << 62) - 1;

fn push_all(writer: &mut Writer, mut values: &[u64]) {
    while !values.is_empty() {
        match writer.try_push(values).expect("nobody closes") {
            0 => thread::yield_now(),
            count => values = &values[count..],
        }
    }
}

fn pop_all(reader: &mut Reader, count: usize) -> Vec<u64> {
    let mut received = Vec::new();
    while received.len() < count {
        let mut values = [0; 2];
        match reader.try_pop(&mut values, || false) {
            Pop::Items(count, _) => received.extend_from_slice(&values[..count]),
            Pop::Empty => thread::yield_now(),
            Pop::Closed => panic!("nobody closes"),
        }
    }
    received
}

#[test]
fn units_arrive_whole_and_in_order() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx) = (ring.writer(), ring.reader());
        let writer = thread::spawn(move || push_all(&mut tx, &[1, 2, 3, 4]));
        assert_eq!(pop_all(&mut rx, 4), [1, 2, 3, 4]);
        writer.join().expect("no panic");
    });
}

#[test]
fn records_arrive_whole_and_in_order_round_the_end_of_the_memory() {
    check(|| {
        // Two words from the end: the second record goes behind padding.
        let ring = Records::new(32, (1 << 62) - 16);
        let (mut tx, mut rx) = (ring.writer(), ring.reader());
        let writer = thread::spawn(move || {
            for record in [&[][..], &[1], &[2], &[]] {
                while !tx.try_push(record) {
                    thread::yield_now();
                }
            }
        });
        for expected in [&[][..], &[1], &[2], &[]] {
            let record = loop {
                match rx.try_pop() {
                    Some(record) => break record,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(record, expected);
        }
        writer.join().expect("no panic");
    });
}

#[test]
fn a_close_comes_after_everything_committed() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx) = (ring.writer(), ring.reader());
        let writer = thread::spawn(move || {
            push_all(&mut tx, &[1, 2]);
            tx.close();
        });
        let mut received = Vec::new();
        loop {
            let mut values = [0; 2];
            match rx.try_pop(&mut values, || false) {
                Pop::Items(count, _) => received.extend_from_slice(&values[..count]),
                Pop::Empty => thread::yield_now(),
                Pop::Closed => break,
            }
        }
        assert_eq!(received, [1, 2]);
        writer.join().expect("no panic");
    });
}

#[test]
fn a_close_by_somebody_else_loses_nothing_accepted() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx) = (ring.writer(), ring.reader());
        // The writer's lock byte: given back with the last word of its owner, as the kernel does.
        let gone = Arc::new(AtomicBool::new(false));
        let unlocked = Arc::clone(&gone);
        let writer = thread::spawn(move || {
            let accepted = (1..=2).take_while(|value| tx.try_push(&[*value]) == Some(1)).count();
            drop(tx);
            unlocked.store(true, Ordering::Release);
            accepted
        });
        ring.close();
        let mut received = 0;
        loop {
            let mut value = [0];
            match rx.try_pop(&mut value, || gone.load(Ordering::Acquire)) {
                Pop::Items(..) => {
                    received += 1;
                    assert_eq!(value, [received]);
                }
                Pop::Empty => thread::yield_now(),
                Pop::Closed => break,
            }
        }
        assert_eq!(received, writer.join().expect("no panic") as u64);
    });
}

#[test]
fn a_second_writer_goes_on_behind_the_last_commit() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut first, mut rx) = (ring.writer(), ring.reader());
        let writers = thread::spawn(move || {
            push_all(&mut first, &[1]);
            first.die_before_commit(9);
            // The lock is free: the successor attaches.
            push_all(&mut ring.writer(), &[2, 3]);
        });
        assert_eq!(pop_all(&mut rx, 3), [1, 2, 3]);
        writers.join().expect("no panic");
    });
}

#[test]
fn a_second_reader_gets_what_was_not_released_and_is_told_what_was_seen() {
    for (looks, releases) in [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)] {
        check(move || {
            let ring = Ring::new(2, START);
            let (mut tx, mut first) = (ring.writer(), ring.reader());
            let writer = thread::spawn(move || push_all(&mut tx, &[1, 2, 3]));
            for value in 1..=looks {
                let found = loop {
                    match first.try_read_ahead() {
                        Some(found) => break found,
                        None => thread::yield_now(),
                    }
                };
                assert_eq!(found, (value, false));
            }
            if releases > 0 {
                first.release(releases);
            }
            drop(first); // dies: its thread goes on as the successor
            let mut second = ring.reader();
            let mut expected = releases + 1;
            while expected <= 3 {
                let mut value = [0];
                match second.try_pop(&mut value, || false) {
                    Pop::Items(_, seen) => {
                        assert_eq!(value, [expected]);
                        assert_eq!(seen, expected <= looks, "of unit {expected}");
                        expected += 1;
                    }
                    Pop::Empty => thread::yield_now(),
                    Pop::Closed => panic!("nobody closes"),
                }
            }
            writer.join().expect("no panic");
        });
    }
}

#[test]
fn both_sides_sleep_and_lose_nothing() {
    check(|| {
        let ring = Ring::with_bells(2, START);
        let (mut tx, mut rx) = (ring.writer(), ring.reader());
        let writer = thread::spawn(move || {
            let mut rest: &[u64] = &[1, 2, 3];
            while !rest.is_empty() {
                rest = &rest[tx.push(rest)..];
            }
        });
        let mut received = Vec::new();
        while received.len() < 3 {
            let mut values = [0; 2];
            let count = rx.pop(&mut values).expect("nobody closes");
            received.extend_from_slice(&values[..count]);
        }
        assert_eq!(received, [1, 2, 3]);
        writer.join().expect("no panic");
    });
}

#[test]
fn a_close_wakes_who_sleeps() {
    check(|| {
        let ring = Ring::with_bells(2, START);
        let (mut tx, mut rx) = (ring.writer(), ring.reader());
        let writer = thread::spawn(move || {
            tx.push(&[1]);
            tx.close();
        });
        let mut value = [0];
        assert_eq!((rx.pop(&mut value), value), (Some(1), [1]));
        assert_eq!(rx.pop(&mut value), None);
        writer.join().expect("no panic");
    });
}

/// The canary: if this passes, the models see nothing.
#[test]
#[should_panic(expected = "Causality violation")]
fn a_reader_that_ignores_the_cursor_is_caught() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx) = (ring.writer(), ring.reader());
        let writer = thread::spawn(move || tx.try_push(&[1]));
        rx.pop_blindly();
        writer.join().expect("no panic");
    });
}
