//! Streams of elements, in the laboratory.

use std::time::Duration;

use ringfence::stream::{Options, Reader, Ring, Writer, open_with};
use ringfence::{AttachError, PopError, PushError};

use crate::item::{Number, Numbered};
use crate::kind::{Found, Kind, Push, Pushed, Take};
use crate::rings::attach;

#[cfg(target_arch = "x86_64")]
pub(crate) mod operations;

/// A stream of elements.
pub(crate) struct Stream;

impl Push for Writer<Numbered> {
    fn push(&mut self, number: Number, limit: Duration) -> Pushed {
        let item = Numbered::of(number);
        match if limit.is_zero() { self.try_push(item) } else { self.push_timeout(item, limit) } {
            Ok(_) => Pushed::Accepted,
            Err(PushError::Full | PushError::Timeout) => Pushed::Full,
            Err(PushError::Closed) => Pushed::Closed,
            Err(error) => Pushed::Failed(error.to_string()),
        }
    }
}

impl Take for Reader<Numbered> {
    fn read(&mut self, limit: Duration, mut look: impl FnMut(Option<Number>, bool)) -> Found {
        let items = if limit.is_zero() { self.try_read_slice(1) } else { self.read_slice_timeout(1, limit) };
        match items {
            Ok(items) => {
                let (number, redelivered) = (items.get(0).and_then(Numbered::number), items.redelivered());
                look(number, redelivered);
                items.release();
                Found::Item { number, redelivered }
            }
            Err(error) => nothing(error),
        }
    }

    fn pop(&mut self, limit: Duration) -> Found {
        match if limit.is_zero() { self.try_pop() } else { self.pop_timeout(limit) } {
            Ok(item) => {
                let redelivered = self.last().expect("a delivery").redelivered;
                Found::Item { number: item.number(), redelivered }
            }
            Err(error) => nothing(error),
        }
    }
}

fn nothing(error: PopError) -> Found {
    match error {
        PopError::Empty | PopError::Timeout => Found::Empty,
        PopError::Closed => Found::Closed,
        error => Found::Failed(error.to_string()),
    }
}

impl Kind for Stream {
    type Ring = Ring<Numbered>;
    type Producer = Writer<Numbered>;
    type Consumer = Reader<Numbered>;
    type Error = AttachError;
    const CAPACITY: u64 = 8;
    const IS_EXCLUSIVE: bool = true;

    fn create(name: &str) -> Ring<Numbered> {
        Options::<Numbered>::new(Self::CAPACITY as usize).attach(attach()).create(name).expect("a ring")
    }

    fn open(name: &str) -> Ring<Numbered> {
        open_with(name, attach()).expect("the laboratory's ring")
    }

    fn producer(ring: &Ring<Numbered>) -> Result<Writer<Numbered>, AttachError> {
        ring.writer()
    }

    fn consumer(ring: &Ring<Numbered>) -> Result<Reader<Numbered>, AttachError> {
        ring.reader()
    }

    fn repair(ring: &Ring<Numbered>) -> Result<usize, AttachError> {
        ring.repair().map(|report| report.repaired.len())
    }
}

/// What victims do, between [`Stage::begin`](crate::victim::Stage::begin) and its end.
#[cfg(target_arch = "x86_64")]
pub(crate) mod acts {
    use ringfence::stream::Ring;

    crate::rings::acts! {
        producer: Ring::writer, push push_slice;
        consumer: Ring::reader, pop pop_slice;
    }

    pub(crate) fn claim_and_commit(ring: &Elements, stage: &Stage, source: u32) {
        let mut tx = ring.writer().expect("a handle");
        let items = [0, 1].map(|sequence| Numbered::of(Number { source, sequence }));
        stage.begin();
        // In one piece: the third lies behind the end of the memory.
        let mut claim = tx.claim_slice(3).expect("room");
        let filled = claim.append_slice(&items);
        let committed = claim.commit();
        stage.end();
        assert_eq!((filled, committed.is_ok()), (2, true));
        note_accepted(stage, source, 2);
        stage.rest();
    }

    pub(crate) fn batch_read_and_release(ring: &Elements, stage: &Stage, _source: u32) {
        let mut rx = ring.reader().expect("a handle");
        stage.begin();
        let items = rx.read_slice(2).expect("items");
        let redelivered = items.redelivered();
        items.iter().for_each(|item| stage.note(Entry::sight(item.number(), redelivered)));
        let numbers = [0, 1].map(|index| items.get(index).and_then(Numbered::number));
        items.release();
        stage.end();
        numbers.into_iter().flatten().for_each(|number| stage.note(Entry::Released(number)));
        stage.rest();
    }
}
