//! Pushes ticks into a ring in shared memory; `consumer.rs` takes them out.
//!
//! ```sh
//! cargo run --example producer     # in one terminal
//! cargo run --example consumer     # in another, earlier or later
//! ```
//!
//! Try `kill -9` and start it again: it goes on behind the last tick that it pushed. Try a second one at the same time:
//! the role is taken. Leave the consumer out: after 64 ticks the ring is full, and `push` waits.
#![forbid(unsafe_code)]

use std::{error::Error, thread, time::Duration};

use ringfence::{Element, PushError, spsc};

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
    let mut tx = ring.producer()?; // Err(RoleTaken { holder }) while another process has the role

    for number in tx.position().to_bits()..300 {
        let tick = Tick { number, price: 100 + number as i64 % 7, quantity: 1, instrument: 42 };
        match tx.try_push(tick) {
            Err(PushError::Full) => {
                println!("full at tick {number}: waiting for the consumer");
                tx.push(tick)?;
            }
            result => drop(result?), // where it went; or closed, unlinked …
        }
        thread::sleep(Duration::from_millis(10));
    }

    drop(tx); // the role is free; the ring goes on, for a successor …
    ring.close(); // … until it is closed: the consumer takes what is left, and ends
    Ok(())
}
