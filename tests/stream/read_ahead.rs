//! Reading ahead, and releasing by position once the effects are safe.

use ringfence::{PopError, Position, PushError, ReleaseError};

use crate::common::for_each_backing;
use crate::{drain, drain_records, elements, frame, records};

fn at(bits: u64) -> Position {
    Position::from_bits(bits)
}

#[test]
fn elements_read_ahead_come_in_order_and_stay_in_the_ring() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..5 {
            let first = 4 * lap;
            tx.try_push_slice(&[10, 11, 12, 13]).expect("room");
            for step in 0..4 {
                let item = rx.try_read_ahead().expect("an element");
                assert_eq!(
                    (item.value, item.position, item.redelivered),
                    (10 + step, at(first + step), false)
                );
                assert_eq!(rx.last().map(|it| (it.first, it.len)), Some((at(first + step), 1)));
            }
            assert_eq!(rx.try_read_ahead(), Err(PopError::Empty));
            assert_eq!((ring.len(), tx.try_push(9)), (4, Err(PushError::Full)));
            assert_eq!(rx.release_through(at(first + 1)), Ok(2));
            assert_eq!(rx.release_through(at(first + 1)), Ok(0));
            assert_eq!(rx.release_through(at(first)), Ok(0));
            assert_eq!(rx.release_through(at(first + 3)), Ok(2));
            assert_eq!(rx.release_through(at(first + 4)), Err(ReleaseError::NotRead { beyond: 1 }));
            assert!(ring.is_empty());
        }
    });
}

#[test]
fn elements_read_ahead_are_rewound_flagged() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
        for _ in 0..3 {
            rx.try_read_ahead().expect("an element");
        }
        assert_eq!(rx.release_through(at(0)), Ok(1));
        rx.rewind();
        assert_eq!(rx.release_through(at(1)), Err(ReleaseError::NotRead { beyond: 1 }));
        let read = [(); 3].map(|()| {
            let item = rx.try_read_ahead().expect("an element");
            (item.value, item.redelivered)
        });
        assert_eq!(read, [(1, true), (2, true), (3, false)]);
    });
}

#[test]
fn reading_ahead_goes_on_behind_what_was_popped() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3, 4, 5]).expect("room");
        rx.try_read_ahead().expect("an element");
        rx.try_read_ahead().expect("an element");
        assert_eq!(rx.try_pop(), Ok(0), "a pop takes the oldest element, read ahead or not");
        assert!(rx.last().expect("a delivery").redelivered);
        assert_eq!(rx.try_read_ahead().expect("an element").value, 2);
        assert_eq!(rx.release_through(at(2)), Ok(2));
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(3), Ok(4)));
        let item = rx.try_read_ahead().expect("an element");
        assert_eq!((item.value, item.redelivered), (5, false));
    });
}

#[test]
fn a_slice_and_reading_ahead_see_the_same_elements() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2]).expect("room");
        rx.try_read_ahead().expect("an element");
        let items = rx.try_read_slice(8).expect("elements");
        assert_eq!((items.iter().collect::<Vec<_>>(), items.redelivered()), (vec![0], true));
        items.release();
        let item = rx.try_read_ahead().expect("an element");
        assert_eq!((item.value, item.redelivered), (1, false));
        assert_eq!(drain(&mut rx), [(1, true), (2, false)]);
    });
}

#[test]
fn records_read_ahead_come_in_order_and_stay_in_the_ring() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = Vec::new();
        for lap in 0..20_u8 {
            let positions = [5, 12].map(|length| tx.try_push(&vec![lap; length]).expect("room"));
            for (position, length) in positions.into_iter().zip([5, 12]) {
                let delivery = rx.try_read_ahead_to(&mut buffer).expect("a record");
                assert_eq!((delivery.first, delivery.len, delivery.redelivered), (position, 1, false));
                assert_eq!((rx.last(), &buffer), (Some(delivery), &vec![lap; length]));
            }
            assert_eq!(rx.try_read_ahead_to(&mut buffer), Err(PopError::Empty));
            assert_eq!(buffer, vec![lap; 12], "a buffer that nothing came into is left alone");
            assert_eq!(rx.release_through(positions[0]), Ok(1));
            assert_eq!(rx.release_through(positions[0]), Ok(0));
            assert_eq!(ring.len() as u64, tx.position().since(rx.position()).cast_unsigned());
            assert_eq!(rx.release_through(positions[1]), Ok(1));
            assert!(ring.is_empty());
        }
    });
}

#[test]
fn several_records_are_released_through_the_last_one() {
    for_each_backing(|backing| {
        let ring = records(backing, 128);
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = Vec::new();
        for lap in 0..20_u8 {
            let positions = [3, 0, 17, 8].map(|length| tx.try_push(&vec![lap; length]).expect("room"));
            for _ in 0..3 {
                rx.try_read_ahead_to(&mut buffer).expect("a record");
            }
            assert!(matches!(rx.release_through(positions[3]), Err(ReleaseError::NotRead { .. })));
            assert_eq!(rx.release_through(positions[2]), Ok(3));
            assert_eq!([0, 1, 2].map(|it| rx.release_through(positions[it])), [Ok(0); 3]);
            assert_eq!(rx.try_read_ahead_to(&mut buffer).map(|it| it.first), Ok(positions[3]));
            assert_eq!(rx.release_through(positions[3]), Ok(1));
            assert!(ring.is_empty());
        }
    });
}

#[test]
fn a_record_that_was_not_read_ahead_is_not_released() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(rx.release_through(at(0)), Err(ReleaseError::NotRead { beyond: 1 }));
        let first = tx.try_push(b"first").expect("room");
        let second = tx.try_push(b"second").expect("room");
        drop(rx.try_read().expect("a record"));
        assert_eq!(
            rx.release_through(first),
            Err(ReleaseError::NotRead { beyond: 1 }),
            "a look reads nothing ahead"
        );
        rx.try_read_ahead_to(&mut Vec::new()).expect("a record");
        assert_eq!(rx.release_through(second), Err(ReleaseError::NotRead { beyond: 1 }));
        assert_eq!((ring.len() as u64, rx.position()), (frame(5) + frame(6), first));
        assert_eq!(rx.release_through(first), Ok(1));
    });
}

#[test]
fn records_read_ahead_are_rewound_flagged() {
    for_each_backing(|backing| {
        let ring = records(backing, 128);
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = Vec::new();
        let first = tx.try_push(b"0").expect("room");
        for text in ["1", "2", "3"] {
            tx.try_push(text.as_bytes()).expect("room");
        }
        for _ in 0..3 {
            rx.try_read_ahead_to(&mut buffer).expect("a record");
        }
        assert_eq!(rx.release_through(first), Ok(1));
        rx.rewind();
        let read = [(); 3].map(|()| {
            let delivery = rx.try_read_ahead_to(&mut buffer).expect("a record");
            (buffer[0], delivery.redelivered)
        });
        assert_eq!(read, [(b'1', true), (b'2', true), (b'3', false)]);
        let flagged = |text: &str, flag| (text.as_bytes().to_vec(), flag);
        assert_eq!(drain_records(&mut rx), [flagged("1", true), flagged("2", true), flagged("3", true)]);
    });
}

#[test]
fn what_was_read_ahead_and_not_released_is_still_there_after_the_end() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"0").expect("room");
        tx.close();
        let mut buffer = Vec::new();
        rx.try_read_ahead_to(&mut buffer).expect("a record");
        assert_eq!(rx.try_read_ahead_to(&mut buffer), Err(PopError::Closed), "nothing follows");
        rx.rewind();
        assert!(rx.try_read_ahead_to(&mut buffer).expect("a record").redelivered);
        assert_eq!(rx.try_pop_to(&mut buffer), Ok(1));
        assert_eq!(rx.try_pop_to(&mut buffer), Err(PopError::Closed));
    });
}
