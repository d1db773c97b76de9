//! What victims do in rings of one producer and one consumer.

use super::Spsc;
use super::acts::{
    attach_consumer, attach_producer, batch_pop, batch_push, batch_read_and_release, note_accepted, pop,
    pop_to_buffer, push, push_bytes, read_ahead_and_release_through, read_and_release, repair,
};
use crate::item::{Number, Numbered};
use crate::laboratory::Effect;
use crate::queue::{Beside, Operation, Scene};

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
    &Operation { name: "spsc pop", scene: scene(Beside::Producer), effect: Effect::Takes(1), act: pop },
    &READ,
    &Operation {
        name: "spsc batch push",
        scene: scene(Beside::Consumer),
        effect: Effect::Pushes(3),
        act: batch_push,
    },
    &Operation {
        name: "spsc batch pop",
        scene: scene(Beside::Producer),
        effect: Effect::Takes(4),
        act: batch_pop,
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
        act: batch_read_and_release,
    },
    &Operation {
        name: "spsc read ahead and release through",
        scene: scene(Beside::Producer),
        effect: Effect::Reads(3),
        act: read_ahead_and_release_through,
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
        act: push_bytes,
    },
    &Operation {
        name: "spsc pop to a buffer",
        scene: scene(Beside::Producer),
        effect: Effect::Takes(1),
        act: pop_to_buffer,
    },
];
