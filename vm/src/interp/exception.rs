//! Raising, unwinding and handling exceptions.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

mod raise_op;
mod unwind;

use super::collections;
use super::cursor::{At, Cursor, Fast, Flow, Operands, raise, raise_instance};
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::word;
use orochi_core::{Ref, Thread, Value};
use orochi_objects::class::TypeFlags;
use orochi_objects::error::{PyResult, runtime_error, type_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::exception::{self, PyBaseException};
use orochi_objects::types::exception_chain;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::r#type::{PyType, TypeExt};
use orochi_objects::{class_of, protocol};
pub(super) use raise_op::{Raise, RaiseFrom};
pub(super) use unwind::unwind;

/// Sets `__cause__`.
pub(super) fn set_cause(thread: &mut Thread, exception: Ref<'_>, cause: Option<Value>) {
    if let Some(exception) = exception.downcast::<PyBaseException>() {
        exception_chain::set_cause(exception, thread, cause);
    }
}

/// Sets `__context__`.
pub(super) fn set_context(thread: &mut Thread, exception: Ref<'_>, context: Option<Value>) {
    if let Some(exception) = exception.downcast::<PyBaseException>() {
        exception_chain::set_context(exception, thread, context);
    }
}

/// A freshly raised exception remembers the one that is being handled. A chain that leads back to it is cut there.
pub(super) fn chain(thread: &mut Thread, raised: Ref<'_>) {
    if let Some(handled) = ThreadState::handled_exception(thread) {
        chain_to(thread, raised, handled);
    }
}

/// As [`chain`], with the exception that was being handled.
pub(super) fn chain_to(thread: &mut Thread, raised: Ref<'_>, handled: Value) {
    if handled.get().is(raised) {
        return;
    }
    let mut slow = handled.clone();
    let mut current = handled.clone();
    let mut step = 0u32;
    loop {
        let Some(next) = exception_chain::context_of(current.get(), thread) else { break };
        if next.get().is(raised) {
            set_context(thread, current.get(), None);
            break;
        }
        current = next;
        step += 1;
        // A cycle among the others (Floyd): stop following it.
        if step.is_multiple_of(2) {
            match exception_chain::context_of(slow.get(), thread) {
                Some(next) => slow = next,
                None => break,
            }
        }
        if slow.get().is(current.get()) {
            break;
        }
    }
    set_context(thread, raised, Some(handled));
}

#[inline(always)]
pub(super) fn PushHandled(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    let at = At(c.frame);
    let handled = at.get(w.b()).to_owned();
    let old = ThreadState::replace_handled(thread, handled.into_word());
    c.set(w.a(), if old == word::UNBOUND { word::NONE } else { old });
    Flow::Next
}

#[inline(always)]
pub(super) fn PopHandled(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    let handled = At(c.frame).take(w.a());
    let old = ThreadState::replace_handled(thread, handled.into_word());
    // The register with the exception, which is dropped next, has it still; so finalizers wait for that.
    drop(super::frames::owned_value(old));
    Flow::Next
}

/// Whether the object may stand behind `except`.
fn is_exception_class(object: Ref<'_>) -> bool {
    object.downcast::<PyType>().is_some_and(|class| class.has(TypeFlags::EXCEPTION_SUBCLASS))
}

/// Whether an `except` clause with this class or tuple of classes takes the exception.
pub(super) fn matches(exception: Ref<'_>, pattern: Ref<'_>) -> PyResult<bool> {
    let message = "catching classes that do not inherit from BaseException is not allowed";
    if let Some(classes) = pattern.downcast::<PyTuple>() {
        if !classes.items().all(is_exception_class) {
            return Err(type_error(message));
        }
        let class = class_of(exception);
        return Ok(classes.items().filter_map(Ref::downcast).any(|candidate| class.is_subtype_of(candidate)));
    }
    match pattern.downcast::<PyType>() {
        Some(class) if class.has(TypeFlags::EXCEPTION_SUBCLASS) => {
            Ok(class_of(exception).is_subtype_of(class))
        }
        _ => Err(type_error(message)),
    }
}

/// What the loop does itself.
pub(super) mod warm {
    use super::*;
    use crate::interp::iter::exact;
    use orochi_core::Obj;

    /// A clause that names one class.
    #[inline(always)]
    pub(in super::super) fn MatchException(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        let Some(pattern) = c.object(w.c()) else { return Fast::Slow };
        let Some(pattern) = exact::<PyType>(pattern.get()) else { return Fast::Slow };
        if !pattern.has(TypeFlags::EXCEPTION_SUBCLASS) {
            return Fast::Slow;
        }
        let result = is_kind_of(At(c.frame).get(w.b()), pattern);
        let consumed = c.consumed(w.c());
        Fast::DropBoth(consumed, c.replace(w.a(), word::from_bool(result)))
    }

    #[inline(never)]
    fn is_kind_of(exception: Ref<'_>, pattern: &Obj<PyType>) -> bool {
        class_of(exception).is_subtype_of(pattern)
    }
}

#[inline(always)]
pub(super) fn MatchException(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |_thread, at, w| {
        let result = matches(at.get(w.b()), at.get(w.c()))?;
        at.consume(w.c());
        at.set(w.a(), Value::bool(result));
        Ok(())
    })
}

fn check_star_pattern(pattern: Ref<'_>) -> PyResult<()> {
    let is_group = |object: Ref<'_>| {
        object
            .downcast::<PyType>()
            .is_some_and(|class| class.is_subtype_of(exception::BaseExceptionGroup.get()))
    };
    let (wrong, group) = match pattern.downcast::<PyTuple>() {
        Some(classes) => (!classes.items().all(is_exception_class), classes.items().any(is_group)),
        None => (!is_exception_class(pattern), is_group(pattern)),
    };
    if wrong {
        return Err(type_error("catching classes that do not inherit from BaseException is not allowed"));
    }
    if group {
        return Err(type_error("catching ExceptionGroup with except* is not allowed. Use except instead."));
    }
    Ok(())
}

/// Splits an exception (group) by a pattern: what matches and the rest.
fn split_star(thread: &mut Thread, exception: Ref<'_>, pattern: Ref<'_>) -> PyResult<(Value, Value)> {
    check_star_pattern(pattern)?;
    if exception.is_none() {
        return Ok((Value::NONE, Value::NONE));
    }
    let group = class_of(exception).is_subtype_of(exception::BaseExceptionGroup.get());
    if matches(exception, pattern)? {
        if group {
            return Ok((exception.to_owned(), Value::NONE));
        }
        return Ok((collections::wrap_in_group(thread, exception)?, Value::NONE));
    }
    if !group {
        return Ok((Value::NONE, exception.to_owned()));
    }
    let pair = protocol::call_method(thread, exception, "split", &[pattern])?;
    let class = class_of(exception).name();
    let Some(pair) = pair.get().downcast::<PyTuple>() else {
        let given = class_of(pair.get()).name();
        return Err(type_error(format!("{class}.split must return a tuple, not {given}")));
    };
    match (pair.item(0), pair.item(1)) {
        (Some(matched), Some(rest)) => Ok((matched.to_owned(), rest.to_owned())),
        _ => {
            Err(type_error(format!("{class}.split must return a 2-tuple, got tuple of size {}", pair.len())))
        }
    }
}

#[inline(always)]
pub(super) fn MatchExceptStar(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let (matched, rest) = split_star(thread, at.get(w.b()), at.get(w.c()))?;
        if !matched.get().is_none() {
            let old = ThreadState::replace_handled(thread, matched.clone().into_word());
            drop(super::frames::owned_value(old));
        }
        at.consume(w.b());
        at.consume(w.c());
        at.set(w.a(), rest);
        at.set(w.a() + 1, matched);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn PrepareReraiseStar(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let raised = collections::list_values(thread, at.get(w.c()))?;
        let result = collections::prepare_reraise_star(thread, at.get(w.b()), raised)?;
        at.consume(w.b());
        at.consume(w.c());
        at.set(w.a(), result);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn RaiseCurrent(c: &mut Cursor, thread: &mut Thread, _w: Instruction) -> Flow {
    c.sync();
    match ThreadState::handled_exception(thread) {
        Some(handled) => reraise(thread, handled),
        None => raise(thread, runtime_error("No active exception to reraise")),
    }
}

fn reraise(thread: &mut Thread, exception: Value) -> Flow {
    ThreadState::of(thread).reraised = true;
    raise_instance(thread, exception)
}

#[inline(always)]
pub(super) fn Reraise(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.sync();
    let exception = At(c.frame).take(w.a());
    reraise(thread, exception)
}

#[inline(always)]
pub(super) fn EndAsyncFor(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.sync();
    let at = At(c.frame);
    let ends = class_of(at.get(w.a())).is_subtype_of(exception::StopAsyncIteration.get());
    if !ends {
        return reraise(thread, at.get(w.a()).to_owned());
    }
    at.clear(w.a());
    at.clear(w.b());
    Flow::Next
}

#[inline(always)]
pub(super) fn WithExceptStart(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let exception = at.get(w.c());
        let class = class_of(exception).get();
        let traceback = exception_chain::traceback_of(exception, thread).unwrap_or(Value::NONE);
        let args = [class, exception, traceback.get()];
        let result = match at.get_bound(w.b() + 1) {
            Some(receiver) => {
                let args = [receiver, args[0], args[1], args[2]];
                protocol::call(thread, at.get(w.b()), &args)?
            }
            None => protocol::call(thread, at.get(w.b()), &args)?,
        };
        at.set(w.a(), result);
        Ok(())
    })
}
