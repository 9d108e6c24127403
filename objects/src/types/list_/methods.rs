//! The methods of `list`.

use super::sort;
use crate::class::exactly;
use crate::error::{PyResult, index_error, value_error};
use crate::protocol;
use crate::protocol::compare::plain_eq;
use crate::quick::{Quick, Registers};
use crate::storage::list::{ListStorage, Stride};
use crate::types::int;
use crate::types::list::{self, PyList};
use crate::types::slice;
use crate::types::tuple::PyTuple;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Owner, Ref, Thread, Value};
use orochi_macros::pymethods;

/// `list(iterable)` of tuples and lists; `list()`.
pub(crate) fn quick_call(thread: &mut Thread, args: Registers<'_>) -> Quick {
    let made = match args.get(0) {
        None => list::with_capacity(thread, 0),
        Some(items) if args.len() == 1 => {
            if let Some(tuple) = exactly::<PyTuple>(items) {
                list::build(thread, tuple.len(), |i| tuple.item(i).map_or(Value::NONE, Ref::to_owned))
            } else if let Some(other) = exactly::<PyList>(items) {
                list::part(thread, other, |len| (Stride::all(len), false))
            } else {
                return Quick::OTHER;
            }
        }
        Some(_) => return Quick::OTHER,
    };
    made.map_or(Quick::OTHER, |made| Quick::value(made.into_value()))
}

/// `list.append` of a list with room for the argument that nobody else looks at.
#[inline(always)]
fn quick_append(thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([list, _]) = args.exactly() else { return Quick::OTHER };
    // SAFETY: methods get an instance of exactly their class. The argument is used no more; the list hasn't changed in between.
    unsafe {
        let list = list.cast::<PyList>();
        if list.header().is_shared() {
            return append_alone(thread, list, args);
        }
        let Some(room) = list.storage().local_room(Owner::from(list)) else { return Quick::OTHER };
        let Some(value) = args.take_last() else { return Quick::OTHER };
        room.fill(value);
    }
    Quick::NONE
}

/// `list.append` of a shared list while there is no other thread.
fn append_alone(thread: &mut Thread, list: &Obj<PyList>, args: Registers<'_>) -> Quick {
    if !thread.is_alone() || !list.storage().has_room(thread) {
        return Quick::OTHER;
    }
    // SAFETY: as in `quick_append`.
    let Some(value) = (unsafe { args.take_last() }) else { return Quick::OTHER };
    match list.storage().push(Owner::from(list), thread, value) {
        Ok(()) => Quick::NONE,
        // There was room.
        Err(_) => Quick::OTHER,
    }
}

/// `list.pop()` of a list that nobody else looks at.
fn quick_pop(thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([list]) = args.exactly() else { return Quick::OTHER };
    // SAFETY: as in `quick_append`.
    let list = unsafe { list.cast::<PyList>() };
    list.storage().pop_exclusive(Owner::from(list), thread).map_or(Quick::OTHER, Quick::value)
}

#[pymethods(part = METHODS)]
impl PyList {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: crate::Args<'_>) -> PyResult {
        Ok(list::subclass_object(thread, cls, ListStorage::new())?.into_value())
    }

    #[init]
    #[signature(iterable=<missing> as "()", /)]
    fn init(thread: &mut Thread, this: &Obj<Self>, iterable: Option<Ref<'_>>) -> PyResult<()> {
        if list::len(thread, this) != 0 {
            this.storage().take(Owner::from(this), thread)?;
        }
        match iterable {
            Some(iterable) => list::extend(thread, this, iterable),
            None => Ok(()),
        }
    }

    /// Append object to the end of the list.
    #[quick(quick_append)]
    fn append(thread: &mut Thread, this: &Obj<Self>, object: Ref<'_>) -> PyResult<()> {
        list::push(thread, this, object.to_owned())
    }

    /// Insert object before index.
    fn insert(thread: &mut Thread, this: &Obj<Self>, index: isize, object: Ref<'_>) -> PyResult<()> {
        let at = |len| slice::clamp(index as i64, len);
        Ok(this.storage().insert(Owner::from(this), thread, at, object.to_owned())?)
    }

    /// Extend list by appending elements from the iterable.
    fn extend(thread: &mut Thread, this: &Obj<Self>, iterable: Ref<'_>) -> PyResult<()> {
        list::extend(thread, this, iterable)
    }

    /// Remove and return item at index (default last).
    ///
    /// Raises IndexError if list is empty or index is out of range.
    #[signature(index=-1, /)]
    #[quick(quick_pop)]
    fn pop(thread: &mut Thread, this: &Obj<Self>, index: isize) -> PyResult {
        let at = |len| slice::position(index as i64, len);
        let was_empty = list::len(thread, this) == 0;
        match this.storage().remove(Owner::from(this), thread, at)? {
            Some(value) => Ok(value),
            None if was_empty => Err(index_error("pop from empty list")),
            None => Err(index_error("pop index out of range")),
        }
    }

    /// Remove first occurrence of value.
    ///
    /// Raises ValueError if the value is not present.
    fn remove(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<()> {
        let missing = || value_error("list.remove(x): x not in list");
        // Without Python code it is one step, whatever other threads do.
        let is_it = |item: Ref<'_>| if item.is(value) { Some(true) } else { plain_eq(item, value) };
        if let Some(removed) = this.storage().remove_first(Owner::from(this), thread, is_it)? {
            return removed.map(drop).ok_or_else(missing);
        }
        let mut index = 0;
        while let Some(item) = list::item(thread, this, index) {
            if protocol::eq(thread, item.get(), value)? {
                let word = item.get().word();
                let removed = this.storage().remove_identical(Owner::from(this), thread, index, word)?;
                if removed.is_some() {
                    return Ok(());
                }
            }
            index += 1;
        }
        Err(missing())
    }

    /// Remove all items from list.
    fn clear(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        this.storage().take(Owner::from(this), thread)?;
        Ok(())
    }

    /// Return a shallow copy of the list.
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(list::part(thread, this, |len| (Stride::all(len), false))?.into_value())
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
        let len = list::len(thread, this);
        let (start, stop) = (slice::clamp(start, len), slice::clamp(stop, len));
        for index in start..stop {
            let Some(item) = list::item(thread, this, index) else { break };
            if protocol::eq(thread, item.get(), value)? {
                return int::new(thread, i64::try_from(index).unwrap_or(i64::MAX));
            }
        }
        Err(value_error("list.index(x): x not in list"))
    }

    /// Return number of occurrences of value.
    fn count(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<usize> {
        let (mut count, mut index) = (0, 0);
        while let Some(item) = list::item(thread, this, index) {
            if protocol::eq(thread, item.get(), value)? {
                count += 1;
            }
            index += 1;
        }
        Ok(count)
    }

    /// Reverse *IN PLACE*.
    fn reverse(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        Ok(this.storage().reverse(Owner::from(this), thread)?)
    }

    /// Sort the list in ascending order and return None.
    ///
    /// The sort is in-place (i.e. the list itself is modified) and stable (i.e. the
    /// order of two equal elements is maintained).
    ///
    /// If a key function is given, apply it once to each list item and sort them,
    /// ascending or descending, according to their function values.
    ///
    /// The reverse flag can be set to sort in descending order.
    #[signature(*, key=None, reverse=false)]
    fn sort(thread: &mut Thread, this: &Obj<Self>, key: Option<Ref<'_>>, reverse: bool) -> PyResult<()> {
        let owner = Owner::from(this);
        // The list is empty while it is sorted, so that whoever changes it meanwhile is noticed.
        let mut values = this.storage().take(owner, thread)?;
        let result = sort::sort(thread, &mut values, key, reverse);
        // Keys that died may have finalizers that change the list.
        crate::finalize::run_pending(thread);
        let untouched = this.storage().is_untouched();
        // Whatever was put in meanwhile goes; the values are stored anew, for the list may have been published.
        drop(this.storage().replace_all(owner, thread, values)?);
        result?;
        if untouched { Ok(()) } else { Err(value_error("list modified during sort")) }
    }

    /// Return the size of the list in memory, in bytes.
    #[name = "__sizeof__"]
    fn sizeof(thread: &mut Thread, this: &Obj<Self>) -> usize {
        16 + std::mem::size_of::<PyList>() + 8 * this.storage().capacity(thread)
    }
}

/// The values repeated `count` times; `None` without memory for them.
pub(super) fn repeated(values: &[Value], count: i64) -> Option<Vec<Value>> {
    let count = usize::try_from(count).unwrap_or(0);
    let total = values.len().checked_mul(count)?;
    let mut all = Vec::new();
    all.try_reserve_exact(total).ok()?;
    for _ in 0..count {
        all.extend(values.iter().cloned());
    }
    Some(all)
}
