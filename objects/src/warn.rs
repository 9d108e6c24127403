//! Warnings that native code issues: `warnings.warn` of the Python module.

use crate::class::StaticType;
use crate::error::PyResult;
use crate::protocol;
use crate::thread::ThreadState;
use crate::types::exception;
use orochi_core::Thread;

/// Issues a warning. An error if a filter turns it into one.
pub fn warn(thread: &mut Thread, category: &'static StaticType, message: &str) -> PyResult<()> {
    let modules = ThreadState::modules(thread)?;
    let name = crate::str::new(thread, "warnings")?;
    if !protocol::contains(thread, modules.get(), name.get())? {
        // Nothing filters or shows warnings before the module is imported.
        return Ok(());
    }
    let module = protocol::get_item(thread, modules.get(), name.get())?;
    let text = crate::str::new(thread, message)?;
    protocol::call_method(thread, module.get(), "warn", &[text.get(), category.get().get()])?;
    Ok(())
}

/// Issues a RuntimeWarning.
pub fn runtime_warning(thread: &mut Thread, message: &str) -> PyResult<()> {
    warn(thread, &exception::RuntimeWarning, message)
}

/// A DeprecationWarning for the caller.
#[cold]
pub fn deprecation(thread: &mut Thread, message: &str) -> PyResult<()> {
    warn(thread, &exception::DeprecationWarning, message)
}
