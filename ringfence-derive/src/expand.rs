//! Refuses what cannot be an element, and writes the implementation for the rest.
//!
//! What syntax can tell is refused here. What takes types and offsets (a field that is no element, padding)
//! is refused by the compiler in the code written here, whose tokens are therefore located at the field in
//! question. They keep the context of the macro, so that lints of the user's crate, `forbid(unsafe_code)`
//! too, do not apply to them.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Path, Result, parse_quote};

use crate::attributes::{ElementAttributes, Repr, is_element};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = fields_of(input)?;
    let ElementAttributes { name, version, compatible, krate } = ElementAttributes::of(input)?;

    let ident = &input.ident;
    let at = located_at(ident.span());
    let table = field_table(fields, &krate);
    let mut generics = input.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#krate::Element));
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();

    let krate_there = move_to(&krate, at);
    let schema = quote_spanned! {at=>
        #krate_there::__private::structure::<Self>(#name, #version, const { &[#(#table),*] }, &[#(#compatible),*])
    };
    let evaluation = generics.params.is_empty().then(|| {
        quote_spanned! {at=>
            #[allow(deprecated)]
            const _: #krate::Schema = <#ident as #krate::Element>::SCHEMA;
        }
    });

    Ok(quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        unsafe impl #impl_generics #krate::Element for #ident #type_generics #where_clause {
            const SCHEMA: #krate::Schema = #schema;
        }
        #evaluation
    })
}

fn fields_of(input: &DeriveInput) -> Result<&Fields> {
    let fields = match &input.data {
        Data::Struct(data) => &data.fields,
        Data::Enum(data) => {
            return Err(Error::new(
                data.enum_token.span,
                "an enum cannot be an element, because a peer could store a number that is none of its variants: \
                 store an integer and convert it",
            ));
        }
        Data::Union(data) => {
            return Err(Error::new(
                data.union_token.span,
                "a union cannot be an element, because some of its bytes may be uninitialised: \
                 store an array of bytes and convert it",
            ));
        }
    };
    if let Some(lifetime) = input.generics.lifetimes().next() {
        return Err(Error::new(
            lifetime.span(),
            "an element cannot borrow, because other processes cannot follow its references: \
             remove this lifetime and store the data itself",
        ));
    }
    let repr = Repr::of(input)?;
    if fields.is_empty() {
        return Err(Error::new(
            input.ident.span(),
            "an element needs at least one field: a ring cannot carry elements of size 0",
        ));
    }
    if repr == Repr::Transparent && fields.len() > 1 {
        return Err(Error::new(
            input.ident.span(),
            "a `#[repr(transparent)]` element has one field, because the language guarantees no offset for a second: \
             use `#[repr(C)]`",
        ));
    }
    if let Some(attribute) =
        fields.iter().flat_map(|field| &field.attrs).find(|attribute| is_element(attribute))
    {
        return Err(Error::new(
            attribute.path().span(),
            "`#[element(…)]` describes the struct, not a field: move it there",
        ));
    }
    Ok(fields)
}

/// One expression of type `Field` for each field, which fails to evaluate unless the field starts where the
/// last one ended.
fn field_table(fields: &Fields, krate: &Path) -> Vec<TokenStream> {
    let mut end = quote!(0);
    let mut table = Vec::with_capacity(fields.len());
    for (member, field) in fields.members().zip(fields) {
        let ty = &field.ty;
        let (name, at) = match &field.ident {
            Some(ident) => (ident.unraw().to_string(), located_at(ident.span())),
            None => (table.len().to_string(), located_at(ty.span())),
        };
        let krate = move_to(krate, at);
        let offset = quote_spanned!(at=> ::core::mem::offset_of!(Self, #member));
        table.push(quote_spanned! {at=>
            #krate::__private::field(#name, #end, #offset, const { &<#ty as #krate::Element>::SCHEMA })
        });
        end = quote_spanned!(at=> #offset + ::core::mem::size_of::<#ty>());
    }
    table
}

/// A span that messages show at `place` and that belongs to this macro otherwise.
fn located_at(place: Span) -> Span {
    Span::call_site().located_at(place)
}

/// The tokens of `path` with another span: an expression is shown from its first token on.
fn move_to(path: &Path, span: Span) -> TokenStream {
    let respan = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    path.to_token_stream().into_iter().map(respan).collect()
}
