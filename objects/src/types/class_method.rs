//! `classmethod`.

use crate::class::PyClass;
use crate::error::PyResult;
use crate::name;
use crate::types::function_wrapper::{self, function_wrapper};
use crate::types::r#type::PyType;
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// classmethod(function, /)
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

function_wrapper!(PyClassMethod, WRAPPER);

#[pymethods(parts(WRAPPER))]
impl PyClassMethod {
    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: &Obj<Self>,
        object: Option<Ref<'_>>,
        owner: Option<Ref<'_>>,
    ) -> PyResult {
        let function = this.wrapped(thread)?;
        let owner = match (owner, object) {
            (Some(owner), _) => owner.to_owned(),
            (None, Some(object)) => crate::class_of(object).to_value(),
            (None, None) => Value::NONE,
        };
        crate::types::method::new(thread, function, owner)
    }
}
