//! The units of a model: boxed cells, eight bytes each.
//!
//! A unit of bytes is a byte of a record, of which only those at multiples of 8 have a cell: a model writes whole words.

#![allow(unsafe_code)]

use core::marker::PhantomData;
use std::rc::Rc;

use loom::cell::UnsafeCell;

use crate::element::Payload;
use crate::model::death;

/// The units of a model, shared by all its threads.
#[derive(Debug)]
pub(crate) struct Packed<P: ?Sized> {
    cells: Rc<Vec<UnsafeCell<u64>>>,
    capacity: u64,
    carried: PhantomData<fn(&P)>,
}

impl<P: ?Sized> Clone for Packed<P> {
    fn clone(&self) -> Self {
        Self { cells: Rc::clone(&self.cells), capacity: self.capacity, carried: PhantomData }
    }
}

impl<P: Payload + ?Sized> Packed<P> {
    /// Units in a cell.
    const UNITS: u64 = match &P::ELEMENT {
        Some(schema) => {
            assert!(schema.size() == 8, "models use elements of a word");
            1
        }
        None => 8,
    };

    /// `capacity` units, a power of two.
    pub(crate) fn new(capacity: u64) -> Self {
        let cells = (0..capacity / Self::UNITS).map(|_| UnsafeCell::new(0)).collect();
        Self { cells: Rc::new(cells), capacity, carried: PhantomData }
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(crate) fn contiguous(&self, position: u64) -> u64 {
        self.capacity - (position & (self.capacity - 1))
    }

    fn cell(&self, position: u64) -> &UnsafeCell<u64> {
        &self.cells[((position & (self.capacity - 1)) / Self::UNITS) as usize]
    }

    fn put(&self, position: u64, value: u64) {
        death::before_write();
        // SAFETY: loom fails the model where another thread uses the cell.
        self.cell(position).with_mut(|to| unsafe { *to = value });
        death::after_write();
    }

    fn take(&self, position: u64) -> u64 {
        // SAFETY: loom fails the model where another thread writes the cell.
        self.cell(position).with(|from| unsafe { *from })
    }
}

impl Packed<u64> {
    pub(crate) fn write(&self, position: u64, values: &[u64]) {
        for (step, value) in (0..).zip(values) {
            self.put(position.wrapping_add(step), *value);
        }
    }

    pub(crate) fn read(&self, position: u64, values: &mut [u64]) {
        for (step, value) in (0..).zip(values) {
            *value = self.take(position.wrapping_add(step));
        }
    }

    pub(crate) fn get(&self, position: u64) -> u64 {
        self.take(position)
    }
}

impl Packed<[u8]> {
    pub(crate) fn word(&self, position: u64) -> u64 {
        self.take(position)
    }

    pub(crate) fn set_word(&self, position: u64, word: u64) {
        self.put(position, word);
    }
}
