//! The operations of `Context`: those of `Decimal`, in this context, on Decimals and ints.

use super::class::{self, Decimal, make, operand, operand_or_error, result};
use super::class_methods as methods;
use super::context::{Context, Mapping};
use super::number::{Env, Kind, Number};
use super::{arith, compare, convert, text, transcendental};
use orochi_macros::pymethods;
use orochi_objects::error::{PyResult, type_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::{Obj, Ref, Thread, float, int};

fn unary(
    thread: &mut Thread,
    this: &Obj<Context>,
    x: Ref<'_>,
    op: fn(&Number, &mut Env) -> Number,
) -> PyResult {
    let x = operand_or_error(x)?;
    let mut env = Context::env(thread, this);
    let number = op(&x, &mut env);
    result(thread, this, &env, number)
}

fn binary(
    thread: &mut Thread,
    this: &Obj<Context>,
    [x, y]: [Ref<'_>; 2],
    op: fn(&Number, &Number, &mut Env) -> Number,
) -> PyResult {
    let (x, y) = (operand_or_error(x)?, operand_or_error(y)?);
    let mut env = Context::env(thread, this);
    let number = op(&x, &y, &mut env);
    result(thread, this, &env, number)
}

fn integral_value(a: &Number, env: &mut Env) -> Number {
    arith::to_integral(a, env.rounding, false, env)
}

fn integral_exact(a: &Number, env: &mut Env) -> Number {
    arith::to_integral(a, env.rounding, true, env)
}

fn copy_abs(a: &Number, _env: &mut Env) -> Number {
    a.clone().with_sign(false)
}

fn copy_negate(a: &Number, _env: &mut Env) -> Number {
    a.clone().negated()
}

fn copy_decimal(a: &Number, _env: &mut Env) -> Number {
    a.clone()
}

macro_rules! unary_methods {
    ($($(#[$doc:meta])* $name:ident => $op:expr;)*) => {
        #[pymethods(part = UNARY)]
        impl Context {
            $(
                $(#[$doc])*
                #[signature(x, /)]
                fn $name(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>) -> PyResult {
                    unary(thread, this, x, $op)
                }
            )*
        }
    };
}

unary_methods! {
    /// Return the absolute value of x.
    abs => class::abs;
    /// Return a copy of x with the sign set to 0.
    copy_abs => copy_abs;
    /// Return a copy of Decimal x.
    copy_decimal => copy_decimal;
    /// Return a copy of x with the sign inverted.
    copy_negate => copy_negate;
    /// Return e ** x.
    exp => transcendental::exp;
    /// Return the natural (base e) logarithm of x.
    ln => transcendental::ln;
    /// Return the base 10 logarithm of x.
    log10 => transcendental::log10;
    /// Return the exponent of the magnitude of the operand's MSD.
    logb => compare::logb;
    /// Invert all digits of x.
    logical_invert => compare::logical_invert;
    /// Minus corresponds to the unary prefix minus operator in Python, but applies the context to the result.
    minus => class::minus;
    /// Return the largest representable number smaller than x.
    next_minus => compare::next_minus;
    /// Return the smallest representable number larger than x.
    next_plus => compare::next_plus;
    /// Reduce x to its simplest form. Alias for reduce(x).
    normalize => compare::reduce;
    /// Plus corresponds to the unary prefix plus operator in Python, but applies the context to the result.
    plus => class::plus;
    /// Square root of a non-negative number to context precision.
    sqrt => arith::sqrt;
    /// Round to an integer.
    to_integral => integral_value;
    /// Round to an integer. Signal if the result is rounded or inexact.
    to_integral_exact => integral_exact;
    /// Round to an integer.
    to_integral_value => integral_value;
}

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident => $op:expr;)*) => {
        #[pymethods(part = BINARY)]
        impl Context {
            $(
                $(#[$doc])*
                #[signature(x, y, /)]
                fn $name(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>, y: Ref<'_>) -> PyResult {
                    binary(thread, this, [x, y], $op)
                }
            )*
        }
    };
}

binary_methods! {
    /// Return the sum of x and y.
    add => arith::add;
    /// Compare x and y numerically.
    compare => compare::compare;
    /// Compare x and y numerically.  All NaNs signal.
    compare_signal => compare::compare_signal;
    /// Compare x and y using their abstract representation.
    compare_total => methods::compare_total;
    /// Compare x and y using their abstract representation, ignoring sign.
    compare_total_mag => methods::compare_total_mag;
    /// Copy the sign from y to x.
    copy_sign => methods::copy_sign;
    /// Return x divided by y.
    divide => arith::div;
    /// Return x divided by y, truncated to an integer.
    divide_int => arith::div_int;
    /// Digit-wise and of x and y.
    logical_and => methods::logical_and;
    /// Digit-wise or of x and y.
    logical_or => methods::logical_or;
    /// Digit-wise xor of x and y.
    logical_xor => methods::logical_xor;
    /// Compare the values numerically and return the maximum.
    max => methods::max;
    /// Compare the values numerically with their sign ignored.
    max_mag => methods::max_mag;
    /// Compare the values numerically and return the minimum.
    min => methods::min;
    /// Compare the values numerically with their sign ignored.
    min_mag => methods::min_mag;
    /// Return the product of x and y.
    multiply => arith::mul;
    /// Return the number closest to x, in the direction towards y.
    next_toward => compare::next_toward;
    /// Return a value equal to x (rounded), having the exponent of y.
    quantize => arith::quantize;
    /// Return the remainder from integer division.
    remainder => arith::rem;
    /// Return x - y * n, where n is the integer nearest the exact value of x / y.
    remainder_near => arith::rem_near;
    /// Return a copy of x, rotated by y places.
    rotate => compare::rotate;
    /// Return the first operand after adding the second value to its exp.
    scaleb => compare::scaleb;
    /// Return a copy of x, shifted by y places.
    shift => compare::shift;
    /// Return the difference between x and y.
    subtract => arith::sub;
}

macro_rules! tests {
    ($($(#[$doc:meta])* $name:ident => $test:expr;)*) => {
        #[pymethods(part = PLAIN)]
        impl Context {
            $(
                $(#[$doc])*
                #[signature(x, /)]
                fn $name(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>) -> PyResult<bool> {
                    let x = operand_or_error(x)?;
                    let env = Context::env(thread, this);
                    let test: fn(&Number, &Env) -> bool = $test;
                    Ok(test(&x, &env))
                }
            )*
        }
    };
}

tests! {
    /// Return True if x is finite, False otherwise.
    is_finite => |x, _| x.is_finite();
    /// Return True if x is infinite, False otherwise.
    is_infinite => |x, _| x.is_infinite();
    /// Return True if x is a qNaN or sNaN, False otherwise.
    is_nan => |x, _| x.is_nan();
    /// Return True if x is a normal number, False otherwise.
    is_normal => |x, env| compare::class_name(x, env).ends_with("Normal");
    /// Return True if x is a quiet NaN, False otherwise.
    is_qnan => |x, _| x.kind == Kind::Nan;
    /// Return True if x is negative, False otherwise.
    is_signed => |x, _| x.negative;
    /// Return True if x is a signaling NaN, False otherwise.
    is_snan => |x, _| x.kind == Kind::Signaling;
    /// Return True if x is subnormal, False otherwise.
    is_subnormal => |x, env| compare::class_name(x, env).ends_with("Subnormal");
    /// Return True if x is a zero, False otherwise.
    is_zero => |x, _| x.is_zero();
}

fn decimal_only(x: Ref<'_>) -> PyResult<&Obj<Decimal>> {
    x.downcast::<Decimal>().ok_or_else(|| type_error("argument must be a Decimal"))
}

#[pymethods(part = OTHER)]
impl Context {
    /// Return a new instance of x.
    #[signature(x, /)]
    fn canonical(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>) -> PyResult {
        let _ = (thread, this);
        Ok(decimal_only(x)?.to_value())
    }

    /// Return True if x is canonical, False otherwise.
    #[signature(x, /)]
    fn is_canonical(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>) -> PyResult<bool> {
        let _ = (thread, this);
        decimal_only(x)?;
        Ok(true)
    }

    /// Return a value equal to Emin - prec + 1, which is the minimum exponent value for subnormal results.
    #[name = "Etiny"]
    fn etiny(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        Context::env(thread, this).etiny()
    }

    /// Return a value equal to Emax - prec + 1.
    #[name = "Etop"]
    fn etop(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        Context::env(thread, this).etop()
    }

    /// Return Decimal(10).
    fn radix(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let _ = this;
        make(thread, Number::int(10))
    }

    /// Set all flags to False.
    fn clear_flags(this: &Obj<Self>) {
        this.signals().set(Mapping::Flags, 0);
    }

    /// Set all traps to False.
    fn clear_traps(this: &Obj<Self>) {
        this.signals().set(Mapping::Traps, 0);
    }

    /// Create a new Decimal instance from num, using self as the context.
    #[signature(num=<missing> as "\"0\"", /)]
    fn create_decimal(thread: &mut Thread, this: &Obj<Self>, num: Option<Ref<'_>>) -> PyResult {
        let number = match num {
            None => Number::int(0),
            Some(num) => match num.downcast::<PyStr>() {
                Some(text) => {
                    let mut env = Context::env(thread, this);
                    let number = convert::of_text(text, &mut env);
                    return result(thread, this, &env, number);
                }
                None => convert::in_context(thread, this, num)?,
            },
        };
        make(thread, number)
    }

    /// Create a new Decimal instance from float f.
    #[signature(f, /)]
    fn create_decimal_from_float(thread: &mut Thread, this: &Obj<Self>, f: Ref<'_>) -> PyResult {
        let number = match (int::value(f), float::value(f)) {
            (Some(value), _) => class::of_int(value),
            (_, Some(value)) => convert::of_float(value),
            _ => return Err(type_error("argument must be int or float")),
        };
        let mut env = Context::env(thread, this);
        let number = number.finish(&mut env);
        result(thread, this, &env, number)
    }

    /// Return quotient and remainder of the division x / y.
    #[signature(x, y, /)]
    fn divmod(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>, y: Ref<'_>) -> PyResult {
        let (x, y) = (operand_or_error(x)?, operand_or_error(y)?);
        methods::divided(thread, this, &x, &y)
    }

    /// Return x multiplied by y, plus z.
    #[signature(x, y, z, /)]
    fn fma(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>, y: Ref<'_>, z: Ref<'_>) -> PyResult {
        let (x, y, z) = (operand_or_error(x)?, operand_or_error(y)?, operand_or_error(z)?);
        let mut env = Context::env(thread, this);
        let number = arith::fma(&x, &y, &z, &mut env);
        result(thread, this, &env, number)
    }

    /// Compute a**b. If modulo is given, compute (a**b) % modulo.
    #[signature(a, b, modulo=None)]
    fn power(
        thread: &mut Thread,
        this: &Obj<Self>,
        a: Ref<'_>,
        b: Ref<'_>,
        modulo: Option<Ref<'_>>,
    ) -> PyResult {
        let (a, b) = (operand_or_error(a)?, operand_or_error(b)?);
        let modulo = match modulo.filter(|modulo| !modulo.is_none()) {
            Some(modulo) => Some(operand_or_error(modulo)?),
            None => None,
        };
        let mut env = Context::env(thread, this);
        let number = match modulo {
            Some(modulo) => transcendental::power_modulo(&a, &b, &modulo, &mut env),
            None => transcendental::power(&a, &b, &mut env),
        };
        result(thread, this, &env, number)
    }

    /// Return True if the two operands have the same exponent.
    #[signature(x, y, /)]
    fn same_quantum(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>, y: Ref<'_>) -> PyResult<bool> {
        let _ = (thread, this);
        Ok(compare::same_quantum(&*operand_or_error(x)?, &*operand_or_error(y)?))
    }

    /// Return an indication of the class of x.
    #[signature(x, /)]
    fn number_class(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>) -> PyResult<&'static str> {
        let env = Context::env(thread, this);
        Ok(compare::class_name(&*operand_or_error(x)?, &env))
    }

    /// Convert a number to a string using scientific notation.
    #[signature(x, /)]
    fn to_sci_string(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>) -> PyResult<String> {
        let capitals = Context::state(thread, this).capitals;
        Ok(text::to_text(&*operand_or_error(x)?, false, capitals))
    }

    /// Convert a number to a string, using engineering notation.
    #[signature(x, /)]
    fn to_eng_string(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>) -> PyResult<String> {
        let capitals = Context::state(thread, this).capitals;
        Ok(text::to_text(&*operand_or_error(x)?, true, capitals))
    }

    /// Apply self to Decimal x.
    #[name = "_apply"]
    #[signature(x, /)]
    fn apply(thread: &mut Thread, this: &Obj<Self>, x: Ref<'_>) -> PyResult {
        let Some(number) = operand(x) else { return Err(type_error("argument must be a Decimal")) };
        let mut env = Context::env(thread, this);
        let number = number.into_owned().finish(&mut env);
        result(thread, this, &env, number)
    }
}
