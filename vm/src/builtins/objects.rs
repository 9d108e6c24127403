//! Built-in functions on any object: attributes, classes, representations.

use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pyfunction;
use orochi_objects::error::{PyErr, PyResult, type_error};
use orochi_objects::types::{exception, int, list, str as string};
use orochi_objects::{class_of, name, protocol};
use string::PyStr;

/// Return whether the object is callable (i.e., some kind of function).
#[pyfunction]
#[signature(obj, /)]
#[quick(super::quick::callable)]
fn callable(obj: Ref<'_>) -> bool {
    class_of(obj).slots.tp_call().is_some()
}

fn attribute_name<'a>(name: Ref<'a>) -> PyResult<&'a Obj<PyStr>> {
    name.downcast::<PyStr>()
        .ok_or_else(|| type_error(format!("attribute name must be string, not '{}'", class_of(name).name())))
}

/// getattr(object, name[, default]) -> value
///
/// Get a named attribute from an object; getattr(x, 'y') is equivalent to x.y.
/// When a default argument is given, it is returned when the attribute doesn't
/// exist; without it, an exception is raised in that case.
#[pyfunction]
#[quick(super::quick::getattr)]
#[signature(object, name, default = <missing>, /)]
fn getattr(thread: &mut Thread, object: Ref<'_>, name: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
    let name = attribute_name(name)?;
    match default {
        None => protocol::get_attr(thread, object, name),
        Some(default) => Ok(protocol::find_attr(thread, object, name)?.unwrap_or_else(|| default.to_owned())),
    }
}

/// Return whether the object has an attribute with the given name.
///
/// This is done by calling getattr(obj, name) and catching AttributeError.
#[pyfunction]
#[quick(super::quick::hasattr)]
#[signature(obj, name, /)]
fn hasattr(thread: &mut Thread, obj: Ref<'_>, name: Ref<'_>) -> PyResult<bool> {
    Ok(protocol::find_attr(thread, obj, attribute_name(name)?)?.is_some())
}

/// Sets the named attribute on the given object to the specified value.
///
/// setattr(x, 'y', v) is equivalent to ``x.y = v``
#[pyfunction]
#[signature(obj, name, value, /)]
fn setattr(thread: &mut Thread, obj: Ref<'_>, name: Ref<'_>, value: Ref<'_>) -> PyResult<()> {
    protocol::set_attr(thread, obj, attribute_name(name)?, Some(value))
}

/// Deletes the named attribute from the given object.
///
/// delattr(x, 'y') is equivalent to ``del x.y``
#[pyfunction]
#[signature(obj, name, /)]
fn delattr(thread: &mut Thread, obj: Ref<'_>, name: Ref<'_>) -> PyResult<()> {
    protocol::set_attr(thread, obj, attribute_name(name)?, None)
}

/// dir([object]) -> list of strings
///
/// If called without an argument, return the names in the current scope.
/// Else, return an alphabetized list of names comprising (some of) the attributes
/// of the given object, and of attributes reachable from it.
#[pyfunction]
#[signature(object = <missing>, /)]
fn dir(thread: &mut Thread, object: Option<Ref<'_>>) -> PyResult {
    let names = match object {
        None => {
            let locals = super::code::running_locals(thread)?;
            protocol::call_method(thread, locals.get(), "keys", &[])?
        }
        Some(object) => match protocol::special(thread, object, name!("__dir__"))? {
            Some(method) => protocol::call(thread, method.get(), &[])?,
            None => return Err(type_error("object does not provide __dir__")),
        },
    };
    let mut values = list::to_values(thread, names.get())?;
    list_sort(thread, &mut values)?;
    Ok(list::new(thread, values)?.into_value())
}

fn list_sort(thread: &mut Thread, values: &mut Vec<Value>) -> PyResult<()> {
    orochi_objects::types::list_::sort::sort(thread, values, None, false)
}

/// vars([object]) -> dictionary
///
/// Without arguments, equivalent to locals().
/// With an argument, equivalent to object.__dict__.
#[pyfunction]
#[signature(object = <missing>, /)]
fn vars(thread: &mut Thread, object: Option<Ref<'_>>) -> PyResult {
    let Some(object) = object else { return super::code::running_locals(thread) };
    match protocol::find_attr(thread, object, name!("__dict__"))? {
        Some(dict) => Ok(dict),
        None => Err(type_error("vars() argument must have __dict__ attribute")),
    }
}

/// Return the identity of an object.
///
/// This is guaranteed to be unique among simultaneously existing objects.
#[pyfunction]
#[signature(obj, /)]
fn id(thread: &mut Thread, obj: Ref<'_>) -> PyResult {
    match i64::try_from(obj.word()) {
        Ok(word) => int::new(thread, word),
        Err(_) => int::from_big(thread, obj.word().into()),
    }
}

/// Return the hash value for the given object.
///
/// Two objects that compare equal must also have the same hash value, but the
/// reverse is not necessarily true.
#[pyfunction]
#[signature(obj, /)]
fn hash(thread: &mut Thread, obj: Ref<'_>) -> PyResult<i64> {
    protocol::hash(thread, obj)
}

/// Return whether an object is an instance of a class or of a subclass thereof.
///
/// A tuple, as in ``isinstance(x, (A, B, ...))``, may be given as the target to
/// check against. This is equivalent to ``isinstance(x, A) or isinstance(x, B)
/// or ...`` etc.
#[pyfunction]
#[signature(obj, class_or_tuple, /)]
#[quick(super::quick::isinstance)]
fn isinstance(thread: &mut Thread, obj: Ref<'_>, class_or_tuple: Ref<'_>) -> PyResult<bool> {
    protocol::class_check::is_instance(thread, obj, class_or_tuple)
}

/// Return whether 'cls' is derived from another class or is the same class.
///
/// A tuple, as in ``issubclass(x, (A, B, ...))``, may be given as the target to
/// check against. This is equivalent to ``issubclass(x, A) or issubclass(x, B)
/// or ...``.
#[pyfunction]
#[signature(class, class_or_tuple, /)]
fn issubclass(thread: &mut Thread, class: Ref<'_>, class_or_tuple: Ref<'_>) -> PyResult<bool> {
    protocol::class_check::is_subclass(thread, class, class_or_tuple)
}

/// Return the canonical string representation of the object.
///
/// For many object types, including most builtins, eval() will return
/// an object equal to the one that was passed.
#[pyfunction]
#[signature(obj, /)]
fn repr(thread: &mut Thread, obj: Ref<'_>) -> PyResult {
    protocol::repr(thread, obj)
}

/// Return an ASCII-only representation of an object.
///
/// As repr(), return a string containing a printable representation of an
/// object, but escape the non-ASCII characters in the string returned by
/// repr() using \\x, \\u or \\U escapes.
#[pyfunction]
#[signature(obj, /)]
fn ascii(thread: &mut Thread, obj: Ref<'_>) -> PyResult {
    let text = protocol::repr(thread, obj)?;
    let Some(text) = text.get().downcast::<PyStr>() else { return Ok(text) };
    if text.is_ascii() {
        return Ok(text.to_value());
    }
    let mut escaped = String::with_capacity(text.as_bytes().len());
    for point in text.as_wtf8().code_points() {
        match point.to_u32() {
            code @ 0..0x80 => escaped.push(char::from(code as u8)),
            code @ 0x80..0x100 => escaped.push_str(&format!("\\x{code:02x}")),
            code @ 0x100..0x1_0000 => escaped.push_str(&format!("\\u{code:04x}")),
            code => escaped.push_str(&format!("\\U{code:08x}")),
        }
    }
    string::new(thread, &escaped)
}

/// Return type(value).__format__(value, format_spec)
///
/// Many built-in types implement format_spec according to the
/// Format Specification Mini-language. See help('FORMATTING') for
/// details.
#[pyfunction]
#[signature(value, format_spec = <missing> as "''", /)]
fn format(thread: &mut Thread, value: Ref<'_>, format_spec: Option<Ref<'_>>) -> PyResult {
    let spec = match format_spec {
        Some(spec) if spec.downcast::<PyStr>().is_none() => {
            let class = if spec.is_none() { "None".into() } else { class_of(spec).name() };
            return Err(type_error(format!("format() argument 2 must be str, not {class}")));
        }
        Some(spec) => spec.to_owned(),
        None => string::new(thread, "")?,
    };
    crate::interp::collections::format(thread, value, spec.get())
}

/// Return a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff.
#[pyfunction]
#[signature(i, /)]
fn chr(thread: &mut Thread, i: Ref<'_>) -> PyResult {
    let value = int::index(thread, i)?;
    let code =
        int::value(value.get()).and_then(int::IntRef::to_i64).and_then(|code| u32::try_from(code).ok());
    match code.and_then(orochi_text::wtf8::CodePoint::from_u32) {
        Some(point) => {
            let mut text = orochi_text::wtf8::Wtf8Buf::with_capacity(4);
            text.push(point);
            string::from_wtf8(thread, &text)
        }
        None => Err(PyErr::with_message(&exception::ValueError, "chr() arg not in range(0x110000)")),
    }
}

/// Return the ordinal value of a character.
///
/// If the argument is a one-character string, return the Unicode code
/// point of that character.
///
/// If the argument is a bytes or bytearray object of length 1, return its
/// single byte value.
#[pyfunction]
#[signature(character, /)]
#[quick(super::quick::ord)]
fn ord(thread: &mut Thread, character: Ref<'_>) -> PyResult<u32> {
    let expected = |what: &str, length: usize| {
        type_error(format!("ord() expected a character, but {what} of length {length} found"))
    };
    if let Some(text) = character.downcast::<PyStr>() {
        let mut points = text.as_wtf8().code_points();
        return match (points.next(), points.next()) {
            (Some(point), None) => Ok(point.to_u32()),
            _ => Err(expected("string", text.len())),
        };
    }
    let class = class_of(character).name();
    if orochi_objects::buffer::is_bytes_like(character)
        && let Ok(bytes) = orochi_objects::buffer::bytes_of(thread, character)
    {
        let bytes = bytes.into_vec();
        return match bytes.as_slice() {
            [byte] => Ok(u32::from(*byte)),
            _ => Err(expected(&class, bytes.len())),
        };
    }
    Err(type_error(format!("ord() expected string of length 1, but {class} found")))
}
