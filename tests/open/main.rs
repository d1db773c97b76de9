//! What creating and opening refuse, and what every refusal says: bad names and options, things under the name that are
//! no rings, damaged and forged headers, full mounts, missing rights; and looking at rings, and removing them.
//!
//! Tests that watch what is left behind use a directory of their own, so that their neighbours do not disturb them.

#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;

mod damage;
mod directories;
mod files;
mod forgery;
mod fuzz;
mod inspection;
mod modes;
mod names;
mod options;
mod removal;
mod rights;
mod schemas;
mod space;
mod versions;

use ringfence::Element;

#[global_allocator]
static ALLOCATOR: common::Counting = common::Counting;

/// What most rings of these tests carry.
#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "open.Tick", version = 3)]
#[repr(C)]
struct Tick {
    ts_ns: u64,
    price: i64,
    quantity: u32,
    instrument: u32,
}

impl Tick {
    fn new(number: u32) -> Self {
        Self { ts_ns: 1, price: -2, quantity: number, instrument: 4 }
    }
}
