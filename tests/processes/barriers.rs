//! Processes that order their publications differently, by choice or because the kernel refuses, work together.

use libtest_mimic::Trial;
use ringfence::{Attach, Strategy, spsc};

use crate::child::{Name, Role};
use crate::sleeping::{RoundTrip, assert_moves_without_stall, idle_report};
use crate::{size, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("barriers::each_process_gets_the_barrier_that_it_asks_for", asked_for),
        trial("barriers::a_process_that_is_refused_membarrier_is_fenced_and_works", || {
            for refusal in ["EPERM", "ENOSYS"] {
                refused(&format!("{refusal} sleep"));
                refused(&format!("{refusal} adaptive asymmetric"));
                refused(&format!("{refusal} fenced"));
            }
        }),
        trial(
            "barriers::a_consumer_that_is_refused_membarrier_misses_nothing_of_an_asymmetric_producer",
            || {
                nothing_is_missed("asymmetric sleep", "EPERM sleep");
            },
        ),
        trial(
            "barriers::a_producer_that_is_refused_membarrier_misses_nothing_of_an_asymmetric_consumer",
            || {
                nothing_is_missed("ENOSYS sleep", "asymmetric sleep");
            },
        ),
        trial("barriers::two_processes_that_are_refused_membarrier_miss_nothing", || {
            nothing_is_missed("EPERM sleep", "ENOSYS sleep");
        }),
        trial("barriers::only_a_sleeper_that_may_be_missed_looks_every_millisecond", slices),
        trial(
            "barriers::a_process_that_never_registers_is_fenced_and_never_asks_the_kernel",
            never_registers,
        ),
        trial("barriers::a_veto_after_an_asymmetric_attach_is_refused", vetoed_late),
    ]
}

fn answers(how: &str, barriers: &str) {
    let attach = Attach::new().strategy(Strategy::Sleep);
    let rings = RoundTrip::of(&spsc::Options::<u64>::new(4).attach(attach));
    let role = Role::ready("answer", &[&rings.name, how]);
    role.expect(barriers);
    rings.run(size(200, 20_000));
    role.finish();
}

fn asked_for() {
    answers("", "asymmetric, asymmetric");
    answers("asymmetric sleep", "asymmetric, asymmetric");
    answers("fenced sleep", "fenced, fenced");
}

/// The test's own side is asymmetric.
fn refused(how: &str) {
    answers(how, "fenced, fenced");
}

fn nothing_is_missed(producer: &str, consumer: &str) {
    assert_moves_without_stall(size(20_000, 1_000_000), producer, consumer);
}

/// In a second there are ten slices of 100 ms, or a thousand of 1 ms on a machine that has the time.
fn slices() {
    const MANY: u64 = 50;
    for (role, peer) in [("idle consumer", "hold producer"), ("idle producer", "hold consumer")] {
        let sleeps = |how: &str, with_peer: bool| {
            let name = Name::new();
            let attach = Attach::new().barrier(ringfence::Barrier::Fenced);
            let _ring = spsc::Options::<u64>::new(2).attach(attach).create(&name).expect("a ring");
            let peer = with_peer.then(|| Role::ready(peer, &[&name]));
            let mut idle = Role::ready(role, &[&name, how, "1000"]);
            idle.go_on();
            let sleeps = idle_report(&idle).sleeps;
            println!("{role}, {how}, asymmetric peer: {with_peer}: {sleeps} sleeps");
            idle.finish();
            drop(peer);
            sleeps
        };
        assert!(sleeps("EPERM", true) > MANY, "it must look often");
        assert!(sleeps("EPERM", false) < MANY, "nobody relies on its membarrier");
        assert!(sleeps("asymmetric", true) < MANY, "its membarrier reaches everybody");
        assert!(sleeps("fenced", true) < MANY, "its membarrier reaches everybody");
    }
}

fn never_registers() {
    let name = Name::new();
    let _ring = spsc::Options::<u64>::new(2).create(&name).expect("a ring");
    let role = Role::start("never register", &[&name, ""]);
    role.expect("fenced, true");
    role.expect("fenced, fenced, true");
    role.expect("fenced, fenced, true");
    role.finish();
}

fn vetoed_late() {
    let name = Name::new();
    let _ring = spsc::Options::<u64>::new(2).create(&name).expect("a ring");
    let role = Role::start("register, then refuse", &[&name, ""]);
    role.expect("asymmetric, false");
    role.expect("asymmetric, false");
    role.finish();
}
