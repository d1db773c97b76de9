//! How calls wait, and who rings for those that sleep. What ends a sleep, and what only two processes can show:
//! `tests/processes`.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

use ringfence::spsc::{Consumer, Options, Producer, Ring};
use ringfence::{Attach, Barrier, Limit, Payload, PopError, PushError, Strategy};

use crate::common::{UniqueName, for_each_backing, words};

const STRATEGIES: [Strategy; 3] = [Strategy::Adaptive, Strategy::Spin, Strategy::Sleep];

/// Longer than a sleeper's slice of 100 ms.
const LONG: Duration = Duration::from_millis(130);

fn sleeps(ring: &Ring<u64>) -> [u64; 2] {
    let participants = ring.participants();
    [participants[0].sleeps, participants[1].sleeps]
}

/// A limit that is over when the call begins.
fn no_time() -> [Limit; 2] {
    [Duration::ZERO.into(), Instant::now().into()]
}

#[test]
fn whoever_has_no_time_does_not_sleep() {
    for_each_backing(|backing| {
        for strategy in STRATEGIES {
            let attach = Attach::new().strategy(strategy);
            let ring = backing.create(Options::<u64>::new(2).attach(attach));
            let (mut tx, mut rx) = ring.ends();
            for limit in no_time() {
                assert_eq!(rx.pop_timeout(limit), Err(PopError::Timeout));
            }
            tx.try_push_slice(&[1, 2]).expect("room");
            for limit in no_time() {
                assert_eq!(tx.push_timeout(3, limit), Err(PushError::Timeout));
            }
            assert_eq!(sleeps(&ring), [0, 0], "{strategy:?}");
        }
    });
}

#[test]
fn a_strategy_decides_whether_a_long_wait_sleeps_not_what_comes_of_it() {
    for_each_backing(|backing| {
        for strategy in STRATEGIES {
            let ring = backing.create(Options::<u64>::new(2).attach(Attach::new().strategy(strategy)));
            let (mut tx, mut rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
            thread::scope(|scope| {
                scope.spawn(|| {
                    assert_eq!(rx.pop_timeout(Duration::MAX), Ok(0));
                    thread::sleep(LONG);
                    for value in 1..=3 {
                        assert_eq!(rx.pop(), Ok(value));
                    }
                });
                thread::sleep(LONG);
                for value in 0..=3 {
                    tx.push_timeout(value, Duration::MAX).expect("room");
                }
            });
            let [producer, consumer] = sleeps(&ring);
            match strategy {
                Strategy::Spin => assert_eq!((producer, consumer), (0, 0)),
                _ => assert!(producer > 0 && consumer > 0, "{strategy:?}: {producer}, {consumer}"),
            }
        }
    });
}

#[test]
fn no_limit_passes_too_early() {
    for_each_backing(|backing| {
        for strategy in STRATEGIES {
            let ring = backing.create(Options::<u64>::new(2).attach(Attach::new().strategy(strategy)));
            let (mut tx, mut rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
            for millis in [1, 20, 120] {
                let limit = Duration::from_millis(millis);
                let begun = Instant::now();
                assert_eq!(rx.pop_timeout(limit), Err(PopError::Timeout));
                assert!(begun.elapsed() >= limit, "{strategy:?}");
            }
            tx.try_push_slice(&[1, 2]).expect("room");
            for millis in [1, 20, 120] {
                let deadline = Instant::now() + Duration::from_millis(millis);
                assert_eq!(tx.push_timeout(3, deadline), Err(PushError::Timeout));
                assert!(Instant::now() >= deadline, "{strategy:?}");
            }
        }
    });
}

/// A ring at which somebody has slept, whose bell is therefore armed.
struct Slept<P: Payload + ?Sized> {
    file: File,
    name: UniqueName,
    ring: Ring<P>,
    tx: Producer<P>,
    rx: Consumer<P>,
}

impl<P: Payload + ?Sized> Slept<P> {
    fn at(options: Options<P>, barrier: Barrier) -> Self {
        let name = UniqueName::new();
        let attach = Attach::new().strategy(Strategy::Sleep).barrier(barrier);
        let ring = options.attach(attach).create(&name).expect("a ring");
        let file = File::open(name.path()).expect("the ring's file");
        let (tx, rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
        Self { file, name, ring, tx, rx }
    }

    fn consumer_sleeps(mut self) -> Self {
        assert_eq!(self.rx.wait(Duration::from_millis(1)), Err(PopError::Timeout));
        self
    }

    fn producer_sleeps(mut self) -> Self {
        assert_eq!(self.tx.wait(Duration::from_millis(1)), Err(PushError::Timeout));
        self
    }

    /// How often `act` rings each bell.
    fn rings<R>(&mut self, act: impl FnOnce(&mut Self) -> R) -> [u32; 2] {
        let before = rung(&self.file);
        act(self);
        let after = rung(&self.file);
        [after[0] - before[0], after[1] - before[1]]
    }
}

/// How often each of a ring's bells was rung, as its file shows it.
fn rung(file: &File) -> [u32; 2] {
    [words::NOT_EMPTY, words::NOT_FULL].map(|at| {
        let mut event = [0; 4];
        file.read_exact_at(&mut event, at as u64).expect("a word of the region");
        u32::from_le_bytes(event)
    })
}

const BARRIERS: [Barrier; 2] = [Barrier::Asymmetric, Barrier::Fenced];

fn elements() -> Options<u64> {
    Options::<u64>::new(4)
}

fn bytes() -> Options<[u8]> {
    Options::<[u8]>::new(4, 8)
}

/// Checks that `publish` rings for a consumer that has slept, once, and for nobody else.
fn assert_publishes<P: Payload + ?Sized>(
    options: impl Fn() -> Options<P>,
    publish: impl Fn(&mut Producer<P>),
) {
    for barrier in BARRIERS {
        let mut ring = Slept::at(options(), barrier);
        assert_eq!(ring.rings(|it| publish(&mut it.tx)), [0, 0], "nobody has ever slept");
        while ring.rx.try_read().map(|it| it.release()).is_ok() {}
        let mut ring = ring.consumer_sleeps();
        assert_eq!(ring.rings(|it| publish(&mut it.tx)), [1, 0]);
        assert_eq!(ring.rings(|it| publish(&mut it.tx)), [0, 0], "it has been rung for");
    }
}

/// Checks that `release`, at a full ring, rings for a producer that has slept, once, and for nobody else.
fn assert_releases<P: Payload + ?Sized>(
    options: impl Fn() -> Options<P>,
    fill: impl Fn(&mut Producer<P>) -> bool,
    release: impl Fn(&mut Consumer<P>),
) {
    for barrier in BARRIERS {
        let mut ring = Slept::at(options(), barrier);
        while fill(&mut ring.tx) {}
        assert_eq!(ring.rings(|it| release(&mut it.rx)), [0, 0], "nobody has ever slept");
        while fill(&mut ring.tx) {}
        let mut ring = ring.producer_sleeps();
        assert_eq!(ring.rings(|it| release(&mut it.rx)), [0, 1]);
        assert_eq!(ring.rings(|it| release(&mut it.rx)), [0, 0], "it has been rung for");
    }
}

#[test]
fn every_form_of_push_rings_for_a_consumer_that_may_sleep() {
    assert_publishes(elements, |tx| assert!(tx.try_push(1).is_ok()));
    assert_publishes(elements, |tx| assert!(tx.push(1).is_ok()));
    assert_publishes(elements, |tx| assert!(tx.push_or_drop(1)));
    assert_publishes(elements, |tx| assert_eq!(tx.try_push_slice(&[1]), Ok(1)));
    assert_publishes(elements, |tx| assert_eq!(tx.push_slice(&[1]), Ok(1)));
    assert_publishes(elements, |tx| assert!(tx.try_claim().expect("room").write(1).commit().is_ok()));
    assert_publishes(bytes, |tx| assert!(tx.try_push(&[1]).is_ok()));
    assert_publishes(bytes, |tx| assert!(tx.push_or_drop(&[1])));
    assert_publishes(bytes, |tx| {
        let claim = tx.claim().expect("room").copy_from(&[1]).expect("it fits");
        claim.commit().expect("a commit");
    });
}

#[test]
fn every_form_of_release_rings_for_a_producer_that_may_sleep() {
    let fill = |tx: &mut Producer<u64>| tx.try_push(1).is_ok();
    let fill_bytes = |tx: &mut Producer<[u8]>| tx.try_push(&[1]).is_ok();
    assert_releases(elements, fill, |rx| assert_eq!(rx.try_pop(), Ok(1)));
    assert_releases(elements, fill, |rx| assert_eq!(rx.pop(), Ok(1)));
    assert_releases(elements, fill, |rx| assert_eq!(rx.try_pop_slice(&mut [0]), Ok(1)));
    assert_releases(elements, fill, |rx| rx.try_read().expect("an item").release());
    assert_releases(elements, fill, |rx| rx.try_read_slice(1).expect("an item").release());
    assert_releases(elements, fill, |rx| rx.try_read_slice(2).expect("items").release_first(1));
    assert_releases(elements, fill, |rx| {
        let item = rx.try_read_ahead().expect("an item");
        rx.release_through(item.position).expect("it was read");
    });
    assert_releases(bytes, fill_bytes, |rx| assert_eq!(rx.try_pop_to(&mut Vec::new()), Ok(1)));
    assert_releases(bytes, fill_bytes, |rx| rx.try_read().expect("an item").release());
}

#[test]
fn what_concerns_everybody_rings_both_bells() {
    type Act = fn(&mut Slept<u64>);
    let acts: [Act; 4] = [
        |it| it.tx.close(),
        |it| it.ring.close(),
        |it| it.ring.force_unlink().expect("a ring to remove"),
        |it| ringfence::force_unlink(&it.name).expect("a ring to remove"),
    ];
    for act in acts {
        let mut ring = Slept::at(elements(), Barrier::Fenced).consumer_sleeps();
        ring.tx.try_push_slice(&[0; 4]).expect("room");
        let mut ring = ring.producer_sleeps();
        assert_eq!(ring.rings(act), [1, 1]);
    }
}

#[test]
fn whoever_comes_and_whoever_leaves_rings_both_bells() {
    let mut ring = Slept::at(elements(), Barrier::Asymmetric).consumer_sleeps();
    ring.tx.try_push_slice(&[0; 4]).expect("room");
    let Slept { file, name: _name, ring, tx, rx } = ring.producer_sleeps();
    let mut before = rung(&file);
    let mut rings = |what: &str| {
        let after = rung(&file);
        assert_eq!([after[0] - before[0], after[1] - before[1]], [1, 1], "{what}");
        before = after;
    };
    drop(tx);
    rings("a producer leaves");
    drop(rx);
    rings("a consumer leaves");
    let tx = ring.producer().expect("the role");
    rings("a producer comes");
    let rx = ring.consumer().expect("the role");
    rings("a consumer comes");
    drop((tx, rx));
}
