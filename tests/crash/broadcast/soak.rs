//! A publisher, recorders and other subscribers that work without end, and are killed and replaced.

use std::time::Duration;

use libtest_mimic::Trial;
use ringfence::broadcast::{Gate, Ring, Start};

use super::ledger::{Ledger, Reader};
use super::survivors::Survivors;
use super::{Load, RECORDER, Receive, SURVIVOR_GATE, Sight, open, publish};
use crate::common::UniqueName;
use crate::item::Numbered;
use crate::journal::Entry;
use crate::rings::attach;
use crate::soak::{MOMENT, Post, Trade, soak};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("broadcast soak", soak_of_all)]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Publish,
    /// Receives by the gate of that name, which is held for whoever follows.
    Record(&'static str),
    /// Receives by a gate that nobody follows at.
    ReceiveAsAnyone,
    /// Receives what it is not too slow for.
    ReceiveWithoutGate,
}

fn soak_of_all() {
    let name = UniqueName::new();
    let options = Numbered::options().attach(attach()).hold_gates(Duration::from_mins(1));
    let ring = options.gate(SURVIVOR_GATE).gated(1).gate(RECORDER).create(&name).expect("a ring");
    let mut ledger = Ledger::default();
    for (gate, reader) in [(SURVIVOR_GATE, Reader::Gated), (RECORDER, Reader::Recorder)] {
        // Held on from now on.
        drop(join(&ring, Gate::Named(gate)));
        ledger.open(reader);
    }
    let tasks = vec![
        Task::Publish,
        Task::Record(SURVIVOR_GATE),
        Task::Record(RECORDER),
        Task::ReceiveAsAnyone,
        Task::ReceiveWithoutGate,
        Task::ReceiveWithoutGate,
    ];
    soak("broadcast soak", &name, tasks, ledger, |ledger| {
        let mut survivors = Survivors::<Numbered>::new();
        survivors.ledger = ledger;
        survivors.take_up_recording(&ring);
        survivors.settle(&ring, true);
        let ledger = survivors.ledger;
        (ledger.house.count(), ledger.balance())
    });
}

fn join(ring: &Ring<Numbered>, gate: Gate<'_>) -> impl Receive {
    ring.subscribe_gated(gate, Start::Newest).expect("a free gate")
}

impl Trade for Ledger {
    type Task = Task;

    fn produces(task: Task) -> bool {
        task == Task::Publish
    }

    fn perform(task: Task, post: &Post<'_>) {
        let ring = open::<Numbered>(post.name, attach());
        match task {
            Task::Publish => {
                let mut tx = ring.publisher().expect("a free role");
                post.produce(|number| publish(&mut tx, number, MOMENT).0);
            }
            Task::Record(gate) => receive(join(&ring, Gate::Named(gate)), post),
            Task::ReceiveAsAnyone => receive(join(&ring, Gate::Any), post),
            Task::ReceiveWithoutGate => receive(ring.subscribe(Start::Newest).expect("a named ring"), post),
        }
    }

    fn enter(&mut self, task: Task, number: u32, entry: Entry) {
        match (task, entry) {
            (Task::Publish, _) => self.enter_note(Reader::Witness, number, entry),
            (Task::Record(RECORDER), _) => self.enter_note(Reader::Recorder, number, entry),
            (Task::Record(_), _) => self.enter_note(Reader::Gated, number, entry),
            // They see to their order by themselves.
            (_, Entry::Torn) => self.house.complain(format!("{task:?}: an item was not whole")),
            (_, _) => {}
        }
    }

    fn stuck(&mut self, what: String) {
        self.house.stuck(what);
    }
}

/// Receives one item after the other, and no position twice, and none is skipped that was not missed.
fn receive(mut rx: impl Receive, post: &Post<'_>) {
    let (mut next, journal) = (rx.next(), post.journal);
    while post.has_room() {
        let leaving = post.consumers_leave();
        match rx.read(MOMENT, |number, redelivered| journal.note(Entry::sight(number, redelivered))) {
            Sight::Item { position, number, .. } => {
                assert_eq!(position, next, "one position after the other");
                next += 1;
                number.into_iter().for_each(|it| journal.note(Entry::Released(it)));
            }
            Sight::Missed { count, resumed_at } => {
                assert!(rx.may_miss(), "{count} items were missed at {next}");
                assert_eq!(next + count, resumed_at, "as many as were missed");
                next = resumed_at;
            }
            Sight::Empty if leaving => return,
            Sight::Empty => {}
            end => panic!("{end:?}"),
        }
    }
}
