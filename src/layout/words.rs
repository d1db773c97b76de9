//! The mutable words that processes share: one line of 128 bytes for each that is written by one side and read by
//! another, so that a hand-off moves one line and nothing else.
//!
//! ```text
//! shared words (4096 bytes, zero where nothing is named)        entry of a participant (256 bytes)
//!    0 status        closed, closing, retired; epochs             0 who: state, role, epoch, pid, label …
//!  128 tail          write side                                 128 counters: sixteen, written by the owner only
//!  256 head          read side
//!  384 read_mark     read, not yet released
//!  512 sent          drained, not yet released (stream)
//!  640 not_empty     doorbell
//!  768 not_full      doorbell
//!
//! gate of a subscriber (128 bytes, broadcast)
//!    0 cursor, standing, mark, joined
//! ```
//!
//! Everything here is a hint from a possibly broken peer: masked, clamped, compared with private copies. Under
//! `cfg(loom)` the same definitions are boxed instead of mapped.

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicU32, AtomicU64};

/// The words of a ring that do not belong to one participant.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Shared {
    /// Read-mostly: read by every push, written a few times in a ring's life.
    pub(crate) status: CachePadded<Status>,
    /// Write side: the position that the next item gets.
    pub(crate) tail: CachePadded<AtomicU64>,
    /// Read side: the position of the oldest item that was not released.
    pub(crate) head: CachePadded<AtomicU64>,
    /// Items below this position may have been looked at: whoever delivers them again says so.
    pub(crate) read_mark: CachePadded<AtomicU64>,
    /// How far a drainer had handed items to the kernel (stream).
    pub(crate) sent: CachePadded<AtomicU64>,
    /// Rung when an item becomes available.
    pub(crate) not_empty: CachePadded<Bell>,
    /// Rung when room becomes available.
    pub(crate) not_full: CachePadded<Bell>,
}

/// The read-mostly line.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Status {
    /// [`CLOSED`] | [`CLOSING`] | [`RETIRED`]; zero while the ring works.
    pub(crate) flags: AtomicU64,
    /// Grows when an item is handed back for another consumer (mpmc).
    pub(crate) orphan_epoch: AtomicU64,
    /// How often somebody attached who relies on the sleeper's membarrier; zero: nobody ever did.
    pub(crate) asymmetric: AtomicU64,
    /// [`MANY_WRITERS`] | [`MANY_READERS`]: two of them were attached at the same time, once (mpmc).
    pub(crate) many: AtomicU64,
}

/// More than one producer was attached at a time.
pub(crate) const MANY_WRITERS: u64 = 1;
/// More than one consumer was attached at a time.
pub(crate) const MANY_READERS: u64 = 2;

/// Set by the holder of the writer's byte: nothing follows what is in the ring.
pub(crate) const CLOSED: u64 = 1;
/// Set by anyone: no push succeeds any more; what was begun is still delivered.
pub(crate) const CLOSING: u64 = 2;
/// Set by the remover of the ring's name.
pub(crate) const RETIRED: u64 = 4;

/// A futex word and whether anybody listens to it; see [`crate::doorbell`].
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Bell {
    /// The futex: grows with every ring.
    pub(crate) event: AtomicU32,
    /// `ticket << 1 | somebody may sleep`.
    pub(crate) armed: AtomicU32,
}

/// One participant: who holds the lock byte of the same number.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Entry {
    /// For people; only `state` and `epoch` are read by the code.
    pub(crate) who: CachePadded<Who>,
    /// Written by the owner of the entry, read by tools; numbered by [`counter`].
    pub(crate) counters: CachePadded<[AtomicU64; 16]>,
}

/// The first line of an entry.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Who {
    /// [`state`].
    pub(crate) state: AtomicU32,
    /// Code of the [`Role`](crate::Role).
    pub(crate) role: AtomicU32,
    /// How often the entry was attached.
    pub(crate) epoch: AtomicU64,
    /// How the last owner went: [`exit`].
    pub(crate) last_exit: AtomicU32,
    /// Pid of whoever repairs the entry at the moment; 0 for nobody.
    pub(crate) repairer: AtomicU32,
    /// Pid of the owner, as the owner sees it.
    pub(crate) pid: AtomicU32,
    /// Zero.
    pub(crate) reserved: AtomicU32,
    /// Start time of the owner in clock ticks since boot.
    pub(crate) pid_start: AtomicU64,
    /// Inode of the owner's PID namespace.
    pub(crate) pid_namespace: AtomicU64,
    /// The first 64 bits of the boot id of the owner's host.
    pub(crate) host: AtomicU64,
    /// When the owner attached, in nanoseconds since 1970.
    pub(crate) attached_at: AtomicU64,
    /// UTF-8, zero-padded.
    pub(crate) label: [AtomicU64; LABEL_WORDS],
}

/// Length of a label, in words of eight bytes.
pub(crate) const LABEL_WORDS: usize = 6;

/// A gate: where a gated subscriber holds the publisher up (broadcast). Written by the owner of its entry, read by the
/// publisher.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Gate {
    /// The position of the oldest item that the subscriber has not released.
    pub(crate) cursor: AtomicU64,
    /// `generation << 2 | state`: whether the gate holds the publisher up.
    pub(crate) standing: AtomicU64,
    /// Items below this position may have been looked at: a successor that gets them says so.
    pub(crate) mark: AtomicU64,
    /// The position from which on nothing is missed, for a successor; of an active gate.
    pub(crate) joined: AtomicU64,
}

/// What [`Who::state`] says.
pub(crate) mod state {
    /// Nobody's; whoever had it cleaned up behind itself.
    pub(crate) const FREE: u32 = 0;
    /// Somebody's; with the lock byte free, a dead one's.
    pub(crate) const IN_USE: u32 = 1;
}

/// What [`Who::last_exit`] says.
pub(crate) mod exit {
    /// The last owner detached.
    pub(crate) const LEFT: u32 = 1;
    /// The last owner died, and somebody else cleaned up.
    pub(crate) const DIED: u32 = 2;
}

/// Indices of [`Entry::counters`].
pub(crate) mod counter {
    /// Items that `push_or_drop` dropped.
    pub(crate) const DROPPED: usize = 0;
    /// How often this entry's owner put a dead predecessor's affairs in order.
    pub(crate) const REPAIRS: usize = 1;
    /// How often a call of this entry's owner slept.
    pub(crate) const SLEEPS: usize = 2;
}

#[cfg(not(loom))]
mod assertions {
    use core::mem::offset_of;

    use static_assertions::{const_assert, const_assert_eq};

    use super::*;
    use crate::layout::LINE;

    const_assert_eq!(align_of::<CachePadded<u8>>(), LINE);
    const_assert_eq!(align_of::<Shared>(), LINE);
    const_assert_eq!(size_of::<Shared>(), 7 * LINE);
    const_assert!(size_of::<Shared>() <= crate::layout::geometry::SHARED_LENGTH);
    const_assert_eq!(offset_of!(Shared, status), 0);
    const_assert_eq!(offset_of!(Shared, tail), 128);
    const_assert_eq!(offset_of!(Shared, head), 256);
    const_assert_eq!(offset_of!(Shared, read_mark), 384);
    const_assert_eq!(offset_of!(Shared, sent), 512);
    const_assert_eq!(offset_of!(Shared, not_empty), 640);
    const_assert_eq!(offset_of!(Shared, not_full), 768);
    const_assert_eq!(offset_of!(Status, flags), 0);
    const_assert_eq!(offset_of!(Status, orphan_epoch), 8);
    const_assert_eq!(offset_of!(Status, asymmetric), 16);
    const_assert_eq!(offset_of!(Status, many), 24);
    const_assert_eq!(offset_of!(Bell, event), 0);
    const_assert_eq!(offset_of!(Bell, armed), 4);
    const_assert_eq!(size_of::<Entry>(), 256);
    const_assert_eq!(align_of::<Entry>(), LINE);
    const_assert_eq!(offset_of!(Entry, counters), 128);
    const_assert_eq!(offset_of!(Who, state), 0);
    const_assert_eq!(offset_of!(Who, role), 4);
    const_assert_eq!(offset_of!(Who, epoch), 8);
    const_assert_eq!(offset_of!(Who, last_exit), 16);
    const_assert_eq!(offset_of!(Who, repairer), 20);
    const_assert_eq!(offset_of!(Who, pid), 24);
    const_assert_eq!(offset_of!(Who, pid_start), 32);
    const_assert_eq!(offset_of!(Who, pid_namespace), 40);
    const_assert_eq!(offset_of!(Who, host), 48);
    const_assert_eq!(offset_of!(Who, attached_at), 56);
    const_assert_eq!(offset_of!(Who, label), 64);
    const_assert_eq!(size_of::<Who>(), 112);
    const_assert_eq!(size_of::<CachePadded<Gate>>(), LINE);
    const_assert_eq!(offset_of!(Gate, cursor), 0);
    const_assert_eq!(offset_of!(Gate, standing), 8);
    const_assert_eq!(offset_of!(Gate, mark), 16);
    const_assert_eq!(offset_of!(Gate, joined), 24);
}

#[cfg(loom)]
impl Shared {
    /// The words of a ring whose first item gets `start`.
    pub(crate) fn starting_at(start: u64) -> Self {
        let line = |value| CachePadded::new(AtomicU64::new(value));
        let bell = || CachePadded::new(Bell { event: AtomicU32::new(0), armed: AtomicU32::new(0) });
        let status = Status {
            flags: AtomicU64::new(0),
            orphan_epoch: AtomicU64::new(0),
            asymmetric: AtomicU64::new(0),
            many: AtomicU64::new(0),
        };
        Self {
            status: CachePadded::new(status),
            tail: line(start),
            head: line(start),
            read_mark: line(start),
            sent: line(start),
            not_empty: bell(),
            not_full: bell(),
        }
    }
}

#[cfg(loom)]
impl Gate {
    /// A gate that nobody has used. The publisher may exchange its standing.
    pub(crate) fn unused(start: u64) -> Self {
        let word = AtomicU64::new;
        Self { cursor: word(start), standing: AtomicU64::raced(0), mark: word(start), joined: word(0) }
    }
}
