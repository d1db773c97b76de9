//! What a consumer is told of the items that it gets.

use crate::position::Position;

/// What the last pop, or look, delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Position of the first item.
    pub first: Position,
    /// How many items; they follow each other.
    pub len: usize,
    /// Whether they may have been looked at before, by this consumer or by one that died. Never mixed: a batch ends
    /// where this changes.
    pub redelivered: bool,
}

/// An item that was read ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item<T> {
    /// The item.
    pub value: T,
    /// Its position, for `release_through`.
    pub position: Position,
    /// Whether it may have been looked at before, by this consumer or by one that died.
    pub redelivered: bool,
}
