//! One queue kept busy, one item per call.

use std::marker::PhantomData;
use std::time::Duration;

use anyhow::Result;

use super::{Case, Item, Run, Single, Workload, settle};
use crate::waiting::Watch;

pub(crate) static SPSC_U64: Case = Case {
    name: "spsc-u64",
    about: "throughput of single pushes and pops of u64, capacity 1024",
    operation: "item",
    bytes: None,
    capacity: 1024,
    step: 1,
    one_queue: false,
    asleep: false,
};

pub(crate) static SPSC_64B: Case = Case {
    name: "spsc-64B",
    about: "throughput of single pushes and pops of [u64; 8], capacity 1024",
    operation: "item",
    bytes: None,
    capacity: 1024,
    step: 1,
    one_queue: false,
    asleep: false,
};

pub(crate) static MPMC_U64: Case = Case {
    name: "mpmc-u64",
    about: "as spsc-u64, over a queue for many producers and consumers",
    ..SPSC_U64
};

pub(crate) static MPMC_64B: Case = Case {
    name: "mpmc-64B",
    about: "as spsc-64B, over a queue for many producers and consumers",
    ..SPSC_64B
};

pub(crate) static BROADCAST_1TO1_U64: Case = Case {
    name: "broadcast-1to1-u64",
    about: "as spsc-u64, over a ring for many subscribers that loses nothing; it has one",
    ..SPSC_U64
};

pub(crate) static BROADCAST_1TO1_64B: Case = Case {
    name: "broadcast-1to1-64B",
    about: "as spsc-64B, over a ring for many subscribers that loses nothing; it has one",
    ..SPSC_64B
};

/// The far side produces, the near side consumes.
#[derive(Debug)]
pub(crate) struct Throughput<T>(PhantomData<T>);

impl<T: Item, E: Single<T>> Workload<E> for Throughput<T> {
    fn near(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let mut difference = 0;
        for number in run.numbers() {
            difference |= watch.wait(|| end.try_pop())?.difference(number);
        }
        settle(difference, run)?;
        Ok(Duration::ZERO)
    }

    fn far(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        for number in run.numbers() {
            let item = T::of(number);
            watch.wait(|| end.try_push(item).then_some(()))?;
        }
        Ok(Duration::ZERO)
    }
}
