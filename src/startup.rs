//! From the configuration to a running program, and its end.
//!
//! Order: the thread and its interpreter, `builtins`, `sys`, importlib (frozen), the importers, the standard streams,
//! `site`, the program. What of this is easier in Python is in `Lib/_orochi_startup.py`.

use crate::config::{Config, Run};
use orochi_core::thread::process_runtime;
use orochi_core::{Owned, Thread, Value, host};
use orochi_objects::error::{PyErr, PyResult, system_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::{dict, exception, exception_chain, int, module};
use orochi_objects::{DictExt, ModuleExt, Obj, PyDict, PyModule, Ref, protocol};
use orochi_stdlib::{imp, library, sys};
use orochi_vm::Interpreter;
use orochi_vm::interpreter::run_code_object;
use std::io::Write;

/// The folder of the embedded library below the prefix; it exists nowhere on disk.
const LIBRARY_FOLDER: &str = "lib/orochi3.14";

/// The status of a program that KeyboardInterrupt ended: as [`end`] shows it, minus SIGINT's number.
const INTERRUPTED: i32 = -2;

/// Runs a program and gives the status to [`end`] the process with.
pub fn run(config: &Config) -> i32 {
    let Some(mut thread) = Thread::spawn_here(process_runtime(), host::native_stack_limit()) else {
        eprintln!("orochi: there is no memory for the main thread");
        return 1;
    };
    let thread = &mut *thread;
    if let Some(seed) = config.hash_seed {
        orochi_objects::hash::set_seed(seed.into());
    }
    library::set_optimize(config.optimize);
    orochi_vm::set_optimize(config.optimize);
    let started = start(thread, config);
    let status = match started.and_then(|()| run_program(thread, config)) {
        Ok(()) => 0,
        Err(error) => report(thread, error),
    };
    let status = if config.inspect && !matches!(config.run, Run::Interactive) {
        match call_startup(thread, "interact", &[Ref::FALSE]) {
            Ok(_) => 0,
            Err(error) => report(thread, error),
        }
    } else {
        status
    };
    finish(thread, status)
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
    let builtins = orochi_vm::builtins::create(thread, &interpreter)?;
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
    bootstrap_importlib(thread, &sys)?;
    import(thread, "_orochi_library")?;
    let library = import(thread, "_orochi_library")?;
    protocol::call_method(thread, library.get(), "_install", &[])?;
    import(thread, "encodings")?;
    let io = import(thread, "io")?;
    let open = protocol::get_attr_str(thread, io.get(), "open")?;
    builtins.add(thread, "open", open)?;
    main_module(thread, &builtins)?;
    let encoding = config.io_encoding.as_deref().unwrap_or("");
    let encoding = orochi_objects::str::new(thread, encoding)?;
    call_startup(thread, "install_streams", &[Value::bool(config.unbuffered).get(), encoding.get()])?;
    install_signal_handlers(thread)?;
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
            ("utf8_mode", flag(config.utf8_mode.unwrap_or(false))),
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
fn bootstrap_importlib(thread: &mut Thread, sys: &Obj<PyModule>) -> PyResult<()> {
    let (name, source) = imp::FROZEN[0];
    let bootstrap = module::new(thread, name, None)?;
    register(thread, name, bootstrap.to_value())?;
    bootstrap.add(thread, "__origname__", source)?;
    let code = library::load(thread, source, &format!("<frozen {source}>"))?;
    let namespace = bootstrap.namespace(thread).to_value();
    run_code_object(thread, code, namespace, None)?;
    let imp = imp::MODULE.create(thread)?;
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

fn call_startup(thread: &mut Thread, function: &str, args: &[Ref<'_>]) -> PyResult {
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

fn run_program(thread: &mut Thread, config: &Config) -> PyResult<()> {
    let text = |thread: &mut Thread, text: &str| orochi_objects::str::new(thread, text);
    match &config.run {
        Run::Interactive => call_startup(thread, "run_stdin", &[])?,
        Run::Stdin => call_startup(thread, "run_stdin", &[])?,
        Run::Command(command) => {
            let command = text(thread, &format!("{command}\n"))?;
            let code = call_startup(thread, "run_command", &[command.get()])?;
            run_main(thread, code)?
        }
        Run::Module(module) => {
            let module = text(thread, module)?;
            call_startup(thread, "run_module", &[module.get()])?
        }
        Run::File(file) => {
            let path = std::path::Path::new(file);
            if let Err(error) = std::fs::metadata(path) {
                return Err(cannot_open(config, &error));
            }
            let file = text(thread, &file.to_string_lossy())?;
            let code =
                call_startup(thread, "run_file", &[file.get(), Value::bool(config.skip_first_line).get()])?;
            run_main(thread, code)?
        }
    };
    Ok(())
}

/// Runs code as `__main__`, with nothing below it on the stack.
fn run_main(thread: &mut Thread, code: Value) -> PyResult {
    if code.get().is_none() {
        return Ok(code);
    }
    let modules = ThreadState::modules(thread)?;
    let name = orochi_objects::str::new(thread, "__main__")?;
    let main = protocol::get_item(thread, modules.get(), name.get())?;
    let Some(module) = main.get().downcast::<PyModule>() else {
        return Err(system_error("__main__ is no module"));
    };
    let globals = module.namespace(thread).to_value();
    run_code_object(thread, code, globals, None)
}

/// A file that isn't there: the message, and exit status 2.
fn cannot_open(config: &Config, error: &std::io::Error) -> PyErr {
    let Run::File(file) = &config.run else { return system_error("no file") };
    let errno = error.raw_os_error().unwrap_or(0);
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or("");
    eprintln!(
        "{}: can't open file '{}': [Errno {errno}] {text}",
        config.program.to_string_lossy(),
        std::path::absolute(file).unwrap_or_else(|_| file.into()).display()
    );
    PyErr::new(&exception::SystemExit, Value::small_int(2).into_iter().collect())
}

/// Shows an exception that nothing caught, and gives the exit status for it.
fn report(thread: &mut Thread, mut error: PyErr) -> i32 {
    if error.matches(&exception::SystemExit) {
        let value = error.into_value(thread);
        return exit_status(thread, value.get());
    }
    let interrupted = error.matches(&exception::KeyboardInterrupt);
    let value = error.value(thread);
    drop(error);
    if let Err(error) = call_excepthook(thread, &value) {
        let mut shown = error;
        let shown = shown.value(thread);
        let _ = std::io::stderr().write_all(b"Error in sys.excepthook:\n");
        print_plainly(thread, shown.get());
        let _ = std::io::stderr().write_all(b"\nOriginal exception was:\n");
        print_plainly(thread, value.get());
    }
    if interrupted { INTERRUPTED } else { 1 }
}

fn call_excepthook(thread: &mut Thread, value: &Value) -> PyResult<()> {
    let hook = ThreadState::of(thread).interpreter.sys.get(thread);
    let name = orochi_objects::str::intern(thread, "excepthook")?;
    let hook = match hook.as_ref().and_then(|sys| sys.get().downcast::<PyDict>()) {
        Some(sys) => dict::get_item(thread, sys, name.get())?,
        None => None,
    };
    let Some(hook) = hook else { return Err(system_error("sys.excepthook is missing")) };
    let traceback = exception_chain::traceback_of(value.get(), thread).unwrap_or(Value::NONE);
    let class = orochi_objects::class_of(value.get()).to_value();
    protocol::call(thread, hook.get(), &[class.get(), value.get(), traceback.get()]).map(drop)
}

fn print_plainly(thread: &mut Thread, value: Ref<'_>) {
    let text = protocol::str(thread, value).map(|text| orochi_objects::str::display(text.get()));
    let class = orochi_objects::class_of(value).name();
    let _ = writeln!(std::io::stderr(), "{class}: {}", text.unwrap_or_default());
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
    let line = format!("{}\n", orochi_objects::str::display(text.get()));
    let line = orochi_objects::str::new(thread, &line)?;
    let sys = import(thread, "sys")?;
    let stderr = protocol::get_attr_str(thread, sys.get(), "stderr")?;
    protocol::call_method(thread, stderr.get(), "write", &[line.get()]).map(drop)
}

fn finish(thread: &mut Thread, status: i32) -> i32 {
    sys::begin_finalizing();
    let flushed = call_startup(thread, "finish", &[]);
    match flushed.map(|status| status.get().as_small_int()) {
        Ok(Some(120)) if status == 0 => 120,
        _ => status,
    }
}
