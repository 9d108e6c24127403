//! `memoryview`: a window on another object's memory. This file is the object; methods are in `memoryview_/`.
//!
//! Where the items lie (`Geometry`) never changes. What keeps the memory in place is the exporter (`owner`) and its
//! [`Export`]; `release` gives both up. An operation takes a [`Pin`] first, a copy of both, so that the memory stays
//! whatever another thread does meanwhile. Items are read and written by copying, see [`crate::buffer`].

use crate::buffer::{self, BufferView, Export};
use crate::class::PyClass;
use crate::error::{PyErr, PyResult, buffer_error, type_error, value_error};
use crate::types::r#type::PyType;
use orochi_core::{AtomicField, Field, Guarded, Obj, Ref, Thread, Trace, Value};
use orochi_macros::{pyclass, pymethods};

/// Create a new memoryview object which references the given object.
#[pyclass(name = "memoryview", sequence, weakref, generic)]
pub struct PyMemoryView {
    /// The exporter; empty once the view is released.
    owner: AtomicField,
    /// What calls the exporter's `__release_buffer__` in the end.
    lender: AtomicField,
    /// Whether no other views may be made of this one.
    restricted: bool,
    state: Guarded<State>,
    pub(crate) geometry: Geometry,
}

/// Where a view's items lie.
#[derive(Clone, Debug)]
pub struct Geometry {
    pub(crate) address: *mut u8,
    pub(crate) readonly: bool,
    pub(crate) itemsize: usize,
    pub(crate) format: Box<str>,
    pub(crate) shape: Vec<isize>,
    pub(crate) strides: Vec<isize>,
}

struct State {
    released: bool,
    /// What the exporter gave.
    root: Option<Export>,
    /// What this view gives to those who look at it in turn.
    own: Option<Export>,
    /// The hash, once computed.
    hash: Option<i64>,
}

// SAFETY: holds no fields.
unsafe impl Trace for State {
    const HAS_FIELDS: bool = false;
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}
// SAFETY: visits both fields.
unsafe impl Trace for PyMemoryView {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.owner.trace(visit);
        self.lender.trace(visit);
    }
}

/// What keeps a view's memory in place for one operation.
pub struct Pin {
    pub(crate) owner: Value,
    _root: Option<Export>,
    lender: Option<Value>,
    restricted: bool,
}

impl Geometry {
    /// Bytes in all.
    pub fn nbytes(&self) -> usize {
        self.len() * self.itemsize
    }

    /// Items in all.
    #[allow(clippy::len_without_is_empty, reason = "a product of dimensions, not a container")]
    pub fn len(&self) -> usize {
        self.shape.iter().map(|&size| usize::try_from(size).unwrap_or(0)).product()
    }

    /// Whether items lie in a row, the last dimension's closest together.
    pub fn is_c_contiguous(&self) -> bool {
        buffer::is_contiguous(self.itemsize, self.shape.iter().zip(&self.strides).rev())
    }

    /// Whether items lie in a row, the first dimension's closest together.
    pub fn is_f_contiguous(&self) -> bool {
        buffer::is_contiguous(self.itemsize, self.shape.iter().zip(&self.strides))
    }
}

/// A view of an object's memory.
pub fn of_object(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    if let Some(view) = object.downcast::<PyMemoryView>() {
        let pin = view.pin(thread)?;
        return derived(thread, pin, view.geometry.clone());
    }
    if !buffer::is_bytes_like(object) {
        let class = crate::class_of(object).name();
        return Err(type_error(format!("memoryview: a bytes-like object is required, not '{class}'")));
    }
    let view = buffer::view(thread, object, buffer::flags::FULL_RO)?;
    from_view(thread, view)
}

/// A memoryview of what an exporter lent.
pub fn from_view(thread: &mut Thread, view: BufferView) -> PyResult {
    let geometry = Geometry {
        address: view.address,
        readonly: view.readonly,
        itemsize: view.itemsize,
        format: view.format,
        shape: view.shape,
        strides: view.strides,
    };
    let pin = Pin { owner: view.owner, _root: view.export, lender: view.lender, restricted: false };
    derived(thread, pin, geometry)
}

/// A memoryview of the same memory as a view, of which no others can be made.
pub(crate) fn restricted(thread: &mut Thread, view: &BufferView) -> PyResult {
    let geometry = Geometry {
        address: view.address,
        readonly: view.readonly,
        itemsize: view.itemsize,
        format: view.format.clone(),
        shape: view.shape.clone(),
        strides: view.strides.clone(),
    };
    let pin = Pin { owner: view.owner.clone(), _root: view.export.clone(), lender: None, restricted: false };
    make(thread, pin, geometry, true)
}

/// A view of the same memory with other geometry.
pub(crate) fn derived(thread: &Thread, pin: Pin, geometry: Geometry) -> PyResult {
    if pin.restricted {
        return Err(restricted_error());
    }
    make(thread, pin, geometry, false)
}

fn make(thread: &Thread, pin: Pin, geometry: Geometry, restricted: bool) -> PyResult {
    let own = Export::new(pin._root.clone());
    let state = State { released: false, root: pin._root, own: Some(own), hash: None };
    let view = PyMemoryView {
        owner: AtomicField::new_local(pin.owner),
        lender: pin.lender.map_or_else(AtomicField::empty, AtomicField::new_local),
        restricted,
        state: Guarded::new(state),
        geometry,
    };
    Ok(crate::alloc(thread, PyMemoryView::static_type().get(), view)?.into_value())
}

#[cold]
fn restricted_error() -> PyErr {
    value_error("cannot create new view on restricted memoryview")
}

#[cold]
fn released_error() -> PyErr {
    value_error("operation forbidden on released memoryview object")
}

/// What a memoryview can do for its methods.
pub trait ViewExt {
    /// Keeps the memory for one operation; ValueError if the view was released.
    fn pin(&self, thread: &Thread) -> PyResult<Pin>;
    /// Counts as a view of this one as long as it exists: `release` is refused meanwhile. For operations that run
    /// Python code and use the memory afterwards.
    fn hold(&self, thread: &Thread) -> Option<Export>;
    /// The object whose memory it is, until the view is released.
    fn memory_owner(&self, thread: &Thread) -> Option<Value>;
    /// Whether the view was released.
    fn is_released(&self, thread: &Thread) -> bool;
    /// Gives the memory back. BufferError if others look at it through this view.
    fn release(&self, thread: &mut Thread) -> PyResult<()>;
    /// The hash that was computed before.
    fn known_hash(&self, thread: &Thread) -> Option<i64>;
    /// Keeps a hash.
    fn keep_hash(&self, thread: &Thread, hash: i64);
}

impl ViewExt for Obj<PyMemoryView> {
    fn pin(&self, thread: &Thread) -> PyResult<Pin> {
        let (released, root) = self.state.with(self, thread, |state, _| (state.released, state.root.clone()));
        match self.owner.get(thread) {
            Some(owner) if !released => {
                let lender = self.lender.get(thread);
                Ok(Pin { owner, _root: root, lender, restricted: self.restricted })
            }
            _ => Err(released_error()),
        }
    }

    fn hold(&self, thread: &Thread) -> Option<Export> {
        self.state.with(self, thread, |state, _| state.own.clone())
    }

    fn memory_owner(&self, thread: &Thread) -> Option<Value> {
        self.owner.get(thread)
    }

    fn is_released(&self, thread: &Thread) -> bool {
        self.state.with(self, thread, |state, _| state.released)
    }

    fn release(&self, thread: &mut Thread) -> PyResult<()> {
        let given = self.state.with(self, thread, |state, _| {
            if state.released {
                return Ok((None, None));
            }
            let exports = state.own.as_ref().map_or(0, Export::others);
            if exports > 0 {
                let plural = if exports == 1 { "" } else { "s" };
                return Err(buffer_error(format!("memoryview has {exports} exported buffer{plural}")));
            }
            state.released = true;
            Ok((state.root.take(), state.own.take()))
        })?;
        drop(given);
        drop(self.owner.swap(self, thread, None));
        drop(self.lender.swap(self, thread, None));
        Ok(())
    }

    fn known_hash(&self, thread: &Thread) -> Option<i64> {
        self.state.with(self, thread, |state, _| state.hash)
    }

    fn keep_hash(&self, thread: &Thread, hash: i64) {
        self.state.with(self, thread, |state, _| state.hash = Some(hash));
    }
}

impl Pin {
    /// Copies bytes that lie `offset` bytes from the start of the geometry.
    pub(crate) fn read(&self, thread: &Thread, geometry: &Geometry, offset: isize, into: &mut [u8]) {
        buffer::copy_out(thread, self.owner.get(), (geometry.address, geometry.readonly), offset, into);
    }

    /// Writes bytes.
    pub(crate) fn write(&self, thread: &Thread, geometry: &Geometry, offset: isize, from: &[u8]) {
        buffer::copy_in(thread, self.owner.get(), geometry.address, offset, from);
    }

    /// All bytes in C order.
    pub(crate) fn to_vec(&self, thread: &Thread, geometry: &Geometry) -> PyResult<Vec<u8>> {
        let mut result = Vec::new();
        result.try_reserve_exact(geometry.nbytes()).map_err(|_| crate::error::memory_error())?;
        result.resize(geometry.nbytes(), 0);
        if geometry.is_c_contiguous() {
            self.read(thread, geometry, 0, &mut result);
            return Ok(result);
        }
        let mut items = result.chunks_exact_mut(geometry.itemsize.max(1));
        buffer::each_offset(&geometry.shape, &geometry.strides, &mut |offset| {
            if let Some(item) = items.next() {
                self.read(thread, geometry, offset, item);
            }
        });
        Ok(result)
    }
}

#[pymethods(parts(
    crate::types::memoryview_::attributes::ATTRIBUTES,
    crate::types::memoryview_::items::ITEMS,
    crate::types::memoryview_::methods::METHODS
))]
impl PyMemoryView {
    #[new]
    #[signature(object)]
    fn new(thread: &mut Thread, _cls: &Obj<PyType>, object: Ref<'_>) -> PyResult {
        of_object(thread, object)
    }

    #[slot]
    fn bf_getbuffer(thread: &mut Thread, this: &Obj<Self>, flags: u32) -> PyResult<BufferView> {
        let pin = this.pin(thread)?;
        if pin.restricted {
            return Err(restricted_error());
        }
        let geometry = this.geometry.clone();
        if flags & buffer::flags::WRITABLE != 0 && geometry.readonly {
            return Err(buffer_error("memoryview: underlying buffer is not writable"));
        }
        if flags & buffer::flags::STRIDES != buffer::flags::STRIDES && !geometry.is_c_contiguous() {
            return Err(buffer_error("memoryview: underlying buffer is not C-contiguous"));
        }
        let export = this.hold(thread);
        Ok(BufferView {
            owner: pin.owner.clone(),
            address: geometry.address,
            len: geometry.nbytes(),
            readonly: geometry.readonly,
            itemsize: geometry.itemsize,
            format: geometry.format,
            shape: geometry.shape,
            strides: geometry.strides,
            export,
            lender: pin.lender,
        })
    }
}
