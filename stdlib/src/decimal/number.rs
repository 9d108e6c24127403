//! Decimal numbers as the General Decimal Arithmetic specification has them, contexts, and rounding.

use super::coefficient::Coefficient;
use std::cmp::Ordering;

pub(super) const MAX_PREC: i64 = 999_999_999_999_999_999;
pub(super) const MAX_EMAX: i64 = 999_999_999_999_999_999;
pub(super) const MIN_EMIN: i64 = -999_999_999_999_999_999;
pub(super) const MIN_ETINY: i64 = MIN_EMIN - (MAX_PREC - 1);
/// Results of more digits than this don't fit into memory.
pub(super) const MAX_DIGITS: u64 = 200_000_000;

/// Conditions and signals, one bit each.
pub(super) mod status {
    pub(in super::super) const CLAMPED: u32 = 0x1;
    pub(in super::super) const CONVERSION_SYNTAX: u32 = 0x2;
    pub(in super::super) const DIVISION_BY_ZERO: u32 = 0x4;
    pub(in super::super) const DIVISION_IMPOSSIBLE: u32 = 0x8;
    pub(in super::super) const DIVISION_UNDEFINED: u32 = 0x10;
    pub(in super::super) const INEXACT: u32 = 0x40;
    pub(in super::super) const INVALID_CONTEXT: u32 = 0x80;
    pub(in super::super) const INVALID_OPERATION: u32 = 0x100;
    pub(in super::super) const NO_MEMORY: u32 = 0x200;
    pub(in super::super) const FLOAT_OPERATION: u32 = 0x400;
    pub(in super::super) const OVERFLOW: u32 = 0x800;
    pub(in super::super) const ROUNDED: u32 = 0x1000;
    pub(in super::super) const SUBNORMAL: u32 = 0x2000;
    pub(in super::super) const UNDERFLOW: u32 = 0x4000;
    /// What the signal InvalidOperation stands for.
    pub(in super::super) const INVALID: u32 = CONVERSION_SYNTAX
        | DIVISION_IMPOSSIBLE
        | DIVISION_UNDEFINED
        | 0x20
        | INVALID_CONTEXT
        | INVALID_OPERATION
        | NO_MEMORY;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounding {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
    ZeroFiveUp,
}

impl Rounding {
    pub(super) const ALL: [(Rounding, &'static str); 8] = [
        (Rounding::Up, "ROUND_UP"),
        (Rounding::Down, "ROUND_DOWN"),
        (Rounding::Ceiling, "ROUND_CEILING"),
        (Rounding::Floor, "ROUND_FLOOR"),
        (Rounding::HalfUp, "ROUND_HALF_UP"),
        (Rounding::HalfDown, "ROUND_HALF_DOWN"),
        (Rounding::HalfEven, "ROUND_HALF_EVEN"),
        (Rounding::ZeroFiveUp, "ROUND_05UP"),
    ];

    pub(super) fn name(self) -> &'static str {
        Rounding::ALL.iter().find(|(rounding, _)| *rounding == self).map_or("", |(_, name)| name)
    }

    /// Whether a magnitude is rounded away from zero. `part` says how what is cut off compares with half a unit.
    fn goes_up(self, negative: bool, quotient: &Coefficient, part: Ordering) -> bool {
        match self {
            Rounding::Up => true,
            Rounding::Down => false,
            Rounding::Ceiling => !negative,
            Rounding::Floor => negative,
            Rounding::HalfUp => part != Ordering::Less,
            Rounding::HalfDown => part == Ordering::Greater,
            Rounding::HalfEven => part == Ordering::Greater || part == Ordering::Equal && quotient.is_odd(),
            Rounding::ZeroFiveUp => quotient.is_multiple_of_five(),
        }
    }
}

/// What operations need of a context, and the conditions that they raise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Env {
    pub(super) prec: i64,
    pub(super) emax: i64,
    pub(super) emin: i64,
    pub(super) rounding: Rounding,
    pub(super) clamp: bool,
    pub(super) status: u32,
}

impl Env {
    /// The largest context.
    pub(super) const MAX: Env = Env {
        prec: MAX_PREC,
        emax: MAX_EMAX,
        emin: MIN_EMIN,
        rounding: Rounding::HalfEven,
        clamp: false,
        status: 0,
    };

    pub(super) fn etiny(&self) -> i64 {
        self.emin - (self.prec - 1)
    }

    pub(super) fn etop(&self) -> i64 {
        self.emax - (self.prec - 1)
    }

    pub(super) fn raise(&mut self, status: u32) {
        self.status |= status;
    }

    /// The result of an operation that makes no sense.
    pub(super) fn invalid(&mut self, condition: u32) -> Number {
        self.raise(condition);
        Number::nan()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Finite,
    Infinite,
    Nan,
    Signaling,
}

/// A number, an infinity, or a NaN whose digits are its payload.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) negative: bool,
    pub(super) kind: Kind,
    pub(super) digits: Coefficient,
    pub(super) exponent: i64,
}

/// How what is cut off compares with half of `unit`.
fn compare_half(remainder: &Coefficient, unit: &Coefficient) -> Ordering {
    remainder.add(remainder).cmp(unit)
}

impl Number {
    pub(super) fn new(negative: bool, digits: Coefficient, exponent: i64) -> Number {
        Number { negative, kind: Kind::Finite, digits, exponent }
    }

    pub(super) fn int(value: i64) -> Number {
        Number::new(value < 0, Coefficient::from(u128::from(value.unsigned_abs())), 0)
    }

    pub(super) fn zero(negative: bool, exponent: i64) -> Number {
        Number::new(negative, Coefficient::ZERO, exponent)
    }

    pub(super) fn infinity(negative: bool) -> Number {
        Number { negative, kind: Kind::Infinite, digits: Coefficient::ZERO, exponent: 0 }
    }

    pub(super) fn nan() -> Number {
        Number { negative: false, kind: Kind::Nan, digits: Coefficient::ZERO, exponent: 0 }
    }

    pub(super) fn is_finite(&self) -> bool {
        self.kind == Kind::Finite
    }

    pub(super) fn is_infinite(&self) -> bool {
        self.kind == Kind::Infinite
    }

    pub(super) fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::Nan | Kind::Signaling)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.is_finite() && self.digits.is_zero()
    }

    /// How many digits there are; at least one.
    pub(super) fn len(&self) -> i64 {
        self.digits.digits() as i64
    }

    /// The exponent of the first digit.
    pub(super) fn adjusted(&self) -> i64 {
        self.exponent + self.len() - 1
    }

    pub(super) fn negated(mut self) -> Number {
        self.negative = !self.negative;
        self
    }

    pub(super) fn with_sign(mut self, negative: bool) -> Number {
        self.negative = negative;
        self
    }

    /// Whether the value is whole.
    pub(super) fn is_integer(&self) -> bool {
        if !self.is_finite() {
            return false;
        }
        if self.exponent >= 0 || self.digits.is_zero() {
            return true;
        }
        let places = self.exponent.unsigned_abs();
        places < self.digits.digits() && self.digits.shr(places).1.is_zero()
    }

    /// The whole part as a coefficient; `None` if it would be very long.
    pub(super) fn whole(&self) -> Option<Coefficient> {
        if self.digits.is_zero() {
            return Some(Coefficient::ZERO);
        }
        if self.exponent < 0 {
            return Some(self.digits.shr(self.exponent.unsigned_abs()).0);
        }
        let zeros = self.exponent.unsigned_abs();
        (zeros + self.digits.digits() <= MAX_DIGITS).then(|| self.digits.shl(zeros))
    }

    /// The digits rounded to a larger exponent; and whether something was lost.
    pub(super) fn rounded_to(&self, exponent: i64, rounding: Rounding) -> (Coefficient, bool) {
        let drop = exponent.saturating_sub(self.exponent);
        let Ok(drop) = u64::try_from(drop) else { return (self.digits.clone(), false) };
        let (quotient, remainder) = self.digits.shr(drop);
        if remainder.is_zero() {
            return (quotient, false);
        }
        let part = if drop > self.digits.digits() {
            Ordering::Less
        } else {
            compare_half(&remainder, &Coefficient::power_of_ten(drop))
        };
        let up = rounding.goes_up(self.negative, &quotient, part);
        (if up { quotient.add(&Coefficient::ONE) } else { quotient }, true)
    }

    /// The number as a result in a context: rounded, within the exponent's limits.
    pub(super) fn finish(self, env: &mut Env) -> Number {
        match self.kind {
            Kind::Infinite => self,
            Kind::Nan | Kind::Signaling => self.finish_nan(env),
            Kind::Finite if self.digits.is_zero() => self.finish_zero(env),
            Kind::Finite => self.finish_finite(env),
        }
    }

    fn finish_nan(mut self, env: &Env) -> Number {
        // A payload that is too long loses its first digits.
        let room = (env.prec - i64::from(env.clamp)).unsigned_abs();
        if self.digits.digits() > room {
            self.digits = self.digits.shr(room).1;
        }
        self
    }

    fn finish_zero(mut self, env: &mut Env) -> Number {
        let top = if env.clamp { env.etop() } else { env.emax };
        let exponent = self.exponent.clamp(env.etiny(), top.max(env.etiny()));
        if exponent != self.exponent {
            env.raise(status::CLAMPED);
            self.exponent = exponent;
        }
        self
    }

    fn overflowed(negative: bool, env: &mut Env) -> Number {
        env.raise(status::OVERFLOW | status::INEXACT | status::ROUNDED);
        let to_infinity = match env.rounding {
            Rounding::Up | Rounding::HalfUp | Rounding::HalfDown | Rounding::HalfEven => true,
            Rounding::Down | Rounding::ZeroFiveUp => false,
            Rounding::Ceiling => !negative,
            Rounding::Floor => negative,
        };
        if to_infinity {
            return Number::infinity(negative);
        }
        Number::largest(negative, env)
    }

    /// The largest finite number.
    pub(super) fn largest(negative: bool, env: &mut Env) -> Number {
        if env.prec.unsigned_abs() > MAX_DIGITS {
            return env.invalid(status::NO_MEMORY);
        }
        Number::new(negative, Coefficient::nines(env.prec.unsigned_abs()), env.etop())
    }

    fn finish_finite(mut self, env: &mut Env) -> Number {
        let (etiny, etop) = (env.etiny(), env.etop());
        let mut least = self.len() + self.exponent - env.prec;
        if least > etop {
            return Number::overflowed(self.negative, env);
        }
        let is_subnormal = least < etiny;
        least = least.max(etiny);
        if self.exponent < least {
            let (digits, inexact) = self.rounded_to(least, env.rounding);
            let (mut digits, mut exponent) = (digits, least);
            if inexact && digits.digits() as i64 > env.prec {
                digits = digits.shr(1).0;
                exponent += 1;
            }
            if exponent > etop {
                return Number::overflowed(self.negative, env);
            }
            env.raise(status::ROUNDED);
            if is_subnormal {
                env.raise(status::SUBNORMAL);
            }
            if inexact {
                env.raise(status::INEXACT);
                if is_subnormal {
                    env.raise(status::UNDERFLOW);
                }
                if digits.is_zero() {
                    env.raise(status::CLAMPED);
                }
            }
            return Number::new(self.negative, digits, exponent);
        }
        if is_subnormal {
            env.raise(status::SUBNORMAL);
        }
        if env.clamp && self.exponent > etop {
            env.raise(status::CLAMPED);
            self.digits = self.digits.shl((self.exponent - etop).unsigned_abs());
            self.exponent = etop;
        }
        self
    }

    /// How two numbers that are no NaNs compare.
    pub(super) fn compare(&self, other: &Number) -> Ordering {
        let sign = |number: &Number| match (number.is_zero(), number.negative) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => -1,
        };
        match sign(self).cmp(&sign(other)) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
        let magnitude = self.compare_magnitude(other);
        if self.negative && !self.is_zero() { magnitude.reverse() } else { magnitude }
    }

    /// The same without the signs.
    pub(super) fn compare_magnitude(&self, other: &Number) -> Ordering {
        match (self.is_infinite(), other.is_infinite()) {
            (false, false) => {}
            (a, b) => return a.cmp(&b),
        }
        match (self.is_zero(), other.is_zero()) {
            (false, false) => {}
            (a, b) => return b.cmp(&a),
        }
        if self.exponent == other.exponent {
            return self.digits.cmp(&other.digits);
        }
        match self.adjusted().cmp(&other.adjusted()) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
        let (a, b) = aligned(self, other);
        a.cmp(&b)
    }
}

/// The digits of two numbers at the smaller exponent. Their exponents are close together.
pub(super) fn aligned(a: &Number, b: &Number) -> (Coefficient, Coefficient) {
    let shift = (a.exponent - b.exponent).unsigned_abs();
    if a.exponent > b.exponent {
        (a.digits.shl(shift), b.digits.clone())
    } else {
        (a.digits.clone(), b.digits.shl(shift))
    }
}
