//! `atexit`: functions to call when the program ends.

use orochi_core::Shared;
use orochi_core::sync::lock;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyResult, type_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::{dict, tuple};
use orochi_objects::{Args, Obj, PyModule, Ref, Thread, Value, class_of, protocol};
use std::sync::Mutex;

/// A registered call.
struct Call {
    /// The interpreter that it is of.
    interpreter: usize,
    function: Shared,
    args: Shared,
    kwargs: Shared,
}

static CALLS: Mutex<Vec<Call>> = Mutex::new(Vec::new());

/// What tells the calling interpreter from others.
fn current(thread: &Thread) -> usize {
    std::ptr::from_ref(&*ThreadState::of(thread).interpreter).addr()
}

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
        interpreter: current(thread),
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
    run_exit_functions(thread)
}

/// The same for the end of an interpreter.
///
/// # Errors
/// MemoryError.
pub fn run_exit_functions(thread: &mut Thread) -> PyResult<()> {
    let me = current(thread);
    loop {
        let last = {
            let mut calls = lock(&CALLS);
            let last = calls.iter().rposition(|call| call.interpreter == me);
            last.map(|last| calls.remove(last))
        };
        let Some(call) = last else { return Ok(()) };
        run(thread, call)?;
    }
}

/// Clear the list of previously registered exit functions.
#[pyfunction]
fn _clear(thread: &mut Thread) {
    let me = current(thread);
    let dropped: Vec<Call> = lock(&CALLS).extract_if(.., |call| call.interpreter == me).collect();
    drop(dropped);
}

/// Return the number of registered exit functions.
#[pyfunction]
fn _ncallbacks(thread: &mut Thread) -> usize {
    let me = current(thread);
    lock(&CALLS).iter().filter(|call| call.interpreter == me).count()
}

/// Unregister an exit function which was previously registered using atexit.register
///
///    func - function to be unregistered
#[pyfunction]
#[signature(func, /)]
fn unregister(thread: &mut Thread, func: Ref<'_>) -> PyResult<()> {
    let me = current(thread);
    let is_mine = |call: &&Call| call.interpreter == me;
    let registered: Vec<Value> =
        lock(&CALLS).iter().filter(is_mine).map(|call| call.function.value()).collect();
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
            if is_mine(&&call) && matching.iter().any(|found| found.is(function.get())) {
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
