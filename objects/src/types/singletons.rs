//! `None`, `Ellipsis` and `NotImplemented`: immediates, each with its class.

use crate::error::PyResult;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

macro_rules! singleton {
    ($(#[$doc:meta])* $type:ident, $name:literal, $repr:literal, $value:ident) => {
        $(#[$doc])*
        #[pyclass(name = $name)]
        #[derive(Trace)]
        pub struct $type {}

        #[pymethods]
        impl $type {
            #[new]
            fn new(_cls: &Obj<PyType>) -> Value {
                Value::$value
            }

            #[slot]
            fn tp_repr(thread: &mut Thread, _this: orochi_core::Ref<'_>) -> PyResult {
                crate::str::new(thread, $repr)
            }
        }
    };
}

singleton! {
    /// The type of the None singleton.
    PyNone, "NoneType", "None", NONE
}
singleton! {
    /// The type of the Ellipsis singleton.
    PyEllipsis, "ellipsis", "Ellipsis", ELLIPSIS
}
singleton! {
    /// The type of the NotImplemented singleton.
    PyNotImplemented, "NotImplementedType", "NotImplemented", NOT_IMPLEMENTED
}
