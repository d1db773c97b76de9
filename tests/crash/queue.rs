//! Operations in rings of which every item goes to one consumer.

use std::time::Duration;

use crate::books::{Books, SURVIVOR};
use crate::common::UniqueName;
use crate::item::Number;
use crate::journal::Journal;
use crate::kind::{Found, Kind, Pushed, Survivors, in_time, returns_in_time};
use crate::laboratory::{Effect, Experiment, Fate, Outcome, VICTIM};
use crate::victim::Stage;

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

/// A ring before the operation.
pub(crate) struct Bench<K: Kind> {
    ring: K::Ring,
    survivors: Survivors<K>,
    books: Books,
    /// The oldest item that waits.
    oldest: Number,
    name: UniqueName,
}

impl<K: Kind> Experiment for Operation<K> {
    type Bench = Bench<K>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn fallen(&self) -> Option<&'static Self> {
        self.scene.fallen
    }

    fn effect(&self) -> Effect {
        self.effect
    }

    fn bench(&self) -> Bench<K> {
        let scene = &self.scene;
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
        Bench { ring, survivors, books, oldest, name }
    }

    fn expect(bench: &mut Bench<K>, effect: Effect, source: u32) {
        if let Effect::Pushes(count) = effect {
            (0..count).for_each(|_| bench.books.begun(bench.books.next(source)));
        }
        set_in_doubt(bench, effect, true);
    }

    fn returned(bench: &mut Bench<K>, effect: Effect) {
        set_in_doubt(bench, effect, false);
    }

    fn enter(bench: &mut Bench<K>, _effect: Effect, source: u32, journal: Journal) {
        journal.take().for_each(|entry| bench.books.enter(source, entry));
    }

    fn perform(&self, bench: &Bench<K>, stage: &Stage, source: u32) {
        (self.act)(&K::open(&bench.name), stage, source);
    }

    fn work_beside(&self, bench: &mut Bench<K>, steps: usize) {
        let Bench { ring, survivors, books, .. } = bench;
        let moment = Duration::from_millis(1);
        let nobody_died = self.scene.fallen.is_none();
        if in_time(books, "repair", |_| K::repair(ring)).is_some_and(|dead| dead > 0 && nobody_died) {
            books.stuck("a stopped process was declared dead".to_owned());
        }
        while let Some(Pushed::Accepted) = survivors.push(books, moment) {}
        while let Some(Found::Item { .. }) = survivors.take(books, moment) {}
        // Those who wait for what others took would wait for ever.
        if !K::IS_EXCLUSIVE {
            (0..self.scene.waiting).for_each(|_| drop(survivors.push(books, moment)));
        }
        // A rival is refused what the victim has, where there is one of each; that takes it a while.
        if steps.is_multiple_of(8) {
            let got = returns_in_time(books, "a rival's attach", |_| match self.scene.beside {
                Beside::Producer => K::consumer(ring).is_ok(),
                Beside::Consumer | Beside::Both => K::producer(ring).is_ok(),
            });
            if got && K::IS_EXCLUSIVE && self.effect.is_of_a_role() {
                books.stuck("a stopped process lost its role".to_owned());
            }
        }
    }

    fn settle(&self, bench: Bench<K>, steps: usize, _fate: Fate) -> Outcome {
        let Bench { ring, mut survivors, mut books, oldest, name: _name } = bench;
        // Those who are left repair by themselves, or whoever comes next does.
        let repaired = steps.is_multiple_of(2);
        if repaired {
            in_time(&mut books, "repair", |_| K::repair(&ring));
        }
        let closed = survivors.settle(&ring, &mut books, repaired);
        let done = match self.effect {
            Effect::Nothing => Vec::new(),
            Effect::Pushes(count) => books.survived(Number { source: VICTIM, sequence: 0 }, count),
            Effect::Takes(count) | Effect::Reads(count) => {
                books.survived(oldest, count).into_iter().map(|it| !it).collect()
            }
            Effect::Closes => vec![closed],
        };
        if closed && self.effect != Effect::Closes {
            books.stuck("nobody closed the ring, and it is closed".to_owned());
        }
        Outcome { tally: books.balance(), done }
    }

    fn is_alone(&self, fate: Fate) -> bool {
        K::IS_EXCLUSIVE || fate == Fate::Killed
    }
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
