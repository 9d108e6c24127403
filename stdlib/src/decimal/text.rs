//! Decimal numbers from text and as text.

use super::coefficient::Coefficient;
use super::number::{Env, Kind, Number, status};
use orochi_text::unicode;
use orochi_text::wtf8::Wtf8;

/// An exponent that is out of every range, but can be added to.
const FAR: i64 = 4_000_000_000_000_000_000;

/// The text in ASCII: without spaces around it and without underscores, decimal digits of all scripts as ASCII ones.
/// `exact_spaces` keeps spaces and underscores, which are then errors.
pub(super) fn ascii(text: &Wtf8, keep: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for c in text.code_points() {
        match (c.to_char(), unicode::decimal_value(c)) {
            (_, Some(digit)) => out.push(b'0' + digit),
            (Some('_'), _) if !keep => {}
            (Some(c), _) if c.is_whitespace() || ('\x1c'..='\x1f').contains(&c) => out.push(b' '),
            (Some(c), _) if c.is_ascii() => out.push(c as u8),
            _ => out.push(b'?'),
        }
    }
    if keep {
        return out;
    }
    out.trim_ascii().to_vec()
}

/// The number that short text without exponent stands for; `None` if it is anything else.
pub(super) fn parse_plain(text: &[u8]) -> Option<Number> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    // So many digits and a point fit a word.
    if rest.len() > 19 || rest.is_empty() {
        return None;
    }
    let (mut digits, mut places, mut point) = (0u64, 0, false);
    for byte in rest {
        match byte {
            b'0'..=b'9' => {
                digits = digits * 10 + u64::from(byte - b'0');
                places += i64::from(point);
            }
            b'.' if !point && rest.len() > 1 => point = true,
            _ => return None,
        }
    }
    Some(Number::new(negative, Coefficient::from(u128::from(digits)), -places))
}

/// The number that ASCII text stands for, as it stands there; `None` if it stands for none.
pub(super) fn parse(text: &[u8]) -> Option<Number> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if rest.first().is_some_and(|first| first.is_ascii_alphabetic()) {
        return special(&rest.to_ascii_lowercase(), negative);
    }
    let end = rest.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = match end {
        Some(at) => (rest.get(..at)?, parse_exponent(rest.get(at + 1..)?)?),
        None => (rest, 0),
    };
    let point = mantissa.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (mantissa.get(..at)?, mantissa.get(at + 1..)?),
        None => (mantissa, &[][..]),
    };
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let exponent = exponent - fraction.len() as i64;
    Some(Number::new(negative, Coefficient::from_digits(&digits), exponent))
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .fold(0i64, |sum, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(FAR));
    Some(if negative { -value } else { value })
}

fn special(text: &[u8], negative: bool) -> Option<Number> {
    if matches!(text, b"inf" | b"infinity") {
        return Some(Number::infinity(negative));
    }
    let (kind, payload) = match text {
        [b's', b'n', b'a', b'n', payload @ ..] => (Kind::Signaling, payload),
        [b'n', b'a', b'n', payload @ ..] => (Kind::Nan, payload),
        _ => return None,
    };
    if !payload.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(Number { negative, kind, digits: Coefficient::from_digits(payload), exponent: 0 })
}

/// A number that was converted, in a context; a payload that is too long makes it no number at all.
pub(super) fn converted(number: Option<Number>, env: &mut Env) -> Number {
    let Some(number) = number else { return env.invalid(status::CONVERSION_SYNTAX) };
    let room = (env.prec - i64::from(env.clamp)).unsigned_abs();
    if number.is_nan() && !number.digits.is_zero() && number.digits.digits() > room {
        return env.invalid(status::CONVERSION_SYNTAX);
    }
    number.finish(env)
}

/// A number that was converted without a context: what doesn't fit the largest one is no number.
pub(super) fn converted_exactly(number: Option<Number>, env: &mut Env) -> Number {
    let mut widest = Env::MAX;
    let result = converted(number, &mut widest);
    let lost = status::INEXACT | status::ROUNDED | status::CLAMPED;
    if widest.status & lost != 0 {
        return env.invalid(status::INVALID_OPERATION);
    }
    env.raise(widest.status & status::INVALID);
    result
}

/// Whether a number is written with an exponent.
pub(super) fn has_exponent(number: &Number) -> bool {
    number.is_finite() && (number.exponent > 0 || number.exponent + number.len() <= -6)
}

/// The number as text: with an exponent if it needs one, which is a multiple of three if `engineering`.
pub(super) fn to_text(number: &Number, engineering: bool, capitals: bool) -> String {
    let sign = if number.negative { "-" } else { "" };
    let payload = || if number.digits.is_zero() { String::new() } else { number.digits.to_text() };
    match number.kind {
        Kind::Infinite => return format!("{sign}Infinity"),
        Kind::Nan => return format!("{sign}NaN{}", payload()),
        Kind::Signaling => return format!("{sign}sNaN{}", payload()),
        Kind::Finite => {}
    }
    let digits = number.digits.to_text();
    let left = number.exponent + digits.len() as i64;
    let point = if !has_exponent(number) {
        left
    } else if !engineering {
        1
    } else if number.digits.is_zero() {
        (left + 1).rem_euclid(3) - 1
    } else {
        (left - 1).rem_euclid(3) + 1
    };
    let mut text = String::with_capacity(digits.len() + 8);
    text.push_str(sign);
    push_digits(&mut text, &digits, point);
    if left != point {
        push_exponent(&mut text, left - point, capitals);
    }
    text
}

/// Digits with a point behind so many of them; zeros fill what is between the digits and the point.
pub(super) fn push_digits(text: &mut String, digits: &str, point: i64) {
    let length = digits.len() as i64;
    let zeros = |count: i64| std::iter::repeat_n('0', usize::try_from(count).unwrap_or(0));
    if point <= 0 {
        text.push_str("0.");
        text.extend(zeros(-point));
        text.push_str(digits);
    } else if point >= length {
        text.push_str(digits);
        text.extend(zeros(point - length));
    } else {
        let (whole, fraction) = digits.split_at(point as usize);
        text.push_str(whole);
        text.push('.');
        text.push_str(fraction);
    }
}

pub(super) fn push_exponent(text: &mut String, exponent: i64, capitals: bool) {
    text.push(if capitals { 'E' } else { 'e' });
    text.push(if exponent < 0 { '-' } else { '+' });
    text.push_str(&exponent.unsigned_abs().to_string());
}
