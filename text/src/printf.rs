//! Formats of the `%` operator, for `str` and `bytes`: `%[(key)][flags][width][.precision][size]type`.
//!
//! [`Pieces`] yields literal text and conversions from left to right, so that arguments are taken in order and what comes
//! before a mistake has been evaluated when the mistake is reported. The caller fetches arguments, those
//! for `*` first, converts them, and has [`Conversion`] lay the result out.

use crate::float;
use crate::search::{Buffer, Justify, SizeError, Text, justify};
use std::fmt;

/// What is wrong with a format. A `ValueError`, but for `NotMapping`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintfError {
    Incomplete,
    IncompleteKey,
    WidthTooBig,
    PrecisionTooBig,
    /// As `bytes` puts it.
    PrecTooBig,
    /// A type that there is not, and the index of its character.
    Unsupported {
        code: u32,
        index: usize,
    },
    /// `TypeError`: a key, though the argument is no mapping.
    NotMapping,
}

impl fmt::Display for PrintfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => f.write_str("incomplete format"),
            Self::IncompleteKey => f.write_str("incomplete format key"),
            Self::WidthTooBig => f.write_str("width too big"),
            Self::PrecisionTooBig => f.write_str("precision too big"),
            Self::PrecTooBig => f.write_str("prec too big"),
            Self::Unsupported { code, index } => {
                let shown = char::from_u32(*code).filter(|c| matches!(c, ' '..='~')).unwrap_or('?');
                write!(f, "unsupported format character '{shown}' ({code:#x}) at index {index}")
            }
            Self::NotMapping => f.write_str("format requires a mapping"),
        }
    }
}

/// A width or a precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    Given(usize),
    /// `*`: the next argument. It must be an int (`TypeError: * wants int`). A negative width means `-` and its absolute
    /// value, a negative precision 0.
    Star,
}

/// What stands between `%` and the type.
#[derive(Debug, PartialEq, Eq)]
pub struct Conversion<'a, T: ?Sized> {
    pub key: Option<&'a T>,
    /// `-`
    pub left: bool,
    /// `+`
    pub plus: bool,
    /// A blank.
    pub blank: bool,
    /// `#`
    pub alternate: bool,
    /// `0`
    pub zero: bool,
    pub width: Option<Amount>,
    pub precision: Option<Amount>,
    /// The type, as a code point or byte. Not checked: an argument is taken first, then [`Conversion::unsupported`]
    /// is the error for what the caller does not know.
    pub code: u32,
    /// The format up to the type.
    pub before: &'a T,
}

/// Part of a format.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a, T: ?Sized> {
    /// Text as it is; `%%` yields `%`.
    Literal(&'a T),
    Conversion(Conversion<'a, T>),
}

/// The parts of a format. After an error there is nothing more.
#[derive(Debug)]
pub struct Pieces<'a, T: ?Sized> {
    format: &'a T,
    at: usize,
    is_mapping: bool,
    is_bytes: bool,
}

impl<'a> Pieces<'a, crate::Wtf8> {
    /// The parts of a `str`. `is_mapping` says whether keys can be looked up in the argument.
    pub fn of_str(format: &'a crate::Wtf8, is_mapping: bool) -> Self {
        Self { format, at: 0, is_mapping, is_bytes: false }
    }

    /// Takes the text up to the next `%`.
    #[inline]
    pub fn literal(&mut self) -> &'a crate::Wtf8 {
        let (start, rest) = (self.at, self.format.bytes().get(self.at..).unwrap_or_default());
        self.at = start + memchr::memchr(b'%', rest).unwrap_or(rest.len());
        self.format.cut(start, self.at)
    }

    /// Takes a conversion that is nothing but `%s` or `%d`, with a key perhaps if there is a mapping: the key and the type.
    #[inline]
    pub fn plain(&mut self) -> Option<(Option<&'a crate::Wtf8>, u8)> {
        let rest = self.format.bytes().get(self.at..)?;
        let (key, end) = match rest {
            [b'%', b'(', key @ ..] if self.is_mapping => {
                let end = memchr::memchr2(b'(', b')', key).filter(|&end| key.get(end) == Some(&b')'))?;
                (Some(self.format.cut(self.at + 2, self.at + 2 + end)), end + 3)
            }
            [b'%', ..] => (None, 1),
            _ => return None,
        };
        let code = *rest.get(end)?;
        if !matches!(code, b's' | b'd') {
            return None;
        }
        self.at += end + 1;
        Some((key, code))
    }
}

impl<'a> Pieces<'a, [u8]> {
    /// The parts of a `bytes` object.
    pub fn of_bytes(format: &'a [u8], is_mapping: bool) -> Self {
        Self { format, at: 0, is_mapping, is_bytes: true }
    }
}

impl<'a, T: Text + ?Sized> Pieces<'a, T> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.format.bytes().get(at).copied()
    }

    /// The byte here, which is not the last thing that a conversion needs.
    fn need(&self) -> Result<u8, PrintfError> {
        self.byte(self.at).ok_or(PrintfError::Incomplete)
    }

    fn piece(&mut self) -> Result<Piece<'a, T>, PrintfError> {
        let start = self.at;
        let rest = self.format.bytes().get(start..).unwrap_or_default();
        let percent = start + memchr::memchr(b'%', rest).unwrap_or(rest.len());
        if percent > start {
            self.at = percent;
            return Ok(Piece::Literal(self.format.cut(start, percent)));
        }
        if self.byte(start + 1) == Some(b'%') {
            self.at = start + 2;
            return Ok(Piece::Literal(self.format.cut(start, start + 1)));
        }
        self.at = start + 1;
        self.conversion().map(Piece::Conversion)
    }

    fn conversion(&mut self) -> Result<Conversion<'a, T>, PrintfError> {
        let key = self.key()?;
        let mut conversion = Conversion {
            key,
            left: false,
            plus: false,
            blank: false,
            alternate: false,
            zero: false,
            width: None,
            precision: None,
            code: 0,
            before: self.format.cut(0, 0),
        };
        self.flags(&mut conversion)?;
        conversion.width = self.amount(isize::MAX as usize, PrintfError::WidthTooBig)?;
        if self.need()? == b'.' {
            self.at += 1;
            self.need()?;
            let error = if self.is_bytes { PrintfError::PrecTooBig } else { PrintfError::PrecisionTooBig };
            conversion.precision = Some(self.amount(i32::MAX as usize, error)?.unwrap_or(Amount::Given(0)));
        }
        if matches!(self.need()?, b'h' | b'l' | b'L') {
            self.at += 1;
        }
        self.need()?;
        let width = self.format.unit_width(self.at);
        let unit = self.format.cut(self.at, self.at + width);
        conversion.code = code_of(unit.bytes());
        conversion.before = self.format.cut(0, self.at);
        self.at += width;
        Ok(conversion)
    }

    /// A key in parentheses, which may hold balanced ones.
    fn key(&mut self) -> Result<Option<&'a T>, PrintfError> {
        if self.byte(self.at) != Some(b'(') {
            return Ok(None);
        }
        if !self.is_mapping {
            return Err(PrintfError::NotMapping);
        }
        let start = self.at + 1;
        let rest = self.format.bytes().get(start..).unwrap_or_default();
        let mut depth = 1;
        for found in memchr::memchr2_iter(b'(', b')', rest) {
            if rest.get(found) == Some(&b'(') {
                depth += 1;
            } else {
                depth -= 1;
            }
            if depth == 0 {
                self.at = start + found + 1;
                return Ok(Some(self.format.cut(start, start + found)));
            }
        }
        Err(PrintfError::IncompleteKey)
    }

    fn flags(&mut self, conversion: &mut Conversion<'a, T>) -> Result<(), PrintfError> {
        loop {
            match self.need()? {
                b'-' => conversion.left = true,
                b'+' => conversion.plus = true,
                b' ' => conversion.blank = true,
                b'#' => conversion.alternate = true,
                b'0' => conversion.zero = true,
                _ => return Ok(()),
            }
            self.at += 1;
        }
    }

    fn amount(&mut self, limit: usize, error: PrintfError) -> Result<Option<Amount>, PrintfError> {
        if self.need()? == b'*' {
            self.at += 1;
            return Ok(Some(Amount::Star));
        }
        let mut value = None;
        while let Some(digit @ b'0'..=b'9') = self.byte(self.at) {
            let grown = value
                .unwrap_or(0_usize)
                .checked_mul(10)
                .and_then(|n| n.checked_add(usize::from(digit - b'0')));
            value = Some(grown.filter(|&n| n <= limit).ok_or(error)?);
            self.at += 1;
        }
        Ok(value.map(Amount::Given))
    }
}

/// The number of a single unit: a byte, or a code point in WTF-8.
fn code_of(unit: &[u8]) -> u32 {
    match unit {
        [byte] => u32::from(*byte),
        _ => crate::Wtf8::from_bytes(unit).and_then(|text| text.code_point_at(0)).map_or(0, |c| c.to_u32()),
    }
}

impl<'a, T: Text + ?Sized> Iterator for Pieces<'a, T> {
    type Item = Result<Piece<'a, T>, PrintfError>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = self.format.bytes().len();
        if self.at >= end {
            return None;
        }
        let piece = self.piece();
        if piece.is_err() {
            self.at = end;
        }
        Some(piece)
    }
}

/// How a converted argument is laid out: a conversion whose stars have been replaced.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    pub left: bool,
    pub plus: bool,
    pub blank: bool,
    pub alternate: bool,
    pub zero: bool,
    pub width: usize,
    pub precision: Option<usize>,
    /// An ASCII type.
    pub code: u8,
}

impl<T: Text + ?Sized> Conversion<'_, T> {
    /// The error for a type that there is not.
    pub fn unsupported(&self) -> PrintfError {
        PrintfError::Unsupported { code: self.code, index: self.index() }
    }

    /// The index of the type in the format, in units.
    pub fn index(&self) -> usize {
        self.before.units()
    }

    /// Whether there is nothing but the type, and maybe a key.
    #[inline]
    pub fn is_plain(&self) -> bool {
        !(self.left || self.plus || self.blank || self.alternate || self.zero)
            && self.width.is_none()
            && self.precision.is_none()
    }

    /// Puts arguments in the place of stars.
    pub fn layout(&self, width: Option<i64>, precision: Option<i64>) -> Layout {
        let (mut left, mut field) = (self.left, 0);
        match (self.width, width) {
            (Some(Amount::Given(n)), _) => field = n,
            (Some(Amount::Star), Some(n)) => {
                left |= n < 0;
                field = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
            }
            _ => {}
        }
        let precision = match (self.precision, precision) {
            (Some(Amount::Given(n)), _) => Some(n),
            (Some(Amount::Star), n) => Some(n.map_or(0, |n| usize::try_from(n).unwrap_or(0))),
            (None, _) => None,
        };
        Layout {
            left,
            plus: self.plus,
            blank: self.blank,
            alternate: self.alternate,
            zero: self.zero,
            width: field,
            precision,
            code: u8::try_from(self.code).unwrap_or(0),
        }
    }
}

impl Layout {
    /// Lays out a text (types `s`, `r`, `a`, `b`): cuts it to the precision and pads it with blanks.
    ///
    /// # Errors
    /// `SizeError` when the width is too large.
    pub fn text<T: Text + ?Sized>(&self, text: &T, blank: &T) -> Result<T::Buf, SizeError> {
        let text = match self.precision {
            Some(limit) => first_units(text, limit),
            None => text,
        };
        let side = if self.left { Justify::Left } else { Justify::Right };
        Ok(justify(text, self.width, blank, side)?.unwrap_or_else(|| {
            let mut same = T::Buf::default();
            same.push_text(text);
            same
        }))
    }

    /// Appends a text laid out so.
    ///
    /// # Errors
    /// `SizeError` when the width is too large.
    pub fn push_text(&self, text: &crate::Wtf8, out: &mut crate::Wtf8Buf) -> Result<(), SizeError> {
        let text = match self.precision {
            Some(limit) => first_units(text, limit),
            None => text,
        };
        let blanks = self.width.saturating_sub(text.units());
        out.try_reserve(blanks.checked_add(text.len()).ok_or(SizeError::Overflow)?)?;
        let (before, after) = if self.left { (0, blanks) } else { (blanks, 0) };
        out.push_ascii_repeated(b' ', before);
        out.push_wtf8(text);
        out.push_ascii_repeated(b' ', after);
        Ok(())
    }

    /// Appends an int that is given by its sign and its digits, if that takes no more than to pad it; false if it does.
    #[inline]
    pub fn push_plain_int(&self, negative: bool, digits: &[u8], out: &mut crate::Wtf8Buf) -> bool {
        /// Wider ones may be too wide.
        const WIDE: usize = 1 << 10;
        if self.plus || self.blank || self.alternate || self.precision.is_some() || self.width > WIDE {
            return false;
        }
        let fill = self.width.saturating_sub(digits.len() + usize::from(negative));
        let (blanks, zeros, after) = match (self.left, self.zero) {
            (true, _) => (0, 0, fill),
            (false, true) => (0, fill, 0),
            (false, false) => (fill, 0, 0),
        };
        out.push_ascii_repeated(b' ', blanks);
        if negative {
            out.push_ascii(b'-');
        }
        out.push_ascii_repeated(b'0', zeros);
        digits.iter().for_each(|&digit| out.push_ascii(digit));
        out.push_ascii_repeated(b' ', after);
        true
    }

    /// Lays out a character (type `c`): pads it with blanks, whatever the precision.
    ///
    /// # Errors
    /// `SizeError` when the width is too large.
    pub fn character<T: Text + ?Sized>(&self, text: &T, blank: &T) -> Result<T::Buf, SizeError> {
        Self { precision: None, ..*self }.text(text, blank)
    }

    /// Lays out an int given by its sign and its digits in the base of the type (`d`, `i`, `u`, `o`, `x`, `X`).
    ///
    /// # Errors
    /// `SizeError` when the width or the precision is too large.
    pub fn int(&self, negative: bool, digits: &str) -> Result<String, SizeError> {
        let prefix = match (self.alternate, self.code) {
            (true, b'o') => "0o",
            (true, b'x') => "0x",
            (true, b'X') => "0X",
            _ => "",
        };
        let zeros = self.precision.unwrap_or(0).saturating_sub(digits.len());
        self.number(negative, prefix, zeros, digits)
    }

    /// Lays out a float (types `e`, `E`, `f`, `F`, `g`, `G`).
    ///
    /// # Errors
    /// `SizeError` when the width is too large.
    pub fn float(&self, x: f64) -> Result<String, SizeError> {
        let code = match self.code.to_ascii_lowercase() {
            b'e' => float::Code::Exponent,
            b'f' => float::Code::Fixed,
            _ => float::Code::General,
        };
        let mut style = float::Style::new(code, self.precision.unwrap_or(6));
        style.upper = self.code.is_ascii_uppercase();
        style.alternate = self.alternate;
        let text = float::format(x, &style);
        if self.width <= text.len() && !self.plus && !self.blank {
            return Ok(text);
        }
        match text.strip_prefix('-') {
            Some(body) => self.number(true, "", 0, body),
            None => self.number(false, "", 0, &text),
        }
    }

    /// Sign, prefix and digits in a field, with zeros or blanks.
    fn number(&self, negative: bool, prefix: &str, zeros: usize, digits: &str) -> Result<String, SizeError> {
        let sign = match (negative, self.plus, self.blank) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        };
        let length =
            (sign.len() + prefix.len() + digits.len()).checked_add(zeros).ok_or(SizeError::Overflow)?;
        let padding = self.width.saturating_sub(length);
        let total = length.checked_add(padding).ok_or(SizeError::Overflow)?;
        let (left, inner, right) = match (self.left, self.zero) {
            (true, _) => (0, 0, padding),
            (false, true) => (0, padding, 0),
            (false, false) => (padding, 0, 0),
        };
        let mut out = String::new();
        out.try_reserve_exact(total).map_err(|_| SizeError::Memory)?;
        out.extend(std::iter::repeat_n(' ', left));
        out.push_str(sign);
        out.push_str(prefix);
        out.extend(std::iter::repeat_n('0', inner + zeros));
        out.push_str(digits);
        out.extend(std::iter::repeat_n(' ', right));
        Ok(out)
    }
}

/// The first units of a text.
fn first_units<T: Text + ?Sized>(text: &T, limit: usize) -> &T {
    let mut at = 0;
    for _ in 0..limit {
        if at >= text.bytes().len() {
            return text;
        }
        at += text.unit_width(at);
    }
    text.cut(0, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wtf8;
    use crate::checks::{Check, Random};
    use crate::int::digits_of_small;

    fn convert(conversion: &Conversion<'_, Wtf8>, random: &mut Random) -> String {
        let layout = conversion.layout(Some(-7), Some(3));
        let blank = Wtf8::new(" ");
        let n = random.next() as i64 >> random.below(64);
        let x = random.float();
        match layout.code {
            b'd' | b'i' | b'u' => layout.int(n < 0, &n.unsigned_abs().to_string()).unwrap(),
            b'o' => layout.int(n < 0, &digits_of_small(n.unsigned_abs(), 8, false)).unwrap(),
            b'x' | b'X' => {
                layout.int(n < 0, &digits_of_small(n.unsigned_abs(), 16, layout.code == b'X')).unwrap()
            }
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => layout.float(x).unwrap(),
            b's' => layout.text(Wtf8::new("héllo"), blank).unwrap().to_string(),
            b'c' => layout.character(Wtf8::new("é"), blank).unwrap().to_string(),
            _ => format!("ValueError: {}", conversion.unsupported()),
        }
    }

    #[test]
    fn printf() {
        let mut check = Check::new("printf");
        let mut random = Random(17);
        for _ in 0..20_000 {
            let format = [
                "%",
                random.pick(&["", "", "-", "+", " ", "#", "0", "-0", "0-", "+ ", "#0", "0+"]),
                random.pick(&["", "", "1", "5", "12", "30", "*"]),
                random.pick(&["", "", ".", ".0", ".1", ".4", ".25", ".*"]),
                random.pick(&["", "", "", "l", "h"]),
                random.pick(&[
                    "d", "i", "u", "o", "x", "X", "e", "E", "f", "F", "g", "G", "s", "c", "q", "é", "%", "",
                ]),
            ]
            .concat();
            let text = match Pieces::of_str(Wtf8::new(&format), false).next() {
                Some(Ok(Piece::Conversion(conversion))) => convert(&conversion, &mut random),
                Some(Ok(Piece::Literal(text))) => text.to_string(),
                Some(Err(error)) => format!("ValueError: {error}"),
                None => String::new(),
            };
            check.line(format_args!("{format} {text}"));
        }
        check.finish();
    }

    #[test]
    fn pieces() {
        let all =
            |format: &'static str, mapping| Pieces::of_str(Wtf8::new(format), mapping).collect::<Vec<_>>();
        let found = all("é%%a%(x(y))-5.*d", true);
        assert_eq!(found.len(), 4);
        assert_eq!(found[1], Ok(Piece::Literal(Wtf8::new("%"))));
        let Ok(Piece::Conversion(conversion)) = &found[3] else { panic!() };
        assert_eq!(conversion.key, Some(Wtf8::new("x(y)")));
        assert_eq!((conversion.left, conversion.width), (true, Some(Amount::Given(5))));
        assert_eq!((conversion.precision, conversion.index()), (Some(Amount::Star), 15));
        assert_eq!(all("%(a", true), [Err(PrintfError::IncompleteKey)]);
        assert_eq!(all("%(a", false), [Err(PrintfError::NotMapping)]);
        assert_eq!(all("%99999999999999999999d", false), [Err(PrintfError::WidthTooBig)]);
        assert_eq!(all("%.2147483648d", false), [Err(PrintfError::PrecisionTooBig)]);
        let bytes: Vec<_> = Pieces::of_bytes(b"%.2147483648d", false).collect();
        assert_eq!(bytes, [Err(PrintfError::PrecTooBig)]);
    }
}
