//! Tracebacks of failed imports without importlib's frames: who imports wants to see the module, not the machinery.
//!
//! By CPython's rule: of an ImportError all such frames go; of other errors those that end where a module's own code begins, so
//! that a bug in the machinery itself stays visible.

use orochi_core::{Thread, Value};
use orochi_objects::error::{PyErr, PyResult};
use orochi_objects::types::exception;
use orochi_objects::{protocol, str};

/// Where the machinery's code says that it comes from.
const FILES: &[&str] =
    &["<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>", "<frozen _orochi_library>"];

/// The function that calls a module's code.
const BORDER: &str = "_call_with_frames_removed";

/// The error without frames of the machinery.
pub(super) fn trimmed(thread: &mut Thread, mut error: PyErr) -> PyErr {
    let all = error.matches(&exception::ImportError);
    let raised = error.value(thread);
    // What can't be trimmed is shown whole.
    let _ = trim(thread, &raised, all);
    error
}

fn trim(thread: &mut Thread, error: &Value, all: bool) -> PyResult<()> {
    let mut next = protocol::get_attr_str(thread, error.get(), "__traceback__")?;
    // The entry before the one that is looked at, and the one before the machinery's frames; None: the exception itself.
    let (mut previous, mut outer): (Option<Value>, Option<Value>) = (None, None);
    let mut was_machinery = false;
    while !next.get().is_none() {
        let entry = next;
        next = protocol::get_attr_str(thread, entry.get(), "tb_next")?;
        let frame = protocol::get_attr_str(thread, entry.get(), "tb_frame")?;
        let code = protocol::get_attr_str(thread, frame.get(), "f_code")?;
        let file = protocol::get_attr_str(thread, code.get(), "co_filename")?;
        let is_machinery = FILES.contains(&str::display(file.get()).as_str());
        if is_machinery && !was_machinery {
            outer = previous.clone();
        }
        was_machinery = is_machinery;
        let name = protocol::get_attr_str(thread, code.get(), "co_name")?;
        if is_machinery && (all || str::display(name.get()) == BORDER) {
            match &outer {
                Some(outer) => protocol::set_attr_str(thread, outer.get(), "tb_next", next.get())?,
                None => protocol::set_attr_str(thread, error.get(), "__traceback__", next.get())?,
            }
            previous = outer.clone();
        } else {
            previous = Some(entry);
        }
    }
    Ok(())
}
