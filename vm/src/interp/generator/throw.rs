//! `throw()`: an exception arises where a generator waits, or in what it delegates to.

use super::super::cursor::{At, Flow, raise};
use super::super::exception::chain_to;
use super::super::tracing;
use super::{Driver, after_end, push_frame, suspend};
use orochi_compiler::opcode::{Op, Word as Instruction};
use orochi_core::word;
use orochi_core::{Ref, Thread, Value};
use orochi_objects::error::PyErr;
use orochi_objects::frames::Mode;
use orochi_objects::protocol;
use orochi_objects::thread::ThreadState;
use orochi_objects::types::exception;
use orochi_objects::types::generator::{self as generators, FINISHED, methods};

/// Throws an exception into the generator whose frame was just pushed, and into the innermost of those that it delegates to,
/// whose frames are pushed as well.
pub(super) fn throw(thread: &mut Thread, error: PyErr) -> Flow {
    let mut handled = None;
    loop {
        let at = At(ThreadState::of(thread).frames.current);
        handled = own_handled(thread).or(handled);
        // SAFETY: a generator's pc lies within its code.
        let w = unsafe { Instruction(*at.frame().pc) };
        if w.op_byte() != Op::Delegate as u8 {
            return arise(thread, error, handled);
        }
        // From here on it is as if the delegation itself had called.
        at.frame().pc = at.frame().pc.wrapping_add(1);
        let iterator = at.get(w.b());
        if error.matches(&exception::GeneratorExit) {
            let closed = methods::close_iterator(thread, iterator);
            return arise(thread, closed.err().unwrap_or(error), handled);
        }
        let inner = generators::as_generator(iterator).filter(|_| !generators::is_async(iterator));
        let Some(inner) = inner else { return throw_into_other(thread, at, w, error, handled) };
        if inner.state() == FINISHED {
            return match after_end(inner, Err(error)) {
                Err(error) => arise(thread, error, handled),
                Ok(_) => Flow::Reload,
            };
        }
        if let Err(refusal) = push_frame(thread, inner, Driver::new(Mode::Delegate, w.a())) {
            return raise(thread, refusal);
        }
    }
}

/// The exception that the running generator itself handles, not whoever resumed it.
fn own_handled(thread: &Thread) -> Option<Value> {
    let word = ThreadState::of(thread).handled;
    // SAFETY: an owned word.
    let handled = (word != word::UNBOUND).then(|| unsafe { Ref::from_word(word) })?;
    (!handled.is_none()).then(|| handled.to_owned())
}

/// The exception arises in the running frame. What comes from outside remembers only what generators handle.
fn arise(thread: &mut Thread, mut error: PyErr, handled: Option<Value>) -> Flow {
    let value = error.value(thread);
    if let Some(handled) = handled {
        chain_to(thread, value.get(), handled);
    }
    if tracing::is_on(thread) {
        let at = At(ThreadState::of(thread).frames.current);
        if let Err(other) = tracing::thrown(thread, at, value.get()) {
            return raise(thread, other);
        }
    }
    raise(thread, error)
}

/// Calls the `throw` of a delegate that is no generator. One that has none isn't asked.
fn throw_into_other(
    thread: &mut Thread,
    at: At,
    w: Instruction,
    mut error: PyErr,
    handled: Option<Value>,
) -> Flow {
    let iterator = at.get(w.b());
    let method = match protocol::find_attr(thread, iterator, orochi_objects::name!("throw")) {
        Ok(Some(method)) => method,
        Ok(None) => return arise(thread, error, handled),
        Err(error) => return raise(thread, error),
    };
    let value = error.value(thread);
    match protocol::call(thread, method.get(), &[value.get()]) {
        Ok(value) => {
            // The delegation goes on to wait.
            at.frame().pc = at.frame().pc.wrapping_sub(1);
            suspend(thread, at, value)
        }
        Err(mut error) if error.matches(&exception::StopIteration) => {
            match methods::stop_value(thread, &mut error) {
                Ok(result) => {
                    at.clear(w.b());
                    at.set(w.a(), result);
                    Flow::Reload
                }
                Err(error) => raise(thread, error),
            }
        }
        Err(error) => arise(thread, error, handled),
    }
}
