//! What sleeping at memory that can only be read relies on: the kernel compares and calls there as anywhere else.

#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::num::NonZeroUsize;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use crate::PATIENCE;
use crate::common::Directory;

/// A page of a file, shared with everybody who maps it.
struct Page(std::ptr::NonNull<libc::c_void>);

// SAFETY: nothing but the kernel touches the page.
unsafe impl Sync for Page {}

impl Page {
    const LENGTH: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

    fn of(file: &File, protection: ProtFlags) -> Self {
        // SAFETY: a new mapping at an address of the kernel's choice.
        let page = unsafe { mmap(None, Self::LENGTH, protection, MapFlags::MAP_SHARED, file, 0) };
        Self(page.expect("a mapping"))
    }

    /// The result of `operation` on the first word, or why there is none.
    fn futex(&self, operation: i32, value: u32, limit: Duration) -> Result<i64, i32> {
        let limit =
            libc::timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        // SAFETY: the word is mapped and the limit outlives the call, which writes to neither.
        let result =
            unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), operation, value, &raw const limit) };
        if result == -1 { Err(nix::errno::Errno::last_raw()) } else { Ok(result) }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: our own mapping, which nobody uses any more.
        unsafe { munmap(self.0, Self::LENGTH.get()) }.expect("a mapping");
    }
}

#[test]
fn a_word_that_can_only_be_read_can_be_slept_on() {
    let directory = Directory::new();
    let path = directory.join("page");
    let created = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
    let file = created.expect("a file");
    file.set_len(4096).expect("room");
    let theirs = Page::of(&file, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE);
    let ours = Page::of(&File::open(&path).expect("our own file"), ProtFlags::PROT_READ);

    assert_eq!(ours.futex(libc::FUTEX_WAIT, 1, PATIENCE), Err(libc::EAGAIN), "the word is compared");
    let timed_out = ours.futex(libc::FUTEX_WAIT, 0, Duration::from_millis(1));
    assert_eq!(timed_out, Err(libc::ETIMEDOUT));
    let started = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            started.wait();
            assert_eq!(ours.futex(libc::FUTEX_WAIT, 0, PATIENCE), Ok(0), "called through another mapping");
        });
        started.wait();
        while theirs.futex(libc::FUTEX_WAKE, 1, PATIENCE) != Ok(1) {
            thread::yield_now();
        }
    });
}
