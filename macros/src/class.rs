//! `#[pyclass]`: makes a struct a payload and describes its type.
//!
//! The type itself is a static inside `PyClass::static_type`, built from constants, so a class costs nothing before it is used.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Expr, LitStr, Path, Result, Token, parenthesized};

use crate::attributes::documentation;

/// The options that are type flags, with their names in `TypeFlags`.
const FLAGS: &[(&str, &str)] = &[
    ("subclassable", "SUBCLASSABLE"),
    ("dict", "DICT"),
    ("weakref", "WEAKREF"),
    ("sequence", "SEQUENCE"),
    ("mapping", "MAPPING"),
    ("no_new", "DISALLOW_INSTANTIATION"),
    ("method_descriptor", "METHOD_DESCRIPTOR"),
    ("match_self", "MATCH_SELF"),
    ("generic", "GENERIC"),
];

#[derive(Default)]
struct Options {
    name: Option<LitStr>,
    module: Option<LitStr>,
    base: Option<Path>,
    flags: Vec<Ident>,
    layout: Option<Expr>,
    /// The path of the quick way of calls.
    quick: Option<Path>,
    match_args: Punctuated<LitStr, Token![,]>,
    mutable: bool,
    no_methods: bool,
}

impl Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let key = Ident::parse_any(input)?;
            options.read(&key, input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }

    fn read(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        let word = key.to_string();
        if matches!(word.as_str(), "name" | "module" | "base" | "unsafe_layout") {
            input.parse::<Token![=]>()?;
        }
        match word.as_str() {
            "name" => self.name = Some(input.parse()?),
            "module" => self.module = Some(input.parse()?),
            "base" => self.base = Some(input.parse()?),
            "unsafe_layout" => self.layout = Some(input.parse()?),
            "flags" => {
                let content;
                parenthesized!(content in input);
                self.flags.extend(Punctuated::<Ident, Token![,]>::parse_terminated(&content)?);
            }
            "quick" => {
                let content;
                parenthesized!(content in input);
                self.quick = Some(content.parse()?);
            }
            "match_args" => {
                let content;
                parenthesized!(content in input);
                self.match_args = Punctuated::parse_terminated(&content)?;
            }
            "mutable" => self.mutable = true,
            "no_methods" => self.no_methods = true,
            _ => {
                let Some((_, flag)) = FLAGS.iter().find(|(option, _)| *option == word) else {
                    let known: Vec<&str> = FLAGS.iter().map(|(option, _)| *option).collect();
                    let message = format!(
                        "unknown option; there are name, module, base, mutable, no_methods, unsafe_layout, quick(…), match_args(…), flags(…), {}",
                        known.join(", ")
                    );
                    return Err(Error::new(key.span(), message));
                };
                self.flags.push(format_ident!("{}", flag));
            }
        }
        Ok(())
    }
}

/// Expands `#[pyclass]`.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = Options::parse.parse2(options)?;
    let input: DeriveInput = syn::parse2(item)?;
    if let Some(parameter) = input.generics.params.first() {
        return Err(Error::new(parameter.span(), "a native class can't be generic"));
    }
    if matches!(input.data, Data::Union(_)) {
        return Err(Error::new(input.ident.span(), "a union can't be a payload"));
    }
    let ident = &input.ident;
    let name = options.name.as_ref().map_or_else(|| ident.unraw().to_string(), LitStr::value);
    let module = options.module.as_ref().map_or_else(|| "builtins".to_owned(), LitStr::value);
    let doc = documentation(&input.attrs);
    let (repr, base_check) = match &options.base {
        Some(base) => begin_with_base(&input, base)?,
        None => (TokenStream::new(), TokenStream::new()),
    };
    let layout = options.layout.map_or_else(
        || {
            // Either the first field is the base's payload, or that has no size: both ways this one starts with it.
            let base = options.base.iter();
            quote!(::orochi_objects::core::Layout::of::<#ident>()
                #(.with_base(<#base as ::orochi_objects::core::Payload>::LAYOUT))*)
        },
        ToTokens::into_token_stream,
    );
    let base = match &options.base {
        Some(base) => quote!(Some(<#base as __o::PyClass>::static_type)),
        None => quote!(None),
    };
    let quick = match &options.quick {
        Some(quick) => quote!(Some(#quick)),
        None => quote!(None),
    };
    let match_args = options.match_args.iter();
    let immutable = (!options.mutable).then(|| format_ident!("IMMUTABLE"));
    let flags = options.flags.iter().chain(&immutable);
    let methods = options.no_methods.then(|| {
        quote! {
            impl ::orochi_objects::PyMethods for #ident {
                const PARTS: &'static [&'static ::orochi_objects::MethodPart] = &[];
            }
        }
    });
    // SAFETY of the generated impl: the layout is made from the very type (or its author vouches for it), and lies in a static, whose address is the
    // same in every crate and no other type's (a promoted constant would guarantee neither).
    Ok(quote! {
        #repr
        #input
        #base_check
        #[allow(unsafe_code, reason = "the layout is the type's own")]
        unsafe impl ::orochi_objects::core::Payload for #ident {
            const LAYOUT: &'static ::orochi_objects::core::Layout = {
                static LAYOUT: ::orochi_objects::core::Layout = #layout;
                &LAYOUT
            };
        }
        impl ::orochi_objects::PyClass for #ident {
            const NAME: &'static str = #name;
            const MODULE: &'static str = #module;
            #[inline(always)]
            fn static_type() -> &'static ::orochi_objects::StaticType {
                use ::orochi_objects as __o;
                static SPEC: __o::TypeSpec = __o::TypeSpec {
                    name: #name,
                    module: #module,
                    doc: #doc,
                    base: #base,
                    layout: <#ident as __o::core::Payload>::LAYOUT,
                    flags: __o::TypeFlags::EMPTY #(.union(__o::TypeFlags::#flags))*,
                    match_args: &[#(#match_args),*],
                    quick: #quick,
                    parts: <#ident as __o::PyMethods>::PARTS,
                };
                static TYPE: __o::StaticType = __o::StaticType::new(&SPEC);
                &TYPE
            }
        }
        #methods
    })
}

/// Makes sure that a payload can be read as its base's: either the first field is the base and the layout is C's, or
/// the base has no size.
fn begin_with_base(input: &DeriveInput, base: &Path) -> Result<(TokenStream, TokenStream)> {
    let first = match &input.data {
        Data::Struct(data) => data.fields.iter().next(),
        _ => None,
    };
    let text = |tokens: &dyn ToTokens| tokens.to_token_stream().to_string();
    if first.is_some_and(|field| text(&field.ty) == text(base)) {
        let repr = input.attrs.iter().find(|a| a.path().is_ident("repr"));
        let Some(repr) = repr else { return Ok((quote!(#[repr(C)]), TokenStream::new())) };
        let tokens = repr.meta.require_list()?.tokens.clone();
        let is_c = tokens.into_iter().any(|token| matches!(token, TokenTree::Ident(word) if word == "C"));
        let message = "a payload that begins with its base's is `repr(C)`";
        return if is_c { Ok(Default::default()) } else { Err(Error::new(repr.span(), message)) };
    }
    let check = quote_spanned! {base.span().resolved_at(proc_macro2::Span::call_site())=>
        const _: () = assert!(
            ::core::mem::size_of::<#base>() == 0,
            "the first field of a class has to be the payload of its base",
        );
    };
    Ok((TokenStream::new(), check))
}
