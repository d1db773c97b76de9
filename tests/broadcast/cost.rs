//! What the hot path does not do.

use ringfence::broadcast::{Options, Start};

use crate::common::{allocated, for_each_backing};
use crate::{join, subscribe};

#[test]
fn elements_are_published_and_received_without_an_allocation() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u64; 8]>::new(8).gated(1));
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        let mut out = [[0; 8]; 4];
        let before = allocated();
        for _ in 0..100 {
            tx.try_publish([1; 8]).expect("room");
            tx.try_claim().expect("room").write([2; 8]).commit().expect("a commit");
            assert_eq!(tx.try_publish_slice(&[[3; 8]; 9]), Ok(6));
            assert!(tx.try_publish([4; 8]).is_err() && !tx.publish_or_drop([4; 8]));
            gated.try_read().expect("an item").release();
            let item = gated.try_read_ahead().expect("an item");
            gated.release_through(item.position).expect("it was read");
            assert!(gated.try_recv().is_ok());
            while gated.try_recv_slice(&mut out).is_ok() {}
            assert!(lossy.try_recv().is_ok());
            assert!(lossy.try_recv_slice(&mut out).is_ok());
            assert!(lossy.latest().is_ok());
        }
        assert!(lossy.try_recv().is_err());
        let _ = (lossy.last(), lossy.lag(), lossy.position(), gated.lag(), gated.is_demoted());
        assert_eq!(allocated(), before);
    });
}

#[test]
fn a_gap_is_told_without_an_allocation() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(2));
        let (mut tx, mut rx) = ring.ends();
        let before = allocated();
        for _ in 0..100 {
            tx.try_publish_slice(&[0; 5]).expect("no gate");
            assert!(rx.try_recv().is_err());
            assert!(rx.try_recv_slice(&mut [0; 5]).is_ok());
        }
        assert_eq!(allocated(), before);
    });
}

#[test]
fn bytes_are_published_and_received_without_an_allocation_beyond_the_buffer() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u8]>::new(4, 100).gated(1));
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        let mut buffer = Vec::with_capacity(100);
        let item = [7; 100];
        // The handle's own buffer grows with the longest item.
        tx.try_publish(&item).expect("room");
        gated.try_read().expect("an item").release();
        lossy.try_recv_to(&mut buffer).expect("an item");
        let before = allocated();
        for length in 0..=100 {
            tx.try_publish(&item[..length]).expect("room");
            let claim = tx.try_claim().expect("room");
            claim.copy_from(&item[length..]).expect("it fits").commit().expect("a commit");
            assert!(tx.try_publish(&[0; 101]).is_err());
            lossy.try_recv_to(&mut buffer).expect("an item");
            assert_eq!(lossy.latest_to(&mut buffer), Ok(100 - length));
            assert_eq!(gated.try_read().expect("an item").len(), length);
            gated.try_read_ahead_to(&mut buffer).expect("an item");
            gated.try_recv_to(&mut buffer).expect("an item");
            assert_eq!(gated.try_recv_to(&mut buffer), Ok(100 - length));
        }
        assert_eq!(allocated(), before);
        tx.try_publish(&item).expect("room");
        gated.try_recv_to(&mut Vec::new()).expect("an item");
        assert!(allocated().calls > before.calls, "a buffer without room grows, and that is seen here");
    });
}

#[test]
fn a_doorbell_says_that_it_allocates_and_does() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(4));
        let (tx, rx) = ring.ends();
        let before = allocated();
        drop((tx.doorbell(), rx.doorbell()));
        assert!(allocated().calls > before.calls);
    });
}
