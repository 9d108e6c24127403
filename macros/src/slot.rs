//! Entries of the `Slots` table: `#[slot]`, and the slots behind `#[new]`, `#[init]` and `#[call]`.
//!
//! A slot's own type decides its shim's parameters: the entry is a closure that coerces to the field's function
//! pointer, so nothing here knows slots' parameter lists. What is known is which slots don't return a `Value`.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Error, FnArg, GenericArgument, Ident, PathArguments, Result, Signature, Type};

use crate::function::{Parameter, Returns, Role, Shape, parameters, returns};
use crate::shim::{Shim, into_result, into_value};

/// The slots whose result is something else than a `Value`.
const OTHER_RESULTS: &[&str] = &[
    "tp_hash",
    "tp_iternext",
    "tp_init",
    "tp_finalize",
    "tp_setattro",
    "tp_descr_set",
    "sq_length",
    "sq_contains",
    "sq_ass_item",
    "mp_length",
    "mp_ass_subscript",
    "nb_bool",
    "am_send",
    "bf_getbuffer",
];

/// The slots that can't raise.
const CALM: &[&str] = &["bf_releasebuffer", "tp_known_result"];

/// The field of `Slots` for a `#[slot]` function.
pub(crate) fn slot_entry(name: &Ident, function: &Signature, class: &Type) -> Result<TokenStream> {
    let parameters = parameters(function)?;
    let function_name = &function.ident;
    let path = quote!(<#class>::#function_name);
    let returns = returns(&function.output);
    let receiver = parameters.iter().position(|p| p.role != Role::Thread).filter(|&index| {
        let parameter = &parameters[index];
        parameter.role == Role::This && parameter.shape == Shape::Reference
            || parameter.role == Role::Argument
                && function.inputs.iter().nth(index).is_some_and(|input| takes_self(input, class))
    });
    let slot = name.unraw().to_string();
    let returns_other = OTHER_RESULTS.contains(&slot.as_str());
    let is_calm = CALM.contains(&slot.as_str());
    let has_thread_first = parameters.first().is_some_and(|p| p.role == Role::Thread);
    let passes_result = is_calm || returns == Returns::Value || returns_other && returns == Returns::Result;
    if has_thread_first && receiver.is_none() && passes_result {
        return Ok(quote!(#name: Some(#path)));
    }
    let names: Vec<Ident> = (0..parameters.len()).map(|index| format_ident!("a{}", index)).collect();
    let forwarded = parameters.iter().zip(&names).filter(|(p, _)| p.role != Role::Thread).map(|(_, n)| n);
    let check = receiver.map(|index| {
        let name = &names[index];
        if is_calm {
            quote!(let Ok(#name) = __o::slot_receiver::<#class>(#name) else { return };)
        } else {
            quote!(let #name = __o::slot_receiver::<#class>(#name)?;)
        }
    });
    let arguments = parameters.iter().zip(&names).map(|(parameter, name)| match parameter.role {
        Role::Thread => quote!(thread),
        _ => quote!(#name),
    });
    let call = quote!(#path(#(#arguments),*));
    let call = match returns_other {
        _ if is_calm => call,
        true => into_result(call, returns),
        false => into_value(call, returns),
    };
    let uses_thread = parameters.iter().any(|p| p.role == Role::Thread);
    let thread = if uses_thread || (!is_calm && !returns_other && returns != Returns::Value) {
        quote!(thread)
    } else {
        quote!(_thread)
    };
    Ok(quote!(#name: Some(|#thread, #(#forwarded),*| { #check #call })))
}

/// Whether a parameter is an `&Obj<Self>`, with `Self` by either name.
fn takes_self(input: &FnArg, class: &Type) -> bool {
    let FnArg::Typed(typed) = input else { return true };
    let Type::Reference(reference) = &*typed.ty else { return false };
    let Type::Path(path) = &*reference.elem else { return false };
    let Some(last) = path.path.segments.last().filter(|segment| segment.ident == "Obj") else { return false };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) => {
            let inner = inner.to_token_stream().to_string();
            inner == "Self" || inner == class.to_token_stream().to_string()
        }
        _ => false,
    }
}

fn require_receiver<'s>(
    shim: &'s Shim,
    role: Role,
    function: &Signature,
    name: &str,
) -> Result<&'s Parameter> {
    let message = format!("this needs `{name}` as its first parameter, or second after `thread`");
    shim.receiver().filter(|p| p.role == role).ok_or_else(|| Error::new_spanned(&function.ident, message))
}

/// The items that make `#[new]`'s function `tp_new`, and its entry in the table of methods.
pub(crate) fn new_items(
    shim: &Shim,
    function: &Signature,
    class: &Type,
) -> Result<(TokenStream, TokenStream)> {
    let receiver = require_receiver(shim, Role::Class, function, "cls: &Obj<PyType>")?;
    let name = quote!(<#class as __o::PyClass>::NAME);
    let signature = shim.signature_item(&name, &quote!(Some(#name)), None);
    let as_ref = (receiver.shape == Shape::Ref).then(|| quote!(let cls = cls.get();));
    let arguments = shim.bind_arguments()?;
    let call = shim.call_into_value();
    let keywordless = shim.signature.takes_no_keywords();
    let drop_keywords = keywordless.then(|| quote!(let args = __o::new_args::<#class>(cls, args);));
    let items = quote! {
        #signature
        fn tp_new(
            thread: &mut __o::Thread, cls: &__o::Obj<__o::PyType>, args: __o::Args<'_>,
        ) -> __o::PyResult<__o::Value> {
            #drop_keywords #as_ref #arguments #call
        }
    };
    let entry = quote! {
        __o::MethodDef {
            name: "__new__",
            kind: __o::MethodKind::New,
            function: |thread, args| __o::call_new::<#class>(thread, args, tp_new),
            quick: None,
            signature: &SIGNATURE,
            doc: "Create and return a new object.  See help(type) for accurate signature.",
        }
    };
    Ok((items, entry))
}

/// The field of `Slots` for `#[init]` or `#[call]`.
pub(crate) fn bound_slot(shim: &Shim, function: &Signature, class: &Type, slot: &str) -> Result<TokenStream> {
    let receiver = require_receiver(shim, Role::This, function, "this: &Obj<Self>")?;
    let check = (receiver.shape == Shape::Reference).then(
        || quote_spanned!(proc_macro2::Span::call_site()=> let this = __o::slot_receiver::<#class>(this)?;),
    );
    let class_name = quote!(<#class as __o::PyClass>::NAME);
    let (signature, result, call) = if slot == "tp_init" {
        (
            shim.signature_item(&class_name, &quote!(Some(#class_name)), None),
            quote!(()),
            shim.call_into_result(),
        )
    } else {
        let owner = quote!(Some(#class_name));
        let signature = shim.signature_item(&quote!("__call__"), &owner, Some("$self"));
        (signature, quote!(__o::Value), shim.call_into_value())
    };
    let arguments = shim.bind_arguments()?;
    let keywordless = slot == "tp_init" && shim.signature.takes_no_keywords();
    let drop_keywords = keywordless.then(|| quote!(let args = __o::init_args::<#class>(this, args);));
    let slot = format_ident!("{}", slot);
    Ok(quote! {
        #slot: Some({
            #signature
            fn shim(thread: &mut __o::Thread, this: __o::Ref<'_>, args: __o::Args<'_>) -> __o::PyResult<#result> {
                #drop_keywords #check #arguments #call
            }
            shim
        })
    })
}
