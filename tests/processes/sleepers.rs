//! Roles that wait for others, or are waited for.
//!
//! Each takes how it takes part as its first argument: words of [`attach`], in any order, or none for the defaults.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, getpid};
use ringfence::spsc::{self, Consumer, Producer, Ring};
use ringfence::{Attach, Barrier, Element, Limit, PopError, PushError, Strategy, never_register};

use crate::filters::{self, FUTEXES, REGISTER, WAKE};
use crate::pauses::{ALIVE, Lookout, Pauses, Watch, now, report};
use crate::roles::{listen, number, say};

/// An item that says when it was pushed: its number, and the time.
pub(crate) type Stamped = [u64; 2];

pub(crate) fn play(role: &str, name: &str, arguments: &[String]) {
    let how = arguments[0].as_str();
    let argument = |index: usize| number(&arguments[index]);
    match role {
        "pop" => pop(open(name, how), limit(arguments.get(1))),
        "push" => push(open(name, how), limit(arguments.get(1))),
        "pop with pauses" => pop_with_pauses(open(name, how), argument(1), argument(2)),
        "push with pauses" => push_with_pauses(open(name, how), argument(1), argument(2)),
        "consume with pauses" => consume_with_pauses(open(name, how), argument(1), &arguments[2]),
        "produce with pauses" => produce_with_pauses(open(name, how), argument(1), argument(2)),
        "answer" => answer(name, how),
        "answer from another namespace" => answer_from_another_namespace(name, how),
        "die waking a consumer" => die_waking_a_consumer(open(name, how)),
        "die waking a producer" => die_waking_a_producer(open(name, how)),
        "pop among signals" => {
            among_signals(consumer(open(name, how)), |rx, limit| match rx.pop_timeout(limit) {
                Err(PopError::Timeout) => None,
                result => Some(format!("{result:?}")),
            })
        }
        "push among signals" => {
            among_signals(producer_of_a_full_ring(open(name, how)), |tx, limit| {
                match tx.push_timeout(0, limit) {
                    Err(PushError::Timeout) => None,
                    result => Some(format!("{:?}", result.map(|_| ()))),
                }
            });
        }
        "idle consumer" => idle(consumer(open(name, how)), argument(1), |rx, limit| {
            assert_eq!(rx.pop_timeout(limit), Err(PopError::Timeout));
        }),
        "idle producer" => idle(producer_of_a_full_ring(open(name, how)), argument(1), |tx, limit| {
            assert_eq!(tx.push_timeout(0, limit), Err(PushError::Timeout));
        }),
        "never register" => never_registers(name),
        "register, then refuse" => register_then_refuse(name),
        "count calls of both sides" => count_both(open(name, how), argument(1), 0),
        "count calls of both sides and three more" => count_both(open(name, how), argument(1), 3),
        "count calls of the producer" => count_producer(open(name, how), argument(1)),
        "count calls of the consumer" => count_consumer(open(name, how), argument(1)),
        role => panic!("no role {role}"),
    }
}

pub(crate) fn attach(how: &str) -> Attach {
    how.split_whitespace().fold(Attach::new(), |attach, word| match word {
        "asymmetric" => attach.barrier(Barrier::Asymmetric),
        "fenced" => attach.barrier(Barrier::Fenced),
        "adaptive" => attach.strategy(Strategy::Adaptive),
        "spin" => attach.strategy(Strategy::Spin),
        "sleep" => attach.strategy(Strategy::Sleep),
        "mortal" => attach.fail_when_peer_dies(true),
        "patient" => attach.patience(Duration::from_secs(3600)),
        "EPERM" | "ENOSYS" => {
            let errno = if word == "EPERM" { libc::EPERM } else { libc::ENOSYS };
            filters::refuse(&[(libc::SYS_membarrier, None)], errno);
            attach
        }
        "futexless" => {
            filters::die_at(&FUTEXES);
            attach
        }
        word => panic!("no word {word}"),
    })
}

fn open<T: Element>(name: &str, how: &str) -> Ring<T> {
    spsc::open_with(name, attach(how)).expect("the test's ring")
}

fn limit(millis: Option<&String>) -> Limit {
    match millis.map(String::as_str) {
        None => Limit::Unlimited,
        Some("longest") => Duration::MAX.into(),
        Some(millis) => Duration::from_millis(number(millis)).into(),
    }
}

fn consumer(ring: Ring<u64>) -> Consumer<u64> {
    ring.consumer().expect("a free role")
}

fn producer_of_a_full_ring(ring: Ring<u64>) -> Producer<u64> {
    let mut tx = ring.producer().expect("a free role");
    while tx.try_push(tx.position().to_bits()).is_ok() {}
    tx
}

/// Says what each pop came to.
fn pop(ring: Ring<u64>, limit: Limit) {
    let mut rx = consumer(ring);
    say("ready");
    loop {
        say(&format!("{:?}", rx.pop_timeout(limit)));
        if !listen() {
            return;
        }
    }
}

/// Says what each push came to, of a ring that was full.
fn push(ring: Ring<u64>, limit: Limit) {
    let mut tx = producer_of_a_full_ring(ring);
    say("ready");
    loop {
        say(&format!("{:?}", tx.push_timeout(tx.position().to_bits(), limit).map(|_| ())));
        if !listen() {
            return;
        }
    }
}

/// Items between two signs of life.
const ALIVE_EVERY: u64 = 4096;

/// How items are moved for a while.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stretch {
    /// The producer lets the ring run empty behind each item, so that its consumer sleeps.
    RunsEmpty,
    /// The consumer lets the ring fill up behind each item, so that its producer sleeps.
    StaysFull,
    /// Nobody waits for anybody.
    Free,
}

impl Stretch {
    /// The one to which item `number` belongs.
    fn of(number: u64) -> Self {
        match number / 64 % 8 {
            0..=2 => Self::RunsEmpty,
            4..=6 => Self::StaysFull,
            _ => Self::Free,
        }
    }
}

fn pop_with_pauses(ring: Ring<Stamped>, seed: u64, count: u64) {
    let mut rx = ring.consumer().expect("a free role");
    let mut pauses = Pauses::from_seed(seed);
    let capacity = rx.capacity() as u64;
    say("ready");
    let first = rx.pop().expect("the producer's first item");
    assert_eq!(first[0], 0);
    let peer = ring.participants()[0].pid;
    let (mut watch, lookout) = (Watch::beside(peer), Lookout::on(peer));
    for expected in 1..count {
        let was_full = ring.len() == rx.capacity();
        let item = watch.watch(|| {
            let item = rx.pop();
            (item, item.ok().map(|[_, pushed_at]| pushed_at))
        });
        assert_eq!(item.map(|[number, _]| number), Ok(expected));
        // What the producer waits to push.
        let next = expected + capacity;
        if was_full && next < count && Stretch::of(next) == Stretch::StaysFull {
            lookout.wait_until(|| ring.positions().1.to_bits() > next);
        }
        pauses.spin();
        if expected.is_multiple_of(ALIVE_EVERY) {
            say(ALIVE);
        }
    }
    assert_eq!(rx.pop(), Err(PopError::Closed));
    say(&report(&watch, &lookout));
}

fn push_with_pauses(ring: Ring<Stamped>, seed: u64, count: u64) {
    let mut tx = ring.producer().expect("a free role");
    let mut pauses = Pauses::from_seed(seed);
    let peer = ring.participants()[1].pid;
    let (mut watch, lookout) = (Watch::beside(peer), Lookout::on(peer));
    say("ready");
    for number in 0..count {
        watch.watch(|| (tx.push([number, now()]).expect("an open ring"), None));
        if Stretch::of(number) == Stretch::RunsEmpty {
            lookout.wait_until(|| ring.is_empty());
        }
        pauses.spin();
        if number.is_multiple_of(ALIVE_EVERY) {
            say(ALIVE);
        }
    }
    tx.close();
    say(&report(&watch, &lookout));
}

/// Writes each item and its flag to a file before it releases it.
fn consume_with_pauses(ring: Ring<u64>, seed: u64, path: &str) {
    let mut rx = consumer(ring);
    let mut pauses = Pauses::from_seed(seed);
    let mut file = OpenOptions::new().append(true).open(path).expect("the test's file");
    say("ready");
    loop {
        pauses.pause();
        match rx.read() {
            Ok(item) => {
                let record = [item.get(), u64::from(item.redelivered())].map(u64::to_le_bytes);
                file.write_all(record.as_flattened()).expect("room on the disk");
                item.release();
            }
            Err(PopError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Pushes the numbers up to `count`, going on where a predecessor stopped.
fn produce_with_pauses(ring: Ring<u64>, seed: u64, count: u64) {
    let mut tx = ring.producer().expect("a free role");
    let mut pauses = Pauses::from_seed(seed);
    say("ready");
    while tx.position().to_bits() < count {
        pauses.pause();
        tx.push(tx.position().to_bits()).expect("an open ring");
    }
    tx.close();
}

/// The name of the ring that goes back.
pub(crate) fn answers(name: &str) -> String {
    format!("{name}.answers")
}

/// Sends every item of the ring back through the other one, until it is closed; says first what barriers it got.
fn answer(name: &str, how: &str) {
    let attach = attach(how);
    let open = |name: &str| spsc::open_with::<u64>(name, attach.clone()).expect("the test's ring");
    let mut rx = consumer(open(name));
    let mut tx = open(&answers(name)).producer().expect("a free role");
    say("ready");
    say(&format!("{}, {}", rx.barrier(), tx.barrier()));
    loop {
        match rx.pop() {
            Ok(item) => tx.push(item).expect("an open ring"),
            Err(PopError::Closed) => return,
            Err(error) => panic!("{error}"),
        };
    }
}

/// As [`answer`], as the first process of a PID namespace.
fn answer_from_another_namespace(name: &str, how: &str) {
    let unshared = unshare(CloneFlags::CLONE_NEWPID)
        .or_else(|_| unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWPID));
    if let Err(error) = unshared {
        say(&format!("no namespace of one's own here ({error})"));
        return;
    }
    // SAFETY: this process has one thread.
    #[allow(unsafe_code)]
    match unsafe { fork() }.expect("a process") {
        ForkResult::Child => {
            // Nothing of a failed test goes on.
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).expect("a signal");
            assert_eq!(getpid().as_raw(), 1, "the first process of its namespace");
            answer(name, how);
            exit(0);
        }
        ForkResult::Parent { child } => {
            let status = waitpid(child, None).expect("a child of ours");
            assert_eq!(status, WaitStatus::Exited(child, 0));
        }
    }
}

/// Publishes an item and is killed before it wakes whoever waits for it.
fn die_waking_a_consumer(ring: Ring<u64>) {
    let mut tx = ring.producer().expect("a free role");
    say("ready");
    listen();
    filters::die_at(&WAKE);
    let _ = tx.try_push(tx.position().to_bits());
    say("nobody was woken");
}

/// Releases an item and is killed before it wakes whoever waits for room.
fn die_waking_a_producer(ring: Ring<u64>) {
    let mut rx = consumer(ring);
    say("ready");
    listen();
    filters::die_at(&WAKE);
    let _ = rx.try_pop();
    say("nobody was woken");
}

/// Waits for as long as it may, and then for as long as it takes, while signals come; says what both came to.
fn among_signals<H>(mut handle: H, wait: impl Fn(&mut H, Limit) -> Option<String>) {
    const LIMIT: Duration = Duration::from_millis(300);
    extern "C" fn nothing(_: libc::c_int) {}
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing.
    #[allow(unsafe_code)]
    unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("a handler");
    say("ready");
    listen();
    let begun = Instant::now();
    let result = wait(&mut handle, LIMIT.into());
    let in_time = if begun.elapsed() >= LIMIT { "in time" } else { "too early" };
    say(&result.unwrap_or_else(|| format!("timed out {in_time}")));
    loop {
        say(&wait(&mut handle, Limit::Unlimited).expect("no limit"));
        if !listen() {
            return;
        }
    }
}

/// Says how many microseconds of a processor a wait of `millis` takes, and how often it gave the processor away.
fn idle<H>(mut handle: H, millis: u64, wait: impl Fn(&mut H, Duration)) {
    let usage = || {
        let usage = getrusage(UsageWho::RUSAGE_SELF).expect("a process's usage");
        let times = [usage.user_time(), usage.system_time()];
        let micros: i64 = times.iter().map(|it| it.tv_sec() * 1_000_000 + it.tv_usec()).sum();
        (micros, usage.voluntary_context_switches())
    };
    say("ready");
    listen();
    let before = usage();
    wait(&mut handle, Duration::from_millis(millis));
    let after = usage();
    let sleeps = after.1 - before.1;
    // What this machine takes to let a process sleep as often, and to wake it.
    let slice = Duration::from_millis(millis) / sleeps.max(1) as u32;
    (0..sleeps).for_each(|_| thread::sleep(slice));
    say(&format!("{} {sleeps} {}", after.0 - before.0, usage().0 - after.0));
}

/// A veto before any attach holds: this process would die where it registered.
fn never_registers(name: &str) {
    filters::die_at(&REGISTER);
    let fenced = open::<u64>(name, "fenced").producer().expect("a free role");
    say(&format!("{}, {}", fenced.barrier(), never_register()));
    drop(fenced);
    for how in ["asymmetric", "fenced"] {
        let (tx, rx) = (open::<u64>(name, how).producer(), open::<u64>(name, how).consumer());
        let barriers = (tx.expect("a free role").barrier(), rx.expect("a free role").barrier());
        say(&format!("{}, {}, {}", barriers.0, barriers.1, never_register()));
    }
}

/// A veto after an attach comes too late.
fn register_then_refuse(name: &str) {
    let tx = open::<u64>(name, "asymmetric").producer().expect("a free role");
    say(&format!("{}, {}", tx.barrier(), never_register()));
    drop(tx);
    let rx = open::<u64>(name, "asymmetric").consumer().expect("a free role");
    say(&format!("{}, {}", rx.barrier(), never_register()));
}

/// Pushes and pops `pairs` items; its exit code is the number of system calls, of which `more` are asked for.
fn count_both(ring: Ring<u64>, pairs: u64, more: u64) {
    let (mut tx, mut rx) = (ring.producer().expect("a free role"), consumer(ring));
    filters::count_calls();
    for number in 0..pairs {
        assert!(tx.push(number).is_ok() && rx.pop() == Ok(number));
        assert!(tx.try_push(number).is_ok() && rx.try_pop() == Ok(number));
    }
    for _ in 0..more {
        let _ = nix::unistd::getppid();
    }
    filters::leave();
}

fn count_producer(ring: Ring<u64>, items: u64) {
    let mut tx = ring.producer().expect("a free role");
    say("ready");
    listen();
    filters::count_calls();
    for number in 0..items {
        assert!(tx.try_push(number).is_ok());
    }
    filters::leave();
}

fn count_consumer(ring: Ring<u64>, items: u64) {
    let mut rx = consumer(ring);
    filters::count_calls();
    for number in 0..items {
        assert!(rx.try_pop() == Ok(number));
    }
    filters::leave();
}
