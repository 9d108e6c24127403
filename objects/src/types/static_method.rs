//! `staticmethod`.

use crate::args::Args;
use crate::class::PyClass;
use crate::error::PyResult;
use crate::name;
use crate::types::function_wrapper::{self, function_wrapper};
use crate::types::r#type::PyType;
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// staticmethod(function, /)
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

function_wrapper!(PyStaticMethod, WRAPPER);

#[pymethods(parts(WRAPPER))]
impl PyStaticMethod {
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
}
