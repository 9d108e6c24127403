//! `range`: numbers of any size, with a short way for those that fit a word.

use crate::class::PyClass;
use crate::error::{PyResult, index_error, type_error, value_error};
use crate::protocol::{self, CompareOp};
use crate::types::int::{self, IntRef};
use crate::types::range_iterator;
use crate::types::slice::{self, PySlice};
use crate::types::tuple;
use crate::types::r#type::PyType;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// range(stop) -> range object
/// range(start, stop[, step]) -> range object
///
/// Return an object that produces a sequence of integers from start (inclusive)
/// to stop (exclusive) by step.  range(i, j) produces i, i+1, i+2, ..., j-1.
/// start defaults to 0, and stop is omitted!  range(4) produces 0, 1, 2, 3.
/// These are exactly the valid indices for a list of 4 elements.
/// When step is given, it specifies the increment (or decrement).
#[pyclass(name = "range", sequence)]
#[derive(Trace)]
pub struct PyRange {
    start: Field,
    stop: Field,
    step: Field,
    length: Field,
    short: Short,
}

/// A range whose numbers all fit: start, step and length.
#[derive(Clone, Copy, Debug)]
pub struct Short(Option<(i64, i64, i64)>);

// SAFETY: holds no fields.
unsafe impl orochi_core::Trace for Short {
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

/// The number that an int object holds.
fn big(object: Ref<'_>) -> BigInt {
    int::value(object).map_or_else(BigInt::default, |value| value.to_big().into_owned())
}

/// A new range; the values are ints, `step` isn't zero.
pub fn new(thread: &Thread, start: Value, stop: Value, step: Value) -> PyResult {
    let small = |value: &Value| int::value(value.get()).and_then(IntRef::to_i64);
    let (length, short) = match (small(&start), small(&stop), small(&step)) {
        (Some(a), Some(b), Some(c)) => match short_length(a, b, c) {
            Some(length) => (int::new(thread, length)?, Some((a, c, length))),
            None => (int::from_big(thread, big_length(&a.into(), &b.into(), &c.into()))?, None),
        },
        _ => {
            let length = big_length(&big(start.get()), &big(stop.get()), &big(step.get()));
            (int::from_big(thread, length)?, None)
        }
    };
    let range = PyRange {
        start: Field::new_local(start),
        stop: Field::new_local(stop),
        step: Field::new_local(step),
        length: Field::new_local(length),
        short: Short(short),
    };
    Ok(crate::make(thread, range)?.into_value())
}

/// The length, if no element and no step beyond the last one leaves the 64 bits.
fn short_length(start: i64, stop: i64, step: i64) -> Option<i64> {
    let (start, stop, step) = (i128::from(start), i128::from(stop), i128::from(step));
    let length = if step > 0 && start < stop {
        (stop - start - 1) / step + 1
    } else if step < 0 && start > stop {
        (start - stop - 1) / -step + 1
    } else {
        0
    };
    i64::try_from(start + length * step).ok()?;
    i64::try_from(length).ok()
}

fn big_length(start: &BigInt, stop: &BigInt, step: &BigInt) -> BigInt {
    let distance = if step.is_positive() { stop - start } else { start - stop };
    if distance.is_positive() { (distance - 1u8) / step.abs() + 1u8 } else { BigInt::zero() }
}

impl PyRange {
    /// Start, step and length, if they are small and so are all elements.
    #[inline(always)]
    pub fn short(&self) -> Option<(i64, i64, i64)> {
        self.short.0
    }

    /// The same as [`PyRange::short`] if all elements fit a word.
    pub fn small(&self) -> Option<(i64, i64, usize)> {
        let (start, step, length) = self.short.0?;
        let last = start + step * (length - 1).max(0);
        let fit = Value::small_int(start).is_some() && Value::small_int(last).is_some();
        usize::try_from(length).ok().filter(|_| fit).map(|length| (start, step, length))
    }

    fn numbers(&self) -> (BigInt, BigInt, BigInt) {
        (big(self.start.fixed()), big(self.step.fixed()), big(self.length.fixed()))
    }

    /// The element at a position of any size; negative ones count from the end.
    fn element(&self, thread: &Thread, index: IntRef<'_>) -> PyResult {
        let out_of_range = || index_error("range object index out of range");
        if let (Some((start, step, length)), IntRef::Small(index)) = (self.short.0, index) {
            let index = if index < 0 { index + length } else { index };
            if index < 0 || index >= length {
                return Err(out_of_range());
            }
            return int::new(thread, start + index * step);
        }
        let (start, step, length) = self.numbers();
        let mut index = index.to_big().into_owned();
        if index.is_negative() {
            index += &length;
        }
        if index.is_negative() || index >= length {
            return Err(out_of_range());
        }
        int::from_big(thread, start + index * step)
    }

    /// The position of an int in the range.
    fn position(&self, value: IntRef<'_>) -> Option<BigInt> {
        if let (Some((start, step, length)), IntRef::Small(value)) = (self.short.0, value) {
            let distance = i128::from(value) - i128::from(start);
            let position = distance / i128::from(step);
            let inside = distance % i128::from(step) == 0 && (0..i128::from(length)).contains(&position);
            return inside.then(|| BigInt::from(position));
        }
        let (start, step, length) = self.numbers();
        let (position, rest) = (value.to_big().as_ref() - start).div_rem(&step);
        (rest.is_zero() && !position.is_negative() && position < length).then_some(position)
    }
}

/// The int, if the object is exactly an int or a bool: then membership is arithmetic.
fn exact_int(object: Ref<'_>) -> Option<IntRef<'_>> {
    let class = crate::class_of(object);
    let plain = std::ptr::eq(class, int::PyInt::static_type().get())
        || std::ptr::eq(class, crate::types::bool::PyBool::static_type().get());
    if plain { int::value(object) } else { None }
}

#[pymethods]
impl PyRange {
    #[slot]
    fn tp_new(thread: &mut Thread, _cls: &Obj<PyType>, args: crate::Args<'_>) -> PyResult {
        args.no_keywords("range")?;
        let one = || Value::small_int(1).unwrap_or(Value::NONE);
        let zero = || Value::small_int(0).unwrap_or(Value::NONE);
        let mut number = |i: usize| match args.get(i) {
            Some(object) => int::index(thread, object),
            None => Ok(Value::NONE),
        };
        let (start, stop, step) = match args.len() {
            0 => return Err(type_error("range expected at least 1 argument, got 0")),
            1 => (zero(), number(0)?, one()),
            2 => (number(0)?, number(1)?, one()),
            3 => (number(0)?, number(1)?, number(2)?),
            given => return Err(type_error(format!("range expected at most 3 arguments, got {given}"))),
        };
        if step.get().as_small_int() == Some(0) {
            return Err(value_error("range() arg 3 must not be zero"));
        }
        new(thread, start, stop, step)
    }

    #[member]
    fn start(this: &Obj<Self>) -> Value {
        this.start.fixed().to_owned()
    }

    #[member]
    fn stop(this: &Obj<Self>) -> Value {
        this.stop.fixed().to_owned()
    }

    #[member]
    fn step(this: &Obj<Self>) -> Value {
        this.step.fixed().to_owned()
    }

    /// rangeobject.count(value) -> integer -- return number of occurrences of value
    fn count(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<usize> {
        if let Some(value) = exact_int(value) {
            return Ok(usize::from(this.position(value).is_some()));
        }
        let mut count = 0;
        protocol::iterate(thread, this.get(), |thread, item| {
            count += usize::from(protocol::eq(thread, item.get(), value)?);
            Ok(())
        })?;
        Ok(count)
    }

    /// rangeobject.index(value) -> integer -- return index of value.
    /// Raise ValueError if the value is not present.
    fn index(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult {
        if let Some(number) = exact_int(value) {
            return match this.position(number) {
                Some(position) => int::from_big(thread, position),
                None => Err(value_error("range.index(x): x not in range")),
            };
        }
        let mut position = 0i64;
        let iterator = protocol::iter(thread, this.get())?;
        while let Some(item) = protocol::next(thread, iterator.get())? {
            if protocol::eq(thread, item.get(), value)? {
                return int::new(thread, position);
            }
            position += 1;
        }
        Err(value_error("sequence.index(x): x not in sequence"))
    }

    /// Return a reverse iterator.
    #[name = "__reversed__"]
    fn reversed(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if let Some((start, step, length)) = this.short.0
            && let Some(back) = step.checked_neg()
            && let Some(end) = start.checked_sub(step)
        {
            // The last element, and one step before the first: both are in range.
            let last = end.wrapping_add(length.wrapping_mul(step));
            return range_iterator::short(thread, last, back, length);
        }
        let (start, step, length) = this.numbers();
        range_iterator::long(thread, &start + (&length - 1u8) * &step, -step, length)
    }

    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let parts = [&this.start, &this.stop, &this.step].map(|field| field.fixed().to_owned());
        let args = tuple::new(thread, parts.into())?.into_value();
        let class = crate::class_of(this.get()).to_value();
        Ok(tuple::new(thread, vec![class, args])?.into_value())
    }

    #[slot]
    fn sq_length(this: &Obj<Self>) -> PyResult<usize> {
        let length = int::value(this.length.fixed()).and_then(IntRef::to_i64);
        let length = length.and_then(|length| usize::try_from(length).ok());
        length.ok_or_else(|| crate::error::overflow_error("Python int too large to convert to C ssize_t"))
    }

    #[slot]
    fn mp_length(this: &Obj<Self>) -> PyResult<usize> {
        PyRange::sq_length(this)
    }

    #[slot]
    fn nb_bool(this: &Obj<Self>) -> bool {
        this.length.fixed().as_small_int() != Some(0)
    }

    #[slot]
    fn sq_item(thread: &mut Thread, this: &Obj<Self>, index: i64) -> PyResult {
        this.element(thread, IntRef::Small(index))
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        if let Some(slice) = key.downcast::<PySlice>() {
            return range_slice(thread, this, slice);
        }
        if !int::is_int(key) && crate::class_of(key).slots.nb_index().is_none() {
            let class = crate::class_of(key).name();
            return Err(type_error(format!("range indices must be integers or slices, not {class}")));
        }
        let index = int::index(thread, key)?;
        match int::value(index.get()) {
            Some(value) => this.element(thread, value),
            None => Err(index_error("range object index out of range")),
        }
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<bool> {
        if let Some(value) = exact_int(value) {
            return Ok(this.position(value).is_some());
        }
        let iterator = protocol::iter(thread, this.get())?;
        while let Some(item) = protocol::next(thread, iterator.get())? {
            if protocol::eq(thread, item.get(), value)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match this.short.0 {
            Some((start, step, length)) => range_iterator::short(thread, start, step, length),
            None => {
                let (start, step, length) = this.numbers();
                range_iterator::long(thread, start, step, length)
            }
        }
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        let length = this.length.fixed();
        let (start, step) = match length.as_small_int() {
            Some(0) => (Value::NONE, Value::NONE),
            Some(1) => (this.start.fixed().to_owned(), Value::NONE),
            _ => (this.start.fixed().to_owned(), this.step.fixed().to_owned()),
        };
        let key = tuple::new(thread, vec![length.to_owned(), start, step])?;
        protocol::hash(thread, key.get())
    }

    #[slot]
    fn tp_richcompare(left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(a), Some(b)) = (left.downcast::<PyRange>(), right.downcast::<PyRange>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        match op {
            CompareOp::Eq => Ok(Value::bool(equal(a, b))),
            CompareOp::Ne => Ok(Value::bool(!equal(a, b))),
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (start, stop, step) = (big(this.start.fixed()), big(this.stop.fixed()), big(this.step.fixed()));
        let text = if step.is_one() {
            format!("range({start}, {stop})")
        } else {
            format!("range({start}, {stop}, {step})")
        };
        crate::str::new(thread, &text)
    }
}

fn equal(a: &PyRange, b: &PyRange) -> bool {
    let ((start, step, length), (other_start, other_step, other_length)) = (a.numbers(), b.numbers());
    length == other_length
        && (length.is_zero() || start == other_start && (length.is_one() || step == other_step))
}

fn range_slice(thread: &mut Thread, range: &Obj<PyRange>, slice: &Obj<PySlice>) -> PyResult {
    let (start, step, length) = range.numbers();
    let [from, to, by] = slice::big_indices(thread, slice, &length)?;
    let values = [&start + from * &step, start + to * &step, by * step];
    let [start, stop, step] = values.map(|value| int::from_big(thread, value));
    new(thread, start?, stop?, step?)
}
