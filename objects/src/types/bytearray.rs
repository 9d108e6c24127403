//! `bytearray`: bytes that change. This file is the storage; methods are in `bytes_/`.
//!
//! The bytes lie in a vector under the owner's lock. While views of them exist (others hold `export`), the vector keeps
//! its length, so that its memory stays where it is.

use crate::buffer::Export;
use crate::class::PyClass;
use crate::error::{PyErr, PyResult, buffer_error};
use crate::types::r#type::PyType;
use orochi_core::{Field, Guarded, Obj, Owned, Ref, Thread, Trace};
use orochi_macros::{pyclass, pymethods};

/// bytearray(iterable_of_ints) -> bytearray
/// bytearray(string, encoding[, errors]) -> bytearray
/// bytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer
/// bytearray(int) -> bytes array of size given by the parameter initialized with null bytes
/// bytearray() -> empty bytes array
#[pyclass(name = "bytearray", subclassable, flags(MATCH_SELF))]
pub struct PyByteArray {
    state: Guarded<State>,
}

/// What a bytearray holds.
#[derive(Default)]
pub struct State {
    bytes: Vec<u8>,
    /// What views of the bytes hold; made for the first of them.
    export: Option<Export>,
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
    crate::alloc(thread, class, PyByteArray { state: Guarded::new(State { bytes, export: None }) })
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
        if state.is_exported() {
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
    array.state.with(array, thread, |state, _| {
        let exported = state.is_exported();
        f(&mut state.bytes, exported)
    })
}

/// BufferError for a bytearray that can't be resized.
#[cold]
pub fn exported() -> PyErr {
    buffer_error("Existing exports of data: object cannot be re-sized")
}

/// What a view of the bytes sees, and holds as long as it exists.
pub(crate) fn export(array: &Obj<PyByteArray>, thread: &Thread) -> (*mut u8, usize, Export) {
    array.state.with(array, thread, |state, _| {
        let export = state.export.get_or_insert_with(|| Export::new(None)).clone();
        (state.bytes.as_mut_ptr(), state.bytes.len(), export)
    })
}

impl State {
    fn is_exported(&self) -> bool {
        self.export.as_ref().is_some_and(|export| export.others() > 0)
    }
}

#[pymethods(parts(
    crate::types::bytes_::iterator::ARRAY_ITERATION,
    crate::types::bytes_::methods::ARRAY_CHANGE,
    crate::types::bytes_::methods::ARRAY_SEARCH,
    crate::types::bytes_::mutable::ARRAY_MUTATION,
    crate::types::bytes_::operators::ARRAY_OPERATORS
))]
impl PyByteArray {}
