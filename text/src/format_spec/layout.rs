//! Padding, and the grouping of digits.
//!
//! A number is laid out as `padding sign prefix padding digits point fraction rest padding`. Zeros that fill a field
//! between sign and digits are digits like the others, so they are grouped too: `format(1, '07,')` is `'000,001'`.

use super::{Align, FormatSpec, Grouping, Locale, SizeError, ZERO};
use crate::search::Buffer;
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};
use std::borrow::Cow;

/// The parts of a number.
pub(super) struct Number<'a> {
    pub(super) sign: &'a str,
    pub(super) prefix: &'a str,
    /// The digits before the point.
    pub(super) whole: &'a str,
    pub(super) has_point: bool,
    /// The digits after the point.
    pub(super) fraction: &'a str,
    /// Exponent, percent sign, `inf`, the character of type `c`.
    pub(super) rest: &'a Wtf8,
}

impl<'a> Number<'a> {
    pub(super) fn new(sign: &'a str) -> Self {
        Self { sign, prefix: "", whole: "", has_point: false, fraction: "", rest: Wtf8::empty() }
    }

    /// Takes a float's text without sign apart.
    pub(super) fn from_float(sign: &'a str, text: &'a str) -> Self {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, after) = text.split_at(digits(text));
        let (has_point, after) = match after.strip_prefix('.') {
            Some(after) => (true, after),
            None => (false, after),
        };
        let (fraction, rest) = after.split_at(if has_point { digits(after) } else { 0 });
        Self { whole, has_point, fraction, rest: Wtf8::new(rest), ..Self::new(sign) }
    }
}

/// What goes between the groups of digits, and for a point.
pub(super) struct Separators<'a> {
    point: &'a Wtf8,
    thousands: &'a Wtf8,
    grouping: &'a [u8],
    fraction: Option<char>,
}

/// C's `CHAR_MAX`: no more groups.
const NO_MORE: u8 = 127;

impl<'a> Separators<'a> {
    pub(super) fn none() -> Self {
        Self { point: Wtf8::new("."), thousands: Wtf8::empty(), grouping: &[], fraction: None }
    }

    pub(super) fn new(grouping: Grouping, fraction: Grouping, by_four: bool) -> Self {
        let symbol = |grouping| match grouping {
            Grouping::None => "",
            Grouping::Comma => ",",
            Grouping::Underscore => "_",
        };
        let sizes: &[u8] = match grouping {
            Grouping::None => &[],
            _ if by_four => &[4],
            _ => &[3],
        };
        let fraction = (fraction != Grouping::None).then(|| fraction.symbol());
        Self { thousands: Wtf8::new(symbol(grouping)), grouping: sizes, fraction, ..Self::none() }
    }

    pub(super) fn of_locale(locale: &'a Locale) -> Self {
        Self {
            point: &locale.decimal_point,
            thousands: &locale.thousands_separator,
            grouping: &locale.grouping,
            fraction: None,
        }
    }
}

/// Pads a text that is not a number; also used for complex numbers.
pub(super) fn pad(text: &Wtf8, spec: &FormatSpec) -> Result<Wtf8Buf, SizeError> {
    let Some(width) = spec.width else { return Ok(text.to_owned()) };
    let total = width.saturating_sub(text.count_code_points());
    let left = match spec.align {
        Align::Left => 0,
        Align::Right | Align::AfterSign => total,
        Align::Center => total / 2,
    };
    let mut out = Wtf8Buf::new();
    reserve(&mut out, text.len(), total, spec.fill)?;
    out.push_repeated(spec.fill, left);
    out.push_wtf8(text);
    out.push_repeated(spec.fill, total - left);
    Ok(out)
}

fn reserve(out: &mut Wtf8Buf, bytes: usize, padding: usize, fill: CodePoint) -> Result<(), SizeError> {
    let added = padding.checked_mul(fill.len_wtf8()).ok_or(SizeError::Overflow)?;
    Buffer::try_reserve(out, bytes.checked_add(added).ok_or(SizeError::Overflow)?)
}

/// Lays a number out.
pub(super) fn number(
    number: &Number<'_>,
    spec: &FormatSpec,
    separators: &Separators<'_>,
) -> Result<Wtf8Buf, SizeError> {
    let fraction = group_fraction(number.fraction, separators.fraction);
    let point = if number.has_point { separators.point } else { Wtf8::empty() };
    let others = number.sign.len()
        + number.prefix.len()
        + point.count_code_points()
        + fraction.len()
        + number.rest.count_code_points();
    let width = spec.width.unwrap_or(0);
    let zeros = spec.fill == ZERO && spec.align == Align::AfterSign;
    let least = if zeros { width.saturating_sub(others) } else { 0 };
    // Refuse what can't be held before it is built digit by digit.
    Buffer::try_reserve(&mut Wtf8Buf::new(), least)?;
    let whole = if number.whole.is_empty() {
        Cow::Borrowed(Wtf8::empty())
    } else {
        group(number.whole, least, separators)
    };
    let padding = width.saturating_sub(others + whole.count_code_points());
    let (left, inner, right) = match spec.align {
        Align::Left => (0, 0, padding),
        Align::Right => (padding, 0, 0),
        Align::Center => (padding / 2, 0, padding - padding / 2),
        Align::AfterSign => (0, padding, 0),
    };
    let mut out = Wtf8Buf::new();
    reserve(&mut out, others + whole.len() + point.len() + number.rest.len(), padding, spec.fill)?;
    out.push_repeated(spec.fill, left);
    out.push_str(number.sign);
    out.push_str(number.prefix);
    out.push_repeated(spec.fill, inner);
    out.push_wtf8(&whole);
    out.push_wtf8(point);
    out.push_str(&fraction);
    out.push_wtf8(number.rest);
    out.push_repeated(spec.fill, right);
    Ok(out)
}

/// Groups of three from the point on.
fn group_fraction(digits: &str, separator: Option<char>) -> Cow<'_, str> {
    let Some(separator) = separator else { return Cow::Borrowed(digits) };
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == 0 {
            out.push(separator);
        }
        out.push(digit);
    }
    Cow::Owned(out)
}

/// Groups digits from the right, with zeros before them until the width is reached. A separator never comes first.
fn group<'a>(digits: &'a str, least: usize, separators: &Separators<'_>) -> Cow<'a, Wtf8> {
    if separators.grouping.is_empty() {
        if digits.len() >= least {
            return Cow::Borrowed(Wtf8::new(digits));
        }
        let mut out = Wtf8Buf::with_capacity(digits.len().max(least));
        out.push_repeated(ZERO, least.saturating_sub(digits.len()));
        out.push_str(digits);
        return Cow::Owned(out);
    }
    let mut sizes = GroupSizes { sizes: separators.grouping, previous: 0 };
    let separator_width = separators.thousands.count_code_points();
    // Groups from the right; they are put together in reverse.
    let mut groups: Vec<(usize, &str)> = Vec::new();
    let mut rest = digits;
    let mut wanted = least;
    loop {
        let size = sizes.next().unwrap_or(usize::MAX).min(rest.len().max(wanted).max(1));
        let taken = size.min(rest.len());
        let (before, group) = rest.split_at(rest.len() - taken);
        groups.push((size - taken, group));
        rest = before;
        wanted = wanted.saturating_sub(size);
        if rest.is_empty() && wanted == 0 {
            break;
        }
        wanted = wanted.saturating_sub(separator_width);
    }
    let mut out = Wtf8Buf::with_capacity(digits.len() + least);
    for (at, (zeros, group)) in groups.iter().rev().enumerate() {
        if at > 0 {
            out.push_wtf8(separators.thousands);
        }
        out.push_repeated(ZERO, *zeros);
        out.push_str(group);
    }
    Cow::Owned(out)
}

/// The sizes of groups from the right, as C's `lconv` describes them.
struct GroupSizes<'a> {
    sizes: &'a [u8],
    previous: usize,
}

impl Iterator for GroupSizes<'_> {
    type Item = usize;

    /// `None` once the rest is one group.
    fn next(&mut self) -> Option<usize> {
        match self.sizes {
            [] | [0, ..] => {}
            [size, ..] if *size >= NO_MORE => self.previous = 0,
            [size, rest @ ..] => {
                self.previous = usize::from(*size);
                self.sizes = rest;
            }
        }
        (self.previous > 0).then_some(self.previous)
    }
}
