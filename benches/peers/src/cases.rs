//! The cases: what is sent, and the loops of both sides, written once and compiled for each contestant.
//!
//! Sequence numbers run on across runs, and every item is compared with the one expected, so that a lost, repeated
//! or torn item of any run is found.

mod batches;
mod chunks;
mod one_queue;
mod round_trip;
mod throughput;
mod wake_round_trip;

use std::time::Duration;

use anyhow::{Result, ensure};

pub(crate) use batches::{Batches, SPSC_BATCH_U64, STREAM_BATCH_U64};
pub(crate) use chunks::{Chunks, ChunksAlone, STREAM_1KIB, STREAM_64B, STREAM_64KIB};
pub(crate) use one_queue::{MPMC_1P2C, MPMC_2P1C, TwoConsumers, TwoProducers};
pub(crate) use round_trip::{BROADCAST_RTT_U64, MPMC_RTT_U64, RoundTrip, SPSC_RTT_U64};
pub(crate) use throughput::{
    BROADCAST_1TO1_64B, BROADCAST_1TO1_U64, MPMC_64B, MPMC_U64, SPSC_64B, SPSC_U64, Throughput,
};
pub(crate) use wake_round_trip::{WAKE_RTT, WakeRoundTrip};

use crate::waiting::Watch;

/// Every case, in the order of the report.
pub(crate) static CASES: &[&Case] = &[
    &SPSC_RTT_U64,
    &SPSC_U64,
    &SPSC_64B,
    &SPSC_BATCH_U64,
    &MPMC_RTT_U64,
    &MPMC_U64,
    &MPMC_64B,
    &MPMC_2P1C,
    &MPMC_1P2C,
    &BROADCAST_RTT_U64,
    &BROADCAST_1TO1_U64,
    &BROADCAST_1TO1_64B,
    &STREAM_BATCH_U64,
    &STREAM_64B,
    &STREAM_1KIB,
    &STREAM_64KIB,
    &WAKE_RTT,
];

/// What is measured, as far as it does not depend on the contestant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// What one operation is, for "ns per …".
    pub(crate) operation: &'static str,
    /// What one operation moves of a stream, in bytes; `None` of queues.
    pub(crate) bytes: Option<usize>,
    /// Items that every contestant's queue holds, where it is one.
    pub(crate) capacity: usize,
    /// Operations come in multiples of this.
    pub(crate) step: u64,
    /// Both sides push to the same queue and pop from it; otherwise each pushes to one and pops from the other.
    pub(crate) one_queue: bool,
    /// The sides wait in the kernel and not by polling.
    pub(crate) asleep: bool,
}

impl Case {
    /// Operations that go around a stream once; of queues, which are small, one.
    pub(crate) fn lap(&self) -> u64 {
        self.bytes.map_or(1, |bytes| (chunks::STREAM_BYTES / bytes) as u64)
    }

    /// A side that waits for the other one may not come back to its loop when that is gone, so somebody has to look
    /// after it: it sleeps in the kernel, or the other one died within a push or a pop that a contestant waits for.
    pub(crate) fn can_be_stuck(&self) -> bool {
        self.asleep || self.one_queue
    }
}

/// One run: these sequence numbers pass from one side to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: u64,
    pub(crate) operations: u64,
}

impl Run {
    fn numbers(self) -> std::ops::Range<u64> {
        self.first..self.first + self.operations
    }
}

/// The loops of a case over a contestant's endpoints. The clock runs from the near side's first instruction to its
/// return, so `near` returns when the last item has been consumed.
///
/// Either loop returns how much of its time does not count: what the case itself let pass, while the other side slept.
pub(crate) trait Workload<E> {
    fn near(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration>;
    fn far(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration>;
}

/// One side of a pair of queues, one item at a time.
pub(crate) trait Single<T> {
    /// `false`: full.
    fn try_push(&mut self, item: T) -> bool;
    /// `None`: empty.
    fn try_pop(&mut self) -> Option<T>;
}

/// One side of a pair of queues, or byte streams, many items at a time.
pub(crate) trait Bulk<T> {
    /// How many of the first items were taken; 0: full.
    fn try_push_slice(&mut self, items: &[T]) -> usize;
    /// How many were copied to the front of `items`; 0: empty.
    fn try_pop_slice(&mut self, items: &mut [T]) -> usize;
}

/// One side of a pair of channels, one item in flight; waits asleep in the kernel, without spinning first.
pub(crate) trait Blocking<T> {
    fn send(&mut self, item: T) -> Result<()>;
    /// Sleeps until there is an item.
    fn receive(&mut self) -> Result<T>;
}

/// Items that know their sequence number.
pub(crate) trait Item: Copy {
    fn of(number: u64) -> Self;
    /// 0 exactly if this is the item of `number`.
    fn difference(self, number: u64) -> u64;
}

impl Item for u64 {
    #[inline]
    fn of(number: u64) -> Self {
        number
    }

    #[inline]
    fn difference(self, number: u64) -> u64 {
        self ^ number
    }
}

impl Item for [u64; 8] {
    #[inline]
    fn of(number: u64) -> Self {
        std::array::from_fn(|word| number.wrapping_add(word as u64))
    }

    #[inline]
    fn difference(self, number: u64) -> u64 {
        let expected = Self::of(number);
        (0..self.len()).fold(0, |difference, word| difference | (self[word] ^ expected[word]))
    }
}

/// Fails when any item of a run was not the one expected.
fn settle(difference: u64, run: Run) -> Result<()> {
    ensure!(
        difference == 0,
        "an item was lost, repeated or damaged among numbers {} to {}",
        run.first,
        run.first + run.operations - 1
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_damaged_word_of_an_item_is_found() {
        for word in 0..8 {
            let mut item = <[u64; 8]>::of(41);
            assert_eq!(item.difference(41), 0);
            item[word] ^= 1 << 63;
            assert_ne!(item.difference(41), 0);
        }
    }

    #[test]
    fn an_item_of_another_number_is_found() {
        assert_ne!(7_u64.difference(8), 0);
        assert_ne!(<[u64; 8]>::of(7).difference(8), 0);
    }

    #[test]
    fn case_names_are_unique() {
        for (index, case) in CASES.iter().enumerate() {
            assert!(CASES[..index].iter().all(|earlier| earlier.name != case.name), "{} twice", case.name);
        }
    }
}
