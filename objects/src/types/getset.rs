//! `getset_descriptor`: computed attributes of native classes.

use crate::class::{GetSetDef, PyClass};
use crate::error::{PyResult, attribute_error_message};
use crate::types::method_descriptor::check_receiver;
use crate::types::r#type::PyType;
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// A computed attribute of a native class.
#[pyclass(name = "getset_descriptor", no_new)]
#[derive(Trace)]
pub struct PyGetSet {
    class: Field,
    definition: Definition,
}

impl PyGetSet {
    /// What the descriptor stands for.
    #[inline]
    pub fn definition(&self) -> &'static GetSetDef {
        self.definition.0
    }
}

/// What a descriptor stands for.
#[derive(Clone, Copy)]
pub(super) struct Definition(pub(super) &'static GetSetDef);

// SAFETY: holds no fields.
unsafe impl orochi_core::Trace for Definition {
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

/// The descriptor for a definition.
pub fn new(thread: &Thread, class: &Obj<PyType>, definition: &'static GetSetDef) -> PyResult<Value> {
    if definition.member {
        return super::member::native(thread, class, definition);
    }
    let descriptor =
        PyGetSet { class: Field::new_local(class.to_value()), definition: Definition(definition) };
    Ok(crate::alloc(thread, PyGetSet::static_type().get(), descriptor)?.into_value())
}

impl PyGetSet {
    fn not(&self, what: &str) -> PyResult<()> {
        let class = self.class.fixed().downcast::<PyType>().map(|class| class.name()).unwrap_or_default();
        let name = self.definition.0.name;
        Err(attribute_error_message(format!("attribute '{name}' of '{class}' objects is not {what}")))
    }
}

#[pymethods]
impl PyGetSet {
    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: Ref<'_>,
        object: Option<Ref<'_>>,
        _owner: Option<Ref<'_>>,
    ) -> PyResult {
        let descriptor = crate::slot_receiver::<Self>(this)?;
        let Some(object) = object else { return Ok(this.to_owned()) };
        check_receiver(descriptor.class.fixed(), descriptor.definition.0.name, object)?;
        match descriptor.definition.0.get {
            Some(get) => get(thread, object),
            None => descriptor.not("readable").map(|()| Value::NONE),
        }
    }

    #[slot]
    fn tp_descr_set(
        thread: &mut Thread,
        this: &Obj<Self>,
        object: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        check_receiver(this.class.fixed(), this.definition.0.name, object)?;
        match this.definition.0.set {
            Some(set) => set(thread, object, value),
            None => this.not("writable"),
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let class =
            this.class.fixed().downcast::<PyType>().map(|class| class.full_name()).unwrap_or_default();
        crate::str::new(thread, &format!("<attribute '{}' of '{class}' objects>", this.definition.0.name))
    }

    #[member]
    #[name = "__name__"]
    fn name(this: &Obj<Self>) -> &'static str {
        this.definition.0.name
    }

    #[getter]
    #[name = "__qualname__"]
    fn qualname(thread: &mut Thread, this: &Obj<Self>) -> PyResult<String> {
        crate::types::member_qualname(thread, this.class.fixed(), this.definition.0.name)
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        crate::types::reduce_as_attribute(thread, this.class.fixed(), this.definition.0.name)
    }

    #[member]
    #[name = "__objclass__"]
    fn objclass(this: &Obj<Self>) -> Value {
        this.class.fixed().to_owned()
    }

    #[getter]
    #[name = "__doc__"]
    fn doc(this: &Obj<Self>) -> Option<&'static str> {
        Some(this.definition.0.doc).filter(|doc| !doc.is_empty())
    }
}
