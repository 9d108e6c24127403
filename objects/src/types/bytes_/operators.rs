//! Operators of `bytes` and `bytearray`: `+`, `*`, `in`, indexing, comparison, the buffer protocol.

use super::shared::ByteString;
use crate::buffer::{self, BufferView};
use crate::error::{PyResult, index_error, type_error};
use crate::protocol::CompareOp;
use crate::types::bytearray::{self, PyByteArray};
use crate::types::bytes::PyBytes;
use crate::types::format::size_error;
use crate::types::int;
use crate::types::slice::PySlice;
use crate::types::str::PyStr;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::search;

/// The index of an item, negative ones counting from the end. `message` is the IndexError's.
pub fn place(index: i64, len: usize, message: &'static str) -> PyResult<usize> {
    let real = if index < 0 { index.saturating_add(len as i64) } else { index };
    usize::try_from(real).ok().filter(|&at| at < len).ok_or_else(|| index_error(message))
}

/// An index or a slice as a key.
pub enum Key<'a> {
    Index(i64),
    Slice(&'a Obj<PySlice>),
}

/// What a subscript is; TypeError with the class's wording.
pub fn key<'a>(thread: &mut Thread, key: Ref<'a>, indices: &str) -> PyResult<Key<'a>> {
    if let Some(small) = key.as_small_int() {
        return Ok(Key::Index(small));
    }
    if let Some(slice) = key.downcast::<PySlice>() {
        return Ok(Key::Slice(slice));
    }
    let class = crate::class_of(key);
    if !int::is_int(key) && class.slots.nb_index().is_none() {
        return Err(type_error(format!("{indices}, not {}", class.name())));
    }
    let index = int::index(thread, key)?;
    match int::value(index.get()).and_then(int::IntRef::to_i64) {
        Some(index) => Ok(Key::Index(index)),
        None => Err(index_error(format!("cannot fit '{}' into an index-sized integer", class.name()))),
    }
}

fn subscript<T: ByteString>(thread: &mut Thread, this: &Obj<T>, subscript: Ref<'_>) -> PyResult {
    match key(thread, subscript, T::INDICES)? {
        Key::Index(index) => {
            let byte = T::look(thread, this, |bytes| -> PyResult<u8> {
                let at = place(index, bytes.len(), T::OUT_OF_RANGE)?;
                Ok(bytes.get(at).copied().unwrap_or(0))
            })?;
            int::new(thread, byte.into())
        }
        Key::Slice(slice) => {
            let bounds = slice.unpack(thread)?;
            if bounds.is_stepwise() {
                let bytes = T::look(thread, this, |bytes| {
                    let places = bounds.span(bytes.len()).indices();
                    places.map(|at| bytes.get(at).copied().unwrap_or(0)).collect()
                });
                return T::make(thread, bytes);
            }
            T::cut(thread, this, |len| {
                let span = bounds.span(len);
                span.start..span.start + span.count
            })
        }
    }
}

fn concat<T: ByteString>(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
    let refused = || {
        let (left, right) = (crate::class_of(left).name(), crate::class_of(right).name());
        type_error(format!("can't concat {right} to {left}"))
    };
    let Some(tail) = buffer::bytes_if_any(thread, right)? else { return Err(refused()) };
    let Some(head) = buffer::bytes_if_any(thread, left)? else { return Err(refused()) };
    T::joined(thread, &[&head, &tail])
}

fn repeat<T: ByteString>(thread: &Thread, this: &Obj<T>, count: i64) -> PyResult {
    let count = usize::try_from(count).unwrap_or(0);
    if count == 1 {
        return T::same(thread, this);
    }
    match T::look(thread, this, |bytes| search::repeat(bytes, count)) {
        Ok(bytes) => T::make(thread, bytes),
        Err(search::SizeError::Overflow)
            if std::ptr::eq(T::static_type(), <PyByteArray as crate::PyClass>::static_type()) =>
        {
            Err(crate::error::memory_error())
        }
        Err(error) => Err(size_error(error, "repeated bytes are too long")),
    }
}

/// `item in bytes`: a byte or bytes.
fn contains<T: ByteString>(thread: &mut Thread, this: &Obj<T>, item: Ref<'_>) -> PyResult<bool> {
    if int::is_int(item) || crate::class_of(item).slots.nb_index().is_some() {
        let byte = super::construct::byte(thread, item, "byte")?;
        return Ok(T::look(thread, this, |bytes| bytes.contains(&byte)));
    }
    let needle = buffer::bytes_of(thread, item)?;
    Ok(T::look(thread, this, |bytes| search::contains(bytes, &*needle)))
}

fn compare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
    let (Some(left), Some(other)) =
        (buffer::bytes_if_any(thread, left)?, buffer::bytes_if_any(thread, right)?)
    else {
        warn_of_comparison(thread, right, op)?;
        return Ok(Value::NOT_IMPLEMENTED);
    };
    Ok(Value::bool(op.holds(left.cmp(&other))))
}

/// Bytes never equal text or numbers; `-b` finds programs that ask.
fn warn_of_comparison(thread: &mut Thread, other: Ref<'_>, op: CompareOp) -> PyResult<()> {
    let what = match op {
        CompareOp::Eq | CompareOp::Ne if other.downcast::<PyStr>().is_some() => "string",
        CompareOp::Eq | CompareOp::Ne if int::is_int(other) => "int",
        _ => return Ok(()),
    };
    crate::warn::bytes_warning(thread, &format!("Comparison between bytes and {what}"))
}

#[pymethods(part = BYTES_OPERATORS)]
impl PyBytes {
    #[slot]
    fn mp_length(this: &Obj<Self>) -> usize {
        this.len()
    }

    #[slot]
    fn sq_concat(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        concat::<Self>(thread, left, right)
    }

    #[slot]
    fn sq_repeat(thread: &mut Thread, this: Ref<'_>, count: i64) -> PyResult {
        repeat(thread, crate::slot_receiver::<PyBytes>(this)?, count)
    }

    #[slot]
    fn sq_item(thread: &mut Thread, this: Ref<'_>, index: i64) -> PyResult {
        let this = crate::slot_receiver::<PyBytes>(this)?;
        let at = place(index, this.len(), Self::OUT_OF_RANGE)?;
        int::new(thread, this.as_bytes().get(at).copied().unwrap_or(0).into())
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        subscript(thread, this, key)
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>) -> PyResult<bool> {
        contains(thread, this, item)
    }

    #[slot]
    fn nb_remainder(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        match crate::bytes::value(left) {
            Some(format) => {
                let bytes = super::printf::format(thread, format, right)?;
                crate::bytes::new(thread, &bytes)
            }
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        match (crate::bytes::value(left), crate::bytes::value(right)) {
            (Some(left), Some(right)) => Ok(Value::bool(match op {
                CompareOp::Eq => left == right,
                CompareOp::Ne => left != right,
                _ => op.holds(left.cmp(right)),
            })),
            _ if right.downcast::<PyByteArray>().is_some() => compare(thread, left, right, op),
            // The other side answers for itself, if it can.
            _ => {
                warn_of_comparison(thread, right, op)?;
                Ok(Value::NOT_IMPLEMENTED)
            }
        }
    }

    #[slot]
    fn bf_getbuffer(_thread: &mut Thread, this: &Obj<Self>, flags: u32) -> PyResult<BufferView> {
        if flags & buffer::flags::WRITABLE != 0 {
            return Err(crate::error::buffer_error("Object is not writable."));
        }
        let bytes = this.as_bytes();
        Ok(BufferView::of_bytes(this.to_value(), bytes.as_ptr().cast_mut(), bytes.len(), true))
    }

    /// Convert this value to exact type bytes.
    fn __bytes__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Self::same(thread, this)
    }

    fn __getnewargs__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let bytes = crate::bytes::new(thread, this.as_bytes())?;
        Ok(crate::tuple::new(thread, vec![bytes])?.into_value())
    }

    /// Returns the size of the bytes object in memory, in bytes.
    fn __sizeof__(this: &Obj<Self>) -> usize {
        33 + this.len()
    }
}

#[pymethods(part = ARRAY_OPERATORS)]
impl PyByteArray {
    #[slot]
    fn sq_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        Ok(bytearray::read(this, thread, <[u8]>::len))
    }

    #[slot]
    fn mp_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        Ok(bytearray::read(this, thread, <[u8]>::len))
    }

    #[slot]
    fn sq_concat(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        concat::<Self>(thread, left, right)
    }

    #[slot]
    fn sq_repeat(thread: &mut Thread, this: Ref<'_>, count: i64) -> PyResult {
        repeat(thread, crate::slot_receiver::<PyByteArray>(this)?, count)
    }

    #[slot]
    fn sq_item(thread: &mut Thread, this: Ref<'_>, index: i64) -> PyResult {
        let this = crate::slot_receiver::<PyByteArray>(this)?;
        item(thread, this, index)
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        if let Some(index) = key.as_small_int() {
            return item(thread, this, index);
        }
        subscript(thread, this, key)
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>) -> PyResult<bool> {
        let _held = Self::hold(thread, this, item);
        contains(thread, this, item)
    }

    #[slot]
    fn nb_remainder(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let Some(this) = left.downcast::<Self>() else { return Ok(Value::NOT_IMPLEMENTED) };
        let _held = Self::hold(thread, this, right);
        let format = Self::snapshot(thread, this);
        let bytes = super::printf::format(thread, &format, right)?;
        Self::make(thread, bytes)
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        compare(thread, left, right, op)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let bytes = Self::snapshot(thread, this);
        let name = crate::class_of(this.get()).name();
        // Unlike the one of bytes, this escapes apostrophes whatever the quotes.
        let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
        let body = orochi_text::repr::repr_bytes_body(&bytes, '\'');
        let body = body.get(1..body.len().saturating_sub(1)).unwrap_or_default();
        crate::str::new(thread, &format!("{name}(b{quote}{body}{quote})"))
    }

    /// Release the buffer object that exposes the underlying memory of the object.
    #[signature(buffer, /)]
    fn __release_buffer__(thread: &mut Thread, this: &Obj<Self>, buffer: Ref<'_>) -> PyResult<()> {
        crate::types::buffer_lender::give_back(thread, this.get(), buffer)
    }

    #[slot]
    fn bf_getbuffer(thread: &mut Thread, this: &Obj<Self>, _flags: u32) -> PyResult<BufferView> {
        let (address, len, export) = bytearray::export(this, thread);
        let view = BufferView::of_bytes(this.to_value(), address, len, false);
        Ok(BufferView { export: Some(export), ..view })
    }
}

fn item(thread: &mut Thread, this: &Obj<PyByteArray>, index: i64) -> PyResult {
    let byte = bytearray::read(this, thread, |bytes| -> PyResult<u8> {
        let at = place(index, bytes.len(), PyByteArray::OUT_OF_RANGE)?;
        Ok(bytes.get(at).copied().unwrap_or(0))
    })?;
    int::new(thread, byte.into())
}
