//! `int ** int` and `pow(int, int, int)`.

use crate::error::{PyResult, memory_error, value_error};
use crate::types::float_;
use crate::types::int::{self, IntRef};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use orochi_core::{Ref, Thread, Value};

/// Results of more bits than this are refused with MemoryError.
const MAX_BITS: u64 = 1 << 38;

/// `nb_power`.
pub(super) fn slot(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, modulus: Ref<'_>) -> PyResult {
    let (Some(base), Some(exponent)) = (int::value(left), int::value(right)) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    if modulus.is_none() {
        return power(thread, base, exponent);
    }
    match int::value(modulus) {
        Some(modulus) => power_modulo(thread, base, exponent, modulus),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

/// `base ** exponent`; a float for a negative exponent.
pub fn power(thread: &Thread, base: IntRef<'_>, exponent: IntRef<'_>) -> PyResult {
    if exponent.is_negative() {
        let base = crate::protocol::number::int_to_float(base)?;
        let exponent = crate::protocol::number::int_to_float(exponent)?;
        return float_::arith::power(thread, base, exponent);
    }
    if let (IntRef::Small(base), Some(exponent)) = (base, exponent.to_i64())
        && let Ok(exponent) = u32::try_from(exponent)
        && let Some(result) = base.checked_pow(exponent)
    {
        return int::new(thread, result);
    }
    let odd = match exponent {
        IntRef::Small(small) => small & 1 == 1,
        IntRef::Big(big) => big.is_odd(),
    };
    match base.to_i64() {
        Some(0) => return int::new(thread, i64::from(exponent.is_zero())),
        Some(1) => return int::new(thread, 1),
        Some(-1) => return int::new(thread, if odd { -1 } else { 1 }),
        _ => {}
    }
    let count = exponent.to_i64().and_then(|count| u32::try_from(count).ok()).ok_or_else(memory_error)?;
    let bits = (base.bits() - 1).saturating_mul(count.into());
    if bits > MAX_BITS {
        return Err(memory_error());
    }
    int::from_big(thread, num_traits::pow::Pow::pow(&*base.to_big(), count))
}

/// `pow(base, exponent, modulus)`.
pub fn power_modulo(
    thread: &Thread,
    base: IntRef<'_>,
    exponent: IntRef<'_>,
    modulus: IntRef<'_>,
) -> PyResult {
    if modulus.is_zero() {
        return Err(value_error("pow() 3rd argument cannot be 0"));
    }
    if let (IntRef::Small(base), IntRef::Small(exponent), IntRef::Small(modulus)) = (base, exponent, modulus)
        && exponent >= 0
        && let Some(result) = small_power_modulo(base, exponent as u64, modulus)
    {
        return int::new(thread, result);
    }
    let (modulus, exponent) = (modulus.to_big(), exponent.to_big());
    let size = modulus.abs();
    let mut base = base.to_big().mod_floor(&size);
    let mut exponent = exponent.into_owned();
    if exponent.is_negative() {
        base = inverse(&base, &size)
            .ok_or_else(|| value_error("base is not invertible for the given modulus"))?;
        exponent = -exponent;
    }
    let mut result = base.modpow(&exponent, &size);
    if modulus.is_negative() && !result.is_zero() {
        result += &*modulus;
    }
    int::from_big(thread, result)
}

fn small_power_modulo(base: i64, mut exponent: u64, modulus: i64) -> Option<i64> {
    let size = i128::from(modulus.checked_abs()?);
    let mut square = i128::from(base).rem_euclid(size);
    let mut result = 1 % size;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * square % size;
        }
        square = square * square % size;
        exponent >>= 1;
    }
    let result = if modulus < 0 && result != 0 { result - size } else { result };
    result.to_i64()
}

/// The inverse of `value` modulo `modulus` (which is positive).
fn inverse(value: &BigInt, modulus: &BigInt) -> Option<BigInt> {
    let found = value.extended_gcd(modulus);
    if !found.gcd.is_one() && !modulus.is_one() {
        return None;
    }
    Some(found.x.mod_floor(modulus))
}
