//! How this process orders its publications before its look at a doorbell: its own choice, not the ring's.

use core::fmt;

use crate::doorbell::Ringer;
use crate::sync::{AtomicU32, Ordering};
use crate::sys::futex;

/// What a handle runs between a publication and its look for sleepers.
///
/// Processes that choose differently work together on one ring.
///
/// ```
/// use ringfence::{spsc, Attach, Barrier};
///
/// let attach = Attach::new().barrier(Barrier::Fenced);
/// let ring = spsc::Options::<u64>::new(64).attach(attach).in_process()?;
/// assert_eq!(ring.producer()?.barrier(), Barrier::Fenced);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Barrier {
    /// Nothing: whoever goes to sleep runs a barrier in this process's stead (membarrier(2)), which interrupts its
    /// running threads for about a microsecond each. The process is registered for that when a handle is attached.
    ///
    /// Where the kernel refuses to register it, or [`never_register`] was called, a handle is `Fenced` instead.
    #[default]
    Asymmetric,
    /// A full fence behind every publication: 5 to 20 ns, more where the published line had left the cache. No other
    /// process interrupts this one.
    Fenced,
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asymmetric => "asymmetric",
            Self::Fenced => "fenced",
        })
    }
}

/// What [`REGISTRATION`] holds.
mod registration {
    pub(super) const ALLOWED: u32 = 0;
    pub(super) const VETOED: u32 = 1;
    pub(super) const DONE: u32 = 2;
}

/// Whether this process may be, or is, registered with membarrier(2).
static REGISTRATION: AtomicU32 = AtomicU32::new(registration::ALLOWED);

/// Keeps this process from ever being registered with membarrier(2): handles that are attached later are
/// [`Barrier::Fenced`], whatever they ask for.
///
/// For processes with isolated cores: once a process is registered, every process of the host can interrupt its
/// running threads. Call it first of all. `false`: a handle was attached as `Asymmetric` before, and the kernel knows
/// no way back.
///
/// ```
/// use ringfence::{spsc, Barrier};
///
/// assert!(ringfence::never_register());
/// let ring = spsc::Options::<u64>::new(64).in_process()?;
/// assert_eq!(ring.producer()?.barrier(), Barrier::Fenced);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn never_register() -> bool {
    // Relaxed throughout: one word, nothing is published by it.
    let before = REGISTRATION.compare_exchange(
        registration::ALLOWED,
        registration::VETOED,
        Ordering::Relaxed,
        Ordering::Relaxed,
    );
    !matches!(before, Err(registration::DONE))
}

impl Barrier {
    /// What this process can have of what it `wants`. Registers it where that is needed.
    pub(crate) fn settle(self) -> Self {
        match self {
            Self::Asymmetric if registers() => Self::Asymmetric,
            _ => Self::Fenced,
        }
    }

    pub(crate) fn ringer(self) -> Ringer {
        match self {
            Self::Asymmetric => Ringer::asymmetric(),
            Self::Fenced => Ringer::fenced(),
        }
    }
}

fn registers() -> bool {
    let before = REGISTRATION.compare_exchange(
        registration::ALLOWED,
        registration::DONE,
        Ordering::Relaxed,
        Ordering::Relaxed,
    );
    // A forked child says DONE of its parent: it is asked anew each time, which is cheap.
    if before == Err(registration::VETOED) {
        return false;
    }
    let registered = futex::register_for_fences();
    if !registered && before.is_ok() {
        // Relaxed: as above. A veto is still possible.
        REGISTRATION.store(registration::ALLOWED, Ordering::Relaxed);
    }
    registered
}
