//! What the program promises as a whole: clear refusals, a row per peer, no hang, nothing left behind.

use std::fs;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence-peers"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Held while measuring: two runs at once would poll against each other on the same two cores.
fn cores() -> MutexGuard<'static, ()> {
    static CORES: Mutex<()> = Mutex::new(());
    CORES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs far longer than the test that interrupts it.
fn long_run(arguments: &[&str]) -> Child {
    program(&[arguments, &["--rounds", "10000", "--millis", "5"]].concat()).spawn().unwrap()
}

/// The far processes of `child`, where it has any just now.
fn far_sides(child: &Child) -> Vec<Pid> {
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let pids = fs::read_to_string(children).unwrap_or_default();
    pids.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap())).collect()
}

fn wait_for<R>(mut attempt: impl FnMut() -> Option<R>) -> R {
    let start = Instant::now();
    loop {
        if let Some(result) = attempt() {
            return result;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "what was waited for did not happen");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Names that the process `pid` made, and that its far sides made for it.
fn names_in_shared_memory(pid: u32) -> Vec<String> {
    let entries = fs::read_dir("/dev/shm").unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(&format!("ringfence-peers-{pid}-"))).collect()
}

fn error_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_unknown_case_is_refused_with_the_known_ones_listed() {
    let output = program(&["--case", "spsc-u46"]).output().unwrap();
    assert!(!output.status.success());
    let text = error_text(&output);
    assert!(
        text.contains("spsc-u46") && text.contains("spsc-u64") && text.contains("spsc-rtt-u64"),
        "{text}"
    );
}

#[test]
fn the_list_names_every_peer_and_says_which_contestant_is_ours() {
    let output = program(&["--list"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let names = [
        "raw",
        "rtrb",
        "crossbeam",
        "shaq",
        "ringfire",
        "iceoryx2",
        "futex",
        "eventfd",
        "memcpy",
        "pipe",
        "unix-stream",
        "unix-seqpacket",
        "posix-sem",
        "(ours)",
    ];
    assert!(names.iter().all(|name| text.contains(name)), "{text}");
}

#[test]
fn in_every_mpmc_case_each_item_is_the_one_expected() {
    let _cores = cores();
    let cases = ["mpmc-rtt-u64", "mpmc-u64", "mpmc-64B", "mpmc-2p1c", "mpmc-1p2c"];
    let measured = all_take_part(&cases, &["ringfence", "crossbeam", "shaq"]);
    assert!(measured.contains(&of("mpmc-rtt-u64", "raw")), "{measured:?}");
}

#[test]
fn in_every_broadcast_case_each_item_is_the_one_expected() {
    let _cores = cores();
    let cases = ["broadcast-rtt-u64", "broadcast-1to1-u64", "broadcast-1to1-64B"];
    let measured = all_take_part(&cases, &["ringfence", "shaq", "ringfire", "iceoryx2"]);
    assert!(measured.contains(&of("broadcast-rtt-u64", "raw")), "{measured:?}");
}

#[test]
fn in_every_stream_case_each_item_is_the_one_expected() {
    let _cores = cores();
    all_take_part(&["stream-batch-u64"], &["ringfence", "rtrb"]);
    let cases = ["stream-64B", "stream-1KiB", "stream-64KiB"];
    all_take_part(&cases, &["ringfence", "rtrb", "memcpy", "pipe", "unix-stream"]);
}

/// Case and contestant of a line of the table.
type Measured = [String; 2];

fn of(case: &str, contestant: &str) -> Measured {
    [case, contestant].map(str::to_owned)
}

/// Runs the cases; all that were measured.
fn all_take_part(cases: &[&str], contestants: &[&str]) -> Vec<Measured> {
    let chosen = cases.iter().flat_map(|case| ["--case", case]).collect::<Vec<_>>();
    let output = program(&chosen).args(["--rounds", "2", "--millis", "2"]).output().unwrap();
    assert!(output.status.success(), "{}", error_text(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    let measured: Vec<Measured> = table
        .lines()
        .filter_map(|line| {
            let mut names = line.split_whitespace();
            Some(of(names.next()?, names.next()?))
        })
        .collect();
    for case in cases {
        assert!(contestants.iter().all(|who| measured.contains(&of(case, who))), "{table}");
    }
    measured
}

/// The rows of a run of one short round.
fn rows_of(arguments: &[&str]) -> Vec<serde_json::Value> {
    let _cores = cores();
    let json = std::env::temp_dir().join(format!("ringfence-peers-rows-{}.json", std::process::id()));
    let output =
        program(arguments).args(["--rounds", "1", "--millis", "1", "--json"]).arg(&json).output().unwrap();
    assert!(output.status.success(), "{}", error_text(&output));
    assert!(error_text(&output).contains("make no statement"));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    fs::remove_file(&json).unwrap();
    assert!(rows.iter().all(|row| row["ratio_p50"].as_f64().unwrap() > 0.0 && row["rounds"] == 1));
    rows
}

fn names<'a>(rows: &'a [serde_json::Value], whose: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[whose].as_str().unwrap()).collect()
}

#[test]
fn a_run_writes_a_row_for_every_peer_of_the_case_and_warns_of_too_few_rounds() {
    let rows = rows_of(&["--case", "spsc-rtt-u64"]);
    assert_eq!(names(&rows, "peer"), ["raw", "rtrb", "shaq"]);
    assert_eq!(names(&rows, "ours"), ["ringfence"; 3]);
}

#[test]
fn with_a_fence_in_every_handle_ours_has_a_name_of_its_own() {
    let rows = rows_of(&["--case", "spsc-u64", "--peer", "rtrb", "--barrier", "fenced"]);
    assert_eq!((names(&rows, "ours"), names(&rows, "peer")), (vec!["ringfence-fenced"], vec!["rtrb"]));
}

#[test]
fn all_that_wake_each_other_sleep_before_every_message() {
    let rows = rows_of(&["--case", "wake-rtt"]);
    assert_eq!(names(&rows, "peer"), ["futex", "eventfd", "pipe", "unix-seqpacket", "posix-sem"]);
}

#[test]
fn a_far_side_that_dies_ends_the_run_with_an_error_that_names_the_contestant() {
    let _cores = cores();
    let killed = [
        ("spsc-u64", "shaq"),
        ("mpmc-2p1c", "shaq"),
        ("broadcast-1to1-u64", "ringfire"),
        ("broadcast-1to1-u64", "iceoryx2"),
        ("stream-64KiB", "pipe"),
        ("stream-1KiB", "unix-stream"),
        ("wake-rtt", "futex"),
        ("wake-rtt", "pipe"),
    ];
    for (case, peer) in killed {
        let mut child = long_run(&["--case", case, "--peer", peer]);
        wait_for(|| {
            for far in far_sides(&child) {
                let _ = kill(far, Signal::SIGKILL); // one that was just ending does not count: until the run has failed
            }
            child.try_wait().unwrap()
        });
        let pid = child.id();
        let output = child.wait_with_output().unwrap();
        assert_eq!(names_in_shared_memory(pid), Vec::<String>::new());
        assert_eq!(output.status.code(), Some(1));
        let text = error_text(&output);
        assert!(text.contains(&format!("in {case}: the far side")), "{text}");
    }
}

#[test]
fn an_interrupted_run_leaves_no_name_in_shared_memory_and_no_process() {
    let _cores = cores();
    let runs: [&[&str]; 5] = [
        &["--case", "spsc-u64"],
        &["--case", "stream-1KiB"],
        &["--case", "broadcast-rtt-u64", "--peer", "ringfire"],
        &["--case", "broadcast-rtt-u64", "--peer", "iceoryx2"],
        &["--case", "wake-rtt"],
    ];
    for run in runs {
        let mut child = long_run(run);
        wait_for(|| Some(names_in_shared_memory(child.id())).filter(|names| !names.is_empty()));
        let far = wait_for(|| Some(far_sides(&child)).filter(|far| !far.is_empty()));
        kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(names_in_shared_memory(child.id()), Vec::<String>::new());
        for pid in far {
            wait_for(|| (!is_running(pid)).then_some(()));
        }
    }
}

#[test]
fn a_far_side_that_sleeps_ends_when_the_near_side_is_killed() {
    let _cores = cores();
    let mut child = long_run(&["--case", "wake-rtt", "--peer", "futex"]);
    let far = wait_for(|| Some(far_sides(&child)).filter(|far| !far.is_empty()));
    child.kill().unwrap();
    child.wait().unwrap();
    for name in names_in_shared_memory(child.id()) {
        fs::remove_file(format!("/dev/shm/{name}")).unwrap(); // nobody is left who could
    }
    for pid in far {
        wait_for(|| (!is_running(pid)).then_some(()));
    }
}

/// `false` of a process that has ended, reaped or not.
fn is_running(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}
