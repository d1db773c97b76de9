//! One item in, one item out: order, positions, and what the ring says of itself.

use ringfence::mpmc::Options;
use ringfence::{PopError, Position, PushError};

use crate::common::for_each_backing;
use crate::{numbers, two_consumers};

#[test]
fn items_come_out_once_in_the_order_in_which_they_went_in() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
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
fn whoever_pushes_and_whoever_pops_the_order_is_that_of_the_pushes() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let mut tx = [(); 3].map(|()| ring.opened_again().producer().expect("an entry"));
        let mut rx = [(); 3].map(|()| ring.opened_again().consumer().expect("an entry"));
        let (mut pushed, mut popped) = (0, 0);
        for round in 0..300 {
            for _ in 0..round % 8 + 1 {
                tx[(pushed * 7 % 3) as usize].try_push(pushed).expect("room");
                pushed += 1;
            }
            while popped < pushed {
                assert_eq!(rx[(popped * 5 % 3) as usize].try_pop(), Ok(popped));
                popped += 1;
            }
            for rx in &mut rx {
                assert_eq!(rx.try_pop(), Err(PopError::Empty));
            }
        }
    });
}

#[test]
fn items_keep_their_order_while_the_ring_is_kept_full() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = (ring.producer().expect("an entry"), two_consumers(&ring));
        for value in 0..4 {
            tx.try_push(value).expect("room");
        }
        for value in 4..100 {
            assert_eq!(tx.try_push(value), Err(PushError::Full));
            assert_eq!(rx[value as usize % 2].try_pop(), Ok(value - 4));
            tx.try_push(value).expect("the slot that was released");
        }
    });
}

#[test]
fn a_push_that_finds_the_ring_full_leaves_it_as_it_was() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        tx.try_push(2).expect("room");
        for _ in 0..1000 {
            assert_eq!(tx.try_push(3), Err(PushError::Full));
        }
        assert_eq!(ring.len(), 2);
        assert_eq!((rx.try_pop(), rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2), Err(PopError::Empty)));
    });
}

#[test]
fn positions_number_the_items_from_the_start_of_the_ring() {
    for_each_backing(|backing| {
        let start = Position::from_bits(1000);
        let ring = backing.create(Options::<u64>::new(4).start_at(start));
        let (mut tx, mut rx) = ring.ends();
        let mut other = tx.try_clone().expect("an entry");
        assert_eq!((ring.positions(), rx.last()), ((start, start), None));
        for step in 0..20 {
            let tx = if step % 3 == 0 { &mut other } else { &mut tx };
            let position = tx.try_push(step).expect("room");
            assert_eq!(position.since(start), step as i64);
            assert_eq!(ring.positions(), (position, position.next()));
            assert_eq!(rx.try_pop(), Ok(step));
            let last = rx.last().expect("a delivery");
            assert_eq!((last.first, last.len, last.redelivered), (position, 1, false));
            assert_eq!(ring.positions(), (position.next(), position.next()));
        }
    });
}

#[test]
fn a_fruitless_pop_leaves_the_last_delivery_as_it_was() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        rx.try_pop().expect("an item");
        let last = rx.last();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        assert_eq!(rx.last(), last);
    });
}

#[test]
fn the_length_follows_every_push_and_every_pop() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
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
fn what_was_pushed_before_the_consumer_came_is_there() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let mut tx = ring.producer().expect("an entry");
        for value in 0..4 {
            tx.push(value).expect("room");
        }
        drop(tx);
        let mut rx = ring.opened_again().consumer().expect("an entry");
        assert_eq!([rx.pop(), rx.pop(), rx.pop(), rx.pop()], [Ok(0), Ok(1), Ok(2), Ok(3)]);
    });
}

#[test]
fn two_rings_do_not_touch_each_other() {
    for_each_backing(|backing| {
        let rings = [numbers(backing, 4), numbers(backing, 4)];
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
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        drop(ring);
        tx.try_push(1).expect("room");
        assert_eq!(rx.try_pop(), Ok(1));
        drop(tx.try_clone());
    });
}
