//! `crossbeam`: its `ArrayQueue`, the reference among in-process queues for many producers and consumers, between two
//! threads.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;

use crate::cases::{
    Case, MPMC_1P2C, MPMC_2P1C, MPMC_64B, MPMC_RTT_U64, MPMC_U64, RoundTrip, Single, Throughput,
    TwoConsumers, TwoProducers,
};
use crate::contestants::{AcrossThreads, Bout, Contestant};

pub(crate) static CROSSBEAM: Contestant = Contestant {
    name: "crossbeam",
    about: "crossbeam's ArrayQueue, two threads of one process",
    ours: false,
    bouts: &[
        Bout::across_threads::<RoundTrip<u64>, End<u64>>(&MPMC_RTT_U64),
        Bout::across_threads::<Throughput<u64>, End<u64>>(&MPMC_U64),
        Bout::across_threads::<Throughput<[u64; 8]>, End<[u64; 8]>>(&MPMC_64B),
        Bout::across_threads::<TwoProducers<u64>, End<u64>>(&MPMC_2P1C),
        Bout::across_threads::<TwoConsumers<u64>, End<u64>>(&MPMC_1P2C),
    ],
};

#[derive(Debug)]
struct End<T> {
    outgoing: Arc<ArrayQueue<T>>,
    incoming: Arc<ArrayQueue<T>>,
}

impl<T: Send> AcrossThreads for End<T> {
    fn pair(case: &Case) -> (Self, Self) {
        let to_far = Arc::new(ArrayQueue::new(case.capacity));
        let to_near =
            if case.one_queue { Arc::clone(&to_far) } else { Arc::new(ArrayQueue::new(case.capacity)) };
        let far = Self { outgoing: Arc::clone(&to_near), incoming: Arc::clone(&to_far) };
        (Self { outgoing: to_far, incoming: to_near }, far)
    }
}

impl<T> Single<T> for End<T> {
    #[inline]
    fn try_push(&mut self, item: T) -> bool {
        self.outgoing.push(item).is_ok()
    }

    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        self.incoming.pop()
    }
}
