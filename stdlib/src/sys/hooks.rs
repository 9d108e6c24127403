//! The hooks of `sys`: what is done with results, exceptions, breakpoints and audited events.

use orochi_core::Shared;
use orochi_core::sync::lock;
use orochi_macros::pyfunction;
use orochi_objects::error::{PyResult, import_error, runtime_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::{exception, exception_chain, tuple};
use orochi_objects::warn;
use orochi_objects::{Args, DictExt, Obj, Ref, Thread, Value, class_of, protocol};
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// A name of the `sys` module, as it is now.
pub(super) fn lookup(thread: &mut Thread, name: &str) -> PyResult<Option<Value>> {
    let Some(sys) = ThreadState::of(thread).interpreter.sys.get(thread) else { return Ok(None) };
    let name = orochi_objects::str::intern(thread, name)?;
    Ok(sys
        .get()
        .downcast()
        .and_then(|sys: &Obj<orochi_objects::PyDict>| sys.get_str(thread, name))
        .map(Ref::to_owned))
}

/// Print an object to sys.stdout and keep it as builtins._; None does nothing.
#[pyfunction]
#[signature(object, /)]
pub(super) fn displayhook(thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
    let builtins = ThreadState::builtins(thread)?;
    let Some(builtins) = builtins.get().downcast::<orochi_objects::PyDict>() else {
        return Err(runtime_error("lost builtins module"));
    };
    if object.is_none() {
        return Ok(());
    }
    let underscore = orochi_objects::str::intern(thread, "_")?;
    builtins.set_str(thread, underscore, Value::NONE)?;
    let Some(stdout) = lookup(thread, "stdout")?.filter(|stdout| !stdout.get().is_none()) else {
        return Err(runtime_error("lost sys.stdout"));
    };
    let text = protocol::repr(thread, object)?;
    protocol::call_method(thread, stdout.get(), "write", &[text.get()])?;
    let newline = orochi_objects::str::new(thread, "\n")?;
    protocol::call_method(thread, stdout.get(), "write", &[newline.get()])?;
    builtins.set_str(thread, underscore, object.to_owned())
}

/// Print an exception with its traceback to sys.stderr.
#[pyfunction]
#[signature(exctype, value, traceback, /)]
pub(super) fn excepthook(
    thread: &mut Thread,
    exctype: Ref<'_>,
    value: Ref<'_>,
    traceback: Ref<'_>,
) -> PyResult<()> {
    let _ = (exctype, traceback);
    if value.is_none() || value.downcast::<exception::PyBaseException>().is_some() {
        print_exception(thread, "", value);
    } else {
        let class = class_of(value).name();
        let complaint =
            format!("TypeError: print_exception(): Exception expected for value, {class} found\n");
        let stderr = lookup(thread, "stderr").ok().flatten();
        write_text(thread, stderr, &complaint);
    }
    Ok(())
}

/// Writes to `sys.stderr`, or what there is in its place.
fn write_text(thread: &mut Thread, stderr: Option<Value>, text: &str) {
    if stderr.as_ref().is_some_and(|stderr| stderr.get().is_none()) {
        return;
    }
    let written = stderr.is_some_and(|stderr| {
        orochi_objects::str::new(thread, text)
            .and_then(|text| protocol::call_method(thread, stderr.get(), "write", &[text.get()]))
            .is_ok()
    });
    if !written {
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// Writes a heading and an exception with its traceback to sys.stderr; nothing if that is None.
pub fn print_exception(thread: &mut Thread, heading: &str, value: Ref<'_>) {
    let stderr = lookup(thread, "stderr").ok().flatten();
    if stderr.as_ref().is_some_and(|stderr| stderr.get().is_none()) {
        return;
    }
    if !heading.is_empty() {
        write_text(thread, stderr, heading);
    }
    let Err(error) = print_with_traceback_module(thread, value) else { return };
    drop(error);
    // The traceback module itself is out of order: say at least what happened, and where.
    print_frames(thread, value);
    let text = protocol::str(thread, value).map(|text| orochi_objects::str::display(text.get()));
    let class = class_of(value).name();
    let line = match text {
        Ok(text) if !text.is_empty() => format!("{class}: {text}\n"),
        _ => format!("{class}\n"),
    };
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// The frames of a traceback, a line each.
fn print_frames(thread: &mut Thread, error: Ref<'_>) {
    let mut next = exception_chain::traceback_of(error, thread);
    while let Some(entry) = next.take().filter(|entry| !entry.get().is_none()) {
        let line = frame_line(thread, entry.get()).unwrap_or_else(|_| "  ?\n".to_owned());
        let _ = std::io::stderr().write_all(line.as_bytes());
        next = protocol::get_attr_str(thread, entry.get(), "tb_next").ok();
    }
}

fn frame_line(thread: &mut Thread, entry: Ref<'_>) -> PyResult<String> {
    let frame = protocol::get_attr_str(thread, entry, "tb_frame")?;
    let line = protocol::get_attr_str(thread, entry, "tb_lineno")?;
    let code = protocol::get_attr_str(thread, frame.get(), "f_code")?;
    let file = protocol::get_attr_str(thread, code.get(), "co_filename")?;
    let name = protocol::get_attr_str(thread, code.get(), "co_name")?;
    let show = orochi_objects::str::display;
    let line = line.get().as_small_int().unwrap_or(0);
    Ok(format!("  File \"{}\", line {line}, in {}\n", show(file.get()), show(name.get())))
}

fn print_with_traceback_module(thread: &mut Thread, value: Ref<'_>) -> PyResult<()> {
    let module = import(thread, "traceback")?;
    protocol::call_method(thread, module.get(), "_print_exception_bltin", &[value]).map(drop)
}

/// Prints an exception without those that it came from.
fn print_alone(thread: &mut Thread, value: Ref<'_>) -> PyResult<()> {
    let module = import(thread, "traceback")?;
    let print = protocol::get_attr_str(thread, module.get(), "print_exception")?;
    let names = tuple::new(thread, vec![orochi_objects::str::intern(thread, "chain")?.to_value()])?;
    protocol::call_args(thread, print.get(), Args::with_names(&[value, Ref::FALSE], Some(&names))).map(drop)
}

pub(super) fn import(thread: &mut Thread, name: &str) -> PyResult {
    let builtins = ThreadState::builtins(thread)?;
    let import = orochi_objects::str::intern(thread, "__import__")?;
    let import = protocol::get_item(thread, builtins.get(), import.get())?;
    let name = orochi_objects::str::new(thread, name)?;
    protocol::call(thread, import.get(), &[name.get()])
}

/// Report an exception that nobody can catch.
#[pyfunction]
#[signature(unraisable, /)]
pub(super) fn unraisablehook(thread: &mut Thread, unraisable: Ref<'_>) -> PyResult<()> {
    let get = |thread: &mut Thread, name| protocol::get_attr_str(thread, unraisable, name);
    let (message, object) = (get(thread, "err_msg")?, get(thread, "object")?);
    let value = get(thread, "exc_value")?;
    let Some(stderr) = lookup(thread, "stderr")?.filter(|stderr| !stderr.get().is_none()) else {
        return Ok(());
    };
    let mut line = match message.get().is_none() {
        true => "Exception ignored in".to_owned(),
        false => orochi_objects::str::display(message.get()),
    };
    if !object.get().is_none() {
        let text = match protocol::repr(thread, object.get()) {
            Ok(text) => orochi_objects::str::display(text.get()),
            Err(_) => "<object repr() failed>".to_owned(),
        };
        line = if message.get().is_none() { format!("{line}: {text}") } else { format!("{line} {text}") };
    }
    let line = orochi_objects::str::new(thread, &format!("{line}:\n"))?;
    protocol::call_method(thread, stderr.get(), "write", &[line.get()])?;
    print_alone(thread, value.get())?;
    protocol::call_method(thread, stderr.get(), "flush", &[]).map(drop)
}

/// What breakpoint() calls: the function that PYTHONBREAKPOINT names, or pdb.set_trace.
#[pyfunction]
#[signature(*args, **kwargs)]
pub(super) fn breakpointhook(thread: &mut Thread, args: Args<'_>) -> PyResult {
    let setting = std::env::var("PYTHONBREAKPOINT").unwrap_or_default();
    if setting == "0" {
        return Ok(Value::NONE);
    }
    let target = if setting.is_empty() { "pdb.set_trace" } else { &setting };
    match breakpoint_function(thread, target) {
        Ok(function) => protocol::call_args(thread, function.get(), args),
        Err(error) if error.matches(&exception::ImportError) || error.matches(&exception::AttributeError) => {
            let message = format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{target}\"");
            warn::runtime_warning(thread, &message)?;
            Ok(Value::NONE)
        }
        Err(error) => Err(error),
    }
}

/// The function with a dotted name, or with the name of a built-in one.
fn breakpoint_function(thread: &mut Thread, target: &str) -> PyResult {
    let (module, name) = target.rsplit_once('.').unwrap_or(("builtins", target));
    if module.is_empty() {
        return Err(import_error("Empty module name"));
    }
    let builtins = ThreadState::builtins(thread)?;
    let key = orochi_objects::str::new(thread, "__import__")?;
    let import = protocol::get_item(thread, builtins.get(), key.get())?;
    let module = orochi_objects::str::new(thread, module)?;
    let names = tuple::new(thread, vec![orochi_objects::str::new(thread, name)?])?;
    let module = protocol::call(thread, import.get(), &[module.get(), Ref::NONE, Ref::NONE, names.get()])?;
    protocol::get_attr_str(thread, module.get(), name)
}

static AUDITED: AtomicBool = AtomicBool::new(false);
static HOOKS: Mutex<Vec<Shared>> = Mutex::new(Vec::new());

/// Add a function to call for every audited event.
#[pyfunction]
#[signature(hook)]
pub(super) fn addaudithook(hook: Ref<'_>) {
    lock(&HOOKS).push(Shared::new(hook.to_owned()));
    AUDITED.store(true, Ordering::Release);
}

/// Tell the audit hooks of an event.
#[pyfunction]
#[signature(event, /, *args)]
pub(super) fn audit(thread: &mut Thread, event: Ref<'_>, args: orochi_objects::ArgSlice<'_>) -> PyResult<()> {
    if !AUDITED.load(Ordering::Acquire) {
        return Ok(());
    }
    let hooks: Vec<Value> = lock(&HOOKS).iter().map(Shared::value).collect();
    let args = tuple::new(thread, args.iter().map(Ref::to_owned).collect())?;
    for hook in hooks {
        protocol::call(thread, hook.get(), &[event, args.get()])?;
    }
    Ok(())
}
