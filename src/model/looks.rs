//! Makes loom see every race between a load and a later write.
//!
//! Loom remembers one last access of a word, so a thread that loads a word and then writes it hides from itself who else
//! had loaded the word before: the order in which its write comes first is never explored (tokio-rs/loom#166). Here every
//! load is preceded by a step at a place of the loading thread's own, and every write by one at the place of each thread
//! that has loaded the word. The steps order nothing.

use std::cell::{Cell, RefCell};

use loom::sync::atomic::{AtomicU8, Ordering};
use loom::thread::{self, ThreadId};

/// Threads of a model, at most.
const THREADS: usize = 4;

thread_local! {
    /// The threads of the execution that goes on, in the order in which they came to a word.
    static KNOWN: RefCell<Vec<ThreadId>> = const { RefCell::new(Vec::new()) };
}

/// Begins an execution.
pub(super) fn boot() {
    KNOWN.take();
}

fn me() -> usize {
    let id = thread::current().id();
    KNOWN.with_borrow_mut(|known| {
        known.iter().position(|it| *it == id).unwrap_or_else(|| {
            known.push(id);
            known.len() - 1
        })
    })
}

/// Who has loaded a word.
#[derive(Debug, Default)]
pub(super) struct Looks {
    places: [AtomicU8; THREADS],
    looked: Cell<[bool; THREADS]>,
}

impl Looks {
    pub(super) fn before_load(&self) {
        let me = me();
        let mut looked = self.looked.get();
        looked[me] = true;
        self.looked.set(looked);
        self.step(me);
    }

    pub(super) fn before_write(&self) {
        let me = me();
        for other in (0..THREADS).filter(|it| *it != me) {
            if self.looked.get()[other] {
                self.step(other);
            }
        }
    }

    fn step(&self, place: usize) {
        // Relaxed: it orders nothing.
        self.places[place].fetch_add(0, Ordering::Relaxed);
    }
}

/// Where the models do without.
#[derive(Debug, Default)]
pub(super) struct Unseen;

impl Unseen {
    pub(super) fn before_load(&self) {}

    pub(super) fn before_write(&self) {}
}
