//! Paired rounds: in each, every contestant of the case once, in random order, on fresh memory.
//!
//! A session is opened for one round only. Contestants that keep their sessions tend to keep their ratio: in eight runs
//! with kept sessions rtrb's median round trip was 1 to 29 % above the raw one's, in some with p10 and p90 a few percent
//! apart. Where the few hot lines lie is a possible cause; fresh memory per round puts such luck into the quantiles.

use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cases::Case;
use crate::contestants::{Bout, Contestant};
use crate::cores::Cores;
use crate::session::Session;

/// Fewer rounds make no statement.
pub(crate) const ENOUGH_ROUNDS: usize = 15;

/// Operations of the first calibrating run: few, so that a slow contestant does not take seconds.
const FIRST_GUESS: u64 = 64;

/// How a case is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) rounds: usize,
    /// Of one contestant in one round.
    pub(crate) duration: Duration,
    pub(crate) cores: Cores,
}

/// A contestant's samples in a case, one per round, in the order of the rounds.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) contestant: &'static Contestant,
    pub(crate) ns_per_operation: Vec<f64>,
}

/// A contestant of the case, with what is known of it so far.
struct Entrant {
    bout: &'static Bout,
    /// That take about the wanted duration.
    operations: u64,
    measured: Measured,
}

/// Runs all rounds of a case.
///
/// # Errors
/// Whatever ended a contestant's run: nothing is reported of a case that did not pass its checks.
pub(crate) fn measure(
    case: &'static Case,
    contestants: &[&'static Contestant],
    settings: Settings,
) -> Result<Vec<Measured>> {
    let bouts: Vec<_> = contestants.iter().filter_map(|one| Some((*one, one.bout(case)?))).collect();
    let progress = progress_bar(case, bouts.len() * (settings.rounds + 1))?;
    let mut entrants = Vec::new();
    for (contestant, bout) in bouts {
        progress.set_message(format!("calibrating {}", contestant.name));
        let mut session = Session::open(contestant, bout, settings.cores)?;
        let operations = calibrate(&mut session, case, settings.duration)?;
        let measured = Measured { contestant, ns_per_operation: Vec::with_capacity(settings.rounds) };
        entrants.push(Entrant { bout, operations, measured });
        progress.inc(1);
    }
    for _ in 0..settings.rounds {
        fastrand::shuffle(&mut entrants);
        for Entrant { bout, operations, measured } in &mut entrants {
            progress.set_message(measured.contestant.name);
            let mut session = Session::open(measured.contestant, bout, settings.cores)?;
            session.run(warm_up(*operations, case))?;
            let elapsed = session.run(*operations)?;
            measured.ns_per_operation.push(elapsed.as_nanos() as f64 / *operations as f64);
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    entrants.sort_by_key(|entrant| {
        contestants.iter().position(|one| one.name == entrant.measured.contestant.name)
    });
    Ok(entrants.into_iter().map(|entrant| entrant.measured).collect())
}

/// How many operations take about `duration`; warms up on the way.
fn calibrate(session: &mut Session, case: &Case, duration: Duration) -> Result<u64> {
    let mut operations = FIRST_GUESS.next_multiple_of(case.step);
    loop {
        let elapsed = session.run(operations)?;
        let wanted = in_proportion(operations, elapsed, duration, case);
        if elapsed * 4 >= duration {
            return Ok(wanted);
        }
        operations = wanted.min(operations * 16);
    }
}

fn in_proportion(operations: u64, elapsed: Duration, duration: Duration, case: &Case) -> u64 {
    let factor = duration.as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
    ((operations as f64 * factor) as u64).max(1).next_multiple_of(case.step)
}

/// A tenth of a run, of a stream a lap at least: the pages are new, caches and branch predictors are the previous
/// contestant's.
fn warm_up(operations: u64, case: &Case) -> u64 {
    (operations / 10).max(case.lap()).next_multiple_of(case.step)
}

/// On standard error, and only if that is a terminal.
fn progress_bar(case: &Case, steps: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{prefix:18} {bar:40} {pos:>4}/{len} {msg}")?;
    Ok(ProgressBar::new(steps as u64).with_style(style).with_prefix(case.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{SPSC_BATCH_U64, SPSC_U64, STREAM_1KIB, STREAM_BATCH_U64};

    #[test]
    fn operations_are_scaled_to_the_wanted_duration() {
        let (elapsed, wanted) = (Duration::from_millis(10), Duration::from_millis(30));
        assert_eq!(in_proportion(1000, elapsed, wanted, &SPSC_U64), 3000);
    }

    #[test]
    fn batches_are_never_broken() {
        let (elapsed, wanted) = (Duration::from_millis(10), Duration::from_millis(31));
        assert_eq!(in_proportion(1024, elapsed, wanted, &SPSC_BATCH_U64) % SPSC_BATCH_U64.step, 0);
        assert_eq!(warm_up(1024, &SPSC_BATCH_U64) % SPSC_BATCH_U64.step, 0);
    }

    #[test]
    fn every_page_of_a_stream_is_used_before_a_run_that_counts() {
        for (case, lap) in [(&STREAM_1KIB, 1 << 10), (&STREAM_BATCH_U64, 1 << 17)] {
            assert_eq!(warm_up(1024, case), lap);
            assert_eq!(warm_up(100 * lap, case), 10 * lap);
        }
    }

    #[test]
    fn a_contestant_too_slow_for_one_operation_still_runs_one() {
        let (elapsed, wanted) = (Duration::from_secs(10), Duration::from_millis(1));
        assert_eq!(in_proportion(1, elapsed, wanted, &SPSC_U64), 1);
        assert_eq!(warm_up(1, &SPSC_U64), 1);
    }
}
