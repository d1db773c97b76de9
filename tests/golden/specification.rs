//! The specification, field by field with the values of the recorded regions: what the recordings hold, and what this
//! code writes today.

use ringfence::{Element, Fingerprint};

use crate::common::{Image, body, crc32c, preamble};
use crate::document;
use crate::recordings::{self, START, Trade};

/// What a field of a region holds.
enum Value {
    Is(Vec<u8>),
    /// As it happened to be when the region was made: this many bytes.
    Recorded(usize),
}

use Value::{Is, Recorded};

impl Value {
    fn len(&self) -> usize {
        match self {
            Is(bytes) => bytes.len(),
            Recorded(length) => *length,
        }
    }
}

fn u16s(values: &[u16]) -> Value {
    Is(values.iter().flat_map(|it| it.to_le_bytes()).collect())
}

fn u32s(values: &[u32]) -> Value {
    Is(values.iter().flat_map(|it| it.to_le_bytes()).collect())
}

fn u64s(values: &[u64]) -> Value {
    Is(values.iter().flat_map(|it| it.to_le_bytes()).collect())
}

fn bytes(values: impl Into<Vec<u8>>) -> Value {
    Is(values.into())
}

/// `text`, and zeroes up to `length`.
fn padded(text: &[u8], length: usize) -> Value {
    let mut bytes = text.to_vec();
    bytes.resize(length, 0);
    Is(bytes)
}

fn zeroes(length: usize) -> Value {
    Is(vec![0; length])
}

/// A field of a region: offset, name, value.
type Row = (usize, &'static str, Value);

/// Rows of a table whose offsets count from `base`.
fn at(base: usize, rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().map(|(offset, name, value)| (base + offset, name, value)).collect()
}

/// What differs between the recorded regions, as far as the header is concerned.
struct Carried {
    kind: u32,
    entries: u32,
    gates: Gates,
    content: u32,
    size: u32,
    align: u32,
    payload_offset: u32,
    stamp_offset: u32,
    stride: u32,
    capacity: u64,
    start: u64,
    name: &'static [u8],
    fields: Vec<u8>,
    field_count: u32,
    compatible: &'static [u32],
    version: u32,
    fingerprint: u128,
}

/// The gates of a region, as far as the header is concerned.
#[derive(Default)]
struct Gates {
    count: u32,
    /// Their names, each behind its length.
    names: &'static [u8],
    hold: u64,
    demote: u64,
}

fn header(image: &Image, creator: &[u16], carried: &Carried) -> Vec<Row> {
    let sealed = image.clone().put_u32(body::CRC, 0);
    let header_crc = crc32c(&sealed.bytes()[..4096]);
    let data = u64::from(carried.stride) * carried.capacity;
    let name_length = carried.name.len() as u32;
    let fields_length = carried.fields.len() as u32;
    let versions = carried.compatible.len() as u32;
    let names_at = 512 + name_length + fields_length + 4 * versions;
    let gates = &carried.gates;
    let names_length = gates.names.len() as u32;
    let used = (names_at + names_length) as usize;
    let (entries, gate_count) = (u64::from(carried.entries), u64::from(gates.count));
    let gates_at = 8192 + 256 * entries;
    let claims_at = gates_at + 128 * gate_count;
    vec![
        (0, "magic", bytes(b"\x89RNGFNC\n")),
        (8, "major", u16s(&[1])),
        (10, "minor", u16s(&[0])),
        (12, "header_length", u32s(&[4096])),
        (16, "kind", u32s(&[carried.kind])),
        (20, "lock_home", u32s(&[0])),
        (24, "instance", Recorded(16)),
        (40, "total_size", u64s(&[16384])),
        (48, "lock_name", u64s(&[1 << 62])),
        (56, "lock_entries", u64s(&[(1 << 62) + 16])),
        (64, "lock_count", u64s(&[entries])),
        (72, "companion_inode", u64s(&[0])),
        (80, "creator", u16s(creator)),
        (88, "preamble_reserved", zeroes(36)),
        (124, "preamble_crc", u32s(&[crc32c(&image.bytes()[..preamble::CRC])])),
        (128, "incompatible_features", u64s(&[0])),
        (136, "compatible_features", u64s(&[0])),
        (144, "content", u32s(&[carried.content])),
        (148, "element_size", u32s(&[carried.size])),
        (152, "element_align", u32s(&[carried.align])),
        (156, "payload_offset", u32s(&[carried.payload_offset])),
        (160, "slot_stride", u32s(&[carried.stride])),
        (164, "stamp_offset", u32s(&[carried.stamp_offset])),
        (168, "capacity", u64s(&[carried.capacity])),
        (176, "start", u64s(&[carried.start])),
        (184, "created_at", Recorded(8)),
        (192, "shared_offset", u64s(&[4096])),
        (200, "shared_length", u64s(&[4096])),
        (208, "entries_offset", u64s(&[8192])),
        (216, "entries_length", u64s(&[256 * entries])),
        (224, "gates_offset", u64s(&[gates_at])),
        (232, "gates_length", u64s(&[128 * gate_count])),
        (240, "claims_offset", u64s(&[claims_at])),
        (248, "claims_length", u64s(&[0])),
        (256, "data_offset", u64s(&[12288])),
        (264, "data_length", u64s(&[data])),
        (272, "entry_count", u32s(&[carried.entries])),
        (276, "entry_stride", u32s(&[256])),
        (280, "gate_count", u32s(&[gates.count])),
        (284, "gate_stride", u32s(&[if gates.count == 0 { 0 } else { 128 }])),
        (288, "policies", u64s(&[0])),
        (296, "hold_gates", u64s(&[gates.hold])),
        (304, "demote_after", u64s(&[gates.demote])),
        (312, "gate_names_offset", u32s(&[if gates.count == 0 { 0 } else { names_at }])),
        (316, "gate_names_length", u32s(&[names_length])),
        (320, "policies_reserved", zeroes(80)),
        (400, "name_offset", u32s(&[512])),
        (404, "name_length", u32s(&[name_length])),
        (408, "fields_offset", u32s(&[512 + name_length])),
        (412, "fields_length", u32s(&[fields_length])),
        (416, "compatible_offset", u32s(&[512 + name_length + fields_length])),
        (420, "compatible_count", u32s(&[versions])),
        (424, "schema_version", u32s(&[carried.version])),
        (428, "field_count", u32s(&[carried.field_count])),
        (432, "fingerprint", bytes(carried.fingerprint.to_le_bytes())),
        (448, "body_reserved", zeroes(60)),
        (508, "header_crc", u32s(&[header_crc])),
        (512, "the name", bytes(carried.name)),
        (512 + carried.name.len(), "the field table", bytes(carried.fields.as_slice())),
        (
            512 + carried.name.len() + carried.fields.len(),
            "the compatible versions",
            u32s(carried.compatible),
        ),
        (names_at as usize, "the names of the gates", bytes(gates.names)),
        (used, "fill of the header", zeroes(4096 - used)),
    ]
}

fn shared(start: u64, tail: u64, head: u64, read_mark: u64) -> Vec<Row> {
    vec![
        (0, "flags", u64s(&[0])),
        (8, "orphan_epoch", u64s(&[0])),
        (16, "asymmetric", u64s(&[0])),
        (24, "many", u64s(&[0])),
        (32, "status_reserved", zeroes(96)),
        (128, "tail", u64s(&[tail])),
        (136, "tail_reserved", zeroes(120)),
        (256, "head", u64s(&[head])),
        (264, "head_reserved", zeroes(120)),
        (384, "read_mark", u64s(&[read_mark])),
        (392, "read_mark_reserved", zeroes(120)),
        (512, "sent", u64s(&[start])),
        (520, "sent_reserved", zeroes(120)),
        (640, "not_empty_event", u32s(&[0])),
        (644, "not_empty_armed", u32s(&[0])),
        (648, "not_empty_reserved", zeroes(120)),
        (768, "not_full_event", u32s(&[0])),
        (772, "not_full_armed", u32s(&[0])),
        (776, "not_full_reserved", zeroes(120)),
        (896, "shared_reserved", zeroes(3200)),
    ]
}

fn entry(state: u32, role: u32, last_exit: u32, label: &str, dropped: u64) -> Vec<Row> {
    vec![
        (0, "state", u32s(&[state])),
        (4, "role", u32s(&[role])),
        (8, "epoch", u64s(&[1])),
        (16, "last_exit", u32s(&[last_exit])),
        (20, "repairer", u32s(&[0])),
        (24, "pid", Recorded(4)),
        (28, "who_reserved", zeroes(4)),
        (32, "pid_start", Recorded(8)),
        (40, "pid_namespace", Recorded(8)),
        (48, "host", Recorded(8)),
        (56, "attached_at", Recorded(8)),
        (64, "label", padded(label.as_bytes(), 48)),
        (112, "label_reserved", zeroes(16)),
        (128, "dropped", u64s(&[dropped])),
        (136, "repairs", u64s(&[0])),
        (144, "sleeps", u64s(&[0])),
        (152, "counters_reserved", zeroes(104)),
    ]
}

/// A row of the field table and its name.
fn row(offset: u32, size: u32, count: u32, scalar: u8, depth: u8, name: &str) -> Vec<u8> {
    let rows: Vec<Row> = vec![
        (0, "row_offset", u32s(&[offset])),
        (4, "row_size", u32s(&[size])),
        (8, "row_count", u32s(&[count])),
        (12, "row_scalar", bytes([scalar])),
        (13, "row_depth", bytes([depth])),
        (14, "row_name_length", u16s(&[name.len() as u16])),
    ];
    assert_documented("Row of the field table", 0, &rows);
    let fixed = rows.into_iter().flat_map(|(_, _, value)| match value {
        Is(bytes) => bytes,
        Recorded(_) => unreachable!("a schema is known"),
    });
    fixed.chain(name.bytes()).collect()
}

/// The region of [`recordings::trades`].
fn trades(image: &Image, creator: &[u16]) -> Vec<Row> {
    const STRIDE: usize = 48;
    let fields = [
        row(0, 40, 1, 0, 0, ""),
        row(0, 8, 1, 4, 1, "ts_ns"),
        row(8, 8, 1, 34, 1, "price"),
        row(16, 16, 2, 0, 1, "legs"),
        row(0, 4, 1, 19, 2, "quantity"),
        row(4, 1, 1, 1, 2, "side"),
        row(5, 3, 3, 1, 2, "_reserved"),
        row(32, 4, 4, 1, 1, "venue"),
        row(36, 4, 1, 3, 1, "flags"),
    ];
    let carried = Carried {
        kind: 1,
        entries: 2,
        gates: Gates::default(),
        content: 1,
        size: 40,
        align: 8,
        payload_offset: 0,
        stamp_offset: 40,
        stride: STRIDE as u32,
        capacity: 4,
        start: START,
        name: b"golden.Trade",
        field_count: fields.len() as u32,
        fields: fields.concat(),
        compatible: &[2, 1],
        version: 3,
        fingerprint: 0xbeae_9f89_dd81_9bdc_ff83_89f8_0809_426b,
    };
    // Position 2^62 - 2 is in slot 2: the wrap lies between slots 3 and 0.
    let slot = |payload: Option<u8>, stamp: u64| {
        let payload = payload.map_or(vec![0; 40], |number| {
            let mut bytes = u64::from(number).to_le_bytes().to_vec();
            bytes.extend((f64::from(number) / 2.0).to_bits().to_le_bytes());
            for side in [1, 2] {
                bytes.extend((-i32::from(number)).to_le_bytes());
                bytes.extend([side, 0, 0, 0]);
            }
            bytes.extend(b"XLON");
            bytes.extend(0x8000_0001_u32.to_le_bytes());
            bytes
        });
        vec![(0, "payload", bytes(payload)), (40, "stamp", u64s(&[stamp]))]
    };
    let mut rows = header(image, creator, &carried);
    rows.extend(at(4096, shared(START, START + 3, START + 1, START)));
    rows.extend(at(8192, entry(1, 1, 0, "Rekorder ü", 0)));
    rows.extend(at(8192 + 256, entry(1, 2, 0, "Rekorder ü", 0)));
    rows.push((8704, "fill before the data", zeroes(12288 - 8704)));
    rows.extend(at(12288, slot(Some(3), 1)));
    rows.extend(at(12288 + STRIDE, slot(None, 1 << 2)));
    rows.extend(at(12288 + 2 * STRIDE, slot(Some(1), 0xffff_ffff_ffff_fff9)));
    rows.extend(at(12288 + 3 * STRIDE, slot(Some(2), 0xffff_ffff_ffff_fffd)));
    rows.push((12288 + 4 * STRIDE, "fill behind the data", zeroes(4096 - 4 * STRIDE)));
    rows
}

/// The region of [`recordings::bytes`].
fn byte_strings(image: &Image, creator: &[u16]) -> Vec<Row> {
    const STRIDE: usize = 32;
    let carried = Carried {
        kind: 1,
        entries: 2,
        gates: Gates::default(),
        content: 2,
        size: 13,
        align: 1,
        payload_offset: 16,
        stamp_offset: 0,
        stride: STRIDE as u32,
        capacity: 2,
        start: 0,
        name: b"[u8]",
        fields: Vec::new(),
        field_count: 0,
        compatible: &[],
        version: 1,
        fingerprint: 0,
    };
    let slot = |stamp: u64, length: u32, payload: &[u8]| {
        vec![
            (0, "stamp", u64s(&[stamp])),
            (8, "length", u32s(&[length])),
            (12, "unused", u32s(&[0])),
            (16, "payload", padded(payload, 16)),
        ]
    };
    let mut rows = header(image, creator, &carried);
    rows.extend(at(4096, shared(0, 3, 1, 2)));
    rows.extend(at(8192, entry(0, 1, 1, "", 1)));
    rows.extend(at(8192 + 256, entry(0, 2, 1, "", 0)));
    rows.push((8704, "fill before the data", zeroes(12288 - 8704)));
    // "abc" over "first": what an item does not cover stays.
    rows.extend(at(12288, slot(2 << 2 | 1, 3, b"abcst")));
    rows.extend(at(12288 + STRIDE, slot(1 << 2 | 1, 0, b"")));
    rows.push((12288 + 2 * STRIDE, "fill behind the data", zeroes(4096 - 2 * STRIDE)));
    rows
}

fn gate(cursor: u64, standing: u64, mark: u64, joined: u64) -> Vec<Row> {
    vec![
        (0, "gate_cursor", u64s(&[cursor])),
        (8, "gate_standing", u64s(&[standing])),
        (16, "gate_mark", u64s(&[mark])),
        (24, "gate_joined", u64s(&[joined])),
        (32, "gate_reserved", zeroes(96)),
    ]
}

/// The region of [`recordings::quotes`].
fn quotes(image: &Image, creator: &[u16]) -> Vec<Row> {
    const STRIDE: usize = 16;
    let carried = Carried {
        kind: 3,
        entries: 3,
        gates: Gates {
            count: 2,
            names: b"\0\x0bRekorder \xc3\xbc",
            hold: 1_500_000_000,
            demote: 60_000_000_000,
        },
        content: 1,
        size: 8,
        align: 8,
        payload_offset: 0,
        stamp_offset: 8,
        stride: STRIDE as u32,
        capacity: 4,
        start: START,
        name: b"u64",
        fields: row(0, 8, 1, 4, 0, ""),
        field_count: 1,
        compatible: &[],
        version: 0,
        fingerprint: Hash::scalar("u64", 4, 8).0,
    };
    let slot = |payload, stamp| vec![(0, "payload", u64s(&[payload])), (8, "stamp", u64s(&[stamp]))];
    let mut rows = header(image, creator, &carried);
    rows.extend(at(4096, shared(START, START + 5, START, START)));
    rows.extend(at(8192, entry(1, 3, 0, "", 0)));
    rows.extend(at(8192 + 256, entry(0, 4, 1, "", 0)));
    rows.extend(at(8192 + 2 * 256, entry(1, 4, 0, "", 0)));
    // Joined once, behind the first item, and left; joined once, and active.
    rows.extend(at(8960, gate(START + 1, 1 << 2, START + 1, START + 1)));
    rows.extend(at(8960 + 128, gate(START + 2, 1 << 2 | 2, START + 4, START)));
    rows.push((9216, "fill before the data", zeroes(12288 - 9216)));
    rows.extend(at(12288, slot(102, 1)));
    rows.extend(at(12288 + STRIDE, slot(103, 1 << 2 | 1)));
    // The fifth item over the first one.
    rows.extend(at(12288 + 2 * STRIDE, slot(104, 2 << 2 | 1)));
    rows.extend(at(12288 + 3 * STRIDE, slot(101, 0xffff_ffff_ffff_fffd)));
    rows.push((12288 + 4 * STRIDE, "fill behind the data", zeroes(4096 - 4 * STRIDE)));
    rows
}

/// `image` holds what `rows` say, and `rows` say it of every byte.
fn assert_holds(image: &Image, rows: &[Row]) {
    let mut end = 0;
    for (offset, name, value) in rows {
        assert_eq!(*offset, end, "{name} does not lie where the field before it ends");
        end = offset + value.len();
        if let Is(expected) = value {
            let found = &image.bytes()[*offset..end];
            assert!(found == expected, "{name} at {offset}: expected {expected:02x?}, found {found:02x?}");
        }
    }
    assert_eq!(image.bytes().len(), end);
}

/// The specification's table under `title` has the fields of `rows`, at the same offsets from `base`.
fn assert_documented(title: &str, base: usize, rows: &[Row]) {
    let documented = document::table(title);
    let first = base + documented[0].offset;
    let rows: Vec<_> = rows
        .iter()
        .skip_while(|row| row.0 < first)
        .take(documented.len())
        .map(|(offset, name, value)| document::Field {
            offset: offset - base,
            bytes: value.len(),
            name: (*name).to_owned(),
        })
        .collect();
    assert_eq!(rows, documented, "{title}");
}

#[test]
fn the_specification_lists_the_fields_that_the_code_writes() {
    for rows in [
        trades(&recordings::trades(), &[0; 4]),
        byte_strings(&recordings::bytes(), &[0; 4]),
        quotes(&recordings::quotes(), &[0; 4]),
    ] {
        assert_documented("Preamble", 0, &rows);
        assert_documented("Body", 0, &rows);
        assert_documented("Shared words", 4096, &rows);
        assert_documented("Entry of a participant", 8192, &rows);
        assert_documented("Entry of a participant", 8192 + 256, &rows);
    }
    let rows = quotes(&recordings::quotes(), &[0; 4]);
    assert_documented("Entry of a participant", 8192 + 2 * 256, &rows);
    assert_documented("Gate", 8960, &rows);
    assert_documented("Gate", 8960 + 128, &rows);
}

#[test]
fn the_recorded_regions_are_as_specified() {
    let creator = [0, 1, 0, 0];
    let image = recordings::recorded_trades();
    assert_holds(&image, &trades(&image, &creator));
    let image = recordings::recorded_bytes();
    assert_holds(&image, &byte_strings(&image, &creator));
    let image = recordings::recorded_quotes();
    assert_holds(&image, &quotes(&image, &creator));
}

#[test]
fn the_code_writes_regions_as_specified() {
    let mut creator: Vec<u16> =
        env!("CARGO_PKG_VERSION").split('.').map(|it| it.parse().expect("a number")).collect();
    creator.push(0);
    let image = recordings::trades();
    assert_holds(&image, &trades(&image, &creator));
    let image = recordings::bytes();
    assert_holds(&image, &byte_strings(&image, &creator));
    let image = recordings::quotes();
    assert_holds(&image, &quotes(&image, &creator));
}

#[test]
fn a_ring_of_many_says_who_claimed_what_as_specified() {
    const SPAN: u64 = 1 << 52;
    for image in [recordings::recorded_jobs(), recordings::jobs()] {
        // Either entry may have been the producer's.
        let owner = |role| {
            1 + (0..2).find(|index| image.u32(8192 + 256 * index + 4) == role).expect("an entry") as u64
        };
        let (producer, consumer) = (owner(1), owner(2));
        let position = |steps: u64| recordings::JOBS_START.wrapping_add(steps) % SPAN;
        let claim = |steps, owner| position(steps) << 12 | owner;
        let lap = 4_u64;
        assert_eq!((image.u64(4096 + 128), image.u64(4096 + 256)), (claim(3, producer), claim(2, consumer)));
        assert_eq!((image.u64(240), image.u64(248), image.u64(256)), (8704, 256, 12288), "claims and data");
        for steps in 0..lap {
            let slot = (position(steps) % lap) as usize;
            let none = claim(steps.wrapping_sub(lap), 0);
            let written = if steps < 3 { claim(steps, producer) } else { none };
            let read = if steps < 2 { claim(steps, consumer) } else { none };
            assert_eq!((image.u64(8704 + 8 * slot), image.u64(8704 + 128 + 8 * slot)), (written, read));
            let stamp = match steps {
                0 => position(lap) << 2,
                1 | 2 => position(steps) << 2 | 1,
                _ => position(steps) << 2,
            };
            assert_eq!(image.u64(12288 + 16 * slot + 8), stamp, "stamp of {steps}");
        }
    }
}

#[test]
fn what_was_recorded_as_it_happened_to_be_is_there() {
    for image in [recordings::recorded_trades(), recordings::recorded_bytes(), recordings::recorded_quotes()]
    {
        assert_ne!(image.bytes()[24..40], [0; 16], "instance");
        for (field, at) in [("created_at", 184), ("pid_start", 8192 + 32), ("attached_at", 8192 + 56)] {
            assert_ne!(image.u64(at), 0, "{field}");
        }
        assert_ne!(image.u32(8192 + 24), 0, "pid");
    }
}

/// FNV-1a-128 over the encoding that the specification describes.
struct Hash(u128);

impl Hash {
    fn new(kind: u8, name: &str, version: u64, size: u64, align: u64) -> Self {
        let basis = Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        basis.bytes(&[kind]).text(name).number(version).number(size).number(align)
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        const PRIME: u128 = (1 << 88) + 0x13b;
        Self(bytes.iter().fold(self.0, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME)))
    }

    fn number(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    fn text(self, text: &str) -> Self {
        self.number(text.len() as u64).bytes(text.as_bytes())
    }

    fn field(self, name: &str, offset: u64, schema: &Self) -> Self {
        self.text(name).number(offset).bytes(&schema.0.to_le_bytes())
    }

    fn scalar(name: &str, code: u64, size: u64) -> Self {
        Self::new(1, name, 0, size, size).number(code)
    }

    fn array(element: &Self, length: u64, size: u64, align: u64) -> Self {
        Self::new(2, "array", 0, size, align).bytes(&element.0.to_le_bytes()).number(length)
    }
}

#[test]
fn the_fingerprint_is_the_hash_that_the_specification_describes() {
    let (u8s, i32s) = (Hash::scalar("u8", 1, 1), Hash::scalar("i32", 19, 4));
    let leg = Hash::new(3, "golden.Leg", 1, 8, 4)
        .number(3)
        .field("quantity", 0, &i32s)
        .field("side", 4, &u8s)
        .field("_reserved", 5, &Hash::array(&u8s, 3, 3, 1));
    let trade = Hash::new(3, "golden.Trade", 3, 40, 8)
        .number(5)
        .field("ts_ns", 0, &Hash::scalar("u64", 4, 8))
        .field("price", 8, &Hash::scalar("f64", 34, 8))
        .field("legs", 16, &Hash::array(&leg, 2, 16, 4))
        .field("venue", 32, &Hash::array(&u8s, 4, 4, 1))
        .field("flags", 36, &Hash::scalar("u32", 3, 4));
    assert_eq!(Trade::SCHEMA.fingerprint(), Fingerprint::from_bits(trade.0));
}
