//! A ring of `u64` with many producers and many consumers.
//!
//! Whoever holds a handle is a participant with an entry of its own. A model may repair an entry ([`Ring::repair`]) once its
//! owner is dead: ordered behind the owner's last step, as the kernel's lock does, and by one repairer at a time.

use std::cell::Cell;
use std::rc::Rc;

use super::doorbell::wait_for;
use crate::doorbell::{Ringer, ring_on, ring_out};
use crate::halt::End;
use crate::layout::words::{MANY_READERS, MANY_WRITERS, Shared};
use crate::mpmc::algorithm::{Blocked, E1_PUBLISH, Writer, close};
use crate::mpmc::claims::{E3_CURSOR, E4_RECORD, View, after, before, help, owner_of};
use crate::mpmc::reader::{Absent, E5_HAND_OVER, E6_EPOCH, Popped, Reader, Taken};
use crate::mpmc::repair::settle;
use crate::position::{Claim, Owner, Stamp, State};
use crate::slots::{Records, Slots};
use crate::sync::Ordering;

#[derive(Clone)]
pub struct Ring {
    shape: Rc<Shape>,
}

struct Shape {
    view: View<u64>,
    ringer: Ringer,
    start: u64,
    producers: Cell<u32>,
    consumers: Cell<u32>,
}

pub struct Producer {
    view: View<u64>,
    writer: Writer,
    me: u32,
}

pub struct Consumer {
    view: View<u64>,
    reader: Reader,
    me: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    Done,
    Full,
    /// By the owner of that entry.
    Held(u32),
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pop {
    /// The item, and whether somebody had it before.
    Item(u64, bool),
    Empty,
    /// By the owner of that entry.
    Held(u32),
    Closed,
}

/// Items that a consumer has and has not released, of which it has looked at the first one.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    taken: Taken,
    pub value: u64,
    pub redelivered: bool,
    /// How often the item was taken after it had been given back.
    pub redeliveries: u32,
}

fn view_of(view: &View<u64>) -> View<u64> {
    View {
        words: Rc::clone(&view.words),
        slots: view.slots.clone(),
        writers: view.writers.clone(),
        readers: view.readers.clone(),
        discard: view.discard,
    }
}

/// How a ring of models is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy {
    /// Both sides may sleep.
    pub bells: bool,
    /// What a dead consumer held is not delivered again.
    pub discard: bool,
}

impl Ring {
    /// A ring at which nobody sleeps, and which delivers again what a dead consumer held.
    pub fn new(capacity: u64, start: u64) -> Self {
        Self::with(capacity, start, Policy::default())
    }

    pub fn with(capacity: u64, start: u64, Policy { bells, discard }: Policy) -> Self {
        let words = Shared::starting_at(start);
        // Of the two cursors, in this kind of ring: nobody has claimed the position before the first one.
        for cursor in [&words.tail, &words.head] {
            cursor.store(Claim::new(start, Owner::NOBODY).to_bits(), Ordering::Relaxed);
        }
        let view = View {
            words: Rc::new(words),
            slots: Slots::of_many(capacity, start),
            writers: Records::new(capacity, start),
            readers: Records::new(capacity, start),
            discard,
        };
        let ringer = if bells { Ringer::fenced() } else { Ringer::asymmetric() };
        let (producers, consumers) = (Cell::new(0), Cell::new(0));
        Self { shape: Rc::new(Shape { view, ringer, start, producers, consumers }) }
    }

    /// Attaches one more of the role that `count` counts, and says which entry it has.
    fn attach(&self, count: &Cell<u32>, many: u64) -> u32 {
        let entry = self.shape.producers.get() + self.shape.consumers.get();
        count.set(count.get() + 1);
        if count.get() > 1 {
            // Relaxed: as in an attach.
            self.shape.view.words.status.many.fetch_or(many, Ordering::Relaxed);
        }
        entry
    }

    pub fn producer(&self) -> Producer {
        let me = self.attach(&self.shape.producers, MANY_WRITERS);
        Producer {
            view: view_of(&self.shape.view),
            writer: Writer::new(Owner::of_entry(me), self.shape.ringer),
            me,
        }
    }

    pub fn consumer(&self) -> Consumer {
        let me = self.attach(&self.shape.consumers, MANY_READERS);
        let view = view_of(&self.shape.view);
        let reader = Reader::new(&view, Owner::of_entry(me), self.shape.ringer);
        Consumer { view, reader, me }
    }

    /// Puts in order what the owner of `entry` left, and wakes everybody.
    pub fn repair(&self, entry: u32) {
        let view = &self.shape.view;
        settle(view, Owner::of_entry(entry), |_, _| {}).expect("a sound ring");
        ring_out(&view.words);
    }

    /// Records the last claim at head, if nobody has.
    pub fn help_readers(&self) {
        let view = &self.shape.view;
        let seen = Claim::from_bits(view.words.head.load(E3_CURSOR.acquire())); // E3
        help(&view.words.head, &view.readers, view.slots.capacity(), seen).expect("a sound ring");
    }

    pub fn capacity(&self) -> u64 {
        self.shape.view.slots.capacity()
    }

    pub fn close(&self) {
        close(&self.shape.view).expect("a sound ring");
    }

    /// The position that lies `step` behind the first one.
    fn position(&self, step: u64) -> u64 {
        after(self.shape.start, step)
    }

    /// Who is said to have claimed the position that lies `step` behind the first one, to write it.
    pub fn writer_of(&self, step: u64) -> Option<u32> {
        let view = &self.shape.view;
        owner_of(&view.words.tail, &view.writers, self.position(step))?.entry()
    }
}

impl Producer {
    pub fn entry(&self) -> u32 {
        self.me
    }

    pub fn try_push(&mut self, value: u64) -> Push {
        match self.writer.push(&self.view, &value) {
            Ok(_) => Push::Done,
            Err(blocked) => Self::blocked(blocked),
        }
    }

    /// Pushes, and is slow: does `meanwhile` between its claim and the payload.
    pub fn push_slowly(&mut self, value: u64, meanwhile: impl FnOnce()) {
        let (position, _) = self.writer.claim(&self.view, 1).expect("room");
        meanwhile();
        self.view.slots.slot(position).write(&value);
        self.writer.commit(&self.view, position);
        self.writer.ring(&self.view, 1);
    }

    fn blocked(blocked: Blocked) -> Push {
        match blocked {
            Blocked::Full(_) => Push::Full,
            Blocked::Held(hold) => hold.owner.entry().map_or(Push::Full, Push::Held),
            Blocked::Ended(End::Closed) => Push::Closed,
            other => panic!("{other:?}"),
        }
    }

    /// How many of `values` were pushed, in one claim.
    pub fn try_push_slice(&mut self, values: &[u64]) -> usize {
        match self.writer.push_slice(&self.view, values) {
            Ok((_, count)) => count,
            Err(blocked) => {
                Self::blocked(blocked);
                0
            }
        }
    }

    /// Waits for room, and pushes.
    pub fn push(&mut self, value: u64) {
        if self.try_push(value) == Push::Done {
            return;
        }
        let Self { view, writer, .. } = self;
        wait_for(&view.words, &view.words.not_full, || match writer.push(view, &value) {
            Ok(_) => Some(()),
            Err(Blocked::Full(_) | Blocked::Held(_)) => None,
            Err(other) => panic!("{other:?}"),
        });
        ring_on(&view.words, &view.words.not_full, || Writer::finds_room(view));
    }
}

impl Consumer {
    pub fn entry(&self) -> u32 {
        self.me
    }

    /// Takes the oldest item: copies it out and releases it.
    pub fn try_pop(&mut self) -> Pop {
        Self::attempt(&self.view, &mut self.reader)
    }

    fn attempt(view: &View<u64>, reader: &mut Reader) -> Pop {
        match reader.pop(view) {
            Popped::Item(value, _) => return Pop::Item(value, false),
            Popped::Nothing => return Pop::Empty,
            Popped::Rare => {}
        }
        match reader.claim(view, 1) {
            Ok(taken) => {
                let value = view.slots.slot(taken.first).read();
                reader.release(view, taken.first, 1);
                Pop::Item(value, taken.redelivered)
            }
            Err(absent) => Self::absent(absent),
        }
    }

    fn absent(absent: Absent) -> Pop {
        match absent {
            Absent::Empty(_) => Pop::Empty,
            Absent::Held(hold) => hold.owner.entry().map_or(Pop::Empty, Pop::Held),
            Absent::Ended(End::Closed) => Pop::Closed,
            other => panic!("{other:?}"),
        }
    }

    /// Waits for an item, and takes it; `None` at the end of the ring.
    pub fn pop(&mut self) -> Option<u64> {
        let Self { view, reader, .. } = self;
        let mut found = Self::attempt(view, reader);
        if matches!(found, Pop::Empty | Pop::Held(_)) {
            let words = &view.words;
            found = wait_for(words, &words.not_empty, || {
                Some(Self::attempt(view, reader)).filter(|it| !matches!(it, Pop::Empty | Pop::Held(_)))
            });
            ring_on(words, &words.not_empty, || Reader::finds_item(view, reader.epoch()));
        }
        match found {
            Pop::Item(value, _) => Some(value),
            _ => None,
        }
    }

    /// Takes up to `values.len()` items, which follow each other, and releases them; says how many.
    pub fn try_pop_slice(&mut self, values: &mut [u64]) -> usize {
        let Ok(taken) = self.reader.claim(&self.view, values.len() as u64) else { return 0 };
        for (step, value) in (0..taken.count).zip(values) {
            *value = self.view.slots.slot(after(taken.first, step)).read();
        }
        self.reader.release(&self.view, taken.first, taken.count);
        taken.count as usize
    }

    /// Takes up to `count` items, and looks at the first one without releasing it.
    pub fn try_read(&mut self, count: u64) -> Option<Read> {
        let taken = self.reader.claim(&self.view, count).ok()?;
        let value = self.view.slots.slot(taken.first).read();
        let redeliveries = Reader::redeliveries(&self.view, taken.first);
        Some(Read { taken, value, redelivered: taken.redelivered, redeliveries })
    }

    pub fn release(&mut self, read: Read) {
        self.reader.release(&self.view, read.taken.first, read.taken.count);
    }

    pub fn give_back(&mut self, read: Read) {
        self.reader.give_back(&self.view, read.taken.first, read.taken.count);
    }

    /// Who holds it up, if anybody does: the owner of which entry.
    pub fn holder(&mut self) -> Option<u32> {
        match self.reader.claim(&self.view, 0) {
            Err(Absent::Empty(Some(hold)) | Absent::Held(hold)) => hold.owner.entry(),
            _ => None,
        }
    }

    /// Up to which epoch it has taken everything that was given back.
    pub fn epoch(&self) -> u64 {
        self.reader.epoch()
    }
}

/// What no participant may do: each of these must make a model fail, or the models would not see what it prevents.
pub mod wrong {
    use super::*;

    /// Takes the orphan at `step` by its stamp, and leaves its record alone.
    pub fn take_orphan_by_its_stamp(consumer: &mut Consumer, ring: &Ring, step: u64) -> Option<u64> {
        let position = ring.position(step);
        let slot = consumer.view.slots.slot(position);
        let stamp = Stamp::from_bits(slot.stamp().load(E1_PUBLISH.acquire())); // E1
        if stamp != Stamp::new(position, State::Orphan) {
            return None;
        }
        let value = slot.read();
        consumer.reader.release(&consumer.view, position, 1);
        Some(value)
    }

    /// Gives back what the owner of `entry` had claimed to read: the record first, then the stamp.
    pub fn repair_record_first(ring: &Ring, entry: u32) {
        let (view, dead) = (&ring.shape.view, Owner::of_entry(entry));
        for slot in 0..view.slots.capacity() {
            let record = view.readers.at(slot);
            let claim = Claim::from_bits(record.load(E4_RECORD.acquire())); // E4
            let position = claim.position();
            let stamp = view.slots.slot(position).stamp();
            let found = Stamp::from_bits(stamp.load(Ordering::Relaxed)); // Relaxed: as in a repair.
            if claim.owner() == dead && found.position() == position {
                record.store(Claim::new(position, Owner::NOBODY).to_bits(), E5_HAND_OVER.release()); // E5
                stamp.store(found.orphaned().to_bits(), E1_PUBLISH.release()); // E1
            }
        }
        view.words.status.orphan_epoch.fetch_add(1, E6_EPOCH.release()); // E6
    }

    /// Makes what the owner of `entry` had claimed to write void, as far as it is on record.
    pub fn repair_without_help(ring: &Ring, entry: u32) {
        let (view, dead) = (&ring.shape.view, Owner::of_entry(entry));
        for slot in 0..view.slots.capacity() {
            let claim = Claim::from_bits(view.writers.at(slot).load(E4_RECORD.acquire())); // E4
            let position = claim.position();
            let stamp = view.slots.slot(position).stamp();
            // Relaxed: as in a repair.
            if claim.owner() == dead
                && stamp.load(Ordering::Relaxed) == Stamp::new(position, State::Free).to_bits()
            {
                stamp.store(Stamp::new(position, State::Void).to_bits(), E1_PUBLISH.release()); // E1
            }
        }
    }

    /// Helps to record the last claim at head, comparing whole claims instead of positions: so it writes over the record of
    /// the same position, and over one of a later lap.
    pub fn help_comparing_owners(ring: &Ring) {
        let view = &ring.shape.view;
        let seen = Claim::from_bits(view.words.head.load(E3_CURSOR.acquire())); // E3
        let last = before(seen.position(), 1);
        let record = view.readers.at(last);
        let (found, claim) = (record.load(E4_RECORD.acquire()), Claim::new(last, seen.owner()).to_bits()); // E4
        if found != claim {
            let _ = record.compare_exchange(found, claim, E4_RECORD.release(), Ordering::Relaxed); // E4
        }
    }

    /// Claims the first two positions, and records the later one first.
    pub fn claim_two_descending(producer: &Producer, ring: &Ring) {
        let (view, me) = (&producer.view, Owner::of_entry(producer.me));
        let (seen, moved) = (Claim::new(ring.position(0), Owner::NOBODY), Claim::new(ring.position(2), me));
        // Release: E3. Relaxed: alone.
        let result = view.words.tail.compare_exchange(
            seen.to_bits(),
            moved.to_bits(),
            E3_CURSOR.release(),
            Ordering::Relaxed,
        );
        result.expect("alone");
        for step in [1, 0] {
            let claim = Claim::new(ring.position(step), me);
            view.writers.at(claim.position()).store(claim.to_bits(), E4_RECORD.release()); // E4
        }
    }

    /// Pops, and calls the ring closed where head is at the close.
    pub fn pop_closed_by_its_cursors(consumer: &mut Consumer) -> Pop {
        let words = &consumer.view.words;
        let head = Claim::from_bits(words.head.load(E3_CURSOR.acquire())); // E3
        let tail = Claim::from_bits(words.tail.load(E3_CURSOR.acquire())); // E3
        if tail.owner() == Owner::CLOSED && head.position() == tail.position() {
            return Pop::Closed;
        }
        consumer.try_pop()
    }

    /// Pops, and looks below head only where the epoch has changed.
    pub fn pop_by_the_epoch(consumer: &mut Consumer) -> Pop {
        let words = &consumer.view.words;
        let head = Claim::from_bits(words.head.load(E3_CURSOR.acquire())).position(); // E3
        let stamp = consumer.view.slots.slot(head).stamp().load(E1_PUBLISH.acquire()); // E1
        // Relaxed: as in a claim.
        let epoch = words.status.orphan_epoch.load(Ordering::Relaxed);
        if epoch == consumer.reader.epoch() && stamp != Stamp::new(head, State::Full).to_bits() {
            return Pop::Empty;
        }
        consumer.try_pop()
    }
}
