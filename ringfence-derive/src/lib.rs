//! The derive macro of the crate `ringfence`, which exports it as `ringfence::Element`.

mod attributes;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `Element` for a struct and writes its schema.
///
/// The struct is `#[repr(C)]`, with or without `packed` and `align(N)`, or `#[repr(transparent)]`; it derives
/// `Clone` and `Copy`; and it has fields, named or not, that are all elements and leave no padding. It can be
/// generic: every type parameter `T` is then bound by `T: Element`. The derive also works in a crate with
/// `#![forbid(unsafe_code)]`.
///
/// ```
/// use ringfence::Element;
///
/// #[derive(Element, Clone, Copy, Debug)]
/// #[element(name = "md.Tick", version = 2, compatible = [1])]
/// #[repr(C)]
/// struct Tick {
///     ts_ns: u64,
///     price: i64,
///     side: u8,
///     _reserved: [u8; 7],
/// }
///
/// assert_eq!(Tick::SCHEMA.to_string(), "md.Tick v2");
/// ```
///
/// # Keys of `#[element(…)]`
///
/// | key | meaning |
/// | --- | --- |
/// | `name = "md.Tick"` | required: what other processes compare, whatever the type is called in their source; 1 to 100 of `A-Z a-z 0-9 . _ -` |
/// | `version = 2` | 1 or more, 1 if absent: raise it whenever the meaning of the bytes changes |
/// | `compatible = [1]` | the lower versions whose rings this version can use: same size and alignment, new fields carved from reserved zeroes |
/// | `crate = "path"` | where the crate `ringfence` is, `::ringfence` if absent |
///
/// # What does not compile
///
/// - Padding between or after fields: its bytes would be uninitialised. Spell it out, as `_reserved` above
///   does. For a generic struct this fails where a ring of a concrete type is made, otherwise already in
///   `cargo check`.
/// - A field that is no element, such as `bool`, `usize`, an enum, a reference or an `Option`.
/// - Enums, unions, structs without fields, lifetime parameters, a second field beside that of
///   `#[repr(transparent)]`, and any other representation.
///
/// ```compile_fail
/// #[derive(ringfence::Element, Clone, Copy)]
/// #[element(name = "md.Quote")]
/// #[repr(C)]
/// struct Quote {
///     price: i64,
///     quantity: u32, // error: padding after the last field
/// }
/// ```
#[proc_macro_derive(Element, attributes(element))]
pub fn derive_element(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
