//! The methods that `set` and `frozenset` have in common.

use super::iteration::SetIterator;
use crate::args::{ArgSlice, Args};
use crate::class::{PyClass, is_exact};
use crate::error::{PyResult, type_error};
use crate::protocol;
use crate::storage::set::SetStorage;
use crate::types::key::Key;
use crate::types::set::{self, AnySet, PyFrozenSet, PySet};
use crate::types::r#type::PyType;
use crate::types::{list, repr_guard, tuple};
use orochi_core::{Obj, Ref, Thread};
use orochi_macros::pymethods;
use orochi_text::wtf8::Wtf8Buf;

macro_rules! common_methods {
    ($type:ident, $part:ident { $($more:tt)* }) => {
        #[pymethods(part = $part)]
        impl $type {
            $($more)*

            /// Return a shallow copy of a set.
            fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                copy(thread, this.into())
            }

            /// Return the union of sets as a new set.
            #[signature(*others)]
            fn union(thread: &mut Thread, this: &Obj<Self>, others: ArgSlice<'_>) -> PyResult {
                union(thread, this.into(), others)
            }

            /// Return the intersection of two sets as a new set.
            #[signature(*others)]
            fn intersection(thread: &mut Thread, this: &Obj<Self>, others: ArgSlice<'_>) -> PyResult {
                let storage = intersection_of(thread, this.into(), others)?;
                AnySet::from(this).like(thread, storage)
            }

            /// Return the difference of two or more sets as new sets.
            #[signature(*others)]
            fn difference(thread: &mut Thread, this: &Obj<Self>, others: ArgSlice<'_>) -> PyResult {
                difference(thread, this.into(), others)
            }

            /// Return the symmetric difference of two sets as a new set.
            fn symmetric_difference(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult {
                symmetric_difference(thread, this.into(), other)
            }

            /// Return True if two sets have a null intersection.
            fn isdisjoint(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult<bool> {
                is_disjoint(thread, this.into(), other)
            }

            /// Report whether another set contains this set.
            fn issubset(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult<bool> {
                is_subset(thread, this.into(), other)
            }

            /// Report whether this set contains another set.
            fn issuperset(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult<bool> {
                is_superset(thread, this.into(), other)
            }

            /// Return state information for pickling.
            #[name = "__reduce__"]
            fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                reduce(thread, this.into())
            }

            /// S.__sizeof__() -> size of S in memory, in bytes.
            #[name = "__sizeof__"]
            fn sizeof(thread: &mut Thread, this: &Obj<Self>) -> usize {
                let slots = AnySet::from(this).storage.slot_count(thread);
                16 + std::mem::size_of::<$type>() + slots * SetStorage::SLOT_SIZE
            }

            #[slot]
            fn sq_length(thread: &mut Thread, this: &Obj<Self>) -> usize {
                AnySet::from(this).len(thread)
            }

            #[slot]
            fn sq_contains(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<bool> {
                contains(thread, this.into(), value)
            }

            #[slot]
            fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                SetIterator::over(thread, this.into())
            }

            #[slot]
            fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                repr(thread, this.into())
            }
        }
    };
}

common_methods!(PySet, MUTABLE {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        Ok(set::mutable(thread, cls, SetStorage::new())?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        // Unlike other types' it takes no keywords for a subclass's `__new__`.
        args.no_keywords("set")?;
        if args.len() > 1 {
            return Err(type_error(format!("set expected at most 1 argument, got {}", args.len())));
        }
        let iterable = args.get(0);
        let set = AnySet::from(this);
        match iterable {
            Some(iterable) if AnySet::of(iterable).is_some() && !set.object.is(iterable) => {
                let storage = set::storage_of(thread, iterable)?;
                set.take_from(thread, storage);
                Ok(())
            }
            _ => {
                if !set.is_empty(thread) {
                    set.clear(thread);
                }
                iterable.map_or(Ok(()), |iterable| set::update(thread, this, iterable))
            }
        }
    }
});

common_methods!(PyFrozenSet, FROZEN {
    #[new]
    #[signature(iterable=<missing> as "()", /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, iterable: Option<Ref<'_>>) -> PyResult {
        let storage = match iterable {
            Some(iterable) => {
                let own = PyFrozenSet::static_type();
                if std::ptr::eq(cls, own.get()) && is_exact(iterable, own) {
                    return Ok(iterable.to_owned());
                }
                set::storage_of(thread, iterable)?
            }
            None => SetStorage::new(),
        };
        Ok(set::frozen(thread, cls, storage)?.into_value())
    }
});

/// The key for a search; a set stands for the frozenset of its items.
pub(super) fn with_key<T>(
    thread: &mut Thread,
    value: Ref<'_>,
    then: impl FnOnce(&mut Thread, &Key<'_>) -> PyResult<T>,
) -> PyResult<T> {
    match Key::for_set(thread, value) {
        Ok(key) => then(thread, &key),
        Err(error) => {
            if !error.matches(&crate::types::exception::TypeError) {
                return Err(error);
            }
            let Some(items) = value.downcast::<PySet>() else { return Err(error) };
            let frozen = set::frozen_from_iterable(thread, items.get())?;
            let key = Key::for_set(thread, frozen.get())?;
            then(thread, &key)
        }
    }
}

fn contains(thread: &mut Thread, set: AnySet<'_>, value: Ref<'_>) -> PyResult<bool> {
    with_key(thread, value, |thread, key| set.contains(thread, key))
}

fn copy(thread: &mut Thread, set: AnySet<'_>) -> PyResult {
    if is_exact(set.object, PyFrozenSet::static_type()) {
        return Ok(set.object.to_owned());
    }
    let storage = set.duplicate(thread)?;
    set.like(thread, storage)
}

pub(super) fn union(thread: &mut Thread, set: AnySet<'_>, others: ArgSlice<'_>) -> PyResult {
    let storage = set.duplicate(thread)?;
    let made = set.like(thread, storage)?;
    if let Some(result) = AnySet::of(made.get()) {
        for other in others.iter() {
            set::update_any(thread, result, other)?;
        }
    }
    Ok(made)
}

pub(super) fn intersection_of(
    thread: &mut Thread,
    set: AnySet<'_>,
    others: ArgSlice<'_>,
) -> PyResult<SetStorage> {
    let mut others = others.iter();
    let Some(first) = others.next() else { return set.duplicate(thread) };
    let mut storage = set::intersection_storage(thread, set, first)?;
    for other in others {
        let made = set::mutable(thread, PySet::static_type().get(), storage)?;
        storage = set::intersection_storage(thread, AnySet::from(&*made), other)?;
    }
    Ok(storage)
}

fn difference(thread: &mut Thread, set: AnySet<'_>, others: ArgSlice<'_>) -> PyResult {
    let mut others = others.iter();
    let Some(first) = others.next() else { return copy(thread, set) };
    let mut storage = set::difference_storage(thread, set, first)?;
    for other in others {
        let made = set::mutable(thread, PySet::static_type().get(), storage)?;
        set::difference_update(thread, &made, other)?;
        storage = AnySet::from(&*made).storage.take_local();
    }
    set.like(thread, storage)
}

pub(super) fn symmetric_difference(thread: &mut Thread, set: AnySet<'_>, other: Ref<'_>) -> PyResult {
    let made = set::from_iterable(thread, other)?;
    set::symmetric_difference_update(thread, &made, set.object)?;
    set.like(thread, AnySet::from(&*made).storage.take_local())
}

fn is_disjoint(thread: &mut Thread, set: AnySet<'_>, other: Ref<'_>) -> PyResult<bool> {
    if set.object.is(other) {
        return Ok(set.is_empty(thread));
    }
    let (set, walked) = match AnySet::of(other) {
        Some(other) if other.len(thread) > set.len(thread) => (other, set.object),
        _ => (set, other),
    };
    let mut disjoint = true;
    set::for_each_key(thread, walked, |thread, key| {
        disjoint = !set.contains(thread, key)?;
        Ok(disjoint)
    })?;
    Ok(disjoint)
}

fn is_subset(thread: &mut Thread, set: AnySet<'_>, other: Ref<'_>) -> PyResult<bool> {
    if let Some(other) = AnySet::of(other) {
        return set::is_subset(thread, set, other);
    }
    let storage = set::intersection_storage(thread, set, other)?;
    Ok(storage.len(thread) == set.len(thread))
}

fn is_superset(thread: &mut Thread, set: AnySet<'_>, other: Ref<'_>) -> PyResult<bool> {
    if let Some(other) = AnySet::of(other) {
        return set::is_subset(thread, other, set);
    }
    let mut all = true;
    set::for_each_key(thread, other, |thread, key| {
        all = set.contains(thread, key)?;
        Ok(all)
    })?;
    Ok(all)
}

fn reduce(thread: &mut Thread, set: AnySet<'_>) -> PyResult {
    let keys = set.keys(thread)?.into_iter().map(|(_, key)| key).collect();
    let keys = list::new(thread, keys)?.into_value();
    let args = tuple::new(thread, vec![keys])?.into_value();
    let state = protocol::call_method(thread, set.object, "__getstate__", &[])?;
    let class = crate::class_of(set.object).to_value();
    Ok(tuple::new(thread, vec![class, args, state])?.into_value())
}

fn repr(thread: &mut Thread, set: AnySet<'_>) -> PyResult {
    let class = crate::class_of(set.object);
    let name = class.name().into_owned();
    let shown = repr_guard::enter(thread, set.object, |thread| {
        // Of one moment: another thread may clear the set meanwhile.
        let keys = set.keys(thread)?;
        if keys.is_empty() {
            return crate::str::new(thread, &format!("{name}()"));
        }
        let plain = is_exact(set.object, PySet::static_type());
        let mut text = Wtf8Buf::new();
        if !plain {
            text.push_str(&name);
            text.push_str("(");
        }
        text.push_str("{");
        for (index, (_, key)) in keys.into_iter().enumerate() {
            if index > 0 {
                text.push_str(", ");
            }
            repr_guard::push_repr(thread, &mut text, key.get())?;
        }
        text.push_str(if plain { "}" } else { "})" });
        repr_guard::finish(thread, &text)
    })?;
    shown.map_or_else(|| crate::str::new(thread, &format!("{name}(...)")), Ok)
}

/// The hash of a frozenset, from those of its keys.
pub(super) fn hash(thread: &Thread, set: &Obj<PyFrozenSet>) -> i64 {
    use orochi_core::sync::Ordering;
    // Relaxed: every thread computes the same number.
    match set.hash.load(Ordering::Relaxed) {
        0 => {
            let mut hasher = orochi_text::hash::SetHasher::new();
            let (keys, mut from) = (AnySet::from(set), 0);
            while let Some((next, hash, _)) = keys.next_key(thread, from) {
                hasher.add(hash);
                from = next;
            }
            let hash = hasher.finish();
            set.hash.store(hash.cast_unsigned(), Ordering::Relaxed);
            hash
        }
        hash => hash.cast_signed(),
    }
}
