//! Looking at the heap: what `gc.get_objects`, `get_referrers`, `get_referents` and `freeze` need.
//!
//! A thread sees its own local objects and all shared ones. The world is stopped meanwhile, so that no container
//! changes under the reader.

use super::search::{FROZEN, Scope};
use crate::header::{FINALIZED, Header};
use crate::heap::Kind;
use crate::object::trace_object;
use crate::sync::Ordering;
use crate::thread::Thread;
use crate::value::{Ref, Value};
use crate::word::{self, Word};
use std::collections::HashSet;
use std::ptr::NonNull;

/// Whether collections look at the object.
pub fn is_tracked(object: Ref<'_>) -> bool {
    let (Some(header), Some(class)) = (object.header(), object.heap_class()) else { return false };
    let fields = &class.fields;
    let is_container = fields.layout.has_fields || fields.extension_size != 0 || !class.header.is_immortal();
    is_container && !header.is_immortal()
}

/// Whether the object's finalizer has run.
pub fn is_finalized(object: Ref<'_>) -> bool {
    object.header().is_some_and(|header| header.has_flag(FINALIZED))
}

/// How many local containers the thread has more than after its last collection.
pub fn growth(thread: &Thread) -> usize {
    thread.heap().usage(Kind::Container).blocks.saturating_sub(thread.gc.live_at_last())
}

/// All container objects that the thread can see.
pub fn objects(thread: &mut Thread) -> Vec<Value> {
    let mut found = Vec::new();
    for_each_visible(thread, |object| found.push(own(object)));
    found
}

/// The container objects that refer to one of `targets`.
pub fn referrers(thread: &mut Thread, targets: &[Ref<'_>]) -> Vec<Value> {
    let targets: HashSet<Word> = targets.iter().map(|target| target.word()).collect();
    let mut found = Vec::new();
    for_each_visible(thread, |object| {
        let mut refers = false;
        // SAFETY: alive, with the world stopped.
        unsafe { trace_object(object, &mut |field| refers |= targets.contains(&field.word())) };
        if refers {
            found.push(own(object));
        }
    });
    found
}

/// What an object refers to directly.
pub fn referents(thread: &mut Thread, object: &Value) -> Vec<Value> {
    let Some(header) = object.get().header() else { return Vec::new() };
    let header = NonNull::from(header);
    thread.stop_the_world(|_, _| {
        let mut found = Vec::new();
        // SAFETY: owned by the caller, with the world stopped.
        unsafe {
            trace_object(header, &mut |field| {
                if !matches!(field.word(), word::UNBOUND | word::DELETED) {
                    found.push(Ref::from_word(field.word()).to_owned());
                }
            });
        }
        found
    })
}

/// Leaves all present objects out of later collections.
pub fn freeze(thread: &mut Thread) {
    let mut count = 0;
    for_each_visible(thread, |object| {
        // SAFETY: alive. Relaxed: with the world stopped.
        unsafe { object.as_ref() }.gc_byte().fetch_or(FROZEN, Ordering::Relaxed);
        count += 1;
    });
    thread.runtime().gc.frozen.fetch_add(count, Ordering::Relaxed);
}

/// Takes all objects into collections again.
pub fn unfreeze(thread: &mut Thread) {
    thread.stop_the_world(|thread, _| {
        // SAFETY: the world is stopped.
        unsafe {
            thread.heap().space().for_each_block(Kind::Container, |block| {
                block.cast::<Header>().as_ref().gc_byte().fetch_and(!FROZEN, Ordering::Relaxed);
            });
        }
    });
    thread.runtime().gc.frozen.store(0, Ordering::Relaxed);
}

/// How many objects were frozen.
pub fn frozen_count(thread: &Thread) -> usize {
    thread.runtime().gc.frozen.load(Ordering::Relaxed)
}

fn for_each_visible(thread: &mut Thread, mut f: impl FnMut(NonNull<Header>)) {
    thread.stop_the_world(|thread, _| {
        // SAFETY: the world is stopped.
        unsafe {
            Scope::Local.for_each(thread, &mut f);
            Scope::Shared.for_each(thread, &mut f);
        }
    });
}

fn own(object: NonNull<Header>) -> Value {
    // SAFETY: alive, with a reference left.
    unsafe { Ref::from(object.as_ref()) }.to_owned()
}
