//! Templates of `str.format`: literal text and replacement fields, and what a field's name is made of.
//!
//! [`Template`] yields pieces from left to right, so that what comes before a mistake has been evaluated when the mistake
//! is reported, as in CPython. A field's format specification may itself be a template: the caller expands it, at most
//! [`MAX_DEPTH`] levels deep, with the same [`AutoNumber`]. All errors are a `ValueError`.

use crate::unicode::decimal_value;
use crate::wtf8::{CodePoint, Wtf8};
use std::fmt;

/// How deep templates nest: the template itself, and its fields' specifications.
pub const MAX_DEPTH: usize = 2;

/// What is wrong with a template; displays as CPython's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateError {
    SingleOpen,
    SingleClose,
    OpenInName,
    EndInConversion,
    ColonExpected,
    UnmatchedInSpec,
    CloseExpected,
    MissingBracket,
    AfterBracket,
    EmptyAttribute,
    TooManyDigits,
    ManualToAutomatic,
    AutomaticToManual,
    /// For the caller: templates nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// For the caller: a conversion other than `r`, `s` and `a`.
    UnknownConversion(CodePoint),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SingleOpen => "Single '{' encountered in format string",
            Self::SingleClose => "Single '}' encountered in format string",
            Self::OpenInName => "unexpected '{' in field name",
            Self::EndInConversion => "end of string while looking for conversion specifier",
            Self::ColonExpected => "expected ':' after conversion specifier",
            Self::UnmatchedInSpec => "unmatched '{' in format spec",
            Self::CloseExpected => "expected '}' before end of string",
            Self::MissingBracket => "Missing ']' in format string",
            Self::AfterBracket => "Only '.' or '[' may follow ']' in format field specifier",
            Self::EmptyAttribute => "Empty attribute in format string",
            Self::TooManyDigits => "Too many decimal digits in format string",
            Self::ManualToAutomatic => {
                "cannot switch from manual field specification to automatic field numbering"
            }
            Self::AutomaticToManual => {
                "cannot switch from automatic field numbering to manual field specification"
            }
            Self::TooDeep => "Max string recursion exceeded",
            Self::UnknownConversion(c) => {
                return match c.to_u32() {
                    0x21..0x7F => write!(f, "Unknown conversion specifier {}", c.to_char_lossy()),
                    code => write!(f, "Unknown conversion specifier \\x{code:x}"),
                };
            }
        })
    }
}

/// A replacement field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// What stands before `!` and `:`; see [`split_field_name`].
    pub name: &'a Wtf8,
    /// The character after `!`.
    pub conversion: Option<CodePoint>,
    /// What stands after `:`, or nothing.
    pub spec: &'a Wtf8,
    /// Whether the specification has fields of its own.
    pub spec_has_fields: bool,
}

/// Literal text, and the field that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    pub literal: &'a Wtf8,
    pub field: Option<Field<'a>>,
}

/// The pieces of a template. After an error there is nothing more.
#[derive(Clone, Debug)]
pub struct Template<'a> {
    text: &'a Wtf8,
    at: usize,
}

impl<'a> Template<'a> {
    pub fn new(text: &'a Wtf8) -> Self {
        Self { text, at: 0 }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn piece(&mut self) -> Result<Piece<'a>, TemplateError> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let Some(found) = memchr::memchr2(b'{', b'}', rest) else {
            self.at = self.text.len();
            return Ok(Piece { literal: self.text.slice_from(start), field: None });
        };
        let brace_at = start + found;
        let brace = self.byte(brace_at);
        let next = self.byte(brace_at + 1);
        self.at = brace_at + 1;
        if next == brace {
            // A doubled brace ends the literal with one of the two.
            self.at += 1;
            return Ok(Piece { literal: self.text.slice(start, brace_at + 1), field: None });
        }
        if brace == Some(b'}') {
            return Err(TemplateError::SingleClose);
        }
        if next.is_none() {
            return Err(TemplateError::SingleOpen);
        }
        let literal = self.text.slice(start, brace_at);
        Ok(Piece { literal, field: Some(self.field()?) })
    }

    /// What follows an opening brace, up to and including its closing one.
    fn field(&mut self) -> Result<Field<'a>, TemplateError> {
        let start = self.at;
        let end = self.name_end()?;
        let mut field = Field {
            name: self.text.slice(start, end),
            conversion: None,
            spec: Wtf8::empty(),
            spec_has_fields: false,
        };
        let mut terminator = self.byte(end);
        self.at = end + 1;
        if terminator == Some(b'!') {
            let conversion = self.text.code_point_at(self.at).ok_or(TemplateError::EndInConversion)?;
            self.at += conversion.len_wtf8();
            field.conversion = Some(conversion);
            terminator = self.byte(self.at);
            match terminator {
                Some(b'}') | Some(b':') => self.at += 1,
                Some(_) => return Err(TemplateError::ColonExpected),
                None => return Err(TemplateError::UnmatchedInSpec),
            }
        }
        if terminator == Some(b':') {
            let start = self.at;
            let end = self.spec_end()?;
            field.spec = self.text.slice(start, end);
            field.spec_has_fields = memchr::memchr(b'{', field.spec.as_bytes()).is_some();
            self.at = end + 1;
        }
        Ok(field)
    }

    /// Where the name ends: at `}`, `:` or `!` outside of brackets.
    fn name_end(&self) -> Result<usize, TemplateError> {
        let mut at = self.at;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'{' => return Err(TemplateError::OpenInName),
                b'}' | b':' | b'!' => return Ok(at),
                b'[' => {
                    let rest = self.text.as_bytes().get(at..).unwrap_or_default();
                    at += memchr::memchr(b']', rest).unwrap_or(rest.len());
                }
                _ => at += 1,
            }
        }
        Err(TemplateError::CloseExpected)
    }

    /// Where the specification ends: at the brace that closes the field.
    fn spec_end(&self) -> Result<usize, TemplateError> {
        let mut depth = 1;
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        for found in memchr::memchr2_iter(b'{', b'}', rest) {
            if rest.get(found) == Some(&b'{') {
                depth += 1;
            } else {
                depth -= 1;
            }
            if depth == 0 {
                return Ok(self.at + found);
            }
        }
        Err(TemplateError::UnmatchedInSpec)
    }
}

impl<'a> Iterator for Template<'a> {
    type Item = Result<Piece<'a>, TemplateError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.text.len() {
            return None;
        }
        let piece = self.piece();
        if piece.is_err() {
            self.at = self.text.len();
        }
        Some(piece)
    }
}

/// What a field's name begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First<'a> {
    /// Nothing: the next argument in order.
    Automatic,
    Index(usize),
    Name(&'a Wtf8),
}

/// What follows in a field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accessor<'a> {
    Attribute(&'a Wtf8),
    Index(usize),
    Key(&'a Wtf8),
}

/// Takes a field's name apart.
///
/// # Errors
/// `TemplateError::TooManyDigits` for an index that is no machine word.
pub fn split_field_name(name: &Wtf8) -> Result<(First<'_>, Accessors<'_>), TemplateError> {
    let end = memchr::memchr2(b'.', b'[', name.as_bytes()).unwrap_or(name.len());
    let first = name.slice_to(end);
    let first = match index(first)? {
        _ if first.is_empty() => First::Automatic,
        Some(index) => First::Index(index),
        None => First::Name(first),
    };
    Ok((first, Accessors { rest: name.slice_from(end) }))
}

/// A text of decimal digits as a number; `None` for others.
fn index(text: &Wtf8) -> Result<Option<usize>, TemplateError> {
    let mut value: usize = 0;
    for c in text.code_points() {
        let Some(digit) = decimal_value(c) else { return Ok(None) };
        let grown = value.checked_mul(10).and_then(|n| n.checked_add(digit.into()));
        value = grown.filter(|&n| isize::try_from(n).is_ok()).ok_or(TemplateError::TooManyDigits)?;
    }
    Ok((!text.is_empty()).then_some(value))
}

/// The attributes and items of a field's name. After an error there is nothing more.
#[derive(Clone, Debug)]
pub struct Accessors<'a> {
    rest: &'a Wtf8,
}

impl<'a> Accessors<'a> {
    fn accessor(&mut self) -> Result<Accessor<'a>, TemplateError> {
        let bytes = self.rest.as_bytes();
        let end_of = |found: Option<usize>| found.map_or(bytes.len(), |at| at + 1);
        let rest = bytes.get(1..).unwrap_or_default();
        let (name, after, is_attribute) = match bytes.first() {
            Some(b'.') => {
                let end = end_of(memchr::memchr2(b'.', b'[', rest));
                (self.rest.slice(1, end), end, true)
            }
            Some(b'[') => {
                let end = memchr::memchr(b']', rest).ok_or(TemplateError::MissingBracket)? + 1;
                (self.rest.slice(1, end), end + 1, false)
            }
            _ => return Err(TemplateError::AfterBracket),
        };
        if name.is_empty() {
            return Err(TemplateError::EmptyAttribute);
        }
        self.rest = self.rest.slice_from(after);
        if is_attribute {
            return Ok(Accessor::Attribute(name));
        }
        Ok(index(name)?.map_or(Accessor::Key(name), Accessor::Index))
    }
}

impl<'a> Iterator for Accessors<'a> {
    type Item = Result<Accessor<'a>, TemplateError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let accessor = self.accessor();
        if accessor.is_err() {
            self.rest = Wtf8::empty();
        }
        Some(accessor)
    }
}

/// Numbers the fields without a name of one template and the specifications in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct AutoNumber {
    /// Whether fields are numbered by themselves; not known before the first.
    automatic: Option<bool>,
    next: usize,
}

impl AutoNumber {
    /// The index that a field stands for; `Err(name)` inside `Ok` for a keyword.
    ///
    /// # Errors
    /// `TemplateError` when fields with and without a number are mixed.
    pub fn resolve<'a>(&mut self, first: First<'a>) -> Result<Result<usize, &'a Wtf8>, TemplateError> {
        let automatic = match first {
            First::Name(name) => return Ok(Err(name)),
            First::Automatic => true,
            First::Index(_) => false,
        };
        match (self.automatic.get_or_insert(automatic), first) {
            (true, First::Index(_)) => Err(TemplateError::AutomaticToManual),
            (false, First::Automatic) => Err(TemplateError::ManualToAutomatic),
            (_, First::Index(index)) => Ok(Ok(index)),
            _ => {
                self.next += 1;
                Ok(Ok(self.next - 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{Check, Random};

    fn show_piece(piece: Result<Piece<'_>, TemplateError>) -> String {
        match piece {
            Err(error) => format!("ValueError: {error}"),
            Ok(Piece { literal, field: None }) => format!("[{literal}]"),
            Ok(Piece { literal, field: Some(field) }) => {
                let conversion = field.conversion.map(|c| c.to_char_lossy().to_string()).unwrap_or_default();
                format!("[{literal}] [{}] [{}] [{conversion}]", field.name, field.spec)
            }
        }
    }

    fn show_name(name: &Wtf8) -> String {
        let Ok((first, accessors)) = split_field_name(name) else { return "error".into() };
        let mut text = match first {
            First::Automatic => "''".into(),
            First::Index(index) => index.to_string(),
            First::Name(name) => format!("'{name}'"),
        };
        for accessor in accessors {
            match accessor {
                Ok(Accessor::Attribute(name)) => text += &format!(" .{name}"),
                Ok(Accessor::Index(index)) => text += &format!(" [{index}]"),
                Ok(Accessor::Key(name)) => text += &format!(" ['{name}']"),
                Err(error) => return format!("{text} ValueError: {error}"),
            }
        }
        text
    }

    #[test]
    fn templates() {
        let mut check = Check::new("templates");
        let mut random = Random(13);
        for _ in 0..20_000 {
            let length = random.below(9);
            let text: String = (0..length)
                .map(|_| {
                    random.pick(&[
                        "{", "}", "{", "}", "a", "0", "!", ":", ".", "[", "]", "r", "{}", "é", "{0", ">",
                    ])
                })
                .collect();
            let pieces: Vec<_> = Template::new(Wtf8::new(&text)).map(show_piece).collect();
            let name = Wtf8::new(&text);
            check.line(format_args!("{text} | {} | {}", pieces.join(" "), show_name(name)));
        }
        check.finish();
    }

    #[test]
    fn numbering() {
        let mut auto = AutoNumber::default();
        assert_eq!(auto.resolve(First::Automatic), Ok(Ok(0)));
        assert_eq!(auto.resolve(First::Name(Wtf8::new("a"))), Ok(Err(Wtf8::new("a"))));
        assert_eq!(auto.resolve(First::Automatic), Ok(Ok(1)));
        assert_eq!(auto.resolve(First::Index(3)), Err(TemplateError::AutomaticToManual));
        let mut manual = AutoNumber::default();
        assert_eq!(manual.resolve(First::Index(3)), Ok(Ok(3)));
        assert_eq!(manual.resolve(First::Automatic), Err(TemplateError::ManualToAutomatic));
    }
}
