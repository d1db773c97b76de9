//! Many producers and many consumers in many processes, of which some are killed or stopped.

use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use ringfence::mpmc::{self, Consumer, OnConsumerDeath, Options, Ring};
use ringfence::{
    Attach, AttachError, Fate, Fault, PopError, Position, Presence, PushError, WaitError, WaitSet,
};
use tempfile::NamedTempFile;

use crate::child::{Name, Role};
use crate::common::Numbers;
use crate::pauses::finish_with_signs_of_life;
use crate::times::Times;
use crate::workers::{Numbered, RECORD, Shares};
use crate::{size, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "many::two_processes_of_two_threads_on_each_side_pass_every_item_once_and_in_order",
            passed_once,
        ),
        trial("many::an_item_that_a_killed_consumer_looked_at_comes_again_at_once", consumer_killed),
        trial(
            "many::a_push_goes_on_at_once_where_a_killed_consumer_had_the_slot",
            consumer_of_the_slot_killed,
        ),
        trial("many::a_producer_killed_at_any_moment_loses_nothing_and_stops_nobody", producer_killed),
        trial(
            "many::whoever_is_killed_again_and_again_nothing_is_lost_and_nothing_repeated_unflagged",
            all_killed,
        ),
        trial("many::a_wait_ends_with_the_death_of_the_last_peer_if_asked_to", last_peer_died),
        trial("many::a_stopped_consumer_is_named_and_never_taken_for_dead", stopped),
        trial("many::what_a_killed_consumer_had_comes_again_flagged", redelivered),
        trial("many::what_a_killed_consumer_had_is_gone_where_the_creator_wants_that", discarded),
        trial("many::an_item_at_which_one_consumer_after_the_other_dies_counts_up", poison),
        trial("many::a_forked_child_can_neither_use_its_parents_handles_nor_give_anything_back", forked),
        trial("many::one_participant_too_many_is_refused_until_another_one_dies", too_many),
        trial("many::a_repair_by_another_process_ends_a_consumers_sleep", repaired_for_consumers),
        trial("many::a_repair_by_another_process_ends_a_producers_sleep", repaired_for_producers),
        trial("many::a_sleeper_finds_out_by_itself_who_is_dead", repaired_by_sleeper),
        trial(
            "many::what_a_killed_consumer_had_comes_again_while_another_one_keeps_an_older_item",
            dead_behind_living,
        ),
        trial("many::a_set_is_woken_by_what_a_killed_consumer_had", repaired_for_sets),
        trial("many::a_set_is_woken_by_the_slot_that_a_killed_consumer_had", repaired_for_sets_of_producers),
        trial("many::a_close_ends_every_sleep", closed),
        trial("many::a_forced_removal_ends_every_sleep", unlinked),
    ]
}

/// Far more than anything below takes; passing it means that somebody hangs.
const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

fn ring_of(options: Options<Numbered>) -> (Name, Ring<Numbered>) {
    let name = Name::new();
    let ring = options.create(&name).expect("a ring");
    (name, ring)
}

fn ring(capacity: usize) -> (Name, Ring<Numbered>) {
    ring_of(Options::<Numbered>::new(capacity))
}

/// Pushes the items of producer 0 with these numbers.
fn push(ring: &Ring<Numbered>, numbers: std::ops::Range<u64>) {
    let mut tx = ring.producer().expect("an entry");
    numbers.for_each(|number| assert!(tx.try_push([0, number]).is_ok()));
}

/// What is there: number and flag of each item.
fn drain(rx: &mut Consumer<Numbered>) -> Vec<(u64, bool)> {
    let mut items = Vec::new();
    while let Ok([_, number]) = rx.try_pop() {
        items.push((number, rx.last().expect("a delivery").redelivered));
    }
    items
}

fn passed_once() {
    const PROCESSES: u64 = 2;
    const THREADS: u64 = 2;
    let shares =
        Shares { producers: PROCESSES * THREADS, each: size(200_000, 20_000_000) / (PROCESSES * THREADS) };
    for capacity in [4, 1024] {
        let (name, ring) = ring(capacity);
        let files = [(); PROCESSES as usize].map(|()| NamedTempFile::new().expect("a file"));
        let [producers, each, threads] = [shares.producers, shares.each, THREADS].map(|it| it.to_string());
        let consuming = files.each_ref().map(|file| {
            let path = file.path().to_str().expect("a plain path");
            Role::ready("mpmc consume", &[&name, path, &producers, &each, &threads])
        });
        let producing = [0, 1].map(|process| {
            let first = (process * THREADS).to_string();
            Role::ready("mpmc produce", &[&name, &first, &threads, &each])
        });
        producing.into_iter().for_each(finish_with_signs_of_life);
        ring.close();
        consuming.into_iter().for_each(finish_with_signs_of_life);
        let mut seen = shares.none();
        for file in &files {
            let bytes = std::fs::read(file.path()).expect("the consumer's file");
            let words: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|it| u64::from_le_bytes(*it)).collect();
            assert_eq!(words.len(), seen.len() * THREADS as usize);
            for words in words.chunks(seen.len()) {
                for (seen, word) in seen.iter_mut().zip(words) {
                    assert_eq!(*seen & word, 0, "an item came twice");
                    *seen |= word;
                }
            }
        }
        assert!(seen == shares.all(), "an item was lost");
    }
}

fn kills() -> u64 {
    size(20, 200)
}

fn consumer_killed() {
    let (name, ring) = ring(4);
    let mut rx = ring.consumer().expect("an entry");
    let mut times = Times::of("a pop of what a dead consumer had");
    for number in 0..kills() {
        push(&ring, number..number + 1);
        let victim = Role::ready("mpmc take and hold", &[&name, "0"]);
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        assert_eq!(times.kill_and_time(&victim, || rx.pop_timeout(PATIENCE)), Ok([0, number]));
        assert!(rx.last().expect("a delivery").redelivered);
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    }
}

fn consumer_of_the_slot_killed() {
    let (name, ring) = ring_of(Options::<Numbered>::new(2).on_consumer_death(OnConsumerDeath::Discard));
    let (mut tx, mut rx) = (ring.producer().expect("an entry"), ring.consumer().expect("an entry"));
    let mut times = Times::of("a push to the slot that a dead consumer had");
    for number in 0..kills() {
        tx.try_push([0, number]).expect("room");
        let victim = Role::ready("mpmc take and hold", &[&name, "0"]);
        tx.try_push([1, number]).expect("room");
        assert_eq!(rx.try_pop(), Ok([1, number]));
        times.kill_and_time(&victim, || tx.push_timeout([2, number], PATIENCE)).expect("the slot");
        assert_eq!(rx.pop_timeout(PATIENCE), Ok([2, number]));
    }
}

fn producer_killed() {
    const OURS: u64 = u64::MAX;
    let (name, ring) = ring(1 << 14);
    let (mut tx, mut rx) = (ring.producer().expect("an entry"), ring.consumer().expect("an entry"));
    let mut times = Times::of("the longest pop behind a producer that died at work");
    let (mut batch, mut claims) = ([[0; 2]; 256], 0);
    for victim in 0..kills() {
        let mut role = Role::ready("mpmc push on and on", &[&name, &victim.to_string()]);
        let (mut next, mut end) = (0, None);
        // Takes what is there; says whether our own item was among it.
        let mut pop = |rx: &mut Consumer<Numbered>| {
            let count = rx.pop_slice_timeout(&mut batch, PATIENCE).expect("items");
            let last = rx.last().expect("a delivery");
            assert!(!last.redelivered, "nobody gave anything back");
            for (step, [producer, number]) in (0..).zip(&batch[..count]) {
                if *producer == OURS {
                    // Positions that were claimed and not committed lie between.
                    claims += u64::from(end.is_some_and(|end| last.first.since(end) + step > 0));
                    assert_eq!((*number, step + 1), (victim, count as i64), "it is the last one");
                    return true;
                }
                assert_eq!((*producer, *number), (victim, next), "lost, or twice, or too early");
                next += 1;
            }
            end = Some(Position::from_bits(last.first.to_bits() + count as u64));
            false
        };
        let working = Instant::now() + Duration::from_micros(victim * 7919 % 3000);
        while Instant::now() < working {
            assert!(!pop(&mut rx), "nobody has pushed it");
        }
        times.kill(&role);
        // Nothing can come behind our own item then.
        role.gone();
        let mut longest = Duration::ZERO;
        let mut ours = false;
        let mut pushed = false;
        while !ours {
            pushed = pushed || tx.try_push([OURS, victim]).is_ok();
            let begun = Instant::now();
            ours = pop(&mut rx);
            longest = longest.max(begun.elapsed());
        }
        times.add(longest);
    }
    println!("{claims} of them had claimed positions and not committed them");
    assert_eq!(tx.try_push_slice(&vec![[0; 2]; 1 << 14]), Ok(1 << 14), "every slot can be used");
}

/// What was written down of an item.
#[derive(Clone, Copy, Default)]
struct Written {
    flagged: u64,
    unflagged: u64,
}

fn all_killed() {
    let (name, ring) = ring(64);
    let mut moments = Numbers::from_seed(11);
    let mut files = Vec::new();
    let mut consumer = || {
        let file = NamedTempFile::new().expect("a file");
        let role = Role::ready("mpmc write down", &[&name, file.path().to_str().expect("a plain path")]);
        files.push(file);
        role
    };
    let mut producers_until_now = 0;
    let mut producer = || {
        producers_until_now += 1;
        Role::ready("mpmc push on and on", &[&name, &(producers_until_now - 1).to_string()])
    };
    let (mut consumers, mut producers) = ([consumer(), consumer()], [producer(), producer()]);
    for _ in 0..size(30, 600) {
        std::thread::sleep(Duration::from_micros(moments.below(4000) as u64));
        let which = moments.below(2);
        if moments.below(2) == 0 {
            consumers[which].signal(Signal::SIGKILL);
            consumers[which] = consumer();
        } else {
            producers[which].signal(Signal::SIGKILL);
            producers[which] = producer();
        }
    }
    producers.into_iter().for_each(Role::kill);
    ring.close();
    consumers.into_iter().for_each(Role::finish);

    let mut items = vec![Vec::<Written>::new(); producers_until_now];
    for file in &files {
        let bytes = std::fs::read(file.path()).expect("the consumer's file");
        let mut next = vec![0; producers_until_now];
        for record in bytes.chunks(RECORD) {
            let word = |at: usize| u64::from_le_bytes(*record[at..].first_chunk().expect("a whole record"));
            let (producer, number, flagged) = (word(0) as usize, word(8) as usize, record[RECORD - 1] == 1);
            let items = &mut items[producer];
            items.resize(items.len().max(number + 1), Written::default());
            items[number].flagged += u64::from(flagged);
            items[number].unflagged += u64::from(!flagged);
            if !flagged {
                assert!(number >= next[producer], "{producer}, {number} came behind {}", next[producer]);
                next[producer] = number + 1;
            }
        }
    }
    let all = || items.iter().flatten();
    assert!(all().all(|it| it.flagged + it.unflagged > 0), "an item was lost");
    assert!(all().all(|it| it.unflagged <= 1), "an item came again unflagged");
    let twice = all().filter(|it| it.flagged + it.unflagged > 1).count();
    println!("{} items, {twice} of them written down more than once", all().count());
    assert!(twice <= files.len(), "a consumer has one item at a time");
}

fn last_peer_died() {
    let died = Attach::new().fail_when_peer_dies(true);
    let (name, ring) = ring_of(Options::<Numbered>::new(2).attach(died));
    let (mut tx, mut rx) = (ring.producer().expect("an entry"), ring.consumer().expect("an entry"));
    tx.try_push_slice(&[[0, 0], [0, 1]]).expect("room");
    assert_eq!(drain(&mut rx).len(), 2);
    drop(tx);
    let producers = [(); 2].map(|()| Role::ready("mpmc hold producer", &[&name]));
    for role in producers {
        assert_eq!(rx.pop_timeout(SHORT), Err(PopError::Timeout), "one of them lives");
        role.kill();
    }
    let popped = rx.pop_timeout(PATIENCE);
    assert!(matches!(popped, Err(PopError::Broken(Fault::PeerDied { .. }))), "{popped:?}");
    assert_eq!(rx.try_pop(), Err(PopError::Empty), "that concerns calls that wait");
    drop(rx);

    let mut tx = ring.producer().expect("an entry");
    tx.try_push_slice(&[[0, 0], [0, 1]]).expect("room");
    let consumers = [(); 2].map(|()| Role::ready("mpmc hold consumer", &[&name]));
    for role in consumers {
        assert_eq!(tx.push_timeout([0, 2], SHORT), Err(PushError::Timeout), "one of them lives");
        role.kill();
    }
    let pushed = tx.push_timeout([0, 2], PATIENCE);
    assert!(matches!(pushed, Err(PushError::Broken(Fault::PeerDied { .. }))), "{pushed:?}");
    let mut rx = ring.consumer().expect("an entry");
    assert_eq!(rx.pop(), Ok([0, 0]));
    tx.push([0, 2]).expect("there is another one now");
}

fn stopped() {
    let (name, ring) = ring(4);
    let (mut tx, mut rx) = (ring.producer().expect("an entry"), ring.consumer().expect("an entry"));
    push(&ring, 0..4);
    let mut looker = Role::ready("mpmc look and release", &[&name]);
    let by = looker.line().and_then(|it| it.parse().ok()).expect("a number");
    looker.signal(Signal::SIGSTOP);
    assert_eq!(drain(&mut rx), [(1, false), (2, false), (3, false)]);
    let end = Instant::now() + Duration::from_millis(size(500, 3000));
    while Instant::now() < end {
        assert_eq!(tx.push_timeout([0, 4], SHORT), Err(PushError::Held { by }));
        assert_eq!(tx.try_push_slice(&[[0, 4]]), Err(PushError::Held { by }));
        let blocked_on = ring.blocked_on().expect("somebody");
        assert_eq!(
            (blocked_on.index, blocked_on.pid, blocked_on.state),
            (by, looker.pid(), Presence::Present)
        );
        assert_eq!(rx.pop_timeout(SHORT), Err(PopError::Timeout), "nothing is taken from it");
        let report = ring.repair().expect("a sound ring");
        assert_eq!((report.repaired, report.items), (Vec::new(), Vec::new()));
    }
    looker.signal(Signal::SIGCONT);
    looker.go_on();
    looker.expect("released");
    for number in 4..20 {
        tx.push_timeout([0, number], PATIENCE).expect("the slot");
        assert_eq!(rx.pop_timeout(PATIENCE), Ok([0, number]));
        assert!(!rx.last().expect("a delivery").redelivered);
    }
    looker.finish();

    // And after a close: the end is not said as long as an item may come back.
    push(&ring, 0..1);
    let looker = Role::ready("mpmc look and release", &[&name]);
    let by = looker.line().and_then(|it| it.parse().ok()).expect("a number");
    looker.signal(Signal::SIGSTOP);
    ring.close();
    assert_eq!(rx.pop_timeout(SHORT), Err(PopError::Held { by }));
    assert_eq!(rx.try_pop(), Err(PopError::Held { by }));
    looker.signal(Signal::SIGCONT);
    looker.finish();
    assert_eq!(rx.pop(), Err(PopError::Closed));
}

/// A ring of eight with five items, of which a consumer that is killed had the first three.
fn ring_after_a_death(choice: OnConsumerDeath) -> (Name, Ring<Numbered>) {
    let (name, ring) = ring_of(Options::<Numbered>::new(8).on_consumer_death(choice));
    push(&ring, 0..5);
    let victim = Role::ready("mpmc take and hold", &[&name, "2"]);
    let pid = victim.pid();
    victim.kill();
    let report = ring.repair().expect("a sound ring");
    let [dead] = &report.repaired[..] else { panic!("{:?}", report.repaired) };
    assert_eq!((dead.pid, dead.state), (pid, Presence::Died));
    let mut items: Vec<_> = report.items.iter().map(|it| (it.position.to_bits(), it.fate)).collect();
    items.sort_unstable_by_key(|it| it.0);
    let fate = match choice {
        OnConsumerDeath::Redeliver => Fate::Redelivered { before: 0 },
        OnConsumerDeath::Discard => Fate::Discarded,
    };
    assert_eq!(items, [(0, fate), (1, fate), (2, fate)]);
    (name, ring)
}

fn redelivered() {
    let (_name, ring) = ring_after_a_death(OnConsumerDeath::Redeliver);
    let mut rx = ring.consumer().expect("an entry");
    assert_eq!(drain(&mut rx), [(0, true), (1, true), (2, true), (3, false), (4, false)]);
}

fn discarded() {
    let (_name, ring) = ring_after_a_death(OnConsumerDeath::Discard);
    let mut rx = ring.consumer().expect("an entry");
    assert_eq!(drain(&mut rx), [(3, false), (4, false)]);
    push(&ring, 0..8);
}

fn poison() {
    let (name, ring) = ring(4);
    push(&ring, 0..1);
    for deaths in 0..6_u32 {
        let victim = Role::ready("mpmc take and hold", &[&name, "0"]);
        let line = victim.line().expect("what it sees");
        assert_eq!(line.split_once(' ').expect("two numbers").1, deaths.to_string());
        victim.kill();
        let report = ring.repair().expect("a sound ring");
        let [item] = &report.items[..] else { panic!("{:?}", report.items) };
        assert_eq!(item.fate, Fate::Redelivered { before: deaths });
    }
    let mut rx = ring.consumer().expect("an entry");
    let item = rx.try_read().expect("the item");
    assert_eq!((item.get(), item.redeliveries()), ([0, 0], 6));
    item.release();
    assert_eq!(rx.try_pop(), Err(PopError::Empty));
}

fn forked() {
    let (name, ring) = ring(8);
    let mut rx = ring.consumer().expect("an entry");
    let parent = Role::start("mpmc fork", &[&name]);
    let checks = parent.line().expect("what the child saw");
    let status = parent.line().expect("the fate of the child");
    assert!(status.ends_with(", 0)"), "the child's checks failed: {checks}, {status}");
    parent.expect("ready");
    assert_eq!((ring.is_closed(), rx.try_pop()), (false, Err(PopError::Empty)));
    parent.finish();
    assert_eq!(drain(&mut rx), [(2, true)], "the parent's own end gives back what it had");
}

fn too_many() {
    let (name, ring) = ring_of(Options::<Numbered>::new(4).participants(2));
    push(&ring, 0..2);
    let tx = ring.producer().expect("an entry");
    let holder = Role::ready("mpmc take and hold", &[&name, "0"]);
    let line = holder.line().expect("who it is");
    let index = line.split_once(' ').expect("two numbers").0;
    holder.signal(Signal::SIGSTOP);
    assert_eq!(ring.consumer().err(), Some(AttachError::TooMany { max: 2 }), "a stopped process lives");
    assert_eq!(tx.try_clone().err(), Some(AttachError::TooMany { max: 2 }));
    holder.kill();
    let mut rx = ring.consumer().expect("the entry of the dead one");
    assert_eq!(rx.index().to_string(), index);
    let participants = ring.participants();
    let entry = participants.iter().find(|it| it.index == rx.index()).expect("it is there");
    assert_eq!((entry.repairs, entry.pid), (1, std::process::id()));
    assert_eq!(drain(&mut rx), [(0, true), (1, false)]);
    assert_eq!(ring.consumer().err(), Some(AttachError::TooMany { max: 2 }));
}

/// A process that sleeps as `role`.
fn sleeper(role: &str, name: &str, how: &str) -> Role {
    let role = Role::ready(role, &[name, how]);
    role.asleep();
    role
}

fn repaired_for_consumers() {
    let (name, ring) = ring(4);
    push(&ring, 0..1);
    let victim = Role::ready("mpmc take and hold", &[&name, "0"]);
    let consumers = [(); 2].map(|()| sleeper("mpmc pop", &name, "sleep patient"));
    std::thread::sleep(SHORT);
    assert!(consumers.iter().all(Role::is_silent), "the item is another one's");
    victim.kill();
    assert_eq!(ring.repair().expect("a sound ring").items.len(), 1);
    // One of them has it, and the other one gets the next.
    push(&ring, 1..2);
    let mut lines = consumers.each_ref().map(|it| it.line().expect("an item"));
    lines.sort();
    assert_eq!(lines, ["Ok([0, 0]) again", "Ok([0, 1])"]);
    consumers.into_iter().for_each(Role::finish);
}

fn repaired_for_producers() {
    let (name, ring) = ring_of(Options::<Numbered>::new(2).on_consumer_death(OnConsumerDeath::Discard));
    push(&ring, 0..2);
    let victim = Role::ready("mpmc take and hold", &[&name, "1"]);
    let producers = [(); 2].map(|()| sleeper("mpmc push", &name, "sleep patient"));
    std::thread::sleep(SHORT);
    assert!(producers.iter().all(Role::is_silent), "the slots are another one's");
    victim.kill();
    assert_eq!(ring.repair().expect("a sound ring").items.len(), 2);
    producers.iter().for_each(|it| it.expect("Ok(())"));
    producers.into_iter().for_each(Role::finish);
}

fn repaired_by_sleeper() {
    let (name, ring) = ring_of(Options::<Numbered>::new(2));
    push(&ring, 0..2);
    let victim = Role::ready("mpmc take and hold", &[&name, "1"]);
    let producer = sleeper("mpmc push", &name, "sleep");
    let consumer = sleeper("mpmc pop", &name, "sleep");
    victim.kill();
    consumer.expect("Ok([0, 0]) again");
    producer.expect("Ok(())");
    let mut rx = ring.consumer().expect("an entry");
    assert_eq!([rx.pop_timeout(PATIENCE), rx.pop_timeout(PATIENCE)], [Ok([0, 1]), Ok([7, 7])]);
    producer.finish();
    consumer.finish();
}

fn dead_behind_living() {
    for close in [false, true] {
        let (name, ring) = ring(4);
        push(&ring, 0..3);
        let (mut living, mut rx) = (ring.consumer().expect("an entry"), ring.consumer().expect("an entry"));
        let items = living.try_read_slice(2).expect("items");
        let victim = Role::ready("mpmc take and hold", &[&name, "0"]);
        if close {
            ring.close();
        }
        victim.kill();
        let popped = rx.pop_timeout(PATIENCE);
        assert_eq!((popped, rx.last().expect("a delivery").redelivered), (Ok([0, 2]), true));
        items.release();
    }
}

fn repaired_for_sets() {
    let (name, ring) = ring(4);
    push(&ring, 0..1);
    let victim = Role::ready("mpmc take and hold", &[&name, "0"]);
    let mut rx = ring.consumer().expect("an entry");
    assert_eq!(rx.try_pop(), Err(PopError::Empty));
    let mut set = WaitSet::new();
    set.add(rx.doorbell(), ()).expect("room");
    let mut ready = Vec::new();
    assert_eq!(set.wait_timeout(&mut ready, SHORT), Err(WaitError::Timeout));
    victim.kill();
    set.wait_timeout(&mut ready, PATIENCE).expect("what the dead one had");
    assert_eq!(rx.try_pop(), Ok([0, 0]));
}

fn repaired_for_sets_of_producers() {
    let (name, ring) = ring_of(Options::<Numbered>::new(2).on_consumer_death(OnConsumerDeath::Discard));
    push(&ring, 0..2);
    let victim = Role::ready("mpmc take and hold", &[&name, "0"]);
    let mut tx = ring.producer().expect("an entry");
    let mut set = WaitSet::new();
    set.add(tx.doorbell(), ()).expect("room");
    let mut ready = Vec::new();
    assert_eq!(set.wait_timeout(&mut ready, SHORT), Err(WaitError::Timeout));
    victim.kill();
    set.wait_timeout(&mut ready, PATIENCE).expect("the slot of the dead one");
    tx.try_push([0, 2]).expect("the slot of the dead one");
}

/// Two sleepers on each side, of a full ring and of an empty one; what `act` on both makes of their calls, and of the next
/// ones.
fn assert_ended(act: impl Fn(&str, &Ring<Numbered>), expected: &str) {
    let ((full_name, full), (empty_name, empty)) = (ring(2), ring(2));
    push(&full, 0..2);
    let producers = [(); 2].map(|()| sleeper("mpmc push", &full_name, "sleep"));
    let consumers = [(); 2].map(|()| sleeper("mpmc pop", &empty_name, "sleep"));
    act(&full_name, &full);
    act(&empty_name, &empty);
    for mut sleeper in producers.into_iter().chain(consumers) {
        sleeper.expect(expected);
        sleeper.go_on();
        sleeper.expect(expected);
        sleeper.finish();
    }
}

fn closed() {
    assert_ended(|_, ring| ring.close(), "Err(Closed)");
    let by_consumer = |name: &str, _: &Ring<Numbered>| {
        mpmc::open::<Numbered>(name).expect("the ring").consumer().expect("an entry").close();
    };
    assert_ended(by_consumer, "Err(Closed)");
}

fn unlinked() {
    assert_ended(|_, ring| ring.force_unlink().expect("a ring to remove"), "Err(Broken(Unlinked))");
    assert_ended(|name, _| ringfence::force_unlink(name).expect("a ring to remove"), "Err(Broken(Unlinked))");
}
