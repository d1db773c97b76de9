//! Several items in one call.

use std::thread;
use std::time::Duration;

use ringfence::{PopError, PushError};

use crate::common::{Numbers, for_each_backing};
use crate::{PATIENCE, drain, numbers, two_consumers};

#[test]
fn a_batch_is_taken_as_far_as_there_is_room_and_delivered_as_far_as_it_goes() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        let mut out = [0; 16];
        assert_eq!(tx.try_push_slice(&[0, 1, 2, 3, 4]), Ok(5));
        assert_eq!(tx.try_push_slice(&[5, 6, 7, 8, 9]), Ok(3));
        assert_eq!(tx.try_push_slice(&[8]), Err(PushError::Full));
        assert_eq!(rx.try_pop_slice(&mut out[..3]), Ok(3));
        assert_eq!(out[..3], [0, 1, 2]);
        let last = rx.last().expect("a delivery");
        assert_eq!((last.first.to_bits(), last.len, last.redelivered), (0, 3, false));
        assert_eq!(rx.try_pop_slice(&mut out), Ok(5));
        assert_eq!(out[..5], [3, 4, 5, 6, 7]);
        assert_eq!(rx.try_pop_slice(&mut out), Err(PopError::Empty));
    });
}

#[test]
fn a_batch_can_have_a_whole_capacity_and_not_more() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        let values: Vec<u64> = (0..20).collect();
        for shift in 0..8 {
            assert_eq!(tx.try_push_slice(&values), Ok(8));
            assert_eq!(ring.len(), 8);
            let mut out = [0; 20];
            assert_eq!(rx.try_pop_slice(&mut out), Ok(8));
            assert_eq!(out[..8], values[..8]);
            // The next batch begins at another slot.
            tx.try_push(shift).expect("room");
            assert_eq!(rx.try_pop(), Ok(shift));
        }
    });
}

#[test]
fn an_empty_batch_does_nothing() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!((tx.try_push_slice(&[]), rx.try_pop_slice(&mut [])), (Ok(0), Ok(0)));
        assert_eq!(tx.try_push_slice(&[1, 2]), Ok(2));
        assert_eq!(
            (tx.try_push_slice(&[]), tx.push_slice(&[]), rx.try_pop_slice(&mut [])),
            (Ok(0), Ok(0), Ok(0))
        );
        assert_eq!(ring.len(), 2);
    });
}

#[test]
fn batches_of_any_sizes_are_one_stream_whoever_pops_them() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 16);
        let (mut tx, mut rx) = (ring.producer().expect("an entry"), two_consumers(&ring));
        let (mut sizes, mut pushed, mut popped) = (Numbers::from_seed(1), 0, 0);
        for _ in 0..500 {
            let batch: Vec<u64> = (pushed..).take(sizes.below(20)).collect();
            pushed += tx.try_push_slice(&batch).unwrap_or(0) as u64;
            let mut out = [0; 20];
            let count = sizes.below(20);
            let count = rx[sizes.below(2)].try_pop_slice(&mut out[..count]).unwrap_or(0);
            assert!(out[..count].iter().copied().eq(popped..popped + count as u64));
            popped += count as u64;
        }
        let rest = drain(&mut rx[0]);
        assert!(rest.into_iter().eq((popped..pushed).map(|value| (value, false))));
        assert!(pushed > 1000, "little was pushed");
    });
}

#[test]
fn a_batch_lies_together_and_those_of_others_lie_before_or_behind_it() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        let mut other = tx.try_clone().expect("an entry");
        assert_eq!(tx.try_push_slice(&[10, 11, 12]), Ok(3));
        other.try_push(20).expect("room");
        assert_eq!(tx.try_push_slice(&[13, 14]), Ok(2));
        assert_eq!(other.try_push_slice(&[21, 22, 23]), Ok(2));
        let mut out = [0; 8];
        assert_eq!(rx.try_pop_slice(&mut out), Ok(8));
        assert_eq!(out, [10, 11, 12, 20, 13, 14, 21, 22]);
    });
}

#[test]
fn room_for_a_batch_ends_at_the_first_slot_that_is_not_free() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, [mut slow, mut fast]) = (ring.producer().expect("an entry"), two_consumers(&ring));
        assert_eq!(tx.try_push_slice(&[0, 1, 2, 3, 4, 5, 6, 7]), Ok(8));
        fast.try_pop_slice(&mut [0; 3]).expect("items");
        let item = slow.try_read().expect("an item");
        assert_eq!(item.get(), 3);
        fast.try_pop_slice(&mut [0; 4]).expect("items");
        assert_eq!(tx.try_push_slice(&[8, 9, 10, 11, 12]), Ok(3), "the fourth slot is still being read");
        item.release();
        assert_eq!(tx.try_push_slice(&[11, 12]), Ok(2));
        assert_eq!(drain(&mut fast), [8, 9, 10, 11, 12].map(|value| (value, false)));
    });
}

#[test]
fn a_batch_never_mixes_what_comes_again_with_what_is_fresh() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1, 2, 3, 4, 5]).expect("room");
        drop(rx.try_read_slice(3).expect("items"));
        let (mut seen, mut out) = (Vec::new(), [0; 8]);
        while let Ok(count) = rx.try_pop_slice(&mut out) {
            let last = rx.last().expect("a delivery");
            assert_eq!(last.len, count);
            seen.extend(out[..count].iter().map(|value| (*value, last.redelivered)));
        }
        assert_eq!(seen, [(0, true), (1, true), (2, true), (3, false), (4, false), (5, false)]);
    });
}

#[test]
fn the_waiting_form_pushes_all_of_a_batch_that_is_longer_than_the_ring() {
    const ITEMS: u64 = 1000;
    for_each_backing(|backing| {
        let ring = numbers(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        thread::scope(|scope| {
            scope.spawn(move || {
                let values: Vec<u64> = (0..ITEMS).collect();
                assert_eq!(tx.push_slice(&values), Ok(ITEMS as usize));
            });
            let (mut next, mut out) = (0, [0; 5]);
            while next < ITEMS {
                let count = rx.pop_slice_timeout(&mut out, PATIENCE).expect("items");
                assert!(out[..count].iter().copied().eq(next..next + count as u64));
                next += count as u64;
            }
        });
    });
}

#[test]
fn a_limit_or_a_close_ends_a_batch_that_does_not_fit_and_says_how_much_was_pushed() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        let short = Duration::from_millis(5);
        assert_eq!(tx.push_slice_timeout(&[0, 1, 2, 3, 4, 5], short), Ok(4));
        assert_eq!(tx.push_slice_timeout(&[4, 5], short), Err(PushError::Timeout));
        assert_eq!(rx.try_pop(), Ok(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                while ring.len() < 4 {
                    thread::yield_now();
                }
                ring.close();
            });
            assert_eq!(tx.push_slice(&[4, 5]), Ok(1));
        });
        assert_eq!(tx.push_slice(&[5]), Err(PushError::Closed));
        assert_eq!(drain(&mut rx), [1, 2, 3, 4].map(|value| (value, false)));
    });
}
