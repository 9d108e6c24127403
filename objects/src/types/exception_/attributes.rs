//! The attributes and methods that all exceptions have.

use crate::error::{PyResult, type_error};
use crate::name;
use crate::types::dict::{self, PyDict};
use crate::types::exception::{PyBaseException, own_state, reduce};
use crate::types::str::PyStr;
use crate::types::traceback::PyTraceback;
use crate::types::{exception_chain, list};
use orochi_core::sync::Ordering;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

fn deleted(name: &str) -> crate::error::PyErr {
    type_error(format!("{name} may not be deleted"))
}

fn check_traceback(value: Ref<'_>) -> PyResult<Option<Value>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.downcast::<PyTraceback>() {
        Some(traceback) => Ok(Some(traceback.to_value())),
        None => Err(type_error("__traceback__ must be a traceback or None")),
    }
}

fn check_exception(value: Ref<'_>, what: &str) -> PyResult<Option<Value>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.downcast::<PyBaseException>() {
        Some(exception) => Ok(Some(exception.to_value())),
        None => Err(type_error(format!("exception {what} must be None or derive from BaseException"))),
    }
}

#[pymethods(part = ATTRIBUTES)]
impl PyBaseException {
    #[getter]
    #[name = "args"]
    fn get_args(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.args(thread).to_value()
    }

    #[setter]
    #[name = "args"]
    fn set_args(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let Some(value) = value else { return Err(deleted("args")) };
        let items = crate::protocol::collect(thread, value)?;
        let args = crate::tuple::new(thread, items)?.into_value();
        drop(this.args.swap(this, thread, Some(args)));
        Ok(())
    }

    #[getter]
    fn __traceback__(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.traceback.get(thread)
    }

    #[setter]
    #[name = "__traceback__"]
    fn set_traceback(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let traceback = check_traceback(value.ok_or_else(|| deleted("__traceback__"))?)?;
        exception_chain::set_traceback(this, thread, traceback);
        Ok(())
    }

    #[getter]
    fn __context__(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.context.get(thread)
    }

    #[setter]
    #[name = "__context__"]
    fn set_context(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let context = check_exception(value.ok_or_else(|| deleted("__context__"))?, "context")?;
        exception_chain::set_context(this, thread, context);
        Ok(())
    }

    #[getter]
    fn __cause__(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.cause.get(thread)
    }

    #[setter]
    #[name = "__cause__"]
    fn set_cause(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let cause = check_exception(value.ok_or_else(|| deleted("__cause__"))?, "cause")?;
        exception_chain::set_cause(this, thread, cause);
        Ok(())
    }

    #[getter]
    fn __suppress_context__(this: &Obj<Self>) -> bool {
        this.suppress_context.load(Ordering::Relaxed)
    }

    #[setter]
    #[name = "__suppress_context__"]
    fn set_suppress_context(this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let Some(value) = value else { return Err(type_error("can't delete numeric/char attribute")) };
        let Some(flag) = value.as_bool() else { return Err(type_error("attribute value type must be bool")) };
        this.suppress_context.store(flag, Ordering::Relaxed);
        Ok(())
    }

    /// Set self.__traceback__ to tb and return self.
    #[signature(tb, /)]
    fn with_traceback(thread: &mut Thread, this: &Obj<Self>, tb: Ref<'_>) -> PyResult {
        let traceback = check_traceback(tb)?;
        exception_chain::set_traceback(this, thread, traceback);
        Ok(this.to_value())
    }

    /// Add a note to the exception
    #[signature(note, /)]
    fn add_note(thread: &mut Thread, this: &Obj<Self>, note: &Obj<PyStr>) -> PyResult<()> {
        let name = name!("__notes__");
        let notes = match crate::protocol::find_attr(thread, this.get(), name)? {
            Some(notes) => notes,
            None => {
                let notes = list::new(thread, Vec::new())?.into_value();
                crate::protocol::set_attr(thread, this.get(), name, Some(notes.get()))?;
                notes
            }
        };
        match notes.get().downcast::<list::PyList>() {
            Some(notes) => list::push(thread, notes, note.to_value()),
            None => Err(type_error("Cannot add note: __notes__ is not a list")),
        }
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let state = own_state(thread, this.get())?;
        reduce(thread, this, state.map(Into::into))
    }

    #[signature(state, /)]
    fn __setstate__(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
        if state.is_none() {
            return Ok(());
        }
        let Some(state) = state.downcast::<PyDict>() else {
            return Err(type_error("state is not a dictionary"));
        };
        for entry in dict::entries(thread, state)? {
            let name = crate::str::expect_attribute_name(entry.key.get())?;
            crate::protocol::set_attr(thread, this.get(), name, Some(entry.value.get()))?;
        }
        Ok(())
    }
}
