//! One writer, one reader: who has a role, who had it, and what people are told of them.

use std::process;
use std::sync::mpsc::channel;
use std::thread;

use ringfence::stream::{Options, open_with};
use ringfence::{Attach, AttachError, Presence, PushError, RepairReport, Role};

use crate::common::{Backing, UniqueName, for_each_backing};
use crate::{drain_records, elements, records};

#[test]
fn a_second_owner_of_a_role_is_refused_and_told_who_has_it() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u8]>::new(64).attach(Attach::new().label("log writer")));
        let (tx, rx) = (ring.writer().expect("the role"), ring.reader().expect("the role"));
        for ring in [ring.clone(), ring.opened_again()] {
            let refusals =
                [(ring.writer().map(drop), Role::Producer), (ring.reader().map(drop), Role::Consumer)];
            for (refusal, role) in refusals {
                let error = refusal.expect_err("the role is taken");
                let AttachError::RoleTaken { holder } = &error else { panic!("{error}") };
                assert_eq!(
                    (holder.role, holder.pid, holder.label.as_str()),
                    (role, process::id(), "log writer")
                );
                assert!(error.to_string().contains("log writer"), "{error}");
            }
        }
        drop((tx, rx));
        let again = ring.opened_again();
        drop((again.writer().expect("the role is free"), again.reader().expect("the role is free")));
    });
}

#[test]
fn a_refused_attach_disturbs_neither_the_holder_nor_the_records() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"1").expect("room");
        drop(rx.try_read().expect("a record"));
        ring.writer().expect_err("the role is taken");
        ring.reader().expect_err("the role is taken");
        assert_eq!((ring.writer_state().epoch, ring.reader_state().epoch), (1, 1));
        tx.try_push(b"2").expect("room");
        assert_eq!(drain_records(&mut rx), [(b"1".to_vec(), true), (b"2".to_vec(), false)]);
    });
}

#[test]
fn the_state_of_a_role_follows_its_owners() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let state = || {
            let (writer, reader) = (ring.writer_state(), ring.opened_again().reader_state());
            [(writer.state, writer.epoch), (reader.state, reader.epoch)]
        };
        use Presence::{Absent, Left, Present};
        assert_eq!(state(), [(Absent, 0), (Absent, 0)]);
        let tx = ring.writer().expect("the role");
        assert_eq!(state(), [(Present, 1), (Absent, 0)]);
        assert_eq!((tx.peer().state, tx.peer().epoch), (Absent, 0));
        let rx = ring.reader().expect("the role");
        assert_eq!((tx.peer().state, rx.peer().state), (Present, Present));
        drop(tx);
        assert_eq!(state(), [(Left, 1), (Present, 1)]);
        let tx = ring.writer().expect("the role");
        assert_eq!((rx.peer().state, rx.peer().epoch), (Present, 2));
        drop((tx, rx));
        assert_eq!(state(), [(Left, 2), (Left, 1)]);
    });
}

#[test]
fn the_entries_say_who_is_who() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(4).attach(Attach::new().label("both")));
        let (_tx, _rx) = (ring.writer().expect("the role"), ring.reader().expect("the role"));
        let [writer, reader] = &ring.participants()[..] else { panic!("two entries") };
        assert_eq!((writer.index, reader.index), (0, 1));
        assert_eq!((writer.role, reader.role), (Some(Role::Producer), Some(Role::Consumer)));
        for entry in [writer, reader] {
            assert_eq!((entry.state, entry.epoch, entry.pid), (Presence::Present, 1, process::id()));
            assert_eq!((entry.label.as_str(), entry.dropped, entry.repairs), ("both", 0, 0));
        }
    });
}

#[test]
fn each_opening_has_a_label_of_its_own() {
    let name = UniqueName::new();
    let ring = Options::<u64>::new(4).attach(Attach::new().label("first")).create(&name).expect("a ring");
    let other = open_with::<u64>(&name, Attach::new().label("second")).expect("the ring");
    let (_tx, _rx) = (ring.writer().expect("the role"), other.reader().expect("the role"));
    let labels: Vec<_> = ring.participants().into_iter().map(|it| it.label).collect();
    assert_eq!(labels, ["first", "second"]);
}

#[test]
fn dropped_items_are_counted_where_tools_see_them() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let again = ring.opened_again();
        let mut tx = ring.writer().expect("the role");
        let dropped = || again.participants()[0].dropped;
        assert!(tx.push_or_drop(&[0; 24]) && tx.push_or_drop(&[0; 8]));
        assert!(!tx.push_or_drop(&[0; 24]) && !tx.push_or_drop(&[0; 25]));
        assert_eq!(dropped(), 2);
        assert_eq!(tx.try_push(&[0; 24]), Err(PushError::Full));
        assert_eq!(dropped(), 2, "a failed push is the caller's to count");
        drop(tx);
        let mut tx = ring.writer().expect("the role");
        assert!(tx.push_or_drop(b"1") && !tx.push_or_drop(b"2"));
        assert_eq!(dropped(), 3, "the count belongs to the role");
    });
}

#[test]
fn a_full_ring_is_blocked_on_its_reader() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!(ring.blocked_on(), None);
        tx.try_push_slice(&[1, 2]).expect("room");
        let reader = ring.blocked_on().expect("the reader");
        assert_eq!((reader.index, reader.role), (1, Some(Role::Consumer)));
        rx.try_pop().expect("an element");
        assert_eq!(ring.blocked_on(), None);
    });
}

#[test]
fn there_is_nothing_to_repair_where_nobody_died() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        assert_eq!(ring.repair(), Ok(RepairReport::default()));
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"1").expect("room");
        drop(rx.try_read().expect("a record"));
        assert_eq!(ring.repair(), Ok(RepairReport::default()));
        drop((tx, rx));
        assert_eq!(ring.repair(), Ok(RepairReport::default()));
        assert_eq!(drain_records(&mut ring.reader().expect("the role")), [(b"1".to_vec(), true)]);
    });
}

#[test]
fn a_standby_of_another_thread_gets_the_role_when_it_is_free() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, rx) = ring.ends();
        tx.try_push(b"1").expect("room");
        thread::scope(|scope| {
            let (waiting, waits) = channel();
            let standby = ring.opened_again();
            let standing = scope.spawn(move || {
                waiting.send(()).expect("somebody listens");
                let mut rx = standby.reader_standby().expect("the role");
                (drain_records(&mut rx), standby.reader_state().epoch)
            });
            waits.recv().expect("it is about to wait");
            drop(rx);
            assert_eq!(standing.join().expect("no panic"), (vec![(b"1".to_vec(), false)], 2));

            let (waiting, waits) = channel();
            let standby = ring.opened_again();
            let standing = scope.spawn(move || {
                waiting.send(()).expect("somebody listens");
                standby.writer_standby().map(|tx| tx.position().to_bits())
            });
            waits.recv().expect("it is about to wait");
            drop(tx);
            assert_eq!(standing.join().expect("no panic"), Ok(16));
        });
    });
}

#[test]
fn a_role_that_is_free_is_given_to_a_standby_at_once() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) =
            (ring.writer_standby().expect("the role"), ring.reader_standby().expect("the role"));
        tx.try_push(1).expect("room");
        assert_eq!(rx.try_pop(), Ok(1));
    });
}

#[test]
fn nobody_new_joins_a_ring_whose_name_was_removed() {
    let ring = records(Backing::Shm, 64);
    drop(ring.ends());
    ring.unlink().expect("nobody is attached");
    assert_eq!(ring.writer().err(), Some(AttachError::Unlinked));
    assert_eq!(ring.reader().err(), Some(AttachError::Unlinked));
    assert_eq!(ring.reader_standby().err(), Some(AttachError::Unlinked));
}
