//! Recorded regions, and the tables of `docs/layout.md`: what this code writes today, what it wrote when they were
//! recorded, and what the specification says are the same, byte for byte.
//!
//! A region of layout 1 can be opened for ever by programs of layout 1, so the recordings change only together with
//! the major version (or, before the first release, with the layout):
//!
//! ```sh
//! RINGFENCE_WRITE_GOLDEN=1 cargo test --test golden the_recordings_can_be_written_anew
//! ```

#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;

mod document;
mod recordings;
mod records;
mod regions;
mod specification;
