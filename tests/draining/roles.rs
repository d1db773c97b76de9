//! What a process of a test does.

use std::fs::OpenOptions;
use std::io::{Read, Write, stdin, stdout};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use ringfence::stream::{self, Aliasing, Copying, Notified};
use ringfence::{Position, PushError, TransferError};
use xxhash_rust::xxh3::Xxh3;

use crate::common::Numbers;
use crate::pipe;

pub(crate) fn play(arguments: &[String]) {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["drain", name, mode, kind, place, count] => drain(name, mode, connect(kind, place), number(count)),
        ["drain to a file", name, path] => drain_to_file(name, path),
        ["push records", name, bytes, seed] => push_records(name, number(bytes), number(seed)),
        ["pipe write", name] => pipe::write(name, stdin()).expect("a pipe"),
        ["pipe read", name] => pipe::read(name, stdout()).expect("a pipe"),
        _ => panic!("no such role: {arguments:?}"),
    }
}

fn number(argument: &str) -> u64 {
    argument.parse().expect("a number")
}

pub(crate) fn say(line: &str) {
    let mut output = stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).expect("a test that listens");
}

fn connect(kind: &str, place: &str) -> OwnedFd {
    match kind {
        "pipe" => OpenOptions::new().write(true).open(place).expect("a pipe").into(),
        "unix" => UnixStream::connect(place).expect("a socket").into(),
        _ => TcpStream::connect(place).expect("a port").into(),
    }
}

/// Sends `count` bytes, and waits to be killed.
fn drain(name: &str, mode: &str, to: OwnedFd, count: u64) {
    let rx = stream::open::<u8>(name).expect("a ring").reader().expect("a free role");
    let end = Position::from_bits(rx.position().to_bits() + count);
    macro_rules! send {
        ($mode:expr) => {{
            let mut drain = rx.drain(to, $mode).expect("a reader");
            while drain.position() != end {
                drain.try_send(usize::MAX).expect("room");
            }
            assert_eq!(drain.in_flight(), count);
            say("sent");
            let _ = stdin().read(&mut [0]);
        }};
    }
    match mode {
        "aliasing" => send!(Aliasing),
        _ => send!(Notified),
    }
}

/// Appends what comes to a file of elements; of one that a predecessor has written in part, nothing is kept.
fn drain_to_file(name: &str, path: &str) {
    let rx = stream::open::<u64>(name).expect("a ring").reader().expect("a free role");
    let file = OpenOptions::new().append(true).open(path).expect("the test's file");
    let length = file.metadata().expect("its length").len();
    file.set_len(length / 8 * 8).expect("a shorter file");
    let mut drain = rx.drain(file, Copying).expect("a reader");
    say("ready");
    loop {
        match drain.send(100) {
            Ok(_) => {}
            Err(TransferError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Pushes records of random lengths, `bytes` bytes in all, and says their hash.
fn push_records(name: &str, bytes: u64, seed: u64) {
    let mut tx = stream::open::<[u8]>(name).expect("a ring").writer().expect("a free role");
    let mut numbers = Numbers::from_seed(seed);
    let noise: Vec<_> = (0..1 << 20).map(|_| (numbers.next() >> 24) as u8).collect();
    let (mut left, mut hash) = (bytes, Xxh3::new());
    while left > 0 {
        let longest = [1, 64, 2000, tx.max_len()][numbers.below(4)];
        let length = numbers.below(longest + 1).min(left as usize);
        let start = numbers.below(noise.len() - length);
        let record = &noise[start..start + length];
        match tx.push(record) {
            Ok(_) => {}
            Err(PushError::Closed) => panic!("closed by whom?"),
            Err(error) => panic!("{error}"),
        }
        hash.update(record);
        left -= length as u64;
    }
    tx.close();
    say(&format!("{:032x}", hash.digest128()));
}
