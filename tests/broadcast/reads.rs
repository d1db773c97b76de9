//! read → release, by a gated subscriber.

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ringfence::broadcast::{GatedSubscriber, Options, Start};
use ringfence::{PushError, RecvError};

use crate::common::for_each_backing;
use crate::{at, drain_gated, join, numbers, publish};

#[test]
fn an_item_that_is_read_stays_until_it_is_released() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        publish(&mut tx, 0..2);
        for number in 0..20 {
            for round in 0..3 {
                let item = rx.try_read().expect("the item");
                assert_eq!((item.get(), *item, item.position()), (number, number, at(number)));
                assert_eq!(item.redelivered(), round > 0);
                assert_eq!(tx.try_publish(0), Err(PushError::Full));
            }
            let last = rx.last().expect("a delivery");
            assert_eq!((last.first, last.len, last.redelivered), (at(number), 1, true));
            rx.try_read().expect("the item").release();
            tx.try_publish(number + 2).expect("the slot that was released");
        }
    });
}

/// A way to lose a guard.
type Loss = fn(&mut GatedSubscriber<u64>);

#[test]
fn a_guard_that_is_lost_in_any_way_keeps_the_item_which_comes_flagged() {
    let losses: [Loss; 3] = [
        |rx| drop(rx.try_read().expect("an item")),
        |rx| forget(rx.try_read().expect("an item")),
        |rx| {
            let panic = catch_unwind(AssertUnwindSafe(|| {
                let _item = rx.try_read().expect("an item");
                resume_unwind(Box::new("interrupted"));
            }));
            assert!(panic.is_err());
        },
    ];
    for_each_backing(|backing| {
        for lose in losses {
            let ring = numbers(backing, 4, 1);
            let mut tx = ring.publisher().expect("the role");
            let mut rx = join(&ring, Start::Newest);
            publish(&mut tx, 0..3);
            lose(&mut rx);
            assert_eq!((rx.position(), rx.lag()), (at(0), 3));
            assert_eq!(drain_gated(&mut rx), [(0, true), (1, false), (2, false)]);
        }
    });
}

#[test]
fn a_guard_has_a_copy_that_nothing_in_the_ring_can_change() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        publish(&mut tx, 0..2);
        let item = rx.try_read().expect("an item");
        if backing == crate::Backing::Shm {
            ring.poke(crate::common::words::DATA, u64::MAX);
        }
        assert_eq!((*item, item.get()), (0, 0));
        item.release();
        publish(&mut tx, 2..3);
        assert_eq!(drain_gated(&mut rx), [(1, false), (2, false)]);
    });
}

#[test]
fn an_empty_ring_has_nothing_to_read() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        assert_eq!(rx.try_read().err(), Some(RecvError::Empty));
        assert_eq!(rx.read_timeout(std::time::Duration::ZERO).err(), Some(RecvError::Timeout));
        publish(&mut tx, 0..1);
        rx.read().expect("an item").release();
        assert_eq!(rx.try_read().err(), Some(RecvError::Empty));
        tx.close();
        assert_eq!(rx.try_read().err(), Some(RecvError::Closed));
        assert_eq!(rx.read().err(), Some(RecvError::Closed));
    });
}

#[test]
fn a_guard_of_bytes_is_the_bytes() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u8]>::new(4, 16).gated(1));
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        for text in ["", "one", "sixteen bytes ok", "2"] {
            tx.try_publish(text.as_bytes()).expect("room");
            let item = rx.read().expect("an item");
            assert_eq!((&*item, item.len(), item.redelivered()), (text.as_bytes(), text.len(), false));
            drop(item);
            let item = rx.try_read().expect("the item");
            assert_eq!((&item[..], item.redelivered()), (text.as_bytes(), true));
            item.release();
        }
        assert_eq!(rx.try_read().err(), Some(RecvError::Empty));
    });
}

#[test]
fn receiving_releases_what_was_read_and_kept() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        publish(&mut tx, 0..4);
        drop(rx.try_read().expect("an item"));
        let mut out = [9; 4];
        assert_eq!((rx.try_recv_slice(&mut out), out[0]), (Ok(1), 0), "the flagged one alone");
        assert!(rx.last().expect("a delivery").redelivered);
        assert_eq!((rx.try_recv_slice(&mut out), &out[..3]), (Ok(3), &[1, 2, 3][..]));
        assert!(!rx.last().expect("a delivery").redelivered);
    });
}
