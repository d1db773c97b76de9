//! What ends the sleep of a call that waits: each cause has an error of its own, on either side.

use std::fs::File;
use std::time::Duration;

use libtest_mimic::Trial;
use ringfence::spsc::{self, Ring};

use crate::child::{Name, Role};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("endings::a_close_by_the_producer_ends_a_consumers_sleep", closed_by_producer),
        trial("endings::a_close_by_anyone_ends_a_producers_sleep", closed_by_anyone),
        trial(
            "endings::a_close_by_anyone_ends_a_consumers_sleep_once_the_producer_has_left",
            closed_and_left,
        ),
        trial(
            "endings::a_close_by_anyone_ends_a_consumers_sleep_once_the_producer_is_killed",
            closed_and_killed,
        ),
        trial("endings::a_forced_removal_ends_every_sleep", || {
            unlinked(|_, ring| ring.force_unlink().expect("a ring to remove"));
        }),
        trial("endings::a_file_removed_by_hand_ends_every_sleep", || {
            unlinked(|name, _| std::fs::remove_file(path(name)).expect("the ring's file"));
        }),
        trial("endings::a_name_given_to_another_ring_ends_every_sleep", || {
            unlinked(|name, _| {
                let other = Name::new();
                spsc::Options::<u64>::new(2).create(&other).expect("a ring");
                std::fs::rename(path(&other), path(name)).expect("the ring's file");
            });
        }),
        trial("endings::a_killed_peer_ends_a_sleep_that_is_not_to_wait_for_a_successor", peer_killed),
        trial("endings::a_killed_peer_does_not_end_a_sleep_its_successor_does", successor),
        trial("endings::the_limit_ends_a_sleep", timed_out),
        trial("endings::a_truncated_file_ends_every_sleep_without_a_signal", truncated),
    ]
}

fn path(name: &str) -> String {
    format!("/dev/shm/{name}")
}

fn ring() -> (Name, Ring<u64>) {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(2).create(&name).expect("a ring");
    (name, ring)
}

/// A process that sleeps as `role`.
fn sleeper(role: &str, name: &str, how: &[&str]) -> Role {
    let role = Role::ready(role, &[&[name], how].concat());
    role.asleep();
    role
}

/// Expects what the sleeping call came to, and the same from the next one.
fn expect(mut sleeper: Role, expected: &str) {
    sleeper.expect(expected);
    sleeper.go_on();
    sleeper.expect(expected);
    sleeper.finish();
}

fn closed_by_producer() {
    let (name, ring) = ring();
    let mut tx = ring.producer().expect("a free role");
    let consumer = sleeper("pop", &name, &[""]);
    tx.close();
    expect(consumer, "Err(Closed)");
}

fn closed_by_anyone() {
    let (name, ring) = ring();
    let producer = sleeper("push", &name, &[""]);
    ring.close();
    expect(producer, "Err(Closed)");
}

fn closed_and_left() {
    let (name, ring) = ring();
    let tx = ring.producer().expect("a free role");
    let consumer = sleeper("pop", &name, &[""]);
    ring.close();
    std::thread::sleep(Duration::from_millis(150));
    assert!(consumer.is_silent(), "the producer may have begun a push");
    drop(tx);
    expect(consumer, "Err(Closed)");
}

fn closed_and_killed() {
    let (name, ring) = ring();
    let producer = Role::ready("hold producer", &[&name]);
    let consumer = sleeper("pop", &name, &[""]);
    ring.close();
    producer.kill();
    expect(consumer, "Err(Closed)");
}

fn unlinked(remove: impl Fn(&str, &Ring<u64>)) {
    for role in ["pop", "push"] {
        let (name, ring) = ring();
        let sleeper = sleeper(role, &name, &[""]);
        remove(&name, &ring);
        expect(sleeper, "Err(Broken(Unlinked))");
    }
}

fn peer_killed() {
    for (role, peer) in [("pop", "hold producer"), ("push", "hold consumer")] {
        let (name, _ring) = ring();
        let peer = Role::ready(peer, &[&name]);
        let sleeper = sleeper(role, &name, &["mortal"]);
        peer.kill();
        expect(sleeper, "Err(Broken(PeerDied { epoch: 1 }))");
    }
}

fn successor() {
    for (role, peer) in [("pop", "hold producer"), ("push", "hold consumer")] {
        let (name, ring) = ring();
        let peer = Role::ready(peer, &[&name]);
        let sleeper = sleeper(role, &name, &[""]);
        peer.kill();
        std::thread::sleep(Duration::from_millis(150));
        assert!(sleeper.is_silent(), "it waits for a successor");
        match role {
            "pop" => {
                ring.producer().expect("the role of a dead process").try_push(5).expect("room");
                sleeper.expect("Ok(5)");
            }
            _ => {
                assert_eq!(ring.consumer().expect("the role of a dead process").try_pop(), Ok(0));
                sleeper.expect("Ok(())");
            }
        }
        sleeper.finish();
    }
}

fn timed_out() {
    for role in ["pop", "push"] {
        let (name, _ring) = ring();
        // Within a slice and beyond one.
        for millis in ["20", "250"] {
            expect(sleeper(role, &name, &["", millis]), "Err(Timeout)");
        }
    }
}

fn truncated() {
    const PAGE: u64 = 4096;
    for role in ["pop", "push"] {
        for length in [0, PAGE, 2 * PAGE, 3 * PAGE] {
            // With a limit that passes before the sleeper looks around, with one that does not, and without one; and
            // where it sleeps in slices of a millisecond, because somebody may rely on a membarrier that it is refused.
            for how in [&["sleep"][..], &["", "50"], &["", "5000"], &["EPERM sleep"]] {
                let (name, ring) = ring();
                drop(ring.producer().expect("a free role"));
                let sleeper = sleeper(role, &name, how);
                let file = File::options().write(true).open(path(&name)).expect("the ring's file");
                file.set_len(length).expect("a shorter file");
                expect(sleeper, "Err(Broken(Truncated))");
            }
        }
    }
}
