//! The recognizer of parameters, call arguments and patterns; see [`super::grammar`].

use super::grammar::{Grammar, Node, Step, What, is_keyword};
use super::tokens::Kind;

impl<'s> Grammar<'s> {
    /// Parameters up to the closing token (`)` of a function, `:` of a lambda), which is left.
    pub(super) fn parameters(&mut self, close: &str) -> Step {
        let function = close == ")";
        let (mut slash, mut star, mut kwargs, mut default) = (false, false, false, false);
        let mut first = true;
        while !self.is(close)? {
            let token = self.token()?;
            if kwargs {
                return self.fail_here("arguments cannot follow var-keyword argument");
            }
            match self.text_of(token) {
                "/" => {
                    if first && self.peek(1) == "," {
                        return self.fail_here("at least one argument must precede /");
                    }
                    if slash {
                        return self.fail_here("/ may appear only once");
                    }
                    if star {
                        return self.fail_here("/ must be ahead of *");
                    }
                    slash = true;
                    self.at += 1;
                    if self.is("*")? {
                        return self.fail_here("expected comma between / and *");
                    }
                }
                "*" => {
                    if star {
                        return self.fail_here("* argument may appear only once");
                    }
                    star = true;
                    self.star_parameter(close, function)?;
                }
                "**" => {
                    self.at += 1;
                    self.parameter(function)?;
                    if self.is("=")? {
                        return self.fail_here("var-keyword argument cannot have default value");
                    }
                    kwargs = true;
                }
                "(" => return self.parenthesized_parameter(function),
                _ => {
                    let name = self.token()?;
                    self.parameter(function)?;
                    if self.eat("=")? {
                        if self.is(close)? || self.is(",")? {
                            let equals = self.token_at(self.at - 1).unwrap_or(name);
                            return self.fail("expected default value expression", equals.start, equals.end);
                        }
                        self.expression()?;
                        default = true;
                    } else if default && !star {
                        let message = "parameter without a default follows parameter with a default";
                        return self.fail(message, name.start, name.end);
                    }
                }
            }
            first = false;
            if !self.eat(",")? {
                break;
            }
        }
        Ok(())
    }

    fn parameter(&mut self, annotated: bool) -> Step {
        self.name()?;
        if annotated && self.eat(":")? {
            self.star_expression()?;
        }
        Ok(())
    }

    fn star_parameter(&mut self, close: &str, function: bool) -> Step {
        let star = self.token()?;
        self.at += 1;
        if self.is(close)? {
            return self.fail("named arguments must follow bare *", star.start, star.end);
        }
        if self.is(",")? {
            let next = self.peek(1);
            if next == close || next == "**" {
                return self.fail("named arguments must follow bare *", star.start, star.end);
            }
            return Ok(());
        }
        let unpacked = self.peek(1) == ":" && self.peek(2) == "*";
        self.parameter(function)?;
        if self.is("=")? && !unpacked {
            return self.fail_here("var-positional argument cannot have default value");
        }
        Ok(())
    }

    fn parenthesized_parameter(&mut self, function: bool) -> Step {
        let open = self.token()?;
        let found = self.attempt(|this| {
            this.at += 1;
            loop {
                this.name()?;
                if !this.eat(",")? || this.is(")")? {
                    break;
                }
            }
            let close = this.token()?;
            this.expect(")")?;
            Ok(close)
        });
        let Some(close) = found else { return Err(self.generic()) };
        let message = match function {
            true => "Function parameters cannot be parenthesized",
            false => "Lambda expression parameters cannot be parenthesized",
        };
        self.fail(message, open.start, close.end)
    }

    // ---- call arguments ----

    /// Arguments of a call up to its `)`, which is left.
    pub(super) fn arguments(&mut self) -> Step {
        let list_start = self.token()?.start;
        let (mut keyword, mut unpacked) = (false, false);
        let mut count = 0;
        while !self.is(")")? {
            let token = self.token()?;
            let text = self.text_of(token);
            if text == "**" {
                self.at += 1;
                let value = self.expression()?;
                if self.is("=")? {
                    let end = self.attempt(|this| {
                        this.at += 1;
                        this.expression()
                    });
                    let end = end.map_or(value.end, |node| node.end);
                    return self.fail("cannot assign to keyword argument unpacking", token.start, end);
                }
                unpacked = true;
            } else if text == "*" {
                if unpacked {
                    let message = "iterable argument unpacking follows keyword argument unpacking";
                    let start = self.token_at(self.at - 1).map_or(list_start, |token| token.start);
                    self.at += 1;
                    let end = self.expression()?.end;
                    return self.fail(message, start, end);
                }
                self.at += 1;
                let value = self.star_value()?;
                if self.is("=")? {
                    let end = self.attempt(|this| {
                        this.at += 1;
                        this.expression()
                    });
                    let end = end.map_or(value.end, |node| node.end);
                    return self.fail("cannot assign to iterable argument unpacking", token.start, end);
                }
            } else if token.kind == Kind::Name && self.peek(1) == "=" {
                self.keyword_argument()?;
                keyword = true;
            } else {
                self.positional_argument(count, keyword, unpacked)?;
            }
            count += 1;
            if !self.eat(",")? {
                break;
            }
        }
        Ok(())
    }

    fn keyword_argument(&mut self) -> Step {
        let token = self.token()?;
        let text = self.text_of(token);
        if matches!(text, "True" | "False" | "None") {
            let equals = self.token_at(self.at + 1).unwrap_or(token);
            return self.fail(format!("cannot assign to {text}"), token.start, equals.end);
        }
        if is_keyword(text) {
            return Err(self.generic());
        }
        self.at += 2;
        if self.is(")")? || self.is(",")? {
            let equals = self.token_at(self.at - 1).unwrap_or(token);
            return self.fail("expected argument value expression", token.start, equals.end);
        }
        let value = self.expression()?;
        if self.comprehension_follows()? && self.attempt(Self::for_clauses).is_some() {
            let message = "invalid syntax. Maybe you meant '==' or ':=' instead of '='?";
            return self.fail(message, token.start, value.start);
        }
        if self.is("=")? {
            return Err(self.generic());
        }
        Ok(())
    }

    fn positional_argument(&mut self, count: usize, keyword: bool, unpacked: bool) -> Step {
        let node = self.argument_expression()?;
        if self.is("=")? {
            let equals = self.token()?;
            let message = "expression cannot contain assignment, perhaps you meant \"==\"?";
            return self.fail(message, node.start, equals.end);
        }
        if self.comprehension_follows()? {
            if self.in_class_arguments {
                return Err(self.generic());
            }
            self.element_of_call(&node)?;
            let start = node.start;
            self.for_clauses()?;
            let end = self.previous_end();
            let comma = self.is(",")?;
            let alone = count == 0 && (self.is(")")? || (comma && self.peek(1) == ")"));
            if count > 0 || comma && !alone {
                return self.fail("Generator expression must be parenthesized", start, end);
            }
            if comma {
                return self.fail("Generator expression must be parenthesized", start, end);
            }
        }
        if keyword || unpacked {
            let what = if unpacked { "keyword argument unpacking" } else { "keyword argument" };
            self.attempt(|this| {
                while this.eat(",")? && !this.is(")")? {
                    if matches!(this.text()?, "*" | "**") {
                        this.at += 1;
                    } else if this.peek(1) == "=" {
                        this.at += 2;
                    }
                    this.expression()?;
                }
                Ok(())
            });
            return self.fail_here(format!("positional argument follows {what}"));
        }
        Ok(())
    }

    fn element_of_call(&mut self, node: &Node) -> Step {
        if node.what == What::Starred {
            return self.fail_at("iterable unpacking cannot be used in comprehension", node);
        }
        Ok(())
    }

    fn argument_expression(&mut self) -> Step<Node> {
        let node = self.expression()?;
        if self.is(":=")? {
            if node.what != What::Name || node.grouped {
                let message = format!("cannot use assignment expressions with {}", node.what.name());
                return self.fail_at(message, &node);
            }
            self.at += 1;
            self.expression()?;
        }
        Ok(node)
    }

    // ---- patterns ----

    /// Patterns of a case.
    pub(super) fn patterns(&mut self) -> Step {
        loop {
            self.pattern()?;
            if !self.eat(",")? || self.is(":")? || self.is("if")? {
                return Ok(());
            }
        }
    }

    fn pattern(&mut self) -> Step {
        if self.eat("*")? {
            self.name()?;
            return Ok(());
        }
        let start = self.token()?.start;
        self.or_pattern()?;
        if self.eat("as")? {
            let token = self.token()?;
            if self.text_of(token) == "_" && !matches!(self.peek(1), "." | "(") {
                return self.fail("cannot use '_' as a target", token.start, token.end);
            }
            let target = self.expression()?;
            if target.what != What::Name {
                return self.fail_at(format!("cannot use {} as pattern target", target.what.name()), &target);
            }
        }
        let _ = start;
        Ok(())
    }

    fn or_pattern(&mut self) -> Step {
        loop {
            self.closed_pattern()?;
            if !self.eat("|")? {
                return Ok(());
            }
        }
    }

    fn closed_pattern(&mut self) -> Step {
        let token = self.token()?;
        match (token.kind, self.text_of(token)) {
            (Kind::Op, "(" | "[") => {
                let close = if self.is("(")? { ")" } else { "]" };
                self.at += 1;
                while !self.is(close)? {
                    self.pattern()?;
                    if !self.eat(",")? {
                        break;
                    }
                }
                self.expect(close)
            }
            (Kind::Op, "{") => self.mapping_pattern(),
            (Kind::Number, _) | (Kind::Op, "-") => self.number_pattern(),
            (Kind::Str | Kind::FStart, _) => self.literal_pattern(),
            (Kind::Name, "True" | "False" | "None") => {
                self.at += 1;
                Ok(())
            }
            (Kind::Name, _) => self.name_pattern(),
            _ => Err(self.generic()),
        }
    }

    fn literal_pattern(&mut self) -> Step {
        let node = self.bitwise_or()?;
        if matches!(node.what, What::FString | What::TString) {
            return self.fail_at("patterns may only match literals and attribute lookups", &node);
        }
        Ok(())
    }

    fn number_pattern(&mut self) -> Step {
        self.eat("-")?;
        let first = self.token()?;
        if first.kind != Kind::Number {
            return Err(self.generic());
        }
        self.at += 1;
        if matches!(self.text()?, "+" | "-") {
            let imaginary = |text: &str| text.ends_with(['j', 'J']);
            if imaginary(&self.source[first.start..first.end]) {
                return self.fail("real number required in complex literal", first.start, first.end);
            }
            self.at += 1;
            let second = self.token()?;
            if second.kind != Kind::Number {
                return Err(self.generic());
            }
            if !imaginary(&self.source[second.start..second.end]) {
                return self.fail("imaginary number required in complex literal", second.start, second.end);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn name_pattern(&mut self) -> Step {
        self.name()?;
        while self.eat(".")? {
            self.name()?;
        }
        if !self.eat("(")? {
            return Ok(());
        }
        let mut keyword_end = None;
        while !self.is(")")? {
            let token = self.token()?;
            if token.kind == Kind::Name && self.peek(1) == "=" {
                self.at += 2;
                self.pattern()?;
                keyword_end = Some(self.at);
            } else {
                self.pattern()?;
                if keyword_end.is_some() {
                    let message = "positional patterns follow keyword patterns";
                    return self.fail(message, token.start, self.previous_end());
                }
            }
            if !self.eat(",")? {
                break;
            }
        }
        self.expect(")")
    }

    fn mapping_pattern(&mut self) -> Step {
        self.at += 1;
        while !self.is("}")? {
            if self.eat("**")? {
                self.name()?;
            } else {
                self.closed_pattern()?;
                self.expect(":")?;
                self.pattern()?;
            }
            if !self.eat(",")? {
                break;
            }
        }
        self.expect("}")
    }
}
