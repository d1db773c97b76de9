//! Streams for tests, and drains of any mode and payload behind one face.

use std::os::fd::AsFd;

use ringfence::stream::{Aliasing, Copying, Drain, Mode, Notified, Options, Reader, Ring, Writer};
use ringfence::{Element, Payload, Position, TransferError};

use crate::child::Name;
use crate::common::Backing;
use crate::links::{At, Kind};

/// A ring whose name, if it has one, is removed with it.
pub(crate) struct Stream<P: Payload + ?Sized> {
    pub(crate) ring: Ring<P>,
    pub(crate) name: Option<Name>,
}

impl<P: Payload + ?Sized> Stream<P> {
    pub(crate) fn of(backing: Backing, options: Options<P>) -> Self {
        let name = (backing == Backing::Shm).then(Name::new);
        let ring = match &name {
            Some(name) => options.create(name),
            None => options.in_process(),
        };
        Self { ring: ring.expect("a ring"), name }
    }

    pub(crate) fn ends(&self) -> (Writer<P>, Reader<P>) {
        (self.ring.writer().expect("a free role"), self.ring.reader().expect("a free role"))
    }
}

/// Runs `body` for rings on the heap and for rings in shared memory.
pub(crate) fn for_each_backing(body: impl Fn(Backing)) {
    for backing in [Backing::Heap, Backing::Shm] {
        let _at = At(format!("{backing:?}"));
        body(backing);
    }
}

/// A ring of elements in shared memory.
pub(crate) fn shared<T: Element>(capacity: usize) -> Stream<T> {
    Stream::of(Backing::Shm, Options::<T>::new(capacity))
}

/// A mode, and where it works.
pub(crate) trait Way: Mode {
    const MODE: Self;
    fn works(kind: Kind, backing: Backing) -> bool;
}

impl Way for Copying {
    const MODE: Self = Self;
    fn works(_: Kind, _: Backing) -> bool {
        true
    }
}

impl Way for Notified {
    const MODE: Self = Self;
    fn works(kind: Kind, _: Backing) -> bool {
        kind == Kind::Tcp
    }
}

impl Way for Aliasing {
    const MODE: Self = Self;
    fn works(kind: Kind, backing: Backing) -> bool {
        kind == Kind::Pipe || backing == Backing::Shm
    }
}

/// What drains of elements and of records have in common.
pub(crate) trait Sends {
    fn try_send(&mut self, max: usize) -> Result<usize, TransferError>;
    fn position(&self) -> Position;
    fn in_flight(&self) -> u64;
    /// Releases what may be: everything that was sent has been consumed.
    fn settle(&mut self);
}

macro_rules! sends {
    ($mode:ident, |$it:ident| $settle:expr) => {
        sends!(T, $mode, |$it| $settle, T: Element,);
        sends!([u8], $mode, |$it| $settle,);
    };
    ($payload:ty, $mode:ident, |$it:ident| $settle:expr, $($element:tt)*) => {
        impl<$($element)* F: AsFd> Sends for Drain<$payload, F, $mode> {
            fn try_send(&mut self, max: usize) -> Result<usize, TransferError> {
                Self::try_send(self, max)
            }

            fn position(&self) -> Position {
                Self::position(self)
            }

            fn in_flight(&self) -> u64 {
                Self::in_flight(self)
            }

            fn settle(&mut self) {
                let $it = self;
                $settle;
            }
        }
    };
}

sends!(Copying, |it| assert_eq!(it.in_flight(), 0, "what was copied is released"));
sends!(Notified, |it| it.complete().map(drop).expect("completions"));
sends!(Aliasing, |it| it.release_to(it.position()).map(drop).expect("a position that was sent"));
