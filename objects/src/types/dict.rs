//! `dict`: the object, and the operations on it that other native code uses.
//!
//! The memory is in `storage/dict.rs`. Here keys that only Python can compare are compared outside every lock, and
//! what was found is done again if the dict has changed meanwhile. Methods are in `dict_/`.

use crate::class::PyClass;
use crate::error::{PyResult, key_error, memory_error};
use crate::protocol::compare::{CompareOp, compare_bool};
use crate::storage::dict::{ChangeError, DictStorage, Found, Lookup};
use crate::storage::{KeyMatch, NoMemory};
use crate::types::dict_::{ITERATION, METHODS, VIEWS};
use crate::types::key::Key;
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use orochi_core::word::{UNBOUND, Word};
use orochi_core::{Obj, Owned, Owner, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_text::wtf8::Wtf8;
use std::sync::OnceLock;

/// dict() -> new empty dictionary
/// dict(mapping) -> new dictionary initialized from a mapping object's
///     (key, value) pairs
/// dict(iterable) -> new dictionary initialized as if via:
///     d = {}
///     for k, v in iterable:
///         d[k] = v
/// dict(**kwargs) -> new dictionary initialized with the name=value pairs
///     in the keyword argument list.  For example:  dict(one=1, two=2)
#[pyclass(name = "dict", subclassable, mapping, flags(DICT_SUBCLASS, MATCH_SELF), generic)]
#[derive(Trace)]
pub struct PyDict {
    storage: DictStorage,
}

#[pymethods(parts(METHODS, VIEWS, ITERATION))]
impl PyDict {}

impl PyDict {
    /// The payload of an empty dict, for classes that derive from `dict`.
    pub fn empty() -> PyDict {
        PyDict { storage: DictStorage::new() }
    }

    /// The memory.
    #[inline(always)]
    pub fn storage(&self) -> &DictStorage {
        &self.storage
    }
}

impl From<NoMemory> for crate::error::PyErr {
    fn from(_: NoMemory) -> crate::error::PyErr {
        memory_error()
    }
}

/// A new empty dict.
#[inline]
pub fn new(thread: &Thread) -> PyResult<Owned<PyDict>> {
    from_storage(thread, DictStorage::new())
}

/// A new empty dict with room for `entries` keys.
#[inline]
pub fn with_capacity(thread: &Thread, entries: usize) -> PyResult<Owned<PyDict>> {
    from_storage(thread, DictStorage::with_capacity(entries)?)
}

/// A new dict with this memory, which belongs to no other object.
#[inline]
pub fn from_storage(thread: &Thread, storage: DictStorage) -> PyResult<Owned<PyDict>> {
    subclass_object(thread, PyDict::static_type().get(), storage)
}

/// A new instance of `dict` or a subclass.
#[inline]
pub fn subclass_object(
    thread: &Thread,
    class: &Obj<PyType>,
    storage: DictStorage,
) -> PyResult<Owned<PyDict>> {
    crate::alloc(thread, class, PyDict { storage })
}

/// A shallow copy, an exact dict.
pub fn copy(thread: &Thread, dict: &Obj<PyDict>) -> PyResult<Owned<PyDict>> {
    let storage = dict.storage.duplicate(Owner::from(dict), thread)?;
    from_storage(thread, storage)
}

/// Searches a key, calling Python where keys have to be compared by it. Never returns `Lookup::Ask`.
#[inline]
pub fn find(thread: &mut Thread, dict: &Obj<PyDict>, key: &Key<'_>) -> PyResult<Lookup> {
    let mut lookup = dict.storage.find(thread, key.hash, key.word(), key);
    while let Lookup::Ask { candidate, cursor } = lookup {
        let equal = compare_bool(thread, candidate.get(), key.object, CompareOp::Eq)?;
        lookup = dict.storage.resume(thread, cursor, equal, key.hash, key.word(), key);
    }
    Ok(lookup)
}

/// The value under a key.
#[inline]
pub fn get(thread: &mut Thread, dict: &Obj<PyDict>, key: &Key<'_>) -> PyResult<Option<Value>> {
    if let Ok(value) = dict.storage.get(thread, key.hash, key.word(), key) {
        return Ok(value.map(Ref::to_owned));
    }
    loop {
        let Lookup::Found(found) = find(thread, dict, key)? else { return Ok(None) };
        if let Some(value) = dict.storage.value(thread, found) {
            return Ok(Some(value.to_owned()));
        }
        // The key has gone, perhaps to another place.
    }
}

/// The value under a key, if Python needn't be asked to find it.
#[inline]
pub fn peek<'a>(thread: &'a Thread, dict: &'a Obj<PyDict>, key: &Key<'_>) -> Option<Ref<'a>> {
    dict.storage.get(thread, key.hash, key.word(), key).ok().flatten()
}

/// The value under any object; TypeError if it is unhashable.
#[inline]
pub fn get_item(thread: &mut Thread, dict: &Obj<PyDict>, key: Ref<'_>) -> PyResult<Option<Value>> {
    let key = Key::for_dict(thread, key)?;
    get(thread, dict, &key)
}

/// The value under a str or small int for a register; UNBOUND if there is none, or if Python would have to be asked.
#[inline]
pub fn get_register(thread: &Thread, dict: &Obj<PyDict>, key: Ref<'_>) -> Word {
    find_register(thread, dict, key).unwrap_or(UNBOUND)
}

/// The value under a str or small int for a register; UNBOUND if there is none, `None` if Python would have to be asked.
#[inline]
pub fn find_register(thread: &Thread, dict: &Obj<PyDict>, key: Ref<'_>) -> Option<Word> {
    let key = Key::without_python(key)?;
    let found = dict.storage.get(thread, key.hash, key.word(), &key).ok()?;
    Some(found.map_or(UNBOUND, Ref::register_word))
}

/// The value under the str of this text, for which no object is made; `None` if there is none, or if Python would have to be asked.
pub fn get_text(thread: &Thread, dict: &Obj<PyDict>, text: &Wtf8) -> Option<Value> {
    let bytes = text.as_bytes();
    let hash = if bytes.is_ascii() { crate::hash::of_bytes(bytes) } else { crate::hash::of_text(text) };
    let same = |candidate: Ref<'_>| match crate::types::key::exact_str(candidate) {
        Some(key) if key.as_bytes() == bytes => KeyMatch::Yes,
        Some(_) => KeyMatch::No,
        None if candidate.header().is_none() => KeyMatch::No,
        None => KeyMatch::Ask,
    };
    // No entry has such a key.
    dict.storage.get(thread, hash, UNBOUND, &same).ok()?.map(Ref::to_owned)
}

/// `dict[key] = value`.
#[inline]
pub fn set(thread: &mut Thread, dict: &Obj<PyDict>, key: &Key<'_>, value: Value) -> PyResult<()> {
    match dict.storage.set_plain(Owner::from(dict), thread, key.hash, key.object, value, key) {
        Ok(_) => Ok(()),
        Err(value) => set_slow(thread, dict, key, value),
    }
}

#[inline(never)]
fn set_slow(thread: &mut Thread, dict: &Obj<PyDict>, key: &Key<'_>, mut value: Value) -> PyResult<()> {
    let (storage, owner) = (&dict.storage, Owner::from(dict));
    loop {
        match find(thread, dict, key)? {
            Lookup::Found(found) => match storage.replace(owner, thread, found, value) {
                Ok(_) => return Ok(()),
                Err(back) => value = back,
            },
            Lookup::Missing(missing) => {
                let object = key.object.to_owned();
                match storage.insert(owner, thread, missing, key.hash, object, value) {
                    Ok(()) => return Ok(()),
                    Err((ChangeError::NoMemory, ..)) => return Err(memory_error()),
                    Err((ChangeError::Retry, _, back)) => value = back,
                }
            }
            Lookup::Ask { .. } => {}
        }
    }
}

/// `dict[key] = value` for any object as key; TypeError if it is unhashable.
#[inline]
pub fn set_item(thread: &mut Thread, dict: &Obj<PyDict>, key: Ref<'_>, value: Value) -> PyResult<()> {
    let key = Key::for_dict(thread, key)?;
    set(thread, dict, &key, value)
}

/// The value under a key, which is `default` from now on if there was none; and whether there was none.
pub fn set_default(
    thread: &mut Thread,
    dict: &Obj<PyDict>,
    key: &Key<'_>,
    default: Ref<'_>,
) -> PyResult<(Value, bool)> {
    let (storage, owner) = (&dict.storage, Owner::from(dict));
    loop {
        match find(thread, dict, key)? {
            Lookup::Found(found) => {
                if let Some(value) = storage.value(thread, found) {
                    return Ok((value.to_owned(), false));
                }
            }
            Lookup::Missing(missing) => {
                let object = key.object.to_owned();
                match storage.insert(owner, thread, missing, key.hash, object, default.to_owned()) {
                    Ok(()) => return Ok((default.to_owned(), true)),
                    Err((ChangeError::NoMemory, ..)) => return Err(memory_error()),
                    Err((ChangeError::Retry, ..)) => {}
                }
            }
            Lookup::Ask { .. } => {}
        }
    }
}

/// Takes a key out: the key that was there, and its value.
pub fn remove(thread: &mut Thread, dict: &Obj<PyDict>, key: &Key<'_>) -> PyResult<Option<(Value, Value)>> {
    loop {
        let Lookup::Found(found) = find(thread, dict, key)? else { return Ok(None) };
        if let Some(entry) = dict.storage.remove(Owner::from(dict), thread, found) {
            return Ok(Some(entry));
        }
        // As in `get`.
    }
}

/// `del dict[key]`; KeyError if there is no such key.
pub fn delete(thread: &mut Thread, dict: &Obj<PyDict>, key: &Key<'_>) -> PyResult<()> {
    match remove(thread, dict, key)? {
        Some(_) => Ok(()),
        None => Err(key_error(key.object.to_owned())),
    }
}

/// Whether there is such a key.
#[inline]
pub fn contains(thread: &mut Thread, dict: &Obj<PyDict>, key: &Key<'_>) -> PyResult<bool> {
    if let Ok(value) = dict.storage.get(thread, key.hash, key.word(), key) {
        return Ok(value.is_some());
    }
    // With its value: a key that is being taken out loses that first.
    Ok(get(thread, dict, key)?.is_some())
}

/// The number of keys.
#[inline(always)]
pub fn len(thread: &Thread, dict: &Obj<PyDict>) -> usize {
    dict.storage.settled_len(Owner::from(dict), thread)
}

/// The same without waiting for who adds or removes a key at this moment: for iterators, which look whether it is another one.
#[inline(always)]
pub(crate) fn momentary_len(thread: &Thread, dict: &Obj<PyDict>) -> usize {
    dict.storage.len(thread)
}

/// The entry at a position or behind it, and where to go on: to walk over a dict that may change meanwhile.
#[inline]
pub fn next_entry(thread: &Thread, dict: &Obj<PyDict>, from: usize) -> Option<(usize, Entry)> {
    let (at, entry) = dict.storage.next_entry(thread, from)?;
    Some((at + 1, Entry { hash: entry.hash, key: entry.key.to_owned(), value: entry.value.to_owned() }))
}

/// An entry of a dict.
pub struct Entry {
    /// The hash of the key.
    pub hash: i64,
    /// The key.
    pub key: Value,
    /// The value.
    pub value: Value,
}

/// Owned copies of all entries, in order; of one moment.
pub fn entries(thread: &Thread, dict: &Obj<PyDict>) -> PyResult<Vec<Entry>> {
    let copy;
    let mut storage = dict.storage();
    if dict.header().is_shared() {
        copy = storage.duplicate(Owner::from(dict), thread)?;
        storage = &copy;
    }
    let mut all = Vec::new();
    all.try_reserve(storage.len(thread)).map_err(|_| memory_error())?;
    let mut from = 0;
    while let Some((at, entry)) = storage.next_entry(thread, from) {
        all.push(Entry { hash: entry.hash, key: entry.key.to_owned(), value: entry.value.to_owned() });
        from = at + 1;
    }
    Ok(all)
}

/// The entries of a dict one after the other, while Python code runs in between: a shared dict's are those of the moment when
/// the walk began, since other threads may change it at any time; those of a local dict, which only that code can change, are
/// looked up as the walk goes on.
pub struct Walk {
    from: usize,
    size: usize,
    snapshot: Option<std::vec::IntoIter<Entry>>,
}

impl Walk {
    /// Before the first entry.
    pub fn begin(thread: &Thread, dict: &Obj<PyDict>) -> PyResult<Walk> {
        let snapshot = dict.header().is_shared().then(|| entries(thread, dict)).transpose()?;
        Ok(Walk { from: 0, size: len(thread, dict), snapshot: snapshot.map(Vec::into_iter) })
    }

    /// The next entry.
    pub fn next(&mut self, thread: &Thread, dict: &Obj<PyDict>) -> Option<Entry> {
        if let Some(snapshot) = &mut self.snapshot {
            return snapshot.next();
        }
        let (next, entry) = next_entry(thread, dict, self.from)?;
        self.from = next;
        Some(entry)
    }

    /// Whether the code that runs in between has changed the dict's size. A shared dict may have been changed by another thread,
    /// if there is one: that disturbs nobody.
    pub fn is_disturbed(&self, thread: &Thread, dict: &Obj<PyDict>) -> bool {
        len(thread, dict) != self.size && (self.snapshot.is_none() || thread.runtime().thread_count() == 1)
    }
}

/// An empty dict that stands in for one that can't be made.
pub(crate) fn empty_shared(thread: &Thread) -> &'static Obj<PyDict> {
    struct Empty(&'static Obj<PyDict>);
    // SAFETY: immortal, and dicts may be read by any thread once shared.
    unsafe impl Sync for Empty {}
    // SAFETY: as above.
    unsafe impl Send for Empty {}
    static EMPTY: OnceLock<Empty> = OnceLock::new();
    EMPTY
        .get_or_init(|| match new(thread) {
            Ok(made) => {
                made.header().make_immortal();
                // SAFETY: immortal from now on.
                let object = unsafe { &*std::ptr::from_ref::<Obj<PyDict>>(&*made) };
                std::mem::forget(made);
                Empty(object)
            }
            Err(_) => std::process::abort(),
        })
        .0
}

/// What code with names (namespaces, attributes) needs of a dict.
pub trait DictExt {
    /// The dict.
    fn dict(&self) -> &Obj<PyDict>;

    /// The value under a str key.
    #[inline]
    fn get_str<'a>(&'a self, thread: &'a Thread, key: &Obj<PyStr>) -> Option<Ref<'a>> {
        let key = Key::of_str(key);
        // Keys that only Python could compare with a name are taken as different from it.
        let matcher = |candidate: Ref<'_>| match crate::storage::KeyMatcher::matches(&key, candidate) {
            crate::storage::KeyMatch::Yes => crate::storage::KeyMatch::Yes,
            _ => crate::storage::KeyMatch::No,
        };
        self.dict().storage.get(thread, key.hash, key.word(), &matcher).ok().flatten()
    }

    /// Where a str key is, for inline caches.
    fn find_str(&self, thread: &Thread, key: &Obj<PyStr>) -> Option<Found> {
        let key = Key::of_str(key);
        match self.dict().storage.find(thread, key.hash, key.word(), &key) {
            Lookup::Found(found) => Some(found),
            _ => None,
        }
    }

    /// Sets a str key.
    fn set_str(&self, thread: &mut Thread, key: &Obj<PyStr>, value: Value) -> PyResult<()> {
        set(thread, self.dict(), &Key::of_str(key), value)
    }

    /// Takes a str key out.
    fn remove_str(&self, thread: &mut Thread, key: &Obj<PyStr>) -> PyResult<Option<Value>> {
        Ok(remove(thread, self.dict(), &Key::of_str(key))?.map(|(_, value)| value))
    }

    /// Sets a str key in a dict that is being set up: there are only str keys. The first value stays if there is one.
    fn initialise_str(&self, thread: &Thread, key: &Obj<PyStr>, value: Value) -> PyResult<()> {
        let (dict, name) = (self.dict(), Key::of_str(key));
        match dict.storage.find(thread, name.hash, name.word(), &name) {
            Lookup::Missing(missing) => {
                let inserted =
                    dict.storage.insert(Owner::from(dict), thread, missing, name.hash, key.to_value(), value);
                inserted.map_err(|_| memory_error())
            }
            Lookup::Found(_) | Lookup::Ask { .. } => Ok(()),
        }
    }
}

impl DictExt for Obj<PyDict> {
    fn dict(&self) -> &Obj<PyDict> {
        self
    }
}
