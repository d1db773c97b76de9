//! What a run found: an aligned table for people, an array of rows for programs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::cases::Case;
use crate::rounds::Measured;
use crate::statistics::{Quantiles, paired_ratios};

/// Ours against one peer in one case.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    case: &'static str,
    ours: &'static str,
    peer: &'static str,
    ratio_p10: f64,
    ratio_p50: f64,
    ratio_p90: f64,
    ours_ns_p50: f64,
    peer_ns_p50: f64,
    rounds: usize,
}

/// Collects cases as they are measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    lines: Vec<[String; COLUMNS]>,
}

const COLUMNS: usize = 12;
/// Leading columns that hold names, set to the left.
const NAMES: usize = 4;
const HEADINGS: [&str; COLUMNS] = [
    "case",
    "contestant",
    "against",
    "ns per",
    "ns p10",
    "ns p50",
    "ns p90",
    "MB/s p50",
    "ratio p10",
    "ratio p50",
    "ratio p90",
    "rounds",
];
const NOTHING: &str = "-";

impl Report {
    pub(crate) fn add(&mut self, case: &'static Case, measured: &[Measured]) {
        let (ours, peers): (Vec<_>, Vec<_>) = measured.iter().partition(|measured| measured.contestant.ours);
        for own in &ours {
            self.add_line(case, own, None);
            for peer in &peers {
                self.add_line(case, peer, Some(own));
            }
        }
        if ours.is_empty() {
            for peer in &peers {
                self.add_line(case, peer, None);
            }
        }
    }

    fn add_line(&mut self, case: &'static Case, measured: &Measured, ours: Option<&Measured>) {
        let Some(ns) = Quantiles::of(&measured.ns_per_operation) else { return };
        let rounds = measured.ns_per_operation.len();
        let ratio = ours.and_then(|ours| {
            let ratio = Quantiles::of(&paired_ratios(&ours.ns_per_operation, &measured.ns_per_operation))?;
            let own_ns = Quantiles::of(&ours.ns_per_operation)?;
            self.rows.push(Row {
                case: case.name,
                ours: ours.contestant.name,
                peer: measured.contestant.name,
                ratio_p10: ratio.p10,
                ratio_p50: ratio.p50,
                ratio_p90: ratio.p90,
                ours_ns_p50: own_ns.p50,
                peer_ns_p50: ns.p50,
                rounds,
            });
            Some(ratio)
        });
        let in_ns = |value: f64| format!("{value:.2}");
        let of_ratio = |value: fn(Quantiles) -> f64| {
            ratio.map_or_else(|| NOTHING.to_owned(), |ratio| format!("{:.3}", value(ratio)))
        };
        self.lines.push([
            case.name.to_owned(),
            measured.contestant.name.to_owned(),
            ours.map_or(NOTHING, |ours| ours.contestant.name).to_owned(),
            case.operation.to_owned(),
            in_ns(ns.p10),
            in_ns(ns.p50),
            in_ns(ns.p90),
            case.bytes.map_or_else(
                || NOTHING.to_owned(),
                |bytes| format!("{:.0}", megabytes_per_second(bytes, ns.p50)),
            ),
            of_ratio(|ratio| ratio.p10),
            of_ratio(|ratio| ratio.p50),
            of_ratio(|ratio| ratio.p90),
            rounds.to_string(),
        ]);
    }

    /// One line per case and contestant; the ratio is ours/theirs within a round.
    pub(crate) fn table(&self) -> String {
        let headings = HEADINGS.map(str::to_owned);
        let mut widths = headings.clone().map(|heading| heading.len());
        for line in &self.lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.len());
            }
        }
        let mut table = String::new();
        for line in std::iter::once(&headings).chain(&self.lines) {
            let mut text = String::new();
            for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
                let padded =
                    if column < NAMES { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
                text.push_str(&padded);
            }
            writeln!(table, "{}", text.trim_end()).expect("a String takes everything");
        }
        table
    }

    pub(crate) fn write_json(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(&self.rows).context("writing the rows as JSON")?;
        fs::write(path, json + "\n").with_context(|| format!("writing {}", path.display()))
    }
}

/// Of 10^6 bytes each.
fn megabytes_per_second(bytes: usize, ns: f64) -> f64 {
    bytes as f64 / ns * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{SPSC_U64, STREAM_1KIB};
    use crate::contestants::Contestant;

    static OURS: Contestant = Contestant { name: "ours", about: "", ours: true, bouts: &[] };
    static PEER: Contestant = Contestant { name: "a longer name", about: "", ours: false, bouts: &[] };

    fn report() -> Report {
        let mut report = Report::default();
        let ours = Measured { contestant: &OURS, ns_per_operation: vec![1.0, 8.0, 3.0] };
        let peer = Measured { contestant: &PEER, ns_per_operation: vec![2.0, 16.0, 6.0] };
        report.add(&SPSC_U64, &[peer, ours]);
        report
    }

    #[test]
    fn a_row_holds_the_ratio_of_ours_to_the_peer_and_both_medians() {
        let json = serde_json::to_value(&report().rows).unwrap();
        let expected = serde_json::json!([{
            "case": "spsc-u64", "ours": "ours", "peer": "a longer name",
            "ratio_p10": 0.5, "ratio_p50": 0.5, "ratio_p90": 0.5,
            "ours_ns_p50": 3.0, "peer_ns_p50": 6.0, "rounds": 3,
        }]);
        assert_eq!(json, expected);
    }

    #[test]
    fn the_table_has_a_line_per_contestant_and_its_columns_are_aligned() {
        let table = report().table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 3);
        let column = lines[0].find("against").unwrap();
        assert_eq!(&lines[1][column..column + 1], NOTHING);
        assert_eq!(&lines[2][column..column + 4], "ours");
        assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{table}");
    }

    #[test]
    fn of_streams_the_table_says_how_many_bytes_a_second_of_messages_it_does_not() {
        let column = |table: &str| {
            let cells = |line: &str| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|cell| !cell.is_empty())
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            let lines: Vec<_> = table.lines().map(cells).collect();
            let index = lines[0].iter().position(|heading| heading == "MB/s p50").unwrap();
            lines[1..].iter().map(|line| line[index].clone()).collect::<Vec<_>>()
        };
        assert_eq!(column(&report().table()), [NOTHING; 2]);
        let mut streams = Report::default();
        streams.add(&STREAM_1KIB, &[Measured { contestant: &OURS, ns_per_operation: vec![512.0] }]);
        assert_eq!(column(&streams.table()), ["2000"]);
    }

    #[test]
    fn without_ours_there_is_a_table_but_no_row() {
        let mut report = Report::default();
        report.add(&SPSC_U64, &[Measured { contestant: &PEER, ns_per_operation: vec![2.0] }]);
        assert_eq!(report.lines.len(), 1);
        assert!(report.rows.is_empty());
    }
}
