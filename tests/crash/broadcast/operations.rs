//! What victims do in rings of one publisher and many subscribers.

use std::time::Duration;

use ringfence::broadcast::{Ring, Start, Subscriber};
use ringfence::{Position, RecvError};

use super::acts::{
    attach_consumer, attach_producer, batch_pop, batch_push, note_accepted, note_taken, pop, pop_to_buffer,
    push, push_bytes, read_ahead_and_release_through, read_and_release, repair,
};
use super::scene::{Beside, Operation, Recording, Scene};
use super::{CAPACITY, Load, anyone, recorder};
use crate::item::{Number, Numbered};
use crate::journal::Entry;
use crate::laboratory::Effect;
use crate::victim::Stage;

type Elements = Ring<Numbered>;

const fn scene<P: Load + ?Sized>(beside: Beside) -> Scene<P> {
    Scene::new(beside, Recording::Nobody)
}

/// A recorder's gate is held for whoever comes next.
const fn recording<P: Load + ?Sized>() -> Scene<P> {
    Scene::new(Beside::Everybody, Recording::Held)
}

/// The next slots to be written lie on both sides of the end of the slots. A subscriber without a gate has received
/// nothing of what is in them.
const fn full<P: Load + ?Sized>() -> Scene<P> {
    Scene { waiting: CAPACITY, ..scene(Beside::Lossy) }
}

const fn behind<P: Load + ?Sized>(
    fallen: &'static Operation<P>,
    beside: Beside,
    recording: Recording,
) -> Scene<P> {
    Scene { fallen: Some(fallen), ..Scene::new(beside, recording) }
}

/// Only the gate of somebody who is gone is in the publisher's way.
const fn blocked(recording: Recording, fallen: Option<&'static Operation<Numbered>>) -> Scene<Numbered> {
    Scene { waiting: CAPACITY, drained: true, fallen, ..Scene::new(Beside::Subscribers, recording) }
}

const FRESH: Scene<Numbered> = Scene { passed: 0, waiting: 0, ..scene(Beside::Nobody) };

/// So short that who waits looks once more and no longer.
const BRIEFLY: Duration = Duration::from_nanos(1);

const fn act(
    name: &'static str,
    scene: Scene<Numbered>,
    act: fn(&Elements, &Stage, u32),
) -> Operation<Numbered> {
    Operation { name, scene, effect: Effect::Nothing, act }
}

static BATCH_PUBLISH: Operation<Numbered> = Operation {
    name: "broadcast batch publish",
    scene: scene(Beside::Subscribers),
    effect: Effect::Pushes(3),
    act: batch_push,
};

static READ: Operation<Numbered> = Operation {
    name: "broadcast read and release",
    scene: recording(),
    effect: Effect::Reads(1),
    act: read_and_release,
};

/// Wherever it dies, its gate stays at the oldest item.
static READ_AS_ANYONE: Operation<Numbered> =
    act("broadcast read and give back at anyone's gate", scene(Beside::Everybody), |ring, stage, _| {
        let mut rx = anyone(ring).expect("a free gate");
        stage.begin();
        let item = rx.read().expect("an item");
        stage.note(Entry::sight(item.get().number(), item.redelivered()));
        drop(item);
        stage.end();
        stage.rest();
    });

/// Operations on rings of elements.
pub(crate) static ELEMENTS: &[&Operation<Numbered>] = &[
    &Operation {
        name: "broadcast publish without gates",
        scene: full(),
        effect: Effect::Pushes(1),
        act: push,
    },
    &Operation {
        name: "broadcast publish",
        scene: scene(Beside::Subscribers),
        effect: Effect::Pushes(1),
        act: push,
    },
    &Operation {
        name: "broadcast batch publish without gates",
        scene: full(),
        effect: Effect::Pushes(3),
        act: batch_push,
    },
    &BATCH_PUBLISH,
    &Operation {
        name: "broadcast claim and commit",
        scene: scene(Beside::Subscribers),
        effect: Effect::Pushes(1),
        act: |ring, stage, source| {
            let mut tx = ring.publisher().expect("a free role");
            let item = Numbered::of(Number { source, sequence: 0 });
            stage.begin();
            let committed = tx.claim().and_then(|claim| claim.write(item).commit());
            stage.end();
            committed.expect("room");
            note_accepted(stage, source, 1);
            stage.rest();
        },
    },
    &act("broadcast claim and abort", full(), |ring, stage, source| {
        let mut tx = ring.publisher().expect("a free role");
        let item = Numbered::of(Number { source, sequence: 0 });
        stage.begin();
        drop(tx.claim().map(|claim| claim.write(item)));
        stage.end();
        stage.rest();
    }),
    &Operation {
        name: "broadcast publish behind a dead gate",
        scene: blocked(Recording::Nobody, Some(&READ_AS_ANYONE)),
        effect: Effect::Pushes(1),
        act: push,
    },
    &Operation {
        name: "broadcast publish behind a gate that is held",
        scene: Scene { hold: BRIEFLY, ..blocked(Recording::Nobody, Some(&READ)) },
        effect: Effect::Pushes(1),
        act: push,
    },
    &Operation {
        name: "broadcast publish behind a gate that is demoted",
        scene: Scene { demotes: true, ..blocked(Recording::Slow, None) },
        effect: Effect::Pushes(1),
        act: push,
    },
    &Operation {
        name: "broadcast close",
        scene: scene(Beside::Subscribers),
        effect: Effect::Closes,
        act: |ring, stage, _| {
            let mut tx = ring.publisher().expect("a free role");
            stage.begin();
            tx.close();
            stage.end();
            stage.rest();
        },
    },
    &Operation {
        name: "broadcast close from outside",
        scene: scene(Beside::Subscribers),
        effect: Effect::Closes,
        act: |ring, stage, _| {
            stage.begin();
            let closed = ring.close();
            stage.end();
            closed.expect("the right to write");
            stage.rest();
        },
    },
    &act("broadcast attach the first publisher", FRESH, attach_producer),
    &act("broadcast attach a publisher behind one that left", scene(Beside::Subscribers), attach_producer),
    &act(
        "broadcast attach a publisher behind one that died",
        behind(&BATCH_PUBLISH, Beside::Subscribers, Recording::Nobody),
        attach_producer,
    ),
    &act("broadcast detach a publisher", scene(Beside::Subscribers), |ring, stage, _| {
        let tx = ring.publisher().expect("a free role");
        stage.begin();
        drop(tx);
        stage.end();
        stage.rest();
    }),
    &act("broadcast recv without a gate", scene(Beside::Everybody), |ring, stage, _| {
        let mut rx = ring.subscribe(Start::Oldest).expect("a named ring");
        receive(&mut rx, stage);
    }),
    &act("broadcast recv without a gate behind a gap", full(), |ring, stage, _| {
        let mut rx = ring.subscribe(Start::At(Position::from_bits(1))).expect("a named ring");
        receive(&mut rx, stage);
    }),
    &act("broadcast latest", scene(Beside::Everybody), |ring, stage, _| {
        let mut rx = ring.subscribe(Start::Oldest).expect("a named ring");
        stage.begin();
        let item = rx.latest();
        stage.end();
        note_taken(stage, item.expect("an item").number(), false);
        stage.rest();
    }),
    &act("broadcast subscribe without a gate", scene(Beside::Everybody), |ring, stage, _| {
        stage.begin();
        let rx = ring.subscribe(Start::Oldest);
        stage.end();
        let _rx = rx.expect("a named ring");
        stage.rest();
    }),
    &Operation { name: "broadcast recv", scene: recording(), effect: Effect::Takes(1), act: pop },
    &Operation { name: "broadcast batch recv", scene: recording(), effect: Effect::Takes(4), act: batch_pop },
    &READ,
    &Operation {
        name: "broadcast read and give back",
        scene: recording(),
        effect: Effect::Reads(0),
        act: |ring, stage, _| {
            let mut rx = recorder(ring).expect("a free gate");
            stage.begin();
            let item = rx.read().expect("an item");
            stage.note(Entry::sight(item.get().number(), item.redelivered()));
            drop(item);
            stage.end();
            stage.rest();
        },
    },
    &Operation {
        name: "broadcast read ahead and release through",
        scene: recording(),
        effect: Effect::Reads(3),
        act: read_ahead_and_release_through,
    },
    &READ_AS_ANYONE,
    &act("broadcast recv at anyone's gate", scene(Beside::Everybody), |ring, stage, _| {
        let mut rx = anyone(ring).expect("a free gate");
        stage.begin();
        let item = rx.recv();
        stage.end();
        note_taken(stage, item.expect("an item").number(), false);
        stage.rest();
    }),
    &act(
        "broadcast read and release at a gate that is held for a while",
        Scene { hold: Duration::from_millis(5), ..scene(Beside::Everybody) },
        read_and_release,
    ),
    &act("broadcast join at anyone's gate", scene(Beside::Everybody), join_as_anyone),
    &act(
        "broadcast join at anyone's gate behind one that died",
        behind(&READ_AS_ANYONE, Beside::Everybody, Recording::Nobody),
        join_as_anyone,
    ),
    &act("broadcast join at a named gate", scene(Beside::Everybody), attach_consumer),
    &act(
        "broadcast join at a named gate behind one that died",
        behind(&READ, Beside::Everybody, Recording::Inherited),
        attach_consumer,
    ),
    &act("broadcast join at a gate that is held", recording(), attach_consumer),
    &act(
        "broadcast join at a gate that is held for one that died",
        behind(&READ, Beside::Everybody, Recording::Held),
        attach_consumer,
    ),
    &act(
        "broadcast leave",
        Scene { hold: Duration::from_millis(5), ..scene(Beside::Everybody) },
        |ring, stage, _| {
            let rx = recorder(ring).expect("a free gate");
            stage.begin();
            rx.leave();
            stage.end();
            stage.rest();
        },
    ),
    &act("broadcast detach at anyone's gate", scene(Beside::Everybody), |ring, stage, _| {
        let rx = anyone(ring).expect("a free gate");
        stage.begin();
        drop(rx);
        stage.end();
        stage.rest();
    }),
    &Operation {
        name: "broadcast detach at a gate that is held",
        scene: recording(),
        effect: Effect::Reads(0),
        act: |ring, stage, _| {
            let mut rx = recorder(ring).expect("a free gate");
            for _ in 0..2 {
                let item = rx.read_ahead().expect("an item");
                stage.note(Entry::sight(item.value.number(), item.redelivered));
            }
            stage.begin();
            drop(rx);
            stage.end();
            stage.rest();
        },
    },
    &act(
        "broadcast repair behind a publisher",
        behind(&BATCH_PUBLISH, Beside::Subscribers, Recording::Nobody),
        repair,
    ),
    &act(
        "broadcast repair behind a recorder",
        behind(&READ, Beside::Everybody, Recording::Inherited),
        repair,
    ),
    &act(
        "broadcast repair behind anyone",
        behind(&READ_AS_ANYONE, Beside::Everybody, Recording::Nobody),
        repair,
    ),
];

/// Operations on rings of byte strings.
pub(crate) static BYTES: &[&Operation<[u8]>] = &[
    &Operation {
        name: "broadcast publish of bytes",
        scene: full(),
        effect: Effect::Pushes(1),
        act: push_bytes,
    },
    &Operation {
        name: "broadcast recv to a buffer",
        scene: recording(),
        effect: Effect::Takes(1),
        act: pop_to_buffer,
    },
];

fn join_as_anyone(ring: &Elements, stage: &Stage, _source: u32) {
    stage.begin();
    let rx = anyone(ring);
    stage.end();
    let _rx = rx.expect("a free gate");
    stage.rest();
}

/// Receives an item, whatever was missed before it.
fn receive(rx: &mut Subscriber<Numbered>, stage: &Stage) {
    stage.begin();
    let item = loop {
        match rx.recv() {
            Err(RecvError::Lagged { .. }) => {}
            result => break result,
        }
    };
    stage.end();
    note_taken(stage, item.expect("an item").number(), false);
    stage.rest();
}
