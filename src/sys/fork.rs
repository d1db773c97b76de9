//! How a process notices that it is a forked child, and how an attach keeps forks away.
//!
//! A forked child has a copy of every handle but holds none of their locks. A word in a page that the kernel wipes in
//! the child (`MADV_WIPEONFORK`, madvise(2)) tells: a handle remembers the word of the process that made it, and has one
//! of its own, its [`Permit`], which is all that it looks at before it works. A raw `clone` runs no `pthread_atfork`
//! handler, but wipes the page all the same.
//!
//! The window of an attach, between opening a description and marking its mapping `MADV_DONTFORK`, must not be seen
//! by a fork: the child would inherit the description, and with it the lock. [`without_forks`] closes it for every
//! `fork()` of the C library.
//!
//! Invariants:
//! - **I1** a page of words is mapped once, never unmapped, and only ever accessed as `AtomicU64`s.
//! - **I2** the mutex is only used through the C library, unlocked by the thread that locked it; in a child that is
//!   the copy of the forking thread.
//! - **I3** the lists of private descriptors and of permits are only touched by who holds the mutex, or in a child by
//!   the copy of who does.

#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::OnceLock;

use super::file::Inode;
use crate::sync::{AtomicU64, Ordering};

/// The process that a handle was made in: a word that reads differently in every forked child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    word: &'static AtomicU64,
    generation: u64,
}

impl Origin {
    /// The calling process.
    pub(crate) fn here() -> Self {
        static GENERATIONS: AtomicU64 = AtomicU64::new(0);
        let word = word();
        // Relaxed throughout: one word, read by the process that wrote it; nothing is published by it.
        let mut generation = word.load(Ordering::Relaxed);
        if generation == 0 {
            // The counter is inherited across forks, so a child never repeats the number of an ancestor.
            let fresh = GENERATIONS.fetch_add(1, Ordering::Relaxed) + 1;
            generation = match word.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => fresh,
                Err(other_thread) => other_thread,
            };
        }
        Self { word, generation }
    }

    /// Whether the caller runs in a forked child of the process that this was made in.
    #[inline]
    pub(crate) fn is_elsewhere(&self) -> bool {
        // Relaxed: see `here`.
        self.word.load(Ordering::Relaxed) != self.generation
    }
}

static WORD: OnceLock<&'static AtomicU64> = OnceLock::new();

/// The wiped word. Where the kernel cannot wipe it (before 4.14), the `pthread_atfork` handler does.
fn word() -> &'static AtomicU64 {
    WORD.get_or_init(|| {
        register();
        &page().0[0]
    })
}

/// A page of words.
type Page = [AtomicU64; PAGE / size_of::<AtomicU64>()];
const PAGE: usize = 4096;

/// A new page of zeroes, and whether the kernel zeroes it in forked children.
fn page() -> (&'static Page, bool) {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory in use.
    let address = unsafe { libc::mmap(core::ptr::null_mut(), PAGE, protection, flags, -1, 0) };
    let address = if address == libc::MAP_FAILED { None } else { NonNull::new(address.cast::<Page>()) };
    let Some(address) = address else {
        // No page to be had: a leaked one, wiped by the handler alone.
        return (Box::leak(Box::new([const { AtomicU64::new(0) }; _])), false);
    };
    // SAFETY: I1; a refusal is covered by the handler.
    let wiped = unsafe { libc::madvise(address.as_ptr().cast(), PAGE, libc::MADV_WIPEONFORK) } == 0;
    // SAFETY: I1; the page is zeroed, aligned and lives for ever.
    (unsafe { address.as_ref() }, wiped)
}

/// A handle's permission to work: void in every forked child of the process that made it, and once it was revoked,
/// which any thread can do.
#[derive(Debug)]
pub(crate) struct Permit {
    word: &'static AtomicU64,
}

/// A look at a [`Permit`], which must outlive it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    word: &'static AtomicU64,
}

/// What the word of a valid permit holds; a void one's holds zero.
const VALID: u64 = 1;
/// What the word of a permit holds whose owner should look why, if it finds nothing.
const ALARMED: u64 = 2;

// Relaxed throughout: the word stands for itself. Who finds it void looks again at why.
impl Permit {
    pub(crate) fn new() -> Self {
        let word = without_forks(|| {
            // SAFETY: I3: this thread holds the mutex.
            let permits = unsafe { &mut *PERMITS.0.get() };
            permits.take()
        });
        word.store(VALID, Ordering::Relaxed);
        Self { word }
    }

    pub(crate) fn glance(&self) -> Glance {
        Glance { word: self.word }
    }

    pub(crate) fn revoke(&self) {
        self.word.store(0, Ordering::Relaxed);
    }

    /// Alarms the owner, unless the permit is void.
    pub(crate) fn alarm(&self) {
        let _ = self.word.compare_exchange(VALID, ALARMED, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(crate) fn calm(&self) {
        let _ = self.word.compare_exchange(ALARMED, VALID, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl Glance {
    /// Whether the permit is neither void nor alarmed.
    #[inline]
    pub(crate) fn is_valid(self) -> bool {
        self.word.load(Ordering::Relaxed) == VALID
    }

    pub(crate) fn is_void(self) -> bool {
        self.word.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // A void word is not used again: in a child, the mutex may be held for ever by a thread that is not there.
        if !self.glance().is_void() {
            without_forks(|| {
                // SAFETY: I3: this thread holds the mutex.
                unsafe { &mut *PERMITS.0.get() }.free.push(self.word);
            });
        }
    }
}

/// Words for permits.
struct Permits {
    free: Vec<&'static AtomicU64>,
    /// Pages that the kernel does not wipe.
    unwiped: Vec<&'static Page>,
}

impl Permits {
    fn take(&mut self) -> &'static AtomicU64 {
        loop {
            if let Some(word) = self.free.pop() {
                return word;
            }
            let (page, wiped) = page();
            self.free.extend(page);
            if !wiped {
                self.unwiped.push(page);
            }
        }
    }
}

struct SharedPermits(UnsafeCell<Permits>);

// SAFETY: I3.
unsafe impl Sync for SharedPermits {}

static PERMITS: SharedPermits =
    SharedPermits(UnsafeCell::new(Permits { free: Vec::new(), unwiped: Vec::new() }));

struct Mutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a pthread mutex is made to be shared between threads (I2).
unsafe impl Sync for Mutex {}

static MUTEX: Mutex = Mutex(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));

extern "C" fn lock_mutex() {
    // SAFETY: I2; the static lives for ever.
    unsafe { libc::pthread_mutex_lock(MUTEX.0.get()) };
}

extern "C" fn unlock_mutex() {
    // SAFETY: I2; every caller locked it before.
    unsafe { libc::pthread_mutex_unlock(MUTEX.0.get()) };
}

extern "C" fn in_child() {
    close_private();
    // SAFETY: I3: the forking thread, whose copy this is, holds the mutex.
    for word in unsafe { &*PERMITS.0.get() }.unwiped.iter().copied().flatten() {
        word.store(0, Ordering::Relaxed); // Relaxed: as below.
    }
    unlock_mutex();
    if let Some(word) = WORD.get() {
        word.store(0, Ordering::Relaxed); // Relaxed: the child has one thread here.
    }
}

fn register() {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        // SAFETY: the three functions live for ever and call nothing but the mutex and one atomic store.
        unsafe { libc::pthread_atfork(Some(lock_mutex), Some(unlock_mutex), Some(in_child)) };
    });
}

/// A file that forked children close, so that what its description holds is never theirs.
#[derive(Debug)]
pub(crate) struct ForkPrivate(File);

/// The descriptors that a forked child closes, each with the file that it stands for: a number may be another file's by
/// then.
struct Descriptors(UnsafeCell<Vec<(RawFd, Inode)>>);

// SAFETY: I3.
unsafe impl Sync for Descriptors {}

static PRIVATE: Descriptors = Descriptors(UnsafeCell::new(Vec::new()));

impl ForkPrivate {
    /// Makes `file` private; the caller is inside [`without_forks`], and opened it there.
    pub(crate) fn of(file: File) -> Self {
        if let Ok(metadata) = file.metadata() {
            // SAFETY: I3: the caller holds the mutex.
            unsafe { &mut *PRIVATE.0.get() }.push((file.as_raw_fd(), Inode::of(&metadata)));
        }
        Self(file)
    }

    pub(crate) fn get(&self) -> &File {
        &self.0
    }
}

impl Drop for ForkPrivate {
    fn drop(&mut self) {
        let descriptor = self.0.as_raw_fd();
        without_forks(|| {
            // SAFETY: I3: this thread holds the mutex.
            unsafe { &mut *PRIVATE.0.get() }.retain(|it| it.0 != descriptor);
        });
    }
}

/// Closes the private descriptors of the parent. Makes system calls only, as a child of many threads must.
fn close_private() {
    // SAFETY: I3: the forking thread, whose copy this is, holds the mutex.
    let private = unsafe { &mut *PRIVATE.0.get() };
    for (descriptor, inode) in &*private {
        // SAFETY: `stat` is plain old data, for which zeroes are a value.
        let mut found: libc::stat = unsafe { core::mem::zeroed() };
        // SAFETY: the structure outlives the call.
        let known = unsafe { libc::fstat(*descriptor, &mut found) } == 0;
        if known && (found.st_dev, found.st_ino) == (inode.device, inode.number) {
            // SAFETY: the child's own copy of the descriptor, which nothing in the child uses: the thread that does was
            // not forked.
            unsafe { libc::close(*descriptor) };
        }
    }
    private.clear();
}

/// Runs `critical` while no thread of this process is inside `fork()`.
pub(crate) fn without_forks<R>(critical: impl FnOnce() -> R) -> R {
    struct Unlock;
    impl Drop for Unlock {
        fn drop(&mut self) {
            unlock_mutex();
        }
    }
    register();
    lock_mutex();
    let _unlock = Unlock;
    critical()
}
