//! A native function as it is written: parsed as far as its signature, with a role for every parameter.
//!
//! Roles follow from names (`thread`, `this`, `cls`) and, for `Args`, `ArgSlice` and `KwArgs`, from the type's last path
//! segment; a macro sees nothing else. A body stays a token tree, since parsing bodies would be most of the cost.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, FnArg, GenericArgument, GenericParam, Ident, Pat, PathArguments, Result, ReturnType,
    Signature, Type, Visibility,
};

use crate::attributes::{Markers, no_options};
use crate::shim::{Shim, method_def};

/// A function with its body unparsed.
pub(crate) struct NativeFunction {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    body: TokenTree,
}

impl Parse for NativeFunction {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        Self::parse_rest(input, attributes, visibility)
    }
}

impl NativeFunction {
    /// Parses from the signature on.
    pub(crate) fn parse_rest(
        input: ParseStream<'_>,
        attributes: Vec<Attribute>,
        visibility: Visibility,
    ) -> Result<Self> {
        let signature = input.parse()?;
        if !input.peek(syn::token::Brace) {
            return Err(input.error("a native function needs a body"));
        }
        Ok(Self { attributes, visibility, signature, body: input.parse()? })
    }

    /// Refuses what a shim can't call.
    pub(crate) fn check(&self) -> Result<()> {
        let signature = &self.signature;
        if let Some(token) = &signature.asyncness {
            return Err(Error::new(token.span(), "a native function can't be async"));
        }
        if let Some(token) = &signature.unsafety {
            return Err(Error::new(token.span(), "a native function is safe to call"));
        }
        if let Some(parameter) =
            signature.generics.params.iter().find(|p| !matches!(p, GenericParam::Lifetime(_)))
        {
            return Err(Error::new(
                parameter.span(),
                "a native function can't be generic: Python has one of each name",
            ));
        }
        Ok(())
    }
}

impl ToTokens for NativeFunction {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for attribute in &self.attributes {
            attribute.to_tokens(tokens);
        }
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

/// What a parameter is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Thread,
    /// `&self` or `this`.
    This,
    Class,
    /// `Args`: everything, unparsed.
    Raw,
    Argument,
}

/// What is known of a parameter's type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Reference,
    Ref,
    Value,
    Float,
    OptionOfRef,
    Option,
    Args,
    ArgSlice,
    KwArgs,
    Other,
}

pub(crate) struct Parameter {
    pub(crate) role: Role,
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// Where errors about this parameter's type are reported.
    pub(crate) span: Span,
}

/// Gives every parameter its role.
pub(crate) fn parameters(signature: &Signature) -> Result<Vec<Parameter>> {
    let mut parameters = Vec::with_capacity(signature.inputs.len());
    for input in &signature.inputs {
        parameters.push(parameter(input)?);
    }
    if parameters.iter().any(|p| p.role == Role::Raw)
        && let Some(argument) = parameters.iter().find(|p| p.role == Role::Argument)
    {
        return Err(Error::new(argument.span, "`Args` takes all arguments: there can be no other parameter"));
    }
    for (index, parameter) in parameters.iter().enumerate() {
        let twice = parameters[..index].iter().any(|p| p.role == parameter.role);
        if twice && parameter.role != Role::Argument {
            return Err(Error::new(parameter.span, "this parameter is there twice"));
        }
        if index > 1 && matches!(parameter.role, Role::This | Role::Class) {
            return Err(Error::new(parameter.span, "the receiver comes first, or second after `thread`"));
        }
    }
    Ok(parameters)
}

fn parameter(input: &FnArg) -> Result<Parameter> {
    let typed = match input {
        FnArg::Receiver(receiver) => {
            if receiver.reference.is_none() || receiver.mutability.is_some() || receiver.colon_token.is_some()
            {
                return Err(Error::new(
                    receiver.span(),
                    "objects are shared: take `this: &Obj<Self>` or `&self`",
                ));
            }
            let name = "self".to_owned();
            return Ok(Parameter { role: Role::This, name, shape: Shape::Reference, span: receiver.span() });
        }
        FnArg::Typed(typed) => typed,
    };
    let span = typed.ty.span();
    let shape = shape(&typed.ty);
    let name = match &*typed.pat {
        Pat::Ident(ident) => ident.ident.unraw().to_string(),
        Pat::Wild(_) => "_".to_owned(),
        pattern => return Err(Error::new(pattern.span(), "a parameter has to be a plain name")),
    };
    let role = match name.as_str() {
        "thread" | "_thread" => Role::Thread,
        "this" | "_this" => Role::This,
        "cls" | "_cls" => Role::Class,
        _ if shape == Shape::Args => Role::Raw,
        _ => Role::Argument,
    };
    if matches!(role, Role::This | Role::Class) && !matches!(shape, Shape::Reference | Shape::Ref) {
        return Err(Error::new(span, "a receiver is a `&Obj<…>` or a `Ref`"));
    }
    Ok(Parameter { role, name, shape, span })
}

fn shape(ty: &Type) -> Shape {
    let path = match ty {
        Type::Reference(_) => return Shape::Reference,
        Type::Path(path) => path,
        Type::Group(group) => return shape(&group.elem),
        Type::Paren(paren) => return shape(&paren.elem),
        _ => return Shape::Other,
    };
    let Some(last) = path.path.segments.last() else { return Shape::Other };
    match last.ident.to_string().as_str() {
        "Ref" => Shape::Ref,
        "Value" => Shape::Value,
        "f64" | "f32" => Shape::Float,
        "Args" => Shape::Args,
        "ArgSlice" => Shape::ArgSlice,
        "KwArgs" => Shape::KwArgs,
        "Option" => match first_type_argument(&last.arguments) {
            Some(inner) if shape(inner) == Shape::Ref => Shape::OptionOfRef,
            _ => Shape::Option,
        },
        _ => Shape::Other,
    }
}

fn first_type_argument(arguments: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// What a function returns, as far as shims care.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Returns {
    /// `PyResult` or `PyResult<Value>`: nothing to convert.
    Value,
    /// Another `Result`.
    Result,
    Plain,
}

pub(crate) fn returns(output: &ReturnType) -> Returns {
    let ReturnType::Type(_, ty) = output else { return Returns::Plain };
    let Type::Path(path) = &**ty else { return Returns::Plain };
    let Some(last) = path.path.segments.last() else { return Returns::Plain };
    match last.ident.to_string().as_str() {
        "PyResult" => match first_type_argument(&last.arguments) {
            None => Returns::Value,
            Some(inner) if shape(inner) == Shape::Value => Returns::Value,
            Some(_) => Returns::Result,
        },
        "Result" => Returns::Result,
        _ => Returns::Plain,
    }
}

/// The name of the table entry of the function `name`.
pub(crate) fn definition_name(name: &Ident) -> Ident {
    format_ident!("__def_{}", name.unraw(), span = Span::call_site())
}

/// Expands `#[pyfunction]`.
pub(crate) fn expand_pyfunction(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    no_options(&options, "pyfunction")?;
    let mut function: NativeFunction = syn::parse2(item)?;
    function.check()?;
    let markers = Markers::take(&mut function.attributes)?;
    markers.refuse_also()?;
    if let Some((_, span)) = markers.kind {
        return Err(Error::new(span, "this marker belongs into #[pymethods]"));
    }
    let cfgs = markers.cfgs.clone();
    let name = &function.signature.ident;
    let shim = Shim::new(&function.signature, markers, quote!(#name))?;
    if let Some(receiver) = shim.receiver() {
        return Err(Error::new(receiver.span, "a module's function has no receiver"));
    }
    let definition = method_def(&shim, &format_ident!("Function"), &quote!(_), Some("$module"))?;
    let definition_name = definition_name(name);
    Ok(quote! {
        #[allow(clippy::too_many_arguments, reason = "Python decides what its functions take")]
        #function
        #(#cfgs)*
        #[allow(non_upper_case_globals, reason = "named after the function")]
        pub(crate) static #definition_name: ::orochi_objects::MethodDef = {
            use ::orochi_objects as __o;
            #definition
        };
    })
}
