//! What the models in `tests/loom` drive: the algorithms and repairs as they run in production, over boxed words.
//!
//! A participant's death is a thread that stops using its handle, at a point that the handle's `die_…` methods choose;
//! the kernel's lock, which orders a successor behind it, is the join of that thread.

#![allow(missing_docs, missing_debug_implementations, clippy::missing_panics_doc)]

/// A ring of `u64` with one producer and one consumer.
pub mod spsc {
    use loom::sync::Arc;

    use crate::layout::words::{CLOSING, Shared};
    use crate::slots::{Slots, View};
    use crate::spsc::algorithm::{Absent, Blocked, E1_PUBLISH, Popped, Reader, Writer};
    use crate::spsc::repair;
    use crate::sync::Ordering;

    pub struct Ring(View<u64>);

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
        pub fn new(capacity: u64, start: u64) -> Self {
            let words = Arc::new(Shared::starting_at(start));
            Self(View { words, slots: Slots::new(capacity, start) })
        }

        fn view(&self) -> View<u64> {
            View { words: Arc::clone(&self.0.words), slots: self.0.slots.clone() }
        }

        /// A producer that goes on behind whatever its predecessor committed.
        pub fn producer(&self) -> Producer {
            let view = self.view();
            let writer = Writer::at(repair::producer(&view));
            Producer { view, writer }
        }

        /// A consumer that goes on behind whatever its predecessor released.
        pub fn consumer(&self, predecessor_died: bool) -> Consumer {
            let view = self.view();
            let (head, seen) = repair::consumer(&view, predecessor_died).expect("a sound ring");
            Consumer { view, reader: Reader::at(head, seen) }
        }

        /// Ends the ring without holding the producer's role.
        pub fn close(&self) {
            self.0.words.status.flags.fetch_or(CLOSING, Ordering::Relaxed);
        }
    }

    impl Producer {
        /// `false`: full.
        pub fn try_push(&mut self, value: u64) -> bool {
            match self.writer.push(&self.view, &value) {
                Ok(_) => true,
                Err(Blocked::Full) => false,
                Err(other) => panic!("{other:?}"),
            }
        }

        /// Like `try_push`, where the ring may be closed: `None` then.
        pub fn try_push_unless_closed(&mut self, value: u64) -> Option<bool> {
            match self.writer.push(&self.view, &value) {
                Ok(_) => Some(true),
                Err(Blocked::Full) => Some(false),
                Err(Blocked::Closed) => None,
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
            match self.reader.pop(&self.view) {
                Popped::Item(value) => return Pop::Item(value, false),
                Popped::Nothing => return Pop::Empty,
                Popped::Rare => {}
            }
            let head = self.reader.head();
            match self.reader.find(&self.view, head, writer_gone) {
                Ok(()) => {
                    let seen = self.reader.seen_from(head) > 0;
                    Pop::Item(self.reader.take(&self.view), seen)
                }
                Err(Absent::Empty) => Pop::Empty,
                Err(Absent::Closed) => Pop::Closed,
                Err(other) => panic!("{other:?}"),
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
}
