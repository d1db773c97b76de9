//! claim → fill → commit | abort.

use std::io::{ErrorKind, Write};
use std::mem::forget;

use ringfence::{PopError, Position, PushError};

use crate::common::for_each_backing;

#[test]
fn a_claim_that_is_filled_and_committed_is_an_item() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        for value in 0..20 {
            let claim = tx.try_claim().expect("room");
            assert_eq!(claim.position().to_bits(), value);
            let filled = claim.write(value);
            assert_eq!(rx.try_pop(), Err(PopError::Empty), "nothing is visible before the commit");
            assert_eq!(filled.commit(), Ok(Position::from_bits(value)));
            assert_eq!(rx.try_pop(), Ok(value));
        }
    });
}

#[test]
fn a_claim_that_is_dropped_or_forgotten_pushes_nothing() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        for value in 0..10 {
            drop(tx.try_claim().expect("room"));
            drop(tx.try_claim().expect("room").write(u64::MAX));
            forget(tx.try_claim().expect("room"));
            forget(tx.try_claim().expect("room").write(u64::MAX));
            assert_eq!((ring.len(), rx.try_pop()), (0, Err(PopError::Empty)));
            let position = tx.try_push(value).expect("no slot was lost");
            assert_eq!(position.to_bits(), value);
            assert_eq!(rx.try_pop(), Ok(value));
        }
    });
}

#[test]
fn a_panic_while_a_claim_is_filled_pushes_nothing() {
    for_each_backing(|backing| {
        let ring = backing.bytes(2, 16);
        let (mut tx, mut rx) = ring.ends();
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut claim = tx.try_claim().expect("room");
            claim.append(b"half an it").expect("it fits");
            std::panic::resume_unwind(Box::new("interrupted"));
        }));
        assert!(panic.is_err());
        assert_eq!(rx.try_read().err(), Some(PopError::Empty));
        tx.try_push(b"whole").expect("room");
        assert_eq!(rx.try_read().expect("an item").to_vec(), b"whole");
    });
}

#[test]
fn a_full_ring_has_no_slot_to_claim() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        tx.claim().expect("room").write(1).commit().expect("a commit");
        tx.claim().expect("room").write(2).commit().expect("a commit");
        assert_eq!(tx.try_claim().err(), Some(PushError::Full));
        assert_eq!(tx.claim_timeout(std::time::Duration::ZERO).err(), Some(PushError::Timeout));
        assert_eq!(rx.try_pop(), Ok(1));
        assert!(tx.try_claim().is_ok());
    });
}

#[test]
fn a_claim_of_bytes_grows_by_what_is_appended() {
    for_each_backing(|backing| {
        let ring = backing.bytes(4, 16);
        let (mut tx, mut rx) = ring.ends();

        let mut claim = tx.try_claim().expect("room");
        claim.append(b"one ").expect("it fits");
        claim.append(b"").expect("it fits");
        claim.append(b"two").expect("it fits");
        claim.finish().commit().expect("a commit");
        assert_eq!(rx.try_read().expect("an item").to_vec(), b"one two");

        let claim = tx.try_claim().expect("room");
        claim.finish().commit().expect("a commit");
        rx.try_read().expect("an item").release();
        assert_eq!(rx.try_read().expect("an item").len(), 0, "a claim that nothing was appended to is empty");
    });
}

#[test]
fn copying_into_a_claim_replaces_what_was_appended() {
    for_each_backing(|backing| {
        let ring = backing.bytes(4, 8);
        let (mut tx, mut rx) = ring.ends();
        let mut claim = tx.try_claim().expect("room");
        claim.append(b"12345678").expect("it fits");
        claim.copy_from(b"abc").expect("it fits").commit().expect("a commit");
        assert_eq!(rx.try_read().expect("an item").to_vec(), b"abc");
    });
}

#[test]
fn what_does_not_fit_into_a_claim_is_refused_whole() {
    for_each_backing(|backing| {
        let ring = backing.bytes(4, 8);
        let (mut tx, mut rx) = ring.ends();
        let mut claim = tx.try_claim().expect("room");
        claim.append(b"12345").expect("it fits");
        assert_eq!(claim.append(b"6789"), Err(PushError::TooLong { len: 9, max: 8 }));
        let error = claim.write_all(b"6789").expect_err("it does not fit");
        assert_eq!(error.kind(), ErrorKind::WriteZero);
        claim.write_all(b"678").expect("it fits");
        claim.flush().expect("nothing to do");
        claim.finish().commit().expect("a commit");
        assert_eq!(rx.try_read().expect("an item").to_vec(), b"12345678");

        let refused = tx.try_claim().expect("room").copy_from(b"123456789").err();
        assert_eq!(refused, Some(PushError::TooLong { len: 9, max: 8 }));
        assert_eq!(ring.len(), 1, "the claim was aborted");
    });
}

#[test]
fn text_can_be_formatted_straight_into_a_claim() {
    for_each_backing(|backing| {
        let ring = backing.bytes(4, 64);
        let (mut tx, mut rx) = ring.ends();
        let (side, mut claim) = ("bid", tx.claim().expect("room"));
        write!(claim, "{side}={:.2}", 1.5).expect("it fits");
        claim.finish().commit().expect("a commit");
        assert_eq!(rx.read().expect("an item").to_vec(), b"bid=1.50");
    });
}

#[test]
fn an_aborted_claim_leaves_no_bytes_in_the_next_item() {
    for_each_backing(|backing| {
        let ring = backing.bytes(2, 8);
        let (mut tx, mut rx) = ring.ends();
        drop(tx.try_claim().expect("room").copy_from(b"secret!!").expect("it fits"));
        tx.try_push(b"ab").expect("room");
        let item = rx.try_read().expect("an item");
        assert_eq!((item.len(), item.to_vec()), (2, b"ab".to_vec()));
    });
}
