//! claim → fill → commit: elements and records made in place.

use std::io::{ErrorKind, Write};
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ringfence::{PopError, PushError};

use crate::common::for_each_backing;
use crate::{drain, drain_records, elements, frame, records};

#[test]
fn a_claim_is_in_one_piece_and_takes_no_more_than_it_is_asked_for() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        for offset in 0..8 {
            for (max, len) in [(0, 1), (1, 1), (3, 3), (7, 7), (8, 8), (9, 8), (1000, 8), (usize::MAX, 8)] {
                let claim = tx.try_claim_slice(max).expect("room");
                assert_eq!((claim.len(), claim.filled()), (len.min(8 - offset), 0), "{max} at {offset}");
                assert_eq!(claim.position().to_bits(), offset as u64);
            }
            tx.try_push(0).expect("room");
            rx.try_pop().expect("an element");
        }
    });
}

#[test]
fn a_claim_of_a_nearly_full_ring_has_what_is_left() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0; 6]).expect("room");
        rx.try_pop_slice(&mut [0; 4]).expect("elements");
        assert_eq!(tx.try_claim_slice(8).expect("room").len(), 2, "the memory ends there");
        tx.try_push_slice(&[0; 2]).expect("room");
        assert_eq!(tx.try_claim_slice(8).expect("room").len(), 4, "the reader is there");
        tx.try_push_slice(&[0; 4]).expect("room");
        assert_eq!(tx.try_claim_slice(8).err(), Some(PushError::Full));
    });
}

#[test]
fn what_was_filled_is_committed_and_the_rest_is_not() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        let mut next = 0;
        for filled in [1, 3, 2, 5, 1, 4] {
            let mut claim = tx.try_claim_slice(8).expect("room");
            let count = filled.min(claim.len());
            let values: Vec<u64> = (next..).take(count).collect();
            let (first, rest) = values.split_at(1);
            assert!(claim.append(first[0]));
            assert_eq!(claim.append_slice(rest), rest.len());
            assert_eq!((claim.filled(), claim.position().to_bits()), (count, next));
            assert_eq!((ring.len(), rx.try_pop()), (0, Err(PopError::Empty)), "not before the commit");
            assert_eq!(claim.commit().map(|it| it.to_bits()), Ok(next));
            assert_eq!(drain(&mut rx), values.iter().map(|it| (*it, false)).collect::<Vec<_>>());
            next += count as u64;
        }
    });
}

#[test]
fn a_full_claim_takes_no_more() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        let mut claim = tx.try_claim_slice(3).expect("room");
        assert_eq!(claim.append_slice(&[0, 1]), 2);
        assert_eq!(claim.append_slice(&[2, 9, 9]), 1);
        assert_eq!((claim.append_slice(&[9]), claim.append(9), claim.filled()), (0, false, 3));
        claim.extend([9, 9]);
        claim.commit().expect("a commit");
        assert_eq!(drain(&mut rx), [(0, false), (1, false), (2, false)]);
    });
}

#[test]
fn a_claim_is_extended_from_an_iterator_of_which_it_takes_what_it_has_room_for() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        let mut numbers = 0..;
        let mut claim = tx.try_claim_slice(5).expect("room");
        claim.extend(numbers.by_ref().take(2));
        claim.extend(numbers.by_ref());
        assert_eq!((claim.filled(), numbers.next()), (5, Some(5)), "no number is lost");
        claim.extend(std::iter::once(9));
        claim.commit().expect("a commit");
        assert_eq!(drain(&mut rx).len(), 5);
    });
}

#[test]
fn a_commit_of_nothing_pushes_nothing() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        for _ in 0..20 {
            let claim = tx.try_claim_slice(8).expect("room");
            assert_eq!(claim.commit().map(|it| it.to_bits()), Ok(0));
        }
        assert_eq!((ring.len(), rx.try_pop()), (0, Err(PopError::Empty)));
    });
}

/// Ends a claim without a commit in one of three ways.
fn abort<C>(how: usize, claim: C) {
    match how {
        0 => drop(claim),
        1 => forget(claim),
        _ => {
            catch_unwind(AssertUnwindSafe(|| {
                let _claim = claim;
                resume_unwind(Box::new(()));
            }))
            .expect_err("it unwinds");
        }
    }
}

#[test]
fn a_claim_that_is_dropped_forgotten_or_unwound_pushes_nothing() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        for round in 0..12 {
            let mut claim = tx.try_claim_slice(4).expect("room");
            claim.extend(100..);
            abort(round % 3, claim);
            assert_eq!((rx.try_pop(), ring.len()), (Err(PopError::Empty), 0));
            tx.try_push(round as u64).expect("the same place");
            assert_eq!(rx.try_pop(), Ok(round as u64));
        }
    });
}

#[test]
fn a_record_is_made_in_place_of_parts() {
    for_each_backing(|backing| {
        let ring = records(backing, 256);
        let (mut tx, mut rx) = ring.ends();
        let mut claim = tx.try_claim(20).expect("room");
        let position = claim.position();
        claim.append(b"one").expect("it fits");
        claim.append(b"").expect("it fits");
        write!(claim, " and {}", 2).expect("it fits");
        claim.flush().expect("nothing to do");
        assert_eq!((rx.try_read().err(), ring.len()), (Some(PopError::Empty), 0), "not before the commit");
        assert_eq!(claim.commit(), Ok(position));
        assert_eq!(drain_records(&mut rx), [(b"one and 2".to_vec(), false)]);
    });
}

#[test]
fn a_record_takes_what_was_committed_not_what_was_claimed() {
    for_each_backing(|backing| {
        let ring = records(backing, 256);
        let (mut tx, mut rx) = ring.ends();
        for length in [0, 1, 7, 8, 9, 100] {
            let mut claim = tx.try_claim(100).expect("room");
            claim.append(&vec![7; length]).expect("it fits");
            claim.commit().expect("a commit");
            let taken = ring.len() as u64;
            assert!(
                taken == frame(length) || taken > frame(length) && taken.is_multiple_of(8),
                "{length} bytes take {taken}"
            );
            assert_eq!(drain_records(&mut rx), [(vec![7; length], false)]);
        }
        let mut claim = tx.try_claim(100).expect("room");
        claim.append(b"short").expect("it fits");
        claim.commit().expect("a commit");
        let before = ring.len() as u64;
        tx.try_push(b"next").expect("room");
        assert_eq!(ring.len() as u64 - before, frame(4));
    });
}

#[test]
fn a_claim_near_the_end_of_the_memory_pads_whatever_is_committed() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(&[1; 24]).expect("room");
        tx.try_push(&[1; 8]).expect("room");
        drain_records(&mut rx);
        // 16 bytes are left before the end: a record of 24 goes to the start, and one of no bytes with it.
        let claim = tx.try_claim(24).expect("room");
        assert_eq!(claim.position().to_bits(), 64);
        assert_eq!(claim.commit().map(|it| it.to_bits()), Ok(64));
        assert_eq!((ring.len(), tx.position().to_bits()), (24, 72));
        let read = rx.try_read().expect("a record");
        assert_eq!((read.position().to_bits(), read.is_empty()), (64, true));
        read.release();
        assert_eq!((ring.len(), rx.position().to_bits()), (0, 72));
    });
}

#[test]
fn no_more_than_was_claimed_is_appended() {
    for_each_backing(|backing| {
        let ring = records(backing, 256);
        let (mut tx, mut rx) = ring.ends();
        let mut claim = tx.try_claim(8).expect("room");
        claim.append(b"12345").expect("it fits");
        assert_eq!(claim.append(b"6789"), Err(PushError::TooLong { len: 9, max: 8 }));
        assert_eq!(claim.write(b"6789").map_err(|it| it.kind()), Err(ErrorKind::WriteZero));
        assert_eq!(claim.write(b"678").expect("it fits"), 3);
        assert!(claim.append(b"9").is_err());
        claim.commit().expect("a commit");
        assert_eq!(drain_records(&mut rx), [(b"12345678".to_vec(), false)]);

        let mut nothing = tx.try_claim(0).expect("room");
        assert_eq!(nothing.append(b"1"), Err(PushError::TooLong { len: 1, max: 0 }));
        nothing.commit().expect("a commit");
        assert_eq!(drain_records(&mut rx), [(vec![], false)]);
    });
}

#[test]
fn a_claim_of_a_record_that_is_aborted_pushes_nothing() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        for round in 0..30_u8 {
            let position = tx.position();
            let mut claim = tx.try_claim(24).expect("room");
            claim.append(&[0xff; 24]).expect("it fits");
            abort(round as usize % 3, claim);
            assert_eq!((rx.try_read().err(), ring.len()), (Some(PopError::Empty), 0));
            assert_eq!(tx.position(), position);
            tx.try_push(&[round; 5]).expect("room");
            assert_eq!(drain_records(&mut rx), [(vec![round; 5], false)]);
        }
    });
}

#[test]
fn a_claim_of_a_record_is_refused_as_a_push_is() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, _rx) = ring.ends();
        assert_eq!(tx.try_claim(25).err(), Some(PushError::TooLong { len: 25, max: 24 }));
        assert_eq!(tx.claim(25).err(), Some(PushError::TooLong { len: 25, max: 24 }));
        tx.try_push(&[0; 24]).expect("room");
        tx.try_push(&[0; 24]).expect("room");
        assert_eq!(tx.try_claim(0).err(), Some(PushError::Full));
        assert_eq!(tx.claim_timeout(0, std::time::Duration::ZERO).err(), Some(PushError::Timeout));
        tx.close();
        assert_eq!(tx.claim(0).err(), Some(PushError::Closed));
    });
}
