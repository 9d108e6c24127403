//! `member_descriptor`: the attributes that `__slots__` declares, and those of native classes that are plain fields in CPython.

use super::getset::Definition;
use crate::class::{GetSetDef, PyClass};
use crate::error::{PyResult, attribute_error, attribute_error_message, attribute_error_text};
use crate::storage::instance::slot_field;
use crate::types::method_descriptor::check_receiver;
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use std::borrow::Cow;

/// An attribute that lies in a fixed place of the instance.
#[pyclass(name = "member_descriptor", no_new)]
#[derive(Trace)]
pub struct PyMember {
    class: Field,
    place: Place,
}

/// Where the attribute lies.
#[derive(Trace)]
enum Place {
    Slot { name: Field, index: usize },
    Native(Definition),
}

/// The descriptor for the slot with this number.
pub(crate) fn new(thread: &Thread, class: &Obj<PyType>, name: &Obj<PyStr>, index: usize) -> PyResult {
    make(thread, class, Place::Slot { name: Field::new_local(name.to_value()), index })
}

/// The descriptor for a native class's attribute.
pub(crate) fn native(thread: &Thread, class: &Obj<PyType>, definition: &'static GetSetDef) -> PyResult {
    make(thread, class, Place::Native(Definition(definition)))
}

fn make(thread: &Thread, class: &Obj<PyType>, place: Place) -> PyResult {
    let member = PyMember { class: Field::new_local(class.to_value()), place };
    Ok(crate::alloc(thread, PyMember::static_type().get(), member)?.into_value())
}

impl PyMember {
    /// The slot's number in instances of the class, if it is one that `__slots__` declares.
    pub fn index(&self) -> Option<usize> {
        match self.place {
            Place::Slot { index, .. } => Some(index),
            Place::Native(_) => None,
        }
    }

    /// What it stands for, if it is a native class's.
    #[inline]
    pub fn native_definition(&self) -> Option<&'static GetSetDef> {
        match self.place {
            Place::Slot { .. } => None,
            Place::Native(definition) => Some(definition.0),
        }
    }

    /// The class that declared it.
    pub fn class(&self) -> Ref<'_> {
        self.class.fixed()
    }

    fn name_text(&self) -> Cow<'static, str> {
        match &self.place {
            Place::Slot { name, .. } => Cow::Owned(crate::str::display(name.fixed())),
            Place::Native(definition) => Cow::Borrowed(definition.0.name),
        }
    }
}

/// `del` of a slot that is empty already.
#[cold]
fn nothing_to_delete(name: Ref<'_>) -> crate::error::PyErr {
    attribute_error_message(crate::str::display(name))
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
        match &member.place {
            Place::Slot { name, index } => match slot_field(object, *index)
                .and_then(|field| field.get(thread))
            {
                Some(value) => Ok(value),
                None => {
                    let class =
                        crate::types::type_::members::qualified_name(thread, crate::class_of(object))?;
                    let name = name.fixed();
                    let text = format!("'{class}' object has no attribute '{}'", crate::str::display(name));
                    Err(attribute_error_text(object, name, text))
                }
            },
            Place::Native(Definition(GetSetDef { get: Some(get), .. })) => get(thread, object),
            Place::Native(_) => Err(attribute_error_message("unreadable attribute")),
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
        let (name, index) = match &this.place {
            Place::Slot { name, index } => (name.fixed(), *index),
            Place::Native(Definition(GetSetDef { set: Some(set), .. })) => return set(thread, object, value),
            Place::Native(_) => return Err(attribute_error_message("readonly attribute")),
        };
        let Some((field, header)) = slot_field(object, index).zip(object.header()) else {
            return Err(attribute_error(object, name));
        };
        let deleted = value.is_none();
        let old = field.swap(orochi_core::Owner::of(header), thread, value.map(Ref::to_owned));
        if deleted && old.is_none() {
            return Err(nothing_to_delete(name));
        }
        Ok(())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let class =
            this.class.fixed().downcast::<PyType>().map(|class| class.full_name()).unwrap_or_default();
        crate::str::new(thread, &format!("<member '{}' of '{class}' objects>", this.name_text()))
    }

    #[member]
    fn __name__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match &this.place {
            Place::Slot { name, .. } => Ok(name.fixed().to_owned()),
            Place::Native(definition) => crate::str::new(thread, definition.0.name),
        }
    }

    #[getter]
    fn __qualname__(thread: &mut Thread, this: &Obj<Self>) -> PyResult<String> {
        crate::types::member_qualname(thread, this.class.fixed(), &this.name_text())
    }

    #[member]
    fn __objclass__(this: &Obj<Self>) -> Value {
        this.class.fixed().to_owned()
    }

    #[getter]
    fn __doc__(this: &Obj<Self>) -> Option<&'static str> {
        match this.place {
            Place::Native(definition) => Some(definition.0.doc).filter(|doc| !doc.is_empty()),
            Place::Slot { .. } => None,
        }
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        crate::types::reduce_as_attribute(thread, this.class.fixed(), &this.name_text())
    }
}
