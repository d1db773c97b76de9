//! A ring of two words an item with one publisher, readers and gates.
//!
//! A position is said as a step: how far it lies behind the ring's first one. The payload of [`Ring::new`] is a cell, which
//! no two may use at a time, so nobody may be lapped there; of [`Ring::racing`] it is words that may.

use std::rc::Rc;

use crossbeam_utils::CachePadded;

use super::doorbell::wait_for;
use crate::broadcast::algorithm::{
    Absent, Blocked, E1_PUBLISH, Glimpse, Reader, View, Writer, copied, copied_slice, find, first, glimpse,
    resume,
};
use crate::broadcast::gates::{self, GatedReader, Hold};
use crate::broadcast::repair;
pub use crate::broadcast::{Resume, Start};
use crate::doorbell::{Ringer, ring_out};
use crate::halt::End;
use crate::layout::words::{CLOSING, Gate, Shared};
use crate::position::{Position, full};
use crate::slots::Slots;
use crate::sync::Ordering;

/// What an item of that value is.
fn item(value: u64) -> [u64; 2] {
    [value, !value]
}

/// The value of an item, which must be one.
fn whole(item: [u64; 2]) -> u64 {
    assert_eq!(item[1], !item[0], "torn: half of one item, half of another");
    item[0]
}

/// How a ring of models is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy {
    pub gates: usize,
    /// Items may be copied while they are overwritten.
    pub racing: bool,
    /// Both sides may sleep.
    pub bells: bool,
}

#[derive(Clone)]
pub struct Ring {
    shape: Rc<Shape>,
}

struct Shape {
    view: View<[u64; 2]>,
    ringer: Ringer,
}

pub struct Publisher {
    ring: Ring,
    writer: Writer,
}

/// A reader that holds nobody up.
pub struct Subscriber {
    ring: Ring,
    reader: Reader,
    resume: Resume,
}

/// A reader with a gate.
pub struct Gated {
    ring: Ring,
    reader: GatedReader,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// As the item of this step.
    At(u64),
    Full,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    Item {
        step: u64,
        value: u64,
    },
    /// So many, and which step comes next.
    Missed {
        missed: u64,
        next: u64,
    },
    Empty,
    Closed,
}

impl Ring {
    /// A ring at which nobody sleeps, and nobody is lapped.
    pub fn new(capacity: u64, start: u64, gates: usize) -> Self {
        Self::with(capacity, start, Policy { gates, ..Policy::default() })
    }

    /// A ring at which nobody sleeps.
    pub fn racing(capacity: u64, start: u64, gates: usize) -> Self {
        Self::with(capacity, start, Policy { gates, racing: true, ..Policy::default() })
    }

    /// A ring at which everybody may sleep, and nobody is lapped.
    pub fn with_bells(capacity: u64, start: u64, gates: usize) -> Self {
        Self::with(capacity, start, Policy { gates, bells: true, ..Policy::default() })
    }

    pub fn with(capacity: u64, start: u64, Policy { gates, racing, bells }: Policy) -> Self {
        let view = View {
            words: Rc::new(Shared::starting_at(start)),
            slots: if racing { Slots::racing(capacity, start) } else { Slots::new(capacity, start) },
            gates: Rc::new((0..gates).map(|_| CachePadded::new(Gate::unused(start))).collect()),
            start,
        };
        let ringer = if bells { Ringer::fenced() } else { Ringer::asymmetric() };
        Self { shape: Rc::new(Shape { view, ringer }) }
    }

    fn view(&self) -> &View<[u64; 2]> {
        &self.shape.view
    }

    pub fn capacity(&self) -> u64 {
        self.view().slots.capacity()
    }

    fn position(&self, step: u64) -> u64 {
        self.view().start.wrapping_add(step)
    }

    fn step(&self, position: u64) -> u64 {
        Position::of_cursor(position.wrapping_sub(self.view().start)).to_bits()
    }

    /// Where whoever begins with the item of `step` begins.
    pub fn at(&self, step: u64) -> Start {
        Start::At(Position::of_cursor(self.position(step)))
    }

    /// A publisher that goes on behind whatever its predecessor committed.
    pub fn publisher(&self) -> Publisher {
        let tail = repair::publisher(self.view());
        Publisher { ring: self.clone(), writer: Writer::at(tail, self.shape.ringer) }
    }

    pub fn subscriber(&self, start: Start) -> Subscriber {
        let reader = Reader::at(first(self.view(), start));
        Subscriber { ring: self.clone(), reader, resume: Resume::Oldest }
    }

    /// Joins at `gate`, which nobody has.
    pub fn gated(&self, gate: usize, start: Start) -> Gated {
        self.take_gate(gate, false, false, start)
    }

    /// Takes `gate` over: if its owner had joined and it is to be kept, where that one stopped; otherwise joins anew.
    pub fn take_gate(&self, gate: usize, keep: bool, predecessor_died: bool, start: Start) -> Gated {
        let view = self.view();
        let legacy = repair::gate(view, gate, keep, predecessor_died).expect("a sound ring");
        Gated { ring: self.clone(), reader: GatedReader::join(view, gate, legacy, start, self.shape.ringer) }
    }

    /// Frees `gate`, whose owner is dead, and wakes everybody.
    pub fn repair_gate(&self, gate: usize) {
        repair::gate(self.view(), gate, false, true).expect("a sound ring");
        self.ring_out();
    }

    /// Ends the ring without holding the publisher's role.
    pub fn close(&self) {
        self.view().words.status.flags.fetch_or(CLOSING, Ordering::Relaxed);
    }

    /// Wakes everybody, as every attach does.
    pub fn ring_out(&self) {
        ring_out(&self.view().words);
    }
}

impl Publisher {
    /// The step of the next item.
    pub fn next(&self) -> u64 {
        self.ring.step(self.writer.tail())
    }

    pub fn try_publish(&mut self, value: u64) -> Published {
        match self.writer.publish(self.ring.view(), &item(value)) {
            Ok(position) => Published::At(self.ring.step(position)),
            Err(Blocked::Full) => Published::Full,
            Err(Blocked::Ended(End::Closed)) => Published::Closed,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Waits for room, and publishes.
    pub fn publish(&mut self, value: u64) {
        if self.try_publish(value) == Published::Full {
            let Self { ring, writer } = self;
            let words = &ring.view().words;
            wait_for(words, &words.not_full, || match writer.publish(ring.view(), &item(value)) {
                Ok(_) => Some(()),
                Err(Blocked::Full) => None,
                Err(other) => panic!("{other:?}"),
            });
        }
    }

    /// How many of `values` were published; 0: full.
    pub fn try_publish_slice(&mut self, values: &[u64]) -> usize {
        let items: Vec<[u64; 2]> = values.iter().map(|value| item(*value)).collect();
        match self.writer.publish_slice(self.ring.view(), &items) {
            Ok(count) => count,
            Err(Blocked::Full) => 0,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Demotes the gate that holds it up, if one does.
    pub fn demote(&mut self) -> bool {
        self.blocking().is_some_and(|hold| gates::demote(self.ring.view(), hold))
    }

    /// Frees the gate that holds it up, if one does: under the gate's byte, which nobody holds.
    pub fn free(&mut self) -> bool {
        self.blocking().is_some_and(|hold| gates::free(self.ring.view(), hold))
    }

    fn blocking(&self) -> Option<Hold> {
        gates::blocking(self.ring.view(), self.writer.tail()).next().map(|(_, hold)| hold)
    }

    pub fn close(mut self) {
        self.writer.close(self.ring.view());
    }

    /// Dies between the commit and the store of the tail word.
    pub fn die_after_stamp(mut self, value: u64) {
        let view = self.ring.view();
        self.writer.room(view, 1).expect("room");
        self.writer.begin(view);
        let tail = self.writer.tail();
        view.slots.slot(tail).write(&item(value));
        view.slots.slot(tail).stamp().store(full(tail), E1_PUBLISH.release()); // E1
    }
}

impl Subscriber {
    /// Goes on elsewhere than with the oldest item when it is lapped.
    pub fn resuming(self, resume: Resume) -> Self {
        Self { resume, ..self }
    }

    /// The step of the next item.
    pub fn next(&self) -> u64 {
        self.ring.step(self.reader.next())
    }

    /// Receives the next item; `writer_gone` stands for the proof that nobody holds the publisher's lock.
    pub fn try_recv(&mut self, writer_gone: impl FnOnce() -> bool) -> Received {
        let Self { ring, reader, resume } = self;
        let (view, next) = (ring.view(), reader.next());
        let found = match glimpse(view, next) {
            Glimpse::Item(item) => Ok(item),
            Glimpse::Nothing => Err(Absent::Empty),
            Glimpse::Rare => find(view, next, writer_gone)
                .and_then(|()| copied(view, next, || view.slots.slot(next).read())),
        };
        match found {
            Ok(item) => {
                reader.step(1);
                Received::Item { step: ring.step(next), value: whole(item) }
            }
            Err(absent) => Self::absent(ring, reader, *resume, absent),
        }
    }

    fn absent(ring: &Ring, reader: &mut Reader, how: Resume, absent: Absent) -> Received {
        match absent {
            Absent::Empty => Received::Empty,
            Absent::Ended(End::Closed) => Received::Closed,
            Absent::Lapped => {
                let next = reader.next();
                let resumed = resume(ring.view(), next, how);
                reader.skip_to(resumed);
                Received::Missed { missed: ring.step(resumed) - ring.step(next), next: ring.step(resumed) }
            }
            other => panic!("{other:?}"),
        }
    }

    /// Receives up to `values.len()` items, and says how many.
    pub fn try_recv_slice(&mut self, values: &mut [u64]) -> Result<usize, Received> {
        let Self { ring, reader, resume } = self;
        let (view, next) = (ring.view(), reader.next());
        let mut items = vec![[0; 2]; values.len()];
        match find(view, next, || false).and_then(|()| copied_slice(view, next, &mut items)) {
            Ok(count) => {
                reader.step(count as u64);
                for (value, item) in values.iter_mut().zip(items).take(count) {
                    *value = whole(item);
                }
                Ok(count)
            }
            Err(absent) => Err(Self::absent(ring, reader, *resume, absent)),
        }
    }

    /// Receives the newest item; `None` where it was overwritten whenever it was tried.
    pub fn latest(&mut self) -> Option<Received> {
        let Self { ring, reader, .. } = self;
        let view = ring.view();
        let copy = |position| (position, view.slots.slot(position).read::<[u64; 2]>());
        Some(match reader.latest(view, || false, copy)? {
            Ok((position, item)) => Received::Item { step: ring.step(position), value: whole(item) },
            Err(Absent::Empty) => Received::Empty,
            Err(other) => panic!("{other:?}"),
        })
    }

    /// Waits for an item, and receives it; `None` at the end of the ring.
    pub fn recv(&mut self) -> Option<u64> {
        let words = Rc::clone(&self.ring.view().words);
        wait_for(&words, &words.not_empty, || match self.try_recv(|| false) {
            Received::Item { value, .. } => Some(Some(value)),
            Received::Closed => Some(None),
            Received::Empty => None,
            missed => panic!("{missed:?}"),
        })
    }
}

impl Gated {
    /// The step from which on nothing is missed.
    pub fn joined(&self) -> u64 {
        self.ring.step(self.reader.joined())
    }

    /// The step of the oldest item that is not released.
    pub fn head(&self) -> u64 {
        self.ring.step(self.reader.head())
    }

    pub fn is_demoted(&self) -> bool {
        self.reader.is_demoted(self.ring.view())
    }

    /// Looks at the oldest item that is not released, and says whether somebody may have looked at it before.
    pub fn try_read(&mut self) -> (Received, bool) {
        let Self { ring, reader } = self;
        let (view, head) = (ring.view(), reader.head());
        let seen = reader.seen_from(head) > 0;
        let found =
            find(view, head, || false).and_then(|()| copied(view, head, || view.slots.slot(head).read()));
        let received = match found {
            Ok(item) => {
                reader.note(view, head.wrapping_add(1));
                Received::Item { step: ring.step(head), value: whole(item) }
            }
            Err(Absent::Empty) => Received::Empty,
            Err(Absent::Lapped) => {
                if let Err(absent) = reader.may_miss(view, head) {
                    panic!("{absent:?}: an item that the gate held was overwritten");
                }
                let resumed = resume(view, head, Resume::Oldest);
                reader.release_to(view, resumed);
                Received::Missed { missed: ring.step(resumed) - ring.step(head), next: ring.step(resumed) }
            }
            Err(other) => panic!("{other:?}"),
        };
        (received, seen)
    }

    /// Releases the oldest item.
    pub fn release(&mut self) {
        self.reader.release(self.ring.view(), 1);
    }

    /// Receives the oldest item.
    pub fn try_recv(&mut self) -> Received {
        let Self { ring, reader } = self;
        let head = reader.head();
        match glimpse(ring.view(), head) {
            Glimpse::Item(item) if reader.seen_from(head) == 0 => {
                reader.release(ring.view(), 1);
                return Received::Item { step: ring.step(head), value: whole(item) };
            }
            Glimpse::Nothing => return Received::Empty,
            _ => {}
        }
        let (received, _) = self.try_read();
        if let Received::Item { .. } = received {
            self.release();
        }
        received
    }

    /// Looks at the next item that it did not look at, without releasing it.
    pub fn try_read_ahead(&mut self) -> Received {
        let Self { ring, reader } = self;
        let (view, ahead) = (ring.view(), reader.ahead());
        match find(view, ahead, || false).and_then(|()| copied(view, ahead, || view.slots.slot(ahead).read()))
        {
            Ok(item) => {
                reader.step_ahead(view);
                Received::Item { step: ring.step(ahead), value: whole(item) }
            }
            Err(Absent::Empty) => Received::Empty,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Waits for an item, and receives it.
    pub fn recv(&mut self) -> u64 {
        let words = Rc::clone(&self.ring.view().words);
        wait_for(&words, &words.not_empty, || match self.try_recv() {
            Received::Item { value, .. } => Some(value),
            Received::Empty => None,
            other => panic!("{other:?}"),
        })
    }

    /// Leaves, and wakes everybody, as every detach does.
    pub fn leave(self) {
        self.reader.leave(self.ring.view());
        self.ring.ring_out();
    }
}

/// What no participant may do: each of these must make a model fail, or the models would not see what it prevents.
pub mod wrong {
    use super::*;

    /// Receives what is in the slot of an item that was found, without looking whether it was there all the time.
    pub fn recv_without_a_second_look(subscriber: &mut Subscriber) -> Option<u64> {
        let (view, next) = (subscriber.ring.view(), subscriber.reader.next());
        find(view, next, || false).ok()?;
        Some(whole(view.slots.slot(next).read()))
    }

    /// Receives items, and looks only at the stamp of the last one of them again.
    pub fn recv_two_by_the_second(subscriber: &mut Subscriber) -> Option<[u64; 2]> {
        let (view, next) = (subscriber.ring.view(), subscriber.reader.next());
        let second = next.wrapping_add(1);
        find(view, next, || false).ok()?;
        find(view, second, || false).ok()?;
        let copy = || [next, second].map(|it| whole(view.slots.slot(it).read()));
        copied(view, second, copy).ok()
    }

    /// Publishes, and asks the gates without a fence.
    pub fn publish_without_a_fence(publisher: &mut Publisher, value: u64) -> bool {
        let (view, tail) = (publisher.ring.view(), publisher.writer.tail());
        let room = gates::room(view, tail, tail.wrapping_add(view.slots.capacity())) > 0;
        if room {
            publisher.writer.begin(view);
            view.slots.slot(tail).write(&item(value));
            publisher.writer.commit(view);
        }
        room
    }
}
