//! What a ring carries, and how two processes agree on what its bytes mean.
//!
//! An [`Element`] is plain data of a fixed layout. Its [`Schema`] names that layout down to the last byte,
//! and the [`Fingerprint`] condenses the schema into 128 bits that a ring's header keeps: two processes
//! attach to one ring only when their fingerprints are equal, or when the newer type declares the older
//! version compatible.
//!
//! Invariants:
//! - `I1` Every byte of an element is initialised: it has no padding. Evaluating `SCHEMA` is what proves it
//!   for derived types, generic ones above all, so every constructor of a ring evaluates it
//!   ([`assert_ring_element`]).
//! - `I2` Every bit pattern of an element's size is a valid value of it.
//! - `I3` An element owns no resource, refers to nothing outside its bytes, and cannot change through `&`.
//! - `I4` An element's layout is guaranteed by the language: equal schemas imply equal layouts.
#![allow(unsafe_code)]

mod schema;

pub use schema::{Field, Fingerprint, Scalar, Schema, Shape};

/// Plain data that can live in memory which other processes read and write.
///
/// Derive it for `#[repr(C)]` structs with [`#[derive(Element)]`](derive@crate::Element); the integers `u8` …
/// `u128` and `i8` … `i128`, the floats `f32` and `f64`, and arrays of elements implement it.
///
/// | not an element | because | use |
/// | --- | --- | --- |
/// | `bool`, `char`, enums | a peer could store a bit pattern that is no value of them | `u8`, `u32`, an integer, and convert |
/// | `usize`, `isize` | their width differs between processes | `u64`, `i64` |
/// | references, pointers, `Box`, `String` | another process cannot follow them | the data itself, in an array |
/// | `Option`, tuples | their layout is not guaranteed | a `#[repr(C)]` struct |
///
/// # Safety
///
/// For every value of the type, and for as long as any process of any version uses the schema:
/// - it has no padding: every byte of it is initialised;
/// - every bit pattern of its size is a valid value of it;
/// - it contains no pointer, no reference and no interior mutability;
/// - its layout is guaranteed: it is a primitive, an array, or `#[repr(C)]` or `#[repr(transparent)]`
///   throughout;
/// - [`SCHEMA`](Self::SCHEMA) describes exactly this layout.
///
/// The derive proves all of it; that there is no padding, by the evaluation of [`SCHEMA`](Self::SCHEMA), so
/// unsafe code that relies on it has to evaluate that constant. An implementation by hand can only borrow the
/// schema of an element of equal layout.
///
/// # Examples
///
/// ```
/// use ringfence::Element;
///
/// #[derive(Element, Clone, Copy)]
/// #[element(name = "md.Tick")]
/// #[repr(C)]
/// struct Tick {
///     ts_ns: u64,
///     price: i64,
/// }
///
/// assert_eq!(Tick::SCHEMA.name(), "md.Tick");
/// assert_eq!(Tick::SCHEMA.size(), 16);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in a ring",
    label = "not an `Element`",
    note = "other processes write this memory, so every bit pattern must be a valid value and mean the same everywhere",
    note = "for `bool` use `u8`, for `char` use `u32`, for `usize` use `u64`, for an enum use an integer and convert it",
    note = "references, pointers, `Option`, `String` and `Vec` cannot be shared: store the data itself, in an array",
    note = "for a struct of your own add `#[derive(Element, Clone, Copy)]`, `#[element(name = \"…\")]` and `#[repr(C)]`"
)]
pub unsafe trait Element: Copy + Send + Sync + 'static {
    /// The layout of this type, as other processes compare it.
    ///
    /// Its evaluation fails, at compile time, for a derived type with padding.
    const SCHEMA: Schema;
}

/// What a ring can carry: any [`Element`] `T`, or byte strings `[u8]` of varying length.
///
/// Sealed: rings implement their verbs for exactly these two.
///
/// # Examples
///
/// ```
/// use ringfence::Payload;
///
/// fn carried<P: Payload + ?Sized>() {}
///
/// carried::<u64>();
/// carried::<[f32; 4]>();
/// carried::<[u8]>();
/// ```
pub trait Payload: sealed::Sealed + 'static {}

impl<T: Element> Payload for T {}
impl Payload for [u8] {}

mod sealed {
    use super::{Element, Schema, assert_ring_element};

    pub trait Sealed {
        /// The schema of an element; `None` for bytes. Refuses, at compile time, elements that no ring can
        /// hold.
        #[doc(hidden)]
        const ELEMENT: Option<Schema>;

        /// A copy of an item, or none: what a handle keeps for a guard over it.
        #[doc(hidden)]
        type Copy: Default + Send;
    }

    impl<T: Element> Sealed for T {
        const ELEMENT: Option<Schema> = {
            assert_ring_element::<T>();
            Some(T::SCHEMA)
        };

        type Copy = Option<T>;
    }

    impl Sealed for [u8] {
        const ELEMENT: Option<Schema> = None;

        type Copy = Vec<u8>;
    }
}

/// Refuses, when the caller is compiled, a `T` that no ring can hold. Every constructor evaluates it in a
/// `const` block.
pub(crate) const fn assert_ring_element<T: Element>() {
    const PAGE: usize = 4096;
    assert!(size_of::<T>() > 0, "a ring cannot carry elements of size 0");
    assert!(align_of::<T>() <= PAGE, "a ring cannot carry elements aligned to more than a page (4096 bytes)");
    let schema = &T::SCHEMA;
    assert!(
        schema.size() == size_of::<T>() && schema.align() == align_of::<T>(),
        "`SCHEMA` has another size or alignment than the type that it stands for"
    );
}

macro_rules! scalars {
    ($($scalar:ident: $type:ty),* $(,)?) => {$(
        // SAFETY: a primitive number is initialised in every byte (I1), takes every bit pattern (I2), owns
        // and refers to nothing (I3), and its layout is fixed by the language (I4).
        unsafe impl Element for $type {
            const SCHEMA: Schema = Schema::scalar::<Self>(Scalar::$scalar);
        }
    )*};
}

scalars! {
    U8: u8, U16: u16, U32: u32, U64: u64, U128: u128,
    I8: i8, I16: i16, I32: i32, I64: i64, I128: i128,
    F32: f32, F64: f64,
}

// SAFETY: an array lays its elements side by side, by guarantee (I4), without a byte between or after them:
// what holds for each of them (I1, I2, I3) holds for the whole.
unsafe impl<T: Element, const N: usize> Element for [T; N] {
    const SCHEMA: Schema = Schema::array::<Self>(const { &T::SCHEMA }, N);
}

/// What the code that `#[derive(Element)]` writes calls. Not public API.
#[doc(hidden)]
pub mod __private {
    use super::{Field, Schema};

    /// A field at `offset`, after fields that end at `end`; does not compile where bytes lie between.
    #[track_caller]
    #[must_use]
    pub const fn field(name: &'static str, end: usize, offset: usize, schema: &'static Schema) -> Field {
        refuse_padding(" of padding before this field", end, offset);
        Field::new(name, offset, schema)
    }

    /// The schema of the struct `T`; does not compile where bytes lie after its last field.
    #[track_caller]
    #[must_use]
    pub const fn structure<T>(
        name: &'static str,
        version: u32,
        fields: &'static [Field],
        compatible: &'static [u32],
    ) -> Schema {
        let [.., last] = fields else { panic!("an element needs at least one field") };
        refuse_padding(
            " of padding after the last field",
            last.offset() + last.schema().size(),
            size_of::<T>(),
        );
        Schema::structure::<T>(name, version, fields, compatible)
    }

    #[track_caller]
    const fn refuse_padding(place: &str, from: usize, to: usize) {
        assert!(from <= to, "the fields are not laid out in the order of the source");
        let padding = to - from;
        if padding > 0 {
            let message = Message::EMPTY
                .number(padding)
                .text(if padding == 1 { " byte" } else { " bytes" })
                .text(place)
                .text(": add an explicit `_reserved: [u8; ")
                .number(padding)
                .text("]` there, or reorder the fields");
            panic!("{}", message.as_str());
        }
    }

    /// Text put together at compile time, where `format!` is not available.
    struct Message {
        bytes: [u8; 192],
        len: usize,
    }

    impl Message {
        const EMPTY: Self = Self { bytes: [0; 192], len: 0 };

        const fn text(mut self, text: &str) -> Self {
            let mut rest = text.as_bytes();
            while let [first, after @ ..] = rest {
                self.bytes[self.len] = *first;
                self.len += 1;
                rest = after;
            }
            self
        }

        const fn number(mut self, number: usize) -> Self {
            if number >= 10 {
                self = self.number(number / 10);
            }
            self.bytes[self.len] = b'0' + (number % 10) as u8;
            self.len += 1;
            self
        }

        const fn as_str(&self) -> &str {
            match str::from_utf8(self.bytes.split_at(self.len).0) {
                Ok(text) => text,
                Err(_) => unreachable!(),
            }
        }
    }
}
