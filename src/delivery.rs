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

/// What the last call delivered, kept so that the commonest one has least to note.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Last {
    Nothing,
    /// One item, unseen before, which was released: it lies just before head, for nothing is released without a look.
    Released,
    Other(Delivery),
}

impl Last {
    /// What that is, of a handle that is at `head`.
    pub(crate) fn delivery(self, head: u64) -> Option<Delivery> {
        match self {
            Self::Nothing => None,
            Self::Released => {
                let first = Position::of_cursor(head.wrapping_sub(1));
                Some(Delivery { first, len: 1, redelivered: false })
            }
            Self::Other(delivery) => Some(delivery),
        }
    }
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
