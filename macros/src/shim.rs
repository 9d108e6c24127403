//! The code between the uniform `NativeFn` and a native function: receiver, arguments, call, result.
//!
//! Every shim is `{ bind receiver; bind arguments; into_py(function(…), thread) }`. Conversions are bound to `let`s before
//! the call since they need `thread` too. Inside a shim `SIGNATURE` is the static beside it and `__o` is `orochi_objects`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Error, LitStr, Path, Result};

use crate::attributes::{Also, Markers};
use crate::function::{Parameter, Returns, Role, Shape, parameters, returns};
use crate::signature::{DeclaredSignature, Default, Param, ParamKind};

/// A function together with how Python calls it.
pub(crate) struct Shim {
    /// The Python name.
    pub(crate) name: String,
    pub(crate) signature: DeclaredSignature,
    text: Option<String>,
    doc: String,
    /// The path of the Rust function.
    path: TokenStream,
    /// The path of its quick way.
    quick: Option<Path>,
    parameters: Vec<Parameter>,
    returns: Returns,
}

impl Shim {
    pub(crate) fn new(function: &syn::Signature, markers: Markers, path: TokenStream) -> Result<Self> {
        let parameters = parameters(function)?;
        let signature = match markers.signature {
            Some(signature) => {
                check_agreement(&signature, &parameters)?;
                signature
            }
            None => implied_signature(function, &parameters),
        };
        Ok(Self {
            name: markers.name.as_ref().map_or_else(|| function.ident.unraw().to_string(), LitStr::value),
            signature,
            text: markers.text,
            doc: markers.doc,
            path,
            quick: markers.quick,
            parameters,
            returns: returns(&function.output),
        })
    }

    /// The same function under another name.
    pub(crate) fn renamed(self, also: Also) -> Self {
        let Also { name, doc, text, .. } = also;
        Self { name, doc: doc.unwrap_or(self.doc), text: text.or(self.text), ..self }
    }

    /// The parameter that takes the object or class.
    pub(crate) fn receiver(&self) -> Option<&Parameter> {
        self.parameters.iter().find(|p| matches!(p.role, Role::This | Role::Class))
    }

    /// The static that describes the signature to the binder. `function` and `owner` are expressions.
    pub(crate) fn signature_item(
        &self,
        function: &TokenStream,
        owner: &TokenStream,
        lead: Option<&str>,
    ) -> TokenStream {
        let params = self.signature.params_tokens();
        let text = self.signature_text(lead);
        quote! {
            static SIGNATURE: __o::Signature = __o::Signature::new(#function, #owner, #params, #text);
        }
    }

    /// What `__text_signature__` is.
    pub(crate) fn signature_text(&self, lead: Option<&str>) -> String {
        self.text.clone().unwrap_or_else(|| self.signature.text(lead))
    }

    /// Binds `args` to the arguments; the receiver is not among them any more.
    pub(crate) fn bind_arguments(&self) -> Result<TokenStream> {
        let arguments: Vec<(Ident, &Parameter)> = self
            .parameters
            .iter()
            .enumerate()
            .filter(|(_, p)| p.role == Role::Argument)
            .map(|(index, p)| (format_ident!("a{}", index), p))
            .collect();
        if self.parameters.iter().any(|p| p.role == Role::Raw) {
            return Ok(TokenStream::new());
        }
        if arguments.is_empty() {
            return Ok(quote!(__o::exact_args::<0>(thread, &args, &SIGNATURE)?;));
        }
        let places = arguments.iter().zip(&self.signature.params).filter(|(_, p)| !p.kind.is_variadic());
        let names = places.map(|((name, _), _)| name);
        if self.signature.is_exact() {
            let conversions = arguments.iter().enumerate().map(|(index, (name, parameter))| {
                let convert = quote_spanned! {at(parameter.span)=>
                    __o::FromArg::from_arg(thread, #name, __o::ArgContext { signature: &SIGNATURE, index: #index })?
                };
                (parameter.shape != Shape::Ref).then(|| quote!(let #name = #convert;))
            });
            return Ok(quote! {
                let [#(#names),*] = __o::exact_args(thread, &args, &SIGNATURE)?;
                #(#conversions)*
            });
        }
        let mut conversions = TokenStream::new();
        let mut place = 0;
        for ((name, parameter), param) in arguments.iter().zip(&self.signature.params) {
            let convert = converted(name, parameter, param, place)?;
            place += usize::from(!param.kind.is_variadic());
            conversions.extend(convert.map(|convert| quote!(let #name = #convert;)));
        }
        // With nothing but `*args` or `**kwargs` no place is left, and the type of an empty pattern is spelled out.
        let params = &self.signature.params;
        let binding = if params.iter().all(|p| p.kind.is_variadic()) {
            quote!(__o::Signature::bind::<0>(&SIGNATURE, thread, &args)?;)
        } else if let Some((required, positional)) = self.signature.positional_bounds() {
            quote!(let [#(#names),*] = __o::bind_args(thread, &args, &SIGNATURE, #required, #positional)?;)
        } else {
            quote!(let [#(#names),*] = __o::Signature::bind(&SIGNATURE, thread, &args)?;)
        };
        Ok(quote!(#binding #conversions))
    }

    /// The call of the function with everything bound.
    pub(crate) fn call(&self) -> TokenStream {
        let path = &self.path;
        let arguments = self.parameters.iter().enumerate().map(|(index, parameter)| match parameter.role {
            Role::Thread => quote!(thread),
            Role::This => quote!(this),
            Role::Class => quote!(cls),
            Role::Raw => quote!(args),
            Role::Argument => {
                let name = format_ident!("a{}", index);
                quote!(#name)
            }
        });
        quote!(#path(#(#arguments),*))
    }

    /// The call, with its result turned into a `PyResult<Value>`.
    pub(crate) fn call_into_value(&self) -> TokenStream {
        into_value(self.call(), self.returns)
    }

    /// The call, with its result turned into a `PyResult` of whatever it returns.
    pub(crate) fn call_into_result(&self) -> TokenStream {
        into_result(self.call(), self.returns)
    }
}

pub(crate) fn into_value(call: TokenStream, returns: Returns) -> TokenStream {
    if returns == Returns::Value { call } else { quote!(__o::IntoPy::into_py(#call, thread)) }
}

pub(crate) fn into_result(call: TokenStream, returns: Returns) -> TokenStream {
    if returns == Returns::Plain { quote!(Ok(#call)) } else { call }
}

/// A span that reports errors at `span` but is generated code to lints.
fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// How a bound place becomes the parameter's value; `None` if it already is.
fn converted(
    name: &Ident,
    parameter: &Parameter,
    param: &Param,
    place: usize,
) -> Result<Option<TokenStream>> {
    let context = quote!(__o::ArgContext { signature: &SIGNATURE, index: #place });
    let span = at(parameter.span);
    let Some(default) = &param.default else {
        return Ok(Some(match param.kind {
            ParamKind::VarArgs => quote!(args.var_args(&SIGNATURE)),
            ParamKind::VarKwargs => quote!(args.var_kwargs(&SIGNATURE)),
            _ => quote_spanned!(span=> __o::required(thread, #name, #context)?),
        }));
    };
    if default.missing {
        return match parameter.shape {
            Shape::OptionOfRef => Ok(None),
            Shape::Option => Ok(Some(quote_spanned! {span=>
                match #name { Some(value) => Some(__o::FromArg::from_arg(thread, value, #context)?), None => None }
            })),
            _ => Err(Error::new(parameter.span, "an argument that may be <missing> is an `Option`")),
        };
    }
    let value = default_value(default, parameter, param.span)?;
    Ok(Some(quote_spanned!(span=> __o::optional(thread, #name, #context, || #value)?)))
}

/// The Rust value of a default that is written as in Python.
fn default_value(default: &Default, parameter: &Parameter, span: Span) -> Result<TokenStream> {
    let tokens = &default.tokens;
    let word = tokens.to_string();
    let is_none = word == "None";
    Ok(match parameter.shape {
        Shape::OptionOfRef => quote!(None),
        Shape::Option if is_none => quote!(None),
        Shape::Option => {
            let inner = boolean(&word).unwrap_or_else(|| tokens.clone());
            quote!(Some(#inner))
        }
        Shape::Ref | Shape::Value => {
            let constant = match word.as_str() {
                "None" => Some(quote!(NONE)),
                "True" => Some(quote!(TRUE)),
                "False" => Some(quote!(FALSE)),
                _ => None,
            };
            match (constant, parameter.shape) {
                (Some(constant), Shape::Ref) => quote!(__o::Ref::#constant),
                (Some(constant), _) => quote!(__o::Value::#constant),
                (None, Shape::Value) => tokens.clone(),
                (None, _) => {
                    return Err(Error::new(span, "a `Ref` with this default has to be an `Option<Ref>`"));
                }
            }
        }
        _ if is_none => return Err(Error::new(span, "a parameter that may be None has to be an `Option`")),
        // `x=0` for a float.
        Shape::Float if word.parse::<u64>().is_ok() => {
            let literal = proc_macro2::Literal::f64_unsuffixed(word.parse().unwrap_or(0.0));
            quote!(#literal)
        }
        _ => boolean(&word).unwrap_or_else(|| tokens.clone()),
    })
}

fn boolean(word: &str) -> Option<TokenStream> {
    match word {
        "True" => Some(quote!(true)),
        "False" => Some(quote!(false)),
        _ => None,
    }
}

/// Without `#[signature]`: everything required and positional-only.
fn implied_signature(function: &syn::Signature, parameters: &[Parameter]) -> DeclaredSignature {
    let param = |name: &str, span, kind| Param { name: name.to_owned(), span, kind, default: None };
    let mut params = Vec::new();
    for parameter in parameters {
        match parameter.role {
            Role::Raw => {
                params.push(param("args", parameter.span, ParamKind::VarArgs));
                params.push(param("kwargs", parameter.span, ParamKind::VarKwargs));
            }
            Role::Argument => {
                let kind = match parameter.shape {
                    Shape::ArgSlice => ParamKind::VarArgs,
                    Shape::KwArgs => ParamKind::VarKwargs,
                    _ => ParamKind::PositionalOnly,
                };
                params.push(param(parameter.name.trim_matches('_'), parameter.span, kind));
            }
            _ => {}
        }
    }
    DeclaredSignature { params, span: function.ident.span() }
}

/// The signature has to name the function's parameters in their order; with `Args` it only informs.
fn check_agreement(signature: &DeclaredSignature, parameters: &[Parameter]) -> Result<()> {
    if parameters.iter().any(|p| p.role == Role::Raw) {
        return Ok(());
    }
    let arguments: Vec<&Parameter> = parameters.iter().filter(|p| p.role == Role::Argument).collect();
    for (param, argument) in signature.params.iter().zip(&arguments) {
        if param.name.trim_matches('_') != argument.name.trim_matches('_') {
            let message = format!("the function's parameter in this place is `{}`", argument.name);
            return Err(Error::new(param.span, message));
        }
        let variadic = match argument.shape {
            Shape::ArgSlice => Some(ParamKind::VarArgs),
            Shape::KwArgs => Some(ParamKind::VarKwargs),
            _ => None,
        };
        if variadic != param.kind.is_variadic().then_some(param.kind) {
            let message = "`*name` is an `ArgSlice` and `**name` a `KwArgs`, and the other way round";
            return Err(Error::new(param.span, message));
        }
    }
    if let Some(extra) = signature.params.get(arguments.len()) {
        return Err(Error::new(extra.span, "the function has no parameter for this"));
    }
    match arguments.get(signature.params.len()) {
        Some(extra) => Err(Error::new(extra.span, format!("`{}` is missing in #[signature]", extra.name))),
        None => Ok(()),
    }
}

/// Binds `this` or `cls` from the first argument and leaves the others in `args`.
fn bind_receiver(receiver: Option<&Parameter>, class: &TokenStream) -> TokenStream {
    let bind = match receiver {
        None => return TokenStream::new(),
        Some(Parameter { role: Role::Class, shape: Shape::Ref, .. }) => quote!(let cls = args.this();),
        Some(Parameter { role: Role::Class, .. }) => quote!(let cls = __o::type_receiver(args.this())?;),
        Some(Parameter { shape: Shape::Ref, .. }) => {
            quote!(let this = __o::receiver_ref::<#class>(thread, args.this(), &SIGNATURE)?;)
        }
        Some(_) => {
            return quote! {
                let (this, args) = args.split();
                let this = __o::receiver::<#class>(thread, this, &SIGNATURE)?;
            };
        }
    };
    quote! { #bind let args = args.rest(); }
}

/// A block of type `MethodDef` for a function, method, class method or static method.
pub(crate) fn method_def(
    shim: &Shim,
    kind: &Ident,
    class: &TokenStream,
    lead: Option<&str>,
) -> Result<TokenStream> {
    let Shim { name, doc, path, .. } = shim;
    let is_method = kind != "Function";
    let owner = if is_method { quote!(Some(<#class as __o::PyClass>::NAME)) } else { quote!(None) };
    let signature = shim.signature_item(&quote!(#name), &owner, lead);
    let is_native_already = shim.receiver().is_none()
        && shim.returns == Returns::Value
        && matches!(
            shim.parameters.as_slice(),
            [Parameter { role: Role::Thread, .. }, Parameter { role: Role::Raw, .. }]
        );
    let (item, function) = if is_native_already {
        (TokenStream::new(), quote!(#path))
    } else {
        let receiver = bind_receiver(shim.receiver(), class);
        let arguments = shim.bind_arguments()?;
        let call = shim.call_into_value();
        let item = quote! {
            fn shim(thread: &mut __o::Thread, args: __o::Args<'_>) -> __o::PyResult<__o::Value> {
                #receiver #arguments #call
            }
        };
        (item, quote!(shim))
    };
    let quick = match &shim.quick {
        Some(quick) => quote!(Some(#quick)),
        None => quote!(None),
    };
    Ok(quote! {{
        #signature
        #item
        __o::MethodDef {
            name: #name, kind: __o::MethodKind::#kind, function: #function, quick: #quick, signature: &SIGNATURE, doc: #doc,
        }
    }})
}
