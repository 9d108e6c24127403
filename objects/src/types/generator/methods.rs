//! Attributes and methods of generators and coroutines.
//!
//! What resuming means is `interpreter::resume`; the rest of the protocol (throwing into delegates, closing) is here.

use super::{
    CREATED, FINISHED, PyAsyncGenerator, PyCoroutine, PyGenerator, RUNNING, SUSPENDED, as_generator,
    is_coroutine,
};
use crate::args::ArgSlice;
use crate::error::{PyErr, PyResult, runtime_error, stop_iteration, type_error};
use crate::interpreter;
use crate::protocol;
use crate::slots::Sent;
use crate::types::exception::{self, PyBaseException};
use crate::types::r#type::{PyType, TypeExt};
use crate::types::{frame, str};
use orochi_core::{Obj, Owned, Ref, Thread, Value};
use orochi_macros::pymethods;

fn state_of(this: Ref<'_>) -> PyResult<&Obj<PyGenerator>> {
    as_generator(this).ok_or_else(|| type_error("a generator is needed"))
}

/// The result of a resumption as `send()` gives it.
fn finish(sent: Sent) -> PyResult {
    match sent {
        Sent::Yield(value) => Ok(value),
        Sent::Return(value) => Err(stop_iteration(value)),
    }
}

/// The exception that `throw(type, value, traceback)` names. The function warns of more than one argument.
///
/// # Errors
/// TypeError if they name none; what a warning that is an error raises.
pub fn thrown(thread: &mut Thread, args: ArgSlice<'_>, function: Option<&str>) -> PyResult<PyErr> {
    let Some(first) = args.get(0) else {
        return Err(type_error("throw expected at least 1 argument, got 0"));
    };
    if args.len() > 3 {
        return Err(type_error(format!("throw expected at most 3 arguments, got {}", args.len())));
    }
    let value = args.get(1).filter(|value| !value.is_none());
    let traceback = args.get(2).filter(|traceback| !traceback.is_none());
    if traceback
        .is_some_and(|traceback| traceback.downcast::<crate::types::traceback::PyTraceback>().is_none())
    {
        return Err(type_error("throw() third argument must be a traceback object"));
    }
    if let Some(function) = function {
        warn_of_three(thread, args, function)?;
    }
    let instance = if let Some(class) = exception_class(first) {
        match instantiate(thread, class, value) {
            Ok(instance) => instance,
            // What goes wrong while the exception is made is thrown instead.
            Err(error) => return Ok(error),
        }
    } else if first.downcast::<PyBaseException>().is_some() {
        if value.is_some() {
            return Err(type_error("instance exception may not have a separate value"));
        }
        first.to_owned()
    } else {
        let given = crate::class_of(first).name();
        return Err(type_error(format!(
            "exceptions must be classes or instances deriving from BaseException, not {given}"
        )));
    };
    if let (Some(traceback), Some(exception)) = (traceback, instance.get().downcast::<PyBaseException>()) {
        drop(exception.traceback.swap(exception, thread, Some(traceback.to_owned())));
    }
    Ok(PyErr::from_instance(instance))
}

/// Warns of arguments beside the exception.
pub(super) fn warn_of_three(thread: &mut Thread, args: ArgSlice<'_>, function: &str) -> PyResult<()> {
    if args.len() <= 1 {
        return Ok(());
    }
    let message = format!(
        "the (type, exc, tb) signature of {function}() is deprecated, use the single-arg signature instead."
    );
    crate::warn::warn(thread, &exception::DeprecationWarning, &message)
}

/// An exception of the class, from what `throw` was given for a value.
fn instantiate(thread: &mut Thread, class: &Obj<PyType>, value: Option<Ref<'_>>) -> PyResult {
    let instance = match value {
        Some(value) if crate::class_of(value).is_subtype_of(class) => return Ok(value.to_owned()),
        Some(value) => match value.downcast::<crate::types::tuple::PyTuple>() {
            Some(values) => {
                let values: Vec<Ref<'_>> = values.items().collect();
                protocol::call(thread, class.get(), &values)?
            }
            None => protocol::call(thread, class.get(), &[value])?,
        },
        None => protocol::call(thread, class.get(), &[])?,
    };
    if instance.get().downcast::<PyBaseException>().is_some() {
        return Ok(instance);
    }
    let shown = protocol::repr(thread, class.get())?;
    let (shown, given) = (crate::str::display(shown.get()), crate::class_of(instance.get()).name());
    Err(type_error(format!("calling {shown} should have returned an instance of BaseException, not {given}")))
}

fn exception_class(object: Ref<'_>) -> Option<&Obj<PyType>> {
    let class = object.downcast::<PyType>()?;
    class.has(crate::class::TypeFlags::EXCEPTION_SUBCLASS).then_some(class)
}

/// Throws an exception into a generator: into what it delegates to first.
pub fn throw(thread: &mut Thread, generator: &Obj<PyGenerator>, error: PyErr) -> PyResult<Sent> {
    interpreter::resume(thread, generator, Err(error))
}

/// `StopIteration.value`.
pub fn stop_value(thread: &mut Thread, error: &mut PyErr) -> PyResult {
    let exception = error.value(thread);
    match exception.get().downcast::<PyBaseException>() {
        Some(exception) => Ok(exception.args(thread).item(0).map_or(Value::NONE, Ref::to_owned)),
        None => Ok(Value::NONE),
    }
}

/// What resuming a running generator is told.
#[cold]
pub fn already_running(generator: Ref<'_>) -> PyErr {
    crate::error::value_error(format!("{} already executing", PyGenerator::kind(generator)))
}

/// `iterator.close()`, if it has such a method.
pub fn close_iterator(thread: &mut Thread, iterator: Ref<'_>) -> PyResult<()> {
    if let Some(generator) = as_generator(iterator) {
        return close(thread, generator).map(drop);
    }
    match protocol::find_attr(thread, iterator, crate::name!("close")) {
        Ok(Some(method)) => protocol::call(thread, method.get(), &[]).map(drop),
        Ok(None) => Ok(()),
        Err(error) => {
            crate::finalize::unraisable(
                thread,
                error,
                Some("Exception ignored while closing generator"),
                iterator,
            );
            Ok(())
        }
    }
}

/// Whether a suspended generator can be ended without resuming it: nothing there handles exceptions or delegates, and nobody
/// looks at its frame.
fn ends_unnoticed(thread: &Thread, generator: &Obj<PyGenerator>) -> bool {
    let at = generator.pc().saturating_sub(1);
    generator.code().code.handler(at).is_none()
        && generator.delegate(thread).is_none()
        && generator.frame_object(thread).is_none()
}

/// `generator.close()`: its return value, if it returned one.
pub fn close(thread: &mut Thread, generator: &Obj<PyGenerator>) -> PyResult {
    match generator.state() {
        FINISHED => return Ok(Value::NONE),
        RUNNING => return Err(already_running(generator.get())),
        SUSPENDED if !ends_unnoticed(thread, generator) => {}
        _ => {
            if PyGenerator::start(generator).is_err() {
                return Err(already_running(generator.get()));
            }
            generator.clear();
            generator.set_state(FINISHED);
            return Ok(Value::NONE);
        }
    }
    match throw(thread, generator, PyErr::bare(&exception::GeneratorExit)) {
        Ok(Sent::Yield(_)) => {
            let kind = PyGenerator::kind(generator.get());
            Err(runtime_error(format!("{kind} ignored GeneratorExit")))
        }
        Ok(Sent::Return(value)) => Ok(value),
        Err(error)
            if error.matches(&exception::GeneratorExit) || error.matches(&exception::StopIteration) =>
        {
            Ok(Value::NONE)
        }
        Err(error) => Err(error),
    }
}

fn repr(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    let state = state_of(this)?;
    let name = str::display(state.qualname(thread).get());
    let kind = match PyGenerator::kind(this) {
        "async generator" => "async_generator",
        kind => kind,
    };
    crate::str::new(thread, &format!("<{kind} object {name} at {:#x}>", this.word()))
}

fn frame_of(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    let state = state_of(this)?;
    match state.state() {
        FINISHED => Ok(Value::NONE),
        RUNNING => match state.frame_object(thread) {
            Some(frame) => Ok(frame.into_value()),
            None => running_frame(thread, state),
        },
        _ => Ok(frame::of_suspended(thread, state)?.into_value()),
    }
}

fn running_frame(thread: &mut Thread, state: &Obj<PyGenerator>) -> PyResult {
    let frames = &crate::thread::ThreadState::of(thread).frames;
    let found = frames.iter().find(|frame| std::ptr::eq(frame.generator, state));
    match found.map(|frame| std::ptr::from_ref(frame).cast_mut()) {
        // SAFETY: an active frame of this thread.
        Some(frame) => Ok(unsafe { frame::of_active(thread, frame) }?.into_value()),
        None => Ok(Value::NONE),
    }
}

fn set_text(
    field: &orochi_core::AtomicField,
    owner: &Obj<PyGenerator>,
    thread: &mut Thread,
    value: Option<Ref<'_>>,
    what: &str,
) -> PyResult<()> {
    match value {
        Some(value) if value.downcast::<crate::types::str::PyStr>().is_some() => {
            drop(field.swap(owner, thread, Some(value.to_owned())));
            Ok(())
        }
        _ => Err(type_error(format!("{what} must be set to a string object"))),
    }
}

/// Closes a generator that is destroyed while it waits.
fn finalize(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
    let state = state_of(this)?;
    if state.state() == FINISHED {
        return Ok(());
    }
    if super::is_async(this)
        && let Some(finalizer) = state.extra.get(thread)
        && !state.has_flag(super::CLOSED)
    {
        return protocol::call(thread, finalizer.get(), &[this]).map(drop);
    }
    if is_coroutine(this) && state.state() == CREATED {
        let name = str::display(state.qualname(thread).get());
        crate::warn::unawaited(thread, this, &name);
        return Ok(());
    }
    close(thread, state).map(drop)
}

macro_rules! shared_methods {
    ($type:ident, $frame:ident, $running:ident, $code:ident, $suspended:ident, $delegate:ident, $part:ident) => {
        #[pymethods(part = $part)]
        impl $type {
            #[slot]
            fn tp_repr(thread: &mut Thread, this: Ref<'_>) -> PyResult {
                repr(thread, this)
            }

            #[slot]
            fn tp_finalize(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
                finalize(thread, this)
            }

            #[getter]
            fn __name__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
                Ok(state_of(this)?.name(thread))
            }

            #[setter]
            #[name = "__name__"]
            fn set_name(thread: &mut Thread, this: Ref<'_>, value: Option<Ref<'_>>) -> PyResult<()> {
                let state = state_of(this)?;
                set_text(&state.name, state, thread, value, "__name__")
            }

            #[getter]
            fn __qualname__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
                Ok(state_of(this)?.qualname(thread))
            }

            #[setter]
            #[name = "__qualname__"]
            fn set_qualname(thread: &mut Thread, this: Ref<'_>, value: Option<Ref<'_>>) -> PyResult<()> {
                let state = state_of(this)?;
                set_text(&state.qualname, state, thread, value, "__qualname__")
            }

            #[getter]
            fn $frame(thread: &mut Thread, this: Ref<'_>) -> PyResult {
                frame_of(thread, this)
            }

            #[getter]
            fn $running(this: Ref<'_>) -> PyResult<bool> {
                Ok(state_of(this)?.state() == RUNNING)
            }

            #[getter]
            fn $code(this: Ref<'_>) -> PyResult {
                Ok(state_of(this)?.code().to_value())
            }

            #[getter]
            fn $suspended(this: Ref<'_>) -> PyResult<bool> {
                Ok(state_of(this)?.state() == SUSPENDED)
            }

            #[getter]
            fn $delegate(thread: &mut Thread, this: Ref<'_>) -> PyResult {
                Ok(state_of(this)?.delegate(thread).unwrap_or(Value::NONE))
            }
        }
    };
}

shared_methods!(PyGenerator, gi_frame, gi_running, gi_code, gi_suspended, gi_yieldfrom, GENERATOR);
shared_methods!(PyCoroutine, cr_frame, cr_running, cr_code, cr_suspended, cr_await, COROUTINE);
shared_methods!(PyAsyncGenerator, ag_frame, ag_running, ag_code, ag_suspended, ag_await, ASYNC_GENERATOR);

#[pymethods(parts(GENERATOR))]
impl PyGenerator {
    #[slot]
    fn tp_iter(_thread: &mut Thread, this: Ref<'_>) -> PyResult {
        Ok(this.to_owned())
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: Ref<'_>) -> PyResult<Option<Value>> {
        interpreter::next(thread, state_of(this)?)
    }

    #[slot]
    fn am_send(thread: &mut Thread, this: Ref<'_>, value: Ref<'_>) -> PyResult<Sent> {
        interpreter::resume(thread, state_of(this)?, Ok(value))
    }

    /// send(value) -> send 'value' into generator,
    /// return next yielded value or raise StopIteration.
    fn send(thread: &mut Thread, this: Ref<'_>, value: Ref<'_>) -> PyResult {
        interpreter::resume(thread, state_of(this)?, Ok(value)).and_then(finish)
    }

    /// throw(value)
    /// throw(type[,value[,tb]])
    ///
    /// Raise exception in generator, return next yielded value or raise
    /// StopIteration.
    /// the (type, val, tb) signature is deprecated,
    /// and may be removed in a future version of Python.
    #[signature(*args)]
    fn throw(thread: &mut Thread, this: Ref<'_>, args: ArgSlice<'_>) -> PyResult {
        let error = thrown(thread, args, Some("throw"))?;
        throw(thread, state_of(this)?, error).and_then(finish)
    }

    /// close() -> raise GeneratorExit inside generator.
    fn close(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        close(thread, state_of(this)?)
    }
}

#[pymethods(parts(COROUTINE))]
impl PyCoroutine {
    #[slot]
    fn am_await(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        Ok(super::wrapper::new(thread, this.to_owned())?.into_value())
    }

    #[slot]
    fn am_send(thread: &mut Thread, this: Ref<'_>, value: Ref<'_>) -> PyResult<Sent> {
        interpreter::resume(thread, state_of(this)?, Ok(value))
    }

    /// send(arg) -> send 'arg' into coroutine,
    /// return next iterated value or raise StopIteration.
    fn send(thread: &mut Thread, this: Ref<'_>, value: Ref<'_>) -> PyResult {
        interpreter::resume(thread, state_of(this)?, Ok(value)).and_then(finish)
    }

    /// throw(value)
    /// throw(type[,value[,traceback]])
    ///
    /// Raise exception in coroutine, return next iterated value or raise
    /// StopIteration.
    /// the (type, val, tb) signature is deprecated,
    /// and may be removed in a future version of Python.
    #[signature(*args)]
    fn throw(thread: &mut Thread, this: Ref<'_>, args: ArgSlice<'_>) -> PyResult {
        let error = thrown(thread, args, Some("throw"))?;
        throw(thread, state_of(this)?, error).and_then(finish)
    }

    /// close() -> raise GeneratorExit inside coroutine.
    fn close(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
        close(thread, state_of(this)?).map(drop)
    }

    #[member]
    fn cr_origin(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        Ok(state_of(this)?.extra.get(thread).unwrap_or(Value::NONE))
    }
}

/// `throw` for the wrappers around generators.
pub(super) fn throw_args(
    thread: &mut Thread,
    generator: &Obj<PyGenerator>,
    args: ArgSlice<'_>,
    function: Option<&str>,
) -> PyResult<Sent> {
    let error = thrown(thread, args, function)?;
    throw(thread, generator, error)
}

/// An owned generator.
pub type OwnedGenerator = Owned<PyGenerator>;
