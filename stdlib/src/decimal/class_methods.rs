//! The named operations of `Decimal`.

use super::class::{Decimal, make, operand_or_error, result};
use super::context::{self, Context};
use super::convert;
use super::number::{Env, Kind, Number, Rounding};
use super::{arith, compare, text, transcendental};
use crate::os_support;
use orochi_macros::pymethods;
use orochi_objects::error::{PyResult, runtime_error};
use orochi_objects::{Obj, Ref, Thread, int, protocol, str, tuple};

type UnaryOp = fn(&Number, &mut Env) -> Number;
type BinaryOp = fn(&Number, &Number, &mut Env) -> Number;

/// Quotient and remainder as a tuple.
pub(super) fn divided(thread: &mut Thread, context: &Obj<Context>, a: &Number, b: &Number) -> PyResult {
    let mut env = Context::env(thread, context);
    let (quotient, remainder) = arith::div_mod(a, b, &mut env);
    super::signals::settle(thread, context, env.status)?;
    let parts = [make(thread, quotient)?, make(thread, remainder)?];
    tuple::of(thread, parts)
}

fn unary(thread: &mut Thread, this: &Obj<Decimal>, context: Option<Ref<'_>>, op: UnaryOp) -> PyResult {
    let context = context::given(thread, context)?;
    let mut env = Context::env(thread, &context);
    let number = op(&this.number, &mut env);
    result(thread, &context, &env, number)
}

fn binary(
    thread: &mut Thread,
    this: &Obj<Decimal>,
    other: Ref<'_>,
    context: Option<Ref<'_>>,
    op: BinaryOp,
) -> PyResult {
    let context = context::given(thread, context)?;
    let other = operand_or_error(other)?;
    let mut env = Context::env(thread, &context);
    let number = op(&this.number, &other, &mut env);
    result(thread, &context, &env, number)
}

/// The digits, the sign and the exponent.
fn as_tuple(thread: &mut Thread, number: &Number) -> PyResult {
    let sign = int::new(thread, i64::from(number.negative))?;
    let digits = match number.kind {
        Kind::Infinite => "0".to_owned(),
        Kind::Finite => number.digits.to_text(),
        _ if number.digits.is_zero() => String::new(),
        _ => number.digits.to_text(),
    };
    let digits: PyResult<Vec<_>> =
        digits.bytes().map(|digit| int::new(thread, i64::from(digit - b'0'))).collect();
    let digits = tuple::new(thread, digits?)?.into_value();
    let exponent = match number.kind {
        Kind::Finite => int::new(thread, number.exponent)?,
        Kind::Infinite => str::new(thread, "F")?,
        Kind::Nan => str::new(thread, "n")?,
        Kind::Signaling => str::new(thread, "N")?,
    };
    let class = os_support::kept_value(thread, super::TUPLE)?;
    let class = class.ok_or_else(|| runtime_error("_decimal isn't initialised"))?;
    protocol::call(thread, class.get(), &[sign.get(), digits.get(), exponent.get()])
}

/// Rounds to a whole number; `rounding` is the context's if it isn't given.
fn integral(
    thread: &mut Thread,
    this: &Obj<Decimal>,
    rounding: Option<Ref<'_>>,
    context: Option<Ref<'_>>,
    exact: bool,
) -> PyResult {
    let context = context::given(thread, context)?;
    let mut env = Context::env(thread, &context);
    let rounding = chosen(rounding, &env)?;
    let number = arith::to_integral(&this.number, rounding, exact, &mut env);
    result(thread, &context, &env, number)
}

fn chosen(rounding: Option<Ref<'_>>, env: &Env) -> PyResult<Rounding> {
    match rounding.filter(|rounding| !rounding.is_none()) {
        Some(name) => context::rounding_of(name),
        None => Ok(env.rounding),
    }
}

pub(super) fn logical_and(a: &Number, b: &Number, env: &mut Env) -> Number {
    compare::logical_op(a, b, |a, b| a && b, env)
}

pub(super) fn logical_or(a: &Number, b: &Number, env: &mut Env) -> Number {
    compare::logical_op(a, b, |a, b| a || b, env)
}

pub(super) fn logical_xor(a: &Number, b: &Number, env: &mut Env) -> Number {
    compare::logical_op(a, b, |a, b| a != b, env)
}

pub(super) fn max(a: &Number, b: &Number, env: &mut Env) -> Number {
    compare::pick(a, b, (true, false), env)
}

pub(super) fn max_mag(a: &Number, b: &Number, env: &mut Env) -> Number {
    compare::pick(a, b, (true, true), env)
}

pub(super) fn min(a: &Number, b: &Number, env: &mut Env) -> Number {
    compare::pick(a, b, (false, false), env)
}

pub(super) fn min_mag(a: &Number, b: &Number, env: &mut Env) -> Number {
    compare::pick(a, b, (false, true), env)
}

pub(super) fn compare_total(a: &Number, b: &Number, _env: &mut Env) -> Number {
    compare::compare_total(a, b)
}

pub(super) fn compare_total_mag(a: &Number, b: &Number, _env: &mut Env) -> Number {
    compare::compare_total_mag(a, b)
}

pub(super) fn copy_sign(a: &Number, b: &Number, _env: &mut Env) -> Number {
    a.clone().with_sign(b.negative)
}

macro_rules! unary_methods {
    ($($(#[$doc:meta])* $name:ident => $op:expr;)*) => {
        #[pymethods(part = UNARY)]
        impl Decimal {
            $(
                $(#[$doc])*
                #[signature(context=None)]
                fn $name(thread: &mut Thread, this: &Obj<Self>, context: Option<Ref<'_>>) -> PyResult {
                    unary(thread, this, context, $op)
                }
            )*
        }
    };
}

unary_methods! {
    /// Return the value of the (natural) exponential function e**x at the given number.
    exp => transcendental::exp;
    /// Return the natural (base e) logarithm of the operand.
    ln => transcendental::ln;
    /// Return the base ten logarithm of the operand.
    log10 => transcendental::log10;
    /// Return the adjusted exponent of the operand as a Decimal instance.
    logb => compare::logb;
    /// Return the digit-wise inversion of the (logical) operand.
    logical_invert => compare::logical_invert;
    /// Return the largest number representable that is smaller than the operand.
    next_minus => compare::next_minus;
    /// Return the smallest number representable that is larger than the operand.
    next_plus => compare::next_plus;
    /// Normalize the number by stripping the rightmost trailing zeros.
    normalize => compare::reduce;
    /// Return the square root of the argument to full precision.
    sqrt => arith::sqrt;
}

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident => $op:expr;)*) => {
        #[pymethods(part = BINARY)]
        impl Decimal {
            $(
                $(#[$doc])*
                #[signature(other, context=None)]
                fn $name(
                    thread: &mut Thread,
                    this: &Obj<Self>,
                    other: Ref<'_>,
                    context: Option<Ref<'_>>,
                ) -> PyResult {
                    binary(thread, this, other, context, $op)
                }
            )*
        }
    };
}

binary_methods! {
    /// Compare self to other.
    compare => compare::compare;
    /// Identical to compare, except that all NaNs signal.
    compare_signal => compare::compare_signal;
    /// Compare two operands using their abstract representation rather than their numerical value.
    ///
    /// Equal numbers that are written in different ways are ordered too, and so are NaNs:
    ///
    ///     >>> Decimal('7.50').compare_total(Decimal('7.5'))
    ///     Decimal('-1')
    ///     >>> Decimal('NaN').compare_total(Decimal('Infinity'))
    ///     Decimal('1')
    compare_total => compare_total;
    /// Compare two operands using their abstract representation, ignoring their signs.
    compare_total_mag => compare_total_mag;
    /// Return a copy of the first operand with the sign set to be the same as the sign of the second operand.
    ///
    ///     >>> Decimal('7.5').copy_sign(Decimal('-0'))
    ///     Decimal('-7.5')
    copy_sign => copy_sign;
    /// Return the digit-wise 'and' of the two (logical) operands.
    logical_and => logical_and;
    /// Return the digit-wise 'or' of the two (logical) operands.
    logical_or => logical_or;
    /// Return the digit-wise 'exclusive or' of the two (logical) operands.
    logical_xor => logical_xor;
    /// Maximum of self and other.
    max => max;
    /// As the max() method, but the comparison is done using the absolute values of the operands.
    max_mag => max_mag;
    /// Minimum of self and other.
    min => min;
    /// As the min() method, but the comparison is done using the absolute values of the operands.
    min_mag => min_mag;
    /// Return the number closest to the first operand in the direction towards the second operand.
    next_toward => compare::next_toward;
    /// Return the remainder from dividing self by other, of the smallest magnitude.
    remainder_near => arith::rem_near;
    /// Return the result of rotating the digits of self by an amount specified by other.
    rotate => compare::rotate;
    /// Return the first operand with the exponent adjusted by the second.
    scaleb => compare::scaleb;
    /// Return the result of shifting the digits of self by an amount specified by other.
    shift => compare::shift;
}

#[pymethods(part = TESTS)]
impl Decimal {
    /// Return True if the encoding of the argument is canonical: always.
    fn is_canonical(this: &Obj<Self>) -> bool {
        let _ = this;
        true
    }

    /// Return True if the argument is a finite number.
    fn is_finite(this: &Obj<Self>) -> bool {
        this.number.is_finite()
    }

    /// Return True if the argument is either positive or negative infinity.
    fn is_infinite(this: &Obj<Self>) -> bool {
        this.number.is_infinite()
    }

    /// Return True if the argument is a (quiet or signaling) NaN.
    fn is_nan(this: &Obj<Self>) -> bool {
        this.number.is_nan()
    }

    /// Return True if the argument is a quiet NaN.
    fn is_qnan(this: &Obj<Self>) -> bool {
        this.number.kind == Kind::Nan
    }

    /// Return True if the argument is a signaling NaN.
    fn is_snan(this: &Obj<Self>) -> bool {
        this.number.kind == Kind::Signaling
    }

    /// Return True if the argument has a negative sign.
    fn is_signed(this: &Obj<Self>) -> bool {
        this.number.negative
    }

    /// Return True if the argument is a (positive or negative) zero.
    fn is_zero(this: &Obj<Self>) -> bool {
        this.number.is_zero()
    }

    /// Return True if the argument is a normal finite non-zero number.
    #[signature(context=None)]
    fn is_normal(thread: &mut Thread, this: &Obj<Self>, context: Option<Ref<'_>>) -> PyResult<bool> {
        let context = context::given(thread, context)?;
        let env = Context::env(thread, &context);
        Ok(compare::class_name(&this.number, &env).ends_with("Normal"))
    }

    /// Return True if the argument is subnormal.
    #[signature(context=None)]
    fn is_subnormal(thread: &mut Thread, this: &Obj<Self>, context: Option<Ref<'_>>) -> PyResult<bool> {
        let context = context::given(thread, context)?;
        let env = Context::env(thread, &context);
        Ok(compare::class_name(&this.number, &env).ends_with("Subnormal"))
    }

    /// Test whether self and other have the same exponent or whether both are NaN.
    #[signature(other, context=None)]
    fn same_quantum(
        thread: &mut Thread,
        this: &Obj<Self>,
        other: Ref<'_>,
        context: Option<Ref<'_>>,
    ) -> PyResult<bool> {
        context::given(thread, context)?;
        let other = operand_or_error(other)?;
        Ok(compare::same_quantum(&this.number, &other))
    }

    /// Return a string describing the class of the operand.
    #[signature(context=None)]
    fn number_class(
        thread: &mut Thread,
        this: &Obj<Self>,
        context: Option<Ref<'_>>,
    ) -> PyResult<&'static str> {
        let context = context::given(thread, context)?;
        let env = Context::env(thread, &context);
        Ok(compare::class_name(&this.number, &env))
    }
}

#[pymethods(part = OTHER)]
impl Decimal {
    /// Return the adjusted exponent (exp + digits - 1) of the number.
    fn adjusted(this: &Obj<Self>) -> i64 {
        if this.number.is_finite() && !this.number.is_zero() {
            this.number.adjusted()
        } else if this.number.is_zero() {
            this.number.exponent
        } else {
            0
        }
    }

    /// Return a tuple representation of the number.
    fn as_tuple(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        as_tuple(thread, &this.number)
    }

    /// Return a pair of integers whose ratio is exactly equal to the original.
    fn as_integer_ratio(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        convert::ratio(thread, &this.number)
    }

    /// Return the canonical encoding of the argument.
    fn canonical(this: &Obj<Self>) -> orochi_objects::Value {
        this.to_value()
    }

    /// Return self.
    fn conjugate(this: &Obj<Self>) -> orochi_objects::Value {
        this.to_value()
    }

    /// Return the absolute value of the argument.
    fn copy_abs(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        make(thread, this.number.clone().with_sign(false))
    }

    /// Return the negation of the argument.
    fn copy_negate(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        make(thread, this.number.clone().negated())
    }

    /// Return Decimal(10).
    fn radix(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let _ = this;
        make(thread, Number::int(10))
    }

    /// Fused multiply-add: return self*other+third with no rounding of the intermediate product.
    ///
    ///     >>> Decimal(6).fma(7, -2)
    ///     Decimal('40')
    #[signature(other, third, context=None)]
    fn fma(
        thread: &mut Thread,
        this: &Obj<Self>,
        other: Ref<'_>,
        third: Ref<'_>,
        context: Option<Ref<'_>>,
    ) -> PyResult {
        let context = context::given(thread, context)?;
        let (other, third) = (operand_or_error(other)?, operand_or_error(third)?);
        let mut env = Context::env(thread, &context);
        let number = arith::fma(&this.number, &other, &third, &mut env);
        result(thread, &context, &env, number)
    }

    /// Return a value equal to the first operand after rounding and having the exponent of the second operand.
    ///
    ///     >>> Decimal('19.995').quantize(Decimal('0.01'))
    ///     Decimal('20.00')
    ///
    /// If the result would have more digits than the precision, InvalidOperation is signaled. Rounding is done as the
    /// argument says, or else the context.
    #[signature(exp, rounding=None, context=None)]
    fn quantize(
        thread: &mut Thread,
        this: &Obj<Self>,
        exp: Ref<'_>,
        rounding: Option<Ref<'_>>,
        context: Option<Ref<'_>>,
    ) -> PyResult {
        let context = context::given(thread, context)?;
        let mut env = Context::env(thread, &context);
        env.rounding = chosen(rounding, &env)?;
        let pattern = operand_or_error(exp)?;
        let number = arith::quantize(&this.number, &pattern, &mut env);
        result(thread, &context, &env, number)
    }

    /// Convert to an engineering-type string.
    #[signature(context=None)]
    fn to_eng_string(thread: &mut Thread, this: &Obj<Self>, context: Option<Ref<'_>>) -> PyResult<String> {
        let context = context::given(thread, context)?;
        let capitals = Context::state(thread, &context).capitals;
        Ok(text::to_text(&this.number, true, capitals))
    }

    /// Round to the nearest integer without signaling Inexact or Rounded.
    #[also(name = "to_integral_value")]
    #[signature(rounding=None, context=None)]
    fn to_integral(
        thread: &mut Thread,
        this: &Obj<Self>,
        rounding: Option<Ref<'_>>,
        context: Option<Ref<'_>>,
    ) -> PyResult {
        integral(thread, this, rounding, context, false)
    }

    /// Round to the nearest integer, signaling Inexact or Rounded as appropriate if rounding occurs.
    #[signature(rounding=None, context=None)]
    fn to_integral_exact(
        thread: &mut Thread,
        this: &Obj<Self>,
        rounding: Option<Ref<'_>>,
        context: Option<Ref<'_>>,
    ) -> PyResult {
        integral(thread, this, rounding, context, true)
    }
}
