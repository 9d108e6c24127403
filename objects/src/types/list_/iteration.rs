//! The iterators over lists, forwards and backwards.

use crate::error::PyResult;
use crate::types::iterators::reduced;
use crate::types::list::{self, PyList};
use orochi_core::sync::{AtomicUsize, Ordering};
use orochi_core::word::{self, Word};
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// An iterator over a list.
///
/// Threads that share an iterator may be given the same element; nothing worse happens.
#[pyclass(name = "list_iterator", no_new)]
#[derive(Trace)]
pub struct ListIterator {
    /// Nothing once the iterator is exhausted.
    list: AtomicField,
    index: AtomicUsize,
}

/// An iterator over a list, backwards.
#[pyclass(name = "list_reverseiterator", no_new)]
#[derive(Trace)]
pub struct ListReverseIterator {
    /// Nothing once the iterator is exhausted.
    list: AtomicField,
    /// One above the element to come.
    above: AtomicUsize,
}

#[pymethods(part = ITERATION)]
impl PyList {
    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        ListIterator::over(thread, this.to_value())
    }

    /// Return a reverse iterator over the list.
    #[name = "__reversed__"]
    fn reversed(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (list, above) =
            (AtomicField::new_local(this.to_value()), AtomicUsize::new(list::len(thread, this)));
        Ok(crate::make(thread, ListReverseIterator { list, above })?.into_value())
    }
}

impl ListIterator {
    /// An iterator over a list.
    #[inline]
    pub fn over(thread: &Thread, list: Value) -> PyResult {
        let (list, index) = (AtomicField::new_local(list), AtomicUsize::new(0));
        Ok(crate::make(thread, ListIterator { list, index })?.into_value())
    }

    /// What `take` makes of the next element: a value, or a word for a register.
    #[inline(always)]
    pub fn advance<R>(this: &Obj<Self>, thread: &mut Thread, take: impl FnOnce(Ref<'_>) -> R) -> Option<R> {
        // SAFETY: only lists are stored here.
        let list = unsafe { this.list.load(thread)?.cast::<PyList>() };
        let index = this.index.load(Ordering::Relaxed);
        if let Some(element) = list.storage().get(thread, index) {
            let taken = take(element);
            this.index.store(index + 1, Ordering::Relaxed);
            return Some(taken);
        }
        this.list.swap(this, thread, None);
        None
    }
}

impl ListIterator {
    /// The next element as a word for a register; UNBOUND if there is none, and nothing has changed then.
    #[inline(always)]
    pub fn next_register(this: &Obj<Self>, thread: &Thread) -> Word {
        let Some(list) = this.list.load(thread) else { return word::UNBOUND };
        let index = this.index.load(Ordering::Relaxed);
        // SAFETY: only lists are stored here.
        let element = list::load_register(thread, unsafe { list.cast() }, index);
        if element != word::UNBOUND {
            this.index.store(index + 1, Ordering::Relaxed);
        }
        element
    }
}

#[pymethods]
impl ListIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        Ok(ListIterator::advance(this, thread, |element| element.to_owned()))
    }

    /// Private method returning an estimate of len(list(it)).
    #[name = "__length_hint__"]
    fn length_hint(thread: &mut Thread, this: &Obj<Self>) -> usize {
        match this.list.load(thread).and_then(Ref::downcast::<PyList>) {
            Some(list) => list::len(thread, list).saturating_sub(this.index.load(Ordering::Relaxed)),
            None => 0,
        }
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        reduced(thread, "iter", |thread| {
            let index = this.index.load(Ordering::Relaxed) as i64;
            Ok(match this.list.get(thread) {
                Some(list) => (vec![list], Some(index)),
                None => (vec![list::new(thread, Vec::new())?.into_value()], None),
            })
        })
    }

    /// Set state information for unpickling.
    #[name = "__setstate__"]
    fn set_state(thread: &mut Thread, this: &Obj<Self>, state: isize) {
        if this.list.load(thread).is_some() {
            this.index.store(usize::try_from(state).unwrap_or(0), Ordering::Relaxed);
        }
    }
}

#[pymethods]
impl ListReverseIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(list) = this.list.load(thread).and_then(Ref::downcast::<PyList>) else { return Ok(None) };
        if let Some(index) = this.above.load(Ordering::Relaxed).checked_sub(1)
            && let Some(value) = list::item(thread, list, index)
        {
            this.above.store(index, Ordering::Relaxed);
            return Ok(Some(value));
        }
        this.above.store(0, Ordering::Relaxed);
        this.list.swap(this, thread, None);
        Ok(None)
    }

    /// Private method returning an estimate of len(list(it)).
    #[name = "__length_hint__"]
    fn length_hint(thread: &mut Thread, this: &Obj<Self>) -> usize {
        let above = this.above.load(Ordering::Relaxed);
        match this.list.load(thread).and_then(Ref::downcast::<PyList>) {
            Some(list) if above <= list::len(thread, list) => above,
            _ => 0,
        }
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let function = if this.list.load(thread).is_some() { "reversed" } else { "iter" };
        reduced(thread, function, |thread| {
            let index = this.above.load(Ordering::Relaxed) as i64 - 1;
            Ok(match this.list.get(thread) {
                Some(list) => (vec![list], Some(index)),
                None => (vec![list::new(thread, Vec::new())?.into_value()], None),
            })
        })
    }

    /// Set state information for unpickling.
    #[name = "__setstate__"]
    fn set_state(thread: &mut Thread, this: &Obj<Self>, state: isize) {
        if let Some(list) = this.list.load(thread).and_then(Ref::downcast::<PyList>) {
            let above = usize::try_from(state.saturating_add(1)).unwrap_or(0);
            this.above.store(above.min(list::len(thread, list)), Ordering::Relaxed);
        }
    }
}
