//! Rings without doorbells: nobody sleeps, and nobody looks for sleepers.

use std::thread;
use std::time::Duration;

use ringfence::stream::{self, Options, Ring};
use ringfence::{Attach, Barrier, PopError, PushError, Strategy, WaitError, WaitSet};

use crate::common::{Image, UniqueName, body, for_each_backing, words};

/// The bit of `incompatible_features` (docs/layout.md).
const BUSY_POLL: u64 = 1;

fn busy() -> Options<[u8]> {
    Options::<[u8]>::new(64).busy_poll(true)
}

fn assert_nobody_sleeps(ring: &Ring<[u8]>) {
    let (mut tx, mut rx) = (ring.writer().expect("the role"), ring.reader().expect("the role"));
    assert_eq!(
        (tx.barrier(), rx.barrier()),
        (Barrier::Asymmetric, Barrier::Asymmetric),
        "nobody needs a fence"
    );
    let mut buffer = Vec::new();
    assert_eq!(rx.pop_to_timeout(&mut buffer, Duration::from_millis(2)), Err(PopError::Timeout));
    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 0..50_u8 {
                assert_eq!(rx.pop_to(&mut buffer), Ok(usize::from(value) % 25));
            }
        });
        thread::sleep(Duration::from_millis(2));
        (0..50).for_each(|value: u8| assert!(tx.push(&vec![value; usize::from(value) % 25]).is_ok()));
    });
    while tx.try_push(&[0; 24]).is_ok() {}
    assert_eq!(tx.push_timeout(&[0; 24], Duration::from_millis(2)), Err(PushError::Timeout));
    assert!(ring.participants().iter().all(|it| it.sleeps == 0));
    while rx.try_pop_to(&mut buffer).is_ok() {}
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
    let _ring = busy().create(&name).expect("a ring");
    let attach = || Attach::new().strategy(Strategy::Sleep).barrier(Barrier::Fenced);
    assert_nobody_sleeps(&stream::open_with(&name, attach()).expect("the ring"));
    let again = Options::<[u8]>::new(64).attach(attach()).open_or_create(&name).expect("the ring");
    assert_nobody_sleeps(&again);
}

#[test]
fn the_header_says_so_and_the_bells_are_never_touched() {
    let name = UniqueName::new();
    let ring = busy().create(&name).expect("a ring");
    assert_nobody_sleeps(&ring);
    ring.writer().expect("the role").close();
    ring.close();
    drop((ring.writer(), ring.reader()));
    let image = Image::of(&name.path());
    assert_eq!(image.u64(body::INCOMPATIBLE_FEATURES), BUSY_POLL);
    assert_eq!((image.u64(words::NOT_EMPTY), image.u64(words::NOT_FULL)), (0, 0));
}

#[test]
fn a_ring_without_doorbells_is_refused_by_a_set() {
    for_each_backing(|backing| {
        let ring = backing.create(busy());
        let (tx, rx) = ring.ends();
        let mut set = WaitSet::new();
        assert_eq!(set.add(tx.doorbell(), ()), Err(WaitError::NoDoorbell));
        assert_eq!(set.add(rx.doorbell(), ()), Err(WaitError::NoDoorbell));
        assert!(tx.doorbell().is_ready() && !rx.doorbell().is_ready(), "looking needs no bell");
    });
}
