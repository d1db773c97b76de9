//! One item in, one item out: order, positions, and what the ring says of itself.

use ringfence::spsc::Options;
use ringfence::{PopError, Position, PushError};

use crate::common::for_each_backing;

#[test]
fn items_come_out_once_in_the_order_in_which_they_went_in() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        let (mut pushed, mut popped) = (0, 0);
        for round in 0..1000 {
            for _ in 0..round % 8 + 1 {
                tx.try_push(pushed).expect("room");
                pushed += 1;
            }
            while popped < pushed {
                assert_eq!(rx.try_pop(), Ok(popped));
                popped += 1;
            }
            assert_eq!(rx.try_pop(), Err(PopError::Empty));
        }
    });
}

#[test]
fn items_keep_their_order_while_the_ring_is_kept_full() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        for value in 0..4 {
            tx.try_push(value).expect("room");
        }
        for value in 4..100 {
            assert_eq!(tx.try_push(value), Err(PushError::Full));
            assert_eq!(rx.try_pop(), Ok(value - 4));
            tx.try_push(value).expect("the slot that was released");
        }
    });
}

#[test]
fn a_push_that_finds_the_ring_full_leaves_it_as_it_was() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u32>(2);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        tx.try_push(2).expect("room");
        for _ in 0..1000 {
            assert_eq!(tx.try_push(3), Err(PushError::Full));
        }
        assert_eq!((ring.len(), tx.position()), (2, Position::from_bits(2)));
        assert_eq!((rx.try_pop(), rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2), Err(PopError::Empty)));
    });
}

#[test]
fn positions_number_the_items_from_the_start_of_the_ring() {
    for_each_backing(|backing| {
        let start = Position::from_bits(1000);
        let ring = backing.create(Options::<u64>::new(4).start_at(start));
        let (mut tx, mut rx) = ring.ends();
        assert_eq!((tx.position(), rx.position(), rx.last()), (start, start, None));
        for step in 0..20 {
            let position = tx.try_push(step).expect("room");
            assert_eq!(position.since(start), step as i64);
            assert_eq!(tx.position(), position.next());
            assert_eq!(rx.position(), position);
            assert_eq!(rx.try_pop(), Ok(step));
            let last = rx.last().expect("a delivery");
            assert_eq!((last.first, last.len, last.redelivered), (position, 1, false));
        }
    });
}

#[test]
fn everybody_can_ask_for_the_positions_of_both_sides() {
    for_each_backing(|backing| {
        let start = Position::from_bits((1 << 62) - 2);
        let ring = backing.create(Options::<u64>::new(4).start_at(start));
        let again = ring.opened_again();
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(again.positions(), (start, start));
        for _ in 0..10 {
            tx.try_push_slice(&[1, 2, 3]).expect("room");
            assert_eq!(again.positions(), (rx.position(), tx.position()));
            rx.try_pop_slice(&mut [0; 3]).expect("items");
            assert_eq!(again.positions(), (rx.position(), tx.position()));
        }
        drop(rx);
        assert_eq!(tx.try_push_slice(&[0; 9]), Ok(4));
        let (head, tail) = ring.positions();
        assert_eq!((tail.since(head), tail), (4, tx.position()));
    });
}

#[test]
fn a_fruitless_pop_leaves_the_last_delivery_as_it_was() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        rx.try_pop().expect("an item");
        let last = rx.last();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        assert_eq!(rx.last(), last);
    });
}

#[test]
fn the_capacity_is_rounded_up_to_a_power_of_two_and_all_of_it_can_be_used() {
    for_each_backing(|backing| {
        for (asked, real) in [(2, 2), (3, 4), (4, 4), (5, 8), (1000, 1024), (1024, 1024)] {
            let ring = backing.elements::<u16>(asked);
            let (mut tx, rx) = ring.ends();
            assert_eq!((ring.capacity(), tx.capacity(), rx.capacity()), (real, real, real));
            for value in 0..real {
                tx.try_push(value as u16).expect("room for a whole capacity");
            }
            assert_eq!(tx.try_push(0), Err(PushError::Full));
        }
    });
}

#[test]
fn the_length_follows_every_push_and_every_pop() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let again = ring.opened_again();
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..3 {
            for len in 0..4 {
                assert_eq!((ring.len(), ring.is_empty()), (len, len == 0), "lap {lap}");
                assert_eq!(again.len(), len);
                tx.try_push(0).expect("room");
            }
            for len in (1..=4).rev() {
                assert_eq!((ring.len(), ring.is_empty()), (len, false), "lap {lap}");
                rx.try_pop().expect("an item");
            }
        }
        assert!(ring.is_empty());
    });
}

#[test]
fn the_bytes_of_a_ring_hold_all_its_slots() {
    for_each_backing(|backing| {
        assert!(backing.elements::<[u8; 4096]>(64).bytes() >= 64 * 4096);
        assert!(backing.bytes(64, 4096).bytes() >= 64 * 4096);
        assert_eq!(backing.elements::<[u8; 4096]>(64).max_len(), 4096);
    });
}

#[test]
fn what_was_pushed_before_the_consumer_came_is_there() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let mut tx = ring.producer().expect("the role");
        for value in 0..4 {
            tx.push(value).expect("room");
        }
        drop(tx);
        let mut rx = ring.opened_again().consumer().expect("the role");
        assert_eq!([rx.pop(), rx.pop(), rx.pop(), rx.pop()], [Ok(0), Ok(1), Ok(2), Ok(3)]);
    });
}

#[test]
fn two_rings_do_not_touch_each_other() {
    for_each_backing(|backing| {
        let rings = [backing.elements::<u64>(4), backing.elements::<u64>(4)];
        let mut ends = rings.each_ref().map(|ring| ring.ends());
        for step in 0..100 {
            for (number, (tx, _)) in (0..).zip(&mut ends) {
                tx.try_push(step * 2 + number).expect("room");
            }
            for (number, (_, rx)) in (0..).zip(&mut ends) {
                assert_eq!(rx.try_pop(), Ok(step * 2 + number));
            }
        }
    });
}

#[test]
fn handles_keep_a_ring_alive_that_nobody_else_has() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        drop(ring);
        tx.try_push(1).expect("room");
        assert_eq!(rx.try_pop(), Ok(1));
    });
}
