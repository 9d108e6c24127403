//! `object`: the root class, and the generic attribute protocol.

use crate::error::{PyResult, attribute_error};
use crate::types::str::PyStr;
use crate::types::r#type::TypeExt;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// An instance without native payload.
#[pyclass(name = "object", subclassable)]
#[derive(Trace)]
pub struct PyObject {}

#[pymethods]
impl PyObject {
    #[slot]
    fn tp_getattro(thread: &mut Thread, this: Ref<'_>, name: Ref<'_>) -> PyResult {
        generic_get_attr(thread, this, crate::str::expect(name, "attribute name")?)
    }

    #[slot]
    fn tp_setattro(
        thread: &mut Thread,
        this: Ref<'_>,
        name: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        generic_set_attr(thread, this, crate::str::expect(name, "attribute name")?, value)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let class = crate::class_of(this);
        crate::str::new(thread, &format!("<{} object at {:#x}>", class.name(), this.word()))
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        crate::protocol::repr(thread, this)
    }

    #[slot]
    fn tp_hash(_thread: &mut Thread, this: Ref<'_>) -> PyResult<i64> {
        Ok(crate::hash::of_address(this))
    }
}

/// Calls a descriptor's `__get__` for an instance.
pub fn bind(thread: &mut Thread, found: Value, object: Ref<'_>) -> PyResult {
    let class = crate::class_of(found.get());
    match class.slots.tp_descr_get() {
        Some(get) => get(thread, found.get(), Some(object), Some(crate::class_of(object).get())),
        None => Ok(found),
    }
}

/// Attribute lookup as `object.__getattribute__` does it: data descriptors of the class, the instance's own attributes,
/// other attributes of the class. `None` if there is no such attribute.
pub fn find_attr(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>) -> PyResult<Option<Value>> {
    let class = crate::class_of(object);
    let found = class.lookup(thread, name).map(Ref::to_owned);
    if let Some(found) = &found {
        let slots = &crate::class_of(found.get()).slots;
        if slots.tp_descr_set().is_some() && slots.tp_descr_get().is_some() {
            return bind(thread, found.clone(), object).map(Some);
        }
    }
    if let Some(value) = crate::attributes::get(thread, object, name)? {
        return Ok(Some(value));
    }
    found.map(|found| bind(thread, found, object)).transpose()
}

/// [`find_attr`], or AttributeError.
pub fn generic_get_attr(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>) -> PyResult {
    match find_attr(thread, object, name)? {
        Some(value) => Ok(value),
        None => Err(attribute_error(object, name.get())),
    }
}

/// Attribute assignment (or deletion) as `object.__setattr__` does it.
pub fn generic_set_attr(
    thread: &mut Thread,
    object: Ref<'_>,
    name: &Obj<PyStr>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let found = crate::class_of(object).lookup(thread, name).map(Ref::to_owned);
    if let Some(found) = &found
        && let Some(set) = crate::class_of(found.get()).slots.tp_descr_set()
    {
        return set(thread, found.get(), object, value);
    }
    crate::attributes::set(thread, object, name, value, found.is_some())
}
