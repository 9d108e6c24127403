//! `gc`: the collectors of cyclic garbage, their settings, and looking at the heap.

use orochi_core::gc as collector;
use orochi_core::sync::Ordering;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::collection::{self, GENERATIONS};
use orochi_objects::error::{type_error, value_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::list;
use orochi_objects::{
    ArgSlice, Args, DictExt, IntoPy, ModuleExt, Obj, PyModule, PyResult, Ref, Thread, Value, class_of, int,
    name, tuple,
};

/// Enable automatic garbage collection.
#[pyfunction]
#[signature()]
fn enable(thread: &mut Thread) {
    thread.runtime().gc.set_enabled(true);
}

/// Disable automatic garbage collection.
#[pyfunction]
#[signature()]
fn disable(thread: &mut Thread) {
    thread.runtime().gc.set_enabled(false);
}

/// Returns true if automatic garbage collection is enabled.
#[pyfunction]
#[signature()]
fn isenabled(thread: &mut Thread) -> bool {
    thread.runtime().gc.is_enabled()
}

/// Run the garbage collector.
///
/// With no arguments, run a full collection.  The optional argument
/// may be an integer specifying which generation to collect.  A ValueError
/// is raised if the generation number is invalid.
///
/// The number of unreachable objects is returned.
#[pyfunction]
#[signature(generation = 2)]
fn collect(thread: &mut Thread, generation: i32) -> PyResult<usize> {
    match usize::try_from(generation) {
        Ok(generation) if generation < GENERATIONS => Ok(collection::collect(thread, generation)),
        _ => Err(value_error("invalid generation")),
    }
}

/// Set the garbage collection debugging flags.
///
///   flags
///     An integer that can have the following bits turned on:
///       DEBUG_STATS - Print statistics during collection.
///       DEBUG_COLLECTABLE - Print collectable objects found.
///       DEBUG_UNCOLLECTABLE - Print unreachable but uncollectable objects
///         found.
///       DEBUG_SAVEALL - Save objects to gc.garbage rather than freeing them.
///       DEBUG_LEAK - Debug leaking programs (everything but STATS).
///
/// Debugging information is written to sys.stderr.
#[pyfunction]
fn set_debug(thread: &mut Thread, flags: i32) {
    // Relaxed: a setting.
    let debug = &ThreadState::of(thread).interpreter.collections.debug;
    debug.store(flags.cast_unsigned(), Ordering::Relaxed);
}

/// Get the garbage collection debugging flags.
#[pyfunction]
#[signature()]
fn get_debug(thread: &mut Thread) -> i32 {
    // Relaxed: a setting.
    ThreadState::of(thread).interpreter.collections.debug.load(Ordering::Relaxed).cast_signed()
}

/// set_threshold(threshold0, [threshold1, [threshold2]])
/// Set the collection thresholds (the collection frequency).
///
/// Setting 'threshold0' to zero disables collection.
#[pyfunction]
#[no_text_signature]
fn set_threshold(thread: &mut Thread, args: Args<'_>) -> PyResult<()> {
    if !(1..=GENERATIONS).contains(&args.len()) || args.keyword_count() != 0 {
        return Err(type_error("gc.set_threshold requires 1 to 3 arguments"));
    }
    let mut thresholds = ThreadState::of(thread).interpreter.collections.thresholds();
    for (threshold, given) in thresholds.iter_mut().zip(args.iter()) {
        let given = int::index_i64(thread, given)?;
        *threshold = i32::try_from(given)
            .map_err(|_| orochi_objects::error::overflow_error("signed integer is out of range"))?;
    }
    ThreadState::of(thread).interpreter.collections.set_thresholds(thresholds);
    thread.runtime().gc.set_threshold(usize::try_from(thresholds[0]).unwrap_or(0));
    Ok(())
}

/// Return the current collection thresholds.
#[pyfunction]
#[signature()]
fn get_threshold(thread: &mut Thread) -> PyResult {
    let thresholds = ThreadState::of(thread).interpreter.collections.thresholds();
    let mut values = Vec::with_capacity(GENERATIONS);
    for threshold in thresholds {
        values.push(int::new(thread, threshold.into())?);
    }
    Ok(tuple::new(thread, values)?.into_value())
}

/// Return a three-tuple of the current collection counts.
#[pyfunction]
#[signature()]
fn get_count(thread: &mut Thread) -> PyResult {
    let counts = &ThreadState::of(thread).interpreter.collections;
    let (first, second) = (counts.count(1), counts.count(2));
    let counts = [collector::growth(thread) as u64, first.into(), second.into()];
    let mut values = Vec::with_capacity(GENERATIONS);
    for count in counts {
        values.push(count.into_py(thread)?);
    }
    Ok(tuple::new(thread, values)?.into_value())
}

/// Return a list of dictionaries containing per-generation statistics.
#[pyfunction]
#[signature()]
fn get_stats(thread: &mut Thread) -> PyResult {
    let mut stats = Vec::with_capacity(GENERATIONS);
    for generation in 0..GENERATIONS {
        let (run, collected) = ThreadState::of(thread).interpreter.collections.stats(generation);
        let entry = dict::new(thread)?;
        for (name, number) in
            [(name!("collections"), run), (name!("collected"), collected), (name!("uncollectable"), 0)]
        {
            let number = number.into_py(thread)?;
            entry.set_str(thread, name, number)?;
        }
        stats.push(entry.into_value());
    }
    Ok(list::new(thread, stats)?.into_value())
}

/// Return a list of objects tracked by the collector (excluding the list returned).
///
///   generation
///     Generation to extract the objects from.
///
/// If generation is not None, return only the objects tracked by the
/// collector that are in that generation.
#[pyfunction]
#[signature(generation=None)]
fn get_objects(thread: &mut Thread, generation: Option<Ref<'_>>) -> PyResult {
    let generation: i64 = match generation {
        None => {
            let objects = collector::objects(thread);
            return Ok(list::new(thread, objects)?.into_value());
        }
        Some(generation) => int::index_i64(thread, generation).map_err(|error| {
            let given = class_of(generation).name();
            let is_type = error.matches(&orochi_objects::types::exception::TypeError);
            if is_type {
                type_error(format!("argument should be integer or None, not '{given}'"))
            } else {
                error
            }
        })?,
    };
    match usize::try_from(generation) {
        Err(_) => Err(value_error("generation parameter cannot be negative")),
        // All objects that lasted until anyone asks are in the oldest generation.
        Ok(generation) if generation < GENERATIONS - 1 => Ok(list::new(thread, Vec::new())?.into_value()),
        Ok(generation) if generation < GENERATIONS => {
            let objects = collector::objects(thread);
            Ok(list::new(thread, objects)?.into_value())
        }
        Ok(_) => Err(value_error(format!(
            "generation parameter must be less than the number of available generations ({GENERATIONS})"
        ))),
    }
}

/// Return the list of objects that directly refer to any of 'objs'.
#[pyfunction]
#[signature(*objs)]
fn get_referrers(thread: &mut Thread, objs: ArgSlice<'_>) -> PyResult {
    let targets: Vec<Ref<'_>> = objs.iter().collect();
    let mut found = collector::referrers(thread, &targets);
    // What a running generator or coroutine refers to lies in the thread's registers.
    let running = ThreadState::of(thread).frames.iter().filter(|frame| frame.holds(&targets));
    found.extend(running.filter_map(|frame| frame.generator()).map(Obj::to_value));
    Ok(list::new(thread, found)?.into_value())
}

/// Return the list of objects that are directly referred to by 'objs'.
#[pyfunction]
#[signature(*objs)]
fn get_referents(thread: &mut Thread, objs: ArgSlice<'_>) -> PyResult {
    let mut found = Vec::new();
    for object in objs.iter() {
        if !collector::is_tracked(object) {
            continue;
        }
        match orochi_objects::class::exactly::<PyDict>(object) {
            // Keys of dicts that the collector has no interest in are referents too.
            Some(dict) => {
                for entry in dict::entries(thread, dict)? {
                    found.extend([entry.key, entry.value]);
                }
            }
            None => found.extend(collector::referents(thread, &object.to_owned())),
        }
    }
    Ok(list::new(thread, found)?.into_value())
}

/// Returns true if the object is tracked by the garbage collector.
///
/// Simple atomic objects will return false.
#[pyfunction]
fn is_tracked(obj: Ref<'_>) -> bool {
    collector::is_tracked(obj)
}

/// Returns true if the object has been already finalized by the GC.
#[pyfunction]
fn is_finalized(obj: Ref<'_>) -> bool {
    collector::is_finalized(obj)
}

/// Freeze all current tracked objects and ignore them for future collections.
///
/// This can be used before a POSIX fork() call to make the gc copy-on-write
/// friendly.
/// Note: collection before a POSIX fork() call may free pages for future
/// allocation which can cause copy-on-write.
#[pyfunction]
#[signature()]
fn freeze(thread: &mut Thread) {
    collector::freeze(thread);
}

/// Unfreeze all objects in the permanent generation.
///
/// Put all objects in the permanent generation back into oldest generation.
#[pyfunction]
#[signature()]
fn unfreeze(thread: &mut Thread) {
    collector::unfreeze(thread);
}

/// Return the number of objects in the permanent generation.
#[pyfunction]
#[signature()]
fn get_freeze_count(thread: &mut Thread) -> usize {
    collector::frozen_count(thread)
}

/// This module provides access to the garbage collector for reference cycles.
///
/// enable() -- Enable automatic garbage collection.
/// disable() -- Disable automatic garbage collection.
/// isenabled() -- Returns true if automatic collection is enabled.
/// collect() -- Do a full collection right now.
/// get_count() -- Return the current collection counts.
/// get_stats() -- Return list of dictionaries containing per-generation stats.
/// set_debug() -- Set debugging flags.
/// get_debug() -- Get debugging flags.
/// set_threshold() -- Set the collection thresholds.
/// get_threshold() -- Return the current collection thresholds.
/// get_objects() -- Return a list of all objects tracked by the collector.
/// is_tracked() -- Returns true if a given object is tracked.
/// is_finalized() -- Returns true if a given object has been already finalized.
/// get_referrers() -- Return the list of objects that refer to an object.
/// get_referents() -- Return the list of objects that an object refers to.
/// freeze() -- Freeze all tracked objects and ignore them for future collections.
/// unfreeze() -- Unfreeze all objects in the permanent generation.
/// get_freeze_count() -- Return the number of objects in the permanent generation.
#[pymodule(
    name = "gc",
    functions(
        enable,
        disable,
        isenabled,
        collect,
        set_debug,
        get_debug,
        set_threshold,
        get_threshold,
        get_count,
        get_stats,
        get_objects,
        get_referrers,
        get_referents,
        is_tracked,
        is_finalized,
        freeze,
        unfreeze,
        get_freeze_count
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    let collections = &ThreadState::of(thread).interpreter.collections;
    let (callbacks, garbage) = (collections.callbacks.get(thread), collections.garbage.get(thread));
    module.add(thread, "callbacks", callbacks.unwrap_or(Value::NONE))?;
    module.add(thread, "garbage", garbage.unwrap_or(Value::NONE))?;
    let leak = collection::DEBUG_COLLECTABLE | collection::DEBUG_UNCOLLECTABLE | collection::DEBUG_SAVEALL;
    for (name, flag) in [
        ("DEBUG_STATS", collection::DEBUG_STATS),
        ("DEBUG_COLLECTABLE", collection::DEBUG_COLLECTABLE),
        ("DEBUG_UNCOLLECTABLE", collection::DEBUG_UNCOLLECTABLE),
        ("DEBUG_SAVEALL", collection::DEBUG_SAVEALL),
        ("DEBUG_LEAK", leak),
    ] {
        module.add(thread, name, flag)?;
    }
    Ok(())
}
