//! Rings of one publisher whose every subscriber sees every item, in the laboratory.

#[cfg(target_arch = "x86_64")]
pub(crate) mod canaries;
mod ledger;
#[cfg(target_arch = "x86_64")]
pub(crate) mod operations;
#[cfg(target_arch = "x86_64")]
pub(crate) mod scene;
mod survivors;

use std::time::Duration;

use ringfence::broadcast::{
    Gate, GatedSubscriber, Options, Publisher, ReadGuard, Ring, Start, Subscriber, open_with,
};
use ringfence::{Attach, AttachError, Payload, Position, PushError, RecvError};

use crate::item::{MAX_LENGTH, Number, Numbered, bytes_of, number_of};
use crate::kind::Pushed;
use crate::rings::attach;

pub(crate) const CAPACITY: u64 = 8;

/// The gate that has a name: whoever takes it after its owner died goes on where that one stopped.
const RECORDER: &str = "recorder";

/// Position of the oldest item that waits where items wait for a recorder.
const OLDEST: u64 = 6;

/// What a ring carries.
pub(crate) trait Load: Payload {
    fn options() -> Options<Self>;
    fn publish(tx: &mut Publisher<Self>, number: Number, limit: Duration) -> Result<Position, PushError>;
    fn recv(rx: &mut Subscriber<Self>, limit: Duration) -> Result<Option<Number>, RecvError>;
    fn recv_gated(rx: &mut GatedSubscriber<Self>, limit: Duration) -> Result<Option<Number>, RecvError>;
    fn read_gated(rx: &mut GatedSubscriber<Self>, limit: Duration) -> Result<ReadGuard<'_, Self>, RecvError>;
    fn look(item: &ReadGuard<'_, Self>) -> Option<Number>;
}

impl Load for Numbered {
    fn options() -> Options<Self> {
        Options::<Self>::new(CAPACITY as usize)
    }

    fn publish(tx: &mut Publisher<Self>, number: Number, limit: Duration) -> Result<Position, PushError> {
        let item = Self::of(number);
        if limit.is_zero() { tx.try_publish(item) } else { tx.publish_timeout(item, limit) }
    }

    fn recv(rx: &mut Subscriber<Self>, limit: Duration) -> Result<Option<Number>, RecvError> {
        let item = if limit.is_zero() { rx.try_recv() } else { rx.recv_timeout(limit) };
        item.map(Self::number)
    }

    fn recv_gated(rx: &mut GatedSubscriber<Self>, limit: Duration) -> Result<Option<Number>, RecvError> {
        let item = if limit.is_zero() { rx.try_recv() } else { rx.recv_timeout(limit) };
        item.map(Self::number)
    }

    fn read_gated(rx: &mut GatedSubscriber<Self>, limit: Duration) -> Result<ReadGuard<'_, Self>, RecvError> {
        if limit.is_zero() { rx.try_read() } else { rx.read_timeout(limit) }
    }

    fn look(item: &ReadGuard<'_, Self>) -> Option<Number> {
        item.get().number()
    }
}

impl Load for [u8] {
    fn options() -> Options<Self> {
        Options::<Self>::new(CAPACITY as usize, MAX_LENGTH)
    }

    fn publish(tx: &mut Publisher<Self>, number: Number, limit: Duration) -> Result<Position, PushError> {
        let item = bytes_of(number);
        if limit.is_zero() { tx.try_publish(&item) } else { tx.publish_timeout(&item, limit) }
    }

    fn recv(rx: &mut Subscriber<Self>, limit: Duration) -> Result<Option<Number>, RecvError> {
        let mut item = Vec::new();
        if limit.is_zero() { rx.try_recv_to(&mut item) } else { rx.recv_to_timeout(&mut item, limit) }?;
        Ok(number_of(&item))
    }

    fn recv_gated(rx: &mut GatedSubscriber<Self>, limit: Duration) -> Result<Option<Number>, RecvError> {
        let mut item = Vec::new();
        if limit.is_zero() { rx.try_recv_to(&mut item) } else { rx.recv_to_timeout(&mut item, limit) }?;
        Ok(number_of(&item))
    }

    fn read_gated(rx: &mut GatedSubscriber<Self>, limit: Duration) -> Result<ReadGuard<'_, Self>, RecvError> {
        if limit.is_zero() { rx.try_read() } else { rx.read_timeout(limit) }
    }

    fn look(item: &ReadGuard<'_, Self>) -> Option<Number> {
        number_of(item)
    }
}

/// What the laboratory's own handles are attached with.
fn patient() -> Attach {
    attach()
}

/// What victims are attached with: one that is held up asks at once by whom, and spends no instructions on waiting.
#[cfg(target_arch = "x86_64")]
fn impatient() -> Attach {
    attach().patience(Duration::ZERO)
}

fn open<P: Load + ?Sized>(name: &str, attach: Attach) -> Ring<P> {
    open_with(name, attach).expect("the laboratory's ring")
}

/// Takes the recorder's gate, with the oldest item that waits, unless somebody had it who stopped elsewhere.
fn recorder<P: Load + ?Sized>(ring: &Ring<P>) -> Result<GatedSubscriber<P>, AttachError> {
    ring.subscribe_gated(RECORDER, Start::At(Position::from_bits(OLDEST)))
}

/// Takes the gate that anyone may have, from the same item on.
fn anyone<P: Load + ?Sized>(ring: &Ring<P>) -> Result<GatedSubscriber<P>, AttachError> {
    ring.subscribe_gated(Gate::Any, Start::At(Position::from_bits(OLDEST)))
}

/// Publishes an item, and says where it went.
fn publish<P: Load + ?Sized>(
    tx: &mut Publisher<P>,
    number: Number,
    limit: Duration,
) -> (Pushed, Option<Position>) {
    match P::publish(tx, number, limit) {
        Ok(position) => (Pushed::Accepted, Some(position)),
        Err(PushError::Full | PushError::Timeout) => (Pushed::Full, None),
        Err(PushError::Closed) => (Pushed::Closed, None),
        Err(error) => (Pushed::Failed(error.to_string()), None),
    }
}

/// What a subscriber found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sight {
    Item {
        position: u64,
        number: Option<Number>,
        redelivered: bool,
    },
    /// Items were overwritten before it had come to them.
    Missed {
        count: u64,
        resumed_at: u64,
    },
    /// No item came before the limit passed.
    Empty,
    Closed,
    Failed(String),
}

impl Sight {
    fn of(error: RecvError) -> Self {
        match error {
            RecvError::Empty | RecvError::Timeout => Self::Empty,
            RecvError::Closed => Self::Closed,
            RecvError::Lagged { missed, resumed_at } => {
                Self::Missed { count: missed, resumed_at: resumed_at.to_bits() }
            }
            error => Self::Failed(error.to_string()),
        }
    }
}

/// A handle that receives.
trait Receive {
    /// Receives an item and releases it, if the handle releases anything; waits up to `limit` while there is none. Those
    /// who can look first do so where `looks` says it.
    fn receive(&mut self, limit: Duration, looks: bool) -> Sight;

    /// The position of the item that comes next.
    fn next(&self) -> u64;

    /// Whether it may miss items.
    fn may_miss(&self) -> bool;
}

impl<P: Load + ?Sized> Receive for Subscriber<P> {
    fn receive(&mut self, limit: Duration, _looks: bool) -> Sight {
        match P::recv(self, limit) {
            Ok(number) => {
                let delivery = self.last().expect("a delivery");
                Sight::Item { position: delivery.first.to_bits(), number, redelivered: delivery.redelivered }
            }
            Err(error) => Sight::of(error),
        }
    }

    fn next(&self) -> u64 {
        self.position().to_bits()
    }

    fn may_miss(&self) -> bool {
        true
    }
}

impl<P: Load + ?Sized> Receive for GatedSubscriber<P> {
    fn receive(&mut self, limit: Duration, looks: bool) -> Sight {
        let result = if looks {
            P::read_gated(self, limit).map(|item| {
                let number = P::look(&item);
                item.release();
                number
            })
        } else {
            P::recv_gated(self, limit)
        };
        match result {
            Ok(number) => {
                let delivery = self.last().expect("a delivery");
                Sight::Item { position: delivery.first.to_bits(), number, redelivered: delivery.redelivered }
            }
            Err(error) => Sight::of(error),
        }
    }

    fn next(&self) -> u64 {
        self.position().to_bits()
    }

    fn may_miss(&self) -> bool {
        self.is_demoted()
    }
}

#[cfg(target_arch = "x86_64")]
mod acts {
    use ringfence::broadcast::Ring;

    crate::rings::acts! {
        producer: Ring::publisher, publish publish_slice;
        consumer: super::recorder, recv recv_slice recv_to;
    }
}
