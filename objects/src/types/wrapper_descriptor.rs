//! `wrapper_descriptor` and `method-wrapper`: special methods of native classes as objects that call the slot.

use crate::args::Args;
use crate::class::PyClass;
use crate::error::{PyResult, type_error};
use crate::protocol::compare::CompareOp;
use crate::slots::SlotFunction;
use crate::types::r#type::{PyType, TypeExt};
use crate::types::type_::slot_defs::SlotDef;
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// A special method of a native class.
#[pyclass(name = "wrapper_descriptor", no_new, method_descriptor)]
#[derive(Trace)]
pub struct PyWrapperDescriptor {
    class: Field,
    wrapped: Wrapped,
}

/// A special method of a native class, bound to an instance.
#[pyclass(name = "method-wrapper", no_new)]
#[derive(Trace)]
pub struct PyMethodWrapper {
    descriptor: Field,
    receiver: Field,
}

#[derive(Clone, Copy)]
struct Wrapped {
    def: &'static SlotDef,
    function: SlotFunction,
}

// SAFETY: holds no fields.
unsafe impl orochi_core::Trace for Wrapped {
    const HAS_FIELDS: bool = false;
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

/// The descriptor for a slot of a class.
pub(crate) fn new(
    thread: &Thread,
    class: &Obj<PyType>,
    def: &'static SlotDef,
    function: SlotFunction,
) -> PyResult {
    let descriptor =
        PyWrapperDescriptor { class: Field::new_local(class.to_value()), wrapped: Wrapped { def, function } };
    Ok(crate::alloc(thread, PyWrapperDescriptor::static_type().get(), descriptor)?.into_value())
}

impl PyWrapperDescriptor {
    /// Which special method of which slot.
    pub(crate) fn def(&self) -> &'static SlotDef {
        self.wrapped.def
    }

    /// The slot's function.
    pub fn function(&self) -> SlotFunction {
        self.wrapped.function
    }

    /// The class it belongs to.
    pub fn class(&self) -> Option<&Obj<PyType>> {
        self.class.fixed().downcast()
    }

    fn class_name(&self) -> std::borrow::Cow<'static, str> {
        self.class().map(|class| class.name()).unwrap_or_default()
    }

    fn run(&self, thread: &mut Thread, receiver: Ref<'_>, args: Args<'_>) -> PyResult {
        let def = self.wrapped.def;
        if args.keyword_count() != 0 && !matches!(def.name, "__init__" | "__call__") {
            return Err(type_error(format!("wrapper {}() takes no keyword arguments", def.name)));
        }
        (def.wrap)(thread, self.wrapped.function, receiver, args)
    }
}

#[pymethods]
impl PyWrapperDescriptor {
    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let name = this.wrapped.def.name;
        let Some(receiver) = args.get(0) else {
            let class = this.class_name();
            return Err(type_error(format!("descriptor '{name}' of '{class}' object needs an argument")));
        };
        if let Some(class) = this.class()
            && !crate::class_of(receiver).is_subtype_of(class)
        {
            let given = crate::class_of(receiver).name();
            let class = class.name();
            return Err(type_error(format!(
                "descriptor '{name}' requires a '{class}' object but received a '{given}'"
            )));
        }
        this.run(thread, receiver, args.rest())
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
        let def = descriptor.wrapped.def;
        crate::types::method_descriptor::check_receiver(descriptor.class.fixed(), def.name, object)?;
        let bound = PyMethodWrapper {
            descriptor: Field::new_local(this.to_owned()),
            receiver: Field::new_local(object.to_owned()),
        };
        Ok(crate::make(thread, bound)?.into_value())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (name, class) = (this.wrapped.def.name, this.class_name());
        crate::str::new(thread, &format!("<slot wrapper '{name}' of '{class}' objects>"))
    }

    #[member]
    fn __name__(this: &Obj<Self>) -> &'static str {
        this.wrapped.def.name
    }

    #[getter]
    fn __qualname__(this: &Obj<Self>) -> String {
        format!("{}.{}", this.class_name(), this.wrapped.def.name)
    }

    #[member]
    fn __objclass__(this: &Obj<Self>) -> Value {
        this.class.fixed().to_owned()
    }

    #[getter]
    fn __doc__(this: &Obj<Self>) -> Option<&'static str> {
        Some(this.wrapped.def.doc).filter(|doc| !doc.is_empty())
    }

    #[getter]
    fn __text_signature__(this: &Obj<Self>) -> Option<&'static str> {
        Some(this.wrapped.def.signature).filter(|text| !text.is_empty())
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        crate::types::reduce_as_attribute(thread, this.class.fixed(), this.wrapped.def.name)
    }
}

impl PyMethodWrapper {
    fn wrapper(&self) -> PyResult<&Obj<PyWrapperDescriptor>> {
        let descriptor = self.descriptor.fixed().downcast::<PyWrapperDescriptor>();
        descriptor.ok_or_else(|| type_error("a method-wrapper without descriptor"))
    }
}

#[pymethods]
impl PyMethodWrapper {
    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        this.wrapper()?.run(thread, this.receiver.fixed(), args)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (name, receiver) = (this.wrapper()?.wrapped.def.name, this.receiver.fixed());
        let class = crate::class_of(receiver).name();
        let text = format!("<method-wrapper '{name}' of {class} object at {:#x}>", receiver.word());
        crate::str::new(thread, &text)
    }

    #[slot]
    fn tp_richcompare(_thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(a), Some(b)) = (left.downcast::<Self>(), right.downcast::<Self>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let same = a.receiver.fixed().is(b.receiver.fixed()) && a.descriptor.fixed().is(b.descriptor.fixed());
        match op {
            CompareOp::Eq => Ok(Value::bool(same)),
            CompareOp::Ne => Ok(Value::bool(!same)),
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn tp_hash(this: &Obj<Self>) -> i64 {
        let receiver = crate::hash::of_address(this.receiver.fixed());
        crate::hash::fold((receiver ^ crate::hash::of_address(this.descriptor.fixed())) as u64)
    }

    #[getter]
    fn __self__(this: &Obj<Self>) -> Value {
        this.receiver.fixed().to_owned()
    }

    #[getter]
    fn __objclass__(this: &Obj<Self>) -> PyResult {
        Ok(this.wrapper()?.class.fixed().to_owned())
    }

    #[getter]
    fn __name__(this: &Obj<Self>) -> PyResult<&'static str> {
        Ok(this.wrapper()?.wrapped.def.name)
    }

    #[getter]
    fn __qualname__(this: &Obj<Self>) -> PyResult<String> {
        let wrapper = this.wrapper()?;
        Ok(format!("{}.{}", wrapper.class_name(), wrapper.wrapped.def.name))
    }

    #[getter]
    fn __doc__(this: &Obj<Self>) -> PyResult<Option<&'static str>> {
        Ok(Some(this.wrapper()?.wrapped.def.doc).filter(|doc| !doc.is_empty()))
    }

    #[getter]
    fn __text_signature__(this: &Obj<Self>) -> PyResult<Option<&'static str>> {
        Ok(Some(this.wrapper()?.wrapped.def.signature).filter(|text| !text.is_empty()))
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = this.wrapper()?.wrapped.def.name;
        crate::types::reduce_as_attribute(thread, this.receiver.fixed(), name)
    }
}
