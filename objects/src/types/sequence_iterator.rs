//! `iterator`: iterates over whatever has `__getitem__`, by indices from 0 until IndexError.

use crate::class::PyClass;
use crate::error::PyResult;
use crate::types::exception::{IndexError, StopIteration};
use crate::types::int;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// An iterator over a sequence by index.
#[pyclass(name = "iterator", no_new)]
#[derive(Trace)]
pub struct PySequenceIterator {
    /// Empty once exhausted.
    sequence: AtomicField,
    index: AtomicU64,
}

/// An iterator over a sequence.
pub fn new(thread: &Thread, sequence: Value) -> PyResult {
    let iterator =
        PySequenceIterator { sequence: AtomicField::new_local(sequence), index: AtomicU64::new(0) };
    Ok(crate::alloc(thread, PySequenceIterator::static_type().get(), iterator)?.into_value())
}

impl PySequenceIterator {
    fn index(&self) -> i64 {
        i64::try_from(self.index.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }
}

#[pymethods]
impl PySequenceIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(sequence) = this.sequence.get(thread) else { return Ok(None) };
        // Two threads that share the iterator get different items.
        let index = this.index.fetch_add(1, Ordering::Relaxed);
        let Ok(index) = i64::try_from(index) else {
            return Err(crate::error::overflow_error("iter index too large"));
        };
        match crate::protocol::sequence_item(thread, sequence.get(), index) {
            Ok(item) => Ok(Some(item)),
            Err(error) if error.matches(&IndexError) || error.matches(&StopIteration) => {
                drop(this.sequence.swap(this, thread, None));
                Ok(None)
            }
            Err(error) => {
                this.index.fetch_sub(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    fn __length_hint__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let Some(sequence) = this.sequence.get(thread) else { return int::new(thread, 0) };
        let slots = &crate::class_of(sequence.get()).slots;
        if slots.sq_length().is_none() && slots.mp_length().is_none() {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        let len = crate::protocol::len(thread, sequence.get())?;
        let left = i64::try_from(len).unwrap_or(i64::MAX).saturating_sub(this.index());
        int::new(thread, left.max(0))
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let iter = crate::types::builtin(thread, "iter")?;
        let values = match this.sequence.get(thread) {
            Some(sequence) => {
                let args = crate::tuple::new(thread, vec![sequence])?.into_value();
                vec![iter, args, int::new(thread, this.index())?]
            }
            None => {
                let empty = crate::tuple::empty(thread).to_value();
                vec![iter, crate::tuple::new(thread, vec![empty])?.into_value()]
            }
        };
        Ok(crate::tuple::new(thread, values)?.into_value())
    }

    fn __setstate__(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
        let index = int::index_i64(thread, state)?;
        this.index.store(index.max(0) as u64, Ordering::Relaxed);
        Ok(())
    }
}
