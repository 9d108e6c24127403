//! Built-in functions on iterables: aiter, all, anext, any, iter, len, next, sorted.

use orochi_core::{AtomicField, Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods};
use orochi_objects::error::{PyErr, PyResult, type_error};
use orochi_objects::types::{exception, list};
use orochi_objects::{class_of, protocol};

/// Return True if bool(x) is True for all values x in the iterable.
///
/// If the iterable is empty, return True.
#[pyfunction]
#[signature(iterable, /)]
fn all(thread: &mut Thread, iterable: Ref<'_>) -> PyResult<bool> {
    every(thread, iterable, true)
}

/// Return True if bool(x) is True for any x in the iterable.
///
/// If the iterable is empty, return False.
#[pyfunction]
#[signature(iterable, /)]
fn any(thread: &mut Thread, iterable: Ref<'_>) -> PyResult<bool> {
    every(thread, iterable, false).map(|none| !none)
}

/// Whether the truth of every item is `wanted`.
fn every(thread: &mut Thread, iterable: Ref<'_>, wanted: bool) -> PyResult<bool> {
    let mut all = true;
    let take = |_: &mut bool, _: &mut Thread, item: Value| {
        let truth = item.get().as_bool().or_else(|| item.get().is_none().then_some(false));
        (truth != Some(wanted)).then_some(item)
    };
    let look = |all: &mut bool, thread: &mut Thread, item: Value| {
        *all = protocol::is_true(thread, item.get())? == wanted;
        Ok(*all)
    };
    protocol::iterate_taking(thread, iterable, &mut all, take, look)?;
    Ok(all)
}

/// Return the number of items in a container.
#[pyfunction]
#[signature(obj, /)]
#[quick(super::quick::len)]
fn len(thread: &mut Thread, obj: Ref<'_>) -> PyResult<usize> {
    protocol::len(thread, obj)
}

/// next(iterator[, default])
///
/// Return the next item from the iterator. If default is given and the
/// iterator is exhausted, it is returned instead of raising StopIteration.
#[pyfunction]
#[signature(iterator, default = <missing>, /)]
fn next(thread: &mut Thread, iterator: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
    let class = class_of(iterator);
    let Some(slot) = class.slots.tp_iternext() else {
        return Err(type_error(format!("'{}' object is not an iterator", class.name())));
    };
    match (slot(thread, iterator), default) {
        (Ok(Some(item)), _) => Ok(item),
        (Ok(None), Some(default)) => Ok(default.to_owned()),
        (Ok(None), None) => Err(PyErr::bare(&exception::StopIteration)),
        (Err(error), Some(default)) if error.matches(&exception::StopIteration) => Ok(default.to_owned()),
        (Err(error), _) => Err(error),
    }
}

/// iter(iterable) -> iterator
/// iter(callable, sentinel) -> iterator
///
/// Get an iterator from an object.
/// In the first form, the argument must supply its own iterator, or be a sequence.
/// In the second form, the callable is called until it returns the sentinel.
#[pyfunction]
#[signature(object, sentinel = <missing>, /)]
fn iter(thread: &mut Thread, object: Ref<'_>, sentinel: Option<Ref<'_>>) -> PyResult {
    let Some(sentinel) = sentinel else { return protocol::iter(thread, object) };
    if class_of(object).slots.tp_call().is_none() {
        return Err(type_error("iter(v, w): v must be callable"));
    }
    let iterator = PyCallableIterator {
        callable: AtomicField::new_local(object.to_owned()),
        sentinel: Field::new_local(sentinel.to_owned()),
    };
    Ok(orochi_objects::make(thread, iterator)?.into_value())
}

/// Return an AsyncIterator for an AsyncIterable object.
#[pyfunction]
#[signature(async_iterable, /)]
fn aiter(thread: &mut Thread, async_iterable: Ref<'_>) -> PyResult {
    let class = class_of(async_iterable);
    let Some(slot) = class.slots.am_aiter() else {
        return Err(type_error(format!("'{}' object is not an async iterable", class.name())));
    };
    let iterator = slot(thread, async_iterable)?;
    let class = class_of(iterator.get());
    if class.slots.am_anext().is_none() {
        return Err(type_error(format!("aiter() returned not an async iterator of type '{}'", class.name())));
    }
    Ok(iterator)
}

/// Return the next item from the async iterator.
///
/// If default is given and the async iterator is exhausted,
/// it is returned instead of raising StopAsyncIteration.
#[pyfunction]
#[signature(aiterator, default = <missing>, /)]
fn anext(thread: &mut Thread, aiterator: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
    let class = class_of(aiterator);
    let Some(slot) = class.slots.am_anext() else {
        return Err(type_error(format!("'{}' object is not an async iterator", class.name())));
    };
    let awaitable = slot(thread, aiterator)?;
    match default {
        Some(default) => super::anext_awaitable::new(thread, awaitable, default.to_owned()),
        None => Ok(awaitable),
    }
}

/// Return a new list containing all items from the iterable in ascending order.
///
/// A custom key function can be supplied to customize the sort order, and the
/// reverse flag can be set to request the result in descending order.
#[pyfunction]
#[signature(iterable, /, *, key = None, reverse = false)]
fn sorted(thread: &mut Thread, iterable: Ref<'_>, key: Option<Ref<'_>>, reverse: bool) -> PyResult {
    let mut values = list::to_values(thread, iterable)?;
    orochi_objects::types::list_::sort::sort(thread, &mut values, key, reverse)?;
    Ok(list::new(thread, values)?.into_value())
}

/// Calls a function until it returns the sentinel.
#[pyclass(name = "callable_iterator", no_new)]
#[derive(Trace)]
pub(super) struct PyCallableIterator {
    callable: AtomicField,
    sentinel: Field,
}

#[pymethods]
impl PyCallableIterator {
    #[slot]
    fn tp_iter(_thread: &mut Thread, this: Ref<'_>) -> PyResult {
        Ok(this.to_owned())
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(callable) = this.callable.get(thread) else { return Ok(None) };
        let item = match protocol::call(thread, callable.get(), &[]) {
            Err(error) if error.matches(&exception::StopIteration) => None,
            Err(error) => return Err(error),
            Ok(item) if protocol::eq(thread, this.sentinel.fixed(), item.get())? => None,
            Ok(item) => Some(item),
        };
        if item.is_none() {
            this.callable.swap(this, thread, None);
        }
        // The call or the comparison may have exhausted this very iterator.
        Ok(item.filter(|_| this.callable.load(thread).is_some()))
    }

    /// Return state information for pickling.
    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        orochi_objects::types::iterators::reduced(thread, "iter", |thread| {
            Ok(match this.callable.get(thread) {
                Some(callable) => (vec![callable, this.sentinel.fixed().to_owned()], None),
                None => (vec![orochi_objects::tuple::empty(thread).to_value()], None),
            })
        })
    }
}
