//! Unwinding: from where an exception arose to its handler, or out to the native code that entered the loop.

use super::super::cursor::{At, Flow};
use super::super::frames::{clear_registers, owned_value, pop_entry, pop_to_caller, release_extras};
use super::super::{generator, monitoring, tracing};
use super::chain;
use orochi_compiler::code::ExceptionEntry;
use orochi_core::word;
use orochi_core::{Owned, Thread, Value};
use orochi_objects::error::{PyErr, PyResult};
use orochi_objects::frames::Mode;
use orochi_objects::monitoring::Event;
use orochi_objects::thread::{Outcome, ThreadState};
use orochi_objects::types::exception::PyBaseException;
use orochi_objects::types::frame::PyFrame;
use orochi_objects::types::{exception_chain, frame, traceback};

/// Handles the exception that waits in the thread's state. `Reload`: a handler goes on; `Exit`: none did.
#[inline(never)]
pub(in super::super) fn unwind(thread: &mut Thread) -> Flow {
    let state = ThreadState::of(thread);
    let mut has_entry = std::mem::take(&mut state.reraised);
    let mut error = match (state.raised_instance.take(), state.raised.take()) {
        (Some(instance), _) => instance,
        (None, Some(error)) => made(thread, error),
        (None, None) => return Flow::Reload,
    };
    let mut inner: Option<Owned<PyFrame>> = None;
    loop {
        let at = At(ThreadState::of(thread).frames.current);
        let entry = at.frame().code().code.handler(at.frame().instruction());
        if !has_entry {
            let ends = entry.is_none() && !tracing::is_on(thread);
            let object = add_traceback(thread, at, &error, ends);
            if let (Some(inner), Some(object)) = (inner.take(), object.as_ref()) {
                PyFrame::set_back(&inner, thread, object);
            }
            // What the frame has become an object of, if its variables went there already.
            inner = object.filter(|_| at.frame().object == word::UNBOUND);
            if tracing::is_on(thread) {
                let told = tracing::raised(thread, at, &error);
                replace(thread, at, &mut error, told);
            }
        }
        if tracing::is_on(thread) {
            let told = monitoring::raised(thread, at, error.get(), has_entry);
            replace(thread, at, &mut error, told);
        }
        has_entry = false;
        if let Some(entry) = entry.copied() {
            if tracing::is_on(thread)
                && let Err(other) = monitoring::handled(thread, at, entry.target, error.get())
            {
                error = other.into_value(thread);
                continue;
            }
            enter_handler(at, error, entry);
            return Flow::Reload;
        }
        if tracing::is_on(thread) {
            let told = tracing::returning(thread, at, Value::NONE);
            replace(thread, at, &mut error, told);
            let told = monitoring::at_frame(thread, at, Event::Unwind, error.get());
            replace(thread, at, &mut error, told);
        }
        // SAFETY: the running frame.
        inner = unsafe { frame::end(thread, at.0) }.or(inner);
        // The frame of a generator that has ended has no caller.
        inner = inner.filter(|_| at.frame().generator.is_null());
        if let Some(ended) = leave_frame(thread, at, &mut error) {
            if let Some(inner) = inner {
                // SAFETY: the frame that was left just now.
                unsafe { frame::link_to_caller(thread, &inner, at.0) };
            }
            return ended;
        }
    }
}

/// The object of an exception that native code raised.
fn made(thread: &mut Thread, error: PyErr) -> Value {
    let fresh = !error.is_instance();
    let error = error.into_value(thread);
    if fresh {
        chain(thread, error.get());
    }
    error
}

/// An exception of a trace function takes the place of the one that it was told of.
fn replace(thread: &mut Thread, at: At, error: &mut Value, told: PyResult<()>) {
    if let Err(other) = told {
        *error = other.into_value(thread);
        add_traceback(thread, at, error, false);
    }
}

/// Goes on at a handler of the running frame, which gets the exception.
fn enter_handler(at: At, error: Value, entry: ExceptionEntry) {
    let frame = at.frame();
    let code = frame.code();
    for register in usize::from(entry.clear_from)..code.n_registers() {
        at.clear(register as u8);
    }
    at.set(entry.exc_reg, error);
    // SAFETY: verified: the target is an instruction of the code.
    frame.pc = unsafe { code.entry().add(entry.target as usize) };
}

/// Pops the running frame. `Some` when native code entered with it.
fn leave_frame(thread: &mut Thread, at: At, error: &mut Value) -> Option<Flow> {
    let frame = at.0;
    if let Some(generator) = at.frame().generator() {
        let taken = std::mem::replace(error, Value::NONE);
        // SAFETY: the running frame.
        let (converted, mode) = unsafe { generator::failed(thread, at, generator, taken) };
        *error = converted;
        return (mode == Mode::Entry).then(|| exit(thread, error.clone()));
    }
    // SAFETY: the running frame; its words are owned by it.
    unsafe {
        release_extras(thread, frame, true);
        clear_registers((*frame).registers, (*frame).code().n_registers());
        drop(owned_value(std::mem::replace(&mut (*frame).owned, word::UNBOUND)));
        if (*frame).mode == Mode::Entry {
            pop_entry(thread, frame);
            return Some(exit(thread, error.clone()));
        }
        let base = (*frame).base;
        // The function that was called; it may lie above the caller's registers.
        pop_to_caller(thread, frame).set(base, word::UNBOUND);
    }
    None
}

fn exit(thread: &mut Thread, error: Value) -> Flow {
    ThreadState::of(thread).outcome = Some(Outcome::Raised(PyErr::from_instance(error)));
    Flow::Exit
}

/// Adds the running frame, which ends if no handler goes on, to the exception's traceback; gives its object. Without memory
/// the entry is left out.
fn add_traceback(thread: &mut Thread, at: At, error: &Value, ends: bool) -> Option<Owned<PyFrame>> {
    let exception = error.get().downcast::<PyBaseException>()?;
    // SAFETY: the running frame of this thread.
    let object =
        unsafe { if ends { frame::of_ending(thread, at.0) } else { frame::of_active(thread, at.0) } };
    let object = object.ok()?;
    let next = exception_chain::traceback_of(error.get(), thread);
    let entry = traceback::new(thread, next, object.clone(), at.frame().instruction()).ok()?;
    exception_chain::set_traceback(exception, thread, Some(entry.into_value()));
    Some(object)
}
