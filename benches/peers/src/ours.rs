//! Ours: named rings, always across two processes, through the public API. Once for each barrier that a handle can run:
//! one of them takes part in a run.

use anyhow::{Context as _, Result, bail, ensure};
use ringfence::spsc::{self, Consumer, Producer, Ring};
use ringfence::{Attach, Barrier, Element, PopError, PushError, Strategy};

use crate::cases::{
    BROADCAST_1TO1_64B, BROADCAST_1TO1_U64, BROADCAST_RTT_U64, Batches, Blocking, Bulk, Case, Chunks, Item,
    MPMC_1P2C, MPMC_2P1C, MPMC_64B, MPMC_RTT_U64, MPMC_U64, RoundTrip, SPSC_64B, SPSC_BATCH_U64,
    SPSC_RTT_U64, SPSC_U64, STREAM_1KIB, STREAM_64B, STREAM_64KIB, STREAM_BATCH_U64, Single, Throughput,
    TwoConsumers, TwoProducers, WAKE_RTT, WakeRoundTrip,
};
use crate::cleanup::{Cleanup, unused_name};
use crate::contestants::{AcrossProcesses, Bout, Contestant, HandOver};
use crate::ours_broadcast::BroadcastEnd;
use crate::ours_mpmc::MpmcEnd;
use crate::ours_stream::StreamEnd;

pub(crate) static ASYMMETRIC: Contestant = Contestant {
    name: "ringfence",
    about: "ringfence::spsc, mpmc, broadcast and stream, across processes; whoever goes to sleep runs the barrier",
    ours: true,
    bouts: &bouts::<false>(),
};

pub(crate) static FENCED: Contestant = Contestant {
    name: "ringfence-fenced",
    about: "ringfence::spsc, mpmc, broadcast and stream, across processes; every push and pop runs a fence",
    ours: true,
    bouts: &bouts::<true>(),
};

const fn bouts<const FENCED: bool>() -> [Bout; 17] {
    [
        Bout::across_processes::<RoundTrip<u64>, SpscEnd<u64, FENCED>>(&SPSC_RTT_U64),
        Bout::across_processes::<Throughput<u64>, SpscEnd<u64, FENCED>>(&SPSC_U64),
        Bout::across_processes::<Throughput<[u64; 8]>, SpscEnd<[u64; 8], FENCED>>(&SPSC_64B),
        Bout::across_processes::<Batches<u64>, SpscEnd<u64, FENCED>>(&SPSC_BATCH_U64),
        Bout::across_processes::<RoundTrip<u64>, MpmcEnd<u64, FENCED>>(&MPMC_RTT_U64),
        Bout::across_processes::<Throughput<u64>, MpmcEnd<u64, FENCED>>(&MPMC_U64),
        Bout::across_processes::<Throughput<[u64; 8]>, MpmcEnd<[u64; 8], FENCED>>(&MPMC_64B),
        Bout::across_processes::<TwoProducers<u64>, MpmcEnd<u64, FENCED>>(&MPMC_2P1C),
        Bout::across_processes::<TwoConsumers<u64>, MpmcEnd<u64, FENCED>>(&MPMC_1P2C),
        Bout::across_processes::<RoundTrip<u64>, BroadcastEnd<u64, FENCED>>(&BROADCAST_RTT_U64),
        Bout::across_processes::<Throughput<u64>, BroadcastEnd<u64, FENCED>>(&BROADCAST_1TO1_U64),
        Bout::across_processes::<Throughput<[u64; 8]>, BroadcastEnd<[u64; 8], FENCED>>(&BROADCAST_1TO1_64B),
        Bout::across_processes::<Batches<u64>, StreamEnd<u64, FENCED>>(&STREAM_BATCH_U64),
        Bout::across_processes::<Chunks<64>, StreamEnd<u8, FENCED>>(&STREAM_64B),
        Bout::across_processes::<Chunks<1024>, StreamEnd<u8, FENCED>>(&STREAM_1KIB),
        Bout::across_processes::<Chunks<65536>, StreamEnd<u8, FENCED>>(&STREAM_64KIB),
        Bout::across_processes::<WakeRoundTrip<u64>, SpscEnd<u64, FENCED>>(&WAKE_RTT),
    ]
}

struct SpscEnd<T: Element, const FENCED: bool> {
    tx: Producer<T>,
    rx: Consumer<T>,
    /// The creator removes the names, after its handles are gone.
    _names: Vec<Cleanup>,
}

impl<T: Item + Element, const FENCED: bool> SpscEnd<T, FENCED> {
    fn new(tx: Producer<T>, rx: Consumer<T>, names: Vec<Cleanup>) -> Result<Self> {
        let wanted = barrier(FENCED);
        ensure!(
            (tx.barrier(), rx.barrier()) == (wanted, wanted),
            "the kernel refuses an {wanted} barrier: try `--barrier fenced`"
        );
        Ok(Self { tx, rx, _names: names })
    }
}

impl<T: Item + Element, const FENCED: bool> AcrossProcesses for SpscEnd<T, FENCED> {
    fn create(case: &Case) -> Result<(Self, HandOver)> {
        let (to_far_name, to_near_name) = (unused_name("to-far"), unused_name("to-near"));
        let (to_far, removes_to_far) = create::<T, FENCED>(case, &to_far_name)?;
        let (to_near, removes_to_near) = create::<T, FENCED>(case, &to_near_name)?;
        let names = vec![removes_to_far, removes_to_near];
        let end = Self::new(to_far.producer()?, to_near.consumer()?, names)?;
        Ok((end, vec![to_far_name, to_near_name].into()))
    }

    fn attach(case: &Case, handed_over: &[String]) -> Result<Self> {
        let [to_far, to_near] = handed_over else { bail!("two names expected") };
        let tx = spsc::open_with::<T>(to_near, attach::<FENCED>(case))?.producer()?;
        let rx = spsc::open_with::<T>(to_far, attach::<FENCED>(case))?.consumer()?;
        Self::new(tx, rx, Vec::new())
    }
}

/// The same in both processes. Where a case polls, no call of ours waits, and how it would does not matter.
pub(crate) fn attach<const FENCED: bool>(case: &Case) -> Attach {
    let strategy = if case.asleep { Strategy::Sleep } else { Strategy::default() };
    Attach::new().barrier(barrier(FENCED)).strategy(strategy)
}

pub(crate) fn barrier(fenced: bool) -> Barrier {
    if fenced { Barrier::Fenced } else { Barrier::Asymmetric }
}

fn create<T: Item + Element, const FENCED: bool>(case: &Case, name: &str) -> Result<(Ring<T>, Cleanup)> {
    let options = spsc::Options::<T>::new(case.capacity).attach(attach::<FENCED>(case));
    let make = || options.create(name).with_context(|| format!("creating {name}"));
    let (ring, cleanup) = Cleanup::of(make, |ring| {
        if let Err(error) = ring.force_unlink() {
            eprintln!("warning: a ring was not removed: {error}");
        }
    })?;
    ensure!(ring.capacity() == case.capacity, "ringfence made {} items of room", ring.capacity());
    Ok((ring, cleanup))
}

impl<T: Item + Element, const FENCED: bool> Single<T> for SpscEnd<T, FENCED> {
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

impl<T: Item + Element, const FENCED: bool> Bulk<T> for SpscEnd<T, FENCED> {
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

impl<T: Item + Element, const FENCED: bool> Blocking<T> for SpscEnd<T, FENCED> {
    #[inline]
    fn send(&mut self, item: T) -> Result<()> {
        self.tx.push(item).context("ringfence cannot push")?;
        Ok(())
    }

    #[inline]
    fn receive(&mut self) -> Result<T> {
        self.rx.pop().context("ringfence cannot pop")
    }
}

#[cold]
pub(crate) fn cannot_push(error: PushError) -> ! {
    panic!("ringfence cannot push: {error}")
}

#[cold]
pub(crate) fn cannot_pop(error: PopError) -> ! {
    panic!("ringfence cannot pop: {error}")
}
