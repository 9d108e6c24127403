//! The table of a dict: a head, the entries, and in large tables behind them the bounds of what is deleted and the indices
//! in the narrowest width. The head is as small as can be, since a table of four entries then takes 112 bytes, for which
//! allocators have blocks. The invariants are those of [`super::dict`].

use super::NoMemory;
use orochi_core::sync::{AtomicU8, AtomicU16, AtomicU32, Ordering, ordering};
use orochi_core::word::DELETED;
use orochi_core::{Field, Owner, Thread, epoch};
use std::alloc::Layout;
use std::ptr::NonNull;

/// The most entries of a table without indices.
pub(super) const SMALL: usize = 5;

/// The head of a table; the entries follow.
#[repr(C)]
pub(super) struct Table {
    capacity: u32,
    mask: u32,
    /// Entries with a key.
    pub(super) used: Number,
    /// Entries written, the deleted ones included.
    pub(super) filled: Number,
    pub(super) entries: [Entry; 0],
}

/// What large tables have besides, so that the first and the last entry are found at once in a queue.
#[repr(C)]
struct Bounds {
    tail: Number,
    head: Number,
}

/// A number of entries: [`Table::allocate`] sees to it that they fit half a word.
pub(super) struct Number(AtomicU32);

impl Number {
    #[inline(always)]
    pub(super) fn load(&self, order: Ordering) -> usize {
        self.0.load(order) as usize
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "no table has so many entries")]
    pub(super) fn store(&self, number: usize, order: Ordering) {
        self.0.store(number as u32, order);
    }
}

#[repr(C)]
pub(super) struct Entry {
    pub(super) hash: i64,
    pub(super) key: Field,
    pub(super) value: Field,
}

/// The width of a table's indices.
#[derive(Clone, Copy)]
pub(super) enum Width {
    Byte,
    Short,
    Word,
}

impl Table {
    /// How many entries there is room for.
    #[inline(always)]
    pub(super) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Indices less one; 0 in a small table.
    #[inline(always)]
    pub(super) fn mask(&self) -> usize {
        self.mask as usize
    }

    #[inline]
    pub(super) fn width(mask: usize) -> Width {
        // The two greatest numbers of each width are marks.
        match mask {
            0..=0xff => Width::Byte,
            0x100..=0xffff => Width::Short,
            _ => Width::Word,
        }
    }

    #[inline]
    pub(super) fn layout(capacity: usize, mask: usize) -> Option<Layout> {
        let entries = Layout::array::<Entry>(capacity).ok()?;
        let entries = Layout::new::<Table>().extend(entries).ok()?.0;
        if mask == 0 {
            return Some(entries);
        }
        let indices = match Self::width(mask) {
            Width::Byte => Layout::array::<AtomicU8>(mask + 1),
            Width::Short => Layout::array::<AtomicU16>(mask + 1),
            Width::Word => Layout::array::<AtomicU32>(mask + 1),
        }
        .ok()?;
        Some(entries.extend(Layout::new::<Bounds>()).ok()?.0.extend(indices).ok()?.0)
    }

    /// A table with room for `wanted` entries at least.
    #[inline]
    pub(super) fn allocate(wanted: usize) -> Result<NonNull<Table>, NoMemory> {
        let (capacity, mask) = if wanted <= SMALL {
            (wanted.max(1), 0)
        } else {
            let size = wanted.checked_mul(3).ok_or(NoMemory)?.div_ceil(2).max(8).checked_next_power_of_two();
            let size = size.filter(|&size| size <= 1 << 31).ok_or(NoMemory)?;
            (size * 2 / 3, size - 1)
        };
        let layout = Self::layout(capacity, mask).ok_or(NoMemory)?;
        // SAFETY: the layout is not empty.
        let table = NonNull::new(unsafe { std::alloc::alloc(layout) }).ok_or(NoMemory)?.cast::<Table>();
        // SAFETY: allocated just now, large enough; all-ones is the EMPTY mark of every width.
        unsafe {
            #[allow(clippy::cast_possible_truncation, reason = "the size was bounded above")]
            table.write(Table {
                capacity: capacity as u32,
                mask: mask as u32,
                used: Number(AtomicU32::new(0)),
                filled: Number(AtomicU32::new(0)),
                entries: [],
            });
            if mask != 0 {
                let bounds = Bounds { tail: Number(AtomicU32::new(0)), head: Number(AtomicU32::new(0)) };
                Self::entry(table.as_ptr(), capacity).cast::<Bounds>().write(bounds);
                let indices = Self::indices(table.as_ptr());
                let end = table.as_ptr().cast::<u8>().add(layout.size());
                indices.write_bytes(0xff, end.offset_from_unsigned(indices));
            }
            #[cfg(orochi_loom)]
            Self::make_for_checker(table.as_ptr(), capacity, mask);
        }
        Ok(table)
    }

    /// The checker's atomics must be made before they are stored to.
    ///
    /// # Safety
    /// The table was allocated just now, for so many entries. The indices of a large one are bytes.
    #[cfg(orochi_loom)]
    unsafe fn make_for_checker(table: *mut Table, capacity: usize, mask: usize) {
        // SAFETY: as the caller promises.
        unsafe {
            for index in 0..capacity {
                let entry = Entry { hash: 0, key: Field::empty(), value: Field::empty() };
                Self::entry(table, index).write(entry);
            }
            if mask != 0 {
                assert!(matches!(Self::width(mask), Width::Byte));
                let indices = Self::indices(table).cast::<AtomicU8>();
                (0..=mask).for_each(|position| indices.add(position).write(AtomicU8::new(u8::MAX)));
            }
        }
    }

    /// # Safety
    /// Nobody uses the table, and it owns no references any more.
    pub(super) unsafe fn free(table: NonNull<u8>) {
        let table = table.cast::<Table>();
        // SAFETY: as the caller promises; `allocate` used this layout.
        unsafe {
            if let Some(layout) = Self::layout(table.as_ref().capacity(), table.as_ref().mask()) {
                std::alloc::dealloc(table.cast().as_ptr(), layout);
            }
        }
    }

    /// # Safety
    /// `table` is live and `index` is at most its capacity.
    #[inline(always)]
    pub(super) unsafe fn entry(table: *mut Table, index: usize) -> *mut Entry {
        // SAFETY: as the caller promises; entries follow the head.
        unsafe { (&raw mut (*table).entries).cast::<Entry>().add(index) }
    }

    /// Where the indices begin.
    ///
    /// # Safety
    /// `table` is live and not small.
    #[inline(always)]
    unsafe fn indices(table: *mut Table) -> *mut u8 {
        // SAFETY: as the caller promises; they follow the bounds, which follow the entries.
        unsafe { Self::entry(table, (*table).capacity()).cast::<Bounds>().add(1).cast() }
    }

    /// The bounds of a large table.
    ///
    /// # Safety
    /// `table` is live.
    #[inline(always)]
    unsafe fn bounds<'a>(table: *mut Table) -> Option<&'a Bounds> {
        // SAFETY: as the caller promises; `allocate` put them there.
        unsafe { ((*table).mask() != 0).then(|| &*Self::entry(table, (*table).capacity()).cast::<Bounds>()) }
    }

    /// See invariant 5. Small tables are looked through.
    ///
    /// # Safety
    /// `table` is live, and the caller holds the lock.
    pub(super) unsafe fn tail(table: *mut Table) -> usize {
        // SAFETY: as the caller promises.
        match unsafe { Self::bounds(table) } {
            Some(bounds) => bounds.tail.load(Ordering::Relaxed),
            // SAFETY: as above.
            None => unsafe { (*table).filled.load(Ordering::Relaxed) },
        }
    }

    /// Every entry below is deleted. Written under the lock, read by whoever looks for the first entry.
    ///
    /// # Safety
    /// `table` is live.
    pub(super) unsafe fn head(table: *mut Table) -> usize {
        // SAFETY: as the caller promises.
        unsafe { Self::bounds(table) }.map_or(0, |bounds| bounds.head.load(Ordering::Relaxed))
    }

    /// # Safety
    /// As [`Table::tail`]; see there what it says.
    #[inline(always)]
    pub(super) unsafe fn set_tail(table: *mut Table, tail: usize) {
        // SAFETY: as the caller promises.
        if let Some(bounds) = unsafe { Self::bounds(table) } {
            bounds.tail.store(tail, Ordering::Relaxed);
        }
    }

    /// # Safety
    /// As [`Table::tail`]; see `head` what it says.
    pub(super) unsafe fn set_head(table: *mut Table, head: usize) {
        // SAFETY: as the caller promises.
        if let Some(bounds) = unsafe { Self::bounds(table) } {
            bounds.head.store(head, Ordering::Relaxed);
        }
    }

    /// The entry number at an index position: a number of at least `capacity` is EMPTY or DELETED.
    ///
    /// # Safety
    /// `table` is live and not small, `position` is at most its mask.
    #[inline(always)]
    pub(super) unsafe fn index(table: *mut Table, position: usize) -> usize {
        // SAFETY: as the caller promises. Acquire pairs with the Release in `set_index`: the entry is initialised.
        unsafe {
            let indices = Self::indices(table);
            match Self::width((*table).mask()) {
                Width::Byte => match (*indices.cast::<AtomicU8>().add(position)).load(Ordering::Acquire) {
                    u8::MAX => EMPTY,
                    index => index as usize,
                },
                Width::Short => match (*indices.cast::<AtomicU16>().add(position)).load(Ordering::Acquire) {
                    u16::MAX => EMPTY,
                    index => index as usize,
                },
                Width::Word => match (*indices.cast::<AtomicU32>().add(position)).load(Ordering::Acquire) {
                    u32::MAX => EMPTY,
                    index => index as usize,
                },
            }
        }
    }

    /// Writes an index. Deleted entries keep theirs: the entry itself says that it is deleted.
    ///
    /// # Safety
    /// As [`Table::index`], under the lock.
    pub(super) unsafe fn set_index(table: *mut Table, position: usize, index: usize) {
        // SAFETY: as the caller promises. Release pairs with `index`.
        #[allow(clippy::cast_possible_truncation, reason = "the width was chosen to hold every entry number")]
        unsafe {
            let indices = Self::indices(table);
            match Self::width((*table).mask()) {
                Width::Byte => {
                    (*indices.cast::<AtomicU8>().add(position)).store(index as u8, Ordering::Release);
                }
                Width::Short => {
                    (*indices.cast::<AtomicU16>().add(position)).store(index as u16, Ordering::Release);
                }
                Width::Word => {
                    (*indices.cast::<AtomicU32>().add(position)).store(index as u32, Ordering::Release);
                }
            }
        }
    }

    /// The position of the first index for a hash that is empty or whose entry is deleted: whoever comes across it next
    /// finds another key there, which is as good as none.
    ///
    /// # Safety
    /// As [`Table::set_index`]; fewer entries than indices are filled.
    pub(super) unsafe fn free_position(table: *mut Table, hash: i64) -> usize {
        // SAFETY: positions are masked.
        unsafe {
            let mask = (*table).mask();
            let mut probe = Probe::new(hash, mask);
            loop {
                let index = Self::index(table, probe.position);
                if index == EMPTY || (*Self::entry(table, index)).key.word() == DELETED {
                    return probe.position;
                }
                probe.next(mask);
            }
        }
    }
}

pub(super) const EMPTY: usize = usize::MAX;

/// The order in which positions are tried: CPython's recurrence, in which every bit of the hash comes to matter.
pub(super) struct Probe {
    pub(super) position: usize,
    pub(super) perturb: u64,
}

impl Probe {
    #[inline(always)]
    pub(super) fn new(hash: i64, mask: usize) -> Probe {
        let perturb = hash.cast_unsigned();
        Probe { position: perturb as usize & mask, perturb }
    }

    #[inline(always)]
    pub(super) fn next(&mut self, mask: usize) {
        self.perturb >>= 5;
        self.position =
            self.position.wrapping_mul(5).wrapping_add(self.perturb as usize).wrapping_add(1) & mask;
    }
}

/// A copy of a table without deleted entries, with references of its own, for a local dict.
///
/// # Safety
/// The table is live and nobody changes it meanwhile; `used` equals `filled`.
pub(super) unsafe fn copy_whole(from: *mut Table) -> Result<NonNull<Table>, NoMemory> {
    // SAFETY: as the caller promises; both tables have the same layout, and `filled` entries are initialised.
    unsafe {
        let (capacity, mask) = ((*from).capacity(), (*from).mask());
        let layout = Table::layout(capacity, mask).ok_or(NoMemory)?;
        let to = NonNull::new(std::alloc::alloc(layout)).ok_or(NoMemory)?.cast::<Table>();
        std::ptr::copy_nonoverlapping(from.cast::<u8>(), to.cast().as_ptr(), layout.size());
        for i in 0..(*from).filled.load(Ordering::Relaxed) {
            let entry = &*Table::entry(to.as_ptr(), i);
            // The copied words own nothing yet.
            std::mem::forget((entry.key.fixed().to_owned(), entry.value.fixed().to_owned()));
        }
        Ok(to)
    }
}

/// Moves the references of the live entries to a table that nobody sees yet and that has room for them. That of number `first`, if there
/// is one, comes before the others.
///
/// # Safety
/// Nobody changes `from` meanwhile, and it is disposed of without releasing them.
pub(super) unsafe fn move_entries(from: *mut Table, to: *mut Table, first: Option<usize>) {
    // SAFETY: entries below `filled` are initialised.
    unsafe {
        let others = (0..(*from).filled.load(Ordering::Relaxed)).filter(|i| Some(*i) != first);
        for i in first.into_iter().chain(others) {
            let entry = Table::entry(from, i);
            if (*entry).key.word() != DELETED {
                let (key, value) = ((*entry).key.moved(), (*entry).value.moved());
                append(to, (*entry).hash, key, value);
            }
        }
    }
}

/// Moves an entry behind all others. The caller holds the lock and has made room. Readers find the key before or after: the
/// new entry is there before the old one is gone.
///
/// # Safety
/// The table is live, and the entry has a key.
pub(super) unsafe fn move_behind(table: *mut Table, index: usize) {
    // SAFETY: as the caller promises; the references move, what the old places give back owns nothing.
    unsafe {
        let entry = &*Table::entry(table, index);
        let (key, value) = (entry.key.moved(), entry.value.moved());
        append(table, entry.hash, key, value);
        std::mem::forget((entry.key.delete(), entry.value.replace(Field::empty())));
        (*table).used.store((*table).used.load(Ordering::Relaxed) - 1, Ordering::Release);
        if index == Table::head(table) {
            Table::set_head(table, index + 1);
        }
    }
}

/// Adds an entry. The caller holds the lock (or nobody else sees the table) and has made room.
#[inline]
pub(super) fn append(table: *mut Table, hash: i64, key: Field, value: Field) {
    // SAFETY: as below; fewer entries than indices are filled.
    let position = unsafe { if (*table).mask() == 0 { 0 } else { Table::free_position(table, hash) } };
    append_at(table, position, hash, key, value);
}

/// The same with the position among the indices that the search ended with.
#[inline]
pub(super) fn append_at(table: *mut Table, position: usize, hash: i64, key: Field, value: Field) {
    // SAFETY: there is room, so the entry lies within the table; nobody reads it before `filled` or the index say so.
    unsafe {
        let index = (*table).filled.load(Ordering::Relaxed);
        Table::entry(table, index).write(Entry { hash, key, value });
        (*table).used.store((*table).used.load(Ordering::Relaxed) + 1, Ordering::Release);
        if let Some(bounds) = Table::bounds(table) {
            bounds.tail.store(index + 1, Ordering::Relaxed);
            Table::set_index(table, position, index);
        }
        // Last: a search that begins with the new number must see the index, or else the key would be added again. Release pairs with
        // the loads of `filled`: the entry is initialised.
        (*table).filled.store(index + 1, ordering("dict: filled", Ordering::Release));
    }
}

/// Releases the references that a table's entries own, without writing to the table.
///
/// # Safety
/// The table is live and unlinked; called once.
pub(super) unsafe fn release_entries(table: *mut Table) {
    // SAFETY: as the caller promises; entries below `filled` are initialised. DELETED and empty words own nothing.
    unsafe {
        for i in 0..(*table).filled.load(Ordering::Relaxed) {
            let entry = Table::entry(table, i);
            drop((&raw const (*entry).key).read());
            drop((&raw const (*entry).value).read());
        }
    }
}

/// Gives the memory of an unlinked table back.
///
/// # Safety
/// The table is unlinked and its references have gone.
pub(super) unsafe fn dispose(owner: Owner<'_>, thread: &Thread, table: NonNull<Table>) {
    // SAFETY: as the caller promises; a local dict has no other readers.
    unsafe {
        if owner.is_shared() {
            epoch::retire(thread, table.cast(), table.as_ref().capacity() * size_of::<Entry>(), Table::free);
        } else {
            Table::free(table.cast());
        }
    }
}
