//! Every operation, killed and stopped at its instructions.
//!
//! A trial builds a ring, brings it into the state before the operation, and starts a victim that performs it and
//! stands still after k instructions. There it is killed, or kept standing while others work and then let go. Those who
//! are left go on through the public interface, and the books say what came of it.
//!
//! Short form: the first and the last instructions and some between; with `RINGFENCE_LONG` set: all of them.

use std::ops::Range;
use std::time::Duration;

use crate::books::{Books, SURVIVOR, Tally};
use crate::common::UniqueName;
use crate::item::Number;
use crate::journal::Journal;
use crate::kind::{Found, Kind, Pushed, Survivors, in_time, returns_in_time};
use crate::victim::{Stage, Trace, Victim};

/// Whose items a victim pushes.
pub(crate) const VICTIM: u32 = 1;
/// Whose items one pushes who fell before the victim came.
pub(crate) const FALLEN: u32 = 2;

/// One operation of a kind of ring.
pub(crate) struct Operation<K: Kind + 'static> {
    pub(crate) name: &'static str,
    /// What is in the ring, and who.
    pub(crate) scene: Scene<K>,
    pub(crate) effect: Effect,
    /// What the victim does: it gets ready, performs the operation between [`Stage::begin`] and [`Stage::end`], notes
    /// what came of it, and says [`Stage::rest`]. The number is the source of what it pushes.
    pub(crate) act: fn(&K::Ring, &Stage, u32),
}

/// The state in which a victim begins.
pub(crate) struct Scene<K: Kind + 'static> {
    /// How many items went through the ring before, so that no index is where it began.
    pub(crate) passed: u64,
    /// How many items are in it.
    pub(crate) waiting: u64,
    /// Who works beside the victim.
    pub(crate) beside: Beside,
    /// What somebody did who died of it before the victim came: where most is left to be repaired.
    pub(crate) fallen: Option<&'static Operation<K>>,
}

/// Which handles the laboratory keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    Producer,
    Consumer,
    Both,
}

/// What an operation does to items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    /// It pushes as many.
    Pushes(u64),
    /// It takes as many, which nobody may see any more before its caller has them.
    Takes(u64),
    /// It hands out as many, which are noted before they are released.
    Reads(u64),
    /// It ends the ring.
    Closes,
}

impl Effect {
    /// Whether only who has the role can do it.
    fn is_of_a_role(self) -> bool {
        matches!(self, Self::Pushes(_) | Self::Takes(_) | Self::Reads(_))
    }
}

/// A ring before the operation.
struct Bench<K: Kind> {
    ring: K::Ring,
    survivors: Survivors<K>,
    books: Books,
    /// The oldest item that waits.
    oldest: Number,
    name: UniqueName,
}

/// What came of one victim.
struct Outcome {
    tally: Tally,
    /// Which of its items the operation has moved, oldest first.
    done: Vec<bool>,
}

/// What came of all victims of an operation.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) instructions: usize,
    pub(crate) points: usize,
    /// How many victims did not take the path of the trace.
    pub(crate) strayed: usize,
    pub(crate) tally: Tally,
}

/// Where victims are stopped, and what is done to them there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Killed,
    Stopped,
}

/// An operation under examination.
pub(crate) struct Laboratory<K: Kind + 'static> {
    operation: &'static Operation<K>,
    /// After how many instructions the one falls who falls before the victim comes.
    fall: Option<(Trace, usize)>,
    trace: Trace,
    journal: Journal,
    strayed: usize,
}

impl<K: Kind> Laboratory<K> {
    pub(crate) fn new(operation: &'static Operation<K>) -> Self {
        let journal = Journal::new(256);
        let fall = operation.scene.fallen.map(|fallen| Laboratory::new(fallen).into_fall());
        let mut this = Self { operation, fall, trace: Trace::default(), journal, strayed: 0 };
        // The first process that does something does it unlike the others: pages and caches are cold.
        for _ in 0..2 {
            let bench = this.bench();
            this.trace = this.start(&bench).trace();
            this.journal.clear();
        }
        this
    }

    /// Where this operation leaves most to be repaired: after its commit, or before its release.
    fn into_fall(mut self) -> (Trace, usize) {
        let is_done = |this: &mut Self, step| this.trial(step, Fate::Killed).done.contains(&true);
        let (mut before, mut after) = (0, self.trace.len());
        while after - before > 1 {
            let middle = before.midpoint(after);
            if is_done(&mut self, middle) { after = middle } else { before = middle }
        }
        let pushes = matches!(self.operation.effect, Effect::Pushes(_));
        (self.trace, if pushes { after } else { before })
    }

    /// Builds the ring and brings it into the state before the operation.
    fn bench(&mut self) -> Bench<K> {
        let scene = &self.operation.scene;
        let name = UniqueName::new();
        let ring = K::create(&name);
        let (mut books, mut survivors) = (Books::default(), Survivors::<K>::new());
        if scene.passed + scene.waiting > 0 {
            survivors.attach(&ring, &mut books);
        }
        for _ in 0..scene.passed {
            survivors.push(&mut books, Duration::ZERO);
            survivors.take(&mut books, Duration::ZERO);
        }
        let oldest = books.next(SURVIVOR);
        for _ in 0..scene.waiting {
            survivors.push(&mut books, Duration::ZERO);
        }
        match scene.beside {
            Beside::Producer => drop(survivors.consumer.take()),
            Beside::Consumer => drop(survivors.producer.take()),
            Beside::Both => {}
        }
        let mut bench = Bench { ring, survivors, books, oldest, name };
        if let (Some(fallen), Some((trace, steps))) = (scene.fallen, &self.fall) {
            enter_effect(&mut bench, fallen.effect, FALLEN);
            let mut victim = self.start_as(&bench, fallen, FALLEN);
            assert!(victim.follow(trace, *steps), "{}: the one before strays", self.operation.name);
            victim.kill();
            self.enter_journal(&mut bench.books, FALLEN);
        }
        enter_effect(&mut bench, self.operation.effect, VICTIM);
        bench
    }

    fn start(&self, bench: &Bench<K>) -> Victim {
        self.start_as(bench, self.operation, VICTIM)
    }

    fn start_as(&self, bench: &Bench<K>, operation: &Operation<K>, source: u32) -> Victim {
        let stage = Stage(self.journal);
        Victim::start(|| (operation.act)(&K::open(&bench.name), &stage, source))
    }

    fn enter_journal(&self, books: &mut Books, reader: u32) {
        self.journal.take().for_each(|entry| books.enter(reader, entry));
    }

    /// A victim that stands after `steps` instructions, and its ring.
    fn stopped(&mut self, steps: usize) -> (Bench<K>, Victim) {
        let bench = self.bench();
        let mut victim = self.start(&bench);
        if victim.follow(&self.trace, steps) {
            return (bench, victim);
        }
        self.strayed += 1;
        victim.kill();
        self.journal.clear();
        let bench = self.bench();
        let mut victim = self.start(&bench);
        victim.walk(steps);
        (bench, victim)
    }

    /// One victim, which meets its `fate` after `steps` instructions.
    fn trial(&mut self, steps: usize, fate: Fate) -> Outcome {
        let (mut bench, mut victim) = self.stopped(steps);
        if fate == Fate::Stopped {
            self.work_beside(&mut bench, steps);
        }
        let returns = fate == Fate::Stopped || steps == self.trace.len();
        if returns {
            victim.finish();
            set_in_doubt(&mut bench, self.operation.effect, false);
        }
        match fate {
            Fate::Killed => victim.kill(),
            Fate::Stopped => victim.leave(),
        }
        self.enter_journal(&mut bench.books, VICTIM);
        let Bench { ring, mut survivors, mut books, oldest, name: _name } = bench;
        // Those who are left repair by themselves, or whoever comes next does.
        let repaired = steps.is_multiple_of(2);
        if repaired {
            in_time(&mut books, "repair", |_| K::repair(&ring));
        }
        let closed = survivors.settle(&ring, &mut books, repaired);
        let done = match self.operation.effect {
            Effect::Nothing => Vec::new(),
            Effect::Pushes(count) => books.survived(Number { source: VICTIM, sequence: 0 }, count),
            Effect::Takes(count) | Effect::Reads(count) => {
                books.survived(oldest, count).into_iter().map(|it| !it).collect()
            }
            Effect::Closes => vec![closed],
        };
        if closed && self.operation.effect != Effect::Closes {
            books.stuck("nobody closed the ring, and it is closed".to_owned());
        }
        Outcome { tally: books.balance(), done }
    }

    /// What others do while the victim stands still: all that they can without it, each call in its time.
    fn work_beside(&self, bench: &mut Bench<K>, steps: usize) {
        let Bench { ring, survivors, books, .. } = bench;
        let moment = Duration::from_millis(1);
        let nobody_died = self.operation.scene.fallen.is_none();
        if in_time(books, "repair", |_| K::repair(ring)).is_some_and(|dead| dead > 0 && nobody_died) {
            books.stuck("a stopped process was declared dead".to_owned());
        }
        while let Some(Pushed::Accepted) = survivors.push(books, moment) {}
        while let Some(Found::Item { .. }) = survivors.take(books, moment) {}
        // Those who wait for what others took would wait for ever.
        if !K::IS_EXCLUSIVE {
            (0..self.operation.scene.waiting).for_each(|_| drop(survivors.push(books, moment)));
        }
        // A rival is refused what the victim has, where there is one of each; that takes it a while.
        if steps.is_multiple_of(8) {
            let got = returns_in_time(books, "a rival's attach", |_| match self.operation.scene.beside {
                Beside::Producer => K::consumer(ring).is_ok(),
                Beside::Consumer | Beside::Both => K::producer(ring).is_ok(),
            });
            if got && K::IS_EXCLUSIVE && self.operation.effect.is_of_a_role() {
                books.stuck("a stopped process lost its role".to_owned());
            }
        }
    }

    /// All victims of `fate`, after as many instructions as `points` says.
    pub(crate) fn examine(&mut self, fate: Fate, points: &[usize]) -> Finding {
        let mut tally = Tally::default();
        let mut moved_before = 0;
        self.strayed = 0;
        for &steps in points {
            let Outcome { tally: mut found, done } = self.trial(steps, fate);
            let returned = fate == Fate::Stopped || steps == self.trace.len();
            let moved = done.iter().take_while(|it| **it).count();
            // What is done stays done, oldest first, and all of it when the call returns.
            // Where there are others of its role, those may have done it in place of one that was stopped.
            let alone = K::IS_EXCLUSIVE || fate == Fate::Killed;
            let astray =
                done[moved..].contains(&true) || moved < moved_before || (returned && moved < done.len());
            if alone && astray {
                found.complaints.push(format!("{moved_before} items were moved, now it is {done:?}"));
            }
            moved_before = if fate == Fate::Killed { moved } else { 0 };
            tally.add(found, || {
                let place = place_of(self.trace.after(steps));
                format!("{fate:?} after {steps} instructions, at {place}")
            });
        }
        Finding { instructions: self.trace.len(), points: points.len(), strayed: self.strayed, tally }
    }

    /// After how many instructions victims stand still: after any number, or after about as many as `wanted`, half of
    /// which are the first and the last ones.
    pub(crate) fn points(&self, wanted: Option<usize>) -> Vec<usize> {
        let last = self.trace.len();
        let Some(wanted) = wanted.filter(|it| *it < last) else { return (0..=last).collect() };
        let end = wanted / 4;
        let between = last - 2 * end;
        let spread = (0..wanted - 2 * end).map(|it| end + it * between / (wanted - 2 * end));
        (0..end).chain(spread).chain(last - end..=last).collect()
    }
}

/// Enters what an operation is about to do to the items.
fn enter_effect<K: Kind>(bench: &mut Bench<K>, effect: Effect, source: u32) {
    if let Effect::Pushes(count) = effect {
        (0..count).for_each(|_| bench.books.begun(bench.books.next(source)));
    }
    set_in_doubt(bench, effect, true);
}

/// Between its release and its return nobody may see what an operation takes.
fn set_in_doubt<K: Kind>(bench: &mut Bench<K>, effect: Effect, in_doubt: bool) {
    if let Effect::Takes(count) = effect {
        for step in 0..count as u32 {
            let number = Number { sequence: bench.oldest.sequence + step, ..bench.oldest };
            bench.books.set_in_doubt(number, in_doubt);
        }
    }
}

/// Where `address` is, as a file and an address in it, which `addr2line` understands.
fn place_of(address: u64) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mappings: Vec<_> = maps.lines().filter_map(mapping).collect();
    let file = mappings.iter().find(|(range, _)| range.contains(&address)).map(|(_, file)| *file);
    let base = mappings.iter().find(|it| Some(it.1) == file).map(|(range, _)| range.start);
    match (file.and_then(|it| it.rsplit('/').next()), base) {
        (Some(file), Some(base)) => format!("{file}+{:#x}", address - base),
        _ => format!("{address:#x}"),
    }
}

/// Range and file of a line of `/proc/self/maps`.
fn mapping(line: &str) -> Option<(Range<u64>, &str)> {
    let fields: Vec<_> = line.split_whitespace().collect();
    let (start, end) = fields.first()?.split_once('-')?;
    let hex = |it: &str| u64::from_str_radix(it, 16).ok();
    Some((hex(start)?..hex(end)?, fields.get(5)?))
}
