//! `shaq`: Anza's queues in shared memory, across processes, over memfds; here the single-producer single-consumer one,
//! in [`shaq_mpmc`](crate::shaq_mpmc) and [`shaq_broadcast`](crate::shaq_broadcast) the others.
//!
//! It offers no copy of a slice: batches are written item by item and published once, and read as slices.
//!
//! I1 Each queue is made once, by the near side, with one end; the far side joins with the other end, once.
//! I2 Both sides use the same `T`, which is `u64` or an array of it: valid in any process, any bytes.

use std::fs::File;
use std::num::NonZeroUsize;

use anyhow::{Result, anyhow, bail, ensure};
use shaq::error::Error;
use shaq::spsc::{Consumer, Producer, minimum_file_size};

use crate::cases::{
    BROADCAST_1TO1_64B, BROADCAST_1TO1_U64, BROADCAST_RTT_U64, Batches, Bulk, Case, Item, MPMC_1P2C,
    MPMC_2P1C, MPMC_64B, MPMC_RTT_U64, MPMC_U64, RoundTrip, SPSC_64B, SPSC_BATCH_U64, SPSC_RTT_U64, SPSC_U64,
    Single, Throughput, TwoConsumers, TwoProducers,
};
use crate::contestants::{AcrossProcesses, Bout, Contestant, HandOver};
use crate::shaq_broadcast::BroadcastEnd;
use crate::shaq_mpmc::MpmcEnd;
use crate::shared_lines::{memfd, open_memfd};

pub(crate) static SHAQ: Contestant = Contestant {
    name: "shaq",
    about: "shaq's spsc, mpmc and broadcast, across processes; batches written item by item, published once, read as slices",
    ours: false,
    bouts: &[
        Bout::across_processes::<RoundTrip<u64>, End<u64>>(&SPSC_RTT_U64),
        Bout::across_processes::<Throughput<u64>, End<u64>>(&SPSC_U64),
        Bout::across_processes::<Throughput<[u64; 8]>, End<[u64; 8]>>(&SPSC_64B),
        Bout::across_processes::<Batches<u64>, End<u64>>(&SPSC_BATCH_U64),
        Bout::across_processes::<RoundTrip<u64>, MpmcEnd<u64>>(&MPMC_RTT_U64),
        Bout::across_processes::<Throughput<u64>, MpmcEnd<u64>>(&MPMC_U64),
        Bout::across_processes::<Throughput<[u64; 8]>, MpmcEnd<[u64; 8]>>(&MPMC_64B),
        Bout::across_processes::<TwoProducers<u64>, MpmcEnd<u64>>(&MPMC_2P1C),
        Bout::across_processes::<TwoConsumers<u64>, MpmcEnd<u64>>(&MPMC_1P2C),
        Bout::across_processes::<RoundTrip<u64>, BroadcastEnd<u64>>(&BROADCAST_RTT_U64),
        Bout::across_processes::<Throughput<u64>, BroadcastEnd<u64>>(&BROADCAST_1TO1_U64),
        Bout::across_processes::<Throughput<[u64; 8]>, BroadcastEnd<[u64; 8]>>(&BROADCAST_1TO1_64B),
    ],
};

struct End<T> {
    tx: Producer<T>,
    rx: Consumer<T>,
    /// Keeps the descriptors open that the far side's paths name.
    _files: [File; 2],
}

impl<T> End<T> {
    fn new(tx: Result<Producer<T>, Error>, rx: Result<Consumer<T>, Error>, files: [File; 2]) -> Result<Self> {
        let (tx, rx) = (tx.map_err(|error| anyhow!("{error}"))?, rx.map_err(|error| anyhow!("{error}"))?);
        Ok(Self { tx, rx, _files: files })
    }
}

impl<T: Item> AcrossProcesses for End<T> {
    fn create(case: &Case) -> Result<(Self, HandOver)> {
        let (to_far, to_far_path) = memfd("ringfence-peers-shaq-to-far")?;
        let (to_near, to_near_path) = memfd("ringfence-peers-shaq-to-near")?;
        let size = minimum_file_size::<T>(case.capacity);
        // SAFETY: I1, I2; the file is fresh and this is the queue's only producer.
        let tx = unsafe { Producer::create(&to_far, size) };
        // SAFETY: I1, I2; the file is fresh and this is the queue's only consumer.
        let rx = unsafe { Consumer::create(&to_near, size) };
        let end = Self::new(tx, rx, [to_far, to_near])?;
        ensure!(end.tx.capacity() == case.capacity, "shaq made {} items of room", end.tx.capacity());
        ensure!(end.rx.capacity() == case.capacity, "shaq made {} items of room", end.rx.capacity());
        Ok((end, vec![to_far_path, to_near_path].into()))
    }

    fn attach(_: &Case, handed_over: &[String]) -> Result<Self> {
        let [to_far, to_near] = handed_over else { bail!("two paths expected") };
        let (to_far, to_near) = (open_memfd(to_far)?, open_memfd(to_near)?);
        // SAFETY: I1, I2; the near side is this queue's consumer.
        let tx = unsafe { Producer::join(&to_near) };
        // SAFETY: I1, I2; the near side is this queue's producer.
        let rx = unsafe { Consumer::join(&to_far) };
        Self::new(tx, rx, [to_far, to_near])
    }
}

impl<T: Item> Single<T> for End<T> {
    #[inline]
    fn try_push(&mut self, item: T) -> bool {
        self.tx.try_write(item).is_ok()
    }

    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        self.rx.try_read()
    }
}

impl<T: Item> Bulk<T> for End<T> {
    #[inline]
    fn try_push_slice(&mut self, items: &[T]) -> usize {
        let mut batch = self.tx.write_batch();
        items.iter().take_while(|item| batch.try_write(**item).is_ok()).count()
    }

    #[inline]
    fn try_pop_slice(&mut self, items: &mut [T]) -> usize {
        let Some(batch) = NonZeroUsize::new(items.len()).and_then(|max| self.rx.try_reserve_read_batch(max))
        else {
            return 0;
        };
        let (first, second) = batch.as_slices();
        items[..first.len()].copy_from_slice(first);
        items[first.len()..batch.len()].copy_from_slice(second);
        batch.len()
    }
}
