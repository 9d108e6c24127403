//! Comparisons, neighbours, and operations on digits.

use super::arith::{add, nan_of};
use super::coefficient::Coefficient;
use super::number::{Env, Kind, MAX_DIGITS, Number, Rounding, status};
use std::cmp::Ordering;

fn of_ordering(ordering: Ordering) -> Number {
    Number::int(ordering as i64)
}

pub(super) fn compare(a: &Number, b: &Number, env: &mut Env) -> Number {
    match nan_of(&[a, b], env) {
        Some(nan) => nan,
        None => of_ordering(a.compare(b)),
    }
}

pub(super) fn compare_signal(a: &Number, b: &Number, env: &mut Env) -> Number {
    match nan_of(&[a, b], env) {
        Some(nan) => {
            env.raise(status::INVALID_OPERATION);
            nan
        }
        None => of_ordering(a.compare(b)),
    }
}

/// The order of all representations: by sign, kind, value, and exponent.
pub(super) fn total_order(a: &Number, b: &Number) -> Ordering {
    if a.negative != b.negative {
        return b.negative.cmp(&a.negative);
    }
    let magnitude = total_magnitude(a, b);
    if a.negative { magnitude.reverse() } else { magnitude }
}

fn total_magnitude(a: &Number, b: &Number) -> Ordering {
    let rank = |number: &Number| match number.kind {
        Kind::Finite | Kind::Infinite => 0,
        Kind::Signaling => 1,
        Kind::Nan => 2,
    };
    match rank(a).cmp(&rank(b)) {
        Ordering::Equal if rank(a) > 0 => a.digits.cmp(&b.digits),
        Ordering::Equal => a.compare_magnitude(b).then(a.exponent.cmp(&b.exponent)),
        unequal => unequal,
    }
}

pub(super) fn compare_total(a: &Number, b: &Number) -> Number {
    of_ordering(total_order(a, b))
}

pub(super) fn compare_total_mag(a: &Number, b: &Number) -> Number {
    of_ordering(total_magnitude(a, b))
}

/// The larger or the smaller of two numbers, by value or by magnitude. A quiet NaN gives way to a number.
pub(super) fn pick(a: &Number, b: &Number, (max, magnitude): (bool, bool), env: &mut Env) -> Number {
    if a.is_nan() || b.is_nan() {
        match (a.kind, b.kind) {
            (Kind::Nan, Kind::Finite | Kind::Infinite) => return b.clone().finish(env),
            (Kind::Finite | Kind::Infinite, Kind::Nan) => return a.clone().finish(env),
            _ => {}
        }
        if let Some(nan) = nan_of(&[a, b], env) {
            return nan;
        }
    }
    let order = if magnitude { a.compare_magnitude(b) } else { a.compare(b) };
    let first = order.then_with(|| total_order(a, b)) == Ordering::Less;
    let picked = if first == max { b } else { a };
    picked.clone().finish(env)
}

/// The next number in a direction.
fn neighbour(a: &Number, rounding: Rounding, env: &mut Env) -> Number {
    let down = rounding == Rounding::Floor;
    if a.is_infinite() {
        return if a.negative == down { a.clone() } else { Number::largest(a.negative, env) };
    }
    let mut quiet = Env { rounding, status: 0, ..*env };
    let rounded = a.clone().finish(&mut quiet);
    if rounded.is_infinite() || rounded.compare(a) != Ordering::Equal {
        return rounded;
    }
    let tiny = Number::new(down, Coefficient::ONE, quiet.etiny() - 1);
    let next = add(a, &tiny, &mut quiet);
    env.raise(quiet.status & status::NO_MEMORY);
    next
}

pub(super) fn next_minus(a: &Number, env: &mut Env) -> Number {
    nan_of(&[a], env).unwrap_or_else(|| neighbour(a, Rounding::Floor, env))
}

pub(super) fn next_plus(a: &Number, env: &mut Env) -> Number {
    nan_of(&[a], env).unwrap_or_else(|| neighbour(a, Rounding::Ceiling, env))
}

pub(super) fn next_toward(a: &Number, b: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a, b], env) {
        return nan;
    }
    let next = match a.compare(b) {
        Ordering::Equal => return a.clone().with_sign(b.negative),
        Ordering::Less => neighbour(a, Rounding::Ceiling, env),
        Ordering::Greater => neighbour(a, Rounding::Floor, env),
    };
    if next.is_infinite() {
        env.raise(status::OVERFLOW | status::INEXACT | status::ROUNDED);
    } else if next.is_finite() && (next.is_zero() || next.adjusted() < env.emin) {
        env.raise(status::UNDERFLOW | status::SUBNORMAL | status::INEXACT | status::ROUNDED);
        if next.is_zero() {
            env.raise(status::CLAMPED);
        }
    }
    next
}

/// Without zeros at the end.
pub(super) fn reduce(a: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a], env) {
        return nan;
    }
    let number = a.clone().finish(env);
    if !number.is_finite() {
        return number;
    }
    if number.is_zero() {
        return Number::zero(number.negative, 0).finish(env);
    }
    let top = if env.clamp { env.etop() } else { env.emax };
    let (digits, removed) = number.digits.without_zeros((top - number.exponent).max(0).unsigned_abs());
    Number::new(number.negative, digits, number.exponent + removed as i64)
}

pub(super) fn logb(a: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a], env) {
        return nan;
    }
    if a.is_infinite() {
        return Number::infinity(false);
    }
    if a.is_zero() {
        env.raise(status::DIVISION_BY_ZERO);
        return Number::infinity(true);
    }
    Number::int(a.adjusted()).finish(env)
}

/// The value of a number that must be whole, with exponent zero, and within limits.
fn count(number: &Number, limit: i64) -> Option<i64> {
    if !number.is_finite() || number.exponent != 0 {
        return None;
    }
    let value = i64::try_from(number.digits.to_u64()?).ok()?;
    (value <= limit).then_some(if number.negative { -value } else { value })
}

pub(super) fn scaleb(a: &Number, b: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a, b], env) {
        return nan;
    }
    let Some(places) = count(b, 2 * (env.emax + env.prec)) else {
        return env.invalid(status::INVALID_OPERATION);
    };
    if a.is_infinite() {
        return a.clone();
    }
    Number { exponent: a.exponent + places, ..a.clone() }.finish(env)
}

pub(super) fn shift(a: &Number, b: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a, b], env) {
        return nan;
    }
    let Some(places) = count(b, env.prec) else { return env.invalid(status::INVALID_OPERATION) };
    if a.is_infinite() {
        return a.clone();
    }
    if places > MAX_DIGITS as i64 {
        return env.invalid(status::NO_MEMORY);
    }
    let (_, digits) = last(&a.digits, env.prec);
    let digits = if places < 0 {
        digits.shr(places.unsigned_abs()).0
    } else {
        last(&digits.shl(places.unsigned_abs()), env.prec).1
    };
    Number { digits, ..a.clone() }
}

/// The digits before the last ones, and the last ones.
fn last(digits: &Coefficient, count: i64) -> (Coefficient, Coefficient) {
    if digits.digits() as i64 <= count {
        return (Coefficient::ZERO, digits.clone());
    }
    digits.shr(count.unsigned_abs())
}

pub(super) fn rotate(a: &Number, b: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a, b], env) {
        return nan;
    }
    let Some(places) = count(b, env.prec) else { return env.invalid(status::INVALID_OPERATION) };
    if a.is_infinite() {
        return a.clone();
    }
    if env.prec > MAX_DIGITS as i64 {
        return env.invalid(status::NO_MEMORY);
    }
    let left = if places < 0 { places + env.prec } else { places };
    let (_, digits) = last(&a.digits, env.prec);
    let (high, low) = last(&digits, env.prec - left);
    Number { digits: low.shl(left.unsigned_abs()).add(&high), ..a.clone() }
}

/// The digits of a logical operand, which are zeros and ones, at most as many as the precision.
fn logical(number: &Number, env: &Env) -> Option<Vec<u8>> {
    if !number.is_finite() || number.negative || number.exponent != 0 {
        return None;
    }
    let text = number.digits.to_text().into_bytes();
    if text.iter().any(|digit| !matches!(digit, b'0' | b'1')) {
        return None;
    }
    let start = text.len().saturating_sub(env.prec as usize);
    text.get(start..).map(<[u8]>::to_vec)
}

pub(super) fn logical_op(a: &Number, b: &Number, op: fn(bool, bool) -> bool, env: &mut Env) -> Number {
    let (Some(a), Some(b)) = (logical(a, env), logical(b, env)) else {
        return env.invalid(status::INVALID_OPERATION);
    };
    let length = a.len().max(b.len());
    let digit = |digits: &[u8], i: usize| {
        (i + digits.len()).checked_sub(length).and_then(|i| digits.get(i)).is_some_and(|digit| *digit == b'1')
    };
    let result: Vec<u8> =
        (0..length).map(|i| if op(digit(&a, i), digit(&b, i)) { b'1' } else { b'0' }).collect();
    Number::new(false, Coefficient::from_digits(&result), 0)
}

pub(super) fn logical_invert(a: &Number, env: &mut Env) -> Number {
    let Some(digits) = logical(a, env) else { return env.invalid(status::INVALID_OPERATION) };
    if env.prec > MAX_DIGITS as i64 {
        return env.invalid(status::NO_MEMORY);
    }
    let mut result = vec![b'1'; (env.prec.unsigned_abs() as usize).saturating_sub(digits.len())];
    result.extend(digits.iter().map(|digit| if *digit == b'1' { b'0' } else { b'1' }));
    Number::new(false, Coefficient::from_digits(&result), 0)
}

/// Whether both have the same exponent, or both are infinite, or both NaNs.
pub(super) fn same_quantum(a: &Number, b: &Number) -> bool {
    match (a.is_finite(), b.is_finite()) {
        (true, true) => a.exponent == b.exponent,
        (false, false) => a.is_nan() == b.is_nan(),
        _ => false,
    }
}

/// What kind of number this is in a context.
pub(super) fn class_name(a: &Number, env: &Env) -> &'static str {
    let subnormal = a.is_finite() && a.adjusted() < env.emin;
    match (a.kind, a.is_zero(), subnormal, a.negative) {
        (Kind::Nan, ..) => "NaN",
        (Kind::Signaling, ..) => "sNaN",
        (Kind::Infinite, _, _, true) => "-Infinity",
        (Kind::Infinite, _, _, false) => "+Infinity",
        (_, true, _, true) => "-Zero",
        (_, true, _, false) => "+Zero",
        (_, _, true, true) => "-Subnormal",
        (_, _, true, false) => "+Subnormal",
        (_, _, _, true) => "-Normal",
        (_, _, _, false) => "+Normal",
    }
}
