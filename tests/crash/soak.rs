//! Processes that work without end, one of which is killed and replaced every few milliseconds.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::books::{Books, Tally};
use crate::common::{Numbers, UniqueName};
use crate::item::{Number, Numbered};
use crate::journal::{Entry, Journal, shared_words};
use crate::kind::{BOUND, Found, Kind, Push, Pushed, Survivors, Take};
use crate::mpmc::Mpmc;
use crate::process::Process;
use crate::spsc::Spsc;
use crate::stream::Stream;
use crate::{expect_clean, report, size, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("spsc soak", || soak_of::<Spsc<Numbered>>("spsc soak", 1, 1)),
        trial("stream soak", || soak_of::<Stream>("stream soak", 1, 1)),
        trial("mpmc soak", || soak_of::<Mpmc<Numbered>>("mpmc soak", 4, 4)),
    ]
}

/// Entries that a process may note; one that has no more room leaves, and is replaced like one that was killed.
const JOURNAL: usize = 1 << 17;
/// Entries that one item takes, at most.
const ITEM: usize = 2;
/// How long a process waits before it looks at the signal.
pub(crate) const MOMENT: Duration = Duration::from_millis(10);

/// What the processes are told: producers leave at the first signal, consumers at the second, once nothing is left.
const PRODUCERS_LEAVE: u64 = 1;
const CONSUMERS_LEAVE: u64 = 2;

/// What processes do in a ring, and the books about it.
pub(crate) trait Trade {
    /// What one process does.
    type Task: Copy + Debug;

    fn produces(task: Self::Task) -> bool;
    /// What the process at `post` does until it is told to leave, or has no more room to note what it does.
    fn perform(task: Self::Task, post: &Post<'_>);
    /// Enters what a process noted, whose number is `number`.
    fn enter(&mut self, task: Self::Task, number: u32, entry: Entry);
    fn stuck(&mut self, what: String);
}

/// What a process is given.
pub(crate) struct Post<'a> {
    /// The ring's.
    pub(crate) name: &'a str,
    signal: &'static AtomicU64,
    pub(crate) journal: Journal,
    number: u32,
}

/// One of the processes, and those who take its place.
struct Seat<T: Trade> {
    task: T::Task,
    journal: Journal,
    /// Number of the process that has the seat now: what it pushes is of this source.
    number: u32,
    process: Process,
}

struct Soak<'a, T: Trade> {
    name: &'a str,
    signal: &'static AtomicU64,
    trade: T,
    /// How many processes were started.
    started: u32,
}

impl Post<'_> {
    /// Whether a process that produces goes on.
    pub(crate) fn wants_more(&self) -> bool {
        !self.is_told(PRODUCERS_LEAVE) && self.has_room()
    }

    /// Whether whoever produces is told to leave.
    pub(crate) fn producers_leave(&self) -> bool {
        self.is_told(PRODUCERS_LEAVE)
    }

    /// Whether whoever consumes is told to leave once nothing is left.
    pub(crate) fn consumers_leave(&self) -> bool {
        self.is_told(CONSUMERS_LEAVE)
    }

    fn is_told(&self, signal: u64) -> bool {
        self.signal.load(Ordering::Acquire) >= signal
    }

    /// Whether there is room to note what becomes of another item.
    pub(crate) fn has_room(&self) -> bool {
        self.journal.room() >= ITEM
    }

    /// Pushes one item after the other, by `push`.
    pub(crate) fn produce(&self, mut push: impl FnMut(Number) -> Pushed) {
        let mut sequence = 0;
        while self.wants_more() {
            let number = Number { source: self.number, sequence };
            self.journal.note(Entry::Begun(number));
            loop {
                match push(number) {
                    Pushed::Accepted => break self.journal.note(Entry::Accepted(number)),
                    Pushed::Full if !self.producers_leave() => {}
                    Pushed::Full => return,
                    end => panic!("{end:?}"),
                }
            }
            sequence += 1;
        }
    }
}

/// Kills those who do `tasks` in the ring called `name`, whom others follow. `end` says how many items there were, and how
/// the books balance.
pub(crate) fn soak<T: Trade>(
    title: &str,
    name: &str,
    tasks: Vec<T::Task>,
    trade: T,
    end: impl FnOnce(T) -> (usize, Tally),
) {
    let kills = size(50, 1000);
    let signal = &shared_words(1)[0];
    let mut soak = Soak { name, signal, trade, started: 0 };
    let mut seats: Vec<Seat<T>> =
        tasks.into_iter().map(|task| soak.start(task, Journal::new(JOURNAL))).collect();
    let mut numbers = Numbers::from_seed(0x5eed);
    for _ in 0..kills {
        std::thread::sleep(Duration::from_micros(1000 + numbers.below(5000) as u64));
        soak.replace_ended(&mut seats);
        let index = numbers.below(seats.len());
        let seat = seats.swap_remove(index);
        seats.push(soak.replace(seat));
        soak.await_work(&mut seats);
    }
    for (leave, produces) in [(PRODUCERS_LEAVE, true), (CONSUMERS_LEAVE, false)] {
        signal.store(leave, Ordering::Release);
        for seat in seats.extract_if(.., |seat| T::produces(seat.task) == produces) {
            soak.dismiss(seat);
        }
    }
    let Soak { trade, started, .. } = soak;
    let (items, tally) = end(trade);
    report(format!(
        "{title}: killed {kills} of {started} processes: lost {}, repeated unflagged {}, stuck {} ({items} items)",
        tally.lost, tally.repeated, tally.stuck
    ));
    expect_clean(&tally);
}

impl<T: Trade> Soak<'_, T> {
    fn start(&mut self, task: T::Task, journal: Journal) -> Seat<T> {
        self.started += 1;
        let number = self.started;
        let post = Post { name: self.name, signal: self.signal, journal, number };
        let process = Process::start(|| T::perform(task, &post));
        Seat { task, journal, number, process }
    }

    /// Kills the process of a seat and starts another one in its place.
    fn replace(&mut self, seat: Seat<T>) -> Seat<T> {
        let Seat { task, journal, number, process } = seat;
        process.kill();
        self.enter(task, journal, number);
        self.start(task, journal)
    }

    fn enter(&mut self, task: T::Task, journal: Journal, number: u32) {
        journal.take().for_each(|entry| self.trade.enter(task, number, entry));
    }

    /// Starts others in the place of processes that have no more room to note what they do.
    fn replace_ended(&mut self, seats: &mut Vec<Seat<T>>) {
        for index in 0..seats.len() {
            if seats[index].process.has_ended() {
                let seat = seats.swap_remove(index);
                seats.push(self.replace(seat));
            }
        }
    }

    /// Waits until every process has got on with its work.
    fn await_work(&mut self, seats: &mut Vec<Seat<T>>) {
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
                return self.trade.stuck(format!("no work within {bound:?}: {tasks:?}"));
            }
            self.replace_missed(seats);
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// Without those who produce, or without those who consume, there is no work for the others.
    fn replace_missed(&mut self, seats: &mut Vec<Seat<T>>) {
        let are_gone =
            |produces| seats.iter_mut().all(|it| T::produces(it.task) != produces || it.process.has_ended());
        if [true, false].into_iter().any(are_gone) {
            self.replace_ended(seats);
        }
    }

    /// Waits until a process that was told to leave has left.
    fn dismiss(&mut self, mut seat: Seat<T>) {
        let begun = Instant::now();
        while !seat.process.has_ended() {
            if begun.elapsed() > BOUND + MOMENT {
                self.trade.stuck(format!("{:?}: does not leave", seat.task));
                break;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        drop(seat.process);
        self.enter(seat.task, seat.journal, seat.number);
    }
}

/// What is done in rings of which every item goes to one consumer.
struct Queue<K> {
    books: Books,
    kind: PhantomData<K>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Produce,
    Consume,
}

fn soak_of<K: Kind>(title: &str, producers: usize, consumers: usize) {
    let name = UniqueName::new();
    let ring = K::create(&name);
    let tasks = [vec![Task::Produce; producers], vec![Task::Consume; consumers]].concat();
    let queue = Queue::<K> { books: Books::default(), kind: PhantomData };
    soak(title, &name, tasks, queue, |Queue { mut books, .. }| {
        let mut survivors = Survivors::<K>::new();
        survivors.settle(&ring, &mut books, false);
        (books.count(), books.balance())
    });
}

impl<K: Kind> Trade for Queue<K> {
    type Task = Task;

    fn produces(task: Task) -> bool {
        task == Task::Produce
    }

    fn perform(task: Task, post: &Post<'_>) {
        let ring = K::open(post.name);
        match task {
            Task::Produce => {
                let mut tx = K::producer(&ring).expect("a free role");
                post.produce(|number| tx.push(number, MOMENT));
            }
            Task::Consume => consume(&mut K::consumer(&ring).expect("a free role"), post),
        }
    }

    fn enter(&mut self, _task: Task, number: u32, entry: Entry) {
        self.books.enter(number, entry);
    }

    fn stuck(&mut self, what: String) {
        self.books.stuck(what);
    }
}

fn consume(rx: &mut impl Take, post: &Post<'_>) {
    let journal = post.journal;
    while post.has_room() {
        let leaving = post.consumers_leave();
        match rx.read(MOMENT, |number, redelivered| journal.note(Entry::sight(number, redelivered))) {
            Found::Item { number, .. } => number.into_iter().for_each(|it| journal.note(Entry::Released(it))),
            Found::Empty if leaving => return,
            Found::Empty => {}
            end => panic!("{end:?}"),
        }
    }
}
