//! Roles in rings of many producers and many consumers.
//!
//! Items are numbers that say who pushed them, and which of its pushes that was.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::mem::forget;
use std::process::exit;
use std::thread;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};
use ringfence::mpmc::{self, Consumer, Options, Producer, Ring};
use ringfence::{AttachError, Fault, PopError, PushError};

use crate::pauses::ALIVE;
use crate::roles::{hold, listen, number, say};
use crate::sleepers::attach;

/// An item: who pushed it, and which of its pushes that was.
pub(crate) type Numbered = [u64; 2];

pub(crate) fn play(role: &str, name: &str, arguments: &[String]) {
    let argument = |index: usize| number(&arguments[index]);
    match role {
        "produce" => produce(&open(name), argument(0), argument(1), argument(2)),
        "consume" => consume(
            &open(name),
            &arguments[0],
            &Shares { producers: argument(1), each: argument(2) },
            argument(3),
        ),
        "write down" => write_down(open(name).consumer().expect("an entry"), &arguments[0]),
        "push on and on" => push_on_and_on(open(name).producer().expect("an entry"), argument(0)),
        "take and hold" => take_and_hold(open(name).consumer().expect("an entry"), argument(0)),
        "look and release" => look_and_release(open(name).consumer().expect("an entry")),
        "hold producer" => hold(open(name).producer().expect("an entry")),
        "hold consumer" => hold(open(name).consumer().expect("an entry")),
        "pop" => pop(mpmc::open_with(name, attach(&arguments[0])).expect("the test's ring")),
        "push" => push(mpmc::open_with(name, attach(&arguments[0])).expect("the test's ring")),
        "fork" => fork_with_handles(&open(name)),
        role => panic!("no role {role}"),
    }
}

fn open(name: &str) -> Ring<Numbered> {
    mpmc::open(name).expect("the test's ring")
}

/// Pushes `each` items from each of `threads` threads, which are numbered from `first` on.
fn produce(ring: &Ring<Numbered>, first: u64, threads: u64, each: u64) {
    let producers: Vec<_> =
        (first..first + threads).map(|me| (me, ring.producer().expect("an entry"))).collect();
    say("ready");
    thread::scope(|scope| {
        for (me, mut tx) in producers {
            scope.spawn(move || {
                for number in 0..each {
                    say_sometimes(number);
                    tx.push([me, number]).expect("an open ring");
                }
            });
        }
    });
}

/// Says a sign of life where `number` is one of few.
fn say_sometimes(number: u64) {
    const FEW: u64 = 1 << 18;
    if number.is_multiple_of(FEW) {
        say(ALIVE);
    }
}

/// What producers push together.
#[derive(Clone, Copy)]
pub(crate) struct Shares {
    pub(crate) producers: u64,
    pub(crate) each: u64,
}

impl Shares {
    /// No item.
    pub(crate) fn none(self) -> Vec<u64> {
        vec![0; (self.producers * self.each).div_ceil(64) as usize]
    }

    /// Every item.
    pub(crate) fn all(self) -> Vec<u64> {
        let mut items = self.none();
        for producer in 0..self.producers {
            (0..self.each).for_each(|number| assert!(self.add(&mut items, [producer, number])));
        }
        items
    }

    /// Adds `item` to `items`; `false` where it is there.
    fn add(self, items: &mut [u64], [producer, number]: Numbered) -> bool {
        assert!(producer < self.producers && number < self.each, "nobody pushed {producer}, {number}");
        let index = producer * self.each + number;
        let (word, bit) = (&mut items[(index / 64) as usize], 1 << (index % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

/// Pops with each of `threads` threads until the ring is closed, and writes down which items of `shares` each of them
/// got, one after the other.
fn consume(ring: &Ring<Numbered>, path: &str, shares: &Shares, threads: u64) {
    let consumers: Vec<_> = (0..threads).map(|_| ring.consumer().expect("an entry")).collect();
    say("ready");
    let seen: Vec<_> = thread::scope(|scope| {
        let popping: Vec<_> = consumers.into_iter().map(|rx| scope.spawn(|| pop_all(rx, *shares))).collect();
        popping.into_iter().map(|it| it.join().expect("no panic")).collect()
    });
    let mut file = File::create(path).expect("the test's file");
    for word in seen.iter().flatten() {
        file.write_all(&word.to_le_bytes()).expect("room on the disk");
    }
}

/// Which items of `shares` come until the ring is closed: those of each producer in order, and none twice.
fn pop_all(mut rx: Consumer<Numbered>, shares: Shares) -> Vec<u64> {
    let (mut seen, mut next) = (shares.none(), vec![0; shares.producers as usize]);
    loop {
        match rx.pop() {
            Ok([producer, number]) => {
                assert!(!rx.last().expect("a delivery").redelivered, "nobody gave anything back");
                assert!(shares.add(&mut seen, [producer, number]), "{producer}, {number} came twice");
                say_sometimes(number);
                let next = &mut next[producer as usize];
                assert!(number >= *next, "{producer}, {number} came behind {next}");
                *next = number + 1;
            }
            Err(PopError::Closed) => return seen,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Pushes batches until somebody ends it: most of the time it has claimed positions, and is filling them.
fn push_on_and_on(mut tx: Producer<Numbered>, me: u64) {
    const BATCH: u64 = 64;
    say("ready");
    for first in (0..).step_by(BATCH as usize) {
        let batch: [_; BATCH as usize] = std::array::from_fn(|step| [me, first + step as u64]);
        assert_eq!(tx.push_slice(&batch), Ok(batch.len()));
    }
}

/// An item as it is written down: with the flag.
pub(crate) const RECORD: usize = size_of::<Numbered>() + 1;

/// Writes each item and its flag to a file before it releases it, until the ring is closed.
fn write_down(mut rx: Consumer<Numbered>, path: &str) {
    let mut file = OpenOptions::new().append(true).open(path).expect("the test's file");
    say("ready");
    loop {
        match rx.read() {
            Ok(item) => {
                let mut record = [0; RECORD];
                for (bytes, word) in record.chunks_mut(8).zip(item.get()) {
                    bytes.copy_from_slice(&word.to_le_bytes());
                }
                record[RECORD - 1] = u8::from(item.redelivered());
                // One write: a record is there or not.
                file.write_all(&record).expect("room on the disk");
                item.release();
            }
            Err(PopError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Reads `ahead` items ahead, and looks at one more; says who it is, and how often the latter came before.
fn take_and_hold(mut rx: Consumer<Numbered>, ahead: u64) {
    let index = rx.index();
    for _ in 0..ahead {
        rx.read_ahead().expect("an item");
    }
    let item = rx.read().expect("an item");
    say("ready");
    say(&format!("{index} {}", item.redeliveries()));
    hold(item);
}

/// Looks at an item, and releases it when it is told to.
fn look_and_release(mut rx: Consumer<Numbered>) {
    let index = rx.index();
    let item = rx.read().expect("an item");
    say("ready");
    say(&index.to_string());
    listen();
    item.release();
    say("released");
    listen();
}

/// Says what each pop came to.
fn pop(ring: Ring<Numbered>) {
    let mut rx = ring.consumer().expect("an entry");
    say("ready");
    loop {
        let popped = rx.pop();
        let redelivered = popped.is_ok() && rx.last().expect("a delivery").redelivered;
        say(&format!("{popped:?}{}", if redelivered { " again" } else { "" }));
        if !listen() {
            return;
        }
    }
}

/// Says what each push came to.
fn push(ring: Ring<Numbered>) {
    let mut tx = ring.producer().expect("an entry");
    say("ready");
    loop {
        say(&format!("{:?}", tx.push([7, 7]).map(drop)));
        if !listen() {
            return;
        }
    }
}

/// Forks while it holds a producer, and a consumer that has read ahead and looks at an item; the child must neither use
/// them nor give anything back, and can take part by itself.
fn fork_with_handles(ring: &Ring<Numbered>) {
    let heap = Options::<u64>::new(4).in_process().expect("memory");
    let (mut tx, mut rx) = (ring.producer().expect("an entry"), ring.consumer().expect("an entry"));
    tx.push_slice(&[[0, 0], [0, 1]]).expect("room");
    let ahead = rx.read_ahead().expect("an item");
    let item = rx.read().expect("an item");
    // SAFETY: this process has one thread.
    #[allow(unsafe_code)]
    match unsafe { fork() }.expect("a process") {
        ForkResult::Child => {
            let forked = PopError::Broken(Fault::Forked);
            drop(item);
            let checks = [
                tx.try_push([0, 2]) == Err(PushError::Broken(Fault::Forked)),
                tx.push([0, 2]) == Err(PushError::Broken(Fault::Forked)),
                !tx.push_or_drop([0, 2]),
                rx.try_pop() == Err(forked) && rx.try_read().err() == Some(forked),
                rx.release_through(ahead.position).is_err(),
                matches!(heap.producer(), Err(AttachError::Forked)),
            ];
            rx.give_ahead_back();
            rx.close();
            tx.close();
            drop((tx, rx));
            let own = ring.consumer().is_ok_and(|mut rx| rx.try_pop() == Err(PopError::Empty));
            let pushed = ring.producer().is_ok_and(|mut tx| tx.try_push([1, 0]).is_ok());
            println!("{checks:?}, {own}, {pushed}");
            exit(if checks == [true; 6] && own && pushed { 0 } else { 1 });
        }
        ForkResult::Parent { child } => {
            let status = waitpid(child, None).expect("a child of ours");
            say(&format!("{status:?}").replace(&child.to_string(), "child"));
            item.release();
            assert_eq!(rx.release_through(ahead.position), Ok(1), "it is still ours");
            assert_eq!(rx.pop(), Ok([1, 0]), "what the child pushed itself");
            assert_eq!((rx.try_pop(), tx.try_push([0, 2]).is_ok()), (Err(PopError::Empty), true));
            forget(rx.read().expect("an item"));
            hold((tx, rx));
        }
    }
}
