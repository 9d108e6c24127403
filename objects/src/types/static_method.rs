//! `staticmethod`.

use crate::args::Args;
use crate::class::PyClass;
use crate::error::PyResult;
use crate::types::r#type::PyType;
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Turns a function in a class into one that gets neither instance nor class.
#[pyclass(name = "staticmethod", subclassable, dict)]
#[derive(Trace)]
pub struct PyStaticMethod {
    pub(crate) function: AtomicField,
}

/// `staticmethod(function)`.
pub fn new(thread: &Thread, function: Value) -> PyResult<Value> {
    let method = PyStaticMethod { function: AtomicField::new_local(function) };
    Ok(crate::alloc(thread, PyStaticMethod::static_type().get(), method)?.into_value())
}

#[pymethods]
impl PyStaticMethod {
    #[new]
    #[signature(function, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, function: Ref<'_>) -> PyResult {
        let method = PyStaticMethod { function: AtomicField::new_local(function.to_owned()) };
        Ok(crate::alloc(thread, cls, method)?.into_value())
    }

    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: &Obj<Self>,
        _object: Option<Ref<'_>>,
        _owner: Option<Ref<'_>>,
    ) -> PyResult {
        Ok(this.function.get(thread).unwrap_or(Value::NONE))
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let function = this.function.get(thread).unwrap_or(Value::NONE);
        crate::protocol::call_args(thread, function.get(), args)
    }

    #[getter]
    #[name = "__func__"]
    fn func(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.function.get(thread)
    }
}
