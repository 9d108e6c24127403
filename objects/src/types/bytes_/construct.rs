//! Bytes from any object: `bytes(…)`, `bytearray(…)`.

use crate::args::Args;
use crate::buffer;
use crate::class::{PyClass, exactly, is_exact};
use crate::error::{PyResult, memory_error, overflow_error, type_error, value_error};
use crate::protocol;
use crate::types::bytearray::{self, PyByteArray};
use crate::types::bytes::{self, PyBytes};
use crate::types::int::{self, IntRef};
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

pub(super) use crate::types::str_::construct::text_argument;

/// An item of a bytes object; `what` is "bytes" or "byte".
pub fn byte(thread: &mut Thread, object: Ref<'_>, what: &str) -> PyResult<u8> {
    if let Some(small) = object.as_small_int() {
        return u8::try_from(small).map_err(|_| value_error(format!("{what} must be in range(0, 256)")));
    }
    let value = int::index(thread, object)?;
    let byte = int::value(value.get()).and_then(IntRef::to_i64).and_then(|value| u8::try_from(value).ok());
    byte.ok_or_else(|| value_error(format!("{what} must be in range(0, 256)")))
}

/// The bytes object that `__bytes__` of an object gives, if it has one.
fn object_by_method(thread: &mut Thread, object: Ref<'_>) -> PyResult<Option<Value>> {
    let Some(result) = protocol::call_special(thread, object, crate::name!("__bytes__"), &[])? else {
        return Ok(None);
    };
    if bytes::value(result.get()).is_some() {
        return Ok(Some(result));
    }
    let class = crate::class_of(result.get()).name();
    Err(type_error(format!("__bytes__ returned non-bytes (type {class})")))
}

/// What `__bytes__` of an object gives, if it has one.
fn by_method(thread: &mut Thread, object: Ref<'_>) -> PyResult<Option<Vec<u8>>> {
    let result = object_by_method(thread, object)?;
    Ok(result.map(|result| bytes::value(result.get()).unwrap_or_default().to_vec()))
}

/// What `bytes(object)` makes of an object that is neither a str nor an int: its buffer, or an iterable of ints.
pub fn from_object(thread: &mut Thread, object: Ref<'_>) -> PyResult<Vec<u8>> {
    match by_method(thread, object)? {
        Some(bytes) => Ok(bytes),
        None => from_buffer_or_iterable(thread, object, "bytes", "bytes"),
    }
}

/// The bytes of a buffer or the items of an iterable. `target` names what is being made, `item_name` what an item is called.
pub fn from_buffer_or_iterable(
    thread: &mut Thread,
    object: Ref<'_>,
    target: &str,
    item_name: &str,
) -> PyResult<Vec<u8>> {
    if let Some(array) = exactly::<PyByteArray>(object) {
        // A copy of one moment. An export would keep other threads from resizing meanwhile.
        return Ok(bytearray::read(array, thread, <[u8]>::to_vec));
    }
    if let Some(bytes) = buffer::bytes_if_any(thread, object)? {
        return Ok(bytes.into_vec());
    }
    let class = crate::class_of(object);
    let iterable = class.slots.tp_iter().is_some() || class.slots.sq_item().is_some();
    if object.downcast::<PyStr>().is_some() || !iterable {
        return Err(type_error(format!("cannot convert '{}' object to {target}", class.name())));
    }
    let mut bytes = Vec::new();
    protocol::iterate(thread, object, |thread, item| {
        bytes.push(byte(thread, item.get(), item_name)?);
        Ok(())
    })?;
    Ok(bytes)
}

/// The size that an int argument asks for.
fn zeros(thread: &mut Thread, object: Ref<'_>) -> PyResult<Vec<u8>> {
    let size = int::index(thread, object)?;
    let size = int::value(size.get()).unwrap_or(IntRef::Small(0));
    if size.is_negative() && size.to_i64().is_some() {
        return Err(value_error("negative count"));
    }
    let Some(size) = size.to_i64().and_then(|size| usize::try_from(size).ok()) else {
        let class = crate::class_of(object).name();
        return Err(overflow_error(format!("cannot fit '{class}' into an index-sized integer")));
    };
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| memory_error())?;
    bytes.resize(size, 0);
    Ok(bytes)
}

/// The bytes that the arguments of `bytes(…)` or `bytearray(…)` (`target`) describe.
pub fn source(thread: &mut Thread, args: &Args<'_>, target: &str) -> PyResult<Vec<u8>> {
    let given = args.len() + args.keyword_count();
    if given > 3 {
        return Err(type_error(format!("{target}() takes at most 3 arguments ({given} given)")));
    }
    let mut bound = [args.get(0), args.get(1), args.get(2)];
    for (name, value) in args.keywords() {
        let place =
            [&b"source"[..], b"encoding", b"errors"].iter().position(|known| *known == name.as_bytes());
        match place.and_then(|i| bound.get_mut(i).map(|slot| (i, slot))) {
            Some((_, slot @ None)) => *slot = Some(value),
            Some((i, Some(_))) => {
                let place = i + 1;
                return Err(type_error(format!(
                    "argument for {target}() given by name ('{name}') and position ({place})"
                )));
            }
            None => {
                return Err(type_error(format!("{target}() got an unexpected keyword argument '{name}'")));
            }
        }
    }
    let [object, encoding, errors] = bound;
    let encoding = encoding.map(|value| text_argument(value, target, "encoding")).transpose()?;
    let errors = errors.map(|value| text_argument(value, target, "errors")).transpose()?;
    let without = match (encoding, errors) {
        (Some(_), _) => Some("encoding without a string argument"),
        (None, Some(_)) => Some("errors without a string argument"),
        (None, None) => None,
    };
    let Some(object) = object else {
        return without.map_or(Ok(Vec::new()), |message| Err(type_error(message)));
    };
    if let Some(text) = object.downcast::<PyStr>() {
        if without.is_none()
            && target == "bytes"
            && let Some(bytes) = by_method(thread, object)?
        {
            return Ok(bytes);
        }
        return match (encoding, errors) {
            (None, None) => Err(type_error("string argument without an encoding")),
            (None, Some(_)) => Err(type_error("string argument without an encoding")),
            (Some(encoding), errors) => {
                let encoded = crate::codecs::encode(thread, text, Some(encoding), errors)?;
                Ok(bytes::value(encoded.get()).unwrap_or_default().to_vec())
            }
        };
    }
    if let Some(message) = without {
        return Err(type_error(message));
    }
    if target == "bytes"
        && let Some(bytes) = by_method(thread, object)?
    {
        return Ok(bytes);
    }
    if int::is_int(object) || crate::class_of(object).slots.nb_index().is_some() {
        match zeros(thread, object) {
            Err(error) if error.matches(&crate::types::exception::TypeError) => {}
            result => return result,
        }
    }
    let item = if target == "bytes" { "bytes" } else { "byte" };
    from_buffer_or_iterable(thread, object, target, item)
}

#[pymethods(part = BYTES_CONSTRUCT)]
impl PyBytes {
    #[new]
    #[no_text_signature]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let exact = std::ptr::eq(cls, PyBytes::static_type().get());
        if exact && let Some([only]) = args.exact::<1>() {
            if is_exact(only, PyBytes::static_type()) {
                return Ok(only.to_owned());
            }
            // An instance of a subclass stays what it is.
            if let Some(made) = object_by_method(thread, only)? {
                return Ok(made);
            }
        }
        let made = source(thread, &args, "bytes")?;
        Ok(bytes::subclass_object(thread, cls, &made)?.into_value())
    }
}
