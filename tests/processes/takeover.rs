//! Killed participants, and those who go on in their place.

use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use ringfence::{AttachError, Fault, PopError, Presence, spsc};

use crate::child::{Name, Role};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("takeover::a_killed_producer_is_continued_without_loss", producer_killed),
        trial("takeover::a_killed_consumer_is_continued_and_what_comes_twice_is_flagged", consumer_killed),
        trial("takeover::a_standby_takes_over_by_itself", standby),
        trial("takeover::a_standby_gets_the_role_of_one_that_leaves", standby_after_leave),
        trial("takeover::a_dead_peer_ends_a_wait_only_if_asked_to", peer_died),
        trial("takeover::repair_settles_what_a_dead_participant_left", repair),
    ]
}

/// How often a side is killed.
const KILLS: u32 = 40;

fn moment(round: u32) -> Duration {
    Duration::from_micros(u64::from(round * 7919 % 4000))
}

fn producer_killed() {
    const COUNT: u64 = 2_000_000;
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(64).create(&name).expect("a ring");
    let mut rx = ring.consumer().expect("a free role");
    let killer = std::thread::spawn({
        let count = COUNT.to_string();
        let name = name.to_string();
        move || {
            for round in 0..KILLS {
                let producer = Role::ready("produce", &[&name, &count]);
                std::thread::sleep(moment(round));
                producer.kill();
            }
            Role::ready("produce", &[&name, &count]).finish();
        }
    });
    let mut expected = 0;
    loop {
        match rx.pop() {
            Ok(value) => {
                assert_eq!(value, expected);
                assert!(
                    !rx.last().expect("a delivery").redelivered,
                    "a dead producer makes nothing come twice"
                );
                expected += 1;
            }
            Err(PopError::Closed) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(expected, COUNT);
    killer.join().expect("no panic");
    // Those killed before they were done; the others had finished and closed the ring.
    assert!(ring.producer_state().epoch >= u64::from(KILLS));
}

fn consumer_killed() {
    const COUNT: u64 = 100_000;
    let name = Name::new();
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("a plain path").to_owned();
    let ring = spsc::Options::<u64>::new(64).create(&name).expect("a ring");
    let mut tx = ring.producer().expect("a free role");
    let killer = std::thread::spawn({
        let name = name.to_string();
        move || {
            for round in 0..KILLS {
                let consumer = Role::ready("consume", &[&name, &path]);
                std::thread::sleep(moment(round));
                consumer.kill();
            }
            Role::ready("consume", &[&name, &path]).finish();
        }
    });
    for value in 0..COUNT {
        tx.push(value).expect("an open ring");
    }
    tx.close();
    killer.join().expect("no panic");
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).expect("a file");
    std::io::Read::read_to_end(&mut file, &mut bytes).expect("a file");
    let mut expected = 0;
    let mut twice = 0;
    for record in bytes.chunks(8) {
        let mut value: [u8; 8] = record.try_into().expect("whole records: each is one write");
        let flagged = std::mem::take(&mut value[7]) == 1;
        let value = u64::from_le_bytes(value);
        if value == expected {
            expected += 1;
        } else {
            assert!(flagged, "item {value} came again unflagged, {expected} was expected");
            assert_eq!(value, expected - 1, "only the item at hand can come twice");
            twice += 1;
        }
    }
    assert_eq!(expected, COUNT, "an item was lost");
    assert!(twice <= KILLS, "{twice} items came twice after {KILLS} kills");
}

fn standby() {
    const COUNT: u64 = 200_000;
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(16).create(&name).expect("a ring");
    let first = Role::ready("produce", &[&name, "1000000000"]);
    let second = Role::ready("stand by to produce", &[&name, &COUNT.to_string()]);
    let mut rx = ring.consumer().expect("a free role");
    for value in 0..1000 {
        assert_eq!(rx.pop(), Ok(value));
    }
    first.kill();
    for value in 1000..COUNT {
        assert_eq!(rx.pop(), Ok(value));
    }
    assert_eq!(rx.pop(), Err(PopError::Closed));
    second.expect("ready");
    second.finish();
    assert_eq!(ring.producer_state().epoch, 2);
}

fn standby_after_leave() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(16).create(&name).expect("a ring");
    let first = Role::ready("hold producer", &[&name]);
    let second = Role::ready("stand by to produce", &[&name, "3"]);
    first.finish();
    second.expect("ready");
    second.finish();
    let mut rx = ring.consumer().expect("a free role");
    assert_eq!([rx.pop(), rx.pop(), rx.pop()], [Ok(0), Ok(1), Ok(2)]);
    assert_eq!(rx.pop(), Err(PopError::Closed));
}

fn peer_died() {
    let name = Name::new();
    let attach = ringfence::Attach::new().fail_when_peer_dies(true);
    let ring = spsc::Options::<u64>::new(16).attach(attach).create(&name).expect("a ring");
    let patient = spsc::open::<u64>(&name).expect("a ring");
    let producer = Role::ready("hold producer", &[&name]);
    let mut rx = ring.consumer().expect("a free role");
    producer.signal(Signal::SIGSTOP);
    assert_eq!(rx.pop_timeout(Duration::from_millis(30)), Err(PopError::Timeout), "a stopped peer lives");
    assert_eq!(rx.peer().state, Presence::Present);
    producer.kill();
    assert_eq!(rx.pop(), Err(PopError::Broken(Fault::PeerDied { epoch: 1 })));
    assert_eq!(rx.peer().state, Presence::Died);
    drop(rx);
    let mut rx = patient.consumer().expect("a free role");
    assert_eq!(rx.pop_timeout(Duration::from_millis(30)), Err(PopError::Timeout), "it waits for a successor");
}

fn repair() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(16).create(&name).expect("a ring");
    assert_eq!(ring.repair().expect("a sound ring").repaired, []);
    let consumer = Role::ready("hold consumer", &[&name]);
    let mut tx = ring.producer().expect("a free role");
    tx.push(1).expect("room");
    assert_eq!(ring.repair().expect("a sound ring").repaired, [], "the living are left alone");
    let pid = consumer.pid();
    consumer.kill();
    let report = ring.repair().expect("a sound ring");
    assert_eq!(report.repaired.len(), 1);
    assert_eq!((report.repaired[0].pid, report.repaired[0].state), (pid, Presence::Died));
    assert_eq!(ring.repair().expect("a sound ring").repaired, [], "once is enough");
    assert_eq!(ring.consumer_state().state, Presence::Died, "what happened stays visible");
    let mut rx = ring.consumer().expect("a free role");
    assert!(rx.read().expect("an item").redelivered(), "the dead one may have looked at it");
    assert!(!matches!(ring.consumer(), Err(AttachError::Unlinked)));
    let _ = std::io::stdout().flush();
}
