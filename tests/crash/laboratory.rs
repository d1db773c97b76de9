//! Every operation, killed and stopped at its instructions.
//!
//! A trial builds a ring, brings it into the state before the operation, and starts a victim that performs it and
//! stands still after k instructions. There it is killed, or kept standing while others work and then let go. Those who
//! are left go on through the public interface, and the books say what came of it.
//!
//! Short form: the first and the last instructions and some between; with `RINGFENCE_LONG` set: all of them.

use std::ops::Range;

use crate::books::Tally;
use crate::journal::Journal;
use crate::victim::{Stage, Trace, Victim};

/// Whose items a victim pushes.
pub(crate) const VICTIM: u32 = 1;
/// Whose items one pushes who fell before the victim came.
pub(crate) const FALLEN: u32 = 2;

/// An operation, with the ring in which it takes place and those who judge what comes of it.
pub(crate) trait Experiment: 'static {
    /// A ring before the operation, and whoever is left in it.
    type Bench;

    fn name(&self) -> &'static str;
    /// What somebody does who dies of it before the victim comes: where most is left to be repaired.
    fn fallen(&self) -> Option<&'static Self>;
    fn effect(&self) -> Effect;
    /// Builds the ring and brings it into the state in which the first victim begins.
    fn bench(&self) -> Self::Bench;
    /// Enters that an operation of this effect is about to be performed, whose items are of `source`.
    fn expect(bench: &mut Self::Bench, effect: Effect, source: u32);
    /// Enters that the operation has returned.
    fn returned(bench: &mut Self::Bench, effect: Effect);
    /// Enters what the victim of an operation of this effect noted, as that of `source`.
    fn enter(bench: &mut Self::Bench, effect: Effect, source: u32, journal: Journal);
    /// What a victim does in the bench's ring, which it opens.
    fn perform(&self, bench: &Self::Bench, stage: &Stage, source: u32);
    /// What others do while the victim stands still after `steps` instructions: all that they can without it, each call
    /// in its time.
    fn work_beside(&self, bench: &mut Self::Bench, steps: usize);
    /// Those who are left go on.
    fn settle(&self, bench: Self::Bench, steps: usize, fate: Fate) -> Outcome;
    /// Whether nobody else can do in its place what one does that meets `fate`.
    fn is_alone(&self, fate: Fate) -> bool;
}

/// What an operation does to items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    /// It pushes as many.
    Pushes(u64),
    /// It takes as many, which nobody may see any more before its caller has them.
    Takes(u64),
    /// It hands out items, which are noted before so many of them are released.
    Reads(u64),
    /// It ends the ring.
    Closes,
}

impl Effect {
    /// Whether only who has the role can do it.
    pub(crate) fn is_of_a_role(self) -> bool {
        matches!(self, Self::Pushes(1..) | Self::Takes(1..) | Self::Reads(1..))
    }
}

/// What came of one victim.
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// Which of its items the operation has moved, oldest first.
    pub(crate) done: Vec<bool>,
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
pub(crate) struct Laboratory<E: Experiment> {
    operation: &'static E,
    /// After how many instructions the one falls who falls before the victim comes.
    fall: Option<(Trace, usize)>,
    trace: Trace,
    journal: Journal,
    strayed: usize,
}

impl<E: Experiment> Laboratory<E> {
    pub(crate) fn new(operation: &'static E) -> Self {
        let journal = Journal::new(256);
        let fall = operation.fallen().map(|fallen| Laboratory::new(fallen).into_fall());
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
        let pushes = matches!(self.operation.effect(), Effect::Pushes(_));
        (self.trace, if pushes { after } else { before })
    }

    /// The ring, and whoever fell in it.
    fn bench(&mut self) -> E::Bench {
        let mut bench = self.operation.bench();
        if let (Some(fallen), Some((trace, steps))) = (self.operation.fallen(), &self.fall) {
            E::expect(&mut bench, fallen.effect(), FALLEN);
            let mut victim = self.start_as(&bench, fallen, FALLEN);
            assert!(victim.follow(trace, *steps), "{}: the one before strays", self.operation.name());
            victim.kill();
            E::enter(&mut bench, fallen.effect(), FALLEN, self.journal);
        }
        E::expect(&mut bench, self.operation.effect(), VICTIM);
        bench
    }

    fn start(&self, bench: &E::Bench) -> Victim {
        self.start_as(bench, self.operation, VICTIM)
    }

    fn start_as(&self, bench: &E::Bench, operation: &E, source: u32) -> Victim {
        let stage = Stage(self.journal);
        Victim::start(|| operation.perform(bench, &stage, source))
    }

    /// A victim that stands after `steps` instructions, and its ring.
    fn stopped(&mut self, steps: usize) -> (E::Bench, Victim) {
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
        let effect = self.operation.effect();
        if fate == Fate::Stopped {
            self.operation.work_beside(&mut bench, steps);
        }
        if fate == Fate::Stopped || steps == self.trace.len() {
            victim.finish();
            E::returned(&mut bench, effect);
        }
        match fate {
            Fate::Killed => victim.kill(),
            Fate::Stopped => victim.leave(),
        }
        E::enter(&mut bench, effect, VICTIM, self.journal);
        self.operation.settle(bench, steps, fate)
    }

    /// All victims of `fate`, after as many instructions as `points` says.
    pub(crate) fn examine(&mut self, fate: Fate, points: &[usize]) -> Finding {
        let mut tally = Tally::default();
        let mut moved_before = 0;
        self.strayed = 0;
        for &steps in points {
            let strayed_before = self.strayed;
            let Outcome { tally: mut found, done } = self.trial(steps, fate);
            let returned = fate == Fate::Stopped || steps == self.trace.len();
            let moved = done.iter().take_while(|it| **it).count();
            // What is done stays done, oldest first, and all of it when the call returns.
            // Where there are others of its role, those may have done it in place of one that was stopped.
            let alone = self.operation.is_alone(fate);
            // As many instructions of another path are not as far.
            let strayed = self.strayed > strayed_before;
            let is_undone = moved < moved_before && !strayed;
            let astray = done[moved..].contains(&true) || is_undone || (returned && moved < done.len());
            if alone && astray {
                found.complaints.push(format!("{moved_before} items were moved, now it is {done:?}"));
            }
            if fate == Fate::Killed && !strayed {
                moved_before = moved;
            }
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
