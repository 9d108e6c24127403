//! What belongs to a thread and to an interpreter, beyond the runtime's core.

use crate::error::PyResult;
use orochi_core::{Thread, Value};

/// Runs `f` with the attached thread of this OS thread. Only where no `&Thread` can be had (formatting a message, say).
pub fn with_thread<R: Default>(f: impl FnOnce(&Thread) -> R) -> R {
    orochi_core::thread::current(f).unwrap_or_default()
}

/// The name of the module whose code is running (`__name__` of its globals), for `__module__` of what it makes.
pub fn calling_module(thread: &Thread) -> Option<Value> {
    use crate::types::dict::DictExt;
    if !crate::thread::ThreadState::exists(thread) {
        return None;
    }
    let frame = crate::thread::ThreadState::of(thread).frames.top()?;
    let name = frame.function().globals().get_str(thread, crate::name!("__name__"))?;
    Some(name.to_owned())
}

/// The class and the instance that `super()` means in the running function.
///
/// # Errors
/// RuntimeError if there are none.
pub fn super_arguments(thread: &Thread) -> PyResult<(Value, Value)> {
    use crate::error::runtime_error;
    if !crate::thread::ThreadState::exists(thread) {
        return Err(runtime_error("super(): no current frame"));
    }
    let Some(frame) = crate::thread::ThreadState::of(thread).frames.top() else {
        return Err(runtime_error("super(): no current frame"));
    };
    let code = frame.code();
    if code.code.argcount == 0 {
        return Err(runtime_error("super(): no arguments"));
    }
    // SAFETY: a function with arguments has a register 0.
    let Some(first) = (unsafe { frame.register(0) }) else {
        return Err(runtime_error("super(): arg[0] deleted"));
    };
    let first = match first.downcast::<crate::types::cell::PyCell>() {
        Some(cell) => match cell.contents.get(thread) {
            Some(contents) => contents,
            None => return Err(runtime_error("super(): arg[0] deleted")),
        },
        None => first.to_owned(),
    };
    let index = code.code.freevars.iter().position(|name| &**name == "__class__");
    let Some(cell) = index.and_then(|index| frame.function().free_cell(thread, index)) else {
        return Err(runtime_error("super(): __class__ cell not found"));
    };
    match cell.contents.get(thread) {
        Some(class) => Ok((class, first)),
        None => Err(runtime_error("super(): empty __class__ cell")),
    }
}
