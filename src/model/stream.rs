//! Streams with one writer and one reader: of `u64`, and of records of whole words.

use std::rc::Rc;

use super::doorbell::wait_for;
use crate::doorbell::{Ringer, ring_out};
use crate::halt::{Absent, Blocked, End};
use crate::layout::words::{CLOSING, Shared};
use crate::packed::{Packed, View};
use crate::stream::algorithm;
use crate::stream::{frames, repair};
use crate::sync::Ordering;

pub struct Ring {
    view: View<u64>,
    ringer: Ringer,
}

pub struct Writer {
    view: View<u64>,
    writer: algorithm::Writer,
}

pub struct Reader {
    view: View<u64>,
    reader: algorithm::Reader,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pop {
    /// So many, and whether they may have been looked at before.
    Items(usize, bool),
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
        Self { view: View { words, units: Packed::new(capacity) }, ringer }
    }

    fn view(&self) -> View<u64> {
        View { words: Rc::clone(&self.view.words), units: self.view.units.clone() }
    }

    /// A writer that goes on behind whatever its predecessor committed.
    pub fn writer(&self) -> Writer {
        let view = self.view();
        let writer = algorithm::Writer::at(repair::writer(&view).expect("a sound ring"), self.ringer);
        Writer { view, writer }
    }

    /// A reader that goes on behind whatever its predecessor released.
    pub fn reader(&self) -> Reader {
        let view = self.view();
        let (head, seen) = repair::reader(&view).expect("a sound ring");
        Reader { view, reader: algorithm::Reader::at(head, seen, self.ringer) }
    }

    /// Ends the ring without holding the writer's role.
    pub fn close(&self) {
        self.view.words.status.flags.fetch_or(CLOSING, Ordering::Relaxed);
    }

    /// Wakes everybody, as every attach does.
    pub fn ring_out(&self) {
        ring_out(&self.view.words);
    }
}

impl Writer {
    fn attempt(view: &View<u64>, writer: &mut algorithm::Writer, values: &[u64]) -> Option<usize> {
        match writer.room(view, 1, values.len() as u64) {
            Ok(room) => {
                let count = values.len().min(room as usize);
                view.units.write(writer.tail(), &values[..count]);
                writer.commit(view, count as u64);
                Some(count)
            }
            Err(Blocked::Full) => Some(0),
            Err(Blocked::Ended(End::Closed)) => None,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// How many of `values` were pushed; 0: full. `None` where the ring is closed.
    pub fn try_push(&mut self, values: &[u64]) -> Option<usize> {
        Self::attempt(&self.view, &mut self.writer, values)
    }

    /// Waits for room, and pushes some of `values`.
    pub fn push(&mut self, values: &[u64]) -> usize {
        let Self { view, writer } = self;
        let mut attempt = || Self::attempt(view, writer, values).filter(|count| *count > 0);
        match attempt() {
            Some(count) => count,
            None => wait_for(&view.words, &view.words.not_full, attempt),
        }
    }

    pub fn close(mut self) {
        self.writer.close(&self.view);
    }

    /// Dies with units written and not committed.
    pub fn die_before_commit(mut self, value: u64) {
        if self.writer.room(&self.view, 1, 1).is_ok() {
            self.view.units.write(self.writer.tail(), &[value]);
        }
    }
}

impl Reader {
    fn attempt(
        view: &View<u64>,
        reader: &mut algorithm::Reader,
        values: &mut [u64],
        writer_gone: impl FnOnce() -> bool,
    ) -> Pop {
        let head = reader.head();
        match reader.find(view, head, values.len() as u64, writer_gone) {
            Ok(there) => {
                let seen = reader.seen_from(head);
                let count = if seen > 0 { there.min(seen) } else { there };
                let count = values.len().min(count as usize);
                view.units.read(head, &mut values[..count]);
                reader.release(view, count as u64);
                Pop::Items(count, seen > 0)
            }
            Err(Absent::Empty) => Pop::Empty,
            Err(Absent::Ended(End::Closed)) => Pop::Closed,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Takes up to `values.len()` of the oldest units; `writer_gone` stands for the proof that nobody holds the writer's lock.
    pub fn try_pop(&mut self, values: &mut [u64], writer_gone: impl FnOnce() -> bool) -> Pop {
        Self::attempt(&self.view, &mut self.reader, values, writer_gone)
    }

    /// Waits for units, and takes up to `values.len()` of them; `None` at the end of the ring.
    pub fn pop(&mut self, values: &mut [u64]) -> Option<usize> {
        let Self { view, reader } = self;
        let mut attempt =
            || Some(Self::attempt(view, reader, values, || false)).filter(|it| *it != Pop::Empty);
        let found = match attempt() {
            Some(found) => found,
            None => wait_for(&view.words, &view.words.not_empty, attempt),
        };
        match found {
            Pop::Items(count, _) => Some(count),
            _ => None,
        }
    }

    /// Looks at the next unit that was not looked at, without releasing it.
    pub fn try_read_ahead(&mut self) -> Option<(u64, bool)> {
        let position = self.reader.ahead();
        self.reader.find(&self.view, position, 1, || false).ok()?;
        let seen = self.reader.seen_from(position) > 0;
        self.reader.step_ahead(&self.view, position.wrapping_add(1));
        Some((self.view.units.get(position), seen))
    }

    /// Releases the `count` oldest units.
    pub fn release(&mut self, count: u64) {
        self.reader.release(&self.view, count);
    }

    /// Copies the oldest unit without asking the writer's cursor: what no reader may do.
    pub fn pop_blindly(&mut self) -> u64 {
        let value = self.view.units.get(self.reader.head());
        self.reader.release(&self.view, 1);
        value
    }
}

/// A ring of records, whose bytes are whole words.
pub struct Records {
    view: View<[u8]>,
}

pub struct RecordWriter {
    view: View<[u8]>,
    writer: algorithm::Writer,
}

pub struct RecordReader {
    view: View<[u8]>,
    reader: algorithm::Reader,
}

impl Records {
    pub fn new(capacity: u64, start: u64) -> Self {
        let words = Rc::new(Shared::starting_at(start));
        Self { view: View { words, units: Packed::new(capacity) } }
    }

    fn view(&self) -> View<[u8]> {
        View { words: Rc::clone(&self.view.words), units: self.view.units.clone() }
    }

    pub fn writer(&self) -> RecordWriter {
        let view = self.view();
        let writer =
            algorithm::Writer::at(repair::writer(&view).expect("a sound ring"), Ringer::asymmetric());
        RecordWriter { view, writer }
    }

    pub fn reader(&self) -> RecordReader {
        let view = self.view();
        let (head, seen) = repair::reader(&view).expect("a sound ring");
        RecordReader { view, reader: algorithm::Reader::at(head, seen, Ringer::asymmetric()) }
    }
}

impl RecordWriter {
    /// `false`: there is not enough room.
    pub fn try_push(&mut self, words: &[u64]) -> bool {
        let length = words.len() as u64 * 8;
        let needed = frames::needed(&self.view, &self.writer, length);
        if self.writer.room(&self.view, needed, needed).is_err() {
            return false;
        }
        let reserved = frames::reserved(&self.writer, needed, length);
        for (step, word) in (0..).zip(words) {
            self.view.units.set_word(reserved.bytes().wrapping_add(step * 8), *word);
        }
        frames::commit(&self.view, &mut self.writer, reserved, length);
        true
    }
}

impl RecordReader {
    /// The oldest record; `None` where there is none.
    pub fn try_pop(&mut self) -> Option<Vec<u64>> {
        let head = self.reader.head();
        let committed = self.reader.find(&self.view, head, 1, || false).ok()?;
        let found = frames::parse(&self.view, head, committed).expect("a sound ring");
        let word = |step: u64| self.view.units.word(found.bytes().wrapping_add(step * 8));
        let record = (0..found.length as u64 / 8).map(word).collect();
        self.reader.release_to(&self.view, found.next);
        Some(record)
    }
}
