//! Digits without a sign: in one machine word pair while they fit, in a big integer beyond.

use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::OnceLock;

/// A whole number. `Big` holds only what doesn't fit `Small`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Coefficient {
    Small(u128),
    Big(BigUint),
}
use Coefficient::{Big, Small};

/// The largest exponent of `POWERS`.
const LAST_POWER: u64 = 38;

/// The powers of ten that fit a `u128`.
const POWERS: [u128; 39] = {
    let mut powers = [1; 39];
    let mut i = 1;
    while i < 39 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// How many of the larger powers are kept once they were computed.
const KEPT_POWERS: usize = 1200;

static BIG_POWERS: [OnceLock<BigUint>; KEPT_POWERS] = [const { OnceLock::new() }; KEPT_POWERS];

fn big_power(exponent: u64) -> Cow<'static, BigUint> {
    let exponent = usize::try_from(exponent).unwrap_or(usize::MAX);
    let compute = || num_traits::pow(BigUint::from(10u32), exponent);
    match BIG_POWERS.get(exponent) {
        Some(kept) => Cow::Borrowed(kept.get_or_init(compute)),
        None => Cow::Owned(compute()),
    }
}

/// The power of ten if it is a single word.
fn word_power(exponent: u64) -> Option<u64> {
    POWERS.get(usize::try_from(exponent).ok()?).and_then(|power| u64::try_from(*power).ok())
}

fn low_word(value: &BigUint) -> u64 {
    value.iter_u64_digits().next().unwrap_or(0)
}

/// Quotient and remainder by a single word, which isn't zero.
fn div_rem_word(value: &BigUint, divisor: u64) -> (BigUint, u64) {
    let quotient = value / divisor;
    // The remainder fits a word, so its low word is all of it.
    let remainder = low_word(value).wrapping_sub(low_word(&quotient).wrapping_mul(divisor));
    (quotient, remainder)
}

impl From<BigUint> for Coefficient {
    fn from(value: BigUint) -> Coefficient {
        match value.to_u128() {
            Some(small) => Small(small),
            None => Big(value),
        }
    }
}

impl From<u128> for Coefficient {
    fn from(value: u128) -> Coefficient {
        Small(value)
    }
}

impl Coefficient {
    pub(super) const ZERO: Coefficient = Small(0);
    pub(super) const ONE: Coefficient = Small(1);

    /// `10 ** exponent`.
    pub(super) fn power_of_ten(exponent: u64) -> Coefficient {
        match usize::try_from(exponent).ok().and_then(|exponent| POWERS.get(exponent)) {
            Some(&power) => Small(power),
            None => Coefficient::from(big_power(exponent).into_owned()),
        }
    }

    /// So many nines.
    pub(super) fn nines(count: u64) -> Coefficient {
        Coefficient::power_of_ten(count).sub(&Coefficient::ONE)
    }

    pub(super) fn to_big(&self) -> BigUint {
        match self {
            Small(value) => BigUint::from(*value),
            Big(value) => value.clone(),
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        matches!(self, Small(0))
    }

    pub(super) fn is_odd(&self) -> bool {
        match self {
            Small(value) => value % 2 == 1,
            Big(value) => value.is_odd(),
        }
    }

    /// The rest of a division by a word, which isn't zero.
    pub(super) fn modulo(&self, divisor: u64) -> u64 {
        match self {
            Small(value) => (value % u128::from(divisor)) as u64,
            Big(value) => div_rem_word(value, divisor).1,
        }
    }

    pub(super) fn to_u64(&self) -> Option<u64> {
        match self {
            Small(value) => u64::try_from(*value).ok(),
            Big(_) => None,
        }
    }

    /// The number, if it fits a word pair.
    pub(super) fn word_pair(&self) -> Option<u128> {
        match self {
            Small(value) => Some(*value),
            Big(_) => None,
        }
    }

    /// `10 ** exponent`, if that fits a word pair.
    pub(super) fn small_power(exponent: i64) -> Option<u128> {
        POWERS.get(usize::try_from(exponent).ok()?).copied()
    }

    /// How many decimal digits there are: one for zero.
    pub(super) fn digits(&self) -> u64 {
        match self {
            Small(value) => {
                // 1233 / 4096 is a little more than log10(2).
                let bits = 128 - value.leading_zeros();
                let guess = ((bits * 1233) >> 12) as usize;
                let power = POWERS.get(guess).copied().unwrap_or(u128::MAX);
                (guess as u64 + u64::from(*value >= power)).max(1)
            }
            Big(value) => {
                // Between the digits of the powers of two around it; looked at closely only where those differ.
                let bits = value.bits() as f64;
                let least = ((bits - 1.0) * std::f64::consts::LOG10_2 - 1e-5).floor() as u64 + 1;
                let most = (bits * std::f64::consts::LOG10_2 + 1e-5).floor() as u64 + 1;
                if least == most {
                    return least;
                }
                let mut count = least;
                while count < most && *value >= *big_power(count) {
                    count += 1;
                }
                count
            }
        }
    }

    pub(super) fn add(&self, other: &Coefficient) -> Coefficient {
        if let (Small(a), Small(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
        {
            return Small(sum);
        }
        match (self, other) {
            (Big(a), Big(b)) => Big(a + b),
            (Big(a), Small(b)) | (Small(b), Big(a)) => Big(a + *b),
            (Small(a), Small(b)) => Coefficient::from(BigUint::from(*a) + *b),
        }
    }

    /// The difference; the other one isn't larger.
    pub(super) fn sub(&self, other: &Coefficient) -> Coefficient {
        match (self, other) {
            (Small(a), Small(b)) => Small(a.saturating_sub(*b)),
            _ if (*self).cmp(other) == Ordering::Less => Coefficient::ZERO,
            (Big(a), Big(b)) => Coefficient::from(a - b),
            (Big(a), Small(b)) => Coefficient::from(a - *b),
            (Small(_), Big(_)) => Coefficient::ZERO,
        }
    }

    pub(super) fn mul(&self, other: &Coefficient) -> Coefficient {
        if let (Small(a), Small(b)) = (self, other)
            && let Some(product) = a.checked_mul(*b)
        {
            return Small(product);
        }
        match (self, other) {
            (Big(a), Big(b)) => Big(a * b),
            (Big(a), Small(b)) | (Small(b), Big(a)) => match u64::try_from(*b) {
                Ok(b) => Coefficient::from(a * b),
                Err(_) => Big(a * *b),
            },
            (Small(a), Small(b)) => Coefficient::from(BigUint::from(*a) * *b),
        }
    }

    /// Quotient and remainder; by zero, zero and all of it.
    pub(super) fn div_rem(&self, other: &Coefficient) -> (Coefficient, Coefficient) {
        match (self, other) {
            (_, Small(0)) => (Coefficient::ZERO, self.clone()),
            (Small(a), Small(b)) => (Small(a / b), Small(a % b)),
            (Small(a), Big(_)) => (Coefficient::ZERO, Small(*a)),
            (Big(a), Small(b)) => match u64::try_from(*b) {
                Ok(b) => {
                    let (quotient, remainder) = div_rem_word(a, b);
                    (Coefficient::from(quotient), Small(remainder.into()))
                }
                Err(_) => divide_big(a, &BigUint::from(*b)),
            },
            (Big(a), Big(b)) => divide_big(a, b),
        }
    }

    /// With so many zeros behind it.
    pub(super) fn shl(&self, zeros: u64) -> Coefficient {
        if zeros == 0 || self.is_zero() {
            return self.clone();
        }
        match self {
            Big(value) => match word_power(zeros) {
                Some(power) => Big(value * power),
                None => Big(value * &*big_power(zeros)),
            },
            Small(_) => self.mul(&Coefficient::power_of_ten(zeros)),
        }
    }

    /// Without the last digits, which are the second result.
    pub(super) fn shr(&self, digits: u64) -> (Coefficient, Coefficient) {
        if digits == 0 {
            return (self.clone(), Coefficient::ZERO);
        }
        if digits > self.digits() {
            return (Coefficient::ZERO, self.clone());
        }
        match self {
            Big(value) if digits > LAST_POWER => divide_big(value, &big_power(digits)),
            _ => self.div_rem(&Coefficient::power_of_ten(digits)),
        }
    }

    /// Whether the last digit is 0 or 5.
    pub(super) fn is_multiple_of_five(&self) -> bool {
        match self {
            Small(value) => value % 5 == 0,
            // A word's base, 2**64, leaves 1 when it is divided by 5.
            Big(value) => value.iter_u32_digits().map(|word| u64::from(word % 5)).sum::<u64>() % 5 == 0,
        }
    }

    pub(super) fn cmp(&self, other: &Coefficient) -> Ordering {
        match (self, other) {
            (Small(a), Small(b)) => a.cmp(b),
            (Small(_), Big(_)) => Ordering::Less,
            (Big(_), Small(_)) => Ordering::Greater,
            (Big(a), Big(b)) => a.cmp(b),
        }
    }

    /// The whole part of the square root.
    pub(super) fn sqrt(&self) -> Coefficient {
        Coefficient::from(self.to_big().sqrt())
    }

    /// Without zeros at the end, of which there are at most `limit`; and how many were removed.
    pub(super) fn without_zeros(&self, limit: u64) -> (Coefficient, u64) {
        let (mut rest, mut removed) = (self.clone(), 0);
        if rest.is_zero() {
            return (rest, 0);
        }
        // In steps that get smaller, so that long ones take few divisions.
        let mut step = self.digits().next_power_of_two().min(1 << 40);
        while step > 0 {
            if removed + step <= limit && step < rest.digits() {
                let (quotient, remainder) = rest.shr(step);
                if remainder.is_zero() {
                    rest = quotient;
                    removed += step;
                    continue;
                }
            }
            step /= 2;
        }
        (rest, removed)
    }

    pub(super) fn to_text(&self) -> String {
        match self {
            Small(value) => u64::try_from(*value).map_or_else(|_| value.to_string(), |word| word.to_string()),
            Big(value) => value.to_string(),
        }
    }

    /// From ASCII digits.
    pub(super) fn from_digits(digits: &[u8]) -> Coefficient {
        let start = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
        let digits = digits.get(start..).unwrap_or_default();
        if digits.len() <= 38 {
            return Small(
                digits.iter().fold(0, |sum, digit| sum * 10 + u128::from(digit.wrapping_sub(b'0') % 10)),
            );
        }
        from_long_digits(digits).into()
    }

    /// `self ** exponent`.
    pub(super) fn power(&self, exponent: u64) -> Coefficient {
        let mut result = BigUint::one();
        let (mut base, mut rest) = (self.to_big(), exponent);
        while rest > 0 {
            if rest % 2 == 1 {
                result *= &base;
            }
            rest /= 2;
            if rest > 0 {
                base = &base * &base;
            }
        }
        if result.is_zero() { Coefficient::ZERO } else { result.into() }
    }
}

fn divide_big(a: &BigUint, b: &BigUint) -> (Coefficient, Coefficient) {
    let (quotient, remainder) = a.div_rem(b);
    (Coefficient::from(quotient), Coefficient::from(remainder))
}

/// Halves are converted and put together, so that the work is that of multiplying.
fn from_long_digits(digits: &[u8]) -> BigUint {
    if digits.len() <= 500 {
        return BigUint::parse_bytes(digits, 10).unwrap_or_default();
    }
    let (high, low) = digits.split_at(digits.len() / 2);
    from_long_digits(high) * &*big_power(low.len() as u64) + from_long_digits(low)
}
