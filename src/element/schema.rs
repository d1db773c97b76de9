//! The layout of an element, down to the last byte, and its fingerprint.
//!
//! ```text
//! fingerprint = FNV-1a-128( kind · name · version · size · align · rest )
//!
//! kind          one byte: 1 scalar, 2 array, 3 struct
//! name          its length in bytes, then its bytes
//! rest, scalar  the code of the scalar
//! rest, array   fingerprint of the element · length
//! rest, struct  number of fields · for each field: name · offset · fingerprint of its type
//! ```
//!
//! Numbers are 8 bytes and fingerprints 16 bytes, little-endian. Lengths come first and every kind has its
//! own byte, so no two different schemas hash the same bytes. The encoding is stored in rings and never
//! changes.

use std::fmt;

/// The layout of an [`Element`](crate::Element): its name and version, its size and alignment, and the table of its fields.
///
/// `Display` names the type as mismatch reports do.
///
/// # Examples
///
/// ```
/// use ringfence::Element;
///
/// #[derive(Element, Clone, Copy)]
/// #[element(name = "md.Tick", version = 2, compatible = [1])]
/// #[repr(C)]
/// struct Tick {
///     ts_ns: u64,
///     price: i64,
/// }
///
/// let schema = Tick::SCHEMA;
/// assert_eq!(schema.version(), 2);
/// assert_eq!(schema.compatible(), [1]);
/// assert_eq!(schema.fields()[1].name(), "price");
/// assert_eq!(schema.fields()[1].offset(), 8);
///
/// assert_eq!(schema.to_string(), "md.Tick v2");
/// assert_eq!(<[[u16; 4]; 2]>::SCHEMA.to_string(), "[[u16; 4]; 2]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    name: &'static str,
    version: u32,
    size: usize,
    align: usize,
    fingerprint: Fingerprint,
    shape: Shape,
    fields: &'static [Field],
    compatible: &'static [u32],
}

impl Schema {
    pub(super) const fn scalar<T>(scalar: Scalar) -> Self {
        let name = scalar.name();
        let fingerprint = Fnv::schema::<T>(1, name, 0).number(scalar.code() as u64).finish();
        Self::new::<T>(name, 0, fingerprint, Shape::Scalar(scalar))
    }

    pub(super) const fn array<T>(element: &'static Schema, len: usize) -> Self {
        let name = "array";
        let fingerprint =
            Fnv::schema::<T>(2, name, 0).fingerprint(element.fingerprint).number(len as u64).finish();
        Self::new::<T>(name, 0, fingerprint, Shape::Array { element, len })
    }

    pub(super) const fn structure<T>(
        name: &'static str,
        version: u32,
        fields: &'static [Field],
        compatible: &'static [u32],
    ) -> Self {
        let mut hash = Fnv::schema::<T>(3, name, version).number(fields.len() as u64);
        let mut rest = fields;
        while let [field, after @ ..] = rest {
            hash = hash.text(field.name).number(field.offset as u64).fingerprint(field.schema.fingerprint);
            rest = after;
        }
        Self { fields, compatible, ..Self::new::<T>(name, version, hash.finish(), Shape::Struct) }
    }

    const fn new<T>(name: &'static str, version: u32, fingerprint: Fingerprint, shape: Shape) -> Self {
        let (size, align) = (size_of::<T>(), align_of::<T>());
        Self { name, version, size, align, fingerprint, shape, fields: &[], compatible: &[] }
    }

    /// The name: what `#[element(name = …)]` gives a struct, `"u64"` and so on for scalars, `"array"` for
    /// arrays.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The version of a struct, at least 1; 0 for scalars and arrays, which never change.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The size in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// The alignment in bytes.
    #[must_use]
    pub const fn align(&self) -> usize {
        self.align
    }

    /// The hash of everything in this schema but [`compatible`](Self::compatible): equal fingerprints mean
    /// equal layouts.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The fields of a struct in the order of their offsets; empty for scalars and arrays.
    #[must_use]
    pub const fn fields(&self) -> &'static [Field] {
        self.fields
    }

    /// Whether this is a scalar, an array or a struct.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The older versions of a struct whose rings this version can use as well.
    #[must_use]
    pub const fn compatible(&self) -> &'static [u32] {
        self.compatible
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shape {
            Shape::Scalar(scalar) => f.write_str(scalar.name()),
            Shape::Array { element, len } => write!(f, "[{element}; {len}]"),
            Shape::Struct => write!(f, "{} v{}", self.name, self.version),
        }
    }
}

/// What kind of type a [`Schema`] describes.
///
/// # Examples
///
/// ```
/// use ringfence::{Element, Scalar, Shape};
///
/// let Shape::Array { element, len } = <[f64; 3]>::SCHEMA.shape() else { unreachable!() };
/// assert_eq!(len, 3);
/// assert_eq!(element.shape(), Shape::Scalar(Scalar::F64));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// A primitive number.
    Scalar(Scalar),
    /// `len` elements of one type, side by side.
    Array {
        /// The layout of one of them.
        element: &'static Schema,
        /// How many there are.
        len: usize,
    },
    /// A struct; [`Schema::fields`] lists what it is made of.
    Struct,
}

/// The primitive numbers that elements are made of, with the codes that stand for them in a ring's header.
///
/// # Examples
///
/// ```
/// use ringfence::Scalar;
///
/// assert_eq!(Scalar::U64.code(), 4);
/// assert_eq!(Scalar::from_code(4), Some(Scalar::U64));
/// assert_eq!(Scalar::from_code(0), None);
/// assert_eq!(Scalar::U64.name(), "u64");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Scalar {
    /// `u8`
    U8 = 1,
    /// `u16`
    U16 = 2,
    /// `u32`
    U32 = 3,
    /// `u64`
    U64 = 4,
    /// `u128`
    U128 = 5,
    /// `i8`
    I8 = 17,
    /// `i16`
    I16 = 18,
    /// `i32`
    I32 = 19,
    /// `i64`
    I64 = 20,
    /// `i128`
    I128 = 21,
    /// `f32`
    F32 = 33,
    /// `f64`
    F64 = 34,
}

impl Scalar {
    /// The code that a ring's header stores; it never changes.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The scalar of a code, or `None` for a code that this version of the crate does not know.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::U8,
            2 => Self::U16,
            3 => Self::U32,
            4 => Self::U64,
            5 => Self::U128,
            17 => Self::I8,
            18 => Self::I16,
            19 => Self::I32,
            20 => Self::I64,
            21 => Self::I128,
            33 => Self::F32,
            34 => Self::F64,
            _ => return None,
        })
    }

    /// The name of the type in Rust.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

/// One field of a struct's [`Schema`].
///
/// # Examples
///
/// ```
/// use ringfence::Element;
///
/// #[derive(Element, Clone, Copy)]
/// #[element(name = "geo.Point")]
/// #[repr(C)]
/// struct Point(f32, f32);
///
/// let y = Point::SCHEMA.fields()[1];
/// assert_eq!((y.name(), y.offset()), ("1", 4));
/// assert_eq!(y.schema(), &f32::SCHEMA);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    name: &'static str,
    offset: usize,
    schema: &'static Schema,
}

impl Field {
    pub(super) const fn new(name: &'static str, offset: usize, schema: &'static Schema) -> Self {
        Self { name, offset, schema }
    }

    /// The name in the source; `"0"`, `"1"`, … for a tuple struct.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The distance in bytes from the start of the struct.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The layout of the field's type.
    #[must_use]
    pub const fn schema(&self) -> &'static Schema {
        self.schema
    }
}

/// 128 bits that stand for a whole [`Schema`].
///
/// A hash against mistakes, not against malice: it is FNV-1a, which is easy to collide on purpose. `Display`
/// and `LowerHex` write 32 hexadecimal digits.
///
/// # Examples
///
/// ```
/// use ringfence::{Element, Fingerprint};
///
/// let fingerprint = u64::SCHEMA.fingerprint();
/// assert_eq!(Fingerprint::from_bits(fingerprint.to_bits()), fingerprint);
/// assert_ne!(i64::SCHEMA.fingerprint(), fingerprint);
/// assert_eq!(Fingerprint::from_bits(0xf).to_string(), "0000000000000000000000000000000f");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint as a number, for storing it.
    #[must_use]
    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// The fingerprint that was stored as this number.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }
}

impl fmt::LowerHex for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(self, f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self:x})")
    }
}

/// The 128-bit FNV-1a hash (Fowler, Noll, Vo; RFC 9923), over the encoding at the head of this file.
struct Fnv(u128);

impl Fnv {
    const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    const fn schema<T>(kind: u8, name: &str, version: u32) -> Self {
        Self(Self::OFFSET_BASIS)
            .bytes(&[kind])
            .text(name)
            .number(version as u64)
            .number(size_of::<T>() as u64)
            .number(align_of::<T>() as u64)
    }

    const fn bytes(mut self, mut bytes: &[u8]) -> Self {
        while let [first, rest @ ..] = bytes {
            self.0 = (self.0 ^ *first as u128).wrapping_mul(Self::PRIME);
            bytes = rest;
        }
        self
    }

    const fn number(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    const fn text(self, text: &str) -> Self {
        self.number(text.len() as u64).bytes(text.as_bytes())
    }

    const fn fingerprint(self, fingerprint: Fingerprint) -> Self {
        self.bytes(&fingerprint.0.to_le_bytes())
    }

    const fn finish(self) -> Fingerprint {
        Fingerprint(self.0)
    }
}
