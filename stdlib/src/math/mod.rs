//! `math`: functions of real numbers.
//!
//! The numerical work is `pymath`'s, which computes what CPython computes to the last bit. Here are arguments, messages,
//! and what concerns ints of any size ([`integer`]) and sums ([`aggregate`]).

mod aggregate;
mod integer;

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{overflow_error, type_error, value_error};
use orochi_objects::int::IntRef;
use orochi_objects::protocol::number::as_float;
use orochi_objects::types::float_::methods::to_int;
use orochi_objects::{
    ModuleExt, Obj, PyErr, PyModule, PyResult, Ref, Thread, class_of, float, int, protocol, str, tuple,
};
use orochi_text::float::repr;
use pymath::{Error, math as m};

fn domain() -> PyErr {
    value_error("math domain error")
}

fn range() -> PyErr {
    overflow_error("math range error")
}

/// The result of a function whose domain errors say what was expected.
fn checked(result: Result<f64, Error>, x: f64, expected: &str) -> PyResult<f64> {
    result.map_err(|error| match error {
        Error::EDOM => value_error(format!("expected {expected}, got {}", repr(x))),
        Error::ERANGE => range(),
    })
}

fn plain(result: Result<f64, Error>) -> PyResult<f64> {
    result.map_err(|error| match error {
        Error::EDOM => domain(),
        Error::ERANGE => range(),
    })
}

macro_rules! unary {
    ($($(#[doc = $doc:literal])+ $name:ident: $expected:literal;)*) => { $(
        $(#[doc = $doc])+
        #[pyfunction]
        #[signature(x, /)]
        fn $name(x: f64) -> PyResult<f64> {
            checked(m::$name(x), x, $expected)
        }
    )* };
}

unary! {
    /// Return the arc cosine (measured in radians) of x.
    ///
    /// The result is between 0 and pi.
    acos: "a number in range from -1 up to 1";
    /// Return the inverse hyperbolic cosine of x.
    acosh: "argument value not less than 1";
    /// Return the arc sine (measured in radians) of x.
    ///
    /// The result is between -pi/2 and pi/2.
    asin: "a number in range from -1 up to 1";
    /// Return the inverse hyperbolic sine of x.
    asinh: "a finite input";
    /// Return the arc tangent (measured in radians) of x.
    ///
    /// The result is between -pi/2 and pi/2.
    atan: "a finite input";
    /// Return the inverse hyperbolic tangent of x.
    atanh: "a number between -1 and 1";
    /// Return the cube root of x.
    cbrt: "a finite input";
    /// Return the cosine of x (measured in radians).
    cos: "a finite input";
    /// Return the hyperbolic cosine of x.
    cosh: "a finite input";
    /// Error function at x.
    erf: "a finite input";
    /// Complementary error function at x.
    erfc: "a finite input";
    /// Return e raised to the power of x.
    exp: "a finite input";
    /// Return 2 raised to the power of x.
    exp2: "a finite input";
    /// Return exp(x)-1.
    expm1: "a finite input";
    /// Return the absolute value of the float x.
    fabs: "a finite input";
    /// Gamma function at x.
    gamma: "a noninteger or positive integer";
    /// Natural logarithm of absolute value of Gamma function at x.
    lgamma: "a noninteger or positive integer";
    /// Return the natural logarithm of 1+x (base e).
    log1p: "argument value > -1";
    /// Return the sine of x (measured in radians).
    sin: "a finite input";
    /// Return the hyperbolic sine of x.
    sinh: "a finite input";
    /// Return the square root of x.
    sqrt: "a nonnegative input";
    /// Return the tangent of x (measured in radians).
    tan: "a finite input";
    /// Return the hyperbolic tangent of x.
    tanh: "a finite input";
}

/// Return the arc tangent (measured in radians) of y/x.
///
/// Unlike atan(y/x), the signs of both x and y are considered.
#[pyfunction]
#[signature(y, x, /)]
fn atan2(y: f64, x: f64) -> PyResult<f64> {
    plain(m::atan2(y, x))
}

/// Return a float with the magnitude (absolute value) of x but the sign of y.
#[pyfunction]
#[signature(x, y, /)]
fn copysign(x: f64, y: f64) -> f64 {
    x.copysign(y)
}

/// Convert angle x from radians to degrees.
#[pyfunction]
#[signature(x, /)]
fn degrees(x: f64) -> f64 {
    m::degrees(x)
}

/// Convert angle x from degrees to radians.
#[pyfunction]
#[signature(x, /)]
fn radians(x: f64) -> f64 {
    m::radians(x)
}

/// Return fmod(x, y), according to platform C.
///
/// x % y may differ.
#[pyfunction]
#[signature(x, y, /)]
fn fmod(x: f64, y: f64) -> PyResult<f64> {
    plain(m::fmod(x, y))
}

/// Difference between x and the closest integer multiple of y.
#[pyfunction]
#[signature(x, y, /)]
fn remainder(x: f64, y: f64) -> PyResult<f64> {
    plain(m::remainder(x, y))
}

/// Return x**y (x to the power of y).
#[pyfunction]
#[signature(x, y, /)]
fn pow(x: f64, y: f64) -> PyResult<f64> {
    plain(m::pow(x, y))
}

/// Fused multiply-add operation.
///
/// Compute (x * y) + z with a single round.
#[pyfunction]
#[signature(x, y, z, /)]
fn fma(x: f64, y: f64, z: f64) -> PyResult<f64> {
    let result = x.mul_add(y, z);
    if result.is_nan() && !x.is_nan() && !y.is_nan() && !z.is_nan() {
        return Err(value_error("invalid operation in fma"));
    }
    if result.is_infinite() && x.is_finite() && y.is_finite() && z.is_finite() {
        return Err(overflow_error("overflow in fma"));
    }
    Ok(result)
}

/// Return the mantissa and exponent of x, as pair (m, e).
///
/// m is a float and e is an int, such that x = m * 2.**e.
#[pyfunction]
#[signature(x, /)]
fn frexp(thread: &mut Thread, x: f64) -> PyResult {
    let (mantissa, exponent) = m::frexp(x);
    let parts = vec![float::new(thread, mantissa)?, int::new(thread, exponent.into())?];
    Ok(tuple::new(thread, parts)?.into_value())
}

/// Return x * (2**i).
///
/// This is essentially the inverse of frexp().
#[pyfunction]
#[signature(x, i, /)]
fn ldexp(x: f64, i: Ref) -> PyResult<f64> {
    let exponent = match int::value(i) {
        Some(IntRef::Small(small)) => small,
        Some(IntRef::Big(big)) => big.to_i64().unwrap_or(if big.is_negative() { i64::MIN } else { i64::MAX }),
        None => return Err(type_error("Expected an int as second argument to ldexp.")),
    };
    if x == 0.0 || !x.is_finite() {
        return Ok(x);
    }
    let exponent = exponent.clamp(-100_000, 100_000) as i32;
    plain(m::ldexp(x, exponent))
}

/// Return the fractional and integer parts of x.
///
/// Both results carry the sign of x and are floats.
#[pyfunction]
#[signature(x, /)]
fn modf(thread: &mut Thread, x: f64) -> PyResult {
    let (fraction, whole) = m::modf(x);
    let parts = vec![float::new(thread, fraction)?, float::new(thread, whole)?];
    Ok(tuple::new(thread, parts)?.into_value())
}

/// Return the floating-point value the given number of steps after x towards y.
#[pyfunction]
#[signature(x, y, /, *, steps=None)]
fn nextafter(thread: &mut Thread, x: f64, y: f64, steps: Option<Ref>) -> PyResult<f64> {
    let Some(steps) = steps else { return Ok(m::nextafter(x, y, None)) };
    let steps = int::index(thread, steps)?;
    let negative = || value_error("steps must be a non-negative integer");
    let steps = match int::value(steps.get()) {
        Some(IntRef::Small(small)) => u64::try_from(small).map_err(|_| negative())?,
        Some(IntRef::Big(big)) if big.is_negative() => return Err(negative()),
        Some(IntRef::Big(big)) => big.to_u64().unwrap_or(u64::MAX),
        None => 0,
    };
    Ok(m::nextafter(x, y, Some(steps)))
}

/// Return the value of the least significant bit of the float x.
#[pyfunction]
#[signature(x, /)]
fn ulp(x: f64) -> f64 {
    m::ulp(x)
}

/// Return True if x is neither an infinity nor a NaN, and False otherwise.
#[pyfunction]
#[signature(x, /)]
fn isfinite(x: f64) -> bool {
    x.is_finite()
}

/// Return True if x is a positive or negative infinity, and False otherwise.
#[pyfunction]
#[signature(x, /)]
fn isinf(x: f64) -> bool {
    x.is_infinite()
}

/// Return True if x is a NaN (not a number), and False otherwise.
#[pyfunction]
#[signature(x, /)]
fn isnan(x: f64) -> bool {
    x.is_nan()
}

/// Determine whether two floating-point numbers are close in value.
///
///   rel_tol
///     maximum difference for being considered "close", relative to the
///     magnitude of the input values
///   abs_tol
///     maximum difference for being considered "close", regardless of the
///     magnitude of the input values
///
/// Return True if a is close in value to b, and False otherwise.
#[pyfunction]
#[signature(a, b, *, rel_tol=1e-09, abs_tol=0.0)]
fn isclose(a: f64, b: f64, rel_tol: f64, abs_tol: f64) -> PyResult<bool> {
    m::isclose(a, b, Some(rel_tol), Some(abs_tol)).map_err(|_| value_error("tolerances must be non-negative"))
}

/// Calls a special method of the object's class, if it has it.
fn special(thread: &mut Thread, object: Ref<'_>, name: &str) -> PyResult<Option<orochi_objects::Value>> {
    let name = str::intern(thread, name)?;
    protocol::call_special(thread, object, name, &[])
}

/// Return the ceiling of x as an Integral.
///
/// This is the smallest integer >= x.
#[pyfunction]
#[signature(x, /)]
fn ceil(thread: &mut Thread, x: Ref) -> PyResult {
    if let Some(value) = x.as_flonum() {
        return to_int(thread, value.ceil());
    }
    match special(thread, x, "__ceil__")? {
        Some(result) => Ok(result),
        None => {
            let value = as_float(thread, x)?;
            to_int(thread, value.ceil())
        }
    }
}

/// Return the floor of x as an Integral.
///
/// This is the largest integer <= x.
#[pyfunction]
#[signature(x, /)]
fn floor(thread: &mut Thread, x: Ref) -> PyResult {
    if let Some(value) = x.as_flonum() {
        return to_int(thread, value.floor());
    }
    match special(thread, x, "__floor__")? {
        Some(result) => Ok(result),
        None => {
            let value = as_float(thread, x)?;
            to_int(thread, value.floor())
        }
    }
}

/// Truncates the Real x to the nearest Integral toward 0.
///
/// Uses the __trunc__ magic method.
#[pyfunction]
#[signature(x, /)]
fn trunc(thread: &mut Thread, x: Ref) -> PyResult {
    if let Some(value) = x.as_flonum() {
        return to_int(thread, value.trunc());
    }
    let class = class_of(x).name();
    special(thread, x, "__trunc__")?
        .ok_or_else(|| type_error(format!("type {class} doesn't define __trunc__ method")))
}

/// A positive int as `mantissa * 2**exponent`, the mantissa correctly rounded and in [0.5, 1).
fn frexp_big(value: &BigInt) -> (f64, f64) {
    let bits = value.bits();
    let drop = bits.saturating_sub(64);
    let mut top = (value >> drop).to_u64().map_or(0, u128::from) << 1;
    // What is cut off decides only ties.
    if drop > 0 && value.trailing_zeros().is_some_and(|zeros| zeros < drop) {
        top |= 1;
    }
    let exponent = drop as f64;
    let (mantissa, shift) = m::frexp(top as f64);
    (mantissa, exponent + f64::from(shift) - 1.0)
}

/// A logarithm of any number; ints may be larger than floats.
fn any_log(thread: &mut Thread, x: Ref<'_>, log: fn(f64) -> Result<f64, Error>) -> PyResult<f64> {
    let Some(value) = int::value(x) else {
        let value = as_float(thread, x)?;
        return checked(log(value), value, "a positive input");
    };
    let positive = || value_error("expected a positive input");
    match value {
        IntRef::Small(small) if small <= 0 => Err(positive()),
        IntRef::Small(small) => plain(log(small as f64)),
        IntRef::Big(big) if !big.is_positive() => Err(positive()),
        IntRef::Big(big) => match big.to_f64().filter(|value| value.is_finite()) {
            Some(value) => plain(log(value)),
            None => {
                let (mantissa, exponent) = frexp_big(big);
                Ok(plain(log(mantissa))? + plain(log(2.0))? * exponent)
            }
        },
    }
}

fn natural(x: f64) -> Result<f64, Error> {
    m::log(x, None)
}

/// log(x, [base=math.e])
/// Return the logarithm of x to the given base.
///
/// If the base is not specified, returns the natural logarithm (base e) of x.
#[pyfunction]
#[signature(x, base=<missing>, /)]
#[no_text_signature]
fn log(thread: &mut Thread, x: Ref, base: Option<Ref>) -> PyResult {
    let number = any_log(thread, x, natural)?;
    let Some(base) = base else { return float::new(thread, number) };
    let divisor = any_log(thread, base, natural)?;
    if divisor == 0.0 {
        return Err(orochi_objects::error::zero_division_error("division by zero"));
    }
    float::new(thread, number / divisor)
}

/// Return the base 2 logarithm of x.
#[pyfunction]
#[signature(x, /)]
fn log2(thread: &mut Thread, x: Ref) -> PyResult<f64> {
    any_log(thread, x, m::log2)
}

/// Return the base 10 logarithm of x.
#[pyfunction]
#[signature(x, /)]
fn log10(thread: &mut Thread, x: Ref) -> PyResult<f64> {
    any_log(thread, x, m::log10)
}

/// This module provides access to the mathematical functions
/// defined by the C standard.
#[pymodule(
    name = "math",
    functions(
        acos,
        acosh,
        asin,
        asinh,
        atan,
        atan2,
        atanh,
        cbrt,
        ceil,
        integer::comb,
        copysign,
        cos,
        cosh,
        degrees,
        aggregate::dist,
        erf,
        erfc,
        exp,
        exp2,
        expm1,
        fabs,
        integer::factorial,
        floor,
        fma,
        fmod,
        frexp,
        aggregate::fsum,
        gamma,
        integer::gcd,
        aggregate::hypot,
        isclose,
        isfinite,
        isinf,
        isnan,
        integer::isqrt,
        integer::lcm,
        ldexp,
        lgamma,
        log,
        log10,
        log1p,
        log2,
        modf,
        nextafter,
        integer::perm,
        pow,
        aggregate::prod,
        radians,
        remainder,
        sin,
        sinh,
        sqrt,
        aggregate::sumprod,
        tan,
        tanh,
        trunc,
        ulp
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "pi", std::f64::consts::PI)?;
    module.add(thread, "e", std::f64::consts::E)?;
    module.add(thread, "tau", std::f64::consts::TAU)?;
    module.add(thread, "inf", f64::INFINITY)?;
    module.add(thread, "nan", f64::NAN)
}
