//! A tokenizer that finds the errors CPython's tokenizer finds, for sources that are known to be wrong.
//!
//! It stops at the first error; the parser of error messages raises that error when it needs the token there. Strings
//! that interpolate are taken apart into start, middle and end tokens with the fields' tokens between them.

use crate::error::{ErrorKind, LineEnd};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Number,
    /// A whole literal.
    Str,
    FStart,
    FMiddle,
    FEnd,
    Op,
    Newline,
    Indent,
    Dedent,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// How many brackets are open after it.
    pub(super) level: usize,
}

/// An error with its range in bytes.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
    pub(super) start: usize,
    pub(super) end: usize,
    /// `end_offset`, if it is not that of `end`.
    pub(super) end_offset: Option<i32>,
    /// How far `offset` is before its place.
    pub(super) offset_shift: i32,
    /// Found by the tokenizer in a way that does not replace errors before it.
    pub(super) lazy: bool,
    /// More input could mend it.
    pub(super) incomplete: bool,
    /// CPython's generic error, which anything more specific replaces.
    pub(super) generic: bool,
    /// How the line is shown.
    pub(super) line_end: LineEnd,
}

impl Trouble {
    pub(super) fn new(message: impl Into<String>, start: usize, end: usize) -> Box<Trouble> {
        Box::new(Trouble {
            kind: ErrorKind::Syntax,
            message: message.into(),
            start,
            end,
            end_offset: None,
            offset_shift: 0,
            lazy: false,
            incomplete: false,
            generic: false,
            line_end: LineEnd::AsInSource,
        })
    }
}

/// An interpolating string being read.
struct Interpolated {
    start: usize,
    quote: u8,
    triple: bool,
    raw: bool,
    template: bool,
    /// Open brackets at which its fields begin.
    fields: Vec<Field>,
}

struct Field {
    level: usize,
    in_spec: bool,
}

pub(super) struct Tokenizer<'s> {
    source: &'s str,
    bytes: &'s [u8],
    at: usize,
    pub(super) tokens: Vec<Token>,
    indents: Vec<(usize, usize)>,
    /// Open brackets: the character and its place.
    pub(super) brackets: Vec<(u8, usize)>,
    strings: Vec<Interpolated>,
    line_start: usize,
    at_line_start: bool,
    blank_line: bool,
}

const MAX_BRACKETS: usize = 200;
const MAX_INDENTS: usize = 100;

/// Three-, two- and one-character operators.
const OPERATORS: [&str; 48] = [
    "**=", "//=", ">>=", "<<=", "...", "!=", "->", ":=", "==", "<=", ">=", "<>", "+=", "-=", "*=", "/=",
    "%=", "&=", "|=", "^=", "@=", "**", "//", "<<", ">>", "+", "-", "*", "/", "%", "&", "|", "^", "~", "@",
    "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "=",
];

/// Tokenizes a source up to its end or first error. The last token is `End` if there is no error.
pub(super) fn tokenize(source: &str) -> (Tokenizer<'_>, Option<Box<Trouble>>) {
    let mut tokenizer = Tokenizer {
        source,
        bytes: source.as_bytes(),
        at: 0,
        tokens: Vec::new(),
        indents: vec![(0, 0)],
        brackets: Vec::new(),
        strings: Vec::new(),
        line_start: 0,
        at_line_start: true,
        blank_line: false,
    };
    let trouble = loop {
        match tokenizer.next() {
            Ok(true) => {}
            Ok(false) => break None,
            Err(mut trouble) => {
                if !trouble.lazy && !trouble.message.ends_with("was never closed") {
                    trouble.line_end = LineEnd::Cut;
                }
                break Some(trouble);
            }
        }
    };
    (tokenizer, trouble)
}

fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn is_name_continue(c: char) -> bool {
    is_name_start(c) || c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}' | '\u{b7}')
}

type Step<T = ()> = Result<T, Box<Trouble>>;

impl<'s> Tokenizer<'s> {
    /// Whether everything has been read.
    pub(super) fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The number of the line at this offset.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.source[..offset.min(self.source.len())].bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn char(&self) -> Option<char> {
        self.source.get(self.at..)?.chars().next()
    }

    /// An error at the character before `at`, as CPython's tokenizer reports.
    fn error<T>(&self, message: impl Into<String>) -> Step<T> {
        let line_start = self.source[..self.at].rfind('\n').map_or(0, |at| at + 1);
        let mut start = self.at.saturating_sub(1).max(line_start.min(self.at));
        while !self.source.is_char_boundary(start) {
            start -= 1;
        }
        Err(Trouble::new(message, start, start))
    }

    fn error_at<T>(&self, message: impl Into<String>, start: usize, end: usize) -> Step<T> {
        Err(Trouble::new(message, start, end))
    }

    fn push(&mut self, kind: Kind, start: usize) {
        let level = self.brackets.len();
        self.tokens.push(Token { kind, start, end: self.at, level });
    }

    fn at_newline(&self) -> Option<usize> {
        match (self.byte(0), self.byte(1)) {
            (b'\r', b'\n') => Some(2),
            (b'\n' | b'\r', _) => Some(1),
            _ => None,
        }
    }

    /// Reads a token or some space; false at the end.
    fn next(&mut self) -> Step<bool> {
        if let Some(string) = self.strings.last() {
            let in_text =
                string.fields.last().is_none_or(|field| field.in_spec && self.brackets.len() == field.level);
            if in_text {
                return self.string_text().map(|()| true);
            }
        }
        if self.at_line_start {
            self.at_line_start = false;
            self.indentation()?;
        }
        while matches!(self.byte(0), b' ' | b'\t' | b'\x0c') && self.at < self.bytes.len() {
            self.at += 1;
        }
        if self.byte(0) == b'#' {
            while self.at < self.bytes.len() && self.at_newline().is_none() {
                self.at += 1;
            }
        }
        if self.at >= self.bytes.len() {
            return self.end().map(|()| false);
        }
        if let Some(width) = self.at_newline() {
            self.newline(width)?;
            return Ok(true);
        }
        self.token().map(|()| true)
    }

    fn newline(&mut self, width: usize) -> Step {
        if let Some(string) = self.strings.last()
            && !string.triple
            && self.brackets.len() <= string.fields.last().map_or(0, |field| field.level)
            && string.fields.last().is_some_and(|field| field.in_spec)
        {
            let name = if string.template { "t" } else { "f" };
            let message = format!(
                "{name}-string: newlines are not allowed in format specifiers for single quoted {name}-strings"
            );
            return self.error(message);
        }
        let start = self.at;
        self.at += width;
        if self.brackets.is_empty() && !self.blank_line {
            self.push(Kind::Newline, start);
            if let Some(last) = self.tokens.last_mut() {
                last.end = start + 1;
            }
        }
        if self.brackets.is_empty() {
            self.at_line_start = true;
        }
        self.line_start = self.at;
        Ok(())
    }

    fn indentation(&mut self) -> Step {
        let (mut column, mut alternate) = (0usize, 0usize);
        loop {
            match self.byte(0) {
                b' ' => (column, alternate) = (column + 1, alternate + 1),
                b'\t' => (column, alternate) = ((column / 8 + 1) * 8, alternate + 1),
                b'\x0c' => (column, alternate) = (0, 0),
                _ => break,
            }
            self.at += 1;
        }
        self.blank_line = self.at >= self.bytes.len() || matches!(self.byte(0), b'#' | b'\n' | b'\r');
        if self.byte(0) == b'\\' && self.at < self.bytes.len() {
            self.blank_line = false;
        }
        if self.blank_line || !self.brackets.is_empty() {
            return Ok(());
        }
        let (top, top_alternate) = self.indents.last().copied().unwrap_or((0, 0));
        if column == top {
            if alternate != top_alternate {
                return Err(mixed_indentation(self));
            }
        } else if column > top {
            if self.indents.len() >= MAX_INDENTS {
                let mut trouble =
                    *Trouble::new("too many levels of indentation", self.line_start, self.line_start);
                trouble.kind = ErrorKind::Indentation;
                return Err(Box::new(trouble));
            }
            if alternate <= top_alternate {
                return Err(mixed_indentation(self));
            }
            self.indents.push((column, alternate));
            self.push(Kind::Indent, self.line_start);
        } else {
            while self.indents.last().is_some_and(|(indent, _)| column < *indent) {
                self.indents.pop();
                self.push(Kind::Dedent, self.at);
            }
            let (top, top_alternate) = self.indents.last().copied().unwrap_or((0, 0));
            if column != top {
                let end = self.line_end();
                let mut trouble =
                    *Trouble::new("unindent does not match any outer indentation level", end, end);
                trouble.kind = ErrorKind::Indentation;
                trouble.end_offset = Some(-1);
                trouble.lazy = true;
                return Err(Box::new(trouble));
            }
            if alternate != top_alternate {
                return Err(mixed_indentation(self));
            }
        }
        Ok(())
    }

    fn line_end(&self) -> usize {
        self.source[self.at..].find(['\n', '\r']).map_or(self.source.len(), |at| self.at + at)
    }

    fn end(&mut self) -> Step {
        if let Some((bracket, place)) = self.brackets.last().copied() {
            return self.unclosed(bracket, place);
        }
        let blank = self.tokens.last().is_none_or(|token| matches!(token.kind, Kind::Newline | Kind::Dedent));
        if !blank {
            self.push(Kind::Newline, self.at);
            if let Some(last) = self.tokens.last_mut() {
                last.end += 1;
            }
        }
        while self.indents.len() > 1 {
            self.indents.pop();
            self.push(Kind::Dedent, self.at);
        }
        self.push(Kind::End, self.at);
        Ok(())
    }

    /// "'(' was never closed"
    pub(super) fn unclosed<T>(&self, bracket: u8, place: usize) -> Step<T> {
        let mut trouble = *Trouble::new(format!("'{}' was never closed", bracket as char), place, place);
        trouble.incomplete = true;
        trouble.end_offset = Some(0);
        Err(Box::new(trouble))
    }

    fn token(&mut self) -> Step {
        let start = self.at;
        let Some(c) = self.char() else { return Ok(()) };
        if is_name_start(c) {
            return self.name_or_string(start);
        }
        match c {
            '0'..='9' => return self.number(start),
            '.' if self.byte(1).is_ascii_digit() => return self.number(start),
            '"' | '\'' => return self.string(start, start),
            '\\' => return self.continuation(),
            _ => {}
        }
        if self.string_field_token(c)? {
            return Ok(());
        }
        let rest = &self.source[self.at..];
        if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
            return self.operator(start, operator);
        }
        if c == '!' || c == '$' || c == '?' || c == '`' {
            self.at += 1;
            self.push(Kind::Op, start);
            return Ok(());
        }
        self.invalid_character(start, c)
    }

    fn invalid_character(&mut self, start: usize, c: char) -> Step {
        let code = c as u32;
        if code < 0x20 || code == 0x7f || !is_printable(c) {
            return self.error_at(format!("invalid non-printable character U+{code:04X}"), start, start);
        }
        self.error_at(format!("invalid character '{c}' (U+{code:04X})"), start, start)
    }

    fn continuation(&mut self) -> Step {
        self.at += 1;
        if self.at >= self.bytes.len() {
            return self.error_at_eof();
        }
        match self.at_newline() {
            Some(width) => {
                self.at += width;
                if self.at >= self.bytes.len() {
                    return self.error_at_eof();
                }
                self.line_start = self.at;
                Ok(())
            }
            None => {
                let message = "unexpected character after line continuation character";
                let mut trouble = Trouble::new(message, self.at, self.at);
                (trouble.end_offset, trouble.lazy) = (Some(0), true);
                Err(trouble)
            }
        }
    }

    fn error_at_eof(&self) -> Step {
        // CPython points behind the backslash, at the end of its line.
        let place = self.source.trim_end_matches(['\n', '\r']).len();
        let mut trouble = Trouble::new("unexpected EOF while parsing", place, place);
        (trouble.end_offset, trouble.lazy) = (Some(-1), true);
        trouble.line_end = LineEnd::Added;
        trouble.incomplete = true;
        Err(trouble)
    }

    fn operator(&mut self, start: usize, operator: &str) -> Step {
        self.at += operator.len();
        match operator.as_bytes() {
            [open @ (b'(' | b'[' | b'{')] => {
                if self.brackets.len() >= MAX_BRACKETS {
                    return self.error("too many nested parentheses");
                }
                self.brackets.push((*open, start));
            }
            [close @ (b')' | b']' | b'}')] => self.close(*close, start)?,
            _ => {}
        }
        self.push(Kind::Op, start);
        Ok(())
    }

    fn close(&mut self, close: u8, start: usize) -> Step {
        let shown = close as char;
        let prefix = match self.strings.last() {
            Some(string) if string.fields.last().is_some_and(|field| self.brackets.len() <= field.level) => {
                if string.template {
                    "t-string: "
                } else {
                    "f-string: "
                }
            }
            _ => "",
        };
        let Some((open, place)) = self.brackets.last().copied() else {
            return self.error_at(format!("unmatched '{shown}'"), start, start);
        };
        let matching = matches!((open, close), (b'(', b')') | (b'[', b']') | (b'{', b'}'));
        if !matching {
            if !prefix.is_empty() {
                return self.error_at(format!("{prefix}unmatched '{shown}'"), start, start);
            }
            let opened = open as char;
            let newlines = |upto: usize| self.source[..upto].bytes().filter(|byte| *byte == b'\n').count();
            let line = newlines(place) + 1;
            let message = if line == newlines(start) + 1 {
                format!("closing parenthesis '{shown}' does not match opening parenthesis '{opened}'")
            } else {
                format!(
                    "closing parenthesis '{shown}' does not match opening parenthesis '{opened}' on line {line}"
                )
            };
            return self.error_at(message, start, start);
        }
        self.brackets.pop();
        if let Some(string) = self.strings.last_mut()
            && string.fields.last().is_some_and(|field| self.brackets.len() + 1 == field.level)
        {
            string.fields.pop();
        }
        Ok(())
    }

    // ---- numbers ----

    fn digits(&mut self, valid: fn(u8) -> bool) -> Result<(), ()> {
        loop {
            while valid(self.byte(0)) {
                self.at += 1;
            }
            if self.byte(0) != b'_' {
                return Ok(());
            }
            self.at += 1;
            if !valid(self.byte(0)) {
                return Err(());
            }
        }
    }

    fn number(&mut self, start: usize) -> Step {
        if self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'X' | b'o' | b'O' | b'b' | b'B') {
            return self.based_number(start);
        }
        let mut what = "decimal";
        if self.byte(0) == b'0' {
            self.leading_zero(start)?;
        } else if self.byte(0) != b'.' && self.digits(|b| b.is_ascii_digit()).is_err() {
            return self.bad_digit("invalid decimal literal");
        }
        if self.byte(0) == b'.' {
            self.at += 1;
            if self.byte(0).is_ascii_digit() && self.digits(|b| b.is_ascii_digit()).is_err() {
                return self.bad_digit("invalid decimal literal");
            }
        }
        if matches!(self.byte(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if self.byte(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                if self.digits(|b| b.is_ascii_digit()).is_err() {
                    return self.bad_digit("invalid decimal literal");
                }
            } else if sign == 1 {
                self.at += 2;
                return self.bad_digit("invalid decimal literal");
            }
        }
        if matches!(self.byte(0), b'j' | b'J') {
            self.at += 1;
            what = "imaginary";
        }
        self.after_number(start, what)
    }

    /// An error at the character after `at`.
    fn bad_digit<T>(&mut self, message: &str) -> Step<T> {
        self.error(message)
    }

    fn leading_zero(&mut self, start: usize) -> Step {
        let mut nonzero = false;
        loop {
            while self.byte(0).is_ascii_digit() {
                nonzero |= self.byte(0) != b'0';
                self.at += 1;
            }
            if self.byte(0) != b'_' {
                break;
            }
            self.at += 1;
            if !self.byte(0).is_ascii_digit() {
                return self.bad_digit("invalid decimal literal");
            }
        }
        let goes_on = matches!(self.byte(0), b'.' | b'e' | b'E' | b'j' | b'J');
        if nonzero && !goes_on {
            let zeros = self.source[start..self.at].bytes().take_while(|b| matches!(b, b'0' | b'_')).count();
            let message = "leading zeros in decimal integer literals are not permitted; \
                           use an 0o prefix for octal integers";
            return self.error_at(message, start, start + zeros);
        }
        Ok(())
    }

    fn based_number(&mut self, start: usize) -> Step {
        let (what, valid): (_, fn(u8) -> bool) = match self.byte(1) {
            b'x' | b'X' => ("hexadecimal", |b| b.is_ascii_hexdigit()),
            b'o' | b'O' => ("octal", |b| (b'0'..=b'7').contains(&b)),
            _ => ("binary", |b| matches!(b, b'0' | b'1')),
        };
        self.at += 2;
        let mut first = true;
        while first || self.byte(0) == b'_' {
            first = false;
            if self.byte(0) == b'_' {
                self.at += 1;
            }
            if !valid(self.byte(0)) {
                if self.byte(0).is_ascii_digit() {
                    return self.invalid_digit(what);
                }
                return self.bad_digit(&format!("invalid {what} literal"));
            }
            while valid(self.byte(0)) {
                self.at += 1;
            }
        }
        if self.byte(0).is_ascii_digit() {
            return self.invalid_digit(what);
        }
        self.after_number(start, what)
    }

    fn invalid_digit(&mut self, what: &str) -> Step {
        let digit = self.byte(0) as char;
        let place = self.at;
        self.error_at(format!("invalid digit '{digit}' in {what} literal"), place, place)
    }

    /// A number may be followed by some keywords, but by no other name.
    fn after_number(&mut self, start: usize, what: &str) -> Step {
        let rest = &self.source[self.at..];
        let name: String = rest.chars().take_while(|c| is_name_continue(*c)).collect();
        const ALLOWED: [&str; 7] = ["and", "else", "for", "if", "in", "is", "or"];
        let keyword = ALLOWED.iter().any(|keyword| name.starts_with(keyword)) || name.starts_with("not");
        if !name.is_empty() && !keyword {
            if !name.is_ascii() && !name.starts_with(|c: char| c.is_ascii()) {
                self.push(Kind::Number, start);
                return Ok(());
            }
            return self.bad_digit(&format!("invalid {what} literal"));
        }
        self.push(Kind::Number, start);
        Ok(())
    }

    // ---- names and strings ----

    fn name_or_string(&mut self, start: usize) -> Step {
        while let Some(c) = self.char().filter(|c| is_name_continue(*c)) {
            self.at += c.len_utf8();
        }
        let name = &self.source[start..self.at];
        let quoted = matches!(self.byte(0), b'"' | b'\'') && self.at < self.bytes.len();
        if quoted && name.len() <= 3 && name.bytes().all(|b| b"rRbBuUfFtT".contains(&b)) {
            self.check_prefix(start, name)?;
            return self.string(start, self.at);
        }
        if let Some((offset, c)) = name.char_indices().find(|(_, c)| !c.is_ascii() && !c.is_alphanumeric()) {
            let _ = (offset, c);
        }
        self.push(Kind::Name, start);
        Ok(())
    }

    fn check_prefix(&self, start: usize, name: &str) -> Step {
        let lower = name.to_ascii_lowercase();
        let has = |c: char| lower.contains(c);
        for (a, b) in [('u', 'b'), ('u', 'r'), ('u', 'f'), ('u', 't'), ('b', 'f'), ('b', 't'), ('f', 't')] {
            if has(a) && has(b) {
                let message = format!("'{a}' and '{b}' prefixes are incompatible");
                return self.error_at(message, start, self.at);
            }
        }
        Ok(())
    }

    fn string(&mut self, start: usize, quote_at: usize) -> Step {
        self.at = quote_at;
        let quote = self.byte(0);
        let triple = self.byte(1) == quote && self.byte(2) == quote;
        let prefix = self.source[start..quote_at].to_ascii_lowercase();
        self.at += if triple { 3 } else { 1 };
        if prefix.contains('f') || prefix.contains('t') {
            self.push(Kind::FStart, start);
            self.strings.push(Interpolated {
                start,
                quote,
                triple,
                raw: prefix.contains('r'),
                template: prefix.contains('t'),
                fields: Vec::new(),
            });
            return Ok(());
        }
        let mut escaped_quote = false;
        loop {
            if self.at >= self.bytes.len() || (!triple && self.at_newline().is_some()) {
                if let Some(string) = self.strings.last()
                    && (string.quote, string.triple) == (quote, triple)
                {
                    let name = if string.template { "t" } else { "f" };
                    return self.error_at(format!("{name}-string: expecting '}}'"), start, start);
                }
                return self.unterminated(start, triple, "string", escaped_quote);
            }
            let byte = self.byte(0);
            if byte == b'\\' {
                escaped_quote |= self.byte(1) == quote;
                self.at += 1;
                self.at += self.at_newline().unwrap_or_else(|| self.char().map_or(0, char::len_utf8));
                continue;
            }
            if byte == quote && (!triple || (self.byte(1) == quote && self.byte(2) == quote)) {
                self.at += if triple { 3 } else { 1 };
                break;
            }
            self.at += 1;
        }
        self.push(Kind::Str, start);
        Ok(())
    }

    fn unterminated<T>(&self, start: usize, triple: bool, what: &str, escaped: bool) -> Step<T> {
        let lines = self.source[..self.at.min(self.source.len())].bytes().filter(|b| *b == b'\n').count();
        let mut line = lines + 1;
        if triple && self.source[..self.at].ends_with('\n') {
            line -= 1;
        }
        let mut trouble = match triple {
            true => *Trouble::new(
                format!("unterminated triple-quoted {what} literal (detected at line {line})"),
                start,
                start,
            ),
            false if escaped => *Trouble::new(
                format!(
                    "unterminated {what} literal (detected at line {line}); perhaps you escaped the end quote?"
                ),
                start,
                start,
            ),
            false => {
                *Trouble::new(format!("unterminated {what} literal (detected at line {line})"), start, start)
            }
        };
        trouble.incomplete = triple || self.at >= self.bytes.len() && self.source.ends_with("\\\n");
        Err(Box::new(trouble))
    }

    /// Text of an interpolating string, up to a field or the end.
    fn string_text(&mut self) -> Step {
        let Some(string) = self.strings.last() else { return Ok(()) };
        let (start, quote, triple, raw) = (string.start, string.quote, string.triple, string.raw);
        let in_spec = string.fields.last().is_some();
        let name = if string.template { "t" } else { "f" };
        let begin = self.at;
        loop {
            if self.at >= self.bytes.len() || (!triple && self.at_newline().is_some()) {
                if in_spec && self.at < self.bytes.len() {
                    let message = format!(
                        "{name}-string: newlines are not allowed in format specifiers for single quoted {name}-strings"
                    );
                    return self.error_at(message, self.at, self.at);
                }
                if in_spec {
                    return self.error(format!("{name}-string: expecting '}}', or format specs"));
                }
                return self.unterminated(start, triple, &format!("{name}-string"), false);
            }
            let byte = self.byte(0);
            let closes = byte == quote && (!triple || (self.byte(1) == quote && self.byte(2) == quote));
            match byte {
                b'\\' if !raw && self.byte(1) == b'N' && self.byte(2) == b'{' => {
                    self.at += self.source[self.at..].find('}').map_or(3, |at| at + 1);
                }
                b'\\' => {
                    self.at += 1;
                    if !matches!(self.byte(0), b'{' | b'}') {
                        self.at += self.at_newline().unwrap_or_else(|| self.char().map_or(0, char::len_utf8));
                    }
                }
                b'{' if self.byte(1) == b'{' && !in_spec => self.at += 2,
                b'{' => {
                    self.push_text(begin);
                    return self.open_field();
                }
                b'}' if in_spec => {
                    self.push_text(begin);
                    let place = self.at;
                    return self.operator(place, "}");
                }
                b'}' if self.byte(1) == b'}' => self.at += 2,
                b'}' => {
                    let place = self.at;
                    return self.error_at(format!("{name}-string: single '}}' is not allowed"), place, place);
                }
                _ if closes => {
                    if in_spec {
                        return self.error_at(
                            format!("{name}-string: expecting '}}', or format specs"),
                            self.at,
                            self.at,
                        );
                    }
                    self.push_text(begin);
                    let place = self.at;
                    self.at += if triple { 3 } else { 1 };
                    self.push(Kind::FEnd, place);
                    self.strings.pop();
                    return Ok(());
                }
                _ => self.at += 1,
            }
        }
    }

    fn push_text(&mut self, begin: usize) {
        if self.at > begin {
            self.push(Kind::FMiddle, begin);
        }
    }

    fn open_field(&mut self) -> Step {
        let place = self.at;
        self.operator(place, "{")?;
        let level = self.brackets.len();
        if let Some(string) = self.strings.last_mut() {
            string.fields.push(Field { level, in_spec: false });
            if string.fields.len() > 3 {
                return self.error_at("f-string: expressions nested too deeply", place, place);
            }
        }
        Ok(())
    }

    /// The characters that have a meaning of their own in a field: `!`, `:` and the string's quote.
    fn string_field_token(&mut self, c: char) -> Step<bool> {
        let level = self.brackets.len();
        let Some(string) = self.strings.last_mut() else { return Ok(false) };
        let Some(field) = string.fields.last_mut().filter(|field| field.level == level) else {
            return Ok(false);
        };
        let start = self.at;
        match c {
            ':' => {
                field.in_spec = true;
                self.at += 1;
                self.push(Kind::Op, start);
                Ok(true)
            }
            '!' if self.byte(1) != b'=' => {
                self.at += 1;
                self.push(Kind::Op, start);
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

fn mixed_indentation(tokenizer: &Tokenizer<'_>) -> Box<Trouble> {
    let start = tokenizer.line_start;
    let mut trouble = Trouble::new("inconsistent use of tabs and spaces in indentation", start, start);
    trouble.kind = ErrorKind::Tab;
    trouble.end_offset = Some(0);
    trouble.lazy = true;
    trouble
}

fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{a0}' | '\u{ad}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
            | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{fffb}')
}
