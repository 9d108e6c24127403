//! `_asyncio`: futures, tasks, and who runs what. The loops and everything else of asyncio are in Python.
//!
//! `future` and `task` hold the two classes, `step` runs a task's coroutine from one wait to the next, `thread_part` is what
//! a thread knows of its loop and its tasks.

mod future;
mod future_methods;
mod step;
mod task;
mod thread_part;

use crate::support::import_attr;
use future::Future;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyErr, PyResult, runtime_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{set, tuple};
use orochi_objects::{Args, Obj, PyModule, Ref, Thread, Value, name, protocol, str};
use task::Task;
use thread_part::ThreadPart;

/// A class of `asyncio.exceptions`.
fn exceptions_class(thread: &mut Thread, name: &str) -> PyResult {
    import_attr(thread, "asyncio.exceptions", name)
}

/// An exception of `asyncio.exceptions`, or what making it raises.
fn exception(thread: &mut Thread, class: &str, message: Option<&str>) -> PyErr {
    let made = exceptions_class(thread, class).and_then(|class| match message {
        Some(message) => {
            let message = str::new(thread, message)?;
            protocol::call(thread, class.get(), &[message.get()])
        }
        None => protocol::call(thread, class.get(), &[]),
    });
    match made {
        Ok(made) => PyErr::from_instance(made),
        Err(error) => error,
    }
}

/// `object.method(*values)`, of which the last is a keyword argument.
fn call_method_in(
    thread: &mut Thread,
    object: Ref<'_>,
    method: &Obj<PyStr>,
    values: &[Ref<'_>],
    keyword: &'static Obj<PyStr>,
) -> PyResult {
    let names = tuple::from_refs(thread, &[keyword.get()])?;
    protocol::call_method_args(thread, object, method, Args::with_names(values, Some(&names)))
}

/// The loop that this thread runs.
fn running_loop(thread: &Thread) -> Option<Value> {
    ThreadPart::existing(thread)?.running_loop.get(thread)
}

/// `get_event_loop()`.
fn event_loop_of_caller(thread: &mut Thread) -> PyResult {
    if let Some(running) = running_loop(thread) {
        return Ok(running);
    }
    let policy = import_attr(thread, "asyncio.events", "_get_event_loop_policy")?;
    let policy = protocol::call(thread, policy.get(), &[])?;
    protocol::call_method(thread, policy.get(), "get_event_loop", &[])
}

/// The loop of a future of any kind: what its `get_loop` says, or its `_loop`.
fn loop_of(thread: &mut Thread, future: Ref<'_>) -> PyResult {
    if let Some(exact) = exactly_ours(future) {
        return Future::event_loop(thread, exact);
    }
    match protocol::find_attr(thread, future, name!("get_loop"))? {
        Some(get_loop) => protocol::call(thread, get_loop.get(), &[]),
        None => protocol::get_attr(thread, future, name!("_loop")),
    }
}

/// A future or task of exactly these classes, whose methods nobody has overridden.
fn exactly_ours(future: Ref<'_>) -> Option<&Obj<Future>> {
    use orochi_objects::PyClass;
    let class = orochi_objects::class_of(future);
    let is = |ours| std::ptr::eq(class, ours);
    if is(Future::static_type().get()) || is(Task::static_type().get()) { future.downcast() } else { None }
}

fn shown(thread: &mut Thread, object: Ref<'_>) -> PyResult<String> {
    Ok(str::display(protocol::repr(thread, object)?.get()))
}

/// This thread's part, if it runs this loop; else RuntimeError.
fn part_running(thread: &mut Thread, event_loop: Ref<'_>) -> PyResult<orochi_objects::Owned<ThreadPart>> {
    let part = ThreadPart::of(thread)?;
    if part.running_loop.load(thread).is_some_and(|running| running.is(event_loop)) {
        return Ok(part);
    }
    let shown = shown(thread, event_loop)?;
    Err(runtime_error(format!("loop {shown} is not the running loop")))
}

/// Makes a task the one that runs.
fn enter(thread: &mut Thread, event_loop: Ref<'_>, task: Ref<'_>) -> PyResult<()> {
    let part = part_running(thread, event_loop)?;
    if let Some(other) = part.running_task.get(thread) {
        let (task, other) = (shown(thread, task)?, shown(thread, other.get())?);
        return Err(runtime_error(format!(
            "Cannot enter into task {task} while another task {other} is being executed."
        )));
    }
    drop(part.running_task.swap(&*part, thread, Some(task.to_owned())));
    Ok(())
}

/// The task that runs no longer does.
fn leave(thread: &mut Thread, event_loop: Ref<'_>, task: Ref<'_>) -> PyResult<()> {
    let part = part_running(thread, event_loop)?;
    let running = part.running_task.get(thread).unwrap_or(Value::NONE);
    if !running.get().is(task) {
        let (task, running) = (shown(thread, task)?, shown(thread, running.get())?);
        return Err(runtime_error(format!(
            "Invalid attempt to leave task {task} while task {running} is entered."
        )));
    }
    drop(part.running_task.swap(&*part, thread, None));
    Ok(())
}

/// Makes another task (or None) the one that runs; the one before, or None.
fn swap_running(thread: &mut Thread, event_loop: Ref<'_>, task: Ref<'_>) -> PyResult {
    let part = part_running(thread, event_loop)?;
    let next = (!task.is_none()).then(|| task.to_owned());
    Ok(part.running_task.swap(&*part, thread, next).unwrap_or(Value::NONE))
}

/// The thread is about to end.
pub(crate) fn thread_ends(thread: &mut Thread) {
    let Some(part) = ThreadPart::existing(thread) else { return };
    ThreadState::of(thread).asyncio = None;
    if let Err(error) = thread_part::leave(thread, part) {
        orochi_objects::finalize::unraisable(thread, error, None, Ref::NONE);
    }
}

/// In the child of a fork: no loop runs there, and the tasks are the parent's.
pub(crate) fn after_fork(thread: &Thread) {
    drop(ThreadState::of(thread).asyncio.take());
}

/// Return the running event loop or None.
///
/// This is a low-level function intended to be used by event loops.
/// This function is thread-specific.
#[pyfunction]
fn _get_running_loop(thread: &mut Thread) -> Value {
    running_loop(thread).unwrap_or(Value::NONE)
}

/// Set the running event loop.
///
/// This is a low-level function intended to be used by event loops.
/// This function is thread-specific.
#[pyfunction]
#[signature(r#loop, /)]
fn _set_running_loop(thread: &mut Thread, r#loop: Ref<'_>) -> PyResult<()> {
    let part = ThreadPart::of(thread)?;
    let next = (!r#loop.is_none()).then(|| r#loop.to_owned());
    drop(part.running_loop.swap(&*part, thread, next));
    Ok(())
}

/// Return an asyncio event loop.
///
/// When called from a coroutine or a callback (e.g. scheduled with
/// call_soon or similar API), this function will always return the
/// running event loop.
///
/// If there is no running event loop set, the function will return
/// the result of `get_event_loop_policy().get_event_loop()` call.
#[pyfunction]
fn get_event_loop(thread: &mut Thread) -> PyResult {
    event_loop_of_caller(thread)
}

/// Return the running event loop.  Raise a RuntimeError if there is none.
///
/// This function is thread-specific.
#[pyfunction]
fn get_running_loop(thread: &mut Thread) -> PyResult {
    running_loop(thread).ok_or_else(|| runtime_error("no running event loop"))
}

/// Register a new task in asyncio as executed by loop.
///
/// Returns None.
#[pyfunction]
#[signature(task)]
fn _register_task(thread: &mut Thread, task: Ref<'_>) -> PyResult<()> {
    match task.downcast::<Task>() {
        Some(task) => Task::register(thread, task),
        None => ThreadPart::register(thread, task).map(drop),
    }
}

/// Register a new task in asyncio as executed by loop.
///
/// Returns None.
#[pyfunction]
#[signature(task)]
fn _register_eager_task(thread: &mut Thread, task: Ref<'_>) -> PyResult<()> {
    ThreadPart::register_eager(thread, task)
}

/// Unregister a task.
///
/// Returns None.
#[pyfunction]
#[signature(task)]
fn _unregister_task(thread: &mut Thread, task: Ref<'_>) {
    match task.downcast::<Task>() {
        Some(task) => Task::unregister(thread, task),
        None => ThreadPart::unregister_any(thread, task),
    }
}

/// Unregister a task.
///
/// Returns None.
#[pyfunction]
#[signature(task)]
fn _unregister_eager_task(thread: &mut Thread, task: Ref<'_>) {
    ThreadPart::unregister_eager(thread, task);
}

/// Enter into task execution or resume suspended task.
///
/// Task belongs to loop.
///
/// Returns None.
#[pyfunction]
#[signature(r#loop, task)]
fn _enter_task(thread: &mut Thread, r#loop: Ref<'_>, task: Ref<'_>) -> PyResult<()> {
    enter(thread, r#loop, task)
}

/// Leave task execution or suspend a task.
///
/// Task belongs to loop.
///
/// Returns None.
#[pyfunction]
#[signature(r#loop, task)]
fn _leave_task(thread: &mut Thread, r#loop: Ref<'_>, task: Ref<'_>) -> PyResult<()> {
    leave(thread, r#loop, task)
}

/// Temporarily swap in the supplied task and return the original one (or None).
///
/// This is intended for use during eager coroutine execution.
#[pyfunction]
#[signature(r#loop, task)]
fn _swap_current_task(thread: &mut Thread, r#loop: Ref<'_>, task: Ref<'_>) -> PyResult {
    swap_running(thread, r#loop, task)
}

/// Return a currently executed task.
#[pyfunction]
#[signature(r#loop=None)]
fn current_task(thread: &mut Thread, r#loop: Option<Ref<'_>>) -> PyResult {
    let running = running_loop(thread);
    let asked = match (r#loop, &running) {
        (Some(asked), _) => asked,
        (None, Some(running)) => running.get(),
        (None, None) => return Err(runtime_error("no running event loop")),
    };
    if running.as_ref().is_some_and(|running| running.get().is(asked)) {
        let task = ThreadPart::existing(thread).and_then(|part| part.running_task.get(thread));
        return Ok(task.unwrap_or(Value::NONE));
    }
    let asked = asked.to_owned();
    Ok(thread_part::running_elsewhere(thread, asked.get()).unwrap_or(Value::NONE))
}

/// Return a set of all tasks for the loop.
#[pyfunction]
#[signature(r#loop=None)]
fn all_tasks(thread: &mut Thread, r#loop: Option<Ref<'_>>) -> PyResult {
    let event_loop = match r#loop {
        Some(event_loop) => event_loop.to_owned(),
        None => running_loop(thread).ok_or_else(|| runtime_error("no running event loop"))?,
    };
    let tasks = set::new(thread)?;
    for task in thread_part::candidates(thread, event_loop.get())? {
        if !is_done(thread, task.get())? && loop_of(thread, task.get())?.get().is(event_loop.get()) {
            set::add(thread, &tasks, task.get())?;
        }
    }
    Ok(tasks.into_value())
}

fn is_done(thread: &mut Thread, task: Ref<'_>) -> PyResult<bool> {
    if let Some(task) = task.downcast::<Future>() {
        return Ok(Future::is_done(thread, task));
    }
    let done = protocol::call_method(thread, task, "done", &[])?;
    protocol::is_true(thread, done.get())
}

/// Record that `fut` is awaited on by `waiter`.
#[pyfunction]
#[signature(fut, waiter, /)]
fn future_add_to_awaited_by(thread: &mut Thread, fut: Ref<'_>, waiter: Ref<'_>) -> PyResult<()> {
    match (fut.downcast::<Future>(), waiter.downcast::<Future>()) {
        (Some(future), Some(_)) => Future::add_waiter(thread, future, waiter),
        _ => Ok(()),
    }
}

#[pyfunction]
#[signature(fut, waiter, /)]
fn future_discard_from_awaited_by(thread: &mut Thread, fut: Ref<'_>, waiter: Ref<'_>) -> PyResult<()> {
    match (fut.downcast::<Future>(), waiter.downcast::<Future>()) {
        (Some(future), Some(_)) => Future::discard_waiter(thread, future, waiter),
        _ => Ok(()),
    }
}

/// Accelerator module for asyncio
#[pymodule(
    name = "_asyncio",
    functions(
        _get_running_loop,
        _set_running_loop,
        get_event_loop,
        get_running_loop,
        _register_task,
        _register_eager_task,
        _unregister_task,
        _unregister_eager_task,
        _enter_task,
        _leave_task,
        _swap_current_task,
        current_task,
        all_tasks,
        future_add_to_awaited_by,
        future_discard_from_awaited_by
    ),
    classes(Future, Task)
)]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
