//! Creating and opening a ring.

use std::fmt;
use std::marker::PhantomData;

use super::port::ENTRIES;
use super::ring::Ring;
use crate::attachment::{Attach, Attachment, Creation, Expected};
use crate::element::{Element, Payload};
use crate::error::OpenError;
use crate::position::Position;
use crate::vocabulary::Kind;

/// Longest item of bytes that an option may ask for.
const MAX_LENGTH: usize = 1 << 31;

/// What a new ring is to be like.
///
/// ```no_run
/// use ringfence::{spsc, Attach};
///
/// let ring = spsc::Options::<u64>::new(4096)
///     .mode(0o660)
///     .attach(Attach::new().label("gateway"))
///     .open_or_create("md.ticks")?;
/// # Ok::<(), ringfence::OpenError>(())
/// ```
#[must_use]
pub struct Options<P: Payload + ?Sized> {
    creation: Creation,
    max_len: Option<usize>,
    carried: PhantomData<fn(&P)>,
}

impl<T: Element> Options<T> {
    /// A ring of `capacity` elements: 2 to 2^40, rounded up to a power of two.
    ///
    /// Elements without a size, or aligned to more than a page, are refused when the program is built:
    ///
    /// ```compile_fail
    /// let nothing = ringfence::spsc::Options::<[u8; 0]>::new(4).in_process();
    /// ```
    ///
    /// ```compile_fail
    /// #[derive(ringfence::Element, Clone, Copy)]
    /// #[element(name = "doc.Aligned")]
    /// #[repr(C, align(8192))]
    /// struct Aligned([u8; 8192]);
    ///
    /// let aligned = ringfence::spsc::Options::<Aligned>::new(4).in_process();
    /// ```
    pub fn new(capacity: usize) -> Self {
        Self { creation: Creation::new(capacity), max_len: None, carried: PhantomData }
    }
}

impl Options<[u8]> {
    /// A ring of `capacity` byte strings (2 to 2^40, rounded up to a power of two) of up to `max_len` bytes each
    /// (1 to 2^31). Every slot takes the maximum length and 16 bytes, rounded up to a multiple of 8.
    pub fn new(capacity: usize, max_len: usize) -> Self {
        Self { creation: Creation::new(capacity), max_len: Some(max_len), carried: PhantomData }
    }
}

impl<P: Payload + ?Sized> Options<P> {
    /// Permission bits of a named ring, whatever the umask says; 0600 by default. Whoever takes part needs both read
    /// and write permission.
    pub fn mode(mut self, mode: u32) -> Self {
        self.creation.settings.mode = mode & 0o777;
        self
    }

    /// Group of a named ring, by number; the creator's own by default.
    pub fn group(mut self, group: u32) -> Self {
        self.creation.settings.group = Some(group);
        self
    }

    /// Whether the creator maps every page of a named ring at once (the default), so that its first lap meets no page
    /// fault. The memory itself is reserved in any case.
    pub fn prefault(mut self, yes: bool) -> Self {
        self.creation.settings.prefault = yes;
        self
    }

    /// Whether the ring has no doorbells: every call that waits spins, on either side and in every process, and nobody
    /// looks for sleepers. For rings whose two sides each have a processor of their own; `false` by default.
    ///
    /// A ring that exists already keeps what its creator chose.
    pub fn busy_poll(mut self, yes: bool) -> Self {
        self.creation.busy_poll = yes;
        self
    }

    /// The position of the first item; 0 by default. A ring that replaces another one can go on counting.
    pub fn start_at(mut self, position: Position) -> Self {
        self.creation.start = position;
        self
    }

    /// How this process takes part.
    pub fn attach(mut self, attach: Attach) -> Self {
        self.creation.attach = attach;
        self
    }

    /// Creates the ring under `name` (`[A-Za-z0-9._-]`, up to 200 bytes). The name appears when the ring is complete.
    ///
    /// Makes system calls and touches all the ring's memory.
    ///
    /// # Errors
    ///
    /// [`OpenError::NameTaken`]; [`OpenError::NoSpace`] with what is needed and what is available; and whatever else
    /// the name, the options or the operating system forbid. Nothing is left behind.
    pub fn create(self, name: &str) -> Result<Ring<P>, OpenError> {
        let attachment = Attachment::create(&self.expected()?, &self.creation, ENTRIES, name)?;
        Ok(Ring::of(attachment))
    }

    /// Opens the ring under `name`, or creates it where there is none.
    ///
    /// # Errors
    ///
    /// [`OpenError::Mismatch`] with each difference where the ring that is there carries something else or has another
    /// capacity; else as [`create`](Options::create) and [`open`].
    pub fn open_or_create(self, name: &str) -> Result<Ring<P>, OpenError> {
        let attachment = Attachment::open_or_create(&self.expected()?, &self.creation, ENTRIES, name)?;
        Ok(Ring::of(attachment))
    }

    /// Creates a ring on the heap, for threads of this process.
    ///
    /// # Errors
    ///
    /// [`OpenError::NoSpace`], or what the options forbid.
    pub fn in_process(self) -> Result<Ring<P>, OpenError> {
        let attachment = Attachment::on_heap(&self.expected()?, &self.creation, ENTRIES)?;
        Ok(Ring::of(attachment))
    }

    fn expected(&self) -> Result<Expected, OpenError> {
        match self.max_len {
            Some(length) if !(1..=MAX_LENGTH).contains(&length) => Err(OpenError::InvalidOption {
                option: "max_len",
                found: length as u64,
                allowed: "1 to 2^31",
            }),
            max_len => Ok(Expected::of::<P>(Kind::Spsc, max_len)),
        }
    }
}

impl<P: Payload + ?Sized> Clone for Options<P> {
    fn clone(&self) -> Self {
        Self { creation: self.creation.clone(), max_len: self.max_len, carried: PhantomData }
    }
}

impl<P: Payload + ?Sized> fmt::Debug for Options<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("creation", &self.creation).field("max_len", &self.max_len).finish()
    }
}

/// Opens the ring called `name`.
///
/// # Errors
///
/// [`OpenError::NotFound`]; [`OpenError::Mismatch`] with each difference where it carries something else; and a
/// variant of its own for each way in which a file can be no ring, or a damaged one.
pub fn open<P: Payload + ?Sized>(name: &str) -> Result<Ring<P>, OpenError> {
    open_with(name, Attach::new())
}

/// Opens the ring called `name` with the options of `attach`.
///
/// # Errors
///
/// As [`open`].
pub fn open_with<P: Payload + ?Sized>(name: &str, attach: Attach) -> Result<Ring<P>, OpenError> {
    Ok(Ring::of(Attachment::open(&Expected::of::<P>(Kind::Spsc, None), None, attach, name)?))
}
