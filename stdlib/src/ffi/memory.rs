//! Memory of the program's own for foreign code, and views on memory.

use crate::host::foreign::{self, Room};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::buffer::{self, BufferView};
use orochi_objects::error::{buffer_error, memory_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::{ArgSlice, Field, Obj, PyResult, PyType, Ref, Thread, Value, alloc};

/// A copy of bytes with room for a whole register.
pub(super) fn room_of(bytes: &[u8]) -> Room {
    let mut room = foreign::room(bytes.len());
    for (word, part) in room.iter_mut().zip(bytes.chunks(size_of::<u128>())) {
        let mut whole = [0; size_of::<u128>()];
        whole.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        *word = u128::from_ne_bytes(whole);
    }
    room
}

/// The first bytes of a room.
pub(super) fn bytes_of(room: &Room, size: usize) -> Vec<u8> {
    room.iter().flat_map(|word| word.to_ne_bytes()).take(size).collect()
}

/// Zeroed memory that stays where it is and is freed with the object.
#[pyclass(name = "Memory", module = "_orochi_ffi")]
#[derive(Trace)]
pub(super) struct PyMemory {
    #[trace(unsafe_skip)]
    block: foreign::Block,
}

#[pymethods]
impl PyMemory {
    #[new]
    #[signature(size, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, size: usize) -> PyResult {
        let block = foreign::Block::new(size).ok_or_else(memory_error)?;
        Ok(alloc(thread, cls, PyMemory { block })?.into_value())
    }

    /// Where it is.
    #[getter]
    fn address(this: &Obj<Self>) -> usize {
        this.block.address()
    }
}

/// Lends memory at an address, as items of a format in some dimensions. `owner` keeps it there.
#[pyclass(name = "View", module = "_orochi_ffi")]
#[derive(Trace)]
pub(super) struct PyView {
    owner: Field,
    #[trace(unsafe_skip)]
    address: usize,
    #[trace(unsafe_skip)]
    readonly: bool,
    #[trace(unsafe_skip)]
    format: Box<str>,
    #[trace(unsafe_skip)]
    itemsize: usize,
    #[trace(unsafe_skip)]
    shape: Vec<isize>,
}

#[pymethods]
impl PyView {
    #[new]
    #[signature(owner, address, readonly, format, itemsize, /, *shape)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        owner: Value,
        address: usize,
        readonly: bool,
        format: &Obj<PyStr>,
        itemsize: usize,
        shape: ArgSlice<'_>,
    ) -> PyResult {
        let mut sizes = Vec::new();
        for size in shape.iter() {
            let size =
                size.as_small_int().and_then(|size| isize::try_from(size).ok()).filter(|size| *size >= 0);
            sizes.push(size.ok_or_else(|| value_error("a dimension is a size"))?);
        }
        let format = format.to_str().unwrap_or("B").into();
        let owner = Field::new_local(owner);
        let view = PyView { owner, address, readonly, format, itemsize, shape: sizes };
        Ok(alloc(thread, cls, view)?.into_value())
    }

    #[slot]
    fn bf_getbuffer(_thread: &mut Thread, this: &Obj<Self>, flags: u32) -> PyResult<BufferView> {
        if this.readonly && flags & buffer::flags::WRITABLE != 0 {
            return Err(buffer_error("Object is not writable."));
        }
        let mut stride = this.itemsize as isize;
        let mut strides = Vec::new();
        for size in this.shape.iter().rev() {
            strides.push(stride);
            stride = stride.checked_mul(*size).ok_or_else(memory_error)?;
        }
        strides.reverse();
        let address = std::ptr::with_exposed_provenance_mut(this.address);
        let whole = BufferView::of_bytes(this.to_value(), address, stride as usize, this.readonly);
        let (shape, format) = (this.shape.clone(), this.format.clone());
        Ok(BufferView { itemsize: this.itemsize, format, shape, strides, ..whole })
    }

    /// What keeps the memory there.
    #[getter]
    fn owner(this: &Obj<Self>) -> Ref<'_> {
        this.owner.fixed()
    }
}
