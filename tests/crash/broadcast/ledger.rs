//! What was published and what each subscriber made of it.
//!
//! Every subscriber has books of its own, for it sees every item, and a place in the sequence: it comes to one position
//! after the other, to each once, and what it misses it is told. So received and missed add up to published.

use std::collections::BTreeMap;

use super::Sight;
use crate::books::{Books, SURVIVOR, Tally};
use crate::item::Number;
use crate::journal::Entry;

/// Whose books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reader {
    /// A survivor that has a gate.
    Gated,
    /// A survivor that has none.
    Lossy,
    /// Whoever has the recorder's gate, one after the other.
    Recorder,
    /// Victims whose work nobody continues: what they see was published, and is whole and in order.
    Witness,
}

#[derive(Debug, Default)]
struct Reading {
    books: Books,
    /// The position of the next item; `None` until somebody in this process has taken it up.
    next: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// What is nobody's in particular, and every item that was begun.
    pub(crate) house: Books,
    readings: BTreeMap<Reader, Reading>,
    /// What is where.
    places: BTreeMap<u64, Number>,
}

impl Ledger {
    /// Opens the books of a reader, who sees what is published from now on.
    pub(crate) fn open(&mut self, reader: Reader) {
        self.readings.insert(reader, Reading::default());
    }

    pub(crate) fn has(&self, reader: Reader) -> bool {
        self.readings.contains_key(&reader)
    }

    /// Nobody continues the work of `reader`.
    pub(crate) fn close(&mut self, reader: Reader) {
        self.readings.remove(&reader);
    }

    /// Somebody takes up the work of `reader` who goes on at `next`.
    pub(crate) fn take_up(&mut self, reader: Reader, next: u64) {
        self.readings.entry(reader).or_default().next = Some(next);
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Books> {
        let Self { house, readings, .. } = self;
        std::iter::once(house).chain(readings.values_mut().map(|it| &mut it.books))
    }

    pub(crate) fn begun(&mut self, number: Number) {
        self.all().for_each(|it| it.begun(number));
    }

    /// A publication of the item has returned: every reader is to see it.
    pub(crate) fn accepted(&mut self, number: Number, position: Option<u64>) {
        let readers = self.readings.iter_mut().filter(|(reader, _)| **reader != Reader::Witness);
        readers.for_each(|(_, it)| it.books.accepted(number));
        self.begun(number);
        position.into_iter().for_each(|it| self.place(it, number));
    }

    fn place(&mut self, position: u64, number: Number) {
        let before = self.places.insert(position, number);
        if before.is_some_and(|it| it != number) {
            self.house.complain(format!("{before:?} and {number:?} are both at {position}"));
        }
        let elsewhere = self.places.iter().find(|(at, it)| **it == number && **at != position);
        if let Some((elsewhere, _)) = elsewhere {
            self.house.complain(format!("{number:?} is at {elsewhere} and at {position}"));
        }
    }

    /// What a survivor found as `reader`, which `may_miss` items or not.
    pub(crate) fn enter(&mut self, reader: Reader, sight: &Sight, may_miss: bool) {
        match *sight {
            Sight::Item { position, number, redelivered } => {
                number.into_iter().for_each(|it| self.place(position, it));
                let reading = self.readings.entry(reader).or_default();
                if reading.next != Some(position) {
                    reading.books.complain(format!("came to {position}, not to {:?}", reading.next));
                }
                reading.next = Some(position + 1);
                reading.books.seen(SURVIVOR, number, redelivered);
                number.into_iter().for_each(|it| reading.books.released(it));
            }
            Sight::Missed { count, resumed_at } => {
                let reading = self.readings.entry(reader).or_default();
                let first = reading.next.unwrap_or(resumed_at);
                for (_, number) in self.places.range(first..first + count) {
                    reading.books.set_in_doubt(*number, true);
                }
                if !may_miss || first + count != resumed_at {
                    reading.books.complain(format!("missed {count} at {first} and goes on at {resumed_at}"));
                }
                reading.next = Some(resumed_at);
            }
            Sight::Empty | Sight::Closed | Sight::Failed(_) => {}
        }
    }

    /// Enters what a process noted, as that of `source`, which is `reader`.
    pub(crate) fn enter_note(&mut self, reader: Reader, source: u32, entry: Entry) {
        match entry {
            Entry::Begun(number) => self.begun(number),
            Entry::Accepted(number) => self.accepted(number, None),
            entry => self.readings.entry(reader).or_default().books.enter(source, entry),
        }
    }

    /// As [`Books::set_in_doubt`], for what a recorder takes.
    pub(crate) fn set_in_doubt(&mut self, number: Number, in_doubt: bool) {
        if let Some(reading) = self.readings.get_mut(&Reader::Recorder) {
            reading.books.set_in_doubt(number, in_doubt);
        }
    }

    pub(crate) fn is_anything_due(&self, reader: Reader) -> bool {
        self.readings.get(&reader).is_some_and(|it| it.books.is_anything_due())
    }

    /// Which of the first `count` items of `source` are in the ring's sequence.
    pub(crate) fn published(&self, source: u32, count: u64) -> Vec<bool> {
        let number = |step: u64| Number { source, sequence: step as u32 };
        (0..count).map(|step| self.places.values().any(|it| *it == number(step))).collect()
    }

    /// Which of the `count` items from `first` on no survivor saw as a recorder.
    pub(crate) fn recorded(&self, first: Number, count: u64) -> Vec<bool> {
        let seen = self.readings.get(&Reader::Recorder).map(|it| it.books.survived(first, count));
        seen.unwrap_or_default().into_iter().map(|it| !it).collect()
    }

    /// Everything that is published has been received by everybody.
    pub(crate) fn balance(mut self) -> Tally {
        let end = self.places.keys().next_back().map(|it| it + 1);
        if let (Some(end), Some(first)) = (end, self.places.keys().next()) {
            let count = self.places.len() as u64;
            if end - first != count {
                self.house.complain(format!("{count} items lie between {first} and {end}"));
            }
        }
        let mut tally = self.house.balance();
        for (reader, mut reading) in self.readings {
            if reading.next.is_some() && end.is_some() && reading.next != end {
                reading.books.complain(format!("is at {:?} in the end, not at {end:?}", reading.next));
            }
            tally.add(reading.books.balance(), || format!("{reader:?}"));
        }
        tally
    }
}
