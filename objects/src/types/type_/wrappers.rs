//! Special methods of native classes: `wrapper_descriptor` objects that call a slot.

use crate::error::PyResult;
use crate::types::dict::PyDict;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Thread};

/// Adds a wrapper for each slot that the class itself defines.
pub(crate) fn add_wrappers(_thread: &Thread, _class: &Obj<PyType>, _namespace: &Obj<PyDict>) -> PyResult<()> {
    Ok(())
}
