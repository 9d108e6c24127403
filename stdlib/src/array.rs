//! `array`: arrays of numbers of one machine type. This file is the class; [`items`] converts items.
//!
//! The items lie as bytes in a vector under the owner's lock. While others look at the memory through the buffer
//! protocol, the array keeps its length, like a bytearray.

mod items;
mod methods;

use items::Code;
use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::args::Args;
use orochi_objects::buffer::{self, BufferView, Export};
use orochi_objects::core::sync::{AtomicU64, Ordering};
use orochi_objects::error::{
    PyErr, PyResult, buffer_error, index_error, memory_error, type_error, value_error,
};
use orochi_objects::protocol::{self, CompareOp};
use orochi_objects::types::bytes_::operators::place;
use orochi_objects::types::int::IntRef;
use orochi_objects::types::module::{ModuleExt, PyModule};
use orochi_objects::types::slice::PySlice;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::r#type::PyType;
use orochi_objects::{
    AtomicField, Guarded, Obj, PyClass, Ref, Thread, Value, alloc, class_of, int, str, warn,
};

/// array(typecode [, initializer]) -> array
///
/// Return a new array whose items are restricted by typecode, and
/// initialized from the optional initializer value, which must be a list,
/// string or iterable over elements of the appropriate type.
#[pyclass(name = "array", module = "array", subclassable, sequence, weakref, generic)]
#[derive(Trace)]
pub(crate) struct PyArray {
    #[trace(unsafe_skip)]
    code: Code,
    #[trace(unsafe_skip)]
    state: Guarded<State>,
}

/// The items as bytes.
struct State {
    bytes: Vec<u8>,
    export: Option<Export>,
}

/// An iterator over an array.
#[pyclass(name = "arrayiterator", module = "array", no_new)]
#[derive(Trace)]
struct PyArrayIterator {
    /// Empty when it has come to its end.
    array: AtomicField,
    #[trace(unsafe_skip)]
    next: AtomicU64,
}

/// Where an iterator is that has come to an end.
const ENDED: u64 = u64::MAX;
const OUT_OF_RANGE: &str = "array index out of range";

/// A new array of these bytes.
fn new(thread: &Thread, class: &Obj<PyType>, code: Code, bytes: Vec<u8>) -> PyResult {
    let state = Guarded::new(State { bytes, export: None });
    Ok(alloc(thread, class, PyArray { code, state })?.into_value())
}

fn plain(thread: &Thread, code: Code, bytes: Vec<u8>) -> PyResult {
    new(thread, PyArray::static_type().get(), code, bytes)
}

/// Runs `f` with the bytes.
fn read<R>(array: &Obj<PyArray>, thread: &Thread, f: impl FnOnce(&[u8]) -> R) -> R {
    array.state.with(array, thread, |state, _| f(&state.bytes))
}

/// Runs `f` with the bytes to change them in place.
fn write<R>(array: &Obj<PyArray>, thread: &Thread, f: impl FnOnce(&mut [u8]) -> R) -> R {
    array.state.with(array, thread, |state, _| f(&mut state.bytes))
}

/// Runs `f` with the vector. BufferError if the array is exported.
fn resize<R>(array: &Obj<PyArray>, thread: &Thread, f: impl FnOnce(&mut Vec<u8>) -> R) -> PyResult<R> {
    array.state.with(array, thread, |state, _| {
        if state.export.as_ref().is_some_and(|export| export.others() > 0) {
            return Err(buffer_error("cannot resize an array that is exporting buffers"));
        }
        Ok(f(&mut state.bytes))
    })
}

fn snapshot(array: &Obj<PyArray>, thread: &Thread) -> Vec<u8> {
    read(array, thread, <[u8]>::to_vec)
}

fn len(array: &Obj<PyArray>, thread: &Thread) -> usize {
    read(array, thread, <[u8]>::len) / array.code.size()
}

/// The bytes of the i-th item.
fn bytes_at(bytes: &[u8], code: Code, at: usize) -> Option<[u8; 8]> {
    let size = code.size();
    let mut item = [0; 8];
    item.get_mut(..size)?.copy_from_slice(bytes.get(at.checked_mul(size)?..)?.get(..size)?);
    Some(item)
}

/// The i-th item; `None` beyond the end.
fn item(thread: &mut Thread, array: &Obj<PyArray>, at: usize) -> PyResult<Option<Value>> {
    let code = array.code;
    let bytes = read(array, thread, |bytes| bytes_at(bytes, code, at));
    bytes.map(|bytes| items::unpack(thread, code, &bytes)).transpose()
}

/// Appends bytes of whole items.
fn append_bytes(thread: &Thread, array: &Obj<PyArray>, bytes: &[u8]) -> PyResult<()> {
    resize(array, thread, |vector| {
        vector.try_reserve(bytes.len()).map_err(|_| memory_error())?;
        vector.extend_from_slice(bytes);
        Ok(())
    })?
}

/// Appends the items of an iterable; arrays have to be of the same kind.
fn extend(thread: &mut Thread, array: &Obj<PyArray>, iterable: Ref<'_>) -> PyResult<()> {
    if let Some(other) = iterable.downcast::<PyArray>() {
        if other.code != array.code {
            return Err(type_error("can only extend with array of same kind"));
        }
        return append_bytes(thread, array, &snapshot(other, thread));
    }
    protocol::iterate(thread, iterable, |thread, item| {
        let bytes = items::pack(thread, array.code, item.get())?;
        append_bytes(thread, array, &bytes)
    })
}

/// The type code that an argument names.
fn code_argument(object: Ref<'_>, function: &str) -> PyResult<Code> {
    let Some(text) = object.downcast::<PyStr>() else {
        let class = class_of(object).name();
        return Err(type_error(format!("{function}() argument 1 must be a unicode character, not {class}")));
    };
    if text.len() != 1 {
        return Err(type_error(format!(
            "{function}() argument 1 must be a unicode character, not a string of length {}",
            text.len()
        )));
    }
    text.to_str()
        .and_then(|text| text.chars().next())
        .and_then(Code::from_char)
        .ok_or_else(|| value_error("bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)"))
}

/// Fills a new array from the initialiser.
fn initialise(thread: &mut Thread, array: &Obj<PyArray>, source: Ref<'_>) -> PyResult<()> {
    let code = array.code;
    if let Some(text) = source.downcast::<PyStr>() {
        if !code.is_text() {
            return Err(type_error(format!(
                "cannot use a str to initialize an array with typecode '{}'",
                code.char()
            )));
        }
        return append_bytes(thread, array, &items::text_bytes(text.as_wtf8()));
    }
    if let Some(other) = source.downcast::<PyArray>() {
        if other.code.is_text() && !code.is_text() {
            return Err(type_error(format!(
                "cannot use a unicode array to initialize an array with typecode '{}'",
                code.char()
            )));
        }
        if other.code == code {
            return append_bytes(thread, array, &snapshot(other, thread));
        }
    }
    if let Some(bytes) = buffer::own_bytes(thread, source) {
        return methods::from_bytes(thread, array, &bytes);
    }
    protocol::iterate(thread, source, |thread, item| {
        let bytes = items::pack(thread, code, item.get())?;
        append_bytes(thread, array, &bytes)
    })
}

fn in_slice(thread: &mut Thread, array: &Obj<PyArray>, slice: &Obj<PySlice>) -> PyResult {
    let bounds = slice.unpack(thread)?;
    let size = array.code.size();
    let bytes = snapshot(array, thread);
    let span = bounds.span(bytes.len() / size);
    let mut part = Vec::new();
    part.try_reserve_exact(span.count * size).map_err(|_| memory_error())?;
    for at in span.indices() {
        part.extend_from_slice(bytes.get(at * size..(at + 1) * size).unwrap_or_default());
    }
    plain(thread, array.code, part)
}

fn assign_slice(
    thread: &mut Thread,
    array: &Obj<PyArray>,
    slice: &Obj<PySlice>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let new = match value {
        None => Vec::new(),
        Some(value) => match value.downcast::<PyArray>() {
            Some(other) if other.code == array.code => snapshot(other, thread),
            Some(_) => return Err(type_error("bad argument type for built-in operation")),
            None => {
                let class = class_of(value).name();
                return Err(type_error(format!("can only assign array (not \"{class}\") to array slice")));
            }
        },
    };
    let bounds = slice.unpack(thread)?;
    let size = array.code.size();
    let span = bounds.span(len(array, thread));
    let given = new.len() / size;
    if span.step == 1 {
        let (start, end) = (span.start * size, (span.start + span.count) * size);
        if given == span.count {
            write(array, thread, |bytes| {
                if let Some(part) = bytes.get_mut(start..end) {
                    part.copy_from_slice(&new);
                }
            });
            return Ok(());
        }
        return resize(array, thread, |vector| {
            let end = end.min(vector.len());
            vector.splice(start.min(end)..end, new);
        });
    }
    if value.is_none() {
        let mut doomed: Vec<usize> = span.indices().collect();
        doomed.sort_unstable();
        return resize(array, thread, |vector| {
            let mut at = 0;
            vector.retain(|_| {
                let goes = doomed.binary_search(&(at / size)).is_ok();
                at += 1;
                !goes
            });
        });
    }
    if given != span.count {
        return Err(value_error(format!(
            "attempt to assign array of size {given} to extended slice of size {}",
            span.count
        )));
    }
    write(array, thread, |bytes| {
        for (at, item) in span.indices().zip(new.chunks_exact(size)) {
            if let Some(place) = bytes.get_mut(at * size..(at + 1) * size) {
                place.copy_from_slice(item);
            }
        }
    });
    Ok(())
}

fn same_kind<'a>(left: &Obj<PyArray>, right: Ref<'a>) -> PyResult<&'a Obj<PyArray>> {
    match right.downcast::<PyArray>() {
        Some(other) if other.code == left.code => Ok(other),
        Some(_) => Err(type_error("bad argument type for built-in operation")),
        None => {
            let class = class_of(right).name();
            Err(type_error(format!("can only append array (not \"{class}\") to array")))
        }
    }
}

fn repeated(bytes: &[u8], count: i64) -> PyResult<Vec<u8>> {
    let count = usize::try_from(count).unwrap_or(0);
    orochi_text::search::repeat(bytes, count).map_err(|_| memory_error())
}

/// Compares item by item.
fn compare(thread: &mut Thread, left: &Obj<PyArray>, right: &Obj<PyArray>, op: CompareOp) -> PyResult {
    let mut at = 0;
    loop {
        let (a, b) = (item(thread, left, at)?, item(thread, right, at)?);
        let (Some(a), Some(b)) = (a, b) else { break };
        if !protocol::eq(thread, a.get(), b.get())? {
            return match op {
                CompareOp::Eq => Ok(Value::FALSE),
                CompareOp::Ne => Ok(Value::TRUE),
                _ => protocol::rich_compare(thread, a.get(), b.get(), op),
            };
        }
        at += 1;
    }
    Ok(Value::bool(op.holds(len(left, thread).cmp(&len(right, thread)))))
}

#[cold]
fn bad_index() -> PyErr {
    type_error("array indices must be integers")
}

fn index_of(thread: &mut Thread, key: Ref<'_>) -> PyResult<i64> {
    let class = class_of(key);
    if !int::is_int(key) && class.slots.nb_index().is_none() {
        return Err(bad_index());
    }
    let index = int::index(thread, key)?;
    int::value(index.get())
        .and_then(IntRef::to_i64)
        .ok_or_else(|| index_error(format!("cannot fit '{}' into an index-sized integer", class.name())))
}

#[pymethods(parts(methods::METHODS))]
impl PyArray {
    #[new]
    #[no_text_signature]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        if std::ptr::eq(cls, Self::static_type().get()) {
            args.no_keywords("array.array")?;
        }
        let given = args.len();
        let Some(code) = args.get(0) else {
            return Err(type_error("array() takes at least 1 argument (0 given)"));
        };
        if given > 2 {
            return Err(type_error(format!("array() takes at most 2 arguments ({given} given)")));
        }
        let code = code_argument(code, "array")?;
        if code.char() == 'u' {
            let message = "The 'u' type code is deprecated and will be removed in Python 3.16";
            warn::deprecation(thread, message)?;
        }
        let made = new(thread, cls, code, Vec::new())?;
        if let (Some(source), Some(array)) = (args.get(1), made.get().downcast::<PyArray>()) {
            initialise(thread, array, source)?;
        }
        Ok(made)
    }

    #[slot]
    fn sq_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        Ok(len(this, thread))
    }

    #[slot]
    fn mp_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        Ok(len(this, thread))
    }

    #[slot]
    fn sq_item(thread: &mut Thread, this: Ref<'_>, index: i64) -> PyResult {
        let this = orochi_objects::slot_receiver::<PyArray>(this)?;
        let at = place(index, len(this, thread), OUT_OF_RANGE)?;
        item(thread, this, at)?.ok_or_else(|| index_error(OUT_OF_RANGE))
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        if let Some(slice) = key.downcast::<PySlice>() {
            return in_slice(thread, this, slice);
        }
        let index = index_of(thread, key)?;
        let at = place(index, len(this, thread), OUT_OF_RANGE)?;
        item(thread, this, at)?.ok_or_else(|| index_error(OUT_OF_RANGE))
    }

    #[slot]
    fn mp_ass_subscript(
        thread: &mut Thread,
        this: &Obj<Self>,
        key: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        if let Some(slice) = key.downcast::<PySlice>() {
            return assign_slice(thread, this, slice, value);
        }
        let index = index_of(thread, key)?;
        let size = this.code.size();
        let new = value.map(|value| items::pack(thread, this.code, value)).transpose()?;
        let place_in = |len: usize| place(index, len / size, "array assignment index out of range");
        match new {
            Some(new) => write(this, thread, |bytes| {
                let at = place_in(bytes.len())? * size;
                if let Some(place) = bytes.get_mut(at..at + size) {
                    place.copy_from_slice(&new);
                }
                Ok(())
            }),
            None => resize(this, thread, |vector| {
                let at = place_in(vector.len())? * size;
                vector.drain(at..at + size);
                Ok(())
            })?,
        }
    }

    #[slot]
    fn sq_concat(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let left = orochi_objects::slot_receiver::<PyArray>(left)?;
        let right = same_kind(left, right)?;
        let mut bytes = snapshot(left, thread);
        bytes.extend_from_slice(&snapshot(right, thread));
        plain(thread, left.code, bytes)
    }

    #[slot]
    fn sq_inplace_concat(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let this = orochi_objects::slot_receiver::<PyArray>(left)?;
        if right.downcast::<PyArray>().is_none() {
            let class = class_of(right).name();
            return Err(type_error(format!("can only extend array with array (not \"{class}\")")));
        }
        extend(thread, this, right)?;
        Ok(left.to_owned())
    }

    #[slot]
    fn sq_repeat(thread: &mut Thread, this: Ref<'_>, count: i64) -> PyResult {
        let this = orochi_objects::slot_receiver::<PyArray>(this)?;
        let bytes = repeated(&snapshot(this, thread), count)?;
        plain(thread, this.code, bytes)
    }

    #[slot]
    fn sq_inplace_repeat(thread: &mut Thread, left: Ref<'_>, count: i64) -> PyResult {
        let this = orochi_objects::slot_receiver::<PyArray>(left)?;
        let bytes = repeated(&snapshot(this, thread), count)?;
        resize(this, thread, |vector| *vector = bytes)?;
        Ok(left.to_owned())
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<bool> {
        Ok(methods::find(thread, this, value, (0, usize::MAX))?.is_some())
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let array = AtomicField::new_local(this.to_value());
        Ok(orochi_objects::make(thread, PyArrayIterator { array, next: AtomicU64::new(0) })?.into_value())
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        match (left.downcast::<PyArray>(), right.downcast::<PyArray>()) {
            (Some(left), Some(right)) => compare(thread, left, right, op),
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn tp_hash(_thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        Err(type_error(format!("unhashable type: 'array.{}'", class_of(this.get()).name())))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (name, code) = (class_of(this.get()).name(), this.code.char());
        if len(this, thread) == 0 {
            return str::new(thread, &format!("{name}('{code}')"));
        }
        let content = if this.code.is_text() {
            methods::to_unicode(thread, this)?
        } else {
            methods::to_list(thread, this)?
        };
        let content = protocol::repr(thread, content.get())?;
        str::new(thread, &format!("{name}('{code}', {})", str::display(content.get())))
    }

    /// Release the buffer object that exposes the underlying memory of the object.
    #[signature(buffer, /)]
    fn __release_buffer__(thread: &mut Thread, this: &Obj<Self>, buffer: Ref<'_>) -> PyResult<()> {
        orochi_objects::types::buffer_lender::give_back(thread, this.get(), buffer)
    }

    #[slot]
    fn bf_getbuffer(thread: &mut Thread, this: &Obj<Self>, _flags: u32) -> PyResult<BufferView> {
        let (address, len, export) = this.state.with(this, thread, |state, _| {
            let export = state.export.get_or_insert_with(|| Export::new(None)).clone();
            (state.bytes.as_mut_ptr(), state.bytes.len(), export)
        });
        let size = this.code.size();
        Ok(BufferView {
            itemsize: size,
            format: this.code.format().into(),
            shape: vec![(len / size) as isize],
            strides: vec![size as isize],
            export: Some(export),
            ..BufferView::of_bytes(this.to_value(), address, len, false)
        })
    }
}

#[pymethods]
impl PyArrayIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(Ok(array)) = this.array.get(thread).map(Value::downcast::<PyArray>) else { return Ok(None) };
        // Relaxed: the position stands alone.
        let mut at = this.next.load(Ordering::Relaxed);
        loop {
            if at == ENDED {
                return Ok(None);
            }
            let found = item(thread, &array, at as usize)?;
            let after = if found.is_some() { at + 1 } else { ENDED };
            match this.next.compare_exchange(at, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => {
                    if found.is_none() {
                        // It is at its end for good: the array need not wait for it.
                        drop(this.array.swap(this, thread, None));
                    }
                    return Ok(found);
                }
                Err(now) => at = now,
            }
        }
    }

    /// Return state information for pickling.
    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let at = this.next.load(Ordering::Relaxed);
        if at == ENDED {
            let empty = orochi_objects::tuple::new(thread, Vec::new())?.into_value();
            return orochi_objects::types::iterators::reduced(thread, "iter", |_| Ok((vec![empty], None)));
        }
        let array = this.array.get(thread).unwrap_or(Value::NONE);
        orochi_objects::types::iterators::reduced(thread, "iter", |_| Ok((vec![array], Some(at as i64))))
    }

    /// Set state information for unpickling.
    fn __setstate__(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
        let index = int::index_i64(thread, state)?;
        if let Some(Ok(array)) = this.array.get(thread).map(Value::downcast::<PyArray>) {
            let index = index.clamp(0, len(&array, thread) as i64);
            this.next.store(index as u64, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Internal. Used for pickling support.
#[pyfunction]
fn _array_reconstructor(
    thread: &mut Thread,
    arraytype: Ref<'_>,
    typecode: Ref<'_>,
    mformat_code: i64,
    items: Ref<'_>,
) -> PyResult {
    let Some(class) = arraytype.downcast::<PyType>() else {
        let class = class_of(arraytype).name();
        return Err(type_error(format!("first argument must be a type object, not {class}")));
    };
    let code = code_argument(typecode, "_array_reconstructor")?;
    let Some(bytes) = orochi_objects::bytes::value(items) else {
        let class = class_of(items).name();
        return Err(type_error(format!("fourth argument should be bytes, not {class}")));
    };
    let made = protocol::call(thread, class.get(), &[typecode])?;
    let Some(array) = made.get().downcast::<PyArray>() else {
        return Err(type_error(format!("{} is not a subtype of array.array", class.name())));
    };
    let native = items::convert_machine_format(thread, code, mformat_code, bytes)?;
    match native {
        items::Converted::Bytes(bytes) => methods::from_bytes(thread, array, &bytes)?,
        items::Converted::Values(values) => {
            for value in values {
                let bytes = items::pack(thread, code, value.get())?;
                append_bytes(thread, array, &bytes)?;
            }
        }
    }
    Ok(made)
}

/// This module defines an object type which can efficiently represent
/// an array of basic values: characters, integers, floating-point
/// numbers.  Arrays are sequence types and behave very much like lists,
/// except that the type of objects stored in them is constrained.
#[pymodule(name = "array", functions(_array_reconstructor), classes(PyArray))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "ArrayType", PyArray::static_type().get())?;
    // Arrays are sequences to `collections.abc`, which can't know of them itself.
    let sequence = crate::support::import_attr(thread, "collections.abc", "MutableSequence")?;
    protocol::call_method(thread, sequence.get(), "register", &[PyArray::static_type().get().get()])?;
    module.add(thread, "typecodes", "bBuwhHiIlLqQfd")
}
