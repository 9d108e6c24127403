//! The other methods and attributes of floats.

use crate::error::{PyResult, overflow_error, value_error};
use crate::types::float::{self, PyFloat};
use crate::types::str::PyStr;
use crate::types::{format, int, tuple};
use num_bigint::BigInt;
use num_traits::FromPrimitive;
use orochi_core::{Ref, Thread};
use orochi_macros::pymethods;
use orochi_text::format_spec::{Kind, quick};

/// The int that a float is without its fraction. OverflowError and ValueError for infinities and NaN.
pub fn to_int(thread: &Thread, value: f64) -> PyResult {
    let whole = value.trunc();
    if whole.abs() < 9e18 {
        return int::new(thread, whole as i64);
    }
    match BigInt::from_f64(whole) {
        Some(big) => int::from_big(thread, big),
        None if value.is_nan() => Err(value_error("cannot convert float NaN to integer")),
        None => Err(overflow_error("cannot convert float infinity to integer")),
    }
}

#[inline]
fn own(this: Ref<'_>) -> f64 {
    float::value(this).unwrap_or(f64::NAN)
}

/// Numerator and denominator in lowest terms of a finite float.
pub fn ratio(value: f64) -> (BigInt, BigInt) {
    let bits = value.to_bits();
    let biased = (bits >> 52 & 0x7FF) as i64;
    let fraction = bits & ((1 << 52) - 1);
    let (mut mantissa, mut exponent) =
        if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    if mantissa == 0 {
        return (BigInt::from(0), BigInt::from(1));
    }
    let zeros = mantissa.trailing_zeros();
    mantissa >>= zeros;
    exponent += i64::from(zeros);
    let numerator = BigInt::from(mantissa) << exponent.max(0) as u64;
    let denominator = BigInt::from(1) << (-exponent).max(0) as u64;
    (if value < 0.0 { -numerator } else { numerator }, denominator)
}

#[pymethods(part = METHODS)]
impl PyFloat {
    /// Return self, the complex conjugate of any float.
    fn conjugate(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        float::new(thread, own(this))
    }

    /// Return the Integral closest to x between 0 and x.
    fn __trunc__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        to_int(thread, own(this))
    }

    /// Return the floor as an Integral.
    fn __floor__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        to_int(thread, own(this).floor())
    }

    /// Return the ceiling as an Integral.
    fn __ceil__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        to_int(thread, own(this).ceil())
    }

    /// Return the Integral closest to x, rounding half toward even.
    ///
    /// When an argument is passed, work like built-in round(x, ndigits).
    #[signature(ndigits=None, /)]
    fn __round__(thread: &mut Thread, this: Ref<'_>, ndigits: Option<Ref<'_>>) -> PyResult {
        let value = own(this);
        let Some(ndigits) = ndigits.filter(|n| !n.is_none()) else {
            return to_int(thread, value.round_ties_even());
        };
        let places = int::index_clamped(thread, ndigits)?;
        match orochi_text::float::round_to(value, places) {
            Ok(rounded) => float::new(thread, rounded),
            Err(error) => Err(overflow_error(error.to_string())),
        }
    }

    /// Return a pair of integers, whose ratio is exactly equal to the original float.
    ///
    /// The ratio is in lowest terms and has a positive denominator.  Infinities raise
    /// OverflowError, and NaNs raise ValueError.
    ///
    /// >>> (2.75).as_integer_ratio()
    /// (11, 4)
    /// >>> (-0.5).as_integer_ratio()
    /// (-1, 2)
    /// >>> (0.0).as_integer_ratio()
    /// (0, 1)
    fn as_integer_ratio(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let value = own(this);
        if value.is_nan() {
            return Err(value_error("cannot convert NaN to integer ratio"));
        }
        if value.is_infinite() {
            return Err(overflow_error("cannot convert Infinity to integer ratio"));
        }
        let (numerator, denominator) = ratio(value);
        let pair = vec![int::from_big(thread, numerator)?, int::from_big(thread, denominator)?];
        Ok(tuple::new(thread, pair)?.into_value())
    }

    /// Return True if the float is an integer.
    fn is_integer(_thread: &mut Thread, this: Ref<'_>) -> bool {
        let value = own(this);
        value.is_finite() && value == value.trunc()
    }

    /// Return a hexadecimal representation of a floating-point number.
    ///
    /// >>> (-0.1).hex()
    /// '-0x1.999999999999ap-4'
    /// >>> 3.14159.hex()
    /// '0x1.921f9f01b866ep+1'
    fn hex(_thread: &mut Thread, this: Ref<'_>) -> String {
        orochi_text::float::hex::to_hex(own(this))
    }

    /// Formats the float according to format_spec.
    fn __format__(thread: &mut Thread, this: Ref<'_>, format_spec: Ref<'_>) -> PyResult {
        formatted(thread, this, format_spec)
    }

    /// the real part of a complex number
    #[getter]
    fn real(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        float::new(thread, own(this))
    }

    /// the imaginary part of a complex number
    #[getter]
    fn imag(_thread: &mut Thread, _this: Ref<'_>) -> f64 {
        0.0
    }
}

/// `float.__format__`.
pub(crate) fn formatted(thread: &mut Thread, this: Ref<'_>, format_spec: Ref<'_>) -> PyResult {
    if let (Some(spec), Some(value)) = (format_spec.downcast::<PyStr>(), this.as_flonum())
        && let Some(line) = quick::of_float(spec.as_bytes(), value)
    {
        return crate::types::str::from_ascii(thread, line.as_bytes());
    }
    let Some(spec) = format::parse_spec(format_spec, Kind::Float, this)? else {
        return format::plain(thread, this);
    };
    let name = crate::class_of(this).name();
    let text =
        spec.format_float(own(this), &format::locale_for(&spec), &name).map_err(format::format_error)?;
    crate::str::from_wtf8(thread, &text)
}
