//! Takes ticks out of a ring in shared memory; `producer.rs` pushes them.
//!
//! ```sh
//! cargo run --example consumer     # in one terminal
//! cargo run --example producer     # in another, earlier or later
//! ```
//!
//! Try `kill -9` on it and start it again: it goes on with the first tick that it did not release.
#![forbid(unsafe_code)]

use std::error::Error;

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
    let ring = spsc::Options::<Tick>::new(1024).open_or_create("md.ticks")?;
    let mut rx = ring.consumer().map_err(|error| error.to_string())?; // "the role is taken by …"

    loop {
        let item = match rx.read() {
            Ok(item) => item,
            Err(PopError::Closed) => break, // and drained: nothing will come
            Err(error) => return Err(error.to_string().into()),
        };
        handle(item.get(), item.redelivered())?; // a `?`, a panic or a crash here loses nothing …
        item.release(); // … because only this acknowledges
    }

    drop(rx);
    ring.unlink()?; // refused while anyone is attached
    println!("closed and drained; the ring is removed");
    Ok(())
}

fn handle(tick: Tick, redelivered: bool) -> Result<(), Box<dyn Error>> {
    if redelivered {
        println!("tick {} may have been handled before", tick.number);
    }
    if tick.number % 500 == 0 {
        println!("{tick:?}");
    }
    Ok(())
}
