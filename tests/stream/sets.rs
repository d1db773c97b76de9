//! Streams in wait sets and behind bridges.

use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};
use nix::time::{ClockId, clock_gettime};
use ringfence::{Doorbell, PopError, PushError, WaitError, WaitSet};

use crate::common::{Running, for_each_backing};
use crate::{PATIENCE, elements, records};

/// A set of one doorbell.
fn alone(doorbell: Doorbell) -> WaitSet<()> {
    let mut set = WaitSet::new();
    set.add(doorbell, ()).expect("a doorbell");
    set
}

/// What is ready now.
fn polled<K: Copy>(set: &mut WaitSet<K>) -> Vec<K> {
    let mut ready = Vec::new();
    assert_eq!(set.poll(&mut ready), ready.len());
    ready
}

/// Processor time that the calling thread has used.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock").into()
}

#[test]
fn a_set_names_the_streams_that_have_something() {
    for_each_backing(|backing| {
        let (numbers, lines, pipe) =
            (elements::<u64>(backing, 4), records(backing, 64), elements::<u8>(backing, 4));
        let (mut tx, mut rx) = numbers.ends();
        let (mut lines_tx, mut lines_rx) = lines.ends();
        let (mut pipe_tx, mut pipe_rx) = pipe.ends();
        let mut set = WaitSet::new();
        set.add(rx.doorbell(), "number").expect("room");
        set.add(lines_rx.doorbell(), "line").expect("room");
        set.add(pipe_rx.doorbell(), "byte").expect("room");
        assert!(polled(&mut set).is_empty());
        lines_tx.try_push(b"").expect("room");
        pipe_tx.try_push(1).expect("room");
        assert_eq!(polled(&mut set), ["line", "byte"]);
        lines_rx.try_read().expect("a record").release();
        tx.try_push(7).expect("room");
        assert_eq!(polled(&mut set), ["number", "byte"]);
        rx.try_pop().expect("an element");
        pipe_rx.try_pop().expect("an element");
        assert!(polled(&mut set).is_empty());
        tx.close();
        lines.close();
        drop(lines_tx);
        assert_eq!(polled(&mut set), ["number", "line"], "the end is something");
    });
}

#[test]
fn a_set_sleeps_until_a_record_comes() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        let mut set = alone(rx.doorbell());
        let mut ready = Vec::new();
        assert_eq!(set.wait_timeout(&mut ready, Duration::from_millis(1)), Err(WaitError::Timeout));
        thread::scope(|scope| {
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(3));
                tx.push(b"woken").expect("room");
            });
            set.wait_timeout(&mut ready, PATIENCE).expect("a record comes");
        });
        assert_eq!(rx.try_read().map(|it| it.to_vec()), Ok(b"woken".to_vec()));
    });
}

#[test]
fn what_was_read_ahead_is_not_ready_until_it_is_rewound() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        let mut set = alone(rx.doorbell());
        let mut buffer = Vec::new();
        for _ in 0..20 {
            tx.try_push(b"12345").expect("room");
            tx.try_push(b"1").expect("room");
            rx.try_read_ahead_to(&mut buffer).expect("a record");
            assert_eq!(polled(&mut set).len(), 1, "one more is to be read");
            let last = rx.try_read_ahead_to(&mut buffer).expect("a record");
            assert!(polled(&mut set).is_empty());
            rx.rewind();
            assert_eq!(polled(&mut set).len(), 1);
            rx.try_read_ahead_to(&mut buffer).expect("a record");
            rx.try_read_ahead_to(&mut buffer).expect("a record");
            assert_eq!(rx.release_through(last.first), Ok(2));
            assert!(polled(&mut set).is_empty());
        }
    });
}

#[test]
fn a_set_with_a_writer_that_lacks_room_for_a_large_record_sleeps_through_small_releases() {
    for_each_backing(|backing| {
        let ring = records(backing, 256);
        let (mut tx, mut rx) = ring.ends();
        for _ in 0..16 {
            tx.try_push(b"12345678").expect("room");
        }
        let mut set = alone(tx.doorbell());
        assert_eq!(tx.try_push(&[9; 120]), Err(PushError::Full));
        let mut ready = Vec::new();
        let mut buffer = Vec::new();
        rx.try_pop_to(&mut buffer).expect("a record");
        let begun = processor_time();
        let limit = Duration::from_millis(50);
        assert_eq!(
            set.wait_timeout(&mut ready, limit),
            Err(WaitError::Timeout),
            "there is room, but not enough"
        );
        assert!(processor_time() - begun < limit / 2, "it spins");
        thread::scope(|scope| {
            scope.spawn(move || {
                for _ in 0..7 {
                    thread::sleep(Duration::from_millis(2));
                    rx.try_pop_to(&mut buffer).expect("a record");
                }
                assert_eq!(rx.position().to_bits(), 128);
            });
            set.wait_timeout(&mut ready, PATIENCE).expect("room comes");
        });
        tx.try_push(&[9; 120]).expect("the room that it rang for");
    });
}

#[test]
fn a_bridge_tells_of_records_and_of_room_for_large_ones() {
    for_each_backing(|backing| {
        let running = Running::new();
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        let item = running.bridge.add(rx.doorbell()).expect("room");
        let readable = |fd: &ringfence::BridgeFd, limit: u16| {
            use std::os::fd::AsFd;
            let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, limit).expect("a poll") == 1
        };
        assert!(!readable(&item, 20));
        tx.try_push(b"1").expect("room");
        assert!(readable(&item, 10_000));
        for _ in 0..3 {
            tx.try_push(b"1").expect("room");
        }
        assert_eq!(tx.try_push(&[0; 24]), Err(PushError::Full));
        let room = running.bridge.add(tx.doorbell()).expect("room");
        rx.try_pop_to(&mut Vec::new()).expect("a record");
        assert!(!readable(&room, 50), "16 bytes are not enough");
        rx.try_pop_to(&mut Vec::new()).expect("a record");
        assert!(readable(&room, 10_000));
        tx.try_push(&[0; 24]).expect("the room that it rang for");
    });
}

#[test]
fn the_doorbell_of_a_dropped_handle_rings_no_more() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, rx) = ring.ends();
        tx.try_push(b"1").expect("room");
        let (item, room) = (rx.doorbell(), tx.doorbell());
        assert!(item.is_ready() && room.is_ready());
        drop((tx, rx));
        assert!(!item.is_ready() && !room.is_ready());
        let mut successor = ring.reader().expect("the role");
        assert!(successor.doorbell().is_ready());
        assert_eq!(successor.try_pop_to(&mut Vec::new()), Ok(1));
        assert_eq!(successor.try_pop_to(&mut Vec::new()), Err(PopError::Empty));
    });
}
