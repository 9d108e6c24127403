//! The cycle collectors: one for what a thread keeps to itself, one for what threads share.
//!
//! Reference counts free everything but cycles. An object is garbage if all references to it come from garbage; since
//! counts are exact, that shows without looking at roots (CPython's algorithm): for each candidate take the count,
//! subtract one for every reference from another candidate, and what is left counts references from outside. Candidates with
//! such references, and all that they reach, stay; the rest is garbage.
//!
//! - [`collect_local`] looks at the local objects of one thread, found in the pages of its heap. Nobody is stopped: no
//!   shared object refers to a local one, and no other thread counts one.
//! - [`collect_shared`] looks at the shared objects of all heaps with the world stopped. References from local objects,
//!   from registers (all counted, since every thread is at a safepoint) and from native code come from outside.
//!
//! Garbage then dies in PEP 442's order: weak references are cleared and their callbacks called, finalizers run, what
//! they have resurrected (and what that reaches) is let go, and the rest is destroyed: the references within the
//! garbage are erased, so that nothing is left but the collector's own, and dropping those destroys each object in the ordinary
//! way. No type needs a `tp_clear`.
//!
//! What must hold:
//! 1. A collection runs where the thread holds `&mut Thread`, so native code has no uncounted references.
//! 2. Between nomination and destruction the collector owns a reference to each piece of garbage.
//! 3. Outside a collection the collector's byte in every header is 0, or FROZEN.
//! 4. Classes are not counted by their instances: an object that is no garbage keeps its class, and a class that is
//!    garbage waits (`condemned.rs`) until no instance is left in memory, however dead.

mod condemned;
mod exit;
mod garbage;
mod inspect;
mod order;
mod search;
mod state;
#[cfg(test)]
mod tests;

pub use exit::would_be_noticed;
pub use inspect::{
    freeze, frozen_count, growth, is_finalized, is_tracked, objects, referents, referrers, unfreeze,
};
pub use state::{Collected, GcState, LocalGc, Options, Stats};

use crate::heap::Kind;
use crate::runtime::poll;
use crate::split;
use crate::stress;
use crate::thread::Thread;
use crate::value::Value;
use crate::verify;
use garbage::Garbage;
use search::Scope;

/// Runs everything that [`Thread::next_pending`] hands out.
pub type RunPending<'a> = &'a mut dyn FnMut(&mut Thread);

/// Whether a collection is due after an alarm (`poll::COLLECT`); moves the alarm if not. To be asked at a safepoint.
pub fn is_due(thread: &Thread) -> bool {
    thread.take_poll(poll::COLLECT);
    let gc = &thread.runtime().gc;
    let live = thread.heap().usage(Kind::Container).blocks;
    let minimum = gc.minimum();
    let due = thread.gc.live_at_last().saturating_add(minimum.max(thread.gc.live_at_last() / 4));
    if !gc.is_enabled() || thread.gc.is_collecting() || minimum == 0 {
        thread.heap().set_threshold(minimum.max(1000));
        return false;
    }
    let stressed = stress::is_on(thread);
    if live < due && !stressed {
        thread.heap().set_threshold(due - live);
        return false;
    }
    true
}

/// Collects what a growing heap calls for: local objects, and shared ones if many have been published.
pub fn collect_young(thread: &mut Thread, options: Options, run: RunPending<'_>) -> Collected {
    let mut collected = collect_local(thread, options, run);
    if stress::is_on(thread) || thread.runtime().gc.shared_is_due() || thread.runtime().split.are_many() {
        collected.add(collect_shared(thread, options, run));
    }
    collected
}

/// Collects everything that can be: `gc.collect()`. Also destroys what waits in zero queues, as far as other threads
/// let it.
pub fn collect(thread: &mut Thread, options: Options, run: RunPending<'_>) -> Collected {
    thread.reclaim_now();
    run(thread);
    thread.heap().collect_remote();
    thread.heap().adopt_all();
    let mut collected = collect_local(thread, options, run);
    collected.add(collect_shared(thread, options, run));
    thread.reclaim_now();
    run(thread);
    collected
}

/// Collects cycles among the thread's local objects.
pub fn collect_local(thread: &mut Thread, options: Options, run: RunPending<'_>) -> Collected {
    if thread.gc.enter() {
        return Collected::default();
    }
    // SAFETY: local objects of this thread, which is here.
    let garbage = unsafe { Garbage::find(thread, Scope::Local) };
    let collected = finish(thread, garbage, options, run);
    leave(thread, &collected);
    collected
}

/// Ends a collection: the next one is due when what lives now has grown by a quarter.
fn leave(thread: &Thread, collected: &Collected) {
    let live = thread.heap().usage(Kind::Container).blocks;
    thread.gc.leave(live);
    thread.heap().set_threshold(thread.runtime().gc.minimum().max(live / 4).max(1));
    thread.runtime().gc.note(collected);
}

/// Collects cycles among shared objects, with the world stopped while it searches.
pub fn collect_shared(thread: &mut Thread, options: Options, run: RunPending<'_>) -> Collected {
    if thread.gc.enter() {
        return Collected::default();
    }
    condemned::release(thread);
    let garbage = thread.stop_the_world(|thread, threads| {
        // SAFETY: the world is stopped.
        unsafe {
            split::fold(thread, thread.runtime(), threads);
            Garbage::find(thread, Scope::Shared)
        }
    });
    thread.runtime().gc.shared_collected(garbage.candidates());
    let collected = finish(thread, garbage, options, run);
    leave(thread, &collected);
    collected
}

/// Finalizes garbage and destroys what of it stays garbage.
fn finish(thread: &mut Thread, mut garbage: Garbage, options: Options, run: RunPending<'_>) -> Collected {
    let mut collected = Collected { candidates: garbage.candidates(), ..Collected::default() };
    if let Some(report) = options.report {
        garbage.for_each(report);
    }
    if garbage.queue_finalizers(thread) {
        run(thread);
    }
    let scope = garbage.scope();
    if options.save_all {
        collected.found = garbage.len();
        collected.kept = garbage.into_values();
        return collected;
    }
    match scope {
        // SAFETY: local objects of this thread, which is here.
        Scope::Local => unsafe { garbage.settle(thread) },
        Scope::Shared => thread.stop_the_world(|thread, threads| {
            // SAFETY: the world is stopped.
            unsafe {
                split::fold(thread, thread.runtime(), threads);
                garbage.settle(thread);
            }
        }),
    }
    collected.found = garbage.len();
    thread.runtime().gc.condemned.add(garbage.take_classes());
    // Nothing refers to the garbage now but `garbage` itself.
    if scope == Scope::Shared {
        destroy_shared(thread, garbage.into_values());
        condemned::release(thread);
    } else {
        drop(garbage);
    }
    verify::after_collection(thread);
    run(thread);
    collected
}

/// Drops shared garbage. It waits in the zero queue for a moment: not all at once.
fn destroy_shared(thread: &mut Thread, mut garbage: Vec<Value>) {
    const BATCH: usize = 4096;
    loop {
        garbage.truncate(garbage.len().saturating_sub(BATCH));
        thread.reclaim_now();
        if garbage.is_empty() {
            return;
        }
    }
}
