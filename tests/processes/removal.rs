//! A name is removed, or given to another ring, while others are attached: nobody works on in silence.

use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use ringfence::{AttachError, Fault, PopError, PushError, UnlinkError, spsc};

use crate::child::{Name, Role};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("removal::a_ring_in_use_by_another_process_is_not_removed", in_use),
        trial("removal::old_handles_notice_a_removal_and_a_recreation", recreated),
        trial(
            "removal::a_file_removed_behind_our_back_is_noticed_by_whoever_waits_or_polls",
            removed_by_hand,
        ),
        trial("removal::an_attacher_never_pushes_into_a_removed_ring", race),
        trial("removal::a_standby_of_a_removed_ring_is_told", standby),
    ]
}

fn in_use() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(4).create(&name).expect("a ring");
    let holder = Role::ready("hold consumer", &[&name]);
    let Err(UnlinkError::InUse { holders }) = ringfence::unlink(&name) else { panic!("removed in use") };
    assert_eq!(holders.iter().map(|it| it.pid).collect::<Vec<_>>(), [holder.pid()]);
    assert!(ring.unlink().is_err());
    holder.kill();
    ring.unlink().expect("the dead do not count");
    assert!(spsc::open::<u64>(&name).is_err());
}

fn recreated() {
    let name = Name::new();
    let old = spsc::Options::<u64>::new(4).create(&name).expect("a ring");
    let (mut tx, mut rx) = (old.producer().expect("a free role"), old.consumer().expect("a free role"));
    tx.push(1).expect("room");
    ringfence::force_unlink(&name).expect("a ring to remove");
    let new = spsc::Options::<u64>::new(4).create(&name).expect("a free name");
    assert_eq!(tx.try_push(2), Err(PushError::Broken(Fault::Unlinked)));
    assert_eq!(rx.try_pop(), Ok(1), "what was accepted is delivered");
    assert_eq!(rx.try_pop(), Err(PopError::Broken(Fault::Unlinked)));
    drop((tx, rx));
    assert_eq!(old.producer().expect_err("a removed ring"), AttachError::Unlinked);
    assert_eq!(old.consumer_standby().expect_err("a removed ring"), AttachError::Unlinked);
    assert!(matches!(old.unlink(), Err(UnlinkError::Replaced { .. })), "the new ring is left alone");
    assert!(matches!(old.force_unlink(), Err(UnlinkError::Replaced { .. })));
    new.producer().expect("a free role").push(7).expect("room");
    assert_eq!(new.consumer().expect("a free role").pop(), Ok(7));
}

fn removed_by_hand() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(2).create(&name).expect("a ring");
    let (mut tx, mut rx) = (ring.producer().expect("a free role"), ring.consumer().expect("a free role"));
    std::fs::remove_file(format!("/dev/shm/{}", &*name)).expect("the ring's file");
    let _new = spsc::Options::<u64>::new(2).create(&name).expect("a free name");
    assert_eq!(rx.pop(), Err(PopError::Broken(Fault::Unlinked)), "a call that waits");
    let begun = Instant::now();
    let polled = loop {
        match rx.try_pop() {
            Err(PopError::Empty) => assert!(begun.elapsed() < Duration::from_secs(30), "never noticed"),
            other => break other,
        }
    };
    assert_eq!(polled, Err(PopError::Broken(Fault::Unlinked)), "a call that is repeated");
    tx.push_slice(&[1, 2]).expect("room");
    assert_eq!(tx.push(3), Err(PushError::Broken(Fault::Unlinked)), "a call that waits for room");
    assert_eq!(rx.pop(), Ok(1), "what was accepted is delivered");
    assert_eq!(tx.try_push(3), Err(PushError::Broken(Fault::Unlinked)), "and it stays so");
}

/// Another process attaches and pushes while this one removes: never both.
fn race() {
    const ROUNDS: u64 = 10_000;
    let name = Name::new();
    let mut pusher = Role::ready("push into rings", &[&name, &ROUNDS.to_string()]);
    let mut outcomes = [0; 3];
    for round in 0..ROUNDS {
        let name = format!("{}.{round}", &*name);
        let ring = spsc::Options::<u64>::new(2).create(&name).expect("a ring");
        pusher.go_on();
        // The removal comes now sooner, now later.
        for _ in 0..round % 64 * 40 {
            std::hint::spin_loop();
        }
        let removed = ring.unlink();
        let pushed = pusher.line().expect("an answer") == "pushed";
        match (pushed, &removed) {
            (true, Ok(())) => {
                let _ = std::fs::remove_file(format!("/dev/shm/{name}"));
                panic!("round {round}: pushed into a removed ring")
            }
            (true, Err(UnlinkError::InUse { .. })) => outcomes[0] += 1,
            (false, Ok(())) => outcomes[1] += 1,
            // Both were at it at the same moment: the remover was refused, and so was the attacher.
            (false, Err(UnlinkError::InUse { .. })) => outcomes[2] += 1,
            (_, Err(error)) => panic!("round {round}: {error}"),
        }
        pusher.go_on();
        if removed.is_err() {
            ring.force_unlink().expect("a ring to remove");
        }
    }
    pusher.finish();
    println!("attacher first {}, remover first {}, neither {}", outcomes[0], outcomes[1], outcomes[2]);
    assert!(outcomes[0] > 0 && outcomes[1] > 0, "no race: {outcomes:?}");
}

fn standby() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(2).create(&name).expect("a ring");
    let holder = Role::ready("hold producer", &[&name]);
    let waiting = std::thread::spawn({
        let ring = ring.clone();
        move || ring.producer_standby().map(|_| ())
    });
    std::thread::sleep(Duration::from_millis(20));
    ring.force_unlink().expect("a ring to remove");
    holder.kill();
    assert_eq!(waiting.join().expect("no panic"), Err(AttachError::Unlinked));
}
