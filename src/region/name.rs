//! Names of rings, and the files that they stand for.

use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// Where `shm_open(3)` puts its objects.
const SHM_MOUNT: &str = "/dev/shm";
/// Start of the names that a ring under construction may have; no ring can be called so.
const RESERVED: &str = ".ringfence-";
const MAX_LENGTH: usize = 200;

/// A checked name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    path: PathBuf,
}

impl Name {
    /// `name` in `directory`, or in the mount of `shm_open` where there is none.
    pub(crate) fn new(directory: Option<&Path>, name: &str) -> Result<Self, OpenError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let rule = if name.is_empty() {
            Some("it is empty")
        } else if name.len() > MAX_LENGTH {
            Some("it is longer than 200 bytes")
        } else if !name.chars().all(plain) {
            Some("only letters, digits, '.', '_' and '-' are allowed")
        } else if matches!(name, "." | "..") {
            Some("it consists of dots only")
        } else if name.starts_with(RESERVED) {
            Some("names that start with \".ringfence-\" are reserved")
        } else {
            None
        };
        if let Some(rule) = rule {
            return Err(OpenError::InvalidName { name: name.to_owned(), rule });
        }
        let path = directory.unwrap_or(Path::new(SHM_MOUNT)).join(name);
        // Absolute: the name is looked up for as long as the ring is open, wherever the process changes to.
        match std::path::absolute(&path) {
            Ok(path) => Ok(Self { path }),
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or_default();
                Err(OpenError::Os { path, call: "getcwd", errno })
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// A reserved name in the same directory, made unique by `tag`.
    pub(crate) fn reserved(&self, tag: &str) -> PathBuf {
        self.directory().join(format!("{RESERVED}{tag}.new"))
    }
}
