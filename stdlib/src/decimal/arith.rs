//! Addition, multiplication, division, and what is made of them.

use super::coefficient::Coefficient;
use super::number::{Env, Kind, MAX_DIGITS, Number, Rounding, aligned, status};
use num_integer::Integer;
use std::borrow::Cow;
use std::cmp::Ordering;

/// A precision from which on exact results are looked for before digits are computed.
const LARGE_PREC: i64 = 5000;

/// The result of an operation of which an operand is a NaN.
pub(super) fn nan_of(operands: &[&Number], env: &mut Env) -> Option<Number> {
    let signaling = operands.iter().find(|operand| operand.kind == Kind::Signaling);
    if signaling.is_some() {
        env.raise(status::INVALID_OPERATION);
    }
    let found = signaling.or_else(|| operands.iter().find(|operand| operand.kind == Kind::Nan))?;
    let mut nan = Number::clone(found);
    nan.kind = Kind::Nan;
    Some(nan.finish(env))
}

/// A number with zeros added, so that it has this exponent, which isn't larger than its own.
fn padded(number: &Number, exponent: i64) -> Number {
    let zeros = number.exponent.saturating_sub(exponent).max(0);
    Number::new(number.negative, number.digits.shl(zeros.unsigned_abs()), number.exponent - zeros)
}

pub(super) fn add(a: &Number, b: &Number, env: &mut Env) -> Number {
    if a.is_finite()
        && b.is_finite()
        && let Some(sum) = add_words(a, b)
    {
        return sum.finish(env);
    }
    if let Some(nan) = nan_of(&[a, b], env) {
        return nan;
    }
    match (a.is_infinite(), b.is_infinite()) {
        (true, true) if a.negative != b.negative => return env.invalid(status::INVALID_OPERATION),
        (true, _) => return a.clone(),
        (_, true) => return b.clone(),
        _ => {}
    }
    let exponent = a.exponent.min(b.exponent);
    let zero_sign = env.rounding == Rounding::Floor && a.negative != b.negative;
    match (a.is_zero(), b.is_zero()) {
        (true, true) => return Number::zero(a.negative && b.negative || zero_sign, exponent).finish(env),
        (true, false) => return padded(b, exponent.max(b.exponent - env.prec - 1)).finish(env),
        (false, true) => return padded(a, exponent.max(a.exponent - env.prec - 1)).finish(env),
        _ => {}
    }
    let (a, b) = if a.exponent < b.exponent {
        (shortened(a, b, env.prec), Cow::Borrowed(b))
    } else {
        (Cow::Borrowed(a), shortened(b, a, env.prec))
    };
    if (a.exponent - b.exponent).unsigned_abs() > MAX_DIGITS {
        return env.invalid(status::NO_MEMORY);
    }
    let exponent = a.exponent.min(b.exponent);
    let (x, y) = aligned(&a, &b);
    let sum = if a.negative == b.negative {
        Number::new(a.negative, x.add(&y), exponent)
    } else {
        match x.cmp(&y) {
            Ordering::Equal => Number::zero(zero_sign, exponent),
            Ordering::Greater => Number::new(a.negative, x.sub(&y), exponent),
            Ordering::Less => Number::new(b.negative, y.sub(&x), exponent),
        }
    };
    sum.finish(env)
}

/// The operand of an addition with the lower exponent without digits that can't matter: of those that lie far behind the last
/// one of the result, only whether there are any counts.
fn shortened<'a>(low: &'a Number, high: &Number, prec: i64) -> Cow<'a, Number> {
    // Where digits may cancel out, all may matter. Behind `least` the result has no digits: it ends at the digit before the first
    // one of `high`, at the latest, or at the last one of `high`.
    let least = high.exponent.min(high.adjusted() - prec - 3);
    if low.exponent >= least || low.adjusted() >= high.adjusted() - 1 {
        return Cow::Borrowed(low);
    }
    if low.adjusted() < least {
        return Cow::Owned(Number::new(low.negative, Coefficient::ONE, least - 1));
    }
    let (digits, rest) = low.digits.shr((least - low.exponent).unsigned_abs());
    let digits = if rest.is_zero() { digits } else { sticky(digits) };
    Cow::Owned(Number::new(low.negative, digits, least))
}

/// The sum of finite numbers whose digits fit a word pair at the same exponent, if that is so. Zeros are for the long way.
fn add_words(a: &Number, b: &Number) -> Option<Number> {
    let (low, high) = if a.exponent < b.exponent { (a, b) } else { (b, a) };
    let (x, y) = (low.digits.word_pair()?, high.digits.word_pair()?);
    if x == 0 || y == 0 {
        return None;
    }
    let y = y.checked_mul(Coefficient::small_power(high.exponent - low.exponent)?)?;
    let (negative, sum) = if low.negative == high.negative {
        (low.negative, x.checked_add(y)?)
    } else if x > y {
        (low.negative, x - y)
    } else {
        (high.negative, y - x)
    };
    (sum != 0).then(|| Number::new(negative, Coefficient::from(sum), low.exponent))
}

pub(super) fn sub(a: &Number, b: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a, b], env) {
        return nan;
    }
    add(a, &b.clone().negated(), env)
}

/// The product before rounding.
fn exact_product(a: &Number, b: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a, b], env) {
        return nan;
    }
    let negative = a.negative != b.negative;
    if a.is_infinite() || b.is_infinite() {
        if a.is_zero() || b.is_zero() {
            return env.invalid(status::INVALID_OPERATION);
        }
        return Number::infinity(negative);
    }
    if a.digits.digits() + b.digits.digits() > MAX_DIGITS {
        return env.invalid(status::NO_MEMORY);
    }
    Number::new(negative, a.digits.mul(&b.digits), a.exponent + b.exponent)
}

pub(super) fn mul(a: &Number, b: &Number, env: &mut Env) -> Number {
    exact_product(a, b, env).finish(env)
}

pub(super) fn fma(a: &Number, b: &Number, c: &Number, env: &mut Env) -> Number {
    let product = exact_product(a, b, env);
    if env.status & (status::INVALID_OPERATION | status::NO_MEMORY) != 0 {
        return product;
    }
    add(&product, c, env)
}

pub(super) fn div(a: &Number, b: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a, b], env) {
        return nan;
    }
    let negative = a.negative != b.negative;
    match (a.is_infinite(), b.is_infinite()) {
        (true, true) => return env.invalid(status::INVALID_OPERATION),
        (true, false) => return Number::infinity(negative),
        (false, true) => {
            env.raise(status::CLAMPED);
            return Number::zero(negative, env.etiny());
        }
        _ => {}
    }
    if b.is_zero() {
        if a.is_zero() {
            return env.invalid(status::DIVISION_UNDEFINED);
        }
        env.raise(status::DIVISION_BY_ZERO);
        return Number::infinity(negative);
    }
    let ideal = a.exponent - b.exponent;
    if a.is_zero() {
        return Number::zero(negative, ideal).finish(env);
    }
    if env.prec > LARGE_PREC
        && let Some((digits, places)) = exact_quotient(&a.digits, &b.digits)
    {
        return Number::new(negative, digits, ideal - places as i64).finish(env);
    }
    let shift = b.len() - a.len() + env.prec + 1;
    if shift.unsigned_abs() > MAX_DIGITS {
        return env.invalid(status::NO_MEMORY);
    }
    let (quotient, remainder) = if shift >= 0 {
        a.digits.shl(shift.unsigned_abs()).div_rem(&b.digits)
    } else {
        a.digits.div_rem(&b.digits.shl(shift.unsigned_abs()))
    };
    let exponent = ideal - shift;
    if remainder.is_zero() {
        let limit = (ideal - exponent).max(0);
        let (digits, removed) = quotient.without_zeros(limit.unsigned_abs());
        return Number::new(negative, digits, exponent + removed as i64).finish(env);
    }
    Number::new(negative, sticky(quotient), exponent).finish(env)
}

/// Digits behind which others follow: the last one must not look as if it were exactly half or nothing.
pub(super) fn sticky(digits: Coefficient) -> Coefficient {
    if digits.is_multiple_of_five() { digits.add(&Coefficient::ONE) } else { digits }
}

/// The quotient as digits and a number of decimal places, if it has an end.
fn exact_quotient(a: &Coefficient, b: &Coefficient) -> Option<(Coefficient, u64)> {
    let (a, b) = (a.to_big(), b.to_big());
    let common = a.gcd(&b);
    let (a, mut b) = (a / &common, b / &common);
    let twos = b.trailing_zeros().unwrap_or(0);
    b >>= twos;
    let five = num_bigint::BigUint::from(5u32);
    let mut fives = 0;
    loop {
        let (quotient, remainder) = b.div_rem(&five);
        if remainder != num_bigint::BigUint::ZERO {
            break;
        }
        b = quotient;
        fives += 1;
    }
    if b != num_bigint::BigUint::from(1u32) {
        return None;
    }
    let places = twos.max(fives);
    let two = Coefficient::from(2u128).power(places - twos);
    let five = Coefficient::from(5u128).power(places - fives);
    Some((Coefficient::from(a).mul(&two).mul(&five), places))
}

/// Whole quotient and remainder of finite numbers, of which the second isn't zero; `None` if the quotient is too long.
fn divide_whole(a: &Number, b: &Number, env: &Env) -> Option<(Number, Number)> {
    let negative = a.negative != b.negative;
    let ideal = if b.is_infinite() { a.exponent } else { a.exponent.min(b.exponent) };
    let distance = if b.is_infinite() { -2 } else { a.adjusted() - b.adjusted() };
    if a.is_zero() || distance <= -2 {
        return Some((Number::zero(negative, 0), padded(a, ideal)));
    }
    if distance > env.prec || distance.unsigned_abs() > MAX_DIGITS {
        return None;
    }
    let (x, y) = aligned(a, b);
    let (quotient, remainder) = x.div_rem(&y);
    if quotient.digits() as i64 > env.prec {
        return None;
    }
    Some((Number::new(negative, quotient, 0), Number::new(a.negative, remainder, ideal)))
}

pub(super) fn div_int(a: &Number, b: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a, b], env) {
        return nan;
    }
    let negative = a.negative != b.negative;
    if a.is_infinite() {
        if b.is_infinite() {
            return env.invalid(status::INVALID_OPERATION);
        }
        return Number::infinity(negative);
    }
    if b.is_zero() {
        if a.is_zero() {
            return env.invalid(status::DIVISION_UNDEFINED);
        }
        env.raise(status::DIVISION_BY_ZERO);
        return Number::infinity(negative);
    }
    match divide_whole(a, b, env) {
        Some((quotient, _)) => quotient.finish(env),
        None => env.invalid(status::DIVISION_IMPOSSIBLE),
    }
}

pub(super) fn rem(a: &Number, b: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a, b], env) {
        return nan;
    }
    if a.is_infinite() {
        return env.invalid(status::INVALID_OPERATION);
    }
    if b.is_zero() {
        let undefined = a.is_zero();
        return env.invalid(if undefined { status::DIVISION_UNDEFINED } else { status::INVALID_OPERATION });
    }
    match divide_whole(a, b, env) {
        Some((_, remainder)) => remainder.finish(env),
        None => env.invalid(status::DIVISION_IMPOSSIBLE),
    }
}

pub(super) fn div_mod(a: &Number, b: &Number, env: &mut Env) -> (Number, Number) {
    if let Some(nan) = nan_of(&[a, b], env) {
        return (nan.clone(), nan);
    }
    let negative = a.negative != b.negative;
    if a.is_infinite() {
        let nan = env.invalid(status::INVALID_OPERATION);
        let quotient = if b.is_infinite() { nan.clone() } else { Number::infinity(negative) };
        return (quotient, nan);
    }
    if b.is_zero() {
        if a.is_zero() {
            let nan = env.invalid(status::DIVISION_UNDEFINED);
            return (nan.clone(), nan);
        }
        env.raise(status::DIVISION_BY_ZERO);
        return (Number::infinity(negative), env.invalid(status::INVALID_OPERATION));
    }
    match divide_whole(a, b, env) {
        Some((quotient, remainder)) => (quotient.finish(env), remainder.finish(env)),
        None => {
            let nan = env.invalid(status::DIVISION_IMPOSSIBLE);
            (nan.clone(), nan)
        }
    }
}

pub(super) fn rem_near(a: &Number, b: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a, b], env) {
        return nan;
    }
    if a.is_infinite() {
        return env.invalid(status::INVALID_OPERATION);
    }
    if b.is_zero() {
        let undefined = a.is_zero();
        return env.invalid(if undefined { status::DIVISION_UNDEFINED } else { status::INVALID_OPERATION });
    }
    if b.is_infinite() {
        return a.clone().finish(env);
    }
    let ideal = a.exponent.min(b.exponent);
    if a.is_zero() {
        return Number::zero(a.negative, ideal).finish(env);
    }
    let distance = a.adjusted() - b.adjusted();
    if distance > env.prec || distance > MAX_DIGITS as i64 {
        return env.invalid(status::DIVISION_IMPOSSIBLE);
    }
    if distance <= -2 {
        return padded(a, ideal).finish(env);
    }
    let (x, y) = aligned(a, b);
    let (mut quotient, mut rest) = x.div_rem(&y);
    let mut negative = a.negative;
    let twice = rest.add(&rest);
    let above = twice.cmp(&y);
    if above == Ordering::Greater || above == Ordering::Equal && quotient.is_odd() {
        rest = y.sub(&rest);
        quotient = quotient.add(&Coefficient::ONE);
        negative = !negative;
    }
    if quotient.digits() as i64 > env.prec {
        return env.invalid(status::DIVISION_IMPOSSIBLE);
    }
    Number::new(negative, rest, ideal).finish(env)
}

pub(super) fn sqrt(a: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a], env) {
        return nan;
    }
    if a.is_zero() {
        return Number::zero(a.negative, a.exponent.div_euclid(2)).finish(env);
    }
    if a.negative {
        return env.invalid(status::INVALID_OPERATION);
    }
    if a.is_infinite() {
        return a.clone();
    }
    let rounding = std::mem::replace(&mut env.rounding, Rounding::HalfEven);
    let root = sqrt_finite(a, env);
    let root = root.finish(env);
    env.rounding = rounding;
    root
}

fn sqrt_finite(a: &Number, env: &mut Env) -> Number {
    let mut exponent = a.exponent.div_euclid(2);
    let is_odd = a.exponent.rem_euclid(2) == 1;
    let content = a.digits.shl(u64::from(is_odd));
    let length = if is_odd { a.len() / 2 + 1 } else { (a.len() + 1) / 2 };
    if env.prec > LARGE_PREC {
        let root = content.sqrt();
        if root.mul(&root) == content {
            return Number::new(false, root, exponent);
        }
    }
    let shift = env.prec + 1 - length;
    if shift.unsigned_abs() > MAX_DIGITS / 2 {
        return env.invalid(status::NO_MEMORY);
    }
    let pairs = 2 * shift.unsigned_abs();
    let (content, rest) =
        if shift >= 0 { (content.shl(pairs), Coefficient::ZERO) } else { content.shr(pairs) };
    exponent -= shift;
    let root = content.sqrt();
    if !rest.is_zero() || root.mul(&root) != content {
        return Number::new(false, sticky(root), exponent);
    }
    if shift >= 0 {
        return Number::new(false, root.shr(shift.unsigned_abs()).0, exponent + shift);
    }
    Number::new(false, root.shl(shift.unsigned_abs()), exponent + shift)
}

/// `a` with the exponent of `pattern`.
pub(super) fn quantize(a: &Number, pattern: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a, pattern], env) {
        return nan;
    }
    if a.is_infinite() || pattern.is_infinite() {
        if a.is_infinite() && pattern.is_infinite() {
            return a.clone();
        }
        return env.invalid(status::INVALID_OPERATION);
    }
    let exponent = pattern.exponent;
    if exponent < env.etiny() || exponent > env.emax {
        return env.invalid(status::INVALID_OPERATION);
    }
    if a.is_zero() {
        return Number::zero(a.negative, exponent).finish(env);
    }
    if a.adjusted() > env.emax || a.adjusted() - exponent + 1 > env.prec {
        return env.invalid(status::INVALID_OPERATION);
    }
    if a.exponent.saturating_sub(exponent) > MAX_DIGITS as i64 {
        return env.invalid(status::NO_MEMORY);
    }
    let (digits, inexact) = a.rounded_to(exponent, env.rounding);
    let result = match a.exponent < exponent {
        true => Number::new(a.negative, digits, exponent),
        false => padded(a, exponent),
    };
    if result.adjusted() > env.emax || result.len() > env.prec {
        return env.invalid(status::INVALID_OPERATION);
    }
    if a.exponent < exponent {
        env.raise(status::ROUNDED);
    }
    if inexact {
        env.raise(status::INEXACT);
    }
    result.finish(env)
}

/// The number as a whole one. Conditions are raised only if `exact` is asked for.
pub(super) fn to_integral(a: &Number, rounding: Rounding, exact: bool, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a], env) {
        return nan;
    }
    if a.is_infinite() || a.exponent >= 0 {
        return a.clone();
    }
    let (digits, inexact) = a.rounded_to(0, rounding);
    if exact && !a.is_zero() {
        env.raise(status::ROUNDED);
        if inexact {
            env.raise(status::INEXACT);
        }
    }
    Number::new(a.negative, digits, 0)
}
