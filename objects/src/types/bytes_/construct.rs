//! Bytes from any object: `bytes(…)`, `bytearray(…)`.

use crate::buffer;
use crate::error::{PyResult, type_error, value_error};
use crate::protocol;
use crate::types::int::{self, IntRef};
use crate::types::str::PyStr;
use orochi_core::{Ref, Thread};

/// An item of a bytes object; `what` is "bytes" or "byte".
pub fn byte(thread: &mut Thread, object: Ref<'_>, what: &str) -> PyResult<u8> {
    if let Some(small) = object.as_small_int() {
        return u8::try_from(small).map_err(|_| value_error(format!("{what} must be in range(0, 256)")));
    }
    let value = int::index(thread, object)?;
    let byte = int::value(value.get()).and_then(IntRef::to_i64).and_then(|value| u8::try_from(value).ok());
    byte.ok_or_else(|| value_error(format!("{what} must be in range(0, 256)")))
}

/// What `bytes(object)` makes of an object that is neither a str nor an int: its buffer, or an iterable of ints.
pub fn from_object(thread: &mut Thread, object: Ref<'_>) -> PyResult<Vec<u8>> {
    if let Some(result) = protocol::call_special(thread, object, crate::name!("__bytes__"), &[])? {
        return match crate::bytes::value(result.get()) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => {
                let class = crate::class_of(result.get()).name();
                Err(type_error(format!("__bytes__ returned non-bytes (type {class})")))
            }
        };
    }
    from_buffer_or_iterable(thread, object, "bytes", "bytes")
}

/// The bytes of a buffer or the items of an iterable. `target` names what is being made, `item` what an item is called.
pub fn from_buffer_or_iterable(
    thread: &mut Thread,
    object: Ref<'_>,
    target: &str,
    item_name: &str,
) -> PyResult<Vec<u8>> {
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
