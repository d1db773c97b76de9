//! Takes ticks out of a ring in shared memory; `producer.rs` pushes them.
//!
//! ```sh
//! cargo run --example consumer     # in one terminal
//! cargo run --example producer     # in another, earlier or later
//! ```
//!
//! Try `kill -9` and start it again: it goes on with the first tick that it did not release.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{Write, stdout};

use ringfence::{Element, PopError, spsc};

#[derive(Element, Clone, Copy, Debug)]
#[element(name = "md.Tick", version = 1)]
#[repr(C)]
struct Tick {
    number: u64,
    price: i64,
    quantity: u32,
    instrument: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let ring = spsc::Options::<Tick>::new(64).open_or_create("md.ticks")?;
    let mut rx = ring.consumer()?; // Err(RoleTaken { holder }) while another process has the role

    loop {
        match rx.read() {
            Ok(item) => {
                let again = if item.redelivered() { ", perhaps once more" } else { "" };
                writeln!(stdout(), "{:?}{again}", item.get())?; // a `?`, a panic, a crash here loses nothing:
                item.release(); // only this acknowledges
            }
            Err(PopError::Closed) => break, // and drained
            Err(error) => return Err(error.into()),
        }
    }

    drop(rx);
    ring.unlink()?; // refused while anybody is attached
    Ok(())
}
