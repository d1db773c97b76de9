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

use core::fmt;

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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Position(u64);

impl Position {
    /// The position of a cursor word.
    #[inline]
    pub(crate) const fn of_cursor(cursor: u64) -> Self {
        Self(cursor & (u64::MAX >> (u64::BITS - BITS)))
    }

    /// How many positions this one lies behind `earlier`; negative where it lies before it.
    ///
    /// Right for positions less than 2^61 apart, which is further than any ring ever runs.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        distance(self.0, earlier.0)
    }

    /// The position after this one.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self::of_cursor(self.0.wrapping_add(1))
    }

    /// The position as a number, for storing it; below 2^62.
    #[inline]
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The position that [`to_bits`](Position::to_bits) gave; higher bits are ignored.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self::of_cursor(bits)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({})", self.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
