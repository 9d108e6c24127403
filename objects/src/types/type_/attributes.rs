//! Attributes of classes: lookup through the metaclass and the MRO, assignment with everything that depends on it.

use crate::class::PyClass;
use crate::error::{PyErr, PyResult};
use crate::name;
use crate::types::dict::{self, DictExt};
use crate::types::str::PyStr;
use crate::types::r#type::{PyType, TypeExt, change};
use orochi_core::{Obj, Ref, Thread, Value};

/// `class.name`: data descriptors of the metaclass, then the class and its bases, then other attributes of the metaclass.
pub(crate) fn get(thread: &mut Thread, class: &Obj<PyType>, name: &Obj<PyStr>) -> PyResult {
    match find(thread, class, name)? {
        Some(value) => Ok(value),
        None => Err(missing(class, name)),
    }
}

/// The object as a class whose attributes are looked up as [`get`] does it.
pub(crate) fn with_plain_getattr(object: Ref<'_>) -> Option<&Obj<PyType>> {
    let class = object.downcast::<PyType>()?;
    let address = |class: &Obj<PyType>| class.slots.tp_getattro().map(|getattr| getattr as usize);
    let is_plain = address(crate::class_of(object)) == address(PyType::static_type().get());
    is_plain.then_some(class)
}

#[cold]
fn missing(class: &Obj<PyType>, name: &Obj<PyStr>) -> PyErr {
    crate::error::attribute_error(class.get(), name.get())
}

/// [`get`] that says `None` (of Rust) if there is no such attribute.
pub(crate) fn find(thread: &mut Thread, class: &Obj<PyType>, name: &Obj<PyStr>) -> PyResult<Option<Value>> {
    let metaclass = crate::class_of(class.get());
    let of_metaclass = metaclass.lookup(thread, name).map(Ref::to_owned);
    let bind_of_metaclass =
        of_metaclass.as_ref().and_then(|found| crate::class_of(found.get()).slots.tp_descr_get());
    if let (Some(found), Some(get)) = (&of_metaclass, bind_of_metaclass)
        && crate::class_of(found.get()).slots.tp_descr_set().is_some()
    {
        return get(thread, found.get(), Some(class.get()), Some(metaclass.get())).map(Some);
    }
    if let Some(found) = class.lookup(thread, name).map(Ref::to_owned) {
        return match crate::class_of(found.get()).slots.tp_descr_get() {
            Some(get) => get(thread, found.get(), None, Some(class.get())).map(Some),
            None => Ok(Some(found)),
        };
    }
    match (of_metaclass, bind_of_metaclass) {
        (Some(found), Some(get)) => {
            get(thread, found.get(), Some(class.get()), Some(metaclass.get())).map(Some)
        }
        (found, _) => Ok(found),
    }
}

/// `class.name = value` or `del class.name`.
pub(crate) fn set(
    thread: &mut Thread,
    class: &Obj<PyType>,
    name: &Obj<PyStr>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    super::check_mutable(class, &name.as_wtf8().to_string_lossy())?;
    let name = crate::interned::intern_name(name)?;
    let found = crate::class_of(class.get()).lookup(thread, name).map(Ref::to_owned);
    if let Some(found) = &found
        && let Some(set) = crate::class_of(found.get()).slots.tp_descr_set()
    {
        return set(thread, found.get(), class.get(), value);
    }
    set_in_namespace(thread, class, name, value)
}

/// Sets or deletes in the class's own namespace, past descriptors of the metaclass.
pub(crate) fn set_in_namespace(
    thread: &mut Thread,
    class: &Obj<PyType>,
    name: &'static Obj<PyStr>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let namespace = class.namespace(thread).to_owned();
    // What was there is dropped after the caches have forgotten it: they don't count what they hold.
    let old = namespace.get_str(thread, name).map(Ref::to_owned);
    let removed = change(thread, class, |thread| {
        let removed = match value {
            Some(value) => namespace.set_str(thread, name, value.to_owned()).map(|()| None)?,
            None => Some(namespace.remove_str(thread, name)?.ok_or_else(|| missing(class, name))?),
        };
        // The slots belong to what caches know.
        super::update::update_name(thread, class, name);
        PyResult::Ok(removed)
    })?;
    drop((removed, old));
    Ok(())
}

/// `dir(class)`: the names in the class and its bases.
pub(crate) fn directory(thread: &mut Thread, class: &Obj<PyType>) -> PyResult {
    let names = dict::new(thread)?;
    collect_names(thread, &names, class)?;
    let mut keys = Vec::new();
    for entry in dict::entries(thread, &names)? {
        keys.push(entry.key);
    }
    crate::types::list_object(thread, keys)
}

/// Adds the names of a class and its bases (as `__bases__` tells them) to a dict.
pub(crate) fn collect_names(
    thread: &mut Thread,
    names: &Obj<dict::PyDict>,
    class: &Obj<PyType>,
) -> PyResult<()> {
    for entry in dict::entries(thread, class.namespace(thread))? {
        dict::set_item(thread, names, entry.key.get(), Value::NONE)?;
    }
    let Some(bases) = crate::protocol::find_attr(thread, class.get(), name!("__bases__"))? else {
        return Ok(());
    };
    let Some(bases) = bases.get().downcast::<crate::types::tuple::PyTuple>() else { return Ok(()) };
    for base in bases.items().filter_map(Ref::downcast::<PyType>) {
        collect_names(thread, names, base)?;
    }
    Ok(())
}
