//! `bytes`: immutable bytes. This file is the storage; methods are in `bytes_/`.
//!
//! The bytes lie behind the object's fixed part and never change.

use crate::class::PyClass;
use crate::error::{PyResult, memory_error};
use crate::types::r#type::PyType;
use orochi_core::object::Tail;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::{Field, Header, Layout, Obj, Owned, Ref, Thread, Trace, Value};
use orochi_macros::{pyclass, pymethods};
use std::ptr::NonNull;

/// bytes(iterable_of_ints) -> bytes
/// bytes(string, encoding[, errors]) -> bytes
/// bytes(bytes_or_buffer) -> immutable copy of the bytes
/// bytes(int) -> bytes object of that size, filled with zeros
/// bytes() -> empty bytes object
#[pyclass(
    name = "bytes",
    subclassable,
    flags(BYTES_SUBCLASS, MATCH_SELF),
    unsafe_layout = Layout::of::<PyBytes>().with_tail(size)
)]
#[repr(C)]
pub struct PyBytes {
    /// The hash, once computed (0: not yet).
    hash: AtomicU64,
    bytes: Tail<u8>,
}

// SAFETY: holds no fields.
unsafe impl Trace for PyBytes {
    const HAS_FIELDS: bool = false;

    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

unsafe fn size(object: NonNull<Header>) -> usize {
    // SAFETY: called for live bytes objects.
    unsafe { object.cast::<Obj<PyBytes>>().as_ref() }.bytes.size_with::<PyBytes>()
}

impl PyBytes {
    /// The bytes.
    #[inline(always)]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// How many there are.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The hash.
    pub fn hash(&self) -> i64 {
        // Relaxed: every thread computes the same number.
        match self.hash.load(Ordering::Relaxed) {
            0 => {
                let hash = crate::hash::of_bytes(self.as_bytes());
                self.hash.store(hash as u64, Ordering::Relaxed);
                hash
            }
            hash => hash as i64,
        }
    }
}

/// A new bytes object. MemoryError if there is no memory.
pub fn new(thread: &Thread, bytes: &[u8]) -> PyResult<Value> {
    Ok(object(thread, bytes)?.into_value())
}

/// A new bytes object as its object.
pub fn object(thread: &Thread, bytes: &[u8]) -> PyResult<Owned<PyBytes>> {
    subclass_object(thread, PyBytes::static_type().get(), bytes)
}

/// A new instance of `bytes` or a subclass.
pub fn subclass_object(thread: &Thread, class: &Obj<PyType>, bytes: &[u8]) -> PyResult<Owned<PyBytes>> {
    allocate(thread, class, &[bytes])
}

/// A new bytes object of several parts in a row.
pub fn joined(thread: &Thread, parts: &[&[u8]]) -> PyResult<Value> {
    allocate(thread, PyBytes::static_type().get(), parts).map(Owned::into_value)
}

fn allocate(thread: &Thread, class: &Obj<PyType>, parts: &[&[u8]]) -> PyResult<Owned<PyBytes>> {
    debug_assert!(std::ptr::eq(class.fields.layout, <PyBytes as orochi_core::Payload>::LAYOUT));
    // SAFETY: the class's layout is PyBytes's; the tail goes last.
    let made = unsafe {
        orochi_core::alloc::allocate_with_copies::<PyBytes, u8>(
            thread,
            NonNull::from(class).cast(),
            parts,
            |tail| PyBytes { hash: AtomicU64::new(0), bytes: tail },
        )
    };
    made.ok_or_else(memory_error)
}

/// The bytes of a bytes object (instances of subclasses included).
#[inline]
pub fn value(object: Ref<'_>) -> Option<&[u8]> {
    let bytes: &Obj<PyBytes> = object.downcast::<PyBytes>()?;
    Some(PyBytes::as_bytes(bytes))
}

#[pymethods(parts(
    crate::types::bytes_::construct::BYTES_CONSTRUCT,
    crate::types::bytes_::iterator::BYTES_ITERATION,
    crate::types::bytes_::methods::BYTES_CHANGE,
    crate::types::bytes_::methods::BYTES_SEARCH,
    crate::types::bytes_::operators::BYTES_OPERATORS
))]
impl PyBytes {
    #[slot]
    fn tp_hash(this: &Obj<Self>) -> PyResult<i64> {
        Ok(this.hash())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        crate::str::new(thread, &orochi_text::repr::repr_bytes(this.as_bytes()))
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        crate::warn::bytes_warning(thread, "str() on a bytes instance")?;
        Self::tp_repr(thread, this)
    }

    #[slot]
    fn sq_length(this: &Obj<Self>) -> usize {
        this.len()
    }
}
