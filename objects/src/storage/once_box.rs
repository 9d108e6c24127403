//! A box that is filled once, by whichever thread comes first, in one word.
//!
//! Invariants:
//! 1. The pointer goes from null to a box that is whole (Release) once, and stays until the owner is dropped.
//! 2. Who loses the race frees the box it made; nobody else has seen that one.

use orochi_core::Field;
use orochi_core::object::Trace;
use orochi_core::sync::{self, AtomicPtr, Ordering};
use std::ptr;

/// See the module.
#[derive(Debug)]
pub(crate) struct OnceBox<T>(AtomicPtr<T>);

impl<T> OnceBox<T> {
    /// Holds nothing yet.
    #[inline(always)]
    pub(crate) fn empty() -> OnceBox<T> {
        OnceBox(AtomicPtr::new(ptr::null_mut()))
    }

    /// What is there, if it is filled.
    #[inline(always)]
    pub(crate) fn get(&self) -> Option<&T> {
        // Acquire pairs with the Release in `get_or_init`. SAFETY: invariant 1.
        unsafe { self.0.load(sync::ordering("once: get", Ordering::Acquire)).as_ref() }
    }

    /// What is there, made by `make` if nothing is.
    #[inline]
    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        match self.get() {
            Some(value) => value,
            None => self.fill(Box::new(make())),
        }
    }

    #[cold]
    fn fill(&self, value: Box<T>) -> &T {
        let new = Box::into_raw(value);
        // Release pairs with the Acquire in `get`, here too for what another thread has put there.
        let order = sync::ordering("once: fill", Ordering::AcqRel);
        let filled = self.0.compare_exchange(ptr::null_mut(), new, order, Ordering::Acquire);
        // SAFETY: invariants 1 and 2.
        unsafe {
            match filled {
                Ok(_) => &*new,
                Err(theirs) => {
                    drop(Box::from_raw(new));
                    &*theirs
                }
            }
        }
    }
}

// SAFETY: visits what is there; as long as nothing is, there are no fields.
unsafe impl<T: Trace> Trace for OnceBox<T> {
    const HAS_FIELDS: bool = T::HAS_FIELDS;

    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        if let Some(value) = self.get() {
            value.trace(visit);
        }
    }
}

impl<T> Drop for OnceBox<T> {
    #[inline]
    fn drop(&mut self) {
        let value = self.0.load(Ordering::Acquire);
        if !value.is_null() {
            // SAFETY: invariant 1; nobody else refers to it any more.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

#[cfg(all(test, not(orochi_loom)))]
mod tests {
    use super::*;

    #[test]
    fn is_filled_once() {
        let cell = OnceBox::empty();
        assert!(cell.get().is_none());
        assert_eq!(*cell.get_or_init(|| 5), 5);
        assert_eq!(*cell.get_or_init(|| 6), 5);
        assert_eq!(cell.get(), Some(&5));
    }
}
