//! What victims do in rings of many producers and many consumers: alone in their role, and beside others of it.

use ringfence::mpmc::Ring;

use super::Mpmc;
use crate::item::{MAX_LENGTH, Number, Numbered, bytes_of, number_of};
use crate::journal::Entry;
use crate::kind::Kind;
use crate::laboratory::{Beside, Effect, Operation, Scene};
use crate::victim::Stage;

type Elements = Ring<Numbered>;
type Bytes = Ring<[u8]>;

/// The next slots to be written, and the oldest items, lie on both sides of the end of the slots.
const fn scene<K: Kind>(beside: Beside) -> Scene<K> {
    Scene { passed: 6, waiting: 5, beside, fallen: None }
}

const fn behind<K: Kind>(fallen: &'static Operation<K>) -> Scene<K> {
    Scene { fallen: Some(fallen), ..scene(fallen.scene.beside) }
}

const FRESH: Scene<Mpmc<Numbered>> = Scene { passed: 0, waiting: 0, ..scene(Beside::Both) };

const fn push_beside(name: &'static str, beside: Beside) -> Operation<Mpmc<Numbered>> {
    Operation { name, scene: scene(beside), effect: Effect::Pushes(1), act: push }
}

const fn batch_push_beside(name: &'static str, beside: Beside) -> Operation<Mpmc<Numbered>> {
    Operation { name, scene: scene(beside), effect: Effect::Pushes(3), act: batch_push }
}

const fn pop_beside(name: &'static str, beside: Beside) -> Operation<Mpmc<Numbered>> {
    Operation { name, scene: scene(beside), effect: Effect::Takes(1), act: pop }
}

const fn batch_pop_beside(name: &'static str, beside: Beside) -> Operation<Mpmc<Numbered>> {
    Operation { name, scene: scene(beside), effect: Effect::Takes(4), act: batch_pop }
}

const fn read_beside(name: &'static str, beside: Beside) -> Operation<Mpmc<Numbered>> {
    Operation { name, scene: scene(beside), effect: Effect::Reads(1), act: read_and_release }
}

const fn act(
    name: &'static str,
    scene: Scene<Mpmc<Numbered>>,
    act: fn(&Elements, &Stage, u32),
) -> Operation<Mpmc<Numbered>> {
    Operation { name, scene, effect: Effect::Nothing, act }
}

static PUSH: Operation<Mpmc<Numbered>> = push_beside("mpmc push beside a producer", Beside::Both);
static BATCH_PUSH: Operation<Mpmc<Numbered>> =
    batch_push_beside("mpmc batch push beside a producer", Beside::Both);
static READ: Operation<Mpmc<Numbered>> = read_beside("mpmc read and release beside a consumer", Beside::Both);
static BATCH_POP: Operation<Mpmc<Numbered>> =
    batch_pop_beside("mpmc batch pop beside a consumer", Beside::Both);

/// Operations on rings of elements.
pub(crate) static ELEMENTS: &[&Operation<Mpmc<Numbered>>] = &[
    &push_beside("mpmc push", Beside::Consumer),
    &PUSH,
    &pop_beside("mpmc pop", Beside::Producer),
    &pop_beside("mpmc pop beside a consumer", Beside::Both),
    &read_beside("mpmc read and release", Beside::Producer),
    &READ,
    &batch_push_beside("mpmc batch push", Beside::Consumer),
    &BATCH_PUSH,
    &batch_pop_beside("mpmc batch pop", Beside::Producer),
    &BATCH_POP,
    &Operation {
        name: "mpmc read and give back",
        scene: scene(Beside::Both),
        effect: Effect::Nothing,
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("an entry");
            stage.begin();
            let item = rx.read().expect("an item");
            stage.note(Entry::sight(item.get().number(), item.redelivered()));
            drop(item);
            stage.end();
            stage.rest();
        },
    },
    &Operation {
        name: "mpmc batch read and release",
        scene: scene(Beside::Both),
        effect: Effect::Reads(3),
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("an entry");
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
        // Whoever waits for a second item keeps its first, and with it others from pushing: nobody may take what it needs.
        name: "mpmc read ahead and release through",
        scene: scene(Beside::Producer),
        effect: Effect::Reads(3),
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("an entry");
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
        name: "mpmc close",
        scene: scene(Beside::Both),
        effect: Effect::Closes,
        act: |ring, stage, _| {
            stage.begin();
            ring.close();
            stage.end();
            stage.rest();
        },
    },
    &act("mpmc attach the first producer", FRESH, attach_producer),
    &act("mpmc attach a producer", scene(Beside::Both), attach_producer),
    &act("mpmc attach a producer behind one that died", behind(&PUSH), attach_producer),
    &act("mpmc attach the first consumer", FRESH, attach_consumer),
    &act("mpmc attach a consumer", scene(Beside::Both), attach_consumer),
    &act("mpmc attach a consumer behind one that died", behind(&READ), attach_consumer),
    &act("mpmc detach a producer", scene(Beside::Both), |ring, stage, _| {
        let tx = ring.producer().expect("an entry");
        stage.begin();
        drop(tx);
        stage.end();
        stage.rest();
    }),
    &act("mpmc detach a consumer that has items", scene(Beside::Both), |ring, stage, _| {
        let mut rx = ring.consumer().expect("an entry");
        for _ in 0..2 {
            let item = rx.read_ahead().expect("an item");
            stage.note(Entry::sight(item.value.number(), item.redelivered));
        }
        stage.begin();
        drop(rx);
        stage.end();
        stage.rest();
    }),
    &act("mpmc repair behind a producer", behind(&PUSH), repair),
    &act("mpmc repair behind a batch push", behind(&BATCH_PUSH), repair),
    &act("mpmc repair behind a consumer", behind(&READ), repair),
    &act("mpmc repair behind a batch pop", behind(&BATCH_POP), repair),
    &Operation {
        name: "mpmc pop what a dead consumer had",
        scene: behind(&READ),
        effect: Effect::Takes(1),
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("an entry");
            ring.repair().expect("a sound ring");
            stage.begin();
            let item = rx.pop();
            stage.end();
            note_taken(stage, item.expect("an item").number(), rx.last().expect("a delivery").redelivered);
            stage.rest();
        },
    },
];

/// Operations on rings of byte strings.
pub(crate) static BYTES: &[&Operation<Mpmc<[u8]>>] = &[
    &Operation {
        name: "mpmc push of bytes",
        scene: scene(Beside::Both),
        effect: Effect::Pushes(1),
        act: |ring: &Bytes, stage, source| {
            let mut tx = ring.producer().expect("an entry");
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
        name: "mpmc pop to a buffer",
        scene: scene(Beside::Both),
        effect: Effect::Takes(1),
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("an entry");
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
    let mut tx = ring.producer().expect("an entry");
    let item = Numbered::of(Number { source, sequence: 0 });
    stage.begin();
    let pushed = tx.push(item);
    stage.end();
    pushed.expect("room");
    note_accepted(stage, source, 1);
    stage.rest();
}

fn batch_push(ring: &Elements, stage: &Stage, source: u32) {
    let mut tx = ring.producer().expect("an entry");
    let items = [0, 1, 2].map(|sequence| Numbered::of(Number { source, sequence }));
    stage.begin();
    let count = tx.push_slice(&items);
    stage.end();
    assert_eq!(count, Ok(3));
    note_accepted(stage, source, 3);
    stage.rest();
}

fn pop(ring: &Elements, stage: &Stage, _source: u32) {
    let mut rx = ring.consumer().expect("an entry");
    stage.begin();
    let item = rx.pop();
    stage.end();
    note_taken(stage, item.expect("an item").number(), rx.last().expect("a delivery").redelivered);
    stage.rest();
}

fn batch_pop(ring: &Elements, stage: &Stage, _source: u32) {
    let mut rx = ring.consumer().expect("an entry");
    let mut items = [Numbered::of(Number { source: 0, sequence: 0 }); 4];
    stage.begin();
    let count = rx.pop_slice(&mut items);
    stage.end();
    assert_eq!(count, Ok(4));
    for item in items {
        note_taken(stage, item.number(), rx.last().expect("a delivery").redelivered);
    }
    stage.rest();
}

fn read_and_release(ring: &Elements, stage: &Stage, _source: u32) {
    let mut rx = ring.consumer().expect("an entry");
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
    let _tx = tx.expect("an entry");
    stage.rest();
}

fn attach_consumer(ring: &Elements, stage: &Stage, _source: u32) {
    stage.begin();
    let rx = ring.consumer();
    stage.end();
    let _rx = rx.expect("an entry");
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
