//! The example `pipe`, with `tar` at both ends.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use libtest_mimic::Trial;

use crate::child::Name;
use crate::common::Numbers;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("piping::a_tree_that_goes_through_the_ring_as_an_archive_arrives_identical", tree)]
}

fn tree() {
    for reader_first in [false, true] {
        let name = Name::new();
        let directory = tempfile::tempdir().expect("a directory");
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        plant(&from);
        fs::create_dir(&to).expect("a directory");

        let mut packing = Command::new("tar");
        packing.args(["c", "-C"]).arg(&from).arg(".").stdout(Stdio::piped());
        let mut packing = packing.spawn().expect("tar");
        let archive = packing.stdout.take().expect("a pipe");
        let mut unpacking = Command::new("tar");
        unpacking.args(["x", "-C"]).arg(&to).stdin(Stdio::piped());
        let mut unpacking = unpacking.spawn().expect("tar");
        let copy = unpacking.stdin.take().expect("a pipe");

        let write = || side("pipe write", &name, archive.into(), Stdio::null());
        let read = || side("pipe read", &name, Stdio::null(), copy.into());
        let (writing, reading) = if reader_first {
            let reading = read();
            (write(), reading)
        } else {
            (write(), read())
        };
        for mut process in [packing, writing, reading, unpacking] {
            assert!(process.wait().expect("a child of ours").success());
        }
        let same = Command::new("diff").arg("-r").args([&from, &to]).status().expect("diff");
        assert!(same.success());
        assert!(!Path::new(&format!("/dev/shm/{}", &*name)).exists(), "the reader removes the ring");
    }
}

fn side(role: &str, name: &str, input: Stdio, output: Stdio) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
    command.args(["--role", role, name]).stdin(input).stdout(output);
    command.spawn().expect("a process")
}

/// Directories, files of any size, and a link.
fn plant(root: &Path) {
    let mut numbers = Numbers::from_seed(17);
    for directory in ["", "a", "a/b", "empty"] {
        fs::create_dir_all(root.join(directory)).expect("a directory");
    }
    for number in 0..60 {
        let length = [0, 1, 511, 100_000][number % 4] + numbers.below(1000);
        let bytes: Vec<_> = (0..length).map(|_| (numbers.next() >> 40) as u8).collect();
        let directory = ["", "a", "a/b"][number % 3];
        fs::write(root.join(directory).join(format!("file {number}")), bytes).expect("a file");
    }
    symlink("a/b", root.join("link")).expect("a link");
}
