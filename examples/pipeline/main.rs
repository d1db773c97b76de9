//! Moves a file from one process to another, through a ring in shared memory, and survives `kill -9` of either.
//!
//! ```sh
//! cargo run --release --example pipeline                        # sends its own executable
//! cargo run --release --example pipeline -- FILE --out COPY     # keeps what arrived
//! cargo run --release --example pipeline -- FILE --slow 500     # leaves time to `kill -9` a side
//! cargo run --release --example pipeline -- FILE --slow 500 --standby
//! ```
//!
//! The supervisor makes a ring, `pipeline.PID`, and starts this program twice more: a writer, which cuts the file into
//! records and pushes them, and a reader, which appends them to an output file and compares checksums at the end. Where
//! one of them is killed, its standby takes over, or it is started again. Either side can also be started by hand:
//!
//! ```sh
//! cargo run --release --example pipeline -- writer RING FILE --standby
//! cargo run --release --example pipeline -- reader RING OUTPUT --standby
//! ```
//!
//! Nothing is lost, because an item stays in the ring until it is released, and nothing is kept twice, because it
//! keeps its position: `records` says how both sides make use of that.
//!
//! Exit code: 0 if the checksums agree, 130 after Ctrl-C or SIGTERM, else 1.
#![forbid(unsafe_code)]

mod reader;
mod records;
mod report;
mod supervisor;
mod worker;
mod writer;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;

use supervisor::{Interrupted, Job};

/// Moves a file from one process to another through a ring in shared memory.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    side: Option<Side>,

    /// The file to send; this program itself where none is given.
    file: Option<PathBuf>,

    /// Keep what arrived under this name.
    #[arg(long, value_name = "COPY")]
    out: Option<PathBuf>,

    /// Start a second writer and a second reader, which take over when the first ones die.
    #[arg(long)]
    standby: bool,

    /// Pause per record, in microseconds, on both sides: time to kill one of them.
    #[arg(long, value_name = "MICROS", default_value_t = 0)]
    slow: u64,

    /// How often a side that was killed is started again.
    #[arg(long, value_name = "TIMES", default_value_t = 32)]
    restarts: u32,
}

#[derive(clap::Subcommand)]
enum Side {
    /// One side, which the supervisor starts: pushes FILE into RING.
    Writer {
        #[command(flatten)]
        part: Part,
        file: PathBuf,
    },
    /// One side, which the supervisor starts: appends to OUTPUT what RING delivers, and verifies it.
    Reader {
        #[command(flatten)]
        part: Part,
        output: PathBuf,
    },
}

/// What both sides are told.
#[derive(clap::Args)]
struct Part {
    /// The ring's name.
    ring: String,

    /// Wait until the role is free.
    #[arg(long)]
    standby: bool,

    /// Pause per record, in microseconds.
    #[arg(long, value_name = "MICROS", default_value_t = 0)]
    slow: u64,

    /// End, and clean up, when the standard input is closed.
    #[arg(long, hide = true)]
    supervised: bool,
}

impl Part {
    fn pause(&self) -> Duration {
        Duration::from_micros(self.slow)
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pipeline: {error:#}");
            if error.is::<Interrupted>() { ExitCode::from(130) } else { ExitCode::FAILURE }
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    match arguments.side {
        Some(Side::Writer { part, file }) => writer::run(&part, &file).context("writer"),
        Some(Side::Reader { part, output }) => reader::run(&part, &output).context("reader"),
        None => supervisor::run(&Job {
            file: arguments.file.map_or_else(env::current_exe, Ok)?,
            out: arguments.out,
            standby: arguments.standby,
            slow: arguments.slow,
            restarts: arguments.restarts,
        }),
    }
}
