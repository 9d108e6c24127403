//! `#[pymodule]`: the static `MODULE` that lists a native module's functions and classes.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, LitStr, Path, Result, Token, parenthesized};

use crate::attributes::documentation;
use crate::function::{NativeFunction, definition_name};

/// A function or class, perhaps under a condition: `#[cfg(unix)] fork`.
struct Entry {
    attributes: Vec<Attribute>,
    path: Path,
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        if let Some(other) = attributes.iter().find(|a| !a.path().is_ident("cfg")) {
            return Err(Error::new_spanned(other, "only #[cfg(…)] is possible here"));
        }
        Ok(Self { attributes, path: input.call(Path::parse_mod_style)? })
    }
}

#[derive(Default)]
struct Options {
    name: Option<LitStr>,
    doc: Option<LitStr>,
    functions: Vec<Entry>,
    classes: Vec<Entry>,
}

impl Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            match key.to_string().as_str() {
                "name" => {
                    input.parse::<Token![=]>()?;
                    options.name = Some(input.parse()?);
                }
                "doc" => {
                    input.parse::<Token![=]>()?;
                    options.doc = Some(input.parse()?);
                }
                "functions" => options.functions.extend(entries(input)?),
                "classes" => options.classes.extend(entries(input)?),
                _ => {
                    let message =
                        "the options are `name = \"…\"`, `doc = \"…\"`, `functions(…)` and `classes(…)`";
                    return Err(Error::new(key.span(), message));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

fn entries(input: ParseStream<'_>) -> Result<Punctuated<Entry, Token![,]>> {
    let content;
    parenthesized!(content in input);
    Punctuated::parse_terminated(&content)
}

/// Expands `#[pymodule]`.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = Options::parse.parse2(options)?;
    let function: NativeFunction = syn::parse2(item)?;
    function.check()?;
    let init = &function.signature.ident;
    let Some(name) = &options.name else {
        return Err(Error::new(init.span(), "#[pymodule] needs `name = \"…\"`"));
    };
    let doc = options.doc.as_ref().map_or_else(|| documentation(&function.attributes), LitStr::value);
    let functions = options.functions.iter().map(|Entry { attributes, path }| {
        let mut path = path.clone();
        if let Some(last) = path.segments.last_mut() {
            last.ident = definition_name(&last.ident);
        }
        quote!(#(#attributes)* &#path)
    });
    let classes = options.classes.iter().map(|Entry { attributes, path }| {
        quote!(#(#attributes)* <#path as ::orochi_objects::PyClass>::static_type)
    });
    Ok(quote! {
        #function
        /// The module's definition.
        #[allow(unreachable_pub, reason = "the macro can't know how far the module is visible")]
        pub static MODULE: ::orochi_objects::ModuleDef = ::orochi_objects::ModuleDef {
            name: #name,
            doc: #doc,
            functions: &[#(#functions),*],
            classes: &[#(#classes),*],
            init: #init,
        };
    })
}
