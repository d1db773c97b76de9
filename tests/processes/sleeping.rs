//! Whoever sleeps is woken in time, always, and costs next to nothing meanwhile.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use libtest_mimic::Trial;
use ringfence::{Attach, Participant, PopError, PushError, Strategy, spsc};

use crate::child::{Name, Role};
use crate::common::Numbers;
use crate::pauses::{Pauses, Seen};
use crate::sleepers::{Stamped, answers};
use crate::{size, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("sleeping::no_wake_up_is_lost_between_asymmetric_processes", || {
            no_wake_up_is_lost("asymmetric sleep", "asymmetric sleep");
        }),
        trial("sleeping::no_wake_up_is_lost_between_fenced_processes", || {
            no_wake_up_is_lost("fenced sleep", "fenced sleep");
        }),
        trial("sleeping::no_wake_up_is_lost_between_an_asymmetric_producer_and_a_fenced_consumer", || {
            no_wake_up_is_lost("asymmetric sleep", "fenced sleep");
        }),
        trial("sleeping::no_wake_up_is_lost_between_a_fenced_producer_and_an_asymmetric_consumer", || {
            no_wake_up_is_lost("fenced sleep", "asymmetric sleep");
        }),
        trial("sleeping::no_wake_up_is_lost_between_processes_that_spin_first", || {
            no_wake_up_is_lost("adaptive", "adaptive");
        }),
        trial(
            "sleeping::a_consumer_loses_nothing_while_its_producer_is_killed_again_and_again",
            producer_killed,
        ),
        trial(
            "sleeping::a_producer_is_never_stuck_while_its_consumer_is_killed_again_and_again",
            consumer_killed,
        ),
        trial("sleeping::an_idle_consumer_uses_less_than_a_thousandth_of_a_processor", || {
            idle("idle consumer");
        }),
        trial("sleeping::an_idle_producer_uses_less_than_a_thousandth_of_a_processor", || {
            idle("idle producer");
        }),
        trial("sleeping::processes_in_different_pid_namespaces_wake_each_other", namespaces),
        trial("sleeping::a_call_with_a_far_limit_is_woken_like_one_without", far_limits),
        trial(
            "sleeping::a_ring_of_busy_poll_works_without_futexes_whatever_its_processes_ask_for",
            busy_poll,
        ),
        trial("sleeping::a_process_that_may_not_use_futexes_dies_at_any_other_ring", busy_poll_canary),
    ]
}

/// Longer than any of the pauses below; passing it means that somebody is stuck.
const GUARD: Duration = Duration::from_secs(30);

fn no_wake_up_is_lost(producer: &str, consumer: &str) {
    assert_moves_without_stall(size(50_000, 10_000_000), producer, consumer);
}

/// Moves `count` items with pauses on both sides, and checks what either saw of the other.
pub(crate) fn assert_moves_without_stall(count: u64, producer: &str, consumer: &str) {
    let name = Name::new();
    let ring = spsc::Options::<Stamped>::new(4).create(&name).expect("a ring");
    let items = count.to_string();
    let consumer = Role::ready("pop with pauses", &[&name, consumer, "1", &items]);
    let producer = Role::ready("push with pauses", &[&name, producer, "2", &items]);
    let seen = [("producer", Seen::of(&producer)), ("consumer", Seen::of(&consumer))];
    producer.finish();
    consumer.finish();
    for ((side, seen), participant) in seen.into_iter().zip(ring.participants()) {
        let Seen { calls, longest, stalls, lost } = seen;
        println!("{side}: {calls} calls, longest {longest:?}, slept {} times", participant.sleeps);
        assert!(participant.sleeps > count / 100, "the {side} slept {} times only", participant.sleeps);
        assert_eq!(lost, 0, "the other side slept on although the {side} had something for it");
        assert_eq!(stalls, 0, "the {side} was stuck for up to {longest:?}");
    }
}

/// How often one side is killed.
fn kills() -> u64 {
    size(20, 200)
}

/// How the participant of a round takes part.
fn how(round: u64) -> &'static str {
    if round.is_multiple_of(2) { "asymmetric sleep" } else { "fenced sleep" }
}

/// Starts a role and kills it again and again, each time a random time after it was ready.
fn kill_again_and_again(start: impl Fn(u64) -> Role) {
    let mut numbers = Numbers::from_seed(77);
    for round in 0..kills() {
        let role = start(round);
        std::thread::sleep(Duration::from_micros(numbers.below(20_000) as u64));
        role.kill();
    }
}

fn producer_killed() {
    let name = Name::new();
    let attach = Attach::new().strategy(Strategy::Sleep);
    let ring = spsc::Options::<u64>::new(4).attach(attach).create(&name).expect("a ring");
    let mut rx = ring.consumer().expect("a free role");
    let killer = std::thread::spawn({
        let (name, ring) = (name.to_string(), ring.clone());
        move || {
            let start = |seed: &str, how: &str, count: u64| {
                Role::ready("produce with pauses", &[&name, how, seed, &count.to_string()])
            };
            kill_again_and_again(|round| start(&round.to_string(), how(round), u64::MAX));
            let count = ring.positions().1.to_bits() + 1000;
            start("1000", "sleep", count).finish();
            count
        }
    });
    let mut pauses = Pauses::from_seed(3);
    let mut expected = 0;
    loop {
        pauses.pause();
        match rx.pop_timeout(GUARD) {
            Ok(value) => assert_eq!(value, expected),
            Err(PopError::Closed) => break,
            Err(error) => panic!("after {expected} items: {error}"),
        }
        assert!(!rx.last().expect("a delivery").redelivered, "a dead producer makes nothing come twice");
        expected += 1;
    }
    assert_eq!(expected, killer.join().expect("no panic"));
    report(&ring.participants(), expected);
}

fn consumer_killed() {
    let name = Name::new();
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("a plain path").to_owned();
    let attach = Attach::new().strategy(Strategy::Sleep);
    let ring = spsc::Options::<u64>::new(4).attach(attach).create(&name).expect("a ring");
    let mut tx = ring.producer().expect("a free role");
    let killer = std::thread::spawn({
        let name = name.to_string();
        move || {
            let start = |round: u64| {
                Role::ready("consume with pauses", &[&name, how(round), &round.to_string(), &path])
            };
            kill_again_and_again(start);
            start(1000)
        }
    });
    let mut pauses = Pauses::from_seed(4);
    let mut more = 1000;
    while more > 0 {
        pauses.pause();
        match tx.push_timeout(tx.position().to_bits(), GUARD) {
            Ok(_) => more -= u64::from(killer.is_finished()),
            Err(error) => panic!("after {} items: {error}", tx.position().to_bits()),
        }
    }
    tx.close();
    killer.join().expect("no panic").finish();
    let mut expected = 0;
    let mut twice = 0;
    for record in std::fs::read(file.path()).expect("a file").as_chunks::<16>().0 {
        let [value, flag] =
            [0, 8].map(|at| u64::from_le_bytes(record[at..at + 8].try_into().expect("eight bytes")));
        if value == expected {
            expected += 1;
        } else {
            assert_eq!(
                (value, flag),
                (expected - 1, 1),
                "only the item at hand can come twice, and is flagged"
            );
            twice += 1;
        }
    }
    assert_eq!(expected, tx.position().to_bits(), "an item was lost");
    assert!(twice <= kills(), "{twice} items came twice");
    println!("{twice} items came twice");
    report(&ring.participants(), expected);
}

fn report(participants: &[Participant], items: u64) {
    let [producer, consumer] = participants else { panic!("two entries") };
    println!(
        "{items} items; the producer slept {} times, the consumer {}, {} and {} repairs",
        producer.sleeps, consumer.sleeps, producer.repairs, consumer.repairs
    );
    assert!(producer.sleeps > 100 && consumer.sleeps > 100, "both sides slept often");
    assert_eq!(producer.repairs + consumer.repairs, kills(), "each successor found a dead predecessor");
}

fn idle(role: &str) {
    // Whoever else runs on the machine makes each look dearer, for the caches are theirs: the best of a few counts.
    const ATTEMPTS: u32 = 5;
    let millis = size(2_000, 10_000);
    let mut attempts = (0..ATTEMPTS).map(|_| {
        let name = Name::new();
        let _ring = spsc::Options::<u64>::new(2).create(&name).expect("a ring");
        let mut idle = Role::ready(role, &[&name, "", &millis.to_string()]);
        idle.go_on();
        let Idle { micros, sleeps, bare } = idle_report(&idle);
        println!("{micros} us of a processor in {millis} ms, {sleeps} sleeps, which alone take {bare}");
        idle.finish();
        // The long form is for machines that are worth measuring; elsewhere what counts is what we add to a sleep.
        micros.saturating_sub(size(bare, 0))
    });
    assert!(attempts.any(|micros| micros < millis), "a thousandth of the time, or more, each time");
}

/// What a role that waits in vain has used.
pub(crate) struct Idle {
    /// Of a processor.
    micros: u64,
    /// How often it was given away.
    pub(crate) sleeps: u64,
    /// Microseconds of a processor that as many sleeps take which do nothing else.
    bare: u64,
}

pub(crate) fn idle_report(role: &Role) -> Idle {
    let line = role.line().expect("a report");
    let numbers: Vec<u64> = line.split(' ').map(|it| it.parse().expect("a number")).collect();
    let [micros, sleeps, bare] = numbers[..] else { panic!("three numbers: {line}") };
    Idle { micros, sleeps, bare }
}

/// Two rings, from the test to a role and back.
pub(crate) struct RoundTrip {
    pub(crate) there: spsc::Ring<u64>,
    pub(crate) back: spsc::Ring<u64>,
    pub(crate) name: Name,
    _answers: Name,
}

impl RoundTrip {
    pub(crate) fn of(options: &spsc::Options<u64>) -> Self {
        let name = Name::new();
        let answers = Name::of(answers(&name));
        let there = options.clone().create(&name).expect("a ring");
        let back = options.clone().create(&answers).expect("a ring");
        Self { there, back, name, _answers: answers }
    }

    /// Sends items there and back, one at a time.
    pub(crate) fn run(&self, rounds: u64) {
        let (mut tx, mut rx) =
            (self.there.producer().expect("a free role"), self.back.consumer().expect("a free role"));
        let mut pauses = Pauses::from_seed(5);
        for number in 0..rounds {
            tx.push_timeout(number, GUARD).expect("room");
            assert_eq!(rx.pop_timeout(GUARD), Ok(number));
            pauses.pause();
        }
        // More than both rings hold, so that the one who answers waits for room.
        let capacity = tx.capacity() as u64;
        for number in 0..2 * capacity {
            tx.push_timeout(number, GUARD).expect("room");
        }
        std::thread::sleep(Duration::from_millis(1));
        for number in 0..2 * capacity {
            assert_eq!(rx.pop_timeout(GUARD), Ok(number));
        }
        tx.close();
    }
}

fn namespaces() {
    let options = spsc::Options::<u64>::new(4).attach(Attach::new().strategy(Strategy::Sleep));
    for barrier in ["asymmetric", "fenced"] {
        let rings = RoundTrip::of(&options);
        let how = format!("{barrier} sleep");
        let role = Role::start("answer from another namespace", &[&rings.name, &how]);
        let line = role.line().expect("a line");
        if line != "ready" {
            println!("skipped: {line}");
            return;
        }
        role.expect(&format!("{barrier}, {barrier}"));
        rings.run(500);
        role.finish();
        let [_, consumer] = &rings.there.participants()[..] else { panic!("two entries") };
        assert_eq!(consumer.pid, 1, "it was in a namespace of its own");
        assert!(consumer.sleeps > 0 && rings.back.participants()[1].sleeps > 0, "both slept");
    }
}

fn far_limits() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(2).create(&name).expect("a ring");
    for millis in ["longest", "18446744073709551615", "100000000000"] {
        let consumer = Role::ready("pop", &[&name, "sleep", millis]);
        consumer.asleep();
        // More than one slice.
        std::thread::sleep(Duration::from_millis(150));
        assert!(consumer.is_silent(), "there is nothing to pop");
        let mut tx = ring.producer().expect("a free role");
        tx.try_push(7).expect("room");
        consumer.expect("Ok(7)");
        consumer.finish();
        drop(tx);
        let producer = Role::ready("push", &[&name, "sleep", millis]);
        producer.asleep();
        std::thread::sleep(Duration::from_millis(150));
        assert!(producer.is_silent(), "there is no room");
        let mut rx = ring.consumer().expect("a free role");
        rx.try_pop().expect("an item");
        producer.expect("Ok(())");
        producer.finish();
        while rx.try_pop().is_ok() {}
    }
}

fn busy_poll() {
    let options = spsc::Options::<u64>::new(4).busy_poll(true);
    for how in ["futexless", "futexless sleep", "futexless fenced"] {
        let rings = RoundTrip::of(&options);
        let role = Role::ready("answer", &[&rings.name, how]);
        role.expect("asymmetric, asymmetric");
        rings.run(200);
        role.finish();
        for participant in rings.there.participants().iter().chain(&rings.back.participants()) {
            assert_eq!(participant.sleeps, 0, "nobody sleeps at a ring of busy_poll");
        }
    }
}

fn busy_poll_canary() {
    let rings = RoundTrip::of(&spsc::Options::<u64>::new(4));
    let role = Role::start("answer", &[&rings.name, "futexless sleep"]);
    let mut tx = rings.there.producer().expect("a free role");
    assert_eq!(role.end().signal(), Some(libc::SIGSYS));
    assert!(!matches!(tx.try_push(1), Err(PushError::Broken(_))), "its death breaks nothing");
}
