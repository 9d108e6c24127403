//! The methods of `tuple`, and its iterator.

use crate::class::{PyClass, exactly, is_exact};
use crate::error::{PyResult, index_error, memory_error, type_error, value_error};
use crate::protocol::{self, CompareOp};
use crate::types::int;
use crate::types::iterators::reduced;
use crate::types::list::{self, PyList};
use crate::types::repr_guard;
use crate::types::slice::{self, PySlice, Span};
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::PyType;
use orochi_core::sync::{AtomicUsize, Ordering};
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_text::hash::TupleHasher;
use orochi_text::wtf8::Wtf8Buf;

/// An iterator over a tuple.
///
/// Threads that share an iterator may be given the same item; nothing worse happens.
#[pyclass(name = "tuple_iterator", no_new)]
#[derive(Trace)]
pub struct TupleIterator {
    /// Nothing once the iterator is exhausted.
    tuple: AtomicField,
    index: AtomicUsize,
}

#[pymethods(part = METHODS)]
impl PyTuple {
    #[new]
    #[signature(iterable=<missing> as "()", /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, iterable: Option<Ref<'_>>) -> PyResult {
        let exact = std::ptr::eq(cls, PyTuple::static_type().get());
        if exact
            && let Some(iterable) = iterable
            && is_exact(iterable, PyTuple::static_type())
        {
            return Ok(iterable.to_owned());
        }
        if exact
            && let Some(list) = iterable.and_then(exactly::<PyList>)
            && !list.header().is_shared()
        {
            let item = |i| list::item(thread, list, i).unwrap_or(Value::NONE);
            return Ok(tuple::build(thread, list::len(thread, list), item)?.into_value());
        }
        let values = match iterable {
            Some(iterable) => list::to_values(thread, iterable)?,
            None => Vec::new(),
        };
        if exact {
            return Ok(tuple::new(thread, values)?.into_value());
        }
        Ok(tuple::subclass_object(thread, cls, values)?.into_value())
    }

    /// Return first index of value.
    ///
    /// Raises ValueError if the value is not present.
    #[signature(value, start=0, stop=i64::MAX as "sys.maxsize", /)]
    fn index(
        thread: &mut Thread,
        this: &Obj<Self>,
        value: Ref<'_>,
        start: Option<Ref<'_>>,
        stop: Option<Ref<'_>>,
    ) -> PyResult {
        let start = start.map_or(Ok(0), |start| slice::index_argument(thread, start))?;
        let stop = stop.map_or(Ok(i64::MAX), |stop| slice::index_argument(thread, stop))?;
        let (start, stop) = (slice::clamp(start, this.len()), slice::clamp(stop, this.len()));
        for (index, item) in this.items().enumerate().take(stop).skip(start) {
            if protocol::eq(thread, item, value)? {
                return int::new(thread, i64::try_from(index).unwrap_or(i64::MAX));
            }
        }
        Err(value_error("tuple.index(x): x not in tuple"))
    }

    /// Return number of occurrences of value.
    fn count(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<usize> {
        let mut count = 0;
        for item in this.items() {
            count += usize::from(protocol::eq(thread, item, value)?);
        }
        Ok(count)
    }

    #[name = "__getnewargs__"]
    fn getnewargs(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let copy = tuple::new(thread, owned(this))?.into_value();
        Ok(tuple::new(thread, vec![copy])?.into_value())
    }

    #[slot]
    fn sq_length(this: &Obj<Self>) -> usize {
        this.len()
    }

    #[slot]
    fn mp_length(this: &Obj<Self>) -> usize {
        this.len()
    }

    #[slot]
    fn sq_item(this: &Obj<Self>, index: i64) -> PyResult {
        let item = usize::try_from(index).ok().and_then(|index| this.item(index));
        item.map(Ref::to_owned).ok_or_else(|| index_error("tuple index out of range"))
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        if let Some(slice) = key.downcast::<PySlice>() {
            return tuple_slice(thread, this, slice);
        }
        if key.as_small_int().is_none()
            && !int::is_int(key)
            && crate::class_of(key).slots.nb_index().is_none()
        {
            let class = crate::class_of(key).name();
            return Err(type_error(format!("tuple indices must be integers or slices, not {class}")));
        }
        let index = match key.as_small_int() {
            Some(index) => index,
            None => {
                let index = int::index(thread, key)?;
                int::value(index.get()).and_then(int::IntRef::to_i64).ok_or_else(|| {
                    let class = crate::class_of(key).name();
                    index_error(format!("cannot fit '{class}' into an index-sized integer"))
                })?
            }
        };
        let at = match usize::try_from(index) {
            Ok(index) => Some(index),
            Err(_) => {
                usize::try_from(index.unsigned_abs()).ok().and_then(|back| this.len().checked_sub(back))
            }
        };
        let item = at.and_then(|at| this.item(at));
        item.map(Ref::to_owned).ok_or_else(|| index_error("tuple index out of range"))
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<bool> {
        for item in this.items() {
            if protocol::eq(thread, item, value)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    #[slot]
    fn sq_concat(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult {
        let Some(other) = other.downcast::<PyTuple>() else {
            let class = crate::class_of(other).name();
            return Err(type_error(format!("can only concatenate tuple (not \"{class}\") to tuple")));
        };
        if this.is_empty() && is_exact(other.get(), PyTuple::static_type()) {
            return Ok(other.to_value());
        }
        if other.is_empty() && is_exact(this.get(), PyTuple::static_type()) {
            return Ok(this.to_value());
        }
        let mut items = this.items().chain(other.items());
        let next = |_| items.next().map_or(Value::NONE, Ref::to_owned);
        Ok(tuple::build(thread, this.len().saturating_add(other.len()), next)?.into_value())
    }

    #[slot]
    fn sq_repeat(thread: &mut Thread, this: &Obj<Self>, count: i64) -> PyResult {
        if (count == 1 || this.is_empty()) && is_exact(this.get(), PyTuple::static_type()) {
            return Ok(this.to_value());
        }
        let count = usize::try_from(count).unwrap_or(0);
        let total = this.len().checked_mul(count).ok_or_else(memory_error)?;
        let mut values = Vec::new();
        values.try_reserve_exact(total).map_err(|_| memory_error())?;
        for _ in 0..count {
            values.extend(this.items().map(Ref::to_owned));
        }
        Ok(tuple::new(thread, values)?.into_value())
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        TupleIterator::over(thread, this.to_value())
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        if thread.native_stack_low() {
            return Err(crate::error::recursion_error(
                "maximum recursion depth exceeded while hashing a tuple",
            ));
        }
        let mut hasher = TupleHasher::new();
        for item in this.items() {
            hasher.add(crate::types::key::hash_of(thread, item)?);
        }
        Ok(hasher.finish())
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<PyTuple>(), right.downcast::<PyTuple>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if thread.native_stack_low() {
            return Err(crate::error::recursion_error("maximum recursion depth exceeded in comparison"));
        }
        for (a, b) in left.items().zip(right.items()) {
            if !protocol::eq(thread, a, b)? {
                return match op {
                    CompareOp::Eq => Ok(Value::FALSE),
                    CompareOp::Ne => Ok(Value::TRUE),
                    _ => protocol::rich_compare(thread, a, b, op),
                };
            }
        }
        Ok(Value::bool(op.holds(left.len().cmp(&right.len()))))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let shown = repr_guard::enter(thread, this.get(), |thread| {
            let mut text = Wtf8Buf::from("(");
            for (index, item) in this.items().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                repr_guard::push_repr(thread, &mut text, item)?;
            }
            text.push_str(if this.len() == 1 { ",)" } else { ")" });
            repr_guard::finish(thread, &text)
        })?;
        shown.map_or_else(|| crate::str::new(thread, "(...)"), Ok)
    }
}

fn owned(this: &Obj<PyTuple>) -> Vec<Value> {
    this.items().map(Ref::to_owned).collect()
}

fn tuple_slice(thread: &mut Thread, this: &Obj<PyTuple>, slice: &Obj<PySlice>) -> PyResult {
    let span = slice.unpack(thread)?.span(this.len());
    part(thread, this, span)
}

/// The items that a slice selects.
pub fn part(thread: &Thread, this: &Obj<PyTuple>, span: Span) -> PyResult {
    if span.count == this.len() && span.step == 1 && is_exact(this.get(), PyTuple::static_type()) {
        return Ok(this.to_value());
    }
    let mut indices = span.indices();
    let mut next = || indices.next().and_then(|index| this.item(index)).map_or(Value::NONE, Ref::to_owned);
    Ok(tuple::build(thread, span.count, |_| next())?.into_value())
}

impl TupleIterator {
    /// An iterator over a tuple.
    #[inline]
    pub fn over(thread: &Thread, tuple: Value) -> PyResult {
        let (tuple, index) = (AtomicField::new_local(tuple), AtomicUsize::new(0));
        Ok(crate::make(thread, TupleIterator { tuple, index })?.into_value())
    }

    /// What `take` makes of the next item: a value, or a word for a register.
    #[inline(always)]
    pub fn advance<R>(this: &Obj<Self>, thread: &mut Thread, take: impl FnOnce(Ref<'_>) -> R) -> Option<R> {
        // SAFETY: only tuples are stored here.
        let tuple = unsafe { this.tuple.load(thread)?.cast::<PyTuple>() };
        let index = this.index.load(Ordering::Relaxed);
        if let Some(item) = tuple.item(index) {
            let item = take(item);
            this.index.store(index + 1, Ordering::Relaxed);
            return Some(item);
        }
        this.tuple.swap(this, thread, None);
        None
    }
}

#[pymethods]
impl TupleIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        Ok(TupleIterator::advance(this, thread, |element| element.to_owned()))
    }

    /// Private method returning an estimate of len(list(it)).
    #[name = "__length_hint__"]
    fn length_hint(thread: &mut Thread, this: &Obj<Self>) -> usize {
        match this.tuple.load(thread).and_then(Ref::downcast::<PyTuple>) {
            Some(tuple) => tuple.len().saturating_sub(this.index.load(Ordering::Relaxed)),
            None => 0,
        }
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        reduced(thread, "iter", |thread| {
            let index = this.index.load(Ordering::Relaxed) as i64;
            Ok(match this.tuple.get(thread) {
                Some(tuple) => (vec![tuple], Some(index)),
                None => (vec![tuple::empty(thread).to_value()], None),
            })
        })
    }

    /// Set state information for unpickling.
    #[name = "__setstate__"]
    fn set_state(thread: &mut Thread, this: &Obj<Self>, state: isize) {
        if let Some(tuple) = this.tuple.load(thread).and_then(Ref::downcast::<PyTuple>) {
            this.index.store(usize::try_from(state).unwrap_or(0).min(tuple.len()), Ordering::Relaxed);
        }
    }
}
