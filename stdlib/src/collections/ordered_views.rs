//! The views and the iterator of `OrderedDict`.

use super::ordered_dict::OrderedDict;
use orochi_core::sync::{AtomicUsize, Ordering};
use orochi_core::{AtomicField, Obj, Owner, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::runtime_error;
use orochi_objects::types::dict::{Entry, PyDict};
use orochi_objects::types::dict_::{DictItems, DictKeys, DictValues};
use orochi_objects::types::{iterators, list, repr_guard, tuple};
use orochi_objects::{PyResult, protocol, str};

/// Bit of an iterator's kind: it gives keys.
const KEYS: u8 = 1;
/// Bit of an iterator's kind: it gives values; with KEYS, pairs.
const VALUES: u8 = 2;

/// An iterator over an ordered dict.
#[pyclass(name = "odict_iterator", no_new)]
#[derive(Trace)]
pub(crate) struct OrderedIterator {
    /// Nothing once the iterator is exhausted.
    dict: AtomicField,
    kind: u8,
    backwards: bool,
    /// The version of the keys at the start: an insertion or deletion ends the iteration.
    version: u32,
    /// Forwards: the entry to look at next. Backwards: the one above it.
    position: AtomicUsize,
    remaining: AtomicUsize,
}

impl OrderedIterator {
    /// An iterator over the keys.
    pub(super) fn keys(thread: &mut Thread, dict: &Obj<OrderedDict>, backwards: bool) -> PyResult {
        OrderedIterator::over(thread, OrderedDict::dict(dict)?, KEYS, backwards)
    }

    fn over(thread: &mut Thread, dict: &Obj<PyDict>, kind: u8, backwards: bool) -> PyResult {
        let storage = dict.storage();
        let iterator = OrderedIterator {
            dict: AtomicField::new_local(dict.to_value()),
            kind,
            backwards,
            version: storage.keys_version(Owner::from(dict), thread),
            position: AtomicUsize::new(if backwards { storage.entry_count(thread) } else { 0 }),
            remaining: AtomicUsize::new(storage.len(thread)),
        };
        Ok(orochi_objects::make(thread, iterator)?.into_value())
    }

    /// The entry at a position, and the position after it.
    fn step(&self, thread: &Thread, dict: &Obj<PyDict>, position: usize) -> Option<(usize, Entry)> {
        let (at, entry) = if self.backwards {
            dict.storage().previous_entry(thread, position)?
        } else {
            dict.storage().next_entry(thread, position)?
        };
        let next = if self.backwards { at } else { at + 1 };
        Some((next, Entry { hash: entry.hash, key: entry.key.to_owned(), value: entry.value.to_owned() }))
    }

    fn part(&self, thread: &Thread, entry: Entry) -> PyResult {
        match self.kind {
            KEYS => Ok(entry.key),
            VALUES => Ok(entry.value),
            _ => Ok(tuple::new(thread, vec![entry.key, entry.value])?.into_value()),
        }
    }
}

#[pymethods]
impl OrderedIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(dict) = this.dict.load(thread).and_then(Ref::downcast::<PyDict>) else { return Ok(None) };
        if !dict.storage().has_version(this.version) {
            this.dict.swap(this, thread, None);
            return Err(runtime_error("OrderedDict mutated during iteration"));
        }
        match this.step(thread, dict, this.position.load(Ordering::Relaxed)) {
            Some((next, entry)) => {
                this.position.store(next, Ordering::Relaxed);
                let remaining = this.remaining.load(Ordering::Relaxed);
                this.remaining.store(remaining.saturating_sub(1), Ordering::Relaxed);
                this.part(thread, entry).map(Some)
            }
            None => {
                this.dict.swap(this, thread, None);
                Ok(None)
            }
        }
    }

    #[name = "__length_hint__"]
    fn length_hint(thread: &mut Thread, this: &Obj<Self>) -> usize {
        if this.dict.load(thread).is_some() { this.remaining.load(Ordering::Relaxed) } else { 0 }
    }

    /// Return state information for pickling
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut rest = Vec::new();
        if let Some(dict) = this.dict.load(thread).and_then(Ref::downcast::<PyDict>) {
            let mut position = this.position.load(Ordering::Relaxed);
            while let Some((next, entry)) = this.step(thread, dict, position) {
                position = next;
                rest.push(this.part(thread, entry)?);
            }
        }
        let rest = list::new(thread, rest)?.into_value();
        iterators::reduced(thread, "iter", |_| Ok((vec![rest], None)))
    }
}

macro_rules! views {
    ($($(#[$doc:meta])* $type:ident $name:literal $base:ident $kind:expr;)*) => { $(
        $(#[$doc])*
        #[pyclass(name = $name, base = $base, no_new)]
        #[derive(Trace)]
        pub(crate) struct $type {
            view: $base,
        }

        impl $type {
            /// A view of the ordered dict.
            pub(super) fn of(thread: &Thread, dict: &Obj<OrderedDict>) -> PyResult {
                let view = $base::payload(OrderedDict::dict(dict)?);
                Ok(orochi_objects::make(thread, $type { view })?.into_value())
            }
        }

        #[pymethods]
        impl $type {
            #[slot]
            fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                OrderedIterator::over(thread, this.view.dict()?, $kind, false)
            }

            #[name = "__reversed__"]
            fn reversed(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                OrderedIterator::over(thread, this.view.dict()?, $kind, true)
            }

            #[slot]
            fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let shown = repr_guard::enter(thread, this.get(), |thread| {
                    let items = protocol::collect(thread, this.get())?;
                    let items = list::new(thread, items)?;
                    let shown = protocol::repr(thread, items.get())?;
                    str::new(thread, &format!("{}({})", $name, str::display(shown.get())))
                })?;
                shown.map_or_else(|| str::new(thread, "..."), Ok)
            }
        }
    )* };
}

views! {
    /// The keys of an ordered dict.
    OrderedKeys "odict_keys" DictKeys KEYS;
    /// The values of an ordered dict.
    OrderedValues "odict_values" DictValues VALUES;
    /// The items of an ordered dict.
    OrderedItems "odict_items" DictItems KEYS | VALUES;
}
