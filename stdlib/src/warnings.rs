//! `_warnings`: issuing warnings before, and without, importing `warnings`.
//!
//! The filters and their lock are those of the library's pure-Python implementation, so this module has just the two
//! functions that the import system and native code call, and hands on to it.

use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::PyResult;
use orochi_objects::thread::ThreadState;
use orochi_objects::{Args, Obj, PyModule, Thread, protocol};

fn call(thread: &mut Thread, function: &str, args: Args<'_>) -> PyResult {
    let builtins = ThreadState::builtins(thread)?;
    let import = orochi_objects::str::intern(thread, "__import__")?;
    let import = protocol::get_item(thread, builtins.get(), import.get())?;
    let name = orochi_objects::str::new(thread, "warnings")?;
    let module = protocol::call(thread, import.get(), &[name.get()])?;
    let function = protocol::get_attr_str(thread, module.get(), function)?;
    protocol::call_args(thread, function.get(), args)
}

/// Issue a warning, or maybe ignore it or raise an exception.
#[pyfunction]
#[text_signature = "($module, /, message, category=None, stacklevel=1, source=None, *, skip_file_prefixes=())"]
fn warn(thread: &mut Thread, args: Args<'_>) -> PyResult {
    call(thread, "warn", args)
}

/// Issue a warning, or maybe ignore it or raise an exception, for a place that is given.
#[pyfunction]
#[text_signature = "($module, /, message, category, filename, lineno, module=None, registry=None, module_globals=None, source=None)"]
fn warn_explicit(thread: &mut Thread, args: Args<'_>) -> PyResult {
    call(thread, "warn_explicit", args)
}

/// Issuing warnings.
#[pymodule(name = "_warnings", functions(warn, warn_explicit))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
