//! What the object layer asks of the interpreter loop, which lies in the layer above.
//!
//! The loop enters its functions here once, before any Python code runs.

use crate::args::Args;
use crate::error::{PyErr, PyResult};
use crate::slots::Sent;
use crate::types::function::PyFunction;
use crate::types::generator::PyGenerator;
use orochi_core::{Obj, Ref, Thread, Value};
use std::sync::OnceLock;

/// The loop's functions.
pub struct Hooks {
    /// Calls a Python function.
    pub call_function: fn(&mut Thread, &Obj<PyFunction>, Args<'_>) -> PyResult,
    /// Resumes a generator with a value, or with an exception.
    pub resume: fn(&mut Thread, &Obj<PyGenerator>, Result<Ref<'_>, PyErr>) -> PyResult<Sent>,
    /// The next value of a generator.
    pub next: fn(&mut Thread, &Obj<PyGenerator>) -> PyResult<Option<Value>>,
    /// See [`feed`].
    pub feed: fn(&mut Thread, &Obj<PyGenerator>, Take<'_>) -> PyResult<Option<Value>>,
}

/// Takes an item without running Python code, or gives it back.
pub type Take<'a> = &'a mut dyn FnMut(&mut Thread, Value) -> Option<Value>;

static HOOKS: OnceLock<Hooks> = OnceLock::new();

/// Enters the loop's functions; the first call counts.
pub fn set_hooks(hooks: Hooks) {
    let _ = HOOKS.set(hooks);
}

fn hooks() -> PyResult<&'static Hooks> {
    HOOKS.get().ok_or_else(|| crate::error::system_error("there is no interpreter"))
}

/// Calls a Python function.
pub fn call_function(thread: &mut Thread, function: &Obj<PyFunction>, args: Args<'_>) -> PyResult {
    (hooks()?.call_function)(thread, function, args)
}

/// Resumes a generator with a value, or with an exception.
pub fn resume(
    thread: &mut Thread,
    generator: &Obj<PyGenerator>,
    sent: Result<Ref<'_>, PyErr>,
) -> PyResult<Sent> {
    (hooks()?.resume)(thread, generator, sent)
}

/// The next value of a generator; `None` at its end.
pub fn next(thread: &mut Thread, generator: &Obj<PyGenerator>) -> PyResult<Option<Value>> {
    (hooks()?.next)(thread, generator)
}

/// Gives the values of a generator to `take`, between whose calls the generator's frame stays where it is: nobody can see that the
/// generator isn't suspended, since no Python code runs. The value that `take` gives back; `None` at the generator's end.
pub fn feed(thread: &mut Thread, generator: &Obj<PyGenerator>, take: Take<'_>) -> PyResult<Option<Value>> {
    (hooks()?.feed)(thread, generator, take)
}

/// A finished resumption as `next` sees it: the value, or `None` when the generator returned.
pub fn yielded(sent: Sent) -> Result<Value, Value> {
    match sent {
        Sent::Yield(value) => Ok(value),
        Sent::Return(value) => Err(value),
    }
}
