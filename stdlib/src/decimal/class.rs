//! `Decimal`: an immutable decimal number. Its named operations are in `class_methods`.

use super::coefficient::Coefficient;
use super::context::{self, Context};
use super::number::{Env, Kind, Number, Rounding, status};
use super::{arith, class_methods, convert, format, signals, text, transcendental};
use num_bigint::{BigInt, Sign};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{PyErr, PyResult, overflow_error, type_error, value_error};
use orochi_objects::{
    CompareOp, Obj, PyClass, PyType, Ref, Thread, Value, alloc, class_of, float, int, protocol, str, tuple,
};
use std::borrow::Cow;

/// Construct a new Decimal object. 'value' can be an integer, string, tuple,
/// or another Decimal object. If no value is given, return Decimal('0'). The
/// context does not affect the conversion and is only passed to determine if
/// the InvalidOperation trap is active.
#[pyclass(name = "Decimal", module = "decimal", subclassable)]
#[derive(Trace)]
pub(super) struct Decimal {
    #[trace(unsafe_skip)]
    pub(super) number: Number,
}

/// A new Decimal.
pub(super) fn make(thread: &Thread, number: Number) -> PyResult {
    Ok(alloc(thread, Decimal::static_type().get(), Decimal { number })?.into_value())
}

/// A result with its conditions: a new Decimal, unless one of them is trapped.
pub(super) fn result(thread: &mut Thread, context: &Obj<Context>, env: &Env, number: Number) -> PyResult {
    signals::settle(thread, context, env.status)?;
    make(thread, number)
}

/// A Decimal or an int as a number.
pub(super) fn operand(value: Ref<'_>) -> Option<Cow<'_, Number>> {
    if let Some(decimal) = value.downcast::<Decimal>() {
        return Some(Cow::Borrowed(&decimal.number));
    }
    int::value(value).map(|value| Cow::Owned(of_int(value)))
}

/// The same; TypeError for anything else.
pub(super) fn operand_or_error(value: Ref<'_>) -> PyResult<Cow<'_, Number>> {
    operand(value).ok_or_else(|| not_convertible(value))
}

#[cold]
pub(super) fn not_convertible(value: Ref<'_>) -> PyErr {
    let class = class_of(value).full_name();
    type_error(format!("conversion from {class} to Decimal is not supported"))
}

pub(super) fn of_int(value: int::IntRef<'_>) -> Number {
    match value {
        int::IntRef::Small(value) => Number::int(value),
        int::IntRef::Big(value) => {
            Number::new(value.sign() == Sign::Minus, Coefficient::from(value.magnitude().clone()), 0)
        }
    }
}

type Binary = fn(&Number, &Number, &mut Env) -> Number;
type Unary = fn(&Number, &mut Env) -> Number;

/// An operator between two operands, of which one is a Decimal, in the current context.
fn operator(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: Binary) -> PyResult {
    let (Some(a), Some(b)) = (operand(left), operand(right)) else { return Ok(Value::NOT_IMPLEMENTED) };
    let context = context::current(thread)?;
    let mut env = Context::env(thread, &context);
    let number = op(&a, &b, &mut env);
    result(thread, &context, &env, number)
}

fn unary_operator(thread: &mut Thread, this: &Obj<Decimal>, op: Unary) -> PyResult {
    let context = context::current(thread)?;
    let mut env = Context::env(thread, &context);
    let number = op(&this.number, &mut env);
    result(thread, &context, &env, number)
}

pub(super) fn plus(a: &Number, env: &mut Env) -> Number {
    if let Some(nan) = arith::nan_of(&[a], env) {
        return nan;
    }
    let negative = a.negative && !(a.is_zero() && env.rounding != Rounding::Floor);
    a.clone().with_sign(negative).finish(env)
}

pub(super) fn minus(a: &Number, env: &mut Env) -> Number {
    if let Some(nan) = arith::nan_of(&[a], env) {
        return nan;
    }
    plus(&a.clone().negated(), env)
}

pub(super) fn abs(a: &Number, env: &mut Env) -> Number {
    if let Some(nan) = arith::nan_of(&[a], env) {
        return nan;
    }
    a.clone().with_sign(false).finish(env)
}

/// A whole number as an int, rounded; ValueError or OverflowError if it is none.
fn to_int(thread: &mut Thread, this: &Obj<Decimal>, rounding: Rounding) -> PyResult {
    let number = &this.number;
    if number.is_nan() {
        return Err(value_error("cannot convert NaN to integer"));
    }
    if number.is_infinite() {
        return Err(overflow_error("cannot convert Infinity to integer"));
    }
    let whole = arith::to_integral(number, rounding, false, &mut { Env::MAX });
    let Some(digits) = whole.whole() else { return Err(orochi_objects::error::memory_error()) };
    if let Some(small) = digits.to_u64().and_then(|digits| i64::try_from(digits).ok()) {
        return int::new(thread, if whole.negative { -small } else { small });
    }
    let sign = if whole.negative { Sign::Minus } else { Sign::Plus };
    int::from_big(thread, BigInt::from_biguint(sign, digits.to_big()))
}

/// The float that is the quotient or product of two exact ones, which IEEE 754 rounds correctly.
fn exact_float(number: &Number) -> Option<f64> {
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
        1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    if !number.is_finite() {
        return None;
    }
    let digits = number.digits.to_u64().filter(|digits| *digits < 1 << 53)? as f64;
    let power = *POWERS.get(usize::try_from(number.exponent.unsigned_abs()).ok()?)?;
    let value = if number.exponent < 0 { digits / power } else { digits * power };
    Some(if number.negative { -value } else { value })
}

/// `str` of a number. Only an exponent's letter depends on the context.
fn shown(thread: &mut Thread, this: &Obj<Decimal>) -> PyResult<String> {
    let capitals = !text::has_exponent(&this.number) || {
        let context = context::current(thread)?;
        Context::state(thread, &context).capitals
    };
    Ok(text::to_text(&this.number, false, capitals))
}

const HASH_MODULUS: u64 = (1 << 61) - 1;

/// The inverse of ten modulo that prime, by Fermat.
const TENTH: u64 = power_of(10, HASH_MODULUS - 2);

/// A product modulo the prime.
const fn times(a: u64, b: u64) -> u64 {
    (a as u128 * b as u128 % HASH_MODULUS as u128) as u64
}

/// A power modulo the prime.
const fn power_of(base: u64, exponent: u64) -> u64 {
    let (mut base, mut rest, mut result) = (base, exponent, 1);
    while rest > 0 {
        if rest % 2 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        rest /= 2;
    }
    result
}

/// The hash of a finite number: that of an equal int, float or fraction.
fn hash_of(number: &Number) -> i64 {
    let exponent = number.exponent.unsigned_abs() % (HASH_MODULUS - 1);
    let power = power_of(if number.exponent >= 0 { 10 } else { TENTH }, exponent);
    let hash = times(number.digits.modulo(HASH_MODULUS), power) as i64;
    let hash = if number.negative { -hash } else { hash };
    if hash == -1 { -2 } else { hash }
}

/// What a comparison of numbers means. NaNs are unordered, and signal.
fn compared(a: &Number, b: &Number, op: CompareOp, env: &mut Env) -> bool {
    let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    if a.is_nan() || b.is_nan() {
        let signaling = a.kind == Kind::Signaling || b.kind == Kind::Signaling;
        if signaling || !equality {
            env.raise(status::INVALID_OPERATION);
        }
        return op == CompareOp::Ne;
    }
    op.holds(a.compare(b))
}

#[pymethods(parts(class_methods::UNARY, class_methods::BINARY, class_methods::TESTS, class_methods::OTHER))]
impl Decimal {
    #[new]
    #[signature(value=<missing> as "\"0\"", context=None)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        value: Option<Ref<'_>>,
        context: Option<Ref<'_>>,
    ) -> PyResult {
        convert::check_context(context)?;
        let is_exact = std::ptr::eq(cls, Decimal::static_type().get());
        if is_exact
            && let Some(value) = value
            && orochi_objects::class::is_exact(value, Decimal::static_type())
        {
            return Ok(value.to_owned());
        }
        let number = match value {
            Some(value) => convert::exactly(thread, context, value)?,
            None => Number::int(0),
        };
        Ok(alloc(thread, cls, Decimal { number })?.into_value())
    }

    #[slot]
    fn nb_add(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        operator(thread, left, right, arith::add)
    }

    #[slot]
    fn nb_subtract(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        operator(thread, left, right, arith::sub)
    }

    #[slot]
    fn nb_multiply(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        operator(thread, left, right, arith::mul)
    }

    #[slot]
    fn nb_true_divide(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        operator(thread, left, right, arith::div)
    }

    #[slot]
    fn nb_floor_divide(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        operator(thread, left, right, arith::div_int)
    }

    #[slot]
    fn nb_remainder(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        operator(thread, left, right, arith::rem)
    }

    #[slot]
    fn nb_divmod(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let (Some(a), Some(b)) = (operand(left), operand(right)) else { return Ok(Value::NOT_IMPLEMENTED) };
        let context = context::current(thread)?;
        class_methods::divided(thread, &context, &a, &b)
    }

    #[slot]
    fn nb_power(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, modulus: Ref<'_>) -> PyResult {
        let (Some(a), Some(b)) = (operand(left), operand(right)) else { return Ok(Value::NOT_IMPLEMENTED) };
        let context = context::current(thread)?;
        let mut env = Context::env(thread, &context);
        let number = if modulus.is_none() {
            transcendental::power(&a, &b, &mut env)
        } else {
            let Some(modulus) = operand(modulus) else { return Ok(Value::NOT_IMPLEMENTED) };
            transcendental::power_modulo(&a, &b, &modulus, &mut env)
        };
        result(thread, &context, &env, number)
    }

    #[slot]
    fn nb_negative(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        unary_operator(thread, this, minus)
    }

    #[slot]
    fn nb_positive(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        unary_operator(thread, this, plus)
    }

    #[slot]
    fn nb_absolute(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        unary_operator(thread, this, abs)
    }

    #[slot]
    fn nb_bool(this: &Obj<Self>) -> PyResult<bool> {
        Ok(!this.number.is_zero())
    }

    #[slot]
    fn nb_int(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        to_int(thread, this, Rounding::Down)
    }

    #[slot]
    fn nb_float(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let number = &this.number;
        if number.kind == Kind::Signaling {
            return Err(value_error("cannot convert signaling NaN to float"));
        }
        if number.is_nan() {
            return float::new(thread, if number.negative { -f64::NAN } else { f64::NAN });
        }
        if let Some(value) = exact_float(number) {
            return float::new(thread, value);
        }
        let text = text::to_text(number, false, true);
        float::new(thread, orochi_text::float::parse(text.as_bytes()).unwrap_or(f64::NAN))
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        match this.number.kind {
            Kind::Finite => Ok(hash_of(&this.number)),
            Kind::Infinite => Ok(if this.number.negative { -314_159 } else { 314_159 }),
            Kind::Signaling => Err(type_error("Cannot hash a signaling NaN value")),
            Kind::Nan => match orochi_objects::types::object::PyObject::static_type().get().slots.tp_hash() {
                Some(hash) => hash(thread, this.get()),
                None => Ok(0),
            },
        }
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let Some(own) = left.downcast::<Decimal>() else { return Ok(Value::NOT_IMPLEMENTED) };
        if let Some(other) = operand(right)
            && !own.number.is_nan()
            && !other.is_nan()
        {
            return Ok(Value::bool(op.holds(own.number.compare(&other))));
        }
        let context = context::current(thread)?;
        let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
        let Some((a, b)) = convert::for_comparison(thread, &context, own, right, equality)? else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let mut env = Context::env(thread, &context);
        let holds = compared(&a, &b, op, &mut env);
        signals::settle(thread, &context, env.status)?;
        Ok(Value::bool(holds))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let text = shown(thread, this)?;
        str::new(thread, &format!("Decimal('{text}')"))
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let text = shown(thread, this)?;
        str::new(thread, &text)
    }

    #[name = "__trunc__"]
    fn trunc(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        to_int(thread, this, Rounding::Down)
    }

    #[name = "__floor__"]
    fn floor(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        to_int(thread, this, Rounding::Floor)
    }

    #[name = "__ceil__"]
    fn ceil(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        to_int(thread, this, Rounding::Ceiling)
    }

    #[name = "__round__"]
    #[signature(ndigits = <missing>, /)]
    fn round(thread: &mut Thread, this: &Obj<Self>, ndigits: Option<Ref<'_>>) -> PyResult {
        let Some(places) = ndigits else { return to_int(thread, this, Rounding::HalfEven) };
        let Some(places) = int::value(places) else {
            return Err(type_error("optional arg must be an integer"));
        };
        let Some(places) = places.to_i64() else {
            return Err(overflow_error("Python int too large to convert to C ssize_t"));
        };
        let context = context::current(thread)?;
        let mut env = Context::env(thread, &context);
        let pattern = Number::new(false, Coefficient::ONE, places.saturating_neg());
        let number = arith::quantize(&this.number, &pattern, &mut env);
        result(thread, &context, &env, number)
    }

    #[name = "__format__"]
    #[signature(format_spec, override_ = <missing>, /)]
    fn format(
        thread: &mut Thread,
        this: &Obj<Self>,
        format_spec: Ref<'_>,
        override_: Option<Ref<'_>>,
    ) -> PyResult {
        format::format(thread, this, format_spec, override_)
    }

    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let shown = protocol::str(thread, this.get())?;
        let args = tuple::of(thread, [shown])?;
        tuple::of(thread, [class_of(this.get()).to_value(), args])
    }

    #[name = "__copy__"]
    fn copy(this: &Obj<Self>) -> Value {
        this.to_value()
    }

    #[name = "__deepcopy__"]
    fn deepcopy(this: &Obj<Self>, object: Ref<'_>) -> Value {
        let _ = object;
        this.to_value()
    }

    #[name = "__complex__"]
    fn complex(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let value = protocol::number::as_float(thread, this.get())?;
        orochi_objects::types::complex::new(thread, value, 0.0)
    }

    #[name = "__sizeof__"]
    fn sizeof(this: &Obj<Self>) -> usize {
        let words = this.number.digits.digits().div_ceil(19) as usize;
        16 + std::mem::size_of::<Decimal>() + words.max(2) * 8
    }

    #[getter]
    fn real(this: &Obj<Self>) -> Value {
        this.to_value()
    }

    #[getter]
    fn imag(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let _ = this;
        make(thread, Number::int(0))
    }

    /// Class method that converts a float to a decimal number, exactly.
    #[classmethod]
    #[signature(f, /)]
    fn from_float(thread: &mut Thread, cls: &Obj<PyType>, f: Ref<'_>) -> PyResult {
        let number = match (int::value(f), float::value(f)) {
            (Some(value), _) => of_int(value),
            (_, Some(value)) => convert::of_float(value),
            _ => return Err(type_error("argument must be int or float")),
        };
        convert::as_class(thread, cls, number)
    }

    /// Class method that converts a real number to a decimal number, exactly.
    #[classmethod]
    #[signature(number, /)]
    fn from_number(thread: &mut Thread, cls: &Obj<PyType>, number: Ref<'_>) -> PyResult {
        let value = match (operand(number), float::value(number)) {
            (Some(value), _) => value.into_owned(),
            (_, Some(value)) => convert::of_float(value),
            _ => return Err(not_convertible(number)),
        };
        convert::as_class(thread, cls, value)
    }
}
