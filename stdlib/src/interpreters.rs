//! `_orochi_interpreters`: further interpreters of the program, for `Lib/_interpreters.py` and `Lib/_interpqueues.py`.
//!
//! An interpreter is a set of modules, and a thread of the program is in one of them at a time. All have one heap, so what
//! keeps their objects apart is what those modules let through.

use orochi_core::{Owned, Shared};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{runtime_error, type_error};
use orochi_objects::thread::{PyInterpreter, ThreadState};
use orochi_objects::types::dict;
use orochi_objects::{ArgSlice, Obj, PyModule, PyResult, Ref, Thread, Value, protocol};
use std::sync::OnceLock;

/// Makes an interpreter that can run code.
type Start = fn(&mut Thread) -> PyResult<Owned<PyInterpreter>>;
/// Ends the one that the thread is in.
type Finish = fn(&mut Thread);

static MAKERS: OnceLock<(Start, Finish)> = OnceLock::new();
static REGISTRY: OnceLock<Shared> = OnceLock::new();

/// Says how interpreters are made and ended. The first call counts.
pub fn set_makers(start: Start, finish: Finish) {
    let _ = MAKERS.set((start, finish));
}

fn makers() -> PyResult<&'static (Start, Finish)> {
    MAKERS.get().ok_or_else(|| runtime_error("this program can't have further interpreters"))
}

fn interpreter_of(object: Ref<'_>) -> PyResult<Owned<PyInterpreter>> {
    match object.downcast::<PyInterpreter>() {
        Some(interpreter) => Ok(interpreter.to_owned()),
        None => Err(type_error("an interpreter is required")),
    }
}

/// Runs `f` as a thread of the interpreter: without the context, the event loop, and the handled exception of this one's.
fn inside<R>(thread: &mut Thread, interpreter: Owned<PyInterpreter>, f: impl FnOnce(&mut Thread) -> R) -> R {
    let before = ThreadState::enter(thread, interpreter);
    let handled = ThreadState::replace_handled(thread, orochi_core::word::UNBOUND);
    let state = ThreadState::of(thread);
    let (context, asyncio) = (state.context.take(), state.asyncio.take());
    let result = f(thread);
    let state = ThreadState::of(thread);
    let left =
        (std::mem::replace(&mut state.context, context), std::mem::replace(&mut state.asyncio, asyncio));
    ThreadState::replace_handled(thread, handled);
    ThreadState::enter(thread, before);
    drop(left);
    result
}

/// A new interpreter.
#[pyfunction]
fn create(thread: &mut Thread) -> PyResult {
    let start = makers()?.0;
    let context = ThreadState::of(thread).context.take();
    let made = start(thread);
    ThreadState::of(thread).context = context;
    Ok(made?.into_value())
}

/// Ends an interpreter: its threads, exit functions, streams and modules.
#[pyfunction]
#[signature(interpreter, /)]
fn finish(thread: &mut Thread, interpreter: Ref<'_>) -> PyResult<()> {
    let finish = makers()?.1;
    let interpreter = interpreter_of(interpreter)?;
    inside(thread, interpreter, finish);
    Ok(())
}

/// The interpreter that this thread is in.
#[pyfunction]
fn current(thread: &mut Thread) -> Value {
    ThreadState::of(thread).interpreter.to_value()
}

/// The modules of an interpreter: its sys.modules.
#[pyfunction]
#[signature(interpreter, /)]
fn modules(thread: &mut Thread, interpreter: Ref<'_>) -> PyResult {
    let interpreter = interpreter_of(interpreter)?;
    interpreter.modules.get(thread).ok_or_else(|| runtime_error("the interpreter has no modules"))
}

/// Calls a function in an interpreter.
#[pyfunction]
#[signature(interpreter, function, /, *args)]
fn run(thread: &mut Thread, interpreter: Ref<'_>, function: Ref<'_>, args: ArgSlice<'_>) -> PyResult {
    let interpreter = interpreter_of(interpreter)?;
    let args: Vec<Ref<'_>> = args.iter().collect();
    inside(thread, interpreter, |thread| protocol::call(thread, function, &args))
}

/// One dict for the whole program, whatever interpreter asks.
#[pyfunction]
fn registry(thread: &mut Thread) -> PyResult {
    if let Some(made) = REGISTRY.get() {
        return Ok(made.value());
    }
    let made = Shared::new(dict::new(thread)?.into_value());
    Ok(REGISTRY.get_or_init(|| made).value())
}

/// Further interpreters.
#[pymodule(name = "_orochi_interpreters", functions(create, finish, current, modules, run, registry))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
