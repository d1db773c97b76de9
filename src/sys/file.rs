//! Objects in a shm mount: unnamed or under a reserved name until they are complete, then linked; opened with
//! suspicion; removed by name.
//!
//! Invariant **I1**: every C string and structure passed to the kernel is initialised and outlives the call.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::{File, Metadata, OpenOptions};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::{Failure, check};

/// Bytes reserved by one `posix_fallocate`, so that a signal interrupts little work.
const RESERVE_STEP: u64 = 64 << 20;

/// Which file a name or a mapping stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inode {
    pub(crate) device: u64,
    pub(crate) number: u64,
}

impl Inode {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), number: metadata.ino() }
    }
}

/// An unnamed file in `directory`, for its owner alone until its mode is set.
pub(crate) fn unnamed(directory: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE);
    options.open(directory).map_err(|error| Failure::of("open(O_TMPFILE)", &error))
}

/// A new file under `path`, for its owner alone until its mode is set.
pub(crate) fn new(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    options.open(path).map_err(|error| Failure::of("open(O_CREAT | O_EXCL)", &error))
}

/// The object that `path` names, for reading, and for writing if `write`. Follows no symbolic link at the end of the
/// path and does not wait for the far side of a FIFO.
pub(crate) fn open(path: &Path, write: bool) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.read(true).write(write).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path).map_err(|error| Failure::of("open", &error))
}

/// What kind of object `metadata` describes, in words.
pub(crate) fn kind(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_file() {
        "a regular file"
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// What a file system can say of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mount {
    /// Whether it lives in memory: tmpfs.
    pub(crate) in_memory: bool,
    /// Bytes that an unprivileged user can still allocate; `None` where there is no limit.
    pub(crate) available: Option<u64>,
}

impl Mount {
    /// The file system that `file` lies on.
    pub(crate) fn of(file: &File) -> Result<Self, Failure> {
        // SAFETY: `statfs` is plain old data, for which zeroes are a value.
        let mut buffer: libc::statfs = unsafe { core::mem::zeroed() };
        // SAFETY: I1; the descriptor is open for as long as `file` is borrowed.
        check("fstatfs", unsafe { libc::fstatfs(file.as_raw_fd(), &mut buffer) })?;
        #[allow(clippy::unnecessary_cast, reason = "the types of these fields differ between architectures")]
        Ok(Self {
            in_memory: buffer.f_type as i64 == libc::TMPFS_MAGIC as i64,
            available: (buffer.f_blocks != 0)
                .then(|| (buffer.f_bavail as u64).saturating_mul(buffer.f_bsize as u64)),
        })
    }
}

/// Gives `file` its size and reserves its blocks, so that no later touch can run out of memory.
pub(crate) fn reserve(file: &File, size: u64) -> Result<(), Failure> {
    file.set_len(size).map_err(|error| Failure::of("ftruncate", &error))?;
    let mut done = 0;
    while done < size {
        let step = RESERVE_STEP.min(size - done);
        // SAFETY: no pointer is passed; the descriptor is open for as long as `file` is borrowed.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), done as libc::off_t, step as libc::off_t) } {
            0 => done += step,
            libc::EINTR => {}
            errno => return Err(Failure { call: "posix_fallocate", errno }),
        }
    }
    Ok(())
}

/// Gives the unnamed `file` the name `path`, which must be free.
pub(crate) fn link(file: &File, path: &Path) -> Result<(), Failure> {
    let from = c_string(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())));
    let to = c_string(path);
    // SAFETY: I1.
    let result = unsafe {
        libc::linkat(libc::AT_FDCWD, from.as_ptr(), libc::AT_FDCWD, to.as_ptr(), libc::AT_SYMLINK_FOLLOW)
    };
    check("linkat", result).map(|_| ())
}

/// Renames `from` to `to`, which must be free.
pub(crate) fn rename_exclusively(from: &Path, to: &Path) -> Result<(), Failure> {
    let (from, to) = (c_string(from), c_string(to));
    // SAFETY: I1.
    let result = unsafe {
        libc::renameat2(libc::AT_FDCWD, from.as_ptr(), libc::AT_FDCWD, to.as_ptr(), libc::RENAME_NOREPLACE)
    };
    check("renameat2(RENAME_NOREPLACE)", result).map(|_| ())
}

/// Removes the name `path`.
pub(crate) fn unlink(path: &Path) -> Result<(), Failure> {
    std::fs::remove_file(path).map_err(|error| Failure::of("unlink", &error))
}

/// Which file `path` names now, and how many bytes it has; `None` where it names nothing.
pub(crate) fn named(path: &Path) -> Result<Option<(Inode, u64)>, Failure> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some((Inode::of(&metadata), metadata.len()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::of("lstat", &error)),
    }
}

/// Writes `length` bytes from memory that other processes may change meanwhile: the kernel copies, so no reference is
/// made.
///
/// # Safety
///
/// `from` must be mapped for `length` bytes; what the file has lost since is an error, not a signal.
pub(crate) unsafe fn write_raw(fd: RawFd, from: *const u8, length: usize) -> Result<usize, Failure> {
    // SAFETY: the caller's promise; the kernel only reads.
    let written = unsafe { libc::write(fd, from.cast(), length) };
    usize::try_from(written).map_err(|_| Failure::last("write"))
}

/// The size of a page of memory, in bytes.
pub(crate) fn page_size() -> usize {
    // SAFETY: sysconf takes no pointer and always knows this value on Linux.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// Makes the pages at `address` read-only.
///
/// # Safety
///
/// `[address, address + length)` must be whole pages of one mapping of the caller's, and nobody may write them again.
pub(crate) unsafe fn protect(address: *mut u8, length: usize) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    let result = unsafe { libc::mprotect(address.cast(), length, libc::PROT_READ) };
    check("mprotect(PROT_READ)", result).map(|_| ())
}

/// 128 random bits.
pub(crate) fn random() -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    // SAFETY: the buffer is as long as the call is told.
    let result = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if result == bytes.len() as isize { Ok(bytes) } else { Err(Failure::last("getrandom")) }
}

/// `path` for the kernel. Paths here hold no NUL: names are checked, directories were resolved by the system.
fn c_string(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}
