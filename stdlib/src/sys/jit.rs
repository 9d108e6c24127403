//! `sys._jit`: whether code is compiled to machine code as it runs. It isn't.

use orochi_core::{Owned, Thread};
use orochi_macros::pyfunction;
use orochi_objects::error::PyResult;
use orochi_objects::types::{module, native_function};
use orochi_objects::{ModuleExt, PyModule};

/// Return True if this build supports compilation as code runs.
#[pyfunction]
fn is_available() -> bool {
    false
}

/// Return True if it is enabled for this process.
#[pyfunction]
fn is_enabled() -> bool {
    false
}

/// Return True if the caller runs compiled code.
#[pyfunction]
fn is_active() -> bool {
    false
}

/// The namespace.
pub(super) fn create(thread: &mut Thread) -> PyResult<Owned<PyModule>> {
    let jit = module::new(thread, "sys._jit", None)?;
    for function in [&__def_is_available, &__def_is_enabled, &__def_is_active] {
        let object = native_function::new(thread, function, None, None)?;
        jit.add(thread, function.name, object)?;
    }
    Ok(jit)
}
