//! Every error type. Each carries the numbers that a person needs to act on it.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use static_assertions::const_assert;

use crate::position::Position;
use crate::vocabulary::{Kind, Role};

/// A shared word that held a value which the protocol cannot produce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Word {
    /// The stamp of a slot.
    Stamp,
    /// The read side's cursor.
    Head,
    /// The write side's cursor.
    Tail,
    /// The length of an item of bytes.
    Length,
    /// The record of who claimed a position (mpmc).
    Claim,
    /// The header of a record (stream).
    Frame,
    /// The cursor of what was lent to the kernel (stream).
    Sent,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stamp => "stamp",
            Self::Head => "head",
            Self::Tail => "tail",
            Self::Length => "length",
            Self::Claim => "claim record",
            Self::Frame => "header of a record",
            Self::Sent => "sent",
        })
    }
}

/// A shared word holds what the protocol cannot produce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Corruption {
    pub(crate) what: Word,
    pub(crate) found: u64,
}

/// What makes a handle useless, or its ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The participant on the other side died, and this handle was asked not to wait for its successor.
    PeerDied {
        /// How often the peer's role had been attached.
        epoch: u64,
    },
    /// The ring's name was removed, or given to another ring: nobody new can join this one.
    Unlinked,
    /// A shared word holds what no correct peer writes. The handle refuses to go on; other rings are unaffected.
    Corrupted {
        /// Which word.
        what: Word,
        /// What it held.
        found: u64,
    },
    /// The ring's file was truncated: its memory is gone. Noticed by a call that sleeps; one that touches the memory gets
    /// `SIGBUS`.
    Truncated,
    /// The handle was inherited by a forked child; it belongs to the parent.
    Forked,
    /// The [`Bridge`](crate::Bridge) that wakes the handle's task was stopped. The handle itself still works.
    Stopped,
    /// The operating system refused what is needed to go on; the value of `errno`.
    Os(i32),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerDied { epoch } => write!(f, "the peer died (epoch {epoch} of its role)"),
            Self::Unlinked => f.write_str("the ring was unlinked"),
            Self::Corrupted { what, found } => {
                write!(f, "shared memory is corrupted: {what} holds {found:#x}, which no correct peer writes")
            }
            Self::Truncated => f.write_str("the ring's file was truncated: its memory is gone"),
            Self::Forked => f.write_str("the handle belongs to the parent of this forked process"),
            Self::Stopped => f.write_str("the bridge that wakes the handle's task was stopped"),
            Self::Os(errno) => write!(f, "{}", io::Error::from_raw_os_error(*errno)),
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(not(loom))]
impl Fault {
    /// What it means that a ring's futex cannot be slept on.
    pub(crate) fn of_sleep(errno: i32) -> Self {
        if errno == libc::EFAULT { Self::Truncated } else { Self::Os(errno) }
    }
}

/// Why nothing was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError {
    /// No slot is free. Only the `try_` forms say this.
    Full,
    /// The next slot's last owner has not finished with it, while later slots may be free (mpmc). It lives, as far as is
    /// known: a dead one is repaired. A call with a limit says this instead of `Timeout`.
    Held {
        /// Number of its entry ([`Participant::index`](crate::Participant::index)).
        by: u32,
    },
    /// The limit passed before a slot was free.
    Timeout,
    /// The ring was closed.
    Closed,
    /// The item is longer than the ring's slots.
    TooLong {
        /// Bytes of the item (the largest `u32` for longer ones).
        len: u32,
        /// Bytes that a slot holds.
        max: u32,
    },
    /// The handle or its ring cannot be used any more.
    Broken(Fault),
}

const_assert!(size_of::<PushError>() <= 16);

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the ring is full"),
            Self::Held { by } => write!(f, "participant {by} has not finished with the next slot"),
            Self::Timeout => f.write_str("the ring was still full when the limit passed"),
            Self::Closed => f.write_str("the ring is closed"),
            Self::TooLong { len, max } => {
                write!(f, "the item is {len} bytes long, the ring's slots hold {max}")
            }
            Self::Broken(fault) => fmt::Display::fmt(fault, f),
        }
    }
}

impl std::error::Error for PushError {}

impl From<Fault> for PushError {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}

/// Why nothing was popped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PopError {
    /// No item is there. Only the `try_` forms say this.
    Empty,
    /// The oldest item is claimed by a producer that has not committed it, while later ones may be there; or the ring is
    /// closed, and another consumer has not released one of its last items (mpmc). It lives, as far as is known: a dead
    /// one is repaired. A call with a limit says this instead of `Timeout`.
    Held {
        /// Number of its entry ([`Participant::index`](crate::Participant::index)).
        by: u32,
    },
    /// A reader that is gone had lent the kernel what comes next, to send it without a copy, and nobody knows whether that is
    /// finished with it ([`abandon_in_flight`](crate::stream::Reader::abandon_in_flight); stream).
    InFlight,
    /// The limit passed before an item came.
    Timeout,
    /// The ring was closed and no item is left to deliver: none will come.
    Closed,
    /// The handle or its ring cannot be used any more.
    Broken(Fault),
}

const_assert!(size_of::<PopError>() <= 16);

impl fmt::Display for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the ring is empty"),
            Self::Held { by } => write!(f, "participant {by} has not finished with its item"),
            Self::InFlight => f.write_str("a reader that is gone had lent the kernel what comes next"),
            Self::Timeout => f.write_str("the ring was still empty when the limit passed"),
            Self::Closed => f.write_str("the ring is closed and drained"),
            Self::Broken(fault) => fmt::Display::fmt(fault, f),
        }
    }
}

impl std::error::Error for PopError {}

impl From<Fault> for PopError {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}

/// Why nothing was moved between a stream and a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferError {
    /// Nothing is there to be sent. Only the `try_` forms say this.
    Empty,
    /// There is no room for what would be read. Only the `try_` forms say this.
    Full,
    /// As [`PopError::InFlight`].
    InFlight,
    /// The descriptor does not take, or have, anything now (`EAGAIN`).
    WouldBlock,
    /// The limit passed before there was something to be done.
    Timeout,
    /// The ring was closed; where it is drained, nothing is left in it.
    Closed,
    /// The handle or its ring cannot be used any more.
    Broken(Fault),
    /// The operating system refused; what was in the ring still is.
    Os {
        /// The call that failed.
        call: &'static str,
        /// Why: the value of `errno`.
        errno: i32,
    },
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => fmt::Display::fmt(&PopError::Empty, f),
            Self::Full => fmt::Display::fmt(&PushError::Full, f),
            Self::InFlight => fmt::Display::fmt(&PopError::InFlight, f),
            Self::WouldBlock => f.write_str("the descriptor is not ready"),
            Self::Timeout => f.write_str("there was nothing to be done when the limit passed"),
            Self::Closed => f.write_str("the ring is closed"),
            Self::Broken(fault) => fmt::Display::fmt(fault, f),
            Self::Os { call, errno } => write!(f, "{call}: {}", io::Error::from_raw_os_error(*errno)),
        }
    }
}

impl std::error::Error for TransferError {}

impl From<Fault> for TransferError {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}

impl From<PopError> for TransferError {
    fn from(error: PopError) -> Self {
        match error {
            // Nobody holds a stream up.
            PopError::Empty | PopError::Held { .. } => Self::Empty,
            PopError::InFlight => Self::InFlight,
            PopError::Timeout => Self::Timeout,
            PopError::Closed => Self::Closed,
            PopError::Broken(fault) => Self::Broken(fault),
        }
    }
}

impl From<PushError> for TransferError {
    fn from(error: PushError) -> Self {
        match error {
            // As above; and bytes have no length that could be too large.
            PushError::Full | PushError::Held { .. } | PushError::TooLong { .. } => Self::Full,
            PushError::Timeout => Self::Timeout,
            PushError::Closed => Self::Closed,
            PushError::Broken(fault) => Self::Broken(fault),
        }
    }
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvError {
    /// The next item has not been published yet. Only the `try_` forms say this.
    Empty,
    /// Items were overwritten before this subscriber had come to them. It goes on behind the gap with the next call.
    Lagged {
        /// How many items it missed: exactly, so that received and missed ones add up to those published.
        missed: u64,
        /// Where it goes on.
        resumed_at: Position,
    },
    /// The newest item was overwritten whenever it was tried: the publisher is faster, on a ring of few slots. Only
    /// [`latest`](crate::broadcast::Subscriber::latest) says this.
    Contended,
    /// The limit passed before an item came.
    Timeout,
    /// The ring was closed and no item is left to receive: none will come.
    Closed,
    /// The handle or its ring cannot be used any more.
    Broken(Fault),
}

const_assert!(size_of::<RecvError>() <= 24);

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("nothing new was published"),
            Self::Lagged { missed, resumed_at } => {
                write!(
                    f,
                    "{missed} items were overwritten before they were received; going on at {resumed_at}"
                )
            }
            Self::Contended => f.write_str("the newest item was overwritten whenever it was tried"),
            Self::Timeout => f.write_str("nothing new had been published when the limit passed"),
            Self::Closed => f.write_str("the ring is closed, and everything was received"),
            Self::Broken(fault) => fmt::Display::fmt(fault, f),
        }
    }
}

impl std::error::Error for RecvError {}

impl From<Fault> for RecvError {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}

/// An error after which another try can succeed by itself.
#[cfg(not(loom))]
pub(crate) trait Passing: From<Fault> {
    /// What it says once the limit of a wait has passed.
    const TIMEOUT: Self;

    fn passes(&self) -> bool;

    /// Whether it tells of a gap, behind which the handle goes on.
    #[cfg(feature = "async")]
    fn is_gap(&self) -> bool {
        false
    }
}

#[cfg(not(loom))]
impl Passing for PopError {
    const TIMEOUT: Self = Self::Timeout;

    fn passes(&self) -> bool {
        matches!(self, Self::Empty | Self::Held { .. })
    }
}

#[cfg(not(loom))]
impl Passing for RecvError {
    const TIMEOUT: Self = Self::Timeout;

    fn passes(&self) -> bool {
        matches!(self, Self::Empty)
    }

    #[cfg(feature = "async")]
    fn is_gap(&self) -> bool {
        matches!(self, Self::Lagged { .. })
    }
}

#[cfg(not(loom))]
impl Passing for PushError {
    const TIMEOUT: Self = Self::Timeout;

    fn passes(&self) -> bool {
        matches!(self, Self::Full | Self::Held { .. })
    }
}

/// Why a [`WaitSet`](crate::WaitSet) found nothing, or a doorbell could not be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitError {
    /// The limit passed before any doorbell rang.
    Timeout,
    /// The wait was cancelled ([`Canceller::cancel`](crate::Canceller::cancel)).
    Cancelled,
    /// The ring has no doorbells: it was created with [`busy_poll`](crate::spsc::Options::busy_poll), or it was opened for
    /// reading only ([`Attach::read_only`](crate::Attach::read_only)).
    NoDoorbell,
    /// One doorbell more than can be watched at once.
    TooMany {
        /// Doorbells there would have been.
        found: usize,
        /// Doorbells that there can be.
        max: usize,
    },
    /// The bridge was stopped: it watches nothing any more.
    Stopped,
    /// Another thread runs the bridge already.
    Running,
    /// The bridge belongs to the parent of this forked process.
    Forked,
    /// The operating system refused.
    Os {
        /// The call that failed.
        call: &'static str,
        /// Why: the value of `errno`.
        errno: i32,
    },
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no doorbell had rung when the limit passed"),
            Self::Cancelled => f.write_str("the wait was cancelled"),
            Self::NoDoorbell => {
                f.write_str("a ring of busy_poll, or one opened for reading only, has no doorbells")
            }
            Self::TooMany { found, max } => {
                write!(f, "{found} doorbells are too many: {max} can be watched at once")
            }
            Self::Stopped => f.write_str("the bridge was stopped"),
            Self::Running => f.write_str("another thread runs the bridge already"),
            Self::Forked => f.write_str("the bridge belongs to the parent of this forked process"),
            Self::Os { call, errno } => write!(f, "{call}: {}", io::Error::from_raw_os_error(*errno)),
        }
    }
}

impl std::error::Error for WaitError {}

/// A position was to be released that this consumer has not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReleaseError {
    /// Nothing up to this position has been read yet.
    NotRead {
        /// How many positions it lies beyond the last one read.
        beyond: u64,
    },
    /// The handle or its ring cannot be used any more.
    Broken(Fault),
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRead { beyond } => {
                write!(f, "the position lies {beyond} beyond the last item that was read")
            }
            Self::Broken(fault) => fmt::Display::fmt(fault, f),
        }
    }
}

impl std::error::Error for ReleaseError {}

impl From<Fault> for ReleaseError {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}

/// Who holds a role, as its own entry in the region says it; for people, not for decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// What it does.
    pub role: Role,
    /// Its process, as seen in its own PID namespace.
    pub pid: u32,
    /// What it called itself ([`Attach::label`](crate::Attach::label)).
    pub label: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in process {}", self.role, self.pid)?;
        if self.label.is_empty() { Ok(()) } else { write!(f, " ({})", self.label) }
    }
}

/// Why a handle could not be attached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttachError {
    /// Another living handle has the role. A stopped process lives.
    RoleTaken {
        /// Who.
        holder: Holder,
    },
    /// Every entry of the participant table that could be taken has a living owner.
    TooMany {
        /// How many there can be: [`participants`](crate::mpmc::Options::participants) of an mpmc ring, gates without a name
        /// ([`gated`](crate::broadcast::Options::gated)) of a broadcast ring.
        max: u32,
    },
    /// The ring has no gate of this name (broadcast).
    NoGate {
        /// The name that was asked for.
        name: String,
        /// The names of the gates that it has.
        gates: Vec<String>,
    },
    /// The ring's name was removed, or given to another ring, since the ring was opened.
    Unlinked,
    /// A shared word holds what no correct peer writes.
    Corrupted {
        /// Which word.
        what: Word,
        /// What it held.
        found: u64,
    },
    /// A ring of one process's heap was inherited by a forked child.
    Forked,
    /// The ring was opened for reading only (broadcast): because [`Attach::read_only`](crate::Attach::read_only) asked for
    /// it, or because this process has no permission to write to it.
    ReadOnly,
    /// The operating system refused.
    Os {
        /// The call that failed.
        call: &'static str,
        /// Why: the value of `errno`.
        errno: i32,
    },
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoleTaken { holder } => write!(f, "the role is taken by the {holder}"),
            Self::TooMany { max: 0 } => f.write_str("the ring has no gates that are anyone's"),
            Self::TooMany { max } => write!(f, "all {max} entries of the ring have living owners"),
            Self::NoGate { name, gates } => {
                write!(f, "the ring has no gate {name:?}; it has ")?;
                if gates.is_empty() { f.write_str("none with a name") } else { write!(f, "{gates:?}") }
            }
            Self::Unlinked => fmt::Display::fmt(&Fault::Unlinked, f),
            Self::Corrupted { what, found } => {
                fmt::Display::fmt(&Fault::Corrupted { what: *what, found: *found }, f)
            }
            Self::Forked => f.write_str("a ring on the heap belongs to the parent of this forked process"),
            Self::ReadOnly => f.write_str("the ring was opened for reading only"),
            Self::Os { call, errno } => write!(f, "{call}: {}", io::Error::from_raw_os_error(*errno)),
        }
    }
}

impl std::error::Error for AttachError {}

#[cfg(not(loom))]
impl From<Corruption> for AttachError {
    fn from(Corruption { what, found }: Corruption) -> Self {
        Self::Corrupted { what, found }
    }
}

/// One thing in which a ring is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// What differs: `kind`, `capacity`, `field price` …
    pub what: String,
    /// What the caller has.
    pub expected: String,
    /// What the ring has.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.what, self.expected, self.found)
    }
}

/// Why a ring could not be created or opened. Nothing was created and nothing is left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is not one that a ring can have.
    InvalidName {
        /// The name.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// An option has a value that no ring can have.
    InvalidOption {
        /// The option.
        option: &'static str,
        /// Its value.
        found: u64,
        /// The values that it may have.
        allowed: &'static str,
    },
    /// The ring would be larger than an address space, or its schema longer than a header.
    TooLarge {
        /// Slots asked for.
        capacity: u64,
        /// Bytes of one slot.
        slot: u64,
    },
    /// Nothing has the name.
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Something has the name already.
    NameTaken {
        /// Where.
        path: PathBuf,
    },
    /// The permissions of the object or of its directory forbid it.
    PermissionDenied {
        /// Which object.
        path: PathBuf,
        /// The call that was refused.
        call: &'static str,
    },
    /// [`Attach::read_only`](crate::Attach::read_only) was asked for where reading is not enough: to open a ring of any
    /// kind but broadcast, or to create one.
    ReadOnly {
        /// Which ring.
        path: PathBuf,
        /// The kind that was asked for.
        kind: Kind,
    },
    /// What has the name is no regular file.
    NotAFile {
        /// Which object.
        path: PathBuf,
        /// What it is instead.
        found: &'static str,
    },
    /// The file does not lie on a file system in memory (tmpfs).
    NotInMemory {
        /// Which file or directory.
        path: PathBuf,
    },
    /// The file is shorter than its header says, or than a header.
    Truncated {
        /// Which file.
        path: PathBuf,
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The file is longer than its header says.
    Grown {
        /// Which file.
        path: PathBuf,
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The file is no ring: it does not start with the magic bytes.
    NotARing {
        /// Which file.
        path: PathBuf,
        /// What it starts with instead.
        found: [u8; 8],
    },
    /// The ring has another major layout version.
    UnsupportedVersion {
        /// Which ring.
        path: PathBuf,
        /// The version that this build knows.
        supported: u16,
        /// The ring's.
        found: u16,
    },
    /// The ring needs features that this build does not know.
    UnsupportedFeatures {
        /// Which ring.
        path: PathBuf,
        /// Their bits.
        found: u64,
    },
    /// The header is damaged: its checksum does not match.
    Damaged {
        /// Which ring.
        path: PathBuf,
        /// Which part of the header.
        part: &'static str,
        /// The checksum that is recorded.
        expected: u32,
        /// The checksum of what is there.
        found: u32,
    },
    /// The header contradicts itself, though its checksum is right.
    Invalid {
        /// Which ring.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// The ring is not what was asked for.
    Mismatch {
        /// Which ring.
        path: PathBuf,
        /// Everything that differs.
        differences: Vec<Difference>,
    },
    /// There is not enough memory.
    NoSpace {
        /// What was to be created.
        path: PathBuf,
        /// Bytes that the ring needs.
        needed: u64,
        /// Bytes that the file system has left.
        available: u64,
    },
    /// The name kept appearing and vanishing.
    Unstable {
        /// Which name.
        path: PathBuf,
        /// How often it was tried.
        attempts: u32,
    },
    /// The operating system refused.
    Os {
        /// Which object.
        path: PathBuf,
        /// The call that failed.
        call: &'static str,
        /// Why: the value of `errno`.
        errno: i32,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |path: &Path| path.display().to_string();
        match self {
            Self::InvalidName { name, rule } => write!(f, "{name:?} is no valid name: {rule}"),
            Self::InvalidOption { option, found, allowed } => {
                write!(f, "{option} is {found}, allowed is {allowed}")
            }
            Self::TooLarge { capacity, slot } => {
                write!(f, "{capacity} slots of {slot} bytes do not fit into an address space")
            }
            Self::NotFound { path } => write!(f, "{}: no such file", at(path)),
            Self::NameTaken { path } => write!(f, "{}: the name is taken", at(path)),
            Self::PermissionDenied { path, call } => write!(f, "{}: permission denied ({call})", at(path)),
            Self::ReadOnly { path, kind: Kind::Broadcast } => {
                write!(f, "{}: a ring cannot be created for reading only", at(path))
            }
            Self::ReadOnly { path, kind } => {
                write!(f, "{}: reading only is not enough to use a ring of kind {kind}", at(path))
            }
            Self::NotAFile { path, found } => {
                write!(f, "{}: expected a regular file, found {found}", at(path))
            }
            Self::NotInMemory { path } => {
                write!(f, "{}: expected a file system in memory (tmpfs)", at(path))
            }
            Self::Truncated { path, expected, found } => {
                write!(f, "{}: truncated: expected {expected} bytes, found {found}", at(path))
            }
            Self::Grown { path, expected, found } => {
                write!(f, "{}: grown: expected {expected} bytes, found {found}", at(path))
            }
            Self::NotARing { path, found } => {
                write!(f, "{}: not a ring: it starts with \"{}\"", at(path), found.escape_ascii())
            }
            Self::UnsupportedVersion { path, supported, found } => {
                write!(f, "{}: layout version {found}, this build knows {supported}", at(path))
            }
            Self::UnsupportedFeatures { path, found } => {
                write!(f, "{}: needs features {found:#x} that this build does not know", at(path))
            }
            Self::Damaged { path, part, expected, found } => write!(
                f,
                "{}: {part} damaged: its checksum should be {expected:#010x}, it is {found:#010x}",
                at(path)
            ),
            Self::Invalid { path, what } => write!(f, "{}: invalid header: {what}", at(path)),
            Self::Mismatch { path, differences } => {
                write!(f, "{}: not the ring that was asked for", at(path))?;
                differences.iter().try_for_each(|it| write!(f, "; {it}"))
            }
            Self::NoSpace { path, needed, available } => {
                write!(f, "{}: the ring needs {needed} bytes, {available} are available", at(path))
            }
            Self::Unstable { path, attempts } => {
                write!(f, "{}: the name appeared and vanished during {attempts} attempts", at(path))
            }
            Self::Os { path, call, errno } => {
                write!(f, "{}: {call}: {}", at(path), io::Error::from_raw_os_error(*errno))
            }
        }
    }
}

impl std::error::Error for OpenError {}

/// Why a ring's name was not removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnlinkError {
    /// Living participants use the ring.
    InUse {
        /// Who: empty where they came and went while they were counted.
        holders: Vec<Holder>,
    },
    /// The name stands for another file by now.
    Replaced {
        /// Which name.
        path: PathBuf,
    },
    /// The ring was opened for reading only (broadcast): this process cannot change it, nor its name.
    ReadOnly {
        /// Which ring.
        path: PathBuf,
    },
    /// Nothing has the name, or what has it is no ring.
    Open(OpenError),
    /// The ring has no name: it lives on the heap.
    Nameless,
    /// The operating system refused.
    Os {
        /// Which object.
        path: PathBuf,
        /// The call that failed.
        call: &'static str,
        /// Why: the value of `errno`.
        errno: i32,
    },
}

impl fmt::Display for UnlinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { holders } => {
                f.write_str("the ring is in use")?;
                holders.iter().try_for_each(|it| write!(f, "; {it}"))
            }
            Self::Replaced { path } => {
                write!(f, "{}: the name stands for another file by now", path.display())
            }
            Self::ReadOnly { path } => {
                write!(f, "{}: the ring was opened for reading only", path.display())
            }
            Self::Open(error) => fmt::Display::fmt(error, f),
            Self::Nameless => f.write_str("a ring on the heap has no name"),
            Self::Os { path, call, errno } => {
                write!(f, "{}: {call}: {}", path.display(), io::Error::from_raw_os_error(*errno))
            }
        }
    }
}

impl std::error::Error for UnlinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open(error) => Some(error),
            _ => None,
        }
    }
}

impl From<OpenError> for UnlinkError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}
