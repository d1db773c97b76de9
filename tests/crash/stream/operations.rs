//! What victims do in streams.

use super::Stream;
use super::acts::{
    attach_consumer, attach_producer, batch_pop, batch_push, batch_read_and_release, claim_and_commit, pop,
    push, read_ahead_and_release_through, repair,
};

crate::pair::operations! {
    Stream, "stream";
    writer: "writer", writer writer_standby;
    reader: "reader", reader;
    push: Operation { name: "stream push", scene: scene(Beside::Consumer), effect: Effect::Pushes(1), act: push };
    read: Operation {
        name: "stream read and release",
        scene: scene(Beside::Producer),
        effect: Effect::Reads(2),
        act: batch_read_and_release,
    };
    own: {
        &Operation { name: "stream pop", scene: scene(Beside::Producer), effect: Effect::Takes(1), act: pop },
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
    }
}
