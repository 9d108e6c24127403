//! `coroutine_wrapper`: the iterator that `coroutine.__await__()` gives.

use super::{PyGenerator, as_generator, methods};
use crate::args::ArgSlice;
use crate::error::{PyResult, stop_iteration, type_error};
use crate::interpreter;
use crate::slots::Sent;
use orochi_core::{Field, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// A wrapper object implementing __await__ for coroutines.
#[pyclass(name = "coroutine_wrapper", no_new)]
#[derive(Trace)]
pub struct PyCoroutineWrapper {
    coroutine: Field,
}

/// The iterator that drives a coroutine.
pub fn new(thread: &mut Thread, coroutine: Value) -> PyResult<Owned<PyCoroutineWrapper>> {
    crate::make(thread, PyCoroutineWrapper { coroutine: Field::new_local(coroutine) })
}

impl PyCoroutineWrapper {
    /// The coroutine.
    pub fn coroutine(&self) -> PyResult<&Obj<PyGenerator>> {
        as_generator(self.coroutine.fixed()).ok_or_else(|| type_error("a coroutine is needed"))
    }
}

fn finish(sent: Sent) -> PyResult {
    match sent {
        Sent::Yield(value) => Ok(value),
        Sent::Return(value) => Err(stop_iteration(value)),
    }
}

#[pymethods]
impl PyCoroutineWrapper {
    #[slot]
    fn tp_iter(_thread: &mut Thread, this: Ref<'_>) -> PyResult {
        Ok(this.to_owned())
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        interpreter::resume(thread, this.coroutine()?, Ok(Ref::NONE)).and_then(finish).map(Some)
    }

    #[slot]
    fn am_send(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<Sent> {
        interpreter::resume(thread, this.coroutine()?, Ok(value))
    }

    /// send(arg) -> send 'arg' into coroutine,
    /// return next iterated value or raise StopIteration.
    fn send(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult {
        interpreter::resume(thread, this.coroutine()?, Ok(value)).and_then(finish)
    }

    /// throw(value)
    /// throw(type[,value[,traceback]])
    ///
    /// Raise exception in coroutine, return next iterated value or raise
    /// StopIteration.
    #[signature(*args)]
    fn throw(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        methods::throw_args(thread, this.coroutine()?, args, Some("throw")).and_then(finish)
    }

    /// close() -> raise GeneratorExit inside coroutine.
    fn close(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        methods::close(thread, this.coroutine()?).map(drop)
    }
}
