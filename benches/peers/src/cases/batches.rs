//! One queue kept busy, up to 64 items per call.

use std::marker::PhantomData;
use std::time::Duration;

use anyhow::Result;

use super::chunks::STREAM_BYTES;
use super::{Bulk, Case, Item, Run, Workload, settle};
use crate::waiting::Watch;

/// Items that a call offers or asks for.
const BATCH: usize = 64;

pub(crate) static SPSC_BATCH_U64: Case = Case {
    name: "spsc-batch-u64",
    about: "throughput of u64 in batches of up to 64, capacity 1024",
    operation: "item",
    bytes: None,
    capacity: 1024,
    step: BATCH as u64,
    one_queue: false,
    asleep: false,
};

pub(crate) static STREAM_BATCH_U64: Case = Case {
    name: "stream-batch-u64",
    about: "throughput of a stream of u64 in runs of up to 64, 1 MiB of them",
    bytes: Some(size_of::<u64>()),
    capacity: STREAM_BYTES / size_of::<u64>(),
    ..SPSC_BATCH_U64
};

/// The far side offers slices of [`BATCH`] until they are taken, the near side takes what is there, up to [`BATCH`].
#[derive(Debug)]
pub(crate) struct Batches<T>(PhantomData<T>);

impl<T: Item, E: Bulk<T>> Workload<E> for Batches<T> {
    fn near(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let mut items = [T::of(0); BATCH];
        let mut numbers = run.numbers();
        let mut difference = 0;
        while !numbers.is_empty() {
            let count = watch.wait(|| Some(end.try_pop_slice(&mut items)).filter(|&count| count != 0))?;
            for (item, number) in items[..count].iter().zip(&mut numbers) {
                difference |= item.difference(number);
            }
        }
        settle(difference, run)?;
        Ok(Duration::ZERO)
    }

    fn far(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        for first in run.numbers().step_by(BATCH) {
            let items: [T; BATCH] = std::array::from_fn(|index| T::of(first + index as u64));
            let mut rest = &items[..];
            while !rest.is_empty() {
                let count = watch.wait(|| Some(end.try_push_slice(rest)).filter(|&count| count != 0))?;
                rest = &rest[count..];
            }
        }
        Ok(Duration::ZERO)
    }
}
