//! `None`, `Ellipsis` and `NotImplemented`: immediates, each with its class.

use crate::error::{PyResult, type_error};
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

macro_rules! singleton {
    ($(#[$doc:meta])* $type:ident, $name:literal, $repr:literal, $value:ident $(, $slot:item)*) => {
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
            fn tp_repr(thread: &mut Thread, _this: Ref<'_>) -> PyResult {
                crate::str::new(thread, $repr)
            }

            $($slot)*
        }
    };
}

singleton! {
    /// The type of the None singleton.
    PyNone, "NoneType", "None", NONE
}
singleton! {
    /// The type of the Ellipsis singleton.
    PyEllipsis, "ellipsis", "Ellipsis", ELLIPSIS,
    fn __reduce__(thread: &mut Thread, _this: Ref<'_>) -> PyResult {
        crate::str::new(thread, "Ellipsis")
    }
}
singleton! {
    /// The type of the NotImplemented singleton.
    PyNotImplemented, "NotImplementedType", "NotImplemented", NOT_IMPLEMENTED,
    fn __reduce__(thread: &mut Thread, _this: Ref<'_>) -> PyResult {
        crate::str::new(thread, "NotImplemented")
    },
    #[slot]
    fn nb_bool(_thread: &mut Thread, _this: Ref<'_>) -> PyResult<bool> {
        Err(type_error("NotImplemented should not be used in a boolean context"))
    }
}
