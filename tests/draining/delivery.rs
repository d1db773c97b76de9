//! Every mode, to every kind of descriptor, with elements of several sizes and with records: what is pushed is what comes.

use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use ringfence::stream::{Aliasing, Copying, Drain, Notified, Options, Writer};
use ringfence::{Element, PushError, TransferError};
use std::os::fd::OwnedFd;
use xxhash_rust::xxh3::xxh3_128;

use crate::common::{Backing, Numbers};
use crate::links::{At, Kind, Receiver, rest, set_nonblocking};
use crate::sends::{Sends, Stream, Way, for_each_backing};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("delivery::copying_sends_every_element_once_to_any_descriptor", elements::<Copying>),
        trial("delivery::notified_sends_every_element_once_to_tcp", elements::<Notified>),
        trial("delivery::aliasing_sends_every_element_once_to_any_descriptor", elements::<Aliasing>),
        trial("delivery::copying_sends_every_record_once_to_any_descriptor", records::<Copying>),
        trial("delivery::notified_sends_every_record_once_to_tcp", records::<Notified>),
        trial("delivery::aliasing_sends_every_record_once_to_any_descriptor", records::<Aliasing>),
        trial("delivery::thousands_of_records_take_a_few_calls", many_records),
        trial("delivery::empty_records_alone_send_nothing_and_are_released", empty_records),
    ]
}

/// An element made from a number.
trait Sample: Element {
    fn sample(number: u64) -> Self;
    fn append_to(&self, bytes: &mut Vec<u8>);
}

impl Sample for u8 {
    fn sample(number: u64) -> Self {
        (number >> 32) as u8
    }

    fn append_to(&self, bytes: &mut Vec<u8>) {
        bytes.push(*self);
    }
}

impl Sample for u64 {
    fn sample(number: u64) -> Self {
        number
    }

    fn append_to(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }
}

impl Sample for [u64; 3] {
    fn sample(number: u64) -> Self {
        [number, !number, number.rotate_left(17)]
    }

    fn append_to(&self, bytes: &mut Vec<u8>) {
        for word in self {
            word.append_to(bytes);
        }
    }
}

/// Sends until the ring is closed and drained; returns how many bytes were sent, and how often the descriptor was full.
fn pump<D: Sends>(
    mut push: impl FnMut(),
    drain: &mut D,
    receiver: &Receiver,
    numbers: &mut Numbers,
) -> (usize, u64) {
    let (mut sent, mut full) = (0, 0);
    loop {
        push();
        for _ in 0..1 + numbers.below(3) {
            let max = [1, 7, 100, 5000, usize::MAX][numbers.below(5)];
            let before = (drain.position(), drain.in_flight());
            match drain.try_send(max) {
                Ok(bytes) => {
                    assert!(bytes <= max);
                    sent += bytes;
                }
                Err(error) => {
                    assert_eq!((drain.position(), drain.in_flight()), before, "a call that failed: {error}");
                    match error {
                        TransferError::Empty => break,
                        TransferError::WouldBlock => {
                            full += 1;
                            thread::sleep(Duration::from_micros(50));
                        }
                        TransferError::Closed => {
                            receiver.await_bytes(sent);
                            drain.settle();
                            assert_eq!(drain.in_flight(), 0);
                            return (sent, full);
                        }
                        error => panic!("{error}"),
                    }
                }
            }
        }
        if numbers.below(4) == 0 {
            receiver.await_bytes(sent);
            drain.settle();
        }
    }
}

/// Sends what `push` pushes to each kind of descriptor that `W` works with; `push` says what was pushed once it has closed.
macro_rules! to_every_descriptor {
    ($payload:ty, $way:ident, $options:expr, $push:expr) => {
        for_each_backing(|backing| {
            for (kind, waits) in Kind::ALL.into_iter().flat_map(|it| [(it, true), (it, false)]) {
                if !$way::works(kind, backing) {
                    continue;
                }
                let _at = At(format!("{:?} to {kind:?}, blocking: {waits}", $way::MODE));
                let stream = Stream::<$payload>::of(backing, $options);
                let (tx, rx) = stream.ends();
                let (near, far) = kind.narrow();
                if !waits {
                    set_nonblocking(&near);
                }
                let receiver = Receiver::start(kind, far);
                let mut drain: Drain<$payload, OwnedFd, $way> =
                    rx.drain(near, $way::MODE).expect("a mode that works");
                let mut numbers = Numbers::from_seed(7 + kind as u64);
                let mut expected = Vec::new();
                let mut tx = Some(tx);
                let mut own = numbers.clone();
                let push = || $push(&mut tx, &mut expected, &mut own);
                let (sent, _) = pump(push, &mut drain, &receiver, &mut numbers);
                drop(drain.into_parts().expect("everything is released"));
                assert_eq!(stream.ring.len(), 0);
                let received = receiver.finish(kind, sent);
                assert_eq!((received.len(), sent), (expected.len(), expected.len()));
                assert_eq!(xxh3_128(&received), xxh3_128(&expected));
            }
        })
    };
}

fn elements<W: Way>()
where
    Drain<u8, OwnedFd, W>: Sends,
    Drain<u64, OwnedFd, W>: Sends,
    Drain<[u64; 3], OwnedFd, W>: Sends,
{
    fn push<T: Sample>(tx: &mut Option<Writer<T>>, expected: &mut Vec<u8>, numbers: &mut Numbers) {
        let Some(writer) = tx else { return };
        let values: Vec<_> = (0..numbers.below(3000)).map(|_| T::sample(numbers.next())).collect();
        match writer.try_push_slice(&values) {
            Ok(count) => values[..count].iter().for_each(|it| it.append_to(expected)),
            Err(PushError::Full) => {}
            Err(error) => panic!("{error}"),
        }
        if expected.len() > 150_000 {
            tx.take().expect("a writer").close();
        }
    }

    to_every_descriptor!(u8, W, Options::<u8>::new(8192), push::<u8>);
    to_every_descriptor!(u64, W, Options::<u64>::new(1024), push::<u64>);
    to_every_descriptor!([u64; 3], W, Options::<[u64; 3]>::new(512), push::<[u64; 3]>);
}

fn records<W: Way>()
where
    Drain<[u8], OwnedFd, W>: Sends,
{
    fn push(tx: &mut Option<Writer<[u8]>>, expected: &mut Vec<u8>, numbers: &mut Numbers) {
        let Some(writer) = tx else { return };
        for _ in 0..numbers.below(40) {
            let length = if numbers.below(4) == 0 { 0 } else { numbers.below(2000) };
            let record: Vec<_> = (0..length).map(|_| u8::sample(numbers.next())).collect();
            match writer.try_push(&record) {
                Ok(_) => expected.extend_from_slice(&record),
                Err(PushError::Full) => break,
                Err(error) => panic!("{error}"),
            }
        }
        if expected.len() > 150_000 {
            tx.take().expect("a writer").close();
        }
    }

    to_every_descriptor!([u8], W, Options::<[u8]>::new(8192), push);
}

fn many_records() {
    let stream = Stream::of(Backing::Shm, Options::<[u8]>::new(1 << 17));
    let (mut tx, rx) = stream.ends();
    let mut expected = Vec::new();
    for number in 0..5000_u64 {
        let record = &number.to_le_bytes()[..number as usize % 9];
        tx.push(record).expect("room");
        expected.extend_from_slice(record);
    }
    tx.close();
    let (near, far) = Kind::Pipe.link();
    let mut drain = rx.drain(near, Copying).expect("a reader");
    let mut calls = 0;
    while drain.send(usize::MAX).is_ok() {
        calls += 1;
    }
    assert_eq!(drain.send(usize::MAX), Err(TransferError::Closed));
    assert_eq!(calls, 5000_usize.div_ceil(1024), "1,024 records a call, as many as writev takes");
    drop(drain);
    assert_eq!(rest(far), expected);
}

fn empty_records() {
    for_each_backing(|backing| {
        let stream = Stream::of(backing, Options::<[u8]>::new(256));
        let (mut tx, rx) = stream.ends();
        let (near, far) = Kind::Pipe.link();
        let mut drain = rx.drain(near, Copying).expect("a reader");
        for _ in 0..3 {
            tx.push(b"").expect("room");
        }
        assert_eq!(drain.try_send(usize::MAX), Ok(0));
        assert_eq!(drain.try_send(usize::MAX), Err(TransferError::Empty));
        assert!(stream.ring.is_empty());
        tx.push(b"").expect("room");
        tx.push(b"x").expect("room");
        tx.push(b"").expect("room");
        assert_eq!(drain.try_send(usize::MAX), Ok(1), "those around it go with it");
        assert!(stream.ring.is_empty());
        drop(drain);
        assert_eq!(rest(far), b"x");
    });
}
