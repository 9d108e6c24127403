//! The storage of dicts: a compact ordered table (indices and entries, as in PyPy and CPython) that is read without
//! locks and without writing.
//!
//! Invariants:
//! 1. Entries below `filled` are initialised; an entry belongs to one key for ever: `hash` never changes, `key` goes from the
//!    key to DELETED once, `value` is replaced in place and is empty once the key is deleted.
//! 2. Insertion initialises the entry, then writes the index (Release), then raises `filled` (Release). So a search that began with
//!    the present `filled` has missed no key, and an index may name an entry that isn't below `filled` yet. Deletion marks
//!    the key, then empties the value; the index stays. So a reader that finds a key and then an empty value came
//!    across a deletion: it searches again and doesn't find that entry, but perhaps another one to which the key has moved.
//! 3. Whatever needs another table (growth, compaction, clearing) builds it, publishes it with Release and retires the old
//!    one, whose references have moved. Local dicts free the old table at once.
//! 4. `keys_version` is not zero only while no key has been inserted or deleted and the table has not been replaced since
//!    it was given out. It is cleared before the first of those stores. A reader that loads the table, then
//!    the version, and finds the version it knows, holds the table it knew.
//! 5. `Table::tail`: every entry in `tail..filled` is deleted. Only writers use it.
//!
//! Tables of up to `SMALL` entries have no indices: their hashes are compared one by one.

use super::dict_table::{
    EMPTY, Entry, Probe, SMALL, Table, append, append_at, copy_whole, dispose, move_behind, move_entries,
    release_entries,
};
use super::{AskPython, KeyMatch, KeyMatcher, NoMemory};
use orochi_core::numbers::Numbers;
use orochi_core::sync::{AtomicPtr, AtomicU32, Ordering, check};
use orochi_core::word::{self, DELETED, UNBOUND, Word};
use orochi_core::{Field, Owner, Ref, Thread, Trace, Value, lock};
use std::ptr::NonNull;

/// Keys and values of a dict. See the module for who may do what.
#[derive(Default)]
pub struct DictStorage {
    table: AtomicPtr<Table>,
    keys_version: AtomicU32,
    /// Counts replaced tables, so that a cursor can tell a new table at an old address.
    generation: AtomicU32,
}

/// The end of a search.
pub enum Lookup {
    /// The key is in this entry.
    Found(Found),
    /// It isn't there; where it may be inserted.
    Missing(Missing),
    /// Python code has to compare `candidate` with the sought key; then go on with [`DictStorage::resume`].
    Ask {
        /// A key with the same hash.
        candidate: Value,
        /// Where the search stands.
        cursor: Cursor,
    },
}

/// Where a key was found.
#[derive(Clone, Copy)]
pub struct Found {
    table: *mut Table,
    generation: u32,
    index: usize,
}

/// Where a key was found missing.
#[derive(Clone, Copy)]
pub struct Missing {
    table: *mut Table,
    generation: u32,
    filled: usize,
}

/// Where a search stands that waits for Python's answer.
#[derive(Clone, Copy)]
pub struct Cursor {
    found: Found,
    key: Word,
    /// Position among the indices (large tables) and the rest of the hash.
    position: usize,
    perturb: u64,
    filled: usize,
}

/// An entry as iteration sees it.
pub struct EntryRef<'a> {
    /// The hash of the key.
    pub hash: i64,
    /// The key.
    pub key: Ref<'a>,
    /// The value.
    pub value: Ref<'a>,
}

/// Why a change was not made.
#[derive(Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// The dict has changed since the search: search again.
    Retry,
    /// There is no memory.
    NoMemory,
}

/// A change that was not made, with what was to be stored.
pub type Rejected = (ChangeError, Value, Value);

/// Gives out the numbers of [`DictStorage::keys_version`]; 0 when they are used up.
fn new_version() -> u32 {
    static VERSIONS: Numbers = Numbers::new();
    VERSIONS.next()
}

impl DictStorage {
    /// No entries, no memory.
    #[inline]
    pub fn new() -> DictStorage {
        DictStorage::default()
    }

    /// Memory for a dict that is being made, and is local.
    #[inline]
    pub fn with_capacity(entries: usize) -> Result<DictStorage, NoMemory> {
        let storage = DictStorage::new();
        if entries != 0 {
            storage.table.store(Table::allocate(entries)?.as_ptr(), Ordering::Relaxed);
        }
        Ok(storage)
    }

    #[inline(always)]
    fn load(&self) -> *mut Table {
        // Acquire pairs with the Release in `publish`.
        self.table.load(Ordering::Acquire)
    }

    /// The number of keys, as lookups before and after find them: see [`lock::settled`].
    #[inline]
    pub fn settled_len(&self, owner: Owner<'_>, thread: &Thread) -> usize {
        lock::settled(owner, thread, || self.len(thread))
    }

    /// The number of keys; while another thread adds or removes one, a moment before or after that is done.
    #[inline(always)]
    pub fn len(&self, _thread: &Thread) -> usize {
        let table = self.load();
        // SAFETY: a table that was loaded stays until the thread's next safepoint.
        if table.is_null() { 0 } else { unsafe { (*table).used.load(Ordering::Acquire) } }
    }

    /// Whether there are none.
    #[inline(always)]
    pub fn is_empty(&self, thread: &Thread) -> bool {
        self.len(thread) == 0
    }

    /// Entries written, the deleted ones included: the end of iteration by entry number.
    #[inline(always)]
    pub fn entry_count(&self, _thread: &Thread) -> usize {
        let table = self.load();
        // SAFETY: as in `len`.
        if table.is_null() { 0 } else { unsafe { (*table).filled.load(Ordering::Acquire) } }
    }

    /// Bytes of the table, for `__sizeof__`.
    pub fn byte_size(&self, _thread: &Thread) -> usize {
        let table = self.load();
        if table.is_null() {
            return 0;
        }
        // SAFETY: as in `len`.
        Table::layout(unsafe { (*table).capacity() }, unsafe { (*table).mask() })
            .map_or(0, |layout| layout.size())
    }

    /// The entry with this number in the present table. `None` if it was deleted or there is none.
    #[inline]
    pub fn entry<'a>(&'a self, thread: &'a Thread, index: usize) -> Option<EntryRef<'a>> {
        let table = self.load();
        // SAFETY: as in `len`; entries below `filled` are initialised.
        unsafe {
            if table.is_null() || index >= (*table).filled.load(Ordering::Acquire) {
                return None;
            }
            let entry = &*Table::entry(table, index);
            if entry.key.word() == DELETED {
                return None;
            }
            let key = entry.key.load(thread)?;
            let value = entry.value.load(thread)?;
            Some(EntryRef { hash: entry.hash, key, value })
        }
    }

    /// The first entry from `from` on, and its number.
    #[inline]
    pub fn next_entry<'a>(&'a self, thread: &'a Thread, from: usize) -> Option<(usize, EntryRef<'a>)> {
        let table = self.load();
        // SAFETY: as in `len`.
        let head = if table.is_null() { 0 } else { unsafe { Table::head(table) } };
        (from.max(head)..self.entry_count(thread)).find_map(|i| Some((i, self.entry(thread, i)?)))
    }

    /// The last entry below `below`, and its number.
    pub fn previous_entry<'a>(&'a self, thread: &'a Thread, below: usize) -> Option<(usize, EntryRef<'a>)> {
        (0..below.min(self.entry_count(thread))).rev().find_map(|i| Some((i, self.entry(thread, i)?)))
    }

    /// The value of the entry with this number if the keys' version is still `version`, for inline caches. UNBOUND if
    /// not, or if the key was deleted.
    #[inline(always)]
    pub fn cached_register(&self, thread: &Thread, version: u32, index: usize) -> Word {
        let table = self.load();
        // The version after the table (invariant 4). Acquire on the table keeps the order.
        let current = check("dict: version", self.keys_version.load(Ordering::Acquire) == version);
        if version == 0 || !current || table.is_null() {
            return UNBOUND;
        }
        // SAFETY: as in `len`; `index` is compared, since a cache entry is only as good as who wrote it.
        unsafe {
            if index >= (*table).filled.load(Ordering::Relaxed) {
                return UNBOUND;
            }
            (*Table::entry(table, index)).value.load_register(thread)
        }
    }

    /// Whether the keys are still those of `version`.
    #[inline(always)]
    pub fn has_version(&self, version: u32) -> bool {
        version != 0 && self.keys_version.load(Ordering::Acquire) == version
    }

    /// The version of the keys, which is the same as long as no key comes or goes; 0 if versions have run out.
    ///
    /// A search made afterwards may be cached under it if [`DictStorage::has_version`] still holds after the search.
    pub fn keys_version(&self, owner: Owner<'_>, thread: &Thread) -> u32 {
        let version = self.keys_version.load(Ordering::Acquire);
        if version != 0 {
            return version;
        }
        // Under the lock no change is half done (invariant 4).
        lock::with(owner, thread, || {
            let version = new_version();
            self.keys_version.store(version, Ordering::Release);
            version
        })
    }

    #[inline]
    fn keys_change(&self) {
        // Release orders nothing before later stores by itself, but those that follow are Release stores: whoever
        // acquires one of them sees this.
        if self.keys_version.load(Ordering::Relaxed) != 0 {
            self.keys_version.store(0, Ordering::Release);
        }
    }

    /// Searches a key.
    #[inline]
    pub fn find(&self, thread: &Thread, hash: i64, key: Word, matcher: &impl KeyMatcher) -> Lookup {
        loop {
            match self.find_once(thread, hash, key, matcher) {
                // As in `get`: it may have been moved from a place to which the search had yet to come. (What Python code does in
                // between is no reason to begin again: it might do it each time.)
                Lookup::Missing(missing) if !self.is_missing(missing) => {}
                lookup => return lookup,
            }
        }
    }

    #[inline]
    fn find_once(&self, _thread: &Thread, hash: i64, key: Word, matcher: &impl KeyMatcher) -> Lookup {
        // Generation before table: if the table is replaced in between, the cursor is stale at worst.
        let generation = self.generation.load(Ordering::Acquire);
        let table = self.load();
        if table.is_null() {
            return Lookup::Missing(Missing { table, generation, filled: 0 });
        }
        // SAFETY: as in `len`.
        let (mask, filled) = unsafe { ((*table).mask(), (*table).filled.load(Ordering::Acquire)) };
        let found = Found { table, generation, index: 0 };
        let probe = Probe::new(hash, mask);
        let cursor = Cursor { found, key: UNBOUND, position: probe.position, perturb: probe.perturb, filled };
        if mask == 0 {
            find_small(cursor, hash, key, matcher)
        } else {
            find_large(cursor, hash, key, matcher)
        }
    }

    /// The value of a key; `Err` if Python code has to compare.
    #[inline]
    pub fn get<'a>(
        &'a self,
        thread: &'a Thread,
        hash: i64,
        key: Word,
        matcher: &impl KeyMatcher,
    ) -> Result<Option<Ref<'a>>, AskPython> {
        let table = self.load();
        if table.is_null() {
            return Ok(None);
        }
        // SAFETY: the table was loaded since the last safepoint, for the thread has been borrowed.
        let filled = || unsafe { (*table).filled.load(Ordering::Acquire) };
        loop {
            let before = filled();
            match find_plain(table, hash, key, matcher) {
                Plain::Found(index) => {
                    // SAFETY: as above.
                    let value = unsafe { (*Table::entry(table, index)).value.load(thread) };
                    if value.is_some() {
                        return Ok(value);
                    }
                }
                // Who has moved the key behind the others (`move_to_end`) has raised `filled` before.
                Plain::Missing(_) if check("dict: another search", filled() == before) => return Ok(None),
                Plain::Missing(_) => {}
                Plain::Ask => return Err(AskPython),
            }
        }
    }

    /// Sets the value of a key in a local dict: the old value, if there was one. `Err` with the value if more is to be done:
    /// the table grows, Python code compares.
    #[inline]
    pub fn set_plain(
        &self,
        owner: Owner<'_>,
        _thread: &mut Thread,
        hash: i64,
        key: Ref<'_>,
        value: Value,
        matcher: &impl KeyMatcher,
    ) -> Result<Option<Value>, Value> {
        let table = self.load();
        if owner.is_shared() || table.is_null() {
            return Err(value);
        }
        match find_plain(table, hash, key.word(), matcher) {
            Plain::Found(index) => {
                // SAFETY: a local dict's table, which this thread alone uses.
                let old = unsafe { (*Table::entry(table, index)).value.replace(Field::new_local(value)) };
                Ok(old.into_value())
            }
            Plain::Missing(position) => {
                // SAFETY: as above.
                if unsafe { (*table).filled.load(Ordering::Relaxed) == (*table).capacity() } {
                    return Err(value);
                }
                self.keys_change();
                let key = Field::new_local(key.to_owned());
                append_at(table, position, hash, key, Field::new_local(value));
                Ok(None)
            }
            Plain::Ask => Err(value),
        }
    }

    /// Goes on with a search after Python code has said whether the candidate is equal to the key.
    pub fn resume(
        &self,
        thread: &Thread,
        cursor: Cursor,
        equal: bool,
        hash: i64,
        key: Word,
        matcher: &impl KeyMatcher,
    ) -> Lookup {
        let Found { table, generation, index } = cursor.found;
        if self.load() != table || self.generation.load(Ordering::Acquire) != generation {
            return self.find(thread, hash, key, matcher);
        }
        // SAFETY: the table is the present one, and the cursor's numbers were made for it.
        unsafe {
            if (*Table::entry(table, index)).key.word() != cursor.key {
                return self.find(thread, hash, key, matcher);
            }
            if equal {
                return Lookup::Found(cursor.found);
            }
            if (*table).mask() == 0 {
                let cursor = Cursor { position: index + 1, ..cursor };
                return find_small(cursor, hash, key, matcher);
            }
            let mut probe = Probe { position: cursor.position, perturb: cursor.perturb };
            probe.next((*table).mask());
            let cursor = Cursor { position: probe.position, perturb: probe.perturb, ..cursor };
            find_large(cursor, hash, key, matcher)
        }
    }

    /// The value of a found entry; `None` if the key was deleted meanwhile, or (rarely) the table replaced: then the caller
    /// searches again if [`DictStorage::is_current`] denies it.
    #[inline]
    pub fn value<'a>(&'a self, thread: &'a Thread, found: Found) -> Option<Ref<'a>> {
        if !self.is_current(found) {
            return None;
        }
        // SAFETY: the table is the present one.
        unsafe { (*Table::entry(found.table, found.index)).value.load(thread) }
    }

    /// The key of a found entry, under the same conditions as [`DictStorage::value`].
    pub fn key<'a>(&'a self, thread: &'a Thread, found: Found) -> Option<Ref<'a>> {
        if !self.is_current(found) {
            return None;
        }
        // SAFETY: the table is the present one.
        let key = unsafe { &(*Table::entry(found.table, found.index)).key };
        if key.word() == DELETED { None } else { key.load(thread) }
    }

    /// Whether the table is still the one in which the search ended.
    #[inline]
    pub fn is_current(&self, found: Found) -> bool {
        self.load() == found.table && self.generation.load(Ordering::Acquire) == found.generation
    }

    /// Whether no key has been added since the search that didn't find one, nor moved to another place.
    #[inline]
    fn is_missing(&self, missing: Missing) -> bool {
        let table = self.load();
        table == missing.table
            && self.generation.load(Ordering::Acquire) == missing.generation
            // SAFETY: the present table.
            && (table.is_null() || unsafe { (*table).filled.load(Ordering::Acquire) } == missing.filled)
    }

    /// The number of a found entry, for caches.
    pub fn index_of(found: Found) -> usize {
        found.index
    }

    /// Whether the found entry is still there. Callers hold the lock.
    #[inline]
    fn still_there(&self, found: Found) -> bool {
        // SAFETY: only the present table is looked at.
        self.is_current(found) && unsafe { (*Table::entry(found.table, found.index)).key.word() != DELETED }
    }

    /// Replaces the value of a found entry and gives the old one back.
    #[inline]
    pub fn replace(
        &self,
        owner: Owner<'_>,
        thread: &mut Thread,
        found: Found,
        value: Value,
    ) -> Result<Value, Value> {
        let field = owner.store(value);
        let replaced = lock::with(owner, thread, || {
            if !self.still_there(found) {
                return Err(field);
            }
            // SAFETY: as in `still_there`.
            Ok(unsafe { (*Table::entry(found.table, found.index)).value.replace(field) })
        });
        match replaced {
            Ok(old) => Ok(old.into_value().unwrap_or(Value::NONE)),
            Err(field) => Err(field.into_value().unwrap_or(Value::NONE)),
        }
    }

    /// Inserts a key that was found missing.
    #[inline]
    pub fn insert(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        missing: Missing,
        hash: i64,
        key: Value,
        value: Value,
    ) -> Result<(), Rejected> {
        let (key, value) = (owner.store(key), owner.store(value));
        let rejected = lock::with(owner, thread, || {
            if !check("dict: search still true", self.is_missing(missing)) {
                return Some((ChangeError::Retry, key, value));
            }
            match self.room_locked(owner, thread) {
                Ok(table) => {
                    self.keys_change();
                    append(table, hash, key, value);
                    None
                }
                Err(NoMemory) => Some((ChangeError::NoMemory, key, value)),
            }
        });
        match rejected {
            None => Ok(()),
            Some((error, key, value)) => Err((
                error,
                key.into_value().unwrap_or(Value::NONE),
                value.into_value().unwrap_or(Value::NONE),
            )),
        }
    }

    /// Takes a found entry out; `None` if it is no longer there.
    pub fn remove(&self, owner: Owner<'_>, thread: &mut Thread, found: Found) -> Option<(Value, Value)> {
        let removed = lock::with(owner, thread, || {
            self.still_there(found).then(|| self.remove_locked(found.table, found.index))
        });
        let (key, value) = removed?;
        Some((key.into_value()?, value.into_value()?))
    }

    /// Takes the last entry out.
    pub fn pop_last(&self, owner: Owner<'_>, thread: &mut Thread) -> Option<(Value, Value)> {
        let removed = lock::with(owner, thread, || {
            let table = self.load();
            if table.is_null() {
                return None;
            }
            // SAFETY: the present table; entries from `tail` on are deleted (invariant 5).
            unsafe {
                let mut index = Table::tail(table);
                while index > 0 {
                    index -= 1;
                    if (*Table::entry(table, index)).key.word() != DELETED {
                        return Some(self.remove_locked(table, index));
                    }
                }
            }
            None
        });
        let (key, value) = removed?;
        Some((key.into_value()?, value.into_value()?))
    }

    /// Takes the first entry out.
    pub fn pop_first(&self, owner: Owner<'_>, thread: &mut Thread) -> Option<(Value, Value)> {
        let removed = lock::with(owner, thread, || {
            let table = self.load();
            if table.is_null() {
                return None;
            }
            // SAFETY: the present table; entries below `head` are deleted.
            unsafe {
                let mut index = Table::head(table);
                while index < (*table).filled.load(Ordering::Relaxed) {
                    if (*Table::entry(table, index)).key.word() != DELETED {
                        let removed = self.remove_locked(table, index);
                        Table::set_head(table, Table::head(table).max(index + 1));
                        return Some(removed);
                    }
                    index += 1;
                }
            }
            None
        });
        let (key, value) = removed?;
        Some((key.into_value()?, value.into_value()?))
    }

    /// Moves a found entry before or behind all others; `false` if it is no longer there. Nobody misses the key meanwhile.
    pub fn move_to_end(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        found: Found,
        last: bool,
    ) -> Result<bool, NoMemory> {
        lock::with(owner, thread, || {
            if !self.still_there(found) {
                return Ok(false);
            }
            // SAFETY: the present table; entries below `filled` are initialised.
            unsafe {
                let Found { table, mut index, .. } = found;
                let filled = (*table).filled.load(Ordering::Relaxed);
                if !last {
                    self.reorder_locked(owner, thread, (*table).used.load(Ordering::Relaxed), Some(index))?;
                } else if index + 1 != Table::tail(table) {
                    if filled == (*table).capacity() {
                        // The entries come closer together in a new table.
                        index =
                            (0..index).filter(|i| (*Table::entry(table, *i)).key.word() != DELETED).count();
                    }
                    let table = self.room_locked(owner, thread)?;
                    self.keys_change();
                    move_behind(table, index);
                }
            }
            Ok(true)
        })
    }

    #[inline]
    fn remove_locked(&self, table: *mut Table, index: usize) -> (Field, Field) {
        self.keys_change();
        // SAFETY: callers hold the lock and found a live entry in the present table.
        unsafe {
            let entry = &*Table::entry(table, index);
            let key = entry.key.delete();
            let value = entry.value.replace(Field::empty());
            let used = (*table).used.load(Ordering::Relaxed) - 1;
            (*table).used.store(used, Ordering::Release);
            if index + 1 == Table::tail(table) {
                Table::set_tail(table, index);
            }
            if index == Table::head(table) {
                Table::set_head(table, index + 1);
            }
            (key, value)
        }
    }

    /// Removes everything.
    pub fn clear(&self, owner: Owner<'_>, thread: &mut Thread) {
        let thread = &*thread;
        let old = lock::with(owner, thread, || {
            let old = self.load();
            if !old.is_null() {
                self.publish(std::ptr::null_mut());
            }
            old
        });
        let Some(old) = NonNull::new(old) else { return };
        // SAFETY: unlinked: this thread alone owns its references. Lagging readers may still load words from it, of objects
        // that stay until those readers pass a safepoint; so nothing is written.
        unsafe {
            release_entries(old.as_ptr());
            dispose(owner, thread, old);
        }
    }

    /// Makes room for `additional` more keys, so that a bulk insertion builds one table.
    pub fn reserve(&self, owner: Owner<'_>, thread: &Thread, additional: usize) -> Result<(), NoMemory> {
        lock::with(owner, thread, || {
            let table = self.load();
            let (used, room) = if table.is_null() {
                (0, 0)
            } else {
                // SAFETY: the present table.
                unsafe {
                    let filled = (*table).filled.load(Ordering::Relaxed);
                    ((*table).used.load(Ordering::Relaxed), (*table).capacity() - filled)
                }
            };
            if room >= additional {
                return Ok(());
            }
            self.rebuild_locked(owner, thread, used.checked_add(additional).ok_or(NoMemory)?).map(|_| ())
        })
    }

    /// A copy of the entries, for a new local dict; of one moment of a shared one.
    pub fn duplicate(&self, owner: Owner<'_>, thread: &Thread) -> Result<DictStorage, NoMemory> {
        let copy = DictStorage::new();
        lock::with(owner, thread, || {
            let table = self.load();
            // SAFETY: the present table.
            let used = if table.is_null() { 0 } else { unsafe { (*table).used.load(Ordering::Relaxed) } };
            if used == 0 {
                return Ok(());
            }
            // SAFETY: under the lock nobody changes the table.
            if !cfg!(orochi_loom) && used == unsafe { (*table).filled.load(Ordering::Relaxed) } {
                // SAFETY: as above; no entry is deleted.
                copy.table.store(unsafe { copy_whole(table) }?.as_ptr(), Ordering::Relaxed);
                return Ok(());
            }
            let new = Table::allocate(used)?.as_ptr();
            copy.table.store(new, Ordering::Relaxed);
            // SAFETY: entries below `filled` are initialised.
            unsafe {
                for i in 0..(*table).filled.load(Ordering::Relaxed) {
                    let entry = &*Table::entry(table, i);
                    if entry.key.word() != DELETED
                        && let (Some(key), Some(value)) = (entry.key.load(thread), entry.value.load(thread))
                    {
                        let (key, value) =
                            (Field::new_local(key.to_owned()), Field::new_local(value.to_owned()));
                        append(new, entry.hash, key, value);
                    }
                }
            }
            Ok(())
        })?;
        Ok(copy)
    }

    /// Takes over the entries of another dict's memory, if this is local and empty; gives them back otherwise.
    pub fn adopt(&self, owner: Owner<'_>, other: DictStorage) -> Result<(), DictStorage> {
        if owner.is_shared() || !self.load().is_null() {
            return Err(other);
        }
        self.publish(other.table.swap(std::ptr::null_mut(), Ordering::Relaxed));
        Ok(())
    }

    /// Adds an entry whose key is not there to a dict that no other thread has seen, though it may be marked shared.
    /// Without memory the value comes back.
    pub(crate) fn append_unseen(&self, hash: i64, key: Field, value: Field) -> Result<(), (NoMemory, Field)> {
        let table = self.load();
        // SAFETY: the present table; nobody else uses it.
        let full =
            table.is_null() || unsafe { (*table).filled.load(Ordering::Relaxed) == (*table).capacity() };
        if full {
            // SAFETY: as above.
            let used = if table.is_null() { 0 } else { unsafe { (*table).used.load(Ordering::Relaxed) } };
            let Ok(new) = Table::allocate((used * 2).max(SMALL)) else { return Err((NoMemory, value)) };
            if let Some(old) = NonNull::new(table) {
                // SAFETY: the references move to the new table; nobody reads the old one.
                unsafe {
                    move_entries(old.as_ptr(), new.as_ptr(), None);
                    Table::free(old.cast());
                }
            }
            self.publish(new.as_ptr());
        }
        append(self.load(), hash, key, value);
        Ok(())
    }

    /// Empties a dict that no other thread has seen without releasing what it holds.
    pub(crate) fn forget_all(&self) {
        if let Some(table) = NonNull::new(self.load()) {
            self.publish(std::ptr::null_mut());
            // SAFETY: nobody else has seen the table.
            unsafe { Table::free(table.cast()) };
        }
    }

    /// A table with room for one more entry. Callers hold the lock.
    #[inline]
    fn room_locked(&self, owner: Owner<'_>, thread: &Thread) -> Result<*mut Table, NoMemory> {
        let table = self.load();
        if table.is_null() {
            return self.rebuild_locked(owner, thread, SMALL);
        }
        // SAFETY: the present table.
        unsafe {
            if (*table).filled.load(Ordering::Relaxed) < (*table).capacity() {
                return Ok(table);
            }
            if (*table).used.load(Ordering::Relaxed) == 0 && (*table).mask() == 0 && !owner.is_shared() {
                // Nobody else looks at a small local table: it can be filled anew. Searches under way must notice.
                let generation = self.generation.load(Ordering::Relaxed);
                self.generation.store(generation.wrapping_add(1), Ordering::Relaxed);
                self.keys_change();
                (*table).filled.store(0, Ordering::Relaxed);
                return Ok(table);
            }
            // Twice the keys, as indices double; fewer than there is room for if many entries are deleted ones.
            let used = (*table).used.load(Ordering::Relaxed);
            let wanted = if used < SMALL { SMALL } else { used.checked_mul(2).ok_or(NoMemory)? };
            self.rebuild_locked(owner, thread, wanted)
        }
    }

    /// Moves the entries to a table with room for `wanted`. Callers hold the lock.
    fn rebuild_locked(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        wanted: usize,
    ) -> Result<*mut Table, NoMemory> {
        self.reorder_locked(owner, thread, wanted, None)
    }

    /// The same; the entry of number `first` comes before the others.
    #[cold]
    #[inline(never)]
    fn reorder_locked(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        wanted: usize,
        first: Option<usize>,
    ) -> Result<*mut Table, NoMemory> {
        let old = self.load();
        let new = Table::allocate(wanted)?.as_ptr();
        if !old.is_null() {
            // SAFETY: under the lock; nobody sees the new table yet.
            unsafe { move_entries(old, new, first) };
        }
        self.publish(new);
        if let Some(old) = NonNull::new(old) {
            // SAFETY: unlinked, and its references have moved.
            unsafe { dispose(owner, thread, old) };
        }
        Ok(new)
    }

    /// Replaces the table. Callers hold the lock and dispose of the old one.
    #[inline]
    fn publish(&self, new: *mut Table) {
        self.keys_change();
        let generation = self.generation.load(Ordering::Relaxed);
        self.generation.store(generation.wrapping_add(1), Ordering::Release);
        // Release pairs with `load`.
        self.table.store(new, Ordering::Release);
    }
}

/// How a search ends that asks no Python code.
enum Plain {
    /// The entry's number.
    Found(usize),
    /// The position among the indices (of a large table) where the key may be put.
    Missing(usize),
    Ask,
}

/// A search for those who need not go on after Python code was asked.
#[inline(always)]
fn find_plain(table: *mut Table, hash: i64, key: Word, matcher: &impl KeyMatcher) -> Plain {
    // SAFETY: the table is live, entries below `filled` are initialised, and so are those that indices name; positions are
    // masked.
    unsafe {
        let mask = (*table).mask();
        if mask == 0 {
            for index in 0..(*table).filled.load(Ordering::Acquire) {
                match compare_plain(&*Table::entry(table, index), hash, key, matcher) {
                    Some(KeyMatch::Yes) => return Plain::Found(index),
                    Some(KeyMatch::Ask) => return Plain::Ask,
                    _ => {}
                }
            }
            return Plain::Missing(0);
        }
        let mut probe = Probe::new(hash, mask);
        let mut reusable = None;
        loop {
            let index = Table::index(table, probe.position);
            if index == EMPTY {
                return Plain::Missing(reusable.unwrap_or(probe.position));
            }
            match compare_plain(&*Table::entry(table, index), hash, key, matcher) {
                Some(KeyMatch::Yes) => return Plain::Found(index),
                Some(KeyMatch::Ask) => return Plain::Ask,
                // A deleted entry of this hash: the key may take its place among the indices.
                Some(KeyMatch::No) => reusable = reusable.or(Some(probe.position)),
                None => {}
            }
            probe.next(mask);
        }
    }
}

/// What can be said of an entry without Python code: `No` for a deleted one of the right hash, `None` for other keys.
#[inline(always)]
fn compare_plain(entry: &Entry, hash: i64, key: Word, matcher: &impl KeyMatcher) -> Option<KeyMatch> {
    if entry.hash != hash {
        return None;
    }
    let word = entry.key.word();
    if word == key {
        return Some(KeyMatch::Yes);
    }
    if word == DELETED {
        return Some(KeyMatch::No);
    }
    // SAFETY: as in `compare`.
    match matcher.matches(unsafe { Ref::from_word(word) }) {
        KeyMatch::No => None,
        answer => Some(answer),
    }
}

/// Searches a table without indices, from entry `cursor.position` on.
#[inline]
fn find_small(cursor: Cursor, hash: i64, key: Word, matcher: &impl KeyMatcher) -> Lookup {
    let Found { table, generation, .. } = cursor.found;
    let start = if cursor.key == UNBOUND { 0 } else { cursor.position };
    for index in start..cursor.filled {
        // SAFETY: entries below `filled` are initialised, and the table is live.
        let entry = unsafe { &*Table::entry(table, index) };
        if entry.hash == hash
            && let Some(found) =
                compare(entry, Cursor { found: Found { index, ..cursor.found }, ..cursor }, key, matcher)
        {
            return found;
        }
    }
    Lookup::Missing(Missing { table, generation, filled: cursor.filled })
}

/// Searches a table with indices, from `cursor.position` on.
#[inline]
fn find_large(mut cursor: Cursor, hash: i64, key: Word, matcher: &impl KeyMatcher) -> Lookup {
    let Found { table, generation, .. } = cursor.found;
    // SAFETY: the table is live, positions are masked, and indices name initialised entries.
    unsafe {
        let mask = (*table).mask();
        loop {
            let index = Table::index(table, cursor.position);
            if index == EMPTY {
                return Lookup::Missing(Missing { table, generation, filled: cursor.filled });
            }
            let entry = &*Table::entry(table, index);
            if entry.hash == hash
                && let Some(found) =
                    compare(entry, Cursor { found: Found { index, ..cursor.found }, ..cursor }, key, matcher)
            {
                return found;
            }
            let mut probe = Probe { position: cursor.position, perturb: cursor.perturb };
            probe.next(mask);
            (cursor.position, cursor.perturb) = (probe.position, probe.perturb);
        }
    }
}

/// Compares an entry of the right hash; `None` if it isn't the one.
#[inline]
fn compare(entry: &Entry, mut cursor: Cursor, key: Word, matcher: &impl KeyMatcher) -> Option<Lookup> {
    let word = entry.key.word();
    if word == key {
        return Some(Lookup::Found(cursor.found));
    }
    if word == DELETED {
        return None;
    }
    // SAFETY: the key is kept by the entry, or if it was deleted just now by the grace period that this thread is in.
    let candidate = unsafe { Ref::from_word(word) };
    match matcher.matches(candidate) {
        KeyMatch::Yes => Some(Lookup::Found(cursor.found)),
        KeyMatch::No => None,
        KeyMatch::Ask => {
            cursor.key = word;
            Some(Lookup::Ask { candidate: candidate.to_owned(), cursor })
        }
    }
}

impl Drop for DictStorage {
    fn drop(&mut self) {
        let Some(table) = NonNull::new(self.table.load(Ordering::Acquire)) else { return };
        // SAFETY: the owner is being destroyed: nobody else reads.
        unsafe {
            release_entries(table.as_ptr());
            Table::free(table.cast());
        }
    }
}

// SAFETY: visits key and value of each entry that has them; with the owner local or the world stopped, each once.
unsafe impl Trace for DictStorage {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        let table = self.load();
        if table.is_null() {
            return;
        }
        // SAFETY: entries below `filled` are initialised.
        unsafe {
            for i in 0..(*table).filled.load(Ordering::Acquire) {
                let entry = &*Table::entry(table, i);
                if word::is_pointer(entry.key.word()) {
                    visit(&entry.key);
                }
                if !entry.value.is_empty() {
                    visit(&entry.value);
                }
            }
        }
    }
}
