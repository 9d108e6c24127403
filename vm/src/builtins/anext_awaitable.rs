//! `anext(iterator, default)`: an awaitable that turns the end of the iteration into the default.

use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::args::Args;
use orochi_objects::error::{PyErr, PyResult, stop_iteration, type_error};
use orochi_objects::types::exception::{StopAsyncIteration, StopIteration};
use orochi_objects::{class_of, make, name, protocol};

/// See the module.
#[pyclass(name = "anext_awaitable", no_new)]
#[derive(Trace)]
pub(super) struct PyAnextAwaitable {
    awaitable: Field,
    default: Field,
}

pub(super) fn new(thread: &mut Thread, awaitable: Value, default: Value) -> PyResult {
    let made =
        PyAnextAwaitable { awaitable: Field::new_local(awaitable), default: Field::new_local(default) };
    Ok(make(thread, made)?.into_value())
}

/// The iterator behind the awaitable.
fn iterator(thread: &mut Thread, this: &Obj<PyAnextAwaitable>) -> PyResult {
    let awaitable = this.awaitable.fixed();
    let class = class_of(awaitable);
    if let Some(await_) = class.slots.am_await() {
        let iterator = await_(thread, awaitable)?;
        if class_of(iterator.get()).slots.tp_iternext().is_none()
            && class_of(iterator.get()).slots.am_send().is_none()
        {
            return Err(type_error(format!(
                "__await__ must return an iterable, not {}",
                class_of(iterator.get()).name()
            )));
        }
        return Ok(iterator);
    }
    if class.slots.tp_iternext().is_some() {
        return Ok(awaitable.to_owned());
    }
    Err(type_error(format!("'{}' object can't be awaited", class.name())))
}

/// The end of the iteration is the default.
fn translate(this: &Obj<PyAnextAwaitable>, error: PyErr) -> PyErr {
    if error.matches(&StopAsyncIteration) { stop_iteration(this.default.fixed().to_owned()) } else { error }
}

fn forward(thread: &mut Thread, this: &Obj<PyAnextAwaitable>, method: &str, args: Args<'_>) -> PyResult {
    let iterator = iterator(thread, this)?;
    let method = protocol::get_attr_str(thread, iterator.get(), method)?;
    protocol::call_args(thread, method.get(), args).map_err(|error| translate(this, error))
}

#[pymethods]
impl PyAnextAwaitable {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn am_await(_thread: &mut Thread, this: Ref<'_>) -> PyResult {
        Ok(this.to_owned())
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let iterator = iterator(thread, this)?;
        let next = protocol::get_attr(thread, iterator.get(), name!("__next__"));
        let result = next.and_then(|next| protocol::call(thread, next.get(), &[]));
        match result {
            Ok(item) => Ok(Some(item)),
            Err(error) if error.matches(&StopIteration) => Err(error),
            Err(error) => Err(translate(this, error)),
        }
    }

    fn send(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        forward(thread, this, "send", args)
    }

    fn throw(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        forward(thread, this, "throw", args)
    }

    fn close(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        forward(thread, this, "close", args)
    }
}
