//! A few words in shared memory, each on a cache line pair of its own: the start barrier and the raw contestant.
//!
//! The memory is a memfd: the far process opens it through `/proc/PID/fd/N`, and it leaves no name behind.
//!
//! I1 `word` points at an aligned `AtomicU64` inside the mapping, which lives as long as the `Line` holds it.

use std::fs::File;
use std::ops::Deref;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use memmap2::{MmapOptions, MmapRaw};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::waiting::Watch;

/// Two 64-byte lines: adjacent-line prefetchers move them in pairs.
const LINE: usize = 128;

/// An unnamed file in memory and the path under which the far process can open it.
pub(crate) fn memfd(label: &str) -> Result<(File, String)> {
    let fd: OwnedFd = memfd_create(label, MFdFlags::MFD_CLOEXEC).context("memfd_create(2)")?;
    let path = format!("/proc/{}/fd/{}", process::id(), fd.as_raw_fd());
    Ok((File::from(fd), path))
}

/// Opens what another process made with [`memfd`].
pub(crate) fn open_memfd(path: &str) -> Result<File> {
    File::options().read(true).write(true).open(path).with_context(|| format!("opening {path}"))
}

/// `N` words of one mapping, all zero; with the path for [`open_shared_lines`], good while one of them lives.
pub(crate) fn shared_lines<const N: usize>(label: &str) -> Result<([Line; N], String)> {
    let (file, path) = memfd(label)?;
    file.set_len((N * LINE) as u64).context("sizing a memfd")?;
    Ok((map(file)?, path))
}

/// The words that another process made with [`shared_lines`].
pub(crate) fn open_shared_lines<const N: usize>(path: &str) -> Result<[Line; N]> {
    map(open_memfd(path)?)
}

fn map<const N: usize>(file: File) -> Result<[Line; N]> {
    ensure!(file.metadata()?.len() >= (N * LINE) as u64, "the shared lines are shorter than expected");
    let map = MmapOptions::new().len(N * LINE).map_raw(&file).context("mapping a memfd")?;
    let mapping = Arc::new(Mapping { map, _file: file });
    Ok(std::array::from_fn(|index| Line::new(&mapping, index * LINE)))
}

/// Keeps the descriptor open that the far side's path names.
#[derive(Debug)]
struct Mapping {
    map: MmapRaw,
    _file: File,
}

/// One shared word, alone on its line pair.
#[derive(Debug)]
pub(crate) struct Line {
    word: NonNull<AtomicU64>,
    _mapping: Arc<Mapping>,
}

// SAFETY: the word is only ever reached as `&AtomicU64`, and the mapping is not tied to a thread (I1).
unsafe impl Send for Line {}

impl Line {
    fn new(mapping: &Arc<Mapping>, offset: usize) -> Self {
        assert!(
            offset + LINE <= mapping.map.len() && offset.is_multiple_of(LINE),
            "a line outside of its mapping"
        );
        let word = mapping.map.as_mut_ptr().wrapping_add(offset).cast();
        Self {
            word: NonNull::new(word).expect("a mapping is never at address zero"),
            _mapping: Arc::clone(mapping),
        }
    }
}

impl Deref for Line {
    type Target = AtomicU64;

    #[inline]
    fn deref(&self) -> &AtomicU64 {
        // SAFETY: I1; page alignment plus a multiple of `LINE`; every byte pattern is a valid AtomicU64.
        unsafe { self.word.as_ref() }
    }
}

/// Both sides meet here before the clock starts.
///
/// ```text
/// far:  E1 ready = turn (Release) ──► near: ready == turn (Acquire); reads the clock
/// near: E2 go    = turn (Release) ──► far:  go    == turn (Acquire)
/// ```
#[derive(Debug)]
pub(crate) struct Barrier {
    ready: Line,
    go: Line,
    turn: u64,
}

impl Barrier {
    pub(crate) fn create() -> Result<(Self, String)> {
        let ([ready, go], path) = shared_lines("ringfence-peers-barrier")?;
        Ok((Self { ready, go, turn: 0 }, path))
    }

    pub(crate) fn open(path: &str) -> Result<Self> {
        let [ready, go] = open_shared_lines(path)?;
        Ok(Self { ready, go, turn: 0 })
    }

    /// Near side: waits until the far side polls for the start.
    pub(crate) fn wait_for_far_side(&mut self, watch: Watch<'_>) -> Result<()> {
        self.turn += 1;
        watch.wait(|| (self.ready.load(Ordering::Acquire) == self.turn).then_some(())) // E1
    }

    /// Near side: lets the far side go.
    pub(crate) fn start(&self) {
        self.go.store(self.turn, Ordering::Release); // E2
    }

    /// Far side: reports ready and polls for the start.
    pub(crate) fn wait_for_start(&mut self, watch: Watch<'_>) -> Result<()> {
        self.turn += 1;
        self.ready.store(self.turn, Ordering::Release); // E1
        watch.wait(|| (self.go.load(Ordering::Acquire) == self.turn).then_some(())) // E2
    }
}
