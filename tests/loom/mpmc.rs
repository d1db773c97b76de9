//! The protocol of `mpmc`: each item once, whoever dies wherever, whoever repairs it while others go on.
//!
//! Most models have a phase in which everybody tries once or twice, and one in which a newcomer looks at what is left: a
//! loss, a repetition or a slot that stays blocked shows there.

use loom::thread;
use ringfence::model::death;
use ringfence::model::mpmc::{Consumer, Policy, Pop, Push, Ring, wrong};

use crate::{check, check_crowd, check_long, check_three};

/// Just below the wrap of the positions, so that every model crosses it.
const START: u64 = (1 << 52) - 1;

/// What a push of one item writes: the cursor, the record, the payload, the stamp.
const PUSH: u32 = 4;
/// What a pop of one item writes: the cursor, the record, the stamp.
const POP: u32 = 3;

/// An item, and whether it was flagged.
type Item = (u64, bool);

fn items(pop: Pop) -> Option<Item> {
    match pop {
        Pop::Item(value, redelivered) => Some((value, redelivered)),
        _ => None,
    }
}

/// Takes what is left, where everybody else is gone and put in order: nobody may be in the way.
fn drain(rx: &mut Consumer) -> Vec<Item> {
    let mut drained = Vec::new();
    loop {
        match rx.try_pop() {
            Pop::Item(value, redelivered) => drained.push((value, redelivered)),
            Pop::Held(by) => panic!("{by} is gone and still in the way"),
            Pop::Empty | Pop::Closed => return drained,
        }
    }
}

/// What `delivered` and the rest of `ring` are together, in the order of the items; every slot is usable after that.
fn finish(ring: &Ring, delivered: impl IntoIterator<Item = Item>) -> Vec<Item> {
    let (mut tx, mut rx) = (ring.producer(), ring.consumer());
    let mut all: Vec<Item> = delivered.into_iter().chain(drain(&mut rx)).collect();
    all.sort_unstable();
    let lap: Vec<Item> = (0..ring.capacity()).map(|step| (100 + step, false)).collect();
    for (value, _) in &lap {
        assert_eq!(tx.try_push(*value), Push::Done, "a slot is blocked");
    }
    assert_eq!(tx.try_push(0), Push::Full);
    assert_eq!(drain(&mut rx), lap);
    all
}

#[test]
fn each_item_of_two_producers_arrives_once_and_whole() {
    check_three(|| {
        let ring = Ring::new(2, START);
        let (mut first, mut second, mut rx) = (ring.producer(), ring.producer(), ring.consumer());
        let pushes = thread::spawn(move || first.try_push(1));
        let others = thread::spawn(move || second.try_push(2));
        let found = items(rx.try_pop());
        assert_eq!(pushes.join().expect("no panic"), Push::Done);
        assert_eq!(others.join().expect("no panic"), Push::Done);
        assert_eq!(finish(&ring, found), [(1, false), (2, false)]);
    });
}

#[test]
fn a_producer_that_dies_anywhere_costs_nothing_but_the_item_it_had_not_committed() {
    for writes in 1..=PUSH {
        check_long(move || {
            let ring = Ring::new(2, START);
            let (mut dying, mut tx, mut rx) = (ring.producer(), ring.producer(), ring.consumer());
            let repairer = ring.clone();
            let death = thread::spawn(move || {
                let done = death::after(writes, || dying.try_push(1));
                repairer.repair(dying.entry());
                done
            });
            let living = thread::spawn(move || tx.try_push(2));
            let found = items(rx.try_pop());
            let committed = death.join().expect("no panic") == Some(Push::Done);
            assert_eq!(living.join().expect("no panic"), Push::Done);
            let expected = [(1, false), (2, false)];
            assert_eq!(finish(&ring, found), &expected[usize::from(!committed)..]);
        });
    }
}

#[test]
fn each_item_goes_to_one_of_two_consumers() {
    check_long(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut first, mut second) = (ring.producer(), ring.consumer(), ring.consumer());
        let pushes = thread::spawn(move || (1..=2).for_each(|it| assert_eq!(tx.try_push(it), Push::Done)));
        let pops = thread::spawn(move || items(first.try_pop()));
        let found = items(second.try_pop());
        pushes.join().expect("no panic");
        let others = pops.join().expect("no panic");
        assert_eq!(finish(&ring, found.into_iter().chain(others)), [(1, false), (2, false)]);
    });
}

#[test]
fn a_slot_is_written_again_only_when_its_reader_is_done() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx) = (ring.producer(), ring.consumer());
        let pushes = thread::spawn(move || {
            for value in 1..=3 {
                while tx.try_push(value) != Push::Done {
                    thread::yield_now();
                }
            }
        });
        for value in 1..=3 {
            let item = loop {
                match items(rx.try_pop()) {
                    Some(item) => break item,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(item, (value, false));
        }
        pushes.join().expect("no panic");
    });
}

#[test]
fn items_of_a_batch_arrive_whole_and_next_to_each_other() {
    check_three(|| {
        let ring = Ring::new(4, START);
        let (mut tx, mut other, mut rx) = (ring.producer(), ring.producer(), ring.consumer());
        let pushes = thread::spawn(move || assert_eq!(tx.try_push_slice(&[1, 2]), 2));
        let others = thread::spawn(move || assert_eq!(other.try_push(3), Push::Done));
        let mut found = [0; 2];
        let count = rx.try_pop_slice(&mut found);
        pushes.join().expect("no panic");
        others.join().expect("no panic");
        let mut all = found[..count].to_vec();
        all.extend(drain(&mut rx).into_iter().map(|(value, _)| value));
        assert!(all == [1, 2, 3] || all == [3, 1, 2], "{all:?}");
    });
}

#[test]
fn a_batch_whose_producer_dies_anywhere_loses_only_what_it_had_not_committed() {
    // The cursor, two records; a payload and a stamp, twice. One write more where it helped the other one.
    let committed = |writes: u32| (writes >= 5) as usize + (writes >= 7) as usize;
    for writes in 1..=7 {
        check_three(move || {
            let ring = Ring::new(4, START);
            let (mut dying, mut tx, mut rx) = (ring.producer(), ring.producer(), ring.consumer());
            let dead = dying.entry();
            let death = thread::spawn(move || {
                death::after(writes, || dying.try_push_slice(&[1, 2]));
            });
            // Helps, or comes first.
            assert_eq!(tx.try_push(3), Push::Done);
            let found = items(rx.try_pop());
            death.join().expect("no panic");
            ring.repair(dead);
            let mut all = finish(&ring, found);
            assert_eq!(all.pop(), Some((3, false)));
            assert_eq!(all, &[(1, false), (2, false)][..all.len()]);
            assert!((committed(writes - 1)..=committed(writes)).contains(&all.len()), "{all:?}");
        });
    }
}

#[test]
fn an_item_comes_again_flagged_if_its_consumer_dies_anywhere_before_it_released_it() {
    for writes in 1..=POP {
        check_long(move || {
            let ring = Ring::new(2, START);
            let (mut tx, mut dying, mut rx) = (ring.producer(), ring.consumer(), ring.consumer());
            assert_eq!(tx.try_push(1), Push::Done);
            let repairer = ring.clone();
            let death = thread::spawn(move || {
                let popped = death::after(writes, || items(dying.try_pop()));
                repairer.repair(dying.entry());
                popped
            });
            let pushes = thread::spawn(move || tx.try_push(2));
            let found = items(rx.try_pop());
            let popped = death.join().expect("no panic");
            assert_eq!(pushes.join().expect("no panic"), Push::Done);
            let all = finish(&ring, found.into_iter().chain(popped.flatten()));
            assert_eq!(all.iter().map(|it| it.0).collect::<Vec<_>>(), [1, 2]);
            let flagged = all.iter().filter(|it| it.1).count();
            // None where it died while it helped the other one.
            assert!(flagged <= usize::from(popped.is_none()), "flagged, and nobody died with it");
        });
    }
}

#[test]
fn a_discarding_ring_delivers_nothing_again_and_keeps_no_slot() {
    for writes in 1..POP {
        check_three(move || {
            let ring = Ring::with(2, START, Policy { discard: true, ..Policy::default() });
            let (mut tx, mut dying, mut rx) = (ring.producer(), ring.consumer(), ring.consumer());
            assert_eq!(tx.try_push(1), Push::Done);
            assert_eq!(death::after(writes, || dying.try_pop()), None);
            let (repairer, dead) = (ring.clone(), dying.entry());
            let repair = thread::spawn(move || repairer.repair(dead));
            assert_eq!(tx.try_push(2), Push::Done);
            let found = items(rx.try_pop());
            repair.join().expect("no panic");
            assert_eq!(finish(&ring, found), [(2, false)]);
        });
    }
}

/// A consumer takes the only item, dies after `writes` of giving it back, and is repaired if `repaired`; another one takes
/// it with `pop`.
fn check_giver(writes: u32, repaired: bool, pop: fn(&mut Consumer) -> Pop) {
    check(move || {
        let ring = Ring::new(2, START);
        let (mut tx, mut dying, mut rx) = (ring.producer(), ring.consumer(), ring.consumer());
        assert_eq!(tx.try_push(1), Push::Done);
        let read = dying.try_read(1).expect("an item");
        assert_eq!(items(pop(&mut rx)), None);
        let repairer = ring.clone();
        let death = thread::spawn(move || {
            death::after(writes, || dying.give_back(read));
            if repaired {
                repairer.repair(dying.entry());
            }
        });
        let found = items(pop(&mut rx));
        death.join().expect("no panic");
        let found = found.or_else(|| items(pop(&mut rx)));
        assert_eq!(found, Some((1, true)), "the item is lost");
        assert_eq!(finish(&ring, []), []);
    });
}

#[test]
fn an_item_is_not_lost_with_whoever_dies_anywhere_while_giving_it_back() {
    // The stamp, the record, the epoch.
    for writes in 0..=3 {
        check_giver(writes, true, Consumer::try_pop);
    }
}

#[test]
fn an_item_that_was_given_back_is_found_without_the_epoch() {
    check_giver(2, false, Consumer::try_pop);
}

/// A canary: if this passes, the models do not see who relies on the epoch.
#[test]
#[should_panic(expected = "the item is lost")]
fn a_consumer_that_looks_below_head_only_when_the_epoch_says_so_is_caught() {
    check_giver(2, false, wrong::pop_by_the_epoch);
}

#[test]
fn a_consumer_that_finds_nothing_is_told_who_died_with_an_item() {
    for writes in 1..POP {
        check(move || {
            let ring = Ring::new(2, START);
            let (mut tx, mut dying, mut rx) = (ring.producer(), ring.consumer(), ring.consumer());
            assert_eq!(tx.try_push(1), Push::Done);
            let dead = dying.entry();
            let death = thread::spawn(move || death::after(writes, || dying.try_pop()));
            let holder = rx.holder();
            assert!(holder.is_none_or(|it| it == dead), "{holder:?}");
            if death.join().expect("no panic").is_none() {
                assert_eq!(rx.holder(), Some(dead), "nobody would ever repair");
            }
        });
    }
}

#[test]
fn a_repair_counts_what_the_dead_one_gave_back_and_did_not_count() {
    let ring_of = || {
        let ring = Ring::new(2, START);
        let (mut tx, mut dying, mut rx) = (ring.producer(), ring.consumer(), ring.consumer());
        assert_eq!(rx.try_pop(), Pop::Empty);
        for value in 1..=2 {
            assert_eq!(tx.try_push(value), Push::Done);
        }
        let read = dying.try_read(1).expect("an item");
        (ring, dying, rx, read)
    };
    for writes in 0..=2 {
        check(move || {
            let (ring, mut dying, mut rx, read) = ring_of();
            let death = thread::spawn(move || {
                death::after(writes, || dying.give_back(read));
                ring.repair(dying.entry());
            });
            death.join().expect("no panic");
            // Before what stands at head, although that keeps nobody from going on.
            assert_eq!([rx.try_pop(), rx.try_pop()], [Pop::Item(1, true), Pop::Item(2, false)]);
        });
    }
}

#[test]
fn a_consumer_that_has_seen_the_epoch_has_what_was_given_back() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut giver, mut rx) = (ring.producer(), ring.consumer(), ring.consumer());
        assert_eq!(rx.try_pop(), Pop::Empty);
        let before = rx.epoch();
        for value in 1..=2 {
            assert_eq!(tx.try_push(value), Push::Done);
        }
        let read = giver.try_read(1).expect("an item");
        let giving = thread::spawn(move || giver.give_back(read));
        let first = rx.try_pop();
        if first == Pop::Item(2, false) {
            assert_eq!(rx.epoch(), before, "it went by the epoch and did not find the item");
        } else {
            assert_eq!(first, Pop::Item(1, true));
        }
        giving.join().expect("no panic");
    });
}

/// A writer or a reader that died after `writes` of its operation on the first position is repaired, by one who dies after
/// each number of writes and by another one; somebody else goes on meanwhile.
#[test]
fn a_repair_goes_on_where_a_repairer_died() {
    // Help, the void stamp, the epoch.
    for (death, repair) in [(1, 0), (1, 1), (1, 2), (2, 1)] {
        check_long(move || {
            let ring = Ring::new(2, START);
            let (mut dying, mut tx, mut rx) = (ring.producer(), ring.producer(), ring.consumer());
            assert_eq!(death::after(death, || dying.try_push(1)), None);
            let (repairer, dead) = (ring.clone(), dying.entry());
            let repairs = thread::spawn(move || {
                death::after(repair, || repairer.repair(dead));
                repairer.repair(dead);
            });
            assert_eq!(tx.try_push(2), Push::Done);
            let found = items(rx.try_pop());
            repairs.join().expect("no panic");
            assert_eq!(finish(&ring, found), [(2, false)]);
        });
    }
    // Help, the stamp, the record, the epoch.
    for (death, repair) in [(1, 0), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2)] {
        check_repairs(death, move |ring, dead| {
            death::after(repair, || ring.repair(dead));
            ring.repair(dead);
        });
    }
}

/// A reader that died after `writes` of a pop is repaired by `repair`, while another one goes on.
fn check_repairs(writes: u32, repair: impl Fn(&Ring, u32) + Copy + Send + Sync + 'static) {
    check_three(move || {
        let ring = Ring::new(2, START);
        let (mut tx, mut dying, mut rx) = (ring.producer(), ring.consumer(), ring.consumer());
        for value in 1..=2 {
            assert_eq!(tx.try_push(value), Push::Done);
        }
        assert_eq!(death::after(writes, || dying.try_pop()), None);
        let (repairer, dead) = (ring.clone(), dying.entry());
        let repairs = thread::spawn(move || repair(&repairer, dead));
        let found = items(rx.try_pop());
        repairs.join().expect("no panic");
        assert_eq!(finish(&ring, found), [(1, true), (2, false)]);
    });
}

/// A canary: if this passes, the models do not see in which order a repairer gives an item back.
#[test]
#[should_panic]
fn a_repairer_that_gives_the_record_back_before_the_stamp_is_caught() {
    check_repairs(2, |ring, dead| {
        death::after(1, || wrong::repair_record_first(ring, dead));
        wrong::repair_record_first(ring, dead);
    });
}

/// A canary: if this passes, the models do not see claims that are not on record.
#[test]
#[should_panic(expected = "is gone and still in the way")]
fn a_repairer_that_does_not_help_is_caught() {
    check(|| {
        let ring = Ring::new(2, START);
        let mut dying = ring.producer();
        assert_eq!(death::after(1, || dying.try_push(1)), None);
        wrong::repair_without_help(&ring, dying.entry());
        finish(&ring, []);
    });
}

/// A reader died between the cursor and its record; `help` comes late for that while it is repaired.
fn check_late_helper(help: fn(&Ring)) {
    check_three(move || {
        let ring = Ring::new(2, START);
        let (mut tx, mut dying, mut rx) = (ring.producer(), ring.consumer(), ring.consumer());
        assert_eq!(tx.try_push(1), Push::Done);
        assert_eq!(death::after(1, || dying.try_pop()), None);
        let (helped, repairer) = (ring.clone(), ring.clone());
        let helps = thread::spawn(move || help(&helped));
        let repairs = thread::spawn(move || repairer.repair(dying.entry()));
        let found = items(rx.try_pop());
        helps.join().expect("no panic");
        repairs.join().expect("no panic");
        assert_eq!(finish(&ring, found), [(1, true)]);
    });
}

#[test]
fn a_helper_that_comes_late_changes_nothing_that_was_repaired() {
    check_late_helper(Ring::help_readers);
}

/// A canary: if this passes, the models do not see a helper that writes over what is on record.
#[test]
#[should_panic(expected = "a slot is blocked")]
fn a_helper_that_compares_owners_is_caught() {
    check_late_helper(wrong::help_comparing_owners);
}

#[test]
fn a_helper_that_comes_a_lap_late_changes_nothing() {
    check_lapped_helper(Ring::help_readers);
}

/// A canary: if this passes, the models do not see a helper that does not look whether it is behind.
#[test]
#[should_panic]
fn a_helper_that_is_behind_and_does_not_look_is_caught() {
    check_lapped_helper(wrong::help_comparing_owners);
}

/// The first item was popped; `help` looks at the cursor then, and comes late while a lap goes by, at whose end a reader has
/// the first slot's next item and dies; the next item is read as well.
fn check_lapped_helper(help: fn(&Ring)) {
    check(move || {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx, mut dying) = (ring.producer(), ring.consumer(), ring.consumer());
        assert_eq!(tx.try_push(1), Push::Done);
        assert_eq!(rx.try_pop(), Pop::Item(1, false));
        let helped = ring.clone();
        let helps = thread::spawn(move || help(&helped));
        for value in 2..=3 {
            assert_eq!(tx.try_push(value), Push::Done);
        }
        assert_eq!(rx.try_pop(), Pop::Item(2, false));
        assert_eq!(death::after(2, || dying.try_pop()), None);
        assert_eq!(tx.try_push(4), Push::Done);
        assert_eq!(rx.try_pop(), Pop::Item(4, false));
        helps.join().expect("no panic");
        ring.repair(dying.entry());
        assert_eq!(finish(&ring, []), [(3, true)]);
    });
}

/// A canary: if this passes, the models do not see in which order a batch is recorded.
#[test]
#[should_panic]
fn a_batch_that_is_recorded_from_its_end_is_caught() {
    check(|| {
        let ring = Ring::new(4, START);
        let (dying, mut tx) = (ring.producer(), ring.producer());
        assert_eq!(death::after(2, || wrong::claim_two_descending(&dying, &ring)), None);
        assert_eq!(tx.try_push(3), Push::Done);
        ring.repair(dying.entry());
        assert_eq!(finish(&ring, []), [(3, false)]);
    });
}

#[test]
fn an_orphan_goes_to_one_consumer() {
    check_orphan(items_of_try_pop);
}

fn items_of_try_pop(rx: &mut Consumer, _: &Ring) -> Option<Item> {
    items(rx.try_pop())
}

/// A canary: if this passes, the models do not see an item that two have.
#[test]
#[should_panic]
fn a_consumer_that_takes_an_orphan_by_its_stamp_is_caught() {
    check_orphan(|rx, ring| wrong::take_orphan_by_its_stamp(rx, ring, 0).map(|value| (value, true)));
}

/// An item was given back; two `take` it.
fn check_orphan(take: fn(&mut Consumer, &Ring) -> Option<Item>) {
    check(move || {
        let ring = Ring::new(2, START);
        let (mut tx, mut first, mut second) = (ring.producer(), ring.consumer(), ring.consumer());
        assert_eq!(tx.try_push(1), Push::Done);
        let read = first.try_read(1).expect("an item");
        first.give_back(read);
        let other_ring = ring.clone();
        let others = thread::spawn(move || take(&mut first, &other_ring));
        let found = take(&mut second, &ring);
        let other = others.join().expect("no panic");
        assert_eq!(finish(&ring, found.into_iter().chain(other)), [(1, true)]);
    });
}

#[test]
fn whoever_takes_an_orphan_sees_all_that_was_done_with_it_before() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut first, mut second) = (ring.producer(), ring.consumer(), ring.consumer());
        for value in 1..=2 {
            assert_eq!(tx.try_push(value), Push::Done);
        }
        let read = second.try_read(1).expect("an item");
        second.give_back(read);
        let others = thread::spawn(move || {
            let read = first.try_read(1).expect("an item");
            if read.value == 1 {
                first.give_back(read);
            }
            read
        });
        let read = second.try_read(1).expect("an item");
        if read.value == 1 {
            second.release(read);
            assert_eq!(tx.try_push(3), Push::Done); // into its slot
        }
        let other = others.join().expect("no panic");
        if read.value == 1 {
            assert_eq!(read.redeliveries, 1 + u32::from(other.value == 1));
        }
    });
}

#[test]
fn a_hold_names_whoever_claimed_the_position() {
    // The cursor, the record.
    for writes in 1..=2 {
        check(move || {
            let ring = Ring::new(2, START);
            let (mut first, mut second) = (ring.producer(), ring.producer());
            let owner = first.entry();
            let pushes = thread::spawn(move || {
                death::after(writes, || first.try_push(1));
                second.try_push(2)
            });
            let named = ring.writer_of(0);
            assert!(named.is_none_or(|it| it == owner), "{named:?} is named, and has not claimed it");
            pushes.join().expect("no panic");
            assert_eq!(ring.writer_of(0), Some(owner));
        });
    }
}

#[test]
fn a_hold_names_whoever_claimed_the_batch() {
    check(|| {
        let ring = Ring::new(4, START);
        let (mut first, mut second) = (ring.producer(), ring.producer());
        let owner = first.entry();
        let pushes = thread::spawn(move || death::after(3, || first.try_push_slice(&[1, 2])));
        assert_eq!(second.try_push(3), Push::Done);
        let named = ring.writer_of(0);
        assert!(named == Some(owner) || named == Some(second.entry()));
        if ring.writer_of(2) == Some(second.entry()) {
            assert_eq!(named, Some(owner));
        }
        pushes.join().expect("no panic");
    });
}

#[test]
fn a_push_comes_before_the_close_or_fails() {
    check(|| {
        let ring = Ring::new(2, START);
        let (mut tx, mut rx) = (ring.producer(), ring.consumer());
        let pushes = thread::spawn(move || tx.try_push(1));
        ring.close();
        let mut found = Vec::new();
        let mut closed = false;
        match rx.try_pop() {
            Pop::Item(value, _) => found.push(value),
            Pop::Closed => closed = true,
            other => assert!(matches!(other, Pop::Held(_)), "{other:?} behind a close"),
        }
        let push = pushes.join().expect("no panic");
        assert!(matches!(push, Push::Done | Push::Closed), "{push:?}");
        assert!(!closed || push == Push::Closed, "an item came after Closed");
        found.extend(drain(&mut rx).into_iter().map(|it| it.0));
        assert_eq!(found, if push == Push::Done { vec![1] } else { vec![] });
        assert_eq!(rx.try_pop(), Pop::Closed);
    });
}

#[test]
fn a_consumer_hears_of_a_close_behind_every_item() {
    check_long(|| {
        let ring = Ring::new(2, START);
        let (mut first, mut second, mut rx) = (ring.producer(), ring.producer(), ring.consumer());
        let others = ring.clone();
        let pushes = thread::spawn(move || first.try_push(1));
        let closes = thread::spawn(move || {
            let push = second.try_push(2);
            others.close();
            push
        });
        let pops = [rx.try_pop(), rx.try_pop(), rx.try_pop()];
        let accepted = [pushes.join().expect("no panic"), closes.join().expect("no panic")];
        let closed = pops.iter().position(|it| *it == Pop::Closed).unwrap_or(pops.len());
        let found = pops.iter().filter(|it| matches!(it, Pop::Item(..))).count();
        assert!(pops[closed..].iter().all(|it| *it == Pop::Closed), "{pops:?}");
        let rest = drain(&mut rx);
        assert!(closed == pops.len() || rest.is_empty(), "items came after Closed");
        assert_eq!(found + rest.len(), accepted.iter().filter(|it| **it == Push::Done).count());
        assert_eq!(rx.try_pop(), Pop::Closed);
    });
}

#[test]
fn a_close_whose_closer_dies_anywhere_is_done_or_was_none() {
    // The flag, the cursor.
    for writes in 0..=2 {
        check(move || {
            let ring = Ring::new(2, START);
            let (mut tx, mut rx) = (ring.producer(), ring.consumer());
            let closer = ring.clone();
            let closes = thread::spawn(move || {
                death::after(writes, || closer.close());
            });
            let push = tx.try_push(1);
            closes.join().expect("no panic");
            let found = drain(&mut rx);
            assert_eq!(found.len(), usize::from(push == Push::Done));
            let end = if writes == 0 { Pop::Empty } else { Pop::Closed };
            assert_eq!(rx.try_pop(), end);
        });
    }
}

/// The last item of a closed ring is somebody's who dies with it after `writes`, or gives it back; another one calls `pop`.
fn check_closed(writes: u32, pop: fn(&mut Consumer) -> Pop) {
    check(move || {
        let ring = Ring::new(2, START);
        let (mut tx, mut dying, mut rx) = (ring.producer(), ring.consumer(), ring.consumer());
        assert_eq!(tx.try_push(1), Push::Done);
        ring.close();
        let read = dying.try_read(1).expect("an item");
        let repairer = ring.clone();
        let death = thread::spawn(move || {
            death::after(writes, || dying.give_back(read));
            repairer.repair(dying.entry());
        });
        let first = pop(&mut rx);
        assert!(first != Pop::Closed, "the last item may still come");
        death.join().expect("no panic");
        let found: Vec<Item> = items(first).into_iter().chain(drain(&mut rx)).collect();
        assert_eq!(found, [(1, true)]);
        assert_eq!(rx.try_pop(), Pop::Closed);
    });
}

#[test]
fn closed_is_not_said_while_an_item_may_come_back() {
    for writes in 0..=3 {
        check_closed(writes, Consumer::try_pop);
    }
}

/// A canary: if this passes, the models do not see an item that comes back behind the end.
#[test]
#[should_panic(expected = "the last item may still come")]
fn a_consumer_that_knows_the_end_by_the_cursors_is_caught() {
    check_closed(0, wrong::pop_closed_by_its_cursors);
}

#[test]
fn a_repair_wakes_a_consumer_that_sleeps_behind_the_dead_ones_claim() {
    for writes in 1..PUSH {
        check(move || {
            let ring = Ring::with(2, START, Policy { bells: true, ..Policy::default() });
            let (mut dying, mut tx, mut rx) = (ring.producer(), ring.producer(), ring.consumer());
            assert_eq!(death::after(writes, || dying.try_push(1)), None);
            assert_eq!(tx.try_push(2), Push::Done);
            let (repairer, dead) = (ring.clone(), dying.entry());
            let repairs = thread::spawn(move || repairer.repair(dead));
            assert_eq!(rx.pop(), Some(2));
            repairs.join().expect("no panic");
        });
    }
}

#[test]
fn a_repair_wakes_a_consumer_for_what_the_dead_one_held() {
    for writes in 1..POP {
        check(move || {
            let ring = Ring::with(2, START, Policy { bells: true, ..Policy::default() });
            let (mut tx, mut dying, mut rx) = (ring.producer(), ring.consumer(), ring.consumer());
            assert_eq!(tx.try_push(1), Push::Done);
            assert_eq!(death::after(writes, || dying.try_pop()), None);
            let (repairer, dead) = (ring.clone(), dying.entry());
            let repairs = thread::spawn(move || repairer.repair(dead));
            assert_eq!(rx.pop(), Some(1));
            repairs.join().expect("no panic");
        });
    }
}

#[test]
fn a_repair_wakes_a_producer_that_sleeps_behind_what_it_freed() {
    check(|| {
        let ring = Ring::with(2, START, Policy { bells: true, discard: true });
        let (mut tx, mut dying) = (ring.producer(), ring.consumer());
        for value in 1..=2 {
            assert_eq!(tx.try_push(value), Push::Done);
        }
        assert_eq!(death::after(1, || dying.try_pop()), None);
        let (repairer, dead) = (ring.clone(), dying.entry());
        let repairs = thread::spawn(move || repairer.repair(dead));
        tx.push(3);
        repairs.join().expect("no panic");
    });
}

#[test]
fn what_is_given_back_wakes_a_consumer() {
    check(|| {
        let ring = Ring::with(2, START, Policy { bells: true, ..Policy::default() });
        let (mut tx, mut giver, mut rx) = (ring.producer(), ring.consumer(), ring.consumer());
        assert_eq!(tx.try_push(1), Push::Done);
        let read = giver.try_read(1).expect("an item");
        let gives = thread::spawn(move || giver.give_back(read));
        assert_eq!(rx.pop(), Some(1));
        gives.join().expect("no panic");
    });
}

#[test]
fn an_item_behind_a_slow_one_wakes_a_second_sleeper() {
    check_long(|| {
        let ring = Ring::with(2, START, Policy { bells: true, ..Policy::default() });
        let (mut tx, mut other) = (ring.producer(), ring.producer());
        let (mut first, mut second) = (ring.consumer(), ring.consumer());
        let pushes = thread::spawn(move || tx.push_slowly(1, || assert_eq!(other.try_push(2), Push::Done)));
        let pops = thread::spawn(move || first.pop());
        let found = second.pop();
        pushes.join().expect("no panic");
        assert_eq!(found.into_iter().chain(pops.join().expect("no panic")).sum::<u64>(), 3);
    });
}

#[test]
fn a_close_wakes_everybody() {
    check_crowd(|| {
        let ring = Ring::with(2, START, Policy { bells: true, ..Policy::default() });
        let (mut first, mut second) = (ring.consumer(), ring.consumer());
        let pops = thread::spawn(move || first.pop());
        let closes = thread::spawn(move || ring.close());
        assert_eq!(second.pop(), None);
        assert_eq!(pops.join().expect("no panic"), None);
        closes.join().expect("no panic");
    });
}
