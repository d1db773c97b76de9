//! What goes wrong while somebody sleeps, or is about to be woken, and leaves nobody stuck.

use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ringfence::spsc::{self, Ring};
use ringfence::{Attach, Strategy};

use crate::child::{Name, Role};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("faults::a_consumer_killed_in_its_sleep_holds_nobody_up", consumer_killed_asleep),
        trial("faults::a_producer_killed_in_its_sleep_holds_nobody_up", producer_killed_asleep),
        trial("faults::a_producer_killed_before_it_wakes_its_consumer_holds_nobody_up", || {
            producer_killed_waking(false);
        }),
        trial("faults::the_successor_of_a_producer_killed_before_it_wakes_its_consumer_wakes_it", || {
            producer_killed_waking(true);
        }),
        trial("faults::a_consumer_killed_before_it_wakes_its_producer_holds_nobody_up", || {
            consumer_killed_waking(false);
        }),
        trial("faults::the_successor_of_a_consumer_killed_before_it_wakes_its_producer_wakes_it", || {
            consumer_killed_waking(true);
        }),
        trial("faults::signals_end_no_consumers_sleep_and_move_no_limit", || among_signals("pop")),
        trial("faults::signals_end_no_producers_sleep_and_move_no_limit", || among_signals("push")),
    ]
}

/// Longer than anything below may take; passing it means that somebody is stuck.
const GUARD: Duration = Duration::from_secs(30);

fn ring() -> (Name, Ring<u64>) {
    let name = Name::new();
    let attach = Attach::new().strategy(Strategy::Sleep);
    let ring = spsc::Options::<u64>::new(4).attach(attach).create(&name).expect("a ring");
    (name, ring)
}

fn consumer_killed_asleep() {
    for how in ["asymmetric sleep", "fenced sleep", ""] {
        let (name, ring) = ring();
        let mut tx = ring.producer().expect("a free role");
        let consumer = Role::ready("pop", &[&name, how]);
        consumer.asleep();
        consumer.kill();
        // It rings for a corpse once, and for nobody afterwards.
        for value in 0..3 {
            tx.push_timeout(value, GUARD).expect("room");
        }
        let mut rx = ring.consumer().expect("the role of a dead process");
        for value in 0..3 {
            assert_eq!(rx.pop_timeout(GUARD), Ok(value));
        }
        drop(rx);
        let mut successor = Role::ready("pop", &[&name, how]);
        for value in 3..6 {
            successor.asleep();
            tx.push_timeout(value, GUARD).expect("room");
            successor.expect(&format!("Ok({value})"));
            successor.go_on();
        }
    }
}

fn producer_killed_asleep() {
    for how in ["asymmetric sleep", "fenced sleep", ""] {
        let (name, ring) = ring();
        let mut rx = ring.consumer().expect("a free role");
        let producer = Role::ready("push", &[&name, how]);
        producer.asleep();
        producer.kill();
        assert_eq!(rx.pop_timeout(GUARD), Ok(0));
        let mut successor = Role::ready("push", &[&name, how]);
        for value in 1..4 {
            successor.asleep();
            assert_eq!(rx.pop_timeout(GUARD), Ok(value));
            successor.expect("Ok(())");
            successor.go_on();
        }
        for value in 4..7 {
            assert_eq!(rx.pop_timeout(GUARD), Ok(value));
        }
    }
}

fn killed_by_its_filter(mut role: Role) {
    role.go_on();
    assert_eq!(role.end().signal(), Some(libc::SIGSYS), "it was about to wake somebody");
}

fn producer_killed_waking(succeeded: bool) {
    for how in ["asymmetric", "fenced"] {
        let (name, ring) = ring();
        let producer = Role::ready("die waking a consumer", &[&name, how]);
        let mut consumer = Role::ready("pop", &[&name, "sleep"]);
        consumer.asleep();
        killed_by_its_filter(producer);
        let successor = succeeded.then(|| ring.producer().expect("the role of a dead process"));
        consumer.expect("Ok(0)");
        drop(successor);
        // The bell works as before.
        consumer.go_on();
        consumer.asleep();
        ring.producer().expect("a free role").try_push(1).expect("room");
        consumer.expect("Ok(1)");
        consumer.finish();
    }
}

fn consumer_killed_waking(succeeded: bool) {
    for how in ["asymmetric", "fenced"] {
        let (name, ring) = ring();
        let consumer = Role::ready("die waking a producer", &[&name, how]);
        let mut producer = Role::ready("push", &[&name, "sleep"]);
        producer.asleep();
        killed_by_its_filter(consumer);
        let successor = succeeded.then(|| ring.consumer().expect("the role of a dead process"));
        producer.expect("Ok(())");
        drop(successor);
        producer.go_on();
        producer.asleep();
        // What the dead one had released is gone.
        assert_eq!(ring.consumer().expect("a free role").try_pop(), Ok(1));
        producer.expect("Ok(())");
        producer.finish();
    }
}

/// Sends signals to `pid`, as fast as it goes or with pauses, until it is dropped.
struct Storm {
    over: std::sync::Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Storm {
    fn on(pid: u32, pause: Option<Duration>) -> Self {
        let over = std::sync::Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let over = over.clone();
            move || {
                while !over.load(Ordering::Relaxed) {
                    kill(Pid::from_raw(pid as i32), Signal::SIGUSR1).expect("a living process");
                    pause.map_or_else(thread::yield_now, thread::sleep);
                }
            }
        });
        Self { over, thread: Some(thread) }
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

fn among_signals(side: &str) {
    for pause in [None, Some(Duration::from_micros(200)), Some(Duration::from_millis(7))] {
        let (name, ring) = ring();
        let mut sleeper = Role::ready(&format!("{side} among signals"), &[&name, "sleep"]);
        let storm = Storm::on(sleeper.pid(), pause);
        sleeper.go_on();
        sleeper.expect("timed out in time");
        thread::sleep(Duration::from_millis(20));
        if side == "pop" {
            ring.producer().expect("a free role").try_push(9).expect("room");
            sleeper.expect("Ok(9)");
        } else {
            ring.consumer().expect("a free role").try_pop().expect("an item");
            sleeper.expect("Ok(())");
        }
        // A sleep that is interrupted all the time looks around like any other.
        std::fs::remove_file(format!("/dev/shm/{}", &*name)).expect("the ring's file");
        sleeper.go_on();
        sleeper.expect("Err(Broken(Unlinked))");
        drop(storm);
        sleeper.finish();
    }
}
