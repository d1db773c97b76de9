//! What gates are called, and what they look like from outside.

use crate::position::Position;

/// Which gate a subscriber takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Gate<'a> {
    /// One without a name, whichever is free ([`Options::gated`](super::Options::gated)).
    #[default]
    Any,
    /// The one of this name ([`Options::gate`](super::Options::gate)).
    Named(&'a str),
}

impl<'a> From<&'a str> for Gate<'a> {
    fn from(name: &'a str) -> Self {
        Self::Named(name)
    }
}

/// What a gate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GateStatus {
    /// Nobody's: it holds nobody up.
    Free,
    /// A subscriber's, or kept for the successor of one: the publisher does not overwrite what it has not released.
    Active,
    /// A subscriber's, for whom the publisher waits no more ([`Options::demote_after`](super::Options::demote_after)).
    Demoted,
}

/// A gate of a ring, for people and tools.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GateReport {
    /// Number of the entry of whoever has it, among the ring's [`participants`](super::Ring::participants).
    pub entry: u32,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What it does.
    pub status: GateStatus,
    /// The oldest item that its subscriber has not released.
    pub position: Position,
    /// How many items are published and not released.
    pub lag: u64,
}
