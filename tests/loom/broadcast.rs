//! The protocol of `broadcast`: nothing torn and nothing unnoticed for whoever is lapped, nothing missed behind a gate.
//!
//! The item of step n has the value n + 1, unless a model says otherwise.

use std::cell::Cell;
use std::rc::Rc;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use ringfence::model::broadcast::{
    Gated, Policy, Published, Publisher, Received, Resume, Ring, Start, Subscriber, wrong,
};
use ringfence::model::death;

use crate::{check, check_crowd, check_long, check_three};

/// Just below the wrap of the positions, so that every model crosses it.
const START: u64 = (1 << 62) - 1;

/// Publishes that many items, for which there must be room.
fn publish(publisher: &mut Publisher, count: u64) {
    for _ in 0..count {
        let step = publisher.next();
        assert_eq!(publisher.try_publish(step + 1), Published::At(step));
    }
}

#[test]
fn an_item_is_received_whole_or_not_at_all() {
    check_copies(|subscriber| match subscriber.try_recv(|| false) {
        Received::Item { value, .. } => Some(value),
        _ => None,
    });
}

/// Somebody copies the first item, while it is published and overwritten.
fn check_copies(receive: fn(&mut Subscriber) -> Option<u64>) {
    check(move || {
        let ring = Ring::racing(2, START, 0);
        let (mut publisher, mut subscriber) = (ring.publisher(), ring.subscriber(Start::Oldest));
        let publishes = thread::spawn(move || publish(&mut publisher, 3));
        if let Some(value) = receive(&mut subscriber) {
            assert_eq!(value, 1);
        }
        publishes.join().expect("no panic");
    });
}

/// A canary: if this passes, the models tear nothing.
#[test]
#[should_panic(expected = "torn")]
fn a_reader_that_does_not_look_at_the_stamp_again_is_caught() {
    check_copies(wrong::recv_without_a_second_look);
}

#[test]
fn items_of_a_batch_are_received_whole_and_in_their_places() {
    check_batches(|subscriber| {
        let mut values = [0; 2];
        let count = subscriber.try_recv_slice(&mut values).unwrap_or(0);
        values[..count].to_vec()
    });
}

/// Somebody copies the two oldest items while the next two are published, which overwrite them if there was a lap
/// before.
fn check_batches(receive: fn(&mut Subscriber) -> Vec<u64>) {
    for before in [0, 4] {
        check(move || {
            let ring = Ring::racing(4, START, 0);
            let (mut publisher, mut subscriber) = (ring.publisher(), ring.subscriber(Start::Oldest));
            publish(&mut publisher, before);
            let publishes = thread::spawn(move || {
                assert_eq!(publisher.try_publish_slice(&[before + 1, before + 2]), 2);
            });
            let received = receive(&mut subscriber);
            assert_eq!(received, (1..).take(received.len()).collect::<Vec<_>>());
            publishes.join().expect("no panic");
        });
    }
}

/// A canary: if this passes, the models do not see which slot of a batch is overwritten first.
#[test]
#[should_panic(expected = "torn")]
fn a_reader_that_looks_at_the_last_stamp_of_a_batch_again_is_caught() {
    check_batches(|subscriber| wrong::recv_two_by_the_second(subscriber).map(Vec::from).unwrap_or_default());
}

#[test]
fn what_is_received_and_what_is_missed_is_what_was_published() {
    const PUBLISHED: u64 = 4;
    for resume in [Resume::Oldest, Resume::Newest] {
        check_three(move || {
            let ring = Ring::racing(2, START, 0);
            let mut publisher = ring.publisher();
            let mut subscriber = ring.subscriber(Start::Oldest).resuming(resume);
            // How many were begun: real time, which loom does not see.
            let begun = Rc::new(Cell::new(0));
            let count = Rc::clone(&begun);
            let publishes = thread::spawn(move || {
                for _ in 0..PUBLISHED {
                    count.set(count.get() + 1);
                    publish(&mut publisher, 1);
                }
            });
            let mut account = Account::default();
            for _ in 0..3 {
                account.receive(&mut subscriber, resume, &begun);
            }
            publishes.join().expect("no panic");
            while account.next() < PUBLISHED {
                account.receive(&mut subscriber, resume, &begun);
            }
            assert_eq!(subscriber.try_recv(|| false), Received::Empty);
        });
    }
}

/// What a reader received, and what it was told that it missed.
#[derive(Default)]
struct Account {
    received: u64,
    missed: u64,
}

impl Account {
    fn next(&self) -> u64 {
        self.received + self.missed
    }

    /// One try, by the end of which `begun` items were published, or nearly.
    fn receive(&mut self, subscriber: &mut Subscriber, resume: Resume, begun: &Cell<u64>) {
        match subscriber.try_recv(|| false) {
            Received::Item { step, value } => {
                assert_eq!((step, value), (self.next(), step + 1));
                self.received += 1;
            }
            Received::Missed { missed, next } => {
                self.missed += missed;
                assert_eq!(next, self.next());
                assert!(missed > 0);
                let latest = begun.get() - if resume == Resume::Oldest { 2 } else { 1 };
                assert!(next <= latest, "{next} of {} is later than it need be", begun.get());
            }
            Received::Empty => {}
            Received::Closed => panic!("nobody closes"),
        }
    }
}

#[test]
fn the_latest_item_is_whole_and_none_before_it_comes_after_it() {
    for before in [0, 2] {
        check_three(move || {
            let ring = Ring::racing(2, START, 0);
            let (mut publisher, mut subscriber) = (ring.publisher(), ring.subscriber(Start::Oldest));
            publish(&mut publisher, before);
            let publishes = thread::spawn(move || publish(&mut publisher, 3));
            let mut last = None;
            for _ in 0..2 {
                match subscriber.latest() {
                    Some(Received::Item { step, value }) => {
                        assert_eq!(value, step + 1);
                        assert!(step + 1 >= before && last <= Some(step), "{step} after {last:?}");
                        last = Some(step);
                    }
                    Some(Received::Empty) => assert_eq!((before, last), (0, None)),
                    None => {}
                    other => panic!("{other:?}"),
                }
            }
            publishes.join().expect("no panic");
            assert_eq!(subscriber.latest(), Some(Received::Item { step: before + 2, value: before + 3 }));
        });
    }
}

#[test]
fn a_close_comes_after_every_item() {
    check_close(|subscriber| subscriber.try_recv(|| false));
}

#[test]
fn a_close_comes_after_every_batch() {
    check_close(|subscriber| {
        let (step, mut values) = (subscriber.next(), [0]);
        match subscriber.try_recv_slice(&mut values) {
            Ok(_) => Received::Item { step, value: values[0] },
            Err(received) => received,
        }
    });
}

/// Two items are published, and the ring is closed, while somebody receives.
fn check_close(receive: fn(&mut Subscriber) -> Received) {
    check(move || {
        let ring = Ring::racing(2, START, 0);
        let (mut publisher, mut subscriber) = (ring.publisher(), ring.subscriber(Start::Oldest));
        let publishes = thread::spawn(move || {
            publish(&mut publisher, 2);
            publisher.close();
        });
        assert_eq!(receive_all(|| receive(&mut subscriber)), [0, 1]);
        publishes.join().expect("no panic");
    });
}

/// Receives until the ring is closed, of which nothing is missed.
fn receive_all(mut receive: impl FnMut() -> Received) -> Vec<u64> {
    let mut received = Vec::new();
    loop {
        match receive() {
            Received::Item { step, value } => {
                assert_eq!(value, step + 1);
                received.push(step);
            }
            Received::Empty => thread::yield_now(),
            Received::Closed => return received,
            missed => panic!("{missed:?}"),
        }
    }
}

#[test]
fn a_close_by_somebody_else_loses_no_accepted_item() {
    check(|| {
        let ring = Ring::racing(2, START, 0);
        let (mut publisher, mut subscriber) = (ring.publisher(), ring.subscriber(Start::Oldest));
        // The publisher's lock byte: given back with the last word of its owner, as the kernel does.
        let gone = Arc::new(AtomicBool::new(false));
        let unlocked = Arc::clone(&gone);
        let publishes = thread::spawn(move || {
            let accepted =
                (1..=2).take_while(|value| publisher.try_publish(*value) != Published::Closed).count();
            drop(publisher);
            unlocked.store(true, Ordering::Release);
            accepted
        });
        ring.close();
        let received = receive_all(|| subscriber.try_recv(|| gone.load(Ordering::Acquire))).len();
        assert_eq!(received, publishes.join().expect("no panic"));
    });
}

/// Receives `count` items at a gate, of which none is missed.
fn receive(gated: &mut Gated, count: u64) {
    let mut left = count;
    while left > 0 {
        let next = gated.head();
        match gated.try_recv() {
            Received::Item { step, value } => {
                assert_eq!((step, value), (next, step + 1));
                left -= 1;
            }
            Received::Empty => thread::yield_now(),
            other => panic!("{other:?}"),
        }
    }
}

/// Publishes that many items, as soon as there is room for each.
fn publish_all(publisher: &mut Publisher, count: u64) {
    for _ in 0..count {
        let step = publisher.next();
        while publisher.try_publish(step + 1) != Published::At(step) {
            thread::yield_now();
        }
    }
}

#[test]
fn items_behind_a_gate_arrive_whole_and_in_order() {
    check_three(|| {
        let ring = Ring::new(2, START, 1);
        let (mut publisher, mut gated) = (ring.publisher(), ring.gated(0, Start::Newest));
        let publishes = thread::spawn(move || publish_all(&mut publisher, 4));
        receive(&mut gated, 4);
        publishes.join().expect("no panic");
    });
}

#[test]
fn batches_behind_a_gate_arrive_whole_and_in_order() {
    check_three(|| {
        let ring = Ring::new(4, START, 1);
        let (mut publisher, mut gated) = (ring.publisher(), ring.gated(0, Start::Newest));
        publish(&mut publisher, 3);
        let publishes = thread::spawn(move || {
            let mut rest: &[u64] = &[4, 5, 6];
            while !rest.is_empty() {
                match publisher.try_publish_slice(rest) {
                    0 => thread::yield_now(),
                    count => rest = &rest[count..],
                }
            }
        });
        receive(&mut gated, 6);
        publishes.join().expect("no panic");
    });
}

#[test]
fn the_publisher_waits_for_the_slower_of_two_gates() {
    check(|| {
        let ring = Ring::new(2, START, 2);
        let mut publisher = ring.publisher();
        let [mut fast, mut slow] = [0, 1].map(|gate| ring.gated(gate, Start::Newest));
        publish(&mut publisher, 1);
        let publishes = thread::spawn(move || publish_all(&mut publisher, 2));
        receive(&mut fast, 2);
        receive(&mut slow, 1);
        receive(&mut fast, 1);
        receive(&mut slow, 2);
        publishes.join().expect("no panic");
    });
}

/// Publishes that many items, unless a gate is in the way.
fn publish_up_to(publisher: &mut Publisher, count: u64) {
    for _ in 0..count {
        publisher.try_publish(publisher.next() + 1);
    }
}

#[test]
fn nothing_is_missed_from_where_a_gate_joined() {
    let starts: [fn(&Ring) -> Start; 3] = [|_| Start::Newest, |_| Start::Oldest, |ring| ring.at(1)];
    for start in starts {
        check_join(start, publish_up_to);
    }
}

#[test]
fn nothing_is_missed_from_where_a_gate_joined_between_batches() {
    check_three(|| {
        let ring = Ring::racing(4, START, 1);
        let mut publisher = ring.publisher();
        publish(&mut publisher, 2);
        let publishes = thread::spawn(move || {
            for _ in 0..3 {
                let next = publisher.next() + 1;
                publisher.try_publish_slice(&[next, next + 1]);
            }
        });
        let mut gated = ring.gated(0, Start::Newest);
        receive_or_miss(&mut gated, Gated::try_recv);
        publishes.join().expect("no panic");
        receive_or_miss(&mut gated, Gated::try_recv);
    });
}

#[test]
fn nothing_is_missed_from_where_a_gate_joined_between_two_publishers() {
    check_three(|| {
        let ring = Ring::racing(2, START, 1);
        let mut first = ring.publisher();
        publish(&mut first, 1);
        let successors = ring.clone();
        let publishes = thread::spawn(move || {
            publish_up_to(&mut first, 1);
            drop(first); // the lock is free: the successor attaches
            publish_up_to(&mut successors.publisher(), 3);
        });
        let mut gated = ring.gated(0, Start::Newest);
        receive_or_miss(&mut gated, Gated::try_recv);
        publishes.join().expect("no panic");
        receive_or_miss(&mut gated, Gated::try_recv);
    });
}

/// A gate is taken while the publisher goes on, as `publish` does.
fn check_join(start: fn(&Ring) -> Start, publish_more: fn(&mut Publisher, u64)) {
    check_three(move || {
        let ring = Ring::racing(2, START, 1);
        let mut publisher = ring.publisher();
        publish(&mut publisher, 1);
        let publishes = thread::spawn(move || publish_more(&mut publisher, 3));
        let mut gated = ring.gated(0, start(&ring));
        receive_or_miss(&mut gated, Gated::try_recv);
        publishes.join().expect("no panic");
        receive_or_miss(&mut gated, Gated::try_recv);
    });
}

/// A canary: if this passes, the models do not see a gate that is overlooked.
#[test]
#[should_panic(expected = "an item that the gate held was overwritten")]
fn a_publisher_that_does_not_look_behind_a_fence_is_caught() {
    check_join(
        |_| Start::Newest,
        |publisher, count| {
            for _ in 0..count {
                wrong::publish_without_a_fence(publisher, publisher.next() + 1);
            }
        },
    );
}

#[test]
fn a_gate_that_is_taken_anew_holds_nobody_up_with_its_old_cursor() {
    check(|| {
        let ring = Ring::racing(2, START, 1);
        let mut publisher = ring.publisher();
        ring.gated(0, Start::Newest).leave();
        publish(&mut publisher, 3);
        let joins = thread::spawn(move || ring.gated(0, Start::Newest));
        // At most a lap behind the join.
        publish(&mut publisher, 2);
        joins.join().expect("no panic");
    });
}

#[test]
fn a_slot_is_written_again_only_when_whoever_left_its_gate_is_done() {
    check(|| {
        let ring = Ring::new(2, START, 1);
        let (mut publisher, mut gated) = (ring.publisher(), ring.gated(0, Start::Newest));
        publish(&mut publisher, 2);
        let reads = thread::spawn(move || {
            assert_eq!(gated.try_read().0, Received::Item { step: 0, value: 1 });
            gated.leave();
        });
        publish_all(&mut publisher, 1);
        reads.join().expect("no panic");
    });
}

#[test]
fn whoever_is_lapped_at_a_gate_finds_that_it_was_demoted() {
    check_demotion(Gated::try_recv);
}

#[test]
fn whoever_reads_and_is_lapped_at_a_gate_finds_that_it_was_demoted() {
    check_demotion(|gated| {
        let (received, _) = gated.try_read();
        if let Received::Item { .. } = received {
            gated.release();
        }
        received
    });
}

/// A gate is demoted while its owner receives.
fn check_demotion(receive: fn(&mut Gated) -> Received) {
    check(move || {
        let ring = Ring::racing(2, START, 1);
        let (mut publisher, mut gated) = (ring.publisher(), ring.gated(0, Start::Newest));
        publish(&mut publisher, 2);
        let demotes = thread::spawn(move || {
            if publisher.try_publish(3) == Published::Full && publisher.demote() {
                publish(&mut publisher, 1);
            }
        });
        receive_or_miss(&mut gated, receive);
        demotes.join().expect("no panic");
    });
}

/// Receives twice, or finds that the gate was demoted, or has not joined by then.
fn receive_or_miss(gated: &mut Gated, receive: fn(&mut Gated) -> Received) {
    for _ in 0..2 {
        let head = gated.head();
        match receive(gated) {
            Received::Item { step, value } => assert_eq!((step, value), (head, step + 1)),
            Received::Missed { .. } => assert!(gated.is_demoted() || head < gated.joined()),
            Received::Empty => {}
            Received::Closed => panic!("nobody closes"),
        }
    }
}

#[test]
fn a_gate_that_is_demoted_while_it_joins_stays_demoted() {
    check_three(|| {
        let ring = Ring::racing(2, START, 1);
        let mut publisher = ring.publisher();
        publish(&mut publisher, 2);
        let demotes = thread::spawn(move || {
            if publisher.try_publish(3) == Published::Full && publisher.demote() {
                publish(&mut publisher, 2);
            }
        });
        let mut gated = ring.gated(0, ring.at(0));
        receive_or_miss(&mut gated, Gated::try_recv);
        demotes.join().expect("no panic");
        receive_or_miss(&mut gated, Gated::try_recv);
    });
}

/// What a publication of one item writes: the stamp, two words, the stamp, tail.
const PUBLISH: u32 = 5;
/// Its first write after which the item is in the ring.
const COMMIT: u32 = 4;

/// Items of a second publisher have higher values: an item of either is known.
const SECOND: u64 = 100;

#[test]
fn a_publisher_that_dies_anywhere_costs_nothing_but_the_item_it_had_not_committed() {
    for writes in 0..=PUBLISH {
        check_death(u64::from(writes >= COMMIT), move |publisher| {
            death::after(writes, || publish(publisher, 1));
        });
    }
}

#[test]
fn a_batch_whose_publisher_dies_anywhere_keeps_what_was_committed() {
    // Of two items, as above, and one tail.
    for writes in [3, 4, 5, 7, 8] {
        check_death(u64::from(writes / 4), move |publisher| {
            let next = publisher.next() + 1;
            death::after(writes, || publisher.try_publish_slice(&[next, next + 1]));
        });
    }
}

/// A publisher dies in `last`, where it commits so many items; another one goes on, and so do two readers, one of whom
/// comes late.
fn check_death(committed: u64, last: impl Fn(&mut Publisher) + Copy + Send + Sync + 'static) {
    check_long(move || {
        let ring = Ring::racing(4, START, 0);
        let (mut first, mut subscriber) = (ring.publisher(), ring.subscriber(Start::Oldest));
        publish(&mut first, 3);
        let successors = ring.clone();
        let publishers = thread::spawn(move || {
            last(&mut first);
            // The lock is free: the successor attaches.
            let mut second = successors.publisher();
            assert_eq!(second.next(), 3 + committed);
            for _ in 0..2 {
                let step = second.next();
                assert_eq!(second.try_publish(SECOND + step), Published::At(step));
            }
        });
        let end = 5 + committed;
        let expected = |step| if step < 3 + committed { step + 1 } else { SECOND + step };
        let receive = |subscriber: &mut Subscriber| match subscriber.try_recv(|| false) {
            Received::Item { step, value } => assert_eq!(value, expected(step), "of {step}"),
            Received::Missed { next, .. } => assert!(next <= end - 4),
            Received::Empty => {}
            Received::Closed => panic!("nobody closes"),
        };
        receive(&mut subscriber);
        receive(&mut subscriber);
        publishers.join().expect("no panic");
        let mut late = ring.subscriber(Start::Oldest);
        assert_eq!(late.next(), end - 4);
        for subscriber in [&mut subscriber, &mut late] {
            while subscriber.next() < end {
                receive(subscriber);
            }
            assert_eq!(subscriber.try_recv(|| false), Received::Empty);
        }
    });
}

/// What a join writes: the cursor and the mark, the standing; the cursor, the mark and where it joined, the standing.
const JOIN: u32 = 7;

#[test]
fn a_gate_whose_owner_died_anywhere_in_a_join_is_freed_by_the_publisher() {
    for writes in 0..=JOIN {
        check_death_in_join(writes, |ring, publisher| {
            while publisher.next() < 4 {
                if publisher.try_publish(publisher.next() + 1) == Published::Full {
                    assert!(publisher.free());
                }
            }
            let gated = ring.gated(0, Start::Newest);
            assert_eq!(gated.head(), 4);
            gated
        });
    }
}

#[test]
fn a_gate_whose_owner_died_anywhere_in_a_join_is_taken_over() {
    for writes in 0..=JOIN {
        check_death_in_join(writes, |ring, publisher| {
            let mut gated = ring.take_gate(0, true, true, Start::Newest);
            while gated.head() < 4 {
                publish_up_to(publisher, 4 - publisher.next());
                receive_or_miss(&mut gated, |gated| {
                    let (received, _) = gated.try_read();
                    if let Received::Item { .. } = received {
                        gated.release();
                    }
                    received
                });
            }
            publish_up_to(publisher, 4 - publisher.next());
            gated
        });
    }
}

/// The owner of a gate dies after so many `writes` of its join, while the publisher publishes up to four items; `settle` has
/// them published, and the gate taken and at the end of them.
fn check_death_in_join(writes: u32, settle: fn(&Ring, &mut Publisher) -> Gated) {
    check(move || {
        let ring = Ring::new(2, START, 1);
        let mut publisher = ring.publisher();
        publish(&mut publisher, 1);
        let dying = ring.clone();
        let joins = thread::spawn(move || {
            death::after(writes, || dying.gated(0, Start::Newest));
        });
        publish_up_to(&mut publisher, 3);
        joins.join().expect("no panic");
        let mut gated = settle(&ring, &mut publisher);
        publish(&mut publisher, 2);
        assert_eq!(publisher.try_publish(7), Published::Full);
        receive(&mut gated, 2);
    });
}

#[test]
fn a_successor_at_a_gate_misses_nothing_and_is_told_what_was_seen() {
    for (looks, releases) in [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)] {
        check_three(move || {
            let ring = Ring::new(2, START, 1);
            let (mut publisher, mut first) = (ring.publisher(), ring.gated(0, Start::Newest));
            let publishes = thread::spawn(move || publish_all(&mut publisher, 3));
            for step in 0..looks {
                loop {
                    match first.try_read_ahead() {
                        Received::Empty => thread::yield_now(),
                        received => break assert_eq!(received, Received::Item { step, value: step + 1 }),
                    }
                }
            }
            for _ in 0..releases {
                first.release();
            }
            drop(first); // dies: its thread goes on as the successor
            let mut second = ring.take_gate(0, true, true, Start::Newest);
            for step in releases..3 {
                loop {
                    match second.try_read() {
                        (Received::Empty, _) => thread::yield_now(),
                        (received, seen) => {
                            assert_eq!(received, Received::Item { step, value: step + 1 });
                            assert!(
                                seen || step >= looks,
                                "item {step} was looked at and comes again unflagged"
                            );
                            break second.release();
                        }
                    }
                }
            }
            publishes.join().expect("no panic");
        });
    }
}

#[test]
fn a_successor_at_a_gate_may_miss_what_its_predecessor_might_have_missed() {
    check_three(|| {
        let ring = Ring::racing(2, START, 1);
        let mut publisher = ring.publisher();
        publish(&mut publisher, 2);
        let publishes = thread::spawn(move || publish_up_to(&mut publisher, 2));
        drop(ring.gated(0, Start::Oldest)); // dies: its thread goes on as the successor
        let mut gated = ring.take_gate(0, true, true, Start::Oldest);
        receive_or_miss(&mut gated, Gated::try_recv);
        publishes.join().expect("no panic");
        receive_or_miss(&mut gated, Gated::try_recv);
    });
}

#[test]
fn a_subscriber_and_the_publisher_sleep_and_lose_nothing() {
    check_three(|| {
        let ring = Ring::with_bells(2, START, 1);
        let (mut publisher, mut gated) = (ring.publisher(), ring.gated(0, Start::Newest));
        let publishes = thread::spawn(move || (1..=3).for_each(|value| publisher.publish(value)));
        for value in 1..=3 {
            assert_eq!(gated.recv(), value);
        }
        publishes.join().expect("no panic");
    });
}

#[test]
fn a_subscriber_without_a_gate_sleeps_and_is_woken_for_every_item() {
    check(|| {
        let ring = Ring::with(4, START, Policy { racing: true, bells: true, gates: 0 });
        let (mut publisher, mut subscriber) = (ring.publisher(), ring.subscriber(Start::Newest));
        let publishes = thread::spawn(move || (1..=2).for_each(|value| publisher.publish(value)));
        for value in 1..=2 {
            assert_eq!(subscriber.recv(), Some(value));
        }
        publishes.join().expect("no panic");
    });
}

#[test]
fn a_close_wakes_every_subscriber() {
    check_crowd(|| {
        let ring = Ring::with_bells(2, START, 0);
        let [mut first, mut second] = [(); 2].map(|()| ring.subscriber(Start::Newest));
        let receives = thread::spawn(move || first.recv());
        let publisher = ring.publisher();
        let closes = thread::spawn(move || publisher.close());
        assert_eq!(second.recv(), None);
        assert_eq!(receives.join().expect("no panic"), None);
        closes.join().expect("no panic");
    });
}

#[test]
fn an_item_of_a_publisher_that_died_before_it_rang_wakes_who_sleeps() {
    check(|| {
        let ring = Ring::with_bells(2, START, 0);
        let (first, mut subscriber) = (ring.publisher(), ring.subscriber(Start::Newest));
        let publishers = thread::spawn(move || {
            first.die_after_stamp(1);
            // The lock is free: the successor attaches.
            let mut second = ring.publisher();
            ring.ring_out();
            second.publish(2);
        });
        for value in 1..=2 {
            assert_eq!(subscriber.recv(), Some(value));
        }
        publishers.join().expect("no panic");
    });
}

#[test]
fn whoever_leaves_its_gate_wakes_the_publisher() {
    check(|| {
        let ring = Ring::with_bells(2, START, 1);
        let (mut publisher, gated) = (ring.publisher(), ring.gated(0, Start::Newest));
        publish(&mut publisher, 2);
        let leaves = thread::spawn(move || gated.leave());
        publisher.publish(3);
        leaves.join().expect("no panic");
    });
}

#[test]
fn a_repair_wakes_a_publisher_that_sleeps_behind_a_dead_ones_gate() {
    check(|| {
        let ring = Ring::with_bells(2, START, 1);
        let mut publisher = ring.publisher();
        drop(ring.gated(0, Start::Newest)); // dies
        publish(&mut publisher, 2);
        let repairs = thread::spawn(move || ring.repair_gate(0));
        publisher.publish(3);
        repairs.join().expect("no panic");
    });
}

#[test]
fn whoever_joins_wakes_a_publisher_that_waits_for_its_guess() {
    check_three(|| {
        let ring = Ring::with_bells(2, START, 1);
        let mut publisher = ring.publisher();
        publish(&mut publisher, 1);
        let publishes = thread::spawn(move || (2..=4).for_each(|value| publisher.publish(value)));
        let mut gated = ring.gated(0, Start::Newest);
        while gated.head() < 4 {
            assert_eq!(gated.recv(), gated.head());
        }
        publishes.join().expect("no panic");
    });
}
