//! Positions count modulo 2^62: rings that start just below every power of two that something could break at.

use ringfence::broadcast::{Options, Resume, Start};
use ringfence::{Position, PushError, RecvError, ReleaseError};

use crate::common::{Backing, for_each_backing};
use crate::{TestRing, at, drain, drain_gated, join, publish, subscribe};

const CAPACITY: u64 = 4;
const WRAP: u64 = 1 << 62;

/// Starts from which the ring runs across `boundary` within its first laps.
fn starts() -> impl Iterator<Item = Position> {
    [1 << 16, 1 << 31, 1 << 32, 1 << 52, 1 << 61, WRAP].into_iter().flat_map(|boundary| {
        [0, 1, 2, 3, CAPACITY, CAPACITY + 1, 2 * CAPACITY - 1]
            .map(|back| Position::from_bits(boundary - back))
    })
}

fn for_each_start(body: impl Fn(Position, TestRing<u64>, Backing)) {
    for_each_backing(|backing| {
        for start in starts() {
            println!("start: {start}");
            let options = Options::<u64>::new(CAPACITY as usize).gated(2).gate("held");
            let options = options.hold_gates(std::time::Duration::from_secs(3600)).start_at(start);
            body(start, backing.create(options), backing);
        }
    });
}

/// The position `steps` behind `start`.
fn after(start: Position, steps: u64) -> Position {
    at(start.to_bits().wrapping_add(steps))
}

#[test]
fn items_keep_order_and_positions_across_every_boundary() {
    for_each_start(|start, ring, _| {
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        let mut published = 0;
        for fill in [1, 4, 2, 3, 4, 4, 1] {
            for number in published..published + fill {
                assert_eq!(tx.try_publish(number), Ok(after(start, number)));
            }
            if fill == CAPACITY {
                assert_eq!(tx.try_publish(0), Err(PushError::Full));
            }
            assert_eq!((lossy.lag(), gated.lag()), (fill, fill));
            for number in published..published + fill {
                assert_eq!((lossy.try_recv(), gated.try_recv()), (Ok(number), Ok(number)));
                for last in [lossy.last(), gated.last()] {
                    assert_eq!(last.expect("a delivery").first, after(start, number));
                }
            }
            published += fill;
            assert_eq!((lossy.try_recv(), gated.try_recv()), (Err(RecvError::Empty), Err(RecvError::Empty)));
            assert_eq!(lossy.latest(), Ok(published - 1));
            let len = published.min(CAPACITY);
            assert_eq!(ring.positions(), (after(start, published - len), after(start, published)));
        }
    });
}

#[test]
fn gaps_are_counted_across_every_boundary() {
    for_each_start(|start, ring, _| {
        let mut tx = ring.publisher().expect("the role");
        let mut rx = [subscribe(&ring, Start::Newest), subscribe(&ring, Start::Newest)];
        rx[1].set_resume(Resume::Newest);
        for round in 0..4 {
            publish(&mut tx, 10 * round..10 * round + 10);
            let end = 10 * round + 10;
            for (rx, left) in rx.iter_mut().zip([4, 1]) {
                let lagged = RecvError::Lagged { missed: 10 - left, resumed_at: after(start, end - left) };
                assert_eq!(rx.try_recv(), Err(lagged));
                assert!(drain(rx).into_iter().eq(end - left..end));
            }
        }
    });
}

#[test]
fn every_start_is_found_across_every_boundary() {
    for_each_start(|start, ring, _| {
        let mut tx = ring.publisher().expect("the role");
        for published in 0..12 {
            let oldest = published.max(CAPACITY) - CAPACITY;
            assert_eq!(subscribe(&ring, Start::Oldest).position(), after(start, oldest));
            assert_eq!(subscribe(&ring, Start::Newest).position(), after(start, published));
            let mut rx = subscribe(&ring, Start::At(after(start, oldest)));
            assert!(drain(&mut rx).into_iter().eq(oldest..published));
            let mut rx = join(&ring, Start::Oldest);
            assert_eq!((rx.position(), rx.joined_at()), (after(start, oldest), after(start, published)));
            assert_eq!(drain_gated(&mut rx).len() as u64, published - oldest);
            drop(rx);
            publish(&mut tx, published..published + 1);
        }
    });
}

#[test]
fn batches_run_across_every_boundary() {
    for_each_start(|_, ring, _| {
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        for lap in 0..6 {
            let batch = [lap, lap + 1, lap + 2];
            assert_eq!(tx.try_publish_slice(&batch), Ok(3));
            let mut out = [0; 8];
            assert_eq!((lossy.try_recv_slice(&mut out), out[..3] == batch), (Ok(3), true));
            gated.try_read().expect("an item").release();
            assert_eq!((gated.try_recv_slice(&mut out), out[..2] == batch[1..]), (Ok(2), true));
        }
    });
}

#[test]
fn reading_ahead_releases_by_position_across_every_boundary() {
    for_each_start(|start, ring, _| {
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        for lap in 0..4 {
            let first = lap * CAPACITY;
            publish(&mut tx, first..first + 4);
            for step in 0..CAPACITY {
                let item = rx.try_read_ahead().expect("an item");
                assert_eq!((item.position, item.redelivered), (after(start, first + step), false));
            }
            assert_eq!(rx.try_read_ahead(), Err(RecvError::Empty));
            let beyond = rx.release_through(after(start, first + 4));
            assert_eq!(beyond, Err(ReleaseError::NotRead { beyond: 1 }));
            assert_eq!(rx.release_through(after(start, first + 1)), Ok(2));
            rx.rewind();
            assert!(rx.try_read_ahead().expect("an item").redelivered);
            assert!(rx.try_read_ahead().expect("an item").redelivered);
            assert_eq!(rx.release_through(after(start, first + 3)), Ok(2));
        }
    });
}

#[test]
fn roles_and_gates_change_hands_across_every_boundary() {
    for_each_start(|start, ring, _| {
        let held = |ring: &ringfence::broadcast::Ring<u64>| {
            ring.subscribe_gated("held", Start::Newest).expect("the gate")
        };
        drop(held(&ring));
        for step in 0..3 * CAPACITY {
            let mut tx = ring.opened_again().publisher().expect("the role");
            assert_eq!(tx.position(), after(start, step));
            publish(&mut tx, step..step + 1);
            drop(tx);
            let mut rx = held(&ring.opened_again());
            assert_eq!((rx.position(), rx.joined_at()), (after(start, step), after(start, step)));
            assert!(!rx.try_read().expect("an item").redelivered());
            drop(rx);
            assert_eq!(drain_gated(&mut held(&ring)), [(step, true)]);
        }
    });
}

#[test]
fn a_crash_is_survived_across_every_boundary() {
    for_each_start(|start, ring, backing| {
        if backing == Backing::Heap {
            return;
        }
        let mut tx = ring.publisher().expect("the role");
        let mut rx = ring.subscribe_gated("held", Start::Newest).expect("the gate");
        for lap in 0..3 {
            publish(&mut tx, 3 * lap..3 * lap + 3);
            rx.try_read_ahead().expect("an item");
            rx.try_read_ahead().expect("an item");
            let crashed = ring.as_after_a_crash().expect("a file");
            assert_eq!(crashed.publisher().expect("the role").position(), after(start, 3 * lap + 3));
            let mut next = crashed.subscribe_gated("held", Start::Newest).expect("the gate");
            let first = 3 * lap;
            assert_eq!(drain_gated(&mut next), [(first, true), (first + 1, true), (first + 2, false)]);
            assert_eq!(drain_gated(&mut rx).len(), 3);
        }
    });
}

#[test]
fn a_ring_can_go_on_counting_where_another_one_stopped() {
    for_each_backing(|backing| {
        let first = backing.create(Options::<u64>::new(4));
        let mut tx = first.publisher().expect("the role");
        publish(&mut tx, 0..3);
        let second = backing.create(Options::<u64>::new(8).start_at(tx.position()));
        assert_eq!(second.publisher().expect("the role").try_publish(3), Ok(at(3)));
    });
}

#[test]
fn a_batch_behind_a_gap_ends_where_the_flag_changes_across_the_wrap() {
    for_each_backing(|backing| {
        let options = Options::<u64>::new(8).gated(1).demote_after(std::time::Duration::from_millis(1));
        let ring = backing.create(options.start_at(at(WRAP - 2)));
        let mut tx = ring.publisher().expect("the role");
        publish(&mut tx, 0..6);
        let mut rx = join(&ring, Start::At(at(0)));
        for _ in 0..4 {
            rx.try_read_ahead().expect("an item");
        }
        publish(&mut tx, 6..10);
        tx.publish_slice_timeout(&[10, 11], crate::PATIENCE).expect("it is demoted");
        assert_eq!(rx.try_recv(), Err(crate::lagged(2, 2)));
        let mut out = [0; 9];
        assert_eq!((rx.try_recv_slice(&mut out), rx.last().map(|it| it.redelivered)), (Ok(2), Some(true)));
        assert_eq!((rx.try_recv_slice(&mut out), rx.last().map(|it| it.redelivered)), (Ok(6), Some(false)));
        assert_eq!(out[..6], [6, 7, 8, 9, 10, 11]);
    });
}
