//! What stands where in a region, and what of it may be believed.
//!
//! ```text
//! ┌──────────┬──────────┬──────────┬────────┬─────────┬──────────────────────────────┐
//! │ header   │ shared   │ entries  │ gates  │ claims  │ data                         │
//! │ preamble │ words    │ one per  │ broad- │ mpmc    │ slots, or packed elements    │
//! │ body     │ (words)  │ partici- │ cast   │         │ (page-aligned)               │
//! │ schema   │          │ pant     │        │         │                              │
//! └──────────┴──────────┴──────────┴────────┴─────────┴──────────────────────────────┘
//!   immutable  ── mutable: hints from a possibly broken peer ──────────────────────────
//! ```
//!
//! The header is copied once into private memory and validated there ([`header`]); nobody reads it from the region
//! again. The mutable sections are laid over the mapping as the types of [`words`]. `docs/layout.md` specifies every
//! offset; static assertions hold this code to it.

#[cfg(not(loom))]
mod crc;
#[cfg(not(loom))]
pub(crate) mod geometry;
#[cfg(not(loom))]
pub(crate) mod header;
#[cfg(not(loom))]
mod schema;
pub(crate) mod words;

#[cfg(not(loom))]
pub(crate) use schema::SchemaRecord;

/// Alignment of everything that is written by one side and polled by another: two lines, because the spatial
/// prefetcher of x86-64 and the big cores of aarch64 move them in pairs (crossbeam-utils, `CachePadded`).
#[cfg(not(loom))]
pub(crate) const LINE: usize = 128;
