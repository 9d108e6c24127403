//! `math`'s functions of many numbers: sums, products, distances.

use num_bigint::BigInt;
use orochi_macros::pyfunction;
use orochi_objects::error::{overflow_error, value_error};
use orochi_objects::protocol::number::{self, as_float};
use orochi_objects::types::list;
use orochi_objects::{ArgSlice, PyResult, Ref, Thread, Value, float, int, protocol};
use pymath::{Error, math as m};

fn floats(thread: &mut Thread, iterable: Ref<'_>) -> PyResult<Vec<f64>> {
    let mut all = Vec::new();
    protocol::iterate(thread, iterable, |thread, item| {
        all.push(as_float(thread, item.get())?);
        Ok(())
    })?;
    Ok(all)
}

/// Return an accurate floating-point sum of values in the iterable seq.
///
/// Assumes IEEE-754 floating-point arithmetic.
#[pyfunction]
#[signature(seq, /)]
pub(super) fn fsum(thread: &mut Thread, seq: Ref) -> PyResult<f64> {
    let all = floats(thread, seq)?;
    m::fsum(all).map_err(|error| match error {
        Error::EDOM => value_error("-inf + inf in fsum"),
        Error::ERANGE => overflow_error("intermediate overflow in fsum"),
    })
}

/// Multidimensional Euclidean distance from the origin to a point.
///
/// Roughly equivalent to:
///     sqrt(sum(x**2 for x in coordinates))
///
/// For a two dimensional point (x, y), gives the hypotenuse
/// using the Pythagorean theorem:  sqrt(x*x + y*y).
///
/// For example, the hypotenuse of a 3/4/5 right triangle is:
///
///     >>> hypot(3.0, 4.0)
///     5.0
#[pyfunction]
#[signature(*coordinates)]
pub(super) fn hypot(thread: &mut Thread, coordinates: ArgSlice<'_>) -> PyResult<f64> {
    let mut all = Vec::with_capacity(coordinates.len());
    for coordinate in coordinates.iter() {
        all.push(as_float(thread, coordinate)?);
    }
    Ok(m::hypot(&all))
}

/// Return the Euclidean distance between two points p and q.
///
/// The points should be specified as sequences (or iterables) of
/// coordinates.  Both inputs must have the same dimension.
///
/// Roughly equivalent to:
///     sqrt(sum((px - qx) ** 2.0 for px, qx in zip(p, q)))
#[pyfunction]
#[signature(p, q, /)]
pub(super) fn dist(thread: &mut Thread, p: Ref, q: Ref) -> PyResult<f64> {
    let (p, q) = (list::to_values(thread, p)?, list::to_values(thread, q)?);
    if p.len() != q.len() {
        return Err(value_error("both points must have the same number of dimensions"));
    }
    let mut differences = Vec::with_capacity(p.len());
    for (a, b) in p.iter().zip(&q) {
        let (a, b) = (as_float(thread, a.get())?, as_float(thread, b.get())?);
        differences.push((a - b).abs());
    }
    Ok(m::hypot(&differences))
}

/// Calculate the product of all the elements in the input iterable.
///
/// The default start value for the product is 1.
///
/// When the iterable is empty, return the start value.  This function is
/// intended specifically for use with numeric values and may reject
/// non-numeric types.
#[pyfunction]
#[signature(iterable, /, *, start=1)]
pub(super) fn prod(thread: &mut Thread, iterable: Ref, start: Option<Ref>) -> PyResult {
    let mut result = match start {
        Some(start) => Ref::to_owned(start),
        None => int::new(thread, 1)?,
    };
    protocol::iterate(thread, iterable, |thread, item| {
        result = number::multiply(thread, result.get(), item.get())?;
        Ok(())
    })?;
    Ok(result)
}

/// The pair of floats that a pair of numbers is multiplied as: one of them is a float, the other a float or an int.
fn float_pair(a: Ref<'_>, b: Ref<'_>) -> Option<(f64, f64)> {
    let value = |object: Ref<'_>| match object.as_flonum() {
        Some(value) => Some((value, true)),
        None => object.as_small_int().map(|value| (value as f64, false)),
    };
    let ((a, float_a), (b, float_b)) = (value(a)?, value(b)?);
    (float_a || float_b).then_some((a, b))
}

/// Return the sum of products of values from two iterables p and q.
///
/// Roughly equivalent to:
///
///     sum(map(operator.mul, p, q, strict=True))
///
/// For float and mixed int/float inputs, the intermediate products
/// and sums are computed with extended precision.
#[pyfunction]
#[signature(p, q, /)]
pub(super) fn sumprod(thread: &mut Thread, p: Ref, q: Ref) -> PyResult {
    let (p, q) = (list::to_values(thread, p)?, list::to_values(thread, q)?);
    if p.len() != q.len() {
        return Err(value_error("Inputs are not the same length"));
    }
    let pairs: Option<Vec<(f64, f64)>> =
        p.iter().zip(&q).map(|(a, b)| float_pair(a.get(), b.get())).collect();
    if let Some(pairs) = pairs
        && !pairs.is_empty()
    {
        let (p, q): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        if let Ok(sum) = m::sumprod(&p, &q) {
            return float::new(thread, sum);
        }
    }
    let ints: Option<Vec<(i64, i64)>> =
        p.iter().zip(&q).map(|(a, b)| Some((a.get().as_small_int()?, b.get().as_small_int()?))).collect();
    if let Some(ints) = ints {
        let mut sum = BigInt::from(0);
        let mut part: i128 = 0;
        for (a, b) in ints {
            let product = i128::from(a) * i128::from(b);
            match part.checked_add(product) {
                Some(next) => part = next,
                None => {
                    sum += std::mem::replace(&mut part, product);
                }
            }
        }
        return int::from_big(thread, sum + part);
    }
    let mut total: Value = int::new(thread, 0)?;
    for (a, b) in p.iter().zip(&q) {
        let product = number::multiply(thread, a.get(), b.get())?;
        total = number::add(thread, total.get(), product.get())?;
    }
    Ok(total)
}
