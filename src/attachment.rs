//! What every open ring is: a region with a validated header, and the options of the process that opened it.
//!
//! Creating and opening are the same for all kinds: the kind says what it expects ([`Expected`]), this says in what a
//! ring differs from it.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::barrier::Barrier;
use crate::doorbell;
use crate::element::Payload;
use crate::error::{Difference, Fault, OpenError, UnlinkError};
use crate::layout::SchemaRecord;
use crate::layout::geometry::MAX_ENTRIES;
use crate::layout::header::{Content, Draft, FRAME_STEP, Header, MAX_GATE_NAME, longest_record};
use crate::layout::words::{CLOSED, CLOSING};
use crate::participant::{self, Participant, Peer, Presence};
use crate::position::{CLAIM_MASK, Claim, Position, distance};
use crate::region::{Access, Name, Region, Settings, Standing, os_error};
use crate::sync::Ordering;
use crate::sys::{file, identity};
use crate::vocabulary::{Kind, Role};
use crate::wait::{Patience, Strategy};

/// How this process takes part in a ring: the same for creating and for opening it.
///
/// ```
/// use ringfence::{spsc, Attach};
///
/// let attach = Attach::new().label("feed handler");
/// let ring = spsc::Options::<u64>::new(64).attach(attach).in_process()?;
/// let tx = ring.producer()?;
/// assert_eq!(ring.participants()[0].label, "feed handler");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Attach {
    pub(crate) directory: Option<PathBuf>,
    pub(crate) label: String,
    pub(crate) fail_when_peer_dies: bool,
    pub(crate) strategy: Strategy,
    pub(crate) barrier: Barrier,
    pub(crate) patience: Duration,
    pub(crate) read_only: bool,
}

impl Default for Attach {
    fn default() -> Self {
        Self {
            directory: None,
            label: String::new(),
            fail_when_peer_dies: false,
            strategy: Strategy::default(),
            barrier: Barrier::default(),
            patience: Duration::from_millis(1),
            read_only: false,
        }
    }
}

impl Attach {
    /// The defaults: `/dev/shm`, no label, blocked calls spin and then sleep and wait for the successor of a peer that
    /// died, pushes and pops run no fence, and a participant that holds others up is asked after a millisecond whether it
    /// lives.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a participant may hold this process's handles up before they ask the kernel whether it lives (mpmc): a
    /// millisecond by default. The question takes a few system calls. It is never the time that proves a death.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Looks for the ring in `directory`, which must be on a file system in memory, instead of `/dev/shm`.
    pub fn in_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// What the handles of this process call themselves, for people: up to 48 bytes, the rest is cut off.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Whether a call that waits fails with [`Fault::PeerDied`] when the participant on the other side has died,
    /// instead of waiting for its successor. Proof of death is the kernel's; a stopped process is not dead.
    pub fn fail_when_peer_dies(mut self, yes: bool) -> Self {
        self.fail_when_peer_dies = yes;
        self
    }

    /// What a call does while it waits: [`Strategy::Adaptive`] by default. On a ring of `busy_poll` every call spins.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// What a handle runs between a publication and its look for sleepers: [`Barrier::Asymmetric`] by default.
    pub fn barrier(mut self, barrier: Barrier) -> Self {
        self.barrier = barrier;
        self
    }

    /// Whether this opens a broadcast ring for reading only, whatever the file's permissions allow: this process then
    /// cannot change it. `false` by default: a broadcast ring that may be read and not written is opened for reading only
    /// all the same.
    ///
    /// Whoever waits at such a ring cannot say so: a call that sleeps looks at it every millisecond, which takes about a
    /// thousand wake-ups a second and finds what comes up to a millisecond late, unless somebody else who sleeps there is
    /// called. Nothing that would change the ring succeeds ([`AttachError::ReadOnly`](crate::AttachError::ReadOnly),
    /// [`UnlinkError::ReadOnly`]), and it has no doorbells ([`WaitError::NoDoorbell`](crate::WaitError::NoDoorbell)).
    ///
    /// Rings of other kinds are not opened so ([`OpenError::ReadOnly`]), only inspected
    /// ([`inspect_with`](crate::inspect_with)).
    pub fn read_only(mut self, yes: bool) -> Self {
        self.read_only = yes;
        self
    }
}

/// The options of a new ring that all kinds have.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    pub(crate) capacity: usize,
    pub(crate) start: Position,
    pub(crate) busy_poll: bool,
    /// What a dead consumer held is not delivered again (mpmc).
    pub(crate) discard: bool,
    /// Entries of the participant table.
    pub(crate) entries: u32,
    /// The names of the gates, where they have any (broadcast).
    pub(crate) gates: Vec<Option<String>>,
    /// How long a gate with a name holds the publisher up once nobody is there (broadcast).
    pub(crate) hold_gates: Duration,
    /// How long a living subscriber may hold the publisher up before it is demoted (broadcast).
    pub(crate) demote_after: Option<Duration>,
    pub(crate) settings: Settings,
    pub(crate) attach: Attach,
}

impl Creation {
    pub(crate) fn new(capacity: usize, entries: u32) -> Self {
        Self {
            capacity,
            start: Position::default(),
            busy_poll: false,
            discard: false,
            entries,
            gates: Vec::new(),
            hold_gates: Duration::ZERO,
            demote_after: None,
            settings: Settings { mode: 0o600, group: None, prefault: true },
            attach: Attach::new(),
        }
    }

    /// A ring of `kind` that carries `P`, bytes up to `max_len`; or which option has a value that no such ring can have.
    pub(crate) fn expected<P: Payload + ?Sized>(
        &self,
        kind: Kind,
        max_len: Option<usize>,
    ) -> Result<Expected, OpenError> {
        let check = |option, found: u64, range: RangeInclusive<u64>, allowed| {
            if range.contains(&found) {
                Ok(())
            } else {
                Err(OpenError::InvalidOption { option, found, allowed })
            }
        };
        if let Some(length) = max_len {
            check("max_len", length as u64, 1..=1 << 31, "1 to 2^31")?;
        }
        if kind == Kind::Broadcast {
            check("gated", self.gates.len() as u64, 0..=u64::from(MAX_ENTRIES) - 1, "0 to 4093")?;
            check_gates(&self.gates)?;
        } else {
            check("participants", self.entries.into(), 2..=MAX_ENTRIES.into(), "2 to 4094")?;
        }
        if kind == Kind::Mpmc {
            check("start_at", self.start.to_bits(), 0..=CLAIM_MASK, "0 to 2^52 - 1")?;
        }
        if kind == Kind::Stream && P::ELEMENT.is_none() {
            check("capacity", self.capacity as u64, 16..=1 << 32, "16 to 2^32")?;
            if !self.start.to_bits().is_multiple_of(FRAME_STEP) {
                let (option, allowed) = ("start_at", "a multiple of 8");
                return Err(OpenError::InvalidOption { option, found: self.start.to_bits(), allowed });
            }
        }
        Ok(Expected::of::<P>(kind, max_len))
    }

    /// Whoever creates the ring of `kind` at `path` writes to it.
    fn check_access(&self, kind: Kind, path: &Path) -> Result<(), OpenError> {
        if self.attach.read_only {
            return Err(OpenError::ReadOnly { path: path.to_owned(), kind });
        }
        Ok(())
    }

    /// The capacity that a ring really gets: the next power of two.
    fn slots(&self) -> Result<u64, OpenError> {
        let slots = (self.capacity as u64).checked_next_power_of_two();
        slots.filter(|_| (2..=1 << 40).contains(&self.capacity)).ok_or(OpenError::InvalidOption {
            option: "capacity",
            found: self.capacity as u64,
            allowed: "2 to 2^40",
        })
    }
}

/// Whether gates can have these names, where they have any.
fn check_gates(names: &[Option<String>]) -> Result<(), OpenError> {
    let mut seen = HashSet::new();
    for name in names.iter().flatten() {
        let rule = if !(1..=MAX_GATE_NAME).contains(&name.len()) {
            "a gate's name has 1 to 48 bytes"
        } else if !seen.insert(name) {
            "no two gates have the same name"
        } else {
            continue;
        };
        return Err(OpenError::InvalidName { name: name.clone(), rule });
    }
    Ok(())
}

/// What a process expects a ring to carry.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) kind: Kind,
    content: Content,
    /// `None`: whatever the ring says (bytes of any maximum length).
    size: Option<u64>,
    align: u32,
    schema: SchemaRecord,
}

impl Expected {
    /// A ring of `kind` that carries `P`; for bytes, up to `max_len` of them.
    pub(crate) fn of<P: Payload + ?Sized>(kind: Kind, max_len: Option<usize>) -> Self {
        match const { &P::ELEMENT } {
            Some(schema) => Self {
                kind,
                content: Content::Elements,
                size: Some(schema.size() as u64),
                align: schema.align() as u32,
                schema: SchemaRecord::of(schema),
            },
            None => Self {
                kind,
                content: Content::Bytes,
                size: max_len.map(|it| it as u64),
                align: 1,
                schema: SchemaRecord::bytes(),
            },
        }
    }

    /// Everything in which the ring of `header` is not what is expected.
    pub(crate) fn differences(&self, header: &Header, capacity: Option<u64>) -> Vec<Difference> {
        let mut list = Vec::new();
        let mut compare = |what: &str, expected: String, found: String| {
            if expected != found {
                list.push(Difference { what: what.to_owned(), expected, found });
            }
        };
        compare("kind", self.kind.to_string(), header.kind.to_string());
        if let Some(capacity) = capacity {
            compare("capacity", capacity.to_string(), header.capacity.to_string());
        }
        let (ours, found) = (&self.schema, &header.schema);
        if (self.content, header.content) == (Content::Bytes, Content::Bytes) {
            if let Some(size) = self.size {
                compare("maximum length", size.to_string(), header.element_size.to_string());
            }
            return list;
        }
        // The layout first: a fingerprint is only a claim; slots are laid over memory by content, size and alignment.
        let same_layout = self.content == header.content
            && self.size == Some(u64::from(header.element_size))
            && self.align == header.element_align;
        let compatible = ours.name == found.name
            && (ours.compatible.contains(&found.version) || found.compatible.contains(&ours.version));
        if same_layout && (ours.fingerprint == found.fingerprint || compatible) {
            return list;
        }
        compare("content", self.content.to_string(), header.content.to_string());
        compare("element", ours.name.clone(), found.name.clone());
        compare("element version", ours.version.to_string(), found.version.to_string());
        if let Some(size) = self.size {
            compare("element size", size.to_string(), header.element_size.to_string());
        }
        compare("element alignment", self.align.to_string(), header.element_align.to_string());
        for (field, ours, theirs) in ours.differences(found) {
            compare(
                &if field.is_empty() { "type".to_owned() } else { format!("field {field}") },
                ours,
                theirs,
            );
        }
        compare("fingerprint", ours.fingerprint.to_string(), found.fingerprint.to_string());
        list
    }

    fn draft(&self, creation: &Creation) -> Result<Draft, OpenError> {
        let capacity = creation.slots()?;
        let too_large = OpenError::TooLarge { capacity, slot: self.size.unwrap_or(0) };
        let size = match self.size {
            None if self.kind == Kind::Stream => longest_record(capacity),
            size => size.and_then(|it| u32::try_from(it).ok()),
        };
        let Some(size) = size else { return Err(too_large) };
        let shape = self.content.shape(self.kind, size as usize, self.align as usize);
        let Some(shape) = shape else { return Err(too_large) };
        let path = Path::new("random bits");
        Ok(Draft {
            kind: self.kind,
            content: self.content,
            element_size: size,
            element_align: self.align,
            shape,
            capacity,
            start: creation.start.to_bits(),
            created_at: identity::unix_nanos(),
            entry_count: creation.entries + creation.gates.len() as u32,
            busy_poll: creation.busy_poll,
            discard: creation.discard,
            gates: creation.gates.iter().map(|it| it.clone().unwrap_or_default()).collect(),
            hold_gates: creation.hold_gates,
            demote_after: creation.demote_after,
            schema: self.schema.clone(),
            instance: file::random().map_err(|failure| os_error(path, failure))?,
            page: file::page_size() as u64,
        })
    }

    fn encode(&self, creation: &Creation) -> Result<(Vec<u8>, Header), OpenError> {
        let draft = self.draft(creation)?;
        let (capacity, slot) = (draft.capacity, draft.shape.stride as u64);
        draft.encode().ok_or(OpenError::TooLarge { capacity, slot })
    }
}

/// Whom a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peers {
    /// The owner of an entry.
    Entry(u32),
    /// Whoever has a role.
    Role(Role),
    /// Nobody in particular: it goes on without whoever dies.
    Nobody,
}

/// An open ring.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) region: Arc<Region>,
    pub(crate) attach: Attach,
}

impl Attachment {
    /// A new ring under `name`.
    pub(crate) fn create(expected: &Expected, creation: &Creation, name: &str) -> Result<Self, OpenError> {
        let name = Name::new(creation.attach.directory.as_deref(), name)?;
        creation.check_access(expected.kind, name.path())?;
        let (bytes, header) = expected.encode(creation)?;
        let region = Region::create(name, &bytes, header, &creation.settings)?;
        Ok(Self { region, attach: creation.attach.clone() })
    }

    /// A new ring on the heap.
    pub(crate) fn on_heap(expected: &Expected, creation: &Creation) -> Result<Self, OpenError> {
        creation.check_access(expected.kind, Path::new("heap"))?;
        let (bytes, header) = expected.encode(creation)?;
        Ok(Self { region: Region::on_heap(&bytes, header)?, attach: creation.attach.clone() })
    }

    /// The ring under `name`, if it is as `expected`, and of the given capacity where one is given.
    pub(crate) fn open(
        expected: &Expected,
        capacity: Option<u64>,
        attach: Attach,
        name: &str,
    ) -> Result<Self, OpenError> {
        let name = Name::new(attach.directory.as_deref(), name)?;
        let path = name.path().to_owned();
        let access = match (expected.kind, attach.read_only) {
            (Kind::Broadcast, true) => Access::Read,
            (Kind::Broadcast, false) => Access::Permitted,
            (kind, true) => return Err(OpenError::ReadOnly { path, kind }),
            (_, false) => Access::Write,
        };
        let region = Region::open(name, access)?;
        let differences = expected.differences(region.header(), capacity);
        if differences.is_empty() {
            Ok(Self { region, attach })
        } else {
            Err(OpenError::Mismatch { path, differences })
        }
    }

    /// The ring under `name`, created where there is none.
    pub(crate) fn open_or_create(
        expected: &Expected,
        creation: &Creation,
        name: &str,
    ) -> Result<Self, OpenError> {
        const ATTEMPTS: u32 = 16;
        let capacity = creation.slots()?;
        for _ in 0..ATTEMPTS {
            match Self::open(expected, Some(capacity), creation.attach.clone(), name) {
                Err(OpenError::NotFound { .. }) => {}
                result => return result,
            }
            match Self::create(expected, creation, name) {
                Err(OpenError::NameTaken { .. }) => {}
                result => return result,
            }
        }
        let path = Name::new(creation.attach.directory.as_deref(), name)?.path().to_owned();
        Err(OpenError::Unstable { path, attempts: ATTEMPTS })
    }

    /// How many items are in the ring, as its words say; clamped, because they are read one after the other.
    pub(crate) fn len(&self) -> u64 {
        let (head, tail) = self.cursors();
        tail.since(head).clamp(0, self.region.header().capacity.cast_signed()).cast_unsigned()
    }

    pub(crate) fn is_closed(&self) -> bool {
        // Relaxed: nothing is read because of it.
        self.region.shared().status.flags.load(Ordering::Relaxed) & (CLOSED | CLOSING) != 0
    }

    /// Head and tail, as the ring's words say; tail within a capacity of head.
    pub(crate) fn positions(&self) -> (Position, Position) {
        let (head, _) = self.cursors();
        (head, self.position_of(head.to_bits().wrapping_add(self.len())))
    }

    /// Head and tail, read one after the other. Of a broadcast ring, which has no head, the oldest position that may still
    /// be there.
    fn cursors(&self) -> (Position, Position) {
        let (shared, header) = (self.region.shared(), self.region.header());
        let position = |word| match header.kind {
            Kind::Mpmc => self.position_of(Claim::from_bits(word).position()),
            Kind::Spsc | Kind::Broadcast | Kind::Stream => self.position_of(word),
        };
        // Relaxed: two moments of a moving ring; nothing is read because of them.
        let head = shared.head.load(Ordering::Relaxed);
        let tail = shared.tail.load(Ordering::Relaxed);
        let head = match header.kind {
            Kind::Broadcast if distance(tail, header.start) >= header.capacity.cast_signed() => {
                tail.wrapping_sub(header.capacity)
            }
            Kind::Broadcast => header.start,
            Kind::Spsc | Kind::Mpmc | Kind::Stream => head,
        };
        (position(head), position(tail))
    }

    /// `cursor`, modulo what positions of this kind count to.
    fn position_of(&self, cursor: u64) -> Position {
        match self.region.header().kind {
            Kind::Mpmc => Position::of_claim(cursor),
            Kind::Spsc | Kind::Broadcast | Kind::Stream => Position::of_cursor(cursor),
        }
    }

    pub(crate) fn participants(&self) -> Vec<Participant> {
        let header = self.region.header();
        // Of many entries most were never used, and each takes system calls.
        let shown = |index: &u32| header.kind != Kind::Mpmc || participant::was_used(&self.region, *index);
        (0..header.entry_count)
            .filter(shown)
            .map(|index| participant::participant(&self.region, index))
            .collect()
    }

    /// Removes the ring's name; while participants live only if `forced`.
    pub(crate) fn unlink(&self, forced: bool) -> Result<(), UnlinkError> {
        participant::remove(&self.region, forced)
    }

    /// How calls of a handle wait.
    pub(crate) fn patience(&self) -> Patience {
        Patience::here(if self.region.header().busy_poll { Strategy::Spin } else { self.attach.strategy })
    }

    /// Whether the ring has doorbells, as far as this process is concerned: they exist, and it may write that it sleeps.
    pub(crate) fn has_bell(&self) -> bool {
        !self.region.header().busy_poll && self.region.is_writable()
    }

    /// What a new handle runs behind its publications, on behalf of sleepers. Registers the process where that is
    /// needed, marks the region, and wakes whoever sleeps at it: they may rely on what was there before.
    pub(crate) fn settle_barrier(&self) -> Barrier {
        debug_assert!(self.region.is_writable(), "a participant of a ring that it cannot write");
        if self.region.header().busy_poll {
            return Barrier::Asymmetric;
        }
        let barrier = self.attach.barrier.settle();
        if barrier == Barrier::Asymmetric {
            // Relaxed: before the fence of `ring_out`.
            self.region.shared().status.asymmetric.fetch_add(1, Ordering::Relaxed);
        }
        doorbell::ring_out(self.region.shared());
        barrier
    }

    /// What a waiting call, or one that polls, finds beyond its ring: `None` where it may go on.
    pub(crate) fn look_around(&self, peers: Peers) -> Option<Fault> {
        match self.region.standing() {
            Ok(Standing::Sound) => {}
            Ok(Standing::Truncated) => return Some(Fault::Truncated),
            Ok(Standing::Nameless) => return Some(Fault::Unlinked),
            Err(failure) => return Some(Fault::Os(failure.errno)),
        }
        if !self.attach.fail_when_peer_dies {
            return None;
        }
        let died =
            |peer: Peer| (peer.state == Presence::Died).then_some(Fault::PeerDied { epoch: peer.epoch });
        match peers {
            Peers::Entry(index) => died(participant::peer(&self.region, index)),
            Peers::Role(role) => participant::last_of(&self.region, role).and_then(died),
            Peers::Nobody => None,
        }
    }
}

/// Removes the ring called `name`, if nobody is attached to it.
///
/// # Errors
///
/// [`UnlinkError::InUse`] while anyone lives, with their names; [`UnlinkError::Open`] where there is no such ring, or
/// something else has the name.
pub fn unlink(name: &str) -> Result<(), UnlinkError> {
    participant::remove(&*open_for_removal(name)?, false)
}

/// Removes the ring called `name` even while participants use it; they get [`Fault::Unlinked`].
///
/// # Errors
///
/// [`UnlinkError::Open`] where there is no such ring, or something else has the name.
pub fn force_unlink(name: &str) -> Result<(), UnlinkError> {
    participant::remove(&*open_for_removal(name)?, true)
}

fn open_for_removal(name: &str) -> Result<Arc<Region>, UnlinkError> {
    Ok(Region::open(Name::new(None, name)?, Access::Write)?)
}
