//! `AtomicReference`: a reference that threads change without a lock.

use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::protocol;
use orochi_objects::{AtomicField, Obj, PyResult, PyType, Ref, Thread, Value, alloc};

/// A reference that threads change without a lock: each method is one atomic operation.
#[pyclass(name = "AtomicReference", module = "orochi.concurrent", subclassable, weakref)]
#[derive(Trace)]
pub(super) struct AtomicReference {
    value: AtomicField,
}

impl AtomicReference {
    fn get(thread: &Thread, this: &Obj<Self>) -> Value {
        this.value.get(thread).unwrap_or(Value::NONE)
    }
}

#[pymethods]
impl AtomicReference {
    #[new]
    #[signature(value = None, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, value: Option<Ref<'_>>) -> PyResult {
        let value = value.map_or(Value::NONE, Ref::to_owned);
        Ok(alloc(thread, cls, AtomicReference { value: AtomicField::new_local(value) })?.into_value())
    }

    /// Return the object.
    fn load(thread: &mut Thread, this: &Obj<Self>) -> Value {
        Self::get(thread, this)
    }

    /// Set the object.
    #[signature(value, /)]
    fn store(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) {
        this.value.swap(this, thread, Some(value.to_owned()));
    }

    /// Set the object; return the one before.
    #[signature(value, /)]
    fn swap(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> Value {
        this.value.swap(this, thread, Some(value.to_owned())).unwrap_or(Value::NONE)
    }

    /// Set the object to new if it is expected (the same object); return whether it was.
    #[signature(expected, new, /)]
    fn compare_exchange(thread: &mut Thread, this: &Obj<Self>, expected: Ref<'_>, new: Ref<'_>) -> bool {
        let expected = expected.to_owned();
        this.value.replace_if(this, thread, &expected, new.to_owned()).is_ok()
    }

    /// Replace the object by function(object), called again if another thread was faster; return the new object.
    #[signature(function, /)]
    fn update(thread: &mut Thread, this: &Obj<Self>, function: Ref<'_>) -> PyResult {
        loop {
            let before = Self::get(thread, this);
            let after = protocol::call(thread, function, &[before.get()])?;
            if this.value.replace_if(this, thread, &before, after.clone()).is_ok() {
                return Ok(after);
            }
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let value = Self::get(thread, this);
        let text = protocol::repr(thread, value.get())?;
        let text = format!("AtomicReference({})", orochi_objects::str::display(text.get()));
        orochi_objects::str::new(thread, &text)
    }
}
