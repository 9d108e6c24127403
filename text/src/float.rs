//! Floats to text and back: `repr`, the format codes, `round`, parsing, and the hexadecimal forms.
//!
//! Every way to print a float begins with decimal digits and the place of the point ([`Digits`]). The shortest digits
//! that read back as the same float come from zmij; a given number of digits comes from Rust's formatting,
//! which rounds the exact binary value, ties to even. A finite double has at most 1074 digits
//! after its point and at most 767 significant ones, so what is asked for beyond that is zeros.
//!
//! [`hex`] has `float.hex` and `float.fromhex`.

pub mod hex;
pub(crate) mod scaled;

use crate::search::{Ends, strip};
use std::fmt;

/// The digits of a finite number without its sign: 0.d₁d₂d₃… × 10^point. Zero has the digit 0 and point 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    /// ASCII digits; the first is not 0 unless the number is, and the shortest form has no zeros at the end.
    pub digits: Vec<u8>,
    /// How many digits stand before the decimal point; may be negative or more than there are digits.
    pub point: i32,
}

/// More significant digits than any finite double has.
const ALL_DIGITS: usize = 770;
/// More digits after the point than any finite double has.
const ALL_FRACTION: usize = 1080;

impl Digits {
    /// The fewest digits that read back as the same float.
    pub fn shortest(x: f64) -> Self {
        let mut buffer = zmij::Buffer::new();
        Self::from_text(buffer.format_finite(x.abs()).as_bytes())
    }

    /// `count` significant digits (at least one), correctly rounded.
    pub fn significant(x: f64, count: usize) -> Self {
        let precision = count.saturating_sub(1).min(ALL_DIGITS);
        let mut digits = Self::from_text(format!("{:.precision$e}", x.abs()).as_bytes());
        digits.pad(count);
        digits
    }

    /// All digits up to `places` after the point, correctly rounded. There may be none but zeros: then `point` is
    /// `-places` or above and the digits are empty.
    pub fn fixed(x: f64, places: usize) -> Self {
        let precision = places.min(ALL_FRACTION);
        let text = format!("{:.precision$}", x.abs());
        let point = text.find('.').unwrap_or(text.len());
        let mut all: Vec<u8> = text.bytes().filter(|&b| b != b'.').collect();
        all.resize(point.saturating_add(places), b'0');
        let zeros = all.iter().take_while(|&&b| b == b'0').count();
        all.drain(..zeros);
        Self { digits: all, point: point as i32 - zeros as i32 }
    }

    /// Reads `12.5`, `0.001` and `1.25e-7`, dropping zeros at the end.
    fn from_text(text: &[u8]) -> Self {
        let split = text.iter().position(|&b| b == b'e').unwrap_or(text.len());
        let (mantissa, exponent) = text.split_at(split);
        let exponent: i32 = exponent
            .get(1..)
            .and_then(|e| std::str::from_utf8(e).ok())
            .and_then(|e| e.parse().ok())
            .unwrap_or(0);
        let whole = mantissa.iter().position(|&b| b == b'.').unwrap_or(mantissa.len());
        let mut digits: Vec<u8> = mantissa.iter().copied().filter(|&b| b != b'.').collect();
        let zeros = digits.iter().take_while(|&&b| b == b'0').count();
        if zeros == digits.len() {
            return Self { digits: vec![b'0'], point: 1 };
        }
        digits.drain(..zeros);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        Self { digits, point: whole as i32 - zeros as i32 + exponent }
    }

    fn pad(&mut self, count: usize) {
        if self.digits.len() < count {
            self.digits.resize(count, b'0');
        }
    }
}

/// How the digits are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `e`: one digit before the point, and an exponent.
    Exponent,
    /// `f`: no exponent.
    Fixed,
    /// `g`: significant digits, with an exponent only for very small and large numbers.
    General,
    /// `r`: the shortest digits; the precision is ignored.
    Repr,
}

/// How a float is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub code: Code,
    pub precision: usize,
    /// `E`, `F`, `G`: capital letters, in `INF` and `NAN` too.
    pub upper: bool,
    /// A `+` before what is not negative.
    pub plus: bool,
    /// `#`: always a point, and `g` keeps zeros at its end.
    pub alternate: bool,
    /// `.0` after what would look like an int.
    pub add_dot_zero: bool,
    /// `z`: a negative number that rounds to zero loses its sign.
    pub no_negative_zero: bool,
}

impl Style {
    pub const fn new(code: Code, precision: usize) -> Self {
        Self {
            code,
            precision,
            upper: false,
            plus: false,
            alternate: false,
            add_dot_zero: false,
            no_negative_zero: false,
        }
    }
}

/// `repr(x)`.
pub fn repr(x: f64) -> String {
    // In this range zmij lays digits out as Python does, without an exponent.
    if (1e-4..1e16).contains(&x.abs()) {
        return zmij::Buffer::new().format_finite(x).to_owned();
    }
    let style = Style { add_dot_zero: true, ..Style::new(Code::Repr, 0) };
    format(x, &style)
}

/// The part of a complex number's `repr`: as for a float, without `.0`.
pub fn repr_part(x: f64, plus: bool) -> String {
    format(x, &Style { plus, ..Style::new(Code::Repr, 0) })
}

/// Writes a float in a style: CPython's `PyOS_double_to_string`.
pub fn format(x: f64, style: &Style) -> String {
    let mut out = String::with_capacity(24);
    if !x.is_finite() {
        push_sign(&mut out, x.is_sign_negative() && !x.is_nan(), style.plus);
        out.push_str(match (x.is_nan(), style.upper) {
            (true, false) => "nan",
            (true, true) => "NAN",
            (false, false) => "inf",
            (false, true) => "INF",
        });
        return out;
    }
    if style.code == Code::Fixed && style.precision < ALL_FRACTION {
        return fixed(x, style);
    }
    let precision = if style.code == Code::General { style.precision.max(1) } else { style.precision };
    let digits = match style.code {
        Code::Exponent => Digits::significant(x, precision.saturating_add(1)),
        Code::Fixed => Digits::fixed(x, precision),
        Code::General => Digits::significant(x, precision),
        Code::Repr => Digits::shortest(x),
    };
    let is_zero = digits.digits.iter().all(|&b| b == b'0');
    push_sign(&mut out, x.is_sign_negative() && !(is_zero && style.no_negative_zero), style.plus);
    lay_out(&mut out, &digits, precision, style);
    out
}

/// Fixed notation of a usual precision, which Rust lays out as Python does.
fn fixed(x: f64, style: &Style) -> String {
    let precision = style.precision;
    let mut buffer = [0; 40];
    let digits = scaled::scaled(x, precision)
        .and_then(|value| scaled::write_fixed(value, precision, &mut buffer))
        .and_then(|digits| std::str::from_utf8(digits).ok());
    let mut text = match digits {
        Some(digits) => [if x.is_sign_negative() { "-" } else { "" }, digits].concat(),
        None => format!("{x:.precision$}"),
    };
    if style.no_negative_zero
        && text.starts_with('-')
        && text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'))
    {
        text.remove(0);
    }
    if style.plus && !text.starts_with('-') {
        text.insert(0, '+');
    }
    if style.alternate && precision == 0 {
        text.push('.');
    }
    text
}

fn push_sign(out: &mut String, negative: bool, plus: bool) {
    if negative {
        out.push('-');
    } else if plus {
        out.push('+');
    }
}

/// Writes digits with point and exponent.
fn lay_out(out: &mut String, digits: &Digits, precision: usize, style: &Style) {
    let point = i64::from(digits.point);
    let limit = i64::try_from(precision).unwrap_or(i64::MAX);
    let uses_exponent = match style.code {
        Code::Exponent => true,
        Code::Fixed => false,
        Code::General => point <= -4 || point > limit.saturating_sub(i64::from(style.add_dot_zero)),
        Code::Repr => point <= -4 || point > 16,
    };
    // Indices into the digits: the first of the fraction, and one past its last. Outside of the digits there are zeros.
    let (split, exponent) = if uses_exponent { (1, Some(point - 1)) } else { (point, None) };
    let end = match style.code {
        Code::Exponent => limit.saturating_add(1),
        Code::Fixed => point.saturating_add(limit),
        Code::General if style.alternate => limit,
        Code::General | Code::Repr => significant_length(&digits.digits),
    };
    if split <= 0 {
        out.push('0');
    }
    push_digits(out, digits, 0, split);
    if end > split {
        out.push('.');
        push_digits(out, digits, split, end);
    } else if style.add_dot_zero && exponent.is_none() {
        out.push_str(".0");
    } else if style.alternate {
        out.push('.');
    }
    if let Some(exponent) = exponent {
        out.push(if style.upper { 'E' } else { 'e' });
        out.push(if exponent < 0 { '-' } else { '+' });
        if exponent.abs() < 10 {
            out.push('0');
        }
        out.push_str(&exponent.abs().to_string());
    }
}

/// How many digits there are without zeros at the end.
fn significant_length(digits: &[u8]) -> i64 {
    digits.iter().rposition(|&b| b != b'0').map_or(0, |at| at as i64 + 1)
}

/// Writes the digits from one index up to another; outside of the digits there are zeros.
fn push_digits(out: &mut String, digits: &Digits, from: i64, to: i64) {
    for index in from..to {
        let digit = usize::try_from(index).ok().and_then(|index| digits.digits.get(index));
        out.push(char::from(digit.copied().unwrap_or(b'0')));
    }
}

/// Why a float could not be rounded: `OverflowError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundOverflow;

impl fmt::Display for RoundOverflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rounded value too large to represent")
    }
}

/// `round(x, places)`: the float nearest to the exact value of `x` rounded to that many places, ties to even.
///
/// # Errors
/// `RoundOverflow` when rounding up leaves the range of floats.
pub fn round_to(x: f64, places: i64) -> Result<f64, RoundOverflow> {
    /// With more places every float is itself, with fewer every one is zero.
    const MOST: i64 = 323;
    const LEAST: i64 = -308;
    if !x.is_finite() || places > MOST || x == 0.0 {
        return Ok(x);
    }
    if places < LEAST {
        return Ok(0.0_f64.copysign(x));
    }
    if let Some(rounded) = scaled::rounded(x, places) {
        return Ok(rounded);
    }
    let text = if let Ok(places) = usize::try_from(places) {
        format!("{x:.places$}")
    } else {
        round_to_tens(x, places.unsigned_abs() as i64)
    };
    let rounded = text.parse().unwrap_or(x);
    if rounded.is_finite() { Ok(rounded) } else { Err(RoundOverflow) }
}

/// Rounds to a multiple of 10^tens, as text in scientific notation.
fn round_to_tens(x: f64, tens: i64) -> String {
    let exact = Digits::significant(x, ALL_DIGITS);
    let sign = if x < 0.0 { "-" } else { "" };
    let kept = i64::from(exact.point) - tens;
    if kept < 0 {
        return format!("{sign}0");
    }
    let kept = kept as usize;
    let (head, rest) = exact.digits.split_at(kept.min(exact.digits.len()));
    let first = rest.first().copied().unwrap_or(b'0');
    let beyond = rest.iter().skip(1).any(|&b| b != b'0');
    let is_odd = head.last().is_some_and(|&b| b % 2 == 1);
    let mut head = head.to_vec();
    if first > b'5' || (first == b'5' && (beyond || is_odd)) {
        increment(&mut head);
    }
    let digits = String::from_utf8(head).unwrap_or_default();
    format!("{sign}{}e{tens}", if digits.is_empty() { "0" } else { &digits })
}

/// Adds one to a number in ASCII digits.
fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

/// `round(x)` before it becomes an int: to the nearest whole number, ties to even.
pub fn round_half_even(x: f64) -> f64 {
    x.round_ties_even()
}

/// Reads what `float()` accepts, from ASCII as [`to_ascii_number`](crate::unicode::to_ascii_number) makes it: white
/// space around the number, underscores between digits, `inf`, `infinity` and `nan`. `None` if it is no float; the
/// message is then `could not convert string to float: ` and the argument's `repr`.
pub fn parse(text: &[u8]) -> Option<f64> {
    let text = strip(text, Ends::Both);
    let (value, used) = parse_prefix(text)?;
    (used == text.len()).then_some(value)
}

/// Reads the float that a text begins with, and how many bytes it takes.
fn parse_prefix(text: &[u8]) -> Option<(f64, usize)> {
    let sign = usize::from(matches!(text, [b'+' | b'-', ..]));
    let body = text.get(sign..)?;
    for (name, value) in [("infinity", f64::INFINITY), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        if body.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes())) {
            let negative = text.first() == Some(&b'-');
            let value = value.copysign(if negative { -1.0 } else { 1.0 });
            return Some((value, sign + name.len()));
        }
    }
    let length = sign + number_length(body)?;
    let literal: String =
        text.get(..length)?.iter().filter(|&&b| b != b'_').map(|&b| char::from(b)).collect();
    Some((literal.parse().ok()?, length))
}

/// How long the decimal literal without sign is that a text begins with.
fn number_length(text: &[u8]) -> Option<usize> {
    let whole = digits_length(text);
    let mut end = whole;
    if text.get(end) == Some(&b'.') {
        let fraction = digits_length(text.get(end + 1..)?);
        if whole + fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    } else if whole == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        match digits_length(text.get(end + 1 + sign..).unwrap_or_default()) {
            0 => {}
            digits => end += 1 + sign + digits,
        }
    }
    Some(end)
}

/// The length of a run of digits with single underscores between them.
fn digits_length(text: &[u8]) -> usize {
    let mut end = 0;
    loop {
        match (text.get(end), text.get(end + 1)) {
            (Some(b'0'..=b'9'), _) => end += 1,
            (Some(b'_'), Some(b'0'..=b'9')) if end > 0 => end += 2,
            _ => return end,
        }
    }
}

/// Reads what `complex()` accepts, from ASCII as for [`parse`]: parts, parentheses, `j`. `None` if it is none; the
/// message is then `complex() arg is a malformed string`.
pub fn parse_complex(text: &[u8]) -> Option<(f64, f64)> {
    let mut text = strip(text, Ends::Both);
    if let [b'(', inner @ .., b')'] = text {
        text = strip(inner, Ends::Both);
    }
    let is_unit = |b: Option<&u8>| matches!(b, Some(b'j' | b'J'));
    // The first number: a real part, or all there is as an imaginary part.
    let (first, used) = complex_part(text)?;
    let rest = text.get(used..)?;
    match rest {
        [] => Some((first.number?, 0.0)),
        [b'j' | b'J'] => Some((0.0, first.number_or_unit())),
        [b'+' | b'-', ..] => {
            let real = first.number?;
            let (second, used) = complex_part(rest)?;
            let after = rest.get(used..)?;
            (is_unit(after.first()) && after.len() == 1).then(|| (real, second.number_or_unit()))
        }
        _ => None,
    }
}

/// A number, or only a sign before `j`.
struct ComplexPart {
    number: Option<f64>,
    negative: bool,
}

impl ComplexPart {
    fn number_or_unit(&self) -> f64 {
        self.number.unwrap_or(if self.negative { -1.0 } else { 1.0 })
    }
}

fn complex_part(text: &[u8]) -> Option<(ComplexPart, usize)> {
    let negative = text.first() == Some(&b'-');
    if let Some((number, used)) = parse_prefix(text) {
        return Some((ComplexPart { number: Some(number), negative }, used));
    }
    let sign = usize::from(matches!(text, [b'+' | b'-', ..]));
    matches!(text.get(sign), Some(b'j' | b'J')).then_some((ComplexPart { number: None, negative }, sign))
}

#[cfg(test)]
mod tests;
