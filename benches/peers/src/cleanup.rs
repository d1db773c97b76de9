//! Names in shared memory that must not outlive the run: removed when their [`Cleanup`] is dropped, on SIGINT, SIGTERM
//! and SIGHUP, and when a run is given up. What was made last is removed first.

use std::fmt;
use std::fs;
use std::io;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};

type Removal = Box<dyn Fn() + Send>;

static PENDING: Mutex<Vec<(u64, Removal)>> = Mutex::new(Vec::new());

/// Where names in shared memory are files.
pub(crate) const SHARED_MEMORY: &str = "/dev/shm";

/// Exit status of a shell command ended by SIGINT.
const INTERRUPTED: i32 = 130;

/// Runs its removal once: on drop, or when a signal ends the process.
pub(crate) struct Cleanup {
    id: u64,
}

impl Cleanup {
    /// Makes something that has a name. A signal waits until the name is known to be pending.
    pub(crate) fn of<R: Clone + Send + 'static>(
        make: impl FnOnce() -> Result<R>,
        remove: impl Fn(&R) + Send + 'static,
    ) -> Result<(R, Self)> {
        let mut pending = pending();
        let made = make()?;
        let id = pending.last().map_or(0, |(last, _)| last + 1);
        let named = made.clone();
        pending.push((id, Box::new(move || remove(&named))));
        Ok((made, Self { id }))
    }

    /// What the names of a peer's files and directories in [`SHARED_MEMORY`] have to begin with, on either side;
    /// whatever does is removed.
    pub(crate) fn of_all_named(whose: &str) -> Result<(String, Self)> {
        Self::of(|| Ok(unused_name(whose) + "-"), |beginning| remove_all_named(beginning))
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let mut pending = pending();
        if let Some(index) = pending.iter().position(|(id, _)| *id == self.id) {
            let (_, removal) = pending.remove(index);
            removal();
        }
    }
}

impl fmt::Debug for Cleanup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanup").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Lets signals run what is pending before the process ends.
pub(crate) fn on_signals() -> Result<()> {
    ctrlc::set_handler(|| end(INTERRUPTED)).context("installing the signal handler")
}

/// Ends the process, from any thread, after running what is pending.
pub(crate) fn end(status: i32) -> ! {
    let pending = pending(); // held to the end: nothing new gets a name
    for (_, removal) in pending.iter().rev() {
        removal();
    }
    process::exit(status)
}

/// No name of this run, and of no other run, begins with it and a hyphen.
pub(crate) fn unused_name(label: &str) -> String {
    static USED: AtomicU64 = AtomicU64::new(0);
    let number = USED.fetch_add(1, Ordering::Relaxed); // Relaxed: only its own value matters
    format!("ringfence-peers-{}-{number}-{label}", process::id())
}

fn remove_all_named(beginning: &str) {
    let removed = fs::read_dir(SHARED_MEMORY).and_then(|entries| {
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(beginning) {
                let is_dir = entry.file_type()?.is_dir();
                let path = entry.path();
                ignore_not_found(if is_dir { fs::remove_dir_all(path) } else { fs::remove_file(path) })?;
            }
        }
        Ok(())
    });
    if let Err(error) = removed {
        eprintln!("warning: not all of {SHARED_MEMORY}/{beginning}* was removed: {error}");
    }
}

/// Somebody else was faster.
fn ignore_not_found(outcome: io::Result<()>) -> io::Result<()> {
    outcome.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn pending() -> MutexGuard<'static, Vec<(u64, Removal)>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_directories_under_a_beginning_are_removed_and_no_others() {
        let ((one, cleanup), (other, other_cleanup)) =
            (Cleanup::of_all_named("test").unwrap(), Cleanup::of_all_named("test").unwrap());
        let path = |beginning: &str, rest: &str| format!("{SHARED_MEMORY}/{beginning}{rest}");
        fs::write(path(&one, "file"), "").unwrap();
        fs::create_dir_all(path(&one, "directory/inner")).unwrap();
        fs::write(path(&one, "directory/inner/file"), "").unwrap();
        fs::write(path(&other, "file"), "").unwrap();
        drop(cleanup);
        assert!(!fs::exists(path(&one, "file")).unwrap() && !fs::exists(path(&one, "directory")).unwrap());
        assert!(fs::exists(path(&other, "file")).unwrap());
        drop(other_cleanup);
        assert!(!fs::exists(path(&other, "file")).unwrap());
    }
}
