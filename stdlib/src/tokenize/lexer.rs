//! Python's tokens as the `tokenize` module shows them, from source text.
//!
//! Not the compiler's lexer: this one keeps comments, blank lines and the text of every token, and lets pass what only a
//! parser would refuse. Strings with expressions in them (PEP 701, 750) are lexed in modes: the text between the
//! expressions is one mode, the expressions are ordinary code whose end the depth of brackets tells.

use orochi_text::unicode::{is_identifier_continue, is_identifier_start};
use orochi_text::wtf8::CodePoint;

/// Numbers of kinds of tokens, CPython's.
pub(super) mod kind {
    pub(crate) const ENDMARKER: u8 = 0;
    pub(crate) const NAME: u8 = 1;
    pub(crate) const NUMBER: u8 = 2;
    pub(crate) const STRING: u8 = 3;
    pub(crate) const NEWLINE: u8 = 4;
    pub(crate) const INDENT: u8 = 5;
    pub(crate) const DEDENT: u8 = 6;
    pub(crate) const OP: u8 = 55;
    pub(crate) const FSTRING_START: u8 = 59;
    pub(crate) const COMMENT: u8 = 65;
    pub(crate) const NL: u8 = 66;
}

/// Operators and delimiters with their own numbers, longest first.
#[rustfmt::skip]
pub(super) const OPERATORS: &[(&str, u8)] = &[
    ("**=", 46), ("...", 52), ("//=", 48), ("<<=", 44), (">>=", 45), ("!=", 28), ("%=", 40), ("&=", 41), ("**", 35),
    ("*=", 38), ("+=", 36), ("-=", 37), ("->", 51), ("//", 47), ("/=", 39), (":=", 53), ("<<", 33), ("<=", 29),
    ("==", 27), (">=", 30), (">>", 34), ("@=", 50), ("^=", 43), ("|=", 42), ("!", 54), ("%", 24), ("&", 19), ("(", 7),
    (")", 8), ("*", 16), ("+", 14), (",", 12), ("-", 15), (".", 23), ("/", 17), (":", 11), (";", 13), ("<", 20),
    ("=", 22), (">", 21), ("@", 49), ("[", 9), ("]", 10), ("^", 32), ("{", 25), ("|", 18), ("}", 26), ("~", 31),
];

/// A place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) line: usize,
    /// Where the line begins.
    pub(super) line_start: usize,
}

/// A token: its kind, and where it begins and ends.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: u8,
    pub(super) start: Place,
    pub(super) end: Place,
    /// The number of the operator.
    pub(super) exact: u8,
}

/// What is wrong with the text.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) indentation: bool,
    /// It is about one place, not about the whole line.
    pub(super) ends: bool,
    pub(super) at: Place,
}

struct Template {
    quote: char,
    triple: bool,
    raw: bool,
    /// 0 for f-strings, 3 for t-strings: what their kinds are above the f-strings'.
    shift: u8,
    start: Place,
    /// The open expressions: the depth of brackets inside each, and whether its format is being read.
    open: Vec<(usize, bool)>,
}

pub(super) struct Lexer {
    text: String,
    at: Place,
    /// The text had no newline at its end; where it ended.
    cut: Option<usize>,
    indents: Vec<(usize, usize)>,
    dedents: usize,
    line_begins: bool,
    depth: usize,
    templates: Vec<Template>,
    /// The innermost template's text is read, not an expression in it.
    in_text: bool,
    /// There was something but comments on the line.
    code_on_line: bool,
    /// The same of the line before.
    ended_with_code: bool,
    finished: bool,
    /// A number may be followed by a name, and begin with zeros.
    liberal: bool,
}

/// How deep lines may be indented, the outermost ones included.
const MOST_INDENTS: usize = 100;

impl Lexer {
    pub(super) fn new(mut text: String, liberal: bool) -> Lexer {
        let cut = (!text.is_empty() && !text.ends_with('\n')).then_some(text.len());
        if cut.is_some() {
            text.push('\n');
        }
        Lexer {
            text,
            at: Place { offset: 0, line: 1, line_start: 0 },
            cut,
            indents: vec![(0, 0)],
            dedents: 0,
            line_begins: true,
            depth: 0,
            templates: Vec::new(),
            in_text: false,
            code_on_line: false,
            ended_with_code: false,
            finished: false,
            liberal,
        }
    }

    /// The text between two places.
    pub(super) fn slice(&self, start: Place, end: Place) -> &str {
        let end = self.cut.map_or(end.offset, |cut| end.offset.min(cut));
        self.text.get(start.offset.min(end)..end).unwrap_or("")
    }

    /// The lines that a token is on.
    pub(super) fn lines(&self, start: Place, end: Place) -> &str {
        let rest = self.text.get(end.offset..).unwrap_or("");
        // A token that ends a line ends in it, not at the start of the next.
        let stop = if end.offset > start.offset && end.offset == end.line_start && end.line == start.line + 1
        {
            let first = self.text.get(start.offset..end.offset).unwrap_or("");
            if first.trim_end_matches(['\r', '\n']).is_empty() {
                end.offset
            } else {
                self.line_end(end.offset, rest)
            }
        } else {
            self.line_end(end.offset, rest)
        };
        let stop = self.cut.map_or(stop, |cut| stop.min(cut));
        self.text.get(start.line_start.min(stop)..stop).unwrap_or("")
    }

    fn line_end(&self, offset: usize, rest: &str) -> usize {
        rest.find('\n').map_or(self.text.len(), |found| offset + found + 1)
    }

    /// Whether there is any text.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The last line of the text, if there was code on it.
    pub(super) fn last_line(&self) -> &str {
        if !self.ended_with_code {
            return "";
        }
        let text = self.text.get(..self.cut.unwrap_or(self.text.len())).unwrap_or("");
        let start = text.strip_suffix('\n').unwrap_or(text).rfind('\n').map_or(0, |found| found + 1);
        text.get(start..).unwrap_or("")
    }

    /// The column of a place, in characters.
    pub(super) fn column(&self, place: Place) -> usize {
        self.text.get(place.line_start..place.offset).map_or(0, |part| part.chars().count())
    }

    /// The text of the line of a place.
    pub(super) fn line_at(&self, place: Place) -> &str {
        let rest = self.text.get(place.line_start..).unwrap_or("");
        rest.split('\n').next().unwrap_or("")
    }

    fn rest(&self) -> &str {
        self.text.get(self.at.offset..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn peek_at(&self, n: usize) -> Option<char> {
        self.rest().chars().nth(n)
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at.offset += c.len_utf8();
        if c == '\n' {
            self.at.line += 1;
            self.at.line_start = self.at.offset;
        }
        Some(c)
    }

    fn bump_while(&mut self, test: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&test) {
            self.bump();
        }
    }

    fn token(&self, kind: u8, start: Place) -> Token {
        Token { kind, start, end: self.at, exact: kind }
    }

    fn problem<T>(&self, message: impl Into<String>, at: Place) -> Result<T, Problem> {
        Err(Problem { message: message.into(), indentation: false, ends: true, at })
    }

    /// The next token; `None` behind the last.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Problem> {
        loop {
            if self.dedents > 0 {
                self.dedents -= 1;
                return Ok(Some(self.token(kind::DEDENT, self.at)));
            }
            if self.in_text {
                if let Some(token) = self.template_text()? {
                    return Ok(Some(token));
                }
                continue;
            }
            if self.line_begins {
                if let Some(token) = self.begin_line()? {
                    return Ok(Some(token));
                }
                continue;
            }
            self.bump_while(|c| matches!(c, ' ' | '\t' | '\x0C'));
            match self.peek() {
                None => return self.end(),
                Some('\\') => self.continuation()?,
                Some('#') => return Ok(Some(self.comment())),
                Some('\n') => return Ok(Some(self.newline())),
                Some('\r') if self.peek_at(1) == Some('\n') => return Ok(Some(self.newline())),
                Some(c) => {
                    self.code_on_line = true;
                    return self.code(c).map(Some);
                }
            }
        }
    }

    fn end(&mut self) -> Result<Option<Token>, Problem> {
        if self.finished {
            return Ok(None);
        }
        if self.depth > 0 {
            let line = self.at.line.saturating_sub(1).max(1);
            let at = Place { offset: 0, line, line_start: usize::MAX };
            return self.problem("unexpected EOF in multi-line statement", at);
        }
        if self.indents.len() > 1 {
            self.dedents = self.indents.len() - 1;
            self.indents.truncate(1);
            self.dedents -= 1;
            return Ok(Some(self.token(kind::DEDENT, self.at)));
        }
        self.finished = true;
        Ok(Some(self.token(kind::ENDMARKER, self.at)))
    }

    /// The indentation of a line.
    fn begin_line(&mut self) -> Result<Option<Token>, Problem> {
        let start = self.at;
        let (mut column, mut alternative) = (0, 0);
        while let Some(c) = self.peek() {
            match c {
                ' ' => (column, alternative) = (column + 1, alternative + 1),
                '\t' => (column, alternative) = (column / 8 * 8 + 8, alternative + 1),
                '\x0C' => (column, alternative) = (0, 0),
                _ => break,
            }
            self.bump();
        }
        self.line_begins = false;
        self.code_on_line = false;
        if matches!(self.peek(), None | Some('#' | '\n' | '\r')) {
            return Ok(None);
        }
        let &(outer, _) = self.indents.last().unwrap_or(&(0, 0));
        if column > outer {
            if self.indents.len() >= MOST_INDENTS {
                let message = "too many levels of indentation".to_owned();
                return Err(Problem { message, indentation: true, ends: false, at: self.at });
            }
            self.indents.push((column, alternative));
            return Ok(Some(self.token(kind::INDENT, start)));
        }
        let mut dedents = 0;
        while self.indents.len() > 1 && self.indents.last().is_some_and(|(indent, _)| column < *indent) {
            self.indents.pop();
            dedents += 1;
        }
        if self.indents.last().is_some_and(|(indent, _)| column != *indent) {
            let message = "unindent does not match any outer indentation level".to_owned();
            return Err(Problem { message, indentation: true, ends: false, at: self.at });
        }
        self.dedents = dedents;
        Ok(None)
    }

    fn continuation(&mut self) -> Result<(), Problem> {
        self.bump();
        if self.peek() == Some('\r') {
            self.bump();
        }
        if self.peek() != Some('\n') {
            let message = "unexpected character after line continuation character".to_owned();
            return Err(Problem { message, indentation: false, ends: false, at: self.at });
        }
        self.bump();
        if self.peek().is_none() {
            return self.problem("unexpected EOF while parsing", self.at);
        }
        Ok(())
    }

    fn comment(&mut self) -> Token {
        let start = self.at;
        self.bump_while(|c| c != '\n' && c != '\r');
        self.token(kind::COMMENT, start)
    }

    fn newline(&mut self) -> Token {
        let start = self.at;
        if self.peek() == Some('\r') {
            self.bump();
        }
        self.bump();
        let nl = self.depth > 0 || !self.code_on_line;
        self.line_begins = self.depth == 0;
        self.ended_with_code = self.code_on_line;
        let mut token = self.token(if nl { kind::NL } else { kind::NEWLINE }, start);
        // The end of the token is in the line that it ends.
        token.end = Place { offset: self.at.offset, line: start.line, line_start: start.line_start };
        token
    }

    fn code(&mut self, c: char) -> Result<Token, Problem> {
        let start = self.at;
        if c.is_ascii_digit() || c == '.' && self.peek_at(1).is_some_and(|next| next.is_ascii_digit()) {
            return self.number(start);
        }
        if c == '"' || c == '\'' {
            return self.string(start, "");
        }
        if is_identifier_start(CodePoint::from_char(c)) || c == '_' {
            self.bump_while(|c| is_identifier_continue(CodePoint::from_char(c)));
            let name = self.slice(start, self.at).to_ascii_lowercase();
            if matches!(self.peek(), Some('"' | '\'')) && is_prefix(&name) {
                return self.string(start, &name);
            }
            return Ok(self.token(kind::NAME, start));
        }
        if !c.is_ascii() {
            let code = c as u32;
            return self.problem(
                if orochi_text::unicode::is_printable(CodePoint::from_char(c)) {
                    format!("invalid character '{c}' (U+{code:04X})")
                } else {
                    format!("invalid non-printable character U+{code:04X}")
                },
                start,
            );
        }
        Ok(self.operator(c, start))
    }

    fn operator(&mut self, c: char, start: Place) -> Token {
        if let Some(template) = self.templates.last_mut()
            && let Some((depth, in_format)) = template.open.last_mut()
            && *depth == self.depth
        {
            // The end of the expression, or the start of its format.
            if c == ':' || c == '}' {
                if c == ':' {
                    *in_format = true;
                } else {
                    template.open.pop();
                    self.depth -= 1;
                }
                self.in_text = true;
                self.bump();
                return Token { exact: if c == ':' { 11 } else { 26 }, ..self.token(kind::OP, start) };
            }
        }
        let rest = self.rest();
        let found = OPERATORS.iter().find(|(text, _)| rest.starts_with(text));
        let (len, exact) = found.map_or((1, kind::OP), |(text, exact)| (text.len(), *exact));
        match c {
            '(' | '[' | '{' => self.depth += 1,
            ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        for _ in 0..len {
            self.bump();
        }
        Token { exact, ..self.token(kind::OP, start) }
    }

    fn digits(&mut self, radix: u32) -> bool {
        let mut any = false;
        loop {
            let before = self.at;
            self.bump_while(|c| c.is_digit(radix));
            any |= self.at != before;
            if self.peek() == Some('_') && self.peek_at(1).is_some_and(|c| c.is_digit(radix)) {
                self.bump();
                continue;
            }
            return any;
        }
    }

    /// The place of the character before, which is ASCII.
    fn before(&self) -> Place {
        Place { offset: self.at.offset.saturating_sub(1), ..self.at }
    }

    /// The digits of a number with a base.
    fn based(&mut self, radix: u32, name: &str) -> Result<(), Problem> {
        self.bump();
        self.bump();
        if self.peek() == Some('_') {
            self.bump();
        }
        if !self.digits(radix) {
            return self.problem(format!("invalid {name} literal"), self.before());
        }
        match self.peek().filter(char::is_ascii_digit) {
            Some(digit) => self.problem(format!("invalid digit '{digit}' in {name} literal"), self.at),
            None => Ok(()),
        }
    }

    /// The exponent of a float, if there is one.
    fn exponent(&mut self) -> Result<(), Problem> {
        if !matches!(self.peek(), Some('e' | 'E')) {
            return Ok(());
        }
        let sign = usize::from(matches!(self.peek_at(1), Some('+' | '-')));
        let has_digits = self.peek_at(1 + sign).is_some_and(|c| c.is_ascii_digit());
        if !has_digits && sign == 0 {
            return Ok(());
        }
        self.bump();
        if !has_digits {
            return self.problem("invalid decimal literal", self.at);
        }
        if sign == 1 {
            self.bump();
        }
        self.digits(10);
        Ok(())
    }

    fn number(&mut self, start: Place) -> Result<Token, Problem> {
        let base = match (self.peek(), self.peek_at(1).map(|c| c.to_ascii_lowercase())) {
            (Some('0'), Some('x')) => Some((16, "hexadecimal")),
            (Some('0'), Some('o')) => Some((8, "octal")),
            (Some('0'), Some('b')) => Some((2, "binary")),
            _ => None,
        };
        let mut what = "decimal";
        if let Some((radix, name)) = base {
            what = name;
            self.based(radix, name)?;
        } else {
            self.digits(10);
            let whole = self.slice(start, self.at);
            let zeros =
                whole.len() > 1 && whole.starts_with('0') && whole.contains(|c| matches!(c, '1'..='9'));
            if self.peek() == Some('.') {
                self.bump();
                if self.peek() != Some('_') {
                    self.digits(10);
                }
            }
            self.exponent()?;
            if zeros
                && !self.liberal
                && self.slice(start, self.at).bytes().all(|b| b != b'.' && !b.is_ascii_alphabetic())
                && !matches!(self.peek(), Some('j' | 'J'))
            {
                let message = "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers";
                return self.problem(message, start);
            }
            if matches!(self.peek(), Some('j' | 'J')) {
                self.bump();
                what = "imaginary";
            }
        }
        let ends_in_digit = !self.slice(start, self.at).ends_with('.');
        if self.peek() == Some('_') && ends_in_digit && what != "imaginary" {
            return self.problem(format!("invalid {what} literal"), self.at);
        }
        if !self.liberal
            && self.peek().is_some_and(|c| c == '_' || is_identifier_start(CodePoint::from_char(c)))
            && !["and", "else", "for", "if", "in", "is", "not", "or"]
                .iter()
                .any(|word| self.rest().starts_with(word))
        {
            return self.problem(format!("invalid {what} literal"), self.before());
        }
        Ok(self.token(kind::NUMBER, start))
    }

    /// A string literal; its prefix is read already.
    fn string(&mut self, start: Place, prefix: &str) -> Result<Token, Problem> {
        let quote = self.bump().unwrap_or('"');
        let triple = self.peek() == Some(quote) && self.peek_at(1) == Some(quote);
        if triple {
            self.bump();
            self.bump();
        }
        if prefix.contains(['f', 't']) {
            let shift = if prefix.contains('t') { 3 } else { 0 };
            let raw = prefix.contains('r');
            self.templates.push(Template { quote, triple, raw, shift, start, open: Vec::new() });
            self.in_text = true;
            return Ok(self.token(kind::FSTRING_START + shift, start));
        }
        loop {
            match self.peek() {
                None => return self.unterminated_triple("string", start),
                Some('\n') if !triple => {
                    if self.templates.last().is_some_and(|outer| outer.quote == quote && !outer.triple) {
                        let what = self.template_name();
                        return self.problem(format!("{what}: expecting '}}'"), start);
                    }
                    let line = self.at.line;
                    return self
                        .problem(format!("unterminated string literal (detected at line {line})"), start);
                }
                Some('\\') => {
                    self.bump();
                    if self.peek() == Some('\r') {
                        self.bump();
                    }
                    self.bump();
                }
                Some(c) => {
                    if c == quote && (!triple || self.ends_triple(quote)) {
                        for _ in 0..if triple { 3 } else { 1 } {
                            self.bump();
                        }
                        return Ok(self.token(kind::STRING, start));
                    }
                    self.bump();
                }
            }
        }
    }

    fn ends_triple(&self, quote: char) -> bool {
        self.peek_at(1) == Some(quote) && self.peek_at(2) == Some(quote)
    }

    fn template_name(&self) -> &'static str {
        match self.templates.last() {
            Some(template) if template.shift > 0 => "t-string",
            _ => "f-string",
        }
    }

    fn unterminated_triple<T>(&self, what: &str, start: Place) -> Result<T, Problem> {
        let line = self.at.line.saturating_sub(1).max(start.line);
        self.problem(format!("unterminated triple-quoted {what} literal (detected at line {line})"), start)
    }

    /// A piece of a template's text, or its end. `None` if an expression begins right here.
    fn template_text(&mut self) -> Result<Option<Token>, Problem> {
        let Some(template) = self.templates.last() else {
            self.in_text = false;
            return Ok(None);
        };
        let (quote, triple, raw, shift) = (template.quote, template.triple, template.raw, template.shift);
        let in_format = template.open.last().is_some_and(|(_, in_format)| *in_format);
        let (first, start) = (template.start, self.at);
        let middle = kind::FSTRING_START + 1 + shift;
        loop {
            let Some(c) = self.peek() else {
                let what = self.template_name();
                return self.unterminated_triple(what, first);
            };
            if c == quote && (!triple || self.ends_triple(quote)) && !(in_format && triple) {
                if self.at != start {
                    return Ok(Some(self.token(middle, start)));
                }
                for _ in 0..if triple { 3 } else { 1 } {
                    self.bump();
                }
                self.templates.pop();
                // An expression of the outer template goes on.
                self.in_text = false;
                return Ok(Some(self.token(kind::FSTRING_START + 2 + shift, start)));
            }
            match c {
                '\n' if !triple => {
                    let (what, line) = (self.template_name(), self.at.line);
                    return self
                        .problem(format!("unterminated {what} literal (detected at line {line})"), first);
                }
                '{' if self.peek_at(1) == Some('{') && !in_format => {
                    return Ok(Some(self.doubled(middle, start)));
                }
                '{' => {
                    if self.at != start {
                        return Ok(Some(self.token(middle, start)));
                    }
                    self.bump();
                    self.depth += 1;
                    let depth = self.depth;
                    if let Some(template) = self.templates.last_mut() {
                        template.open.push((depth, false));
                    }
                    self.in_text = false;
                    return Ok(Some(Token { exact: 25, ..self.token(kind::OP, start) }));
                }
                '}' if in_format => {
                    self.in_text = false;
                    return Ok(Some(self.token(middle, start)));
                }
                '}' if self.peek_at(1) == Some('}') => return Ok(Some(self.doubled(middle, start))),
                '}' => {
                    let what = self.template_name();
                    return self.problem(format!("{what}: single '}}' is not allowed"), self.at);
                }
                '\\' => {
                    self.bump();
                    if !raw && self.peek() == Some('N') && self.peek_at(1) == Some('{') {
                        self.bump_while(|c| c != '}' && c != '\n');
                        self.bump();
                        return Ok(Some(self.token(middle, start)));
                    }
                    if !matches!(self.peek(), Some('{' | '}')) {
                        self.bump();
                    }
                }
                _ => {
                    self.bump();
                }
            }
        }
    }

    /// A doubled brace, which stands for one: the piece ends with the first.
    fn doubled(&mut self, middle: u8, start: Place) -> Token {
        self.bump();
        let token = self.token(middle, start);
        self.bump();
        token
    }
}

fn is_prefix(name: &str) -> bool {
    matches!(name, "r" | "b" | "u" | "f" | "t" | "rb" | "br" | "fr" | "rf" | "tr" | "rt")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(u8, String)> {
        let mut lexer = Lexer::new(text.to_owned(), true);
        let mut all = Vec::new();
        while let Ok(Some(token)) = lexer.next() {
            all.push((token.kind, lexer.slice(token.start, token.end).to_owned()));
        }
        all
    }

    #[test]
    fn templates_nest() {
        let found: Vec<u8> = kinds("f\"a{x!r:>{w}}b{{}}\"\n").into_iter().map(|(kind, _)| kind).collect();
        let expected = [59, 60, 55, 1, 55, 1, 55, 60, 55, 1, 55, 60, 55, 60, 60, 61, 4, 0];
        assert_eq!(found, expected);
    }

    #[test]
    fn blocks_end() {
        let found: Vec<u8> = kinds("if a:\n  b\n# c\nd").into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(found, [1, 1, 55, 4, 5, 1, 4, 65, 66, 6, 1, 4, 0]);
    }
}
