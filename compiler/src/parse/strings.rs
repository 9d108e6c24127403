//! String literals of the parser's tree: implicit concatenation, f-strings and t-strings.

use ruff_python_ast as r;
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::Adapter;
use crate::ast::*;
use crate::code::Constant;
use crate::error::{CompileError, Result};
use crate::literal::{self, DoubtfulEscape};

/// Where the body of a literal token is: after the prefix and opening quotes, before the closing ones.
fn body_range(token: &str) -> (usize, usize, bool) {
    let prefix = token.find(['"', '\'']).unwrap_or(0);
    let raw = token[..prefix].contains(['r', 'R']);
    let quote = &token[prefix..];
    let width = if quote.starts_with("\"\"\"") || quote.starts_with("'''") { 3 } else { 1 };
    let start = (prefix + width).min(token.len());
    (start, token.len().saturating_sub(width).max(start), raw)
}

/// Collects the pieces of an f-string: adjacent constants become one.
#[derive(Default)]
struct Pieces {
    values: Vec<Expr>,
    u_prefix: bool,
}

impl Pieces {
    fn text(&mut self, text: &[u8], at: Position) {
        if text.is_empty() {
            return;
        }
        if let Some(Expr { kind: ExprKind::Constant { value: Constant::Str(known), .. }, at: known_at }) =
            self.values.last_mut()
        {
            *known = [&known[..], text].concat().into();
            (known_at.end_line, known_at.end_column) = (at.end_line, at.end_column);
            return;
        }
        let u_prefix = self.u_prefix;
        self.values
            .push(Expr { kind: ExprKind::Constant { value: Constant::Str(text.into()), u_prefix }, at });
    }
}

impl Adapter<'_> {
    /// Warns of an escape in a token; `fields`: in one of an f-string or t-string.
    fn doubt(&self, doubtful: Option<DoubtfulEscape>, body_start: usize, token: TextRange, fields: bool) {
        let Some(DoubtfulEscape { offset, message }) = doubtful else { return };
        let start = body_start + offset;
        let width = self.source[start + 1..].chars().next().map_or(0, char::len_utf8);
        let error_message = message.replace("Such sequences will not work in the future. ", "");
        let first_line = !self.source[usize::from(token.start())..start].contains('\n');
        let prefix = self.slice(token).find(['"', '\'']).unwrap_or(0) as u32;
        let end = self.position(token).end_column.max(0) as u32;
        // The place of the error is CPython's, which leaves out the prefix, and takes the token behind an f-string's text.
        self.warn(message, start, start + 1 + width, |error| {
            error.message = error_message.into();
            if let Some(text) = &mut error.text
                && !text.ends_with('\n')
            {
                text.push('\n');
            }
            if fields {
                error.offset = end + 1;
            } else if first_line {
                error.offset -= prefix.min(error.offset);
            }
            error.end_offset = error.offset as i32 + if fields { 1 } else { 2 };
        });
    }

    fn str_body(&self, range: TextRange) -> Result<Vec<u8>> {
        let token = self.slice(range);
        let (start, end, raw) = body_range(token);
        let body = &token[start..end];
        if raw || !body.contains('\\') {
            return Ok(literal::normalize_newlines(body));
        }
        let (value, doubtful) = literal::decode_str(body, false)
            .map_err(|message| CompileError::syntax(message, self.position(range)))?;
        self.doubt(doubtful, usize::from(range.start()) + start, range, false);
        Ok(value)
    }

    pub(super) fn string(&self, node: &r::ExprStringLiteral) -> Result<ExprKind> {
        let parts = node.value.as_slice();
        let mut value = Vec::new();
        for part in parts {
            value.extend_from_slice(&self.str_body(part.range)?);
        }
        let u_prefix = parts.first().is_some_and(|part| self.slice(part.range).starts_with(['u', 'U']));
        Ok(ExprKind::Constant { value: Constant::Str(value.into()), u_prefix })
    }

    pub(super) fn bytes(&self, node: &r::ExprBytesLiteral) -> Result<Constant> {
        let mut value = Vec::new();
        for part in node.value.as_slice() {
            let token = self.slice(part.range);
            let (start, end, raw) = body_range(token);
            let body = &token[start..end];
            if raw || !body.contains('\\') {
                value.extend_from_slice(&literal::normalize_newlines(body));
                continue;
            }
            let (bytes, doubtful) = literal::decode_bytes(body)
                .map_err(|message| CompileError::syntax(message, self.position(part.range)))?;
            self.doubt(doubtful, usize::from(part.range.start()) + start, part.range, false);
            value.extend_from_slice(&bytes);
        }
        Ok(Constant::Bytes(value.into()))
    }

    pub(super) fn f_string(&self, node: &r::ExprFString) -> Result<ExprKind> {
        let mut pieces = Pieces::default();
        for part in node.value.as_slice() {
            match part {
                r::FStringPart::Literal(literal) => {
                    pieces.u_prefix |= self.slice(literal.range).starts_with(['u', 'U']);
                    let text = self.str_body(literal.range)?;
                    pieces.text(&text, self.position(literal.range));
                }
                r::FStringPart::FString(f) => {
                    let raw = body_range(self.slice(f.range)).2;
                    self.elements(&mut pieces, &f.elements, raw, f.range, false)?;
                }
            }
        }
        Ok(ExprKind::JoinedStr(pieces.values))
    }

    pub(super) fn t_string(&self, node: &r::ExprTString) -> Result<ExprKind> {
        let mut pieces = Pieces::default();
        for part in node.value.as_slice() {
            let raw = body_range(self.slice(part.range)).2;
            self.elements(&mut pieces, &part.elements, raw, part.range, true)?;
        }
        Ok(ExprKind::TemplateStr(pieces.values))
    }

    fn elements(
        &self,
        pieces: &mut Pieces,
        elements: &r::InterpolatedStringElements,
        raw: bool,
        token: TextRange,
        template: bool,
    ) -> Result<()> {
        for element in elements {
            match element {
                r::InterpolatedStringElement::Literal(literal) => {
                    let text = self.literal_element(literal, raw, token)?;
                    pieces.text(&text, self.position(literal.range));
                }
                r::InterpolatedStringElement::Interpolation(field) => {
                    self.field(pieces, field, raw, token, template)?;
                }
            }
        }
        Ok(())
    }

    fn literal_element(
        &self,
        node: &r::InterpolatedStringLiteralElement,
        raw: bool,
        token: TextRange,
    ) -> Result<Vec<u8>> {
        let body = self.slice(node.range);
        if raw || !body.contains('\\') {
            return Ok(literal::normalize_newlines(&node.value));
        }
        let (value, doubtful) = literal::decode_str(body, true)
            .map_err(|message| CompileError::syntax(message, self.position(node.range)))?;
        self.doubt(doubtful, node.range.start().into(), token, true);
        Ok(value)
    }

    fn field(
        &self,
        pieces: &mut Pieces,
        node: &r::InterpolatedElement,
        raw: bool,
        token: TextRange,
        template: bool,
    ) -> Result<()> {
        let value = self.expr(&node.expression)?;
        let at = self.position(node.range);
        let brace = node.range.start() + TextSize::from(1);
        if let Some(debug) = &node.debug_text {
            let end = brace + TextSize::from(debug.as_str().len() as u32);
            let text = literal::normalize_newlines(debug.as_str());
            pieces.text(&text, self.position(TextRange::new(brace, end)));
        }
        let format_spec = match &node.format_spec {
            None => None,
            Some(spec) => {
                let mut parts = Pieces::default();
                self.elements(&mut parts, &spec.elements, raw, token, false)?;
                let range = TextRange::new(spec.range.start() - TextSize::from(1), spec.range.end());
                Some(Expr { kind: ExprKind::JoinedStr(parts.values), at: self.position(range) })
            }
        };
        let mut conversion = node.conversion as i32;
        if node.debug_text.is_some() && conversion < 0 && format_spec.is_none() {
            conversion = i32::from(b'r');
        }
        let kind = if template {
            let text = self.field_text(node);
            ExprKind::Interpolation(Box::new(Interpolation { value, text, conversion, format_spec }))
        } else {
            ExprKind::FormattedValue(Box::new(FormattedValue { value, conversion, format_spec }))
        };
        pieces.values.push(Expr { kind, at });
        Ok(())
    }

    /// The source text of the expression of a t-string's field, up to its `=`, `!`, `:` or `}`.
    fn field_text(&self, node: &r::InterpolatedElement) -> Constant {
        let start = node.range.start() + TextSize::from(1);
        let text = match &node.debug_text {
            Some(debug) => debug.as_str(),
            None => {
                let after = &self.source[usize::from(node.expression.range().end())..];
                // Closing parentheses of the expression are not in its range.
                let tail: usize = after
                    .find(['!', ':', '}'])
                    .filter(|at| after[..*at].chars().all(|c| c.is_whitespace() || c == ')'))
                    .unwrap_or(0);
                let end = node.expression.range().end() + TextSize::from(tail as u32);
                self.slice(TextRange::new(start, end))
            }
        };
        let text = match &node.debug_text {
            Some(_) => text.trim_end().trim_end_matches('='),
            None => text,
        };
        Constant::str(text)
    }
}
