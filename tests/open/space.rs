//! Mounts without enough room: told before anything is created, not by a signal later.

use std::fs;
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::statvfs;
use ringfence::OpenError;
use ringfence::spsc::Options;

use crate::common::{Directory, on_a_thread};

/// Runs `body` with a fresh tmpfs mounted over `directory`, which only the thread of `body` sees and which goes with it.
fn with_mount(options: &str, body: impl FnOnce(&Directory) + Send) {
    let directory = Directory::new();
    on_a_thread(|| {
        if let Err(error) = unshare(CloneFlags::CLONE_NEWNS) {
            println!("skipped: no mounts of one's own here ({error})");
            return;
        }
        let nothing = None::<&Path>;
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(nothing, "/", nothing, private, nothing).expect("private mounts");
        let tmpfs = Some("tmpfs");
        mount(tmpfs, directory.path(), tmpfs, MsFlags::empty(), Some(options)).expect("a tmpfs");
        body(&directory);
    });
}

fn available(directory: &Directory) -> u64 {
    let mount = statvfs(directory.path()).expect("a mount");
    mount.blocks_available() * mount.fragment_size()
}

#[test]
fn a_ring_larger_than_its_mount_is_refused_with_what_is_needed_and_available() {
    with_mount("size=256k", |directory| {
        for prefault in [true, false] {
            let options = Options::<[u8; 1008]>::new(1024).prefault(prefault).attach(directory.attach());
            let heap = options.clone().in_process().expect("a ring on the heap");
            for error in [options.clone().create("ring").err(), options.open_or_create("ring").err()] {
                let error = error.expect("it does not fit");
                let OpenError::NoSpace { path, needed, available } = &error else { panic!("{error}") };
                assert_eq!((path, *needed, *available), (&directory.join("ring"), heap.bytes(), 256 << 10));
                let text = error.to_string();
                assert!(text.contains(&needed.to_string()) && text.contains("262144"), "{text}");
            }
        }
        assert_eq!((directory.listing(), available(directory)), (vec![], 256 << 10));
    });
}

#[test]
fn what_others_have_left_is_what_is_available() {
    with_mount("size=256k", |directory| {
        fs::write(directory.join("other"), vec![1; 200 << 10]).expect("a file");
        let left = available(directory);
        let options = Options::<[u8; 1008]>::new(64).attach(directory.attach());
        let error = options.clone().create("ring").expect_err("76 KiB do not fit into 56");
        let OpenError::NoSpace { needed, available, .. } = error else { panic!("{error}") };
        assert!(needed > left && available == left);
        assert_eq!(directory.listing(), ["other"]);

        fs::remove_file(directory.join("other")).expect("a file");
        let ring = options.create("ring").expect("now there is room");
        ring.producer().expect("the role").try_push([1; 1008]).expect("room");
    });
}

#[test]
fn a_ring_that_fills_its_mount_to_the_last_page_works() {
    with_mount("size=256k", |directory| {
        // The ring takes 12 KiB of header, words and entries, and 128 KiB of slots.
        fs::write(directory.join("other"), vec![1; (256 - 12 - 128) << 10]).expect("a file");
        let options = Options::<[u8; 1016]>::new(128).attach(directory.attach());
        let ring = options.create("ring").expect("it just fits");
        assert_eq!(available(directory), 0);
        let (mut tx, mut rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
        for _ in 0..128 {
            tx.try_push([0xa5; 1016]).expect("room");
        }
        for _ in 0..128 {
            assert_eq!(rx.try_pop(), Ok([0xa5; 1016]));
        }
    });
}

#[test]
fn rings_are_created_until_the_mount_is_full_and_each_of_them_works() {
    with_mount("size=256k", |directory| {
        let mut rings = Vec::new();
        let error = loop {
            let options = Options::<u64>::new(4).attach(directory.attach());
            match options.create(&format!("ring-{}", rings.len())) {
                Ok(ring) => rings.push(ring),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, OpenError::NoSpace { available: 0, .. }), "{error}");
        assert_eq!((rings.len(), directory.listing().len()), (16, 16));
        for ring in rings {
            ring.producer().expect("the role").try_push(1).expect("room");
            ring.unlink().expect("nobody is attached");
        }
    });
}

#[test]
fn a_mount_without_a_free_inode_is_refused() {
    with_mount("size=1m,nr_inodes=2", |directory| {
        fs::write(directory.join("last"), b"").expect("a file");
        let error = Options::<u64>::new(4).attach(directory.attach()).create("ring").expect_err("no inode");
        assert!(matches!(error, OpenError::Os { errno: libc::ENOSPC, .. }), "{error:?}");
        assert_eq!(directory.listing(), ["last"]);
    });
}
