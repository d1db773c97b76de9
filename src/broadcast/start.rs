//! Where subscribers begin, and where they go on.

use crate::position::Position;

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Start {
    /// With the first item that is published from now on.
    #[default]
    Newest,
    /// With the oldest item that is still there.
    Oldest,
    /// With the item of this position, whether it is still there (if not, the first call says how many were missed) or
    /// still has to come.
    At(Position),
}

/// Where a subscriber goes on that was lapped: that missed items, because they were overwritten before it had come to
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Resume {
    /// With the oldest item that is still there: as little as possible is missed now.
    #[default]
    Oldest,
    /// With the newest item: it has a whole lap of time again.
    Newest,
}
