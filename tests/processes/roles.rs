//! What a process of a test does. Each role prints `ready` once it is where its test wants it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write, stdin, stdout};
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};
use ringfence::{AttachError, Fault, PopError, PushError, spsc};

pub(crate) fn play(arguments: &[String]) {
    let name = arguments[1].as_str();
    match arguments[0].as_str() {
        "produce" => produce(open(name).producer().expect("a free role"), number(&arguments[2])),
        "stand by to produce" => {
            let ring = open(name);
            say("ready");
            produce(ring.producer_standby().expect("a role"), number(&arguments[2]));
        }
        "consume" => consume(name, &arguments[2]),
        "hold producer" => hold(open(name).producer().expect("a free role")),
        "hold consumer" => hold(open(name).consumer().expect("a free role")),
        "look" => look(name),
        "fork" => fork_with_handle(name),
        "fork with a claim" => fork_with_claim(name),
        "fork beside a standby" => fork_beside_standby(name),
        "leave a child" => leave_a_child(name),
        "close descriptors" => close_descriptors(name),
        "attach beside forks" => attach_beside_forks(name, number(&arguments[2])),
        "push into rings" => push_into_rings(name, number(&arguments[2])),
        role => match role.split_once(' ') {
            Some(("mpmc", role)) => crate::workers::play(role, name, &arguments[2..]),
            Some(("broadcast", role)) => crate::subscribers::play(role, name, &arguments[2..]),
            _ => crate::sleepers::play(role, name, &arguments[2..]),
        },
    }
}

pub(crate) fn number(argument: &str) -> u64 {
    argument.parse().expect("a number")
}

pub(crate) fn say(line: &str) {
    let mut output = stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).expect("a test that listens");
}

/// Waits for a line from the test; `false` where the test has closed the pipe.
pub(crate) fn listen() -> bool {
    stdin().lock().read_exact(&mut [0]).is_ok()
}

fn open(name: &str) -> spsc::Ring<u64> {
    spsc::open(name).expect("the test's ring")
}

/// Pushes the numbers up to `count`, each at the position of its value, going on where a predecessor stopped.
fn produce(mut tx: spsc::Producer<u64>, count: u64) {
    say("ready");
    while tx.position().to_bits() < count {
        let value = tx.position().to_bits();
        let position = tx.push(value).expect("an open ring");
        assert_eq!(position.to_bits(), value);
    }
    tx.close();
}

/// Writes each item and its flag to a file before it releases it.
fn consume(name: &str, path: &str) {
    let mut rx = open(name).consumer().expect("a free role");
    let mut file = OpenOptions::new().append(true).open(path).expect("the test's file");
    say("ready");
    loop {
        match rx.read() {
            Ok(item) => {
                assert_eq!(item.get(), item.position().to_bits());
                let mut record = item.get().to_le_bytes();
                record[7] = u8::from(item.redelivered());
                file.write_all(&record).expect("room on the disk");
                item.release();
            }
            Err(PopError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) fn hold<H>(handle: H) {
    say("ready");
    listen();
    drop(handle);
}

/// Says what this process sees of the producer's role, each time it is asked.
fn look(name: &str) {
    let ring = open(name);
    say("ready");
    while listen() {
        let answer = match ring.producer() {
            Ok(_) => "free".to_owned(),
            Err(AttachError::RoleTaken { holder }) => format!("taken by {}", holder.pid),
            Err(error) => error.to_string(),
        };
        say(&format!("{answer}, {:?}", ring.producer_state().state));
    }
}

/// Forks while it holds a producer; the child must neither use it, nor get one, nor take the parent's away.
fn fork_with_handle(name: &str) {
    let ring = open(name);
    let heap = spsc::Options::<u64>::new(4).in_process().expect("memory");
    let mut tx = ring.producer().expect("a free role");
    tx.push(1).expect("room");
    // SAFETY: this process has one thread.
    #[allow(unsafe_code)]
    match unsafe { fork() }.expect("a process") {
        ForkResult::Child => {
            let forked = tx.try_push(2) == Err(PushError::Broken(Fault::Forked));
            let claimed = matches!(tx.try_claim(), Err(PushError::Broken(Fault::Forked)));
            let taken = matches!(ring.producer(), Err(AttachError::RoleTaken { .. }));
            let copied = matches!(heap.producer(), Err(AttachError::Forked));
            tx.close();
            drop(tx);
            let still_taken = matches!(ring.producer(), Err(AttachError::RoleTaken { .. }));
            let consumer =
                ring.consumer().is_ok_and(|mut rx| rx.pop() == Ok(1) && rx.try_pop() == Err(PopError::Empty));
            let all = [forked, claimed, taken, copied, still_taken, consumer];
            exit(if all == [true; 6] { 0 } else { 1 });
        }
        ForkResult::Parent { child } => {
            let status = waitpid(child, None).expect("a child of ours");
            say(&format!("{status:?}").replace(&child.to_string(), "child"));
            tx.push(3).expect("the role is still ours");
            hold(tx);
        }
    }
}

/// Forks while it holds a claim; the child tries to fill it after the parent has committed something else.
fn fork_with_claim(name: &str) {
    let mut tx = open(name).producer().expect("a free role");
    let claim = tx.try_claim().expect("room");
    let (committed, commit) = std::io::pipe().expect("a pipe");
    // SAFETY: this process has one thread.
    #[allow(unsafe_code)]
    match unsafe { fork() }.expect("a process") {
        ForkResult::Child => {
            drop(commit);
            let _ = { committed }.read(&mut [0]);
            let refused = claim.write(666).commit() == Err(PushError::Broken(Fault::Forked));
            exit(if refused { 0 } else { 1 });
        }
        ForkResult::Parent { child } => {
            claim.write(42).commit().expect("our own claim");
            drop(commit);
            let status = waitpid(child, None).expect("a child of ours");
            say(&format!("{status:?}").replace(&child.to_string(), "child"));
        }
    }
}

/// Forks while one of its threads stands by; the child must not have the description that is waiting for the lock.
fn fork_beside_standby(name: &str) {
    let has_ring_open = {
        let path = std::path::Path::new("/dev/shm").join(name);
        move || {
            let descriptors = std::fs::read_dir("/proc/self/fd").expect("/proc");
            descriptors.flatten().any(|it| std::fs::read_link(it.path()).is_ok_and(|link| link == path))
        }
    };
    let ring = open(name);
    let standby = thread::spawn(move || ring.producer_standby().map(|_| ()));
    while !has_ring_open() {
        thread::sleep(Duration::from_millis(1));
    }
    // SAFETY: the child allocates, which the C library allows after its own fork, and takes no lock of ours.
    #[allow(unsafe_code)]
    match unsafe { fork() }.expect("a process") {
        ForkResult::Child => exit(i32::from(has_ring_open())),
        ForkResult::Parent { child } => {
            let status = waitpid(child, None).expect("a child of ours");
            say(&format!("{status:?}").replace(&child.to_string(), "child"));
        }
    }
    standby.join().expect("no panic").expect("the role, once it is free");
    say("took over");
}

/// Holds a producer beside a forked child that outlives it.
fn leave_a_child(name: &str) {
    let tx = open(name).producer().expect("a free role");
    // SAFETY: this process has one thread.
    #[allow(unsafe_code)]
    match unsafe { fork() }.expect("a process") {
        ForkResult::Child => {
            // Until the test closes the pipe: the child lives longer than its parent.
            while listen() {}
            exit(0);
        }
        ForkResult::Parent { child } => {
            say(&child.to_string());
            hold(tx);
        }
    }
}

/// Closes every descriptor and lets other files take their numbers, while it holds a producer.
fn close_descriptors(name: &str) {
    let mut tx = open(name).producer().expect("a free role");
    // SAFETY: nothing in this process keeps a descriptor above 2.
    #[allow(unsafe_code)]
    let closed = unsafe { libc::close_range(3, u32::MAX, 0) };
    assert_eq!(closed, 0);
    let others: Vec<File> = (0..64).map(|_| File::open("/dev/null").expect("a file")).collect();
    tx.push(1).expect("room");
    say("ready");
    listen();
    tx.push(2).expect("room");
    drop(tx);
    for file in &others {
        file.metadata().expect("a descriptor that nobody closed");
    }
    say("left");
    listen();
}

/// Attaches and detaches beside a thread that forks all the time, whose children live for a while.
fn attach_beside_forks(name: &str, rounds: u64) {
    let ring = open(name);
    let end = Instant::now() + Duration::from_secs(50);
    let forks = thread::spawn(move || {
        let mut forks = 0;
        while Instant::now() < end && !DONE.load(std::sync::atomic::Ordering::Relaxed) {
            // SAFETY: the child makes system calls only.
            #[allow(unsafe_code)]
            match unsafe { fork() } {
                Ok(ForkResult::Child) => {
                    thread::sleep(Duration::from_millis(20));
                    // SAFETY: ends the child without running what belongs to the parent.
                    #[allow(unsafe_code)]
                    unsafe {
                        libc::_exit(0)
                    };
                }
                Ok(ForkResult::Parent { .. }) => forks += 1,
                Err(_) => {}
            }
            // Reaps whoever is done.
            while let Ok(nix::sys::wait::WaitStatus::Exited(..)) =
                waitpid(None, Some(nix::sys::wait::WaitPidFlag::WNOHANG))
            {}
        }
        forks
    });
    for round in 0..rounds {
        match ring.producer() {
            Ok(tx) => drop(tx),
            Err(error) => panic!("round {round}: a forked child has the lock: {error}"),
        }
    }
    DONE.store(true, std::sync::atomic::Ordering::Relaxed);
    let forks = forks.join().expect("no panic");
    assert!(forks > 20, "only {forks} forks beside {rounds} attaches");
    say(&format!("{rounds} attaches"));
}

static DONE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// For each of the test's rings: attaches, pushes, and says what came of it, holding the handle until it is told to go
/// on.
fn push_into_rings(name: &str, rounds: u64) {
    say("ready");
    for round in 0..rounds {
        if !listen() {
            return;
        }
        let pushed = spsc::open::<u64>(&format!("{name}.{round}"))
            .map_err(|error| error.to_string())
            .and_then(|ring| ring.producer().map_err(|error| error.to_string()))
            .and_then(|mut tx| tx.try_push(1).map(|_| tx).map_err(|error| error.to_string()));
        say(if pushed.is_ok() { "pushed" } else { "refused" });
        if !listen() {
            return;
        }
    }
}
