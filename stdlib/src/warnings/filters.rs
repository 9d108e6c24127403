//! The filters of warnings, and what they say.

use super::state::{self, State};
use crate::contextvars;
use orochi_objects::error::{PyResult, type_error, value_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{Obj, Owned, PyClass, Ref, Thread, Value, class, class_of, int, protocol, str};

/// A warning on its way.
pub(super) struct Issue {
    pub(super) message: Value,
    pub(super) category: Value,
    pub(super) filename: Value,
    pub(super) line: i64,
    pub(super) module: Value,
    pub(super) registry: Option<Value>,
    pub(super) source_line: Option<Value>,
    pub(super) source: Option<Value>,
}

/// What a filter may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Error,
    Ignore,
    Always,
    Default,
    Module,
    Once,
}

impl Action {
    pub(super) fn named(name: Ref<'_>) -> Option<Action> {
        Some(match name.downcast::<PyStr>()?.as_bytes() {
            b"error" => Action::Error,
            b"ignore" => Action::Ignore,
            b"always" | b"all" => Action::Always,
            b"default" => Action::Default,
            b"module" => Action::Module,
            b"once" => Action::Once,
            _ => return None,
        })
    }
}

/// An action, and the filter that it is from (None if it is the default).
pub(super) struct Found {
    pub(super) action: Value,
    pub(super) item: Value,
}

/// An attribute of the module `warnings`, if that is imported and has it.
pub(super) fn of_warnings(thread: &mut Thread, name: &str) -> PyResult<Option<Value>> {
    let modules = ThreadState::modules(thread)?;
    let key = str::intern(thread, "warnings")?.to_value();
    let Some(modules) = modules.get().downcast::<PyDict>() else { return Ok(None) };
    match dict::get_item(thread, modules, key.get())? {
        Some(module) if !module.get().is_none() => {
            let name = str::intern(thread, name)?;
            protocol::find_attr(thread, module.get(), name)
        }
        _ => Ok(None),
    }
}

/// What a part of a filter says of a text: None matches all, a str equal ones, anything else has a method `match`.
fn is_match(thread: &mut Thread, pattern: Ref<'_>, text: Ref<'_>) -> PyResult<bool> {
    if pattern.is_none() {
        return Ok(true);
    }
    if class::is_exact(pattern, PyStr::static_type()) {
        return protocol::eq(thread, pattern, text);
    }
    let found = protocol::call_method(thread, pattern, "match", &[text])?;
    protocol::is_true(thread, found.get())
}

fn search(
    thread: &mut Thread,
    filters: &Obj<PyList>,
    name: &str,
    issue: &Issue,
    text: Ref<'_>,
) -> PyResult<Option<Found>> {
    let mut at = 0;
    // Matching may run Python code that changes the list.
    while let Some(item) = list::item(thread, filters, at) {
        let parts: Option<Vec<Value>> =
            item.get().downcast::<PyTuple>().map(|parts| parts.items().map(Ref::to_owned).collect());
        let Some([action, message, category, module, line]) = parts.as_deref() else {
            return Err(value_error(format!("warnings.{name} item {at} isn't a 5-tuple")));
        };
        if action.get().downcast::<PyStr>().is_none() {
            let class = class_of(action.get()).name();
            return Err(type_error(format!("action must be a string, not '{class}'")));
        }
        let line = int::index_i64(thread, line.get())?;
        if is_match(thread, message.get(), text)?
            && is_match(thread, module.get(), issue.module.get())?
            && protocol::is_subclass(thread, issue.category.get(), category.get())?
            && (line == 0 || line == issue.line)
        {
            return Ok(Some(Found { action: action.clone(), item }));
        }
        at += 1;
    }
    Ok(None)
}

/// The filters of the running context, if it has some of its own.
fn context_filters(thread: &mut Thread) -> PyResult<Option<Value>> {
    let variable = state::context_variable(thread)?;
    match contextvars::value_of(thread, variable)? {
        Some(context) if !context.get().is_none() => {
            protocol::get_attr_str(thread, context.get(), "_filters").map(Some)
        }
        _ => Ok(None),
    }
}

/// What is to be done with a warning.
pub(super) fn find(thread: &mut Thread, state: &Obj<State>, issue: &Issue, text: Ref<'_>) -> PyResult<Found> {
    let (filters, name) = match context_filters(thread)? {
        Some(filters) => (filters, "_filters"),
        None => match of_warnings(thread, "filters")? {
            Some(filters) => (filters, "filters"),
            None => (state.filters().to_owned(), "filters"),
        },
    };
    let Some(filters) = filters.get().downcast::<PyList>() else {
        return Err(value_error("_warnings.filters must be a list"));
    };
    if let Some(found) = search(thread, filters, name, issue, text)? {
        return Ok(found);
    }
    let action = match of_warnings(thread, "defaultaction")? {
        Some(action) => action,
        None => str::intern(thread, state::DEFAULT_ACTION)?.to_value(),
    };
    if action.get().downcast::<PyStr>().is_none() {
        let class = class_of(action.get()).name();
        return Err(type_error(format!("_warnings.defaultaction must be a string, not '{class}'")));
    }
    Ok(Found { action, item: Value::NONE })
}

/// Where warnings that are shown once are noted.
pub(super) fn once_registry(thread: &mut Thread, state: &Obj<State>) -> PyResult<Owned<PyDict>> {
    let registry = match of_warnings(thread, "onceregistry")? {
        Some(registry) => registry,
        None => state.once_registry().to_owned(),
    };
    registry.downcast::<PyDict>().map_err(|registry| {
        let class = class_of(registry.get()).name();
        type_error(format!("_warnings.onceregistry must be a dict, not '{class}'"))
    })
}
