//! Names in shared memory that must not outlive the run: removed when their [`Cleanup`] is dropped, on SIGINT, SIGTERM
//! and SIGHUP, and when a run is given up. What was made last is removed first.

use std::fmt;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};

type Removal = Box<dyn Fn() + Send>;

static PENDING: Mutex<Vec<(u64, Removal)>> = Mutex::new(Vec::new());

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

/// No name of this run, and of no other run, is the same.
pub(crate) fn unused_name(label: &str) -> String {
    static USED: AtomicU64 = AtomicU64::new(0);
    let number = USED.fetch_add(1, Ordering::Relaxed); // Relaxed: only its own value matters
    format!("ringfence-peers-{}-{number}-{label}", process::id())
}

fn pending() -> MutexGuard<'static, Vec<(u64, Removal)>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}
