//! `sys.monitoring` (PEP 669): what programs ask of `orochi_objects::monitoring`.

use orochi_core::{Owned, Thread, Value};
use orochi_macros::pyfunction;
use orochi_objects::error::{PyResult, type_error, value_error};
use orochi_objects::monitoring::{self as state, EVENTS, Event, LOCAL, NAMES, TOOLS};
use orochi_objects::thread::{PyInterpreter, ThreadState};
use orochi_objects::types::code::PyCode;
use orochi_objects::types::object::PyObject;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{dict, int, module, native_function, simple_namespace};
use orochi_objects::{DictExt, ModuleExt, Obj, PyModule, Ref, str};

/// What stands for both events of a conditional jump.
const BRANCH: u32 = 1 << EVENTS;
const BRANCHES: u32 = Event::BranchLeft.bit() | Event::BranchRight.bit();
const CALL_ENDS: u32 = Event::CReturn.bit() | Event::CRaise.bit();

fn interpreter(thread: &Thread) -> Owned<PyInterpreter> {
    ThreadState::of(thread).interpreter.clone()
}

fn tool(id: i32) -> PyResult<usize> {
    match usize::try_from(id) {
        Ok(tool) if tool < TOOLS => Ok(tool),
        _ => Err(value_error(format!("invalid tool {id} (must be between 0 and {})", TOOLS - 1))),
    }
}

fn tool_in_use(thread: &Thread, id: i32) -> PyResult<usize> {
    let tool = tool(id)?;
    match state::of(thread).name(thread, tool) {
        Some(_) => Ok(tool),
        None => Err(value_error(format!("tool {id} is not in use"))),
    }
}

fn code_object<'a>(code: Ref<'a>) -> PyResult<&'a Obj<PyCode>> {
    code.downcast().ok_or_else(|| type_error("code must be a code object"))
}

/// A set of events as it is kept: how calls end goes with the calls.
fn set_of(events: i32, possible: u32, what: &str) -> PyResult<u32> {
    let mut set = events.cast_unsigned();
    if possible != LOCAL && events < 0 {
        return Err(value_error(format!("invalid {what} 0x{set:x}")));
    }
    if set & BRANCH != 0 {
        set = set & !BRANCH | BRANCHES;
    }
    if set & CALL_ENDS != 0 {
        if set & Event::Call.bit() == 0 {
            return Err(value_error("cannot set C_RETURN or C_RAISE events independently"));
        }
        set &= !CALL_ENDS;
    }
    if set & !possible != 0 {
        return Err(value_error(format!("invalid {what} 0x{set:x}")));
    }
    Ok(set)
}

/// Gives a tool a name, unless it has one.
pub(crate) fn use_tool(thread: &mut Thread, id: i32, name: Ref<'_>) -> PyResult<()> {
    let tool = tool(id)?;
    if name.downcast::<PyStr>().is_none() {
        return Err(value_error("tool name must be a str"));
    }
    let interpreter = interpreter(thread);
    match state::use_tool(&interpreter, thread, tool, name) {
        true => Ok(()),
        false => Err(value_error(format!("tool {id} is already in use"))),
    }
}

#[pyfunction]
#[signature(tool_id, name, /)]
fn use_tool_id(thread: &mut Thread, tool_id: i32, name: Ref<'_>) -> PyResult<()> {
    use_tool(thread, tool_id, name)
}

#[pyfunction]
#[signature(tool_id, /)]
fn clear_tool_id(thread: &mut Thread, tool_id: i32) -> PyResult<()> {
    let tool = tool(tool_id)?;
    if state::of(thread).name(thread, tool).is_some() {
        let interpreter = interpreter(thread);
        state::clear_tool(&interpreter, thread, tool);
    }
    Ok(())
}

/// Takes everything from a tool.
pub(crate) fn free_tool(thread: &mut Thread, id: i32) -> PyResult<()> {
    let tool = tool(id)?;
    if state::of(thread).name(thread, tool).is_some() {
        let interpreter = interpreter(thread);
        state::free_tool(&interpreter, thread, tool);
    }
    Ok(())
}

#[pyfunction]
#[signature(tool_id, /)]
fn free_tool_id(thread: &mut Thread, tool_id: i32) -> PyResult<()> {
    free_tool(thread, tool_id)
}

#[pyfunction]
#[signature(tool_id, /)]
fn get_tool(thread: &mut Thread, tool_id: i32) -> PyResult<Option<Value>> {
    let tool = tool(tool_id)?;
    Ok(state::of(thread).name(thread, tool))
}

/// Sets a tool's callback for the one event with this bit, and gives the old one.
pub(crate) fn set_callback(
    thread: &mut Thread,
    id: i32,
    event: i32,
    callback: Option<Value>,
) -> PyResult<Option<Value>> {
    let tool = tool(id)?;
    let bits = event.cast_unsigned();
    if bits.count_ones() != 1 {
        return Err(value_error("The callback can only be set for one event at a time"));
    }
    let interpreter = interpreter(thread);
    let mut set =
        |event: Event| state::set_callback(&interpreter, thread, tool, event as usize, callback.clone());
    if bits & (BRANCH | BRANCHES) != 0 {
        interpreter.monitoring.set_one_for_branches(tool, bits == BRANCH);
    }
    if bits == BRANCH {
        let _ = set(Event::BranchLeft);
        return Ok(set(Event::BranchRight));
    }
    let number = bits.trailing_zeros() as usize;
    if number >= EVENTS {
        return Err(value_error(format!("invalid event {event}")));
    }
    Ok(state::set_callback(&interpreter, thread, tool, number, callback))
}

#[pyfunction]
#[signature(tool_id, event, func, /)]
fn register_callback(
    thread: &mut Thread,
    tool_id: i32,
    event: i32,
    func: Ref<'_>,
) -> PyResult<Option<Value>> {
    set_callback(thread, tool_id, event, (!func.is_none()).then(|| func.to_owned()))
}

#[pyfunction]
#[signature(tool_id, /)]
fn get_events(thread: &mut Thread, tool_id: i32) -> PyResult<u32> {
    let tool = tool(tool_id)?;
    Ok(state::of(thread).events(tool))
}

/// Sets the events that a tool has everywhere.
pub(crate) fn set_events_everywhere(thread: &mut Thread, id: i32, events: i32) -> PyResult<()> {
    tool(id)?;
    let set = set_of(events, (1 << EVENTS) - 1, "event set")?;
    let tool = tool_in_use(thread, id)?;
    state::of(thread).set_events(thread, tool, set);
    orochi_vm::tracing::events_changed(thread);
    Ok(())
}

#[pyfunction]
#[signature(tool_id, event_set, /)]
fn set_events(thread: &mut Thread, tool_id: i32, event_set: i32) -> PyResult<()> {
    set_events_everywhere(thread, tool_id, event_set)
}

#[pyfunction]
#[signature(tool_id, code, /)]
fn get_local_events(thread: &mut Thread, tool_id: i32, code: Ref<'_>) -> PyResult<u32> {
    let code = code_object(code)?;
    let tool = tool(tool_id)?;
    Ok(state::of(thread).events_of(code).get(tool).copied().unwrap_or(0))
}

#[pyfunction]
#[signature(tool_id, code, event_set, /)]
fn set_local_events(thread: &mut Thread, tool_id: i32, code: Ref<'_>, event_set: i32) -> PyResult<()> {
    let code = code_object(code)?;
    tool(tool_id)?;
    let set = set_of(event_set, LOCAL, "local event set")?;
    let tool = tool_in_use(thread, tool_id)?;
    state::of(thread).set_events_of(thread, tool, code, set);
    orochi_vm::tracing::events_changed(thread);
    Ok(())
}

#[pyfunction]
fn restart_events(thread: &mut Thread) {
    state::of(thread).restart(thread);
}

/// The tools, as a set of bits, of each event that is on everywhere.
#[pyfunction]
fn _all_events(thread: &mut Thread) -> PyResult {
    let all = dict::new(thread)?;
    let sets = state::of(thread).all_events();
    for (number, name) in NAMES.iter().enumerate().take(EVENTS) {
        let tools = sets.iter().enumerate().map(|(tool, set)| i64::from(set >> number & 1) << tool).sum();
        if tools != 0 {
            let name = str::intern(thread, name)?;
            let tools = int::new(thread, tools)?;
            all.set_str(thread, name, tools)?;
        }
    }
    Ok(all.into_value())
}

/// The namespace of the events' numbers.
fn events(thread: &mut Thread) -> PyResult {
    let numbers = dict::new(thread)?;
    let named = NAMES.iter().enumerate().map(|(number, name)| (*name, 1 << number));
    for (name, number) in named.chain([("NO_EVENTS", 0)]) {
        let name = str::intern(thread, name)?;
        let number = int::new(thread, number)?;
        numbers.set_str(thread, name, number)?;
    }
    simple_namespace::new(thread, &numbers)
}

/// The namespace.
pub(super) fn create(thread: &mut Thread) -> PyResult<Owned<PyModule>> {
    let monitoring = module::new(thread, "sys.monitoring", None)?;
    let events = events(thread)?;
    monitoring.add(thread, "events", events)?;
    for (name, number) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        monitoring.add(thread, name, i64::from(number))?;
    }
    let interpreter = interpreter(thread);
    for (name, field) in
        [("DISABLE", &interpreter.monitoring.disable), ("MISSING", &interpreter.monitoring.missing)]
    {
        let object = orochi_objects::make(thread, PyObject {})?.into_value();
        drop(field.swap(&*interpreter, thread, Some(object.clone())));
        monitoring.add(thread, name, object)?;
    }
    for function in [
        &__def_use_tool_id,
        &__def_clear_tool_id,
        &__def_free_tool_id,
        &__def_get_tool,
        &__def_register_callback,
        &__def_get_events,
        &__def_set_events,
        &__def_get_local_events,
        &__def_set_local_events,
        &__def_restart_events,
        &__def__all_events,
    ] {
        let object: Value = native_function::new(thread, function, None, None)?;
        monitoring.add(thread, function.name, object)?;
    }
    Ok(monitoring)
}
