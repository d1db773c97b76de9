//! Gigabytes of records of random lengths from one process to another, and on to a descriptor.

use std::io::Read;
use std::thread;

use libtest_mimic::Trial;
use ringfence::TransferError;
use ringfence::stream::{self, Copying};
use xxhash_rust::xxh3::Xxh3;

use crate::child::{Name, Role};
use crate::links::Kind;
use crate::{size, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("bulk::records_of_any_length_come_as_they_were_pushed_by_another_process", records)]
}

fn records() {
    let bytes = size(50_000_000, 5_000_000_000);
    let name = Name::new();
    let ring = stream::Options::<[u8]>::new(1 << 16).create(&name).expect("a ring");
    let writer = Role::start("push records", &[&name, &bytes.to_string(), "11"]);
    let (near, mut far) = Kind::Unix.link();
    let receiving = thread::spawn(move || {
        let (mut hash, mut buffer, mut count) = (Xxh3::new(), vec![0; 1 << 16], 0);
        loop {
            match far.read(&mut buffer).expect("a socket") {
                0 => return (count, hash.digest128()),
                length => {
                    hash.update(&buffer[..length]);
                    count += length as u64;
                }
            }
        }
    });
    let mut drain = ring.reader().expect("a free role").drain(near, Copying).expect("a reader");
    let mut sent = 0;
    loop {
        match drain.send(usize::MAX) {
            Ok(count) => sent += count as u64,
            Err(TransferError::Closed) => break,
            Err(error) => panic!("{error}"),
        }
    }
    drop(drain);
    let (received, hash) = receiving.join().expect("no panic");
    assert_eq!((sent, received), (bytes, bytes));
    writer.expect(&format!("{hash:032x}"));
    writer.finish();
}
