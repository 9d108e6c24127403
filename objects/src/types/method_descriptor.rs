//! `method_descriptor` and `classmethod_descriptor`: native methods in the namespace of their class.

use crate::args::Args;
use crate::class::{MethodDef, PyClass};
use crate::error::{PyResult, type_error};
use crate::types::generator::PyGenerator;
use crate::types::native_function::{self, Definition};
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::object::TypeHead;
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// A native method of a class.
#[pyclass(name = "method_descriptor", no_new, method_descriptor)]
#[derive(Trace)]
pub struct PyMethodDescriptor {
    pub(crate) class: Field,
    pub(crate) method: Definition,
    /// The class again, which `class` keeps; null if calls need more than the native function.
    #[trace(unsafe_skip)]
    direct: *const TypeHead,
}

/// A native class method.
#[pyclass(name = "classmethod_descriptor", no_new)]
#[derive(Trace)]
pub struct PyClassMethodDescriptor {
    pub(crate) class: Field,
    pub(crate) method: Definition,
}

/// The descriptor for an entry of a class's method table.
pub fn new(
    thread: &Thread,
    class: &Obj<PyType>,
    method: &'static MethodDef,
    class_method: bool,
) -> PyResult<Value> {
    let is_generator = std::ptr::eq(class, PyGenerator::static_type().get());
    let direct = if is_generator { std::ptr::null() } else { class.head().as_ptr().cast_const() };
    let class = Field::new_local(class.to_value());
    let method = Definition(method);
    Ok(if class_method {
        let descriptor = PyClassMethodDescriptor { class, method };
        crate::alloc(thread, PyClassMethodDescriptor::static_type().get(), descriptor)?.into_value()
    } else {
        let descriptor = PyMethodDescriptor { class, method, direct };
        crate::alloc(thread, PyMethodDescriptor::static_type().get(), descriptor)?.into_value()
    })
}

/// Raises unless the receiver is an instance of the descriptor's class.
pub fn check_receiver(class: Ref<'_>, name: &str, receiver: Ref<'_>) -> PyResult<()> {
    let Some(class) = class.downcast::<PyType>() else { return Ok(()) };
    if crate::class_of(receiver).is_subtype_of(class) {
        return Ok(());
    }
    Err(type_error(format!(
        "descriptor '{name}' for '{}' objects doesn't apply to a '{}' object",
        class.full_name(),
        crate::class_of(receiver).full_name()
    )))
}

impl PyMethodDescriptor {
    /// The method table's entry.
    #[inline]
    pub fn definition(&self) -> &'static MethodDef {
        self.method.0
    }

    /// The class whose instances (of exactly this class) are receivers for which calling the native function is all there
    /// is to a call; null if there is no such class: the interpreter runs generators itself.
    #[inline(always)]
    pub fn direct_class(&self) -> *const TypeHead {
        self.direct
    }

    /// The class it belongs to.
    #[inline]
    pub fn owner(&self) -> Ref<'_> {
        self.class.fixed()
    }
}

#[pymethods]
impl PyMethodDescriptor {
    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let Some(receiver) = args.get(0) else {
            let class = this.class.fixed().downcast::<PyType>().map(|class| class.name()).unwrap_or_default();
            let name = this.method.0.name;
            return Err(type_error(format!("unbound method {class}.{name}() needs an argument")));
        };
        check_receiver(this.class.fixed(), this.method.0.name, receiver)?;
        (this.method.0.function)(thread, args)
    }

    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: Ref<'_>,
        object: Option<Ref<'_>>,
        _owner: Option<Ref<'_>>,
    ) -> PyResult {
        let descriptor = crate::slot_receiver::<Self>(this)?;
        let Some(object) = object else { return Ok(this.to_owned()) };
        check_receiver(descriptor.class.fixed(), descriptor.method.0.name, object)?;
        native_function::new(thread, descriptor.method.0, Some(object.to_owned()), None)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let class =
            this.class.fixed().downcast::<PyType>().map(|class| class.full_name()).unwrap_or_default();
        crate::str::new(thread, &format!("<method '{}' of '{class}' objects>", this.method.0.name))
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        crate::types::reduce_as_attribute(thread, this.class.fixed(), this.method.0.name)
    }

    #[member]
    #[name = "__name__"]
    fn name(this: &Obj<Self>) -> &'static str {
        this.method.0.name
    }

    #[getter]
    #[name = "__qualname__"]
    fn qualname(this: &Obj<Self>) -> String {
        let class =
            this.class.fixed().downcast::<PyType>().map(|class| class.full_name()).unwrap_or_default();
        format!("{class}.{}", this.method.0.name)
    }

    #[member]
    #[name = "__objclass__"]
    fn objclass(this: &Obj<Self>) -> Value {
        this.class.fixed().to_owned()
    }

    #[getter]
    #[name = "__doc__"]
    fn doc(this: &Obj<Self>) -> Option<&'static str> {
        Some(this.method.0.doc).filter(|doc| !doc.is_empty())
    }

    #[getter]
    #[name = "__text_signature__"]
    fn text_signature(this: &Obj<Self>) -> Option<&'static str> {
        Some(this.method.0.signature.text).filter(|text| !text.is_empty())
    }
}

impl PyClassMethodDescriptor {
    /// The method table's entry.
    #[inline]
    pub fn definition(&self) -> &'static MethodDef {
        self.method.0
    }
}

#[pymethods]
impl PyClassMethodDescriptor {
    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        (this.method.0.function)(thread, args)
    }

    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: &Obj<Self>,
        object: Option<Ref<'_>>,
        owner: Option<Ref<'_>>,
    ) -> PyResult {
        let class = match (owner, object) {
            (Some(owner), _) => owner.to_owned(),
            (None, Some(object)) => crate::class_of(object).to_value(),
            (None, None) => this.class.fixed().to_owned(),
        };
        native_function::new(thread, this.method.0, Some(class), None)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let class =
            this.class.fixed().downcast::<PyType>().map(|class| class.full_name()).unwrap_or_default();
        crate::str::new(thread, &format!("<method '{}' of '{class}' objects>", this.method.0.name))
    }

    #[getter]
    #[name = "__name__"]
    fn name(this: &Obj<Self>) -> &'static str {
        this.method.0.name
    }

    #[getter]
    #[name = "__objclass__"]
    fn objclass(this: &Obj<Self>) -> Value {
        this.class.fixed().to_owned()
    }

    #[getter]
    #[name = "__doc__"]
    fn doc(this: &Obj<Self>) -> Option<&'static str> {
        Some(this.method.0.doc).filter(|doc| !doc.is_empty())
    }
}
