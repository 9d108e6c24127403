//! Constants of code as objects.

use crate::error::{PyErr, PyResult, value_error};
use crate::types::int::IntRef;
use crate::types::set::PyFrozenSet;
use crate::types::str::PyStr;
use crate::types::tuple::PyTuple;
use crate::types::{bytes, code, complex, float, int, list, set, slice, str, tuple};
use orochi_compiler::code::{BigInt, Constant};
use orochi_core::{Ref, Thread, Value};

/// How deeply tuples may nest in a constant that a program hands over.
const MAX_DEPTH: usize = 100;

/// The objects of a code's constants.
pub(super) fn make_all(thread: &mut Thread, constants: &[Constant]) -> PyResult<Vec<Value>> {
    constants.iter().map(|constant| make(thread, constant)).collect()
}

/// The object of a constant.
pub(crate) fn make(thread: &mut Thread, constant: &Constant) -> PyResult {
    Ok(match constant {
        Constant::None => Value::NONE,
        Constant::True => Value::TRUE,
        Constant::False => Value::FALSE,
        Constant::Ellipsis => Value::ELLIPSIS,
        Constant::Int(value) => int::new(thread, *value)?,
        Constant::BigInt(big) => {
            let sign = if big.negative { num_bigint::Sign::Minus } else { num_bigint::Sign::Plus };
            int::from_big(thread, num_bigint::BigInt::from_slice(sign, &big.digits))?
        }
        Constant::Float(value) => float::new(thread, *value)?,
        Constant::Complex { real, imag } => complex::new(thread, *real, *imag)?,
        Constant::Str(text) => string(thread, text)?,
        Constant::Bytes(value) => bytes::new(thread, value)?,
        Constant::Tuple(items) => {
            let items = make_all(thread, items)?;
            tuple::new(thread, items)?.into_value()
        }
        Constant::FrozenSet(items) => {
            let items = make_all(thread, items)?;
            let refs: Vec<_> = items.iter().map(Value::get).collect();
            set::frozen_from_values(thread, &refs)?.into_value()
        }
        Constant::Slice(parts) => {
            let [start, stop, step] = &**parts;
            let (start, stop, step) = (make(thread, start)?, make(thread, stop)?, make(thread, step)?);
            slice::new(thread, start, stop, step)?.into_value()
        }
        Constant::Code(inner) => code::new(thread, inner.clone())?.into_value(),
    })
}

/// Strings that look like names are interned, as in CPython.
fn string(thread: &mut Thread, wtf8: &[u8]) -> PyResult {
    let is_name = wtf8.len() <= 64 && wtf8.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    match std::str::from_utf8(wtf8) {
        Ok(text) if is_name => Ok(str::intern(thread, text)?.to_value()),
        _ => str::from_wtf8(thread, wtf8_of(wtf8)?),
    }
}

/// Bytes that the compiler says are WTF-8.
fn wtf8_of(bytes: &[u8]) -> PyResult<&orochi_text::wtf8::Wtf8> {
    orochi_text::wtf8::Wtf8::from_bytes(bytes)
        .ok_or_else(|| crate::error::system_error("a str constant is not WTF-8"))
}

/// The constant that an object of the program is. Where a tree of syntax can't have such a constant, `refuse` says so.
///
/// # Errors
/// What `refuse` makes; ValueError if it is nested too deeply.
pub fn constant_of(thread: &mut Thread, object: Ref<'_>, refuse: fn(Ref<'_>) -> PyErr) -> PyResult<Constant> {
    nested(thread, object, refuse, MAX_DEPTH)
}

fn nested(
    thread: &mut Thread,
    object: Ref<'_>,
    refuse: fn(Ref<'_>) -> PyErr,
    depth: usize,
) -> PyResult<Constant> {
    if let Some(atom) = atom(object) {
        return Ok(atom);
    }
    if object.downcast::<PyTuple>().is_none() && object.downcast::<PyFrozenSet>().is_none() {
        return Err(refuse(object));
    }
    let depth = depth.checked_sub(1).ok_or_else(|| value_error("constant is nested too deeply"))?;
    let mut items = Vec::new();
    for item in list::to_values(thread, object)? {
        items.push(nested(thread, item.get(), refuse, depth)?);
    }
    let is_tuple = object.downcast::<PyTuple>().is_some();
    Ok(if is_tuple { Constant::Tuple(items.into()) } else { Constant::FrozenSet(items.into()) })
}

/// A constant that holds no others.
fn atom(object: Ref<'_>) -> Option<Constant> {
    if object.is_none() {
        return Some(Constant::None);
    }
    if let Some(boolean) = object.as_bool() {
        return Some(if boolean { Constant::True } else { Constant::False });
    }
    if object.is(Ref::ELLIPSIS) {
        return Some(Constant::Ellipsis);
    }
    if let Some(number) = int::value(object) {
        return Some(match number {
            IntRef::Small(small) => Constant::Int(small),
            IntRef::Big(big) => i64::try_from(big).map_or_else(|_| big_constant(big), Constant::Int),
        });
    }
    if let Some(number) = float::value(object) {
        return Some(Constant::Float(number));
    }
    if let Some((real, imag)) = complex::value(object) {
        return Some(Constant::Complex { real, imag });
    }
    if let Some(text) = object.downcast::<PyStr>() {
        return Some(Constant::Str(text.as_bytes().into()));
    }
    bytes::value(object).map(|content| Constant::Bytes(content.into()))
}

fn big_constant(big: &num_bigint::BigInt) -> Constant {
    let (sign, digits) = big.to_u32_digits();
    Constant::BigInt(BigInt { negative: sign == num_bigint::Sign::Minus, digits: digits.into() })
}
