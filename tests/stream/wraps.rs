//! Positions count modulo 2^62: rings that start just below every power of two that something could break at.

use ringfence::stream::Options;
use ringfence::{PopError, Position, PushError, ReleaseError};

use crate::common::{Backing, for_each_backing};
use crate::{TestRing, drain_records};

const CAPACITY: u64 = 4;
const WRAP: u64 = 1 << 62;
const BOUNDARIES: [u64; 6] = [1 << 16, 1 << 31, 1 << 32, 1 << 52, 1 << 61, WRAP];

/// Runs `body` on rings of four elements that run across a boundary within their first laps.
fn for_each_start(body: impl Fn(Position, TestRing<u64>, Backing)) {
    for_each_backing(|backing| {
        for boundary in BOUNDARIES {
            for back in [0, 1, 2, 3, CAPACITY, CAPACITY + 1, 2 * CAPACITY - 1] {
                let start = Position::from_bits(boundary - back);
                println!("start: {start}");
                body(start, backing.create(Options::<u64>::new(CAPACITY as usize).start_at(start)), backing);
            }
        }
    });
}

/// The position `steps` behind `start`.
fn after(start: Position, steps: u64) -> Position {
    Position::from_bits(start.to_bits().wrapping_add(steps))
}

#[test]
fn elements_keep_order_and_positions_across_every_boundary() {
    for_each_start(|start, ring, _| {
        let (mut tx, mut rx) = ring.ends();
        let (mut pushed, mut popped) = (0, 0);
        for fill in [1, 4, 2, 3, 4, 4, 1] {
            for _ in 0..fill {
                assert_eq!(tx.try_push(pushed), Ok(after(start, pushed)));
                pushed += 1;
            }
            if fill == CAPACITY {
                assert_eq!(tx.try_push(0), Err(PushError::Full));
            }
            assert_eq!(ring.len() as u64, fill);
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
fn slices_run_across_every_boundary() {
    for_each_start(|_, ring, _| {
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..6 {
            let batch = [lap, lap + 1, lap + 2];
            assert_eq!(tx.try_push_slice(&batch), Ok(3));
            let items = rx.try_read_slice(8).expect("elements");
            assert!(items.iter().eq(batch[..items.len()].iter().copied()));
            items.release_first(1);
            let mut out = Vec::new();
            while let Ok(value) = rx.try_pop() {
                out.push(value);
            }
            assert_eq!(out, batch[1..]);
        }
    });
}

#[test]
fn reading_ahead_releases_by_position_across_every_boundary() {
    for_each_start(|start, ring, _| {
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..4 {
            let first = lap * CAPACITY;
            assert_eq!(tx.try_push_slice(&[0, 1, 2, 3]), Ok(4));
            for step in 0..CAPACITY {
                let item = rx.try_read_ahead().expect("an element");
                assert_eq!((item.position, item.redelivered), (after(start, first + step), false));
            }
            assert_eq!(rx.try_read_ahead(), Err(PopError::Empty));
            let beyond = rx.release_through(after(start, first + 4));
            assert_eq!(beyond, Err(ReleaseError::NotRead { beyond: 1 }));
            assert_eq!(rx.release_through(after(start, first + 1)), Ok(2));
            rx.rewind();
            assert!(rx.try_read_ahead().expect("an element").redelivered);
            assert!(rx.try_read_ahead().expect("an element").redelivered);
            assert_eq!(rx.release_through(after(start, first + 3)), Ok(2));
            assert_eq!(rx.release_through(after(start, first)), Ok(0));
        }
    });
}

#[test]
fn roles_change_hands_across_every_boundary() {
    for_each_start(|start, ring, _| {
        for step in 0..3 * CAPACITY {
            let mut tx = ring.opened_again().writer().expect("the role");
            assert_eq!(tx.position(), after(start, step));
            tx.try_push(step).expect("room");
            drop(tx);
            let mut rx = ring.opened_again().reader().expect("the role");
            assert_eq!(rx.position(), after(start, step));
            assert!(!rx.try_read_slice(1).expect("an element").redelivered());
            drop(rx);
            let mut rx = ring.reader().expect("the role");
            let items = rx.try_read_slice(1).expect("the element");
            assert_eq!((items.get(0), items.redelivered()), (Some(step), true));
            items.release();
        }
    });
}

#[test]
fn doorbells_know_what_is_there_across_every_boundary() {
    for_each_start(|_, ring, _| {
        let (mut tx, mut rx) = ring.ends();
        let (room, item) = (tx.doorbell(), rx.doorbell());
        for _ in 0..3 {
            assert_eq!((room.is_ready(), item.is_ready()), (true, false));
            tx.try_push_slice(&[0; 4]).expect("room");
            assert_eq!((tx.try_push(0), room.is_ready()), (Err(PushError::Full), false));
            for left in (0..4).rev() {
                assert!(item.is_ready());
                rx.try_read_ahead().expect("an element");
                assert_eq!(item.is_ready(), left > 0);
            }
            rx.rewind();
            assert!(item.is_ready());
            rx.try_pop_slice(&mut [0; 4]).expect("elements");
        }
    });
}

#[test]
fn records_cross_every_boundary() {
    for_each_backing(|backing| {
        for boundary in BOUNDARIES {
            for back in (0..=128).step_by(8) {
                let start = Position::from_bits(boundary - back);
                let ring = backing.create(Options::<[u8]>::new(64).start_at(start));
                let (mut tx, mut rx) = ring.ends();
                let (mut positions, mut buffer) = (Vec::new(), Vec::new());
                for value in 0..20_u8 {
                    let length = usize::from(value) % 25;
                    let position = tx.try_push(&vec![value; length]).expect("room");
                    positions.push(position);
                    assert_eq!(rx.try_read_ahead_to(&mut buffer).map(|it| it.first), Ok(position));
                    assert_eq!(buffer, vec![value; length]);
                    let next = rx.release_through(tx.position());
                    assert_eq!(next, Err(ReleaseError::NotRead { beyond: 1 }));
                    assert_eq!(rx.release_through(position), Ok(1));
                    assert_eq!(rx.release_through(position), Ok(0));
                }
                assert!(positions.windows(2).all(|it| (8..=64).contains(&it[1].since(it[0]))));
                assert!(ring.is_empty());
            }
        }
    });
}

#[test]
fn records_survive_new_owners_across_the_wrap() {
    for_each_backing(|backing| {
        for back in (0..=64).step_by(8) {
            let ring = backing.create(Options::<[u8]>::new(64).start_at(Position::from_bits(WRAP - back)));
            for value in 0..10_u8 {
                let mut tx = ring.opened_again().writer().expect("the role");
                tx.try_push(&[value; 7]).expect("room");
                tx.try_push(&[value; 10]).expect("room");
                drop(tx);
                let mut rx = ring.opened_again().reader().expect("the role");
                assert!(!rx.try_read().expect("a record").redelivered());
                drop(rx);
                let mut rx = ring.reader().expect("the role");
                assert_eq!(drain_records(&mut rx), [(vec![value; 7], true), (vec![value; 10], false)]);
            }
        }
    });
}

#[test]
fn a_ring_can_go_on_counting_where_another_one_stopped() {
    for_each_backing(|backing| {
        let first = backing.create(Options::<[u8]>::new(64));
        let (mut tx, mut rx) = first.ends();
        tx.try_push(b"one").expect("room");
        drain_records(&mut rx);
        let second = backing.create(Options::<[u8]>::new(128).start_at(rx.position()));
        let position = second.writer().expect("the role").try_push(b"two").expect("room");
        assert_eq!(position, tx.position());
    });
}
