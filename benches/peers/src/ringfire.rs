//! `ringfire`: a ring for one producer and many consumers over a file in `/dev/shm`, lossless: the producer is refused
//! where it would overwrite what a registered consumer has not read.
//!
//! A ring is made by its producer and by nobody else, so each side makes its own, and the near side attaches to the far
//! one's when the sides meet.

use anyhow::{Context as _, Result, bail, ensure};
use ringfire::{FlowControl, RingConsumer, RingProducer, RingProducerBuilder, RingfireError};

use crate::cases::{
    BROADCAST_1TO1_64B, BROADCAST_1TO1_U64, BROADCAST_RTT_U64, Case, Item, RoundTrip, Single, Throughput,
};
use crate::cleanup::{Cleanup, SHARED_MEMORY};
use crate::contestants::{AcrossProcesses, Bout, Contestant, HandOver};

pub(crate) static RINGFIRE: Contestant = Contestant {
    name: "ringfire",
    about: "ringfire's ring for one producer and many consumers, lossless, across processes",
    ours: false,
    bouts: &[
        Bout::across_processes::<RoundTrip<u64>, End<u64>>(&BROADCAST_RTT_U64),
        Bout::across_processes::<Throughput<u64>, End<u64>>(&BROADCAST_1TO1_U64),
        Bout::across_processes::<Throughput<[u64; 8]>, End<[u64; 8]>>(&BROADCAST_1TO1_64B),
    ],
};

struct End<T: Item + 'static> {
    tx: RingProducer<T>,
    /// `None` on the near side until the sides have met.
    rx: Option<RingConsumer<T>>,
    incoming: String,
    /// The near side removes the files of both.
    _names: Option<Cleanup>,
}

impl<T: Item + 'static> AcrossProcesses for End<T> {
    fn create(case: &Case) -> Result<(Self, HandOver)> {
        let (beginning, names) = Cleanup::of_all_named("ringfire")?;
        let to_far = format!("{SHARED_MEMORY}/{beginning}to-far");
        let to_near = format!("{SHARED_MEMORY}/{beginning}to-near");
        let tx = producer(case, &to_far)?;
        let end = Self { tx, rx: None, incoming: to_near.clone(), _names: Some(names) };
        Ok((end, vec![to_far, to_near].into()))
    }

    fn attach(case: &Case, handed_over: &[String]) -> Result<Self> {
        let [to_far, to_near] = handed_over else { bail!("two paths expected") };
        let mut end = Self { tx: producer(case, to_near)?, rx: None, incoming: to_far.clone(), _names: None };
        end.meet()?;
        Ok(end)
    }

    fn meet(&mut self) -> Result<()> {
        let path = &self.incoming;
        self.rx = Some(RingConsumer::attach(path).with_context(|| format!("attaching to {path}"))?);
        Ok(())
    }
}

fn producer<T: Item + 'static>(case: &Case, path: &str) -> Result<RingProducer<T>> {
    let builder = RingProducerBuilder::new(case.capacity as u64);
    let builder = builder.flow_control(FlowControl::LosslessBackpressure).max_readers(1);
    let tx = builder.build::<T, _>(path).with_context(|| format!("creating {path}"))?;
    ensure!(tx.capacity() == case.capacity as u64, "ringfire made {} items of room", tx.capacity());
    Ok(tx)
}

impl<T: Item + 'static> Single<T> for End<T> {
    #[inline]
    fn try_push(&mut self, item: T) -> bool {
        match self.tx.try_push(&item) {
            Ok(()) => true,
            Err(RingfireError::BackpressureBufferFull) => false,
            Err(error) => cannot_push(&error),
        }
    }

    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        self.rx.as_mut()?.try_recv()
    }
}

#[cold]
fn cannot_push(error: &RingfireError) -> ! {
    panic!("ringfire cannot push: {error}")
}
