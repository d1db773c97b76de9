//! Makes the ring, starts both sides, starts again what was killed, and leaves nothing behind.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use std::{env, fmt, fs, process};

use anyhow::{Context, Result, bail, ensure};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use ringfence::spsc;
use tempfile::NamedTempFile;

use crate::records::{FIRST, SLOT, SLOTS};
use crate::report::Report;
use crate::worker::{Event, Side, Worker};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) file: PathBuf,
    pub(crate) out: Option<PathBuf>,
    pub(crate) standby: bool,
    /// Pause per record, in microseconds.
    pub(crate) slow: u64,
    pub(crate) restarts: u32,
}

/// Ctrl-C, SIGTERM or SIGHUP.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Sends the file, and sees to it that it arrives.
pub(crate) fn run(job: &Job) -> Result<()> {
    let (events, incoming) = mpsc::channel();
    let interrupts = events.clone();
    ctrlc::set_handler(move || interrupts.send(Event::Interrupted).unwrap_or_default())?;

    let file = fs::metadata(&job.file).with_context(|| job.file.display().to_string())?;
    ensure!(file.is_file(), "{}: not a regular file", job.file.display());
    if let Some(copy) = &job.out {
        ensure!(!copy.is_dir(), "{}: a directory", copy.display());
    }

    // Whichever way this ends: first the processes go, then the ring, then the output.
    let output = temporary_output(job.out.as_deref())?;
    let name = format!("pipeline.{}", process::id());
    let ring = Temporary(spsc::Options::<[u8]>::new(SLOTS, SLOT).start_at(FIRST).create(&name)?);
    eprintln!("ring: {name}, {} slots of {} bytes", ring.0.capacity(), ring.0.max_len());
    eprintln!("output: {}", output.path().display());
    let mut supervisor = Supervisor {
        job,
        ring: &name,
        output: output.path(),
        bar: ProgressBar::new(file.len()).with_style(ProgressStyle::with_template(
            "{bar:40} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}",
        )?),
        events,
        incoming,
        workers: Vec::new(),
        restarts: [0; 2],
        takeovers: [0; 2],
        dropped: 0,
        begun: None,
        received: None,
        verified: None,
    };
    supervisor.supervise()?;
    supervisor.summarise(&ring.0);
    drop(supervisor);

    if let Some(copy) = &job.out {
        let kept = output.persist(copy).map_err(|it| it.error);
        kept.with_context(|| copy.display().to_string())?;
    }
    Ok(())
}

/// A file that is removed unless it is kept; where it is to be kept, on the same file system.
fn temporary_output(out: Option<&Path>) -> Result<NamedTempFile> {
    let directory = match out.map(Path::parent) {
        Some(Some(directory)) if directory.as_os_str().is_empty() => PathBuf::from("."),
        Some(Some(directory)) => directory.to_owned(),
        _ => env::temp_dir(),
    };
    let output = tempfile::Builder::new().prefix("pipeline.").tempfile_in(&directory);
    output.with_context(|| directory.display().to_string())
}

/// A ring that does not outlive this process.
struct Temporary(spsc::Ring<[u8]>);

impl Drop for Temporary {
    fn drop(&mut self) {
        // By force: whoever was started by hand and still waits for a role gets `Unlinked`.
        if let Err(error) = self.0.force_unlink() {
            eprintln!("pipeline: {error}");
        }
    }
}

struct Supervisor<'a> {
    job: &'a Job,
    ring: &'a str,
    output: &'a Path,
    bar: ProgressBar,
    events: Sender<Event>,
    incoming: Receiver<Event>,
    workers: Vec<Worker>,
    /// By side.
    restarts: [u32; 2],
    /// By side.
    takeovers: [u32; 2],
    dropped: u64,
    begun: Option<Instant>,
    /// How many records, and how long it took.
    received: Option<(u64, Duration)>,
    /// How many bytes, and their checksum.
    verified: Option<(u64, u128)>,
}

impl Supervisor<'_> {
    /// Starts all processes, and waits until they have done their work.
    fn supervise(&mut self) -> Result<()> {
        const GLANCE: Duration = Duration::from_millis(50);
        for _ in 0..if self.job.standby { 2 } else { 1 } {
            self.start(Side::Reader)?;
            self.start(Side::Writer)?;
        }
        while !self.workers.is_empty() {
            match self.incoming.recv_timeout(GLANCE) {
                Ok(Event::Said { pid, line }) => self.note(pid, line.parse()?),
                Ok(Event::Ended { pid }) => self.reap(pid)?,
                Ok(Event::Interrupted) => return Err(Interrupted.into()),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    self.bar.set_position(fs::metadata(self.output)?.len());
                }
            }
        }
        self.bar.finish_and_clear();
        Ok(())
    }

    /// Starts one more process of `side`; it stands by where another one has the role.
    fn start(&mut self, side: Side) -> Result<()> {
        let path = match side {
            Side::Writer => &self.job.file,
            Side::Reader => self.output,
        };
        let slow = self.job.slow.to_string();
        let arguments = ["--slow", &slow, "--standby", "--", self.ring];
        let worker = Worker::start(side, &arguments, path, self.events.clone())?;
        self.say(format_args!("{side}: process {}", worker.pid()));
        self.workers.push(worker);
        Ok(())
    }

    /// Takes note of what process `pid` said.
    fn note(&mut self, pid: u32, report: Report) {
        let Some(worker) = self.workers.iter_mut().find(|it| it.pid() == pid) else { return };
        let (side, stood_by) = (worker.side, worker.stood_by);
        match report {
            Report::StandingBy => {
                worker.stood_by = true;
                self.say(format_args!("{side}: process {pid} stands by"));
            }
            Report::Attached { record } => {
                if side == Side::Writer {
                    self.begun.get_or_insert_with(Instant::now);
                }
                if stood_by {
                    self.takeovers[side as usize] += 1;
                    self.say(format_args!("{side}: process {pid} takes over at record {record}"));
                }
            }
            Report::Dropped { record } => {
                self.dropped += 1;
                self.say(format_args!("reader: record {record} came twice, dropped"));
            }
            Report::Received { records } => {
                let time = self.begun.map_or(Duration::ZERO, |it| it.elapsed());
                self.received = Some((records, time));
            }
            Report::Verified { bytes, checksum } => self.verified = Some((bytes, checksum)),
        }
    }

    /// Decides what the end of process `pid` means: its work is done, it failed, or it was killed.
    fn reap(&mut self, pid: u32) -> Result<()> {
        let Some(index) = self.workers.iter().position(|it| it.pid() == pid) else { return Ok(()) };
        let mut worker = self.workers.swap_remove(index);
        let (side, status) = (worker.side, worker.wait()?);
        if status.success() {
            return Ok(());
        }
        let Some(signal) = status.signal() else { bail!("the {side}, process {pid}, failed") };
        self.say(format_args!("{side}: process {pid} was killed (signal {signal})"));
        if self.workers.iter().any(|it| it.side == side) {
            return Ok(()); // who takes over by itself
        }
        let restarts = &mut self.restarts[side as usize];
        ensure!(*restarts < self.job.restarts, "the {side} was killed once more after {restarts} restarts");
        *restarts += 1;
        self.start(side)
    }

    /// Says what was done, on the standard output.
    fn summarise(&self, ring: &spsc::Ring<[u8]>) {
        if let (Some((records, time)), Some((bytes, checksum))) = (self.received, self.verified) {
            let per_second = |count: u64| count as f64 / time.as_secs_f64().max(1e-9);
            println!("bytes: {}, records: {}, time: {time:.1?}", HumanCount(bytes), HumanCount(records));
            let records_per_second = HumanCount(per_second(records) as u64);
            println!("speed: {:.1} MB/s, {records_per_second} records/s", per_second(bytes) / 1e6);
            println!("checksum (xxh3-128): {checksum:032x} on both sides");
        } else {
            // A reader ends only when everything is verified, or was verified by the one before it.
            println!("received and verified by a reader that was started by hand");
        }
        println!("records that came twice and were dropped: {}", self.dropped);
        for (side, it) in [Side::Writer, Side::Reader].into_iter().zip(ring.participants()) {
            println!(
                "{side}: process {}; restarts: {}, takeovers by a standby: {}, dead predecessors repaired: {}",
                it.pid, self.restarts[side as usize], self.takeovers[side as usize], it.repairs,
            );
        }
    }

    /// Says what happens, on the standard error output, above the progress bar.
    fn say(&self, what: fmt::Arguments<'_>) {
        self.bar.suspend(|| eprintln!("{what}"));
    }
}
