//! Two tasks on tokio's runtime with a ring between them, and a timer beside it.
//!
//! ```sh
//! cargo run --example async_tokio --features async
//! ```
#![forbid(unsafe_code)]

use std::error::Error;
use std::thread;
use std::time::Duration;

use ringfence::{Async, Bridge, PopError, PushError, spsc};
use tokio::time::{interval, sleep};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let ring = spsc::Options::<u64>::new(64).in_process()?; // `.open_or_create("name")` for processes

    // The bridge wakes tasks, on a thread of its own: one for up to 127 rings, whatever the runtime.
    let bridge = Bridge::new();
    let running = thread::spawn({
        let bridge = bridge.clone();
        move || bridge.run()
    });
    let mut tx = Async::new(ring.producer()?, &bridge)?;
    let mut rx = Async::new(ring.consumer()?, &bridge)?;

    let feeding = tokio::spawn(async move {
        for burst in 0..50 {
            for number in 0..1000 {
                tx.push(burst * 1000 + number).await?; // waits while the ring is full, without blocking the thread
            }
            sleep(Duration::from_millis(20)).await;
        }
        tx.into_inner().close();
        Ok::<(), PushError>(())
    });

    let (mut count, mut sum) = (0, 0);
    let mut ticks = interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            // A branch that is not taken has taken nothing: no item is lost.
            popped = rx.pop() => match popped {
                Ok(number) => (count, sum) = (count + 1, sum + number),
                Err(PopError::Closed) => break,
                Err(error) => return Err(error.into()),
            },
            _ = ticks.tick() => println!("{count} items so far"),
        }
    }
    println!("{count} items, their sum {sum}");

    feeding.await??;
    bridge.stop();
    running.join().expect("a bridge does not panic")?;
    Ok(())
}
