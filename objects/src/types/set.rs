//! `set` and `frozenset`: the objects, and the operations on them that other native code uses.
//!
//! The memory is in `storage/set.rs`. As with dicts, keys that only Python can compare are compared outside every lock.
//! Methods are in `set_/`.

use crate::class::PyClass;
use crate::error::{PyResult, memory_error};
use crate::protocol;
use crate::protocol::compare::{CompareOp, compare_bool};
use crate::storage::set::{Lookup, Rejected, SetStorage};
use crate::types::dict::{self, PyDict, Walk};
use crate::types::generator::is_plain_generator;
use crate::types::key::Key;
use crate::types::set_::{FROZEN, FROZEN_OPERATORS, MUTABLE, MUTABLE_OPERATORS, MUTATION};
use crate::types::r#type::PyType;
use orochi_core::sync::AtomicU64;
use orochi_core::{Obj, Owned, Owner, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// set(iterable=(), /)
/// --
///
/// Build an unordered collection of unique elements.
#[pyclass(name = "set", subclassable, weakref, flags(MATCH_SELF), generic)]
#[derive(Trace)]
pub struct PySet {
    storage: SetStorage,
}

/// Build an immutable unordered collection of unique elements.
#[pyclass(name = "frozenset", subclassable, weakref, flags(MATCH_SELF), generic)]
#[derive(Trace)]
pub struct PyFrozenSet {
    storage: SetStorage,
    /// The hash once it has been computed, else 0.
    pub(crate) hash: AtomicU64,
}

#[pymethods(parts(MUTABLE, MUTABLE_OPERATORS, MUTATION))]
impl PySet {}

#[pymethods(parts(FROZEN, FROZEN_OPERATORS))]
impl PyFrozenSet {}

/// A set of either kind.
#[derive(Clone, Copy)]
pub struct AnySet<'a> {
    /// The object.
    pub object: Ref<'a>,
    /// Its memory.
    pub storage: &'a SetStorage,
    owner: Owner<'a>,
}

impl<'a> From<&'a Obj<PySet>> for AnySet<'a> {
    fn from(set: &'a Obj<PySet>) -> AnySet<'a> {
        AnySet { object: set.get(), storage: &set.storage, owner: Owner::from(set) }
    }
}

impl<'a> From<&'a Obj<PyFrozenSet>> for AnySet<'a> {
    fn from(set: &'a Obj<PyFrozenSet>) -> AnySet<'a> {
        AnySet { object: set.get(), storage: &set.storage, owner: Owner::from(set) }
    }
}

impl<'a> AnySet<'a> {
    /// The set, if the object is one (of a subclass too).
    pub fn of(object: Ref<'a>) -> Option<AnySet<'a>> {
        match object.downcast::<PySet>() {
            Some(set) => Some(set.into()),
            None => object.downcast::<PyFrozenSet>().map(AnySet::from),
        }
    }

    /// Whether it is a frozenset.
    pub fn is_frozen(&self) -> bool {
        self.object.downcast::<PyFrozenSet>().is_some()
    }

    /// The number of keys.
    pub fn len(&self, thread: &Thread) -> usize {
        self.storage.settled_len(self.owner, thread)
    }

    /// The same without waiting for who adds or removes a key at this moment: for iterators, which look whether it is another one.
    pub(crate) fn momentary_len(&self, thread: &Thread) -> usize {
        self.storage.len(thread)
    }

    /// Whether there are none.
    pub fn is_empty(&self, thread: &Thread) -> bool {
        self.len(thread) == 0
    }

    /// Searches a key. Never returns `Lookup::Ask`.
    fn find(&self, thread: &mut Thread, key: &Key<'_>) -> PyResult<Lookup> {
        let mut lookup = self.storage.find(thread, key.hash, key.word(), key);
        while let Lookup::Ask { candidate, cursor } = lookup {
            let equal = compare_bool(thread, candidate.get(), key.object, CompareOp::Eq)?;
            lookup = self.storage.resume(thread, cursor, equal, key.hash, key.word(), key);
        }
        Ok(lookup)
    }

    /// Whether the key is in the set.
    #[inline]
    pub fn contains(&self, thread: &mut Thread, key: &Key<'_>) -> PyResult<bool> {
        if let Some(found) = self.storage.contains_plain(thread, key.hash, key.word(), key) {
            return Ok(found);
        }
        Ok(matches!(self.find(thread, key)?, Lookup::Found(_)))
    }

    /// Adds a key; whether it is new.
    #[inline]
    pub fn add(&self, thread: &mut Thread, key: &Key<'_>) -> PyResult<bool> {
        if let Some(new) = self.storage.add_plain(self.owner, thread, key.hash, key.object, key) {
            return Ok(new);
        }
        self.add_slow(thread, key)
    }

    #[inline(never)]
    fn add_slow(&self, thread: &mut Thread, key: &Key<'_>) -> PyResult<bool> {
        loop {
            let Lookup::Missing(missing) = self.find(thread, key)? else { return Ok(false) };
            match self.storage.insert(self.owner, thread, missing, key.hash, key.object.to_owned()) {
                Ok(()) => return Ok(true),
                Err(Rejected::Retry(_)) => {}
                Err(Rejected::NoMemory(_)) => return Err(memory_error()),
            }
        }
    }

    /// Takes a key out; whether it was there.
    pub fn discard(&self, thread: &mut Thread, key: &Key<'_>) -> PyResult<bool> {
        loop {
            let Lookup::Found(found) = self.find(thread, key)? else { return Ok(false) };
            if self.storage.remove(self.owner, thread, found).is_some() {
                return Ok(true);
            }
        }
    }

    /// The same; `None` if Python code has to compare: nothing has been done then.
    pub fn discard_plain(&self, thread: &mut Thread, key: &Key<'_>) -> Option<bool> {
        match self.storage.find(thread, key.hash, key.word(), key) {
            Lookup::Missing(_) => Some(false),
            Lookup::Found(found) => self.storage.remove(self.owner, thread, found).map(|_| true),
            Lookup::Ask { .. } => None,
        }
    }

    /// The first key from slot `from` on: the slot behind it, its hash and an owned copy.
    pub fn next_key(&self, thread: &Thread, from: usize) -> Option<(usize, i64, Value)> {
        self.storage.next_key(thread, from).map(|(slot, hash, key)| (slot + 1, hash, key.to_owned()))
    }

    /// Owned copies of the keys with their hashes, of one moment.
    pub fn keys(&self, thread: &Thread) -> PyResult<Vec<(i64, Value)>> {
        let copy;
        let mut storage = self.storage;
        if self.owner.is_shared() && !self.is_frozen() {
            copy = self.duplicate(thread)?;
            storage = &copy;
        }
        let mut keys = Vec::new();
        keys.try_reserve(storage.len(thread)).map_err(|_| memory_error())?;
        let mut from = 0;
        while let Some((slot, hash, key)) = storage.next_key(thread, from) {
            keys.push((hash, key.to_owned()));
            from = slot + 1;
        }
        Ok(keys)
    }

    /// A copy of the memory, for a new set.
    pub fn duplicate(&self, thread: &Thread) -> PyResult<SetStorage> {
        Ok(self.storage.duplicate(self.owner, thread)?)
    }

    /// Removes everything.
    pub fn clear(&self, thread: &mut Thread) {
        self.storage.clear(self.owner, thread);
    }

    /// Takes some key out.
    pub fn pop(&self, thread: &mut Thread) -> Option<Value> {
        self.storage.pop(self.owner, thread)
    }

    /// Replaces the keys by those of a set that is no longer needed.
    pub fn take_from(&self, thread: &mut Thread, other: SetStorage) {
        self.storage.exchange(self.owner, thread, other);
    }

    /// A new set of the same kind (an exact one) with this memory.
    pub fn like(&self, thread: &Thread, storage: SetStorage) -> PyResult<Value> {
        if self.is_frozen() {
            let made = frozen(thread, PyFrozenSet::static_type().get(), storage)?;
            return Ok(made.into_value());
        }
        Ok(mutable(thread, PySet::static_type().get(), storage)?.into_value())
    }
}

/// A new instance of `set` or a subclass.
pub fn mutable(thread: &Thread, class: &Obj<PyType>, storage: SetStorage) -> PyResult<Owned<PySet>> {
    crate::alloc(thread, class, PySet { storage })
}

/// A new instance of `frozenset` or a subclass.
pub fn frozen(thread: &Thread, class: &Obj<PyType>, storage: SetStorage) -> PyResult<Owned<PyFrozenSet>> {
    crate::alloc(thread, class, PyFrozenSet { storage, hash: AtomicU64::new(0) })
}

/// A new empty set.
pub fn new(thread: &Thread) -> PyResult<Owned<PySet>> {
    mutable(thread, PySet::static_type().get(), SetStorage::new())
}

/// A new set of an iterable's items.
pub fn from_iterable(thread: &mut Thread, iterable: Ref<'_>) -> PyResult<Owned<PySet>> {
    let storage = storage_of(thread, iterable)?;
    mutable(thread, PySet::static_type().get(), storage)
}

/// A new frozenset of an iterable's items.
pub fn frozen_from_iterable(thread: &mut Thread, iterable: Ref<'_>) -> PyResult<Owned<PyFrozenSet>> {
    let storage = storage_of(thread, iterable)?;
    frozen(thread, PyFrozenSet::static_type().get(), storage)
}

/// A new frozenset of these values, which are hashable.
pub fn frozen_from_values(thread: &mut Thread, values: &[Ref<'_>]) -> PyResult<Owned<PyFrozenSet>> {
    let made = frozen(thread, PyFrozenSet::static_type().get(), SetStorage::new())?;
    for &value in values {
        let key = Key::for_set(thread, value)?;
        AnySet::from(&*made).add(thread, &key)?;
    }
    Ok(made)
}

/// The memory of a new set of an iterable's items.
pub fn storage_of(thread: &mut Thread, iterable: Ref<'_>) -> PyResult<SetStorage> {
    if let Some(set) = AnySet::of(iterable) {
        return set.duplicate(thread);
    }
    let made = new(thread)?;
    update(thread, &made, iterable)?;
    let copy = AnySet::from(&*made).storage.take_local();
    Ok(copy)
}

/// Whether a key is in a set; `None` if Python code has to compare.
#[inline]
pub fn contains_plain(thread: &Thread, set: AnySet<'_>, key: &Key<'_>) -> Option<bool> {
    set.storage.contains_plain(thread, key.hash, key.word(), key)
}

/// Adds a value to a local set; false if more is to be done: the table grows, or Python code hashes or compares.
#[inline]
pub fn add_plain(thread: &Thread, set: &Obj<PySet>, value: Ref<'_>) -> bool {
    let added = Key::without_python(value).and_then(|key| {
        let owner = Owner::from(set);
        set.storage.add_plain(owner, thread, key.hash, value, &key)
    });
    added.is_some()
}

/// Adds a value. TypeError if it is unhashable.
pub fn add(thread: &mut Thread, set: &Obj<PySet>, value: Ref<'_>) -> PyResult<bool> {
    let key = Key::for_set(thread, value)?;
    AnySet::from(set).add(thread, &key)
}

/// Calls `each` with the items of an iterable as keys; those of sets and dicts aren't hashed again.
pub fn for_each_key(
    thread: &mut Thread,
    iterable: Ref<'_>,
    mut each: impl FnMut(&mut Thread, &Key<'_>) -> PyResult<bool>,
) -> PyResult<()> {
    if let Some(set) = AnySet::of(iterable) {
        if set.owner.is_shared() {
            // Other threads may change it meanwhile: the keys of one moment.
            for (hash, key) in set.keys(thread)? {
                if !each(thread, &Key::with_hash(key.get(), hash))? {
                    break;
                }
            }
            return Ok(());
        }
        let mut from = 0;
        while let Some((next, hash, key)) = set.next_key(thread, from) {
            from = next;
            if !each(thread, &Key::with_hash(key.get(), hash))? {
                break;
            }
        }
        return Ok(());
    }
    if crate::class::is_exact(iterable, PyDict::static_type())
        && let Some(dict) = iterable.downcast::<PyDict>()
    {
        let mut walk = Walk::begin(thread, dict)?;
        while let Some(entry) = walk.next(thread, dict) {
            if !each(thread, &Key::with_hash(entry.key.get(), entry.hash))? {
                break;
            }
            if walk.is_disturbed(thread, dict) {
                return Err(crate::error::runtime_error("dictionary changed size during iteration"));
            }
        }
        return Ok(());
    }
    protocol::iterate_while(thread, iterable, |thread, item| {
        let key = Key::for_set(thread, item.get())?;
        each(thread, &key)
    })
}

/// `set.update(iterable)`.
pub fn update(thread: &mut Thread, set: &Obj<PySet>, iterable: Ref<'_>) -> PyResult<()> {
    update_any(thread, set.into(), iterable)
}

pub(crate) fn update_any(thread: &mut Thread, set: AnySet<'_>, iterable: Ref<'_>) -> PyResult<()> {
    if set.object.is(iterable) {
        return Ok(());
    }
    // An empty set that nobody else sees takes a copy of the other's memory.
    if let Some(other) = AnySet::of(iterable)
        && !set.owner.is_shared()
        && set.is_empty(thread)
    {
        let storage = other.duplicate(thread)?;
        set.take_from(thread, storage);
        return Ok(());
    }
    if !is_plain_generator(iterable) {
        return for_each_key(thread, iterable, |thread, key| set.add(thread, key).map(|_| true));
    }
    let take = |_: &mut (), thread: &mut Thread, item: Value| {
        let added = Key::without_python(item.get())
            .and_then(|key| set.storage.add_plain(set.owner, thread, key.hash, key.object, &key));
        added.is_none().then_some(item)
    };
    let add = |_: &mut (), thread: &mut Thread, item: Value| {
        let key = Key::for_set(thread, item.get())?;
        set.add(thread, &key).map(|_| true)
    };
    protocol::iterate_taking(thread, iterable, &mut (), take, add)
}

/// `set - iterable`, in place.
pub fn difference_update(thread: &mut Thread, set: &Obj<PySet>, iterable: Ref<'_>) -> PyResult<()> {
    let set = AnySet::from(set);
    if set.object.is(iterable) {
        set.clear(thread);
        return Ok(());
    }
    for_each_key(thread, iterable, |thread, key| set.discard(thread, key).map(|_| true))
}

/// `set ^ iterable`, in place.
pub fn symmetric_difference_update(thread: &mut Thread, set: &Obj<PySet>, iterable: Ref<'_>) -> PyResult<()> {
    let set = AnySet::from(set);
    if set.object.is(iterable) {
        set.clear(thread);
        return Ok(());
    }
    // Each key once: an iterable may give it twice.
    let other = from_iterable(thread, iterable)?;
    for_each_key(thread, other.get(), |thread, key| {
        if !set.discard(thread, key)? {
            set.add(thread, key)?;
        }
        Ok(true)
    })
}

/// `set & iterable` as a new set.
pub fn intersection(thread: &mut Thread, set: &Obj<PySet>, iterable: Ref<'_>) -> PyResult {
    let storage = intersection_storage(thread, set.into(), iterable)?;
    Ok(mutable(thread, PySet::static_type().get(), storage)?.into_value())
}

pub(crate) fn intersection_storage(
    thread: &mut Thread,
    set: AnySet<'_>,
    iterable: Ref<'_>,
) -> PyResult<SetStorage> {
    if set.object.is(iterable) {
        return set.duplicate(thread);
    }
    let made = new(thread)?;
    let result = AnySet::from(&*made);
    // The smaller of two sets is walked over.
    let (set, walked) = match AnySet::of(iterable) {
        Some(other) if other.len(thread) > set.len(thread) => (other, set.object),
        _ => (set, iterable),
    };
    for_each_key(thread, walked, |thread, key| {
        if set.contains(thread, key)? {
            result.add(thread, key)?;
        }
        Ok(true)
    })?;
    Ok(result.storage.take_local())
}

pub(crate) fn difference_storage(
    thread: &mut Thread,
    set: AnySet<'_>,
    iterable: Ref<'_>,
) -> PyResult<SetStorage> {
    let other = AnySet::of(iterable);
    let size = match (other, iterable.downcast::<PyDict>()) {
        (Some(other), _) => Some(other.len(thread)),
        (None, Some(dict)) if crate::class::is_exact(iterable, PyDict::static_type()) => {
            Some(dict::len(thread, dict))
        }
        _ => None,
    };
    // A much larger set is copied, and loses what the iterable gives; otherwise its keys are looked up there.
    if size.is_none_or(|size| set.len(thread) >> 2 > size) {
        let copy = mutable(thread, PySet::static_type().get(), set.duplicate(thread)?)?;
        difference_update(thread, &copy, iterable)?;
        return Ok(AnySet::from(&*copy).storage.take_local());
    }
    let made = new(thread)?;
    let result = AnySet::from(&*made);
    for_each_key(thread, set.object, |thread, key| {
        let there = match (other, iterable.downcast::<PyDict>()) {
            (Some(other), _) => other.contains(thread, key)?,
            (None, Some(dict)) => dict::contains(thread, dict, key)?,
            (None, None) => false,
        };
        if !there {
            result.add(thread, key)?;
        }
        Ok(true)
    })?;
    Ok(result.storage.take_local())
}

/// Whether every key of `set` is in `other`.
pub fn is_subset(thread: &mut Thread, set: AnySet<'_>, other: AnySet<'_>) -> PyResult<bool> {
    if set.len(thread) > other.len(thread) {
        return Ok(false);
    }
    let mut all = true;
    for_each_key(thread, set.object, |thread, key| {
        all = other.contains(thread, key)?;
        Ok(all)
    })?;
    Ok(all)
}
