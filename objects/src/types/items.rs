//! The items of built-in containers all at once, without an iterator: nothing that runs meanwhile can change them.

use crate::class::exactly;
use crate::error::PyResult;
use crate::storage::dict::EntryRef;
use crate::types::dict::PyDict;
use crate::types::dict_::{DictItems, DictKeys, DictValues};
use crate::types::list::{self, PyList};
use crate::types::set::{AnySet, PyFrozenSet, PySet};
use crate::types::tuple::{self, PyTuple};
use orochi_core::{Obj, Owner, Ref, Thread, Value};

/// Owned copies of the items of exactly a list, tuple, dict, view of a dict, set or frozenset; `None` for other objects.
pub fn of(thread: &Thread, object: Ref<'_>) -> Option<PyResult<Vec<Value>>> {
    if let Some(list) = exactly::<PyList>(object) {
        return Some(list::values(thread, list));
    }
    if let Some(tuple) = exactly::<PyTuple>(object) {
        return Some(Ok(tuple.items().map(Ref::to_owned).collect()));
    }
    if let Some(dict) = exactly::<PyDict>(object) {
        return Some(picked(thread, dict, |entry| entry.key.to_owned()));
    }
    if let Some(view) = exactly::<DictKeys>(object) {
        return Some(view.dict().and_then(|dict| picked(thread, dict, |entry| entry.key.to_owned())));
    }
    if let Some(view) = exactly::<DictValues>(object) {
        return Some(view.dict().and_then(|dict| picked(thread, dict, |entry| entry.value.to_owned())));
    }
    if let Some(view) = exactly::<DictItems>(object) {
        return Some(view.dict().and_then(|dict| pairs(thread, dict)));
    }
    let set = match exactly::<PySet>(object) {
        Some(set) => AnySet::from(set),
        None => AnySet::from(exactly::<PyFrozenSet>(object)?),
    };
    Some(set.keys(thread).map(|keys| keys.into_iter().map(|(_, key)| key).collect()))
}

fn picked<R>(thread: &Thread, dict: &Obj<PyDict>, pick: impl Fn(EntryRef<'_>) -> R) -> PyResult<Vec<R>> {
    let copy;
    let mut storage = dict.storage();
    if dict.header().is_shared() {
        // Other threads may change it meanwhile.
        copy = storage.duplicate(Owner::from(dict), thread)?;
        storage = &copy;
    }
    let mut picked = Vec::new();
    picked.try_reserve_exact(storage.len(thread)).map_err(|_| crate::error::memory_error())?;
    let mut from = 0;
    while let Some((at, entry)) = storage.next_entry(thread, from) {
        picked.push(pick(entry));
        from = at + 1;
    }
    Ok(picked)
}

fn pairs(thread: &Thread, dict: &Obj<PyDict>) -> PyResult<Vec<Value>> {
    let pairs = picked(thread, dict, |entry| [entry.key.to_owned(), entry.value.to_owned()])?;
    pairs.into_iter().map(|pair| tuple::of(thread, pair)).collect()
}
