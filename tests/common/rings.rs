//! One test body over rings on the heap and rings in shared memory.

use std::fs::File;
use std::ops::Deref;
use std::os::unix::fs::FileExt;

use ringfence::spsc::{self, Consumer, Options, Producer, Ring};
use ringfence::{Element, Payload};

use super::{Image, UniqueName};

/// Where a ring's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backing {
    Heap,
    Shm,
}

/// Runs `body` for rings on the heap and for rings in shared memory.
pub(crate) fn for_each_backing(body: impl Fn(Backing)) {
    for backing in [Backing::Heap, Backing::Shm] {
        println!("backing: {backing:?}");
        body(backing);
    }
}

impl Backing {
    pub(crate) fn create<P: Payload + ?Sized>(self, options: Options<P>) -> TestRing<P> {
        let name = (self == Self::Shm).then(UniqueName::new);
        let ring = match &name {
            Some(name) => options.create(name),
            None => options.in_process(),
        };
        TestRing { ring: ring.expect("a ring"), name }
    }

    /// A ring of `capacity` elements.
    pub(crate) fn elements<T: Element>(self, capacity: usize) -> TestRing<T> {
        self.create(Options::<T>::new(capacity))
    }

    /// A ring of `capacity` byte strings.
    pub(crate) fn bytes(self, capacity: usize, max_len: usize) -> TestRing<[u8]> {
        self.create(Options::<[u8]>::new(capacity, max_len))
    }
}

/// A ring whose name, if it has one, is removed on drop.
#[derive(Debug)]
pub(crate) struct TestRing<P: Payload + ?Sized> {
    ring: Ring<P>,
    name: Option<UniqueName>,
}

impl<P: Payload + ?Sized> TestRing<P> {
    /// The same ring, opened once more: a mapping of its own, where there can be two.
    pub(crate) fn opened_again(&self) -> Ring<P> {
        match &self.name {
            Some(name) => spsc::open(name).expect("the ring"),
            None => self.ring.clone(),
        }
    }

    /// The ring as a crash of all its participants at this moment would leave it: its bytes, under another name, whose
    /// lock bytes nobody holds. `None` on the heap, which dies with its process.
    pub(crate) fn as_after_a_crash(&self) -> Option<Self> {
        let copy = UniqueName::new();
        Image::of(&self.name.as_ref()?.path()).write(&copy.path());
        Some(Self { ring: spsc::open(&copy).expect("a ring"), name: Some(copy) })
    }

    /// Writes a word of the region's file, as a broken peer could.
    pub(crate) fn poke(&self, at: usize, value: u64) {
        let path = self.name.as_ref().expect("a ring in shared memory").path();
        let file = File::options().write(true).open(path).expect("the region's file");
        file.write_all_at(&value.to_le_bytes(), at as u64).expect("a word of the region");
    }

    /// Producer and consumer, each over its own opening.
    pub(crate) fn ends(&self) -> (Producer<P>, Consumer<P>) {
        let producer = self.ring.producer().expect("the producer's role");
        (producer, self.opened_again().consumer().expect("the consumer's role"))
    }
}

impl<P: Payload + ?Sized> Deref for TestRing<P> {
    type Target = Ring<P>;

    fn deref(&self) -> &Ring<P> {
        &self.ring
    }
}
