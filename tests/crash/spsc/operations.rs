//! What victims do in rings of one producer and one consumer.

use ringfence::spsc::Ring;

use super::Spsc;
use crate::item::{MAX_LENGTH, Number, Numbered, bytes_of, number_of};
use crate::journal::Entry;
use crate::laboratory::{Beside, Effect, Operation, Scene};
use crate::victim::Stage;

type Elements = Ring<Numbered>;
type Bytes = Ring<[u8]>;

/// The next slots to be written, and the oldest items, lie on both sides of the end of the slots.
const fn scene<K: crate::kind::Kind>(beside: Beside) -> Scene<K> {
    Scene { passed: 6, waiting: 5, beside, fallen: None }
}

const fn behind<K: crate::kind::Kind>(fallen: &'static Operation<K>) -> Scene<K> {
    Scene { fallen: Some(fallen), ..scene(fallen.scene.beside) }
}

const FRESH: Scene<Spsc<Numbered>> = Scene { passed: 0, waiting: 0, ..scene(Beside::Consumer) };

static PUSH: Operation<Spsc<Numbered>> =
    Operation { name: "spsc push", scene: scene(Beside::Consumer), effect: Effect::Pushes(1), act: push };

static READ: Operation<Spsc<Numbered>> = Operation {
    name: "spsc read and release",
    scene: scene(Beside::Producer),
    effect: Effect::Reads(1),
    act: read_and_release,
};

/// Operations on rings of elements.
pub(crate) static ELEMENTS: &[&Operation<Spsc<Numbered>>] = &[
    &PUSH,
    &Operation {
        name: "spsc pop",
        scene: scene(Beside::Producer),
        effect: Effect::Takes(1),
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("a free role");
            stage.begin();
            let item = rx.pop();
            stage.end();
            note_taken(stage, item.expect("an item").number(), rx.last().expect("a delivery").redelivered);
            stage.rest();
        },
    },
    &READ,
    &Operation {
        name: "spsc batch push",
        scene: scene(Beside::Consumer),
        effect: Effect::Pushes(3),
        act: |ring, stage, source| {
            let mut tx = ring.producer().expect("a free role");
            let items = [0, 1, 2].map(|sequence| Numbered::of(Number { source, sequence }));
            stage.begin();
            let count = tx.push_slice(&items);
            stage.end();
            assert_eq!(count, Ok(3));
            note_accepted(stage, source, 3);
            stage.rest();
        },
    },
    &Operation {
        name: "spsc batch pop",
        scene: scene(Beside::Producer),
        effect: Effect::Takes(4),
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("a free role");
            let mut items = [Numbered::of(Number { source: 0, sequence: 0 }); 4];
            stage.begin();
            let count = rx.pop_slice(&mut items);
            stage.end();
            assert_eq!(count, Ok(4));
            for item in items {
                note_taken(stage, item.number(), rx.last().expect("a delivery").redelivered);
            }
            stage.rest();
        },
    },
    &Operation {
        name: "spsc claim and commit",
        scene: scene(Beside::Consumer),
        effect: Effect::Pushes(1),
        act: |ring, stage, source| {
            let mut tx = ring.producer().expect("a free role");
            let item = Numbered::of(Number { source, sequence: 0 });
            stage.begin();
            let committed = tx.claim().and_then(|claim| claim.write(item).commit());
            stage.end();
            committed.expect("room");
            note_accepted(stage, source, 1);
            stage.rest();
        },
    },
    &Operation {
        name: "spsc batch read and release",
        scene: scene(Beside::Producer),
        effect: Effect::Reads(3),
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("a free role");
            stage.begin();
            let items = rx.read_slice(3).expect("items");
            let redelivered = items.redelivered();
            items.iter().for_each(|item| stage.note(Entry::sight(item.number(), redelivered)));
            let numbers = [0, 1, 2].map(|index| items.get(index).and_then(Numbered::number));
            items.release();
            stage.end();
            numbers.into_iter().flatten().for_each(|number| stage.note(Entry::Released(number)));
            stage.rest();
        },
    },
    &Operation {
        name: "spsc read ahead and release through",
        scene: scene(Beside::Producer),
        effect: Effect::Reads(3),
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("a free role");
            stage.begin();
            let items = [(); 3].map(|()| {
                let item = rx.read_ahead().expect("an item");
                stage.note(Entry::sight(item.value.number(), item.redelivered));
                item
            });
            let released = rx.release_through(items[2].position);
            stage.end();
            assert_eq!(released, Ok(3));
            items.iter().filter_map(|it| it.value.number()).for_each(|it| stage.note(Entry::Released(it)));
            stage.rest();
        },
    },
    &Operation {
        name: "spsc close",
        scene: scene(Beside::Consumer),
        effect: Effect::Closes,
        act: |ring, stage, _| {
            let mut tx = ring.producer().expect("a free role");
            stage.begin();
            tx.close();
            stage.end();
            stage.rest();
        },
    },
    &Operation {
        name: "spsc close from outside",
        scene: scene(Beside::Consumer),
        effect: Effect::Closes,
        act: |ring, stage, _| {
            stage.begin();
            ring.close();
            stage.end();
            stage.rest();
        },
    },
    &Operation {
        name: "spsc attach the first producer",
        scene: FRESH,
        effect: Effect::Nothing,
        act: attach_producer,
    },
    &Operation {
        name: "spsc attach a producer behind one that left",
        scene: scene(Beside::Consumer),
        effect: Effect::Nothing,
        act: attach_producer,
    },
    &Operation {
        name: "spsc attach a producer behind one that died",
        scene: behind(&PUSH),
        effect: Effect::Nothing,
        act: attach_producer,
    },
    &Operation {
        name: "spsc attach the first consumer",
        scene: FRESH,
        effect: Effect::Nothing,
        act: attach_consumer,
    },
    &Operation {
        name: "spsc attach a consumer behind one that left",
        scene: scene(Beside::Producer),
        effect: Effect::Nothing,
        act: attach_consumer,
    },
    &Operation {
        name: "spsc attach a consumer behind one that died",
        scene: behind(&READ),
        effect: Effect::Nothing,
        act: attach_consumer,
    },
    &Operation {
        name: "spsc stand by for a producer that died",
        scene: behind(&PUSH),
        effect: Effect::Nothing,
        act: |ring, stage, _| {
            stage.begin();
            let tx = ring.producer_standby();
            stage.end();
            let _tx = tx.expect("a free role");
            stage.rest();
        },
    },
    &Operation {
        name: "spsc detach a producer",
        scene: scene(Beside::Consumer),
        effect: Effect::Nothing,
        act: |ring, stage, _| {
            let tx = ring.producer().expect("a free role");
            stage.begin();
            drop(tx);
            stage.end();
            stage.rest();
        },
    },
    &Operation {
        name: "spsc detach a consumer",
        scene: scene(Beside::Producer),
        effect: Effect::Nothing,
        act: |ring, stage, _| {
            let rx = ring.consumer().expect("a free role");
            stage.begin();
            drop(rx);
            stage.end();
            stage.rest();
        },
    },
    &Operation {
        name: "spsc repair behind a producer",
        scene: behind(&PUSH),
        effect: Effect::Nothing,
        act: repair,
    },
    &Operation {
        name: "spsc repair behind a consumer",
        scene: behind(&READ),
        effect: Effect::Nothing,
        act: repair,
    },
];

/// Operations on rings of byte strings.
pub(crate) static BYTES: &[&Operation<Spsc<[u8]>>] = &[
    &Operation {
        name: "spsc push of bytes",
        scene: scene(Beside::Consumer),
        effect: Effect::Pushes(1),
        act: |ring: &Bytes, stage, source| {
            let mut tx = ring.producer().expect("a free role");
            let item = bytes_of(Number { source, sequence: 0 });
            stage.begin();
            let pushed = tx.push(&item);
            stage.end();
            pushed.expect("room");
            note_accepted(stage, source, 1);
            stage.rest();
        },
    },
    &Operation {
        name: "spsc pop to a buffer",
        scene: scene(Beside::Producer),
        effect: Effect::Takes(1),
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("a free role");
            let mut item = Vec::with_capacity(MAX_LENGTH);
            stage.begin();
            let popped = rx.pop_to(&mut item);
            stage.end();
            popped.expect("an item");
            note_taken(stage, number_of(&item), rx.last().expect("a delivery").redelivered);
            stage.rest();
        },
    },
];

fn push(ring: &Elements, stage: &Stage, source: u32) {
    let mut tx = ring.producer().expect("a free role");
    let item = Numbered::of(Number { source, sequence: 0 });
    stage.begin();
    let pushed = tx.push(item);
    stage.end();
    pushed.expect("room");
    note_accepted(stage, source, 1);
    stage.rest();
}

fn read_and_release(ring: &Elements, stage: &Stage, _source: u32) {
    let mut rx = ring.consumer().expect("a free role");
    stage.begin();
    let item = rx.read().expect("an item");
    let number = item.get().number();
    stage.note(Entry::sight(number, item.redelivered()));
    item.release();
    stage.end();
    number.into_iter().for_each(|number| stage.note(Entry::Released(number)));
    stage.rest();
}

fn attach_producer(ring: &Elements, stage: &Stage, _source: u32) {
    stage.begin();
    let tx = ring.producer();
    stage.end();
    let _tx = tx.expect("a free role");
    stage.rest();
}

fn attach_consumer(ring: &Elements, stage: &Stage, _source: u32) {
    stage.begin();
    let rx = ring.consumer();
    stage.end();
    let _rx = rx.expect("a free role");
    stage.rest();
}

fn repair(ring: &Elements, stage: &Stage, _source: u32) {
    stage.begin();
    let report = ring.repair();
    stage.end();
    report.expect("a sound ring");
    stage.rest();
}

fn note_accepted(stage: &Stage, source: u32, count: u32) {
    (0..count).for_each(|sequence| stage.note(Entry::Accepted(Number { source, sequence })));
}

/// Notes what a pop returned.
fn note_taken(stage: &Stage, number: Option<Number>, redelivered: bool) {
    stage.note(Entry::sight(number, redelivered));
    number.into_iter().for_each(|number| stage.note(Entry::Released(number)));
}
