//! The method cache of a class: what looking a name up in the class and its bases gave.
//!
//! A table of (name, word) that only grows; names are interned and compared by address. Readers write nothing.
//!
//! Invariants:
//! 1. An entry's word is stored before its name (Release), and neither changes afterwards.
//! 2. Whoever looks a name up for the cache takes the table before it looks. After a change the table is unlinked, before what
//!    the change took out of the class is dropped. So a table that is still linked holds nothing older than the change.
//! 3. Words are not counted. What is in a linked table is kept by the namespaces; a reader's thread passes no safepoint between
//!    taking the table and using the reference, so it is reclaimed only after that (classes, and all they hold, are shared).

use crate::types::str::PyStr;
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::sync::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, check, ordering, rarely};
use orochi_core::word::{self, Word};
use orochi_core::{Obj, Ref, Thread, epoch};
use std::ptr::NonNull;

/// Entries of a new table; a power of two.
const FIRST: usize = 16;
/// Tables don't grow beyond this: names that find no place are looked up each time.
const LARGEST: usize = 4096;
/// The word of a name that isn't there.
const MISSING: Word = word::DELETED;

struct Entry {
    name: AtomicPtr<Obj<PyStr>>,
    value: AtomicU64,
}

struct Table {
    used: AtomicUsize,
    entries: Box<[Entry]>,
}

/// See the module.
#[cfg_attr(orochi_loom, derive(Default))]
pub(crate) struct MethodCache(AtomicPtr<Table>);

impl Table {
    fn new(size: usize) -> Box<Table> {
        let entry = || Entry { name: AtomicPtr::new(std::ptr::null_mut()), value: AtomicU64::new(MISSING) };
        Box::new(Table { used: AtomicUsize::new(0), entries: (0..size).map(|_| entry()).collect() })
    }

    /// The entry of the name, or the empty one where it would go. There is always an empty one.
    #[inline(always)]
    fn find(&self, name: *const Obj<PyStr>) -> Option<(&Entry, bool)> {
        let mask = self.entries.len().wrapping_sub(1);
        // Names lie in blocks of a few sizes: the product's upper half spreads them over the table (Fibonacci hashing).
        let mut at = ((name.addr() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
        loop {
            let entry = self.entries.get(at & mask)?;
            // Acquire: invariant 1.
            let found = entry.name.load(Ordering::Acquire).cast_const();
            if std::ptr::eq(found, name) {
                return Some((entry, true));
            }
            if found.is_null() {
                return Some((entry, false));
            }
            at = at.wrapping_add(1);
        }
    }

    /// Callers hold the lock of what is rare, or the table is not linked yet.
    fn insert(&self, name: *const Obj<PyStr>, value: Word) {
        if let Some((entry, false)) = self.find(name) {
            entry.value.store(value, Ordering::Relaxed);
            // Release: invariant 1.
            entry.name.store(name.cast_mut(), ordering("method cache: name", Ordering::Release));
            self.used.fetch_add(1, Ordering::Relaxed);
        }
    }

    unsafe fn free(table: NonNull<u8>) {
        // SAFETY: made by `Box::into_raw`; the last reader has gone.
        drop(unsafe { Box::from_raw(table.cast::<Table>().as_ptr()) });
    }
}

impl MethodCache {
    /// An empty cache. (The checker's atomics can't be made in constants.)
    #[cfg(not(orochi_loom))]
    pub(crate) const fn new() -> MethodCache {
        MethodCache(AtomicPtr::new(std::ptr::null_mut()))
    }

    #[inline(always)]
    fn table(&self) -> Option<&Table> {
        // Acquire pairs with the Release that linked it.
        // SAFETY: unlinked tables are freed only after this thread's next safepoint.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// What the cache knows of the name: `Some(None)` when the class hasn't got it.
    #[inline(always)]
    pub(crate) fn get<'a>(&'a self, _thread: &'a Thread, name: &Obj<PyStr>) -> Option<Option<Ref<'a>>> {
        let (entry, found) = self.table()?.find(name)?;
        if !found {
            return None;
        }
        let value = entry.value.load(Ordering::Relaxed);
        // SAFETY: invariant 3.
        Some((value != MISSING).then(|| unsafe { Ref::from_canonical(value) }))
    }

    /// Looks an interned name up and remembers what was found.
    #[cold]
    pub(crate) fn fill<'a>(
        &'a self,
        thread: &'a Thread,
        class: &'a Obj<PyType>,
        name: &Obj<PyStr>,
    ) -> Option<Ref<'a>> {
        if class.is_changing() {
            return class.lookup_uncached(thread, name);
        }
        // Invariant 2: the table first.
        let table = match self.table() {
            Some(table) => std::ptr::from_ref(table),
            None => self.start(),
        };
        let found = class.lookup_uncached(thread, name);
        let value = found.map_or(MISSING, Ref::word);
        if class.is_changing() {
            return found;
        }
        // Orders insertions: one for each name and class.
        let _inserting = rarely();
        let linked = self.0.load(Ordering::Acquire).cast_const();
        if !std::ptr::eq(linked, table) && !check("method cache: still linked", false) {
            return found;
        }
        // Under the weakened model: as if the table had been taken after the look.
        let table = if cfg!(orochi_loom) { linked } else { table };
        // SAFETY: linked.
        let table = unsafe { &*table };
        if table.used.load(Ordering::Relaxed) * 2 < table.entries.len() {
            table.insert(name, value);
        } else if table.entries.len() < LARGEST {
            self.grow(thread, table, name, value);
        }
        found
    }

    fn start(&self) -> *const Table {
        let fresh = Box::into_raw(Table::new(FIRST));
        match self.0.compare_exchange(std::ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,
            Err(other) => {
                // SAFETY: never linked.
                drop(unsafe { Box::from_raw(fresh) });
                other
            }
        }
    }

    fn grow(&self, thread: &Thread, old: &Table, name: *const Obj<PyStr>, value: Word) {
        let table = Table::new(old.entries.len() * 2);
        for entry in &old.entries {
            let name = entry.name.load(Ordering::Acquire);
            if !name.is_null() {
                table.insert(name, entry.value.load(Ordering::Relaxed));
            }
        }
        table.insert(name, value);
        let (seen, fresh) = (std::ptr::from_ref(old).cast_mut(), Box::into_raw(table));
        // Release pairs with `table`. Another thread may have cleared the cache meanwhile: then it stays clear.
        match self.0.compare_exchange(seen, fresh, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => retire(thread, seen),
            // SAFETY: never linked.
            Err(_) => drop(unsafe { Box::from_raw(fresh) }),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self, thread: &Thread) {
        retire(thread, self.0.swap(std::ptr::null_mut(), Ordering::AcqRel));
    }
}

impl Drop for MethodCache {
    fn drop(&mut self) {
        if let Some(table) = NonNull::new(self.0.swap(std::ptr::null_mut(), Ordering::AcqRel)) {
            // SAFETY: made by `Box::into_raw`; nobody reaches the class any more.
            unsafe { Table::free(table.cast()) }
        }
    }
}

fn retire(thread: &Thread, table: *mut Table) {
    if let Some(table) = NonNull::new(table) {
        // SAFETY: still there until the grace period has passed.
        let size = unsafe { table.as_ref() }.entries.len() * std::mem::size_of::<Entry>();
        // SAFETY: unlinked just now, by this thread alone.
        unsafe { epoch::retire(thread, table.cast(), size, Table::free) };
    }
}
