//! read → release: looking at items where they lie, and keeping what was not released.

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ringfence::{PopError, Position, PushError};

use crate::common::for_each_backing;

#[test]
fn a_released_item_is_gone_and_its_slot_is_free() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        let item = rx.try_read().expect("an item");
        assert_eq!((item.get(), item.redelivered(), item.position().to_bits()), (1, false, 0));
        item.release();
        tx.try_push(3).expect("the released slot");
        assert_eq!((rx.try_pop(), rx.try_pop(), rx.try_pop()), (Ok(2), Ok(3), Err(PopError::Empty)));
    });
}

#[test]
fn an_item_that_is_looked_at_still_takes_its_slot() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        let item = rx.try_read().expect("an item");
        assert_eq!((tx.try_push(3), ring.len()), (Err(PushError::Full), 2));
        assert_eq!(item.get(), 1);
    });
}

/// Looks at the oldest item without releasing it, in three ways, and says what was seen.
fn keep_by(how: usize, rx: &mut ringfence::spsc::Consumer<u64>) -> (u64, bool) {
    match how {
        0 => {
            let item = rx.try_read().expect("an item");
            (item.get(), item.redelivered())
        }
        1 => {
            let item = rx.try_read().expect("an item");
            let seen = (item.get(), item.redelivered());
            forget(item);
            seen
        }
        _ => {
            let panic = catch_unwind(AssertUnwindSafe(|| {
                let item = rx.try_read().expect("an item");
                resume_unwind(Box::new((item.get(), item.redelivered())));
            }));
            *panic.expect_err("it unwinds").downcast().expect("what was seen")
        }
    }
}

#[test]
fn an_item_whose_guard_is_dropped_forgotten_or_unwound_is_read_again_flagged() {
    for_each_backing(|backing| {
        for how in 0..3 {
            let ring = backing.elements::<u64>(4);
            let (mut tx, mut rx) = ring.ends();
            tx.try_push_slice(&[1, 2]).expect("room");
            assert_eq!(keep_by(how, &mut rx), (1, false));
            assert_eq!(keep_by(how, &mut rx), (1, true));
            let item = rx.try_read().expect("the item");
            assert_eq!((item.get(), item.redelivered(), item.position().to_bits()), (1, true, 0));
            item.release();
            let item = rx.try_read().expect("the next item");
            assert_eq!((item.get(), item.redelivered()), (2, false), "nobody has looked at it");
        }
    });
}

#[test]
fn a_kept_item_is_popped_flagged() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        drop(rx.try_read().expect("an item"));
        assert_eq!(rx.try_pop(), Ok(1));
        assert!(rx.last().expect("a delivery").redelivered);
        assert_eq!(rx.try_pop(), Ok(2));
        assert!(!rx.last().expect("a delivery").redelivered);
    });
}

#[test]
fn a_kept_item_of_bytes_is_read_again_flagged() {
    for_each_backing(|backing| {
        let ring = backing.bytes(4, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"kept").expect("room");
        assert!(!rx.try_read().expect("an item").redelivered());
        let item = rx.try_read().expect("the item");
        assert_eq!((item.to_vec(), item.redelivered()), (b"kept".to_vec(), true));
        drop(item);
        let mut buffer = Vec::new();
        rx.try_pop_to(&mut buffer).expect("the item");
        assert_eq!((buffer.as_slice(), rx.last().map(|it| it.redelivered)), (&b"kept"[..], Some(true)));
    });
}

#[test]
fn a_look_counts_as_the_last_delivery() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2, 3]).expect("room");
        drop(rx.try_read().expect("an item"));
        let last = rx.last().expect("a delivery");
        assert_eq!((last.first.to_bits(), last.len, last.redelivered), (0, 1, false));
        drop(rx.try_read_slice(3).expect("items"));
        let last = rx.last().expect("a delivery");
        assert_eq!((last.first.to_bits(), last.len, last.redelivered), (0, 1, true));
    });
}

#[test]
fn a_slice_shows_the_oldest_items_across_the_end_of_the_ring() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u32>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0; 3]).expect("room");
        rx.try_pop_slice(&mut [0; 3]).expect("items");
        tx.try_push_slice(&[1, 2, 3, 4]).expect("room");
        let items = rx.try_read_slice(10).expect("items");
        assert_eq!((items.len(), items.position().to_bits(), items.redelivered()), (4, 3, false));
        assert_eq!(items.iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(items.iter().rev().collect::<Vec<_>>(), [4, 3, 2, 1]);
        assert_eq!((items.iter().len(), items.get(0), items.get(3)), (4, Some(1), Some(4)));
        assert_eq!((items.get(4), items.get(usize::MAX)), (None, None));
        items.release();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    });
}

#[test]
fn a_slice_takes_no_more_than_it_is_asked_for_and_at_least_one() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u32>(8);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(rx.try_read_slice(3).err(), Some(PopError::Empty));
        tx.try_push_slice(&[1, 2, 3, 4, 5]).expect("room");
        assert_eq!(rx.try_read_slice(0).expect("items").len(), 1);
        let items = rx.read_slice(1).expect("items");
        assert_eq!(items.len(), 1);
        items.release();
        assert_eq!(rx.try_read_slice(3).expect("items").len(), 3);
    });
}

#[test]
fn releasing_the_first_items_of_a_slice_keeps_the_others() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u32>(8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2, 3, 4, 5]).expect("room");
        rx.try_read_slice(3).expect("items").release_first(2);
        assert_eq!((ring.len(), rx.position()), (3, Position::from_bits(2)));

        let items = rx.try_read_slice(8).expect("items");
        assert_eq!((items.iter().collect::<Vec<_>>(), items.redelivered()), (vec![3], true));
        items.release_first(0);
        let items = rx.try_read_slice(8).expect("items");
        assert_eq!(items.get(0), Some(3), "nothing was released");
        items.release();

        let items = rx.try_read_slice(8).expect("items");
        assert_eq!((items.iter().collect::<Vec<_>>(), items.redelivered()), (vec![4, 5], false));
        items.release_first(usize::MAX);
        assert_eq!((ring.len(), rx.try_pop()), (0, Err(PopError::Empty)));
    });
}

#[test]
fn a_batch_ends_where_the_items_change_from_seen_to_new() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u32>(8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2, 3]).expect("room");
        drop(rx.try_read_slice(8).expect("items"));
        tx.try_push_slice(&[4, 5]).expect("room");
        let mut out = [0; 8];
        assert_eq!(rx.try_pop_slice(&mut out), Ok(3));
        assert_eq!((out[..3].to_vec(), rx.last().map(|it| it.redelivered)), (vec![1, 2, 3], Some(true)));
        assert_eq!(rx.try_pop_slice(&mut out), Ok(2));
        assert_eq!((out[..2].to_vec(), rx.last().map(|it| it.redelivered)), (vec![4, 5], Some(false)));
    });
}

#[test]
fn a_slice_that_is_dropped_or_forgotten_is_read_again_flagged() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u32>(8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        drop(rx.try_read_slice(8).expect("items"));
        forget(rx.try_read_slice(8).expect("items"));
        let items = rx.try_read_slice(8).expect("items");
        assert_eq!((items.iter().collect::<Vec<_>>(), items.redelivered()), (vec![1, 2], true));
    });
}

#[test]
fn a_trusted_borrow_is_the_item_where_it_lies() {
    for_each_backing(|backing| {
        let ring = backing.elements::<[u64; 8]>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push([7; 8]).expect("room");
        let item = rx.try_read().expect("an item");
        // SAFETY: the producer of this test writes nothing while the borrow lives.
        let borrowed = unsafe { item.trusted() };
        assert_eq!((borrowed, item.get()), (&[7; 8], [7; 8]));
        assert!(std::ptr::from_ref(borrowed).is_aligned());
    });
}

#[test]
fn an_empty_ring_has_nothing_to_read() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u32>(4);
        let (_tx, mut rx) = ring.ends();
        let limit = std::time::Duration::ZERO;
        assert_eq!(rx.try_read().err(), Some(PopError::Empty));
        assert_eq!(rx.read_timeout(limit).err(), Some(PopError::Timeout));
        assert_eq!(rx.try_read_slice(1).err(), Some(PopError::Empty));
        assert_eq!(rx.read_slice_timeout(1, limit).err(), Some(PopError::Timeout));
        assert_eq!(rx.try_read_ahead(), Err(PopError::Empty));
        assert_eq!(rx.read_ahead_timeout(limit), Err(PopError::Timeout));
        assert_eq!(rx.last(), None);
    });
}
