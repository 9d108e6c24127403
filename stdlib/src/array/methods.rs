//! The methods of arrays.

use super::items::{self, code_point};
use super::{PyArray, append_bytes, extend, item, len, plain, read, resize, snapshot, write};
use orochi_macros::pymethods;
use orochi_objects::buffer;
use orochi_objects::error::{PyResult, eof_error, index_error, memory_error, type_error, value_error};
use orochi_objects::protocol;
use orochi_objects::types::bytes_::operators::place;
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::slice::clamp;
use orochi_objects::types::str::PyStr;
use orochi_objects::{Obj, Ref, Thread, Value, bytes, class_of, int, str, tuple};
use orochi_text::wtf8::Wtf8Buf;

/// Appends bytes, which have to be whole items.
pub(super) fn from_bytes(thread: &mut Thread, array: &Obj<PyArray>, bytes: &[u8]) -> PyResult<()> {
    if !bytes.len().is_multiple_of(array.code.size()) {
        return Err(value_error("bytes length not a multiple of item size"));
    }
    append_bytes(thread, array, bytes)
}

/// The items as a list.
pub(super) fn to_list(thread: &mut Thread, array: &Obj<PyArray>) -> PyResult {
    let bytes = snapshot(array, thread);
    let mut values = Vec::new();
    for item in bytes.chunks_exact(array.code.size()) {
        values.push(items::unpack(thread, array.code, item)?);
    }
    Ok(list::new(thread, values)?.into_value())
}

/// The items as text.
pub(super) fn to_unicode(thread: &mut Thread, array: &Obj<PyArray>) -> PyResult {
    if !array.code.is_text() {
        return Err(value_error("tounicode() may only be called on unicode type arrays ('u' or 'w')"));
    }
    let mut text = Wtf8Buf::new();
    for item in snapshot(array, thread).chunks_exact(4) {
        text.push(code_point(item)?);
    }
    str::from_wtf8(thread, &text)
}

/// The index of the first item within a range that equals a value.
pub(super) fn find(
    thread: &mut Thread,
    array: &Obj<PyArray>,
    value: Ref<'_>,
    (start, end): (usize, usize),
) -> PyResult<Option<usize>> {
    let mut at = start;
    while at < end {
        let Some(found) = item(thread, array, at)? else { return Ok(None) };
        if protocol::eq(thread, found.get(), value)? {
            return Ok(Some(at));
        }
        at += 1;
    }
    Ok(None)
}

fn remove_at(thread: &Thread, array: &Obj<PyArray>, at: usize) -> PyResult<()> {
    let size = array.code.size();
    resize(array, thread, |vector| {
        if (at + 1) * size <= vector.len() {
            vector.drain(at * size..(at + 1) * size);
        }
    })
}

#[pymethods(part = METHODS)]
impl PyArray {
    /// Append new value v to the end of the array.
    fn append(thread: &mut Thread, this: &Obj<Self>, v: Ref<'_>) -> PyResult<()> {
        let bytes = items::pack(thread, this.code, v)?;
        append_bytes(thread, this, &bytes)
    }

    /// Return a tuple (address, length) giving the current memory address and the length in items of the buffer used to hold array's contents.
    ///
    /// The length should be multiplied by the itemsize attribute to calculate
    /// the buffer length in bytes.
    fn buffer_info(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let address = read(this, thread, |bytes| bytes.as_ptr() as usize);
        let address = int::new(thread, address as i64)?;
        let length = int::new(thread, len(this, thread) as i64)?;
        Ok(tuple::new(thread, vec![address, length])?.into_value())
    }

    /// Byteswap all items of the array.
    ///
    /// If the items in the array are not 1, 2, 4, or 8 bytes in size, RuntimeError is
    /// raised.
    fn byteswap(thread: &mut Thread, this: &Obj<Self>) {
        let size = this.code.size();
        write(this, thread, |bytes| bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse));
    }

    /// Remove all items from the array.
    fn clear(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        resize(this, thread, Vec::clear)
    }

    /// Return number of occurrences of v in the array.
    fn count(thread: &mut Thread, this: &Obj<Self>, v: Ref<'_>) -> PyResult<usize> {
        let (mut count, mut from) = (0, 0);
        while let Some(at) = find(thread, this, v, (from, usize::MAX))? {
            count += 1;
            from = at + 1;
        }
        Ok(count)
    }

    /// Append items to the end of the array.
    fn extend(thread: &mut Thread, this: &Obj<Self>, bb: Ref<'_>) -> PyResult<()> {
        extend(thread, this, bb)
    }

    /// Appends items from the string, interpreting it as an array of machine values, as if it had been read from a file using the fromfile() method.
    fn frombytes(thread: &mut Thread, this: &Obj<Self>, buffer: Ref<'_>) -> PyResult<()> {
        let bytes = buffer::bytes_of(thread, buffer)?;
        from_bytes(thread, this, &bytes)
    }

    /// Read n objects from the file object f and append them to the end of the array.
    fn fromfile(thread: &mut Thread, this: &Obj<Self>, f: Ref<'_>, n: i64) -> PyResult<()> {
        let Ok(count) = usize::try_from(n) else { return Err(value_error("negative count")) };
        let wanted = count.checked_mul(this.code.size()).ok_or_else(memory_error)?;
        let size = int::new(thread, wanted as i64)?;
        let read = protocol::call_method(thread, f, "read", &[size.get()])?;
        let Some(bytes) = bytes::value(read.get()) else {
            return Err(type_error("read() didn't return bytes"));
        };
        from_bytes(thread, this, bytes)?;
        if bytes.len() < wanted {
            return Err(eof_error("read() didn't return enough bytes"));
        }
        Ok(())
    }

    /// Append items to array from list.
    fn fromlist(thread: &mut Thread, this: &Obj<Self>, list: Ref<'_>) -> PyResult<()> {
        if list.downcast::<PyList>().is_none() {
            return Err(type_error("arg must be list"));
        }
        let mut bytes = Vec::new();
        for value in protocol::collect(thread, list)? {
            bytes.extend(items::pack(thread, this.code, value.get())?);
        }
        append_bytes(thread, this, &bytes)
    }

    /// Extends this array with data from the unicode string ustr.
    ///
    /// The array must be a unicode type array; otherwise a ValueError is raised.
    /// Use array.frombytes(ustr.encode(...)) to append Unicode data to an array of
    /// some other type.
    fn fromunicode(thread: &mut Thread, this: &Obj<Self>, ustr: &Obj<PyStr>) -> PyResult<()> {
        if !this.code.is_text() {
            return Err(value_error("fromunicode() may only be called on unicode type arrays ('u' or 'w')"));
        }
        append_bytes(thread, this, &items::text_bytes(ustr.as_wtf8()))
    }

    /// Return index of first occurrence of v in the array.
    ///
    /// Raise ValueError if the value is not present.
    #[signature(v, start=0, stop=i64::MAX as "sys.maxsize", /)]
    fn index(thread: &mut Thread, this: &Obj<Self>, v: Ref<'_>, start: i64, stop: i64) -> PyResult<usize> {
        let len = len(this, thread);
        let found = find(thread, this, v, (clamp(start, len), clamp(stop, len)))?;
        found.ok_or_else(|| value_error("array.index(x): x not in array"))
    }

    /// Insert a new item v into the array before position i.
    fn insert(thread: &mut Thread, this: &Obj<Self>, i: i64, v: Ref<'_>) -> PyResult<()> {
        let bytes = items::pack(thread, this.code, v)?;
        resize(this, thread, |vector| {
            vector.try_reserve(bytes.len()).map_err(|_| memory_error())?;
            let at = clamp(i, vector.len() / bytes.len().max(1)) * bytes.len();
            vector.splice(at..at, bytes);
            Ok(())
        })?
    }

    /// Return the i-th element and delete it from the array.
    ///
    /// i defaults to -1.
    #[signature(i=-1, /)]
    fn pop(thread: &mut Thread, this: &Obj<Self>, i: i64) -> PyResult {
        let len = len(this, thread);
        if len == 0 {
            return Err(index_error("pop from empty array"));
        }
        let at = place(i, len, "pop index out of range")?;
        let value = item(thread, this, at)?.ok_or_else(|| index_error("pop index out of range"))?;
        remove_at(thread, this, at)?;
        Ok(value)
    }

    /// Remove the first occurrence of v in the array.
    fn remove(thread: &mut Thread, this: &Obj<Self>, v: Ref<'_>) -> PyResult<()> {
        match find(thread, this, v, (0, usize::MAX))? {
            Some(at) => remove_at(thread, this, at),
            None => Err(value_error("array.remove(x): x not in array")),
        }
    }

    /// Reverse the order of the items in the array.
    fn reverse(thread: &mut Thread, this: &Obj<Self>) {
        let size = this.code.size();
        write(this, thread, |bytes| {
            bytes.reverse();
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        });
    }

    /// Convert the array to an array of machine values and return the bytes representation.
    fn tobytes(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        bytes::new(thread, &snapshot(this, thread))
    }

    /// Write all items (as machine values) to the file object f.
    fn tofile(thread: &mut Thread, this: &Obj<Self>, f: Ref<'_>) -> PyResult<()> {
        let bytes = snapshot(this, thread);
        for block in bytes.chunks(1 << 16) {
            let block = bytes::new(thread, block)?;
            protocol::call_method(thread, f, "write", &[block.get()])?;
        }
        Ok(())
    }

    /// Convert array to an ordinary list with the same items.
    fn tolist(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        to_list(thread, this)
    }

    /// Extends this array with data from the unicode string ustr.
    ///
    /// Convert the array to a unicode string.  The array must be a unicode type array;
    /// otherwise a ValueError is raised.  Use array.tobytes().decode() to obtain a
    /// unicode string from an array of some other type.
    fn tounicode(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        to_unicode(thread, this)
    }

    /// Return a copy of the array.
    fn __copy__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        plain(thread, this.code, snapshot(this, thread))
    }

    /// Return a copy of the array.
    fn __deepcopy__(thread: &mut Thread, this: &Obj<Self>, _unused: Ref<'_>) -> PyResult {
        plain(thread, this.code, snapshot(this, thread))
    }

    /// Size of the array in memory, in bytes.
    fn __sizeof__(thread: &mut Thread, this: &Obj<Self>) -> usize {
        64 + read(this, thread, <[u8]>::len)
    }

    /// Return state information for pickling.
    fn __reduce_ex__(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult {
        let protocol_number = int::index_i64(thread, value)?;
        let state = protocol::find_attr(thread, this.get(), orochi_objects::name!("__dict__"))?;
        let state = state.unwrap_or(Value::NONE);
        let class = class_of(this.get()).to_value();
        let code = str::new(thread, &this.code.char().to_string())?;
        let (function, args) = if protocol_number < 3 {
            let values = to_list(thread, this)?;
            (class, vec![code, values])
        } else {
            let module = crate::support::import(thread, "array")?;
            let function = protocol::get_attr_str(thread, module.get(), "_array_reconstructor")?;
            let format = int::new(thread, this.code.machine_format())?;
            let bytes = bytes::new(thread, &snapshot(this, thread))?;
            (function, vec![class, code, format, bytes])
        };
        let args = tuple::new(thread, args)?.into_value();
        Ok(tuple::new(thread, vec![function, args, state])?.into_value())
    }

    /// the typecode character used to create the array
    #[getter]
    fn typecode(this: &Obj<Self>) -> String {
        this.code.char().to_string()
    }

    /// the size, in bytes, of one array item
    #[getter]
    fn itemsize(this: &Obj<Self>) -> usize {
        this.code.size()
    }
}
