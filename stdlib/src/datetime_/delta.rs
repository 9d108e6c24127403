//! `timedelta`.

use super::arguments::Binding;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{overflow_error, type_error, value_error, zero_division_error};
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::{float, int, str, tuple};
use orochi_objects::{
    Args, CompareOp, Obj, Owned, PyClass, PyResult, PyType, Ref, Thread, Value, alloc, class_of, protocol,
};

const SECOND: i128 = 1_000_000;
pub(super) const DAY: i128 = 86_400 * SECOND;
const MAX_DAYS: i128 = 999_999_999;

/// Difference between two datetime values.
///
/// timedelta(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)
///
/// All arguments are optional and default to 0.
/// Arguments may be integers or floats, and may be positive or negative.
#[pyclass(name = "timedelta", module = "datetime", subclassable)]
#[derive(Trace)]
pub(super) struct Delta {
    days: i32,
    seconds: i32,
    microseconds: i32,
}

static BINDING: Binding<7> = Binding {
    function: "__new__()",
    names: ["days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"],
    required: 0,
    positional: 7,
};

/// Microseconds in each of the constructor's units.
const UNITS: [i128; 7] = [DAY, SECOND, 1, 1000, 60 * SECOND, 3600 * SECOND, 7 * DAY];
/// The order in which CPython adds them up, which shows in the rounding of floats.
const ORDER: [usize; 7] = [2, 3, 1, 4, 5, 0, 6];

fn too_large() -> orochi_objects::PyErr {
    overflow_error("Python int too large to convert to C int")
}

/// A timedelta of a class.
fn of_class(thread: &Thread, class: &Obj<PyType>, microseconds: i128) -> PyResult<Owned<Delta>> {
    let days = microseconds.div_euclid(DAY);
    let days = i32::try_from(days).map_err(|_| too_large())?;
    if i128::from(days).abs() > MAX_DAYS {
        return Err(overflow_error(format!("days={days}; must have magnitude <= 999999999")));
    }
    let rest = microseconds.rem_euclid(DAY);
    // Both fit: a day has fewer seconds, and a second fewer microseconds.
    let (seconds, microseconds) = ((rest / SECOND) as i32, (rest % SECOND) as i32);
    alloc(thread, class, Delta { days, seconds, microseconds })
}

/// A timedelta.
pub(super) fn new(thread: &Thread, microseconds: i128) -> PyResult<Owned<Delta>> {
    of_class(thread, Delta::static_type().get(), microseconds)
}

fn value(thread: &Thread, microseconds: i128) -> PyResult {
    Ok(new(thread, microseconds)?.into_value())
}

fn from_big(thread: &Thread, microseconds: &BigInt) -> PyResult {
    value(thread, microseconds.to_i128().ok_or_else(too_large)?)
}

/// `numerator / denominator`, halves to even.
fn nearest(numerator: &BigInt, denominator: &BigInt) -> PyResult<BigInt> {
    if denominator.is_zero() {
        return Err(zero_division_error("division by zero"));
    }
    let (quotient, rest) = numerator.div_mod_floor(denominator);
    // The rest has the denominator's sign.
    let twice = (rest * 2_u8).abs();
    let up = match twice.cmp(&denominator.abs()) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => quotient.is_odd(),
        std::cmp::Ordering::Less => false,
    };
    Ok(if up { quotient + 1_u8 } else { quotient })
}

/// Adds `number` units to a sum of whole microseconds and a rest below one.
fn accumulate(sum: &mut i128, rest: &mut f64, number: Ref<'_>, unit: usize) -> PyResult<()> {
    let factor = UNITS.get(unit).copied().unwrap_or(1);
    if let Some(whole) = int::value(number) {
        let whole = whole.to_big().to_i128().and_then(|whole| whole.checked_mul(factor));
        let new = whole.and_then(|whole| sum.checked_add(whole));
        *sum = new.filter(|sum| sum.unsigned_abs() < 1 << 120).ok_or_else(too_large)?;
        return Ok(());
    }
    let Some(number) = float::value(number) else {
        let (name, class) = (BINDING.names.get(unit).copied().unwrap_or_default(), class_of(number).name());
        return Err(type_error(format!("unsupported type for timedelta {name} component: {class}")));
    };
    if number.is_nan() {
        return Err(value_error("cannot convert float NaN to integer"));
    }
    if number.is_infinite() {
        return Err(overflow_error("cannot convert float infinity to integer"));
    }
    let whole = number.trunc();
    if whole.abs() > 1e24 {
        return Err(too_large());
    }
    let part = (number - whole) * factor as f64;
    *sum = (whole as i128)
        .checked_mul(factor)
        .and_then(|whole| sum.checked_add(whole + part.trunc() as i128))
        .ok_or_else(too_large)?;
    *rest += part.fract();
    Ok(())
}

/// Adds a rest to a sum: halves go to the even microsecond.
fn rounded(sum: i128, rest: f64) -> i128 {
    let mut whole = rest.round();
    if (whole - rest).abs() == 0.5 {
        let odd = f64::from(u8::from(sum & 1 == 1));
        whole = 2.0 * ((rest + odd) * 0.5).round() - odd;
    }
    sum + whole as i128
}

impl Delta {
    /// All of it in microseconds.
    pub(super) fn total(&self) -> i128 {
        i128::from(self.days) * DAY + i128::from(self.seconds) * SECOND + i128::from(self.microseconds)
    }

    fn big(&self) -> BigInt {
        BigInt::from(self.total())
    }

    /// The hash of a duration.
    pub(super) fn hash_of(thread: &mut Thread, microseconds: i128) -> PyResult<i64> {
        let rest = microseconds.rem_euclid(DAY);
        let parts = [microseconds.div_euclid(DAY), rest / SECOND, rest % SECOND];
        let mut values = Vec::new();
        for part in parts {
            values.push(int::from_big(thread, BigInt::from(part))?);
        }
        let parts = tuple::new(thread, values)?;
        protocol::hash(thread, parts.get())
    }

    /// A quotient by or a product with a float: `microseconds * multiplier / divisor`, rounded.
    fn scaled(thread: &mut Thread, delta: &Obj<Delta>, number: Ref<'_>, divide: bool) -> PyResult {
        let ratio = protocol::call_method(thread, number, "as_integer_ratio", &[])?;
        let Some(parts) = ratio.get().downcast::<PyTuple>() else {
            let class = class_of(ratio.get()).name();
            return Err(type_error(format!(
                "unexpected return type from as_integer_ratio(): expected tuple, not '{class}'"
            )));
        };
        let part = |i: usize| Some(int::value(parts.item(i)?)?.to_big().into_owned());
        let (Some(numerator), Some(denominator), 2) = (part(0), part(1), parts.len()) else {
            return Err(value_error(
                "unexpected return value from as_integer_ratio(): expected a 2-tuple of ints",
            ));
        };
        let (by, over) = if divide { (denominator, numerator) } else { (numerator, denominator) };
        let result = nearest(&(delta.big() * by), &over)?;
        from_big(thread, &result)
    }
}

/// Two timedeltas.
fn both<'a>(left: Ref<'a>, right: Ref<'a>) -> Option<(&'a Obj<Delta>, &'a Obj<Delta>)> {
    Some((left.downcast::<Delta>()?, right.downcast::<Delta>()?))
}

/// Both as ints, for operations whose errors are those of ints.
fn ints(thread: &mut Thread, left: &Delta, right: &Delta) -> PyResult<(Value, Value)> {
    Ok((int::from_big(thread, left.big())?, int::from_big(thread, right.big())?))
}

fn as_delta(thread: &mut Thread, number: &Value) -> PyResult {
    match int::value(number.get()) {
        Some(number) => from_big(thread, &number.to_big()),
        None => Err(too_large()),
    }
}

/// `H:MM:SS[.ffffff]` with the days before.
fn shown(delta: &Delta) -> String {
    let (hours, rest) = (delta.seconds / 3600, delta.seconds % 3600);
    let mut text = match delta.days {
        0 => String::new(),
        days @ (1 | -1) => format!("{days} day, "),
        days => format!("{days} days, "),
    };
    text.push_str(&format!("{hours}:{:02}:{:02}", rest / 60, rest % 60));
    if delta.microseconds != 0 {
        text.push_str(&format!(".{:06}", delta.microseconds));
    }
    text
}

#[pymethods]
impl Delta {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let values = BINDING.bind(&args)?;
        let (mut sum, mut rest) = (0, 0.0);
        for unit in ORDER {
            if let Some(Some(number)) = values.get(unit) {
                accumulate(&mut sum, &mut rest, *number, unit)?;
            }
        }
        Ok(of_class(thread, cls, rounded(sum, rest))?.into_value())
    }

    /// Number of days.
    #[member]
    fn days(this: &Obj<Self>) -> i32 {
        this.days
    }

    /// Number of seconds (>= 0 and less than 1 day).
    #[member]
    fn seconds(this: &Obj<Self>) -> i32 {
        this.seconds
    }

    /// Number of microseconds (>= 0 and less than 1 second).
    #[member]
    fn microseconds(this: &Obj<Self>) -> i32 {
        this.microseconds
    }

    /// Total seconds in the duration.
    fn total_seconds(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let total = int::from_big(thread, this.big())?;
        let second = int::new(thread, SECOND as i64)?;
        protocol::number::true_divide(thread, total.get(), second.get())
    }

    /// __reduce__() -> (cls, state)
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let number = |value: i32| Value::small_int(value.into()).unwrap_or(Value::NONE);
        let state = tuple::of(thread, [this.days, this.seconds, this.microseconds].map(number))?;
        tuple::of(thread, [class_of(this.get()).to_value(), state])
    }

    #[slot]
    fn tp_repr(this: &Obj<Self>) -> String {
        let parts = [("days", this.days), ("seconds", this.seconds), ("microseconds", this.microseconds)];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, value)| *value != 0)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let parts = if parts.is_empty() { "0".to_owned() } else { parts.join(", ") };
        format!("{}({parts})", class_of(this.get()).full_name())
    }

    #[slot]
    fn tp_str(this: &Obj<Self>) -> String {
        shown(this)
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        Delta::hash_of(thread, this.total())
    }

    #[slot]
    fn tp_richcompare(_thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        Ok(match both(left, right) {
            Some((left, right)) => Value::bool(op.holds(left.total().cmp(&right.total()))),
            None => Value::NOT_IMPLEMENTED,
        })
    }

    #[slot]
    fn nb_add(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        match both(left, right) {
            Some((left, right)) => value(thread, left.total() + right.total()),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn nb_subtract(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        match both(left, right) {
            Some((left, right)) => value(thread, left.total() - right.total()),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn nb_multiply(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let (delta, number) = match (left.downcast::<Self>(), right.downcast::<Self>()) {
            (Some(delta), _) => (delta, right),
            (_, Some(delta)) => (delta, left),
            _ => return Ok(Value::NOT_IMPLEMENTED),
        };
        if let Some(factor) = int::value(number) {
            let product = delta.big() * &*factor.to_big();
            return from_big(thread, &product);
        }
        if float::value(number).is_some() {
            return Delta::scaled(thread, delta, number, false);
        }
        Ok(Value::NOT_IMPLEMENTED)
    }

    #[slot]
    fn nb_floor_divide(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        if let Some((left, right)) = both(left, right) {
            let (left, right) = ints(thread, left, right)?;
            return protocol::number::floor_divide(thread, left.get(), right.get());
        }
        let (Some(delta), Some(number)) = (left.downcast::<Self>(), int::value(right)) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let number = number.to_big();
        if number.is_zero() {
            return Err(zero_division_error("division by zero"));
        }
        from_big(thread, &delta.big().div_floor(&number))
    }

    #[slot]
    fn nb_true_divide(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        if let Some((left, right)) = both(left, right) {
            let (left, right) = ints(thread, left, right)?;
            return protocol::number::true_divide(thread, left.get(), right.get());
        }
        let Some(delta) = left.downcast::<Self>() else { return Ok(Value::NOT_IMPLEMENTED) };
        if let Some(number) = int::value(right) {
            let quotient = nearest(&delta.big(), &number.to_big())?;
            return from_big(thread, &quotient);
        }
        if float::value(right).is_some() {
            return Delta::scaled(thread, delta, right, true);
        }
        Ok(Value::NOT_IMPLEMENTED)
    }

    #[slot]
    fn nb_remainder(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let Some((left, right)) = both(left, right) else { return Ok(Value::NOT_IMPLEMENTED) };
        let (left, right) = ints(thread, left, right)?;
        let rest = protocol::number::remainder(thread, left.get(), right.get())?;
        as_delta(thread, &rest)
    }

    #[slot]
    fn nb_divmod(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let Some((left, right)) = both(left, right) else { return Ok(Value::NOT_IMPLEMENTED) };
        let (left, right) = ints(thread, left, right)?;
        let quotient = protocol::number::floor_divide(thread, left.get(), right.get())?;
        let rest = protocol::number::remainder(thread, left.get(), right.get())?;
        let rest = as_delta(thread, &rest)?;
        tuple::of(thread, [quotient, rest])
    }

    #[slot]
    fn nb_negative(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        value(thread, -this.total())
    }

    #[slot]
    fn nb_positive(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        value(thread, this.total())
    }

    #[slot]
    fn nb_absolute(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        value(thread, this.total().abs())
    }

    #[slot]
    fn nb_bool(this: &Obj<Self>) -> bool {
        this.total() != 0
    }
}

/// `str` of a timedelta isn't needed elsewhere, but its repr is.
pub(super) fn repr(thread: &mut Thread, delta: Ref<'_>) -> PyResult<String> {
    let text = protocol::repr(thread, delta)?;
    Ok(str::display(text.get()))
}
