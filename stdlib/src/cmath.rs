//! `cmath`: functions of complex numbers. The numerical work is `pymath`'s, with CPython's algorithms and special values.

use num_complex::Complex64;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{overflow_error, type_error, value_error};
use orochi_objects::types::complex;
use orochi_objects::{ModuleExt, Obj, PyModule, PyResult, Ref, Thread, class_of, float, tuple};
use pymath::{Error, cmath as m};

fn argument(thread: &mut Thread, object: Ref<'_>) -> PyResult<Complex64> {
    match complex::from_number(thread, object)? {
        Some((real, imag)) => Ok(Complex64::new(real, imag)),
        None => {
            let value = orochi_objects::protocol::number::as_float(thread, object)
                .map_err(|_| type_error(format!("must be real number, not {}", class_of(object).name())))?;
            Ok(Complex64::new(value, 0.0))
        }
    }
}

fn checked<T>(result: Result<T, Error>) -> PyResult<T> {
    result.map_err(|error| match error {
        Error::EDOM => value_error("math domain error"),
        Error::ERANGE => overflow_error("math range error"),
    })
}

fn object(thread: &Thread, value: Complex64) -> PyResult {
    complex::new(thread, value.re, value.im)
}

macro_rules! functions {
    ($($(#[doc = $doc:literal])+ $name:ident;)*) => { $(
        $(#[doc = $doc])+
        #[pyfunction]
        #[signature(z, /)]
        fn $name(thread: &mut Thread, z: Ref) -> PyResult {
            let z = argument(thread, z)?;
            let result = checked(m::$name(z))?;
            object(thread, result)
        }
    )* };
}

functions! {
    /// Return the arc cosine of z.
    acos;
    /// Return the inverse hyperbolic cosine of z.
    acosh;
    /// Return the arc sine of z.
    asin;
    /// Return the inverse hyperbolic sine of z.
    asinh;
    /// Return the arc tangent of z.
    atan;
    /// Return the inverse hyperbolic tangent of z.
    atanh;
    /// Return the cosine of z.
    cos;
    /// Return the hyperbolic cosine of z.
    cosh;
    /// Return the exponential value e**z.
    exp;
    /// Return the base-10 logarithm of z.
    log10;
    /// Return the sine of z.
    sin;
    /// Return the hyperbolic sine of z.
    sinh;
    /// Return the square root of z.
    sqrt;
    /// Return the tangent of z.
    tan;
    /// Return the hyperbolic tangent of z.
    tanh;
}

/// log(z[, base]) -> the logarithm of z to the given base.
///
/// If the base is not specified, returns the natural logarithm (base e) of z.
#[pyfunction]
#[signature(z, base=<missing>, /)]
fn log(thread: &mut Thread, z: Ref, base: Option<Ref>) -> PyResult {
    let z = argument(thread, z)?;
    let number = checked(m::log(z, None))?;
    let Some(base) = base else { return object(thread, number) };
    let base = argument(thread, base)?;
    let divisor = checked(m::log(base, None))?;
    let quotient = complex::divide((number.re, number.im), (divisor.re, divisor.im));
    let (real, imag) = quotient.ok_or_else(|| value_error("math domain error"))?;
    complex::new(thread, real, imag)
}

/// Return argument, also known as the phase angle, of a complex.
#[pyfunction]
#[signature(z, /)]
fn phase(thread: &mut Thread, z: Ref) -> PyResult<f64> {
    let z = argument(thread, z)?;
    checked(m::phase(z))
}

/// Convert a complex from rectangular coordinates to polar coordinates.
///
/// r is the distance from 0 and phi the phase angle.
#[pyfunction]
#[signature(z, /)]
fn polar(thread: &mut Thread, z: Ref) -> PyResult {
    let z = argument(thread, z)?;
    let (r, phi) = checked(m::polar(z))?;
    let parts = vec![float::new(thread, r)?, float::new(thread, phi)?];
    Ok(tuple::new(thread, parts)?.into_value())
}

/// Convert from polar coordinates to rectangular coordinates.
#[pyfunction]
#[signature(r, phi, /)]
fn rect(thread: &mut Thread, r: f64, phi: f64) -> PyResult {
    let z = checked(m::rect(r, phi))?;
    object(thread, z)
}

/// Return True if both the real and imaginary parts of z are finite, else False.
#[pyfunction]
#[signature(z, /)]
fn isfinite(thread: &mut Thread, z: Ref) -> PyResult<bool> {
    Ok(m::isfinite(argument(thread, z)?))
}

/// Checks if the real or imaginary part of z is infinite.
#[pyfunction]
#[signature(z, /)]
fn isinf(thread: &mut Thread, z: Ref) -> PyResult<bool> {
    Ok(m::isinf(argument(thread, z)?))
}

/// Checks if the real or imaginary part of z not a number (NaN).
#[pyfunction]
#[signature(z, /)]
fn isnan(thread: &mut Thread, z: Ref) -> PyResult<bool> {
    Ok(m::isnan(argument(thread, z)?))
}

/// Determine whether two complex numbers are close in value.
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
fn isclose(thread: &mut Thread, a: Ref, b: Ref, rel_tol: f64, abs_tol: f64) -> PyResult<bool> {
    let (a, b) = (argument(thread, a)?, argument(thread, b)?);
    m::isclose(a, b, Some(rel_tol), Some(abs_tol)).map_err(|_| value_error("tolerances must be non-negative"))
}

/// This module provides access to mathematical functions for complex
/// numbers.
#[pymodule(
    name = "cmath",
    functions(
        acos, acosh, asin, asinh, atan, atanh, cos, cosh, exp, isclose, isfinite, isinf, isnan, log, log10,
        phase, polar, rect, sin, sinh, sqrt, tan, tanh
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "pi", std::f64::consts::PI)?;
    module.add(thread, "e", std::f64::consts::E)?;
    module.add(thread, "tau", std::f64::consts::TAU)?;
    module.add(thread, "inf", f64::INFINITY)?;
    module.add(thread, "nan", f64::NAN)?;
    let infj = complex::new(thread, 0.0, f64::INFINITY)?;
    module.add(thread, "infj", infj)?;
    let nanj = complex::new(thread, 0.0, f64::NAN)?;
    module.add(thread, "nanj", nanj)
}
