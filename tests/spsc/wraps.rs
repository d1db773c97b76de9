//! Positions count modulo 2^62: rings that start just below every power of two that something could break at.

use ringfence::spsc::Options;
use ringfence::{PopError, Position, PushError, ReleaseError};

use crate::common::{Backing, TestRing, for_each_backing};

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
            let options = Options::<u64>::new(CAPACITY as usize).start_at(start);
            body(start, backing.create(options), backing);
        }
    });
}

/// The position `steps` behind `start`.
fn after(start: Position, steps: u64) -> Position {
    Position::from_bits(start.to_bits().wrapping_add(steps))
}

#[test]
fn positions_are_compared_by_distance_across_the_wrap() {
    let last = Position::from_bits(WRAP - 1);
    assert_eq!((last.next(), last.next().since(last)), (Position::from_bits(0), 1));
    assert_eq!((last.since(last), last.since(last.next())), (0, -1));
    assert_eq!(Position::from_bits(WRAP + 5), Position::from_bits(5), "higher bits are ignored");
    assert_eq!(Position::from_bits(u64::MAX).to_bits(), WRAP - 1);
    let half = Position::from_bits((1 << 61) - 1);
    assert_eq!(half.since(Position::from_bits(0)), (1 << 61) - 1);
    assert_eq!(Position::from_bits(0).since(half), 1 - (1 << 61));
}

#[test]
fn items_keep_order_and_positions_across_every_boundary() {
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
fn batches_and_slices_run_across_every_boundary() {
    for_each_start(|_, ring, _| {
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..6 {
            let batch = [lap, lap + 1, lap + 2];
            assert_eq!(tx.try_push_slice(&batch), Ok(3));
            let items = rx.try_read_slice(8).expect("items");
            assert!(items.iter().eq(batch));
            items.release_first(1);
            let mut out = [0; 8];
            assert_eq!(rx.try_pop_slice(&mut out), Ok(2));
            assert_eq!(out[..2], batch[1..]);
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
                let item = rx.try_read_ahead().expect("an item");
                assert_eq!((item.position, item.redelivered), (after(start, first + step), false));
            }
            assert_eq!(rx.try_read_ahead(), Err(PopError::Empty));
            let beyond = rx.release_through(after(start, first + 4));
            assert_eq!(beyond, Err(ReleaseError::NotRead { beyond: 1 }));
            assert_eq!(rx.release_through(after(start, first + 1)), Ok(2));
            rx.rewind();
            assert!(rx.try_read_ahead().expect("an item").redelivered);
            assert!(rx.try_read_ahead().expect("an item").redelivered);
            assert_eq!(rx.release_through(after(start, first + 3)), Ok(2));
            assert_eq!(rx.release_through(after(start, first)), Ok(0));
        }
    });
}

#[test]
fn roles_change_hands_across_every_boundary() {
    for_each_start(|start, ring, _| {
        for step in 0..3 * CAPACITY {
            let mut tx = ring.opened_again().producer().expect("the role");
            assert_eq!(tx.position(), after(start, step));
            tx.try_push(step).expect("room");
            drop(tx);

            let mut rx = ring.opened_again().consumer().expect("the role");
            assert_eq!(rx.position(), after(start, step));
            assert!(!rx.try_read().expect("an item").redelivered());
            drop(rx);

            let mut rx = ring.consumer().expect("the role");
            let item = rx.try_read().expect("the item");
            assert_eq!((item.get(), item.redelivered()), (step, true));
            item.release();
        }
    });
}

#[test]
fn a_full_ring_keeps_its_items_for_the_next_owners_across_every_boundary() {
    for_each_start(|start, ring, _| {
        for lap in 0..4 {
            let mut tx = ring.producer().expect("the role");
            assert_eq!(tx.try_push_slice(&[0, 1, 2, 3, 4]), Ok(4));
            drop(tx);
            let mut tx = ring.producer().expect("the role");
            assert_eq!(tx.position(), after(start, (lap + 1) * CAPACITY));
            assert_eq!((tx.try_push(9), ring.len()), (Err(PushError::Full), 4));

            let mut rx = ring.consumer().expect("the role");
            for _ in 0..3 {
                rx.try_read_ahead().expect("an item");
            }
            drop(rx);
            let mut rx = ring.consumer().expect("the role");
            let flags = [(); 4].map(|()| {
                rx.try_pop().expect("an item");
                rx.last().expect("a delivery").redelivered
            });
            assert_eq!(flags, [true, true, true, false]);
        }
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
            tx.try_push(&[value; 5]).expect("room");
            assert_eq!(rx.try_pop_to(&mut buffer), Ok(5));
            assert_eq!(buffer, [value; 5]);
        }
        assert_eq!(tx.position(), Position::from_bits(18));
    });
}

#[test]
fn a_ring_can_go_on_counting_where_another_one_stopped() {
    for_each_backing(|backing| {
        let first = backing.elements::<u64>(4);
        let (mut tx, mut rx) = first.ends();
        tx.try_push_slice(&[0, 1, 2]).expect("room");
        rx.try_pop_slice(&mut [0; 3]).expect("items");
        let second = backing.create(Options::<u64>::new(8).start_at(rx.position()));
        let position = second.producer().expect("the role").try_push(3).expect("room");
        assert_eq!(position, Position::from_bits(3));
    });
}
