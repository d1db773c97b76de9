//! read → release: looking at elements where they lie, and keeping what was not released.

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ringfence::stream::Reader;
use ringfence::{PopError, Position, PushError};

use crate::common::for_each_backing;
use crate::{drain, elements};

#[test]
fn a_slice_ends_where_the_memory_ends() {
    for_each_backing(|backing| {
        let ring = elements::<u32>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0; 3]).expect("room");
        rx.try_pop_slice(&mut [0; 3]).expect("elements");
        tx.try_push_slice(&[1, 2, 3, 4]).expect("room");
        let items = rx.try_read_slice(10).expect("elements");
        assert_eq!((items.len(), items.position().to_bits(), items.redelivered()), (1, 3, false));
        assert_eq!((items.get(0), items.get(1), items.get(usize::MAX)), (Some(1), None, None));
        items.release();
        let items = rx.try_read_slice(10).expect("elements");
        assert_eq!((items.len(), items.position().to_bits()), (3, 4));
        assert_eq!(items.iter().collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(items.iter().rev().collect::<Vec<_>>(), [4, 3, 2]);
        assert_eq!(items.iter().len(), 3);
        let mut out = [9; 5];
        assert_eq!((items.copy_to(&mut out), out), (3, [2, 3, 4, 9, 9]));
        assert_eq!((items.copy_to(&mut out[..2]), items.copy_to(&mut [])), (2, 0));
        items.release();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    });
}

#[test]
fn two_slices_show_everything_wherever_it_begins() {
    for_each_backing(|backing| {
        for capacity in [2, 4, 8, 16] {
            let ring = elements::<u64>(backing, capacity);
            let (mut tx, mut rx) = ring.ends();
            for offset in 0..3 * capacity as u64 {
                let values: Vec<u64> = (offset..).take(capacity).collect();
                assert_eq!(tx.try_push_slice(&values), Ok(capacity));
                let (mut seen, mut slices) = (Vec::new(), 0);
                while let Ok(items) = rx.try_read_slice(usize::MAX) {
                    seen.extend(items.iter());
                    slices += 1;
                    items.release();
                }
                assert_eq!((seen, slices), (values, 1 + usize::from(offset % capacity as u64 > 0)));
                tx.try_push(0).expect("room");
                rx.try_pop().expect("an element");
            }
        }
    });
}

#[test]
fn a_slice_takes_no_more_than_it_is_asked_for_and_at_least_one() {
    for_each_backing(|backing| {
        let ring = elements::<u32>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(rx.try_read_slice(3).err(), Some(PopError::Empty));
        tx.try_push_slice(&[1, 2, 3, 4, 5]).expect("room");
        assert_eq!(rx.try_read_slice(0).expect("elements").len(), 1);
        let items = rx.read_slice(1).expect("elements");
        assert_eq!(items.len(), 1);
        items.release();
        assert_eq!(rx.try_read_slice(3).expect("elements").len(), 3);
    });
}

#[test]
fn elements_that_are_looked_at_still_take_their_places() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2, 3, 4]).expect("room");
        let items = rx.try_read_slice(4).expect("elements");
        assert_eq!((tx.try_push(5), ring.len()), (Err(PushError::Full), 4));
        items.release_first(1);
        assert_eq!(tx.try_push_slice(&[5, 6]), Ok(1));
    });
}

#[test]
fn releasing_the_first_elements_of_a_slice_keeps_the_others() {
    for_each_backing(|backing| {
        let ring = elements::<u32>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2, 3, 4, 5]).expect("room");
        rx.try_read_slice(3).expect("elements").release_first(2);
        assert_eq!((ring.len(), rx.position()), (3, Position::from_bits(2)));

        let items = rx.try_read_slice(8).expect("elements");
        assert_eq!((items.iter().collect::<Vec<_>>(), items.redelivered()), (vec![3], true));
        items.release_first(0);
        let items = rx.try_read_slice(8).expect("elements");
        assert_eq!(items.get(0), Some(3), "nothing was released");
        items.release();

        let items = rx.try_read_slice(8).expect("elements");
        assert_eq!((items.iter().collect::<Vec<_>>(), items.redelivered()), (vec![4, 5], false));
        items.release_first(usize::MAX);
        assert_eq!((ring.len(), rx.try_pop()), (0, Err(PopError::Empty)));
    });
}

#[test]
fn a_batch_ends_where_the_elements_change_from_seen_to_new() {
    for_each_backing(|backing| {
        let ring = elements::<u32>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2, 3]).expect("room");
        drop(rx.try_read_slice(8).expect("elements"));
        tx.try_push_slice(&[4, 5]).expect("room");
        let mut out = [0; 8];
        assert_eq!(rx.try_pop_slice(&mut out), Ok(3));
        assert_eq!((out[..3].to_vec(), rx.last().map(|it| it.redelivered)), (vec![1, 2, 3], Some(true)));
        assert_eq!(rx.try_pop_slice(&mut out), Ok(2));
        assert_eq!((out[..2].to_vec(), rx.last().map(|it| it.redelivered)), (vec![4, 5], Some(false)));
    });
}

/// Looks at the oldest elements without releasing them, in three ways, and says what was seen.
fn keep_by(how: usize, rx: &mut Reader<u64>) -> (Vec<u64>, bool) {
    let items = rx.try_read_slice(8).expect("elements");
    let seen = (items.iter().collect(), items.redelivered());
    match how {
        0 => drop(items),
        1 => forget(items),
        _ => {
            catch_unwind(AssertUnwindSafe(|| {
                let _items = items;
                resume_unwind(Box::new(()));
            }))
            .expect_err("it unwinds");
        }
    }
    seen
}

#[test]
fn a_slice_that_is_dropped_forgotten_or_unwound_is_read_again_flagged() {
    for_each_backing(|backing| {
        for how in 0..3 {
            let ring = elements::<u64>(backing, 8);
            let (mut tx, mut rx) = ring.ends();
            tx.try_push_slice(&[1, 2]).expect("room");
            assert_eq!(keep_by(how, &mut rx), (vec![1, 2], false));
            assert_eq!(keep_by(how, &mut rx), (vec![1, 2], true));
            tx.try_push(3).expect("room");
            assert_eq!(drain(&mut rx), [(1, true), (2, true), (3, false)]);
        }
    });
}

#[test]
fn a_look_counts_as_the_last_delivery() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2, 3]).expect("room");
        drop(rx.try_read_slice(2).expect("elements"));
        let last = rx.last().expect("a delivery");
        assert_eq!((last.first.to_bits(), last.len, last.redelivered), (0, 2, false));
        drop(rx.try_read_slice(3).expect("elements"));
        let last = rx.last().expect("a delivery");
        assert_eq!((last.first.to_bits(), last.len, last.redelivered), (0, 2, true));
    });
}

#[test]
fn a_trusted_borrow_is_the_elements_where_they_lie() {
    for_each_backing(|backing| {
        let ring = elements::<[u64; 3]>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..10 {
            tx.try_push_slice(&[[lap; 3], [lap + 1; 3]]).expect("room");
            let items = rx.try_read_slice(4).expect("elements");
            // SAFETY: the writer of this test writes nothing while the borrow lives.
            let borrowed = unsafe { items.trusted() };
            assert_eq!(borrowed, [[lap; 3], [lap + 1; 3]]);
            items.release();
        }
        tx.try_push(<[u64; 3]>::default()).expect("room");
        rx.try_pop().expect("an element");
        tx.try_push_slice(&[[7; 3]; 4]).expect("room");
        let items = rx.try_read_slice(4).expect("elements");
        // SAFETY: as above.
        assert_eq!(unsafe { items.trusted() }.len(), 3, "up to the end of the memory");
    });
}
