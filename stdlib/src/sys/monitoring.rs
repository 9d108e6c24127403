//! `sys.monitoring`: the numbers of events and tools. Monitoring itself isn't there yet, and says so.

use orochi_core::{Owned, Thread, Value};
use orochi_macros::pyfunction;
use orochi_objects::error::{PyResult, not_implemented_error};
use orochi_objects::types::{module, native_function};
use orochi_objects::{ModuleExt, PyModule, Ref};

/// The events and their numbers.
const EVENTS: &[(&str, i64)] = &[
    ("PY_START", 1),
    ("PY_RESUME", 1 << 1),
    ("PY_RETURN", 1 << 2),
    ("PY_YIELD", 1 << 3),
    ("CALL", 1 << 4),
    ("LINE", 1 << 5),
    ("INSTRUCTION", 1 << 6),
    ("JUMP", 1 << 7),
    ("BRANCH_LEFT", 1 << 8),
    ("BRANCH_RIGHT", 1 << 9),
    ("STOP_ITERATION", 1 << 10),
    ("RAISE", 1 << 11),
    ("EXCEPTION_HANDLED", 1 << 12),
    ("PY_UNWIND", 1 << 13),
    ("PY_THROW", 1 << 14),
    ("RERAISE", 1 << 15),
    ("C_RETURN", 1 << 16),
    ("C_RAISE", 1 << 17),
    ("BRANCH", 1 << 18),
    ("NO_EVENTS", 0),
];

/// Register a tool.
#[pyfunction]
fn use_tool_id(_thread: &mut Thread, _tool_id: Ref<'_>, _name: Ref<'_>) -> PyResult<()> {
    Err(not_implemented_error("sys.monitoring"))
}

/// Forget a tool: there is none.
#[pyfunction]
fn free_tool_id(_thread: &mut Thread, _tool_id: Ref<'_>) {}

/// The name of a tool: there is none.
#[pyfunction]
fn get_tool(_thread: &mut Thread, _tool_id: Ref<'_>) {}

/// The events that are on for a tool.
#[pyfunction]
fn get_events(_thread: &mut Thread, _tool_id: Ref<'_>) -> i64 {
    0
}

/// Switch events on.
#[pyfunction]
fn set_events(_thread: &mut Thread, _tool_id: Ref<'_>, event_set: i64) -> PyResult<()> {
    if event_set == 0 { Ok(()) } else { Err(not_implemented_error("sys.monitoring events")) }
}

/// Register a callback.
#[pyfunction]
fn register_callback(
    _thread: &mut Thread,
    _tool_id: Ref<'_>,
    _event: Ref<'_>,
    _func: Ref<'_>,
) -> PyResult<()> {
    Err(not_implemented_error("sys.monitoring callbacks"))
}

/// The namespace.
pub(super) fn create(thread: &mut Thread) -> PyResult<Owned<PyModule>> {
    let monitoring = module::new(thread, "sys.monitoring", None)?;
    let events = module::new(thread, "sys.monitoring.events", None)?;
    for (name, number) in EVENTS {
        events.add(thread, name, *number)?;
    }
    monitoring.add(thread, "events", events.into_value())?;
    for (name, number) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        monitoring.add(thread, name, i64::from(number))?;
    }
    for function in [
        &__def_use_tool_id,
        &__def_free_tool_id,
        &__def_get_tool,
        &__def_get_events,
        &__def_set_events,
        &__def_register_callback,
    ] {
        let object: Value = native_function::new(thread, function, None, None)?;
        monitoring.add(thread, function.name, object)?;
    }
    Ok(monitoring)
}
