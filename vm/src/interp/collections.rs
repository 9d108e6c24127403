//! What instructions need of built-in types, in the words of the instructions.

use orochi_core::{Obj, Ref, Thread, Value};
use orochi_objects::class::{PyClass, is_exact};
use orochi_objects::class_of;
use orochi_objects::error::{PyResult, system_error, type_error};
use orochi_objects::name;
use orochi_objects::protocol;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::set::{self, PySet};
use orochi_objects::types::super_::PySuper;
use orochi_objects::types::r#type::PyType;
use orochi_objects::types::{slice, str};

/// A list.
pub(super) fn list_new(thread: &mut Thread, values: Vec<Value>) -> PyResult {
    Ok(list::new(thread, values)?.into_value())
}

/// Whether it is exactly a list.
pub(super) fn is_list(object: Ref<'_>) -> bool {
    is_exact(object, PyList::static_type())
}

fn as_list(object: Ref<'_>) -> PyResult<&Obj<PyList>> {
    object.downcast::<PyList>().ok_or_else(|| system_error("expected a list"))
}

/// `list.append(value)`.
pub(super) fn list_push(thread: &mut Thread, list: Ref<'_>, value: Value) -> PyResult<()> {
    list::push(thread, as_list(list)?, value)
}

/// `list.extend(iterable)`.
pub(super) fn list_extend(thread: &mut Thread, list: Ref<'_>, iterable: Ref<'_>) -> PyResult<()> {
    list::extend(thread, as_list(list)?, iterable)
}

/// The items of a list.
pub(super) fn list_values(thread: &mut Thread, list: Ref<'_>) -> PyResult<Vec<Value>> {
    list::values(thread, as_list(list)?)
}

/// An empty set.
pub(super) fn set_new(thread: &mut Thread) -> PyResult {
    Ok(set::new(thread)?.into_value())
}

/// `set.add(item)`.
pub(super) fn set_add(thread: &mut Thread, set: Ref<'_>, item: Ref<'_>) -> PyResult<()> {
    // A comprehension's set is one; `__conditional_annotations__` is what a program makes of it.
    let no_set = || type_error(format!("'{}' object is not a set", class_of(set).name()));
    let set = set.downcast::<PySet>().ok_or_else(no_set)?;
    set::add(thread, set, item).map(drop)
}

/// A slice.
pub(super) fn slice_new(thread: &mut Thread, start: Value, stop: Value, step: Value) -> PyResult {
    Ok(slice::new(thread, start, stop, step)?.into_value())
}

/// The keys and values of a dict.
pub(super) fn dict_items(thread: &mut Thread, dict: &Obj<PyDict>) -> PyResult<Vec<(Value, Value)>> {
    Ok(dict::entries(thread, dict)?.into_iter().map(|entry| (entry.key, entry.value)).collect())
}

/// `ascii(object)`.
pub(super) fn ascii(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    let text = protocol::repr(thread, object)?;
    let shown = str::display(text.get());
    if shown.is_ascii() {
        return Ok(text);
    }
    let mut out = String::new();
    for character in shown.chars() {
        match character as u32 {
            code if code < 0x80 => out.push(character),
            code if code < 0x100 => out.push_str(&format!("\\x{code:02x}")),
            code if code < 0x10000 => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    str::new(thread, &out)
}

/// `format(object, spec)`.
pub(crate) fn format(thread: &mut Thread, object: Ref<'_>, spec: Ref<'_>) -> PyResult {
    orochi_objects::types::str_::format::format_object(thread, object, spec)
}

/// How a callable is named in messages about its arguments: `module.qualname()`.
pub(super) fn function_text(thread: &mut Thread, callable: Ref<'_>) -> PyResult<String> {
    let Some(qualname) = protocol::find_attr(thread, callable, name!("__qualname__"))? else {
        let text = protocol::str(thread, callable)?;
        return Ok(str::display(text.get()));
    };
    let module =
        protocol::find_attr(thread, callable, name!("__module__"))?.filter(|module| !module.get().is_none());
    let qualname = str::display(qualname.get());
    Ok(match module.map(|module| str::display(module.get())) {
        Some(module) if module != "builtins" => format!("{module}.{qualname}()"),
        _ => format!("{qualname}()"),
    })
}

/// Whether it is the built-in `super`.
pub(super) fn is_super(object: Ref<'_>) -> bool {
    object.is(PySuper::static_type().get().get())
}

/// Whether attributes of instances are looked up the common way.
pub(super) fn has_generic_getattr(class: &Obj<PyType>) -> bool {
    orochi_objects::types::object::has_generic_getattr(class)
}

/// An exception group of one exception, for `except*`.
pub(super) fn wrap_in_group(thread: &mut Thread, exception: Ref<'_>) -> PyResult {
    orochi_objects::types::exception_::star::wrap(thread, exception)
}

/// What a `try` with `except*` raises in the end.
pub(super) fn prepare_reraise_star(thread: &mut Thread, original: Ref<'_>, raised: Vec<Value>) -> PyResult {
    orochi_objects::types::exception_::star::prepare_reraise(thread, original, raised)
}
