//! Rings that are opened for reading only: which can be, what is mapped then, and what readers see of those who take part.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ringfence::{Inspection, Kind, OpenError, Presence, Role, inspect_with, mpmc, spsc};

use crate::common::{Directory, as_nobody};
use crate::{Planted, broadcast_image};

fn refusal(path: impl Into<PathBuf>, kind: Kind) -> Option<OpenError> {
    Some(OpenError::ReadOnly { path: path.into(), kind })
}

/// The access of each mapping that this process has of the file `path`, as `/proc/self/maps` says it.
fn mapped(path: &Path) -> Vec<String> {
    let maps = fs::read_to_string("/proc/self/maps").expect("our own mappings");
    let path = path.to_str().expect("text");
    let of_path = maps.lines().filter(|line| line.ends_with(path));
    of_path.map(|line| line.split_ascii_whitespace().nth(1).expect("access").to_owned()).collect()
}

fn states(inspection: &Inspection) -> Vec<Presence> {
    inspection.participants().iter().map(|it| it.state).collect()
}

#[test]
fn reading_only_is_not_enough_to_use_a_ring_of_another_kind_than_broadcast() {
    let directory = Directory::new();
    let path = directory.join("ring");
    let attach = directory.attach().read_only(true);
    let options = || spsc::Options::<u64>::new(4).attach(attach.clone());
    assert_eq!(options().create("ring").err(), refusal(&path, Kind::Spsc));
    assert_eq!(options().open_or_create("ring").err(), refusal(&path, Kind::Spsc));
    assert_eq!(options().in_process().err(), refusal("heap", Kind::Spsc));
    assert_eq!(directory.listing(), [""; 0]);

    let _ring = mpmc::Options::<u64>::new(4).attach(directory.attach()).create("ring").expect("a ring");
    let options = || mpmc::Options::<u64>::new(4).attach(attach.clone());
    assert_eq!(options().create("other").err(), refusal(directory.join("other"), Kind::Mpmc));
    assert_eq!(options().open_or_create("ring").err(), refusal(&path, Kind::Mpmc));
    let error = mpmc::open_with::<u64>("ring", attach.clone()).expect_err("the kind is mpmc");
    assert_eq!(Some(&error), refusal(&path, Kind::Mpmc).as_ref());
    assert!(error.to_string().ends_with("reading only is not enough to use a ring of kind mpmc"), "{error}");
}

#[test]
fn a_ring_that_is_inspected_for_reading_only_is_mapped_so() {
    let directory = Directory::new();
    let ring = spsc::Options::<u64>::new(4).attach(directory.attach()).create("ring").expect("a ring");
    drop(ring);
    let path = directory.join("ring");
    assert_eq!(mapped(&path), [""; 0]);
    let inspection = inspect_with("ring", directory.attach().read_only(true)).expect("the ring");
    assert_eq!(mapped(&path), ["r--s"]);
    drop(inspection);
    let _inspection = inspect_with("ring", directory.attach()).expect("the ring");
    assert!(mapped(&path).contains(&"rw-s".to_owned()));
}

#[test]
fn whoever_may_only_read_a_ring_sees_what_is_in_it_and_who_lives() {
    let directory = Directory::new();
    let options = spsc::Options::<u64>::new(4).mode(0o644).attach(directory.attach());
    let ring = options.create("ring").expect("a ring");
    let mut tx = ring.producer().expect("the role");
    tx.try_push_slice(&[1, 2, 3]).expect("room");
    let inspect = || inspect_with("ring", directory.attach().read_only(true)).expect("the ring");
    let look = |expected: [Presence; 2]| {
        // Held bytes are asked for with descriptions that are opened for reading.
        let looked = || {
            assert_eq!(states(&inspect()), expected);
            assert_eq!(inspect().len(), Some(3));
        };
        looked();
        as_nobody(looked);
    };
    look([Presence::Present, Presence::Absent]);
    let rx = ring.consumer().expect("the role");
    look([Presence::Present, Presence::Present]);
    drop(tx);
    look([Presence::Left, Presence::Present]);
    drop(rx);
    look([Presence::Left, Presence::Left]);
}

#[test]
fn a_broadcast_ring_that_may_only_be_read_is_opened_for_reading() {
    let planted = Planted::new(&broadcast_image());
    let mode =
        |mode| fs::set_permissions(planted.path(), fs::Permissions::from_mode(mode)).expect("our own file");
    mode(0o644);
    let inspection = planted.inspect().expect("the ring");
    assert_eq!(inspection.kind(), Some(Kind::Broadcast));
    assert!(mapped(&planted.path()).contains(&"rw-s".to_owned()), "it may be written");
    drop(inspection);
    as_nobody(|| {
        let inspection = planted.inspect().expect("the ring");
        assert_eq!((inspection.kind(), inspection.len()), (Some(Kind::Broadcast), Some(3)));
        assert_eq!(mapped(&planted.path()), ["r--s"]);
    });
    mode(0o600);
    as_nobody(|| {
        let denied = OpenError::PermissionDenied { path: planted.path(), call: "open" };
        assert_eq!(planted.inspect().err(), Some(denied.clone()));
        let reading = inspect_with(Planted::NAME, planted.directory.attach().read_only(true));
        assert_eq!(reading.err(), Some(denied));
    });
}

#[test]
fn the_roles_of_a_broadcast_ring_have_names_of_their_own() {
    let inspection = Planted::new(&broadcast_image()).inspect().expect("the ring");
    let roles: Vec<_> = inspection.participants().iter().map(|it| it.role).collect();
    assert_eq!(roles, [Some(Role::Publisher), Some(Role::Subscriber), None]);
    let names: Vec<_> = roles.into_iter().flatten().map(|it| it.to_string()).collect();
    assert_eq!(names, ["publisher", "subscriber"]);
}
