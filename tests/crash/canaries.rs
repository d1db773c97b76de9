//! Victims that do it wrong: the laboratory must notice.

use std::hint::black_box;

use libtest_mimic::Trial;

use crate::books::Tally;
use crate::item::{Number, Numbered};
use crate::journal::Entry;
use crate::laboratory::{Effect, Experiment, Fate, Laboratory, VICTIM};
use crate::queue::{Beside, Operation, Scene};
use crate::spsc::Spsc;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("canary::an_item_that_is_released_before_it_is_handled_is_lost", lost),
        trial("canary::an_item_that_was_handled_unbeknown_to_the_ring_is_repeated", repeated),
        trial("canary::an_item_that_nobody_pushed_is_waited_for_in_vain", stuck),
    ]
}

/// What comes of some victims of `operation` that are killed.
pub(crate) fn examine<E: Experiment>(operation: &'static E) -> Tally {
    let mut laboratory = Laboratory::new(operation);
    let points = laboratory.points(Some(20));
    laboratory.examine(Fate::Killed, &points).tally
}

const fn scene(beside: Beside) -> Scene<Spsc<Numbered>> {
    Scene { passed: 1, waiting: 2, beside, fallen: None }
}

fn lost() {
    static WRONG: Operation<Spsc<Numbered>> = Operation {
        name: "release, then handle",
        scene: scene(Beside::Producer),
        effect: Effect::Reads(1),
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("a free role");
            stage.begin();
            let item = rx.read().expect("an item");
            let sight = Entry::sight(item.get().number(), item.redelivered());
            item.release();
            assert_eq!((0..1000).map(black_box).sum::<u32>(), 499_500);
            stage.note(sight);
            stage.end();
            stage.rest();
        },
    };
    let tally = examine(&WRONG);
    assert!(tally.lost > 0, "{tally:?}");
    assert_eq!((tally.repeated, tally.stuck > 0), (0, true), "the survivors wait for it: {tally:?}");
}

fn repeated() {
    static WRONG: Operation<Spsc<Numbered>> = Operation {
        name: "handle the one behind the one that was read",
        scene: scene(Beside::Producer),
        effect: Effect::Reads(1),
        act: |ring, stage, _| {
            let mut rx = ring.consumer().expect("a free role");
            stage.begin();
            let item = rx.read().expect("an item");
            let number = item.get().number().expect("a whole item");
            stage.note(Entry::Seen(Number { sequence: number.sequence + 1, ..number }));
            drop(item);
            stage.end();
            stage.rest();
        },
    };
    let tally = examine(&WRONG);
    assert!(tally.repeated > 0, "{tally:?}");
    assert_eq!((tally.lost, tally.stuck), (0, 0), "{tally:?}");
}

fn stuck() {
    static WRONG: Operation<Spsc<Numbered>> = Operation {
        name: "say that an item was pushed",
        scene: scene(Beside::Consumer),
        effect: Effect::Nothing,
        act: |_ring, stage, _| {
            stage.begin();
            stage.note(Entry::Accepted(Number { source: VICTIM, sequence: 0 }));
            stage.end();
            stage.rest();
        },
    };
    let mut laboratory = Laboratory::new(&WRONG);
    let last = laboratory.points(None).len() - 1;
    let tally = laboratory.examine(Fate::Killed, &[0, last]).tally;
    assert_eq!((tally.lost, tally.repeated, tally.stuck), (1, 0, 1), "{tally:?}");
}
