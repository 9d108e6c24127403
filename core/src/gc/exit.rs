//! Whether anybody could notice that objects die when a process ends.
//!
//! Memory goes back by itself then. What shows is finalizers and callbacks of weak references, and most programs leave nothing that
//! has any but the standard streams, which their modules keep. So the few objects that have one are sought, and then among what
//! the library's modules hold; only if some aren't there must the program's objects die, and cycles be searched. This takes one look at each object's class
//! instead of following all references.

use super::search::for_each_object;
use crate::header::{FINALIZED, Header};
use crate::object::trace_object;
use crate::thread::Thread;
use crate::value::Ref;
use crate::weak;
use crate::word;
use std::ptr::NonNull;

/// How far from the roots everything is looked at: a list of modules, the modules, their dicts, what these hold.
const DEPTH: usize = 3;

/// The objects whose end somebody would notice, and which of them are known to stay.
struct Watched {
    objects: Vec<NonNull<Header>>,
    stays: Vec<bool>,
    /// Those whose own references have not been followed.
    waiting: Vec<NonNull<Header>>,
}

impl Watched {
    fn new(mut objects: Vec<NonNull<Header>>) -> Watched {
        objects.sort_unstable();
        objects.dedup();
        Watched { stays: vec![false; objects.len()], objects, waiting: Vec::new() }
    }

    fn see(&mut self, object: NonNull<Header>) {
        if let Ok(i) = self.objects.binary_search(&object)
            && let Some(stays) = self.stays.get_mut(i)
            && !std::mem::replace(stays, true)
        {
            self.waiting.push(object);
        }
    }
}

/// Whether the end of everything but `modules`, a list, and what it leads to might run a finalizer or a callback.
pub fn would_be_noticed(thread: &mut Thread, modules: Ref<'_>) -> bool {
    let modules = modules.to_owned();
    thread.stop_the_world(|thread, _| {
        let mut objects = Vec::new();
        // SAFETY: the world is stopped; what isn't freed can be looked at.
        unsafe {
            for_each_object(thread, |object| {
                let header = object.as_ref();
                if (*header.class()).fields.has_finalizer()
                    && !header.is_dying()
                    && !header.has_flag(FINALIZED)
                {
                    objects.push(object);
                }
            });
        }
        weak::for_each_with_callback(thread, |referent| objects.push(referent));
        if objects.is_empty() {
            return false;
        }
        let mut watched = Watched::new(objects);
        let mut level: Vec<_> = modules.get().header().map(NonNull::from).into_iter().collect();
        for _ in 0..DEPTH {
            let mut next = Vec::new();
            for object in level {
                each_reference(object, |target| {
                    watched.see(target);
                    next.push(target);
                });
            }
            level = next;
        }
        while let Some(object) = watched.waiting.pop() {
            each_reference(object, |target| watched.see(target));
        }
        watched.stays.contains(&false)
    })
}

/// Calls `f` for every object that one refers to. The world is stopped and the object is alive.
fn each_reference(object: NonNull<Header>, mut f: impl FnMut(NonNull<Header>)) {
    // SAFETY: alive, and nobody changes it.
    unsafe {
        trace_object(object, &mut |field| {
            if word::is_pointer(field.word()) {
                f(word::header_of(field.word()));
            }
        });
    }
}
