//! What Python sees of `Future`, and the iterator of `await`.

use super::future::{Future, Outcome, Phase};
use orochi_core::sync::Ordering;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{attribute_error_message, value_error};
use orochi_objects::slots::Sent;
use orochi_objects::types::generator::methods::thrown;
use orochi_objects::{
    ArgSlice, AtomicField, Obj, PyResult, PyType, Ref, Thread, Value, alloc, make, protocol,
};

/// What deleting an attribute is told.
fn not_deleted(name: &str) -> orochi_objects::PyErr {
    attribute_error_message(format!("attribute '{name}' of '_asyncio.Future' objects cannot be deleted"))
}

#[pymethods]
impl Future {
    #[new]
    #[signature(*args, **kwargs)]
    #[text_signature = "(*, loop=None)"]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        args: ArgSlice<'_>,
        kwargs: orochi_objects::KwArgs<'_>,
    ) -> PyResult {
        let _ = (args, kwargs);
        Ok(alloc(thread, cls, Future::empty())?.into_value())
    }

    #[init]
    #[signature(*, r#loop=None)]
    fn init(thread: &mut Thread, this: &Obj<Self>, r#loop: Option<Ref<'_>>) -> PyResult<()> {
        Future::initialise(thread, this, r#loop)
    }

    /// Return the result this future represents.
    ///
    /// If the future has been cancelled, raises CancelledError.  If the
    /// future's result isn't yet available, raises InvalidStateError.  If
    /// the future is done and has an exception set, this exception is raised.
    #[name = "result"]
    fn get_result(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Future::result(thread, this)
    }

    /// Return the exception that was set on this future.
    ///
    /// The exception (or None if no exception was set) is returned only if
    /// the future is done.  If the future has been cancelled, raises
    /// CancelledError.  If the future isn't done yet, raises
    /// InvalidStateError.
    fn exception(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Future::raised(thread, this)
    }

    /// Mark the future done and set its result.
    ///
    /// If the future is already done when this method is called, raises
    /// InvalidStateError.
    #[name = "set_result"]
    #[signature(result, /)]
    fn finish(thread: &mut Thread, this: &Obj<Self>, result: Ref<'_>) -> PyResult<()> {
        Future::set_result(thread, this, result.to_owned())
    }

    /// Mark the future done and set an exception.
    ///
    /// If the future is already done when this method is called, raises
    /// InvalidStateError.
    #[name = "set_exception"]
    #[signature(exception, /)]
    fn fail(thread: &mut Thread, this: &Obj<Self>, exception: Ref<'_>) -> PyResult<()> {
        Future::set_exception(thread, this, exception)
    }

    /// Add a callback to be run when the future becomes done.
    ///
    /// The callback is called with a single argument - the future object. If
    /// the future is already done when this is called, the callback is
    /// scheduled with call_soon.
    #[signature(r#fn, /, *, context=<missing>)]
    fn add_done_callback(
        thread: &mut Thread,
        this: &Obj<Self>,
        r#fn: Ref<'_>,
        context: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let context = match context.filter(|context| !context.is_none()) {
            Some(context) => context.to_owned(),
            None => crate::contextvars::copy_of_current(thread)?,
        };
        Future::add_callback(thread, this, r#fn.to_owned(), context)
    }

    /// Remove all instances of a callback from the "call when done" list.
    ///
    /// Returns the number of callbacks removed.
    #[signature(r#fn, /)]
    fn remove_done_callback(thread: &mut Thread, this: &Obj<Self>, r#fn: Ref<'_>) -> PyResult<usize> {
        Future::remove_callback(thread, this, r#fn)
    }

    /// Cancel the future and schedule callbacks.
    ///
    /// If the future is already done or cancelled, return False.  Otherwise,
    /// change the future's state to cancelled, schedule the callbacks and
    /// return True.
    #[name = "cancel"]
    #[signature(msg=None)]
    fn cancel_with(thread: &mut Thread, this: &Obj<Self>, msg: Option<Ref<'_>>) -> PyResult<bool> {
        Future::event_loop(thread, this)?;
        Future::cancel(thread, this, msg.map(Ref::to_owned))
    }

    /// Return True if the future was cancelled.
    fn cancelled(thread: &mut Thread, this: &Obj<Self>) -> bool {
        Future::phase(thread, this) == Phase::Cancelled
    }

    /// Return True if the future is done.
    ///
    /// Done means either that a result / exception are available, or that the
    /// future was cancelled.
    fn done(thread: &mut Thread, this: &Obj<Self>) -> bool {
        Future::is_done(thread, this)
    }

    /// Return the event loop the Future is bound to.
    fn get_loop(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Future::event_loop(thread, this)
    }

    /// Create the CancelledError to raise if the Future is cancelled.
    ///
    /// This should only be called once when handling a cancellation since
    /// it erases the context exception value.
    fn _make_cancelled_error(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Future::cancelled_error(thread, this)
    }

    #[getter]
    fn _state(thread: &mut Thread, this: &Obj<Self>) -> &'static str {
        match Future::phase(thread, this) {
            Phase::Pending => "PENDING",
            Phase::Cancelled => "CANCELLED",
            Phase::Finished => "FINISHED",
        }
    }

    #[getter]
    fn _asyncio_future_blocking(this: &Obj<Self>) -> bool {
        this.blocking.load(Ordering::Relaxed)
    }

    #[setter]
    #[name = "_asyncio_future_blocking"]
    fn set_asyncio_future_blocking(
        thread: &mut Thread,
        this: &Obj<Self>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let value = value.ok_or_else(|| not_deleted("_asyncio_future_blocking"))?;
        let value = protocol::is_true(thread, value)?;
        this.blocking.store(value, Ordering::Relaxed);
        Ok(())
    }

    #[getter]
    fn _asyncio_awaited_by(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Future::waiters(thread, this)
    }

    #[getter]
    fn _loop(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.event_loop.get(thread).unwrap_or(Value::NONE)
    }

    #[getter]
    fn _callbacks(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Future::callback_list(thread, this)
    }

    #[getter]
    fn _result(thread: &mut Thread, this: &Obj<Self>) -> Value {
        match Future::outcome(thread, this) {
            Outcome::Result(result) => result,
            _ => Value::NONE,
        }
    }

    #[getter]
    fn _exception(thread: &mut Thread, this: &Obj<Self>) -> Value {
        match Future::outcome(thread, this) {
            Outcome::Exception(exception, _) => exception,
            _ => Value::NONE,
        }
    }

    #[getter]
    fn _log_traceback(this: &Obj<Self>) -> bool {
        this.log_traceback.load(Ordering::Relaxed)
    }

    #[setter]
    #[name = "_log_traceback"]
    fn set_log_traceback(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = value.ok_or_else(|| not_deleted("_log_traceback"))?;
        if protocol::is_true(thread, value)? {
            return Err(value_error("_log_traceback can only be set to False"));
        }
        this.log_traceback.store(false, Ordering::Relaxed);
        Ok(())
    }

    #[getter]
    fn _source_traceback(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.source_traceback.get(thread).unwrap_or(Value::NONE)
    }

    #[getter]
    fn _cancel_message(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.cancel_message.get(thread).unwrap_or(Value::NONE)
    }

    #[setter]
    #[name = "_cancel_message"]
    fn set_cancel_message(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = value.ok_or_else(|| not_deleted("_cancel_message"))?;
        drop(this.cancel_message.swap(this, thread, Some(value.to_owned())));
        Ok(())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let show = crate::support::import_attr(thread, "asyncio.base_futures", "_future_repr")?;
        protocol::call(thread, show.get(), &[this.get()])
    }

    #[slot]
    fn tp_finalize(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        Future::report(thread, this)
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(make(thread, FutureIter { future: AtomicField::new_local(this.to_value()) })?.into_value())
    }

    #[slot]
    fn am_await(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(make(thread, FutureIter { future: AtomicField::new_local(this.to_value()) })?.into_value())
    }
}

/// The iterator of `await`: it yields the future once, for the task to wait for it.
#[pyclass(name = "FutureIter", module = "_asyncio", no_new)]
#[derive(Trace)]
struct FutureIter {
    /// Taken out when the iterator has ended.
    future: AtomicField,
}

impl FutureIter {
    fn advance(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Sent> {
        let Some(future) = this.future.get(thread) else { return Ok(Sent::Return(Value::NONE)) };
        let Some(future) = future.get().downcast::<Future>() else { return Ok(Sent::Return(Value::NONE)) };
        if !Future::is_done(thread, future) {
            if !future.blocking.swap(true, Ordering::Relaxed) {
                return Ok(Sent::Yield(future.to_value()));
            }
            return Err(orochi_objects::error::runtime_error("await wasn't used with future"));
        }
        drop(this.future.swap(this, thread, None));
        Future::result(thread, future).map(Sent::Return)
    }

    fn send_one(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match FutureIter::advance(thread, this)? {
            Sent::Yield(value) => Ok(value),
            Sent::Return(value) => Err(orochi_objects::error::stop_iteration(value)),
        }
    }
}

#[pymethods]
impl FutureIter {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> PyResult {
        Ok(this.to_owned())
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        match FutureIter::advance(thread, this)? {
            Sent::Yield(value) => Ok(Some(value)),
            Sent::Return(value) if value.get().is_none() => Ok(None),
            Sent::Return(value) => Err(orochi_objects::error::stop_iteration(value)),
        }
    }

    #[slot]
    fn am_send(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<Sent> {
        let _ = value;
        FutureIter::advance(thread, this)
    }

    fn send(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult {
        let _ = value;
        FutureIter::send_one(thread, this)
    }

    #[signature(*args)]
    fn throw(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        let error = thrown(thread, args, Some("throw"))?;
        drop(this.future.swap(this, thread, None));
        Err(error)
    }

    fn close(thread: &mut Thread, this: &Obj<Self>) {
        drop(this.future.swap(this, thread, None));
    }
}
