//! Other objects as decimal numbers, and formatting.

use super::class::{Decimal, not_convertible, operand};
use super::coefficient::Coefficient;
use super::context::{self, Context};
use super::number::{Env, Kind, MAX_DIGITS, Number, status};
use super::{signals, text};
use crate::support;
use orochi_objects::error::{PyResult, memory_error, overflow_error, type_error, value_error};
use orochi_objects::types::complex;
use orochi_objects::types::list::PyList;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{Obj, PyClass, PyType, Ref, Thread, float, int, protocol, tuple};

/// The exact value of a float.
pub(super) fn of_float(value: f64) -> Number {
    let negative = value.is_sign_negative();
    if value.is_nan() {
        return Number::nan().with_sign(negative);
    }
    if value.is_infinite() {
        return Number::infinity(negative);
    }
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = match (bits >> 52) & 0x7FF {
        0 => (fraction, -1074),
        exponent => (fraction | 1 << 52, exponent as i64 - 1075),
    };
    if mantissa == 0 {
        return Number::zero(negative, 0);
    }
    let zeros = mantissa.trailing_zeros();
    let (mantissa, exponent) =
        (Coefficient::from(u128::from(mantissa >> zeros)), exponent + i64::from(zeros));
    if exponent >= 0 {
        let power = Coefficient::from(2u128).power(exponent.unsigned_abs());
        return Number::new(negative, mantissa.mul(&power), 0);
    }
    let power = Coefficient::from(5u128).power(exponent.unsigned_abs());
    Number::new(negative, mantissa.mul(&power), exponent)
}

/// A number as an instance of a class.
pub(super) fn as_class(thread: &mut Thread, class: &Obj<PyType>, number: Number) -> PyResult {
    let made = super::class::make(thread, number)?;
    if std::ptr::eq(class, Decimal::static_type().get()) {
        return Ok(made);
    }
    protocol::call(thread, class.get(), &[made.get()])
}

/// Refuses an argument `context` that is none.
pub(super) fn check_context(context: Option<Ref<'_>>) -> PyResult<()> {
    match context {
        Some(given) if !given.is_none() && given.downcast::<Context>().is_none() => {
            Err(type_error("optional argument must be a context"))
        }
        _ => Ok(()),
    }
}

/// The argument of `Decimal(value)` as a number. The context, by default that of the running code, is told what is wrong.
pub(super) fn exactly(thread: &mut Thread, context: Option<Ref<'_>>, value: Ref<'_>) -> PyResult<Number> {
    if let Some(number) = operand(value) {
        // An int may have too many digits.
        if number.digits.digits() < MAX_DIGITS {
            return Ok(number.into_owned());
        }
    }
    if let Some(text) = value.downcast::<PyStr>()
        && let Some(number) = text::parse_plain(text.as_bytes())
    {
        return Ok(number);
    }
    let context = context::given(thread, context)?;
    let parsed = unrounded(thread, &context, value)?;
    let mut env = Context::env(thread, &context);
    let number = text::converted_exactly(parsed, &mut env);
    signals::settle(thread, &context, env.status)?;
    Ok(number)
}

/// The argument of `Context.create_decimal(value)` as a number.
pub(super) fn in_context(thread: &mut Thread, context: &Obj<Context>, value: Ref<'_>) -> PyResult<Number> {
    let parsed = unrounded(thread, context, value)?;
    let mut env = Context::env(thread, context);
    let number = text::converted(parsed, &mut env);
    signals::settle(thread, context, env.status)?;
    Ok(number)
}

/// A value as a number; `None` if it is text that stands for none.
fn unrounded(thread: &mut Thread, context: &Obj<Context>, value: Ref<'_>) -> PyResult<Option<Number>> {
    Ok(if let Some(number) = operand(value) {
        Some(number.into_owned())
    } else if let Some(value) = value.downcast::<PyStr>() {
        text::parse(&text::ascii(value.as_wtf8(), false))
    } else if let Some(value) = float::value(value) {
        signals::settle(thread, context, status::FLOAT_OPERATION)?;
        Some(of_float(value))
    } else if value.downcast::<PyTuple>().is_some() || value.downcast::<PyList>().is_some() {
        Some(of_sequence(thread, value)?)
    } else {
        return Err(not_convertible(value));
    })
}

/// A str as `create_decimal` takes it, which allows neither spaces nor underscores.
pub(super) fn of_text(text: &Obj<PyStr>, env: &mut Env) -> Number {
    text::converted(text::parse(&text::ascii(text.as_wtf8(), true)), env)
}

/// A number from its sign, its digits and its exponent.
fn of_sequence(thread: &mut Thread, value: Ref<'_>) -> PyResult<Number> {
    let parts = protocol::collect(thread, value)?;
    let [sign, digits, exponent] = parts.as_slice() else {
        return Err(value_error("argument must be a sequence of length 3"));
    };
    let negative = match int::value(sign.get()).and_then(int::IntRef::to_i64) {
        Some(sign @ (0 | 1)) => sign == 1,
        _ => return Err(value_error("sign must be an integer with the value 0 or 1")),
    };
    let bad_digits = || value_error("coefficient must be a tuple of digits");
    let kind = match exponent.get().downcast::<PyStr>().map(|text| text.as_bytes()) {
        Some(b"F") => return Ok(Number::infinity(negative)),
        Some(b"n") => Kind::Nan,
        Some(b"N") => Kind::Signaling,
        None if int::value(exponent.get()).is_some() => Kind::Finite,
        _ => {
            return Err(value_error("string argument in the third position must be 'F', 'n' or 'N'"));
        }
    };
    let exponent = if kind == Kind::Finite { int::value(exponent.get()) } else { None };
    let exponent = match exponent.map(int::IntRef::to_i64) {
        Some(Some(exponent)) => exponent.clamp(i64::MIN / 2, i64::MAX / 2),
        Some(None) => return Err(overflow_error("Python int too large to convert to C ssize_t")),
        None => 0,
    };
    if digits.get().downcast::<PyTuple>().is_none() && digits.get().downcast::<PyList>().is_none() {
        return Err(bad_digits());
    }
    let mut text = Vec::new();
    for digit in protocol::collect(thread, digits.get())? {
        match int::value(digit.get()).and_then(int::IntRef::to_i64) {
            Some(digit @ 0..=9) => text.push(b'0' + digit as u8),
            _ => return Err(bad_digits()),
        }
    }
    Ok(Number { negative, kind, digits: Coefficient::from_digits(&text), exponent })
}

/// Two numbers that compare as a Decimal and another object do; `None` if they can't be compared.
pub(super) fn for_comparison(
    thread: &mut Thread,
    context: &Obj<Context>,
    own: &Obj<Decimal>,
    other: Ref<'_>,
    equality: bool,
) -> PyResult<Option<(Number, Number)>> {
    if let Some(number) = operand(other) {
        return Ok(Some((own.number.clone(), number.into_owned())));
    }
    let number = match (float::value(other), complex::value(other)) {
        (Some(value), _) => value,
        (None, Some((real, imag))) if equality && imag == 0.0 => real,
        (None, Some(_)) => return Ok(None),
        _ => return with_fraction(thread, own, other),
    };
    if equality {
        Context::raise_flags(context, status::FLOAT_OPERATION);
    } else {
        signals::settle(thread, context, status::FLOAT_OPERATION)?;
    }
    Ok(Some((own.number.clone(), of_float(number))))
}

/// A fraction compares as its numerator does with the number times its denominator.
fn with_fraction(
    thread: &mut Thread,
    own: &Obj<Decimal>,
    other: Ref<'_>,
) -> PyResult<Option<(Number, Number)>> {
    let rational = support::import_attr(thread, "numbers", "Rational")?;
    if !protocol::is_instance(thread, other, rational.get())? {
        return Ok(None);
    }
    let numerator = protocol::get_attr_str(thread, other, "numerator")?;
    let denominator = protocol::get_attr_str(thread, other, "denominator")?;
    let (Some(numerator), Some(denominator)) = (operand(numerator.get()), operand(denominator.get())) else {
        return Ok(None);
    };
    let own = &own.number;
    let scaled = if own.is_finite() {
        Number { digits: own.digits.mul(&denominator.digits), ..own.clone() }
    } else {
        own.clone()
    };
    Ok(Some((scaled, numerator.into_owned())))
}

/// `as_integer_ratio`.
pub(super) fn ratio(thread: &mut Thread, number: &Number) -> PyResult {
    if number.is_nan() {
        return Err(value_error("cannot convert NaN to integer ratio"));
    }
    if number.is_infinite() {
        return Err(overflow_error("cannot convert Infinity to integer ratio"));
    }
    if number.exponent.unsigned_abs() > MAX_DIGITS && !number.is_zero() {
        return Err(memory_error());
    }
    let digits = number.digits.to_big();
    let (top, bottom) = if number.is_zero() {
        (digits, Coefficient::ONE.to_big())
    } else if number.exponent >= 0 {
        (number.digits.shl(number.exponent.unsigned_abs()).to_big(), Coefficient::ONE.to_big())
    } else {
        let power = Coefficient::power_of_ten(number.exponent.unsigned_abs()).to_big();
        let common = num_integer::Integer::gcd(&digits, &power);
        (digits / &common, power / common)
    };
    let sign = if number.negative { num_bigint::Sign::Minus } else { num_bigint::Sign::Plus };
    let top = int::from_big(thread, num_bigint::BigInt::from_biguint(sign, top))?;
    let bottom = int::from_big(thread, bottom.into())?;
    tuple::of(thread, [top, bottom])
}
