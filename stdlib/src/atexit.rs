//! `atexit`: functions to call when the program ends.

use orochi_core::Shared;
use orochi_core::sync::lock;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyResult, type_error};
use orochi_objects::types::{dict, tuple};
use orochi_objects::{Args, Obj, PyModule, Ref, Thread, Value, class_of, protocol};
use std::sync::Mutex;

/// A registered call.
struct Call {
    function: Shared,
    args: Shared,
    kwargs: Shared,
}

static CALLS: Mutex<Vec<Call>> = Mutex::new(Vec::new());

/// Register a function to be executed upon normal program termination
///
///    func - function to be called at exit
///    args - optional arguments to pass to func
///    kwargs - optional keyword arguments to pass to func
///
///    func is returned to facilitate usage as a decorator.
#[pyfunction]
#[text_signature = "($module, func, /, *args, **kwargs)"]
fn register(thread: &mut Thread, args: Args<'_>) -> PyResult {
    let Some(function) = args.get(0) else {
        return Err(type_error("register() takes at least 1 argument (0 given)"));
    };
    if class_of(function).slots.tp_call().is_none() {
        return Err(type_error("the first argument must be callable"));
    }
    let positional = tuple::new(thread, args.skip(1).iter().map(Ref::to_owned).collect())?;
    let keywords = dict::new(thread)?;
    for (name, value) in args.keywords() {
        dict::set_item(thread, &keywords, name.get(), value.to_owned())?;
    }
    let call = Call {
        function: Shared::new(function.to_owned()),
        args: Shared::new(positional.into_value()),
        kwargs: Shared::new(keywords.into_value()),
    };
    lock(&CALLS).push(call);
    Ok(function.to_owned())
}

fn run(thread: &mut Thread, call: Call) -> PyResult<()> {
    let (function, args, kwargs) =
        (call.function.into_value(), call.args.into_value(), call.kwargs.into_value());
    let mut values: Vec<Ref<'_>> = match args.get().downcast::<tuple::PyTuple>() {
        Some(args) => args.items().collect(),
        None => Vec::new(),
    };
    let entries = match kwargs.get().downcast::<dict::PyDict>() {
        Some(kwargs) => dict::entries(thread, kwargs)?,
        None => Vec::new(),
    };
    let names = tuple::new(thread, entries.iter().map(|entry| entry.key.clone()).collect::<Vec<Value>>())?;
    values.extend(entries.iter().map(|entry| entry.value.get()));
    let result = protocol::call_args(thread, function.get(), Args::with_names(&values, Some(&names)));
    if let Err(error) = result {
        orochi_objects::finalize::unraisable(
            thread,
            error,
            Some("Exception ignored in atexit callback"),
            function.get(),
        );
    }
    Ok(())
}

/// Run all registered exit functions.
///
/// If a callback raises an exception, it is logged with sys.unraisablehook.
#[pyfunction]
fn _run_exitfuncs(thread: &mut Thread) -> PyResult<()> {
    loop {
        let next = lock(&CALLS).pop();
        let Some(call) = next else { return Ok(()) };
        run(thread, call)?;
    }
}

/// Clear the list of previously registered exit functions.
#[pyfunction]
fn _clear() {
    let dropped = std::mem::take(&mut *lock(&CALLS));
    drop(dropped);
}

/// Return the number of registered exit functions.
#[pyfunction]
fn _ncallbacks() -> usize {
    lock(&CALLS).len()
}

/// Unregister an exit function which was previously registered using atexit.register
///
///    func - function to be unregistered
#[pyfunction]
#[signature(func, /)]
fn unregister(thread: &mut Thread, func: Ref<'_>) -> PyResult<()> {
    let registered: Vec<Value> = lock(&CALLS).iter().map(|call| call.function.value()).collect();
    let mut matching = Vec::new();
    for function in &registered {
        if protocol::eq(thread, function.get(), func)? {
            matching.push(function.get());
        }
    }
    let mut removed = Vec::new();
    {
        let mut calls = lock(&CALLS);
        let kept = std::mem::take(&mut *calls);
        for call in kept {
            let function = call.function.value();
            if matching.iter().any(|found| found.is(function.get())) {
                removed.push(call);
            } else {
                calls.push(call);
            }
        }
    }
    drop(removed);
    Ok(())
}

/// Functions to call when the program ends.
#[pymodule(name = "atexit", functions(register, _run_exitfuncs, _clear, _ncallbacks, unregister))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
