//! `float(…)`, `float.from_number` and `float.fromhex`.

use crate::class::{PyClass, is_exact};
use crate::error::{PyResult, overflow_error, type_error, value_error};
use crate::protocol::{self, number};
use crate::types::float::{self, PyFloat};
use crate::types::int;
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::float::hex::HexFloatError;
use orochi_text::unicode::to_ascii_number;

/// `float(text)`.
pub fn from_str(thread: &mut Thread, text: Ref<'_>) -> PyResult<f64> {
    let Some(content) = text.downcast::<PyStr>() else { return Err(type_error("a str is required")) };
    match orochi_text::float::parse(&to_ascii_number(content.as_wtf8())) {
        Some(value) => Ok(value),
        None => Err(malformed(thread, text)),
    }
}

#[cold]
fn malformed(thread: &mut Thread, argument: Ref<'_>) -> crate::PyErr {
    match protocol::repr(thread, argument) {
        Ok(shown) => {
            value_error(format!("could not convert string to float: {}", crate::str::display(shown.get())))
        }
        Err(error) => error,
    }
}

/// `float(object)` for any object: a number, text or bytes.
pub fn from_object(thread: &mut Thread, object: Ref<'_>) -> PyResult<f64> {
    if is_exact(object, PyFloat::static_type()) {
        return Ok(float::value(object).unwrap_or(f64::NAN));
    }
    if is_exact(object, PyStr::static_type()) {
        return from_str(thread, object);
    }
    if let Some(value) = from_slots(thread, object)? {
        return Ok(value);
    }
    if object.downcast::<PyStr>().is_some() {
        return from_str(thread, object);
    }
    if let Some(bytes) = crate::buffer::bytes_if_any(thread, object)? {
        return orochi_text::float::parse(&bytes).ok_or_else(|| malformed(thread, object));
    }
    let class = crate::class_of(object).name();
    Err(type_error(format!("float() argument must be a string or a real number, not '{class}'")))
}

/// The value of a number by `__float__` or `__index__`.
pub fn from_slots(thread: &mut Thread, object: Ref<'_>) -> PyResult<Option<f64>> {
    let class = crate::class_of(object);
    if let Some(convert) = class.slots.nb_float() {
        let result = convert(thread, object)?;
        let got = crate::class_of(result.get()).name();
        let class = class.name();
        let Some(value) = float::value(result.get()) else {
            return Err(type_error(format!("{class}.__float__ returned non-float (type {got})")));
        };
        if !is_exact(result.get(), PyFloat::static_type()) {
            crate::warn::deprecation(
                thread,
                &format!(
                    "{class}.__float__ returned non-float (type {got}).  The ability to return an instance of a strict \
                     subclass of float is deprecated, and may not be supported in a future version of Python."
                ),
            )?;
        }
        return Ok(Some(value));
    }
    if class.slots.nb_index().is_some() {
        let value = int::index(thread, object)?;
        return int::value(value.get()).map(number::int_to_float).transpose();
    }
    Ok(None)
}

fn of_class(thread: &mut Thread, cls: &Obj<PyType>, value: f64) -> PyResult {
    let result = float::new(thread, value)?;
    if std::ptr::eq(cls, PyFloat::static_type().get()) {
        return Ok(result);
    }
    protocol::call(thread, cls.get(), &[result.get()])
}

#[pymethods(part = CONSTRUCT)]
impl PyFloat {
    #[new]
    #[text_signature = "(x=0, /)"]
    #[signature(x=<missing>, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, x: Option<Ref<'_>>) -> PyResult {
        let exact = std::ptr::eq(cls, PyFloat::static_type().get());
        let value = match x {
            None => 0.0,
            Some(x) if exact && is_exact(x, PyFloat::static_type()) => return Ok(x.to_owned()),
            Some(x) => from_object(thread, x)?,
        };
        if exact { float::new(thread, value) } else { float::heap(thread, cls, value) }
    }

    /// Convert real number to a floating-point number.
    #[classmethod]
    fn from_number(thread: &mut Thread, cls: &Obj<PyType>, number: Ref<'_>) -> PyResult {
        let exact = std::ptr::eq(cls, PyFloat::static_type().get());
        if exact && is_exact(number, PyFloat::static_type()) {
            return Ok(number.to_owned());
        }
        let value = number::as_float(thread, number)?;
        of_class(thread, cls, value)
    }

    /// Create a floating-point number from a hexadecimal string.
    ///
    /// >>> float.fromhex('0x1.ffffp10')
    /// 2047.984375
    /// >>> float.fromhex('-0x1p-1074')
    /// -5e-324
    #[classmethod]
    fn fromhex(thread: &mut Thread, cls: &Obj<PyType>, string: Ref<'_>) -> PyResult {
        let Some(text) = string.downcast::<PyStr>() else {
            return Err(type_error("bad argument type for built-in operation"));
        };
        let value = orochi_text::float::hex::from_hex(text.as_bytes()).map_err(|error| match error {
            HexFloatError::Invalid => value_error(error.to_string()),
            HexFloatError::TooLarge => overflow_error(error.to_string()),
        })?;
        of_class(thread, cls, value)
    }

    /// You probably don't want to use this function.
    ///
    ///   typestr
    ///     Must be 'double' or 'float'.
    ///
    /// It exists mainly to be used in Python's test suite.
    #[classmethod]
    fn __getformat__(_thread: &mut Thread, _cls: &Obj<PyType>, typestr: &str) -> PyResult<&'static str> {
        match typestr {
            "double" | "float" if cfg!(target_endian = "little") => Ok("IEEE, little-endian"),
            "double" | "float" => Ok("IEEE, big-endian"),
            _ => Err(value_error("__getformat__() argument 1 must be 'double' or 'float'")),
        }
    }

    fn __getnewargs__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let value: Value = float::new(thread, float::value(this).unwrap_or(f64::NAN))?;
        Ok(crate::tuple::new(thread, vec![value])?.into_value())
    }
}
