//! `deque`.

use super::deque_iterator::{DequeIterator, DequeReverseIterator};
use orochi_core::{Field, Guarded, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::class::exactly;
use orochi_objects::error::{index_error, memory_error, runtime_error, type_error, value_error};
use orochi_objects::protocol::{self, CompareOp};
use orochi_objects::types::{int, repr_guard, slice, tuple};
use orochi_objects::{PyResult, PyType, class_of, str};
use std::collections::VecDeque;

/// A list-like sequence optimized for data accesses near its endpoints.
#[pyclass(name = "deque", module = "collections", subclassable, sequence, weakref, generic)]
#[derive(Trace)]
pub(crate) struct Deque {
    state: Guarded<State>,
}

#[derive(Trace)]
struct State {
    items: VecDeque<Field>,
    limit: Option<usize>,
    /// Counts changes of the order or number of items, for iterators.
    changes: u64,
}

impl Deque {
    /// The item at a position, and the count of changes.
    pub(super) fn item(this: &Obj<Deque>, thread: &Thread, index: usize) -> (Option<Value>, u64) {
        this.state.with(this, thread, |state, _| {
            (state.items.get(index).map(|item| item.fixed().to_owned()), state.changes)
        })
    }

    pub(super) fn len(this: &Obj<Deque>, thread: &Thread) -> usize {
        this.state.with(this, thread, |state, _| state.items.len())
    }

    pub(super) fn changes(this: &Obj<Deque>, thread: &Thread) -> u64 {
        this.state.with(this, thread, |state, _| state.changes)
    }

    /// Where an equal item lies among those that a shared deque has now: other threads may change it meanwhile.
    fn find_in_copy(
        thread: &mut Thread,
        this: &Obj<Deque>,
        value: Ref<'_>,
        (start, stop): (i64, i64),
    ) -> PyResult<Option<usize>> {
        let items = Deque::values(this, thread);
        let range = slice::clamp(start, items.len())..slice::clamp(stop, items.len());
        for (index, item) in items.iter().enumerate() {
            if range.contains(&index) && protocol::eq(thread, item.get(), value)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn values(this: &Obj<Deque>, thread: &Thread) -> Vec<Value> {
        this.state
            .with(this, thread, |state, _| state.items.iter().map(|item| item.fixed().to_owned()).collect())
    }

    fn push_back(this: &Obj<Deque>, thread: &Thread, value: Value) {
        let fallen = this.state.with(this, thread, |state, owner| {
            // With a limit of 0 the new item itself falls off.
            state.items.push_back(owner.store(value));
            if state.limit.is_some_and(|limit| state.items.len() > limit) {
                state.changes += 1;
                return state.items.pop_front();
            }
            state.changes += 1;
            None
        });
        drop(fallen);
    }

    fn push_front(this: &Obj<Deque>, thread: &Thread, value: Value) {
        let fallen = this.state.with(this, thread, |state, owner| {
            state.items.push_front(owner.store(value));
            state.changes += 1;
            if state.limit.is_some_and(|limit| state.items.len() > limit) {
                return state.items.pop_back();
            }
            None
        });
        drop(fallen);
    }

    fn limit(this: &Obj<Deque>, thread: &Thread) -> Option<usize> {
        this.state.with(this, thread, |state, _| state.limit)
    }

    fn clear_all(this: &Obj<Deque>, thread: &Thread) {
        let old = this.state.with(this, thread, |state, _| {
            state.changes += 1;
            std::mem::take(&mut state.items)
        });
        drop(old);
    }

    fn extend_back(thread: &mut Thread, this: &Obj<Deque>, iterable: Ref<'_>) -> PyResult<()> {
        // A deque gives what it holds at one moment, whatever other threads do to it; and it may be this one.
        if let Some(deque) = exactly::<Deque>(iterable).or_else(|| iterable.is(this.get()).then_some(this)) {
            Deque::values(deque, thread).into_iter().for_each(|value| Deque::push_back(this, thread, value));
            return Ok(());
        }
        protocol::iterate(thread, iterable, |thread, item| {
            Deque::push_back(this, thread, item);
            Ok(())
        })
    }

    /// A deque of the same class with the same items and the same limit.
    fn duplicate(thread: &mut Thread, this: &Obj<Deque>) -> PyResult {
        let class = class_of(this.get());
        match Deque::limit(this, thread) {
            Some(limit) => {
                let limit = int::new(thread, i64::try_from(limit).unwrap_or(i64::MAX))?;
                protocol::call(thread, class.get(), &[this.get(), limit.get()])
            }
            None => protocol::call(thread, class.get(), &[this.get()]),
        }
    }

    fn rotate_by(this: &Obj<Deque>, thread: &Thread, n: i64) {
        this.state.with(this, thread, |state, _| {
            let len = state.items.len();
            if len < 2 {
                return;
            }
            let steps = usize::try_from(n.rem_euclid(len as i64)).unwrap_or(0);
            state.items.rotate_right(steps);
            state.changes += 1;
        });
    }
}

#[pymethods]
impl Deque {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: orochi_objects::Args<'_>) -> PyResult {
        let state = State { items: VecDeque::new(), limit: None, changes: 0 };
        Ok(orochi_objects::alloc(thread, cls, Deque { state: Guarded::new(state) })?.into_value())
    }

    #[init]
    #[text_signature = "([iterable[, maxlen]])"]
    #[signature(iterable=<missing>, maxlen=None)]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        iterable: Option<Ref<'_>>,
        maxlen: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let limit = match maxlen {
            Some(limit) if !int::is_int(limit) => return Err(type_error("an integer is required")),
            Some(limit) => {
                let limit = int::index_i64(thread, limit)?;
                Some(usize::try_from(limit).map_err(|_| value_error("maxlen must be non-negative"))?)
            }
            None => None,
        };
        Deque::clear_all(this, thread);
        this.state.with(this, thread, |state, _| state.limit = limit);
        iterable.map_or(Ok(()), |iterable| Deque::extend_back(thread, this, iterable))
    }

    /// Add an element to the right side of the deque.
    fn append(thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>) {
        Deque::push_back(this, thread, item.to_owned());
    }

    /// Add an element to the left side of the deque.
    fn appendleft(thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>) {
        Deque::push_front(this, thread, item.to_owned());
    }

    /// Extend the right side of the deque with elements from the iterable.
    fn extend(thread: &mut Thread, this: &Obj<Self>, iterable: Ref<'_>) -> PyResult<()> {
        Deque::extend_back(thread, this, iterable)
    }

    /// Extend the left side of the deque with elements from the iterable.
    fn extendleft(thread: &mut Thread, this: &Obj<Self>, iterable: Ref<'_>) -> PyResult<()> {
        if iterable.is(this.get()) {
            Deque::values(this, thread).into_iter().for_each(|value| Deque::push_front(this, thread, value));
            return Ok(());
        }
        protocol::iterate(thread, iterable, |thread, item| {
            Deque::push_front(this, thread, item);
            Ok(())
        })
    }

    /// Remove and return the rightmost element.
    fn pop(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let item = this.state.with(this, thread, |state, _| {
            state.changes += 1;
            state.items.pop_back()
        });
        item.and_then(Field::into_value).ok_or_else(|| index_error("pop from an empty deque"))
    }

    /// Remove and return the leftmost element.
    fn popleft(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let item = this.state.with(this, thread, |state, _| {
            state.changes += 1;
            state.items.pop_front()
        });
        item.and_then(Field::into_value).ok_or_else(|| index_error("pop from an empty deque"))
    }

    /// Remove all elements from the deque.
    fn clear(thread: &mut Thread, this: &Obj<Self>) {
        Deque::clear_all(this, thread);
    }

    /// Return a shallow copy of a deque.
    #[also(name = "__copy__")]
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Deque::duplicate(thread, this)
    }

    /// Return number of occurrences of value.
    fn count(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<usize> {
        let (mut count, mut index) = (0, 0);
        if this.header().is_shared() {
            for item in Deque::values(this, thread) {
                count += usize::from(protocol::eq(thread, item.get(), value)?);
            }
            return Ok(count);
        }
        let start = Deque::changes(this, thread);
        loop {
            let (item, changes) = Deque::item(this, thread, index);
            if changes != start {
                return Err(runtime_error("deque mutated during iteration"));
            }
            let Some(item) = item else { return Ok(count) };
            count += usize::from(protocol::eq(thread, item.get(), value)?);
            index += 1;
        }
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
    ) -> PyResult<usize> {
        let start = start.map_or(Ok(0), |start| slice::index_argument(thread, start))?;
        let stop = stop.map_or(Ok(i64::MAX), |stop| slice::index_argument(thread, stop))?;
        if this.header().is_shared() {
            let found = Deque::find_in_copy(thread, this, value, (start, stop))?;
            return found.ok_or_else(|| value_error("deque.index(x): x not in deque"));
        }
        let len = Deque::len(this, thread);
        let before = Deque::changes(this, thread);
        for index in slice::clamp(start, len)..slice::clamp(stop, len) {
            let (item, changes) = Deque::item(this, thread, index);
            let Some(item) = item.filter(|_| changes == before) else {
                return Err(runtime_error("deque mutated during iteration"));
            };
            let equal = protocol::eq(thread, item.get(), value)?;
            if Deque::changes(this, thread) != before {
                return Err(runtime_error("deque mutated during iteration"));
            }
            if equal {
                return Ok(index);
            }
        }
        Err(value_error("deque.index(x): x not in deque"))
    }

    /// Insert value before index.
    fn insert(thread: &mut Thread, this: &Obj<Self>, index: isize, value: Ref<'_>) -> PyResult<()> {
        let value = value.to_owned();
        let rejected = this.state.with(this, thread, |state, owner| {
            let len = state.items.len();
            if state.limit.is_some_and(|limit| len >= limit) {
                return Some(value);
            }
            state.changes += 1;
            state.items.insert(slice::clamp(index as i64, len), owner.store(value));
            None
        });
        match rejected {
            Some(_) => Err(index_error("deque already at its maximum size")),
            None => Ok(()),
        }
    }

    /// Remove first occurrence of value.
    fn remove(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<()> {
        let before = Deque::changes(this, thread);
        let mutated = || index_error("deque mutated during remove().");
        let mut index = 0;
        loop {
            let (item, changes) = Deque::item(this, thread, index);
            if changes != before {
                return Err(mutated());
            }
            let Some(item) = item else { return Err(value_error("deque.remove(x): x not in deque")) };
            if protocol::eq(thread, item.get(), value)? {
                let removed = this.state.with(this, thread, |state, _| {
                    if state.changes != before {
                        return None;
                    }
                    state.changes += 1;
                    state.items.remove(index)
                });
                return removed.map(drop).ok_or_else(mutated);
            }
            index += 1;
        }
    }

    /// Reverse *IN PLACE*.
    fn reverse(thread: &mut Thread, this: &Obj<Self>) {
        this.state.with(this, thread, |state, _| {
            state.changes += 1;
            state.items.make_contiguous().reverse();
        });
    }

    /// Rotate the deque n steps to the right.  If n is negative, rotates left.
    #[signature(n=1, /)]
    fn rotate(thread: &mut Thread, this: &Obj<Self>, n: isize) {
        Deque::rotate_by(this, thread, n as i64);
    }

    /// maximum size of a deque or None if unbounded
    #[getter]
    fn maxlen(thread: &mut Thread, this: &Obj<Self>) -> Option<usize> {
        Deque::limit(this, thread)
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let args = match Deque::limit(this, thread) {
            Some(limit) => {
                vec![
                    tuple::empty(thread).to_value(),
                    int::new(thread, i64::try_from(limit).unwrap_or(i64::MAX))?,
                ]
            }
            None => Vec::new(),
        };
        let args = tuple::new(thread, args)?.into_value();
        let state = protocol::call_method(thread, this.get(), "__getstate__", &[])?;
        let items = protocol::iter(thread, this.get())?;
        let class = class_of(this.get()).to_value();
        Ok(tuple::new(thread, vec![class, args, state, items])?.into_value())
    }

    /// Return a reverse iterator over the deque.
    #[name = "__reversed__"]
    fn reversed(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        DequeReverseIterator::over(thread, this)
    }

    /// Return the size of the deque in memory, in bytes.
    #[name = "__sizeof__"]
    fn sizeof(thread: &mut Thread, this: &Obj<Self>) -> usize {
        let room = this.state.with(this, thread, |state, _| state.items.capacity());
        16 + std::mem::size_of::<Deque>() + 8 * room
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        DequeIterator::over(thread, this)
    }

    #[slot]
    fn sq_length(thread: &mut Thread, this: &Obj<Self>) -> usize {
        Deque::len(this, thread)
    }

    #[slot]
    fn sq_item(thread: &mut Thread, this: &Obj<Self>, index: i64) -> PyResult {
        let item = usize::try_from(index).ok().and_then(|index| Deque::item(this, thread, index).0);
        item.ok_or_else(|| index_error("deque index out of range"))
    }

    #[slot]
    fn sq_ass_item(
        thread: &mut Thread,
        this: &Obj<Self>,
        index: i64,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let value = value.map(Ref::to_owned);
        // Whether the place is there is asked under the lock, so that no other thread takes it away meanwhile.
        let old = this.state.with(this, thread, |state, owner| {
            let place = usize::try_from(index).ok().filter(|place| *place < state.items.len())?;
            match value {
                Some(value) => {
                    let field = owner.store(value);
                    state.items.get_mut(place).map(|item| std::mem::replace(item, field))
                }
                None => {
                    state.changes += 1;
                    state.items.remove(place)
                }
            }
        });
        let Some(old) = old else { return Err(index_error("deque index out of range")) };
        drop(old);
        Ok(())
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<bool> {
        if this.header().is_shared() {
            return Ok(Deque::find_in_copy(thread, this, value, (0, i64::MAX))?.is_some());
        }
        let before = Deque::changes(this, thread);
        let mut index = 0;
        loop {
            let (item, changes) = Deque::item(this, thread, index);
            if changes != before {
                return Err(runtime_error("deque mutated during iteration"));
            }
            let Some(item) = item else { return Ok(false) };
            if protocol::eq(thread, item.get(), value)? {
                return Ok(true);
            }
            index += 1;
        }
    }

    #[slot]
    fn sq_concat(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult {
        if other.downcast::<Deque>().is_none() {
            let class = class_of(other).name();
            return Err(type_error(format!("can only concatenate deque (not \"{class}\") to deque")));
        }
        let made = Deque::duplicate(thread, this)?;
        if let Some(deque) = made.get().downcast::<Deque>() {
            Deque::extend_back(thread, deque, other)?;
        }
        Ok(made)
    }

    #[slot]
    fn sq_inplace_concat(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult {
        Deque::extend_back(thread, this, other)?;
        Ok(this.to_value())
    }

    #[slot]
    fn sq_repeat(thread: &mut Thread, this: &Obj<Self>, count: i64) -> PyResult {
        let made = Deque::duplicate(thread, this)?;
        if let Some(deque) = made.get().downcast::<Deque>() {
            repeat(thread, deque, count)?;
        }
        Ok(made)
    }

    #[slot]
    fn sq_inplace_repeat(thread: &mut Thread, this: &Obj<Self>, count: i64) -> PyResult {
        repeat(thread, this, count)?;
        Ok(this.to_value())
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<Deque>(), right.downcast::<Deque>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let (a, b) = (Deque::values(left, thread), Deque::values(right, thread));
        if a.len() != b.len() {
            match op {
                CompareOp::Eq => return Ok(Value::FALSE),
                CompareOp::Ne => return Ok(Value::TRUE),
                _ => {}
            }
        }
        for (a, b) in a.iter().zip(&b) {
            if !protocol::eq(thread, a.get(), b.get())? {
                return match op {
                    CompareOp::Eq => Ok(Value::FALSE),
                    CompareOp::Ne => Ok(Value::TRUE),
                    _ => protocol::rich_compare(thread, a.get(), b.get(), op),
                };
            }
        }
        Ok(Value::bool(op.holds(a.len().cmp(&b.len()))))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = class_of(this.get()).name().into_owned();
        let shown = repr_guard::enter(thread, this.get(), |thread| {
            let mut text = orochi_text::wtf8::Wtf8Buf::from(name.as_str());
            text.push_str("([");
            for (i, item) in Deque::values(this, thread).into_iter().enumerate() {
                if i > 0 {
                    text.push_str(", ");
                }
                repr_guard::push_repr(thread, &mut text, item.get())?;
            }
            match Deque::limit(this, thread) {
                Some(limit) => text.push_str(&format!("], maxlen={limit})")),
                None => text.push_str("])"),
            }
            repr_guard::finish(thread, &text)
        })?;
        shown.map_or_else(|| str::new(thread, "[...]"), Ok)
    }
}

fn repeat(thread: &mut Thread, deque: &Obj<Deque>, count: i64) -> PyResult<()> {
    let values = Deque::values(deque, thread);
    let Some(count) = usize::try_from(count).ok().filter(|&count| count > 0) else {
        Deque::clear_all(deque, thread);
        return Ok(());
    };
    let total = values.len().checked_mul(count).filter(|&total| total < 1 << 40).ok_or_else(memory_error)?;
    // With a limit only the last rounds remain.
    let limit = Deque::limit(deque, thread).unwrap_or(usize::MAX);
    let rounds = match values.len() {
        0 => 0,
        len if total > limit => limit.div_ceil(len).min(count - 1),
        _ => count - 1,
    };
    for _ in 0..rounds {
        values.iter().for_each(|value| Deque::push_back(deque, thread, value.clone()));
    }
    Ok(())
}
