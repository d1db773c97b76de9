//! Handles as participants: how many there can be, and what the ring says of them.

use ringfence::mpmc::Options;
use ringfence::{Attach, AttachError, Presence, Role, mpmc};

use crate::common::{Backing, UniqueName, for_each_backing};
use crate::{PATIENCE, numbers};

#[test]
fn every_handle_has_an_entry_of_its_own() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(4).participants(16));
        let tx = [(); 8].map(|()| ring.producer().expect("an entry"));
        let rx = [(); 8].map(|()| ring.opened_again().consumer().expect("an entry"));
        let mut indices: Vec<_> =
            tx.iter().map(|it| it.index()).chain(rx.iter().map(|it| it.index())).collect();
        for participant in ring.participants() {
            let role = if tx.iter().any(|it| it.index() == participant.index) {
                Role::Producer
            } else {
                Role::Consumer
            };
            assert_eq!((participant.role, participant.state), (Some(role), Presence::Present));
            assert_eq!((participant.pid, participant.epoch), (std::process::id(), 1));
        }
        indices.sort_unstable();
        assert!(indices.into_iter().eq(0..16));
    });
}

#[test]
fn one_handle_too_many_is_refused_with_the_number_of_entries() {
    for_each_backing(|backing| {
        for max in [2, 3, 5] {
            let ring = backing.create(Options::<u64>::new(4).participants(max));
            let mut rx: Vec<_> = (1..max).map(|_| ring.consumer().expect("an entry")).collect();
            let tx = ring.producer().expect("an entry");
            assert_eq!(ring.producer().err(), Some(AttachError::TooMany { max }));
            assert_eq!(ring.opened_again().consumer().err(), Some(AttachError::TooMany { max }));
            assert_eq!(tx.try_clone().err(), Some(AttachError::TooMany { max }));
            assert_eq!(rx[0].try_clone().err(), Some(AttachError::TooMany { max }));
            assert!(AttachError::TooMany { max }.to_string().contains(&max.to_string()));
            let index = rx.pop().expect("a handle").index();
            assert_eq!(tx.try_clone().expect("the entry of who left").index(), index);
        }
    });
}

#[test]
fn entries_are_used_again_and_count_how_often() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(4).participants(2));
        let _tx = ring.producer().expect("an entry");
        for epoch in 1..20 {
            let (index, role) = if epoch % 2 == 0 {
                (ring.producer().expect("the other entry").index(), Role::Producer)
            } else {
                (ring.consumer().expect("the other entry").index(), Role::Consumer)
            };
            let participants = ring.participants();
            let left = participants.iter().find(|it| it.index == index).expect("it was there");
            assert_eq!((left.role, left.state, left.epoch), (Some(role), Presence::Left, epoch));
        }
    });
}

#[test]
fn entries_that_were_never_used_are_not_shown() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(4).participants(64));
        assert_eq!(ring.participants(), []);
        let tx = ring.producer().expect("an entry");
        let shown = |of: &mpmc::Ring<u64>| of.participants().iter().map(|it| it.index).collect::<Vec<_>>();
        assert_eq!(shown(&ring), [tx.index()]);
        let rx = ring.consumer().expect("an entry");
        let mut both = [tx.index(), rx.index()];
        both.sort_unstable();
        assert_eq!((shown(&ring), shown(&ring.opened_again())), (both.to_vec(), both.to_vec()));
        drop((tx, rx));
        assert_eq!(shown(&ring), both, "who was there stays visible");
    });
}

#[test]
fn a_label_names_the_handles_of_a_process() {
    let name = UniqueName::new();
    let attach = Attach::new().label("writer");
    let ring = Options::<u64>::new(4).attach(attach).create(&name).expect("a ring");
    let again = mpmc::open_with::<u64>(&name, Attach::new().label("reader")).expect("the ring");
    let (tx, rx) = (ring.producer().expect("an entry"), again.consumer().expect("an entry"));
    let clone = rx.try_clone().expect("an entry");
    let labels = [tx.index(), rx.index(), clone.index()].map(|index| {
        let participants = ring.participants();
        participants.into_iter().find(|it| it.index == index).expect("it is there").label
    });
    assert_eq!(labels, ["writer", "reader", "reader"]);
}

#[test]
fn a_clone_is_a_participant_like_any_other() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        let (mut tx2, mut rx2) = (tx.try_clone().expect("an entry"), rx.try_clone().expect("an entry"));
        assert_eq!(ring.participants().len(), 4);
        assert_eq!((rx2.last(), rx2.unreleased()), (None, 0));
        tx.try_push(1).expect("room");
        tx2.try_push(2).expect("room");
        assert_eq!((rx2.try_pop(), rx.try_pop()), (Ok(1), Ok(2)));
        drop((tx, rx, ring));
        tx2.try_push(3).expect("room");
        assert_eq!(rx2.pop_timeout(PATIENCE), Ok(3));
    });
}

#[test]
fn a_clone_of_a_consumer_has_nothing_of_what_the_other_has_taken() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0, 1]).expect("room");
        let item = rx.try_read_ahead().expect("an item");
        let mut clone = rx.try_clone().expect("an entry");
        assert_eq!((clone.unreleased(), clone.release_through(item.position)), (0, Ok(0)));
        assert_eq!(clone.try_pop(), Ok(1));
        drop(clone);
        assert_eq!(rx.release_through(item.position), Ok(1));
    });
}

#[test]
fn what_is_dropped_is_counted_where_everybody_sees_it() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        let mut other = tx.try_clone().expect("an entry");
        let dropped = |index: u32| {
            let participants = ring.opened_again().participants();
            participants.into_iter().find(|it| it.index == index).expect("it is there").dropped
        };
        assert!(tx.push_or_drop(1) && other.push_or_drop(2));
        for count in 1..5 {
            assert!(!tx.push_or_drop(3));
            assert_eq!((dropped(tx.index()), dropped(other.index())), (count, 0));
        }
        assert!(!other.push_or_drop(3));
        assert_eq!((dropped(tx.index()), dropped(other.index())), (4, 1));
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)));
        assert!(tx.push_or_drop(4));
        ring.close();
        assert!(!tx.push_or_drop(5));
        assert_eq!(dropped(tx.index()), 5);
    });
}

#[test]
fn as_many_handles_as_a_ring_can_have_work_together() {
    let ring = Backing::Heap.create(Options::<u64>::new(4).participants(4094));
    let mut rx: Vec<_> = (0..4093).map(|_| ring.consumer().expect("an entry")).collect();
    let mut tx = ring.producer().expect("an entry");
    assert_eq!(ring.consumer().err(), Some(AttachError::TooMany { max: 4094 }));
    for (value, rx) in (0..).zip(&mut rx) {
        tx.try_push(value).expect("room");
        assert_eq!(rx.try_pop(), Ok(value));
    }
}
