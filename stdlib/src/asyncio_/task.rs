//! `Task`: a future that runs a coroutine. How the coroutine is run is in `step`.

use super::call_method_in;
use super::future::{Future, Phase};
use super::step;
use super::thread_part::ThreadPart;
use orochi_core::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{attribute_error_message, runtime_error, type_error};
use orochi_objects::types::{generator, str::PyStr};
use orochi_objects::{
    ArgSlice, AtomicField, KwArgs, Obj, PyResult, PyType, Ref, Thread, Value, alloc, name, protocol, str,
};

/// Numbers of tasks without a name.
static NEXT_NAME: AtomicU64 = AtomicU64::new(1);
/// The task isn't registered.
const UNREGISTERED: usize = usize::MAX;

/// A coroutine wrapped in a Future.
#[pyclass(name = "Task", module = "_asyncio", base = Future, subclassable, dict, weakref, generic)]
#[derive(Trace)]
pub(super) struct Task {
    pub(super) future: Future,
    pub(super) coroutine: AtomicField,
    /// A str, or a number where none was given.
    name: AtomicField,
    pub(super) context: AtomicField,
    /// What it waits for.
    pub(super) waits_for: AtomicField,
    /// The next step throws CancelledError.
    pub(super) must_cancel: AtomicBool,
    log_destroy_pending: AtomicBool,
    cancel_requests: AtomicUsize,
    /// Where the thread that made it keeps it.
    number: AtomicUsize,
}

impl Task {
    /// The task as the future that it is.
    pub(super) fn as_future(this: &Obj<Task>) -> PyResult<&Obj<Future>> {
        this.get().downcast().ok_or_else(|| runtime_error("uninitialized Task object"))
    }

    pub(super) fn register(thread: &mut Thread, this: &Obj<Task>) -> PyResult<()> {
        let number = ThreadPart::register(thread, this.get())?;
        this.number.store(number, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn unregister(thread: &mut Thread, this: &Obj<Task>) {
        let number = this.number.swap(UNREGISTERED, Ordering::Relaxed);
        if number != UNREGISTERED {
            ThreadPart::unregister(thread, number, this.get());
        }
    }

    /// Asks what the task waits for to be cancelled; whether it was.
    pub(super) fn cancel_waited(thread: &mut Thread, waited: Ref<'_>, message: Ref<'_>) -> PyResult<bool> {
        let answer = call_method_in(thread, waited, name!("cancel"), &[message], name!("msg"))?;
        protocol::is_true(thread, answer.get())
    }
}

/// Whether an object is a coroutine of any kind.
fn is_coroutine(thread: &mut Thread, object: Ref<'_>) -> PyResult<bool> {
    if generator::is_coroutine(object) {
        return Ok(true);
    }
    let is = crate::support::import_attr(thread, "asyncio.coroutines", "iscoroutine")?;
    let answer = protocol::call(thread, is.get(), &[object])?;
    protocol::is_true(thread, answer.get())
}

/// `asyncio.base_tasks.function(task, *args)`.
fn base_tasks(thread: &mut Thread, function: &str, args: &[Ref<'_>]) -> PyResult {
    let function = crate::support::import_attr(thread, "asyncio.base_tasks", function)?;
    protocol::call(thread, function.get(), args)
}

#[pymethods]
impl Task {
    #[new]
    #[signature(*args, **kwargs)]
    #[text_signature = "(coro, *, loop=None, name=None, context=None, eager_start=False)"]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: ArgSlice<'_>, kwargs: KwArgs<'_>) -> PyResult {
        let _ = (args, kwargs);
        let task = Task {
            future: Future::empty(),
            coroutine: AtomicField::empty(),
            name: AtomicField::empty(),
            context: AtomicField::empty(),
            waits_for: AtomicField::empty(),
            must_cancel: AtomicBool::new(false),
            log_destroy_pending: AtomicBool::new(false),
            cancel_requests: AtomicUsize::new(0),
            number: AtomicUsize::new(UNREGISTERED),
        };
        Ok(alloc(thread, cls, task)?.into_value())
    }

    #[init]
    #[signature(coro, *, r#loop=None, name=None, context=None, eager_start=false)]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        coro: Ref<'_>,
        r#loop: Option<Ref<'_>>,
        name: Option<Ref<'_>>,
        context: Option<Ref<'_>>,
        eager_start: bool,
    ) -> PyResult<()> {
        let future = Task::as_future(this)?;
        Future::initialise(thread, future, r#loop)?;
        if !is_coroutine(thread, coro)? {
            this.log_destroy_pending.store(false, Ordering::Relaxed);
            let shown = super::shown(thread, coro)?;
            return Err(type_error(format!("a coroutine was expected, got {shown}")));
        }
        let context = match context {
            Some(context) => context.to_owned(),
            None => crate::contextvars::copy_of_current(thread)?,
        };
        let name = match name {
            Some(name) if name.downcast::<PyStr>().is_some() => name.to_owned(),
            Some(name) => protocol::str(thread, name)?,
            None => {
                let number = NEXT_NAME.fetch_add(1, Ordering::Relaxed) as i64;
                orochi_objects::int::new(thread, number)?
            }
        };
        drop(this.context.swap(this, thread, Some(context)));
        drop(this.name.swap(this, thread, Some(name)));
        drop(this.coroutine.swap(this, thread, Some(coro.to_owned())));
        drop(this.waits_for.swap(this, thread, None));
        this.must_cancel.store(false, Ordering::Relaxed);
        this.cancel_requests.store(0, Ordering::Relaxed);
        this.log_destroy_pending.store(true, Ordering::Relaxed);
        if eager_start {
            let event_loop = Future::event_loop(thread, future)?;
            let running = protocol::call_method(thread, event_loop.get(), "is_running", &[])?;
            if protocol::is_true(thread, running.get())? {
                return step::start_eagerly(thread, this);
            }
        }
        step::soon(thread, this, None)?;
        Task::register(thread, this)
    }

    /// Request that this task cancel itself.
    ///
    /// This arranges for a CancelledError to be thrown into the
    /// wrapped coroutine on the next cycle through the event loop.
    /// The coroutine then has a chance to clean up or even deny
    /// the request using try/except/finally.
    ///
    /// Unlike Future.cancel, this does not guarantee that the
    /// task will be cancelled: the exception might be caught and
    /// acted upon, delaying cancellation of the task or preventing
    /// cancellation completely.  The task may also return a value or
    /// raise a different exception.
    ///
    /// Immediately after this method is called, Task.cancelled() will
    /// not return True (unless the task was already cancelled).  A
    /// task will be marked as cancelled when the wrapped coroutine
    /// terminates with a CancelledError exception (even if cancel()
    /// was not called).
    ///
    /// This also increases the task's count of cancellation requests.
    #[signature(msg=None)]
    fn cancel(thread: &mut Thread, this: &Obj<Self>, msg: Option<Ref<'_>>) -> PyResult<bool> {
        let future = Task::as_future(this)?;
        future.log_traceback.store(false, Ordering::Relaxed);
        if Future::is_done(thread, future) {
            return Ok(false);
        }
        this.cancel_requests.fetch_add(1, Ordering::Relaxed);
        let message = msg.unwrap_or(Ref::NONE);
        // What is waited for stays where it is: it may catch the cancellation, and have to be cancelled again.
        if let Some(waited) = this.waits_for.get(thread)
            && Task::cancel_waited(thread, waited.get(), message)?
        {
            return Ok(true);
        }
        this.must_cancel.store(true, Ordering::Relaxed);
        drop(future.cancel_message.swap(future, thread, Some(message.to_owned())));
        Ok(true)
    }

    /// Return the count of the task's cancellation requests.
    ///
    /// This count is incremented when .cancel() is called
    /// and may be decremented using .uncancel().
    fn cancelling(this: &Obj<Self>) -> usize {
        this.cancel_requests.load(Ordering::Relaxed)
    }

    /// Decrement the task's count of cancellation requests.
    ///
    /// This should be called by the party that called `cancel()` on the task
    /// beforehand.
    ///
    /// Returns the remaining number of cancellation requests.
    fn uncancel(this: &Obj<Self>) -> usize {
        let less = |count: usize| count.checked_sub(1);
        let Ok(before) = this.cancel_requests.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) else {
            return 0;
        };
        if before == 1 {
            this.must_cancel.store(false, Ordering::Relaxed);
        }
        before - 1
    }

    #[signature(result, /)]
    fn set_result(this: &Obj<Self>, result: Ref<'_>) -> PyResult<()> {
        let _ = (this, result);
        Err(runtime_error("Task does not support set_result operation"))
    }

    #[signature(exception, /)]
    fn set_exception(this: &Obj<Self>, exception: Ref<'_>) -> PyResult<()> {
        let _ = (this, exception);
        Err(runtime_error("Task does not support set_exception operation"))
    }

    fn get_coro(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.coroutine.get(thread).unwrap_or(Value::NONE)
    }

    fn get_context(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.context.get(thread).unwrap_or(Value::NONE)
    }

    fn get_name(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = this.name.get(thread).unwrap_or(Value::NONE);
        let Some(number) = name.get().as_small_int() else { return Ok(name) };
        let made = str::new(thread, &format!("Task-{number}"))?;
        // Whoever was faster has made the same, or given another name.
        let _ = this.name.replace_if(this, thread, &name, made.clone());
        Ok(made)
    }

    #[signature(value, /)]
    fn set_name(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<()> {
        let name = match value.downcast::<PyStr>() {
            Some(_) => value.to_owned(),
            None => protocol::str(thread, value)?,
        };
        drop(this.name.swap(this, thread, Some(name)));
        Ok(())
    }

    /// Return the list of stack frames for this task's coroutine.
    ///
    /// If the coroutine is not done, this returns the stack where it is
    /// suspended.  If the coroutine has completed successfully or was
    /// cancelled, this returns an empty list.  If the coroutine was
    /// terminated by an exception, this returns the list of traceback
    /// frames.
    ///
    /// The frames are always ordered from oldest to newest.
    ///
    /// The optional limit gives the maximum number of frames to
    /// return; by default all available frames are returned.  Its
    /// meaning differs depending on whether a stack or a traceback is
    /// returned: the newest frames of a stack are returned, but the
    /// oldest frames of a traceback are returned.  (This matches the
    /// behavior of the traceback module.)
    ///
    /// For reasons beyond our control, only one stack frame is
    /// returned for a suspended coroutine.
    #[signature(*, limit=None)]
    fn get_stack(thread: &mut Thread, this: &Obj<Self>, limit: Option<Ref<'_>>) -> PyResult {
        base_tasks(thread, "_task_get_stack", &[this.get(), limit.unwrap_or(Ref::NONE)])
    }

    /// Print the stack or traceback for this task's coroutine.
    ///
    /// This produces output similar to that of the traceback module,
    /// for the frames retrieved by get_stack().  The limit argument
    /// is passed to get_stack().  The file argument is an I/O stream
    /// to which the output is written; by default output is written
    /// to sys.stderr.
    #[signature(*, limit=None, file=None)]
    fn print_stack(
        thread: &mut Thread,
        this: &Obj<Self>,
        limit: Option<Ref<'_>>,
        file: Option<Ref<'_>>,
    ) -> PyResult {
        let (limit, file) = (limit.unwrap_or(Ref::NONE), file.unwrap_or(Ref::NONE));
        base_tasks(thread, "_task_print_stack", &[this.get(), limit, file])
    }

    #[getter]
    fn _coro(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.coroutine.get(thread).unwrap_or(Value::NONE)
    }

    #[getter]
    fn _fut_waiter(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.waits_for.get(thread).unwrap_or(Value::NONE)
    }

    #[getter]
    fn _must_cancel(this: &Obj<Self>) -> bool {
        this.must_cancel.load(Ordering::Relaxed)
    }

    #[getter]
    fn _log_destroy_pending(this: &Obj<Self>) -> bool {
        this.log_destroy_pending.load(Ordering::Relaxed)
    }

    #[setter]
    #[name = "_log_destroy_pending"]
    fn set_log_destroy_pending(
        thread: &mut Thread,
        this: &Obj<Self>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let Some(value) = value else {
            let message = "attribute '_log_destroy_pending' of '_asyncio.Task' objects cannot be deleted";
            return Err(attribute_error_message(message));
        };
        let value = protocol::is_true(thread, value)?;
        this.log_destroy_pending.store(value, Ordering::Relaxed);
        Ok(())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        base_tasks(thread, "_task_repr", &[this.get()])
    }

    #[slot]
    fn tp_finalize(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        let future = Task::as_future(this)?;
        if Future::phase(thread, future) == Phase::Pending && this.log_destroy_pending.load(Ordering::Relaxed)
        {
            let entries = vec![("task", this.to_value())];
            Future::tell_loop(thread, future, "Task was destroyed but it is pending!", entries)?;
        }
        Future::report(thread, future)
    }
}
