//! StopIteration, SystemExit, KeyError, NameError, AttributeError, ImportError.

use crate::args::Args;
use crate::error::{PyResult, type_error};
use crate::protocol;
use crate::types::dict::{self, DictExt};
use crate::types::exception::{self, PyBaseException, own_state, reduce};
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

payload! {
    /// StopIteration.
    PyStopIteration for StopIteration {
        value "value" "generator return value",
    }
}
payload! {
    /// SystemExit.
    PySystemExit for SystemExit {
        code "code" "exception code",
    }
}
payload! {
    /// KeyError, which shows its key as `repr` does.
    PyKeyError for KeyError {}
}
payload! {
    /// NameError.
    PyNameError for NameError {
        name "name" "name",
    }
}
payload! {
    /// AttributeError.
    PyAttributeError for AttributeError {
        name "name" "attribute name",
        object "obj" "object",
    }
}
payload! {
    /// ImportError.
    PyImportError for ImportError {
        msg "msg" "exception message",
        name "name" "module name",
        path "path" "module path",
        name_from "name_from" "name imported from module",
    }
}

/// The exception seen as its base.
pub(crate) fn base<T: orochi_core::Payload>(this: &Obj<T>) -> PyResult<&Obj<PyBaseException>> {
    this.get().downcast::<PyBaseException>().ok_or_else(|| type_error("an exception is required"))
}

/// Initialises the base with the positional arguments alone, and gives the keyword ones to `take`.
fn init_with_keywords(
    thread: &mut Thread,
    this: &Obj<PyBaseException>,
    args: &Args<'_>,
    class: &str,
    mut take: impl FnMut(&mut Thread, &str, Ref<'_>) -> bool,
) -> PyResult<()> {
    let positional = args.skip(0);
    exception::init(thread, this, &positional)?;
    for (name, value) in args.keywords() {
        let name = name.to_str().unwrap_or("?").to_owned();
        if !take(thread, &name, value) {
            return Err(type_error(format!("{class}() got an unexpected keyword argument '{name}'")));
        }
    }
    Ok(())
}

#[pymethods(parts(PyStopIteration::MEMBERS))]
impl PyStopIteration {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PyStopIteration::blank(thread, &args)?)?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        exception::init(thread, base(this)?, &args)?;
        let value = args.get(0).map(Ref::to_owned);
        set_fields!(this, thread, value = value;);
        Ok(())
    }
}

#[pymethods(parts(PySystemExit::MEMBERS))]
impl PySystemExit {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PySystemExit::blank(thread, &args)?)?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        exception::init(thread, base(this)?, &args)?;
        let code = match args.len() {
            0 => None,
            1 => args.get(0).map(Ref::to_owned),
            _ => Some(base(this)?.args(thread).to_value()),
        };
        set_fields!(this, thread, code = code;);
        Ok(())
    }
}

#[pymethods]
impl PyKeyError {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PyKeyError::blank(thread, &args)?)?.into_value())
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let args = base(this)?.args(thread).to_owned();
        match args.item(0) {
            // So that a missing empty str can be seen.
            Some(only) if args.len() == 1 => protocol::repr(thread, only),
            _ => exception::show(thread, base(this)?),
        }
    }
}

#[pymethods(parts(PyNameError::MEMBERS))]
impl PyNameError {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PyNameError::blank(thread, &args)?)?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        set_fields!(this, thread, name = None;);
        init_with_keywords(thread, base(this)?, &args, "NameError", |thread, name, value| {
            if name == "name" {
                set_fields!(this, thread, name = Some(value.to_owned()););
            }
            name == "name"
        })
    }
}

#[pymethods(parts(PyAttributeError::MEMBERS))]
impl PyAttributeError {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PyAttributeError::blank(thread, &args)?)?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        set_fields!(this, thread, name = None; object = None;);
        init_with_keywords(thread, base(this)?, &args, "AttributeError", |thread, name, value| {
            match name {
                "name" => set_fields!(this, thread, name = Some(value.to_owned());),
                "obj" => set_fields!(this, thread, object = Some(value.to_owned());),
                _ => return false,
            }
            true
        })
    }

    fn __getstate__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let state = match own_state(thread, this.get())? {
            Some(state) => state,
            None => dict::new(thread)?,
        };
        // The object is left out: it may not be picklable.
        if let Some(name) = this.name.get(thread) {
            state.set_str(thread, crate::name!("name"), name)?;
        }
        let args = base(this)?.args(thread).to_value();
        state.set_str(thread, crate::name!("args"), args)?;
        Ok(state.into_value())
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let state = PyAttributeError::__getstate__(thread, this)?;
        reduce(thread, base(this)?, Some(state))
    }
}

#[pymethods(parts(PyImportError::MEMBERS))]
impl PyImportError {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PyImportError::blank(thread, &args)?)?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        let message = args.get(0).filter(|_| args.len() == 1).map(Ref::to_owned);
        set_fields!(this, thread, msg = message; name = None; path = None; name_from = None;);
        init_with_keywords(thread, base(this)?, &args, "ImportError", |thread, name, value| {
            let value = Some(value.to_owned());
            match name {
                "name" => set_fields!(this, thread, name = value;),
                "path" => set_fields!(this, thread, path = value;),
                "name_from" => set_fields!(this, thread, name_from = value;),
                _ => return false,
            }
            true
        })
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match this.msg.get(thread) {
            Some(message) if crate::types::key::exact_str(message.get()).is_some() => Ok(message),
            _ => exception::show(thread, base(this)?),
        }
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let own = own_state(thread, this.get())?;
        let fields = [
            (crate::name!("name"), this.name.get(thread)),
            (crate::name!("path"), this.path.get(thread)),
            (crate::name!("name_from"), this.name_from.get(thread)),
        ];
        if own.is_none() && fields.iter().all(|(_, value)| value.is_none()) {
            return reduce(thread, base(this)?, None);
        }
        let state = match own {
            Some(state) => state,
            None => dict::new(thread)?,
        };
        for (name, value) in fields {
            if let Some(value) = value {
                state.set_str(thread, name, value)?;
            }
        }
        reduce(thread, base(this)?, Some(state.into_value()))
    }
}

/// The value that a StopIteration carries, for whoever drives an iterator by hand.
pub fn stop_value(thread: &Thread, exception: Ref<'_>) -> Value {
    exception.downcast::<PyStopIteration>().and_then(|stop| stop.value.get(thread)).unwrap_or(Value::NONE)
}
