//! Sends a file over a TCP connection to a receiver that writes it to another file, in each way that Linux has, with and
//! without a ring in the middle, and compares them.
//!
//! ```sh
//! cargo run --release --example file_to_socket             # with 64 MiB of its own
//! cargo run --release --example file_to_socket -- FILE --rounds 20
//! ```
//!
//! ```text
//! read, write        file ─copy─▶ buffer ─copy─▶ socket
//! mmap, write        file ─mapped─────────copy─▶ socket
//! sendfile           file ─pages───────────────▶ socket
//! splice             file ─pages─▶ pipe ─pages─▶ socket
//! ring, Copying      file ─copy─▶ ring ─copy───▶ socket    a page of the ring is free when the call returns
//! ring, Notified     file ─copy─▶ ring ─pages──▶ socket    … when the kernel says so; over loopback it copies after all
//! ring, Aliasing     file ─copy─▶ ring ─pages──▶ socket    … when the receiver says so, over the same connection
//! ```
//!
//! A program that makes its data in the ring, instead of reading it from a file, saves the first copy. The table counts
//! the sending side's calls that move data, or ask whether memory is free again; how often it slept because the ring was
//! full or empty; and the processor time of the threads that fill and send. The speed is the best of all rounds, from the
//! connection to the receiver's last byte; the checksum of what was received is compared every time.
#![deny(unsafe_code)]

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use nix::fcntl::{FcntlArg, SpliceFFlags, fcntl, splice};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::sendfile::sendfile;
use ringfence::stream::{self, Aliasing, Copying, Drain, Notified, Reader, Writer};
use ringfence::{Position, TransferError};
use xxhash_rust::xxh3::Xxh3;

/// Bytes that one call moves, at most.
const CHUNK: usize = 256 << 10;
/// Bytes that the ring holds.
const CAPACITY: usize = 1 << 20;

/// Sends a file over a TCP connection in each way that Linux has, and compares them.
#[derive(Parser)]
struct Arguments {
    /// The file to send; 64 MiB of noise where none is given.
    file: Option<PathBuf>,

    /// How often each way is tried.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// What sending took.
#[derive(Clone, Copy, Default)]
struct Cost {
    calls: u64,
    sleeps: u64,
    processor: Duration,
}

/// A way to send a file.
struct Way {
    name: &'static str,
    /// Copies by the processor, on the sending side.
    copies: &'static str,
    /// Whether the receiver says how much it has consumed.
    confirms: bool,
    send: fn(&File, &TcpStream) -> Result<Cost>,
}

#[rustfmt::skip]
const WAYS: [Way; 7] = [
    Way { name: "read, write", copies: "2", confirms: false, send: read_and_write },
    Way { name: "mmap, write", copies: "1", confirms: false, send: map_and_write },
    Way { name: "sendfile", copies: "0", confirms: false, send: send_file },
    Way { name: "splice", copies: "0", confirms: false, send: splice_through_pipe },
    Way { name: "ring, Copying", copies: "2", confirms: false, send: copying },
    Way { name: "ring, Notified", copies: "1 (+1)", confirms: false, send: notified },
    Way { name: "ring, Aliasing", copies: "1", confirms: true, send: aliasing },
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let directory = tempfile::tempdir()?;
    let path = match arguments.file {
        Some(path) => path,
        None => noise(&directory.path().join("noise"), 64 << 20)?,
    };
    let (length, checksum) = checksum(&path).with_context(|| path.display().to_string())?;
    println!("{length} bytes, checksum (xxh3-128) {checksum:032x}\n");

    let copy = directory.path().join("copy");
    let mut best = [const { None::<(Duration, Cost)> }; WAYS.len()];
    // Round by round, so that what else the machine does meets all of them.
    for _ in 0..arguments.rounds.max(1) {
        for (way, best) in WAYS.iter().zip(&mut best) {
            let (time, cost) = attempt(way, &path, &copy).context(way.name)?;
            let received = self::checksum(&copy)?;
            ensure!(received == (length, checksum), "{}: what was received differs", way.name);
            if best.is_none_or(|(shortest, _)| time < shortest) {
                *best = Some((time, cost));
            }
        }
    }

    println!("way              copies    calls   sleeps  CPU ms     MB/s");
    for (way, best) in WAYS.iter().zip(best) {
        let (time, cost) = best.expect("at least one round");
        println!(
            "{:<16} {:<6} {:>8} {:>8} {:>7.1} {:>8.0}",
            way.name,
            way.copies,
            cost.calls,
            cost.sleeps,
            cost.processor.as_secs_f64() * 1e3,
            length as f64 / 1e6 / time.as_secs_f64(),
        );
    }
    Ok(())
}

/// Sends `path` to a receiver that writes it to `copy`.
fn attempt(way: &Way, path: &Path, copy: &Path) -> Result<(Duration, Cost)> {
    let file = File::open(path)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let begun = Instant::now();
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    thread::scope(|scope| {
        let receiving = scope.spawn(|| receive(far, copy, way.confirms));
        let sent = (way.send)(&file, &near);
        near.shutdown(Shutdown::Write)?;
        receiving.join().expect("a receiver does not panic")?;
        Ok((begun.elapsed(), sent?))
    })
}

/// The other end: writes what comes to a file; says after each write how many bytes that were in all.
fn receive(mut from: TcpStream, to: &Path, confirms: bool) -> io::Result<()> {
    from.set_nodelay(true)?;
    let mut file = File::create(to)?;
    let mut buffer = vec![0; CHUNK];
    let mut consumed = 0_u64;
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        file.write_all(&buffer[..length])?;
        consumed += length as u64;
        if confirms {
            from.write_all(&consumed.to_le_bytes())?;
        }
    }
}

// Without a ring.

fn read_and_write(mut file: &File, mut to: &TcpStream) -> Result<Cost> {
    measured(|calls| {
        let mut buffer = vec![0; CHUNK];
        loop {
            let length = counted(calls, || file.read(&mut buffer))?;
            if length == 0 {
                return Ok(());
            }
            let mut rest = &buffer[..length];
            while !rest.is_empty() {
                let sent = counted(calls, || to.write(rest))?;
                rest = &rest[sent..];
            }
        }
    })
}

fn map_and_write(file: &File, mut to: &TcpStream) -> Result<Cost> {
    measured(|calls| {
        // SAFETY: nobody changes the file meanwhile; its owner promises that, no program can.
        #[allow(unsafe_code)]
        let map = unsafe { memmap2::Mmap::map(file) }?;
        let mut rest = &map[..];
        while !rest.is_empty() {
            let sent = counted(calls, || to.write(&rest[..rest.len().min(CHUNK)]))?;
            rest = &rest[sent..];
        }
        Ok(())
    })
}

fn send_file(file: &File, to: &TcpStream) -> Result<Cost> {
    measured(|calls| {
        while counted(calls, || sendfile(to, file, None, CHUNK))? > 0 {}
        Ok(())
    })
}

fn splice_through_pipe(file: &File, to: &TcpStream) -> Result<Cost> {
    measured(|calls| {
        let (out, into) = io::pipe()?;
        let _ = fcntl(&into, FcntlArg::F_SETPIPE_SZ(CHUNK as i32)); // as large as we may
        let more = SpliceFFlags::SPLICE_F_MOVE;
        loop {
            let mut length = counted(calls, || splice(file, None, &into, None, CHUNK, more))?;
            if length == 0 {
                return Ok(());
            }
            while length > 0 {
                length -= counted(calls, || splice(&out, None, to, None, length, more))?;
            }
        }
    })
}

// With a ring: one thread fills it from the file, another one drains it to the socket. They could as well be two processes.

fn copying(file: &File, to: &TcpStream) -> Result<Cost> {
    through_ring(file, |rx, calls| {
        let mut drain = rx.drain(to, Copying)?;
        while sent(counted(calls, || drain.send(CHUNK)))? {}
        Ok(())
    })
}

fn notified(file: &File, to: &TcpStream) -> Result<Cost> {
    through_ring(file, |rx, calls| {
        let mut drain = rx.drain(to, Notified)?;
        loop {
            match counted(calls, || drain.try_send(CHUNK)) {
                // Two calls: one that has news, perhaps, and one that has none.
                Ok(_) => drop(counted(calls, || drain.try_complete())?),
                // A wait for more would be one for the writer, which may wait for what the kernel has.
                Err(TransferError::Empty) if drain.in_flight() > 0 => {
                    counted(calls, || drain.complete())?;
                }
                Err(TransferError::Empty) if sent(counted(calls, || drain.send(CHUNK)))? => {}
                Err(TransferError::Empty) => break,
                Err(TransferError::Closed) => break,
                Err(error) => return Err(error.into()),
            }
        }
        drain.complete()?;
        Ok(())
    })
}

fn aliasing(file: &File, to: &TcpStream) -> Result<Cost> {
    let confirmed = confirmations(to.try_clone()?);
    through_ring(file, |rx, calls| {
        let start = rx.position().to_bits();
        let mut drain = rx.drain(to, Aliasing)?;
        // What the receiver has consumed lies behind us in the stream, and in the ring.
        let release = |drain: &mut Drain<u8, _, Aliasing>, consumed: u64| {
            drain.release_to(Position::from_bits(start + consumed))
        };
        loop {
            while let Ok(consumed) = confirmed.try_recv() {
                release(&mut drain, consumed)?;
            }
            match counted(calls, || drain.try_send(CHUNK)) {
                Ok(_) => {}
                Err(TransferError::Empty | TransferError::Closed) if drain.in_flight() > 0 => {
                    let consumed = confirmed.recv().context("the receiver has hung up")?;
                    release(&mut drain, consumed)?;
                }
                Err(TransferError::Empty) if sent(counted(calls, || drain.send(CHUNK)))? => {}
                Err(TransferError::Empty | TransferError::Closed) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    })
}

/// What the receiver says: how many bytes it has consumed.
fn confirmations(mut from: TcpStream) -> Receiver<u64> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut consumed = [0; 8];
        while from.read_exact(&mut consumed).is_ok() && sender.send(u64::from_le_bytes(consumed)).is_ok() {}
    });
    receiver
}

/// Sends `file` through a ring, out of which `drain` takes it.
fn through_ring(file: &File, drain: impl FnOnce(Reader<u8>, &mut u64) -> Result<()>) -> Result<Cost> {
    let name = format!("file-to-socket.{}", std::process::id());
    let ring = stream::Options::<u8>::new(CAPACITY).create(&name)?;
    let (tx, rx) = (ring.writer()?, ring.reader()?);
    let result = thread::scope(|scope| {
        let filling = scope.spawn(|| measured(|calls| fill(tx, file, calls)));
        let drained = measured(|calls| drain(rx, calls));
        // A drain that has failed must not leave the other side waiting.
        ring.close();
        let filled = filling.join().expect("a fill does not panic");
        let (drained, filled) = (drained?, filled?);
        let sleeps = ring.participants().iter().map(|it| it.sleeps).sum();
        let processor = drained.processor + filled.processor;
        Ok(Cost { calls: drained.calls + filled.calls, sleeps, processor })
    });
    ring.force_unlink()?;
    result
}

fn fill(mut tx: Writer<u8>, file: &File, calls: &mut u64) -> Result<()> {
    while counted(calls, || tx.fill_from(file, CHUNK))? > 0 {}
    tx.close();
    Ok(())
}

/// Whether there is more to be sent, after a send.
fn sent(result: Result<usize, TransferError>) -> Result<bool, TransferError> {
    match result {
        Ok(_) => Ok(true),
        Err(TransferError::Closed) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What `work`, which counts its calls, costs this thread.
fn measured(work: impl FnOnce(&mut u64) -> Result<()>) -> Result<Cost> {
    let before = processor_time()?;
    let mut calls = 0;
    work(&mut calls)?;
    Ok(Cost { calls, sleeps: 0, processor: processor_time()?.saturating_sub(before) })
}

fn counted<R>(calls: &mut u64, call: impl FnOnce() -> R) -> R {
    *calls += 1;
    call()
}

/// Processor time of this thread, the kernel's on its behalf included.
fn processor_time() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
    let times = [usage.user_time(), usage.system_time()];
    Ok(times.iter().map(|it| Duration::new(it.tv_sec() as u64, it.tv_usec() as u32 * 1000)).sum())
}

/// Makes a file of `length` bytes that no compression and no mix-up survives.
fn noise(path: &Path, length: usize) -> Result<PathBuf> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    fs::write(path, bytes)?;
    Ok(path.to_owned())
}

/// Length and checksum of a file.
fn checksum(path: &Path) -> Result<(u64, u128)> {
    let mut file = File::open(path)?;
    let mut hash = Xxh3::new();
    let (mut buffer, mut total) = (vec![0; CHUNK], 0);
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok((total, hash.digest128()));
        }
        hash.update(&buffer[..length]);
        total += length as u64;
    }
}
