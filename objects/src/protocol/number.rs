//! Arithmetic on any objects: the dance of slots and reflected slots.

use crate::error::{PyResult, type_error};
use crate::slots::{Binary, Ternary};
use crate::types::float;
use crate::types::int::{self, IntRef};
use crate::types::r#type::TypeExt;
use num_traits::ToPrimitive;
use orochi_core::{Ref, Thread, Value};

/// Calls a binary slot of either operand. NotImplemented if neither has an answer. A right operand whose class derives from
/// the left one's is asked first.
pub fn binary_slots(
    thread: &mut Thread,
    left: Ref<'_>,
    right: Ref<'_>,
    slot: fn(&crate::slots::SlotTable) -> Option<Binary>,
) -> PyResult {
    let (left_class, right_class) = (crate::class_of(left), crate::class_of(right));
    let left_slot = slot(&left_class.slots);
    let mut right_slot = if std::ptr::eq(left_class, right_class) { None } else { slot(&right_class.slots) };
    if let (Some(a), Some(b)) = (left_slot, right_slot)
        && a as usize == b as usize
    {
        right_slot = None;
    }
    if let Some(function) = left_slot {
        if let Some(reflected) = right_slot
            && right_class.is_subtype_of(left_class)
        {
            let result = reflected(thread, left, right)?;
            if !result.get().is(Ref::NOT_IMPLEMENTED) {
                return Ok(result);
            }
            right_slot = None;
        }
        let result = function(thread, left, right)?;
        if !result.get().is(Ref::NOT_IMPLEMENTED) {
            return Ok(result);
        }
    }
    match right_slot {
        Some(reflected) => reflected(thread, left, right),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

#[cold]
fn unsupported(symbol: &str, left: Ref<'_>, right: Ref<'_>) -> crate::error::PyErr {
    type_error(format!(
        "unsupported operand type(s) for {symbol}: '{}' and '{}'",
        crate::class_of(left).full_name(),
        crate::class_of(right).full_name()
    ))
}

macro_rules! operators {
    ($($function:ident, $inplace:ident: $slot:ident, $inplace_slot:ident, $symbol:literal;)*) => { $(
        #[doc = concat!("`left ", $symbol, " right`.")]
        pub fn $function(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
            let result = binary_slots(thread, left, right, |slots| slots.$slot())?;
            if result.get().is(Ref::NOT_IMPLEMENTED) {
                return sequence_fallback(thread, left, right, $symbol)
                    .unwrap_or_else(|| Err(unsupported($symbol, left, right)));
            }
            Ok(result)
        }

        #[doc = concat!("`left ", $symbol, "= right`: the new value of `left`.")]
        pub fn $inplace(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
            if let Some(function) = crate::class_of(left).slots.$inplace_slot() {
                let result = function(thread, left, right)?;
                if !result.get().is(Ref::NOT_IMPLEMENTED) {
                    return Ok(result);
                }
            }
            let result = binary_slots(thread, left, right, |slots| slots.$slot())?;
            if result.get().is(Ref::NOT_IMPLEMENTED) {
                return inplace_sequence_fallback(thread, left, right, $symbol)
                    .unwrap_or_else(|| Err(unsupported(concat!($symbol, "="), left, right)));
            }
            Ok(result)
        }
    )* };
}

operators! {
    add, inplace_add: nb_add, nb_inplace_add, "+";
    subtract, inplace_subtract: nb_subtract, nb_inplace_subtract, "-";
    multiply, inplace_multiply: nb_multiply, nb_inplace_multiply, "*";
    matrix_multiply, inplace_matrix_multiply: nb_matrix_multiply, nb_inplace_matrix_multiply, "@";
    true_divide, inplace_true_divide: nb_true_divide, nb_inplace_true_divide, "/";
    floor_divide, inplace_floor_divide: nb_floor_divide, nb_inplace_floor_divide, "//";
    remainder, inplace_remainder: nb_remainder, nb_inplace_remainder, "%";
    lshift, inplace_lshift: nb_lshift, nb_inplace_lshift, "<<";
    rshift, inplace_rshift: nb_rshift, nb_inplace_rshift, ">>";
    and, inplace_and: nb_and, nb_inplace_and, "&";
    xor, inplace_xor: nb_xor, nb_inplace_xor, "^";
    or, inplace_or: nb_or, nb_inplace_or, "|";
}

/// `+` and `*` of sequences that have no number slots.
fn sequence_fallback(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, symbol: &str) -> Option<PyResult> {
    match symbol {
        "+" => crate::class_of(left).slots.sq_concat().map(|concat| concat(thread, left, right)),
        "*" => {
            if let Some(repeat) = crate::class_of(left).slots.sq_repeat() {
                return Some(repeat_sequence(thread, repeat, left, right));
            }
            let repeat = crate::class_of(right).slots.sq_repeat()?;
            Some(repeat_sequence(thread, repeat, right, left))
        }
        _ => None,
    }
}

fn inplace_sequence_fallback(
    thread: &mut Thread,
    left: Ref<'_>,
    right: Ref<'_>,
    symbol: &str,
) -> Option<PyResult> {
    let slots = &crate::class_of(left).slots;
    match symbol {
        "+" if slots.sq_inplace_concat().is_some() => {
            slots.sq_inplace_concat().map(|concat| concat(thread, left, right))
        }
        "*" if slots.sq_inplace_repeat().is_some() => {
            slots.sq_inplace_repeat().map(|repeat| repeat_sequence(thread, repeat, left, right))
        }
        _ => sequence_fallback(thread, left, right, symbol),
    }
}

fn repeat_sequence(
    thread: &mut Thread,
    repeat: crate::slots::SizeArg,
    sequence: Ref<'_>,
    count: Ref<'_>,
) -> PyResult {
    if count.as_small_int().is_none()
        && crate::class_of(count).slots.nb_index().is_none()
        && !int::is_int(count)
    {
        let class = crate::class_of(count).full_name();
        return Err(type_error(format!("can't multiply sequence by non-int of type '{class}'")));
    }
    let value = int::index(thread, count)?;
    let count = int::value(value.get()).and_then(IntRef::to_i64).ok_or_else(|| {
        let class = crate::class_of(count).full_name();
        crate::error::overflow_error(format!("cannot fit '{class}' into an index-sized integer"))
    })?;
    repeat(thread, sequence, count)
}

/// A number as `float` would convert it: floats, `__float__`, `__index__`. TypeError for others.
pub fn as_float(thread: &mut Thread, object: Ref<'_>) -> PyResult<f64> {
    if let Some(value) = float::value(object) {
        return Ok(value);
    }
    if let Some(value) = int::value(object) {
        return int_to_float(value);
    }
    let class = crate::class_of(object);
    if let Some(convert) = class.slots.nb_float() {
        let result = convert(thread, object)?;
        return float::value(result.get()).ok_or_else(|| {
            let got = crate::class_of(result.get()).full_name();
            type_error(format!("{}.__float__ returned non-float (type {got})", class.full_name()))
        });
    }
    if class.slots.nb_index().is_some() {
        let value = int::index(thread, object)?;
        return int::value(value.get()).map_or(Ok(0.0), int_to_float);
    }
    Err(type_error(format!("must be real number, not {}", class.full_name())))
}

/// The float nearest to an int; OverflowError if it is too large.
pub fn int_to_float(value: IntRef<'_>) -> PyResult<f64> {
    match value {
        IntRef::Small(small) => Ok(small as f64),
        IntRef::Big(big) => match big.to_f64() {
            Some(float) if float.is_finite() => Ok(float),
            _ => Err(crate::error::overflow_error("int too large to convert to float")),
        },
    }
}

/// `left ** right`.
pub fn power(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
    let result = power_slots(thread, left, right)?;
    if result.get().is(Ref::NOT_IMPLEMENTED) {
        return Err(unsupported("** or pow()", left, right));
    }
    Ok(result)
}

/// `left **= right`.
pub fn inplace_power(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
    if let Some(function) = crate::class_of(left).slots.nb_inplace_power() {
        let result = function(thread, left, right, Ref::NONE)?;
        if !result.get().is(Ref::NOT_IMPLEMENTED) {
            return Ok(result);
        }
    }
    let result = power_slots(thread, left, right)?;
    if result.get().is(Ref::NOT_IMPLEMENTED) {
        return Err(unsupported("**=", left, right));
    }
    Ok(result)
}

/// `pow(base, exponent, modulus)`.
pub fn power_modulo(thread: &mut Thread, base: Ref<'_>, exponent: Ref<'_>, modulus: Ref<'_>) -> PyResult {
    let [of_base, mut of_exponent, of_modulus] =
        [base, exponent, modulus].map(|operand| crate::class_of(operand).slots.nb_power());
    let same = |a: Option<Ternary>, b: Option<Ternary>| match (a, b) {
        (Some(a), Some(b)) => a as usize == b as usize,
        _ => false,
    };
    if same(of_base, of_exponent) {
        of_exponent = None;
    }
    let mut order = [of_base, of_exponent, of_modulus];
    if same(of_modulus, of_base) || same(of_modulus, of_exponent) {
        order[2] = None;
    }
    if crate::class_of(exponent).is_subtype_of(crate::class_of(base)) {
        order.swap(0, 1);
    }
    for slot in order.into_iter().flatten() {
        let result = slot(thread, base, exponent, modulus)?;
        if !result.get().is(Ref::NOT_IMPLEMENTED) {
            return Ok(result);
        }
    }
    Err(type_error(format!(
        "unsupported operand type(s) for ** or pow(): '{}', '{}', '{}'",
        crate::class_of(base).full_name(),
        crate::class_of(exponent).full_name(),
        crate::class_of(modulus).full_name()
    )))
}

fn power_slots(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
    let (left_class, right_class) = (crate::class_of(left), crate::class_of(right));
    let left_slot = left_class.slots.nb_power();
    let mut right_slot =
        if std::ptr::eq(left_class, right_class) { None } else { right_class.slots.nb_power() };
    if let (Some(a), Some(b)) = (left_slot, right_slot)
        && a as usize == b as usize
    {
        right_slot = None;
    }
    if let (Some(reflected), true) =
        (right_slot, left_slot.is_some() && right_class.is_subtype_of(left_class))
    {
        let result = reflected(thread, left, right, Ref::NONE)?;
        if !result.get().is(Ref::NOT_IMPLEMENTED) {
            return Ok(result);
        }
        right_slot = None;
    }
    if let Some(function) = left_slot {
        let result = function(thread, left, right, Ref::NONE)?;
        if !result.get().is(Ref::NOT_IMPLEMENTED) {
            return Ok(result);
        }
    }
    match right_slot {
        Some(reflected) => reflected(thread, left, right, Ref::NONE),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

macro_rules! unary {
    ($($function:ident: $slot:ident, $symbol:literal;)*) => { $(
        #[doc = concat!("`", $symbol, "operand`.")]
        pub fn $function(thread: &mut Thread, operand: Ref<'_>) -> PyResult {
            let class = crate::class_of(operand);
            match class.slots.$slot() {
                Some(function) => function(thread, operand),
                None => Err(type_error(format!("bad operand type for unary {}: '{}'", $symbol, class.full_name()))),
            }
        }
    )* };
}

unary! {
    negative: nb_negative, "-";
    positive: nb_positive, "+";
    invert: nb_invert, "~";
}
