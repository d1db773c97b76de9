//! What victims do in rings of one producer and one consumer.

use super::Spsc;
use super::acts::{
    attach_consumer, attach_producer, batch_pop, batch_push, batch_read_and_release, note_accepted, pop,
    pop_to_buffer, push, push_bytes, read_ahead_and_release_through, read_and_release, repair,
};
use crate::item::{Number, Numbered};

crate::pair::operations! {
    Spsc<Numbered>, "spsc";
    writer: "producer", producer producer_standby;
    reader: "consumer", consumer;
    push: Operation { name: "spsc push", scene: scene(Beside::Consumer), effect: Effect::Pushes(1), act: push };
    read: Operation {
        name: "spsc read and release",
        scene: scene(Beside::Producer),
        effect: Effect::Reads(1),
        act: read_and_release,
    };
    own: {
        &Operation { name: "spsc pop", scene: scene(Beside::Producer), effect: Effect::Takes(1), act: pop },
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
    }
}

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
