//! One publisher and many subscribers in many processes, of which some are killed or stopped.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, Uid};
use ringfence::broadcast::{Gate, GateStatus, Options, Publisher, Ring, Start};
use ringfence::{Attach, Barrier, Position, Presence, PushError, RecvError};
use tempfile::NamedTempFile;

use crate::child::{Name, Role};
use crate::common::{Image, Numbers};
use crate::pauses::{ALIVE, Lookout, finish_with_signs_of_life};
use crate::subscribers::{Item, RECORD, item, whole};
use crate::times::Times;
use crate::{size, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("fanout::gated_subscribers_get_every_item_and_lossy_ones_count_what_they_miss", everybody),
        trial("fanout::lossy_subscribers_of_a_publisher_at_full_speed_count_what_they_miss", lossy_only),
        trial(
            "fanout::a_publication_goes_on_at_once_when_the_subscriber_it_waits_for_is_killed",
            gated_killed,
        ),
        trial("fanout::a_stopped_gated_subscriber_is_named_waited_for_and_loses_nothing", stopped),
        trial("fanout::a_gated_subscriber_that_stalls_for_too_long_is_demoted_and_told", demoted),
        trial("fanout::whoever_joins_under_load_misses_nothing_from_there_on", joined),
        trial("fanout::the_newest_item_is_never_torn_and_never_an_older_one", newest),
        trial("fanout::a_ring_says_what_lies_in_it", says_what_lies_in_it),
        trial("fanout::a_publisher_killed_at_any_moment_is_continued_without_a_gap", publisher_killed),
        trial("fanout::a_recorder_killed_again_and_again_sees_every_item", recorder_killed),
        trial("fanout::a_gate_is_held_for_its_time_and_no_longer", hold_ended),
        trial("fanout::a_subscriber_that_may_only_read_receives_sleeps_and_leaves_no_trace", read_only),
        trial("fanout::a_forked_child_can_use_none_of_its_parents_handles", forked),
        trial("fanout::a_truncated_file_ends_every_call_that_waits_without_a_signal", truncated),
        trial("fanout::each_item_wakes_every_sleeping_process", all_woken),
        trial("fanout::a_killed_sleeper_costs_one_call", sleeper_killed),
        trial("fanout::publishing_beside_idle_subscribers_makes_no_system_call", no_calls),
    ]
}

/// Far more than anything below takes; passing it means that somebody hangs.
const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

fn ring_of(options: Options<Item>) -> (Name, Ring<Item>) {
    let name = Name::new();
    let ring = options.create(&name).expect("a ring");
    (name, ring)
}

/// The item that `tx` publishes next.
fn next(tx: &Publisher<Item>) -> Item {
    item(tx.position().to_bits(), 0)
}

fn kills() -> u64 {
    size(20, 200)
}

/// What a subscriber says at its end.
#[derive(Debug)]
struct Received {
    received: u64,
    missed: u64,
    /// Which publisher it saw from which position on.
    publishers: Vec<(u64, u64)>,
}

impl Received {
    /// What the last line of `role` says, which ends well.
    fn of(role: Role) -> Self {
        let line = last_line(&role);
        let mut words = line.split(' ');
        let mut number = || words.next().and_then(|it| it.parse().ok()).expect("a number");
        let (received, missed) = (number(), number());
        let pair = |word: &str| {
            let (publisher, position) = word.split_once(':').expect("two numbers");
            (publisher.parse().expect("a number"), position.parse().expect("a number"))
        };
        let publishers = words.map(pair).collect();
        role.finish();
        Self { received, missed, publishers }
    }
}

/// What `role` says when it is done.
fn last_line(role: &Role) -> String {
    loop {
        let line = role.line().expect("a report");
        match line.strip_prefix("done ") {
            Some(report) => return report.to_owned(),
            None => assert_eq!(line, ALIVE),
        }
    }
}

fn subscriber(name: &str, kind: &str, how: &str, manner: &str) -> Role {
    Role::ready("broadcast receive", &[name, kind, how, manner])
}

/// Publishes `count` items to the subscribers of `ring`; all of them must then add up to that.
fn serve(name: &str, count: u64, lossy: Vec<Role>, gated: Vec<Role>) {
    let begun = Instant::now();
    let mut publisher = Role::ready("broadcast publish", &[name, &count.to_string()]);
    publisher.go_on();
    finish_with_signs_of_life(publisher);
    for role in gated {
        let Received { received, missed, .. } = Received::of(role);
        assert_eq!((received, missed), (count, 0));
    }
    let lossy: Vec<_> = lossy.into_iter().map(Received::of).collect();
    for it in &lossy {
        assert_eq!(it.received + it.missed, count, "{it:?}");
    }
    let missed: Vec<_> = lossy.iter().map(|it| it.missed).collect();
    println!("{count} items in {:?}; lossy subscribers missed {missed:?}", begun.elapsed());
    assert!(missed.iter().any(|it| *it > 0), "nobody was ever lapped");
}

fn everybody() {
    for capacity in [64, 4096] {
        let (name, _ring) = ring_of(Options::<Item>::new(capacity).gated(4));
        let lossy = ["", "slices", "slow", "slow slices"].map(|it| subscriber(&name, "lossy", "", it));
        let gated = ["", "slices", "", "slices"].map(|it| subscriber(&name, "any", "", it));
        serve(&name, size(150_000, 10_000_000), lossy.into(), gated.into());
    }
}

fn lossy_only() {
    for capacity in [2, 16, 256] {
        let (name, _ring) = ring_of(Options::<Item>::new(capacity));
        let lossy = ["", "slices", "slices", "slow slices"].map(|it| subscriber(&name, "lossy", "", it));
        serve(&name, size(200_000, 10_000_000), lossy.into(), Vec::new());
    }
}

fn gated_killed() {
    let (name, ring) = ring_of(Options::<Item>::new(4).gated(1).gate("named"));
    let mut tx = ring.publisher().expect("a free role");
    let mut times = Times::of("a publication that waits for a gated subscriber");
    for round in 0..kills() {
        let gate = if round.is_multiple_of(2) { "any" } else { "named" };
        let victim = Role::ready("broadcast hold gate", &[&name, gate]);
        while tx.try_publish(next(&tx)).is_ok() {}
        assert_eq!(ring.blocked_on().map(|it| it.pid), Some(victim.pid()));
        std::thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                let published = tx.publish_timeout(next(&tx), PATIENCE);
                (published, Instant::now())
            });
            std::thread::sleep(Duration::from_micros(5_000 + round * 7919 % 10_000));
            assert!(!publishing.is_finished(), "the subscriber lives");
            let killed = times.kill(&victim);
            let (published, at) = publishing.join().expect("no panic");
            published.expect("the slot");
            times.add(at - killed);
        });
    }
}

/// Publishes without waiting until gates forbid it; says how many items that were.
fn fill(tx: &mut Publisher<Item>) -> u64 {
    (0..).take_while(|_| tx.try_publish(next(tx)).is_ok()).count() as u64
}

fn stopped() {
    let (name, ring) = ring_of(Options::<Item>::new(16).gated(2));
    let mut tx = ring.publisher().expect("a free role");
    let (slow, other) = (subscriber(&name, "any", "", ""), subscriber(&name, "any", "sleep", "slices"));
    let mut moments = Numbers::from_seed(31);
    for _ in 0..size(5, 50) {
        let working = Instant::now() + Duration::from_micros(moments.below(2000) as u64);
        while Instant::now() < working {
            tx.publish_timeout(next(&tx), PATIENCE).expect("room");
        }
        slow.signal(Signal::SIGSTOP);
        // What it had not released when it was stopped, and no more: the other one goes on.
        let full = Instant::now() + Duration::from_millis(size(60, 500));
        while Instant::now() < full {
            let _ = tx.publish_timeout(next(&tx), Duration::from_millis(5));
        }
        assert_eq!(tx.publish_timeout(next(&tx), SHORT), Err(PushError::Timeout));
        assert_eq!(tx.try_publish_slice(&[next(&tx)]), Err(PushError::Full));
        let blocked_on = ring.blocked_on().expect("somebody");
        assert_eq!((blocked_on.pid, blocked_on.state), (slow.pid(), Presence::Present));
        assert_eq!(ring.repair().expect("a sound ring").repaired, []);
        let gates = ring.gates();
        let gate = gates.iter().find(|it| it.entry == blocked_on.index).expect("its gate");
        assert_eq!((gate.status, gate.lag), (GateStatus::Active, 16));
        slow.signal(Signal::SIGCONT);
        tx.publish_timeout(next(&tx), PATIENCE).expect("it lives");
    }
    tx.close();
    for role in [slow, other] {
        let Received { received, missed, .. } = Received::of(role);
        assert_eq!((received, missed), (tx.position().to_bits(), 0));
    }
}

fn demoted() {
    let allowed = Duration::from_millis(50);
    for round in 0..size(3, 30) {
        let (name, ring) = ring_of(Options::<Item>::new(16).gated(1).gate("slow").demote_after(allowed));
        let mut tx = ring.publisher().expect("a free role");
        let manner = if round.is_multiple_of(2) { "slices" } else { "" };
        let (slow, other) = (subscriber(&name, "slow", "sleep", manner), subscriber(&name, "any", "", ""));
        for _ in 0..100 + round {
            tx.publish_timeout(next(&tx), PATIENCE).expect("room");
        }
        slow.signal(Signal::SIGSTOP);
        let begun = Instant::now();
        for _ in 0..100 {
            tx.publish_timeout(next(&tx), PATIENCE).expect("it is waited for no more");
        }
        assert!(begun.elapsed() >= allowed, "{:?}", begun.elapsed());
        let status = |name: Option<&str>| {
            ring.gates().into_iter().find(|it| it.name.as_deref() == name).map(|it| it.status)
        };
        assert_eq!(status(Some("slow")), Some(GateStatus::Demoted));
        assert_eq!(status(None), Some(GateStatus::Active));
        let holder = ring.participants().into_iter().find(|it| it.pid == slow.pid()).expect("its entry");
        assert_eq!(holder.state, Presence::Present, "a demotion is no verdict of death");
        slow.signal(Signal::SIGCONT);
        // Its role fails where an item is missed and `is_demoted` denies it.
        tx.close();
        let (slow, other) = (Received::of(slow), Received::of(other));
        let published = tx.position().to_bits();
        assert_eq!((other.received, other.missed), (published, 0));
        assert_eq!(slow.received + slow.missed, published);
        assert!(slow.missed > 0, "{slow:?}");
        let again = ring.subscribe_gated("slow", Start::Newest).expect("the gate is free again");
        assert!(!again.is_demoted());
    }
}

fn joined() {
    const PROCESSES: u64 = 4;
    let (name, ring) = ring_of(Options::<Item>::new(256).gated(3));
    let publisher = Role::ready("broadcast publish on and on", &[&name, "0", "now", ""]);
    publisher.expect("0");
    let each = size(2_000, 100_000) / PROCESSES;
    let joining = [0, 1, 2, 3].map(|seed: u64| {
        Role::ready("broadcast join and leave", &[&name, &seed.to_string(), &each.to_string()])
    });
    // Others die while they join, receive or leave: nobody is held up for long.
    let mut moments = Numbers::from_seed(61);
    for victim in 0..kills() {
        let role = Role::start("broadcast join and leave", &[&name, &victim.to_string(), "1000000"]);
        std::thread::sleep(Duration::from_micros(moments.below(12_000) as u64));
        role.kill();
    }
    for role in joining {
        let line = last_line(&role);
        let numbers: Vec<u64> = line.split(' ').map(|it| it.parse().expect("a number")).collect();
        let [joins, full, received, missed] = numbers[..] else { panic!("{line}") };
        assert_eq!(joins, each);
        println!(
            "{joins} joins, {full} refused, {received} items received, {missed} missed before the joins"
        );
        role.finish();
    }
    ring.close().expect("a ring that may be written");
    publisher.finish();
    println!("{} items published meanwhile", ring.positions().1.to_bits());
    ring.repair().expect("a sound ring");
    assert!(ring.gates().iter().all(|it| it.status == GateStatus::Free));
}

/// Gives each of two processes a processor of its own, where there are two, so that they run at the same time.
fn run_apart(roles: [&Role; 2]) {
    let all = sched_getaffinity(Pid::this()).expect("our own processors");
    let mut processors: Vec<_> = (0..CpuSet::count()).filter(|it| all.is_set(*it) == Ok(true)).collect();
    if processors.len() == 1 {
        println!("one processor: the reader and the publisher take turns");
        processors.push(processors[0]);
    }
    for (role, processor) in roles.into_iter().zip(processors) {
        let mut one = CpuSet::new();
        one.set(processor).expect("a processor");
        sched_setaffinity(Pid::from_raw(role.pid() as i32), &one).expect("a child of ours");
    }
}

fn newest() {
    for capacity in [2, 64] {
        let (name, ring) = ring_of(Options::<Item>::new(capacity));
        let publisher = Role::ready("broadcast publish on and on", &[&name, "0", "now", ""]);
        publisher.expect("0");
        let reads = size(500_000, 50_000_000);
        let mut reader = Role::ready("broadcast latest", &[&name, &reads.to_string()]);
        run_apart([&publisher, &reader]);
        reader.go_on();
        let line = last_line(&reader);
        let (contended, new) = line.split_once(' ').expect("two numbers");
        println!(
            "{reads} reads beside {} publications through {capacity} slots: {contended} contended, {new} new",
            ring.positions().1.to_bits()
        );
        reader.finish();
        ring.close().expect("a ring that may be written");
        publisher.finish();
    }
}

fn says_what_lies_in_it() {
    let start = Position::from_bits((1 << 62) - 5);
    let (name, ring) = ring_of(Options::<Item>::new(4).start_at(start));
    let mut tx = ring.publisher().expect("a free role");
    for published in 0..20_i64 {
        let inspection = ringfence::inspect(&name).expect("the ring");
        for (oldest, next) in [ring.positions(), inspection.positions().expect("a header that is known")] {
            assert_eq!((next, next.since(start)), (tx.position(), published));
            assert_eq!(oldest.since(start), (published - 4).max(0));
        }
        assert_eq!(
            (ring.len(), inspection.len()),
            (published.min(4) as usize, Some(published.min(4) as u64))
        );
        tx.publish(next(&tx)).expect("an open ring");
    }
}

fn publisher_killed() {
    let (name, ring) = ring_of(Options::<Item>::new(64).gated(2));
    let journal = NamedTempFile::new().expect("a file");
    let path = journal.path().to_str().expect("a plain path");
    let gated = [("sleep", ""), ("", "slices")].map(|(how, manner)| subscriber(&name, "any", how, manner));
    let lossy = [("sleep", ""), ("", "slices"), ("", "slow")]
        .map(|(how, manner)| subscriber(&name, "lossy", how, manner));
    let publisher =
        |id: u64, when| Role::start("broadcast publish on and on", &[&name, &id.to_string(), when, path]);
    // Where a publisher begins; nowhere, where it is killed before it can say so.
    let begins = |role: &Role| {
        let ready = role.line()?;
        assert_eq!(ready, "ready");
        role.line().map(|it| it.parse::<u64>().expect("a position"))
    };
    let mut current = publisher(0, "now");
    let mut begun = Vec::new();
    let mut moments = Numbers::from_seed(21);
    for id in 1..=kills() {
        let standby = (id % 3 != 0).then(|| publisher(id, "standby"));
        std::thread::sleep(Duration::from_micros(moments.below(20_000) as u64));
        current.signal(Signal::SIGKILL);
        current.gone();
        begun.push(begins(&current));
        current = standby.unwrap_or_else(|| {
            // Those who wait for the next item go on with the one of the successor.
            gated[0].asleep();
            lossy[0].asleep();
            publisher(id, "now")
        });
    }
    begun.push(begins(&current));
    ring.close().expect("a ring that may be written");
    current.finish();

    let published = ring.positions().1.to_bits();
    // The positions of each publisher end where the next one begins.
    let mut end = published;
    let mut shares: Vec<_> = begun
        .iter()
        .rev()
        .map(|begin| {
            let share = begin.unwrap_or(end)..end;
            assert!(share.start <= share.end, "{begun:?}");
            end = share.start;
            share
        })
        .collect();
    shares.reverse();
    for (id, share) in shares.iter().enumerate() {
        let mut next = [0; 8];
        if journal.as_file().read_exact_at(&mut next, id as u64 * 8).is_ok() {
            let committed = u64::from_le_bytes(next);
            assert!(share.end >= committed, "{id} had committed up to {committed}: {begun:?}");
        }
    }
    for it in gated.map(Received::of) {
        assert_eq!((it.received, it.missed), (published, 0));
        let seen = shares.iter().enumerate().filter(|(_, share)| !share.is_empty());
        let seen: Vec<_> = seen.map(|(id, share)| (id as u64, share.start)).collect();
        // Every position is of the one whose it was.
        let others = it.publishers.iter().zip(&seen).find(|(found, expected)| found != expected);
        assert_eq!((others, it.publishers.len()), (None, seen.len()));
    }
    for it in lossy.map(Received::of) {
        assert_eq!(it.received + it.missed, published);
        for (id, from) in &it.publishers {
            assert!(shares[*id as usize].contains(from), "{from} is not of publisher {id}");
        }
    }
    println!(
        "{published} items of {} publishers, of which {} could publish",
        begun.len(),
        begun.iter().flatten().count()
    );
}

fn recorder_killed() {
    let options = Options::<Item>::new(64).gate("recorder").hold_gates(Duration::from_secs(3600));
    let (name, ring) = ring_of(options);
    let file = NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("a plain path");
    let recorder = |life: u64| Role::start("broadcast record", &[&name, path, &life.to_string()]);
    let mut current = recorder(0);
    current.expect("ready");
    let publisher = Role::ready("broadcast publish on and on", &[&name, "0", "now", ""]);
    publisher.expect("0");
    let mut moments = Numbers::from_seed(41);
    for life in 1..=kills() {
        // It may be about to attach.
        std::thread::sleep(Duration::from_micros(moments.below(12_000) as u64));
        current.kill();
        current = recorder(life);
    }
    current.expect("ready");
    ring.close().expect("a ring that may be written");
    publisher.finish();
    current.finish();
    let (mut expected, mut again) = (0, 0);
    let bytes = fs::read(file.path()).expect("a file");
    let (records, rest) = bytes.as_chunks::<RECORD>();
    assert_eq!(rest.len(), 0, "whole records: each is one write");
    for record in records {
        let position = u64::from_le_bytes(*record.first_chunk().expect("a whole record"));
        let flagged = record[8] == 1;
        if position == expected {
            expected += 1;
        } else {
            assert!(position < expected, "{position} came instead of {expected}");
            assert!(flagged, "{position} came again unflagged, {expected} was expected");
            again += 1;
        }
    }
    assert_eq!(expected, ring.positions().1.to_bits(), "an item was lost");
    println!("{expected} items recorded, {again} of them again");
}

fn hold_ended() {
    let held = Duration::from_millis(300);
    let (name, ring) = ring_of(Options::<Item>::new(4).gate("recorder").hold_gates(held));
    let mut tx = ring.publisher().expect("a free role");
    for round in 0..size(2, 10) {
        let victim = Role::ready("broadcast hold gate", &[&name, "recorder"]);
        let pid = victim.pid();
        if round.is_multiple_of(2) {
            victim.kill();
        } else {
            // One that leaves is a recorder that is restarted.
            victim.finish();
        }
        assert_eq!(fill(&mut tx), 4, "nothing was released");
        let begun = Instant::now();
        assert_eq!(tx.publish_timeout(next(&tx), held / 6), Err(PushError::Timeout), "it may come back");
        let blocked_on = ring.blocked_on().expect("the gate");
        assert_eq!(blocked_on.pid, pid);
        assert_ne!(blocked_on.state, Presence::Present);
        tx.publish_timeout(next(&tx), PATIENCE).expect("it was held for long enough");
        assert!(begun.elapsed() >= held, "{:?}", begun.elapsed());
        assert_eq!(ring.gates()[0].status, GateStatus::Free);
        let recorder = ring.subscribe_gated("recorder", Start::Newest).expect("the gate");
        assert_eq!(recorder.joined_at(), tx.position(), "nobody kept anything for it");
        recorder.leave();
    }

    // A successor in time finds what its predecessor had not released.
    let victim = Role::ready("broadcast hold gate", &[&name, "recorder"]);
    victim.kill();
    let first = tx.position().to_bits();
    assert_eq!(fill(&mut tx), 4);
    assert_eq!(tx.publish_timeout(next(&tx), held / 6), Err(PushError::Timeout));
    let mut recorder = ring.subscribe_gated("recorder", Start::Newest).expect("the gate");
    assert_eq!(recorder.joined_at().to_bits(), first);
    std::thread::sleep(held);
    assert_eq!(tx.publish_timeout(next(&tx), SHORT), Err(PushError::Timeout), "somebody is there again");
    for position in first..first + 4 {
        assert_eq!(recorder.recv(), Ok(item(position, 0)));
    }
    tx.publish(next(&tx)).expect("room");
}

fn read_only() {
    let (name, ring) = ring_of(Options::<Item>::new(16).gated(1).mode(0o644));
    let path = Path::new("/dev/shm").join(&*name);
    let mut tx = ring.publisher().expect("a free role");
    let image = || Image::of(&path);
    for _ in 0..20 {
        tx.publish(next(&tx)).expect("room");
    }
    let before = image();
    let who = if Uid::effective().is_root() {
        "nobody"
    } else {
        // To its owner, too, the file is now one that may be read.
        fs::set_permissions(&path, Permissions::from_mode(0o444)).expect("our own file");
        "owner"
    };
    let mut reader = Role::ready("broadcast read only", &[&name, who]);
    reader.expect("true [\"r--\"] 5 of 5");
    let mut call = |expected: &str| {
        reader.go_on();
        reader.expect(expected);
    };
    call("4");
    for position in 5..20_u64 {
        call(&position.to_string());
    }
    // It waits in vain, asleep.
    let begun = Instant::now();
    call("Timeout");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert!(image() == before, "it has written to the ring");
    for round in 0..size(10, 1000) {
        reader.go_on();
        reader.asleep();
        tx.publish(next(&tx)).expect("room");
        reader.expect(&(20 + 2 * round).to_string());
        tx.publish(next(&tx)).expect("room");
        reader.go_on();
        reader.expect(&(21 + 2 * round).to_string());
    }
    let before = image();
    reader.go_on();
    reader.asleep();
    tx.close();
    reader.expect("Closed");
    reader.finish();
    assert_eq!(image().bytes().len(), before.bytes().len());
}

fn forked() {
    let (name, ring) = ring_of(Options::<Item>::new(8).gated(1));
    let parent = Role::start("broadcast fork", &[&name]);
    let checks = parent.line().expect("what the child saw");
    let status = parent.line().expect("the fate of the child");
    assert!(status.ends_with(", 0)"), "the child's checks failed: {checks}, {status}");
    parent.expect("ready");
    assert!(!ring.is_closed());
    assert_eq!(ring.gates()[0].position, Position::from_bits(2), "the child has released nothing");
    parent.finish();
    assert_eq!(ring.gates()[0].status, GateStatus::Free, "its parent has left");
}

fn truncated() {
    const PAGE: u64 = 4096;
    const CUT: &str = "Err(Broken(Truncated))";
    for (kind, held) in [("lossy", false), ("any", false), ("publisher", true)] {
        for length in [0, PAGE, 3 * PAGE] {
            // Whichever verb finds out, the others know it.
            for verbs in ["wait look act", "act look wait"] {
                let (name, ring) = ring_of(Options::<Item>::new(2).gated(1));
                // What holds the publisher up is another process's, which touches nothing meanwhile.
                let gate = held.then(|| Role::ready("broadcast hold gate", &[&name, "any"]));
                let role = Role::ready("broadcast wait", &[&name, kind, "sleep", verbs]);
                role.asleep();
                let file = File::options().write(true).open(format!("/dev/shm/{}", &*name));
                file.and_then(|it| it.set_len(length)).expect("a shorter file");
                for _ in 0..3 {
                    role.expect(CUT);
                }
                role.finish();
                drop((gate, ring));
            }
        }
    }
}

/// How many items each of `roles` has received, as it notes it down.
struct Notes(NamedTempFile);

impl Notes {
    fn new() -> Self {
        Self(NamedTempFile::new().expect("a file"))
    }

    fn path(&self) -> &str {
        self.0.path().to_str().expect("a plain path")
    }

    fn of(&self, index: usize) -> u64 {
        let mut count = [0; 8];
        let file: &File = self.0.as_file();
        if file.read_exact_at(&mut count, index as u64 * 8).is_ok() { u64::from_le_bytes(count) } else { 0 }
    }
}

fn all_woken() {
    for (how, barrier) in [("sleep", Barrier::Asymmetric), ("sleep fenced", Barrier::Fenced)] {
        let (name, ring) = ring_of(Options::<Item>::new(16).gated(2).attach(Attach::new().barrier(barrier)));
        let mut tx = ring.publisher().expect("a free role");
        let notes = Notes::new();
        let sleepers: Vec<_> = ["lossy", "any", "lossy", "any", "lossy", "lossy"]
            .iter()
            .enumerate()
            .map(|(index, kind)| {
                let index = index.to_string();
                Role::ready("broadcast note", &[&name, kind, how, notes.path(), &index])
            })
            .collect();
        let lookouts: Vec<_> = sleepers.iter().map(|it| Lookout::on(it.pid())).collect();
        let mut moments = Numbers::from_seed(51);
        for count in 1..=size(500, 50_000) {
            // Mostly they are about to fall asleep; now and then they sleep.
            if count.is_multiple_of(16) {
                sleepers.iter().for_each(Role::asleep);
            } else {
                (0..moments.below(3000)).for_each(|_| std::hint::spin_loop());
            }
            tx.publish(next(&tx)).expect("room");
            for (index, lookout) in lookouts.iter().enumerate() {
                lookout.wait_until(|| notes.of(index) >= count);
            }
        }
        tx.close();
        sleepers.into_iter().for_each(Role::finish);
        let lost: Vec<_> = lookouts.iter().map(Lookout::lost).collect();
        assert_eq!(lost, [0; 6], "somebody slept on although there was an item");
    }
}

/// Ends `role`; its exit code is the number of its system calls.
fn calls(mut role: Role, beside: impl FnOnce()) -> i32 {
    role.go_on();
    beside();
    role.end().code().expect("a process that ended by itself")
}

fn sleeper_killed() {
    for how in ["asymmetric", "fenced"] {
        for kind in ["lossy", "any"] {
            let (name, _ring) = ring_of(Options::<Item>::new(1 << 12).gated(1));
            // Whoever attaches calls everybody: the publisher comes first.
            let publisher = Role::ready("broadcast count calls", &[&name, how, "1000"]);
            let victim = subscriber(&name, kind, "sleep", "");
            victim.asleep();
            victim.kill();
            assert_eq!(calls(publisher, || {}), 1, "{kind}, {how}");
        }
    }
}

fn no_calls() {
    const ITEMS: u64 = 1 << 18;
    for how in ["asymmetric", "fenced"] {
        let (name, ring) = ring_of(Options::<Item>::new(1 << 18).gated(1));
        let idle = [1, 16].map(|count: u64| Role::ready("broadcast idle", &[&name, &count.to_string()]));
        // One that polls, and one that has a gate.
        let mut polling = ring.subscribe(Start::Newest).expect("a ring");
        let attach = Attach::new().strategy(ringfence::Strategy::Spin);
        let spinning = ringfence::broadcast::open_with::<Item>(&name, attach).expect("the ring");
        let mut gated = spinning.subscribe_gated(Gate::Any, Start::Newest).expect("a free gate");
        let publisher = Role::ready("broadcast count calls", &[&name, how, &ITEMS.to_string()]);
        let calls = calls(publisher, || {
            for position in 0..ITEMS {
                assert_eq!(gated.recv().map(|it| whole(&it).0), Ok(position));
                assert!(matches!(polling.try_recv(), Ok(_) | Err(RecvError::Empty)));
            }
        });
        assert_eq!(calls, 0, "{how}");
        idle.into_iter().for_each(Role::finish);
    }
}
