//! A recognizer of statements that stops at the first error with CPython's message.
//!
//! It follows the `invalid_…` rules of CPython 3.14's grammar: what is checked where, and in which order. It accepts
//! some wrong programs (what it does not know, the caller reports as "invalid syntax" where the parser stopped), but
//! should reject no right one.

use super::tokens::{Kind, Token, Trouble};
use crate::error::ErrorKind;

/// What an expression is, for messages and as a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Name,
    Attribute,
    Subscript,
    Starred,
    List,
    Tuple,
    Lambda,
    Call,
    Operation,
    Generator,
    Yield,
    Await,
    ListComp,
    SetComp,
    DictComp,
    Dict,
    Set,
    FString,
    TString,
    Literal,
    True,
    False,
    None,
    Ellipsis,
    Comparison,
    Conditional,
    Named,
}

impl What {
    pub(super) fn name(self) -> &'static str {
        match self {
            What::Name => "name",
            What::Attribute => "attribute",
            What::Subscript => "subscript",
            What::Starred => "starred",
            What::List => "list",
            What::Tuple => "tuple",
            What::Lambda => "lambda",
            What::Call => "function call",
            What::Operation => "expression",
            What::Generator => "generator expression",
            What::Yield => "yield expression",
            What::Await => "await expression",
            What::ListComp => "list comprehension",
            What::SetComp => "set comprehension",
            What::DictComp => "dict comprehension",
            What::Dict => "dict literal",
            What::Set => "set display",
            What::FString => "f-string expression",
            What::TString => "t-string expression",
            What::Literal => "literal",
            What::True => "True",
            What::False => "False",
            What::None => "None",
            What::Ellipsis => "ellipsis",
            What::Comparison => "comparison",
            What::Conditional => "conditional expression",
            What::Named => "named expression",
        }
    }
}

/// A recognized expression.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) what: What,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Items of tuples and lists, the value of a star, the left side of an `in` comparison.
    pub(super) parts: Vec<Node>,
    /// The range with its parentheses.
    pub(super) open: usize,
    pub(super) close: usize,
    /// In parentheses of its own.
    pub(super) grouped: bool,
    /// Binds at least as tightly as `|` (a bitwise_or of the grammar).
    pub(super) tight: bool,
}

pub(super) type Step<T = ()> = Result<T, Box<Trouble>>;

pub(super) struct Grammar<'s> {
    pub(super) source: &'s str,
    pub(super) tokens: &'s [Token],
    /// The tokenizer's error, after the last token.
    pub(super) trouble: Option<Box<Trouble>>,
    pub(super) at: usize,
    /// The furthest token that has been looked at.
    pub(super) furthest: usize,
    pub(super) depth: u32,
    /// The error that a token raised in an attempt.
    pub(super) fatal: Option<Box<Trouble>>,
    /// Directly in the arguments of a class, where no generator expression may stand alone.
    pub(super) in_class_arguments: bool,
    /// Where the last statement begins that is complete.
    pub(super) last_statement: Option<usize>,
    /// Where escapes are that mean nothing, and the warnings of them.
    pub(super) doubtful: Vec<(usize, String)>,
}

const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

const AUGMENTED: [&str; 13] =
    ["+=", "-=", "*=", "/=", "//=", "%=", "@=", "&=", "|=", "^=", ">>=", "<<=", "**="];

pub(super) fn is_keyword(text: &str) -> bool {
    KEYWORDS.contains(&text)
}

impl<'s> Grammar<'s> {
    // ---- tokens ----

    pub(super) fn token_at(&self, index: usize) -> Option<Token> {
        self.tokens.get(index).copied()
    }

    /// The current token.
    pub(super) fn token(&mut self) -> Step<Token> {
        if let Some(fatal) = self.fatal.clone() {
            return Err(fatal);
        }
        self.furthest = self.furthest.max(self.at);
        match self.token_at(self.at) {
            Some(token) => Ok(token),
            None => match self.trouble.clone() {
                Some(trouble) => Err(trouble),
                None => Err(self.generic()),
            },
        }
    }

    pub(super) fn text_of(&self, token: Token) -> &'s str {
        match token.kind {
            Kind::Name | Kind::Op => self.source.get(token.start..token.end).unwrap_or_default(),
            _ => "",
        }
    }

    pub(super) fn text(&mut self) -> Step<&'s str> {
        let token = self.token()?;
        Ok(self.text_of(token))
    }

    pub(super) fn kind(&mut self) -> Step<Kind> {
        Ok(self.token()?.kind)
    }

    pub(super) fn is(&mut self, text: &str) -> Step<bool> {
        Ok(self.text()? == text)
    }

    /// The text of the token after the current one, if it has been read without error.
    pub(super) fn peek(&self, ahead: usize) -> &'s str {
        self.token_at(self.at + ahead).map_or("", |token| self.text_of(token))
    }

    pub(super) fn eat(&mut self, text: &str) -> Step<bool> {
        let found = self.is(text)?;
        if found {
            self.at += 1;
        }
        Ok(found)
    }

    pub(super) fn expect(&mut self, text: &str) -> Step {
        if self.eat(text)? { Ok(()) } else { Err(self.generic()) }
    }

    /// Expects a token that the grammar forces: "expected ':'".
    pub(super) fn force(&mut self, text: &str) -> Step {
        if self.eat(text)? {
            return Ok(());
        }
        let token = self.token()?;
        Err(Trouble::new(format!("expected '{text}'"), token.start, token.end))
    }

    pub(super) fn previous_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.token_at(at)).map_or(0, |token| token.end)
    }

    /// "invalid syntax" at the furthest token.
    pub(super) fn generic(&self) -> Box<Trouble> {
        let index = self.furthest.max(self.at).min(self.tokens.len().saturating_sub(1));
        let Some(token) = self.token_at(index) else { return Trouble::new("invalid syntax", 0, 0) };
        let mut trouble = Trouble::new("invalid syntax", token.start, token.end);
        trouble.generic = true;
        match token.kind {
            Kind::Indent => {
                trouble.message = "unexpected indent".into();
                trouble.kind = ErrorKind::Indentation;
                // CPython points to the end of the indentation.
                let rest = &self.source[token.start..];
                let width = (rest.len() - rest.trim_start_matches([' ', '\t', '\x0c']).len()).max(1);
                (trouble.start, trouble.end) = (token.start + width - 1, token.start + width - 1);
                trouble.end_offset = Some(-1);
            }
            Kind::Dedent => {
                trouble.message = "unexpected unindent".into();
                trouble.kind = ErrorKind::Indentation;
            }
            Kind::End => trouble.incomplete = true,
            _ => {}
        }
        trouble
    }

    pub(super) fn fail<T>(&self, message: impl Into<String>, start: usize, end: usize) -> Step<T> {
        Err(Trouble::new(message, start, end))
    }

    pub(super) fn fail_at<T>(&self, message: impl Into<String>, node: &Node) -> Step<T> {
        self.fail(message, node.start, node.end)
    }

    /// An error at the current token.
    pub(super) fn fail_here<T>(&mut self, message: impl Into<String>) -> Step<T> {
        let token = self.token()?;
        self.fail(message, token.start, token.end)
    }

    /// Tries `f`; if it fails, nothing has happened.
    pub(super) fn attempt<T>(&mut self, f: impl FnOnce(&mut Self) -> Step<T>) -> Option<T> {
        let (at, furthest) = (self.at, self.furthest);
        match f(self) {
            Ok(value) => Some(value),
            Err(trouble) => {
                (self.at, self.furthest) = (at, furthest);
                if self.is_tokenizers(&trouble) {
                    self.fatal = Some(trouble);
                }
                None
            }
        }
    }

    /// As `attempt`, but goes back in any case.
    pub(super) fn probe<T>(&mut self, f: impl FnOnce(&mut Self) -> Step<T>) -> Option<T> {
        let (at, furthest) = (self.at, self.furthest);
        let result = self.attempt(f);
        (self.at, self.furthest) = (at, furthest);
        result
    }

    /// An error of the tokenizer: nothing that is tried afterwards can succeed.
    fn is_tokenizers(&self, trouble: &Trouble) -> bool {
        let same = |known: &Trouble| known.start == trouble.start && known.message == trouble.message;
        self.trouble.as_deref().is_some_and(same)
    }

    pub(super) fn name(&mut self) -> Step<Token> {
        let token = self.token()?;
        if token.kind == Kind::Name && !is_keyword(self.text_of(token)) {
            self.at += 1;
            return Ok(token);
        }
        Err(self.generic())
    }

    // ---- statements ----

    /// A whole module.
    pub(super) fn module(&mut self) -> Step {
        while self.kind()? != Kind::End {
            self.statement()?;
        }
        Ok(())
    }

    /// A single expression.
    pub(super) fn eval_input(&mut self) -> Step {
        self.star_expressions(false)?;
        while self.kind()? == Kind::Newline {
            self.at += 1;
        }
        if self.kind()? == Kind::End { Ok(()) } else { Err(self.generic()) }
    }

    pub(super) fn statement(&mut self) -> Step {
        self.depth += 1;
        if self.depth > 90 {
            return Err(self.generic());
        }
        let start = self.token().map(|token| token.start);
        let result = self.statement_kind();
        self.depth -= 1;
        if result.is_ok() {
            self.last_statement = start.ok().or(self.last_statement);
        }
        result
    }

    fn statement_kind(&mut self) -> Step {
        let text = self.text()?;
        match text {
            "if" => self.if_statement("if"),
            "while" => self.while_statement(),
            "for" => self.for_statement(),
            "try" => self.try_statement(),
            "with" => self.with_statement(),
            "def" => self.function(),
            "class" => self.class(),
            "async" => {
                self.at += 1;
                match self.text()? {
                    "def" => self.function(),
                    "with" => self.with_statement(),
                    "for" => self.for_statement(),
                    _ => Err(self.generic()),
                }
            }
            "@" => self.decorated(),
            "match" if self.soft_statement() => self.match_statement(),
            _ => self.simple_line(),
        }
    }

    fn decorated(&mut self) -> Step {
        while self.eat("@")? {
            self.named_expression(false)?;
            if self.kind()? != Kind::Newline {
                return Err(self.generic());
            }
            self.at += 1;
        }
        match self.text()? {
            "def" => self.function(),
            "class" => self.class(),
            "async" if self.peek(1) == "def" => {
                self.at += 1;
                self.function()
            }
            _ => Err(self.generic()),
        }
    }

    /// Whether `match` here begins a statement: a subject and a colon (or the end of the line) follow.
    fn soft_statement(&mut self) -> bool {
        let (at, furthest) = (self.at, self.furthest);
        self.at += 1;
        let subject = self.star_named_expressions();
        let found = subject.is_ok()
            && (matches!(self.is(":"), Ok(true)) || matches!(self.kind(), Ok(Kind::Newline)))
            && self.token_at(at + 1).is_some_and(|token| token.kind != Kind::Newline);
        let colon = matches!(self.is(":"), Ok(true));
        // `match (x)` and `match [x]` at the end of a line are a call and a subscript.
        let after = self.token_at(at + 1).map_or("", |token| self.text_of(token));
        let ambiguous = matches!(after, "(" | "[" | "-" | "+" | "*" | "." | "=" | "," | ";");
        let body = colon
            && self.token_at(self.at + 1).is_some_and(|token| token.kind == Kind::Newline)
            && self.token_at(self.at + 2).is_none_or(|token| token.kind != Kind::End);
        (self.at, self.furthest) = (at, furthest);
        found && (if colon { body } else { !ambiguous })
    }

    pub(super) fn simple_line(&mut self) -> Step {
        loop {
            self.simple_statement()?;
            if self.eat(";")? {
                if self.kind()? == Kind::Newline {
                    break;
                }
                continue;
            }
            break;
        }
        if self.kind()? != Kind::Newline {
            return Err(self.generic());
        }
        self.at += 1;
        Ok(())
    }

    fn simple_statement(&mut self) -> Step {
        match self.text()? {
            word @ ("pass" | "break" | "continue") => {
                self.at += 1;
                self.statement_in_expression(word)
            }
            "return" => {
                self.at += 1;
                self.optional_expressions()
            }
            "raise" => self.raise(),
            "global" | "nonlocal" => {
                self.at += 1;
                loop {
                    self.name()?;
                    if !self.eat(",")? {
                        return Ok(());
                    }
                }
            }
            "del" => self.delete(),
            "assert" => self.assert(),
            "import" => self.import(),
            "from" => self.import_from(),
            "type" if self.type_alias_follows() => self.type_alias(),
            _ => self.expression_statement(),
        }
    }

    /// `pass if x else y`
    pub(super) fn statement_in_expression(&mut self, word: &str) -> Step {
        if self.is("if")? {
            let start = self.token_at(self.at - 1).map_or(0, |token| token.start);
            let end = self.previous_end();
            let found = self.attempt(|this| {
                this.expect("if")?;
                this.disjunction()?;
                this.expect("else")?;
                this.simple_statement()
            });
            if found.is_some() && word != "return" {
                return self.fail("expected expression before 'if', but statement is given", start, end);
            }
        }
        Ok(())
    }

    fn ends_statement(&mut self) -> Step<bool> {
        let token = self.token()?;
        Ok(token.kind == Kind::Newline || self.text_of(token) == ";")
    }

    fn optional_expressions(&mut self) -> Step {
        if !self.ends_statement()? {
            self.star_expressions(false)?;
        }
        Ok(())
    }

    fn raise(&mut self) -> Step {
        self.at += 1;
        if self.ends_statement()? {
            return Ok(());
        }
        self.expression()?;
        if self.eat("from")? {
            self.expression()?;
        }
        Ok(())
    }

    fn assert(&mut self) -> Step {
        self.at += 1;
        self.expression()?;
        if self.eat(",")? {
            self.expression()?;
        }
        Ok(())
    }

    fn delete(&mut self) -> Step {
        self.at += 1;
        let targets = self.star_expressions(false)?;
        if let Some(bad) = invalid_target(&targets, false, true) {
            return self.fail_at(format!("cannot delete {}", bad.what.name()), bad);
        }
        if !self.ends_statement()? {
            return Err(self.generic());
        }
        Ok(())
    }

    // ---- imports ----

    fn dotted_name(&mut self) -> Step {
        self.name()?;
        while self.eat(".")? {
            self.name()?;
        }
        Ok(())
    }

    fn import(&mut self) -> Step {
        self.at += 1;
        if self.kind()? == Kind::Newline {
            let token = self.token()?;
            return self.fail("Expected one or more names after 'import'", token.start, token.start);
        }
        loop {
            self.dotted_name()?;
            if self.eat("as")? {
                self.import_target(false)?;
            }
            if self.eat(",")? {
                continue;
            }
            break;
        }
        if self.is("from")? {
            let found = self.attempt(|this| {
                this.at += 1;
                this.dotted_name()
            });
            if found.is_some() {
                let start = self.statement_start();
                return self.fail(
                    "Did you mean to use 'from ... import ...' instead?",
                    start,
                    self.tokens[self.at - 1].end,
                );
            }
        }
        Ok(())
    }

    /// The start of the token that begins the current statement.
    fn statement_start(&self) -> usize {
        let mut index = self.at.min(self.tokens.len().saturating_sub(1));
        while index > 0
            && self.tokens[index - 1].kind != Kind::Newline
            && self.text_of(self.tokens[index - 1]) != ";"
        {
            index -= 1;
            if matches!(self.tokens[index].kind, Kind::Indent | Kind::Dedent) {
                index += 1;
                break;
            }
        }
        self.tokens[index].start
    }

    fn import_target(&mut self, in_parentheses: bool) -> Step {
        let _ = in_parentheses;
        let token = self.token()?;
        let is_name = token.kind == Kind::Name && !is_keyword(self.text_of(token));
        let follows = self.peek(1);
        let next_kind = self.token_at(self.at + 1).map(|token| token.kind);
        let simple = matches!(follows, "," | ")" | ";") || next_kind == Some(Kind::Newline);
        if is_name && simple {
            self.at += 1;
            return Ok(());
        }
        let node = self.attempt(Self::expression);
        match node {
            Some(node) if node.what != What::Name => {
                self.fail_at(format!("cannot use {} as import target", node.what.name()), &node)
            }
            _ => Err(self.generic()),
        }
    }

    fn import_from(&mut self) -> Step {
        self.at += 1;
        let mut dots = false;
        while matches!(self.text()?, "." | "...") {
            dots = true;
            self.at += 1;
        }
        if !(dots && self.is("import")?) {
            self.dotted_name()?;
        }
        self.expect("import")?;
        if self.eat("*")? {
            return Ok(());
        }
        if self.kind()? == Kind::Newline {
            let token = self.token()?;
            return self.fail("Expected one or more names after 'import'", token.start, token.start);
        }
        let parenthesized = self.eat("(")?;
        loop {
            if parenthesized && self.is(")")? {
                break;
            }
            self.name()?;
            if self.eat("as")? {
                self.import_target(parenthesized)?;
            }
            if !self.eat(",")? {
                break;
            }
            if !parenthesized && self.kind()? == Kind::Newline {
                return self.fail_here("trailing comma not allowed without surrounding parentheses");
            }
        }
        if parenthesized {
            self.expect(")")?;
        }
        Ok(())
    }

    // ---- type aliases and parameters ----

    fn type_alias_follows(&mut self) -> bool {
        let name = self.token_at(self.at + 1);
        name.is_some_and(|token| token.kind == Kind::Name && !is_keyword(self.text_of(token)))
            && matches!(self.peek(2), "=" | "[")
    }

    fn type_alias(&mut self) -> Step {
        self.at += 1;
        self.name()?;
        self.type_params()?;
        self.expect("=")?;
        self.expression()?;
        Ok(())
    }

    pub(super) fn type_params(&mut self) -> Step {
        if !self.is("[")? {
            return Ok(());
        }
        self.at += 1;
        if self.is("]")? {
            let token = self.token()?;
            return self.fail("Type parameter list cannot be empty", token.start, token.start);
        }
        while !self.is("]")? {
            let star = self.text()?;
            let kind = match star {
                "*" => Some("TypeVarTuple"),
                "**" => Some("ParamSpec"),
                _ => None,
            };
            if kind.is_some() {
                self.at += 1;
            }
            self.name()?;
            if self.is(":")? {
                let colon = self.token()?;
                self.at += 1;
                let bound = self.expression()?;
                if let Some(kind) = kind {
                    let word = if bound.what == What::Tuple { "constraints" } else { "bound" };
                    return self.fail(format!("cannot use {word} with {kind}"), colon.start, bound.end);
                }
            }
            if self.eat("=")? {
                if star == "*" {
                    self.star_expression()?;
                } else {
                    self.expression()?;
                }
            }
            if !self.eat(",")? {
                break;
            }
        }
        self.expect("]")
    }

    // ---- expression statements ----

    fn expression_statement(&mut self) -> Step {
        let first = self.star_expressions(true)?;
        match self.text()? {
            ":" => return self.annotation(&first),
            "=" => return self.assignment(first),
            operator if AUGMENTED.contains(&operator) => {
                if !matches!(first.what, What::Name | What::Attribute | What::Subscript) {
                    let found = self.attempt(|this| {
                        this.at += 1;
                        this.star_expressions(false)
                    });
                    if found.is_some() {
                        let name = first.what.name();
                        return self.fail_at(
                            format!("'{name}' is an illegal expression for augmented assignment"),
                            &first,
                        );
                    }
                    return Err(self.generic());
                }
                self.at += 1;
                self.star_expressions(false)?;
            }
            _ => {}
        }
        if !self.ends_statement()? {
            return Err(self.generic());
        }
        Ok(())
    }

    fn annotation(&mut self, target: &Node) -> Step {
        let valid = matches!(target.what, What::Name | What::Attribute | What::Subscript);
        if !valid {
            let found = self.attempt(|this| {
                this.at += 1;
                this.expression()
            });
            if found.is_none() {
                return Err(self.generic());
            }
            return match target.what {
                What::List => self.fail_at("only single target (not list) can be annotated", target),
                What::Tuple => {
                    let first = if target.grouped { target } else { target.parts.first().unwrap_or(target) };
                    self.fail_at("only single target (not tuple) can be annotated", first)
                }
                _ => self.fail_at("illegal target for annotation", target),
            };
        }
        self.at += 1;
        self.expression()?;
        if self.eat("=")? {
            self.star_expressions(false)?;
        }
        if !self.ends_statement()? {
            return Err(self.generic());
        }
        Ok(())
    }

    fn assignment(&mut self, first: Node) -> Step {
        let mut target = first;
        while self.is("=")? {
            if target.what == What::Yield && !target.grouped {
                return self.fail_at("assignment to yield expression not possible", &target);
            }
            if let Some(bad) = invalid_target(&target, false, false) {
                return self.fail_at(format!("cannot assign to {}", bad.what.name()), bad);
            }
            self.at += 1;
            target = self.star_expressions(true)?;
        }
        if self.is(":")? || AUGMENTED.contains(&self.text()?) {
            return Err(self.generic());
        }
        if !self.ends_statement()? {
            return Err(self.generic());
        }
        Ok(())
    }
}

/// The part of an expression that cannot be a target. `for_target`: of a for loop, where `in` ends it.
pub(super) fn invalid_target(node: &Node, for_target: bool, delete: bool) -> Option<&Node> {
    match node.what {
        What::Name | What::Attribute | What::Subscript => None,
        What::List | What::Tuple => {
            node.parts.iter().find_map(|part| invalid_target(part, for_target, delete))
        }
        What::Starred if delete => Some(node),
        What::Starred => node.parts.first().and_then(|part| invalid_target(part, for_target, delete)),
        What::Comparison if for_target && !node.parts.is_empty() => {
            node.parts.first().and_then(|part| invalid_target(part, for_target, delete))
        }
        _ => Some(node),
    }
}
