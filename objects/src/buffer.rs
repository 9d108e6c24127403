//! The buffer protocol: how bytes-like objects lend their memory.
//!
//! An exporter's `bf_getbuffer` gives a [`BufferView`]: raw memory that stays where it is until the view is released.
//! Memory that can change may be changed by other threads meanwhile, so nobody gets a slice of it: it is read and written
//! by copying, under the owner's lock ([`BufferView::to_vec`], [`ArgBuffer::write`]). Foreign code, and what `ctypes` does in its name, take
//! no lock, so the copies are [`racy`] ones. Bytes objects never change, so
//! [`ArgBytes`] borrows them and copies everything else. Native modules use `ArgBytes` and [`ArgBuffer`] only.

use crate::args::{ArgContext, FromArg};
use crate::error::{PyResult, type_error};
use crate::types::{buffer_lender, bytes};
use orochi_core::{Owner, lock, racy};
use orochi_core::{Ref, Thread, Value};
use std::ops::Deref;
use std::sync::Arc;

type GetBuffer = fn(&mut Thread, Ref<'_>, u32) -> PyResult<BufferView>;

/// CPython's `PyBUF_*`: what a consumer asks for.
pub mod flags {
    /// Only bytes in a row.
    pub const SIMPLE: u32 = 0;
    /// The memory will be written.
    pub const WRITABLE: u32 = 1;
    /// The format is wanted.
    pub const FORMAT: u32 = 4;
    /// The shape is wanted.
    pub const ND: u32 = 8;
    /// Strides are understood.
    pub const STRIDES: u32 = 0x10 | ND;
    /// Everything, read-only will do.
    pub const FULL_RO: u32 = 0x100 | STRIDES | FORMAT;
}

/// A view on an exporter's memory. While it exists the exporter doesn't move or free the memory (a bytearray that is
/// exported refuses to be resized).
pub struct BufferView {
    /// The exporter.
    pub owner: Value,
    /// Start of the first item.
    pub address: *mut u8,
    /// Bytes in all.
    pub len: usize,
    /// Whether the memory must not be written.
    pub readonly: bool,
    /// Bytes of an item.
    pub itemsize: usize,
    /// The `struct` format of an item.
    pub format: Box<str>,
    /// Items in each dimension.
    pub shape: Vec<isize>,
    /// Bytes from one item to the next in each dimension.
    pub strides: Vec<isize>,
    /// What tells the exporter that the view exists; `None` if its memory never moves.
    pub export: Option<Export>,
    /// What calls the exporter's `__release_buffer__` when the last view is gone.
    pub lender: Option<Value>,
}

/// Says, as long as it exists, that someone looks at an exporter's memory. Giving it up needs no thread, so that a view
/// may end by being dropped.
#[derive(Clone)]
pub struct Export(Arc<Option<Export>>);

impl Export {
    /// A first one, which the exporter keeps; `parent` is what the exporter itself looks at.
    pub fn new(parent: Option<Export>) -> Export {
        Export(Arc::new(parent))
    }

    /// How many others there are. An exporter that makes them under its lock, and counts them there, misses none.
    pub fn others(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// Whether items of this size lie in a row, in these dimensions from the closest one on.
pub(crate) fn is_contiguous<'a>(
    itemsize: usize,
    dimensions: impl Iterator<Item = (&'a isize, &'a isize)> + Clone,
) -> bool {
    // A view without items is contiguous whatever its strides.
    if dimensions.clone().any(|(size, _)| *size == 0) {
        return true;
    }
    let mut expected = itemsize as isize;
    for (&size, &stride) in dimensions {
        if size > 1 && stride != expected {
            return false;
        }
        expected *= size;
    }
    true
}

/// Calls `each` with the offset of every item in C order.
pub(crate) fn each_offset(shape: &[isize], strides: &[isize], each: &mut dyn FnMut(isize)) {
    fn walk(shape: &[isize], strides: &[isize], base: isize, each: &mut dyn FnMut(isize)) {
        match (shape, strides) {
            ([size, shape @ ..], [stride, strides @ ..]) => {
                for i in 0..*size {
                    walk(shape, strides, base + i * stride, each);
                }
            }
            _ => each(base),
        }
    }
    walk(shape, strides, 0, each);
}

/// Copies bytes that lie `offset` bytes from the address of a view, with nobody else changing the owner's memory through this interface.
///
/// Private to the crate: the callers ([`BufferView`], memoryview) have checked that the bytes lie within the exporter's
/// memory and hold what keeps it in place.
pub(crate) fn copy_out(
    thread: &Thread,
    owner: Ref<'_>,
    (address, readonly): (*mut u8, bool),
    offset: isize,
    into: &mut [u8],
) {
    match owner.header() {
        // Even a read-only view may be one of memory that changes; only bytes objects surely don't.
        Some(header) if !(readonly && bytes::value(owner).is_some()) => {
            // SAFETY: within the exporter's memory, which stays in place; of Python's own nobody writes it under the lock.
            lock::with(Owner::of(header), thread, || unsafe { racy::read(address.offset(offset), into) });
        }
        // SAFETY: as above, and it never changes.
        _ => unsafe { std::ptr::copy_nonoverlapping(address.offset(offset), into.as_mut_ptr(), into.len()) },
    }
}

/// Writes bytes at an offset from the address of a view. The same duties, and the memory is writable.
pub(crate) fn copy_in(thread: &Thread, owner: Ref<'_>, address: *mut u8, offset: isize, from: &[u8]) {
    // SAFETY: as above; `from` is no part of the memory, since nobody gets slices of what can change.
    let copy = || unsafe { racy::write(address.offset(offset), from) };
    match owner.header() {
        Some(header) => lock::with(Owner::of(header), thread, copy),
        None => copy(),
    }
}

impl BufferView {
    /// A view on bytes in a row.
    pub fn of_bytes(owner: Value, address: *mut u8, len: usize, readonly: bool) -> BufferView {
        BufferView {
            owner,
            address,
            len,
            readonly,
            itemsize: 1,
            format: "B".into(),
            shape: vec![len as isize],
            strides: vec![1],
            export: None,
            lender: None,
        }
    }

    /// Whether the items lie in a row, the last dimension's closest together.
    pub fn is_c_contiguous(&self) -> bool {
        is_contiguous(self.itemsize, self.shape.iter().zip(&self.strides).rev())
    }

    /// Whether the items lie in a row, the first dimension's closest together.
    pub fn is_f_contiguous(&self) -> bool {
        is_contiguous(self.itemsize, self.shape.iter().zip(&self.strides))
    }

    /// All bytes in C order.
    pub fn to_vec(&self, thread: &Thread) -> PyResult<Vec<u8>> {
        let mut result = Vec::new();
        result.try_reserve_exact(self.len).map_err(|_| crate::error::memory_error())?;
        result.resize(self.len, 0);
        if self.is_c_contiguous() {
            copy_out(thread, self.owner.get(), (self.address, self.readonly), 0, &mut result);
            return Ok(result);
        }
        let mut items = result.chunks_exact_mut(self.itemsize.max(1));
        each_offset(&self.shape, &self.strides, &mut |offset| {
            if let Some(item) = items.next() {
                copy_out(thread, self.owner.get(), (self.address, self.readonly), offset, item);
            }
        });
        Ok(result)
    }

    /// Gives the view back to its exporter.
    pub fn release(self, thread: &mut Thread) {
        if let Some(release) = crate::class_of(self.owner.get()).slots.bf_releasebuffer() {
            release(thread, self.owner.get());
        }
    }
}

/// Whether the object exports a buffer.
pub fn is_bytes_like(object: Ref<'_>) -> bool {
    crate::class_of(object).slots.bf_getbuffer().is_some()
}

/// A view of an object's buffer; TypeError "a bytes-like object is required, not '…'".
pub fn view(thread: &mut Thread, object: Ref<'_>, flags: u32) -> PyResult<BufferView> {
    let class = crate::class_of(object);
    match class.slots.bf_getbuffer() {
        Some(get) => lent(thread, object, get, flags),
        None => Err(type_error(format!("a bytes-like object is required, not '{}'", class.name()))),
    }
}

/// A view from an object's slot. If the slot is native, `__release_buffer__` may still be Python's.
fn lent(thread: &mut Thread, object: Ref<'_>, get: GetBuffer, flags: u32) -> PyResult<BufferView> {
    let mut view = get(thread, object, flags)?;
    if view.lender.is_none() && view.owner.get().is(object) {
        buffer_lender::attach(thread, object, None, &mut view)?;
    }
    Ok(view)
}

/// The bytes of a bytes-like object, which the callee may look at: borrowed from a bytes object, copied otherwise.
pub enum ArgBytes<'a> {
    /// Of a bytes object, which never changes.
    Borrowed(&'a [u8]),
    /// Copied from what can change.
    Copied(Vec<u8>),
}

impl Deref for ArgBytes<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            ArgBytes::Borrowed(bytes) => bytes,
            ArgBytes::Copied(bytes) => bytes,
        }
    }
}

impl ArgBytes<'_> {
    /// The bytes as a vector.
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            ArgBytes::Borrowed(bytes) => bytes.to_vec(),
            ArgBytes::Copied(bytes) => bytes,
        }
    }
}

/// The bytes of an object; TypeError if it isn't bytes-like, BufferError if its memory isn't in a row.
pub fn bytes_of<'a>(thread: &mut Thread, object: Ref<'a>) -> PyResult<ArgBytes<'a>> {
    if let Some(bytes) = bytes::value(object) {
        return Ok(ArgBytes::Borrowed(bytes));
    }
    let view = view(thread, object, flags::SIMPLE)?;
    let copied = view.to_vec(thread);
    view.release(thread);
    Ok(ArgBytes::Copied(copied?))
}

/// The same, `None` for an object that isn't bytes-like.
pub fn bytes_if_any<'a>(thread: &mut Thread, object: Ref<'a>) -> PyResult<Option<ArgBytes<'a>>> {
    if is_bytes_like(object) { bytes_of(thread, object).map(Some) } else { Ok(None) }
}

/// The bytes of a bytes object or a bytearray (instances of subclasses included), and of nothing else.
pub fn own_bytes<'a>(thread: &Thread, object: Ref<'a>) -> Option<ArgBytes<'a>> {
    if let Some(bytes) = bytes::value(object) {
        return Some(ArgBytes::Borrowed(bytes));
    }
    crate::types::bytearray::copy_of(thread, object).map(ArgBytes::Copied)
}

/// Runs `f` with the bytes of a bytes-like object.
pub fn with_bytes<R>(
    thread: &mut Thread,
    object: Ref<'_>,
    f: impl FnOnce(&mut Thread, &[u8]) -> R,
) -> PyResult<R> {
    let bytes = bytes_of(thread, object)?;
    Ok(f(thread, &bytes))
}

impl<'a> FromArg<'a> for ArgBytes<'a> {
    fn from_arg(thread: &mut Thread, value: Ref<'a>, _context: ArgContext) -> PyResult<ArgBytes<'a>> {
        bytes_of(thread, value)
    }
}

/// A bytes-like argument that is written to (`readinto`). The export ends when [`ArgBuffer::finish`] is called.
pub struct ArgBuffer {
    view: BufferView,
}

impl ArgBuffer {
    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.view.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.view.len == 0
    }

    /// A copy of the present content.
    pub fn to_vec(&self, thread: &Thread) -> PyResult<Vec<u8>> {
        self.view.to_vec(thread)
    }

    /// Writes bytes from `at` on; what goes beyond the end is cut off.
    pub fn write(&self, thread: &Thread, at: usize, bytes: &[u8]) {
        let room = self.view.len.saturating_sub(at);
        let bytes = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        if !bytes.is_empty() {
            copy_in(thread, self.view.owner.get(), self.view.address, at as isize, bytes);
        }
    }

    /// Ends the export.
    pub fn finish(self, thread: &mut Thread) {
        self.view.release(thread);
    }
}

impl<'a> FromArg<'a> for ArgBuffer {
    fn from_arg(thread: &mut Thread, value: Ref<'a>, context: ArgContext) -> PyResult<ArgBuffer> {
        writable(thread, value).ok_or_else(|| context.wrong_type("read-write bytes-like object", value))?
    }
}

/// A writable, contiguous view; `None` if the object has none.
pub fn writable(thread: &mut Thread, object: Ref<'_>) -> Option<PyResult<ArgBuffer>> {
    let get = crate::class_of(object).slots.bf_getbuffer()?;
    match lent(thread, object, get, flags::WRITABLE) {
        Ok(view) if view.readonly || !view.is_c_contiguous() => {
            view.release(thread);
            None
        }
        Ok(view) => Some(Ok(ArgBuffer { view })),
        Err(error) if error.matches(&crate::types::exception::BufferError) => None,
        Err(error) => Some(Err(error)),
    }
}
