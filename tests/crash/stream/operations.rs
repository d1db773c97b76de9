//! What victims do in streams.

use super::Stream;
use super::acts::{
    attach_consumer, attach_producer, batch_pop, batch_push, batch_read_and_release, claim_and_commit, pop,
    push, read_ahead_and_release_through, repair,
};
use crate::laboratory::Effect;
use crate::queue::{Beside, Operation, Scene};

/// The next units to be written, and the oldest ones, lie on both sides of the end of the memory.
const fn scene(beside: Beside) -> Scene<Stream> {
    Scene { passed: 6, waiting: 5, beside, fallen: None }
}

const fn behind(fallen: &'static Operation<Stream>) -> Scene<Stream> {
    Scene { fallen: Some(fallen), ..scene(fallen.scene.beside) }
}

const FRESH: Scene<Stream> = Scene { passed: 0, waiting: 0, ..scene(Beside::Consumer) };

static PUSH: Operation<Stream> =
    Operation { name: "stream push", scene: scene(Beside::Consumer), effect: Effect::Pushes(1), act: push };

static READ: Operation<Stream> = Operation {
    name: "stream read and release",
    scene: scene(Beside::Producer),
    effect: Effect::Reads(2),
    act: batch_read_and_release,
};

/// Operations on streams of elements.
pub(crate) static ELEMENTS: &[&Operation<Stream>] = &[
    &PUSH,
    &Operation { name: "stream pop", scene: scene(Beside::Producer), effect: Effect::Takes(1), act: pop },
    &READ,
    &Operation {
        name: "stream batch push",
        scene: scene(Beside::Consumer),
        effect: Effect::Pushes(3),
        act: batch_push,
    },
    &Operation {
        name: "stream batch pop",
        scene: scene(Beside::Producer),
        effect: Effect::Takes(4),
        act: batch_pop,
    },
    &Operation {
        name: "stream claim and commit",
        scene: scene(Beside::Consumer),
        effect: Effect::Pushes(2),
        act: claim_and_commit,
    },
    &Operation {
        name: "stream read ahead and release through",
        scene: scene(Beside::Producer),
        effect: Effect::Reads(3),
        act: read_ahead_and_release_through,
    },
    &Operation {
        name: "stream close",
        scene: scene(Beside::Consumer),
        effect: Effect::Closes,
        act: |ring, stage, _| {
            let mut tx = ring.writer().expect("a free role");
            stage.begin();
            tx.close();
            stage.end();
            stage.rest();
        },
    },
    &Operation {
        name: "stream close from outside",
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
        name: "stream attach the first writer",
        scene: FRESH,
        effect: Effect::Nothing,
        act: attach_producer,
    },
    &Operation {
        name: "stream attach a writer behind one that left",
        scene: scene(Beside::Consumer),
        effect: Effect::Nothing,
        act: attach_producer,
    },
    &Operation {
        name: "stream attach a writer behind one that died",
        scene: behind(&PUSH),
        effect: Effect::Nothing,
        act: attach_producer,
    },
    &Operation {
        name: "stream attach the first reader",
        scene: FRESH,
        effect: Effect::Nothing,
        act: attach_consumer,
    },
    &Operation {
        name: "stream attach a reader behind one that left",
        scene: scene(Beside::Producer),
        effect: Effect::Nothing,
        act: attach_consumer,
    },
    &Operation {
        name: "stream attach a reader behind one that died",
        scene: behind(&READ),
        effect: Effect::Nothing,
        act: attach_consumer,
    },
    &Operation {
        name: "stream stand by for a writer that died",
        scene: behind(&PUSH),
        effect: Effect::Nothing,
        act: |ring, stage, _| {
            stage.begin();
            let tx = ring.writer_standby();
            stage.end();
            let _tx = tx.expect("a free role");
            stage.rest();
        },
    },
    &Operation {
        name: "stream detach a writer",
        scene: scene(Beside::Consumer),
        effect: Effect::Nothing,
        act: |ring, stage, _| {
            let tx = ring.writer().expect("a free role");
            stage.begin();
            drop(tx);
            stage.end();
            stage.rest();
        },
    },
    &Operation {
        name: "stream detach a reader",
        scene: scene(Beside::Producer),
        effect: Effect::Nothing,
        act: |ring, stage, _| {
            let rx = ring.reader().expect("a free role");
            stage.begin();
            drop(rx);
            stage.end();
            stage.rest();
        },
    },
    &Operation {
        name: "stream repair behind a writer",
        scene: behind(&PUSH),
        effect: Effect::Nothing,
        act: repair,
    },
    &Operation {
        name: "stream repair behind a reader",
        scene: behind(&READ),
        effect: Effect::Nothing,
        act: repair,
    },
];
