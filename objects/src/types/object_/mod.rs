//! The methods of `object`, apart from its slots.

pub mod reduce;

use crate::args::{ArgSlice, KwArgs};
use crate::error::{PyResult, type_error};
use crate::name;
use crate::types::dict::{self, PyDict};
use crate::types::object::PyObject;
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use crate::types::type_;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

#[pymethods(part = METHODS)]
impl PyObject {
    /// the object's class
    #[getter]
    fn __class__(this: Ref<'_>) -> Value {
        crate::class_of(this).to_value()
    }

    #[setter]
    #[name = "__class__"]
    fn set_class(thread: &mut Thread, this: Ref<'_>, value: Option<Ref<'_>>) -> PyResult<()> {
        type_::members::set_class(thread, this, value)
    }

    /// Helper for pickle.
    fn __reduce__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        reduce::common(thread, this, 0)
    }

    /// Helper for pickle.
    #[signature(protocol, /)]
    fn __reduce_ex__(thread: &mut Thread, this: Ref<'_>, protocol: i64) -> PyResult {
        reduce::reduce_ex(thread, this, protocol)
    }

    /// Helper for pickle.
    fn __getstate__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        reduce::default_state(thread, this, false)
    }

    /// Default object formatter.
    ///
    /// Return str(self) if format_spec is empty. Raise TypeError otherwise.
    #[signature(format_spec, /)]
    fn __format__(thread: &mut Thread, this: Ref<'_>, format_spec: &Obj<PyStr>) -> PyResult {
        if !format_spec.is_empty() {
            let class = crate::class_of(this).name();
            return Err(type_error(format!("unsupported format string passed to {class}.__format__")));
        }
        crate::protocol::str(thread, this)
    }

    /// Default dir() implementation.
    fn __dir__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let own = crate::protocol::find_attr(thread, this, name!("__dict__"))?;
        let names = match own.as_ref().and_then(|own| own.get().downcast::<PyDict>()) {
            Some(own) => dict::copy(thread, own)?,
            None => dict::new(thread)?,
        };
        if let Some(class) = crate::protocol::find_attr(thread, this, name!("__class__"))?
            && let Some(class) = class.get().downcast::<PyType>()
        {
            type_::attributes::collect_names(thread, &names, class)?;
        }
        let keys = dict::entries(thread, &names)?.into_iter().map(|entry| entry.key).collect();
        crate::types::list_object(thread, keys)
    }

    /// Size of object in memory, in bytes.
    fn __sizeof__(this: Ref<'_>) -> usize {
        let fields = &crate::class_of(this).fields;
        fields.layout.size + fields.extension_size as usize
    }

    /// This method is called when a class is subclassed.
    ///
    /// The default implementation does nothing. It may be
    /// overridden to extend subclasses.
    #[classmethod]
    fn __init_subclass__(_cls: &Obj<PyType>) {}

    /// Abstract classes can override this to customize issubclass().
    ///
    /// This is invoked early on by abc.ABCMeta.__subclasscheck__().
    /// It should return True, False or NotImplemented.  If it returns
    /// NotImplemented, the normal algorithm is used.  Otherwise, it
    /// overrides the normal algorithm (and the outcome is cached).
    #[classmethod]
    #[signature(*args, **kwargs)]
    fn __subclasshook__(_cls: &Obj<PyType>, args: ArgSlice<'_>, kwargs: KwArgs<'_>) -> Value {
        let _ = (args, kwargs);
        Value::NOT_IMPLEMENTED
    }
}
