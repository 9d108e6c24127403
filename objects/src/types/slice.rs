//! `slice`: three objects, and the arithmetic of what they select in a sequence.

use crate::class::exactly;
use crate::error::{PyResult, type_error, value_error};
use crate::protocol::{self, CompareOp};
use crate::storage::list::Stride;
use crate::types::bytes::PyBytes;
use crate::types::int::{self, IntRef};
use crate::types::list::PyList;
use crate::types::str::PyStr;
use crate::types::tuple::PyTuple;
use crate::types::r#type::PyType;
use crate::types::{repr_guard, tuple};
use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use orochi_core::{Field, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_text::wtf8::Wtf8Buf;

/// slice(stop)
/// slice(start, stop[, step])
///
/// Create a slice object.  This is used for extended slicing (e.g. a[0:10:2]).
#[pyclass(name = "slice")]
#[derive(Trace)]
pub struct PySlice {
    start: Field,
    stop: Field,
    step: Field,
}

/// A slice's numbers before they meet a sequence's length; those too large for an index are cut off.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    start: i64,
    stop: i64,
    step: i64,
}

/// What a slice selects in a sequence of some length: the elements `start + i * step` for `i` below `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first index (also of an empty span: where an assignment inserts).
    pub start: usize,
    /// The distance to the next one.
    pub step: i64,
    /// How many.
    pub count: usize,
}

/// A new slice.
pub fn new(thread: &Thread, start: Value, stop: Value, step: Value) -> PyResult<Owned<PySlice>> {
    let (start, stop, step) = (Field::new_local(start), Field::new_local(stop), Field::new_local(step));
    crate::make(thread, PySlice { start, stop, step })
}

/// An index that is cut off at the ends of the range of indices; `None` the object gives `default`.
fn evaluate(thread: &mut Thread, object: Ref<'_>, default: i64) -> PyResult<i64> {
    if object.is_none() {
        return Ok(default);
    }
    check_index(object)?;
    int::index_clamped(thread, object)
}

fn check_index(object: Ref<'_>) -> PyResult<()> {
    if int::is_int(object) || crate::class_of(object).slots.nb_index().is_some() {
        return Ok(());
    }
    Err(type_error("slice indices must be integers or None or have an __index__ method"))
}

/// An index argument of `index` and the like, cut off at the ends of the range of indices.
pub fn index_argument(thread: &mut Thread, object: Ref<'_>) -> PyResult<i64> {
    if int::is_int(object) || crate::class_of(object).slots.nb_index().is_some() {
        return int::index_clamped(thread, object);
    }
    Err(type_error("slice indices must be integers or have an __index__ method"))
}

/// The place that an index means, negative ones counting from the end; it may lie behind it.
pub fn position(index: i64, len: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

/// `index` moved into `0..=len`, negative ones counting from the end.
pub fn clamp(index: i64, len: usize) -> usize {
    if index < 0 {
        len.saturating_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX))
    } else {
        usize::try_from(index).unwrap_or(usize::MAX).min(len)
    }
}

impl PySlice {
    /// `start`.
    pub fn start(&self) -> Ref<'_> {
        self.start.fixed()
    }

    /// `stop`.
    pub fn stop(&self) -> Ref<'_> {
        self.stop.fixed()
    }

    /// `step`.
    pub fn step(&self) -> Ref<'_> {
        self.step.fixed()
    }

    /// The numbers. TypeError for what is no index, ValueError for a step of zero.
    #[inline]
    pub fn unpack(&self, thread: &mut Thread) -> PyResult<Bounds> {
        let step = evaluate(thread, self.step(), 1)?;
        if step == 0 {
            return Err(value_error("slice step cannot be zero"));
        }
        // -i64::MIN would overflow.
        let step = step.max(-i64::MAX);
        let (first, last) = if step < 0 { (i64::MAX, i64::MIN) } else { (0, i64::MAX) };
        let start = evaluate(thread, self.start(), first)?;
        let stop = evaluate(thread, self.stop(), last)?;
        Ok(Bounds { start, stop, step })
    }
}

/// The numbers of a slice whose parts are None or small ints; `None` for others, and for a step of zero.
pub fn plain_bounds(start: Ref<'_>, stop: Ref<'_>, step: Ref<'_>) -> Option<Bounds> {
    let number = |part: Ref<'_>, default| if part.is_none() { Some(default) } else { part.as_small_int() };
    let step = number(step, 1).filter(|&step| step != 0)?;
    let (first, last) = if step < 0 { (i64::MAX, i64::MIN) } else { (0, i64::MAX) };
    Some(Bounds { start: number(start, first)?, stop: number(stop, last)?, step })
}

/// `sequence[start:stop:step]` of exactly a str, list, tuple or bytes; `None` for others.
pub fn plain_part(thread: &mut Thread, sequence: Ref<'_>, bounds: Bounds) -> Option<PyResult> {
    if let Some(text) = exactly::<PyStr>(sequence) {
        return Some(crate::types::str_::sequence::part(thread, text, bounds.span(text.len())));
    }
    if let Some(list) = exactly::<PyList>(sequence) {
        return Some(crate::types::list_::slice(thread, list, bounds));
    }
    if let Some(bytes) = exactly::<PyBytes>(sequence).filter(|_| !bounds.is_stepwise()) {
        let content = bytes.as_bytes();
        let span = bounds.span(content.len());
        if span.count == content.len() {
            return Some(Ok(bytes.to_value()));
        }
        return Some(crate::bytes::new(
            thread,
            content.get(span.start..span.start + span.count).unwrap_or_default(),
        ));
    }
    let tuple = exactly::<PyTuple>(sequence)?;
    Some(crate::types::tuple_::part(thread, tuple, bounds.span(tuple.len())))
}

/// Assigns to a part of exactly a list; `None` for others.
pub fn assign_plain_part(
    thread: &mut Thread,
    sequence: Ref<'_>,
    bounds: Bounds,
    value: Ref<'_>,
) -> Option<PyResult<()>> {
    let list = exactly::<PyList>(sequence)?;
    Some(crate::types::list_::assign_slice(thread, list, bounds, value))
}

impl Bounds {
    /// Whether elements are left out, or come in falling order.
    pub fn is_stepwise(self) -> bool {
        self.step != 1
    }

    /// What is selected in a sequence of `len` elements.
    #[inline]
    pub fn span(self, len: usize) -> Span {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        let place = |index: i64| {
            let (low, high) = if self.step < 0 { (-1, len - 1) } else { (0, len) };
            let index = if index < 0 { index.saturating_add(len) } else { index };
            index.clamp(low, high)
        };
        let (start, stop) = (place(self.start), place(self.stop));
        let distance = if self.step < 0 { start - stop } else { stop - start };
        let count = match self.step.abs() {
            _ if distance <= 0 => 0,
            // Without a division, which takes long.
            1 => distance,
            step => (distance - 1) / step + 1,
        };
        Span {
            start: usize::try_from(start).unwrap_or(0),
            step: self.step,
            count: usize::try_from(count).unwrap_or(0),
        }
    }
}

impl Span {
    /// The same elements in rising order, and whether that is the other way round.
    #[inline]
    pub fn stride(self) -> (Stride, bool) {
        let step = usize::try_from(self.step.unsigned_abs()).unwrap_or(usize::MAX);
        if self.count == 0 {
            return (Stride { low: self.start, step: 1, count: 0 }, false);
        }
        if self.step > 0 {
            return (Stride { low: self.start, step, count: self.count }, false);
        }
        let back = (self.count - 1).saturating_mul(step);
        (Stride { low: self.start.saturating_sub(back), step, count: self.count }, true)
    }

    /// The indices in order.
    #[inline]
    pub fn indices(self) -> impl ExactSizeIterator<Item = usize> {
        (0..self.count).map(move |i| {
            let offset = i64::try_from(i).unwrap_or(0).wrapping_mul(self.step);
            self.start.wrapping_add_signed(isize::try_from(offset).unwrap_or(0))
        })
    }
}

#[pymethods]
impl PySlice {
    #[slot]
    fn tp_new(thread: &mut Thread, _cls: &Obj<PyType>, args: crate::Args<'_>) -> PyResult {
        args.no_keywords("slice")?;
        let given = args.len();
        let value = |i| args.get(i).map_or(Value::NONE, Ref::to_owned);
        let (start, stop, step) = match given {
            0 => return Err(type_error("slice expected at least 1 argument, got 0")),
            1 => (Value::NONE, value(0), Value::NONE),
            2 | 3 => (value(0), value(1), value(2)),
            _ => return Err(type_error(format!("slice expected at most 3 arguments, got {given}"))),
        };
        Ok(new(thread, start, stop, step)?.into_value())
    }

    #[member]
    #[name = "start"]
    fn get_start(this: &Obj<Self>) -> Value {
        this.start().to_owned()
    }

    #[member]
    #[name = "stop"]
    fn get_stop(this: &Obj<Self>) -> Value {
        this.stop().to_owned()
    }

    #[member]
    #[name = "step"]
    fn get_step(this: &Obj<Self>) -> Value {
        this.step().to_owned()
    }

    /// S.indices(len) -> (start, stop, stride)
    ///
    /// Assuming a sequence of length len, calculate the start and stop
    /// indices, and the stride length of the extended slice described by
    /// S. Out of bounds indices are clipped in a manner consistent with the
    /// handling of normal slices.
    #[inline]
    fn indices(thread: &mut Thread, this: &Obj<Self>, length: Ref<'_>) -> PyResult {
        let length = int::index(thread, length)?;
        let length = big(length.get());
        if length.is_negative() {
            return Err(value_error("length should not be negative"));
        }
        let [start, stop, step] = big_indices(thread, this, &length)?;
        let values =
            vec![int::from_big(thread, start)?, int::from_big(thread, stop)?, int::from_big(thread, step)?];
        Ok(tuple::new(thread, values)?.into_value())
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let parts = parts(this);
        let args = tuple::new(thread, parts)?.into_value();
        let class = crate::class_of(this.get()).to_value();
        Ok(tuple::new(thread, vec![class, args])?.into_value())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut text = Wtf8Buf::from("slice(");
        for (i, part) in parts(this).into_iter().enumerate() {
            if i > 0 {
                text.push_str(", ");
            }
            repr_guard::push_repr(thread, &mut text, part.get())?;
        }
        text.push_str(")");
        repr_guard::finish(thread, &text)
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(a), Some(b)) = (left.downcast::<PySlice>(), right.downcast::<PySlice>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if std::ptr::eq(a, b) {
            return Ok(Value::bool(matches!(op, CompareOp::Eq | CompareOp::Le | CompareOp::Ge)));
        }
        let a = tuple::new(thread, parts(a))?;
        let b = tuple::new(thread, parts(b))?;
        protocol::rich_compare(thread, a.get(), b.get(), op)
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        // CPython's mixing of three hashes, with the primes of xxHash.
        let mut accumulator: u64 = 2_870_177_450_012_600_261;
        for part in parts(this) {
            let hash = protocol::hash(thread, part.get())?;
            let mixed =
                accumulator.wrapping_add(hash.cast_unsigned().wrapping_mul(14_029_467_366_897_019_727));
            accumulator = mixed.rotate_left(31).wrapping_mul(11_400_714_785_074_694_791);
        }
        let hash = accumulator.cast_signed();
        Ok(if hash == -1 { 1_546_275_796 } else { hash })
    }
}

fn parts(slice: &Obj<PySlice>) -> Vec<Value> {
    [slice.start(), slice.stop(), slice.step()].into_iter().map(Ref::to_owned).collect()
}

fn big(object: Ref<'_>) -> BigInt {
    int::value(object).map_or_else(BigInt::default, |value| IntRef::to_big(value).into_owned())
}

/// `slice.indices` for numbers of any size: start, stop, step.
pub fn big_indices(thread: &mut Thread, slice: &Obj<PySlice>, length: &BigInt) -> PyResult<[BigInt; 3]> {
    let mut number = |object: Ref<'_>| -> PyResult<Option<BigInt>> {
        if object.is_none() {
            return Ok(None);
        }
        check_index(object)?;
        let index = int::index(thread, object)?;
        Ok(Some(big(index.get())))
    };
    let step = number(slice.step())?.unwrap_or_else(|| BigInt::from(1));
    if step.is_zero() {
        return Err(value_error("slice step cannot be zero"));
    }
    let (low, high) =
        if step.is_negative() { (BigInt::from(-1), length - 1) } else { (BigInt::default(), length.clone()) };
    let place = |index: BigInt| {
        let index = if index.is_negative() { index + length } else { index };
        index.clamp(low.clone(), high.clone().max(low.clone()))
    };
    let backwards = step.is_negative();
    let start =
        number(slice.start())?.map_or_else(|| if backwards { high.clone() } else { low.clone() }, place);
    let stop =
        number(slice.stop())?.map_or_else(|| if backwards { low.clone() } else { high.clone() }, place);
    Ok([start, stop, step])
}
