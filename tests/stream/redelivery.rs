//! What the next reader is told of what the last one looked at, and where the next writer goes on.

use ringfence::PushError;

use crate::common::for_each_backing;
use crate::{drain, drain_records, elements, records};

#[test]
fn elements_that_a_reader_looked_at_before_it_left_come_flagged_to_the_next_one() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3, 4]).expect("room");
        rx.try_read_slice(4).expect("elements").release_first(1);
        drop(rx);
        let mut rx = ring.opened_again().reader().expect("the role");
        assert_eq!(rx.last(), None, "a new handle has delivered nothing");
        let items = rx.try_read_slice(8).expect("elements");
        assert_eq!((items.len(), items.redelivered()), (3, true), "a slice ends where the flag changes");
        drop(items);
        assert_eq!(drain(&mut rx), [(1, true), (2, true), (3, true), (4, false)]);
    });
}

#[test]
fn elements_that_a_reader_read_ahead_before_it_left_come_flagged_to_the_next_one() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3, 4]).expect("room");
        let items = [(); 3].map(|()| rx.try_read_ahead().expect("an element"));
        rx.release_through(items[0].position).expect("it was read");
        drop(rx);
        let mut rx = ring.opened_again().reader().expect("the role");
        let item = rx.try_read_ahead().expect("the oldest unreleased element");
        assert_eq!((item.value, item.redelivered), (1, true));
        assert_eq!(drain(&mut rx), [(1, true), (2, true), (3, false), (4, false)]);
    });
}

#[test]
fn records_that_a_reader_looked_at_before_it_left_come_flagged_to_the_next_one() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        for lap in 0..20_u8 {
            let (mut tx, mut rx) = ring.ends();
            for number in 0..3 {
                tx.try_push(&[lap, number]).expect("room");
            }
            match lap % 3 {
                0 => drop(rx.try_read_batch(2).expect("records")),
                1 => rx.try_read_batch(2).expect("records").release_first(0),
                _ => [(); 2].iter().for_each(|()| {
                    rx.try_read_ahead_to(&mut Vec::new()).expect("a record");
                }),
            }
            drop(rx);
            let mut rx = ring.reader().expect("the role");
            let flags: Vec<_> =
                drain_records(&mut rx).into_iter().map(|(bytes, flag)| (bytes[1], flag)).collect();
            assert_eq!(flags, [(0, true), (1, true), (2, false)]);
        }
    });
}

#[test]
fn what_nobody_looked_at_comes_unflagged_however_often_the_role_changes_hands() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let mut tx = ring.writer().expect("the role");
        for value in 0..20 {
            tx.try_push(value).expect("room");
            let mut rx = ring.opened_again().reader().expect("the role");
            drop(rx.try_read_slice(1).expect("an element"));
            assert_eq!(drain(&mut rx), [(value, true)]);
            drop(rx);
            tx.try_push(u64::MAX).expect("room");
            let mut rx = ring.opened_again().reader().expect("the role");
            assert_eq!(drain(&mut rx), [(u64::MAX, false)]);
        }
    });
}

#[test]
fn the_flag_survives_readers_that_do_nothing() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2]).expect("room");
        drop(rx.try_read_slice(2).expect("elements"));
        drop(rx);
        for _ in 0..5 {
            drop(ring.reader().expect("the role"));
        }
        assert_eq!(drain(&mut ring.reader().expect("the role")), [(0, true), (1, true), (2, false)]);
    });
}

#[test]
fn the_next_writer_goes_on_behind_what_was_committed_last() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (tx, mut rx) = ring.ends();
        drop(tx);
        for value in 0..20 {
            let mut tx = ring.opened_again().writer().expect("the role");
            assert_eq!(tx.position().to_bits(), value);
            assert_eq!(tx.try_push(value).map(|it| it.to_bits()), Ok(value));
            let mut claim = tx.try_claim_slice(3).expect("room");
            claim.extend([u64::MAX; 3]);
            drop(claim);
            drop(tx);
            if value % 4 == 3 {
                assert_eq!(drain(&mut rx).len(), 4);
            }
        }

        let ring = records(backing, 64);
        let (tx, mut rx) = ring.ends();
        drop(tx);
        for value in 0..20_u8 {
            let mut tx = ring.opened_again().writer().expect("the role");
            let mut claim = tx.try_claim(20).expect("room");
            claim.append(&[0xff; 20]).expect("it fits");
            drop(claim);
            tx.try_push(&[value; 7]).expect("room");
            drop(tx);
            assert_eq!(drain_records(&mut rx), [(vec![value; 7], false)]);
        }
    });
}

#[test]
fn a_full_ring_is_full_for_the_next_writer_too() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1]).expect("room");
        drop(tx);
        let mut tx = ring.opened_again().writer().expect("the role");
        assert_eq!(tx.try_push(2), Err(PushError::Full));
        assert_eq!(drain(&mut rx), [(0, false), (1, false)]);
        tx.try_push(2).expect("room");
        assert_eq!(drain(&mut rx), [(2, false)]);
    });
}
