//! The iterators over dicts: over keys, values and items, forwards and backwards.

use crate::error::{PyErr, PyResult, runtime_error};
use crate::storage::dict::EntryRef;
use crate::types::dict::{self, PyDict};
use crate::types::{list, tuple};
use orochi_core::sync::{AtomicUsize, Ordering};
use orochi_core::word::Word;
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Where an iterator stands.
///
/// Threads that share an iterator may be given the same entry; nothing worse happens.
#[derive(Trace)]
pub(crate) struct State {
    /// The dict; nothing once the iterator is exhausted.
    dict: AtomicField,
    /// The dict's length at the start. `usize::MAX` after a change was found: the iterator stays broken.
    used: AtomicUsize,
    /// Forwards: the entry to look at next. Backwards: the one above it.
    position: AtomicUsize,
    /// Entries still to come.
    remaining: AtomicUsize,
}

impl State {
    fn new(thread: &Thread, dict: &Obj<PyDict>, backwards: bool) -> State {
        let len = dict::momentary_len(thread, dict);
        State {
            dict: AtomicField::new_local(dict.to_value()),
            used: AtomicUsize::new(len),
            position: AtomicUsize::new(if backwards { dict.storage().entry_count(thread) } else { 0 }),
            remaining: AtomicUsize::new(len),
        }
    }

    /// What `pick` takes from the next entry.
    #[inline]
    fn next<T, R>(
        &self,
        this: &Obj<T>,
        thread: &mut Thread,
        backwards: bool,
        pick: impl FnOnce(EntryRef<'_>) -> R,
    ) -> PyResult<Option<R>> {
        let Some(dict) = self.dict.load(thread).and_then(Ref::downcast::<PyDict>) else { return Ok(None) };
        if dict::momentary_len(thread, dict) != self.used.load(Ordering::Relaxed) {
            return Err(self.changed());
        }
        let position = self.position.load(Ordering::Relaxed);
        let found = if backwards && position > dict.storage().entry_count(thread) {
            // The dict was emptied and filled anew.
            None
        } else if backwards {
            dict.storage().previous_entry(thread, position)
        } else {
            dict.storage().next_entry(thread, position)
        };
        let Some((at, entry)) = found else {
            self.dict.swap(this, thread, None);
            return Ok(None);
        };
        let remaining = self.remaining.load(Ordering::Relaxed);
        if remaining == 0 {
            self.dict.swap(this, thread, None);
            return Err(runtime_error("dictionary keys changed during iteration"));
        }
        let picked = pick(entry);
        self.remaining.store(remaining - 1, Ordering::Relaxed);
        self.position.store(if backwards { at } else { at + 1 }, Ordering::Relaxed);
        Ok(Some(picked))
    }

    #[cold]
    fn changed(&self) -> PyErr {
        self.used.store(usize::MAX, Ordering::Relaxed);
        runtime_error("dictionary changed size during iteration")
    }

    fn length_hint(&self, thread: &Thread) -> usize {
        match self.dict.load(thread).and_then(Ref::downcast::<PyDict>) {
            Some(dict) if dict::momentary_len(thread, dict) == self.used.load(Ordering::Relaxed) => {
                self.remaining.load(Ordering::Relaxed)
            }
            _ => 0,
        }
    }

    /// What is still to come, without moving on.
    fn rest(
        &self,
        thread: &mut Thread,
        backwards: bool,
        item: impl Fn(&Thread, EntryRef<'_>) -> PyResult,
    ) -> PyResult<Vec<Value>> {
        let mut items = Vec::new();
        let Some(dict) = self.dict.load(thread).and_then(Ref::downcast::<PyDict>).map(Obj::to_owned) else {
            return Ok(items);
        };
        if dict::momentary_len(thread, &dict) != self.used.load(Ordering::Relaxed) {
            return Err(runtime_error("dictionary changed size during iteration"));
        }
        let mut position = self.position.load(Ordering::Relaxed);
        loop {
            let found = if backwards {
                dict.storage().previous_entry(thread, position)
            } else {
                dict.storage().next_entry(thread, position)
            };
            let Some((at, entry)) = found else { return Ok(items) };
            position = if backwards { at } else { at + 1 };
            items.push(item(thread, entry)?);
        }
    }
}

fn key_of(entry: EntryRef<'_>) -> Value {
    entry.key.to_owned()
}

fn value_of(entry: EntryRef<'_>) -> Value {
    entry.value.to_owned()
}

fn item_of(entry: EntryRef<'_>) -> [Value; 2] {
    [entry.key.to_owned(), entry.value.to_owned()]
}

fn plain(_thread: &Thread, item: Value) -> PyResult {
    Ok(item)
}

macro_rules! iterators {
    ($($(#[$doc:meta])* $type:ident $name:literal $backwards:literal $pick:ident $item:path;)*) => { $(
        $(#[$doc])*
        #[pyclass(name = $name, no_new)]
        #[derive(Trace)]
        pub struct $type {
            state: State,
        }

        impl $type {
            /// An iterator at its start.
            pub fn over(thread: &Thread, dict: &Obj<PyDict>) -> PyResult<Value> {
                let state = State::new(thread, dict, $backwards);
                Ok(crate::make(thread, $type { state })?.into_value())
            }
        }

        #[pymethods]
        impl $type {
            #[slot]
            fn tp_iter(this: Ref<'_>) -> Value {
                this.to_owned()
            }

            #[slot]
            fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
                match this.state.next(this, thread, $backwards, $pick)? {
                    Some(picked) => $item(thread, picked).map(Some),
                    None => Ok(None),
                }
            }

            /// Private method returning an estimate of len(list(it)).
            #[name = "__length_hint__"]
            fn length_hint(thread: &mut Thread, this: &Obj<Self>) -> usize {
                this.state.length_hint(thread)
            }

            /// Return state information for pickling.
            #[name = "__reduce__"]
            fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let rest = this.state.rest(thread, $backwards, |thread, entry| $item(thread, $pick(entry)))?;
                let rest = list::new(thread, rest)?;
                crate::types::iterators::reduced(thread, "iter", |_| Ok((vec![rest.into_value()], None)))
            }
        }
    )* };
}

iterators! {
    /// An iterator over a dict's keys.
    DictKeyIterator "dict_keyiterator" false key_of plain;
    /// An iterator over a dict's values.
    DictValueIterator "dict_valueiterator" false value_of plain;
    /// An iterator over a dict's items.
    DictItemIterator "dict_itemiterator" false item_of tuple::of;
    /// An iterator over a dict's keys, backwards.
    DictReverseKeyIterator "dict_reversekeyiterator" true key_of plain;
    /// An iterator over a dict's values, backwards.
    DictReverseValueIterator "dict_reversevalueiterator" true value_of plain;
    /// An iterator over a dict's items, backwards.
    DictReverseItemIterator "dict_reverseitemiterator" true item_of tuple::of;
}

impl DictItemIterator {
    /// The next key and value as registers' words, for loops that take them apart.
    #[inline]
    pub fn advance(this: &Obj<Self>, thread: &mut Thread) -> PyResult<Option<[Word; 2]>> {
        let words = |entry: EntryRef<'_>| [entry.key.register_word(), entry.value.register_word()];
        this.state.next(this, thread, false, words)
    }
}

#[pymethods(part = ITERATION)]
impl PyDict {
    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        DictKeyIterator::over(thread, this)
    }

    /// Return a reverse iterator over the dict keys.
    #[name = "__reversed__"]
    fn reversed(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        DictReverseKeyIterator::over(thread, this)
    }
}
