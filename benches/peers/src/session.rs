//! The near side of a contestant in a case: this process, on the first core. The far side lives as long as the
//! session and sleeps between runs.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::cases::{Case, Run, Workload};
use crate::cleanup::Cleanup;
use crate::command_line::FAR_SIDE;
use crate::contestants::{AcrossProcesses, AcrossThreads, Bout, Contestant, HandOver};
use crate::cores::Cores;
use crate::far_side::{self, ATTACHED, DONE, FAILED, Seat};
use crate::guard::Guard;
use crate::shared_lines::Barrier;
use crate::waiting::{STALLED_AFTER, Watch, readable_within};

/// How long a far side that failed may take to say why, and one that was told to end may take to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// A contestant ready to run a case.
pub(crate) struct Session {
    contestant: &'static Contestant,
    case: &'static Case,
    /// First sequence number of the next run. 0 is never sent: it is what fresh memory holds.
    next: u64,
    barrier: Barrier,
    /// Above `near`: the far side ends before the near end removes the queues.
    far: FarSide,
    near: Near,
}

/// A case's near loop with the end that it runs over.
type Near = Box<dyn FnMut(Run, Watch<'_>) -> Result<Duration>>;

impl Session {
    /// Makes the contestant's queues and starts its far side.
    pub(crate) fn open(contestant: &'static Contestant, bout: &Bout, cores: Cores) -> Result<Self> {
        (bout.open)(contestant, bout.case, cores)
            .with_context(|| format!("{} in {}", contestant.name, bout.case.name))
    }

    fn new<W: Workload<E> + 'static, E: 'static>(
        contestant: &'static Contestant,
        case: &'static Case,
        barrier: Barrier,
        far: FarSide,
        mut end: E,
    ) -> Self {
        let near: Near = Box::new(move |run, watch| W::near(&mut end, run, watch));
        Self { contestant, case, next: 1, barrier, far, near }
    }

    /// Time from the start signal, given when both sides poll, to the last item consumed by the near side, without what
    /// the case says does not count.
    ///
    /// # Errors
    /// An item was wrong or missing, or the far side has ended; the message says who and why.
    pub(crate) fn run(&mut self, operations: u64) -> Result<Duration> {
        ensure!(operations.is_multiple_of(self.case.step), "{operations} operations break a batch");
        let run = Run { first: self.next, operations };
        self.next += operations;
        let timed = self.timed(run).map_err(|error| self.far.cause_of(error));
        let elapsed = timed.and_then(|elapsed| Ok(elapsed.saturating_sub(self.far.confirm()?)));
        elapsed.with_context(|| self.name())
    }

    /// What errors call it.
    fn name(&self) -> String {
        format!("{} in {}", self.contestant.name, self.case.name)
    }

    fn timed(&mut self, run: Run) -> Result<Duration> {
        self.far.command(run)?;
        let reports = self.far.reports.get_ref().as_fd();
        let watch = self.barrier.wait_for_far_side(reports)?;
        let _guard = self.case.can_be_stuck().then(|| Guard::over(self.name(), reports)).transpose()?;
        let start = Instant::now();
        self.barrier.start();
        let aside = (self.near)(run, watch)?;
        Ok(start.elapsed().saturating_sub(aside))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("contestant", &self.contestant.name)
            .field("case", &self.case.name)
            .field("far", &self.far)
            .finish_non_exhaustive()
    }
}

/// Starts this program again as the far side.
pub(crate) fn across_processes<W, E>(
    contestant: &'static Contestant,
    case: &'static Case,
    cores: Cores,
) -> Result<Session>
where
    W: Workload<E> + 'static,
    E: AcrossProcesses + 'static,
{
    let (mut end, HandOver { arguments, inherited }) = E::create(case)?;
    let (barrier, path) = Barrier::create()?;
    let seat = Seat::new(contestant.name, case.name, cores.far, path, arguments);
    for descriptor in &inherited {
        // Sessions are opened one after the other: no other child is started meanwhile.
        fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::empty())).context("handing a descriptor over")?;
    }
    let mut command = Command::new(env::current_exe().context("finding this program")?);
    command.arg(FAR_SIDE).args(seat.into_arguments()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let process = FarProcess::start(command)?;
    drop(inherited); // kept open here, a channel would not end with the far side
    let stdin = process.child().stdin.take().map(OwnedFd::from);
    let stdout = process.child().stdout.take().map(OwnedFd::from);
    let commands = stdin.context("the far side has no standard input")?;
    let reports = stdout.context("the far side has no standard output")?;
    let mut far = FarSide::new(commands, reports, Life::Process(process));
    far.attached()?;
    end.meet()?;
    Ok(Session::new::<W, E>(contestant, case, barrier, far, end))
}

/// Starts a thread as the far side.
pub(crate) fn across_threads<W, E>(
    contestant: &'static Contestant,
    case: &'static Case,
    cores: Cores,
) -> Result<Session>
where
    W: Workload<E> + 'static,
    E: AcrossThreads + 'static,
{
    let (end, far_end) = E::pair(case);
    let (barrier, path) = Barrier::create()?;
    let far_barrier = Barrier::open(&path)?;
    let (far_commands, commands) = io::pipe().context("pipe(2)")?;
    let (reports, far_reports) = io::pipe().context("pipe(2)")?;
    let thread = thread::Builder::new().name("far-side".into()).spawn(move || {
        let commands = File::from(OwnedFd::from(far_commands));
        let reports = File::from(OwnedFd::from(far_reports));
        far_side::serve::<W, E>(cores.far, commands, reports, || Ok((far_end, far_barrier)))
    })?;
    let far = FarSide::new(commands.into(), reports.into(), Life::Thread(thread));
    Ok(Session::new::<W, E>(contestant, case, barrier, far, end))
}

/// The near side's hold on the far side. Dropping it ends the far side.
#[derive(Debug)]
struct FarSide {
    /// `None` once the far side was told to end.
    commands: Option<File>,
    reports: BufReader<File>,
    /// `None` once it has been seen to the end.
    life: Option<Life>,
}

#[derive(Debug)]
enum Life {
    Process(FarProcess),
    Thread(JoinHandle<Result<()>>),
}

impl FarSide {
    fn new(commands: OwnedFd, reports: OwnedFd, life: Life) -> Self {
        Self { commands: Some(commands.into()), reports: BufReader::new(reports.into()), life: Some(life) }
    }

    fn command(&mut self, run: Run) -> Result<()> {
        let mut commands = self.commands.as_ref().context("the far side was told to end")?;
        commands.write_all(&far_side::command(run)).context("the far side does not listen any more")
    }

    /// Waits for the far process's word that it has attached.
    fn attached(&mut self) -> Result<()> {
        let report = self.report()?;
        ensure!(report == ATTACHED, unexpected(&report));
        Ok(())
    }

    /// Waits for the far side's word that its part of the run went well: how much of its time does not count.
    fn confirm(&mut self) -> Result<Duration> {
        let report = self.report()?;
        match report.strip_prefix(DONE).map(str::parse) {
            Some(Ok(aside)) => Ok(Duration::from_nanos(aside)),
            _ => bail!(unexpected(&report)),
        }
    }

    /// The next report, which is due; an error when there is none.
    fn report(&mut self) -> Result<String> {
        let report = self.report_within(STALLED_AFTER)?;
        report.with_context(|| format!("the far side gave no report within {} s", STALLED_AFTER.as_secs()))
    }

    /// What the far side says that went wrong, or else the error that the near side met.
    fn cause_of(&mut self, met: Error) -> Error {
        match self.report_within(FAREWELL) {
            Ok(Some(report)) => match report.strip_prefix(FAILED) {
                Some(failure) => anyhow!("far side: {failure}"),
                None => met,
            },
            Ok(None) => met,
            Err(ended) => ended,
        }
    }

    /// The next report; an error when the far side has ended.
    fn report_within(&mut self, limit: Duration) -> Result<Option<String>> {
        let ready = !self.reports.buffer().is_empty() || readable_within(self.pipe(), limit)?;
        if !ready {
            return Ok(None);
        }
        let mut line = String::new();
        if self.reports.read_line(&mut line).context("reading a report")? == 0 {
            bail!("the far side ended: {}", self.see_to_the_end());
        }
        Ok(Some(line.trim_end().to_owned()))
    }

    fn pipe(&self) -> BorrowedFd<'_> {
        self.reports.get_ref().as_fd()
    }

    /// Tells the far side to end and waits for that; a process that does not listen is killed. How it ended.
    fn see_to_the_end(&mut self) -> String {
        self.commands = None;
        match self.life.take() {
            Some(Life::Process(process)) => process.ended(),
            Some(Life::Thread(thread)) => match thread.join() {
                Ok(Ok(())) => "its thread returned".to_owned(),
                Ok(Err(error)) => format!("{error:#}"),
                Err(_) => "its thread panicked".to_owned(),
            },
            None => "before".to_owned(),
        }
    }
}

impl Drop for FarSide {
    fn drop(&mut self) {
        self.see_to_the_end();
    }
}

/// What a report says that is not the one expected.
fn unexpected(report: &str) -> String {
    format!("far side: {}", report.strip_prefix(FAILED).unwrap_or(report))
}

/// Killed before the names are removed, so that it makes no more of them.
#[derive(Debug)]
struct FarProcess {
    child: Arc<Mutex<Child>>,
    _kill: Cleanup,
}

impl FarProcess {
    fn start(mut command: Command) -> Result<Self> {
        let start =
            || command.spawn().map(|child| Arc::new(Mutex::new(child))).context("starting the far side");
        let (child, kill) = Cleanup::of(start, |child| {
            if let Err(error) = killed(child) {
                eprintln!("warning: the far side was not killed: {error}");
            }
        })?;
        Ok(Self { child, _kill: kill })
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        lock(&self.child)
    }

    /// Waits until it ends, which it was told to, and kills it when it does not. How it ended.
    fn ended(self) -> String {
        let told = Instant::now();
        loop {
            let ended = self.child().try_wait();
            match ended {
                Ok(Some(status)) => return status.to_string(),
                Ok(None) if told.elapsed() < FAREWELL => thread::sleep(Duration::from_millis(1)),
                Ok(None) | Err(_) => break,
            }
        }
        match killed(&self.child) {
            Ok(status) => format!("killed, {status}"),
            Err(error) => error.to_string(),
        }
    }
}

/// How it ended, now or before.
fn killed(child: &Mutex<Child>) -> io::Result<ExitStatus> {
    let mut child = lock(child);
    child.kill()?;
    child.wait()
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}
