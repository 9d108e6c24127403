//! What picklers and unpicklers have in common: an attribute that hides a method, and the names of Python 2.

use crate::support::import_attr;
use orochi_core::Owner;
use orochi_objects::error::attribute_error;
use orochi_objects::types::native_function::PyNativeFunction;
use orochi_objects::types::object::{generic_get_attr, generic_set_attr};
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::{AtomicField, PyResult, Ref, Thread, Value, protocol, str};

/// A method that a subclass or a program has put in place of a native one.
pub(super) fn overriding(method: Value) -> Option<Value> {
    (method.get().downcast::<PyNativeFunction>().is_none()).then_some(method)
}

/// `this.name`, where the attribute called `own_name` is what was assigned to the object, if something was.
pub(super) fn get_with_own(
    thread: &mut Thread,
    this: Ref<'_>,
    name: Ref<'_>,
    own_name: &str,
    own: Option<&AtomicField>,
) -> PyResult {
    let name = str::expect_attribute_name(name)?;
    if name.as_bytes() == own_name.as_bytes()
        && let Some(own) = own.and_then(|own| own.get(thread))
    {
        return Ok(own);
    }
    generic_get_attr(thread, this, name)
}

/// `this.name = value`, where the attribute called `own_name` is kept in the object itself.
pub(super) fn set_with_own(
    thread: &mut Thread,
    this: Ref<'_>,
    name: Ref<'_>,
    value: Option<Ref<'_>>,
    own_name: &str,
    own: Option<(Owner<'_>, &AtomicField)>,
) -> PyResult<()> {
    let text = str::expect_attribute_name(name)?;
    match own.filter(|_| text.as_bytes() == own_name.as_bytes()) {
        Some((owner, own)) => {
            let old = own.swap(owner, thread, value.map(Ref::to_owned));
            if value.is_none() && old.is_none() { Err(attribute_error(this, name)) } else { Ok(()) }
        }
        None => generic_set_attr(thread, this, text, value),
    }
}

/// The names that a module and a name in it have in the other major version of Python, by two tables of `_compat_pickle`.
pub(super) fn renamed(
    thread: &mut Thread,
    module: Value,
    name: Value,
    names: &str,
    modules: &str,
) -> PyResult<(Value, Value)> {
    let names = import_attr(thread, "_compat_pickle", names)?;
    let key = tuple::of(thread, [module.clone(), name.clone()])?;
    if protocol::contains(thread, names.get(), key.get())? {
        let pair = protocol::get_item(thread, names.get(), key.get())?;
        if let Some(pair) = pair.get().downcast::<PyTuple>()
            && let (Some(module), Some(name)) = (pair.item(0), pair.item(1))
        {
            return Ok((module.to_owned(), name.to_owned()));
        }
    }
    let modules = import_attr(thread, "_compat_pickle", modules)?;
    if protocol::contains(thread, modules.get(), module.get())? {
        return Ok((protocol::get_item(thread, modules.get(), module.get())?, name));
    }
    Ok((module, name))
}
