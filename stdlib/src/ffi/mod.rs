//! `_orochi_ffi`: what `_ctypes` asks of the machine. Memory and functions are named by their addresses, values are bytes;
//! what classes make of them is Python (`Lib/_ctypes`).
//!
//! As in C, a wrong address or a wrong signature ends the process or worse: the one part of the library where a Python
//! program can do that.

mod callback;
mod memory;
mod signature;

use crate::host::foreign;
use crate::os_support;
use callback::PyCallback;
use memory::{PyMemory, PyView};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{
    attribute_error_message, memory_error, os_error_message, type_error, value_error,
};
use orochi_objects::types::bytes;
use orochi_objects::types::str::PyStr;
use orochi_objects::{ArgSlice, ModuleExt, Obj, PyModule, PyResult, Ref, Thread, buffer};
use std::ffi::CString;

fn c_string(bytes: impl Into<Vec<u8>>) -> PyResult<CString> {
    CString::new(bytes).map_err(|_| value_error("embedded null byte"))
}

/// The bytes of a name.
fn name_of(thread: &mut Thread, name: Ref<'_>) -> PyResult<CString> {
    match name.downcast::<PyStr>() {
        Some(name) => {
            let bytes = os_support::fs_encode(thread, name)?;
            c_string(bytes)
        }
        None => c_string(buffer::bytes_of(thread, name)?.to_vec()),
    }
}

fn checked(address: usize) -> PyResult<usize> {
    if address == 0 { Err(value_error("NULL pointer access")) } else { Ok(address) }
}

/// Loads a library.
#[pyfunction]
fn open(thread: &mut Thread, name: Option<Ref<'_>>, mode: i32) -> PyResult<usize> {
    let name = name.map(|name| name_of(thread, name)).transpose()?;
    // Loading may take long, and runs the library's own code.
    thread.detached(|| foreign::open(name.as_deref(), mode)).map_err(os_error_message)
}

/// The address of a name in a library. `what` is what errors call it.
#[pyfunction]
fn symbol(thread: &mut Thread, handle: usize, name: Ref<'_>, what: &str) -> PyResult<usize> {
    let name = name_of(thread, name)?;
    // SAFETY: the program answers for the handle.
    unsafe { foreign::symbol(handle, &name) }.map_err(|said| {
        let unsaid = || format!("{what} '{}' not found", name.to_string_lossy());
        attribute_error_message(if said.is_empty() { unsaid() } else { said })
    })
}

/// Gives a library up.
#[pyfunction]
fn close(thread: &mut Thread, handle: usize) -> PyResult<()> {
    // As loading does, this runs code of the library's own.
    // SAFETY: the program answers for the handle, and for not using the library any more.
    thread.detached(|| unsafe { foreign::close(handle) }).map_err(os_error_message)
}

/// Bytes at an address.
#[pyfunction]
fn read(thread: &mut Thread, address: usize, size: usize) -> PyResult {
    let mut copy = Vec::new();
    copy.try_reserve_exact(size).map_err(|_| memory_error())?;
    copy.resize(size, 0);
    if size != 0 {
        // SAFETY: the program answers for the address.
        unsafe { foreign::read(checked(address)?, &mut copy) };
    }
    bytes::new(thread, &copy)
}

/// Writes bytes to an address.
#[pyfunction]
fn write(thread: &mut Thread, address: usize, bytes: Ref<'_>) -> PyResult<()> {
    let bytes = buffer::bytes_of(thread, bytes)?;
    if !bytes.is_empty() {
        // SAFETY: the program answers for the address.
        unsafe { foreign::write(checked(address)?, &bytes) };
    }
    Ok(())
}

/// The bytes from an address up to the first zero.
#[pyfunction]
fn string(thread: &mut Thread, address: usize) -> PyResult {
    // SAFETY: the program answers for the address.
    let found = unsafe { foreign::string(checked(address)?) };
    bytes::new(thread, &found)
}

/// The address of a writable buffer's memory, which stays there as long as a memoryview on it.
#[pyfunction]
fn address_of(thread: &mut Thread, object: Ref<'_>, writable: bool) -> PyResult<usize> {
    let flags = if writable { buffer::flags::WRITABLE } else { buffer::flags::SIMPLE };
    let view = buffer::view(thread, object, flags)?;
    let address = view.address as usize;
    view.release(thread);
    Ok(address)
}

/// Calls the function at an address with arguments as bytes; gives the result's bytes.
#[pyfunction]
#[signature(address, with_errno, fixed, result, kinds, /, *arguments)]
fn call(
    thread: &mut Thread,
    address: usize,
    with_errno: bool,
    fixed: Option<usize>,
    result: Ref<'_>,
    kinds: Ref<'_>,
    arguments: ArgSlice<'_>,
) -> PyResult {
    let signature = signature::parse(result, kinds, fixed)?;
    if arguments.len() != signature.arguments.len() {
        return Err(type_error("as many kinds as arguments are needed"));
    }
    let mut rooms = Vec::with_capacity(arguments.len());
    for (argument, &size) in arguments.iter().zip(&signature.arguments) {
        let given = buffer::bytes_of(thread, argument)?;
        if given.len() != size {
            return Err(value_error(format!("an argument has {} bytes instead of {size}", given.len())));
        }
        rooms.push(memory::room_of(&given));
    }
    let mut room = foreign::room(signature.result.size);
    // SAFETY: the program answers for the address and the signature.
    unsafe { foreign::call(thread, (checked(address)?, &signature), &rooms, &mut room, with_errno) };
    bytes::new(thread, &memory::bytes_of(&room, signature.result.size))
}

/// The errno that foreign calls see.
#[pyfunction]
fn get_errno() -> i32 {
    foreign::last_errno()
}

/// Changes it, and gives the one before.
#[pyfunction]
fn set_errno(number: i32) -> i32 {
    foreign::replace_errno(number)
}

/// Foreign functions and memory.
#[pymodule(
    name = "_orochi_ffi",
    functions(open, symbol, close, read, write, string, address_of, call, get_errno, set_errno),
    classes(PyMemory, PyView, PyCallback)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "RTLD_LOCAL", i64::from(libc::RTLD_LOCAL))?;
    module.add(thread, "RTLD_GLOBAL", i64::from(libc::RTLD_GLOBAL))?;
    let long_double = match () {
        () if cfg!(any(target_arch = "x86", target_arch = "x86_64")) => "x87",
        () if cfg!(target_vendor = "apple") => "double",
        () => "binary128",
    };
    module.add(thread, "LONG_DOUBLE", long_double)?;
    module.add(thread, "SIZE_OF_TIME", size_of::<libc::time_t>() as i64)
}
