//! The iterators over deques.

use super::deque::Deque;
use orochi_core::sync::{AtomicUsize, Ordering};
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::runtime_error;
use orochi_objects::types::tuple;
use orochi_objects::{PyResult, PyType, class_of, int};

macro_rules! iterators {
    ($($(#[$doc:meta])* $type:ident $name:literal $place:expr;)*) => { $(
        $(#[$doc])*
        #[pyclass(name = $name, module = "collections")]
        #[derive(Trace)]
        pub(crate) struct $type {
            deque: Field,
            /// Items given out.
            given: AtomicUsize,
            /// Items at the start.
            len: usize,
            changes: u64,
        }

        impl $type {
            /// An iterator at its start.
            pub(super) fn over(thread: &Thread, deque: &Obj<Deque>) -> PyResult {
                let iterator = $type {
                    len: Deque::len(deque, thread),
                    changes: Deque::changes(deque, thread),
                    deque: Field::new_local(deque.to_value()),
                    given: AtomicUsize::new(0),
                };
                Ok(orochi_objects::make(thread, iterator)?.into_value())
            }
        }

        #[pymethods]
        impl $type {
            #[new]
            #[no_text_signature]
            #[signature(deque, index=0, /)]
            fn new(thread: &mut Thread, _cls: &Obj<PyType>, deque: &Obj<Deque>, index: isize) -> PyResult {
                let iterator = $type {
                    len: Deque::len(deque, thread),
                    changes: Deque::changes(deque, thread),
                    deque: Field::new_local(deque.to_value()),
                    given: AtomicUsize::new(usize::try_from(index).unwrap_or(0)),
                };
                Ok(orochi_objects::make(thread, iterator)?.into_value())
            }

            #[slot]
            fn tp_iter(this: Ref<'_>) -> Value {
                this.to_owned()
            }

            #[slot]
            fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
                let deque = orochi_objects::slot_receiver::<Deque>(this.deque.fixed())?;
                let given = this.given.load(Ordering::Relaxed);
                let place: fn(usize, usize) -> Option<usize> = $place;
                let index = place(this.len, given);
                let (item, changes) = Deque::item(deque, thread, index.unwrap_or(usize::MAX));
                if changes != this.changes {
                    this.given.store(this.len, Ordering::Relaxed);
                    return Err(runtime_error("deque mutated during iteration"));
                }
                if item.is_some() {
                    this.given.store(given + 1, Ordering::Relaxed);
                }
                Ok(item)
            }

            /// Private method returning an estimate of len(list(it)).
            #[name = "__length_hint__"]
            fn length_hint(this: &Obj<Self>) -> usize {
                this.len.saturating_sub(this.given.load(Ordering::Relaxed))
            }

            /// Return state information for pickling.
            #[name = "__reduce__"]
            fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let given = i64::try_from(this.given.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
                let args = vec![this.deque.fixed().to_owned(), int::new(thread, given)?];
                let args = tuple::new(thread, args)?.into_value();
                Ok(tuple::new(thread, vec![class_of(this.get()).to_value(), args])?.into_value())
            }
        }
    )* };
}

iterators! {
    /// An iterator over a deque.
    DequeIterator "_deque_iterator" |_len, given| Some(given);
    /// An iterator over a deque, backwards.
    DequeReverseIterator "_deque_reverse_iterator" |len, given| len.checked_sub(given + 1);
}
