//! Each operation of each kind of ring, with victims killed and stopped in it.

use libtest_mimic::Trial;

use crate::broadcast::operations as broadcast;
use crate::laboratory::{Experiment, Fate, Finding, Laboratory};
use crate::mpmc::operations as mpmc;
use crate::spsc::operations as spsc;
use crate::stream::operations as stream;
use crate::{expect_clean, report, size, trial};

/// Victims for each operation and fate, in the short form. A build that is not optimised has many more instructions, and is
/// only looked at to see that nothing depends on that.
const KILLED: usize = if cfg!(debug_assertions) { 32 } else { 160 };
const STOPPED: usize = if cfg!(debug_assertions) { 12 } else { 64 };

pub(crate) fn trials() -> Vec<Trial> {
    let of_one = trials_of(spsc::ELEMENTS).chain(trials_of(spsc::BYTES));
    let of_many = trials_of(mpmc::ELEMENTS).chain(trials_of(mpmc::BYTES));
    let to_all = trials_of(broadcast::ELEMENTS).chain(trials_of(broadcast::BYTES));
    of_one.chain(of_many).chain(to_all).chain(trials_of(stream::ELEMENTS)).collect()
}

fn trials_of<E: Experiment + Sync>(operations: &'static [&'static E]) -> impl Iterator<Item = Trial> {
    operations.iter().map(|operation| trial_of(*operation))
}

fn trial_of<E: Experiment + Sync>(operation: &'static E) -> Trial {
    trial(operation.name(), || {
        let mut laboratory = Laboratory::new(operation);
        let findings = [(Fate::Killed, KILLED), (Fate::Stopped, STOPPED)].map(|(fate, short)| {
            let points = laboratory.points(size(Some(short), None));
            let finding = laboratory.examine(fate, &points);
            report(line(operation.name(), fate, &finding));
            finding
        });
        findings.iter().for_each(|it| expect_clean(&it.tally));
    })
}

fn line(name: &str, fate: Fate, finding: &Finding) -> String {
    let Finding { instructions, points, strayed, tally } = finding;
    let fate = match fate {
        Fate::Killed => "killed",
        Fate::Stopped => "stopped",
    };
    let mut line = format!(
        "{name}: {fate} at {instructions} instructions: lost {}, repeated unflagged {}, stuck {}",
        tally.lost, tally.repeated, tally.stuck
    );
    if points < instructions {
        line += &format!(" ({points} points)");
    }
    if *strayed > 0 {
        line += &format!(" ({strayed} stepped all the way)");
    }
    line
}
