//! `exp`, `ln`, `log10` and powers, correctly rounded.
//!
//! Digits are computed in binary fixed point with some to spare. If rounding depends on what follows, more of them are
//! computed (Ziv's strategy).

use super::arith::nan_of;
use super::coefficient::Coefficient;
use super::number::{Env, Number, Rounding, status};
use num_bigint::{BigInt, BigUint};
use num_traits::{ToPrimitive, Zero};
use std::cmp::Ordering;

/// More digits than this take too long.
const MAX_PREC: i64 = 2_000_000;

/// Bits of so many decimal digits.
fn bits_of(digits: i64) -> u64 {
    (digits.unsigned_abs() * 3322).div_ceil(1000) + 1
}

fn power_of_ten(exponent: u64) -> BigInt {
    BigInt::from(Coefficient::power_of_ten(exponent).to_big())
}

/// `2**bits * atanh(1/n)`.
fn arc_tangent(n: u32, bits: u64) -> BigInt {
    let square = u64::from(n) * u64::from(n);
    let mut power = (BigInt::from(1) << bits) / n;
    let mut sum = power.clone();
    let mut k = 3u64;
    loop {
        power /= square;
        if power.is_zero() {
            return sum;
        }
        sum += &power / k;
        k += 2;
    }
}

/// `2**bits * ln(10)`: a formula of Machin's kind.
fn ln_ten(bits: u64) -> BigInt {
    let more = bits + 16;
    let sum = arc_tangent(31, more) * 46 + arc_tangent(49, more) * 34 + arc_tangent(161, more) * 20;
    sum >> 16
}

/// `2**bits * exp(x / 2**bits)` for `|x| < 3 * 2**bits`.
fn fixed_exp(x: &BigInt, bits: u64) -> BigInt {
    let halvings = (bits as f64).sqrt() as u64 / 2 + 4;
    let guard = halvings + 16;
    let scale = bits + guard;
    let small: BigInt = (x << guard) >> halvings;
    let mut term: BigInt = BigInt::from(1) << scale;
    let mut sum = term.clone();
    let mut k = 1u64;
    while !term.is_zero() && term != BigInt::from(-1) {
        term = (term * &small) >> scale;
        term /= k;
        sum += &term;
        k += 1;
    }
    for _ in 0..halvings {
        sum = (&sum * &sum) >> scale;
    }
    sum >> guard
}

/// `2**bits * ln(x / 2**bits)` for an `x` between a third and thrice of `2**bits`.
fn fixed_ln(x: &BigInt, bits: u64) -> BigInt {
    let roots = (bits as f64).sqrt() as u64 / 4 + 2;
    let guard = roots + 16;
    let scale = bits + guard;
    let one: BigInt = BigInt::from(1) << scale;
    let mut x: BigInt = x << guard;
    for _ in 0..roots {
        x = (x << scale).sqrt();
    }
    let ratio = ((&x - &one) << scale) / (&x + &one);
    let square = (&ratio * &ratio) >> scale;
    let mut power = ratio.clone();
    let mut sum = ratio;
    let mut k = 3u64;
    loop {
        power = (power * &square) >> scale;
        if power.is_zero() || power == BigInt::from(-1) {
            break;
        }
        sum += &power / k;
        k += 2;
    }
    (sum << (roots + 1)) >> guard
}

/// `digits * 10**exponent * 2**bits`.
fn to_fixed(digits: &Coefficient, exponent: i64, bits: u64) -> BigInt {
    let digits = BigInt::from(digits.to_big());
    if exponent >= 0 {
        return (digits * power_of_ten(exponent.unsigned_abs())) << bits;
    }
    (digits << bits) / power_of_ten(exponent.unsigned_abs())
}

/// `ln` of a positive number in fixed point; the last few bits are wrong.
fn ln_fixed(digits: &Coefficient, exponent: i64, bits: u64) -> BigInt {
    let length = digits.digits() as i64;
    // The value is `m * 10**tens` with `m` between 0.3 and 3.
    let mut tens = exponent + length - 1;
    let mut mantissa = to_fixed(digits, 1 - length, bits);
    if mantissa.clone() >= BigInt::from(3) << bits {
        mantissa = to_fixed(digits, -length, bits);
        tens += 1;
    }
    let extra = 64;
    let tens_part = if tens == 0 { BigInt::ZERO } else { (ln_ten(bits + extra) * tens) >> extra };
    fixed_ln(&mantissa, bits) + tens_part
}

/// How many digits to spare a logarithm needs, because it may be close to zero: as many as the number is close to one.
fn closeness(a: &Number) -> i64 {
    let mut wide = Env::MAX;
    wide.prec = a.len() + a.exponent.abs() + 5;
    if !(-2..=1).contains(&a.adjusted()) {
        return 0;
    }
    let difference = super::arith::sub(a, &Number::int(1), &mut wide);
    (-difference.adjusted()).max(0)
}

/// A positive fixed-point number as `(digits, exponent)` with about so many digits.
fn to_digits(value: &BigUint, bits: u64, count: i64) -> (Coefficient, i64) {
    let size = (value.bits() as f64 - bits as f64) * std::f64::consts::LOG10_2;
    let places = count - size.floor() as i64;
    if places >= 0 {
        let scaled = value * Coefficient::power_of_ten(places.unsigned_abs()).to_big();
        return (Coefficient::from(scaled >> bits), -places);
    }
    let scaled = (value >> bits) / Coefficient::power_of_ten(places.unsigned_abs()).to_big();
    (Coefficient::from(scaled), -places)
}

/// Whether digits, of which the last two or so may be wrong, say how the number is rounded to the precision.
fn decides(digits: &Coefficient, prec: i64) -> bool {
    let rest = digits.digits() as i64 - prec;
    if rest < 5 {
        return false;
    }
    let (_, tail) = digits.shr(rest.unsigned_abs());
    // The tail must not be close to nothing, to a half, or to all.
    let slack = Coefficient::from(1000u128);
    let unit = Coefficient::power_of_ten(rest.unsigned_abs());
    let half = unit.div_rem(&Coefficient::from(2u128)).0;
    let near = |point: &Coefficient| {
        let distance = if tail.cmp(point) == Ordering::Less { point.sub(&tail) } else { tail.sub(point) };
        distance.cmp(&slack) == Ordering::Less
    };
    !near(&Coefficient::ZERO) && !near(&half) && !near(&unit)
}

/// Computes a positive result with more and more digits until rounding is decided. If it never is, the result has an end:
/// then it is what the digits are close to.
fn ziv(prec: i64, compute: impl Fn(i64) -> (Coefficient, i64)) -> (Coefficient, i64, bool) {
    let mut extra = 10;
    loop {
        let (digits, exponent) = compute(prec + extra);
        if decides(&digits, prec) {
            return (digits, exponent, false);
        }
        if extra > 2 * prec + 40 {
            let drop = digits.digits().saturating_sub((prec + 20).unsigned_abs());
            let rounded = Number::new(false, digits, 0).rounded_to(drop as i64, Rounding::HalfEven).0;
            return (rounded, exponent + drop as i64, true);
        }
        extra *= 2;
    }
}

/// Rounds a result whose digits go on.
fn finish_inexact(number: Number, env: &mut Env) -> Number {
    let rounding = std::mem::replace(&mut env.rounding, Rounding::HalfEven);
    let result = number.finish(env);
    env.rounding = rounding;
    env.raise(status::INEXACT | status::ROUNDED);
    result
}

pub(super) fn exp(a: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[a], env) {
        return nan;
    }
    if a.is_infinite() {
        return if a.negative { Number::zero(false, 0) } else { a.clone() };
    }
    if a.is_zero() {
        return Number::int(1).finish(env);
    }
    // Beyond these sizes the result is known.
    if a.adjusted() > 20 {
        let exponent = if a.negative { env.etiny() - 1 } else { env.emax + 1 };
        return finish_inexact(Number::new(false, Coefficient::ONE, exponent), env);
    }
    if env.prec > MAX_PREC {
        return env.invalid(status::NO_MEMORY);
    }
    if a.adjusted() < -env.prec - 2 {
        let digits = if a.negative {
            Coefficient::nines((env.prec + 2).unsigned_abs())
        } else {
            Coefficient::power_of_ten((env.prec + 2).unsigned_abs()).add(&Coefficient::ONE)
        };
        return finish_inexact(Number::new(false, digits, -env.prec - 2), env);
    }
    let (digits, exponent, _) = ziv(env.prec, |count| {
        let bits = bits_of(count + 25) + 32;
        let x = to_fixed(&a.digits, a.exponent, bits);
        exp_fixed(&if a.negative { -x } else { x }, bits, count)
    });
    finish_inexact(Number::new(false, digits, exponent), env)
}

/// `exp` of any fixed-point number as digits and exponent.
fn exp_fixed(x: &BigInt, bits: u64, count: i64) -> (Coefficient, i64) {
    // `x = tens * ln(10) + rest`.
    let extra = x.bits().saturating_sub(bits) + 8;
    let wide: BigInt = x << extra;
    let ln = ln_ten(bits + extra);
    let tens = num_integer::Integer::div_floor(&wide, &ln);
    let rest: BigInt = (wide - &tens * ln) >> extra;
    let value = fixed_exp(&rest, bits);
    let (digits, exponent) = to_digits(value.magnitude(), bits, count);
    (digits, exponent + tens.to_i64().unwrap_or(i64::MAX / 4))
}

pub(super) fn ln(a: &Number, env: &mut Env) -> Number {
    if let Some(result) = special_log(a, env) {
        return result;
    }
    if a.compare(&Number::int(1)) == Ordering::Equal {
        return Number::zero(false, 0);
    }
    if env.prec > MAX_PREC {
        return env.invalid(status::NO_MEMORY);
    }
    logarithm(a, env, |value, _| value)
}

pub(super) fn log10(a: &Number, env: &mut Env) -> Number {
    if let Some(result) = special_log(a, env) {
        return result;
    }
    let (digits, removed) = a.digits.without_zeros(u64::MAX);
    if digits == Coefficient::ONE {
        return Number::int(a.exponent + removed as i64).finish(env);
    }
    if env.prec > MAX_PREC {
        return env.invalid(status::NO_MEMORY);
    }
    logarithm(a, env, |value, bits| (value << bits) / ln_ten(bits))
}

/// The logarithm of what has no finite one.
fn special_log(a: &Number, env: &mut Env) -> Option<Number> {
    if let Some(nan) = nan_of(&[a], env) {
        return Some(nan);
    }
    if a.is_zero() {
        return Some(Number::infinity(true));
    }
    if a.negative {
        return Some(env.invalid(status::INVALID_OPERATION));
    }
    a.is_infinite().then(|| a.clone())
}

fn logarithm(a: &Number, env: &mut Env, scale: impl Fn(BigInt, u64) -> BigInt) -> Number {
    let spare = closeness(a);
    let negative = a.compare(&Number::int(1)) == Ordering::Less;
    let (digits, exponent, _) = ziv(env.prec, |count| {
        let bits = bits_of(count + spare + 25) + 32;
        let value = scale(ln_fixed(&a.digits, a.exponent, bits), bits);
        to_digits(value.magnitude(), bits, count)
    });
    finish_inexact(Number::new(negative, digits, exponent), env)
}

pub(super) fn power(x: &Number, y: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[x, y], env) {
        return nan;
    }
    if y.is_zero() {
        if x.is_zero() {
            return env.invalid(status::INVALID_OPERATION);
        }
        return Number::int(1);
    }
    let whole = y.is_integer();
    if x.negative && !whole && !x.is_zero() && !y.is_infinite() {
        return env.invalid(status::INVALID_OPERATION);
    }
    if x.negative && y.is_infinite() && !x.is_zero() {
        return env.invalid(status::INVALID_OPERATION);
    }
    let negative = x.negative && whole && is_odd(y);
    let x = x.clone().with_sign(false);
    if x.is_zero() {
        return if y.negative { Number::infinity(negative) } else { Number::zero(negative, 0) };
    }
    if x.is_infinite() {
        return if y.negative { Number::zero(negative, 0) } else { Number::infinity(negative) };
    }
    match x.compare(&Number::int(1)) {
        Ordering::Equal => return power_of_one(&x, y, negative, env),
        order if y.is_infinite() => {
            return if y.negative == (order == Ordering::Less) {
                Number::infinity(false)
            } else {
                Number::zero(false, 0)
            };
        }
        _ => {}
    }
    if let Some(result) = out_of_range(&x, y, negative, env) {
        return result;
    }
    let most = env.prec.min(super::number::MAX_DIGITS as i64);
    if whole && let Some(exact) = exact_power(&x, y, most) {
        return exact.with_sign(negative).finish(env);
    }
    if env.prec > MAX_PREC {
        return env.invalid(status::NO_MEMORY);
    }
    if whole && let Some(number) = integer_power(&x, y, env.prec) {
        return finish_power(number.with_sign(negative), env);
    }
    inexact_power(&x, y, negative, env)
}

/// A whole power that isn't exact, by squaring with digits to spare; `None` if they don't decide how it is rounded.
fn integer_power(x: &Number, y: &Number, prec: i64) -> Option<Number> {
    // Beyond that, logarithms take fewer digits.
    let times = y.whole()?.to_u64().filter(|times| *times < 1_000_000_000)?;
    // Each step may be wrong by half a digit in the last place, and what is wrong is multiplied.
    let lost = i64::from(times.max(1).ilog10()) + 2;
    let mut work = Env { prec: prec + 6 + lost, ..Env::MAX };
    let base = if y.negative { super::arith::div(&Number::int(1), x, &mut work) } else { x.clone() };
    let (mut square, mut rest, mut result) = (base, times, None::<Number>);
    while rest > 0 {
        if rest % 2 == 1 {
            result = Some(match result {
                Some(result) => super::arith::mul(&result, &square, &mut work),
                None => square.clone(),
            });
        }
        rest /= 2;
        if rest > 0 {
            square = super::arith::mul(&square, &square, &mut work);
        }
    }
    let result = result.filter(|result| result.is_finite() && !result.is_zero())?;
    work.prec = prec + 6;
    let result = result.finish(&mut work);
    decides(&result.digits, prec).then_some(result)
}

/// The result of a power that isn't exact.
fn finish_power(number: Number, env: &mut Env) -> Number {
    let result = number.finish(env);
    env.raise(status::INEXACT | status::ROUNDED);
    if env.status & status::SUBNORMAL != 0 {
        env.raise(status::UNDERFLOW);
    }
    result
}

fn is_odd(whole: &Number) -> bool {
    match whole.exponent {
        0 => whole.digits.is_odd(),
        exponent if exponent > 0 => false,
        exponent => whole.digits.shr(exponent.unsigned_abs()).0.is_odd(),
    }
}

fn power_of_one(x: &Number, y: &Number, negative: bool, env: &mut Env) -> Number {
    let least = 1 - env.prec;
    let exponent = if y.is_integer() {
        let times =
            if y.negative { 0 } else { y.whole().and_then(|whole| whole.to_u64()).unwrap_or(u64::MAX) };
        let exponent = x.exponent.saturating_mul(i64::try_from(times).unwrap_or(i64::MAX).min(env.prec));
        if exponent < least {
            env.raise(status::ROUNDED);
        }
        exponent.clamp(least, 0)
    } else {
        env.raise(status::INEXACT | status::ROUNDED);
        least
    };
    if exponent.unsigned_abs() > super::number::MAX_DIGITS {
        return env.invalid(status::NO_MEMORY);
    }
    Number::new(negative, Coefficient::power_of_ten(exponent.unsigned_abs()), exponent)
}

/// The result if its exponent is surely beyond the limits.
fn out_of_range(x: &Number, y: &Number, negative: bool, env: &mut Env) -> Option<Number> {
    // A lower bound of the decimal logarithm of |log10 x|.
    let adjusted = x.adjusted();
    let size = match adjusted {
        1.. => adjusted.ilog10() as i64,
        ..=-2 => (-1 - adjusted).ilog10() as i64,
        _ => -2 - closeness(x),
    };
    if size + y.adjusted() < 19 {
        return None;
    }
    let grows = (adjusted >= 0) != y.negative;
    let exponent = if grows { env.emax + 1 } else { env.etiny() - 1 };
    let result = Number::new(negative, Coefficient::ONE, exponent).finish(env);
    env.raise(status::INEXACT | status::ROUNDED);
    Some(result)
}

/// A whole power that has at most so many digits, and as many zeros as it should.
fn exact_power(x: &Number, y: &Number, prec: i64) -> Option<Number> {
    let times = y.whole()?.to_u64()?;
    let (digits, removed) = x.digits.without_zeros(u64::MAX);
    let exponent = x.exponent + removed as i64;
    let signed = i64::try_from(times).ok()?;
    if y.negative {
        // Only powers of two and of five have reciprocals with an end.
        let one = Coefficient::ONE;
        let mut rest = digits.clone();
        let mut count = 0i64;
        let is_even = !digits.is_odd();
        let base = Coefficient::from(if is_even { 2u128 } else { 5 });
        while rest != one {
            let (quotient, remainder) = rest.div_rem(&base);
            if !remainder.is_zero() {
                return None;
            }
            rest = quotient;
            count += 1;
        }
        let other = Coefficient::from(if is_even { 5u128 } else { 2 });
        let factors = count.checked_mul(signed)?;
        if factors / 4 > prec {
            return None;
        }
        let result = other.power(factors.unsigned_abs());
        let exponent = exponent.checked_mul(signed)?.checked_neg()?.checked_sub(factors)?;
        return (result.digits() as i64 <= prec).then(|| Number::new(false, result, exponent));
    }
    let exponent = exponent.checked_mul(signed)?;
    let bits = digits.to_big().bits().saturating_sub(1);
    if digits != Coefficient::ONE && bits.saturating_mul(times) / 4 > prec.unsigned_abs() {
        return None;
    }
    let result = if digits == Coefficient::ONE { digits } else { digits.power(times) };
    let room = prec - result.digits() as i64;
    if room < 0 {
        return None;
    }
    let ideal = x.exponent.checked_mul(signed)?;
    // One more than there is room for, if there are more: then the result is rounded.
    let zeros = (exponent - ideal).clamp(0, room + 1);
    if zeros.unsigned_abs() > super::number::MAX_DIGITS {
        return None;
    }
    Some(Number::new(false, result.shl(zeros.unsigned_abs()), exponent - zeros))
}

fn inexact_power(x: &Number, y: &Number, negative: bool, env: &mut Env) -> Number {
    let spare = closeness(x) + y.adjusted().max(0) + 25;
    let grows = (x.compare(&Number::int(1)) == Ordering::Greater) != y.negative;
    // A result so close to one that only the direction counts.
    if y.adjusted() - closeness(x) < -env.prec - 4 && (-2..=1).contains(&x.adjusted())
        || y.adjusted() < -env.prec - 22
    {
        let digits = if grows {
            Coefficient::power_of_ten((env.prec + 2).unsigned_abs()).add(&Coefficient::ONE)
        } else {
            Coefficient::nines((env.prec + 2).unsigned_abs())
        };
        let result = Number::new(negative, digits, -env.prec - 2).finish(env);
        env.raise(status::INEXACT | status::ROUNDED);
        return result;
    }
    let compute = |count: i64| {
        let bits = bits_of(count + spare) + 64;
        let ln = ln_fixed(&x.digits, x.exponent, bits);
        let digits = BigInt::from(y.digits.to_big());
        let product = if y.exponent >= 0 {
            ln * digits * power_of_ten(y.exponent.unsigned_abs())
        } else {
            (ln * digits) / power_of_ten(y.exponent.unsigned_abs())
        };
        exp_fixed(&if y.negative { -product } else { product }, bits, count)
    };
    let (digits, exponent, ends) = ziv(env.prec, compute);
    let mut number = Number::new(negative, digits, exponent);
    if ends {
        // The result has an end: it is exact but for the zeros that follow.
        let (digits, removed) = number.digits.without_zeros(u64::MAX);
        let zeros = (env.prec + 1 - digits.digits() as i64).max(0);
        number.digits = digits.shl(zeros.unsigned_abs());
        number.exponent += removed as i64 - zeros;
    }
    finish_power(number, env)
}

/// `x ** y % m` of whole numbers.
pub(super) fn power_modulo(x: &Number, y: &Number, m: &Number, env: &mut Env) -> Number {
    if let Some(nan) = nan_of(&[x, y, m], env) {
        return nan;
    }
    let sensible = x.is_integer()
        && y.is_integer()
        && m.is_integer()
        && (!y.negative || y.is_zero())
        && !m.is_zero()
        && m.adjusted() < env.prec
        && !(x.is_zero() && y.is_zero());
    if !sensible {
        return env.invalid(status::INVALID_OPERATION);
    }
    // Each zero of the exponent is a step below.
    if y.exponent > 10_000_000 {
        return env.invalid(status::NO_MEMORY);
    }
    let Some(modulus) = m.whole() else { return env.invalid(status::NO_MEMORY) };
    let modulus = modulus.to_big();
    let part = |number: &Number| match number.exponent {
        ..=0 => (number.whole().unwrap_or(Coefficient::ZERO).to_big(), 0),
        exponent => (number.digits.to_big(), exponent.unsigned_abs()),
    };
    let (base, tens) = part(x);
    let ten = BigUint::from(10u32);
    let mut base = base % &modulus * ten.modpow(&BigUint::from(tens), &modulus) % &modulus;
    let (exponent, tens) = part(y);
    for _ in 0..tens {
        base = base.modpow(&ten, &modulus);
    }
    let result = base.modpow(&exponent, &modulus);
    let negative = x.negative && is_odd(y);
    Number::new(negative, Coefficient::from(result), 0)
}
