//! The search: which of some candidates are referred to from candidates alone.
//!
//! Works on scratch words beside the objects (see the parent's rule 3). The same three steps serve the first search,
//! over all objects in scope, and the second, over the garbage of the first.

use crate::header::{Header, IMMORTAL};
use crate::heap::{self, Kind};
use crate::object::trace_object;
use crate::thread::Thread;
use std::ptr::NonNull;

/// Scratch word of an object that stays.
pub(super) const REACHED: u32 = u32::MAX;

/// Bit of the header's collector byte: the object is left out of collections (`gc.freeze`).
pub(super) const FROZEN: u8 = 1;

/// Which objects a collection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Local objects in the thread's pages.
    Local,
    /// Shared objects in all pages.
    Shared,
}

impl Scope {
    /// # Safety
    /// The thread is the current one, and for `Shared` the world is stopped until `drop_scratch`.
    pub(super) unsafe fn make_scratch(self, thread: &Thread) -> bool {
        match self {
            Scope::Local => thread.heap().make_scratch(),
            // SAFETY: the caller's contract.
            Scope::Shared => unsafe { thread.heap().space().make_scratch() },
        }
    }

    /// # Safety
    /// As for `make_scratch`.
    pub(super) unsafe fn drop_scratch(self, thread: &Thread) {
        match self {
            Scope::Local => thread.heap().drop_scratch(),
            // SAFETY: the caller's contract.
            Scope::Shared => unsafe { thread.heap().space().drop_scratch() },
        }
    }

    /// Calls `f` for each container object in scope that can be a candidate.
    ///
    /// # Safety
    /// As for `make_scratch`; `f` neither allocates nor frees objects.
    pub(super) unsafe fn for_each(self, thread: &Thread, mut f: impl FnMut(NonNull<Header>)) {
        let mut visit = |block: NonNull<u8>| {
            let object = block.cast::<Header>();
            // SAFETY: the header of a live block can be read, even while another thread frees it.
            if self.holds(unsafe { object.as_ref() }) {
                f(object);
            }
        };
        // SAFETY: the caller's contract.
        unsafe {
            match self {
                Scope::Local => thread.heap().for_each_block(Kind::Container, &mut visit),
                Scope::Shared => thread.heap().space().for_each_block(Kind::Container, &mut visit),
            }
        }
    }

    /// Whether an object is in scope, alive, counted and not frozen.
    pub(super) fn holds(self, header: &Header) -> bool {
        let word = header.count_word();
        self.matches(header)
            && !header.is_dying()
            && word & IMMORTAL == 0
            && header.count() != 0
            && header.gc_byte().load(crate::sync::Ordering::Relaxed) & FROZEN == 0
    }

    /// Whether the object is of the scope's sort.
    #[inline]
    fn matches(self, header: &Header) -> bool {
        match self {
            Scope::Local => !header.is_shared(),
            Scope::Shared => header.is_shared() && !header.is_immortal(),
        }
    }
}

/// A search under way.
pub(super) struct Search {
    pub(super) scope: Scope,
    /// Objects known to stay, whose references are still to be followed.
    work: Vec<NonNull<Header>>,
}

impl Search {
    pub(super) fn new(scope: Scope) -> Search {
        Search { scope, work: Vec::new() }
    }

    /// Makes an object a candidate. `own` references to it are the collector's.
    ///
    /// # Safety
    /// The object is alive, in scope and has a scratch word.
    pub(super) unsafe fn nominate(&self, object: NonNull<Header>, own: u32) {
        // SAFETY: the caller's contract.
        unsafe {
            let outside = object.as_ref().count() - own + 1;
            self.scratch(object, |word| *word = outside);
        }
    }

    /// Subtracts the references that a candidate holds.
    ///
    /// # Safety
    /// The object is a candidate, and all are nominated.
    pub(super) unsafe fn subtract(&self, object: NonNull<Header>) {
        // SAFETY: candidates and what they refer to are alive.
        unsafe {
            trace_object(object, &mut |field| {
                let Some(target) = field.target() else { return };
                self.scratch_in_scope(target, |word| {
                    if *word > 1 && *word != REACHED {
                        *word -= 1;
                    }
                });
            });
        }
    }

    /// Keeps a candidate that has references from outside, with all that it reaches.
    ///
    /// # Safety
    /// The object is a candidate, and all references among candidates are subtracted.
    pub(super) unsafe fn keep_if_referenced(&mut self, object: NonNull<Header>) {
        // SAFETY: candidates and what they refer to are alive.
        unsafe {
            if self.scratch(object, |word| *word > 1 && *word != REACHED) == Some(true) || is_class(object) {
                self.keep(object);
            }
        }
    }

    /// Whether an object has turned out to be garbage.
    ///
    /// # Safety
    /// As for `nominate`, and `keep_if_referenced` was called for all candidates.
    pub(super) unsafe fn is_garbage(&self, object: NonNull<Header>) -> bool {
        // SAFETY: the caller's contract.
        unsafe { self.scratch_in_scope(object, |word| *word == 1) == Some(true) }
    }

    unsafe fn keep(&mut self, object: NonNull<Header>) {
        // SAFETY: the caller's contract, and what an object refers to is alive.
        unsafe {
            self.reach(object);
            while let Some(object) = self.work.pop() {
                trace_object(object, &mut |field| {
                    if let Some(target) = field.target() {
                        self.reach(target);
                    }
                });
            }
        }
    }

    unsafe fn reach(&mut self, object: NonNull<Header>) {
        // SAFETY: the caller's contract.
        let first = unsafe {
            self.scratch_in_scope(object, |word| {
                let first = *word != 0 && *word != REACHED;
                if first {
                    *word = REACHED;
                }
                first
            })
        };
        if first == Some(true) {
            self.work.push(object);
        }
    }

    unsafe fn scratch<R>(&self, object: NonNull<Header>, f: impl FnOnce(&mut u32) -> R) -> Option<R> {
        // SAFETY: the caller's contract: a live object of the heap, in pages that this thread may use.
        unsafe { heap::with_scratch(object.cast(), f) }
    }

    /// The same for an object that may be out of scope, even outside the heap.
    unsafe fn scratch_in_scope<R>(
        &self,
        object: NonNull<Header>,
        f: impl FnOnce(&mut u32) -> R,
    ) -> Option<R> {
        // SAFETY: the caller's contract.
        unsafe { if self.scope.matches(object.as_ref()) { self.scratch(object, f) } else { None } }
    }
}

/// Whether the object is a class: its own class's instances are laid out as classes are, since that class's class's are.
unsafe fn is_class(object: NonNull<Header>) -> bool {
    // SAFETY: classes outlive their instances.
    unsafe {
        let class = &*object.as_ref().class();
        let metaclass = &*class.header.class();
        std::ptr::eq(class.fields.layout, metaclass.fields.layout)
    }
}
