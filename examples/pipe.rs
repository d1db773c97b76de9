//! A pipe between processes that did not start each other: from the standard input of one to the standard output of another.
//!
//! ```sh
//! cargo build --release --example pipe
//! cd target/release/examples
//! tar c DIR | ./pipe write x &        # either side first
//! ./pipe read x | tar x -C COPY
//! ```
//!
//! Bytes go from the descriptor straight into the ring (`readv(2)`), and from there straight to the other descriptor
//! (`writev(2)`): one copy in, one out, no buffer between, and one system call for all that there is at a time.
//!
//! Unlike a pipe, the ring stays when a side goes. A reader that is killed, or whose output breaks, can be started again:
//! what it had not released is sent once more, so of the bytes of its last call some may come twice. A writer that is
//! killed leaves the ring open: the next one goes on behind its last byte. Only a writer that comes to the end of its input
//! closes the ring, and the reader removes it when it has sent everything.
#![forbid(unsafe_code)]

use std::os::fd::AsFd;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ringfence::TransferError;
use ringfence::stream::{self, Copying};

/// Bytes that the ring holds.
const CAPACITY: usize = 1 << 20;

/// A pipe between processes that did not start each other.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    side: Side,
}

#[derive(Subcommand)]
enum Side {
    /// Sends the standard input through the ring NAME.
    Write { name: String },
    /// Sends what comes through the ring NAME to the standard output.
    Read { name: String },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().side {
        Side::Write { name } => write(&name, std::io::stdin()),
        Side::Read { name } => read(&name, std::io::stdout()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pipe: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Sends what `input` gives, up to its end, into the ring `name`.
pub(crate) fn write(name: &str, input: impl AsFd) -> Result<(), Box<dyn std::error::Error>> {
    let ring = stream::Options::<u8>::new(CAPACITY).open_or_create(name)?;
    let mut tx = ring.writer()?;
    while tx.fill_from(&input, usize::MAX)? > 0 {} // waits while the ring is full, or the input has nothing
    tx.close();
    Ok(())
}

/// Sends what comes out of the ring `name`, up to its end, to `output`.
pub(crate) fn read(name: &str, output: impl AsFd) -> Result<(), Box<dyn std::error::Error>> {
    let ring = stream::Options::<u8>::new(CAPACITY).open_or_create(name)?;
    let mut drain = ring.reader()?.drain(output, Copying)?;
    loop {
        match drain.send(usize::MAX) {
            Ok(_) => {}
            Err(TransferError::Closed) => break, // and everything was sent
            Err(error) => return Err(error.into()),
        }
    }
    drop(drain);
    ring.force_unlink()?; // closed and empty: a writer that is still attached has nothing more to do with it
    Ok(())
}
