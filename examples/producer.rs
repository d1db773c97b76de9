//! Pushes ticks into a ring in shared memory; `consumer.rs` takes them out.
//!
//! ```sh
//! cargo run --example producer     # in one terminal
//! cargo run --example consumer     # in another, earlier or later
//! ```
//!
//! Try `kill -9` on it and start it again: it goes on behind the last tick that it pushed. Try a second one at the same
//! time: the role is taken. Leave the consumer out: the ring is full after 1024 ticks, and `push` waits.
#![forbid(unsafe_code)]

use std::error::Error;
use std::thread;
use std::time::Duration;

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
    let ring = spsc::Options::<Tick>::new(1024).open_or_create("md.ticks")?;
    let mut tx = ring.producer().map_err(|error| error.to_string())?; // "the role is taken by …"

    for number in tx.position().to_bits()..3000 {
        let tick = Tick { number, price: 100 + number as i64 % 7, quantity: 1, instrument: 42 };
        match tx.try_push(tick) {
            Ok(_position) => {}
            Err(PushError::Full) => {
                println!("full at tick {number}: waiting for a consumer");
                tx.push(tick)?;
            }
            Err(error) => return Err(error.to_string().into()), // closed, unlinked …
        }
        thread::sleep(Duration::from_millis(1));
    }

    drop(tx); // gives the role up; the ring stays open for a successor …
    ring.close(); // … until it is closed: the consumer takes what is left, and ends
    Ok(())
}
