//! Waiting for many handles at once: sets and bridges.

use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ringfence::broadcast::{Options, Start};
use ringfence::{BridgeFd, RecvError, WaitError, WaitSet};

use crate::common::{Backing, Running, for_each_backing, words};
use crate::{PATIENCE, at, join, lagged, numbers, publish, subscribe};

/// What is ready now.
fn polled<K: Copy>(set: &mut WaitSet<K>) -> Vec<K> {
    let mut ready = Vec::new();
    set.poll(&mut ready);
    ready
}

/// Waits until something is ready, and says what.
fn ready<K: Copy>(set: &mut WaitSet<K>) -> Vec<K> {
    let mut ready = Vec::new();
    set.wait_timeout(&mut ready, PATIENCE).expect("a doorbell that rings");
    ready
}

#[test]
fn a_set_names_subscribers_that_have_something_to_receive_and_publishers_that_have_room() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        let mut set = WaitSet::new();
        set.add(tx.doorbell(), "tx").expect("room");
        set.add(lossy.doorbell(), "lossy").expect("room");
        set.add(gated.doorbell(), "gated").expect("room");
        assert_eq!(polled(&mut set), ["tx"]);
        publish(&mut tx, 0..2);
        assert_eq!(ready(&mut set), ["lossy", "gated"]);
        assert_eq!(gated.try_recv(), Ok(0));
        assert_eq!(ready(&mut set), ["tx", "lossy", "gated"]);
        assert_eq!((lossy.latest(), gated.try_recv()), (Ok(1), Ok(1)));
        assert_eq!(ready(&mut set), ["tx"]);
    });
}

#[test]
fn a_set_names_a_subscriber_that_has_a_gap_to_tell_of_or_the_end() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 0);
        let (mut tx, mut rx) = ring.ends();
        let mut set = WaitSet::new();
        set.add(rx.doorbell(), ()).expect("room");
        assert_eq!(set.wait_timeout(&mut Vec::new(), Duration::ZERO), Err(WaitError::Timeout));
        publish(&mut tx, 0..5);
        assert_eq!(ready(&mut set).len(), 1);
        assert_eq!(rx.try_recv(), Err(lagged(3, 3)));
        assert_eq!((ready(&mut set).len(), rx.latest()), (1, Ok(4)));
        assert!(polled(&mut set).is_empty());
        rx.skip_to(at(3));
        assert_eq!((polled(&mut set).len(), rx.latest()), (1, Ok(4)));
        tx.close();
        assert_eq!((ready(&mut set).len(), rx.try_recv()), (1, Err(RecvError::Closed)));
    });
}

#[test]
fn a_set_follows_what_is_read_ahead_and_read_again() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        let mut set = WaitSet::new();
        set.add(rx.doorbell(), ()).expect("room");
        publish(&mut tx, 0..2);
        rx.try_read_ahead().expect("an item");
        assert_eq!(polled(&mut set).len(), 1);
        rx.try_read_ahead().expect("an item");
        assert!(polled(&mut set).is_empty());
        rx.rewind();
        assert_eq!(polled(&mut set).len(), 1);
    });
}

#[test]
fn a_sleeping_set_is_woken_by_a_publication_and_by_a_release() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let (lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        for round in 0..20 {
            let mut set = WaitSet::new();
            let mut lossy = subscribe(&ring, Start::Newest);
            set.add(lossy.doorbell(), 0).expect("room");
            thread::scope(|scope| {
                let waiting = scope.spawn(|| ready(&mut set));
                thread::sleep(Duration::from_millis(1));
                publish(&mut tx, 2 * round..2 * round + 2);
                assert_eq!(waiting.join().expect("no panic"), [0]);
            });
            assert_eq!(lossy.try_recv(), Ok(2 * round));
            let mut set = WaitSet::new();
            set.add(tx.doorbell(), 1).expect("room");
            thread::scope(|scope| {
                let waiting = scope.spawn(|| ready(&mut set));
                thread::sleep(Duration::from_millis(1));
                assert_eq!(gated.try_recv(), Ok(2 * round));
                assert_eq!(waiting.join().expect("no panic"), [1]);
            });
            assert_eq!(gated.try_recv(), Ok(2 * round + 1));
        }
        drop(lossy);
    });
}

#[test]
fn a_sleeping_set_is_woken_by_a_subscriber_that_skips_back() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..4);
        rx.skip_to(at(4));
        let mut set = WaitSet::new();
        set.add(rx.doorbell(), ()).expect("room");
        // The bell that sleepers arm: how often it was rung, and whether somebody may sleep.
        let bell = || (backing == Backing::Shm).then(|| ring.image().u64(words::NOT_EMPTY));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| ready(&mut set));
            while bell().is_some_and(|it| it >> 32 & 1 == 0) {
                assert!(!waiting.is_finished());
                thread::yield_now();
            }
            thread::sleep(Duration::from_millis(1));
            let before = bell();
            rx.skip_to(at(0));
            let rung = |(before, after)| before as u32 != after as u32;
            assert!(before.zip(bell()).is_none_or(rung), "it is left to the set to look around");
            assert_eq!(waiting.join().expect("no panic").len(), 1);
        });
        assert_eq!(rx.try_recv(), Ok(0));
    });
}

#[test]
fn a_set_frees_a_gate_whose_subscriber_died() {
    let ring = Backing::Shm.create(Options::<u64>::new(2).gated(1));
    let mut tx = ring.publisher().expect("the role");
    let _rx = join(&ring, Start::Newest);
    publish(&mut tx, 0..2);
    let crashed = ring.as_after_a_crash().expect("a file");
    let mut tx = crashed.publisher().expect("the role");
    let mut set = WaitSet::new();
    set.add(tx.doorbell(), ()).expect("room");
    assert_eq!(ready(&mut set).len(), 1);
    publish(&mut tx, 2..9);
}

/// Whether a descriptor becomes readable.
fn becomes_readable(fd: &BridgeFd, limit: Duration) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    let limit = PollTimeout::try_from(limit).expect("not too long");
    poll(&mut fds, limit).expect("a descriptor") == 1
}

#[test]
fn a_bridge_makes_descriptors_readable() {
    for_each_backing(|backing| {
        let running = Running::new();
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        let room = running.bridge.add(tx.doorbell()).expect("room");
        let items = [lossy.doorbell(), gated.doorbell()].map(|it| running.bridge.add(it).expect("room"));
        assert!(becomes_readable(&room, PATIENCE));
        publish(&mut tx, 0..2);
        for fd in &items {
            assert!(becomes_readable(fd, PATIENCE));
        }
        assert_eq!((lossy.try_recv(), gated.try_recv()), (Ok(0), Ok(0)));
    });
}
