//! The recognizer of compound statements; see [`super::grammar`].

use super::grammar::{Grammar, Step, What, invalid_target};
use super::tokens::{Kind, Token, Trouble};
use crate::error::ErrorKind;

impl<'s> Grammar<'s> {
    // ---- blocks ----

    /// A block after its colon; `after` says of what, for the message.
    fn block(&mut self, after: &str, line_of: Token) -> Step {
        if self.kind()? != Kind::Newline {
            return self.simple_line();
        }
        self.at += 1;
        if self.kind()? != Kind::Indent {
            let line = self.line_of(line_of.start);
            let token = self.token()?;
            return Err(self.no_block(&format!("{after} on line {line}"), token));
        }
        self.at += 1;
        loop {
            self.statement()?;
            if self.kind()? == Kind::Dedent {
                self.at += 1;
                return Ok(());
            }
            if self.kind()? == Kind::End {
                return Ok(());
            }
        }
    }

    /// "expected an indented block after …", at the token that is no indentation.
    fn no_block(&self, after: &str, token: Token) -> Box<Trouble> {
        let message = format!("expected an indented block after {after}");
        let mut trouble = Trouble::new(message, token.start, token.end);
        trouble.kind = ErrorKind::Indentation;
        match token.kind {
            Kind::End => {
                trouble.incomplete = true;
                let place = self.source.strip_suffix('\n').unwrap_or(self.source).len();
                (trouble.start, trouble.end, trouble.end_offset) = (place, place, Some(-1));
            }
            Kind::Dedent => {
                let at_end = self.source[token.start..].trim().is_empty();
                trouble.incomplete = at_end;
                let place = match at_end {
                    true => self.source.strip_suffix('\n').unwrap_or(self.source).len(),
                    false => token.start,
                };
                (trouble.start, trouble.end, trouble.end_offset) = (place, place, Some(-1));
                trouble.offset_shift = i32::from(!at_end);
            }
            _ => {}
        }
        trouble
    }

    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.source[..offset.min(self.source.len())].bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    /// The colon of a compound statement: missing at the end of the line, it is missed by name.
    fn colon(&mut self) -> Step {
        if self.eat(":")? {
            return Ok(());
        }
        if self.kind()? == Kind::Newline {
            return self.fail_here("expected ':'");
        }
        Err(self.generic())
    }

    pub(super) fn if_statement(&mut self, word: &str) -> Step {
        let first = self.token()?;
        self.at += 1;
        self.named_expression(false)?;
        self.colon()?;
        self.block(&format!("'{word}' statement"), first)?;
        match self.text()? {
            "elif" => self.if_statement("elif"),
            _ => self.else_block(),
        }
    }

    fn else_block(&mut self) -> Step {
        let first = self.token()?;
        if !self.eat("else")? {
            return Ok(());
        }
        self.force(":")?;
        self.block("'else' statement", first)?;
        if self.is("elif")? {
            return self.fail_here("'elif' block follows an 'else' block");
        }
        Ok(())
    }

    pub(super) fn while_statement(&mut self) -> Step {
        let first = self.token()?;
        self.at += 1;
        self.named_expression(false)?;
        self.colon()?;
        self.block("'while' statement", first)?;
        self.else_block()
    }

    pub(super) fn for_statement(&mut self) -> Step {
        let first = self.token()?;
        self.at += 1;
        self.for_targets(false)?;
        self.star_expressions(false)?;
        self.colon()?;
        self.block("'for' statement", first)?;
        self.else_block()
    }

    /// `targets in`, with the errors of for loops and comprehensions.
    pub(super) fn for_targets(&mut self, comprehension: bool) -> Step {
        let targets = self.star_targets()?;
        if let Some(bad) = invalid_target(&targets, true, false) {
            return self.fail_at(format!("cannot assign to {}", bad.what.name()), bad);
        }
        if self.eat("in")? {
            return Ok(());
        }
        if !comprehension {
            return Err(self.generic());
        }
        self.fail_here("'in' expected after for-loop variables")
    }

    pub(super) fn try_statement(&mut self) -> Step {
        let first = self.token()?;
        self.at += 1;
        self.force(":")?;
        self.block("'try' statement", first)?;
        let mut star: Option<bool> = None;
        let mut any = false;
        while self.is("except")? {
            any = true;
            let is_star = self.except_clause()?;
            if let Some(known) = star
                && known != is_star.0
                && (is_star.1 || known)
            {
                return self.fail(
                    "cannot have both 'except' and 'except*' on the same 'try'",
                    is_star.2,
                    is_star.3,
                );
            }
            star = Some(is_star.0);
        }
        if any {
            self.else_block()?;
        }
        if self.is("finally")? {
            let first = self.token()?;
            self.at += 1;
            self.force(":")?;
            return self.block("'finally' statement", first);
        }
        if !any {
            return self.fail_here("expected 'except' or 'finally' block");
        }
        Ok(())
    }

    /// One except clause: whether it has a star, whether it has a type, and its range.
    fn except_clause(&mut self) -> Step<(bool, bool, usize, usize)> {
        let first = self.token()?;
        self.at += 1;
        let star = self.eat("*")?;
        let end = self.previous_end();
        if self.kind()? == Kind::Newline {
            if star {
                return self.fail_here("expected one or more exception types");
            }
            return self.fail_here("expected ':'");
        }
        let typed = !self.is(":")?;
        if typed {
            let types = self.expression()?;
            let mut many = false;
            while self.is(",")? {
                many = true;
                self.at += 1;
                if self.is(":")? {
                    break;
                }
                self.expression()?;
            }
            if self.eat("as")? {
                if many {
                    let end = self.attempt(Self::name).map_or(types.end, |name| name.end);
                    let message = "multiple exception types must be parenthesized when using 'as'";
                    return self.fail(message, types.start, end);
                }
                let target = self.expression()?;
                if target.what != What::Name {
                    let clause = if star { "except*" } else { "except" };
                    return self.fail_at(
                        format!("cannot use {clause} statement with {}", target.what.name()),
                        &target,
                    );
                }
            }
        } else if star {
            return self.fail_here("expected one or more exception types");
        }
        self.colon()?;
        let after = if star { "'except*' statement" } else { "'except' statement" };
        self.block(after, first)?;
        Ok((star, typed, first.start, end))
    }

    pub(super) fn with_statement(&mut self) -> Step {
        let first = self.token()?;
        self.at += 1;
        let parenthesized = self.is("(")? && {
            let (at, furthest) = (self.at, self.furthest);
            let found = self.parenthesized_items().is_ok()
                && (matches!(self.is(":"), Ok(true)) || matches!(self.kind(), Ok(Kind::Newline)));
            if !found {
                (self.at, self.furthest) = (at, furthest);
            }
            found
        };
        if !parenthesized {
            self.with_items()?;
        }
        self.colon()?;
        self.block("'with' statement", first)
    }

    fn parenthesized_items(&mut self) -> Step {
        self.expect("(")?;
        loop {
            if self.is(")")? {
                break;
            }
            self.with_item()?;
            if !self.eat(",")? {
                break;
            }
        }
        self.expect(")")
    }

    fn with_items(&mut self) -> Step {
        loop {
            self.with_item()?;
            if !self.eat(",")? {
                return Ok(());
            }
        }
    }

    fn with_item(&mut self) -> Step {
        self.expression()?;
        if self.eat("as")? {
            let target = self.expression_or_star()?;
            if let Some(bad) = invalid_target(&target, false, false) {
                return self.fail_at(format!("cannot assign to {}", bad.what.name()), bad);
            }
        }
        Ok(())
    }

    pub(super) fn function(&mut self) -> Step {
        let first = self.token()?;
        self.at += 1;
        self.name()?;
        self.type_params()?;
        self.force("(")?;
        self.parameters(")")?;
        self.expect(")")?;
        if self.eat("->")? {
            self.expression()?;
        }
        self.force(":")?;
        self.block("function definition", first)
    }

    pub(super) fn class(&mut self) -> Step {
        let first = self.token()?;
        self.at += 1;
        self.name()?;
        self.type_params()?;
        if self.eat("(")? {
            self.in_class_arguments = true;
            self.arguments()?;
            self.in_class_arguments = false;
            self.expect(")")?;
        }
        self.colon()?;
        self.block("class definition", first)
    }

    // ---- match ----

    pub(super) fn match_statement(&mut self) -> Step {
        let first = self.token()?;
        self.at += 1;
        self.star_named_expressions()?;
        self.colon()?;
        if self.kind()? != Kind::Newline {
            return Err(self.generic());
        }
        self.at += 1;
        if self.kind()? != Kind::Indent {
            let line = self.line_of(first.start);
            let token = self.token()?;
            return Err(self.no_block(&format!("'match' statement on line {line}"), token));
        }
        self.at += 1;
        while self.is("case")? {
            let first = self.token()?;
            self.at += 1;
            self.patterns()?;
            if self.eat("if")? {
                self.named_expression(false)?;
            }
            self.colon()?;
            self.block("'case' statement", first)?;
        }
        match self.kind()? {
            Kind::Dedent => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.generic()),
        }
    }
}
