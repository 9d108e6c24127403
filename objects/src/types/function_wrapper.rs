//! What `classmethod` and `staticmethod` have in common: they wrap a function, and take over its attributes.

use crate::error::{PyErr, PyResult, attribute_error_message, runtime_error};
use crate::name;
use crate::types::str::PyStr;
use orochi_core::{Obj, Ref, Thread, Value};

/// RuntimeError for a wrapper whose `__init__` hasn't run.
#[cold]
pub(crate) fn uninitialized(class: &str) -> PyErr {
    runtime_error(format!("uninitialized {class} object"))
}

/// Gives a wrapper the name and documentation of the function it wraps, as `functools.wraps` would.
pub(crate) fn take_over(thread: &mut Thread, wrapper: Ref<'_>, function: Ref<'_>) -> PyResult<()> {
    let names = [name!("__module__"), name!("__name__"), name!("__qualname__"), name!("__doc__")];
    for name in names {
        if let Some(value) = crate::protocol::find_attr(thread, function, name)? {
            crate::attributes::set(thread, wrapper, name, Some(value.get()), true)?;
        }
    }
    Ok(())
}

/// `__annotations__` or `__annotate__` of a wrapper: the function's, kept in the wrapper's dict once asked for.
pub(crate) fn descend(
    thread: &mut Thread,
    wrapper: Ref<'_>,
    function: Ref<'_>,
    name: &Obj<PyStr>,
) -> PyResult {
    if let Some(found) = crate::attributes::get(thread, wrapper, name)? {
        return Ok(found);
    }
    let value = crate::protocol::get_attr(thread, function, name)?;
    crate::attributes::set(thread, wrapper, name, Some(value.get()), true)?;
    Ok(value)
}

/// Sets or deletes the wrapper's own value.
pub(crate) fn set_own(
    thread: &mut Thread,
    wrapper: Ref<'_>,
    name: &Obj<PyStr>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    if value.is_none() && crate::attributes::get(thread, wrapper, name)?.is_none() {
        return Err(attribute_error_message(name.as_wtf8().to_string_lossy().into_owned()));
    }
    crate::attributes::set(thread, wrapper, name, value, true)
}

/// `__isabstractmethod__` of what is wrapped.
pub(crate) fn is_abstract(thread: &mut Thread, function: Option<Value>) -> PyResult<bool> {
    let Some(function) = function else { return Ok(false) };
    match crate::protocol::find_attr(thread, function.get(), name!("__isabstractmethod__"))? {
        Some(flag) => crate::protocol::is_true(thread, flag.get()),
        None => Ok(false),
    }
}

/// The wrapper's `__dict__`.
pub(crate) fn own_dict(thread: &mut Thread, wrapper: Ref<'_>) -> PyResult {
    match crate::attributes::dict(thread, wrapper)? {
        Some(dict) => Ok(dict.into_value()),
        None => Err(attribute_error_message("__dict__")),
    }
}

/// `repr` of a wrapper.
pub(crate) fn show(thread: &mut Thread, name: &str, function: Option<Value>) -> PyResult {
    let shown = crate::protocol::repr(thread, function.unwrap_or(Value::NONE).get())?;
    crate::str::new(thread, &format!("<{name}({})>", crate::str::display(shown.get())))
}

/// The members of a class with a field `function`.
macro_rules! function_wrapper {
    ($type:ident, $part:ident) => {
        impl $type {
            /// What is wrapped.
            #[inline]
            pub fn inner<'a>(&'a self, thread: &'a Thread) -> Option<Ref<'a>> {
                self.function.load(thread)
            }

            /// The same, or RuntimeError.
            fn wrapped(&self, thread: &Thread) -> PyResult {
                self.function
                    .get(thread)
                    .ok_or_else(|| function_wrapper::uninitialized(<$type as crate::PyClass>::NAME))
            }
        }

        #[pymethods(part = $part)]
        impl $type {
            #[slot]
            fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: crate::args::Args<'_>) -> PyResult {
                Ok(crate::alloc(thread, cls, $type { function: AtomicField::empty() })?.into_value())
            }

            #[init]
            #[signature(function, /)]
            fn init(thread: &mut Thread, this: &Obj<Self>, function: Ref<'_>) -> PyResult<()> {
                drop(this.function.swap(this, thread, Some(function.to_owned())));
                function_wrapper::take_over(thread, this.get(), function)
            }

            #[slot]
            fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let function = this.function.get(thread);
                function_wrapper::show(thread, <$type as crate::PyClass>::NAME, function)
            }

            #[member]
            fn __func__(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
                this.function.get(thread)
            }

            #[member]
            fn __wrapped__(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
                this.function.get(thread)
            }

            #[getter]
            fn __isabstractmethod__(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
                let function = this.function.get(thread);
                function_wrapper::is_abstract(thread, function)
            }

            #[getter]
            fn __dict__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                function_wrapper::own_dict(thread, this.get())
            }

            #[getter]
            fn __annotations__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let function = this.wrapped(thread)?;
                function_wrapper::descend(thread, this.get(), function.get(), name!("__annotations__"))
            }

            #[setter]
            #[name = "__annotations__"]
            fn set_annotations(
                thread: &mut Thread,
                this: &Obj<Self>,
                value: Option<Ref<'_>>,
            ) -> PyResult<()> {
                function_wrapper::set_own(thread, this.get(), name!("__annotations__"), value)
            }

            #[getter]
            fn __annotate__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let function = this.wrapped(thread)?;
                function_wrapper::descend(thread, this.get(), function.get(), name!("__annotate__"))
            }

            #[setter]
            #[name = "__annotate__"]
            fn set_annotate(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
                function_wrapper::set_own(thread, this.get(), name!("__annotate__"), value)
            }
        }
    };
}
pub(crate) use function_wrapper;
