//! `PickleBuffer`: a buffer that may be handed over beside a pickle.

use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::buffer::{self, BufferView, flags};
use orochi_objects::error::{buffer_error, type_error, value_error};
use orochi_objects::types::memoryview;
use orochi_objects::{AtomicField, Obj, PyResult, PyType, Ref, Thread, Value, alloc, class_of};

/// Wrapper for potentially out-of-band buffers
#[pyclass(name = "PickleBuffer", module = "pickle", weakref)]
#[derive(Trace)]
pub(super) struct PickleBuffer {
    /// A memoryview of the exporter, which keeps its memory in place; none once it is released.
    memory: AtomicField,
}

impl PickleBuffer {
    fn memory(this: &Obj<Self>, thread: &Thread) -> PyResult<Value> {
        this.memory
            .get(thread)
            .ok_or_else(|| value_error("operation forbidden on released PickleBuffer object"))
    }
}

#[pymethods]
impl PickleBuffer {
    #[new]
    #[no_text_signature]
    #[signature(object, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, object: Ref<'_>) -> PyResult {
        if !buffer::is_bytes_like(object) {
            let class = class_of(object).name();
            return Err(type_error(format!("a bytes-like object is required, not '{class}'")));
        }
        let memory = memoryview::of_object(thread, object)?;
        Ok(alloc(thread, cls, PickleBuffer { memory: AtomicField::new_local(memory) })?.into_value())
    }

    /// Return a memoryview of the raw memory underlying this buffer.
    ///
    /// Will raise BufferError is the buffer isn't contiguous.
    fn raw(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let memory = PickleBuffer::memory(this, thread)?;
        let view = buffer::view(thread, memory.get(), flags::FULL_RO)?;
        if !view.is_c_contiguous() && !view.is_f_contiguous() {
            return Err(buffer_error("cannot extract raw buffer from non-contiguous buffer"));
        }
        let (address, len, readonly) = (view.address, view.len, view.readonly);
        let export = view.export.clone();
        let plain = BufferView { export, ..BufferView::of_bytes(view.owner, address, len, readonly) };
        memoryview::from_view(thread, plain)
    }

    /// Release the underlying buffer exposed by the PickleBuffer object.
    fn release(thread: &mut Thread, this: &Obj<Self>) {
        drop(this.memory.swap(this, thread, None));
    }

    #[slot]
    fn bf_getbuffer(thread: &mut Thread, this: &Obj<Self>, wanted: u32) -> PyResult<BufferView> {
        let memory = PickleBuffer::memory(this, thread)?;
        buffer::view(thread, memory.get(), wanted)
    }
}
