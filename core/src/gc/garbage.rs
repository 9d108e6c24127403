//! Garbage: nominated, finalized, settled, destroyed.

use super::order::owners_first;
use super::search::{Candidates, Scope, Search, is_class};
use crate::header::{FINALIZED, HAS_WEAKREFS, Header};
use crate::object::trace_object;
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
        let candidates = Candidates::InHeap(thread);
        let mut count = 0;
        // SAFETY: the caller's contract.
        unsafe {
            let mut search = Search::new(scope);
            scope.for_each(thread, |object| {
                search.nominate(object, 0);
                count += 1;
            });
            if scope == Scope::Shared {
                search.keep_classes_of_others(thread);
            }
            search.run(candidates);
            let mut objects = Vec::new();
            candidates.for_each(scope, |object| {
                if search.is_garbage(object) {
                    object.as_ref().retain();
                    objects.push(Value::from_word(object.as_ptr() as Word));
                }
            });
            for object in &objects {
                let header = header_of(object);
                if header.as_ref().has_flag(HAS_WEAKREFS) {
                    weak::clear(thread, header, |weakref| !search.is_garbage(weakref));
                }
            }
            candidates.for_each(scope, |object| search.forget(object));
            let objects = owners_first(objects);
            Garbage { scope, objects, candidates: count }
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
        let is_class = |object: &mut Value| unsafe { is_class(header_of(object)) };
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
            if class.fields.has_finalizer() && header.set_flag(FINALIZED) {
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
            let mut resurrected: Vec<Value> =
                self.objects.extract_if(.., |object| !self.scope.holds(header_of(object).as_ref())).collect();
            for object in &self.objects {
                search.nominate(header_of(object), 1);
            }
            if self.objects.iter().any(|object| is_class(header_of(object))) {
                search.keep_classes_of_others(thread);
            }
            search.run(Candidates::Listed(&self.objects));
            for object in self.objects.extract_if(.., |object| !search.is_garbage(header_of(object))) {
                search.forget(header_of(&object));
                resurrected.push(object);
            }
            for object in &self.objects {
                let header = header_of(object);
                if header.as_ref().has_flag(HAS_WEAKREFS) {
                    weak::clear(thread, header, |_| false);
                }
                // Whatever its class has become meanwhile: nothing may see the object any more.
                header.as_ref().set_flag(FINALIZED);
            }
            for object in &self.objects {
                erase_inner_references(&search, header_of(object));
            }
            for object in &self.objects {
                search.forget(header_of(object));
            }
        }
    }
}

fn header_of(object: &Value) -> NonNull<Header> {
    word::header_of(object.word())
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
