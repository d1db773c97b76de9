//! A few words in shared memory, each on a cache line pair of its own: the start barrier, and contestants that need no
//! more than that.
//!
//! The memory is a memfd: the far process opens it through `/proc/PID/fd/N`, and it leaves no name behind.
//!
//! I1 `word` points at an aligned `W` inside the mapping, which lives as long as the `Line` holds it.

use std::fs::File;
use std::ops::Deref;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::process;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use memmap2::{MmapOptions, MmapRaw};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::{Pid, gettid};

use crate::contestants::HandOver;
use crate::waiting::{Watch, poll_until};

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

/// What a line can hold, and two processes can share.
///
/// # Safety
/// Zeros are a valid value, and whatever any process does to it through `&self` leaves a valid value.
pub(crate) unsafe trait Shared: Sync {}

// SAFETY: every byte pattern is valid.
unsafe impl Shared for AtomicU32 {}

// SAFETY: every byte pattern is valid.
unsafe impl Shared for AtomicU64 {}

/// `N` words of one mapping, all zero; with the path for [`open_shared_lines`], good while one of them lives.
fn shared_lines<W: Shared, const N: usize>(label: &str) -> Result<([Line<W>; N], String)> {
    let (file, path) = memfd(label)?;
    file.set_len((N * LINE) as u64).context("sizing a memfd")?;
    Ok((map(file)?, path))
}

/// The words that another process made with [`shared_lines`].
fn open_shared_lines<W: Shared, const N: usize>(path: &str) -> Result<[Line<W>; N]> {
    map(open_memfd(path)?)
}

fn map<W: Shared, const N: usize>(file: File) -> Result<[Line<W>; N]> {
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
pub(crate) struct Line<W = AtomicU64> {
    word: NonNull<W>,
    _mapping: Arc<Mapping>,
}

// SAFETY: the word is only ever reached as `&W`, which is `Sync`, and the mapping is not tied to a thread (I1).
unsafe impl<W: Shared> Send for Line<W> {}

impl<W: Shared> Line<W> {
    fn new(mapping: &Arc<Mapping>, offset: usize) -> Self {
        const { assert!(size_of::<W>() <= LINE && align_of::<W>() <= LINE, "it must fit on a line pair") };
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

impl<W: Shared> Deref for Line<W> {
    type Target = W;

    #[inline]
    fn deref(&self) -> &W {
        // SAFETY: I1; page alignment plus a multiple of `LINE`; what the file holds is a valid `W` (`Shared`).
        unsafe { self.word.as_ref() }
    }
}

/// Two words as one side sees them: the one that it writes, and the one that the other side writes.
#[derive(Debug)]
pub(crate) struct Pair<W = AtomicU64> {
    pub(crate) outgoing: Line<W>,
    pub(crate) incoming: Line<W>,
}

impl<W: Shared> Pair<W> {
    /// The near side's, both zero, and what the far side opens its own with.
    pub(crate) fn create(label: &str) -> Result<(Self, HandOver)> {
        let ([outgoing, incoming], path) = shared_lines(label)?;
        Ok((Self { outgoing, incoming }, vec![path].into()))
    }

    /// The far side's.
    pub(crate) fn attach(handed_over: &[String]) -> Result<Self> {
        let path = handed_over.first().context("no path to the shared lines")?;
        let [incoming, outgoing] = open_shared_lines(path)?;
        Ok(Self { outgoing, incoming })
    }
}

/// Both sides meet here before the clock starts, and learn which thread the other one is; and once more wherever the
/// case's loops want to.
///
/// ```text
/// far:  far_thread;  E1 ready = turn (Release) ──► near: ready == turn (Acquire); far_thread; reads the clock
/// near: near_thread; E2 go    = turn (Release) ──► far:  go    == turn (Acquire); near_thread
/// ```
#[derive(Debug)]
pub(crate) struct Barrier {
    ready: Line,
    go: Line,
    near_thread: Line,
    far_thread: Line,
}

impl Barrier {
    pub(crate) fn create() -> Result<(Self, String)> {
        let (lines, path) = shared_lines("ringfence-peers-barrier")?;
        Ok((Self::on(lines), path))
    }

    pub(crate) fn open(path: &str) -> Result<Self> {
        Ok(Self::on(open_shared_lines(path)?))
    }

    fn on([ready, go, near_thread, far_thread]: [Line; 4]) -> Self {
        Self { ready, go, near_thread, far_thread }
    }

    /// Near side: waits until the far side, which hangs up `pipe` when it ends, polls for the start.
    pub(crate) fn wait_for_far_side<'a>(&'a self, pipe: BorrowedFd<'a>) -> Result<Watch<'a>> {
        store_this_thread(&self.near_thread);
        self.far_side_is_ready(pipe)?;
        Ok(Watch::new(pipe, thread_in(&self.far_thread), self))
    }

    /// Far side: reports ready and polls for the start; the near side hangs up `pipe` when it ends.
    pub(crate) fn wait_for_start<'a>(&'a self, pipe: BorrowedFd<'a>) -> Result<Watch<'a>> {
        store_this_thread(&self.far_thread);
        self.near_side_lets_go(pipe)?;
        Ok(Watch::new(pipe, thread_in(&self.near_thread), self))
    }

    /// Near side: polls until the far side reports ready for the next turn.
    pub(crate) fn far_side_is_ready(&self, pipe: BorrowedFd<'_>) -> Result<()> {
        let turn = next_turn(&self.go);
        poll_until(pipe, || (self.ready.load(Ordering::Acquire) == turn).then_some(())) // E1
    }

    /// Near side: lets the far side go.
    pub(crate) fn start(&self) {
        self.go.store(next_turn(&self.go), Ordering::Release); // E2
    }

    /// Far side: reports ready for the next turn and polls until the near side lets it go.
    pub(crate) fn near_side_lets_go(&self, pipe: BorrowedFd<'_>) -> Result<()> {
        let turn = next_turn(&self.ready);
        self.ready.store(turn, Ordering::Release); // E1
        poll_until(pipe, || (self.go.load(Ordering::Acquire) == turn).then_some(())) // E2
    }
}

/// The turn after the last one that this side stored in its own word.
fn next_turn(own: &Line) -> u64 {
    own.load(Ordering::Relaxed) + 1 // Relaxed: nobody else stores there
}

fn store_this_thread(line: &Line) {
    line.store(u64::from(gettid().as_raw().cast_unsigned()), Ordering::Relaxed); // Relaxed: before E1, E2
}

fn thread_in(line: &Line) -> Pid {
    Pid::from_raw((line.load(Ordering::Relaxed) as u32).cast_signed()) // Relaxed: after E1, E2
}
