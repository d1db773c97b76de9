//! Permission bits, group and pages of a new ring.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use nix::sys::stat::{Mode, umask};
use ringfence::spsc::{Options, open};

use crate::common::{UniqueName, apart};

fn mode(path: &Path) -> u32 {
    path.metadata().expect("the file").permissions().mode() & 0o7777
}

#[test]
fn a_ring_is_its_owners_alone_unless_it_is_told_otherwise() {
    let name = UniqueName::new();
    let _ring = Options::<u64>::new(4).create(&name).expect("a ring");
    assert_eq!(mode(&name.path()), 0o600);
}

#[test]
fn the_mode_is_the_one_asked_for_whatever_the_umask() {
    apart(|| {
        for mask in [0o000, 0o022, 0o077, 0o777] {
            umask(Mode::from_bits_truncate(mask));
            for wanted in [0o600, 0o660, 0o666, 0o777, 0o640, 0o400, 0o000] {
                let name = UniqueName::new();
                let _ring = Options::<u64>::new(4).mode(wanted).create(&name).expect("a ring");
                assert_eq!(mode(&name.path()), wanted, "umask {mask:o}");
            }
            let name = UniqueName::new();
            let _ring = Options::<u64>::new(4).mode(0o660).open_or_create(&name).expect("a ring");
            assert_eq!(mode(&name.path()), 0o660, "umask {mask:o}");
        }
    });
}

#[test]
fn bits_beyond_the_permissions_are_ignored() {
    let name = UniqueName::new();
    let _ring = Options::<u64>::new(4).mode(0o7_640).create(&name).expect("a ring");
    assert_eq!(mode(&name.path()), 0o640);
}

#[test]
fn opening_a_ring_leaves_its_mode_as_it_is() {
    let name = UniqueName::new();
    let _ring = Options::<u64>::new(4).mode(0o640).create(&name).expect("a ring");
    let _again = Options::<u64>::new(4).mode(0o666).open_or_create(&name).expect("the ring");
    assert_eq!(mode(&name.path()), 0o640);
}

#[test]
fn the_group_is_the_one_asked_for() {
    let own = nix::unistd::getegid().as_raw();
    let groups = if nix::unistd::geteuid().is_root() { vec![own, 65534, 12345] } else { vec![own] };
    for group in groups {
        let name = UniqueName::new();
        let _ring = Options::<u64>::new(4).group(group).mode(0o660).create(&name).expect("a ring");
        assert_eq!(name.path().metadata().expect("the file").gid(), group);
        assert_eq!(mode(&name.path()), 0o660);
    }
}

#[test]
fn the_memory_is_reserved_whether_it_is_mapped_at_once_or_not() {
    for prefault in [true, false] {
        let name = UniqueName::new();
        let ring = Options::<[u8; 4096]>::new(256).prefault(prefault).create(&name).expect("a ring");
        let metadata = name.path().metadata().expect("the file");
        assert_eq!(metadata.size(), ring.bytes());
        assert_eq!(metadata.blocks() * 512, ring.bytes(), "no hole is left to run out of memory at");
        let mut tx = ring.producer().expect("the role");
        let mut rx = open::<[u8; 4096]>(&name).expect("the ring").consumer().expect("the role");
        for value in 0..=255 {
            tx.try_push([value; 4096]).expect("room");
        }
        for value in 0..=255 {
            assert_eq!(rx.try_pop(), Ok([value; 4096]));
        }
    }
}

#[test]
fn a_ring_of_one_page_of_header_has_the_size_that_its_parts_add_up_to() {
    let name = UniqueName::new();
    let ring = Options::<u64>::new(256).create(&name).expect("a ring");
    // Header, shared words, two entries rounded up to a page, 256 slots of 16 bytes.
    assert_eq!(ring.bytes(), 4096 + 4096 + 4096 + 4096);
}
