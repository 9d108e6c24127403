//! Steps of a task: its coroutine is resumed, and what it yields decides when the next step comes.

use super::future::{Future, call_soon};
use super::task::Task;
use super::{
    call_method_in, enter, exactly_ours, exception, exceptions_class, leave, loop_of, shown, swap_running,
};
use crate::contextvars::run_in_object;
use orochi_core::sync::Ordering;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::class::{MethodDef, MethodKind};
use orochi_objects::error::{PyErr, runtime_error, type_error};
use orochi_objects::slots::Sent;
use orochi_objects::types::exception as builtin;
use orochi_objects::types::generator::{self, methods};
use orochi_objects::types::native_function;
use orochi_objects::{
    Args, Field, Obj, PyResult, Ref, Signature, Thread, TypeExt, Value, class_of, make, name, protocol,
};

static WAKEUP_SIGNATURE: Signature = Signature::new("task_wakeup", Some("Task"), &[], "");

/// What a task leaves with the future that it waits for.
static WAKEUP: MethodDef = MethodDef {
    name: "task_wakeup",
    kind: MethodKind::Method,
    function: call_wakeup,
    quick: None,
    signature: &WAKEUP_SIGNATURE,
    doc: "",
};

fn call_wakeup(thread: &mut Thread, args: Args<'_>) -> PyResult {
    let given = args.len().saturating_sub(1);
    args.no_keywords("Task.task_wakeup")?;
    match (args.get(0).and_then(Ref::downcast::<Task>), args.get(1), given) {
        (Some(task), Some(future), 1) => wake(thread, task, future).map(|()| Value::NONE),
        _ => Err(type_error(format!("Task.task_wakeup() takes exactly one argument ({given} given)"))),
    }
}

/// What a task leaves with the loop for its next step.
#[pyclass(name = "TaskStepMethWrapper", module = "_asyncio", no_new)]
#[derive(Trace)]
struct NextStep {
    task: Field,
    /// The exception to be thrown.
    raised: Option<Field>,
}

#[pymethods]
impl NextStep {
    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        if args.keyword_count() != 0 {
            return Err(type_error("function takes no keyword arguments"));
        }
        if !args.is_empty() {
            return Err(type_error("function takes no positional arguments"));
        }
        let raised = this.raised.as_ref().map(|raised| raised.fixed().to_owned());
        match this.task.fixed().downcast::<Task>() {
            Some(task) => step(thread, task, raised).map(|()| Value::NONE),
            None => Ok(Value::NONE),
        }
    }

    #[getter]
    fn __self__(this: &Obj<Self>) -> Value {
        this.task.fixed().to_owned()
    }
}

/// Has the loop run the next step.
pub(super) fn soon(thread: &mut Thread, task: &Obj<Task>, raised: Option<Value>) -> PyResult<()> {
    let next = NextStep { task: Field::new_local(task.to_value()), raised: raised.map(Field::new_local) };
    let next = make(thread, next)?;
    let event_loop = Future::event_loop(thread, Task::as_future(task)?)?;
    let context = task.context.get(thread).unwrap_or(Value::NONE);
    call_soon(thread, event_loop.get(), next.get(), None, context.get())
}

/// The same with a RuntimeError to be thrown.
fn refuse(thread: &mut Thread, task: &Obj<Task>, message: String) -> PyResult<()> {
    let error = runtime_error(message).into_value(thread);
    soon(thread, task, Some(error))
}

/// What a task waits for is done.
fn wake(thread: &mut Thread, task: &Obj<Task>, future: Ref<'_>) -> PyResult<()> {
    if let Some(future) = future.downcast::<Future>() {
        Future::discard_waiter(thread, future, task.get())?;
    }
    let result = match exactly_ours(future) {
        Some(future) => Future::result(thread, future),
        None => protocol::call_method(thread, future, "result", &[]),
    };
    match result {
        Ok(_) => step(thread, task, None),
        Err(error) => {
            let raised = error.into_value(thread);
            step(thread, task, Some(raised))
        }
    }
}

/// One step.
fn step(thread: &mut Thread, task: &Obj<Task>, raised: Option<Value>) -> PyResult<()> {
    let future = Task::as_future(task)?;
    let event_loop = Future::event_loop(thread, future)?;
    enter(thread, event_loop.get(), task.get())?;
    let result = run(thread, task, future, raised);
    let left = leave(thread, event_loop.get(), task.get());
    if Future::is_done(thread, future) {
        Task::unregister(thread, task);
    }
    result.and(left)
}

/// Runs the first step at once, while another task may be running.
pub(super) fn start_eagerly(thread: &mut Thread, task: &Obj<Task>) -> PyResult<()> {
    let future = Task::as_future(task)?;
    let event_loop = Future::event_loop(thread, future)?;
    let before = swap_running(thread, event_loop.get(), task.get())?;
    super::ThreadPart::register_eager(thread, task.get())?;
    let context = task.context.get(thread).unwrap_or(Value::NONE);
    let result =
        run_in_object(thread, context.get(), |thread| run(thread, task, future, None).map(|()| Value::NONE));
    super::ThreadPart::unregister_eager(thread, task.get());
    let swapped = swap_running(thread, event_loop.get(), before.get());
    if Future::is_done(thread, future) {
        drop(task.coroutine.swap(task, thread, None));
    } else {
        Task::register(thread, task)?;
    }
    result.and(swapped).map(drop)
}

/// The exception that a step throws: CancelledError if the task is to be cancelled and that isn't what comes anyway.
fn to_throw(
    thread: &mut Thread,
    task: &Obj<Task>,
    future: &Obj<Future>,
    raised: Option<Value>,
) -> PyResult<Option<Value>> {
    if !task.must_cancel.swap(false, Ordering::Relaxed) {
        return Ok(raised);
    }
    if let Some(raised) = raised {
        let class = exceptions_class(thread, "CancelledError")?;
        if protocol::is_instance(thread, raised.get(), class.get())? {
            return Ok(Some(raised));
        }
    }
    Future::cancelled_error(thread, future).map(Some)
}

fn run(thread: &mut Thread, task: &Obj<Task>, future: &Obj<Future>, raised: Option<Value>) -> PyResult<()> {
    if Future::is_done(thread, future) {
        let task = shown(thread, task.get())?;
        let raised = match raised {
            Some(raised) => shown(thread, raised.get())?,
            None => "''".to_owned(),
        };
        let message = format!("__step(): already done: {task} {raised}");
        return Err(exception(thread, "InvalidStateError", Some(&message)));
    }
    let raised = to_throw(thread, task, future, raised)?;
    drop(task.waits_for.swap(task, thread, None));
    let coroutine = task.coroutine.get(thread).ok_or_else(|| runtime_error("uninitialized Task object"))?;
    let sent = match raised {
        Some(raised) => throw(thread, coroutine.get(), raised),
        None => send(thread, coroutine.get()),
    };
    match sent {
        Ok(Sent::Yield(yielded)) => wait_for(thread, task, future, yielded.get()),
        Ok(Sent::Return(_)) if task.must_cancel.swap(false, Ordering::Relaxed) => {
            // Cancelled right before the coroutine ended.
            let message = future.cancel_message.get(thread);
            Future::cancel(thread, future, message).map(drop)
        }
        Ok(Sent::Return(result)) => Future::set_result(thread, future, result),
        Err(error) => fail(thread, future, error),
    }
}

/// The coroutine raised.
fn fail(thread: &mut Thread, future: &Obj<Future>, error: PyErr) -> PyResult<()> {
    let raised = error.into_value(thread);
    let class = exceptions_class(thread, "CancelledError")?;
    if protocol::is_instance(thread, raised.get(), class.get())? {
        drop(future.cancelled_error.swap(future, thread, Some(raised)));
        return Future::cancel(thread, future, None).map(drop);
    }
    Future::set_exception(thread, future, raised.get())?;
    let class = class_of(raised.get());
    let ends_the_loop = class.is_subtype_of(builtin::KeyboardInterrupt.get())
        || class.is_subtype_of(builtin::SystemExit.get());
    if ends_the_loop { Err(PyErr::from_instance(raised)) } else { Ok(()) }
}

/// StopIteration is a return.
fn returned(thread: &mut Thread, mut error: PyErr) -> PyResult<Sent> {
    if error.matches(&builtin::StopIteration) {
        return methods::stop_value(thread, &mut error).map(Sent::Return);
    }
    Err(error)
}

/// `coroutine.send(None)`.
fn send(thread: &mut Thread, coroutine: Ref<'_>) -> PyResult<Sent> {
    let slots = &class_of(coroutine).slots;
    if let Some(send) = slots.am_send() {
        return send(thread, coroutine, Ref::NONE);
    }
    let result = match slots.tp_iternext() {
        Some(next) => {
            next(thread, coroutine).map(|yielded| yielded.map_or(Sent::Return(Value::NONE), Sent::Yield))
        }
        None => protocol::call_method(thread, coroutine, "send", &[Ref::NONE]).map(Sent::Yield),
    };
    result.or_else(|error| returned(thread, error))
}

/// `coroutine.throw(raised)`.
fn throw(thread: &mut Thread, coroutine: Ref<'_>, raised: Value) -> PyResult<Sent> {
    if generator::is_coroutine(coroutine)
        && let Some(generator) = generator::as_generator(coroutine)
    {
        return methods::throw(thread, generator, PyErr::from_instance(raised));
    }
    let result = protocol::call_method(thread, coroutine, "throw", &[raised.get()]).map(Sent::Yield);
    result.or_else(|error| returned(thread, error))
}

/// The coroutine yielded: the next step comes when that is done.
fn wait_for(thread: &mut Thread, task: &Obj<Task>, future: &Obj<Future>, yielded: Ref<'_>) -> PyResult<()> {
    if yielded.is_none() {
        return soon(thread, task, None);
    }
    if yielded.is(task.get()) {
        let task_shown = shown(thread, task.get())?;
        return refuse(thread, task, format!("Task cannot await on itself: {task_shown}"));
    }
    let exact = exactly_ours(yielded);
    let blocking = match exact {
        Some(exact) => Some(exact.blocking.load(Ordering::Relaxed)),
        None => match protocol::find_attr(thread, yielded, name!("_asyncio_future_blocking"))? {
            Some(blocking) if !blocking.get().is_none() => Some(protocol::is_true(thread, blocking.get())?),
            _ => None,
        },
    };
    let Some(blocking) = blocking else {
        let (task_shown, yielded_shown) = (shown(thread, task.get())?, shown(thread, yielded)?);
        return if generator::is_plain_generator(yielded) {
            let what = "yield was used instead of yield from for generator in task";
            refuse(thread, task, format!("{what} {task_shown} with {yielded_shown}"))
        } else {
            refuse(thread, task, format!("Task got bad yield: {yielded_shown}"))
        };
    };
    let (its, ours) = (loop_of(thread, yielded)?, Future::event_loop(thread, future)?);
    if !its.get().is(ours.get()) {
        let (task_shown, yielded_shown) = (shown(thread, task.get())?, shown(thread, yielded)?);
        let message = format!("Task {task_shown} got Future {yielded_shown} attached to a different loop");
        return refuse(thread, task, message);
    }
    if !blocking {
        let (task_shown, yielded_shown) = (shown(thread, task.get())?, shown(thread, yielded)?);
        let what = "yield was used instead of yield from in task";
        return refuse(thread, task, format!("{what} {task_shown} with {yielded_shown}"));
    }
    wait(thread, task, future, yielded)
}

/// Has the future that the coroutine awaits wake the task.
fn wait(thread: &mut Thread, task: &Obj<Task>, future: &Obj<Future>, yielded: Ref<'_>) -> PyResult<()> {
    if let Some(waited) = yielded.downcast::<Future>() {
        Future::add_waiter(thread, waited, task.get())?;
    }
    let wakeup = native_function::new(thread, &WAKEUP, Some(task.to_value()), None)?;
    let context = task.context.get(thread).unwrap_or(Value::NONE);
    match exactly_ours(yielded) {
        Some(waited) => {
            waited.blocking.store(false, Ordering::Relaxed);
            Future::add_callback(thread, waited, wakeup, context)?;
        }
        None => {
            protocol::set_attr(thread, yielded, name!("_asyncio_future_blocking"), Some(Ref::FALSE))?;
            let method = name!("add_done_callback");
            call_method_in(thread, yielded, method, &[wakeup.get(), context.get()], name!("context"))?;
        }
    }
    drop(task.waits_for.swap(task, thread, Some(yielded.to_owned())));
    if task.must_cancel.load(Ordering::Relaxed) {
        let message = future.cancel_message.get(thread).unwrap_or(Value::NONE);
        if Task::cancel_waited(thread, yielded, message.get())? {
            task.must_cancel.store(false, Ordering::Relaxed);
        }
    }
    Ok(())
}
