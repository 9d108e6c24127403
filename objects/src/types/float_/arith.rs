//! Arithmetic and comparison of floats. Ints are converted; comparison with ints is exact.

use crate::error::{PyResult, overflow_error, zero_division_error};
use crate::protocol::CompareOp;
use crate::protocol::number::int_to_float;
use crate::types::float::{self, PyFloat};
use crate::types::{complex, int, tuple};
use orochi_core::{Ref, Thread, Value};
use orochi_macros::pymethods;

/// The operand of a float's operator: a float or an int. OverflowError for an int that is too large.
#[inline]
pub fn operand(object: Ref<'_>) -> PyResult<Option<f64>> {
    if let Some(value) = float::value(object) {
        return Ok(Some(value));
    }
    int::value(object).map(int_to_float).transpose()
}

/// `left // right` and `left % right` for a divisor that isn't zero.
pub fn div_mod(left: f64, right: f64) -> (f64, f64) {
    let mut rest = left % right;
    let mut quotient = (left - rest) / right;
    if rest == 0.0 {
        rest = 0.0_f64.copysign(right);
    } else if (right < 0.0) != (rest < 0.0) {
        rest += right;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0.0_f64.copysign(left / right), rest);
    }
    let floor = quotient.floor();
    (if quotient - floor > 0.5 { floor + 1.0 } else { floor }, rest)
}

/// `left % right`. ZeroDivisionError.
pub fn remainder(left: f64, right: f64) -> PyResult<f64> {
    if right == 0.0 {
        return Err(zero_division_error("division by zero"));
    }
    let rest = left % right;
    Ok(if rest == 0.0 {
        0.0_f64.copysign(right)
    } else if (right < 0.0) != (rest < 0.0) {
        rest + right
    } else {
        rest
    })
}

/// `left // right`. ZeroDivisionError.
pub fn floor_divide(left: f64, right: f64) -> PyResult<f64> {
    if right == 0.0 {
        return Err(zero_division_error("division by zero"));
    }
    Ok(div_mod(left, right).0)
}

/// `left / right`. ZeroDivisionError.
#[inline]
pub fn true_divide(left: f64, right: f64) -> PyResult<f64> {
    if right == 0.0 {
        return Err(zero_division_error("division by zero"));
    }
    Ok(left / right)
}

/// `base ** exponent`: a complex number for a negative base and an exponent that isn't whole.
pub fn power(thread: &Thread, base: f64, exponent: f64) -> PyResult {
    let odd = exponent.abs() % 2.0 == 1.0;
    if base == 0.0 && exponent < 0.0 && exponent.is_finite() {
        return Err(zero_division_error("zero to a negative power"));
    }
    if base < 0.0 && base.is_finite() && exponent.is_finite() && exponent != exponent.floor() {
        let result = complex::power((base, 0.0), (exponent, 0.0))?;
        return complex::new(thread, result.0, result.1);
    }
    if !base.is_finite() || !exponent.is_finite() || base == 0.0 {
        return float::new(thread, special_power(base, exponent, odd));
    }
    let result = base.abs().powf(exponent);
    if result.is_infinite() {
        return Err(range_error(thread));
    }
    float::new(thread, if base < 0.0 && odd { -result } else { result })
}

/// Powers of and with infinities, NaNs and zeros.
fn special_power(base: f64, exponent: f64, odd: bool) -> f64 {
    if exponent == 0.0 || base == 1.0 {
        return 1.0;
    }
    if base.is_nan() || exponent.is_nan() {
        return base + exponent;
    }
    if exponent.is_infinite() {
        let size = base.abs();
        return match size {
            1.0 => 1.0,
            _ if (exponent > 0.0) == (size > 1.0) => f64::INFINITY,
            _ => 0.0,
        };
    }
    if base.is_infinite() {
        return match (exponent > 0.0, odd) {
            (true, true) => base,
            (true, false) => base.abs(),
            (false, true) => 0.0_f64.copysign(base),
            (false, false) => 0.0,
        };
    }
    if odd { base } else { 0.0 }
}

/// `OverflowError(34, 'Numerical result out of range')`.
#[cold]
pub fn range_error(thread: &Thread) -> crate::PyErr {
    match (int::new(thread, 34), crate::str::new(thread, "Numerical result out of range")) {
        (Ok(number), Ok(text)) => {
            crate::PyErr::new(&crate::types::exception::OverflowError, vec![number, text])
        }
        _ => overflow_error("Numerical result out of range"),
    }
}

#[inline]
fn binary(
    thread: &mut Thread,
    left: Ref<'_>,
    right: Ref<'_>,
    operation: impl FnOnce(f64, f64) -> PyResult<f64>,
) -> PyResult {
    let (Some(left), Some(right)) = (operand(left)?, operand(right)?) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    float::new(thread, operation(left, right)?)
}

#[inline]
fn own(this: Ref<'_>) -> f64 {
    float::value(this).unwrap_or(f64::NAN)
}

#[pymethods(part = ARITH)]
impl PyFloat {
    #[slot]
    fn nb_add(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, |a, b| Ok(a + b))
    }

    #[slot]
    fn nb_subtract(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, |a, b| Ok(a - b))
    }

    #[slot]
    fn nb_multiply(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, |a, b| Ok(a * b))
    }

    #[slot]
    fn nb_true_divide(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, true_divide)
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
        let (Some(left), Some(right)) = (operand(left)?, operand(right)?) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if right == 0.0 {
            return Err(zero_division_error("division by zero"));
        }
        let (quotient, rest) = div_mod(left, right);
        let pair = vec![float::new(thread, quotient)?, float::new(thread, rest)?];
        Ok(tuple::new(thread, pair)?.into_value())
    }

    #[slot]
    fn nb_power(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, modulus: Ref<'_>) -> PyResult {
        let (Some(base), Some(exponent)) = (operand(left)?, operand(right)?) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if !modulus.is_none() {
            let message = "pow() 3rd argument not allowed unless all arguments are integers";
            return Err(crate::error::type_error(message));
        }
        power(thread, base, exponent)
    }

    #[slot]
    fn nb_negative(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        float::new(thread, -own(this))
    }

    #[slot]
    fn nb_positive(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        float::new(thread, own(this))
    }

    #[slot]
    fn nb_absolute(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        float::new(thread, own(this).abs())
    }

    #[slot]
    fn nb_bool(_thread: &mut Thread, this: Ref<'_>) -> PyResult<bool> {
        Ok(own(this) != 0.0)
    }

    #[slot]
    fn nb_int(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        super::methods::to_int(thread, own(this))
    }

    #[slot]
    fn nb_float(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        float::new(thread, own(this))
    }

    #[slot]
    fn tp_richcompare(_thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let Some(left) = float::value(left) else { return Ok(Value::NOT_IMPLEMENTED) };
        let order = if let Some(right) = float::value(right) {
            left.partial_cmp(&right)
        } else if let Some(right) = int::value(right) {
            crate::types::int_::compare::compare_float(right, left).map(std::cmp::Ordering::reverse)
        } else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        Ok(Value::bool(order.map_or(op == CompareOp::Ne, |order| op.holds(order))))
    }

    #[slot]
    fn tp_hash(_thread: &mut Thread, this: Ref<'_>) -> PyResult<i64> {
        Ok(orochi_text::hash::hash_float(own(this)).unwrap_or_else(|| crate::hash::of_address(this)))
    }
}
