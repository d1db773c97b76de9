//! Who is attached, who is alive, and what proves a death.
//!
//! A participant is an entry of the table and the lock byte of the same number. The byte is the truth: the kernel
//! drops it when its holder's process is gone, whatever the PID namespace, and never while it lives, stopped or slow.
//! The entry is for people, with one exception: a *free byte* behind an entry *in use* means that its owner died.
//!
//! ```text
//! attach   lock byte → name still ours? → dead predecessor? repair → entry IN_USE → work
//! detach   settle own affairs → entry FREE → unlock
//! ```
//!
//! The lock is held by a mapping ([`crate::sys::lock::Hold`]), each on a description of its own: locks belong to
//! descriptions, and within one a second try succeeds. Heap regions keep a list of held entries instead.
//!
//! No thread of a dying process writes to the region after the kernel has dropped its lock, so what a successor reads
//! is the last word of its predecessor.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::doorbell;
use crate::error::{AttachError, Holder, UnlinkError};
use crate::layout::words::{CLOSED, CLOSING, Entry, LABEL_WORDS, RETIRED, counter, exit, state};
use crate::position::Position;
use crate::region::{Held, Region};
use crate::sync::{Edge, FencedEdge, Ordering};
use crate::sys::fork::{ForkPrivate, Origin, without_forks};
use crate::sys::identity::{Identity, unix_nanos};
use crate::sys::lock::{self, Bytes};
use crate::sys::{Failure, file};
use crate::vocabulary::Role;

/// Whoever sees an entry in use sees its role; whoever sees it free sees the ring as its last owner left it.
const P1_ENTRY: Edge = Edge::named("participant P1 entry");
/// Of two that attach at the same time, at least one sees the other's entry in use.
const P2_COMPANY: FencedEdge = FencedEdge::named("participant P2 company");

// Every other access to an entry below is Relaxed: who reads it to decide holds its lock byte, and the kernel's lock (the
// heap's mutex) orders that behind its predecessor's writes; everybody else only shows it.

/// How long an attach waits for a byte that is held by somebody passing through: a repairer, a standby, a remover.
const PASSING: Duration = Duration::from_millis(100);
/// Pause between two looks at such a byte.
const PAUSE: Duration = Duration::from_millis(1);
/// Looks that a holder gets who says nothing: it may be a standby that was granted the byte just now.
const BENEFIT_OF_DOUBT: u32 = 3;
/// Looks at an entry whose owners come and go; after that it is called occupied.
const LOOKS: u32 = 16;

/// Whether somebody is behind an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Presence {
    /// Nobody was ever there.
    Absent,
    /// A living process holds the role; it may be stopped.
    Present,
    /// The last owner detached.
    Left,
    /// The last owner died, and nobody has taken its place.
    Died,
}

/// The state of the role on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Peer {
    /// Whether somebody is there.
    pub state: Presence,
    /// How often the role was attached; grows with every takeover.
    pub epoch: u64,
}

/// One entry of a ring's participant table, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Participant {
    /// Number of the entry.
    pub index: u32,
    /// What its owner does, or did last; `None` for an entry that was never used.
    pub role: Option<Role>,
    /// Whether the owner lives.
    pub state: Presence,
    /// How often the entry was attached.
    pub epoch: u64,
    /// The owner's process, as seen in its own PID namespace.
    pub pid: u32,
    /// What the owner called itself.
    pub label: String,
    /// When it attached, in nanoseconds since 1970.
    pub attached_at: u64,
    /// Pid of whoever puts the affairs of a dead owner in order at the moment.
    pub repairer: Option<u32>,
    /// Items that owners of this entry dropped by [`push_or_drop`](crate::spsc::Producer::push_or_drop).
    pub dropped: u64,
    /// How often an owner of this entry found a dead predecessor and put its affairs in order.
    pub repairs: u64,
    /// How often a call of an owner of this entry slept.
    pub sleeps: u64,
}

/// What a repair ([`spsc`](crate::spsc::Ring::repair), [`mpmc`](crate::mpmc::Ring::repair)) found and put in order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RepairReport {
    /// The participants that had died.
    pub repaired: Vec<Participant>,
    /// What they had claimed and not finished, in no certain order (mpmc).
    pub items: Vec<RepairedItem>,
}

/// A position that a dead participant had claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepairedItem {
    /// Which.
    pub position: Position,
    /// What became of it.
    pub fate: Fate,
}

/// What a repair made of a position that a dead participant had claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fate {
    /// A producer died before it had committed: there is no item.
    Void,
    /// A consumer died before it had released the item: it is delivered again, flagged.
    Redelivered {
        /// How often it had been delivered again before, up to 1,023: an item at which consumers die one after the other
        /// counts up.
        before: u32,
    },
    /// A consumer died before it had released the item, which the ring's creator wanted discarded then.
    Discarded,
}

/// A held entry. Dropping it detaches, unless the process is a forked child of the one that attached.
#[derive(Debug)]
pub(crate) struct Membership {
    region: Arc<Region>,
    index: u32,
    origin: Origin,
    /// Always there until the drop.
    hold: Option<Hold>,
    /// The region's memory is gone: touching it raises SIGBUS.
    lost: bool,
}

/// A lock byte, held.
#[derive(Debug)]
enum Hold {
    Mapping { _hold: lock::Hold },
    Heap { held: Arc<Held>, index: u32 },
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Self::Heap { held, index } = self {
            held.give_back(*index);
        }
    }
}

impl Membership {
    /// Attaches to entry `index`. `repair` puts in order what the predecessor left, and is told whether it died.
    pub(crate) fn attach<R>(
        region: &Arc<Region>,
        index: u32,
        role: Role,
        label: &str,
        repair: impl FnOnce(bool) -> Result<R, AttachError>,
    ) -> Result<(Self, R), AttachError> {
        let hold = take(region, index, role)?;
        Self::settle_in(region, index, role, label, hold, repair)
    }

    /// Attaches to any of the entries `among` that has no living owner. `repair` puts in order what the last owner of the entry of the
    /// given number left, and is told whether it died.
    ///
    /// An entry that looks free costs one try; those in use are tried when none does. Waits a bounded while for those who
    /// are only passing through.
    pub(crate) fn attach_any<R>(
        among: &[u32],
        region: &Arc<Region>,
        role: Role,
        label: &str,
        repair: impl FnOnce(u32, bool) -> Result<R, AttachError>,
    ) -> Result<(Self, R), AttachError> {
        // Anywhere: whoever attaches at the same time begins somewhere else.
        let start = u64::from_le_bytes(*file::random()?.first_chunk().expect("sixteen bytes")) as usize;
        let (before, behind) = among.split_at(start.checked_rem(among.len()).unwrap_or(0));
        let indices = || behind.iter().chain(before).copied();
        let looks_free = |index: &u32| !is_in_use(region, *index);
        let mut looks = 0;
        loop {
            for index in indices().filter(looks_free).chain(indices()) {
                if let Some(hold) = try_take(region, index)? {
                    return Self::settle_in(region, index, role, label, hold, |died| repair(index, died));
                }
            }
            looks += 1;
            let passing = indices().any(|index| is_passing(region, index).unwrap_or(false));
            if !passing || PAUSE * looks >= PASSING {
                return Err(AttachError::TooMany { max: among.len() as u32 });
            }
            thread::sleep(PAUSE);
        }
    }

    /// Makes entry `index`, whose byte is held, the caller's.
    fn settle_in<R>(
        region: &Arc<Region>,
        index: u32,
        role: Role,
        label: &str,
        hold: Hold,
        repair: impl FnOnce(bool) -> Result<R, AttachError>,
    ) -> Result<(Self, R), AttachError> {
        let who = &region.entry(index).who;
        let (repaired, _) = repair_entry(region, index, repair)?;
        let identity = Identity::here();
        who.role.store(role.code(), Ordering::Relaxed);
        who.pid.store(identity.pid, Ordering::Relaxed);
        who.pid_start.store(identity.start, Ordering::Relaxed);
        who.pid_namespace.store(identity.pid_namespace, Ordering::Relaxed);
        who.host.store(identity.host, Ordering::Relaxed);
        who.attached_at.store(unix_nanos(), Ordering::Relaxed);
        for (word, value) in who.label.iter().zip(label_words(label)) {
            word.store(value, Ordering::Relaxed);
        }
        let epoch = who.epoch.load(Ordering::Relaxed);
        who.epoch.store(epoch.wrapping_add(1), Ordering::Relaxed);
        who.state.store(state::IN_USE, P1_ENTRY.release()); // P1
        let membership =
            Self { region: Arc::clone(region), index, origin: Origin::here(), hold: Some(hold), lost: false };
        Ok((membership, repaired))
    }

    /// Number of the entry.
    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// Whether another entry of this one's `role` is in use, whoever comes later of the two.
    pub(crate) fn has_company(&self, role: Role) -> bool {
        P2_COMPANY.fence("attach"); // P2
        owners(&self.region, role).any(|index| index != self.index)
    }

    /// Whether the region is this participant's to write: not in a forked child of the process that attached, and not
    /// once its memory is gone.
    pub(crate) fn may_write(&self) -> bool {
        !self.lost && !self.origin.is_elsewhere()
    }

    /// The region's memory is gone.
    pub(crate) fn lose(&mut self) {
        self.lost = true;
    }

    /// Adds to one of the entry's own counters.
    pub(crate) fn count(&self, counter: usize) {
        increment(self.region.entry(self.index), counter);
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if self.origin.is_elsewhere() {
            // The parent's: here its mapping does not exist, and something else may lie at its address.
            core::mem::forget(self.hold.take());
            return;
        }
        if self.lost {
            return;
        }
        let who = &self.region.entry(self.index).who;
        who.last_exit.store(exit::LEFT, Ordering::Relaxed);
        who.state.store(state::FREE, P1_ENTRY.release()); // P1
        // Unlocked first: whoever is woken may ask for the proof that this one is gone.
        drop(self.hold.take());
        doorbell::ring_out(self.region.shared());
    }
}

/// Takes the byte of entry `index`, waiting a bounded while for somebody who is only passing through.
fn take(region: &Arc<Region>, index: u32, role: Role) -> Result<Hold, AttachError> {
    let mut looks = 0;
    loop {
        if let Some(hold) = try_take(region, index)? {
            return Ok(hold);
        }
        looks += 1;
        let passing = is_passing(region, index)? && PAUSE * looks < PASSING;
        if !passing && looks >= BENEFIT_OF_DOUBT {
            let holder = describe_owner(region.entry(index), role);
            return Err(AttachError::RoleTaken { holder });
        }
        thread::sleep(PAUSE);
    }
}

/// Takes the byte of entry `index`; `None` where somebody holds it.
fn try_take(region: &Arc<Region>, index: u32) -> Result<Option<Hold>, AttachError> {
    if let Some(heap) = region.heap() {
        if heap.is_copy() {
            return Err(AttachError::Forked);
        }
        let held = heap.held();
        return Ok(held.try_take(index).then(|| Hold::Heap { held: Arc::clone(held), index }));
    }
    check_writable(region)?;
    without_forks(|| {
        let Some(file) = region.describe()? else { return Err(AttachError::Unlinked) };
        if !lock::try_lock(&file, byte(region, index))? {
            return Ok(None);
        }
        // A remover that came first has taken the name away; one that comes now finds the byte held.
        if !region.is_named()? {
            return Err(AttachError::Unlinked);
        }
        Ok(Some(Hold::Mapping { _hold: lock::Hold::of(&file, file::page_size())? }))
    })
}

/// Whether the lock bytes of `region`, and its words, are this process's to take and to write.
fn check_writable(region: &Region) -> Result<(), AttachError> {
    if region.is_writable() { Ok(()) } else { Err(AttachError::ReadOnly) }
}

/// Sleeps until nobody holds the byte of entry `index`, and leaves it free. A signal does not end the wait.
pub(crate) fn await_release(region: &Arc<Region>, index: u32) -> Result<(), AttachError> {
    if let Some(heap) = region.heap() {
        if heap.is_copy() {
            return Err(AttachError::Forked);
        }
        heap.held().take(index);
        heap.held().give_back(index);
        return Ok(());
    }
    check_writable(region)?;
    // A child that is forked meanwhile closes its copy of the description, so that it cannot keep what we are granted.
    let Some(file) = without_forks(|| region.describe().map(|it| it.map(ForkPrivate::of)))? else {
        return Err(AttachError::Unlinked);
    };
    lock::lock(file.get(), byte(region, index))?;
    Ok(lock::unlock(file.get(), byte(region, index))?)
}

/// Whether the holder of entry `index` is about to let go: it repairs, attaches or detaches, or removes the ring.
fn is_passing(region: &Arc<Region>, index: u32) -> Result<bool, AttachError> {
    let who = &region.entry(index).who;
    if who.repairer.load(Ordering::Relaxed) != 0 || who.state.load(Ordering::Relaxed) == state::FREE {
        return Ok(true);
    }
    if region.heap().is_some() {
        return Ok(false);
    }
    let Some(file) = region.describe()? else { return Err(AttachError::Unlinked) };
    Ok(lock::is_held(&file, Bytes::one(region.header().identification.lock_name))?)
}

/// Lets `repair` put in order what the last owner of entry `index` left; the caller holds its byte. Says whether that
/// owner died.
fn repair_entry<R>(
    region: &Arc<Region>,
    index: u32,
    repair: impl FnOnce(bool) -> Result<R, AttachError>,
) -> Result<(R, bool), AttachError> {
    let entry = region.entry(index);
    let died = entry.who.state.load(Ordering::Relaxed) != state::FREE;
    if !died {
        return Ok((repair(false)?, false));
    }
    entry.who.repairer.store(std::process::id(), Ordering::Relaxed);
    let repaired = repair(true);
    // Before FREE: a repairer that dies in between leaves an entry that is repaired, and this word cleared, once more.
    entry.who.repairer.store(0, Ordering::Relaxed);
    if repaired.is_ok() {
        increment(entry, counter::REPAIRS);
        entry.who.last_exit.store(exit::DIED, Ordering::Relaxed);
        entry.who.state.store(state::FREE, P1_ENTRY.release()); // P1
    }
    Ok((repaired?, true))
}

/// Lets `repair` put in order what the owner of entry `index` left, if it is proven dead, and is told whether the entry
/// says so, too; this is said in return. `None` where the owner lives.
pub(crate) fn repair_unless_alive(
    region: &Arc<Region>,
    index: u32,
    repair: impl FnOnce(bool) -> Result<(), AttachError>,
) -> Result<Option<bool>, AttachError> {
    let Some(hold) = try_take(region, index)? else { return Ok(None) };
    let ((), died) = repair_entry(region, index, repair)?;
    drop(hold);
    doorbell::ring_out(region.shared());
    Ok(Some(died))
}

/// Repairs entry `index` if its owner died; says whether it had. An entry whose byte is held is left alone.
pub(crate) fn repair_dead(
    region: &Arc<Region>,
    index: u32,
    repair: impl FnOnce(bool) -> Result<(), AttachError>,
) -> Result<bool, AttachError> {
    Ok(is_in_use(region, index) && repair_unless_alive(region, index, repair)?.unwrap_or(false))
}

/// Whether somebody holds the byte of entry `index`. What cannot be known counts as held: doubt is no proof of death.
pub(crate) fn is_held(region: &Region, index: u32) -> bool {
    if let Some(heap) = region.heap() {
        // In a forked child the list is a copy, and its mutex may have been locked by a thread that is not there.
        return heap.is_copy() || heap.held().is_held(index);
    }
    match region.describe() {
        Ok(Some(file)) => lock::is_held(&file, byte(region, index)).unwrap_or(true),
        Ok(None) | Err(_) => true,
    }
}

/// Who is behind entry `index`. One system call each to open, ask and close.
pub(crate) fn peer(region: &Region, index: u32) -> Peer {
    let who = &region.entry(index).who;
    let look = || (who.epoch.load(Ordering::Relaxed), who.state.load(Ordering::Relaxed));
    for _ in 0..LOOKS {
        let before = look();
        let held = is_held(region, index);
        let (epoch, state) = look();
        let state = match (state, who.last_exit.load(Ordering::Relaxed)) {
            _ if held => Presence::Present,
            // Somebody came or went between the looks: a free byte says nothing of the one who is there now.
            _ if before != (epoch, state) => continue,
            (state::FREE, exit::LEFT) => Presence::Left,
            (state::FREE, exit::DIED) => Presence::Died,
            (state::FREE, _) => Presence::Absent,
            _ => Presence::Died,
        };
        return Peer { state, epoch };
    }
    Peer { state: Presence::Present, epoch: look().0 }
}

/// Whoever of `role` died last, as far as entries tell, where nobody of that role lives; `None` where somebody does, or
/// nobody died.
pub(crate) fn last_of(region: &Region, role: Role) -> Option<Peer> {
    let of_role =
        |index: &u32| Role::from_code(region.entry(*index).who.role.load(Ordering::Relaxed)) == Some(role);
    let attached_at = |index: u32| region.entry(index).who.attached_at.load(Ordering::Relaxed);
    let mut last: Option<(u64, Peer)> = None;
    for index in (0..region.header().entry_count).filter(of_role) {
        let peer = peer(region, index);
        match peer.state {
            Presence::Present => return None,
            Presence::Died if last.is_none_or(|(latest, _)| attached_at(index) >= latest) => {
                last = Some((attached_at(index), peer));
            }
            _ => {}
        }
    }
    last.map(|(_, peer)| peer)
}

/// Whether entry `index` ever had an owner.
pub(crate) fn was_used(region: &Region, index: u32) -> bool {
    region.entry(index).who.epoch.load(Ordering::Relaxed) != 0
}

/// Whether entry `index` has an owner, which may be dead.
pub(crate) fn is_in_use(region: &Region, index: u32) -> bool {
    region.entry(index).who.state.load(Ordering::Relaxed) != state::FREE
}

/// The entries in use whose owners, which may be dead, have `role`.
pub(crate) fn owners(region: &Region, role: Role) -> impl Iterator<Item = u32> + '_ {
    (0..region.header().entry_count).filter(move |index| {
        let who = &region.entry(*index).who;
        let in_use = who.state.load(P1_ENTRY.acquire()) != state::FREE; // P1
        in_use && who.role.load(Ordering::Relaxed) == role.code()
    })
}

/// The table's entry `index`, for people.
pub(crate) fn participant(region: &Region, index: u32) -> Participant {
    let entry = region.entry(index);
    let Peer { state, epoch } = peer(region, index);
    Participant {
        index,
        role: Role::from_code(entry.who.role.load(Ordering::Relaxed)),
        state,
        epoch,
        pid: entry.who.pid.load(Ordering::Relaxed),
        label: label(entry),
        attached_at: entry.who.attached_at.load(Ordering::Relaxed),
        repairer: Some(entry.who.repairer.load(Ordering::Relaxed)).filter(|pid| *pid != 0),
        dropped: entry.counters[counter::DROPPED].load(Ordering::Relaxed),
        repairs: entry.counters[counter::REPAIRS].load(Ordering::Relaxed),
        sleeps: entry.counters[counter::SLEEPS].load(Ordering::Relaxed),
    }
}

/// Removes the name of `region`. Refused while anyone is attached, unless `forced`.
pub(crate) fn remove(region: &Region, forced: bool) -> Result<(), UnlinkError> {
    let mut looks = 0;
    loop {
        // Whole under the mutex: a child forked in between would keep the lock of a remover that dies.
        if without_forks(|| try_remove(region, forced))? {
            return Ok(());
        }
        looks += 1;
        // At the end of a ring's life its participants are about to leave.
        let ending = region.shared().status.flags.load(Ordering::Relaxed) & (CLOSED | CLOSING) != 0;
        let patient = (forced || ending) && PAUSE * looks < PASSING;
        if !patient && looks >= BENEFIT_OF_DOUBT {
            let held = (0..region.header().entry_count).filter(|index| is_held(region, *index));
            let holders = held.map(|index| describe_owner(region.entry(index), Role::Producer)).collect();
            return Err(UnlinkError::InUse { holders });
        }
        thread::sleep(PAUSE);
    }
}

/// Removes the name of `region`; `false` where lock bytes are held that must not be.
fn try_remove(region: &Region, forced: bool) -> Result<bool, UnlinkError> {
    let Some(name) = region.name() else { return Err(UnlinkError::Nameless) };
    let path = || name.path().to_owned();
    if !region.is_writable() {
        return Err(UnlinkError::ReadOnly { path: path() });
    }
    let failed = |Failure { call, errno }| UnlinkError::Os { path: path(), call, errno };
    let Some(file) = region.describe().map_err(failed)? else {
        return Err(UnlinkError::Replaced { path: path() });
    };
    let identification = &region.header().identification;
    let mut bytes = Bytes::one(identification.lock_name);
    if !forced {
        bytes.length = identification.lock_entries + identification.lock_count - identification.lock_name;
    }
    if !lock::try_lock(&file, bytes).map_err(failed)? {
        return Ok(false);
    }
    if !region.is_named().map_err(failed)? {
        return Err(UnlinkError::Replaced { path: path() });
    }
    file::unlink(name.path()).map_err(failed)?;
    // Relaxed: pushes may see it some time; nothing is read because of it. The close of `file` unlocks, for nobody
    // could inherit it.
    region.shared().status.flags.fetch_or(RETIRED, Ordering::Relaxed);
    doorbell::ring_out(region.shared());
    Ok(true)
}

/// The lock byte of entry `index`.
fn byte(region: &Region, index: u32) -> Bytes {
    Bytes::one(region.header().identification.lock_entries + u64::from(index))
}

/// Who an entry says it belongs to; `role` where it does not say.
fn describe_owner(entry: &Entry, role: Role) -> Holder {
    Holder {
        role: Role::from_code(entry.who.role.load(Ordering::Relaxed)).unwrap_or(role),
        pid: entry.who.pid.load(Ordering::Relaxed),
        label: label(entry),
    }
}

fn increment(entry: &Entry, counter: usize) {
    let counter = &entry.counters[counter];
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// `label` as words, cut at a character boundary.
fn label_words(label: &str) -> [u64; LABEL_WORDS] {
    let mut bytes = [0; LABEL_WORDS * 8];
    let length = label.floor_char_boundary(bytes.len());
    bytes[..length].copy_from_slice(&label.as_bytes()[..length]);
    let mut words = [0; LABEL_WORDS];
    for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*chunk);
    }
    words
}

/// What an entry's owner called itself; what is no text is replaced.
fn label(entry: &Entry) -> String {
    let bytes: Vec<u8> =
        entry.who.label.iter().flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes()).collect();
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

impl From<Failure> for AttachError {
    fn from(Failure { call, errno }: Failure) -> Self {
        Self::Os { call, errno }
    }
}
