//! Whoever has not the right to a ring is told so, and changes nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use ringfence::spsc::{Options, open_with};
use ringfence::{AttachError, OpenError, UnlinkError, inspect_with};

use crate::common::{Directory, as_nobody};

fn set_mode(directory: &Directory, mode: u32) {
    fs::set_permissions(directory.path(), Permissions::from_mode(mode)).expect("our own directory");
}

fn options(directory: &Directory) -> Options<u64> {
    Options::<u64>::new(4).attach(directory.attach())
}

fn denied(directory: &Directory, call: &'static str) -> Option<OpenError> {
    Some(OpenError::PermissionDenied { path: directory.join("ring"), call })
}

#[test]
fn a_ring_of_somebody_else_is_not_opened() {
    for mode in [0o600, 0o644, 0o622, 0o000] {
        let directory = Directory::new();
        let _ring = options(&directory).mode(mode).create("ring").expect("a ring");
        as_nobody(|| {
            let denied = denied(&directory, "open");
            assert_eq!(open_with::<u64>("ring", directory.attach()).err(), denied, "{mode:o}");
            assert_eq!(options(&directory).open_or_create("ring").err(), denied, "{mode:o}");
            assert_eq!(inspect_with("ring", directory.attach()).err(), denied, "{mode:o}");
            let taken = OpenError::NameTaken { path: directory.join("ring") };
            assert_eq!(options(&directory).create("ring").err(), Some(taken));
        });
        assert_eq!(directory.listing(), ["ring"]);
    }
}

#[test]
fn a_ring_that_was_opened_to_all_is_shared_with_all() {
    let directory = Directory::new();
    let ring = options(&directory).mode(0o666).create("ring").expect("a ring");
    ring.producer().expect("the role").try_push(7).expect("room");
    as_nobody(|| {
        let ring = open_with::<u64>("ring", directory.attach()).expect("the ring");
        assert_eq!(ring.consumer().expect("the role").try_pop(), Ok(7));
        assert_eq!(inspect_with("ring", directory.attach()).expect("the ring").len(), Some(0));
    });
}

#[test]
fn nothing_is_created_where_one_may_not_write() {
    let directory = Directory::new();
    set_mode(&directory, 0o755);
    as_nobody(|| {
        let error = options(&directory).create("ring").err();
        assert_eq!(error, denied(&directory, "open(O_TMPFILE)"));
        assert_eq!(options(&directory).open_or_create("ring").err(), error);
        let text = error.expect("a refusal").to_string();
        assert!(text.contains("permission denied") && text.contains("O_TMPFILE"), "{text}");
    });
    assert_eq!(directory.listing(), [""; 0]);
}

#[test]
fn nothing_is_found_where_one_may_not_look() {
    let directory = Directory::new();
    let _ring = options(&directory).mode(0o666).create("ring").expect("a ring");
    set_mode(&directory, 0o700);
    as_nobody(|| {
        assert_eq!(open_with::<u64>("ring", directory.attach()).err(), denied(&directory, "open"));
        assert_eq!(options(&directory).create("ring").err(), denied(&directory, "lstat"));
    });
}

#[test]
fn whoever_may_write_to_a_directory_can_create_rings_in_it() {
    let directory = Directory::new();
    set_mode(&directory, 0o1777);
    as_nobody(|| {
        let ring = options(&directory).create("ring").expect("a ring");
        ring.producer().expect("the role").try_push(7).expect("room");
        assert_eq!(ring.consumer().expect("the role").try_pop(), Ok(7));
        ring.unlink().expect("our own");
    });
    assert_eq!(directory.listing(), [""; 0]);
}

#[test]
fn a_name_that_one_may_not_remove_stays_and_its_ring_goes_on() {
    for mode in [0o755, 0o1777] {
        let directory = Directory::new();
        set_mode(&directory, mode);
        let ring = options(&directory).mode(0o666).create("ring").expect("a ring");
        as_nobody(|| {
            let ring = open_with::<u64>("ring", directory.attach()).expect("the ring");
            for error in [ring.unlink(), ring.force_unlink()] {
                let error = error.expect_err("the name is somebody else's");
                let UnlinkError::Os { path, call: "unlink", errno } = &error else { panic!("{error}") };
                assert_eq!(*path, directory.join("ring"));
                assert!([libc::EACCES, libc::EPERM].contains(errno), "{error}");
            }
        });
        assert_eq!(directory.listing(), ["ring"]);
        ring.producer().expect("the role").try_push(1).expect("the ring was not retired");
    }
}

#[test]
fn a_mode_that_shuts_its_creator_out_shows_when_a_role_is_taken() {
    let directory = Directory::new();
    set_mode(&directory, 0o777);
    as_nobody(|| {
        let ring = options(&directory).mode(0o400).create("ring").expect("a ring");
        let refused = Some(AttachError::Os { call: "open", errno: libc::EACCES });
        assert_eq!(ring.producer().err(), refused);
        assert_eq!(ring.consumer().err(), refused);
    });
}
