//! `_tuplegetter`: the fields of named tuples.

use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{attribute_error_message, index_error, type_error};
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::{PyResult, PyType, class_of, int, protocol, str};

/// A descriptor that fetches an item of a tuple.
#[pyclass(name = "_tuplegetter", module = "collections")]
#[derive(Trace)]
pub(crate) struct TupleGetter {
    index: i64,
    doc: AtomicField,
}

#[pymethods]
impl TupleGetter {
    #[new]
    #[no_text_signature]
    #[signature(index, doc, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, index: isize, doc: Ref<'_>) -> PyResult {
        let getter = TupleGetter { index: index as i64, doc: AtomicField::new_local(doc.to_owned()) };
        Ok(orochi_objects::alloc(thread, cls, getter)?.into_value())
    }

    #[slot]
    fn tp_descr_get(
        _thread: &mut Thread,
        this: Ref<'_>,
        instance: Option<Ref<'_>>,
        _owner: Option<Ref<'_>>,
    ) -> PyResult {
        let getter = orochi_objects::slot_receiver::<TupleGetter>(this)?;
        let Some(instance) = instance.filter(|instance| !instance.is_none()) else {
            return Ok(this.to_owned());
        };
        let Some(tuple) = instance.downcast::<PyTuple>() else {
            let (index, class) = (getter.index, class_of(instance).name());
            return Err(type_error(format!(
                "descriptor for index '{index}' for tuple subclasses doesn't apply to '{class}' object"
            )));
        };
        let item = usize::try_from(getter.index).ok().and_then(|index| tuple.item(index));
        item.map(Ref::to_owned).ok_or_else(|| index_error("tuple index out of range"))
    }

    #[slot]
    fn tp_descr_set(
        _thread: &mut Thread,
        _this: Ref<'_>,
        _instance: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let what = if value.is_some() { "can't set attribute" } else { "can't delete attribute" };
        Err(attribute_error_message(what))
    }

    #[getter]
    #[name = "__doc__"]
    fn doc(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.doc.get(thread)
    }

    #[setter]
    #[name = "__doc__"]
    fn set_doc(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) {
        this.doc.swap(this, thread, Some(value.unwrap_or(Ref::NONE).to_owned()));
    }

    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let doc = this.doc.get(thread).unwrap_or(Value::NONE);
        let index = int::new(thread, this.index)?;
        let args = tuple::new(thread, vec![index, doc])?.into_value();
        Ok(tuple::new(thread, vec![class_of(this.get()).to_value(), args])?.into_value())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let doc = this.doc.get(thread).unwrap_or(Value::NONE);
        let doc = protocol::repr(thread, doc.get())?;
        str::new(thread, &format!("_tuplegetter({}, {})", this.index, str::display(doc.get())))
    }
}
