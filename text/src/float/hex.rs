//! Floats in hexadecimal: `float.hex` and `float.fromhex`.
//!
//! Reading is exact: the digits are gathered into 64 bits and a flag for what is lost beyond, and rounded once, ties to
//! even, at the place where the result's last bit lies (which for subnormal results is not the 53rd).

use crate::search::{Ends, strip};
use std::fmt;

/// What is wrong with the argument of `float.fromhex`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HexFloatError {
    /// `ValueError`.
    Invalid,
    /// `OverflowError`.
    TooLarge,
}

impl fmt::Display for HexFloatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "invalid hexadecimal floating-point string",
            Self::TooLarge => "hexadecimal value too large to represent as a float",
        })
    }
}

const FRACTION_BITS: u32 = 52;
const BIAS: i64 = 1023;

/// `float.hex`.
pub fn to_hex(x: f64) -> String {
    if !x.is_finite() {
        return super::repr(x);
    }
    let sign = if x.is_sign_negative() { "-" } else { "" };
    if x == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let bits = x.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let biased = (bits >> FRACTION_BITS & 0x7FF) as i64;
    let (lead, exponent) = if biased == 0 { (0, 1 - BIAS) } else { (1, biased - BIAS) };
    format!("{sign}0x{lead}.{fraction:013x}p{exponent:+}")
}

/// `float.fromhex`, from the bytes of the text.
///
/// # Errors
/// `HexFloatError` when the text is no such number, or one too large.
pub fn from_hex(text: &[u8]) -> Result<f64, HexFloatError> {
    let text = strip(text, Ends::Both);
    let (negative, body) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let sign = if negative { -1.0 } else { 1.0 };
    let is = |name: &str| body.eq_ignore_ascii_case(name.as_bytes());
    if is("inf") || is("infinity") {
        return Ok(f64::INFINITY * sign);
    }
    if is("nan") {
        return Ok(f64::NAN.copysign(sign));
    }
    let body = match body {
        [b'0', b'x' | b'X', rest @ ..] => rest,
        _ => body,
    };
    Ok(magnitude(body)?.copysign(sign))
}

/// Digits with an optional point, and an optional binary exponent.
fn magnitude(text: &[u8]) -> Result<f64, HexFloatError> {
    let split = text.iter().position(|b| matches!(b, b'p' | b'P')).unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at(split);
    let mut bits = Bits::default();
    let mut point = false;
    let mut count = 0;
    for &b in mantissa {
        match char::from(b).to_digit(16) {
            Some(digit) => {
                bits.push(digit, point);
                count += 1;
            }
            None if b == b'.' && !point => point = true,
            None => return Err(HexFloatError::Invalid),
        }
    }
    if count == 0 {
        return Err(HexFloatError::Invalid);
    }
    let exponent =
        if exponent.is_empty() { 0 } else { parse_exponent(exponent.get(1..).unwrap_or_default())? };
    bits.exponent = bits.exponent.saturating_add(exponent);
    bits.round()
}

/// A decimal exponent; one with too many digits saturates.
fn parse_exponent(text: &[u8]) -> Result<i64, HexFloatError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(HexFloatError::Invalid);
    }
    let value = digits.iter().fold(0_i64, |n, &b| n.saturating_mul(10).saturating_add(i64::from(b - b'0')));
    Ok(if negative { -value } else { value })
}

/// A binary number as it is read: `value × 2^exponent`, and whether anything below it was lost.
#[derive(Default)]
struct Bits {
    value: u64,
    exponent: i64,
    lost: bool,
}

impl Bits {
    fn push(&mut self, digit: u32, after_point: bool) {
        if self.value >> 60 == 0 {
            self.value = self.value << 4 | u64::from(digit);
            self.exponent -= 4 * i64::from(after_point);
        } else {
            self.lost |= digit != 0;
            self.exponent += 4 * i64::from(!after_point);
        }
    }

    fn round(self) -> Result<f64, HexFloatError> {
        if self.value == 0 {
            return Ok(0.0);
        }
        let top = self.exponent.saturating_add(i64::from(64 - self.value.leading_zeros()));
        if top > BIAS + 1 {
            return Err(HexFloatError::TooLarge);
        }
        // The place of the last bit that the result has.
        let last = top.saturating_sub(i64::from(FRACTION_BITS) + 1).max(1 - BIAS - i64::from(FRACTION_BITS));
        let cut = last.saturating_sub(self.exponent);
        let (kept, half, below) = match cut {
            ..=0 => return Ok(scale(self.value, self.exponent)),
            1..=64 => {
                let kept = if cut == 64 { 0 } else { self.value >> cut };
                let half = self.value >> (cut - 1) & 1 == 1;
                (kept, half, self.lost || self.value & ((1 << (cut - 1)) - 1) != 0)
            }
            _ => (0, false, true),
        };
        let rounded = kept + u64::from(half && (below || kept & 1 == 1));
        let result = scale(rounded, last);
        if result.is_finite() { Ok(result) } else { Err(HexFloatError::TooLarge) }
    }
}

/// `value × 2^exponent`, where the value has at most 53 significant bits and the result needs no rounding.
fn scale(value: u64, exponent: i64) -> f64 {
    let power = |n: i64| 2.0_f64.powi(n.clamp(-1022, 1023) as i32);
    // Two steps, since the exponent alone may lie outside of the range where the product does not.
    let first = exponent.clamp(-1022, 971);
    value as f64 * power(first) * power(exponent - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for x in [0.0, -0.0, 1.0, -1.5, 0.1, 1e300, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e-310, 3.75e-320] {
            assert_eq!(from_hex(to_hex(x).as_bytes()).map(f64::to_bits), Ok(x.to_bits()), "{x}");
        }
        assert_eq!(to_hex(0.1), "0x1.999999999999ap-4");
        assert_eq!(to_hex(5e-324), "0x0.0000000000001p-1022");
        assert_eq!(to_hex(-0.0), "-0x0.0p+0");
    }

    #[test]
    fn corners() {
        let read = |text: &str| from_hex(text.as_bytes());
        assert_eq!(read(" 0x.1p4 "), Ok(1.0));
        assert_eq!(read("10"), Ok(16.0));
        assert_eq!(read("0x1.00000000000008p0"), Ok(1.0));
        assert_eq!(read("0x1.000000000000080000001p0"), Ok(1.000_000_000_000_000_2));
        assert_eq!(read("0x1.fffffffffffff7p1023"), Ok(f64::MAX));
        assert_eq!(read("0x1.fffffffffffff8p1023"), Err(HexFloatError::TooLarge));
        assert_eq!(read("0x1p1024"), Err(HexFloatError::TooLarge));
        assert_eq!(read("0x1p-1074"), Ok(5e-324));
        assert_eq!(read("0x1p-1075"), Ok(0.0));
        assert_eq!(read("0x1.8p-1075"), Ok(5e-324));
        assert_eq!(read("0x1p-99999999999999999999"), Ok(0.0));
        assert_eq!(read("0x0p99999999999999999999"), Ok(0.0));
        assert_eq!(read("-infinity"), Ok(f64::NEG_INFINITY));
        for bad in ["", "0x", ".", "0x.p1", "1p", "1.1.1", "0xg", "1 1", "--1", "0x1p+"] {
            assert_eq!(read(bad), Err(HexFloatError::Invalid), "{bad}");
        }
    }
}
