//! Reading from descriptors straight into a ring.

use std::io::{Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use ringfence::stream::Options;
use ringfence::{PopError, TransferError};

use crate::common::{Backing, Numbers};
use crate::links::{Kind, set_nonblocking};
use crate::sends::{Stream, for_each_backing};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("filling::what_is_read_is_what_was_written_around_the_end_of_the_ring", content),
        trial("filling::one_call_fills_both_pieces", wrap),
        trial("filling::a_descriptor_that_has_nothing_is_would_block", would_block),
        trial("filling::the_end_of_a_file_is_zero_and_closes_nothing", end),
        trial("filling::a_full_ring_takes_nothing_out_of_the_descriptor", full),
        trial("filling::a_descriptor_that_fails_leaves_the_ring_as_it_was", fails),
    ]
}

fn content() {
    for_each_backing(|backing| {
        for kind in Kind::ALL {
            let stream = Stream::of(backing, Options::<u8>::new(1024));
            let (mut tx, mut rx) = stream.ends();
            let mut numbers = Numbers::from_seed(5);
            let bytes: Vec<_> = (0..100_000).map(|_| (numbers.next() >> 40) as u8).collect();
            let (near, mut far) = kind.narrow();
            if kind == Kind::File {
                far.write_all(&bytes).expect("room on the disk");
                far.seek(SeekFrom::Start(0)).expect("a file");
            }
            let writing = thread::spawn({
                let bytes = bytes.clone();
                move || {
                    if kind != Kind::File {
                        std::fs::File::from(near).write_all(&bytes).expect("somebody who reads");
                    }
                }
            });
            let mut received = Vec::new();
            loop {
                match tx.try_fill_from(&far, 1 + numbers.below(2000)) {
                    Ok(0) => break,
                    Ok(_) | Err(TransferError::Full) => {}
                    Err(error) => panic!("{error}"),
                }
                let mut some = vec![0; numbers.below(1500)];
                match rx.try_pop_slice(&mut some) {
                    Ok(count) => received.extend_from_slice(&some[..count]),
                    Err(PopError::Empty) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            tx.close();
            std::io::Read::read_to_end(&mut rx, &mut received).expect("the rest");
            writing.join().expect("no panic");
            assert!(received == bytes, "from {kind:?}");
        }
    });
}

fn wrap() {
    for_each_backing(|backing| {
        let stream = Stream::of(backing, Options::<u8>::new(16));
        let (mut tx, mut rx) = stream.ends();
        tx.push_slice(&[0; 12]).expect("room");
        rx.pop_slice(&mut [0; 12]).expect("bytes");
        let (near, far) = Kind::Pipe.link();
        nix::unistd::write(&near, b"sixteen bytes to").expect("room");
        assert_eq!(tx.try_fill_from(&far, usize::MAX), Ok(16));
        let mut bytes = [0; 16];
        assert_eq!(rx.pop_slice(&mut bytes), Ok(16));
        assert_eq!(&bytes, b"sixteen bytes to");
    });
}

fn would_block() {
    for_each_backing(|backing| {
        for kind in Kind::LIVE {
            let stream = Stream::of(backing, Options::<u8>::new(64));
            let (mut tx, mut rx) = stream.ends();
            let (near, far) = kind.link();
            set_nonblocking(&far);
            for _ in 0..2 {
                assert_eq!(tx.try_fill_from(&far, 10), Err(TransferError::WouldBlock));
                assert_eq!(rx.try_pop(), Err(PopError::Empty));
            }
            nix::unistd::write(&near, b"x").expect("room");
            while tx.try_fill_from(&far, 10) == Err(TransferError::WouldBlock) {
                thread::sleep(Duration::from_micros(50));
            }
            assert_eq!(rx.try_pop(), Ok(b'x'));
        }
    });
}

fn end() {
    let stream = Stream::of(Backing::Heap, Options::<u8>::new(64));
    let (mut tx, mut rx) = stream.ends();
    let (near, far) = Kind::Pipe.link();
    drop(near);
    assert_eq!(tx.fill_from(&far, 10), Ok(0));
    assert_eq!(rx.try_pop(), Err(PopError::Empty));
    tx.push(1).expect("an open ring");
    tx.close();
    assert_eq!(tx.fill_from(&far, 10), Err(TransferError::Closed));
}

fn full() {
    for_each_backing(|backing| {
        let stream = Stream::of(backing, Options::<u8>::new(4));
        let (mut tx, mut rx) = stream.ends();
        let (near, far) = Kind::Pipe.link();
        nix::unistd::write(&near, b"abcdef").expect("room");
        assert_eq!(tx.try_fill_from(&far, usize::MAX), Ok(4));
        assert_eq!(tx.try_fill_from(&far, usize::MAX), Err(TransferError::Full));
        let moment = Duration::from_millis(5);
        assert_eq!(tx.fill_from_timeout(&far, usize::MAX, moment), Err(TransferError::Timeout));
        assert_eq!(rx.pop(), Ok(b'a'));
        assert_eq!(tx.fill_from_timeout(&far, usize::MAX, moment), Ok(1));
        let mut bytes = [0; 4];
        assert_eq!(rx.pop_slice(&mut bytes), Ok(4));
        assert_eq!(&bytes, b"bcde");
        assert_eq!(tx.fill_from(&far, usize::MAX), Ok(1));
        assert_eq!(rx.pop(), Ok(b'f'));
    });
}

fn fails() {
    let stream = Stream::of(Backing::Heap, Options::<u8>::new(64));
    let (mut tx, mut rx) = stream.ends();
    let directory: OwnedFd = std::fs::File::open("/").expect("a directory").into();
    let error = TransferError::Os { call: "readv", errno: libc::EISDIR };
    assert_eq!(tx.try_fill_from(&directory, 10), Err(error));
    assert_eq!(rx.try_pop(), Err(PopError::Empty));
}
