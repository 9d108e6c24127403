//! `#[pymethods]`: from an `impl` block to a `MethodPart`, the table that a type is made of.
//!
//! The block comes out unchanged but for its markers. Beside it stands one constant (`PyMethods::PARTS`, or a static for a
//! further part) that holds slots, methods and attributes; each entry is a block expression with its own signature and
//! shim inside, so that no generated name can clash with another.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, LitStr, Path, Result, Token, Type, Visibility, braced, parenthesized};

use crate::attributes::{Kind, Markers};
use crate::function::{NativeFunction, Parameter, Role, Shape, parameters, returns};
use crate::shim::{Shim, into_result, into_value, method_def};
use crate::slot::{bound_slot, new_items, slot_entry};

/// An item of the block: a function, or something that is passed through.
enum Item {
    Function(Box<NativeFunction>),
    Other(TokenStream),
}

struct Block {
    attributes: Vec<Attribute>,
    class: Type,
    items: Vec<Item>,
}

impl Parse for Block {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        input.parse::<Token![impl]>()?;
        if input.peek(Token![<]) {
            return Err(input.error("a native class can't be generic"));
        }
        let class: Type = input.parse()?;
        if input.peek(Token![for]) {
            return Err(input.error("#[pymethods] goes on an inherent impl block"));
        }
        let content;
        braced!(content in input);
        let mut items = Vec::new();
        while !content.is_empty() {
            items.push(item(&content)?);
        }
        Ok(Self { attributes, class, items })
    }
}

fn item(input: ParseStream<'_>) -> Result<Item> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility: Visibility = input.parse()?;
    let is_constant = input.peek(Token![const]) && !input.peek2(Token![fn]) && !input.peek2(Token![unsafe]);
    if !is_constant && !input.peek(Token![type]) {
        let function = NativeFunction::parse_rest(input, attributes, visibility)?;
        return Ok(Item::Function(Box::new(function)));
    }
    let mut tokens = quote!(#(#attributes)* #visibility);
    loop {
        let token: TokenTree = input.parse()?;
        let is_end = matches!(&token, TokenTree::Punct(p) if p.as_char() == ';');
        token.to_tokens(&mut tokens);
        if is_end {
            return Ok(Item::Other(tokens));
        }
    }
}

/// `part = NAME` or `parts(A, B)`.
#[derive(Default)]
struct Options {
    part: Option<Ident>,
    parts: Vec<Path>,
}

impl Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            if key == "part" {
                input.parse::<Token![=]>()?;
                options.part = Some(input.parse()?);
            } else if key == "parts" {
                let content;
                parenthesized!(content in input);
                options.parts =
                    Punctuated::<Path, Token![,]>::parse_terminated(&content)?.into_iter().collect();
            } else {
                return Err(Error::new(key.span(), "the options are `part = NAME` and `parts(NAME, …)`"));
            }
            if options.part.is_some() && !options.parts.is_empty() {
                return Err(Error::new(key.span(), "a part has no parts"));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

/// A getter and a setter of one name.
struct Attributes {
    name: String,
    doc: String,
    cfgs: Vec<Attribute>,
    get: Option<TokenStream>,
    set: Option<TokenStream>,
    member: bool,
}

/// The tables while they are filled.
#[derive(Default)]
struct Tables {
    /// Items that several entries use: the function behind `#[new]`.
    items: TokenStream,
    slots: Vec<TokenStream>,
    methods: Vec<TokenStream>,
    attributes: Vec<Attributes>,
    /// How the class is called: the text of `#[init]`'s signature, or of `#[new]`'s.
    construction: Option<String>,
}

/// Expands `#[pymethods]`.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = Options::parse.parse2(options)?;
    let mut block: Block = syn::parse2(item)?;
    let mut tables = Tables::default();
    for item in &mut block.items {
        if let Item::Function(function) = item {
            tables.add(function, &block.class)?;
        }
    }
    let Block { attributes, class, items } = &block;
    let items = items.iter().map(|item| match item {
        Item::Function(function) => function.to_token_stream(),
        Item::Other(tokens) => tokens.clone(),
    });
    let part = tables.part();
    let shared = &tables.items;
    let constant = match &options.part {
        Some(name) => quote! {
            pub(crate) static #name: ::orochi_objects::MethodPart = {
                use ::orochi_objects as __o;
                #shared
                #part
            };
        },
        None => {
            let parts = &options.parts;
            quote! {
                impl ::orochi_objects::PyMethods for #class {
                    const PARTS: &'static [&'static ::orochi_objects::MethodPart] = {
                        use ::orochi_objects as __o;
                        #shared
                        &[&#part, #(&#parts),*]
                    };
                }
            }
        }
    };
    Ok(quote! {
        #[allow(
            clippy::new_ret_no_self, clippy::too_many_arguments, clippy::should_implement_trait,
            clippy::wrong_self_convention, clippy::self_named_constructors, clippy::len_without_is_empty,
            reason = "Python decides what its methods are called and take"
        )]
        #(#attributes)* impl #class { #(#items)* }
        #constant
    })
}

impl Tables {
    fn add(&mut self, function: &mut NativeFunction, class: &Type) -> Result<()> {
        function.check()?;
        let mut markers = Markers::take(&mut function.attributes)?;
        let signature = &function.signature;
        let name = &signature.ident;
        let kind = markers.kind.clone().map_or(Kind::Method, |(kind, _)| kind);
        let cfgs = markers.cfgs.clone();
        if !matches!(kind, Kind::Method | Kind::ClassMethod | Kind::StaticMethod) {
            markers.refuse_also()?;
        }
        let also = markers.also.take();
        match kind {
            Kind::Getter | Kind::Member | Kind::Setter => {
                return self.add_attribute(signature, markers, class, &kind);
            }
            Kind::Slot(slot) => {
                markers.refuse_signature("a slot")?;
                let entry = slot_entry(slot.as_ref().unwrap_or(name), signature, class)?;
                self.slots.push(quote!(#(#cfgs)* #entry));
                return Ok(());
            }
            _ => {}
        }
        let shim = Shim::new(signature, markers, quote!(<#class>::#name))?;
        match kind {
            Kind::New => {
                if !cfgs.is_empty() {
                    return Err(Error::new(name.span(), "#[new] can't be conditional"));
                }
                let (items, entry) = new_items(&shim, signature, class)?;
                self.construction.get_or_insert_with(|| shim.signature_text(None));
                self.items.extend(items);
                self.slots.push(quote!(tp_new: Some(tp_new)));
                self.methods.push(entry);
            }
            Kind::Init | Kind::Call => {
                let slot = if matches!(kind, Kind::Init) { "tp_init" } else { "tp_call" };
                let entry = bound_slot(&shim, signature, class, slot)?;
                if matches!(kind, Kind::Init) {
                    self.construction = Some(shim.signature_text(None));
                }
                self.slots.push(quote!(#(#cfgs)* #entry));
            }
            _ => {
                let (kind, lead) = callable_kind(&kind, &shim, name)?;
                let (kind, class) = (format_ident!("{}", kind), class.to_token_stream());
                let entry = method_def(&shim, &kind, &class, lead)?;
                self.methods.push(quote!(#(#cfgs)* #entry));
                if let Some(also) = also {
                    let entry = method_def(&shim.renamed(also), &kind, &class, lead)?;
                    self.methods.push(quote!(#(#cfgs)* #entry));
                }
            }
        }
        Ok(())
    }

    fn add_attribute(
        &mut self,
        function: &syn::Signature,
        markers: Markers,
        class: &Type,
        kind: &Kind,
    ) -> Result<()> {
        let is_getter = matches!(kind, Kind::Getter | Kind::Member);
        markers.refuse_signature(if is_getter { "a getter" } else { "a setter" })?;
        let rust_name = function.ident.unraw().to_string();
        let prefix = if is_getter { "get_" } else { "set_" };
        let default_name = || rust_name.strip_prefix(prefix).unwrap_or(&rust_name).to_owned();
        let name = markers.name.as_ref().map_or_else(default_name, LitStr::value);
        let shim = attribute_shim(function, class, is_getter)?;
        let index = self.attributes.iter().position(|a| a.name == name).unwrap_or_else(|| {
            let (doc, cfgs) = (String::new(), markers.cfgs.clone());
            self.attributes.push(Attributes { name, doc, cfgs, get: None, set: None, member: false });
            self.attributes.len() - 1
        });
        let entry = &mut self.attributes[index];
        entry.member |= matches!(kind, Kind::Member);
        if entry.doc.is_empty() || is_getter {
            entry.doc = markers.doc;
        }
        let place = if is_getter { &mut entry.get } else { &mut entry.set };
        match place.replace(shim) {
            Some(_) => Err(Error::new(function.ident.span(), format!("`{}` has two of these", entry.name))),
            None => Ok(()),
        }
    }

    /// The `MethodPart` expression.
    fn part(&self) -> TokenStream {
        let Self { slots, methods, attributes, construction, .. } = self;
        let construction = construction.as_deref().unwrap_or_default();
        let attributes = attributes.iter().map(|Attributes { name, doc, cfgs, get, set, member }| {
            let [get, set] = [get, set].map(|entry| match entry {
                Some(entry) => quote!(Some(#entry)),
                None => quote!(None),
            });
            quote!(#(#cfgs)* __o::GetSetDef { name: #name, get: #get, set: #set, doc: #doc, member: #member })
        });
        quote! {
            __o::MethodPart {
                slots: __o::Slots { #(#slots,)* ..__o::Slots::EMPTY },
                methods: &[#(#methods),*],
                getset: &[#(#attributes),*],
                construction: #construction,
            }
        }
    }
}

/// The variant of `MethodKind` and the receiver in the text signature; checks that the receiver fits.
fn callable_kind(kind: &Kind, shim: &Shim, name: &Ident) -> Result<(&'static str, Option<&'static str>)> {
    let receiver = shim.receiver().map(|p| p.role);
    let (expected, variant, lead, message) = match kind {
        Kind::ClassMethod => {
            (Some(Role::Class), "ClassMethod", Some("$type"), "a class method takes `cls: &Obj<PyType>`")
        }
        Kind::StaticMethod => (None, "StaticMethod", None, "a static method has no receiver"),
        _ => (
            Some(Role::This),
            "Method",
            Some("$self"),
            "a method takes `this: &Obj<Self>`; helper functions go into an impl block of their own",
        ),
    };
    if receiver == expected { Ok((variant, lead)) } else { Err(Error::new(name.span(), message)) }
}

/// The function in `GetSetDef::get` or `set`.
fn attribute_shim(function: &syn::Signature, class: &Type, is_getter: bool) -> Result<TokenStream> {
    let parameters = parameters(function)?;
    let this = parameters.iter().find(|p| p.role == Role::This);
    let Some(this) = this else {
        return Err(Error::new(function.ident.span(), "this needs `this: &Obj<Self>`"));
    };
    let values: Vec<&Parameter> =
        parameters.iter().filter(|p| !matches!(p.role, Role::Thread | Role::This)).collect();
    let value_is_right = match values.as_slice() {
        [] => is_getter,
        [value] => !is_getter && value.role == Role::Argument && value.shape == Shape::OptionOfRef,
        _ => false,
    };
    if !value_is_right {
        let message = if is_getter {
            "a getter takes `thread` and `this` only"
        } else {
            "a setter takes one value, an `Option<Ref>` that is `None` for deletion"
        };
        return Err(Error::new(function.ident.span(), message));
    }
    let check =
        (this.shape == Shape::Reference).then(|| quote!(let this = __o::slot_receiver::<#class>(this)?;));
    let arguments = parameters.iter().map(|p| match p.role {
        Role::Thread => quote!(thread),
        Role::This => quote!(this),
        _ => quote!(value),
    });
    let name = &function.ident;
    let call = quote!(<#class>::#name(#(#arguments),*));
    let returns = returns(&function.output);
    if is_getter {
        let call = into_value(call, returns);
        return Ok(quote!(|thread, this| { #check #call }));
    }
    let call = into_result(call, returns);
    Ok(quote!(|thread, this, value| { #check #call }))
}
