//! What victims do in rings of many producers and many consumers: alone in their role, and beside others of it.

use ringfence::mpmc::Ring;

use super::Mpmc;
use super::acts::{
    attach_consumer, attach_producer, batch_pop, batch_push, batch_read_and_release, note_taken, pop,
    pop_to_buffer, push, push_bytes, read_ahead_and_release_through, read_and_release, repair,
};
use crate::item::Numbered;
use crate::journal::Entry;
use crate::kind::Kind;
use crate::laboratory::Effect;
use crate::queue::{Beside, Operation, Scene};
use crate::victim::Stage;

type Elements = Ring<Numbered>;

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
        act: batch_read_and_release,
    },
    &Operation {
        // Whoever waits for a second item keeps its first, and with it others from pushing: nobody may take what it needs.
        name: "mpmc read ahead and release through",
        scene: scene(Beside::Producer),
        effect: Effect::Reads(3),
        act: read_ahead_and_release_through,
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
        act: push_bytes,
    },
    &Operation {
        name: "mpmc pop to a buffer",
        scene: scene(Beside::Both),
        effect: Effect::Takes(1),
        act: pop_to_buffer,
    },
];
