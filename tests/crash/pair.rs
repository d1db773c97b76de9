//! What victims do in rings of two roles, one writer and one reader.

use crate::kind::Kind;
use crate::queue::{Beside, Operation, Scene};

/// The operations on elements of the kind `$Kind`: its own, and those that all such rings have. The file has the kind's acts
/// in scope.
macro_rules! operations {
    (
        $Kind:ty, $kind:literal;
        writer: $writer:literal, $tx:ident $standby:ident;
        reader: $reader:literal, $rx:ident;
        push: $push:expr;
        read: $read:expr;
        own: { $($own:tt)* }
    ) => {
        use crate::laboratory::Effect;
        use crate::pair::{behind, scene};
        use crate::queue::{Beside, Operation, Scene};

        const FRESH: Scene<$Kind> = Scene { passed: 0, waiting: 0, ..scene(Beside::Consumer) };

        static PUSH: Operation<$Kind> = $push;

        static READ: Operation<$Kind> = $read;

        /// Operations on rings of elements.
        pub(crate) static ELEMENTS: &[&Operation<$Kind>] = &[
            &PUSH,
            &READ,
            $($own)*
            &Operation {
                name: concat!($kind, " close"),
                scene: scene(Beside::Consumer),
                effect: Effect::Closes,
                act: |ring, stage, _| {
                    let mut tx = ring.$tx().expect("a free role");
                    stage.begin();
                    tx.close();
                    stage.end();
                    stage.rest();
                },
            },
            &Operation {
                name: concat!($kind, " close from outside"),
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
                name: concat!($kind, " attach the first ", $writer),
                scene: FRESH,
                effect: Effect::Nothing,
                act: attach_producer,
            },
            &Operation {
                name: concat!($kind, " attach a ", $writer, " behind one that left"),
                scene: scene(Beside::Consumer),
                effect: Effect::Nothing,
                act: attach_producer,
            },
            &Operation {
                name: concat!($kind, " attach a ", $writer, " behind one that died"),
                scene: behind(&PUSH),
                effect: Effect::Nothing,
                act: attach_producer,
            },
            &Operation {
                name: concat!($kind, " attach the first ", $reader),
                scene: FRESH,
                effect: Effect::Nothing,
                act: attach_consumer,
            },
            &Operation {
                name: concat!($kind, " attach a ", $reader, " behind one that left"),
                scene: scene(Beside::Producer),
                effect: Effect::Nothing,
                act: attach_consumer,
            },
            &Operation {
                name: concat!($kind, " attach a ", $reader, " behind one that died"),
                scene: behind(&READ),
                effect: Effect::Nothing,
                act: attach_consumer,
            },
            &Operation {
                name: concat!($kind, " stand by for a ", $writer, " that died"),
                scene: behind(&PUSH),
                effect: Effect::Nothing,
                act: |ring, stage, _| {
                    stage.begin();
                    let tx = ring.$standby();
                    stage.end();
                    let _tx = tx.expect("a free role");
                    stage.rest();
                },
            },
            &Operation {
                name: concat!($kind, " detach a ", $writer),
                scene: scene(Beside::Consumer),
                effect: Effect::Nothing,
                act: |ring, stage, _| {
                    let tx = ring.$tx().expect("a free role");
                    stage.begin();
                    drop(tx);
                    stage.end();
                    stage.rest();
                },
            },
            &Operation {
                name: concat!($kind, " detach a ", $reader),
                scene: scene(Beside::Producer),
                effect: Effect::Nothing,
                act: |ring, stage, _| {
                    let rx = ring.$rx().expect("a free role");
                    stage.begin();
                    drop(rx);
                    stage.end();
                    stage.rest();
                },
            },
            &Operation {
                name: concat!($kind, " repair behind a ", $writer),
                scene: behind(&PUSH),
                effect: Effect::Nothing,
                act: repair,
            },
            &Operation {
                name: concat!($kind, " repair behind a ", $reader),
                scene: behind(&READ),
                effect: Effect::Nothing,
                act: repair,
            },
        ];
    };
}

/// What is written next, and what is read next, lies on both sides of the end of the memory.
pub(crate) const fn scene<K: Kind>(beside: Beside) -> Scene<K> {
    Scene { passed: 6, waiting: 5, beside, fallen: None }
}

pub(crate) const fn behind<K: Kind>(fallen: &'static Operation<K>) -> Scene<K> {
    Scene { fallen: Some(fallen), ..scene(fallen.scene.beside) }
}

pub(crate) use operations;
