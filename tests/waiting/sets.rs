//! What a set says of its doorbells, without sleeping.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use ringfence::spsc::{Consumer, Options, Producer};
use ringfence::{Barrier, PopError, PushError, Strategy, WaitError, WaitSet};

use crate::common::{TestRing, allocated, for_each_backing};
use crate::{PATIENCE, alone, polled, ready};

const NO_TIME: Duration = Duration::ZERO;

/// Producers and consumers of `count` rings.
fn ends(rings: &[TestRing<u64>]) -> (Vec<Producer<u64>>, Vec<Consumer<u64>>) {
    rings.iter().map(TestRing::ends).unzip()
}

#[test]
fn every_doorbell_that_is_ready_is_named_by_its_token_in_the_order_of_adding() {
    for_each_backing(|backing| {
        let rings = [4, 4, 4, 4].map(|capacity| backing.elements::<u64>(capacity));
        let (mut tx, mut rx) = ends(&rings);
        let mut set = WaitSet::new();
        for (token, index) in [("c", 2), ("a", 0), ("d", 3), ("b", 1)] {
            set.add(rx[index].doorbell(), token).expect("room");
        }
        assert!(polled(&mut set).is_empty());

        for index in [1, 3, 2] {
            tx[index].try_push(7).expect("room");
        }
        assert_eq!(polled(&mut set), ["c", "d", "b"]);
        assert_eq!(ready(&mut set), ["c", "d", "b"]);

        assert_eq!(rx[3].try_pop(), Ok(7));
        assert_eq!(ready(&mut set), ["c", "b"], "what is not taken stays ready");
        assert_eq!((rx[2].try_pop(), rx[1].try_pop()), (Ok(7), Ok(7)));
        assert!(polled(&mut set).is_empty());
        assert_eq!(set.wait_timeout(&mut Vec::new(), NO_TIME), Err(WaitError::Timeout));
    });
}

#[test]
fn what_the_list_held_before_is_gone_whatever_comes_of_a_wait() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, rx) = ring.ends();
        let mut set = alone(rx.doorbell());
        let mut list = vec![(); 9];
        assert_eq!(set.wait_timeout(&mut list, NO_TIME), Err(WaitError::Timeout));
        assert!(list.is_empty());
        tx.try_push(1).expect("room");
        list.resize(9, ());
        assert_eq!(set.wait(&mut list), Ok(()));
        assert_eq!(list.len(), 1);
        list.resize(9, ());
        assert_eq!((set.poll(&mut list), list.len()), (1, 1));
    });
}

#[test]
fn two_doorbells_may_have_one_token_and_one_handle_two_doorbells() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, rx) = ring.ends();
        let mut set = WaitSet::new();
        for token in [1, 1, 2] {
            set.add(rx.doorbell(), token).expect("room");
        }
        tx.try_push(7).expect("room");
        assert_eq!(ready(&mut set), [1, 1, 2]);
    });
}

#[test]
fn a_set_keeps_what_it_is_told_to_keep() {
    for_each_backing(|backing| {
        let rings = [4, 4, 4].map(|capacity| backing.elements::<u64>(capacity));
        let (mut tx, rx) = ends(&rings);
        let mut set = WaitSet::default();
        for (token, rx) in rx.iter().enumerate() {
            set.add(rx.doorbell(), token).expect("room");
        }
        for tx in &mut tx {
            tx.try_push(1).expect("room");
        }
        set.retain(|token| token != 1);
        assert_eq!((set.len(), ready(&mut set)), (2, vec![0, 2]));
        set.retain(|_| false);
        assert!(set.is_empty());
        assert_eq!(set.wait_timeout(&mut Vec::new(), NO_TIME), Err(WaitError::Timeout));
    });
}

#[test]
fn a_dropped_handle_rings_no_more_and_the_next_wait_lets_go_of_its_doorbell() {
    for_each_backing(|backing| {
        let rings = [4, 4].map(|capacity| backing.elements::<u64>(capacity));
        let (mut tx, mut rx) = ends(&rings);
        let mut set = WaitSet::new();
        for (token, rx) in rx.iter().enumerate() {
            set.add(rx.doorbell(), token).expect("room");
        }
        for tx in &mut tx {
            tx.try_push(1).expect("room");
        }
        let doorbell = rx[0].doorbell();
        assert!(doorbell.is_ready());
        drop(rx.remove(0));
        assert!(!doorbell.is_ready());
        assert_eq!((polled(&mut set), set.len()), (vec![1], 2));
        assert_eq!((ready(&mut set), set.len()), (vec![1], 1));

        // The item is still there, for a successor.
        let successor = rings[0].consumer().expect("the role");
        assert!(!doorbell.is_ready() && successor.doorbell().is_ready());
    });
}

#[test]
fn a_producers_doorbell_rings_when_there_is_room() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        let mut set = alone(tx.doorbell());
        assert_eq!(polled(&mut set).len(), 1);
        tx.try_push_slice(&[1, 2]).expect("room");
        assert_eq!(tx.try_push(3), Err(PushError::Full));
        assert!(polled(&mut set).is_empty());
        thread::scope(|scope| {
            scope.spawn(move || assert_eq!(rx.try_pop(), Ok(1)));
            assert_eq!(ready(&mut set).len(), 1);
        });
        tx.try_push(3).expect("room");
    });
}

#[test]
fn what_was_read_ahead_is_not_ready_until_it_is_rewound() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        let mut set = alone(rx.doorbell());
        tx.try_push_slice(&[1, 2]).expect("room");
        let first = rx.try_read_ahead().expect("an item").position;
        assert_eq!(ready(&mut set).len(), 1, "one more is to be read");
        rx.try_read_ahead().expect("an item");
        assert!(polled(&mut set).is_empty());
        assert_eq!(rx.release_through(first), Ok(1));
        assert!(polled(&mut set).is_empty());

        tx.try_push(3).expect("room");
        assert_eq!(ready(&mut set).len(), 1);
        assert_eq!(rx.try_read_ahead().expect("an item").value, 3);
        assert_eq!(set.wait_timeout(&mut Vec::new(), NO_TIME), Err(WaitError::Timeout));
        rx.rewind();
        assert_eq!(ready(&mut set).len(), 1);
        assert_eq!((rx.try_pop(), rx.try_pop(), rx.try_pop()), (Ok(2), Ok(3), Err(PopError::Empty)));
        assert!(polled(&mut set).is_empty());
    });
}

#[test]
fn bytes_ring_as_elements_do() {
    for_each_backing(|backing| {
        let ring = backing.bytes(2, 8);
        let (mut tx, mut rx) = ring.ends();
        let mut set = WaitSet::new();
        set.add(tx.doorbell(), "room").expect("room");
        set.add(rx.doorbell(), "item").expect("room");
        assert_eq!(ready(&mut set), ["room"]);
        tx.try_push(b"one").expect("room");
        assert_eq!(ready(&mut set), ["room", "item"]);
        tx.try_push(b"two").expect("room");
        assert_eq!(ready(&mut set), ["item"]);
        let mut buffer = Vec::new();
        while rx.try_pop_to(&mut buffer).is_ok() {}
        assert_eq!(ready(&mut set), ["room"]);
    });
}

#[test]
fn a_set_takes_127_doorbells_and_says_so() {
    for_each_backing(|backing| {
        let rings: Vec<_> = (0..128).map(|_| backing.elements::<u64>(2)).collect();
        let (mut tx, mut rx) = ends(&rings);
        let mut set = WaitSet::new();
        for (token, rx) in rx[..127].iter().enumerate() {
            set.add(rx.doorbell(), token).expect("room");
        }
        let error = set.add(rx[127].doorbell(), 127).expect_err("no room");
        assert_eq!(error, WaitError::TooMany { found: 128, max: 127 });
        assert_eq!(error.to_string(), "128 doorbells are too many: 127 can be watched at once");
        assert_eq!(set.len(), 127);

        let last = tx.remove(126);
        let (waiting, waits) = channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut last = last;
                waits.recv().expect("a waiting set");
                last.try_push(1).expect("room");
            });
            waiting.send(()).expect("a producer");
            assert_eq!(ready(&mut set), [126]);
        });
        assert_eq!(rx[126].try_pop(), Ok(1));
        set.retain(|token| token != 0);
        set.add(rx[127].doorbell(), 127).expect("room");
        tx[126].try_push(1).expect("room");
        assert_eq!(ready(&mut set), [127]);
    });
}

#[test]
fn a_ring_without_doorbells_is_refused() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(2).busy_poll(true));
        let (tx, rx) = ring.ends();
        let mut set = WaitSet::new();
        assert_eq!(set.add(tx.doorbell(), ()), Err(WaitError::NoDoorbell));
        assert_eq!(set.add(rx.doorbell(), ()), Err(WaitError::NoDoorbell));
        assert!(set.is_empty());
        assert!(tx.doorbell().is_ready() && !rx.doorbell().is_ready(), "looking needs no bell");
    });
}

#[test]
fn whatever_a_handle_was_attached_with_its_doorbell_rings() {
    for_each_backing(|backing| {
        for strategy in [Strategy::Adaptive, Strategy::Spin, Strategy::Sleep] {
            for barrier in [Barrier::Asymmetric, Barrier::Fenced] {
                let attach = ringfence::Attach::new().strategy(strategy).barrier(barrier);
                let ring = backing.create(Options::<u64>::new(2).attach(attach));
                let (mut tx, mut rx) = ring.ends();
                let mut set = alone(rx.doorbell());
                thread::scope(|scope| {
                    scope.spawn(move || tx.push(1).expect("room"));
                    assert_eq!(ready(&mut set).len(), 1);
                });
                assert_eq!(rx.try_pop(), Ok(1));
            }
        }
    });
}

#[test]
fn a_moment_or_a_duration_limits_a_wait_and_none_that_lies_too_far_off_does() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, rx) = ring.ends();
        let mut set = alone(rx.doorbell());
        let mut list = Vec::new();
        for limit in [NO_TIME, Duration::from_nanos(1), Duration::from_millis(3)] {
            let begin = Instant::now();
            assert_eq!(set.wait_timeout(&mut list, limit), Err(WaitError::Timeout));
            assert!(begin.elapsed() >= limit);
            assert_eq!(set.wait_timeout(&mut list, begin + limit), Err(WaitError::Timeout));
        }
        thread::scope(|scope| {
            scope.spawn(move || tx.push(1).expect("room"));
            assert_eq!(set.wait_timeout(&mut list, Duration::MAX), Ok(()));
        });
        assert_eq!(set.wait_timeout(&mut list, Instant::now()), Ok(()), "ready comes before late");
    });
}

#[test]
fn waiting_allocates_nothing_once_the_list_has_its_room() {
    for_each_backing(|backing| {
        let rings = [4, 4, 4].map(|capacity| backing.elements::<u64>(capacity));
        let (mut tx, mut rx) = ends(&rings);
        let mut set = WaitSet::new();
        for (token, rx) in rx.iter().enumerate() {
            set.add(rx.doorbell(), token).expect("room");
        }
        let mut list = Vec::with_capacity(3);
        let before = allocated();
        for round in 0..100 {
            let index = round % 3;
            assert_eq!(set.wait_timeout(&mut list, Duration::from_nanos(1)), Err(WaitError::Timeout));
            tx[index].try_push(1).expect("room");
            assert_eq!(set.wait(&mut list), Ok(()));
            assert_eq!((set.poll(&mut list), list.as_slice()), (1, [index].as_slice()));
            assert_eq!(rx[index].try_pop(), Ok(1));
        }
        assert_eq!(allocated(), before);
    });
}

#[test]
fn errors_and_sets_say_what_they_are() {
    let rings = [crate::common::Backing::Heap.elements::<u64>(2)];
    let (_tx, rx) = ends(&rings);
    let mut set = WaitSet::new();
    set.add(rx[0].doorbell(), "ticks").expect("room");
    let text = format!("{set:?}");
    assert!(text.contains("ticks") && text.contains("native: true"), "{text}");
    for (error, text) in [
        (WaitError::Timeout, "no doorbell had rung when the limit passed"),
        (WaitError::Cancelled, "the wait was cancelled"),
        (WaitError::NoDoorbell, "a ring of busy_poll, or one opened for reading only, has no doorbells"),
        (WaitError::Stopped, "the bridge was stopped"),
        (WaitError::Running, "another thread runs the bridge already"),
    ] {
        assert_eq!(error.to_string(), text);
    }
    assert!(set.wait_timeout(&mut Vec::new(), PATIENCE / 10_000).is_err());
}
