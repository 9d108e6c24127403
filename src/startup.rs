//! From the configuration to a running program, and its end.
//!
//! Order: the thread and its interpreter, `builtins`, `sys`, importlib (frozen), the importers, the standard streams,
//! `site`, the program. What of this is easier in Python is in `Lib/_orochi_startup.py`.

use crate::config::{Config, Run};
use crate::program;
use orochi_core::thread::process_runtime;
use orochi_core::{Owned, Thread, Value, gc, host};
use orochi_objects::error::{PyErr, PyResult};
use orochi_objects::thread::{PyInterpreter, ThreadState};
use orochi_objects::types::exception::PyBaseException;
use orochi_objects::types::{dict, exception, exception_chain, int, module};
use orochi_objects::{DictExt, ModuleExt, Obj, PyDict, PyModule, Ref, finalize, protocol};
use orochi_stdlib::{atexit, imp, interpreters, library, sys};
use orochi_vm::Interpreter;
use orochi_vm::interpreter::run_code_object;
use std::sync::OnceLock;

/// The folder of the embedded library below the prefix; it exists nowhere on disk.
const LIBRARY_FOLDER: &str = "lib/orochi3.14";

/// The status of a program that KeyboardInterrupt ended: as [`end`] shows it, minus SIGINT's number.
const INTERRUPTED: i32 = -2;

/// What the first interpreter was started with; others are started with the same.
static CONFIG: OnceLock<&'static Config> = OnceLock::new();

/// Runs a program and gives the status to [`end`] the process with.
pub fn run(config: &'static Config) -> i32 {
    let _ = CONFIG.set(config);
    interpreters::set_makers(start_another, finish_another);
    let Some(mut thread) = Thread::spawn_here(process_runtime(), host::native_stack_limit()) else {
        eprintln!("orochi: there is no memory for the main thread");
        return 1;
    };
    // Until another thread is started.
    process_runtime().assume_alone();
    let thread = &mut *thread;
    if let Some(seed) = config.hash_seed {
        orochi_objects::hash::set_seed(seed);
    }
    orochi_objects::warn::set_bytes_warnings(config.bytes_warning);
    if config.dev_mode {
        orochi_objects::codecs::check_all_names();
    }
    if config.no_debug_ranges {
        orochi_objects::types::code::forget_columns();
    }
    library::set_optimize(config.optimize);
    orochi_vm::set_optimize(config.optimize);
    let outcome = start(thread, config).and_then(|()| program::run(thread, config));
    let status = match outcome {
        Ok(()) => 0,
        // Whoever inspects wants to see why the program would have ended.
        Err(error) if config.inspect && config.run != Run::Interactive => show(thread, error),
        Err(error) => report(thread, error),
    };
    let status = if asked_to_inspect(config) && config.run != Run::Interactive && program::interactive(config)
    {
        match call_startup(thread, "interact", &[Ref::FALSE]) {
            Ok(_) => 0,
            Err(error) => report(thread, error),
        }
    } else {
        status
    };
    finish(thread, status)
}

/// Whether `-i` was given, or PYTHONINSPECT is set; the program may have set it.
fn asked_to_inspect(config: &Config) -> bool {
    let set = || std::env::var_os("PYTHONINSPECT").is_some_and(|value| !value.is_empty());
    config.inspect || (!config.ignore_environment && set())
}

/// Ends the process at once: daemon threads may still run, and are not waited for. An interrupted program ends by the
/// signal where there are signals, so that a shell that waits for it notices.
pub fn end(status: i32) -> ! {
    if status == INTERRUPTED {
        orochi_stdlib::end_by_interrupt();
        std::process::exit(130)
    }
    std::process::exit(status)
}

fn start(thread: &mut Thread, config: &Config) -> PyResult<()> {
    let interpreter = Interpreter::new(thread)?;
    furnish(thread, &interpreter, config)?;
    install_signal_handlers(thread)?;
    if !config.disable_remote_debug {
        sys::enable_remote_debugging(thread);
    }
    import_at_start(thread, config)?;
    if config.faulthandler {
        let faulthandler = import(thread, "faulthandler")?;
        protocol::call_method(thread, faulthandler.get(), "enable", &[])?;
    }
    Ok(())
}

/// A further interpreter, ready to run code.
fn start_another(thread: &mut Thread) -> PyResult<Owned<PyInterpreter>> {
    let Some(config) = CONFIG.get() else {
        return Err(orochi_objects::error::runtime_error("there is no first interpreter"));
    };
    let interpreter = Interpreter::beside(thread)?;
    let before = ThreadState::enter(thread, interpreter.state().clone());
    let done = furnish(thread, &interpreter, config).and_then(|()| import_at_start(thread, config));
    ThreadState::enter(thread, before);
    done.map(|()| interpreter.state().clone())
}

/// Ends an interpreter of [`start_another`], in which this thread is.
fn finish_another(thread: &mut Thread) {
    let _ = call_startup(thread, "finish", &[]);
    let _ = atexit::run_exit_functions(thread);
    says_yes(thread, "flush_streams");
    let_go_of_modules(thread);
    if let Ok(modules) = ThreadState::modules(thread) {
        let _ = protocol::call_method(thread, modules.get(), "clear", &[]);
    }
}

/// What every interpreter has from its start.
fn furnish(thread: &mut Thread, interpreter: &Interpreter, config: &Config) -> PyResult<()> {
    let builtins = orochi_vm::builtins::create(thread, interpreter)?;
    let sys = sys::MODULE.create(thread)?;
    sys::configure(thread, &sys, &settings(config))?;
    if let Some(limit) = config.int_max_str_digits {
        orochi_objects::types::int_::text::set_max_str_digits(limit)?;
    }
    interpreter.state().sys.swap(&**interpreter.state(), thread, Some(sys.namespace(thread).to_value()));
    let modules = ThreadState::modules(thread)?;
    sys.add(thread, "modules", modules.clone())?;
    register(thread, "sys", sys.to_value())?;
    builtins.add(thread, "__debug__", config.optimize == 0)?;
    bootstrap_importlib(thread, &sys, config)?;
    import(thread, "_orochi_library")?;
    let library = import(thread, "_orochi_library")?;
    protocol::call_method(thread, library.get(), "_install", &[])?;
    import(thread, "encodings")?;
    let io = import(thread, "io")?;
    let open = protocol::get_attr_str(thread, io.get(), "open")?;
    builtins.add(thread, "open", open)?;
    main_module(thread, &builtins)?;
    install_streams(thread, config)
}

/// Modules that are there before the program, because the command line doesn't say otherwise.
fn import_at_start(thread: &mut Thread, config: &Config) -> PyResult<()> {
    if !config.no_site {
        import(thread, "site")?;
        let site = import(thread, "site")?;
        protocol::call_method(thread, site.get(), "main", &[])?;
    }
    if !config.warn_options.is_empty() {
        import(thread, "warnings")?;
    }
    Ok(())
}

fn install_streams(thread: &mut Thread, config: &Config) -> PyResult<()> {
    let encoding = orochi_objects::str::new(thread, config.io_encoding.as_deref().unwrap_or(""))?;
    // As CPython in its UTF-8 mode, and in locales that may stand for "none".
    let locale = config.locale.as_deref().unwrap_or("C");
    let lenient =
        config.utf8_mode == Some(true) || matches!(locale, "C" | "POSIX" | "C.UTF-8" | "C.utf8" | "UTF-8");
    let errors = if lenient { "surrogateescape" } else { "strict" };
    let errors = orochi_objects::str::new(thread, errors)?;
    let unbuffered = Value::bool(config.unbuffered);
    call_startup(thread, "install_streams", &[unbuffered.get(), encoding.get(), errors.get()]).map(drop)
}

/// SIGINT raises KeyboardInterrupt; writing to a closed pipe is an error, not death.
fn install_signal_handlers(thread: &mut Thread) -> PyResult<()> {
    if orochi_stdlib::MODULES.iter().any(|module| module.name == "_signal") {
        import(thread, "_signal")?;
    }
    Ok(())
}

fn settings(config: &Config) -> sys::Settings {
    let executable =
        std::env::current_exe().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let prefix = prefix(&executable);
    let stdlib = format!("{}/{LIBRARY_FOLDER}", prefix.trim_end_matches('/'));
    let flag = |on: bool| i64::from(on);
    let locale_is_c = matches!(config.locale.as_deref(), None | Some("C" | "POSIX"));
    let mut path = Vec::new();
    if let Some(python_path) = &config.python_path {
        path.extend(std::env::split_paths(python_path).map(|path| path.to_string_lossy().into_owned()));
    }
    path.push(stdlib.clone());
    let mut argv = vec![match &config.run {
        Run::Command(_) => "-c".into(),
        Run::Module(_) => "-m".into(),
        Run::File(file) => file.clone(),
        Run::Stdin => "-".into(),
        Run::Interactive => "".into(),
    }];
    argv.extend(config.args.iter().cloned());
    let mut orig_argv = vec![config.program.clone()];
    orig_argv.extend(config.orig_args.iter().cloned());
    let digits = config.int_max_str_digits.unwrap_or(4300);
    sys::Settings {
        flags: vec![
            ("debug", config.debug.into()),
            ("inspect", flag(config.inspect)),
            ("interactive", flag(config.interactive)),
            ("optimize", config.optimize.into()),
            ("dont_write_bytecode", flag(config.dont_write_bytecode)),
            ("no_user_site", flag(config.no_user_site)),
            ("no_site", flag(config.no_site)),
            ("ignore_environment", flag(config.ignore_environment)),
            ("verbose", config.verbose.into()),
            ("bytes_warning", config.bytes_warning.into()),
            ("quiet", flag(config.quiet)),
            ("hash_randomization", flag(config.hash_seed != Some(0))),
            ("isolated", flag(config.isolated)),
            ("dev_mode", flag(config.dev_mode)),
            ("utf8_mode", flag(config.utf8_mode.unwrap_or(locale_is_c))),
            ("warn_default_encoding", flag(config.warn_default_encoding)),
            ("safe_path", flag(config.safe_path)),
            ("int_max_str_digits", digits),
            ("thread_inherit_context", flag(config.thread_inherit_context)),
            ("context_aware_warnings", flag(config.context_aware_warnings)),
        ],
        argv,
        orig_argv,
        path,
        executable,
        prefix,
        stdlib,
        warn_options: config.warn_options.clone(),
        x_options: config.x_options.clone(),
        cpu_count: config.cpu_count,
        dont_write_bytecode: config.dont_write_bytecode,
        pycache_prefix: config.pycache_prefix.as_ref().map(|prefix| prefix.to_string_lossy().into_owned()),
    }
}

/// The folder above the one that holds the executable.
fn prefix(executable: &str) -> String {
    let path = std::path::Path::new(executable);
    match path.parent().and_then(std::path::Path::parent) {
        Some(prefix) if !prefix.as_os_str().is_empty() => prefix.to_string_lossy().into_owned(),
        _ => "/usr/local".to_owned(),
    }
}

fn register(thread: &mut Thread, name: &str, value: Value) -> PyResult<()> {
    let modules = ThreadState::modules(thread)?;
    let name = orochi_objects::str::intern(thread, name)?;
    protocol::set_item(thread, modules.get(), name.get(), Some(value.get()))
}

/// Runs importlib's own code before anything can be imported, and lets it install its importers.
fn bootstrap_importlib(thread: &mut Thread, sys: &Obj<PyModule>, config: &Config) -> PyResult<()> {
    let (name, source) = imp::FROZEN[0];
    let bootstrap = module::new(thread, name, None)?;
    register(thread, name, bootstrap.to_value())?;
    bootstrap.add(thread, "__origname__", source)?;
    let code = library::load(thread, source, &format!("<frozen {source}>"))?;
    let namespace = bootstrap.namespace(thread).to_value();
    run_code_object(thread, code, namespace, None)?;
    let imp = imp::MODULE.create(thread)?;
    imp.add(thread, "check_hash_based_pycs", config.check_hash_based_pycs.as_str())?;
    register(thread, "_imp", imp.to_value())?;
    protocol::call_method(thread, bootstrap.get(), "_install", &[sys.get(), imp.get()])?;
    protocol::call_method(thread, bootstrap.get(), "_install_external_importers", &[])?;
    Ok(())
}

fn import(thread: &mut Thread, name: &str) -> PyResult {
    let builtins = ThreadState::builtins(thread)?;
    let import = orochi_objects::str::intern(thread, "__import__")?;
    let import = protocol::get_item(thread, builtins.get(), import.get())?;
    let name = orochi_objects::str::new(thread, name)?;
    protocol::call(thread, import.get(), &[name.get()])
}

/// Calls a function of `_orochi_startup`.
pub(crate) fn call_startup(thread: &mut Thread, function: &str, args: &[Ref<'_>]) -> PyResult {
    let startup = import(thread, "_orochi_startup")?;
    protocol::call_method(thread, startup.get(), function, args)
}

fn main_module(thread: &mut Thread, builtins: &Owned<PyModule>) -> PyResult<()> {
    let main = module::new(thread, "__main__", None)?;
    main.add(thread, "__builtins__", builtins.to_value())?;
    let loader = import(thread, "_frozen_importlib")?;
    let loader = protocol::get_attr_str(thread, loader.get(), "BuiltinImporter")?;
    let namespace: Owned<PyDict> = main.namespace(thread).to_owned();
    let name = orochi_objects::str::intern(thread, "__loader__")?;
    namespace.set_str(thread, name, loader)?;
    register(thread, "__main__", main.into_value())
}

/// Shows an exception that nothing caught, and gives the exit status for it.
fn report(thread: &mut Thread, error: PyErr) -> i32 {
    if error.matches(&exception::SystemExit) {
        let value = error.into_value(thread);
        return exit_status(thread, value.get());
    }
    show(thread, error)
}

/// Shows an exception by `sys.excepthook`, and gives the exit status for it.
fn show(thread: &mut Thread, mut error: PyErr) -> i32 {
    let interrupted = error.matches(&exception::KeyboardInterrupt);
    let value = error.value(thread);
    drop(error);
    forget_startup(thread, &value);
    if let Err(mut failure) = call_excepthook(thread, &value) {
        let failure = failure.value(thread);
        sys::print_exception(thread, "Error in sys.excepthook:\n", failure.get());
        sys::print_exception(thread, "\nOriginal exception was:\n", value.get());
    }
    if interrupted { INTERRUPTED } else { 1 }
}

/// Takes the frames of `_orochi_startup`, which are not the program's, off a traceback.
fn forget_startup(thread: &mut Thread, error: &Value) {
    let Some(exception) = error.get().downcast::<PyBaseException>() else { return };
    while let Some(entry) = exception_chain::traceback_of(error.get(), thread)
        && let Ok(true) = is_startup(thread, entry.get())
        && let Ok(next) = protocol::get_attr_str(thread, entry.get(), "tb_next")
    {
        exception_chain::set_traceback(exception, thread, Some(next).filter(|next| !next.get().is_none()));
    }
}

fn is_startup(thread: &mut Thread, entry: Ref<'_>) -> PyResult<bool> {
    let frame = protocol::get_attr_str(thread, entry, "tb_frame")?;
    let code = protocol::get_attr_str(thread, frame.get(), "f_code")?;
    let file = protocol::get_attr_str(thread, code.get(), "co_filename")?;
    Ok(orochi_objects::str::display(file.get()).ends_with("/_orochi_startup.py"))
}

fn call_excepthook(thread: &mut Thread, value: &Value) -> PyResult<()> {
    let hook = ThreadState::of(thread).interpreter.sys.get(thread);
    let name = orochi_objects::str::intern(thread, "excepthook")?;
    let hook = match hook.as_ref().and_then(|sys| sys.get().downcast::<PyDict>()) {
        Some(sys) => dict::get_item(thread, sys, name.get())?,
        None => None,
    };
    let Some(hook) = hook else {
        sys::print_exception(thread, "sys.excepthook is missing\n", value.get());
        return Ok(());
    };
    let traceback = exception_chain::traceback_of(value.get(), thread).unwrap_or(Value::NONE);
    let class = orochi_objects::class_of(value.get()).to_value();
    protocol::call(thread, hook.get(), &[class.get(), value.get(), traceback.get()]).map(drop)
}

/// The exit status that a SystemExit asks for; anything but an int or None is printed.
fn exit_status(thread: &mut Thread, error: Ref<'_>) -> i32 {
    let code = match protocol::get_attr_str(thread, error, "code") {
        Ok(code) => code,
        Err(_) => return 1,
    };
    if code.get().is_none() {
        return 0;
    }
    if let Some(status) = int::value(code.get()) {
        return status.to_i64().map_or(255, |status| (status & 0xff) as i32);
    }
    let _ = print_to_stderr(thread, code.get());
    1
}

fn print_to_stderr(thread: &mut Thread, value: Ref<'_>) -> PyResult<()> {
    let text = protocol::str(thread, value)?;
    let end = orochi_objects::str::new(thread, "\n")?;
    let sys = import(thread, "sys")?;
    let stderr = protocol::get_attr_str(thread, sys.get(), "stderr")?;
    protocol::call_method(thread, stderr.get(), "write", &[text.get()])?;
    protocol::call_method(thread, stderr.get(), "write", &[end.get()]).map(drop)
}

/// Ends the interpreter: exit functions, finalizers, streams. A failure to flush makes another status of success.
fn finish(thread: &mut Thread, status: i32) -> i32 {
    let _ = call_startup(thread, "finish", &[]);
    let _ = atexit::run_exit_functions(thread);
    // Only now: threads and exit functions may start threads and processes still.
    sys::begin_finalizing();
    let flushed = says_yes(thread, "flush_streams");
    let_go_of_modules(thread);
    if says_yes(thread, "flush_streams") && flushed || status != 0 { status } else { 120 }
}

/// Lets the program's modules die, if anybody could notice.
fn let_go_of_modules(thread: &mut Thread) {
    let stay = call_startup(thread, "modules_that_stay", &[]).unwrap_or(Value::NONE);
    if stay.get().is_none() {
        gc::collect(thread, gc::Options::default(), &mut finalize::run_pending);
        return;
    }
    if !gc::would_be_noticed(thread, stay.get()) {
        return;
    }
    let left = call_startup(thread, "let_go_of_modules", &[]);
    gc::collect(thread, gc::Options::default(), &mut finalize::run_pending);
    if let Ok(left) = left {
        let _ = call_startup(thread, "empty_modules", &[left.get()]);
        gc::collect(thread, gc::Options::default(), &mut finalize::run_pending);
    }
}

/// What a function of `_orochi_startup` answers; no if it fails.
fn says_yes(thread: &mut Thread, function: &str) -> bool {
    call_startup(thread, function, &[]).is_ok_and(|done| done.get().as_bool() == Some(true))
}
