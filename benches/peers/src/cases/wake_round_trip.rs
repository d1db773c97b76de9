//! Ping-pong between two sides that sleep in the kernel before every message: what it takes to wake each other.
//!
//! A side sends and sleeps until there is an answer; neither spins for one. Left to themselves, they would not always be
//! asleep: waking somebody takes the waker so long that the answer can be there before it has gone to sleep, above all
//! where other programs keep the cores busy. So before a side sends, it waits until the kernel says that the other one
//! sleeps, and then [`IDLE`]: the same for all contestants and on both sides. The kernel's count of how often each side
//! went to sleep is the proof. A contestant that spins fails, it is not measured.
//!
//! These waits do not count. Counted, they would draw every ratio towards 1. A round trip is the time from the begin of
//! a send to the end of the receive on the other side, there and back. What it costs to fall asleep is not part of it.

use std::hint;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{Blocking, Case, Item, Run, Workload, settle};
use crate::sleep::{Thread, times_slept};
use crate::waiting::Watch;

pub(crate) static WAKE_RTT: Case = Case {
    name: "wake-rtt",
    about: "ping-pong of one u64, both sides asleep in the kernel before every message",
    operation: "round trip",
    bytes: None,
    capacity: 1024,
    step: 1,
    one_queue: false,
    asleep: true,
};

/// How long a side has slept when it is woken: waking takes longer, the longer its core was idle.
const IDLE: Duration = Duration::from_micros(50);

/// A side that has nothing to do sleeps sooner than that, however busy the machine.
const AWAKE_AT_MOST: Duration = Duration::from_secs(1);

/// The near side sends and sleeps until the echo is there.
#[derive(Debug)]
pub(crate) struct WakeRoundTrip<T>(PhantomData<T>);

impl<T: Item, E: Blocking<T>> Workload<E> for WakeRoundTrip<T> {
    fn near(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let mut pauses = Pauses::for_other(watch)?;
        let mut difference = 0;
        for number in run.numbers() {
            pauses.until_other_sleeps()?;
            end.send(T::of(number))?;
            difference |= end.receive()?.difference(number);
        }
        settle(difference, run)?;
        pauses.end(run)
    }

    fn far(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let mut pauses = Pauses::for_other(watch)?;
        let mut difference = 0;
        for number in run.numbers() {
            let item = end.receive()?;
            pauses.until_other_sleeps()?;
            end.send(item)?;
            difference |= item.difference(number);
        }
        settle(difference, run)?;
        pauses.end(run)
    }
}

/// The waits of one side for the other one's sleep, and its own sleeps.
#[derive(Debug)]
struct Pauses {
    other: Thread,
    taken: Duration,
    slept_before: u64,
}

impl Pauses {
    fn for_other(watch: Watch<'_>) -> Result<Self> {
        Ok(Self { other: Thread::of(watch.thread())?, taken: Duration::ZERO, slept_before: times_slept()? })
    }

    /// Spins: sleeps of its own would be counted with those that are to be proven.
    fn until_other_sleeps(&mut self) -> Result<()> {
        let start = Instant::now();
        while !self.other.is_asleep()? {
            ensure!(start.elapsed() < AWAKE_AT_MOST, "the other side does not go to sleep: it spins");
        }
        let asleep = Instant::now();
        while asleep.elapsed() < IDLE {
            hint::spin_loop();
        }
        self.taken += start.elapsed();
        Ok(())
    }

    /// What the waits took. Fails unless this side slept as often as it was sent a message, but for one time in 20: a
    /// thread counts as asleep an instant before it is, and a virtual machine can be stopped in that instant.
    fn end(self, run: Run) -> Result<Duration> {
        let (slept, messages) = (times_slept()? - self.slept_before, run.operations);
        ensure!(slept + messages / 20 + 1 >= messages, "slept {slept} times only, for {messages} messages");
        Ok(self.taken)
    }
}

#[cfg(test)]
mod tests {
    use nix::unistd::gettid;

    use super::*;

    /// Those of a side whose other side is this thread, which is awake.
    fn pauses() -> Pauses {
        Pauses {
            other: Thread::of(gettid()).unwrap(),
            taken: Duration::ZERO,
            slept_before: times_slept().unwrap(),
        }
    }

    #[test]
    fn a_side_that_spins_is_never_sent_a_message() {
        let error = pauses().until_other_sleeps().unwrap_err().to_string();
        assert!(error.contains("spins"), "{error}");
    }

    #[test]
    fn a_side_that_slept_less_often_than_it_was_sent_a_message_fails() {
        assert!(pauses().end(Run { first: 1, operations: 1000 }).is_err());
    }

    #[test]
    fn a_side_that_slept_before_nearly_every_message_passes() {
        let pauses = pauses();
        for _ in 0..19 {
            std::thread::sleep(Duration::from_micros(1));
        }
        assert_eq!(pauses.end(Run { first: 1, operations: 20 }).unwrap(), Duration::ZERO);
    }
}
