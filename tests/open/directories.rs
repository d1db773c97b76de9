//! Rings in a directory of the user's choice.

use std::fs;
use std::path::Path;

use ringfence::spsc::{Options, open_with};
use ringfence::{Attach, OpenError, inspect_with};

use crate::common::{Directory, apart};

#[test]
fn a_directory_in_memory_holds_rings_as_dev_shm_does() {
    let directory = Directory::new();
    let ring = Options::<u64>::new(4).attach(directory.attach()).create("ring").expect("a ring");
    assert_eq!(directory.listing(), ["ring"]);
    let again = open_with::<u64>("ring", directory.attach()).expect("the ring");
    ring.producer().expect("the role").try_push(7).expect("room");
    assert_eq!(again.consumer().expect("the role").try_pop(), Ok(7));
    assert_eq!(inspect_with("ring", directory.attach()).expect("the ring").path(), directory.join("ring"));
    assert!(matches!(open_with::<u64>("ring", Attach::new()), Err(OpenError::NotFound { .. })));
    ring.unlink().expect("nobody is attached");
    assert_eq!(directory.listing(), [""; 0]);
}

#[test]
fn a_directory_on_a_disk_is_refused() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    if is_in_memory(directory.path()) {
        println!("skipped: the target directory is in memory");
        return;
    }
    let attach = || Attach::new().in_dir(directory.path());
    let options = || Options::<u64>::new(4).attach(attach());
    let path = directory.path().join("ring");
    let refused = Some(OpenError::NotInMemory { path: path.clone() });
    assert_eq!(options().create("ring").err(), refused);
    assert_eq!(options().open_or_create("ring").err(), refused);
    assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 0);

    fs::write(&path, [0; 20_000]).expect("a file");
    assert_eq!(open_with::<u64>("ring", attach()).err(), refused);
    assert_eq!(inspect_with("ring", attach()).err(), refused);
    assert_eq!(options().open_or_create("ring").err(), refused);
    assert_eq!(options().create("ring").err(), Some(OpenError::NameTaken { path: path.clone() }));
    assert_eq!(fs::read(&path).expect("the file"), [0; 20_000]);
}

fn is_in_memory(path: &Path) -> bool {
    let kind = nix::sys::statfs::statfs(path).expect("a file system").filesystem_type();
    kind == nix::sys::statfs::TMPFS_MAGIC
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let directory = Directory::new();
    let attach = || Attach::new().in_dir(directory.join("missing"));
    for error in [
        Options::<u64>::new(4).attach(attach()).create("ring").err(),
        Options::<u64>::new(4).attach(attach()).open_or_create("ring").err(),
        open_with::<u64>("ring", attach()).err(),
        inspect_with("ring", attach()).err(),
    ] {
        let error = error.expect("there is no such directory");
        assert_eq!(error, OpenError::NotFound { path: directory.join("missing").join("ring") });
    }
    assert_eq!(directory.listing(), [""; 0]);
}

#[test]
fn a_file_in_the_place_of_the_directory_is_refused() {
    let directory = Directory::new();
    fs::write(directory.join("file"), b"text").expect("a file");
    let attach = || Attach::new().in_dir(directory.join("file"));
    for error in [
        Options::<u64>::new(4).attach(attach()).create("ring").err(),
        Options::<u64>::new(4).attach(attach()).open_or_create("ring").err(),
        open_with::<u64>("ring", attach()).err(),
    ] {
        assert!(matches!(error, Some(OpenError::Os { errno: libc::ENOTDIR, .. })), "{error:?}");
    }
    assert_eq!(fs::read(directory.join("file")).expect("the file"), b"text");
}

#[test]
fn a_directory_may_be_a_symbolic_link() {
    let directory = Directory::new();
    fs::create_dir(directory.join("real")).expect("a directory");
    std::os::unix::fs::symlink("real", directory.join("link")).expect("a link");
    let attach = Attach::new().in_dir(directory.join("link"));
    let ring = Options::<u64>::new(4).attach(attach).create("ring").expect("a ring");
    ring.producer().expect("the role").try_push(1).expect("room");
    assert!(directory.join("real/ring").is_file());
}

#[test]
fn a_ring_in_a_relative_directory_stays_where_it_was_made() {
    let directory = Directory::new();
    apart(|| {
        std::env::set_current_dir(directory.path()).expect("the directory");
        let ring = Options::<u64>::new(4).attach(Attach::new().in_dir(".")).create("ring").expect("a ring");
        assert_eq!(directory.listing(), ["ring"]);
        std::env::set_current_dir("/").expect("the root");
        ring.producer().expect("the role").try_push(1).expect("room");
        ring.force_unlink().expect("it is still there");
        assert_eq!(directory.listing(), [""; 0]);
    });
}
