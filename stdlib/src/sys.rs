//! `sys`: the interpreter's own variables and functions.
//!
//! What never changes is set up here; what the command line decides (`argv`, `path`, `flags`, …) is added by
//! [`configure`]. Structures are in `info.rs`, hooks in `hooks.rs`.

mod hooks;
mod info;
mod jit;
pub(crate) mod monitoring;
mod remote;

pub use hooks::print_exception;
pub use info::Settings;
pub use remote::enable_remote_debugging;
pub(crate) use remote::run_script;

use crate::sys::info::Implementation;
use orochi_core::publish::publish;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyErr, PyResult, type_error, value_error};
use orochi_objects::thread::{ThreadState, with_frames_of_all, with_handled_of_all};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::r#type::change;
use orochi_objects::types::{dict, exception, frame, int, set, tuple};
use orochi_objects::{
    DictExt, ModuleExt, Obj, PyModule, PyType, Ref, Thread, TypeExt, Value, class_of, name, protocol,
};
use orochi_vm::tracing;
use std::ptr::NonNull;

/// The version of Python whose behaviour this is.
pub const VERSION: (u8, u8, u8) = (3, 14, 6);

/// Exit the interpreter by raising SystemExit(status).
#[pyfunction]
#[signature(status = None, /)]
fn exit(status: Option<Ref<'_>>) -> PyResult {
    let args = match status.and_then(Ref::downcast::<PyTuple>) {
        Some(values) => values.items().map(Ref::to_owned).collect(),
        None => status.map(Ref::to_owned).into_iter().collect(),
    };
    Err(PyErr::new(&exception::SystemExit, args))
}

/// Return the exception that is being handled, or None.
#[pyfunction]
#[name = "exception"]
fn exception_(thread: &mut Thread) -> Option<Value> {
    ThreadState::handled_exception(thread)
}

/// Return the class, instance and traceback of the exception that is being handled.
#[pyfunction]
fn exc_info(thread: &mut Thread) -> PyResult {
    let Some(error) = ThreadState::handled_exception(thread) else {
        return Ok(tuple::new(thread, vec![Value::NONE, Value::NONE, Value::NONE])?.into_value());
    };
    let traceback = protocol::get_attr_str(thread, error.get(), "__traceback__")?;
    let class = class_of(error.get()).to_value();
    Ok(tuple::new(thread, vec![class, error, traceback])?.into_value())
}

/// Return the number of references to an object, as far as they are counted.
#[pyfunction]
#[signature(object, /)]
fn getrefcount(object: Ref<'_>) -> u32 {
    const IMMORTAL: u32 = 3_221_225_472;
    match object.header() {
        Some(header) if !header.is_immortal() => header.count(),
        _ => IMMORTAL,
    }
}

/// Return the size of an object in bytes.
#[pyfunction]
#[signature(object, default = None)]
fn getsizeof(thread: &mut Thread, object: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
    let size = match protocol::call_special(thread, object, name!("__sizeof__"), &[]) {
        Ok(Some(size)) => Ok(size),
        Ok(None) => Err(type_error(format!("Type {} doesn't define __sizeof__", class_of(object).name()))),
        Err(error) => Err(error),
    };
    match size {
        Err(error) if error.matches(&exception::TypeError) => match default {
            Some(default) => Ok(default.to_owned()),
            None => Err(error),
        },
        result => result,
    }
}

/// Private function for clearing certain descriptors from a type's dictionary.
///
/// `dataclasses` calls it for a class that it is about to replace by one with slots.
#[pyfunction]
#[signature(class, /)]
fn _clear_type_descriptors(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<()> {
    if class.has(orochi_objects::class::TypeFlags::IMMUTABLE) {
        return Err(type_error("argument is immutable"));
    }
    let namespace = class.namespace(thread).to_owned();
    let removed = change(thread, class, |thread| {
        let dict = namespace.remove_str(thread, name!("__dict__"))?;
        PyResult::Ok((dict, namespace.remove_str(thread, name!("__weakref__"))?))
    })?;
    drop(removed);
    Ok(())
}

/// Enter a string in the table of interned strings and return it, or the one that is there.
#[pyfunction]
#[signature(string, /)]
fn intern(thread: &mut Thread, string: Ref<'_>) -> PyResult {
    match string.downcast::<PyStr>() {
        Some(text)
            if std::ptr::eq(class_of(string), <PyStr as orochi_objects::PyClass>::static_type().get()) =>
        {
            orochi_objects::interned::intern_object(thread, text)
        }
        _ => Err(type_error(format!("can't intern {}", class_of(string).name()))),
    }
}

/// Return whether a string is interned.
#[pyfunction]
#[signature(string, /)]
fn _is_interned(string: &Obj<PyStr>) -> bool {
    string.is_interned()
}

/// Return whether an object is immortal.
#[pyfunction]
#[signature(op, /)]
fn _is_immortal(op: Ref<'_>) -> bool {
    op.header().is_none_or(|header| header.is_immortal())
}

/// Return the frame of the caller, or of one further out.
#[pyfunction]
#[signature(depth = 0, /)]
fn _getframe(thread: &mut Thread, depth: i64) -> PyResult {
    let depth = usize::try_from(depth).unwrap_or(0);
    Ok(frame::nth(thread, depth)?.into_value())
}

/// Return the name of the module of the caller, or of one further out.
#[pyfunction]
#[signature(depth = 0)]
fn _getframemodulename(thread: &mut Thread, depth: i64) -> PyResult {
    let depth = usize::try_from(depth).unwrap_or(0);
    let globals = match ThreadState::of(thread).frames.nth(depth) {
        Some(frame) => frame.function().globals().to_value(),
        None => return Ok(Value::NONE),
    };
    let name = orochi_objects::str::intern(thread, "__name__")?;
    let found = match globals.get().downcast() {
        Some(globals) => dict::get_item(thread, globals, name.get())?,
        None => None,
    };
    Ok(found.unwrap_or(Value::NONE))
}

/// Return the current recursion limit.
#[pyfunction]
fn getrecursionlimit(thread: &mut Thread) -> usize {
    ThreadState::of(thread).frames.recursion_limit()
}

/// Set the recursion limit.
#[pyfunction]
#[signature(limit, /)]
fn setrecursionlimit(thread: &mut Thread, limit: i32) -> PyResult<()> {
    let Some(limit) = usize::try_from(limit).ok().filter(|limit| *limit > 0) else {
        return Err(value_error("recursion limit must be greater or equal than 1"));
    };
    let depth = ThreadState::of(thread).frames.depth();
    if depth >= limit {
        return Err(orochi_objects::error::recursion_error(format!(
            "cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low"
        )));
    }
    ThreadState::of(thread).frames.set_recursion_limit(limit);
    Ok(())
}

/// Return the limit on the digits of ints in text.
#[pyfunction]
fn get_int_max_str_digits() -> usize {
    orochi_objects::types::int_::text::max_str_digits()
}

/// Set the limit on the digits of ints in text; 0 is none.
#[pyfunction]
#[signature(maxdigits)]
fn set_int_max_str_digits(maxdigits: i64) -> PyResult<()> {
    orochi_objects::types::int_::text::set_max_str_digits(maxdigits)
}

/// Return the encoding that str uses by default.
#[pyfunction]
fn getdefaultencoding() -> &'static str {
    "utf-8"
}

/// Return the encoding of file names.
#[pyfunction]
fn getfilesystemencoding() -> &'static str {
    "utf-8"
}

/// Return the error handler for file names.
#[pyfunction]
fn getfilesystemencodeerrors() -> &'static str {
    "surrogateescape"
}

/// What `getswitchinterval` gives, as bits. It has no effect. Relaxed: it stands alone.
static SWITCH_INTERVAL: AtomicU64 = AtomicU64::new(0x3f74_7ae1_47ae_147b);

/// Return the interval at which threads would take turns; there is no lock to take turns at.
#[pyfunction]
fn getswitchinterval() -> f64 {
    f64::from_bits(SWITCH_INTERVAL.load(Ordering::Relaxed))
}

/// Accepted for compatibility: threads run at the same time.
#[pyfunction]
#[signature(interval, /)]
fn setswitchinterval(interval: f64) -> PyResult<()> {
    if interval > 0.0 {
        SWITCH_INTERVAL.store(interval.to_bits(), Ordering::Relaxed);
        Ok(())
    } else {
        Err(value_error("switch interval must be strictly positive"))
    }
}

/// Return whether the global interpreter lock is on: there is none.
#[pyfunction]
fn _is_gil_enabled() -> bool {
    false
}

/// Return whether the interpreter is shutting down.
#[pyfunction]
fn is_finalizing() -> bool {
    info::finalizing()
}

/// Accepted for compatibility: caches of classes need no clearing.
#[pyfunction]
fn _clear_type_cache() {}

/// Return the global debug tracing function set with sys.settrace.
///
/// See the debugger chapter in the library manual.
#[pyfunction]
fn gettrace(thread: &mut Thread) -> Option<Value> {
    tracing::function(thread, tracing::Kind::Trace)
}

/// Return the profiling function set with sys.setprofile.
///
/// See the profiler chapter in the library manual.
#[pyfunction]
fn getprofile(thread: &mut Thread) -> Option<Value> {
    tracing::function(thread, tracing::Kind::Profile)
}

/// Set the global debug tracing function.
///
/// It will be called on each function call.  See the debugger chapter
/// in the library manual.
#[pyfunction]
#[signature(function, /)]
fn settrace(thread: &mut Thread, function: Ref<'_>) {
    let function = (!function.is_none()).then(|| function.to_owned());
    tracing::set_function(thread, tracing::Kind::Trace, function);
}

/// Set the profiling function.
///
/// It will be called on each function call and return.  See the profiler
/// chapter in the library manual.
#[pyfunction]
#[signature(function, /)]
fn setprofile(thread: &mut Thread, function: Ref<'_>) {
    let function = (!function.is_none()).then(|| function.to_owned());
    tracing::set_function(thread, tracing::Kind::Profile, function);
}

/// Set the debug tracing function in all running threads belonging to the current interpreter.
///
/// It will be called on each function call. See the debugger chapter
/// in the library manual.
#[pyfunction]
#[signature(arg, /)]
fn _settraceallthreads(thread: &mut Thread, arg: Ref<'_>) {
    let function = (!arg.is_none()).then(|| arg.to_owned());
    tracing::set_function_everywhere(thread, tracing::Kind::Trace, function);
}

/// Set the profiling function in all running threads belonging to the current interpreter.
///
/// It will be called on each function call and return.  See the profiler
/// chapter in the library manual.
#[pyfunction]
#[signature(arg, /)]
fn _setprofileallthreads(thread: &mut Thread, arg: Ref<'_>) {
    let function = (!arg.is_none()).then(|| arg.to_owned());
    tracing::set_function_everywhere(thread, tracing::Kind::Profile, function);
}

/// Call a function while tracing is off.
#[pyfunction]
#[signature(func, args, /)]
fn call_tracing(thread: &mut Thread, func: Ref<'_>, args: &Obj<tuple::PyTuple>) -> PyResult {
    let values: Vec<Ref<'_>> = args.items().collect();
    protocol::call(thread, func, &values)
}

/// Return the hooks for asynchronous generators.
#[pyfunction]
fn get_asyncgen_hooks(thread: &mut Thread) -> PyResult {
    let state = ThreadState::of(thread);
    let first = state.asyncgen_firstiter.clone().unwrap_or(Value::NONE);
    let last = state.asyncgen_finalizer.clone().unwrap_or(Value::NONE);
    info::ASYNCGEN_HOOKS.make(thread, vec![first, last])
}

fn set_hook(slot: &mut Option<Value>, given: Option<Option<Ref<'_>>>, name: &str) -> PyResult<()> {
    let Some(given) = given else { return Ok(()) };
    if let Some(hook) = given
        && class_of(hook).slots.tp_call().is_none()
    {
        return Err(type_error(format!("callable {name} expected, got {}", class_of(hook).name())));
    }
    *slot = given.map(Ref::to_owned);
    Ok(())
}

/// Set the hooks for asynchronous generators.
#[pyfunction]
#[signature(firstiter = <missing>, finalizer = <missing>)]
fn set_asyncgen_hooks(
    thread: &mut Thread,
    firstiter: Option<Ref<'_>>,
    finalizer: Option<Ref<'_>>,
) -> PyResult<()> {
    let given = |hook: Option<Ref<'_>>| hook.map(|hook| (!hook.is_none()).then(|| hook.to_owned()));
    let (first, last) = (given(firstiter), given(finalizer));
    let state = ThreadState::of(thread);
    set_hook(
        &mut state.asyncgen_finalizer,
        last.as_ref().map(|hook| hook.as_ref().map(Value::get)),
        "finalizer",
    )?;
    set_hook(
        &mut state.asyncgen_firstiter,
        first.as_ref().map(|hook| hook.as_ref().map(Value::get)),
        "firstiter",
    )
}

/// Return how many frames of a coroutine's origin are kept.
#[pyfunction]
fn get_coroutine_origin_tracking_depth(thread: &mut Thread) -> u32 {
    ThreadState::of(thread).coroutine_origin_depth
}

/// Set how many frames of a coroutine's origin are kept.
#[pyfunction]
#[signature(depth)]
fn set_coroutine_origin_tracking_depth(thread: &mut Thread, depth: i32) -> PyResult<()> {
    let depth = u32::try_from(depth).map_err(|_| value_error("depth must be >= 0"))?;
    ThreadState::of(thread).coroutine_origin_depth = depth;
    Ok(())
}

/// Return the number of memory blocks in use; not counted.
#[pyfunction]
fn getallocatedblocks() -> usize {
    0
}

/// Return the number of Unicode objects that are interned; not counted.
#[pyfunction]
#[signature(*, _only_immortal = false)]
fn getunicodeinternedsize(_only_immortal: bool) -> usize {
    0
}

/// Return the number of processors that -X cpu_count asks to report, or -1.
#[pyfunction]
fn _get_cpu_count_config() -> i64 {
    info::cpu_count()
}

/// The number of processors that `-X cpu_count` asks to report.
pub(crate) fn configured_cpu_count() -> Option<i64> {
    Some(info::cpu_count()).filter(|count| *count > 0)
}

/// Return the running frame of every thread. Those of other threads say where they stood a moment ago.
#[pyfunction]
fn _current_frames(thread: &mut Thread) -> PyResult {
    let me = thread.shared().id();
    let mut others = Vec::new();
    with_frames_of_all(thread, |id, frames| {
        if id == me || frames.depth() == 0 {
            return;
        }
        let stack = frames.iter().map(|frame| {
            let (function, code) = (frame.function().to_value(), frame.code());
            // They may be the other thread's own; from now on this one has them too.
            publish(function.get());
            publish(code.get());
            (function, NonNull::from(code), frame.instruction())
        });
        others.push((id, stack.collect::<Vec<_>>()));
    });
    let frames = dict::new(thread)?;
    let ident = int::new(thread, me as i64)?;
    let frame = frame::nth(thread, 0)?.into_value();
    dict::set_item(thread, &frames, ident.get(), frame)?;
    for (id, stack) in others {
        let mut newest = None;
        for (function, code, instruction) in stack.into_iter().rev() {
            newest = Some(frame::snapshot(thread, function, code, instruction, newest)?.into_value());
        }
        let ident = int::new(thread, id as i64)?;
        dict::set_item(thread, &frames, ident.get(), newest.unwrap_or(Value::NONE))?;
    }
    Ok(frames.into_value())
}

/// Return the exception that each thread handles, by the thread's number; None for those that handle none.
#[pyfunction]
fn _current_exceptions(thread: &mut Thread) -> PyResult {
    let mut handled = Vec::new();
    with_handled_of_all(thread, |id, exception| {
        // It may be the other thread's own; from now on this one has it too.
        exception.into_iter().for_each(publish);
        handled.push((id, exception.map_or(Value::NONE, Ref::to_owned)));
    });
    let exceptions = dict::new(thread)?;
    for (id, exception) in handled {
        let ident = int::new(thread, id as i64)?;
        dict::set_item(thread, &exceptions, ident.get(), exception)?;
    }
    Ok(exceptions.into_value())
}

/// Return whether stack trampolines are on: there are none.
#[pyfunction]
fn is_stack_trampoline_active() -> bool {
    false
}

/// The interpreter's variables and functions.
#[pymodule(
    name = "sys",
    functions(
        exit,
        exception_,
        exc_info,
        getrefcount,
        _clear_type_descriptors,
        getsizeof,
        intern,
        _is_interned,
        _is_immortal,
        _getframe,
        _getframemodulename,
        getrecursionlimit,
        setrecursionlimit,
        get_int_max_str_digits,
        set_int_max_str_digits,
        getdefaultencoding,
        getfilesystemencoding,
        getfilesystemencodeerrors,
        getswitchinterval,
        setswitchinterval,
        _is_gil_enabled,
        is_finalizing,
        _clear_type_cache,
        gettrace,
        getprofile,
        settrace,
        setprofile,
        _settraceallthreads,
        _setprofileallthreads,
        call_tracing,
        get_asyncgen_hooks,
        set_asyncgen_hooks,
        get_coroutine_origin_tracking_depth,
        set_coroutine_origin_tracking_depth,
        getallocatedblocks,
        getunicodeinternedsize,
        _get_cpu_count_config,
        _current_frames,
        _current_exceptions,
        remote::is_remote_debug_enabled,
        remote::remote_exec,
        is_stack_trampoline_active,
        hooks::displayhook,
        hooks::excepthook,
        hooks::unraisablehook,
        hooks::breakpointhook,
        hooks::addaudithook,
        hooks::audit,
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    let namespace = module.namespace(thread).to_owned();
    for (alias, name) in [
        ("__displayhook__", "displayhook"),
        ("__excepthook__", "excepthook"),
        ("__unraisablehook__", "unraisablehook"),
        ("__breakpointhook__", "breakpointhook"),
    ] {
        let name = orochi_objects::str::intern(thread, name)?;
        if let Some(function) = dict::get_item(thread, &namespace, name.get())? {
            module.add(thread, alias, function)?;
        }
    }
    let monitoring = monitoring::create(thread)?;
    module.add(thread, "monitoring", monitoring.into_value())?;
    let jit = jit::create(thread)?;
    module.add(thread, "_jit", jit.into_value())?;
    module.add(thread, "byteorder", if cfg!(target_endian = "little") { "little" } else { "big" })?;
    module.add(thread, "maxsize", i64::MAX)?;
    module.add(thread, "maxunicode", 0x10_FFFF)?;
    module.add(thread, "platform", std::env::consts::OS)?;
    module.add(thread, "api_version", 1013)?;
    module.add(thread, "abiflags", "t")?;
    module.add(thread, "platlibdir", "lib")?;
    module.add(thread, "float_repr_style", "short")?;
    module.add(thread, "copyright", Implementation::COPYRIGHT)?;
    module.add(thread, "_framework", "")?;
    let git = ["Orochi", "", ""].map(|part| orochi_objects::str::new(thread, part));
    let git = tuple::new(thread, git.into_iter().collect::<PyResult<_>>()?)?;
    module.add(thread, "_git", git.into_value())?;
    module.add(thread, "dont_write_bytecode", false)?;
    for list in ["meta_path", "path_hooks"] {
        let empty = orochi_objects::types::list::new(thread, Vec::new())?;
        module.add(thread, list, empty)?;
    }
    let cache = dict::new(thread)?;
    module.add(thread, "path_importer_cache", cache)?;
    info::add(thread, module)?;
    names(thread, module)
}

/// The names of native modules and of all modules of the library.
fn names(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    let mut native: Vec<&str> = crate::MODULES.iter().map(|module| module.name).collect();
    native.extend(["builtins", "sys"]);
    native.sort_unstable();
    let values =
        native.iter().map(|name| orochi_objects::str::new(thread, name)).collect::<PyResult<Vec<_>>>()?;
    let values = tuple::new(thread, values)?;
    module.add(thread, "builtin_module_names", values)?;
    let library = orochi_lib::modules().iter().map(|module| module.name).filter(|name| !name.contains('.'));
    let mut all: Vec<&str> = library.chain(native).collect();
    all.sort_unstable();
    all.dedup();
    let values =
        all.iter().map(|name| orochi_objects::str::new(thread, name)).collect::<PyResult<Vec<_>>>()?;
    let values: Vec<Ref<'_>> = values.iter().map(Value::get).collect();
    let values = set::frozen_from_values(thread, &values)?;
    module.add(thread, "stdlib_module_names", values)
}

/// Adds what the command line and the environment decide.
///
/// # Errors
/// MemoryError.
pub fn configure(thread: &mut Thread, module: &Obj<PyModule>, settings: &Settings) -> PyResult<()> {
    info::configure(thread, module, settings)
}

/// Whether the interpreter is shutting down.
pub(crate) fn is_shutting_down() -> bool {
    info::finalizing()
}

/// Says that the interpreter is shutting down.
pub fn begin_finalizing() {
    info::begin_finalizing();
}

/// An int object of a field.
pub(crate) fn number(thread: &Thread, value: i64) -> PyResult {
    int::new(thread, value)
}
