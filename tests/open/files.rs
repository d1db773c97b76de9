//! Things that have a ring's name and are no rings.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use ringfence::spsc::{Options, open_with};
use ringfence::{OpenError, inspect_with};

use crate::common::Directory;

/// Puts something under the name; opening says that it is `found`, creating that the name is taken; nothing changes.
fn assert_refused(found: &str, put: impl FnOnce(&Path)) {
    let directory = Directory::new();
    let path = directory.join("ring");
    put(&path);
    let listing = directory.listing();
    let options = Options::<u64>::new(4).attach(directory.attach());
    for error in [
        open_with::<u64>("ring", directory.attach()).err(),
        open_with::<[u8]>("ring", directory.attach()).err(),
        options.clone().open_or_create("ring").err(),
        inspect_with("ring", directory.attach()).err(),
    ] {
        let error = error.expect("it is no ring");
        let OpenError::NotAFile { path: place, found: kind } = &error else { panic!("{error:?}") };
        assert_eq!((place, *kind), (&path, found));
        assert!(error.to_string().contains(found) && error.to_string().contains("regular file"));
    }
    assert_eq!(options.create("ring").err(), Some(OpenError::NameTaken { path }));
    assert_eq!(directory.listing(), listing);
}

#[test]
fn a_fifo_is_refused_without_waiting_for_its_other_end() {
    assert_refused("a FIFO", |path| mkfifo(path, Mode::S_IRWXU).expect("a FIFO"));
}

#[test]
fn a_directory_is_refused() {
    assert_refused("a directory", |path| fs::create_dir(path).expect("a directory"));
}

#[test]
fn a_socket_is_refused() {
    assert_refused("a socket", |path| drop(UnixListener::bind(path).expect("a socket")));
}

#[test]
fn a_symbolic_link_is_refused_even_to_a_ring() {
    assert_refused("a symbolic link", |path| {
        let directory = path.parent().expect("a directory");
        let attach = ringfence::Attach::new().in_dir(directory);
        Options::<u64>::new(4).attach(attach).create("real").expect("a ring");
        symlink("real", path).expect("a link");
    });
}

#[test]
fn a_symbolic_link_to_nothing_is_refused_and_not_followed() {
    assert_refused("a symbolic link", |path| symlink("nowhere", path).expect("a link"));
}

#[test]
fn a_symbolic_link_to_itself_is_refused() {
    assert_refused("a symbolic link", |path| symlink("ring", path).expect("a link"));
}

/// The error of every way to open a file that holds `bytes`.
fn refused(bytes: &[u8]) -> OpenError {
    let directory = Directory::new();
    fs::write(directory.join("ring"), bytes).expect("a file");
    let errors = [
        open_with::<u64>("ring", directory.attach()).map(drop),
        open_with::<[u8]>("ring", directory.attach()).map(drop),
        Options::<u64>::new(4).attach(directory.attach()).open_or_create("ring").map(drop),
        inspect_with("ring", directory.attach()).map(drop),
    ]
    .map(|it| it.expect_err("it is no ring"));
    assert!(errors.iter().all(|it| *it == errors[0]), "{errors:?}");
    assert_eq!(fs::read(directory.join("ring")).expect("the file"), bytes, "it is left alone");
    assert_eq!(directory.listing(), ["ring"]);
    // The directory's name differs from test to test.
    let [first, ..] = errors;
    first
}

#[test]
fn a_file_that_does_not_start_like_a_ring_is_no_ring() {
    let text = b"#!/bin/sh\nexit 0\n".repeat(20);
    for (bytes, start) in [
        (vec![0; 4096], [0; 8]),
        (vec![0xff; 16384], [0xff; 8]),
        (text.clone(), *b"#!/bin/s"),
        (b"\x89RNGFNC\r\n".iter().copied().chain([0; 500]).collect(), *b"\x89RNGFNC\r"),
        (b"RINGFENC".repeat(600), *b"RINGFENC"),
    ] {
        let error = refused(&bytes);
        let OpenError::NotARing { found, .. } = error else { panic!("{error}") };
        assert_eq!(found, start);
        assert!(error.to_string().contains(&start.escape_ascii().to_string()), "{error}");
    }
}

#[test]
fn a_file_shorter_than_a_preamble_is_truncated() {
    for length in [0, 1, 8, 127] {
        let error = refused(&vec![0; length]);
        let OpenError::Truncated { expected, found, .. } = error else { panic!("{error}") };
        assert_eq!((expected, found), (128, length as u64));
    }
}
