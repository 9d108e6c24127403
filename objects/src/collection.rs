//! Collections of cyclic garbage as Python programs see them: callbacks, `gc.garbage`, debugging flags and statistics
//! around the runtime's collectors.
//!
//! The collectors have no generations that a program could name. A collection of generation 0 or 1 is one of the thread's
//! own objects, one of generation 2 is of everything.

use crate::error::PyResult;
use crate::thread::ThreadState;
use crate::types::dict::{self, DictExt};
use crate::types::list::{self, PyList};
use crate::{finalize, int, name, protocol, str};
use orochi_core::gc::{self, Collected, Options};
use orochi_core::sync::{AtomicU32, AtomicU64, Ordering};
use orochi_core::{AtomicField, Ref, Thread, Value};
use orochi_macros::Trace;
use std::io::Write;
use std::time::Instant;

/// Print statistics during a collection.
pub const DEBUG_STATS: u32 = 1;
/// Print the garbage that is found.
pub const DEBUG_COLLECTABLE: u32 = 2;
/// Print garbage that can't be destroyed. There is none.
pub const DEBUG_UNCOLLECTABLE: u32 = 4;
/// Keep garbage in `gc.garbage`.
pub const DEBUG_SAVEALL: u32 = 32;

/// How many generations `gc` speaks of.
pub const GENERATIONS: usize = 3;

/// What an interpreter's programs have asked of collections.
///
/// The numbers are read and written Relaxed: settings and statistics, which order nothing.
#[derive(Trace)]
pub struct Collections {
    /// `gc.callbacks`.
    pub callbacks: AtomicField,
    /// `gc.garbage`.
    pub garbage: AtomicField,
    /// `gc.get_debug()`.
    pub debug: AtomicU32,
    thresholds: [AtomicU32; GENERATIONS],
    /// Collections of each generation since one of the next.
    counts: [AtomicU32; GENERATIONS],
    run: [AtomicU64; GENERATIONS],
    collected: [AtomicU64; GENERATIONS],
}

impl Collections {
    /// No callbacks, no garbage.
    ///
    /// # Errors
    /// MemoryError.
    pub fn new(thread: &Thread) -> PyResult<Collections> {
        Ok(Collections {
            callbacks: AtomicField::new_local(list::new(thread, Vec::new())?.into_value()),
            garbage: AtomicField::new_local(list::new(thread, Vec::new())?.into_value()),
            debug: AtomicU32::new(0),
            thresholds: [2000, 10, 10].map(AtomicU32::new),
            counts: Default::default(),
            run: Default::default(),
            collected: Default::default(),
        })
    }

    /// `gc.get_threshold()`. Only the first number is heeded, and that by the runtime.
    pub fn thresholds(&self) -> [i32; GENERATIONS] {
        [0, 1, 2].map(|i: usize| self.thresholds[i].load(Ordering::Relaxed).cast_signed())
    }

    /// Notes thresholds.
    pub fn set_thresholds(&self, thresholds: [i32; GENERATIONS]) {
        for (to, from) in self.thresholds.iter().zip(thresholds) {
            to.store(from.cast_unsigned(), Ordering::Relaxed);
        }
    }

    /// How often each younger generation was collected since this one was: `gc.get_count()` from its second number on.
    pub fn count(&self, generation: usize) -> u32 {
        self.counts.get(generation).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Collections run of a generation, and the objects that they destroyed.
    pub fn stats(&self, generation: usize) -> (u64, u64) {
        let number = |numbers: &[AtomicU64]| numbers.get(generation).map_or(0, |n| n.load(Ordering::Relaxed));
        (number(&self.run), number(&self.collected))
    }

    fn note(&self, generation: usize, collected: usize) {
        for count in self.counts.iter().take(generation + 1) {
            count.store(0, Ordering::Relaxed);
        }
        if let Some(count) = self.counts.get(generation + 1) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if let (Some(run), Some(total)) = (self.run.get(generation), self.collected.get(generation)) {
            run.fetch_add(1, Ordering::Relaxed);
            total.fetch_add(collected as u64, Ordering::Relaxed);
        }
    }
}

/// Collects if the heap's growth calls for it. Called at safepoints, after an alarm.
pub fn collect_if_due(thread: &mut Thread) {
    if gc::is_due(thread) {
        run(thread, 0, |thread, options| gc::collect_young(thread, options, &mut finalize::run_pending));
    }
}

/// `gc.collect(generation)`: how many objects were garbage.
pub fn collect(thread: &mut Thread, generation: usize) -> usize {
    run(thread, generation, |thread, options| {
        if generation + 1 < GENERATIONS {
            gc::collect_local(thread, options, &mut finalize::run_pending)
        } else {
            gc::collect(thread, options, &mut finalize::run_pending)
        }
    })
}

/// Runs a collection between its callbacks. One that a callback or finalizer asks for is left out.
fn run(
    thread: &mut Thread,
    generation: usize,
    collect: impl FnOnce(&mut Thread, Options) -> Collected,
) -> usize {
    if std::mem::replace(&mut ThreadState::of(thread).is_collecting, true) {
        return 0;
    }
    let debug = ThreadState::of(thread).interpreter.collections.debug.load(Ordering::Relaxed);
    let options = Options {
        save_all: debug & DEBUG_SAVEALL != 0,
        report: if debug & DEBUG_COLLECTABLE != 0 { Some(report) } else { None },
    };
    call_back(thread, "start", generation, 0);
    let before = Instant::now();
    if debug & DEBUG_STATS != 0 {
        write(&format!("gc: collecting generation {generation}...\n"));
    }
    let Collected { found, kept, .. } = collect(thread, options);
    if debug & DEBUG_STATS != 0 {
        let elapsed = before.elapsed().as_secs_f64();
        write(&format!("gc: done, {found} unreachable, 0 uncollectable, {elapsed:.4}s elapsed\n"));
    }
    ThreadState::of(thread).interpreter.collections.note(generation, found - kept.len().min(found));
    keep(thread, kept);
    call_back(thread, "stop", generation, found);
    ThreadState::of(thread).is_collecting = false;
    found
}

/// Puts garbage into `gc.garbage`, as far as there is memory.
fn keep(thread: &mut Thread, garbage: Vec<Value>) {
    let Some(list) = ThreadState::of(thread).interpreter.collections.garbage.get(thread) else { return };
    let Some(list) = list.get().downcast::<PyList>() else { return };
    for object in garbage {
        if list::push(thread, list, object).is_err() {
            return;
        }
    }
}

fn call_back(thread: &mut Thread, phase: &str, generation: usize, collected: usize) {
    let callbacks = ThreadState::of(thread).interpreter.collections.callbacks.get(thread);
    let Some(callbacks) = callbacks.as_ref().and_then(|list| list.get().downcast::<PyList>()) else { return };
    let Ok(callbacks) = list::values(thread, callbacks) else { return };
    for callback in callbacks {
        if let Err(error) = call_one(thread, callback.get(), phase, (generation, collected)) {
            let message = "Exception ignored while calling GC callback";
            finalize::unraisable(thread, error, Some(message), callback.get());
        }
    }
}

fn call_one(
    thread: &mut Thread,
    callback: Ref<'_>,
    phase: &str,
    (generation, collected): (usize, usize),
) -> PyResult<()> {
    let info = dict::new(thread)?;
    let number = |thread: &Thread, n: usize| int::new(thread, i64::try_from(n).unwrap_or(i64::MAX));
    for (name, n) in
        [(name!("generation"), generation), (name!("collected"), collected), (name!("uncollectable"), 0)]
    {
        let n = number(thread, n)?;
        info.set_str(thread, name, n)?;
    }
    let phase = str::new(thread, phase)?;
    protocol::call(thread, callback, &[phase.get(), info.get()]).map(drop)
}

fn report(object: Ref<'_>) {
    let class = crate::class_of(object).full_name();
    let address = object.header().map_or(0, |header| std::ptr::from_ref(header).addr());
    write(&format!("gc: collectable <{class} {address:#x}>\n"));
}

/// To the process's standard error: no Python code may run in the middle of a collection.
fn write(text: &str) {
    // Nobody is there to be told that standard error is closed.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
