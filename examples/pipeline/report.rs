//! What a side tells its supervisor: lines on its standard output, which a person can read as well.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use anyhow::{Context, Result, bail};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// Another process has the role; this one waits for it.
    StandingBy,
    /// The role is taken; the work goes on with this record.
    Attached { record: u64 },
    /// A record came twice and was dropped.
    Dropped { record: u64 },
    /// All records are there.
    Received { records: u64 },
    /// The checksum is right.
    Verified { bytes: u64, checksum: u128 },
}

impl Report {
    /// Writes the line. That nobody reads it is no reason to stop.
    pub(crate) fn send(self) {
        let _ = writeln!(io::stdout(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandingBy => write!(f, "standing-by"),
            Self::Attached { record } => write!(f, "attached {record}"),
            Self::Dropped { record } => write!(f, "dropped {record}"),
            Self::Received { records } => write!(f, "received {records}"),
            Self::Verified { bytes, checksum } => write!(f, "verified {bytes} {checksum:032x}"),
        }
    }
}

impl FromStr for Report {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let words: Vec<_> = line.split(' ').collect();
        let report = match words[..] {
            ["standing-by"] => Self::StandingBy,
            ["attached", record] => Self::Attached { record: record.parse()? },
            ["dropped", record] => Self::Dropped { record: record.parse()? },
            ["received", records] => Self::Received { records: records.parse()? },
            ["verified", bytes, checksum] => Self::Verified {
                bytes: bytes.parse()?,
                checksum: u128::from_str_radix(checksum, 16).context("checksum")?,
            },
            _ => bail!("a side said {line:?}"),
        };
        Ok(report)
    }
}
