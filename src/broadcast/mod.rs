//! One publisher, any number of subscribers: every subscriber sees every item.

pub(crate) mod algorithm;
pub(crate) mod gates;
pub(crate) mod repair;
mod start;

pub use self::start::{Resume, Start};
