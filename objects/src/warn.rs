//! Warnings that native code issues: `warnings.warn` of the Python module.

use crate::class::StaticType;
use crate::error::PyResult;
use crate::protocol;
use crate::thread::ThreadState;
use crate::types::exception;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::{Ref, Thread, Value};

/// Whether bytes that are taken for text are warned of (`-b`).
static BYTES_WARNINGS: AtomicU64 = AtomicU64::new(0);

/// Turns warnings of bytes that are taken for text on, at start.
pub fn set_bytes_warnings(level: u8) {
    // Relaxed: a number that stands alone, set before there is a second thread.
    BYTES_WARNINGS.store(level.into(), Ordering::Relaxed);
}

/// Issues a BytesWarning, if `-b` asks for them.
pub fn bytes_warning(thread: &mut Thread, message: &str) -> PyResult<()> {
    match BYTES_WARNINGS.load(Ordering::Relaxed) {
        0 => Ok(()),
        _ => warn(thread, &exception::BytesWarning, message),
    }
}

/// The module that shows warnings: `_warnings`, or `warnings` where that is all there is.
fn module(thread: &mut Thread) -> PyResult<Option<Value>> {
    let modules = ThreadState::modules(thread)?;
    for name in ["_warnings", "warnings"] {
        let name = crate::str::new(thread, name)?;
        if protocol::contains(thread, modules.get(), name.get())? {
            return protocol::get_item(thread, modules.get(), name.get()).map(Some);
        }
    }
    // Nothing filters or shows warnings that early.
    Ok(None)
}

/// Issues a warning. An error if a filter turns it into one.
pub fn warn(thread: &mut Thread, category: &'static StaticType, message: &str) -> PyResult<()> {
    let Some(module) = module(thread)? else { return Ok(()) };
    let text = crate::str::new(thread, message)?;
    protocol::call_method(thread, module.get(), "warn", &[text.get(), category.get().get()])?;
    Ok(())
}

/// Issues a warning about a place in a file.
pub fn warn_explicit(
    thread: &mut Thread,
    category: &'static StaticType,
    message: &str,
    filename: &str,
    line: u32,
) -> PyResult<()> {
    let Some(module) = module(thread)? else { return Ok(()) };
    let (text, file) = (crate::str::new(thread, message)?, crate::str::new(thread, filename)?);
    let line = Value::small_int(i64::from(line)).unwrap_or(Value::NONE);
    let args = [text.get(), category.get().get(), file.get(), line.get()];
    protocol::call_method(thread, module.get(), "warn_explicit", &args).map(drop)
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

/// Tells of a coroutine that nobody has awaited, in the words of `warnings._warn_unawaited_coroutine` if there is that.
pub fn unawaited(thread: &mut Thread, coroutine: Ref<'_>, qualname: &str) {
    let message = Some("Exception ignored while finalizing coroutine");
    let mut told = false;
    match teller(thread) {
        Ok(Some(teller)) => match protocol::call(thread, teller.get(), &[coroutine]) {
            Ok(_) => told = true,
            Err(error) => {
                told = error.matches(&exception::RuntimeWarning);
                crate::finalize::unraisable(thread, error, message, coroutine);
            }
        },
        Ok(None) => {}
        Err(error) => crate::finalize::unraisable(thread, error, message, coroutine),
    }
    if !told && let Err(error) = runtime_warning(thread, &format!("coroutine '{qualname}' was never awaited"))
    {
        crate::finalize::unraisable(thread, error, message, coroutine);
    }
}

fn teller(thread: &mut Thread) -> PyResult<Option<Value>> {
    let builtins = ThreadState::builtins(thread)?;
    let import = protocol::get_item(thread, builtins.get(), crate::name!("__import__").get())?;
    let name = crate::str::new(thread, "warnings")?;
    let warnings = protocol::call(thread, import.get(), &[name.get()])?;
    protocol::find_attr(thread, warnings.get(), crate::name!("_warn_unawaited_coroutine"))
}
