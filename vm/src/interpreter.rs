//! `Interpreter`: one isolated set of modules, and the way to run code in it.

use crate::interp;
use orochi_compiler::{CompileOptions, Mode};
use orochi_core::{AtomicField, Owned, Ref, Thread, Value};
use orochi_objects::collection::Collections;
use orochi_objects::error::PyResult;
use orochi_objects::interpreter::{Hooks, set_hooks};
use orochi_objects::monitoring::Monitoring;
use orochi_objects::thread::{PyInterpreter, ThreadState};
use orochi_objects::types::dict::{self, DictExt, PyDict};
use orochi_objects::types::{code, function, module, native_function};
use std::sync::atomic::{AtomicU8, Ordering};

/// The `-O` level of this process.
static OPTIMIZE: AtomicU8 = AtomicU8::new(0);

/// Sets the level at which code is compiled unless something else is asked for.
pub fn set_optimize(level: u8) {
    OPTIMIZE.store(level.min(2), Ordering::Relaxed);
}

/// The level at which code is compiled unless something else is asked for.
pub fn optimize() -> u8 {
    OPTIMIZE.load(Ordering::Relaxed)
}

/// One isolated set of modules. A handle; the state is an object that every thread of the interpreter refers to.
pub struct Interpreter {
    state: Owned<PyInterpreter>,
}

/// Enters the loop's functions for the layers below. Harmless when repeated.
pub fn install() {
    set_hooks(Hooks {
        call_function: interp::call_function,
        resume: interp::generator::resume,
        next: interp::generator::next,
        feed: interp::generator::feed,
    });
}

impl Interpreter {
    /// An interpreter with an empty `sys.modules` and an empty `builtins`; the thread becomes its first thread.
    ///
    /// # Errors
    /// MemoryError.
    pub fn new(thread: &mut Thread) -> PyResult<Interpreter> {
        let interpreter = Interpreter::beside(thread)?;
        ThreadState::attach(thread, interpreter.state.clone())?;
        Ok(interpreter)
    }

    /// The same for a thread that stays with the interpreter it has.
    ///
    /// # Errors
    /// MemoryError.
    pub fn beside(thread: &mut Thread) -> PyResult<Interpreter> {
        install();
        let builtins = module::new(thread, "builtins", None)?;
        let namespace = builtins.namespace(thread).to_value();
        let modules = dict::new(thread)?;
        let state = PyInterpreter {
            builtins: AtomicField::new_local(namespace),
            modules: AtomicField::new_local(modules.to_value()),
            sys: AtomicField::empty(),
            importlib: AtomicField::empty(),
            natives: AtomicField::new_local(dict::new(thread)?.into_value()),
            codecs: AtomicField::new_local(orochi_objects::codecs::registry::new(thread)?),
            collections: Collections::new(thread)?,
            monitoring: Monitoring::default(),
        };
        let state = orochi_objects::make(thread, state)?;
        for function in crate::builtins::FUNCTIONS {
            let object = native_function::new(thread, function, Some(builtins.to_value()), None)?;
            let name = orochi_objects::str::intern(thread, function.name)?;
            builtins.namespace(thread).to_owned().set_str(thread, name, object)?;
        }
        modules.set_str(thread, orochi_objects::name!("builtins"), builtins.into_value())?;
        Ok(Interpreter { state })
    }

    /// The shared state.
    pub fn state(&self) -> &Owned<PyInterpreter> {
        &self.state
    }

    /// The namespace of the `builtins` module.
    ///
    /// # Errors
    /// SystemError if it is gone.
    pub fn builtins(&self, thread: &Thread) -> PyResult<Owned<PyDict>> {
        ThreadState::builtins(thread)?
            .downcast::<PyDict>()
            .map_err(|_| orochi_objects::error::system_error("builtins is no dict"))
    }

    /// Compiles and runs source text as a module's code with these globals.
    ///
    /// # Errors
    /// SyntaxError, and whatever the program raises.
    pub fn run_source(
        &self,
        thread: &mut Thread,
        source: &str,
        filename: &str,
        globals: &Owned<PyDict>,
    ) -> PyResult {
        let code = compile_source(thread, source, filename, Mode::Exec)?;
        run_code_object(thread, code, globals.to_value(), None)
    }
}

/// Compiles source text to a code object.
///
/// # Errors
/// SyntaxError.
pub fn compile_source(thread: &mut Thread, source: &str, filename: &str, mode: Mode) -> PyResult {
    match orochi_compiler::compile(source, filename, mode, &CompileOptions::default()) {
        Ok((compiled, _warnings)) => Ok(code::new(thread, compiled)?.into_value()),
        Err(error) => Err(crate::errors::syntax_error(thread, &error, filename)),
    }
}

/// Runs a code object as `exec(code, globals, locals)` does.
///
/// # Errors
/// Whatever the program raises.
pub fn run_code_object(
    thread: &mut Thread,
    code: Value,
    globals: Value,
    locals: Option<Ref<'_>>,
) -> PyResult {
    let builtins = match globals.get().downcast::<PyDict>() {
        Some(globals) => orochi_objects::thread::builtins_for(thread, globals)?,
        None => return Err(orochi_objects::error::type_error("globals must be a dict")),
    };
    let namespace = locals.filter(|locals| !locals.is(globals.get()));
    let function = function::new(thread, code, globals.clone(), builtins)?;
    interp::run_code(thread, &function, namespace)
}
