//! Processes under a test's control, and names that vanish with their test.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Long enough for the slowest machine; passing it means that somebody hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// This test binary, run in a role.
pub(crate) struct Role {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Role {
    pub(crate) fn start(role: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
        command.arg("--role").arg(role).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a process");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let input = process.stdin.take();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { process, input, lines }
    }

    /// Starts a role and waits until it has said that it is ready.
    pub(crate) fn ready(role: &str, arguments: &[&str]) -> Self {
        let this = Self::start(role, arguments);
        this.expect("ready");
        this
    }

    /// The next line that the process prints; `None` at its end.
    pub(crate) fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("process {} hangs", self.process.id()),
        }
    }

    pub(crate) fn expect(&self, expected: &str) {
        assert_eq!(self.line().as_deref(), Some(expected));
    }

    /// Lets the process go on that waits for a line.
    pub(crate) fn go_on(&mut self) {
        let input = self.input.as_mut().expect("a pipe");
        input.write_all(b"\n").and_then(|()| input.flush()).expect("a living process");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id() as i32), signal).expect("a living process");
    }

    /// Kills the process; returns when it is gone.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        self.gone();
    }

    /// Waits until the process, which was killed, is gone.
    pub(crate) fn gone(&mut self) {
        self.process.wait().expect("a child of ours");
    }

    /// Closes the process's input and waits for its good end.
    pub(crate) fn finish(self) {
        let status = self.end();
        assert!(status.success(), "{status}");
    }

    /// Closes the process's input and waits for its end.
    pub(crate) fn end(mut self) -> ExitStatus {
        drop(self.input.take());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a child of ours") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "process {} hangs", self.process.id());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the process sleeps in the kernel, which it was about to do when it printed its last line.
    pub(crate) fn asleep(&self) {
        let begun = Instant::now();
        while !is_asleep(&format!("/proc/{}/stat", self.pid())) {
            assert!(begun.elapsed() < PATIENCE, "process {} does not sleep", self.pid());
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Whether the process has printed nothing that was not read.
    pub(crate) fn is_silent(&self) -> bool {
        self.lines.try_recv().is_err()
    }
}

/// Whether the `stat` file of a process says that it sleeps; one that is gone does not.
pub(crate) fn is_asleep(path: &str) -> bool {
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('S'))
}

/// Nothing of a failed test goes on.
impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The name of a ring that is removed with the value, whatever became of its test.
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::of(format!("ringfence-test.{}.{count}", std::process::id()))
    }

    /// `name`, which derives from one that is unique.
    pub(crate) fn of(name: String) -> Self {
        Self(name)
    }
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(format!("/dev/shm/{}", self.0));
    }
}
