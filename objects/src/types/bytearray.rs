//! `bytearray`: bytes that change. This file is the storage; methods are in `bytes_/`.
//!
//! The bytes lie in a vector under the owner's lock. While views of them exist (`exports`), the vector keeps its
//! length, so that its memory stays where it is.

use crate::class::PyClass;
use crate::error::{PyErr, PyResult, buffer_error};
use crate::types::r#type::PyType;
use orochi_core::{Field, Guarded, Obj, Owned, Ref, Thread, Trace};
use orochi_macros::pyclass;

/// bytearray(iterable_of_ints) -> bytearray
/// bytearray(string, encoding[, errors]) -> bytearray
/// bytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer
/// bytearray(int) -> bytes array of size given by the parameter initialized with null bytes
/// bytearray() -> empty bytes array
#[pyclass(name = "bytearray", subclassable, flags(MATCH_SELF), no_methods)]
pub struct PyByteArray {
    state: Guarded<State>,
}

/// What a bytearray holds.
#[derive(Default)]
pub struct State {
    bytes: Vec<u8>,
    exports: usize,
}

// SAFETY: holds no fields.
unsafe impl Trace for State {
    const HAS_FIELDS: bool = false;
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}
// SAFETY: holds no fields.
unsafe impl Trace for PyByteArray {
    const HAS_FIELDS: bool = false;
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

/// A new bytearray.
pub fn new(thread: &Thread, bytes: Vec<u8>) -> PyResult<Owned<PyByteArray>> {
    subclass_object(thread, PyByteArray::static_type().get(), bytes)
}

/// A new instance of `bytearray` or a subclass.
pub fn subclass_object(thread: &Thread, class: &Obj<PyType>, bytes: Vec<u8>) -> PyResult<Owned<PyByteArray>> {
    crate::alloc(thread, class, PyByteArray { state: Guarded::new(State { bytes, exports: 0 }) })
}

/// A copy of the bytes of a bytearray; `None` for other objects.
pub fn copy_of(thread: &Thread, object: Ref<'_>) -> Option<Vec<u8>> {
    object.downcast::<PyByteArray>().map(|array| read(array, thread, <[u8]>::to_vec))
}

/// Runs `f` with the bytes under the lock: no Python code, nothing that blocks.
pub fn read<R>(array: &Obj<PyByteArray>, thread: &Thread, f: impl FnOnce(&[u8]) -> R) -> R {
    array.state.with(array, thread, |state, _| f(&state.bytes))
}

/// Runs `f` with the bytes to change them in place.
pub fn write<R>(array: &Obj<PyByteArray>, thread: &Thread, f: impl FnOnce(&mut [u8]) -> R) -> R {
    array.state.with(array, thread, |state, _| f(&mut state.bytes))
}

/// Runs `f` with the vector, which it may resize. BufferError if the array is exported.
pub fn resize<R>(
    array: &Obj<PyByteArray>,
    thread: &Thread,
    f: impl FnOnce(&mut Vec<u8>) -> R,
) -> PyResult<R> {
    array.state.with(array, thread, |state, _| {
        if state.exports > 0 {
            return Err(exported());
        }
        Ok(f(&mut state.bytes))
    })
}

/// Runs `f` with the vector and whether it is exported; the callee answers for not resizing it then.
pub(crate) fn change<R>(
    array: &Obj<PyByteArray>,
    thread: &Thread,
    f: impl FnOnce(&mut Vec<u8>, bool) -> R,
) -> R {
    array.state.with(array, thread, |state, _| f(&mut state.bytes, state.exports > 0))
}

/// BufferError for a bytearray that can't be resized.
#[cold]
pub fn exported() -> PyErr {
    buffer_error("Existing exports of data: object cannot be re-sized")
}

/// Counts a view; the memory it sees.
pub(crate) fn export(array: &Obj<PyByteArray>, thread: &Thread) -> (*mut u8, usize) {
    array.state.with(array, thread, |state, _| {
        state.exports += 1;
        (state.bytes.as_mut_ptr(), state.bytes.len())
    })
}

/// A view is gone.
pub(crate) fn end_export(array: &Obj<PyByteArray>, thread: &Thread) {
    array.state.with(array, thread, |state, _| state.exports = state.exports.saturating_sub(1));
}
