//! Positions count modulo 2^52: rings that start just below every power of two that something could break at.

use std::mem::forget;

use ringfence::mpmc::Options;
use ringfence::{PopError, Position, PushError, ReleaseError};

use crate::common::for_each_backing;
use crate::{TestRing, drain, two_consumers};

const CAPACITY: u64 = 4;
const WRAP: u64 = 1 << 52;

fn for_each_start(body: impl Fn(Position, TestRing<u64>)) {
    for_each_backing(|backing| {
        for boundary in [1 << 12, 1 << 32, 1 << 40, 1 << 51, WRAP] {
            for back in [0, 1, 2, 3, CAPACITY, CAPACITY + 1, 2 * CAPACITY - 1] {
                let start = Position::from_bits((boundary - back) % WRAP);
                println!("start: {start}");
                let options = Options::<u64>::new(CAPACITY as usize).start_at(start);
                body(start, backing.create(options));
            }
        }
    });
}

/// The position `steps` behind `start`.
fn after(start: Position, steps: u64) -> Position {
    Position::from_bits((start.to_bits() + steps) % WRAP)
}

#[test]
fn positions_are_compared_by_distance_across_the_wrap() {
    let ring = Options::<u64>::new(2).start_at(Position::from_bits(WRAP - 1)).in_process().expect("a ring");
    let mut tx = ring.producer().expect("an entry");
    let (last, first) = (tx.try_push(1).expect("room"), tx.try_push(2).expect("room"));
    assert_eq!((last, first, last.next()), (Position::from_bits(WRAP - 1), Position::from_bits(0), first));
    assert_eq!((first.since(last), last.since(first), last.since(last)), (1, -1, 0));
    // One of them may have been stored as a number.
    assert_eq!(Position::from_bits(0).since(last), 1);
    assert_eq!(first.since(Position::from_bits(WRAP - 5)), 5);
    assert_eq!(Position::from_bits(first.to_bits()).since(first), 0);
}

#[test]
fn items_keep_order_and_positions_across_every_boundary() {
    for_each_start(|start, ring| {
        let (mut tx, mut rx) = ring.ends();
        let mut other = tx.try_clone().expect("an entry");
        let (mut pushed, mut popped) = (0, 0);
        for fill in [1, 4, 2, 3, 4, 4, 1] {
            for _ in 0..fill {
                let tx = if pushed % 2 == 0 { &mut tx } else { &mut other };
                let position = tx.try_push(pushed).expect("room");
                assert_eq!((position, position.since(start)), (after(start, pushed), pushed as i64));
                pushed += 1;
            }
            if fill == CAPACITY {
                assert_eq!(tx.try_push(0), Err(PushError::Full));
            }
            assert_eq!(ring.len() as u64, fill);
            assert_eq!(ring.positions(), (after(start, popped), after(start, pushed)));
            while popped < pushed {
                assert_eq!(rx.try_pop(), Ok(popped));
                assert_eq!(rx.last().expect("a delivery").first, after(start, popped));
                popped += 1;
            }
            assert_eq!((rx.try_pop(), ring.len()), (Err(PopError::Empty), 0));
        }
    });
}

#[test]
fn batches_and_slices_run_across_every_boundary() {
    for_each_start(|start, ring| {
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        for lap in 0..6 {
            let (batch, first) = ([lap, lap + 1, lap + 2], 3 * lap);
            assert_eq!(tx.try_push_slice(&batch), Ok(3));
            let items = one.try_read_slice(8).expect("items");
            assert_eq!(items.position(), after(start, first));
            assert!(items.iter().eq(batch));
            items.release_first(1);
            for step in 1..3 {
                assert_eq!(two.try_pop_slice(&mut [0; 8]), Ok(1), "what comes again comes alone");
                let last = two.last().expect("a delivery");
                assert_eq!((last.first, last.redelivered), (after(start, first + step), true));
            }
        }
        let mut out = [0; 8];
        for lap in 0..6 {
            assert_eq!(tx.try_push_slice(&[lap, lap + 1, lap + 2]), Ok(3));
            assert_eq!((one.try_pop_slice(&mut out), &out[..3]), (Ok(3), &[lap, lap + 1, lap + 2][..]));
        }
    });
}

#[test]
fn reading_ahead_releases_by_position_across_every_boundary() {
    for_each_start(|start, ring| {
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..4 {
            let first = lap * CAPACITY;
            assert_eq!(tx.try_push_slice(&[0, 1, 2, 3]), Ok(4));
            for step in 0..CAPACITY {
                let item = rx.try_read_ahead().expect("an item");
                assert_eq!((item.position, item.redelivered), (after(start, first + step), false));
            }
            assert_eq!(rx.try_read_ahead(), Err(PopError::Empty));
            let beyond = rx.release_through(after(start, first + 4));
            assert_eq!(beyond, Err(ReleaseError::NotRead { beyond: 1 }));
            assert_eq!(rx.release_through(after(start, first + 1)), Ok(2));
            rx.give_ahead_back();
            for step in 2..4 {
                let item = rx.try_read_ahead().expect("an item");
                assert_eq!((item.position, item.redelivered), (after(start, first + step), true));
            }
            assert_eq!(rx.release_through(after(start, first + 3)), Ok(2));
            assert_eq!(rx.release_through(after(start, first)), Ok(0));
        }
    });
}

#[test]
fn items_are_given_back_and_taken_again_across_every_boundary() {
    for_each_start(|start, ring| {
        let (mut tx, [mut one, mut two]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        for lap in 0..4 {
            assert_eq!(tx.try_push_slice(&[0, 1, 2, 3, 4]), Ok(4));
            assert_eq!(tx.try_push(9), Err(PushError::Full));
            let by = one.index();
            let items = one.try_read_slice(2).expect("items");
            assert_eq!(tx.try_push(9), Err(PushError::Held { by }));
            drop(items);
            for step in 0..2 {
                let item = two.try_read().expect("an item");
                assert_eq!((item.position(), item.redeliveries()), (after(start, 4 * lap + step), 1));
                item.release();
            }
            assert_eq!(drain(&mut one), [(2, false), (3, false)]);
        }
    });
}

#[test]
fn a_crash_across_every_boundary_loses_nothing() {
    for_each_start(|_, ring| {
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
        rx.try_pop().expect("an item");
        forget(rx.try_read_slice(2).expect("items"));
        tx.try_push(4).expect("room");
        let Some(ring) = ring.as_after_a_crash() else { return };
        assert_eq!(ring.repair().expect("a sound ring").items.len(), 2);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(drain(&mut rx), [(1, true), (2, true), (3, false), (4, false)]);
        assert_eq!(tx.try_push_slice(&[0; 5]), Ok(4));
    });
}

#[test]
fn a_ring_is_closed_and_drained_across_every_boundary() {
    for_each_start(|_, ring| {
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2]).expect("room");
        assert_eq!(rx.try_pop(), Ok(0));
        ring.close();
        assert_eq!(tx.try_push(3), Err(PushError::Closed));
        assert_eq!(drain(&mut rx), [(1, false), (2, false)]);
        assert_eq!((rx.try_pop(), tx.try_push(3)), (Err(PopError::Closed), Err(PushError::Closed)));
    });
}

#[test]
fn bytes_cross_the_wrap() {
    for_each_backing(|backing| {
        let options = Options::<[u8]>::new(4, 8).start_at(Position::from_bits(WRAP - 2));
        let ring = backing.create(options);
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = Vec::new();
        for value in 0..20_u8 {
            let position = tx.try_push(&[value; 5]).expect("room");
            assert_eq!(position, after(Position::from_bits(WRAP - 2), value.into()));
            assert_eq!(rx.try_pop_to(&mut buffer), Ok(5));
            assert_eq!(buffer, [value; 5]);
        }
    });
}
