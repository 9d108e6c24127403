//! `Future`: its state and what is done with it. The methods that Python sees are in `future_methods`.
//!
//! What changes together lies under the future's lock: a future is set, cancelled or given a callback in one step, whatever
//! thread does it, so that no callback is lost and none is scheduled twice. Callbacks are handed to the loop outside the lock.

use super::{call_method_in, event_loop_of_caller, exception, exceptions_class};
use orochi_core::sync::{AtomicBool, Ordering};
use orochi_macros::{Trace, pyclass};
use orochi_objects::error::{runtime_error, type_error};
use orochi_objects::types::exception::{self as builtin, PyBaseException};
use orochi_objects::types::{exception_chain, list, set, tuple};
use orochi_objects::{
    Args, AtomicField, Field, Guarded, Obj, PyClass, PyErr, PyResult, PyType, Ref, Thread, TypeExt, Value,
    class_of, name, protocol,
};

/// How far a future is.
#[derive(Clone, Copy, PartialEq, Eq, Trace)]
pub(super) enum Phase {
    /// Nothing has come of it yet.
    Pending,
    /// It was cancelled.
    Cancelled,
    /// It has a result or an exception.
    Finished,
}

/// What is called when the future is done.
#[derive(Trace)]
struct Callback {
    function: Field,
    context: Field,
    /// Tells callbacks of one future apart.
    number: u64,
}

#[derive(Trace)]
struct State {
    phase: Phase,
    result: Field,
    exception: Field,
    /// The exception's traceback when it was set.
    traceback: Field,
    callbacks: Vec<Callback>,
    next_number: u64,
}

/// What a future came to.
pub(super) enum Outcome {
    Pending,
    Cancelled,
    Result(Value),
    /// An exception, and its traceback when it was set.
    Exception(Value, Option<Value>),
}

/// This class is *almost* compatible with concurrent.futures.Future.
///
///     Differences:
///
///     - result() and exception() do not take a timeout argument and
///       raise an exception when the future isn't done yet.
///
///     - Callbacks registered with add_done_callback() are always called
///       via the event loop's call_soon_threadsafe().
///
///     - This class is not compatible with the wait() and as_completed()
///       methods in the concurrent.futures package.
#[pyclass(name = "Future", module = "_asyncio", subclassable, dict, weakref, generic)]
#[derive(Trace)]
pub(super) struct Future {
    pub(super) event_loop: AtomicField,
    state: Guarded<State>,
    pub(super) source_traceback: AtomicField,
    pub(super) cancel_message: AtomicField,
    /// The error that cancelled it, to be raised once.
    pub(super) cancelled_error: AtomicField,
    /// The future that waits for this one, or a set of them, or None.
    awaited_by: AtomicField,
    /// Set by `await`, so that a task can tell it from `yield`.
    pub(super) blocking: AtomicBool,
    /// The exception was not asked for yet.
    pub(super) log_traceback: AtomicBool,
}

impl Future {
    /// A future that isn't initialised.
    pub(super) fn empty() -> Future {
        let state = State {
            phase: Phase::Pending,
            result: Field::empty(),
            exception: Field::empty(),
            traceback: Field::empty(),
            callbacks: Vec::new(),
            next_number: 0,
        };
        Future {
            event_loop: AtomicField::empty(),
            state: Guarded::new(state),
            source_traceback: AtomicField::empty(),
            cancel_message: AtomicField::empty(),
            cancelled_error: AtomicField::empty(),
            awaited_by: AtomicField::new_local(Value::NONE),
            blocking: AtomicBool::new(false),
            log_traceback: AtomicBool::new(false),
        }
    }

    /// `__init__`, which may be called again.
    pub(super) fn initialise(
        thread: &mut Thread,
        this: &Obj<Self>,
        event_loop: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let event_loop = match event_loop {
            Some(event_loop) => event_loop.to_owned(),
            None => event_loop_of_caller(thread)?,
        };
        drop(this.event_loop.swap(this, thread, Some(event_loop.clone())));
        let fresh = [Field::empty(), Field::empty(), Field::empty()];
        let before = this.state.with(this, thread, |state, _| {
            let [result, exception, traceback] = fresh;
            state.phase = Phase::Pending;
            let fields = (
                std::mem::replace(&mut state.result, result),
                std::mem::replace(&mut state.exception, exception),
                std::mem::replace(&mut state.traceback, traceback),
            );
            (fields, std::mem::take(&mut state.callbacks))
        });
        drop(before);
        this.log_traceback.store(false, Ordering::Relaxed);
        this.blocking.store(false, Ordering::Relaxed);
        for field in [&this.source_traceback, &this.cancel_message, &this.cancelled_error] {
            drop(field.swap(this, thread, None));
        }
        let get_debug = name!("get_debug");
        let debug = protocol::call_method_args(thread, event_loop.get(), get_debug, Args::new(&[]))?;
        if protocol::is_true(thread, debug.get())? && !crate::sys::is_shutting_down() {
            let extract = crate::support::import_attr(thread, "traceback", "extract_stack")?;
            let stack = protocol::call(thread, extract.get(), &[])?;
            drop(this.source_traceback.swap(this, thread, Some(stack)));
        }
        Ok(())
    }

    /// The loop. RuntimeError if the future wasn't initialised.
    pub(super) fn event_loop(thread: &Thread, this: &Obj<Self>) -> PyResult {
        this.event_loop.get(thread).ok_or_else(|| runtime_error("Future object is not initialized."))
    }

    pub(super) fn phase(thread: &Thread, this: &Obj<Self>) -> Phase {
        this.state.with(this, thread, |state, _| state.phase)
    }

    pub(super) fn is_done(thread: &Thread, this: &Obj<Self>) -> bool {
        Self::phase(thread, this) != Phase::Pending
    }

    pub(super) fn outcome(thread: &Thread, this: &Obj<Self>) -> Outcome {
        this.state.with(this, thread, |state, _| match state.phase {
            Phase::Pending => Outcome::Pending,
            Phase::Cancelled => Outcome::Cancelled,
            Phase::Finished => match owned(&state.exception, thread) {
                Some(exception) => Outcome::Exception(exception, owned(&state.traceback, thread)),
                None => Outcome::Result(owned(&state.result, thread).unwrap_or(Value::NONE)),
            },
        })
    }

    /// Goes from pending to another phase with what belongs to it, and gives the callbacks; `None` if it was done.
    fn complete(
        thread: &Thread,
        this: &Obj<Self>,
        phase: Phase,
        values: [Option<Value>; 3],
    ) -> Option<Vec<(Value, Value)>> {
        let taken = this.state.with(this, thread, |state, owner| {
            if state.phase != Phase::Pending {
                return Err(values);
            }
            state.phase = phase;
            let [result, exception, traceback] = values.map(|value| owner.store_option(value));
            let before = (
                std::mem::replace(&mut state.result, result),
                std::mem::replace(&mut state.exception, exception),
                std::mem::replace(&mut state.traceback, traceback),
            );
            Ok((before, std::mem::take(&mut state.callbacks)))
        });
        let (_, callbacks) = taken.ok()?;
        let value = |field: Field| field.into_value().unwrap_or(Value::NONE);
        Some(callbacks.into_iter().map(|one| (value(one.function), value(one.context))).collect())
    }

    /// Has the loop call the callbacks.
    fn schedule(thread: &mut Thread, this: &Obj<Self>, callbacks: Vec<(Value, Value)>) -> PyResult<()> {
        for (function, context) in callbacks {
            let event_loop = Self::event_loop(thread, this)?;
            call_soon(thread, event_loop.get(), function.get(), Some(this.get()), context.get())?;
        }
        Ok(())
    }

    pub(super) fn set_result(thread: &mut Thread, this: &Obj<Self>, result: Value) -> PyResult<()> {
        Self::event_loop(thread, this)?;
        match Self::complete(thread, this, Phase::Finished, [Some(result), None, None]) {
            Some(callbacks) => Self::schedule(thread, this, callbacks),
            None => Err(exception(thread, "InvalidStateError", Some("invalid state"))),
        }
    }

    pub(super) fn set_exception(thread: &mut Thread, this: &Obj<Self>, raised: Ref<'_>) -> PyResult<()> {
        Self::event_loop(thread, this)?;
        if Self::is_done(thread, this) {
            return Err(exception(thread, "InvalidStateError", Some("invalid state")));
        }
        let raised = match raised.downcast::<PyType>() {
            Some(class) if class.is_subtype_of(PyBaseException::static_type().get()) => {
                protocol::call(thread, raised, &[])?
            }
            _ => raised.to_owned(),
        };
        if raised.get().downcast::<PyBaseException>().is_none() {
            return Err(type_error("invalid exception object"));
        }
        let raised = if class_of(raised.get()).is_subtype_of(builtin::StopIteration.get()) {
            stop_iteration_refused(thread, raised)
        } else {
            raised
        };
        let traceback = exception_chain::traceback_of(raised.get(), thread);
        let Some(callbacks) = Self::complete(thread, this, Phase::Finished, [None, Some(raised), traceback])
        else {
            return Err(exception(thread, "InvalidStateError", Some("invalid state")));
        };
        Self::schedule(thread, this, callbacks)?;
        this.log_traceback.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Cancels; whether it wasn't done before.
    pub(super) fn cancel(thread: &mut Thread, this: &Obj<Self>, message: Option<Value>) -> PyResult<bool> {
        this.log_traceback.store(false, Ordering::Relaxed);
        let Some(callbacks) = Self::complete(thread, this, Phase::Cancelled, [None, None, None]) else {
            return Ok(false);
        };
        drop(this.cancel_message.swap(this, thread, message));
        Self::schedule(thread, this, callbacks)?;
        Ok(true)
    }

    /// The CancelledError to raise. It is forgotten here, so that it isn't raised twice with the same context.
    pub(super) fn cancelled_error(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if let Some(error) = this.cancelled_error.swap(this, thread, None) {
            return Ok(error);
        }
        let class = exceptions_class(thread, "CancelledError")?;
        let message = this.cancel_message.get(thread).filter(|message| !message.get().is_none());
        match message {
            Some(message) => protocol::call(thread, class.get(), &[message.get()]),
            None => protocol::call(thread, class.get(), &[]),
        }
    }

    fn cancellation(thread: &mut Thread, this: &Obj<Self>) -> PyErr {
        match Self::cancelled_error(thread, this) {
            Ok(error) => PyErr::from_instance(error),
            Err(error) => error,
        }
    }

    /// `result()`.
    pub(super) fn result(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match Self::outcome(thread, this) {
            Outcome::Pending => Err(exception(thread, "InvalidStateError", Some("Result is not set."))),
            Outcome::Cancelled => Err(Self::cancellation(thread, this)),
            Outcome::Result(result) => {
                this.log_traceback.store(false, Ordering::Relaxed);
                Ok(result)
            }
            Outcome::Exception(raised, traceback) => {
                this.log_traceback.store(false, Ordering::Relaxed);
                if let Some(raised) = raised.get().downcast::<PyBaseException>() {
                    exception_chain::set_traceback(raised, thread, traceback);
                }
                // Its part is played; kept, it would keep frames.
                let before = this
                    .state
                    .with(this, thread, |state, _| std::mem::replace(&mut state.traceback, Field::empty()));
                drop(before);
                Err(PyErr::from_instance(raised))
            }
        }
    }

    /// `exception()`.
    pub(super) fn raised(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match Self::outcome(thread, this) {
            Outcome::Pending => Err(exception(thread, "InvalidStateError", Some("Exception is not set."))),
            Outcome::Cancelled => Err(Self::cancellation(thread, this)),
            Outcome::Result(_) => {
                this.log_traceback.store(false, Ordering::Relaxed);
                Ok(Value::NONE)
            }
            Outcome::Exception(raised, _) => {
                this.log_traceback.store(false, Ordering::Relaxed);
                Ok(raised)
            }
        }
    }

    /// Adds a callback, or has it called if the future is done.
    pub(super) fn add_callback(
        thread: &mut Thread,
        this: &Obj<Self>,
        function: Value,
        context: Value,
    ) -> PyResult<()> {
        let event_loop = Self::event_loop(thread, this)?;
        let refused = this.state.with(this, thread, |state, owner| {
            if state.phase != Phase::Pending {
                return Some((function, context));
            }
            let number = state.next_number;
            state.next_number = number.wrapping_add(1);
            let callback =
                Callback { function: owner.store(function), context: owner.store(context), number };
            state.callbacks.push(callback);
            None
        });
        match refused {
            Some((function, context)) => {
                call_soon(thread, event_loop.get(), function.get(), Some(this.get()), context.get())
            }
            None => Ok(()),
        }
    }

    /// Functions, contexts and numbers of the callbacks.
    fn callbacks(thread: &Thread, this: &Obj<Self>) -> Vec<(Value, Value, u64)> {
        this.state.with(this, thread, |state, _| {
            let owned = |field| owned(field, thread).unwrap_or(Value::NONE);
            state
                .callbacks
                .iter()
                .map(|one| (owned(&one.function), owned(&one.context), one.number))
                .collect()
        })
    }

    /// Removes the callbacks that equal a function; how many there were.
    pub(super) fn remove_callback(
        thread: &mut Thread,
        this: &Obj<Self>,
        function: Ref<'_>,
    ) -> PyResult<usize> {
        Self::event_loop(thread, this)?;
        let mut equal = Vec::new();
        for (candidate, _, number) in Self::callbacks(thread, this) {
            if protocol::eq(thread, candidate.get(), function)? {
                equal.push(number);
            }
        }
        // Comparing may have run anything: what was removed meanwhile doesn't count.
        let removed: Vec<Callback> = this.state.with(this, thread, |state, _| {
            state.callbacks.extract_if(.., |one| equal.contains(&one.number)).collect()
        });
        Ok(removed.len())
    }

    /// `_callbacks`: pairs of function and context, or None.
    pub(super) fn callback_list(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Self::event_loop(thread, this)?;
        let callbacks = Self::callbacks(thread, this);
        if callbacks.is_empty() {
            return Ok(Value::NONE);
        }
        let mut pairs = Vec::with_capacity(callbacks.len());
        for (function, context, _) in callbacks {
            pairs.push(tuple::of(thread, [function, context])?);
        }
        Ok(list::new(thread, pairs)?.into_value())
    }

    /// Notes that `waiter` waits for this one.
    pub(super) fn add_waiter(thread: &mut Thread, this: &Obj<Self>, waiter: Ref<'_>) -> PyResult<()> {
        loop {
            let now = this.awaited_by.get(thread).unwrap_or(Value::NONE);
            let next = if now.get().is_none() {
                waiter.to_owned()
            } else if now.get().is(waiter) {
                return Ok(());
            } else if let Some(waiters) = now.get().downcast::<set::PySet>() {
                return set::add(thread, waiters, waiter).map(drop);
            } else {
                let waiters = set::new(thread)?;
                set::add(thread, &waiters, now.get())?;
                set::add(thread, &waiters, waiter)?;
                waiters.into_value()
            };
            if this.awaited_by.replace_if(this, thread, &now, next).is_ok() {
                return Ok(());
            }
        }
    }

    /// Notes that `waiter` no longer waits for this one.
    pub(super) fn discard_waiter(thread: &mut Thread, this: &Obj<Self>, waiter: Ref<'_>) -> PyResult<()> {
        loop {
            let now = this.awaited_by.get(thread).unwrap_or(Value::NONE);
            if let Some(waiters) = now.get().downcast::<set::PySet>() {
                return protocol::call_method(thread, waiters.get(), "discard", &[waiter]).map(drop);
            }
            // Where it fails, a second waiter came, and a set has taken the place.
            if !now.get().is(waiter) || this.awaited_by.replace_if(this, thread, &now, Value::NONE).is_ok() {
                return Ok(());
            }
        }
    }

    /// `_asyncio_awaited_by`: a frozenset, or None.
    pub(super) fn waiters(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let now = this.awaited_by.get(thread).unwrap_or(Value::NONE);
        if now.get().is_none() {
            return Ok(Value::NONE);
        }
        let waiters = match now.get().downcast::<set::PySet>() {
            Some(waiters) => set::frozen_from_iterable(thread, waiters.get())?,
            None => set::frozen_from_values(thread, &[now.get()])?,
        };
        Ok(waiters.into_value())
    }

    /// Reports an exception that nobody has asked for.
    pub(super) fn report(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        if !this.log_traceback.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let Outcome::Exception(raised, _) = Self::outcome(thread, this) else { return Ok(()) };
        let class = class_of(this.get()).name().to_string();
        let message = format!("{class} exception was never retrieved");
        let entries = [("exception", raised), ("future", this.to_value())];
        Self::tell_loop(thread, this, &message, entries.into())
    }

    /// Tells the loop's handler of exceptions.
    pub(super) fn tell_loop(
        thread: &mut Thread,
        this: &Obj<Self>,
        message: &str,
        entries: Vec<(&'static str, Value)>,
    ) -> PyResult<()> {
        let context = orochi_objects::types::dict::new(thread)?;
        let message = orochi_objects::str::new(thread, message)?;
        let traceback = this.source_traceback.get(thread).map(|traceback| ("source_traceback", traceback));
        for (key, value) in std::iter::once(("message", message)).chain(entries).chain(traceback) {
            let key = orochi_objects::str::intern(thread, key)?;
            protocol::set_item(thread, context.get(), key.get(), Some(value.get()))?;
        }
        let event_loop = Self::event_loop(thread, this)?;
        protocol::call_method(thread, event_loop.get(), "call_exception_handler", &[context.get()]).map(drop)
    }
}

fn owned(field: &Field, thread: &Thread) -> Option<Value> {
    field.load(thread).map(Ref::to_owned)
}

/// The RuntimeError that takes the place of a StopIteration.
fn stop_iteration_refused(thread: &mut Thread, refused: Value) -> Value {
    let message = "StopIteration interacts badly with generators and cannot be raised into a Future";
    let made = runtime_error(message).into_value(thread);
    if let Some(error) = made.get().downcast::<PyBaseException>() {
        exception_chain::set_cause(error, thread, Some(refused.clone()));
        exception_chain::set_context(error, thread, Some(refused));
    }
    made
}

/// `event_loop.call_soon(function[, argument], context=context)`.
pub(super) fn call_soon(
    thread: &mut Thread,
    event_loop: Ref<'_>,
    function: Ref<'_>,
    argument: Option<Ref<'_>>,
    context: Ref<'_>,
) -> PyResult<()> {
    let (call_soon, keyword) = (name!("call_soon"), name!("context"));
    match argument {
        Some(argument) => {
            call_method_in(thread, event_loop, call_soon, &[function, argument, context], keyword)
        }
        None => call_method_in(thread, event_loop, call_soon, &[function, context], keyword),
    }
    .map(drop)
}
