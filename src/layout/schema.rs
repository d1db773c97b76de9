//! The schema in a header: names, and the field table in pre-order, so that tools can decode items and a mismatch can
//! name the fields that differ.
//!
//! ```text
//! row: offset u32 │ size u32 │ count u32 │ scalar u8 │ depth u8 │ name length u16 │ name …
//! ```
//!
//! `offset` counts from the start of the struct that the field is in; `count` is the number of elements of an array
//! (1 for a plain field); `scalar` is the code of the innermost type, or 0 for a struct, whose fields follow with a
//! depth one larger. The first row, depth 0 and without a name, is the element itself.

use crate::element::{Fingerprint, Scalar, Schema, Shape};

const ROW: usize = 16;

/// Structs nested deeper than this are recorded without their fields, and no reader follows deeper rows.
const MAX_DEPTH: u8 = 32;
/// Rows beyond this many are not recorded, and no reader accepts more; the fingerprint covers all fields anyway.
const MAX_ROWS: usize = 1024;
/// Names are cut to this many bytes, and no reader accepts longer ones.
const MAX_NAME: usize = 128;

/// A schema as a header records it: owned, and possibly of a type that this program does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaRecord {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) fingerprint: Fingerprint,
    /// Older versions whose programs may attach.
    pub(crate) compatible: Vec<u32>,
    pub(crate) rows: Vec<Row>,
}

/// One row of the field table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) offset: u32,
    pub(crate) size: u32,
    pub(crate) count: u32,
    pub(crate) scalar: Option<Scalar>,
    pub(crate) depth: u8,
}

impl SchemaRecord {
    /// What a header says of `schema`.
    pub(crate) fn of(schema: &'static Schema) -> Self {
        let mut rows = Vec::new();
        push_rows(&mut rows, "", 0, 0, schema);
        let name = match schema.shape() {
            Shape::Struct => schema.name().to_owned(),
            _ => schema.to_string(),
        };
        Self {
            name,
            version: schema.version(),
            fingerprint: schema.fingerprint(),
            compatible: schema.compatible().to_vec(),
            rows,
        }
    }

    /// The record of a ring that carries plain bytes.
    pub(crate) fn bytes() -> Self {
        Self {
            name: "[u8]".to_owned(),
            version: 1,
            fingerprint: Fingerprint::from_bits(0),
            compatible: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// The field table's bytes.
    pub(super) fn encode_rows(&self) -> Vec<u8> {
        let mut table = Vec::new();
        for row in &self.rows {
            table.extend_from_slice(&row.offset.to_le_bytes());
            table.extend_from_slice(&row.size.to_le_bytes());
            table.extend_from_slice(&row.count.to_le_bytes());
            table.push(row.scalar.map_or(0, Scalar::code));
            table.push(row.depth);
            table.extend_from_slice(&(row.name.len() as u16).to_le_bytes());
            table.extend_from_slice(row.name.as_bytes());
        }
        table
    }

    /// The rows that `table` holds, or what is wrong with it.
    pub(super) fn decode_rows(mut table: &[u8], count: u32) -> Result<Vec<Row>, &'static str> {
        if count as usize > MAX_ROWS {
            return Err("field table of more than 1024 rows");
        }
        let mut rows = Vec::new();
        for _ in 0..count {
            let (fixed, rest) = table.split_at_checked(ROW).ok_or("field table ends inside a row")?;
            let word =
                |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
            let length = usize::from(u16::from_le_bytes([fixed[14], fixed[15]]));
            let (name, rest) = rest.split_at_checked(length).ok_or("field table ends inside a name")?;
            if length > MAX_NAME {
                return Err("field name of more than 128 bytes");
            }
            let depth = fixed[13];
            if depth > MAX_DEPTH || usize::from(depth) > rows.len() {
                return Err("field table nests wrongly");
            }
            let scalar = match fixed[12] {
                0 => None,
                code => Some(Scalar::from_code(code).ok_or("unknown scalar in the field table")?),
            };
            let name = core::str::from_utf8(name).map_err(|_| "field name is not UTF-8")?.to_owned();
            rows.push(Row { name, offset: word(0), size: word(4), count: word(8), scalar, depth });
            table = rest;
        }
        if table.is_empty() { Ok(rows) } else { Err("bytes behind the field table") }
    }

    /// Every field with its full path and type: what two programs compare.
    fn paths(&self) -> Vec<(String, String)> {
        let mut stack: Vec<&str> = Vec::new();
        let mut paths = Vec::new();
        for row in &self.rows {
            stack.truncate(usize::from(row.depth));
            stack.push(&row.name);
            if row.depth == 0 && row.scalar.is_none() {
                continue;
            }
            let path = stack.iter().skip(1).copied().collect::<Vec<_>>().join(".");
            let inner = row.scalar.map_or("struct", Scalar::name);
            let kind = if row.count == 1 { inner.to_owned() } else { format!("[{inner}; {}]", row.count) };
            paths.push((path, format!("{kind} at {}", row.offset)));
        }
        paths
    }

    /// The fields in which `found` differs from `self`: path, what `self` has, what `found` has.
    pub(crate) fn differences(&self, found: &Self) -> Vec<(String, String, String)> {
        const ABSENT: &str = "absent";
        let (ours, theirs) = (self.paths(), found.paths());
        let look_up = |list: &[(String, String)], path: &str| {
            list.iter().find(|it| it.0 == path).map_or_else(|| ABSENT.to_owned(), |it| it.1.clone())
        };
        let missing_here = theirs.iter().filter(|it| !ours.iter().any(|our| our.0 == it.0));
        ours.iter()
            .chain(missing_here)
            .map(|(path, _)| (path.clone(), look_up(&ours, path), look_up(&theirs, path)))
            .filter(|(_, our, their)| our != their)
            .collect()
    }
}

/// Appends the row of one field and those of the fields inside it.
fn push_rows(rows: &mut Vec<Row>, name: &str, offset: usize, depth: u8, schema: &'static Schema) {
    let (mut inner, mut count) = (schema, 1);
    while let Shape::Array { element, len } = inner.shape() {
        inner = element;
        count *= len;
    }
    let scalar = match inner.shape() {
        Shape::Scalar(scalar) => Some(scalar),
        _ => None,
    };
    if rows.len() == MAX_ROWS {
        return;
    }
    rows.push(Row {
        name: name[..name.floor_char_boundary(MAX_NAME)].to_owned(),
        offset: offset as u32,
        size: schema.size() as u32,
        count: count as u32,
        scalar,
        depth,
    });
    let fields = if depth < MAX_DEPTH { inner.fields() } else { &[] };
    for field in fields {
        push_rows(rows, field.name(), field.offset(), depth + 1, field.schema());
    }
}
