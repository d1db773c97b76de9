//! Rings that come to an end while a set sleeps: the doorbell is ready, and the handle says why.

use std::fs::{self, File};
use std::thread;
use std::time::Duration;

use ringfence::spsc::{self, Options};
use ringfence::{Attach, Fault, PopError, PushError, WaitError, WaitSet};

use crate::common::{Backing, Image, UniqueName};
use crate::{alone, ready};

/// Makes a sleeper likely to sleep.
const WHILE: Duration = Duration::from_millis(20);

fn cut(name: &UniqueName, length: u64) {
    let file = File::options().write(true).open(name.path()).expect("the region's file");
    file.set_len(length).expect("a shorter file");
}

/// Cuts the file while `set` sleeps, which must find out.
fn cut_under(set: &mut WaitSet<()>, name: &UniqueName, length: u64) {
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(WHILE);
            cut(name, length);
        });
        assert_eq!(ready(set).len(), 1);
    });
}

#[test]
fn a_ring_that_is_unlinked_while_a_set_sleeps_says_so() {
    let name = UniqueName::new();
    let ring = Options::<u64>::new(2).create(&name).expect("a ring");
    let (mut tx, mut rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
    let mut set = alone(rx.doorbell());
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(WHILE);
            fs::remove_file(name.path()).expect("the region's file");
        });
        assert_eq!(ready(&mut set).len(), 1);
    });
    assert_eq!(rx.try_pop(), Err(PopError::Broken(Fault::Unlinked)));

    tx.try_push_slice(&[1, 2]).expect("room");
    assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)), "what was pushed is delivered");
    tx.try_push_slice(&[1, 2]).expect("room");
    assert_eq!(ready(&mut alone(tx.doorbell())).len(), 1);
    assert_eq!(tx.try_push(3), Err(PushError::Broken(Fault::Unlinked)));
}

#[test]
fn a_ring_that_is_removed_while_others_keep_the_set_busy_says_so_too() {
    let (name, busy) = (UniqueName::new(), Options::<u64>::new(2).in_process().expect("a ring"));
    let ring = Options::<u64>::new(2).create(&name).expect("a ring");
    let mut rx = ring.consumer().expect("the role");
    let (mut busy_tx, busy_rx) = (busy.producer().expect("the role"), busy.consumer().expect("the role"));
    let mut set = WaitSet::new();
    set.add(rx.doorbell(), "removed").expect("room");
    set.add(busy_rx.doorbell(), "busy").expect("room");
    busy_tx.try_push(1).expect("room");
    fs::remove_file(name.path()).expect("the region's file");
    while ready(&mut set) != ["removed", "busy"] {}
    assert_eq!(rx.try_pop(), Err(PopError::Broken(Fault::Unlinked)));
}

#[test]
fn whoever_only_polls_learns_that_a_ring_is_gone() {
    let name = UniqueName::new();
    let ring = Options::<u64>::new(2).create(&name).expect("a ring");
    let mut rx = ring.consumer().expect("the role");
    let mut set = alone(rx.doorbell());
    fs::remove_file(name.path()).expect("the region's file");
    while set.poll(&mut Vec::new()) == 0 {}
    assert_eq!(rx.try_pop(), Err(PopError::Broken(Fault::Unlinked)));
}

#[test]
fn a_peer_that_died_makes_a_doorbell_ready_where_the_handle_does_not_wait_for_a_successor() {
    let (name, copy) = (UniqueName::new(), UniqueName::new());
    let ring = Options::<u64>::new(4).create(&name).expect("a ring");
    let (tx, rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
    // What a crash of both leaves: their entries, and no locks.
    Image::of(&name.path()).write(&copy.path());
    drop((tx, rx));

    let patient = spsc::open::<u64>(&copy).expect("a ring");
    let rx = patient.consumer().expect("the role");
    let mut set = alone(rx.doorbell());
    assert_eq!(set.wait_timeout(&mut Vec::new(), Duration::from_millis(250)), Err(WaitError::Timeout));
    drop(rx);

    let attach = Attach::new().fail_when_peer_dies(true);
    let ring = spsc::open_with::<u64>(&copy, attach).expect("a ring");
    let mut rx = ring.consumer().expect("the role");
    let mut set = alone(rx.doorbell());
    assert_eq!(ready(&mut set).len(), 1);
    assert_eq!(rx.try_pop(), Err(PopError::Broken(Fault::PeerDied { epoch: 1 })));

    let mut successor = patient.producer().expect("the role");
    assert_eq!(rx.try_pop(), Err(PopError::Empty));
    assert!(!rx.doorbell().is_ready());
    successor.try_push(7).expect("room");
    assert_eq!((ready(&mut set).len(), rx.try_pop()), (1, Ok(7)));
}

#[test]
fn a_consumer_whose_ring_is_truncated_under_a_sleeping_set_says_so_and_touches_nothing() {
    for length in [0, 4096] {
        let name = UniqueName::new();
        let ring = Options::<u64>::new(2).create(&name).expect("a ring");
        let mut rx = ring.consumer().expect("the role");
        let mut set = alone(rx.doorbell());
        cut_under(&mut set, &name, length);
        let broken = Err(PopError::Broken(Fault::Truncated));
        assert_eq!((rx.try_pop(), rx.pop()), (broken, broken));
        assert_eq!(rx.try_read().err(), broken.err());
        assert_eq!(rx.try_pop_slice(&mut [0]), Err(PopError::Broken(Fault::Truncated)));
        assert_eq!(ready(&mut set).len(), 1, "the end stays ready");
    }
}

#[test]
fn a_producer_whose_ring_is_truncated_under_a_sleeping_set_says_so_and_touches_nothing() {
    let name = UniqueName::new();
    let ring = Options::<u64>::new(2).create(&name).expect("a ring");
    let mut tx = ring.producer().expect("the role");
    tx.try_push_slice(&[1, 2]).expect("room");
    let mut set = alone(tx.doorbell());
    cut_under(&mut set, &name, 0);
    let broken = Err(PushError::Broken(Fault::Truncated));
    assert_eq!((tx.try_push(3), tx.push(3)), (broken, broken));
    assert_eq!(tx.try_claim().err(), broken.err());
    tx.close();
}

#[test]
fn a_truncated_handle_that_is_dropped_unasked_touches_nothing() {
    let name = UniqueName::new();
    let ring = Options::<u64>::new(2).create(&name).expect("a ring");
    let rx = ring.consumer().expect("the role");
    let mut set = alone(rx.doorbell());
    cut_under(&mut set, &name, 0);
    drop(rx);
    assert_eq!(set.wait_timeout(&mut Vec::new(), Duration::ZERO), Err(WaitError::Timeout));
    assert!(set.is_empty());
}

#[test]
fn among_a_thousand_handles_the_one_whose_ring_is_truncated_stops() {
    let rings: Vec<_> = (0..600).map(|_| Backing::Heap.elements::<u64>(2)).collect();
    let mut handles: Vec<_> = rings.iter().map(|it| it.ends()).collect();
    let name = UniqueName::new();
    let ring = Options::<u64>::new(2).create(&name).expect("a ring");
    let mut rx = ring.consumer().expect("the role");
    let mut set = alone(rx.doorbell());
    cut_under(&mut set, &name, 0);
    assert_eq!(rx.try_pop(), Err(PopError::Broken(Fault::Truncated)));
    for (tx, rx) in &mut handles {
        tx.try_push(7).expect("room");
        assert_eq!(rx.try_pop(), Ok(7));
    }
}
