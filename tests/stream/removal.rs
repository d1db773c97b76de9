//! Removing a ring's name: refused while anyone lives, or by force.

use ringfence::{Fault, PopError, PushError, UnlinkError, stream};

use crate::common::{Backing, UniqueName};
use crate::{PATIENCE, elements, records};

#[test]
fn a_ring_is_not_removed_while_anyone_lives() {
    let ring = records(Backing::Shm, 64);
    let handles = ring.ends();
    let Err(UnlinkError::InUse { holders }) = ring.unlink() else { panic!("it is in use") };
    assert_eq!(holders.len(), 2);
    drop(handles);
    ring.unlink().expect("nobody is there any more");
    let heap = records(Backing::Heap, 64);
    assert_eq!(heap.unlink(), Err(UnlinkError::Nameless));
}

#[test]
fn a_ring_of_elements_removed_by_force_takes_nothing_and_delivers_what_it_has() {
    let unlinked = Fault::Unlinked;
    let ring = elements::<u64>(Backing::Shm, 4);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[1, 2]).expect("room");
    ring.force_unlink().expect("a name");
    assert_eq!(tx.try_push(3), Err(PushError::Broken(unlinked)));
    assert_eq!(tx.push_timeout(3, PATIENCE), Err(PushError::Broken(unlinked)));
    assert_eq!(tx.try_claim_slice(1).err(), Some(PushError::Broken(unlinked)));
    let items = rx.try_read_slice(1).expect("an element");
    assert_eq!(items.get(0), Some(1));
    items.release();
    assert_eq!(rx.pop(), Ok(2));
    assert_eq!(rx.try_pop(), Err(PopError::Broken(unlinked)));
    assert_eq!(rx.pop(), Err(PopError::Broken(unlinked)));
}

#[test]
fn a_ring_of_records_removed_by_force_takes_nothing_and_delivers_what_it_has() {
    let unlinked = Fault::Unlinked;
    let ring = records(Backing::Shm, 64);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push(b"1").expect("room");
    tx.try_push(b"2").expect("room");
    ring.force_unlink().expect("a name");
    assert_eq!(tx.try_push(b"3"), Err(PushError::Broken(unlinked)));
    assert_eq!(tx.push(b"3"), Err(PushError::Broken(unlinked)));
    assert_eq!(tx.claim(1).err(), Some(PushError::Broken(unlinked)));
    let mut buffer = Vec::new();
    rx.try_read().expect("a record").release();
    assert_eq!(rx.pop_to(&mut buffer), Ok(1));
    assert_eq!(rx.pop_to(&mut buffer), Err(PopError::Broken(unlinked)));
    assert_eq!(rx.try_read().err(), Some(PopError::Broken(unlinked)));
}

#[test]
fn a_writer_that_waits_for_room_learns_that_the_name_was_removed() {
    let ring = records(Backing::Shm, 64);
    let (mut tx, _rx) = ring.ends();
    tx.try_push(&[0; 24]).expect("room");
    tx.try_push(b"1").expect("room");
    std::thread::scope(|scope| {
        let pushing = scope.spawn(|| tx.push_timeout(&[0; 24], PATIENCE));
        std::thread::sleep(std::time::Duration::from_millis(3));
        ring.force_unlink().expect("a name");
        assert_eq!(pushing.join().expect("no panic"), Err(PushError::Broken(Fault::Unlinked)));
    });
}

#[test]
fn a_name_can_be_given_to_a_new_ring_while_the_old_one_is_still_used() {
    let name = UniqueName::new();
    let old = stream::Options::<[u8]>::new(64).create(&name).expect("a ring");
    let (mut old_tx, mut old_rx) = (old.writer().expect("the role"), old.reader().expect("the role"));
    old_tx.try_push(b"old").expect("room");
    old.force_unlink().expect("a name");
    let new = stream::Options::<[u8]>::new(64).create(&name).expect("a ring");
    new.writer().expect("the role").try_push(b"new").expect("room");
    let mut new_rx = new.reader().expect("the role");
    assert_eq!(old_rx.try_read().map(|it| it.to_vec()), Ok(b"old".to_vec()));
    assert_eq!(new_rx.try_read().map(|it| it.to_vec()), Ok(b"new".to_vec()));
}
