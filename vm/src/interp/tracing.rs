//! The loop that tells `sys.settrace` and `sys.setprofile` functions of what happens, and the tools of `sys.monitoring`
//! (`monitoring.rs`).
//!
//! It runs in place of the usual loop while the poll word has the tracing bit, and does without that loop's shortcuts: each
//! instruction is looked at first, then done by its handler. What must hold:
//! 1. Events about an instruction are told with the frame's `pc` behind the instruction's first word, as if it ran already,
//!    so that line numbers and handlers of exceptions are those of the instruction.
//! 2. A trace function may set the frame's line: then `pc` is behind the first word of the instruction to go on with.
//! 3. While a trace function runs the bit is off; an exception that it raises ends tracing.

use super::cursor::{At, Flow, raise};
use super::{exception, monitoring, outcome};
use orochi_compiler::opcode::{Op, Word as Instruction};
use orochi_core::sync::Ordering;
use orochi_core::word;
use orochi_core::{Obj, Owned, Ref, Thread, Value};
use orochi_objects::class::{PyClass, is_exact};
use orochi_objects::error::{PyErr, PyResult};
use orochi_objects::monitoring::Event;
use orochi_objects::slots::Sent;
use orochi_objects::thread::ThreadState;
use orochi_objects::tracing::{self, STARTED, TRACE, Tracing};
use orochi_objects::types::exception_chain;
use orochi_objects::types::frame::{self, LINE_ZERO, PyFrame};
use orochi_objects::types::native_function::PyNativeFunction;
use orochi_objects::types::{method_descriptor::PyMethodDescriptor, tuple};
use orochi_objects::{class_of, protocol, str};

/// Whether the running thread is traced.
#[inline(always)]
pub(super) fn is_on(thread: &Thread) -> bool {
    thread.poll() & TRACE != 0
}

pub(super) fn state(thread: &Thread) -> &mut Tracing {
    &mut ThreadState::of(thread).tracing
}

/// Which of the two functions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `sys.settrace`
    Trace,
    /// `sys.setprofile`
    Profile,
}

/// Sets (or removes) the function of the running thread. Frames that are active already have no `call` event.
pub fn set_function(thread: &mut Thread, kind: Kind, function: Option<Value>) {
    tracing::sync(thread);
    let state = state(thread);
    let slot = match kind {
        Kind::Trace => &mut state.trace,
        Kind::Profile => &mut state.profile,
    };
    let old = std::mem::replace(slot, function);
    let known = if state.wanted() || state.inside { None } else { Some(state.forget()) };
    begin_all(thread);
    tracing::sync(thread);
    drop((old, known));
}

/// Sets (or removes) the function of all threads.
pub fn set_function_everywhere(thread: &mut Thread, kind: Kind, function: Option<Value>) {
    orochi_objects::monitoring::give_all_threads(thread, kind as usize, function);
    begin_all(thread);
    tracing::sync(thread);
}

/// What is told of has changed, at a safepoint of the running frame.
#[cold]
pub fn events_changed(thread: &mut Thread) {
    tracing::sync(thread);
    if is_on(thread) && !state(thread).entered {
        begin_all(thread);
    }
}

/// The active frames have begun already.
fn begin_all(thread: &mut Thread) {
    state(thread).entered = true;
    ThreadState::of(thread).frames.mark_active(STARTED);
}

/// The function of the running thread.
pub fn function(thread: &Thread, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Trace => state(thread).trace.clone(),
        Kind::Profile => state(thread).profile.clone(),
    }
}

/// Runs the thread's running frame until it ends, or (None) until nobody listens any more.
pub(super) fn run(thread: &mut Thread) -> Option<PyResult<Sent>> {
    tracing::sync(thread);
    if is_on(thread) && !state(thread).entered {
        let at = At(ThreadState::of(thread).frames.current);
        let (flags, begins) = (at.frame().flags, std::ptr::eq(at.frame().pc, at.frame().code().entry()));
        let begins = begins || at.frame().generator().is_some();
        begin_all(thread);
        if begins {
            at.frame().flags = flags;
        }
    }
    while is_on(thread) {
        if !state(thread).is_current(orochi_objects::monitoring::of(thread)) {
            tracing::sync(thread);
            continue;
        }
        let at = At(ThreadState::of(thread).frames.current);
        let flow = step(thread, at);
        let flow = if flow == Flow::Raise { exception::unwind(thread) } else { flow };
        if flow == Flow::Exit {
            return Some(outcome(thread));
        }
    }
    if !state(thread).inside {
        state(thread).entered = false;
        drop(state(thread).forget());
    }
    None
}

/// One instruction with its events.
fn step(thread: &mut Thread, at: At) -> Flow {
    if let Err(error) = before(thread, at) {
        return raise(thread, error);
    }
    let watch = match monitoring::before(thread, at) {
        Ok(watch) => watch,
        Err(error) => return raise(thread, error),
    };
    if let Err(error) = before_return(thread, at) {
        return raise(thread, error);
    }
    // SAFETY: the running frame's pc lies within its code, which was verified.
    let (w, op) = unsafe {
        let w = Instruction(*at.frame().pc);
        at.frame().pc = at.frame().pc.add(1);
        (w, std::mem::transmute::<u8, Op>(w.op_byte()))
    };
    let native = if state(thread).profile.is_some() { native_callee(thread, at, op, w) } else { None };
    if let Some(callee) = &native
        && let Err(error) = profile(thread, at, "c_call", callee.clone())
    {
        return raise(thread, error);
    }
    let flow = super::HANDLERS[op as usize](thread, at.0, w);
    if op == Op::JumpBack {
        restart_line(at);
    }
    let flow = match native {
        Some(callee) => after_native(thread, at, callee, flow),
        None => flow,
    };
    let flow = match watch {
        Some(watch) => monitoring::after(thread, at, watch, flow),
        None => flow,
    };
    if flow == Flow::Reload && !state(thread).open.is_empty() { monitoring::close(thread) } else { flow }
}

/// What is told before an instruction runs.
fn before(thread: &mut Thread, at: At) -> PyResult<()> {
    // SAFETY: the running frame's pc lies within its code.
    let w = unsafe { Instruction(*at.frame().pc) };
    let is = |op: Op| w.op_byte() == op as u8;
    if is(Op::MakeCell) || is(Op::SpillParams) || is(Op::ReturnGenerator) {
        return Ok(());
    }
    if at.frame().flags & STARTED == 0 {
        at.frame().flags |= STARTED;
        started(thread, at)?;
    }
    lines(thread, at)
}

/// The running frame is about to return.
pub(super) fn before_return(thread: &mut Thread, at: At) -> PyResult<()> {
    // SAFETY: the running frame's pc lies within its code.
    let w = unsafe { Instruction(*at.frame().pc) };
    let is = |op: Op| w.op_byte() == op as u8;
    if is(Op::Return) || is(Op::ReturnNone) {
        let value = if is(Op::Return) { at.get(w.a()).to_owned() } else { Value::NONE };
        at_instruction(at, |at| returning(thread, at, value))?;
    }
    Ok(())
}

/// Invariant 1. After an error `pc` stays where it is.
pub(super) fn at_instruction(at: At, f: impl FnOnce(At) -> PyResult<()>) -> PyResult<()> {
    at.frame().pc = at.frame().pc.wrapping_add(1);
    f(at)?;
    at.frame().pc = at.frame().pc.wrapping_sub(1);
    Ok(())
}

/// The frame object, if there is one and it has a trace function.
fn traced<'a>(thread: &Thread, at: At) -> Option<&'a Obj<PyFrame>> {
    let object = at.frame().object;
    if object == word::UNBOUND {
        return None;
    }
    // SAFETY: owned by the frame.
    let object = unsafe { Ref::from_word(object) }.downcast::<PyFrame>()?;
    object.has_trace(thread).then_some(object)
}

/// The index of the instruction that comes next.
pub(super) fn next_index(at: At) -> usize {
    (at.frame().pc as usize).saturating_sub(at.frame().code().entry() as usize) / 4
}

/// The `line` and `opcode` events of the instruction that comes next.
fn lines(thread: &mut Thread, at: At) -> PyResult<()> {
    let Some(object) = traced(thread, at) else { return Ok(()) };
    let object = object.to_owned();
    let watched = state(thread).watch(at.frame().code());
    let line = watched.lines.get(next_index(at)).copied().unwrap_or(0);
    let last = object.traced_line.load(Ordering::Relaxed);
    if line != 0 && line != last {
        object.traced_line.store(line, Ordering::Relaxed);
        if object.trace_lines.load(Ordering::Relaxed) {
            at_instruction(at, |at| local_trace(thread, at, &object, "line", Value::NONE))?;
        }
    }
    if object.trace_opcodes.load(Ordering::Relaxed) {
        at_instruction(at, |at| local_trace(thread, at, &object, "opcode", Value::NONE))?;
    }
    Ok(())
}

/// After a jump backwards the same line is told of again.
fn restart_line(at: At) {
    if at.frame().object != word::UNBOUND
        // SAFETY: owned by the frame.
        && let Some(object) = unsafe { Ref::from_word(at.frame().object) }.downcast::<PyFrame>()
    {
        object.traced_line.store(0, Ordering::Relaxed);
    }
}

/// Whether a generator's frame stands at its beginning.
fn first_resumption(at: At) -> bool {
    // SAFETY: a generator's code begins with the instruction that makes it, which its frame is behind.
    unsafe { Instruction(*at.frame().pc.sub(1)) }.op_byte() == Op::ReturnGenerator as u8
}

fn object_of(thread: &mut Thread, at: At) -> PyResult<Owned<PyFrame>> {
    // SAFETY: the running frame of this thread, or one below it.
    unsafe { frame::of_active(thread, at.0) }
}

/// A frame begins, or a generator's goes on.
fn started(thread: &mut Thread, at: At) -> PyResult<()> {
    let resumed = at.frame().generator().is_some() && !first_resumption(at);
    let object = object_of(thread, at)?;
    if resumed {
        let line = object.line(thread);
        object.traced_line.store(line, Ordering::Relaxed);
    } else {
        object.traced_line.store(0, Ordering::Relaxed);
        let code = &at.frame().code().code;
        object.show_line(if &*code.name == "<module>" { LINE_ZERO } else { code.firstlineno });
    }
    let event = if resumed { Event::Resume } else { Event::Start };
    let result = monitoring::begins(thread, at, event).and_then(|()| tell_start(thread, at, &object));
    object.show_line(0);
    result
}

/// An exception is thrown into the running frame, a suspended generator's.
pub(super) fn thrown(thread: &mut Thread, at: At, error: Ref<'_>) -> PyResult<()> {
    if at.frame().flags & STARTED != 0 {
        return Ok(());
    }
    at.frame().flags |= STARTED;
    let object = object_of(thread, at)?;
    monitoring::at_frame(thread, at, Event::Throw, error)?;
    tell_start(thread, at, &object)
}

fn tell_start(thread: &mut Thread, at: At, object: &Obj<PyFrame>) -> PyResult<()> {
    if state(thread).profile.is_some() {
        profile(thread, at, "call", Value::NONE)?;
    }
    if let Some(function) = state(thread).trace.clone() {
        let local = call(thread, Kind::Trace, &function, object, "call", Value::NONE)?;
        let local = if local.get().is_none() { None } else { Some(local) };
        PyFrame::set_trace(object, thread, local);
    }
    Ok(())
}

/// The frame returns or yields a value, or (with None) ends with an exception.
pub(super) fn returning(thread: &mut Thread, at: At, value: Value) -> PyResult<()> {
    if at.frame().flags & STARTED == 0 {
        return Ok(());
    }
    if let Some(object) = traced(thread, at) {
        let object = object.to_owned();
        local_trace(thread, at, &object, "return", value.clone())?;
    }
    if state(thread).profile.is_some() {
        profile(thread, at, "return", value)?;
    }
    Ok(())
}

/// The frame, a generator's, yields a value.
pub(super) fn yielding(thread: &mut Thread, at: At, value: &Value) -> PyResult<()> {
    monitoring::at_frame(thread, at, Event::Yield, value.get())?;
    returning(thread, at, value.clone())
}

/// An exception arose in the running frame, or arrived there.
pub(super) fn raised(thread: &mut Thread, at: At, error: &Value) -> PyResult<()> {
    let Some(object) = traced(thread, at) else { return Ok(()) };
    let object = object.to_owned();
    let traceback = exception_chain::traceback_of(error.get(), thread).unwrap_or(Value::NONE);
    let class = class_of(error.get()).get().to_owned();
    let argument = tuple::new(thread, vec![class, error.clone(), traceback])?.into_value();
    local_trace(thread, at, &object, "exception", argument)
}

/// Calls a frame's trace function, whose result takes its place.
fn local_trace(
    thread: &mut Thread,
    at: At,
    object: &Obj<PyFrame>,
    event: &'static str,
    argument: Value,
) -> PyResult<()> {
    debug_assert!(at.frame().object != word::UNBOUND);
    let Some(function) = object.trace_function(thread).filter(|_| state(thread).trace.is_some()) else {
        return Ok(());
    };
    let result = call(thread, Kind::Trace, &function, object, event, argument);
    match result {
        Ok(result) => {
            if !result.get().is_none() {
                PyFrame::set_trace(object, thread, Some(result));
            }
            Ok(())
        }
        Err(error) => {
            PyFrame::set_trace(object, thread, None);
            Err(error)
        }
    }
}

fn profile(thread: &mut Thread, at: At, event: &'static str, argument: Value) -> PyResult<()> {
    let Some(function) = state(thread).profile.clone() else { return Ok(()) };
    let object = object_of(thread, at)?;
    call(thread, Kind::Profile, &function, &object, event, argument).map(drop)
}

/// Calls a trace or profile function.
fn call(
    thread: &mut Thread,
    kind: Kind,
    function: &Value,
    object: &Obj<PyFrame>,
    event: &'static str,
    argument: Value,
) -> PyResult {
    let event = str::intern(thread, event)?.to_value();
    let object = object.to_value();
    let result = quietly(thread, |thread| {
        protocol::call(thread, function.get(), &[object.get(), event.get(), argument.get()])
    });
    if result.is_err() {
        set_function(thread, kind, None);
    }
    result
}

/// Invariant 3: runs a function that is told of events.
pub(super) fn quietly<R>(thread: &mut Thread, f: impl FnOnce(&mut Thread) -> R) -> R {
    state(thread).inside = true;
    tracing::sync(thread);
    let result = f(thread);
    state(thread).inside = false;
    tracing::sync(thread);
    result
}

// ---- native calls, for profilers ----

/// The native function that a call instruction is about to call, bound to its receiver.
fn native_callee(thread: &mut Thread, at: At, op: Op, w: Instruction) -> Option<Value> {
    if !matches!(op, Op::Call | Op::CallKw | Op::CallEx) {
        return None;
    }
    let callee = at.get(w.b());
    let receiver = at.get_bound(w.b() + 1);
    if is_exact(callee, PyNativeFunction::static_type()) && receiver.is_none() {
        return Some(callee.to_owned());
    }
    if !is_exact(callee, PyMethodDescriptor::static_type()) {
        return None;
    }
    // A method that is called through its class gets its object as the first argument.
    let receiver = match (receiver, op) {
        (Some(receiver), _) => receiver,
        (None, Op::Call | Op::CallKw) if w.c() > 0 => at.get_bound(w.b() + 2)?,
        _ => return None,
    };
    let class = class_of(receiver).get();
    protocol::call_method(thread, callee, "__get__", &[receiver, class]).ok()
}

/// A native function has ended.
fn after_native(thread: &mut Thread, at: At, callee: Value, flow: Flow) -> Flow {
    if state(thread).profile.is_none() || !std::ptr::eq(ThreadState::of(thread).frames.current, at.0) {
        return flow;
    }
    if flow != Flow::Raise {
        return match profile(thread, at, "c_return", callee) {
            Ok(()) => flow,
            Err(error) => raise(thread, error),
        };
    }
    let raised: Option<PyErr> = ThreadState::of(thread).raised.take();
    match profile(thread, at, "c_exception", callee) {
        Ok(()) => {
            ThreadState::of(thread).raised = raised;
            flow
        }
        Err(error) => raise(thread, error),
    }
}
