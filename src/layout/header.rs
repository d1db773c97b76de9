//! The header: written once, before the region has a name; copied and validated once by everyone who opens it.
//!
//! ```text
//!    0 preamble, frozen for ever      magic, version, kind, instance, size, lock bytes, creator; CRC at 124
//!  128 body of major version 1        features, element, geometry, policies, schema; CRC at 508
//!  512 name and field table of the schema, compatible versions; zeroes to the end of the page
//! ```
//!
//! Invariants:
//! - **I1** [`Preamble`] and [`Body`] are `repr(C)`, made of integers and byte arrays without padding (asserted), so
//!   any bytes of their size are a value, and a value is that many initialised bytes.

#![allow(unsafe_code)]

use core::fmt;
use core::mem::offset_of;
use core::time::Duration;

use static_assertions::const_assert_eq;

use super::crc::crc32c;
use super::geometry::{ENTRY_STRIDE, GATE_STRIDE, Geometry, MAX_ENTRIES, Section, SlotShape};
use super::schema::SchemaRecord;
use crate::element::Fingerprint;
use crate::vocabulary::Kind;

/// What every region starts with: not text, not truncated at a zero, damaged by line-end conversion (as PNG's).
pub(crate) const MAGIC: [u8; 8] = *b"\x89RNGFNC\n";
/// The layout that this build writes and opens.
pub(crate) const MAJOR: u16 = 1;
/// Grows with additions that older builds may ignore.
pub(crate) const MINOR: u16 = 0;
/// Bytes of the preamble and of preamble and body together.
pub(crate) const PREAMBLE_LENGTH: usize = 128;
const FIXED_LENGTH: usize = 512;
/// Longest header that anyone reads.
const MAX_HEADER: u32 = 1 << 20;
/// Headers are whole pages of this many bytes.
const HEADER_STEP: u64 = 4096;
/// Lock byte that every remover takes; far beyond the end of any file.
const LOCK_NAME: u64 = 1 << 62;
/// Lock byte of entry 0.
const LOCK_ENTRIES: u64 = LOCK_NAME + 16;
/// Incompatible feature: nobody sleeps at the ring, so nobody rings.
const BUSY_POLL: u64 = 1;
/// Policy of an mpmc ring: what a dead consumer held is not delivered again.
const DISCARD: u64 = 1;
/// Incompatible features that this build knows.
const KNOWN_FEATURES: u64 = BUSY_POLL;

/// What the data section is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Stamped slots, one element each.
    Elements,
    /// Stamped slots, up to `element_size` bytes each.
    Bytes,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elements => "elements",
            Self::Bytes => "bytes",
        })
    }
}

impl Content {
    const fn code(self) -> u32 {
        match self {
            Self::Elements => 1,
            Self::Bytes => 2,
        }
    }

    const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Elements),
            2 => Some(Self::Bytes),
            _ => None,
        }
    }

    /// How a slot of a ring of `kind`, or a unit of a stream, is laid out: for an element of `size` bytes aligned to `align`,
    /// or for up to `size` bytes. `None` where the numbers overflow or do not go together.
    pub(crate) fn shape(self, kind: Kind, size: usize, align: usize) -> Option<SlotShape> {
        match (self, kind) {
            (Self::Elements, Kind::Stream) => size.is_multiple_of(align).then_some(SlotShape::packed(size)),
            (Self::Elements, _) => SlotShape::of_element(size, align),
            (Self::Bytes, Kind::Stream) => Some(SlotShape::packed(1)),
            (Self::Bytes, _) => SlotShape::of_bytes(size),
        }
    }
}

/// The first 128 bytes of a region of any major version.
#[repr(C)]
#[derive(Clone, Copy)]
struct Preamble {
    magic: [u8; 8],
    major: u16,
    minor: u16,
    header_length: u32,
    kind: u32,
    lock_home: u32,
    instance: [u8; 16],
    total_size: u64,
    lock_name: u64,
    lock_entries: u64,
    lock_count: u64,
    companion_inode: u64,
    creator: [u16; 4],
    reserved: [u8; 36],
    crc: u32,
}

/// What major version 1 puts behind the preamble.
#[repr(C)]
#[derive(Clone, Copy)]
struct Body {
    incompatible_features: u64,
    compatible_features: u64,
    content: u32,
    element_size: u32,
    element_align: u32,
    payload_offset: u32,
    slot_stride: u32,
    stamp_offset: u32,
    capacity: u64,
    start: u64,
    created_at: u64,
    sections: [[u64; 2]; 5],
    entry_count: u32,
    entry_stride: u32,
    gate_count: u32,
    gate_stride: u32,
    policies: u64,
    hold_gates: u64,
    demote_after: u64,
    gate_names: [u32; 2],
    reserved_policies: [u8; 80],
    schema_name: [u32; 2],
    schema_fields: [u32; 2],
    schema_compatible: [u32; 2],
    schema_version: u32,
    schema_field_count: u32,
    schema_fingerprint: [u8; 16],
    reserved: [u8; 60],
    crc: u32,
}

const_assert_eq!(size_of::<Preamble>(), PREAMBLE_LENGTH);
const_assert_eq!(offset_of!(Preamble, major), 8);
const_assert_eq!(offset_of!(Preamble, header_length), 12);
const_assert_eq!(offset_of!(Preamble, kind), 16);
const_assert_eq!(offset_of!(Preamble, lock_home), 20);
const_assert_eq!(offset_of!(Preamble, instance), 24);
const_assert_eq!(offset_of!(Preamble, total_size), 40);
const_assert_eq!(offset_of!(Preamble, lock_name), 48);
const_assert_eq!(offset_of!(Preamble, lock_entries), 56);
const_assert_eq!(offset_of!(Preamble, lock_count), 64);
const_assert_eq!(offset_of!(Preamble, companion_inode), 72);
const_assert_eq!(offset_of!(Preamble, creator), 80);
const_assert_eq!(offset_of!(Preamble, reserved), 88);
const_assert_eq!(offset_of!(Preamble, crc), 124);
const_assert_eq!(PREAMBLE_LENGTH + size_of::<Body>(), FIXED_LENGTH);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, content), 144);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, element_size), 148);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, element_align), 152);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, payload_offset), 156);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, slot_stride), 160);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, stamp_offset), 164);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, capacity), 168);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, start), 176);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, created_at), 184);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, sections), 192);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, entry_count), 272);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, entry_stride), 276);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, gate_count), 280);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, gate_stride), 284);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, policies), 288);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, hold_gates), 296);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, demote_after), 304);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, gate_names), 312);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, reserved_policies), 320);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, schema_name), 400);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, schema_fields), 408);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, schema_compatible), 416);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, schema_version), 424);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, schema_field_count), 428);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, schema_fingerprint), 432);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, reserved), 448);
const_assert_eq!(PREAMBLE_LENGTH + offset_of!(Body, crc), 508);

/// Why bytes are no header that this build can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Truncated { expected: u64, found: u64 },
    Magic { found: [u8; 8] },
    Checksum { part: &'static str, expected: u32, found: u32 },
    Major { found: u16 },
    Features { found: u64 },
    Invalid { what: &'static str },
}

/// The preamble as its reader knows it: enough to list a ring of any major version, prove who lives and remove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identification {
    pub(crate) major: u16,
    pub(crate) minor: u16,
    pub(crate) header_length: u32,
    /// Code of the kind; a later major may have kinds that this build does not know.
    pub(crate) kind_code: u32,
    pub(crate) instance: [u8; 16],
    pub(crate) total_size: u64,
    pub(crate) lock_name: u64,
    pub(crate) lock_entries: u64,
    pub(crate) lock_count: u64,
    pub(crate) creator: [u16; 3],
}

/// A validated header of major version 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) identification: Identification,
    pub(crate) kind: Kind,
    pub(crate) content: Content,
    pub(crate) element_size: u32,
    pub(crate) element_align: u32,
    pub(crate) shape: SlotShape,
    pub(crate) capacity: u64,
    pub(crate) start: u64,
    pub(crate) created_at: u64,
    pub(crate) entry_count: u32,
    /// Nobody sleeps at the ring, and nobody rings.
    pub(crate) busy_poll: bool,
    /// What a dead consumer held is not delivered again (mpmc).
    pub(crate) discard: bool,
    /// The names of the gates, empty where one has none; one for each gated subscriber that there can be (broadcast).
    pub(crate) gates: Vec<String>,
    /// How long a gate with a name holds the publisher up once nobody is there (broadcast).
    pub(crate) hold_gates: Duration,
    /// How long a living subscriber may hold the publisher up before it is demoted (broadcast).
    pub(crate) demote_after: Option<Duration>,
    pub(crate) geometry: Geometry,
    pub(crate) schema: SchemaRecord,
}

/// What a new header is made from.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) content: Content,
    pub(crate) element_size: u32,
    pub(crate) element_align: u32,
    pub(crate) shape: SlotShape,
    pub(crate) capacity: u64,
    pub(crate) start: u64,
    pub(crate) created_at: u64,
    pub(crate) entry_count: u32,
    pub(crate) busy_poll: bool,
    pub(crate) discard: bool,
    pub(crate) gates: Vec<String>,
    pub(crate) hold_gates: Duration,
    pub(crate) demote_after: Option<Duration>,
    pub(crate) schema: SchemaRecord,
    pub(crate) instance: [u8; 16],
    /// The host's page size, for the header's own length.
    pub(crate) page: u64,
}

impl Identification {
    /// Reads the preamble from the start of a region.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: Preamble = read(bytes)?;
        if raw.magic != MAGIC {
            return Err(Refusal::Magic { found: raw.magic });
        }
        check_crc("preamble", &[&bytes[..offset_of!(Preamble, crc)]], raw.crc)?;
        let range = raw.lock_entries.checked_add(raw.lock_count);
        if raw.lock_name >= raw.lock_entries || range.is_none_or(|end| i64::try_from(end).is_err()) {
            return Err(Refusal::Invalid { what: "lock bytes outside the range of a file" });
        }
        if raw.lock_home != 0 {
            return Err(Refusal::Features { found: u64::from(raw.lock_home) });
        }
        let [major, minor, patch, _] = raw.creator;
        Ok(Self {
            major: raw.major,
            minor: raw.minor,
            header_length: raw.header_length,
            kind_code: raw.kind,
            instance: raw.instance,
            total_size: raw.total_size,
            lock_name: raw.lock_name,
            lock_entries: raw.lock_entries,
            lock_count: raw.lock_count,
            creator: [major, minor, patch],
        })
    }

    /// The kind of ring, where this build knows it.
    pub(crate) fn kind(&self) -> Option<Kind> {
        Kind::from_code(self.kind_code)
    }

    /// Whether this build can read the rest of the header, and how long the header is.
    pub(crate) fn supported_length(&self) -> Result<usize, Refusal> {
        if self.major != MAJOR {
            return Err(Refusal::Major { found: self.major });
        }
        if !(FIXED_LENGTH as u32..=MAX_HEADER).contains(&self.header_length) {
            return Err(Refusal::Invalid { what: "header length" });
        }
        Ok(self.header_length as usize)
    }
}

impl Header {
    /// Validates the whole header: every number checked, everything copied.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let identification = Identification::decode(bytes)?;
        let length = identification.supported_length()?;
        let Some(bytes) = bytes.get(..length) else {
            return Err(Refusal::Truncated { expected: length as u64, found: bytes.len() as u64 });
        };
        let raw: Body = read(&bytes[PREAMBLE_LENGTH..])?;
        let crc = FIXED_LENGTH - 4;
        check_crc("header", &[&bytes[..crc], &[0; 4], &bytes[FIXED_LENGTH..]], raw.crc)?;
        if raw.incompatible_features & !KNOWN_FEATURES != 0 {
            return Err(Refusal::Features { found: raw.incompatible_features & !KNOWN_FEATURES });
        }
        let invalid = |what| Refusal::Invalid { what };
        let kind = identification.kind().ok_or(invalid("kind"))?;
        let content = Content::from_code(raw.content).ok_or(invalid("content"))?;
        if !raw.capacity.is_power_of_two() || raw.capacity < 2 {
            return Err(invalid("capacity"));
        }
        let position_bits = if kind == Kind::Mpmc { 52 } else { 62 };
        if raw.start >> position_bits != 0 {
            return Err(invalid("start position"));
        }
        let least = if kind == Kind::Broadcast { 1 } else { 2 };
        if raw.entry_stride as usize != ENTRY_STRIDE
            || u64::from(raw.entry_count) != identification.lock_count
            || !(least..=MAX_ENTRIES).contains(&raw.entry_count)
        {
            return Err(invalid("participant table"));
        }
        let gate_count = if kind == Kind::Broadcast { raw.gate_count } else { 0 };
        if kind == Kind::Broadcast && raw.entry_count - 1 != gate_count
            || gate_count > 0 && raw.gate_stride as usize != GATE_STRIDE
        {
            return Err(invalid("gates"));
        }
        let (size, align) = (raw.element_size as usize, raw.element_align as usize);
        let shape = match content {
            Content::Elements if align.is_power_of_two() && align <= 4096 && size > 0 => {
                content.shape(kind, size, align)
            }
            Content::Bytes if kind == Kind::Stream && !holds_records(&raw) => None,
            Content::Bytes if align == 1 => content.shape(kind, size, align),
            _ => None,
        };
        let recorded = SlotShape {
            payload_offset: raw.payload_offset as usize,
            stamp_offset: raw.stamp_offset as usize,
            stride: raw.slot_stride as usize,
        };
        let shape = shape.filter(|it| *it == recorded).ok_or(invalid("slot shape"))?;
        let [shared, entries, gates, claims, data] =
            raw.sections.map(|[offset, length]| Section { offset, length });
        let geometry = Geometry {
            header_length: length as u64,
            shared,
            entries,
            gates,
            claims,
            data,
            total: identification.total_size,
        };
        let stride = u64::from(raw.slot_stride);
        geometry.check(kind, raw.entry_count, gate_count, raw.capacity, stride).map_err(invalid)?;
        Ok(Self {
            kind,
            content,
            element_size: raw.element_size,
            element_align: raw.element_align,
            shape,
            capacity: raw.capacity,
            start: raw.start,
            created_at: raw.created_at,
            entry_count: raw.entry_count,
            busy_poll: raw.incompatible_features & BUSY_POLL != 0,
            discard: raw.policies & DISCARD != 0,
            gates: decode_gates(&raw, bytes, gate_count).map_err(invalid)?,
            hold_gates: Duration::from_nanos(raw.hold_gates),
            demote_after: (raw.demote_after != 0).then_some(Duration::from_nanos(raw.demote_after)),
            geometry,
            schema: decode_schema(&raw, bytes).map_err(invalid)?,
            identification,
        })
    }
}

impl Draft {
    /// The header's bytes and what they say; `None` where the sizes overflow or the schema is too long to record.
    pub(crate) fn encode(&self) -> Option<(Vec<u8>, Header)> {
        let name = self.schema.name.as_bytes();
        let table = self.schema.encode_rows();
        let versions: Vec<u8> = self.schema.compatible.iter().flat_map(|it| it.to_le_bytes()).collect();
        let name_at = FIXED_LENGTH;
        let table_at = name_at + name.len();
        let versions_at = table_at + table.len();
        let names: Vec<u8> = self.gates.iter().flat_map(|it| encode_gate(it)).collect();
        let names_at = versions_at + versions.len();
        let gate_count = u32::try_from(self.gates.len()).ok()?;
        let used = (names_at + names.len()) as u64;
        let length = used.next_multiple_of(self.page.max(HEADER_STEP));
        let header_length = u32::try_from(length).ok().filter(|it| *it <= MAX_HEADER)?;
        let geometry =
            Geometry::of_slots(length, self.kind, self.entry_count, gate_count, self.capacity, self.shape)?;

        let version = |part: &str| part.parse().unwrap_or(0);
        let mut preamble = Preamble {
            magic: MAGIC,
            major: MAJOR,
            minor: MINOR,
            header_length,
            kind: self.kind.code(),
            lock_home: 0,
            instance: self.instance,
            total_size: geometry.total,
            lock_name: LOCK_NAME,
            lock_entries: LOCK_ENTRIES,
            lock_count: u64::from(self.entry_count),
            companion_inode: 0,
            creator: [
                version(env!("CARGO_PKG_VERSION_MAJOR")),
                version(env!("CARGO_PKG_VERSION_MINOR")),
                version(env!("CARGO_PKG_VERSION_PATCH")),
                0,
            ],
            reserved: [0; 36],
            crc: 0,
        };
        preamble.crc = crc32c(&[&bytes_of(&preamble)[..offset_of!(Preamble, crc)]]);
        let section = |it: Section| [it.offset, it.length];
        let body = Body {
            incompatible_features: if self.busy_poll { BUSY_POLL } else { 0 },
            compatible_features: 0,
            content: self.content.code(),
            element_size: self.element_size,
            element_align: self.element_align,
            payload_offset: u32::try_from(self.shape.payload_offset).ok()?,
            slot_stride: u32::try_from(self.shape.stride).ok()?,
            stamp_offset: u32::try_from(self.shape.stamp_offset).ok()?,
            capacity: self.capacity,
            start: self.start,
            created_at: self.created_at,
            sections: [geometry.shared, geometry.entries, geometry.gates, geometry.claims, geometry.data]
                .map(section),
            entry_count: self.entry_count,
            entry_stride: ENTRY_STRIDE as u32,
            gate_count,
            gate_stride: if gate_count == 0 { 0 } else { GATE_STRIDE as u32 },
            policies: if self.discard { DISCARD } else { 0 },
            hold_gates: nanos(self.hold_gates),
            demote_after: self.demote_after.map_or(0, nanos),
            gate_names: if gate_count == 0 { [0; 2] } else { [names_at as u32, names.len() as u32] },
            reserved_policies: [0; 80],
            schema_name: [name_at as u32, name.len() as u32],
            schema_fields: [table_at as u32, table.len() as u32],
            schema_compatible: [versions_at as u32, self.schema.compatible.len() as u32],
            schema_version: self.schema.version,
            schema_field_count: self.schema.rows.len() as u32,
            schema_fingerprint: self.schema.fingerprint.to_bits().to_le_bytes(),
            reserved: [0; 60],
            crc: 0,
        };
        let mut bytes = Vec::with_capacity(length as usize);
        bytes.extend_from_slice(bytes_of(&preamble));
        bytes.extend_from_slice(bytes_of(&body));
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(&table);
        bytes.extend_from_slice(&versions);
        bytes.extend_from_slice(&names);
        bytes.resize(length as usize, 0);
        let crc = crc32c(&[&bytes]);
        bytes[FIXED_LENGTH - 4..FIXED_LENGTH].copy_from_slice(&crc.to_le_bytes());
        let header = Header::decode(&bytes).ok()?;
        Some((bytes, header))
    }
}

/// Whether a stream of byte strings can have this capacity, this longest record and this start.
fn holds_records(raw: &Body) -> bool {
    longest_record(raw.capacity) == Some(raw.element_size) && raw.start.is_multiple_of(FRAME_STEP)
}

/// Frames of records start at multiples of this.
pub(crate) const FRAME_STEP: u64 = 8;

/// The longest record of a stream of `capacity` bytes; `None` where none fits.
pub(crate) fn longest_record(capacity: u64) -> Option<u32> {
    let longest = (capacity / 2).checked_sub(FRAME_STEP)?;
    u32::try_from(longest).ok()
}

/// Longest name of a gate, in bytes.
pub(crate) const MAX_GATE_NAME: usize = 48;

/// The name of a gate, behind its length.
fn encode_gate(name: &str) -> Vec<u8> {
    let mut bytes = vec![name.len() as u8];
    bytes.extend_from_slice(name.as_bytes());
    bytes
}

/// The names of `count` gates.
fn decode_gates(raw: &Body, header: &[u8], count: u32) -> Result<Vec<String>, &'static str> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut table = part(header, raw.gate_names).ok_or("gate names outside the header")?;
    let mut names = Vec::new();
    for _ in 0..count {
        let [length, rest @ ..] = table else { return Err("gate names cut short") };
        let length = usize::from(*length);
        if length > MAX_GATE_NAME {
            return Err("name of a gate");
        }
        let (name, rest) = rest.split_at_checked(length).ok_or("gate names cut short")?;
        names.push(core::str::from_utf8(name).map_err(|_| "name of a gate is not UTF-8")?.to_owned());
        table = rest;
    }
    Ok(names)
}

/// The `[offset, length]` bytes of `header`.
fn part(header: &[u8], [offset, length]: [u32; 2]) -> Option<&[u8]> {
    let start = offset as usize;
    header.get(start..start.checked_add(length as usize)?)
}

/// As a header has it: what is longer than the number can say is as long as it can.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn decode_schema(raw: &Body, header: &[u8]) -> Result<SchemaRecord, &'static str> {
    let slice = |it| part(header, it);
    let [versions_at, versions] = raw.schema_compatible;
    let versions_length = versions.checked_mul(4).ok_or("list of compatible versions")?;
    let name = slice(raw.schema_name).ok_or("schema name outside the header")?;
    let table = slice(raw.schema_fields).ok_or("field table outside the header")?;
    let versions = slice([versions_at, versions_length]).ok_or("compatible versions outside the header")?;
    Ok(SchemaRecord {
        name: core::str::from_utf8(name).map_err(|_| "schema name is not UTF-8")?.to_owned(),
        version: raw.schema_version,
        fingerprint: Fingerprint::from_bits(u128::from_le_bytes(raw.schema_fingerprint)),
        compatible: versions
            .chunks_exact(4)
            .map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]))
            .collect(),
        rows: SchemaRecord::decode_rows(table, raw.schema_field_count)?,
    })
}

fn check_crc(part: &'static str, bytes: &[&[u8]], expected: u32) -> Result<(), Refusal> {
    let found = crc32c(bytes);
    if found == expected { Ok(()) } else { Err(Refusal::Checksum { part, expected, found }) }
}

/// Types of which any bytes are a value and whose values are bytes without gaps.
///
/// # Safety
///
/// The type must be `repr(C)`, made of integers and arrays of them, without padding.
unsafe trait Plain: Copy {}

// SAFETY: I1.
unsafe impl Plain for Preamble {}
// SAFETY: I1.
unsafe impl Plain for Body {}

/// The first bytes of `bytes` as a value.
fn read<T: Plain>(bytes: &[u8]) -> Result<T, Refusal> {
    if bytes.len() < size_of::<T>() {
        return Err(Refusal::Truncated { expected: size_of::<T>() as u64, found: bytes.len() as u64 });
    }
    // SAFETY: I1, and there are enough bytes.
    Ok(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// The bytes of `value`.
fn bytes_of<T: Plain>(value: &T) -> &[u8] {
    // SAFETY: I1.
    unsafe { core::slice::from_raw_parts((&raw const *value).cast::<u8>(), size_of::<T>()) }
}
