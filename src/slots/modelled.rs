//! The slots of a model: boxed, with loom's atomics and cells.
//!
//! `Rc` will do: loom runs all threads of a model on one thread of the operating system. Its own `Arc` adds steps, and
//! aborts the process when it is dropped behind a deadlock.

#![allow(unsafe_code)]

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use std::rc::Rc;

use crossbeam_utils::CachePadded;
use loom::cell::UnsafeCell;

use crate::element::Element;
use crate::layout::words::{Gate, Shared};
use crate::model::death;
use crate::position::{Claim, Owner, Stamp, State, free};
use crate::sync::{AtomicU64, Ordering};

/// The shared words of a model.
pub(crate) type Words = Rc<Shared>;

/// The gates of a model.
pub(crate) type Gates = Rc<Vec<CachePadded<Gate>>>;

/// The slots of a model, shared by all its threads.
#[derive(Debug)]
pub(crate) struct Slots<P: ?Sized> {
    slots: Rc<Vec<Slot>>,
    carried: PhantomData<fn(&P)>,
}

/// The first position of each slot, in the order of the slots.
fn first_lap(capacity: u64, start: u64) -> impl Iterator<Item = u64> {
    let mut positions: Vec<u64> = (0..capacity).map(|step| start.wrapping_add(step)).collect();
    positions.sort_by_key(|position| position & (capacity - 1));
    positions.into_iter()
}

/// The claim records of one side of a model.
#[derive(Clone, Debug)]
pub(crate) struct Records(Rc<Vec<AtomicU64>>);

impl Records {
    /// Of `capacity` slots, none of which anybody has had.
    pub(crate) fn new(capacity: u64, start: u64) -> Self {
        let record = |position: u64| {
            AtomicU64::raced(Claim::new(position.wrapping_sub(capacity), Owner::NOBODY).to_bits())
        };
        Self(Rc::new(first_lap(capacity, start).map(record).collect()))
    }

    pub(crate) fn at(&self, position: u64) -> &AtomicU64 {
        &self.0[(position & (self.0.len() as u64 - 1)) as usize]
    }
}

/// A slot of a model.
#[derive(Debug)]
pub(crate) struct Slot {
    stamp: AtomicU64,
    payload: Payload,
}

/// What a slot of a model holds.
#[derive(Debug)]
enum Payload {
    /// No two threads may use it at a time unless both read: loom fails the model.
    Cell(UnsafeCell<[u64; WORDS]>),
    /// Word by word, as the processor copies it: a reader may see some of an item's words, and others of the next one's.
    Words([AtomicU64; 2]),
}

/// Words of a payload, at most.
const WORDS: usize = 8;

impl<P: ?Sized> Clone for Slots<P> {
    fn clone(&self) -> Self {
        Self { slots: Rc::clone(&self.slots), carried: PhantomData }
    }
}

impl<P: ?Sized> Slots<P> {
    /// `capacity` slots, a power of two, of which the first one used will be that of `start`.
    pub(crate) fn new(capacity: u64, start: u64) -> Self {
        Self::stamped(capacity, start, free)
    }

    /// As [`new`](Slots::new), for `mpmc`.
    pub(crate) fn of_many(capacity: u64, start: u64) -> Self {
        Self::stamped(capacity, start, |position| Stamp::new(position, State::Free).to_bits())
    }

    /// As [`new`](Slots::new), where items may be copied while they are overwritten.
    pub(crate) fn racing(capacity: u64, start: u64) -> Self {
        let words = || Payload::Words(core::array::from_fn(|_| AtomicU64::new(0)));
        Self::of(capacity, start, free, words)
    }

    fn stamped(capacity: u64, start: u64, stamp: fn(u64) -> u64) -> Self {
        Self::of(capacity, start, stamp, || Payload::Cell(UnsafeCell::new([0; WORDS])))
    }

    fn of(capacity: u64, start: u64, stamp: fn(u64) -> u64, payload: fn() -> Payload) -> Self {
        let slot = |position| Slot { stamp: AtomicU64::new(stamp(position)), payload: payload() };
        let slots = first_lap(capacity, start).map(slot).collect();
        Self { slots: Rc::new(slots), carried: PhantomData }
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.slots.len() as u64
    }

    pub(crate) fn slot(&self, position: u64) -> &Slot {
        &self.slots[(position & (self.capacity() - 1)) as usize]
    }
}

impl Slot {
    pub(crate) fn stamp(&self) -> &AtomicU64 {
        &self.stamp
    }

    /// There are no caches in a model.
    pub(crate) fn expect_write(&self) {}

    pub(crate) fn write<T: Element>(&self, value: &T) {
        assert!(size_of::<T>() <= 64 && align_of::<T>() <= 8, "models use small elements");
        match &self.payload {
            Payload::Cell(cell) => {
                death::before_write();
                cell.with_mut(|to| {
                    // SAFETY: the cell is large and aligned enough, and loom fails the model where another thread uses it.
                    unsafe { to.cast::<T>().write(*value) }
                });
                death::after_write();
            }
            Payload::Words(words) => {
                assert!(
                    size_of::<T>() <= size_of_val(words),
                    "models copy two words at most while they race"
                );
                let mut copy = [0; 2];
                // SAFETY: the array is large and aligned enough.
                unsafe { copy.as_mut_ptr().cast::<T>().write(*value) };
                for (word, bits) in words.iter().zip(copy) {
                    word.store(bits, Ordering::Relaxed); // Relaxed: the stamp decides who may see it.
                }
            }
        }
    }

    pub(crate) fn read<T: Element>(&self) -> T {
        assert!(size_of::<T>() <= 64 && align_of::<T>() <= 8, "models use small elements");
        match &self.payload {
            Payload::Cell(cell) => {
                let mut value = MaybeUninit::uninit();
                cell.with(|from| {
                    // SAFETY: the cell is large and aligned enough, and loom fails the model where another thread writes it.
                    value.write(unsafe { from.cast::<T>().read() });
                });
                // SAFETY: written just now.
                unsafe { value.assume_init() }
            }
            Payload::Words(words) => {
                let copy = [0, 1].map(|index: usize| words[index].load(Ordering::Relaxed)); // Relaxed: as above.
                // SAFETY: the array is large and aligned enough, and any bytes are an element.
                unsafe { copy.as_ptr().cast::<T>().read() }
            }
        }
    }
}
