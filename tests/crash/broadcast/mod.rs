//! Rings of one publisher whose every subscriber sees every item, in the laboratory.

#[cfg(target_arch = "x86_64")]
pub(crate) mod canaries;
mod ledger;
#[cfg(target_arch = "x86_64")]
pub(crate) mod operations;
#[cfg(target_arch = "x86_64")]
pub(crate) mod scene;
pub(crate) mod soak;
mod survivors;

use std::time::Duration;

use ringfence::broadcast::{
    Delivery, Gate, GatedSubscriber, Options, Publisher, ReadGuard, Ring, Start, Subscriber, open_with,
};
use ringfence::{Attach, AttachError, Payload, Position, PushError, RecvError};

use crate::item::{MAX_LENGTH, Number, Numbered, bytes_of, number_of};
use crate::kind::Pushed;
use crate::rings::attach;

pub(crate) const CAPACITY: u64 = 8;

/// The gate that has a name: whoever takes it after its owner died goes on where that one stopped.
const RECORDER: &str = "recorder";

/// The gate of a survivor.
const SURVIVOR_GATE: &str = "survivor";

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

/// A handle that receives.
trait Receive {
    /// Hands an item to `look`, and then releases it, if the handle releases anything; waits up to `limit` while there is
    /// none.
    fn read(&mut self, limit: Duration, look: impl FnMut(Option<Number>, bool)) -> Sight;

    /// The same in one call, in which copy and release are one.
    fn receive(&mut self, limit: Duration) -> Sight;

    /// The position of the item that comes next.
    fn next(&self) -> u64;

    /// Whether it may miss items.
    fn may_miss(&self) -> bool;
}

/// What a delivery comes to, of which `last` tells where it was.
fn sight(received: Result<Option<Number>, RecvError>, last: Option<Delivery>) -> Sight {
    match received {
        Ok(number) => {
            let Delivery { first, redelivered, .. } = last.expect("a delivery");
            Sight::Item { position: first.to_bits(), number, redelivered }
        }
        Err(RecvError::Empty | RecvError::Timeout) => Sight::Empty,
        Err(RecvError::Closed) => Sight::Closed,
        Err(RecvError::Lagged { missed, resumed_at }) => {
            Sight::Missed { count: missed, resumed_at: resumed_at.to_bits() }
        }
        Err(error) => Sight::Failed(error.to_string()),
    }
}

impl<P: Load + ?Sized> Receive for Subscriber<P> {
    fn read(&mut self, limit: Duration, mut look: impl FnMut(Option<Number>, bool)) -> Sight {
        let sight = self.receive(limit);
        if let Sight::Item { number, redelivered, .. } = sight {
            look(number, redelivered);
        }
        sight
    }

    fn receive(&mut self, limit: Duration) -> Sight {
        sight(P::recv(self, limit), self.last())
    }

    fn next(&self) -> u64 {
        self.position().to_bits()
    }

    fn may_miss(&self) -> bool {
        true
    }
}

impl<P: Load + ?Sized> Receive for GatedSubscriber<P> {
    fn read(&mut self, limit: Duration, mut look: impl FnMut(Option<Number>, bool)) -> Sight {
        let read = P::read_gated(self, limit).map(|item| {
            let number = P::look(&item);
            look(number, item.redelivered());
            item.release();
            number
        });
        sight(read, self.last())
    }

    fn receive(&mut self, limit: Duration) -> Sight {
        sight(P::recv_gated(self, limit), self.last())
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
        consumer: super::recorder, recv recv_slice;
    }

    crate::rings::slot_acts! {
        producer: Ring::publisher, publish;
        consumer: super::recorder, recv_to;
    }
}
