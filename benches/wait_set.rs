//! How much longer a `WaitSet` of many rings takes to wake up than one of a single ring.
//!
//! `cargo bench --bench wait_set [-- ROUNDS]`. One way: from before the push to after `wait` returned, between two
//! threads. The waiting one has slept for half a millisecond by then. Sets of 1 and of 100 rings take turns, and the
//! ratio is one of two medians of the same round.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ringfence::{WaitSet, spsc};

/// Messages of one set in one round.
const MESSAGES: usize = 200;
/// Time between two messages, in which the waiting side falls asleep.
const GAP: Duration = Duration::from_micros(500);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --all-targets` only wants to see it work.
    let measures = arguments.iter().any(|it| it == "--bench");
    let rounds = arguments.iter().find_map(|it| it.parse().ok()).unwrap_or(if measures { 31 } else { 1 });
    let mut samples = [const { Vec::new() }; 3];
    for round in 1..=rounds {
        let (one, many) = (median(1)?, median(100)?);
        let values = [one.as_nanos() as f64, many.as_nanos() as f64];
        samples[0].push(values[0]);
        samples[1].push(values[1]);
        samples[2].push(values[1] / values[0]);
        eprint!("\rround {round} of {rounds}");
    }
    eprintln!();
    println!("{:<22} {:>9} {:>9} {:>9}", "wake-up of a set", "p10", "p50", "p90");
    for (name, sample) in ["1 ring, ns", "100 rings, ns", "ratio, 100 to 1"].iter().zip(&mut samples) {
        sample.sort_by(f64::total_cmp);
        let at = |percent: usize| sample[(sample.len() - 1) * percent / 100];
        println!("{name:<22} {:>9.2} {:>9.2} {:>9.2}", at(10), at(50), at(90));
    }
    Ok(())
}

/// The median time that a set of `count` rings takes to wake up.
fn median(count: usize) -> Result<Duration, Box<dyn std::error::Error>> {
    let rings =
        (0..count).map(|_| spsc::Options::<u64>::new(16).in_process()).collect::<Result<Vec<_>, _>>()?;
    let mut producers = rings.iter().map(|it| it.producer()).collect::<Result<Vec<_>, _>>()?;
    let mut consumers = rings.iter().map(|it| it.consumer()).collect::<Result<Vec<_>, _>>()?;
    let mut set = WaitSet::new();
    for (index, consumer) in consumers.iter().enumerate() {
        set.add(consumer.doorbell(), index)?;
    }
    let (done, next) = mpsc::channel();
    let epoch = Instant::now();
    let pushing = thread::spawn(move || {
        for message in 0..MESSAGES {
            let begin = Instant::now();
            while begin.elapsed() < GAP {
                std::hint::spin_loop();
            }
            // 37 has no factor in common with 100: every ring has its turn, and no neighbour of the last one.
            let producer = &mut producers[message * 37 % count];
            producer.push(epoch.elapsed().as_nanos() as u64).expect("an open ring");
            next_message(&next);
        }
    });
    let mut times = Vec::with_capacity(MESSAGES);
    let mut ready = Vec::new();
    for _ in 0..MESSAGES {
        set.wait(&mut ready)?;
        let now = epoch.elapsed();
        let pushed = consumers[ready[0]].try_pop()?;
        times.push(now.saturating_sub(Duration::from_nanos(pushed)));
        done.send(())?;
    }
    pushing.join().expect("the pushing thread");
    times.sort();
    Ok(times[MESSAGES / 2])
}

/// Waits until the last message was received, without sleeping.
fn next_message(next: &mpsc::Receiver<()>) {
    while next.try_recv().is_err() {
        std::hint::spin_loop();
    }
}
