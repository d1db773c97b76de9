//! Gates with names that are held for the successor of a subscriber that is gone, and participants that died. The dead are
//! copies here: the bytes of a ring in use, under a name whose locks nobody holds, are what a crash at that moment leaves.

use std::mem::forget;
use std::thread;
use std::time::{Duration, Instant};

use ringfence::broadcast::{Gate, GateStatus, GatedSubscriber, Options, Ring, Start};
use ringfence::{Presence, PushError, RecvError};

use crate::common::{Backing, for_each_backing, words};
use crate::{PATIENCE, TestRing, at, drain, drain_gated, join, numbers, publish, subscribe};

/// How long gates are held whose time is to pass.
const TIME: Duration = Duration::from_millis(100);
/// How often something is tried that takes longer on a machine that has other things to do.
const ATTEMPTS: u32 = 20;

/// A ring of four numbers with a gate that is held for as long as a test can take.
fn held() -> Options<u64> {
    Options::<u64>::new(4).gate("recorder").hold_gates(Duration::from_secs(3600))
}

fn recorder(ring: &Ring<u64>) -> GatedSubscriber<u64> {
    ring.subscribe_gated("recorder", Start::Newest).expect("the gate")
}

fn crashed(ring: &TestRing<u64>) -> TestRing<u64> {
    ring.as_after_a_crash().expect("a ring in shared memory")
}

#[test]
fn a_held_gate_holds_the_publisher_when_its_subscriber_is_dropped_and_goes_on_with_the_next_one() {
    for_each_backing(|backing| {
        let ring = backing.create(held());
        let mut tx = ring.publisher().expect("the role");
        let mut rx = recorder(&ring);
        publish(&mut tx, 0..4);
        assert_eq!(rx.try_recv(), Ok(0));
        drop(rx);
        assert_eq!((ring.gates()[0].status, ring.gates()[0].position), (GateStatus::Active, at(1)));
        publish(&mut tx, 4..5);
        assert_eq!(tx.publish_timeout(5, Duration::from_millis(20)), Err(PushError::Timeout));
        let blocked_on = ring.blocked_on().expect("the gate that is held");
        assert_eq!((blocked_on.index, blocked_on.state), (1, Presence::Left));

        let mut rx = recorder(&ring.opened_again());
        assert_eq!((rx.position(), rx.joined_at(), rx.lag()), (at(1), at(1), 4), "its start does not count");
        assert_eq!(drain_gated(&mut rx), [(1, false), (2, false), (3, false), (4, false)]);
    });
}

#[test]
fn what_a_dropped_subscriber_had_looked_at_comes_flagged_to_the_next_one() {
    for_each_backing(|backing| {
        for looked_at in 0..=4 {
            let ring = backing.create(held());
            let mut tx = ring.publisher().expect("the role");
            let mut rx = recorder(&ring);
            publish(&mut tx, 0..4);
            for _ in 0..looked_at {
                rx.try_read_ahead().expect("an item");
            }
            drop(rx);
            let flags = drain_gated(&mut recorder(&ring));
            assert!(flags.into_iter().eq((0..4).map(|it| (it, it < looked_at))));
        }
        let ring = backing.create(held());
        let mut tx = ring.publisher().expect("the role");
        let mut rx = recorder(&ring);
        publish(&mut tx, 0..2);
        drop(rx.try_read().expect("an item"));
        drop(rx);
        assert_eq!(drain_gated(&mut recorder(&ring)), [(0, true), (1, false)]);
    });
}

#[test]
fn a_batch_ends_where_the_flag_changes() {
    for_each_backing(|backing| {
        let ring = backing.create(held());
        let mut tx = ring.publisher().expect("the role");
        let mut rx = recorder(&ring);
        publish(&mut tx, 0..4);
        rx.try_read_ahead().expect("an item");
        rx.try_read_ahead().expect("an item");
        drop(rx);
        let mut rx = recorder(&ring);
        let mut out = [0; 9];
        assert_eq!((rx.try_recv_slice(&mut out), rx.last().map(|it| it.redelivered)), (Ok(2), Some(true)));
        assert_eq!((rx.try_recv_slice(&mut out), rx.last().map(|it| it.redelivered)), (Ok(2), Some(false)));
        assert_eq!(out[..2], [2, 3]);
    });
}

#[test]
fn a_subscriber_that_leaves_gives_a_held_gate_up_at_once() {
    for_each_backing(|backing| {
        let ring = backing.create(held());
        let mut tx = ring.publisher().expect("the role");
        let rx = recorder(&ring);
        publish(&mut tx, 0..4);
        assert_eq!(tx.try_publish(4), Err(PushError::Full));
        rx.leave();
        assert_eq!(ring.gates()[0].status, GateStatus::Free);
        publish(&mut tx, 4..100);
        assert_eq!(recorder(&ring).position(), at(100));
    });
}

#[test]
fn a_gate_is_held_no_longer_than_the_creator_wanted() {
    for_each_backing(|backing| {
        let time = Duration::from_millis(60);
        let ring = backing.create(Options::<u64>::new(2).gate("recorder").hold_gates(time));
        let mut tx = ring.publisher().expect("the role");
        let rx = recorder(&ring);
        publish(&mut tx, 0..2);
        drop(rx);
        let begun = Instant::now();
        tx.publish_timeout(2, PATIENCE).expect("the time passes");
        assert!(begun.elapsed() >= time);
        assert_eq!(ring.gates()[0].status, GateStatus::Free);
        publish(&mut tx, 3..20);
        let mut rx = recorder(&ring);
        assert_eq!((rx.position(), rx.try_recv()), (at(20), Err(RecvError::Empty)));
    });
}

#[test]
fn a_publisher_that_only_tries_frees_a_gate_whose_time_is_over_as_well() {
    for_each_backing(|backing| {
        let time = Duration::from_millis(10);
        let ring = backing.create(Options::<u64>::new(2).gate("recorder").hold_gates(time));
        let mut tx = ring.publisher().expect("the role");
        let rx = recorder(&ring);
        publish(&mut tx, 0..2);
        drop(rx);
        let begun = Instant::now();
        while tx.try_publish(2).is_err() {
            assert!(begun.elapsed() < PATIENCE);
            thread::yield_now();
        }
        assert!(begun.elapsed() >= time);
    });
}

#[test]
fn a_successor_in_time_keeps_the_gate() {
    for_each_backing(|backing| {
        let time = Duration::from_millis(200);
        let ring = backing.create(Options::<u64>::new(2).gate("recorder").hold_gates(time));
        let mut tx = ring.publisher().expect("the role");
        let rx = recorder(&ring);
        publish(&mut tx, 0..2);
        drop(rx);
        assert_eq!(tx.publish_timeout(2, Duration::from_millis(5)), Err(PushError::Timeout));
        let mut rx = recorder(&ring);
        if rx.joined_at() != at(0) {
            println!("skipped: this machine is too slow to be in time");
            return;
        }
        assert_eq!(tx.publish_timeout(2, time * 2), Err(PushError::Timeout), "somebody is there again");
        assert_eq!(drain_gated(&mut rx), [(0, false), (1, false)]);
    });
}

#[test]
fn a_publisher_goes_on_without_a_subscriber_that_died() {
    for named in [false, true] {
        let options = Options::<u64>::new(4);
        let ring = Backing::Shm.create(if named { options.gate("recorder") } else { options.gated(1) });
        let mut tx = ring.publisher().expect("the role");
        let gate = if named { Gate::Named("recorder") } else { Gate::Any };
        let _rx = ring.subscribe_gated(gate, Start::Newest).expect("a gate");
        publish(&mut tx, 0..4);
        let crashed = crashed(&ring);
        let mut tx = crashed.publisher().expect("the role");
        tx.publish_timeout(4, PATIENCE).expect("nobody is behind the gate");
        let report = &crashed.gates()[0];
        assert_eq!(report.status, GateStatus::Free);
        let gone = &crashed.participants()[1];
        assert_eq!((gone.state, gone.repairs), (Presence::Died, 1));
        publish(&mut tx, 5..50);
    }
}

#[test]
fn a_gate_with_a_name_goes_on_where_a_subscriber_that_died_had_stopped() {
    for hold in [false, true] {
        for looked_at in 0..=3 {
            let options = if hold { held() } else { Options::<u64>::new(4).gate("recorder") };
            let ring = Backing::Shm.create(options);
            let mut tx = ring.publisher().expect("the role");
            let mut rx = recorder(&ring);
            publish(&mut tx, 0..4);
            assert_eq!(rx.try_recv(), Ok(0));
            for _ in 0..looked_at {
                rx.try_read_ahead().expect("an item");
            }
            let crashed = crashed(&ring);
            let mut rx = recorder(&crashed);
            assert_eq!((rx.position(), rx.joined_at()), (at(1), at(1)));
            // The oldest one may have been looked at, which is noted nowhere.
            let seen = looked_at.max(1);
            assert!(drain_gated(&mut rx).into_iter().eq((1..4).map(|it| (it, it <= seen))));
        }
    }
}

#[test]
fn what_one_dead_subscriber_had_in_hand_stays_flagged_when_its_successor_dies_too() {
    let ring = Backing::Shm.create(held());
    let mut tx = ring.publisher().expect("the role");
    let mut rx = recorder(&ring);
    publish(&mut tx, 0..4);
    for _ in 0..3 {
        rx.try_read_ahead().expect("an item");
    }
    let once = crashed(&ring);
    let rx = recorder(&once);
    let twice = crashed(&once);
    drop(rx);
    assert_eq!(drain_gated(&mut recorder(&twice)), [(0, true), (1, true), (2, true), (3, false)]);
}

#[test]
fn a_gate_without_a_name_is_joined_anew_after_a_death() {
    let ring = numbers(Backing::Shm, 4, 1);
    let mut tx = ring.publisher().expect("the role");
    let mut rx = join(&ring, Start::Newest);
    publish(&mut tx, 0..4);
    rx.try_recv().expect("an item");
    let crashed = crashed(&ring);
    let mut rx = join(&crashed, Start::Newest);
    assert_eq!((rx.position(), rx.try_recv()), (at(4), Err(RecvError::Empty)));
}

#[test]
fn a_publisher_that_died_is_succeeded_behind_its_last_item_and_subscribers_stay() {
    let ring = numbers(Backing::Shm, 4, 1);
    let mut tx = ring.publisher().expect("the role");
    publish(&mut tx, 0..6);
    forget(tx.try_claim().expect("room").write(u64::MAX));
    let crashed = crashed(&ring);
    let mut lossy = subscribe(&crashed, Start::Oldest);
    assert_eq!(lossy.peer().state, Presence::Died);
    assert_eq!(lossy.position(), at(3), "the claimed slot's item is gone");
    let mut next = crashed.publisher().expect("the role");
    assert_eq!((next.position(), lossy.peer().state, lossy.peer().epoch), (at(6), Presence::Present, 2));
    publish(&mut next, 6..7);
    assert_eq!(drain(&mut lossy), [3, 4, 5, 6]);
}

#[test]
fn items_that_a_dead_publisher_had_stamped_and_not_counted_are_in_the_ring() {
    for stamped in 0..=4 {
        let ring = numbers(Backing::Shm, 8, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..3 + stamped);
        // As it was before the last store of the tail, which lags by half a capacity at most.
        ring.poke(words::TAIL, 3);
        assert!(drain(&mut rx).into_iter().eq(0..3 + stamped), "subscribers go by stamps");
        let crashed = crashed(&ring);
        let next = crashed.publisher().expect("the role");
        assert_eq!((next.position(), crashed.positions().1), (at(3 + stamped), at(3 + stamped)));
    }
}

#[test]
fn a_repair_puts_in_order_what_the_dead_left() {
    let options = Options::<u64>::new(4).gated(1).gate("recorder");
    let ring = Backing::Shm.create(options.clone());
    let mut tx = ring.publisher().expect("the role");
    let (_any, _recorder) = (join(&ring, Start::Newest), recorder(&ring));
    publish(&mut tx, 0..4);
    assert!(ring.repair().expect("a sound ring").repaired.is_empty(), "everybody lives");
    let crashed_ring = crashed(&ring);
    let report = crashed_ring.repair().expect("a sound ring");
    assert_eq!(report.repaired.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(report.repaired.iter().all(|it| it.state == Presence::Died) && report.items.is_empty());
    assert!(crashed_ring.repair().expect("a sound ring").repaired.is_empty(), "once is enough");
    // The gate with the name is not held: it keeps its place, for nobody has taken it.
    let statuses: Vec<_> = crashed_ring.gates().into_iter().map(|it| it.status).collect();
    assert_eq!(statuses[0], GateStatus::Free);
}

#[test]
fn a_repair_leaves_gates_alone_that_are_held() {
    let ring = Backing::Shm.create(held());
    let mut tx = ring.publisher().expect("the role");
    let _rx = recorder(&ring);
    publish(&mut tx, 0..4);
    let crashed = crashed(&ring);
    let report = crashed.repair().expect("a sound ring");
    assert_eq!(report.repaired.iter().map(|it| it.index).collect::<Vec<_>>(), [0]);
    assert_eq!((crashed.gates()[0].status, crashed.gates()[0].position), (GateStatus::Active, at(0)));
    let mut tx = crashed.publisher().expect("the role");
    assert_eq!(tx.publish_timeout(4, Duration::from_millis(20)), Err(PushError::Timeout));
    assert_eq!(drain_gated(&mut recorder(&crashed)).len(), 4);
}

#[test]
fn old_items_that_a_gate_had_by_luck_only_are_missed_by_its_next_subscriber_as_by_the_first() {
    for_each_backing(|backing| {
        let ring = backing.create(held());
        let mut tx = ring.publisher().expect("the role");
        publish(&mut tx, 0..10);
        let rx = ring.subscribe_gated("recorder", Start::Oldest).expect("the gate");
        assert_eq!((rx.position(), rx.joined_at()), (at(6), at(10)));
        drop(rx);
        // The publisher looks at its gates once a lap.
        let end = (10..20).find(|it| tx.try_publish(*it).is_err()).expect("within a lap");
        assert!(end > 10);
        let mut rx = recorder(&ring);
        assert_eq!((rx.position(), rx.joined_at()), (at(6), at(10)));
        assert_eq!(rx.try_recv(), Err(crate::lagged(end - 10, end - 4)));
        assert!(drain_gated(&mut rx).into_iter().eq((end - 4..end).map(|it| (it, false))));
    });
}

#[test]
fn a_subscriber_that_had_more_in_hand_than_the_ring_holds_is_succeeded() {
    for_each_backing(|backing| {
        let ring = backing.create(held());
        let mut tx = ring.publisher().expect("the role");
        publish(&mut tx, 0..10);
        let mut rx = ring.subscribe_gated("recorder", Start::Oldest).expect("the gate");
        for _ in 6..10 {
            rx.try_read_ahead().expect("an item");
        }
        let end = (10..20).find(|it| tx.try_publish(*it).is_err()).expect("within a lap");
        for _ in 10..end {
            rx.try_read_ahead().expect("an item");
        }
        assert!(end - 6 > 4);
        drop(rx);
        let mut rx = recorder(&ring);
        assert_eq!(rx.try_recv(), Err(crate::lagged(end - 10, end - 4)));
        assert!(drain_gated(&mut rx).into_iter().eq((end - 4..end).map(|it| (it, true))));
    });
}

#[test]
fn a_gate_whose_subscriber_died_before_it_had_joined_is_held_for_nobody() {
    /// How the gate of a ring that has one stands: `generation << 2 | state`, behind two entries and its cursor.
    const STANDING: usize = words::ENTRIES + 2 * 256 + 8;
    const STATE: u64 = 3;
    const JOINING: u64 = 1;
    let ring = Backing::Shm.create(held());
    let mut tx = ring.publisher().expect("the role");
    let _rx = recorder(&ring);
    publish(&mut tx, 0..4);
    let standing = ring.image().u64(STANDING);
    ring.poke(STANDING, standing & !STATE | JOINING);
    let (once, twice) = (crashed(&ring), crashed(&ring));

    let mut tx = once.publisher().expect("the role");
    tx.publish_timeout(4, PATIENCE).expect("nothing was promised to anybody");
    assert_eq!(once.gates()[0].status, GateStatus::Free);
    publish(&mut tx, 5..50);

    let mut rx = recorder(&twice);
    assert_eq!((rx.joined_at(), rx.try_recv()), (at(4), Err(RecvError::Empty)), "it joins anew");
}

#[test]
fn gates_that_are_held_are_held_at_the_same_time() {
    for_each_backing(|backing| {
        let held = Options::<u64>::new(8).gate("one").gate("two").gate("three").hold_gates(TIME);
        let take_one_gates_time = |_| {
            let ring = backing.create(held.clone());
            let mut tx = ring.publisher().expect("the role");
            for gate in ["one", "two", "three"] {
                drop(ring.subscribe_gated(gate, Start::Newest).expect("the gate"));
            }
            publish(&mut tx, 0..8);
            let begun = Instant::now();
            tx.publish_timeout(8, PATIENCE).expect("the time passes");
            assert!(begun.elapsed() >= TIME);
            begun.elapsed() < TIME * 2
        };
        // Three times one gate's time, whenever it was tried, is no accident.
        assert!((0..ATTEMPTS).any(take_one_gates_time));
    });
}
