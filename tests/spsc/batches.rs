//! Many items in one call.

use ringfence::{Fault, PopError, Position, PushError};

use crate::common::{Numbers, for_each_backing};

#[test]
fn a_batch_keeps_its_order_across_the_end_of_the_ring() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        for value in 0..50 {
            let batch: Vec<u64> = (value * 5..value * 5 + 5).collect();
            assert_eq!(tx.try_push_slice(&batch), Ok(5));
            let mut out = [0; 8];
            assert_eq!(rx.try_pop_slice(&mut out), Ok(5));
            assert_eq!(out[..5], batch);
            assert_eq!(out[5..], [0; 3], "the rest of the buffer is left alone");
        }
    });
}

#[test]
fn a_batch_that_does_not_fit_is_pushed_as_far_as_there_is_room() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(tx.try_push_slice(&[1, 2, 3, 4, 5, 6]), Ok(6));
        assert_eq!(tx.try_push_slice(&[7, 8, 9, 10]), Ok(2));
        assert_eq!(tx.try_push_slice(&[9]), Err(PushError::Full));
        let mut out = [0; 100];
        assert_eq!(rx.try_pop_slice(&mut out), Ok(8));
        assert_eq!(out[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(rx.try_pop_slice(&mut out), Err(PopError::Empty));
    });
}

#[test]
fn a_batch_sees_room_that_was_made_since_the_last_look() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(tx.try_push_slice(&[0; 8]), Ok(8));
        rx.try_pop_slice(&mut [0; 2]).expect("items");
        assert_eq!(tx.try_push_slice(&[1]), Ok(1), "the producer now knows of one more free slot");
        rx.try_pop_slice(&mut [0; 6]).expect("items");
        assert_eq!(tx.try_push_slice(&[2; 9]), Ok(7), "and finds the others when it needs them");
    });
}

#[test]
fn a_short_buffer_takes_the_oldest_items() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u8>(16);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2, 3, 4, 5]).expect("room");
        let mut out = [0; 2];
        for expected in [&[1, 2][..], &[3, 4], &[5]] {
            let count = rx.try_pop_slice(&mut out).expect("items");
            assert_eq!(&out[..count], expected);
        }
    });
}

#[test]
fn a_batch_is_delivered_under_the_position_of_its_first_item() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0; 7]).expect("room");
        assert_eq!(tx.position(), Position::from_bits(7));
        for (first, len) in [(0, 3), (3, 3), (6, 1)] {
            assert_eq!(rx.try_pop_slice(&mut [0; 3]), Ok(len));
            let last = rx.last().expect("a delivery");
            assert_eq!((last.first.to_bits(), last.len, last.redelivered), (first, len, false));
        }
        assert_eq!(rx.position(), Position::from_bits(7));
    });
}

#[test]
fn an_empty_batch_does_nothing_whatever_the_ring_holds() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!((tx.try_push_slice(&[]), tx.push_slice(&[])), (Ok(0), Ok(0)));
        assert_eq!((rx.try_pop_slice(&mut []), rx.pop_slice(&mut [])), (Ok(0), Ok(0)));
        tx.try_push_slice(&[1, 2]).expect("room");
        assert_eq!((tx.try_push_slice(&[]), tx.push_slice(&[])), (Ok(0), Ok(0)), "full");
        assert_eq!((rx.try_pop_slice(&mut []), rx.pop_slice(&mut [])), (Ok(0), Ok(0)), "full");
        assert_eq!((ring.len(), rx.last()), (2, None));
    });
}

#[test]
fn batches_of_every_size_and_single_items_mix() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(16);
        let (mut tx, mut rx) = ring.ends();
        let mut numbers = Numbers::from_seed(1);
        let (mut pushed, mut popped) = (0_u64, 0_u64);
        while popped < 20_000 {
            if numbers.below(4) == 0 {
                pushed += u64::from(tx.try_push(pushed).is_ok());
            } else {
                let batch: Vec<u64> = (pushed..pushed + numbers.below(24) as u64).collect();
                pushed += tx.try_push_slice(&batch).unwrap_or(0) as u64;
            }
            if numbers.below(4) == 0 {
                popped += rx.try_pop().map_or(0, |value| {
                    assert_eq!(value, popped);
                    1
                });
            } else {
                let mut out = vec![u64::MAX; numbers.below(24)];
                let count = rx.try_pop_slice(&mut out).unwrap_or(0);
                assert!(out[..count].iter().copied().eq(popped..popped + count as u64));
                popped += count as u64;
            }
        }
    });
}

#[test]
fn a_batch_that_was_cut_off_by_a_close_says_how_far_it_came() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        std::thread::scope(|scope| {
            let pushing = scope.spawn(|| {
                let count = tx.push_slice(&[1, 2, 3, 4, 5, 6]);
                (count, tx.push_slice(&[7]))
            });
            assert_eq!(rx.pop(), Ok(1), "the batch has begun");
            ring.close();
            let (count, next) = pushing.join().expect("no panic");
            let count = count.expect("the batch had begun");
            assert!((4..=5).contains(&count), "{count}");
            assert_eq!(next, Err(PushError::Closed));
            assert_eq!(ring.len(), count - 1);
        });
    });
}

#[test]
fn a_batch_that_was_cut_off_by_its_limit_says_how_far_it_came() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        let limit = std::time::Duration::ZERO;
        assert_eq!(tx.push_slice_timeout(&[1, 2, 3, 4, 5, 6], limit), Ok(4));
        assert_eq!(tx.push_slice_timeout(&[5, 6], limit), Err(PushError::Timeout));
        let mut out = [0; 8];
        assert_eq!(rx.pop_slice_timeout(&mut out, limit), Ok(4));
        assert_eq!(out[..4], [1, 2, 3, 4]);
        assert_eq!(rx.pop_slice_timeout(&mut out, limit), Err(PopError::Timeout));
    });
}

#[test]
fn a_waiting_batch_is_pushed_as_room_appears() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        let values: Vec<u64> = (0..1000).collect();
        std::thread::scope(|scope| {
            let pushing = scope.spawn(|| tx.push_slice(&values));
            let mut out = [0; 3];
            let mut popped = Vec::new();
            while popped.len() < values.len() {
                let count = rx.pop_slice(&mut out).expect("items");
                assert!(count > 0, "a pop that waits brings at least one item");
                popped.extend_from_slice(&out[..count]);
            }
            assert_eq!(pushing.join().expect("no panic"), Ok(1000));
            assert_eq!(popped, values);
        });
    });
}

#[test]
fn a_batch_into_a_ring_whose_name_was_removed_fails() {
    let ring = crate::common::Backing::Shm.elements::<u64>(4);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[1, 2]).expect("room");
    ring.force_unlink().expect("it is there");
    assert_eq!(tx.push_slice(&[3]), Err(PushError::Broken(Fault::Unlinked)));
    let mut out = [0; 4];
    assert_eq!(rx.pop_slice(&mut out), Ok(2), "what was pushed is delivered");
    assert_eq!(rx.pop_slice(&mut out), Err(PopError::Broken(Fault::Unlinked)));
}
