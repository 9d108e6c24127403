//! The iterator over sets.

use crate::error::{PyResult, runtime_error};
use crate::types::iterators::reduced;
use crate::types::list;
use crate::types::set::AnySet;
use orochi_core::sync::{AtomicUsize, Ordering};
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// An iterator over a set.
///
/// Threads that share an iterator may be given the same key; nothing worse happens.
#[pyclass(name = "set_iterator", no_new)]
#[derive(Trace)]
pub struct SetIterator {
    /// Nothing once the iterator is exhausted.
    set: AtomicField,
    /// The set's length at the start; `usize::MAX` after a change was found.
    used: AtomicUsize,
    slot: AtomicUsize,
    remaining: AtomicUsize,
}

impl SetIterator {
    /// An iterator at its start.
    pub fn over(thread: &Thread, set: AnySet<'_>) -> PyResult<Value> {
        let len = set.momentary_len(thread);
        let iterator = SetIterator {
            set: AtomicField::new_local(set.object.to_owned()),
            used: AtomicUsize::new(len),
            slot: AtomicUsize::new(0),
            remaining: AtomicUsize::new(len),
        };
        Ok(crate::make(thread, iterator)?.into_value())
    }
}

#[pymethods]
impl SetIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(set) = this.set.load(thread).and_then(AnySet::of) else { return Ok(None) };
        if set.momentary_len(thread) != this.used.load(Ordering::Relaxed) {
            this.used.store(usize::MAX, Ordering::Relaxed);
            return Err(runtime_error("Set changed size during iteration"));
        }
        match set.next_key(thread, this.slot.load(Ordering::Relaxed)) {
            Some((next, _, key)) => {
                this.slot.store(next, Ordering::Relaxed);
                let remaining = this.remaining.load(Ordering::Relaxed);
                this.remaining.store(remaining.saturating_sub(1), Ordering::Relaxed);
                Ok(Some(key))
            }
            None => {
                this.set.swap(this, thread, None);
                Ok(None)
            }
        }
    }

    /// Private method returning an estimate of len(list(it)).
    #[name = "__length_hint__"]
    fn length_hint(thread: &mut Thread, this: &Obj<Self>) -> usize {
        match this.set.load(thread).and_then(AnySet::of) {
            Some(set) if set.momentary_len(thread) == this.used.load(Ordering::Relaxed) => {
                this.remaining.load(Ordering::Relaxed)
            }
            _ => 0,
        }
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut rest = Vec::new();
        if let Some(set) = this.set.load(thread).and_then(AnySet::of) {
            if set.momentary_len(thread) != this.used.load(Ordering::Relaxed) {
                return Err(runtime_error("Set changed size during iteration"));
            }
            let mut from = this.slot.load(Ordering::Relaxed);
            while let Some((next, _, key)) = set.next_key(thread, from) {
                rest.push(key);
                from = next;
            }
        }
        let rest = list::new(thread, rest)?.into_value();
        reduced(thread, "iter", |_| Ok((vec![rest], None)))
    }
}
