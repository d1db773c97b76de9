//! A ring of `u64` with one producer and one consumer.

use std::rc::Rc;

use super::doorbell::wait_for;
use crate::doorbell::{Ringer, ring_out};
use crate::halt::{Absent, Blocked, End};
use crate::layout::words::{CLOSING, Shared};
use crate::slots::{Slots, View};
use crate::spsc::algorithm::{E1_PUBLISH, Popped, Reader, Writer};
use crate::spsc::repair;
use crate::sync::Ordering;

pub struct Ring {
    view: View<u64>,
    ringer: Ringer,
}

pub struct Producer {
    view: View<u64>,
    writer: Writer,
}

pub struct Consumer {
    view: View<u64>,
    reader: Reader,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pop {
    /// The item, and whether it may have been looked at before.
    Item(u64, bool),
    Empty,
    Closed,
}

impl Ring {
    /// A ring at which nobody sleeps.
    pub fn new(capacity: u64, start: u64) -> Self {
        Self::with(capacity, start, Ringer::asymmetric())
    }

    /// A ring at which both sides may sleep.
    pub fn with_bells(capacity: u64, start: u64) -> Self {
        Self::with(capacity, start, Ringer::fenced())
    }

    fn with(capacity: u64, start: u64, ringer: Ringer) -> Self {
        let words = Rc::new(Shared::starting_at(start));
        Self { view: View { words, slots: Slots::new(capacity, start) }, ringer }
    }

    fn view(&self) -> View<u64> {
        View { words: Rc::clone(&self.view.words), slots: self.view.slots.clone() }
    }

    /// A producer that goes on behind whatever its predecessor committed.
    pub fn producer(&self) -> Producer {
        let view = self.view();
        let writer = Writer::at(repair::producer(&view), self.ringer);
        Producer { view, writer }
    }

    /// A consumer that goes on behind whatever its predecessor released.
    pub fn consumer(&self, predecessor_died: bool) -> Consumer {
        let view = self.view();
        let (head, seen) = repair::consumer(&view, predecessor_died).expect("a sound ring");
        Consumer { view, reader: Reader::at(head, seen, self.ringer) }
    }

    /// Ends the ring without holding the producer's role.
    pub fn close(&self) {
        self.view.words.status.flags.fetch_or(CLOSING, Ordering::Relaxed);
    }

    /// Wakes everybody, as every attach does.
    pub fn ring_out(&self) {
        ring_out(&self.view.words);
    }
}

impl Producer {
    /// `false`: full.
    pub fn try_push(&mut self, value: u64) -> bool {
        Self::attempt(&self.view, &mut self.writer, value)
    }

    fn attempt(view: &View<u64>, writer: &mut Writer, value: u64) -> bool {
        match writer.push(view, &value) {
            Ok(_) => true,
            Err(Blocked::Full) => false,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Waits for room, and pushes.
    pub fn push(&mut self, value: u64) {
        let Self { view, writer } = self;
        if !Self::attempt(view, writer, value) {
            let words = &view.words;
            wait_for(words, &words.not_full, || Self::attempt(view, writer, value).then_some(()));
        }
    }

    /// Like `try_push`, where the ring may be closed: `None` then.
    pub fn try_push_unless_closed(&mut self, value: u64) -> Option<bool> {
        match self.writer.push(&self.view, &value) {
            Ok(_) => Some(true),
            Err(Blocked::Full) => Some(false),
            Err(Blocked::Ended(End::Closed)) => None,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// How many of `values` were pushed; 0: full.
    pub fn try_push_slice(&mut self, values: &[u64]) -> usize {
        match self.writer.push_slice(&self.view, values) {
            Ok(count) => count,
            Err(Blocked::Full) => 0,
            Err(other) => panic!("{other:?}"),
        }
    }

    pub fn close(mut self) {
        self.writer.close(&self.view);
    }

    /// Dies with the payload written and not committed.
    pub fn die_before_commit(mut self, value: u64) {
        if self.writer.room(&self.view, 1).is_ok() {
            self.view.slots.slot(self.writer.tail()).write(&value);
        }
    }

    /// Dies between the commit and the store of the tail word; says whether there was room.
    pub fn die_after_stamp(mut self, value: u64) -> bool {
        let room = self.writer.room(&self.view, 1).is_ok();
        if room {
            let tail = self.writer.tail();
            self.view.slots.slot(tail).write(&value);
            self.view.slots.slot(tail).stamp().store(crate::position::full(tail), E1_PUBLISH.release()); // E1
        }
        room
    }
}

impl Consumer {
    /// Takes the oldest item; `writer_gone` stands for the proof that nobody holds the producer's lock.
    pub fn try_pop(&mut self, writer_gone: impl FnOnce() -> bool) -> Pop {
        Self::attempt(&self.view, &mut self.reader, writer_gone)
    }

    fn attempt(view: &View<u64>, reader: &mut Reader, writer_gone: impl FnOnce() -> bool) -> Pop {
        match reader.pop(view) {
            Popped::Item(value) => return Pop::Item(value, false),
            Popped::Nothing => return Pop::Empty,
            Popped::Rare => {}
        }
        let head = reader.head();
        match reader.find(view, head, writer_gone) {
            Ok(()) => {
                let seen = reader.seen_from(head) > 0;
                Pop::Item(reader.take(view), seen)
            }
            Err(Absent::Empty) => Pop::Empty,
            Err(Absent::Ended(End::Closed)) => Pop::Closed,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Waits for an item, and takes it; `None` at the end of the ring.
    pub fn pop(&mut self) -> Option<u64> {
        let Self { view, reader } = self;
        let mut found = Self::attempt(view, reader, || false);
        if found == Pop::Empty {
            let words = &view.words;
            found = wait_for(words, &words.not_empty, || {
                Some(Self::attempt(view, reader, || false)).filter(|it| *it != Pop::Empty)
            });
        }
        match found {
            Pop::Item(value, _) => Some(value),
            _ => None,
        }
    }

    /// Takes up to `values.len()` of the oldest items.
    pub fn try_pop_slice(&mut self, values: &mut [u64]) -> usize {
        let head = self.reader.head();
        let count = self.reader.run(&self.view, head, values.len() as u64) as usize;
        if count > 0 {
            self.reader.take_slice(&self.view, &mut values[..count]);
        }
        count
    }

    /// Looks at the next item that was not looked at, without releasing it.
    pub fn try_read_ahead(&mut self) -> Pop {
        let position = self.reader.ahead();
        match self.reader.find(&self.view, position, || false) {
            Ok(()) => {
                let seen = self.reader.seen_from(position) > 0;
                self.reader.step_ahead(&self.view);
                Pop::Item(self.view.slots.slot(position).read(), seen)
            }
            Err(Absent::Empty) => Pop::Empty,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Releases the `count` oldest items.
    pub fn release(&mut self, count: u64) {
        self.reader.release(&self.view, count);
    }

    /// Copies the oldest slot without asking its stamp: what no consumer may do.
    pub fn pop_blindly(&mut self) -> u64 {
        self.reader.take(&self.view)
    }
}
