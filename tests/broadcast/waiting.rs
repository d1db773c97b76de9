//! How calls wait, and who rings for those that sleep.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use ringfence::broadcast::{GatedSubscriber, Options, Publisher, Ring, Start, Subscriber};
use ringfence::{Attach, Barrier, Payload, PushError, RecvError, Strategy};

use crate::common::{UniqueName, for_each_backing, words};
use crate::{PATIENCE, join, publish, subscribe};

const STRATEGIES: [Strategy; 3] = [Strategy::Adaptive, Strategy::Spin, Strategy::Sleep];

/// Longer than a sleeper's slice of 100 ms.
const LONG: Duration = Duration::from_millis(130);

fn sleeps(ring: &Ring<u64>) -> [u64; 2] {
    let participants = ring.participants();
    [participants[0].sleeps, participants[1].sleeps]
}

#[test]
fn whoever_has_no_time_does_not_sleep() {
    for_each_backing(|backing| {
        for strategy in STRATEGIES {
            let options = Options::<u64>::new(2).gated(1).attach(Attach::new().strategy(strategy));
            let ring = backing.create(options);
            let mut tx = ring.publisher().expect("the role");
            let mut rx = join(&ring, Start::Newest);
            assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvError::Timeout));
            publish(&mut tx, 0..2);
            assert_eq!(tx.publish_timeout(3, Duration::ZERO), Err(PushError::Timeout));
            assert_eq!(sleeps(&ring), [0, 0], "{strategy:?}");
        }
    });
}

#[test]
fn a_strategy_decides_whether_a_long_wait_sleeps_not_what_comes_of_it() {
    for_each_backing(|backing| {
        for strategy in STRATEGIES {
            let options = Options::<u64>::new(2).gated(1).attach(Attach::new().strategy(strategy));
            let ring = backing.create(options);
            let mut tx = ring.publisher().expect("the role");
            let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
            thread::scope(|scope| {
                scope.spawn(|| {
                    assert_eq!(gated.recv_timeout(Duration::MAX), Ok(0));
                    thread::sleep(LONG);
                    for value in 1..=3 {
                        assert_eq!(gated.recv(), Ok(value));
                    }
                });
                // It may wake so late that it was lapped.
                scope.spawn(|| assert!(matches!(lossy.recv(), Ok(0) | Err(RecvError::Lagged { .. }))));
                thread::sleep(LONG);
                for value in 0..=3 {
                    tx.publish_timeout(value, Duration::MAX).expect("room");
                }
            });
            let [publisher, subscriber] = sleeps(&ring);
            match strategy {
                Strategy::Spin => assert_eq!((publisher, subscriber), (0, 0)),
                _ => assert!(publisher > 0 && subscriber > 0, "{strategy:?}: {publisher}, {subscriber}"),
            }
        }
    });
}

/// A ring at which somebody has slept, whose bell is therefore armed.
struct Slept<P: Payload + ?Sized> {
    file: File,
    _name: UniqueName,
    ring: Ring<P>,
    tx: Publisher<P>,
    lossy: Subscriber<P>,
    gated: GatedSubscriber<P>,
}

impl<P: Payload + ?Sized> Slept<P> {
    fn at(options: Options<P>, barrier: Barrier) -> Self {
        let name = UniqueName::new();
        let attach = Attach::new().strategy(Strategy::Sleep).barrier(barrier);
        let ring = options.attach(attach).create(&name).expect("a ring");
        let file = File::open(name.path()).expect("the ring's file");
        let tx = ring.publisher().expect("the role");
        let (lossy, gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        Self { file, _name: name, ring, tx, lossy, gated }
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
const MOMENT: Duration = Duration::from_millis(1);

fn elements() -> Options<u64> {
    Options::<u64>::new(4).gated(1)
}

fn bytes() -> Options<[u8]> {
    Options::<[u8]>::new(4, 8).gated(1)
}

/// Checks that `publish` rings for a subscriber that has slept, with or without a gate, once, and for nobody else.
fn assert_publishes<P: Payload + ?Sized>(
    options: impl Fn() -> Options<P>,
    release: impl Fn(&mut GatedSubscriber<P>) -> bool,
    publish: impl Fn(&mut Publisher<P>),
) {
    for (barrier, is_gated) in BARRIERS.into_iter().flat_map(|it| [(it, false), (it, true)]) {
        let mut ring = Slept::at(options(), barrier);
        assert_eq!(ring.rings(|it| publish(&mut it.tx)), [0, 0], "nobody has ever slept");
        while release(&mut ring.gated) {}
        ring.lossy.skip_to(ring.tx.position());
        let slept = if is_gated { ring.gated.wait(MOMENT) } else { ring.lossy.wait(MOMENT) };
        assert_eq!(slept, Err(RecvError::Timeout));
        assert_eq!(ring.rings(|it| publish(&mut it.tx)), [1, 0]);
        assert_eq!(ring.rings(|it| publish(&mut it.tx)), [0, 0], "it has been rung for");
    }
}

/// Checks that `release`, at a full ring, rings for a publisher that has slept, once, and for nobody else.
fn assert_releases<P: Payload + ?Sized>(
    options: impl Fn() -> Options<P>,
    fill: impl Fn(&mut Publisher<P>) -> bool,
    release: impl Fn(&mut GatedSubscriber<P>),
) {
    for barrier in BARRIERS {
        let mut ring = Slept::at(options(), barrier);
        while fill(&mut ring.tx) {}
        assert_eq!(ring.rings(|it| release(&mut it.gated)), [0, 0], "nobody has ever slept");
        while fill(&mut ring.tx) {}
        assert_eq!(ring.tx.wait(MOMENT), Err(PushError::Timeout));
        assert_eq!(ring.rings(|it| release(&mut it.gated)), [0, 1]);
        assert_eq!(ring.rings(|it| release(&mut it.gated)), [0, 0], "it has been rung for");
    }
}

#[test]
fn every_form_of_publication_rings_for_a_subscriber_that_may_sleep() {
    let release = |rx: &mut GatedSubscriber<u64>| rx.try_recv().is_ok();
    assert_publishes(elements, release, |tx| assert!(tx.try_publish(1).is_ok()));
    assert_publishes(elements, release, |tx| assert!(tx.publish(1).is_ok()));
    assert_publishes(elements, release, |tx| assert!(tx.publish_or_drop(1)));
    assert_publishes(elements, release, |tx| assert_eq!(tx.try_publish_slice(&[1]), Ok(1)));
    assert_publishes(elements, release, |tx| assert_eq!(tx.publish_slice(&[1]), Ok(1)));
    assert_publishes(elements, release, |tx| {
        tx.try_claim().expect("room").write(1).commit().expect("a commit");
    });
    let release = |rx: &mut GatedSubscriber<[u8]>| rx.try_recv_to(&mut Vec::new()).is_ok();
    assert_publishes(bytes, release, |tx| assert!(tx.try_publish(&[1]).is_ok()));
    assert_publishes(bytes, release, |tx| assert!(tx.publish_or_drop(&[1])));
    assert_publishes(bytes, release, |tx| {
        let claim = tx.claim().expect("room").copy_from(&[1]).expect("it fits");
        claim.commit().expect("a commit");
    });
}

#[test]
fn every_form_of_release_rings_for_a_publisher_that_may_sleep() {
    let fill = |tx: &mut Publisher<u64>| tx.try_publish(1).is_ok();
    let fill_bytes = |tx: &mut Publisher<[u8]>| tx.try_publish(&[1]).is_ok();
    assert_releases(elements, fill, |rx| assert_eq!(rx.try_recv(), Ok(1)));
    assert_releases(elements, fill, |rx| assert_eq!(rx.recv(), Ok(1)));
    assert_releases(elements, fill, |rx| assert_eq!(rx.try_recv_slice(&mut [0]), Ok(1)));
    assert_releases(elements, fill, |rx| rx.try_read().expect("an item").release());
    assert_releases(elements, fill, |rx| {
        let item = rx.try_read_ahead().expect("an item");
        rx.release_through(item.position).expect("it was read");
    });
    assert_releases(bytes, fill_bytes, |rx| assert_eq!(rx.try_recv_to(&mut Vec::new()), Ok(1)));
    assert_releases(bytes, fill_bytes, |rx| rx.try_read().expect("an item").release());
}

#[test]
fn looking_rings_nobody() {
    for barrier in BARRIERS {
        let mut ring = Slept::at(elements(), barrier);
        while ring.tx.try_publish(1).is_ok() {}
        assert_eq!(ring.tx.wait(MOMENT), Err(PushError::Timeout));
        let rings = ring.rings(|it| {
            drop(it.gated.try_read().expect("an item"));
            it.gated.try_read_ahead().expect("an item");
            it.lossy.try_recv().expect("an item");
            it.lossy.latest().expect("an item");
            drop((it.lossy.lag(), it.lossy.peer(), it.gated.peer(), it.ring.gates(), it.ring.blocked_on()));
        });
        assert_eq!(rings, [0, 0]);
    }
}

#[test]
fn whoever_closes_comes_or_goes_rings_for_everybody() {
    for barrier in BARRIERS {
        let mut ring = Slept::at(elements(), barrier);
        assert_eq!(ring.gated.wait(MOMENT), Err(RecvError::Timeout));
        while ring.tx.try_publish(1).is_ok() {}
        assert_eq!(ring.tx.wait(MOMENT), Err(PushError::Timeout));
        let [_, not_full] = ring.rings(|it| it.ring.close().expect("a ring that may be written"));
        assert!(not_full > 0);
        let Slept { file, _name, ring, tx, lossy, gated } = ring;
        let before = rung(&file);
        drop(lossy);
        assert_eq!(rung(&file), before, "nobody is held up by one without a gate");
        gated.leave();
        assert!(rung(&file)[1] > before[1]);
        drop((tx, ring));
    }
}

/// Runs `sleep` until it sleeps, then `act`; what `sleep` returns.
fn woken<R: Send>(
    ring: &Ring<u64>,
    entry: Option<usize>,
    sleep: impl FnOnce() -> R + Send,
    act: impl FnOnce(),
) -> R {
    let before = entry.map(|it| ring.participants()[it].sleeps);
    thread::scope(|scope| {
        let sleeping = scope.spawn(sleep);
        // Whether it sleeps yet is not seen from outside; whichever it is, it must be woken.
        thread::sleep(Duration::from_millis(3));
        act();
        let result = sleeping.join().expect("no panic");
        assert!(entry.map(|it| ring.participants()[it].sleeps) >= before);
        result
    })
}

/// Something that a subscriber, or whoever has the ring, does; the subscriber, if it is still there.
type Act = fn(&Ring<u64>, GatedSubscriber<u64>) -> Option<GatedSubscriber<u64>>;

#[test]
fn a_sleeping_publisher_is_woken_by_whatever_frees_it() {
    for_each_backing(|backing| {
        for barrier in BARRIERS {
            let attach = Attach::new().strategy(Strategy::Sleep).barrier(barrier);
            let options = Options::<u64>::new(2).gated(2).attach(attach);
            let acts: [Act; 5] = [
                |_, mut rx| rx.try_recv().map(|_| rx).ok(),
                |_, mut rx| {
                    rx.try_read().expect("an item").release();
                    Some(rx)
                },
                |_, rx| {
                    drop(rx);
                    None
                },
                |_, rx| {
                    rx.leave();
                    None
                },
                |ring, rx| {
                    ring.close().expect("a ring that may be written");
                    Some(rx)
                },
            ];
            for (number, act) in acts.into_iter().enumerate() {
                let ring = backing.create(options.clone());
                let mut tx = ring.publisher().expect("the role");
                let rx = join(&ring, Start::Newest);
                publish(&mut tx, 0..2);
                let mut kept = None;
                let result = woken(
                    &ring,
                    Some(0),
                    move || tx.publish_timeout(2, PATIENCE),
                    || {
                        kept = act(&ring, rx);
                    },
                );
                let expected = if number == 4 { Err(PushError::Closed) } else { Ok(()) };
                assert_eq!(result.map(drop), expected, "act {number}");
            }
        }
    });
}

#[test]
fn sleeping_subscribers_are_woken_by_whatever_comes() {
    for_each_backing(|backing| {
        for barrier in BARRIERS {
            let attach = Attach::new().strategy(Strategy::Sleep).barrier(barrier);
            let ring = backing.create(Options::<u64>::new(4).gated(1).attach(attach));
            let mut tx = ring.publisher().expect("the role");
            for round in 0..20 {
                let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
                let sleep = || {
                    thread::scope(|scope| {
                        let one = scope.spawn(move || lossy.recv_timeout(PATIENCE));
                        (gated.recv_timeout(PATIENCE), one.join().expect("no panic"))
                    })
                };
                let received = woken(&ring, Some(1), sleep, || {
                    tx.publish(round).expect("room");
                });
                assert_eq!(received, (Ok(round), Ok(round)));
            }
            let mut lossy = subscribe(&ring, Start::Newest);
            let received = woken(&ring, None, || lossy.recv_timeout(PATIENCE), || tx.close());
            assert_eq!(received, Err(RecvError::Closed));
        }
    });
}

#[test]
fn a_subscriber_that_waits_outlives_its_publisher_unless_it_wants_otherwise() {
    let ring = crate::numbers(crate::Backing::Shm, 4, 1);
    let tx = ring.publisher().expect("the role");
    let crashed = ring.as_after_a_crash().expect("a file");
    drop(tx);
    let mut rx = subscribe(&crashed, Start::Newest);
    assert_eq!(rx.recv_timeout(Duration::from_millis(5)), Err(RecvError::Timeout));

    let attach = Attach::new().fail_when_peer_dies(true).strategy(Strategy::Sleep);
    let impatient = ringfence::broadcast::open_with::<u64>(crashed.name(), attach).expect("the ring");
    let died = RecvError::Broken(ringfence::Fault::PeerDied { epoch: 1 });
    assert_eq!(subscribe(&impatient, Start::Newest).recv_timeout(PATIENCE), Err(died));
    assert_eq!(join(&impatient, Start::Newest).recv_timeout(PATIENCE), Err(died));
}
