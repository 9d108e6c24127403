//! Functions for foreign code that run Python. Which one a key means is known to `_ctypes`.

use super::signature;
use crate::host::foreign;
use crate::support;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::memory_error;
use orochi_objects::types::{bytes, tuple};
use orochi_objects::{Obj, PyResult, PyType, Ref, Thread, alloc, buffer, finalize, int, protocol};

/// A function that foreign code may call, as long as the object exists.
#[pyclass(name = "Callback", module = "_orochi_ffi")]
#[derive(Trace)]
pub(super) struct PyCallback {
    #[trace(unsafe_skip)]
    callback: foreign::Callback,
}

#[pymethods]
impl PyCallback {
    #[new]
    #[signature(key, with_errno, result, kinds, /)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        key: usize,
        with_errno: bool,
        result: Ref<'_>,
        kinds: Ref<'_>,
    ) -> PyResult {
        let signature = signature::parse(result, kinds, None)?;
        let task = foreign::Task { answer, key: key as u64, with_errno };
        let callback = foreign::Callback::new(signature, task).ok_or_else(memory_error)?;
        Ok(alloc(thread, cls, PyCallback { callback })?.into_value())
    }

    /// Where its code is.
    #[getter]
    fn address(this: &Obj<Self>) -> usize {
        this.callback.address()
    }
}

/// Has `_ctypes` find the function and call it. Errors end here: C knows none.
fn answer(thread: &mut Thread, key: u64, arguments: Vec<Vec<u8>>) -> Vec<u8> {
    match ask(thread, key, arguments) {
        Ok(bytes) => bytes,
        Err(error) => {
            finalize::unraisable(thread, error, None, Ref::NONE);
            Vec::new()
        }
    }
}

fn ask(thread: &mut Thread, key: u64, arguments: Vec<Vec<u8>>) -> PyResult<Vec<u8>> {
    let key = int::new(thread, key as i64)?;
    let mut copies = Vec::with_capacity(arguments.len());
    for argument in arguments {
        copies.push(bytes::new(thread, &argument)?);
    }
    let arguments = tuple::new(thread, copies)?.into_value();
    let called_back = support::import_attr(thread, "_ctypes", "_called_back")?;
    let result = protocol::call(thread, called_back.get(), &[key.get(), arguments.get()])?;
    Ok(buffer::bytes_of(thread, result.get())?.to_vec())
}
