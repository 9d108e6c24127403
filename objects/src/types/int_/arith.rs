//! Arithmetic on ints: functions on values, and the slots that call them.
//!
//! Two machine words are added, multiplied, … as such; a `BigInt` comes in only when the result doesn't fit, or an operand
//! is big already. The interpreter's slow paths may call the functions directly.

use crate::error::{PyErr, PyResult, memory_error, overflow_error, value_error, zero_division_error};
use crate::types::int::{self, IntRef, PyInt};
use crate::types::{float, tuple};
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};
use orochi_core::{Ref, Thread, Value};
use orochi_macros::pymethods;

/// Results of more bits than this are refused with MemoryError.
const MAX_BITS: u64 = 1 << 38;

macro_rules! ring {
    ($($(#[$doc:meta])* $name:ident, $checked:ident, $operator:tt;)*) => { $(
        $(#[$doc])*
        #[inline]
        pub fn $name(thread: &Thread, left: IntRef<'_>, right: IntRef<'_>) -> PyResult {
            match (left, right) {
                (IntRef::Small(a), IntRef::Small(b)) => match a.$checked(b) {
                    Some(result) => int::new(thread, result),
                    None => int::from_big(thread, BigInt::from(i128::from(a) $operator i128::from(b))),
                },
                (IntRef::Big(a), IntRef::Small(b)) => int::from_big(thread, a $operator b),
                (IntRef::Small(a), IntRef::Big(b)) => int::from_big(thread, a $operator b),
                (IntRef::Big(a), IntRef::Big(b)) => int::from_big(thread, a $operator b),
            }
        }
    )* };
}
ring! {
    /// `left + right`.
    add, checked_add, +;
    /// `left - right`.
    subtract, checked_sub, -;
    /// `left * right`.
    multiply, checked_mul, *;
}

macro_rules! bitwise {
    ($($(#[$doc:meta])* $name:ident, $operator:tt;)*) => { $(
        $(#[$doc])*
        #[inline]
        pub fn $name(thread: &Thread, left: IntRef<'_>, right: IntRef<'_>) -> PyResult {
            match (left, right) {
                (IntRef::Small(a), IntRef::Small(b)) => int::new(thread, a $operator b),
                (a, b) => int::from_big(thread, &*a.to_big() $operator &*b.to_big()),
            }
        }
    )* };
}
bitwise! {
    /// `left & right`.
    and, &;
    /// `left | right`.
    or, |;
    /// `left ^ right`.
    xor, ^;
}

#[cold]
fn zero_division() -> PyErr {
    zero_division_error("division by zero")
}

/// `left // right`.
pub fn floor_divide(thread: &Thread, left: IntRef<'_>, right: IntRef<'_>) -> PyResult {
    match (left, right) {
        (_, right) if right.is_zero() => Err(zero_division()),
        (IntRef::Small(a), IntRef::Small(b)) if a != i64::MIN => int::new(thread, Integer::div_floor(&a, &b)),
        (a, b) => int::from_big(thread, a.to_big().div_floor(&b.to_big())),
    }
}

/// `left % right`.
pub fn remainder(thread: &Thread, left: IntRef<'_>, right: IntRef<'_>) -> PyResult {
    match (left, right) {
        (_, right) if right.is_zero() => Err(zero_division()),
        (IntRef::Small(a), IntRef::Small(b)) if a != i64::MIN => int::new(thread, Integer::mod_floor(&a, &b)),
        (a, b) => int::from_big(thread, a.to_big().mod_floor(&b.to_big())),
    }
}

/// `divmod(left, right)`: quotient and remainder.
pub fn div_mod(thread: &Thread, left: IntRef<'_>, right: IntRef<'_>) -> PyResult<(Value, Value)> {
    match (left, right) {
        (_, right) if right.is_zero() => Err(zero_division()),
        (IntRef::Small(a), IntRef::Small(b)) if a != i64::MIN => {
            let (quotient, remainder) = Integer::div_mod_floor(&a, &b);
            Ok((int::new(thread, quotient)?, int::new(thread, remainder)?))
        }
        (a, b) => {
            let (quotient, remainder) = a.to_big().div_mod_floor(&b.to_big());
            Ok((int::from_big(thread, quotient)?, int::from_big(thread, remainder)?))
        }
    }
}

/// `left / right`, rounded once: the float nearest to the exact quotient.
pub fn true_divide(thread: &Thread, left: IntRef<'_>, right: IntRef<'_>) -> PyResult {
    /// Ints up to this are exact as floats, so that the division rounds only once.
    const EXACT: u64 = 1 << 53;
    if right.is_zero() {
        return Err(zero_division());
    }
    if let (IntRef::Small(a), IntRef::Small(b)) = (left, right)
        && a.unsigned_abs() <= EXACT
        && b.unsigned_abs() <= EXACT
    {
        return float::new(thread, a as f64 / b as f64);
    }
    let quotient = divide_big(&left.to_big(), &right.to_big());
    if quotient.is_finite() {
        return float::new(thread, quotient);
    }
    Err(overflow_error("integer division result too large for a float"))
}

/// The float nearest to `a / b`; infinite if too large.
pub fn divide_big(a: &BigInt, b: &BigInt) -> f64 {
    let negative = a.is_negative() != b.is_negative();
    let (a, b) = (a.magnitude(), b.magnitude());
    if a.is_zero() {
        return if negative { -0.0 } else { 0.0 };
    }
    // The quotient gets at least 64 bits, or as many as the smallest float has; its last bit is sticky.
    let difference = a.bits() as i64 - b.bits() as i64;
    if difference > 1025 {
        return f64::INFINITY;
    }
    if difference < -1080 {
        return if negative { -0.0 } else { 0.0 };
    }
    // Below the normal range fewer bits are kept: 2^-1074 is the last bit, and two more decide the rounding.
    let shift = (66 - difference).min(1076);
    let (mut quotient, rest) =
        if shift >= 0 { (a << shift as u64).div_rem(b) } else { a.div_rem(&(b << (-shift) as u64)) };
    if !rest.is_zero() {
        quotient |= num_bigint::BigUint::from(1_u8);
    }
    let value = round_scaled(quotient.to_u128().unwrap_or(u128::MAX), -shift);
    if negative { -value } else { value }
}

/// `bits * 2^exponent` rounded to the nearest float, ties to even. The lowest bit may be sticky.
fn round_scaled(bits: u128, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let length = i64::from(128 - bits.leading_zeros());
    // The place of the result's last bit: 53 bits from the top, but not below that of the smallest float.
    let last = (length + exponent - 53).max(-1074);
    let drop = last - exponent;
    let (kept, last) = if drop <= 0 {
        (bits, exponent)
    } else if drop >= 128 {
        (0, last)
    } else {
        let kept = bits >> drop;
        let rest = bits & ((1 << drop) - 1);
        let half = 1_u128 << (drop - 1);
        let up = rest > half || (rest == half && kept & 1 == 1);
        (kept + u128::from(up), last)
    };
    scale(kept as f64, last)
}

/// `x * 2^exponent` for an exact result (or infinity).
fn scale(x: f64, exponent: i64) -> f64 {
    let mut value = x;
    let mut left = exponent;
    while left > 1000 {
        value *= 2.0_f64.powi(1000);
        left -= 1000;
    }
    while left < -1000 {
        // Exact: the caller leaves no bits below the smallest float, and large steps go first on the normal side.
        let step = 2.0_f64.powi(-500);
        value *= step;
        left += 500;
    }
    value * 2.0_f64.powi(left as i32)
}

/// `left << right`.
pub fn lshift(thread: &Thread, left: IntRef<'_>, right: IntRef<'_>) -> PyResult {
    if right.is_negative() {
        return Err(value_error("negative shift count"));
    }
    if left.is_zero() {
        return int::new(thread, 0);
    }
    let Some(count) = right.to_i64().map(|count| count as u64) else {
        return Err(overflow_error("too many digits in integer"));
    };
    if let IntRef::Small(small) = left
        && count < 63
        && let shifted = small << count
        && shifted >> count == small
    {
        return int::new(thread, shifted);
    }
    let left = left.to_big();
    if left.bits().saturating_add(count) > MAX_BITS {
        return Err(memory_error());
    }
    int::from_big(thread, &*left << count)
}

/// `left >> right`.
pub fn rshift(thread: &Thread, left: IntRef<'_>, right: IntRef<'_>) -> PyResult {
    if right.is_negative() {
        return Err(value_error("negative shift count"));
    }
    let count = right.to_i64();
    match (left, count) {
        (IntRef::Small(a), Some(count)) => int::new(thread, a >> count.min(63)),
        (IntRef::Big(a), Some(count)) if (count as u64) < a.bits() => {
            // num-bigint rounds towards negative infinity, as Python does.
            int::from_big(thread, a >> (count as u64))
        }
        (a, _) => int::new(thread, if a.is_negative() { -1 } else { 0 }),
    }
}

/// `-value`.
pub fn negative(thread: &Thread, value: IntRef<'_>) -> PyResult {
    match value {
        IntRef::Small(small) if small != i64::MIN => int::new(thread, -small),
        value => int::from_big(thread, -value.to_big().into_owned()),
    }
}

/// `~value`.
pub fn invert(thread: &Thread, value: IntRef<'_>) -> PyResult {
    match value {
        IntRef::Small(small) => int::new(thread, !small),
        IntRef::Big(big) => int::from_big(thread, !big.clone()),
    }
}

/// `abs(value)`.
pub fn absolute(thread: &Thread, value: IntRef<'_>) -> PyResult {
    if value.is_negative() { negative(thread, value) } else { exact(thread, value) }
}

/// The value as an exact `int`.
pub fn exact(thread: &Thread, value: IntRef<'_>) -> PyResult {
    match value {
        IntRef::Small(small) => int::new(thread, small),
        IntRef::Big(big) => int::from_big(thread, big.clone()),
    }
}

impl IntRef<'_> {
    /// Whether it is 0.
    #[inline]
    pub fn is_zero(self) -> bool {
        match self {
            IntRef::Small(small) => small == 0,
            IntRef::Big(big) => big.is_zero(),
        }
    }

    /// Whether it is below 0.
    #[inline]
    pub fn is_negative(self) -> bool {
        match self {
            IntRef::Small(small) => small < 0,
            IntRef::Big(big) => big.sign() == Sign::Minus,
        }
    }

    /// The number of bits of the absolute value.
    pub fn bits(self) -> u64 {
        match self {
            IntRef::Small(small) => u64::from(64 - small.unsigned_abs().leading_zeros()),
            IntRef::Big(big) => big.bits(),
        }
    }
}

/// The answer of a binary slot: both operands as ints, or NotImplemented.
#[inline]
fn binary(
    thread: &mut Thread,
    left: Ref<'_>,
    right: Ref<'_>,
    operation: fn(&Thread, IntRef<'_>, IntRef<'_>) -> PyResult,
) -> PyResult {
    match (int::value(left), int::value(right)) {
        (Some(a), Some(b)) => operation(thread, a, b),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

#[inline]
fn unary(thread: &mut Thread, this: Ref<'_>, operation: fn(&Thread, IntRef<'_>) -> PyResult) -> PyResult {
    match int::value(this) {
        Some(value) => operation(thread, value),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

#[pymethods(part = ARITH)]
impl PyInt {
    #[slot]
    fn nb_add(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, add)
    }

    #[slot]
    fn nb_subtract(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, subtract)
    }

    #[slot]
    fn nb_multiply(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, multiply)
    }

    #[slot]
    fn nb_floor_divide(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, floor_divide)
    }

    #[slot]
    fn nb_remainder(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, remainder)
    }

    #[slot]
    fn nb_divmod(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let (Some(a), Some(b)) = (int::value(left), int::value(right)) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let (quotient, remainder) = div_mod(thread, a, b)?;
        Ok(tuple::new(thread, vec![quotient, remainder])?.into_value())
    }

    #[slot]
    fn nb_true_divide(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, true_divide)
    }

    #[slot]
    fn nb_power(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, modulus: Ref<'_>) -> PyResult {
        super::power::slot(thread, left, right, modulus)
    }

    #[slot]
    fn nb_lshift(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, lshift)
    }

    #[slot]
    fn nb_rshift(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, rshift)
    }

    #[slot]
    fn nb_and(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, and)
    }

    #[slot]
    fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, or)
    }

    #[slot]
    fn nb_xor(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, xor)
    }

    #[slot]
    fn nb_negative(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        unary(thread, this, negative)
    }

    #[slot]
    fn nb_positive(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        unary(thread, this, exact)
    }

    #[slot]
    fn nb_absolute(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        unary(thread, this, absolute)
    }

    #[slot]
    fn nb_invert(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        unary(thread, this, invert)
    }

    #[slot]
    fn nb_int(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        unary(thread, this, exact)
    }

    #[slot]
    fn nb_index(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        unary(thread, this, exact)
    }

    #[slot]
    fn nb_float(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        match int::value(this) {
            Some(value) => float::new(thread, crate::protocol::number::int_to_float(value)?),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn nb_bool(_thread: &mut Thread, this: Ref<'_>) -> PyResult<bool> {
        Ok(int::value(this).is_some_and(|value| !value.is_zero()))
    }
}
