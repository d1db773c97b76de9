//! Names in shared memory that must not outlive the run: removed when the guard is dropped, and on SIGINT, SIGTERM
//! and SIGHUP.

use std::fmt;
use std::process;
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
    pub(crate) fn new(removal: impl Fn() + Send + 'static) -> Self {
        let mut pending = pending();
        let id = pending.last().map_or(0, |(last, _)| last + 1);
        pending.push((id, Box::new(removal)));
        Self { id }
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
    ctrlc::set_handler(|| {
        for (_, removal) in pending().iter() {
            removal();
        }
        process::exit(INTERRUPTED);
    })
    .context("installing the signal handler")
}

fn pending() -> MutexGuard<'static, Vec<(u64, Removal)>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}
