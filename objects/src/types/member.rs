//! `member_descriptor`: the attributes that `__slots__` declares.

use crate::class::PyClass;
use crate::error::{PyResult, attribute_error};
use crate::storage::instance::slot_field;
use crate::types::method_descriptor::check_receiver;
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// An attribute that lies in a fixed place of the instance.
#[pyclass(name = "member_descriptor", no_new)]
#[derive(Trace)]
pub struct PyMember {
    class: Field,
    name: Field,
    index: usize,
}

/// The descriptor for the slot with this number.
pub(crate) fn new(thread: &Thread, class: &Obj<PyType>, name: &Obj<PyStr>, index: usize) -> PyResult {
    let member = PyMember {
        class: Field::new_local(class.to_value()),
        name: Field::new_local(name.to_value()),
        index,
    };
    Ok(crate::alloc(thread, PyMember::static_type().get(), member)?.into_value())
}

impl PyMember {
    /// The slot's number in instances of the class.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The class that declared it.
    pub fn class(&self) -> Ref<'_> {
        self.class.fixed()
    }

    fn name_text(&self) -> String {
        crate::str::display(self.name.fixed())
    }
}

#[pymethods]
impl PyMember {
    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: Ref<'_>,
        object: Option<Ref<'_>>,
        _owner: Option<Ref<'_>>,
    ) -> PyResult {
        let member = crate::slot_receiver::<Self>(this)?;
        let Some(object) = object else { return Ok(this.to_owned()) };
        check_receiver(member.class.fixed(), &member.name_text(), object)?;
        match slot_field(object, member.index).and_then(|field| field.get(thread)) {
            Some(value) => Ok(value),
            None => Err(attribute_error(object, member.name.fixed())),
        }
    }

    #[slot]
    fn tp_descr_set(
        thread: &mut Thread,
        this: &Obj<Self>,
        object: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        check_receiver(this.class.fixed(), &this.name_text(), object)?;
        let Some((field, header)) = slot_field(object, this.index).zip(object.header()) else {
            return Err(attribute_error(object, this.name.fixed()));
        };
        let deleted = value.is_none();
        let old = field.swap(orochi_core::Owner::of(header), thread, value.map(Ref::to_owned));
        if deleted && old.is_none() {
            return Err(attribute_error(object, this.name.fixed()));
        }
        Ok(())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let class = this.class.fixed().downcast::<PyType>().map(|class| class.name()).unwrap_or_default();
        crate::str::new(thread, &format!("<member '{}' of '{class}' objects>", this.name_text()))
    }

    #[getter]
    fn __name__(this: &Obj<Self>) -> Value {
        this.name.fixed().to_owned()
    }

    #[getter]
    fn __qualname__(thread: &mut Thread, this: &Obj<Self>) -> PyResult<String> {
        crate::types::member_qualname(thread, this.class.fixed(), &this.name_text())
    }

    #[getter]
    fn __objclass__(this: &Obj<Self>) -> Value {
        this.class.fixed().to_owned()
    }

    #[getter]
    fn __doc__(_this: &Obj<Self>) -> Option<Value> {
        None
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        crate::types::reduce_as_attribute(thread, this.class.fixed(), &this.name_text())
    }
}
