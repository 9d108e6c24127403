//! `int(…)`: from numbers, text and bytes, in every base.

use crate::args::Args;
use crate::class::{PyClass, exactly, is_exact};
use crate::error::{PyErr, PyResult, type_error, value_error};
use crate::quick::{Quick, Registers};
use crate::types::int::{self, IntRef, PyInt};
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::int::{Int, IntError};
use orochi_text::unicode::to_ascii_number;

/// `int(object)` of small ints, of text that is nothing but a few digits, and of floats that need no memory.
pub(crate) fn quick_call(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([object]) = args.exactly() else { return Quick::OTHER };
    if let Some(small) = object.as_small_int() {
        return Quick::int(small);
    }
    if let Some(float) = object.as_flonum() {
        // Beyond this the conversion would have to look at the size.
        let is_near = float.abs() < (1_i64 << 60) as f64;
        return if is_near { Quick::int(float as i64) } else { Quick::OTHER };
    }
    match exactly::<PyStr>(object).map(|text| text.as_bytes()) {
        Some(digits @ [_, ..]) if digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit) => {
            Quick::int(digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
        }
        _ => Quick::OTHER,
    }
}

/// Reads an int from ASCII text; `shown` is what the message of ValueError shows.
fn parse(
    thread: &mut Thread,
    text: &[u8],
    base: u32,
    shown: impl FnOnce(&mut Thread) -> PyResult,
) -> PyResult {
    match orochi_text::int::parse(text, base, super::text::max_str_digits()) {
        Ok(Int::Small(small)) => int::new(thread, small),
        Ok(Int::Big(big)) => int::from_big(thread, big),
        Err(error @ IntError::Invalid { .. }) => {
            let shown = shown(thread)?;
            let mut message = error.to_string();
            message.push_str(truncated(&crate::str::display(shown.get())));
            Err(value_error(message))
        }
        Err(error) => Err(super::text::int_error(error)),
    }
}

/// The first 200 characters, as messages show literals.
fn truncated(text: &str) -> &str {
    const MOST: usize = 200;
    if text.len() <= MOST {
        return text;
    }
    text.char_indices().nth(MOST).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// `int(text, base)`.
pub fn from_str(thread: &mut Thread, text: Ref<'_>, base: u32) -> PyResult {
    let Some(content) = text.downcast::<PyStr>() else { return Err(type_error("a str is required")) };
    let ascii = to_ascii_number(content.as_wtf8());
    parse(thread, &ascii, base, |thread| crate::protocol::repr(thread, text))
}

/// `int(bytes, base)`.
pub fn from_ascii(thread: &mut Thread, bytes: &[u8], base: u32) -> PyResult {
    parse(thread, bytes, base, |thread| crate::str::new(thread, &orochi_text::repr::repr_bytes(bytes)))
}

/// `int(object)` for any object: a number, text or bytes.
pub fn from_object(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    if is_exact(object, PyInt::static_type()) {
        return Ok(object.to_owned());
    }
    let class = crate::class_of(object);
    if let Some(convert) = class.slots.nb_int() {
        let result = convert(thread, object)?;
        return checked_result(thread, result, "__int__");
    }
    if class.slots.nb_index().is_some() {
        return int::index(thread, object);
    }
    if object.downcast::<PyStr>().is_some() {
        return from_str(thread, object, 10);
    }
    if let Some(bytes) = crate::buffer::bytes_if_any(thread, object)? {
        return from_ascii(thread, &bytes, 10);
    }
    Err(type_error(format!(
        "int() argument must be a string, a bytes-like object or a real number, not '{}'",
        class.name()
    )))
}

/// The result of `__int__`: an int; an instance of a subclass is deprecated and made exact.
fn checked_result(thread: &mut Thread, result: Value, method: &str) -> PyResult {
    if is_exact(result.get(), PyInt::static_type()) {
        return Ok(result);
    }
    let class = crate::class_of(result.get()).name();
    let Some(value) = int::value(result.get()) else {
        return Err(type_error(format!("{method} returned non-int (type {class})")));
    };
    crate::warn::deprecation(
        thread,
        &format!(
            "{method} returned non-int (type {class}).  The ability to return an instance of a strict subclass of int \
             is deprecated, and may not be supported in a future version of Python."
        ),
    )?;
    super::arith::exact(thread, value)
}

fn with_base(thread: &mut Thread, object: Ref<'_>, base: Ref<'_>) -> PyResult {
    let base = int::index_clamped(thread, base)?;
    let bad_base: fn() -> PyErr = || value_error("int() base must be >= 2 and <= 36, or 0");
    let base = u32::try_from(base).ok().filter(|&base| base != 1 && base <= 36).ok_or_else(bad_base)?;
    if object.downcast::<PyStr>().is_some() {
        return from_str(thread, object, base);
    }
    match crate::buffer::own_bytes(thread, object) {
        Some(bytes) => from_ascii(thread, &bytes, base),
        None => Err(type_error("int() can't convert non-string with explicit base")),
    }
}

fn construct(thread: &mut Thread, args: Args<'_>) -> PyResult {
    let mut base = None;
    for (name, value) in args.keywords() {
        if PyStr::as_bytes(name) != b"base" {
            return Err(type_error(format!("int() got an unexpected keyword argument '{name}'")));
        }
        base = Some(value);
    }
    let given = args.len();
    if given + usize::from(base.is_some()) > 2 {
        let given = given + usize::from(base.is_some());
        return Err(type_error(format!("int expected at most 2 arguments, got {given}")));
    }
    match (args.get(0), base.or(args.get(1))) {
        (None, None) => int::new(thread, 0),
        (None, Some(_)) => Err(type_error("int() missing string argument")),
        (Some(object), None) => from_object(thread, object),
        (Some(object), Some(base)) => with_base(thread, object, base),
    }
}

#[pymethods(part = CONSTRUCT)]
impl PyInt {
    #[new]
    #[no_text_signature]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let value = construct(thread, args)?;
        if std::ptr::eq(cls, PyInt::static_type().get()) {
            return Ok(value);
        }
        let bool_class = crate::types::bool::PyBool::static_type().get();
        if std::ptr::eq(cls, bool_class) {
            return Err(type_error("int.__new__(bool) is not safe, use bool.__new__()"));
        }
        let value = int::value(value.get()).unwrap_or(IntRef::Small(0)).to_big().into_owned();
        int::heap(thread, cls, value)
    }

    fn __getnewargs__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let value = int::value(this).unwrap_or(IntRef::Small(0));
        let value = super::arith::exact(thread, value)?;
        Ok(crate::tuple::new(thread, vec![value])?.into_value())
    }
}
