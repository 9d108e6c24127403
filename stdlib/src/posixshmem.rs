//! `_posixshmem`: memory by name, which processes share.

use crate::host::system;
use crate::os_support;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::value_error;
use orochi_objects::types::str::PyStr;
use orochi_objects::{Obj, PyModule, PyResult, Thread};
use std::ffi::CString;

fn c_name(thread: &mut Thread, path: &Obj<PyStr>) -> PyResult<CString> {
    let bytes = os_support::fs_encode(thread, path)?;
    CString::new(bytes).map_err(|_| value_error("embedded null character"))
}

/// Open a shared memory object.  Returns a file descriptor (integer).
#[pyfunction]
#[signature(path, flags, mode = 511)]
fn shm_open(thread: &mut Thread, path: &Obj<PyStr>, flags: i32, mode: u32) -> PyResult<i32> {
    let name = c_name(thread, path)?;
    let opened = os_support::blocking(thread, || system::shm_open(&name, flags, mode))?;
    opened.map_err(|error| os_support::os_failure(thread, &error, Some(path.to_value())))
}

/// Remove a shared memory object (similar to unlink()).
///
/// Remove a shared memory object name, and, once all processes  have  unmapped
/// the object, de-allocates and destroys the contents of the associated memory
/// region.
#[pyfunction]
#[signature(path)]
fn shm_unlink(thread: &mut Thread, path: &Obj<PyStr>) -> PyResult<()> {
    let name = c_name(thread, path)?;
    match os_support::blocking(thread, || system::shm_unlink(&name))? {
        Ok(_) => Ok(()),
        Err(error) => Err(os_support::os_failure(thread, &error, Some(path.to_value()))),
    }
}

/// POSIX shared memory module
#[pymodule(name = "_posixshmem", functions(shm_open, shm_unlink))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
