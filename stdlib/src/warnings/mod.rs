//! `_warnings`: what becomes of a warning.
//!
//! The module `warnings` is found only if it is imported already; without it, filters are those of this module and warnings are
//! written by [`show`]. What a program replaces in `warnings` (`filters`, `defaultaction`, `onceregistry`, `_showwarnmsg`)
//! counts, as in CPython.

mod filters;
mod place;
mod show;
mod state;

use filters::{Action, Issue};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyErr, PyResult, runtime_error, type_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::exception;
use orochi_objects::types::str::PyStr;
use orochi_objects::{
    ModuleExt, Obj, PyModule, PyType, Ref, Thread, Value, class_of, int, protocol, str, tuple,
};
use state::State;

/// The class of a warning: that of the message if it is a warning itself.
fn category_of(thread: &mut Thread, message: Ref<'_>, category: Option<Ref<'_>>) -> PyResult {
    let warning = exception::Warning.get().get();
    if protocol::is_instance(thread, message, warning)? {
        return Ok(class_of(message).to_value());
    }
    let Some(category) = category else { return Ok(exception::UserWarning.get().to_value()) };
    if category.downcast::<PyType>().is_some() && protocol::is_subclass(thread, category, warning)? {
        return Ok(category.to_owned());
    }
    let given = class_of(category).name();
    Err(type_error(format!("category must be a Warning subclass, not '{given}'")))
}

/// Issue a warning, or maybe ignore it or raise an exception.
///
///   message
///     The text, or a warning.
///   category
///     A subclass of Warning; UserWarning by default.
///   stacklevel
///     Whose warning it is: 1 is the caller of this function, 2 its caller.
///   source
///     The destroyed object that a ResourceWarning is about.
///   skip_file_prefixes
///     Frames of files that begin so are passed over.
#[pyfunction]
#[signature(message, category=None, stacklevel=1, source=None, *, skip_file_prefixes=<missing> as "()")]
fn warn(
    thread: &mut Thread,
    message: Ref<'_>,
    category: Option<Ref<'_>>,
    stacklevel: isize,
    source: Option<Ref<'_>>,
    skip_file_prefixes: Option<Ref<'_>>,
) -> PyResult<()> {
    let category = category_of(thread, message, category.filter(|category| !category.is_none()))?;
    let prefixes = place::prefixes(skip_file_prefixes)?;
    let stacklevel = if prefixes.is_empty() { stacklevel } else { stacklevel.max(2) };
    let place = place::of_frame(thread, stacklevel, &prefixes)?;
    if place.module.get().is_none() {
        return Ok(());
    }
    let issue = Issue {
        message: message.to_owned(),
        category,
        filename: place.filename,
        line: place.line,
        module: place.module,
        registry: Some(place.registry),
        source_line: None,
        source: source.filter(|source| !source.is_none()).map(Ref::to_owned),
    };
    process(thread, issue)
}

/// Issue a warning, or maybe ignore it or raise an exception.
#[pyfunction]
#[signature(message, category, filename, lineno, module=<missing>, registry=None, module_globals=None, source=None)]
#[allow(clippy::too_many_arguments, reason = "the arguments are Python's")]
fn warn_explicit(
    thread: &mut Thread,
    message: Ref<'_>,
    category: Ref<'_>,
    filename: &Obj<PyStr>,
    lineno: i32,
    module: Option<Ref<'_>>,
    registry: Option<Ref<'_>>,
    module_globals: Option<Ref<'_>>,
    source: Option<Ref<'_>>,
) -> PyResult<()> {
    let given = |value: Option<Ref<'_>>| value.filter(|value| !value.is_none()).map(Ref::to_owned);
    let source_line = match given(module_globals) {
        None => None,
        Some(globals) if globals.get().downcast::<PyDict>().is_none() => {
            let class = class_of(globals.get()).name();
            return Err(type_error(format!("module_globals must be a dict, not '{class}'")));
        }
        Some(globals) => place::source_line(thread, globals.get(), i64::from(lineno))?,
    };
    let module = match module {
        Some(module) if module.is_none() => return Ok(()),
        Some(module) => module.to_owned(),
        None => place::module_of_file(thread, filename)?,
    };
    let registry = given(registry);
    if registry.as_ref().is_some_and(|registry| registry.get().downcast::<PyDict>().is_none()) {
        return Err(type_error("'registry' must be a dict or None"));
    }
    let issue = Issue {
        message: message.to_owned(),
        category: category.to_owned(),
        filename: filename.to_value(),
        line: i64::from(lineno),
        module,
        registry,
        source_line,
        source: given(source),
    };
    process(thread, issue)
}

/// Finds the filter for a warning and does what it says.
fn process(thread: &mut Thread, mut issue: Issue) -> PyResult<()> {
    let warning = exception::Warning.get().get();
    let text = if protocol::is_instance(thread, issue.message.get(), warning)? {
        issue.category = class_of(issue.message.get()).to_value();
        protocol::str(thread, issue.message.get())?
    } else {
        let text = issue.message;
        issue.message = protocol::call(thread, issue.category.get(), &[text.get()])?;
        text
    };
    let state = state::of(thread)?;
    State::lock(thread, &state)?;
    let shown = is_to_be_shown(thread, &state, &issue, text.get());
    State::unlock(thread, &state)?;
    if shown? { show::show(thread, &issue, text.get()) } else { Ok(()) }
}

/// Whether a warning is shown; an error if it is one.
fn is_to_be_shown(thread: &mut Thread, state: &Obj<State>, issue: &Issue, text: Ref<'_>) -> PyResult<bool> {
    let line = int::new(thread, issue.line)?;
    let key = tuple::of(thread, [text.to_owned(), issue.category.clone(), line])?;
    let registry = issue.registry.as_ref().and_then(|registry| registry.get().downcast::<PyDict>());
    if let Some(registry) = registry
        && State::is_known(thread, state, registry, key.get())?
    {
        return Ok(false);
    }
    let found = filters::find(thread, state, issue, text)?;
    let action = match Action::named(found.action.get()) {
        Some(Action::Error) => return Err(PyErr::from_instance(issue.message.clone())),
        Some(Action::Ignore) => return Ok(false),
        Some(Action::Always) => return Ok(true),
        action => action,
    };
    if let Some(registry) = registry {
        dict::set_item(thread, registry, key.get(), Value::TRUE)?;
    }
    let broad_key = tuple::of(thread, [text.to_owned(), issue.category.clone()])?;
    let seen_in = match (action, registry) {
        (Some(Action::Default), _) => return Ok(true),
        (Some(Action::Once | Action::Module), Some(registry)) => registry.to_owned(),
        (Some(Action::Module), None) => return Ok(true),
        (Some(Action::Once), None) => filters::once_registry(thread, state)?,
        _ => {
            let action = protocol::repr(thread, found.action.get())?;
            let item = protocol::repr(thread, found.item.get())?;
            let (action, item) = (str::display(action.get()), str::display(item.get()));
            return Err(runtime_error(format!(
                "Unrecognized action ({action}) in warnings.filters:\n {item}"
            )));
        }
    };
    if State::is_known(thread, state, &seen_in, broad_key.get())? {
        return Ok(false);
    }
    dict::set_item(thread, &seen_in, broad_key.get(), Value::TRUE)?;
    Ok(true)
}

#[pyfunction]
#[name = "_filters_mutated_lock_held"]
fn filters_mutated_lock_held(thread: &mut Thread) -> PyResult<()> {
    let state = state::of(thread)?;
    if !State::is_locked(thread, &state)? {
        return Err(runtime_error("warnings._lock is not held"));
    }
    state.mutated();
    Ok(())
}

#[pyfunction]
#[name = "_acquire_lock"]
fn acquire_lock(thread: &mut Thread) -> PyResult<()> {
    let state = state::of(thread)?;
    State::lock(thread, &state)
}

#[pyfunction]
#[name = "_release_lock"]
fn release_lock(thread: &mut Thread) -> PyResult<()> {
    let state = state::of(thread)?;
    State::unlock(thread, &state)
}

/// _warnings provides basic warning filtering support.
/// It is a helper module to speed up interpreter start-up.
#[pymodule(
    name = "_warnings",
    functions(warn, warn_explicit, filters_mutated_lock_held, acquire_lock, release_lock)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    let state = state::of(thread)?;
    module.add(thread, "filters", state.filters())?;
    module.add(thread, "_onceregistry", state.once_registry())?;
    module.add(thread, "_defaultaction", state::DEFAULT_ACTION)?;
    module.add(thread, "_warnings_context", state::context_variable(thread)?.to_value())
}
