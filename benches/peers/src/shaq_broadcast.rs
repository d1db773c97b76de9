//! `shaq`'s broadcast queue: a lane for each producer, of which every consumer reads every item. A producer is refused
//! as long as the slowest consumer has not read what its item would overwrite, so no item is lost.
//!
//! I1 Each queue is made once, by the near side; the far side joins.
//! I2 Both sides use the same `T`, which is `u64` or an array of it: valid in any process, any bytes.

use std::fs::File;

use anyhow::{Result, anyhow, bail, ensure};
use shaq::broadcast::{Broadcast, BroadcastConfig, Consumer, Producer, ProducerId};
use shaq::error::Error;

use crate::cases::{Case, Item, Single};
use crate::contestants::{AcrossProcesses, HandOver};
use crate::shared_lines::{memfd, open_memfd};

pub(crate) struct BroadcastEnd<T: Copy> {
    tx: Producer<T>,
    rx: Consumer<T>,
    /// Keep the descriptors open that the far side's paths name.
    _files: [File; 2],
}

impl<T: Item> BroadcastEnd<T> {
    fn between(outgoing: Queue<T>, incoming: Queue<T>) -> Result<Self> {
        let tx = outgoing.broadcast.producer(ProducerId::new(0)).map_err(no_handle)?;
        let rx = incoming.broadcast.consumer().map_err(no_handle)?;
        Ok(Self { tx, rx, _files: [outgoing.file, incoming.file] })
    }
}

impl<T: Item> AcrossProcesses for BroadcastEnd<T> {
    fn create(case: &Case) -> Result<(Self, HandOver)> {
        let (to_far, to_far_path) = Queue::create(case)?;
        let (to_near, to_near_path) = Queue::create(case)?;
        Ok((Self::between(to_far, to_near)?, vec![to_far_path, to_near_path].into()))
    }

    fn attach(_: &Case, handed_over: &[String]) -> Result<Self> {
        let [to_far, to_near] = handed_over else { bail!("two paths expected") };
        Self::between(Queue::join(to_near)?, Queue::join(to_far)?)
    }
}

/// A queue as this process has it mapped.
struct Queue<T> {
    broadcast: Broadcast<T>,
    file: File,
}

impl<T: Item> Queue<T> {
    /// With the path under which the far side joins.
    fn create(case: &Case) -> Result<(Self, String)> {
        ensure!(case.capacity.is_power_of_two(), "shaq would make room for more than {}", case.capacity);
        let (file, path) = memfd("ringfence-peers-shaq-broadcast")?;
        let config = BroadcastConfig { capacity: case.capacity, producer_slots: 1, consumer_slots: 1 };
        // SAFETY: I1, I2; the file is fresh.
        let broadcast = unsafe { Broadcast::create(&file, config) }.map_err(no_handle)?;
        Ok((Self { broadcast, file }, path))
    }

    fn join(path: &str) -> Result<Self> {
        let file = open_memfd(path)?;
        // SAFETY: I1, I2; the near side has made it.
        let broadcast = unsafe { Broadcast::join(&file) }.map_err(no_handle)?;
        Ok(Self { broadcast, file })
    }
}

fn no_handle(error: Error) -> anyhow::Error {
    anyhow!("{error}")
}

impl<T: Item> Single<T> for BroadcastEnd<T> {
    #[inline]
    fn try_push(&mut self, item: T) -> bool {
        self.tx.try_write(item).is_ok()
    }

    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        self.rx.try_read()
    }
}
