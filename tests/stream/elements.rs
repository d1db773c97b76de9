//! Elements go in at one end and come out at the other, in order, one by one.

use ringfence::{PopError, PushError};

use crate::common::for_each_backing;
use crate::elements;

#[test]
fn elements_come_out_in_the_order_in_which_they_went_in() {
    for_each_backing(|backing| {
        for capacity in [2, 4, 8, 64] {
            let ring = elements::<u64>(backing, capacity);
            let (mut tx, mut rx) = ring.ends();
            let (mut pushed, mut popped) = (0, 0);
            for lap in 0..5 * capacity as u64 {
                for _ in 0..=lap % capacity as u64 {
                    assert_eq!(tx.try_push(pushed).map(|it| it.to_bits()), Ok(pushed));
                    pushed += 1;
                }
                while popped < pushed {
                    assert_eq!(rx.try_pop(), Ok(popped));
                    let last = rx.last().expect("a delivery");
                    assert_eq!((last.first.to_bits(), last.len, last.redelivered), (popped, 1, false));
                    popped += 1;
                }
                assert_eq!(rx.try_pop(), Err(PopError::Empty));
            }
        }
    });
}

#[test]
fn a_full_ring_takes_nothing_and_keeps_what_it_has() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        for value in 0..4 {
            tx.try_push(value).expect("room");
        }
        for _ in 0..3 {
            assert_eq!(tx.try_push(9), Err(PushError::Full));
            assert_eq!(tx.try_push_slice(&[9]), Err(PushError::Full));
            assert!(!tx.push_or_drop(9));
        }
        assert_eq!((ring.len(), ring.is_empty()), (4, false));
        assert_eq!(rx.try_pop(), Ok(0));
        tx.try_push(4).expect("the released place");
        assert_eq!(tx.try_push(9), Err(PushError::Full));
        assert_eq!([(); 4].map(|()| rx.try_pop()), [Ok(1), Ok(2), Ok(3), Ok(4)]);
        assert_eq!((rx.try_pop(), ring.is_empty()), (Err(PopError::Empty), true));
    });
}

#[test]
fn an_empty_ring_has_nothing() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (_tx, mut rx) = ring.ends();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        assert_eq!(rx.try_pop_slice(&mut [0; 4]), Err(PopError::Empty));
        assert_eq!(rx.try_read_slice(4).err(), Some(PopError::Empty));
        assert_eq!(rx.try_read_ahead(), Err(PopError::Empty));
        assert_eq!((rx.last(), ring.len()), (None, 0));
    });
}

#[test]
fn a_failed_pop_does_not_change_what_was_delivered_last() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        rx.try_pop_slice(&mut [0; 4]).expect("elements");
        let last = rx.last();
        assert_eq!(last.map(|it| it.len), Some(2));
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        assert_eq!(rx.last(), last);
    });
}

#[test]
fn both_ends_say_where_they_are() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        for step in 0..10 {
            assert_eq!((tx.position().to_bits(), rx.position().to_bits()), (step, step));
            assert_eq!(tx.try_push(step), Ok(ring.positions().0));
            let (oldest, next) = ring.positions();
            assert_eq!((oldest, next, next.since(oldest)), (rx.position(), tx.position(), 1));
            rx.try_pop().expect("an element");
        }
    });
}

#[test]
fn the_smallest_ring_holds_two_elements_side_by_side() {
    for_each_backing(|backing| {
        let ring = elements::<u8>(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        for value in 0..=255 {
            assert_eq!(tx.try_push_slice(&[value, !value, 9]), Ok(2));
            let mut out = [0; 3];
            assert_eq!((rx.try_pop_slice(&mut out), out), (Ok(2), [value, !value, 0]));
        }
    });
}
