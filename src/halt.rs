//! Why a side of a ring does not go on: what the flags of the ring mean for it, and what it finds in a ring of two.

use crate::error::Corruption;
use crate::layout::words::{CLOSED, CLOSING, RETIRED};

/// Why nothing goes on in a ring any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    /// Its name was removed: nobody finds it any more.
    Retired,
}

impl End {
    /// What flags that are set mean for whoever writes.
    #[cold]
    pub(crate) fn of_writes(flags: u64) -> Self {
        if flags & (CLOSED | CLOSING) != 0 { Self::Closed } else { Self::Retired }
    }

    /// What flags mean for whoever reads what one writer wrote; `None` while something may follow.
    ///
    /// `writer_gone` proves that nobody holds the writer's byte; it is asked only where a close waits for that.
    #[inline]
    pub(crate) fn of_reads(flags: u64, writer_gone: impl FnOnce() -> bool) -> Option<Self> {
        if flags & CLOSED != 0 || (flags & CLOSING != 0 && writer_gone()) {
            Some(Self::Closed)
        } else if flags & RETIRED != 0 {
            Some(Self::Retired)
        } else {
            None
        }
    }
}

/// Why the write side of a ring of two cannot go on now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// There is less room than is needed.
    Full,
    Ended(End),
    Corrupted(Corruption),
}

/// Why there is nothing for the read side of a ring of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    Empty,
    Ended(End),
    Corrupted(Corruption),
}
