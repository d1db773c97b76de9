//! What a ring is created with, and what it is opened as.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use ringfence::broadcast::{self, Gate, Options, Start};
use ringfence::{Attach, Difference, Kind, OpenError, Position, inspect, mpmc, spsc};

use crate::common::{Directory, UniqueName, as_nobody, body, for_each_backing};
use crate::{Backing, at, join, publish};

fn differences(error: OpenError) -> Vec<Difference> {
    match error {
        OpenError::Mismatch { differences, .. } => differences,
        error => panic!("{error}"),
    }
}

#[test]
fn impossible_options_are_refused_with_what_is_allowed() {
    let invalid = |option, found, allowed| Some(OpenError::InvalidOption { option, found, allowed });
    for capacity in [0, 1, (1 << 40) + 1, usize::MAX] {
        let refused = Options::<u64>::new(capacity).in_process().err();
        assert_eq!(refused, invalid("capacity", capacity as u64, "2 to 2^40"));
    }
    for max_len in [0, (1 << 31) + 1] {
        let refused = Options::<[u8]>::new(2, max_len).in_process().err();
        assert_eq!(refused, invalid("max_len", max_len as u64, "1 to 2^31"));
    }
    assert!(Options::<u64>::new(2).start_at(Position::from_bits((1 << 62) - 1)).in_process().is_ok());
}

#[test]
fn the_mode_is_what_was_asked_for_whatever_the_umask() {
    for mode in [0o600, 0o640, 0o644, 0o666] {
        let name = UniqueName::new();
        let _ring = Options::<u64>::new(2).mode(mode).create(&name).expect("a ring");
        let metadata = name.path().metadata().expect("the ring's file");
        assert_eq!(metadata.permissions().mode() & 0o7777, mode);
        assert_eq!(metadata.gid(), nix::unistd::getegid().as_raw());
    }
    if nix::unistd::Uid::effective().is_root() {
        let name = UniqueName::new();
        let _ring = Options::<u64>::new(2).group(12).create(&name).expect("a ring");
        assert_eq!(name.path().metadata().expect("the ring's file").gid(), 12);
    }
}

#[test]
fn a_ring_that_exists_keeps_what_its_creator_chose() {
    let name = UniqueName::new();
    let options = Options::<u64>::new(4).gated(1).gate("recorder").start_at(at(7));
    let ring = options.hold_gates(Duration::from_secs(3600)).open_or_create(&name).expect("a ring");
    let other = Options::<u64>::new(3).gate("another").demote_after(Duration::ZERO).busy_poll(true);
    let again = other.open_or_create(&name).expect("the ring");
    assert_eq!((again.capacity(), again.gates(), again.positions().0), (4, ring.gates(), at(7)));
    assert!(again.subscribe_gated("another", Start::Newest).is_err());
    let mut tx = again.publisher().expect("the role");
    drop(again.subscribe_gated("recorder", Start::Newest).expect("the gate"));
    publish(&mut tx, 0..4);
    assert_eq!(tx.publish_timeout(4, Duration::from_millis(5)), Err(ringfence::PushError::Timeout));
}

#[test]
fn a_ring_of_something_else_is_refused_with_each_difference() {
    let name = UniqueName::new();
    let _ring = Options::<u64>::new(4).create(&name).expect("a ring");
    let names = |error| -> Vec<String> { differences(error).into_iter().map(|it| it.what).collect() };
    let error = Options::<u64>::new(8).open_or_create(&name).expect_err("another capacity");
    assert_eq!(names(error), ["capacity"]);
    let error = broadcast::open::<i64>(&name).expect_err("another element");
    assert_eq!(names(error), ["element", "type", "fingerprint"]);
    let error = Options::<u32>::new(8).open_or_create(&name).expect_err("another element and capacity");
    let list = names(error);
    for what in ["capacity", "element", "element size", "element alignment", "fingerprint"] {
        assert!(list.iter().any(|it| it == what), "{list:?}");
    }
    assert!(!names(broadcast::open::<[u8]>(&name).expect_err("bytes")).is_empty());
    assert!(matches!(Options::<u64>::new(4).create(&name), Err(OpenError::NameTaken { .. })));

    let name = UniqueName::new();
    let _ring = Options::<[u8]>::new(4, 8).create(&name).expect("a ring");
    let error = Options::<[u8]>::new(4, 9).open_or_create(&name).expect_err("another length");
    assert_eq!(names(error), ["maximum length"]);
    broadcast::open::<[u8]>(&name).expect("whatever the length");
}

#[test]
fn a_ring_of_another_kind_is_refused_in_both_directions() {
    let names = [(); 3].map(|()| UniqueName::new());
    let [one, many, all] = &names;
    let _spsc = spsc::Options::<u64>::new(4).create(one).expect("a ring");
    let _mpmc = mpmc::Options::<u64>::new(4).create(many).expect("a ring");
    let _broadcast = Options::<u64>::new(4).create(all).expect("a ring");
    for (refusal, [expected, found]) in [
        (broadcast::open::<u64>(one).map(drop), ["broadcast", "spsc"]),
        (Options::<u64>::new(4).open_or_create(one).map(drop), ["broadcast", "spsc"]),
        (broadcast::open::<u64>(many).map(drop), ["broadcast", "mpmc"]),
        (spsc::open::<u64>(all).map(drop), ["spsc", "broadcast"]),
        (mpmc::Options::<u64>::new(4).open_or_create(all).map(drop), ["mpmc", "broadcast"]),
    ] {
        let list = differences(refusal.expect_err("a refusal"));
        assert_eq!((list.len(), list[0].what.as_str()), (1, "kind"));
        assert_eq!((list[0].expected.as_str(), list[0].found.as_str()), (expected, found));
    }
    let seen = inspect(all).expect("the ring");
    assert_eq!(
        (seen.kind(), seen.capacity(), seen.check::<u64>().len()),
        (Some(Kind::Broadcast), Some(4), 0)
    );
}

#[test]
fn what_gates_are_like_stands_in_the_header() {
    let options = || Options::<u64>::new(4).gated(1).gate("recorder").gated(1).gate("ä");
    let options = options().hold_gates(Duration::from_millis(1500)).demote_after(Duration::from_nanos(7));
    let image = Backing::Shm.create(options).image();
    assert_eq!((image.u32(body::ENTRY_COUNT), image.u32(body::GATE_COUNT)), (5, 4));
    assert_eq!(image.u32(body::GATE_STRIDE), 128);
    assert_eq!((image.u64(body::HOLD_GATES), image.u64(body::DEMOTE_AFTER)), (1_500_000_000, 7));
    let (names, length) = (image.u32(body::GATE_NAMES) as usize, image.u32(body::GATE_NAMES + 4) as usize);
    assert_eq!(image.bytes()[names..names + length], *b"\0\x08recorder\0\x02\xc3\xa4");

    let image = Backing::Shm.create(Options::<u64>::new(4)).image();
    assert_eq!(
        (image.u32(body::ENTRY_COUNT), image.u32(body::GATE_COUNT), image.u32(body::GATE_STRIDE)),
        (1, 0, 0)
    );
    assert_eq!((image.u64(body::HOLD_GATES), image.u64(body::DEMOTE_AFTER)), (0, 0));
    // The shortest time and the longest one that can be said.
    let image = Backing::Shm.create(Options::<u64>::new(4).demote_after(Duration::ZERO)).image();
    assert_eq!(image.u64(body::DEMOTE_AFTER), 1);
    let image = Backing::Shm.create(Options::<u64>::new(4).hold_gates(Duration::MAX)).image();
    assert_eq!(image.u64(body::HOLD_GATES), u64::MAX);
}

#[test]
fn options_of_a_process_reach_the_handles() {
    for_each_backing(|backing| {
        let options = Options::<u64>::new(4).gated(1).attach(Attach::new().label("one of many"));
        let ring = backing.create(options.clone());
        let (_tx, _rx) = (ring.publisher().expect("the role"), join(&ring, Start::Newest));
        assert!(ring.participants().iter().all(|it| it.label == "one of many"));
    });
}

#[test]
fn options_can_be_used_again() {
    for_each_backing(|backing| {
        let options = Options::<u64>::new(4).gate("one").prefault(false);
        let rings = [backing.create(options.clone()), backing.create(options)];
        for ring in &rings {
            ring.subscribe_gated(Gate::Named("one"), Start::Newest).expect("a gate in each");
        }
    });
}

#[test]
fn whoever_may_write_to_a_ring_takes_part_in_it() {
    let directory = Directory::new();
    let options = Options::<u64>::new(4).gated(1).mode(0o666).attach(directory.attach());
    let ring = options.create("ring").expect("a ring");
    let mut tx = ring.publisher().expect("the role");
    publish(&mut tx, 0..1);
    as_nobody(|| {
        let ring = broadcast::open_with::<u64>("ring", directory.attach()).expect("the ring");
        assert_eq!(join(&ring, Start::Oldest).try_recv(), Ok(0));
    });
}
