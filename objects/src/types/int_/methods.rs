//! The other methods and attributes of ints.

use crate::error::{PyResult, type_error};
use crate::types::int::{self, IntRef, PyInt};
use crate::types::tuple;
use num_bigint::BigInt;
use num_integer::Integer;
use orochi_core::{Ref, Thread};
use orochi_macros::pymethods;
use std::cmp::Ordering;

fn exact(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    int::value(this).map_or_else(|| Err(type_error("an int is required")), |v| super::arith::exact(thread, v))
}

/// The multiple of 10^places nearest to a value, ties to the even multiple.
fn round_to_tens(value: &BigInt, places: u32) -> BigInt {
    let unit = num_traits::pow::Pow::pow(BigInt::from(10), places);
    let (quotient, rest) = value.div_mod_floor(&unit);
    let up = match (&rest * 2_u8).cmp(&unit) {
        Ordering::Less => false,
        Ordering::Equal => quotient.is_odd(),
        Ordering::Greater => true,
    };
    (quotient + u8::from(up)) * unit
}

#[pymethods(part = METHODS)]
impl PyInt {
    /// Returns self, the complex conjugate of any int.
    fn conjugate(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        exact(thread, this)
    }

    /// Ceiling of an Integral returns itself.
    fn __ceil__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        exact(thread, this)
    }

    /// Flooring an Integral returns itself.
    fn __floor__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        exact(thread, this)
    }

    /// Truncating an Integral returns itself.
    fn __trunc__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        exact(thread, this)
    }

    /// Rounding an Integral returns itself.
    ///
    /// Rounding with an ndigits argument also returns an integer.
    #[signature(ndigits=None, /)]
    fn __round__(thread: &mut Thread, this: Ref<'_>, ndigits: Option<Ref<'_>>) -> PyResult {
        let Some(ndigits) = ndigits.filter(|n| !n.is_none()) else { return exact(thread, this) };
        let places = int::index(thread, ndigits)?;
        let Some(places) = int::value(places.get()).filter(|places| places.is_negative()) else {
            return exact(thread, this);
        };
        let value = int::value(this).unwrap_or(IntRef::Small(0));
        let wanted = places.to_i64().map_or(u64::MAX, i64::unsigned_abs);
        // Beyond its digits a number rounds to 0.
        if wanted > value.bits() / 3 + 1 {
            return int::new(thread, 0);
        }
        let rounded = round_to_tens(&value.to_big(), u32::try_from(wanted).unwrap_or(u32::MAX));
        int::from_big(thread, rounded)
    }

    /// Return a pair of integers, whose ratio is equal to the original int.
    ///
    /// The ratio is in lowest terms and has a positive denominator.
    ///
    /// >>> (12).as_integer_ratio()
    /// (12, 1)
    /// >>> (-7).as_integer_ratio()
    /// (-7, 1)
    fn as_integer_ratio(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let pair = vec![exact(thread, this)?, int::new(thread, 1)?];
        Ok(tuple::new(thread, pair)?.into_value())
    }

    /// Returns True. Exists for duck type compatibility with float.is_integer.
    fn is_integer(_thread: &mut Thread, _this: Ref<'_>) -> bool {
        true
    }

    /// the real part of a complex number
    #[getter]
    fn real(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        exact(thread, this)
    }

    /// the imaginary part of a complex number
    #[getter]
    fn imag(_thread: &mut Thread, _this: Ref<'_>) -> i64 {
        0
    }

    /// the numerator of a rational number in lowest terms
    #[getter]
    fn numerator(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        exact(thread, this)
    }

    /// the denominator of a rational number in lowest terms
    #[getter]
    fn denominator(_thread: &mut Thread, _this: Ref<'_>) -> i64 {
        1
    }
}
