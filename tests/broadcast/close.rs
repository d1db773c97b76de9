//! The end of a ring.

use std::thread;
use std::time::Duration;

use ringfence::broadcast::{Options, Start};
use ringfence::{Presence, PushError, RecvError};

use crate::common::{Backing, for_each_backing};
use crate::{PATIENCE, drain, drain_gated, join, numbers, publish, subscribe};

#[test]
fn a_publisher_that_closes_ends_the_ring_once_it_is_drained() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        publish(&mut tx, 0..3);
        assert!(!ring.is_closed());
        tx.close();
        assert!(ring.is_closed() && ring.opened_again().is_closed());
        for refused in [tx.try_publish(9), tx.publish(9), tx.publish_timeout(9, PATIENCE)] {
            assert_eq!(refused, Err(PushError::Closed));
        }
        assert_eq!(
            (tx.try_publish_slice(&[9]), tx.publish_slice(&[9])),
            (Err(PushError::Closed), Err(PushError::Closed))
        );
        assert_eq!(tx.try_claim().err(), Some(PushError::Closed));
        assert!(!tx.publish_or_drop(9));
        assert_eq!((drain(&mut lossy).len(), drain_gated(&mut gated).len()), (3, 3));
        for _ in 0..2 {
            assert_eq!((lossy.try_recv(), lossy.recv()), (Err(RecvError::Closed), Err(RecvError::Closed)));
            assert_eq!((gated.try_recv(), gated.recv()), (Err(RecvError::Closed), Err(RecvError::Closed)));
            assert_eq!(lossy.try_recv_slice(&mut [0; 2]), Err(RecvError::Closed));
            assert_eq!(gated.recv_slice(&mut [0; 2]), Err(RecvError::Closed));
            assert_eq!(gated.read_ahead(), Err(RecvError::Closed));
            assert_eq!(
                (lossy.wait(PATIENCE), gated.wait(PATIENCE)),
                (Err(RecvError::Closed), Err(RecvError::Closed))
            );
        }
        tx.close();
    });
}

#[test]
fn whoever_comes_to_a_closed_ring_finds_what_is_left() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        publish(&mut tx, 0..6);
        tx.close();
        drop(tx);
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Oldest), join(&ring, Start::Oldest));
        assert_eq!((drain(&mut lossy), drain_gated(&mut gated).len()), (vec![2, 3, 4, 5], 4));
        assert_eq!((lossy.recv(), gated.recv()), (Err(RecvError::Closed), Err(RecvError::Closed)));
        assert_eq!(subscribe(&ring, Start::Newest).recv(), Err(RecvError::Closed));
        let mut tx = ring.publisher().expect("the role, for what it is worth");
        assert_eq!(tx.publish(0), Err(PushError::Closed));
    });
}

#[test]
fn a_ring_that_anyone_closed_ends_once_its_publisher_is_gone() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        publish(&mut tx, 0..2);
        let claim = tx.try_claim().expect("room").write(2);
        ring.opened_again().close().expect("a ring that may be written");
        claim.commit().expect("it was begun before");
        assert_eq!(tx.try_publish(9), Err(PushError::Closed));
        assert_eq!((drain(&mut lossy).len(), drain_gated(&mut gated).len()), (3, 3));
        assert_eq!((lossy.try_recv(), gated.try_recv()), (Err(RecvError::Empty), Err(RecvError::Empty)));
        assert_eq!(lossy.recv_timeout(Duration::from_millis(5)), Err(RecvError::Timeout));
        drop(tx);
        assert_eq!((lossy.try_recv(), gated.try_recv()), (Err(RecvError::Closed), Err(RecvError::Closed)));
        assert_eq!((lossy.recv(), gated.recv()), (Err(RecvError::Closed), Err(RecvError::Closed)));
    });
}

#[test]
fn a_close_wakes_a_publisher_that_a_gate_holds_up() {
    for_each_backing(|backing| {
        for by_ring in [false, true] {
            let ring = numbers(backing, 2, 1);
            let mut tx = ring.publisher().expect("the role");
            let mut rx = join(&ring, Start::Newest);
            publish(&mut tx, 0..2);
            thread::scope(|scope| {
                let waiting = scope.spawn(move || (tx.publish_timeout(2, PATIENCE), tx));
                thread::sleep(Duration::from_millis(5));
                if by_ring {
                    ring.close().expect("a ring that may be written");
                } else {
                    assert_eq!(rx.try_recv(), Ok(0));
                }
                let (published, _tx) = waiting.join().expect("no panic");
                assert_eq!(published.map(drop), if by_ring { Err(PushError::Closed) } else { Ok(()) });
            });
        }
    });
}

#[test]
fn a_close_wakes_subscribers_that_sleep() {
    for_each_backing(|backing| {
        for by_ring in [false, true] {
            let ring = numbers(backing, 2, 1);
            let mut tx = ring.publisher().expect("the role");
            let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
            thread::scope(|scope| {
                let lossy = scope.spawn(move || lossy.recv_timeout(PATIENCE));
                let gated = scope.spawn(move || gated.recv_timeout(PATIENCE));
                thread::sleep(Duration::from_millis(5));
                if by_ring {
                    ring.close().expect("a ring that may be written");
                } else {
                    tx.close();
                }
                drop(tx);
                assert_eq!(lossy.join().expect("no panic"), Err(RecvError::Closed));
                assert_eq!(gated.join().expect("no panic"), Err(RecvError::Closed));
            });
        }
    });
}

#[test]
fn a_closed_ring_whose_publisher_died_is_at_its_end() {
    let ring = numbers(Backing::Shm, 4, 1);
    let mut tx = ring.publisher().expect("the role");
    publish(&mut tx, 0..2);
    ring.close().expect("a ring that may be written");
    let crashed = ring.as_after_a_crash().expect("a file");
    let mut rx = subscribe(&crashed, Start::Oldest);
    assert_eq!(rx.peer().state, Presence::Died);
    assert_eq!((rx.recv(), rx.recv(), rx.recv()), (Ok(0), Ok(1), Err(RecvError::Closed)));
}

#[test]
fn a_batch_says_what_was_published_before_a_close() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let _rx = join(&ring, Start::Newest);
        thread::scope(|scope| {
            let waiting = scope.spawn(move || (tx.publish_slice(&[0, 1, 2, 3]), tx.publish(4)));
            while ring.len() < 2 {
                thread::yield_now();
            }
            ring.close().expect("a ring that may be written");
            assert_eq!(waiting.join().expect("no panic"), (Ok(2), Err(PushError::Closed)));
        });
    });
}

#[test]
fn removing_the_name_ends_a_ring() {
    let ring = Backing::Shm.create(Options::<u64>::new(4).gated(1));
    let mut tx = ring.publisher().expect("the role");
    let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
    publish(&mut tx, 0..2);
    let error = ring.unlink().expect_err("somebody is attached");
    assert!(matches!(error, ringfence::UnlinkError::InUse { .. }), "{error}");
    ring.force_unlink().expect("a name");
    let unlinked = ringfence::Fault::Unlinked;
    assert_eq!(tx.publish(2), Err(PushError::Broken(unlinked)));
    assert_eq!((drain(&mut lossy).len(), drain_gated(&mut gated).len()), (2, 2));
    assert_eq!(
        (lossy.recv(), gated.recv()),
        (Err(RecvError::Broken(unlinked)), Err(RecvError::Broken(unlinked)))
    );
    assert_eq!(ring.subscribe(Start::Newest).err(), Some(ringfence::AttachError::Unlinked));
    assert_eq!(ring.publisher().err(), Some(ringfence::AttachError::Unlinked));
}

#[test]
fn subscribers_without_a_gate_keep_nobody_from_removing_the_name() {
    let ring = numbers(Backing::Shm, 4, 0);
    let mut rx = subscribe(&ring, Start::Newest);
    ring.unlink().expect("nobody holds anything");
    assert_eq!(rx.recv(), Err(RecvError::Broken(ringfence::Fault::Unlinked)));
}
