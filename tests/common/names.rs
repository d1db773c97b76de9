//! Names in memory file systems that vanish with the test that made them, failed or not.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Mutex;

use ringfence::Attach;

/// Where rings live that are given no directory.
const SHM: &str = "/dev/shm";

/// A name that no other test, in this process or another, has.
fn unique() -> String {
    static COUNT: Mutex<u64> = Mutex::new(0);
    let mut count = COUNT.lock().expect("a counter does not panic");
    *count += 1;
    format!("rf-test-{}-{count:06}", process::id())
}

/// A name in `/dev/shm`. Whatever has it is removed on drop, also when the test panics.
#[derive(Debug)]
pub(crate) struct UniqueName {
    name: String,
}

impl UniqueName {
    pub(crate) fn new() -> Self {
        Self { name: unique() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        Path::new(SHM).join(&self.name)
    }

    pub(crate) fn exists(&self) -> bool {
        self.path().symlink_metadata().is_ok()
    }
}

impl Deref for UniqueName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl Drop for UniqueName {
    fn drop(&mut self) {
        remove(&self.path());
    }
}

/// A directory in `/dev/shm` for a test that watches what is created. It and everything in it is removed on drop, also
/// when the test panics.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
}

impl Directory {
    pub(crate) fn new() -> Self {
        let path = Path::new(SHM).join(unique());
        fs::create_dir(&path).expect("a directory in /dev/shm");
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// For rings in this directory.
    pub(crate) fn attach(&self) -> Attach {
        Attach::new().in_dir(&self.path)
    }

    /// What the directory holds, hidden names included, in order.
    pub(crate) fn listing(&self) -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.expect("an entry").file_name().to_string_lossy().into_owned()
        };
        let mut names: Vec<_> = fs::read_dir(&self.path).expect("the directory").map(name).collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Removes whatever has the name `path`. Failure means that nothing has it.
fn remove(path: &Path) {
    if fs::remove_file(path).is_err() {
        let _ = fs::remove_dir_all(path);
    }
}
