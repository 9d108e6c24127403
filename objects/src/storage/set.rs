//! The storage of sets: an open-addressing table of hashes and keys behind one atomic pointer.
//!
//! The order of iteration is the order of slots. Probing (runs of ten neighbours, then CPython's recurrence), the load
//! limit (three fifths) and the sizes follow CPython's `setobject.c`, since programs print sets of small ints.
//!
//! Invariants:
//! 1. A slot is unused (zero key), then belongs to one key: `hash` is written before the key (Release), the key is marked
//!    DELETED when it is taken out. A slot of a deleted key is used again (as in CPython the last one that the search
//!    came across). Searches that began before that are stale: `generation` changes, after the key is there. A reader
//!    that wants the hash of the key it has read looks whether the key is still there after reading the hash.
//! 2. Everything else needs another table, which is built aside, published with Release, and the old one retired (local
//!    sets: freed at once). Its references have moved.
//! 3. A table has at least one unused slot, so probing ends.

use super::{KeyMatch, KeyMatcher, NoMemory};
use orochi_core::sync::{AtomicI64, AtomicPtr, AtomicU32, AtomicUsize, Ordering, check};
use orochi_core::word::{self, DELETED, UNBOUND, Word};
use orochi_core::{Field, Owner, Ref, Thread, Trace, Value, epoch, lock};
use std::alloc::Layout;
use std::ptr::NonNull;

const MIN_SIZE: usize = 8;
/// Neighbours tried after a position, before the next one is computed.
const NEIGHBOURS: usize = 9;

/// The keys of a set. See the module for who may do what.
#[derive(Default)]
pub struct SetStorage {
    table: AtomicPtr<Table>,
    /// Counts replaced tables.
    generation: AtomicU32,
    /// Where `pop` looks next. Written under the lock.
    finger: AtomicU32,
}

#[repr(C)]
struct Table {
    mask: usize,
    used: AtomicUsize,
    /// Slots that are not unused.
    filled: AtomicUsize,
    slots: [Slot; 0],
}

#[repr(C)]
struct Slot {
    hash: AtomicI64,
    key: Field,
}

/// The end of a search.
pub enum Lookup {
    /// The key is in this slot.
    Found(Found),
    /// It isn't there; where it may be inserted.
    Missing(Missing),
    /// Python code has to compare `candidate` with the sought key; then go on with [`SetStorage::resume`].
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
    slot: usize,
}

/// Where a key was found missing.
#[derive(Clone, Copy)]
pub struct Missing {
    table: *mut Table,
    generation: u32,
    filled: usize,
    slot: usize,
    deleted: Option<usize>,
}

/// Where a search stands that waits for Python's answer.
#[derive(Clone, Copy)]
pub struct Cursor {
    table: *mut Table,
    generation: u32,
    filled: usize,
    probe: Probe,
    key: Word,
    /// The last slot of a deleted key that the search came across.
    deleted: Option<usize>,
}

/// Why a key was not inserted; the key comes back.
#[derive(Debug)]
pub enum Rejected {
    /// The set has changed since the search: search again.
    Retry(Value),
    /// There is no memory.
    NoMemory(Value),
}

/// The order in which slots are tried.
#[derive(Clone, Copy)]
struct Probe {
    /// Where the present run of neighbours began.
    base: usize,
    /// Neighbours tried.
    offset: usize,
    perturb: u64,
}

impl Probe {
    #[inline(always)]
    fn new(hash: i64, mask: usize) -> Probe {
        let perturb = hash.cast_unsigned();
        Probe { base: perturb as usize & mask, offset: 0, perturb }
    }

    #[inline(always)]
    fn slot(&self) -> usize {
        self.base + self.offset
    }

    #[inline(always)]
    fn next(&mut self, mask: usize) {
        if self.offset < NEIGHBOURS && self.base + NEIGHBOURS <= mask {
            self.offset += 1;
            return;
        }
        self.perturb >>= 5;
        self.base = self.base.wrapping_mul(5).wrapping_add(1).wrapping_add(self.perturb as usize) & mask;
        self.offset = 0;
    }
}

impl Table {
    fn layout(mask: usize) -> Option<Layout> {
        let slots = Layout::array::<Slot>(mask.checked_add(1)?).ok()?;
        Some(Layout::new::<Table>().extend(slots).ok()?.0)
    }

    /// A table of `size` unused slots; `size` is a power of two.
    fn allocate(size: usize) -> Result<NonNull<Table>, NoMemory> {
        let mask = size - 1;
        let layout = Self::layout(mask).ok_or(NoMemory)?;
        // SAFETY: the layout is not empty; zero is an unused slot.
        let table =
            NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) }).ok_or(NoMemory)?.cast::<Table>();
        // SAFETY: allocated just now.
        unsafe {
            table.write(Table { mask, used: AtomicUsize::new(0), filled: AtomicUsize::new(0), slots: [] });
            #[cfg(orochi_loom)]
            for index in 0..size {
                // The checker's atomics must be made before they are stored to.
                let slot = Slot { hash: AtomicI64::new(0), key: Field::empty() };
                Self::slot(table.as_ptr(), index).write(slot);
            }
        }
        Ok(table)
    }

    /// # Safety
    /// Nobody uses the table, and it owns no references any more.
    unsafe fn free(table: NonNull<u8>) {
        let table = table.cast::<Table>();
        // SAFETY: as the caller promises; `allocate` used this layout.
        unsafe {
            if let Some(layout) = Self::layout(table.as_ref().mask) {
                std::alloc::dealloc(table.cast().as_ptr(), layout);
            }
        }
    }

    /// # Safety
    /// `table` is live and `index` at most its mask.
    #[inline(always)]
    unsafe fn slot(table: *mut Table, index: usize) -> *mut Slot {
        // SAFETY: as the caller promises; slots follow the head.
        unsafe { (&raw mut (*table).slots).cast::<Slot>().add(index) }
    }
}

/// The size of a table for more than `least` keys.
fn size_above(least: usize) -> Option<usize> {
    least.checked_add(1)?.max(MIN_SIZE).checked_next_power_of_two()
}

impl SetStorage {
    /// No keys, no memory.
    pub fn new() -> SetStorage {
        SetStorage::default()
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
    #[inline]
    pub fn is_empty(&self, thread: &Thread) -> bool {
        self.len(thread) == 0
    }

    /// Slots of the table, for iteration by slot and `__sizeof__`.
    pub fn slot_count(&self, _thread: &Thread) -> usize {
        let table = self.load();
        // SAFETY: as in `len`.
        if table.is_null() { 0 } else { unsafe { (*table).mask + 1 } }
    }

    /// Bytes of a slot, for `__sizeof__`.
    pub const SLOT_SIZE: usize = std::mem::size_of::<Slot>();

    /// The first key from slot `from` on: its slot, its hash and the key.
    #[inline]
    pub fn next_key<'a>(&'a self, thread: &'a Thread, from: usize) -> Option<(usize, i64, Ref<'a>)> {
        let table = self.load();
        if table.is_null() {
            return None;
        }
        // SAFETY: as in `len`; slots up to the mask exist.
        unsafe {
            for index in from..(*table).mask + 1 {
                let slot = &*Table::slot(table, index);
                let mut word = slot.key.word();
                while word != UNBOUND && word != DELETED {
                    // Acquire pairs with the Release in `reuse_locked`: a hash of a later key shows that this one is gone.
                    let hash = slot.hash.load(Ordering::Acquire);
                    let now = slot.key.word();
                    if now == word {
                        // SAFETY: as in `Field::load`, this is what the field held a moment ago.
                        let key = Ref::from_word(word);
                        let _ = thread;
                        return Some((index, hash, key));
                    }
                    word = now;
                }
            }
        }
        None
    }

    /// Searches a key.
    #[inline]
    pub fn find(&self, _thread: &Thread, hash: i64, key: Word, matcher: &impl KeyMatcher) -> Lookup {
        let generation = self.generation.load(Ordering::Acquire);
        let table = self.load();
        if table.is_null() {
            return Lookup::Missing(Missing { table, generation, filled: 0, slot: 0, deleted: None });
        }
        // SAFETY: as in `len`.
        let (mask, filled) = unsafe { ((*table).mask, (*table).filled.load(Ordering::Acquire)) };
        let probe = Probe::new(hash, mask);
        let cursor = Cursor { table, generation, filled, probe, key: UNBOUND, deleted: None };
        search(cursor, hash, key, matcher)
    }

    /// Whether a key is there; `None` if Python code has to compare.
    #[inline]
    pub fn contains_plain(
        &self,
        _thread: &Thread,
        hash: i64,
        key: Word,
        matcher: &impl KeyMatcher,
    ) -> Option<bool> {
        let table = self.load();
        if table.is_null() {
            return Some(false);
        }
        match search_plain(table, hash, key, matcher) {
            Plain::Found => Some(true),
            Plain::Missing { .. } => Some(false),
            Plain::Ask => None,
        }
    }

    /// Adds a key to a local set; whether it is new. `None` if more is to be done: the table grows, Python code compares.
    #[inline]
    pub fn add_plain(
        &self,
        owner: Owner<'_>,
        _thread: &Thread,
        hash: i64,
        key: Ref<'_>,
        matcher: &impl KeyMatcher,
    ) -> Option<bool> {
        let table = self.load();
        if owner.is_shared() || table.is_null() {
            return None;
        }
        let (unused, deleted) = match search_plain(table, hash, key.word(), matcher) {
            Plain::Found => return Some(false),
            Plain::Ask => return None,
            Plain::Missing { unused, deleted } => (unused, deleted),
        };
        let field = || Field::new_local(key.to_owned());
        if let Some(slot) = deleted {
            self.reuse_locked(table, slot, hash, field());
            return Some(true);
        }
        // SAFETY: a local set's table, which this thread alone uses; the search ended at this unused slot.
        unsafe {
            let filled = (*table).filled.load(Ordering::Relaxed) + 1;
            if filled.saturating_mul(5) >= (*table).mask.saturating_mul(3) {
                return None;
            }
            put_at(table, unused, hash, field());
        }
        Some(true)
    }

    /// Goes on with a search after Python code has said whether the candidate is equal to the key.
    pub fn resume(
        &self,
        thread: &Thread,
        mut cursor: Cursor,
        equal: bool,
        hash: i64,
        key: Word,
        matcher: &impl KeyMatcher,
    ) -> Lookup {
        let Cursor { table, generation, .. } = cursor;
        if self.load() != table || self.generation.load(Ordering::Acquire) != generation {
            return self.find(thread, hash, key, matcher);
        }
        // SAFETY: the table is the present one, and the cursor's numbers were made for it.
        unsafe {
            if (*Table::slot(table, cursor.probe.slot())).key.word() != cursor.key {
                return self.find(thread, hash, key, matcher);
            }
            if equal {
                return Lookup::Found(Found { table, generation, slot: cursor.probe.slot() });
            }
            cursor.probe.next((*table).mask);
        }
        search(cursor, hash, key, matcher)
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
    ) -> Result<(), Rejected> {
        let key = owner.store(key);
        let rejected = lock::with(owner, thread, || {
            let table = self.load();
            let current = table == missing.table
                && self.generation.load(Ordering::Acquire) == missing.generation
                // SAFETY: the present table.
                && (table.is_null() || unsafe { (*table).filled.load(Ordering::Relaxed) } == missing.filled);
            if !check("set: search still true", current) {
                return Some((true, key));
            }
            if let Some(slot) = missing.deleted {
                self.reuse_locked(table, slot, hash, key);
                return None;
            }
            self.insert_locked(owner, thread, missing.slot, hash, key).map(|key| (false, key))
        });
        let Some((retry, key)) = rejected else { return Ok(()) };
        let key = key.into_value().unwrap_or(Value::NONE);
        Err(if retry { Rejected::Retry(key) } else { Rejected::NoMemory(key) })
    }

    /// Puts the key into a slot whose key was deleted.
    fn reuse_locked(&self, table: *mut Table, slot: usize, hash: i64, key: Field) {
        // SAFETY: the present table; the slot's key is deleted.
        unsafe {
            let slot = &*Table::slot(table, slot);
            // Release pairs with the Acquire in `next_key`; and (in `init`) who sees the key sees its hash.
            slot.hash.store(hash, Ordering::Release);
            slot.key.init(key);
            (*table).used.store((*table).used.load(Ordering::Relaxed) + 1, Ordering::Release);
        }
        // Last: a search that begins with the new number (Acquire in `find`) must see the key.
        let generation = self.generation.load(Ordering::Relaxed);
        self.generation.store(generation.wrapping_add(1), Ordering::Release);
    }

    /// Puts the key into its slot and grows the table when that fills it; gives the key back without memory.
    fn insert_locked(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        slot: usize,
        hash: i64,
        key: Field,
    ) -> Option<Field> {
        let mut table = self.load();
        let mut at = slot;
        if table.is_null() {
            match Table::allocate(MIN_SIZE) {
                Ok(new) => table = new.as_ptr(),
                Err(NoMemory) => return Some(key),
            }
            self.publish(table);
            at = hash.cast_unsigned() as usize & (MIN_SIZE - 1);
        }
        // SAFETY: the present table; the search ended at this unused slot, and nothing was inserted since.
        unsafe {
            let filled = (*table).filled.load(Ordering::Relaxed) + 1;
            let used = (*table).used.load(Ordering::Relaxed) + 1;
            let mask = (*table).mask;
            if filled.saturating_mul(5) >= mask.saturating_mul(3) {
                // Grow first: without memory the set is as it was. Sizes are computed from the number after insertion.
                let least = if used > 50_000 { used.saturating_mul(2) } else { used * 4 };
                let Some(Ok(new)) = size_above(least).map(Table::allocate) else { return Some(key) };
                move_keys(table, new.as_ptr());
                put_clean(new.as_ptr(), hash, key);
                self.publish(new.as_ptr());
                if let Some(old) = NonNull::new(table) {
                    dispose(owner, thread, old);
                }
                return None;
            }
            let slot = &*Table::slot(table, at);
            slot.hash.store(hash, Ordering::Relaxed);
            // Release (in `init`): who sees the key sees its hash.
            slot.key.init(key);
            (*table).filled.store(filled, Ordering::Release);
            (*table).used.store(used, Ordering::Release);
        }
        None
    }

    /// Takes a found key out; `None` if it is no longer there.
    pub fn remove(&self, owner: Owner<'_>, thread: &mut Thread, found: Found) -> Option<Value> {
        let removed = lock::with(owner, thread, || {
            let current =
                self.load() == found.table && self.generation.load(Ordering::Acquire) == found.generation;
            if !check("set: found slot", current) {
                return None;
            }
            // SAFETY: it is the present table, and the owner is locked.
            if unsafe { (*Table::slot(found.table, found.slot)).key.word() } == DELETED {
                return None;
            }
            Some(remove_locked(found.table, found.slot))
        });
        removed?.into_value()
    }

    /// Takes some key out.
    pub fn pop(&self, owner: Owner<'_>, thread: &mut Thread) -> Option<Value> {
        let removed = lock::with(owner, thread, || {
            let table = self.load();
            // SAFETY: the present table; with a key in it the search ends.
            unsafe {
                if table.is_null() || (*table).used.load(Ordering::Relaxed) == 0 {
                    return None;
                }
                let mask = (*table).mask;
                let mut at = self.finger.load(Ordering::Relaxed) as usize & mask;
                for _ in 0..=mask {
                    let word = (*Table::slot(table, at)).key.word();
                    if word != UNBOUND && word != DELETED {
                        let next = u32::try_from((at + 1) & mask).unwrap_or(0);
                        self.finger.store(next, Ordering::Relaxed);
                        return Some(remove_locked(table, at));
                    }
                    at = (at + 1) & mask;
                }
            }
            None
        });
        removed?.into_value()
    }

    /// Removes everything.
    pub fn clear(&self, owner: Owner<'_>, thread: &mut Thread) {
        self.exchange(owner, thread, SetStorage::new());
    }

    /// Replaces all keys by those of `other`, which was local to this thread, and releases the old ones.
    pub fn exchange(&self, owner: Owner<'_>, thread: &mut Thread, other: SetStorage) {
        let thread = &*thread;
        let new = other.table.swap(std::ptr::null_mut(), Ordering::Relaxed);
        if owner.is_shared() && !new.is_null() {
            // SAFETY: `other`'s table, which nobody else sees.
            unsafe { publish_keys(owner, new) };
        }
        let old = lock::with(owner, thread, || {
            let old = self.load();
            if !old.is_null() || !new.is_null() {
                self.publish(new);
            }
            old
        });
        let Some(old) = NonNull::new(old) else { return };
        // SAFETY: unlinked: this thread alone owns its references. Nothing is written, for lagging readers.
        unsafe {
            release_keys(old.as_ptr());
            dispose(owner, thread, old);
        }
    }

    /// Takes the memory out of a set that is local and about to be thrown away.
    pub fn take_local(&self) -> SetStorage {
        let taken = SetStorage::new();
        let table = self.load();
        self.publish(std::ptr::null_mut());
        taken.table.store(table, Ordering::Relaxed);
        taken
    }

    /// A copy of the keys, for a new local set; of one moment of a shared one.
    pub fn duplicate(&self, owner: Owner<'_>, thread: &Thread) -> Result<SetStorage, NoMemory> {
        let copy = SetStorage::new();
        lock::with(owner, thread, || {
            let table = self.load();
            // SAFETY: the present table.
            let used = if table.is_null() { 0 } else { unsafe { (*table).used.load(Ordering::Relaxed) } };
            if used == 0 {
                return Ok(());
            }
            // SAFETY: as above. The size is that of CPython's merge into an empty set.
            unsafe {
                let small = used.saturating_mul(5) < (MIN_SIZE - 1) * 3;
                let size = if small { Some(MIN_SIZE) } else { size_above(used.saturating_mul(2)) };
                let new = Table::allocate(size.ok_or(NoMemory)?)?.as_ptr();
                copy.table.store(new, Ordering::Relaxed);
                // Tables of the same size without deleted slots come out the same, slot by slot.
                let same = (*new).mask == (*table).mask && (*table).filled.load(Ordering::Relaxed) == used;
                for index in 0..(*table).mask + 1 {
                    let slot = &*Table::slot(table, index);
                    let word = slot.key.word();
                    if word != UNBOUND && word != DELETED {
                        let key = Ref::from_word(word).to_owned();
                        let hash = slot.hash.load(Ordering::Relaxed);
                        if same {
                            put_at(new, index, hash, Field::new_local(key));
                        } else {
                            put_clean(new, hash, Field::new_local(key));
                        }
                    }
                }
            }
            Ok(())
        })?;
        Ok(copy)
    }

    /// Replaces the table. Callers hold the lock and dispose of the old one.
    #[inline]
    fn publish(&self, new: *mut Table) {
        let generation = self.generation.load(Ordering::Relaxed);
        self.generation.store(generation.wrapping_add(1), Ordering::Release);
        // Release pairs with `load`.
        self.table.store(new, Ordering::Release);
    }
}

/// How a search ends that asks no Python code.
enum Plain {
    Found,
    Missing { unused: usize, deleted: Option<usize> },
    Ask,
}

/// As [`search`], for those who need not go on after Python code was asked.
#[inline(always)]
fn search_plain(table: *mut Table, hash: i64, key: Word, matcher: &impl KeyMatcher) -> Plain {
    let mut deleted = None;
    // SAFETY: the table is live; the probe stays within the mask.
    unsafe {
        let mask = (*table).mask;
        let mut probe = Probe::new(hash, mask);
        loop {
            let at = probe.slot();
            let slot = &*Table::slot(table, at);
            // As in `search`.
            let word = slot.key.word();
            if word == UNBOUND {
                return Plain::Missing { unused: at, deleted };
            }
            if word == DELETED {
                deleted = Some(at);
            } else if slot.hash.load(Ordering::Relaxed) == hash {
                if word == key {
                    return Plain::Found;
                }
                match matcher.matches(Ref::from_word(word)) {
                    KeyMatch::Yes => return Plain::Found,
                    KeyMatch::No => {}
                    KeyMatch::Ask => return Plain::Ask,
                }
            }
            probe.next(mask);
        }
    }
}

#[inline]
fn search(mut cursor: Cursor, hash: i64, key: Word, matcher: &impl KeyMatcher) -> Lookup {
    let Cursor { table, generation, filled, .. } = cursor;
    // SAFETY: the table is live; the probe stays within the mask.
    unsafe {
        let mask = (*table).mask;
        loop {
            let at = cursor.probe.slot();
            let slot = &*Table::slot(table, at);
            // Acquire (in `word`) before the hash: who sees the key sees its hash.
            let word = slot.key.word();
            if word == UNBOUND {
                return Lookup::Missing(Missing {
                    table,
                    generation,
                    filled,
                    slot: at,
                    deleted: cursor.deleted,
                });
            }
            if word == DELETED {
                cursor.deleted = Some(at);
            } else if slot.hash.load(Ordering::Relaxed) == hash {
                let found = Found { table, generation, slot: at };
                if word == key {
                    return Lookup::Found(found);
                }
                let candidate = Ref::from_word(word);
                match matcher.matches(candidate) {
                    KeyMatch::Yes => return Lookup::Found(found),
                    KeyMatch::No => {}
                    KeyMatch::Ask => {
                        cursor.key = word;
                        return Lookup::Ask { candidate: candidate.to_owned(), cursor };
                    }
                }
            }
            cursor.probe.next(mask);
        }
    }
}

#[inline]
fn remove_locked(table: *mut Table, slot: usize) -> Field {
    // SAFETY: callers hold the lock and found a key in this slot of the present table.
    unsafe {
        let key = (*Table::slot(table, slot)).key.delete();
        (*table).used.store((*table).used.load(Ordering::Relaxed) - 1, Ordering::Release);
        key
    }
}

/// Adds a key that is not in the table, which nobody else sees yet and which has no deleted slots.
///
/// # Safety
/// The table is live and has an unused slot.
unsafe fn put_clean(table: *mut Table, hash: i64, key: Field) {
    // SAFETY: the probe stays within the mask and ends at an unused slot.
    unsafe {
        let mask = (*table).mask;
        let mut probe = Probe::new(hash, mask);
        while (*Table::slot(table, probe.slot())).key.word() != UNBOUND {
            probe.next(mask);
        }
        put_at(table, probe.slot(), hash, key);
    }
}

/// # Safety
/// As [`put_clean`]; the slot is unused.
unsafe fn put_at(table: *mut Table, slot: usize, hash: i64, key: Field) {
    // SAFETY: as the caller promises.
    unsafe {
        let slot = &*Table::slot(table, slot);
        slot.hash.store(hash, Ordering::Relaxed);
        slot.key.init(key);
        (*table).filled.store((*table).filled.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        (*table).used.store((*table).used.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// Moves the references of one table to another.
///
/// # Safety
/// Under the lock; `to` has room and nobody else sees it; `from` is disposed of without releasing them.
unsafe fn move_keys(from: *mut Table, to: *mut Table) {
    // SAFETY: as the caller promises.
    unsafe {
        for index in 0..(*from).mask + 1 {
            let slot = Table::slot(from, index);
            let word = (*slot).key.word();
            if word != UNBOUND && word != DELETED {
                put_clean(to, (*slot).hash.load(Ordering::Relaxed), (*slot).key.moved());
            }
        }
    }
}

/// Publishes the keys of a table that is about to belong to a shared set.
///
/// # Safety
/// Nobody else sees the table.
unsafe fn publish_keys(owner: Owner<'_>, table: *mut Table) {
    // SAFETY: as the caller promises.
    unsafe {
        for index in 0..(*table).mask + 1 {
            let key = &(*Table::slot(table, index)).key;
            if word::is_pointer(key.word())
                && let Some(value) = key.replace(Field::empty()).into_value()
            {
                key.init(owner.store(value));
            }
        }
    }
}

/// Releases the references of a table without writing to it.
///
/// # Safety
/// The table is live and unlinked; called once.
unsafe fn release_keys(table: *mut Table) {
    // SAFETY: as the caller promises; unused and deleted words own nothing.
    unsafe {
        for index in 0..(*table).mask + 1 {
            drop((&raw const (*Table::slot(table, index)).key).read());
        }
    }
}

/// Gives the memory of an unlinked table back.
///
/// # Safety
/// The table is unlinked and its references have gone.
unsafe fn dispose(owner: Owner<'_>, thread: &Thread, table: NonNull<Table>) {
    // SAFETY: as the caller promises; a local set has no other readers.
    unsafe {
        if owner.is_shared() {
            epoch::retire(thread, table.cast(), table.as_ref().mask * size_of::<Slot>(), Table::free);
        } else {
            Table::free(table.cast());
        }
    }
}

impl Drop for SetStorage {
    fn drop(&mut self) {
        let Some(table) = NonNull::new(self.table.load(Ordering::Acquire)) else { return };
        // SAFETY: the owner is being destroyed: nobody else reads.
        unsafe {
            release_keys(table.as_ptr());
            Table::free(table.cast());
        }
    }
}

// SAFETY: visits each key; with the owner local or the world stopped, once.
unsafe impl Trace for SetStorage {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        let table = self.load();
        if table.is_null() {
            return;
        }
        // SAFETY: all slots of a table are initialised.
        unsafe {
            for index in 0..(*table).mask + 1 {
                let key = &(*Table::slot(table, index)).key;
                if word::is_pointer(key.word()) {
                    visit(key);
                }
            }
        }
    }
}
