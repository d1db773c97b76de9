//! Removing names.

use std::fs;
use std::process;
use std::time::Duration;

use ringfence::spsc::{Options, Ring, open, open_with};
use ringfence::{
    Attach, AttachError, Fault, OpenError, PopError, PushError, Role, UnlinkError, force_unlink, unlink,
};

use crate::common::{Image, UniqueName, preamble};

/// A way to remove a ring.
type Removal = fn(&str, &Ring<u64>) -> Result<(), UnlinkError>;

fn ring(name: &UniqueName) -> Ring<u64> {
    Options::<u64>::new(4).create(name).expect("a ring")
}

#[test]
fn a_ring_that_nobody_uses_is_removed() {
    let removals: [Removal; 2] = [|_, ring| ring.unlink(), |name, _| unlink(name)];
    for remove in removals {
        let name = UniqueName::new();
        let ring = ring(&name);
        drop((ring.producer().expect("the role"), ring.consumer().expect("the role")));
        assert_eq!(remove(&name, &ring), Ok(()));
        assert!(!name.exists());
        assert_eq!(ring.producer().err(), Some(AttachError::Unlinked));
        assert_eq!(open::<u64>(&name).err(), Some(OpenError::NotFound { path: name.path() }));
    }
}

#[test]
fn a_ring_in_use_is_not_removed_and_its_holders_are_named() {
    let name = UniqueName::new();
    let ring = ring(&name);
    let other = open_with::<u64>(&name, Attach::new().label("reader")).expect("the ring");
    let holders = |error: Result<(), UnlinkError>| {
        let text = format!("{error:?}");
        let Err(UnlinkError::InUse { holders }) = error else { panic!("{text}") };
        holders.into_iter().map(|it| (it.role, it.pid, it.label)).collect::<Vec<_>>()
    };
    let producer = (Role::Producer, process::id(), String::new());
    let consumer = (Role::Consumer, process::id(), "reader".to_owned());

    let mut tx = ring.producer().expect("the role");
    for error in [ring.unlink(), other.unlink(), unlink(&name)] {
        assert_eq!(holders(error), std::slice::from_ref(&producer));
    }
    let mut rx = other.consumer().expect("the role");
    for error in [ring.unlink(), other.unlink(), unlink(&name)] {
        let text = error.as_ref().expect_err("it is in use").to_string();
        assert!(text.contains("reader") && text.contains(&process::id().to_string()), "{text}");
        assert_eq!(holders(error), [producer.clone(), consumer.clone()]);
    }
    tx.try_push(1).expect("the ring works on");
    drop(tx);
    assert_eq!(holders(unlink(&name)), [consumer]);
    assert_eq!(rx.try_pop(), Ok(1));
    drop(rx);
    assert_eq!(unlink(&name), Ok(()));
}

#[test]
fn a_ring_removed_by_force_fails_pushes_and_is_drained() {
    let removals: [Removal; 2] = [|_, ring| ring.force_unlink(), |name, _| force_unlink(name)];
    for remove in removals {
        let name = UniqueName::new();
        let ring = ring(&name);
        let (mut tx, mut rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
        tx.try_push_slice(&[1, 2]).expect("room");
        assert_eq!(remove(&name, &ring), Ok(()));
        assert!(!name.exists());
        let unlinked = PushError::Broken(Fault::Unlinked);
        assert_eq!((tx.try_push(3), tx.push(3)), (Err(unlinked), Err(unlinked)));
        assert_eq!(tx.try_claim().err(), Some(unlinked));
        assert!(!tx.push_or_drop(3));
        assert_eq!((rx.try_pop(), rx.pop()), (Ok(1), Ok(2)));
        let unlinked = PopError::Broken(Fault::Unlinked);
        assert_eq!((rx.try_pop(), rx.pop()), (Err(unlinked), Err(unlinked)));
    }
}

#[test]
fn a_removed_name_can_be_given_to_another_ring_which_the_old_handles_leave_alone() {
    let name = UniqueName::new();
    let old = ring(&name);
    let mut tx = old.producer().expect("the role");
    old.force_unlink().expect("it is there");
    let new = ring(&name);
    tx.try_push(1).expect_err("the old ring is gone");
    assert_eq!(old.consumer().err(), Some(AttachError::Unlinked));
    for error in [old.unlink(), old.force_unlink()] {
        assert_eq!(error, Err(UnlinkError::Replaced { path: name.path() }));
    }
    assert!(new.is_empty());
    new.producer().expect("the role").try_push(2).expect("room");
    assert_eq!(open::<u64>(&name).expect("the new ring").consumer().expect("the role").try_pop(), Ok(2));
}

#[test]
fn a_name_that_is_a_file_of_somebody_else_by_now_is_left_alone() {
    let name = UniqueName::new();
    let ring = ring(&name);
    fs::remove_file(name.path()).expect("the ring's file");
    fs::write(name.path(), b"somebody's").expect("a file");
    for error in [ring.unlink(), ring.force_unlink()] {
        assert_eq!(error, Err(UnlinkError::Replaced { path: name.path() }));
    }
    assert_eq!(ring.producer().err(), Some(AttachError::Unlinked));
    assert_eq!(fs::read(name.path()).expect("the file"), b"somebody's");
}

#[test]
fn a_name_is_removed_once() {
    let name = UniqueName::new();
    let ring = ring(&name);
    ring.unlink().expect("nobody is attached");
    assert!(matches!(unlink(&name), Err(UnlinkError::Open(OpenError::NotFound { .. }))));
    assert!(matches!(force_unlink(&name), Err(UnlinkError::Open(OpenError::NotFound { .. }))));
    assert!(ring.unlink().is_err());
    assert!(ring.force_unlink().is_err());
}

#[test]
fn what_is_no_ring_is_not_removed() {
    let name = UniqueName::new();
    let image = Image::of(&{
        let _ring = ring(&name);
        name.path()
    });
    let size = image.bytes().len();
    let other_major = image.clone().put_u16(preamble::MAJOR, 2).sealed();
    for bytes in [
        b"somebody's".to_vec(),
        vec![0; 20_000],
        image.bytes()[..size - 1].to_vec(),
        image.clone().put(300, [1]).bytes().to_vec(),
        other_major.bytes().to_vec(),
    ] {
        fs::write(name.path(), &bytes).expect("a file");
        for error in [unlink(&name), force_unlink(&name)] {
            assert!(matches!(error, Err(UnlinkError::Open(_))), "{error:?}");
        }
        assert_eq!(fs::read(name.path()).expect("the file"), bytes);
    }
}

#[test]
fn a_ring_on_the_heap_has_no_name_to_remove() {
    let ring = Options::<u64>::new(4).in_process().expect("a ring");
    assert_eq!(
        (ring.unlink(), ring.force_unlink()),
        (Err(UnlinkError::Nameless), Err(UnlinkError::Nameless))
    );
    ring.producer().expect("the role").try_push(1).expect("room");
}

#[test]
fn dropping_everything_leaves_the_ring_and_its_items() {
    let name = UniqueName::new();
    let ring = ring(&name);
    let mut tx = ring.producer().expect("the role");
    tx.try_push_slice(&[1, 2]).expect("room");
    drop((tx, ring));
    let mut rx = open::<u64>(&name).expect("the ring").consumer().expect("the role");
    assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)));
}

#[test]
fn calls_that_wait_notice_that_the_name_was_taken_away_without_a_word() {
    let name = UniqueName::new();
    let ring = ring(&name);
    let (mut tx, mut rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
    tx.try_push_slice(&[0; 4]).expect("room");
    fs::remove_file(name.path()).expect("the ring's file");
    assert_eq!(tx.push(1), Err(PushError::Broken(Fault::Unlinked)));
    assert_eq!(tx.try_push(1), Err(PushError::Broken(Fault::Unlinked)));
    assert_eq!(rx.pop_slice(&mut [0; 8]), Ok(4));
    assert_eq!(rx.pop_timeout(Duration::MAX), Err(PopError::Broken(Fault::Unlinked)));
}

#[test]
fn calls_that_poll_notice_that_the_name_was_given_to_another_ring() {
    let name = UniqueName::new();
    let old = ring(&name);
    let (mut tx, mut rx) = (old.producer().expect("the role"), old.consumer().expect("the role"));
    fs::remove_file(name.path()).expect("the ring's file");
    let _new = ring(&name);
    let error = loop {
        match rx.try_pop() {
            Err(PopError::Empty) => {}
            result => break result,
        }
    };
    assert_eq!(error, Err(PopError::Broken(Fault::Unlinked)));
    tx.try_push_slice(&[0; 4]).expect("room");
    let error = loop {
        match tx.try_push(1) {
            Err(PushError::Full) => {}
            result => break result,
        }
    };
    assert_eq!(error, Err(PushError::Broken(Fault::Unlinked)));
}
