//! `#[derive(Trace)]`: visits every field, so that no reference is hidden from publication, collectors and the verifier.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, GenericParam, Index, Member, Result};

/// Expands `#[derive(Trace)]`.
pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let mut input: DeriveInput = syn::parse2(item)?;
    let body = match &input.data {
        Data::Struct(data) => struct_body(&data.fields)?,
        Data::Enum(data) if data.variants.is_empty() => quote!(match *self {}),
        Data::Enum(data) => {
            let arms = data.variants.iter().map(|variant| variant_arm(&variant.ident, &variant.fields));
            let arms = arms.collect::<Result<Vec<_>>>()?;
            quote!(match self { #(#arms)* })
        }
        Data::Union(_) => return Err(Error::new(input.ident.span(), "a union can't be traced")),
    };
    for parameter in &mut input.generics.params {
        if let GenericParam::Type(parameter) = parameter {
            parameter.bounds.push(syn::parse_quote!(::orochi_objects::core::Trace));
        }
    }
    let fields = has_fields(&input)?;
    let ident = &input.ident;
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    // SAFETY of the generated impl: every field is visited, but those whose author vouches with `unsafe_skip`.
    Ok(quote! {
        #[automatically_derived]
        #[allow(unsafe_code, unused_variables, reason = "every field is visited; there may be none")]
        unsafe impl #generics ::orochi_objects::core::Trace for #ident #arguments #conditions {
            const HAS_FIELDS: bool = #fields;
            fn trace(&self, visit: &mut dyn FnMut(&::orochi_objects::core::Field)) { #body }
        }
    })
}

/// Whether any field's type can own fields, as a constant expression.
///
/// The constant of a recursive type would depend on itself. Where the recursion shows, it is taken to be true;
/// where it goes through other types, `#[trace(has_fields)]` on one of them cuts it.
fn has_fields(input: &DeriveInput) -> Result<TokenStream> {
    let fields: Vec<&Field> = match &input.data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => data.variants.iter().flat_map(|variant| &variant.fields).collect(),
        Data::Union(_) => Vec::new(),
    };
    if has_mark(&input.attrs, "has_fields")? {
        return Ok(quote!(true));
    }
    let mut any = quote!(false);
    for field in fields {
        let ty = &field.ty;
        if is_skipped(field)? {
            continue;
        }
        if mentions(ty.to_token_stream(), &input.ident) {
            return Ok(quote!(true));
        }
        any.extend(quote!(|| <#ty as ::orochi_objects::core::Trace>::HAS_FIELDS));
    }
    Ok(any)
}

fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name || ident == "Self",
        TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}

fn struct_body(fields: &Fields) -> Result<TokenStream> {
    let mut body = TokenStream::new();
    for (index, field) in fields.iter().enumerate() {
        if is_skipped(field)? {
            continue;
        }
        let member = member(field, index);
        body.extend(visit(field, &quote!(&self.#member)));
    }
    Ok(body)
}

fn variant_arm(variant: &Ident, fields: &Fields) -> Result<TokenStream> {
    let (mut bindings, mut body) = (TokenStream::new(), TokenStream::new());
    for (index, field) in fields.iter().enumerate() {
        if is_skipped(field)? {
            continue;
        }
        let name = format_ident!("f{}", index);
        let member = member(field, index);
        bindings.extend(quote!(#member: #name,));
        body.extend(visit(field, &quote!(#name)));
    }
    Ok(quote!(Self::#variant { #bindings .. } => { #body }))
}

fn member(field: &Field, index: usize) -> Member {
    match &field.ident {
        Some(name) => Member::Named(name.clone()),
        None => Member::Unnamed(Index::from(index)),
    }
}

/// One field's visit; a type that can't be traced is reported where it stands.
fn visit(field: &Field, place: &TokenStream) -> TokenStream {
    let span = Span::call_site().located_at(field.ty.span());
    quote_spanned!(span=> ::orochi_objects::core::Trace::trace(#place, visit);)
}

fn is_skipped(field: &Field) -> Result<bool> {
    has_mark(&field.attrs, "unsafe_skip")
}

/// Whether there is a `#[trace(mark)]`.
fn has_mark(attributes: &[Attribute], mark: &str) -> Result<bool> {
    let mut found = false;
    for attribute in attributes.iter().filter(|a| a.path().is_ident("trace")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident(mark) {
                return Err(meta.error(format!("only `{mark}` is known here")));
            }
            found = true;
            Ok(())
        })?;
    }
    Ok(found)
}
