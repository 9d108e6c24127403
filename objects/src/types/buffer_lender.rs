//! `_buffer_wrapper`: what has `__release_buffer__` called when nobody looks at an object's memory any more.
//!
//! A view of an object whose class defines `__release_buffer__` in Python holds one of these, and so do the views made of
//! that view. With the last of them it dies, and its finalizer makes the call. (CPython has an object of this name for it too.)

use crate::buffer::BufferView;
use crate::class::TypeFlags;
use crate::error::{PyResult, type_error, value_error};
use crate::name;
use crate::protocol::special;
use crate::types::memoryview::{self, PyMemoryView, ViewExt};
use crate::types::method_descriptor::PyMethodDescriptor;
use crate::types::r#type::TypeExt;
use orochi_core::{Field, Obj, Ref, Thread};
use orochi_macros::{Trace, pyclass, pymethods};

/// Calls `__release_buffer__` when a view ends.
#[pyclass(name = "_buffer_wrapper", no_new)]
#[derive(Trace)]
pub struct PyBufferLender {
    exporter: Field,
    /// The memoryview that the call gets.
    view: Field,
    /// Whether the memoryview was made for the call, and ends with it.
    ends: bool,
}

/// Has a view that an object gave end with a call of `__release_buffer__`, if its class defines that in Python. The call gets the memoryview
/// that the object's `__buffer__` returned, else one of the same memory that can't be kept.
pub(crate) fn attach(
    thread: &mut Thread,
    exporter: Ref<'_>,
    returned: Option<Ref<'_>>,
    view: &mut BufferView,
) -> PyResult<()> {
    let class = crate::class_of(exporter);
    if !class.has(TypeFlags::HEAP) {
        return Ok(());
    }
    match class.lookup(thread, name!("__release_buffer__")) {
        Some(found) if found.downcast::<PyMethodDescriptor>().is_none() => {}
        _ => return Ok(()),
    }
    let shown = match returned {
        Some(returned) => returned.to_owned(),
        None => memoryview::restricted(thread, view)?,
    };
    let lender = PyBufferLender {
        exporter: Field::new_local(exporter.to_owned()),
        view: Field::new_local(shown),
        ends: returned.is_none(),
    };
    view.lender = Some(crate::make(thread, lender)?.into_value());
    Ok(())
}

/// What the `__release_buffer__` of a native class does: ends a memoryview of the object's memory.
///
/// # Errors
/// ValueError if it is a memoryview of something else, or ended already.
pub fn give_back(thread: &mut Thread, exporter: Ref<'_>, view: Ref<'_>) -> PyResult<()> {
    let Some(view) = view.downcast::<PyMemoryView>() else {
        return Err(type_error("expected a memoryview object"));
    };
    match view.memory_owner(thread) {
        None => Err(value_error("memoryview's buffer has already been released")),
        Some(owner) if !owner.get().is(exporter) => {
            Err(value_error("memoryview's buffer is not this object"))
        }
        Some(_) => view.release(thread),
    }
}

#[pymethods]
impl PyBufferLender {
    #[slot]
    fn tp_finalize(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        let view = this.view.fixed();
        let called = special::call(thread, this.exporter.fixed(), name!("__release_buffer__"), &[view]);
        if this.ends
            && let Some(view) = view.downcast::<PyMemoryView>()
        {
            view.release(thread)?;
        }
        called.map(drop)
    }
}
