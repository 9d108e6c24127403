//! `_weakref`: weak references.

use orochi_core::weak;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::PyResult;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::key::Key;
use orochi_objects::types::list;
use orochi_objects::types::weakref::{self, PyWeakRef};
use orochi_objects::{ModuleExt, Obj, PyClass, PyModule, Ref, Thread};

/// Return the number of weak references to an object.
#[pyfunction]
#[signature(object, /)]
fn getweakrefcount(thread: &mut Thread, object: Ref<'_>) -> usize {
    weak::references(thread, object).len()
}

/// Return a list of the weak references to an object.
#[pyfunction]
#[signature(object, /)]
fn getweakrefs(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    let mut found = weak::references(thread, object);
    // Those that are shared by all who ask for one come first: the reference, then the proxy.
    found.sort_by_key(|found| weakref::sharing_rank(thread, found.get()));
    Ok(list::new(thread, found)?.into_value())
}

/// Create a proxy object that weakly references an object.
#[pyfunction]
#[signature(object, callback = None, /)]
fn proxy(thread: &mut Thread, object: Ref<'_>, callback: Option<Ref<'_>>) -> PyResult {
    weakref::new_proxy(thread, object, callback)
}

/// Remove a dead weak reference from a dict, unless another thread has replaced it.
#[pyfunction]
#[signature(dct, key, /)]
fn _remove_dead_weakref(thread: &mut Thread, dct: &Obj<PyDict>, key: Ref<'_>) -> PyResult<()> {
    let found = dict::get_item(thread, dct, key)?;
    let dead = match found.as_ref().and_then(|found| found.get().downcast::<PyWeakRef>()) {
        Some(reference) => reference.upgrade(thread).is_none(),
        None => false,
    };
    if dead {
        let key = Key::for_dict(thread, key)?;
        dict::remove(thread, dct, &key)?;
    }
    Ok(())
}

/// Weak references.
#[pymodule(
    name = "_weakref",
    functions(getweakrefcount, getweakrefs, proxy, _remove_dead_weakref),
    classes(PyWeakRef)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "ref", PyWeakRef::static_type().get().to_value())?;
    module.add(thread, "ProxyType", weakref::proxy::PROXY.get().to_value())?;
    module.add(thread, "CallableProxyType", weakref::proxy::CALLABLE_PROXY.get().to_value())
}
