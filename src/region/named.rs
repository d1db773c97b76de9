//! Named regions: created complete or not at all, opened with suspicion.
//!
//! ```text
//! create   unnamed file → size, blocks → header, initial words → mode, group → name (fails where it is taken)
//! open     open(O_NOFOLLOW) → regular file in memory? → header read once into private memory → checked → mapped
//! ```
//!
//! Until the name is given the file is nobody else's: a creator killed at any point leaves nothing. Hosts where
//! unnamed files cannot be linked (no `/proc`, no `O_TMPFILE`) build the file under a reserved name, whose lock byte
//! the creator holds until it is renamed.
//!
//! Invariant **I1**: a mapping made here is as long as the file was at that moment, and lives in its `Region`.

#![allow(unsafe_code)]

use core::ptr::NonNull;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt, fchown};
use std::path::Path;
use std::sync::Arc;

use memmap2::{Advice, MmapOptions, MmapRaw};

use super::{Backing, Name, Region, initialise};
use crate::error::OpenError;
use crate::layout::header::{Header, Identification, MAJOR, PREAMBLE_LENGTH, Refusal};
use crate::sys::file::{self, Inode, Mount};
use crate::sys::{Failure, lock};
use crate::vocabulary::Kind;

/// What a region is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reading and writing, or nothing.
    Write,
    /// Reading and writing; reading alone where a broadcast ring may not be written.
    Permitted,
    /// Reading alone, whatever is permitted.
    Read,
}

/// What the file of a new ring is to be.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Permission bits, set whatever the umask says.
    pub(crate) mode: u32,
    /// Group, where it is not to be the creator's.
    pub(crate) group: Option<u32>,
    /// Whether to map every page now.
    pub(crate) prefault: bool,
}

impl Region {
    /// A new region under `name`.
    pub(crate) fn create(
        name: Name,
        bytes: &[u8],
        header: Header,
        settings: &Settings,
    ) -> Result<Arc<Self>, OpenError> {
        let path = name.path().to_owned();
        if file::named(&path).map_err(|failure| os_error(&path, failure))?.is_some() {
            return Err(OpenError::NameTaken { path });
        }
        match file::unnamed(name.directory()) {
            Ok(file) => {
                let map = build(&path, &file, bytes, &header, settings)?;
                match file::link(&file, &path) {
                    Ok(()) => return Self::over(name, &file, map, header, true),
                    Err(Failure { errno: libc::ENOENT | libc::EXDEV | libc::EPERM, .. }) => {}
                    Err(failure) => return Err(os_error(&path, failure)),
                }
            }
            Err(Failure { errno: libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL, .. }) => {}
            Err(failure) => return Err(os_error(&path, failure)),
        }
        Self::create_reserved(name, bytes, header, settings)
    }

    /// A new region, built under a reserved name.
    fn create_reserved(
        name: Name,
        bytes: &[u8],
        header: Header,
        settings: &Settings,
    ) -> Result<Arc<Self>, OpenError> {
        let path = name.path().to_owned();
        let tag: String = header.identification.instance.iter().map(|byte| format!("{byte:02x}")).collect();
        let temporary = name.reserved(&tag);
        let failed = |failure| os_error(&path, failure);
        let file = file::new(&temporary).map_err(failed)?;
        // On a description of its own: the one that is mapped would hold the lock as long as the region lives.
        let byte = lock::Bytes::one(header.identification.lock_name);
        let locked = file::open(&temporary, true).and_then(|it| lock::try_lock(&it, byte).map(|_| it));
        let built = locked.map_err(failed).and_then(|locked| {
            let map = build(&path, &file, bytes, &header, settings)?;
            file::rename_exclusively(&temporary, &path).map_err(failed)?;
            // Said, not left to the close: a child forked meanwhile shares the description.
            lock::unlock(&locked, byte).map_err(failed)?;
            Ok(map)
        });
        match built {
            Ok(map) => Self::over(name, &file, map, header, true),
            Err(error) => {
                // The name is of 128 random bits, and its removal is all that can still be done.
                let _ = file::unlink(&temporary);
                Err(error)
            }
        }
    }

    /// The region that has `name`, its header validated.
    pub(crate) fn open(name: Name, access: Access) -> Result<Arc<Self>, OpenError> {
        let path = name.path();
        let (file, denied) = match file::open(path, access != Access::Read) {
            Err(failure) if access == Access::Permitted && forbids_writing(failure) => {
                (file::open(path, false), Some(failure))
            }
            opened => (opened, None),
        };
        let file = checked(path, file)?;
        let size = file_size(path, &file)?;
        let identification = read_preamble(path, &file)?;
        let length = identification.supported_length().map_err(|it| refusal(path, it))?;
        if size != identification.total_size {
            let (expected, path) = (identification.total_size, path.to_owned());
            return Err(if size < expected {
                OpenError::Truncated { path, expected, found: size }
            } else {
                OpenError::Grown { path, expected, found: size }
            });
        }
        let header = Header::decode(&read_header(path, &file, length)?).map_err(|it| refusal(path, it))?;
        if let Some(failure) = denied.filter(|_| header.kind != Kind::Broadcast) {
            return Err(os_error(path, failure));
        }
        let writable = access != Access::Read && denied.is_none();
        let map = if writable {
            let map = map(path, &file, size)?;
            protect_header(path, &map, &header)?;
            map
        } else {
            map_for_reading(path, &file, size)?
        };
        Self::over(name, &file, map, header, writable)
    }

    /// The region of `header` in `map`, of all of `file`.
    fn over(
        name: Name,
        file: &File,
        map: MmapRaw,
        header: Header,
        writable: bool,
    ) -> Result<Arc<Self>, OpenError> {
        let metadata =
            file.metadata().map_err(|error| os_error(name.path(), Failure::of("fstat", &error)))?;
        let Some(base) = NonNull::new(map.as_mut_ptr()) else {
            return Err(os_error(name.path(), Failure { call: "mmap", errno: libc::EFAULT }));
        };
        let inode = Inode::of(&metadata);
        Ok(Arc::new(Self { base, header, backing: Backing::Named { _map: map, name, inode, writable } }))
    }
}

/// What the preamble of the file under `name` says.
pub(crate) fn identify(name: &Name) -> Result<Identification, OpenError> {
    let path = name.path();
    read_preamble(path, &checked(path, file::open(path, false))?)
}

fn read_preamble(path: &Path, file: &File) -> Result<Identification, OpenError> {
    Identification::decode(&read_header(path, file, PREAMBLE_LENGTH)?).map_err(|it| refusal(path, it))
}

/// Sizes, fills and maps the new `file`, which nobody else can see yet.
fn build(
    path: &Path,
    file: &File,
    bytes: &[u8],
    header: &Header,
    settings: &Settings,
) -> Result<MmapRaw, OpenError> {
    let failed = |failure| os_error(path, failure);
    let mount = Mount::of(file).map_err(failed)?;
    if !mount.in_memory {
        return Err(OpenError::NotInMemory { path: path.to_owned() });
    }
    let needed = header.geometry.total;
    let no_space =
        || OpenError::NoSpace { path: path.to_owned(), needed, available: mount.available.unwrap_or(0) };
    // Asked first, because a reservation of more than there is fills the mount for everybody while it fails.
    if mount.available.is_some_and(|available| needed > available) {
        return Err(no_space());
    }
    match file::reserve(file, needed) {
        Ok(()) => {}
        Err(Failure { errno: libc::ENOSPC | libc::EFBIG, .. }) => return Err(no_space()),
        Err(failure) => return Err(failed(failure)),
    }
    let map = map(path, file, needed)?;
    if settings.prefault {
        match map.advise(Advice::PopulateWrite) {
            Ok(()) => {}
            // EINVAL: before Linux 5.14; the initial words touch every page anyway.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
            Err(error) if matches!(error.raw_os_error(), Some(libc::EFAULT | libc::ENOMEM)) => {
                return Err(no_space());
            }
            Err(error) => return Err(failed(Failure::of("madvise(MADV_POPULATE_WRITE)", &error))),
        }
    }
    let Some(base) = NonNull::new(map.as_mut_ptr()) else {
        return Err(failed(Failure { call: "mmap", errno: libc::EFAULT }));
    };
    // SAFETY: I1: the mapping has `total` zeroed bytes, aligned to a page, of a file that nobody else opens yet.
    unsafe { initialise(base, bytes, header) };
    protect_header(path, &map, header)?;
    if let Some(group) = settings.group {
        fchown(file, None, Some(group)).map_err(|error| failed(Failure::of("fchown", &error)))?;
    }
    let permissions = Permissions::from_mode(settings.mode);
    file.set_permissions(permissions).map_err(|error| failed(Failure::of("fchmod", &error)))?;
    Ok(map)
}

/// Whether a file that could not be opened for writing may be open to readers.
fn forbids_writing(failure: Failure) -> bool {
    matches!(failure.errno, libc::EACCES | libc::EPERM | libc::EROFS)
}

/// What was `opened` as `path`, if it is a regular file in memory.
fn checked(path: &Path, opened: Result<File, Failure>) -> Result<File, OpenError> {
    let file = opened.map_err(|failure| match failure.errno {
        // Refused before there was a description to ask: the name's own kind says why.
        libc::ELOOP | libc::ENXIO | libc::EISDIR => match std::fs::symlink_metadata(path) {
            Ok(metadata) => OpenError::NotAFile { path: path.to_owned(), found: file::kind(&metadata) },
            Err(_) => os_error(path, failure),
        },
        _ => os_error(path, failure),
    })?;
    let metadata = file.metadata().map_err(|error| os_error(path, Failure::of("fstat", &error)))?;
    if !metadata.is_file() {
        return Err(OpenError::NotAFile { path: path.to_owned(), found: file::kind(&metadata) });
    }
    if !Mount::of(&file).map_err(|failure| os_error(path, failure))?.in_memory {
        return Err(OpenError::NotInMemory { path: path.to_owned() });
    }
    Ok(file)
}

fn file_size(path: &Path, file: &File) -> Result<u64, OpenError> {
    file.metadata().map(|it| it.len()).map_err(|error| os_error(path, Failure::of("fstat", &error)))
}

/// The first `length` bytes of `file`, read by the kernel: a file cut short meanwhile is an error, not a signal.
fn read_header(path: &Path, file: &File, length: usize) -> Result<Vec<u8>, OpenError> {
    let mut bytes = vec![0; length];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(OpenError::Truncated {
            path: path.to_owned(),
            expected: length as u64,
            found: file_size(path, file)?,
        }),
        Err(error) => Err(os_error(path, Failure::of("pread", &error))),
    }
}

fn map(path: &Path, file: &File, size: u64) -> Result<MmapRaw, OpenError> {
    let length = usize::try_from(size).unwrap_or(usize::MAX);
    let mapped = MmapOptions::new().len(length).map_raw(file);
    mapped.map_err(|error| os_error(path, Failure::of("mmap", &error)))
}

fn map_for_reading(path: &Path, file: &File, size: u64) -> Result<MmapRaw, OpenError> {
    let length = usize::try_from(size).unwrap_or(usize::MAX);
    let mapped = MmapOptions::new().len(length).map_raw_read_only(file);
    mapped.map_err(|error| os_error(path, Failure::of("mmap(PROT_READ)", &error)))
}

/// Takes away our own write access to the header, so that no bug of ours can change it.
fn protect_header(path: &Path, map: &MmapRaw, header: &Header) -> Result<(), OpenError> {
    let length = header.geometry.header_length as usize;
    if !length.is_multiple_of(file::page_size()) {
        // Created where pages are smaller; the header shares a page with words that must stay writable.
        return Ok(());
    }
    // SAFETY: I1; the header is whole pages at the start of our mapping, and it is complete.
    unsafe { file::protect(map.as_mut_ptr(), length) }.map_err(|failure| os_error(path, failure))
}

/// What a refused header means for the one who opened `path`.
pub(super) fn refusal(path: &Path, refusal: Refusal) -> OpenError {
    let path = path.to_owned();
    match refusal {
        Refusal::Truncated { expected, found } => OpenError::Truncated { path, expected, found },
        Refusal::Magic { found } => OpenError::NotARing { path, found },
        Refusal::Checksum { part, expected, found } => OpenError::Damaged { path, part, expected, found },
        Refusal::Major { found } => OpenError::UnsupportedVersion { path, supported: MAJOR, found },
        Refusal::Features { found } => OpenError::UnsupportedFeatures { path, found },
        Refusal::Invalid { what } => OpenError::Invalid { path, what },
    }
}

/// What a failed call on `path` means for its caller.
pub(crate) fn os_error(path: &Path, Failure { call, errno }: Failure) -> OpenError {
    let path = path.to_owned();
    match errno {
        libc::ENOENT => OpenError::NotFound { path },
        libc::EEXIST => OpenError::NameTaken { path },
        libc::EACCES | libc::EPERM => OpenError::PermissionDenied { path, call },
        errno => OpenError::Os { path, call, errno },
    }
}
