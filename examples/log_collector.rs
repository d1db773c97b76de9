//! Many processes write log lines, one collector appends them to a file, and any of them may be killed at any time.
//!
//! ```sh
//! cargo run --release --example log_collector                    # for three seconds
//! cargo run --release --example log_collector -- --seconds 30 --out lines.log
//! ```
//!
//! The supervisor starts four writers and a collector, kills one of them every now and then, starts it again, and in the end
//! reads the file: every line that a writer pushed must be there once, in the order in which its writer pushed it. Half of the
//! writers wait when the ring is full; the others drop the line then (`push_or_drop`), which the ring counts for them.
//!
//! How each line comes to be in the file exactly once:
//!
//! ```text
//! collector     read ──▶ append "position line\n" to the file ──▶ release
//!                  killed here:                           or here:
//!                  the line comes again, flagged,         the line comes again, flagged,
//!                  and is not in the file: append         and its position is in the file: skip
//! ```
//!
//! An item stays in the ring until it is released, and keeps its position. So a collector that starts looks which positions
//! the file has, and cuts off a line that its predecessor was killed in the middle of; an item that is not flagged as
//! perhaps delivered before needs no look-up at all.
//!
//! Exit code: 0 if the file is as it must be.
#![forbid(unsafe_code)]

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, process, thread};

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use ringfence::{Attach, PopError, PushError, mpmc};

/// Lines that the ring holds.
const LINES: usize = 256;
/// Bytes of the longest line.
const LONGEST: usize = 120;
/// Writers; those with odd numbers drop lines.
const WRITERS: usize = 4;

/// Many processes write log lines, one collector appends them to a file, and any of them may be killed.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,

    /// How long lines are written.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,

    /// Keep the file under this name.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Part {
    /// Pushes lines into RING until that is closed; the supervisor starts it.
    Writer {
        ring: String,
        /// What its lines begin with.
        name: String,
        /// Drop lines where the ring is full.
        #[arg(long)]
        hasty: bool,
    },
    /// Appends the lines that come out of RING to FILE; the supervisor starts it.
    Collector { ring: String, file: PathBuf },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.part {
        Some(Part::Writer { ring, name, hasty }) => write(ring, name, *hasty).context("writer"),
        Some(Part::Collector { ring, file }) => collect(ring, file).context("collector"),
        None => supervise(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("log_collector: {error:#}");
            ExitCode::FAILURE
        }
    }
}

// The writers.

fn write(ring: &str, name: &str, hasty: bool) -> Result<()> {
    let ring = mpmc::open_with::<[u8]>(ring, Attach::new().label(name))?;
    let mut tx = ring.producer()?;
    for number in 0_u64.. {
        let line = format!("{name} line {number}");
        if hasty {
            // Never waits. Where the line was dropped, the ring has counted it.
            if !tx.push_or_drop(line.as_bytes()) && ring.is_closed() {
                break;
            }
        } else {
            match tx.push(line.as_bytes()) {
                Ok(_) => {}
                Err(PushError::Closed) => break,
                Err(error) => return Err(error.into()),
            }
        }
        // A burst of lines, then something else to do.
        if number % 64 == 63 {
            thread::sleep(Duration::from_micros(500));
        }
    }
    Ok(())
}

// The collector.

fn collect(ring: &str, path: &Path) -> Result<()> {
    let ring = mpmc::open_with::<[u8]>(ring, Attach::new().label("collector"))?;
    ring.repair()?; // what a predecessor had in hand comes first, flagged
    let (mut file, written) = resume(path)?;
    let mut rx = ring.consumer()?;
    let mut line = Vec::new();
    loop {
        let item = match rx.read() {
            Ok(item) => item,
            Err(PopError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let position = item.position().to_bits();
        if !(item.redelivered() && written.contains(&position)) {
            line.clear();
            write!(line, "{position:016x} ")?;
            item.append_to(&mut line);
            line.push(b'\n');
            file.write_all(&line)?; // against a power cut too: `sync_data` here, once for a batch of lines
        }
        item.release();
    }
}

/// The file, without what is no whole line, and the positions of the lines in it.
fn resume(path: &Path) -> Result<(File, HashSet<u64>)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let text = fs::read(path)?;
    let whole = text.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
    file.set_len(whole as u64)?;
    let mut written = HashSet::new();
    for line in String::from_utf8_lossy(&text[..whole]).lines() {
        written.insert(parse(line)?.0);
    }
    Ok((file, written))
}

/// Position, writer and number of a line of the file.
fn parse(line: &str) -> Result<(u64, &str, u64)> {
    let parts: Vec<_> = line.split(' ').collect();
    let [position, writer, "line", number] = parts[..] else { bail!("a line that nobody wrote: {line}") };
    Ok((u64::from_str_radix(position, 16)?, writer, number.parse()?))
}

// The supervisor.

/// The processes, each with its number among those that had its place.
struct Crew<'a> {
    ring: &'a str,
    file: &'a Path,
    writers: Vec<(Child, u32)>,
    collector: Child,
}

impl Crew<'_> {
    fn writer(ring: &str, place: usize, incarnation: u32) -> Result<Child> {
        let name = format!("writer{place}.{incarnation}");
        let mut command = Command::new(env::current_exe()?);
        command.args(["writer", ring, &name]);
        if hasty(&name) {
            command.arg("--hasty");
        }
        Ok(command.spawn()?)
    }

    fn collector(ring: &str, file: &Path) -> Result<Child> {
        Ok(Command::new(env::current_exe()?).args(["collector", ring]).arg(file).spawn()?)
    }

    /// Kills the process in `place`, behind the writers the collector, and starts it again.
    fn replace(&mut self, place: usize) -> Result<()> {
        if let Some((child, incarnation)) = self.writers.get_mut(place) {
            kill(child)?;
            *incarnation += 1;
            *child = Self::writer(self.ring, place, *incarnation)?;
        } else {
            kill(&mut self.collector)?;
            self.collector = Self::collector(self.ring, self.file)?;
        }
        Ok(())
    }
}

/// Nothing of a failed supervisor goes on.
impl Drop for Crew<'_> {
    fn drop(&mut self) {
        let _ = kill(&mut self.collector);
        for (child, _) in &mut self.writers {
            let _ = kill(child);
        }
    }
}

/// `kill -9`; returns when the process is gone.
fn kill(child: &mut Child) -> Result<()> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// Whether a writer of this name drops lines.
fn hasty(name: &str) -> bool {
    name.starts_with("writer1") || name.starts_with("writer3")
}

fn supervise(arguments: &Arguments) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = arguments.out.clone().unwrap_or_else(|| directory.path().join("lines.log"));
    ensure!(!path.exists(), "{} exists: its positions are those of another ring", path.display());
    let name = format!("log-collector.{}", process::id());
    let ring = mpmc::Options::<[u8]>::new(LINES, LONGEST).participants(32).create(&name)?;
    let result = run(arguments, &ring, &name, &path);
    ring.force_unlink()?;
    result
}

fn run(arguments: &Arguments, ring: &mpmc::Ring<[u8]>, name: &str, path: &Path) -> Result<()> {
    let mut crew =
        Crew { ring: name, file: path, collector: Crew::collector(name, path)?, writers: Vec::new() };
    for place in 0..WRITERS {
        crew.writers.push((Crew::writer(name, place, 0)?, 0));
    }

    let end = Instant::now() + Duration::from_secs_f64(arguments.seconds);
    let mut kills = [0_u32; 2];
    for round in 0_usize.. {
        thread::sleep(Duration::from_micros(20_000 + round as u64 * 7919 % 30_000));
        if Instant::now() >= end {
            break;
        }
        // Now a writer, now the collector.
        let place = if round % 2 == 0 { WRITERS } else { round / 2 % WRITERS };
        kills[usize::from(place == WRITERS)] += 1;
        crew.replace(place)?;
    }
    ring.close(); // pushes fail now; the collector takes what is left, and ends
    for (writer, _) in &mut crew.writers {
        ensure!(writer.wait()?.success(), "a writer failed");
    }
    ensure!(crew.collector.wait()?.success(), "the collector failed");

    let dropped = ring.participants().iter().map(|it| it.dropped).sum();
    let (lines, missing) = verify(path, dropped)?;
    println!("{lines} lines in the file, each once and in the order of its writer");
    println!("killed: writers {} times, the collector {} times", kills[0], kills[1]);
    println!(
        "dropped by writers that do not wait: {dropped}, of which {missing} leave a gap between two lines"
    );
    Ok(())
}

/// Reads the file: how many lines there are, and how many are missing between them.
fn verify(path: &Path, dropped: u64) -> Result<(u64, u64)> {
    let text = fs::read_to_string(path)?;
    let (mut lines, mut missing) = (0, 0);
    let mut positions = HashSet::new();
    let mut next: HashMap<&str, u64> = HashMap::new();
    for line in text.lines() {
        let (position, writer, number) = parse(line)?;
        ensure!(positions.insert(position), "twice in the file: {line}");
        let expected = next.insert(writer, number + 1).unwrap_or(0);
        ensure!(number >= expected, "twice, or out of order: {line}, where {expected} was expected");
        ensure!(number == expected || hasty(writer), "lost: {writer} line {expected} to {}", number - 1);
        missing += number - expected;
        lines += 1;
    }
    // A line that was dropped behind the last one in the file, or before its writer was killed, leaves no gap.
    ensure!(missing <= dropped, "{missing} lines are missing, only {dropped} were dropped");
    Ok((lines, missing))
}
