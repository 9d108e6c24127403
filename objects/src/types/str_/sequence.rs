//! `str` as a sequence: `+`, `*`, indexing and slicing, comparison, `repr`.

use crate::class::{PyClass, is_exact};
use crate::error::{PyResult, index_error, memory_error, type_error};
use crate::protocol::CompareOp;
use crate::types::format::size_error;
use crate::types::int;
use crate::types::slice::{PySlice, Span};
use crate::types::str::{self, PyStr};
use crate::types::str_::single;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::search;
use orochi_text::wtf8::{CodePoint, Wtf8Buf};

/// `left + right`.
pub fn concat(thread: &Thread, left: &Obj<PyStr>, right: &Obj<PyStr>) -> PyResult {
    if right.is_empty() && is_exact(left.get(), PyStr::static_type()) {
        return Ok(left.to_value());
    }
    if left.is_empty() && is_exact(right.get(), PyStr::static_type()) {
        return Ok(right.to_value());
    }
    Ok(str::concatenated(thread, left, right)?.into_value())
}

/// `text * count`.
pub fn repeat(thread: &Thread, text: &Obj<PyStr>, count: i64) -> PyResult {
    let count = usize::try_from(count).unwrap_or(0);
    if count == 1 {
        return str::exact(thread, text);
    }
    match search::repeat(text.as_wtf8(), count) {
        Ok(result) => str::from_wtf8(thread, &result),
        Err(error) => Err(size_error(error, "repeated string is too long")),
    }
}

/// `text[index]`, negative indices counting from the end.
#[inline]
pub fn item(thread: &Thread, text: &Obj<PyStr>, index: i64) -> PyResult {
    let len = text.len() as i64;
    let real = if index < 0 { index + len } else { index };
    if real < 0 || real >= len {
        return Err(index_error("string index out of range"));
    }
    if text.is_ascii() {
        return single::latin1(thread, text.as_bytes().get(real as usize).copied().unwrap_or(0));
    }
    let offset = text.byte_offset(real as usize);
    let c = text.as_wtf8().code_point_at(offset).unwrap_or(CodePoint::REPLACEMENT);
    single::character(thread, c)
}

/// The part of a text that a slice selects.
pub fn part(thread: &Thread, text: &Obj<PyStr>, span: Span) -> PyResult {
    let Span { start, step, count } = span;
    if count == 0 {
        return single::empty(thread);
    }
    if step == 1 {
        if count == text.len() {
            return str::exact(thread, text);
        }
        if let Some(part) = str::part_of_ascii(thread, text, start, count) {
            return part;
        }
        let (from, to) = (text.byte_offset(start), text.byte_offset(start + count));
        return str::from_wtf8(thread, text.as_wtf8().slice(from, to));
    }
    if text.is_ascii() {
        let (bytes, mut indices) = (text.as_bytes(), span.indices());
        let mut next = || indices.next().and_then(|at| bytes.get(at)).copied().unwrap_or(0);
        return str::build_ascii(thread, count, |_| next());
    }
    let mut result = Wtf8Buf::new();
    result.try_reserve_exact(count).map_err(|_| memory_error())?;
    let points: Vec<CodePoint> = text.as_wtf8().code_points().collect();
    for at in span.indices() {
        result.push(points.get(at).copied().unwrap_or_default());
    }
    str::from_wtf8(thread, &result)
}

/// `text[key]` for an int or a slice.
pub fn subscript(thread: &mut Thread, text: &Obj<PyStr>, key: Ref<'_>) -> PyResult {
    if let Some(index) = key.as_small_int() {
        return item(thread, text, index);
    }
    if let Some(slice) = key.downcast::<PySlice>() {
        let bounds = slice.unpack(thread)?;
        return part(thread, text, bounds.span(text.len()));
    }
    let class = crate::class_of(key);
    if !int::is_int(key) && class.slots.nb_index().is_none() {
        return Err(type_error(format!("string indices must be integers, not '{}'", class.name())));
    }
    let index = int::index(thread, key)?;
    match int::value(index.get()).and_then(int::IntRef::to_i64) {
        Some(index) => item(thread, text, index),
        None => Err(index_error(format!("cannot fit '{}' into an index-sized integer", class.name()))),
    }
}

/// Whether two strs have the same text.
#[inline]
pub fn equal(left: &Obj<PyStr>, right: &Obj<PyStr>) -> bool {
    std::ptr::eq(left, right) || left.as_bytes() == right.as_bytes()
}

/// `ascii(object)` from its `repr`.
pub fn ascii_of_repr(thread: &Thread, repr: &Obj<PyStr>) -> PyResult {
    if repr.is_ascii() {
        return Ok(repr.to_value());
    }
    str::new(thread, &orochi_text::repr::escape_non_ascii(repr.as_wtf8()))
}

#[pymethods(part = SEQUENCE)]
impl PyStr {
    #[slot]
    fn sq_length(this: &Obj<Self>) -> usize {
        this.len()
    }

    #[slot]
    fn mp_length(this: &Obj<Self>) -> usize {
        this.len()
    }

    #[slot]
    fn sq_concat(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        match (left.downcast::<PyStr>(), right.downcast::<PyStr>()) {
            (Some(left), Some(right)) => concat(thread, left, right),
            (Some(_), None) => {
                let class = crate::class_of(right).full_name();
                Err(type_error(format!("can only concatenate str (not \"{class}\") to str")))
            }
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn sq_repeat(thread: &mut Thread, this: Ref<'_>, count: i64) -> PyResult {
        repeat(thread, crate::slot_receiver::<PyStr>(this)?, count)
    }

    #[slot]
    fn sq_item(thread: &mut Thread, this: Ref<'_>, index: i64) -> PyResult {
        item(thread, crate::slot_receiver::<PyStr>(this)?, index)
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        subscript(thread, this, key)
    }

    #[slot]
    fn nb_remainder(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        match left.downcast::<PyStr>() {
            Some(format) => super::printf::format(thread, format, right),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn tp_richcompare(_thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<PyStr>(), right.downcast::<PyStr>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        Ok(Value::bool(match op {
            CompareOp::Eq => equal(left, right),
            CompareOp::Ne => !equal(left, right),
            // The order of bytes is that of code points in WTF-8.
            _ => op.holds(left.as_bytes().cmp(right.as_bytes())),
        }))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match str::quoted(thread, this) {
            Some(quoted) => quoted,
            None => str::new(thread, &orochi_text::repr::repr(this.as_wtf8())),
        }
    }

    fn __getnewargs__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let text = str::object(thread, this.as_wtf8())?.into_value();
        Ok(crate::tuple::new(thread, vec![text])?.into_value())
    }

    /// Return the size of the string in memory, in bytes.
    fn __sizeof__(this: &Obj<Self>) -> usize {
        size_of::<Obj<Self>>() + this.len()
    }
}
