//! Tells the tools of `sys.monitoring` (PEP 669) of what happens, from the tracing loop.
//!
//! An event belongs to an instruction of a code object: a tool wants it if it has asked for it everywhere or for this code,
//! has a callback for it, and hasn't switched it off there. Callbacks run as trace functions do (`tracing.rs`).

use super::cursor::{At, Flow, raise};
use super::tracing::{at_instruction, is_on, next_index, quietly, state};
use orochi_compiler::code::WORD_BYTES;
use orochi_compiler::opcode::{Ext, Op, Word as Instruction};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_objects::class::is_exact;
use orochi_objects::error::{PyErr, PyResult, value_error};
use orochi_objects::frames::{Frame, Mode};
use orochi_objects::monitoring::{self, Event, LOCAL, Sets, TOOLS};
use orochi_objects::thread::ThreadState;
use orochi_objects::tracing::OpenCall;
use orochi_objects::types::code::PyCode;
use orochi_objects::types::exception;
use orochi_objects::types::function::PyFunction;
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::method::PyMethod;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{PyClass as _, int};

/// What is to be told after an instruction that is about to run.
pub(super) struct Watch {
    at: u32,
    op: Op,
    /// A call of something that isn't a Python function, with its first argument.
    call: Option<(Value, Value)>,
    driver: Option<Driver>,
}

/// What a generator gives its value to.
struct Driver {
    frame: *mut Frame,
    /// The index of the driving instruction.
    at: u32,
    is_loop: bool,
    /// What the generator returns, unless it yields.
    returned: Option<Value>,
}

fn wants(events: &Sets, event: Event) -> bool {
    events.iter().any(|set| set & event.deciding().bit() != 0)
}

/// What tools ask for in some code.
fn events_in(thread: &Thread, code: &Obj<PyCode>) -> Sets {
    let state = state(thread);
    if !state.is_monitored() || !is_on(thread) {
        return [0; TOOLS];
    }
    let watched = state.watch(code);
    state.events(monitoring::of(thread), code, &watched)
}

/// Tells each tool that wants to know. `at` is the instruction's index, `place` what is said of it.
fn tell(
    thread: &mut Thread,
    code: &Obj<PyCode>,
    events: &Sets,
    (event, at, place): (Event, u32, u32),
    arguments: &[Ref<'_>],
) -> PyResult<()> {
    for (tool, set) in events.iter().enumerate() {
        if set & event.deciding().bit() == 0 {
            continue;
        }
        let monitoring = monitoring::of(thread);
        let Some(callback) = monitoring.callback(thread, tool, event as usize) else { continue };
        if monitoring.has_disabled() && monitoring.is_disabled(code, at, event.deciding(), tool) {
            continue;
        }
        let place = int::new(thread, place.into())?;
        let mut all = vec![code.get(), place.get()];
        all.extend(arguments);
        let result = quietly(thread, |thread| orochi_objects::protocol::call(thread, callback.get(), &all))?;
        let monitoring = monitoring::of(thread);
        if !monitoring.disable.load(thread).is_some_and(|disable| disable.is(result.get())) {
            continue;
        }
        if event.bit() & LOCAL == 0 {
            let interpreter = ThreadState::of(thread).interpreter.clone();
            drop(monitoring::set_callback(&interpreter, thread, tool, event as usize, None));
            return Err(value_error(format!("Cannot disable {} events. Callback removed.", event.name())));
        }
        monitoring.disable(code, at, event, tool);
        if matches!(event, Event::BranchLeft | Event::BranchRight) && monitoring.has_one_for_branches(tool) {
            monitoring.disable(code, at, Event::BranchLeft, tool);
            monitoring.disable(code, at, Event::BranchRight, tool);
        }
    }
    Ok(())
}

/// Tells of an event of the instruction with an index.
fn tell_at(
    thread: &mut Thread,
    code: &Obj<PyCode>,
    events: &Sets,
    event: Event,
    at: u32,
    arguments: &[Ref<'_>],
) -> PyResult<()> {
    if !wants(events, event) {
        return Ok(());
    }
    tell(thread, code, events, (event, at, at.saturating_mul(WORD_BYTES)), arguments)
}

/// Tells of an event of the running frame's instruction that is about an object.
pub(super) fn at_frame(thread: &mut Thread, at: At, event: Event, about: Ref<'_>) -> PyResult<()> {
    let code = at.frame().code();
    let events = events_in(thread, code);
    tell_at(thread, code, &events, event, at.frame().instruction(), &[about])
}

/// The running frame begins, or goes on.
pub(super) fn begins(thread: &mut Thread, at: At, event: Event) -> PyResult<()> {
    let code = at.frame().code();
    let events = events_in(thread, code);
    tell_at(thread, code, &events, event, next_index(at) as u32, &[])
}

/// What is told before an instruction runs, and what is to be told afterwards.
pub(super) fn before(thread: &mut Thread, at: At) -> PyResult<Option<Watch>> {
    if !state(thread).is_monitored() || !is_on(thread) {
        return Ok(None);
    }
    // SAFETY: the running frame's pc lies within its code, which was verified.
    let (w, op) = unsafe {
        let w = Instruction(*at.frame().pc);
        (w, std::mem::transmute::<u8, Op>(w.op_byte()))
    };
    if matches!(op, Op::MakeCell | Op::SpillParams | Op::ReturnGenerator) {
        return Ok(None);
    }
    let code = at.frame().code();
    let events = events_in(thread, code);
    let driver = driver(at, op, w);
    if events == [0; TOOLS] && driver.is_none() {
        return Ok(None);
    }
    let index = next_index(at) as u32;
    let mut watch = Watch { at: index, op, call: None, driver };
    at_instruction(at, |at| {
        line(thread, at, code, &events, index)?;
        tell_at(thread, code, &events, Event::Instruction, index, &[])?;
        match op {
            Op::Return => tell_at(thread, code, &events, Event::Return, index, &[at.get(w.a())]),
            Op::ReturnNone => tell_at(thread, code, &events, Event::Return, index, &[Ref::NONE]),
            Op::Call | Op::CallKw | Op::CallEx if wants(&events, Event::Call) => {
                let (callee, argument) = called(thread, at, op, w);
                let argument = argument.unwrap_or_else(|| missing(thread));
                let arguments = [callee.get(), argument.get()];
                tell_at(thread, code, &events, Event::Call, index, &arguments)?;
                if !is_exact(callee.get(), PyFunction::static_type()) {
                    watch.call = Some((callee, argument));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    })?;
    Ok(Some(watch))
}

fn line(thread: &mut Thread, at: At, code: &Obj<PyCode>, events: &Sets, index: u32) -> PyResult<()> {
    if !wants(events, Event::Line) {
        return Ok(());
    }
    let watched = state(thread).watch(code);
    if !watched.begins.get(index as usize).is_some_and(|begins| *begins) {
        return Ok(());
    }
    let line = watched.lines.get(index as usize).copied().unwrap_or(0);
    // A jump within a line doesn't begin it anew.
    let from = state(thread).jumped.filter(|(frame, to, _)| *frame == at.0 as usize && *to == index);
    let before = from.map_or(index.wrapping_sub(1), |(_, _, from)| from);
    if watched.lines.get(before as usize) == Some(&line) {
        return Ok(());
    }
    tell(thread, code, events, (Event::Line, index, line), &[])
}

fn missing(thread: &Thread) -> Value {
    monitoring::of(thread).missing.get(thread).unwrap_or(Value::NONE)
}

/// What a call's instruction calls, and its first argument. Bound methods are seen through.
fn called(thread: &mut Thread, at: At, op: Op, w: Instruction) -> (Value, Option<Value>) {
    let (callee, receiver) = (at.get(w.b()), at.get_bound(w.b() + 1));
    if let (None, Some(method)) = (receiver, callee.downcast::<PyMethod>()) {
        return (method.function().to_owned(), Some(method.receiver().to_owned()));
    }
    let argument = match (receiver, op) {
        (Some(receiver), _) => Some(receiver.to_owned()),
        (None, Op::CallEx) => {
            let arguments = at.get(w.b() + 2);
            if let Some(list) = arguments.downcast::<PyList>() {
                list::item(thread, list, 0)
            } else {
                arguments.downcast::<PyTuple>().and_then(|tuple| tuple.item(0)).map(Ref::to_owned)
            }
        }
        (None, _) => (w.c() > 0).then(|| at.get(w.b() + 2).to_owned()),
    };
    (callee.to_owned(), argument)
}

/// Who gets what the running frame, a generator's, is about to yield or return.
fn driver(at: At, op: Op, w: Instruction) -> Option<Driver> {
    at.frame().generator()?;
    let returned = match op {
        Op::Return => Some(at.get(w.a()).to_owned()),
        Op::ReturnNone => Some(Value::NONE),
        Op::Yield => None,
        _ => return None,
    };
    let mut frame = at.0;
    loop {
        // SAFETY: frames of these modes have their driver below.
        let (mode, below) = unsafe { ((*frame).mode, frame.sub(1)) };
        let is_loop = mode == Mode::ForIter;
        if is_loop || mode == Mode::Delegate && returned.is_some() {
            let words = if is_loop { 2 } else { 1 };
            let at = (next_index(At(below)) as u32).saturating_sub(words);
            return Some(Driver { frame: below, at, is_loop, returned });
        }
        if mode != Mode::Delegate {
            return None;
        }
        frame = below;
    }
}

/// What is told after an instruction has run.
pub(super) fn after(thread: &mut Thread, at: At, watch: Watch, flow: Flow) -> Flow {
    let stays = std::ptr::eq(ThreadState::of(thread).frames.current, at.0);
    let told = match flow {
        Flow::Exit => return flow,
        Flow::Raise => {
            return match watch.call.filter(|_| stays) {
                Some((callee, argument)) => call_raised(thread, at, watch.at, &callee, &argument),
                None => flow,
            };
        }
        _ if stays => {
            let target = next_index(at) as u32;
            state(thread).jumped = Some((at.0 as usize, target, watch.at));
            at_index(at, watch.at, || went(thread, at, &watch, target))
        }
        _ => {
            if let Some((callee, argument)) = watch.call
                && at.0 < ThreadState::of(thread).frames.current
            {
                let open = OpenCall { frame: at.0 as usize, at: watch.at, callee, argument };
                state(thread).open.push(open);
            }
            watch.driver.map_or(Ok(()), |driver| driven(thread, &driver))
        }
    };
    match told {
        Ok(()) => flow,
        Err(error) => raise(thread, error),
    }
}

/// Runs `f` with the frame's `pc` behind the first word of an instruction; after an error it stays there.
fn at_index(at: At, index: u32, f: impl FnOnce() -> PyResult<()>) -> PyResult<()> {
    let pc = at.frame().pc;
    at.frame().pc = at.frame().code().entry().wrapping_add(index as usize + 1);
    f()?;
    at.frame().pc = pc;
    Ok(())
}

/// A jump or a call has been done, and the frame is still the running one.
fn went(thread: &mut Thread, at: At, watch: &Watch, target: u32) -> PyResult<()> {
    let code = at.frame().code();
    // The instruction may have changed what is asked for.
    let events = &events_in(thread, code);
    if let Some((callee, argument)) = &watch.call {
        let arguments = [callee.get(), argument.get()];
        return tell_at(thread, code, events, Event::CReturn, watch.at, &arguments);
    }
    let event = match watch.op {
        Op::Jump if is_hidden(thread, code, watch.at) => return Ok(()),
        Op::Jump | Op::JumpBack => Event::Jump,
        op if op.info().ext == Ext::Jump => branch(watch.at, target),
        _ => return Ok(()),
    };
    jumped(thread, code, events, event, watch.at, target)
}

/// Whether a jump is there only because handlers of exceptions follow.
fn is_hidden(thread: &Thread, code: &Obj<PyCode>, at: u32) -> bool {
    let watched = state(thread).watch(code);
    watched.lines.get(at as usize + 1) == Some(&0)
        || code.code.exceptions.iter().any(|entry| entry.target == at + 1)
}

/// To the left goes who doesn't jump.
fn branch(at: u32, target: u32) -> Event {
    if target == at + 2 { Event::BranchLeft } else { Event::BranchRight }
}

fn jumped(
    thread: &mut Thread,
    code: &Obj<PyCode>,
    events: &Sets,
    event: Event,
    at: u32,
    target: u32,
) -> PyResult<()> {
    if !wants(events, event) {
        return Ok(());
    }
    let target = int::new(thread, target.saturating_mul(WORD_BYTES).into())?;
    tell_at(thread, code, events, event, at, &[target.get()])
}

/// A generator has given its driver a value, or its end.
fn driven(thread: &mut Thread, driver: &Driver) -> PyResult<()> {
    if !std::ptr::eq(ThreadState::of(thread).frames.current, driver.frame) {
        return Ok(());
    }
    let at = At(driver.frame);
    let code = at.frame().code();
    let events = events_in(thread, code);
    let target = next_index(at) as u32;
    state(thread).jumped = Some((driver.frame as usize, target, driver.at));
    at_index(at, driver.at, || {
        if let Some(value) = &driver.returned
            && wants(&events, Event::StopIteration)
        {
            let values = if value.get().is_none() { Vec::new() } else { vec![value.clone()] };
            let stop = PyErr::new(&exception::StopIteration, values).into_value(thread);
            tell_at(thread, code, &events, Event::StopIteration, driver.at, &[stop.get()])?;
        }
        if driver.is_loop {
            jumped(thread, code, &events, branch(driver.at, target), driver.at, target)?;
        }
        Ok(())
    })
}

// ---- native calls that have frames, and exceptions ----

/// Tells of the return of calls that the running frame has open.
pub(super) fn close(thread: &mut Thread) -> Flow {
    let at = At(ThreadState::of(thread).frames.current);
    while let Some(open) = closed(thread, at) {
        let code = at.frame().code();
        let events = events_in(thread, code);
        let arguments = [open.callee.get(), open.argument.get()];
        if let Err(error) = tell_at(thread, code, &events, Event::CReturn, open.at, &arguments) {
            return raise(thread, error);
        }
    }
    Flow::Reload
}

/// The innermost call that a frame has open, which is ended now.
fn closed(thread: &Thread, at: At) -> Option<OpenCall> {
    let open = &mut state(thread).open;
    // What is left of frames that went unwatched.
    while open.last().is_some_and(|call| call.frame > at.0 as usize) {
        drop(open.pop());
    }
    open.pop_if(|call| call.frame == at.0 as usize)
}

/// Tells of a native call's exception, which waits in the thread's state.
fn call_raised(thread: &mut Thread, at: At, index: u32, callee: &Value, argument: &Value) -> Flow {
    let waiting = ThreadState::of(thread);
    let kept = (waiting.raised.take(), waiting.raised_instance.take(), waiting.reraised);
    let code = at.frame().code();
    let events = events_in(thread, code);
    match tell_at(thread, code, &events, Event::CRaise, index, &[callee.get(), argument.get()]) {
        Ok(()) => {
            let waiting = ThreadState::of(thread);
            (waiting.raised, waiting.raised_instance, waiting.reraised) = kept;
            Flow::Raise
        }
        Err(error) => {
            drop(kept);
            ThreadState::of(thread).reraised = false;
            raise(thread, error)
        }
    }
}

/// An exception arose in the running frame, arrived there, or is raised there again.
pub(super) fn raised(thread: &mut Thread, at: At, error: Ref<'_>, again: bool) -> PyResult<()> {
    let code = at.frame().code();
    while let Some(open) = closed(thread, at) {
        let events = events_in(thread, code);
        let arguments = [open.callee.get(), open.argument.get()];
        tell_at(thread, code, &events, Event::CRaise, open.at, &arguments)?;
    }
    at_frame(thread, at, if again { Event::Reraise } else { Event::Raise }, error)
}

/// The running frame goes on at a handler. After an error its `pc` is there already.
pub(super) fn handled(thread: &mut Thread, at: At, target: u32, error: Ref<'_>) -> PyResult<()> {
    let code = at.frame().code();
    let events = events_in(thread, code);
    at_index(at, target, || tell_at(thread, code, &events, Event::Handled, target, &[error]))
}
