//! Victims that do it wrong in rings of many subscribers: the laboratory must notice.

use std::hint::black_box;
use std::time::Duration;

use libtest_mimic::Trial;

use super::ledger::{Ledger, Reader};
use super::scene::{Beside, Operation, Recording, Scene};
use super::{Load, Sight, recorder};
use crate::books::Tally;
use crate::canaries::examine;
use crate::item::{Number, Numbered, bytes_of};
use crate::journal::Entry;
use crate::laboratory::{Effect, Fate, Laboratory, VICTIM};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("canary::broadcast_an_item_that_is_released_before_it_is_handled_is_lost", lost),
        trial("canary::broadcast_an_item_that_was_handled_unbeknown_to_the_ring_is_repeated", repeated),
        trial("canary::broadcast_an_item_that_nobody_published_is_waited_for_in_vain", stuck),
        trial("canary::broadcast_an_item_that_is_published_twice_is_in_two_places", twice),
        trial("canary::broadcast_an_item_that_is_not_whole_is_noticed", torn),
        trial("canary::broadcast_a_gate_that_nobody_frees_is_in_the_way", in_the_way),
        trial("canary::broadcast_a_gap_is_counted_or_complained_of", gaps),
    ]
}

const fn publishing<P: Load + ?Sized>() -> Scene<P> {
    Scene::new(Beside::Subscribers, Recording::Nobody)
}

const fn recording<P: Load + ?Sized>() -> Scene<P> {
    Scene::new(Beside::Everybody, Recording::Held)
}

/// What comes of the victims of `operation` that are killed before its first instruction and behind its last one.
fn first_and_last<P: Load + ?Sized>(operation: &'static Operation<P>) -> [Tally; 2] {
    let mut laboratory = Laboratory::new(operation);
    let last = laboratory.points(None).len() - 1;
    [0, last].map(|steps| laboratory.examine(Fate::Killed, &[steps]).tally)
}

fn lost() {
    static WRONG: Operation<Numbered> = Operation {
        name: "release, then handle",
        scene: recording(),
        effect: Effect::Reads(1),
        act: |ring, stage, _| {
            let mut rx = recorder(ring).expect("a free gate");
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
    static WRONG: Operation<Numbered> = Operation {
        name: "handle the one behind the one that was read",
        scene: recording(),
        effect: Effect::Reads(1),
        act: |ring, stage, _| {
            let mut rx = recorder(ring).expect("a free gate");
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
    static WRONG: Operation<Numbered> = Operation {
        name: "say that an item was published",
        scene: publishing(),
        effect: Effect::Nothing,
        act: |_ring, stage, _| {
            stage.begin();
            stage.note(Entry::Accepted(Number { source: VICTIM, sequence: 0 }));
            stage.end();
            stage.rest();
        },
    };
    let [before, after] = first_and_last(&WRONG);
    assert!(before.is_clean(), "{before:?}");
    assert_eq!((after.lost, after.repeated, after.stuck > 0), (2, 0, true), "by both: {after:?}");
}

fn twice() {
    static WRONG: Operation<Numbered> = Operation {
        name: "publish an item twice",
        scene: publishing(),
        effect: Effect::Pushes(1),
        act: |ring, stage, source| {
            let mut tx = ring.publisher().expect("a free role");
            let item = Numbered::of(Number { source, sequence: 0 });
            stage.begin();
            let published = [tx.publish(item), tx.publish(item)];
            stage.end();
            assert!(published.iter().all(Result::is_ok), "there is room");
            stage.note(Entry::Accepted(Number { source, sequence: 0 }));
            stage.rest();
        },
    };
    let [before, after] = first_and_last(&WRONG);
    assert!(before.is_clean(), "{before:?}");
    assert_eq!((after.lost, after.repeated > 0), (0, true), "{after:?}");
    assert!(after.complaints.iter().any(|it| it.contains(" and at ")), "{after:?}");
}

fn torn() {
    static WRONG: Operation<[u8]> = Operation {
        name: "publish half an item",
        scene: publishing(),
        effect: Effect::Nothing,
        act: |ring, stage, source| {
            let mut tx = ring.publisher().expect("a free role");
            let item = bytes_of(Number { source, sequence: 1 });
            stage.begin();
            let published = tx.publish(&item[..item.len() - 1]);
            stage.end();
            published.expect("room");
            stage.rest();
        },
    };
    let [before, after] = first_and_last(&WRONG);
    assert!(before.is_clean(), "{before:?}");
    assert!(after.complaints.iter().any(|it| it.contains("an item was not whole")), "{after:?}");
}

fn in_the_way() {
    static WRONG: Operation<Numbered> = Operation {
        name: "die with a gate that is held for nobody",
        scene: Scene { hold: Duration::from_mins(1), ..Scene::new(Beside::Everybody, Recording::Nobody) },
        effect: Effect::Nothing,
        act: |ring, stage, _| {
            let _rx = recorder(ring).expect("a free gate");
            stage.begin();
            stage.end();
            stage.rest();
        },
    };
    let [tally, _] = first_and_last(&WRONG);
    assert!(tally.stuck > 0, "{tally:?}");
}

fn gaps() {
    let complaints = |may_miss, sights: &[Sight]| {
        let mut ledger = Ledger::default();
        ledger.take_up(Reader::Lossy, 0);
        for sequence in 0..4 {
            ledger.accepted(Number { source: VICTIM, sequence }, Some(u64::from(sequence)));
        }
        sights.iter().for_each(|it| ledger.enter(Reader::Lossy, it, may_miss));
        ledger.balance().complaints.len()
    };
    let item = |sequence: u32| {
        let number = Some(Number { source: VICTIM, sequence });
        Sight::Item { position: u64::from(sequence), number, redelivered: false }
    };
    let missed = |count, resumed_at| Sight::Missed { count, resumed_at };
    assert_eq!(complaints(true, &[missed(2, 2), item(2), item(3)]), 0);
    assert_ne!(complaints(false, &[missed(2, 2), item(2), item(3)]), 0, "it may not miss anything");
    assert_ne!(complaints(true, &[missed(1, 2), item(2), item(3)]), 0, "two were missed");
    assert_ne!(complaints(true, &[item(0), item(2), item(3)]), 0, "one was skipped");
    assert_ne!(complaints(true, &[item(0), item(1), item(1), item(2), item(3)]), 0, "one came twice");
    assert_ne!(complaints(true, &[missed(2, 2), item(2)]), 0, "one was not received");
}
