//! The marker attributes below `#[pyfunction]` and inside `#[pymethods]`: read, checked and taken off the function.
//!
//! Markers are inert: they mean nothing to rustc, so whichever macro reads the function has to remove them. What
//! isn't a marker (cfg, lints, docs, other macros) stays on the function; `cfg` is copied to the table entry too.

use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Result};

use crate::signature::DeclaredSignature;

/// What a function is for Python.
#[derive(Clone)]
pub(crate) enum Kind {
    Method,
    ClassMethod,
    StaticMethod,
    New,
    Init,
    Call,
    Getter,
    /// A getter whose descriptor is a `member_descriptor`.
    Member,
    Setter,
    /// The slot's name where it isn't the function's.
    Slot(Option<Ident>),
}

/// `#[also(name = "…", doc = "…", text_signature = "…")]`: the method has another name, under which it may show otherwise.
pub(crate) struct Also {
    pub(crate) span: Span,
    pub(crate) name: String,
    pub(crate) doc: Option<String>,
    pub(crate) text: Option<String>,
}

impl Also {
    fn read(attribute: &Attribute) -> Result<Self> {
        let span = attribute.span();
        let (mut name, mut doc, mut text) = (None, None, None);
        attribute.parse_nested_meta(|option| {
            let Some(place) = [("name", &mut name), ("doc", &mut doc), ("text_signature", &mut text)]
                .into_iter()
                .find_map(|(key, place)| option.path.is_ident(key).then_some(place))
            else {
                return Err(option.error("the options are `name`, `doc` and `text_signature`"));
            };
            *place = Some(option.value()?.parse::<LitStr>()?.value());
            Ok(())
        })?;
        let name = name.ok_or_else(|| Error::new(span, "`name = …` is missing"))?;
        Ok(Self { span, name, doc, text })
    }
}

/// The markers of one function.
pub(crate) struct Markers {
    pub(crate) kind: Option<(Kind, Span)>,
    pub(crate) name: Option<LitStr>,
    pub(crate) also: Option<Also>,
    pub(crate) signature: Option<DeclaredSignature>,
    /// `Some("")` hides the text.
    pub(crate) text: Option<String>,
    /// The path of the quick way.
    pub(crate) quick: Option<Path>,
    pub(crate) doc: String,
    pub(crate) cfgs: Vec<Attribute>,
}

impl Markers {
    /// Takes the markers out of `attributes`.
    pub(crate) fn take(attributes: &mut Vec<Attribute>) -> Result<Self> {
        let doc = documentation(attributes);
        let cfgs = attributes.iter().filter(|a| a.path().is_ident("cfg")).cloned().collect();
        let mut markers =
            Self { kind: None, name: None, also: None, signature: None, text: None, quick: None, doc, cfgs };
        let mut kept = Vec::with_capacity(attributes.len());
        for attribute in attributes.drain(..) {
            if !markers.read(&attribute)? {
                kept.push(attribute);
            }
        }
        *attributes = kept;
        Ok(markers)
    }

    /// Reads one attribute; false if it isn't a marker.
    fn read(&mut self, attribute: &Attribute) -> Result<bool> {
        let Some(ident) = attribute.path().get_ident() else { return Ok(false) };
        match ident.to_string().as_str() {
            "name" => self.name = Some(string_value(attribute)?),
            "also" => self.also = Some(Also::read(attribute)?),
            "signature" => {
                let list = attribute.meta.require_list()?;
                self.signature = Some(DeclaredSignature::parse(list.tokens.clone(), ident.span())?);
            }
            "quick" => self.quick = Some(attribute.parse_args::<Path>()?),
            "text_signature" => self.text = Some(string_value(attribute)?.value()),
            "no_text_signature" => {
                attribute.meta.require_path_only()?;
                self.text = Some(String::new());
            }
            name => {
                let Some(kind) = kind_of(name, attribute)? else { return Ok(false) };
                if self.kind.is_some() {
                    return Err(Error::new(
                        attribute.span(),
                        "a function is only one of these: see the marker before",
                    ));
                }
                self.kind = Some((kind, ident.span()));
            }
        }
        Ok(true)
    }

    /// Refuses `#[also(…)]` on what isn't a method.
    pub(crate) fn refuse_also(&self) -> Result<()> {
        match &self.also {
            Some(also) => Err(Error::new(also.span, "only methods have a second name")),
            None => Ok(()),
        }
    }

    /// Refuses markers that make no sense where `place` stands.
    pub(crate) fn refuse_signature(&self, place: &str) -> Result<()> {
        match &self.signature {
            Some(signature) => Err(Error::new(signature.span, format!("{place} has no #[signature]"))),
            None => Ok(()),
        }
    }
}

fn kind_of(name: &str, attribute: &Attribute) -> Result<Option<Kind>> {
    let kind = match name {
        "new" => Kind::New,
        "init" => Kind::Init,
        "call" => Kind::Call,
        "classmethod" => Kind::ClassMethod,
        "staticmethod" => Kind::StaticMethod,
        "getter" => Kind::Getter,
        "member" => Kind::Member,
        "setter" => Kind::Setter,
        "slot" => {
            let slot = match &attribute.meta {
                Meta::Path(_) => None,
                meta => Some(meta.require_list()?.parse_args::<Ident>()?),
            };
            return Ok(Some(Kind::Slot(slot)));
        }
        _ => return Ok(None),
    };
    attribute.meta.require_path_only()?;
    Ok(Some(kind))
}

fn string_value(attribute: &Attribute) -> Result<LitStr> {
    match &attribute.meta.require_name_value()?.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.clone()),
        other => Err(Error::new_spanned(other, "a string literal is expected")),
    }
}

/// The text of the doc comments, each line without the space that follows the slashes.
pub(crate) fn documentation(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("doc")) {
        if let Ok(text) = string_value(attribute) {
            for line in text.value().split('\n') {
                lines.push(line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned());
            }
        }
    }
    lines.join("\n").trim_matches('\n').to_owned()
}

/// Refuses options on a macro that takes none.
pub(crate) fn no_options(options: &TokenStream, name: &str) -> Result<()> {
    if options.is_empty() {
        Ok(())
    } else {
        Err(Error::new_spanned(options, format!("#[{name}] has no options")))
    }
}
