//! Mutable native state inside an object, reachable only through the owner.

use crate::field::{Field, Owner};
use crate::lock::Guard;
use crate::object::{Obj, Trace};
use crate::thread::Thread;
use std::cell::UnsafeCell;

/// State that changes. `with` locks when the owner is shared and does not when it is local.
pub struct Guarded<S>(UnsafeCell<S>);

impl<S> Guarded<S> {
    /// State of an object that is just being made: its fields must come from [`Field::new_local`].
    pub fn new(state: S) -> Guarded<S> {
        Guarded(UnsafeCell::new(state))
    }

    /// Runs `f` with the state, under the owner's lock if the owner is shared.
    ///
    /// `f` can't reach a safepoint (it gets no `&mut Thread`, and `thread` is borrowed), and must not drop references:
    /// take them out and return them.
    #[inline]
    pub fn with<T, R>(&self, owner: &Obj<T>, thread: &Thread, f: impl FnOnce(&mut S, Owner<'_>) -> R) -> R {
        debug_assert!(self.lies_in(owner), "guarded state was reached through another object");
        let _guard = Guard::new(owner.header(), thread);
        // SAFETY: a local owner belongs to this thread alone, a shared one is locked; `f` can't come back here, since
        // no code that reaches this state runs without a `&mut Thread`.
        f(unsafe { &mut *self.0.get() }, Owner::of(owner.header()))
    }

    fn lies_in<T>(&self, owner: &Obj<T>) -> bool {
        let start = owner as *const Obj<T> as usize;
        let at = self as *const Guarded<S> as usize;
        at >= start && at < start + std::mem::size_of::<Obj<T>>()
    }
}

// SAFETY: visits the state. Tracing happens when the owner is local to the thread, or with the world stopped.
unsafe impl<S: Trace> Trace for Guarded<S> {
    const HAS_FIELDS: bool = S::HAS_FIELDS;

    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        // SAFETY: as above, nobody changes the state meanwhile.
        unsafe { &*self.0.get() }.trace(visit);
    }
}
