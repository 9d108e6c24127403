//! The attributes that instances keep for themselves.

use crate::error::{PyResult, attribute_error, attribute_error_message};
use crate::types::str::PyStr;
use orochi_core::{Obj, Ref, Thread, Value};

/// The instance's own attribute.
pub fn get(_thread: &mut Thread, _object: Ref<'_>, _name: &Obj<PyStr>) -> PyResult<Option<Value>> {
    Ok(None)
}

/// Sets or deletes the instance's own attribute. `in_class` tells whether the class has one of that name.
pub fn set(
    _thread: &mut Thread,
    object: Ref<'_>,
    name: &Obj<PyStr>,
    _value: Option<Ref<'_>>,
    in_class: bool,
) -> PyResult<()> {
    if in_class {
        let class = crate::class_of(object).name();
        return Err(attribute_error_message(format!(
            "'{class}' object attribute '{name}' is read-only",
            name = **name
        )));
    }
    Err(attribute_error(object, name.get()))
}
