//! The kinds of ring and the roles in them, with the codes that stand for them in a region.

use core::fmt;

/// The four kinds of ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// One producer, one consumer, lossless.
    Spsc,
    /// Many producers, many consumers, each item to one of them, lossless.
    Mpmc,
    /// One publisher, every subscriber sees every item.
    Broadcast,
    /// One writer, one reader, dense bulk.
    Stream,
}

impl Kind {
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Spsc => 1,
            Self::Mpmc => 2,
            Self::Broadcast => 3,
            Self::Stream => 4,
        }
    }

    pub(crate) const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Spsc),
            2 => Some(Self::Mpmc),
            3 => Some(Self::Broadcast),
            4 => Some(Self::Stream),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spsc => "spsc",
            Self::Mpmc => "mpmc",
            Self::Broadcast => "broadcast",
            Self::Stream => "stream",
        })
    }
}

/// What a participant does in its ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Pushes items.
    Producer,
    /// Pops items.
    Consumer,
    /// Publishes items to every subscriber (broadcast).
    Publisher,
    /// Reads every item that is published (broadcast).
    Subscriber,
}

impl Role {
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Producer => 1,
            Self::Consumer => 2,
            Self::Publisher => 3,
            Self::Subscriber => 4,
        }
    }

    pub(crate) const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Producer),
            2 => Some(Self::Consumer),
            3 => Some(Self::Publisher),
            4 => Some(Self::Subscriber),
            _ => None,
        }
    }

    /// Whether it puts items into the ring, and waits for room; else it takes or reads them, and waits for items.
    pub(crate) const fn writes(self) -> bool {
        matches!(self, Self::Producer | Self::Publisher)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Publisher => "publisher",
            Self::Subscriber => "subscriber",
        })
    }
}
