//! Several steps on a list's elements that other threads see as one: with the list locked, elements are looked at and change
//! places, one is added, taken out or replaced. For algorithms such as heaps, which would be O(n) with a copy.
//!
//! An element is at its old and its new place, or missing from neither, while it moves: a reader that takes no lock sees each
//! place filled at any moment. (Invariant 2 of the list is about whole rearrangements; what moves here keeps its count, so a reader
//! that has it borrowed is safe.)

use super::{Buffer, ListStorage};
use orochi_core::sync::Ordering;
use orochi_core::{Field, Owner, Ref, Thread, lock};

/// A locked list. Nothing that is done with it runs Python code or releases references.
pub struct Arranging<'a> {
    list: &'a ListStorage,
    owner: Owner<'a>,
    thread: &'a Thread,
}

impl ListStorage {
    /// Runs `f` on the list, locked if it is shared.
    pub fn arrange<R>(&self, owner: Owner<'_>, thread: &Thread, f: impl FnOnce(&Arranging<'_>) -> R) -> R {
        lock::with(owner, thread, || f(&Arranging { list: self, owner, thread }))
    }
}

impl Arranging<'_> {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.list.len(self.thread)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element, if there is one at this index.
    pub fn get(&self, index: usize) -> Option<Ref<'_>> {
        self.list.get(self.thread, index)
    }

    fn slot(&self, index: usize) -> Option<&Field> {
        self.list.slot_at(self.thread, index)
    }

    /// Exchanges two elements; does nothing if there aren't two.
    pub fn swap(&self, a: usize, b: usize) {
        let (Some(first), Some(second)) = (self.slot(a), self.slot(b)) else { return };
        if a == b {
            return;
        }
        // SAFETY: the two references are in both places for a moment, and then each in one: what `replace` gives back is a
        // second copy, which is forgotten. Under the lock nobody else takes either out.
        unsafe {
            let (from_first, from_second) = (std::ptr::read(first), std::ptr::read(second));
            std::mem::forget(first.replace(from_second));
            std::mem::forget(second.replace(from_first));
        }
    }

    /// Appends what was made by `owner.store`; gives it back if there is no memory.
    pub fn push(&self, field: Field) -> Result<(), Field> {
        match self.list.append_locked(self.owner, self.thread, field) {
            Some(field) => Err(field),
            None => Ok(()),
        }
    }

    /// Takes out the last element, which the caller drops when the lock is free again.
    pub fn pop(&self) -> Option<Field> {
        let last = self.len().checked_sub(1)?;
        let buffer = self.list.load();
        // SAFETY: `last` is below the length of the present buffer, which nobody else changes.
        unsafe {
            // Release, and first: as in `ListStorage::remove`.
            (*buffer).len.store(last, Ordering::Release);
            Some((*Buffer::slot(buffer, last)).replace(Field::empty()))
        }
    }

    /// Replaces an element, and gives back the old one (or the new one, if there is no such index), which the caller drops
    /// when the lock is free again.
    pub fn replace(&self, index: usize, field: Field) -> Field {
        match self.slot(index) {
            Some(slot) => slot.replace(field),
            None => field,
        }
    }
}
