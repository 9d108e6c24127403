//! A table of immortal objects that only grows: found without writing anything, by any number of threads.
//!
//! Open addressing in a block of slots. Writers hold a mutex; what they add is seen by the Release store of the slot's
//! entry, and a larger block by the Release store of the block's pointer. A block that has been replaced is kept, since a
//! reader may still be in it; all of them together are no larger than the present one.
//!
//! What must hold: a slot that has an entry never changes, so a search that ends at an empty slot has seen all entries
//! that were added before it began. One that was added meanwhile may be missed: who wants to add looks again with the mutex held.

use orochi_core::sync::{AtomicPtr, AtomicU64, Mutex, Ordering, lock, ordering};
use std::ptr;

const FIRST_SLOTS: usize = if cfg!(orochi_loom) { 2 } else { 1 << 12 };

struct Slot<T> {
    /// The entry's hash; meaningful once there is an entry.
    hash: AtomicU64,
    entry: AtomicPtr<T>,
}

type Slots<T> = Box<[Slot<T>]>;

/// The table.
pub struct InternTable<T: 'static> {
    slots: AtomicPtr<Slots<T>>,
    writer: Mutex<Writer<T>>,
}

struct Writer<T> {
    entries: usize,
    /// All blocks; the last is the present one.
    #[allow(clippy::vec_box, reason = "readers hold the blocks' addresses")]
    blocks: Vec<Box<Slots<T>>>,
}

impl<T> InternTable<T> {
    /// An empty table.
    pub fn new() -> InternTable<T> {
        let first = Box::new(empty_slots(FIRST_SLOTS));
        let slots = AtomicPtr::new(ptr::from_ref(&*first).cast_mut());
        InternTable { slots, writer: Mutex::new(Writer { entries: 0, blocks: vec![first] }) }
    }

    fn slots(&self) -> &Slots<T> {
        // Acquire pairs with the Release in `grow`: the block is filled. SAFETY: blocks live as long as the table.
        unsafe { &*self.slots.load(ordering("intern: block", Ordering::Acquire)) }
    }

    /// The entry with this hash that matches.
    #[inline]
    pub fn find(&self, hash: u64, matches: impl Fn(&T) -> bool) -> Option<&'static T> {
        find_in(self.slots(), hash, matches)
    }

    /// The entry with this hash that matches; if there is none, `entry` is it from now on.
    pub fn find_or_add(&self, hash: u64, matches: impl Fn(&T) -> bool, entry: &'static T) -> &'static T {
        let mut writer = lock(&self.writer);
        if let Some(found) = find_in(self.slots(), hash, matches) {
            return found;
        }
        if (writer.entries + 1) * 2 > self.slots().len() {
            self.grow(&mut writer);
        }
        writer.entries += 1;
        add_to(self.slots(), hash, entry);
        entry
    }

    fn grow(&self, writer: &mut Writer<T>) {
        let old = self.slots();
        let new = Box::new(empty_slots(old.len() * 2));
        for slot in old {
            // Relaxed: the mutex orders writers. SAFETY: entries are 'static.
            if let Some(entry) = unsafe { slot.entry.load(Ordering::Relaxed).as_ref() } {
                add_to(&new, slot.hash.load(Ordering::Relaxed), entry);
            }
        }
        // Release pairs with the Acquire in `slots`.
        self.slots.store(ptr::from_ref(&*new).cast_mut(), Ordering::Release);
        writer.blocks.push(new);
    }
}

impl<T> Default for InternTable<T> {
    fn default() -> InternTable<T> {
        InternTable::new()
    }
}

fn empty_slots<T>(number: usize) -> Slots<T> {
    (0..number).map(|_| Slot { hash: AtomicU64::new(0), entry: AtomicPtr::new(ptr::null_mut()) }).collect()
}

/// The slots in the order in which an entry with this hash may lie there. The number of slots is a power of two.
fn places<T>(slots: &Slots<T>, hash: u64) -> impl Iterator<Item = &Slot<T>> {
    let mask = slots.len() - 1;
    (0..slots.len()).filter_map(move |step| slots.get((hash as usize).wrapping_add(step) & mask))
}

#[inline]
fn find_in<T>(slots: &Slots<T>, hash: u64, matches: impl Fn(&T) -> bool) -> Option<&'static T> {
    for slot in places(slots, hash) {
        // Acquire pairs with the Release in `add_to`: hash and entry are whole. SAFETY: entries are 'static.
        let entry = unsafe { slot.entry.load(ordering("intern: find", Ordering::Acquire)).as_ref() }?;
        if slot.hash.load(Ordering::Relaxed) == hash && matches(entry) {
            return Some(entry);
        }
    }
    None
}

/// Adds an entry to slots that are not full. Under the mutex.
fn add_to<T>(slots: &Slots<T>, hash: u64, entry: &'static T) {
    // Relaxed: the mutex orders writers.
    if let Some(slot) = places(slots, hash).find(|slot| slot.entry.load(Ordering::Relaxed).is_null()) {
        slot.hash.store(hash, Ordering::Relaxed);
        // Release pairs with the Acquire in `find_in`.
        slot.entry.store(ptr::from_ref(entry).cast_mut(), ordering("intern: add", Ordering::Release));
    }
}
