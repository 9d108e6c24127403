//! The recognizer of expressions; see [`super::grammar`].

use super::grammar::{Grammar, Node, Step, What, is_keyword};
use super::tokens::{Kind, Token, Trouble};
use crate::literal::{self, DoubtfulEscape};

impl Node {
    fn new(what: What, start: usize, end: usize) -> Node {
        Node { what, start, end, open: start, close: end, parts: Vec::new(), grouped: false, tight: true }
    }

    fn loose(what: What, start: usize, end: usize) -> Node {
        Node { tight: false, ..Node::new(what, start, end) }
    }
}

const COMPARISONS: [&str; 7] = ["==", "!=", "<", "<=", ">", ">=", "<>"];

impl<'s> Grammar<'s> {
    fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        self.depth += 1;
        if self.depth > 400 {
            return Err(self.generic());
        }
        let result = f(self);
        self.depth -= 1;
        result
    }

    fn begins_expression(&mut self) -> Step<bool> {
        let token = self.token()?;
        let text = self.text_of(token);
        Ok(match token.kind {
            Kind::Name => {
                !is_keyword(text)
                    || matches!(text, "True" | "False" | "None" | "not" | "lambda" | "await" | "yield")
            }
            Kind::Number | Kind::Str | Kind::FStart => true,
            Kind::Op => matches!(text, "(" | "[" | "{" | "-" | "+" | "~" | "..." | "*" | "**"),
            _ => false,
        })
    }

    /// star_expressions, with a `yield` as well. `statement`: an assignment may follow.
    pub(super) fn star_expressions(&mut self, statement: bool) -> Step<Node> {
        if self.is("yield")? {
            return self.yield_expression();
        }
        let first = self.star_element(statement)?;
        if !self.is(",")? {
            return Ok(first);
        }
        let start = first.start;
        let mut parts = vec![first];
        while self.eat(",")? {
            if !self.begins_expression()? || self.is("**")? || self.is("yield")? {
                break;
            }
            parts.push(self.star_element(statement)?);
        }
        let end = self.previous_end();
        Ok(Node { parts, ..Node::loose(What::Tuple, start, end) })
    }

    fn star_element(&mut self, statement: bool) -> Step<Node> {
        if self.is("*")? {
            return self.starred();
        }
        if statement { self.named_expression(true) } else { self.expression() }
    }

    fn starred(&mut self) -> Step<Node> {
        let start = self.token()?.start;
        self.at += 1;
        let value = self.bitwise_or()?;
        let end = value.end;
        Ok(Node { parts: vec![value], ..Node::loose(What::Starred, start, end) })
    }

    pub(super) fn star_expression(&mut self) -> Step<Node> {
        if self.is("*")? { self.starred() } else { self.expression() }
    }

    pub(super) fn expression_or_star(&mut self) -> Step<Node> {
        if self.is("*")? { self.starred() } else { self.bitwise_or() }
    }

    /// Targets of `for`: what could be targets, up to `in`.
    pub(super) fn star_targets(&mut self) -> Step<Node> {
        let first = self.expression_or_star()?;
        if !self.is(",")? {
            return Ok(first);
        }
        let start = first.start;
        let mut parts = vec![first];
        while self.eat(",")? {
            if !self.begins_expression()? {
                break;
            }
            parts.push(self.expression_or_star()?);
        }
        let end = self.previous_end();
        Ok(Node { parts, ..Node::loose(What::Tuple, start, end) })
    }

    pub(super) fn star_named_expressions(&mut self) -> Step<Node> {
        let first = self.star_named_expression()?;
        if !self.is(",")? {
            return Ok(first);
        }
        let start = first.start;
        let mut parts = vec![first];
        while self.eat(",")? {
            if !self.begins_expression()? {
                break;
            }
            parts.push(self.star_named_expression()?);
        }
        let end = self.previous_end();
        Ok(Node { parts, ..Node::loose(What::Tuple, start, end) })
    }

    fn star_named_expression(&mut self) -> Step<Node> {
        if self.is("*")? { self.starred() } else { self.named_expression(false) }
    }

    fn yield_expression(&mut self) -> Step<Node> {
        let start = self.token()?.start;
        self.at += 1;
        if self.eat("from")? {
            self.expression()?;
        } else if self.begins_expression()? {
            self.star_expressions(false)?;
        }
        Ok(Node::loose(What::Yield, start, self.previous_end()))
    }

    /// A named expression. `statement`: at the start of a statement, where a name may be assigned to.
    pub(super) fn named_expression(&mut self, statement: bool) -> Step<Node> {
        let node = self.expression()?;
        if self.is(":=")? {
            if node.what != What::Name || node.grouped {
                let found = self.attempt(|this| {
                    this.at += 1;
                    this.expression()
                });
                if found.is_some() {
                    let message = format!("cannot use assignment expressions with {}", node.what.name());
                    return self.fail_at(message, &node);
                }
                return Err(self.generic());
            }
            if statement {
                return Err(self.generic_at_current());
            }
            self.at += 1;
            let value = self.expression()?;
            return Ok(Node::loose(What::Named, node.start, value.end));
        }
        if self.is("=")? {
            self.named_equals(&node, statement)?;
        }
        Ok(node)
    }

    fn generic_at_current(&mut self) -> Box<Trouble> {
        self.furthest = self.furthest.max(self.at);
        self.generic()
    }

    /// The rule invalid_named_expression about `=` where an expression stands.
    pub(super) fn named_equals(&mut self, node: &Node, statement: bool) -> Step {
        let simple = node.what == What::Name && !node.grouped;
        if statement && matches!(node.what, What::Name | What::Attribute | What::Subscript) {
            return Ok(());
        }
        let value = self.probe(|this| {
            this.at += 1;
            let value = this.bitwise_or()?;
            if this.is("=")? || this.is(":=")? {
                return Err(this.generic());
            }
            Ok(value)
        });
        let Some(value) = value else { return Ok(()) };
        if simple {
            let message = "invalid syntax. Maybe you meant '==' or ':=' instead of '='?";
            return self.fail(message, node.start, value.end);
        }
        let excluded = matches!(
            node.what,
            What::List | What::Tuple | What::Generator | What::True | What::False | What::None
        );
        if !excluded && node.tight {
            let name = node.what.name();
            let message = format!("cannot assign to {name} here. Maybe you meant '==' instead of '='?");
            return self.fail_at(message, node);
        }
        Ok(())
    }

    pub(super) fn expression(&mut self) -> Step<Node> {
        self.deeper(Self::expression_inner)
    }

    fn expression_inner(&mut self) -> Step<Node> {
        let first_index = self.at;
        if matches!(self.text()?, "pass" | "break" | "continue") && self.peek(1) == "if" {
            let token = self.token()?;
            self.at += 1;
            let word = self.text_of(token);
            self.statement_in_expression(word)?;
            self.at = first_index;
        }
        if self.is("lambda")? {
            return self.lambda();
        }
        let node = self.disjunction()?;
        self.forgotten_comma(first_index, &node)?;
        if !self.is("if")? {
            return Ok(node);
        }
        // A filter of a comprehension looks the same; the caller decides by the `else`.
        let if_index = self.at;
        self.at += 1;
        let test = self.disjunction()?;
        self.forgotten_comma(if_index + 1, &test)?;
        if !self.is("else")? {
            if self.is(":")? {
                return Err(self.generic());
            }
            return self.fail("expected 'else' after 'if' expression", node.start, test.end);
        }
        self.at += 1;
        if !self.begins_expression()? || matches!(self.text()?, "pass" | "break" | "continue") {
            return self.fail_here("expected expression after 'else', but statement is given");
        }
        let other = self.expression()?;
        Ok(Node::loose(What::Conditional, node.open, other.close))
    }

    /// "Perhaps you forgot a comma?": an expression follows an expression, in brackets.
    fn forgotten_comma(&mut self, first_index: usize, node: &Node) -> Step {
        let token = self.token()?;
        let text = self.text_of(token);
        let starts = match token.kind {
            Kind::Name => {
                !is_keyword(text) || matches!(text, "True" | "False" | "None" | "lambda" | "await" | "not")
            }
            Kind::Number | Kind::Str | Kind::FStart => true,
            Kind::Op => matches!(text, "{" | "~" | "..."),
            _ => false,
        };
        if !starts {
            return Ok(());
        }
        if text == "lambda" && self.peek(1) == ":" && token.level == 0 {
            return Ok(());
        }
        let first = self.token_at(first_index).unwrap_or(token);
        let first_text = self.text_of(first);
        self.string_around(first_index)?;
        if matches!(first_text, "print" | "exec") && node.what == What::Name {
            let here = self.at;
            self.at = first_index + 1;
            if let Some(arguments) = self.attempt(|this| this.star_expressions(false)) {
                let message =
                    format!("Missing parentheses in call to '{first_text}'. Did you mean {first_text}(...)?");
                return self.fail(message, node.start, arguments.end);
            }
            self.at = here;
            return Ok(());
        }
        let name_then_string = first.kind == Kind::Name
            && !is_keyword(first_text)
            && self.token_at(first_index + 1).is_some_and(|next| next.kind == Kind::Str);
        if name_then_string || matches!(first_text, "match" | "case" | "type" | "_") {
            return Ok(());
        }
        let follows = self.probe(|this| {
            let value = this.disjunction()?;
            let level = this.token_at(this.at - 1).map_or(0, |token| token.level);
            Ok((value, level))
        });
        let Some((value, level)) = follows else {
            return Ok(());
        };
        if level == 0 {
            return self.after_name(node);
        }
        self.fail("invalid syntax. Perhaps you forgot a comma?", node.start, value.end)
    }

    /// After a lone name CPython looks for the argument of a `print` statement, and finds the errors in that.
    fn after_name(&mut self, node: &Node) -> Step {
        if node.what != What::Name {
            return Ok(());
        }
        let (at, furthest) = (self.at, self.furthest);
        let result = self.star_expressions(false);
        (self.at, self.furthest) = (at, furthest);
        match result {
            Err(trouble) if !trouble.generic => Err(trouble),
            _ => Ok(()),
        }
    }

    /// `"a "b" c"`: strings around something that is no string.
    fn string_around(&mut self, first_index: usize) -> Step {
        let Some(first) = self.token_at(first_index).filter(|token| token.kind == Kind::Str) else {
            return Ok(());
        };
        if self.at != first_index + 1 {
            return Ok(());
        }
        let found = self.attempt(|this| {
            let start = this.at;
            while this.kind()? != Kind::Str {
                this.disjunction_before_string()?;
            }
            if this.at == start {
                return Err(this.generic());
            }
            this.token()
        });
        match found {
            Some(last) => {
                self.fail("invalid syntax. Is this intended to be part of the string?", first.start, last.end)
            }
            None => Ok(()),
        }
    }

    fn disjunction_before_string(&mut self) -> Step {
        let token = self.token()?;
        let value = matches!(token.kind, Kind::Name | Kind::Number) && !is_keyword(self.text_of(token));
        if !value {
            return Err(self.generic());
        }
        self.at += 1;
        Ok(())
    }

    fn lambda(&mut self) -> Step<Node> {
        let start = self.token()?.start;
        self.at += 1;
        self.parameters(":")?;
        self.force(":")?;
        let body = self.expression()?;
        Ok(Node::loose(What::Lambda, start, body.end))
    }

    // ---- operators ----

    pub(super) fn disjunction(&mut self) -> Step<Node> {
        let first = self.conjunction()?;
        let (start, mut end, mut any) = (first.open, first.close, false);
        while self.eat("or")? {
            end = self.conjunction()?.close;
            any = true;
        }
        Ok(if any { Node::loose(What::Operation, start, end) } else { first })
    }

    fn conjunction(&mut self) -> Step<Node> {
        let first = self.inversion()?;
        let (start, mut end, mut any) = (first.open, first.close, false);
        while self.eat("and")? {
            end = self.inversion()?.close;
            any = true;
        }
        Ok(if any { Node::loose(What::Operation, start, end) } else { first })
    }

    fn inversion(&mut self) -> Step<Node> {
        if self.is("not")? {
            let start = self.token()?.start;
            self.at += 1;
            let value = self.deeper(Self::inversion)?;
            return Ok(Node::loose(What::Operation, start, value.close));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Step<Node> {
        let first = self.bitwise_or()?;
        let start = first.open;
        let mut end = first.close;
        let mut any = false;
        let mut parts = Vec::new();
        loop {
            let text = self.text()?;
            if COMPARISONS.contains(&text) {
                if text == "<>" {
                    let token = self.token()?;
                    let message = "invalid syntax.  Maybe you meant '!=' instead of '<>'?";
                    return self.fail(message, token.start, token.end);
                }
                self.at += 1;
            } else if text == "in" {
                if !any {
                    parts = vec![first.clone()];
                }
                self.at += 1;
            } else if text == "not" && self.peek(1) == "in" {
                self.at += 2;
            } else if text == "is" {
                self.at += 1;
                self.eat("not")?;
            } else {
                break;
            }
            self.after_operator()?;
            end = self.bitwise_or()?.close;
            any = true;
        }
        Ok(if any { Node { parts, ..Node::loose(What::Comparison, start, end) } } else { first })
    }

    /// `a + not b`
    fn after_operator(&mut self) -> Step {
        if self.is("not")? {
            let token = self.token()?;
            let found = self.attempt(Self::inversion);
            if found.is_some() {
                return self.fail(
                    "'not' after an operator must be parenthesized",
                    token.start,
                    self.previous_end(),
                );
            }
        }
        Ok(())
    }

    pub(super) fn bitwise_or(&mut self) -> Step<Node> {
        self.binary(0)
    }

    fn binary(&mut self, level: usize) -> Step<Node> {
        const LEVELS: [&[&str]; 6] =
            [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "//", "%", "@"]];
        let Some(operators) = LEVELS.get(level) else { return self.factor() };
        let first = self.binary(level + 1)?;
        let (start, mut end, mut any) = (first.open, first.close, false);
        while operators.contains(&self.text()?) {
            self.at += 1;
            self.after_operator()?;
            end = self.binary(level + 1)?.close;
            any = true;
        }
        Ok(if any { Node::new(What::Operation, start, end) } else { first })
    }

    fn factor(&mut self) -> Step<Node> {
        if matches!(self.text()?, "+" | "-" | "~") {
            let start = self.token()?.start;
            self.at += 1;
            self.after_operator()?;
            let value = self.deeper(Self::factor)?;
            return Ok(Node::new(What::Operation, start, value.close));
        }
        let base = self.await_primary()?;
        if self.eat("**")? {
            self.after_operator()?;
            let power = self.deeper(Self::factor)?;
            return Ok(Node::new(What::Operation, base.open, power.close));
        }
        Ok(base)
    }

    fn await_primary(&mut self) -> Step<Node> {
        if self.is("await")? {
            let start = self.token()?.start;
            self.at += 1;
            let value = self.primary()?;
            return Ok(Node::new(What::Await, start, value.end));
        }
        self.primary()
    }

    fn primary(&mut self) -> Step<Node> {
        let mut node = self.deeper(Self::atom)?;
        loop {
            let start = node.open;
            match self.text()? {
                "." => {
                    self.at += 1;
                    let name = self.name()?;
                    node = Node::new(What::Attribute, start, name.end);
                }
                "(" => {
                    self.at += 1;
                    self.arguments()?;
                    self.expect(")")?;
                    node = Node::new(What::Call, start, self.previous_end());
                }
                "[" => {
                    self.at += 1;
                    self.slices()?;
                    self.expect("]")?;
                    node = Node::new(What::Subscript, start, self.previous_end());
                }
                _ => return Ok(node),
            }
        }
    }

    fn slices(&mut self) -> Step {
        loop {
            if self.is("*")? {
                self.at += 1;
                self.star_value()?;
            } else {
                self.slice()?;
            }
            if !self.eat(",")? || self.is("]")? {
                return Ok(());
            }
        }
    }

    /// The value of a star in arguments and subscripts.
    pub(super) fn star_value(&mut self) -> Step<Node> {
        self.expression().map_err(|mut trouble| {
            if trouble.generic {
                trouble.message = "Invalid star expression".into();
                trouble.generic = false;
            }
            trouble
        })
    }

    fn slice(&mut self) -> Step {
        if !self.is(":")? {
            self.named_expression(false)?;
        }
        for _ in 0..2 {
            if self.eat(":")? && !matches!(self.text()?, ":" | "," | "]") {
                self.expression()?;
            }
        }
        Ok(())
    }

    // ---- atoms ----

    fn atom(&mut self) -> Step<Node> {
        let token = self.token()?;
        let text = self.text_of(token);
        match token.kind {
            Kind::Name => {
                let what = match text {
                    "True" => What::True,
                    "False" => What::False,
                    "None" => What::None,
                    _ if is_keyword(text) => return Err(self.generic()),
                    _ => What::Name,
                };
                self.at += 1;
                Ok(Node::new(what, token.start, token.end))
            }
            Kind::Number => {
                self.at += 1;
                Ok(Node::new(What::Literal, token.start, token.end))
            }
            Kind::Str | Kind::FStart => self.strings(),
            Kind::Op => match text {
                "(" => self.parenthesized(),
                "[" => self.list(),
                "{" => self.braces(),
                "..." => {
                    self.at += 1;
                    Ok(Node::new(What::Ellipsis, token.start, token.end))
                }
                _ => Err(self.generic()),
            },
            _ => Err(self.generic()),
        }
    }

    fn strings(&mut self) -> Step<Node> {
        let first = self.token()?;
        let mut what = What::Literal;
        let (mut bytes, mut text, mut template) = (false, false, false);
        let mut end = first.end;
        loop {
            let token = self.token()?;
            match token.kind {
                Kind::Str => {
                    self.at += 1;
                    let literal = &self.source[token.start..token.end];
                    let prefix = literal.find(['"', '\'']).unwrap_or(0);
                    let is_bytes = literal[..prefix].contains(['b', 'B']);
                    if is_bytes && !literal.is_ascii() {
                        let message = "bytes can only contain ASCII literal characters";
                        return self.fail(message, token.start, token.end);
                    }
                    self.check_escapes(literal, is_bytes, token)?;
                    bytes |= is_bytes;
                    text |= !is_bytes;
                    end = token.end;
                }
                Kind::FStart => {
                    let is_template = self.source[token.start..token.end].contains(['t', 'T']);
                    template |= is_template;
                    text |= !is_template;
                    what = if is_template { What::TString } else { What::FString };
                    end = self.interpolated(is_template)?;
                }
                _ => break,
            }
        }
        if template && (text || bytes) {
            return self.fail("cannot mix t-string literals with string or bytes literals", first.start, end);
        }
        if bytes && text {
            return self.fail_here("cannot mix bytes and nonbytes literals");
        }
        Ok(Node::new(what, first.start, end))
    }

    /// Decodes a literal for the errors of its escapes.
    fn check_escapes(&mut self, text: &str, is_bytes: bool, token: Token) -> Step {
        let prefix = text.find(['"', '\'']).unwrap_or(0);
        let quote = if text[prefix..].len() >= 6
            && text[prefix + 1..].starts_with(&text[prefix..=prefix].repeat(2))
        {
            3
        } else {
            1
        };
        let body = text.get(prefix + quote..text.len().saturating_sub(quote)).unwrap_or_default();
        if text[..prefix].contains(['r', 'R']) || !body.contains('\\') {
            return Ok(());
        }
        let decoded = match is_bytes {
            true => literal::decode_bytes(body),
            false => literal::decode_str(body, false),
        };
        match decoded {
            Ok((_, doubtful)) => {
                self.note_doubtful(doubtful, token.start + prefix + quote);
                Ok(())
            }
            Err(message) => self.fail(message, token.start, token.end),
        }
    }

    fn note_doubtful(&mut self, escape: Option<DoubtfulEscape>, body: usize) {
        self.doubtful.extend(escape.map(|escape| (body + escape.offset, escape.message)));
    }

    /// An f-string or t-string; gives its end.
    fn interpolated(&mut self, template: bool) -> Step<usize> {
        let name = if template { "t-string" } else { "f-string" };
        let start = self.token()?;
        let raw = self.source[start.start..start.end].contains(['r', 'R']);
        self.at += 1;
        loop {
            let token = self.token()?;
            match token.kind {
                Kind::FMiddle => {
                    self.at += 1;
                    if !raw {
                        match literal::decode_str(&self.source[token.start..token.end], true) {
                            Ok((_, doubtful)) => self.note_doubtful(doubtful, token.start),
                            Err(message) => return self.fail(message, token.start, token.end),
                        }
                    }
                }
                Kind::FEnd => {
                    self.at += 1;
                    return Ok(token.end);
                }
                Kind::Op if self.text_of(token) == "{" => self.field(name)?,
                _ => return Err(self.generic()),
            }
        }
    }

    fn field(&mut self, name: &str) -> Step {
        self.at += 1;
        let first = self.token()?;
        let first_text = self.text_of(first);
        if matches!(first_text, "=" | "!" | ":" | "}") {
            let message = format!("{name}: valid expression required before '{first_text}'");
            return self.fail(message, first.start, first.end);
        }
        let lambda = first_text == "lambda";
        if !self.begins_expression()? {
            return self.fail_here(format!("{name}: expecting a valid expression after '{{'"));
        }
        if lambda {
            let found = self.attempt(|this| {
                this.at += 1;
                this.parameters(":")?;
                this.expect(":")?;
                let kind = this.kind()?;
                if kind == Kind::FMiddle || this.is("}")? { Ok(()) } else { Err(this.generic()) }
            });
            if found.is_some() {
                let message = format!("{name}: lambda expressions are not allowed without parentheses");
                return self.fail(message, first.start, self.previous_end());
            }
        }
        self.star_expressions(false)?;
        let debug = self.eat("=")?;
        match self.text()? {
            "}" => {
                self.at += 1;
                return Ok(());
            }
            "!" | ":" => {}
            _ => {
                let expected = if debug { "'!', or ':', or '}'" } else { "'=', or '!', or ':', or '}'" };
                return self.fail_here(format!("{name}: expecting {expected}"));
            }
        }
        if self.eat("!")? {
            self.conversion(name)?;
        }
        if self.eat(":")? {
            loop {
                match self.kind()? {
                    Kind::FMiddle => self.at += 1,
                    Kind::Op if self.is("{")? => self.field(name)?,
                    _ => break,
                }
            }
            if !self.is("}")? {
                return self.fail_here(format!("{name}: expecting '}}', or format specs"));
            }
        }
        if self.eat("}")? {
            return Ok(());
        }
        self.fail_here(format!("{name}: expecting ':' or '}}'"))
    }

    fn conversion(&mut self, name: &str) -> Step {
        let bang = self.previous_end();
        let token = self.token()?;
        let text = self.text_of(token);
        if matches!(text, ":" | "}") {
            return self.fail_here(format!("{name}: missing conversion character"));
        }
        if token.kind != Kind::Name {
            return self.fail_here(format!("{name}: invalid conversion character"));
        }
        if token.start != bang {
            let message = format!("{name}: conversion type must come right after the exclamation mark");
            return self.fail_here(message);
        }
        if !matches!(text, "s" | "r" | "a") {
            return self.fail_here(format!(
                "{name}: invalid conversion character '{text}': expected 's', 'r', or 'a'"
            ));
        }
        self.at += 1;
        Ok(())
    }

    // ---- brackets ----

    fn parenthesized(&mut self) -> Step<Node> {
        let open = self.token()?;
        self.at += 1;
        if self.eat(")")? {
            return Ok(Node { grouped: true, ..Node::new(What::Tuple, open.start, self.previous_end()) });
        }
        if self.is("yield")? {
            let inner = self.yield_expression()?;
            self.expect(")")?;
            let close = self.previous_end();
            return Ok(Node { grouped: true, tight: true, open: open.start, close, ..inner });
        }
        if self.is("**")? {
            let start = self.token()?.start;
            self.at += 1;
            let value = self.expression()?;
            if self.is(")")? {
                return self.fail("cannot use double starred expression here", start, value.end);
            }
            return Err(self.generic());
        }
        let first = self.star_named_expression()?;
        if self.comprehension_follows()? {
            self.bad_comprehension_element(&first)?;
            self.for_clauses()?;
            self.expect(")")?;
            return Ok(Node { grouped: true, ..Node::new(What::Generator, open.start, self.previous_end()) });
        }
        if self.is(")")? {
            if first.what == What::Starred {
                return self.fail_at("cannot use starred expression here", &first);
            }
            self.at += 1;
            let close = self.previous_end();
            return Ok(Node { grouped: true, tight: true, open: open.start, close, ..first });
        }
        let parts = self.elements(first, ")")?;
        self.expect(")")?;
        let end = self.previous_end();
        Ok(Node { grouped: true, parts, ..Node::new(What::Tuple, open.start, end) })
    }

    fn elements(&mut self, first: Node, close: &str) -> Step<Vec<Node>> {
        let mut parts = vec![first];
        while self.is(",")? {
            let comma = self.token()?;
            self.at += 1;
            if self.is(close)? {
                break;
            }
            if close != ")" && self.comprehension_follows()? && self.attempt(Self::for_clauses).is_some() {
                let message = "did you forget parentheses around the comprehension target?";
                return self.fail(message, parts[0].start, comma.end);
            }
            parts.push(self.star_named_expression()?);
        }
        if close != ")" && parts.len() > 1 && self.comprehension_follows()? {
            let end = self.previous_end();
            if self.attempt(Self::for_clauses).is_some() {
                let message = "did you forget parentheses around the comprehension target?";
                return self.fail(message, parts[0].start, end);
            }
        }
        Ok(parts)
    }

    pub(super) fn comprehension_follows(&mut self) -> Step<bool> {
        Ok(match self.text()? {
            "for" => true,
            "async" => self.peek(1) == "for",
            _ => false,
        })
    }

    fn bad_comprehension_element(&mut self, element: &Node) -> Step {
        if element.what == What::Starred && self.attempt_clauses() {
            return self.fail_at("iterable unpacking cannot be used in comprehension", element);
        }
        Ok(())
    }

    fn attempt_clauses(&mut self) -> bool {
        let (at, furthest) = (self.at, self.furthest);
        let found = self.attempt(Self::for_clauses).is_some();
        (self.at, self.furthest) = (at, furthest);
        found
    }

    pub(super) fn for_clauses(&mut self) -> Step {
        while self.comprehension_follows()? {
            self.eat("async")?;
            self.at += 1;
            self.for_targets(true)?;
            self.disjunction_of_comprehension()?;
            while self.eat("if")? {
                self.disjunction_of_comprehension()?;
            }
        }
        Ok(())
    }

    fn disjunction_of_comprehension(&mut self) -> Step {
        let first = self.at;
        let node = self.disjunction()?;
        self.forgotten_comma(first, &node)
    }

    fn list(&mut self) -> Step<Node> {
        let open = self.token()?;
        self.at += 1;
        if self.eat("]")? {
            return Ok(Node::new(What::List, open.start, self.previous_end()));
        }
        let first = self.star_named_expression()?;
        if self.comprehension_follows()? {
            self.bad_comprehension_element(&first)?;
            self.for_clauses()?;
            self.expect("]")?;
            return Ok(Node::new(What::ListComp, open.start, self.previous_end()));
        }
        let parts = self.elements(first, "]")?;
        self.expect("]")?;
        let end = self.previous_end();
        Ok(Node { parts, ..Node::new(What::List, open.start, end) })
    }

    fn braces(&mut self) -> Step<Node> {
        let open = self.token()?;
        self.at += 1;
        if self.eat("}")? {
            return Ok(Node::new(What::Dict, open.start, self.previous_end()));
        }
        if self.is("**")? {
            return self.dict(open.start);
        }
        let first = self.star_named_expression()?;
        if self.is(":")? {
            self.at -= 0;
            return self.dict_after_key(open.start);
        }
        if self.comprehension_follows()? {
            self.bad_comprehension_element(&first)?;
            self.for_clauses()?;
            self.expect("}")?;
            return Ok(Node::new(What::SetComp, open.start, self.previous_end()));
        }
        self.elements(first, "}")?;
        self.expect("}")?;
        Ok(Node::new(What::Set, open.start, self.previous_end()))
    }

    fn dict_after_key(&mut self, start: usize) -> Step<Node> {
        self.dict_value()?;
        if self.comprehension_follows()? {
            self.for_clauses()?;
            self.expect("}")?;
            return Ok(Node::new(What::DictComp, start, self.previous_end()));
        }
        if self.eat(",")? {
            return self.dict(start);
        }
        self.expect("}")?;
        Ok(Node::new(What::Dict, start, self.previous_end()))
    }

    /// `: value` of a dict.
    fn dict_value(&mut self) -> Step {
        let colon = self.token()?;
        self.at += 1;
        if matches!(self.text()?, "}" | ",") {
            return self.fail("expression expected after dictionary key and ':'", colon.start, colon.end);
        }
        if self.is("*")? {
            let star = self.token()?;
            let found = self.attempt(Self::starred);
            return match found {
                Some(value) => {
                    self.fail("cannot use a starred expression in a dictionary value", star.start, value.end)
                }
                None => Err(self.generic()),
            };
        }
        self.expression()?;
        Ok(())
    }

    fn dict(&mut self, start: usize) -> Step<Node> {
        loop {
            if self.is("}")? {
                break;
            }
            if self.is("**")? {
                let star = self.token()?;
                self.at += 1;
                self.bitwise_or()?;
                if self.comprehension_follows()? && self.attempt_clauses() {
                    let message = "dict unpacking cannot be used in dict comprehension";
                    return self.fail(message, star.start, star.end);
                }
            } else {
                let key = self.expression()?;
                if !self.is(":")? {
                    let token = self.token_at(self.at.saturating_sub(1)).unwrap_or(self.tokens[0]);
                    let place = token.end.saturating_sub(1).max(key.start);
                    let mut trouble = Trouble::new("':' expected after dictionary key", place, place);
                    trouble.end_offset = Some(0);
                    return Err(trouble);
                }
                self.dict_value()?;
            }
            if !self.eat(",")? {
                break;
            }
        }
        self.expect("}")?;
        Ok(Node::new(What::Dict, start, self.previous_end()))
    }
}
