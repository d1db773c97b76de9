//! Items that carry a number of their own and show whether they are whole.

use ringfence::Element;

/// The number of an item: who pushed it, and as its how manieth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number {
    /// Below 2^24.
    pub(crate) source: u32,
    pub(crate) sequence: u32,
}

impl Number {
    /// How many bits a number takes.
    pub(crate) const BITS: u32 = 56;

    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.source) << 32 | u64::from(self.sequence)
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self { source: (bits >> 32) as u32, sequence: bits as u32 }
    }
}

/// An element whose words all derive from its number.
#[derive(Element, Clone, Copy, Debug, PartialEq, Eq)]
#[element(name = "test.Numbered")]
#[repr(C)]
pub(crate) struct Numbered {
    number: u64,
    echoes: [u64; 3],
}

impl Numbered {
    pub(crate) fn of(number: Number) -> Self {
        let number = number.to_bits();
        Self { number, echoes: [1, 2, 3].map(|it| (number ^ 0x5bd1_e995).rotate_left(it * 13)) }
    }

    /// The item's number; `None` where its words do not belong together.
    pub(crate) fn number(self) -> Option<Number> {
        let number = Number::from_bits(self.number);
        (Self::of(number) == self).then_some(number)
    }
}

/// Longest string of [`bytes_of`].
pub(crate) const MAX_LENGTH: usize = 8 + 16;

/// A byte string whose length and bytes all derive from its number.
pub(crate) fn bytes_of(number: Number) -> Vec<u8> {
    let number = number.to_bits();
    let rest = (0..number % 17).map(|it| (number * 31 + it) as u8);
    number.to_le_bytes().into_iter().chain(rest).collect()
}

/// The number of a string of [`bytes_of`]; `None` where its bytes do not belong together.
pub(crate) fn number_of(bytes: &[u8]) -> Option<Number> {
    let number = Number::from_bits(u64::from_le_bytes(*bytes.first_chunk()?));
    (bytes_of(number) == bytes).then_some(number)
}
