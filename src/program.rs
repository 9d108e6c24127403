//! What the command runs as `__main__`: a file, a folder or archive, a command, a module, standard input.
//!
//! A program's code is compiled here and not by Python code, so that an error in it shows no line of the library.

use crate::config::{Config, Run};
use crate::startup::call_startup;
use orochi_compiler::{CompileOptions, Mode};
use orochi_core::{Thread, Value};
use orochi_objects::error::{PyErr, PyResult, memory_error, system_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::{bytes, exception};
use orochi_objects::{PyModule, Ref, protocol};
use orochi_stdlib::os_support::fs_decode;
use orochi_vm::builtins::{SourceOptions, compile_object, decode};
use orochi_vm::interpreter::run_code_object;
use std::ffi::OsStr;
use std::io::Read;

/// Runs what the command line names.
pub(crate) fn run(thread: &mut Thread, config: &Config) -> PyResult<()> {
    match &config.run {
        Run::Interactive if interactive(config) => call_startup(thread, "interact", &[Ref::TRUE]).map(drop),
        Run::Interactive | Run::Stdin => standard_input(thread),
        Run::Command(command) => {
            call_startup(thread, "path_of_command", &[])?;
            let text = orochi_objects::str::new(thread, &format!("{command}\n"))?;
            let text = match command.starts_with([' ', '\t', '\n']) {
                true => call_startup(thread, "dedent", &[text.get()])?,
                false => text,
            };
            let source = orochi_vm::builtins::text_of(thread, text.get(), "<string>", "compile", "string")?;
            let code = compile(thread, &source, "<string>", false)?;
            call_startup(thread, "remember_source", &[code.get(), text.get()])?;
            run_main(thread, code)
        }
        Run::Module(module) => {
            let module = orochi_objects::str::new(thread, module)?;
            call_startup(thread, "run_module", &[module.get()]).map(drop)
        }
        Run::File(file) => program_file(thread, config, file),
    }
}

/// Whether there is somebody to talk to.
pub(crate) fn interactive(config: &Config) -> bool {
    config.interactive || std::io::IsTerminal::is_terminal(&std::io::stdin())
}

fn compile(thread: &mut Thread, source: &str, filename: &str, is_script: bool) -> PyResult {
    let options = CompileOptions { optimize: orochi_vm::optimize(), is_script, ..CompileOptions::default() };
    compile_object(thread, source, &SourceOptions { filename, mode: Mode::Exec, options })
}

fn standard_input(thread: &mut Thread) -> PyResult<()> {
    call_startup(thread, "path_of_command", &[])?;
    let mut source = Vec::new();
    let read = thread.detached(|| std::io::stdin().lock().read_to_end(&mut source));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::OutOfMemory => return Err(memory_error()),
        Err(error) => return Err(orochi_stdlib::os_support::os_failure(thread, &error, None)),
    }
    let text = decode(thread, &source, "<stdin>", true)?;
    drop(source);
    let code = compile(thread, &text, "<stdin>", true)?;
    run_main(thread, code)
}

fn program_file(thread: &mut Thread, config: &Config, file: &OsStr) -> PyResult<()> {
    let path = match std::env::current_dir() {
        // Joined and not made normal: `__file__` shows what was given.
        Ok(folder) => folder.join(file),
        Err(_) => file.into(),
    };
    let name = fs_decode(thread, path.as_os_str().as_encoded_bytes())?;
    let given = fs_decode(thread, file.as_encoded_bytes())?;
    if std::fs::metadata(&path).is_ok() {
        let done = call_startup(thread, "run_folder_or_archive", &[name.get()])?;
        if protocol::is_true(thread, done.get())? {
            return Ok(());
        }
    }
    let mut source = match thread.detached(|| std::fs::read(&path)) {
        Ok(source) => source,
        Err(error) => return cannot_open(thread, config, name.get(), &error),
    };
    call_startup(thread, "path_of_file", &[given.get()])?;
    let is_compiled = path.extension().is_some_and(|extension| extension == "pyc")
        || source.starts_with(&orochi_stdlib::imp::magic_number());
    let code = if is_compiled {
        let data = bytes::new(thread, &source)?;
        call_startup(thread, "compiled_program", &[data.get()])?
    } else {
        if config.skip_first_line {
            let end = source.iter().position(|byte| *byte == b'\n').unwrap_or(source.len());
            source.drain(..end);
        }
        let shown = orochi_objects::str::display(name.get());
        let text = decode(thread, &source, &shown, true)?;
        compile(thread, &text, &shown, true)?
    };
    drop(source);
    call_startup(thread, "describe_main", &[name.get(), Value::bool(is_compiled).get()])?;
    run_main(thread, code)
}

/// Runs code as `__main__`, with nothing below it on the stack.
fn run_main(thread: &mut Thread, code: Value) -> PyResult<()> {
    let modules = ThreadState::modules(thread)?;
    let name = orochi_objects::str::new(thread, "__main__")?;
    let main = protocol::get_item(thread, modules.get(), name.get())?;
    let Some(module) = main.get().downcast::<PyModule>() else {
        return Err(system_error("__main__ is no module"));
    };
    let globals = module.namespace(thread).to_value();
    run_code_object(thread, code, globals, None).map(drop)
}

/// A file that can't be read: the message, and exit status 2.
fn cannot_open(thread: &mut Thread, config: &Config, name: Ref<'_>, error: &std::io::Error) -> PyResult<()> {
    let errno = error.raw_os_error().unwrap_or(0);
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or("");
    let name = protocol::repr(thread, name)?;
    let name = orochi_objects::str::display(name.get());
    let program = config.program.to_string_lossy();
    eprintln!("{program}: can't open file {name}: [Errno {errno}] {text}");
    Err(PyErr::new(&exception::SystemExit, Value::small_int(2).into_iter().collect()))
}
