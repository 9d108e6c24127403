//! The methods of `BaseException` that concern its links: traceback, context, cause, notes.

use crate::error::{PyResult, type_error};
use crate::types::exception::PyBaseException;
use crate::types::exception_chain;
use crate::types::list::{self, PyList};
use crate::types::str::PyStr;
use crate::types::traceback::PyTraceback;
use crate::{name, protocol};
use orochi_core::sync::Ordering;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

/// The exception or None that an attribute is set to.
fn link(value: Option<Ref<'_>>, name: &str) -> PyResult<Option<Value>> {
    match value {
        None => Err(type_error(format!("{name} may not be deleted"))),
        Some(value) if value.is_none() => Ok(None),
        Some(value) if value.downcast::<PyBaseException>().is_some() => Ok(Some(value.to_owned())),
        Some(_) => Err(type_error(format!(
            "exception {} must be None or derive from BaseException",
            name.trim_matches('_')
        ))),
    }
}

fn traceback(value: Option<Ref<'_>>) -> PyResult<Option<Value>> {
    match value {
        None => Err(type_error("__traceback__ may not be deleted")),
        Some(value) if value.is_none() => Ok(None),
        Some(value) if value.downcast::<PyTraceback>().is_some() => Ok(Some(value.to_owned())),
        Some(_) => Err(type_error("__traceback__ must be a traceback or None")),
    }
}

#[pymethods(part = LINKS)]
impl PyBaseException {
    #[getter]
    #[name = "__traceback__"]
    fn get_traceback(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.traceback.get(thread)
    }

    #[setter]
    #[name = "__traceback__"]
    fn set_traceback(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = traceback(value)?;
        exception_chain::set_traceback(this, thread, value);
        Ok(())
    }

    #[getter]
    #[name = "__context__"]
    fn get_context(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.context.get(thread)
    }

    #[setter]
    #[name = "__context__"]
    fn set_context(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = link(value, "__context__")?;
        exception_chain::set_context(this, thread, value);
        Ok(())
    }

    #[getter]
    #[name = "__cause__"]
    fn get_cause(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.cause.get(thread)
    }

    #[setter]
    #[name = "__cause__"]
    fn set_cause(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = link(value, "__cause__")?;
        exception_chain::set_cause(this, thread, value);
        Ok(())
    }

    #[setter]
    #[name = "__suppress_context__"]
    fn set_suppress_context(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(type_error("can't delete numeric/char attribute"));
        };
        let on = protocol::is_true(thread, value)?;
        this.suppress_context.store(on, Ordering::Relaxed);
        Ok(())
    }

    /// Set self.__traceback__ to tb and return self.
    #[signature(tb, /)]
    fn with_traceback(thread: &mut Thread, this: &Obj<Self>, tb: Ref<'_>) -> PyResult {
        let value = traceback(Some(tb))?;
        exception_chain::set_traceback(this, thread, value);
        Ok(this.to_value())
    }

    /// Add a note to the exception
    #[signature(note, /)]
    fn add_note(thread: &mut Thread, this: &Obj<Self>, note: Ref<'_>) -> PyResult<()> {
        if note.downcast::<PyStr>().is_none() {
            let class = crate::class_of(note).name();
            return Err(type_error(format!("add_note() argument must be str, not {class}")));
        }
        let notes = match protocol::find_attr(thread, this.get(), name!("__notes__"))? {
            Some(notes) => notes,
            None => {
                let notes = list::new(thread, Vec::new())?.into_value();
                protocol::set_attr(thread, this.get(), name!("__notes__"), Some(notes.get()))?;
                notes
            }
        };
        match notes.get().downcast::<PyList>() {
            Some(notes) => list::push(thread, notes, note.to_owned()),
            None => Err(type_error("Cannot add note: __notes__ is not a list")),
        }
    }
}
