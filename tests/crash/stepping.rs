//! Each operation of each kind of ring, with victims killed and stopped in it.

use libtest_mimic::Trial;

use crate::kind::Kind;
use crate::laboratory::{Fate, Finding, Laboratory, Operation};
use crate::mpmc::operations as mpmc;
use crate::spsc::operations as spsc;
use crate::{expect_clean, report, size, trial};

/// Victims for each operation and fate, in the short form.
const KILLED: usize = 160;
const STOPPED: usize = 64;

pub(crate) fn trials() -> Vec<Trial> {
    let elements = spsc::ELEMENTS.iter().map(|operation| trial_of(operation));
    let bytes = spsc::BYTES.iter().map(|operation| trial_of(operation));
    let of_many = mpmc::ELEMENTS.iter().map(|operation| trial_of(operation));
    let bytes_of_many = mpmc::BYTES.iter().map(|operation| trial_of(operation));
    elements.chain(bytes).chain(of_many).chain(bytes_of_many).collect()
}

fn trial_of<K: Kind>(operation: &'static Operation<K>) -> Trial {
    trial(operation.name, || {
        let mut laboratory = Laboratory::new(operation);
        let findings = [(Fate::Killed, KILLED), (Fate::Stopped, STOPPED)].map(|(fate, short)| {
            let points = laboratory.points(size(Some(short), None));
            let finding = laboratory.examine(fate, &points);
            report(line(operation.name, fate, &finding));
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
