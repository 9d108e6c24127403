//! The methods that only `set` has.

use super::methods::{intersection_of, with_key};
use crate::args::ArgSlice;
use crate::error::{PyResult, key_error, key_error_message};
use crate::quick::{Quick, Registers};
use crate::types::key::Key;
use crate::types::set::{self, AnySet, PySet};
use orochi_core::{Obj, Ref, Thread};
use orochi_macros::pymethods;

/// `set.add` to a set that nobody else looks at, of a key for which no Python code is needed.
fn quick_add(thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([set, item]) = args.exactly() else { return Quick::OTHER };
    // SAFETY: methods get an instance of exactly their class.
    let set = unsafe { set.cast::<PySet>() };
    if set::add_plain(thread, set, item) { Quick::NONE } else { Quick::OTHER }
}

/// `set.discard` of a key for which no Python code is needed.
fn quick_discard(thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([set, item]) = args.exactly() else { return Quick::OTHER };
    // SAFETY: as in `quick_add`.
    let set = AnySet::from(unsafe { set.cast::<PySet>() });
    let Some(key) = Key::without_python(item) else { return Quick::OTHER };
    match set.discard_plain(thread, &key) {
        Some(_) => Quick::NONE,
        None => Quick::OTHER,
    }
}

#[pymethods(part = MUTATION)]
impl PySet {
    /// Add an element to a set.
    ///
    /// This has no effect if the element is already present.
    #[quick(quick_add)]
    fn add(thread: &mut Thread, this: &Obj<Self>, object: Ref<'_>) -> PyResult<()> {
        set::add(thread, this, object)?;
        Ok(())
    }

    /// Remove an element from a set; it must be a member.
    ///
    /// If the element is not a member, raise a KeyError.
    fn remove(thread: &mut Thread, this: &Obj<Self>, object: Ref<'_>) -> PyResult<()> {
        if with_key(thread, object, |thread, key| AnySet::from(this).discard(thread, key))? {
            return Ok(());
        }
        Err(key_error(object.to_owned()))
    }

    /// Remove an element from a set if it is a member.
    ///
    /// Unlike set.remove(), the discard() method does not raise
    /// an exception when an element is missing from the set.
    #[quick(quick_discard)]
    fn discard(thread: &mut Thread, this: &Obj<Self>, object: Ref<'_>) -> PyResult<()> {
        with_key(thread, object, |thread, key| AnySet::from(this).discard(thread, key))?;
        Ok(())
    }

    /// Remove and return an arbitrary set element.
    ///
    /// Raises KeyError if the set is empty.
    fn pop(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        AnySet::from(this).pop(thread).ok_or_else(|| key_error_message("pop from an empty set"))
    }

    /// Remove all elements from this set.
    fn clear(thread: &mut Thread, this: &Obj<Self>) {
        AnySet::from(this).clear(thread);
    }

    /// Update the set, adding elements from all others.
    #[signature(*others)]
    fn update(thread: &mut Thread, this: &Obj<Self>, others: ArgSlice<'_>) -> PyResult<()> {
        others.iter().try_for_each(|other| set::update(thread, this, other))
    }

    /// Update the set, keeping only elements found in it and all others.
    #[signature(*others)]
    fn intersection_update(thread: &mut Thread, this: &Obj<Self>, others: ArgSlice<'_>) -> PyResult<()> {
        let storage = intersection_of(thread, this.into(), others)?;
        AnySet::from(this).take_from(thread, storage);
        Ok(())
    }

    /// Update the set, removing elements found in others.
    #[signature(*others)]
    fn difference_update(thread: &mut Thread, this: &Obj<Self>, others: ArgSlice<'_>) -> PyResult<()> {
        others.iter().try_for_each(|other| set::difference_update(thread, this, other))
    }

    /// Update the set, keeping only elements found in either set, but not in both.
    fn symmetric_difference_update(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult<()> {
        set::symmetric_difference_update(thread, this, other)
    }
}
