//! Rings without doorbells: nobody sleeps, and nobody looks for sleepers.

use std::thread;
use std::time::Duration;

use ringfence::spsc::{self, Options, Ring};
use ringfence::{Attach, Barrier, PopError, PushError, Strategy};

use crate::common::{Image, UniqueName, body, for_each_backing, words};

/// The bit of `incompatible_features` (docs/layout.md).
const BUSY_POLL: u64 = 1;

fn busy() -> Options<u64> {
    Options::<u64>::new(2).busy_poll(true)
}

fn assert_nobody_sleeps(ring: &Ring<u64>) {
    let (mut tx, mut rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
    assert_eq!(
        (tx.barrier(), rx.barrier()),
        (Barrier::Asymmetric, Barrier::Asymmetric),
        "nobody needs a fence"
    );
    assert_eq!(rx.pop_timeout(Duration::from_millis(2)), Err(PopError::Timeout));
    thread::scope(|scope| {
        scope.spawn(|| (0..100).for_each(|value| assert_eq!(rx.pop(), Ok(value))));
        thread::sleep(Duration::from_millis(2));
        (0..100).for_each(|value| assert!(tx.push(value).is_ok()));
    });
    tx.push_slice(&[0, 1]).expect("room");
    assert_eq!(tx.push_timeout(2, Duration::from_millis(2)), Err(PushError::Timeout));
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
fn a_ring_keeps_what_its_creator_chose() {
    let name = UniqueName::new();
    let ring = busy().create(&name).expect("a ring");
    let attach = || Attach::new().strategy(Strategy::Sleep).barrier(Barrier::Fenced);
    assert_nobody_sleeps(&spsc::open_with(&name, attach()).expect("the ring"));
    let again = Options::<u64>::new(2).attach(attach()).open_or_create(&name).expect("the ring");
    ring.consumer().expect("the role").try_pop_slice(&mut [0; 2]).expect("items");
    assert_nobody_sleeps(&again);

    let name = UniqueName::new();
    let ring = Options::<u64>::new(2).create(&name).expect("a ring");
    let again = busy().attach(attach()).open_or_create(&name).expect("the ring");
    let mut rx = again.consumer().expect("the role");
    assert_eq!(rx.barrier(), Barrier::Fenced);
    assert_eq!(rx.pop_timeout(Duration::from_millis(1)), Err(PopError::Timeout));
    assert_eq!(ring.participants()[1].sleeps, 1, "it is an ordinary ring");
}

#[test]
fn the_header_says_so_and_the_bells_are_never_touched() {
    let name = UniqueName::new();
    let ring = busy().create(&name).expect("a ring");
    assert_nobody_sleeps(&ring);
    ring.producer().expect("the role").close();
    ring.close();
    drop((ring.producer(), ring.consumer()));
    let image = Image::of(&name.path());
    assert_eq!(image.u64(body::INCOMPATIBLE_FEATURES), BUSY_POLL);
    assert_eq!((image.u64(words::NOT_EMPTY), image.u64(words::NOT_FULL)), (0, 0));

    let name = UniqueName::new();
    let _ring = Options::<u64>::new(2).create(&name).expect("a ring");
    assert_eq!(Image::of(&name.path()).u64(body::INCOMPATIBLE_FEATURES), 0);
}
