//! What methods need to know of a bytes-like class: how to look at its bytes, and how to make another of its kind.

use crate::buffer::{self, ArgBytes, Export};
use crate::class::{PyClass, is_exact};
use crate::error::{PyResult, memory_error, type_error, value_error};
use crate::types::bytearray::{self, PyByteArray};
use crate::types::bytes::{self, PyBytes};
use crate::types::int;
use crate::types::str_::search::range_bound;
use crate::types::tuple::PyTuple;
use orochi_core::{Obj, Ref, Thread};
use std::borrow::Cow;
use std::ops::Range;

/// `bytes` or `bytearray`.
pub trait ByteString: PyClass {
    /// The bytes: borrowed from what never changes, copied otherwise.
    fn snapshot<'a>(thread: &Thread, this: &'a Obj<Self>) -> Cow<'a, [u8]>;

    /// Runs `look` with the bytes where they lie: `look` is brief, or linear in them, and runs no Python code.
    fn look<R>(thread: &Thread, this: &Obj<Self>, look: impl FnOnce(&[u8]) -> R) -> R;

    /// A new one of the bytes that `range` selects, given their number; the object itself if it never changes and that is all.
    fn cut(thread: &Thread, this: &Obj<Self>, range: impl FnOnce(usize) -> Range<usize>) -> PyResult;

    /// Keeps the bytes from being resized while an argument is looked at that may run Python code; plain ones don't.
    fn hold(thread: &Thread, this: &Obj<Self>, argument: Ref<'_>) -> Option<Export>;

    /// A new one of these bytes.
    fn make(thread: &Thread, bytes: Vec<u8>) -> PyResult;

    /// A new one with a copy of these bytes.
    fn copied(thread: &Thread, bytes: &[u8]) -> PyResult {
        Self::joined(thread, &[bytes])
    }

    /// A new one with copies of several parts in a row.
    fn joined(thread: &Thread, parts: &[&[u8]]) -> PyResult;

    /// A copy, or the object itself if it never changes.
    fn same(thread: &Thread, this: &Obj<Self>) -> PyResult;

    /// The result of a method that found nothing to change in these bytes, of which another thread may have made others since.
    fn unchanged(thread: &Thread, this: &Obj<Self>, bytes: &[u8]) -> PyResult;

    /// The message for an index that is out of range.
    const OUT_OF_RANGE: &'static str;
    /// How messages about indices begin.
    const INDICES: &'static str;
}

impl ByteString for PyBytes {
    fn snapshot<'a>(_thread: &Thread, this: &'a Obj<Self>) -> Cow<'a, [u8]> {
        Cow::Borrowed(PyBytes::as_bytes(this))
    }

    fn look<R>(_thread: &Thread, this: &Obj<Self>, look: impl FnOnce(&[u8]) -> R) -> R {
        look(PyBytes::as_bytes(this))
    }

    fn cut(thread: &Thread, this: &Obj<Self>, range: impl FnOnce(usize) -> Range<usize>) -> PyResult {
        let bytes = PyBytes::as_bytes(this);
        let part = bytes.get(range(bytes.len())).unwrap_or_default();
        if part.len() == bytes.len() { Self::same(thread, this) } else { bytes::new(thread, part) }
    }

    fn hold(_thread: &Thread, _this: &Obj<Self>, _argument: Ref<'_>) -> Option<Export> {
        None
    }

    fn make(thread: &Thread, bytes: Vec<u8>) -> PyResult {
        bytes::new(thread, &bytes)
    }

    fn joined(thread: &Thread, parts: &[&[u8]]) -> PyResult {
        bytes::joined(thread, parts)
    }

    fn unchanged(thread: &Thread, this: &Obj<Self>, _bytes: &[u8]) -> PyResult {
        Self::same(thread, this)
    }

    fn same(thread: &Thread, this: &Obj<Self>) -> PyResult {
        if is_exact(this.get(), PyBytes::static_type()) {
            return Ok(this.to_value());
        }
        bytes::new(thread, PyBytes::as_bytes(this))
    }

    const OUT_OF_RANGE: &'static str = "index out of range";
    const INDICES: &'static str = "byte indices must be integers or slices";
}

impl ByteString for PyByteArray {
    fn snapshot<'a>(thread: &Thread, this: &'a Obj<Self>) -> Cow<'a, [u8]> {
        Cow::Owned(bytearray::read(this, thread, <[u8]>::to_vec))
    }

    fn look<R>(thread: &Thread, this: &Obj<Self>, look: impl FnOnce(&[u8]) -> R) -> R {
        bytearray::read(this, thread, look)
    }

    fn cut(thread: &Thread, this: &Obj<Self>, range: impl FnOnce(usize) -> Range<usize>) -> PyResult {
        let part =
            bytearray::read(this, thread, |bytes| bytes.get(range(bytes.len())).unwrap_or_default().to_vec());
        Self::make(thread, part)
    }

    fn hold(thread: &Thread, this: &Obj<Self>, argument: Ref<'_>) -> Option<Export> {
        let is_plain = argument.as_small_int().is_some()
            || is_exact(argument, PyBytes::static_type())
            || is_exact(argument, PyByteArray::static_type());
        (!is_plain).then(|| bytearray::export(this, thread).2)
    }

    fn make(thread: &Thread, bytes: Vec<u8>) -> PyResult {
        Ok(bytearray::new(thread, bytes)?.into_value())
    }

    fn joined(thread: &Thread, parts: &[&[u8]]) -> PyResult {
        let mut bytes = Vec::new();
        let len = parts.iter().try_fold(0_usize, |len, part| len.checked_add(part.len()));
        bytes.try_reserve_exact(len.ok_or_else(memory_error)?).map_err(|_| memory_error())?;
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        Self::make(thread, bytes)
    }

    fn unchanged(thread: &Thread, _this: &Obj<Self>, bytes: &[u8]) -> PyResult {
        Self::copied(thread, bytes)
    }

    fn same(thread: &Thread, this: &Obj<Self>) -> PyResult {
        Self::make(thread, bytearray::read(this, thread, <[u8]>::to_vec))
    }

    const OUT_OF_RANGE: &'static str = "bytearray index out of range";
    const INDICES: &'static str = "bytearray indices must be integers or slices";
}

/// The arguments `start` and `end` of a search, which are evaluated before anything is looked at.
#[derive(Clone, Copy)]
pub struct Bounds {
    start: i64,
    end: i64,
}

impl Bounds {
    pub fn new(thread: &mut Thread, start: Option<Ref<'_>>, end: Option<Ref<'_>>) -> PyResult<Bounds> {
        Ok(Bounds { start: range_bound(thread, start, 0)?, end: range_bound(thread, end, i64::MAX)? })
    }

    /// The part that they select, and where it begins; `None` if `start` lies beyond the end.
    pub fn select(self, bytes: &[u8]) -> Option<(&[u8], usize)> {
        let len = bytes.len() as i64;
        let real = |index: i64| if index < 0 { index.saturating_add(len).max(0) } else { index };
        let (start, end) = (real(self.start), real(self.end).min(len));
        if start > end || start > len {
            return None;
        }
        bytes.get(start as usize..end as usize).map(|part| (part, start as usize))
    }
}

/// The argument of `find` and the like: a byte, or bytes.
pub fn needle<'a>(thread: &mut Thread, object: Ref<'a>) -> PyResult<ArgBytes<'a>> {
    if let Some(bytes) = buffer::bytes_if_any(thread, object)? {
        return Ok(bytes);
    }
    let class = crate::class_of(object);
    if !int::is_int(object) && class.slots.nb_index().is_none() {
        let name = class.name();
        return Err(type_error(format!("argument should be integer or bytes-like object, not '{name}'")));
    }
    Ok(ArgBytes::Copied(vec![super::construct::byte(thread, object, "byte")?]))
}

/// The separator of a split, which must not be empty.
pub fn separator<'a>(thread: &mut Thread, object: Ref<'a>) -> PyResult<ArgBytes<'a>> {
    let bytes = buffer::bytes_of(thread, object)?;
    if bytes.is_empty() {
        return Err(value_error("empty separator"));
    }
    Ok(bytes)
}

/// `startswith` and `endswith`: whether `test` holds of one prefix, or of any of a tuple of them.
pub fn affix(
    thread: &mut Thread,
    affix: Ref<'_>,
    name: &str,
    test: impl Fn(&Thread, &[u8]) -> bool,
) -> PyResult<bool> {
    if let Some(affixes) = affix.downcast::<PyTuple>() {
        for affix in affixes.items() {
            let affix = buffer::bytes_of(thread, affix)?;
            if test(thread, &affix) {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match buffer::bytes_if_any(thread, affix)? {
        Some(affix) => Ok(test(thread, &affix)),
        None => {
            let class = crate::class_of(affix).name();
            Err(type_error(format!("{name} first arg must be bytes or a tuple of bytes, not {class}")))
        }
    }
}
