//! `math`'s functions of ints: factorials, counts of choices, divisors, square roots.

use num_bigint::{BigInt, BigUint};
use num_integer::{Integer, Roots};
use num_traits::{One, Signed, ToPrimitive, Zero};
use orochi_macros::pyfunction;
use orochi_objects::error::{overflow_error, value_error};
use orochi_objects::int::IntRef;
use orochi_objects::{ArgSlice, PyResult, Ref, Thread, int};

/// The product of the numbers from `low` to `high`, by halves, so that factors are of similar size.
fn product(low: u64, high: u64) -> BigUint {
    if low > high {
        return BigUint::one();
    }
    if high - low < 16 {
        let mut result = BigUint::one();
        let mut word: u64 = 1;
        for factor in low..=high {
            match word.checked_mul(factor) {
                Some(next) => word = next,
                None => {
                    result *= word;
                    word = factor;
                }
            }
        }
        return result * word;
    }
    let middle = low + (high - low) / 2;
    product(low, middle) * product(middle + 1, high)
}

/// `n * (n-1) * … * (n-k+1)` for a large n.
fn falling(n: &BigInt, k: u64) -> BigInt {
    if k == 0 {
        return BigInt::one();
    }
    if k <= 8 {
        return (0..k).map(|i| n - i).product();
    }
    let half = k / 2;
    falling(n, half) * falling(&(n - half), k - half)
}

fn big(thread: &mut Thread, object: Ref<'_>) -> PyResult<BigInt> {
    let value = int::index(thread, object)?;
    Ok(int::value(value.get()).map_or_else(BigInt::zero, |value| value.to_big().into_owned()))
}

/// n!.
fn factorial_of(thread: &mut Thread, n: &BigInt) -> PyResult {
    if n.is_negative() {
        return Err(value_error("factorial() not defined for negative values"));
    }
    let Some(n) = n.to_i64() else {
        return Err(overflow_error(format!("factorial() argument should not exceed {}", i64::MAX)));
    };
    if n > 1 << 40 {
        // No machine has the memory.
        return Err(orochi_objects::error::memory_error());
    }
    int::from_big(thread, product(1, n as u64).into())
}

/// Return n factorial.
#[pyfunction]
#[signature(n, /)]
pub(super) fn factorial(thread: &mut Thread, n: Ref) -> PyResult {
    let n = big(thread, n)?;
    factorial_of(thread, &n)
}

/// Number of ways to choose k items from n items without repetition and without order.
///
/// Evaluates to n! / (k! * (n - k)!) when k <= n and evaluates
/// to zero when k > n.
///
/// Also called the binomial coefficient because it is equivalent
/// to the coefficient of k-th term in polynomial expansion of the
/// expression (1 + x)**n.
///
/// Raises TypeError if either of the arguments are not integers.
/// Raises ValueError if either of the arguments are negative.
#[pyfunction]
#[signature(n, k, /)]
pub(super) fn comb(thread: &mut Thread, n: Ref, k: Ref) -> PyResult {
    let (n, k) = (big(thread, n)?, big(thread, k)?);
    if n.is_negative() {
        return Err(value_error("n must be a non-negative integer"));
    }
    if k.is_negative() {
        return Err(value_error("k must be a non-negative integer"));
    }
    if k > n {
        return int::new(thread, 0);
    }
    let k = (&n - &k).min(k);
    let Some(k) = k.to_u64() else {
        return Err(overflow_error(format!("min(n - k, k) must not exceed {}", i64::MAX)));
    };
    let result = match n.to_u64() {
        Some(n) => BigInt::from(product(n - k + 1, n)),
        None => falling(&n, k),
    };
    int::from_big(thread, result / BigInt::from(product(1, k)))
}

/// Number of ways to choose k items from n items without repetition and with order.
///
/// Evaluates to n! / (n - k)! when k <= n and evaluates
/// to zero when k > n.
///
/// If k is not specified or is None, then k defaults to n
/// and the function returns n!.
///
/// Raises TypeError if either of the arguments are not integers.
/// Raises ValueError if either of the arguments are negative.
#[pyfunction]
#[signature(n, k=None, /)]
pub(super) fn perm(thread: &mut Thread, n: Ref, k: Option<Ref>) -> PyResult {
    let n = big(thread, n)?;
    let Some(k) = k else { return factorial_of(thread, &n) };
    let k = big(thread, k)?;
    if n.is_negative() {
        return Err(value_error("n must be a non-negative integer"));
    }
    if k.is_negative() {
        return Err(value_error("k must be a non-negative integer"));
    }
    if k > n {
        return int::new(thread, 0);
    }
    let Some(k) = k.to_u64().filter(|k| *k <= i64::MAX as u64) else {
        return Err(overflow_error(format!("k must not exceed {}", i64::MAX)));
    };
    let result = match n.to_u64() {
        Some(n) => BigInt::from(product(n - k + 1, n)),
        None => falling(&n, k),
    };
    int::from_big(thread, result)
}

/// Greatest Common Divisor.
#[pyfunction]
#[signature(*integers)]
pub(super) fn gcd(thread: &mut Thread, integers: ArgSlice<'_>) -> PyResult {
    let mut small: u64 = 0;
    let mut large: Option<BigInt> = None;
    for integer in integers.iter() {
        let value = int::index(thread, integer)?;
        match (int::value(value.get()), &mut large) {
            (Some(IntRef::Small(value)), None) => small = small.gcd(&value.unsigned_abs()),
            (Some(value), large) => {
                let so_far = large.take().unwrap_or_else(|| BigInt::from(small));
                *large = Some(so_far.gcd(&value.to_big()));
            }
            (None, _) => {}
        }
    }
    int::from_big(thread, large.unwrap_or_else(|| BigInt::from(small)))
}

/// Least Common Multiple.
#[pyfunction]
#[signature(*integers)]
pub(super) fn lcm(thread: &mut Thread, integers: ArgSlice<'_>) -> PyResult {
    let mut result = BigInt::one();
    for integer in integers.iter() {
        let value = big(thread, integer)?;
        if !result.is_zero() {
            result = result.lcm(&value);
        }
    }
    int::from_big(thread, result.abs())
}

/// Return the integer part of the square root of the input.
#[pyfunction]
#[signature(n, /)]
pub(super) fn isqrt(thread: &mut Thread, n: Ref) -> PyResult {
    let value = int::index(thread, n)?;
    let negative = || value_error("isqrt() argument must be nonnegative");
    match int::value(value.get()) {
        Some(IntRef::Small(small)) => {
            let small = u64::try_from(small).map_err(|_| negative())?;
            int::new(thread, small.sqrt() as i64)
        }
        Some(IntRef::Big(big)) if big.is_negative() => Err(negative()),
        Some(IntRef::Big(big)) => int::from_big(thread, big.sqrt()),
        None => int::new(thread, 0),
    }
}
