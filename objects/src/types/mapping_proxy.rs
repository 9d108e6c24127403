//! `mappingproxy`: a read-only view of a mapping.

use crate::class::{PyClass, is_exact};
use crate::error::{PyResult, type_error};
use crate::protocol::{self, CompareOp, number};
use crate::types::dict::{self, PyDict};
use crate::types::list::PyList;
use crate::types::repr_guard;
use crate::types::tuple::PyTuple;
use crate::types::r#type::PyType;
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_text::wtf8::Wtf8Buf;

/// Read-only proxy of a mapping.
#[pyclass(name = "mappingproxy", mapping, generic)]
#[derive(Trace)]
pub struct PyMappingProxy {
    mapping: Field,
}

/// A proxy of a mapping.
pub fn new(thread: &Thread, mapping: Value) -> PyResult {
    Ok(crate::make(thread, PyMappingProxy { mapping: Field::new_local(mapping) })?.into_value())
}

impl PyMappingProxy {
    /// The mapping behind the proxy.
    pub fn mapping(&self) -> Ref<'_> {
        self.mapping.fixed()
    }
}

/// The mapping behind a proxy; any other object itself.
fn unwrapped(object: Ref<'_>) -> Ref<'_> {
    object.downcast::<PyMappingProxy>().map_or(object, |proxy| proxy.mapping())
}

#[pymethods]
impl PyMappingProxy {
    #[new]
    #[signature(mapping)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, mapping: Ref<'_>) -> PyResult {
        let sequence = mapping.downcast::<PyList>().is_some() || mapping.downcast::<PyTuple>().is_some();
        if sequence || crate::class_of(mapping).slots.mp_subscript().is_none() {
            let class = crate::class_of(mapping).name();
            return Err(type_error(format!("mappingproxy() argument must be a mapping, not {class}")));
        }
        let proxy = PyMappingProxy { mapping: Field::new_local(mapping.to_owned()) };
        Ok(crate::alloc(thread, cls, proxy)?.into_value())
    }

    /// Return the value for key if key is in the mapping, else default.
    #[signature(key, default=None, /)]
    fn get(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        if is_exact(this.mapping(), PyDict::static_type())
            && let Some(dict) = this.mapping().downcast::<PyDict>()
        {
            let found = dict::get_item(thread, dict, key)?;
            return Ok(found.unwrap_or_else(|| default.unwrap_or(Ref::NONE).to_owned()));
        }
        protocol::call_method(thread, this.mapping(), "get", &[key, default.unwrap_or(Ref::NONE)])
    }

    /// a set-like object providing a view on D's keys
    fn keys(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        protocol::call_method(thread, this.mapping(), "keys", &[])
    }

    /// an object providing a view on D's values
    fn values(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        protocol::call_method(thread, this.mapping(), "values", &[])
    }

    /// a set-like object providing a view on D's items
    fn items(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        protocol::call_method(thread, this.mapping(), "items", &[])
    }

    /// a shallow copy of D
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        protocol::call_method(thread, this.mapping(), "copy", &[])
    }

    /// reverse iterator
    #[name = "__reversed__"]
    fn reversed(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        protocol::call_method(thread, this.mapping(), "__reversed__", &[])
    }

    #[slot]
    fn mp_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        protocol::len(thread, this.mapping())
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        protocol::get_item(thread, this.mapping(), key)
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult<bool> {
        protocol::contains(thread, this.mapping(), key)
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        protocol::iter(thread, this.mapping())
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        protocol::hash(thread, this.mapping())
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        protocol::str(thread, this.mapping())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut text = Wtf8Buf::from("mappingproxy(");
        repr_guard::push_repr(thread, &mut text, this.mapping())?;
        text.push_str(")");
        repr_guard::finish(thread, &text)
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>, op: CompareOp) -> PyResult {
        protocol::rich_compare(thread, this.mapping(), unwrapped(other), op)
    }

    #[slot]
    fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        number::or(thread, unwrapped(left), unwrapped(right))
    }

    #[slot]
    fn nb_inplace_or(this: &Obj<Self>, _other: Ref<'_>) -> PyResult {
        let class = crate::class_of(this.get()).name();
        Err(type_error(format!("'|=' is not supported by {class}; use '|' instead")))
    }
}
