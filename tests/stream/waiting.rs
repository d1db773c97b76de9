//! How calls wait, and who rings for those that sleep.

use std::fs::File;
use std::io::IoSlice;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

use ringfence::stream::{Options, Reader, Ring, Writer};
use ringfence::{Attach, Barrier, Limit, Payload, PopError, PushError, Strategy};

use crate::common::{UniqueName, for_each_backing, words};
use crate::drain_records;

const STRATEGIES: [Strategy; 3] = [Strategy::Adaptive, Strategy::Spin, Strategy::Sleep];

/// Longer than a sleeper's slice of 100 ms.
const LONG: Duration = Duration::from_millis(130);

fn sleeps<P: Payload + ?Sized>(ring: &Ring<P>) -> [u64; 2] {
    let participants = ring.participants();
    [participants[0].sleeps, participants[1].sleeps]
}

#[test]
fn whoever_has_no_time_does_not_sleep() {
    for_each_backing(|backing| {
        for strategy in STRATEGIES {
            let ring = backing.create(Options::<[u8]>::new(64).attach(Attach::new().strategy(strategy)));
            let (mut tx, mut rx) = (ring.writer().expect("the role"), ring.reader().expect("the role"));
            let limits = || -> [Limit; 2] { [Duration::ZERO.into(), Instant::now().into()] };
            for limit in limits() {
                assert_eq!(rx.read_timeout(limit).err(), Some(PopError::Timeout));
            }
            tx.try_push(&[0; 24]).expect("room");
            tx.try_push(b"").expect("room");
            for limit in limits() {
                assert_eq!(tx.push_timeout(&[0; 24], limit), Err(PushError::Timeout));
            }
            assert_eq!(sleeps(&ring), [0, 0], "{strategy:?}");
        }
    });
}

#[test]
fn a_strategy_decides_whether_a_long_wait_sleeps_not_what_comes_of_it() {
    for_each_backing(|backing| {
        for strategy in STRATEGIES {
            let ring = backing.create(Options::<[u8]>::new(64).attach(Attach::new().strategy(strategy)));
            let (mut tx, mut rx) = (ring.writer().expect("the role"), ring.reader().expect("the role"));
            thread::scope(|scope| {
                scope.spawn(|| {
                    let mut buffer = Vec::new();
                    assert_eq!(rx.pop_to_timeout(&mut buffer, Duration::MAX), Ok(8));
                    thread::sleep(LONG);
                    for value in 1..=4 {
                        rx.pop_to(&mut buffer).expect("a record comes");
                        assert_eq!(buffer, vec![value; 8 + 4 * usize::from(value)]);
                    }
                });
                thread::sleep(LONG);
                for value in 0..=4_u8 {
                    tx.push(&vec![value; 8 + 4 * usize::from(value)]).expect("room comes");
                }
            });
            let [writer, reader] = sleeps(&ring);
            match strategy {
                Strategy::Spin => assert_eq!((writer, reader), (0, 0)),
                _ => assert!(writer > 0 && reader > 0, "{strategy:?}: {writer}, {reader}"),
            }
        }
    });
}

#[test]
fn a_writer_that_lacks_room_for_a_large_record_sleeps_through_small_releases_in_one_call() {
    for_each_backing(|backing| {
        let attach = Attach::new().strategy(Strategy::Sleep);
        let ring = backing.create(Options::<[u8]>::new(256).attach(attach));
        let (mut tx, mut rx) = (ring.writer().expect("the role"), ring.reader().expect("the role"));
        for _ in 0..16 {
            tx.try_push(b"12345678").expect("room");
        }
        thread::scope(|scope| {
            let pushing = scope.spawn(|| tx.push(&[9; 120]));
            let mut buffer = Vec::new();
            for left in (0..8).rev() {
                thread::sleep(Duration::from_millis(3));
                assert!(!pushing.is_finished(), "{left} records are still in the way");
                rx.try_pop_to(&mut buffer).expect("a record");
            }
            assert!(pushing.join().expect("no panic").is_ok());
        });
        assert_eq!(sleeps(&ring)[0], 1, "calls that slept are counted, not how often they did");
        assert_eq!(drain_records(&mut rx).last(), Some(&(vec![9; 120], false)));
    });
}

/// A ring at which somebody has slept, whose bell is therefore armed.
struct Slept<P: Payload + ?Sized> {
    file: File,
    name: UniqueName,
    ring: Ring<P>,
    tx: Writer<P>,
    rx: Reader<P>,
}

impl<P: Payload + ?Sized> Slept<P> {
    fn at(options: Options<P>, barrier: Barrier) -> Self {
        let name = UniqueName::new();
        let attach = Attach::new().strategy(Strategy::Sleep).barrier(barrier);
        let ring = options.attach(attach).create(&name).expect("a ring");
        let file = File::open(name.path()).expect("the ring's file");
        let (tx, rx) = (ring.writer().expect("the role"), ring.reader().expect("the role"));
        Self { file, name, ring, tx, rx }
    }

    fn reader_sleeps(mut self) -> Self {
        assert_eq!(self.rx.wait(Duration::from_millis(1)), Err(PopError::Timeout));
        self
    }

    fn writer_sleeps(mut self) -> Self {
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

fn numbers() -> Options<u64> {
    Options::<u64>::new(4)
}

fn records() -> Options<[u8]> {
    Options::<[u8]>::new(64)
}

/// Checks that `publish` rings for a reader that has slept, once, and for nobody else.
fn assert_publishes<P: Payload + ?Sized>(
    options: impl Fn() -> Options<P>,
    drain: impl Fn(&mut Reader<P>) -> bool,
    publish: impl Fn(&mut Writer<P>),
) {
    for barrier in BARRIERS {
        let mut ring = Slept::at(options(), barrier);
        assert_eq!(ring.rings(|it| publish(&mut it.tx)), [0, 0], "nobody has ever slept");
        while drain(&mut ring.rx) {}
        let mut ring = ring.reader_sleeps();
        assert_eq!(ring.rings(|it| publish(&mut it.tx)), [1, 0]);
        assert_eq!(ring.rings(|it| publish(&mut it.tx)), [0, 0], "it has been rung for");
    }
}

/// Checks that `release`, at a full ring, rings for a writer that has slept, once, and for nobody else.
fn assert_releases<P: Payload + ?Sized>(
    options: impl Fn() -> Options<P>,
    fill: impl Fn(&mut Writer<P>) -> bool,
    release: impl Fn(&mut Reader<P>),
) {
    for barrier in BARRIERS {
        let mut ring = Slept::at(options(), barrier);
        while fill(&mut ring.tx) {}
        assert_eq!(ring.rings(|it| release(&mut it.rx)), [0, 0], "nobody has ever slept");
        while fill(&mut ring.tx) {}
        let mut ring = ring.writer_sleeps();
        assert_eq!(ring.rings(|it| release(&mut it.rx)), [0, 1]);
        assert_eq!(ring.rings(|it| release(&mut it.rx)), [0, 0], "it has been rung for");
    }
}

#[test]
fn every_form_of_push_rings_for_a_reader_that_may_sleep() {
    let drain = |rx: &mut Reader<u64>| rx.try_pop().is_ok();
    assert_publishes(numbers, drain, |tx| assert!(tx.try_push(1).is_ok()));
    assert_publishes(numbers, drain, |tx| assert!(tx.push(1).is_ok()));
    assert_publishes(numbers, drain, |tx| assert!(tx.push_or_drop(1)));
    assert_publishes(numbers, drain, |tx| assert_eq!(tx.try_push_slice(&[1, 2]), Ok(2)));
    assert_publishes(numbers, drain, |tx| assert_eq!(tx.push_slice(&[1]), Ok(1)));
    assert_publishes(numbers, drain, |tx| {
        let mut claim = tx.try_claim_slice(2).expect("room");
        claim.extend([1]);
        claim.commit().expect("a commit");
    });
    let drain = |rx: &mut Reader<[u8]>| rx.try_pop_to(&mut Vec::new()).is_ok();
    assert_publishes(records, drain, |tx| assert!(tx.try_push(&[1]).is_ok()));
    assert_publishes(records, drain, |tx| assert!(tx.push(&[]).is_ok()));
    assert_publishes(records, drain, |tx| assert!(tx.push_or_drop(&[1])));
    assert_publishes(records, drain, |tx| assert!(tx.try_push_vectored(&[IoSlice::new(&[1])]).is_ok()));
    assert_publishes(records, drain, |tx| {
        let mut claim = tx.claim(4).expect("room");
        claim.append(&[1]).expect("it fits");
        claim.commit().expect("a commit");
    });
    let drain = |rx: &mut Reader<u8>| rx.try_pop().is_ok();
    assert_publishes(
        || Options::<u8>::new(4),
        drain,
        |tx| {
            assert_eq!(std::io::Write::write(tx, &[1]).expect("room"), 1);
        },
    );
}

#[test]
fn every_form_of_release_rings_for_a_writer_that_may_sleep() {
    let fill = |tx: &mut Writer<u64>| tx.try_push(1).is_ok();
    assert_releases(numbers, fill, |rx| assert_eq!(rx.try_pop(), Ok(1)));
    assert_releases(numbers, fill, |rx| assert_eq!(rx.pop(), Ok(1)));
    assert_releases(numbers, fill, |rx| assert_eq!(rx.try_pop_slice(&mut [0]), Ok(1)));
    assert_releases(numbers, fill, |rx| rx.try_read_slice(1).expect("an element").release());
    assert_releases(numbers, fill, |rx| rx.try_read_slice(2).expect("elements").release_first(1));
    assert_releases(numbers, fill, |rx| {
        let item = rx.try_read_ahead().expect("an element");
        rx.release_through(item.position).expect("it was read");
    });
    let fill = |tx: &mut Writer<[u8]>| tx.try_push(&[1]).is_ok();
    assert_releases(records, fill, |rx| assert_eq!(rx.try_pop_to(&mut Vec::new()), Ok(1)));
    assert_releases(records, fill, |rx| rx.try_read().expect("a record").release());
    assert_releases(records, fill, |rx| rx.try_read_batch(2).expect("records").release_first(1));
    assert_releases(records, fill, |rx| {
        let delivery = rx.try_read_ahead_to(&mut Vec::new()).expect("a record");
        rx.release_through(delivery.first).expect("it was read");
    });
    let fill = |tx: &mut Writer<u8>| tx.try_push(1).is_ok();
    assert_releases(
        || Options::<u8>::new(4),
        fill,
        |rx| {
            assert_eq!(std::io::Read::read(rx, &mut [0]).expect("a byte"), 1);
        },
    );
    assert_releases(
        || Options::<u8>::new(4),
        fill,
        |rx| {
            // SAFETY: the writer of this test follows the protocol.
            let mut lending = unsafe { rx.trusted() };
            assert!(!std::io::BufRead::fill_buf(&mut lending).expect("bytes").is_empty());
            std::io::BufRead::consume(&mut lending, 1);
        },
    );
}

#[test]
fn a_look_a_claim_and_an_abort_ring_nobody() {
    let mut ring = Slept::at(numbers(), Barrier::Fenced).reader_sleeps();
    ring.tx.try_push_slice(&[0; 4]).expect("room");
    let mut ring = ring.writer_sleeps();
    let rings = ring.rings(|it| {
        drop(it.rx.try_read_slice(4).expect("elements"));
        it.rx.try_read_ahead().expect("an element");
    });
    assert_eq!(rings, [0, 0]);
    let mut ring = Slept::at(records(), Barrier::Fenced).reader_sleeps();
    assert_eq!(ring.rings(|it| drop(it.tx.try_claim(8).expect("room"))), [0, 0]);
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
        let mut ring = Slept::at(numbers(), Barrier::Fenced).reader_sleeps();
        ring.tx.try_push_slice(&[0; 4]).expect("room");
        let mut ring = ring.writer_sleeps();
        assert_eq!(ring.rings(act), [1, 1]);
    }
}

#[test]
fn whoever_comes_and_whoever_leaves_rings_both_bells() {
    let mut ring = Slept::at(numbers(), Barrier::Asymmetric).reader_sleeps();
    ring.tx.try_push_slice(&[0; 4]).expect("room");
    let Slept { file, name: _name, ring, tx, rx } = ring.writer_sleeps();
    let mut before = rung(&file);
    let mut rings = |what: &str| {
        let after = rung(&file);
        assert_eq!([after[0] - before[0], after[1] - before[1]], [1, 1], "{what}");
        before = after;
    };
    drop(tx);
    rings("a writer leaves");
    drop(rx);
    rings("a reader leaves");
    let tx = ring.writer().expect("the role");
    rings("a writer comes");
    let rx = ring.reader().expect("the role");
    rings("a reader comes");
    drop((tx, rx));
}
