//! `shaq`'s queue for many producers and consumers: they claim by a compare-and-swap and publish, and release, in the
//! order of their claims, so each waits for those that claimed before it.
//!
//! I1 Each queue is made once, by the near side; whoever else uses it joins.
//! I2 Both sides use the same `T`, which is `u64` or an array of it: valid in any process, any bytes.

use std::fs::File;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail, ensure};
use shaq::error::Error;
use shaq::mpmc::{Consumer, Producer, minimum_file_size};

use crate::cases::{Case, Item, Single};
use crate::contestants::{AcrossProcesses, HandOver};
use crate::shared_lines::{memfd, open_memfd};

pub(crate) struct MpmcEnd<T> {
    tx: Producer<T>,
    rx: Consumer<T>,
    /// Keep the descriptors open that the far side's paths name.
    _queues: [Queue<T>; 2],
}

impl<T: Item> MpmcEnd<T> {
    fn between(outgoing: Queue<T>, incoming: Queue<T>) -> Self {
        let (tx, rx) = (outgoing.producer.clone(), incoming.producer.join_as_consumer());
        Self { tx, rx, _queues: [outgoing, incoming] }
    }
}

impl<T: Item> AcrossProcesses for MpmcEnd<T> {
    fn create(case: &Case) -> Result<(Self, HandOver)> {
        let (to_far, to_far_path) = Queue::create(case)?;
        let (to_near, to_near_path) =
            if case.one_queue { (to_far.clone(), to_far_path.clone()) } else { Queue::create(case)? };
        Ok((Self::between(to_far, to_near), vec![to_far_path, to_near_path].into()))
    }

    fn attach(case: &Case, handed_over: &[String]) -> Result<Self> {
        let [to_far, to_near] = handed_over else { bail!("two paths expected") };
        let to_far = Queue::join(to_far)?;
        let to_near = if case.one_queue { to_far.clone() } else { Queue::join(to_near)? };
        Ok(Self::between(to_near, to_far))
    }
}

/// A queue as this process has it mapped.
#[derive(Clone)]
struct Queue<T> {
    producer: Producer<T>,
    _file: Arc<File>,
}

impl<T: Item> Queue<T> {
    /// With the path under which the far side joins.
    fn create(case: &Case) -> Result<(Self, String)> {
        ensure!(case.capacity.is_power_of_two(), "shaq would make room for more than {}", case.capacity);
        let (file, path) = memfd("ringfence-peers-shaq-mpmc")?;
        // SAFETY: I1, I2; the file is fresh.
        let producer = unsafe { Producer::create(&file, minimum_file_size::<T>(case.capacity)) };
        Ok((Self::new(producer, file)?, path))
    }

    fn join(path: &str) -> Result<Self> {
        let file = open_memfd(path)?;
        // SAFETY: I1, I2; the near side has made it.
        let producer = unsafe { Producer::join(&file) };
        Self::new(producer, file)
    }

    fn new(producer: Result<Producer<T>, Error>, file: File) -> Result<Self> {
        let producer = producer.map_err(|error| anyhow!("{error}"))?;
        Ok(Self { producer, _file: Arc::new(file) })
    }
}

impl<T: Item> Single<T> for MpmcEnd<T> {
    #[inline]
    fn try_push(&mut self, item: T) -> bool {
        self.tx.try_write(item).is_ok()
    }

    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        self.rx.try_read()
    }
}
