//! Roles in rings of one publisher and many subscribers.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::exit;
use std::thread;
use std::time::Duration;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Gid, Uid, fork, setgid, setgroups, setuid};
use ringfence::broadcast::{
    self, Delivery, Gate, GatedSubscriber, Options, Publisher, Ring, Start, Subscriber,
};
use ringfence::{Attach, AttachError, Fault, Position, PushError, RecvError};

use crate::common::Numbers;
use crate::filters;
use crate::pauses::ALIVE;
use crate::roles::{hold, listen, number, say};
use crate::sleepers::attach;

/// An item: its position, who published it, some noise that follows from both, and a checksum of all that.
pub(crate) type Item = [u64; 8];

/// The item that `publisher` publishes at `position`.
pub(crate) fn item(position: u64, publisher: u64) -> Item {
    let mut noise = Numbers::from_seed(position.wrapping_mul(31) ^ publisher << 40);
    let mut item = [0; 8];
    item[0] = position;
    item[1] = publisher;
    item[2..7].fill_with(|| noise.next());
    item[7] = checksum(&item);
    item
}

fn checksum(item: &Item) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    item[..7].iter().fold(ODD, |sum, word| (sum ^ word).wrapping_mul(ODD).rotate_left(29))
}

/// Position and publisher of `item`, which must be whole.
pub(crate) fn whole(item: &Item) -> (u64, u64) {
    assert_eq!(item[7], checksum(item), "torn: {item:x?}");
    (item[0], item[1])
}

pub(crate) fn play(role: &str, name: &str, arguments: &[String]) {
    let argument = |index: usize| number(&arguments[index]);
    let text = |index: usize| arguments[index].as_str();
    match role {
        "publish" => publish(open(name).publisher().expect("a free role"), argument(0)),
        "publish on and on" => publish_on_and_on(&open(name), argument(0), text(1), text(2)),
        "receive" => receive(&open_as(name, text(1)), text(0), text(2)),
        "latest" => latest(&open(name), argument(0)),
        "hold gate" => {
            hold(open(name).subscribe_gated(gate(text(0)), Start::Newest).expect("a free gate"));
        }
        "join and leave" => join_and_leave(&open(name), argument(0), argument(1)),
        "record" => record(&open(name), text(0), argument(1)),
        "note" => note(&open_as(name, text(1)), text(0), text(2), argument(3)),
        "wait" => wait(&open_as(name, text(1)), text(0), &text(2).split(' ').collect::<Vec<_>>()),
        "read only" => read_only(name, text(0)),
        "fork" => fork_with_handles(&open(name)),
        "idle" => idle(&open(name), argument(0)),
        "count calls" => count_calls(open_as(name, text(0)), argument(1)),
        role => panic!("no role {role}"),
    }
}

fn open(name: &str) -> Ring<Item> {
    broadcast::open(name).expect("the test's ring")
}

fn open_as(name: &str, how: &str) -> Ring<Item> {
    broadcast::open_with(name, attach(how)).expect("the test's ring")
}

/// A gate as roles are told it.
fn gate(word: &str) -> Gate<'_> {
    if word == "any" { Gate::Any } else { Gate::Named(word) }
}

/// Says a sign of life where `number` is one of few.
fn say_sometimes(number: u64) {
    const FEW: u64 = 1 << 16;
    if number.is_multiple_of(FEW) {
        say(ALIVE);
    }
}

/// Publishes up to position `count`, one item at a time or many, and closes the ring.
fn publish(mut tx: Publisher<Item>, count: u64) {
    const RUN: u64 = 48;
    say("ready");
    listen();
    while tx.position().to_bits() < count {
        let next = tx.position().to_bits();
        if (next / RUN).is_multiple_of(2) {
            assert_eq!(tx.publish(item(next, 0)).map(Position::to_bits), Ok(next));
            say_sometimes(next);
        } else {
            let run = RUN.min(count - next);
            let items: Vec<_> = (next..next + run).map(|it| item(it, 0)).collect();
            assert_eq!(tx.publish_slice(&items), Ok(items.len()));
        }
    }
    tx.close();
}

/// Publishes until somebody closes the ring, or ends this process; says where it begins.
///
/// `journal`: where every second publisher writes down, behind each publication, what comes next.
fn publish_on_and_on(ring: &Ring<Item>, me: u64, when: &str, journal: &str) {
    let journal = (me % 2 == 1).then(|| OpenOptions::new().write(true).open(journal).expect("a file"));
    say("ready");
    let tx = if when == "standby" { ring.publisher_standby() } else { ring.publisher() };
    let mut tx = match tx {
        // Another one was faster.
        Err(AttachError::RoleTaken { .. }) => ring.publisher_standby(),
        other => other,
    }
    .expect("the role");
    say(&tx.position().to_bits().to_string());
    loop {
        let next = tx.position().to_bits();
        let published = if next.is_multiple_of(3) || journal.is_some() {
            tx.publish(item(next, me)).map(|_| ())
        } else {
            let items: [Item; 32] = std::array::from_fn(|step| item(next + step as u64, me));
            tx.publish_slice(&items).map(|_| ())
        };
        match published {
            Ok(()) => {}
            Err(PushError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
        if let Some(journal) = &journal {
            journal.write_all_at(&(next + 1).to_le_bytes(), me * 8).expect("room on the disk");
        }
    }
}

/// What both kinds of subscriber do.
trait Subscribes {
    fn recv(&mut self) -> Result<Item, RecvError>;
    fn recv_slice(&mut self, items: &mut [Item]) -> Result<usize, RecvError>;
    fn position(&self) -> Position;
    fn last(&self) -> Option<Delivery>;
    /// Whether it may be lapped.
    fn may_miss(&self) -> bool;
}

macro_rules! subscribes {
    ($($Subscriber:ident, |$it:ident| $may_miss:expr;)*) => {$(
        impl Subscribes for $Subscriber<Item> {
            fn recv(&mut self) -> Result<Item, RecvError> {
                self.recv()
            }

            fn recv_slice(&mut self, items: &mut [Item]) -> Result<usize, RecvError> {
                self.recv_slice(items)
            }

            fn position(&self) -> Position {
                self.position()
            }

            fn last(&self) -> Option<Delivery> {
                self.last()
            }

            fn may_miss(&self) -> bool {
                let $it = self;
                $may_miss
            }
        }
    )*};
}

subscribes! {
    Subscriber, |_it| true;
    GatedSubscriber, |it| it.is_demoted();
}

/// Subscribes as `kind`, `lossy` or a gate, and receives until the ring is closed.
fn receive(ring: &Ring<Item>, kind: &str, manner: &str) {
    if kind == "lossy" {
        receive_all(ring.subscribe(Start::Newest).expect("a ring"), manner);
    } else {
        receive_all(ring.subscribe_gated(gate(kind), Start::Newest).expect("a free gate"), manner);
    }
}

/// Receives until the ring is closed, one item at a time or many; says how many it got and missed, and which publisher
/// it saw from which position on.
fn receive_all(mut rx: impl Subscribes, manner: &str) {
    let (slices, slow) = (manner.contains("slices"), manner.contains("slow"));
    let mut items = [[0; 8]; 50];
    let (mut received, mut missed, mut next) = (0_u64, 0_u64, rx.position());
    let mut publishers: Vec<(u64, u64)> = Vec::new();
    say("ready");
    loop {
        let result = if slices {
            rx.recv_slice(&mut items)
        } else {
            rx.recv().map(|item| {
                items[0] = item;
                1
            })
        };
        match result {
            Ok(count) => {
                let last = rx.last().expect("a delivery");
                assert_eq!((last.first, last.len, last.redelivered), (next, count, false));
                for item in &items[..count] {
                    let (position, publisher) = whole(item);
                    assert_eq!(position, next.to_bits(), "one was skipped, or came twice");
                    if publishers.last().is_none_or(|it| it.0 != publisher) {
                        publishers.push((publisher, position));
                    }
                    next = next.next();
                    say_sometimes(position);
                }
                received += count as u64;
            }
            Err(RecvError::Lagged { missed: gap, resumed_at }) => {
                assert!(rx.may_miss(), "{gap} items were lost at {next:?}");
                assert_eq!(resumed_at.since(next), gap as i64);
                assert!(gap > 0);
                missed += gap;
                next = resumed_at;
            }
            Err(RecvError::Closed) => break,
            Err(error) => panic!("{error}"),
        }
        if slow && received % 64 < 2 {
            thread::sleep(Duration::from_millis(2));
        }
    }
    let publishers: String = publishers.iter().map(|(who, at)| format!(" {who}:{at}")).collect();
    say(&format!("done {received} {missed}{publishers}"));
}

/// Reads the newest item `reads` times; says how many of them were not to be had, and how many were new.
fn latest(ring: &Ring<Item>, reads: u64) {
    let mut rx = ring.subscribe(Start::Newest).expect("a ring");
    let (mut contended, mut new, mut newest) = (0_u64, 0_u64, None);
    say("ready");
    listen();
    for read in 0..reads {
        match rx.latest() {
            Ok(item) => {
                let (position, _) = whole(&item);
                assert_eq!(rx.last().expect("a delivery").first.to_bits(), position);
                assert!(Some(position) >= newest, "{position} behind {newest:?}");
                new += u64::from(Some(position) > newest);
                newest = Some(position);
            }
            Err(RecvError::Contended) => contended += 1,
            Err(RecvError::Empty) if newest.is_none() => {}
            Err(error) => panic!("{error}"),
        }
        if read.is_multiple_of(1 << 22) {
            say(ALIVE);
        }
    }
    say(&format!("done {contended} {new}"));
}

/// Joins and leaves `rounds` times: from the position on at which it joined, nothing is missed.
fn join_and_leave(ring: &Ring<Item>, seed: u64, rounds: u64) {
    let mut choices = Numbers::from_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let capacity = ring.capacity() as u64;
    let (mut joins, mut full, mut received, mut missed) = (0, 0_u64, 0_u64, 0);
    say("ready");
    while joins < rounds {
        let tail = ring.positions().1.to_bits();
        let start = match choices.below(4) {
            0 => Start::Newest,
            1 => Start::Oldest,
            2 => Start::At(Position::from_bits(tail.saturating_sub(choices.next() % (3 * capacity)))),
            _ => Start::At(Position::from_bits(tail + choices.next() % capacity)),
        };
        let mut rx = match ring.subscribe_gated(Gate::Any, start) {
            Ok(rx) => rx,
            Err(AttachError::TooMany { .. }) => {
                full += 1;
                thread::yield_now();
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        joins += 1;
        say_sometimes(joins * 64);
        let (joined, mut next) = (rx.joined_at(), rx.position());
        assert!(joined.since(next) >= 0, "joined at {joined:?}, before {next:?}");
        let last = next.to_bits() + choices.next() % (2 * capacity);
        while next.to_bits() < last {
            match rx.recv() {
                Ok(item) => {
                    assert_eq!(whole(&item).0, next.to_bits(), "{start:?}, joined at {joined:?}");
                    next = next.next();
                    received += 1;
                }
                Err(RecvError::Lagged { missed: gap, resumed_at }) => {
                    assert_eq!(resumed_at.since(next), gap as i64);
                    assert!(joined.since(resumed_at) >= 0, "joined at {joined:?}, goes on at {resumed_at:?}");
                    missed += gap;
                    next = resumed_at;
                }
                Err(RecvError::Closed) => panic!("the ring is open"),
                Err(error) => panic!("{error}, {start:?}, joined at {joined:?}, at {next:?}"),
            }
        }
        if choices.below(2) == 0 {
            rx.leave();
        }
    }
    say(&format!("done {joins} {full} {received} {missed}"));
}

/// What a recorder writes down of an item: its position, and whether it was flagged.
pub(crate) const RECORD: usize = 9;

/// Writes each item to a file before it releases it, one at a time or a few, until the ring is closed.
fn record(ring: &Ring<Item>, path: &str, life: u64) {
    let mut rx = ring.subscribe_gated("recorder", Start::Oldest).expect("the gate");
    let mut file = OpenOptions::new().append(true).open(path).expect("the test's file");
    let mut write = |position: Position, redelivered: bool, item: &Item| {
        assert_eq!(whole(item).0, position.to_bits());
        let mut record = [0; RECORD];
        record[..8].copy_from_slice(&position.to_bits().to_le_bytes());
        record[8] = u8::from(redelivered);
        // One write: a record is there or not.
        file.write_all(&record).expect("room on the disk");
    };
    say("ready");
    for round in life.. {
        let result = if round.is_multiple_of(2) {
            rx.read().map(|item| {
                write(item.position(), item.redelivered(), &item);
                item.release();
            })
        } else {
            let mut last = None;
            let result = (0..round % 16).try_for_each(|_| {
                let item = if last.is_none() { rx.read_ahead() } else { rx.try_read_ahead() }?;
                write(item.position, item.redelivered, &item.value);
                last = Some(item.position);
                Ok(())
            });
            if let Some(last) = last {
                assert!(rx.release_through(last).is_ok_and(|it| it > 0));
            }
            if result == Err(RecvError::Empty) { Ok(()) } else { result }
        };
        match result {
            Ok(()) => {}
            Err(RecvError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Notes in a file, as number `index`, how many items it has received; until the ring is closed.
fn note(ring: &Ring<Item>, kind: &str, path: &str, index: u64) {
    let file = OpenOptions::new().write(true).open(path).expect("the test's file");
    if kind == "lossy" {
        note_all(ring.subscribe(Start::Newest).expect("a ring"), &file, index);
    } else {
        note_all(ring.subscribe_gated(gate(kind), Start::Newest).expect("a free gate"), &file, index);
    }
}

fn note_all(mut rx: impl Subscribes, file: &File, index: u64) {
    say("ready");
    loop {
        match rx.recv() {
            Ok(item) => {
                let count = whole(&item).0 + 1;
                file.write_all_at(&count.to_le_bytes(), index * 8).expect("room on the disk");
            }
            Err(RecvError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Longer than anything may take that ends a call.
const LIMIT: Duration = Duration::from_secs(30);

/// As `kind`, calls one verb after the other, of which the first finds nothing to do; says what each came to.
fn wait(ring: &Ring<Item>, kind: &str, verbs: &[&str]) {
    match kind {
        "publisher" => {
            let mut tx = ring.publisher().expect("a free role");
            while tx.try_publish(item(tx.position().to_bits(), 0)).is_ok() {}
            call(verbs, |verb| match verb {
                "wait" => format!("{:?}", tx.wait(LIMIT)),
                "look" => format!("{:?}", tx.wait(Duration::ZERO)),
                _ => format!("{:?}", tx.publish_timeout([0; 8], LIMIT).map(drop)),
            });
        }
        "lossy" => {
            let mut rx = ring.subscribe(Start::Newest).expect("a ring");
            call(verbs, |verb| match verb {
                "wait" => format!("{:?}", rx.wait(LIMIT)),
                "look" => format!("{:?}", rx.wait(Duration::ZERO)),
                _ => format!("{:?}", rx.recv_timeout(LIMIT).map(drop)),
            });
        }
        gate_of => {
            let mut rx = ring.subscribe_gated(gate(gate_of), Start::Newest).expect("a free gate");
            call(verbs, |verb| match verb {
                "wait" => format!("{:?}", rx.wait(LIMIT)),
                "look" => format!("{:?}", rx.wait(Duration::ZERO)),
                _ => format!("{:?}", rx.recv_timeout(LIMIT).map(drop)),
            });
        }
    }
}

fn call(verbs: &[&str], mut call: impl FnMut(&str) -> String) {
    say("ready");
    for verb in verbs {
        say(&call(verb));
    }
}

/// Takes part as somebody who may only read the ring; says what it is refused, and what each call came to.
fn read_only(name: &str, who: &str) {
    if who == "nobody" {
        let nobody = 65534;
        setgroups(&[]).expect("root's right");
        setgid(Gid::from_raw(nobody)).expect("root's right");
        setuid(Uid::from_raw(nobody)).expect("root's right");
    }
    let path = format!("/dev/shm/{name}");
    let denied = OpenOptions::new().write(true).open(&path).is_err_and(|it| it.raw_os_error() == Some(13));
    let ring = broadcast::open_with::<Item>(name, Attach::new()).expect("a ring that may be read");
    let maps = std::fs::read_to_string("/proc/self/maps").expect("our own mappings");
    let access: Vec<_> = maps.lines().filter(|it| it.ends_with(&path)).map(|it| &it[26..29]).collect();
    let mut rx = ring.subscribe(Start::Oldest).expect("a ring that may be read");
    let refusals = [
        ring.publisher().map(drop),
        ring.publisher_standby().map(drop),
        ring.subscribe_gated(Gate::Any, Start::Newest).map(drop),
        ring.close(),
        ring.repair().map(drop),
    ];
    let refused = refusals.iter().filter(|it| matches!(it, Err(AttachError::ReadOnly))).count();
    say("ready");
    say(&format!("{denied} {access:?} {refused} of {}", refusals.len()));
    while listen() {
        say(&match rx.recv_timeout(Duration::from_millis(300)) {
            Ok(item) => whole(&item).0.to_string(),
            Err(error) => format!("{error:?}"),
        });
        if !listen() {
            return;
        }
        say(&match rx.recv() {
            Ok(item) => whole(&item).0.to_string(),
            Err(error) => format!("{error:?}"),
        });
    }
}

/// Forks while it holds a publisher and subscribers of both kinds, one of which looks at an item; the child can use none
/// of them, and takes part by itself.
fn fork_with_handles(ring: &Ring<Item>) {
    let heap = Options::<u64>::new(4).gated(1).in_process().expect("memory");
    let mut tx = ring.publisher().expect("a free role");
    let mut lossy = ring.subscribe(Start::Newest).expect("a ring");
    let mut gated = ring.subscribe_gated(Gate::Any, Start::Newest).expect("a free gate");
    for position in 0..3 {
        tx.publish(item(position, 0)).expect("room");
    }
    let mut idle = ring.subscribe(Start::Newest).expect("a ring");
    let ahead = gated.read_ahead().expect("an item");
    // SAFETY: this process has one thread.
    #[allow(unsafe_code)]
    match unsafe { fork() }.expect("a process") {
        ForkResult::Child => {
            let forked = RecvError::Broken(Fault::Forked);
            let mut items = [[0; 8]; 2];
            let checks = [
                tx.try_publish(item(3, 1)) == Err(PushError::Broken(Fault::Forked)),
                tx.publish_slice(&[item(3, 1)]) == Err(PushError::Broken(Fault::Forked)),
                tx.try_claim().is_err(),
                lossy.try_recv() == Err(forked) && lossy.recv() == Err(forked),
                lossy.recv_slice(&mut items) == Err(forked) && lossy.latest() == Err(forked),
                gated.try_recv() == Err(forked) && gated.try_read().err() == Some(forked),
                gated.recv_slice(&mut items) == Err(forked),
                gated.release_through(ahead.position).is_err(),
                // At once: before the limit is looked at, whether there is an item or not.
                lossy.wait(Duration::ZERO) == Err(forked) && lossy.wait(LIMIT) == Err(forked),
                idle.wait(Duration::ZERO) == Err(forked) && idle.wait(LIMIT) == Err(forked),
                gated.wait(Duration::ZERO) == Err(forked) && gated.wait(LIMIT) == Err(forked),
                tx.wait(Duration::ZERO) == Err(PushError::Broken(Fault::Forked)),
                matches!(heap.publisher(), Err(AttachError::Forked)),
                matches!(heap.subscribe(Start::Oldest), Err(AttachError::Forked)),
                matches!(ring.publisher(), Err(AttachError::RoleTaken { .. })),
            ];
            tx.close();
            gated.leave();
            drop((tx, lossy));
            let taken = matches!(ring.publisher(), Err(AttachError::RoleTaken { .. }));
            let mut own = ring.subscribe(Start::Oldest).expect("a ring");
            let received = own.recv() == Ok(item(0, 0));
            let own = ring.subscribe_gated(Gate::Any, Start::Newest).map(drop);
            let full = matches!(own, Err(AttachError::TooMany { .. }));
            println!("{checks:?}, {taken}, {received}, {full}");
            exit(if checks == [true; 15] && taken && received && full { 0 } else { 1 });
        }
        ForkResult::Parent { child } => {
            let status = waitpid(child, None).expect("a child of ours");
            say(&format!("{status:?}").replace(&child.to_string(), "child"));
            assert_eq!(gated.release_through(ahead.position), Ok(1), "it is still ours");
            assert_eq!([gated.recv(), lossy.recv()], [Ok(item(1, 0)), Ok(item(0, 0))]);
            assert_eq!(idle.try_recv(), Err(RecvError::Empty));
            tx.publish(item(3, 0)).expect("it is still ours");
            hold((tx, lossy, gated));
        }
    }
}

/// Holds `count` subscribers without a gate, of which each has received what there was.
fn idle(ring: &Ring<Item>, count: u64) {
    let subscribers = (0..count).map(|_| {
        let mut rx = ring.subscribe(Start::Oldest).expect("a ring");
        while rx.try_recv().is_ok() {}
        rx
    });
    hold(subscribers.collect::<Vec<_>>());
}

/// Publishes `items`; its exit code is the number of system calls.
fn count_calls(ring: Ring<Item>, items: u64) {
    let mut tx = ring.publisher().expect("a free role");
    say("ready");
    listen();
    filters::count_calls();
    for _ in 0..items {
        assert!(tx.try_publish(item(tx.position().to_bits(), 0)).is_ok());
    }
    filters::leave();
}
