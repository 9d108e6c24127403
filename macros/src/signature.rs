//! `#[signature(x, /, start=0, *, key=None)]`: how a native function is called from Python.
//!
//! Parsed from raw tokens, since neither Rust's nor syn's grammar knows `/` and `*` in this place. A default has two
//! faces, the Rust expression that makes the value and the text that `inspect.signature` shows. Python's rules about
//! the order of parameters hold from here on: what is accepted here is a valid signature.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Error, Lit, Result};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum ParamKind {
    PositionalOnly,
    PositionalOrKeyword,
    VarArgs,
    KeywordOnly,
    VarKwargs,
}

impl ParamKind {
    pub(crate) fn is_variadic(self) -> bool {
        matches!(self, Self::VarArgs | Self::VarKwargs)
    }
}

pub(crate) struct Default {
    /// The Rust expression, still as written (`None`, `True`, `0` …).
    pub(crate) tokens: TokenStream,
    /// What Python sees.
    pub(crate) text: String,
    /// `<missing>`: the function is told that the argument isn't there.
    pub(crate) missing: bool,
}

pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) kind: ParamKind,
    pub(crate) default: Option<Default>,
}

/// The parameters in order, without the receiver.
pub(crate) struct DeclaredSignature {
    pub(crate) params: Vec<Param>,
    pub(crate) span: Span,
}

impl DeclaredSignature {
    pub(crate) fn parse(tokens: TokenStream, span: Span) -> Result<Self> {
        let mut parser = Parser { params: Vec::new(), slash: false, star: None };
        for item in split_at_commas(tokens) {
            parser.item(&item, span)?;
        }
        let params = parser.finish()?;
        Ok(Self { params, span })
    }

    /// Whether no argument can be given by name.
    pub(crate) fn takes_no_keywords(&self) -> bool {
        self.params.iter().all(|p| matches!(p.kind, ParamKind::PositionalOnly | ParamKind::VarArgs))
    }

    /// Nothing but required positional-only parameters: no binding is needed.
    pub(crate) fn is_exact(&self) -> bool {
        self.params.iter().all(|p| p.kind == ParamKind::PositionalOnly && p.default.is_none())
    }

    /// How many arguments must and may be given by position, if a call without keywords can be bound by counting:
    /// nothing is collected, and nothing must be given by name.
    pub(crate) fn positional_bounds(&self) -> Option<(usize, usize)> {
        let is_positional = |p: &&Param| p.kind <= ParamKind::PositionalOrKeyword;
        let needs_more =
            |p: &Param| p.kind.is_variadic() || p.kind == ParamKind::KeywordOnly && p.default.is_none();
        if self.params.iter().any(needs_more) {
            return None;
        }
        let positional = self.params.iter().filter(is_positional);
        Some((positional.clone().filter(|p| p.default.is_none()).count(), positional.count()))
    }

    /// `__text_signature__`, beginning with `lead` (`$self`, `$type`, `$module`).
    pub(crate) fn text(&self, lead: Option<&str>) -> String {
        let mut items: Vec<String> = lead.map(str::to_owned).into_iter().collect();
        let last_positional = self.params.iter().rposition(|p| p.kind == ParamKind::PositionalOnly);
        if lead.is_some() && last_positional.is_none() {
            items.push("/".to_owned());
        }
        let mut starred = false;
        for (index, param) in self.params.iter().enumerate() {
            match param.kind {
                ParamKind::VarArgs => {
                    starred = true;
                    items.push(format!("*{}", param.name));
                    continue;
                }
                ParamKind::VarKwargs => {
                    items.push(format!("**{}", param.name));
                    continue;
                }
                ParamKind::KeywordOnly if !starred => {
                    starred = true;
                    items.push("*".to_owned());
                }
                _ => {}
            }
            match &param.default {
                Some(default) => items.push(format!("{}={}", param.name, default.text)),
                None => items.push(param.name.clone()),
            }
            if Some(index) == last_positional {
                items.push("/".to_owned());
            }
        }
        format!("({})", items.join(", "))
    }

    /// The value of `Signature::params`.
    pub(crate) fn params_tokens(&self) -> TokenStream {
        let params = self.params.iter().map(|param| {
            let name = &param.name;
            let kind = match param.kind {
                ParamKind::PositionalOnly => format_ident!("PositionalOnly"),
                ParamKind::PositionalOrKeyword => format_ident!("PositionalOrKeyword"),
                ParamKind::VarArgs => format_ident!("VarArgs"),
                ParamKind::KeywordOnly => format_ident!("KeywordOnly"),
                ParamKind::VarKwargs => format_ident!("VarKwargs"),
            };
            let required = param.default.is_none() && !param.kind.is_variadic();
            quote!(__o::Param { name: #name, kind: __o::ParamKind::#kind, required: #required })
        });
        quote!(&[#(#params),*])
    }
}

struct Parser {
    params: Vec<Param>,
    slash: bool,
    /// Where `*` or `*args` was, and whether it was bare with nothing after it yet.
    star: Option<(Span, bool)>,
}

impl Parser {
    fn item(&mut self, item: &[TokenTree], outer: Span) -> Result<()> {
        let Some(first) = item.first() else {
            return Err(Error::new(outer, "a parameter is missing between two commas"));
        };
        if self.params.last().is_some_and(|p| p.kind == ParamKind::VarKwargs) {
            return Err(Error::new(first.span(), "nothing may follow a ** parameter"));
        }
        match item {
            [TokenTree::Punct(p)] if p.as_char() == '/' => self.slash(p.span()),
            [TokenTree::Punct(p)] if p.as_char() == '*' => self.star(p.span(), true),
            [TokenTree::Punct(p), TokenTree::Ident(name)] if p.as_char() == '*' => {
                self.star(p.span(), false)?;
                self.push(name, ParamKind::VarArgs, None)
            }
            [TokenTree::Punct(p), TokenTree::Punct(q), TokenTree::Ident(name)]
                if p.as_char() == '*' && q.as_char() == '*' =>
            {
                self.push(name, ParamKind::VarKwargs, None)
            }
            [TokenTree::Ident(name)] => self.plain(name, None),
            [TokenTree::Ident(name), TokenTree::Punct(p), default @ ..] if p.as_char() == '=' => {
                let default = parse_default(default, p.span())?;
                self.plain(name, Some(default))
            }
            _ => Err(Error::new(
                first.span(),
                "expected `name`, `name=default`, `/`, `*`, `*name` or `**name`",
            )),
        }
    }

    fn slash(&mut self, span: Span) -> Result<()> {
        if self.slash || self.star.is_some() || self.params.is_empty() {
            return Err(Error::new(span, "`/` stands once, after a parameter and before `*`"));
        }
        self.slash = true;
        for param in &mut self.params {
            param.kind = ParamKind::PositionalOnly;
        }
        Ok(())
    }

    fn star(&mut self, span: Span, bare: bool) -> Result<()> {
        if self.star.replace((span, bare)).is_some() {
            return Err(Error::new(span, "only one `*` is possible"));
        }
        Ok(())
    }

    fn plain(&mut self, name: &Ident, default: Option<Default>) -> Result<()> {
        if let Some((_, bare)) = &mut self.star {
            *bare = false;
            return self.push(name, ParamKind::KeywordOnly, default);
        }
        if default.is_none() && self.params.iter().any(|p| p.default.is_some()) {
            return Err(Error::new(name.span(), "a parameter without a default follows one that has one"));
        }
        self.push(name, ParamKind::PositionalOrKeyword, default)
    }

    fn push(&mut self, ident: &Ident, kind: ParamKind, default: Option<Default>) -> Result<()> {
        let name = ident.unraw().to_string();
        if self.params.iter().any(|p| p.name == name) {
            return Err(Error::new(ident.span(), format!("parameter `{name}` is there twice")));
        }
        self.params.push(Param { name, span: ident.span(), kind, default });
        Ok(())
    }

    fn finish(self) -> Result<Vec<Param>> {
        match self.star {
            Some((span, true)) => Err(Error::new(span, "a named parameter has to follow a bare `*`")),
            _ => Ok(self.params),
        }
    }
}

/// Splits at the commas outside all groups; a comma at the end is allowed.
fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut items = vec![Vec::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(p) if p.as_char() == ',' => items.push(Vec::new()),
            _ => {
                if let Some(item) = items.last_mut() {
                    item.push(token);
                }
            }
        }
    }
    if items.last().is_some_and(Vec::is_empty) {
        items.pop();
    }
    items
}

fn parse_default(tokens: &[TokenTree], equals: Span) -> Result<Default> {
    match tokens {
        [] => Err(Error::new(equals, "a default is missing")),
        [TokenTree::Punct(open), TokenTree::Ident(name), TokenTree::Punct(close)]
            if open.as_char() == '<' && close.as_char() == '>' =>
        {
            if name != "missing" {
                return Err(Error::new(name.span(), "only <missing> is known here"));
            }
            Ok(Default { tokens: quote!(None), text: "<unrepresentable>".to_owned(), missing: true })
        }
        [expression @ .., TokenTree::Ident(as_), TokenTree::Literal(text)]
            if as_ == "as" && !expression.is_empty() && text.to_string().starts_with('"') =>
        {
            let text: syn::LitStr = syn::parse2(text.to_token_stream())?;
            Ok(Default { text: text.value(), ..parse_default(expression, equals)? })
        }
        _ => {
            let text = python_text(tokens).unwrap_or_else(|| "<unrepresentable>".to_owned());
            Ok(Default { tokens: tokens.iter().cloned().collect(), text, missing: false })
        }
    }
}

/// The Python spelling of a literal; `None` for any other expression.
fn python_text(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [TokenTree::Ident(name)] => match name.to_string().as_str() {
            "None" => Some("None".to_owned()),
            "True" | "true" => Some("True".to_owned()),
            "False" | "false" => Some("False".to_owned()),
            _ => None,
        },
        [TokenTree::Punct(minus), TokenTree::Literal(number)] if minus.as_char() == '-' => {
            Some(format!("-{}", literal_text(Lit::new(number.clone()))?))
        }
        [TokenTree::Literal(literal)] => literal_text(Lit::new(literal.clone())),
        [TokenTree::Group(group)] if group.stream().is_empty() => match group.delimiter() {
            Delimiter::Parenthesis => Some("()".to_owned()),
            Delimiter::Bracket => Some("[]".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn literal_text(literal: Lit) -> Option<String> {
    match literal {
        Lit::Int(number) => Some(number.base10_digits().to_owned()),
        Lit::Float(number) => Some(number.base10_digits().to_owned()),
        Lit::Str(text) => Some(python_string("", text.value().chars().map(u32::from))),
        Lit::ByteStr(bytes) => Some(python_string("b", bytes.value().into_iter().map(u32::from))),
        _ => None,
    }
}

/// `repr` of a str, or of bytes (prefix `b`).
fn python_string(prefix: &str, characters: impl Iterator<Item = u32> + Clone) -> String {
    let has = |c: char| characters.clone().any(|code| code == u32::from(c));
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    let mut text = format!("{prefix}{quote}");
    for code in characters {
        match char::from_u32(code) {
            Some('\n') => text.push_str("\\n"),
            Some('\r') => text.push_str("\\r"),
            Some('\t') => text.push_str("\\t"),
            Some('\\') => text.push_str("\\\\"),
            Some(c) if c == quote => text.extend(['\\', c]),
            Some(c) if code < 0x20 || code == 0x7f || (!prefix.is_empty() && !c.is_ascii()) => {
                text.push_str(&format!("\\x{code:02x}"));
            }
            Some(c) => text.push(c),
            None => text.push_str("\\ufffd"),
        }
    }
    text.push(quote);
    text
}
