//! `_struct`: values to bytes and back, by formats.

pub(crate) mod format;

use self::format::Layout;
use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::buffer::{ArgBytes, bytes_of, writable};
use orochi_objects::error::{Message, runtime_error, type_error};
use orochi_objects::types::bytes;
use orochi_objects::types::str::PyStr;
use orochi_objects::{
    Args, Field, Guarded, ModuleExt, Obj, PyErr, PyModule, PyResult, PyType, Ref, Thread, Value, alloc,
    class_of, int, make, str, tuple,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

crate::exception!(pub(super) ERROR: "error" in "struct", Exception, "");

/// `struct.error`.
pub(crate) fn error(message: impl Message) -> PyErr {
    PyErr::with_message(&ERROR, message)
}

/// Struct(fmt) --> compiled struct object
#[pyclass(name = "Struct", module = "_struct", subclassable, weakref)]
#[derive(Trace)]
struct Struct {
    /// Set by `__init__`, which may be called again.
    compiled: Guarded<Option<Compiled>>,
}

/// A format and what it says.
#[derive(Clone, Trace)]
struct Compiled {
    #[trace(unsafe_skip)]
    format: Arc<str>,
    #[trace(unsafe_skip)]
    layout: Arc<Layout>,
}

impl Struct {
    fn compiled(this: &Obj<Self>, thread: &Thread) -> PyResult<Compiled> {
        let compiled = this.compiled.with(this, thread, |compiled, _| compiled.clone());
        compiled.ok_or_else(|| runtime_error("Struct object is not initialized"))
    }

    fn layout(this: &Obj<Self>, thread: &Thread) -> PyResult<Arc<Layout>> {
        Ok(Struct::compiled(this, thread)?.layout)
    }
}

fn format_bytes<'a>(format: Ref<'a>) -> PyResult<&'a [u8]> {
    if let Some(text) = format.downcast::<PyStr>() {
        if !text.is_ascii() {
            let at = text.as_wtf8().code_points().position(|c| !c.is_ascii()).unwrap_or(0);
            let number = |n: usize| Value::small_int(n as i64).unwrap_or(Value::NONE);
            let made = orochi_objects::state::with_thread(|thread| {
                let encoding = str::new(thread, "ascii").ok()?;
                Some((encoding, str::new(thread, "ordinal not in range(128)").ok()?))
            });
            let Some((encoding, reason)) = made else { return Err(error("bad char in struct format")) };
            let args = vec![encoding, text.to_value(), number(at), number(at + 1), reason];
            return Err(PyErr::new(&orochi_objects::types::exception::UnicodeEncodeError, args));
        }
        let text: &'a Obj<PyStr> = text;
        return Ok(PyStr::as_bytes(text));
    }
    bytes::value(format).ok_or_else(|| {
        let class = class_of(format).name();
        type_error(format!("Struct() argument 1 must be a str or bytes object, not {class}"))
    })
}

type Cache = HashMap<Box<[u8]>, Arc<Layout>>;

thread_local! {
    /// Formats that this thread has parsed.
    static CACHE: RefCell<Cache> = RefCell::new(HashMap::new());
}

fn layout_of(format: Ref<'_>) -> PyResult<Arc<Layout>> {
    let format = format_bytes(format)?;
    if let Some(found) = CACHE.with_borrow(|cache| cache.get(format).cloned()) {
        return Ok(found);
    }
    let layout = Arc::new(Layout::parse(format)?);
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= 100 {
            cache.clear();
        }
        cache.insert(format.into(), layout.clone());
    });
    Ok(layout)
}

fn pack_values(thread: &mut Thread, layout: &Layout, args: Args<'_>, function: &str) -> PyResult<Vec<u8>> {
    if args.len() != layout.values {
        let (expected, got) = (layout.values, args.len());
        return Err(error(format!("{function} expected {expected} items for packing (got {got})")));
    }
    let mut out = Vec::new();
    out.try_reserve_exact(layout.size).map_err(|_| orochi_objects::error::memory_error())?;
    out.resize(layout.size, 0);
    layout.pack(thread, args.iter().map(Ref::to_owned), &mut out)?;
    Ok(out)
}

fn unpack_values(thread: &mut Thread, layout: &Layout, buffer: Ref<'_>) -> PyResult {
    let content = bytes_of(thread, buffer)?;
    if content.len() != layout.size {
        return Err(error(format!("unpack requires a buffer of {} bytes", layout.size)));
    }
    let values = layout.unpack(thread, &content)?;
    Ok(tuple::new(thread, values)?.into_value())
}

fn unpack_at(thread: &mut Thread, layout: &Layout, buffer: Ref<'_>, offset: isize) -> PyResult {
    let content = bytes_of(thread, buffer)?;
    let (size, len) = (layout.size, content.len());
    let start = if offset < 0 {
        if offset.saturating_add(size as isize) > 0 {
            return Err(error(format!("not enough data to unpack {size} bytes at offset {offset}")));
        }
        len.checked_sub(offset.unsigned_abs())
            .ok_or_else(|| error(format!("offset {offset} out of range for {len}-byte buffer")))?
    } else {
        offset as usize
    };
    let Some(part) = start.checked_add(size).and_then(|end| content.get(start..end)) else {
        return Err(error(format!(
            "unpack_from requires a buffer of at least {} bytes for unpacking {size} bytes at offset {start} \
             (actual buffer size is {len})",
            start.saturating_add(size)
        )));
    };
    let values = layout.unpack(thread, part)?;
    Ok(tuple::new(thread, values)?.into_value())
}

fn pack_at(thread: &mut Thread, layout: &Layout, args: Args<'_>) -> PyResult<()> {
    let (Some(target), offset) = (args.get(0), args.get(1)) else {
        return Err(error("pack_into expected buffer argument"));
    };
    let Some(offset) = offset else { return Err(error("pack_into expected offset argument")) };
    let values = args.skip(2);
    if values.len() != layout.values {
        let (expected, got) = (layout.values, values.len());
        return Err(error(format!("pack_into expected {expected} items for packing (got {got})")));
    }
    let offset = int::index_i64(thread, offset)?;
    let class = class_of(target).name();
    let buffer = writable(thread, target)
        .ok_or_else(|| type_error(format!("argument must be read-write bytes-like object, not {class}")))??;
    let result = pack_within(thread, layout, values, offset, buffer.len());
    if let Ok((start, packed)) = &result {
        buffer.write(thread, *start, packed);
    }
    buffer.finish(thread);
    result.map(drop)
}

fn pack_within(
    thread: &mut Thread,
    layout: &Layout,
    values: Args<'_>,
    offset: i64,
    len: usize,
) -> PyResult<(usize, Vec<u8>)> {
    let size = layout.size;
    let start = if offset < 0 {
        if offset.saturating_add(size as i64) > 0 {
            return Err(error(format!("no space to pack {size} bytes at offset {offset}")));
        }
        usize::try_from(offset.unsigned_abs())
            .ok()
            .and_then(|back| len.checked_sub(back))
            .ok_or_else(|| error(format!("offset {offset} out of range for {len}-byte buffer")))?
    } else {
        offset as usize
    };
    let needed = start.saturating_add(size);
    if needed > len {
        return Err(error(format!(
            "pack_into requires a buffer of at least {needed} bytes for packing {size} bytes at offset {start} \
             (actual buffer size is {len})"
        )));
    }
    Ok((start, pack_values(thread, layout, values, "pack_into")?))
}

#[pymethods]
impl Struct {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        Ok(alloc(thread, cls, Struct { compiled: Guarded::new(None) })?.into_value())
    }

    #[init]
    #[no_text_signature]
    #[signature(format)]
    fn init(thread: &mut Thread, this: &Obj<Self>, format: Ref) -> PyResult<()> {
        let layout = layout_of(format)?;
        let format = String::from_utf8_lossy(format_bytes(format)?).into();
        this.compiled.with(this, thread, |compiled, _| *compiled = Some(Compiled { format, layout }));
        Ok(())
    }

    /// S.pack(v1, v2, ...) -> bytes
    ///
    /// Return a bytes object containing values v1, v2, ... packed according
    /// to the format string S.format.  See help(struct) for more on format
    /// strings.
    #[no_text_signature]
    fn pack(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let layout = Struct::layout(this, thread)?;
        let packed = pack_values(thread, &layout, args, "pack")?;
        bytes::new(thread, &packed)
    }

    /// S.pack_into(buffer, offset, v1, v2, ...)
    ///
    /// Pack the values v1, v2, ... according to the format string S.format
    /// and write the packed bytes into the writable buffer buf starting at
    /// offset.  Note that the offset is a required argument.  See
    /// help(struct) for more on format strings.
    #[no_text_signature]
    fn pack_into(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        let layout = Struct::layout(this, thread)?;
        pack_at(thread, &layout, args)
    }

    /// Return a tuple containing unpacked values.
    ///
    /// Unpack according to the struct format string Struct.format. The buffer's size
    /// in bytes must be Struct.size.
    ///
    /// See help(struct) for more on format strings.
    fn unpack(thread: &mut Thread, this: &Obj<Self>, buffer: Ref) -> PyResult {
        let layout = Struct::layout(this, thread)?;
        unpack_values(thread, &layout, buffer)
    }

    /// Return a tuple containing unpacked values.
    ///
    /// Values are unpacked according to the struct format string Struct.format.
    ///
    /// The buffer's size in bytes, starting at position offset, must be
    /// at least Struct.size.
    ///
    /// See help(struct) for more on format strings.
    #[signature(buffer, offset = 0)]
    fn unpack_from(thread: &mut Thread, this: &Obj<Self>, buffer: Ref, offset: isize) -> PyResult {
        let layout = Struct::layout(this, thread)?;
        unpack_at(thread, &layout, buffer, offset)
    }

    /// Return an iterator yielding tuples.
    ///
    /// Tuples are unpacked from the given bytes source, like a repeated
    /// invocation of unpack_from().
    ///
    /// Requires that the bytes length be a multiple of the struct size.
    fn iter_unpack(thread: &mut Thread, this: &Obj<Self>, buffer: Ref) -> PyResult {
        let layout = Struct::layout(this, thread)?;
        UnpackIterator::create(thread, &layout, buffer)
    }

    /// struct format string
    #[getter]
    #[name = "format"]
    fn get_format(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let compiled = Struct::compiled(this, thread)?;
        str::new(thread, &compiled.format)
    }

    /// struct size in bytes
    #[getter]
    fn size(thread: &mut Thread, this: &Obj<Self>) -> isize {
        // Nothing has a size of -1, which an uninitialised object says.
        Struct::layout(this, thread).map_or(-1, |layout| layout.size as isize)
    }

    /// S.__sizeof__() -> size of S in memory, in bytes
    #[name = "__sizeof__"]
    fn sizeof(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        let layout = Struct::layout(this, thread)?;
        Ok(16 + std::mem::size_of::<Struct>() + std::mem::size_of_val(layout.items.as_slice()))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult<String> {
        let name = class_of(this.get()).name();
        let compiled = Struct::compiled(this, thread)?;
        let format: &str = &compiled.format;
        Ok(format!("{name}({})", orochi_text::repr::repr(format.as_ref())))
    }
}

#[pyclass(name = "unpack_iterator", module = "_struct", no_new)]
#[derive(Trace)]
struct UnpackIterator {
    buffer: Field,
    #[trace(unsafe_skip)]
    layout: Arc<Layout>,
    offset: Guarded<usize>,
}

impl UnpackIterator {
    fn create(thread: &mut Thread, layout: &Arc<Layout>, buffer: Ref<'_>) -> PyResult {
        if layout.size == 0 {
            return Err(error("cannot iteratively unpack with a struct of length 0"));
        }
        let content = bytes_of(thread, buffer)?;
        if content.len() % layout.size != 0 {
            let size = layout.size;
            return Err(error(format!(
                "iterative unpacking requires a buffer of a multiple of {size} bytes"
            )));
        }
        // Other threads may change the buffer while it is walked over, so it is walked over in a copy.
        let buffer = match &content {
            ArgBytes::Borrowed(_) => Ref::to_owned(buffer),
            ArgBytes::Copied(copied) => bytes::new(thread, copied)?,
        };
        let iterator = UnpackIterator {
            buffer: Field::new_local(buffer),
            layout: layout.clone(),
            offset: Guarded::new(0),
        };
        Ok(make(thread, iterator)?.into_value())
    }
}

#[pymethods]
impl UnpackIterator {
    fn __length_hint__(thread: &mut Thread, this: &Obj<Self>) -> usize {
        let offset = this.offset.with(this, thread, |offset, _| *offset);
        let len = bytes::value(this.buffer.fixed()).map_or(0, <[u8]>::len);
        len.saturating_sub(offset) / this.layout.size.max(1)
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> PyResult {
        Ok(Ref::to_owned(this))
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let size = this.layout.size;
        let offset = this.offset.with(this, thread, |offset, _| {
            let before = *offset;
            *offset = before.saturating_add(size);
            before
        });
        let content = bytes::value(this.buffer.fixed()).unwrap_or_default();
        let Some(part) = offset.checked_add(size).and_then(|end| content.get(offset..end)) else {
            return Ok(None);
        };
        let values = this.layout.unpack(thread, part)?;
        Ok(Some(tuple::new(thread, values)?.into_value()))
    }
}

/// Return size in bytes of the struct described by the format string.
#[pyfunction]
#[signature(format, /)]
fn calcsize(format: Ref) -> PyResult<usize> {
    Ok(layout_of(format)?.size)
}

fn with_format(args: &Args<'_>) -> PyResult<Arc<Layout>> {
    layout_of(args.get(0).ok_or_else(|| type_error("missing format argument"))?)
}

/// pack(format, v1, v2, ...) -> bytes
///
/// Return a bytes object containing the values v1, v2, ... packed according
/// to the format string.  See help(struct) for more on format strings.
#[pyfunction]
#[no_text_signature]
fn pack(thread: &mut Thread, args: Args<'_>) -> PyResult {
    let layout = with_format(&args)?;
    let packed = pack_values(thread, &layout, args.rest(), "pack")?;
    bytes::new(thread, &packed)
}

/// pack_into(format, buffer, offset, v1, v2, ...)
///
/// Pack the values v1, v2, ... according to the format string and write
/// the packed bytes into the writable buffer buf starting at offset.  Note
/// that the offset is a required argument.  A negative offset counts from
/// the end of the buffer.  See help(struct) for more on format strings.
#[pyfunction]
#[no_text_signature]
fn pack_into(thread: &mut Thread, args: Args<'_>) -> PyResult<()> {
    let layout = with_format(&args)?;
    pack_at(thread, &layout, args.rest())
}

/// Return a tuple containing values unpacked according to the format string.
///
/// The buffer's size in bytes must be calcsize(format).
///
/// See help(struct) for more on format strings.
#[pyfunction]
#[signature(format, buffer, /)]
fn unpack(thread: &mut Thread, format: Ref, buffer: Ref) -> PyResult {
    let layout = layout_of(format)?;
    unpack_values(thread, &layout, buffer)
}

/// Return a tuple containing values unpacked according to the format string.
///
/// The buffer's size, minus offset, must be at least calcsize(format).
/// A negative offset counts from the end of the buffer.
///
/// See help(struct) for more on format strings.
#[pyfunction]
#[signature(format, /, buffer, offset=0)]
fn unpack_from(thread: &mut Thread, format: Ref, buffer: Ref, offset: isize) -> PyResult {
    let layout = layout_of(format)?;
    unpack_at(thread, &layout, buffer, offset)
}

/// Return an iterator yielding tuples unpacked from the given bytes.
///
/// The bytes are unpacked according to the format string, like
/// a repeated invocation of unpack_from().
///
/// Requires that the bytes length be a multiple of the format struct size.
#[pyfunction]
#[signature(format, buffer, /)]
fn iter_unpack(thread: &mut Thread, format: Ref, buffer: Ref) -> PyResult {
    let layout = layout_of(format)?;
    UnpackIterator::create(thread, &layout, buffer)
}

/// Clear the internal cache.
#[pyfunction]
fn _clearcache() {
    CACHE.with_borrow_mut(HashMap::clear);
}

/// Functions to convert between Python values and C structs.
#[pymodule(
    name = "_struct",
    functions(calcsize, pack, pack_into, unpack, unpack_from, iter_unpack, _clearcache),
    classes(Struct)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "error", ERROR.get().to_value())
}
