//! What a publication costs beside idle subscribers: instructions, counted by valgrind's callgrind.
//!
//! `cargo bench --bench broadcast_idle [-- ITEMS]`, where valgrind is installed. This process holds 0, 1, 16 and 64
//! subscribers without a gate, which have received what there was and are in no call; it runs itself under callgrind as the
//! publisher of their ring, which counts what `publish_all` executes. A number of instructions is the same on a busy
//! machine as on a quiet one.

use std::error::Error;
use std::process::{Command, exit};

use ringfence::broadcast::{self, Options, Publisher, Ring, Start};
use ringfence::{Attach, Barrier};

type Item = [u64; 8];

const IDLE: [usize; 4] = [0, 1, 16, 64];
/// Of each kind of barrier, as the publisher is told it.
const BARRIERS: [(&str, Barrier); 2] = [("asymmetric", Barrier::Asymmetric), ("fenced", Barrier::Fenced)];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, name, barrier, items] = &arguments[..]
        && role == "publish"
    {
        return publish(name, barrier, items.parse()?);
    }
    // `cargo test --all-targets` only wants to see it work.
    let measures = arguments.iter().any(|it| it == "--bench");
    let default = if measures { 1_000_000 } else { 1000 };
    let items: u64 = arguments.iter().find_map(|it| it.parse().ok()).unwrap_or(default);
    if measures && Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("NOT MEASURED: there is no valgrind here");
        exit(1);
    }
    println!("{:<28} {:>12} {:>12}", "instructions per publication", BARRIERS[0].0, BARRIERS[1].0);
    for idle in IDLE {
        let name = format!("ringfence-idle.{}", std::process::id());
        let ring = Options::<Item>::new(1024).create(&name)?;
        let counted =
            BARRIERS.map(|(barrier, _)| beside(&ring, idle, measures, [&name, barrier, &items.to_string()]));
        ring.force_unlink()?;
        let [asymmetric, fenced] = counted.map(|it| {
            it.map(|count| {
                count.map_or("not counted".into(), |it| format!("{:.2}", it as f64 / items as f64))
            })
        });
        println!("{:<28} {:>12} {:>12}", format!("{idle} idle subscribers"), asymmetric?, fenced?);
    }
    Ok(())
}

/// Instructions of a publisher beside `idle` subscribers of `ring`; `None` where nothing is measured.
fn beside(
    ring: &Ring<Item>,
    idle: usize,
    measures: bool,
    arguments: [&str; 3],
) -> Result<Option<u64>, Box<dyn Error>> {
    let mut subscribers = (0..idle).map(|_| ring.subscribe(Start::Oldest)).collect::<Result<Vec<_>, _>>()?;
    for subscriber in &mut subscribers {
        while subscriber.try_recv().is_ok() {}
    }
    let this = std::env::current_exe()?;
    let mut command = if measures {
        let mut command = Command::new("valgrind");
        command.args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--toggle-collect=*publish_all*",
        ]);
        command.arg(this);
        command
    } else {
        Command::new(this)
    };
    let output = command.arg("publish").args(arguments).output()?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(report.into());
    }
    drop(subscribers);
    let counted = report.lines().find_map(|it| it.split_once("Collected :"));
    match counted {
        Some((_, count)) => Ok(Some(count.trim().parse()?)),
        None if measures => Err(report.into()),
        None => Ok(None),
    }
}

/// Publishes `items`, as a process of its own.
fn publish(name: &str, barrier: &str, items: u64) -> Result<(), Box<dyn Error>> {
    let (_, barrier) = BARRIERS.into_iter().find(|it| it.0 == barrier).ok_or("no such barrier")?;
    let ring = broadcast::open_with::<Item>(name, Attach::new().barrier(barrier))?;
    let mut publisher = ring.publisher()?;
    if publisher.barrier() != barrier {
        return Err("this barrier is not to be had here".into());
    }
    publish_all(&mut publisher, items);
    Ok(())
}

#[inline(never)]
fn publish_all(publisher: &mut Publisher<Item>, items: u64) {
    for number in 0..items {
        publisher.try_publish([number; 8]).expect("an open ring without gates");
    }
}
