//! Operations in rings of which every subscriber sees every item, and the states in which they begin.

use std::time::Duration;

use ringfence::broadcast::{GateStatus, Ring};

use super::ledger::Reader;
use super::survivors::Survivors;
use super::{Load, OLDEST, RECORDER, SURVIVOR_GATE, impatient, open, recorder};
use crate::books::SURVIVOR;
use crate::common::UniqueName;
use crate::item::Number;
use crate::journal::Journal;
use crate::kind::{in_time, returns_in_time};
use crate::laboratory::{Effect, Experiment, Fate, Outcome, VICTIM};
use crate::rings::attach;
use crate::victim::Stage;

/// One operation.
pub(crate) struct Operation<P: Load + ?Sized + 'static> {
    pub(crate) name: &'static str,
    pub(crate) scene: Scene<P>,
    /// What it does to items; it takes and reads as a recorder.
    pub(crate) effect: Effect,
    /// What the victim does, as in rings of other kinds.
    pub(crate) act: fn(&Ring<P>, &Stage, u32),
}

/// The state in which a victim begins.
pub(crate) struct Scene<P: Load + ?Sized + 'static> {
    /// How many items were published and received before.
    pub(crate) passed: u64,
    /// How many items are published since.
    pub(crate) waiting: u64,
    /// Who works beside the victim.
    pub(crate) beside: Beside,
    pub(crate) recording: Recording,
    /// For how long the recorder's gate is held on, and whether whoever is slow is demoted.
    pub(crate) hold: Duration,
    pub(crate) demotes: bool,
    /// Whether those who have a gate have released everything.
    pub(crate) drained: bool,
    /// What somebody did who died of it before the victim came.
    pub(crate) fallen: Option<&'static Operation<P>>,
}

/// Which handles the laboratory keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    Nobody,
    /// A subscriber without a gate, in a ring that has none.
    Lossy,
    /// A subscriber with a gate and one without.
    Subscribers,
    /// The publisher as well.
    Everybody,
}

/// What becomes of the recorder's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recording {
    /// Nobody follows whoever has it.
    Nobody,
    /// It is held for whoever comes next, as is what waits.
    Held,
    /// Whoever comes next goes on behind one that died.
    Inherited,
    /// Somebody has it who releases nothing.
    Slow,
}

/// A ring before the operation.
pub(crate) struct Bench<P: Load + ?Sized> {
    ring: Ring<P>,
    survivors: Survivors<P>,
    /// The oldest item that waits.
    oldest: Number,
    name: UniqueName,
}

impl<P: Load + ?Sized> Scene<P> {
    /// A recorder finds `OLDEST` and what follows it.
    pub(crate) const fn new(beside: Beside, recording: Recording) -> Self {
        let hold = if matches!(recording, Recording::Held) { Duration::from_mins(1) } else { Duration::ZERO };
        Self {
            passed: OLDEST,
            waiting: 5,
            beside,
            recording,
            hold,
            demotes: false,
            drained: false,
            fallen: None,
        }
    }

    fn are_gates(&self) -> bool {
        self.beside != Beside::Lossy
    }

    fn create(&self, name: &str) -> Ring<P> {
        let mut options = P::options().attach(attach()).hold_gates(self.hold);
        if self.are_gates() {
            options = options.gate(SURVIVOR_GATE).gated(1).gate(RECORDER);
        }
        if self.demotes {
            options = options.demote_after(Duration::ZERO);
        }
        options.create(name).expect("a ring")
    }
}

impl<P: Load + ?Sized + 'static> Experiment for Operation<P> {
    type Bench = Bench<P>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn fallen(&self) -> Option<&'static Self> {
        self.scene.fallen
    }

    fn effect(&self) -> Effect {
        self.effect
    }

    fn bench(&self) -> Bench<P> {
        let scene = &self.scene;
        let name = UniqueName::new();
        let ring = scene.create(&name);
        let mut survivors = Survivors::new();
        survivors.ledger.open(Reader::Witness);
        if scene.beside != Beside::Nobody {
            survivors.attach(&ring, scene.are_gates());
        }
        for _ in 0..scene.passed {
            survivors.publish(Duration::ZERO);
            survivors.drain(Reader::Gated);
            survivors.drain(Reader::Lossy);
        }
        match scene.recording {
            Recording::Nobody | Recording::Inherited => {}
            Recording::Held => drop(recorder(&ring).expect("a gate")),
            Recording::Slow => survivors.recorder = Some(recorder(&ring).expect("a gate")),
        }
        if scene.recording != Recording::Nobody {
            survivors.ledger.open(Reader::Recorder);
        }
        let oldest = survivors.ledger.house.next(SURVIVOR);
        for _ in 0..scene.waiting {
            survivors.publish(Duration::ZERO);
        }
        if scene.drained {
            survivors.drain(Reader::Gated);
        }
        if scene.beside != Beside::Everybody {
            survivors.publisher = None;
        }
        Bench { ring, survivors, oldest, name }
    }

    fn expect(bench: &mut Bench<P>, effect: Effect, source: u32) {
        let ledger = &mut bench.survivors.ledger;
        if let Effect::Pushes(count) = effect {
            (0..count).for_each(|_| ledger.begun(ledger.house.next(source)));
        }
        set_in_doubt(bench, effect, true);
    }

    fn returned(bench: &mut Bench<P>, effect: Effect) {
        set_in_doubt(bench, effect, false);
    }

    fn enter(bench: &mut Bench<P>, effect: Effect, source: u32, journal: Journal) {
        let ledger = &mut bench.survivors.ledger;
        let records = matches!(effect, Effect::Takes(_) | Effect::Reads(_)) && ledger.has(Reader::Recorder);
        let reader = if records { Reader::Recorder } else { Reader::Witness };
        journal.take().for_each(|entry| ledger.enter_note(reader, source, entry));
    }

    fn perform(&self, bench: &Bench<P>, stage: &Stage, source: u32) {
        (self.act)(&open(&bench.name, impatient()), stage, source);
    }

    fn work_beside(&self, bench: &mut Bench<P>, steps: usize) {
        let Bench { ring, survivors, .. } = bench;
        let nobody_died = self.scene.fallen.is_none();
        let dead = in_time(&mut survivors.ledger.house, "repair", |_| ring.repair());
        if dead.is_some_and(|it| !it.repaired.is_empty() && nobody_died) {
            survivors.ledger.house.stuck("a stopped process was declared dead".to_owned());
        }
        survivors.overrun();
        let records = matches!(self.effect, Effect::Takes(_) | Effect::Reads(_));
        let is_free = |ring: &Ring<P>| {
            let gates = ring.gates();
            let gate = gates.iter().find(|it| it.name.as_deref() == Some(RECORDER)).expect("a gate");
            gate.status != GateStatus::Active
        };
        if records && is_free(ring) {
            survivors.ledger.house.stuck("a stopped process lost its gate".to_owned());
        }
        // A rival is refused what the victim has; that takes it a while.
        if steps.is_multiple_of(8) {
            let got = returns_in_time(&mut survivors.ledger.house, "a rival's attach", |_| {
                if self.scene.beside == Beside::Everybody {
                    recorder(ring).is_ok()
                } else {
                    ring.publisher().is_ok()
                }
            });
            if got && self.effect.is_of_a_role() {
                survivors.ledger.house.stuck("a stopped process lost its role".to_owned());
            }
        }
    }

    fn settle(&self, bench: Bench<P>, steps: usize, fate: Fate) -> Outcome {
        let Bench { ring, mut survivors, oldest, name: _name } = bench;
        // Those who are left repair by themselves, or whoever comes next does.
        if steps.is_multiple_of(2) {
            in_time(&mut survivors.ledger.house, "repair", |_| ring.repair());
        }
        match (self.scene.recording, fate) {
            (Recording::Nobody, _) => {}
            // Whoever left a gate that is not held has left it for good.
            (Recording::Inherited, Fate::Stopped) => survivors.ledger.close(Reader::Recorder),
            (Recording::Held | Recording::Inherited | Recording::Slow, _) => {
                survivors.take_up_recording(&ring)
            }
        }
        let closed = survivors.settle(&ring, self.scene.are_gates());
        let ledger = survivors.ledger;
        let done = match self.effect {
            Effect::Nothing => Vec::new(),
            Effect::Pushes(count) => ledger.published(VICTIM, count),
            Effect::Takes(count) | Effect::Reads(count) => ledger.recorded(oldest, count),
            Effect::Closes => vec![closed],
        };
        let mut tally = ledger.balance();
        if closed && self.effect != Effect::Closes {
            tally.stuck += 1;
            tally.complaints.push("nobody closed the ring, and it is closed".to_owned());
        }
        Outcome { tally, done }
    }

    fn is_alone(&self, _fate: Fate) -> bool {
        true
    }
}

/// Between its release and its return nobody may see what a recorder takes.
fn set_in_doubt<P: Load + ?Sized>(bench: &mut Bench<P>, effect: Effect, in_doubt: bool) {
    if let Effect::Takes(count) = effect {
        for step in 0..count as u32 {
            let number = Number { sequence: bench.oldest.sequence + step, ..bench.oldest };
            bench.survivors.ledger.set_in_doubt(number, in_doubt);
        }
    }
}
