//! How a file becomes records, so that either side can go on where its predecessor stopped.
//!
//! ```text
//! position    FIRST    FIRST + 1   …   FIRST + n - 1      FIRST + n
//! record      data 0   data 1      …   data n - 1         trailer
//! bytes       length(0)   length(1)    what is left       length and checksum of the file
//! ```
//!
//! How long a record is depends on nothing but its number, and its number is its position in the ring. So a writer
//! learns from the position that it is given how much of the file was sent, and a reader from the length of its output
//! which records it has: neither keeps a journal.

use std::fmt;

use anyhow::{Result, bail, ensure};
use ringfence::Position;

/// The position of record 0.
pub(crate) const FIRST: Position = Position::from_bits(0);
/// The longest run of the file in one record, in bytes.
pub(crate) const LONGEST: usize = 16 << 10;
/// The longest record: a tag and its bytes.
pub(crate) const SLOT: usize = 1 + LONGEST;
/// How many records the ring takes.
pub(crate) const SLOTS: usize = 64;

/// First byte of a record with a run of the file.
pub(crate) const DATA: u8 = b'D';
/// First byte of the last record.
const TRAILER: u8 = b'T';

/// What a record holds.
#[derive(Debug)]
pub(crate) enum Record<'a> {
    Data(&'a [u8]),
    Trailer(Trailer),
}

/// Length and checksum of a file, as either side sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trailer {
    pub(crate) length: u64,
    pub(crate) checksum: u128,
}

impl Trailer {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [&[TRAILER], &self.length.to_le_bytes()[..], &self.checksum.to_le_bytes()].concat()
    }
}

impl fmt::Display for Trailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes with the checksum {:032x}", self.length, self.checksum)
    }
}

impl<'a> Record<'a> {
    pub(crate) fn decode(record: &'a [u8]) -> Result<Self> {
        match record.split_first() {
            Some((&DATA, bytes)) => Ok(Self::Data(bytes)),
            Some((&TRAILER, bytes)) => {
                ensure!(bytes.len() == 24, "a trailer of {} bytes", bytes.len());
                let (length, checksum) = bytes.split_at(8);
                Ok(Self::Trailer(Trailer {
                    length: u64::from_le_bytes(length.try_into()?),
                    checksum: u128::from_le_bytes(checksum.try_into()?),
                }))
            }
            _ => bail!("a record that is neither data nor a trailer"),
        }
    }
}

/// How many records lie before `position`.
pub(crate) fn before(position: Position) -> Result<u64> {
    Ok(u64::try_from(position.since(FIRST))?)
}

/// Bytes of the file in record `number`; the last one has what is left. One in eight is tiny.
pub(crate) fn length(number: u64) -> usize {
    // The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    let mut bits = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let longest = if bits.is_multiple_of(8) { 16 } else { LONGEST as u64 };
    1 + ((bits >> 3) % longest) as usize
}

/// How many full-length records the first `size` bytes of a file hold, and where the last of them ends.
pub(crate) fn within(size: u64) -> (u64, u64) {
    let (mut count, mut end) = (0, 0);
    loop {
        let next = end + length(count) as u64;
        if next > size {
            return (count, end);
        }
        (count, end) = (count + 1, next);
    }
}
