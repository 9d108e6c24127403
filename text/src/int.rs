//! Ints from text and to text.
//!
//! Numbers that fit a machine word never become a [`BigInt`]. Long decimal texts are cut in halves and joined by
//! multiplication, so that reading them costs what multiplying does; num-bigint does the like when it writes. Python
//! bounds both conversions for bases that are no power of two (`sys.set_int_max_str_digits`), since they
//! are quadratic or nearly so: the bound is a parameter here, 0 for none.

use crate::search::{Ends, strip};
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::ToPrimitive;
use std::fmt;

/// The bound a new interpreter starts with.
pub const DEFAULT_MAX_STR_DIGITS: usize = 4300;
/// Texts up to this length are converted whatever the bound.
pub const MAX_STR_DIGITS_THRESHOLD: usize = 640;

/// An int that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Int {
    Small(i64),
    /// Outside of `i64`.
    Big(BigInt),
}

/// Why a text could not be converted to an int, or an int to text. All are a `ValueError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntError {
    /// The caller completes the message with the argument's `repr`.
    Invalid { base: u32 },
    /// A base that is neither 0 nor from 2 to 36.
    Base,
    /// A text with more digits than the bound allows.
    TooManyDigits { limit: usize, digits: usize },
    /// An int that would have more digits than the bound allows.
    TooLarge { limit: usize },
}

impl fmt::Display for IntError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advice = "use sys.set_int_max_str_digits() to increase the limit";
        match self {
            Self::Invalid { base } => write!(f, "invalid literal for int() with base {base}: "),
            Self::Base => f.write_str("int() base must be >= 2 and <= 36, or 0"),
            Self::TooManyDigits { limit, digits } => write!(
                f,
                "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; {advice}"
            ),
            Self::TooLarge { limit } => {
                write!(f, "Exceeds the limit ({limit} digits) for integer string conversion; {advice}")
            }
        }
    }
}

/// Reads what `int(text, base)` accepts, from ASCII as [`to_ascii_number`](crate::unicode::to_ascii_number) makes it: white
/// space around the number, a sign, a prefix that fits the base, digits with single underscores between them.
///
/// # Errors
/// `IntError` when the text is no int in this base, or longer than the bound.
pub fn parse(text: &[u8], base: u32, max_digits: usize) -> Result<Int, IntError> {
    if base == 1 || base > 36 {
        return Err(IntError::Base);
    }
    let invalid = IntError::Invalid { base };
    let (negative, body) = match strip(text, Ends::Both) {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (radix, digits) = strip_prefix(body, base).ok_or(invalid)?;
    if let Some(value) = parse_small(digits, radix) {
        return Ok(Int::Small(if negative { -value } else { value }));
    }
    let values = digit_values(digits, radix).ok_or(invalid)?;
    if base == 0 && radix == 10 && values.first() == Some(&0) && values.iter().any(|&digit| digit != 0) {
        return Err(invalid);
    }
    let too_many = max_digits > 0 && values.len() > max_digits && values.len() > MAX_STR_DIGITS_THRESHOLD;
    if too_many && !radix.is_power_of_two() {
        return Err(IntError::TooManyDigits { limit: max_digits, digits: values.len() });
    }
    let sign = if negative { Sign::Minus } else { Sign::Plus };
    Ok(normalize(BigInt::from_biguint(sign, from_digits(&values, radix))))
}

/// Makes a big number small if it fits.
pub fn normalize(value: BigInt) -> Int {
    match value.to_i64() {
        Some(small) => Int::Small(small),
        None => Int::Big(value),
    }
}

/// Finds out the base, and what follows the prefix. An underscore may stand after a prefix.
fn strip_prefix(text: &[u8], base: u32) -> Option<(u32, &[u8])> {
    let prefixed = match text {
        [b'0', b'x' | b'X', rest @ ..] if matches!(base, 0 | 16) => Some((16, rest)),
        [b'0', b'o' | b'O', rest @ ..] if matches!(base, 0 | 8) => Some((8, rest)),
        [b'0', b'b' | b'B', rest @ ..] if matches!(base, 0 | 2) => Some((2, rest)),
        _ => None,
    };
    match prefixed {
        Some((radix, [b'_', rest @ ..])) => Some((radix, rest)),
        Some((radix, rest)) => Some((radix, rest)),
        None => Some((if base == 0 { 10 } else { base }, text)),
    }
    .filter(|(_, rest)| !rest.is_empty())
}

/// The common case: up to 18 decimal digits without underscores; in base 0 a leading zero is left to the long way.
fn parse_small(digits: &[u8], radix: u32) -> Option<i64> {
    if radix != 10 || digits.len() > 18 || (digits.len() > 1 && digits.first() == Some(&b'0')) {
        return None;
    }
    digits.iter().try_fold(0_i64, |n, &b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

/// The values of all digits; `None` if something is no digit, or an underscore not between two.
fn digit_values(text: &[u8], radix: u32) -> Option<Vec<u8>> {
    let mut values = Vec::with_capacity(text.len());
    let mut after_digit = false;
    for &b in text {
        if b == b'_' {
            if !after_digit {
                return None;
            }
            after_digit = false;
        } else {
            values.push(char::from(b).to_digit(radix)? as u8);
            after_digit = true;
        }
    }
    after_digit.then_some(values)
}

/// The number with these digits, the most significant first.
fn from_digits(values: &[u8], radix: u32) -> BigUint {
    const DIRECT: usize = 1500;
    if radix.is_power_of_two() || values.len() <= DIRECT {
        return BigUint::from_radix_be(values, radix).unwrap_or_default();
    }
    // Powers for the lengths of right halves; at each level of the recursion there are at most two lengths.
    let mut powers = Vec::new();
    split_digits(values, radix, DIRECT, &mut powers)
}

fn split_digits(values: &[u8], radix: u32, direct: usize, powers: &mut Vec<(usize, BigUint)>) -> BigUint {
    if values.len() <= direct {
        return BigUint::from_radix_be(values, radix).unwrap_or_default();
    }
    let (left, right) = values.split_at(values.len() / 2);
    let high = split_digits(left, radix, direct, powers);
    let low = split_digits(right, radix, direct, powers);
    let length = right.len();
    let known = powers.iter().position(|(n, _)| *n == length);
    let at = known.unwrap_or_else(|| {
        powers.push((length, BigUint::from(radix).pow(length as u32)));
        powers.len() - 1
    });
    powers.get(at).map_or_else(BigUint::default, |(_, power)| high * power + low)
}

/// The decimal digits of a number, with a minus sign if it is negative: `str(n)`.
///
/// # Errors
/// `IntError::TooLarge` if it has more digits than the bound allows.
pub fn to_decimal(value: &BigInt, max_digits: usize) -> Result<String, IntError> {
    let too_large = IntError::TooLarge { limit: max_digits };
    let limit = max_digits.max(MAX_STR_DIGITS_THRESHOLD);
    // An int of b bits has at least (b - 1) log₁₀ 2 digits. What is surely too long is not converted first.
    let surely = value.bits().saturating_sub(1).saturating_mul(30_102) / 100_000;
    if max_digits > 0 && surely > limit as u64 {
        return Err(too_large);
    }
    let text = value.to_string();
    let digits = text.len() - usize::from(value.sign() == Sign::Minus);
    if max_digits > 0 && digits > limit { Err(too_large) } else { Ok(text) }
}

/// The digits of an int without sign and prefix, in base 2, 8, 10 or 16 (others give decimal digits).
pub fn digits_of_small(value: u64, base: u32, upper: bool) -> String {
    match (base, upper) {
        (2, _) => format!("{value:b}"),
        (8, _) => format!("{value:o}"),
        (16, false) => format!("{value:x}"),
        (16, true) => format!("{value:X}"),
        _ => value.to_string(),
    }
}

/// As [`digits_of_small`], of the absolute value of a big number. Base 10 is [`to_decimal`]'s, for the bound.
pub fn digits_of_big(value: &BigInt, base: u32, upper: bool) -> String {
    let mut digits = value.magnitude().to_str_radix(base.clamp(2, 36));
    if upper {
        digits.make_ascii_uppercase();
    }
    digits
}

/// `bin`, `oct` and `hex`: sign, prefix and digits.
pub fn prefixed_small(value: i64, base: u32) -> String {
    format!("{}{}{}", sign(value < 0), prefix(base), digits_of_small(value.unsigned_abs(), base, false))
}

/// `bin`, `oct` and `hex` of a big number.
pub fn prefixed_big(value: &BigInt, base: u32) -> String {
    format!("{}{}{}", sign(value.sign() == Sign::Minus), prefix(base), digits_of_big(value, base, false))
}

fn sign(negative: bool) -> &'static str {
    if negative { "-" } else { "" }
}

fn prefix(base: u32) -> &'static str {
    match base {
        2 => "0b",
        8 => "0o",
        16 => "0x",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{Check, Random};

    const TEXTS: &[&str] = &[
        "0",
        "00",
        "0_0",
        "01",
        "0_7",
        "1_000",
        "_1",
        "1_",
        "1__0",
        "0x1f",
        "0X_F",
        "0x",
        "0x_",
        "0x__f",
        "0xf_",
        "0b101",
        "0b102",
        "0o17",
        "0o8",
        "-0x10",
        "+5",
        "- 5",
        "--5",
        "",
        " ",
        "+",
        " 12 ",
        "1 2",
        "zZ",
        "b",
        "0b",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "123456789012345678",
        "1234567890123456789",
        "00000000000000000000000000001",
        "0_x1",
    ];

    fn show(result: Result<Int, IntError>) -> String {
        match result {
            Ok(Int::Small(n)) => n.to_string(),
            Ok(Int::Big(n)) => n.to_string(),
            Err(_) => "error".into(),
        }
    }

    #[test]
    fn int_parse() {
        let mut check = Check::new("int_parse");
        for text in TEXTS {
            for base in [0, 2, 8, 10, 16, 36] {
                check.line(format_args!("{text:?} {base} {}", show(parse(text.as_bytes(), base, 4300))));
            }
        }
        check.finish();
    }

    #[test]
    fn long_numbers_there_and_back() {
        let mut random = Random(5);
        for length in [19, 20, 39, 700, 1500, 1501, 3001, 9999, 40_000] {
            let text: String = (0..length)
                .map(|at| char::from(b'0' + (random.below(9) + u64::from(at == 0)).min(9) as u8))
                .collect();
            let parsed = show(parse(text.as_bytes(), 10, 0));
            assert_eq!(parsed, text);
        }
        let ones = "1".repeat(5000);
        assert_eq!(
            parse(ones.as_bytes(), 10, 4300).unwrap_err().to_string(),
            "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; \
             use sys.set_int_max_str_digits() to increase the limit"
        );
        assert!(parse(ones.as_bytes(), 32, 4300).is_ok());
        let edge = BigInt::from(10).pow(4299);
        assert_eq!(to_decimal(&edge, 4300).map(|text| text.len()), Ok(4300));
        assert_eq!(to_decimal(&(edge * 10), 4300), Err(IntError::TooLarge { limit: 4300 }));
    }

    #[test]
    fn prefixes() {
        assert_eq!(prefixed_small(-255, 16), "-0xff");
        assert_eq!(prefixed_small(i64::MIN, 2), format!("-0b1{}", "0".repeat(63)));
        assert_eq!(prefixed_big(&(BigInt::from(1) << 64), 8), "0o2000000000000000000000");
        assert_eq!(digits_of_big(&(BigInt::from(-255) << 64), 16, true), "FF0000000000000000");
    }
}
