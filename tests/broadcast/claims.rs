//! claim → fill → commit | abort.

use std::io::{ErrorKind, Write};
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use ringfence::broadcast::{Options, Start};
use ringfence::{PushError, RecvError};

use crate::common::for_each_backing;
use crate::{at, drain, drain_gated, join, lagged, numbers, publish, subscribe};

#[test]
fn a_claim_that_is_filled_and_committed_is_an_item() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        for value in 0..20 {
            let claim = tx.try_claim().expect("room");
            assert_eq!(claim.position(), at(value));
            let filled = claim.write(value);
            assert_eq!((lossy.try_recv(), gated.try_recv()), (Err(RecvError::Empty), Err(RecvError::Empty)));
            assert_eq!(filled.commit(), Ok(at(value)));
            assert_eq!((lossy.try_recv(), gated.try_recv()), (Ok(value), Ok(value)));
        }
    });
}

#[test]
fn a_claim_that_is_dropped_or_forgotten_publishes_nothing() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        for value in 0..10 {
            drop(tx.try_claim().expect("room"));
            drop(tx.try_claim().expect("room").write(u64::MAX));
            forget(tx.try_claim().expect("room"));
            forget(tx.try_claim().expect("room").write(u64::MAX));
            assert_eq!((lossy.try_recv(), gated.try_recv()), (Err(RecvError::Empty), Err(RecvError::Empty)));
            assert_eq!(tx.try_publish(value), Ok(at(value)), "no position was lost");
            assert_eq!((lossy.try_recv(), gated.try_recv()), (Ok(value), Ok(value)));
        }
    });
}

#[test]
fn an_aborted_claim_costs_the_oldest_item_and_no_other() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..4);
        drop(tx.try_claim().expect("room"));
        assert_eq!(subscribe(&ring, Start::Oldest).position(), at(1));
        assert_eq!(rx.try_recv(), Err(lagged(1, 1)));
        assert_eq!(drain(&mut rx), [1, 2, 3]);
        publish(&mut tx, 4..5);
        assert_eq!(drain(&mut rx), [4]);
    });
}

#[test]
fn a_claim_at_a_gate_costs_nobody_anything() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        tx.claim().expect("room").write(0).commit().expect("a commit");
        tx.claim_timeout(Duration::ZERO).expect("room").write(1).commit().expect("a commit");
        assert_eq!(tx.try_claim().err(), Some(PushError::Full));
        assert_eq!(tx.claim_timeout(Duration::ZERO).err(), Some(PushError::Timeout));
        assert_eq!(rx.try_recv(), Ok(0));
        drop(tx.try_claim().expect("room"));
        assert_eq!(drain_gated(&mut rx), [(1, false)]);
    });
}

#[test]
fn a_panic_while_a_claim_is_filled_publishes_nothing() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u8]>::new(2, 16));
        let (mut tx, mut rx) = ring.ends();
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let mut claim = tx.try_claim().expect("room");
            claim.append(b"half an it").expect("it fits");
            resume_unwind(Box::new("interrupted"));
        }));
        assert!(panic.is_err());
        let mut buffer = Vec::new();
        assert_eq!(rx.try_recv_to(&mut buffer), Err(RecvError::Empty));
        tx.try_publish(b"whole").expect("room");
        assert_eq!((rx.try_recv_to(&mut buffer), &buffer[..]), (Ok(5), &b"whole"[..]));
    });
}

#[test]
fn a_claim_of_bytes_grows_by_what_is_appended_and_refuses_whole_what_does_not_fit() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u8]>::new(4, 8));
        let (mut tx, mut rx) = ring.ends();
        let mut received = |expected: &[u8]| {
            let mut buffer = Vec::new();
            assert_eq!(rx.try_recv_to(&mut buffer), Ok(expected.len()));
            assert_eq!(buffer, expected);
        };
        let mut claim = tx.try_claim().expect("room");
        claim.append(b"12345").expect("it fits");
        assert_eq!(claim.append(b"6789"), Err(PushError::TooLong { len: 9, max: 8 }));
        let error = claim.write_all(b"6789").expect_err("it does not fit");
        assert_eq!(error.kind(), ErrorKind::WriteZero);
        claim.write_all(b"678").expect("it fits");
        claim.flush().expect("nothing to do");
        claim.finish().commit().expect("a commit");
        received(b"12345678");

        let mut claim = tx.claim().expect("room");
        claim.append(b"replaced").expect("it fits");
        claim.copy_from(b"abc").expect("it fits").commit().expect("a commit");
        received(b"abc");
        tx.try_claim().expect("room").finish().commit().expect("a commit");
        received(b"");
        let refused = tx.try_claim().expect("room").copy_from(b"123456789").err();
        assert_eq!(refused, Some(PushError::TooLong { len: 9, max: 8 }));
        write!(tx.claim().expect("room"), "lost").expect("it fits");
        let (side, mut claim) = ("bid", tx.claim().expect("room"));
        write!(claim, "{side}={:.1}", 1.5).expect("it fits");
        claim.finish().commit().expect("a commit");
        received(b"bid=1.5");
    });
}

#[test]
fn what_is_too_long_is_refused_before_anything_is_overwritten() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u8]>::new(2, 3));
        let (mut tx, mut rx) = ring.ends();
        assert_eq!([tx.max_len(), rx.max_len(), ring.max_len()], [3; 3]);
        tx.try_publish(b"one").expect("room");
        tx.try_publish(b"two").expect("room");
        let refused = PushError::TooLong { len: 4, max: 3 };
        assert_eq!((tx.try_publish(b"long"), tx.publish(b"long")), (Err(refused), Err(refused)));
        assert_eq!(tx.publish_timeout(b"long", Duration::ZERO), Err(refused));
        assert!(!tx.publish_or_drop(b"long"));
        let mut buffer = Vec::new();
        assert_eq!((rx.try_recv_to(&mut buffer), &buffer[..]), (Ok(3), &b"one"[..]));
        assert_eq!(ring.participants()[0].dropped, 1);
    });
}
