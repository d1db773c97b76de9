//! A process of one side, as the supervisor holds it.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::{env, fmt, fs, thread};

use anyhow::{Context, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Writer,
    Reader,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Writer => "writer",
            Self::Reader => "reader",
        })
    }
}

/// What the supervisor waits for.
#[derive(Debug)]
pub(crate) enum Event {
    Said { pid: u32, line: String },
    Ended { pid: u32 },
    Interrupted,
}

/// A running process; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) side: Side,
    /// Whether it had to wait for the role.
    pub(crate) stood_by: bool,
    child: Child,
    /// Open as long as the supervisor lives: see [`end_with_supervisor`].
    _leash: Option<ChildStdin>,
}

impl Worker {
    /// Starts this program as `side`, with `arguments`; what it says, and its end, become `events`.
    pub(crate) fn start(side: Side, arguments: &[&str], path: &Path, events: Sender<Event>) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(side.to_string()).arg("--supervised").args(arguments).arg(path);
        // A process group of its own: Ctrl-C is for the supervisor, which ends the others.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start the {side}"))?;

        let (pid, said) = (child.id(), child.stdout.take());
        thread::spawn(move || {
            for line in said.into_iter().flat_map(|it| BufReader::new(it).lines()).map_while(Result::ok) {
                let _ = events.send(Event::Said { pid, line });
            }
            let _ = events.send(Event::Ended { pid });
        });
        let _leash = child.stdin.take();
        Ok(Self { side, stood_by: false, child, _leash })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process is gone, and with it its role.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only where it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends this process when its supervisor ends, however that happens, and removes what would be left behind: `ring`,
/// and `output` where there is one.
///
/// The standard input is a pipe to which the supervisor never writes: a read returns when the supervisor is gone.
pub(crate) fn end_with_supervisor(ring: &str, output: Option<&Path>) {
    let (ring, output) = (ring.to_owned(), output.map(Path::to_owned));
    thread::spawn(move || {
        let _ = io::stdin().read(&mut [0]);
        let _ = ringfence::force_unlink(&ring); // by the other side, perhaps
        let _ = output.map(fs::remove_file);
        eprintln!("pipeline: the supervisor is gone");
        process::exit(1);
    });
}
