//! `#[derive(Trace)]`: visits every field, so that no reference is hidden from publication, collectors and the verifier.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, GenericParam, Index, Member, Result};

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
    let ident = &input.ident;
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    // SAFETY of the generated impl: every field is visited, but those whose author vouches with `unsafe_skip`.
    Ok(quote! {
        #[automatically_derived]
        #[allow(unsafe_code, unused_variables, reason = "every field is visited; there may be none")]
        unsafe impl #generics ::orochi_objects::core::Trace for #ident #arguments #conditions {
            fn trace(&self, visit: &mut dyn FnMut(&::orochi_objects::core::Field)) { #body }
        }
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
    let mut skipped = false;
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("trace")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("unsafe_skip") {
                return Err(meta.error("only `unsafe_skip` is known here"));
            }
            skipped = true;
            Ok(())
        })?;
    }
    Ok(skipped)
}
