//! Ping-pong over two queues, one message in flight: latency.

use std::marker::PhantomData;
use std::time::Duration;

use anyhow::Result;

use super::{Case, Item, Run, Single, Workload, settle};
use crate::waiting::Watch;

pub(crate) static SPSC_RTT_U64: Case = Case {
    name: "spsc-rtt-u64",
    about: "ping-pong over two queues of 1024, one u64 in flight",
    operation: "round trip",
    bytes: None,
    capacity: 1024,
    step: 1,
    one_queue: false,
    asleep: false,
};

pub(crate) static MPMC_RTT_U64: Case = Case {
    name: "mpmc-rtt-u64",
    about: "as spsc-rtt-u64, over queues for many producers and consumers",
    ..SPSC_RTT_U64
};

pub(crate) static BROADCAST_RTT_U64: Case = Case {
    name: "broadcast-rtt-u64",
    about: "as spsc-rtt-u64, over rings for many subscribers that lose nothing; each has one",
    ..SPSC_RTT_U64
};

/// The near side sends and waits for the echo.
#[derive(Debug)]
pub(crate) struct RoundTrip<T>(PhantomData<T>);

impl<T: Item, E: Single<T>> Workload<E> for RoundTrip<T> {
    fn near(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let mut difference = 0;
        for number in run.numbers() {
            let item = T::of(number);
            watch.wait(|| end.try_push(item).then_some(()))?;
            difference |= watch.wait(|| end.try_pop())?.difference(number);
        }
        settle(difference, run)?;
        Ok(Duration::ZERO)
    }

    fn far(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let mut difference = 0;
        for number in run.numbers() {
            let item = watch.wait(|| end.try_pop())?;
            watch.wait(|| end.try_push(item).then_some(()))?;
            difference |= item.difference(number);
        }
        settle(difference, run)?;
        Ok(Duration::ZERO)
    }
}
