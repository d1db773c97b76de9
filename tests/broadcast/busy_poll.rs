//! Rings without doorbells: nobody sleeps, and nobody looks for sleepers.

use std::thread;
use std::time::Duration;

use ringfence::broadcast::{self, Options, Ring, Start};
use ringfence::{Attach, Barrier, Bridge, PushError, RecvError, Strategy, WaitError, WaitSet};

use crate::common::{Backing, Image, UniqueName, body, for_each_backing, words};
use crate::{join, publish, subscribe};

fn busy() -> Options<u64> {
    Options::<u64>::new(2).gated(1).busy_poll(true)
}

fn assert_nobody_sleeps(ring: &Ring<u64>) {
    let mut tx = ring.publisher().expect("the role");
    let (mut lossy, mut gated) = (subscribe(ring, Start::Newest), join(ring, Start::Newest));
    assert_eq!((tx.barrier(), gated.barrier()), (Barrier::Asymmetric, Barrier::Asymmetric));
    assert_eq!(lossy.recv_timeout(Duration::from_millis(2)), Err(RecvError::Timeout));
    assert_eq!(gated.recv_timeout(Duration::from_millis(2)), Err(RecvError::Timeout));
    thread::scope(|scope| {
        scope.spawn(|| (0..100).for_each(|value| assert_eq!(gated.recv(), Ok(value))));
        thread::sleep(Duration::from_millis(2));
        (0..100).for_each(|value| assert!(tx.publish(value).is_ok()));
    });
    assert_eq!(lossy.latest(), Ok(99));
    publish(&mut tx, 0..2);
    assert_eq!(tx.publish_timeout(2, Duration::from_millis(2)), Err(PushError::Timeout));
    assert!(ring.participants().iter().all(|it| it.sleeps == 0));
}

#[test]
fn every_call_that_waits_spins_whatever_the_strategy_and_the_barrier() {
    for_each_backing(|backing| {
        for strategy in [Strategy::Adaptive, Strategy::Spin, Strategy::Sleep] {
            for barrier in [Barrier::Asymmetric, Barrier::Fenced] {
                let attach = Attach::new().strategy(strategy).barrier(barrier);
                assert_nobody_sleeps(&backing.create(busy().attach(attach)));
            }
        }
    });
}

#[test]
fn the_header_says_so_and_the_bells_are_never_touched() {
    let name = UniqueName::new();
    let ring = busy().create(&name).expect("a ring");
    assert_nobody_sleeps(&ring);
    let attach = Attach::new().strategy(Strategy::Sleep);
    assert_nobody_sleeps(&broadcast::open_with(&name, attach).expect("the ring"));
    ring.publisher().expect("the role").close();
    ring.close().expect("a ring that may be written");
    let image = Image::of(&name.path());
    assert_eq!(image.u64(body::INCOMPATIBLE_FEATURES), 1);
    assert_eq!((image.u64(words::NOT_EMPTY), image.u64(words::NOT_FULL)), (0, 0));
}

#[test]
fn nothing_can_wait_on_its_behalf() {
    let ring = Backing::Heap.create(busy());
    let tx = ring.publisher().expect("the role");
    let (lossy, gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
    let mut set = WaitSet::new();
    for doorbell in [tx.doorbell(), lossy.doorbell(), gated.doorbell()] {
        assert_eq!(Bridge::new().add(doorbell.clone()).err(), Some(WaitError::NoDoorbell));
        assert_eq!(set.add(doorbell, ()).err(), Some(WaitError::NoDoorbell));
    }
}
