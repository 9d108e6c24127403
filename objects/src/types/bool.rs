//! `bool`: two immediates.

use crate::error::PyResult;
use crate::types::int::PyInt;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Returns True when the argument is true, False otherwise.
#[pyclass(name = "bool", base = PyInt)]
#[derive(Trace)]
pub struct PyBool {
    /// Never used: True and False are immediates.
    int: PyInt,
}

#[pymethods]
impl PyBool {
    #[new]
    #[signature(object = false, /)]
    fn new(thread: &mut Thread, _cls: &Obj<PyType>, object: Option<Ref<'_>>) -> PyResult {
        Ok(Value::bool(object.map_or(Ok(false), |object| crate::protocol::is_true(thread, object))?))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        crate::str::new(thread, if this.is(Ref::TRUE) { "True" } else { "False" })
    }
}
