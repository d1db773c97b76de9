//! Reads `#[element(…)]` and `#[repr(…)]`.

use std::collections::BTreeSet;

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, DeriveInput, Error, LitInt, LitStr, Path, Result, Token, bracketed, parenthesized,
    parse_quote, token,
};

const NAME_LENGTH: std::ops::RangeInclusive<usize> = 1..=100;

/// The checked contents of `#[element(…)]`.
pub(crate) struct ElementAttributes {
    pub(crate) name: LitStr,
    pub(crate) version: u32,
    pub(crate) compatible: Vec<u32>,
    pub(crate) krate: Path,
}

impl ElementAttributes {
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let mut name = None;
        let mut version = None;
        let mut compatible = None;
        let mut krate = None;
        for attribute in input.attrs.iter().filter(|attribute| is_element(attribute)) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    set_once(&mut name, &meta, read_name)
                } else if meta.path.is_ident("version") {
                    set_once(&mut version, &meta, |meta| read_version(meta.value()?))
                } else if meta.path.is_ident("compatible") {
                    set_once(&mut compatible, &meta, read_compatible)
                } else if meta.path.is_ident("crate") {
                    set_once(&mut krate, &meta, read_path)
                } else {
                    Err(meta.error("unknown key: expected `name`, `version`, `compatible` or `crate`"))
                }
            })?;
        }

        let version = version.map_or(1, |(version, _)| version);
        let compatible = compatible.unwrap_or_default();
        check_compatible(&compatible, version)?;
        Ok(Self {
            name: name.ok_or_else(|| missing_name(input))?,
            version,
            compatible: compatible.into_iter().map(|(version, _)| version).collect(),
            krate: krate.unwrap_or_else(|| parse_quote!(::ringfence)),
        })
    }
}

pub(crate) fn is_element(attribute: &Attribute) -> bool {
    attribute.path().is_ident("element")
}

/// A representation whose layout the language guarantees.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Repr {
    /// With `packed` or `align(N)` or without.
    C,
    Transparent,
}

impl Repr {
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let mut repr = None;
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("repr")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("C") {
                    repr = Some(Self::C);
                } else if meta.path.is_ident("transparent") {
                    repr = Some(Self::Transparent);
                } else if meta.input.peek(token::Paren) {
                    let argument;
                    parenthesized!(argument in meta.input);
                    argument.parse::<LitInt>()?;
                }
                Ok(())
            })?;
        }
        repr.ok_or_else(|| {
            Error::new(
                input.ident.span(),
                "an element needs a layout that is the same in every process: \
                 add `#[repr(C)]` or `#[repr(transparent)]`",
            )
        })
    }
}

fn set_once<V>(
    slot: &mut Option<V>,
    meta: &ParseNestedMeta<'_>,
    read: impl FnOnce(&ParseNestedMeta<'_>) -> Result<V>,
) -> Result<()> {
    if slot.is_some() {
        return Err(meta.error("this key is given twice"));
    }
    *slot = Some(read(meta)?);
    Ok(())
}

fn read_name(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    let literal: LitStr = meta.value()?.parse()?;
    let name = literal.value();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if NAME_LENGTH.contains(&name.len()) && name.bytes().all(allowed) {
        Ok(literal)
    } else {
        Err(Error::new(literal.span(), "a schema's name is 1 to 100 characters out of `A-Z a-z 0-9 . _ -`"))
    }
}

fn read_version(input: ParseStream<'_>) -> Result<(u32, Span)> {
    let span = input.span();
    match input.parse().and_then(|literal: LitInt| literal.base10_parse()) {
        Ok(version) if version >= 1 => Ok((version, span)),
        _ => Err(Error::new(span, "a version is a whole number from 1 to 4294967295")),
    }
}

fn read_compatible(meta: &ParseNestedMeta<'_>) -> Result<Vec<(u32, Span)>> {
    let value = meta.value()?;
    if !value.peek(token::Bracket) {
        return Err(value.error("`compatible` takes a list of versions, as in `compatible = [1, 2]`"));
    }
    let list;
    bracketed!(list in value);
    Ok(Punctuated::<_, Token![,]>::parse_terminated_with(&list, read_version)?.into_iter().collect())
}

fn read_path(meta: &ParseNestedMeta<'_>) -> Result<Path> {
    let value = meta.value()?;
    let span = value.span();
    value.parse().and_then(|literal: LitStr| literal.parse_with(Path::parse_mod_style)).map_err(|_| {
        Error::new(
            span,
            "`crate` takes the path of the crate `ringfence`, as in `crate = \"path::to::ringfence\"`",
        )
    })
}

fn check_compatible(compatible: &[(u32, Span)], own: u32) -> Result<()> {
    let mut seen = BTreeSet::new();
    for &(version, span) in compatible {
        if version >= own {
            let message = format!(
                "only older versions can be compatible: {version} is not lower than this type's version {own}"
            );
            return Err(Error::new(span, message));
        }
        if !seen.insert(version) {
            return Err(Error::new(span, format!("version {version} is listed twice")));
        }
    }
    Ok(())
}

fn missing_name(input: &DeriveInput) -> Error {
    let message = "the schema needs a name: add `#[element(name = \"…\")]`, because other processes compare that \
                   name, whatever the type is called in their source";
    Error::new(input.ident.span(), message)
}
