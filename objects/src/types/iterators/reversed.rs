//! `reversed`: what `__reversed__` says, or an iterator over a sequence's items from the last to the first.

use crate::error::{PyResult, type_error};
use crate::protocol;
use crate::types::dict::PyDict;
use crate::types::object::bind;
use crate::types::tuple;
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::sync::{AtomicI64, Ordering};
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// reversed(sequence, /)
/// --
///
/// Return a reverse iterator over the values of the given sequence.
#[pyclass(name = "reversed", subclassable)]
#[derive(Trace)]
pub struct PyReversed {
    /// Nothing once the iterator is exhausted.
    sequence: AtomicField,
    index: Index,
}

/// The index to come; -1 at the end.
struct Index(AtomicI64);

// SAFETY: holds no fields.
unsafe impl orochi_core::Trace for Index {
    fn trace(&self, _visit: &mut dyn FnMut(&orochi_core::Field)) {}
}

#[pymethods]
impl PyReversed {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: crate::Args<'_>) -> PyResult {
        let args = crate::new_args::<PyReversed>(cls, args);
        args.no_keywords("reversed")?;
        let Some(sequence) = args.get(0).filter(|_| args.len() == 1) else {
            return Err(type_error(format!("reversed expected 1 argument, got {}", args.len())));
        };
        let class = crate::class_of(sequence);
        let not_reversible = || type_error(format!("'{}' object is not reversible", class.name()));
        if let Some(method) = class.lookup(thread, crate::name!("__reversed__")).map(Ref::to_owned) {
            if method.get().is_none() {
                return Err(not_reversible());
            }
            let bound = bind(thread, method.get(), sequence)?;
            return protocol::call(thread, bound.get(), &[]);
        }
        if class.slots.sq_item().is_none() || sequence.downcast::<PyDict>().is_some() {
            return Err(not_reversible());
        }
        let last = i64::try_from(protocol::len(thread, sequence)?).unwrap_or(i64::MAX) - 1;
        let made = PyReversed {
            sequence: AtomicField::new_local(sequence.to_owned()),
            index: Index(AtomicI64::new(last)),
        };
        Ok(crate::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        use crate::types::exception::{IndexError, StopIteration};
        let index = this.index.0.load(Ordering::Relaxed);
        if index < 0 {
            this.sequence.swap(this, thread, None);
            return Ok(None);
        }
        let Some(sequence) = this.sequence.get(thread) else { return Ok(None) };
        let item = match crate::class_of(sequence.get()).slots.sq_item() {
            Some(item) => item(thread, sequence.get(), index),
            None => {
                let key = crate::int::new(thread, index)?;
                protocol::get_item(thread, sequence.get(), key.get())
            }
        };
        match item {
            Ok(item) => {
                this.index.0.store(index - 1, Ordering::Relaxed);
                Ok(Some(item))
            }
            Err(error) => {
                this.index.0.store(-1, Ordering::Relaxed);
                this.sequence.swap(this, thread, None);
                if error.matches(&IndexError) || error.matches(&StopIteration) {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Private method returning an estimate of len(list(it)).
    #[name = "__length_hint__"]
    fn length_hint(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        let Some(sequence) = this.sequence.get(thread) else { return Ok(0) };
        let len = protocol::len(thread, sequence.get())?;
        let rest = usize::try_from(this.index.0.load(Ordering::Relaxed).saturating_add(1)).unwrap_or(0);
        Ok(if rest <= len { rest } else { 0 })
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match this.sequence.get(thread) {
            Some(sequence) => {
                let index = crate::int::new(thread, this.index.0.load(Ordering::Relaxed))?;
                super::reduced_to_class(thread, this.get(), vec![sequence], Some(index))
            }
            None => {
                let empty = tuple::empty(thread).to_value();
                super::reduced_to_class(thread, this.get(), vec![empty], None)
            }
        }
    }

    /// Set state information for unpickling.
    #[name = "__setstate__"]
    fn set_state(thread: &mut Thread, this: &Obj<Self>, state: isize) -> PyResult<()> {
        if let Some(sequence) = this.sequence.get(thread) {
            let len = i64::try_from(protocol::len(thread, sequence.get())?).unwrap_or(i64::MAX);
            this.index.0.store((state as i64).clamp(-1, len - 1), Ordering::Relaxed);
        }
        Ok(())
    }
}
