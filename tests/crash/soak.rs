//! Processes that work without end, one of which is killed and replaced every few milliseconds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::books::Books;
use crate::common::{Numbers, UniqueName};
use crate::item::{Number, Numbered};
use crate::journal::{Entry, Journal, shared_words};
use crate::kind::{BOUND, Found, Kind, Push, Pushed, Survivors, Take};
use crate::mpmc::Mpmc;
use crate::process::Process;
use crate::spsc::Spsc;
use crate::{expect_clean, report, size, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("spsc soak", || soak::<Spsc<Numbered>>("spsc soak", 1, 1)),
        trial("mpmc soak", || soak::<Mpmc<Numbered>>("mpmc soak", 4, 4)),
    ]
}

/// Entries that a process may note; one that has no more room leaves, and is replaced like one that was killed.
const JOURNAL: usize = 1 << 17;
/// Entries that one item takes, at most.
const ITEM: usize = 2;
/// How long a process waits before it looks at the signal.
const MOMENT: Duration = Duration::from_millis(10);

/// What the processes are told: producers leave at the first signal, consumers at the second, once nothing is left.
const PRODUCERS_LEAVE: u64 = 1;
const CONSUMERS_LEAVE: u64 = 2;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Produce,
    Consume,
}

/// One of the processes, and those who take its place.
struct Seat {
    task: Task,
    journal: Journal,
    /// Number of the process that has the seat now: what it pushes is of this source.
    number: u32,
    process: Process,
}

struct Soak<'a> {
    name: &'a str,
    signal: &'static AtomicU64,
    books: Books,
    /// How many processes were started.
    started: u32,
}

/// Kills `producers` and `consumers` of a ring, whom others follow, and balances what they noted.
fn soak<K: Kind>(title: &str, producers: usize, consumers: usize) {
    let kills = size(50, 1000);
    let name = UniqueName::new();
    let ring = K::create(&name);
    let signal = &shared_words(1)[0];
    let mut soak = Soak { name: &name, signal, books: Books::default(), started: 0 };
    let tasks = [vec![Task::Produce; producers], vec![Task::Consume; consumers]].concat();
    let mut seats: Vec<Seat> =
        tasks.into_iter().map(|task| soak.start::<K>(task, Journal::new(JOURNAL))).collect();
    let mut numbers = Numbers::from_seed(0x5eed);
    for _ in 0..kills {
        std::thread::sleep(Duration::from_micros(1000 + numbers.below(5000) as u64));
        soak.replace_ended::<K>(&mut seats);
        let index = numbers.below(seats.len());
        let seat = seats.swap_remove(index);
        seats.push(soak.replace::<K>(seat));
        soak.await_work::<K>(&mut seats);
    }
    for (leave, task) in [(PRODUCERS_LEAVE, Task::Produce), (CONSUMERS_LEAVE, Task::Consume)] {
        signal.store(leave, Ordering::Release);
        for seat in seats.extract_if(.., |seat| seat.task == task) {
            soak.dismiss(seat);
        }
    }
    let Soak { mut books, started, .. } = soak;
    let mut survivors = Survivors::<K>::new();
    survivors.settle(&ring, &mut books, false);
    drop(survivors);
    let (items, tally) = (books.count(), books.balance());
    report(format!(
        "{title}: killed {kills} of {started} processes: lost {}, repeated unflagged {}, stuck {} ({items} items)",
        tally.lost, tally.repeated, tally.stuck
    ));
    expect_clean(&tally);
}

impl Soak<'_> {
    fn start<K: Kind>(&mut self, task: Task, journal: Journal) -> Seat {
        self.started += 1;
        let (name, signal, number) = (self.name, self.signal, self.started);
        let process = Process::start(|| match task {
            Task::Produce => produce::<K>(name, signal, journal, number),
            Task::Consume => consume::<K>(name, signal, journal),
        });
        Seat { task, journal, number, process }
    }

    /// Kills the process of a seat and starts another one in its place.
    fn replace<K: Kind>(&mut self, seat: Seat) -> Seat {
        seat.process.kill();
        self.enter(seat.journal, seat.number);
        self.start::<K>(seat.task, seat.journal)
    }

    fn enter(&mut self, journal: Journal, number: u32) {
        journal.take().for_each(|entry| self.books.enter(number, entry));
    }

    /// Starts others in the place of processes that have no more room to note what they do.
    fn replace_ended<K: Kind>(&mut self, seats: &mut Vec<Seat>) {
        for index in 0..seats.len() {
            if seats[index].process.has_ended() {
                let seat = seats.swap_remove(index);
                seats.push(self.replace::<K>(seat));
            }
        }
    }

    /// Waits until every process has got on with its work.
    fn await_work<K: Kind>(&mut self, seats: &mut Vec<Seat>) {
        let begun = Instant::now();
        let bound = BOUND * seats.len() as u32;
        let mut idle: Vec<u32> = seats.iter().map(|seat| seat.number).collect();
        loop {
            for seat in &mut *seats {
                if seat.journal.len() >= ITEM || seat.process.has_ended() {
                    idle.retain(|number| *number != seat.number);
                }
            }
            if idle.is_empty() {
                return;
            }
            if begun.elapsed() > bound {
                let tasks: Vec<_> = seats.iter().map(|seat| (seat.task, seat.journal.len())).collect();
                return self.books.stuck(format!("no work within {bound:?}: {tasks:?}"));
            }
            // Without producers, or without consumers, there is no work for the others.
            let are_gone = |task| seats.iter_mut().all(|seat| seat.task != task || seat.process.has_ended());
            if [Task::Produce, Task::Consume].into_iter().any(are_gone) {
                self.replace_ended::<K>(seats);
            }
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// Waits until a process that was told to leave has left.
    fn dismiss(&mut self, mut seat: Seat) {
        let begun = Instant::now();
        while !seat.process.has_ended() {
            if begun.elapsed() > BOUND + MOMENT {
                self.books.stuck(format!("{:?}: does not leave", seat.task));
                break;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        drop(seat.process);
        self.enter(seat.journal, seat.number);
    }
}

fn produce<K: Kind>(name: &str, signal: &AtomicU64, journal: Journal, source: u32) {
    let mut tx = K::producer(&K::open(name)).expect("a free role");
    let mut sequence = 0;
    while signal.load(Ordering::Acquire) < PRODUCERS_LEAVE && journal.room() >= ITEM {
        let number = Number { source, sequence };
        journal.note(Entry::Begun(number));
        loop {
            match tx.push(number, MOMENT) {
                Pushed::Accepted => break journal.note(Entry::Accepted(number)),
                Pushed::Full if signal.load(Ordering::Acquire) < PRODUCERS_LEAVE => {}
                Pushed::Full => return,
                end => panic!("{end:?}"),
            }
        }
        sequence += 1;
    }
}

fn consume<K: Kind>(name: &str, signal: &AtomicU64, journal: Journal) {
    let mut rx = K::consumer(&K::open(name)).expect("a free role");
    while journal.room() >= ITEM {
        let leaving = signal.load(Ordering::Acquire) >= CONSUMERS_LEAVE;
        match rx.read(MOMENT, |number, redelivered| journal.note(Entry::sight(number, redelivered))) {
            Found::Item { number, .. } => number.into_iter().for_each(|it| journal.note(Entry::Released(it))),
            Found::Empty if leaving => return,
            Found::Empty => {}
            end => panic!("{end:?}"),
        }
    }
}
