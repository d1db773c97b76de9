//! One test body over rings on the heap and rings in shared memory, of any kind.

use std::fs::File;
use std::ops::Deref;
use std::os::unix::fs::FileExt;

use ringfence::broadcast::Start;
use ringfence::{AttachError, Element, OpenError, Payload, broadcast, mpmc, spsc, stream};

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

/// What the options of every kind of ring have.
pub(crate) trait Options {
    type Ring: Ring;

    fn create(self, name: &str) -> Result<Self::Ring, OpenError>;
    fn in_process(self) -> Result<Self::Ring, OpenError>;
}

/// What every kind of ring has: somebody who writes, whatever that is called, and somebody who reads.
pub(crate) trait Ring: Clone {
    type Producer;
    type Consumer;

    fn open(name: &str) -> Result<Self, OpenError>;
    fn producer(&self) -> Result<Self::Producer, AttachError>;
    fn consumer(&self) -> Result<Self::Consumer, AttachError>;
}

/// What the handles of each kind are called, and what hands them out.
macro_rules! kinds {
    ($($kind:ident: $Producer:ident $producer:ident, $Consumer:ident $consumer:ident($($start:expr)?);)*) => {$(
        impl<P: Payload + ?Sized> Options for $kind::Options<P> {
            type Ring = $kind::Ring<P>;

            fn create(self, name: &str) -> Result<Self::Ring, OpenError> {
                self.create(name)
            }

            fn in_process(self) -> Result<Self::Ring, OpenError> {
                self.in_process()
            }
        }

        impl<P: Payload + ?Sized> Ring for $kind::Ring<P> {
            type Producer = $kind::$Producer<P>;
            type Consumer = $kind::$Consumer<P>;

            fn open(name: &str) -> Result<Self, OpenError> {
                $kind::open(name)
            }

            fn producer(&self) -> Result<Self::Producer, AttachError> {
                self.$producer()
            }

            fn consumer(&self) -> Result<Self::Consumer, AttachError> {
                self.$consumer($($start)?)
            }
        }
    )*};
}

kinds! {
    spsc: Producer producer, Consumer consumer();
    mpmc: Producer producer, Consumer consumer();
    broadcast: Publisher publisher, Subscriber subscribe(Start::Newest);
    stream: Writer writer, Reader reader();
}

impl Backing {
    pub(crate) fn create<O: Options>(self, options: O) -> TestRingOf<O::Ring> {
        let name = (self == Self::Shm).then(UniqueName::new);
        let ring = match &name {
            Some(name) => options.create(name),
            None => options.in_process(),
        };
        TestRingOf { ring: ring.expect("a ring"), name }
    }

    /// A ring of `capacity` elements, of one producer and one consumer.
    pub(crate) fn elements<T: Element>(self, capacity: usize) -> TestRing<T> {
        self.create(spsc::Options::<T>::new(capacity))
    }

    /// A ring of `capacity` byte strings, of one producer and one consumer.
    pub(crate) fn bytes(self, capacity: usize, max_len: usize) -> TestRing<[u8]> {
        self.create(spsc::Options::<[u8]>::new(capacity, max_len))
    }
}

/// A ring of one producer and one consumer.
pub(crate) type TestRing<P> = TestRingOf<spsc::Ring<P>>;

/// A ring whose name, if it has one, is removed on drop.
#[derive(Debug)]
pub(crate) struct TestRingOf<R> {
    ring: R,
    name: Option<UniqueName>,
}

impl<R: Ring> TestRingOf<R> {
    /// The same ring, opened once more: a mapping of its own, where there can be two.
    pub(crate) fn opened_again(&self) -> R {
        match &self.name {
            Some(name) => R::open(name).expect("the ring"),
            None => self.ring.clone(),
        }
    }

    /// The ring as a crash of all its participants at this moment would leave it: its bytes, under another name, whose
    /// lock bytes nobody holds. `None` on the heap, which dies with its process.
    pub(crate) fn as_after_a_crash(&self) -> Option<Self> {
        let copy = UniqueName::new();
        Image::of(&self.name.as_ref()?.path()).write(&copy.path());
        Some(Self { ring: R::open(&copy).expect("a ring"), name: Some(copy) })
    }

    /// The bytes of the region's file.
    pub(crate) fn image(&self) -> Image {
        Image::of(&self.name.as_ref().expect("a ring in shared memory").path())
    }

    /// Writes a word of the region's file, as a broken peer could.
    pub(crate) fn poke(&self, at: usize, value: u64) {
        let path = self.name.as_ref().expect("a ring in shared memory").path();
        let file = File::options().write(true).open(path).expect("the region's file");
        file.write_all_at(&value.to_le_bytes(), at as u64).expect("a word of the region");
    }

    /// The name of the ring; in shared memory only.
    pub(crate) fn name(&self) -> &UniqueName {
        self.name.as_ref().expect("a ring in shared memory")
    }

    /// Producer and consumer, each over its own opening.
    pub(crate) fn ends(&self) -> (R::Producer, R::Consumer) {
        let producer = self.ring.producer().expect("a producer");
        (producer, self.opened_again().consumer().expect("a consumer"))
    }
}

impl<R> Deref for TestRingOf<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.ring
    }
}
