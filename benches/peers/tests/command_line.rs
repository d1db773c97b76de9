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

/// Names of rings that the process `pid` made.
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
    assert!(["raw", "rtrb", "shaq", "(ours)"].iter().all(|name| text.contains(name)), "{text}");
}

#[test]
fn a_run_writes_a_row_for_every_peer_of_the_case_and_warns_of_too_few_rounds() {
    let _cores = cores();
    let json = std::env::temp_dir().join(format!("ringfence-peers-rows-{}.json", std::process::id()));
    let arguments = ["--case", "spsc-rtt-u64", "--rounds", "1", "--millis", "1", "--json"];
    let output = program(&arguments).arg(&json).output().unwrap();
    assert!(output.status.success(), "{}", error_text(&output));
    assert!(error_text(&output).contains("make no statement"));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    fs::remove_file(&json).unwrap();
    let mut peers: Vec<&str> = rows.iter().map(|row| row["peer"].as_str().unwrap()).collect();
    peers.sort_unstable();
    peers.dedup();
    assert_eq!(peers, ["raw", "rtrb", "shaq"]);
    assert!(rows.iter().all(|row| row["ratio_p50"].as_f64().unwrap() > 0.0 && row["rounds"] == 1));
}

#[test]
fn a_far_side_that_dies_ends_the_run_with_an_error_that_names_the_contestant() {
    let _cores = cores();
    let mut child = long_run(&["--case", "spsc-u64", "--peer", "shaq"]);
    wait_for(|| {
        for far in far_sides(&child) {
            let _ = kill(far, Signal::SIGKILL); // one that was just ending does not count: until the run has failed
        }
        child.try_wait().unwrap()
    });
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = error_text(&output);
    assert!(text.contains("in spsc-u64: the far side"), "{text}");
}

#[test]
fn an_interrupted_run_leaves_no_name_in_shared_memory_and_no_process() {
    let _cores = cores();
    let mut child = long_run(&["--case", "spsc-u64"]);
    wait_for(|| Some(names_in_shared_memory(child.id())).filter(|names| !names.is_empty()));
    let far = wait_for(|| Some(far_sides(&child)).filter(|far| !far.is_empty()));
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(names_in_shared_memory(child.id()), Vec::<String>::new());
    for pid in far {
        wait_for(|| (!is_running(pid)).then_some(()));
    }
}

/// `false` of a process that has ended, reaped or not.
fn is_running(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}
