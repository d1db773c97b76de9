//! Promises of `mpmc`, over rings on the heap and in shared memory.

#![allow(missing_docs, clippy::disallowed_types)]

#[path = "../common/mod.rs"]
mod common;

mod fifo;
