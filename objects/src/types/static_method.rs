//! `staticmethod`.

use crate::args::Args;
use crate::class::PyClass;
use crate::error::{PyResult, runtime_error};
use crate::name;
use crate::types::class_method::{descend, is_abstract, own_dict, set_own, show, take_over};
use crate::types::r#type::PyType;
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// staticmethod(function)
/// --
///
/// Convert a function to be a static method.
///
/// A static method does not receive an implicit first argument.
/// To declare a static method, use this idiom:
///
///      class C:
///          @staticmethod
///          def f(arg1, arg2, argN):
///              ...
///
/// It can be called either on the class (e.g. C.f()) or on an instance
/// (e.g. C().f()). Both the class and the instance are ignored, and
/// neither is passed implicitly as the first argument to the method.
///
/// Static methods in Python are similar to those found in Java or C++.
/// For a more advanced concept, see the classmethod builtin.
#[pyclass(name = "staticmethod", subclassable, dict, generic)]
#[derive(Trace)]
pub struct PyStaticMethod {
    pub(crate) function: AtomicField,
}

/// `staticmethod(function)`.
pub fn new(thread: &Thread, function: Value) -> PyResult<Value> {
    let method = PyStaticMethod { function: AtomicField::new_local(function) };
    Ok(crate::alloc(thread, PyStaticMethod::static_type().get(), method)?.into_value())
}

impl PyStaticMethod {
    fn wrapped(&self, thread: &Thread) -> PyResult {
        self.function.get(thread).ok_or_else(|| runtime_error("uninitialized staticmethod object"))
    }
}

#[pymethods]
impl PyStaticMethod {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PyStaticMethod { function: AtomicField::empty() })?.into_value())
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
        _object: Option<Ref<'_>>,
        _owner: Option<Ref<'_>>,
    ) -> PyResult {
        this.wrapped(thread)
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let function = this.wrapped(thread)?;
        crate::protocol::call_args(thread, function.get(), args)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let function = this.function.get(thread);
        show(thread, "staticmethod", function)
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
        let function = this.wrapped(thread)?;
        descend(thread, this.get(), function.get(), name!("__annotations__"))
    }

    #[setter]
    #[name = "__annotations__"]
    fn set_annotations(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        set_own(thread, this.get(), name!("__annotations__"), value)
    }

    #[getter]
    fn __annotate__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let function = this.wrapped(thread)?;
        descend(thread, this.get(), function.get(), name!("__annotate__"))
    }

    #[setter]
    #[name = "__annotate__"]
    fn set_annotate(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        set_own(thread, this.get(), name!("__annotate__"), value)
    }
}
