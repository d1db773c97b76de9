//! The far side: a process started by re-executing this program, or a thread. It sleeps in a read until the near
//! side commands a run, so it costs nothing while others are measured.
//!
//! ```text
//! commands (near → far)   first: u64, operations: u64      closed: end
//! reports  (far → near)   a process first: "attached"; then a line for each run: "done: …", nanoseconds that do not
//!                         count; or "failed: …" and the end
//! ```

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use crate::cases::{Case, Run, Workload};
use crate::contestants::AcrossProcesses;
use crate::cores::pin_to;
use crate::shared_lines::Barrier;

pub(crate) const ATTACHED: &str = "attached";
pub(crate) const DONE: &str = "done: ";
pub(crate) const FAILED: &str = "failed: ";

/// Where the far side sits, as the near side says on the command line.
#[derive(Debug, Clone, PartialEq, Eq, clap::Parser)]
pub(crate) struct Seat {
    /// Name of the contestant
    pub(crate) contestant: String,
    /// Name of the case
    pub(crate) case: String,
    /// Core to run on
    core: usize,
    /// Path of the start barrier
    barrier: String,
    /// What the contestant needs to attach
    hand_over: Vec<String>,
}

impl Seat {
    pub(crate) fn new(
        contestant: &str,
        case: &str,
        core: usize,
        barrier: String,
        hand_over: Vec<String>,
    ) -> Self {
        Self { contestant: contestant.into(), case: case.into(), core, barrier, hand_over }
    }

    /// In the order in which [`Seat`]'s fields are declared, which is the order clap reads them in.
    pub(crate) fn into_arguments(self) -> Vec<String> {
        let mut arguments = vec![self.contestant, self.case, self.core.to_string(), self.barrier];
        arguments.extend(self.hand_over);
        arguments
    }
}

/// The far process: attaches, then serves until the near side closes standard input, or dies: where the far side sleeps
/// in the middle of a run it would not notice. Reports go to standard output, failures too, so that nothing is left to
/// print.
pub(crate) fn live<W: Workload<E>, E: AcrossProcesses>(case: &Case, seat: Seat) -> Result<ExitCode> {
    set_pdeathsig(Signal::SIGKILL).context("asking to be killed when the near side dies")?;
    let commands = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let reports = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut first_report = reports.try_clone().context("dup(2)")?;
    let served = serve::<W, E>(seat.core, commands, reports, || {
        let attached = (E::attach(case, &seat.hand_over)?, Barrier::open(&seat.barrier)?);
        report(&mut first_report, ATTACHED)?;
        Ok(attached)
    });
    Ok(if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The life of a far side, thread or process. A failure is reported to the near side, which tells the user.
pub(crate) fn serve<W: Workload<E>, E>(
    core: usize,
    commands: File,
    mut reports: File,
    attach: impl FnOnce() -> Result<(E, Barrier)>,
) -> Result<()> {
    let served = pin_to(core)
        .and_then(|()| attach())
        .and_then(|(end, barrier)| serve_runs::<W, E>(end, barrier, commands, &mut reports));
    if let Err(error) = &served {
        report(&mut reports, &format!("{FAILED}{error:#}").replace('\n', " "))?;
    }
    served
}

fn serve_runs<W: Workload<E>, E>(
    mut end: E,
    barrier: Barrier,
    mut commands: File,
    reports: &mut File,
) -> Result<()> {
    while let Some(run) = next_run(&mut commands)? {
        let watch = barrier.wait_for_start(commands.as_fd())?;
        let aside = W::far(&mut end, run, watch)?;
        report(reports, &format!("{DONE}{}", aside.as_nanos()))?;
    }
    Ok(())
}

/// In one write, so that whoever is killed has said all or nothing.
fn report(reports: &mut File, line: &str) -> Result<()> {
    reports.write_all(format!("{line}\n").as_bytes()).context("the near side has gone")
}

/// Length of a command.
const COMMAND: usize = 16;

pub(crate) fn command(run: Run) -> [u8; COMMAND] {
    let mut bytes = [0; COMMAND];
    bytes[..8].copy_from_slice(&run.first.to_ne_bytes());
    bytes[8..].copy_from_slice(&run.operations.to_ne_bytes());
    bytes
}

/// Sleeps until there is a command; `None` when the near side has closed the pipe.
fn next_run(commands: &mut File) -> Result<Option<Run>> {
    let mut bytes = [0; COMMAND];
    match commands.read_exact(&mut bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(anyhow!(error).context("reading a command")),
    }
    let word = |range| u64::from_ne_bytes(<[u8; 8]>::try_from(&bytes[range]).expect("eight bytes"));
    Ok(Some(Run { first: word(0..8), operations: word(8..16) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_arrives_as_it_was_sent_and_a_closed_pipe_ends_the_far_side() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut commands = File::from(std::os::fd::OwnedFd::from(reader));
        let run = Run { first: 3, operations: u64::MAX };
        writer.write_all(&command(run)).unwrap();
        assert_eq!(next_run(&mut commands).unwrap(), Some(run));
        drop(writer);
        assert_eq!(next_run(&mut commands).unwrap(), None);
    }
}
