//! Ours: named rings, always across two processes, through the public API.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use ringfence::spsc::{self, Consumer, Producer, Ring};
use ringfence::{Element, PopError, PushError};

use crate::cases::{
    Batches, Bulk, Case, Item, RoundTrip, SPSC_64B, SPSC_BATCH_U64, SPSC_RTT_U64, SPSC_U64, Single,
    Throughput,
};
use crate::cleanup::Cleanup;
use crate::contestants::{AcrossProcesses, Bout, Contestant, HandOver};

pub(crate) static SPSC: Contestant = Contestant {
    name: "spsc",
    about: "ringfence::spsc, across processes",
    ours: true,
    bouts: &[
        Bout::across_processes::<RoundTrip<u64>, SpscEnd<u64>>(&SPSC_RTT_U64),
        Bout::across_processes::<Throughput<u64>, SpscEnd<u64>>(&SPSC_U64),
        Bout::across_processes::<Throughput<[u64; 8]>, SpscEnd<[u64; 8]>>(&SPSC_64B),
        Bout::across_processes::<Batches<u64>, SpscEnd<u64>>(&SPSC_BATCH_U64),
    ],
};

struct SpscEnd<T: Element> {
    tx: Producer<T>,
    rx: Consumer<T>,
    /// The creator removes the names, after its handles are gone.
    _names: Vec<Cleanup>,
}

impl<T: Item + Element> AcrossProcesses for SpscEnd<T> {
    fn create(case: &Case) -> Result<(Self, HandOver)> {
        let (to_far_name, to_near_name) = (unused_name("to-far"), unused_name("to-near"));
        let (to_far, removes_to_far) = create::<T>(case, &to_far_name)?;
        let (to_near, removes_to_near) = create::<T>(case, &to_near_name)?;
        let names = vec![removes_to_far, removes_to_near];
        let end = Self { tx: to_far.producer()?, rx: to_near.consumer()?, _names: names };
        Ok((end, vec![to_far_name, to_near_name]))
    }

    fn attach(_: &Case, handed_over: &[String]) -> Result<Self> {
        let [to_far, to_near] = handed_over else { bail!("two names expected") };
        let tx = spsc::open::<T>(to_near)?.producer()?;
        let rx = spsc::open::<T>(to_far)?.consumer()?;
        Ok(Self { tx, rx, _names: Vec::new() })
    }
}

/// No ring of this run, and no other run, has had it.
fn unused_name(direction: &str) -> String {
    static USED: AtomicU64 = AtomicU64::new(0);
    let number = USED.fetch_add(1, Ordering::Relaxed); // Relaxed: only its own value matters
    format!("ringfence-peers-{}-{number}-{direction}", process::id())
}

fn create<T: Item + Element>(case: &Case, name: &str) -> Result<(Ring<T>, Cleanup)> {
    let make =
        || spsc::Options::<T>::new(case.capacity).create(name).with_context(|| format!("creating {name}"));
    let (ring, cleanup) = Cleanup::of(make, |ring| {
        if let Err(error) = ring.force_unlink() {
            eprintln!("warning: a ring was not removed: {error}");
        }
    })?;
    ensure!(ring.capacity() == case.capacity, "ringfence made {} items of room", ring.capacity());
    Ok((ring, cleanup))
}

impl<T: Item + Element> Single<T> for SpscEnd<T> {
    #[inline]
    fn try_push(&mut self, item: T) -> bool {
        match self.tx.try_push(item) {
            Ok(_) => true,
            Err(PushError::Full) => false,
            Err(error) => cannot_push(error),
        }
    }

    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        match self.rx.try_pop() {
            Ok(item) => Some(item),
            Err(PopError::Empty) => None,
            Err(error) => cannot_pop(error),
        }
    }
}

impl<T: Item + Element> Bulk<T> for SpscEnd<T> {
    #[inline]
    fn try_push_slice(&mut self, items: &[T]) -> usize {
        match self.tx.try_push_slice(items) {
            Ok(count) => count,
            Err(PushError::Full) => 0,
            Err(error) => cannot_push(error),
        }
    }

    #[inline]
    fn try_pop_slice(&mut self, items: &mut [T]) -> usize {
        match self.rx.try_pop_slice(items) {
            Ok(count) => count,
            Err(PopError::Empty) => 0,
            Err(error) => cannot_pop(error),
        }
    }
}

#[cold]
fn cannot_push(error: PushError) -> ! {
    panic!("ringfence cannot push: {error}")
}

#[cold]
fn cannot_pop(error: PopError) -> ! {
    panic!("ringfence cannot pop: {error}")
}
