//! Garbage: nominated, finalized, settled, destroyed.

use super::search::{Scope, Search, is_class};
use crate::header::{FINALIZED, HAS_WEAKREFS, Header};
use crate::object::trace_object;
use crate::sync::Ordering;
use crate::thread::{Pending, Thread};
use crate::value::{Ref, Value};
use crate::weak;
use crate::word::{self, Word};
use std::ptr::NonNull;

/// Objects that only garbage refers to, each owned once more by the collector.
pub(super) struct Garbage {
    scope: Scope,
    objects: Vec<Value>,
    candidates: usize,
}

impl Garbage {
    /// Searches all objects in scope, and clears weak references to what it finds (queueing the callbacks of weak
    /// references that are no garbage themselves).
    ///
    /// # Safety
    /// The thread is the current one, and for shared objects the world is stopped.
    pub(super) unsafe fn find(thread: &Thread, scope: Scope) -> Garbage {
        let mut candidates = Vec::new();
        // SAFETY: the caller's contract.
        unsafe {
            scope.for_each(thread, |object| candidates.push(object));
            let mut search = Search::new(scope);
            for object in &candidates {
                search.nominate(*object, 0);
            }
            if scope == Scope::Shared {
                search.keep_classes_of_others(thread);
            }
            let objects = search_among(&mut search, &candidates);
            for object in &objects {
                let header = word::header_of(object.word());
                if header.as_ref().has_flag(HAS_WEAKREFS) {
                    weak::clear(thread, header, |weakref| !search.is_garbage(weakref));
                }
            }
            for object in &candidates {
                search.forget(*object);
            }
            Garbage { scope, objects, candidates: candidates.len() }
        }
    }

    pub(super) fn scope(&self) -> Scope {
        self.scope
    }

    pub(super) fn candidates(&self) -> usize {
        self.candidates
    }

    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Shows every object.
    pub(super) fn for_each(&self, f: fn(Ref<'_>)) {
        self.objects.iter().for_each(|object| f(object.get()));
    }

    /// Takes the classes out.
    pub(super) fn take_classes(&mut self) -> Vec<Value> {
        // SAFETY: owned, so alive.
        let is_class = |object: &mut Value| unsafe { is_class(word::header_of(object.word())) };
        self.objects.extract_if(.., is_class).collect()
    }

    pub(super) fn into_values(self) -> Vec<Value> {
        self.objects
    }

    /// Queues the finalizers that have not run, and tells whether there is anything to run.
    pub(super) fn queue_finalizers(&self, thread: &Thread) -> bool {
        for object in &self.objects {
            let (Some(header), Some(class)) = (object.get().header(), object.get().heap_class()) else {
                continue;
            };
            // Relaxed: as in `reclaim`.
            if class.fields.has_finalizer.load(Ordering::Relaxed) && header.set_flag(FINALIZED) {
                thread.push_pending(Pending::Finalizer(object.clone()));
            }
        }
        thread.has_pending()
    }

    /// Lets go of what has been resurrected, and erases the references within the rest. What is left is referred to by
    /// this collection alone.
    ///
    /// # Safety
    /// As for `find`; nothing queued by the collection is left to run.
    pub(super) unsafe fn settle(&mut self, thread: &Thread) {
        // SAFETY: the caller's contract; the objects are owned.
        unsafe {
            let mut search = Search::new(self.scope);
            let mut members: Vec<NonNull<Header>> =
                self.objects.iter().map(|object| word::header_of(object.word())).collect();
            members.retain(|object| self.scope.holds(object.as_ref()));
            for object in &members {
                search.nominate(*object, 1);
            }
            if members.iter().any(|object| is_class(*object)) {
                search.keep_classes_of_others(thread);
            }
            let garbage = search_among(&mut search, &members);
            for object in &garbage {
                let header = word::header_of(object.word());
                if header.as_ref().has_flag(HAS_WEAKREFS) {
                    weak::clear(thread, header, |_| false);
                }
                // Whatever its class has become meanwhile: nothing may see the object any more.
                header.as_ref().set_flag(FINALIZED);
            }
            for object in &garbage {
                erase_inner_references(&search, word::header_of(object.word()));
            }
            for object in &members {
                search.forget(*object);
            }
            self.objects = garbage;
        }
    }
}

/// Does the search among candidates that are nominated, and owns what turns out to be garbage.
///
/// # Safety
/// As for `Garbage::find`.
unsafe fn search_among(search: &mut Search, candidates: &[NonNull<Header>]) -> Vec<Value> {
    // SAFETY: the caller's contract; candidates are alive.
    unsafe {
        for object in candidates {
            search.subtract(*object);
        }
        search.subtract_rest();
        for object in candidates {
            search.keep_if_referenced(*object);
        }
        search.keep_reached();
        let garbage = candidates.iter().filter(|object| search.is_garbage(**object));
        garbage
            .map(|object| {
                object.as_ref().retain();
                Value::from_word(object.as_ptr() as Word)
            })
            .collect()
    }
}

/// Empties the object's fields that lead to garbage.
///
/// # Safety
/// The object is garbage, owned by the collector, as are those that it refers to.
unsafe fn erase_inner_references(search: &Search, object: NonNull<Header>) {
    // SAFETY: the caller's contract.
    unsafe {
        trace_object(object, &mut |field| {
            if let Some(target) = field.target()
                && search.is_garbage(target)
            {
                target.as_ref().forget_edge();
                field.erase();
            }
        });
    }
}
