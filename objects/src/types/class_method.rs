//! `classmethod`, and the attributes that it and `staticmethod` take over from what they wrap.

use crate::class::PyClass;
use crate::error::{PyResult, attribute_error_message};
use crate::name;
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// classmethod(function)
/// --
///
/// Convert a function to be a class method.
///
/// A class method receives the class as implicit first argument,
/// just like an instance method receives the instance.
/// To declare a class method, use this idiom:
///
///   class C:
///       @classmethod
///       def f(cls, arg1, arg2, argN):
///           ...
///
/// It can be called either on the class (e.g. C.f()) or on an instance
/// (e.g. C().f()).  The instance is ignored except for its class.
/// If a class method is called for a derived class, the derived class
/// object is passed as the implied first argument.
///
/// Class methods are different than C++ or Java static methods.
/// If you want those, see the staticmethod builtin.
#[pyclass(name = "classmethod", subclassable, dict, generic)]
#[derive(Trace)]
pub struct PyClassMethod {
    pub(crate) function: AtomicField,
}

/// `classmethod(function)`.
pub fn new(thread: &Thread, function: Value) -> PyResult<Value> {
    let method = PyClassMethod { function: AtomicField::new_local(function) };
    Ok(crate::alloc(thread, PyClassMethod::static_type().get(), method)?.into_value())
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

#[pymethods]
impl PyClassMethod {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: crate::args::Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PyClassMethod { function: AtomicField::empty() })?.into_value())
    }

    #[init]
    #[signature(function, /)]
    fn init(thread: &mut Thread, this: &Obj<Self>, function: Ref<'_>) -> PyResult<()> {
        drop(this.function.swap(this, thread, Some(function.to_owned())));
        take_over(thread, this.get(), function)
    }

    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: &Obj<Self>,
        object: Option<Ref<'_>>,
        owner: Option<Ref<'_>>,
    ) -> PyResult {
        let Some(function) = this.function.get(thread) else {
            return Err(crate::error::runtime_error("uninitialized classmethod object"));
        };
        let owner = match (owner, object) {
            (Some(owner), _) => owner.to_owned(),
            (None, Some(object)) => crate::class_of(object).to_value(),
            (None, None) => Value::NONE,
        };
        crate::types::method::new(thread, function, owner)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let function = this.function.get(thread);
        show(thread, "classmethod", function)
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
        is_abstract(thread, function)
    }

    #[getter]
    fn __dict__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        own_dict(thread, this.get())
    }

    #[getter]
    fn __annotations__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let function = this.function.get(thread).unwrap_or(Value::NONE);
        descend(thread, this.get(), function.get(), name!("__annotations__"))
    }

    #[setter]
    #[name = "__annotations__"]
    fn set_annotations(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        set_own(thread, this.get(), name!("__annotations__"), value)
    }

    #[getter]
    fn __annotate__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let function = this.function.get(thread).unwrap_or(Value::NONE);
        descend(thread, this.get(), function.get(), name!("__annotate__"))
    }

    #[setter]
    #[name = "__annotate__"]
    fn set_annotate(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        set_own(thread, this.get(), name!("__annotate__"), value)
    }
}
