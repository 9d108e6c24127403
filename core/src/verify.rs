//! The heap verifier: walks the whole heap with the world stopped and reports what can't be.
//!
//! Checked, for every object of every heap:
//! 1. no field of a shared object leads to a local one;
//! 2. no field and no register leads to freed memory or to a destroyed object;
//! 3. no local object is referred to from a page of another thread's heap;
//! 4. the count covers the references from fields and counted registers. Native code may own more, so a count may be
//!    larger than what is found; `exact` demands equality for local objects, for callers that know of no native owners.

use crate::header::{HAS_WEAKREFS, Header};
use crate::heap::{self, Kind};
use crate::object::{trace_object, weak_slot};
use crate::runtime::{ThreadShared, poll};
use crate::split;
use crate::sync::{Arc, Ordering};
use crate::thread::Thread;
use std::collections::HashMap;
use std::ptr::NonNull;

/// What the verifier has found wrong, in words; empty if nothing.
pub type Faults = Vec<String>;

/// How many safepoints (those with a reason) pass between two verifications.
const EVERY: u32 = 500;

/// How many faults are described before the rest is counted only.
const MAX_FAULTS: usize = 20;

/// Whether the environment asks for verification (`OROCHI_VERIFY=1`). Looked up once.
pub fn is_requested() -> bool {
    static REQUESTED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *REQUESTED.get_or_init(|| std::env::var_os("OROCHI_VERIFY").is_some_and(|value| value == "1"))
}

/// Verifies the heap now and then, if that is asked for.
pub(crate) fn at_safepoint(thread: &mut Thread) {
    if cfg!(orochi_stress) && thread.unverified.get().is_multiple_of(50) {
        thread.shared().request(poll::COLLECT);
    }
    if cfg!(orochi_loom) || !(is_requested() || cfg!(orochi_stress)) {
        return;
    }
    let passed = thread.unverified.get() + 1;
    if passed >= EVERY {
        check(thread);
    }
    thread.unverified.set(passed % EVERY);
}

/// Verifies the heap after something that moves much about, if that is asked for.
pub(crate) fn after_collection(thread: &mut Thread) {
    if !cfg!(orochi_loom) && is_requested() {
        check(thread);
    }
}

/// Verifies the heap and ends the process with a report if anything is wrong.
pub fn check(thread: &mut Thread) {
    let faults = verify(thread, false);
    if !faults.is_empty() {
        for fault in &faults {
            eprintln!("heap verifier: {fault}");
        }
        std::process::abort();
    }
}

/// Verifies the heap. `exact`: no native code owns a reference to a local object of this thread.
pub fn verify(thread: &mut Thread, exact: bool) -> Faults {
    thread.stop_the_world(|thread, threads| {
        // SAFETY: the world is stopped.
        unsafe { split::fold(thread, thread.runtime(), threads) };
        let mut verifier = Verifier { found: HashMap::new(), faults: Vec::new(), more: 0 };
        verifier.walk_heap(thread);
        verifier.walk_registers(threads);
        verifier.compare_counts(thread, exact);
        verifier.finish()
    })
}

struct Verifier {
    /// References found to each counted object.
    found: HashMap<NonNull<Header>, u32>,
    faults: Faults,
    more: usize,
}

impl Verifier {
    fn walk_heap(&mut self, thread: &Thread) {
        // SAFETY: the world is stopped.
        unsafe {
            thread.heap().space().for_each_block(Kind::Container, |block| {
                let object = block.cast::<Header>();
                if !object.as_ref().is_dying() {
                    self.walk_object(object);
                }
            });
        }
    }

    /// # Safety
    /// The world is stopped and the object is alive.
    unsafe fn walk_object(&mut self, object: NonNull<Header>) {
        // SAFETY: the caller's contract.
        unsafe {
            let shared = object.as_ref().is_shared();
            trace_object(object, &mut |field| {
                let Some(target) = field.target() else { return };
                if !self.is_alive(target) {
                    return self.fault(|| {
                        format!("a field of {} leads to freed memory at {target:p}", name(object))
                    });
                }
                if !target.as_ref().is_shared() {
                    if shared {
                        self.fault(|| format!("shared {} refers to local {}", name(object), name(target)));
                    } else if heap::owner_of(object.cast()) != heap::owner_of(target.cast()) {
                        self.fault(|| {
                            format!("{} refers to another thread's {}", name(object), name(target))
                        });
                    }
                }
                self.count(target);
            });
            if let Some(referent) = weak_slot(object).and_then(|slot| slot.referent())
                && self.is_alive(referent)
            {
                if shared != referent.as_ref().is_shared() {
                    self.fault(|| {
                        format!("a weak reference and its referent {} differ in sharing", name(referent))
                    });
                }
                if !referent.as_ref().has_flag(HAS_WEAKREFS) {
                    self.fault(|| format!("{} does not know of its weak reference", name(referent)));
                }
            }
        }
    }

    fn walk_registers(&mut self, threads: &[Arc<ThreadShared>]) {
        for thread in threads {
            // Acquire pairs with the Release that made the registers known.
            let stack = thread.stack.load(Ordering::Acquire);
            // SAFETY: a registered thread keeps its registers, and the world is stopped.
            let Some(stack) = (unsafe { stack.as_ref() }) else { continue };
            stack.for_each_counted(&mut |object| {
                // SAFETY: the world is stopped.
                if unsafe { self.is_alive(object) } {
                    self.count(object);
                } else {
                    self.fault(|| {
                        format!("a register of thread {} leads to freed memory at {object:p}", thread.id())
                    });
                }
            });
        }
    }

    fn compare_counts(&mut self, thread: &Thread, exact: bool) {
        for (object, found) in std::mem::take(&mut self.found) {
            // SAFETY: found alive, with the world stopped.
            let header = unsafe { object.as_ref() };
            let count = header.count();
            // SAFETY: as above.
            let ours = !header.is_shared() && unsafe { thread.heap().owns(object.cast()) };
            if found > count || (exact && ours && found != count) {
                // SAFETY: as above.
                self.fault(|| unsafe {
                    format!("{} has count {count}, but {found} references", name(object))
                });
            }
        }
    }

    fn count(&mut self, object: NonNull<Header>) {
        // SAFETY: the caller found it alive.
        if !unsafe { object.as_ref() }.is_immortal() {
            *self.found.entry(object).or_default() += 1;
        }
    }

    /// # Safety
    /// The world is stopped.
    unsafe fn is_alive(&self, object: NonNull<Header>) -> bool {
        // SAFETY: object memory is not unmapped while a page holds other blocks; freed blocks keep a tagged link in
        // the first word, and poison in debug builds.
        unsafe {
            let class = object.as_ref().class();
            !class.is_null() && class.is_aligned() && !object.as_ref().is_dying()
        }
    }

    fn fault(&mut self, describe: impl FnOnce() -> String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(describe());
        } else {
            self.more += 1;
        }
    }

    fn finish(mut self) -> Faults {
        if self.more != 0 {
            self.faults.push(format!("and {} more", self.more));
        }
        self.faults
    }
}

/// # Safety
/// The object is alive.
unsafe fn name(object: NonNull<Header>) -> String {
    // SAFETY: the caller's contract.
    let header = unsafe { object.as_ref() };
    format!("object {object:p} (class at {:p}, count word {:#x})", header.class(), header.count_word())
}
