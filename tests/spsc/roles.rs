//! One producer, one consumer: who has a role, who had it, and what people are told of them.

use std::process;
use std::sync::mpsc::channel;
use std::thread;

use ringfence::spsc::{Options, open_with};
use ringfence::{Attach, AttachError, Presence, PushError, RepairReport, Role};

use crate::common::{Backing, UniqueName, for_each_backing};

#[test]
fn a_second_producer_is_refused_and_told_who_has_the_role() {
    for_each_backing(|backing| {
        let attach = Attach::new().label("feed handler");
        let ring = backing.create(Options::<u64>::new(4).attach(attach));
        let tx = ring.producer().expect("the role");
        for ring in [ring.clone(), ring.opened_again()] {
            let error = ring.producer().expect_err("the role is taken");
            let AttachError::RoleTaken { holder } = &error else { panic!("{error}") };
            assert_eq!(
                (holder.role, holder.pid, holder.label.as_str()),
                (Role::Producer, process::id(), "feed handler")
            );
            let text = error.to_string();
            assert!(text.contains("feed handler") && text.contains(&process::id().to_string()), "{text}");
        }
        drop(tx);
        ring.opened_again().producer().expect("the role is free");
    });
}

#[test]
fn a_second_consumer_is_refused_and_told_who_has_the_role() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let rx = ring.opened_again().consumer().expect("the role");
        let error = ring.consumer().expect_err("the role is taken");
        let AttachError::RoleTaken { holder } = &error else { panic!("{error}") };
        assert_eq!((holder.role, holder.pid, holder.label.as_str()), (Role::Consumer, process::id(), ""));
        drop(rx);
        ring.consumer().expect("the role is free");
    });
}

#[test]
fn a_refused_attach_disturbs_neither_the_holder_nor_the_items() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        drop(rx.try_read().expect("an item"));
        ring.producer().expect_err("the role is taken");
        ring.consumer().expect_err("the role is taken");
        assert_eq!((ring.producer_state().epoch, ring.consumer_state().epoch), (1, 1));
        tx.try_push(3).expect("room");
        let item = rx.try_read().expect("the item");
        assert_eq!((item.get(), item.redelivered()), (1, true));
    });
}

#[test]
fn the_state_of_a_role_follows_its_owners() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let state = || {
            let (producer, consumer) = (ring.producer_state(), ring.opened_again().consumer_state());
            [(producer.state, producer.epoch), (consumer.state, consumer.epoch)]
        };
        use Presence::{Absent, Left, Present};
        assert_eq!(state(), [(Absent, 0), (Absent, 0)]);
        let tx = ring.producer().expect("the role");
        assert_eq!(state(), [(Present, 1), (Absent, 0)]);
        assert_eq!((tx.peer().state, tx.peer().epoch), (Absent, 0));
        let rx = ring.consumer().expect("the role");
        assert_eq!(state(), [(Present, 1), (Present, 1)]);
        assert_eq!((tx.peer().state, tx.peer().epoch), (Present, 1));
        assert_eq!((rx.peer().state, rx.peer().epoch), (Present, 1));
        drop(tx);
        assert_eq!(state(), [(Left, 1), (Present, 1)]);
        assert_eq!((rx.peer().state, rx.peer().epoch), (Left, 1));
        let tx = ring.producer().expect("the role");
        assert_eq!(state(), [(Present, 2), (Present, 1)]);
        assert_eq!((rx.peer().state, rx.peer().epoch), (Present, 2));
        drop((tx, rx));
        assert_eq!(state(), [(Left, 2), (Left, 1)]);
    });
}

#[test]
fn the_epoch_grows_with_every_owner() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        for epoch in 1..=20 {
            let _tx = ring.producer().expect("the role");
            assert_eq!(ring.opened_again().producer_state().epoch, epoch);
        }
    });
}

#[test]
fn the_entries_say_who_is_who() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(4).attach(Attach::new().label("both")));
        let [producer, consumer] = &ring.participants()[..] else { panic!("two entries") };
        assert_eq!((producer.index, consumer.index), (0, 1));
        assert_eq!((producer.role, producer.state, producer.pid), (None, Presence::Absent, 0));

        let (_tx, _rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
        let [producer, consumer] = &ring.participants()[..] else { panic!("two entries") };
        assert_eq!((producer.role, consumer.role), (Some(Role::Producer), Some(Role::Consumer)));
        for entry in [producer, consumer] {
            assert_eq!((entry.state, entry.epoch, entry.pid), (Presence::Present, 1, process::id()));
            assert_eq!((entry.label.as_str(), entry.repairer), ("both", None));
            assert_eq!((entry.dropped, entry.repairs), (0, 0));
            assert!(entry.attached_at > 0);
        }
    });
}

#[test]
fn each_opening_has_a_label_of_its_own() {
    let name = UniqueName::new();
    let ring = Options::<u64>::new(4).attach(Attach::new().label("first")).create(&name).expect("a ring");
    let other = open_with::<u64>(&name, Attach::new().label("second")).expect("the ring");
    let (_tx, _rx) = (ring.producer().expect("the role"), other.consumer().expect("the role"));
    let labels: Vec<_> = ring.participants().into_iter().map(|it| it.label).collect();
    assert_eq!(labels, ["first", "second"]);
}

#[test]
fn a_label_is_replaced_by_the_next_owners() {
    let name = UniqueName::new();
    let ring = Options::<u64>::new(4).attach(Attach::new().label("a long label")).create(&name);
    let ring = ring.expect("a ring");
    drop(ring.producer().expect("the role"));
    let _tx = open_with::<u64>(&name, Attach::new().label("b")).expect("the ring").producer();
    assert_eq!(ring.participants()[0].label, "b");
}

#[test]
fn a_long_label_is_cut_between_two_characters() {
    for_each_backing(|backing| {
        for (label, kept) in [
            ("x".repeat(48), "x".repeat(48)),
            ("x".repeat(49), "x".repeat(48)),
            ("é".repeat(25), "é".repeat(24)),
            (format!("x{}", "é".repeat(24)), format!("x{}", "é".repeat(23))),
            ("🦀".repeat(13), "🦀".repeat(12)),
        ] {
            let ring = backing.create(Options::<u64>::new(4).attach(Attach::new().label(label)));
            let _tx = ring.producer().expect("the role");
            assert_eq!(ring.participants()[0].label, kept);
        }
    });
}

#[test]
fn clones_of_a_ring_share_its_roles() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let clone = ring.clone();
        let mut tx = ring.producer().expect("the role");
        assert!(matches!(clone.producer(), Err(AttachError::RoleTaken { .. })));
        tx.try_push(1).expect("room");
        assert_eq!(clone.consumer().expect("the role").try_pop(), Ok(1));
    });
}

#[test]
fn dropped_items_are_counted_where_tools_see_them() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let again = ring.opened_again();
        let (mut tx, mut rx) = ring.ends();
        let dropped = || again.participants()[0].dropped;
        assert!(tx.push_or_drop(1) && tx.push_or_drop(2));
        assert_eq!(dropped(), 0);
        assert!(!tx.push_or_drop(3) && !tx.push_or_drop(4));
        assert_eq!(dropped(), 2);
        assert_eq!(tx.try_push(5), Err(PushError::Full));
        assert_eq!(dropped(), 2, "a failed push is the caller's to count");
        assert_eq!(rx.try_pop(), Ok(1));
        assert!(tx.push_or_drop(6));
        assert_eq!((dropped(), rx.try_pop(), rx.try_pop()), (2, Ok(2), Ok(6)));

        drop(tx);
        let mut tx = ring.producer().expect("the role");
        assert!(tx.push_or_drop(7) && tx.push_or_drop(8) && !tx.push_or_drop(9));
        assert_eq!(dropped(), 3, "the count belongs to the role");
    });
}

#[test]
fn dropped_bytes_are_counted_too() {
    for_each_backing(|backing| {
        let ring = backing.bytes(2, 4);
        let mut tx = ring.producer().expect("the role");
        assert!(tx.push_or_drop(b"1"));
        assert!(!tx.push_or_drop(b"too long"));
        assert!(tx.push_or_drop(b"2") && !tx.push_or_drop(b"3"));
        assert_eq!((ring.participants()[0].dropped, ring.len()), (2, 2));
    });
}

#[test]
fn a_full_ring_is_blocked_on_its_consumer() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(ring.blocked_on(), None);
        tx.try_push_slice(&[1, 2]).expect("room");
        let consumer = ring.blocked_on().expect("the consumer");
        assert_eq!((consumer.index, consumer.role), (1, Some(Role::Consumer)));
        rx.try_pop().expect("an item");
        assert_eq!(ring.blocked_on(), None);
    });
}

#[test]
fn there_is_nothing_to_repair_where_nobody_died() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        assert_eq!(ring.repair(), Ok(RepairReport::default()));
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[1, 2]).expect("room");
        drop(rx.try_read().expect("an item"));
        assert_eq!(ring.repair(), Ok(RepairReport::default()));
        let item = rx.try_read().expect("the item");
        assert_eq!((item.get(), item.redelivered()), (1, true));
        item.release();
        tx.try_push(3).expect("room");
        drop((tx, rx));
        assert_eq!(ring.repair(), Ok(RepairReport::default()));
        let mut rx = ring.consumer().expect("the role");
        assert_eq!((rx.try_pop(), rx.last().map(|it| it.redelivered)), (Ok(2), Some(false)));
    });
}

#[test]
fn a_standby_of_another_thread_gets_the_role_when_it_is_free() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, rx) = ring.ends();
        tx.try_push(1).expect("room");
        thread::scope(|scope| {
            let (waiting, waits) = channel();
            let standby = ring.opened_again();
            let standing = scope.spawn(move || {
                waiting.send(()).expect("somebody listens");
                let mut rx = standby.consumer_standby().expect("the role");
                (rx.try_pop(), standby.consumer_state().epoch)
            });
            waits.recv().expect("it is about to wait");
            drop(rx);
            assert_eq!(standing.join().expect("no panic"), (Ok(1), 2));

            let (waiting, waits) = channel();
            let standby = ring.opened_again();
            let standing = scope.spawn(move || {
                waiting.send(()).expect("somebody listens");
                standby.producer_standby().map(|tx| tx.position().to_bits())
            });
            waits.recv().expect("it is about to wait");
            drop(tx);
            assert_eq!(standing.join().expect("no panic"), Ok(1));
        });
    });
}

#[test]
fn a_role_that_is_free_is_given_to_a_standby_at_once() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) =
            (ring.producer_standby().expect("the role"), ring.consumer_standby().expect("the role"));
        tx.try_push(1).expect("room");
        assert_eq!(rx.try_pop(), Ok(1));
    });
}

#[test]
fn nobody_new_joins_a_ring_whose_name_was_removed() {
    let ring = Backing::Shm.elements::<u64>(4);
    let (tx, rx) = ring.ends();
    drop((tx, rx));
    ring.unlink().expect("nobody is attached");
    assert_eq!(ring.producer().err(), Some(AttachError::Unlinked));
    assert_eq!(ring.consumer().err(), Some(AttachError::Unlinked));
    assert_eq!(ring.consumer_standby().err(), Some(AttachError::Unlinked));
}
