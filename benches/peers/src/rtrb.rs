//! `rtrb`: the reference among in-process queues, between two threads.

use rtrb::{Consumer, Producer, RingBuffer};

use crate::cases::{
    Batches, Bulk, Case, Chunks, RoundTrip, SPSC_64B, SPSC_BATCH_U64, SPSC_RTT_U64, SPSC_U64, STREAM_1KIB,
    STREAM_64B, STREAM_64KIB, STREAM_BATCH_U64, Single, Throughput,
};
use crate::contestants::{AcrossThreads, Bout, Contestant};

pub(crate) static RTRB: Contestant = Contestant {
    name: "rtrb",
    about: "rtrb, two threads of one process; batches and chunks by its slice copies",
    ours: false,
    bouts: &[
        Bout::across_threads::<RoundTrip<u64>, End<u64>>(&SPSC_RTT_U64),
        Bout::across_threads::<Throughput<u64>, End<u64>>(&SPSC_U64),
        Bout::across_threads::<Throughput<[u64; 8]>, End<[u64; 8]>>(&SPSC_64B),
        Bout::across_threads::<Batches<u64>, End<u64>>(&SPSC_BATCH_U64),
        Bout::across_threads::<Batches<u64>, End<u64>>(&STREAM_BATCH_U64),
        Bout::across_threads::<Chunks<64>, End<u8>>(&STREAM_64B),
        Bout::across_threads::<Chunks<1024>, End<u8>>(&STREAM_1KIB),
        Bout::across_threads::<Chunks<65536>, End<u8>>(&STREAM_64KIB),
    ],
};

#[derive(Debug)]
struct End<T> {
    tx: Producer<T>,
    rx: Consumer<T>,
}

impl<T: Send> AcrossThreads for End<T> {
    fn pair(case: &Case) -> (Self, Self) {
        let (to_far, from_near) = RingBuffer::new(case.capacity);
        let (to_near, from_far) = RingBuffer::new(case.capacity);
        (Self { tx: to_far, rx: from_far }, Self { tx: to_near, rx: from_near })
    }
}

impl<T> Single<T> for End<T> {
    #[inline]
    fn try_push(&mut self, item: T) -> bool {
        self.tx.push(item).is_ok()
    }

    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        self.rx.pop().ok()
    }
}

impl<T: Copy> Bulk<T> for End<T> {
    #[inline]
    fn try_push_slice(&mut self, items: &[T]) -> usize {
        let (pushed, _) = self.tx.push_partial_slice(items);
        pushed.len()
    }

    #[inline]
    fn try_pop_slice(&mut self, items: &mut [T]) -> usize {
        let (popped, _) = self.rx.pop_partial_slice(items);
        popped.len()
    }
}
