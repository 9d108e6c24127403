//! Publication: making an object and all it reaches shared, once in its life.
//!
//! Before a reference is stored into a shared object, the object and everything it reaches are marked SHARED by plain
//! stores (they are local, so no other thread looks); the Release store of the reference then makes the marks visible
//! together with the objects. Each object is traversed at most once. Weak references count as edges, in both
//! directions: a weak reference is shared exactly when its referent is.

use crate::header::{HAS_WEAKREFS, Header};
use crate::object::{trace_object, weak_slot};
use crate::thread::{process_runtime, with_current};
use crate::value::Ref;
use crate::weak::{self, WeakSlot};
use std::ptr::NonNull;

/// Makes the object and all it reaches shared.
#[inline(always)]
pub fn publish(value: Ref<'_>) {
    if let Some(header) = value.header()
        && !header.is_fit_for_sharing()
    {
        publish_slow(NonNull::from(header));
    }
}

#[cold]
#[inline(never)]
fn publish_slow(root: NonNull<Header>) {
    // SAFETY: the caller's reference keeps the object.
    let header = unsafe { root.as_ref() };
    if header.is_shared() {
        return header.clear_sole();
    }
    let mut publication = Publication { work: Vec::new(), marked: 0 };
    publication.mark(root, false);
    while let Some(object) = publication.work.pop() {
        publication.follow(object, true);
    }
    let marked = publication.marked;
    with_current(|thread| match thread {
        Some(thread) => thread.gc.published(&thread.runtime().gc, marked),
        None => process_runtime().gc.published(marked),
    });
}

/// A traversal.
struct Publication {
    /// Objects whose references are still to be followed.
    work: Vec<NonNull<Header>>,
    marked: usize,
}

impl Publication {
    /// Marks what an object refers to. `deeper`: and follows its references at once, so that a long list of objects that refer to
    /// nothing further doesn't make the list of work as long.
    fn follow(&mut self, object: NonNull<Header>, deeper: bool) {
        // SAFETY: reached from a live object over counted edges.
        unsafe {
            trace_object(object, &mut |field| {
                if let Some(target) = field.target() {
                    self.mark(target, deeper);
                }
            });
        }
        // A weak reference is an edge for publication: whoever can reach it can reach its referent.
        // SAFETY: as above.
        if let Some(referent) = unsafe { weak_slot(object) }.and_then(WeakSlot::referent) {
            self.mark(referent, false);
        }
        // And the other way round: whoever destroys the referent must be able to clear its weak references.
        // SAFETY: as above.
        if unsafe { object.as_ref() }.has_flag(HAS_WEAKREFS) {
            weak::for_each(process_runtime(), object, |weakref| self.mark(weakref, false));
        }
    }

    fn mark(&mut self, object: NonNull<Header>, follow: bool) {
        // SAFETY: a live object that this thread can reach.
        if !unsafe { object.as_ref() }.mark_shared() {
            return;
        }
        self.marked += 1;
        if follow {
            self.follow(object, false);
        } else {
            self.work.push(object);
        }
    }
}
