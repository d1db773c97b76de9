//! Removing a ring's name: refused while anyone lives, or by force.

use ringfence::{AttachError, Fault, PopError, PushError, UnlinkError, mpmc};

use crate::common::{Backing, UniqueName};
use crate::{PATIENCE, numbers};

#[test]
fn a_ring_is_not_removed_while_anyone_lives() {
    let ring = numbers(Backing::Shm, 4);
    let handles = (ring.producer().expect("an entry"), [(); 3].map(|()| ring.consumer().expect("an entry")));
    let Err(UnlinkError::InUse { holders }) = ring.unlink() else { panic!("it is in use") };
    assert_eq!(holders.len(), 4);
    drop(handles);
    ring.unlink().expect("nobody is there any more");
    assert_eq!(ring.producer().err(), Some(AttachError::Unlinked));
}

#[test]
fn a_ring_removed_by_force_takes_no_items_and_delivers_those_it_has() {
    let ring = numbers(Backing::Shm, 4);
    let (mut tx, mut rx) = ring.ends();
    let (mut other_tx, mut other_rx) = (tx.try_clone().expect("an entry"), rx.try_clone().expect("an entry"));
    tx.try_push_slice(&[1, 2, 3]).expect("room");
    drop(other_rx.try_read().expect("an item"));
    ring.force_unlink().expect("a name");
    let unlinked = Fault::Unlinked;
    for tx in [&mut tx, &mut other_tx] {
        assert_eq!(tx.try_push(4), Err(PushError::Broken(unlinked)));
        assert_eq!(tx.push_timeout(4, PATIENCE), Err(PushError::Broken(unlinked)));
    }
    assert_eq!([rx.try_pop(), other_rx.try_pop(), rx.pop()], [Ok(1), Ok(2), Ok(3)]);
    for rx in [&mut rx, &mut other_rx] {
        assert_eq!(rx.try_pop(), Err(PopError::Broken(unlinked)));
        assert_eq!(rx.pop(), Err(PopError::Broken(unlinked)));
    }
    assert_eq!(tx.try_clone().err(), Some(AttachError::Unlinked));
    assert_eq!(rx.try_clone().err(), Some(AttachError::Unlinked));
    assert_eq!(ring.consumer().err(), Some(AttachError::Unlinked));
}

#[test]
fn a_name_can_be_given_to_a_new_ring_while_the_old_one_is_still_used() {
    let name = UniqueName::new();
    let old = mpmc::Options::<u64>::new(4).create(&name).expect("a ring");
    let (mut old_tx, mut old_rx) = (old.producer().expect("an entry"), old.consumer().expect("an entry"));
    old_tx.try_push(1).expect("room");
    old.force_unlink().expect("a name");
    let new = mpmc::Options::<u64>::new(4).create(&name).expect("a ring");
    new.producer().expect("an entry").try_push(2).expect("room");
    assert_eq!((old_rx.try_pop(), new.consumer().expect("an entry").try_pop()), (Ok(1), Ok(2)));
    assert_eq!(old_tx.try_push(3), Err(PushError::Broken(Fault::Unlinked)));
}
