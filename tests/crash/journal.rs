//! What a process says that it did, in memory that outlives it.
//!
//! A journal is a list that only grows, in pages shared between the laboratory and the processes that it forks. Words
//! are stored one after the other and counted last, so that a process that is killed leaves whole entries.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

use crate::item::Number;

/// What a process did with an item, noted when it was done, but for `Begun`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It is about to push the item.
    Begun(Number),
    /// A push of the item has returned `Ok`.
    Accepted(Number),
    /// The item was handed to the process's user, for the first time as far as the ring knows.
    Seen(Number),
    /// The same, flagged as redelivered.
    SeenAgain(Number),
    /// A call that releases the item has returned.
    Released(Number),
    /// An item was handed out whose words do not belong together.
    Torn,
}

impl Entry {
    pub(crate) fn sight(number: Option<Number>, redelivered: bool) -> Self {
        match number {
            None => Self::Torn,
            Some(number) if redelivered => Self::SeenAgain(number),
            Some(number) => Self::Seen(number),
        }
    }

    fn to_word(self) -> u64 {
        let (tag, number) = match self {
            Self::Begun(number) => (0, number.to_bits()),
            Self::Accepted(number) => (1, number.to_bits()),
            Self::Seen(number) => (2, number.to_bits()),
            Self::SeenAgain(number) => (3, number.to_bits()),
            Self::Released(number) => (4, number.to_bits()),
            Self::Torn => (5, 0),
        };
        tag << Number::BITS | number
    }

    fn from_word(word: u64) -> Self {
        let number = Number::from_bits(word & ((1 << Number::BITS) - 1));
        match word >> Number::BITS {
            0 => Self::Begun(number),
            1 => Self::Accepted(number),
            2 => Self::Seen(number),
            3 => Self::SeenAgain(number),
            4 => Self::Released(number),
            _ => Self::Torn,
        }
    }
}

/// Words that this process shares with all that it forks.
pub(crate) fn shared_words(count: usize) -> &'static [AtomicU64] {
    let length = NonZeroUsize::new(count * size_of::<AtomicU64>()).expect("some words");
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
    #[allow(unsafe_code)]
    let address =
        unsafe { mmap_anonymous(None, length, access, MapFlags::MAP_SHARED) }.expect("shared memory");
    // SAFETY: the mapping is that long, zeroed, aligned to a page, and is never unmapped.
    #[allow(unsafe_code)]
    unsafe {
        std::slice::from_raw_parts(address.as_ptr().cast::<AtomicU64>(), count)
    }
}

/// The list: of one process at a time. Copies are the same list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Journal {
    length: &'static AtomicU64,
    words: &'static [AtomicU64],
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        let (length, words) = shared_words(capacity + 1).split_first().expect("some words");
        Self { length, words }
    }

    pub(crate) fn note(&self, entry: Entry) {
        let length = self.length.load(Ordering::Relaxed);
        self.words[length as usize].store(entry.to_word(), Ordering::Relaxed);
        self.length.store(length + 1, Ordering::Release);
    }

    pub(crate) fn len(&self) -> usize {
        self.length.load(Ordering::Acquire) as usize
    }

    /// How many entries there is still room for.
    pub(crate) fn room(&self) -> usize {
        self.words.len() - self.len()
    }

    pub(crate) fn clear(&self) {
        self.length.store(0, Ordering::Relaxed);
    }

    /// The entries, oldest first, which are then gone; the process that wrote them is.
    pub(crate) fn take(&self) -> impl Iterator<Item = Entry> + use<> {
        let length = self.len();
        self.clear();
        self.words[..length].iter().map(|word| Entry::from_word(word.load(Ordering::Relaxed)))
    }
}
