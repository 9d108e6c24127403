//! Running finalizers and weak-reference callbacks that the runtime has put off, and reporting their errors.

use crate::error::PyErr;
use crate::protocol;
use crate::thread::ThreadState;
use crate::types::function::PyFunction;
use crate::types::generator::{PyAsyncGenerator, PyCoroutine, PyGenerator};
use crate::types::traceback::PyTraceback;
use crate::types::r#type::TypeExt;
use orochi_core::runtime::poll;
use orochi_core::{Owned, Pending, Ref, Thread, Value};
use std::io::Write;

/// Runs whatever waits.
pub fn run_pending(thread: &mut Thread) {
    while thread.take_poll(poll::PENDING) != 0 {
        while let Some(pending) = thread.next_pending() {
            run_one(thread, pending);
        }
    }
}

/// Runs one finalizer or callback.
pub fn run_one(thread: &mut Thread, pending: Pending) {
    match pending {
        Pending::Finalizer(object) => {
            let class = crate::class_of(object.get());
            if let Some(finalize) = class.slots.tp_finalize()
                && let Err(error) = finalize(thread, object.get())
            {
                let (message, about) = finalizer(thread, &object);
                unraisable(thread, error, message, about.get());
            }
        }
        Pending::Callback { callback, weakref } => {
            if let Err(error) = protocol::call(thread, callback.get(), &[weakref.get()]) {
                unraisable(
                    thread,
                    error,
                    Some("Exception ignored while calling weakref callback"),
                    callback.get(),
                );
            }
        }
    }
}

/// What is said of an error of an object's finalizer, and about what: its `__del__`, if it has one written in Python.
fn finalizer(thread: &mut Thread, object: &Value) -> (Option<&'static str>, Value) {
    let word = object.get();
    if word.downcast::<PyGenerator>().is_some()
        || word.downcast::<PyCoroutine>().is_some()
        || word.downcast::<PyAsyncGenerator>().is_some()
    {
        return (Some("Exception ignored while closing generator"), object.clone());
    }
    let function = crate::class_of(word).lookup(thread, crate::name!("__del__")).map(Ref::to_owned);
    match function.filter(|function| function.get().downcast::<PyFunction>().is_some()) {
        Some(function) => (Some("Exception ignored while calling deallocator"), function),
        None => (None, object.clone()),
    }
}

crate::structseq! {
    static HOOK_ARGS: "sys" "UnraisableHookArgs" = "Type used to pass arguments to sys.unraisablehook.",
    visible 5, flags(DISALLOW_INSTANTIATION), fallbacks &[], {
        "exc_type" = "Exception type", "exc_value" = "Exception value", "exc_traceback" = "Exception traceback",
        "err_msg" = "Error message", "object" = "Object causing the exception",
    }
}

/// Hands an error that nobody can catch to `sys.unraisablehook`. A message is followed by what it is about.
pub fn unraisable(thread: &mut Thread, error: PyErr, message: Option<&str>, object: Ref<'_>) {
    let exception = error.into_value(thread);
    let whole = message.filter(|_| !object.is_none()).map(|message| {
        let about = protocol::repr(thread, object);
        let about = about
            .map_or_else(|_| "<object repr() failed>".to_owned(), |text| crate::str::display(text.get()));
        format!("{message} {about}")
    });
    let (message, object) = match &whole {
        Some(whole) => (Some(whole.as_str()), Ref::NONE),
        None => (message, object),
    };
    let hook = match find_hook(thread, "unraisablehook") {
        Ok(Some(hook)) => hook,
        _ => return print(thread, &exception, message, object),
    };
    let Err(error) = call_hook(thread, &hook, &exception, message, object) else { return };
    // The hook itself fails: the original one says so.
    let (failure, message) = (error.into_value(thread), Some("Exception ignored in sys.unraisablehook:"));
    let told = match find_hook(thread, "__unraisablehook__") {
        Ok(Some(original)) => call_hook(thread, &original, &failure, message, hook.get()).is_ok(),
        _ => false,
    };
    if !told {
        print(thread, &failure, message, hook.get());
    }
}

/// A name of the `sys` module, as it is now.
fn find_hook(thread: &mut Thread, name: &str) -> crate::PyResult<Option<Value>> {
    let Some(sys) = ThreadState::of(thread).interpreter.sys.get(thread) else { return Ok(None) };
    let name = crate::str::intern(thread, name)?;
    match protocol::contains(thread, sys.get(), name.get())? {
        true => protocol::get_item(thread, sys.get(), name.get()).map(Some),
        false => Ok(None),
    }
}

fn call_hook(
    thread: &mut Thread,
    hook: &Value,
    exception: &Value,
    message: Option<&str>,
    object: Ref<'_>,
) -> crate::PyResult<()> {
    let text = match message {
        Some(message) => crate::str::new(thread, message)?,
        None => Value::NONE,
    };
    let class = crate::class_of(exception.get()).to_value();
    let traceback = match crate::types::exception_chain::traceback_of(exception.get(), thread) {
        Some(traceback) => traceback,
        None => here(thread).map_or(Value::NONE, Owned::into_value),
    };
    let fields = vec![class, exception.clone(), traceback, text, object.to_owned()];
    let args = HOOK_ARGS.make(thread, fields)?;
    protocol::call(thread, hook.get(), &[args.get()]).map(drop)
}

/// A traceback of the running frame alone, for an error that native code made.
fn here(thread: &mut Thread) -> Option<Owned<PyTraceback>> {
    let frame = crate::types::frame::nth(thread, 0).ok()?;
    let instruction = frame.instruction(thread);
    crate::types::traceback::new(thread, None, frame, instruction).ok()
}

/// Without a hook: to the process's standard error.
fn print(thread: &mut Thread, exception: &Value, message: Option<&str>, object: Ref<'_>) {
    let class = crate::class_of(exception.get()).name();
    let text = protocol::str(thread, exception.get())
        .map_or_else(|_| "<exception str() failed>".to_owned(), |text| crate::str::display(text.get()));
    let message = message.unwrap_or("Exception ignored in");
    if object.is_none() {
        let _ = writeln!(std::io::stderr(), "{message}:\n{class}: {text}");
        return;
    }
    let about = protocol::repr(thread, object)
        .map_or_else(|_| "<object repr() failed>".to_owned(), |text| crate::str::display(text.get()));
    let _ = writeln!(std::io::stderr(), "{message}: {about}\n{class}: {text}");
}
