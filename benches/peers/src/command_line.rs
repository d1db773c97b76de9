//! What the user asked for.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, ValueEnum};

use crate::cases::{CASES, Case};
use crate::cleanup;
use crate::contestants::{CONTESTANTS, Contestant};
use crate::cores::{Cores, pin_to};
use crate::far_side::Seat;
use crate::ours;
use crate::report::Report;
use crate::rounds::{ENOUGH_ROUNDS, Settings, measure};

/// First argument of a far process, which only this program starts.
pub(crate) const FAR_SIDE: &str = "far-side";

/// Measures ringfence beside its peers, in paired rounds.
///
/// In every round each contestant of a case runs once, in random order, on the same two cores; the ratio ours/theirs
/// is taken within the round. Below 1, ours is faster. The table goes to standard output, progress to standard error.
#[derive(Debug, Parser)]
#[command(name = "ringfence-peers", version)]
struct Arguments {
    /// Case to run; may be repeated [default: all]
    #[arg(long = "case", value_name = "NAME", value_parser = cases())]
    cases: Vec<&'static Case>,
    /// Peer to run beside ours; may be repeated [default: all]
    #[arg(long = "peer", value_name = "NAME", value_parser = peers())]
    peers: Vec<&'static Contestant>,
    /// Rounds; fewer than 15 make no statement
    #[arg(long, value_name = "R", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Milliseconds per contestant and round
    #[arg(long, value_name = "M", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=1000))]
    millis: u16,
    /// The two cores: consumer or pinging side, producer or echoing side [default: the first two allowed]
    #[arg(long, value_name = "A,B")]
    cores: Option<Cores>,
    /// What our handles run between a publication and their look for sleepers, in both processes
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = Barrier::Asymmetric)]
    barrier: Barrier,
    /// Write one array of rows, a row per case and peer
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
    /// List cases and contestants, and end
    #[arg(long)]
    list: bool,
}

/// Which of ours takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Barrier {
    /// Nothing: whoever goes to sleep runs a barrier on every core. `ours` is "ringfence"
    Asymmetric,
    /// A fence. `ours` is "ringfence-fenced"
    Fenced,
}

impl Barrier {
    fn ours(self) -> &'static Contestant {
        match self {
            Self::Asymmetric => &ours::ASYMMETRIC,
            Self::Fenced => &ours::FENCED,
        }
    }
}

fn cases() -> impl TypedValueParser<Value = &'static Case> {
    let names = CASES.iter().map(|case| PossibleValue::new(case.name).help(case.about));
    PossibleValuesParser::new(names)
        .try_map(|name| CASES.iter().copied().find(|case| case.name == name).ok_or("no such case"))
}

fn peers() -> impl TypedValueParser<Value = &'static Contestant> {
    let peers = || CONTESTANTS.iter().copied().filter(|contestant| !contestant.ours);
    let names = peers().map(|peer| PossibleValue::new(peer.name).help(peer.about));
    PossibleValuesParser::new(names)
        .try_map(move |name| peers().find(|peer| peer.name == name).ok_or("no such peer"))
}

/// The whole program, on either side.
pub(crate) fn run() -> Result<ExitCode> {
    if env::args().nth(1).as_deref() == Some(FAR_SIDE) {
        return far_side(Seat::parse_from(env::args().skip(1)));
    }
    let arguments = Arguments::parse();
    if arguments.list {
        print!("{}", list());
    } else {
        measure_all(&arguments)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn far_side(seat: Seat) -> Result<ExitCode> {
    let case = CASES.iter().find(|case| case.name == seat.case).context("no such case")?;
    let contestant = CONTESTANTS.iter().find(|contestant| contestant.name == seat.contestant);
    let live = contestant
        .and_then(|contestant| contestant.bout(case))
        .and_then(|bout| bout.far_process)
        .context("nobody meets across processes here")?;
    live(case, seat)
}

fn measure_all(arguments: &Arguments) -> Result<()> {
    let cores = arguments.cores.map_or_else(Cores::first_two, Ok)?;
    let settings = Settings {
        rounds: usize::from(arguments.rounds),
        duration: Duration::from_millis(u64::from(arguments.millis)),
        cores,
    };
    if cfg!(debug_assertions) {
        eprintln!("warning: built without --release, the figures mean nothing");
    }
    if settings.rounds < ENOUGH_ROUNDS {
        let rounds = settings.rounds;
        eprintln!("warning: {rounds} rounds make no statement, it takes {ENOUGH_ROUNDS} or more");
    }
    let cases = if arguments.cases.is_empty() { CASES } else { &arguments.cases };
    let contestants = contestants(arguments.barrier.ours(), &arguments.peers);
    for peer in &arguments.peers {
        for case in cases.iter().filter(|case| peer.bout(case).is_none()) {
            eprintln!("warning: {} takes no part in {}", peer.name, case.name);
        }
    }
    cleanup::on_signals()?;
    pin_to(cores.near)?;
    let mut report = Report::default();
    for case in cases {
        report.add(case, &measure(case, &contestants, settings)?);
    }
    let (near, far) = (cores.near, cores.far);
    println!(
        "cores {near} (consumes, pings) and {far} (produces, echoes); ratio: ours/theirs, below 1 ours is faster"
    );
    print!("{}", report.table());
    arguments.json.as_deref().map_or(Ok(()), |path| report.write_json(path))
}

/// `ours`, and the peers asked for.
fn contestants(ours: &'static Contestant, peers: &[&'static Contestant]) -> Vec<&'static Contestant> {
    let among =
        |chosen: &[&'static Contestant], one: &Contestant| chosen.iter().any(|it| it.name == one.name);
    let all = CONTESTANTS.iter().copied();
    all.filter(|one| if one.ours { among(&[ours], one) } else { peers.is_empty() || among(peers, one) })
        .collect()
}

fn list() -> String {
    let mut text = "cases:\n".to_owned();
    for case in CASES {
        text += &format!("  {:18} {}; ns per {}\n", case.name, case.about, case.operation);
    }
    text += "contestants:\n";
    for contestant in CONTESTANTS {
        let takes_part = CASES.iter().filter(|case| contestant.bout(case).is_some()).map(|case| case.name);
        let cases = takes_part.collect::<Vec<_>>().join(", ");
        let ours = if contestant.ours { " (ours)" } else { "" };
        text += &format!("  {:18} {}{ours}\n{:21}in {cases}\n", contestant.name, contestant.about, "");
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(["ringfence-peers"].iter().chain(arguments))
    }

    #[test]
    fn the_declared_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_unknown_case_is_refused_with_the_known_ones_listed() {
        let error = parse(&["--case", "spsc-u46"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue);
        let text = error.to_string();
        assert!(CASES.iter().all(|case| text.contains(case.name)), "{text}");
    }

    #[test]
    fn an_unknown_peer_is_refused_with_the_known_ones_listed_and_ours_is_none() {
        for name in ["crossbeem", "ringfence"] {
            let text = parse(&["--peer", name]).unwrap_err().to_string();
            let peers = CONTESTANTS.iter().filter(|contestant| !contestant.ours);
            assert!(peers.map(|peer| peer.name).all(|peer| text.contains(peer)), "{text}");
        }
    }

    #[test]
    fn fifteen_rounds_of_thirty_milliseconds_unless_told_otherwise() {
        let arguments = parse(&[]).unwrap();
        assert_eq!((usize::from(arguments.rounds), arguments.millis), (ENOUGH_ROUNDS, 30));
    }

    #[test]
    fn zero_rounds_zero_milliseconds_and_one_core_are_refused() {
        for wrong in [["--rounds", "0"], ["--millis", "0"], ["--cores", "1"]] {
            assert!(parse(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn choosing_a_peer_leaves_the_other_peers_out_and_ours_in() {
        let peer = CONTESTANTS.iter().find(|contestant| !contestant.ours).unwrap();
        let chosen = contestants(&ours::FENCED, &[peer]);
        assert_eq!(chosen.iter().map(|one| one.name).collect::<Vec<_>>(), [ours::FENCED.name, peer.name]);
    }

    #[test]
    fn one_of_ours_takes_part_the_one_without_fences_unless_told_otherwise() {
        for (arguments, name) in [(&[][..], "ringfence"), (&["--barrier", "fenced"], "ringfence-fenced")] {
            let ours = parse(arguments).unwrap().barrier.ours();
            assert_eq!(ours.name, name);
            let taking_part = contestants(ours, &[]);
            assert_eq!(taking_part.iter().filter(|one| one.ours).count(), 1);
            assert_eq!(taking_part.len(), CONTESTANTS.iter().filter(|one| !one.ours).count() + 1);
        }
    }

    #[test]
    fn a_far_process_reads_its_seat_as_it_was_written() {
        let hand_over = vec!["/proc/1/fd/3".to_owned(), "name".to_owned()];
        let seat = Seat::new("shaq", "spsc-u64", 1, "/proc/1/fd/2".to_owned(), hand_over);
        let read = Seat::parse_from([FAR_SIDE.to_owned()].into_iter().chain(seat.clone().into_arguments()));
        assert_eq!(read, seat);
    }
}
