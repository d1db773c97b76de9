//! Both sides at the same end of one queue at once: what it costs to push, or to pop, while somebody else does.
//!
//! Two producers and a consumer would need three cores, and there are two. So the consumer takes turns with the
//! producers, and the producer with the consumers, lap by lap. Only the time counts in which both sides do the same:
//!
//! ```text
//! two producers                            two consumers
//! near   push share │ pop all, compare     near   push all │ pop share │ pop what the far side popped, compare
//! far    push share │ wait                 far    wait     │ pop share │ push what it popped
//!            counts │                                          counts │
//! ```
//!
//! A lap is as long as the queue, and either side's share is half of it, however a contestant would divide the work.
//! Nobody is ever kept from a push by a full queue, or from a pop by an empty one: that is the throughput's subject.
//! Were the turns not kept apart, the far side would refill at once whatever the near side had emptied, and two
//! producers would spend their time waiting for one consumer.
//!
//! Every item is checked: what two producers push arrives once, each producer's in order; what two consumers pop is,
//! put together, what was pushed, and each consumer's is in order.

use std::marker::PhantomData;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Case, Item, Run, Single, Workload, settle};
use crate::waiting::Watch;

/// Items that a side pushes, or pops, in a lap.
const SHARE: usize = LAP / 2;

/// Items that fill the queue.
const LAP: usize = 1024;

pub(crate) static MPMC_2P1C: Case = Case {
    name: "mpmc-2p1c",
    about: "two producers at once fill a queue of 1024 with u64, one of them empties it, which does not count",
    operation: "push",
    bytes: None,
    capacity: LAP,
    step: LAP as u64,
    one_queue: true,
    asleep: false,
};

pub(crate) static MPMC_1P2C: Case = Case {
    name: "mpmc-1p2c",
    about: "two consumers at once empty a queue of 1024 u64, one of them filled it, which does not count",
    operation: "pop",
    bytes: None,
    capacity: LAP,
    step: LAP as u64,
    one_queue: true,
    asleep: false,
};

/// Both sides push their shares, then the near side pops both.
#[derive(Debug)]
pub(crate) struct TwoProducers<T>(PhantomData<T>);

impl<T: Item, E: Single<T>> Workload<E> for TwoProducers<T> {
    fn near(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let mut all = [T::of(0); LAP];
        let mut aside = Duration::ZERO;
        for lap in laps(run) {
            let [near, far] = shares(&lap);
            push(end, near.clone().map(T::of), watch)?;
            watch.wait_for_far_side()?; // it has pushed its share
            let full = Instant::now();
            pop(end, &mut all, watch)?;
            settle(u64::from(!are_interleaved(&all, [near, far])), run)?;
            aside += full.elapsed();
            watch.let_far_side_go();
        }
        Ok(aside)
    }

    fn far(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        for lap in laps(run) {
            let [_, far] = shares(&lap);
            push(end, far.map(T::of), watch)?;
            watch.wait_for_near_side()?; // it empties the queue
        }
        Ok(Duration::ZERO)
    }
}

/// The near side pushes as much as both sides pop; then the far side hands what it got to the near side.
#[derive(Debug)]
pub(crate) struct TwoConsumers<T>(PhantomData<T>);

impl<T: Item, E: Single<T>> Workload<E> for TwoConsumers<T> {
    fn near(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let (mut near, mut far) = ([T::of(0); SHARE], [T::of(0); SHARE]);
        let mut aside = Duration::ZERO;
        for lap in laps(run) {
            let empty = Instant::now();
            push(end, lap.clone().map(T::of), watch)?;
            watch.wait_for_far_side()?; // it has not begun
            aside += empty.elapsed();
            watch.let_far_side_go();
            pop(end, &mut near, watch)?;
            watch.wait_for_far_side()?; // it has popped its share
            let empty = Instant::now();
            watch.let_far_side_go();
            pop(end, &mut far, watch)?;
            settle(u64::from(!are_divided(lap, [&near, &far])), run)?;
            aside += empty.elapsed();
        }
        Ok(aside)
    }

    fn far(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let mut share = [T::of(0); SHARE];
        for _ in laps(run) {
            watch.wait_for_near_side()?; // it fills the queue
            pop(end, &mut share, watch)?;
            watch.wait_for_near_side()?; // it has popped its share: what comes now is none of it
            push(end, share.into_iter(), watch)?;
        }
        Ok(Duration::ZERO)
    }
}

/// The numbers of each lap.
fn laps(run: Run) -> impl Iterator<Item = Range<u64>> {
    run.numbers().step_by(LAP).map(|first| first..first + LAP as u64)
}

/// The near side's numbers of a lap, and the far side's.
fn shares(lap: &Range<u64>) -> [Range<u64>; 2] {
    let middle = lap.start + SHARE as u64;
    [lap.start..middle, middle..lap.end]
}

#[inline]
fn push<T: Item, E: Single<T>>(end: &mut E, items: impl Iterator<Item = T>, watch: Watch<'_>) -> Result<()> {
    for item in items {
        watch.wait(|| end.try_push(item).then_some(()))?;
    }
    Ok(())
}

#[inline]
fn pop<T: Item, E: Single<T>>(end: &mut E, items: &mut [T], watch: Watch<'_>) -> Result<()> {
    for item in items {
        *item = watch.wait(|| end.try_pop())?;
    }
    Ok(())
}

/// Whether the items are those of all the sequences, each sequence in its order.
fn are_interleaved<T: Item>(items: &[T], mut sequences: [Range<u64>; 2]) -> bool {
    let all_known = items.iter().all(|item| {
        let next = sequences.iter_mut().find(|rest| !rest.is_empty() && item.difference(rest.start) == 0);
        next.and_then(Iterator::next).is_some()
    });
    all_known && sequences.iter().all(Range::is_empty)
}

/// Whether the items are, put together, those of the numbers, each part in its order.
fn are_divided<T: Item>(mut numbers: Range<u64>, mut parts: [&[T]; 2]) -> bool {
    let all_found = numbers.all(|number| {
        parts.iter_mut().any(|rest| {
            let found = rest.split_first().filter(|(first, _)| first.difference(number) == 0);
            found.map(|(_, behind)| *rest = behind).is_some()
        })
    });
    all_found && parts.iter().all(|rest| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_two_producers_may_alternate_in_any_way() {
        for items in [[1, 2, 3, 4], [3, 1, 4, 2], [3, 4, 1, 2]] {
            assert!(are_interleaved::<u64>(&items, [1..3, 3..5]), "{items:?}");
        }
    }

    #[test]
    fn an_item_of_two_producers_that_is_lost_repeated_strange_or_overtaken_is_found() {
        for items in [&[1, 3, 4][..], &[1, 2, 3, 3], &[1, 2, 3, 4, 4], &[1, 2, 3, 5], &[2, 1, 3, 4]] {
            assert!(!are_interleaved::<u64>(items, [1..3, 3..5]), "{items:?}");
        }
    }

    #[test]
    fn two_consumers_may_divide_the_items_in_any_way() {
        for parts in [[&[1, 2][..], &[3, 4]], [&[2, 3], &[1, 4]], [&[], &[1, 2, 3, 4]]] {
            assert!(are_divided::<u64>(1..5, parts), "{parts:?}");
        }
    }

    #[test]
    fn an_item_that_two_consumers_lost_or_both_got_or_got_out_of_order_is_found() {
        for parts in [[&[1, 2][..], &[3]], [&[1, 2], &[2, 3, 4]], [&[1, 2], &[3, 5]], [&[2, 1], &[3, 4]]] {
            assert!(!are_divided::<u64>(1..5, parts), "{parts:?}");
        }
    }

    #[test]
    fn the_shares_of_the_laps_are_the_run() {
        let run = Run { first: 7, operations: 3 * LAP as u64 };
        let numbers: Vec<u64> = laps(run).flat_map(|lap| shares(&lap)).flatten().collect();
        assert_eq!(numbers, run.numbers().collect::<Vec<_>>());
    }
}
