//! The format mini-language: `[[fill]align][sign][z][#][0][width][grouping][.precision[grouping]][type]`.
//!
//! [`FormatSpec::parse`] reads a specification and finds what is wrong whatever the object; the methods
//! `format_str`, `format_int`, `format_float` and `format_complex` find what is wrong for an object of that kind, and lay
//! the result out. Messages are CPython's. [`layout`] does the padding and the grouping of digits.

mod layout;
pub mod quick;
#[cfg(test)]
mod tests;

use crate::float::{Code, Style, format as format_float};
use crate::int::{self, IntError};
use crate::search::SizeError;
use crate::unicode::decimal_value;
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};
use layout::{Number, Separators};
use num_bigint::{BigInt, Sign as BigSign};
use num_traits::ToPrimitive;
use std::fmt;

/// Where the text stands in its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
    Center,
    /// `=`: the padding goes between sign and digits.
    AfterSign,
}

/// What stands before numbers that are not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Minus,
    Plus,
    Space,
}

/// How digits are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    None,
    Comma,
    Underscore,
}

impl Grouping {
    fn symbol(self) -> char {
        if self == Self::Underscore { '_' } else { ',' }
    }
}

/// What kind of object is formatted: it decides the default type and alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Str,
    Int,
    Float,
    Complex,
}

/// A parsed specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatSpec {
    pub fill: CodePoint,
    pub align: Align,
    pub sign: Option<Sign>,
    /// `z`
    pub no_negative_zero: bool,
    /// `#`
    pub alternate: bool,
    pub width: Option<usize>,
    pub grouping: Grouping,
    pub precision: Option<usize>,
    pub fraction_grouping: Grouping,
    /// The type; for ints and texts without one, `d` and `s`.
    pub code: Option<CodePoint>,
}

/// Decimal point and grouping of a locale, for the type `n`.
#[derive(Clone, Debug)]
pub struct Locale {
    pub decimal_point: Wtf8Buf,
    pub thousands_separator: Wtf8Buf,
    /// Sizes of the groups from the right, as in C's `lconv`: the last is repeated, 127 ends the grouping.
    pub grouping: Vec<u8>,
}

impl Default for Locale {
    /// The locale `C`: a point, and no grouping.
    fn default() -> Self {
        Self { decimal_point: ".".into(), thousands_separator: Wtf8Buf::new(), grouping: Vec::new() }
    }
}

/// What is wrong with a specification. A `ValueError` unless [`FormatError::is_overflow`] or it is a `Size` of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    TooManyDigits,
    MissingPrecision,
    CommaAndUnderscore,
    /// A grouping that the type cannot have.
    Grouping(char, CodePoint),
    /// The specification, and the name of the object's type.
    Invalid(String, String),
    /// An unknown type, and the name of the object's type.
    UnknownCode(CodePoint, String),
    /// An option that this kind of object does not have; the message.
    NotAllowed(&'static str),
    PrecisionTooBig,
    /// `OverflowError`: an int with type `c` that is no code point.
    NoCodePoint,
    /// `OverflowError`: an int with type `c` that doesn't fit a machine word.
    NoCLong,
    /// `OverflowError`: an int with a type for floats.
    NoFloat,
    Int(IntError),
    Size(SizeError),
}

impl FormatError {
    /// Whether it is an `OverflowError`.
    pub fn is_overflow(&self) -> bool {
        matches!(self, Self::NoCodePoint | Self::NoCLong | Self::NoFloat)
    }
}

impl From<SizeError> for FormatError {
    fn from(error: SizeError) -> Self {
        Self::Size(error)
    }
}

/// A type code as messages show it.
fn shown(code: CodePoint) -> String {
    match code.to_u32() {
        0x21..0x80 => code.to_char_lossy().to_string(),
        other => format!("\\x{other:x}"),
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyDigits => f.write_str("Too many decimal digits in format string"),
            Self::MissingPrecision => f.write_str("Format specifier missing precision"),
            Self::CommaAndUnderscore => f.write_str("Cannot specify both ',' and '_'."),
            Self::Grouping(symbol, code) => write!(f, "Cannot specify '{symbol}' with '{}'.", shown(*code)),
            Self::Invalid(spec, name) => {
                write!(f, "Invalid format specifier '{spec}' for object of type '{name}'")
            }
            Self::UnknownCode(code, name) => {
                write!(f, "Unknown format code '{}' for object of type '{name}'", shown(*code))
            }
            Self::NotAllowed(message) => f.write_str(message),
            Self::PrecisionTooBig => f.write_str("precision too big"),
            Self::NoCodePoint => f.write_str("%c arg not in range(0x110000)"),
            Self::NoCLong => f.write_str("Python int too large to convert to C long"),
            Self::NoFloat => f.write_str("int too large to convert to float"),
            Self::Int(error) => error.fmt(f),
            Self::Size(error) => error.fmt(f),
        }
    }
}

/// Reads a specification from left to right.
struct Parser<'a> {
    rest: &'a Wtf8,
}

impl Parser<'_> {
    fn peek(&self) -> Option<CodePoint> {
        self.rest.code_points().next()
    }

    fn skip(&mut self) {
        let width = self.peek().map_or(0, CodePoint::len_wtf8);
        self.rest = self.rest.slice_from(width);
    }

    fn eat(&mut self, expected: char) -> bool {
        let found = self.peek().is_some_and(|c| c == expected);
        if found {
            self.skip();
        }
        found
    }

    fn number(&mut self) -> Result<Option<usize>, FormatError> {
        let mut value: Option<usize> = None;
        while let Some(digit) = self.peek().and_then(decimal_value) {
            let grown = value.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(digit.into()));
            value = Some(grown.filter(|&n| isize::try_from(n).is_ok()).ok_or(FormatError::TooManyDigits)?);
            self.skip();
        }
        Ok(value)
    }

    /// Fill and alignment.
    fn alignment(&mut self) -> (Option<CodePoint>, Option<Align>) {
        let mut ahead = self.rest.code_points();
        let (first, second) = (ahead.next(), ahead.next());
        if let Some(align) = second.and_then(align_of) {
            self.skip();
            self.skip();
            return (first, Some(align));
        }
        let align = first.and_then(align_of);
        if align.is_some() {
            self.skip();
        }
        (None, align)
    }

    fn sign(&mut self) -> Option<Sign> {
        let sign = match self.peek()?.to_char()? {
            '+' => Sign::Plus,
            '-' => Sign::Minus,
            ' ' => Sign::Space,
            _ => return None,
        };
        self.skip();
        Some(sign)
    }

    fn grouping(&mut self) -> Result<Grouping, FormatError> {
        let comma = self.eat(',');
        let underscore = self.eat('_');
        match (comma, underscore) {
            (true, true) => Err(FormatError::CommaAndUnderscore),
            (true, false) => Ok(Grouping::Comma),
            (false, true) if self.peek().is_some_and(|c| c == ',') => Err(FormatError::CommaAndUnderscore),
            (false, true) => Ok(Grouping::Underscore),
            (false, false) => Ok(Grouping::None),
        }
    }
}

fn align_of(c: CodePoint) -> Option<Align> {
    match c.to_char()? {
        '<' => Some(Align::Left),
        '>' => Some(Align::Right),
        '^' => Some(Align::Center),
        '=' => Some(Align::AfterSign),
        _ => None,
    }
}

const SPACE: CodePoint = CodePoint::from_u8(b' ');
const ZERO: CodePoint = CodePoint::from_u8(b'0');
/// Precisions are C ints in CPython.
const MAX_PRECISION: usize = i32::MAX as usize;
const DEFAULT_PRECISION: usize = 6;

impl FormatSpec {
    /// Reads a specification for an object of this kind, whose type has this name.
    ///
    /// # Errors
    /// `FormatError` when the specification is wrong whatever the object's value.
    pub fn parse(spec: &Wtf8, kind: Kind, type_name: &str) -> Result<Self, FormatError> {
        let mut parser = Parser { rest: spec };
        let default_align = if kind == Kind::Str { Align::Left } else { Align::Right };
        let (fill, align) = parser.alignment();
        let sign = parser.sign();
        let no_negative_zero = parser.eat('z');
        let alternate = parser.eat('#');
        let zero = fill.is_none() && parser.eat('0');
        let padded = if zero && default_align == Align::Right { Align::AfterSign } else { default_align };
        let width = parser.number()?;
        let grouping = parser.grouping()?;
        let (precision, fraction_grouping) = if parser.eat('.') {
            let precision = parser.number()?;
            let grouping = parser.grouping()?;
            if precision.is_none() && grouping == Grouping::None {
                return Err(FormatError::MissingPrecision);
            }
            (precision, grouping)
        } else {
            (None, Grouping::None)
        };
        let code = parser.peek();
        parser.skip();
        if !parser.rest.is_empty() {
            return Err(FormatError::Invalid(spec.to_string(), type_name.to_owned()));
        }
        let default_code = match kind {
            Kind::Str => Some(CodePoint::from_u8(b's')),
            Kind::Int => Some(CodePoint::from_u8(b'd')),
            Kind::Float | Kind::Complex => None,
        };
        let parsed = Self {
            fill: fill.unwrap_or(if zero { ZERO } else { SPACE }),
            align: align.unwrap_or(padded),
            sign,
            no_negative_zero,
            alternate,
            width,
            grouping,
            precision,
            fraction_grouping,
            code: code.or(default_code),
        };
        parsed.check_grouping()?;
        Ok(parsed)
    }

    fn check_grouping(&self) -> Result<(), FormatError> {
        let Some(code) = self.code else { return Ok(()) };
        let allowed = match self.grouping {
            Grouping::None => true,
            Grouping::Comma => "defgEG%F".contains(code.to_char_lossy()),
            Grouping::Underscore => "defgEG%FboxX".contains(code.to_char_lossy()),
        };
        if !allowed {
            return Err(FormatError::Grouping(self.grouping.symbol(), code));
        }
        if code == 'n' && self.fraction_grouping != Grouping::None {
            return Err(FormatError::Grouping(self.fraction_grouping.symbol(), code));
        }
        Ok(())
    }

    fn unknown_code(&self, type_name: &str) -> FormatError {
        FormatError::UnknownCode(self.code.unwrap_or_default(), type_name.to_owned())
    }

    /// The type as a `char`; `'\0'` if there is none.
    fn code_char(&self) -> char {
        self.code.map_or('\0', CodePoint::to_char_lossy)
    }

    /// Formats a text.
    ///
    /// # Errors
    /// `FormatError` when the specification has what texts don't.
    pub fn format_str(&self, text: &Wtf8, type_name: &str) -> Result<Wtf8Buf, FormatError> {
        if self.code_char() != 's' {
            return Err(self.unknown_code(type_name));
        }
        let refused = match self.sign {
            Some(Sign::Space) => Some("Space not allowed in string format specifier"),
            Some(_) => Some("Sign not allowed in string format specifier"),
            None if self.no_negative_zero => {
                Some("Negative zero coercion (z) not allowed in string format specifier")
            }
            None if self.alternate => Some("Alternate form (#) not allowed in string format specifier"),
            None if self.align == Align::AfterSign => {
                Some("'=' alignment not allowed in string format specifier")
            }
            None => None,
        };
        if let Some(message) = refused {
            return Err(FormatError::NotAllowed(message));
        }
        let end = self.precision.and_then(|n| text.offset_of_index(n)).unwrap_or(text.len());
        Ok(layout::pad(text.slice_to(end), self)?)
    }

    /// Formats an int. `limit` bounds the decimal digits of big ones, see [`int::to_decimal`].
    ///
    /// # Errors
    /// `FormatError` when the specification has what ints don't, or the int doesn't fit it.
    pub fn format_int(
        &self,
        value: IntValue<'_>,
        locale: &Locale,
        limit: usize,
        type_name: &str,
    ) -> Result<Wtf8Buf, FormatError> {
        let base = match self.code_char() {
            'b' => 2,
            'o' => 8,
            'x' | 'X' => 16,
            'd' | 'n' | 'c' => 10,
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' => {
                return self.format_float(value.to_float()?, locale, type_name);
            }
            _ => return Err(self.unknown_code(type_name)),
        };
        if self.precision.is_some() {
            return Err(FormatError::NotAllowed("Precision not allowed in integer format specifier"));
        }
        if self.no_negative_zero {
            let message = "Negative zero coercion (z) not allowed in integer format specifier";
            return Err(FormatError::NotAllowed(message));
        }
        if self.code_char() == 'c' {
            return self.format_code_point(value);
        }
        let digits = value.digits(base, self.code_char() == 'X', limit)?;
        let prefix = match (self.alternate, self.code_char()) {
            (true, 'b') => "0b",
            (true, 'o') => "0o",
            (true, 'x') => "0x",
            (true, 'X') => "0X",
            _ => "",
        };
        let number = Number { prefix, whole: &digits, ..Number::new(self.sign_text(value.is_negative())) };
        Ok(layout::number(&number, self, &self.separators(locale, base != 10))?)
    }

    /// An int with type `c`.
    fn format_code_point(&self, value: IntValue<'_>) -> Result<Wtf8Buf, FormatError> {
        if self.sign.is_some() {
            return Err(FormatError::NotAllowed("Sign not allowed with integer format specifier 'c'"));
        }
        if self.alternate {
            return Err(FormatError::NotAllowed(
                "Alternate form (#) not allowed with integer format specifier 'c'",
            ));
        }
        let value = value.to_i64().ok_or(FormatError::NoCLong)?;
        let c = u32::try_from(value).ok().and_then(CodePoint::from_u32).ok_or(FormatError::NoCodePoint)?;
        let text = Wtf8Buf::from(c);
        let number = Number { rest: &text, ..Number::new("") };
        Ok(layout::number(&number, self, &Separators::none())?)
    }

    /// Formats a float.
    ///
    /// # Errors
    /// `FormatError` when the specification has what floats don't.
    pub fn format_float(&self, x: f64, locale: &Locale, type_name: &str) -> Result<Wtf8Buf, FormatError> {
        let (code, default) = match self.code_char() {
            '\0' => (if self.precision.is_some() { Code::General } else { Code::Repr }, 0),
            'e' | 'E' => (Code::Exponent, DEFAULT_PRECISION),
            'f' | 'F' | '%' => (Code::Fixed, DEFAULT_PRECISION),
            'g' | 'G' | 'n' => (Code::General, DEFAULT_PRECISION),
            _ => return Err(self.unknown_code(type_name)),
        };
        let mut style = self.float_style(code, default)?;
        style.add_dot_zero = self.code.is_none();
        let percent = self.code_char() == '%';
        let mut text = format_float(if percent { x * 100.0 } else { x }, &style);
        if percent {
            text.push('%');
        }
        self.lay_out(&text, locale)
    }

    /// Lays out a number that is text already: digits, a point, an exponent, a percent sign.
    ///
    /// # Errors
    /// `FormatError::Size` when the result is too large.
    pub fn lay_out(&self, text: &str, locale: &Locale) -> Result<Wtf8Buf, FormatError> {
        let negative = text.starts_with('-');
        let body = text.strip_prefix('-').unwrap_or(text);
        let number = Number::from_float(self.sign_text(negative), body);
        Ok(layout::number(&number, self, &self.separators(locale, false))?)
    }

    fn float_style(&self, code: Code, default: usize) -> Result<Style, FormatError> {
        let precision = self.precision.unwrap_or(default);
        if precision > MAX_PRECISION {
            return Err(FormatError::PrecisionTooBig);
        }
        let mut style = Style::new(code, precision);
        style.alternate = self.alternate;
        style.no_negative_zero = self.no_negative_zero;
        style.upper = matches!(self.code_char(), 'E' | 'F' | 'G');
        Ok(style)
    }

    /// Formats a complex number.
    ///
    /// # Errors
    /// `FormatError` when the specification has what complex numbers don't.
    pub fn format_complex(
        &self,
        (real, imaginary): (f64, f64),
        locale: &Locale,
        type_name: &str,
    ) -> Result<Wtf8Buf, FormatError> {
        let (code, default) = match self.code_char() {
            '\0' => (if self.precision.is_some() { Code::General } else { Code::Repr }, 0),
            'e' | 'E' => (Code::Exponent, DEFAULT_PRECISION),
            'f' | 'F' => (Code::Fixed, DEFAULT_PRECISION),
            'g' | 'G' | 'n' => (Code::General, DEFAULT_PRECISION),
            _ => return Err(self.unknown_code(type_name)),
        };
        if self.fill == ZERO {
            return Err(FormatError::NotAllowed("Zero padding is not allowed in complex format specifier"));
        }
        if self.align == Align::AfterSign {
            let message = "'=' alignment flag is not allowed in complex format specifier";
            return Err(FormatError::NotAllowed(message));
        }
        let style = self.float_style(code, default)?;
        let separators = self.separators(locale, false);
        let part = |x: f64, sign: Option<Sign>| {
            let text = format_float(x, &style);
            let negative = text.starts_with('-');
            let body = text.strip_prefix('-').unwrap_or(&text);
            let bare = Self { width: None, sign, ..*self };
            layout::number(&Number::from_float(bare.sign_text(negative), body), &bare, &separators)
        };
        let plain = self.code.is_none();
        let skips_real = plain && real == 0.0 && real.is_sign_positive();
        let mut text = Wtf8Buf::new();
        if skips_real {
            text.push_wtf8(&part(imaginary, self.sign)?);
            text.push_str("j");
        } else {
            text.push_str(if plain { "(" } else { "" });
            text.push_wtf8(&part(real, self.sign)?);
            text.push_wtf8(&part(imaginary, Some(Sign::Plus))?);
            text.push_str(if plain { "j)" } else { "j" });
        }
        Ok(layout::pad(&text, self)?)
    }

    fn sign_text(&self, negative: bool) -> &'static str {
        match (negative, self.sign) {
            (true, _) => "-",
            (false, Some(Sign::Plus)) => "+",
            (false, Some(Sign::Space)) => " ",
            (false, _) => "",
        }
    }

    fn separators<'a>(&self, locale: &'a Locale, by_four: bool) -> Separators<'a> {
        if self.code_char() == 'n' {
            return Separators::of_locale(locale);
        }
        Separators::new(self.grouping, self.fraction_grouping, by_four)
    }
}

/// An int to format.
#[derive(Clone, Copy, Debug)]
pub enum IntValue<'a> {
    Small(i64),
    Big(&'a BigInt),
}

impl IntValue<'_> {
    fn is_negative(self) -> bool {
        match self {
            Self::Small(n) => n < 0,
            Self::Big(n) => n.sign() == BigSign::Minus,
        }
    }

    fn to_i64(self) -> Option<i64> {
        match self {
            Self::Small(n) => Some(n),
            Self::Big(n) => n.to_i64(),
        }
    }

    fn to_float(self) -> Result<f64, FormatError> {
        let x = match self {
            Self::Small(n) => n as f64,
            Self::Big(n) => n.to_f64().unwrap_or(f64::INFINITY),
        };
        if x.is_finite() { Ok(x) } else { Err(FormatError::NoFloat) }
    }

    /// The digits without a sign.
    fn digits(self, base: u32, upper: bool, limit: usize) -> Result<String, FormatError> {
        match self {
            Self::Small(n) => Ok(int::digits_of_small(n.unsigned_abs(), base, upper)),
            Self::Big(n) if base == 10 => {
                let text = int::to_decimal(n, limit).map_err(FormatError::Int)?;
                Ok(text.trim_start_matches('-').to_owned())
            }
            Self::Big(n) => Ok(int::digits_of_big(n, base, upper)),
        }
    }
}
