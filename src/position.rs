//! Pure cursor arithmetic: positions, wrap-safe distance, stamps.
//!
//! A *position* numbers the items of a ring for ever; a ring's *index* is the position masked to the capacity.
//! Positions count modulo 2^62, so that a position and two state bits fill one 64-bit stamp:
//!
//! ```text
//!  63                                                     2 1   0
//! ┌────────────────────────────────────────────────────────┬─────┐
//! │ position modulo 2^62                                   │state│
//! └────────────────────────────────────────────────────────┴─────┘
//! ```
//!
//! Cursor words are plain `u64` counters of which only the low 62 bits mean anything; two of them are compared by
//! signed distance, never by `<`.
//!
//! In `mpmc` a cursor word says who moved it last, and a claim record who has a position: both are a [`Claim`]. Positions
//! count modulo 2^52 there, and the bits that a stamp ([`Stamp`]) has left over count redeliveries:
//!
//! ```text
//!  63                                           12 11          0       63          54 53            2 1   0
//! ┌───────────────────────────────────────────────┬─────────────┐     ┌──────────────┬───────────────┬─────┐
//! │ position modulo 2^52                          │ owner       │     │ redeliveries │ position      │state│
//! └───────────────────────────────────────────────┴─────────────┘     └──────────────┴───────────────┴─────┘
//! ```

use core::fmt;
use core::hash::{Hash, Hasher};

/// How many bits of a cursor word are position.
const BITS: u32 = 62;

/// Signed distance `later - earlier` of two cursor words, modulo 2^62.
#[inline]
pub(crate) const fn distance(later: u64, earlier: u64) -> i64 {
    let unused = u64::BITS - BITS;
    ((later.wrapping_sub(earlier) << unused) as i64) >> unused
}

/// Stamp of a slot that waits for the item of `position` in the ring's first lap.
#[inline]
pub(crate) const fn free(position: u64) -> u64 {
    position << 2
}

/// Stamp of a slot that holds the committed item of `position`.
#[inline]
pub(crate) const fn full(position: u64) -> u64 {
    position << 2 | 1
}

/// How many bits of a [`Claim`] are owner.
const OWNER_BITS: u32 = 12;
/// How many bits of a [`Claim`], and of a position in `mpmc`, are position.
const CLAIM_BITS: u32 = u64::BITS - OWNER_BITS;
/// The bits of a position in `mpmc`.
pub(crate) const CLAIM_MASK: u64 = u64::MAX >> OWNER_BITS;

/// Signed distance `later - earlier` of two positions of `mpmc`, modulo 2^52.
#[inline]
pub(crate) const fn claim_distance(later: u64, earlier: u64) -> i64 {
    ((later.wrapping_sub(earlier) << OWNER_BITS) as i64) >> OWNER_BITS
}

/// Who has a position: nobody, or a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(u16);

impl Owner {
    /// Nobody has it: it was given back, or there was none before it.
    pub(crate) const NOBODY: Self = Self(0);
    /// In the write side's cursor: the ring was closed, and no position is claimed any more.
    pub(crate) const CLOSED: Self = Self((1 << OWNER_BITS) - 1);

    /// The owner of entry `index`, which is below 4094.
    #[inline]
    pub(crate) const fn of_entry(index: u32) -> Self {
        Self(index as u16 + 1)
    }

    /// The number of the owner's entry; `None` for nobody.
    #[inline]
    pub(crate) const fn entry(self) -> Option<u32> {
        if self.0 == Self::NOBODY.0 || self.0 == Self::CLOSED.0 { None } else { Some(self.0 as u32 - 1) }
    }
}

/// A position and who has it. As a cursor word: the next position, and who claimed the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim(u64);

impl Claim {
    #[inline]
    pub(crate) const fn new(position: u64, owner: Owner) -> Self {
        Self(position << OWNER_BITS | owner.0 as u64)
    }

    #[inline]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline]
    pub(crate) const fn to_bits(self) -> u64 {
        self.0
    }

    /// The position, below 2^52.
    #[inline]
    pub(crate) const fn position(self) -> u64 {
        self.0 >> OWNER_BITS
    }

    #[inline]
    pub(crate) const fn owner(self) -> Owner {
        Owner((self.0 & !(u64::MAX << OWNER_BITS)) as u16)
    }
}

/// What a slot of `mpmc` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// It waits for the item of its position; somebody may have claimed it, and be writing.
    Free,
    /// The item is committed; somebody may have claimed it, and be reading.
    Full,
    /// Whoever claimed it died before it had filled it: there is no item.
    Void,
    /// The item is committed, and was claimed by a reader that gave it back, or died.
    Orphan,
}

/// The stamp of a slot of `mpmc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Stamp {
    /// How many redeliveries are counted at most.
    const MOST_REDELIVERIES: u64 = u64::MAX >> (CLAIM_BITS + 2);

    #[inline]
    pub(crate) const fn new(position: u64, state: State) -> Self {
        Self((position & CLAIM_MASK) << 2 | state as u64)
    }

    #[inline]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline]
    pub(crate) const fn to_bits(self) -> u64 {
        self.0
    }

    /// The position, below 2^52.
    #[inline]
    pub(crate) const fn position(self) -> u64 {
        self.0 >> 2 & CLAIM_MASK
    }

    #[inline]
    pub(crate) const fn state(self) -> State {
        match self.0 & 3 {
            0 => State::Free,
            1 => State::Full,
            2 => State::Void,
            _ => State::Orphan,
        }
    }

    /// How often the item was taken anew after it had been given back; counts up to 1,023.
    #[inline]
    pub(crate) const fn redeliveries(self) -> u32 {
        (self.0 >> (CLAIM_BITS + 2)) as u32
    }

    /// The same item, given back: it keeps its count.
    #[inline]
    pub(crate) const fn orphaned(self) -> Self {
        Self(self.0 | 3)
    }

    /// The same item, taken once more.
    #[inline]
    pub(crate) const fn redelivered(self) -> Self {
        if (self.redeliveries() as u64) < Self::MOST_REDELIVERIES {
            Self(self.0 + (1 << (CLAIM_BITS + 2)))
        } else {
            self
        }
    }
}

/// Number of an item in its ring: opaque, equal and hashable, without an order (positions wrap).
///
/// Two positions of one ring are compared with [`since`](Position::since). A position survives the processes that
/// used it: the next owner of a role goes on where the last one stopped, so a consumer that stores the position of
/// what it has finished recognises what it is given twice.
///
/// ```
/// use ringfence::Position;
///
/// let first = Position::from_bits(u64::MAX >> 2);
/// let next = first.next();
/// assert_eq!(next.since(first), 1);
/// assert_eq!(first.since(next), -1);
/// assert_eq!(next.to_bits(), 0, "positions count modulo 2^62");
/// ```
///
/// In [`mpmc`](crate::mpmc) positions count modulo 2^52.
#[derive(Clone, Copy, Default)]
pub struct Position(
    /// The position; with [`SHORT`], one of `mpmc`.
    u64,
);

/// The bit of a [`Position`] that says that it counts modulo 2^52.
const SHORT: u64 = 1 << 63;

impl Position {
    /// The position of a cursor word.
    #[inline]
    pub(crate) const fn of_cursor(cursor: u64) -> Self {
        Self(cursor & (u64::MAX >> (u64::BITS - BITS)))
    }

    /// The position of a claim of `mpmc`.
    #[inline]
    pub(crate) const fn of_claim(position: u64) -> Self {
        Self(position & CLAIM_MASK | SHORT)
    }

    /// How many positions this one lies behind `earlier`; negative where it lies before it.
    ///
    /// Right for positions less than 2^61 apart, which is further than any ring ever runs; in `mpmc` less than 2^51, a
    /// hundred million items a second for eight months.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        if (self.0 | earlier.0) & SHORT == 0 {
            distance(self.0, earlier.0)
        } else {
            claim_distance(self.0, earlier.0)
        }
    }

    /// The position after this one.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        let next = self.0.wrapping_add(1);
        if self.0 & SHORT == 0 { Self::of_cursor(next) } else { Self::of_claim(next) }
    }

    /// The position as a number, for storing it; below 2^62.
    #[inline]
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0 & !SHORT
    }

    /// The position that [`to_bits`](Position::to_bits) gave; higher bits are ignored. One of `mpmc` equals the position
    /// that it was made from, and is compared right with positions that a handle says; [`next`](Position::next) does not
    /// know that it counts modulo 2^52.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self::of_cursor(bits)
    }
}

impl PartialEq for Position {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

impl Eq for Position {}

impl Hash for Position {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_bits().hash(state);
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({})", self.to_bits())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_bits(), f)
    }
}
